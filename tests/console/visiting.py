"""Pages of the console as somebody who is signed in gets them, without a browser."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from coordinator.console.context import EXTENSION
from coordinator.storage.console import sessions
from coordinator.storage.console.sessions import StoredSession
from coordinator.storage.engine.database import Database
from holdfast.protocol.type_ids import new_id
from tests.factories import Member


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser that is signed in."""

    client: FlaskClient
    origin: str
    cookie: str

    def get(self, path: str) -> TestResponse:
        """Ask for a page."""
        headers = {"Cookie": self.cookie, "Host": urlsplit(self.origin).netloc}
        return self.client.get(path, base_url=self.origin, headers=headers)


def signed_in(app: Flask, member: Member) -> Visitor:
    """Return a browser in which somebody of the cast is signed in by their own key."""
    context = app.extensions["holdfast"]
    identity, now = secrets.token_urlsafe(32), context.clock.now()
    opened = StoredSession(
        id_sha256=sha256(identity.encode()).hexdigest(),
        number=new_id("ses"),
        kid=member.key.kid,
        provider=None,
        partner=member.handle,
        person=member.subject,
        browser="Chrome on Linux",
        content={},
        opened_at=now,
        seen_at=now,
        ends_at=now + timedelta(hours=1),
    )
    with context.database.transaction() as connection:
        sessions.store(connection, opened)
    client = app.test_client(use_cookies=False)
    return Visitor(client, app.extensions[EXTENSION].origin, f"holdfast={identity}")


@contextmanager
def counted_queries(database: Database) -> Iterator[list[str]]:
    """Yield a list that takes every statement which is sent while the block runs."""
    sent: list[str] = []

    def note(*arguments: object) -> None:
        sent.append(str(arguments[2]))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
