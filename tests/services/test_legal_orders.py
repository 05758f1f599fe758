"""Legal orders: who attaches them, who reads them, and that they change no hold by themselves."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.vocabulary import PartnerKind
from tests import factories
from tests.factories import Cast, Exchange, Signer
from tests.services.through_api import REQUESTS, World, pointers, problem, released_line

ORDER = {"agency": "Prosecutor of Tallinn", "reference": "1-23-456", "document_sha256": "ab" * 32}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def police(w: World) -> Exchange:
    joined = factories.new_exchange("police.example")
    factories.admit(w.database, w.vault, w.clock, joined, PartnerKind.LAW_ENFORCEMENT)
    return joined


def _case(w: World, police: Exchange) -> dict[str, object]:
    """Have the police's own request go out to B and C."""
    body = factories.freeze_request_body(to=[w.cast.b.handle, w.cast.c.handle])
    request = w.signer.post(police.analyst, REQUESTS, body).get_json()
    decision = {"decision": "approve", "context_sha256": request["context_sha256"]}
    w.act(police.lead, request, "approvals", **decision)
    return dict(request)


def test_the_partner_that_holds_attaches_an_order_and_the_hold_stays_voluntary(w: World) -> None:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    attached = w.act(w.cast.b.compliance, request, "legal-orders", hold=hold, **ORDER)
    assert (attached["partner"], attached["agency"]) == (w.cast.b.handle, ORDER["agency"])
    assert w.items(w.cast.a.lead, request, "holds")[0]["basis"] == "voluntary"
    extension = {"hold": hold, "hold_expires_at": "2026-09-01T00:00:00Z", "basis": "legal_order"}
    w.act(w.cast.b.compliance, request, "hold-extensions", **extension)
    assert w.items(w.cast.a.lead, request, "holds")[0]["basis"] == "legal_order"


def test_an_order_is_shown_to_the_requester_and_its_own_leg_alone(w: World) -> None:
    request = w.live()
    w.freeze(w.cast.b, request)
    w.act(w.cast.b.compliance, request, "legal-orders", **ORDER)
    for exchange in (w.cast.a, w.cast.b):
        [shown] = w.items(exchange.auditor, request, "legal-orders")
        assert {n: shown[n] for n in ORDER} == ORDER
        [event] = w.events(exchange, "leg.legal_order_attached")
        assert (event["reference"], event["attached_by"]) == ("1-23-456", w.cast.b.handle)
    assert w.items(w.cast.c.auditor, request, "legal-orders") == []
    assert w.events(w.cast.c, "leg.legal_order_attached") == []


def test_an_authority_attaches_to_its_own_request_for_every_leg_or_one_hold(
    w: World, police: Exchange
) -> None:
    request = _case(w, police)
    hold = w.freeze(w.cast.b, request)
    w.act(police.compliance, request, "legal-orders", **ORDER)
    second = {**ORDER, "reference": "1-23-457"}
    w.act(police.lead, request, "legal-orders", hold=hold, **second)
    seen = {
        exchange.handle: [o["reference"] for o in w.items(exchange.lead, request, "legal-orders")]
        for exchange in (police, w.cast.b, w.cast.c)
    }
    both, first = ["1-23-456", "1-23-457"], ["1-23-456"]
    assert seen == {police.handle: both, w.cast.b.handle: both, w.cast.c.handle: first}
    for exchange, references in ((police, both), (w.cast.b, both), (w.cast.c, first)):
        events = w.events(exchange, "leg.legal_order_attached")
        assert [event["reference"] for event in events] == references
    assert w.items(police.lead, request, "holds")[0]["basis"] == "voluntary"


def test_an_authority_attaches_once_the_request_went_out(w: World, police: Exchange) -> None:
    body = factories.freeze_request_body(to=[w.cast.b.handle])
    request = w.signer.post(police.analyst, REQUESTS, body).get_json()
    refused = w.try_act(police.lead, request, "legal-orders", **ORDER)
    assert problem(refused, 409, "invalid_transition")["current_status"] == "submitted"


def test_an_authority_sees_no_case_of_others(w: World, police: Exchange) -> None:
    request = w.live()
    problem(w.try_act(police.lead, request, "legal-orders", **ORDER), 404, "not_found")


def test_a_requesting_exchange_and_an_analyst_attach_none(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    w.freeze(w.cast.b, request)
    problem(w.try_act(w.cast.a.lead, request, "legal-orders", **ORDER), 403, "not_allowed")
    problem(w.try_act(w.cast.b.analyst, request, "legal-orders", **ORDER), 403, "not_allowed")
    problem(w.try_act(w.cast.c.lead, request, "legal-orders", **ORDER), 404, "not_found")


def test_who_holds_nothing_attaches_nothing(w: World) -> None:
    request = w.live()
    problem(w.try_act(w.cast.c.lead, request, "legal-orders", **ORDER), 409, "nothing_held")
    hold = w.freeze(w.cast.b, request)
    foreign = w.try_act(w.cast.c.lead, request, "legal-orders", hold=hold, **ORDER)
    problem(foreign, 404, "no_such_hold")
    w.report(w.cast.b, request, [released_line(hold, "700")])
    ended = w.try_act(w.cast.b.lead, request, "legal-orders", hold=hold, **ORDER)
    problem(ended, 409, "nothing_held")


def test_a_malformed_order_is_refused_with_the_place(w: World) -> None:
    request = w.live()
    bad = {**ORDER, "document_sha256": "AB" * 32, "agency": ""}
    refused = problem(
        w.try_act(w.cast.b.lead, request, "legal-orders", **bad), 422, "invalid_input"
    )
    assert pointers(refused) == ["/agency", "/document_sha256"]


REASONS = ["appeal_upheld", None, "court_order", None, "court_order"]


def _marks(answer: dict[str, Any]) -> list[str | None]:
    return [line.get("irregular") for line in answer["lines"]]


def test_a_return_under_a_court_s_order_says_so_to_who_shares_the_hold(w: World) -> None:
    b = w.cast.b
    first, second = w.live(), w.live(by=w.cast.c, to=[b.handle])
    hold = w.freeze(b, first)
    w.report(b, second, [{"kind": "frozen", "address_no": 0, "hold": hold}])
    lines = [{**_returned(hold, "1"), "reason": "court_order"}, _returned(hold, "1")]
    w.report(b, first, lines)
    shown = w.items(w.cast.c.auditor, second, "ledger")[-2:]
    assert [line.get("reason") for line in shown] == ["court_order", None]
    wrong = w.try_act(
        b.compliance, first, "freeze-reports", lines=[{**_returned(hold, "1"), "reason": "luck"}]
    )
    assert pointers(problem(wrong, 422, "invalid_input")) == ["/lines/0/reason"]


def _returned(hold: str, amount: str) -> dict[str, object]:
    return {"kind": "returned", "hold": hold, "amount": amount, "tx": "0x" + "ab" * 32}


def test_what_leaves_a_hold_on_which_an_order_lies_is_stored_as_encumbered(w: World) -> None:
    b = w.cast.b
    request = w.live()
    hold = w.freeze(b, request)
    assert _marks(w.report(b, request, [released_line(hold, "1")])) == [None]
    w.act(b.compliance, request, "legal-orders", hold=hold, **ORDER)
    lines = [
        released_line(hold, "2"),
        _returned(hold, "3"),
        {**released_line(hold, "4"), "reason": "court_order"},
        {"kind": "seized", "hold": hold, "amount": "5", "agency": ORDER["agency"]},
        {**_returned(hold, "6"), "reason": "court_order"},
    ]
    report = w.report(b, request, lines)
    assert [line.get("reason") for line in report["lines"]] == REASONS
    assert _marks(report) == ["encumbered", "encumbered", None, None, None]
    assert "irregular" in report["leg"]["flags"]
    for exchange in (w.cast.a, b):
        shown = w.items(exchange.auditor, request, "ledger")
        assert [line.get("irregular") for line in shown[-5:]] == _marks(report)
        assert [line.get("reason") for line in shown[-5:]] == REASONS
        # The hold itself was frozen as it should have been.
        assert w.items(exchange.auditor, request, "holds")[0]["irregular"] is None


def test_an_order_lies_on_the_hold_that_it_names_or_on_all_of_its_leg_or_request(
    w: World, police: Exchange
) -> None:
    b, c = w.cast.b, w.cast.c
    request = _case(w, police)
    named, other, of_c = (w.freeze(each, request) for each in (b, b, c))
    w.act(b.compliance, request, "legal-orders", hold=named, **ORDER)
    both = [released_line(named, "1"), released_line(other, "1")]
    assert _marks(w.report(b, request, both)) == ["encumbered", None]
    w.act(b.compliance, request, "legal-orders", **ORDER)
    assert _marks(w.report(b, request, both)) == ["encumbered", "encumbered"]
    assert _marks(w.report(c, request, [released_line(of_c, "1")])) == [None]
    w.act(police.lead, request, "legal-orders", **ORDER)
    assert _marks(w.report(c, request, [released_line(of_c, "1")])) == ["encumbered"]


def test_an_order_of_another_request_says_nothing_on_this_one(w: World) -> None:
    """Whoever may not read that request must not learn from this one that an order lies there."""
    b = w.cast.b
    first, second = w.live(), w.live()
    hold = w.freeze(b, first)
    w.report(b, second, [{"kind": "frozen", "address_no": 0, "hold": hold}])
    w.act(b.compliance, first, "legal-orders", hold=hold, **ORDER)
    assert _marks(w.report(b, second, [released_line(hold, "1")])) == [None]
    assert _marks(w.report(b, first, [released_line(hold, "1")])) == ["encumbered"]
    [_, shown] = w.items(w.cast.a.auditor, second, "ledger")[-2:]
    assert (shown["shared"], shown["irregular"]) == (True, "encumbered")


def test_the_same_order_again_is_the_same_entry_and_tells_nobody_anything(
    w: World, police: Exchange
) -> None:
    b = w.cast.b
    request = _case(w, police)
    hold, other = w.freeze(b, request), w.freeze(b, request)
    first = w.act(b.compliance, request, "legal-orders", hold=hold, **ORDER)
    again = w.try_act(b.lead, request, "legal-orders", hold=hold, **ORDER)
    assert again.status_code == 200
    assert again.get_json() == {name: first[name] for name in again.get_json()}
    assert len(w.items(b.auditor, request, "evidence")) == len(
        {each["act_id"] for each in w.items(b.auditor, request, "evidence")}
    )
    of_others: list[tuple[Exchange, dict[str, str]]] = [
        (b, {**ORDER, "hold": other}),
        (b, {**ORDER}),
        (b, {**ORDER, "hold": hold, "reference": "1-23-457"}),
        (b, {**ORDER, "hold": hold, "agency": "Prosecutor of Riga"}),
        (b, {**ORDER, "hold": hold, "document_sha256": "cd" * 32}),
        (police, {**ORDER, "hold": hold}),
        (police, {**ORDER}),
    ]
    seen = {first["id"]}
    for exchange, order in of_others:
        seen.add(w.act(exchange.lead, request, "legal-orders", **order)["id"])
        repeated = w.try_act(exchange.lead, request, "legal-orders", **order)
        assert (repeated.status_code, repeated.get_json()["id"] in seen) == (200, True)
    assert len(seen) == len(of_others) + 1
    assert len(w.items(b.auditor, request, "legal-orders")) == len(seen)
    assert len(w.events(b, "leg.legal_order_attached")) == len(seen)
