"""Flash requests: who may, what goes out at once, and what happens where nobody ratifies."""

import pytest

from coordinator.domain.errors import ConflictError, InvalidTransitionError
from coordinator.services.ending.closing import CloseByItself
from holdfast.protocol.payloads import format_time
from tests.factories import NOON
from tests.services.request_cast import DAY, HOUR, Ask, Desk, addresses, nothing, refusal


@pytest.fixture
def flash(desk: Desk) -> Desk:
    """A desk at which A's analyst may flash."""
    desk.policy(desk.cast.a, may_flash=[desk.cast.a.analyst.subject])
    return desk


def _submit(desk: Desk, **changes: object) -> Ask:
    return desk.submit(**({"urgency": "flash"} | changes))  # type: ignore[arg-type]


def _is_out(desk: Desk, ask: Ask) -> bool:
    row = desk.request(ask)
    is_out = row.provisional and row.status == "active"
    legs = desk.sql("SELECT count(*) FROM leg WHERE request_id = :id", id=ask.id)
    assert bool(legs) is is_out
    return is_out


def test_a_flash_request_goes_out_at_once_and_says_until_when_it_is_ratified(flash: Desk) -> None:
    ask = _submit(flash)
    assert (ask.answer["status"], ask.answer["provisional"]) == ("active", True)
    assert _is_out(flash, ask)
    [notice] = [e["data"] for e in flash.feed(flash.cast.b) if e["type"].startswith("freeze_")]
    assert (notice["provisional"], notice["approvals"]) == (True, [])
    assert notice["ratify_by"] == ask.answer["ratify_by"] == format_time(NOON + HOUR)
    assert notice["evidence"]["body"].encode() == ask.raw


def test_only_whom_the_policy_names_may_flash_and_others_wait_as_submitted(flash: Desk) -> None:
    for member in (flash.cast.a.system, flash.cast.a.second_lead):
        ask = _submit(flash, by=member)
        assert not _is_out(flash, ask)
        assert ask.answer["waits_because"] == "policy"
    urgent = flash.submit(urgency="urgent")
    assert not _is_out(flash, urgent)
    assert urgent.answer["waits_because"] is None
    assert not _is_out(flash, _submit(flash, by=flash.cast.b.analyst, to=[flash.cast.c.handle]))


def test_to_all_or_with_a_warning_of_a_wrong_target_it_waits_and_says_why(flash: Desk) -> None:
    plain = "eip155:1:0x51e9d833ecae4e8d9d8be17300aee6d3398c135d"
    for why, changes in (
        ("to_all", {"to": "all"}),
        ("warnings", {"addresses": [{"account": plain}]}),
    ):
        ask = _submit(flash, **changes)
        assert not _is_out(flash, ask)
        assert ask.answer["waits_because"] == why
        told = flash.feed(flash.cast.a)[-1]["data"]
        assert told["request_id"] == ask.id
        assert told["waits_because"] == why


def test_a_duplicate_holds_no_flash_request_back(flash: Desk) -> None:
    first = _submit(flash, addresses=addresses(2, 700))
    again = _submit(flash, addresses=addresses(2, 700))
    assert [w["code"] for w in again.answer["warnings"]] == ["duplicate"]
    assert _is_out(flash, first)
    assert _is_out(flash, again)


def test_beyond_the_daily_cap_a_flash_request_is_refused_until_a_place_is_free(
    flash: Desk,
) -> None:
    for _ in range(5):
        assert _is_out(flash, _submit(flash))
    counts = flash.row_counts()
    refused = refusal(_submit, flash)
    assert (refused.type, refused.code) == (ConflictError, "flash_cap")
    assert format_time(NOON + DAY) in refused.message
    assert flash.row_counts() == counts
    # What waits for its approval anyway takes no place, and is not refused for want of one.
    assert not _is_out(flash, _submit(flash, by=flash.cast.a.system))
    flash.clock.step(DAY - HOUR)
    assert refusal(_submit, flash).code == "flash_cap"
    flash.clock.step(HOUR)
    assert _is_out(flash, _submit(flash))


def _following(ask: Ask) -> dict[str, object]:
    return {"incident": {"id": ask.answer["incident"]["id"]}, "follows": ask.id}


def test_what_follows_a_ratified_incident_takes_no_place(flash: Desk) -> None:
    first = _submit(flash)
    flash.decide(first)
    for _ in range(7):
        assert _is_out(flash, _submit(flash, **_following(first)))
    for _ in range(4):
        assert _is_out(flash, _submit(flash))
    assert refusal(_submit, flash).code == "flash_cap"
    assert _is_out(flash, _submit(flash, **_following(first)))


@pytest.mark.parametrize("case", ["unratified", "rejected", "no follower", "ratified too late"])
def test_what_follows_nothing_that_leads_stand_by_takes_a_place(flash: Desk, case: str) -> None:
    first = flash.submit() if case == "rejected" else _submit(flash)
    changes = _following(first)
    if case == "rejected":
        flash.decide(first, decision="reject")
    elif case == "no follower":
        flash.decide(first)
        del changes["follows"]
    left = 5 if case == "rejected" else 4
    for _ in range(left):
        assert _is_out(flash, _submit(flash, **changes))
    if case == "ratified too late":
        # It follows up from now on; what was sent before keeps the places that it took.
        flash.clock.step(HOUR / 60)
        flash.decide(first)
        changes = {}
    assert refusal(_submit, flash, **changes).code == "flash_cap"


def test_the_accounts_that_follow_one_incident_up_are_bounded(flash: Desk) -> None:
    first = _submit(flash)
    flash.decide(first)
    assert _is_out(flash, _submit(flash, **_following(first), addresses=addresses(300, 5_000)))
    assert _is_out(flash, _submit(flash, **_following(first), addresses=addresses(200, 6_000)))
    refused = refusal(_submit, flash, **_following(first))
    assert refused.code == "flash_cap"
    assert "0 are left" in refused.message
    # Another incident has its own.
    other = _submit(flash)
    flash.decide(other)
    assert _is_out(flash, _submit(flash, **_following(other)))


def test_why_it_waits_is_the_requester_s_alone_and_only_as_long_as_it_waits(
    flash: Desk,
) -> None:
    ask = _submit(flash, to="all")
    for exchange in (flash.cast.b, flash.cast.c):
        assert flash.told(exchange, ask) == []
    flash.decide(ask)
    row = flash.request(ask)
    assert (row.status, row.provisional, row.waits_because) == ("active", False, "to_all")
    notice = flash.feed(flash.cast.b)[-1]["data"]
    assert notice["request_id"] == ask.id
    assert "waits_because" not in notice


def test_an_approval_ratifies_and_the_clock_no_longer_withdraws(flash: Desk) -> None:
    ask = _submit(flash)
    answer = flash.decide(ask)
    assert answer["status"] == "active"
    assert not flash.request(ask).provisional
    told = flash.told(flash.cast.a, ask)
    assert told == ["freeze_request.submitted", "freeze_request.ratified"]
    assert flash.told(flash.cast.b, ask) == ["freeze_request.received"]
    assert "ratify_by" not in flash.step(2 * HOUR)
    assert flash.status(ask) == "active"


def test_four_eyes_and_quorum_hold_for_ratifying_too(flash: Desk) -> None:
    a = flash.cast.a
    flash.policy(a, may_flash=[a.system.subject], approval_quorum=1)
    own = _submit(flash, by=a.system)
    assert refusal(flash.decide, own, a.lead).code == "four_eyes"
    flash.policy(a, may_flash=[a.analyst.subject], approval_quorum=2)
    ask = _submit(flash)
    flash.decide(ask)
    assert flash.request(ask).provisional
    assert flash.told(a, ask)[-1] == "freeze_request.approved"
    flash.decide(ask, a.second_lead)
    assert not flash.request(ask).provisional
    assert flash.told(a, ask)[-1] == "freeze_request.ratified"


def test_what_nobody_ratifies_is_unratified_holds_stand_and_nobody_owes_a_release(
    flash: Desk,
) -> None:
    a, b, c = flash.cast.a, flash.cast.b, flash.cast.c
    ask = _submit(flash)
    hold = flash.hold(b, ask)
    assert "ratify_by" not in flash.step(HOUR - HOUR / 60)
    assert "ratify_by" in flash.step(HOUR / 60)
    row = flash.request(ask)
    assert (row.status, row.provisional) == ("active", False)
    assert row.unratified_at == flash.clock.now()
    assert row.unratified_until == flash.clock.now() + 12 * HOUR
    assert (flash.leg(b, ask).flags, flash.leg(b, ask).status) == ([], "frozen")
    assert flash.hold_row(hold).owed_since is None
    for exchange in (a, b, c):
        told = [e["data"] for e in flash.feed(exchange) if e["type"].endswith(".unratified")]
        assert [each["unratified_until"] for each in told] == [format_time(NOON + 13 * HOUR)]
        advice = None if exchange is a else "freeze nothing new, release nothing yet"
        assert told[0].get("advice") == advice
    # Nobody is kept from looking, asking and answering meanwhile.
    flash.act(c.analyst, ask, "acknowledgement")
    flash.act(c.analyst, ask, "info-requests", missing=["the order"])
    flash.act(c.analyst, ask, "review")
    flash.report(c, ask, nothing())
    flash.extend(b, ask, hold, NOON + 12 * DAY)


def test_after_its_twelve_hours_it_withdraws_itself_and_answers_are_owed(flash: Desk) -> None:
    b, c = flash.cast.b, flash.cast.c
    ask = _submit(flash)
    hold = flash.hold(b, ask)
    flash.step(HOUR)
    assert "unratified_until" not in flash.step(12 * HOUR - HOUR / 60)
    assert "unratified_until" in flash.step(HOUR / 60)
    row = flash.request(ask)
    assert (row.status, row.unratified_until) == ("withdrawn", None)
    # What was frozen meanwhile stays irregular.
    assert row.unratified_at == NOON + HOUR
    assert "answer_owed" in flash.leg(b, ask).flags
    assert flash.leg(c, ask).status == "withdrawn"
    assert flash.told(b, ask)[-2:] == ["freeze_request.withdrawn", "answer.owed"]
    assert refusal(flash.decide, ask).current_status == "withdrawn"
    assert flash.hold_row(hold).owed_since is not None


def test_a_lead_who_slept_ratifies_late_and_nothing_was_let_go(flash: Desk) -> None:
    a, b, c = flash.cast.a, flash.cast.b, flash.cast.c
    flash.policy(c, provisional="hold_back")
    flash.policy(a, may_flash=[a.analyst.subject], approval_quorum=2)
    ask = _submit(flash)
    flash.hold(b, ask)
    flash.step(HOUR)
    assert flash.told(c, ask) == []
    flash.step(6 * HOUR)
    flash.decide(ask)
    assert flash.request(ask).unratified_until is not None
    flash.decide(ask, a.second_lead)
    row = flash.request(ask)
    assert (row.status, row.unratified_at, row.unratified_until) == ("active", None, None)
    assert flash.told(a, ask)[-1] == "freeze_request.ratified"
    # Whoever heard that it is unratified hears, with the proof, that it is ratified after all.
    [late] = [e["data"] for e in flash.feed(b) if e["type"] == "freeze_request.ratified"]
    assert [part["act"] for part in late["approvals"]] == ["approve", "approve"]
    assert all(part["token"] and part["body"] for part in late["approvals"])
    assert flash.told(c, ask) == ["freeze_request.received"]
    assert flash.leg(c, ask).queued_at == flash.clock.now()
    assert "unratified_until" not in flash.step(DAY)
    assert flash.status(ask) == "active"


@pytest.mark.parametrize("end", ["reject", "withdraw"])
def test_what_is_unratified_is_ended_by_its_leads(flash: Desk, end: str) -> None:
    ask = _submit(flash)
    flash.hold(flash.cast.b, ask)
    flash.step(HOUR)
    answer = flash.decide(ask, decision="reject") if end == "reject" else flash.withdraw(ask)
    assert answer["status"] == flash.status(ask) == "withdrawn"
    assert "answer_owed" in flash.leg(flash.cast.b, ask).flags


def test_what_is_unratified_does_not_close_by_itself(flash: Desk) -> None:
    ask = _submit(flash, to=[flash.cast.b.handle])
    flash.report(flash.cast.b, ask, nothing())
    flash.step(HOUR)
    final_since = flash.clock.now() - 8 * DAY
    micros = int(final_since.timestamp() * 1_000_000)
    flash.change("UPDATE freeze_request SET final_since = :at WHERE id = :id", at=micros, id=ask.id)
    flash.own(CloseByItself(request_id=ask.id))
    assert flash.status(ask) == "active"


def test_refusing_to_ratify_withdraws_with_all_that_hangs_on_it(flash: Desk) -> None:
    ask = _submit(flash)
    flash.hold(flash.cast.b, ask)
    assert flash.decide(ask, decision="reject")["status"] == "withdrawn"
    assert flash.told(flash.cast.a, ask)[1:] == [
        *("freeze.found", "freeze.frozen", "freeze_request.withdrawn"),
        *("answer.owed", "leg.withdrawn", "leg.withdrawn"),
    ]
    assert flash.leg(flash.cast.b, ask).flags == ["answer_owed"]


def test_whoever_sent_it_out_alone_cannot_close_it_before_another_ratifies(desk: Desk) -> None:
    lead, second = desk.cast.a.lead, desk.cast.a.second_lead
    desk.policy(desk.cast.a, may_flash=[lead.subject])
    ask = _submit(desk, by=lead)
    assert _is_out(desk, ask)
    told = desk.told(desk.cast.b, ask)
    for member in (lead, second):
        refused = refusal(desk.act, member, ask, "closure")
        assert (refused.type, refused.code) == (InvalidTransitionError, "not_ratified")
        assert all(word in refused.message for word in ("ratifies", "rejects", "withdraw"))
    assert _is_out(desk, ask)
    assert desk.told(desk.cast.b, ask) == told
    desk.decide(ask, second)
    assert desk.act(lead, ask, "closure")["status"] == "closed"


def test_a_partner_that_holds_such_back_learns_of_it_at_ratification(flash: Desk) -> None:
    b, c = flash.cast.b, flash.cast.c
    flash.policy(c, provisional="hold_back")
    ask = _submit(flash)
    assert flash.told(b, ask) == ["freeze_request.received"]
    assert flash.told(c, ask) == []
    assert refusal(flash.act, c.analyst, ask, "acknowledgement").code == "not_found"
    flash.clock.step(HOUR / 2)
    flash.decide(ask)
    assert flash.told(c, ask) == ["freeze_request.received"]
    assert flash.told(b, ask) == ["freeze_request.received"]
    notice = flash.feed(c)[-1]["data"]
    assert (notice["provisional"], len(notice["approvals"])) == (False, 1)
    assert flash.leg(c, ask).queued_at == flash.clock.now()
    assert flash.leg(c, ask).acknowledge_by == flash.clock.now() + HOUR / 4


def test_a_partner_that_held_back_learns_at_once_what_was_withdrawn_meanwhile(
    flash: Desk,
) -> None:
    b, c = flash.cast.b, flash.cast.c
    flash.policy(c, provisional="hold_back")
    ask = _submit(flash, addresses=addresses(3))
    flash.withdraw(ask, [1])
    flash.decide(ask)
    told = ["freeze_request.received", "freeze_request.withdrawn"]
    assert (flash.told(c, ask), flash.told(b, ask)) == (told, told)
    assert flash.feed(c)[-1]["data"]["addresses"] == [1]


def test_a_partner_that_holds_back_never_learns_of_what_was_not_ratified(flash: Desk) -> None:
    flash.policy(flash.cast.c, provisional="hold_back")
    ask = _submit(flash)
    flash.step(HOUR)
    flash.step(12 * HOUR)
    assert flash.status(ask) == "withdrawn"
    assert flash.told(flash.cast.c, ask) == []


def test_a_leg_that_comes_late_keeps_the_request_from_closing_by_itself(flash: Desk) -> None:
    b, c = flash.cast.b, flash.cast.c
    flash.policy(c, provisional="hold_back")
    ask = _submit(flash, to=[b.handle, c.handle])
    flash.report(b, ask, nothing())
    flash.clock.step(HOUR / 2)
    flash.decide(ask)
    assert "close_after" not in flash.step(8 * DAY)
    assert flash.status(ask) == "active"


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_ratifying_after_its_time_is_refused_before_any_timer_fires(
    flash: Desk, decision: str
) -> None:
    ask = _submit(flash)
    flash.step(HOUR)
    until = format_time(flash.clock.now() + 12 * HOUR)
    flash.clock.step(12 * HOUR)
    refused = refusal(flash.decide, ask, decision=decision)
    assert (refused.code, refused.current_status) == ("too_late", "active")
    assert until in refused.message
    assert "unratified_until" in flash.fire_due()
    assert flash.status(ask) == "withdrawn"


def test_ratifying_past_its_time_makes_no_difference_before_the_timer_fires(flash: Desk) -> None:
    ask = _submit(flash)
    flash.clock.step(2 * HOUR)
    flash.decide(ask)
    assert flash.told(flash.cast.a, ask)[-1] == "freeze_request.ratified"
    assert "ratify_by" not in flash.fire_due()
    assert "freeze_request.unratified" not in flash.told(flash.cast.b, ask)
