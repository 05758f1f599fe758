"""By when every address has an answer, whose clock runs meanwhile, and who hears of delay."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from coordinator.config_files import read_config
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.deadline import Policies
from coordinator.domain.rulebook import Rulebook
from coordinator.domain.working_days import after_working_days
from coordinator.services.core.acts import RequestContext
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.requests.answer_clocks import turn_clocks
from coordinator.services.requests.info_requests import MarkReplyLate
from coordinator.services.requests.legs import MarkLegUnanswered
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as leg_store
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import PartnerKind
from tests import factories
from tests.rulebook import command_context
from tests.services.request_cast import (
    DAY,
    HOUR,
    Ask,
    Desk,
    corrected,
    found,
    frozen,
    nothing,
    refusal,
)

MINUTE = timedelta(minutes=1)
MISSING = {"missing": ["police report"]}
WITHIN = [("flash", 2 * HOUR), ("urgent", DAY), ("routine", 7 * DAY)]
REPLY_WITHIN = [("flash", HOUR), ("urgent", 8 * HOUR), ("routine", 2 * DAY)]


def _timers(desk: Desk, by: timedelta) -> list[str]:
    """Step the clock; return the timers of answers and replies that fired."""
    return [name for name in desk.step(by) if name in {"answer_by", "reply_by"}]


def _to_b(desk: Desk, **changes: Any) -> Ask:
    return desk.go_out(to=[desk.cast.b.handle], **changes)


def _ask(desk: Desk, ask: Ask) -> str:
    return str(desk.act(desk.cast.b.analyst, ask, "info-requests", **MISSING)["id"])


def _end(desk: Desk, ask: Ask) -> datetime:
    """Return until when B should answer."""
    answer_by = desk.leg(desk.cast.b, ask).answer_by
    assert answer_by is not None
    return answer_by


@pytest.mark.parametrize(("urgency", "within"), WITHIN)
def test_a_leg_without_every_answer_in_time_is_unanswered_and_both_sides_hear_of_it(
    desk: Desk, urgency: str, within: timedelta
) -> None:
    b, ask = desk.cast.b, _to_b(desk, urgency=urgency)
    desk.report(b, ask, nothing([0]))
    assert desk.leg(b, ask).answer_by == desk.clock.now() + within
    assert _timers(desk, within - MINUTE) == []
    assert _timers(desk, MINUTE) == ["answer_by"]
    leg = desk.leg(b, ask)
    assert (leg.flags, leg.unanswered_at) == (["unanswered"], desk.clock.now())
    for exchange in (desk.cast.a, b):
        told = desk.feed(exchange)[-1]
        assert (told["type"], told["data"]["unanswered_count"]) == ("leg.unanswered", 1)
    assert _timers(desk, DAY) == []


def test_nothing_is_frozen_or_released_because_time_ran_out(desk: Desk) -> None:
    b, ask = desk.cast.b, _to_b(desk)
    desk.hold(b, ask)
    before = desk.snapshot({"hold", "finding", "ledger_line"})
    assert _timers(desk, DAY) == ["answer_by"]
    assert desk.snapshot({"hold", "finding", "ledger_line"}) == before
    assert desk.leg(b, ask).status == "frozen"


ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": ("freeze-reports", {"lines": [nothing()]}),
    "found": ("freeze-reports", {"lines": [found(0, 5), found(1, 5)]}),
    "frozen": ("freeze-reports", {"lines": [found(0, 5), frozen(0, 5), nothing([1])]}),
    "decline": ("decline", {"code": "policy_refusal"}),
    "cannot say": ("decline", {"code": "cannot_say"}),
}
NO_ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "acknowledgement": ("acknowledgement", {}),
    "review": ("review", {}),
    "a part": ("freeze-reports", {"lines": [found(0, 5)]}),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_for_every_address_stops_the_clock(desk: Desk, name: str) -> None:
    b, ask = desk.cast.b, _to_b(desk)
    path, body = ANSWERS[name]
    answer = desk.act(b.compliance, ask, path, **body)
    assert answer["leg"]["answered_at"] is not None
    assert _timers(desk, 8 * DAY) == []
    leg = desk.leg(b, ask)
    assert (leg.unanswered_at, leg.flags) == (None, [])


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_a_word_that_is_no_answer_does_not(desk: Desk, name: str) -> None:
    b, ask = desk.cast.b, _to_b(desk)
    path, body = NO_ANSWERS[name]
    assert desk.act(b.compliance, ask, path, **body)["leg"]["answered_at"] is None
    assert _timers(desk, DAY) == ["answer_by"]


def test_a_late_answer_takes_the_flag_away_but_not_that_it_was_late(desk: Desk) -> None:
    b, ask = desk.cast.b, _to_b(desk)
    assert _timers(desk, DAY) == ["answer_by"]
    late = desk.clock.now()
    desk.clock.step(HOUR)
    leg = desk.report(b, ask, nothing())["leg"]
    assert leg["flags"] == []
    row = desk.leg(b, ask)
    assert (row.unanswered_at, row.answered_at) == (late, late + HOUR)


def test_who_answered_and_looks_again_is_not_late(desk: Desk) -> None:
    b, ask = desk.cast.b, _to_b(desk)
    desk.act(b.lead, ask, "decline", code="policy_refusal")
    first = desk.clock.now()
    desk.clock.step(HOUR)
    line = desk.report(b, ask, found(0, 5))["lines"][0]["id"]
    desk.report(b, ask, corrected(line, 0))
    assert desk.leg(b, ask).answered_at == first
    assert _timers(desk, DAY) == []


def test_a_question_stops_the_clock_and_the_reply_moves_the_end(desk: Desk) -> None:
    b, ask = desk.cast.b, _to_b(desk)
    end = _end(desk, ask)
    desk.clock.step(HOUR)
    question = _ask(desk, ask)
    assert desk.leg(b, ask).clock_paused_at == desk.clock.now()
    assert "answer_by" not in _timers(desk, 30 * HOUR)
    desk.answer(ask, question)
    leg = desk.leg(b, ask)
    assert (leg.answer_by, leg.clock_paused_at) == (end + 30 * HOUR, None)
    assert _timers(desk, 23 * HOUR - MINUTE) == []
    assert _timers(desk, MINUTE) == ["answer_by"]


def test_the_clock_stands_until_the_last_question_has_its_reply(desk: Desk) -> None:
    b, ask = desk.cast.b, _to_b(desk)
    end = _end(desk, ask)
    first = _ask(desk, ask)
    desk.clock.step(HOUR)
    second = _ask(desk, ask)
    desk.clock.step(HOUR)
    desk.answer(ask, first)
    assert desk.leg(b, ask).clock_paused_at is not None
    desk.clock.step(HOUR)
    desk.answer(ask, second)
    assert desk.leg(b, ask).answer_by == end + 3 * HOUR


def test_who_answers_while_it_waits_has_answered(desk: Desk) -> None:
    b, ask = desk.cast.b, _to_b(desk)
    end = _end(desk, ask)
    question = _ask(desk, ask)
    desk.clock.step(2 * DAY)
    desk.report(b, ask, nothing())
    desk.clock.step(DAY)
    desk.answer(ask, question)
    leg = desk.leg(b, ask)
    assert (leg.answered_at, leg.answer_by) == (end + DAY, end + 2 * DAY)
    assert leg.clock_paused_at is None


def test_a_question_makes_no_late_answer_punctual(desk: Desk) -> None:
    b, ask = desk.cast.b, _to_b(desk)
    end = _end(desk, ask)
    desk.clock.step(DAY)
    question = _ask(desk, ask)
    assert desk.fire_due() == ["answer_by"]
    desk.clock.step(HOUR)
    desk.answer(ask, question)
    leg = desk.leg(b, ask)
    assert (leg.answer_by, leg.flags) == (end, ["unanswered"])


@pytest.mark.parametrize(("urgency", "within"), REPLY_WITHIN)
def test_a_reply_that_is_late_is_told_to_both_sides_once_and_the_question_stays(
    desk: Desk, urgency: str, within: timedelta
) -> None:
    a, b, ask = desk.cast.a, desk.cast.b, _to_b(desk, urgency=urgency)
    question = _ask(desk, ask)
    assert _timers(desk, within - MINUTE) == []
    assert _timers(desk, MINUTE) == ["reply_by"]
    for exchange in (a, b):
        told = desk.feed(exchange)[-1]
        data = told["data"]
        assert (told["type"], data["late"], data["info_request"]) == (
            "leg.info_requested",
            True,
            question,
        )
    assert desk.leg(b, ask).flags == ["info_requested"]
    assert _timers(desk, DAY) == []


def test_no_reply_is_late_once_it_came_or_the_request_is_over(desk: Desk) -> None:
    replied, withdrawn = _to_b(desk), _to_b(desk)
    desk.answer(replied, _ask(desk, replied))
    question = _ask(desk, withdrawn)
    desk.withdraw(withdrawn)
    assert _timers(desk, 9 * HOUR) == []
    assert desk.own(MarkReplyLate(info_request_id=question)) == {"status": "unchanged"}


def test_after_the_end_no_clock_runs(desk: Desk) -> None:
    b, ask, other = desk.cast.b, _to_b(desk), _to_b(desk)
    desk.withdraw(ask)
    assert _timers(desk, DAY) == ["answer_by"]
    assert desk.leg(b, ask).unanswered_at is None
    assert desk.leg(b, other).flags == ["overdue", "unanswered"]
    desk.withdraw(other)
    assert desk.leg(b, other).flags == []
    unchanged = desk.own(MarkLegUnanswered(leg_id=desk.leg(b, ask).id))
    assert unchanged == {"status": "unchanged"}


@pytest.mark.parametrize("last", ["report", "review"])
def test_no_answer_is_awaited_about_addresses_that_were_withdrawn(desk: Desk, last: str) -> None:
    b, ask = desk.cast.b, _to_b(desk)
    desk.report(b, ask, found(0, 5))
    if last == "review":
        desk.act(b.analyst, ask, "review")
    desk.withdraw(ask, [1])
    assert desk.leg(b, ask).answered_at == desk.clock.now()
    assert _timers(desk, 8 * DAY) == []


def _turn(desk: Desk, ask: Ask, *, is_unratified: bool) -> None:
    """Do to the clocks of a request what becoming unratified, or ratified after all, does."""
    with transaction(command_context(desk.database, desk.vault, desk.clock)) as uow:
        row = request_store.get(uow.connection, ask.id, lock=True)
        assert row is not None
        until = desk.clock.now() + 12 * HOUR if is_unratified else None
        on = RequestContext(uow, COORDINATOR, row).change(unratified_until=until)
        turn_clocks(on, leg_store.of_request(uow.connection, ask.id))
        uow.finish()


def test_the_clocks_of_a_request_that_nobody_ratified_stand(desk: Desk) -> None:
    b, c = desk.cast.b, desk.cast.c
    ask = desk.go_out(to=[b.handle, c.handle], urgency="flash")
    end = _end(desk, ask)
    desk.report(c, ask, nothing())
    desk.clock.step(HOUR)
    _turn(desk, ask, is_unratified=True)
    assert _timers(desk, 5 * HOUR) == []
    _turn(desk, ask, is_unratified=False)
    assert desk.leg(b, ask).answer_by == end + 5 * HOUR
    assert desk.leg(c, ask).answer_by == end
    assert _timers(desk, HOUR) == ["answer_by"]


def test_a_reply_starts_no_clock_of_a_request_that_nobody_ratified(desk: Desk) -> None:
    b, ask = desk.cast.b, _to_b(desk, urgency="flash")
    end = _end(desk, ask)
    question = _ask(desk, ask)
    desk.clock.step(HOUR / 2)
    _turn(desk, ask, is_unratified=True)
    desk.clock.step(HOUR / 2)
    desk.answer(ask, question)
    desk.clock.step(HOUR)
    assert desk.leg(b, ask).clock_paused_at is not None
    _turn(desk, ask, is_unratified=False)
    assert desk.leg(b, ask).answer_by == end + 2 * HOUR


def test_the_notice_says_until_when(desk: Desk) -> None:
    _to_b(desk, urgency="flash")
    told = desk.feed(desk.cast.b)[-1]["data"]
    assert (told["acknowledge_by"], told["answer_by"]) == (
        "2026-03-02T12:15:00Z",
        "2026-03-02T14:00:00Z",
    )


def test_a_leg_has_the_clocks_that_its_partner_had_chosen_when_it_was_queued(desk: Desk) -> None:
    b = desk.cast.b
    desk.policy(b, clocks="office_hours")
    # A Monday at noon; five working days later, on B's wall clock, it is Monday's midnight.
    weekdays = _to_b(desk, urgency="routine")
    answer_by = desk.leg(b, weekdays).answer_by
    desk.policy(b)
    by_the_clock = _to_b(desk, urgency="routine")
    assert desk.leg(b, by_the_clock).answer_by == desk.clock.now() + 7 * DAY
    assert desk.leg(b, weekdays).answer_by == answer_by
    assert answer_by is not None
    assert timedelta(days=7) < answer_by - desk.clock.now() < timedelta(days=8)


def test_the_requesters_own_clocks_say_when_it_should_reply(desk: Desk) -> None:
    desk.policy(desk.cast.a, clocks="office_hours")
    ask = _to_b(desk, urgency="routine")
    _ask(desk, ask)
    reply_by = desk.feed(desk.cast.b)[-1]["data"]["reply_by"]
    assert reply_by.startswith("2026-03-0")
    assert not reply_by.startswith("2026-03-04T12:00")


def test_a_profile_that_does_not_exist_is_refused_and_the_others_are_named(desk: Desk) -> None:
    refused = refusal(desk.policy, desk.cast.b, clocks="siesta")
    assert refused.pointers == {"/policy/clocks": "unknown"}
    assert "default, office_hours" in refused.message


# --- legal orders ---------------------------------------------------------------------------------

ORDER = {"agency": "Court of Tallinn", "reference": "1-23-456", "document_sha256": "ab" * 32}
LAW_DESK = read_config("policies.toml").replace(
    "[clocks.office_hours.acknowledge_within_minutes]",
    "[clocks.office_hours]\nanswer_on_order_within_working_days = 2\n\n"
    "[clocks.office_hours.acknowledge_within_minutes]",
)


@pytest.fixture
def law_desk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return a desk where B answers orders in two working days; it is Monday noon."""
    rulebook = Rulebook.load(policies=LAW_DESK, chains=read_config("chains.toml"))
    monkeypatch.setattr("tests.rulebook.RULEBOOK", rulebook)
    desk.policy(desk.cast.b, clocks="office_hours")
    return desk


def _two_working_days(desk: Desk) -> datetime:
    """Return the midnight, in B's zone, after the second working day from now."""
    with desk.database.engine.connect() as connection:
        b = partner_store.statuses(connection, [desk.cast.b.handle])[desk.cast.b.handle]
    calendar = Policies.load(LAW_DESK).calendars.of(b.jurisdiction)
    return after_working_days(desk.clock.now(), 2, calendar)


@pytest.mark.parametrize(
    ("named", "has_time"),
    [
        ({"legal": {"order": "1-23-456"}}, True),
        ({"support": "order"}, True),
        ({"legal": {"police_report": "1-23-456"}}, False),
        ({"legal": {"order": "1-23-456"}, "urgency": "flash"}, False),
        ({}, False),
    ],
)
def test_a_request_on_an_order_is_answered_by_the_desks_clock_for_orders(
    law_desk: Desk, named: dict[str, Any], *, has_time: bool
) -> None:
    ask = _to_b(law_desk, **named)
    is_moved = _end(law_desk, ask) == _two_working_days(law_desk)
    assert is_moved is has_time
    within = 2 * HOUR if named.get("urgency") == "flash" else DAY
    assert is_moved or _end(law_desk, ask) == law_desk.clock.now() + within


def test_an_order_changes_no_clock_of_a_desk_that_has_none_for_it(desk: Desk) -> None:
    ask = _to_b(desk, legal={"order": "1-23-456"})
    assert _end(desk, ask) == desk.clock.now() + DAY


def test_an_order_attached_to_a_leg_gives_its_desk_time_once(law_desk: Desk) -> None:
    b = law_desk.cast.b
    ask = _to_b(law_desk)
    law_desk.hold(b, ask)
    law_desk.step(HOUR)
    until = _two_working_days(law_desk)
    law_desk.act(b.compliance, ask, "legal-orders", **ORDER)
    assert _end(law_desk, ask) == until
    for exchange in (law_desk.cast.a, b):
        assert law_desk.feed(exchange)[-1]["data"]["answer_by"] == format_time(until)
    law_desk.step(DAY)
    law_desk.act(b.compliance, ask, "legal-orders", **{**ORDER, "reference": "1-23-457"})
    assert _end(law_desk, ask) == until
    assert "answer_by" not in law_desk.feed(b)[-1]["data"]
    assert _timers(law_desk, until - law_desk.clock.now()) == ["answer_by"]


def test_an_order_makes_no_late_answer_punctual(law_desk: Desk) -> None:
    b = law_desk.cast.b
    ask = _to_b(law_desk)
    law_desk.hold(b, ask)
    end = _end(law_desk, ask)
    assert _timers(law_desk, DAY) == ["answer_by"]
    law_desk.act(b.compliance, ask, "legal-orders", **ORDER)
    assert _end(law_desk, ask) == end
    assert "unanswered" in law_desk.leg(b, ask).flags


def test_an_authority_gives_every_desk_that_has_such_a_clock_time_and_later_ones_too(
    law_desk: Desk,
) -> None:
    cast = law_desk.cast
    police = factories.new_exchange("police.example")
    admit = (law_desk.database, law_desk.vault, law_desk.clock, police)
    factories.admit(*admit, PartnerKind.LAW_ENFORCEMENT)
    ask = law_desk.submit(police.analyst, to=[cast.b.handle, cast.c.handle])
    law_desk.decide(ask, police.lead)
    of_c = law_desk.leg(cast.c, ask).answer_by
    law_desk.act(police.lead, ask, "legal-orders", **ORDER)
    until = _two_working_days(law_desk)
    assert (_end(law_desk, ask), law_desk.leg(cast.c, ask).answer_by) == (until, of_c)
    assert law_desk.feed(cast.b)[-1]["data"]["answer_by"] == format_time(until)
    assert "answer_by" not in law_desk.feed(cast.c)[-1]["data"]
    assert law_desk.request(ask).on_order
