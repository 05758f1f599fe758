"""Secret links of claims: who makes them, what they open, and what is said by them."""

from hashlib import sha256
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from tests.factories import Cast, Member, Signer
from tests.services.restoring_cast import DAY, Restoring, claim, opened
from tests.services.through_api import World, problem


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def rst(w: World) -> Restoring:
    return opened(w)


def link(claim_id: str, token: str) -> dict[str, str]:
    """Return a link as it is sent."""
    return {"claim": claim_id, "link_sha256": sha256(token.encode()).hexdigest()}


def _faults(rst: Restoring, member: Member, *links: dict[str, str]) -> list[tuple[str, str]]:
    refused = problem(rst.try_act(member, "claim-links", links=list(links)), 422, "invalid_input")
    return [(each["pointer"], each["code"]) for each in refused["errors"]]


def test_whoever_filed_claims_makes_their_links_and_nobody_else_does(rst: Restoring) -> None:
    a, b = rst.w.cast.a, rst.w.cast.b
    [one, two] = rst.file(claim(1), claim(2))
    [theirs] = rst.file(claim(3, proof="attested", documents=...), by=b.compliance)
    made = rst.act(a.compliance, "claim-links", links=[link(one, "t1"), link(two, "t2")])
    assert (made["links"], made["page"].endswith("/console/claim")) == (2, True)
    assert made["expires_at"] == format_time(rst.w.clock.now() + 180 * DAY)
    assert _faults(rst, a.lead, link(one, "t3"), link(theirs, "t4"), link(one, "t3")) == [
        ("/links/1/claim", "no_such_claim"),
        ("/links/2/claim", "duplicate"),
        ("/links/2/link_sha256", "duplicate"),
    ]
    assert _faults(rst, a.lead, link(two, "t1")) == [("/links/0/link_sha256", "used")]
    assert _faults(rst, b.lead, link(one, "t5"), link(new_id("clm"), "t6")) == [
        ("/links/0/claim", "no_such_claim"),
        ("/links/1/claim", "no_such_claim"),
    ]
    assert rst.act(b.lead, "claim-links", links=[link(theirs, "t7")])["links"] == 1
    problem(rst.try_act(a.analyst, "claim-links", links=[link(one, "t8")]), 403, "not_allowed")
    stranger = rst.try_act(rst.w.cast.d.lead, "claim-links", links=[link(one, "t8")])
    problem(stranger, 404, "not_found")


def test_links_are_taken_back_once_even_behind_the_closure(rst: Restoring) -> None:
    a = rst.w.cast.a
    [one, two] = rst.file(claim(1), claim(2))
    rst.act(a.compliance, "claim-links", links=[link(one, "t1")])
    for each in (one, two):
        rst.decide(a.lead, each, decision="reject", code="not_a_victim")
    rst.w.clock.step(61 * DAY)
    rst.act(a.lead, "closure")
    late = rst.try_act(a.lead, "claim-links", links=[link(one, "t2")])
    problem(late, 409, "restitution_closed")
    assert rst.act(a.lead, "claim-link-revocations", claims=[one, two])["revoked"] == 1
    assert rst.act(a.lead, "claim-link-revocations", claims=[one])["revoked"] == 0
    others = rst.try_act(rst.w.cast.b.lead, "claim-link-revocations", claims=[one])
    refused = problem(others, 422, "invalid_input")
    assert refused["errors"][0]["code"] == "no_such_claim"


def test_neither_a_row_nor_an_event_nor_an_answer_has_a_token(w: World, rst: Restoring) -> None:
    [one] = rst.file(claim(1))
    body: dict[str, Any] = {"links": [link(one, "the-token")]}
    made = rst.act(w.cast.a.compliance, "claim-links", **body)
    [told] = w.events(w.cast.a, "restitution.links_made")
    for shown in (made, told):
        assert "the-token" not in str(shown)
        assert body["links"][0]["link_sha256"] not in str(shown)
    assert told["link_count"] == 1
