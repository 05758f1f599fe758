"""Withdrawals: who is told, who owes an answer, and what settles it."""

from typing import Any

import pytest

from coordinator.domain.errors import ConflictError, InvalidInputError, PermissionDeniedError
from holdfast.protocol.payloads import format_time
from tests.factories import ETHER, NOON
from tests.services.request_cast import (
    DAY,
    HOUR,
    Ask,
    Desk,
    addresses,
    corrected,
    found,
    frozen,
    kept,
    nothing,
    refusal,
    released,
    returned,
    seized,
    shared,
    topped_up,
)


def _owes(desk: Desk, ask: Ask) -> bool:
    leg = desk.leg(desk.cast.b, ask)
    assert ("answer_owed" in leg.flags) is leg.owes_answer
    return bool(leg.owes_answer)


def _marks(report: dict[str, Any]) -> list[str | None]:
    return [line.get("irregular") for line in report["lines"]]


def test_a_withdrawal_obliges_those_that_hold_and_ends_the_legs_of_the_others(desk: Desk) -> None:
    a, b, c, d = desk.cast.all
    ask = desk.go_out()
    desk.hold(b, ask, 70)
    desk.act(c.compliance, ask, "decline", code="policy_refusal")
    assert desk.withdraw(ask)["status"] == desk.status(ask) == "withdrawn"
    assert [desk.leg(x, ask).status for x in (b, c, d)] == ["frozen", "declined", "withdrawn"]
    assert [desk.leg(x, ask).flags for x in (b, c, d)] == [["answer_owed"], [], []]
    assert desk.told(b, ask)[-2:] == ["freeze_request.withdrawn", "answer.owed"]
    assert desk.told(c, ask)[-1] == "freeze_request.withdrawn"
    assert desk.told(d, ask)[-2:] == ["freeze_request.withdrawn", "leg.withdrawn"]
    assert desk.told(a, ask)[-3:] == ["freeze_request.withdrawn", "answer.owed", "leg.withdrawn"]
    owed = next(e for e in desk.feed(b) if e["type"] == "answer.owed")["data"]
    assert [(h["address_no"], h["held"]) for h in owed["holds"]] == [(0, "70")]


@pytest.mark.parametrize(
    "line",
    [
        lambda hold: released(hold, 100),
        lambda hold: returned(hold, 100),
        lambda hold: seized(hold, 100),
        lambda hold: kept(hold, hold_expires_at=format_time(NOON + 30 * DAY)),
        lambda hold: kept(hold, "legal_order", hold_expires_at=format_time(NOON + 30 * DAY)),
    ],
    ids=["released", "returned", "seized", "own_policy", "legal_order"],
)
def test_release_return_seizure_and_kept_each_settle_what_is_owed(desk: Desk, line: Any) -> None:
    ask = desk.go_out()
    hold = desk.hold(desk.cast.b, ask)
    desk.withdraw(ask)
    assert _owes(desk, ask)
    desk.report(desk.cast.b, ask, line(hold))
    assert not _owes(desk, ask)
    assert desk.hold_row(hold).owed_since is None
    assert "answer_owed" not in desk.step(3 * DAY)


def test_letting_go_of_a_part_settles_nothing(desk: Desk) -> None:
    ask = desk.go_out()
    hold = desk.hold(desk.cast.b, ask)
    desk.withdraw(ask)
    desk.report(desk.cast.b, ask, released(hold, 99))
    assert _owes(desk, ask)
    desk.report(desk.cast.b, ask, released(hold, 1))
    assert not _owes(desk, ask)
    assert desk.leg(desk.cast.b, ask).status == "released"


def test_an_extension_does_not_answer_a_withdrawal(desk: Desk) -> None:
    ask = desk.go_out()
    hold = desk.hold(desk.cast.b, ask)
    desk.withdraw(ask)
    desk.extend(desk.cast.b, ask, hold, NOON + 30 * DAY)
    assert _owes(desk, ask)


def test_a_correction_to_zero_takes_hold_and_obligation_away(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    lines = desk.report(b, ask, found(0, 50), frozen(0, 50))["lines"]
    desk.withdraw(ask)
    desk.report(b, ask, corrected(lines[1]["id"], 0), corrected(lines[0]["id"], 0))
    assert not _owes(desk, ask)
    assert desk.leg(b, ask).status == "withdrawn"
    assert desk.totals(request_id=ask.id) == {ETHER: {}}


def test_a_correction_after_the_end_that_shows_funds_still_held_owes_an_answer(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    hold = desk.hold(b, ask)
    [line] = desk.report(b, ask, released(hold, 100))["lines"]
    desk.withdraw(ask)
    assert not _owes(desk, ask)
    desk.report(b, ask, corrected(line["id"], 40))
    assert desk.leg(b, ask).status == "frozen"
    assert _owes(desk, ask)


def test_an_answer_given_before_a_withdrawal_does_not_count_for_it(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    hold = desk.hold(b, ask, hold_expires_at=format_time(NOON + DAY))
    desk.step(DAY)
    desk.report(b, ask, kept(hold, hold_expires_at=format_time(NOON + 20 * DAY)))
    assert not _owes(desk, ask)
    desk.withdraw(ask)
    assert _owes(desk, ask)


def test_what_is_owed_is_recalled_daily_until_it_is_answered(desk: Desk) -> None:
    ask = desk.go_out()
    hold = desk.hold(desk.cast.b, ask)
    desk.withdraw(ask)
    assert "answer_owed" not in desk.step(23 * HOUR)
    assert desk.step(HOUR) == ["answer_owed"]
    assert desk.step(DAY) == ["answer_owed"]
    for exchange in (desk.cast.a, desk.cast.b):
        assert desk.told(exchange, ask).count("answer.owed") == 3
    assert "answer.owed" not in desk.told(desk.cast.c, ask)
    desk.report(desk.cast.b, ask, released(hold, 100))
    assert desk.step(2 * DAY) == []


def test_some_addresses_withdrawn_oblige_only_what_is_held_on_them(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out(addresses=addresses(3, 70))
    mine, other = desk.hold(b, ask), desk.hold(b, ask, address_no=1)
    answer = desk.withdraw(ask, [1])
    assert answer["status"] == desk.status(ask) == "active"
    assert desk.hold_row(mine).owed_since is None
    assert desk.hold_row(other).owed_since == desk.clock.now()
    assert desk.leg(b, ask).status == "frozen"
    told = [e for e in desk.feed(desk.cast.c) if e["type"] == "freeze_request.withdrawn"]
    assert [e["data"]["addresses"] for e in told] == [[1]]
    assert desk.leg(desk.cast.c, ask).status == "queued"
    desk.report(b, ask, released(other, 100))
    assert not _owes(desk, ask)


def test_addresses_are_withdrawn_once_and_the_last_only_with_the_request(desk: Desk) -> None:
    ask = desk.go_out(addresses=addresses(3, 80))
    desk.withdraw(ask, [0])
    again = refusal(desk.withdraw, ask, [0, 1])
    rest = refusal(desk.withdraw, ask, [1, 2])
    assert (again.type, again.code) == (ConflictError, "withdrawn_already")
    assert (rest.type, rest.code) == (ConflictError, "nothing_left")
    missing = refusal(desk.withdraw, ask, [2, 3])
    assert (missing.type, missing.pointers) == (InvalidInputError, {"/addresses/1": "range"})
    assert desk.row_counts()["withdrawn_address"] == 1


@pytest.mark.parametrize("code", ["no_match", "policy_refusal"])
def test_a_withdrawn_address_awaits_no_answer_any_more(desk: Desk, code: str) -> None:
    a, b, c, d = desk.cast.all
    ask = desk.go_out(addresses=addresses(3, 90), to=[b.handle, c.handle, d.handle])
    desk.report(b, ask, nothing([0], code))
    desk.report(c, ask, nothing([0], code), found(1, 5))
    desk.act(d.analyst, ask, "review")
    shown = "no_match" if code == "no_match" else "declined"
    desk.withdraw(ask, [1])
    assert [desk.leg(x, ask).status for x in (b, c, d)] == ["under_review"] * 3
    desk.withdraw(ask, [2])
    # What C found on an address that was withdrawn is still there; D has not answered at all.
    assert [desk.leg(x, ask).status for x in (b, c, d)] == [shown, "under_review", "under_review"]
    assert desk.told(b, ask)[-2:] == ["freeze_request.withdrawn", f"leg.{shown}"]
    assert desk.told(a, ask)[-1] == f"leg.{shown}"
    assert desk.told(d, ask)[-1] == "freeze_request.withdrawn"
    desk.report(d, ask, nothing([0], code))
    assert desk.leg(d, ask).status == shown
    assert desk.told(d, ask).count(f"leg.{shown}") == 1


def test_a_request_closes_by_itself_though_nobody_answers_about_withdrawn_addresses(
    desk: Desk,
) -> None:
    b = desk.cast.b
    ask = desk.go_out(addresses=addresses(2, 90), to=[b.handle])
    desk.report(b, ask, nothing([0]))
    assert desk.request(ask).final_since is None
    desk.withdraw(ask, [1])
    assert desk.request(ask).final_since == desk.clock.now()
    assert "close_after" in desk.step(7 * DAY)
    assert desk.status(ask) == "closed"


def test_a_later_freeze_of_a_withdrawn_address_is_taken_as_irregular(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    desk.clock.step(HOUR)
    desk.withdraw(ask, [1])
    at_the_end = {"frozen_at": format_time(NOON + HOUR)}
    report = desk.report(b, ask, found(0, 5), frozen(0, 5, **at_the_end))
    assert (_marks(report), _owes(desk, ask)) == ([None, None], False)
    report = desk.report(b, ask, found(1, 5), frozen(1, 5, **at_the_end))
    assert (_marks(report), _owes(desk, ask)) == ([None, "after_end"], True)
    assert "irregular" in report["leg"]["flags"]
    desk.report(b, ask, released(report["lines"][1]["hold"], 5))
    assert not _owes(desk, ask)
    report = desk.report(b, ask, found(1, 5), frozen(1, 5))
    assert (_marks(report), _owes(desk, ask)) == ([None, None], True)
    # That something irregular was told of stays to be seen.
    assert "irregular" in report["leg"]["flags"]


def test_what_crosses_the_end_for_a_day_owes_an_answer_and_is_late_afterwards(
    desk: Desk,
) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    desk.clock.step(HOUR)
    desk.withdraw(ask)
    desk.clock.step(24 * HOUR)
    report = desk.report(b, ask, found(0, 9), frozen(0, 9))
    assert (_marks(report), report["leg"]["status"]) == ([None, None], "frozen")
    assert report["leg"]["flags"] == ["answer_owed"]
    assert _owes(desk, ask)
    assert desk.status(ask) == "withdrawn"
    desk.clock.step(HOUR / 3600)
    late = desk.report(b, ask, found(1, 1), frozen(1, 1))
    assert _marks(late) == ["late", "late"]
    assert late["leg"]["flags"] == ["answer_owed", "irregular"]
    for line in (report["lines"][1], late["lines"][1]):
        desk.report(b, ask, released(line["hold"], int(line["amount"])))
    assert not _owes(desk, ask)


def test_a_freeze_after_the_end_is_stored_seen_by_both_sides_and_owes_an_answer(
    desk: Desk,
) -> None:
    a, b = desk.cast.a, desk.cast.b
    ask = desk.go_out()
    desk.clock.step(HOUR)
    desk.withdraw(ask)
    at_the_end = frozen(0, 9, frozen_at=format_time(NOON + HOUR))
    report = desk.report(b, ask, found(0, 9), at_the_end)
    assert _marks(report) == [None, "after_end"]
    assert desk.hold_row(report["lines"][1]["hold"]).irregular == "after_end"
    assert _owes(desk, ask)
    for reader in (a, b):
        told = [e for e in desk.feed(reader) if e["type"] == "freeze.frozen"][-1]
        assert told["data"]["lines"][0]["irregular"] == "after_end"


def test_nothing_is_answered_after_the_end_too_and_shows(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    desk.withdraw(ask)
    report = desk.report(b, ask, nothing())
    assert (_marks(report), report["leg"]["status"]) == ([None], "no_match")
    desk.clock.step(25 * HOUR)
    report = desk.report(desk.cast.c, ask, nothing(code="funds_gone"))
    assert (_marks(report), report["leg"]["status"]) == (["late"], "declined")


def test_a_top_up_after_the_end_counts_as_made_now(desk: Desk) -> None:
    ask = desk.go_out()
    hold = desk.hold(desk.cast.b, ask)
    desk.clock.step(HOUR)
    desk.withdraw(ask)
    report = desk.report(desk.cast.b, ask, found(0, 5), topped_up(hold, 0, 5))
    assert _marks(report) == [None, "after_end"]
    assert desk.hold_row(hold).irregular == "after_end"


def test_a_freeze_of_what_nobody_ratified_is_irregular_and_owes_an_answer(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    early = desk.hold(b, ask)
    desk.clock.step(HOUR)
    desk.change(
        "UPDATE freeze_request SET unratified_at = :since WHERE id = :id",
        since=int(desk.clock.now().timestamp() * 1_000_000),
        id=ask.id,
    )
    late = desk.report(b, ask, found(1, 5), frozen(1, 5, frozen_at=format_time(desk.clock.now())))
    hold = late["lines"][1]["hold"]
    assert (_marks(late), _owes(desk, ask)) == ([None, "after_end"], True)
    end = format_time(desk.clock.now() + DAY)
    wrong = refusal(desk.report, b, ask, kept(early, hold_expires_at=end))
    assert wrong.pointers == {"/lines/0/hold": "nothing_owed"}
    desk.report(b, ask, kept(hold, hold_expires_at=end))
    assert not _owes(desk, ask)


def test_a_hold_kept_for_another_request_owes_nothing_any_more(desk: Desk) -> None:
    b = desk.cast.b
    first, second = desk.go_out(), desk.go_out()
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 1))
    desk.withdraw(first)
    assert _owes(desk, first)
    desk.report(b, first, kept(hold, "other_request", other_request=second.id))
    assert not _owes(desk, first)
    # It counts for the second request alone, which nobody withdrew: nothing is owed, or recalled.
    assert desk.hold_row(hold).owed_since is None
    desk.act(b.analyst, second, "review")
    assert not _owes(desk, second)
    assert "answer_owed" not in desk.step(2 * DAY)
    assert desk.totals(request_id=first.id) == {ETHER: {"found": 100}}
    assert desk.totals(request_id=second.id) == {ETHER: {"frozen": 100, "held": 100}}
    # Once the second is withdrawn, too, an answer is owed again.
    desk.withdraw(second)
    assert _owes(desk, second)


def test_a_shared_hold_owes_an_answer_only_where_it_was_withdrawn(desk: Desk) -> None:
    b = desk.cast.b
    first, second = desk.go_out(), desk.go_out()
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 0))
    desk.withdraw(first)
    desk.act(b.analyst, second, "review")
    assert (_owes(desk, first), _owes(desk, second)) == (True, False)
    assert "answer_owed" in desk.step(DAY)
    assert desk.told(b, first).count("answer.owed") == 2
    assert "answer.owed" not in desk.told(b, second)


def test_no_hold_is_kept_for_a_request_that_does_not_share_it(desk: Desk) -> None:
    b = desk.cast.b
    first, second = desk.go_out(), desk.go_out()
    hold = desk.hold(b, first)
    desk.withdraw(first)
    for other in (first, second):
        line = kept(hold, "other_request", other_request=other.id)
        assert refusal(desk.report, b, first, line).pointers == {
            "/lines/0/other_request": "not_shared"
        }
    assert _owes(desk, first)


def test_only_a_lead_withdraws_what_went_out(desk: Desk) -> None:
    ask = desk.go_out()
    for member in (desk.cast.a.analyst, desk.cast.a.system, desk.cast.a.compliance):
        assert refusal(desk.withdraw, ask, by=member).type is PermissionDeniedError
    assert refusal(desk.withdraw, ask, by=desk.cast.b.lead).code == "not_found"
    assert desk.status(ask) == "active"
