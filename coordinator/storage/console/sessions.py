"""Browsers that are signed in, found by the hash of an id that only they know."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select, update

from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.console import ConsoleSessionRow, SignInProviderRow
from coordinator.storage.tables.partners import PartnerKeyRow

_MOST_REMOVED = 100


class StoredSession(NamedTuple):
    """One browser's session.

    Attributes:
        kid: The key that it was opened with; None where it was opened by none.
        provider: The partner's provider that said who it is; None where none did.
        content: The CSRF token and open challenges.
    """

    id_sha256: str
    number: str
    kid: str | None
    provider: str | None
    partner: str | None
    person: str | None
    browser: str
    content: dict[str, str]
    opened_at: datetime
    seen_at: datetime
    ends_at: datetime


_FOUND = Prebuilt(
    select(ConsoleSessionRow.__table__).where(
        ConsoleSessionRow.id_sha256 == bindparam("id_sha256"),
        ConsoleSessionRow.ends_at > bindparam("now"),
        ConsoleSessionRow.seen_at > bindparam("idle_since"),
    ),
    StoredSession,
)


def find(
    connection: Connection, id_sha256: str, *, now: datetime, idle_since: datetime
) -> StoredSession | None:
    """Return the session of a browser, unless it ended or was idle for too long."""
    return _FOUND.send(connection, id_sha256=id_sha256, now=now, idle_since=idle_since).row()


def store(connection: Connection, session: StoredSession) -> None:
    """Store a new session, and remove some that have ended."""
    connection.execute(insert(ConsoleSessionRow).values(**session._asdict()))
    ended = (
        select(ConsoleSessionRow.id_sha256)
        .where(ConsoleSessionRow.ends_at <= session.opened_at)
        .limit(_MOST_REMOVED)
    )
    connection.execute(delete(ConsoleSessionRow).where(ConsoleSessionRow.id_sha256.in_(ended)))


def change(
    connection: Connection, id_sha256: str, *, content: Mapping[str, str], seen_at: datetime
) -> None:
    """Store what a session holds, and when it was seen."""
    connection.execute(
        update(ConsoleSessionRow)
        .where(ConsoleSessionRow.id_sha256 == id_sha256)
        .values(content=dict(content), seen_at=seen_at)
    )


def remove(connection: Connection, id_sha256: str) -> None:
    """Remove one session."""
    connection.execute(delete(ConsoleSessionRow).where(ConsoleSessionRow.id_sha256 == id_sha256))


def of_person(
    connection: Connection, person: str, *, now: datetime, idle_since: datetime
) -> list[StoredSession]:
    """Return a person's sessions whose key or provider is good, the one seen last first."""
    query = (
        select(ConsoleSessionRow.__table__)
        .outerjoin(PartnerKeyRow, PartnerKeyRow.kid == ConsoleSessionRow.kid)
        .outerjoin(SignInProviderRow, SignInProviderRow.id == ConsoleSessionRow.provider)
        .where(
            or_(
                and_(PartnerKeyRow.kid.is_not(None), PartnerKeyRow.revoked_at.is_(None)),
                SignInProviderRow.id.is_not(None),
            ),
            ConsoleSessionRow.person == person,
            ConsoleSessionRow.ends_at > now,
            ConsoleSessionRow.seen_at > idle_since,
        )
        .order_by(ConsoleSessionRow.seen_at.desc(), ConsoleSessionRow.number.desc())
    )
    return read_as(connection, StoredSession, query)


def end(connection: Connection, person: str, number: str) -> int:
    """End one session of a person; returns how many that were."""
    query = delete(ConsoleSessionRow).where(
        ConsoleSessionRow.person == person, ConsoleSessionRow.number == number
    )
    return connection.execute(query).rowcount


def end_others(connection: Connection, person: str, but: str) -> int:
    """End all sessions of a person but one; returns how many."""
    query = delete(ConsoleSessionRow).where(
        ConsoleSessionRow.person == person, ConsoleSessionRow.number != but
    )
    return connection.execute(query).rowcount
