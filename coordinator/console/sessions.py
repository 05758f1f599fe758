"""Sessions in a table, behind Flask's own `session`.

The browser holds a random id, the table its hash: whoever reads the database can sign in as nobody.
A session stands on a key, or on the word of its partner's own provider. It ends with that, with its
person or its partner's suspension, after some hours, or when nobody used it for a while (OWASP
Session Management Cheat Sheet).
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import psycopg
from flask import Flask, Request, Response, session
from flask import request as current_request
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import CallbackDict

from coordinator.api.auth import require_standing, standing
from coordinator.api.context import current_context
from coordinator.api.database_faults import unavailable
from coordinator.console.context import console
from coordinator.domain.errors import AuthenticationError, UnavailableError
from coordinator.domain.guest import VISIT_LASTS
from coordinator.storage.console import sessions as store
from coordinator.storage.console.sessions import StoredSession
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.membership.partners import Standing
from holdfast.protocol.type_ids import new_id

PREFIX = "/console"
#: Of a session that reads and answers as a guest: which.
GUEST = "guest"
_ID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
#: Seeing somebody again is written down no more often than this.
_SEEN_EVERY = timedelta(minutes=1)
#: A browser that has not signed in yet is remembered for as long as that takes.
_STRANGER_LASTS = timedelta(minutes=15)
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Whose a session is to be, and what it stands on: a key, or a provider."""

    partner: str
    person: str
    kid: str | None = None
    provider: str | None = None


class ConsoleSession(CallbackDict[str, str], SessionMixin):
    """Flask's session: what a browser holds beside who it is.

    Attributes:
        stored: Its row; None until something is kept.
        opening: The id of a session about to be opened in its place.
        guest: The guest that is about to be let in, in its place: somebody who is no member.
        is_ended: Whether the browser is to forget it.
        fault: Why it is not known whose it is; every page answers with it.
    """

    def __init__(
        self,
        stored: StoredSession | None = None,
        identity: str | None = None,
        fault: UnavailableError | None = None,
    ) -> None:
        def changed(session: "ConsoleSession") -> None:
            session.modified = True

        super().__init__({} if stored is None else stored.content, changed)
        self.stored = stored
        self.identity = identity
        self.signed_in: SignedIn | None = None
        self.guest: str | None = None
        self.is_ended = False
        self.modified = False
        self.new = stored is None
        self.fault = fault

    @property
    def is_signed_in(self) -> bool:
        """Whether it is somebody's, as far as that still holds."""
        return self.stored is not None and self.stored.person is not None

    def standing(self, connection: Connection) -> Standing:
        """Return the rights of whoever is signed in, as they are now.

        Raises:
            AuthenticationError: If nobody is, or what the session stands on is over.
            PermissionDeniedError: If the partner is not confirmed yet.
        """
        stored = self.stored
        if stored is None or stored.person is None:
            raise AuthenticationError("nobody is signed in", code="signed_out")
        if stored.provider is None:
            return standing(connection, stored.kid or "")
        found = partner_store.standing_by_provider(connection, stored.provider, stored.person)
        return require_standing(found)

    def sign_in(self, who: SignedIn) -> None:
        """Have it replaced by a new one that is somebody's (no session fixation)."""
        self.clear()
        self.signed_in = who

    def let_in(self, guest: str) -> None:
        """Have it replaced by a new one that reads and answers as one guest (no fixation)."""
        self.clear()
        self[GUEST] = self.guest = guest

    def end(self) -> None:
        """Have it removed, and the browser forget it."""
        self.clear()
        self.is_ended = True


class TableSessions(SessionInterface):
    """Opens and saves the sessions of the console's pages; the API has none."""

    def open_session(self, app: Flask, request: Request) -> ConsoleSession | None:
        """Return the session of the request's browser; None outside of the console."""
        del app
        if request.path != PREFIX and not request.path.startswith(f"{PREFIX}/"):
            return None
        identity = request.cookies.get(cookie_name(), "")
        if not _ID.fullmatch(identity):
            return ConsoleSession()
        context = current_context()
        now = context.clock.now()
        try:
            with context.database.engine.connect() as connection:
                found = store.find(
                    connection, _hashed(identity), now=now, idle_since=now - console().idle
                )
        except (SQLAlchemyError, psycopg.Error) as error:
            away = unavailable(error)
            if away is None:
                raise
            # Not a stranger, who would be sent to sign in: no page knows who asks.
            return ConsoleSession(fault=away)
        return ConsoleSession() if found is None else ConsoleSession(found, identity)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed, and tell the browser its new id, if it has one."""
        del app
        if not isinstance(session, ConsoleSession):
            return
        response.headers.add("Vary", "Cookie")
        if session.fault is not None:
            return
        try:
            self._save(session, response)
        except (SQLAlchemyError, psycopg.Error) as error:
            # Whoever only reads goes on reading where nothing can be stored.
            if current_request.method != "GET" or unavailable(error) is None:
                raise

    def _save(self, session: ConsoleSession, response: Response) -> None:
        if session.is_ended:
            self._end(session, response)
        elif (
            session.signed_in is not None
            or session.guest is not None
            or (session.stored is None and session.modified)
        ):
            self._open(session, response)
        elif session.stored is not None:
            self._see_again(session, session.stored)

    def _end(self, session: ConsoleSession, response: Response) -> None:
        if session.stored is not None:
            with current_context().database.transaction() as connection:
                store.remove(connection, session.stored.id_sha256)
        response.delete_cookie(cookie_name(), **_cookie_terms())

    def _open(self, session: ConsoleSession, response: Response) -> None:
        context = current_context()
        now = context.clock.now()
        identity = secrets.token_urlsafe(32)
        who = session.signed_in
        opened = StoredSession(
            id_sha256=_hashed(identity),
            number=new_id("ses"),
            kid=None if who is None else who.kid,
            provider=None if who is None else who.provider,
            partner=None if who is None else who.partner,
            person=None if who is None else who.person,
            browser=browser_of(_user_agent()),
            content=dict(session),
            opened_at=now,
            seen_at=now,
            ends_at=now + _lasts(session),
        )
        with context.database.transaction() as connection:
            if session.stored is not None:
                store.remove(connection, session.stored.id_sha256)
            store.store(connection, opened)
        response.set_cookie(cookie_name(), identity, **_cookie_terms())

    def _see_again(self, session: ConsoleSession, stored: StoredSession) -> None:
        if not session.modified and _is_by_itself():
            return  # an open page is nobody who uses it
        context = current_context()
        now = context.clock.now()
        if not session.modified and now - stored.seen_at < _SEEN_EVERY:
            return
        with context.database.transaction() as connection:
            store.change(connection, stored.id_sha256, content=session, seen_at=now)


def _lasts(session: ConsoleSession) -> timedelta:
    """Return how long a session lasts that opens now, at most."""
    if session.signed_in is not None:
        return console().lifetime
    return _STRANGER_LASTS if session.guest is None else VISIT_LASTS


def _is_by_itself() -> bool:
    """Tell whether a page asked, which follows what happens, and not a person."""
    return current_request.path.endswith("/live") or current_request.headers.get("X-Part") == "main"


def own_session() -> ConsoleSession:
    """Return the session of the current request to the console."""
    mine = session._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    if not isinstance(mine, ConsoleSession):
        raise TypeError("the API has no sessions")
    return mine


def idle_since(now: datetime) -> datetime:
    """Return since when a session that lives now must have been used."""
    return now - console().idle


def cookie_name() -> str:
    """Return the cookie's name; over HTTPS one that only this very host can set (RFC 6265bis)."""
    return "__Host-holdfast" if console().is_https else "holdfast"


def _cookie_terms() -> dict[str, Any]:
    return {"path": "/", "httponly": True, "samesite": "Strict", "secure": console().is_https}


def _hashed(identity: str) -> str:
    return sha256(identity.encode("ascii")).hexdigest()


def _user_agent() -> str:
    return current_request.headers.get("User-Agent", "")


def browser_of(user_agent: str) -> str:
    """Return a browser as its owner knows it again: "Chrome on Android"; nothing finer is kept."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    if not browser and "Safari" in user_agent:
        browser = "Safari"
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return " on ".join(filter(None, (browser or "A browser", system)))
