"""What was taken back, and why: both sides read it, of one address and of a whole request."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.services.membership.suspensions import SuspendPartner, SuspendRequest
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import ORIGIN, Cast, Exchange, Signer
from tests.services.request_cast import HOUR, Ask, Desk, addresses, nothing, shared
from tests.services.through_api import World


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _withdrawn(w: World, exchange: Exchange, request: dict[str, Any]) -> list[Any]:
    items = w.items(exchange.auditor, request, "addresses")
    return [(x.get("withdrawn_at"), x.get("withdrawn_reason")) for x in items]


def test_both_sides_read_which_addresses_were_withdrawn_when_and_why(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    request = w.live(addresses=addresses(4, 900))
    path = f"/v1/freeze-requests/{request['id']}"
    assert _withdrawn(w, b, request) == [(None, None)] * 4
    w.act(a.lead, request, "withdrawal", addresses=[1], reason_code="other", reason="an innocent's")
    w.step(hours=1)
    w.act(a.lead, request, "withdrawal", addresses=[0, 3], reason_code="other", reason="a service")
    first, later = "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z"
    for exchange in (a, b):
        assert _withdrawn(w, exchange, request) == [
            (later, "a service"),
            (first, "an innocent's"),
            (None, None),
            (later, "a service"),
        ]
        assert w.get(exchange.auditor, path)["withdrawn_count"] == 3
    page = w.get(b.auditor, f"{path}/addresses?limit=2")
    rest = w.get(b.auditor, f"{path}/addresses?limit=2&cursor={page['next_cursor']}")["items"]
    assert [item.get("withdrawn_at") for item in rest] == [None, later]


def test_an_event_that_cannot_name_all_withdrawn_addresses_says_so_and_where_they_are(
    w: World,
) -> None:
    a, b = w.cast.a, w.cast.b
    request = w.live(addresses=addresses(503, 900))
    w.act(
        a.lead,
        request,
        "withdrawal",
        addresses=list(range(501)),
        reason_code="other",
        reason="a service",
    )
    w.act(a.lead, request, "withdrawal", addresses=[501], reason_code="other", reason="a service")
    for exchange in (a, b):
        cut, whole = w.events(exchange, "freeze_request.withdrawn")
        assert (cut["addresses"], cut["address_count"]) == (list(range(500)), 501)
        assert cut["addresses_cut"]
        assert cut["href"] == f"{ORIGIN}/v1/freeze-requests/{request['id']}/addresses"
        assert (whole["addresses"], whole["addresses_cut"], "href" in whole) == (
            [501],
            False,
            False,
        )


def test_a_partner_that_is_asked_later_hears_that_addresses_were_withdrawn(w: World) -> None:
    a, c = w.cast.a, w.cast.c
    request = w.live(addresses=addresses(3, 900), to=[w.cast.b.handle])
    w.act(a.lead, request, "withdrawal", addresses=[1], reason_code="other", reason="a service")
    added = w.act(a.lead, request, "partners", to=[c.handle])
    w.act(
        a.second_lead,
        request,
        "approvals",
        decision="approve",
        context_sha256=added["context_sha256"],
    )
    [told] = w.events(c, "freeze_request.received")
    assert told["withdrawn_count"] == 1
    assert "withdrawn_count" not in w.events(w.cast.b, "freeze_request.received")[0]


def _reasons(desk: Desk, ask: Ask, event: str) -> list[str | None]:
    """Return the reason that A hears, and the one that B does."""
    kind = f"freeze_request.{event}"
    told = ([e for e in desk.feed(x) if e["type"] == kind] for x in (desk.cast.a, desk.cast.b))
    data = ([e["data"] for e in each if e["data"]["request_id"] == ask.id] for each in told)
    return [reason["reason"] for [reason] in data]


def test_both_sides_hear_why_a_request_was_withdrawn(desk: Desk) -> None:
    ask = desk.go_out()
    desk.withdraw(ask)
    assert _reasons(desk, ask, "withdrawn") == ["wrong address"] * 2


def test_both_sides_hear_why_a_flash_request_withdrew_itself(desk: Desk) -> None:
    a = desk.cast.a
    desk.policy(a, may_flash=[a.analyst.subject])
    lapsed, rejected = desk.submit(urgency="flash"), desk.submit(urgency="flash")
    desk.decide(rejected, decision="reject")
    why = "a security lead of the requester rejected it"
    assert _reasons(desk, rejected, "withdrawn") == [why] * 2
    desk.step(HOUR)
    assert _reasons(desk, lapsed, "unratified") == ["nobody ratified it in time"] * 2
    desk.step(12 * HOUR)
    assert _reasons(desk, lapsed, "withdrawn") == ["nobody ratified it in time"] * 2


def test_both_sides_hear_that_a_request_is_unratified_by_its_requesters_suspension(
    desk: Desk,
) -> None:
    a = desk.cast.a
    desk.policy(a, may_flash=[a.analyst.subject])
    ask = desk.submit(urgency="flash")
    desk.own(SuspendPartner(handle=a.handle))
    desk.own(SuspendRequest(request_id=ask.id))
    assert _reasons(desk, ask, "unratified") == ["the requester was suspended"] * 2


def test_both_sides_hear_why_a_request_was_closed(desk: Desk) -> None:
    ask = desk.go_out()
    desk.act(desk.cast.a.lead, ask, "closure", reason="all is back")
    assert _reasons(desk, ask, "closed") == ["all is back"] * 2
    done = desk.go_out(to=[desk.cast.b.handle])
    desk.report(desk.cast.b, done, nothing())
    desk.step(24 * 7 * HOUR)
    assert _reasons(desk, done, "closed") == ["nothing more was awaited"] * 2


def test_what_is_owed_names_the_address_of_the_request_that_it_is_told_on(desk: Desk) -> None:
    b = desk.cast.b
    first, second = desk.go_out(), desk.go_out(addresses=addresses(3, 990))
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 1))
    desk.withdraw(second, [1])
    [owed] = [e["data"] for e in desk.feed(b) if e["type"] == "answer.owed"]
    assert [(h["hold"], h["address_no"]) for h in owed["holds"]] == [(hold, 1)]


def test_who_is_asked_after_a_withdrawal_learns_of_it_right_behind_its_notice(w: World) -> None:
    a, c = w.cast.a, w.cast.c
    request = w.live(to=[w.cast.b.handle], addresses=addresses(3, 900))
    w.act(a.lead, request, "withdrawal", addresses=[1], reason_code="other", reason="an innocent's")
    addition = w.act(a.lead, request, "partners", to=[c.handle])
    decision = {"decision": "approve", "context_sha256": addition["context_sha256"]}
    w.act(a.second_lead, request, "approvals", **decision)
    notice, withdrawn = w.events(c, "freeze_request.received", "freeze_request.withdrawn")
    assert (notice["withdrawn_count"], notice["sequence"]) == (1, 1)
    assert (withdrawn["addresses"], withdrawn["address_count"]) == ([1], 1)
    assert (withdrawn["leg_id"], withdrawn["sequence"]) == (notice["leg_id"], 2)
    assert withdrawn["status"] == "queued"
    # Those asked before are told once, when it happened.
    assert len(w.events(w.cast.b, "freeze_request.withdrawn")) == 1


def test_who_is_asked_when_nothing_was_withdrawn_is_told_of_no_withdrawal(w: World) -> None:
    w.live(to=[w.cast.b.handle], addresses=addresses(3, 900))
    assert w.events(w.cast.b, "freeze_request.withdrawn") == []


def test_the_trace_says_which_flagged_places_were_withdrawn(w: World) -> None:
    request = w.live(addresses=addresses(4, 900))
    incident = request["incident"]["id"]
    more = {"incident": {"id": incident}, "follows": request["id"]}
    again = w.live(addresses=addresses(2, 900), **more)
    w.act(
        w.cast.a.lead,
        request,
        "withdrawal",
        addresses=[1, 3],
        reason_code="other",
        reason="an innocent's",
    )

    def shown() -> set[tuple[str, int]]:
        found = set()
        path = f"/v1/incidents/{incident}/trace?limit=3"
        page = w.get(w.cast.b.auditor, path)
        while page is not None:
            flagged = [place for node in page["nodes"] for place in node.get("flagged", [])]
            found |= {(p["request_id"], p["address_no"]) for p in flagged if p.get("withdrawn")}
            cursor = page.get("next_cursor")
            page = w.get(w.cast.b.auditor, f"{path}&cursor={cursor}") if cursor else None
        return found

    assert shown() == {(request["id"], 1), (request["id"], 3)}
    w.act(
        w.cast.a.lead, again, "withdrawal", addresses="all", reason_code="other", reason="an error"
    )
    assert shown() == {(request["id"], 1), (request["id"], 3), (again["id"], 0), (again["id"], 1)}
