"""Who took which task; the tasks themselves are worked out, never stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.life_cycle import TakenTaskRow


class TakenTask(NamedTuple):
    """That somebody of a partner has a task."""

    partner: str
    task_id: str
    request_id: str | None
    person: str
    act_id: str
    taken_at: datetime


def taken(connection: Connection, tasks: Mapping[str, str]) -> dict[str, TakenTask]:
    """Return those of the tasks that somebody took, by id.

    Args:
        connection: For reading.
        tasks: By id the partner whose task it is.
    """
    if not tasks:
        return {}
    query = select(TakenTaskRow.__table__).where(
        TakenTaskRow.partner.in_(sorted(set(tasks.values()))),
        TakenTaskRow.task_id.in_(sorted(tasks)),
    )
    return {row.task_id: row for row in read_as(connection, TakenTask, query)}


def take(connection: Connection, task: TakenTask, *, is_taken: bool) -> None:
    """Store who has a task; the request is locked, so that one person takes it at a time."""
    if not is_taken:
        connection.execute(insert(TakenTaskRow).values(**task._asdict()))
        return
    connection.execute(
        update(TakenTaskRow)
        .where(TakenTaskRow.partner == task.partner, TakenTaskRow.task_id == task.task_id)
        .values(person=task.person, act_id=task.act_id, taken_at=task.taken_at)
    )


def forget(connection: Connection, partner: str, task_id: str) -> None:
    """Forget who took a task that is done and may wait again."""
    connection.execute(
        delete(TakenTaskRow).where(TakenTaskRow.partner == partner, TakenTaskRow.task_id == task_id)
    )
