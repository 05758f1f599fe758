"""The rules of the freeze ledger: what a report may state, line by line and after all its lines.

A report is read in two passes, so that the order of its lines does not matter where it should not: first
every line by itself (does it name what exists, may it come now?), moving working copies of the balances;
then, after all of them, the balances. Every fault is collected. What a faulty line was about is not
judged again in the second pass: its sums would only mislead.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from coordinator.domain.errors import (
    CoordinatorError,
    FieldFault,
    InvalidInputError,
    LedgerBreachError,
)
from coordinator.domain.freeze_request import is_crossing, takes_late_lines
from coordinator.domain.hold import HoldBalance, end_fault
from coordinator.domain.ledger_state import (
    BookedLine,
    Booking,
    Finding,
    Flagged,
    LegLedger,
    Position,
)
from partners.protocol.payloads import (
    CorrectionLine,
    FoundLine,
    FrozenLine,
    KeptLine,
    NothingLine,
    ReleasedLine,
    ReportLine,
    ReturnedLine,
    SeizedLine,
)
from partners.protocol.vocabulary import DeclineCode, HoldBasis, KeptBasis, LineKind

#: Amounts are unsigned 256-bit integers on the chains that have the largest.
LIMIT = 2**256
#: A freeze may be stamped so far ahead of the coordinator's clock, for clocks differ.
FROZEN_AT_SKEW = timedelta(minutes=5)
#: Faults of the document itself; all others are breaches of the ledger.
_INPUT_CODES = frozenset(
    {"no_such_address", "unknown_asset", "zero_amount", "amount_too_large", "amount_missing"}
)
_BASIS_OF_KEPT = {
    KeptBasis.LEGAL_ORDER: HoldBasis.LEGAL_ORDER,
    KeptBasis.OWN_POLICY: HoldBasis.OWN_POLICY,
}
_CORRECTABLE = frozenset(
    {LineKind.FOUND, LineKind.FROZEN, LineKind.RELEASED, LineKind.RETURNED, LineKind.SEIZED}
)

MoveLine = ReleasedLine | ReturnedLine | SeizedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a report is judged by; `freeze_ledger.book` tells what each member means."""

    flagged: Mapping[int, Flagged]
    address_count: int
    now: datetime
    new_line_id: Callable[[], str]
    new_hold_id: Callable[[], str]
    canonical_asset: Callable[[str], str]
    other_holds: Mapping[str, HoldBalance]
    ended_at: datetime | None
    withdrawn: Mapping[int, datetime]
    late_window: timedelta
    max_hold: Mapping[HoldBasis, timedelta]
    shared_with: Callable[[str], Iterable[str]] | None
    current_status: str | None


@dataclass(slots=True)
class _Working:
    """A hold while the report is read.

    Attributes:
        balance: A copy; its `frozen`, `withheld` and `ended` are settled at the end.
        stated: Sum of its effective frozen amounts.
        null_ends: How many effective lines without an amount end it; more than one is a breach.
        null_at: The last line of this report that did so.
        blame: The last line of this report that moved it, with the member to point to.
        was_ended: It was withheld and ended before this report.
        moved_at: The last line that lets something leave.
    """

    balance: HoldBalance
    stated: int = 0
    null_ends: int = 0
    null_at: int = -1
    blame: int = -1
    was_ended: bool = False
    moved_at: int = -1
    kept: list[tuple[int, KeptLine]] = field(default_factory=list)


class Booker:
    """Books one report; made anew for each."""

    def __init__(self, ledger: LegLedger, rules: Rules) -> None:
        self._ledger = ledger
        self._rules = rules
        self._late = rules.ended_at is not None and not takes_late_lines(
            ended_at=rules.ended_at, now=rules.now, window=rules.late_window
        )
        self._faults: list[tuple[int, FieldFault]] = []
        self._assets: dict[str, str | None] = {}
        self._findings: dict[Position, Finding] = {}
        self._holds: dict[str, _Working] = {}
        self._opened: list[str] = []
        self._shared: dict[str, int] = {}
        self._unlinked: list[str] = []
        self._owing: dict[str, None] = {}
        self._corrected: dict[str, BookedLine] = {}
        #: Positions whose frozen rose or whose found fell, and the last line that did it.
        self._ceilings: dict[Position, int] = {}
        self._stated_over: dict[Position, int] = {}
        self._named: dict[int, int] = {}
        self._nothing: dict[int, tuple[int, DeclineCode]] = {}
        self._rest: tuple[int, NothingLine] | None = None
        self._bad_addresses: set[int] = set()
        self._bad_holds: set[str] = set()
        self._booked: list[BookedLine | None] = []
        self._id = ""
        self._handlers: dict[str, Callable[[int, object], None]] = {}

    def book(self, lines: Sequence[ReportLine]) -> Booking:
        """Return what the report changes.

        Raises:
            InvalidInputError: If a line names what does not exist, or an amount out of range.
            LedgerBreachError: If the report breaks the ledger.
        """
        for no, line in enumerate(lines):
            self._id = self._rules.new_line_id()
            self._booked.append(self._take(no, line))
        self._answer_rest()
        self._check_nothing()
        for hold in self._holds.values():
            self._settle(hold)
        self._check_ceilings()
        self._refuse_if_faulty()
        return self._booking()

    # --- one line at a time -------------------------------------------------------------------------

    def _take(self, no: int, line: ReportLine) -> BookedLine | None:  # noqa: PLR0911 - one per kind
        match line:
            case FoundLine():
                return self._found(no, line)
            case FrozenLine():
                if line.hold is None:
                    return self._opens(no, line)
                return self._names_hold(no, line, line.hold)
            case ReleasedLine():
                return self._moves(no, line, LineKind.RELEASED, line.reason.value)
            case ReturnedLine():
                return self._moves(no, line, LineKind.RETURNED, None)
            case SeizedLine():
                return self._moves(no, line, LineKind.SEIZED, None)
            case KeptLine():
                return self._keeps(no, line)
            case NothingLine():
                return self._nothings(no, line)
            case CorrectionLine():
                return self._corrects(no, line)

    def _found(self, no: int, line: FoundLine) -> BookedLine | None:
        asset = self._asset(no, line.asset)
        amount = self._amount(no, line.amount)
        good = self._address(no, line.address_no) and asset is not None and amount != 0
        if self._rules.ended_at is not None and self._late:
            good = self._is_late(no)
        if not good or asset is None:
            self._bad_addresses.add(line.address_no)
            return None
        finding = self._finding((line.address_no, asset))
        if amount is not None:
            finding.found += amount
        elif finding.withheld:
            self._fault(
                no,
                "amount",
                "the amount found of this asset for this address is withheld already: a second null"
                " says nothing more",
                "already_withheld",
            )
        else:
            finding.withheld = True
        return BookedLine(
            self._id, no, LineKind.FOUND, line.address_no, asset, amount, amount is None
        )

    def _opens(self, no: int, line: FrozenLine) -> BookedLine | None:
        asset = None if line.asset is None else self._asset(no, line.asset)
        amount = self._amount(no, line.amount)
        good = self._address(no, line.address_no) and asset is not None and amount != 0
        # The model refuses a line that opens a hold without these.
        frozen_at = line.frozen_at or self._rules.now
        expires_at = line.hold_expires_at or self._rules.now
        good = self._may_freeze(no, line.address_no, frozen_at, "frozen_at") and good
        wrong = end_fault(
            expires_at, basis=line.basis, now=self._rules.now, max_hold=self._rules.max_hold
        )
        if wrong is not None:
            self._fault(no, "hold_expires_at", *wrong)
        if not good or wrong is not None or asset is None:
            self._bad_addresses.add(line.address_no)
            return None
        hold_id = self._rules.new_hold_id()
        balance = HoldBalance(
            id=hold_id,
            leg_id=self._ledger.leg_id,
            address_no=line.address_no,
            asset=asset,
            withheld=amount is None,
            basis=line.basis,
            frozen_at=frozen_at,
            hold_expires_at=expires_at,
            account_level=line.account_level,
        )
        self._holds[hold_id] = _Working(balance, amount or 0, blame=no)
        self._opened.append(hold_id)
        self._raise(no, balance)
        return BookedLine(
            self._id,
            no,
            LineKind.FROZEN,
            line.address_no,
            asset,
            amount,
            amount is None,
            hold_id,
            basis=line.basis,
        )

    def _names_hold(self, no: int, line: FrozenLine, hold_id: str) -> BookedLine | None:
        good = self._address(no, line.address_no)
        hold = self._find(hold_id)
        if hold is None:
            self._fault(no, "hold", "is no hold of yours", "no_such_hold")
            good = False
        elif line.asset is not None and self._asset(no, line.asset) != hold.balance.asset:
            self._fault(
                no, "asset", f"is not the asset of this hold, {hold.balance.asset}", "other_asset"
            )
            good = False
        if hold is None or not good:
            self._bad_holds.add(hold_id)
            self._bad_addresses.add(line.address_no)
            return None
        if hold.balance.leg_id == self._ledger.leg_id:
            return self._tops_up(no, line, hold)
        return self._shares(no, line, hold)

    def _tops_up(self, no: int, line: FrozenLine, hold: _Working) -> BookedLine | None:
        balance = hold.balance
        wrong: tuple[str, str, str] | None = None
        if balance.withheld or (line.amount is None and "amount" in line.model_fields_set):
            wrong = (
                "amount",
                "a hold is told whole or withheld whole: open another hold for the rest",
                "withheld_hold",
            )
        elif line.amount is None:
            wrong = ("amount", "a line that tops up a hold needs the amount added", "amount_missing")
        elif line.address_no != balance.address_no:
            wrong = (
                "address_no",
                f"this hold is on address_no {balance.address_no}",
                "other_address",
            )
        elif balance.id in self._ledger.unlinked:
            wrong = ("hold", "was kept for another request: report on that one", "not_linked")
        elif balance.is_void and balance.id not in self._opened:
            wrong = ("hold", "was taken back by a correction: open another hold", "hold_void")
        elif balance.lapsed:
            wrong = ("hold", "has lapsed: extend it, or say what became of it, first", "hold_lapsed")
        elif line.hold_expires_at not in (None, balance.hold_expires_at):
            wrong = (
                "hold_expires_at",
                "a top-up keeps the hold's end; change it by a hold extension",
                "other_end",
            )
        amount = self._amount(no, line.amount)
        # Without its own time a top-up was made now: it cannot slip in after a withdrawal.
        may = self._may_freeze(no, line.address_no, line.frozen_at or self._rules.now, "frozen_at")
        if wrong is not None:
            self._fault(no, *wrong)
        if wrong is not None or not may or not amount:
            self._bad_holds.add(balance.id)
            self._bad_addresses.update((line.address_no, balance.address_no))
            return None
        hold.stated += amount
        hold.blame = no
        balance.kept = None
        balance.account_level = balance.account_level or line.account_level
        self._raise(no, balance)
        return BookedLine(
            self._id, no, LineKind.FROZEN, line.address_no, balance.asset, amount, hold_id=balance.id
        )

    def _shares(self, no: int, line: FrozenLine, hold: _Working) -> BookedLine | None:
        balance = hold.balance
        wrong: tuple[str, str, str] | None = None
        if line.amount is not None:
            wrong = (
                "amount",
                "a hold of another request is shared without an amount: it counts once",
                "shared_amount",
            )
        elif balance.id in self._ledger.shared or balance.id in self._shared:
            wrong = ("hold", "is shared with this request already", "already_shared")
        elif not balance.is_open:
            wrong = ("hold", "holds nothing any more: there is nothing to share", "hold_ended")
        may = self._may_freeze(no, line.address_no, balance.frozen_at, "hold")
        if wrong is not None:
            self._fault(no, *wrong)
        if wrong is not None or not may:
            self._bad_holds.add(balance.id)
            self._bad_addresses.add(line.address_no)
            return None
        self._shared[balance.id] = line.address_no
        self._owe(balance, line.address_no)
        self._named[line.address_no] = no
        return BookedLine(
            self._id,
            no,
            LineKind.FROZEN,
            line.address_no,
            balance.asset,
            hold_id=balance.id,
            shares=True,
        )
