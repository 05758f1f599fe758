"""Somebody says "I have it" of what waits for a person."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypedDict

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    SelfApprovalError,
)
from coordinator.domain.permission import Permission, require
from coordinator.domain.tasks import NEEDS
from coordinator.services.core.access import require_same_document
from coordinator.services.core.acts import LegContext, NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.requests.alarms import somebody_has
from coordinator.services.requests.task_views import TaskView, task_view
from coordinator.storage.delivery import webhook_endpoints
from coordinator.storage.ending import disputes, withdrawal_proposals
from coordinator.storage.membership import grant_proposals, root_resets
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.reading import waiting_tasks
from coordinator.storage.reading.waiting_tasks import Waiting, Wanted
from coordinator.storage.requests import additions, data_subjects, erasures, info_requests
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests import tasks as store
from coordinator.storage.requests.tasks import TakenTask
from coordinator.storage.restoring import (
    destinations,
    encumbrances,
    recovery_requests,
    return_requests,
)
from coordinator.storage.restoring.encumbrances import Restraint
from coordinator.storage.tables.encumbrances import EncumbranceRow
from coordinator.storage.tables.freeze_requests import LegRow
from coordinator.storage.tables.life_cycle import LegalOrderRow
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol.payloads import format_time
from holdfast.protocol.tasks import OF_PARTNER_ASKED, Task, TaskKind
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType

_OF_RECOVERY = frozenset(
    {TaskKind.DECIDE_RECOVERY, TaskKind.ANSWER_RECOVERY, TaskKind.REPLY_RECOVERY}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeTask:
    """A person has a task from now on."""

    task: Task
    body: payloads.TaskTaken


class TakenTaskView(TypedDict):
    """The answer to taking a task (`views.TakenTaskView`)."""

    id: str
    request_id: str | None
    status: str | None
    task: TaskView


@handles(TakeTask, needs=Permission.TASK_TAKE)
def take(command: TakeTask, actor: Actor, uow: UnitOfWork) -> Answer:
    """Note who has a task; a second person may take it over, and done it is gone.

    Both sides of what it is about hear that it is in hand, colleagues alone by whom.
    """
    task = command.task
    if actor.kind is not ActorKind.PERSON:
        raise PermissionDeniedError("a person takes a task; a system does what it is for")
    require(NEEDS[task.kind], actor)
    if task.request_id is None:
        return _take_of_organisation(command, actor, uow)
    row = request_store.get(uow.connection, task.request_id, lock=True)
    leg = None if row is None else _leg_of(uow, task, actor.partner)
    owner = None if row is None else row.requester
    if task.kind in OF_PARTNER_ASKED:
        seen = leg_store.seen_by(uow.connection, task.request_id, actor.viewer)
        owner = None if leg is None or seen is None else leg.partner
    restraint = _restraint(uow, task)
    if restraint is not None and restraint.partner == actor.partner:
        owner = actor.partner
    if row is None or owner != actor.partner:
        raise no_such_task()
    if command.body.content_sha256 is None:
        raise InvalidInputError(
            "this task is about a request: name its document",
            errors=[FieldFault("/content_sha256", "is required", "required")],
        )
    require_same_document(row, command.body.content_sha256)
    on = RequestContext(uow, actor, row)
    _require_there(on, task, leg)
    waiting = _waiting(uow, actor, task, status=row.status)
    taking = _taking(uow, actor, waiting, status=row.status)
    where: RequestContext | LegContext = on if leg is None else on.on_leg(leg)
    act_id = where.store_act(NewAct("take"))
    somebody_has(uow, actor.partner, task)
    recorded = where.record(EventType.TASK_TAKEN, _told(task, actor, uow), act_id=act_id)
    return _taken(uow, taking, act_id, recorded, status=row.status)


def no_such_task() -> NotFoundError:
    """Return the one refusal of a task that is not there, or not the caller's."""
    return NotFoundError(
        "there is no such task, or none that waits for your organisation", code="no_such_task"
    )


class _Taking(NamedTuple):
    """That somebody takes a task now; the act is still to be stored."""

    task: Task
    actor: Actor
    is_taken: bool


def _take_of_organisation(command: TakeTask, actor: Actor, uow: UnitOfWork) -> Answer:
    """Take what is about no request: colleagues alone hear of it."""
    task = command.task
    partner = partner_store.partner(uow.connection, actor.partner, lock=True)
    if partner is None or not _is_own(uow, task, actor.partner):
        raise no_such_task()
    if command.body.content_sha256 is not None:
        raise InvalidInputError(
            "this task is about no request, and so about no document",
            errors=[FieldFault("/content_sha256", "leave it out", "no_document")],
        )
    waiting = _waiting(uow, actor, task, status=None)
    taking = _taking(uow, actor, waiting, status=None)
    key = uow.key(partner.document_key_id)
    act_id = new_id("act")
    uow.seal_evidence(key, act_id)
    told = {**_told(task, actor, uow), "act_id": act_id}
    recorded = uow.record(EventType.TASK_TAKEN, told, key=key, audience=[actor.partner])
    return _taken(uow, taking, act_id, recorded, status=None)


def _taking(uow: UnitOfWork, actor: Actor, waiting: Waiting, *, status: str | None) -> _Taking:
    task = waiting.task
    stored = store.taken(uow.connection, {task.id: actor.partner}).get(task.id)
    has_it = stored is not None and stored.taken_at >= waiting.since
    if has_it and stored is not None and stored.person == actor.person:
        raise ConflictError("you have it already", code="already_taken", current_status=status)
    return _Taking(task, actor, stored is not None)


def _told(task: Task, actor: Actor, uow: UnitOfWork) -> dict[str, str]:
    """Return what is told: the fact, without a name; who it is, colleagues read beside the task."""
    return {
        "by": actor.partner,
        "task": task.id,
        "kind": task.kind.value,
        "taken_at": format_time(uow.now),
    }


def _taken(
    uow: UnitOfWork, taking: _Taking, act_id: str, recorded: Recorded, *, status: str | None
) -> Answer:
    task, actor = taking.task, taking.actor
    person = str(actor.person)
    taken = TakenTask(actor.partner, task.id, task.request_id, person, act_id, uow.now)
    store.take(uow.connection, taken, is_taken=taking.is_taken)
    answer: TakenTaskView = {
        "id": act_id,
        "request_id": task.request_id,
        "status": status,
        "task": task_view(task, {task.id: taken}, actor.partner),
    }
    return Answer(201, answer, entry=recorded)


def _leg_of(uow: UnitOfWork, task: Task, partner: str) -> LegRow | None:
    """Return the leg that a task is about, directly or by a question, dispute or hold."""
    leg_id = None
    if task.kind is TaskKind.ANSWER_EXTENSION:
        return leg_store.of_partner(uow.connection, str(task.request_id), partner)
    if task.about is not None and task.about.startswith("leg_"):
        leg_id = task.about
    elif task.kind is TaskKind.REPLY:
        question = info_requests.get(uow.connection, str(task.request_id), task.about or "")
        leg_id = None if question is None else question.leg_id
    elif task.kind in {TaskKind.RESOLVE, TaskKind.WITHDRAW, TaskKind.CONSIDER_RELEASE}:
        dispute = disputes.get(uow.connection, task.about or "", request_id=task.request_id)
        leg_id = None if dispute is None else dispute.leg_id
    elif (restraint := _restraint(uow, task)) is not None:
        leg_id = restraint.leg_id
    elif task.kind in _ABOUT_RETURNS:
        found = return_requests.get(uow.connection, task.about or "", request_id=task.request_id)
        leg_id = None if found is None else found.leg_id
    leg = None if leg_id is None else leg_store.get(uow.connection, leg_id)
    return leg if leg is not None and leg.request_id == task.request_id else None


def _restraint(uow: UnitOfWork, task: Task) -> Restraint | None:
    """Return the claim or order that a task is about; None where it is about none."""
    about = task.about or ""
    if task.kind is TaskKind.REVIEW_ENCUMBRANCE:
        return encumbrances.get(uow.connection, EncumbranceRow, about)
    if task.kind is TaskKind.REVIEW_ORDER:
        return encumbrances.get(uow.connection, LegalOrderRow, about)
    return None


#: Of which a partner knows nothing before they are approved; taking the first tells it nothing.
_ABOUT_RETURNS = frozenset({TaskKind.ANSWER_RETURN, TaskKind.CONFIRM_RETURN})


def _is_own(uow: UnitOfWork, task: Task, partner: str) -> bool:
    """Tell whether what a task without a request is about is the partner's."""
    about = str(task.about)
    if task.kind is TaskKind.MEND_ENDPOINT:
        return webhook_endpoints.find(uow.connection, about, partner) is not None
    if task.kind is TaskKind.DECIDE_GRANT:
        proposal = grant_proposals.get(uow.connection, about)
        return proposal is not None and proposal.partner == partner
    if task.kind in _OF_RECOVERY:
        found = recovery_requests.get(uow.connection, about)
        return found is not None and partner in {found.requester, found.partner}
    if task.kind is TaskKind.DECIDE_DESTINATION:
        return destinations.get(uow.connection, about, partner) is not None
    reset = root_resets.get(uow.connection, about)
    return reset is not None and reset.partner == partner


def _waiting(uow: UnitOfWork, actor: Actor, task: Task, *, status: str | None) -> Waiting:
    """Return a task as it waits: by the very conditions by which the list of tasks has it.

    Raises:
        ConflictError: If it is done.
        SelfApprovalError: If it is a decision on what the actor had a hand in.
    """
    connection = uow.connection
    wanted = Wanted(partner=actor.partner, now=uow.now, policies=uow.policies, kinds={task.kind})
    found = waiting_tasks.find(connection, wanted, task)
    if found is None:
        raise ConflictError("nothing of it waits any more", code="task_done", current_status=status)
    if waiting_tasks.find(connection, replace(wanted, person=actor.person), task) is None:
        raise SelfApprovalError(
            "you had a hand in it, or have decided on it already; another security lead decides"
        )
    return found


def _require_there(on: RequestContext, task: Task, leg: LegRow | None) -> None:
    if not _is_there(on, task, leg):
        raise no_such_task()


def _is_there(on: RequestContext, task: Task, leg: LegRow | None) -> bool:
    """Tell whether the request has what a task is about."""
    connection, request_id, about = on.uow.connection, on.request.id, task.about or ""
    if task.kind in {TaskKind.APPROVE, TaskKind.RATIFY}:
        return True
    restraint = _restraint(on.uow, task)
    if restraint is not None:
        return restraint.request_id == request_id and restraint.partner == on.actor.partner
    find: dict[TaskKind, Callable[[], object]] = {
        TaskKind.DECIDE_ADDITION: lambda: additions.get(connection, request_id, about),
        TaskKind.DECIDE_WITHDRAWAL: lambda: withdrawal_proposals.get(
            connection, about, request_id=request_id
        ),
        TaskKind.DECIDE_RETURN: lambda: return_requests.get(
            connection, about, request_id=request_id
        ),
        TaskKind.ANSWER_DATA_SUBJECT: lambda: data_subjects.case(connection, about, request_id),
        TaskKind.ERASE: lambda: erasures.find(connection, request_id),
    }
    return leg is not None if task.kind not in find else find[task.kind]() is not None
