"""How long lines lie on an operator's screen: broken between words alone, so that each is copied.

What goes into a file or a pipe stays as it is.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import wrap

import click
from click.exceptions import NoArgsIsHelpError

#: What click writes in front of an error.
_ERROR = "Error: "


def say(text: str, *, err: bool = False) -> None:
    """Print a text; on a terminal in lines that its width holds."""
    click.echo(
        "\n".join(_lines(text, is_shown=(sys.stderr if err else sys.stdout).isatty())), err=err
    )


def say_row(*cells: str) -> None:
    """Print the cells of a row; on a terminal that is too narrow one below the other."""
    line = "  ".join(cells).rstrip()
    if sys.stdout.isatty() and len(line) > _columns():
        first, *others = (cell.strip() for cell in cells)
        line = "\n  ".join([first, *filter(None, others)])
    click.echo(line)


@contextmanager
def errors_between_words() -> Iterator[None]:
    """Have click print a usage error as `say` would."""
    try:
        yield
    except NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        lines = _lines(_ERROR + error.format_message(), is_shown=sys.stderr.isatty())
        raise click.UsageError("\n".join(lines).removeprefix(_ERROR), error.ctx) from error


def _lines(text: str, *, is_shown: bool) -> list[str]:
    lines = text.split("\n")
    if not is_shown:
        return lines
    return [
        part
        for line in lines
        for part in wrap(line, _columns(), break_long_words=False, break_on_hyphens=False) or [""]
    ]


def _columns() -> int:
    return shutil.get_terminal_size().columns
