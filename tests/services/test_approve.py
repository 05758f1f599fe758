"""Four eyes: who decides on a request, on what exactly, and when it goes out."""

from typing import Any

import pytest

from coordinator.domain.errors import (
    ConflictError,
    InvalidInputError,
    InvalidTransitionError,
    PermissionDeniedError,
    SelfApprovalError,
    StaleDocumentError,
)
from tests.services.request_cast import HOUR, Desk, account, refusal

OTHER = "0" * 64
WARNED: list[dict[str, Any]] = [
    {"account": account(1)},
    {"account": "eip155:1:0x51e9d833ecae4e8d9d8be17300aee6d3398c135d"},
    {"account": "xrpl:0:rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh"},
    {"account": "eip155:10:0x51e9d833ecae4e8d9d8be17300aee6d3398c135d"},
]


def test_an_approval_sends_the_request_to_everybody_asked(desk: Desk) -> None:
    ask = desk.submit()
    answer = desk.decide(ask)
    assert (answer["status"], answer["approvals"]) == ("active", 1)
    assert desk.request(ask).decided_at == desk.clock.now()
    for exchange in desk.cast.all[1:]:
        assert desk.leg(exchange, ask).status == "queued"
        assert desk.told(exchange, ask) == ["freeze_request.received"]
    assert desk.told(desk.cast.a, ask) == ["freeze_request.submitted", "freeze_request.approved"]


def test_a_rejection_ends_the_request_and_nobody_asked_ever_learns_of_it(desk: Desk) -> None:
    ask = desk.submit()
    assert desk.decide(ask, decision="reject", comment="not ours")["status"] == "rejected"
    assert desk.told(desk.cast.a, ask)[-1] == "freeze_request.rejected"
    assert desk.told(desk.cast.b, ask) == []
    assert desk.request(ask).ended_at == desk.clock.now()


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_nobody_decides_on_what_they_submitted(desk: Desk, decision: str) -> None:
    ask = desk.submit(by=desk.cast.a.lead)
    refused = refusal(desk.decide, ask, desk.cast.a.lead, decision=decision)
    assert refused.type is SelfApprovalError
    assert desk.status(ask) == "submitted"
    assert desk.decide(ask, desk.cast.a.second_lead)["status"] == "active"


def test_the_owner_of_the_system_that_submitted_does_not_decide(desk: Desk) -> None:
    ask = desk.submit(by=desk.cast.a.system)
    assert desk.cast.a.system.owner == desk.cast.a.lead.subject
    assert refusal(desk.decide, ask, desk.cast.a.lead).type is SelfApprovalError
    assert desk.decide(ask, desk.cast.a.second_lead)["status"] == "active"


def test_whoever_proposed_the_key_that_submitted_does_not_decide(desk: Desk) -> None:
    # The rule hangs on the stored proposer of the key alone, whichever way the grant was made.
    kid = desk.cast.a.analyst.key.kid
    desk.change(
        "UPDATE partner_key SET proposer = :p WHERE kid = :k",
        p=desk.cast.a.lead.subject,
        k=kid,
    )
    ask = desk.submit()
    assert refusal(desk.decide, ask, desk.cast.a.lead).type is SelfApprovalError
    assert desk.decide(ask, desk.cast.a.second_lead)["status"] == "active"


@pytest.mark.parametrize("role", ["analyst", "compliance", "auditor", "system"])
def test_only_a_security_lead_decides(desk: Desk, role: str) -> None:
    ask = desk.submit(by=desk.cast.a.second_lead)
    refused = refusal(desk.decide, ask, desk.cast.a.people[role])
    assert refused.type is PermissionDeniedError
    assert desk.status(ask) == "submitted"


def test_to_the_leads_of_others_the_request_does_not_exist(desk: Desk) -> None:
    ask = desk.submit()
    for stranger in (desk.cast.b.lead, desk.cast.d.lead):
        assert refusal(desk.decide, ask, stranger).code == "not_found"
    desk.decide(ask)
    assert refusal(desk.decide, ask, desk.cast.b.lead).code == "not_found"


def test_a_decision_names_the_document_and_the_context_that_were_shown(desk: Desk) -> None:
    ask = desk.submit()
    context = refusal(desk.decide, ask, context_sha256=OTHER)
    document = refusal(desk.decide, ask, content_sha256=OTHER)
    assert (context.type, context.code) == (StaleDocumentError, "other_context")
    assert (document.type, document.code) == (StaleDocumentError, "other_document")
    assert context.current_status == document.current_status == "submitted"
    elsewhere = desk.submit()
    swapped = refusal(desk.decide, ask, context_sha256=elsewhere.answer["context_sha256"])
    assert swapped.code == "other_context"
    assert desk.status(ask) == "submitted"


def test_every_warning_is_accepted_with_a_reason_before_a_request_goes_out(desk: Desk) -> None:
    ask = desk.submit(addresses=WARNED)

    def accept(*pairs: tuple[str, Any]) -> list[dict[str, Any]]:
        return [{"code": c, "address_nos": n, "reason": "checked by hand"} for c, n in pairs]

    for given, codes in (
        ((), ["warning_open", "warning_open"]),
        ((("no_checksum", "all"),), ["warning_open"]),
        ((("no_checksum", [1]), ("missing_tag", "all")), ["warning_open"]),
        ((("no_checksum", [1]), ("missing_tag", [2])), ["warning_open"]),
        ((("no_checksum", [0, 1, 2]), ("missing_tag", [2])), ["no_such_warning", "warning_open"]),
        (
            (("no_checksum", "all"), ("missing_tag", "all"), ("service_wallet", "all")),
            ["no_such_warning"],
        ),
    ):
        refused = refusal(desk.decide, ask, warnings_accepted=accept(*given))
        assert (refused.type, refused.code) == (InvalidInputError, "warnings_open")
        assert [fault.code for fault in refused.errors] == codes
    assert desk.status(ask) == "submitted"
    # Several acceptances of one warning add up.
    whole = accept(("no_checksum", [1]), ("missing_tag", "all"), ("no_checksum", [3]))
    assert desk.decide(ask, warnings_accepted=whole)["status"] == "active"


def test_a_rejection_needs_no_warning_accepted(desk: Desk) -> None:
    ask = desk.submit(addresses=WARNED)
    assert desk.decide(ask, decision="reject")["status"] == "rejected"


def test_with_a_quorum_of_two_the_first_approval_sends_nothing(desk: Desk) -> None:
    desk.policy(desk.cast.a, approval_quorum=2)
    ask = desk.submit()
    first = desk.decide(ask)
    assert (first["status"], first["approvals"], first["quorum"]) == ("submitted", 1, 2)
    assert desk.told(desk.cast.b, ask) == []
    again = refusal(desk.decide, ask)
    assert (again.type, again.code) == (ConflictError, "already_decided")
    # The quorum is what it was when the request was submitted.
    desk.policy(desk.cast.a, approval_quorum=1)
    second = desk.decide(ask, desk.cast.a.second_lead)
    assert (second["status"], second["approvals"]) == ("active", 2)
    assert desk.told(desk.cast.b, ask) == ["freeze_request.received"]


def test_a_lead_who_approved_cannot_reject_and_the_other_can(desk: Desk) -> None:
    desk.policy(desk.cast.a, approval_quorum=2)
    ask = desk.submit()
    desk.decide(ask)
    assert refusal(desk.decide, ask, decision="reject").code == "already_decided"
    assert desk.decide(ask, desk.cast.a.second_lead, decision="reject")["status"] == "rejected"


def test_nobody_decides_twice_once_it_went_out(desk: Desk) -> None:
    ask = desk.go_out()
    for lead in (desk.cast.a.lead, desk.cast.a.second_lead):
        refused = refusal(desk.decide, ask, lead)
        assert (refused.type, refused.current_status) == (InvalidTransitionError, "active")


def test_an_analyst_withdraws_only_its_own_and_only_before_it_went_out(desk: Desk) -> None:
    a = desk.cast.a
    leads = desk.submit(by=a.lead)
    assert refusal(desk.withdraw, leads, by=a.analyst).type is PermissionDeniedError
    own = desk.submit()
    assert desk.withdraw(own, by=a.analyst)["status"] == "withdrawn"
    assert desk.told(desk.cast.b, own) == []
    out = desk.go_out()
    assert refusal(desk.withdraw, out, by=a.analyst).type is PermissionDeniedError
    assert desk.status(out) == "active"


def test_a_request_that_nobody_decides_expires_after_its_time(desk: Desk) -> None:
    ask = desk.submit()
    assert desk.step(24 * HOUR - HOUR / 60) == []
    assert desk.status(ask) == "submitted"
    assert desk.step(HOUR / 60) == ["approve_by"]
    assert desk.status(ask) == "expired"
    assert desk.told(desk.cast.a, ask)[-1] == "freeze_request.expired"
    assert desk.told(desk.cast.b, ask) == []
    assert refusal(desk.decide, ask).current_status == "expired"
    assert desk.fire_due() == []


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_decision_after_its_time_is_refused_before_any_timer_fires(
    desk: Desk, decision: str
) -> None:
    ask = desk.submit()
    desk.clock.step(24 * HOUR)
    refused = refusal(desk.decide, ask, decision=decision)
    shown = (refused.type, refused.code, refused.current_status)
    assert shown == (InvalidTransitionError, "too_late", "submitted")
    assert ask.answer["approve_by"] in refused.message
    assert desk.status(ask) == "submitted"
    assert desk.fire_due() == ["approve_by"]


def test_taking_a_request_back_is_never_too_late(desk: Desk) -> None:
    ask = desk.submit()
    desk.clock.step(24 * HOUR)
    assert desk.withdraw(ask)["status"] == "withdrawn"
    assert desk.fire_due() == []
