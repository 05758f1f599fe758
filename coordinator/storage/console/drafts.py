"""Freeze requests that people write; what they say is sealed under their partner's key."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from coordinator.storage.engine import documents
from coordinator.storage.engine.documents import DocumentKey, SealedDocument
from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.console import DraftRow
from coordinator.storage.tables.documents import DocumentRow

#: The names of a draft's two documents: all of it, and what a list shows of it.
CONTENT, CARD = "draft", "card"
#: No two changes of a draft have one time, for the time tells them apart.
_LEAST_STEP = timedelta(microseconds=1)
#: As many as a person keeps, beside those that became a request.
MOST_KEPT = 50
#: A draft that nobody touched for so long is thrown away: what it names may be anybody's.
UNTOUCHED_KEPT = timedelta(days=30)
_MOST_FORGOTTEN = 500


class StoredDraft(NamedTuple):
    """One draft; `changed_at` is its version."""

    id: str
    partner: str
    person: str
    made_at: datetime
    changed_at: datetime
    submitted_as: str | None


class Said(NamedTuple):
    """What a draft says: all of it, and what a list shows of it."""

    content: bytes
    card: bytes


def store(connection: Connection, draft: StoredDraft, key: DocumentKey, said: Said) -> None:
    """Store a new draft."""
    connection.execute(insert(DraftRow).values(**draft._asdict()))
    _seal(connection, draft.id, key, said)


def count(connection: Connection, person: str) -> int:
    """Return how many drafts of a person became no request."""
    query = select(func.count()).where(DraftRow.person == person, DraftRow.submitted_as.is_(None))
    return connection.execute(query).scalar_one()


def find(connection: Connection, draft_id: str, *, person: str) -> StoredDraft | None:
    """Return a draft of this person, or None."""
    query = select(DraftRow.__table__).where(DraftRow.id == draft_id, DraftRow.person == person)
    rows = read_as(connection, StoredDraft, query)
    return rows[0] if rows else None


def of_person(connection: Connection, person: str, *, limit: int) -> list[StoredDraft]:
    """Return the drafts of a person that became no request, the one changed last first."""
    query = (
        select(DraftRow.__table__)
        .where(DraftRow.person == person, DraftRow.submitted_as.is_(None))
        .order_by(DraftRow.changed_at.desc(), DraftRow.id.desc())
        .limit(limit)
    )
    return read_as(connection, StoredDraft, query)


def change(
    connection: Connection, draft: StoredDraft, key: DocumentKey, said: Said, *, at: datetime
) -> bool:
    """Store what a draft says now; tells whether it still was as it had been read."""
    changed = connection.execute(
        update(DraftRow)
        .where(
            DraftRow.id == draft.id,
            DraftRow.changed_at == draft.changed_at,
            DraftRow.submitted_as.is_(None),
        )
        .values(changed_at=max(at, draft.changed_at + _LEAST_STEP))
    ).rowcount
    if changed:
        _remove_documents(connection, draft.id)
        _seal(connection, draft.id, key, said)
    return bool(changed)


def mark_submitted(connection: Connection, draft_id: str, request_id: str) -> None:
    """Note which request a draft became."""
    connection.execute(
        update(DraftRow).where(DraftRow.id == draft_id).values(submitted_as=request_id)
    )


def remove(connection: Connection, draft_id: str) -> None:
    """Throw a draft away."""
    _remove_documents(connection, draft_id)
    connection.execute(delete(DraftRow).where(DraftRow.id == draft_id))


def remove_submitted(connection: Connection, request_id: str) -> None:
    """Throw away the drafts that became a request."""
    query = select(DraftRow.id).where(DraftRow.submitted_as == request_id)
    for draft_id in list(connection.scalars(query)):
        remove(connection, draft_id)


def forget_untouched(connection: Connection, now: datetime) -> int:
    """Throw away what nobody touched for `UNTOUCHED_KEPT`, some at a time; returns how many."""
    untouched = (
        select(DraftRow.id)
        .where(DraftRow.changed_at <= now - UNTOUCHED_KEPT)
        .order_by(DraftRow.changed_at)
        .limit(_MOST_FORGOTTEN)
    )
    ids = list(connection.scalars(untouched))
    if ids:
        connection.execute(delete(DocumentRow).where(DocumentRow.owner_id.in_(ids)))
        connection.execute(delete(DraftRow).where(DraftRow.id.in_(ids)))
    return len(ids)


def _remove_documents(connection: Connection, draft_id: str) -> None:
    connection.execute(delete(DocumentRow).where(DocumentRow.owner_id == draft_id))


def _seal(connection: Connection, draft_id: str, key: DocumentKey, said: Said) -> None:
    documents.store(
        connection,
        [
            SealedDocument(draft_id, name, key.id, key.seal(draft_id, name, text))
            for name, text in ((CONTENT, said.content), (CARD, said.card))
        ],
    )
