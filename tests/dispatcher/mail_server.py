"""A mail server on loopback that speaks as much SMTP (RFC 5321) as taking one mail takes."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from coordinator.egress.mail import MailServer
from tests.dispatcher.raw_receiver import RawReceiver

SENDER = "holdfast@coordinator.example"


class Mailbox:
    """What a server took.

    Attributes:
        mails: Each with the recipient that the envelope names.
        refuses: What it answers to a recipient instead of taking the mail.
    """

    def __init__(self) -> None:
        self.mails: list[tuple[str, EmailMessage]] = []
        self.refuses = b""
        self.server = MailServer(host="127.0.0.1", port=1, sender=SENDER, tls="none")

    def play(self, receiver: RawReceiver, connection: socket.socket, number: int) -> None:
        """Take mails, one after the other, until the client leaves."""
        del receiver, number
        lines = connection.makefile("rb")
        connection.sendall(b"220 mail.example ready\r\n")
        to = ""
        for line in lines:
            word = line[:4].upper()
            if word == b"RCPT" and self.refuses:
                connection.sendall(self.refuses)
                continue
            if word == b"RCPT":
                to = line.decode().partition("<")[2].partition(">")[0]
            if word == b"DATA":
                connection.sendall(b"354 go on\r\n")
                self.mails.append((to, _mail(lines)))
            connection.sendall(b"221 bye\r\n" if word == b"QUIT" else b"250 OK\r\n")


def _mail(lines: Iterator[bytes]) -> EmailMessage:
    body = b""
    for line in lines:
        if line == b".\r\n":
            break
        body += line
    found = message_from_bytes(body, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Give a mail server that takes everything."""
    box = Mailbox()
    with RawReceiver(box.play) as receiver:
        box.server = at(receiver)
        yield box


def at(receiver: RawReceiver) -> MailServer:
    """Return where a receiver is, as a mail server."""
    return MailServer(host="127.0.0.1", port=receiver.port, sender=SENDER, tls="none")
