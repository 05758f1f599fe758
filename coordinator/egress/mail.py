"""One mail by the operator's own server, under a hard deadline (RFC 5321, RFC 5322).

`smtplib` has time-outs for single reads, and a server that drips would outlast any of them, so a
timer shuts the connection when the deadline comes, whatever is under way on it.
"""

import smtplib
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cached_property
from typing import Literal

from coordinator.domain.clock import Clock
from coordinator.egress.tls import default_tls

MailTls = Literal["starttls", "tls", "none"]


class MailError(Exception):
    """The server did not take the mail; `code` says why, for programs.

    Args:
        code: "deadline_exceeded", "refused" (by the server) or "connect_failed".
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """The operator's mail server.

    Attributes:
        host: Its name; the operator's word, so it may be anywhere.
        port: As `tls` has it: 587, 465 or 25.
        sender: From whom mails are.
        tls: `starttls` before anything is said, `tls` from the first byte, or `none`.
        user: Empty: no login.
        password: Of the user.
    """

    host: str
    port: int
    sender: str
    tls: MailTls = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)


class Mailer:
    """Sends mails from any number of threads, each over a connection of its own.

    Args:
        server: The operator's.
        clock: Dates mails.
        deadline: For all of one mail, from connecting to the server's last word.
        tls: Checks certificates; by default against the system's authorities.
    """

    def __init__(
        self,
        server: MailServer,
        *,
        clock: Clock,
        deadline: timedelta = timedelta(seconds=10),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._clock = clock
        self._seconds = deadline.total_seconds()
        self._given_tls = tls

    def send(self, to: str, *, subject: str, text: str, message_id: str) -> None:
        """Have one mail taken by the server.

        Args:
            to: The one recipient.
            subject: On one line.
            text: Plain text.
            message_id: The part of the Message-ID before the `@`: equal for every try.

        Raises:
            MailError: If the server has not taken it when the deadline comes, or refuses it.
        """
        try:
            message = self._message(to, subject, message_id)
        except ValueError:
            raise MailError("refused") from None  # a header on two lines would be two headers
        message.set_content(text)
        until = time.monotonic() + self._seconds
        client = _client(self._server, self._seconds, self._tls)
        watch = threading.Timer(self._seconds, _shut, (client,))
        watch.daemon = True
        watch.start()
        try:
            self._deliver(client, message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # `ValueError`: what `smtplib` makes of an answer that is no SMTP.
            raise MailError(_code(error, is_late=time.monotonic() >= until)) from None
        finally:
            watch.cancel()
            client.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or default_tls()

    def _message(self, to: str, subject: str, message_id: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self._server.sender, to
        message["Subject"] = subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{message_id}@{self._server.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice comes back
        return message

    def _deliver(self, client: smtplib.SMTP, message: EmailMessage) -> None:
        server = self._server
        client.connect(server.host, server.port)
        if server.tls == "starttls":
            client.starttls(context=self._tls)
        if server.user:
            client.login(server.user, server.password)
        client.send_message(message)
        with suppress(smtplib.SMTPException, OSError):
            client.quit()  # it is taken; how the two part does not matter


def _client(server: MailServer, seconds: float, tls: ssl.SSLContext) -> smtplib.SMTP:
    # By default it would ask a name server for this machine's name, for as long as that takes.
    name = server.sender.rpartition("@")[2]
    if server.tls == "tls":
        client: smtplib.SMTP = smtplib.SMTP_SSL(local_hostname=name, timeout=seconds, context=tls)
    else:
        client = smtplib.SMTP(local_hostname=name, timeout=seconds)
    # What certificates are checked for. Only its constructor sets it, which connects at once, when
    # there is nothing yet that a timer could shut.
    client._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    return client


def _shut(client: smtplib.SMTP) -> None:
    """Shut the connection, so that whatever waits on it ends at once."""
    opened = client.sock
    if opened is not None:
        with suppress(OSError):
            opened.shutdown(socket.SHUT_RDWR)


def _code(error: Exception, *, is_late: bool) -> str:
    if is_late or isinstance(error, TimeoutError):
        return "deadline_exceeded"
    if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
        return "refused"
    if isinstance(error, smtplib.SMTPException | ValueError):
        return "refused"
    return "connect_failed"
