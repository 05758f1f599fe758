"""Who asked for a right under data-protection law, and how far each requester is with it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, exists, func, insert, or_, select, union, update

from coordinator.domain.actor import Viewer
from coordinator.domain.data_subject import UNDECIDED
from coordinator.domain.errors import ConflictError
from coordinator.storage.engine.reads import read, read_one
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.requests.leg_limits import seen
from coordinator.storage.tables.data_subjects import DataSubjectCaseRow, DataSubjectRequestRow
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol.vocabulary import DataSubjectStatus

#: The document that seals what was named, and the reference.
WORDS = "words"
_Letter, _Case = DataSubjectRequestRow, DataSubjectCaseRow
_CASE_COLUMNS = (
    *("data_subject_request_id", "request_id", "requester", "address_no", "status"),
    *("routed_at", "due_at", "letter_id"),
)


class NewCase(NamedTuple):
    """What a requester has to answer from now on."""

    data_subject_request_id: str
    request_id: str
    requester: str
    address_no: int | None
    status: DataSubjectStatus
    routed_at: datetime
    due_at: datetime
    letter_id: str | None


class CaseCount(NamedTuple):
    """How many cases have a status, and of how many of them nobody heard in time."""

    status: str
    cases: int
    overdue: int


def insert_letter(connection: Connection, **values: Any) -> None:
    """Store that a person wrote."""
    connection.execute(insert(_Letter).values(**values))


def insert_cases(connection: Connection, cases: Sequence[NewCase]) -> None:
    """Store what requesters have to answer."""
    if cases:
        insert_rows(connection, _Case, _CASE_COLUMNS, cases)


def get(connection: Connection, letter_id: str) -> DataSubjectRequestRow | None:
    """Return what was passed on, by its id."""
    return read_one(connection, select(_Letter).where(_Letter.id == letter_id))


def case(connection: Connection, letter_id: str, request_id: str) -> DataSubjectCaseRow | None:
    """Return what is to be answered of it about one freeze request."""
    return read_one(
        connection,
        select(_Case).where(
            _Case.data_subject_request_id == letter_id, _Case.request_id == request_id
        ),
    )


def count_since(connection: Connection, partner: str, since: datetime) -> int:
    """Return how many letters a partner passed on since then."""
    query = select(func.count()).where(_Letter.partner == partner, _Letter.recorded_at > since)
    return int(connection.execute(query).scalar_one())


def page(
    connection: Connection, viewer: Viewer, *, request_id: str | None, after: str, limit: int
) -> list[DataSubjectRequestRow]:
    """Return what a viewer's partner passed on or has to answer, oldest first.

    Args:
        connection: For reading.
        viewer: What was passed on about a leg that is limited to others is not there for it.
        request_id: Only what concerns this freeze request, which the viewer may see.
        after: The id of the last one of the page before.
        limit: At most so many.
    """
    passed_on = select(_Letter.id.label("id")).where(_Letter.partner == viewer.partner)
    own = select(_Case.data_subject_request_id.label("id")).where(_Case.requester == viewer.partner)
    if request_id is not None:
        concerned = select(_Case.data_subject_request_id).where(_Case.request_id == request_id)
        passed_on = passed_on.where(_Letter.id.in_(concerned))
        own = own.where(_Case.request_id == request_id)
    parts = (
        passed_on.where(_Letter.id > after, *seen(_Letter.request_id, viewer))
        .order_by(_Letter.id)
        .limit(limit),
        own.where(_Case.data_subject_request_id > after)
        .distinct()
        .order_by(_Case.data_subject_request_id)
        .limit(limit),
    )
    ids = union(*(select(part.subquery().c.id) for part in parts))
    query = select(_Letter).where(_Letter.id.in_(ids))
    return read(connection, query.order_by(_Letter.id).limit(limit))


def with_ids(
    connection: Connection, viewer: Viewer, letter_ids: Collection[str]
) -> list[DataSubjectRequestRow]:
    """Return those of these letters that a viewer's partner passed on or has to answer."""
    own = exists().where(
        _Case.data_subject_request_id == _Letter.id, _Case.requester == viewer.partner
    )
    passed_on = and_(_Letter.partner == viewer.partner, *seen(_Letter.request_id, viewer))
    query = select(_Letter).where(_Letter.id.in_(sorted(letter_ids)), or_(passed_on, own))
    return read(connection, query)


def cases_of(
    connection: Connection, viewer: Viewer, letter_ids: Collection[str]
) -> Mapping[str, Sequence[DataSubjectCaseRow]]:
    """Return the cases that a viewer may see, by letter: of requests of its own or that ask it."""
    found: dict[str, list[DataSubjectCaseRow]] = {each: [] for each in letter_ids}
    asked = exists().where(
        LegRow.request_id == _Case.request_id,
        LegRow.partner == viewer.partner,
        *seen(LegRow.request_id, viewer),
    )
    query = select(_Case).where(
        _Case.data_subject_request_id.in_(sorted(found)),
        or_(_Case.requester == viewer.partner, asked),
    )
    for row in read(connection, query.order_by(_Case.data_subject_request_id, _Case.request_id)):
        found[row.data_subject_request_id].append(row)
    return found


def change(
    connection: Connection, before: DataSubjectCaseRow, status: DataSubjectStatus, **values: Any
) -> None:
    """Write what was decided, where the case still is as it was read.

    Raises:
        ConflictError: If somebody decided meanwhile.
    """
    statement = (
        update(_Case)
        .where(
            _Case.data_subject_request_id == before.data_subject_request_id,
            _Case.request_id == before.request_id,
            _Case.status == before.status,
        )
        .values(status=status, **values)
    )
    if connection.execute(statement).rowcount != 1:
        raise ConflictError("it was decided meanwhile", code="data_subject_answered")


def end_of_request(connection: Connection, request_id: str, now: datetime) -> None:
    """Note of what is undecided about a freeze request that this is erased."""
    connection.execute(
        update(_Case)
        .where(_Case.request_id == request_id, _Case.status.in_(sorted(UNDECIDED)))
        .values(status=DataSubjectStatus.ERASED, answered_at=now)
    )


def due(connection: Connection, now: datetime, limit: int) -> Sequence[str]:
    """Return cases whose time is over and of which nobody was told yet, as `dsr_…/frq_…`."""
    query = (
        select(_Case.data_subject_request_id, _Case.request_id)
        .where(_Case.answered_at.is_(None), _Case.overdue_at.is_(None), _Case.due_at <= now)
        .order_by(_Case.due_at)
        .limit(limit)
    )
    return [f"{letter}/{request}" for letter, request in connection.execute(query)]


def mark_overdue(connection: Connection, late: DataSubjectCaseRow, now: datetime) -> None:
    """Note that nobody decided in time."""
    connection.execute(
        update(_Case)
        .where(
            _Case.data_subject_request_id == late.data_subject_request_id,
            _Case.request_id == late.request_id,
        )
        .values(overdue_at=now)
    )


def counts(connection: Connection) -> list[CaseCount]:
    """Count cases by status, and those that were late."""
    query = select(_Case.status, func.count(), func.count(_Case.overdue_at)).group_by(_Case.status)
    return [CaseCount(*row) for row in connection.execute(query)]
