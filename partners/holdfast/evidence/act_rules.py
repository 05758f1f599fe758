"""Which acts there are: what each is signed over, what its body holds, and whose act it can be.

One table, by the names that evidence carries. An act that is not in it is refused, and so is one
that was signed for another path, even if its body fits: an acknowledgement stays one, whatever a
coordinator calls it. Source: docs/protocol.md; who may do what is told here a second time, so that
no coordinator has to be believed about it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from holdfast.protocol.data_subject_payloads import DataSubjectAnswer
from holdfast.protocol.errors import IdFormatError
from holdfast.protocol.flag_views import FlagRenewal
from holdfast.protocol.guest_payloads import GuestAsk
from holdfast.protocol.hold_payloads import ExtensionRequest, HoldExtension
from holdfast.protocol.life_cycle_payloads import (
    ClearanceRevocation,
    Dispute,
    DisputeResolution,
    Encumbrance,
    EncumbranceReview,
    IndemnityGift,
    InfoAnswer,
    InfoRequest,
    LegalOrder,
    Lifting,
    OrderCallBack,
    PartnersAddition,
    SameFunds,
    SupportRaise,
    TaskTaken,
    WithdrawalDecision,
)
from holdfast.protocol.payloads import (
    Acknowledgement,
    Approval,
    Body,
    Closure,
    Decline,
    Erasure,
    FreezeReport,
    FreezeRequest,
    Review,
    Withdrawal,
)
from holdfast.protocol.recovery_payloads import (
    DepositDeclined,
    DepositReturned,
    RecoveryAnswers,
    RecoveryDecision,
    RecoveryReplies,
    RecoveryRequest,
    RecoveryWithdrawal,
)
from holdfast.protocol.restitution_payloads import (
    AllocationDecision,
    ClaimDecision,
    ClaimLinkRevocation,
    ClaimObjection,
    Claims,
    NewAllocation,
    NewClaimLinks,
    NewRestitution,
    PayoutChange,
    PayoutChangeDecision,
    PayoutLines,
    PoolLines,
    RestitutionClosure,
)
from holdfast.protocol.return_payloads import (
    ReturnAnswer,
    ReturnAsk,
    ReturnDecision,
    ReturnEnd,
    ReturnReceipt,
)
from holdfast.protocol.sealed_payloads import SealedEvidence, SealedEvidenceShare
from holdfast.protocol.tasks import Task
from holdfast.protocol.type_ids import id_pattern
from holdfast.protocol.vocabulary import Decision, LineKind, Role

REQUESTS = "/v1/freeze-requests"
RESTITUTIONS = "/v1/restitutions"
RECOVERIES = "/v1/recovery-requests"
#: What each list of documents has ids of.
_PREFIXES: Mapping[str, str] = MappingProxyType(
    {REQUESTS: "frq", RESTITUTIONS: "rst", RECOVERIES: "rcv"}
)
TASKS = "/v1/tasks/{task}/taken"


class Side(StrEnum):
    """Who can do it: the requester, a partner asked, or either.

    Of a restitution: its opener, or a member that files claims.
    """

    REQUESTER = "requester"
    ASKED = "asked"
    EITHER = "either"


_LEADS = frozenset({Role.SECURITY_LEAD})
_SUBMITTERS = frozenset({Role.ANALYST, Role.SYSTEM, Role.SECURITY_LEAD})
#: They dispose of funds; a system does where its partner's policy names it.
DISPOSERS = frozenset({Role.COMPLIANCE, Role.SECURITY_LEAD})
_ANSWERERS = _SUBMITTERS | DISPOSERS


@dataclass(frozen=True, slots=True)
class ActRule:
    """What one kind of act is.

    Attributes:
        path: Below the request's own, "{…}" for an id of that prefix; None: the list of requests,
            for it makes the document; `TASKS`: that of a task that is about the request.
        body: The model that its body fits.
        side: Whose act it can be.
        roles: Any of these may do it.
        by_person: No system may, whatever its partner's policy names.
        decision: Of decisions: which one its body states.
        base: The list that what it is about stands in: requests, restitutions or recovery requests.
    """

    path: str | None
    body: type[Body]
    side: Side
    roles: frozenset[Role]
    decision: Decision | Literal["verify"] | None = None
    by_person: bool = False
    base: str = REQUESTS

    def is_of(self, document_id: str) -> bool:
        """Tell whether it is an act on a document of this kind."""
        return document_id.startswith(f"{_PREFIXES[self.base]}_")

    def fits(self, url: str, *, origin: str, request_id: str | None) -> bool:
        """Tell whether a token for this URL is one of such an act on this request; no query."""
        if self.path is None:
            return url == origin + self.base
        if self.path == TASKS:
            return request_id is not None and _is_of_task(url, origin, request_id)
        head = f"{origin}{self.base}/{request_id}/"
        below = re.sub(r"\\\{(\w+)\\\}", _id_of, re.escape(self.path))
        return request_id is not None and bool(
            url.startswith(head) and re.fullmatch(below, url[len(head) :], re.ASCII)
        )


def _is_of_task(url: str, origin: str, request_id: str) -> bool:
    head, tail = TASKS.split("{task}")
    task_id = url.removeprefix(origin + head).removesuffix(tail)
    try:
        task = Task.of(task_id)
    except IdFormatError:
        return False
    return task.request_id == request_id and url == origin + head + task_id + tail


def _id_of(prefix: re.Match[str]) -> str:
    return id_pattern(prefix[1]).removeprefix("^").removesuffix("$")


_ON_REQUEST, _ON_LEG = Side.REQUESTER, Side.ASKED
_WITHDRAWAL = "withdrawals/{wdp}/approvals"
_RETURN = "return-requests/{ret}/"
_CLAIM, _ALLOCATION = "claims/{clm}/", "allocations/{alo}/approvals"
_ACCOUNT = _CLAIM + "payout-changes"
_ACCOUNT_DECISION = _ACCOUNT + "/{poc}/decisions"


def _giving_back(
    path: str | None, body: type[Body], decision: Decision | Literal["verify"] | None = None
) -> ActRule:
    """Return the rule of an act by which recovered funds are given away: people do it."""
    return ActRule(path, body, _ON_REQUEST, DISPOSERS, decision, by_person=True, base=RESTITUTIONS)


def _claiming(path: str, body: type[Body], decision: Decision | None = None) -> ActRule:
    """Return the rule of an act of whoever files claims."""
    return ActRule(path, body, Side.EITHER, DISPOSERS, decision, base=RESTITUTIONS)


def _recovering(path: str | None, body: type[Body], side: Side) -> ActRule:
    """Return the rule of an act on misplaced deposits."""
    return ActRule(path, body, side, _ANSWERERS, base=RECOVERIES)


def _deciding_recovery(decision: Decision) -> ActRule:
    """Return the rule of a person's decision to ask for misplaced deposits."""
    return ActRule(
        "approvals",
        RecoveryDecision,
        _ON_REQUEST,
        DISPOSERS,
        decision,
        by_person=True,
        base=RECOVERIES,
    )


#: Every act that somebody signs; all are POST.
ACT_RULES: Mapping[str, ActRule] = MappingProxyType(
    {
        "submit": ActRule(None, FreezeRequest, _ON_REQUEST, _SUBMITTERS),
        "approve": ActRule("approvals", Approval, _ON_REQUEST, _LEADS, Decision.APPROVE),
        "reject": ActRule("approvals", Approval, _ON_REQUEST, _LEADS, Decision.REJECT),
        "withdraw": ActRule("withdrawal", Withdrawal, _ON_REQUEST, _SUBMITTERS),
        "propose_withdrawal": ActRule("withdrawal", Withdrawal, _ON_REQUEST, _LEADS),
        "propose_resolution": ActRule(
            "disputes/{dsp}/resolution", DisputeResolution, _ON_REQUEST, _LEADS
        ),
        "approve_withdrawal": ActRule(
            _WITHDRAWAL, WithdrawalDecision, _ON_REQUEST, _LEADS, Decision.APPROVE
        ),
        "reject_withdrawal": ActRule(
            _WITHDRAWAL, WithdrawalDecision, _ON_REQUEST, _LEADS, Decision.REJECT
        ),
        "add_partners": ActRule("partners", PartnersAddition, _ON_REQUEST, _LEADS),
        "ask_guest": ActRule("guests", GuestAsk, _ON_REQUEST, _LEADS),
        "approve_addition": ActRule("approvals", Approval, _ON_REQUEST, _LEADS, Decision.APPROVE),
        "reject_addition": ActRule("approvals", Approval, _ON_REQUEST, _LEADS, Decision.REJECT),
        "raise_support": ActRule("support", SupportRaise, _ON_REQUEST, DISPOSERS, by_person=True),
        "give_indemnity": ActRule(
            "indemnities", IndemnityGift, _ON_REQUEST, DISPOSERS, by_person=True
        ),
        "renew_flags": ActRule("flag-renewals", FlagRenewal, _ON_REQUEST, _LEADS),
        "mark_same_funds": ActRule("same-funds", SameFunds, _ON_REQUEST, _SUBMITTERS),
        "close": ActRule("closure", Closure, _ON_REQUEST, _LEADS),
        "erase": ActRule("erasure", Erasure, _ON_REQUEST, _LEADS),
        "answer": ActRule("info-requests/{inf}/answer", InfoAnswer, _ON_REQUEST, _SUBMITTERS),
        "answer_data_subject": ActRule(
            "data-subject-requests/{dsr}/answer",
            DataSubjectAnswer,
            _ON_REQUEST,
            DISPOSERS,
            by_person=True,
        ),
        "ask_extension": ActRule("extension-requests", ExtensionRequest, _ON_REQUEST, _LEADS),
        "resolve_dispute": ActRule(
            "disputes/{dsp}/resolution", DisputeResolution, _ON_REQUEST, _LEADS
        ),
        "revoke_clearance": ActRule(
            "clearances/{clr}/revocation", ClearanceRevocation, _ON_REQUEST, _LEADS
        ),
        "ask_return": ActRule("return-requests", ReturnAsk, _ON_REQUEST, DISPOSERS, by_person=True),
        "approve_return": ActRule(
            _RETURN + "approvals", ReturnDecision, _ON_REQUEST, _LEADS, Decision.APPROVE
        ),
        "reject_return": ActRule(
            _RETURN + "approvals", ReturnDecision, _ON_REQUEST, _LEADS, Decision.REJECT
        ),
        "withdraw_return": ActRule(
            _RETURN + "withdrawal", ReturnEnd, _ON_REQUEST, DISPOSERS, by_person=True
        ),
        "revoke_return": ActRule(_RETURN + "revocation", ReturnEnd, _ON_REQUEST, _LEADS),
        "confirm_return": ActRule(
            _RETURN + "receipt", ReturnReceipt, _ON_REQUEST, DISPOSERS, by_person=True
        ),
        "answer_return": ActRule(_RETURN + "answer", ReturnAnswer, _ON_LEG, DISPOSERS),
        "acknowledge": ActRule("acknowledgement", Acknowledgement, _ON_LEG, _ANSWERERS),
        "review": ActRule("review", Review, _ON_LEG, _ANSWERERS),
        "ask": ActRule("info-requests", InfoRequest, _ON_LEG, _ANSWERERS),
        "decline": ActRule("decline", Decline, _ON_LEG, DISPOSERS),
        # What disposes of funds in it takes more; see LINE_ROLES.
        "report": ActRule("freeze-reports", FreezeReport, _ON_LEG, _ANSWERERS),
        "extend": ActRule("hold-extensions", HoldExtension, _ON_LEG, DISPOSERS),
        "dispute": ActRule("disputes", Dispute, _ON_LEG, DISPOSERS),
        "legal_order": ActRule("legal-orders", LegalOrder, Side.EITHER, DISPOSERS),
        "call_back": ActRule(
            "legal-orders/{ord}/call-backs", OrderCallBack, Side.EITHER, DISPOSERS, by_person=True
        ),
        "review_legal_order": ActRule(
            "legal-orders/{ord}/reviews", EncumbranceReview, Side.EITHER, DISPOSERS
        ),
        "lift_legal_order": ActRule(
            "legal-orders/{ord}/lifting", Lifting, Side.EITHER, DISPOSERS, by_person=True
        ),
        "encumber": ActRule("encumbrances", Encumbrance, Side.EITHER, DISPOSERS),
        "review_encumbrance": ActRule(
            "encumbrances/{enc}/reviews", EncumbranceReview, Side.EITHER, DISPOSERS
        ),
        "lift_encumbrance": ActRule(
            "encumbrances/{enc}/lifting", Lifting, Side.EITHER, DISPOSERS, by_person=True
        ),
        "seal_evidence": ActRule("sealed-evidence", SealedEvidence, Side.EITHER, _ANSWERERS),
        "share_evidence": ActRule(
            "sealed-evidence/{sev}/recipients", SealedEvidenceShare, Side.EITHER, DISPOSERS
        ),
        "open_restitution": _giving_back(None, NewRestitution),
        "add_pool_lines": _giving_back("pool-lines", PoolLines),
        "file_claims": _claiming("claims", Claims),
        "verify_claim": _giving_back(_CLAIM + "decisions", ClaimDecision, "verify"),
        "reject_claim": _giving_back(_CLAIM + "decisions", ClaimDecision, Decision.REJECT),
        "object_to_claim": _claiming(_CLAIM + "objections", ClaimObjection),
        "make_claim_links": _claiming("claim-links", NewClaimLinks),
        "revoke_claim_links": _claiming("claim-link-revocations", ClaimLinkRevocation),
        "propose_payout_account": _claiming(_ACCOUNT, PayoutChange),
        "approve_payout_account": _claiming(
            _ACCOUNT_DECISION, PayoutChangeDecision, Decision.APPROVE
        ),
        "reject_payout_account": _claiming(
            _ACCOUNT_DECISION, PayoutChangeDecision, Decision.REJECT
        ),
        "propose_allocation": _giving_back("allocations", NewAllocation),
        "approve_allocation": _giving_back(_ALLOCATION, AllocationDecision, Decision.APPROVE),
        "reject_allocation": _giving_back(_ALLOCATION, AllocationDecision, Decision.REJECT),
        "record_payouts": _giving_back("payouts", PayoutLines),
        "close_restitution": _giving_back("closure", RestitutionClosure),
        "submit_recovery": _recovering(None, RecoveryRequest, _ON_REQUEST),
        "approve_recovery": _deciding_recovery(Decision.APPROVE),
        "reject_recovery": _deciding_recovery(Decision.REJECT),
        "withdraw_recovery": _recovering("withdrawal", RecoveryWithdrawal, _ON_REQUEST),
        # What is declined or went back takes more; see `roles_for`.
        "answer_recovery": _recovering("answers", RecoveryAnswers, _ON_LEG),
        "reply_recovery": _recovering("replies", RecoveryReplies, _ON_REQUEST),
        "take": ActRule(TASKS, TaskTaken, Side.EITHER, DISPOSERS | {Role.ANALYST}),
    }
)

#: Who may report a line of each kind.
LINE_ROLES: Mapping[LineKind, frozenset[Role]] = MappingProxyType(
    dict.fromkeys(LineKind, DISPOSERS)
    | dict.fromkeys((LineKind.FOUND, LineKind.FROZEN, LineKind.NOTHING), _ANSWERERS)
)


def roles_for(payload: Body) -> Iterator[frozenset[Role]]:
    """Yield what roles the lines of a body take beyond those of its act, one of each."""
    if isinstance(payload, FreezeReport):
        for kind in sorted({LineKind(line.kind) for line in payload.lines}):
            yield LINE_ROLES[kind]
    if isinstance(payload, RecoveryAnswers) and any(
        isinstance(line, DepositDeclined | DepositReturned) for line in payload.lines
    ):
        yield DISPOSERS


#: What the coordinator does itself, and what nobody signs: time passed, something was delivered,
#: the operator suspended a member, or what was disputed is not held any more.
UNSIGNED: Mapping[str, str] = MappingProxyType(
    {
        "deliver": "transport: the notice was delivered",
        "expire": "timer: nobody decided in time",
        "unratify": "timer: nobody ratified in time",
        "lapse": "timer: nobody ratified it after that, either",
        "void_withdrawal": "timer: no other lead approved the withdrawal in time",
        "expire_return": "timer: nobody approved the return request in time",
        "close": "timer: nothing more was awaited",
        "erase": "timer: what it says was kept for its time",
        "recommend_release": "timer: nobody answered the dispute in time",
        "resolve_dispute": "nothing disputed is held any more",
        "suspend": "membership: the requester was suspended",
        "guest_answer": "unverified: whoever reads a guest's mailbox said so",
        "guest_joined": "membership: a guest joined, and has a leg of its own",
    }
)
