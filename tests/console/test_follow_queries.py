"""A page of the console costs the same few queries however much there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from coordinator.console.context import EXTENSION
from coordinator.storage.console import sessions as session_store
from coordinator.storage.console.sessions import StoredSession
from holdfast.protocol.type_ids import new_id
from tests.api.acts import approve, report_frozen, submit
from tests.conftest import World
from tests.factories import NOON, Cast, Member, Signer

_IDENTITY = "s" * 43


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The statements are the same on both databases."""
    return sqlite_world


def _sign_in(app: Flask, client: FlaskClient, member: Member) -> None:
    context = app.extensions["holdfast"]
    with context.database.transaction() as connection:
        session_store.store(
            connection,
            StoredSession(
                id_sha256=sha256(_IDENTITY.encode()).hexdigest(),
                number=new_id("ses"),
                kid=member.key.kid,
                provider=None,
                partner=member.handle,
                person=member.subject,
                browser="A browser",
                content={},
                opened_at=NOON,
                seen_at=NOON,
                ends_at=NOON + timedelta(hours=12),
            ),
        )
    host = app.extensions[EXTENSION].host
    client.set_cookie("holdfast", _IDENTITY, domain=host.partition(":")[0])


@contextmanager
def _counted(app: Flask) -> Iterator[list[str]]:
    statements: list[str] = []
    engine = app.extensions["holdfast"].database.engine

    def on_checkout(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(statements.append)

    def on_checkin(connection: Any, _: Any) -> None:
        connection.set_trace_callback(None)

    event.listen(engine, "checkout", on_checkout)
    event.listen(engine, "checkin", on_checkin)
    try:
        yield statements
    finally:
        event.remove(engine, "checkout", on_checkout)
        event.remove(engine, "checkin", on_checkin)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/console/requests/{id}", 34),
        ("/console/requests/{id}/addresses", 35),
        ("/console/requests/{id}/timeline", 33),
        ("/console/requests/{id}/ledger", 31),
        ("/console/requests/{id}/money", 38),
        ("/console/requests/{id}/owed", 32),
        ("/console/requests/{id}/documents", 41),
        ("/console/requests/{id}/reads", 32),
        ("/console/requests", 15),
        ("/console/holds?side=for_us", 12),
        ("/console/search?q=wallet", 20),
    ],
)
def test_a_page_costs_the_same_few_queries_however_much_there_is(
    app: Flask, signer: Signer, cast: Cast, path: str, most: int
) -> None:
    client = app.test_client()
    request = submit(signer, cast)
    approve(signer, cast, request)
    report_frozen(signer, cast.b, request)
    _sign_in(app, client, cast.a.lead)
    origin = app.extensions[EXTENSION].origin

    def get() -> None:
        answer = client.get(path.format(**request), base_url=origin)
        assert answer.status_code == 200, answer.text

    get()
    with _counted(app) as before:
        get()
    for exchange in (cast.c, cast.d):
        report_frozen(signer, exchange, request)
    for _ in range(3):
        approve(signer, cast, submit(signer, cast))
    with _counted(app) as after:
        get()
    assert len(after) <= len(before), after
    queries = [each for each in after if each.lstrip().upper().startswith(("SELECT", "WITH"))]
    assert len(queries) <= most, (len(queries), queries)
