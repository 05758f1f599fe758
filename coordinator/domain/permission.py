"""Who may do what: role by side, deny by default.

Two questions are asked, in this order. The right: does the caller's role carry the permission? If
not, 403. Ownership: is it the caller's own request, or its leg? If not, 404, as of what is not
there. Who only reads holds no permission that a command needs, but for replacing their own key.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.errors import PermissionDeniedError
from holdfast.protocol.vocabulary import ASKABLE_KINDS, REQUESTING_KINDS, LineKind, Role


class Permission(StrEnum):
    """`<resource>:<action>`."""

    # requesting side
    FREEZE_REQUEST_SUBMIT = "freeze_request:submit"
    FREEZE_REQUEST_READ = "freeze_request:read"
    FREEZE_REQUEST_WITHDRAW_SUBMITTED = (
        "freeze_request:withdraw_submitted"  # own, before it went out
    )
    FREEZE_REQUEST_APPROVE = "freeze_request:approve"  # and reject, and ratify
    FREEZE_REQUEST_WITHDRAW = "freeze_request:withdraw"
    FREEZE_REQUEST_ADD_PARTNERS = "freeze_request:add_partners"
    GUEST_ASK = "guest:ask"  # an organisation that is no member
    SUPPORT_RAISE = "support:raise"
    INDEMNITY_GIVE = "indemnity:give"
    RESTITUTION_CHANGE = "restitution:change"  # open, its pool, decide on claims, close
    SAME_FUNDS_MARK = "same_funds:mark"
    FREEZE_REQUEST_CLOSE = "freeze_request:close"
    FREEZE_REQUEST_ERASE = "freeze_request:erase"  # what the operator proposed to erase
    INFO_REQUEST_ANSWER = "info_request:answer"
    DISPUTE_RESOLVE = "dispute:resolve"
    CLEARANCE_REVOKE = "clearance:revoke"
    HOLD_ASK_EXTENSION = "hold:ask_extension"
    DATA_SUBJECT_ANSWER = "data_subject:answer"  # what a person asks about one's request
    FLAG_RENEW = "flag:renew"
    # asked side
    LEG_ACKNOWLEDGE = "leg:acknowledge"
    LEG_REVIEW = "leg:review"
    LEG_ASK = "leg:ask"
    LEG_REPORT = "leg:report"  # found, frozen, nothing
    LEG_DECLINE = "leg:decline"
    HOLD_RELEASE = "hold:release"
    HOLD_RETURN = "hold:return"
    HOLD_SEIZE = "hold:seize"
    HOLD_KEEP = "hold:keep"
    HOLD_EXTEND = "hold:extend"
    FREEZE_LEDGER_CORRECT = "freeze_ledger:correct"
    DISPUTE_RAISE = "dispute:raise"
    LEG_LIMIT = "leg:limit"  # who of the partner's people sees its leg
    FLAG_READ = "flag:read"  # for machines: its head is of all flags, those of limited legs too
    FLAG_REPORT = "flag:report"  # how far they were applied
    # both sides
    DATA_SUBJECT_RECORD = "data_subject:record"  # that a person wrote
    DATA_SUBJECT_READ = "data_subject:read"
    CLAIM_FILE = "claim:file"  # on recovered funds, object to decisions, make secret links
    TASK_TAKE = "task:take"  # what one may take is decided by what it takes to do it
    LEGAL_ORDER_ATTACH = "legal_order:attach"  # by the partner that holds, or by an authority
    LEGAL_ORDER_CALL_BACK = "legal_order:call_back"  # to the authority that it names; a person
    ENCUMBRANCE_ATTACH = "encumbrance:attach"  # likewise, to a hold
    ENCUMBRANCE_LIFT = "encumbrance:lift"  # and a legal order; a second person, by a document
    EVIDENCE_SEAL = "evidence:seal"  # and send its parts
    EVIDENCE_SHARE = "evidence:share"  # it lets one more organisation read
    EVENT_READ = "event:read"
    STATISTICS_READ = "statistics:read"
    # endpoints
    WEBHOOK_ENDPOINT_READ = "webhook_endpoint:read"
    WEBHOOK_ENDPOINT_CHANGE = "webhook_endpoint:change"
    DELIVERY_RESEND = "delivery:resend"
    # membership
    PARTNER_JOIN = "partner:join"
    PARTNER_READ = "partner:read"
    PARTNER_CHANGE = "partner:change"
    PERSON_NAME = "person:name"  # and erase; of one's own organisation
    GRANT_READ = "grant:read"
    AUDIT_READ = "audit:read"  # what one's own organisation did here
    GRANT_MAKE = "grant:make"
    GRANT_APPROVE = "grant:approve"
    REVOCATION_MAKE = "revocation:make"
    KEY_ROTATE = "key:rotate"  # one's own
    KEY_REVOKE = "key:revoke"  # one's own; a person's, and never the last of its kind
    CONSOLE_LINK_MAKE = "console_link:make"  # a person's; it gives nobody a right
    ENCRYPTION_KEY_SET = "encryption_key:set"  # who holds it reads what is sealed to the partner
    SIGN_IN_PROVIDER_CHANGE = "sign_in_provider:change"  # who may be signed in to read, by whom
    ON_CALL_CHANGE = "on_call:change"  # who is woken by what, and a test of it
    RULEBOOK_ACCEPT = "rulebook:accept"  # it binds the organisation, so a person does
    RETURN_ASK = "return:ask"  # and withdraw; a partner is asked to send held funds back
    RETURN_APPROVE = "return:approve"  # what somebody else asks back; and revoke
    RETURN_CONFIRM = "return:confirm"  # that what was sent arrived, or did not
    RETURN_ANSWER = "return:answer"  # of the asked side: accept or refuse
    GATEWAY_DECLARE = "gateway:declare"  # and withdraw: so does this
    DESTINATION_CHANGE = "destination:change"  # name an account that money may come back to
    DESTINATION_APPROVE = "destination:approve"  # that somebody else named
    TAG_KEY_SET = "tag_key:set"  # what the partner's entries of the log are tagged with
    # deposits that went to the wrong place; both sides are members that take deposits
    RECOVERY_READ = "recovery:read"
    RECOVERY_SUBMIT = "recovery:submit"
    RECOVERY_APPROVE = "recovery:approve"
    RECOVERY_REPLY = "recovery:reply"
    RECOVERY_ANSWER = "recovery:answer"
    RECOVERY_DISPOSE = "recovery:dispose"  # decline, and say that it was given back
    # the coordinator itself: timers, transport, the operator's membership acts
    TIMER_FIRE = "timer:fire"
    DELIVERY_RECORD = "delivery:record"
    PARTNER_ADMIT = "partner:admit"
    PARTNER_SUSPEND = "partner:suspend"
    PARTNER_RESET_ROOT = "partner:reset_root"
    LOG_RECONCILE = "log:reconcile"  # after a restore; it authors no entry of anybody's
    ERASURE_PROPOSE = "erasure:propose"  # a lead of the requester signs it
    LOG_KEY_REPLACE = "log_key:replace"
    DATA_SUBJECT_FORWARD = "data_subject:forward"  # where the person wrote to the operator
    RULEBOOK_PUBLISH = "rulebook:publish"
    GATEWAY_VERIFY = "gateway:verify"  # and end
    GUEST_RECORD = "guest:record"  # what somebody said who is no member, on nobody's signature
    CLAIM_RECORD = "claim:record"  # what a claimant said by their link, on nobody's signature


P = Permission

_READ = frozenset(
    {
        P.FREEZE_REQUEST_READ,
        P.EVENT_READ,
        P.STATISTICS_READ,
        P.PARTNER_READ,
        P.RECOVERY_READ,
        P.GRANT_READ,
        P.KEY_ROTATE,  # whoever has a key may replace it by signing with it
    }
)
_SUBMIT = frozenset(
    {
        P.FREEZE_REQUEST_SUBMIT,
        P.FREEZE_REQUEST_WITHDRAW_SUBMITTED,
        P.INFO_REQUEST_ANSWER,
        P.SAME_FUNDS_MARK,
    }
)
_ANSWER_ASKED = frozenset({P.LEG_ACKNOWLEDGE, P.LEG_REVIEW, P.LEG_ASK, P.LEG_REPORT})
_DISPOSE = _ANSWER_ASKED | {
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
_DECIDE = frozenset(
    {
        P.FREEZE_REQUEST_SUBMIT,
        P.FREEZE_REQUEST_WITHDRAW_SUBMITTED,  # part of withdrawing at all
        P.FREEZE_REQUEST_APPROVE,
        P.FREEZE_REQUEST_WITHDRAW,
        P.FREEZE_REQUEST_ADD_PARTNERS,
        P.GUEST_ASK,
        P.FREEZE_REQUEST_CLOSE,
        P.FREEZE_REQUEST_ERASE,
        P.INFO_REQUEST_ANSWER,
        P.SAME_FUNDS_MARK,
        P.DISPUTE_RESOLVE,
        P.CLEARANCE_REVOKE,
        P.HOLD_ASK_EXTENSION,
        P.FLAG_RENEW,
    }
)
_RECOVERING = frozenset({P.RECOVERY_SUBMIT, P.RECOVERY_REPLY, P.RECOVERY_ANSWER})
#: Who may send money back may let it be sent; approving is a person's.
_RECOVERY_DECIDING = _RECOVERING | {P.RECOVERY_DISPOSE, P.RECOVERY_APPROVE}
#: An authority's order and a court's: attached by who answers for it, or a machine of theirs.
_ORDERS = frozenset({P.LEGAL_ORDER_ATTACH, P.ENCUMBRANCE_ATTACH})
#: What lets go what an order holds, and who was spoken to: never a machine.
_LIFTING = frozenset({P.ENCUMBRANCE_LIFT, P.LEGAL_ORDER_CALL_BACK})
#: The requester's compliance, and a lead, answer for the papers and to persons; never a machine.
_PAPERS = frozenset({P.SUPPORT_RAISE, P.INDEMNITY_GIVE, P.DATA_SUBJECT_ANSWER})
#: What binds the organisation, and letters to it of persons; never a machine.
_HOUSE = frozenset(
    {P.RULEBOOK_ACCEPT, P.GATEWAY_DECLARE, P.DATA_SUBJECT_RECORD, P.DATA_SUBJECT_READ}
)
#: Where money comes back to takes people; a machine never does it.
_RESTORING = frozenset({P.DESTINATION_CHANGE, P.RETURN_ASK, P.RETURN_CONFIRM})
_RESTORING_DECIDED = frozenset({P.DESTINATION_APPROVE, P.RETURN_APPROVE})
#: Recovered funds are given away by people.
_RESTITUTION = frozenset({P.RESTITUTION_CHANGE})
_SEALING = frozenset({P.EVIDENCE_SEAL, P.EVIDENCE_SHARE})
_SCREEN = frozenset({P.FLAG_READ, P.FLAG_REPORT})
_ENDPOINTS = frozenset({P.WEBHOOK_ENDPOINT_READ, P.WEBHOOK_ENDPOINT_CHANGE, P.DELIVERY_RESEND})
_MEMBERSHIP = frozenset(
    {
        P.PARTNER_CHANGE,
        P.PERSON_NAME,
        P.GRANT_MAKE,
        P.GRANT_APPROVE,
        P.REVOCATION_MAKE,
        P.SIGN_IN_PROVIDER_CHANGE,
        P.ON_CALL_CHANGE,
        P.TAG_KEY_SET,
        P.ENCRYPTION_KEY_SET,
    }
)

#: A person decides who sees a leg: a machine that does what compliance does never does.
_LIMITING = frozenset({P.LEG_LIMIT})

#: What a machine never does, whatever its partner's policy names.
_NEVER_MACHINES = _LIFTING | _RESTORING | {P.AUDIT_READ, P.RECOVERY_APPROVE}

#: The console is for people: who has a person's role opens it with a key that they have already,
#: and takes a key of their own away that they lost.
_CONSOLE = frozenset({P.CONSOLE_LINK_MAKE, P.KEY_REVOKE})

GRANTS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.ANALYST: (
            _READ
            | _CONSOLE
            | _SUBMIT
            | _ANSWER_ASKED
            | _RECOVERING
            | {P.TASK_TAKE, P.EVIDENCE_SEAL}
        ),
        Role.SYSTEM: (
            _READ | _SUBMIT | _ANSWER_ASKED | _RECOVERING | _ENDPOINTS | _SCREEN | {P.EVIDENCE_SEAL}
        ),
        Role.COMPLIANCE: (
            _READ
            | _CONSOLE
            | _DISPOSE
            | _PAPERS
            | _RESTORING
            | _HOUSE
            | _RECOVERY_DECIDING
            | _ENDPOINTS
            | _SEALING
            | _ORDERS
            | _LIFTING
            | _RESTITUTION
            | {P.CLAIM_FILE, P.TASK_TAKE, P.AUDIT_READ}
        ),
        Role.SECURITY_LEAD: (
            _READ
            | _CONSOLE
            | _DECIDE
            | _DISPOSE
            | _LIMITING
            | _PAPERS
            | _RESTORING
            | _RESTORING_DECIDED
            | _HOUSE
            | _RECOVERY_DECIDING
            | _ENDPOINTS
            | _MEMBERSHIP
            | _SEALING
            | _ORDERS
            | _LIFTING
            | _RESTITUTION
            | {P.CLAIM_FILE, P.TASK_TAKE, P.AUDIT_READ}
        ),
        Role.AUDITOR: (
            _READ | _CONSOLE | {P.WEBHOOK_ENDPOINT_READ, P.AUDIT_READ, P.DATA_SUBJECT_READ}
        ),
        # What stands where deposits come in has a key that opens nothing else.
        Role.SCREENING: _SCREEN,
    }
)
#: The root key works at join, grants and revocations only, whatever roles its token may claim.
ROOT_GRANTS = frozenset({P.PARTNER_JOIN, P.GRANT_MAKE, P.REVOCATION_MAKE})
#: The coordinator can author nothing and approve nothing.
COORDINATOR_GRANTS = frozenset(
    {
        P.TIMER_FIRE,
        P.DELIVERY_RECORD,
        P.PARTNER_ADMIT,
        P.PARTNER_SUSPEND,
        P.PARTNER_RESET_ROOT,
        P.LOG_RECONCILE,
        P.ERASURE_PROPOSE,
        P.LOG_KEY_REPLACE,
        P.DATA_SUBJECT_FORWARD,
        P.RULEBOOK_PUBLISH,
        P.GATEWAY_VERIFY,
        P.GUEST_RECORD,
        P.CLAIM_RECORD,
    }
)
#: Only who can be asked has legs; only who can request submits.
_ASKED_SIDE = _DISPOSE | _LIMITING
_REQUESTING_SIDE = (
    _DECIDE | _SUBMIT | _PAPERS | _RESTORING | _RESTORING_DECIDED | _RESTITUTION
) - {P.DISPUTE_RESOLVE}

_BY_LINE_KIND: Mapping[LineKind, Permission] = MappingProxyType(
    {
        LineKind.FOUND: P.LEG_REPORT,
        LineKind.FROZEN: P.LEG_REPORT,
        LineKind.NOTHING: P.LEG_REPORT,
        LineKind.RELEASED: P.HOLD_RELEASE,
        LineKind.RETURNED: P.HOLD_RETURN,
        LineKind.SEIZED: P.HOLD_SEIZE,
        LineKind.KEPT: P.HOLD_KEEP,
        LineKind.CORRECTION: P.FREEZE_LEDGER_CORRECT,
    }
)


def permissions_of(actor: Actor) -> frozenset[Permission]:
    """Return all permissions of an actor; empty if nothing was granted."""
    if actor.kind is ActorKind.COORDINATOR:
        return COORDINATOR_GRANTS
    if actor.kind is ActorKind.ROOT:
        return ROOT_GRANTS
    granted: frozenset[Permission] = frozenset()
    for role in actor.roles:
        granted |= GRANTS.get(role, frozenset())
    if actor.kind is ActorKind.SYSTEM:
        # A machine never decides, nor reads pages, whatever role it was given by mistake.
        granted -= GRANTS[Role.SECURITY_LEAD] - GRANTS[Role.SYSTEM] - _DISPOSE
        if actor.systems_as_compliance and Role.SYSTEM in actor.roles:
            for_people = _PAPERS | _HOUSE | _RESTITUTION | _NEVER_MACHINES
            granted |= GRANTS[Role.COMPLIANCE] - for_people
        granted -= _CONSOLE
    if actor.partner_kind not in ASKABLE_KINDS:
        granted -= _ASKED_SIDE | _RECOVERY_DECIDING
    if actor.partner_kind not in REQUESTING_KINDS:
        granted -= _REQUESTING_SIDE
    return granted


def is_allowed(permission: Permission, actor: Actor) -> bool:
    """Tell whether `actor` has a permission."""
    return permission in permissions_of(actor)


def require(permission: Permission, actor: Actor) -> None:
    """Refuse whoever lacks the permission.

    Raises:
        PermissionDeniedError: Naming the permission and the roles that give it.
    """
    if is_allowed(permission, actor):
        return
    roles = [role.value for role in Role if permission in GRANTS[role]]
    if not roles:
        raise PermissionDeniedError(f"{permission.value} is open to no role of a partner")
    raise PermissionDeniedError(
        f"{permission.value} needs one of these roles: {', '.join(roles)}; a system does what"
        " compliance does only where its partner's policy names it, and a partner's kind decides"
        " whether it can request or be asked"
    )


def permission_for_line(kind: LineKind) -> Permission:
    """Return what reporting a line of this kind needs."""
    return _BY_LINE_KIND[kind]
