"""Drafts: what `moved_on` says becomes the next request, ready to submit."""

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.api.test_house_rules import FIRST, accept, digest, publish
from tests.factories import ACCOUNT, Cast, Signer, nonce
from tests.services.through_api import REQUESTS, World, found_line

TRON = "tron:0x2b6653dc:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
OTHER = "eip155:1:0xdAC17F958D2ee523a2206206994597C13D831ec7"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _moved(address_nos: object, **following: str) -> dict[str, object]:
    return {
        "kind": "nothing",
        "address_nos": address_nos,
        "code": "moved_on",
        "next": following,
    }


def test_a_draft_is_submitted_as_it_is_but_for_its_nonce(w: World) -> None:
    first = w.live(
        to=[w.cast.b.handle, w.cast.c.handle], addresses=[{"account": ACCOUNT}, {"account": OTHER}]
    )
    lines = [
        _moved([0], account=TRON, service=w.cast.d.handle, tx="ab12" * 16),
        _moved([1], account=TRON.replace("tron:0x2b6653dc", "tron:728126428"), service="x.example"),
    ]
    w.report(w.cast.b, first, lines)
    [draft] = w.items(w.cast.a.analyst, first, "drafts")
    assert (draft["partner"], draft["complete"]) == (w.cast.b.handle, True)
    body = draft["request"]
    assert body["to"] == [w.cast.d.handle]
    assert body["addresses"] == [{"account": TRON, "tx": "ab12" * 16, "role": "receiver"}]
    assert (body["urgency"], body["tlp"], body["hold"]) == ("urgent", "AMBER+STRICT", {"hours": 72})
    [end] = draft["open_ends"]
    assert (end["service"], end["address_no"]) == ("x.example", 1)

    answer = w.signer.post(w.cast.a.analyst, REQUESTS, {**body, "nonce": nonce()})
    assert answer.status_code == 201, answer.data
    hop = answer.get_json()
    assert (hop["follows"], hop["incident"]["id"]) == (first["id"], first["incident"]["id"])


def test_a_transaction_of_the_chain_that_funds_left_is_left_out_of_the_draft(w: World) -> None:
    first = w.live(to=[w.cast.b.handle], addresses=[{"account": ACCOUNT}, {"account": OTHER}])
    far, near = "5" + "VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnb" * 2, "AB12" * 16
    w.report(
        w.cast.b, first, [_moved([0], account=TRON, tx=far), _moved([1], account=OTHER, tx=near)]
    )
    [draft] = w.items(w.cast.a.analyst, first, "drafts")
    assert draft["request"]["addresses"] == [
        {"account": TRON, "role": "receiver"},
        {"account": OTHER, "tx": "0x" + near.lower(), "role": "receiver"},
    ]


def test_a_decline_s_transaction_must_be_whole(w: World) -> None:
    first = w.live(to=[w.cast.b.handle])
    cut = {"code": "moved_on", "next": {"tx": "0xb6"}}
    answer = w.try_act(w.cast.b.lead, first, "decline", **cut)
    assert answer.status_code == 422
    [error] = answer.get_json()["errors"]
    assert (error["pointer"], error["code"]) == ("/next/tx", "bad_transaction")


def test_a_decline_makes_a_draft_and_what_is_unknown_stays_an_open_end(w: World) -> None:
    first = w.live(to=[w.cast.b.handle, w.cast.c.handle, w.cast.d.handle])
    w.act(w.cast.b.lead, first, "decline", code="moved_on", next={"tx": "ab12" * 16})
    w.act(w.cast.c.lead, first, "decline", code="moved_on", next={"account": "eip155:1:nonsense"})
    w.act(w.cast.d.lead, first, "decline", code="funds_gone")
    of_b, of_c = w.items(w.cast.a.lead, first, "drafts")
    assert (of_b["complete"], of_b["request"]["addresses"]) == (False, [])
    assert of_b["open_ends"][0]["tx"] == "ab12" * 16
    assert (of_c["complete"], of_c["request"]["addresses"]) == (False, [])
    assert "nonsense" in of_c["open_ends"][0]["account"]


def test_what_was_found_after_all_leaves_the_draft(w: World) -> None:
    first = w.live(to=[w.cast.b.handle])
    w.report(w.cast.b, first, [_moved("rest", account=TRON, service=w.cast.d.handle)])
    assert len(w.items(w.cast.a.lead, first, "drafts")) == 1
    w.report(w.cast.b, first, [found_line()])
    assert w.items(w.cast.a.lead, first, "drafts") == []


@pytest.mark.parametrize("other", ["lines", "review", "question"])
def test_a_decline_that_is_taken_back_leads_nowhere(w: World, other: str) -> None:
    first = w.live(to=[w.cast.b.handle])
    w.act(w.cast.b.lead, first, "decline", code="moved_on", next={"account": TRON})
    incident = first["incident"]["id"]
    trace = f"/v1/incidents/{incident}/trace"
    moved = [edge for edge in w.get(w.cast.a.lead, trace)["edges"] if edge["kind"] == "moved_on"]
    assert (len(moved), len(w.items(w.cast.a.lead, first, "drafts"))) == (1, 1)
    if other == "lines":
        nothing = {"kind": "nothing", "address_nos": "rest", "code": "funds_gone"}
        w.report(w.cast.b, first, [nothing])
    elif other == "review":
        w.act(w.cast.b.analyst, first, "review")
    else:
        asked = w.act(w.cast.b.analyst, first, "info-requests", missing=["the transaction"])
        w.act(w.cast.a.analyst, first, f"info-requests/{asked['id']}/answer", text="Here it is.")
    assert w.leg(first, w.cast.b)["decline_code"] is None
    assert w.items(w.cast.a.lead, first, "drafts") == []
    edges = w.get(w.cast.a.lead, trace)["edges"]
    assert [edge for edge in edges if edge["kind"] == "moved_on"] == []
    w.act(w.cast.b.lead, first, "decline", code="policy_refusal")
    assert w.leg(first, w.cast.b)["decline_code"] == "policy_refusal"


def test_the_requester_itself_and_partners_that_freeze_nothing_are_not_asked(w: World) -> None:
    first = w.live(to=[w.cast.b.handle])
    w.report(w.cast.b, first, [_moved("rest", account=TRON, service=w.cast.a.handle)])
    [draft] = w.items(w.cast.a.lead, first, "drafts")
    assert (draft["request"]["to"], draft["complete"]) == ([], False)


def test_drafts_are_the_requester_s_alone_and_come_in_pages(w: World) -> None:
    first = w.live()
    for exchange in (w.cast.b, w.cast.c, w.cast.d):
        w.act(exchange.lead, first, "decline", code="moved_on", next={"account": TRON})
    path = f"{REQUESTS}/{first['id']}/drafts"
    w.get(w.cast.b.lead, path, status=404)
    page = w.get(w.cast.a.lead, f"{path}?limit=2")
    rest = w.get(w.cast.a.lead, f"{path}?limit=2&cursor={page['next_cursor']}")
    partners = [draft["partner"] for draft in page["items"] + rest["items"]]
    assert sorted(partners) == [x.handle for x in (w.cast.b, w.cast.c, w.cast.d)]
    assert rest["next_cursor"] is None


def test_a_draft_names_the_rulebook_in_force_and_keeps_the_interest(w: World) -> None:
    interest = {"kinds": ["own_funds"], "statement": "Our hot wallet was drained."}
    first = w.live(to=[w.cast.b.handle], addresses=[{"account": ACCOUNT}], interest=interest)
    moved = _moved([0], account=TRON, service=w.cast.d.handle, tx="ab12" * 16)
    w.report(w.cast.b, first, [moved])
    publish(w, FIRST)
    accept(w, w.cast.a, FIRST)
    [draft] = w.items(w.cast.a.analyst, first, "drafts")
    assert draft["request"]["interest"] == interest
    answer = w.signer.post(w.cast.a.analyst, REQUESTS, {**draft["request"], "nonce": nonce()})
    assert answer.status_code == 201, answer.data
    assert answer.get_json()["rulebook_sha256"] == digest(FIRST)
