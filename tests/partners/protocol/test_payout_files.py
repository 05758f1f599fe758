"""Batch files of payouts: the same bytes for the same payouts, and nothing that is paid wrongly."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.amounts import KnownAssets, shipped_assets
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import shipped_chains
from holdfast.protocol.payout_files import (
    MOST_PAYOUTS,
    BankOrder,
    BankPayout,
    ChainPayout,
    Payer,
    PayoutFile,
    PayoutFileError,
    bank_batch,
    chain_batch,
)

_ETHER, _UNKNOWN = "eip155:1/slip44:60", "eip155:1/erc20:0x51e9d833ecae4e8d9d8be17300aee6d3398c135d"
_ACCOUNT = parse_account(shipped_chains(), "eip155:1:0x2c7536E3605D9C16a7a3D7b1898e529396a65c23")
_TAGGED = parse_account(shipped_chains(), "xrpl:0:rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", "7")
_XRP = "xrpl:0/slip44:144"
#: Example accounts of the SWIFT IBAN registry.
_GERMAN, _BRITISH = "DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819"
_NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
_PAYER = Payer("Exchange A Ltd", _BRITISH)


def _chain_payout(number: int = 1, **changes: object) -> ChainPayout:
    payout = ChainPayout(f"pay_{number:03}", f"C-{number}", _ACCOUNT, _ETHER, 15 * 10**17)
    return replace(payout, **changes)  # type: ignore[arg-type]


def _bank_payout(number: int = 1, **changes: object) -> BankPayout:
    payout = BankPayout(f"pay_{number:03}", f"C_{number}", "Zo\u00eb Gro\u00df", _GERMAN, 12_345)
    return replace(payout, **changes)  # type: ignore[arg-type]


def _bank(*payouts: BankPayout, payer: Payer = _PAYER, currency: str = "EUR") -> PayoutFile:
    made_at = datetime(2026, 11, 30, 21, 0, tzinfo=UTC)
    return bank_batch(payouts, BankOrder(payer, "alo_1", currency, made_at, date(2026, 12, 1)))


def _rows(file: PayoutFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.content.decode(), newline="")))


def _texts(file: PayoutFile, path: str) -> list[str | None]:
    root: Element = fromstring(file.content.decode())  # noqa: S314 - what we wrote ourselves
    return [found.text for found in root.findall(f".//{path}", _NS)]


def test_a_transfer_names_account_tag_and_amount() -> None:
    tagged = _chain_payout(2, account=_TAGGED, asset=_XRP, amount=2_500_000)
    plain = _chain_payout(3, asset=_UNKNOWN, amount=7)
    file = chain_batch([plain, tagged, _chain_payout()], shipped_assets())
    first, second, third = _rows(file)
    assert first == {
        "payout": "pay_001",
        "claim": "C-1",
        "chain": "eip155:1",
        "address": "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23",
        "tag": "",
        "asset": _ETHER,
        "symbol": "ETH",
        "amount": "1.500000000000000000",
        "base_units": "1500000000000000000",
    }
    assert (second["tag"], second["amount"], second["symbol"]) == ("7", "2.500000", "XRP")
    assert (third["amount"], third["symbol"], third["base_units"]) == ("", "", "7")
    assert file.count == 3
    assert file.totals == {_ETHER: 15 * 10**17, _XRP: 2_500_000, _UNKNOWN: 7}


@given(st.lists(st.integers(1, 2**256 - 1), min_size=1, max_size=20), st.randoms())
def test_equal_payouts_give_equal_bytes_in_whatever_order(
    amounts: list[int], random: Random
) -> None:
    payouts = [_chain_payout(number, amount=amount) for number, amount in enumerate(amounts)]
    file = chain_batch(payouts, shipped_assets())
    random.shuffle(payouts)
    assert chain_batch(payouts, shipped_assets()) == file
    assert sum(int(row["base_units"]) for row in _rows(file)) == sum(amounts)
    for row in _rows(file):
        assert int(row["amount"].replace(".", "")) == int(row["base_units"])


def test_what_is_compared_is_the_hash_of_the_bytes() -> None:
    one, other = (
        chain_batch([_chain_payout(amount=n)], KnownAssets(shipped_chains())) for n in (1, 2)
    )
    assert one.sha256 != other.sha256
    assert len(one.sha256) == 64


def test_no_cell_of_a_batch_is_a_formula() -> None:
    file = chain_batch([_chain_payout(claim="=1+1")], shipped_assets())
    assert _rows(file)[0]["claim"] == "'=1+1"


def test_a_bank_transfer_has_the_members_that_banks_want() -> None:
    file = _bank(_bank_payout(2, amount=5, bic="COBADEFFXXX"), _bank_payout())
    assert file.content.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<Document xmlns=")
    assert (file.count, file.totals) == (2, {"EUR": 12_350})
    assert _texts(file, "p:CtrlSum") == ["123.50", "123.50"]
    assert _texts(file, "p:NbOfTxs") == ["2", "2"]
    assert _texts(file, "p:MsgId") == ["alo-1"]
    assert _texts(file, "p:CreDtTm") == ["2026-11-30T21:00:00Z"]
    assert _texts(file, "p:ReqdExctnDt/p:Dt") == ["2026-12-01"]
    assert _texts(file, "p:SvcLvl/p:Cd") == ["SEPA"]
    assert _texts(file, "p:DbtrAgt//p:Id") == ["NOTPROVIDED"]
    assert _texts(file, "p:DbtrAcct//p:IBAN") == [_BRITISH]
    assert _texts(file, "p:EndToEndId") == ["pay-001", "pay-002"]
    assert _texts(file, "p:InstdAmt") == ["123.45", "0.05"]
    assert _texts(file, "p:Cdtr/p:Nm") == ["Zoe Gross", "Zoe Gross"]
    assert _texts(file, "p:CdtrAcct//p:IBAN") == [_GERMAN.replace(" ", "")] * 2
    assert _texts(file, "p:CdtrAgt//p:BICFI") == ["COBADEFFXXX"]
    assert _texts(file, "p:Ustrd") == ["Claim C-1", "Claim C-2"]
    assert file == _bank(_bank_payout(), _bank_payout(2, amount=5, bic="COBADEFFXXX"))


@pytest.mark.parametrize(
    ("currency", "shown"), [("USD", "123.45"), ("JPY", "12345"), ("KWD", "12.345")]
)
def test_each_currency_has_its_own_decimals(currency: str, shown: str) -> None:
    file = _bank(_bank_payout(), currency=currency, payer=replace(_PAYER, bic="NWBKGB2L"))
    assert _texts(file, "p:InstdAmt") == [shown]
    assert _texts(file, "p:SvcLvl") == []
    assert _texts(file, "p:ChrgBr") == ["SHAR"]
    assert _texts(file, "p:DbtrAgt//p:BICFI") == ["NWBKGB2L"]


def test_a_name_is_no_markup() -> None:
    for name in ("<Nm>x</Nm>", "a & b", "]]>", "&lt;"):
        with pytest.raises(PayoutFileError, match="characters that banks do not take"):
            _bank(_bank_payout(name=name))


_Make = Callable[[], PayoutFile]
_REFUSED: dict[str, tuple[_Make, str]] = {
    "none": (lambda: chain_batch([], shipped_assets()), "1 to 10,000 payouts"),
    "many": (
        lambda: chain_batch([_chain_payout()] * (MOST_PAYOUTS + 1), shipped_assets()),
        "1 to 10,000 payouts",
    ),
    "twice": (
        lambda: chain_batch([_chain_payout()] * 2, shipped_assets()),
        "pay_001: stands twice, and would be paid twice",
    ),
    "twice at a bank": (lambda: _bank(_bank_payout(), _bank_payout(name="B")), "stands twice"),
    "an id": (lambda: chain_batch([_chain_payout(id="pay-1")], shipped_assets()), "an id is"),
    "a long id": (lambda: _bank(_bank_payout(id="p" * 36)), "an id is"),
    "zero": (
        lambda: chain_batch([_chain_payout(amount=0)], shipped_assets()),
        "pay_001: the amount",
    ),
    "less": (lambda: _bank(_bank_payout(amount=-1)), "pay_001: the amount"),
    "more": (
        lambda: chain_batch([_chain_payout(amount=2**256)], shipped_assets()),
        "pay_001: the amount",
    ),
    "more than banks take": (lambda: _bank(_bank_payout(amount=10**18)), "pay_001: the amount"),
    "a sum": (
        lambda: _bank(_bank_payout(1, amount=10**18 - 1), _bank_payout(2)),
        "the sum is longer",
    ),
    "another chain": (
        lambda: chain_batch([_chain_payout(account=_TAGGED)], shipped_assets()),
        "pay_001: the account is on XRP",
    ),
    "an IBAN": (
        lambda: _bank(_bank_payout(iban="DE89370400440532013001")),
        "pay_001: 'DE89370400440532013001' is no IBAN",
    ),
    "a short IBAN": (lambda: _bank(_bank_payout(iban="DE89")), "is no IBAN"),
    "digits of another script": (
        lambda: _bank(_bank_payout(iban=_BRITISH.replace("2", "\u0662"))),
        "is no IBAN",
    ),
    "the payer's IBAN": (lambda: _bank(_bank_payout(), payer=Payer("A", "x")), "payer: 'x'"),
    "a BIC": (lambda: _bank(_bank_payout(bic="COBA")), "pay_001: 'COBA' is no BIC"),
    "another alphabet": (
        lambda: _bank(_bank_payout(name="\u0410\u043d\u043d\u0430")),
        "write it in Latin letters",
    ),
    "no name": (lambda: _bank(_bank_payout(name=" ")), "write it in Latin letters"),
    "a slash": (lambda: _bank(_bank_payout(name="a//b")), "write it in Latin letters"),
    "a long name": (lambda: _bank(_bank_payout(name="n" * 71)), "more than 70 characters"),
    "a currency": (lambda: _bank(_bank_payout(), currency="euro"), "no currency"),
}


@pytest.mark.parametrize(("make", "says"), _REFUSED.values(), ids=_REFUSED)
def test_what_could_be_paid_wrongly_makes_no_file(make: _Make, says: str) -> None:
    with pytest.raises(PayoutFileError, match=says):
        make()


@given(st.text(max_size=90), st.text(max_size=40))
def test_whatever_a_name_or_an_account_holds_the_file_is_whole_or_there_is_none(
    name: str, iban: str
) -> None:
    for payout in (_bank_payout(name=name), _bank_payout(iban=iban)):
        try:
            file = _bank(payout)
        except PayoutFileError:
            continue
        assert len(_texts(file, "p:Cdtr/p:Nm")) == 1
