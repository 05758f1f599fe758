"""`holdfast take`: say "I have it"."""

import click

from holdfast.cli.session import Session, SessionCommand, facts, pass_session
from holdfast.protocol.errors import IdFormatError
from holdfast.protocol.tasks import Task
from holdfast.protocol.views import TaskView


@click.command(cls=SessionCommand)
@click.argument("task_id", metavar="TASK")
@pass_session
def take(session: Session, task_id: str) -> None:
    """Say that you have a task; `holdfast status` and `inbox --to-approve` name them."""
    try:
        task = Task.of(task_id)
    except IdFormatError:
        raise click.UsageError(f"{task_id!r} is no task: it begins with tsk_") from None
    if task.request_id is None:
        raise click.UsageError(f"{task_id!r} is about no request: nobody needs to take it")
    client = session.client()
    made = client.take(client.freeze_request(task.request_id), task_id)
    rows = [
        ("task", made.task.id),
        ("you have it since", f"{made.task.taken_at:%Y-%m-%d %H:%M} UTC"),
    ]
    session.show(made, lambda: session.out.print(facts(rows)))


def task_words(what: str, view: TaskView) -> list[str]:
    """Return the lines that say whether somebody has a task, and how to take it."""
    if view.taken_at is None:
        return [f"{what}: nobody has it yet", f"  holdfast take {view.id}"]
    since = f"{view.taken_at:%Y-%m-%d %H:%M} UTC"
    return [f"{what}: {view.taken_by or 'somebody has it'} since {since}"]


def task_cell(view: TaskView | None) -> str | None:
    """Return in few words whether somebody has what waits, or how to take it; None: it is done."""
    if view is None:
        return None
    if view.taken_at is None:
        return f"free: {view.id}"
    return f"{view.taken_by or 'taken'} since {view.taken_at:%Y-%m-%d %H:%M}"


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(take)
