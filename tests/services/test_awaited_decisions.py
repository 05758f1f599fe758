"""One list has all that waits for a lead: requests, flash requests to ratify, more partners."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.tasks import Task, TaskKind
from tests.factories import Cast, Member, Signer, nonce
from tests.services.request_cast import HOUR, Desk
from tests.services.through_api import World, problem

LIST = "/v1/freeze-requests?box=to_approve"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _waiting(w: World, member: Member, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = w.get(member, LIST + query + (f"&cursor={cursor}" if cursor else ""))
        found += page["items"]
        cursor = page["next_cursor"]
    return found


def _ids(w: World, member: Member, query: str = "") -> list[str]:
    return [item["id"] for item in _waiting(w, member, query)]


def _propose(w: World, request: dict[str, Any], handle: str) -> dict[str, Any]:
    return w.act(w.cast.a.lead, request, "partners", to=[handle], nonce=nonce())


def test_a_request_waits_for_every_lead_who_had_no_hand_in_it_until_it_is_decided(w: World) -> None:
    request = w.submit()
    [shown] = _waiting(w, w.cast.a.second_lead)
    assert (shown["id"], shown["decide_by"]) == (request["id"], request["approve_by"])
    assert shown["additions"] == []
    assert _ids(w, w.cast.a.lead) == [request["id"]]
    for other in (w.cast.a.analyst, w.cast.a.compliance, w.cast.b.lead):
        assert _ids(w, other) == []
    rejected = {"decision": "reject", "context_sha256": request["context_sha256"]}
    w.act(w.cast.a.lead, request, "approvals", **rejected)
    assert _ids(w, w.cast.a.second_lead) == []


def test_a_lead_is_shown_nothing_that_four_eyes_would_refuse(w: World, fresh_desk: Desk) -> None:
    own = fresh_desk.submit(by=w.cast.a.lead)
    assert _ids(w, w.cast.a.lead) == []
    assert _ids(w, w.cast.a.second_lead) == [own.id]
    proposed = fresh_desk.submit(by=w.cast.a.analyst)
    fresh_desk.change(
        "UPDATE partner_key SET proposer = :lead WHERE kid = :kid",
        lead=w.cast.a.second_lead.subject,
        kid=w.cast.a.analyst.key.kid,
    )
    assert _ids(w, w.cast.a.second_lead) == [own.id]
    assert _ids(w, w.cast.a.lead) == [proposed.id]


def test_a_flash_request_waits_to_be_ratified_and_no_longer_than_it_may(
    w: World, fresh_desk: Desk
) -> None:
    fresh_desk.policy(w.cast.a, may_flash=[w.cast.a.analyst.subject])
    flash = fresh_desk.submit(urgency="flash")
    [shown] = _waiting(w, w.cast.a.lead)
    assert (shown["id"], shown["provisional"]) == (flash.id, True)
    assert shown["decide_by"] == flash.answer["ratify_by"]
    for exchange in (w.cast.a, w.cast.b):
        read = w.get(exchange.auditor, f"/v1/freeze-requests/{flash.id}")
        assert read["ratify_by"] == flash.answer["ratify_by"]
    w.step(minutes=60)
    assert _ids(w, w.cast.a.lead) == [flash.id]
    assert w.run_timer("ratify_by") == 1
    [shown] = _waiting(w, w.cast.a.lead)
    assert (shown["provisional"], shown["unratified"]) == (False, True)
    assert shown["task"]["kind"] == "ratify"
    read = w.get(w.cast.a.auditor, f"/v1/freeze-requests/{flash.id}")
    assert shown["decide_by"] == read["unratified_until"]
    w.step(hours=12)
    assert _ids(w, w.cast.a.lead) == []


def test_proposed_partners_wait_for_another_lead_with_what_the_decision_names(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    assert _ids(w, w.cast.a.second_lead) == []
    addition = _propose(w, request, w.cast.c.handle)
    assert _ids(w, w.cast.a.lead) == []
    [shown] = _waiting(w, w.cast.a.second_lead)
    assert (shown["id"], shown["status"], shown["decide_by"]) == (request["id"], "active", None)
    assert shown["additions"] == [
        {
            "id": addition["id"],
            "context_sha256": addition["context_sha256"],
            "partner_count": 1,
            "proposed_by": w.cast.a.lead.subject,
            "proposed_at": addition["proposed_at"],
            "decide_by": addition["approve_by"],
            "task": {
                "id": Task(TaskKind.DECIDE_ADDITION, request["id"], addition["id"]).id,
                "kind": "decide_addition",
                "taken_at": None,
                "taken_by": None,
            },
        }
    ]
    approval = {"decision": "approve", "context_sha256": addition["context_sha256"]}
    w.act(w.cast.a.second_lead, request, "approvals", **approval)
    assert _ids(w, w.cast.a.second_lead) == []


def test_a_proposed_withdrawal_waits_for_another_lead_and_no_longer_than_it_may(
    w: World, fresh_desk: Desk
) -> None:
    fresh_desk.policy(w.cast.a, withdrawal_quorum=2)
    ask = fresh_desk.go_out()
    fresh_desk.hold(w.cast.b, ask)
    view = fresh_desk.withdraw(ask)["withdrawal"]
    assert _ids(w, w.cast.a.lead) == []
    [shown] = _waiting(w, w.cast.a.second_lead)
    assert (shown["id"], shown["decide_by"], shown["additions"]) == (ask.id, None, [])
    assert shown["withdrawals"] == [
        {
            "id": view["id"],
            "dispute": None,
            "proposed_by": w.cast.a.lead.subject,
            "proposed_at": view["proposed_at"],
            "decide_by": view["approve_by"],
            "task": {
                "id": Task(TaskKind.DECIDE_WITHDRAWAL, ask.id, view["id"]).id,
                "kind": "decide_withdrawal",
                "taken_at": None,
                "taken_by": None,
            },
        }
    ]
    w.step(hours=4)
    assert _ids(w, w.cast.a.second_lead) == []
    again = fresh_desk.withdraw(ask)["withdrawal"]
    assert _ids(w, w.cast.a.second_lead) == [ask.id]
    fresh_desk.decide_withdrawal(ask, again)
    assert _ids(w, w.cast.a.second_lead) == []


def test_an_addition_waits_no_longer_than_it_may(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    _propose(w, request, w.cast.c.handle)
    w.step(hours=24)
    assert _ids(w, w.cast.a.second_lead) == []


def test_an_addition_to_what_nobody_ratified_waits_until_somebody_does(
    w: World, fresh_desk: Desk
) -> None:
    a, b, c, d = w.cast.all
    fresh_desk.policy(a, may_flash=[a.analyst.subject])
    ask = fresh_desk.submit(urgency="flash", to=[b.handle])
    additions = [_propose(w, ask.answer, each.handle) for each in (c, d)]
    tasks = [Task(TaskKind.DECIDE_ADDITION, ask.id, each["id"]).id for each in additions]

    def take(task: str) -> TestResponse:
        body = {"content_sha256": ask.content_sha256}
        return w.signer.post(a.second_lead, f"/v1/tasks/{task}/taken", body)

    assert len(_waiting(w, a.second_lead)[0]["additions"]) == 2
    assert take(tasks[0]).status_code == 201
    fresh_desk.step(HOUR)
    [shown] = _waiting(w, a.second_lead)
    # It is the request that waits now.
    assert (shown["additions"], shown["task"]["kind"]) == ([], "ratify")
    problem(take(tasks[1]), 409, "task_done")
    approval = {"decision": "approve", "context_sha256": additions[1]["context_sha256"]}
    refused = w.try_act(a.second_lead, ask.answer, "approvals", **approval)
    problem(refused, 409, "not_ratified")
    fresh_desk.decide(ask)
    assert len(_waiting(w, a.second_lead)[0]["additions"]) == 2
    w.act(a.second_lead, ask.answer, "approvals", **approval)
    assert len(_waiting(w, a.second_lead)[0]["additions"]) == 1


def test_pages_of_any_size_show_each_request_once_newest_first(w: World, fresh_desk: Desk) -> None:
    live = [w.live(to=[w.cast.b.handle]) for _ in range(3)]
    for request in live:
        for handle in (w.cast.c.handle, w.cast.d.handle):
            _propose(w, request, handle)
    waiting = [*(request["id"] for request in live), *(fresh_desk.submit().id for _ in range(3))]
    for size in (1, 2, 6, 7):
        assert _ids(w, w.cast.a.second_lead, f"&limit={size}") == sorted(waiting, reverse=True)
    assert {len(i["additions"]) for i in _waiting(w, w.cast.a.second_lead)} == {0, 2}
    incident = f"&incident={live[1]['incident']['id']}"
    assert _ids(w, w.cast.a.second_lead, incident) == [live[1]["id"]]


def test_a_status_narrows_other_boxes_only(w: World) -> None:
    answer = w.signer.get(w.cast.a.lead, f"{LIST}&status=submitted")
    assert "leave it out" in problem(answer, 422, "invalid_input")["detail"]
