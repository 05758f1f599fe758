"""Lists in .xlsx: what stands in the cells, and never what a spreadsheet made of it."""

import io
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from holdfast.drafting.draft import read_draft
from holdfast.drafting.tables import read_table
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
    return faults_in(workbook(*sheets))


def faults_in(raw: bytes) -> list[str]:
    with pytest.raises(InvalidDraftError) as refused:
        read_draft("list.xlsx", raw, TEMPLATE)
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


def edited(*replacements: tuple[bytes, bytes]) -> bytes:
    """Return a workbook whose sheet was written by somebody else than a spreadsheet."""
    rows = [["chain", "address", "amount"], ["eth", ADDRESS, "1 ETH"]]
    written = io.BytesIO()
    with ZipFile(io.BytesIO(workbook(rows))) as plain, ZipFile(written, "w", ZIP_DEFLATED) as other:
        for name in plain.namelist():
            content = plain.read(name)
            for old, new in replacements if name == "xl/worksheets/sheet1.xml" else ():
                assert old in content
                content = content.replace(old, new, 1)
            other.writestr(name, content)
    return written.getvalue()


def cell(content: bytes) -> tuple[bytes, bytes]:
    return b"</sheetData>", b'<row r="3">' + content + b"</row></sheetData>"


def test_a_sheet_is_as_large_as_what_stands_in_it() -> None:
    far = (b"</sheetData>", b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>')
    dimension = (b'ref="A1:C2"', b'ref="A1:XFD1048576"')
    draft = read_draft("list.xlsx", edited(far, dimension), TEMPLATE)
    assert draft.address_lines == [2]


def test_a_workbook_that_grows_without_end_is_refused() -> None:
    blank = b" " * (64 * 2**20)
    with pytest.raises(InvalidDraftError, match="the workbook is too large"):
        read_draft("list.xlsx", edited((b"</sheetData>", blank + b"</sheetData>")), TEMPLATE)
    wide = b"".join(b'<row r="%d"><c r="XFD%d"/></row>' % (n, n) for n in range(3, 300))
    with pytest.raises(InvalidDraftError, match="'S0' is too large"):
        read_draft("list.xlsx", edited((b"</sheetData>", wide + b"</sheetData>")), TEMPLATE)


@pytest.mark.parametrize(
    "damage",
    [
        (b"</sheetData>", b""),
        (b"<worksheet", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hosts">]><worksheet'),
        cell(b'<c r="A3" t="s"><v>99999</v></c>'),
        cell(b'<c r="A3" t="n"><v>' + b"9" * 5000 + b"</v></c>"),
        cell(b'<c r="A3" t="inlineStr"><is><t>&a;</t></is></c>'),
    ],
)
def test_a_damaged_or_forged_sheet_is_refused_in_words(damage: tuple[bytes, bytes]) -> None:
    broken = edited(damage)
    if b"DOCTYPE" in damage[1]:
        broken = edited(damage, cell(b'<c r="A3" t="inlineStr"><is><t>&a;</t></is></c>'))
    with pytest.raises(InvalidDraftError, match="the workbook cannot be read: ") as refused:
        read_draft("list.xlsx", broken, TEMPLATE)
    assert "\n" not in refused.value.faults[0]


def test_a_packed_file_that_is_damaged_is_refused_in_words() -> None:
    raw = workbook([["chain", "address"], ["eth", ADDRESS]])
    packed = raw.index(b"sheet1.xml") + len(b"sheet1.xml")
    with pytest.raises(InvalidDraftError, match="the workbook cannot be read: "):
        read_draft("l.xlsx", raw[:packed] + b"\xff" * 40 + raw[packed + 40 :], TEMPLATE)


@pytest.mark.parametrize("number", [b"9" * 400, b"1" + b"0" * 15])
def test_a_number_beyond_every_float_is_a_fault_of_its_cell(number: bytes) -> None:
    raw = edited(cell(b'<c r="A3" t="n"><v>' + number + b"</v></c>"))
    with pytest.raises(InvalidDraftError) as refused:
        read_draft("list.xlsx", raw, TEMPLATE)
    assert refused.value.faults[0].startswith("line 3: chain: ")
    assert "of which Excel keeps 15 digits" in refused.value.faults[0]


def test_an_array_formula_without_its_value_is_no_blank_cell() -> None:
    faults = faults_in(edited(cell(b'<c r="C3"><f t="array" ref="C3">A1*2</f></c>')))
    assert faults[0].startswith("line 3: amount: is a formula whose value")


@pytest.mark.parametrize("block", ["9" * 5000, "\u0663\u0664", "-1"])
def test_a_block_that_is_none_is_a_fault_of_its_line(block: str) -> None:
    [fault] = faults_of([["chain", "address", "block"], ["eth", ADDRESS, block]])
    assert fault.startswith("line 2: block: ")


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

    monkeypatch.setattr("holdfast.drafting.tables.import_module", missing)
    with pytest.raises(MissingLibraryError, match=r"holdfast-kit\[xlsx\].*CSV UTF-8"):
        read_table("list.xlsx", b"", [])
