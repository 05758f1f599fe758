"""What happened to a request besides its reports, and which of its lines are irregular by it.

`after_end` and `encumbered` follow from what was signed and when it came. That a report comes
`late` follows from the network's own window: here it is only seen that something had ended before.
Source: the design's life cycle, "the ledger never refuses a truth".
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.evidence.case_file import CaseFile, SeenAct
from holdfast.protocol.hold_payloads import HoldExtension
from holdfast.protocol.life_cycle_payloads import LegalOrder, WithdrawalDecision
from holdfast.protocol.payloads import (
    Approval,
    FoundLine,
    FrozenLine,
    NothingLine,
    ReleasedLine,
    ReportLine,
    ReturnedLine,
    Withdrawal,
)
from holdfast.protocol.views import EvidenceView, LineView
from holdfast.protocol.vocabulary import Irregular, ReleaseReason

#: The coordinator's own acts that end a request, and a lead's besides a withdrawal.
_ENDINGS = ("close", "lapse")
#: Those by which nobody's approval stands behind a request that is out, until leads ratify it.
_UNRATIFIED_BY = ("unratify", "suspend")
_SIGNED_ENDINGS = ("close", "reject")
_REGULAR = "regular"


@dataclass(frozen=True, slots=True)
class Happened:
    """When something came about, and by which act."""

    at: datetime
    act_id: str


@dataclass(frozen=True, slots=True)
class End(Happened):
    """That a request ended, or took some of its addresses back.

    Attributes:
        address_nos: None: all.
        lifted: By what it counts no more, where leads ratified late.
    """

    address_nos: frozenset[int] | None = None
    lifted: Happened | None = None


@dataclass(frozen=True, slots=True)
class Order(Happened):
    """An authority's order; `leg_id` None: on every leg, `hold` None: on all that is held."""

    leg_id: str | None
    hold: str | None


@dataclass(frozen=True, slots=True)
class SignedExtension:
    """A hold's extension that is proven, and when it came."""

    partner: str
    payload: HoldExtension
    at: datetime


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What happened to a request besides its reports.

    Attributes:
        leaves: Where each act stands in the log. The times of two acts that met may say it the
            other way round: an act has the time at which it came, and may have had to wait.
    """

    ends: Sequence[End] = ()
    orders: Sequence[Order] = ()
    extensions: Sequence[SignedExtension] = ()
    leaves: Mapping[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, case: CaseFile) -> "Circumstances":
        """Return what the acts of a case prove; that time ended it the coordinator asserts."""
        ends = [_end(shown, "all") for name in _ENDINGS for shown in case.unsigned(name)]
        ends += _unratified(case)
        ends += _taken_back_by_ratifying(case)
        ends += _proposed_and_approved(case)
        orders: list[Order] = []
        extensions: list[SignedExtension] = []
        for act in case.acts:
            if act.proven is None:
                continue
            shown, said = act.shown, act.proven.payload
            if isinstance(said, Withdrawal) and shown.act == "withdraw":
                ends.append(_end(shown, said.addresses))
            elif shown.act in _SIGNED_ENDINGS:
                ends.append(_end(shown, "all"))
            elif isinstance(said, LegalOrder):
                orders.append(Order(shown.at, shown.act_id, shown.leg_id, said.hold))
            elif isinstance(said, HoldExtension):
                extensions.append(SignedExtension(act.proven.key.partner, said, shown.at))
        leaves = {act.shown.act_id: act.shown.leaf_index for act in case.acts}
        return cls(ends, orders, extensions, leaves)

    def faults(self, line: LineView, said: ReportLine, frozen_at: datetime | None) -> Iterator[str]:
        """Yield what is wrong with how a line of this request is marked, if anything.

        Args:
            line: As it is shown.
            said: As it was signed.
            frozen_at: Of a `frozen` line; None where only another request tells.
        """
        due = self._due(line, said, frozen_at)
        if line.irregular not in due:
            words = " or ".join(sorted(mark or _REGULAR for mark in due))
            yield f"{line.id} is shown as {line.irregular or _REGULAR}, its acts come to {words}"

    def _due(
        self, line: LineView, said: ReportLine, frozen_at: datetime | None
    ) -> Collection[Irregular | None]:
        if isinstance(said, ReleasedLine | ReturnedLine):
            carries_out = (
                isinstance(said, ReleasedLine) and said.reason is ReleaseReason.COURT_ORDER
            )
            against = not carries_out and self._is_encumbered(line)
            return {Irregular.ENCUMBERED if against else None}
        if not isinstance(said, FoundLine | FrozenLine | NothingLine):
            return {None}
        ends = [end for end in self.ends if self._counts(end, line)]
        if not ends:
            return {None}
        if not isinstance(said, FrozenLine):
            return {None, Irregular.LATE}
        if frozen_at is None:
            return {None, Irregular.LATE, Irregular.AFTER_END}
        is_after = frozen_at >= min(end.at for end in ends)
        return {Irregular.AFTER_END} if is_after else {None, Irregular.LATE}

    def _is_encumbered(self, line: LineView) -> bool:
        return any(
            self._before(order, line)
            and order.leg_id in {None, line.leg_id}
            and order.hold in {None, line.hold}
            for order in self.orders
        )

    def _counts(self, end: End, line: LineView) -> bool:
        is_lifted = end.lifted is not None and self._before(end.lifted, line)
        return self._before(end, line) and not is_lifted and _is_about(end, line)

    def _before(self, happened: Happened, line: LineView) -> bool:
        """Tell whether something was taken before a line's report was."""
        first, second = (self.leaves.get(each or "") for each in (happened.act_id, line.report_id))
        if first is None or second is None:
            return happened.at < line.reported_at
        return first < second


def _ratification(case: CaseFile) -> SeenAct | None:
    """Return the approval with which a flash request was ratified, if it was."""
    approvals = [act for act in case.acts if act.shown.act == "approve"]
    is_met = len(approvals) >= (case.view.quorum or 1)
    return approvals[-1] if case.view.ratify_by is not None and is_met else None


def _unratified(case: CaseFile) -> list[End]:
    """Return since when, and until when, nobody's approval stood behind a flash request."""
    last = _ratification(case)
    lifted = None if last is None else Happened(last.shown.at, last.shown.act_id)
    acts = [shown for name in _UNRATIFIED_BY for shown in case.unsigned(name)]
    return [End(shown.at, shown.act_id, lifted=lifted) for shown in acts]


def _proposed_and_approved(case: CaseFile) -> list[End]:
    """Return what withdrawals by two ended: as of the second lead's act, and none without it."""
    proposed = {act.sha256: act.payload for _, act in case.proven("propose_withdrawal")}
    ends = []
    for act in case.acts:
        decision = act.proven and act.proven.payload
        if act.shown.act != "approve_withdrawal" or not isinstance(decision, WithdrawalDecision):
            continue
        said = proposed.get(decision.act_sha256)
        if isinstance(said, Withdrawal):
            ends.append(_end(act.shown, said.addresses))
    return ends


def _taken_back_by_ratifying(case: CaseFile) -> list[End]:
    """Return the end of addresses that a ratification left out: they had gone out before."""
    last = _ratification(case)
    if last is None:
        return []
    said = last.proven and last.proven.payload
    if not isinstance(said, Approval) or not said.left_out:
        return []
    return [_end(last.shown, said.left_out)]


def _end(shown: EvidenceView, addresses: Sequence[int] | str) -> End:
    numbers = None if isinstance(addresses, str) else frozenset(addresses)
    return End(shown.at, shown.act_id, numbers)


def _is_about(end: End, line: LineView) -> bool:
    if end.address_nos is None:
        return True
    if line.address_no is not None:
        return line.address_no in end.address_nos
    return line.address_nos == "rest" or not end.address_nos.isdisjoint(line.address_nos or ())
