"""Everything that awaits an actor, in one list by deadline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from coordinator.domain.actor import Actor
from coordinator.domain.tasks import Hands, shown_to, strip_of, why_not
from coordinator.services.core.read_context import ReadContext
from coordinator.services.reading.task_words import NextStep, Words, next_step
from coordinator.services.requests.freeze_request_views import incident_titles
from coordinator.services.requests.task_views import TaskView, task_view
from coordinator.storage.membership import grant_proposals
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.reading import awaited_decisions
from coordinator.storage.reading import waiting_tasks as store
from coordinator.storage.reading.waiting_tasks import NO_TIME, Place, Waiting, Wanted
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.freeze_requests import ListedRequest
from coordinator.storage.requests.tasks import TakenTask, taken
from coordinator.storage.tables.life_cycle import GrantProposalRow
from holdfast.protocol.payloads import format_time
from holdfast.protocol.tasks import Strip, TaskKind
from holdfast.protocol.vocabulary import Urgency


class WaitingTaskView(TaskView):
    """A task with what there is to know of it (`views.WaitingTaskView`)."""

    strip: Strip
    next: str
    route: str
    until: str | None
    since: str
    request_id: str | None
    incident_id: str | None
    incident_title: str | None
    urgency: Urgency | None
    requester: str | None
    leg_id: str | None
    partner: str | None
    about: str | None
    may_do: bool
    why_not: str | None


def wanted_by(actor: Actor, read: ReadContext) -> Wanted:
    """Return which tasks an actor is shown."""
    return Wanted(
        partner=actor.partner, now=read.now, policies=read.policies, kinds=shown_to(actor)
    )


def waiting(read: ReadContext, *, after: Place | None, limit: int) -> list[Waiting]:
    """Return what awaits the actor, by deadline, behind a place of the list."""
    return store.page(read.connection, wanted_by(read.actor, read), after=after, limit=limit)


def quiet_until(read: ReadContext) -> datetime | None:
    """Return when a clock by itself brings up the actor's next task; None: none does."""
    return store.next_begins(read.connection, wanted_by(read.actor, read))


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
    proposers: Mapping[str, str | None]
    decided: frozenset[str]
    grants: Mapping[str, GrantProposalRow]
    taken: Mapping[str, TakenTask]

    @classmethod
    def read(cls, read: ReadContext, tasks: Sequence[Waiting]) -> "_About":
        connection, actor = read.connection, read.actor
        ids = sorted({each.task.request_id for each in tasks if each.task.request_id})
        rows = awaited_decisions.rows(connection, ids, actor.partner) if ids else []
        about = [each.task.about for each in tasks if each.task.about]
        signed = {each.kid for each in tasks if each.kid and each.person}
        return cls(
            requests={row.id: row for row in rows},
            titles=incident_titles(connection, read.vault, rows),
            partners=leg_store.partners_by_leg(
                connection, {each.leg_id for each in tasks if each.leg_id}
            ),
            proposers=partner_store.key_proposers(connection, signed),
            decided=awaited_decisions.decided_by(
                connection,
                actor.person,
                requests=[each.task.request_id or "" for each in tasks if _is_decision(each)],
                additions=[id_ for id_ in about if id_.startswith("add_")],
            ),
            grants=grant_proposals.by_ids(
                connection, [id_ for id_ in about if id_.startswith("grp_")]
            ),
            taken=taken(connection, {each.task.id: actor.partner for each in tasks}),
        )


def _is_decision(each: Waiting) -> bool:
    return each.task.kind in {TaskKind.APPROVE, TaskKind.RATIFY}


def _view(read: ReadContext, each: Waiting, about: _About) -> WaitingTaskView:
    task = each.task
    request = about.requests.get(task.request_id or "")
    partner = about.partners.get(each.leg_id or "")
    until = None if each.until == NO_TIME else each.until
    urgency = None if request is None else Urgency(request.urgency)
    step = _step(each, request, partner)
    reason = _why_not(read.actor, each, about)
    return {
        **task_view(task, current(about.taken, each), read.actor.partner),
        "strip": strip_of(task.kind, urgency, until=until, now=read.now),
        "next": step.sentence,
        "route": step.route,
        "until": None if until is None else format_time(until),
        "since": format_time(each.since),
        "request_id": task.request_id,
        "incident_id": None if request is None else request.incident_id,
        "incident_title": None if request is None else about.titles.get(request.incident_id),
        "urgency": urgency,
        "requester": None if request is None else request.requester,
        "leg_id": each.leg_id,
        "partner": partner,
        "about": task.about,
        "may_do": reason is None,
        "why_not": reason,
    }


def current(known: Mapping[str, TakenTask], each: Waiting) -> Mapping[str, TakenTask]:
    """Return who has a task, unless that was before it began to wait the last time."""
    found = known.get(each.task.id)
    return {} if found is None or found.taken_at < each.since else {found.task_id: found}


def _step(each: Waiting, request: ListedRequest | None, partner: str | None) -> NextStep:
    task = each.task
    words = Words(task.request_id or "", task.about or "", partner or "the partner", each.kid or "")
    return next_step(
        task.kind,
        words,
        is_paused=each.until == NO_TIME,
        is_unratified=request is not None and request.unratified_until is not None,
    )


def _why_not(actor: Actor, each: Waiting, about: _About) -> str | None:
    task = each.task
    decided_on = task.about if task.about in about.decided else task.request_id
    has_decided = decided_on in about.decided and (_is_decision(each) or decided_on == task.about)
    grant = about.grants.get(task.about or "")
    hands = Hands(
        person=each.person,
        subject=each.subject,
        key_proposer=about.proposers.get(each.kid or ""),
        gains=() if grant is None else (grant.subject, grant.subject_owner),
        has_decided=has_decided,
    )
    return why_not(task.kind, actor, hands)
