"""The freeze ledger: takes a report whole or refuses it whole, and adds it up.

Source: the design's ledger. `held = frozen - released - returned - seized`, never negative, per
hold and so per leg, address and asset; `frozen <= found`. `booking` takes the lines one by one,
`ledger_draft` checks the sums after all of them; one fault refuses the whole report.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from coordinator.domain.booking import Booker
from coordinator.domain.hold import HoldBalance
from coordinator.domain.irregular import Ends
from coordinator.domain.ledger_draft import Rules
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
from holdfast.protocol.vocabulary import HoldBasis, LineKind

__all__ = [
    "AssetSums",
    "BookedLine",
    "Booking",
    "Finding",
    "Flagged",
    "HoldBalance",
    "LegLedger",
    "Position",
    "book",
    "facts_of",
    "totals",
]

_NO_HOLDS: Mapping[str, HoldBalance] = MappingProxyType({})


def book(  # noqa: PLR0913 - all that the rules hang on, by name, so that nothing is left to a default
    ledger: LegLedger,
    lines: Sequence[ReportLine],
    *,
    flagged: Mapping[int, Flagged],
    address_count: int,
    now: datetime,
    new_line_id: Callable[[], str],
    new_hold_id: Callable[[], str],
    canonical_asset: Callable[[str], str],
    other_holds: Mapping[str, HoldBalance],
    noticed_at: datetime,
    ends: Ends,
    encumbered: Collection[str],
    late_window: timedelta,
    review_after: timedelta,
    max_hold: Mapping[HoldBasis, timedelta],
    shared_with: Callable[[str], Iterable[str]],
    current_status: str | None,
) -> Booking:
    """Check a whole report after all its lines and return what it changes; change nothing.

    Args:
        ledger: The reporting leg's ledger as it stands.
        lines: The report, validated by its models.
        flagged: What the request states, by address number; those without amount may be left out.
        address_count: How many addresses the request flags.
        now: Present time.
        new_line_id: Makes `lin_…` ids, called in the order of the lines.
        new_hold_id: Makes `hld_…` ids.
        canonical_asset: Returns the one form of a CAIP-19 id, or raises ValueError or ours.
        other_holds: The partner's holds on its other legs, for sharing them.
        noticed_at: When the notice to the partner was queued.
        ends: Since when the request, or some addresses of it, ask for no more freezes.
        encumbered: Holds on which an authority's order lies.
        late_window: How long after the end messages cross; what comes later is `late`.
        review_after: From the freeze of a whole account to another look at it.
        max_hold: How far ahead an end may lie, by basis; a basis left out has no limit.
        shared_with: Returns the requests that a hold is linked to.
        current_status: The request's status, for the refusal.

    Raises:
        InvalidInputError: If lines name no known address or asset, or an amount out of range.
        LedgerBreachError: If the report as a whole would break the ledger. Both carry every fault,
            each with the pointer of its line.
    """
    rules = Rules(
        flagged=flagged,
        address_count=address_count,
        now=now,
        new_line_id=new_line_id,
        new_hold_id=new_hold_id,
        canonical_asset=canonical_asset,
        other_holds=other_holds,
        noticed_at=noticed_at,
        ends=ends,
        encumbered=encumbered,
        late_window=late_window,
        review_after=review_after,
        max_hold=max_hold,
        shared_with=shared_with,
        current_status=current_status,
    )
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
    ended: bool = False,
    other_holds: Mapping[str, HoldBalance] = _NO_HOLDS,
) -> LegFacts:
    """Return what the leg's status depends on; shared holds count for it, unlinked ones do not.

    Nor do withdrawn addresses that it said nothing of: no answer is awaited about them.
    """
    linked = [
        (hold.address_no, hold)
        for hold in ledger.holds.values()
        if not hold.is_void and hold.id not in ledger.unlinked
    ]
    linked += [
        (address_no, other_holds[hold_id])
        for hold_id, address_no in ledger.shared.items()
        if not other_holds[hold_id].is_void
    ]
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
