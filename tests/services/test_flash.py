"""Flash requests: who may, what goes out at once, and what happens where nobody ratifies."""

import pytest

from coordinator.domain.errors import InvalidTransitionError
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
        assert not _is_out(flash, _submit(flash, by=member))
    assert not _is_out(flash, flash.submit(urgency="urgent"))
    assert not _is_out(flash, _submit(flash, by=flash.cast.b.analyst, to=[flash.cast.c.handle]))


def test_to_all_or_with_an_open_warning_nothing_goes_out_at_once(flash: Desk) -> None:
    assert not _is_out(flash, _submit(flash, to="all"))
    plain = "eip155:1:0x51e9d833ecae4e8d9d8be17300aee6d3398c135d"
    assert not _is_out(flash, _submit(flash, addresses=[{"account": plain}]))


def test_beyond_the_daily_cap_a_flash_request_waits(flash: Desk) -> None:
    sent = [_is_out(flash, _submit(flash)) for _ in range(6)]
    assert sent == [True] * 5 + [False]
    flash.clock.step(DAY - HOUR)
    assert not _is_out(flash, _submit(flash))
    flash.clock.step(HOUR)
    assert _is_out(flash, _submit(flash))


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


def test_what_nobody_ratifies_withdraws_itself_and_its_answers_are_owed(flash: Desk) -> None:
    b, c = flash.cast.b, flash.cast.c
    ask = _submit(flash)
    hold = flash.hold(b, ask)
    assert "ratify_by" not in flash.step(HOUR - HOUR / 60)
    assert "ratify_by" in flash.step(HOUR / 60)
    assert flash.status(ask) == "withdrawn"
    assert not flash.request(ask).provisional
    assert flash.leg(b, ask).flags == ["answer_owed"]
    assert flash.leg(c, ask).status == "withdrawn"
    assert flash.told(b, ask)[-2:] == ["freeze_request.withdrawn", "answer.owed"]
    assert refusal(flash.decide, ask).current_status == "withdrawn"
    assert flash.hold_row(hold).owed_since is not None


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
    flash.clock.step(HOUR)
    refused = refusal(flash.decide, ask, decision=decision)
    assert (refused.code, refused.current_status) == ("too_late", "active")
    assert ask.answer["ratify_by"] in refused.message
    assert flash.fire_due() == ["ratify_by"]
    assert flash.status(ask) == "withdrawn"
