"""The freeze ledger: takes a report whole or refuses it whole, and adds it up.

`held = frozen - released - returned - seized`, never negative, per
hold and so per leg, address and asset; `frozen <= found`. `booking` takes the lines one by one,
`ledger_draft` checks the sums after all of them; one fault refuses the whole report.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coordinator.domain.booking import Booker
from coordinator.domain.hold import HoldBalance
from coordinator.domain.ledger_draft import Rules, TellableAmounts
from coordinator.domain.ledger_state import (
    BookedLine,
    Booking,
    Finding,
    Flagged,
    LegLedger,
    Position,
)
from coordinator.domain.leg import LegAct, LegFacts
from holdfast.protocol.payloads import ReportLine
from holdfast.protocol.vocabulary import LineKind

__all__ = [
    "AssetSums",
    "BookedLine",
    "Booking",
    "Finding",
    "Flagged",
    "HoldBalance",
    "LegLedger",
    "Position",
    "Rules",
    "TellableAmounts",
    "book",
    "facts_of",
    "totals",
]


def book(ledger: LegLedger, lines: Sequence[ReportLine], rules: Rules) -> Booking:
    """Check a whole report after all its lines and return what it changes; change nothing.

    Args:
        ledger: The reporting leg's ledger as it stands, with the holds that lines name.
        lines: The report, validated by its models.
        rules: What it is judged by.

    Raises:
        InvalidInputError: If lines name no known address or asset, or an amount out of range.
        LedgerBreachError: If the report as a whole would break the ledger. Both carry every fault,
            each with the pointer of its line.
    """
    return Booker(ledger, rules).book(lines)


@dataclass(slots=True)
class AssetSums:
    """Sums of one asset over distinct holds, base units; `withheld` counts amounts not told."""

    found: int = 0
    frozen: int = 0
    released: int = 0
    returned: int = 0
    seized: int = 0
    withheld: int = 0

    @property
    def held(self) -> int:
        """What is still held; never negative."""
        return self.frozen - self.released - self.returned - self.seized


def totals(holds: Iterable[HoldBalance], findings: Iterable[Finding]) -> dict[str, AssetSums]:
    """Return the sums by asset; a hold that comes twice, because legs share it, counts once."""
    sums: dict[str, AssetSums] = {}
    for hold in {hold.id: hold for hold in holds}.values():
        of = sums.setdefault(hold.asset, AssetSums())
        of.frozen += hold.frozen
        of.released += hold.released
        of.returned += hold.returned
        of.seized += hold.seized
        of.withheld += hold.withheld
    for finding in findings:
        of = sums.setdefault(finding.asset, AssetSums())
        of.found += finding.found
        of.withheld += finding.withheld
    return sums


def facts_of(
    ledger: LegLedger,
    *,
    address_count: int,
    last_act: LegAct | None,
    ended: bool,
) -> LegFacts:
    """Return what the leg's status depends on; shared holds count for it, unlinked ones do not.

    Nor do withdrawn addresses that it said nothing of: no answer is awaited about them.
    """
    linked = [(address_no, hold) for address_no, hold in ledger.linked() if not hold.is_void]
    frozen: Counter[Position] = Counter()
    withheld: set[Position] = set()
    for address_no, hold in linked:
        frozen[address_no, hold.asset] += hold.frozen
        if hold.withheld:
            withheld.add((address_no, hold.asset))
    return LegFacts(
        last_act=last_act,
        ended=ended,
        address_count=address_count - len(ledger.withdrawn - ledger.nothing.keys()),
        answered=Counter(ledger.nothing.values()),
        any_found=any(each.found or each.withheld for each in ledger.findings.values()),
        any_frozen=bool(linked),
        any_held=any(hold.is_open for _, hold in linked),
        frozen_lt_found=any(
            frozen[position] < finding.found
            for position, finding in ledger.findings.items()
            if not finding.withheld and position not in withheld
        ),
        any_returned_or_seized=any(
            hold.returned or hold.seized or hold.ended_by in (LineKind.RETURNED, LineKind.SEIZED)
            for _, hold in linked
        ),
    )
