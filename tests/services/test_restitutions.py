"""Restitutions: who opens one, what comes into its pool, and when it is over."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.payloads import format_time
from tests.factories import ETHER, Cast, Signer
from tests.services.restoring_cast import (
    DAY,
    RESTITUTIONS,
    TX,
    claim,
    document,
    opened,
    returned_by_ledger,
)
from tests.services.through_api import World, pointers, problem

TETHER = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_the_opener_of_an_incident_gives_back_and_those_asked_may_read_it(w: World) -> None:
    rst = opened(w)
    view = rst.read()
    assert view == {name: value for name, value in rst.view.items() if name != "log"}
    assert (view["status"], view["pool"], view["claims"]) == ("open", {}, {})
    assert rst.read(w.cast.b.auditor) == view  # it was asked in the incident
    w.get(w.cast.d.lead, rst.path, status=404)
    assert w.get(w.cast.a.auditor, RESTITUTIONS)["items"] == [view]
    assert w.get(w.cast.b.auditor, RESTITUTIONS)["items"] == []
    [event] = w.events(w.cast.a, "restitution.opened")
    assert (event["restitution"], event["by"]) == (view["id"], w.cast.a.compliance.subject)
    assert w.events(w.cast.b, "restitution.opened") == []
    [act] = [
        each
        for each in w.get(w.cast.a.auditor, "/v1/acts")["items"]
        if each["kind"] == "open_restitution"
    ]
    assert act["leaf_index"] == event["log"]["leaf_index"]
    assert "unclaimed_to" in act["body"]


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"asset": "eip155:1/slip44:99"}, "/asset", None),
        ({"claims_close_at": "2026-01-01T00:00:00Z"}, "/claims_close_at", "past"),
        ({"objections_until": "2026-03-03T00:00:00Z"}, "/objections_until", "out_of_order"),
        ({"verify_by_two_above": str(2**256)}, "/verify_by_two_above", "amount_too_large"),
        ({"verify_by_two_above": "-1"}, "/verify_by_two_above", None),
        ({"unclaimed_to": ""}, "/unclaimed_to", None),
        ({"unclaimed_to": "to jane.doe@example.com"}, "/unclaimed_to", "customer_data_email"),
        ({"nonce": "short"}, "/nonce", None),
    ],
)
def test_terms_that_cannot_be_are_refused_by_name(
    w: World, changes: dict[str, Any], pointer: str, code: str | None
) -> None:
    body = document(w, w.live(to=[w.cast.b.handle])["incident"]["id"], **changes)
    answer = w.signer.post(w.cast.a.compliance, RESTITUTIONS, body)
    assert answer.status_code == 422, answer.data
    assert pointers(answer.get_json()) == [pointer]
    assert code in {None, answer.get_json()["errors"][0]["code"]}
    assert w.get(w.cast.a.auditor, RESTITUTIONS)["items"] == []


def _priced(prices: list[dict[str, str]]) -> dict[str, Any]:
    return {"valuation": {"at": "2026-03-02T09:00:00Z", "currency": "USD", "prices": prices}}


@pytest.mark.parametrize(
    ("prices", "pointer", "code"),
    [
        ([{"asset": TETHER, "units": "1000000", "value": "1"}], "/valuation/prices", "no_price"),
        ([{"asset": ETHER, "units": "0", "value": "1"}], "/valuation/prices/0/units", None),
        ([{"asset": ETHER, "units": "1", "value": "0.0"}], "/valuation/prices/0/value", None),
        (
            [{"asset": ETHER, "units": "1", "value": "2"}] * 2,
            "/valuation/prices/1/asset",
            "duplicate",
        ),
    ],
)
def test_prices_that_weigh_nothing_are_refused(
    w: World, prices: list[dict[str, str]], pointer: str, code: str | None
) -> None:
    incident = w.live(to=[w.cast.b.handle])["incident"]["id"]
    body = document(w, incident, **_priced(prices))
    answer = w.signer.post(w.cast.a.lead, RESTITUTIONS, body)
    assert (answer.status_code, pointers(answer.get_json())) == (422, [pointer])
    assert code in {None, answer.get_json()["errors"][0]["code"]}


def test_only_the_opener_opens_once_by_one_document_and_never_a_drill(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    body = document(w, request["incident"]["id"])
    for member in (w.cast.b.lead, w.cast.d.lead):
        problem(w.signer.post(member, RESTITUTIONS, body), 404, "not_found")
    problem(w.signer.post(w.cast.a.analyst, RESTITUTIONS, body), 403, "not_allowed")
    problem(w.signer.post(w.cast.a.system, RESTITUTIONS, body), 403, "not_allowed")
    assert w.signer.post(w.cast.a.lead, RESTITUTIONS, body).status_code == 201
    problem(w.signer.post(w.cast.a.lead, RESTITUTIONS, body), 409, "known")
    drill = w.live(to=[w.cast.b.handle], drill=True)
    body = document(w, drill["incident"]["id"])
    problem(w.signer.post(w.cast.a.lead, RESTITUTIONS, body), 409, "drill")


def test_a_pool_is_what_came_back_less_what_left_it_to_the_unit(w: World) -> None:
    rst = opened(w)
    lines = [
        {"kind": "returned", "asset": TETHER, "amount": "1000", "tx": TX},
        {"kind": "returned", "asset": ETHER, "amount": "5", "tx": TX},
        {
            "kind": "converted",
            "asset": TETHER,
            "amount": "900",
            "to_asset": ETHER,
            "to_amount": "300",
            "fee": "7",
            "rate": "0.3333",
            "tx": "0x" + "cd" * 32,
        },
        {"kind": "cost", "asset": ETHER, "amount": "11", "what": "The tracing."},
        {"kind": "reserve", "asset": ETHER, "amount": "20", "what": "Late claims."},
        {"kind": "reserve_released", "asset": ETHER, "amount": "4", "what": "Fewer came."},
    ]
    added = rst.act(w.cast.a.lead, "pool-lines", lines=lines)
    ether, tether = added["pool"][ETHER], added["pool"][TETHER]
    assert ether == {
        "returned": "5",
        "converted_in": "300",
        "converted_out": "0",
        "fees": "7",
        "costs": "11",
        "reserved": "16",
        "allocated": "0",
        "available": str(5 + 300 - 7 - 11 - 16),
    }
    assert (tether["available"], tether["converted_out"]) == ("100", "900")
    listed = w.get(w.cast.a.auditor, f"{rst.path}/pool-lines")["items"]
    assert listed == added["lines"]
    assert [each["kind"] for each in listed] == [each["kind"] for each in lines]
    assert (listed[2]["rate"], listed[3]["what"]) == ("0.3333", "The tracing.")
    [event] = w.events(w.cast.a, "restitution.pool_changed")
    assert (event["line_count"], event["pool"]) == (6, added["pool"])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"kind": "cost", "asset": ETHER, "amount": "6", "what": "x"}, "pool_exceeded"),
        ({"kind": "reserve", "asset": ETHER, "amount": "6", "what": "x"}, "pool_exceeded"),
        ({"kind": "reserve_released", "asset": ETHER, "amount": "1", "what": "x"}, "not_reserved"),
        (
            {
                "kind": "converted",
                "asset": ETHER,
                "amount": "6",
                "to_asset": TETHER,
                "to_amount": "9",
                "fee": "0",
                "rate": "1",
                "tx": TX,
            },
            "pool_exceeded",
        ),
    ],
)
def test_more_than_is_there_never_leaves_and_nothing_of_the_act_is_kept(
    w: World, line: dict[str, Any], code: str
) -> None:
    rst = opened(w)
    rst.came_back(5)
    more = {"kind": "returned", "asset": TETHER, "amount": "1", "tx": TX}
    answer = rst.try_act(w.cast.a.lead, "pool-lines", lines=[more, line])
    assert pointers(problem(answer, 409, code)) == ["/lines/1/amount"]
    assert rst.read()["pool"].keys() == {ETHER}


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        ({"kind": "returned", "asset": ETHER, "amount": "1"}, "/lines/0/line"),
        ({"kind": "returned", "asset": ETHER, "amount": "0", "tx": TX}, "/lines/0/amount"),
        ({"kind": "returned", "asset": ETHER, "amount": "1.5", "tx": TX}, "/lines/0/amount"),
        ({"kind": "returned", "asset": "gold", "amount": "1", "tx": TX}, "/lines/0/asset"),
        ({"kind": "returned", "asset": ETHER, "amount": "1", "tx": "see chat"}, "/lines/0/tx"),
        ({"kind": "stolen", "asset": ETHER, "amount": "1", "tx": TX}, "/lines/0"),
        (
            {
                "kind": "converted",
                "asset": ETHER,
                "amount": "1",
                "to_asset": ETHER,
                "to_amount": "1",
                "fee": "0",
                "rate": "1",
                "tx": TX,
            },
            "/lines/0/to_asset",
        ),
        (
            {
                "kind": "converted",
                "asset": ETHER,
                "amount": "1",
                "to_asset": TETHER,
                "to_amount": "1",
                "fee": "2",
                "rate": "1",
                "tx": TX,
            },
            "/lines/0/fee",
        ),
    ],
)
def test_a_line_that_cannot_be_is_refused_by_name(
    w: World, line: dict[str, Any], pointer: str
) -> None:
    rst = opened(w)
    answer = rst.try_act(w.cast.a.lead, "pool-lines", lines=[line])
    assert answer.status_code == 422, answer.data
    assert pointer in pointers(answer.get_json())


def test_what_came_back_by_the_ledger_is_in_one_pool_once(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    line = returned_by_ledger(w, request)
    rst, second = opened(w, request), opened(w, request, nonce="B" * 21 + "A")
    body = {"kind": "returned", "asset": ETHER, "amount": "700", "line": line}
    wrong = rst.try_act(w.cast.a.lead, "pool-lines", lines=[body | {"amount": "701"}])
    assert problem(wrong, 422, "invalid_input")["errors"][0]["code"] == "other_amount"
    twice = rst.try_act(w.cast.a.lead, "pool-lines", lines=[body, body])
    assert problem(twice, 422, "invalid_input")["errors"][0]["code"] == "in_pool"
    assert rst.act(w.cast.a.lead, "pool-lines", lines=[body])["lines"][0]["line"] == line
    for each in (rst, second):
        again = each.try_act(w.cast.a.lead, "pool-lines", lines=[body])
        assert problem(again, 422, "invalid_input")["errors"][0]["code"] == "in_pool"
    other = opened(w, w.live(to=[w.cast.c.handle]), nonce="C" * 21 + "A")
    elsewhere = other.try_act(w.cast.a.lead, "pool-lines", lines=[body | {"line": line[:-1] + "0"}])
    assert elsewhere.get_json()["errors"][0]["code"] == "no_such_line"


def test_a_line_of_another_incident_is_of_no_pool_of_this(w: World) -> None:
    line = returned_by_ledger(w, w.live(to=[w.cast.b.handle]))
    other = opened(w, w.live(to=[w.cast.c.handle]))
    body = {"kind": "returned", "asset": ETHER, "amount": "700", "line": line}
    answer = other.try_act(w.cast.a.lead, "pool-lines", lines=[body])
    assert answer.get_json()["errors"][0]["code"] == "no_such_line"


@pytest.mark.parametrize("first", ["line", "tx"])
def test_what_the_ledger_brought_is_not_booked_beside_it_too(w: World, first: str) -> None:
    request = w.live(to=[w.cast.b.handle])
    line = returned_by_ledger(w, request)
    rst = opened(w, request)
    body = {"kind": "returned", "asset": ETHER, "amount": "700"}
    bodies = {"line": body | {"line": line}, "tx": body | {"tx": TX[2:].upper()}}
    second = "tx" if first == "line" else "line"
    lines = [bodies[first], bodies[second]]
    whole = rst.try_act(w.cast.a.lead, "pool-lines", lines=lines)
    assert problem(whole, 422, "invalid_input")["errors"][0]["code"] == "in_pool"
    rst.act(w.cast.a.lead, "pool-lines", lines=[bodies[first]])
    twice = rst.try_act(w.cast.a.lead, "pool-lines", lines=[bodies[second]])
    assert problem(twice, 422, "invalid_input")["errors"][0]["code"] == "in_pool"
    assert pointers(twice.get_json()) == [f"/lines/0/{second}"]
    sibling = opened(w, request, nonce="B" * 21 + "A")
    for each in bodies.values():
        again = sibling.try_act(w.cast.a.lead, "pool-lines", lines=[each])
        assert problem(again, 422, "invalid_input")["errors"][0]["code"] == "in_pool"
    assert rst.read()["pool"][ETHER]["returned"] == "700"


def test_nobody_learns_that_a_line_of_another_s_is_in_a_pool(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    line = returned_by_ledger(w, request)
    body = {"kind": "returned", "asset": ETHER, "amount": "700", "line": line}
    other = opened(w, w.live(to=[w.cast.c.handle]))
    before = other.try_act(w.cast.a.lead, "pool-lines", lines=[body]).get_json()
    opened(w, request, nonce="B" * 21 + "A").act(w.cast.a.lead, "pool-lines", lines=[body])
    after = other.try_act(w.cast.a.lead, "pool-lines", lines=[body]).get_json()
    assert after["errors"] == before["errors"]


def test_one_transaction_comes_into_a_pool_once_of_each_asset(w: World) -> None:
    rst = opened(w)
    rst.came_back(5)
    for spelling in (TX.upper().replace("X", "x"), TX[2:], TX[2:].upper()):
        line = {"kind": "returned", "asset": ETHER, "amount": "1", "tx": spelling}
        answer = rst.try_act(w.cast.a.lead, "pool-lines", lines=[line])
        assert problem(answer, 422, "invalid_input")["errors"][0]["code"] == "in_pool", spelling
    short = {"kind": "returned", "asset": ETHER, "amount": "1", "tx": "0xabc"}
    cut = rst.try_act(w.cast.a.lead, "pool-lines", lines=[short])
    assert pointers(cut.get_json()) == ["/lines/0/tx"]
    assert rst.read()["pool"][ETHER]["returned"] == "5"


def test_every_act_names_the_document_and_is_the_opener_s(w: World) -> None:
    rst = opened(w)
    line = {"kind": "returned", "asset": ETHER, "amount": "1", "tx": TX}
    wrong = w.signer.post(
        w.cast.a.lead, f"{rst.path}/pool-lines", {"content_sha256": "0" * 64, "lines": [line]}
    )
    problem(wrong, 409, "other_document")
    problem(rst.try_act(w.cast.b.lead, "pool-lines", lines=[line]), 404, "not_found")
    problem(rst.try_act(w.cast.b.lead, "closure"), 404, "not_found")
    problem(rst.try_act(w.cast.a.analyst, "closure"), 403, "not_allowed")


def test_it_is_over_once_nothing_waits_and_objections_are(w: World) -> None:
    rst = opened(w)
    rst.came_back(500)
    [waiting] = rst.file(claim(1))
    assert problem(rst.try_act(w.cast.a.lead, "closure"), 409, "claims_waiting")
    rst.decide(w.cast.a.lead, waiting, decision="reject", code="not_a_victim")
    problem(rst.try_act(w.cast.a.lead, "closure"), 409, "objections_open")
    w.clock.step(61 * DAY)
    view = rst.act(w.cast.a.lead, "closure")
    assert (view["status"], view["closed_at"]) == ("closed", format_time(w.clock.now()))
    [event] = w.events(w.cast.a, "restitution.closed")
    assert event["unclaimed"] == {ETHER: "500"}
    for name, body in (("closure", {}), ("claims", {"claims": [claim(2)]})):
        problem(rst.try_act(w.cast.a.lead, name, **body), 409, "restitution_closed")
