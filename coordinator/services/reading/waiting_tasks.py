"""Everything that awaits an actor, in one list by deadline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coordinator.domain.tasks import kinds_for, strip_of
from coordinator.services.core.read_context import ReadContext
from coordinator.services.reading.task_words import Names, NextStep, next_step
from coordinator.services.requests.freeze_request_views import incident_titles
from coordinator.services.requests.task_views import TaskView, task_view
from coordinator.storage.ending import disputes as dispute_store
from coordinator.storage.reading import awaited_decisions
from coordinator.storage.reading import waiting_tasks as store
from coordinator.storage.reading.waiting_tasks import NO_TIME, Place, Waiting, Wanted
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.freeze_requests import ListedRequest
from coordinator.storage.requests.tasks import TakenTask, taken
from holdfast.protocol.payloads import optional_time
from holdfast.protocol.tasks import Strip, TaskKind
from holdfast.protocol.vocabulary import Urgency


class WaitingTaskView(TaskView):
    """A task with what there is to know of it (`views.WaitingTaskView`)."""

    strip: Strip
    due_at: str | None
    next: NextStep
    request_id: str | None
    incident_id: str | None
    incident_title: str | None
    urgency: Urgency | None
    requester: str | None
    leg_id: str | None
    partner: str | None
    about: str | None


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

    @classmethod
    def read(cls, read: ReadContext, tasks: Sequence[Waiting]) -> "_About":
        connection, handle = read.connection, read.actor.partner
        ids = sorted({each.task.request_id for each in tasks if each.task.request_id})
        rows = awaited_decisions.rows(connection, ids, handle) if ids else []
        legs = {each.leg_id for each in tasks if each.leg_id}
        upheld = {each.task.about or "" for each in tasks if each.task.kind is TaskKind.WITHDRAW}
        return cls(
            requests={row.id: row for row in rows},
            titles=incident_titles(connection, read.vault, rows),
            partners=leg_store.partners_by_leg(connection, legs),
            taken=taken(connection, {each.task.id: handle for each in tasks}),
            to_withdraw=dispute_store.to_withdraw(connection, upheld),
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
        "next": next_step(task.kind, names, is_paused=due_at is None, is_unratified=is_unratified),
        "request_id": task.request_id,
        "incident_id": None if request is None else request.incident_id,
        "incident_title": None if request is None else about.titles.get(request.incident_id),
        "urgency": urgency,
        "requester": None if request is None else request.requester,
        "leg_id": each.leg_id,
        "partner": partner,
        "about": task.about,
    }


def _current(known: Mapping[str, TakenTask], each: Waiting) -> Mapping[str, TakenTask]:
    """Return who has a task, unless that was before it began to wait the last time."""
    found = known.get(each.task.id)
    return {} if found is None or found.taken_at < each.since else {found.task_id: found}
