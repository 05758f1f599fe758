"""Tasks: somebody has what waits for a person."""

from coordinator.api.pipeline import SignedCall
from coordinator.api.view import command_view
from coordinator.services.requests.tasks import TakeTask, no_such_task
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import views
from holdfast.protocol.errors import IdFormatError
from holdfast.protocol.tasks import Task


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
