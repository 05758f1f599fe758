"""What happened on one request, what it asks for, what each address was answered with."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.api.acts import fresh_account
from tests.factories import ETHER, Cast, Signer
from tests.services.through_api import World


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _live(w: World, **changes: Any) -> dict[str, Any]:
    addresses = [
        {"account": fresh_account(), "asset": ETHER, "amount": amount} for amount in ("700", "50")
    ]
    return w.live(**{"addresses": [*addresses, {"account": fresh_account()}], **changes})


def test_events_come_from_either_end_with_what_proves_them(w: World) -> None:
    request = _live(w)
    w.freeze(w.cast.b, request)
    path = f"/v1/freeze-requests/{request['id']}/events"
    oldest = w.get(w.cast.a.auditor, path)["items"]
    newest = w.get(w.cast.a.auditor, f"{path}?order=newest")["items"]
    assert newest == oldest[::-1]
    assert [e["type"] for e in oldest][:2] == [
        "freeze_request.submitted",
        "freeze_request.approved",
    ]
    assert [e["act"] for e in oldest] == ["submit", "approve", "report", "report"]
    assert {e["evidence"] for e in oldest} == {"jws"}
    found = w.items(w.cast.a.auditor, request, "evidence")
    by_id = {each["act_id"]: each["leaf_index"] for each in found}
    assert {e["act_id"] for e in oldest} == set(by_id)
    assert by_id[oldest[1]["act_id"]] == oldest[1]["leaf_index"]


def test_pages_of_events_join_from_either_end(w: World) -> None:
    request = _live(w)
    w.freeze(w.cast.b, request)
    path = f"/v1/freeze-requests/{request['id']}/events"
    for order in ("oldest", "newest"):
        whole = w.get(w.cast.a.auditor, f"{path}?order={order}")["items"]
        joined, cursor = [], ""
        while True:
            page = w.get(w.cast.a.auditor, f"{path}?order={order}&limit=1{cursor}")
            joined += page["items"]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert joined == whole


def test_a_partner_asked_reads_only_what_it_was_told(w: World) -> None:
    request = _live(w)
    w.freeze(w.cast.b, request)
    w.freeze(w.cast.c, request)
    path = f"/v1/freeze-requests/{request['id']}/events"
    told = w.get(w.cast.c.auditor, path)["items"]
    assert {e["data"].get("partner") for e in told} <= {None, w.cast.c.handle}
    assert "freeze.frozen" in {e["type"] for e in told}
    only_b = _live(w, to=[w.cast.b.handle])
    for part in ("events", "asked", "answers"):
        w.get(w.cast.c.auditor, f"/v1/freeze-requests/{only_b['id']}/{part}", status=404)


def test_types_narrow_events_down(w: World) -> None:
    request = _live(w)
    w.freeze(w.cast.b, request)
    path = f"/v1/freeze-requests/{request['id']}/events?types=freeze.*"
    found = w.get(w.cast.a.auditor, path)["items"]
    assert [e["type"] for e in found] == ["freeze.found", "freeze.frozen"]


def test_what_is_asked_for_is_what_counts_of_the_addresses_still(w: World) -> None:
    request = _live(w)
    path = f"/v1/freeze-requests/{request['id']}/asked"
    assert w.get(w.cast.b.auditor, path) == {"asked": {ETHER: "750"}, "stated": 2}
    w.act(
        w.cast.a.lead,
        request,
        "withdrawal",
        addresses=[1],
        reason_code="other",
        reason="too small",
    )
    assert w.get(w.cast.a.auditor, path) == {"asked": {ETHER: "700"}, "stated": 1}


def test_answers_by_address_are_all_for_the_requester_and_one_s_own_for_a_partner(
    w: World,
) -> None:
    request = _live(w)
    w.freeze(w.cast.b, request)
    nothing = {"kind": "nothing", "address_nos": [1], "code": "moved_on"}
    w.report(w.cast.c, request, [{**nothing, "next": {"service": "bridge.example"}}])
    path = f"/v1/freeze-requests/{request['id']}/answers"
    frozen, moved = w.get(w.cast.a.auditor, path)["items"]
    assert (frozen["partner"], frozen["assets"][ETHER]["held"]) == (w.cast.b.handle, "700")
    assert (moved["address_no"], moved["code"]) == (1, "moved_on")
    assert w.get(w.cast.c.auditor, path)["items"] == [moved]
    assert w.get(w.cast.a.auditor, f"{path}?first=1&last=1")["items"] == [moved]


def test_one_act_of_the_evidence_is_had_by_its_id(w: World) -> None:
    request = _live(w)
    for act in w.items(w.cast.a.auditor, request, "evidence"):
        path = f"/v1/freeze-requests/{request['id']}/evidence?act={act['act_id']}"
        assert w.get(w.cast.a.auditor, path)["items"] == [act]


def test_open_holds_come_by_their_end_each_for_its_own_side(w: World) -> None:
    request = _live(w)
    later = w.freeze(w.cast.b, request)
    sooner = w.report(
        w.cast.c,
        request,
        [
            {"kind": "found", "address_no": 1, "asset": ETHER, "amount": "50"},
            {
                "kind": "frozen",
                "address_no": 1,
                "asset": ETHER,
                "amount": "50",
                "frozen_at": "2026-03-02T12:00:00Z",
                "hold_expires_at": "2026-03-04T12:00:00Z",
            },
        ],
    )["lines"][1]["hold"]
    path = f"/v1/holds?side=for_us&request={request['id']}"
    assert [h["id"] for h in w.get(w.cast.a.auditor, path)["items"]] == [sooner, later]
    page = w.get(w.cast.a.auditor, f"{path}&limit=1")
    rest = w.get(w.cast.a.auditor, f"{path}&limit=1&cursor={page['next_cursor']}")
    assert [h["id"] for h in (*page["items"], *rest["items"])] == [sooner, later]
    assert [h["id"] for h in w.get(w.cast.b.auditor, "/v1/holds")["items"]] == [later]
    assert w.get(w.cast.d.auditor, "/v1/holds")["items"] == []


def _found(w: World, member: Any, text: str) -> list[tuple[str, str | None]]:
    page = w.get(member, f"/v1/search?q={text}")
    return [(each["kind"], each.get("request_id")) for each in page["items"]]


def test_a_search_finds_what_one_may_read_and_nothing_else(w: World) -> None:
    request = _live(w, to=[w.cast.b.handle])
    hold = w.freeze(w.cast.b, request)
    leg = w.leg(request, w.cast.b)["id"]
    account = w.items(w.cast.a.auditor, request, "addresses")[0]["account"]
    address = account.rpartition(":")[2]
    for member in (w.cast.a.auditor, w.cast.b.auditor):
        for text in (address, address.lower(), account):
            assert ("address", request["id"]) in _found(w, member, text), text
        assert _found(w, member, request["id"]) == [("request", request["id"])]
        assert _found(w, member, request["incident"]["id"]) == [("request", request["id"])]
        for part in (hold, leg):
            assert _found(w, member, part) == [("part", request["id"])]
    for text in (address, request["id"], request["incident"]["id"], hold, leg):
        assert _found(w, w.cast.c.auditor, text) == [], text
    assert _found(w, w.cast.c.auditor, w.cast.b.handle) == [("partner", None)]


def test_ended_requests_stay_found_and_listed_with_their_reason(w: World) -> None:
    request = _live(w, to=[w.cast.b.handle])
    w.act(
        w.cast.a.lead, request, "withdrawal", addresses="all", reason_code="legal", reason="barred"
    )
    address = w.items(w.cast.a.auditor, request, "addresses")[0]["account"].rpartition(":")[2]
    for member in (w.cast.a.auditor, w.cast.b.auditor):
        assert ("address", request["id"]) in _found(w, member, address)
        (row,) = w.get(member, "/v1/freeze-requests?box=ended")["items"]
        assert (row["id"], row["withdrawn_reason_code"]) == (request["id"], "legal")
    assert w.get(w.cast.c.auditor, "/v1/freeze-requests?box=ended")["items"] == []


def test_a_partner_asked_finds_no_leg_of_another(w: World) -> None:
    request = _live(w)
    w.freeze(w.cast.b, request)
    leg = w.leg(request, w.cast.b)["id"]
    assert _found(w, w.cast.c.auditor, leg) == []
    assert _found(w, w.cast.c.auditor, request["id"]) == [("request", request["id"])]
