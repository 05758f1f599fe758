"""Everything that awaits an actor, in one list by deadline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from coordinator.domain.leg import SHOWS_A_FREEZE
from coordinator.domain.tasks import kinds_for, strip_of
from coordinator.services.core.read_context import ReadContext
from coordinator.services.reading.task_words import Names, NextStep, next_step
from coordinator.services.requests.freeze_request_views import incident_titles
from coordinator.services.requests.task_views import TaskView, task_view
from coordinator.storage.ending import disputes as dispute_store
from coordinator.storage.engine.documents import load
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.reading import awaited_decisions
from coordinator.storage.reading import waiting_tasks as store
from coordinator.storage.reading.waiting_tasks import NO_TIME, Place, Waiting, Wanted
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.freeze_requests import ListedRequest
from coordinator.storage.requests.tasks import TakenTask, taken
from holdfast.protocol.decision_context import DecisionContext
from holdfast.protocol.payloads import optional_time
from holdfast.protocol.tasks import Strip, Task, TaskKind
from holdfast.protocol.vocabulary import PartnerKind, Silence, Tlp, Urgency, WarningCode


class WarningCount(TypedDict):
    """A kind of warning, and how many addresses carry it (`views.WarningCount`)."""

    code: WarningCode
    address_count: int


class WaitingTaskView(TaskView):
    """A task with what there is to know of it (`views.WaitingTaskView`)."""

    strip: Strip
    due_at: str | None
    next: NextStep
    request_id: str | None
    drill: bool
    incident_id: str | None
    incident_title: str | None
    urgency: Urgency | None
    tlp: Tlp | None
    requester: str | None
    leg_id: str | None
    partner: str | None
    about: str | None
    warnings: Sequence[WarningCount]


def waiting(
    read: ReadContext, *, kind: TaskKind | None, after: Place | None, limit: int
) -> list[Waiting]:
    """Return what the actor may do of what waits, by deadline, behind a place of the list."""
    kinds = kinds_for(read.actor)
    wanted = Wanted(
        partner=read.actor.partner,
        now=read.now,
        policies=read.policies,
        kinds=kinds if kind is None else kinds & {kind},
        person=read.actor.person,
        viewer=read.actor.viewer.person,
    )
    return store.page(read.connection, wanted, after=after, limit=limit)


def waiting_views(read: ReadContext, tasks: Sequence[Waiting]) -> list[WaitingTaskView]:
    """Return tasks as their reader is shown them, in the same few queries however many they are."""
    about = _About.read(read, tasks)
    return [_view(read, each, about) for each in tasks]


@dataclass(frozen=True, slots=True)
class _About:
    """What is known of the tasks of one page."""

    requests: Mapping[str, ListedRequest]
    titles: Mapping[str, str]
    partners: Mapping[str, str]
    taken: Mapping[str, TakenTask]
    to_withdraw: Mapping[str, Sequence[int] | None]
    to_say_nothing: frozenset[str]
    warnings: Mapping[str, Sequence[WarningCount]]

    @classmethod
    def read(cls, read: ReadContext, tasks: Sequence[Waiting]) -> "_About":
        connection, handle = read.connection, read.actor.partner
        ids = sorted({each.task.request_id for each in tasks if each.task.request_id})
        rows = awaited_decisions.rows(connection, ids, read.actor.viewer) if ids else []
        legs = {each.leg_id for each in tasks if each.leg_id}
        upheld = {each.task.about or "" for each in tasks if each.task.kind is TaskKind.WITHDRAW}
        return cls(
            requests={row.id: row for row in rows},
            titles=incident_titles(connection, read.vault, rows),
            partners=leg_store.partners_by_leg(connection, legs),
            taken=taken(connection, {each.task.id: handle for each in tasks}),
            to_withdraw=dispute_store.to_withdraw(connection, upheld),
            to_say_nothing=_to_say_nothing(read, tasks, rows),
            warnings=_warnings(read, tasks),
        )


def _decided_on(task: Task) -> str | None:
    """Return the request that a task decides on; other decisions carry no warnings of their own."""
    return task.request_id if task.kind in {TaskKind.APPROVE, TaskKind.RATIFY} else None


def _warnings(read: ReadContext, tasks: Sequence[Waiting]) -> Mapping[str, Sequence[WarningCount]]:
    """Return what could be wrong with the requests that wait for a decision, by id."""
    decided_on = {each for task in tasks if (each := _decided_on(task.task)) is not None}
    found = load(read.connection, read.vault, sorted(decided_on), "context") if decided_on else {}
    return {
        owner: [
            {"code": WarningCode(each["code"]), "address_count": len(each["address_nos"])}
            for each in DecisionContext.read(context).warnings
        ]
        for owner, context in found.items()
    }


def _to_say_nothing(
    read: ReadContext, tasks: Sequence[Waiting], rows: Sequence[ListedRequest]
) -> frozenset[str]:
    """Return the legs whose answer is `cannot_say` by the reader's policy, whatever it knows.

    Whoever has frozen and reported cannot take it back by saying that.
    """
    waiting = {each.leg_id for each in tasks if each.task.kind is TaskKind.ANSWER and each.leg_id}
    own = partner_store.partner(read.connection, read.actor.partner) if waiting else None
    if own is None or own.cannot_say != Silence.PRIVATE_REQUESTERS:
        return frozenset()
    requesters = {row.id: row.requester for row in rows}
    known = partner_store.statuses(read.connection, sorted(set(requesters.values())))
    return frozenset(
        leg.id
        for leg in leg_store.get_all(read.connection, waiting)
        if leg.status not in SHOWS_A_FREEZE
        and known[requesters[leg.request_id]].kind != PartnerKind.LAW_ENFORCEMENT
    )


def _view(read: ReadContext, each: Waiting, about: _About) -> WaitingTaskView:
    task = each.task
    request = about.requests.get(task.request_id or "")
    partner = about.partners.get(each.leg_id or "")
    due_at = None if each.until == NO_TIME else each.until
    urgency = None if request is None else Urgency(request.urgency)
    names = Names(
        request=task.request_id or "",
        about=task.about or "",
        partner=partner or "the partner",
        thumbprint=each.thumbprint or "",
        addresses="".join(
            f" --address {no}" for no in about.to_withdraw.get(task.about or "") or ()
        ),
    )
    is_unratified = request is not None and request.unratified_until is not None
    return {
        **task_view(task, _current(about.taken, each), read.actor.partner),
        "strip": strip_of(task.kind, urgency, due_at=due_at, now=read.now),
        "due_at": optional_time(due_at),
        "next": next_step(
            task.kind,
            names,
            is_paused=due_at is None,
            is_unratified=is_unratified,
            is_silent=each.leg_id in about.to_say_nothing,
        ),
        "request_id": task.request_id,
        "drill": request is not None and request.drill,
        "incident_id": None if request is None else request.incident_id,
        "incident_title": None if request is None else about.titles.get(request.incident_id),
        "urgency": urgency,
        "tlp": None if request is None else Tlp(request.tlp),
        "requester": None if request is None else request.requester,
        "leg_id": each.leg_id,
        "partner": partner,
        "about": task.about,
        "warnings": about.warnings.get(_decided_on(task) or "", []),
    }


def _current(known: Mapping[str, TakenTask], each: Waiting) -> Mapping[str, TakenTask]:
    """Return who has a task, unless that was before it began to wait the last time."""
    found = known.get(each.task.id)
    return {} if found is None or found.taken_at < each.since else {found.task_id: found}
