"""E-mail, handed to the user's own mail server."""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Mapping
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any

from ..errors import ConfigError
from ..sentences import Sentence
from .channel import CHANNELS, Field, Undelivered
from .notice import Notice
from .reach import MAIL_PORTS, Reach, trusted
from .web import broken_off

PORTS = {"tls": 465, "starttls": 587, "none": 25}
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
MOST_RECIPIENTS = 10


class Mail:
    """Goes through `server`, in `security`: 'tls' from the first byte, 'starttls', or 'none' in the own network."""

    fields: tuple[Field, ...] = (
        Field("server"),
        Field("port", required=False),
        Field("security", choices=tuple(PORTS), default="starttls"),
        Field("user", required=False),
        Field("password", secret=True, required=False),
        Field("sender"),
        Field("recipients"),
    )

    def check(self, values: Mapping[str, str], reach: Reach) -> None:
        problems = [
            Sentence("mail_address", "'{name}' holds no e-mail address where it should: '{text}'.", name=name, text=one)
            for name in ("sender", "recipients")
            for one in _addresses(values[name])
            if not ADDRESS.fullmatch(one)
        ]
        if not 0 < len(_addresses(values["recipients"])) <= MOST_RECIPIENTS or len(_addresses(values["sender"])) != 1:
            sentence = "An e-mail has one sender, and up to {most} recipients."
            problems.append(Sentence("mail_recipients", sentence, most=MOST_RECIPIENTS))
        if values["port"] and not (values["port"].isascii() and values["port"].isdigit()):
            problems.append(Sentence("mail_port", "'port' must be a whole number."))
        if values["security"] == "none" and (values["password"] or not reach.inner):
            sentence = "Without encryption no password is sent, and nothing beyond the own network: choose tls."
            problems.append(Sentence("mail_open", sentence))
        if problems:
            raise ConfigError(problems)
        reach.require_host(values["server"], _port(values), MAIL_PORTS)

    def place(self, values: Mapping[str, str]) -> str:
        return f"{values['recipients']} ({values['server']})"

    def deliver(self, notice: Notice, values: Mapping[str, str], reach: Reach) -> None:
        try:
            self.check(values, reach)
            with _Server(values, reach) as server:
                if values["security"] == "starttls":
                    server.starttls(context=trusted())
                if values["password"]:
                    server.login(values["user"], values["password"])
                server.send_message(message(notice, values))
        except ConfigError as error:
            raise Undelivered(error.problems[0], again=False) from None  # type: ignore[arg-type]
        except smtplib.SMTPAuthenticationError as error:
            again = error.smtp_code < 500
            sentence = Sentence("mail_login", "The mail server does not take this user and password.")
            raise Undelivered(sentence, again=again) from None
        except smtplib.SMTPNotSupportedError:
            sentence = Sentence("mail_unsupported", "The mail server does not know this kind of encryption or login.")
            raise Undelivered(sentence, again=False) from None
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(min(code for code, _ in error.recipients.values())) from None
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code) from None
        except (
            OSError,
            ValueError,
        ) as error:  # all else that smtplib raises is an OSError; a password may not be ASCII
            raise broken_off(error) from None


def message(notice: Notice, values: Mapping[str, str]) -> EmailMessage:
    """The e-mail."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(str(notice.title).split())
    mail["From"], mail["To"] = values["sender"], ", ".join(_addresses(values["recipients"]))
    mail["Date"], mail["Message-ID"] = formatdate(notice.at), make_msgid(domain="train-lora.invalid")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{notice.text or notice.title}\n\n-- \nTrain LoRA\n")
    return mail


class _Server(smtplib.SMTP):
    """A mail server, connected to as far as `reach` goes."""

    def __init__(self, values: Mapping[str, str], reach: Reach) -> None:
        self._reach, self._tls = reach, values["security"] == "tls"
        super().__init__(values["server"], _port(values))

    def __exit__(self, *_: Any) -> None:
        """Whatever the server answers to a farewell, what it took is sent."""
        with suppress(OSError):
            self.quit()
        self.close()

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        """smtplib's own place to connect; its SMTP_SSL differs in nothing else."""
        connection = self._reach.connect(host, port)
        if not self._tls:
            return connection
        try:
            return trusted().wrap_socket(connection, server_hostname=host)
        except OSError:
            connection.close()
            raise


def _port(values: Mapping[str, str]) -> int:
    return int(values["port"]) if values["port"] else PORTS[values["security"]]


def _addresses(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _refused(code: int) -> Undelivered:
    """What the server's code means; what it wrote beside it is not shown."""
    sentence = Sentence("notice_refused", "The server did not take it (status {status}).", status=code)
    return Undelivered(sentence, again=code < 500)


CHANNELS.add("email", Mail())
