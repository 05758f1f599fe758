"""Showing more than a screen holds, one screen after the other."""

import sys
from collections.abc import Sequence

import click
from rich.console import Console, RenderableType


def show(console: Console, parts: Sequence[RenderableType], *, whole: bool = False) -> None:
    """Print `parts`; on a terminal that is too small for them through `$PAGER`, or `less -R`.

    Args:
        console: Where to.
        parts: What to print, one below the other.
        whole: Never page: nobody is there to turn the pages.
    """
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    text = captured.get()
    # Something that others wrote cannot be mistaken for a command of the terminal: see `printable`.
    if not whole and _has_reader(console) and text.count("\n") >= console.height:
        click.echo_via_pager(text, color=True)
    else:
        console.file.write(text)
        console.file.flush()


def _has_reader(console: Console) -> bool:
    return sys.stdin.isatty() and console.file.isatty()
