"""A report from a table: lines where all is right, every fault with its line of the file."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from holdfast.drafting.report_table import COLUMNS, ReadReport, read_report
from holdfast.drafting.tables import read_table
from holdfast.protocol.amounts import AmountTextError, shipped_assets
from holdfast.protocol.unit_amounts import read_amount

ETHER = "eip155:1/slip44:60"
TETHER = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
HOLD = "hld_01jmnqx4v8e6rb3d5z0k7t9w2c"
TERMS = {"basis": "voluntary", "frozen_at": "then", "hold_expires_at": "later"}


class _Places:
    """Two addresses, one of them twice, and a hold."""

    def numbers(self, account: str) -> Sequence[int]:
        return {"0xa": [0], "0xb": [1, 2]}.get(account, [])

    def flagged(self, number: int) -> Mapping[str, Any] | None:
        known = [("eip155:1:0xa", ETHER), ("eip155:1:0xb", None), ("eip155:1:0xb", ETHER)]
        if not 0 <= number < len(known):
            return None
        return {"account": known[number][0], "asset": known[number][1]}

    def asset_of(self, identifier: str) -> str | None:
        return ETHER if identifier == HOLD else None


def _read(text: str) -> ReadReport:
    table = read_table("", text.encode(), COLUMNS)
    return read_report(table, shipped_assets(), _Places(), TERMS)


def test_rows_become_lines() -> None:
    found = _read(
        "kind;no;address;amount;code;hold;reason\n"
        "found;;0xa;1.5 ETH;;;\n"
        "frozen;0;;1 ETH;;;\n"
        "\n"
        "found;1;;2 500 USDT;;;\n"
        f"released;;;1 ETH;;{HOLD};withdrawn\n"
        "nothing;rest;;;no_match;;\n"
    )
    assert found.faults == []
    assert found.at == [2, 3, 5, 6, 7]
    assert found.lines == [
        {"kind": "found", "address_no": 0, "amount": str(15 * 10**17), "asset": ETHER},
        {**TERMS, "kind": "frozen", "address_no": 0, "amount": str(10**18), "asset": ETHER},
        {"kind": "found", "address_no": 1, "amount": str(2500 * 10**6), "asset": TETHER},
        {"kind": "released", "hold": HOLD, "reason": "withdrawn", "amount": str(10**18)},
        {"kind": "nothing", "code": "no_match", "address_nos": "rest"},
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("gone,0,,1 ETH,,", "'gone' is no kind"),
        (",0,,1 ETH,,", "The kind is missing."),
        ("found,7,,1 ETH,,", "No. 7 is not in this request."),
        ("found,,0xc,1 ETH,,", "0xc is not in this request."),
        ("found,,0xb,1 ETH,,", "stands there 2 times: write its number, one of 1, 2"),
        ("found,,,1 ETH,,", "The address is missing"),
        ("found,0,,,,", "The amount is missing."),
        ("found,0,,1500,,", "has no unit: write it, as 1500 ETH"),
        ("frozen,0,,1 ETH,tomorrow,", "'tomorrow' is no time"),
        ("frozen,0,,1 ETH,,perhaps", "'perhaps' is neither yes nor no"),
    ],
)
def test_a_fault_has_its_line(row: str, said: str) -> None:
    found = _read(f"kind,no,address,amount,until,whole_account\nfound,0,,1 ETH,,\n{row}\n")
    assert [fault.line for fault in found.faults] == [3]
    assert said in found.faults[0].text


def test_what_a_table_needs() -> None:
    assert "no column" in _read("no,amount\n0,1 ETH\n").faults[0].text
    assert "Unknown columns: frozn" in _read("kind,frozn\n").faults[0].text
    assert "no row" in _read("kind,no\n").faults[0].text


def test_withheld_and_times() -> None:
    found = _read(
        "kind,no,amount,frozen_at,until,whole_account\n"
        "frozen,0,withheld,2026-03-06 23:00,2026-03-08T01:00+02:00,yes\n"
    )
    assert found.lines == [
        {
            "kind": "frozen",
            "basis": "voluntary",
            "frozen_at": "2026-03-06T23:00:00Z",
            "hold_expires_at": "2026-03-07T23:00:00Z",
            "account_level": True,
            "address_no": 0,
            "amount": None,
            "asset": ETHER,
        }
    ]


def test_an_amount_has_its_unit() -> None:
    assets = shipped_assets()
    for text in ("2500", "2,500", "0"):
        with pytest.raises(AmountTextError, match="has no unit"):
            read_amount(text, assets, asset=TETHER)
    with pytest.raises(AmountTextError, match="has no unit"):
        read_amount("12", assets, chain="eip155:1")
    assert read_amount("2\u202f500 usdt", assets, asset=TETHER) == (TETHER, "2500000000")
    other = read_amount("1 ETH", assets, asset=TETHER, chain="eip155:1")
    assert other == (ETHER, str(10**18))
    unknown = "eip155:1/erc20:0x00000000000000000000000000000000000000ff"
    assert read_amount("12", assets, asset=unknown) == (unknown, "12")
