"""Incidents: totals, timeline and trace over what the reader may see, and nothing more."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.client.incident_trace import as_text, join
from holdfast.protocol import base64url
from holdfast.protocol.life_cycle_views import TracePage
from tests.factories import ACCOUNT, ETHER, Cast, Exchange, Signer
from tests.services.through_api import World, frozen_line, parameters, problem

TRON = "tron:0x2b6653dc:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
SOLANA = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:So11111111111111111111111111111111111111112"
TX = "0x" + "Ab" * 32
SIGNATURE = "5" + "VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnb" * 2
SENT = {"account": ACCOUNT, "asset": ETHER, "role": "sender", "tx": TX}
RECEIVED = {"account": "eip155:1:0xdac17f958d2ee523a2206206994597c13d831ec7", "tx": TX[2:].upper()}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _incident(w: World, exchange: Exchange, request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = w.get(exchange.auditor, f"/v1/incidents/{request['incident']['id']}")
    return found


def _edges(trace: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(edge["kind"], edge["source"], edge["target"]) for edge in trace["edges"]}


def _hop(w: World, before: dict[str, Any], **changes: Any) -> dict[str, Any]:
    changes = {"addresses": [{"account": TRON}], **changes}
    incident = {"id": before["incident"]["id"]}
    return w.live(incident=incident, follows=before["id"], to=[w.cast.c.handle], **changes)


def test_totals_are_over_what_the_reader_may_see(w: World) -> None:
    first = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    second = _hop(w, first, addresses=[{"account": ACCOUNT}])
    w.freeze(w.cast.b, first, "700")
    w.freeze(w.cast.c, first, "50")
    w.freeze(w.cast.c, second, "8")
    held = {x.handle: _incident(w, x, first)["totals"][ETHER]["held"] for x in w.cast.all[:3]}
    assert held == {w.cast.a.handle: "758", w.cast.b.handle: "700", w.cast.c.handle: "58"}
    assert _incident(w, w.cast.b, first)["requests"] == [first["id"]]
    w.get(w.cast.d.auditor, f"/v1/incidents/{first['incident']['id']}", status=404)


def test_a_hold_shared_by_two_requests_counts_once(w: World) -> None:
    first = w.live(to=[w.cast.c.handle])
    hold = w.freeze(w.cast.c, first, "700")
    second = _hop(w, first, addresses=[{"account": ACCOUNT}])
    w.report(w.cast.c, second, [{"kind": "frozen", "address_no": 0, "hold": hold}])
    assert _incident(w, w.cast.a, first)["totals"][ETHER]["held"] == "700"


def test_the_timeline_tells_each_reader_what_was_told_to_it_in_order(w: World) -> None:
    first = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    w.act(w.cast.b.analyst, first, "acknowledgement")
    other = w.live(to=[w.cast.b.handle])
    w.act(w.cast.b.analyst, other, "acknowledgement")
    seen = {x.handle: _incident(w, x, first)["timeline"]["items"] for x in w.cast.all[:3]}
    kinds = {handle: [entry["type"] for entry in items] for handle, items in seen.items()}
    assert kinds == {
        w.cast.a.handle: [
            "freeze_request.submitted",
            "freeze_request.approved",
            "leg.acknowledged",
        ],
        w.cast.b.handle: ["freeze_request.received", "leg.acknowledged"],
        w.cast.c.handle: ["freeze_request.received"],
    }
    assert seen[w.cast.a.handle][2]["partner"] == w.cast.b.handle


def test_the_timeline_goes_on_page_by_page(w: World) -> None:
    first = w.live(to=[w.cast.b.handle])
    w.act(w.cast.b.analyst, first, "acknowledgement")
    path = f"/v1/incidents/{first['incident']['id']}/timeline?limit=2"
    one = w.get(w.cast.a.lead, path)
    two = w.get(w.cast.a.lead, f"{path}&cursor={one['next_cursor']}")
    assert [len(one["items"]), len(two["items"]), two["next_cursor"]] == [2, 1, None]
    assert one["items"][1]["seq"] < two["items"][0]["seq"]


def test_the_trace_joins_addresses_by_transaction_and_requests_by_follows(w: World) -> None:
    first = w.live(to=[w.cast.b.handle], addresses=[SENT, RECEIVED])
    second = _hop(w, first)
    trace = _incident(w, w.cast.a, first)["trace"]
    through = f"eip155:1:tx:{TX.lower()}"
    shown = "eip155:1:0xdAC17F958D2ee523a2206206994597C13D831ec7"
    assert _edges(trace) == {
        ("tx", ACCOUNT, through),
        ("tx", through, shown),
        ("follows", first["id"], second["id"]),
    }
    kinds = {node["id"]: node["kind"] for node in trace["nodes"]}
    assert kinds[TRON] == "account"
    assert kinds[through] == "transaction"
    [flagged] = next(n["flagged"] for n in trace["nodes"] if n["id"] == ACCOUNT)
    assert (flagged["request_id"], flagged["address_no"]) == (first["id"], 0)
    # Who was not asked in the hop does not learn of it.
    mine = _incident(w, w.cast.b, first)["trace"]
    assert {edge["kind"] for edge in mine["edges"]} == {"tx"}
    assert TRON not in {node["id"] for node in mine["nodes"]}


def test_the_trace_shows_where_funds_moved_on_to_who_may_know(w: World) -> None:
    first = w.live(
        to=[w.cast.b.handle, w.cast.c.handle],
        addresses=[{"account": ACCOUNT}, {"account": TRON}],
    )
    following = {"account": SOLANA, "service": w.cast.d.handle, "tx": SIGNATURE}
    line = {"kind": "nothing", "address_nos": [1], "code": "moved_on", "next": following}
    w.report(w.cast.b, first, [line])
    w.act(w.cast.c.lead, first, "decline", code="moved_on", next={"service": "a mixer"})
    moved = ("moved_on", TRON, SOLANA)
    declined = ("moved_on", first["id"], "service:a mixer")
    trace = _incident(w, w.cast.a, first)["trace"]
    assert _edges(trace) == {moved, declined}
    edge = next(e for e in trace["edges"] if e["target"] == SOLANA)
    assert (edge["partner"], edge["tx"], edge["address_no"]) == (w.cast.b.handle, SIGNATURE, 1)
    assert _edges(_incident(w, w.cast.b, first)["trace"]) == {moved}
    assert _edges(_incident(w, w.cast.c, first)["trace"]) == {declined}
    # A later line takes the answer's place.
    w.report(w.cast.b, first, [frozen_line("5", 1), _found(1)])
    assert _edges(_incident(w, w.cast.a, first)["trace"]) == {declined}


def test_one_transaction_is_one_node_whatever_its_spelling_and_whoever_names_it(w: World) -> None:
    first = w.live(to=[w.cast.b.handle], addresses=[SENT, RECEIVED, {"account": ACCOUNT}])
    onward = {"kind": "nothing", "code": "moved_on"}
    w.report(
        w.cast.b,
        first,
        [
            {**onward, "address_nos": [1], "next": {"tx": TX.upper()}},
            {**onward, "address_nos": [2], "next": {"tx": SIGNATURE}},
            {**onward, "address_nos": [0], "next": {"account": RECEIVED["account"], "tx": TX}},
        ],
    )
    trace = _incident(w, w.cast.a, first)["trace"]
    through, elsewhere = f"eip155:1:tx:{TX.lower()}", f"unknown:tx:{SIGNATURE}"
    found = {n["id"]: n["chain"] for n in trace["nodes"] if n["kind"] == "transaction"}
    # Funds leave on another chain than they came by: which, nobody said.
    assert found == {through: "eip155:1", elsewhere: None}
    assert {edge["tx"] for edge in trace["edges"] if "tx" in edge} == {TX.lower(), SIGNATURE}


def _found(number: int) -> dict[str, Any]:
    return {"kind": "found", "address_no": number, "asset": ETHER, "amount": "5"}


def test_the_trace_is_the_same_graph_however_it_is_paged(w: World) -> None:
    first = w.live(
        to=[w.cast.b.handle], addresses=[SENT, RECEIVED, {"account": TRON}, {"account": SOLANA}]
    )
    second = _hop(w, first, addresses=[{"account": ACCOUNT}, {"account": TRON, "tx": "ff" * 32}])
    line = {"address_nos": "rest", "code": "moved_on", "next": {"service": "bridge"}}
    w.report(w.cast.b, first, [{"kind": "nothing", **line}])
    path = f"/v1/incidents/{first['incident']['id']}/trace"
    whole = w.get(w.cast.a.lead, path)
    assert whole["next_cursor"] is None
    assert len(whole["edges"]) == 2 + 4 + 1 + 1
    nodes: dict[str, list[Any]] = {}
    for limit in (1, 2, 3, 5):
        nodes = {}
        edges: list[Any] = []
        cursor: str | None = ""
        pages = 0
        while cursor is not None:
            page = w.get(w.cast.a.lead, f"{path}?limit={limit}{cursor and '&cursor=' + cursor}")
            for node in page["nodes"]:
                nodes.setdefault(node["id"], []).extend(node.get("flagged", []))
            edges += page["edges"]
            cursor = page["next_cursor"]
            pages += 1
        assert pages == -(-6 // limit)
        assert nodes == {n["id"]: n.get("flagged", []) for n in whole["nodes"]}
        assert sorted(map(str, edges)) == sorted(map(str, whole["edges"]))
    assert second["id"] in nodes


def test_the_kit_joins_the_pages_of_a_trace_to_the_same_graph(w: World) -> None:
    first = w.live(
        to=[w.cast.b.handle],
        addresses=[{**SENT, "amount": str(10**18)}, RECEIVED, {"account": TRON}],
    )
    path = f"/v1/incidents/{first['incident']['id']}/trace"
    whole = TracePage.model_validate(w.get(w.cast.a.lead, path))
    one = w.get(w.cast.a.lead, f"{path}?limit=1")
    pages = [TracePage.model_validate(one)]
    while pages[-1].next_cursor:
        query = f"?limit=1&cursor={pages[-1].next_cursor}"
        pages.append(TracePage.model_validate(w.get(w.cast.a.lead, path + query)))
    assert len(pages) == 3
    assert list(as_text(join(pages))) == list(as_text(whole))
    assert "    flagged: request 1, address 0, sender, 1 ETH" in as_text(whole)


@pytest.mark.parametrize("name", ["timeline", "trace"])
def test_a_bad_cursor_is_refused_and_a_stranger_finds_nothing(w: World, name: str) -> None:
    first = w.live(to=[w.cast.b.handle])
    path = f"/v1/incidents/{first['incident']['id']}/{name}"
    for bad in ("x", base64url.encode(b"1frq_1.5"), base64url.encode(b"1-7"), "%F0%9F%8E"):
        refused = w.signer.get(w.cast.a.lead, f"{path}?cursor={bad}")
        assert parameters(problem(refused, 422, "invalid_input")) == ["cursor"]
    w.get(w.cast.d.lead, path, status=404)
    w.get(w.cast.a.lead, path.replace("inc_", "inc_x"), status=404)


OPENED = {
    "title": "Theft at a member nobody may name",
    "kind": "hack",
    "occurred_at": "2026-03-02T09:00:00Z",
    "reference": "RED 4711",
}


def _everything_that_tells_an_incident(
    w: World, exchange: Exchange, request: dict[str, Any]
) -> dict[str, Any]:
    """Return (title, reference) wherever an exchange reads an incident's words."""
    reader, incident = exchange.lead, request["incident"]["id"]
    listed = w.get(reader, "/v1/incidents")["items"]
    boxes = ("sent", "received", "to_approve")
    return {
        "request": w.get(reader, f"/v1/freeze-requests/{request['id']}")["incident"],
        "incident": w.get(reader, f"/v1/incidents/{incident}"),
        "list": next(each for each in listed if each["id"] == incident),
        **{
            box: [
                {"title": each["incident_title"], "reference": None}
                for each in w.get(reader, f"/v1/freeze-requests?box={box}")["items"]
                if each["incident_id"] == incident
            ]
            for box in boxes
        },
    }


def test_the_words_of_an_incident_stay_with_those_whom_its_opener_asked(w: World) -> None:
    a, b, c, d = w.cast.all
    first = w.live(to=[b.handle, c.handle], tlp="RED", incident=OPENED)
    known = {"id": first["incident"]["id"]}
    second = w.live(b, to=[c.handle, d.handle], incident=known)
    third = w.live(d, to=[c.handle, a.handle], incident=known)
    waiting = w.submit(d, to=[a.handle], incident=known)
    for reader, request in ((a, first), (a, third), (b, second), (c, second), (c, third)):
        told = _everything_that_tells_an_incident(w, reader, request)
        assert told["request"]["title"] == OPENED["title"]
        assert told["incident"]["reference"] == told["list"]["reference"] == OPENED["reference"]
        titles = {each["title"] for box in ("sent", "received") for each in told[box]}
        assert titles == {OPENED["title"]}
    for request in (second, third):
        told = _everything_that_tells_an_incident(w, d, request)
        assert told["to_approve"]
        for shown in (told["request"], told["incident"], told["list"]):
            assert (shown["title"], shown["reference"]) == ("", None)
        words = str(told)
        assert str(OPENED["title"]) not in words
        assert str(OPENED["reference"]) not in words
    # Nor does the answer to a request that names the incident tell them.
    for answer in (third, waiting):
        assert (answer["incident"]["title"], answer["incident"]["reference"]) == ("", None)
    assert second["incident"]["title"] == OPENED["title"]


def test_nothing_that_is_delivered_tells_the_words_of_an_incident(w: World) -> None:
    first = w.live(to=[w.cast.b.handle], tlp="RED", incident=OPENED)
    second = w.live(w.cast.b, to=[w.cast.d.handle], incident={"id": first["incident"]["id"]})
    w.freeze(w.cast.d, second)
    assert [event["request_id"] for event in w.events(w.cast.d, "freeze_request.received")] == [
        second["id"]
    ]
    feed = str(w.get(w.cast.d.lead, "/v1/events"))
    incident = f"/v1/incidents/{first['incident']['id']}"
    pages = [w.get(w.cast.d.lead, f"{incident}/{name}") for name in ("timeline", "trace")]
    pages += [w.items(w.cast.d.lead, second, name) for name in ("evidence", "ledger", "legs")]
    for text in (feed, *map(str, pages)):
        assert str(OPENED["title"]) not in text
        assert str(OPENED["reference"]) not in text


def test_who_is_asked_by_the_opener_too_reads_the_words_from_then_on(w: World) -> None:
    d = w.cast.d
    first = w.live(to=[w.cast.b.handle], incident=OPENED)
    known = {"id": first["incident"]["id"]}
    second = w.live(w.cast.b, to=[d.handle], incident=known)
    assert w.get(d.lead, f"/v1/incidents/{known['id']}")["title"] == ""
    later = w.submit(to=[d.handle], incident=known)
    # A request that nobody approved yet asks nobody.
    assert w.get(d.lead, f"/v1/freeze-requests/{second['id']}")["incident"]["title"] == ""
    context = {"decision": "approve", "context_sha256": later["context_sha256"]}
    w.act(w.cast.a.lead, later, "approvals", **context)
    assert w.get(d.lead, f"/v1/incidents/{known['id']}")["title"] == OPENED["title"]
    # It opens no other incident of the same opener.
    other = w.live(to=[w.cast.b.handle], incident=OPENED)
    w.live(w.cast.b, to=[d.handle], incident={"id": other["incident"]["id"]})
    assert w.get(d.lead, f"/v1/incidents/{other['incident']['id']}")["title"] == ""
