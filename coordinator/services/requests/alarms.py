"""Waking people: what is owed to a partner's on-call chain, and each step along it.

An alarm is owed in the very transaction that makes a task, where the partner has a chain. The
worker pages one person of the chain after the other, until somebody has the task or it is done.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, NamedTuple, NotRequired, TypedDict
from zoneinfo import ZoneInfo

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.on_call import (
    BEFORE_HOLD_ENDS,
    HEARD_BY,
    QuietTimes,
    can_wait,
    next_place,
    wakes,
)
from coordinator.domain.permission import Permission, is_allowed
from coordinator.domain.tasks import NEEDS
from coordinator.services.core.access import locked_leg, readable_request
from coordinator.services.core.acts import LegContext, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.storage.ending import disputes
from coordinator.storage.membership import on_call as chain_store
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.membership.on_call import OnCall, OnCallDocument, StoredQuiet
from coordinator.storage.reading import waiting_tasks
from coordinator.storage.reading.waiting_tasks import NO_TIME, Wanted
from coordinator.storage.requests import alarms as store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import leg_limits
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.alarms import Alarm, Call
from coordinator.storage.requests.legs import NewLeg
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol.on_call_views import AlarmOutcome, CallStatus, ChannelKind
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.tasks import OF_PARTNER_ASKED, Task, TaskKind
from holdfast.protocol.type_ids import new_id, new_ids
from holdfast.protocol.vocabulary import EventType, PartnerKind, Role, Urgency

TEST: Literal["test"] = "test"
_MOST_PEOPLE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNext:
    """The next person of a chain is to be paged."""

    alarm_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeForHold:
    """The first hold of a leg ends within the hour."""

    leg_id: str


class AlarmCallView(TypedDict):
    """One message to one person (`on_call_views.AlarmCallView`)."""

    id: str
    person: str
    channel: ChannelKind
    queued_at: str
    status: CallStatus
    sent_at: str | None
    error: str | None


class AlarmView(TypedDict):
    """That somebody of a partner is woken (`on_call_views.AlarmView`)."""

    id: str
    partner: str
    kind: TaskKind | Literal["test"]
    task: str | None
    request_id: str | None
    drill: bool
    owed_at: str
    paged_at: str | None
    next_at: str | None
    ended_at: str | None
    outcome: AlarmOutcome | None
    calls: NotRequired[Sequence[AlarmCallView]]


def wake_for(on: RequestContext, kind: TaskKind, about: str | None = None) -> None:
    """Have the requester's people woken for what waits for them; nothing where they sleep by right.

    Args:
        on: The request, as it is now.
        kind: What waits.
        about: As in the task.
    """
    urgency = Urgency(on.request.urgency)
    if kind is not TaskKind.RESOLVE and not wakes(urgency):
        return
    _owe(on, [(on.request.requester, kind, about)])


def wake_asked(on: RequestContext, legs: Iterable[NewLeg]) -> None:
    """Have the people of partners asked woken for their answers."""
    urgency = Urgency(on.request.urgency)
    if wakes(urgency):
        owed = [(leg.partner, TaskKind.ANSWER, leg.id) for leg in legs]
        _owe(on, owed)


def somebody_has(uow: UnitOfWork, partner: str, task: Task) -> None:
    """End what a partner's people are woken for, as one of them has it; the request is locked."""
    heard = {kind: task.about for kind, tasks in HEARD_BY.items() if task.kind in tasks}
    if heard and task.request_id is not None:
        store.end_heard(uow.connection, partner, heard, request_id=task.request_id, at=uow.now)


def _owe(on: RequestContext, owed: Sequence[tuple[str, TaskKind, str | None]]) -> None:
    uow, request = on.uow, on.request
    awake = chain_store.having(uow.connection, {partner for partner, _, _ in owed})
    theirs = [each for each in owed if each[0] in awake]
    if not theirs:
        return
    alarms = [
        Alarm(
            alarm_id,
            partner,
            kind.value,
            request.id,
            about,
            can_wait=can_wait(kind, Urgency(request.urgency)),
            owed_at=uow.now,
            next_at=uow.now,
            drill=request.drill,
        )
        for alarm_id, (partner, kind, about) in zip(
            new_ids("alm", len(theirs)), theirs, strict=True
        )
    ]
    store.insert_alarms(uow.connection, alarms)


@handles(WakeForHold, needs=Permission.TIMER_FIRE)
def wake_for_hold(command: WakeForHold, actor: Actor, uow: UnitOfWork) -> Answer:
    """Wake a partner for a hold that ends; whether it still waits, the first page looks."""
    on = locked_leg(uow, actor, command.leg_id)
    ends_at = None if on is None else on.leg.hold_ends_at
    unchanged = Answer(200, {"status": "unchanged"})
    if on is None or ends_at is None or not uow.now < ends_at <= uow.now + BEFORE_HOLD_ENDS:
        return unchanged
    leg, request = on.leg, on.request
    # A worker that looked at the same time may have been quicker: the request is locked now.
    if leg.id not in store.holds_that_end(
        uow.connection, uow.now, 1, before=BEFORE_HOLD_ENDS, leg_id=leg.id
    ):
        return unchanged
    alarm = Alarm(
        new_id("alm"),
        leg.partner,
        TaskKind.HOLD_ENDS.value,
        request.id,
        leg.id,
        can_wait=False,
        owed_at=uow.now,
        due_for=ends_at,
        next_at=uow.now,
        drill=request.drill,
    )
    store.insert_alarms(uow.connection, [alarm])
    return Answer(200, {"status": "owed"})


@handles(PageNext, needs=Permission.TIMER_FIRE)
def page_next(command: PageNext, actor: Actor, uow: UnitOfWork) -> Answer:
    """Page the next person of a chain, or end what is over; nothing where somebody was quicker."""
    found = store.get(uow.connection, command.alarm_id)
    if found is None or found.request_id is None:
        return Answer(200, {"status": "unchanged"})
    # As every act does, so that who takes a task and this wait for each other in one order.
    request = request_store.get(uow.connection, found.request_id, lock=True)
    alarm = store.get(uow.connection, command.alarm_id, lock=True)
    if request is None or alarm is None or alarm.next_at is None or alarm.next_at > uow.now:
        return Answer(200, {"status": "unchanged"})
    step = _next_step(uow, alarm)
    if isinstance(step, datetime):
        store.change(uow.connection, alarm._replace(next_at=step))
        return Answer(200, {"status": "waits"})
    if isinstance(step, str):
        store.end(uow.connection, alarm.id, outcome=step, at=uow.now)
        return Answer(200, {"status": step})
    return _page(RequestContext(uow, actor, request), alarm, step)


class _Paged(NamedTuple):
    chain: OnCall
    document: OnCallDocument
    place: int


def _next_step(uow: UnitOfWork, alarm: Alarm) -> _Paged | datetime | AlarmOutcome:
    """Return whom an alarm pages now, until when it waits, or how it has ended."""
    outcome = _outcome(uow, alarm)
    chain = chain_store.find(uow.connection, alarm.partner)
    partner = partner_store.partner(uow.connection, alarm.partner)
    if outcome is not None or chain is None or partner is None:
        return outcome or "nobody"
    document = chain_store.document(uow.connection, uow.vault, chain.id)
    if document is None:
        return "nobody"
    quiet = quiet_times(uow, document.quiet, partner.jurisdiction) if alarm.can_wait else None
    over_at = None if quiet is None else quiet.over_at(uow.now)
    if over_at is not None:
        return over_at
    may_hear = _who_may_hear(uow, alarm, partner, document)
    if may_hear is None:
        return "nobody"
    place = next_place(alarm.place, len(document.steps), may_hear)
    return "unheard" if place is None else _Paged(chain, document, place)


def _page(on: RequestContext, alarm: Alarm, paged: _Paged) -> Answer:
    uow = on.uow
    number = paged.place % len(paged.document.steps)
    step = paged.document.steps[number]
    queue_calls(uow, alarm, paged.chain, paged.document, number)
    is_first = alarm.paged_at is None
    store.change(
        uow.connection,
        alarm._replace(
            place=paged.place + 1,
            next_at=uow.now + timedelta(minutes=step.minutes),
            paged_at=alarm.paged_at or uow.now,
        ),
    )
    record_paged(uow, alarm, [step.person])
    if not is_first:
        return Answer(200, {"status": "paged"})
    task = task_of(alarm)
    told = {
        "by": alarm.partner,
        "task": task.id,
        "kind": task.kind.value,
        "paged_at": format_time(uow.now),
    }
    recorded = _where(on, task, alarm.partner).record(EventType.TASK_PAGED, told)
    return Answer(200, {"status": "paged"}, entry=recorded)


def queue_calls(
    uow: UnitOfWork, alarm: Alarm, chain: OnCall, document: OnCallDocument, number: int
) -> list[Call]:
    """Queue a message by each channel of one step of a chain; returns them."""
    step = document.steps[number]
    ids = new_ids("cal", len(step.channels))
    queued = [
        Call(
            call_id,
            alarm.id,
            alarm.partner,
            step.person,
            chain.id,
            number,
            channel_no,
            channel.kind,
            queued_at=uow.now,
            next_at=uow.now,
        )
        for channel_no, (call_id, channel) in enumerate(zip(ids, step.channels, strict=True))
    ]
    store.insert_calls(uow.connection, queued)
    return queued


def record_paged(uow: UnitOfWork, alarm: Alarm, people: Sequence[str]) -> Recorded:
    """Record whom a partner paged: an entry of the log that its own people alone can read."""
    partner = partner_store.partner(uow.connection, alarm.partner)
    if partner is None:
        raise AssertionError("a partner is never deleted")
    told = {
        "partner": alarm.partner,
        "alarm": alarm.id,
        "kind": alarm.kind,
        "people": list(people),
        "at": format_time(uow.now),
    }
    return uow.record("alarm.paged", told, key=uow.key(partner.document_key_id))


def task_of(alarm: Alarm) -> Task:
    """Return what an alarm is about; of a test there is none."""
    return Task(TaskKind(alarm.kind), alarm.request_id, alarm.about)


def _where(on: RequestContext, task: Task, partner: str) -> RequestContext | LegContext:
    """Return what a page is told about: the leg where there is one, so that both sides hear."""
    connection, leg = on.uow.connection, None
    if task.kind in OF_PARTNER_ASKED:
        leg = leg_store.of_partner(connection, on.request.id, partner)
    elif task.kind is TaskKind.RESOLVE:
        dispute = disputes.get(connection, task.about or "", request_id=on.request.id)
        leg = None if dispute is None else leg_store.get(connection, dispute.leg_id)
    return on if leg is None else on.on_leg(leg)


def _outcome(uow: UnitOfWork, alarm: Alarm) -> AlarmOutcome | None:
    """Return how an alarm has ended by itself; None where it goes on.

    Whoever takes a task ends its alarms in that very transaction.
    """
    task = task_of(alarm)
    tasks = [Task(kind, task.request_id, task.about) for kind in HEARD_BY[task.kind]]
    kinds = {each.kind for each in tasks}
    wanted = Wanted(partner=alarm.partner, now=uow.now, policies=uow.policies, kinds=kinds)
    for each in tasks:
        found = waiting_tasks.find(uow.connection, wanted, each)
        # While the partner waits itself, for a reply, nobody is woken to answer.
        if found is not None and not (each.kind is TaskKind.ANSWER and found.until == NO_TIME):
            return None
    return "done"


def quiet_times(
    uow: UnitOfWork, quiet: StoredQuiet | None, jurisdiction: str | None
) -> QuietTimes | None:
    """Return when a partner's people sleep; None where they said of no such time."""
    if quiet is None:
        return None
    zone = ZoneInfo(quiet.zone)
    return QuietTimes(
        zone,
        time.fromisoformat(quiet.begins),
        time.fromisoformat(quiet.ends),
        uow.policies.calendars.of(jurisdiction) if quiet.rest_days else None,
    )


def _who_may_hear(
    uow: UnitOfWork, alarm: Alarm, partner: PartnerRow, document: OnCallDocument
) -> Callable[[int], bool] | None:
    """Return whether the one at a place of the chain may be paged; None: nobody there acts for it.

    Whoever may do nothing about it sleeps on, unless there is nobody else: by role, or as they had
    a hand in what is to be decided.
    """
    rows = partner_store.subjects(uow.connection, alarm.partner, limit=_MOST_PEOPLE)
    roles = {row.id: row.roles for row in rows if row.kind == "person"}
    people = [step.person for step in document.steps]
    standing = {person for person in people if person in roles}
    named = _named(uow, alarm)
    if named is not None:
        standing &= named
    if not standing:
        return None
    able = {
        person
        for person in standing
        if _may_do(uow, alarm, partner, person, frozenset(Role(r) for r in roles[person]))
    }
    heard = able or standing
    return lambda place: people[place] in heard


def _named(uow: UnitOfWork, alarm: Alarm) -> frozenset[str] | None:
    """Return to whom what an alarm is about is limited: nobody else is woken. None: it is not."""
    leg = leg_store.of_partner(uow.connection, alarm.request_id or "", alarm.partner)
    return None if leg is None else leg_limits.named(uow.connection, leg)


def _may_do(
    uow: UnitOfWork, alarm: Alarm, partner: PartnerRow, person: str, roles: frozenset[Role]
) -> bool:
    task = task_of(alarm)
    actor = Actor(
        partner=alarm.partner,
        subject=person,
        kid="",
        kind=ActorKind.PERSON,
        roles=roles,
        partner_kind=PartnerKind(partner.kind),
    )
    kinds = {kind for kind in HEARD_BY[task.kind] if is_allowed(NEEDS[kind], actor)}
    wanted = Wanted(
        partner=alarm.partner, now=uow.now, policies=uow.policies, kinds=kinds, person=person
    )
    return any(
        waiting_tasks.find(uow.connection, wanted, Task(kind, task.request_id, task.about))
        for kind in kinds
    )


def own_alarms(context: ReadContext, *, before: str | None, limit: int) -> list[Alarm]:
    """Return the alarms of the reader's partner, newest first."""
    return store.newest(context.connection, context.actor.viewer, before=before, limit=limit)


def alarms_of_request(
    context: ReadContext, request_id: str, *, before: str | None, limit: int
) -> list[Alarm]:
    """Return the alarms of a request that the reader may see, newest first.

    The requester reads of all; a partner asked, of itself and of the requester.

    Raises:
        NotFoundError: If the reader's partner is neither the requester nor asked.
    """
    own = context.actor.partner
    row, _ = readable_request(context.connection, context.actor.viewer, request_id)
    partners = None if row.requester == own else {own, row.requester}
    return store.of_request(context.connection, request_id, partners, before=before, limit=limit)


def alarm_views(context: ReadContext, alarms: Sequence[Alarm]) -> list[AlarmView]:
    """Return alarms as the reader is shown them: whom they paged, of the own side alone."""
    own = context.actor.partner
    calls = store.calls(context.connection, [a.id for a in alarms if a.partner == own])
    return [alarm_view(alarm, calls.get(alarm.id)) for alarm in alarms]


def alarm_view(alarm: Alarm, calls: Sequence[Call] | None) -> AlarmView:
    """Return one alarm; `calls` are None for the other side, which is not told when it goes on."""
    is_own = calls is not None
    view: AlarmView = {
        "id": alarm.id,
        "partner": alarm.partner,
        "kind": TEST if alarm.kind == TEST else TaskKind(alarm.kind),
        "task": None if alarm.kind == TEST else task_of(alarm).id,
        "request_id": alarm.request_id,
        "drill": alarm.drill,
        "owed_at": format_time(alarm.owed_at),
        "paged_at": optional_time(alarm.paged_at),
        "next_at": optional_time(alarm.next_at) if is_own else None,
        "ended_at": optional_time(alarm.ended_at),
        "outcome": alarm.outcome,
    }
    if calls is not None:
        view["calls"] = [
            {
                "id": call.id,
                "person": call.person,
                "channel": call.channel,
                "queued_at": format_time(call.queued_at),
                "status": call.status,
                "sent_at": optional_time(call.sent_at),
                "error": call.error,
            }
            for call in calls
        ]
    return view
