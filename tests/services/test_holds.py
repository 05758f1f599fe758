"""Holds end: warnings, lapses, extensions, and sums in which a shared hold counts once."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from coordinator.domain.errors import (
    InvalidTransitionError,
    LedgerBreachError,
    NotFoundError,
    PermissionDeniedError,
)
from holdfast.protocol.payloads import format_time
from tests.factories import ETHER, NOON
from tests.services.request_cast import (
    DAY,
    HOUR,
    Desk,
    addresses,
    corrected,
    found,
    frozen,
    kept,
    nothing,
    refusal,
    released,
    shared,
    topped_up,
)

MINUTE = timedelta(minutes=1)


def test_warnings_go_out_72_24_and_2_hours_before_the_end_and_then_it_lapses(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out(addresses=addresses(1))
    for other in (desk.cast.c, desk.cast.d):
        desk.report(other, ask, nothing())
    hold = desk.hold(b, ask)  # for ten days
    fired = []
    for _ in range(10 * 24):
        fired += [(desk.clock.now(), name) for name in desk.step(HOUR)]
    end = NOON + 10 * DAY
    warned = [end - 72 * HOUR, end - 24 * HOUR, end - 2 * HOUR]
    assert fired == [(moment, "hold_clock") for moment in (*warned, end)]
    told = [e["data"] for e in desk.feed(b) if e["type"] == "hold.expiring"]
    assert [data["seconds_left"] for data in told] == [72 * 3600, 24 * 3600, 2 * 3600]
    assert desk.told(b, ask)[-2:] == ["hold.lapsed", "answer.owed"]
    assert desk.told(desk.cast.a, ask)[-2:] == ["hold.lapsed", "answer.owed"]
    assert "hold.lapsed" not in desk.told(desk.cast.c, ask)
    leg = desk.leg(b, ask)
    assert (leg.status, leg.flags) == ("frozen", ["answer_owed"])
    # Unconfirmed, but still counted as held: only the partner knows what became of it.
    assert desk.totals(request_id=ask.id)[ETHER]["held"] == 100
    assert desk.hold_row(hold).lapsed


def test_a_short_hold_is_warned_of_only_as_long_as_there_is_time(desk: Desk) -> None:
    ask = desk.go_out()
    desk.hold(desk.cast.b, ask, hold_expires_at=format_time(NOON + 3 * HOUR))
    assert desk.step(HOUR) == ["hold_clock"]
    assert desk.told(desk.cast.b, ask)[-1] == "hold.expiring"
    assert "hold_clock" in desk.step(2 * HOUR)


def test_a_worker_that_was_down_warns_once_and_not_of_what_is_past(desk: Desk) -> None:
    ask = desk.go_out()
    desk.hold(desk.cast.b, ask)
    desk.step(9 * DAY + HOUR)
    assert desk.told(desk.cast.b, ask).count("hold.expiring") == 1
    desk.step(22 * HOUR)
    assert desk.told(desk.cast.b, ask).count("hold.expiring") == 2


def test_an_extension_revives_a_lapsed_hold_and_settles_what_it_owed(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out(addresses=addresses(1))
    hold = desk.hold(b, ask)
    desk.step(10 * DAY)
    assert refusal(desk.report, b, ask, found(0, 1), topped_up(hold, 0, 1)).pointers == {
        "/lines/1/hold": "hold_lapsed"
    }
    answer = desk.extend(b, ask, hold, NOON + 20 * DAY)
    assert answer["hold_expires_at"] == format_time(NOON + 20 * DAY)
    assert desk.leg(b, ask).flags == []
    assert not desk.hold_row(hold).lapsed
    assert desk.told(desk.cast.a, ask)[-1] == "hold.extended"
    told = desk.feed(b)[-1]["data"]
    assert told["before"] == format_time(NOON + 10 * DAY)
    assert "hold_clock" in desk.step(7 * DAY)


def test_a_lapsed_hold_is_answered_by_release_or_kept_too(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    one, two = desk.hold(b, ask), desk.hold(b, ask, address_no=1)
    desk.step(10 * DAY)
    desk.report(b, ask, released(one, 100, "expired"))
    assert desk.leg(b, ask).flags == ["answer_owed"]
    desk.report(b, ask, kept(two, hold_expires_at=format_time(NOON + 30 * DAY)))
    assert desk.leg(b, ask).flags == []


def test_nothing_is_kept_while_nothing_is_owed(desk: Desk) -> None:
    ask = desk.go_out()
    hold = desk.hold(desk.cast.b, ask)
    line = kept(hold, hold_expires_at=format_time(NOON + 30 * DAY))
    assert refusal(desk.report, desk.cast.b, ask, line).pointers == {
        "/lines/0/hold": "nothing_owed"
    }


def test_with_a_legal_order_the_date_reminds_and_nothing_lapses(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out(addresses=addresses(1))
    hold = desk.hold(b, ask, basis="legal_order")
    desk.step(10 * DAY)
    told = [e["data"] for e in desk.feed(b) if e["type"] == "hold.expiring"]
    assert told[-1]["seconds_left"] == 0
    assert told[-1]["is_review"]
    assert not desk.hold_row(hold).lapsed
    assert "hold_clock" not in desk.step(60 * DAY)
    assert desk.leg(b, ask).flags == []
    assert "hold.lapsed" not in desk.told(b, ask)


def test_with_a_legal_order_a_date_that_is_past_reminds_at_once(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    times = {"frozen_at": NOON - DAY, "hold_expires_at": NOON - HOUR}
    early: dict[str, Any] = {name: format_time(time) for name, time in times.items()}
    hold = desk.hold(b, ask, basis="legal_order", **early)
    assert desk.fire_due() == ["hold_clock"]
    assert desk.told(b, ask)[-1] == "hold.expiring"
    assert desk.fire_due() == []
    assert not desk.hold_row(hold).lapsed


def test_no_act_makes_a_warning_fall_silent(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    hold = desk.hold(b, ask)
    desk.clock.step(10 * DAY - 72 * HOUR)
    desk.report(b, ask, released(hold, 1))
    assert "hold_clock" in desk.fire_due()
    assert desk.told(b, ask)[-1] == "hold.expiring"
    # Of an end that was put off in time nobody is warned.
    desk.clock.step(48 * HOUR)
    desk.extend(b, ask, hold, NOON + 20 * DAY)
    desk.fire_due()
    assert desk.told(b, ask).count("hold.expiring") == 1


@pytest.mark.parametrize(
    ("basis", "days"), [("voluntary", 90), ("own_policy", 180), ("legal_order", 366)]
)
def test_an_extension_stays_within_the_maximum_of_its_basis(
    desk: Desk, basis: str, days: int
) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    hold = desk.hold(b, ask)
    desk.clock.step(DAY)
    limit = NOON + (days + 1) * DAY
    refused = refusal(desk.extend, b, ask, hold, limit + 6 * MINUTE, basis)
    assert (refused.type, refused.pointers) == (
        LedgerBreachError,
        {"/hold_expires_at": "end_too_far"},
    )
    assert desk.extend(b, ask, hold, limit, basis)["basis"] == basis
    too_long = frozen(1, 1, basis=basis, hold_expires_at=format_time(limit + 6 * MINUTE))
    refused = refusal(desk.report, b, ask, found(1, 1), too_long)
    assert refused.pointers == {"/lines/1/hold_expires_at": "end_too_far"}


def test_an_extension_is_later_than_the_end_it_replaces_and_lies_ahead(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    hold = desk.hold(b, ask)
    end = NOON + 10 * DAY
    desk.clock.step(DAY)
    assert refusal(desk.extend, b, ask, hold, end).pointers == {"/hold_expires_at": "no_later"}
    assert refusal(desk.extend, b, ask, hold, NOON + DAY).pointers == {
        "/hold_expires_at": "end_past"
    }
    # On another ground an earlier date is a new statement, and no shortening in disguise.
    assert desk.extend(b, ask, hold, end - DAY, "legal_order")["basis"] == "legal_order"


def test_an_ended_hold_is_not_extended_and_nobody_extends_what_is_not_theirs(desk: Desk) -> None:
    b, c = desk.cast.b, desk.cast.c
    ask = desk.go_out()
    hold = desk.hold(b, ask)
    later = NOON + 20 * DAY
    assert refusal(desk.extend, c, ask, hold, later).type is NotFoundError
    assert refusal(desk.extend, desk.cast.a, ask, hold, later).type is NotFoundError
    body = {"hold": hold, "hold_expires_at": format_time(later), "basis": "voluntary"}
    refused = refusal(desk.act, b.analyst, ask, "hold-extensions", **body)
    assert refused.type is PermissionDeniedError
    desk.report(b, ask, released(hold, 100))
    ended = refusal(desk.extend, b, ask, hold, later)
    assert (ended.type, ended.code) == (InvalidTransitionError, "hold_ended")


def test_holds_of_a_withdrawn_request_can_still_be_extended(desk: Desk) -> None:
    ask = desk.go_out()
    hold = desk.hold(desk.cast.b, ask)
    desk.withdraw(ask)
    assert desk.extend(desk.cast.b, ask, hold, NOON + 20 * DAY)["hold"] == hold


def test_a_requester_may_ask_for_more_time_and_only_the_partner_grants_it(desk: Desk) -> None:
    b, a = desk.cast.b, desk.cast.a
    ask = desk.go_out()
    hold = desk.hold(b, ask)
    end = desk.hold_row(hold).hold_expires_at
    body = {"hold": hold, "hold_expires_at": format_time(NOON + 20 * DAY), "reason": "order due"}
    desk.act(a.lead, ask, "extension-requests", **body)
    assert desk.hold_row(hold).hold_expires_at == end
    assert desk.told(b, ask)[-1] == desk.told(a, ask)[-1] == "hold.extension_requested"
    assert "hold.extension_requested" not in desk.told(desk.cast.c, ask)
    assert desk.feed(b)[-1]["data"]["reason"] == "order due"
    elsewhere = desk.go_out()
    refused = refusal(desk.act, a.lead, elsewhere, "extension-requests", **body)
    assert refused.type is NotFoundError
    assert refusal(desk.act, a.analyst, ask, "extension-requests", **body).code == "not_allowed"
    desk.withdraw(ask)
    refused = refusal(desk.act, a.lead, ask, "extension-requests", **body)
    assert (refused.type, refused.current_status) == (InvalidTransitionError, "withdrawn")


def test_asking_for_more_time_needs_a_hold_that_is_open_and_an_end_that_is_later(
    desk: Desk,
) -> None:
    a, b = desk.cast.a, desk.cast.b
    ask = desk.go_out()
    hold = desk.hold(b, ask)  # for ten days
    withheld = desk.report(b, ask, found(1, None), frozen(1, None))["lines"][1]["hold"]

    def wish(until: datetime, about: str = hold) -> dict[str, Any]:
        body = {"hold": about, "hold_expires_at": format_time(until), "reason": "order due"}
        return desk.act(a.lead, ask, "extension-requests", **body)

    before = desk.snapshot()
    for until, code in (
        (NOON - 300 * HOUR, "end_past"),
        (NOON, "end_past"),
        (NOON + 5 * DAY, "no_later"),
        (NOON + 10 * DAY, "no_later"),
    ):
        refused = refusal(wish, until)
        assert refused.type is LedgerBreachError
        assert refused.pointers == {"/hold_expires_at": code}
    assert desk.snapshot() == before
    desk.step(11 * DAY)
    assert refusal(wish, NOON + 11 * DAY).pointers == {"/hold_expires_at": "end_past"}
    wish(NOON + 12 * DAY)  # lapsed, unconfirmed: an extension would revive it
    wish(NOON + 12 * DAY, withheld)
    desk.report(b, ask, released(hold, 100), released(withheld, None))
    told = desk.told(b, ask)
    for about in (hold, withheld):
        refused = refusal(wish, NOON + 20 * DAY, about)
        assert (refused.type, refused.code) == (InvalidTransitionError, "hold_ended")
    assert desk.told(b, ask) == told


def test_a_shared_hold_counts_once_in_every_scope(desk: Desk) -> None:
    a, b, c = desk.cast.a, desk.cast.b, desk.cast.c
    first = desk.go_out()
    incident = first.answer["incident"]["id"]
    second = desk.go_out(incident={"id": incident}, follows=first.id)
    hold = desk.hold(b, first, 60)
    desk.hold(c, second, 5)
    answer = desk.report(b, second, shared(hold, 1))
    assert answer["leg"]["status"] == "frozen"
    legs = [desk.leg(b, ask).id for ask in (first, second)]
    held = [desk.totals(leg_id=leg)[ETHER]["held"] for leg in legs]
    assert held == [60, 60]
    assert desk.totals(request_id=first.id)[ETHER]["held"] == 60
    assert desk.totals(request_id=second.id)[ETHER]["held"] == 65
    seen = {x.handle: desk.totals(incident_id=incident, visible_to=x.handle) for x in (a, b, c)}
    assert [sums[ETHER]["held"] for sums in seen.values()] == [65, 60, 5]
    assert desk.totals(incident_id=incident, visible_to=desk.cast.d.handle) == {}


def test_lines_about_a_shared_hold_show_on_all_its_legs_and_are_written_once(desk: Desk) -> None:
    b = desk.cast.b
    first, second = desk.go_out(), desk.go_out()
    hold = desk.hold(b, first, 60)
    desk.report(b, second, shared(hold, 1))
    before = desk.row_counts()["ledger_line"]
    desk.report(b, second, released(hold, 60))
    assert desk.row_counts()["ledger_line"] == before + 1
    assert [desk.leg(b, ask).status for ask in (first, second)] == ["released", "released"]
    assert desk.told(b, first)[-1] == desk.told(b, second)[-1] == "freeze.released"
    both = [desk.totals(request_id=ask.id)[ETHER].get("held", 0) for ask in (first, second)]
    assert both == [0, 0]


def test_a_shared_hold_that_is_corrected_away_is_gone_from_every_leg_and_each_is_told(
    desk: Desk,
) -> None:
    a, b = desk.cast.a, desk.cast.b
    first, second = desk.go_out(), desk.go_out()
    lines = desk.report(b, first, found(0, 60), frozen(0, 60))["lines"]
    desk.report(b, second, shared(lines[1]["hold"], 1))
    desk.withdraw(second, [1])
    assert desk.leg(b, second).flags == ["answer_owed"]
    desk.report(b, first, corrected(lines[1]["id"], 0))
    leg = desk.leg(b, second)
    assert (leg.status, leg.flags) == ("under_review", [])
    assert desk.totals(request_id=second.id) == {}
    for exchange in (a, b):
        assert desk.told(exchange, second)[-1] == "freeze.corrected"
        assert desk.told(exchange, first)[-1] == "freeze.corrected"


def test_a_hold_is_shared_by_the_partner_that_has_it_and_only_while_it_holds(desk: Desk) -> None:
    b, c = desk.cast.b, desk.cast.c
    first, second = desk.go_out(), desk.go_out()
    hold = desk.hold(b, first)
    assert refusal(desk.report, c, second, shared(hold, 0)).pointers == {
        "/lines/0/hold": "no_such_hold"
    }
    amount = shared(hold, 0) | {"amount": "100"}
    assert refusal(desk.report, b, second, amount).pointers == {"/lines/0/amount": "shared_amount"}
    desk.report(b, first, released(hold, 100))
    assert refusal(desk.report, b, second, shared(hold, 0)).pointers == {
        "/lines/0/hold": "hold_ended"
    }


def test_a_shared_hold_lapses_and_is_extended_for_all_its_requests(desk: Desk) -> None:
    b = desk.cast.b
    first, second = desk.go_out(), desk.go_out()
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 0))
    desk.step(10 * DAY)
    legs = [desk.leg(b, ask) for ask in (first, second)]
    assert ["answer_owed" in leg.flags for leg in legs] == [True, True]
    desk.extend(b, second, hold, NOON + 20 * DAY)
    legs = [desk.leg(b, ask) for ask in (first, second)]
    assert ["answer_owed" in leg.flags for leg in legs] == [False, False]
    assert [desk.told(b, ask)[-1] for ask in (first, second)] == ["hold.extended"] * 2


def test_a_hold_past_its_end_is_not_topped_up_before_any_timer_fires_either(desk: Desk) -> None:
    b, ask = desk.cast.b, desk.go_out()
    hold = desk.hold(b, ask)
    desk.clock.step(10 * DAY)
    more = (found(0, 5), topped_up(hold, 0, 5))
    assert refusal(desk.report, b, ask, *more).pointers == {"/lines/1/hold": "hold_lapsed"}
    desk.extend(b, ask, hold, desk.clock.now() + DAY)
    desk.report(b, ask, *more)
