"""Ask and answer: who may, what the leg shows, and who learns the words."""

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import Cast, Signer
from tests.services.through_api import World, found_line, frozen_line, pointers, problem

MISSING = ["police report", "tx of the deposit"]


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_a_question_shows_on_the_leg_until_it_is_answered(w: World) -> None:
    request = w.live()
    asked = w.act(w.cast.b.analyst, request, "info-requests", missing=MISSING, text="Please.")
    assert asked["status"] == "info_requested"
    leg = w.leg(request, w.cast.b)
    assert (leg["status"], leg["flags"]) == ("info_requested", ["info_requested"])
    assert leg["acknowledged_at"] == asked["asked_at"]

    answered = w.act(
        w.cast.a.analyst, request, f"info-requests/{asked['id']}/answer", text="Report 17 of May."
    )
    assert answered["status"] == "under_review"
    leg = w.leg(request, w.cast.b)
    assert (leg["status"], leg["flags"]) == ("under_review", [])


def test_both_sides_read_question_and_answer_and_a_third_partner_neither(w: World) -> None:
    request = w.live()
    asked = w.act(w.cast.b.analyst, request, "info-requests", missing=MISSING, text="Please.")
    w.act(w.cast.a.analyst, request, f"info-requests/{asked['id']}/answer", text="Here it is.")
    for member in (w.cast.a.auditor, w.cast.b.auditor):
        [shown] = w.items(member, request, "info-requests")
        assert (shown["missing"], shown["text"]) == (MISSING, "Please.")
        assert shown["answer"] == "Here it is."
    assert w.items(w.cast.c.lead, request, "info-requests") == []
    types = ("leg.info_requested", "leg.info_provided")
    for exchange in (w.cast.a, w.cast.b):
        asked_event, given = w.events(exchange, *types)
        assert asked_event["missing"] == MISSING
        assert given["text"] == "Here it is."
    assert w.events(w.cast.c, *types) == []


def test_a_flag_stays_while_another_question_is_open(w: World) -> None:
    request = w.live()
    first = w.act(w.cast.b.analyst, request, "info-requests", missing=["one"])
    second = w.act(w.cast.b.system, request, "info-requests", missing=["two"])
    w.act(w.cast.a.system, request, f"info-requests/{first['id']}/answer", text="One.")
    assert w.leg(request, w.cast.b)["flags"] == ["info_requested"]
    w.act(w.cast.a.system, request, f"info-requests/{second['id']}/answer", text="Two.")
    assert w.leg(request, w.cast.b)["flags"] == []


def test_a_question_about_frozen_funds_is_only_a_flag(w: World) -> None:
    request = w.live()
    w.report(w.cast.b, request, [found_line(), frozen_line()])
    asked = w.act(w.cast.b.compliance, request, "info-requests", missing=["order"])
    assert asked["status"] == "frozen"
    assert w.leg(request, w.cast.b)["flags"] == ["info_requested"]


def test_an_overdue_leg_that_asks_is_overdue_no_more(w: World) -> None:
    request = w.live()
    w.step(hours=3)
    assert w.run_timer("acknowledge_by") == 3
    w.act(w.cast.b.analyst, request, "info-requests", missing=["one"])
    assert w.leg(request, w.cast.b)["flags"] == ["info_requested"]
    assert w.leg(request, w.cast.c)["flags"] == ["overdue"]


def test_a_question_is_answered_once(w: World) -> None:
    request = w.live()
    asked = w.act(w.cast.b.analyst, request, "info-requests", missing=["one"])
    path = f"info-requests/{asked['id']}/answer"
    w.act(w.cast.a.analyst, request, path, text="One.")
    again = w.try_act(w.cast.a.analyst, request, path, text="Two.")
    assert problem(again, 409, "already_answered")["current_status"] == "under_review"


def test_who_is_not_asked_cannot_ask_and_who_did_not_request_cannot_answer(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    stranger = w.try_act(w.cast.c.analyst, request, "info-requests", missing=["one"])
    problem(stranger, 404, "not_found")
    problem(
        w.try_act(w.cast.b.auditor, request, "info-requests", missing=["x"]), 403, "not_allowed"
    )
    asked = w.act(w.cast.b.analyst, request, "info-requests", missing=["one"])
    path = f"info-requests/{asked['id']}/answer"
    problem(w.try_act(w.cast.b.analyst, request, path, text="Me."), 404, "not_found")
    problem(w.try_act(w.cast.a.compliance, request, path, text="Me."), 403, "not_allowed")


def test_a_lead_answers_too_and_compliance_only_reads(w: World) -> None:
    request = w.live()
    asked = w.act(w.cast.b.analyst, request, "info-requests", missing=["one"])
    path = f"info-requests/{asked['id']}/answer"
    problem(w.try_act(w.cast.a.compliance, request, path, text="Me."), 403, "not_allowed")
    assert w.act(w.cast.a.lead, request, path, text="One.")["answer"] == "One."
    assert w.items(w.cast.a.compliance, request, "info-requests")[0]["answer"] == "One."


def test_a_question_of_another_request_cannot_be_answered_here(w: World) -> None:
    one, two = w.live(), w.live()
    asked = w.act(w.cast.b.analyst, one, "info-requests", missing=["one"])
    path = f"info-requests/{asked['id']}/answer"
    problem(w.try_act(w.cast.a.analyst, two, path, text="One."), 404, "no_such_question")


def test_nobody_asks_once_the_request_is_over(w: World) -> None:
    request = w.live()
    asked = w.act(w.cast.b.analyst, request, "info-requests", missing=["one"])
    w.act(
        w.cast.a.lead,
        request,
        "withdrawal",
        addresses="all",
        reason_code="other",
        reason="an error",
    )
    refused = w.try_act(w.cast.b.analyst, request, "info-requests", missing=["one"])
    problem(refused, 409, "invalid_transition")
    late = w.try_act(w.cast.a.analyst, request, f"info-requests/{asked['id']}/answer", text="One.")
    problem(late, 409, "invalid_transition")
    assert w.leg(request, w.cast.b)["flags"] == []


def test_an_answer_leaves_a_decline_that_came_after_the_question_as_it_is(w: World) -> None:
    request = w.live()
    asked = w.act(w.cast.b.analyst, request, "info-requests", missing=["one"])
    w.act(w.cast.b.lead, request, "decline", code="policy_refusal")
    path = f"info-requests/{asked['id']}/answer"
    assert w.act(w.cast.a.analyst, request, path, text="One.")["status"] == "declined"
    leg = w.leg(request, w.cast.b)
    shown = (leg["status"], leg["decline_code"], leg["flags"])
    assert shown == ("declined", "policy_refusal", [])
    [given] = w.events(w.cast.b, "leg.info_provided")
    assert (given["text"], given["status"]) == ("One.", "declined")


def test_a_leg_that_ended_is_not_overdue(w: World) -> None:
    request = w.live()
    w.step(hours=3)
    assert w.run_timer("acknowledge_by") == 3
    w.act(
        w.cast.a.lead,
        request,
        "withdrawal",
        addresses="all",
        reason_code="other",
        reason="an error",
    )
    leg = w.leg(request, w.cast.b)
    assert (leg["status"], leg["flags"]) == ("withdrawn", [])


def test_bad_questions_are_refused_with_the_place(w: World) -> None:
    request = w.live()
    analyst = w.cast.b.analyst
    empty = w.try_act(analyst, request, "info-requests", missing=[])
    assert pointers(problem(empty, 422, "invalid_input")) == ["/missing"]
    named = w.try_act(analyst, request, "info-requests", missing=["mail to joe@example.org"])
    assert pointers(problem(named, 422, "customer_data")) == ["/missing/0"]
    other = w.try_act(
        analyst, {**request, "content_sha256": "0" * 64}, "info-requests", missing=["x"]
    )
    problem(other, 409, "other_document")
    assert w.items(w.cast.a.lead, request, "info-requests") == []
