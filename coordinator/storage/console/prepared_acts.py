"""Acts as they are about to be signed; what they say is sealed under their partner's key."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from coordinator.storage.engine import documents
from coordinator.storage.engine.documents import DocumentKey, SealedDocument
from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.console import PreparedActRow
from coordinator.storage.tables.documents import DocumentRow

#: The names of an act's two documents: the exact body, and what the sign page shows of it.
BODY, SHOWN = "body", "shown"
_MOST_REMOVED = 100
#: Acts of one person that wait for a signature; beyond it the oldest is forgotten.
MOST_WAITING = 20


class PreparedAct(NamedTuple):
    """One act before its signature."""

    id: str
    nonce: str
    session: str
    partner: str
    person: str
    method: str
    path: str
    prepared_at: datetime
    ends_at: datetime
    carried_out_at: datetime | None


def store(
    connection: Connection, act: PreparedAct, key: DocumentKey, *, body: bytes, shown: bytes
) -> None:
    """Store an act with its body and what is shown of it; removes some that nobody signed.

    Whoever prepares one after the other keeps the last `MOST_WAITING`: a body may be large, and
    nobody has more open at once.
    """
    connection.execute(insert(PreparedActRow).values(**act._asdict()))
    documents.store(
        connection,
        [
            SealedDocument(act.id, name, key.id, key.seal(act.id, name, content))
            for name, content in ((BODY, body), (SHOWN, shown))
        ],
    )
    _remove_ended(connection, act.prepared_at)
    _remove_oldest(connection, act.person)


def find(connection: Connection, act_id: str, *, session: str) -> PreparedAct | None:
    """Return an act that was prepared in this session, or None."""
    query = select(PreparedActRow.__table__).where(
        PreparedActRow.id == act_id, PreparedActRow.session == session
    )
    rows = read_as(connection, PreparedAct, query)
    return rows[0] if rows else None


def mark_carried_out(connection: Connection, act_id: str, at: datetime) -> None:
    """Note that an act was signed and answered."""
    connection.execute(
        update(PreparedActRow).where(PreparedActRow.id == act_id).values(carried_out_at=at)
    )


def forget_about(connection: Connection, request_id: str, now: datetime) -> None:
    """Remove every act that was prepared on a request, and all whose time to be signed is over."""
    query = select(PreparedActRow.id).where(
        PreparedActRow.path.contains(request_id, autoescape=True)
        | (PreparedActRow.ends_at <= now)
        | PreparedActRow.carried_out_at.is_not(None)
    )
    _remove(connection, list(connection.scalars(query)))


def _remove_ended(connection: Connection, now: datetime) -> None:
    ended = (
        select(PreparedActRow.id)
        .where(PreparedActRow.ends_at <= now)
        .order_by(PreparedActRow.ends_at)
        .limit(_MOST_REMOVED)
    )
    _remove(connection, list(connection.scalars(ended)))


def _remove_oldest(connection: Connection, person: str) -> None:
    waiting = (
        select(PreparedActRow.id)
        .where(PreparedActRow.person == person, PreparedActRow.carried_out_at.is_(None))
        .order_by(PreparedActRow.id.desc())
        .offset(MOST_WAITING)
        .limit(_MOST_REMOVED)
    )
    _remove(connection, list(connection.scalars(waiting)))


def _remove(connection: Connection, ids: Sequence[str]) -> None:
    if ids:
        connection.execute(delete(DocumentRow).where(DocumentRow.owner_id.in_(ids)))
        connection.execute(delete(PreparedActRow).where(PreparedActRow.id.in_(ids)))
