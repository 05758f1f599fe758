"""A freeze report from a table: one line a row, each fault with the line of the file.

docs/lists.md describes the columns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from holdfast.drafting.tables import Row, Table
from holdfast.protocol.amounts import AmountTextError, KnownAssets
from holdfast.protocol.payloads import format_time
from holdfast.protocol.unit_amounts import chain_of, read_amount
from holdfast.protocol.vocabulary import LineKind

#: What a row may say beside its kind, and the member of the line that it becomes.
_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "asset": "asset",
        "basis": "basis",
        "hold": "hold",
        "reason": "reason",
        "tx": "tx",
        "agency": "agency",
        "order": "order",
        "other_request": "other_request",
        "corrects": "corrects",
        "code": "code",
        "detail": "detail",
        "effective_tx": "effective_tx",
        "proposed_tx": "proposed_tx",
    }
)
_TIMES: Mapping[str, str] = MappingProxyType(
    {
        "frozen_at": "frozen_at",
        "until": "hold_expires_at",
        "left_at": "left_at",
        "review_at": "review_at",
        "effective_at": "effective_at",
        "proposed_at": "proposed_at",
    }
)
_NEXT: Mapping[str, str] = MappingProxyType(
    {"next_service": "service", "next_account": "account", "next_tx": "tx"}
)
_TICKS: Mapping[str, str] = MappingProxyType({"whole_account": "account_level", "retry": "retry"})
_TICKED = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
COLUMNS = (
    *("kind", "no", "account", "address", "amount", "missing"),
    *_TEXTS,
    *_TIMES,
    *_NEXT,
    *_TICKS,
)
#: Kinds of a flagged address; all others are of a hold, or of an earlier line.
_OF_ADDRESS = frozenset({LineKind.FOUND, LineKind.FROZEN, LineKind.NOTHING})
_WITHHELD, _REST = "withheld", "rest"


class Places(Protocol):
    """What a table's rows are about: a request with its holds and lines."""

    def numbers(self, account: str) -> Sequence[int]:
        """Return the numbers of an account, in CAIP-10 or as the address alone."""

    def flagged(self, number: int) -> Mapping[str, Any] | None:
        """Return a flagged address by its number; None if there is none."""

    def asset_of(self, identifier: str) -> str | None:
        """Return the asset of a hold or a line; None if there is no such."""


class RowFault(NamedTuple):
    """What is wrong, and in which line of the file."""

    line: int
    text: str


@dataclass(slots=True)
class ReadReport:
    """What a table comes to.

    Attributes:
        lines: Of the report.
        at: For each of them the line of the file.
        faults: In the order of the file.
    """

    lines: list[dict[str, Any]] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)


def read_report(
    table: Table, assets: KnownAssets, places: Places, terms: Mapping[str, Any]
) -> ReadReport:
    """Return the lines of a table, and every fault of it.

    Args:
        table: As `holdfast.drafting.tables.read_table` returns it.
        assets: Which symbols and decimals are known.
        places: What the rows may name.
        terms: What stands for empty columns of `frozen` rows.

    Raises:
        InvalidDraftError: The form of the file is broken.
    """
    found = ReadReport()
    unknown = [name for name in table.columns if name and name not in COLUMNS]
    if "kind" not in table.columns:
        found.faults.append(
            RowFault(
                1,
                "There is no column \N{LEFT DOUBLE QUOTATION MARK}kind"
                "\N{RIGHT DOUBLE QUOTATION MARK}: found, frozen or nothing.",
            )
        )
        return found
    if unknown:
        found.faults.append(RowFault(1, f"Unknown columns: {', '.join(unknown)}."))
    for row in table.rows:
        reader = _RowReader(row, assets, places, terms)
        line = reader.read()
        if reader.faults:
            found.faults += [RowFault(row.line, text) for text in reader.faults]
        else:
            found.lines.append(line)
            found.at.append(row.line)
    if not found.lines and not found.faults:
        found.faults.append(RowFault(1, "There is no row below the names of the columns."))
    return found


class _RowReader:
    """Reads one row."""

    def __init__(
        self, row: Row, assets: KnownAssets, places: Places, terms: Mapping[str, Any]
    ) -> None:
        self._values = row.values
        self._assets = assets
        self._places = places
        self._terms = terms
        self.faults = [f"{each[:1].upper()}{each[1:]}." for each in row.faults]

    def read(self) -> dict[str, Any]:
        """Return the line; what is wrong with it is in `faults`."""
        kind = self._values.get("kind", "").lower()
        if kind not in set(LineKind):
            self.faults.append(
                f"{kind!r} is no kind: write {', '.join(LineKind)}."
                if kind
                else "The kind is missing."
            )
            return {}
        line: dict[str, Any] = {"kind": kind}
        line |= dict(self._members())
        if LineKind(kind) in _OF_ADDRESS:
            self._place(line, LineKind(kind))
        if self.faults:
            return line  # what is wrong already would only be said twice
        if "amount" in self._values:
            self._state(line)
        elif LineKind(kind) not in {LineKind.NOTHING, LineKind.KEPT} and "hold" not in line:
            self.faults.append("The amount is missing.")
        if kind == LineKind.FROZEN and "hold" not in line:
            line = {**self._terms_beside(line), **line}
        return line

    def _terms_beside(self, line: Mapping[str, Any]) -> Mapping[str, Any]:
        is_own = line.keys() & {"review_at", "effective_tx", "effective_at"}
        return {} if is_own else self._terms

    def _members(self) -> Iterator[tuple[str, Any]]:
        yield from self._renamed(_TEXTS, self._values.__getitem__)
        yield from self._renamed(_TIMES, self._time)
        yield from self._renamed(_TICKS, self._ticked)
        if "missing" in self._values:
            yield "missing", [part.strip() for part in self._values["missing"].split("|")]
        following = dict(self._renamed(_NEXT, self._values.__getitem__))
        if following:
            yield "next", following

    def _renamed(
        self, names: Mapping[str, str], read: Callable[[str], Any]
    ) -> Iterator[tuple[str, Any]]:
        """Yield the columns of some names that the row has, as members."""
        for column, member in names.items():
            if column in self._values:
                yield member, read(column)

    def _time(self, column: str) -> str:
        text = self._values[column].removesuffix("UTC").strip().replace("Z", "+00:00")
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            self.faults.append(f"{column}: {text!r} is no time: write 2026-03-06 23:00, in UTC.")
            return ""
        return format_time(found.replace(tzinfo=found.tzinfo or UTC))

    def _ticked(self, column: str) -> bool:
        text = self._values[column].lower()
        if text not in _TICKED:
            self.faults.append(f"{column}: {text!r} is neither yes nor no.")
        return _TICKED.get(text, False)

    def _place(self, line: dict[str, Any], kind: LineKind) -> None:
        if kind is LineKind.NOTHING and self._values.get("no", "").lower() == _REST:
            line["address_nos"] = _REST
            return
        number = self._number()
        if number is None:
            return
        if kind is LineKind.NOTHING:
            line["address_nos"] = [number]
        else:
            line["address_no"] = number

    def _number(self) -> int | None:
        if "no" in self._values:
            text = self._values["no"]
            number = int(text) if text.isdecimal() and len(text) < 10 else -1  # noqa: PLR2004
            if self._places.flagged(number) is None:
                self.faults.append(f"No. {text} is not in this request.")
                return None
            return number
        name = self._values.get("account") or self._values.get("address")
        if name is None:
            self.faults.append("The address is missing: write its number or the address itself.")
            return None
        numbers = self._places.numbers(name)
        if len(numbers) != 1:
            why = (
                "is not in this request"
                if not numbers
                else (
                    f"stands there {len(numbers)} times: write its number, one of"
                    f" {', '.join(map(str, numbers[:6]))}"
                )
            )
            self.faults.append(f"{name} {why}.")
            return None
        return numbers[0]

    def _state(self, line: dict[str, Any]) -> None:
        text, asset = self._values["amount"], self._asset(line)
        if text.lower() == _WITHHELD:
            line["amount"] = None
            if "address_no" in line and asset is not None:
                line["asset"] = asset
            return
        number = line.get("address_no")
        flagged = None if number is None else self._places.flagged(number)
        chain = chain_of(str(flagged["account"])) if flagged else None
        try:
            found, line["amount"] = read_amount(text, self._assets, asset=asset, chain=chain)
        except AmountTextError as error:
            self.faults.append(f"Amount: {error}.")
            return
        if asset is not None and number is None and found != asset:
            self.faults.append(f"Amount: {text!r} is of another asset than what it is about.")
        if number is not None:
            line["asset"] = found

    def _asset(self, line: Mapping[str, Any]) -> str | None:
        if "asset" in line:
            return str(line["asset"])
        about = line.get("hold") or line.get("corrects")
        if about is not None:
            return self._places.asset_of(str(about))
        flagged = self._places.flagged(line.get("address_no", -1))
        return None if flagged is None else flagged.get("asset")
