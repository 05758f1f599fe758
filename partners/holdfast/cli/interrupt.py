"""What Ctrl-C left behind: whether anything went to the coordinator, and how to find out more."""

import re
from collections.abc import Sequence

import click

from holdfast.client.transport import Change
from holdfast.wording import counted

_REQUEST = re.compile(r"/(frq_[0-9a-z]+)")


def is_interrupt(error: BaseException) -> bool:
    """Tell whether somebody pressed Ctrl-C, also while a question waited for its answer."""
    if isinstance(error, click.Abort):
        return isinstance(error.__context__, KeyboardInterrupt)
    return isinstance(error, KeyboardInterrupt)


def left_behind(under_way: Sequence[Change], made: int, hint: str | None) -> list[str]:
    """Return what was left behind, in sentences.

    Args:
        under_way: What this command sent that changes something and was not answered.
        made: How many such requests went through before it.
        hint: How this command goes on, if it knows better than what is said by default.
    """
    lines = [f"{counted(made, 'act')} before it went through, and stands."] if made else []
    lines.extend(
        f"{change.method} {change.path} was sent; its answer was not read. Whether it was "
        f"carried out: {hint or _where_to_look(change)}"
        for change in under_way
    )
    if not lines:
        lines = ["Nothing was sent that changes anything.", *filter(None, [hint])]
    return lines


def _where_to_look(change: Change) -> str:
    found = _REQUEST.search(change.path)
    command = f"holdfast status {found[1]}" if found else "holdfast events"
    return f"`{command}`"
