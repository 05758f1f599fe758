"""Guests' web servers and mailboxes on loopback, and a worker that writes to them."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from coordinator.dispatcher.context import WorkerContext
from coordinator.dispatcher.guest_mail import GuestMail, GuestMailSettings
from coordinator.egress.fetching import Fetcher
from coordinator.egress.mail import Mailer
from tests.dispatcher.authority import Authority
from tests.dispatcher.mail_server import Mailbox, mailbox
from tests.dispatcher.raw_receiver import RawReceiver
from tests.dispatcher.sending import AMPLE, LOOPBACK
from tests.passkeys import CONSOLE
from tests.rulebook import LOG_SIGNER, ORIGIN, RULEBOOK
from tests.services.through_api import World

DOMAIN = "guest.example"
CONTACT = f"security@{DOMAIN}"
GOOD = f"Contact: mailto:{CONTACT}\nExpires: 2026-12-31T00:00:00Z\n"


@dataclass
class Site:
    """What a guest's web server answers to everything, and what it was asked."""

    body: str = GOOD
    status: str = "200 OK"
    asked: list[str] = field(default_factory=list)

    def play(self, receiver: RawReceiver, connection: socket.socket, number: int) -> None:
        del receiver, number
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        host = re.search(rb"Host: ([^:\r]+)", head)
        self.asked.append(f"{host[1].decode() if host else ''} {head.decode().split()[1]}")
        raw = self.body.encode()
        answer = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(raw)}\r\n\r\n"
        connection.sendall(answer.encode() + raw)


@dataclass
class Post:
    """A worker's part that writes to guests, with the site and the mailbox that it meets."""

    site: Site
    box: Mailbox
    worker: GuestMail

    def texts(self) -> list[str]:
        return [mail.get_content() for _, mail in self.box.mails]


def guest_worker(w: World, **more: Any) -> GuestMail:
    context = WorkerContext(
        origin=ORIGIN,
        database=w.database,
        vault=w.vault,
        clock=w.clock,
        rulebook=RULEBOOK,
        log_signer=LOG_SIGNER,
        webhook_keys=(),
    )
    return GuestMail(context, **more)


@contextmanager
def opened_post(w: World, authority: Authority) -> Iterator[Post]:
    site = Site()
    tls: ssl.SSLContext = authority.server(DOMAIN, "other.example")
    with mailbox() as box, RawReceiver(site.play, tls=tls) as receiver:

        def place(domain: str) -> str:
            return receiver.url("/.well-known/security.txt", host=domain, scheme="https")

        fetcher = Fetcher(
            LOOPBACK,
            deadline=AMPLE,
            resolver=lambda _host, _port: ["127.0.0.1"],
            tls=authority.client(),
        )
        worker = guest_worker(
            w,
            fetch=fetcher.get,
            send=Mailer(box.server, clock=w.clock, deadline=AMPLE).send,
            settings=GuestMailSettings(console=CONSOLE, place=place),
        )
        yield Post(site, box, worker)


def ask(w: World, request: dict[str, Any], domain: str = DOMAIN) -> dict[str, Any]:
    """Have A's lead ask a guest."""
    return w.act(w.cast.a.lead, request, "guests", domain=domain)


def guests(w: World, request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a request's guests as its requester reads them."""
    return w.items(w.cast.a.auditor, request, "guests")


def links(post: Post) -> list[str]:
    """Return the secrets of the links in the newest mail."""
    return re.findall(r"/console/guest#(\S+)", post.texts()[-1])
