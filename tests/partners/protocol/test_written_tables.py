"""Tables that no spreadsheet runs."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.written_tables import guarded, unguarded, write_table

#: What runs, or asks another machine, when a spreadsheet takes it for a formula.
_HOSTILE = (
    "=1+1",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    '"=1+1',
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(1)",
    '=HYPERLINK("https://a.example","x")',
    "x;=1+1",
    "x,=1+1",
    "x\t=1+1",
    "x\n=1+1",
    "x|=1+1",
)
_BEGINS = re.compile('(?:^|[;,\\t\\r\\n|])[\\s"]*[=+\\-@\uff1d\uff0b\uff0d\uff20]')


@pytest.mark.parametrize("text", _HOSTILE)
def test_no_cell_begins_as_a_formula_by_whatever_sign_cells_are_parted(text: str) -> None:
    assert not _BEGINS.search(guarded(text))
    assert "'" in guarded(text)


@given(st.text(alphabet="=+-@;,\t\r\n|'\" ax1\uff1d", max_size=12))
def test_whatever_is_written_no_cell_begins_as_a_formula(text: str) -> None:
    assert not _BEGINS.search(guarded(text))


@pytest.mark.parametrize("text", ["C-1", "2026-11-30", "a=b", "1.5 ETH", "O'Neil", "'quoted'"])
def test_plain_texts_stay_as_they_are(text: str) -> None:
    assert guarded(text) == text
    assert unguarded(text) == text


@pytest.mark.parametrize("text", ["=1+1", "-5", "@a", "+49 30 1"])
def test_the_apostrophe_is_taken_off_again(text: str) -> None:
    assert unguarded(guarded(text)) == text


def test_a_table_has_the_form_of_rfc_4180() -> None:
    rows: list[list[object]] = [["a", 5, None], ['say "x"', "1,5", "=2"]]
    raw = write_table(["one", "two", "three"], rows)
    assert raw == b'one,two,three\r\na,5,\r\n"say ""x""","1,5",\'=2\r\n'
    read = list(csv.reader(io.StringIO(raw.decode(), newline="")))
    assert read[2] == ['say "x"', "1,5", "'=2"]
