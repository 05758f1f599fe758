"""A hold: a freeze with an end, and what is owed once it ends or the request does.

Nothing extends itself, and no clock releases anything: at its end a hold has lapsed, and only the
partner knows what became of it. Source: docs/life-cycle.md and ADR 0013.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from coordinator.domain.errors import FieldFault, InvalidTransitionError, LedgerBreachError
from coordinator.domain.hold_limits import HoldLimits, lasting
from coordinator.domain.usd import in_proportion
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import HoldBasis, Irregular, KeptBasis, LineKind

#: What happened may be stamped so far ahead of the coordinator's clock, for clocks differ.
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(slots=True, kw_only=True)
class HoldBalance:
    """The sums of a hold's effective lines, base units, and its clocks.

    Attributes:
        leg_id: The leg that opened it; others may share it.
        frozen: Of a withheld hold only what is known to have left it, so that sums stay sums.
        frozen_usd: What its effective frozen lines state to be worth, in cents; the others of this
            name likewise.
        withheld: Its amount is not told: it counts for the status, not for sums.
        ended: Nothing of it is held any more; a withheld hold is ended by a line without an amount.
        ended_by: The kind of that line: only so can a withheld hold show as returned.
        account_level: The whole account is frozen, beyond what the request states.
        reviewed: Its end is a review date, whatever its ground.
        effective_at: When an issuer's freeze was in force; `frozen_at` is when it was proposed.
        lapsed: Its end has passed and the partner has not yet said what became of it.
        kept: On what ground it stays after a withdrawal or its end; None: not answered.
        review_at: When somebody looks at it again; None: never, or when it ends.
        irregular: What is irregular about the first of its freezes that is; None: nothing.
    """

    id: str
    leg_id: str
    address_no: int
    asset: str
    frozen: int = 0
    released: int = 0
    returned: int = 0
    seized: int = 0
    frozen_usd: int = 0
    released_usd: int = 0
    returned_usd: int = 0
    seized_usd: int = 0
    withheld: bool = False
    ended: bool = False
    basis: HoldBasis
    frozen_at: datetime
    hold_expires_at: datetime
    account_level: bool = False
    reviewed: bool = False
    effective_at: datetime | None = None
    lapsed: bool = False
    kept: KeptBasis | None = None
    ended_by: LineKind | None = None
    review_at: datetime | None = None
    irregular: Irregular | None = None

    @property
    def left(self) -> int:
        """What has left it: released, returned or seized."""
        return self.released + self.returned + self.seized

    @property
    def held(self) -> int:
        """What is known to be held; 0 of a withheld hold."""
        return self.frozen - self.released - self.returned - self.seized

    @property
    def held_usd(self) -> int:
        """What is held, in cents, at the price that was stated when it was frozen."""
        return in_proportion(self.frozen_usd, of=self.frozen, to=self.held)

    @property
    def has_review_date(self) -> bool:
        """Whether its end only reminds: on an order, and where nothing undoes itself."""
        return self.reviewed or self.basis is HoldBasis.LEGAL_ORDER

    @property
    def is_void(self) -> bool:
        """Whether a correction took all of it back: it never was."""
        return not self.withheld and self.frozen == 0

    @property
    def is_open(self) -> bool:
        """Whether something is held: a stated rest, or a withheld amount not yet ended."""
        return not self.ended if self.withheld else self.held > 0


def owes_answer(hold: HoldBalance, *, withdrawn: bool) -> bool:
    """Tell whether the partner must say what becomes of a hold.

    Args:
        hold: As it stands.
        withdrawn: The request ended, or its address was withdrawn.
    """
    return hold.is_open and (hold.lapsed or (withdrawn and hold.kept is None))


def obliged(hold: HoldBalance) -> HoldBalance:
    """Return the hold as a withdrawal leaves it: an answer given before does not count for it."""
    return replace(hold, kept=None)


def lapses(hold: HoldBalance, *, now: datetime) -> bool:
    """Tell whether a hold's end has passed unanswered; a review date only reminds."""
    return (
        hold.is_open
        and not hold.lapsed
        and not hold.has_review_date
        and hold.hold_expires_at <= now
    )


def lapsed(hold: HoldBalance) -> HoldBalance:
    """Return the hold as its end leaves it: the amount stays in held, and an answer is owed."""
    return replace(hold, lapsed=True, kept=None)


def next_warning(
    hold: HoldBalance, *, now: datetime, warn_before: Sequence[timedelta]
) -> datetime | None:
    """Return when `hold.expiring` is next due, strictly after `now`; None once all are past."""
    due = [hold.hold_expires_at - before for before in warn_before]
    return min((moment for moment in due if moment > now), default=None)


def review_due(frozen_at: datetime, after: timedelta, now: datetime) -> datetime:
    """Return when a freeze of a whole account is looked at again.

    Where that is past when the freeze is reported, so long after the report: somebody looks now.
    """
    due = frozen_at + after
    return due if due > now else now + after


def ending_due(
    hold: HoldBalance, *, since: datetime, now: datetime, warn_before: Sequence[timedelta]
) -> bool:
    """Tell whether a warning of a hold's end, or the end itself, fell due from `since` on."""
    end = hold.hold_expires_at
    return any(
        since <= moment <= now for moment in (end, *(end - before for before in warn_before))
    )


#: The end may lie so much beyond the limit: the clock that it was counted by may be ahead of ours.
END_SKEW = timedelta(minutes=5)
_PAST = ("is past: state an end, or a review date, that lies ahead", "end_past")


def end_fault(
    end: datetime, *, basis: HoldBasis, now: datetime, max_hold: HoldLimits
) -> tuple[str, str] | None:
    """Return (detail, code) of what is wrong with a hold's new end or review date, or None.

    The maximum counts from the act that sets the end: each signed act may set it so far ahead and
    no farther, so that no hold stands longer without somebody answering for it again.
    """
    if end <= now:
        return _PAST
    return too_far_fault(end, basis=basis, now=now, max_hold=max_hold)


def too_far_fault(
    end: datetime, *, basis: HoldBasis, now: datetime, max_hold: HoldLimits
) -> tuple[str, str] | None:
    """Return (detail, code) where a hold's end lies too far ahead, or None.

    Of a freeze that is reported this is all that is asked: its end may have passed by then.
    """
    longest = max_hold.longest(basis)
    if longest is None or end <= now + longest + END_SKEW:
        return None
    latest = f"state {format_time(now + longest)} at the latest"
    if max_hold.is_bound_by_support(basis):
        return f"is too far ahead: {max_hold.why_bound()}; {latest}", "beyond_support"
    detail = (
        f"is more than {lasting(longest)} ahead, the longest that policy allows for"
        f" {basis.value}: {latest}, and extend it later"
    )
    return detail, "end_too_far"


def extended(
    hold: HoldBalance,
    *,
    hold_expires_at: datetime,
    basis: HoldBasis,
    now: datetime,
    max_hold: HoldLimits,
) -> HoldBalance:
    """Return the hold with a later end, or on another ground; it is no longer lapsed.

    Raises:
        InvalidTransitionError: If nothing of it is held any more.
        LedgerBreachError: If the new end is past, no later than the old one on the same ground, or
            beyond the policy's maximum.
    """
    _require_open(is_open=hold.is_open)
    fault = end_fault(hold_expires_at, basis=basis, now=now, max_hold=max_hold)
    if basis is hold.basis:
        fault = fault or _no_later(hold_expires_at, hold.hold_expires_at)
    _require_no_fault(fault)
    return replace(
        hold,
        hold_expires_at=hold_expires_at,
        basis=basis,
        reviewed=max_hold.has_review_date(basis),
        lapsed=False,
        review_at=None,  # whoever signs a new end has looked at it
    )


def require_worth_asking(
    hold_expires_at: datetime, *, present_end: datetime, is_open: bool, now: datetime
) -> None:
    """Refuse a wish for a later end that the partner could not fulfil.

    Its maximum is not looked at: which ground it would extend on is for the partner to say.

    Raises:
        InvalidTransitionError: If nothing of the hold is held any more.
        LedgerBreachError: If the end wished for is past, or no later than the present one.
    """
    _require_open(is_open=is_open)
    fault = _PAST if hold_expires_at <= now else _no_later(hold_expires_at, present_end)
    _require_no_fault(fault)


def _require_open(*, is_open: bool) -> None:
    if not is_open:
        raise InvalidTransitionError(
            "nothing of this hold is held any more: there is nothing to extend",
            code="hold_ended",
            current_status="ended",
        )


def _no_later(end: datetime, present_end: datetime) -> tuple[str, str] | None:
    if end > present_end:
        return None
    return f"must come after the present end, {present_end.isoformat()}", "no_later"


def _require_no_fault(fault: tuple[str, str] | None) -> None:
    if fault is not None:
        detail, code = fault
        raise LedgerBreachError(
            f"hold_expires_at {detail}", errors=[FieldFault("/hold_expires_at", detail, code)]
        )
