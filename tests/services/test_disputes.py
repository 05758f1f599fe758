"""Disputes: raised without a word on the customer; unanswered, they recommend a release."""

from typing import Any

import pytest
from sqlalchemy import update

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tables.life_cycle import DisputeRow
from tests.factories import Cast, Exchange, Signer
from tests.services.recomputed import faults
from tests.services.through_api import (
    NO_SUCH,
    World,
    found_line,
    frozen_line,
    pointers,
    problem,
    released_line,
)

WORDS = {"reference": "matter-k7", "text": "A shop that was paid with these coins."}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_a_dispute_flags_the_leg_and_tells_both_sides_alone(w: World) -> None:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    raised = w.act(w.cast.b.compliance, request, "disputes", hold=hold, **WORDS)
    assert raised["answer_by"] == "2026-03-05T12:00:00Z"
    leg = w.leg(request, w.cast.b)
    assert (leg["status"], leg["flags"]) == ("frozen", ["disputed"])
    for exchange in (w.cast.a, w.cast.b):
        [event] = w.events(exchange, "leg.disputed")
        assert (event["dispute"], event["recommended"]) == (raised["id"], False)
        assert (event["reference"], event["hold"]) == ("matter-k7", hold)
    assert w.events(w.cast.c, "leg.disputed") == []
    assert w.items(w.cast.c.lead, request, "disputes") == []
    for member in (w.cast.a.auditor, w.cast.b.auditor):
        [shown] = w.items(member, request, "disputes")
        assert (shown["text"], shown["reference"]) == (WORDS["text"], WORDS["reference"])
        assert shown["resolution"] is None


@pytest.mark.parametrize("resolution", ["upheld", "rejected"])
def test_a_lead_of_the_requester_resolves_it(w: World, resolution: str) -> None:
    request = w.live()
    w.freeze(w.cast.b, request)
    raised = w.act(w.cast.b.lead, request, "disputes", **WORDS)
    path = f"disputes/{raised['id']}/resolution"
    resolved = w.act(w.cast.a.lead, request, path, resolution=resolution, text="We looked again.")
    assert resolved["resolution"] == resolution
    assert w.leg(request, w.cast.b)["flags"] == (["contested"] if resolution == "upheld" else [])
    [shown] = w.items(w.cast.b.compliance, request, "disputes")
    assert (shown["resolution"], shown["resolution_text"]) == (resolution, "We looked again.")
    [event] = w.events(w.cast.b, "leg.dispute_resolved")
    assert (event["resolution"], event["text"]) == (resolution, "We looked again.")
    again = w.try_act(w.cast.a.lead, request, path, resolution="rejected", text="No.")
    problem(again, 409, "already_resolved")
    w.step(days=4)
    assert w.run_timer("dispute_answer_by") == 0


def test_unanswered_it_recommends_a_release_once_and_stays_disputed(w: World) -> None:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    raised = w.act(w.cast.b.compliance, request, "disputes", hold=hold, **WORDS)
    w.step(hours=71)
    assert w.run_timer("dispute_answer_by") == 0
    assert w.items(w.cast.a.lead, request, "disputes")[0]["release_recommended_at"] is None
    leg = w.leg(request, w.cast.b)
    assert leg["dispute_answer_by"] == raised["answer_by"]
    assert leg["release_recommended_at"] is None
    w.step(hours=1)
    assert w.run_timer("dispute_answer_by") == 1
    assert w.run_timer("dispute_answer_by") == 0
    [shown] = w.items(w.cast.a.lead, request, "disputes")
    assert shown["release_recommended_at"] == "2026-03-05T12:00:00Z"
    leg = w.leg(request, w.cast.b)
    assert leg["flags"] == ["disputed"]
    assert leg["release_recommended_at"] == shown["release_recommended_at"]
    assert [e["recommended"] for e in w.events(w.cast.a, "leg.disputed")] == [False, True]
    # A late answer still counts.
    path = f"disputes/{raised['id']}/resolution"
    w.act(w.cast.a.lead, request, path, resolution="rejected", text="Sorry for the wait.")
    leg = w.leg(request, w.cast.b)
    assert (leg["flags"], "release_recommended_at" in leg) == ([], False)


def _outcomes(w: World, request: dict[str, Any], *by: Exchange) -> list[str | None]:
    member = (by[0] if by else w.cast.a).lead
    return [dispute["resolution"] for dispute in w.items(member, request, "disputes")]


@pytest.mark.parametrize("waited", [0, 3], ids=["at once", "after a release was recommended"])
@pytest.mark.parametrize("names_hold", [True, False])
def test_a_dispute_is_moot_with_the_last_hold_that_it_is_about(
    w: World, waited: int, *, names_hold: bool
) -> None:
    request = w.live()
    hold, other = w.freeze(w.cast.b, request), w.freeze(w.cast.b, request, "50")
    w.act(w.cast.b.compliance, request, "disputes", hold=hold if names_hold else None, **WORDS)
    w.step(days=waited)
    assert w.run_timer("dispute_answer_by") == (1 if waited else 0)
    w.report(w.cast.b, request, [released_line(hold, "699")])
    assert _outcomes(w, request) == [None]
    told = w.report(w.cast.b, request, [released_line(hold, "1")])
    assert _outcomes(w, request) == (["moot"] if names_hold else [None])
    if not names_hold:
        told = w.report(w.cast.b, request, [released_line(other, "50")])
    assert _outcomes(w, request) == ["moot"]
    assert told["leg"]["flags"] == w.leg(request, w.cast.b)["flags"] == []
    for exchange in (w.cast.a, w.cast.b):
        *_, released, resolved = w.events(exchange, "freeze.released", "leg.dispute_resolved")
        assert "line_count" in released
        assert (resolved["resolution"], resolved["hold"]) == ("moot", hold if names_hold else None)
        assert resolved["by"] == "coordinator"
    w.step(days=4)
    assert w.run_timer("dispute_answer_by") == 0
    assert faults(w.database) == []


def test_a_dispute_about_a_shared_hold_is_moot_wherever_the_hold_is_ended(w: World) -> None:
    of_a, of_c = w.live(to=[w.cast.b.handle]), w.live(w.cast.c, to=[w.cast.b.handle])
    hold = w.freeze(w.cast.b, of_a)
    w.report(w.cast.b, of_c, [{"kind": "frozen", "address_no": 0, "hold": hold}])
    w.act(w.cast.b.lead, of_a, "disputes", hold=hold, **WORDS)
    w.act(w.cast.b.lead, of_c, "disputes", **WORDS)
    w.report(w.cast.b, of_a, [released_line(hold, "700")])
    assert (_outcomes(w, of_a), _outcomes(w, of_c, w.cast.c)) == (["moot"], ["moot"])
    for exchange in (w.cast.a, w.cast.c):
        [resolved] = w.events(exchange, "leg.dispute_resolved")
        assert resolved["resolution"] == "moot"
    assert faults(w.database) == []


def test_a_dispute_is_moot_where_the_hold_is_kept_for_another_request_alone(w: World) -> None:
    of_a, of_c = w.live(to=[w.cast.b.handle]), w.live(w.cast.c, to=[w.cast.b.handle])
    hold = w.freeze(w.cast.b, of_a)
    w.report(w.cast.b, of_c, [{"kind": "frozen", "address_no": 0, "hold": hold}])
    w.act(w.cast.b.lead, of_c, "disputes", hold=hold, **WORDS)
    w.act(
        w.cast.c.lead, of_c, "withdrawal", addresses="all", reason_code="other", reason="an error"
    )
    kept = {"kind": "kept", "hold": hold, "basis": "other_request", "other_request": of_a["id"]}
    w.report(w.cast.b, of_c, [kept])
    assert _outcomes(w, of_c, w.cast.c) == ["moot"]
    assert faults(w.database) == []


def test_a_dispute_about_a_freeze_that_was_corrected_to_nothing_is_moot(w: World) -> None:
    request = w.live()
    report = w.report(w.cast.b, request, [found_line(), frozen_line()])
    line = report["lines"][1]
    w.act(w.cast.b.lead, request, "disputes", hold=line["hold"], **WORDS)
    correction = {"corrects": line["id"], "amount": "0", "reason": "a slip"}
    w.report(w.cast.b, request, [{"kind": "correction", **correction}])
    assert _outcomes(w, request) == ["moot"]
    assert w.leg(request, w.cast.b)["flags"] == []


def test_the_timer_recommends_no_release_of_what_is_not_held(w: World) -> None:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    w.act(w.cast.b.compliance, request, "disputes", hold=hold, **WORDS)
    w.report(w.cast.b, request, [released_line(hold, "700")])
    with w.database.writing() as connection, connection.begin():
        # As stored before disputes ended with their holds.
        open_again = {"resolution": None, "resolution_act_id": None, "resolved_at": None}
        connection.execute(update(DisputeRow).values(**open_again))
    w.step(days=3)
    assert w.run_timer("dispute_answer_by") == 1
    [shown] = w.items(w.cast.a.lead, request, "disputes")
    assert (shown["resolution"], shown["release_recommended_at"]) == ("moot", None)


def test_nobody_disputes_where_nothing_is_held(w: World) -> None:
    request = w.live()
    shown = problem(w.try_act(w.cast.b.lead, request, "disputes", **WORDS), 409, "nothing_held")
    assert shown["current_status"] == "queued"
    hold = w.freeze(w.cast.b, request)
    w.report(w.cast.b, request, [released_line(hold, "700")])
    problem(w.try_act(w.cast.b.lead, request, "disputes", **WORDS), 409, "nothing_held")
    assert w.leg(request, w.cast.b)["flags"] == []


def test_the_flag_stays_while_another_dispute_is_open(w: World) -> None:
    request = w.live()
    w.freeze(w.cast.b, request)
    first = w.act(w.cast.b.compliance, request, "disputes", **WORDS)
    w.act(w.cast.b.compliance, request, "disputes", reference="matter-k8", text="Another.")
    path = f"disputes/{first['id']}/resolution"
    w.act(w.cast.a.lead, request, path, resolution="rejected", text="No.")
    assert w.leg(request, w.cast.b)["flags"] == ["disputed"]


def test_only_who_may_dispute_disputes_and_only_a_lead_resolves(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    problem(w.try_act(w.cast.b.analyst, request, "disputes", **WORDS), 403, "not_allowed")
    problem(w.try_act(w.cast.c.lead, request, "disputes", **WORDS), 404, "not_found")
    problem(w.try_act(w.cast.a.lead, request, "disputes", **WORDS), 404, "not_found")
    w.freeze(w.cast.b, request)
    raised = w.act(w.cast.b.lead, request, "disputes", **WORDS)
    path = f"disputes/{raised['id']}/resolution"
    answer = {"resolution": "upheld", "text": "Yes."}
    problem(w.try_act(w.cast.a.compliance, request, path, **answer), 403, "not_allowed")
    problem(w.try_act(w.cast.b.lead, request, path, **answer), 404, "not_found")
    missing = w.try_act(w.cast.a.lead, request, f"disputes/{NO_SUCH}/resolution", **answer)
    problem(missing, 404, "no_such_dispute")
    other = w.live(to=[w.cast.b.handle])
    problem(w.try_act(w.cast.a.lead, other, path, **answer), 404, "no_such_dispute")


def test_only_an_open_hold_of_ones_own_can_be_disputed(w: World) -> None:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    foreign = w.try_act(w.cast.c.lead, request, "disputes", hold=hold, **WORDS)
    problem(foreign, 404, "no_such_hold")
    w.report(w.cast.b, request, [released_line(hold, "700")])
    problem(w.try_act(w.cast.b.lead, request, "disputes", hold=hold, **WORDS), 409, "hold_ended")


def test_after_the_end_only_what_is_still_held_is_disputed(w: World) -> None:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    w.act(
        w.cast.a.lead,
        request,
        "withdrawal",
        addresses="all",
        reason_code="other",
        reason="an error",
    )
    refused = w.try_act(w.cast.b.lead, request, "disputes", **WORDS)
    assert problem(refused, 409, "invalid_transition")["current_status"] == "withdrawn"
    w.act(w.cast.b.lead, request, "disputes", hold=hold, **WORDS)
    assert "disputed" in w.leg(request, w.cast.b)["flags"]


@pytest.mark.parametrize(
    ("members", "code", "pointer"),
    [
        ({"reference": "12345678"}, "invalid_input", "/reference"),
        ({"reference": "joe@example.org"}, "invalid_input", "/reference"),
        ({"reference": "user-12345678"}, "customer_data", "/reference"),
        ({"reference": ...}, "invalid_input", "/reference"),
        ({"text": "Ask joe@example.org"}, "customer_data", "/text"),
        ({"text": ""}, "invalid_input", "/text"),
        ({"hold": "hld_1"}, "invalid_input", "/hold"),
        ({"customer": "x"}, "invalid_input", "/customer"),
    ],
)
def test_a_dispute_that_says_who_the_customer_is_is_refused(
    w: World, members: dict[str, object], code: str, pointer: str
) -> None:
    request = w.live()
    sent = {n: v for n, v in {**WORDS, **members}.items() if v is not ...}
    refused = problem(w.try_act(w.cast.b.lead, request, "disputes", **sent), 422, code)
    assert pointers(refused) == [pointer]
    assert w.leg(request, w.cast.b)["flags"] == []
