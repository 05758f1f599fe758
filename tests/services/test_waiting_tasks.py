"""What waits for whom: each sort of task, who is shown it, until when, and what to do about it."""

from datetime import timedelta
from typing import Any

import click
import pytest

from coordinator.services.membership.root_resets import ResetRoot
from coordinator.services.reading.task_words import Names, next_step
from coordinator.services.requests.legs import MarkLegUndeliverable
from holdfast.cli import cli
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.payloads import format_time
from holdfast.protocol.proof_of_possession import make_possession
from holdfast.protocol.tasks import OF_ORGANISATION, Task, TaskKind
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Role
from tests.api.membership_acts import approve_grant, new_person, propose
from tests.dispatcher.outbox_cast import Outbox
from tests.factories import NOON, ORIGIN, Cast, Exchange, Member, Signer, grant_body
from tests.services.request_cast import (
    DAY,
    HOUR,
    Ask,
    Desk,
    addresses,
    found,
    frozen,
    kept,
    nothing,
    released,
    shared,
)
from tests.services.through_api import problem

K = TaskKind
MINUTE = timedelta(minutes=1)
#: Of the requester's people and of those of a partner asked, in the order of the cast.
ROLES = ("lead", "second_lead", "compliance", "analyst", "system", "auditor")


class Night:
    """A coordinator on which things wait, one after another."""

    def __init__(self, desk: Desk, signer: Signer, cast: Cast) -> None:
        self.desk, self.signer, self.a, self.b = desk, signer, cast.a, cast.b

    def tasks(self, member: Member, query: str = "") -> list[dict[str, Any]]:
        """Return a member's list, all pages of it."""
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            rest = "&".join(filter(None, (query, cursor and f"cursor={cursor}")))
            answer = self.signer.get(member, f"/v1/tasks?{rest}" if rest else "/v1/tasks")
            assert answer.status_code == 200, answer.data
            found += answer.get_json()["items"]
            cursor = answer.get_json()["next_cursor"]
        return found

    def kinds(self, member: Member) -> list[str]:
        """Return what waits for a member."""
        return [task["kind"] for task in self.tasks(member)]

    def who(self, exchange: Exchange, kind: TaskKind) -> set[str]:
        """Return by role whom of an exchange a sort of task is shown, asked for or not."""
        shown = set()
        for role in ROLES:
            member = getattr(exchange, role)
            of_kind = [task for task in self.tasks(member) if task["kind"] == kind]
            assert self.tasks(member, f"kind={kind}") == of_kind
            shown |= {role} if of_kind else set()
        return shown

    def one(self, member: Member, kind: TaskKind) -> dict[str, Any]:
        """Return the one task of a sort that a member has."""
        [task] = [each for each in self.tasks(member) if each["kind"] == kind]
        return task

    def take(self, member: Member, task: dict[str, Any], ask: Ask | None = None) -> Any:
        """Have a member take a task."""
        body = {} if ask is None else {"content_sha256": ask.content_sha256}
        return self.signer.post(member, f"/v1/tasks/{task['id']}/taken", body)

    def ask_partner(self, **changes: Any) -> Ask:
        """Have A ask B alone."""
        return self.desk.go_out(to=[self.b.handle], **changes)

    def acknowledged(self, **changes: Any) -> Ask:
        """Have A ask B, which says that it has it."""
        ask = self.ask_partner(**changes)
        self.desk.act(self.b.analyst, ask, "acknowledgement")
        return ask

    def dispute(self, ask: Ask) -> str:
        """Have B dispute what it froze."""
        words = {"reference": "C-17", "text": "It was bought in good faith."}
        return str(self.desk.act(self.b.compliance, ask, "disputes", **words)["id"])


@pytest.fixture
def night(fresh_desk: Desk, signer: Signer, cast: Cast) -> Night:
    return Night(fresh_desk, signer, cast)


LEADS = {"lead", "second_lead"}
DISPOSING = LEADS | {"compliance"}
ANSWERING = DISPOSING | {"analyst", "system"}


def test_a_submitted_request_waits_for_leads_who_did_not_submit_it(night: Night) -> None:
    ask = night.desk.submit(by=night.a.lead, urgency="urgent")
    assert night.who(night.a, K.APPROVE) == {"second_lead"}
    assert night.who(night.b, K.APPROVE) == set()
    task = night.one(night.a.second_lead, K.APPROVE)
    assert task["id"] == Task(K.APPROVE, ask.id).id
    assert (task["strip"], task["due_at"]) == ("can_leave", format_time(NOON + DAY))
    assert (task["request_id"], task["leg_id"], task["about"]) == (ask.id, None, None)
    assert (task["urgency"], task["requester"]) == ("urgent", night.a.handle)
    assert task["incident_title"] == ask.answer["incident"]["title"]
    assert task["next"] == {
        "words": "Approve or reject it",
        "command": f"holdfast approve {ask.id}",
        "method": "POST",
        "path": f"/v1/freeze-requests/{ask.id}/approvals",
    }
    night.desk.decide(ask, night.a.second_lead)
    assert K.APPROVE not in night.kinds(night.a.second_lead)


def test_who_has_decided_is_not_asked_again(night: Night) -> None:
    night.desk.policy(night.a, approval_quorum=2)
    ask = night.desk.submit()
    assert night.who(night.a, K.APPROVE) == LEADS
    night.desk.decide(ask, night.a.lead)
    assert night.who(night.a, K.APPROVE) == {"second_lead"}


def test_what_a_key_submitted_does_not_wait_for_who_proposed_it(night: Night) -> None:
    carol = new_person(night.a, Role.SECURITY_LEAD)
    approve_grant(
        night.signer, night.a.second_lead, propose(night.signer, night.a.lead, grant_body(carol))
    )
    night.desk.submit(by=carol)
    assert night.who(night.a, K.APPROVE) == {"second_lead"}


def test_a_flash_request_is_to_be_ratified_even_late(night: Night) -> None:
    night.desk.policy(night.a, may_flash=[night.a.analyst.subject])
    night.desk.submit(urgency="flash")
    assert night.who(night.a, K.RATIFY) == LEADS
    assert night.one(night.a.lead, K.RATIFY)["due_at"] == format_time(NOON + HOUR)
    night.desk.step(HOUR)
    late = night.one(night.a.lead, K.RATIFY)
    assert (late["due_at"], late["strip"]) == (format_time(NOON + 13 * HOUR), "can_leave")
    night.desk.step(12 * HOUR)
    assert night.who(night.a, K.RATIFY) == set()


def test_who_froze_when_nobody_stood_by_the_request_may_wait_for_its_leads(night: Night) -> None:
    night.desk.policy(night.a, may_flash=[night.a.analyst.subject])
    ask = night.desk.submit(urgency="flash", to=[night.b.handle])
    night.desk.step(HOUR)
    night.desk.hold(night.b, ask, frozen_at=format_time(night.desk.clock.now()))
    words = {task["kind"]: task["next"]["words"] for task in night.tasks(night.b.compliance)}
    assert set(words) == {K.ANSWER, K.SETTLE}
    assert "freeze nothing new" in words[K.ANSWER]
    assert "or wait for its leads" in words[K.SETTLE]


def test_partners_to_add_wait_for_another_lead(night: Night, cast: Cast) -> None:
    ask = night.ask_partner()
    body = {"content_sha256": ask.content_sha256, "to": [cast.c.handle]}
    path = f"/v1/freeze-requests/{ask.id}/partners"
    made = night.signer.post(night.a.lead, path, body).get_json()
    assert night.who(night.a, K.DECIDE_ADDITION) == {"second_lead"}
    task = night.one(night.a.second_lead, K.DECIDE_ADDITION)
    assert (task["about"], task["due_at"]) == (made["id"], format_time(NOON + DAY))
    assert task["next"]["command"] == f"holdfast decide-addition {ask.id} {made['id']} yes"
    night.desk.clock.step(DAY)
    assert night.who(night.a, K.DECIDE_ADDITION) == set()


def test_letting_go_by_two_waits_for_another_lead_until_it_is_void(night: Night) -> None:
    night.desk.policy(night.a, withdrawal_quorum=2)
    ask = night.ask_partner()
    night.desk.hold(night.b, ask)
    made = night.desk.withdraw(ask)["withdrawal"]
    assert night.who(night.a, K.DECIDE_WITHDRAWAL) == {"second_lead"}
    task = night.one(night.a.second_lead, K.DECIDE_WITHDRAWAL)
    assert (task["about"], task["due_at"]) == (made["id"], format_time(NOON + 4 * HOUR))
    assert task["strip"] == "wrongly_frozen"
    assert night.who(night.b, K.SETTLE) == set()
    night.desk.step(4 * HOUR)
    assert night.who(night.a, K.DECIDE_WITHDRAWAL) == set()


def test_a_proposed_withdrawal_of_what_has_ended_waits_for_nobody(night: Night) -> None:
    night.desk.policy(night.a, withdrawal_quorum=2)
    ask = night.ask_partner()
    night.desk.hold(night.b, ask)
    night.desk.withdraw(ask)
    night.desk.policy(night.a, withdrawal_quorum=1)
    night.desk.withdraw(ask)
    assert night.who(night.a, K.DECIDE_WITHDRAWAL) == set()
    assert night.who(night.b, K.SETTLE) == DISPOSING


def test_a_dispute_waits_for_a_lead_and_upheld_by_one_for_the_other(night: Night) -> None:
    night.desk.policy(night.a, withdrawal_quorum=2)
    ask = night.ask_partner()
    night.desk.hold(night.b, ask)
    dispute = night.dispute(ask)
    assert night.who(night.a, K.RESOLVE) == LEADS
    task = night.one(night.a.lead, K.RESOLVE)
    assert (task["about"], task["partner"]) == (dispute, night.b.handle)
    assert (task["strip"], task["leg_id"]) == ("wrongly_frozen", night.desk.leg(night.b, ask).id)
    night.desk.resolve(ask, dispute, "upheld")
    assert night.who(night.a, K.RESOLVE) == set()
    assert night.who(night.a, K.DECIDE_WITHDRAWAL) == {"second_lead"}
    # Void, it is the dispute that waits again.
    night.desk.step(4 * HOUR)
    assert night.who(night.a, K.RESOLVE) == LEADS


def test_what_was_upheld_waits_to_be_withdrawn_while_somebody_holds_it(night: Night) -> None:
    ask = night.ask_partner()
    night.desk.hold(night.b, ask)
    dispute = night.dispute(ask)
    night.desk.resolve(ask, dispute, "rejected")
    assert night.who(night.a, K.WITHDRAW) == set()
    night.desk.resolve(ask, night.dispute(ask), "upheld")
    assert night.who(night.a, K.WITHDRAW) == LEADS
    assert night.who(night.b, K.WITHDRAW) == set()
    task = night.one(night.a.lead, K.WITHDRAW)
    assert (task["strip"], task["partner"]) == ("wrongly_frozen", night.b.handle)
    command = f"holdfast withdraw {ask.id} --reason-code wrong_target --address 0"
    assert task["next"]["command"] == command
    night.desk.withdraw(ask, [0], reason_code="wrong_target")
    assert night.who(night.a, K.WITHDRAW) == set()


def test_what_is_all_that_is_left_is_withdrawn_with_its_request(night: Night) -> None:
    ask = night.ask_partner()
    hold = night.desk.hold(night.b, ask)
    night.desk.withdraw(ask, list(range(1, night.desk.request(ask).address_count)))
    night.desk.resolve(ask, night.dispute(ask), "upheld")
    [task] = night.tasks(night.a.lead, "kind=withdraw")
    assert task["next"]["command"].endswith(" --reason-code wrong_target")
    night.desk.report(night.b, ask, released(hold, 100, "appeal_upheld"))
    assert night.who(night.a, K.WITHDRAW) == set()


def test_a_dispute_that_nobody_answers_is_the_partners_to_decide(night: Night) -> None:
    night.desk.policy(night.a, may_flash=[night.a.analyst.subject])
    ask = night.desk.submit(urgency="flash", to=[night.b.handle])
    night.desk.decide(ask)
    night.desk.hold(night.b, ask)
    night.dispute(ask)
    assert night.who(night.b, K.CONSIDER_RELEASE) == set()
    night.desk.step(4 * HOUR)
    assert night.who(night.b, K.CONSIDER_RELEASE) == DISPOSING
    assert night.one(night.b.lead, K.CONSIDER_RELEASE)["strip"] == "wrongly_frozen"
    assert night.who(night.a, K.RESOLVE) == LEADS


def test_a_question_waits_for_a_reply_and_the_answers_clock_stands(night: Night) -> None:
    ask = night.acknowledged()
    asked = night.desk.act(night.b.analyst, ask, "info-requests", missing=["one"])
    assert night.who(night.a, K.REPLY) == LEADS | {"analyst", "system"}
    task = night.one(night.a.analyst, K.REPLY)
    assert (task["about"], task["partner"]) == (asked["id"], night.b.handle)
    assert task["next"]["words"].startswith(f"Reply to {night.b.handle}")
    paused = night.one(night.b.analyst, K.ANSWER)
    assert paused["due_at"] is None
    assert "clock stands" in paused["next"]["words"]
    night.desk.answer(ask, asked["id"])
    assert night.who(night.a, K.REPLY) == set()
    assert night.one(night.b.analyst, K.ANSWER)["due_at"] is not None


def test_a_question_about_what_has_ended_waits_for_nobody(night: Night) -> None:
    ask = night.ask_partner()
    night.desk.act(night.b.analyst, ask, "info-requests", missing=["one"])
    night.desk.withdraw(ask)
    assert night.who(night.a, K.REPLY) == set()


def test_a_notice_is_acknowledged_and_then_answered(night: Night, cast: Cast) -> None:
    ask = night.ask_partner()
    assert night.who(night.b, K.ACKNOWLEDGE) == ANSWERING
    assert night.who(cast.c, K.ACKNOWLEDGE) == night.who(night.a, K.ACKNOWLEDGE) == set()
    task = night.one(night.b.analyst, K.ACKNOWLEDGE)
    leg = night.desk.leg(night.b, ask)
    assert (task["leg_id"], task["about"]) == (leg.id, leg.id)
    assert task["due_at"] == format_time(leg.acknowledge_by)
    night.desk.act(night.b.analyst, ask, "acknowledgement")
    assert night.who(night.b, K.ACKNOWLEDGE) == set()
    assert night.who(night.b, K.ANSWER) == ANSWERING
    night.desk.report(night.b, ask, {"kind": "nothing", "address_nos": "rest", "code": "no_match"})
    assert night.who(night.b, K.ANSWER) == set()


def test_what_passed_its_deadline_waits_on(night: Night) -> None:
    night.ask_partner()
    night.desk.step(2 * DAY)
    assert night.who(night.b, K.ACKNOWLEDGE) == ANSWERING


def test_an_answer_owed_about_a_hold_waits_for_who_may_let_go(night: Night) -> None:
    ask = night.ask_partner()
    night.desk.hold(night.b, ask)
    night.desk.step(HOUR)
    night.desk.withdraw(ask)
    assert night.who(night.b, K.SETTLE) == DISPOSING
    task = night.one(night.b.compliance, K.SETTLE)
    assert (task["due_at"], task["strip"]) == (format_time(NOON + HOUR), "wrongly_frozen")


def test_a_hold_stands_once_and_another_of_the_same_leg_beside_it(night: Night) -> None:
    ask = night.ask_partner()
    night.desk.hold(night.b, ask)
    night.desk.hold(night.b, ask, address_no=1)
    night.desk.step(8 * DAY)
    assert night.who(night.b, K.HOLD_ENDS) == DISPOSING
    # What is taken back is settled; the other hold still comes to its end.
    night.desk.withdraw(ask, [0])
    assert night.who(night.b, K.SETTLE) == night.who(night.b, K.HOLD_ENDS) == DISPOSING
    night.desk.withdraw(ask)
    assert night.who(night.b, K.SETTLE) == DISPOSING
    assert night.who(night.b, K.HOLD_ENDS) == set()


def test_a_hold_that_comes_near_its_end_waits_and_lapsed_it_is_an_answer_owed(
    night: Night,
) -> None:
    ask = night.ask_partner()
    hold = night.desk.hold(night.b, ask)
    night.desk.step(7 * DAY - MINUTE)
    assert night.who(night.b, K.HOLD_ENDS) == set()
    night.desk.step(MINUTE)
    assert night.who(night.b, K.HOLD_ENDS) == DISPOSING
    task = night.one(night.b.lead, K.HOLD_ENDS)
    assert (task["due_at"], task["strip"]) == (format_time(NOON + 10 * DAY), "rest")
    assert night.take(night.b.lead, task, ask).status_code == 201
    assert night.one(night.b.lead, K.HOLD_ENDS)["taken_by"] == night.b.lead.subject
    night.desk.step(2 * DAY)
    assert night.one(night.b.lead, K.HOLD_ENDS)["strip"] == "today"
    # Extended it waits no more; and the next time nobody has it yet.
    night.desk.extend(night.b, ask, hold, NOON + 14 * DAY)
    assert night.who(night.b, K.HOLD_ENDS) == set()
    night.desk.step(2 * DAY + MINUTE)
    assert night.one(night.b.lead, K.HOLD_ENDS)["taken_at"] is None
    night.desk.step(3 * DAY)
    assert night.who(night.b, K.HOLD_ENDS) == set()
    assert night.who(night.b, K.SETTLE) == DISPOSING


def test_a_hold_that_was_handed_on_waits_on_the_request_that_it_counts_for(night: Night) -> None:
    first, second = night.acknowledged(), night.acknowledged()
    hold = night.desk.hold(night.b, first)
    night.desk.report(night.b, second, shared(hold, 0), nothing())
    night.desk.step(8 * DAY)
    # While it counts for both it may be extended on either, and then waits on neither.
    near = [x for x in night.tasks(night.b.lead) if x["kind"] == K.HOLD_ENDS]
    assert {x["request_id"] for x in near} == {first.id, second.id}
    night.desk.withdraw(first)
    night.desk.report(night.b, first, kept(hold, "other_request", other_request=second.id))
    assert night.who(night.b, K.HOLD_ENDS) == DISPOSING
    task = night.one(night.b.lead, K.HOLD_ENDS)
    assert (task["request_id"], task["due_at"]) == (second.id, format_time(NOON + 10 * DAY))
    assert task["next"]["command"] == f"holdfast holds {second.id}"
    night.desk.extend(night.b, second, hold, NOON + 14 * DAY)
    assert night.who(night.b, K.HOLD_ENDS) == set()


@pytest.mark.parametrize("urgency", ["urgent", "flash"])
def test_a_decision_says_what_could_be_wrong_with_it(night: Night, urgency: str) -> None:
    plain, *risky = addresses(3, 700)
    whole = [each | {"whole_account": {"why": "All of it is the thief's."}} for each in risky]
    ask = night.desk.submit(addresses=[plain, *whole], urgency=urgency)
    kind = K.RATIFY if night.desk.status(ask) == "active" else K.APPROVE
    warnings = night.one(night.a.lead, kind)["warnings"]
    assert warnings == [{"code": "whole_account", "address_count": 2}]
    night.desk.submit(addresses=addresses(1, 800))
    both = [each["warnings"] for each in night.tasks(night.a.lead)]
    assert sorted(both, key=len) == [[], warnings]
    for task in night.tasks(night.b.lead):
        assert task["warnings"] == [], "a partner asked decides on nothing of it"


def test_a_whole_account_is_looked_at_again(night: Night) -> None:
    ask = night.ask_partner()
    night.desk.report(night.b, ask, found(0, None), frozen(0, None, account_level=True))
    assert night.who(night.b, K.REVIEW_ACCOUNT) == DISPOSING
    task = night.one(night.b.lead, K.REVIEW_ACCOUNT)
    assert (task["due_at"], task["strip"]) == (format_time(NOON + DAY), "wrongly_frozen")


def test_a_requesters_wish_for_more_time_waits_until_another_end_is_signed(night: Night) -> None:
    ask = night.ask_partner()
    hold = night.desk.hold(night.b, ask)
    later = NOON + 14 * DAY
    wish = {"hold": hold, "hold_expires_at": format_time(later), "reason": "order due"}
    night.desk.act(night.a.lead, ask, "extension-requests", **wish)
    assert night.who(night.b, K.ANSWER_EXTENSION) == DISPOSING
    task = night.one(night.b.compliance, K.ANSWER_EXTENSION)
    assert (task["about"], task["due_at"]) == (hold, format_time(NOON + 10 * DAY))
    assert task["next"]["command"] == f"holdfast extend {ask.id} {hold}"
    assert night.take(night.b.compliance, task, ask).status_code == 201
    night.desk.extend(night.b, ask, hold, later)
    assert night.who(night.b, K.ANSWER_EXTENSION) == set()
    problem(night.take(night.b.lead, task, ask), 409, "task_done")


def test_a_partner_whom_no_notice_reaches_is_telephoned(night: Night) -> None:
    ask = night.ask_partner()
    leg = night.desk.leg(night.b, ask)
    night.desk.own(MarkLegUndeliverable(leg_id=leg.id))
    assert night.who(night.a, K.REACH_PARTNER) == LEADS | {"analyst"}
    task = night.one(night.a.analyst, K.REACH_PARTNER)
    assert (task["partner"], task["leg_id"]) == (night.b.handle, leg.id)
    assert night.take(night.a.analyst, task, ask).status_code == 201
    night.desk.act(night.b.analyst, ask, "acknowledgement")
    assert night.who(night.a, K.REACH_PARTNER) == set()


def test_a_proposed_grant_waits_for_a_lead_who_gains_nothing_by_it(night: Night) -> None:
    carol = new_person(night.a, Role.ANALYST)
    made = propose(night.signer, night.a.lead, grant_body(carol))
    assert night.who(night.a, K.DECIDE_GRANT) == {"second_lead"}
    assert night.who(night.b, K.DECIDE_GRANT) == set()
    task = night.one(night.a.second_lead, K.DECIDE_GRANT)
    assert (task["request_id"], task["about"]) == (None, made["id"])
    assert task["due_at"] == made["expires_at"]
    problem(night.take(night.a.lead, task), 403, "four_eyes")
    problem(night.take(night.b.lead, task), 404, "no_such_task")
    assert night.take(night.a.second_lead, task).status_code == 201
    assert night.one(night.a.second_lead, K.DECIDE_GRANT)["taken_by"] == night.a.second_lead.subject
    approve_grant(night.signer, night.a.second_lead, made)
    assert night.who(night.a, K.DECIDE_GRANT) == set()


def test_what_a_lead_would_gain_waits_for_another(night: Night) -> None:
    carol = new_person(night.a, Role.SECURITY_LEAD)
    third = propose(night.signer, night.a.lead, grant_body(carol))
    approve_grant(night.signer, night.a.second_lead, third)
    more = {**grant_body(night.a.second_lead), "roles": ["security_lead", "compliance"]}
    del more["jwk"], more["possession"]
    propose(night.signer, night.a.lead, more)
    assert K.DECIDE_GRANT not in night.kinds(night.a.second_lead)
    # Whose key the proposer brought in decides; who brought that key in would decide of its own.
    assert K.DECIDE_GRANT in night.kinds(carol)
    night.signer.post(night.a.root, "/v1/revocations", {"kid": night.a.lead.key.kid})
    assert K.DECIDE_GRANT not in night.kinds(carol)


def test_a_root_reset_waits_for_who_can_stop_it(night: Night) -> None:
    key = PrivateKey.generate()
    possession = make_possession(
        key, audience=ORIGIN, handle=night.a.handle, subject=night.a.handle
    )
    reset = ResetRoot(
        handle=night.a.handle,
        jwk=key.public.jwk(),
        possession=possession,
        audience=ORIGIN,
        after=DAY,
    )
    night.desk.own(reset)
    assert night.who(night.a, K.CHECK_ROOT_RESET) == LEADS
    task = night.one(night.a.lead, K.CHECK_ROOT_RESET)
    assert task["next"]["command"] == f"holdfast revoke {key.kid}"
    assert (task["due_at"], task["strip"]) == (format_time(NOON + DAY), "today")
    night.signer.post(night.a.lead, "/v1/revocations", {"kid": key.kid})
    assert night.who(night.a, K.CHECK_ROOT_RESET) == set()


def test_an_endpoint_that_goes_on_failing_is_to_be_mended(night: Night) -> None:
    outbox = Outbox(night.desk.database, night.desk.vault, night.desk.clock)
    endpoint = outbox.endpoint(night.b.lead)
    micros = int(NOON.timestamp() * 1_000_000)
    outbox.change("UPDATE webhook_endpoint SET failing_since = :at", at=micros)
    assert night.who(night.b, K.MEND_ENDPOINT) == set()
    night.desk.clock.step(MINUTE)
    assert night.who(night.b, K.MEND_ENDPOINT) == DISPOSING | {"system"}
    task = night.one(night.b.lead, K.MEND_ENDPOINT)
    assert task["strip"] == "can_leave"
    assert task["about"] in str(endpoint)
    assert task["next"]["path"] == f"/v1/webhook-endpoints/{task['about']}/test"
    outbox.change("UPDATE webhook_endpoint SET failing_since = NULL")
    assert night.who(night.b, K.MEND_ENDPOINT) == set()
    problem(night.take(night.b.lead, task), 409, "task_done")


def test_an_endpoint_that_said_it_is_gone_is_to_be_mended_though_it_is_off(night: Night) -> None:
    outbox = Outbox(night.desk.database, night.desk.vault, night.desk.clock)
    outbox.endpoint(night.b.lead)
    micros = int(NOON.timestamp() * 1_000_000)
    off = "UPDATE webhook_endpoint SET enabled = FALSE, failing_since = :at"
    outbox.change(off, at=micros)
    night.desk.clock.step(MINUTE)
    assert night.who(night.b, K.MEND_ENDPOINT) == set(), "its own people turned it off"
    outbox.change("UPDATE webhook_endpoint SET gone_at = :at", at=micros)
    assert night.who(night.b, K.MEND_ENDPOINT) == DISPOSING | {"system"}


def test_who_only_reads_has_no_tasks(night: Night) -> None:
    night.desk.submit()
    night.ask_partner()
    assert night.tasks(night.a.auditor) == night.tasks(night.b.auditor) == []


def test_the_list_goes_by_deadline_then_by_id_page_by_page(night: Night) -> None:
    for urgency in ("routine", "urgent", "urgent", "routine"):
        night.ask_partner(urgency=urgency)
    for _ in range(2):
        ask = night.acknowledged()
        night.desk.act(night.b.analyst, ask, "info-requests", missing=["one"])
    night.desk.step(MINUTE)
    night.acknowledged(urgency="urgent")
    held = night.ask_partner()
    night.desk.hold(night.b, held)
    night.desk.withdraw(held)
    whole = night.tasks(night.b.lead)
    assert [(t["due_at"] is None, t["due_at"], t["id"]) for t in whole] == sorted(
        (t["due_at"] is None, t["due_at"], t["id"]) for t in whole
    )
    assert len({t["id"] for t in whole}) == len(whole) == 8
    assert [t["due_at"] for t in whole][-2:] == [None, None]
    for limit in (1, 2, 3):
        assert night.tasks(night.b.lead, f"limit={limit}") == whole
    only = [t for t in whole if t["kind"] == K.ANSWER]
    assert night.tasks(night.b.lead, "kind=answer&limit=2") == only
    assert night.tasks(night.b.lead, "kind=approve") == []
    refused = night.signer.get(night.b.lead, "/v1/tasks?kind=sleep")
    assert refused.status_code == 422
    assert night.signer.get(night.b.lead, "/v1/tasks?cursor=AAAA").status_code == 422


def test_a_desk_that_may_tell_private_requesters_nothing_is_shown_how_to_say_that(
    night: Night,
) -> None:
    desk, b = night.desk, night.b

    def steps() -> dict[str, dict[str, Any]]:
        return {t["request_id"]: t["next"] for t in night.tasks(b.analyst, "kind=answer")}

    holding = night.acknowledged()
    desk.report(b, holding, found(0, 9), frozen(0, 9))
    ask = night.acknowledged()
    usual = steps()[ask.id]
    desk.policy(b, cannot_say="private_requesters")
    told = steps()[ask.id]
    assert told["command"] == f"holdfast report {ask.id} --nothing cannot_say"
    assert "cannot_say" in told["words"]
    assert told["path"] == usual["path"]
    # What was frozen and reported is not taken back by saying that.
    assert "cannot_say" not in str(steps()[holding.id])
    desk.step(8 * DAY)
    assert steps()[ask.id] == told
    # An authority hears the truth.
    desk.change("UPDATE partner SET kind = 'law_enforcement' WHERE handle = :a", a=night.a.handle)
    assert steps()[ask.id] == usual


@pytest.mark.parametrize("kind", TaskKind)
def test_every_task_says_what_to_do_in_words_that_the_command_line_knows(kind: TaskKind) -> None:
    step = next_step(kind, Names(new_id("frq"), new_id("hld"), "exchange-b.example", "x" * 43))
    assert "{" not in str(list(step.values()))
    program, *words = step["command"].partition(" --")[0].split()
    assert program == "holdfast"
    command: click.Command = cli
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    assert len(words) <= len(arguments)
    for argument, word in zip(arguments, words, strict=False):
        if isinstance(argument.type, click.Choice):
            assert word in argument.type.choices
    assert (kind in OF_ORGANISATION) == ("freeze-requests" not in step["path"]) or (
        kind is K.REACH_PARTNER
    )
