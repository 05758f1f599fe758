"""Contested: a dispute shows to every holder of the same account, as a bare fact."""

from typing import Any

from holdfast.protocol import canonical_json
from tests.factories import ETHER, Exchange
from tests.services.request_cast import (
    HOUR,
    Ask,
    Desk,
    Office,
    corrected,
    found,
    frozen,
    released,
    shared,
)

WORDS = {"reference": "matter-k7", "text": "A shop that was paid with these coins."}
_OTHER_ASSET = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
_TWICE = [
    {"account": "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D", "asset": asset}
    for asset in (ETHER, _OTHER_ASSET)
]


def _dispute(desk: Desk, exchange: Exchange, ask: Ask, **members: Any) -> str:
    return str(desk.act(exchange.compliance, ask, "disputes", **WORDS, **members)["id"])


def _is_contested(desk: Desk, exchange: Exchange, ask: Ask) -> bool:
    return "contested" in desk.leg(exchange, ask).flags


def _told(desk: Desk, exchange: Exchange, ask: Ask) -> list[tuple[bool, list[int]]]:
    return [
        (event["data"]["contested"], event["data"]["address_nos"])
        for event in desk.feed(exchange)
        if event["type"] == "leg.contested" and event["data"]["request_id"] == ask.id
    ]


def test_every_other_holder_of_the_address_is_told_and_nobody_else(desk: Desk) -> None:
    a, b, c, d = desk.cast.all
    ask = desk.go_out()
    hold = desk.hold(b, ask)
    desk.hold(c, ask)
    desk.hold(d, ask, address_no=1)
    _dispute(desk, b, ask, hold=hold)
    assert [_is_contested(desk, each, ask) for each in (b, c, d)] == [False, True, False]
    assert _told(desk, c, ask) == _told(desk, a, ask) == [(True, [0])]
    assert _told(desk, b, ask) == _told(desk, d, ask) == []


def test_it_is_the_bare_fact_without_a_name_or_a_word(office: Office) -> None:
    desk = office.desk
    _, b, c, _ = desk.cast.all
    ask = desk.go_out()
    desk.hold(b, ask)
    desk.hold(c, ask)
    dispute = _dispute(desk, b, ask)
    [event] = [e for e in desk.feed(c) if e["type"] == "leg.contested"][-1:]
    told = canonical_json.dumps(event).decode()
    subjects = {member.subject for member in b.people.values()}
    for hidden in (b.handle, dispute, *WORDS.values(), *subjects):
        assert hidden not in told
    assert event["data"]["by"] == "coordinator"
    path = f"/v1/freeze-requests/{ask.id}"
    leg = office.signer.get(c.auditor, path).get_json()["leg"]
    assert leg["flags"] == ["contested"]
    assert "dispute_answer_by" not in leg
    assert office.signer.get(c.auditor, f"{path}/disputes").get_json()["items"] == []
    evidence = office.signer.get(c.auditor, f"{path}/evidence").get_data(as_text=True)
    assert WORDS["text"] not in evidence


def test_upheld_it_stays_for_every_holder_until_the_address_is_withdrawn(desk: Desk) -> None:
    _, b, c, d = desk.cast.all
    ask = desk.go_out()
    hold = desk.hold(b, ask)
    desk.hold(c, ask)
    desk.hold(c, ask, address_no=1)
    desk.resolve(ask, _dispute(desk, b, ask), "upheld")
    assert [_is_contested(desk, each, ask) for each in (b, c)] == [True, True]
    # The partner that was right lets go; the others' freezes are no less wrong.
    desk.report(b, ask, released(hold, 100, "appeal_upheld"))
    assert [_is_contested(desk, each, ask) for each in (b, c)] == [False, True]
    desk.hold(d, ask)
    assert _told(desk, d, ask) == [(True, [0])]
    desk.withdraw(ask, [0], reason_code="wrong_target")
    assert [_is_contested(desk, each, ask) for each in (b, c, d)] == [False, False, False]
    assert _told(desk, c, ask) == _told(desk, d, ask) == [(True, [0]), (False, [])]


def test_upheld_it_ends_with_the_request_and_with_what_is_held(desk: Desk) -> None:
    _, b, c, _ = desk.cast.all
    withdrawn, let_go = desk.go_out(), desk.go_out()
    holds = [(desk.hold(b, ask), desk.hold(c, ask)) for ask in (withdrawn, let_go)]
    for ask in (withdrawn, let_go):
        desk.resolve(ask, _dispute(desk, b, ask), "upheld")
    desk.withdraw(withdrawn)
    assert not _is_contested(desk, c, withdrawn)
    assert not desk.request(withdrawn).contested
    for exchange, hold in zip((b, c), holds[1], strict=True):
        desk.report(exchange, let_go, released(hold, 100, "appeal_upheld"))
    assert not _is_contested(desk, c, let_go)


def test_upheld_it_is_about_the_account_under_whichever_number(desk: Desk) -> None:
    _, b, c, _ = desk.cast.all
    ask = desk.go_out(addresses=_TWICE)
    desk.hold(b, ask, address_no=0)
    desk.report(c, ask, found(1, 5, _OTHER_ASSET), frozen(1, 5, asset=_OTHER_ASSET))
    desk.resolve(ask, _dispute(desk, b, ask), "upheld")
    desk.withdraw(ask, [0], reason_code="wrong_target")
    assert [_is_contested(desk, each, ask) for each in (b, c)] == [False, True]
    desk.withdraw(ask)
    assert not _is_contested(desk, c, ask)


def test_it_goes_with_the_rejection_of_the_dispute(desk: Desk) -> None:
    _, b, c, _ = desk.cast.all
    ask = desk.go_out()
    desk.hold(b, ask)
    desk.hold(c, ask)
    desk.resolve(ask, _dispute(desk, b, ask), "rejected")
    assert not _is_contested(desk, c, ask)
    assert _told(desk, c, ask) == [(True, [0]), (False, [])]
    assert not desk.request(ask).contested


def test_it_stays_while_another_dispute_about_the_account_is_open(desk: Desk) -> None:
    _, b, c, d = desk.cast.all
    ask = desk.go_out()
    for exchange in (b, c, d):
        desk.hold(exchange, ask)
    first, second = _dispute(desk, b, ask), _dispute(desk, c, ask)
    assert [_is_contested(desk, each, ask) for each in (b, c, d)] == [True, True, True]
    desk.resolve(ask, first)
    assert [_is_contested(desk, each, ask) for each in (b, c, d)] == [True, False, True]
    desk.resolve(ask, second)
    assert [_is_contested(desk, each, ask) for each in (b, c, d)] == [False, False, False]


def test_what_a_holder_was_told_last_names_what_is_contested_now(desk: Desk) -> None:
    _, b, c, d = desk.cast.all
    ask = desk.go_out()
    holds = {
        (each.handle, no): desk.hold(each, ask, address_no=no) for each in (b, d) for no in (0, 1)
    }
    desk.hold(c, ask)
    first = _dispute(desk, b, ask, hold=holds[b.handle, 0])
    second = _dispute(desk, d, ask, hold=holds[d.handle, 1])
    assert _told(desk, b, ask) == [(True, [1])]
    # Freezing what others contest, it learns that beside what it had read before.
    desk.hold(c, ask, address_no=1)
    assert _told(desk, c, ask) == [(True, [0]), (True, [0, 1])]
    # Upheld, it concerns the partner that disputed as well, which had read of another address.
    desk.resolve(ask, first, "upheld")
    assert _told(desk, b, ask) == [(True, [1]), (True, [0, 1])]
    desk.resolve(ask, second)
    assert [_told(desk, each, ask)[-1] for each in (b, c, d)] == [(True, [0])] * 3
    desk.withdraw(ask, [0], reason_code="wrong_target")
    assert [_told(desk, each, ask)[-1] for each in (b, c, d)] == [(False, [])] * 3


def test_upheld_by_two_it_is_told_at_the_second_leads_word_and_not_before(desk: Desk) -> None:
    a, b, c, _ = desk.cast.all
    desk.policy(a, withdrawal_quorum=2)
    ask = desk.go_out()
    hold, _ = desk.hold(b, ask), desk.hold(c, ask)
    _, other = (desk.hold(each, ask, address_no=1) for each in (b, c))
    disputed = _dispute(desk, b, ask, hold=hold)
    _dispute(desk, c, ask, hold=other)
    proposed = desk.resolve(ask, disputed, "upheld")["withdrawal"]
    assert (_told(desk, b, ask), _told(desk, c, ask)) == ([(True, [1])], [(True, [0])])
    desk.decide_withdrawal(ask, proposed)
    # What C read before is true as it was; for B, which had read of another address, it is more.
    assert _told(desk, b, ask) == [(True, [1]), (True, [0, 1])]
    assert _told(desk, c, ask) == [(True, [0])]
    desk.decide_withdrawal(ask, desk.withdraw(ask, [0])["withdrawal"])
    assert _told(desk, b, ask)[-1] == (True, [1])
    assert _told(desk, c, ask)[-1] == (False, [])


def test_what_was_upheld_before_that_was_noted_waits_for_nothing_and_hinders_nothing(
    desk: Desk,
) -> None:
    _, b, c, _ = desk.cast.all
    ask = desk.go_out()
    hold, _ = desk.hold(b, ask), desk.hold(c, ask)
    desk.resolve(ask, _dispute(desk, b, ask, hold=hold), "upheld")
    # As version 0.1.0 left it.
    desk.change(
        "UPDATE dispute SET upheld_addresses = NULL, to_withdraw = NULL, withdraw_since = NULL"
    )
    _dispute(desk, c, ask)
    assert [_is_contested(desk, each, ask) for each in (b, c)] == [True, False]
    desk.report(b, ask, released(hold, 100, "appeal_upheld"))
    desk.withdraw(ask, [0])
    desk.withdraw(ask)
    assert [_is_contested(desk, each, ask) for each in (b, c)] == [False, False]


def test_a_dispute_that_is_moot_contests_nothing_any_more(desk: Desk) -> None:
    _, b, c, _ = desk.cast.all
    ask = desk.go_out()
    hold = desk.hold(b, ask)
    desk.hold(c, ask)
    _dispute(desk, b, ask)
    desk.report(b, ask, released(hold, 100, "appeal_upheld"))
    assert not _is_contested(desk, c, ask)


def test_who_freezes_later_learns_it_and_who_let_go_is_not_shown_it(desk: Desk) -> None:
    _, b, c, _ = desk.cast.all
    ask = desk.go_out()
    desk.hold(b, ask)
    _dispute(desk, b, ask)
    assert _told(desk, c, ask) == []
    hold = desk.hold(c, ask)
    assert _told(desk, c, ask) == [(True, [0])]
    desk.report(c, ask, released(hold, 100, "appeal_upheld"))
    assert _told(desk, c, ask) == [(True, [0]), (False, [])]


def test_a_freeze_that_a_correction_voids_is_none(desk: Desk) -> None:
    _, b, c, _ = desk.cast.all
    ask = desk.go_out()
    desk.hold(b, ask)
    _dispute(desk, b, ask)
    lines = desk.report(c, ask, found(0, 100), frozen(0, 100))["lines"]
    assert _is_contested(desk, c, ask)
    desk.report(c, ask, corrected(lines[1]["id"], 0))
    assert not _is_contested(desk, c, ask)


def test_one_account_under_two_numbers_is_one_account(desk: Desk) -> None:
    _, b, c, _ = desk.cast.all
    ask = desk.go_out(addresses=_TWICE)
    desk.hold(b, ask, address_no=0)
    desk.report(c, ask, found(1, 5, _OTHER_ASSET), frozen(1, 5, asset=_OTHER_ASSET))
    _dispute(desk, b, ask)
    assert _told(desk, c, ask) == [(True, [1])]


def test_a_dispute_without_a_hold_is_about_all_that_is_held(desk: Desk) -> None:
    _, b, c, d = desk.cast.all
    ask = desk.go_out()
    desk.hold(b, ask)
    desk.hold(b, ask, address_no=1)
    desk.hold(c, ask)
    desk.hold(d, ask, address_no=1)
    _dispute(desk, b, ask)
    assert [_is_contested(desk, each, ask) for each in (c, d)] == [True, True]


def test_a_hold_that_two_requests_share_is_contested_where_the_dispute_is(desk: Desk) -> None:
    _, b, c, _ = desk.cast.all
    first, second = desk.go_out(), desk.go_out()
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 0))
    desk.hold(c, first)
    desk.hold(c, second)
    _dispute(desk, b, second)
    assert _is_contested(desk, c, second)
    assert not _is_contested(desk, c, first)
    desk.report(b, first, released(hold, 100, "appeal_upheld"))
    assert not _is_contested(desk, c, second)


def test_on_a_flash_request_the_requester_answers_within_hours(desk: Desk) -> None:
    _, b, *_ = desk.cast.all
    for urgency, hours in (("flash", 4), ("urgent", 72), ("routine", 72)):
        ask = desk.go_out(urgency=urgency)
        desk.hold(b, ask)
        _dispute(desk, b, ask)
        [due] = [
            row["data"]["answer_by"]
            for row in desk.feed(b)
            if row["type"] == "leg.disputed" and row["data"]["request_id"] == ask.id
        ]
        assert due == (desk.clock.now() + hours * HOUR).isoformat().replace("+00:00", "Z")


def test_unanswered_on_a_flash_request_it_recommends_a_release_after_hours(desk: Desk) -> None:
    _, b, *_ = desk.cast.all
    ask = desk.go_out(urgency="flash")
    desk.hold(b, ask)
    _dispute(desk, b, ask)
    assert "dispute_answer_by" not in desk.step(3 * HOUR)
    assert "dispute_answer_by" in desk.step(HOUR)
