"""Tasks as readers are shown them: that somebody has it to both sides, who to colleagues alone."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.storage.requests import tasks as store
from coordinator.storage.requests.tasks import TakenTask
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from holdfast.protocol.payloads import format_time
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.vocabulary import RequestStatus


class TaskView(TypedDict):
    """Something that waits for a person (`views.TaskView`)."""

    id: str
    kind: TaskKind
    taken_at: str | None
    taken_by: str | None


def tasks_of_leg(leg: LegRow) -> list[Task]:
    """Return what waits for the partner of a leg."""
    tasks = []
    if not leg.ended and leg.acknowledged_at is None:
        tasks.append(Task(TaskKind.ACKNOWLEDGE, leg.request_id, leg.id))
    elif not leg.ended and leg.answered_at is None and leg.answer_by is not None:
        tasks.append(Task(TaskKind.ANSWER, leg.request_id, leg.id))
    return [*tasks, settling_task(leg)] if leg.owes_answer else tasks


def settling_task(leg: LegRow) -> Task:
    """Return what waits where a leg owes an answer about what it holds."""
    return Task(TaskKind.SETTLE, leg.request_id, leg.id)


def leg_tasks(
    connection: Connection, legs: Sequence[LegRow], reader: str
) -> dict[str, list[TaskView]]:
    """Return by leg what waits for its partner, as `reader` is shown it."""
    waiting = {leg.id: tasks_of_leg(leg) for leg in legs}
    partners = {task.id: leg.partner for leg in legs for task in waiting[leg.id]}
    known = store.taken(connection, partners)
    return {
        leg_id: [task_view(task, known, reader) for task in tasks]
        for leg_id, tasks in waiting.items()
    }


def request_task(row: FreezeRequestRow) -> Task | None:
    """Return what waits for the requester's leads where the request itself does."""
    if row.status == RequestStatus.SUBMITTED:
        return Task(TaskKind.APPROVE, row.id)
    is_unratified = row.provisional or row.unratified_until is not None
    if row.status == RequestStatus.ACTIVE and is_unratified:
        return Task(TaskKind.RATIFY, row.id)
    return None


def requester_tasks(
    connection: Connection, tasks: Sequence[Task], *, requester: str, reader: str
) -> dict[str | None, TaskView]:
    """Return tasks of a requester by what they are about (None: the request), as `reader` is shown.

    One read, and none where nothing waits.
    """
    known = store.taken(connection, {task.id: requester for task in tasks})
    return {task.about: task_view(task, known, reader) for task in tasks}


def task_view(task: Task, known: Mapping[str, TakenTask], reader: str) -> TaskView:
    """Return one task, with who has it where that is a colleague of the reader's."""
    taken = known.get(task.id)
    is_own = taken is not None and taken.partner == reader
    return {
        "id": task.id,
        "kind": task.kind,
        "taken_at": None if taken is None else format_time(taken.taken_at),
        "taken_by": taken.person if taken is not None and is_own else None,
    }
