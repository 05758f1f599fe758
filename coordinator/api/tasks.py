"""Tasks: what waits for people and systems, and who has it."""

from typing import Any

from coordinator.api.paging import PageQuery, after_place, page_size, place_key, split_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.reading.waiting_tasks import quiet_until, waiting, waiting_views
from coordinator.services.requests.tasks import TakeTask, no_such_task
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import views
from holdfast.protocol.errors import IdFormatError
from holdfast.protocol.payloads import optional_time
from holdfast.protocol.tasks import Task


@query_view(query=PageQuery, answer=views.TaskPage, needs=Permission.FREEZE_REQUEST_READ)
def list_waiting(reader: Reader, query: PageQuery) -> dict[str, Any]:
    """List everything that awaits you, by deadline: what is due first, and what has no clock last.

    It is what your role concerns; who only reads is shown what the organisation has to do. Tasks
    that you may not do, for you had a hand in what is to be decided, are there with the reason.
    `quiet_until`, on the first page: by itself, nothing more begins to wait before then.
    """
    size, after, read = (
        page_size(reader.context, query.limit),
        after_place(query),
        reader.read_context,
    )
    rows, cursor = split_page(
        waiting(read, after=after, limit=size + 1), size, lambda row: place_key(row.place)
    )
    return {
        "items": waiting_views(read, rows),
        "next_cursor": cursor,
        "quiet_until": optional_time(quiet_until(read)) if after is None else None,
    }


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
