"""What the reference exchange does with a deposit on arrival; and what a person makes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.screening import FlagsRefusedError, Screening
from reference_exchange.deposit_book import DepositBook
from reference_exchange.incoming import IncomingDeposits, credit, look_at
from tests.partners.flag_feed import FlagFeed

ETHER = "eip155:1/slip44:60"
THIEF, HONEST = (f"eip155:1:0x{number:040x}" for number in (0xBAD, 0x900D))
HOUR = 3_600


class Desk:
    """An exchange's books, what comes in, and what it screens by."""

    def __init__(self, folder: Path) -> None:
        self.feed = FlagFeed()
        self.book = DepositBook(folder / "book.sqlite3")
        self.incoming = IncomingDeposits(folder / "incoming.sqlite3")
        self.screening = Screening.open(
            self.feed,  # type: ignore[arg-type]  # it stands in for a client
            folder / "screening",
            now=self.feed.now,
        )

    def arrive(self, sender: str, tx: str, customer: str = "C-1") -> None:
        self.incoming.announce(customer, ETHER, 100, sender, tx)
        self.look()

    def look(self) -> None:
        look_at(self.incoming, self.book, self.screening, self.feed.time)

    def states(self) -> dict[str, str]:
        return {
            deposit.tx: deposit.state
            for state in ("new", "held", "credited", "frozen")
            for deposit in self.incoming.in_state(state)
        }


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.screening.close()
    made.incoming.close()
    made.book.close()


def test_what_is_flagged_waits_and_what_is_not_is_credited(desk: Desk) -> None:
    asked = desk.feed.ask(THIEF)
    desk.screening.sync()
    desk.arrive(HONEST, "t1")
    desk.arrive(THIEF, "t2")
    assert desk.states() == {"t1": "credited", "t2": "held"}
    [held] = desk.incoming.in_state("held")
    assert (held.request_id, held.address_no, held.verdict) == (asked.id, 0, "hold")
    assert held.decide_by == desk.feed.time + 24 * HOUR
    # This one deposit alone: what the customer had, and gets from others, is not touched.
    desk.arrive(HONEST, "t3")
    assert desk.states()["t3"] == "credited"


def test_of_several_requests_the_newest_is_the_one_to_answer(desk: Desk) -> None:
    first, second = desk.feed.ask(THIEF), desk.feed.ask(HONEST, THIEF)
    desk.screening.sync()
    desk.arrive(THIEF, "t1")
    [held] = desk.incoming.in_state("held")
    assert (held.request_id, held.address_no) == (second.id, 1)
    assert first.id < second.id


def test_a_person_lets_it_in_and_it_is_booked_once(desk: Desk) -> None:
    desk.feed.ask(THIEF)
    desk.screening.sync()
    desk.arrive(THIEF, "t1")
    [held] = desk.incoming.in_state("held")
    credit(desk.incoming, desk.book, held)
    credit(desk.incoming, desk.book, held)  # as after a crash between book and note
    desk.look()
    assert desk.states() == {"t1": "credited"}


def test_what_nobody_decided_within_a_day_is_let_in(desk: Desk) -> None:
    desk.feed.ask(THIEF)
    desk.screening.sync()
    desk.arrive(THIEF, "t1")
    desk.feed.time += 24 * HOUR - 1
    desk.look()
    assert desk.states() == {"t1": "held"}
    desk.feed.time += 1
    desk.look()
    assert desk.states() == {"t1": "credited"}


def test_while_too_little_is_known_a_deposit_waits_for_the_next_reading(desk: Desk) -> None:
    desk.arrive(HONEST, "t1")
    assert desk.states() == {"t1": "new"}
    desk.feed.ask(THIEF)
    desk.feed.twist = lambda page: {**page, "flags": []}
    with pytest.raises(FlagsRefusedError):
        desk.screening.sync()
    desk.look()
    assert desk.states() == {"t1": "new"}
    desk.feed.twist = lambda page: page
    desk.screening.sync()
    desk.look()
    assert desk.states() == {"t1": "credited"}


def test_a_deposit_that_is_announced_twice_comes_in_once(desk: Desk) -> None:
    desk.screening.sync()
    desk.arrive(HONEST, "t1")
    desk.arrive(HONEST, "t1")
    assert desk.states() == {"t1": "credited"}
