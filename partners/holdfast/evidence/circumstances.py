"""What happened to a request besides its reports, and which of its lines are irregular by it.

`after_end` and `encumbered` follow from what was signed and when it came. That a report comes
`late` follows from the network's own window: here it is only seen that something had ended before.
Source: the design's life cycle, "the ledger never refuses a truth".
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.evidence.acts import ProvenAct
from holdfast.evidence.case_file import CaseFile
from holdfast.protocol.claims import BLOCKED_BY_KIND, Claim, is_encumbered
from holdfast.protocol.hold_payloads import HoldExtension
from holdfast.protocol.life_cycle_payloads import (
    Encumbrance,
    LegalOrder,
    Lifting,
    WithdrawalDecision,
)
from holdfast.protocol.payloads import (
    Approval,
    FoundLine,
    FrozenLine,
    NothingLine,
    ReportLine,
    Withdrawal,
)
from holdfast.protocol.views import EvidenceView, LineView
from holdfast.protocol.vocabulary import Irregular, LineKind

#: The coordinator's own acts that end a request, and a lead's besides a withdrawal. Of what never
#: went out, which a suspension ends, too, no line tells.
_ENDINGS = ("close", "lapse")
#: Those by which nobody's approval stands behind a request that went out.
_UNRATIFYING = ("unratify", "suspend")
_SIGNED_ENDINGS = ("close", "reject")
_REGULAR = "regular"


@dataclass(frozen=True, slots=True)
class End:
    """That a request ended, or took some of its addresses back; `address_nos` None: all."""

    at: datetime
    act_id: str
    address_nos: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Unratified:
    """That nobody's approval stood behind a request, until one act ratified it after all."""

    at: datetime
    act_id: str
    ratified: EvidenceView | None


@dataclass(frozen=True, slots=True)
class Lifted:
    """That what an act attached was lifted; `act_sha256` is of that act's body."""

    at: datetime
    act_id: str
    act_sha256: str


@dataclass(frozen=True, slots=True)
class Restraint:
    """An order or a claim; `leg_id` None: on every leg, `hold` None: on all that is held."""

    at: datetime
    act_id: str
    act_sha256: str
    leg_id: str | None
    hold: str | None
    claim: Claim


@dataclass(frozen=True, slots=True)
class LetGo:
    """What a line lets leave a hold, or a correction says that left it.

    Attributes:
        kind: The line's, or that of the line that is corrected.
        reason: Likewise.
        left: What is in the hold afterwards, base units; None: withheld.
    """

    kind: LineKind
    reason: str | None
    left: int | None


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
    unratified: Sequence[Unratified] = ()
    restraints: Sequence[Restraint] = ()
    lifted: Sequence[Lifted] = ()
    extensions: Sequence[SignedExtension] = ()
    leaves: Mapping[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, case: CaseFile) -> "Circumstances":
        """Return what the acts of a case prove; that time ended it the coordinator asserts."""
        ends = [_end(shown, "all") for name in _ENDINGS for shown in case.unsigned(name)]
        ends += _taken_back_by_ratifying(case)
        ends += _proposed_and_approved(case)
        restraints: list[Restraint] = []
        lifted: list[Lifted] = []
        extensions: list[SignedExtension] = []
        for act in case.acts:
            if act.proven is None:
                continue
            shown, said = act.shown, act.proven.payload
            if isinstance(said, Withdrawal) and shown.act == "withdraw":
                ends.append(_end(shown, said.addresses))
            elif shown.act in _SIGNED_ENDINGS:
                ends.append(_end(shown, "all"))
            elif isinstance(said, LegalOrder | Encumbrance):
                restraints.append(_restraint(shown, act.proven, said))
            elif isinstance(said, Lifting):
                lifted.append(Lifted(shown.at, shown.act_id, said.act_sha256))
            elif isinstance(said, HoldExtension):
                extensions.append(SignedExtension(act.proven.key.partner, said, shown.at))
        leaves = {act.shown.act_id: act.shown.leaf_index for act in case.acts}
        return cls(ends, _unratified(case), restraints, lifted, extensions, leaves)

    def faults(
        self,
        line: LineView,
        said: ReportLine,
        frozen_at: datetime | None,
        let_go: LetGo | None = None,
    ) -> Iterator[str]:
        """Yield what is wrong with how a line of this request is marked, if anything.

        Args:
            line: As it is shown.
            said: As it was signed.
            frozen_at: Of a `frozen` line; None where only another request tells.
            let_go: Of a line that lets something leave, or says that more left.
        """
        due = self._due_of_leaving(line, let_go)
        if let_go is None:
            due = self._due(line, said, frozen_at)
        if line.irregular not in due:
            words = " or ".join(sorted(mark or _REGULAR for mark in due))
            yield f"{line.id} is shown as {line.irregular or _REGULAR}, its acts come to {words}"

    def _due(
        self, line: LineView, said: ReportLine, frozen_at: datetime | None
    ) -> Collection[Irregular | None]:
        if not isinstance(said, FoundLine | FrozenLine | NothingLine):
            return {None}
        ends = [
            end
            for end in self.ends
            if self._before(end.act_id, end.at, line) and _is_about(end, line)
        ]
        in_time: set[Irregular | None] = {None, Irregular.LATE} if ends else {None}
        if not isinstance(said, FrozenLine):
            return in_time
        stops = [end.at for end in ends] + self._unratified_since(line)
        if not stops:
            return in_time
        if frozen_at is None:
            return {*in_time, Irregular.AFTER_END}
        return {Irregular.AFTER_END} if frozen_at >= min(stops) else in_time

    def _unratified_since(self, line: LineView) -> list[datetime]:
        """Return since when nothing new was to be frozen, as a line's report came."""
        return [
            each.at
            for each in self.unratified
            if self._before(each.act_id, each.at, line)
            and not (each.ratified and self._before(each.ratified.act_id, each.ratified.at, line))
        ]

    def _due_of_leaving(self, line: LineView, let_go: LetGo | None) -> Collection[Irregular | None]:
        """Return how a line that lets something go is marked."""
        if let_go is None or let_go.kind not in BLOCKED_BY_KIND:
            return {None}
        claims = [each.claim for each in self.restraints if self._stands(each, line)]
        against = is_encumbered(let_go.left, claims, let_go.kind, let_go.reason)
        return {Irregular.ENCUMBERED if against else None}

    def _stands(self, each: Restraint, line: LineView) -> bool:
        return (
            self._before(each.act_id, each.at, line)
            and each.leg_id in {None, line.leg_id}
            and each.hold in {None, line.hold}
            and not any(
                lifted.act_sha256 == each.act_sha256
                and self._before(lifted.act_id, lifted.at, line)
                and self._follows(lifted, each)
                for lifted in self.lifted
            )
        )

    def _follows(self, lifted: Lifted, each: Restraint) -> bool:
        """Tell whether something was lifted after it was attached, perhaps for a second time."""
        first, second = self.leaves.get(each.act_id), self.leaves.get(lifted.act_id)
        if first is None or second is None:
            return each.at <= lifted.at
        return first < second

    def _before(self, act_id: str, at: datetime, line: LineView) -> bool:
        """Tell whether an act was taken before a line's report was."""
        first, second = (self.leaves.get(each or "") for each in (act_id, line.report_id))
        if first is None or second is None:
            return at < line.reported_at
        return first < second


def _restraint(shown: EvidenceView, proven: ProvenAct, said: LegalOrder | Encumbrance) -> Restraint:
    claim = Claim(shown.act_id, None)
    if isinstance(said, Encumbrance):
        amount = None if said.amount is None else int(said.amount)
        claim = Claim(shown.act_id, amount, frozenset(said.blocks))
    return Restraint(shown.at, shown.act_id, proven.sha256, shown.leg_id, said.hold, claim)


def _unratified(case: CaseFile) -> list[Unratified]:
    """Return when nobody's approval stood behind the request; that was once, if at all."""
    if case.view.ratify_by is None:
        return []
    approvals = [act.shown for act in case.acts if act.shown.act == "approve"]
    met = approvals[-1] if len(approvals) >= (case.view.quorum or 1) else None
    return [
        Unratified(shown.at, shown.act_id, met)
        for name in _UNRATIFYING
        for shown in case.unsigned(name)
    ]


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
    approvals = [act for act in case.acts if act.shown.act == "approve"]
    if case.view.ratify_by is None or len(approvals) < (case.view.quorum or 1):
        return []
    *_, last = approvals
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
