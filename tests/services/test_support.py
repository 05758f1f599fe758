"""Whose word a request rests on: how long a hold may be, and who raises it with what."""

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.services.requests.notices import DOCUMENT_LIMIT_BYTES
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import canonical_json
from holdfast.protocol.vocabulary import Support
from tests.factories import Cast, Signer, freeze_request_body
from tests.services.through_api import REQUESTS, World, found_line, frozen_line, problem

PAPER = {"document_sha256": "ab" * 32, "reference": "17/2026"}
LADDER = [support.value for support in Support]


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _raise(w: World, request: dict[str, object], support: str, **words: object) -> None:
    w.act(w.cast.a.compliance, request, "support", support=support, **PAPER | words)


@pytest.mark.parametrize(
    ("support", "hours"),
    [("none", 72), ("police_report", 14 * 24), ("order_applied", 90 * 24), ("order", 366 * 24)],
)
def test_a_request_asks_for_no_longer_hold_than_its_support_carries(
    w: World, support: str, hours: int
) -> None:
    assert w.submit(support=support, hold={"hours": hours})["support"] == support
    if support == "order":
        return  # no body states more
    body = freeze_request_body(support=support, hold={"hours": hours + 1})
    refused = w.signer.post(w.cast.a.analyst, REQUESTS, body)
    [fault] = problem(refused, 422, "invalid_input")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/hold/hours", "beyond_support")


def test_a_document_that_says_nothing_rests_on_the_requester_s_word_alone(w: World) -> None:
    request = w.live(support=..., hold=...)
    assert request["support"] == "none"
    [notice] = w.events(w.cast.b, "freeze_request.received")
    assert notice["support"] == "none"


def test_holds_grow_with_the_word_behind_the_request_and_none_by_itself(w: World) -> None:
    request = w.live(support="none")
    too_long = [found_line("700"), frozen_line("700", hold_expires_at="2026-03-05T13:00:00Z")]
    refused = w.try_act(w.cast.b.compliance, request, "freeze-reports", lines=too_long)
    [fault] = problem(refused, 409, "ledger_breach")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/lines/1/hold_expires_at", "beyond_support")
    fits = [found_line("700"), frozen_line("700", hold_expires_at="2026-03-05T11:00:00Z")]
    hold = w.report(w.cast.b, request, fits)["lines"][1]["hold"]
    later = {"hold": hold, "hold_expires_at": "2026-03-16T11:00:00Z", "basis": "voluntary"}
    refused = w.try_act(w.cast.b.compliance, request, "hold-extensions", **later)
    [fault] = problem(refused, 409, "ledger_breach")["errors"]
    assert "a police report makes it 14 days" in fault["detail"]
    _raise(w, request, "police_report")
    [shown] = w.items(w.cast.b.auditor, request, "holds")
    assert shown["hold_expires_at"] == "2026-03-05T11:00:00Z"
    w.act(w.cast.b.compliance, request, "hold-extensions", **later)
    [shown] = w.items(w.cast.b.auditor, request, "holds")
    assert (shown["hold_expires_at"], shown["review_at"]) == ("2026-03-16T11:00:00Z", None)


def test_on_an_order_the_end_is_a_review_date_and_nothing_lapses(w: World) -> None:
    request = w.live(support="order")
    end = "2026-03-20T12:00:00Z"
    w.report(w.cast.b, request, [found_line("700"), frozen_line("700", hold_expires_at=end)])
    w.step(days=30)
    while w.run_timer("hold_clock"):
        pass
    [shown] = w.items(w.cast.b.auditor, request, "holds")
    assert (shown["review_at"], shown["lapsed"], shown["owed_since"]) == (end, False, None)
    reminders = w.events(w.cast.b, "hold.expiring")
    assert reminders
    assert all(each["is_review"] for each in reminders)
    assert w.events(w.cast.b, "hold.lapsed") == []


@pytest.mark.parametrize("before", LADDER)
def test_support_is_raised_and_never_lowered(w: World, before: str) -> None:
    for after in LADDER:
        request = w.submit(support=before, hold={"hours": 1})
        answer = w.try_act(w.cast.a.lead, request, "support", support=after, **PAPER)
        shown = w.get(w.cast.a.auditor, f"{REQUESTS}/{request['id']}")["support"]
        if LADDER.index(after) > LADDER.index(before):
            assert (answer.status_code, shown) == (201, after)
        else:
            refused = problem(answer, 409, "support_not_raised")
            assert (refused["current_status"], shown) == ("submitted", before)


def test_every_partner_asked_hears_of_it_with_the_proof(w: World) -> None:
    request = w.live(support="none", to=[w.cast.b.handle, w.cast.c.handle])
    _raise(w, request, "police_report")
    for exchange in (w.cast.a, w.cast.b, w.cast.c):
        [event] = w.events(exchange, "freeze_request.support_raised")
        assert (event["before"], event["support"]) == ("none", "police_report")
        assert {name: event[name] for name in PAPER} == PAPER
        if exchange is not w.cast.a:
            assert event["evidence"]["act"] == "raise_support"
            assert '"support":"police_report"' in event["evidence"]["body"]
    assert w.events(w.cast.d, "freeze_request.support_raised") == []
    w.get(w.cast.d.lead, f"{REQUESTS}/{request['id']}/support", status=404)
    body = {"content_sha256": request["content_sha256"], "support": "order", **PAPER}
    raw = canonical_json.dumps(body) + b" " * DOCUMENT_LIMIT_BYTES
    path = f"{REQUESTS}/{request['id']}/support"
    assert w.signer.send(w.cast.a.lead, "POST", path, raw).status_code == 201
    event = w.events(w.cast.b, "freeze_request.support_raised")[-1]
    assert "body" not in event["evidence"]
    assert event["evidence"]["href"].endswith(f"/evidence?act={event['act_id']}")
    history = [each["support"] for each in w.items(w.cast.b.auditor, request, "support")]
    assert history == ["police_report", "order"]


def test_compliance_and_leads_of_the_requester_raise_it_while_it_is_alive(w: World) -> None:
    request = w.live(support="none", to=[w.cast.b.handle])
    for member, status, code in (
        (w.cast.a.analyst, 403, "not_allowed"),
        (w.cast.b.lead, 404, "not_found"),
        (w.cast.d.lead, 404, "not_found"),
    ):
        problem(w.try_act(member, request, "support", support="order", **PAPER), status, code)
    w.act(w.cast.a.lead, request, "closure")
    over = w.try_act(w.cast.a.lead, request, "support", support="order", **PAPER)
    assert problem(over, 409, "invalid_transition")["current_status"] == "closed"


@pytest.mark.parametrize(
    ("words", "pointer"),
    [
        ({"support": "a hunch"}, "/support"),
        ({"document_sha256": "AB" * 32}, "/document_sha256"),
        ({"reference": "mail to jane@example.com"}, "/reference"),
    ],
)
def test_a_malformed_document_is_refused_with_the_place(
    w: World, words: dict[str, str], pointer: str
) -> None:
    request = w.live(support="none")
    body = {"support": "order", **PAPER, **words}
    refused = w.try_act(w.cast.a.lead, request, "support", **body).get_json()
    assert [fault["pointer"] for fault in refused["errors"]] == [pointer]
