"""Who may say "I have it", of what; who learns of it; and when that is over."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.type_ids import new_id
from tests.factories import Cast, Member, Signer, freeze_request_body
from tests.services.request_cast import HOUR, Desk, addresses, nothing
from tests.services.through_api import World, found_line, frozen_line, problem

K = TaskKind


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _try(w: World, member: Member, request: dict[str, Any], task: str) -> Any:
    body = {"content_sha256": request["content_sha256"]}
    return w.signer.post(member, f"/v1/tasks/{task}/taken", body)


def _take(w: World, member: Member, request: dict[str, Any], task: str) -> dict[str, Any]:
    answer = _try(w, member, request, task)
    assert answer.status_code == 201, answer.data
    taken: dict[str, Any] = answer.get_json()
    return taken


def _leg_task(w: World, request: dict[str, Any], kind: TaskKind) -> str:
    [found] = [t["id"] for t in w.leg(request, w.cast.b)["tasks"] if t["kind"] == kind]
    return str(found)


def _awaited(w: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = w.get(w.cast.a.second_lead, "/v1/freeze-requests?box=to_approve")[
        "items"
    ]
    return found


def test_a_leg_is_taken_for_all_to_see_and_by_whom_for_colleagues_alone(w: World) -> None:
    request = w.live()
    task = _leg_task(w, request, K.ACKNOWLEDGE)
    taken = _take(w, w.cast.b.analyst, request, task)
    at = taken["task"]["taken_at"]
    mine = w.items(w.cast.b.auditor, request, "legs")[0]["tasks"]
    assert mine == [taken["task"]]
    assert (mine[0]["taken_by"], at) == (w.cast.b.analyst.subject, "2026-03-02T12:00:00Z")
    legs = w.items(w.cast.a.lead, request, "legs")
    theirs = next(leg["tasks"] for leg in legs if leg["partner"] == w.cast.b.handle)
    assert theirs == [{**taken["task"], "taken_by": None}]
    for exchange in (w.cast.a, w.cast.b):
        [told] = w.events(exchange, "task.taken")
        assert (told["by"], told["task"], told["taken_at"]) == (w.cast.b.handle, task, at)
        assert w.cast.b.analyst.subject not in str(told)
    assert w.events(w.cast.c, "task.taken") == []


def test_what_is_done_waits_no_more_and_what_comes_next_is_nobodys_yet(w: World) -> None:
    request = w.live()
    first = _leg_task(w, request, K.ACKNOWLEDGE)
    _take(w, w.cast.b.analyst, request, first)
    w.act(w.cast.b.analyst, request, "acknowledgement")
    [task] = w.leg(request, w.cast.b)["tasks"]
    assert (task["kind"], task["taken_at"]) == ("answer", None)
    problem(_try(w, w.cast.b.lead, request, first), 409, "task_done")
    w.report(w.cast.b, request, [nothing()])
    assert w.leg(request, w.cast.b)["tasks"] == []
    problem(_try(w, w.cast.b.lead, request, task["id"]), 409, "task_done")


def test_a_colleague_may_take_it_over_but_nobody_twice(w: World) -> None:
    request = w.live()
    task = _leg_task(w, request, K.ACKNOWLEDGE)
    _take(w, w.cast.b.analyst, request, task)
    problem(_try(w, w.cast.b.analyst, request, task), 409, "already_taken")
    w.step(minutes=1)
    taken = _take(w, w.cast.b.lead, request, task)["task"]
    assert (taken["taken_by"], taken["taken_at"][14:16]) == (w.cast.b.lead.subject, "01")
    assert len(w.events(w.cast.a, "task.taken")) == 2


def test_a_decision_is_taken_by_who_may_decide_it(w: World) -> None:
    request = w.submit()
    [waiting] = _awaited(w)
    task = waiting["task"]
    assert (task["kind"], task["taken_at"]) == ("approve", None)
    problem(_try(w, w.cast.a.analyst, request, task["id"]), 403, "not_allowed")
    problem(_try(w, w.cast.a.system, request, task["id"]), 403, "not_allowed")
    problem(_try(w, w.cast.b.lead, request, task["id"]), 404, "no_such_task")
    _take(w, w.cast.a.lead, request, task["id"])
    assert _awaited(w)[0]["task"]["taken_by"] == w.cast.a.lead.subject
    assert w.events(w.cast.b, "task.taken") == []
    ratify = Task(K.RATIFY, request["id"]).id
    problem(_try(w, w.cast.a.lead, request, ratify), 409, "task_done")


def test_whoever_submitted_a_request_cannot_have_its_approval(w: World) -> None:
    sent = w.signer.post(w.cast.a.lead, "/v1/freeze-requests", freeze_request_body())
    request = sent.get_json()
    task = Task(K.APPROVE, request["id"]).id
    problem(_try(w, w.cast.a.lead, request, task), 403, "four_eyes")
    _take(w, w.cast.a.second_lead, request, task)


def test_an_addition_is_taken_by_another_lead(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    made = w.act(w.cast.a.lead, request, "partners", to=[w.cast.c.handle])
    [waiting] = _awaited(w)
    task = waiting["additions"][0]["task"]["id"]
    problem(_try(w, w.cast.a.lead, request, task), 403, "four_eyes")
    assert _take(w, w.cast.a.second_lead, request, task)["task"]["kind"] == "decide_addition"
    assert _awaited(w)[0]["additions"][0]["task"]["taken_by"] == w.cast.a.second_lead.subject
    other = Task(K.DECIDE_ADDITION, w.live()["id"], made["id"]).id
    problem(_try(w, w.cast.a.second_lead, request, other), 409, "other_document")


def test_a_proposed_withdrawal_is_taken_by_another_lead_until_it_is_void(
    w: World, fresh_desk: Desk
) -> None:
    fresh_desk.policy(w.cast.a, withdrawal_quorum=2)
    ask = fresh_desk.go_out()
    fresh_desk.hold(w.cast.b, ask)
    request = {"id": ask.id, "content_sha256": ask.content_sha256}
    made = fresh_desk.withdraw(ask)["withdrawal"]
    task = Task(K.DECIDE_WITHDRAWAL, ask.id, made["id"]).id
    problem(_try(w, w.cast.a.lead, request, task), 403, "four_eyes")
    problem(_try(w, w.cast.a.analyst, request, task), 403, "not_allowed")
    assert _take(w, w.cast.a.second_lead, request, task)["task"]["kind"] == "decide_withdrawal"
    assert _awaited(w)[0]["withdrawals"][0]["task"]["taken_by"] == w.cast.a.second_lead.subject
    w.step(hours=4)
    problem(_try(w, w.cast.a.second_lead, request, task), 409, "task_done")
    other = Task(K.DECIDE_WITHDRAWAL, ask.id, new_id("wdp")).id
    problem(_try(w, w.cast.a.second_lead, request, other), 404, "no_such_task")


def test_a_question_and_a_dispute_are_the_requesters_to_take(w: World) -> None:
    request = w.live()
    asked = w.act(w.cast.b.analyst, request, "info-requests", missing=["one"])
    reply = Task(K.REPLY, request["id"], asked["id"]).id
    problem(_try(w, w.cast.b.lead, request, reply), 404, "no_such_task")
    problem(_try(w, w.cast.a.compliance, request, reply), 403, "not_allowed")
    assert _take(w, w.cast.a.analyst, request, reply)["task"]["kind"] == "reply"
    assert len(w.events(w.cast.b, "task.taken")) == 1
    assert w.events(w.cast.c, "task.taken") == []
    w.act(w.cast.a.lead, request, f"info-requests/{asked['id']}/answer", text="One.")
    problem(_try(w, w.cast.a.lead, request, reply), 409, "task_done")
    w.report(w.cast.b, request, [found_line(), frozen_line()])
    words = {"reference": "C-17", "text": "It was bought in good faith."}
    dispute = w.act(w.cast.b.lead, request, "disputes", **words)
    resolve = Task(K.RESOLVE, request["id"], dispute["id"]).id
    problem(_try(w, w.cast.a.analyst, request, resolve), 403, "not_allowed")
    _take(w, w.cast.a.lead, request, resolve)
    path = f"disputes/{dispute['id']}/resolution"
    w.act(w.cast.a.lead, request, path, resolution="rejected", text="The trace is clear.")
    problem(_try(w, w.cast.a.second_lead, request, resolve), 409, "task_done")


def test_an_answer_that_is_owed_again_is_nobodys_yet(w: World) -> None:
    request = w.live(addresses=addresses(2))
    hold = w.freeze(w.cast.b, request)
    w.act(
        w.cast.a.lead, request, "withdrawal", addresses=[0], reason="an error", reason_code="other"
    )
    task = _leg_task(w, request, K.SETTLE)
    problem(_try(w, w.cast.b.analyst, request, task), 403, "not_allowed")
    _take(w, w.cast.b.compliance, request, task)
    keep = {"kind": "kept", "hold": hold, "basis": "own_policy"}
    w.report(w.cast.b, request, [{**keep, "hold_expires_at": "2026-03-20T12:00:00Z"}])
    # Of address 1 no answer has come yet, and nobody said that it has that in hand.
    assert [t["kind"] for t in w.leg(request, w.cast.b)["tasks"]] == ["answer"]
    w.act(
        w.cast.a.lead,
        request,
        "withdrawal",
        addresses="all",
        reason="an error",
        reason_code="other",
    )
    [again] = w.leg(request, w.cast.b)["tasks"]
    assert (again["id"], again["taken_at"]) == (task, None)


def test_what_is_no_task_or_anothers_is_not_there(w: World) -> None:
    request, other = w.live(), w.live()
    leg = w.leg(other, w.cast.b)["id"]
    unknown = [
        "tsk_answer",
        "tsk_sleep_01kk7h3m6xf9trv2c8e5b4n0qa",
        Task(K.ACKNOWLEDGE, request["id"], leg).id,
        Task(K.ACKNOWLEDGE, request["id"], new_id("leg")).id,
        Task(K.ACKNOWLEDGE, new_id("frq"), leg).id,
        Task(K.APPROVE, new_id("frq")).id,
    ]
    refused = [problem(_try(w, w.cast.b.lead, request, x), 404, "no_such_task") for x in unknown]
    assert len({each["detail"] for each in refused}) == 1
    for kind, prefix in ((K.REPLY, "inf"), (K.RESOLVE, "dsp"), (K.DECIDE_ADDITION, "add")):
        missing = Task(kind, request["id"], new_id(prefix)).id
        problem(_try(w, w.cast.a.lead, request, missing), 404, "no_such_task")
    other_document = {**request, "content_sha256": "0" * 64}
    task = _leg_task(w, request, K.ACKNOWLEDGE)
    problem(_try(w, w.cast.b.lead, other_document, task), 409, "other_document")
    assert w.events(w.cast.b, "task.taken") == []


def _both(w: World, request: dict[str, Any], name: str) -> list[Any]:
    """Return the task of the one item of a list, as the requester and B read it."""
    return [w.items(each.auditor, request, name)[0]["task"] for each in (w.cast.a, w.cast.b)]


def test_who_has_a_question_shows_on_it_to_both_sides_until_it_is_answered(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    asked = w.act(w.cast.b.analyst, request, "info-requests", missing=["police report"])
    task = Task(K.REPLY, request["id"], asked["id"]).id
    free = {"id": task, "kind": "reply", "taken_at": None, "taken_by": None}
    assert [asked["task"], *_both(w, request, "info-requests")] == [free] * 3
    taken = _take(w, w.cast.a.analyst, request, task)["task"]
    theirs = {**taken, "taken_by": None}
    assert _both(w, request, "info-requests") == [taken, theirs]
    assert taken["taken_by"] == w.cast.a.analyst.subject
    answer = {"text": "Here it is."}
    answered = w.act(w.cast.a.lead, request, f"info-requests/{asked['id']}/answer", **answer)
    assert [answered["task"], *_both(w, request, "info-requests")] == [None] * 3


def test_a_question_waits_for_nobody_once_its_request_is_over(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    w.act(w.cast.b.analyst, request, "info-requests", missing=["police report"])
    reason = {"addresses": "all", "reason_code": "other", "reason": "Settled."}
    w.act(w.cast.a.lead, request, "withdrawal", **reason)
    assert _both(w, request, "info-requests") == [None, None]


def test_who_has_a_dispute_shows_on_it_to_both_sides_until_it_is_resolved(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    w.freeze(w.cast.b, request)
    words = {"reference": "matter-k7", "text": "Bought in good faith."}
    raised = w.act(w.cast.b.compliance, request, "disputes", **words)
    task = Task(K.RESOLVE, request["id"], raised["id"]).id
    assert raised["task"] == {"id": task, "kind": "resolve", "taken_at": None, "taken_by": None}
    taken = _take(w, w.cast.a.second_lead, request, task)["task"]
    assert _both(w, request, "disputes") == [taken, {**taken, "taken_by": None}]
    answer = {"resolution": "rejected", "text": "Checked."}
    resolved = w.act(w.cast.a.lead, request, f"disputes/{raised['id']}/resolution", **answer)
    assert [resolved["task"], *_both(w, request, "disputes")] == [None] * 3


def test_who_has_a_request_shows_on_it_to_its_requester_alone(w: World, fresh_desk: Desk) -> None:
    a, b = w.cast.a, w.cast.b
    request = w.submit(to=[b.handle])
    path = f"/v1/freeze-requests/{request['id']}"
    assert request["task"]["kind"] == "approve"
    taken = _take(w, a.lead, request, request["task"]["id"])["task"]
    assert w.get(a.auditor, path)["task"] == taken
    fresh_desk.policy(a, may_flash=[a.analyst.subject])
    flash = fresh_desk.submit(urgency="flash", to=[b.handle])
    assert flash.answer["task"] == {
        "id": Task(K.RATIFY, flash.id).id,
        "kind": "ratify",
        "taken_at": None,
        "taken_by": None,
    }
    path = f"/v1/freeze-requests/{flash.id}"
    assert "task" not in w.get(b.auditor, path)
    fresh_desk.step(HOUR)
    assert w.get(a.auditor, path)["task"]["kind"] == "ratify"
    fresh_desk.decide(flash)
    assert w.get(a.auditor, path)["task"] is None
