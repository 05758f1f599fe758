"""The browsers in which one is signed in, and how to sign the others out."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from flask import Response, redirect
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api.context import current_context
from coordinator.console import render
from coordinator.console.sessions import idle_since
from coordinator.console.visit import Visit
from coordinator.console.words import when_used
from coordinator.domain.errors import NotFoundError
from coordinator.storage.console import passkeys as passkey_store
from coordinator.storage.console import sessions as store
from coordinator.storage.console.sessions import StoredSession

_HERE = "/console/sessions"


@dataclass(frozen=True, slots=True)
class Row:
    """A browser as the page shows it."""

    number: str
    browser: str
    by: str
    opened_at: datetime
    seen: str
    ends_at: datetime
    is_this: bool


def show(visit: Visit) -> Response:
    """Show this browser and the others."""
    now = visit.reader.read_context.now
    found = store.of_person(
        visit.reader.connection, visit.actor.subject, now=now, idle_since=idle_since(now)
    )
    passkeys = passkey_store.of_person(visit.reader.connection, visit.actor.subject)
    kids = {each.kid for each in passkeys}
    rows = [
        Row(
            number=each.number,
            browser=each.browser,
            by=_by(each, kids),
            opened_at=each.opened_at,
            seen=when_used(each.seen_at, now),
            ends_at=each.ends_at,
            is_this=each.number == _own_number(visit),
        )
        for each in found
    ]
    rows.sort(key=lambda row: not row.is_this)
    return render.page("sessions.html", visit, rows=rows)


def end(visit: Visit, number: str) -> WsgiResponse:
    """Sign one browser out.

    Raises:
        NotFoundError: If one has no such session.
    """
    person = visit.actor.subject
    if number == _own_number(visit):
        visit.session.end()
        return redirect("/console/sign-in", HTTPStatus.SEE_OTHER)
    visit.reader.connection.rollback()
    with current_context().database.transaction() as connection:
        ended = store.end(connection, person, number)
    if not ended:
        raise NotFoundError("that browser is signed out already")
    return redirect(_HERE, HTTPStatus.SEE_OTHER)


def end_others(visit: Visit) -> WsgiResponse:
    """Sign every other browser out."""
    person, this = visit.actor.subject, _own_number(visit)
    visit.reader.connection.rollback()
    with current_context().database.transaction() as connection:
        store.end_others(connection, person, this)
    return redirect(_HERE, HTTPStatus.SEE_OTHER)


def _by(session: StoredSession, passkeys: Collection[str]) -> str:
    if session.provider is not None:
        return "through your organisation, to read"
    return "by passkey" if session.kid in passkeys else "by link"


def _own_number(visit: Visit) -> str:
    stored = visit.session.stored
    return "" if stored is None else stored.number
