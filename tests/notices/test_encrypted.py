"""Connections that nobody else can read: to servers whose certificate is believed, and to no other."""

import base64
import shutil
import ssl
import subprocess

import pytest

from lora_trainer.notices import CHANNELS, mail, web
from lora_trainer.notices.channel import Undelivered
from lora_trainer.notices.notice import trial
from lora_trainer.notices.reach import Reach

from .servers import mail_server, web_server

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl to make a certificate")
INNER = Reach(inner=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of 127.0.0.1, with its key in the same folder."""
    folder = tmp_path_factory.mktemp("certificate")
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=here", "-addext", "subjectAltName=IP:127.0.0.1"]
    words += ["-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run([OPENSSL, *words], cwd=folder, check=True, capture_output=True)
    return folder / "certificate.pem"


@pytest.fixture
def served(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


@pytest.fixture
def believed(certificate, monkeypatch):
    for module in (web, mail):
        monkeypatch.setattr(module, "trusted", lambda: ssl.create_default_context(cafile=str(certificate)))


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch):
    monkeypatch.setattr(web, "getproxies", dict)


def values(port, security):
    given = {"server": "127.0.0.1", "port": str(port), "security": security, "user": "me", "password": "s3cret"}
    return {**given, "sender": "a@example.com", "recipients": "b@example.com"}


def test_a_notice_goes_to_a_server_whose_certificate_is_believed(served, believed):
    with web_server(tls=served) as (address, posted):
        CHANNELS.get("webhook").deliver(trial(), {"url": address}, INNER)
    assert len(posted) == 1


def test_and_to_no_other(served):
    with web_server(tls=served) as (address, posted), pytest.raises(Undelivered, match="certificate"):
        CHANNELS.get("webhook").deliver(trial(), {"url": address}, INNER)
    assert not posted


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_mail_server_is_given_the_password_only_behind_encryption(served, believed, security):
    with mail_server(**{security: served}) as (port, sent):
        CHANNELS.get("email").deliver(trial(), values(port, security), INNER)
    login = sent[0][0][0].split()[-1]
    assert base64.b64decode(login) == b"\0me\0s3cret"


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_and_a_stranger_is_not(served, security):
    with mail_server(**{security: served}) as (port, sent), pytest.raises(Undelivered, match="certificate"):
        CHANNELS.get("email").deliver(trial(), values(port, security), INNER)
    assert not sent
