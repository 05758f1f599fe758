"""Which holders of an account a dispute concerns beside the partner that raised it.

Upheld, it concerns all of them until the requester withdraws what it upheld.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple


class OpenDispute(NamedTuple):
    """What an open dispute is about: a hold of a leg, or all that the leg holds (None)."""

    leg_id: str
    hold_id: str | None

    def concerns(self, place: "HeldPlace") -> bool:
        """Tell whether it is about what a leg holds for an address."""
        return place.leg_id == self.leg_id and self.hold_id in {None, place.hold_id}


class UpheldDispute(NamedTuple):
    """A dispute that the requester agreed with.

    Attributes:
        id: The dispute's.
        upheld_addresses: What its partner held of what it disputed, when it was upheld.
        to_withdraw: What waits to be withdrawn for it, as last written; None where nothing does.
    """

    id: str
    upheld_addresses: Sequence[int]
    to_withdraw: Sequence[int] | None


class HeldPlace(NamedTuple):
    """An address of a request for which a leg holds something."""

    leg_id: str
    hold_id: str
    address_no: int


def addresses_of(dispute: OpenDispute, held: Iterable[HeldPlace]) -> list[int]:
    """Return the addresses that a dispute is about."""
    return sorted({place.address_no for place in held if dispute.concerns(place)})


def addresses_to_withdraw(
    upheld: UpheldDispute,
    held: Iterable[HeldPlace],
    accounts: Mapping[int, bytes],
    withdrawn: Collection[int],
) -> list[int]:
    """Return the addresses of the accounts of an upheld dispute that somebody holds.

    Args:
        upheld: The dispute.
        held: What is held on its request, which is active.
        accounts: What stands for the account of each address: equal where it is the same.
        withdrawn: The addresses that the requester took back already.
    """
    wrong = {accounts[number] for number in upheld.upheld_addresses}
    numbers = {place.address_no for place in held if accounts[place.address_no] in wrong}
    return sorted(numbers.difference(withdrawn))


def contested_addresses(
    disputes: Iterable[OpenDispute],
    held: Sequence[HeldPlace],
    accounts: Mapping[int, bytes],
    to_withdraw: Collection[int] = (),
) -> dict[str, set[int]]:
    """Return, by leg, the addresses that it holds something for and that are contested.

    They are where another leg disputes them, and for every leg where they wait to be withdrawn.

    Args:
        disputes: Those that are open on a request.
        held: What is held on it.
        accounts: What stands for the account of each address: equal where it is the same.
        to_withdraw: The addresses about which a dispute was upheld.
    """
    disputing: dict[bytes, set[str]] = {}
    for dispute in disputes:
        for place in filter(dispute.concerns, held):
            disputing.setdefault(accounts[place.address_no], set()).add(dispute.leg_id)
    found: dict[str, set[int]] = {}
    for place in held:
        others = disputing.get(accounts[place.address_no], set()) - {place.leg_id}
        if others or place.address_no in to_withdraw:
            found.setdefault(place.leg_id, set()).add(place.address_no)
    return found
