"""Closing: by a lead once nothing is held, and by itself a week after the last answer."""

from coordinator.domain.errors import ConflictError
from tests.services.request_cast import DAY, HOUR, Desk, nothing, refusal, released


def test_a_request_closes_once_no_hold_is_open_and_the_rest_shows_as_withdrawn(desk: Desk) -> None:
    a, b, c, d = desk.cast.all
    ask = desk.go_out()
    hold = desk.hold(b, ask)
    desk.report(c, ask, nothing())
    refused = refusal(desk.close, ask)
    assert (refused.type, refused.code) == (ConflictError, "holds_open")
    assert refused.current_status == desk.status(ask) == "active"
    desk.report(b, ask, released(hold, 100, "false_positive"))
    assert desk.close(ask)["status"] == desk.status(ask) == "closed"
    assert [desk.leg(x, ask).status for x in (b, c, d)] == ["released", "no_match", "withdrawn"]
    assert desk.told(b, ask)[-1] == desk.told(c, ask)[-1] == "freeze_request.closed"
    assert desk.told(d, ask)[-2:] == ["freeze_request.closed", "leg.withdrawn"]
    assert desk.told(a, ask)[-2:] == ["freeze_request.closed", "leg.withdrawn"]


def test_a_hold_whose_amount_is_withheld_keeps_a_request_open_until_it_is_ended(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    lines = [
        {"kind": "found", "address_no": 0, "asset": "eip155:1/slip44:60", "amount": None},
        {
            "kind": "frozen",
            "address_no": 0,
            "asset": "eip155:1/slip44:60",
            "amount": None,
            "frozen_at": "2026-03-02T12:00:00Z",
            "hold_expires_at": "2026-03-12T12:00:00Z",
        },
    ]
    hold = desk.report(b, ask, *lines)["lines"][1]["hold"]
    assert refusal(desk.close, ask).code == "holds_open"
    desk.report(b, ask, released(hold, None))
    assert desk.close(ask)["status"] == "closed"


def test_only_a_lead_of_the_requester_closes(desk: Desk) -> None:
    ask = desk.go_out()
    for member in (desk.cast.a.analyst, desk.cast.a.compliance):
        assert refusal(desk.act, member, ask, "closure").code == "not_allowed"
    assert refusal(desk.act, desk.cast.b.lead, ask, "closure").code == "not_found"


def test_a_request_closes_by_itself_seven_days_after_its_last_leg_is_final(desk: Desk) -> None:
    b, c = desk.cast.b, desk.cast.c
    ask = desk.go_out(to=[b.handle, c.handle])
    desk.report(b, ask, nothing())
    desk.step(DAY)
    desk.report(c, ask, nothing())
    assert "close_after" not in desk.step(7 * DAY - HOUR)
    assert desk.step(HOUR) == ["close_after"]
    assert desk.status(ask) == "closed"
    kind = "SELECT evidence_kind FROM act WHERE request_id = :id AND kind = 'close'"
    assert desk.sql(kind, id=ask.id) == "coordinator"


def test_a_new_line_starts_the_seven_days_again(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out(to=[b.handle])
    desk.report(b, ask, nothing())
    desk.step(5 * DAY)
    hold = desk.hold(b, ask)
    assert "close_after" not in desk.step(5 * DAY)
    desk.report(b, ask, released(hold, 100))
    assert "close_after" not in desk.step(6 * DAY)
    assert "close_after" in desk.step(DAY)


def test_an_answer_that_is_owed_keeps_a_request_open(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out(to=[b.handle])
    hold = desk.hold(b, ask)
    desk.step(30 * DAY)
    assert desk.leg(b, ask).owes_answer
    assert desk.status(ask) == "active"
    desk.report(b, ask, released(hold, 100, "expired"))
    desk.step(7 * DAY)
    assert desk.status(ask) == "closed"


def test_an_unanswered_leg_keeps_a_request_open_for_ever(desk: Desk) -> None:
    ask = desk.go_out(to=[desk.cast.b.handle, desk.cast.c.handle])
    desk.report(desk.cast.b, ask, nothing())
    desk.step(400 * DAY)
    assert desk.status(ask) == "active"
