"""Rows of a spreadsheet, each with its line: CSV as Excel and others write it, and .xlsx.

Nothing is guessed that could name another target: an encoding without its mark, a number that the
spreadsheet rounded, a formula without its value are faults, each with its line.
"""

import csv
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from importlib import import_module
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from holdfast.errors import InvalidDraftError
from holdfast.protocol.errors import MissingLibraryError

SEPARATORS = (",", ";", "\t")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
#: What Excel writes first where it was told which separator to use.
_SEPARATOR_LINE = re.compile(r"sep=(?P<separator>[,;\t])\r?\n", re.IGNORECASE)
#: How a spreadsheet shows a number of which it forgot the last digits.
_ROUNDED = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+", re.ASCII)
#: Excel keeps this many digits of a number and makes zeros of the others.
_KEPT_DIGITS = 15
_MOST_SHOWN = 40
_AS_TEXT = "format the column as text and paste it again"
#: Of a workbook: bytes once unpacked, and places for cells, blank ones among them. The longest list
#: takes a hundredth of either.
_MOST_UNPACKED, _MOST_CELLS = 64 * 2**20, 4_000_000
_AS_CSV = "keep the list alone, and save it as CSV UTF-8"
#: What reading a damaged or a forged workbook raises, besides what it was made for.
_UNREADABLE = (
    *(BadZipFile, zlib.error, ParseError, EOFError, OSError, RuntimeError),
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row that is not blank.

    Attributes:
        line: Where it begins in the file, from 1; of a workbook, the number of the row.
        values: Texts by column, without blanks at their ends; empty ones are left out.
        faults: What is wrong with single cells, which are left out.
    """

    line: int
    values: Mapping[str, str]
    faults: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A header line and the rows below it.

    Attributes:
        columns: Names in lower case.
        rows: Read one by one; reading raises InvalidDraftError where the form itself is broken.
    """

    columns: Sequence[str]
    rows: Iterator[Row]


def read_table(name: str, raw: bytes, known: Sequence[str]) -> Table:
    """Return the table in a file, by the file's name.

    Args:
        name: Ends with .xlsx for a workbook; else it is text.
        raw: Its bytes.
        known: Names of columns; by them the separator is found.

    Raises:
        InvalidDraftError: It cannot be read, saying how to save it.
        MissingLibraryError: A workbook, and the kit is without its extra `xlsx`.
    """
    if name.lower().endswith(".xlsx"):
        return _read_workbook(raw)
    return _read_text(decode(raw), known)


def decode(raw: bytes) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 with its mark.

    Raises:
        InvalidDraftError: It is in another encoding; with the line.
    """
    try:
        if raw.startswith(_UTF16_MARKS):
            return raw.decode("utf-16")
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InvalidDraftError(
            [f"line {line}: is not in UTF-8: save the file as CSV UTF-8 (comma delimited)"]
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InvalidDraftError(
            [f"line {line}: holds a NUL: save the file as CSV UTF-8 (comma delimited)"]
        )
    return text


def separator_of(header: str, known: Sequence[str]) -> str:
    """Return what separates the names of a header line: whatever yields the most known ones."""

    def count(separator: str) -> int:
        cells = next(csv.reader([header], delimiter=separator), [])
        return len(set(known) & {_column(cell) for cell in cells})

    return max(SEPARATORS, key=count)


def _column(text: str) -> str:
    return text.strip().lower()


def _read_text(text: str, known: Sequence[str]) -> Table:
    skipped = 0
    stated = _SEPARATOR_LINE.match(text)
    if stated:
        text, skipped = text[stated.end() :], 1
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = stated["separator"] if stated else separator_of(first, known)
    rows = _text_rows(text, separator, skipped)
    header = next(rows, (1, []))
    columns = [_column(cell) for cell in header[1]]
    return Table(columns, (_row(line, columns, cells) for line, cells in rows))


def _text_rows(text: str, separator: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of every row that is not blank, with the line where it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1 + skipped
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidDraftError([f"line {line}: {error}"]) from None
        if any(cell.strip() for cell in cells):
            yield line, cells


def _row(line: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    faults = []
    values = {}
    if any(cell.strip() for cell in cells[len(columns) :]):
        faults.append("more values than the header has columns")
    for column, cell in zip(columns, cells, strict=False):
        value = cell.strip()
        if _ROUNDED.fullmatch(value):
            faults.append(f"{column}: {value!r} was rounded by a spreadsheet: {_AS_TEXT}")
        elif value:
            values[column] = value
    return Row(line, values, faults)


def _read_workbook(raw: bytes) -> Table:
    try:
        openpyxl = import_module("openpyxl")
    except ModuleNotFoundError:
        raise MissingLibraryError(
            "to read .xlsx the kit needs its extra `xlsx` (holdfast-kit[xlsx]); or save the list "
            "as CSV UTF-8"
        ) from None
    try:
        _require_small(raw)
        # Row by row: one styled cell in the last corner makes a table of 17,000 million places.
        values = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        written = openpyxl.load_workbook(io.BytesIO(raw), read_only=True)
        sheets = zip(values.worksheets, written.worksheets, strict=True)
        filled = [(sheet.title, rows) for sheet, as_is in sheets if (rows := _rows(sheet, as_is))]
    except _UNREADABLE as error:
        first = str(error).partition("\n")[0]
        raise InvalidDraftError([f"the workbook cannot be read: {first}"]) from None
    if len(filled) > 1:
        names = ", ".join(repr(title) for title, _ in filled)
        raise InvalidDraftError(
            [f"the workbook has several sheets ({names}): keep the list alone, or save it as CSV"]
        )
    if not filled:
        return Table([], iter(()))
    (_, header, _), *rows = filled[0][1]
    columns = [_column(str(cell)) if cell is not None else "" for cell in header]
    return Table(columns, (_sheet_row(number, columns, c, f) for number, c, f in rows))


def _require_small(raw: bytes) -> None:
    """Refuse what a few bytes unpack to without end; zipfile unpacks no more than it says here."""
    with ZipFile(io.BytesIO(raw)) as packed:
        if sum(each.file_size for each in packed.infolist()) > _MOST_UNPACKED:
            raise InvalidDraftError([f"the workbook is too large: {_AS_CSV}"])


_Cells = Sequence[Any]


def _rows(values: Any, written: Any) -> list[tuple[int, _Cells, _Cells]]:
    """Return the rows of a sheet that are not blank, each with its number and as it was written."""
    for sheet in (values, written):
        sheet.reset_dimensions()  # what the file says of its size need not be so
    both = zip(values.iter_rows(values_only=True), written.iter_rows(values_only=True), strict=True)
    rows, seen = [], 0
    for number, (cells, formulas) in enumerate(both, start=1):
        seen += 1 + len(cells)
        if seen > _MOST_CELLS:
            raise InvalidDraftError([f"the sheet {values.title!r} is too large: {_AS_CSV}"])
        if any(cell is not None and str(cell).strip() for cell in (*cells, *formulas)):
            rows.append((number, cells, formulas))
    return rows


def _sheet_row(
    number: int, columns: Sequence[str], cells: Sequence[Any], formulas: Sequence[Any]
) -> Row:
    texts, faults = [], []
    for column, cell, formula in zip(columns, cells, formulas, strict=False):
        text, fault = _cell_text(cell, formula)
        texts.append(text)
        if fault:
            faults.append(f"{column}: {fault}")
    row = _row(number, columns, texts)
    return Row(number, row.values, [*faults, *row.faults])


def _cell_text(cell: Any, formula: Any) -> tuple[str, str | None]:
    """Return the text of a cell, and what is wrong with it."""
    match cell:
        case None if formula is not None:
            return "", "is a formula whose value the file does not hold: open and save it in Excel"
        case None:
            return "", None
        case bool() | date() | time():
            return "", f"is {cell}, which Excel made of it: {_AS_TEXT}"
        case int() | float():
            return _number_text(cell)
        case str() if cell.startswith("#") and cell.rstrip("!?/A").isupper():
            return "", f"is the error {cell}"
        case _:
            return str(cell), None


def _number_text(number: float) -> tuple[str, str | None]:
    # The size first: no float is as large as what a file may write; and NaN is not smaller.
    is_kept = abs(number) < 10**_KEPT_DIGITS
    text = f"{number:.{_KEPT_DIGITS}g}" if is_kept else str(number)[:_MOST_SHOWN]
    if not is_kept or "e" in text:
        return "", f"{text} is a number, of which Excel keeps {_KEPT_DIGITS} digits: {_AS_TEXT}"
    return str(int(number)) if float(number).is_integer() else text, None
