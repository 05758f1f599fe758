"""A page's function called for somebody, without a browser."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event
from werkzeug.datastructures import MultiDict

from coordinator.api.auth import standing
from coordinator.api.pipeline import Reader
from coordinator.console.forms import Form
from coordinator.console.sessions import own_session
from coordinator.console.visit import Visit
from tests.factories import Member


@contextmanager
def visit_as(
    app: Flask,
    member: Member,
    *,
    path: str = "/console",
    form: Mapping[str, str | list[str]] | None = None,
) -> Iterator[Visit]:
    """Yield the visit of somebody who is signed in, with the form that they sent."""
    context = app.extensions["holdfast"]
    with app.test_request_context(path), context.database.engine.connect() as connection:
        actor = standing(connection, member.key.kid).actor
        reader = Reader(connection, context.vault, actor, context)
        visit = Visit(own_session(), reader)
        visit.form = Form(MultiDict(dict(form or {})))
        yield visit


@contextmanager
def counted_statements(app: Flask) -> Iterator[list[str]]:
    """Yield the statements that are executed meanwhile."""
    statements: list[str] = []
    engine = app.extensions["holdfast"].database.engine

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
