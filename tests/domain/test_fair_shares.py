"""What partners may hold of a worker's senders, whatever their endpoints do."""

from dataclasses import dataclass

from coordinator.domain.fair_shares import CROWDED_AT_ONCE, FairShares, Room

SENDERS, SHARE = 32, 8


@dataclass(frozen=True, slots=True)
class Try:
    """A claimed head, as far as shares go."""

    endpoint_id: str
    partner: str
    is_failing: bool = False
    is_partner_failing: bool = False


def shares(senders: int = SENDERS) -> FairShares:
    return FairShares(senders, partner_share=SHARE)


def take(of: FairShares, partner: str, count: int, *, fails: bool = False) -> list[Try]:
    """Offer `count` heads of a partner, each to an endpoint of its own; returns those taken."""
    offered = [Try(f"{partner}-{n}", partner, fails, fails) for n in range(count)]
    return [head for head in offered if of.takes(head)]


def answer(of: FairShares, partner: str) -> None:
    """Have a partner answer one try."""
    head = Try(f"{partner}-first", partner)
    assert of.takes(head)
    of.end(head, is_good=True)


def test_a_partner_of_whom_nothing_is_known_has_its_share_and_no_more() -> None:
    given = shares()
    assert len(take(given, "hog", 100)) == SHARE
    assert len(take(given, "other", 3)) == 3


def test_a_partner_that_answers_may_have_what_others_leave_up_to_half_of_all() -> None:
    given = shares()
    answer(given, "busy")
    assert len(take(given, "busy", 100)) == SHARE + SENDERS // 2


def test_what_is_lent_is_counted_over_all_partners() -> None:
    """Or four that answered until just now would hold every sender when they hang."""
    given = shares(64)
    hogs = [f"hog-{n}" for n in range(4)]
    for hog in hogs:
        answer(given, hog)
    held = sum(len(take(given, hog, 100)) for hog in hogs)
    assert held == 4 * SHARE + 32


def test_what_was_lent_comes_back_when_tries_end() -> None:
    given = shares()
    answer(given, "busy")
    for _ in range(3):
        for head in take(given, "busy", 100):
            given.end(head, is_good=True)
    answer(given, "next")
    assert len(take(given, "next", 100)) == SHARE + SENDERS // 2


def test_a_partner_has_a_quarter_while_any_of_its_endpoints_fails() -> None:
    given = shares()
    answer(given, "mixed")
    failed = Try("mixed-bad", "mixed")
    assert given.takes(failed)
    given.end(failed, is_good=False)
    offered = [Try(f"mixed-{n}", "mixed", is_partner_failing=True) for n in range(20)]
    assert sum(given.takes(head) for head in offered) == SHARE // 4
    # Another worker may have seen it answer.
    assert len(take(given, "mixed", 20)) == SHARE - SHARE // 4


def test_all_failing_endpoints_together_have_half_of_an_endpoints_limit() -> None:
    given = shares()
    taken = [head for n in range(30) for head in take(given, f"bad-{n}", 1, fails=True)]
    assert len(taken) == SENDERS // 4
    assert not given.room().takes_failing
    assert len(take(given, "good", 5)) == 5
    given.end(taken[0], is_good=False)
    assert given.room().takes_failing


def test_a_failing_endpoint_gets_one_try_at_a_time() -> None:
    given = shares()
    head = Try("bad", "partner", is_failing=True, is_partner_failing=True)
    assert given.takes(head)
    assert not given.takes(head)
    assert "bad" in given.room().full_endpoints


def test_a_partner_with_a_backlog_is_looked_at_by_itself_as_far_as_it_has_room() -> None:
    given = shares()
    taken = take(given, "hog", 100)
    assert given.room().full_partners == ("hog",)
    for head in taken[:3]:
        given.end(head, is_good=None)
    assert given.room() == Room(crowded=(("hog", 3),))
    given.served(given.room(), {"hog": 3})
    assert given.room().crowded == (("hog", 3),)
    given.served(given.room(), {"hog": 2})
    assert given.room() == Room()


def test_of_many_partners_with_backlogs_each_has_its_turn() -> None:
    given = shares(1_000)
    hogs = [f"hog-{n}" for n in range(2 * CROWDED_AT_ONCE)]
    for hog in hogs:
        taken = take(given, hog, SHARE + 1)
        given.end(taken[0], is_good=None)
    room = given.room()
    assert [partner for partner, _ in room.crowded] == hogs[:CROWDED_AT_ONCE]
    assert set(room.left_out) == set(hogs)
    given.served(room, dict.fromkeys(hogs[:CROWDED_AT_ONCE], 1))
    assert [partner for partner, _ in given.room().crowded] == hogs[CROWDED_AT_ONCE:]
