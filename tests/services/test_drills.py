"""Drills: they go every request's way, say so everywhere, and count nowhere."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.domain.flash import CAP_PERIOD
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.requests import freeze_requests as store
from tests.dispatcher.paging import Sleepers, alarms, chain_of, set_chain
from tests.factories import ACCOUNT, Cast, Exchange, Signer, freeze_request_body, nonce
from tests.services.request_cast import Desk
from tests.services.through_api import (
    REQUESTS,
    World,
    found_line,
    pointers,
    problem,
)


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _statistics(w: World, exchange: Exchange) -> dict[str, Any]:
    found: dict[str, Any] = w.get(exchange.auditor, "/v1/statistics")
    return found


def _duplicates(request: dict[str, Any]) -> list[str]:
    return [
        other
        for warning in request["warnings"]
        if warning["code"] == "duplicate"
        for other in warning["requests"]
    ]


def test_a_drill_says_so_wherever_it_is_read(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    drill = w.live(drill=True, to=[b.handle])
    hold = w.freeze(b, drill)
    path = f"{REQUESTS}/{drill['id']}"
    assert drill["drill"] is True
    assert drill["incident"]["drill"] is True
    assert w.get(a.auditor, path)["drill"] is True
    assert w.get(b.auditor, path)["drill"] is True
    for member, box in ((a.auditor, "sent"), (b.auditor, "received")):
        assert [each["drill"] for each in w.get(member, f"{REQUESTS}?box={box}")["items"]] == [True]
        assert [each["drill"] for each in w.get(member, "/v1/incidents")["items"]] == [True]
        found = w.get(member, f"/v1/search?q={drill['id']}")["items"]
        assert [each["drill"] for each in found] == [True]
        assert {each["drill"] for each in w.items(member, drill, "holds")} == {True}
    assert w.get(a.auditor, f"/v1/incidents/{drill['incident']['id']}")["drill"] is True
    assert [each["id"] for each in w.get(b.auditor, "/v1/holds?side=own")["items"]] == [hold]
    assert [each["drill"] for each in w.get(b.auditor, "/v1/holds?side=own")["items"]] == [True]
    own = [each for each in w.get(b.auditor, "/v1/acts")["items"] if each.get("request_id")]
    assert {each["drill"] for each in own} == {True}


def test_a_task_of_a_drill_says_so(w: World) -> None:
    w.submit(drill=True)
    [task] = w.get(w.cast.a.lead, "/v1/tasks")["items"]
    assert (task["kind"], task["drill"]) == ("approve", True)


def test_every_event_of_a_drill_says_so_and_none_of_what_is_real_does(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    for drill in (True, False):
        request = w.live(drill=drill, to=[b.handle])
        w.act(b.compliance, request, "acknowledgement")
        w.freeze(b, request)
        for exchange in (a, b):
            told = [e for e in w.events(exchange) if e.get("request_id") == request["id"]]
            assert len(told) > 3
            assert {each.get("drill") for each in told} == {True if drill else None}


def test_the_answer_to_an_act_on_a_drill_says_so(w: World) -> None:
    b = w.cast.b
    for drill in (True, False):
        request = w.live(drill=drill, to=[b.handle])
        for answer in (
            w.act(b.compliance, request, "acknowledgement"),
            w.report(b, request, [found_line()]),
        ):
            assert answer.get("drill") is (True if drill else None)


def test_a_document_that_does_not_speak_of_drills_is_real(w: World) -> None:
    request = w.submit()
    assert "drill" not in freeze_request_body()
    assert (request["drill"], request["incident"]["drill"]) == (False, False)


@pytest.mark.parametrize("first", [True, False])
def test_a_drill_and_what_is_real_never_share_an_incident(w: World, first: bool) -> None:  # noqa: FBT001
    request = w.live(drill=first)
    body = freeze_request_body(incident={"id": request["incident"]["id"]}, drill=not first)
    shown = problem(w.signer.post(w.cast.a.analyst, REQUESTS, body), 422, "invalid_input")
    assert pointers(shown) == ["/drill"]
    same = w.submit(incident={"id": request["incident"]["id"]}, drill=first)
    assert same["incident"] == request["incident"]


def test_a_partner_cannot_share_a_real_hold_with_a_drill(w: World) -> None:
    b = w.cast.b
    real, drill, other = (w.live(drill=each, to=[b.handle]) for each in (False, True, False))
    hold = w.freeze(b, real)
    line = {"kind": "frozen", "address_no": 0, "hold": hold}
    body = {"content_sha256": drill["content_sha256"], "lines": [line]}
    refused = w.post(b.compliance, f"/{drill['id']}/freeze-reports", body)
    shown = problem(refused, 409, "ledger_breach")
    assert [error["code"] for error in shown["errors"]] == ["no_such_hold"]
    assert "a drill and what is real" in shown["errors"][0]["detail"]
    w.report(b, other, [line])


def test_statistics_leave_drills_out(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    drill = w.live(drill=True, to=[b.handle])
    w.freeze(b, drill)
    w.act(
        a.lead,
        drill,
        "withdrawal",
        addresses="all",
        reason_code="wrong_target",
        reason="only a drill",
    )
    for exchange in (a, b):
        view = _statistics(w, exchange)
        assert (view["rows"], view["totals"], view["requesters"]) == ([], {}, [])
    assert w.get(a.auditor, "/v1/statistics/2026")["cases"] == 0
    assert w.get(a.auditor, "/v1/statistics/2026")["requests"] == 0
    w.freeze(b, w.live(to=[b.handle]))
    assert [row["legs"] for row in _statistics(w, a)["rows"]] == [1]


def test_a_drill_is_no_duplicate_of_what_is_real(w: World) -> None:
    drill = w.submit(drill=True)
    real = w.submit()
    assert _duplicates(real) == []
    assert _duplicates(w.submit(drill=True)) == [drill["id"]]
    assert _duplicates(w.submit()) == [real["id"]]


def test_a_drill_clears_nobody(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    for drill in (True, False):
        request = w.live(drill=drill, to=[b.handle])
        w.act(
            a.lead,
            request,
            "withdrawal",
            addresses="all",
            reason_code="wrong_target",
            reason="a market maker",
        )
        assert len(w.items(a.lead, request, "clearances")) == (0 if drill else 1)


def test_a_flash_drill_takes_no_place_of_a_real_one(desk: Desk) -> None:
    a = desk.cast.a
    desk.policy(a, may_flash=[a.analyst.subject])
    desk.submit(drill=True, urgency="flash", to=[desk.cast.b.handle])
    with desk.database.engine.connect() as connection:

        def places(*, drill: bool) -> int:
            since = desk.clock.now() - CAP_PERIOD
            return len(store.flash_places_since(connection, a.handle, since, drill=drill))

        assert (places(drill=True), places(drill=False)) == (1, 0)
        counted = store.count_by_status(connection)
    assert counted == {}


def test_a_page_about_a_drill_says_so_first(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.lead))
    sleepers = Sleepers(w)
    drill = w.live(drill=True, to=[b.handle], urgency="urgent")
    sleepers.listen()
    real = w.live(to=[b.handle], urgency="urgent")
    sleepers.listen()
    first, second = (each.page for each in sleepers.heard)
    assert first.sentence.startswith("DRILL")
    assert (first.is_drill, first.subject) == (True, "Holdfast DRILL: somebody is needed")
    assert "DRILL" not in second.sentence + second.subject
    assert [each["drill"] for each in alarms(w, b.lead)] == [False, True]
    assert [each["drill"] for each in alarms(w, w.cast.a.lead, drill)] == [True]
    assert [each["drill"] for each in alarms(w, w.cast.a.lead, real)] == [False]


def test_a_hop_of_a_drill_is_a_drill(w: World) -> None:
    b = w.cast.b
    drill = w.live(drill=True, to=[b.handle])
    moved = {
        "kind": "nothing",
        "address_nos": "rest",
        "code": "moved_on",
        "next": {"account": ACCOUNT, "service": w.cast.c.handle},
    }
    w.report(b, drill, [moved])
    [draft] = w.items(w.cast.a.analyst, drill, "drafts")
    assert draft["request"]["drill"] is True
    answer = w.signer.post(w.cast.a.analyst, REQUESTS, {**draft["request"], "nonce": nonce()})
    assert (answer.status_code, answer.get_json()["drill"]) == (201, True)
