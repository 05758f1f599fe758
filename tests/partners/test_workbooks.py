"""Lists in .xlsx: what stands in the cells, and never what a spreadsheet made of it."""

import io
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest

from holdfast.client.draft import read_draft
from holdfast.client.tables import read_table
from holdfast.errors import InvalidDraftError
from holdfast.protocol.errors import MissingLibraryError
from tests.partners.test_draft import ADDRESS, TEMPLATE

OPENPYXL = import_module("openpyxl")


def workbook(*sheets: list[list[Any]]) -> bytes:
    book = OPENPYXL.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"S{number}")
        for row in rows:
            sheet.append(row)
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def faults_of(*sheets: list[list[Any]]) -> list[str]:
    with pytest.raises(InvalidDraftError) as refused:
        read_draft("list.xlsx", workbook(*sheets), TEMPLATE)
    return refused.value.faults


def test_a_workbook_s_rows_are_addresses_and_blank_ones_are_skipped() -> None:
    rows: list[list[Any]] = [
        ["Chain", "Address", "Amount", "Tag", None],
        ["Ethereum", ADDRESS, "1.5 ETH", None, None],
        [None, " ", None, None, None],
        ["XRP", "rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY", None, 495.0, None],
        ["BSC", ADDRESS, "7 BNB", None, None],
    ]
    draft = read_draft("List.XLSX", workbook(rows, []), TEMPLATE)
    first, second, third = draft.request.addresses
    assert (first.amount, second.tag, third.amount) == ("1" + "5" + "0" * 17, "495", "7" + "0" * 18)
    assert draft.address_lines == [2, 4, 5]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (1.23e22, "of which Excel keeps 15 digits"),
        (10**15, "of which Excel keeps 15 digits"),
        (0.0000001, "of which Excel keeps 15 digits"),
        ("1.23E+22", "was rounded by a spreadsheet"),
        ("=A1&B1", "is a formula whose value the file does not hold"),
        (datetime(2026, 1, 2, tzinfo=UTC).replace(tzinfo=None), "which Excel made of it"),
        (True, "which Excel made of it"),
        ("#REF!", "is the error #REF!"),
        (1.5, "has a fraction and no symbol"),
    ],
)
def test_what_a_spreadsheet_made_of_an_amount_is_refused(cell: Any, words: str) -> None:
    [fault] = faults_of([["chain", "address", "amount"], ["eth", ADDRESS, cell]])
    assert fault.startswith("line 2: amount: ")
    assert words in fault


def test_the_list_stands_on_the_one_sheet_that_is_filled() -> None:
    rows = [["chain", "address"], ["eth", ADDRESS]]
    assert "several sheets ('S0', 'S1')" in faults_of(rows, rows)[0]
    assert "give a column account" in faults_of([])[0]


def test_what_is_no_workbook_is_refused() -> None:
    with pytest.raises(InvalidDraftError, match="the workbook cannot be read"):
        read_draft("list.xlsx", b"chain,address\n", TEMPLATE)


def test_without_the_library_another_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("holdfast.client.tables.import_module", missing)
    with pytest.raises(MissingLibraryError, match=r"holdfast-kit\[xlsx\].*CSV UTF-8"):
        read_table("list.xlsx", b"", [])
