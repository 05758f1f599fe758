"""Who heard that a withdrawal is proposed hears its end, in whichever way it ends.

Every sort of proposal goes through every way in which one can end. Then the readers of the proposal
are exactly the readers of its end: that it was refused, rejected, void or moot, or, where all that
it proposes came true, the withdrawal of the request or the dispute upheld itself.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.services.membership.suspensions import SuspendPartner, SuspendRequest
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import Cast
from tests.services.proposals_heard import unheard_ends
from tests.services.request_cast import HOUR, Ask, Desk, addresses, released, shared

PROPOSED = "freeze_request.withdrawal_proposed"
REFUSED = "freeze_request.withdrawal_refused"


@dataclass(frozen=True, slots=True)
class Scene:
    """A asks B and C about four addresses; B holds on the first one and disputes that."""

    desk: Desk
    ask: Ask
    hold: str
    dispute: str
    kind: str

    def propose(self) -> dict[str, Any]:
        """Have one lead propose what this walk is about."""
        if self.kind == "uphold":
            return self.uphold()
        proposed: dict[str, Any] = self.desk.withdraw(self.ask, KINDS[self.kind])["withdrawal"]
        return proposed

    def uphold(self) -> dict[str, Any]:
        """Have one lead propose to uphold the dispute."""
        proposed: dict[str, Any] = self.desk.resolve(self.ask, self.dispute, "upheld")["withdrawal"]
        return proposed

    def let_go(self, ask: Ask | None = None) -> None:
        """Have B release what it holds: its own decision."""
        line = released(self.hold, 100, "false_positive")
        self.desk.report(self.desk.cast.b, ask or self.ask, line)


KINDS: Mapping[str, Any] = {"some": [0, 1], "whole": "all", "uphold": None}
Way = Callable[[Scene], None]


def _approved(it: Scene) -> None:
    it.desk.decide_withdrawal(it.ask, it.propose())


def _rejected(it: Scene) -> None:
    it.desk.decide_withdrawal(it.ask, it.propose(), decision="reject")


def _void(it: Scene) -> None:
    it.propose()


def _what_nobody_holds_goes(it: Scene) -> None:
    it.propose()
    it.desk.withdraw(it.ask, [1])


def _what_is_held_goes(it: Scene) -> None:
    it.propose()
    it.desk.decide_withdrawal(it.ask, it.desk.withdraw(it.ask, [0])["withdrawal"])


def _all_else_goes(it: Scene) -> None:
    it.propose()
    it.desk.withdraw(it.ask, [2, 3])


def _all_goes_by_two(it: Scene) -> None:
    it.propose()
    it.desk.decide_withdrawal(it.ask, it.desk.withdraw(it.ask)["withdrawal"])


def _all_goes_by_one(it: Scene) -> None:
    it.propose()
    it.let_go()
    it.desk.withdraw(it.ask)


def _closed(it: Scene) -> None:
    it.propose()
    it.let_go()
    it.desk.close(it.ask)


def _let_go(it: Scene) -> None:
    it.propose()
    it.let_go()


def _let_go_on_another_request(it: Scene) -> None:
    it.propose()
    other = it.desk.go_out()
    it.desk.report(it.desk.cast.b, other, shared(it.hold, 0))
    it.let_go(other)


def _dispute_rejected(it: Scene) -> None:
    it.propose()
    it.desk.resolve(it.ask, it.dispute)


def _dispute_upheld(it: Scene) -> None:
    it.propose()
    it.desk.decide_withdrawal(it.ask, it.uphold())


def _quorum_lowered(it: Scene) -> None:
    it.propose()
    it.desk.policy(it.desk.cast.a)
    it.desk.resolve(it.ask, it.dispute, "upheld")
    it.desk.withdraw(it.ask, [0])


def _left_out(it: Scene) -> None:
    it.propose()
    it.desk.clock.step(HOUR / 60)
    it.desk.decide_without(it.ask, [1])


def _asked_meanwhile(it: Scene) -> None:
    it.propose()
    it.desk.clock.step(HOUR / 60)
    it.desk.decide(it.ask)
    assert "freeze_request.received" in it.desk.told(it.desk.cast.c, it.ask)
    it.desk.withdraw(it.ask, [1])


def _not_ratified(it: Scene) -> None:
    it.propose()
    it.let_go()
    it.desk.decide(it.ask, decision="reject")


def _withdrew_itself(it: Scene) -> None:
    it.desk.step(HOUR)
    it.desk.step(11 * HOUR)
    it.propose()
    it.desk.step(HOUR)
    assert it.desk.status(it.ask) == "withdrawn"


def _suspended(it: Scene) -> None:
    it.propose()
    it.desk.own(SuspendPartner(handle=it.desk.cast.a.handle))
    it.desk.own(SuspendRequest(request_id=it.ask.id))


#: How each ends, of the sorts `some`, `whole` and `uphold`; what nothing ended is void after 4 h.
WAYS: dict[Way, tuple[str, str, str]] = {
    _approved: ("approved", "approved", "approved"),
    _rejected: ("rejected", "rejected", "rejected"),
    _void: ("void", "void", "void"),
    _what_nobody_holds_goes: ("moot", "void", "void"),
    _what_is_held_goes: ("moot", "void", "void"),
    _all_else_goes: ("moot", "void", "void"),
    _all_goes_by_two: ("moot", "moot", "void"),
    _all_goes_by_one: ("moot", "moot", "moot"),
    _closed: ("moot", "moot", "moot"),
    _let_go: ("void", "void", "moot"),
    _let_go_on_another_request: ("void", "void", "moot"),
    _dispute_rejected: ("void", "void", "moot"),
    _dispute_upheld: ("void", "void", "moot"),
    _quorum_lowered: ("moot", "void", "moot"),
}
#: The same of flash requests that nobody ratified yet, which C's policy holds back.
WAYS_OF_FLASH: dict[Way, tuple[str, str, str]] = {
    _left_out: ("moot", "void", "void"),
    _asked_meanwhile: ("moot", "void", "void"),
    _not_ratified: ("moot", "moot", "moot"),
    _withdrew_itself: ("moot", "moot", "void"),
    _suspended: ("void", "void", "void"),
}


@pytest.fixture
def desk(database: Database, vault: Vault, clock: SteppedClock, cast: Cast) -> Desk:
    desk = Desk(database, vault, clock, cast)
    desk.policy(cast.a, withdrawal_quorum=2, may_flash=[cast.a.analyst.subject])
    return desk


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("way", [*WAYS, *WAYS_OF_FLASH], ids=lambda way: way.__name__.lstrip("_"))
def test_whoever_heard_of_a_proposal_hears_how_it_ends(desk: Desk, way: Way, kind: str) -> None:
    a, b, c, d = desk.cast.all
    is_flash = way in WAYS_OF_FLASH
    asked: dict[str, Any] = {"to": [b.handle, c.handle], "addresses": addresses(4, 700)}
    if is_flash:
        desk.policy(c, provisional="hold_back")
        ask = desk.submit(urgency="flash", **asked)
    else:
        ask = desk.go_out(**asked)
    hold = desk.hold(b, ask)
    words = {"hold": hold, "reference": "matter-k7", "text": "Bought in good faith."}
    dispute = str(desk.act(b.compliance, ask, "disputes", **words)["id"])
    way(Scene(desk, ask, hold, dispute, kind))
    desk.step(4 * HOUR)
    oldest = "SELECT {} FROM withdrawal_proposal ORDER BY id LIMIT 1"
    ended, proposal = (desk.sql(oldest.format(column)) for column in ("status", "id"))
    assert ended == (WAYS | WAYS_OF_FLASH)[way][list(KINDS).index(kind)]
    with desk.database.engine.connect() as connection:
        assert list(unheard_ends(connection)) == []
    heard = _heard(desk, proposal)
    concerned = {a.handle, b.handle} | ({c.handle} if kind != "uphold" and not is_flash else set())
    if way is _asked_meanwhile and kind != "uphold":
        concerned.add(c.handle)
    assert heard[PROPOSED] == concerned
    came_true = ended == "moot" and (
        way in {_all_goes_by_two, _all_goes_by_one, _not_ratified, _withdrew_itself}
        if kind != "uphold"
        else way in {_dispute_upheld, _quorum_lowered}
    )
    assert heard[REFUSED] == (set() if ended == "approved" or came_true else concerned)
    assert d.handle not in heard[PROPOSED] | heard[REFUSED]


def _heard(desk: Desk, proposal: str) -> dict[str, set[str]]:
    """Return who heard what that names the proposal, by type."""
    heard: dict[str, set[str]] = defaultdict(set)
    for exchange in desk.cast.all:
        for event in desk.feed(exchange):
            if event["data"].get("withdrawal") == proposal:
                heard[event["type"]].add(exchange.handle)
    return heard


def test_the_walk_ends_proposals_in_all_ways_that_there_are() -> None:
    assert {end for ends in (WAYS | WAYS_OF_FLASH).values() for end in ends} == {
        "approved",
        "rejected",
        "void",
        "moot",
    }
