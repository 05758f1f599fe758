"""How long a hold may last: by its ground, and by whose word the request rests on.

A freeze on a stranger's bare word is a small thing to ask for and a large one to suffer, so the
weaker the word, the sooner somebody has to answer for it again. Source: docs/life-cycle.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from holdfast.protocol.vocabulary import HoldBasis, Support

_DAY = timedelta(days=1)
#: Up to so long people count in hours.
_IN_HOURS = 3 * _DAY
_RESTS_ON = {
    Support.NONE: "nobody's word but the requester's",
    Support.POLICE_REPORT: "a police report",
    Support.ORDER_APPLIED: "an application for an order",
    Support.ORDER: "an order",
}
#: The rungs, the weakest first.
_LADDER = tuple(Support)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLimits:
    """How far ahead of the act that sets it a hold's end may lie, and whether it is a review date.

    Attributes:
        by_basis: Longest by ground; a ground left out has no limit.
        by_support: Longest for a voluntary hold by whose word the request rests on.
        support: Whose word that is now.
        is_issuer: The holder freezes tokens themselves: that lasts until it is undone.
    """

    by_basis: Mapping[HoldBasis, timedelta]
    by_support: Mapping[Support, timedelta]
    support: Support
    is_issuer: bool = False

    def longest(self, basis: HoldBasis) -> timedelta | None:
        """Return how far ahead the end of a hold on this ground may lie; None: no limit."""
        rung = self._rung(self.support) if basis is HoldBasis.VOLUNTARY else None
        if basis is HoldBasis.VOLUNTARY and self.support is Support.ORDER:
            return self.by_basis.get(HoldBasis.LEGAL_ORDER)
        return _shorter(self.by_basis.get(basis), rung)

    def is_bound_by_support(self, basis: HoldBasis) -> bool:
        """Tell whether a better word would allow a hold on this ground to last longer."""
        longest = self.longest(basis)
        return (
            basis is HoldBasis.VOLUNTARY
            and longest is not None
            and longest == self._rung(self.support)
            and longest != self.by_basis.get(basis)
        )

    def has_review_date(self, basis: HoldBasis) -> bool:
        """Tell whether the end of a hold on this ground only reminds, and nothing lapses then."""
        rests_on_order = basis is HoldBasis.VOLUNTARY and self.support is Support.ORDER
        return self.is_issuer or basis is HoldBasis.LEGAL_ORDER or rests_on_order

    def why_bound(self) -> str:
        """Say whose word the request rests on, how long that carries, and what carries farther."""
        carries = self._rung(self.support)
        said = f"the request rests on {_RESTS_ON[self.support]}"
        if carries is None:
            return said
        better = _LADDER[_LADDER.index(self.support) + 1]
        farther = self._rung(better)
        if farther is None:
            then = f"{_RESTS_ON[better]} makes it a review date"
        else:
            then = f"{_RESTS_ON[better]} makes it {lasting(farther)}"
        return f"{said}: at most {lasting(carries)}; {then}"

    def _rung(self, support: Support) -> timedelta | None:
        return self.by_support.get(support)


def lasting(span: timedelta) -> str:
    """Return a length of time as people say it: "72 h", "14 days"."""
    if span <= _IN_HOURS:
        return f"{span / timedelta(hours=1):g} h"
    return f"{span / _DAY:g} days"


def is_higher(support: Support, *, than: Support) -> bool:
    """Tell whether one word carries farther than another."""
    return _LADDER.index(support) > _LADDER.index(than)


def _shorter(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
