"""What Ctrl-C left behind: whether anything went to the coordinator, and how to find out more."""

import re
from collections.abc import Iterable

import click

from holdfast.client.transport import Change
from holdfast.wording import counted

_REQUEST = re.compile(r"/(frq_[0-9a-z]+)")


def is_interrupt(error: BaseException) -> bool:
    """Tell whether somebody pressed Ctrl-C, also while a question waited for its answer."""
    if isinstance(error, click.Abort):
        return isinstance(error.__context__, KeyboardInterrupt)
    return isinstance(error, KeyboardInterrupt)


def left_behind(changes: Iterable[Change], hint: str | None) -> list[str]:
    """Return what was left behind, in sentences.

    Args:
        changes: What this command sent that changes something, in order.
        hint: How this command goes on, if it knows better than what is said by default.
    """
    made = list(changes)
    done = [change for change in made if change.was_answered]
    open_ = [change for change in made if not change.was_answered]
    lines = []
    if done:
        lines.append(f"{counted(len(done), 'act')} before it went through, and stands.")
    lines.extend(
        f"{change.method} {change.path} was sent; its answer was not read. Whether it was "
        f"carried out: {hint or _where_to_look(change)}"
        for change in open_
    )
    if not made:
        lines.append("Nothing was sent that changes anything.")
        lines += [hint] if hint else []
    return lines


def _where_to_look(change: Change) -> str:
    found = _REQUEST.search(change.path)
    command = f"holdfast status {found[1]}" if found else "holdfast events"
    return f"`{command}`"
