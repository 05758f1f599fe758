"""Misplaced deposits as a table: what is asked for, what is answered, and where all of it stands.

One row a deposit, each fault with the line of the file. docs/recovery.md describes the columns.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from holdfast.drafting.tables import Row, Table
from holdfast.errors import InvalidDraftError
from holdfast.protocol.amounts import AmountTextError, KnownAssets, format_amount
from holdfast.protocol.recovery_views import DepositView
from holdfast.protocol.unit_amounts import chain_of, read_amount

#: What is asked for; `return_to` is `sent_from` where it is left out.
DEPOSIT_COLUMNS = (
    *("account", "tag", "asset", "amount", "tx", "sent_from", "return_to", "return_tag"),
    *("mistake", "fee_accepted", "proof_kind", "proof_sha256", "note"),
)
_NEEDED = ("account", "amount", "tx", "sent_from", "mistake", "fee_accepted")
#: What is answered, and what is replied.
ANSWER_COLUMNS = ("no", "kind", "amount", "sent_from", "fee", "tx", "code", "missing", "text")
#: What is written; what is not read of it is passed over.
EXPORT_COLUMNS = (
    *("no", "kind", "status", "account", "tag", "asset", "amount", "tx", "sent_from", "return_to"),
    *("return_tag", "mistake", "fee_accepted", "note", "due_at", "found_amount", "fee", "code"),
    *("returned_amount", "returned_fee", "returned_tx", "missing", "text"),
)
#: Left empty, for whoever answers to fill in.
_TO_FILL_IN = {"kind": None, "missing": None, "text": None}
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}")


class Deposited(NamedTuple):
    """What the rows of answers are about: a deposit's asset, and the chain that it is on."""

    asset: str
    chain: str


def read_deposits(table: Table, assets: KnownAssets) -> list[dict[str, Any]]:
    """Return the deposits of a table, as a recovery request has them.

    Raises:
        InvalidDraftError: With every fault at its line.
    """
    known = (*DEPOSIT_COLUMNS, *EXPORT_COLUMNS)
    return _read(table, known, _NEEDED, assets, _deposit)


def read_lines(
    table: Table, assets: KnownAssets, deposited: Mapping[int, Deposited]
) -> list[dict[str, Any]]:
    """Return the lines of a table of answers or replies.

    Args:
        table: One row a line.
        assets: Which symbols and decimals are known.
        deposited: The request's deposits by number.

    Raises:
        InvalidDraftError: With every fault at its line.
    """

    def line(reader: "_Reader") -> dict[str, Any]:
        return _line(reader, deposited)

    return _read(table, (*ANSWER_COLUMNS, *EXPORT_COLUMNS), ("no", "kind"), assets, line)


class _Reader:
    """Reads one row, and keeps what is wrong with it."""

    def __init__(self, row: Row, assets: KnownAssets) -> None:
        self.values = dict(row.values)
        self.faults = list(row.faults)
        self._assets = assets

    def amount(self, column: str, asset: str | None, chain: str | None) -> tuple[str | None, str]:
        """Return asset and base units of an amount; says what is wrong with it."""
        try:
            return read_amount(self.values[column], self._assets, asset=asset, chain=chain)
        except AmountTextError as error:
            self.faults.append(f"{column}: {error}")
            return asset, "0"


def _read(
    table: Table,
    known: Sequence[str],
    needed: Sequence[str],
    assets: KnownAssets,
    make: Any,
) -> list[dict[str, Any]]:
    faults: list[str] = []
    missing = [name for name in needed if name not in table.columns]
    unknown = [name for name in table.columns if name and name not in known]
    if missing:
        faults.append(f"line 1: these columns are missing: {', '.join(missing)}")
    if unknown:
        faults.append(f"line 1: unknown columns: {', '.join(unknown)}")
    found: list[dict[str, Any]] = []
    for row in table.rows if not missing else ():
        reader = _Reader(row, assets)
        lacking = [name for name in needed if name not in reader.values]
        reader.faults += [f"{name} is missing" for name in lacking]
        if not reader.faults:
            found.append(make(reader))
        faults += [f"line {row.line}: {text}" for text in reader.faults]
    if not found and not faults:
        faults.append("line 1: there is no row below the names of the columns")
    if faults:
        raise InvalidDraftError(faults)
    return found


def _deposit(reader: _Reader) -> dict[str, Any]:
    values = reader.values
    chain = chain_of(values["account"])
    asset, amount = reader.amount("amount", values.get("asset"), chain)
    _, fee = reader.amount("fee_accepted", asset, chain)
    made = {name: values[name] for name in ("account", "tx", "sent_from", "mistake")}
    made |= {name: values[name] for name in ("tag", "return_tag", "note") if name in values}
    made |= {"asset": asset or "", "amount": amount, "fee_accepted": fee}
    made["return_to"] = values.get("return_to", values["sent_from"])
    if "proof_kind" in values or "proof_sha256" in values:
        kind, sha256 = values.get("proof_kind", ""), values.get("proof_sha256", "")
        return {**made, "proof": {"kind": kind, "sha256": sha256.lower()}}
    return made


def _line(reader: _Reader, deposited: Mapping[int, Deposited]) -> dict[str, Any]:
    values = reader.values
    text = values["no"]
    number = int(text) if text.isdecimal() and len(text) < 10 else -1  # noqa: PLR2004
    of = deposited.get(number)
    if of is None:
        reader.faults.append(f"no: {text} is no deposit of this request")
        return {}
    made: dict[str, Any] = {"kind": values["kind"].lower().replace(" ", "_"), "no": number}
    for name in _OF_KIND.get(made["kind"], ()):
        if name not in values:
            continue
        if name in {"amount", "fee"}:
            made[name] = reader.amount(name, of.asset, of.chain)[1]
        elif name == "missing":
            made[name] = [part.strip() for part in values[name].split("|")]
        else:
            made[name] = values[name]
    if made["kind"] not in _OF_KIND:
        reader.faults.append(f"kind: {values['kind']!r} is none of {', '.join(_OF_KIND)}")
    return made


#: What a line of each kind has beside its number.
_OF_KIND: Mapping[str, Sequence[str]] = {
    "found": ("amount", "sent_from", "fee"),
    "not_found": ("text",),
    "needs": ("missing", "fee", "text"),
    "declined": ("code", "text"),
    "returned": ("tx", "amount", "fee"),
    "supplied": ("text",),
    "confirmed": (),
    "not_received": ("text",),
}


def write_table(deposits: Iterable[DepositView], assets: KnownAssets) -> Iterator[str]:
    """Yield the lines of a CSV of deposits, UTF-8, each cell safe in a spreadsheet."""
    yield _row(EXPORT_COLUMNS)
    for each in deposits:
        unit = assets.unit(each.asset)

        def amount(text: str | None, each: DepositView = each, unit: Any = unit) -> str | None:
            return None if text is None else format_amount(text, unit, asset=each.asset)

        plain = each.model_dump(mode="json")
        money = ("amount", "fee_accepted", "found_amount", "fee", "returned_amount", "returned_fee")
        plain |= {name: amount(plain[name]) for name in money} | _TO_FILL_IN
        yield _row(safe_cell(plain[name]) for name in EXPORT_COLUMNS)


def safe_cell(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _row(cells: Iterable[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()
