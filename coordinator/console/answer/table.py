"""A report by CSV: read whole, every fault at its line, nothing stored before it is right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from coordinator.api import ledger_reads
from coordinator.console.answer.acts import Prepared
from coordinator.console.answer.case import AnswerCase
from coordinator.console.answer.filled import Fault, FilledWrongError
from coordinator.console.answer.report import freeze_terms, reported
from coordinator.console.answer.wording import plain
from coordinator.console.forms import Form
from holdfast.drafting.report_table import COLUMNS, ReadReport, read_report
from holdfast.drafting.tables import decode, read_table
from holdfast.errors import InvalidDraftError
from holdfast.protocol.errors import MissingLibraryError

#: As many faults as a page lists; who has more has the same one many times.
MOST_FAULTS = 100


@dataclass
class _Places:
    """What rows may name: the addresses of a request, and one's own holds and lines."""

    case: AnswerCase

    def numbers(self, account: str) -> Sequence[int]:
        return self.case.asked.by_account.get(account.casefold(), [])

    def flagged(self, number: int) -> Mapping[str, Any] | None:
        return self.case.asked.at(number)

    def asset_of(self, identifier: str) -> str | None:
        return self._assets.get(identifier)

    @cached_property
    def _assets(self) -> Mapping[str, str]:
        lists = (ledger_reads.list_holds, ledger_reads.list_lines)
        return {
            each["id"]: each["asset"]
            for view in lists
            for each in self.case.visit.every(view, request_id=self.case.id)
            if each.get("asset")
        }


def table_text(form: Form) -> str:
    """Return what was pasted, or the text of the file, so that it can be mended on the page."""
    upload = form.files.get("file")
    if upload is None or upload.name.lower().endswith(".xlsx"):
        return form.text("table")
    try:
        return decode(upload.content)
    except InvalidDraftError:
        return form.text("table")


def prepare_table(case: AnswerCase, form: Form) -> Prepared:
    """Return the report of a table.

    Raises:
        FilledWrongError: With every fault at its line.
    """
    faults = list[Fault]()
    terms = freeze_terms(case, form, faults)
    found = _read(case, form, terms)
    faults += [_at(each.line, each.text) for each in found.faults[:MOST_FAULTS]]
    if len(found.faults) > MOST_FAULTS:
        more = len(found.faults) - MOST_FAULTS
        faults.append(Fault("table", f"And {more} more lines are wrong."))
    if faults:
        raise FilledWrongError(faults)
    return reported(case, found.lines, _Lines(found.at))


@dataclass(frozen=True, slots=True)
class _Lines:
    """Finds the line of the file that a refusal of the ledger is about."""

    at: Sequence[int]

    def __call__(self, pointer: str) -> str:
        number = pointer.removeprefix("/lines/").partition("/")[0]
        known = number.isdecimal() and int(number) < len(self.at)
        return f"line:{self.at[int(number)]}" if known else ""


def at_lines(faults: Sequence[Fault]) -> list[Fault]:
    """Return faults of lines as faults of the table's field, each saying its line."""
    return [
        _at(int(each.field.removeprefix("line:")), each.text)
        if each.field.startswith("line:")
        else each
        for each in faults
    ]


def _at(line: int, text: str) -> Fault:
    return Fault("table", f"Line {line}: {plain(text)}")


def _read(case: AnswerCase, form: Form, terms: Mapping[str, Any]) -> ReadReport:
    upload = form.files.get("file")
    name, raw = ("", b"") if upload is None else (upload.name, upload.content)
    if upload is None:
        raw = form.text("table").encode()
    if not raw.strip():
        raise FilledWrongError([Fault("table", "Paste the table, or choose a file.")])
    try:
        table = read_table(name, raw, COLUMNS)
        return read_report(table, case.visit.assets, _Places(case), terms)
    except InvalidDraftError as error:
        raise FilledWrongError([Fault("table", plain(each)) for each in error.faults]) from None
    except MissingLibraryError:
        text = "This coordinator reads no workbooks: save the list as CSV UTF-8."
        raise FilledWrongError([Fault("file", text)]) from None
