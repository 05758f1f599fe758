"""Indemnities: who gives them to whom, and what becomes of who declined for want of one."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import ETHER, Cast, Signer
from tests.services.through_api import REQUESTS, World, problem

TERMS: dict[str, Any] = {
    "cap": {"usd": "250000.00"},
    "law": "EE",
    "until": "2026-09-01T00:00:00Z",
    "document_sha256": "ab" * 32,
}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _give(w: World, request: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return w.act(w.cast.a.compliance, request, "indemnities", **TERMS | changes)


def test_an_indemnity_reaches_all_partners_asked_with_its_proof(w: World) -> None:
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    given = _give(w, request)
    assert {name: given[name] for name in TERMS} == TERMS
    for exchange in (w.cast.a, w.cast.b, w.cast.c):
        assert w.items(exchange.auditor, request, "indemnities")[0]["id"] == given["id"]
        [event] = w.events(exchange, "leg.indemnity_given")
        assert (event["indemnity"], event["cap"], event["to"]) == (given["id"], TERMS["cap"], None)
        assert exchange is w.cast.a or '"law":"EE"' in event["evidence"]["body"]
    w.get(w.cast.d.lead, f"{REQUESTS}/{request['id']}/indemnities", status=404)


def test_what_is_given_to_one_partner_is_nobody_else_s_to_read(w: World) -> None:
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    given = _give(w, request, to=w.cast.b.handle)
    for exchange, seen in ((w.cast.a, 1), (w.cast.b, 1), (w.cast.c, 0)):
        assert len(w.items(exchange.auditor, request, "indemnities")) == seen
        assert len(w.events(exchange, "leg.indemnity_given")) == seen
        acts = [act["act_id"] for act in w.items(exchange.auditor, request, "evidence")]
        assert (given["act_id"] in acts) is bool(seen)


def test_who_declined_for_want_of_one_sees_that_it_was_given_and_reviews_again(w: World) -> None:
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    _give(w, request)  # before anybody asked for one: not what was missing
    w.step(hours=1)
    w.act(w.cast.b.compliance, request, "decline", code="indemnity_required")
    w.act(w.cast.c.compliance, request, "decline", code="policy_refusal")
    assert "indemnity_given_at" not in w.leg(request, w.cast.b)
    w.step(hours=1)
    given = _give(w, request)
    assert w.leg(request, w.cast.b)["indemnity_given_at"] == given["given_at"]
    assert "indemnity_given_at" not in w.leg(request, w.cast.c)
    reviewed = w.act(w.cast.b.compliance, request, "review")
    assert reviewed["leg"]["status"] == "under_review"


def test_one_given_to_another_does_not_show_on_a_leg(w: World) -> None:
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    w.act(w.cast.b.compliance, request, "decline", code="indemnity_required")
    _give(w, request, to=w.cast.c.handle)
    assert "indemnity_given_at" not in w.leg(request, w.cast.b)


def test_compliance_and_leads_of_the_requester_give_it_once_the_request_is_out(w: World) -> None:
    request = w.submit(to=[w.cast.b.handle])
    early = w.try_act(w.cast.a.lead, request, "indemnities", **TERMS)
    assert problem(early, 409, "invalid_transition")["current_status"] == "submitted"
    request = w.live(to=[w.cast.b.handle])
    for member, status, code in (
        (w.cast.a.analyst, 403, "not_allowed"),
        (w.cast.b.lead, 404, "not_found"),
        (w.cast.d.lead, 404, "not_found"),
    ):
        problem(w.try_act(member, request, "indemnities", **TERMS), status, code)
    w.act(w.cast.a.lead, request, "indemnities", **TERMS)
    other = w.try_act(w.cast.a.lead, request, "indemnities", **TERMS, to=w.cast.d.handle)
    problem(other, 404, "not_asked")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"until": "2026-03-02T11:00:00Z"}, "/until"),
        ({"cap": {"asset": "eip155:1/slip44:x", "amount": "1"}}, "/cap/asset"),
        ({"cap": {}}, "/cap"),
        ({"cap": {"usd": "1", "asset": ETHER, "amount": "1"}}, "/cap"),
        ({"cap": {"asset": ETHER}}, "/cap"),
        ({"cap": {"usd": "0"}}, "/cap/usd"),
        ({"law": "as told by jane@example.com"}, "/law"),
        ({"document_sha256": "x"}, "/document_sha256"),
    ],
)
def test_terms_that_say_nothing_are_refused_with_the_place(
    w: World, changes: dict[str, Any], pointer: str
) -> None:
    request = w.live()
    refused = w.try_act(w.cast.a.lead, request, "indemnities", **TERMS | changes)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.get_json()["errors"]] == [pointer]


def test_a_cap_may_be_an_amount_of_an_asset(w: World) -> None:
    cap = {"asset": ETHER, "amount": "5"}
    assert _give(w, w.live(), cap=cap | {"usd": None})["cap"] == cap
