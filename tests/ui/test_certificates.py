"""A certificate of no use is a sentence before the server starts."""

import datetime

import pytest

from lora_trainer.errors import UserError
from lora_trainer.ui.certificates import Certificate

trustme = pytest.importorskip("trustme", reason="trustme is not installed")
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def issuer():
    return trustme.CA()


@pytest.fixture
def made(issuer, tmp_path):
    """Writes a certificate and its key; gives both paths."""

    def make(name="one", **more):
        files = issuer.issue_cert("localhost", key_type=trustme.KeyType.ECDSA, **more)
        paths = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        paths[0].write_bytes(b"".join(blob.bytes() for blob in files.cert_chain_pems))
        files.private_key_pem.write_to_path(paths[1])
        return paths

    return make


def problem(certificate):
    with pytest.raises(UserError) as caught:
        certificate.check()
    return caught.value.sentence.code


def test_a_good_one_tells_how_long_it_lasts(made):
    file, key = made(not_after=datetime.datetime.now(datetime.timezone.utc) + 30 * DAY)
    assert Certificate(file, key).check() == pytest.approx(30 * 86400, abs=100)
    both = file.with_name("both.pem")
    both.write_bytes(file.read_bytes() + key.read_bytes())
    assert Certificate(both).check() > 0


def test_one_out_of_its_time_is_told(made):
    now = datetime.datetime.now(datetime.timezone.utc)
    old = made("old", not_before=now - 9 * DAY, not_after=now - DAY)
    early = made("early", not_before=now + DAY, not_after=now + 9 * DAY)
    assert problem(Certificate(*old)) == "certificate_expired"
    assert problem(Certificate(*early)) == "certificate_early"


def test_a_wrong_pair_or_a_file_of_another_kind_is_told(made, tmp_path):
    (file, key), (_, other) = made("one"), made("two")
    text, rubbish = tmp_path / "text", tmp_path / "rubbish"
    text.write_text("hello")
    rubbish.write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    assert problem(Certificate(file, other)) == "certificate_mismatch"
    assert problem(Certificate(file)) == "certificate_no_key"
    assert problem(Certificate(tmp_path / "none", key)) == "certificate_missing"
    assert problem(Certificate(tmp_path, key)) == "certificate_missing"
    assert problem(Certificate(text, key)) == "certificate_no_pem"
    assert problem(Certificate(rubbish, key)) == "certificate_unreadable"
    assert problem(Certificate(key, key)) == "certificate_unreadable"


def test_a_key_with_a_password_asks_nobody_on_the_terminal(made):
    from cryptography.hazmat.primitives import serialization

    file, key = made()
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    kind = serialization.BestAvailableEncryption(b"a long password")
    form = serialization.PrivateFormat.PKCS8
    key.write_bytes(loaded.private_bytes(serialization.Encoding.PEM, form, kind))
    assert problem(Certificate(file, key)) == problem(Certificate(file, key, "wrong")) == "certificate_password"
    assert Certificate(file, key, "a long password").check() > 0
