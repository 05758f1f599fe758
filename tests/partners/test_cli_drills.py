"""Terminals say of a drill that it is one: in lists, on its page, and in what an act answers."""

from typing import Any

import pytest

from holdfast.protocol.type_ids import new_id
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT, act_view, leg_view

pytestmark = pytest.mark.usefixtures("analyst")

_WHOLE = "THIS IS A DRILL"


def _row(*, drill: bool) -> dict[str, Any]:
    return {
        "id": FRQ,
        "drill": drill,
        "status": "active",
        "requester": "exchange-a.example",
        "urgency": "urgent",
        "submitted_at": AT,
        "incident_id": new_id("inc"),
        "incident_title": "Hot wallet",
        "address_count": 1,
        "partners_asked": 1,
    }


def _hold(*, drill: bool) -> dict[str, Any]:
    amounts = dict.fromkeys(("frozen", "held", "released", "returned", "seized"), "1")
    return {
        "id": new_id("hld"),
        "request_id": FRQ,
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
        "address_no": 0,
        "asset": "eip155:1/slip44:60",
        "basis": "voluntary",
        "frozen_at": AT,
        "hold_expires_at": AT,
        "lapsed": True,
        "owed_since": AT,
        "drill": drill,
        **amounts,
    }


@pytest.mark.parametrize("drill", [True, False])
def test_lists_name_a_drill_as_one(
    shell: Shell,
    stub: StubCoordinator,
    drill: bool,  # noqa: FBT001
) -> None:
    for box in ("sent", "received"):
        stub.answers("GET", f"/v1/freeze-requests?box={box}", {"items": [_row(drill=drill)]})
    incident = {"id": new_id("inc"), "title": "Hot wallet", "kind": "hack", "occurred_at": AT}
    listed = {**incident, "drill": drill, "request_count": 1}
    stub.answers("GET", "/v1/incidents", {"items": [listed]})
    stub.answers("GET", "/v1/holds/owed", {"items": [_hold(drill=drill)]})
    stub.answers("GET", f"{REQUEST}/holds", {"items": [_hold(drill=drill)]})
    stub.answers("GET", f"{REQUEST}/addresses", {"items": []})
    for words in (
        ("status",),
        ("inbox", "--received"),
        ("incidents",),
        ("owed",),
        ("holds", FRQ),
    ):
        assert ("DRILL" in shell(*words).output) is drill, words


@pytest.mark.parametrize("drill", [True, False])
def test_a_drill_s_own_page_and_the_answer_to_an_act_on_it_say_so_first(
    shell: Shell,
    stub: StubCoordinator,
    drill: bool,  # noqa: FBT001
) -> None:
    answer_request(stub, drill=drill)
    stub.answers("GET", f"{REQUEST}/legs", {"items": []})
    act = act_view(leg=leg_view(), **({"drill": True} if drill else {}))
    stub.answers("POST", f"{REQUEST}/acknowledgement", act, status=201)
    for words in (("status", FRQ), ("acknowledge", FRQ)):
        done = shell(*words)
        assert done.exit_code == 0, done.output
        assert done.output.startswith(_WHOLE) is drill


@pytest.mark.parametrize("drill", [True, False])
def test_events_of_a_drill_say_so(
    shell: Shell,
    stub: StubCoordinator,
    drill: bool,  # noqa: FBT001
) -> None:
    data = {"request_id": FRQ, **({"drill": True} if drill else {})}
    event = {"seq": 1, "id": "evt_1", "type": "leg.acknowledged", "timestamp": AT, "data": data}
    page = {"events": [event], "next_after": 1, "has_more": False}
    stub.answers("GET", "/v1/events?after=0", page)
    assert ("DRILL: leg.acknowledged" in shell("events").output) is drill
