"""Lines that are true, but not as they should have been: stored, marked, and seen by both sides.

A partner that froze after the end, or tells of it after a weekend, must not have to lie or to keep
silent. Source: the design's life cycle, "the ledger never refuses a truth".
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from coordinator.domain.encumbrance import BLOCKED_BY_KIND, Claim, is_against
from holdfast.protocol.vocabulary import Irregular, LineKind, ReleaseReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """When a request, or some of its addresses, stopped asking for freezes.

    Attributes:
        ended_at: When the request was withdrawn or closed, if it was.
        withdrawn: When single addresses were withdrawn.
        unratified_at: Since when nobody's approval stands behind a flash request.
    """

    ended_at: datetime | None = None
    withdrawn: Mapping[int, datetime] = field(default_factory=dict)
    unratified_at: datetime | None = None

    @property
    def has_begun(self) -> bool:
        """Whether anything stopped; asked once for a report that may have thousands of lines."""
        return bool(self.withdrawn) or not (self.ended_at is None and self.unratified_at is None)

    def over_at(self, address_no: int) -> datetime | None:
        """Return when the request ended, or took the address back; the earlier one of them."""
        return _first((self.ended_at, self.withdrawn.get(address_no)))

    def freezes_until(self, address_no: int) -> datetime | None:
        """Return from when on a new freeze for this address is irregular."""
        return _first((self.over_at(address_no), self.unratified_at))

    def of_freeze(
        self, address_no: int, frozen_at: datetime, *, now: datetime, window: timedelta
    ) -> Irregular | None:
        """Return what is irregular about a freeze made at `frozen_at` and reported at `now`."""
        until = self.freezes_until(address_no)
        if until is not None and frozen_at >= until:
            return Irregular.AFTER_END
        return self.of_report(address_no, now=now, window=window)

    def of_report(self, address_no: int, *, now: datetime, window: timedelta) -> Irregular | None:
        """Return whether what is reported at `now` comes later than messages cross."""
        over_at = self.over_at(address_no)
        return None if over_at is None or now <= over_at + window else Irregular.LATE

    def of_answers(
        self, address_nos: Collection[int], *, now: datetime, window: timedelta
    ) -> Irregular | None:
        """Return whether any of several addresses is answered later than messages cross."""
        is_late = self.ended_at is not None and now > self.ended_at + window
        if is_late or any(
            address_no in address_nos and now > at + window
            for address_no, at in self.withdrawn.items()
        ):
            return Irregular.LATE
        return None

    def has_taken_back(
        self, address_no: int, frozen_at: datetime, irregular: Irregular | None
    ) -> bool:
        """Tell whether what was frozen at `frozen_at` owes an answer because of an end."""
        if self.over_at(address_no) is not None:
            return True
        return self.unratified_at is not None and (
            irregular is Irregular.AFTER_END or frozen_at >= self.unratified_at
        )


def is_encumbered(
    left: int | None, claims: Iterable[Claim], kind: LineKind, code: str | None
) -> bool:
    """Tell whether a line that lets something leave goes against what others claim of its hold.

    Handing over to an authority carries an order out, and so does a release or a return by a
    court's order.

    Args:
        left: What the line leaves in the hold, base units; None: nobody knows how much.
        claims: All that stand on it.
        kind: The line's, or that of the line that it corrects.
        code: Likewise, its reason.
    """
    what = BLOCKED_BY_KIND.get(kind)
    return what is not None and code != ReleaseReason.COURT_ORDER and is_against(left, claims, what)


def _first(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
