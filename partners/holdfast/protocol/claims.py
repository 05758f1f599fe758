"""What others claim of held funds, and when letting go goes against it.

Both sides, and whoever checks a bundle, judge a line by these few functions. Source: ADR 0082.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from holdfast.protocol.vocabulary import Blocked, LineKind, ReleaseReason

_EVERYTHING = frozenset(Blocked)
#: What a line that lets something leave a hold comes to. To seize carries an order out.
BLOCKED_BY_KIND: Mapping[LineKind, Blocked] = MappingProxyType(
    {LineKind.RELEASED: Blocked.RELEASE, LineKind.RETURNED: Blocked.RETURN}
)


class Claim(NamedTuple):
    """What one encumbrance takes out of a hold, a return or a pool.

    Attributes:
        id: `enc_…`, or `ord_…` of a legal order.
        amount: Base units; None: all that is there, and all that comes.
        blocks: What must not eat into it.
    """

    id: str
    amount: int | None
    blocks: frozenset[Blocked] = _EVERYTHING


def is_against(left: int | None, claims: Iterable[Claim], what: Blocked) -> bool:
    """Tell whether claims are not covered any more by what is left.

    Several claims add up: nobody here knows that two of them are for the same debt.

    Args:
        left: Base units that are there afterwards; None: nobody knows how much.
        claims: All that stand.
        what: What would make it less.
    """
    amounts = claimed(claims, what)
    if not amounts:
        return False
    return left is None or None in amounts or left < sum(filter(None, amounts))


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


def claimed(claims: Iterable[Claim], what: Blocked) -> list[int | None]:
    """Return the amounts of the claims that block something; None: all there is."""
    return [claim.amount for claim in claims if what in claim.blocks]
