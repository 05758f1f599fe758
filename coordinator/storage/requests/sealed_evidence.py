"""Sealed evidence, who can open it, and the parts of its ciphertext."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select

from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import read, read_as, read_one
from coordinator.storage.engine.rows import insert_rows, new_row, update_rows
from coordinator.storage.tables.documents import DocumentRow
from coordinator.storage.tables.partners import MemberActRow
from coordinator.storage.tables.sealed_evidence import (
    SealedEvidenceRow,
    SealedPartRow,
    SealedRecipientRow,
)

#: The document that holds the bytes of a part.
PART = "sealed_part"
#: A part that no act names for so long is thrown away.
WAITING_KEPT = timedelta(hours=24)
_MOST_FORGOTTEN = 500


class NewRecipient(NamedTuple):
    """A partner that can open sealed evidence from now on."""

    sealed_evidence_id: str
    partner: str
    kid: str
    act_id: str
    added_at: datetime


class SentPart(NamedTuple):
    """A part as it was sent."""

    id: str
    sha256: str
    size: int
    sealed_evidence_id: str | None


class SealedAct(NamedTuple):
    """An act that sealed evidence or added recipients."""

    id: str
    kind: str
    evidence_kind: str
    partner: str
    subject: str | None
    kid: str
    about: str | None
    at: datetime
    leaf_index: int | None


def insert_evidence(connection: Connection, **values: Any) -> SealedEvidenceRow:
    """Store one and return its row."""
    connection.execute(insert(SealedEvidenceRow).values(**values))
    return new_row(SealedEvidenceRow, values)


def insert_recipients(connection: Connection, recipients: Sequence[NewRecipient]) -> None:
    """Store who can open it."""
    insert_rows(connection, SealedRecipientRow, NewRecipient._fields, recipients)


def insert_part(connection: Connection, **values: Any) -> None:
    """Store a part that no act names yet; its bytes are a document."""
    connection.execute(insert(SealedPartRow).values(**values))


def count_of(connection: Connection, request_id: str, partner: str) -> int:
    """Count what one partner sealed on a request."""
    query = select(func.count()).where(
        SealedEvidenceRow.request_id == request_id, SealedEvidenceRow.partner == partner
    )
    return int(connection.execute(query).scalar_one())


def waiting_bytes(connection: Connection, request_id: str, partner: str) -> int:
    """Return how many bytes a partner sent for a request that no act names yet."""
    query = select(func.coalesce(func.sum(SealedPartRow.size), 0)).where(
        _sent_by(request_id, partner), SealedPartRow.sealed_evidence_id.is_(None)
    )
    return int(connection.execute(query).scalar_one())


def parts_by_hash(
    connection: Connection, request_id: str, partner: str, hashes: Sequence[str]
) -> dict[str, SentPart]:
    """Return the parts that a partner sent for a request, by the hash of each.

    They stay until the commit: `forget_waiting` passes over them.
    """
    row = SealedPartRow
    found: dict[str, SentPart] = {}
    for some in batches(hashes):
        query = select(row.id, row.sha256, row.size, row.sealed_evidence_id).where(
            _sent_by(request_id, partner), row.sha256.in_(some)
        )
        query = query.order_by(row.id).with_for_update()
        found |= {part.sha256: part for part in read_as(connection, SentPart, query)}
    return found


def name_parts(connection: Connection, sealed_evidence_id: str, parts: Iterable[SentPart]) -> None:
    """Note of which evidence parts are, in their order."""
    values = [(part.id, sealed_evidence_id, number) for number, part in enumerate(parts)]
    update_rows(connection, SealedPartRow, ("id",), ("sealed_evidence_id", "number"), values)


def part_id(connection: Connection, sealed_evidence_id: str, number: int) -> SentPart | None:
    """Return one part of sealed evidence."""
    row = SealedPartRow
    query = select(row.id, row.sha256, row.size, row.sealed_evidence_id).where(
        row.sealed_evidence_id == sealed_evidence_id, row.number == number
    )
    return next(iter(read_as(connection, SentPart, query)), None)


def find(
    connection: Connection, request_id: str, sealed_evidence_id: str, *, reader: str
) -> SealedEvidenceRow | None:
    """Return one that `reader` sealed or can open."""
    query = select(SealedEvidenceRow).where(
        SealedEvidenceRow.id == sealed_evidence_id,
        SealedEvidenceRow.request_id == request_id,
        _is_known_to(reader),
    )
    return read_one(connection, query)


def page(
    connection: Connection, request_id: str, *, reader: str, after: str, limit: int
) -> list[SealedEvidenceRow]:
    """Return what `reader` sealed or can open, oldest first."""
    query = select(SealedEvidenceRow).where(
        SealedEvidenceRow.request_id == request_id,
        SealedEvidenceRow.id > after,
        _is_known_to(reader),
    )
    return read(connection, query.order_by(SealedEvidenceRow.id).limit(limit))


def recipients_of(
    connection: Connection, evidence_ids: Collection[str]
) -> dict[str, list[SealedRecipientRow]]:
    """Return who can open each, in the order of their handles."""
    row = SealedRecipientRow
    query = select(row).where(row.sealed_evidence_id.in_(sorted(evidence_ids)))
    found: dict[str, list[SealedRecipientRow]] = defaultdict(list)
    for recipient in read(connection, query.order_by(row.partner)) if evidence_ids else ():
        found[recipient.sealed_evidence_id].append(recipient)
    return found


def acts_by_id(connection: Connection, act_ids: Collection[str]) -> list[SealedAct]:
    """Return acts, oldest first."""
    row = MemberActRow
    columns = (row.id, row.kind, row.evidence_kind, row.partner, row.subject, row.kid)
    query = (
        select(*columns, row.about, row.at, row.leaf_index)
        .where(row.id.in_(sorted(act_ids)))
        .order_by(row.id)
    )
    return read_as(connection, SealedAct, query) if act_ids else []


def forget_waiting(connection: Connection, now: datetime) -> int:
    """Throw away parts that no act named for `WAITING_KEPT`, some at a time; returns how many."""
    waiting = (
        select(SealedPartRow.id)
        .where(
            SealedPartRow.sealed_evidence_id.is_(None), SealedPartRow.sent_at <= now - WAITING_KEPT
        )
        .order_by(SealedPartRow.sent_at)
        .limit(_MOST_FORGOTTEN)
        # One that an act is naming just now is none that nobody named.
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.scalars(waiting))
    if ids:
        connection.execute(delete(DocumentRow).where(DocumentRow.owner_id.in_(ids)))
        connection.execute(delete(SealedPartRow).where(SealedPartRow.id.in_(ids)))
    return len(ids)


def _sent_by(request_id: str, partner: str) -> ColumnElement[bool]:
    return (SealedPartRow.request_id == request_id) & (SealedPartRow.partner == partner)


def _is_known_to(reader: str) -> ColumnElement[bool]:
    can_open = select(SealedRecipientRow.partner).where(
        SealedRecipientRow.sealed_evidence_id == SealedEvidenceRow.id,
        SealedRecipientRow.partner == reader,
    )
    return or_(SealedEvidenceRow.partner == reader, can_open.exists())
