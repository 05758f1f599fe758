"""Why a request was withdrawn: whoever owes an answer reads it wherever it is told."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.vocabulary import WithdrawalReason
from tests.factories import Cast, Member, Signer
from tests.services.request_cast import HOUR, Desk, addresses
from tests.services.through_api import World, problem

SAID = [code.value for code in WithdrawalReason if code is not WithdrawalReason.NOT_RATIFIED]


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _withdraw(w: World, request: dict[str, Any], code: str, numbers: object = "all") -> None:
    words = {"reason_code": code, "reason": "as the code says"}
    w.act(w.cast.a.lead, request, "withdrawal", addresses=numbers, **words)


def _codes(w: World, reader: Member, request: dict[str, Any]) -> dict[str, Any]:
    """Return the codes in all that `reader` is shown of what B owes."""
    read = w.get(reader, f"/v1/freeze-requests/{request['id']}")
    [leg] = [x for x in w.items(reader, request, "legs") if x["partner"] == w.cast.b.handle]
    [hold] = w.items(reader, request, "holds")
    [owed] = w.get(reader, "/v1/holds/owed")["items"]
    shown = {"request": read, "leg": leg, "hold": hold, "owed": owed}
    return {name: view["withdrawn_reason_code"] for name, view in shown.items()}


@pytest.mark.parametrize("code", SAID)
def test_a_withdrawal_says_why_to_everybody_who_owes_an_answer(w: World, code: str) -> None:
    a, b = w.cast.a, w.cast.b
    request = w.live()
    w.freeze(b, request)
    _withdraw(w, request, code)
    for exchange in (a, b):
        shown = _codes(w, exchange.auditor, request)
        assert shown == dict.fromkeys(("request", "leg", "hold", "owed"), code)
        for event in ("freeze_request.withdrawn", "answer.owed"):
            assert [e["reason_code"] for e in w.events(exchange, event)] == [code]
    w.step(hours=24)
    assert w.run_timer("answer_owed") == 1
    assert [e["reason_code"] for e in w.events(b, "answer.owed")] == [code, code]


def test_addresses_have_reasons_of_their_own(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    request = w.live(addresses=addresses(4, 900))
    w.freeze(b, request)
    _withdraw(w, request, "superseded", [3])
    _withdraw(w, request, "wrong_target", [0])
    for exchange in (a, b):
        items = w.items(exchange.auditor, request, "addresses")
        codes = [item.get("withdrawn_reason_code") for item in items]
        assert codes == ["wrong_target", None, None, "superseded"]
        shown = _codes(w, exchange.auditor, request)
        assert shown == {"request": None} | dict.fromkeys(("leg", "hold", "owed"), "wrong_target")
    _withdraw(w, request, "resolved")
    shown = _codes(w, b.auditor, request)
    assert shown == dict.fromkeys(("request", "leg"), "resolved") | dict.fromkeys(
        ("hold", "owed"), "wrong_target"
    )


def test_a_partner_asked_later_hears_why_addresses_went_before(w: World) -> None:
    a, c = w.cast.a, w.cast.c
    request = w.live(addresses=addresses(4, 900), to=[w.cast.b.handle])
    for number, code in enumerate(("superseded", "wrong_target", "superseded")):
        _withdraw(w, request, code, [number])
    added = w.act(a.lead, request, "partners", to=[c.handle])
    decision = {"decision": "approve", "context_sha256": added["context_sha256"]}
    w.act(a.second_lead, request, "approvals", **decision)
    told = w.events(c, "freeze_request.withdrawn")
    assert [(e["reason_code"], e["addresses"]) for e in told] == [
        ("superseded", [0]),
        ("wrong_target", [1]),
        ("superseded", [2]),
    ]


@pytest.mark.parametrize("code", ["not_ratified", "by_mistake", None, 7])
def test_a_person_says_one_of_the_reasons_that_people_have(w: World, code: object) -> None:
    request = w.live()
    said = {} if code is None else {"reason_code": code}
    body = {"addresses": "all", "reason": "as it is", **said}
    told = problem(w.try_act(w.cast.a.lead, request, "withdrawal", **body), 422, "invalid_input")
    assert [fault["pointer"] for fault in told["errors"]] == ["/reason_code"]
    assert w.get(w.cast.a.lead, f"/v1/freeze-requests/{request['id']}")["status"] == "active"


@pytest.mark.parametrize("end", ["rejected", "lapsed"])
def test_what_no_lead_stands_by_says_so(desk: Desk, end: str) -> None:
    desk.policy(desk.cast.a, may_flash=[desk.cast.a.analyst.subject])
    ask = desk.submit(urgency="flash")
    desk.hold(desk.cast.b, ask)
    if end == "rejected":
        desk.decide(ask, decision="reject")
    else:
        desk.step(HOUR)
        desk.step(12 * HOUR)
    assert desk.request(ask).withdrawal_reason == "not_ratified"
    told = {e["type"]: e["data"] for e in desk.feed(desk.cast.b)}
    for event in ("freeze_request.withdrawn", "answer.owed"):
        assert told[event]["reason_code"] == "not_ratified"
