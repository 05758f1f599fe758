"""Fair shares of a worker's senders: a partner's slow endpoints keep only that partner waiting.

A partner has a few tries under way at a time. One that answers may have more, as long as all that
is beyond the shares fits into half of the senders; one of whose endpoints fails has a quarter. A
failing endpoint gets single tries, and all failing ones together have a part of the senders. So
several partners that hang at once leave senders to the others, and none is idle while work waits.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from coordinator.domain.delivery import PROBES

#: Tries that a partner may have under way at a time before others' senders are lent to it.
PARTNER_SHARE = 8
#: A partner of whose endpoints any fails has this part of its share.
_PART_WHILE_FAILING = 4
#: Of so many partners with a backlog each is given room in one claim.
CROWDED_AT_ONCE = 16


class Claimed(Protocol):
    """What is read of a claimed head."""

    @property
    def endpoint_id(self) -> str:
        """Where it goes."""
        ...

    @property
    def partner(self) -> str:
        """Whose endpoint that is."""
        ...

    @property
    def is_failing(self) -> bool:
        """Whether the endpoint's last try failed."""
        ...

    @property
    def is_partner_failing(self) -> bool:
        """Whether any endpoint of the partner's fails."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """What a claim may take.

    Attributes:
        full_endpoints: Have all they may have.
        full_partners: Have all they may have.
        crowded: Partners that had more due than they may have, each with what it may have now; they
            are looked at one by one, so that their backlog is not claimed in vain.
        takes_failing: Whether endpoints that fail may have further tries.
    """

    full_endpoints: tuple[str, ...] = ()
    full_partners: tuple[str, ...] = ()
    crowded: tuple[tuple[str, int], ...] = ()
    takes_failing: bool = True

    @property
    def left_out(self) -> list[str]:
        """Partners that the claim for all others leaves out."""
        return [*self.full_partners, *(partner for partner, _ in self.crowded)]


class FairShares:
    """How many tries are under way in this process, and how many may be.

    Args:
        senders: Tries that the process can have under way.
        partner_share: Of these, what a partner has for sure.
    """

    def __init__(self, senders: int, *, partner_share: int = PARTNER_SHARE) -> None:
        self._half = max(1, senders // 2)
        self._share = min(partner_share, self._half)
        self._by_endpoint: Counter[str] = Counter()
        self._by_partner: Counter[str] = Counter()
        self._failing: set[str] = set()
        self._failing_partners: set[str] = set()
        self._answering: set[str] = set()
        self._crowded: dict[str, None] = {}
        #: Tries beyond their partners' shares.
        self._lent = 0

    def copy(self) -> "FairShares":
        """Return an independent copy."""
        other = FairShares(self._half * 2, partner_share=self._share)
        other._half = self._half
        other._by_endpoint = self._by_endpoint.copy()
        other._by_partner = self._by_partner.copy()
        other._failing = self._failing.copy()
        other._failing_partners = self._failing_partners.copy()
        other._answering = self._answering.copy()
        other._crowded = self._crowded.copy()
        other._lent = self._lent
        return other

    def takes(self, head: Claimed) -> bool:
        """Count a try of `head`, unless its endpoint or partner has all it may have."""
        self._learn(head)
        if not self._has_room(head.endpoint_id) or self._room_of(head.partner) < 1:
            self._crowded[head.partner] = None
            return False
        self._by_endpoint[head.endpoint_id] += 1
        self._by_partner[head.partner] += 1
        self._lent += self._by_partner[head.partner] > self._share
        return True

    def end(self, head: Claimed, *, is_good: bool | None) -> None:
        """Count the end of a try, and remember whether the endpoint answered; None: not tried."""
        self._lent -= self._by_partner[head.partner] > self._share
        _less(self._by_endpoint, head.endpoint_id)
        _less(self._by_partner, head.partner)
        if is_good:
            self._failing.discard(head.endpoint_id)
            self._answering.add(head.partner)
        elif is_good is False:
            self._failing.add(head.endpoint_id)
            self._failing_partners.add(head.partner)
            self._answering.discard(head.partner)

    def is_failing(self, endpoint_id: str) -> bool:
        """Tell whether the last try of an endpoint that this process heard of failed."""
        return endpoint_id in self._failing

    def room(self) -> Room:
        """Return what the next claim may take."""
        crowded = [(p, self._room_of(p)) for p in self._crowded]
        full = {p for p in self._by_partner if self._room_of(p) < 1}
        full |= {p for p, room in crowded if room < 1}
        served = [(p, room) for p, room in crowded if room > 0]
        # Those behind have their turn at the next claim.
        full |= {p for p, _ in served[CROWDED_AT_ONCE:]}
        return Room(
            tuple(sorted(e for e in self._by_endpoint if not self._has_room(e))),
            tuple(sorted(full)),
            tuple(served[:CROWDED_AT_ONCE]),
            takes_failing=self._failing_under_way() < self._failing_most,
        )

    def served(self, room: Room, taken: Mapping[str, int]) -> None:
        """Note how many heads a claim brought of each partner: who is crowded no more, whose turn.

        Args:
            room: What the claim was made with.
            taken: Heads by partner, those given back included.
        """
        for partner, wanted in room.crowded:
            self._crowded.pop(partner, None)
            if taken.get(partner, 0) >= wanted:
                self._crowded[partner] = None

    @property
    def _failing_most(self) -> int:
        return max(1, self._half // 2)

    def _learn(self, head: Claimed) -> None:
        """Take over what the database knows of an endpoint: others try it, too."""
        (self._failing.add if head.is_failing else self._failing.discard)(head.endpoint_id)
        if head.is_partner_failing:
            self._failing_partners.add(head.partner)
            self._answering.discard(head.partner)
        else:
            self._failing_partners.discard(head.partner)

    def _has_room(self, endpoint_id: str) -> bool:
        if endpoint_id not in self._failing:
            return self._by_endpoint[endpoint_id] < self._half
        is_free = self._by_endpoint[endpoint_id] < PROBES
        return is_free and self._failing_under_way() < self._failing_most

    def _failing_under_way(self) -> int:
        return sum(self._by_endpoint[e] for e in self._by_endpoint.keys() & self._failing)

    def _room_of(self, partner: str) -> int:
        if partner in self._failing_partners:
            return max(1, self._share // _PART_WHILE_FAILING) - self._by_partner[partner]
        room = max(0, self._share - self._by_partner[partner])
        if partner in self._answering:
            room += max(0, self._half - self._lent)
        return room


def _less(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
