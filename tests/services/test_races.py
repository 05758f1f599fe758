"""Two leads, two partners and a timer meet on one request: real threads, real databases.

The number of rounds is small by default; RACES=1000 runs many more.
"""

import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import SteppedClock
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.ending.closing import ExpireFreezeRequest
from coordinator.services.ending.withdrawal_proposals import VoidWithdrawal
from coordinator.services.requests.alarms import PageNext
from coordinator.services.requests.info_requests import MarkReplyLate
from coordinator.services.requests.ratification import MissRatification, WithdrawUnratified
from coordinator.storage.tables.events import EventRow
from coordinator.storage.tables.transparency_log import LogLeafRow
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import format_time
from holdfast.protocol.remainder import LeftOut
from holdfast.protocol.tasks import Task, TaskKind
from tests.factories import ETHER, Member, Signer
from tests.rulebook import command_context
from tests.services.member_reader import MemberReader, Shown
from tests.services.recomputed import faults
from tests.services.request_cast import (
    DAY,
    HOUR,
    REQUESTS,
    Ask,
    Office,
    found,
    frozen,
    kept,
    released,
    shared,
)

RACES = int(os.environ.get("RACES", "8"))
#: So long before a deadline people act, and so long after it the clock does.
JUST = timedelta(seconds=1)
Outcome = tuple[str, int, str | None]


@dataclass(slots=True)
class Meeting:
    """Sets several acts off at once and keeps what came of each."""

    app: Flask
    office: Office
    outcomes: list[Outcome] = field(default_factory=list)
    problems: list[Any] = field(default_factory=list)

    def send(
        self, name: str, member: Member, ask: Ask, path: str, **body: Any
    ) -> Callable[[], None]:
        """Return a thread's work: one signed request by a client of its own."""
        return self._post(name, member, f"{REQUESTS}/{ask.id}/{path}", ask, body)

    def take(self, name: str, member: Member, ask: Ask, task: Task) -> Callable[[], None]:
        """Return a thread's work: "I have it"."""
        return self._post(name, member, f"/v1/tasks/{task.id}/taken", ask, {})

    def _post(
        self, name: str, member: Member, path: str, ask: Ask, body: dict[str, Any]
    ) -> Callable[[], None]:
        def work() -> None:
            client: FlaskClient = self.app.test_client()
            sent = {"content_sha256": ask.content_sha256, **body}
            signer = Signer(client, self.office.desk.clock)
            response = signer.post(member, path, sent)
            told = response.get_json(force=True)
            self.problems.append(told if response.status_code >= 500 else None)
            self.outcomes.append((name, response.status_code, told.get("code")))

        return work

    def fire(self, name: str, command: object) -> Callable[[], None]:
        """Return a thread's work: one of the coordinator's own commands.

        Hosts' clocks differ: the worker's is ahead, so that for it a deadline has passed which for
        the others is still to come.
        """
        desk = self.office.desk
        ahead = SteppedClock(desk.clock.now() + 2 * JUST)

        def work() -> None:
            with transaction(command_context(desk.database, desk.vault, ahead)) as uow:
                answer = execute(command, COORDINATOR, uow)
                uow.finish(answer)
            self.outcomes.append((name, answer.status, str(answer.body["status"])))

        return work

    def run(self, works: Sequence[Callable[[], None]]) -> dict[str, Outcome]:
        """Set all off at once; returns the outcomes by name. An error in a thread is raised."""
        self.outcomes.clear()
        barrier = threading.Barrier(len(works))

        def start(work: Callable[[], None]) -> None:
            barrier.wait()
            work()

        order = random.sample(list(works), len(works))
        with ThreadPoolExecutor(len(works)) as pool:
            for future in [pool.submit(start, work) for work in order]:
                future.result()
        assert [p for p in self.problems if p is not None] == []
        return {outcome[0]: outcome for outcome in self.outcomes}


@pytest.fixture
def meeting(office: Office) -> Iterator[Meeting]:
    """A meeting on the module's coordinator."""
    yield Meeting(office.signer.client.application, office)
    _require_no_gaps(office)
    assert faults(office.desk.database) == []
    if not office.desk.database.is_sqlite:
        # Giving way costs whoever waits a second each time: locks are taken in one order instead.
        met = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert office.desk.sql(met) == 0


def _require_no_gaps(office: Office) -> None:
    """Numbers of events and leaves are without a gap, and so are those of every leg and request."""
    with office.desk.database.engine.connect() as connection:
        seqs = list(connection.execute(select(EventRow.seq).order_by(EventRow.seq)).scalars())
        leaves = select(LogLeafRow.index).order_by(LogLeafRow.index)
        indexes = list(connection.execute(leaves).scalars())
    assert seqs == list(range(1, len(seqs) + 1))
    assert indexes == list(range(len(indexes)))


def _require_sequences(office: Office, ask: Ask, since: int) -> None:
    """A partner sees by `sequence` that nothing about its leg is missing."""
    desk = office.desk
    for exchange in (desk.cast.b, desk.cast.c):
        told = [e["data"] for e in desk.feed(exchange, after=since)]
        numbers = [d["sequence"] for d in told if d.get("request_id") == ask.id]
        assert numbers == list(range(1, len(numbers) + 1))


def test_two_leads_an_analyst_and_the_clock_meet_on_a_submitted_request(meeting: Meeting) -> None:
    """Exactly one of approval, rejection, withdrawal and expiry wins, whoever comes first."""
    office, desk = meeting.office, meeting.office.desk
    a = desk.cast.a
    seen: Counter[str] = Counter()
    for _ in range(RACES):
        since = desk.last_seq()
        ask = desk.submit(to=[desk.cast.b.handle, desk.cast.c.handle])
        desk.clock.step(24 * HOUR - JUST)
        context = {"context_sha256": ask.answer["context_sha256"]}
        came = meeting.run(
            [
                meeting.send("active", a.lead, ask, "approvals", decision="approve", **context),
                meeting.send(
                    "rejected", a.second_lead, ask, "approvals", decision="reject", **context
                ),
                meeting.send(
                    "withdrawn",
                    a.analyst,
                    ask,
                    "withdrawal",
                    addresses="all",
                    reason_code="other",
                    reason="mistaken",
                ),
                meeting.fire("expired", ExpireFreezeRequest(request_id=ask.id)),
            ]
        )
        status = desk.status(ask)
        won = {name for name, code, word in came.values() if code == 201}
        assert won == {status}, came
        lost = {(code, word) for name, code, word in came.values() if name != status}
        # The analyst may withdraw only what is still submitted.
        assert lost <= {(409, "invalid_transition"), (200, "unchanged"), (403, "not_allowed")}
        legs = desk.sql("SELECT count(*) FROM leg WHERE request_id = :id", id=ask.id)
        assert legs == (2 if status == "active" else 0)
        _require_sequences(office, ask, since)
        seen[status] += 1
    assert sum(seen.values()) == RACES


def test_ratifying_and_the_missed_time_meet_and_the_request_is_ratified_all_the_same(
    meeting: Meeting,
) -> None:
    office, desk = meeting.office, meeting.office.desk
    a, b, c = desk.cast.a, desk.cast.b, desk.cast.c
    desk.policy(a, may_flash=[a.analyst.subject])
    desk.policy(c, provisional="hold_back")
    for _ in range(RACES):
        since = desk.last_seq()
        desk.clock.step(24 * HOUR)
        ask = desk.submit(urgency="flash", to=[b.handle, c.handle])
        desk.clock.step(HOUR - JUST)
        context = {"context_sha256": ask.answer["context_sha256"]}
        came = meeting.run(
            [
                meeting.send("lead", a.lead, ask, "approvals", decision="approve", **context),
                meeting.send("b", b.compliance, ask, "acknowledgement"),
                meeting.fire("timer", MissRatification(request_id=ask.id)),
            ]
        )
        assert (came["lead"][1], came["b"][1]) == (201, 201), came
        row = desk.request(ask)
        assert (row.status, row.provisional, row.unratified_at, row.unratified_until) == (
            *("active", False, None, None),
        )
        was_missed = came["timer"][2] == "active"
        told = [t for t in desk.told(b, ask) if t.startswith("freeze_request.")]
        late = ["freeze_request.unratified", "freeze_request.ratified"] if was_missed else []
        assert told == ["freeze_request.received", *late]
        assert desk.told(c, ask) == ["freeze_request.received"]
        _require_sequences(office, ask, since)
    desk.policy(c)


def test_ratifying_late_reports_and_the_lapse_meet_on_an_unratified_request(
    meeting: Meeting,
) -> None:
    office, desk = meeting.office, meeting.office.desk
    a, b, c = desk.cast.a, desk.cast.b, desk.cast.c
    desk.policy(a, may_flash=[a.analyst.subject])
    for _ in range(RACES):
        since = desk.last_seq()
        desk.clock.step(24 * HOUR)
        ask = desk.submit(urgency="flash", to=[b.handle, c.handle])
        noon = ask.answer["submitted_at"]
        desk.clock.step(HOUR)
        desk.own(MissRatification(request_id=ask.id))
        desk.clock.step(12 * HOUR - JUST)
        until = (desk.clock.now() + timedelta(days=9)).isoformat()
        lines = [found(0, 50), frozen(0, 50, frozen_at=noon, hold_expires_at=until)]
        lapse = WithdrawUnratified(request_id=ask.id)
        context = {"context_sha256": ask.answer["context_sha256"]}
        came = meeting.run(
            [
                meeting.send("lead", a.lead, ask, "approvals", decision="approve", **context),
                meeting.send("b", b.compliance, ask, "freeze-reports", lines=lines),
                meeting.send("c", c.compliance, ask, "decline", code="policy_refusal"),
                meeting.fire("timer", lapse),
            ]
        )
        status = desk.status(ask)
        ratified = came["lead"][1] == 201
        assert ratified is (came["timer"][2] == "unchanged") is (status == "active"), came
        assert came["lead"][1:] in {(201, None), (409, "invalid_transition")}
        # A freeze from before the end is taken on either side of it; a decline only before.
        assert came["b"][1:] == (201, None)
        assert came["c"][1:] in {(201, None), (409, "invalid_transition")}
        assert ratified <= (came["c"][1] == 201)
        assert desk.leg(b, ask).owes_answer is (status == "withdrawn")
        ended = "declined" if came["c"][1] == 201 else "withdrawn"
        assert [desk.leg(x, ask).status for x in (b, c)] == ["frozen", ended]
        assert desk.totals(request_id=ask.id)[ETHER] == {"found": 50, "frozen": 50, "held": 50}
        _require_sequences(office, ask, since)


def test_two_leads_who_leave_out_different_addresses_never_make_one_quorum(
    meeting: Meeting,
) -> None:
    desk = meeting.office.desk
    a = desk.cast.a
    desk.policy(a, approval_quorum=2)
    for _ in range(RACES):
        ask = desk.submit(to=[desk.cast.b.handle])
        document = strict_json.loads(ask.raw)
        works = []
        for name, lead, number in (("one", a.lead, 0), ("two", a.second_lead, 1)):
            body = {
                "decision": "approve",
                "context_sha256": ask.answer["context_sha256"],
                "except": [number],
                "remainder_sha256": LeftOut.of(document, [number]).remainder_sha256,
            }
            works.append(meeting.send(name, lead, ask, "approvals", **body))
        came = meeting.run(works)
        answers = sorted((code, word or "") for _, code, word in came.values())
        assert answers == [(201, ""), (409, "other_left_out")], came
        assert (desk.status(ask), desk.request(ask).left_out_count) == ("submitted", 0)
    desk.policy(a, approval_quorum=1)


def test_a_dispute_and_freezes_of_the_same_account_meet_and_every_holder_is_told(
    meeting: Meeting,
) -> None:
    office, desk = meeting.office, meeting.office.desk
    b, c, d = desk.cast.b, desk.cast.c, desk.cast.d
    for _ in range(RACES):
        since = desk.last_seq()
        ask = desk.go_out()
        now = desk.clock.now()
        times = {
            "frozen_at": now.isoformat(),
            "hold_expires_at": (now + timedelta(days=9)).isoformat(),
        }
        desk.hold(b, ask, 100, **times)
        mine = desk.hold(d, ask, 7, **times)
        words = {"reference": "matter-k7", "text": "A shop that was paid with these coins."}
        lines = [found(0, 50), frozen(0, 50, **times)]
        gone = [released(mine, 7)]
        came = meeting.run(
            [
                meeting.send("dispute", b.compliance, ask, "disputes", **words),
                meeting.send("freeze", c.compliance, ask, "freeze-reports", lines=lines),
                meeting.send("release", d.compliance, ask, "freeze-reports", lines=gone),
            ]
        )
        assert {code for _, code, _ in came.values()} == {201}, came
        contested = ["contested" in desk.leg(x, ask).flags for x in (b, c, d)]
        assert contested == [False, True, False]
        _require_sequences(office, ask, since)


def test_a_second_lead_the_clock_and_a_release_meet_on_a_proposed_withdrawal(
    meeting: Meeting,
) -> None:
    office, desk = meeting.office, meeting.office.desk
    a, b, c = desk.cast.a, desk.cast.b, desk.cast.c
    desk.policy(a, withdrawal_quorum=2)
    for _ in range(RACES):
        since = desk.last_seq()
        ask = desk.go_out(to=[b.handle, c.handle])
        noon, end = desk.clock.now(), desk.clock.now() + timedelta(days=9)
        times = {"frozen_at": noon.isoformat(), "hold_expires_at": end.isoformat()}
        hold = desk.hold(b, ask, 50, **times)
        view = desk.withdraw(ask, reason_code="wrong_target")["withdrawal"]
        desk.clock.step(4 * HOUR - JUST)
        path = f"withdrawals/{view['id']}/approvals"
        body = {"act_sha256": view["act_sha256"]}
        came = meeting.run(
            [
                meeting.send("yes", a.second_lead, ask, path, decision="approve", **body),
                meeting.send("no", a.second_lead, ask, path, decision="reject", **body),
                meeting.send("b", b.compliance, ask, "freeze-reports", lines=[released(hold, 50)]),
                meeting.fire("timer", VoidWithdrawal(withdrawal_id=view["id"])),
            ]
        )
        is_withdrawn = desk.status(ask) == "withdrawn"
        decided = [came["yes"][1] == 201, came["no"][1] == 201, came["timer"][2] == "void"]
        assert decided.count(True) == 1, came
        assert is_withdrawn is decided[0]
        assert came["b"][1:] == (201, None)
        assert not desk.leg(b, ask).owes_answer
        _require_sequences(office, ask, since)
    desk.policy(a)


def test_two_people_of_one_partner_let_the_same_hold_go_and_it_goes_once(meeting: Meeting) -> None:
    office, desk = meeting.office, meeting.office.desk
    b, c = desk.cast.b, desk.cast.c
    for _ in range(RACES):
        since = desk.last_seq()
        ask = desk.go_out(to=[b.handle, c.handle])
        now = desk.clock.now()
        times = {
            "frozen_at": now.isoformat(),
            "hold_expires_at": (now + timedelta(days=9)).isoformat(),
        }
        mine, theirs = desk.hold(b, ask, 100, **times), desk.hold(c, ask, 7, **times)
        came = meeting.run(
            [
                meeting.send(name, member, ask, "freeze-reports", lines=[released(hold, amount)])
                for name, member, hold, amount in (
                    ("compliance", b.compliance, mine, 60),
                    ("lead", b.lead, mine, 60),
                    ("second", b.second_lead, mine, 40),
                    ("c", c.compliance, theirs, 7),
                )
            ]
        )
        assert came["c"][1] == 201
        taken = sorted(name for name, code, _ in came.values() if code == 201 and name != "c")
        assert taken in (["compliance", "second"], ["lead", "second"])
        refused = [(code, word) for _, code, word in came.values() if code != 201]
        assert refused == [(409, "ledger_breach")]
        assert [desk.leg(x, ask).status for x in (b, c)] == ["released", "released"]
        sums = desk.totals(request_id=ask.id)[ETHER]
        assert sums == {"found": 107, "frozen": 107, "released": 107}
        _require_sequences(office, ask, since)


def test_acts_on_a_shared_hold_come_from_both_its_requests_and_none_is_lost(
    meeting: Meeting,
) -> None:
    """Each locks its own request first and the other one then: head-on, one has to give way."""
    office, desk = meeting.office, meeting.office.desk
    b = desk.cast.b
    for _ in range(RACES):
        since = desk.last_seq()
        first, second = desk.go_out(), desk.go_out()
        now = desk.clock.now()
        times = {
            "frozen_at": now.isoformat(),
            "hold_expires_at": (now + timedelta(days=9)).isoformat(),
        }
        hold = desk.hold(b, first, 100, **times)
        desk.report(b, second, shared(hold, 0))
        part = [released(hold, 30)]
        later = (now + timedelta(days=20)).isoformat()
        came = meeting.run(
            [
                meeting.send(
                    "one", b.compliance, first, "freeze-reports", lines=[released(hold, 30)]
                ),
                meeting.send("two", b.lead, second, "freeze-reports", lines=part),
                meeting.send(
                    "three",
                    b.second_lead,
                    second,
                    "hold-extensions",
                    hold=hold,
                    hold_expires_at=later,
                    basis="voluntary",
                ),
                meeting.send(
                    "four",
                    desk.cast.a.lead,
                    first,
                    "withdrawal",
                    addresses="all",
                    reason_code="other",
                    reason="mistaken",
                ),
            ]
        )
        assert {code for _, code, _ in came.values()} == {201}, came
        assert desk.hold_row(hold).released == 60
        for ask in (first, second):
            assert desk.leg(b, ask).status == "frozen"
            assert desk.totals(request_id=ask.id)[ETHER]["held"] == 40
            _require_sequences(office, ask, since)
        assert [desk.leg(b, ask).owes_answer for ask in (first, second)] == [True, False]


def test_an_answer_and_what_takes_it_back_meet_on_a_shared_hold(meeting: Meeting) -> None:
    """A withdrawal of one request writes the leg of the other: whoever is last, both are right."""
    office, desk = meeting.office, meeting.office.desk
    b = desk.cast.b
    for _ in range(RACES):
        since = desk.last_seq()
        first, second, third = (desk.go_out() for _ in range(3))
        now = desk.clock.now()
        times = {
            "frozen_at": now.isoformat(),
            "hold_expires_at": (now + timedelta(days=9)).isoformat(),
        }
        hold = desk.hold(b, first, 100, **times)
        desk.report(b, second, shared(hold, 0))
        desk.withdraw(second, [0])
        answer = kept(hold, hold_expires_at=(now + timedelta(days=20)).isoformat())
        desk.report(b, second, answer)
        lead = desk.cast.a.lead
        came = meeting.run(
            [
                meeting.send(
                    "end",
                    lead,
                    first,
                    "withdrawal",
                    addresses="all",
                    reason_code="other",
                    reason="mistaken",
                ),
                meeting.send("keep", b.lead, second, "freeze-reports", lines=[answer]),
                meeting.send(
                    "share", b.compliance, third, "freeze-reports", lines=[shared(hold, 0)]
                ),
                meeting.send(
                    "other end",
                    lead,
                    second,
                    "withdrawal",
                    addresses="all",
                    reason_code="other",
                    reason="mistaken",
                ),
            ]
        )
        assert {code for _, code, _ in came.values()} == {201}, came
        owed = [desk.leg(b, ask).owes_answer for ask in (first, second, third)]
        assert owed in ([True, True, False], [False, False, False])
        for ask in (first, second, third):
            _require_sequences(office, ask, since)


def test_a_freeze_meets_the_withdrawal_of_its_address_and_a_release_an_order(
    meeting: Meeting,
) -> None:
    """Whoever comes first, all of it is taken, and marked by who did."""
    office, desk = meeting.office, meeting.office.desk
    a, b = desk.cast.a, desk.cast.b
    seen: Counter[tuple[str | None, str | None]] = Counter()
    for _ in range(RACES):
        ask = desk.go_out(to=[b.handle])
        times: dict[str, Any] = {
            "frozen_at": format_time(desk.clock.now()),
            "hold_expires_at": format_time(desk.clock.now() + DAY),
        }
        held = desk.hold(b, ask, **times)
        freeze = [found(1, 9), frozen(1, 9, **times)]
        order = {"agency": "Police", "reference": "1-23-456", "document_sha256": "ab" * 32}
        claim = {
            "kind": "injunction",
            "hold": held,
            "order_sha256": "ab" * 32,
            "blocks": ["release"],
            "court": "Harju County Court",
            "number": "2-26-123",
        }
        outcomes = meeting.run(
            [
                meeting.send("freeze", b.analyst, ask, "freeze-reports", lines=freeze),
                meeting.send(
                    "withdraw",
                    a.lead,
                    ask,
                    "withdrawal",
                    addresses=[1],
                    reason="an error",
                    reason_code="other",
                ),
                meeting.send("order", b.compliance, ask, "legal-orders", **order),
                meeting.send("claim", b.lead, ask, "encumbrances", **claim),
                meeting.send("release", b.lead, ask, "freeze-reports", lines=[released(held, 1)]),
            ]
        )
        assert {status for _, status, _ in outcomes.values()} == {201}
        shown = Shown.to(MemberReader(office.signer, a.auditor), ask.id)
        assert shown.failed() == {}
        marks = {line.kind.value: line.irregular for line in shown.lines}
        seen[marks["frozen"], marks["released"]] += 1
        assert {marks["found"], marks["frozen"]} <= {None, "after_end"}
        assert marks["released"] in {None, "encumbered"}
        assert desk.leg(b, ask).owes_answer
    assert seen.total() == RACES


def test_two_who_take_what_a_third_does_meanwhile(meeting: Meeting) -> None:
    """Each take is one of an open task or refused; whoever was last has it, until it is done."""
    desk = meeting.office.desk
    for _ in range(RACES):
        b, ask = desk.cast.b, desk.go_out()
        task = Task(TaskKind.ACKNOWLEDGE, ask.id, desk.leg(b, ask).id)
        outcomes = meeting.run(
            [
                meeting.take("first", b.analyst, ask, task),
                meeting.take("second", b.lead, ask, task),
                meeting.send("done", b.system, ask, "acknowledgement"),
            ]
        )
        assert outcomes["done"][1] == 201
        for name in ("first", "second"):
            assert outcomes[name][1:] in {(201, None), (409, "task_done")}
        taken = sum(outcomes[name][1] == 201 for name in ("first", "second"))
        assert desk.told(desk.cast.a, ask).count("task.taken") == taken
        kept_rows = desk.sql("SELECT count(*) FROM taken_task WHERE task_id = :id", id=task.id)
        assert kept_rows == min(taken, 1)


def test_two_workers_who_page_a_taker_a_ratifier_and_the_missed_time_meet(
    meeting: Meeting,
) -> None:
    """One person is paged at most, nobody after somebody had it, and in the end nothing is owed."""
    office, desk = meeting.office, meeting.office.desk
    a, b = desk.cast.a, desk.cast.b
    desk.policy(a, may_flash=[a.analyst.subject])
    channel = {"kind": "pagerduty", "routing_key": "R0KEY5NDBYY0URSERV1CE"}
    steps = [{"person": each.subject, "channels": [channel]} for each in (a.lead, a.second_lead)]
    assert office.signer.post(a.lead, "/v1/on-call", {"steps": steps}).status_code == 201
    for _ in range(RACES):
        desk.clock.step(24 * HOUR)
        ask = desk.submit(urgency="flash", to=[b.handle])
        alarm_id = str(desk.sql("SELECT id FROM alarm WHERE ended_at IS NULL"))
        desk.clock.step(HOUR - JUST)
        approve = {"decision": "approve", "context_sha256": ask.answer["context_sha256"]}
        outcomes = meeting.run(
            [
                meeting.fire("paged", PageNext(alarm_id=alarm_id)),
                meeting.fire("paged too", PageNext(alarm_id=alarm_id)),
                meeting.take("taken", a.second_lead, ask, Task(TaskKind.RATIFY, ask.id)),
                meeting.send("ratified", a.lead, ask, "approvals", **approve),
                meeting.fire("missed", MissRatification(request_id=ask.id)),
            ]
        )
        assert outcomes["ratified"][1] == 201
        assert outcomes["taken"][1:] in {(201, None), (409, "task_done")}
        paged = [outcomes[name][2] for name in ("paged", "paged too")].count("paged")
        calls = "SELECT count(*) FROM alarm_call WHERE alarm_id = :id"
        assert paged == desk.sql(calls, id=alarm_id) <= 1
        told = desk.told(a, ask)
        assert told.count("task.paged") == paged
        if outcomes["taken"][1] == 201 and paged:
            assert told.index("task.paged") < told.index("task.taken")
        desk.clock.step(HOUR)
        desk.own(PageNext(alarm_id=alarm_id))
        assert desk.sql("SELECT count(*) FROM alarm WHERE ended_at IS NULL") == 0
        assert desk.sql(calls, id=alarm_id) == paged


def test_ratifying_withdrawing_taking_and_the_missed_time_meet_on_a_flash_request(
    meeting: Meeting,
) -> None:
    """Whoever comes first, the withdrawal holds, and partners hear of it last of all."""
    office, desk = meeting.office, meeting.office.desk
    a, b = desk.cast.a, desk.cast.b
    desk.policy(a, may_flash=[a.analyst.subject])
    for _ in range(RACES):
        since = desk.last_seq()
        desk.clock.step(24 * HOUR)
        ask = desk.submit(urgency="flash", to=[b.handle])
        noon = ask.answer["submitted_at"]
        desk.clock.step(HOUR - JUST)
        until = (desk.clock.now() + timedelta(days=2)).isoformat()
        lines = [found(0, 50), frozen(0, 50, frozen_at=noon, hold_expires_at=until)]
        context = {"context_sha256": ask.answer["context_sha256"]}
        words = {"addresses": "all", "reason_code": "other", "reason": "mistaken"}
        came = meeting.run(
            [
                meeting.send("lead", a.lead, ask, "approvals", decision="approve", **context),
                meeting.send("withdraw", a.second_lead, ask, "withdrawal", **words),
                meeting.take("take", a.second_lead, ask, Task(TaskKind.RATIFY, ask.id)),
                meeting.send("b", b.compliance, ask, "freeze-reports", lines=lines),
                meeting.fire("timer", MissRatification(request_id=ask.id)),
            ]
        )
        assert (came["withdraw"][1], came["b"][1]) == (201, 201), came
        assert came["lead"][1:] in {(201, None), (409, "invalid_transition")}
        assert came["take"][1:] in {(201, None), (409, "task_done")}
        row = desk.request(ask)
        assert (row.status, row.provisional, row.unratified_until) == ("withdrawn", False, None)
        told = [t for t in desk.told(b, ask) if t.startswith("freeze_request.")]
        was_missed = came["timer"][2] == "active"
        late = ["freeze_request.unratified"] if was_missed else []
        if was_missed and came["lead"][1] == 201:
            late.append("freeze_request.ratified")
        assert told in (
            ["freeze_request.received", *late, "freeze_request.withdrawn"],
            # It was ratified before the timer came, so nobody had heard that it was not.
            ["freeze_request.received", "freeze_request.withdrawn"],
        ), came
        assert desk.leg(b, ask).owes_answer
        _require_sequences(office, ask, since)


def test_two_proposed_withdrawals_and_the_clock_meet_and_none_is_refused_after_the_end(
    meeting: Meeting,
) -> None:
    office, desk = meeting.office, meeting.office.desk
    a, b = desk.cast.a, desk.cast.b
    desk.policy(a, withdrawal_quorum=2)
    refused, withdrawn = "freeze_request.withdrawal_refused", "freeze_request.withdrawn"
    seen: Counter[tuple[str, str]] = Counter()
    for _ in range(RACES):
        since = desk.last_seq()
        ask = desk.go_out(to=[b.handle])
        desk.hold(b, ask)
        whole = desk.withdraw(ask)["withdrawal"]
        some = desk.withdraw(ask, [0], a.second_lead)["withdrawal"]
        desk.clock.step(4 * HOUR - JUST)

        def approve(name: str, lead: Member, view: dict[str, Any], of: Ask) -> Callable[[], None]:
            body = {"decision": "approve", "act_sha256": view["act_sha256"]}
            return meeting.send(name, lead, of, f"withdrawals/{view['id']}/approvals", **body)

        came = meeting.run(
            [
                approve("whole", a.second_lead, whole, ask),
                approve("some", a.lead, some, ask),
                meeting.fire("timer", VoidWithdrawal(withdrawal_id=whole["id"])),
            ]
        )
        ends: tuple[str, ...] = tuple(
            str(desk.sql("SELECT status FROM withdrawal_proposal WHERE id = :id", id=view["id"]))
            for view in (whole, some)
        )
        status = desk.status(ask)
        assert " ".join(ends) in {"approved approved", "approved moot", "void approved"}, came
        assert status == ("withdrawn" if ends[0] == "approved" else "active")
        assert [came[name][1] == 201 for name in ("whole", "some")] == [
            end == "approved" for end in ends
        ]
        told = [t for t in desk.told(b, ask) if t in {refused, withdrawn}]
        assert told.count(refused) == (ends[0] == "void")
        assert status == "active" or told[-1] == withdrawn
        _require_sequences(office, ask, since)
        seen[ends[0], ends[1]] += 1
    desk.policy(a)
    assert sum(seen.values()) == RACES


def test_upholding_rejecting_and_the_clock_meet_on_a_dispute_and_it_is_resolved_once(
    meeting: Meeting,
) -> None:
    desk = meeting.office.desk
    a, b = desk.cast.a, desk.cast.b
    desk.policy(a, withdrawal_quorum=2)
    resolved = "leg.dispute_resolved"
    for _ in range(RACES):
        ask = desk.go_out(to=[b.handle])
        desk.hold(b, ask)
        words = {"reference": "matter-k7", "text": "A shop that was paid with these coins."}
        dispute = desk.act(b.compliance, ask, "disputes", **words)["id"]
        path = f"disputes/{dispute}/resolution"
        upheld = {"resolution": "upheld", "text": "A shop."}
        status, answer = meeting.office.act(a.lead, ask, path, **upheld)
        assert status == 201, answer
        view = answer["withdrawal"]
        desk.clock.step(4 * HOUR - JUST)
        decision = {"decision": "approve", "act_sha256": view["act_sha256"]}
        rejected = {"resolution": "rejected", "text": "It is the thief's."}
        came = meeting.run(
            [
                meeting.send(
                    "uphold", a.second_lead, ask, f"withdrawals/{view['id']}/approvals", **decision
                ),
                meeting.send("reject", a.lead, ask, path, **rejected),
                meeting.take("take", a.lead, ask, Task(TaskKind.RESOLVE, ask.id, dispute)),
                meeting.fire("timer", VoidWithdrawal(withdrawal_id=view["id"])),
            ]
        )
        won = [name for name in ("uphold", "reject") if came[name][1] == 201]
        assert len(won) == 1, came
        assert came["take"][1:] in {(201, None), (409, "task_done")}
        end = desk.sql("SELECT status FROM withdrawal_proposal WHERE id = :id", id=view["id"])
        was_voided = came["timer"][2] == "void"
        assert end == ("approved" if won == ["uphold"] else "void" if was_voided else "moot")
        how = desk.sql("SELECT resolution FROM dispute WHERE id = :id", id=dispute)
        assert how == ("upheld" if won == ["uphold"] else "rejected")
        assert desk.told(b, ask).count(resolved) == 1
    desk.policy(a)


def test_a_reply_a_taker_and_the_clock_meet_on_a_question(meeting: Meeting) -> None:
    office, desk = meeting.office, meeting.office.desk
    a, b = desk.cast.a, desk.cast.b
    for _ in range(RACES):
        since = desk.last_seq()
        ask = desk.go_out(to=[b.handle])
        question = desk.act(b.analyst, ask, "info-requests", missing=["police report"])["id"]
        desk.clock.step(8 * HOUR - JUST)
        came = meeting.run(
            [
                meeting.send(
                    "reply", a.lead, ask, f"info-requests/{question}/answer", text="Here it is."
                ),
                meeting.take("take", a.analyst, ask, Task(TaskKind.REPLY, ask.id, question)),
                meeting.fire("timer", MarkReplyLate(info_request_id=question)),
            ]
        )
        assert came["reply"][1] == 201, came
        assert came["take"][1:] in {(201, None), (409, "task_done")}
        leg = desk.leg(b, ask)
        assert (leg.clock_paused_at, "info_requested" in leg.flags) == (None, False)
        told = [e for e in desk.told(b, ask) if e.startswith("leg.info_")]
        is_late = came["timer"][2] != "unchanged"
        assert told == ["leg.info_requested"] * (1 + is_late) + ["leg.info_provided"]
        _require_sequences(office, ask, since)
