"""Batch files of payouts for the opener's own payment system.

One for transfers on chains, as CSV with a line for each; one for bank transfers, as ISO 20022
`pain.001.001.09`. Equal payouts give equal bytes, in the order of their ids and not of how they
were handed over, so that two people who each make the file compare one hash. What a payment system
might read otherwise than it is meant is refused, with the payout's id; nothing is cut or guessed.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import TypeVar
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.chains.account import Account
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.payloads import format_time
from holdfast.protocol.written_tables import write_table

#: Of one file.
MOST_PAYOUTS = 10_000
#: Amounts on chains are below this.
_LIMIT = 2**256
#: Of a sum in a bank's file (`ActiveOrHistoricCurrencyAndAmount`): digits in all.
_MOST_DIGITS = 18
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_CSV_COLUMNS = (
    *("payout", "claim", "chain", "address", "tag", "asset", "symbol"),
    *("amount", "base_units"),
)
#: Banks write a hyphen for the underscore, so an id has none of its own.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,34}", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
#: Where a bank must stand and is known by the IBAN.
_UNNAMED = "NOTPROVIDED"
#: What every bank takes (EPC217-08).
_LATIN = re.compile(r"[A-Za-z0-9/?:().,'+ -]+", re.ASCII)
_LONGEST_NAME, _LONGEST_TEXT = 70, 140
#: Letters that are no other with a mark, as machine-readable passports spell them.
_SPELLED: Mapping[int, str] = MappingProxyType(
    {
        ord(letter): spelled
        for spelled, letters in {
            "ss": "\u00df",
            "ae": "\u00e6",
            "AE": "\u00c6",
            "oe": "\u0153\u00f8",
            "OE": "\u0152\u00d8",
            "l": "\u0142",
            "L": "\u0141",
            "d": "\u0111\u00f0",
            "D": "\u0110\u00d0",
            "i": "\u0131",
            "th": "\u00fe",
            "TH": "\u00de",
            "'": "\u2019",
            "-": "\u2013",
        }.items()
        for letter in letters
    }
)
#: Decimals of currencies that have not two (ISO 4217).
_DECIMALS: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND"), 0
    )
    | dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0)
    | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
)


class PayoutFileError(ProtocolError):
    """No file is made; the text names the payout and says what to change."""


@dataclass(frozen=True, slots=True)
class ChainPayout:
    """So much of an asset to an account.

    Attributes:
        id: Of the payout, e.g. "pay_…".
        claim: The claim's reference.
        account: Where to, with its tag.
        asset: CAIP-19, on the account's chain.
        amount: Base units.
    """

    id: str
    claim: str
    account: Account
    asset: str
    amount: int


@dataclass(frozen=True, slots=True)
class BankPayout:
    """So much to a bank account.

    Attributes:
        id: Of the payout, e.g. "pay_…".
        claim: The claim's reference, which the receiver reads on the statement.
        name: Of the account's holder.
        iban: The account, with or without blanks.
        amount: In the currency's smallest unit, such as cents.
        bic: The bank, where the payer's bank asks for it.
    """

    id: str
    claim: str
    name: str
    iban: str
    amount: int
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays by a bank: name, account, and the bank where it must be named."""

    name: str
    iban: str
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class BankOrder:
    """What is the same for all transfers of a bank's file.

    Attributes:
        payer: Whose account they are paid from.
        batch: Id of the batch, unique for the payer: banks refuse a second one.
        currency: ISO 4217.
        made_at: When the file was made, aware.
        pay_on: When the bank is to pay.
    """

    payer: Payer
    batch: str
    currency: str
    made_at: datetime
    pay_on: date


@dataclass(frozen=True, slots=True)
class PayoutFile:
    """A file and what it comes to.

    Attributes:
        content: Its bytes.
        count: Of payouts.
        totals: Sums by asset, or by currency, in its smallest units.
    """

    content: bytes
    count: int
    totals: Mapping[str, int]

    @property
    def sha256(self) -> str:
        """What two people compare."""
        return sha256(self.content).hexdigest()


_Payout = TypeVar("_Payout", ChainPayout, BankPayout)


def chain_batch(payouts: Iterable[ChainPayout], assets: KnownAssets) -> PayoutFile:
    """Return transfers on chains as CSV: address, asset and amount, in units and in base units.

    Where an asset's decimals are unknown, `symbol` and `amount` are empty and base units count.

    Raises:
        PayoutFileError: A payout is none, stands twice, or is not on its asset's chain.
    """
    ordered = _ordered(payouts, limit=_LIMIT)
    totals: dict[str, int] = {}
    rows: list[Sequence[object]] = []
    for payout in ordered:
        account, chain = payout.account, payout.account.chain
        if payout.asset.partition("/")[0] != chain.caip2:
            raise PayoutFileError(
                f"{payout.id}: the account is on {chain.name}, the asset {payout.asset} is not"
            )
        totals[payout.asset] = totals.get(payout.asset, 0) + payout.amount
        unit = assets.unit(payout.asset)
        shown = None if unit is None else _decimal(payout.amount, unit.decimals)
        symbol = None if unit is None else unit.symbol
        address = account.display.removeprefix(f"{chain.caip2}:")
        row = (payout.id, payout.claim, chain.caip2, address, account.tag, payout.asset)
        rows.append((*row, symbol, shown, payout.amount))
    return PayoutFile(write_table(_CSV_COLUMNS, rows), len(ordered), totals)


def bank_batch(payouts: Iterable[BankPayout], order: BankOrder) -> PayoutFile:
    """Return bank transfers as ISO 20022 pain.001.001.09, one batch of one currency.

    Euros are asked for as SEPA credit transfers; costs are shared.

    Raises:
        PayoutFileError: Something is no IBAN, no name that banks take, no sum, or stands twice.
    """
    currency = order.currency
    if not _CURRENCY.fullmatch(currency):
        raise PayoutFileError(f"{currency!r} is no currency: write its ISO 4217 code, e.g. EUR")
    decimals = _DECIMALS.get(currency, 2)
    ordered = _ordered(payouts, limit=10**_MOST_DIGITS)
    total = sum(payout.amount for payout in ordered)
    if total >= 10**_MOST_DIGITS:
        raise PayoutFileError("the sum is longer than a bank's file may say: make several batches")
    document = Element("Document", xmlns=_NAMESPACE)
    initiation = SubElement(document, "CstmrCdtTrfInitn")
    sums = (("NbOfTxs", str(len(ordered))), ("CtrlSum", _decimal(total, decimals)))
    name = _bank_text("payer", order.payer.name, _LONGEST_NAME)
    header = SubElement(initiation, "GrpHdr")
    _put(header, "MsgId", _bank_id(order.batch))
    _put(header, "CreDtTm", format_time(order.made_at))
    for path, text in sums:
        _put(header, path, text)
    _put(header, "InitgPty/Nm", name)
    payment = SubElement(initiation, "PmtInf")
    _put(payment, "PmtInfId", _bank_id(order.batch))
    _put(payment, "PmtMtd", "TRF")
    _put(payment, "BtchBookg", "false")
    for path, text in sums:
        _put(payment, path, text)
    if currency == "EUR":
        _put(payment, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _put(payment, "ReqdExctnDt/Dt", order.pay_on.isoformat())
    _put(payment, "Dbtr/Nm", name)
    _put(payment, "DbtrAcct/Id/IBAN", _iban("payer", order.payer.iban))
    _put_bank(payment, "DbtrAgt", "payer", order.payer.bic or _UNNAMED)
    _put(payment, "ChrgBr", "SLEV" if currency == "EUR" else "SHAR")
    for payout in ordered:
        _put_transfer(payment, payout, currency, _decimal(payout.amount, decimals))
    indent(document)
    content = tostring(document, encoding="UTF-8", xml_declaration=True) + b"\n"
    return PayoutFile(content, len(ordered), {currency: total})


def _ordered(payouts: Iterable[_Payout], *, limit: int) -> list[_Payout]:
    """Return payouts by id, or refuse what could be paid twice or is no payment."""
    ordered = sorted(payouts, key=lambda payout: payout.id)
    if not 0 < len(ordered) <= MOST_PAYOUTS:
        raise PayoutFileError(f"a file has 1 to {MOST_PAYOUTS:,} payouts: make several")
    before = None
    for payout in ordered:
        if not _ID.fullmatch(payout.id):
            raise PayoutFileError(f"{payout.id!a}: an id is 1 to 35 letters, digits and _")
        if payout.id == before:
            raise PayoutFileError(f"{payout.id}: stands twice, and would be paid twice")
        if not 0 < payout.amount < limit:
            raise PayoutFileError(f"{payout.id}: the amount is 0 or less, or too large")
        before = payout.id
    return ordered


def _decimal(amount: int, decimals: int) -> str:
    """Return smallest units as a number of whole ones with all its decimals."""
    whole, rest = divmod(amount, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}" if decimals else str(whole)


def _put(parent: Element, path: str, text: str) -> Element:
    """Write an element, and those around it, below another one."""
    for name in path.split("/"):
        parent = SubElement(parent, name)
    parent.text = text
    return parent


def _put_transfer(parent: Element, payout: BankPayout, currency: str, amount: str) -> None:
    transfer = SubElement(parent, "CdtTrfTxInf")
    _put(transfer, "PmtId/EndToEndId", _bank_id(payout.id))
    _put(transfer, "Amt/InstdAmt", amount).set("Ccy", currency)
    if payout.bic is not None:
        _put_bank(transfer, "CdtrAgt", payout.id, payout.bic)
    _put(transfer, "Cdtr/Nm", _bank_text(payout.id, payout.name, _LONGEST_NAME))
    _put(transfer, "CdtrAcct/Id/IBAN", _iban(payout.id, payout.iban))
    words = _bank_text(payout.id, f"Claim {payout.claim.replace('_', '-')}", _LONGEST_TEXT)
    _put(transfer, "RmtInf/Ustrd", words)


def _put_bank(parent: Element, path: str, who: str, bic: str) -> None:
    if bic == _UNNAMED:
        _put(parent, f"{path}/FinInstnId/Othr/Id", bic)
        return
    if not _BIC.fullmatch(bic):
        raise PayoutFileError(f"{who}: {bic!a} is no BIC: 8 or 11 letters and digits")
    _put(parent, f"{path}/FinInstnId/BICFI", bic)


def _bank_id(text: str) -> str:
    """Return an id in the characters that banks take, which have no underscore."""
    if not _ID.fullmatch(text):
        raise PayoutFileError(f"{text!a}: an id is 1 to 35 letters, digits and _")
    return text.replace("_", "-")


def _bank_text(who: str, text: str, longest: int) -> str:
    """Return a text in the characters that banks take; marks above letters are left out."""
    plain = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    plain = " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
    if not _LATIN.fullmatch(plain) or "//" in plain or plain[0] == "/" or plain[-1] == "/":
        raise PayoutFileError(
            f"{who}: {text!a} holds characters that banks do not take: write it in Latin letters, "
            "as the bank knows it"
        )
    if len(plain) > longest:
        raise PayoutFileError(f"{who}: {text!a} has more than {longest} characters: shorten it")
    return plain


def _iban(who: str, text: str) -> str:
    """Return an IBAN without blanks; its check digits hold (ISO 13616, ISO 7064)."""
    iban = text.replace(" ", "")
    if _IBAN.fullmatch(iban):
        digits = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
        if int(digits) % 97 == 1:
            return iban
    raise PayoutFileError(f"{who}: {text!a} is no IBAN: a character is wrong, missing or in excess")
