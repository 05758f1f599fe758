"""Freeze reports: taken whole or refused whole, each line by whoever may write it."""

import pytest

from coordinator.domain.errors import InvalidInputError, LedgerBreachError, PermissionDeniedError
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
    is_id,
    kept,
    nothing,
    refusal,
    released,
    returned,
    seized,
    topped_up,
)


def test_a_report_is_answered_with_its_lines_and_the_leg_as_it_shows_now(desk: Desk) -> None:
    ask = desk.go_out()
    told = desk.report(desk.cast.b, ask, found(0, 100), frozen(0, 60), nothing())
    assert [line["kind"] for line in told["lines"]] == ["found", "frozen", "nothing"]
    assert all(is_id("lin", line["id"]) for line in told["lines"])
    assert is_id("hld", told["lines"][1]["hold"])
    assert told["leg"]["status"] == "partially_frozen"
    sums = told["leg"]["totals"][ETHER]
    assert (sums["found"], sums["frozen"], sums["held"]) == ("100", "60", "60")
    told_of = ["freeze.found", "freeze.frozen", "freeze.nothing"]
    assert desk.told(desk.cast.b, ask)[-3:] == told_of


def test_one_wrong_line_refuses_the_whole_report_and_all_wrong_ones_are_named(desk: Desk) -> None:
    ask = desk.go_out()
    hold = desk.hold(desk.cast.b, ask)
    before = desk.snapshot()
    refused = refusal(
        desk.report,
        desk.cast.b,
        ask,
        *(found(1, 5), frozen(1, 6), released(hold, 101), found(2, 1)),
    )
    assert refused.type is InvalidInputError
    assert sorted(refused.pointers) == [
        *("/lines/1/amount", "/lines/2/amount", "/lines/3/address_no"),
    ]
    assert desk.snapshot() == before
    breach = refusal(desk.report, desk.cast.b, ask, found(1, 5), released(hold, 101))
    assert (breach.type, breach.current_status) == (LedgerBreachError, "active")


def test_the_order_of_lines_within_a_report_does_not_matter(desk: Desk) -> None:
    ask = desk.go_out()
    told = desk.report(desk.cast.b, ask, frozen(0, 60), found(0, 60))
    hold = told["lines"][0]["hold"]
    desk.report(desk.cast.b, ask, released(hold, 70), topped_up(hold, 0, 10), found(0, 10))
    assert desk.leg(desk.cast.b, ask).status == "released"


@pytest.mark.parametrize("role", ["analyst", "system"])
def test_who_may_find_and_freeze_may_not_let_go_keep_or_correct(desk: Desk, role: str) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    member = b.people[role]
    lines = [found(0, 9), frozen(0, 9)]
    told = desk.act(member, ask, "freeze-reports", lines=lines)
    hold, line = told["lines"][1]["hold"], told["lines"][0]["id"]
    for forbidden in (
        released(hold, 1),
        returned(hold, 1),
        seized(hold, 1),
        kept(hold),
        corrected(line, 10),
    ):
        mixed = [found(1, 1), forbidden]
        refused = refusal(desk.act, member, ask, "freeze-reports", lines=mixed)
        assert refused.type is PermissionDeniedError
    assert desk.totals(request_id=ask.id)[ETHER]["found"] == 9


ACCEPTED = {"code": "whole_account", "address_nos": [0], "reason": "The papers are in the file."}


def test_what_is_beyond_the_request_is_held_and_no_balance_is_told(desk: Desk) -> None:
    a, b = desk.cast.a, desk.cast.b
    ether = {"account": "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D", "asset": ETHER}
    ask = desk.go_out(addresses=[ether | {"amount": "50"}])
    whole = frozen(0, 30, account_level=True)
    refused = refusal(desk.report, b, ask, found(0, 80), frozen(0, 50), whole)
    assert refused.pointers == {
        "/lines/0/amount": "beyond_asked",
        "/lines/2/amount": "beyond_asked",
    }
    assert "amount null" in refused.errors[0].detail
    assert "amount null" in refused.errors[1].detail
    first = desk.report(b, ask, found(0, 40))["lines"][0]["id"]
    assert refusal(desk.report, b, ask, corrected(first, 51)).pointers == {
        "/lines/0/amount": "beyond_asked"
    }
    more = frozen(0, None, account_level=True)
    desk.report(b, ask, corrected(first, 50), found(0, None), frozen(0, 50), more)
    sums = {"found": 50, "frozen": 50, "held": 50, "withheld": 2}
    assert desk.totals(request_id=ask.id)[ETHER] == sums
    assert desk.leg(b, ask).status == "frozen"
    told = [e["data"] for e in desk.feed(a) if e["type"] == "freeze.frozen"][-1]
    assert [line["amount"] for line in told["lines"]] == ["50", None]


def test_a_whole_account_comes_up_for_review_a_day_later_and_an_extension_is_one(
    desk: Desk,
) -> None:
    a, b = desk.cast.a, desk.cast.b
    ask = desk.go_out()
    both = (frozen(0, None, account_level=True), frozen(0, None, account_level=True))
    report = desk.report(b, ask, *both, found(0, None))
    first, second = (line["hold"] for line in report["lines"][:2])
    due = format_time(NOON + DAY)
    desk.clock.step(HOUR)
    desk.extend(b, ask, second, NOON + 20 * DAY)
    desk.step(23 * HOUR)
    for reader in (a, b):
        [told] = [e["data"] for e in desk.feed(reader) if e["type"] == "hold.review_due"]
        assert (told["hold"], told["review_at"]) == (first, due)
    desk.step(DAY)
    assert desk.told(b, ask).count("hold.review_due") == 1
    # The clock of its end goes on, and warns as it would.
    desk.step(6 * DAY)
    assert desk.told(b, ask).count("hold.expiring") == 1


def test_beyond_the_stated_amount_only_a_freeze_of_the_whole_account_is_taken(desk: Desk) -> None:
    b = desk.cast.b
    [target] = addresses(1, 40)
    [plain] = addresses(1, 41)
    ether = {"account": "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D", "asset": ETHER}
    whole = {"amount": "50", "whole_account": {"why": "It was opened with forged papers."}}
    ask = desk.submit(addresses=[ether | whole, target, plain])
    desk.decide(ask, warnings_accepted=[ACCEPTED])
    over = [found(0, 80), frozen(0, 51)]
    assert refusal(desk.report, b, ask, *over).pointers == {
        "/lines/1/account_level": "beyond_stated_amount"
    }
    told = desk.report(b, ask, found(0, 80), frozen(0, 50), frozen(0, 30, account_level=True))
    first = told["lines"][1]
    raised = corrected(first["id"], 50 + 1) | {"account_level": True}
    assert refusal(desk.report, b, ask, raised).pointers == {
        "/lines/0/amount": "frozen_exceeds_found"
    }
    assert not desk.hold_row(first["hold"]).account_level
    desk.report(b, ask, found(0, 1), raised)
    assert desk.hold_row(first["hold"]).account_level
    assert desk.leg(b, ask).status == "frozen"


def test_an_amount_that_is_withheld_counts_for_the_status_and_for_no_sum(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    told = desk.report(b, ask, found(0, None), frozen(0, None))
    assert told["leg"]["status"] == "frozen"
    assert desk.totals(request_id=ask.id) == {ETHER: {"withheld": 2}}
    hold = told["lines"][1]["hold"]
    desk.report(b, ask, returned(hold, 7))
    assert desk.leg(b, ask).status == "frozen"
    desk.report(b, ask, returned(hold, None))
    assert desk.leg(b, ask).status == "returned"
    assert desk.totals(request_id=ask.id)[ETHER].get("held", 0) == 0


def test_a_converted_asset_has_sums_of_its_own(desk: Desk) -> None:
    ask = desk.go_out()
    usdt = "eip155:1/erc20:0xdAC17F958D2ee523a2206206994597C13D831ec7"
    desk.report(desk.cast.b, ask, found(0, 5, usdt), frozen(0, 5, asset=usdt), found(0, 3))
    sums = desk.totals(request_id=ask.id)
    assert {asset: entry["found"] for asset, entry in sums.items()} == {usdt.lower(): 5, ETHER: 3}
    assert desk.leg(desk.cast.b, ask).status == "partially_frozen"


def test_answers_of_nothing_make_a_leg_no_match_or_declined_by_their_codes(desk: Desk) -> None:
    b, c = desk.cast.b, desk.cast.c
    ask = desk.go_out(addresses=addresses(3, 60))
    for exchange in (b, c):
        desk.report(exchange, ask, nothing([0, 1], "not_our_address"))
        assert desk.leg(exchange, ask).status == "under_review"
    assert desk.report(b, ask, nothing())["leg"]["status"] == "no_match"
    assert desk.report(c, ask, nothing("rest", "funds_gone"))["leg"]["status"] == "declined"
    received = ["freeze_request.received"]
    for exchange, closing in ((b, "leg.no_match"), (c, "leg.declined")):
        answered = ["freeze.nothing", "freeze.nothing", closing]
        assert desk.told(exchange, ask) == received + answered
    # A later line supersedes the answer.
    assert desk.report(b, ask, found(0, 1))["leg"]["status"] == "under_review"
    assert refusal(desk.report, b, ask, nothing([0])).pointers == {
        "/lines/0/address_nos": "contradiction"
    }


def test_of_a_long_report_the_event_shows_some_lines_and_counts_all(desk: Desk) -> None:
    ask = desk.go_out(addresses=addresses(400, 2000))
    told = desk.report(desk.cast.b, ask, *(found(number, 1) for number in range(400)))
    assert len(told["lines"]) == 400
    data = desk.feed(desk.cast.a)[-1]["data"]
    assert data["line_count"] == 400
    assert 0 < len(data["lines"]) <= 25
    assert data["lines"] == told["lines"][: len(data["lines"])]
    assert desk.totals(request_id=ask.id)[ETHER] == {"found": 400}


def test_what_is_nothing_is_told_with_its_lines_and_of_many_addresses_their_number(
    desk: Desk,
) -> None:
    b = desk.cast.b
    ask = desk.go_out(addresses=addresses(300, 3000))
    desk.report(
        b,
        ask,
        nothing(list(range(100)), "funds_gone"),
        nothing(list(range(100, 201)), "moved_on", next={"service": "a bridge"}),
        nothing(),
    )
    for reader in (desk.cast.a, b):
        data = next(e["data"] for e in desk.feed(reader) if e["type"] == "freeze.nothing")
        few, many, rest = data["lines"]
        assert (few["code"], few["address_nos"], few["address_count"]) == (
            "funds_gone",
            list(range(100)),
            100,
        )
        assert (many["code"], many.get("address_nos"), many["address_count"]) == (
            "moved_on",
            None,
            101,
        )
        assert many["next"] == {"service": "a bridge"}
        assert (rest["code"], rest["address_nos"], rest["address_count"]) == (
            "no_match",
            "rest",
            99,
        )
