"""What is erased of a request, and what of it stays: ids, numbers, states."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, exists, select, text, update

from coordinator.domain.delivery import DeliveryStatus
from coordinator.storage.console import drafts, prepared_acts
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import DESTROYED, Vault, destroy_key, load_one
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.reads import read_as, read_one
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.requests import read_log
from coordinator.storage.restoring.encumbrances import outlives
from coordinator.storage.tables.documents import DocumentKeyRow, DocumentRow
from coordinator.storage.tables.events import EventRow
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import (
    FlaggedAccountRow,
    FreezeRequestRow,
    IncidentRow,
    LegRow,
    PackedAccountsRow,
)
from coordinator.storage.tables.life_cycle import ErasureRow
from coordinator.storage.tables.outbox import DeliveryRow, LaneRow
from coordinator.storage.tables.read_log import RequestReadRow

_COLUMNS = ("id", "request_id", "requester", "reason", "proposed_at")
_TRACES = Prebuilt(
    select(ErasureRow.id).where(
        ErasureRow.erased_at.is_not(None), ErasureRow.traces_gone_at.is_(None)
    )
)


#: Whether anybody's transaction is older than the youngest destruction of a key: VACUUM leaves what
#: that may see, a backup or a thorough check for one, and says nothing of it.
_STILL_SEEN = text(
    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND greatest(age(backend_xmin), age(backend_xid)) >="
    " (SELECT min(age(xmin)) FROM document_key WHERE wrapped = :destroyed))"
)
#: Tables in which an erasure leaves dead rows.
_ERASED_FROM = (
    DocumentKeyRow,
    DocumentRow,
    PackedAccountsRow,
    FlaggedAccountRow,
    RequestReadRow,
)


class Erased(NamedTuple):
    """A request that is erased, as the operator lists it."""

    request_id: str
    reason: str
    erased_at: datetime


def find(connection: Connection, request_id: str) -> ErasureRow | None:
    """Return what is to be, or was, erased of a request."""
    return read_one(connection, select(ErasureRow).where(ErasureRow.request_id == request_id))


def insert(
    connection: Connection,
    erasure_id: str,
    request: FreezeRequestRow,
    reason: str,
    at: datetime | None,
) -> None:
    """Store that a request is to be erased; `at`: when the operator proposed it."""
    row = (erasure_id, request.id, request.requester, reason, at)
    insert_rows(connection, ErasureRow, _COLUMNS, [row])


def remove(connection: Connection, erasure_id: str) -> None:
    """Take back a proposal that another one takes the place of."""
    connection.execute(delete(ErasureRow).where(ErasureRow.id == erasure_id))


def mark_erased(
    connection: Connection, erasure_id: str, *, at: datetime, by: str | None, act_id: str
) -> None:
    """Note that it is done, by whom and by which act."""
    connection.execute(
        update(ErasureRow)
        .where(ErasureRow.id == erasure_id)
        .values(erased_at=at, erased_by=by, act_id=act_id)
    )


def all_erased(connection: Connection) -> list[Erased]:
    """Return every request that is erased, in the order in which that was done."""
    query = select(ErasureRow.request_id, ErasureRow.reason, ErasureRow.erased_at)
    done = query.where(ErasureRow.erased_at.is_not(None))
    return read_as(connection, Erased, done.order_by(ErasureRow.erased_at, ErasureRow.id))


def owes(connection: Connection, request_id: str) -> bool:
    """Tell whether a partner still owes an answer on a request."""
    owing = exists().where(LegRow.request_id == request_id, LegRow.owes_answer)
    return bool(connection.execute(select(owing)).scalar_one())


def due(connection: Connection, ended_before: datetime, limit: int) -> Sequence[str]:
    """Return requests that ended so long ago, and that nobody needs any more."""
    holds = (
        exists()
        .where(HoldLinkRow.request_id == FreezeRequestRow.id)
        .where(HoldRow.id == HoldLinkRow.hold_id, ~HoldRow.ended)
    )
    owing = exists().where(LegRow.request_id == FreezeRequestRow.id, LegRow.owes_answer)
    query = (
        select(FreezeRequestRow.id)
        .where(
            FreezeRequestRow.ended_at <= ended_before,
            FreezeRequestRow.ended_at.is_not(None),
            FreezeRequestRow.erased_at.is_(None),
            ~FreezeRequestRow.contested,
            ~holds,
            ~owing,
            ~outlives(FreezeRequestRow.id),
        )
        .order_by(FreezeRequestRow.ended_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


class IncidentWords(NamedTuple):
    """An incident's words, which another of its requests is to keep.

    Attributes:
        key_id: That request's data key.
    """

    content: bytes
    key_id: str


def words_to_keep(
    connection: Connection, vault: Vault, request: FreezeRequestRow
) -> IncidentWords | None:
    """Return the words of a request's incident if they are sealed with it, and others need them.

    Its erasures queue here until the commit: words that move to a request whose own key is being
    destroyed meanwhile would be read by nobody, and stop every list that shows them.
    """
    sealed_with = (
        select(IncidentRow.document_key_id)
        .where(IncidentRow.id == request.incident_id)
        .with_for_update(key_share=True)
    )
    if connection.execute(sealed_with).scalar_one() != request.document_key_id:
        return None
    other = (
        select(FreezeRequestRow.document_key_id)
        .where(
            FreezeRequestRow.incident_id == request.incident_id,
            FreezeRequestRow.id != request.id,
            FreezeRequestRow.erased_at.is_(None),
        )
        .order_by(FreezeRequestRow.id)
        .limit(1)
    )
    key_id = connection.execute(other).scalar_one_or_none()
    content = load_one(connection, vault, request.incident_id, "words")
    if key_id is None or content is None:
        return None
    return IncidentWords(content, key_id)


def move_incident(connection: Connection, incident_id: str, key_id: str) -> None:
    """Note which request's data key seals an incident's words from now on."""
    connection.execute(
        update(IncidentRow).where(IncidentRow.id == incident_id).values(document_key_id=key_id)
    )


def erase(connection: Connection, request: FreezeRequestRow, now: datetime) -> None:
    """Erase what a request says, with all that was said on it; `request` as it was before.

    Its data key goes, whatever that sealed, the blind indexes of its accounts, who read it, and
    what the console keeps of it. What waited to be delivered of it is delivered no more.
    """
    destroy_key(connection, request.document_key_id)
    connection.execute(delete(PackedAccountsRow).where(PackedAccountsRow.request_id == request.id))
    connection.execute(
        delete(FlaggedAccountRow).where(
            FlaggedAccountRow.requester == request.requester,
            FlaggedAccountRow.request_id == request.id,
        )
    )
    read_log.forget(connection, request.id)
    drafts.remove_submitted(connection, request.id)
    prepared_acts.forget_about(connection, request.id, now)
    cancel_deliveries(connection, request.id, now)


def cancel_deliveries(connection: Connection, request_id: str, now: datetime) -> None:
    """Cancel what is still to be delivered of a request, and leave its lanes idle."""
    of_request = select(EventRow.id).where(EventRow.request_id == request_id)
    endpoints = select(DeliveryRow.endpoint_id).where(DeliveryRow.event_id.in_(of_request))
    connection.execute(
        update(LaneRow)
        .where(LaneRow.request_id == request_id, LaneRow.endpoint_id.in_(endpoints))
        .values(due_at=None)
    )
    connection.execute(
        update(DeliveryRow)
        .where(DeliveryRow.event_id.in_(of_request), DeliveryRow.status == DeliveryStatus.PENDING)
        .values(status=DeliveryStatus.CANCELLED, finished_at=now)
    )


def with_traces(connection: Connection) -> list[str]:
    """Return the erasures of which the database may still keep something."""
    return _TRACES.rows(connection)


def clear_traces(database: Database) -> bool:
    """Have the database give up what it keeps of changed rows; tells whether it could.

    SQLite's journal is written back and cut to nothing, unless somebody still reads from it. From
    PostgreSQL's tables the dead rows are taken, unless somebody may still see them; its own log
    ages out by its settings.
    """
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        if database.is_sqlite:
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            return not busy
        if connection.execute(_STILL_SEEN, {"destroyed": DESTROYED}).scalar_one():
            return False
        for table in _ERASED_FROM:
            connection.exec_driver_sql(f"VACUUM {table.__tablename__}")
        return True


def mark_traces_gone(connection: Connection, erasure_ids: Sequence[str], at: datetime) -> None:
    """Note that nothing is kept any more of what these erased."""
    connection.execute(
        update(ErasureRow).where(ErasureRow.id.in_(erasure_ids)).values(traces_gone_at=at)
    )
