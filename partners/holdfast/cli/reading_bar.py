"""How far a long file or text is read, on standard error where that is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from holdfast.cli.session import Session

#: A shorter text is read before anybody sees a bar.
_FEWEST_LINES_SHOWN = 1_000


@contextmanager
def reading_bar(session: Session, lines: int) -> Iterator[Callable[[str, int], None]]:
    """Show a bar for each step while a text of so many lines is read; it is gone afterwards.

    Yields what to tell a step's name and how many lines it has done.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    shown = session.err.is_terminal and lines >= _FEWEST_LINES_SHOWN
    with Progress(*columns, console=session.err, transient=True, disable=not shown) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=lines)
            progress.update(tasks[step], completed=done)

        yield tell
