"""Rights: the table of role by side, cell by cell, and deny by default."""

from itertools import product

import pytest

from coordinator.domain.actor import COORDINATOR, Actor, ActorKind
from coordinator.domain.errors import PermissionDeniedError
from coordinator.domain.permission import (
    COORDINATOR_GRANTS,
    GRANTS,
    ROOT_GRANTS,
    Permission,
    is_allowed,
    permission_for_line,
    permissions_of,
    require,
)
from holdfast.protocol.vocabulary import LineKind, PartnerKind, Role

P = Permission
R = Role

READ = {
    P.FREEZE_REQUEST_READ,
    P.EVENT_READ,
    P.STATISTICS_READ,
    P.PARTNER_READ,
    P.GRANT_READ,
    P.RECOVERY_READ,
    P.KEY_ROTATE,
}
SCREENING = {P.FLAG_READ, P.FLAG_REPORT}
ANALYST = READ | {
    P.FREEZE_REQUEST_SUBMIT,
    P.FREEZE_REQUEST_WITHDRAW_SUBMITTED,
    P.INFO_REQUEST_ANSWER,
    P.SAME_FUNDS_MARK,
    P.LEG_ACKNOWLEDGE,
    P.LEG_REVIEW,
    P.LEG_ASK,
    P.LEG_REPORT,
    P.EVIDENCE_SEAL,
    P.RECOVERY_SUBMIT,
    P.RECOVERY_REPLY,
    P.RECOVERY_ANSWER,
}
ENDPOINTS = {P.WEBHOOK_ENDPOINT_READ, P.WEBHOOK_ENDPOINT_CHANGE, P.DELIVERY_RESEND}
ASKED = {
    P.LEG_ACKNOWLEDGE,
    P.LEG_REVIEW,
    P.LEG_ASK,
    P.LEG_REPORT,
    P.LEG_DECLINE,
    P.HOLD_RELEASE,
    P.HOLD_RETURN,
    P.HOLD_SEIZE,
    P.HOLD_KEEP,
    P.HOLD_EXTEND,
    P.FREEZE_LEDGER_CORRECT,
    P.DISPUTE_RAISE,
    P.RETURN_ANSWER,
}
RESTORING = {P.DESTINATION_CHANGE, P.RETURN_ASK, P.RETURN_CONFIRM}
SEALING = {P.EVIDENCE_SEAL, P.EVIDENCE_SHARE}
ORDERS = {P.LEGAL_ORDER_ATTACH, P.ENCUMBRANCE_ATTACH}
LIFTING = {P.ENCUMBRANCE_LIFT, P.LEGAL_ORDER_CALL_BACK}
PAPERS = {P.SUPPORT_RAISE, P.INDEMNITY_GIVE, P.DATA_SUBJECT_ANSWER}
#: What binds the organisation, and letters to it.
HOUSE = {P.RULEBOOK_ACCEPT, P.GATEWAY_DECLARE, P.DATA_SUBJECT_RECORD, P.DATA_SUBJECT_READ}
#: Recovered funds are given away by people alone.
GIVING_BACK = {P.RESTITUTION_CHANGE}
#: What is for people and never for systems: the console, and what one's own organisation did.
CONSOLE, AUDIT = {P.CONSOLE_LINK_MAKE, P.KEY_REVOKE}, {P.AUDIT_READ}
#: The table a second time, flat.
EXPECTED = {
    R.ANALYST: ANALYST | CONSOLE | {P.TASK_TAKE},
    R.SYSTEM: ANALYST | ENDPOINTS | SCREENING,
    R.COMPLIANCE: READ
    | ENDPOINTS
    | ASKED
    | CONSOLE
    | AUDIT
    | {P.RECOVERY_SUBMIT, P.RECOVERY_REPLY, P.RECOVERY_ANSWER}
    | {P.RECOVERY_DISPOSE, P.RECOVERY_APPROVE}
    | {P.TASK_TAKE}
    | ORDERS
    | LIFTING
    | {P.CLAIM_FILE}
    | GIVING_BACK
    | RESTORING
    | HOUSE
    | PAPERS
    | SEALING,
    R.SECURITY_LEAD: READ
    | ENDPOINTS
    | ASKED
    | SEALING
    | ORDERS
    | LIFTING
    | RESTORING
    | {
        P.LEG_LIMIT,
        P.CLAIM_FILE,
        P.RESTITUTION_CHANGE,
        P.FREEZE_REQUEST_SUBMIT,
        P.FREEZE_REQUEST_APPROVE,
        P.FREEZE_REQUEST_WITHDRAW,
        P.FREEZE_REQUEST_WITHDRAW_SUBMITTED,
        P.FREEZE_REQUEST_ADD_PARTNERS,
        P.FREEZE_REQUEST_CLOSE,
        P.FREEZE_REQUEST_ERASE,
        P.SAME_FUNDS_MARK,
        P.INFO_REQUEST_ANSWER,
        P.DISPUTE_RESOLVE,
        P.CLEARANCE_REVOKE,
        P.HOLD_ASK_EXTENSION,
        P.FLAG_RENEW,
        P.GUEST_ASK,
        P.RECOVERY_SUBMIT,
        P.RECOVERY_REPLY,
        P.RECOVERY_ANSWER,
        P.RECOVERY_DISPOSE,
        P.RECOVERY_APPROVE,
        *PAPERS,
        *HOUSE,
        P.TASK_TAKE,
        P.PARTNER_CHANGE,
        P.PERSON_NAME,
        P.GRANT_MAKE,
        P.GRANT_APPROVE,
        P.REVOCATION_MAKE,
        P.SIGN_IN_PROVIDER_CHANGE,
        P.ON_CALL_CHANGE,
        P.TAG_KEY_SET,
        P.ENCRYPTION_KEY_SET,
        P.DESTINATION_APPROVE,
        P.RETURN_APPROVE,
        P.CONSOLE_LINK_MAKE,
        P.KEY_REVOKE,
        P.AUDIT_READ,
    },
    R.AUDITOR: READ | {P.WEBHOOK_ENDPOINT_READ, P.DATA_SUBJECT_READ} | CONSOLE | AUDIT,
    # Reads flags, and nothing else.
    R.SCREENING: SCREENING,
}


def actor(
    *roles: Role,
    kind: ActorKind = ActorKind.PERSON,
    partner_kind: PartnerKind = PartnerKind.EXCHANGE,
    as_compliance: bool = False,
) -> Actor:
    return Actor(
        partner="exchange-b.example",
        subject="per_bob",
        kid="k",
        kind=kind,
        roles=frozenset(roles),
        partner_kind=partner_kind,
        systems_as_compliance=as_compliance,
    )


@pytest.mark.parametrize(("role", "permission"), [*product(Role, Permission)])
def test_a_role_has_exactly_the_rights_of_the_table(role: Role, permission: Permission) -> None:
    if permission in EXPECTED[role]:
        require(permission, actor(role))
        return
    with pytest.raises(PermissionDeniedError) as refused:
        require(permission, actor(role))
    assert permission.value in refused.value.message


def test_a_refusal_names_the_roles_that_would_do() -> None:
    with pytest.raises(PermissionDeniedError, match=r"one of these roles: security_lead;"):
        require(P.FREEZE_REQUEST_APPROVE, actor(R.ANALYST))
    with pytest.raises(PermissionDeniedError, match="open to no role"):
        require(P.PARTNER_ADMIT, actor(R.SECURITY_LEAD))


def test_an_actor_without_a_role_may_do_nothing() -> None:
    assert permissions_of(actor()) == frozenset()


def test_several_roles_add_up() -> None:
    assert permissions_of(actor(R.ANALYST, R.AUDITOR)) == EXPECTED[R.ANALYST] | EXPECTED[R.AUDITOR]


def test_a_system_does_what_compliance_does_only_where_policy_names_it() -> None:
    plain = actor(R.SYSTEM, kind=ActorKind.SYSTEM)
    named = actor(R.SYSTEM, kind=ActorKind.SYSTEM, as_compliance=True)
    assert not is_allowed(P.HOLD_RELEASE, plain)
    for_people = PAPERS | LIFTING | CONSOLE | AUDIT | RESTORING | HOUSE | GIVING_BACK
    for_people |= {P.RECOVERY_APPROVE}
    assert permissions_of(named) == (EXPECTED[R.SYSTEM] | EXPECTED[R.COMPLIANCE]) - for_people


@pytest.mark.parametrize("person_or_role", [actor(R.ANALYST, as_compliance=True)])
def test_the_policy_for_systems_gives_a_person_nothing(person_or_role: Actor) -> None:
    assert permissions_of(person_or_role) == EXPECTED[R.ANALYST]


def test_a_system_without_the_role_gains_nothing_by_the_policy() -> None:
    assert permissions_of(actor(kind=ActorKind.SYSTEM, as_compliance=True)) == frozenset()


def test_a_system_never_decides_even_if_it_was_made_a_lead() -> None:
    granted = permissions_of(actor(R.SECURITY_LEAD, kind=ActorKind.SYSTEM))
    assert not granted & {
        P.FREEZE_REQUEST_APPROVE,
        P.FREEZE_REQUEST_WITHDRAW,
        P.GRANT_MAKE,
        P.GRANT_APPROVE,
        P.REVOCATION_MAKE,
    }


def test_the_root_key_works_at_join_grants_and_revocations_only() -> None:
    root = actor(R.SECURITY_LEAD, kind=ActorKind.ROOT)
    assert permissions_of(root) == {P.PARTNER_JOIN, P.GRANT_MAKE, P.REVOCATION_MAKE} == ROOT_GRANTS


def test_the_coordinator_authors_nothing_and_approves_nothing() -> None:
    assert permissions_of(COORDINATOR) == COORDINATOR_GRANTS
    partners = frozenset().union(*GRANTS.values()) | ROOT_GRANTS
    assert not COORDINATOR_GRANTS & partners


def test_law_enforcement_requests_but_is_never_asked() -> None:
    granted = permissions_of(actor(R.SECURITY_LEAD, partner_kind=PartnerKind.LAW_ENFORCEMENT))
    assert P.FREEZE_REQUEST_SUBMIT in granted
    assert not granted & ASKED


@pytest.mark.parametrize("kind", [PartnerKind.ANALYTICS, PartnerKind.COMMUNITY])
def test_analytics_and_community_neither_request_nor_are_asked(kind: PartnerKind) -> None:
    granted = permissions_of(actor(*Role, partner_kind=kind))
    assert not granted & ASKED
    assert not granted & {P.FREEZE_REQUEST_SUBMIT, P.FREEZE_REQUEST_APPROVE, P.INFO_REQUEST_ANSWER}
    assert P.FREEZE_REQUEST_READ in granted


@pytest.mark.parametrize("kind", LineKind)
def test_every_kind_of_line_needs_a_right(kind: LineKind) -> None:
    by_analysts = kind in {LineKind.FOUND, LineKind.FROZEN, LineKind.NOTHING}
    assert is_allowed(permission_for_line(kind), actor(R.ANALYST)) is by_analysts
    assert is_allowed(permission_for_line(kind), actor(R.COMPLIANCE))


def test_every_right_is_given_to_somebody() -> None:
    given = frozenset().union(*GRANTS.values()) | ROOT_GRANTS | COORDINATOR_GRANTS
    assert given == frozenset(Permission)


@pytest.mark.parametrize("role", [R.COMPLIANCE, R.SECURITY_LEAD, R.SYSTEM])
def test_no_machine_answers_for_papers(role: Role) -> None:
    system = actor(role, kind=ActorKind.SYSTEM, as_compliance=True)
    assert not (PAPERS | LIFTING) & permissions_of(system)
