"""Tables for spreadsheets, in which nothing that somebody wrote becomes a formula.

A spreadsheet runs a cell that begins with =, +, - or @ (and, in some languages, with their wide
forms): what a claimant wrote into a field would then run on the desk of whoever opens the export.
Such a cell gets an apostrophe before it, which spreadsheets take for "this is text". Where a
spreadsheet splits lines by another sign than ours, a cell may begin within a text: the apostrophe
stands there, too.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf"(?:^|(?<=[;,\t\r\n|]))(?=[\s\"']*[{_SIGNS}])")
_GUARDED = re.compile(rf"'(?=[\s\"']*[{_SIGNS}])")


def guarded(text: str) -> str:
    """Return a text for a cell that no spreadsheet takes for a formula."""
    return _FORMULA.sub("'", text)


def unguarded(text: str) -> str:
    """Return what a cell says without the apostrophe that `guarded` wrote at its beginning."""
    return text[1:] if _GUARDED.match(text) else text


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return CSV as RFC 4180 has it: UTF-8 with commas, CRLF at every line's end.

    Args:
        columns: Names of the columns, ours.
        rows: Cells in this order; None is an empty one, and so is a missing last one.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if cell is None else guarded(str(cell)) for cell in row])
    return out.getvalue().encode()
