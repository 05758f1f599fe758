"""Tokens that two partners hold at once: an exchange in its books, an issuer on the chain.

Both freezes are real, and each stays in its own ledger; the funds are there once. The requester,
who alone sees both, marks one of the two, and sums over partners count the other. Source: ADR 0036.
"""

from typing import NamedTuple

from coordinator.domain.errors import ConflictError


class PlacedHold(NamedTuple):
    """A hold as a request knows it.

    Attributes:
        is_own: It was opened on this request.
        same_funds_as: The hold that counts in its place; None: it counts itself.
        counts_for: How many holds are marked as the same as it.
    """

    id: str
    partner: str
    address_no: int
    asset: str
    is_own: bool
    same_funds_as: str | None
    counts_for: int


def require_same_funds(hold: PlacedHold, counted: PlacedHold) -> None:
    """Refuse to mark holds that cannot be of the same tokens, or to leave none that counts.

    Raises:
        ConflictError: Saying why not.
    """
    refused = _why_not(hold, counted)
    if refused is not None:
        detail, code = refused
        raise ConflictError(detail, code=code)


def _why_not(hold: PlacedHold, counted: PlacedHold) -> tuple[str, str] | None:
    if not hold.is_own or not counted.is_own:
        return "a hold of another request is marked there", "shared_hold"
    if hold.partner == counted.partner:
        return "one partner does not hold the same tokens twice: correct its lines", "same_partner"
    if (hold.address_no, hold.asset) != (counted.address_no, counted.asset):
        return "the holds are of different addresses or assets", "other_funds"
    if counted.same_funds_as is not None:
        return f"{counted.id} is left out itself: name {counted.same_funds_as}", "left_out_itself"
    if hold.counts_for:
        return f"{hold.id} counts for others: take those marks back first", "counts_for_others"
    return None
