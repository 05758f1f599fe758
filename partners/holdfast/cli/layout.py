"""How lists and facts lie on a screen: the one place that decides between table and records.

A table where every row has room in the width; else one block of "label value" for each row. Lines
break at spaces only, so that no id and no number ever stands in two pieces: they are there to be
copied. Where output goes into a file or a pipe it is a table, however wide.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

_GAP = 2
_TERMINAL_COLUMNS = 80
_COMMAND = re.compile(r"`[^`\n]*`\S*")
#: Stands for a space at which no line is broken; what is printed never holds it.
_GLUE = "\ue000"
#: A cell of more characters, with spaces in it, is prose: it may go over several lines.
_PROSE = 32


#: Wider than anything: what goes into a file or a pipe is never broken.
_PIPE_COLUMNS = 1_000_000


class WordConsole(Console):
    """A console that breaks lines between words alone; a longer word goes beyond the edge.

    What it prints steers no terminal, whoever wrote it: a pasted chat, a partner, a coordinator.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as `Console.print` does."""
        whole = {"soft_wrap": True, **options}
        super().print(
            *(self._broken(each, markup=options.get("markup")) for each in objects), **whole
        )

    def _broken(self, each: object, *, markup: bool | None) -> object:
        if isinstance(each, str):
            each = self.render_str(each, markup=markup, highlight=False)
        if not isinstance(each, Text):
            return each
        plain = each.copy()
        plain.plain = printable(plain.plain.replace("\t", " "))
        lines = plain.split("\n", allow_blank=True)
        return Text("\n").join(part for line in lines for part in _parts(line, self.width))


def stream_console(stream: TextIO) -> WordConsole:
    """Return a console for a terminal, a file or a pipe."""
    width = None if stream.isatty() else _PIPE_COLUMNS
    return WordConsole(file=stream, width=width, highlight=False)


def _parts(line: Text, width: int) -> Iterator[Text]:
    """Yield a line in pieces that fit into a width, as far as its words do."""
    breaks, start = [], 0
    for word in re.finditer(r"\S+", _glued(line.plain, width)):
        is_first = not line.plain[start : word.start()].strip()
        if not is_first and cell_len(line.plain[start : word.end()]) > width:
            start = word.start()
            breaks.append(start)
    for part in line.divide(breaks):
        if breaks:
            part.rstrip()
        yield part


def _glued(text: str, width: int) -> str:
    """Return a text whose commands in backticks are one word each, if it fits: to be copied."""

    def glue(command: re.Match[str]) -> str:
        fits = cell_len(command[0]) <= width
        return command[0].replace(" ", _GLUE) if fits else command[0]

    return _COMMAND.sub(glue, text)


def words_within(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken between words where they are too long."""
    return [part.plain for line in text.split("\n") for part in _parts(Text(line), width)]


def shell_lines(command: str, width: int = _TERMINAL_COLUMNS - 2) -> list[str]:
    """Return a command in lines that a shell takes as one, and that break no word."""
    lines, line = [], ""
    for word in command.split(" "):
        longer = f"{line} {word}" if line else word
        if line.strip() and len(longer) + 2 > width:
            lines.append(f"{line} \\")
            longer = f"  {word}"
        line = longer
    return [*lines, line]


def minute(at: datetime) -> str:
    """Return a time as people read it: with its date and its zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def second(at: datetime) -> str:
    """Return a time to the second, with its date and its zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def printable(text: str) -> str:
    """Return `text` without control characters: from elsewhere, they would steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows below column names; as records where the width is too small for a table.

    Attributes:
        columns: What each column is called.
        rows: Plain text, as many cells as columns. A row without a first cell goes on with the
            row before it.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield the lines."""
        del console
        widths = self._widths(options.max_width)
        return self._table(widths) if widths else self._records(options.max_width)

    def _widths(self, room: int) -> list[int]:
        """Return how wide each column is; empty where a table has no room."""
        columns = [[self.columns[n], *(row[n] for row in self.rows)] for n in range(self._count)]
        least = [max(map(_least, column)) for column in columns]
        rest = room - sum(least) - _GAP * (self._count - 1)
        if rest < 0:
            return []
        widths = []
        for column, needed in zip(columns, least, strict=True):
            more = min(max(map(cell_len, column)) - needed, rest)
            widths.append(needed + more)
            rest -= more
        return widths

    @property
    def _count(self) -> int:
        return len(self.columns)

    def _table(self, widths: Sequence[int]) -> Iterator[Text]:
        yield Text(_joined(self.columns, widths), style="bold", no_wrap=True)
        for row in self.rows:
            cells = [_broken(cell, width) for cell, width in zip(row, widths, strict=True)]
            for number in range(max(map(len, cells))):
                line = [cell[number] if number < len(cell) else "" for cell in cells]
                yield Text(_joined(line, widths), no_wrap=True)

    def _records(self, room: int) -> Iterator[Text]:
        for number, row in enumerate(self.rows):
            if number and row[0]:
                yield Text("")
            yield from _record(list(zip(self.columns, row, strict=True)), room)


@dataclass(frozen=True, slots=True)
class Facts:
    """Names, each with its value, one below the other; without those that are absent."""

    pairs: Sequence[tuple[str, str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield the lines."""
        del console
        return _record(self.pairs, options.max_width)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Listing:
    """Return a list of plain text: nothing that others wrote is read as markup.

    A row may be shorter than the columns.
    """
    cells = [[" ".join(_cell(cell).split()) for cell in row] for row in rows]
    return Listing(columns, [row + [""] * (len(columns) - len(row)) for row in cells])


def facts(pairs: Iterable[tuple[str, object]]) -> Facts:
    """Return names and values, without those that are absent."""
    present = [
        (name, value) for name, value in pairs if value is not None and value not in ("", [])
    ]
    return Facts([(name, _cell(value)) for name, value in present])


def _cell(value: object) -> str:
    if value is None:
        return ""
    return printable(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _least(cell: str) -> int:
    """Return the least width in which a cell can be read."""
    if cell_len(cell) <= _PROSE or " " not in cell:
        return cell_len(cell)
    return max(_PROSE, *map(cell_len, cell.split(" ")))


def _broken(cell: str, width: int) -> list[str]:
    glued = _glued(cell, width)
    lines = wrap(glued, max(width, 1), break_long_words=False, break_on_hyphens=False)
    return [line.replace(_GLUE, " ") for line in lines] or [""]


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return (" " * _GAP).join(padded).rstrip()


def _record(pairs: Sequence[tuple[str, str]], room: int) -> Iterator[Text]:
    """Yield a block of names and values; a word too long for its place gets a line of its own."""
    shown = [(name, value) for name, value in pairs if value]
    indent = max((cell_len(name) for name, _ in shown), default=0) + _GAP
    for name, value in shown:
        label = Text(name, style="bold", no_wrap=True)
        lines = [line for part in value.split("\n") for line in _broken(part, room - indent)]
        if max(map(cell_len, lines)) > room - indent:
            yield label
            yield from (Text(f"  {line}", no_wrap=True) for line in _own_lines(value, room))
            continue
        first, *others = lines
        yield label + " " * (indent - cell_len(name)) + first
        yield from (Text(" " * indent + line, no_wrap=True) for line in others)


def _own_lines(value: str, room: int) -> list[str]:
    return [line for part in value.split("\n") for line in _broken(part, room - 2)]
