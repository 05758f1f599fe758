"""Claims from a table, and back."""

from typing import Any

import pytest

from holdfast.drafting.claims import MOST_CLAIMS, ReadClaims, read_claims, write_claims
from holdfast.errors import InvalidDraftError
from holdfast.protocol.amounts import shipped_assets
from tests.partners.test_workbooks import workbook

_HEADER = "ref,addresses,asset,amount,tx,proof,documents,payout,chain"
_FIRST = "eip155:1:0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
_SECOND = "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
_ETHER = "eip155:1/slip44:60"
_TX = "0x" + "ab" * 32
_HASH = "cd" * 32


def _read(*rows: str, header: str = _HEADER) -> ReadClaims:
    return read_claims("claims.csv", "\n".join((header, *rows)).encode(), shipped_assets())


def _faults(*rows: str, header: str = _HEADER) -> list[str]:
    found = _read(*rows, header=header)
    assert found.faults
    return [f"{fault.line}: {fault.text}" for fault in found.faults]


def _row(**changes: str) -> str:
    cells = {
        "ref": "C-1",
        "addresses": _FIRST,
        "amount": "1.5 ETH",
        "proof": "attested",
        "payout": _FIRST,
    } | changes
    return ",".join(cells.get(name, "") for name in _HEADER.split(","))


def test_a_row_is_a_claim() -> None:
    found = _read(
        _row(),
        "",
        _row(
            ref="C-2",
            addresses=f"{_FIRST} | {_SECOND}",
            asset=_ETHER,
            amount="2 ETH",
            tx=_TX.upper().replace("0X", "0x"),
            proof="Documents",
            documents=f"{_HASH} {_HASH}",
        ),
    )
    assert found.faults == []
    assert found.at == [2, 4]
    assert found.claims == [
        {
            "ref": "C-1",
            "addresses": [_FIRST],
            "asset": _ETHER,
            "amount": str(15 * 10**17),
            "proof": "attested",
            "payout": _FIRST,
        },
        {
            "ref": "C-2",
            "addresses": [_FIRST, _SECOND],
            "asset": _ETHER,
            "amount": str(2 * 10**18),
            "tx": _TX,
            "proof": "documents",
            "documents": [_HASH],
            "payout": _FIRST,
        },
    ]


def test_a_chain_may_stand_in_a_column_of_its_own() -> None:
    bare = _FIRST.rpartition(":")[2]
    claim = _read(_row(chain="ETH", addresses=bare, payout=bare)).claims[0]
    assert (claim["addresses"], claim["payout"]) == ([_FIRST], _FIRST)


def test_an_asset_without_known_decimals_is_claimed_in_base_units() -> None:
    asset = "eip155:1/erc20:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
    claim = _read(_row(asset=asset, amount="7")).claims[0]
    assert claim["amount"] == "7"
    assert claim["asset"].lower() == asset.lower()


def test_a_workbook_is_read_alike() -> None:
    rows: list[list[Any]] = [_HEADER.split(","), _row().split(",")]
    found = read_claims("claims.xlsx", workbook(rows), shipped_assets())
    assert (found.claims, found.faults) == (_read(_row()).claims, [])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ref": ""}, "2: Ref: the cell is empty: fill it in."),
        ({"ref": "=1+1"}, "2: Ref: write 1 to 64 letters"),
        ({"ref": "C 1"}, "2: Ref: write 1 to 64 letters"),
        ({"ref": "C-\u0430"}, "2: Ref: write 1 to 64 letters"),
        ({"addresses": ""}, "2: Addresses: the cell is empty"),
        ({"addresses": "|"}, "2: Addresses: name the addresses"),
        ({"addresses": _FIRST[:-1]}, "2: Addresses: 'eip155:1:0x2c75"),
        ({"addresses": f"{_FIRST} {_FIRST}"}, "2: Addresses: one of them stands twice."),
        ({"addresses": " ".join([_FIRST] * 21)}, "2: Addresses: a claim has 20 at most."),
        ({"addresses": "0x51E9"}, "2: Addresses: '0x51E9': is no CAIP-10 account"),
        ({"chain": "nowhere"}, "2: Chain: 'nowhere': "),
        ({"payout": ""}, "2: Payout: the cell is empty"),
        ({"payout": _FIRST.replace("2c", "3c")}, "2: Payout: "),
        ({"amount": ""}, "2: Amount: the cell is empty"),
        ({"amount": "1.5"}, "2: Amount: '1.5' has no unit"),
        ({"amount": "1.23E+22"}, "2: Amount: '1.23E+22' was rounded by a spreadsheet"),
        ({"amount": "0 ETH"}, "2: Amount: 0 claims nothing"),
        ({"amount": "-5 ETH"}, "2: Amount: '-5 ETH' is no amount"),
        ({"amount": "5 BTC", "asset": _ETHER}, "2: Amount: "),
        ({"amount": "9" * 80 + " ETH"}, "2: Amount: "),
        ({"asset": "ETH"}, "2: Asset: "),
        ({"tx": "0xab"}, "2: Tx: "),
        ({"tx": "https://etherscan.io/tx/0xab"}, "2: Tx: is a link"),
        ({"proof": ""}, "2: Proof: the cell is empty"),
        ({"proof": "trust me"}, "2: Proof: 'trust me' is none: write signature"),
        ({"proof": "documents"}, "2: Documents: name the SHA-256"),
        ({"documents": "report.pdf"}, "2: Documents: write the SHA-256"),
    ],
)
def test_a_fault_names_its_line_and_what_to_change(changes: dict[str, str], says: str) -> None:
    faults = _faults(_row(**changes), _row(ref="C-2"))
    assert any(fault.startswith(says) for fault in faults), faults
    assert all(fault.startswith("2: ") and fault.endswith(".") for fault in faults)


def test_all_faults_come_at_once_and_no_row_is_dropped_unsaid() -> None:
    found = _read(_row(proof="x"), _row(ref="C-2", amount="1"), _row(ref="C-3"))
    assert [fault.line for fault in found.faults] == [2, 3]
    assert found.at == [4]


def test_a_reference_stands_once() -> None:
    assert _faults(_row(), _row()) == ["3: Ref: C-1 stands in line 2: give each its own."]


def test_columns_are_known_and_whole() -> None:
    assert _faults("C-1,x", header="ref,colour") == [
        "1: Missing columns: addresses, amount, proof, payout.",
        "1: Unknown columns: colour.",
    ]
    assert _faults(_row(), header=f"{_HEADER},ref") == ["1: Repeated columns: ref."]
    assert _faults() == ["1: There is no row below the names of the columns."]
    assert _faults(f"{_row()},more") == ["2: More values than the header has columns."]


def test_a_file_has_ten_thousand_claims_at_most() -> None:
    rows = [_row(ref=f"C-{number}") for number in range(MOST_CLAIMS + 1)]
    assert _faults(*rows) == [f"{MOST_CLAIMS + 2}: More than 10,000 claims: send them in parts."]
    assert len(_read(*rows[:-1]).claims) == MOST_CLAIMS


def test_what_is_no_table_is_refused() -> None:
    for raw in (b"\xff\xff", b'ref,"', b"ref\0"):
        with pytest.raises(InvalidDraftError, match="line 1"):
            read_claims("claims.csv", raw, shipped_assets())


def test_what_is_written_is_read_again() -> None:
    tx = "+" + "A" * 42 + "="  # a transaction id in base64, which a spreadsheet would run
    claims = _read(
        _row(), _row(ref="C-2", addresses=f"{_FIRST} {_SECOND}", documents=_HASH, tx=_TX)
    ).claims
    ton = {
        "ref": "C-3",
        "addresses": ["ton:-239:EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF"],
        "asset": "ton:-239/slip44:607",
        "amount": "1500000000",
        "tx": tx,
        "proof": "signature",
        "payout": _FIRST,
    }
    written = write_claims([*claims, ton], shipped_assets())
    assert b",'+AAAA" in written
    assert b",1.5 ETH," in written
    found = read_claims("claims.csv", written, shipped_assets())
    assert [fault.text for fault in found.faults] == []
    assert found.claims == [*claims, ton | {"tx": "f8" + "00" * 31}]
