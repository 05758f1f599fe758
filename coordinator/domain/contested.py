"""Which holders of an account a dispute concerns beside the partner that raised it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class OpenDispute(NamedTuple):
    """What an open dispute is about: a hold of a leg, or all that the leg holds (None)."""

    leg_id: str
    hold_id: str | None


class HeldPlace(NamedTuple):
    """An address of a request for which a leg holds something."""

    leg_id: str
    hold_id: str
    address_no: int


def contested_addresses(
    disputes: Iterable[OpenDispute], held: Sequence[HeldPlace], accounts: Mapping[int, bytes]
) -> dict[str, set[int]]:
    """Return, by leg, the addresses that it holds something for and that another leg disputes.

    Args:
        disputes: Those that are open on a request.
        held: What is held on it.
        accounts: What stands for the account of each address: equal where it is the same.
    """
    disputing: dict[bytes, set[str]] = {}
    for dispute in disputes:
        for place in held:
            if place.leg_id == dispute.leg_id and dispute.hold_id in {None, place.hold_id}:
                disputing.setdefault(accounts[place.address_no], set()).add(dispute.leg_id)
    found: dict[str, set[int]] = {}
    for place in held:
        if disputing.get(accounts[place.address_no], set()) - {place.leg_id}:
            found.setdefault(place.leg_id, set()).add(place.address_no)
    return found
