"""Sealed texts whose time is over, apart from requests as a whole (`storage.requests.erasures`)."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, exists, select, update

from coordinator.storage.engine.reads import read_one
from coordinator.storage.tables.documents import DocumentRow
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from coordinator.storage.tables.partners import SubjectRow
from coordinator.storage.tables.sealed_evidence import SealedEvidenceRow, SealedPartRow


def evidence_due(connection: Connection, before: datetime, limit: int) -> Sequence[str]:
    """Return sealed files that were sealed, and whose request ended, so long ago.

    Kept longer while a hold is open, under an order or not, or anything is owed or contested.
    """
    # What is erased leaves the index, so that each batch begins where the one before ended.
    query = (
        select(SealedEvidenceRow.id)
        .join(FreezeRequestRow, FreezeRequestRow.id == SealedEvidenceRow.request_id)
        .where(
            SealedEvidenceRow.erased_at.is_(None),
            SealedEvidenceRow.sealed_at <= before,
            FreezeRequestRow.ended_at <= before,
            FreezeRequestRow.erased_at.is_(None),
            ~FreezeRequestRow.contested,
            ~_has_open_hold(),
            ~_owes(),
        )
        .order_by(SealedEvidenceRow.sealed_at, SealedEvidenceRow.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def is_evidence_due(connection: Connection, evidence_id: str, before: datetime) -> bool:
    """Tell the same of one file; its request is locked."""
    query = select(SealedEvidenceRow.id).where(
        SealedEvidenceRow.id == evidence_id,
        SealedEvidenceRow.erased_at.is_(None),
        SealedEvidenceRow.sealed_at <= before,
        exists().where(
            FreezeRequestRow.id == SealedEvidenceRow.request_id,
            FreezeRequestRow.ended_at <= before,
            FreezeRequestRow.erased_at.is_(None),
            ~FreezeRequestRow.contested,
            ~_has_open_hold(),
            ~_owes(),
        ),
    )
    return connection.execute(query).first() is not None


def evidence(connection: Connection, evidence_id: str) -> SealedEvidenceRow | None:
    """Return one sealed file."""
    return read_one(
        connection, select(SealedEvidenceRow).where(SealedEvidenceRow.id == evidence_id)
    )


def erase_evidence(connection: Connection, evidence_id: str, at: datetime) -> None:
    """Erase the bytes of a sealed file; its size, its hash and who could open it stay."""
    parts = select(SealedPartRow.id).where(SealedPartRow.sealed_evidence_id == evidence_id)
    connection.execute(delete(DocumentRow).where(DocumentRow.owner_id.in_(parts)))
    connection.execute(
        update(SealedEvidenceRow).where(SealedEvidenceRow.id == evidence_id).values(erased_at=at)
    )


def ended_at(connection: Connection, request_ids: Collection[str]) -> dict[str, datetime]:
    """Return when those of the requests ended that did."""
    query = select(FreezeRequestRow.id, FreezeRequestRow.ended_at).where(
        FreezeRequestRow.id.in_(sorted(request_ids))
    )
    found = connection.execute(query).all() if request_ids else ()
    return {request_id: ended for request_id, ended in found if ended is not None}


def names_due(connection: Connection, before: datetime, limit: int) -> Sequence[str]:
    """Return people and systems who left so long ago, and whose names were not erased since."""
    query = (
        select(SubjectRow.id)
        .where(SubjectRow.revoked_at <= before, SubjectRow.forgotten_at.is_(None))
        .order_by(SubjectRow.revoked_at, SubjectRow.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def mark_forgotten(connection: Connection, subject_id: str, at: datetime | None) -> None:
    """Note that nothing is kept any more of what somebody was called; None: something is again."""
    connection.execute(
        update(SubjectRow).where(SubjectRow.id == subject_id).values(forgotten_at=at)
    )


def _has_open_hold() -> ColumnElement[bool]:
    return (
        exists()
        .where(HoldLinkRow.request_id == FreezeRequestRow.id)
        .where(HoldRow.id == HoldLinkRow.hold_id, ~HoldRow.ended)
    )


def _owes() -> ColumnElement[bool]:
    return exists().where(LegRow.request_id == FreezeRequestRow.id, LegRow.owes_answer)
