"""More partners on a live request: proposed, approved by another lead, then asked."""

from hashlib import sha256
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.vocabulary import PartnerKind
from tests import factories
from tests.factories import Cast, Signer
from tests.services.through_api import World, pointers, problem


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def request_to_b(w: World) -> dict[str, Any]:
    return w.live(to=[w.cast.b.handle])


def _propose(w: World, request: dict[str, Any], *handles: str, **more: Any) -> dict[str, Any]:
    return w.act(w.cast.a.lead, request, "partners", to=list(handles), **more)


def _approval(addition: dict[str, Any], decision: str = "approve") -> dict[str, Any]:
    return {"decision": decision, "context_sha256": addition["context_sha256"]}


def test_nobody_is_asked_before_another_lead_approves(
    w: World, request_to_b: dict[str, Any]
) -> None:
    addition = _propose(w, request_to_b, w.cast.c.handle)
    assert addition["addition_status"] == "pending"
    w.get(w.cast.c.lead, f"/v1/freeze-requests/{request_to_b['id']}", status=404)
    assert w.events(w.cast.c, "freeze_request.received") == []
    decided = w.act(w.cast.a.second_lead, request_to_b, "approvals", **_approval(addition))
    assert (decided["addition_status"], decided["status"]) == ("approved", "active")
    w.get(w.cast.c.lead, f"/v1/freeze-requests/{request_to_b['id']}")
    assert w.leg(request_to_b, w.cast.c)["acknowledge_by"] == "2026-03-02T14:00:00Z"
    [notice] = w.events(w.cast.c, "freeze_request.received")
    assert [act["act"] for act in notice["addition"]] == ["add_partners", "approve_addition"]
    assert notice["approvals"][0]["act"] == "approve"
    view = w.get(w.cast.a.lead, f"/v1/freeze-requests/{request_to_b['id']}")
    assert view["to"] == [w.cast.b.handle, w.cast.c.handle]
    assert len(view["approvals"]) == 1
    [listed] = w.get(w.cast.a.lead, "/v1/freeze-requests")["items"]
    assert listed["partners_asked"] == 2
    # The partner asked before learns nothing of it, and has one notice only.
    assert len(w.events(w.cast.b, "freeze_request.received")) == 1


def test_the_context_is_what_the_design_says_and_its_hash_is_what_is_approved(
    w: World, request_to_b: dict[str, Any]
) -> None:
    body = {"content_sha256": request_to_b["content_sha256"], "to": [w.cast.c.handle]}
    raw = canonical_json.dumps(body)
    path = f"/v1/freeze-requests/{request_to_b['id']}/partners"
    addition = w.signer.post(w.cast.a.lead, path, raw).get_json()
    assert strict_json.loads(addition["decision_context"].encode()) == {
        "v": 1,
        "request_id": request_to_b["id"],
        "content_sha256": request_to_b["content_sha256"],
        "act_sha256": sha256(raw).hexdigest(),
        "to": [w.cast.c.handle],
        "warnings": [],
    }
    hashed = sha256(addition["decision_context"].encode()).hexdigest()
    assert hashed == addition["context_sha256"]
    [shown] = w.items(w.cast.a.auditor, request_to_b, "partners")
    assert shown["decision_context"] == addition["decision_context"]


def test_whoever_proposed_an_addition_does_not_approve_it(
    w: World, request_to_b: dict[str, Any]
) -> None:
    addition = _propose(w, request_to_b, w.cast.c.handle)
    refused = w.try_act(w.cast.a.lead, request_to_b, "approvals", **_approval(addition))
    problem(refused, 403, "four_eyes")
    stranger = w.try_act(w.cast.b.lead, request_to_b, "approvals", **_approval(addition))
    problem(stranger, 404, "not_found")
    analyst = w.try_act(w.cast.a.analyst, request_to_b, "approvals", **_approval(addition))
    problem(analyst, 403, "not_allowed")
    assert w.events(w.cast.c, "freeze_request.received") == []


def test_a_rejected_addition_asks_nobody_and_can_be_proposed_again_with_a_nonce(
    w: World, request_to_b: dict[str, Any]
) -> None:
    addition = _propose(w, request_to_b, w.cast.c.handle)
    w.act(w.cast.a.second_lead, request_to_b, "approvals", **_approval(addition, "reject"))
    view = w.get(w.cast.a.lead, f"/v1/freeze-requests/{request_to_b['id']}")
    assert (view["status"], view["to"]) == ("active", [w.cast.b.handle])
    again = w.try_act(w.cast.a.second_lead, request_to_b, "approvals", **_approval(addition))
    problem(again, 409, "addition_decided")
    same = w.try_act(w.cast.a.lead, request_to_b, "partners", to=[w.cast.c.handle])
    problem(same, 409, "same_addition")
    second = _propose(w, request_to_b, w.cast.c.handle, nonce=factories.nonce())
    w.act(w.cast.a.second_lead, request_to_b, "approvals", **_approval(second))
    assert len(w.events(w.cast.c, "freeze_request.received")) == 1
    kinds = ("proposed", "refused", "added")
    told = [f"freeze_request.partners_{kind}" for kind in kinds]
    assert len(w.events(w.cast.a, *told)) == 4
    for exchange in (w.cast.b, w.cast.c):
        assert w.events(exchange, *told) == []


def test_an_addition_that_nobody_decides_expires(w: World, request_to_b: dict[str, Any]) -> None:
    addition = _propose(w, request_to_b, w.cast.c.handle)
    w.step(hours=24)
    refused = w.try_act(w.cast.a.second_lead, request_to_b, "approvals", **_approval(addition))
    assert addition["approve_by"] in problem(refused, 409, "too_late")["detail"]
    [shown] = w.items(w.cast.a.lead, request_to_b, "partners")
    assert shown["addition_status"] == "expired"
    _propose(w, request_to_b, w.cast.c.handle, nonce=factories.nonce())


def test_a_request_that_nobody_ratified_in_time_takes_no_more_partners(w: World) -> None:
    policy = {"policy": {"may_flash": [w.cast.a.analyst.subject]}}
    assert w.signer.post(w.cast.a.root, "/v1/grants", policy).status_code == 201
    request = w.submit(urgency="flash", to=[w.cast.b.handle])
    assert request["provisional"]
    addition = _propose(w, request, w.cast.c.handle)
    w.step(hours=1)
    for timers in (0, 1):
        assert timers == 0 or w.run_timer("ratify_by") == 1
        for late in (
            w.try_act(w.cast.a.second_lead, request, "approvals", **_approval(addition)),
            w.try_act(w.cast.a.lead, request, "partners", to=[w.cast.d.handle]),
        ):
            assert "ratifies or rejects it" in problem(late, 409, "not_ratified")["detail"]
    assert w.events(w.cast.c, "freeze_request.received") == []


def test_partners_that_cannot_be_added_are_named_all_at_once(
    w: World, request_to_b: dict[str, Any]
) -> None:
    watch = factories.new_exchange("watch.example")
    factories.admit(w.database, w.vault, w.clock, watch, PartnerKind.ANALYTICS)
    pending = _propose(w, request_to_b, w.cast.c.handle)
    handles = [
        w.cast.a.handle,
        w.cast.b.handle,
        w.cast.c.handle,
        w.cast.d.handle,
        "nobody.example",
        watch.handle,
    ]
    refused = w.try_act(w.cast.a.lead, request_to_b, "partners", to=handles)
    shown = problem(refused, 422, "invalid_partners")
    assert {error["pointer"]: error["code"] for error in shown["errors"]} == {
        "/to/0": "oneself",
        "/to/1": "already_asked",
        "/to/2": "already_proposed",
        "/to/4": "unknown_partner",
        "/to/5": "not_askable",
    }
    assert pending["id"] in shown["errors"][2]["detail"]
    assert len(w.items(w.cast.a.lead, request_to_b, "partners")) == 1


def test_only_leads_of_the_requester_propose_and_only_on_a_live_request(w: World) -> None:
    request = w.submit(to=[w.cast.b.handle])
    early = w.try_act(w.cast.a.lead, request, "partners", to=[w.cast.c.handle])
    assert problem(early, 409, "invalid_transition")["current_status"] == "submitted"
    request = w.live(to=[w.cast.b.handle])
    analyst = w.try_act(w.cast.a.analyst, request, "partners", to=[w.cast.c.handle])
    problem(analyst, 403, "not_allowed")
    asked = w.try_act(w.cast.b.lead, request, "partners", to=[w.cast.c.handle])
    problem(asked, 404, "not_found")
    w.get(w.cast.b.lead, f"/v1/freeze-requests/{request['id']}/partners", status=404)
    addition = _propose(w, request, w.cast.c.handle)
    w.act(
        w.cast.a.lead,
        request,
        "withdrawal",
        addresses="all",
        reason_code="other",
        reason="an error",
    )
    late = w.try_act(w.cast.a.second_lead, request, "approvals", **_approval(addition))
    assert problem(late, 409, "invalid_transition")["current_status"] == "withdrawn"
    assert w.events(w.cast.c, "freeze_request.received") == []


def test_a_decision_is_made_once_and_accepts_no_warning_that_is_not_there(
    w: World, request_to_b: dict[str, Any]
) -> None:
    addition = _propose(w, request_to_b, w.cast.c.handle)
    accepted = [{"code": "duplicate", "address_nos": "all", "reason": "known"}]
    refused = w.try_act(
        w.cast.a.second_lead,
        request_to_b,
        "approvals",
        **_approval(addition),
        warnings_accepted=accepted,
    )
    assert pointers(problem(refused, 422, "invalid_input")) == ["/warnings_accepted/0/code"]
    w.act(w.cast.a.second_lead, request_to_b, "approvals", **_approval(addition))
    twice = w.try_act(w.cast.a.second_lead, request_to_b, "approvals", **_approval(addition))
    problem(twice, 409, "addition_decided")
    assert len(w.items(w.cast.a.lead, request_to_b, "legs")) == 2


def test_a_partner_added_late_keeps_the_request_from_closing_by_itself(
    w: World, request_to_b: dict[str, Any]
) -> None:
    line = {"kind": "nothing", "address_nos": "rest"}
    w.report(w.cast.b, request_to_b, [line])
    w.step(days=6)
    addition = _propose(w, request_to_b, w.cast.c.handle)
    w.act(w.cast.a.second_lead, request_to_b, "approvals", **_approval(addition))
    w.step(days=2)
    assert w.run_timer("close_after") == 0
    w.report(w.cast.c, request_to_b, [line])
    w.step(days=7)
    assert w.run_timer("close_after") == 1


def test_a_notice_to_a_partner_added_stays_small_however_large_the_request(w: World) -> None:
    request = w.live(to=[w.cast.b.handle], summary="x" * 2000, legal={"agency": "y" * 120})
    addition = _propose(w, request, w.cast.c.handle)
    body = _approval(addition) | {"comment": "z" * 500}
    w.act(w.cast.a.second_lead, request, "approvals", **body)
    [notice] = w.events(w.cast.c, "freeze_request.received")
    assert len(canonical_json.dumps(notice)) < 20_000
