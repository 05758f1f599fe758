"""Which lines of the ledger are irregular, worked out from the acts that end and encumber.

`after_end` and `encumbered` follow from what was signed and when it came. That a report comes
`late` follows from the network's own window: here it is only seen that something had ended before.
Source: the design's life cycle, "the ledger never refuses a truth".
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.evidence.case_file import CaseFile
from holdfast.protocol.life_cycle_payloads import LegalOrder
from holdfast.protocol.payloads import (
    FoundLine,
    FrozenLine,
    NothingLine,
    ReleasedLine,
    ReportLine,
    ReturnedLine,
    Withdrawal,
)
from holdfast.protocol.views import EvidenceView, HoldView, LineView
from holdfast.protocol.vocabulary import Irregular, ReleaseReason

#: The coordinator's own acts that end a request.
_ENDINGS = ("close", "lapse", "suspend")


@dataclass(frozen=True, slots=True)
class End:
    """That a request ended, or took some of its addresses back; `address_nos` None: all."""

    at: datetime
    act_id: str
    address_nos: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An authority's order; `leg_id` None: on every leg, `hold` None: on all that is held."""

    at: datetime
    act_id: str
    leg_id: str | None
    hold: str | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What happened to a request besides its reports."""

    ends: Sequence[End] = ()
    orders: Sequence[Order] = ()

    @classmethod
    def of(cls, case: CaseFile) -> "Circumstances":
        """Return the ends and orders that the acts of a case prove, or the coordinator asserts."""
        ends: list[End] = []
        orders: list[Order] = []
        for act in case.acts:
            shown, payload = act.shown, act.proven and act.proven.payload
            if isinstance(payload, Withdrawal):
                ends.append(_end(shown, payload.addresses))
            elif isinstance(payload, LegalOrder):
                orders.append(Order(shown.at, shown.act_id, shown.leg_id, payload.hold))
            elif shown.act in {"close", "reject"} or (payload is None and shown.act in _ENDINGS):
                ends.append(_end(shown, "all"))
        return cls(ends, orders)

    def faults(
        self, line: LineView, said: ReportLine, holds: Mapping[str, HoldView]
    ) -> Iterator[str]:
        """Yield what is wrong with how a line of this request is marked, if anything."""
        due = self._due(line, said, holds)
        if line.irregular not in due:
            words = " or ".join(sorted(mark or "regular" for mark in due))
            yield f"{line.id} is shown as {line.irregular or 'regular'}, and its acts come to {words}"

    def _due(
        self, line: LineView, said: ReportLine, holds: Mapping[str, HoldView]
    ) -> Collection[Irregular | None]:
        if isinstance(said, ReleasedLine | ReturnedLine):
            carries_out = (
                isinstance(said, ReleasedLine) and said.reason is ReleaseReason.COURT_ORDER
            )
            against = not carries_out and self._is_encumbered(line)
            return {Irregular.ENCUMBERED if against else None}
        if not isinstance(said, FoundLine | FrozenLine | NothingLine):
            return {None}
        ends = [end for end in self.ends if _before(end, line) and _is_about(end, line)]
        if isinstance(said, FrozenLine) and ends:
            if _frozen_at(line, said, holds) >= min(end.at for end in ends):
                return {Irregular.AFTER_END}
        return {None, Irregular.LATE} if ends else {None}

    def _is_encumbered(self, line: LineView) -> bool:
        return any(
            _before(order, line)
            and order.leg_id in {None, line.leg_id}
            and order.hold in {None, line.hold}
            for order in self.orders
        )


def _end(shown: EvidenceView, addresses: Sequence[int] | str) -> End:
    numbers = None if isinstance(addresses, str) else frozenset(addresses)
    return End(shown.at, shown.act_id, numbers)


def _before(happened: End | Order, line: LineView) -> bool:
    """Tell whether something came before a line's report; ids of acts sort by time, too."""
    return (happened.at, happened.act_id) < (line.reported_at, line.report_id or "")


def _is_about(end: End, line: LineView) -> bool:
    if end.address_nos is None:
        return True
    if line.address_no is not None:
        return line.address_no in end.address_nos
    return line.address_nos == "rest" or not end.address_nos.isdisjoint(line.address_nos or ())


def _frozen_at(line: LineView, said: FrozenLine, holds: Mapping[str, HoldView]) -> datetime:
    """Return when a freeze was made; one that is shared was made when its hold was opened."""
    if said.frozen_at is not None:
        return said.frozen_at
    hold = holds.get(said.hold or "")
    return hold.frozen_at if hold is not None and hold.shared else line.reported_at
