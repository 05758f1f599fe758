"""Who gets how much of recovered funds: parts that sum to the pool, to the base unit.

Anybody who has the inputs finds the same parts: the opener, the coordinator, a claimant, a court.
All is whole numbers. The rules, of which ADR 0085 says why:

(1) Everybody is brought to the same share of their loss. What somebody had before counts: whoever
    had more than that share keeps it and gets nothing now, and the others catch up. (In insolvency
    law this is called hotchpot.)
(2) A claim that would get less than the minimum gets nothing now; its part goes to the others of
    this allocation. It is not lost: the next allocation brings it to the same share, too. As many
    as can be are paid, and claims that stand alike are paid alike.
(3) Nobody gets more than the loss. What nobody gets is left in the pool.
(4) Of the fractions, the largest are rounded up (largest remainder, Hamilton). Of equal ones, the
    lowest SHA-256 over all inputs and the claim's reference is first: nobody can tell before the
    inputs are settled, and anybody can afterwards.

In a schedule, a court or the parties have said who gets how much; what was had before is taken off.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from itertools import groupby, pairwise
from operator import attrgetter

from holdfast.protocol import canonical_json
from holdfast.protocol.errors import ProtocolError

#: Amounts are below this.
LIMIT = 2**256
#: Of one allocation.
MOST_CLAIMS = 100_000
#: Prices have no more digits than this, all brought to one denominator.
_MOST_PRICE_BITS = 512
#: A value is the sum of amounts at such prices.
_VALUE_LIMIT = 2 ** (2 * _MOST_PRICE_BITS)
_TIE = b"holdfast/allocation-tie/1\0"


class AllocationError(ProtocolError):
    """Nothing can be allocated by these inputs; the text says what to change."""


@dataclass(frozen=True, slots=True)
class ValuedClaim:
    """One verified claim.

    Attributes:
        ref: The opener's reference, once among the claims of an allocation.
        value: What was lost, 0 or more, on one scale for all claims (see `value_claims`).
        paid: What it had from this pool's earlier allocations, in base units of the pool.
    """

    ref: str
    value: int
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Allocation:
    """What each claim gets now.

    Attributes:
        parts: Base units by reference, in the order of the references; all parts and `left` sum to
            the pool.
        left: What nobody gets and stays in the pool.
        waiting: References of claims that rule (2) leaves without a part, in order.
        rate: What everybody who gets something has then had in all, per unit of value; None where
            nobody gets anything, or by a schedule.
    """

    parts: Mapping[str, int]
    left: int
    waiting: Sequence[str] = ()
    rate: Fraction | None = None


def value_claims(
    losses: Mapping[str, Iterable[tuple[str, int]]],
    prices: Mapping[str, Fraction],
    pool_asset: str,
) -> tuple[dict[str, int], int]:
    """Return each claim's value and that of one base unit of the pool, all on one exact scale.

    Args:
        losses: By reference: what was verified as lost, as (asset, base units).
        prices: By asset: what one base unit is worth in the currency of the valuation.
        pool_asset: What the pool is in; it has a price, too.

    Raises:
        AllocationError: A price is missing, negative or too long; the pool's is zero; or an amount
            is none.
    """
    scale = 1
    for asset, price in prices.items():
        if price < 0 or price.numerator.bit_length() > _MOST_PRICE_BITS:
            raise AllocationError(f"the price of {asset} is negative or too long")
        scale = math.lcm(scale, price.denominator)
        if scale.bit_length() > _MOST_PRICE_BITS:
            raise AllocationError(f"the price of {asset} is too fine: give it fewer digits")
    whole = {asset: int(price * scale) for asset, price in prices.items()}
    unit = whole.get(pool_asset, 0)
    if not unit:
        raise AllocationError(f"the pool's asset has no price: add one of {pool_asset}")
    values = {}
    for ref, lost in losses.items():
        values[ref] = 0
        for asset, amount in lost:
            if asset not in whole:
                raise AllocationError(f"claim {ref}: {asset} has no price: add one")
            _require_amount(amount, f"claim {ref}: the amount")
            values[ref] += amount * whole[asset]
    return values, unit


def share_pro_rata(
    pool: int, claims: Sequence[ValuedClaim], *, unit_value: int | None = None, minimum: int = 0
) -> Allocation:
    """Return what each claim gets in proportion to its value, by the rules above.

    Args:
        pool: What there is to share now, in base units: costs, reserve and what was paid are off.
        claims: All that take part, in any order.
        unit_value: What one base unit of the pool is worth on the scale of the values; None where
            the values are mere proportions and rule (3) says nothing.
        minimum: In base units; 0 for none.

    Raises:
        AllocationError: An input is out of its range, or a reference stands twice.
    """
    ordered = _in_order(pool, claims, minimum)
    if unit_value is not None and not 0 < unit_value < _VALUE_LIMIT:
        raise AllocationError("the pool's unit must be worth something")
    parts = dict.fromkeys([claim.ref for claim in ordered], 0)
    served = _served(pool, ordered, unit_value, minimum)
    if not served:
        limit = None if unit_value is None else Fraction(1, unit_value)
        return Allocation(parts, pool, _waiting(ordered, served, limit))
    total = sum([claim.value for claim in served])
    funds = pool + sum([claim.paid for claim in served])
    rate = Fraction(funds, total)
    if unit_value is not None and funds * unit_value >= total:
        rate = Fraction(1, unit_value)
        for claim in served:
            parts[claim.ref] = claim.value // unit_value - claim.paid
    else:
        lots = _Lots(pool, ordered, unit_value, minimum)
        _share(parts, served, (funds, total), lots)
    waiting = _waiting(ordered, served, rate) if len(served) < len(ordered) else []
    return Allocation(parts, pool - sum(parts.values()), waiting, rate)


def share_by_schedule(
    pool: int, claims: Sequence[ValuedClaim], schedule: Mapping[str, int]
) -> Allocation:
    """Return what each claim gets by a table that says how much each has in all.

    Args:
        pool: What there is to share now, in base units.
        claims: All that take part; their values play no part.
        schedule: Base units by reference, each with what was paid before; claims that it does not
            name get nothing.

    Raises:
        AllocationError: It names a reference that is no claim's, gives more than there is, or an
            input is out of its range.
    """
    ordered = _in_order(pool, claims, 0)
    for ref, amount in schedule.items():
        _require_amount(amount, f"the schedule's amount for {ref}")
    unknown = sorted(schedule.keys() - {claim.ref for claim in ordered})
    if unknown:
        more = f" and {len(unknown) - 1} more" if unknown[1:] else ""
        raise AllocationError(f"the schedule names {unknown[0]}{more}, which is no claim's ref")
    parts = {c.ref: max(0, schedule.get(c.ref, 0) - c.paid) for c in ordered}
    given = sum(parts.values())
    if given > pool:
        raise AllocationError(
            f"the schedule gives {given - pool} base units more than the pool has: have the table "
            "amended, or take its amounts as claims and share pro rata"
        )
    return Allocation(parts, pool - given)


def _require_amount(amount: int, what: str) -> None:
    if not 0 <= amount < LIMIT:
        raise AllocationError(f"{what} must be 0 or more and below 2^256")


def _in_order(pool: int, claims: Sequence[ValuedClaim], minimum: int) -> Sequence[ValuedClaim]:
    """Return the claims by reference, or refuse what is out of its range."""
    _require_amount(pool, "the pool")
    _require_amount(minimum, "the minimum")
    if not pool:
        raise AllocationError("the pool is empty: there is nothing to allocate")
    if not 0 < len(claims) <= MOST_CLAIMS:
        raise AllocationError(f"there must be 1 to {MOST_CLAIMS:,} claims")
    ordered = sorted(claims, key=attrgetter("ref"))
    refs = [claim.ref for claim in ordered]
    if len(set(refs)) < len(refs):
        twice = next(ref for ref, after in pairwise(refs) if ref == after)
        raise AllocationError(f"the reference {twice!a} stands twice: a claim is allocated once")
    try:
        "".join(refs).encode()
    except UnicodeEncodeError:
        raise AllocationError("a reference holds half a character: type it anew") from None
    for numbers, limit, what in (
        ([claim.value for claim in ordered], _VALUE_LIMIT, "the value"),
        ([claim.paid for claim in ordered], LIMIT, "what was paid before"),
    ):
        if min(numbers) < 0 or max(numbers) >= limit:
            wrong = next(r for r, each in zip(refs, numbers, strict=True) if not 0 <= each < limit)
            raise AllocationError(f"claim {wrong}: {what} is below 0 or too large")
    return ordered


def _waiting(
    claims: Sequence[ValuedClaim], served: Sequence[ValuedClaim], rate: Fraction | None
) -> list[str]:
    """Return who is left out, though it had less than the others will have had."""
    refs = {claim.ref for claim in served}
    out = [claim for claim in claims if claim.value and claim.ref not in refs]
    return [c.ref for c in out if rate is None or c.paid < c.value * rate]


def _served(
    pool: int, claims: Sequence[ValuedClaim], unit_value: int | None, minimum: int
) -> Sequence[ValuedClaim]:
    """Return the claims that get at least the minimum, by rules (1) to (3).

    A claim gets it from a rate of (paid + minimum) / value on. Claims are let in by that, the
    lowest first, as long as the rate for all that are in is as high as those ask that come last.
    """
    worth = [claim for claim in claims if claim.value]
    if unit_value is not None:
        worth = [c for c in worth if c.value // unit_value - c.paid >= minimum]
    if not minimum and not any(claim.paid for claim in worth):
        return worth
    # Different quotients of numbers below 2^n differ by more than 2^-2n: so shifted, they are told
    # apart by whole numbers.
    shift = 2 * max([claim.value.bit_length() for claim in worth], default=0)

    def from_rate(claim: ValuedClaim) -> int:
        return ((claim.paid + minimum) << shift) // claim.value

    served: list[ValuedClaim] = []
    total, funds = 0, pool
    for _, alike in groupby(sorted(worth, key=from_rate), key=from_rate):
        group = list(alike)
        total += sum([claim.value for claim in group])
        funds += sum([claim.paid for claim in group])
        if funds * group[0].value < (group[0].paid + minimum) * total:
            break
        served += group
    return served


@dataclass(frozen=True, slots=True)
class _Lots:
    """What decides among equal fractions, worked out only where there are any."""

    pool: int
    claims: Sequence[ValuedClaim]
    unit_value: int | None
    minimum: int

    def draw(self, refs: Sequence[str], count: int) -> list[str]:
        """Return the `count` references that come first."""
        claims = [[c.ref, str(c.value), str(c.paid)] for c in self.claims]
        inputs = [str(self.pool), str(self.unit_value), str(self.minimum), claims]
        seed = sha256(_TIE + canonical_json.dumps(inputs)).digest()
        return sorted(refs, key=lambda ref: sha256(seed + ref.encode()).digest())[:count]


def _share(
    parts: dict[str, int], served: Sequence[ValuedClaim], rate: tuple[int, int], lots: _Lots
) -> None:
    """Bring every claim to the rate (a quotient), and round by rule (4)."""
    funds, total = rate
    shares = [divmod(claim.value * funds, total) for claim in served]
    rests = [rest for _, rest in shares]
    # So many base units are missing while all fractions are cut off; the last one goes to this one.
    units = sum(rests) // total
    last = sorted(rests)[-units] if units else total
    tied = []
    for claim, (whole, rest) in zip(served, shares, strict=True):
        parts[claim.ref] = whole - claim.paid
        if rest > last:
            parts[claim.ref] += 1
            units -= 1
        elif rest == last:
            tied.append(claim.ref)
    for ref in tied if units == len(tied) else lots.draw(tied, units):
        parts[ref] += 1
