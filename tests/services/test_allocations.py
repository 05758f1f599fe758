"""Allocations and payouts: approved by two, never more than came back, and nothing paid twice."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import ETHER, Cast, Signer
from tests.services.restoring_cast import (
    DAY,
    TX,
    Restoring,
    allocate,
    approve,
    claim,
    opened,
    shared,
)
from tests.services.through_api import World, pointers, problem


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _verified(rst: Restoring, *amounts: int, first: int = 1) -> list[str]:
    ids = rst.file(*(claim(first + number, each) for number, each in enumerate(amounts)))
    for claim_id in ids:
        rst.decide(rst.w.cast.a.lead, claim_id, decision="verify")
    return ids


def _payouts(rst: Restoring) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rst.w.get(rst.w.cast.a.auditor, f"{rst.path}/payouts")["items"]
    return found


def test_what_two_approve_becomes_payouts_that_sum_to_the_pool(w: World) -> None:
    rst = opened(w)
    rst.came_back(100)
    ids = _verified(rst, 100, 50, 50)
    a = w.cast.a
    made = rst.act(a.compliance, "allocations", **shared(rst, 100))
    assert (made["status"], made["given"], made["approvals"]) == ("proposed", "100", 0)
    assert rst.read()["pool"][ETHER]["available"] == "100"
    once = approve(rst, a.lead, made)
    assert (once["status"], once["approvals"], _payouts(rst)) == ("proposed", 1, [])
    twice = approve(rst, a.second_lead, made)
    assert (twice["status"], twice["approvals"]) == ("approved", 2)
    [listed] = w.get(a.auditor, f"{rst.path}/allocations")["items"]
    assert listed == {name: value for name, value in twice.items() if name != "log"}
    due = _payouts(rst)
    assert {each["claim_id"]: each["amount"] for each in due} == dict(
        zip(ids, ("50", "25", "25"), strict=True)
    )
    assert {each["status"] for each in due} == {"due"}
    sums = rst.read()["pool"][ETHER]
    assert (sums["allocated"], sums["available"]) == ("100", "0")
    assert [each["allocated"] for each in rst.claims(a.lead)] == ["50", "25", "25"]
    assert len(w.events(a, "restitution.allocation_decided")) == 2


def test_whoever_proposed_it_never_approves_it_and_nobody_twice(w: World) -> None:
    rst = opened(w)
    rst.came_back(100)
    _verified(rst, 100)
    a = w.cast.a
    made = rst.act(a.compliance, "allocations", **shared(rst, 100))
    path = f"allocations/{made['id']}/approvals"
    body = {"decision": "approve", "act_sha256": made["act_sha256"]}
    problem(rst.try_act(a.compliance, path, **body), 403, "four_eyes")
    problem(rst.try_act(a.lead, path, **body | {"act_sha256": "0" * 64}), 409, "other_allocation")
    approve(rst, a.lead, made)
    problem(rst.try_act(a.lead, path, **body), 403, "four_eyes")
    problem(rst.try_act(w.cast.b.lead, path, **body), 404, "not_found")
    waiting = rst.try_act(a.lead, "allocations", **shared(rst, 100))
    problem(waiting, 409, "allocation_waiting")
    rst.act(a.second_lead, path, decision="reject", act_sha256=made["act_sha256"])
    problem(rst.try_act(a.second_lead, path, **body), 409, "allocation_decided")
    assert _payouts(rst) == []
    assert rst.act(a.lead, "allocations", **shared(rst, 100))["status"] == "proposed"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"pool": "101"}, 409, "allocation_stale"),
        ({"pool": "0"}, 422, "invalid_input"),
        ({"pool": "many"}, 422, "invalid_input"),
        ({"claims": []}, 422, "invalid_input"),
        ({"minimum": str(2**256)}, 422, "invalid_input"),
        ({"schedule_sha256": "ab" * 32}, 422, "invalid_input"),
        ({"method": "schedule"}, 422, "invalid_input"),
        ({"method": "by_age"}, 422, "invalid_input"),
    ],
)
def test_an_allocation_by_other_inputs_is_refused(
    w: World, change: dict[str, Any], status: int, code: str
) -> None:
    rst = opened(w)
    rst.came_back(100)
    _verified(rst, 100, 50)
    answer = rst.try_act(w.cast.a.lead, "allocations", **shared(rst, 100) | change)
    problem(answer, status, code)


def test_parts_are_recomputed_to_the_unit(w: World) -> None:
    rst = opened(w)
    rst.came_back(100)
    _verified(rst, 100, 50)
    body = shared(rst, 100)
    one, two = body["claims"]
    for parts, status in (
        ([one | {"amount": "68"}, two | {"amount": "32"}], 422),
        ([one | {"value": "101"}, two], 409),
        ([one | {"before": "1"}, two], 409),
        ([one], 409),
        ([one, two, two], 409),
    ):
        answer = rst.try_act(w.cast.a.lead, "allocations", **body | {"claims": parts})
        assert answer.status_code == status, answer.data
    wrong = rst.try_act(
        w.cast.a.lead, "allocations", **body | {"claims": [one | {"amount": "1"}, two]}
    )
    assert pointers(wrong.get_json()) == ["/claims/0/amount"]


def test_what_changed_since_it_was_proposed_is_not_approved(w: World) -> None:
    rst = opened(w)
    rst.came_back(100)
    ids = _verified(rst, 100, 50)
    a = w.cast.a
    made = rst.act(a.compliance, "allocations", **shared(rst, 100))
    approve(rst, a.lead, made)
    rst.decide(a.lead, ids[1], decision="reject", code="double")
    body = {"decision": "approve", "act_sha256": made["act_sha256"]}
    late = rst.try_act(a.second_lead, f"allocations/{made['id']}/approvals", **body)
    problem(late, 409, "allocation_stale")
    assert _payouts(rst) == []


def test_a_schedule_is_a_table_by_its_hash_and_gives_no_more_than_there_is(w: World) -> None:
    rst = opened(w)
    rst.came_back(100)
    _verified(rst, 100, 50)
    table = {"method": "schedule", "schedule_sha256": "ab" * 32}
    body = shared(rst, 100) | table
    body["claims"][0]["amount"], body["claims"][1]["amount"] = "90", "11"
    answer = rst.try_act(w.cast.a.lead, "allocations", **body)
    assert pointers(problem(answer, 422, "invalid_input")) == ["/pool"]
    body["claims"][1]["amount"] = "10"
    assert rst.act(w.cast.a.lead, "allocations", **body)["given"] == "100"


def test_nothing_is_paid_twice_and_what_failed_may_be_paid_anew(w: World) -> None:
    rst = opened(w)
    rst.came_back(100)
    _verified(rst, 100, 100)
    allocate(rst, 100)
    first, second = (each["id"] for each in _payouts(rst))
    pay = {"payout": first, "tx": TX}
    for lines in ([pay, pay], [pay, {"payout": f"pay_{'0' * 26}", "tx": TX}]):
        problem(rst.try_act(w.cast.a.lead, "payouts", lines=lines), 422, "invalid_input")
    failed = {"payout": second, "failed": "The account is closed."}
    told = rst.act(w.cast.a.lead, "payouts", lines=[pay, failed])
    assert (told["paid"], told["failed"]) == (1, 1)
    assert [each["status"] for each in rst.claims(w.cast.a.lead)] == ["paid", "failed"]
    again = rst.try_act(w.cast.a.lead, "payouts", lines=[failed, pay])
    [fault] = problem(again, 422, "invalid_input")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/lines/1/payout", "paid")
    rst.act(w.cast.a.lead, "payouts", lines=[{"payout": second, "tx": TX}])
    assert [each["status"] for each in rst.claims(w.cast.a.lead)] == ["paid", "paid"]
    assert [each["tx"] for each in _payouts(rst)] == [TX, TX]
    w.get(w.cast.b.lead, f"{rst.path}/payouts", status=404)


@pytest.mark.parametrize("line", [{}, {"tx": TX, "failed": "x"}, {"tx": "see chat"}])
def test_a_payout_line_says_one_thing(w: World, line: dict[str, Any]) -> None:
    rst = opened(w)
    body = {"payout": f"pay_{'0' * 26}"} | line
    answer = rst.try_act(w.cast.a.lead, "payouts", lines=[body])
    assert answer.status_code == 422
    assert pointers(answer.get_json())[0].startswith("/lines/0")


def test_late_claims_and_later_pools_share_in_what_is_left(w: World) -> None:
    rst = opened(w)
    rst.came_back(60)
    _verified(rst, 100)
    allocate(rst, 60)
    rst.came_back(60, tx="0x" + "cd" * 32)
    w.clock.step(31 * DAY)
    _verified(rst, 100, first=2)
    allocate(rst, 60)
    early, late = rst.claims(w.cast.a.lead)
    assert (early["allocated"], late["allocated"], late["late"]) == ("60", "60", True)
    sums = rst.read()["pool"][ETHER]
    assert (sums["allocated"], sums["available"]) == ("120", "0")
    refused = rst.try_act(
        w.cast.a.lead,
        "pool-lines",
        lines=[{"kind": "cost", "asset": ETHER, "amount": "1", "what": "x"}],
    )
    problem(refused, 409, "pool_exceeded")
    w.clock.step(31 * DAY)
    waits = problem(rst.try_act(w.cast.a.lead, "closure"), 409, "payouts_waiting")
    assert "payout(s) are due" in waits["detail"]


class _Model(RuleBasedStateMachine):
    """Random acts on one restitution, against plain additions."""

    w: World

    def __init__(self) -> None:
        super().__init__()
        type(self).number += 1
        nonce = f"{type(self).number:021d}A"
        self.rst = opened(self.w, type(self).request, nonce=nonce)
        self.back, self.spent, self.filed, self.txs = 0, 0, 0, 0
        self.given: dict[str, int] = {}
        self.paid: dict[str, int] = {}

    number = 0
    request: dict[str, Any]

    @rule(amount=st.integers(1, 2**100))
    def comes_back(self, amount: int) -> None:
        self.txs += 1
        # Nothing is in two pools of an incident, and every example is of the same one.
        self.rst.came_back(amount, tx=f"0x{type(self).number:032x}{self.txs:032x}")
        self.back += amount

    @rule(amount=st.integers(1, 50))
    def is_spent(self, amount: int) -> None:
        line = {"kind": "cost", "asset": ETHER, "amount": str(amount), "what": "The tracing."}
        answer = self.rst.try_act(self.w.cast.a.lead, "pool-lines", lines=[line])
        there = self.back - self.spent - sum(self.given.values())
        assert (answer.status_code == 201) is (amount <= there)
        self.spent += amount if answer.status_code == 201 else 0

    @precondition(lambda self: self.filed < 5)
    @rule(amount=st.integers(1, 1000))
    def is_claimed(self, amount: int) -> None:
        self.filed += 1
        _verified(self.rst, amount, first=self.filed)

    @precondition(lambda self: self.filed)
    @rule()
    def is_allocated(self) -> None:
        there = self.back - self.spent - sum(self.given.values())
        if not there:
            return
        allocate(self.rst, there)
        for each in _payouts(self.rst):
            self.given.setdefault(each["id"], int(each["amount"]))

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def is_paid(self, data: st.DataObject) -> None:
        payout = data.draw(st.sampled_from(sorted(self.given)))
        arrives = data.draw(st.booleans())
        said = {"tx": TX} if arrives else {"failed": "It came back."}
        body = [{"payout": payout} | said]
        answer = self.rst.try_act(self.w.cast.a.lead, "payouts", lines=body)
        assert (answer.status_code == 201) is (payout not in self.paid)
        if arrives:
            self.paid.setdefault(payout, self.given[payout])

    @invariant()
    def adds_up(self) -> None:
        sums = self.rst.read()["pool"].get(ETHER)
        given = sum(self.given.values())
        if sums is None:
            assert not self.back
            return
        assert int(sums["available"]) == self.back - self.spent - given >= 0
        assert int(sums["allocated"]) == given
        stored = {each["id"]: each for each in _payouts(self.rst)}
        assert {name: int(each["amount"]) for name, each in stored.items()} == self.given
        paid = {name for name, each in stored.items() if each["status"] == "paid"}
        assert paid == self.paid.keys()
        assert sum(self.paid.values()) <= given <= self.back
        for each in self.rst.claims(self.w.cast.a.lead):
            assert int(each["allocated"] or 0) <= int(each["verified"])


def test_nothing_is_given_that_did_not_come_back(w: World) -> None:
    class Model(_Model):
        pass

    Model.w, Model.request = w, w.live(to=[w.cast.b.handle])
    case = Model.TestCase
    case.settings = settings(max_examples=5, stateful_step_count=15, deadline=None)
    case().runTest()
