"""Tasks: what waits for people and systems, and who has it."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from coordinator.api.paging import (
    PageQuery,
    after_place,
    page_size,
    page_view,
    place_key,
    split_page,
)
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.reading.waiting_tasks import waiting, waiting_views
from coordinator.services.requests.tasks import TakeTask, no_such_task
from coordinator.storage.reading.waiting_tasks import NO_TIME
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import views
from holdfast.protocol.errors import IdFormatError
from holdfast.protocol.tasks import Task, TaskKind

_LOOKED_THROUGH = 200


class TaskQuery(PageQuery):
    """Which tasks."""

    kind: Annotated[
        TaskKind | None, Field(description="tasks of one kind; of one that is not yours: none")
    ] = None


@query_view(
    query=TaskQuery, answer=views.Page[views.WaitingTaskView], needs=Permission.FREEZE_REQUEST_READ
)
def list_waiting(reader: Reader, query: TaskQuery) -> dict[str, Any]:
    """List everything that awaits you, by deadline: what is due first, and what has no clock last.

    You are shown what you may do: who only reads has none, and whoever submitted or proposed
    something is not asked to decide on it. A deadline may have passed; what is due at once bears
    the time since when. `strip` says what a task is urgent for. Nothing here is stored: done, it
    is gone.
    """
    size = page_size(reader.context, query.limit)
    read = reader.read_context
    found = waiting(read, kind=query.kind, after=after_place(query), limit=size + 1)
    rows, cursor = split_page(found, size, lambda row: place_key(row.place))
    return page_view(waiting_views(read, rows), cursor)


class Due(NamedTuple):
    """What waits, and until when."""

    kind: TaskKind
    until: datetime


def first_due(reader: Reader) -> dict[str, Due]:
    """Return by request what of it waits for the reader and is due first, of the next 200 tasks.

    For lists that show a clock beside each request, and nothing else of what waits.
    """
    found = waiting(reader.read_context, kind=None, after=None, limit=_LOOKED_THROUGH)
    due = [each for each in found if each.until < NO_TIME]
    return {each.task.request_id or "": Due(each.task.kind, each.until) for each in reversed(due)}


@command_view(TakeTask, body=payloads.TaskTaken, answer=views.TakenTaskView)
def take(call: SignedCall[payloads.TaskTaken], task_id: str) -> TakeTask:
    """Say "I have it" of what waits for a person of your organisation.

    Both sides see that somebody has it, your colleagues also who. Another person may take it over;
    done, it is gone.
    """
    try:
        task = Task.of(task_id)
    except IdFormatError:
        raise no_such_task() from None
    return TakeTask(task=task, body=call.body)
