"""Legs: one partner's side of a request."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, String, bindparam, null, select, update

from coordinator.domain import leg as leg_rules
from coordinator.domain.actor import Viewer
from coordinator.domain.errors import ConflictError
from coordinator.domain.leg import LegAct, LegFlag
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.requests.leg_limits import is_seen, person_of
from coordinator.storage.tables.events import EventRow
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol.vocabulary import EventType, LegStatus


class PartnerAsked(NamedTuple):
    """A partner that has a leg, and how the leg shows."""

    partner: str
    status: str


#: What becomes of a leg whose notice was given up, once it arrives or is needed no more.
REACHED = MappingProxyType({"unreached_for": None, "unreached_at": None})
#: Legs still queued that one look at the feed considers.
_OLDEST = 100

_COLUMNS = (
    "id",
    "request_id",
    "partner",
    "status",
    "queued_at",
    "acknowledge_by",
    "answer_by",
    "flags",
    "ended",
    "owes_answer",
    "event_sequence",
    "version",
)


_ASKED = Prebuilt(
    select(LegRow.partner, LegRow.status).where(LegRow.request_id == bindparam("request_id")),
    PartnerAsked,
)
_LEG = Prebuilt(select(LegRow).where(LegRow.id == bindparam("leg_id")))
_OF_PARTNER = Prebuilt(
    select(LegRow).where(
        LegRow.request_id == bindparam("request_id"), LegRow.partner == bindparam("partner")
    )
)
_SEEN_BY = Prebuilt(
    select(LegRow).where(
        LegRow.request_id == bindparam("request_id"),
        LegRow.partner == bindparam("partner"),
        is_seen(
            LegRow.request_id,
            bindparam("partner", type_=String),
            bindparam("person", type_=String),
        ),
    )
)
_OF_REQUEST = Prebuilt(
    select(LegRow)
    .where(LegRow.request_id == bindparam("request_id"), LegRow.id > bindparam("after"))
    .order_by(LegRow.id)
    .limit(bindparam("at_most"))
)
_REQUESTS_OF = Prebuilt(select(LegRow.request_id), among=LegRow.id)
_LEGS = Prebuilt(select(LegRow).order_by(LegRow.id), among=LegRow.id)
_DELIVER = Prebuilt(
    update(LegRow)
    .where(LegRow.version == bindparam("seen"))
    .values(
        version=LegRow.version + 1,
        status=bindparam("new_status"),
        last_act=bindparam("act"),
        delivered_at=bindparam("at"),
        flags=bindparam("new_flags"),
        unreached_for=null(),
        unreached_at=null(),
    ),
    among=LegRow.id,
)


@dataclass(frozen=True, slots=True)
class NewLeg:
    """A leg about to be stored; has what events need of a leg's row."""

    id: str
    partner: str
    acknowledge_by: datetime
    answer_by: datetime
    event_sequence: int = 0
    requester_sequence: int = 0


def insert(
    connection: Connection, request_id: str, legs: Sequence[NewLeg], *, queued_at: datetime
) -> None:
    """Store fresh legs, queued."""
    insert_rows(
        connection,
        LegRow,
        _COLUMNS,
        [
            (
                leg.id,
                request_id,
                leg.partner,
                "queued",
                queued_at,
                leg.acknowledge_by,
                leg.answer_by,
                [],
                False,
                False,
                0,
                1,
            )
            for leg in legs
        ],
    )


def of_partner(connection: Connection, request_id: str, partner: str) -> LegRow | None:
    """Return the leg that `partner` has of a request."""
    return _OF_PARTNER.row(connection, request_id=request_id, partner=partner)


def seen_by(connection: Connection, request_id: str, viewer: Viewer) -> LegRow | None:
    """Return the leg that a viewer's partner has of a request, if it is theirs to see."""
    return _SEEN_BY.row(
        connection, request_id=request_id, partner=viewer.partner, person=person_of(viewer)
    )


def partners_of(connection: Connection, request_id: str) -> list[str]:
    """Return the handles that have a leg of a request."""
    query = select(LegRow.partner).where(LegRow.request_id == request_id)
    return list(connection.execute(query).scalars())


def get(connection: Connection, leg_id: str) -> LegRow | None:
    """Return one leg."""
    return _LEG.row(connection, leg_id=leg_id)


def requests_of(connection: Connection, leg_ids: Collection[str]) -> set[str]:
    """Return the requests that legs belong to."""
    if not leg_ids:
        return set()
    return set(_REQUESTS_OF.rows(connection, among=sorted(leg_ids)))


def partners_by_leg(connection: Connection, leg_ids: Collection[str]) -> dict[str, str]:
    """Return whose each of a few legs is."""
    if not leg_ids:
        return {}
    query = select(LegRow.id, LegRow.partner).where(LegRow.id.in_(sorted(leg_ids)))
    return dict(connection.execute(query).all())


def get_all(connection: Connection, leg_ids: Collection[str]) -> list[LegRow]:
    """Return legs, by id."""
    return _LEGS.rows(connection, among=sorted(leg_ids)) if leg_ids else []


def of_request(
    connection: Connection, request_id: str, *, after: str = "", limit: int = 1000
) -> list[LegRow]:
    """Return a request's legs by id."""
    return _OF_REQUEST.rows(connection, request_id=request_id, after=after, at_most=limit)


def change(connection: Connection, leg: LegRow, **values: Any) -> None:
    """Write new values where the leg is still as it was read.

    Raises:
        ConflictError: If somebody changed it meanwhile.
    """
    statement = (
        update(LegRow)
        .where(LegRow.id == leg.id, LegRow.version == leg.version)
        .values(version=leg.version + 1, **values)
    )
    if connection.execute(statement).rowcount != 1:
        raise ConflictError("the leg was changed meanwhile; read it again")


def deliver(
    connection: Connection, legs: Sequence[LegRow], *, status: LegStatus, act: LegAct, at: datetime
) -> None:
    """Write of many legs at once that their notices arrived, where they are as they were read.

    Raises:
        ConflictError: If somebody changed one of them meanwhile.
    """
    alike: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for leg in legs:
        flags = tuple(flag for flag in leg.flags if flag != LegFlag.UNDELIVERABLE)
        alike.setdefault((leg.version, flags), []).append(leg.id)
    for (version, flags), ids in alike.items():
        values = {"new_status": status.value, "act": act.value, "at": at, "new_flags": list(flags)}
        if _DELIVER.send(connection, among=ids, seen=version, **values).changed() != len(ids):
            raise ConflictError("a leg was changed meanwhile; read it again")


def due_for_overdue(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return legs that nobody acknowledged in time and that were not flagged yet."""
    query = (
        select(LegRow.id)
        .where(
            LegRow.acknowledged_at.is_(None),
            LegRow.overdue_at.is_(None),
            LegRow.acknowledge_by <= now,
            ~LegRow.ended,
        )
        .order_by(LegRow.acknowledge_by)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def due_for_answer(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return legs whose time to answer has passed, and that were not flagged yet."""
    query = (
        select(LegRow.id)
        .where(
            LegRow.answered_at.is_(None),
            LegRow.unanswered_at.is_(None),
            LegRow.answer_by <= now,
            LegRow.clock_paused_at.is_(None),
            ~LegRow.ended,
        )
        .order_by(LegRow.answer_by)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def not_final(connection: Connection, request_id: str, *, limit: int) -> list[str]:
    """Return up to `limit` legs of a request of which something is still expected."""
    final = [status.value for status in leg_rules.FINAL]
    query = (
        select(LegRow.id)
        .where(LegRow.request_id == request_id, LegRow.status.not_in(final) | LegRow.owes_answer)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def legs_asked(connection: Connection, request_id: str) -> dict[str, str]:
    """Return the partners that have a leg of a request, by name, with the leg's status."""
    return dict(sorted(_ASKED.rows(connection, request_id=request_id)))


def _old_notices(*, of_person: bool) -> Select[str, str]:
    """Return (request, leg) of the oldest legs still queued whose notice was passed in the feed."""
    own, person = (bindparam(name, type_=String) for name in ("partner", "person"))
    is_read = [is_seen(LegRow.request_id, own, person)] if of_person else []
    oldest = (
        select(LegRow.id, LegRow.request_id)
        .where(LegRow.partner == own, LegRow.status == LegStatus.QUEUED.value, *is_read)
        .order_by(LegRow.request_id)
        .limit(_OLDEST)
        .subquery()
    )
    return (
        select(oldest.c.request_id, oldest.c.id)
        .join(
            EventRow,
            (EventRow.request_id == oldest.c.request_id)
            & (EventRow.leg_id == oldest.c.id)
            & (EventRow.type == EventType.REQUEST_RECEIVED.value),
        )
        .where(EventRow.seq <= bindparam("up_to"))
    )


_OLD_NOTICES = {of_person: _old_notices(of_person=of_person) for of_person in (False, True)}


def unread_notices(
    connection: Connection, viewer: Viewer, *, up_to: int, event_ids: Sequence[str] = ()
) -> list[str]:
    """Return queued legs of a viewer's partner whose notice was read, in order of their requests.

    What is hidden from the viewer was not read, wherever in the feed it stands.

    Looked at are the notices among the events `event_ids` that were just read, and those of the
    oldest legs still queued, where they stand in the feed at or before `up_to`: a reader that never
    reads must not make each look dearer.
    """
    queued = (LegRow.partner == viewer.partner, LegRow.status == LegStatus.QUEUED.value)
    given = {"partner": viewer.partner, "up_to": up_to}
    if viewer.person is not None:
        given["person"] = viewer.person
    old = connection.execute(_OLD_NOTICES[viewer.person is not None], given)
    found = set(old.all())
    for some in batches(event_ids):
        just_read = (
            select(LegRow.request_id, LegRow.id)
            .join(EventRow, EventRow.leg_id == LegRow.id)
            .where(*queued, EventRow.id.in_(some))
        )
        found |= set(connection.execute(just_read).all())
    return [leg_id for _, leg_id in sorted(found)]
