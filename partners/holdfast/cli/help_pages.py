"""How help and usage errors lie on a screen: broken between words alone, and nothing cut.

Click breaks a long word at the edge of the screen, prints an error as one line however long, and
ends what a command does with "..." where it has no room.
"""

import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from inspect import cleandoc
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from holdfast.cli.layout import words_within

#: What click writes in front of an error.
_ERROR = "Error: "
_CHOICES = re.compile(r"\[[^][ ]+(?:\|[^][ ]+)+\]")
_SENTENCE = re.compile(r"\.(?:\s|$)")


class _HelpFormatter(click.HelpFormatter):
    """Says the choices of an option behind what it is for, where they do not fit before it."""

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write names and what they mean."""
        room = self.width - self.current_indent
        super().write_dl([_with_room(*row, room) for row in rows], col_max, col_spacing)


def _with_room(name: str, meaning: str, room: int) -> tuple[str, str]:
    found = _CHOICES.search(name)
    if found is None or len(name) <= room:
        return name, meaning
    choices = ", ".join(found[0][1:-1].split("|"))
    return name.replace(found[0], "CHOICE"), f"{meaning}  One of {choices}.".strip()


class HelpContext(click.Context):
    """A context whose help breaks between words."""

    formatter_class = _HelpFormatter


class HelpGroup(click.Group):
    """A group that lists whole what each of its commands does, and breaks errors between words."""

    context_class = HelpContext

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does: the first clause of its help, on several lines if long."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, first_clause(each)) for name, each in commands if each and not each.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the words behind the command's name."""
        with _errors_between_words():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        with _errors_between_words():
            return super().invoke(ctx)


def first_clause(command: click.Command) -> str:
    """Return what a command does, up to the first semicolon or the end of the sentence."""
    paragraph = cleandoc(command.help or "").partition("\n\n")[0]
    sentence = _SENTENCE.split(" ".join(paragraph.split()), maxsplit=1)[0]
    return sentence.partition("; ")[0].removesuffix(".") + "."


@contextmanager
def _errors_between_words() -> Iterator[None]:
    try:
        yield
    except NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        if not sys.stderr.isatty():
            raise
        columns = shutil.get_terminal_size().columns
        lines = words_within(_ERROR + error.format_message(), columns)
        raise click.UsageError("\n".join(lines).removeprefix(_ERROR), error.ctx) from error
