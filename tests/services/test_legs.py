"""One partner's side: what it may say, what each word makes of its leg, and who hears of it."""

from datetime import timedelta
from typing import Any

import pytest

from coordinator.domain.errors import (
    InvalidTransitionError,
    NotFoundError,
    PermissionDeniedError,
    StaleDocumentError,
)
from coordinator.services.requests.legs import MarkLegsDelivered, MarkLegUndeliverable
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import Arrival
from tests.services.request_cast import DAY, HOUR, Desk, found, nothing, refusal

MINUTE = timedelta(minutes=1)
#: Every act of the asked side that takes a body of its own.
BODIES: dict[str, dict[str, Any]] = {
    "acknowledgement": {},
    "review": {},
    "decline": {"code": "policy_refusal"},
    "freeze-reports": {"lines": [nothing()]},
}


@pytest.mark.parametrize("path", BODIES)
def test_before_it_went_out_the_request_does_not_exist_for_those_asked(
    desk: Desk, path: str
) -> None:
    ask = desk.submit()
    refused = refusal(desk.act, desk.cast.b.compliance, ask, path, **BODIES[path])
    assert (refused.type, refused.code) == (NotFoundError, "not_found")
    rejected = desk.submit()
    desk.decide(rejected, decision="reject")
    assert refusal(desk.act, desk.cast.b.compliance, rejected, path, **BODIES[path]) == refused


@pytest.mark.parametrize("path", BODIES)
def test_for_a_partner_that_was_not_asked_the_request_does_not_exist(desk: Desk, path: str) -> None:
    ask = desk.go_out(to=[desk.cast.b.handle])
    stranger = refusal(desk.act, desk.cast.c.compliance, ask, path, **BODIES[path])
    requester = refusal(desk.act, desk.cast.a.compliance, ask, path, **BODIES[path])
    assert stranger.type is requester.type is NotFoundError
    assert desk.told(desk.cast.c, ask) == []


@pytest.mark.parametrize("path", BODIES)
def test_an_act_on_another_document_is_refused(desk: Desk, path: str) -> None:
    ask = desk.go_out()
    other = desk.go_out().content_sha256
    body = BODIES[path] | {"content_sha256": other}
    assert refusal(desk.act, desk.cast.b.compliance, ask, path, **body).type is StaleDocumentError
    assert desk.leg(desk.cast.b, ask).status == "queued"


def test_an_acknowledgement_shows_and_both_sides_hear_of_it_but_no_third(desk: Desk) -> None:
    ask = desk.go_out()
    answer = desk.act(desk.cast.b.system, ask, "acknowledgement")
    assert answer["status"] == answer["leg"]["status"] == "acknowledged"
    leg = desk.leg(desk.cast.b, ask)
    assert (leg.acknowledged_at, leg.delivered_at) == (desk.clock.now(), desk.clock.now())
    for exchange in (desk.cast.a, desk.cast.b):
        assert desk.told(exchange, ask)[-1] == "leg.acknowledged"
    assert desk.told(desk.cast.c, ask) == ["freeze_request.received"]
    assert desk.leg(desk.cast.c, ask).status == "queued"


def test_nobody_acknowledges_twice(desk: Desk) -> None:
    ask = desk.go_out()
    desk.act(desk.cast.b.analyst, ask, "acknowledgement")
    refused = refusal(desk.act, desk.cast.b.lead, ask, "acknowledgement")
    assert (refused.type, refused.current_status) == (InvalidTransitionError, "acknowledged")


def test_a_review_a_decline_and_a_report_imply_acknowledgement(desk: Desk) -> None:
    for path in ("review", "decline", "freeze-reports"):
        ask = desk.go_out()
        desk.act(desk.cast.b.compliance, ask, path, **BODIES[path])
        assert desk.leg(desk.cast.b, ask).acknowledged_at == desk.clock.now()
        refused = refusal(desk.act, desk.cast.b.analyst, ask, "acknowledgement")
        assert refused.type is InvalidTransitionError


def test_a_declined_leg_may_review_and_report_again(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    declined = desk.act(b.compliance, ask, "decline", code="below_threshold")
    assert declined["leg"]["decline_code"] == "below_threshold"
    assert desk.act(b.analyst, ask, "review")["status"] == "under_review"
    desk.act(b.compliance, ask, "decline", code="policy_refusal")
    desk.hold(b, ask)
    assert desk.leg(b, ask).status == "frozen"


def test_who_cannot_say_has_neither_matched_nor_refused_and_owes_nothing_more(desk: Desk) -> None:
    a, b = desk.cast.a, desk.cast.b
    ask = desk.go_out(to=[b.handle])
    said = desk.act(b.compliance, ask, "decline", code="cannot_say")
    assert (said["status"], said["leg"]["decline_code"]) == ("cannot_say", "cannot_say")
    assert desk.told(a, ask)[-1] == desk.told(b, ask)[-1] == "leg.cannot_say"
    assert desk.request(ask).final_since == desk.clock.now()
    # It may look again, as after a refusal; and what it said goes with that.
    reviewed = desk.act(b.analyst, ask, "review")
    assert (reviewed["status"], reviewed["leg"]["decline_code"]) == ("under_review", None)
    assert desk.request(ask).final_since is None
    report = desk.report(b, ask, nothing([0]), nothing([1], "cannot_say"))
    assert report["leg"]["status"] == "cannot_say"
    assert desk.told(a, ask)[-2:] == ["freeze.nothing", "leg.cannot_say"]
    desk.withdraw(ask)
    assert desk.leg(b, ask).status == "cannot_say"


@pytest.mark.parametrize(
    ("after_notice", "code"),
    [(timedelta(0), "left_before_notice"), (HOUR, None), (2 * HOUR, "left_in_future")],
)
def test_funds_left_after_the_notice_and_not_in_the_future(
    desk: Desk, after_notice: timedelta, code: str | None
) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    left_at = format_time(desk.clock.now() + after_notice)
    desk.clock.step(HOUR)
    said = {"code": "left_after_notice", "left_at": left_at}
    line = {"kind": "nothing", "address_nos": "rest", **said}
    if code is not None:
        assert refusal(desk.act, b.lead, ask, "decline", **said).pointers == {"/left_at": code}
        assert refusal(desk.report, b, ask, line).pointers == {"/lines/0/left_at": code}
        assert desk.leg(b, ask).status == "queued"
        return
    assert desk.act(b.lead, ask, "decline", **said)["status"] == "declined"
    assert desk.feed(desk.cast.a)[-1]["data"]["left_at"] == left_at
    report = desk.report(b, ask, line | {"next": {"service": "a bridge"}})
    assert (report["lines"][0]["left_at"], report["leg"]["status"]) == (left_at, "declined")
    told = [e["data"] for e in desk.feed(desk.cast.a) if e["type"] == "freeze.nothing"][-1]
    assert told["lines"][0]["next"] == {"service": "a bridge"}


def test_a_leg_with_frozen_funds_cannot_decline(desk: Desk) -> None:
    ask = desk.go_out()
    desk.hold(desk.cast.b, ask)
    refused = refusal(desk.act, desk.cast.b.lead, ask, "decline", code="policy_refusal")
    assert (refused.type, refused.current_status) == (InvalidTransitionError, "frozen")


def test_found_funds_do_not_keep_a_leg_from_declining(desk: Desk) -> None:
    ask = desk.go_out()
    desk.report(desk.cast.b, ask, found(0, 7))
    assert desk.leg(desk.cast.b, ask).status == "under_review"
    body = {"code": "legal_process_required", "detail": "an order, please"}
    assert desk.act(desk.cast.b.compliance, ask, "decline", **body)["status"] == "declined"
    told = desk.feed(desk.cast.a)[-1]["data"]
    assert (told["code"], told["detail"]) == ("legal_process_required", "an order, please")


@pytest.mark.parametrize(
    ("role", "path", "may"),
    [
        ("analyst", "acknowledgement", True),
        ("system", "review", True),
        ("analyst", "freeze-reports", True),
        ("analyst", "decline", False),
        ("system", "decline", False),
        ("auditor", "acknowledgement", False),
        ("auditor", "freeze-reports", False),
    ],
)
def test_roles_of_the_asked_side(desk: Desk, role: str, path: str, *, may: bool) -> None:
    ask = desk.go_out()
    member = desk.cast.b.people[role]
    if may:
        assert desk.act(member, ask, path, **BODIES[path])["request_id"] == ask.id
    else:
        refused = refusal(desk.act, member, ask, path, **BODIES[path])
        assert refused.type is PermissionDeniedError
        assert desk.leg(desk.cast.b, ask).status == "queued"


def test_a_system_named_by_its_partners_policy_does_what_compliance_does(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    assert refusal(desk.act, b.system, ask, "decline", code="policy_refusal").code == "not_allowed"
    desk.policy(b, systems_as_compliance=[b.system.subject])
    declined = desk.act(b.system, ask, "decline", code="policy_refusal")
    assert declined["status"] == "declined"


def test_the_first_delivery_shows_and_later_ones_change_nothing(desk: Desk) -> None:
    ask = desk.go_out()
    leg_id = desk.leg(desk.cast.b, ask).id
    assert (
        desk.own(MarkLegsDelivered(leg_ids=frozenset({leg_id}), arrival=Arrival.FEED))["delivered"]
        == 1
    )
    first = desk.leg(desk.cast.b, ask)
    desk.clock.step(HOUR)
    assert (
        desk.own(MarkLegsDelivered(leg_ids=frozenset({leg_id}), arrival=Arrival.FEED))["delivered"]
        == 0
    )
    again = desk.leg(desk.cast.b, ask)
    assert (again.version, again.delivered_at) == (first.version, first.delivered_at)
    assert desk.told(desk.cast.a, ask).count("leg.delivered") == 1


def test_after_an_act_a_delivery_never_sets_the_leg_back(desk: Desk) -> None:
    ask = desk.go_out()
    desk.act(desk.cast.b.analyst, ask, "acknowledgement")
    desk.own(
        MarkLegsDelivered(leg_ids=frozenset({desk.leg(desk.cast.b, ask).id}), arrival=Arrival.FEED)
    )
    assert desk.leg(desk.cast.b, ask).status == "acknowledged"
    assert "leg.delivered" not in desk.told(desk.cast.b, ask)


def test_a_notice_given_up_is_flagged_once_and_never_after_it_arrived(desk: Desk) -> None:
    ask = desk.go_out()
    lost, read = (desk.leg(x, ask).id for x in (desk.cast.b, desk.cast.c))
    desk.own(MarkLegsDelivered(leg_ids=frozenset({read}), arrival=Arrival.FEED))
    for leg_id in (lost, lost, read):
        desk.own(MarkLegUndeliverable(leg_id=leg_id))
    assert desk.leg(desk.cast.b, ask).flags == ["undeliverable"]
    assert desk.leg(desk.cast.c, ask).flags == []
    assert desk.told(desk.cast.a, ask).count("leg.undeliverable") == 1


@pytest.mark.parametrize("is_acknowledged", [False, True])
def test_a_notice_that_was_given_up_and_read_after_all_is_flagged_no_more(
    desk: Desk, *, is_acknowledged: bool
) -> None:
    """By the partner's own reading, or because whoever acts on it must have it."""
    b, ask = desk.cast.b, desk.go_out()
    leg_id = desk.leg(b, ask).id
    desk.own(MarkLegUndeliverable(leg_id=leg_id))
    if is_acknowledged:
        answer = desk.act(b.analyst, ask, "acknowledgement")
        assert answer["leg"]["flags"] == []
    else:
        desk.own(MarkLegsDelivered(leg_ids=frozenset({leg_id}), arrival=Arrival.FEED))
    assert desk.leg(b, ask).flags == []


@pytest.mark.parametrize(
    ("urgency", "within"), [("flash", 15 * MINUTE), ("urgent", 2 * HOUR), ("routine", DAY)]
)
def test_a_leg_is_overdue_once_its_time_to_acknowledge_is_past(
    desk: Desk, urgency: str, within: timedelta
) -> None:
    ask = desk.go_out(urgency=urgency)
    desk.act(desk.cast.c.analyst, ask, "review")
    assert desk.step(within - MINUTE) == []
    assert desk.step(MINUTE) == ["acknowledge_by"] * 2
    assert desk.leg(desk.cast.b, ask).flags == ["overdue"]
    assert desk.leg(desk.cast.c, ask).flags == []
    assert desk.told(desk.cast.b, ask)[-1] == "leg.overdue"
    assert "acknowledge_by" not in desk.step(HOUR)
    answer = desk.act(desk.cast.b.analyst, ask, "acknowledgement")
    assert answer["leg"]["flags"] == desk.leg(desk.cast.b, ask).flags == []
