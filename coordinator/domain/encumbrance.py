"""Encumbrances: what of held funds a third party claims, and what may be agreed to all the same.

An authority's order that is attached to a request is one, too: on all of the hold, against
everything. They block what somebody would agree to; what happened is booked as it happened, and
marked. Source: the design's "Encumbrances", ADR 0082.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from coordinator.domain.errors import InvalidTransitionError
from holdfast.protocol.vocabulary import Blocked, EncumbranceStatus, LineKind

_EVERYTHING = frozenset(Blocked)


class EncumbranceAct(StrEnum):
    """What can happen to an encumbrance, or to a legal order."""

    ATTACH = "attach"
    REVIEW = "review"  # somebody looked at it, and it goes on
    MISS_REVIEW = "miss_review"  # its date has passed
    LIFT = "lift"


_S = EncumbranceStatus
#: (status, act) -> status. What is not here is refused.
TRANSITIONS: Mapping[tuple[EncumbranceStatus | None, EncumbranceAct], EncumbranceStatus] = (
    MappingProxyType(
        {
            (None, EncumbranceAct.ATTACH): _S.STANDING,
            (_S.STANDING, EncumbranceAct.REVIEW): _S.STANDING,
            (_S.STANDING, EncumbranceAct.MISS_REVIEW): _S.REVIEW_DUE,
            (_S.STANDING, EncumbranceAct.LIFT): _S.LIFTED,
            (_S.REVIEW_DUE, EncumbranceAct.REVIEW): _S.STANDING,
            (_S.REVIEW_DUE, EncumbranceAct.LIFT): _S.LIFTED,
        }
    )
)
#: By these it blocks: a date that passed lets nothing go.
BLOCKING = frozenset({_S.STANDING, _S.REVIEW_DUE})

#: What a line that lets something leave a hold comes to. To seize carries an order out.
BLOCKED_BY_KIND: Mapping[LineKind, Blocked] = MappingProxyType(
    {LineKind.RELEASED: Blocked.RELEASE, LineKind.RETURNED: Blocked.RETURN}
)


@dataclass(frozen=True, slots=True)
class HoldTarget:
    """An encumbrance lies on a hold, whichever requests share it."""

    id: str


@dataclass(frozen=True, slots=True)
class ReturnTarget:
    """An encumbrance lies on what a partner agreed to return; `there`: how much, if known."""

    id: str
    there: int | None = None


@dataclass(frozen=True, slots=True)
class PoolTarget:
    """An encumbrance lies on what was gathered for victims; `there`: how much, if known."""

    id: str
    there: int | None = None


Target = HoldTarget | ReturnTarget | PoolTarget
#: How rows name each kind of target.
TARGET_KINDS: Mapping[type[Target], str] = MappingProxyType(
    {HoldTarget: "hold", ReturnTarget: "return", PoolTarget: "pool"}
)


class Claim(NamedTuple):
    """What one encumbrance takes out of a target.

    Attributes:
        id: `enc_…`, or `ord_…` of a legal order.
        amount: Base units; None: all that is there, and all that comes.
        blocks: What must not eat into it.
    """

    id: str
    amount: int | None
    blocks: frozenset[Blocked] = _EVERYTHING


def next_status(current: EncumbranceStatus | None, act: EncumbranceAct) -> EncumbranceStatus:
    """Return the status after an act.

    Raises:
        InvalidTransitionError: If the table has no such step; it carries the status as it is.
    """
    after = TRANSITIONS.get((current, act))
    if after is None:
        shown = "not attached" if current is None else current.value.replace("_", " ")
        raise InvalidTransitionError(
            f"what is {shown} cannot take: {act.replace('_', ' ')}",
            current_status=None if current is None else current.value,
        )
    return after


def is_against(left: int | None, claims: Iterable[Claim], what: Blocked) -> bool:
    """Tell whether claims are not covered any more by what is left.

    Several claims add up: nobody here knows that two of them are for the same debt.

    Args:
        left: Base units that are there afterwards; None: nobody knows how much.
        claims: All that stand on the target.
        what: What would make it less.
    """
    amounts = _claimed(claims, what)
    if not amounts:
        return False
    return left is None or None in amounts or left < sum(filter(None, amounts))


def free_of(held: int | None, claims: Iterable[Claim], what: Blocked) -> int | None:
    """Return how much may go without eating into any claim; None: nobody knows, and all may.

    Args:
        held: Base units that are there; None where that is withheld.
        claims: All that stand on the target.
        what: What it is wanted for.
    """
    amounts = _claimed(claims, what)
    if not amounts:
        return held
    if held is None or None in amounts:
        return 0
    return max(held - sum(filter(None, amounts)), 0)


def encumbered_amount(held: int | None, claims: Sequence[Claim]) -> int | None:
    """Return how much of a target is claimed against anything; None: all of a withheld one."""
    if held is None:
        return None if claims else 0
    if any(claim.amount is None for claim in claims):
        return held
    return min(sum(claim.amount or 0 for claim in claims), held)


def _claimed(claims: Iterable[Claim], what: Blocked) -> list[int | None]:
    return [claim.amount for claim in claims if what in claim.blocks]
