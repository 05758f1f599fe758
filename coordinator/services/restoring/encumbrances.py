"""What stands in the way of a release, a return or a payout.

An encumbrance lies on its target itself: on a hold, whichever requests share it. A legal order
lies on what its request asks for. Whoever agrees to let something go asks `require_free` first,
in the transaction of that act and after locking what it is about; what has happened is booked as
it happened, and marked (`claims_on_leg`).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from coordinator.domain.encumbrance import (
    Claim,
    HoldTarget,
    Target,
    free_of,
)
from coordinator.domain.errors import ConflictError
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.services.requests.freeze_request_views import evidence_bodies
from coordinator.storage.ending import legal_orders
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.restoring import encumbrances as store
from coordinator.storage.tables.encumbrances import EncumbranceRow
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol.amounts import KnownAssets, format_amount
from holdfast.protocol.vocabulary import Blocked

_WORDS = {
    Blocked.RELEASE: "released",
    Blocked.RETURN: "returned",
    Blocked.PAYOUT: "paid out",
}


class Blocking(NamedTuple):
    """Why something cannot be agreed to.

    Attributes:
        free: Base units that may go all the same.
        claims: What stands on the target.
    """

    free: int
    claims: Sequence[Claim]


def blocked(uow: UnitOfWork, target: Target, amount: int | None, what: Blocked) -> Blocking | None:
    """Return what keeps an amount from being agreed to; None where nothing does.

    Args:
        uow: The transaction under way, with the target locked.
        target: What it would come out of; of a return or a pool it says how much is there, of a
            hold its own balance is read.
        amount: Base units, with all that was agreed to before and is still there; None: all, or
            nobody knows how much.
        what: What it would be.
    """
    if isinstance(target, HoldTarget):
        claims, there = _on_hold(uow, target)
    else:
        there = target.there
        claims = [_claim(row) for row in store.on_targets(uow.connection, [target])]
    if not any(what in claim.blocks for claim in claims):
        return None
    free = free_of(there, claims, what) or 0
    return None if amount is not None and amount <= free else Blocking(free, claims)


def require_free(
    uow: UnitOfWork, target: Target, amount: int | None, what: Blocked, *, asset: str
) -> None:
    """Refuse to agree to what would eat into a claim; see `blocked`.

    Args:
        uow: See there, and of the others.
        target: Likewise.
        amount: Likewise.
        what: Likewise.
        asset: CAIP-19, to say how much is free.

    Raises:
        ConflictError: `encumbered`, saying how much is free and what to do.
    """
    found = blocked(uow, target, amount, what)
    if found is None:
        return
    unit = KnownAssets(uow.chains).unit(asset)
    free = format_amount(found.free, unit, asset=asset)
    raise ConflictError(
        f"{target.id} is encumbered: of it {free} may be {_WORDS[what]}, and no more; agree to that"
        " much, or have what lies on it lifted first",
        code="encumbered",
    )


def claims_on_leg(
    uow: UnitOfWork, leg: LegRow, hold_ids: Collection[str]
) -> Mapping[str, Sequence[Claim]]:
    """Return by hold what stands on some holds of a leg; holds with nothing on them are left out.

    Orders count as far as they are seen on this leg: one that names no hold lies on all of them.
    """
    targets = [HoldTarget(hold_id) for hold_id in sorted(hold_ids)]
    found: dict[str, list[Claim]] = defaultdict(list)
    for row in store.on_targets(uow.connection, targets):
        found[row.target_id].append(_claim(row))
    for order_id, named in _orders(uow, leg):
        for hold_id in hold_ids:
            if named in {None, hold_id}:
                found[hold_id].append(Claim(order_id, None))
    return found


def _on_hold(uow: UnitOfWork, target: HoldTarget) -> tuple[list[Claim], int | None]:
    """Return what stands on a hold, on whichever leg it was attached, and what is held."""
    claims = [_claim(row) for row in store.on_targets(uow.connection, [target])]
    for leg in hold_clocks.linked_legs(uow.connection, target.id):
        orders = _orders(uow, leg)
        claims += [Claim(order_id, None) for order_id, hold in orders if hold in {None, target.id}]
    row = hold_clocks.hold(uow.connection, target.id)
    if row is None or row.withheld:
        return claims, None
    return claims, row.frozen - row.released - row.returned - row.seized


def _orders(uow: UnitOfWork, leg: LegRow) -> list[tuple[str, str | None]]:
    """Return the orders that stand on a leg, each with the hold that it names, if it names one."""
    orders = legal_orders.standing_on_leg(uow.connection, leg)
    bodies = evidence_bodies(uow.connection, uow.vault, [order.act_id for order in orders])
    return [(order.id, bodies.get(order.act_id, {}).get("hold")) for order in orders]


def _claim(row: EncumbranceRow) -> Claim:
    return Claim(row.id, row.amount, frozenset(map(Blocked, row.blocks.split())))
