"""Misplaced deposits as tables: every fault at its line, and no cell that is a formula."""

import csv
import io
from typing import Any

import pytest

from holdfast.drafting.recovery_table import (
    ANSWER_COLUMNS,
    DEPOSIT_COLUMNS,
    EXPORT_COLUMNS,
    Deposited,
    read_deposits,
    read_lines,
    safe_cell,
    write_table,
)
from holdfast.drafting.tables import read_table
from holdfast.errors import InvalidDraftError
from holdfast.protocol.amounts import shipped_assets
from holdfast.protocol.recovery_views import DepositView

ETHER = "eip155:1/slip44:60"
ACCOUNT = "eip155:1:0x8617E340B3D01FA5F11F306F4090FD50E238070D"
SENDER = "eip155:1:0x52908400098527886E0F7030069857D2E4169EE7"
HEADER = "account,amount,tx,sent_from,mistake,fee_accepted"
ROW = f"{ACCOUNT},1.5 ETH,0x{'ab' * 32},{SENDER},wrong_network,0.01 ETH"
DEPOSITED = {0: Deposited(ETHER, "eip155:1")}


def _deposits(text: str) -> list[dict[str, Any]]:
    return read_deposits(read_table("", text.encode(), DEPOSIT_COLUMNS), shipped_assets())


def _lines(text: str) -> list[dict[str, Any]]:
    table = read_table("", text.encode(), ANSWER_COLUMNS)
    return read_lines(table, shipped_assets(), DEPOSITED)


def test_a_row_becomes_a_deposit_that_goes_back_to_its_sender() -> None:
    assert _deposits(f"{HEADER}\n{ROW}\n") == [
        {
            "account": ACCOUNT,
            "asset": ETHER,
            "amount": "1500000000000000000",
            "tx": f"0x{'ab' * 32}",
            "sent_from": SENDER,
            "return_to": SENDER,
            "mistake": "wrong_network",
            "fee_accepted": "10000000000000000",
        }
    ]
    [proven] = _deposits(
        f"{HEADER},proof_kind,proof_sha256,return_to,tag\n{ROW},document,{'AB' * 32},{ACCOUNT},7\n"
    )
    assert proven["proof"] == {"kind": "document", "sha256": "ab" * 32}
    assert (proven["return_to"], proven["tag"]) == (ACCOUNT, "7")


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("account,amount\n", ["line 1: these columns are missing: tx, sent_from"]),
        (f"{HEADER},colour\n{ROW},red\n", ["line 1: unknown columns: colour"]),
        (f"{HEADER}\n", ["line 1: there is no row"]),
        (f"{HEADER}\n{ROW}\n{ACCOUNT},1.5 ETH,,,,\n", ["line 3: tx is missing"]),
        (f"{HEADER}\n{ROW}\n{ROW.replace('1.5 ETH', '1.5')}\n", ["line 3: amount: '1.5' has no"]),
    ],
)
def test_each_fault_of_a_table_has_its_line(text: str, faults: list[str]) -> None:
    with pytest.raises(InvalidDraftError) as refused:
        _deposits(text)
    for fault in faults:
        assert fault in str(refused.value)


def test_rows_become_answers_and_replies() -> None:
    header = "no,kind,amount,sent_from,fee,tx,code,missing,text"
    rows = (
        f"0,found,1 ETH,{SENDER},0.1 ETH,,,,",
        "0,Not Found,,,,,,,looked twice",
        "0,needs,,,0.2 ETH,,,proof | higher_fee,",
        "0,declined,,,,,uneconomic,,",
        f"0,returned,0.9 ETH,,0.1 ETH,0x{'cd' * 32},,,",
        "0,confirmed,,,,,,,",
    )
    assert _lines("\n".join((header, *rows))) == [
        {
            "kind": "found",
            "no": 0,
            "amount": "1" + "0" * 18,
            "sent_from": SENDER,
            "fee": "1" + "0" * 17,
        },
        {"kind": "not_found", "no": 0, "text": "looked twice"},
        {"kind": "needs", "no": 0, "missing": ["proof", "higher_fee"], "fee": "2" + "0" * 17},
        {"kind": "declined", "no": 0, "code": "uneconomic"},
        {
            "kind": "returned",
            "no": 0,
            "tx": f"0x{'cd' * 32}",
            "amount": "9" + "0" * 17,
            "fee": "1" + "0" * 17,
        },
        {"kind": "confirmed", "no": 0},
    ]


def test_an_answer_about_no_deposit_or_of_no_kind_is_a_fault() -> None:
    with pytest.raises(InvalidDraftError) as refused:
        _lines("no,kind\n7,found\n0,lost\n")
    assert "line 2: no: 7 is no deposit" in str(refused.value)
    assert "line 3: kind: 'lost' is none of found" in str(refused.value)


@pytest.mark.parametrize(
    "first", ["=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}"]
)
def test_no_cell_is_a_formula(first: str) -> None:
    assert safe_cell(f"{first}cmd|'/c calc'!A0") == f"'{first}cmd|'/c calc'!A0"
    assert safe_cell(f"a{first}1") == f"a{first}1"
    assert safe_cell(None) == ""


def test_a_written_table_is_safe_and_read_again() -> None:
    view = DepositView.model_validate(
        {
            "no": 0,
            "status": "open",
            "account": ACCOUNT,
            "asset": ETHER,
            "amount": "1500000000000000000",
            "tx": f"0x{'ab' * 32}",
            "sent_from": SENDER,
            "return_to": SENDER,
            "mistake": "wrong_network",
            "fee_accepted": "10000000000000000",
            "note": '=HYPERLINK("http://evil.example")',
        }
    )
    text = "".join(write_table([view], shipped_assets()))
    header, row = csv.reader(io.StringIO(text))
    cells = dict(zip(header, row, strict=True))
    assert tuple(header) == EXPORT_COLUMNS
    assert cells["note"] == '\'=HYPERLINK("http://evil.example")'
    assert (cells["amount"], cells["fee_accepted"]) == ("1.5 ETH", "0.01 ETH")
    [again] = _deposits(text)
    assert (again["amount"], again["tx"]) == (view.amount, view.tx)
