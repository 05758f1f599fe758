"""Legal orders that say how they were verified, that end, and that others call about."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.vocabulary import PartnerKind
from tests import factories
from tests.factories import Cast, Exchange, Signer
from tests.services.through_api import REQUESTS, World, pointers, problem, released_line

ORDER: dict[str, Any] = {
    "agency": "State police",
    "reference": "1-23-456",
    "document_sha256": "ab" * 32,
}
DETAILS: dict[str, Any] = {
    "officer": "Detective Tamm",
    "entity": "Exchange B OÜ",
    "verification": "call_back",
    "call_back": {"at": "2026-03-02T11:00:00Z", "number_from": "agency_website"},
}
HEARD = {"at": "2026-03-02T11:30:00Z", "number_from": "known_before", "outcome": "confirmed"}
NO_SUCH = "ord_01h455vb4pex5vsknk084sn02q"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def police(w: World) -> Exchange:
    joined = factories.new_exchange("police.example")
    factories.admit(w.database, w.vault, w.clock, joined, PartnerKind.LAW_ENFORCEMENT)
    return joined


def _case(w: World, police: Exchange) -> dict[str, Any]:
    """Have the police's own request go out to B and C."""
    body = factories.freeze_request_body(to=[w.cast.b.handle, w.cast.c.handle])
    request = w.signer.post(police.analyst, REQUESTS, body).get_json()
    decision = {"decision": "approve", "context_sha256": request["context_sha256"]}
    w.act(police.lead, request, "approvals", **decision)
    return dict(request)


def _marks(answer: dict[str, Any]) -> list[str | None]:
    return [line.get("irregular") for line in answer["lines"]]


def test_an_order_says_by_whom_how_it_was_verified_and_whom_it_addresses(
    w: World, police: Exchange
) -> None:
    request = _case(w, police)
    w.act(police.lead, request, "legal-orders", **ORDER, **DETAILS)
    for exchange in (police, w.cast.b, w.cast.c):
        [shown] = w.items(exchange.auditor, request, "legal-orders")
        assert {name: shown[name] for name in DETAILS} == DETAILS
        assert (shown["order_status"], shown["review_at"]) == ("standing", None)
    other = {**DETAILS, "officer": "Detective Kask"}
    w.act(police.lead, request, "legal-orders", **ORDER, **other)
    assert len(w.items(police.auditor, request, "legal-orders")) == 2


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"verification": "a feeling"}, "/verification"),
        ({"verification": "in_person"}, "/call_back"),
        ({"call_back": {"at": "2026-03-02T11:00:00Z"}}, "/call_back/number_from"),
        ({"call_back": {"at": "now", "number_from": "known_before"}}, "/call_back/at"),
        ({"officer": ""}, "/officer"),
        ({"freeze_until": "2026-03-01T00:00:00Z"}, "/freeze_until"),
    ],
)
def test_malformed_details_are_refused_with_the_place(
    w: World, changes: dict[str, Any], pointer: str
) -> None:
    request = w.live()
    w.freeze(w.cast.b, request)
    body = {**ORDER, **DETAILS, **changes}
    refused = w.try_act(w.cast.b.lead, request, "legal-orders", **body)
    assert pointers(problem(refused, 422, "invalid_input")) == [pointer]


def test_two_members_say_that_they_called_back_and_others_see_how_many(
    w: World, police: Exchange
) -> None:
    b, c = w.cast.b, w.cast.c
    request = _case(w, police)
    order = w.act(police.lead, request, "legal-orders", **ORDER)
    path = f"legal-orders/{order['id']}/call-backs"
    w.act(b.compliance, request, path, **HEARD)
    heard_no = {**HEARD, "outcome": "not_confirmed"}
    answer = w.act(c.lead, request, path, **heard_no)
    assert answer["called_back"] == {"confirmed": 1, "not_confirmed": 1}
    for exchange in (police, b, c):
        [shown] = w.items(exchange.auditor, request, "legal-orders")
        assert shown["called_back"] == answer["called_back"]
    events = w.events(police, "leg.legal_order_called_back")
    assert [(event["partner"], event["outcome"]) for event in events] == [
        (b.handle, "confirmed"),
        (c.handle, "not_confirmed"),
    ]
    # Who else called stays with the requester.
    assert [e["partner"] for e in w.events(b, "leg.legal_order_called_back")] == [b.handle]
    problem(w.try_act(b.lead, request, path, **HEARD), 409, "already_called_back")
    problem(w.try_act(police.lead, request, path, **HEARD), 403, "not_allowed")
    problem(w.try_act(w.cast.d.lead, request, path, **HEARD), 404, "not_found")
    unknown = f"legal-orders/{NO_SUCH}/call-backs"
    problem(w.try_act(c.lead, request, unknown, **HEARD), 404, "no_such_order")


def test_a_call_that_lies_ahead_or_says_nothing_is_refused(w: World) -> None:
    request = w.live()
    w.freeze(w.cast.b, request)
    order = w.act(w.cast.b.compliance, request, "legal-orders", **ORDER)
    path = f"legal-orders/{order['id']}/call-backs"
    for changes, pointer in (
        ({"at": "2026-04-02T11:30:00Z"}, "/at"),
        ({"outcome": "perhaps"}, "/outcome"),
        ({"number_from": "the_order_itself"}, "/number_from"),
    ):
        refused = w.try_act(w.cast.a.lead, request, path, **{**HEARD, **changes})
        assert pointers(problem(refused, 422, "invalid_input")) == [pointer]


def test_a_call_about_an_order_on_one_hold_is_no_matter_of_others_asked(w: World) -> None:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    order = w.act(w.cast.b.compliance, request, "legal-orders", hold=hold, **ORDER)
    path = f"legal-orders/{order['id']}/call-backs"
    problem(w.try_act(w.cast.c.lead, request, path, **HEARD), 404, "no_such_order")
    w.act(w.cast.a.compliance, request, path, **HEARD)
    assert len(w.events(w.cast.b, "leg.legal_order_called_back")) == 1


def test_an_order_that_is_lifted_blocks_and_marks_nothing_any_more(
    w: World, police: Exchange
) -> None:
    b, c = w.cast.b, w.cast.c
    request = _case(w, police)
    hold = w.freeze(b, request)
    order = w.act(police.lead, request, "legal-orders", **ORDER)
    assert _marks(w.report(b, request, [released_line(hold, "1")])) == ["encumbered"]
    named = {"act_sha256": order["act_sha256"], "document_sha256": "cd" * 32}
    path = f"legal-orders/{order['id']}/lifting"
    problem(w.try_act(police.lead, request, path, **named), 403, "four_eyes")
    problem(w.try_act(b.lead, request, path, **named), 403, "not_allowed")
    lifted = w.act(police.compliance, request, path, **named)
    assert (lifted["order_status"], lifted["lift_document_sha256"]) == ("lifted", "cd" * 32)
    for exchange in (police, b, c):
        [event] = w.events(exchange, "leg.legal_order_lifted")
        assert event["legal_order"] == order["id"]
    assert _marks(w.report(b, request, [released_line(hold, "1")])) == [None]
    calls = f"legal-orders/{order['id']}/call-backs"
    problem(w.try_act(b.lead, request, calls, **HEARD), 409, "already_lifted")
    problem(w.try_act(police.compliance, request, path, **named), 409, "invalid_transition")
    again = w.act(police.lead, request, "legal-orders", **ORDER)
    assert again["id"] != order["id"]
    assert _marks(w.report(b, request, [released_line(hold, "1")])) == ["encumbered"]


def test_a_freeze_period_that_runs_out_is_a_task_and_lets_nothing_go(
    w: World, police: Exchange
) -> None:
    b = w.cast.b
    request = _case(w, police)
    hold = w.freeze(b, request)
    until = "2026-03-12T12:00:00Z"
    order = w.act(police.lead, request, "legal-orders", **ORDER, freeze_until=until)
    claim: dict[str, Any] = {
        "kind": "forfeiture",
        "hold": hold,
        "order_sha256": "ab" * 32,
        "blocks": ["release"],
        "court": "Harju County Court",
        "number": "2-26-123",
        "review_at": until,
    }
    made = w.act(b.compliance, request, "encumbrances", **claim)

    def tasks(exchange: Exchange) -> list[tuple[str, str]]:
        waiting = w.get(exchange.lead, "/v1/tasks")["items"]
        return [(t["kind"], t["due_at"]) for t in waiting if t["kind"].startswith("review_")]

    assert tasks(police) + tasks(b) == []
    w.step(days=11)
    assert (w.run_timer("legal_order_review"), w.run_timer("encumbrance_review")) == (1, 1)
    assert (tasks(police), tasks(b)) == ([("review_order", until)], [("review_encumbrance", until)])
    assert tasks(w.cast.c) == []
    for exchange in (police, b, w.cast.c):
        [event] = w.events(exchange, "leg.legal_order_review_due")
        assert (event["legal_order"], event["review_at"]) == (order["id"], until)
    for exchange, kind in ((police, "review_order"), (b, "review_encumbrance")):
        [task] = [t for t in w.get(exchange.lead, "/v1/tasks")["items"] if t["kind"] == kind]
        body = {"content_sha256": request["content_sha256"]}
        taken = w.signer.post(exchange.lead, f"/v1/tasks/{task['id']}/taken", body)
        assert taken.status_code == 201, taken.data
        other = b if exchange is police else police
        problem(
            w.signer.post(other.lead, f"/v1/tasks/{task['id']}/taken", body), 404, "no_such_task"
        )
    assert _marks(w.report(b, request, [released_line(hold, "1")])) == ["encumbered"]
    later = {"review_at": "2026-06-01T00:00:00Z"}
    w.act(police.compliance, request, f"legal-orders/{order['id']}/reviews", **later)
    w.act(b.lead, request, f"encumbrances/{made['id']}/reviews", **later)
    assert tasks(police) + tasks(b) == []
    problem(
        w.try_act(b.lead, request, f"legal-orders/{order['id']}/reviews", **later),
        403,
        "not_allowed",
    )
