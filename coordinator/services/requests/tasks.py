"""Somebody says "I have it" of what waits for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypedDict

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.approval import require_first_decision, require_may_approve
from coordinator.domain.errors import ConflictError, NotFoundError, PermissionDeniedError
from coordinator.domain.permission import Permission, require
from coordinator.services.core.access import require_same_document
from coordinator.services.core.acts import LegContext, NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.requests.task_views import TaskView, task_view, tasks_of_leg
from coordinator.storage.ending import disputes, withdrawal_proposals
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import additions, info_requests
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests import tasks as store
from coordinator.storage.requests.tasks import TakenTask
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol.payloads import format_time
from holdfast.protocol.tasks import OF_PARTNER_ASKED, Task, TaskKind
from holdfast.protocol.vocabulary import EventType, RequestStatus

#: Whoever may not do a task cannot have it.
_NEEDS: Mapping[TaskKind, Permission] = MappingProxyType(
    {
        TaskKind.APPROVE: Permission.FREEZE_REQUEST_APPROVE,
        TaskKind.RATIFY: Permission.FREEZE_REQUEST_APPROVE,
        TaskKind.DECIDE_ADDITION: Permission.FREEZE_REQUEST_APPROVE,
        TaskKind.DECIDE_WITHDRAWAL: Permission.FREEZE_REQUEST_WITHDRAW,
        TaskKind.REPLY: Permission.INFO_REQUEST_ANSWER,
        TaskKind.RESOLVE: Permission.DISPUTE_RESOLVE,
        TaskKind.ACKNOWLEDGE: Permission.LEG_ACKNOWLEDGE,
        TaskKind.ANSWER: Permission.LEG_REPORT,
        TaskKind.SETTLE: Permission.HOLD_KEEP,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeTask:
    """A person has a task from now on."""

    task: Task
    body: payloads.TaskTaken


class TakenTaskView(TypedDict):
    """The answer to taking a task (`views.TakenTaskView`)."""

    id: str
    request_id: str
    status: str
    task: TaskView


@handles(TakeTask, needs=Permission.TASK_TAKE)
def take(command: TakeTask, actor: Actor, uow: UnitOfWork) -> Answer:
    """Note who has a task; a second person may take it over, and done it is gone.

    Both sides of what it is about hear that it is in hand, colleagues alone by whom.
    """
    task = command.task
    if actor.kind is not ActorKind.PERSON:
        raise PermissionDeniedError("a person takes a task; a system does what it is for")
    require(_NEEDS[task.kind], actor)
    row = request_store.get(uow.connection, task.request_id, lock=True)
    leg = None if row is None else _leg_of(uow, task)
    owner = None if row is None else row.requester
    if task.kind in OF_PARTNER_ASKED:
        owner = None if leg is None else leg.partner
    if row is None or owner != actor.partner:
        raise no_such_task()
    require_same_document(row, command.body.content_sha256)
    on = RequestContext(uow, actor, row)
    _require_waiting(on, task, leg)
    earlier = store.taken(uow.connection, {task.id: actor.partner}).get(task.id)
    if earlier is not None and earlier.person == actor.person:
        raise ConflictError("you have it already", code="already_taken", current_status=row.status)
    where: RequestContext | LegContext = on if leg is None else on.on_leg(leg)
    act_id = where.store_act(NewAct("take"))
    taken = TakenTask(actor.partner, task.id, row.id, str(actor.person), act_id, uow.now)
    store.take(uow.connection, taken, is_taken=earlier is not None)
    # The fact, without a name: who it is, colleagues read beside the task.
    told = {
        "by": actor.partner,
        "task": task.id,
        "kind": task.kind.value,
        "taken_at": format_time(uow.now),
    }
    recorded = where.record(EventType.TASK_TAKEN, told, act_id=act_id)
    answer: TakenTaskView = {
        "id": act_id,
        "request_id": row.id,
        "status": row.status,
        "task": task_view(task, {task.id: taken}, actor.partner),
    }
    return Answer(201, answer, entry=recorded)


def no_such_task() -> NotFoundError:
    """Return the one refusal of a task that is not there, or not the caller's."""
    return NotFoundError(
        "there is no such task, or none that waits for your organisation", code="no_such_task"
    )


def _leg_of(uow: UnitOfWork, task: Task) -> LegRow | None:
    """Return the leg that a task is about, directly or by a question or dispute."""
    leg_id = None
    if task.kind in OF_PARTNER_ASKED:
        leg_id = task.about
    elif task.kind is TaskKind.REPLY:
        question = info_requests.get(uow.connection, task.request_id, str(task.about))
        leg_id = None if question is None else question.leg_id
    elif task.kind is TaskKind.RESOLVE:
        dispute = disputes.get(uow.connection, str(task.about), request_id=task.request_id)
        leg_id = None if dispute is None else dispute.leg_id
    leg = None if leg_id is None else leg_store.get(uow.connection, leg_id)
    return leg if leg is not None and leg.request_id == task.request_id else None


def _require_waiting(on: RequestContext, task: Task, leg: LegRow | None) -> None:
    """Refuse a task that does not exist, is done, or is not this person's to do."""
    if task.kind in OF_PARTNER_ASKED:
        waits = leg is not None and task in tasks_of_leg(leg)
    elif task.kind in {TaskKind.REPLY, TaskKind.RESOLVE}:
        if leg is None:
            raise no_such_task()
        waits = _is_unanswered(on, task, leg)
    elif task.kind is TaskKind.DECIDE_ADDITION:
        waits = _awaits_decision_on_addition(on, task)
    elif task.kind is TaskKind.DECIDE_WITHDRAWAL:
        waits = _awaits_decision_on_withdrawal(on, task)
    else:
        waits = _awaits_decision(on, task)
    if not waits:
        raise ConflictError(
            "nothing of it waits any more", code="task_done", current_status=on.request.status
        )


def _is_unanswered(on: RequestContext, task: Task, leg: LegRow) -> bool:
    if task.kind is TaskKind.REPLY:
        question = info_requests.get(on.uow.connection, task.request_id, str(task.about))
        return question is not None and question.answered_at is None and not leg.ended
    dispute = disputes.get(on.uow.connection, str(task.about), request_id=task.request_id)
    return dispute is not None and dispute.resolved_at is None


def _awaits_decision(on: RequestContext, task: Task) -> bool:
    """Tell whether the request itself waits; refuse whom the four-eyes rule excludes."""
    row, uow = on.request, on.uow
    if task.kind is TaskKind.APPROVE:
        waits = row.status == RequestStatus.SUBMITTED
    else:
        is_open = row.provisional or row.unratified_until is not None
        waits = row.status == RequestStatus.ACTIVE and is_open
    if waits:
        proposer = partner_store.send_key_proposer(uow.connection, row.submitted_by_kid)
        require_may_approve(
            on.actor,
            submitted_by=row.submitted_by,
            owner_of_system=row.submitted_by_person,
            key_grant_proposer=partner_store.read_key_proposer(proposer),
        )
        decisions = request_store.send_decisions(uow.connection, row.id).rows()
        decided = {act.person for act in decisions if act.person is not None}
        require_first_decision(on.actor, decided)
    return waits


def _awaits_decision_on_addition(on: RequestContext, task: Task) -> bool:
    uow = on.uow
    addition = additions.get(uow.connection, on.request.id, str(task.about))
    if addition is None:
        raise no_such_task()
    proposer = partner_store.send_key_proposer(uow.connection, addition.proposed_by_kid)
    require_may_approve(
        on.actor,
        submitted_by=addition.proposed_by_person,
        key_grant_proposer=partner_store.read_key_proposer(proposer),
    )
    since = uow.now - uow.policies.approve_within
    is_active = on.request.status == RequestStatus.ACTIVE
    takes_partners = is_active and on.request.unratified_until is None
    return takes_partners and addition.id in additions.pending_since(
        uow.connection, on.request.id, since
    )


def _awaits_decision_on_withdrawal(on: RequestContext, task: Task) -> bool:
    uow = on.uow
    proposal = withdrawal_proposals.get(uow.connection, str(task.about), request_id=on.request.id)
    if proposal is None:
        raise no_such_task()
    require_may_approve(
        on.actor,
        submitted_by=proposal.proposed_by_person,
        key_grant_proposer=partner_store.key_proposer(uow.connection, proposal.proposed_by_kid),
    )
    return withdrawal_proposals.waits(uow.connection, proposal.id, uow.now)
