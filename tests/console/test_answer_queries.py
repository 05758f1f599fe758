"""The page of an answer costs a bounded number of queries, whatever was reported and held."""

from typing import Any, cast

import pytest
from flask import Flask

from coordinator.api.auth import standing
from coordinator.api.pipeline import Reader
from coordinator.console.answer import page
from coordinator.console.sessions import ConsoleSession
from coordinator.console.visit import Visit
from tests.api.acts import approve, report_frozen, submit
from tests.api.test_query_counts import counted
from tests.conftest import World
from tests.factories import Cast, Member, Signer

#: Who reads, the request with its leg, its document, holds, lines, papers, the requester's words.
_MOST = 60


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The statements are the same on both databases."""
    return sqlite_world


def _show(app: Flask, member: Member, request_id: str) -> int:
    """Return how many statements the page took."""
    context = app.extensions["holdfast"]
    path = f"/console/requests/{request_id}/answer"
    with (
        app.test_request_context(path, base_url="http://localhost"),
        counted(app) as statements,
        context.database.engine.connect() as connection,
    ):
        actor = standing(connection, member.key.kid).actor
        reader = Reader(connection, context.vault, actor, context)
        visit = Visit(cast("ConsoleSession", _NoSession()), reader)
        answer: Any = page.show(visit, request_id)
    assert answer.status_code == 200
    return len(statements)


class _NoSession(dict[str, Any]):
    """A session in which nothing was just signed."""


def test_the_number_of_queries_does_not_grow(app: Flask, signer: Signer, cast: Cast) -> None:
    counts = []
    for reports in (1, 6):
        request = submit(signer, cast)
        approve(signer, cast, request)
        for _ in range(reports):
            report_frozen(signer, cast.b, request)
        counts.append(_show(app, cast.b.compliance, request["id"]))
    assert 10 < counts[0] == counts[1] <= _MOST
