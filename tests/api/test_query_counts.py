"""A page costs the same few queries however long the list is."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from tests.api.acts import approve, report_frozen, submit
from tests.conftest import World
from tests.factories import Cast, Signer

PATH = "/v1/freeze-requests"


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The statements are the same on both databases."""
    return sqlite_world


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Collect every statement that SQLite runs, whichever way it was sent."""
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
        (f"{PATH}/{{id}}", 15),
        (f"{PATH}/{{id}}/legs", 7),
        (f"{PATH}/{{id}}/ledger", 5),
        (f"{PATH}/{{id}}/holds", 4),
        (f"{PATH}/{{id}}/evidence", 8),
        (f"{PATH}/{{id}}/addresses", 6),
        (PATH, 4),
        (f"{PATH}?box=received", 4),
        ("/v1/incidents", 6),
        ("/v1/partners", 5),
        ("/v1/keys", 2),
        ("/v1/grants", 3),
        ("/v1/people", 4),
        ("/v1/passkeys", 4),
        ("/v1/chains", 1),
    ],
)
def test_a_read_costs_the_same_few_queries_however_much_there_is(
    app: Flask, signer: Signer, cast: Cast, path: str, most: int
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    report_frozen(signer, cast.b, request)
    member = cast.a.auditor
    signer.get(member, path.format(**request))
    with counted(app) as before:
        signer.get(member, path.format(**request))
    for exchange in (cast.c, cast.d):
        report_frozen(signer, exchange, request)
    for _ in range(3):
        approve(signer, cast, submit(signer, cast))
    with counted(app) as after:
        signer.get(member, path.format(**request))
    assert len(after) <= len(before), after
    assert len(_queries(after)) <= most, after


def test_all_that_waits_for_a_lead_costs_the_same_few_queries_however_much_it_is(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    path = f"{PATH}?box=to_approve"

    def wait() -> None:
        submit(signer, cast)
        live = submit(signer, cast, to=[cast.b.handle])
        approve(signer, cast, live)
        body = {"content_sha256": live["content_sha256"], "to": [cast.c.handle]}
        proposed = signer.post(cast.a.lead, f"{PATH}/{live['id']}/partners", body)
        assert proposed.status_code == 201, proposed.data

    wait()
    signer.get(cast.a.second_lead, path)
    with counted(app) as before:
        signer.get(cast.a.second_lead, path)
    for _ in range(3):
        wait()
    with counted(app) as after:
        listed = signer.get(cast.a.second_lead, path).get_json()["items"]
    assert len(listed) == 8
    assert len(_queries(after)) <= 13, after
    assert len(after) <= len(before), after


def test_all_that_waits_at_all_costs_the_same_few_queries_however_much_it_is(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    def wait() -> None:
        submit(signer, cast)
        live = submit(signer, cast, to=[cast.b.handle])
        approve(signer, cast, live)
        body = {"content_sha256": live["content_sha256"], "to": [cast.c.handle]}
        signer.post(cast.a.lead, f"{PATH}/{live['id']}/partners", body)
        report_frozen(signer, cast.b, live)
        words = {"reference": "C-17", "text": "It was bought in good faith."}
        body = {"content_sha256": live["content_sha256"], **words}
        disputed = signer.post(cast.b.lead, f"{PATH}/{live['id']}/disputes", body)
        assert disputed.status_code == 201, disputed.data

    wait()
    for member in (cast.a.second_lead, cast.b.lead):
        signer.get(member, "/v1/tasks")
    with counted(app) as before:
        signer.get(cast.a.second_lead, "/v1/tasks")
    for _ in range(3):
        wait()
    with counted(app) as after:
        listed = signer.get(cast.a.second_lead, "/v1/tasks").get_json()["items"]
    assert len(listed) == 12
    assert len(_queries(after)) <= 8, after
    assert len(after) <= len(before), after


def test_submitting_and_approving_take_few_statements(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    approve(signer, cast, submit(signer, cast))  # whose keys are whose is remembered
    with counted(app) as submitting:
        request = submit(signer, cast)
    with counted(app) as approving:
        approve(signer, cast, request)
    assert _changes(submitting) <= 28, submitting
    assert _changes(approving) <= 30, approving


def _queries(statements: list[str]) -> list[str]:
    return [s for s in statements if not s.startswith(("BEGIN", "COMMIT", "ROLLBACK"))]


def _changes(statements: list[str]) -> int:
    """Count statements, the rows of one `executemany` as one."""
    forms = [" ".join(s.split()[:3]) for s in statements]
    return sum(a != b for a, b in pairwise(["", *forms]))
