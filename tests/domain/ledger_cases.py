"""What the tests of the freeze ledger share: one leg, its clock, lines as partners write them."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from coordinator.domain.errors import CoordinatorError, InvalidInputError, LedgerBreachError
from coordinator.domain.freeze_ledger import (
    BookedLine,
    Booking,
    Flagged,
    HoldBalance,
    LegLedger,
    Rules,
    book,
    facts_of,
)
from coordinator.domain.hold_limits import HoldLimits
from coordinator.domain.irregular import Ends
from coordinator.domain.leg import LegAct, leg_status
from holdfast.protocol.payloads import ReportLine
from holdfast.protocol.vocabulary import HoldBasis, LegStatus, LineKind, Support

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ETH = "eip155:1/slip44:60"
USDT = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
ASSETS = {ETH: ETH, "eip155:1/slip44:060": ETH, USDT: USDT}
LINE: TypeAdapter[ReportLine] = TypeAdapter(ReportLine)
MAX_HOLD = HoldLimits(
    by_basis={HoldBasis.VOLUNTARY: 90 * DAY, HoldBasis.OWN_POLICY: 180 * DAY},
    by_support={},
    support=Support.NONE,
)


#: A transaction of which too few characters were copied.
CUT = "0xc07"


def type_id(prefix: str, number: int) -> str:
    """Return an id that the bodies accept."""
    return f"{prefix}_{number:026d}"


#: The request that a hold is shared with.
OTHER = type_id("frq", 7)


def line(kind: str, **members: Any) -> ReportLine:
    """Return one line, validated as from the wire."""
    return LINE.validate_python({"kind": kind, **members})


def found(address_no: int, amount: int | None, asset: str = ETH) -> ReportLine:
    """State so much found."""
    return line("found", address_no=address_no, asset=asset, amount=text(amount))


def frozen(address_no: int, amount: int | None, asset: str = ETH, **members: Any) -> ReportLine:
    """Open a hold, an hour ago and for three days unless told otherwise."""
    clocks = {"frozen_at": NOW - HOUR, "hold_expires_at": NOW + 3 * DAY}
    return line(
        "frozen", address_no=address_no, asset=asset, amount=text(amount), **(clocks | members)
    )


def top_up(hold: str, address_no: int, amount: int | None, **members: Any) -> ReportLine:
    """Add to a hold."""
    return line("frozen", address_no=address_no, hold=hold, amount=text(amount), **members)


def share(hold: str, address_no: int, **members: Any) -> ReportLine:
    """Link a hold of another leg."""
    return line("frozen", address_no=address_no, hold=hold, **members)


def released(hold: str, amount: int | None) -> ReportLine:
    """Let go of a hold, or of a part."""
    return line("released", hold=hold, amount=text(amount), reason="false_positive")


def returned(hold: str, amount: int | None) -> ReportLine:
    """Send back."""
    return line("returned", hold=hold, amount=text(amount), tx="0xabc")


def seized(hold: str, amount: int | None) -> ReportLine:
    """Hand over to an authority."""
    return line("seized", hold=hold, amount=text(amount), agency="Police")


def kept(hold: str, basis: str = "own_policy", **members: Any) -> ReportLine:
    """Keep a hold."""
    return line("kept", hold=hold, basis=basis, **members)


def nothing(address_nos: list[int] | str, code: str = "no_match") -> ReportLine:
    """Answer addresses."""
    return line("nothing", address_nos=address_nos, code=code)


def correction(corrects: str, amount: int | None, **members: Any) -> ReportLine:
    """Replace an amount."""
    said = {"corrects": corrects, "amount": text(amount), "reason": "a zero too many"}
    return line("correction", **said, **members)


def text(amount: int | None) -> str | None:
    """Return an amount as on the wire."""
    return None if amount is None else str(amount)


def canonical(asset: str) -> str:
    """Stand in for the chains' asset rule, with two assets."""
    try:
        return ASSETS[asset]
    except KeyError:
        raise ValueError(f"{asset} is no asset that the coordinator knows") from None


def whole(transaction: str) -> None:
    """Stand in for the chains' rule of transactions: one is cut."""
    if transaction == CUT:
        raise ValueError("is cut")


class Desk:
    """One leg that reports: keeps its ledger and its lines, as storage would."""

    def __init__(self, leg_id: str = "leg_1", ids: Iterator[int] | None = None) -> None:
        self.ids = ids or iter(range(1, sys.maxsize))  # may be copied, as `count` may not
        self.ledger = LegLedger(leg_id, line=self._stored)
        self.lines: dict[str, BookedLine] = {}
        self.rules: dict[str, Any] = {
            "flagged": {},
            "address_count": 5,
            "now": NOW,
            "max_hold": MAX_HOLD,
            "canonical_asset": canonical,
            "noticed_at": NOW - 2 * HOUR,
            "ends": Ends(),
            "left_out": (),
            "encumbered": {},
            "require_transaction": whole,
            "amount_text": lambda amount, asset: f"{amount} of {asset}",
            "late_window": timedelta(hours=24),
            "review_after": timedelta(hours=24),
            "shared_with": lambda _hold: [OTHER],
            "current_status": None,
        }

    def _stored(self, line_id: str) -> BookedLine | None:
        return self.lines.get(line_id)

    def try_report(self, *lines: ReportLine, **rules: Any) -> Booking:
        """Book without taking it over."""
        judged = Rules(
            new_line_id=lambda: type_id("lin", next(self.ids)),
            new_hold_id=lambda: type_id("hld", next(self.ids)),
            **(self.rules | rules),
        )
        return book(self.ledger, lines, judged)

    def report(self, *lines: ReportLine, **rules: Any) -> Booking:
        """Book and take over, corrections into the lines that they correct."""
        booking = self.try_report(*lines, **rules)
        self.ledger.apply(booking)
        for booked in booking.lines:
            self.lines[booked.id] = booked
            if booked.kind is LineKind.CORRECTION and booked.corrects is not None:
                self.lines[booked.corrects] = self.lines[booked.corrects]._replace(
                    amount=booked.amount, withheld=booked.withheld
                )
        return booking

    def opens(self, address_no: int = 0, amount: int | None = 100, **members: Any) -> str:
        """Find and freeze, and return the hold's id."""
        booking = self.report(found(address_no, amount), frozen(address_no, amount, **members))
        return booking.opened[0]

    def hold(self, hold_id: str) -> HoldBalance:
        """Return one of the leg's own holds."""
        return self.ledger.holds[hold_id]

    def status(self, *, ended: bool = False) -> LegStatus:
        """Return how the leg shows after a report."""
        return leg_status(
            facts_of(
                self.ledger,
                address_count=self.rules["address_count"],
                last_act=LegAct.REPORT,
                ended=ended,
            )
        )

    def refused(
        self,
        *lines: ReportLine,
        error: type[CoordinatorError] = LedgerBreachError,
        **rules: Any,
    ) -> Mapping[str, str]:
        """Report what must be refused; return pointer to code, and see that nothing moved."""
        before = repr(self.ledger)
        with pytest.raises(error) as refusal:
            self.try_report(*lines, **rules)
        assert repr(self.ledger) == before
        assert refusal.value.message
        assert all(fault.detail for fault in refusal.value.errors)
        return {fault.pointer: fault.code for fault in refusal.value.errors}

    def refused_input(self, *lines: ReportLine, **rules: Any) -> Mapping[str, str]:
        """Report what is no input at all."""
        return self.refused(*lines, error=InvalidInputError, **rules)


def flagged(
    address_no: int, amount: int | None, asset: str | None = ETH, *, whole_account: bool = False
) -> dict[int, Flagged]:
    """Return what a request states of one address."""
    return {address_no: Flagged(address_no, asset, amount, whole_account)}
