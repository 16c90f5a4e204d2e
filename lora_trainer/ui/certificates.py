"""The server's own certificate for HTTPS, looked at before the server starts."""

from __future__ import annotations

import contextlib
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..sentences import Sentence

SOON = 14 * 24 * 3600
EXPIRED, NOT_YET = 10, 9
"""OpenSSL's numbers for what is the matter with a certificate's time."""


@dataclass(frozen=True)
class Certificate:
    """Files in PEM: the certificate with those of its issuers behind it, and the key, which may have a password.

    Without a `key` it lies in the certificate's own file.
    """

    file: Path
    key: Path | None = None
    password: str = ""

    def check(self) -> float:
        """Seconds that it is still good for. Raises UserError for what a browser could not use."""
        context = self._context()
        try:
            return _seconds_left(context, self.file)
        except ssl.SSLCertVerificationError as error:
            raise UserError(self._untimely(error)) from error
        except (ssl.SSLError, ValueError) as error:
            raise UserError(self._unusable(str(error))) from error

    def settings(self) -> dict[str, str | None]:
        """What uvicorn is told."""
        return {
            "ssl_certfile": str(self.file),
            "ssl_keyfile": str(self.key) if self.key else None,
            "ssl_keyfile_password": self.password or None,
        }

    def _context(self) -> ssl.SSLContext:
        for path in filter(None, (self.file, self.key)):
            _require_pem(path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:  # a password is given in every case: otherwise OpenSSL asks for it on the terminal
            context.load_cert_chain(self.file, self.key, lambda: self.password)
        except (ssl.SSLError, ValueError) as error:
            raise UserError(self._wrong(error)) from error
        return context

    def _wrong(self, error: Exception) -> Sentence:
        """What is the matter with the pair of files."""
        reason = getattr(error, "reason", "") or ""
        key = str(self.key or self.file)
        if reason == "KEY_VALUES_MISMATCH":
            sentence = "The key in '{key}' does not belong to the certificate in '{path}'."
            return Sentence("certificate_mismatch", sentence, key=key, path=str(self.file))
        content = Path(key).read_text(encoding="utf-8", errors="replace")
        if "ENCRYPTED" in content:
            sentence = (
                "The key in '{key}' has a password, and this is not it: name a variable of the environment that holds "
                "it, with --key-password-from."
            )
            return Sentence("certificate_password", sentence, key=key)
        if "PRIVATE KEY-----" not in content:
            return Sentence("certificate_no_key", "There is no key in '{key}': name its file with --key.", key=key)
        sentence = "The certificate in '{path}' and the key in '{key}' cannot be read: {reason}."
        return Sentence(
            "certificate_unreadable", sentence, path=str(self.file), key=key, reason=reason or type(error).__name__
        )

    def _untimely(self, error: ssl.SSLCertVerificationError) -> Sentence:
        if error.verify_code == EXPIRED:
            sentence = "The certificate in '{path}' has expired: put a new one in its place."
            return Sentence("certificate_expired", sentence, path=str(self.file))
        if error.verify_code == NOT_YET:
            sentence = "The certificate in '{path}' is not good yet: look at its dates, and at this machine's clock."
            return Sentence("certificate_early", sentence, path=str(self.file))
        return self._unusable(error.verify_message)

    def _unusable(self, reason: str) -> Sentence:
        sentence = "The certificate in '{path}' cannot be used: {reason}."
        return Sentence("certificate_unusable", sentence, path=str(self.file), reason=reason)


def _require_pem(path: Path) -> None:
    """Raise UserError for a file that cannot be read, or is not PEM."""
    try:
        content = path.read_bytes()
    except OSError as error:
        sentence = "'{path}' cannot be read: {reason}."
        raise UserError(
            Sentence("certificate_missing", sentence, path=str(path), reason=error.strerror or str(error))
        ) from error
    if b"-----BEGIN " not in content:
        sentence = "'{path}' is no PEM file, which is a text with '-----BEGIN' in it."
        raise UserError(Sentence("certificate_no_pem", sentence, path=str(path)))


def _seconds_left(server: ssl.SSLContext, file: Path) -> float:
    """How long a certificate is still good: a client that trusts it alone shakes hands with the server, in memory."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False  # under which names it is reached, the server cannot know
    client.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cadata=_first_of(file))
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(one, other), server.wrap_bio(other, one, server_side=True))
    for _ in range(4):
        for end in ends:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    known = ends[0].getpeercert() or {}
    return ssl.cert_time_to_seconds(str(known["notAfter"])) - time.time()


def _first_of(file: Path) -> str:
    """The server's own certificate, which stands first in its file."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    _, found, rest = file.read_text(encoding="utf-8", errors="replace").partition(begin)
    if not found:
        raise ValueError("there is no certificate in it")
    return begin + rest.partition(end)[0] + end + "\n"
