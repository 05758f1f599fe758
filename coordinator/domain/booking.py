"""Books one freeze report: every line by itself first, then, after all of them, the balances.

The order of lines does not matter where it should not: a `found` line may follow the `frozen` line
that needs it, and a correction the line that it makes room for. Every fault is collected, so that a
partner mends a report of thousands of lines in one go.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, assert_never

from coordinator.domain.errors import CoordinatorError, InvalidInputError, LedgerBreachError
from coordinator.domain.hold import CLOCK_SKEW, HoldBalance, lapses, review_due, too_far_fault
from coordinator.domain.hold_terms import (
    account_level_fault,
    sharing_terms_fault,
    top_up_terms_fault,
)
from coordinator.domain.irregular import is_encumbered
from coordinator.domain.ledger_draft import LIMIT, Draft, Rules, WorkingHold
from coordinator.domain.ledger_state import BookedLine, Booking, LegLedger, Position
from coordinator.domain.nothing_lines import NothingLines
from coordinator.domain.usd import usd_cents, worth_after
from holdfast.protocol.payloads import (
    CorrectionLine,
    FoundLine,
    FrozenLine,
    KeptLine,
    NothingLine,
    ReleasedLine,
    ReportLine,
    ReturnedLine,
    SeizedLine,
    Usd,
    stated_transactions,
)
from holdfast.protocol.vocabulary import DeclineCode, Irregular, LineKind

#: Faults of the document itself; all others are breaches of the ledger.
_INPUT_CODES = frozenset(
    {
        "no_such_address",
        "unknown_asset",
        "bad_transaction",
        "zero_amount",
        "amount_too_large",
        "amount_missing",
        "usd_without_amount",
    }
)
_MOVES = frozenset({LineKind.RELEASED, LineKind.RETURNED, LineKind.SEIZED})
_CORRECTABLE = _MOVES | {LineKind.FOUND, LineKind.FROZEN}
_BAD = -1


class _Leaving(NamedTuple):
    """What one effective line lets leave a hold: base units (None: all that is left) and cents."""

    kind: LineKind
    amount: int | None
    cents: int | None


class Booker:
    """Books one report; made anew for each."""

    def __init__(self, ledger: LegLedger, rules: Rules) -> None:
        self._ledger = ledger
        self._rules = rules
        self._draft = Draft(ledger, rules)
        self._has_ended = rules.ends.has_begun
        self._fault = self._draft.fault
        self._assets: dict[str, str | None] = {}
        self._corrected: set[str] = set()
        self._named: set[int] = set()
        self._nothing = NothingLines(self._draft)
        self._id = ""

    def book(self, lines: Sequence[ReportLine]) -> Booking:
        """Return what the report changes.

        Raises:
            InvalidInputError: If a line names what does not exist, or an amount out of range.
            LedgerBreachError: If the report breaks the ledger.
        """
        booked: list[BookedLine | None] = []
        for no, each in enumerate(lines):
            self._id = self._rules.new_line_id()
            self._require_transactions(no, each)
            booked.append(self._take(no, each))
        self._draft.settle()
        for line_no, address_nos in self._nothing.settle(self._named).items():
            line = booked[line_no]
            booked[line_no] = line and line._replace(address_nos=address_nos)
        self._refuse_if_faulty()
        return self._booking([self._marked(line) for line in booked if line is not None])

    def _take(self, no: int, line: ReportLine) -> BookedLine | None:  # noqa: C901, PLR0911 - per kind
        match line:
            case FoundLine():
                return self._found(no, line)
            case FrozenLine():
                return self._frozen(no, line)
            case ReleasedLine():
                return self._moves(no, line, LineKind.RELEASED, line.reason.value)
            case ReturnedLine():
                return self._moves(no, line, LineKind.RETURNED, line.reason and line.reason.value)
            case SeizedLine():
                return self._moves(no, line, LineKind.SEIZED, None)
            case KeptLine():
                return self._keeps(no, line)
            case NothingLine():
                return self._nothing.take(no, line, self._id)
            case CorrectionLine():
                return self._corrects(no, line)
            case _:
                assert_never(line)

    def _require_transactions(self, no: int, line: ReportLine) -> None:
        """Note what is no transaction: it would lead whoever follows it astray."""
        for member, text in stated_transactions(line).items():
            try:
                self._rules.require_transaction(text)
            except ValueError as error:
                self._fault(no, member, str(error), "bad_transaction")

    def _found(self, no: int, line: FoundLine) -> BookedLine | None:
        address_no = line.address_no
        asset = self._asset(no, line.asset)
        amount = self._amount(no, line.amount)
        good = self._draft.has_address(no, address_no)
        if not good or asset is None or amount == _BAD:
            self._draft.bad_addresses.add(address_no)
            return None
        position = (address_no, asset)
        finding = self._draft.finding(position)
        cents = self._cents(no, line.usd, amount)
        if amount is None:
            self._draft.withhold_found(no, position, 1)
        else:
            finding.found += amount
            finding.found_usd += cents or 0
            self._draft.found_at[position] = no
            if finding.found >= LIMIT:
                self._draft.lowered[position] = no
        self._named.add(address_no)
        return BookedLine(
            self._id,
            no,
            LineKind.FOUND,
            address_no,
            asset,
            amount,
            withheld=amount is None,
            usd=cents,
            irregular=self._late(address_no),
        )

    def _frozen(self, no: int, line: FrozenLine) -> BookedLine | None:
        booked = None
        if self._draft.has_address(no, line.address_no):
            booked = (
                self._opens(no, line) if line.hold is None else self._joins(no, line, line.hold)
            )
        if booked is None:
            self._draft.bad_addresses.add(line.address_no)
            if line.hold is not None:
                self._draft.bad_holds.add(line.hold)
            return None
        self._named.add(line.address_no)
        if not self._has_ended:
            return booked
        frozen_at = self._draft.holds[booked.hold_id or ""].balance.frozen_at
        if self._rules.ends.has_taken_back(line.address_no, frozen_at, booked.irregular):
            self._draft.owing[booked.hold_id or ""] = None
        return booked

    def _opens(self, no: int, line: FrozenLine) -> BookedLine | None:
        asset = self._asset(no, line.asset or "")
        amount = self._amount(no, line.amount)
        # The model refuses a line that opens a hold without these; `now` cannot pass by mistake.
        frozen_at = line.begins_at or self._rules.now
        expires_at = line.ends_at or self._rules.now
        good = self._has_happened(no, frozen_at)
        good = self._is_told_as_such(no, line) and good
        wrong = too_far_fault(
            expires_at, basis=line.basis, now=self._rules.now, max_hold=self._rules.max_hold
        )
        if wrong is not None:
            self._fault(no, "review_at" if line.is_by_issuer else "hold_expires_at", *wrong)
        if not good or wrong is not None or asset is None or amount == _BAD:
            return None
        balance = HoldBalance(
            id=self._rules.new_hold_id(),
            leg_id=self._ledger.leg_id,
            address_no=line.address_no,
            asset=asset,
            basis=line.basis,
            frozen_at=frozen_at,
            hold_expires_at=expires_at,
            account_level=line.account_level,
            reviewed=self._rules.max_hold.has_review_date(line.basis),
            effective_at=line.effective_at,
        )
        hold = WorkingHold(balance, at=no)
        self._draft.holds[balance.id] = hold
        self._draft.opened.append(balance.id)
        return self._freeze(no, hold, amount, line.usd, frozen_at)

    def _is_told_as_such(self, no: int, line: FrozenLine) -> bool:
        """Refuse an issuer's freeze without its transactions, and anybody else's with them."""
        by_issuer = self._rules.max_hold.is_issuer
        if by_issuer and not line.is_by_issuer:
            detail = (
                "is needed: an issuer's freeze does not lapse, and is a transaction; state"
                " review_at, effective_tx and effective_at in place of frozen_at and"
                " hold_expires_at"
            )
            self._fault(no, "review_at", detail, "issuer_terms")
        elif line.is_by_issuer and not by_issuer:
            detail = (
                "is for issuers, who freeze by a transaction: state frozen_at and hold_expires_at"
            )
            self._fault(no, "review_at", detail, "no_issuer")
        elif line.effective_at is not None and line.effective_at > self._rules.now + CLOCK_SKEW:
            detail = "lies in the future: report the freeze once it is in force"
            self._fault(no, "effective_at", detail, "frozen_in_future")
        else:
            return True
        return False

    def _freeze(
        self,
        no: int,
        hold: WorkingHold,
        amount: int | None,
        usd: Usd | None,
        frozen_at: datetime,
    ) -> BookedLine:
        balance = hold.balance
        self._draft.frozen_at[balance.id] = no
        if balance.account_level and balance.review_at is None:
            balance.review_at = review_due(frozen_at, self._rules.review_after, self._rules.now)
        irregular = self._irregular(balance.address_no, frozen_at)
        balance.irregular = balance.irregular or irregular
        cents = self._cents(no, usd, amount)
        balance.frozen_usd += cents or 0
        if amount is None:
            hold.nulls += 1
        else:
            hold.stated += amount
            self._draft.raised[balance.address_no, balance.asset] = no
        hold.at = no
        return BookedLine(
            self._id,
            no,
            LineKind.FROZEN,
            balance.address_no,
            balance.asset,
            amount,
            withheld=amount is None,
            hold_id=balance.id,
            basis=balance.basis,
            usd=cents,
            irregular=irregular,
        )

    def _joins(self, no: int, line: FrozenLine, hold_id: str) -> BookedLine | None:
        hold = self._draft.hold(hold_id)
        if hold is None:
            detail = "is no hold of yours; a drill and what is real share none"
            self._fault(no, "hold", detail, "no_such_hold")
            return None
        balance = hold.balance
        is_own = balance.leg_id == self._ledger.leg_id
        if is_own:
            # Without a time of its own a top-up was made now: after a withdrawal it is irregular.
            frozen_at = line.frozen_at or self._rules.now
            wrong = self._top_up_fault(line, hold)
        else:
            frozen_at = balance.frozen_at
            wrong = self._sharing_fault(line, balance)
        if wrong is None and line.asset and self._asset(no, line.asset) != balance.asset:
            wrong = ("asset", f"is not the asset of this hold, {balance.asset}", "other_asset")
        if wrong is not None:
            self._fault(no, *wrong)
        amount = self._amount(no, line.amount)
        has_happened = self._has_happened(no, frozen_at)
        if wrong is not None or not has_happened or amount == _BAD:
            self._draft.bad_addresses.add(balance.address_no)
            return None
        if is_own:
            balance.kept = None  # superseded by a later line
            balance.account_level = balance.account_level or line.account_level
            return self._freeze(no, hold, amount, line.usd, frozen_at)
        self._cents(no, line.usd, None)
        self._draft.shared[hold_id] = line.address_no
        return BookedLine(
            self._id,
            no,
            LineKind.FROZEN,
            line.address_no,
            balance.asset,
            hold_id=hold_id,
            basis=balance.basis,
            shares=True,
            irregular=self._irregular(line.address_no, frozen_at),
        )

    def _top_up_fault(self, line: FrozenLine, hold: WorkingHold) -> tuple[str, str, str] | None:
        balance = hold.balance
        if hold.was_void:
            return "hold", "was taken back by a correction: open another hold", "hold_void"
        if not self._draft.is_linked(balance):
            return "hold", "was kept for another request: report on that one", "not_linked"
        if line.amount is None and "amount" not in line.model_fields_set:
            return "amount", "is needed: how much is added to this hold", "amount_missing"
        if line.address_no != balance.address_no:
            return (
                "address_no",
                f"is not that of this hold, {balance.address_no}: open another hold",
                "other_address",
            )
        if balance.lapsed or lapses(balance, now=self._rules.now):
            return "hold", "has lapsed: extend it, or say what became of it, first", "hold_lapsed"
        return top_up_terms_fault(line, balance)

    def _sharing_fault(self, line: FrozenLine, balance: HoldBalance) -> tuple[str, str, str] | None:
        if self._draft.is_linked(balance):
            return "hold", "is shared with this request already", "already_shared"
        if line.amount is not None:
            return (
                "amount",
                "must be left out: a hold of another request is shared, and counts once",
                "shared_amount",
            )
        if not balance.is_open:
            return "hold", "holds nothing any more: there is nothing to share", "hold_ended"
        limit = self._rules.flagged.get(line.address_no)
        is_asked = limit is not None and limit.whole_account
        if balance.account_level and not balance.withheld and not is_asked:
            detail = (
                "is of a whole account, which this request does not ask for: its amount is not told"
                " here; report a freeze of your own with amount null"
            )
            return "hold", detail, "beyond_asked"
        return sharing_terms_fault(line, balance)

    def _has_happened(self, no: int, frozen_at: datetime) -> bool:
        if frozen_at <= self._rules.now + CLOCK_SKEW:
            return True
        self._fault(no, "frozen_at", "lies in the future", "frozen_in_future")
        return False

    def _irregular(self, address_no: int, frozen_at: datetime) -> Irregular | None:
        if not self._has_ended:
            return None
        rules = self._rules
        return rules.ends.of_freeze(address_no, frozen_at, now=rules.now, window=rules.late_window)

    def _late(self, address_no: int) -> Irregular | None:
        if not self._has_ended:
            return None
        rules = self._rules
        return rules.ends.of_report(address_no, now=rules.now, window=rules.late_window)

    def _marked(self, line: BookedLine) -> BookedLine:
        """Return a line with what is irregular about it, which of answers is known last."""
        if line.kind is not LineKind.NOTHING:
            return line
        rules = self._rules
        late = rules.ends.of_answers(line.address_nos, now=rules.now, window=rules.late_window)
        return line._replace(irregular=late)

    def _against_claims(
        self, hold: WorkingHold, kind: LineKind, code: str | None
    ) -> Irregular | None:
        """Return whether a line that was just taken goes against what lies on its hold."""
        claims = self._rules.encumbered.get(hold.balance.id)
        if not claims:
            return None
        left = None if hold.nulls else hold.stated - hold.balance.left
        return Irregular.ENCUMBERED if is_encumbered(left, claims, kind, code) else None

    def _moves(
        self,
        no: int,
        line: ReleasedLine | ReturnedLine | SeizedLine,
        kind: LineKind,
        code: str | None,
    ) -> BookedLine | None:
        hold = self._linked_hold(no, line.hold)
        amount = self._amount(no, line.amount)
        if hold is None or amount == _BAD:
            self._draft.bad_holds.add(line.hold)
            return None
        balance = hold.balance
        balance.kept = None  # superseded by a later line
        cents = self._cents(no, line.usd, amount)
        self._move(no, hold, _Leaving(kind, amount, cents), 1)
        if amount is not None:
            hold.moved_at = no
        return BookedLine(
            self._id,
            no,
            kind,
            self._number(balance),
            balance.asset,
            amount,
            withheld=amount is None,
            hold_id=balance.id,
            code=code,
            usd=cents,
            irregular=self._against_claims(hold, kind, code),
        )

    @staticmethod
    def _move(no: int, hold: WorkingHold, leaving: _Leaving, sign: int) -> None:
        """Add (sign 1) or take back (sign -1) one effective line that lets something leave."""
        balance = hold.balance
        kind, amount, cents = leaving
        hold.at = no
        if amount is None:
            hold.ends += sign
            if sign > 0:
                hold.ends_at = no
                balance.ended_by = kind
            else:
                hold.was_ended = False
                if not hold.ends:
                    balance.ended_by = None
        elif kind is LineKind.RELEASED:
            balance.released += sign * amount
            balance.released_usd += sign * (cents or 0)
        elif kind is LineKind.RETURNED:
            balance.returned += sign * amount
            balance.returned_usd += sign * (cents or 0)
        else:
            balance.seized += sign * amount
            balance.seized_usd += sign * (cents or 0)

    def _keeps(self, no: int, line: KeptLine) -> BookedLine | None:
        hold = self._linked_hold(no, line.hold)
        if hold is None:
            return None
        hold.kept.append((no, line))
        return BookedLine(
            self._id,
            no,
            LineKind.KEPT,
            self._number(hold.balance),
            hold.balance.asset,
            hold_id=line.hold,
            code=line.basis.value,
        )

    def _number(self, balance: HoldBalance) -> int:
        """Return the address of this request that a hold counts for; a shared one has its own."""
        number = self._draft.shared.get(balance.id)
        return self._ledger.shared.get(balance.id, balance.address_no) if number is None else number

    def _linked_hold(self, no: int, hold_id: str) -> WorkingHold | None:
        hold = self._draft.hold(hold_id)
        if hold is None:
            self._fault(no, "hold", "is no hold of yours", "no_such_hold")
        elif hold.was_void:
            self._fault(no, "hold", "was taken back by a correction", "hold_void")
        elif not self._draft.is_linked(hold.balance):
            self._fault(
                no,
                "hold",
                "is a hold of another request: report there, or share it with this one",
                "not_linked",
            )
        else:
            return hold
        self._draft.bad_holds.add(hold_id)
        return None

    def _corrects(self, no: int, line: CorrectionLine) -> BookedLine | None:
        old = self._ledger.line(line.corrects)
        new = self._amount(no, line.amount, least=0)
        if old is None:
            self._fault(no, "corrects", "is no line of yours on this request", "no_such_line")
            return None
        if old.kind not in _CORRECTABLE or old.shares or old.address_no is None or not old.asset:
            self._fault(
                no,
                "corrects",
                "has no amount to correct; of a corrected line correct the original again",
                "not_correctable",
            )
            return None
        if line.corrects in self._corrected:
            self._fault(no, "corrects", "is corrected by this report already", "corrected_twice")
            return None
        self._corrected.add(line.corrects)
        cents = self._cents(no, line.usd, new)
        stands = worth_after(old.worth, amount=new, stated=cents)
        if new == _BAD or not self._replace(no, old, (old.address_no, old.asset), new, stands):
            self._draft.bad_addresses.add(old.address_no)
            self._draft.bad_holds.add(old.hold_id or "")
            return None
        self._correct_level(no, line, old)
        if new != 0 and old.kind in (LineKind.FOUND, LineKind.FROZEN):
            self._named.add(old.address_no)
        return BookedLine(
            self._id,
            no,
            LineKind.CORRECTION,
            old.address_no,
            old.asset,
            new,
            withheld=new is None,
            hold_id=old.hold_id,
            corrects=line.corrects,
            usd=cents,
            irregular=self._corrected_mark(old, new),
        )

    def _corrected_mark(self, old: BookedLine, new: int | None) -> Irregular | None:
        """Return what is irregular about a correction: it says that more went than was free."""
        hold = self._draft.hold(old.hold_id or "")
        if hold is None or (old.amount is not None and new is not None and new <= old.amount):
            return None
        return self._against_claims(hold, old.kind, old.code)

    def _replace(
        self, no: int, old: BookedLine, position: Position, new: int | None, cents: int
    ) -> bool:
        """Take the old amount out and put the new one in; tell whether its hold is known."""
        if old.kind is LineKind.FOUND:
            self._replace_found(no, old, position, new)
            self._draft.finding(position).found_usd += cents - (old.usd or 0)
            return True
        hold = self._draft.hold(old.hold_id or "")
        if hold is None:
            detail = "is about a hold that no longer counts for this request: correct it there"
            self._fault(no, "corrects", detail, "not_linked")
            return False
        if hold.was_void:
            # Its clocks, obligations and links are gone, and a sum cannot bring them back.
            detail = "is about a hold that was taken back: open another hold"
            self._fault(no, "corrects", detail, "hold_void")
            return False
        if old.kind is not LineKind.FROZEN:
            self._move(no, hold, _Leaving(old.kind, old.amount, old.usd), -1)
            self._move(no, hold, _Leaving(old.kind, new, cents), 1)
            return True
        hold.at = no
        hold.balance.frozen_usd += cents - (old.usd or 0)
        hold.nulls += (new is None) - (old.amount is None)
        hold.stated += (new or 0) - (old.amount or 0)
        if new is not None:
            self._draft.raised[position] = no
        return True

    def _correct_level(self, no: int, line: CorrectionLine, old: BookedLine) -> None:
        hold = self._draft.hold(old.hold_id or "") if old.kind is LineKind.FROZEN else None
        if hold is not None:
            wrong = account_level_fault(line, hold.balance)
            if wrong is not None:
                self._fault(no, *wrong)
            self._draft.frozen_at[hold.balance.id] = no
            if line.account_level and not hold.balance.account_level:
                rules = self._rules
                hold.balance.account_level = True
                hold.balance.review_at = review_due(rules.now, rules.review_after, rules.now)
        elif line.account_level:
            detail = "goes with the correction of a frozen line: leave it out"
            self._fault(no, "account_level", detail, "unexpected")

    def _replace_found(self, no: int, old: BookedLine, position: Position, new: int | None) -> None:
        finding = self._draft.finding(position)
        by = (new is None) - (old.amount is None)
        if by:
            self._draft.withhold_found(no, position, by)
        finding.found += (new or 0) - (old.amount or 0)
        if (new or 0) > (old.amount or 0):
            self._draft.found_at[position] = no
        self._draft.lowered[position] = no

    def _asset(self, no: int, asset: str) -> str | None:
        try:
            canonical = self._assets[asset]
        except KeyError:
            try:
                canonical = self._rules.canonical_asset(asset)
            except (ValueError, CoordinatorError) as error:
                self._fault(no, "asset", str(error), "unknown_asset")
                return None
            self._assets[asset] = canonical
        return canonical

    def _amount(self, no: int, text: str | None, *, least: int = 1) -> int | None:
        """Return base units, None for withheld, or _BAD with the fault noted."""
        if text is None:
            return None
        amount = int(text)
        if amount < least:
            self._fault(
                no,
                "amount",
                "must be at least 1: leave out a line that says 0, or use a nothing line",
                "zero_amount",
            )
            return _BAD
        if amount >= LIMIT:
            self._fault(no, "amount", "must be below 2^256", "amount_too_large")
            return _BAD
        return amount

    def _cents(self, no: int, usd: Usd | None, amount: int | None) -> int | None:
        """Return what the line states to be worth, in cents; None where it states nothing."""
        if usd is not None and not amount:
            detail = "goes with an amount: leave it out where the amount is withheld, shared or 0"
            self._fault(no, "usd", detail, "usd_without_amount")
        return usd_cents(usd)

    def _refuse_if_faulty(self) -> None:
        faults = [fault for _, fault in sorted(self._draft.faults, key=lambda each: each[0])]
        if not faults:
            return
        lines = "1 line is" if len(faults) == 1 else f"{len(faults)} places are"
        message = f"nothing of the report was booked: {lines} wrong, the first: {faults[0].detail}"
        is_input = any(fault.code in _INPUT_CODES for fault in faults)
        error = InvalidInputError if is_input else LedgerBreachError
        raise error(message, errors=faults, current_status=self._rules.current_status)

    def _booking(self, lines: list[BookedLine]) -> Booking:
        ledger, draft = self._ledger, self._draft
        touched: dict[int, DeclineCode | None] = {
            address_no: None for address_no in self._named if address_no in ledger.nothing
        }
        touched |= self._nothing.codes()
        holds = {hold_id: hold.balance for hold_id, hold in draft.holds.items()}
        return Booking(
            lines=lines,
            touched_holds=holds,
            opened=tuple(draft.opened),
            touched_findings=draft.findings,
            touched_nothing=touched,
            shared=draft.shared,
            unlinked=tuple(draft.unlinked),
            voided=tuple(hold_id for hold_id, balance in holds.items() if balance.is_void),
            owing=tuple(hold_id for hold_id in draft.owing if holds[hold_id].is_open),
        )
