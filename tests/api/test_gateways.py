"""Gateways: declared, verified, and where two sides share none no amount reaches the other."""

import dataclasses
import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from coordinator.api.routes import ROUTES
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import ConflictError, InvalidInputError, NotFoundError
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.membership.gateways import EndGateway, VerifyGateway
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import Gateway
from tests.factories import ACCOUNT, ETHER, NOON, Cast, Exchange, Signer, freeze_request_body
from tests.rulebook import command_context
from tests.services.every_event import register_destination
from tests.services.through_api import (
    REQUESTS,
    World,
    found_line,
    frozen_line,
    problem,
    released_line,
)

PATH = "/v1/gateways"
YEAR = timedelta(days=365)
#: No id, time or hash has these digits in a row.
TOLD, HELD = "7310047310049", "7310047310041"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def _asked_for(app: Flask) -> None:
    """Have the network ask for gateways."""
    context = app.extensions["holdfast"]
    policies = dataclasses.replace(context.rulebook.policies, amounts_need_gateway=True)
    rulebook = dataclasses.replace(context.rulebook, policies=policies)
    object.__setattr__(context, "rulebook", rulebook)


def declare(w: World, exchange: Exchange, gateway: str = "us_314b", **more: Any) -> dict[str, Any]:
    answer = w.signer.post(exchange.lead, PATH, {"gateway": gateway, **more})
    assert answer.status_code == 201, answer.data
    view: dict[str, Any] = answer.get_json()
    return view


def operate(w: World, command: object) -> None:
    with transaction(command_context(w.database, w.vault, w.clock)) as uow:
        uow.finish(execute(command, COORDINATOR, uow))


def verify(
    w: World,
    exchange: Exchange,
    gateway: str = "us_314b",
    *,
    document: str | None = None,
    lasts: timedelta = YEAR,
) -> None:
    operate(
        w,
        VerifyGateway(
            partner=exchange.handle,
            gateway=Gateway(gateway),
            document_sha256=document,
            on=None,
            until=w.clock.now() + lasts,
        ),
    )


def hold_gateway(
    w: World, *exchanges: Exchange, gateway: str = "us_314b", lasts: timedelta = YEAR
) -> None:
    for each in exchanges:
        declare(w, each, gateway)
        verify(w, each, gateway, lasts=lasts)


def leg_of(w: World, request: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    legs = w.items(w.cast.a.lead, request, "legs")
    [leg] = [each for each in legs if each["partner"] == exchange.handle]
    own = w.get(exchange.lead, f"{REQUESTS}/{request['id']}")["leg"]
    names = ("gateway", "amounts_told")
    assert [leg[name] for name in names] == [own[name] for name in names]
    return leg


def told(w: World, request: dict[str, Any], exchange: Exchange) -> tuple[str | None, bool]:
    leg = leg_of(w, request, exchange)
    return leg["gateway"], leg["amounts_told"]


# --- declaring and verifying ----------------------------------------------------------------------


def test_a_gateway_is_declared_verified_and_ended_for_all_to_read(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    view = declare(w, a, document_sha256="c" * 64)
    again = w.signer.post(a.compliance, PATH, {"gateway": "us_314b", "document_sha256": "c" * 64})
    assert (again.status_code, again.get_json()["id"]) == (200, view["id"])
    assert (view["verified_until"], view["ended_at"]) == (None, None)
    verify(w, a)
    [shown] = w.get(b.analyst, f"{PATH}?partner={a.handle}")["items"]
    assert shown["verified_until"] == format_time(NOON + YEAR)
    assert shown["token"]
    assert '"us_314b"' in shown["body"]
    [entry] = w.get(b.analyst, f"/v1/partners/{a.handle}")["gateways"]
    assert entry == {name: shown[name] for name in entry}
    assert w.get(a.lead, "/v1/partners/me")["gateways"] == [entry]
    ended = w.signer.post(a.lead, f"{PATH}/withdrawals", {"gateway_id": view["id"]})
    assert ended.status_code == 201, ended.data
    assert ended.get_json()["ended_at"] == format_time(NOON)
    assert w.get(b.analyst, f"/v1/partners/{a.handle}")["gateways"] == []
    feed = w.get(b.lead, "/v1/events?types=gateway.*")["events"]
    assert [each["type"] for each in feed] == [
        "gateway.declared",
        "gateway.verified",
        "gateway.ended",
    ]
    twice = w.signer.post(a.lead, f"{PATH}/withdrawals", {"gateway_id": view["id"]})
    problem(twice, 409, "gateway_ended")


def test_another_partners_gateway_is_none(w: World) -> None:
    view = declare(w, w.cast.a)
    theirs = w.signer.post(w.cast.b.lead, f"{PATH}/withdrawals", {"gateway_id": view["id"]})
    problem(theirs, 404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"gateway": "us"},
        {"gateway": None},
        {"gateway": ["us_314b"]},
        {"gateway": "order"},
        {"gateway": "own_terms"},
        {"gateway": "own_terms", "document_sha256": None},
        {"gateway": "us_314b", "document_sha256": "C" * 64},
        {"gateway": "us_314b", "document_sha256": "c" * 63},
        {"gateway": "us_314b", "until": "2030-01-01T00:00:00Z"},
    ],
)
def test_what_is_no_declaration_is_refused(w: World, body: dict[str, Any]) -> None:
    assert problem(w.signer.post(w.cast.a.lead, PATH, body), 422, "invalid_input")["errors"]
    assert w.get(w.cast.a.lead, PATH)["items"] == []


@pytest.mark.parametrize("body", [{}, {"gateway_id": "gtw_1"}, {"gateway_id": None}])
def test_what_is_no_withdrawal_is_refused(w: World, body: dict[str, Any]) -> None:
    answer = w.signer.post(w.cast.a.lead, f"{PATH}/withdrawals", body)
    assert problem(answer, 422, "invalid_input")["errors"]


def test_the_operator_verifies_what_is_declared_and_one_of_it(w: World) -> None:
    a = w.cast.a
    with pytest.raises(NotFoundError):
        verify(w, a)
    for digit in "ab":
        declare(w, a, "own_terms", document_sha256=digit * 64)
    with pytest.raises(ConflictError, match="--document"):
        verify(w, a, "own_terms")
    verify(w, a, "own_terms", document="a" * 64)
    with pytest.raises(InvalidInputError):
        verify(w, a, "own_terms", document="a" * 64, lasts=timedelta(days=-1))
    end = EndGateway(partner=a.handle, gateway=Gateway.OWN_TERMS, document_sha256="a" * 64)
    operate(w, end)
    with pytest.raises(NotFoundError):
        operate(w, end)


# --- what it decides ------------------------------------------------------------------------------


def test_a_network_that_asks_for_none_is_as_it_was(w: World) -> None:
    request = w.live()
    hold = w.freeze(w.cast.b, request, TOLD)
    assert told(w, request, w.cast.b) == (None, True)
    [shown] = w.items(w.cast.a.lead, request, "holds")
    assert (shown["id"], shown["held"]) == (hold, TOLD)
    named = w.signer.post(
        w.cast.a.analyst, REQUESTS, {**freeze_request_body(), "gateway": "us_314b"}
    )
    problem(named, 409, "gateway_not_held")


@pytest.mark.usefixtures("_asked_for")
def test_both_sides_need_the_same_verified_and_in_time(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    request = w.live()
    assert told(w, request, b) == (None, False)
    hold_gateway(w, a)
    declare(w, b)
    assert told(w, request, b) == (None, False)
    verify(w, b, lasts=timedelta(days=3))
    assert told(w, request, b) == ("us_314b", True)
    w.step(days=3)
    assert told(w, request, b) == (None, False)
    verify(w, b)
    assert told(w, request, b) == ("us_314b", True)
    end = EndGateway(partner=a.handle, gateway=Gateway.US_314B, document_sha256=None)
    operate(w, end)
    assert told(w, request, b) == (None, False)


@pytest.mark.usefixtures("_asked_for")
def test_a_request_may_state_the_one_under_which_it_is(w: World) -> None:
    a, b, c = w.cast.a, w.cast.b, w.cast.c
    refused = w.signer.post(a.analyst, REQUESTS, freeze_request_body(gateway="us_314b"))
    assert "none of yours counts" in problem(refused, 409, "gateway_not_held")["detail"]
    hold_gateway(w, a, b)
    hold_gateway(w, a, b, c, gateway="eu_amlr75")
    request = w.live(gateway="eu_amlr75", to=[b.handle, c.handle])
    assert request["gateway"] == "eu_amlr75"
    assert told(w, request, b) == told(w, request, c) == ("eu_amlr75", True)
    other = w.live(gateway="us_314b", to=[b.handle, c.handle])
    assert (told(w, other, b), told(w, other, c)) == (("us_314b", True), (None, False))


@pytest.mark.usefixtures("_asked_for")
def test_an_order_counts_by_its_document_and_not_by_what_a_request_names(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    order = {"police_report": None, "agency": "Police", "order": "1-23-456"}
    request = w.live(legal=order, support="order_applied")
    assert told(w, request, b) == (None, False)
    w.act(a.lead, request, "support", support="order", document_sha256="d" * 64)
    assert told(w, request, b) == ("order", True)
    w.freeze(b, request, TOLD)
    [line] = [each for each in w.items(a.lead, request, "ledger") if each["kind"] == "found"]
    assert (line["amount"], line["gateway"]) == (TOLD, "order")


@pytest.mark.usefixtures("_asked_for")
def test_an_order_on_one_leg_is_one_on_that_leg_alone(w: World) -> None:
    b, c = w.cast.b, w.cast.c
    request = w.live(to=[b.handle, c.handle])
    for each in (b, c):
        say(w, each, request, found_line(None), frozen_line(None))
    paper = {"agency": "Police", "reference": "1-2", "document_sha256": "d" * 64}
    w.act(b.lead, request, "legal-orders", **paper)
    assert (told(w, request, b), told(w, request, c)) == (("order", True), (None, False))


# --- no way round ---------------------------------------------------------------------------------


def say(w: World, exchange: Exchange, request: dict[str, Any], *lines: Any) -> None:
    w.report(exchange, request, list(lines))


def _codes(answer: Any) -> set[str]:
    return {fault["code"] for fault in answer.get_json()["errors"]}


def _refused(w: World, exchange: Exchange, request: dict[str, Any], *lines: Any) -> None:
    """See a report refused, and that nothing of it was booked."""
    before = w.items(exchange.lead, request, "ledger")
    answer = w.try_act(exchange.lead, request, "freeze-reports", lines=list(lines))
    problem(answer, 409, "ledger_breach")
    assert "no_shared_gateway" in _codes(answer)
    assert w.items(exchange.lead, request, "ledger") == before


def _everything(w: World, reader: Exchange, request: dict[str, Any]) -> dict[str, str]:
    """Return all that a member reads: every list and document of the API, each page, its feed."""
    shown: dict[str, str] = {}
    incident = request["incident"]["id"]
    ids = {"request_id": request["id"], "incident_id": incident, "handle": w.cast.b.handle}
    for route in ROUTES:
        method, path = route.method, route.path
        if method != "GET" or any(name not in ids for name in re.findall(r"{(\w+)}", path)):
            continue
        answer = w.signer.get(reader.lead, path.format(**ids))
        shown[path] = _text(answer.data)
    shown["feed"] = str(w.events(reader))
    for box in ("sent", "received"):
        shown[box] = w.signer.get(reader.lead, f"{REQUESTS}?box={box}").text
    return shown


def _text(raw: bytes) -> str:
    if raw[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(raw)) as bundle:
            return "\n".join(
                bundle.read(name).decode("utf-8", "replace") for name in bundle.namelist()
            )
    return raw.decode("utf-8", "replace")


@pytest.mark.usefixtures("_asked_for")
def test_nothing_that_the_other_side_reads_has_an_amount_of_such_a_leg(
    w: World,
) -> None:
    """B holds for C with amounts, and for A, with which it has nothing in common, without."""
    a, b, c = w.cast.a, w.cast.b, w.cast.c
    hold_gateway(w, b, c)
    theirs = w.live(by=c, to=[b.handle])
    shared = w.freeze(b, theirs, TOLD)
    request = w.live(to=[b.handle])
    _refused(w, b, request, found_line(TOLD))
    _refused(w, b, request, found_line(None), frozen_line(HELD))
    _refused(w, b, request, {"kind": "frozen", "address_no": 0, "hold": shared})
    say(w, b, request, found_line(None), frozen_line(None))
    [hold] = [each["id"] for each in w.items(a.lead, request, "holds")]
    [line, *_] = w.items(b.lead, request, "ledger")
    _refused(
        w,
        b,
        request,
        {"kind": "correction", "corrects": line["id"], "amount": HELD, "reason": "counted"},
    )
    _refused(w, b, request, released_line(hold, HELD))
    w.act(b.lead, request, "hold-extensions", **_later(w, hold))
    say(w, b, theirs, released_line(shared, HELD))
    say(w, b, request, released_line(hold, None))
    for where, text in _everything(w, a, request).items():
        assert TOLD not in text, where
        assert HELD not in text, where
    totals = w.get(a.lead, f"{REQUESTS}/{request['id']}")["totals"][ETHER]
    assert (totals["found"], totals["frozen"], totals["withheld"]) == ("0", "0", 2)
    # Who shares one reads them: the walk looks in the right places.
    assert any(TOLD in text for text in _everything(w, c, theirs).values())


def _later(w: World, hold: str) -> dict[str, Any]:
    until = w.clock.now() + timedelta(days=40)
    return {"hold": hold, "hold_expires_at": format_time(until), "basis": "voluntary"}


@pytest.mark.usefixtures("_asked_for")
def test_a_hold_once_told_of_is_not_shared_after_a_correction_either(w: World) -> None:
    a, b, c = w.cast.a, w.cast.b, w.cast.c
    hold_gateway(w, b, c)
    theirs, request = w.live(by=c, to=[b.handle]), w.live(to=[b.handle])
    hold = w.freeze(b, theirs, TOLD)
    [line] = [each for each in w.items(b.lead, theirs, "ledger") if each["kind"] == "frozen"]
    null = {"kind": "correction", "corrects": line["id"], "amount": None, "reason": "not to tell"}
    say(w, b, theirs, null)
    _refused(w, b, request, {"kind": "frozen", "address_no": 0, "hold": hold})
    # A hold of which nothing was ever told is shared as ever.
    other = w.live(by=c, to=[b.handle])
    say(w, b, other, found_line(None), frozen_line(None))
    [bare] = w.items(b.lead, other, "holds")
    say(w, b, request, {"kind": "frozen", "address_no": 0, "hold": bare["id"]})
    assert [each["withheld"] for each in w.items(a.lead, request, "holds")] == [True]


@pytest.mark.usefixtures("_asked_for")
def test_after_a_lapse_what_was_told_stays_and_nothing_more_is_told(w: World) -> None:
    """B shares a hold with A's request and C's; then its gateway with A lapses."""
    a, b, c = w.cast.a, w.cast.b, w.cast.c
    hold_gateway(w, a, b, gateway="uk_s188", lasts=timedelta(days=2))
    hold_gateway(w, b, c)
    request, theirs = w.live(to=[b.handle]), w.live(by=c, to=[b.handle])
    hold = w.freeze(b, theirs, TOLD)
    say(w, b, request, {"kind": "frozen", "address_no": 0, "hold": hold})
    assert TOLD in str(w.items(a.lead, request, "holds"))
    w.step(days=2)
    assert TOLD in str(w.items(a.lead, request, "holds"))
    # Whatever is told to C would be read by A, too: first the hold parts from A's request.
    _refused(w, b, theirs, released_line(hold, HELD))
    parting = {
        "kind": "kept",
        "hold": hold,
        "basis": "other_request",
        "other_request": theirs["id"],
    }
    say(w, b, request, parting, found_line(None), frozen_line(None))
    say(w, b, theirs, released_line(hold, HELD))
    for where, text in _everything(w, a, request).items():
        assert HELD not in text, where
    assert HELD in str(w.items(c.lead, theirs, "ledger"))


@pytest.mark.usefixtures("_asked_for")
def test_a_refusal_is_stored_and_a_stated_gateway_is_not(w: World) -> None:
    a = w.cast.a
    body = freeze_request_body(gateway="us_314b")
    first = w.signer.post(a.analyst, REQUESTS, body, key="the-same-key")
    problem(first, 409, "gateway_not_held")
    hold_gateway(w, a)
    again = w.signer.post(a.analyst, REQUESTS, body, key="the-same-key")
    assert again.status_code == 201, again.data


# --- claims and promises --------------------------------------------------------------------------


@pytest.mark.usefixtures("_asked_for")
def test_who_holds_states_no_amount_of_a_claim_where_no_gateway_is_shared(w: World) -> None:
    b, c = w.cast.b, w.cast.c
    hold_gateway(w, w.cast.a, b)
    request = w.live(to=[b.handle, c.handle])
    holds = {each.handle: w.freeze(each, request, None) for each in (b, c)}
    claim = {
        "kind": "attachment",
        "order_sha256": "ab" * 32,
        "blocks": ["payout", "release", "return"],
        "court": "Harju County Court",
        "number": "2-26-123",
    }

    def attach(exchange: Exchange, **more: str) -> Any:
        said = {**claim, "hold": holds[exchange.handle], **more}
        return w.try_act(exchange.compliance, request, "encumbrances", **said)

    refused = problem(attach(c, amount=TOLD), 409, "no_shared_gateway")
    assert [each["pointer"] for each in refused["errors"]] == ["/amount"]
    assert w.items(w.cast.a.lead, request, "encumbrances") == []
    assert TOLD not in str(_everything(w, w.cast.a, request))
    assert attach(c).status_code == 201
    assert attach(b, amount=TOLD).status_code == 201


@pytest.mark.usefixtures("_asked_for")
def test_after_a_lapse_a_return_is_promised_without_an_amount(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    destination = register_destination(w.signer, a)["id"]
    hold_gateway(w, a, b, lasts=timedelta(days=2))
    w.clock.step(timedelta(hours=24))
    request = w.live(to=[b.handle])
    hold = w.freeze(b, request)
    asked = {
        "to": b.handle,
        "holds": "all",
        "asset": ETHER,
        "amount": "all",
        "destination": {"id": destination, "account": ACCOUNT},
        "basis": {"kind": "own_error", "reason": "A digit was wrong."},
    }
    made = w.act(a.compliance, request, "return-requests", **asked)
    digest = {"act_sha256": made["act_sha256"]}
    path = f"return-requests/{made['id']}"
    w.act(a.lead, request, f"{path}/approvals", decision="approve", **digest)
    w.clock.step(timedelta(days=2))

    def promise(amount: str | None) -> Any:
        parts = [{"hold": hold, "amount": amount}]
        said = {"decision": "accept", "parts": parts, **digest}
        return w.try_act(b.compliance, request, f"{path}/answer", **said)

    problem(promise("650"), 422, "bad_parts")
    accepted = promise(None)
    assert accepted.status_code == 201, accepted.data
    assert accepted.get_json()["parts"] == [{"hold": hold, "accepted": None, "sent": "0"}]
