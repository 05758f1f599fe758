"""Nothing waits that is no task: every clock, flag, event and deadline has one, or needs none.

These lists are to be argued, not filled in: who adds a clock or a flag says here which task tells
people of it. That what runs is really listed, `tests/services/recomputed.py` looks up after every
test with a database of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest
from sqlalchemy.orm import Mapper

import coordinator.storage.tables as _tables  # noqa: F401 - fills the metadata
from coordinator.dispatcher.timers import all_timers
from coordinator.domain.clock_profiles import ClockProfile
from coordinator.domain.deadline import Policies
from coordinator.domain.leg import LegFlag
from coordinator.domain.tasks import NEEDS
from coordinator.storage.engine.base import Base, UtcTime
from holdfast.protocol.tasks import TaskKind
from holdfast.protocol.vocabulary import EventType
from tests.rulebook import RULEBOOK
from tests.services.recomputed import NOBODYS

K = TaskKind
#: Which task tells of it; or, in words, why nobody has to do anything.
Told = TaskKind | str

TIMERS: Mapping[str, Told] = {
    "approve_by": K.APPROVE,
    "ratify_by": K.RATIFY,
    "unratified_until": K.RATIFY,
    "approve_withdrawal_by": K.DECIDE_WITHDRAWAL,
    "approve_return_by": K.DECIDE_RETURN,
    "close_after": "nothing is open any more; it closes by itself",
    "retention": "its time is over; it is erased by itself",
    "sealed_retention": "its time is over; it is erased by itself",
    "names_retention": "their time is over; they are erased by themselves",
    "acknowledge_by": K.ACKNOWLEDGE,
    "answer_by": K.ANSWER,
    "reply_by": K.REPLY,
    "data_subject_due": K.ANSWER_DATA_SUBJECT,
    "hold_clock": K.HOLD_ENDS,
    "hold_ends_soon": K.HOLD_ENDS,
    "answer_owed": K.SETTLE,
    "encumbrance_review": K.REVIEW_ENCUMBRANCE,
    "legal_order_review": K.REVIEW_ORDER,
    "dispute_answer_by": K.CONSIDER_RELEASE,
    "root_reset": K.CHECK_ROOT_RESET,
    "suspension": "the operator suspended the partner; the coordinator carries it out",
    "endpoint_failing": K.MEND_ENDPOINT,
    "endpoint_gone": K.MEND_ENDPOINT,
}
FLAGS: Mapping[str, Told] = {
    LegFlag.OVERDUE: K.ACKNOWLEDGE,
    LegFlag.UNANSWERED: K.ANSWER,
    LegFlag.UNDELIVERABLE: K.REACH_PARTNER,
    LegFlag.DISPUTED: K.RESOLVE,
    LegFlag.CONTESTED: "a fact to know: another disputes; the requester answers, and withdraws",
    LegFlag.INFO_REQUESTED: K.REPLY,
    LegFlag.ANSWER_OWED: K.SETTLE,
    LegFlag.IRREGULAR: "says how a line stands; what it obliges to is an answer owed",
}
POLICIES: Mapping[str, Told] = {
    "clocks": "the profiles below",
    "calendars": "count the days of the profiles below",
    "approve_within": K.APPROVE,
    "ratify_within": K.RATIFY,
    "unratified_for": K.RATIFY,
    "amounts_need_gateway": "a switch, no clock",
    "flash_daily_cap": "a number, no clock",
    "flash_free_accounts": "a number, no clock",
    "approve_withdrawal_within": K.DECIDE_WITHDRAWAL,
    "late_report": "how a line is stored",
    "close_after": "nothing is open any more",
    "do_not_notify": "a wish's maximum; the partner decides",
    "review_whole_account_after": K.REVIEW_ACCOUNT,
    "answer_dispute_within": K.RESOLVE,
    "answer_flash_dispute_within": K.RESOLVE,
    "default_hold": "what is asked for; the hold's own end is a clock",
    "warn_before": K.HOLD_ENDS,
    "remind_owed": K.SETTLE,
    "approve_grant_within": K.DECIDE_GRANT,
    "approve_destination_within": K.DECIDE_DESTINATION,
    "recovery": K.ANSWER_RECOVERY,
    "destination_usable_after": "a wait, and nothing to be done meanwhile",
    "approve_return_within": K.DECIDE_RETURN,
    "answer_return_within": K.ANSWER_RETURN,
    "claim_link_lasts": "a link that its maker can make again",
    "claim_link_after_closing": "a link of what is over",
    "payout_change_after": "a wait, and nothing to be done meanwhile",
    "root_reset_after": K.CHECK_ROOT_RESET,
    "erase_after_months": "its time is over; it is erased by itself",
    "sealed_evidence_months": "its time is over; it is erased by itself",
    "names_months": "their time is over; they are erased by themselves",
    "name_from_cases": "a number, no clock",
    "data_subject_months": K.ANSWER_DATA_SUBJECT,
    "data_subject_extension_months": K.ANSWER_DATA_SUBJECT,
    "data_subjects_a_day": "a number, no clock",
    "max_holds": "how far an end may lie; the hold's own end is a clock",
    "support_max": "how far an end may lie; the hold's own end is a clock",
}
PROFILES: Mapping[str, Told] = {
    "acknowledge_within": K.ACKNOWLEDGE,
    "answer_within": K.ANSWER,
    "answer_on_order_within": K.ANSWER,
    "reply_within": K.REPLY,
}
_NEWS = "news of what somebody did"
_NOTHING_LEFT = "news of what ended"
EVENTS: Mapping[str, Told] = {
    EventType.REQUEST_RECEIVED: K.ACKNOWLEDGE,
    EventType.REQUEST_SUBMITTED: K.APPROVE,
    EventType.REQUEST_APPROVED: _NEWS,
    EventType.REQUEST_REJECTED: _NOTHING_LEFT,
    EventType.REQUEST_RATIFIED: _NEWS,
    EventType.REQUEST_UNRATIFIED: K.RATIFY,
    EventType.REQUEST_WITHDRAWAL_PROPOSED: K.DECIDE_WITHDRAWAL,
    EventType.REQUEST_WITHDRAWAL_REFUSED: _NOTHING_LEFT,
    EventType.REQUEST_WITHDRAWN: K.SETTLE,
    EventType.REQUEST_EXPIRED: _NOTHING_LEFT,
    EventType.REQUEST_CLOSED: _NOTHING_LEFT,
    EventType.REQUEST_ERASURE_PROPOSED: K.ERASE,
    EventType.REQUEST_ERASED: _NOTHING_LEFT,
    EventType.REQUEST_SUPPORT_RAISED: _NEWS,
    EventType.REQUEST_FLAGS_RENEWED: _NEWS,
    EventType.REQUEST_SAME_FUNDS: _NEWS,
    EventType.REQUEST_PARTNERS_PROPOSED: K.DECIDE_ADDITION,
    EventType.REQUEST_PARTNERS_REFUSED: _NOTHING_LEFT,
    EventType.REQUEST_PARTNERS_ADDED: _NEWS,
    EventType.LEG_DELIVERED: K.ACKNOWLEDGE,
    EventType.LEG_ACKNOWLEDGED: K.ANSWER,
    EventType.LEG_UNDER_REVIEW: K.ANSWER,
    EventType.LEG_INFO_REQUESTED: K.REPLY,
    EventType.LEG_INFO_PROVIDED: K.ANSWER,
    EventType.LEG_DECLINED: "an answer; with `retry` the requester asks anew if it wants to",
    EventType.LEG_NO_MATCH: "an answer",
    EventType.LEG_CANNOT_SAY: "an answer",
    EventType.LEG_WITHDRAWN: K.SETTLE,
    EventType.LEG_OVERDUE: K.ACKNOWLEDGE,
    EventType.LEG_UNANSWERED: K.ANSWER,
    EventType.LEG_UNDELIVERABLE: K.REACH_PARTNER,
    EventType.LEG_DISPUTED: K.RESOLVE,
    EventType.LEG_CONTESTED: "a fact to know, as the flag",
    EventType.LEG_DISPUTE_RESOLVED: K.WITHDRAW,
    EventType.LEG_LEGAL_ORDER: _NEWS,
    EventType.LEG_LEGAL_ORDER_CALLED_BACK: _NEWS,
    EventType.LEG_LEGAL_ORDER_REVIEW_DUE: K.REVIEW_ORDER,
    EventType.LEG_LEGAL_ORDER_REVIEWED: _NEWS,
    EventType.LEG_LEGAL_ORDER_LIFTED: _NEWS,
    EventType.LEG_INDEMNITY_GIVEN: _NEWS,
    EventType.FREEZE_NOTHING: "an answer",
    EventType.FREEZE_FOUND: K.ANSWER,
    EventType.FREEZE_FROZEN: "an answer; the hold's end is a clock",
    EventType.FREEZE_RELEASED: "an answer",
    EventType.FREEZE_RETURNED: K.CONFIRM_RETURN,
    EventType.FREEZE_SEIZED: "an answer",
    EventType.FREEZE_KEPT: "an answer; the hold's new end is a clock",
    EventType.FREEZE_CORRECTED: _NEWS,
    EventType.HOLD_EXPIRING: K.HOLD_ENDS,
    EventType.HOLD_REVIEW_DUE: K.REVIEW_ACCOUNT,
    EventType.HOLD_EXTENSION_REQUESTED: K.ANSWER_EXTENSION,
    EventType.HOLD_EXTENDED: _NEWS,
    EventType.HOLD_LAPSED: K.SETTLE,
    EventType.HOLD_ENCUMBERED: _NEWS,
    EventType.HOLD_ENCUMBRANCE_REVIEW_DUE: K.REVIEW_ENCUMBRANCE,
    EventType.HOLD_ENCUMBRANCE_REVIEWED: _NEWS,
    EventType.HOLD_ENCUMBRANCE_LIFTED: _NEWS,
    EventType.ANSWER_OWED: K.SETTLE,
    EventType.CLEARANCE_ISSUED: _NEWS,
    EventType.CLEARANCE_REVOKED: _NEWS,
    EventType.GRANT_MADE: _NEWS,
    EventType.GRANT_REVOKED: _NEWS,
    EventType.PARTNER_JOINED: _NEWS,
    EventType.PARTNER_NAMES_CHANGED: _NEWS,
    EventType.PARTNER_SUSPENDED: _NEWS,
    EventType.PARTNER_ROOT_RESET: K.CHECK_ROOT_RESET,
    EventType.PARTNER_ENCRYPTION_KEY_SET: _NEWS,
    EventType.RULEBOOK_PUBLISHED: "the console's first page says so until it is accepted",
    EventType.RULEBOOK_ACCEPTED: _NEWS,
    EventType.RETURN_SUBMITTED: K.DECIDE_RETURN,
    EventType.RETURN_OPENED: K.ANSWER_RETURN,
    EventType.RETURN_ENDED: _NOTHING_LEFT,
    EventType.RETURN_ANSWERED: "an answer",
    EventType.RETURN_SUSPENDED: "what suspends it has a task of its own",
    EventType.RETURN_RESUMED: K.ANSWER_RETURN,
    EventType.RETURN_RECEIVED: "what did not arrive is between the two; the act says so",
    EventType.GATEWAY_DECLARED: _NEWS,
    EventType.GATEWAY_VERIFIED: _NEWS,
    EventType.GATEWAY_ENDED: _NEWS,
    EventType.DESTINATION_PROPOSED: K.DECIDE_DESTINATION,
    EventType.DESTINATION_REGISTERED: _NEWS,
    EventType.DESTINATION_PROVEN: _NEWS,
    EventType.DESTINATION_CLOSED: _NOTHING_LEFT,
    EventType.RECOVERY_SUBMITTED: K.DECIDE_RECOVERY,
    EventType.RECOVERY_APPROVED: _NEWS,
    EventType.RECOVERY_RECEIVED: K.ANSWER_RECOVERY,
    EventType.RECOVERY_ENDED: _NOTHING_LEFT,
    EventType.RECOVERY_ANSWERED: K.REPLY_RECOVERY,
    EventType.RECOVERY_REPLIED: K.ANSWER_RECOVERY,
    EventType.LOG_RESTORED: _NEWS,
    EventType.EVIDENCE_SEALED: _NEWS,
    EventType.TASK_TAKEN: _NEWS,
    EventType.TASK_PAGED: _NEWS,
    EventType.GUEST_ASKED: _NEWS,
    EventType.GUEST_CONTACTED: _NEWS,
    EventType.GUEST_UNREACHABLE: "somebody may call them; nothing waits for it",
    EventType.GUEST_ANSWERED: "an answer",
    EventType.GUEST_JOINED: _NEWS,
    EventType.DATA_SUBJECT_RECEIVED: K.ANSWER_DATA_SUBJECT,
    EventType.DATA_SUBJECT_ANSWERED: _NEWS,
    EventType.DATA_SUBJECT_OVERDUE: K.ANSWER_DATA_SUBJECT,
    EventType.RESTITUTION_OPENED: _NEWS,
    EventType.RESTITUTION_POOL_CHANGED: _NEWS,
    EventType.RESTITUTION_CLAIMS_FILED: "the restitution's page counts what waits",
    EventType.RESTITUTION_CLAIM_DECIDED: _NEWS,
    EventType.RESTITUTION_CLAIM_CONTESTED: "the restitution's page counts what waits",
    EventType.RESTITUTION_PAYOUT_CHANGE_PROPOSED: "the claim says what waits",
    EventType.RESTITUTION_PAYOUT_CHANGE_DECIDED: _NEWS,
    EventType.RESTITUTION_ALLOCATION_PROPOSED: "the restitution's allocations say what waits",
    EventType.RESTITUTION_ALLOCATION_DECIDED: _NEWS,
    EventType.RESTITUTION_PAYOUTS_RECORDED: _NEWS,
    EventType.RESTITUTION_CLOSED: _NOTHING_LEFT,
    EventType.RESTITUTION_LINKS_MADE: _NEWS,
    EventType.RESTITUTION_LINKS_REVOKED: _NEWS,
    EventType.ENDPOINT_TEST: "a try",
    EventType.ENDPOINT_FAILING: K.MEND_ENDPOINT,
    EventType.ENDPOINT_DISABLED: K.MEND_ENDPOINT,
}
#: Stored times that lie ahead, by their names.
_AHEAD = re.compile(r"(_by|_until|_end)$|expires|(^|_)(void|effective|review|ends|due)_at|next_")
COLUMNS: Mapping[str, Told] = {
    "webhook_endpoint.busy_until": "what a receiver asked for; its events go on by themselves",
    "restitution.objections_until": "the restitution's page says until when; nobody owes one",
    "delivery.answer_until": "erased then; nobody acts on it",
    "console_link.ends_at": "a link that its maker can make again",
    "claim_link.expires_at": "a link that its maker can make again",
    "console_session.ends_at": "somebody signs in again",
    "prepared_act.ends_at": "whoever was about to sign prepares it again",
    "guest.next_at": "its contact is looked for again, by itself",
    "guest.lease_until": "another worker may write to it then",
    "guest.code_until": "whoever has the link asks for another code",
    "guest.answer_by": "a wish: nobody who is no member owes an answer",
    "alarm.next_at": "the next of the chain is paged, by itself",
    "alarm_call.next_at": "tried again, by itself",
    "alarm_call.lease_until": "another worker may send it then",
    "freeze_request.approve_by": K.APPROVE,
    "freeze_request.ratify_by": K.RATIFY,
    "freeze_request.unratified_until": K.RATIFY,
    "withdrawal_proposal.void_at": K.DECIDE_WITHDRAWAL,
    "grant_proposal.expires_at": K.DECIDE_GRANT,
    "destination.expires_at": K.DECIDE_DESTINATION,
    "recovery_request.approve_by": K.DECIDE_RECOVERY,
    "recovery_request.partner_due_at": K.ANSWER_RECOVERY,
    "recovery_request.requester_due_at": K.REPLY_RECOVERY,
    "recovery_deposit.due_at": K.ANSWER_RECOVERY,
    "return_request.void_at": K.DECIDE_RETURN,
    "return_request.answer_by": K.ANSWER_RETURN,
    "root_reset.effective_at": K.CHECK_ROOT_RESET,
    "leg.acknowledge_by": K.ACKNOWLEDGE,
    "leg.answer_by": K.ANSWER,
    "leg.hold_ends_at": K.HOLD_ENDS,
    "leg.account_review_at": K.REVIEW_ACCOUNT,
    "info_request.reply_by": K.REPLY,
    "dispute.answer_by": K.RESOLVE,
    "hold.hold_expires_at": K.HOLD_ENDS,
    "hold.review_at": K.REVIEW_ACCOUNT,
    "hold.next_clock_at": K.HOLD_ENDS,
    "hold.next_reminder_at": K.SETTLE,
    "hold.extension_asked_end": K.ANSWER_EXTENSION,
    "hold.effective_at": "when an issuer's freeze was in force",
    "encumbrance.review_at": K.REVIEW_ENCUMBRANCE,
    "legal_order.review_at": K.REVIEW_ORDER,
    "data_subject_request.due_at": K.ANSWER_DATA_SUBJECT,
    "data_subject_case.due_at": K.ANSWER_DATA_SUBJECT,
    "indemnity.valid_until": "how far a promise carries; another one is the requester's offer",
    "partner.invitation_expires_at": "it is no member yet, and can read nothing",
    "gateway.verified_until": "the operator verifies it again; its partner's page says so",
    "lane.due_at": "the sender's next try; an endpoint that goes on failing is a task",
    "lane.lease_until": "of a sender's claim",
}


def _timers() -> list[str]:
    return [timer.name for timer in all_timers(RULEBOOK.policies)]


def _columns() -> list[str]:
    mappers: list[Mapper[Any]] = list(Base.registry.mappers)
    return [
        f"{column.table.name}.{column.name}"
        for mapper in mappers
        for column in mapper.columns
        if isinstance(column.type, UtcTime) and _AHEAD.search(column.name)
    ]


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (_timers(), TIMERS),
        (list(LegFlag), FLAGS),
        ([each.name for each in fields(Policies)], POLICIES),
        ([each.name for each in fields(ClockProfile)], PROFILES),
        (list(EventType), EVENTS),
        (_columns(), COLUMNS),
    ],
    ids=["timers", "flags", "policies", "profiles", "events", "columns"],
)
def test_every_one_has_a_task_or_is_argued_to_need_none(
    there: list[str], told: Mapping[str, Told]
) -> None:
    assert set(there) == set(told)


def test_what_is_looked_up_after_every_test_leaves_out_what_is_argued_here_and_no_more() -> None:
    assert {name for name, task in TIMERS.items() if not isinstance(task, TaskKind)} == NOBODYS


def test_every_task_stands_for_something_that_waits() -> None:
    lists = (TIMERS, FLAGS, POLICIES, PROFILES, EVENTS, COLUMNS)
    told = {each for one in lists for each in one.values() if isinstance(each, TaskKind)}
    assert told == set(TaskKind)
    assert set(NEEDS) == set(TaskKind)
