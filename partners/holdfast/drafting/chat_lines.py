"""Lines of a pasted text, mended as far as that changes no address, and the tables among them."""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from holdfast.drafting.tables import SEPARATORS, Row, Table, read_table

#: How people keep links from being clicked, and what they mean.
_DEFANGED = (
    (re.compile(r"\bh[xX]{2}p(s?)", re.ASCII), r"http\1"),
    (re.compile(r"\[\.\]|\(\.\)|\[dot\]", re.IGNORECASE), "."),
    (re.compile(r"\[:\]|\[:?//\]?"), ":"),
    (re.compile(r"\[at\]|\[@\]", re.IGNORECASE), "@"),
)
_QUOTED = re.compile(r"^(?:\s*>)+\s?")
_LAST = re.compile(r"(\S+)\s*$")
_FIRST = re.compile(r"^\s*(\S+)")
_BROKEN_HEX = re.compile(r"0[xX][0-9a-fA-F]{4,63}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_WHOLE = frozenset({42, 66})
_FEWEST_CHARACTERS = 8
#: People write no longer lines, and what is looked for takes its time over each.
LONGEST_LINE = 4_000
_RULE = re.compile(r"[\s|:+-]+")
_PIPE = "|"


@dataclass(slots=True)
class Line:
    """One line: its number from 1, its text, what was mended, and whether it is read elsewhere."""

    number: int
    text: str
    note: str = ""
    is_taken: bool = False


def clean_lines(text: str, is_address: Callable[[str], bool]) -> list[Line]:
    """Return the lines of a text: links whole again, quotes and invisible characters gone.

    Args:
        text: As pasted.
        is_address: Tells whether two halves make an address whose checksum is right; only then, or
            where hex gets exactly its length, are two lines joined.
    """
    lines = [_clean(number, line) for number, line in enumerate(text.splitlines(), start=1)]
    for first, second in pairwise(lines):
        if max(len(first.text), len(second.text)) > LONGEST_LINE:
            continue
        _join(first, second, is_address)
    return lines


def _clean(number: int, text: str) -> Line:
    plain = _QUOTED.sub("", text)
    for pattern, meant in _DEFANGED:
        plain = pattern.sub(meant, plain)
    visible = "".join(each for each in plain if unicodedata.category(each) != "Cf")
    note = "invisible characters were left out" if visible != plain else ""
    return Line(number, visible.replace("\u00a0", " "), note)


def _join(first: Line, second: Line, is_address: Callable[[str], bool]) -> None:
    """Put an address together that a line end broke."""
    end, start = _LAST.search(first.text), _FIRST.search(second.text)
    if not end or not start or len(start[1]) < 2 or len(end[1]) < _FEWEST_CHARACTERS:  # noqa: PLR2004
        return
    head, tail = end[1], start[1].rstrip(".,;:")
    if _BROKEN_HEX.fullmatch(head):
        whole = _HEX.fullmatch(tail) is not None and len(head + tail) in _WHOLE
        whole = whole and len(head) not in _WHOLE
    else:
        bare = head.rpartition(":")[2]
        whole = bare.isalnum() and tail.isalnum() and not is_address(bare)
        whole = whole and is_address(bare + tail)
    if not whole:
        return
    first.text = first.text[: end.start()] + head + tail + second.text[start.end() :]
    second.text, second.is_taken = "", True
    first.note = f"put together with line {second.number}"


def table_blocks(lines: Sequence[Line], known: Sequence[str]) -> Iterator[Table]:
    """Yield the tables with known columns, marking their lines; rows have the text's lines."""
    at = 0
    while at < len(lines):
        separator = _header_separator(lines[at].text, known)
        if separator is None:
            at += 1
            continue
        end = at + 1
        while end < len(lines) and (not lines[end].text.strip() or separator in lines[end].text):
            end += 1
        block = lines[at:end]
        for line in block:
            line.is_taken = True
        yield _table(block, separator, known)
        at = end


def _header_separator(text: str, known: Sequence[str]) -> str | None:
    for separator in (*SEPARATORS, _PIPE):
        names = {cell.strip(' *_"').lower() for cell in text.split(separator)}
        if separator in text and ("account" in names or {"chain", "address"} <= names):
            return separator if names & set(known) else None
    return None


def _table(block: Sequence[Line], separator: str, known: Sequence[str]) -> Table:
    offset = block[0].number - 1
    texts = [line.text for line in block]
    if separator == _PIPE:
        texts = [_piped(text) for text in texts]
    table = read_table("", "\n".join(texts).encode(), known)
    return Table(
        table.columns, (Row(row.line + offset, row.values, row.faults) for row in table.rows)
    )


def _piped(text: str) -> str:
    """Return a markdown row as CSV; the rule below the header is no row."""
    if _RULE.fullmatch(text):
        return ""
    cells = [cell.strip(" *`") for cell in text.strip().strip(_PIPE).split(_PIPE)]
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    return written.getvalue()
