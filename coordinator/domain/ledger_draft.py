"""Working copies of a leg's balances while one report is read, and the checks after all its lines.

What a faulty line was about is not judged again here: its sums would only mislead.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from coordinator.domain.encumbrance import Claim
from coordinator.domain.errors import FieldFault
from coordinator.domain.hold import HoldBalance, end_fault
from coordinator.domain.hold_limits import HoldLimits
from coordinator.domain.irregular import Ends
from coordinator.domain.ledger_state import Finding, Flagged, LegLedger, Position
from holdfast.protocol.payloads import KeptLine
from holdfast.protocol.vocabulary import HoldBasis, KeptBasis

#: Amounts are unsigned 256-bit integers on the chains that have the largest.
LIMIT = 2**256
_BASIS_OF_KEPT = {
    KeptBasis.LEGAL_ORDER: HoldBasis.LEGAL_ORDER,
    KeptBasis.OWN_POLICY: HoldBasis.OWN_POLICY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a report is judged by, beside the leg's ledger; nothing is left to a default.

    Attributes:
        flagged: What the request states, by address number; those without amount may be left out.
        address_count: How many addresses the request flags.
        now: Present time.
        new_line_id: Makes `lin_…` ids, called in the order of the lines.
        new_hold_id: Makes `hld_…` ids.
        canonical_asset: Returns the one form of a CAIP-19 id, or raises ValueError or ours.
        require_transaction: Refuses what can be no transaction id, by ValueError.
        amount_text: Returns base units of an asset as people read them.
        noticed_at: When the notice to the partner was queued.
        ends: Since when the request, or some addresses of it, ask for no more freezes.
        left_out: Addresses that the partner was never asked about.
        encumbered: What others claim of holds, by hold, as the report comes.
        late_window: How long after the end messages cross; what comes later is `late`.
        review_after: From the freeze of a whole account to another look at it.
        max_hold: How far ahead an end may lie, and where it is a review date.
        shared_with: Returns the requests that a hold is linked to.
        current_status: The request's status, for the refusal.
    """

    flagged: Mapping[int, Flagged]
    address_count: int
    now: datetime
    new_line_id: Callable[[], str]
    new_hold_id: Callable[[], str]
    canonical_asset: Callable[[str], str]
    require_transaction: Callable[[str], None]
    amount_text: Callable[[int, str], str]
    noticed_at: datetime
    ends: Ends
    left_out: Collection[int]
    encumbered: Mapping[str, Sequence[Claim]]
    late_window: timedelta
    review_after: timedelta
    max_hold: HoldLimits
    shared_with: Callable[[str], Iterable[str]]
    current_status: str | None


@dataclass(slots=True)
class WorkingHold:
    """A hold while a report is read.

    Attributes:
        balance: A copy; `frozen`, `withheld` and `ended` are settled at the end.
        stated: Sum of its effective frozen amounts.
        nulls: How many of its effective frozen lines withhold their amount.
        ends: How many effective lines without an amount end it.
        at: The last line of this report that changed it.
        ends_at: The last line without an amount.
        moved_at: The last line that let a stated amount leave.
        was_ended: It was withheld and ended before this report, by a line that still stands.
        kept: The lines that keep it.
    """

    balance: HoldBalance
    stated: int = 0
    nulls: int = 0
    ends: int = 0
    at: int = -1
    ends_at: int = -1
    moved_at: int = -1
    was_ended: bool = False
    was_void: bool = False
    kept: list[tuple[int, KeptLine]] = field(default_factory=list)


class Draft:
    """What one report would change, and what is wrong with it."""

    def __init__(self, ledger: LegLedger, rules: Rules) -> None:
        self.ledger = ledger
        self.rules = rules
        self.faults: list[tuple[int, FieldFault]] = []
        self.findings: dict[Position, Finding] = {}
        self.holds: dict[str, WorkingHold] = {}
        self.opened: list[str] = []
        self.shared: dict[str, int] = {}
        self.unlinked: list[str] = []
        self.owing: dict[str, None] = {}
        #: The last line that told of more found at a position, or of more frozen in a hold.
        self.found_at: dict[Position, int] = {}
        self.frozen_at: dict[str, int] = {}
        #: Positions whose frozen may have risen, or found fallen, and the last line that did it.
        self.raised: dict[Position, int] = {}
        self.lowered: dict[Position, int] = {}
        self.null_found: dict[Position, list[int]] = {}
        self.bad_addresses: set[int] = set()
        self.bad_holds: set[str] = set()

    def _said(self, amount: int, asset: str) -> str:
        """Return an amount as people read it."""
        return self.rules.amount_text(amount, asset)

    def fault(self, no: int, member: str, detail: str, code: str) -> None:
        """Record a fault of one member of line `no`."""
        self.faults.append((no, FieldFault(f"/lines/{no}/{member}", detail, code)))

    def has_address(self, no: int, address_no: int, *, member: str = "address_no") -> bool:
        """Tell whether the request has such an address; note the fault if not."""
        if address_no in self.rules.left_out:
            detail = (
                f"{address_no} was left out when the request was approved: nobody asks about it"
            )
            self.fault(no, member, detail, "no_such_address")
            return False
        if address_no < self.rules.address_count:
            return True
        self.fault(
            no,
            member,
            f"{address_no} is not in the request, whose addresses are 0 to"
            f" {self.rules.address_count - 1}",
            "no_such_address",
        )
        return False

    def finding(self, position: Position) -> Finding:
        """Return the working copy of a finding, made where there is none."""
        finding = self.findings.get(position)
        if finding is None:
            known = self.ledger.findings.get(position)
            finding = Finding(*position) if known is None else replace(known)
            self.findings[position] = finding
        return finding

    def withhold_found(self, no: int, position: Position, by: int) -> None:
        """Count how many effective `found` lines of a position withhold their amount."""
        count = self.null_found.get(position)
        if count is None:
            count = self.null_found[position] = [int(self.finding(position).withheld), no]
        count[0] += by
        count[1] = no

    def hold(self, hold_id: str) -> WorkingHold | None:
        """Return the working copy of a hold of this partner, on whatever leg; None if unknown."""
        working = self.holds.get(hold_id)
        if working is None:
            known = self.ledger.holds.get(hold_id) or self.ledger.other_holds.get(hold_id)
            if known is None:
                return None
            ended = known.withheld and known.ended
            working = self.holds[hold_id] = WorkingHold(
                replace(known),
                stated=0 if known.withheld else known.frozen,
                nulls=int(known.withheld),
                ends=int(ended),
                was_ended=ended,
                was_void=known.is_void,
            )
        return working

    def is_linked(self, hold: HoldBalance) -> bool:
        """Tell whether a hold counts for this leg."""
        if hold.leg_id == self.ledger.leg_id:
            return hold.id not in self.ledger.unlinked
        return hold.id in self.ledger.shared or hold.id in self.shared

    def settle(self) -> None:
        """Check and settle every hold that the report is about, then the ceilings."""
        for hold_id, hold in self.holds.items():
            if hold_id in self.bad_holds:
                continue
            if hold.nulls:
                self._settle_withheld(hold)
            else:
                self._settle_stated(hold)
            for no, line in hold.kept:
                self._keep(no, line, hold)
        for position, (count, no) in self.null_found.items():
            self.findings[position].withheld = count > 0
            if count > 1:
                self.fault(
                    no,
                    "amount",
                    "what was found of this asset for this address is withheld already: a second"
                    " null tells nothing more",
                    "already_withheld",
                )
        self._check_found_and_frozen()
        self._check_stated_amounts()
        self._check_found_beyond_asked()
        self._check_frozen_beyond_asked()

    def _settle_withheld(self, hold: WorkingHold) -> None:
        balance = hold.balance
        if hold.stated or hold.nulls > 1:
            self.fault(
                hold.at,
                "amount",
                "a hold's amount is told whole or withheld whole: open another hold for the rest",
                "partly_withheld",
            )
        if hold.ends > 1 or (hold.was_ended and hold.moved_at >= 0):
            self.fault(
                max(hold.ends_at, hold.moved_at),
                "amount",
                "this withheld hold was ended whole by a line without an amount: correct that line",
                "hold_ended",
            )
        # So much is known to have been frozen, for it left: held stays a difference of sums.
        balance.frozen = balance.left
        balance.withheld = True
        balance.ended = hold.ends > 0
        if balance.frozen >= LIMIT:
            self._too_large(hold.at)

    def _settle_stated(self, hold: WorkingHold) -> None:
        balance = hold.balance
        left = balance.left
        if hold.ends:
            self.fault(
                hold.at if hold.ends_at < 0 else hold.ends_at,
                "amount",
                f"this hold's amount is stated, {self._said(hold.stated, balance.asset)}: state how"
                " much left it",
                "amount_stated",
            )
        if left > hold.stated:
            self.fault(
                hold.at,
                "amount",
                f"{self._said(left, balance.asset)} would have left this hold, of which only"
                f" {self._said(hold.stated, balance.asset)} was frozen",
                "more_than_held",
            )
        if hold.stated >= LIMIT:
            self._too_large(hold.at)
        balance.frozen = hold.stated
        balance.withheld = False
        balance.ended = hold.stated == left

    def _too_large(self, no: int) -> None:
        self.fault(no, "amount", "makes a sum of 2^256 or more", "amount_too_large")

    def _keep(self, no: int, line: KeptLine, hold: WorkingHold) -> None:
        balance = hold.balance
        wrong = self._kept_fault(no, line, hold)
        if wrong is not None:
            self.fault(no, *wrong)
        elif line.basis is KeptBasis.OTHER_REQUEST:
            self.unlinked.append(balance.id)
        else:
            balance.kept = line.basis
            balance.basis = _BASIS_OF_KEPT[line.basis]
            balance.reviewed = self.rules.max_hold.has_review_date(balance.basis)
            balance.hold_expires_at = line.hold_expires_at or balance.hold_expires_at
            balance.lapsed = False
            balance.review_at = None  # whoever keeps it has looked at it

    def _kept_fault(  # noqa: PLR0911 - one per rule
        self, no: int, line: KeptLine, hold: WorkingHold
    ) -> tuple[str, str, str] | None:
        balance = hold.balance
        if hold.kept[0][0] != no:
            return "hold", f"is kept by line {hold.kept[0][0]} already", "kept_twice"
        if not balance.is_open:
            return "hold", "holds nothing any more: there is nothing to keep", "hold_ended"
        if not self._is_owed(balance):
            detail = (
                "owes no answer: its request was not withdrawn and it has not lapsed; to change its"
                " end or ground, extend it"
            )
            return "hold", detail, "nothing_owed"
        if line.basis is KeptBasis.OTHER_REQUEST:
            return self._other_request_fault(line)
        if line.other_request is not None:
            return "other_request", "goes with basis other_request only", "unexpected"
        if line.hold_expires_at is None:
            return (
                "hold_expires_at",
                "is needed: a new end, or with an order a review date",
                "end_missing",
            )
        wrong = end_fault(
            line.hold_expires_at,
            basis=_BASIS_OF_KEPT[line.basis],
            now=self.rules.now,
            max_hold=self.rules.max_hold,
        )
        return None if wrong is None else ("hold_expires_at", *wrong)

    def _other_request_fault(self, line: KeptLine) -> tuple[str, str, str] | None:
        if line.other_request is None:
            return "other_request", "is needed with basis other_request", "other_request_missing"
        shared_with = self.rules.shared_with
        if line.other_request not in shared_with(line.hold):
            return (
                "other_request",
                "does not share this hold: report a frozen line there that names it, first",
                "not_shared",
            )
        return None

    def _is_owed(self, hold: HoldBalance) -> bool:
        # The timer that marks a hold as lapsed may be a little behind.
        lapsed = hold.hold_expires_at <= self.rules.now and not hold.has_review_date
        address_no = self.ledger.shared.get(hold.id, hold.address_no)
        irregular = hold.irregular if hold.leg_id == self.ledger.leg_id else None
        return (
            hold.lapsed
            or lapsed
            or self.rules.ends.has_taken_back(address_no, hold.frozen_at, irregular)
        )

    def own_holds(self) -> Iterable[HoldBalance]:
        """Return this leg's holds as the report leaves them, unlinked and void ones too."""
        own = self.ledger.leg_id
        for hold_id, hold in self.ledger.holds.items():
            if hold_id not in self.holds:
                yield hold
        for working in self.holds.values():
            if working.balance.leg_id == own:
                yield working.balance

    def _check_found_and_frozen(self) -> None:
        touched = self.raised | self.lowered
        frozen = dict.fromkeys(touched, 0)
        for hold in self.own_holds() if touched else ():
            position = (hold.address_no, hold.asset)
            if position in frozen and not hold.withheld:
                frozen[position] += hold.frozen
        for position, total in frozen.items():
            address_no, asset = position
            known = self.findings.get(position) or self.ledger.findings.get(position)
            found = 0 if known is None else known.found
            if address_no in self.bad_addresses:
                continue
            if found >= LIMIT:
                self._too_large(touched[position])
            if total > found and not (known is not None and known.withheld):
                self.fault(
                    touched[position],
                    "amount",
                    f"{self._said(total, asset)} would be frozen for address_no {address_no}, but"
                    f" {self._said(found, asset)} was found: report what was found, too",
                    "frozen_exceeds_found",
                )

    def _check_stated_amounts(self) -> None:
        limits = {
            position: limit
            for position in self.raised
            if position[0] not in self.bad_addresses
            and (limit := self.rules.flagged.get(position[0])) is not None
            and limit.amount is not None
            and limit.asset == position[1]
        }
        frozen = dict.fromkeys(limits, 0)
        for hold in self.own_holds() if limits else ():
            position = (hold.address_no, hold.asset)
            if position in frozen and not hold.withheld and not hold.account_level:
                frozen[position] += hold.frozen
        for position, limit in limits.items():
            if frozen[position] > (limit.amount or 0):
                self.fault(
                    self.raised[position],
                    "account_level",
                    f"{self._said(frozen[position], position[1])} would be frozen for address_no"
                    f" {limit.address_no}, for which the request states"
                    f" {self._said(limit.amount or 0, position[1])}: what is"
                    f" frozen beyond it needs account_level true{_told(limit)}",
                    "beyond_stated_amount",
                )

    def _check_found_beyond_asked(self) -> None:
        """Refuse to tell the requester a balance that it did not ask about."""
        for position, no in self.found_at.items():
            limit, finding = self.rules.flagged.get(position[0]), self.findings[position]
            if limit is None or limit.whole_account or limit.asset != position[1]:
                continue
            if limit.address_no in self.bad_addresses:
                continue
            if limit.amount is not None and finding.found > limit.amount:
                self.fault(
                    no,
                    "amount",
                    f"{self._said(finding.found, position[1])} would be found for address_no"
                    f" {limit.address_no}, for which the request states"
                    f" {self._said(limit.amount, position[1])}: state no more"
                    " than that, and the rest, if you like, by a found line with amount null",
                    "beyond_asked",
                )

    def _check_frozen_beyond_asked(self) -> None:
        """Refuse to tell how much a whole account holds that nobody asked for."""
        for hold_id, no in self.frozen_at.items():
            hold = self.holds[hold_id]
            balance = hold.balance
            limit = self.rules.flagged.get(balance.address_no)
            if limit is not None and limit.whole_account:
                continue
            if hold_id in self.bad_holds or balance.address_no in self.bad_addresses:
                continue
            if balance.account_level and not balance.withheld and hold.stated:
                self.fault(
                    no,
                    "amount",
                    f"is beyond what was asked: the request does not ask for the whole account of"
                    f" address_no {balance.address_no}, so account_level goes with amount null, in"
                    " a hold of its own",
                    "beyond_asked",
                )


def _told(limit: Flagged) -> str:
    return "" if limit.whole_account else " and amount null, in a hold of its own"
