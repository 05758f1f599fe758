"""Alarms, and the messages to people that they are made of: owed, claimed, done.

An alarm is owed in the transaction of what it is about, as a delivery is. A worker claims a message
with a lease, which outlasts the deadline of sending it, and completes it where the lease is still
its own. What was sent and not completed is sent again: at least once, never only perhaps.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, exists, insert, or_, select, update

from coordinator.domain.actor import Viewer
from coordinator.storage.engine.reads import read_as
from coordinator.storage.requests.leg_limits import seen
from coordinator.storage.tables.freeze_requests import LegRow
from coordinator.storage.tables.on_call import AlarmCallRow, AlarmRow, OnCallRow
from holdfast.protocol.on_call_views import AlarmOutcome, CallStatus, ChannelKind
from holdfast.protocol.tasks import TaskKind

#: Claims look through so many messages that are due, of which each partner has its share.
_LOOKED_THROUGH = 200


class Alarm(NamedTuple):
    """Something that somebody of a partner is woken for; columns of its row."""

    id: str
    partner: str
    kind: str
    request_id: str | None
    about: str | None
    can_wait: bool
    owed_at: datetime
    due_for: datetime | None = None
    place: int = 0
    next_at: datetime | None = None
    paged_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: AlarmOutcome | None = None
    drill: bool = False


class Call(NamedTuple):
    """One message to one person; columns of its row."""

    id: str
    alarm_id: str
    partner: str
    person: str
    on_call_id: str
    step: int
    channel_no: int
    channel: ChannelKind
    queued_at: datetime
    status: CallStatus = "pending"
    tries: int = 0
    next_at: datetime | None = None
    lease_until: datetime | None = None
    lease_token: str | None = None
    sent_at: datetime | None = None
    error: str | None = None


class Claimed(NamedTuple):
    """A message that is one worker's to send, and what it is about."""

    call: Call
    alarm: Alarm


class Room(NamedTuple):
    """For how many messages there is a sender.

    Attributes:
        limit: In all.
        share: At most so many of one partner at a time, with what it has under way.
        under_way: How many that is, by partner.
    """

    limit: int
    share: int
    under_way: Mapping[str, int]


class Done(NamedTuple):
    """What came of a claimed message.

    Attributes:
        next_at: When it is tried again, while `pending`.
    """

    call: Call
    status: CallStatus
    error: str | None = None
    next_at: datetime | None = None


def insert_alarms(connection: Connection, alarms: Sequence[Alarm]) -> None:
    """Store alarms that are owed from now on."""
    if alarms:
        connection.execute(insert(AlarmRow), [each._asdict() for each in alarms])


def get(connection: Connection, alarm_id: str, *, lock: bool = False) -> Alarm | None:
    """Return one alarm; locked, if asked for."""
    query = select(AlarmRow.__table__).where(AlarmRow.id == alarm_id)
    found = read_as(connection, Alarm, query.with_for_update() if lock else query)
    return found[0] if found else None


def newest(
    connection: Connection, viewer: Viewer, *, before: str | None = None, limit: int
) -> list[Alarm]:
    """Return the alarms of a viewer's partner, newest first."""
    query = select(AlarmRow.__table__).where(
        AlarmRow.partner == viewer.partner, *seen(AlarmRow.request_id, viewer)
    )
    if before is not None:
        query = query.where(AlarmRow.id < before)
    return read_as(connection, Alarm, query.order_by(AlarmRow.id.desc()).limit(limit))


def of_request(
    connection: Connection,
    request_id: str,
    partners: Collection[str] | None,
    *,
    before: str | None = None,
    limit: int,
) -> list[Alarm]:
    """Return the alarms of a request, newest first; of these partners alone, or of all (None)."""
    query = select(AlarmRow.__table__).where(AlarmRow.request_id == request_id)
    if partners is not None:
        query = query.where(AlarmRow.partner.in_(sorted(partners)))
    if before is not None:
        query = query.where(AlarmRow.id < before)
    return read_as(connection, Alarm, query.order_by(AlarmRow.id.desc()).limit(limit))


def calls(connection: Connection, alarm_ids: Collection[str]) -> dict[str, list[Call]]:
    """Return the messages of alarms, by alarm, in the order in which they were queued."""
    found: dict[str, list[Call]] = {alarm_id: [] for alarm_id in alarm_ids}
    if found:
        query = select(AlarmCallRow.__table__).where(AlarmCallRow.alarm_id.in_(sorted(found)))
        for each in read_as(connection, Call, query.order_by(AlarmCallRow.id)):
            found[each.alarm_id].append(each)
    return found


def due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return alarms whose next person is to be paged: one indexed read."""
    query = (
        select(AlarmRow.id)
        .where(AlarmRow.next_at <= now)
        .order_by(AlarmRow.next_at, AlarmRow.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def change(connection: Connection, alarm: Alarm) -> None:
    """Write an alarm as it is now."""
    values = alarm._asdict()
    del values["id"]
    connection.execute(update(AlarmRow).where(AlarmRow.id == alarm.id).values(**values))


def insert_calls(connection: Connection, new: Sequence[Call]) -> None:
    """Store messages that are to be sent."""
    if new:
        connection.execute(insert(AlarmCallRow), [each._asdict() for each in new])


def last_test(connection: Connection, partner: str) -> datetime | None:
    """Return when a partner last tested its chain."""
    query = (
        select(AlarmRow.owed_at)
        .where(AlarmRow.partner == partner, AlarmRow.kind == "test")
        .order_by(AlarmRow.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalars().first()


def end_heard(
    connection: Connection,
    partner: str,
    heard: Mapping[TaskKind, str | None],
    *,
    request_id: str,
    at: datetime,
) -> None:
    """End the alarms of a partner that somebody has from now on, and what waits to be sent.

    Args:
        connection: Inside the writing transaction; the request is locked.
        partner: Whose.
        heard: The kinds of alarms that end, each with what it is about.
        request_id: Of which request.
        at: The present moment.
    """
    ended = [
        AlarmRow.partner == partner,
        AlarmRow.request_id == request_id,
        AlarmRow.ended_at.is_(None),
        or_(
            *(
                and_(AlarmRow.kind == kind, AlarmRow.about.is_not_distinct_from(about))
                for kind, about in heard.items()
            )
        ),
    ]
    ids = list(connection.execute(select(AlarmRow.id).where(*ended)).scalars())
    for alarm_id in ids:
        end(connection, alarm_id, outcome="taken", at=at)


def end(connection: Connection, alarm_id: str, *, outcome: AlarmOutcome, at: datetime) -> None:
    """End an alarm; what was not sent yet is dropped, what is under way may still arrive."""
    connection.execute(
        update(AlarmRow)
        .where(AlarmRow.id == alarm_id)
        .values(ended_at=at, outcome=outcome, next_at=None)
    )
    connection.execute(
        update(AlarmCallRow)
        .where(AlarmCallRow.alarm_id == alarm_id, AlarmCallRow.status == "pending")
        .values(status="dropped", next_at=None)
    )


def claim(
    connection: Connection,
    room: Room,
    *,
    now: datetime,
    lease: timedelta,
    token: str,
) -> list[Claimed]:
    """Claim messages that are due, the oldest first.

    Args:
        connection: Inside a writing transaction.
        room: For how many there is a sender.
        now: The present moment; leases run by it.
        lease: For how long they are nobody else's.
        token: What completing them is fenced by.
    """
    is_free = or_(AlarmCallRow.lease_until.is_(None), AlarmCallRow.lease_until <= now)
    query = (
        select(AlarmCallRow.__table__)
        .where(AlarmCallRow.next_at <= now, is_free)
        .order_by(AlarmCallRow.next_at, AlarmCallRow.id)
        .limit(_LOOKED_THROUGH)
        .with_for_update(skip_locked=True)
    )
    theirs = Counter(room.under_way)
    chosen: list[Call] = []
    for call in read_as(connection, Call, query):
        if len(chosen) < room.limit and theirs[call.partner] < room.share:
            theirs[call.partner] += 1
            chosen.append(call._replace(lease_token=token, lease_until=now + lease))
    if not chosen:
        return []
    connection.execute(
        update(AlarmCallRow)
        .where(AlarmCallRow.id.in_([call.id for call in chosen]))
        .values(lease_token=token, lease_until=now + lease)
    )
    wanted = sorted({call.alarm_id for call in chosen})
    found = read_as(connection, Alarm, select(AlarmRow.__table__).where(AlarmRow.id.in_(wanted)))
    by_id = {alarm.id: alarm for alarm in found}
    return [Claimed(call, by_id[call.alarm_id]) for call in chosen]


def is_any_due(connection: Connection, now: datetime) -> bool:
    """Tell whether a claim may find something; costs no lock."""
    query = select(AlarmCallRow.id).where(AlarmCallRow.next_at <= now).limit(1)
    return connection.execute(query).first() is not None


def complete(connection: Connection, done: Sequence[Done], *, now: datetime) -> int:
    """Write what came of claimed messages; returns how many were still the caller's.

    A message that was dropped while it was under way is told as it ended, and is not tried again.
    """
    held = 0
    for each in done:
        is_over = each.status != "pending"
        values = {
            "status": each.status,
            "tries": each.call.tries + 1,
            "next_at": each.next_at,
            "sent_at": now if each.status == "sent" else None,
            "error": each.error,
            "lease_token": None,
            "lease_until": None,
        }
        where = [
            AlarmCallRow.id == bindparam("call"),
            AlarmCallRow.lease_token == bindparam("mine"),
        ]
        if not is_over:
            where.append(AlarmCallRow.status == "pending")
        found = connection.execute(
            update(AlarmCallRow).where(*where).values(**values),
            {"call": each.call.id, "mine": each.call.lease_token},
        )
        held += found.rowcount
    return held


def holds_that_end(
    connection: Connection,
    now: datetime,
    limit: int,
    *,
    before: timedelta,
    leg_id: str | None = None,
) -> list[str]:
    """Return legs whose first hold ends within `before`, and of whose end nobody is woken yet.

    Of partners without a chain there are none. With `leg_id`, of this leg alone.
    """
    told = exists().where(
        AlarmRow.request_id == LegRow.request_id,
        AlarmRow.kind == TaskKind.HOLD_ENDS.value,
        AlarmRow.about == LegRow.id,
        AlarmRow.due_for == LegRow.hold_ends_at,
    )
    query = (
        select(LegRow.id)
        .join(OnCallRow, OnCallRow.partner == LegRow.partner)
        .where(LegRow.hold_ends_at > now, LegRow.hold_ends_at <= now + before, ~told)
        .order_by(LegRow.hold_ends_at, LegRow.id)
        .limit(limit)
    )
    if leg_id is not None:
        query = query.where(LegRow.id == leg_id)
    return list(connection.execute(query).scalars())
