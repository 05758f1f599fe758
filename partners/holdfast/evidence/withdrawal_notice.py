"""Proving a withdrawal: what a partner checks before it lets anybody's funds go."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError as ModelError

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import Evidence, ProvenAct, prove_act
from holdfast.evidence.four_eyes import left_out_by
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import with_bodies
from holdfast.evidence.two_leads import had_a_hand, takes_two_leads
from holdfast.protocol.life_cycle_payloads import WithdrawalDecision
from holdfast.protocol.payloads import Approval, Withdrawal
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import Role, WithdrawalReason

#: What a ratification says of what it leaves out, where its leads say nothing.
LEFT_OUT = "left out when the request was ratified"


@dataclass(frozen=True, slots=True)
class WithdrawalNotice:
    """A withdrawal that its requester's leads really signed.

    Attributes:
        request_id: `frq_…`.
        requester: Handle of whose leads signed it: compare it with the notice's, that you proved.
        content_sha256: Of the document that it is about; likewise.
        addresses: By number, from the raw body; None for all.
        reason_code: Why.
        reason: The same in words.
        acts: The one act behind it, proposal and approval, or the approvals of a ratification that
            leaves these addresses out.
    """

    request_id: str
    requester: str
    content_sha256: str
    addresses: tuple[int, ...] | None
    reason_code: WithdrawalReason
    reason: str
    acts: tuple[ProvenAct, ...]


def prove_withdrawal(
    data: Mapping[str, Any],
    *,
    directory: KeyDirectory,
    holds: bool,
    fetch: Callable[[str], Iterable[EvidenceView]],
) -> WithdrawalNotice:
    """Return the withdrawal behind a `freeze_request.withdrawn` event, proven.

    Args:
        data: The event's data.
        directory: Whose key is whose.
        holds: Whether you hold anything that it lets go: only then it takes two leads, where the
            requester's policy says so.
        fetch: Returns a request's evidence; asked only where the event was too small for it.

    Raises:
        UntrustedEvidenceError: Let nothing go on it; the message says which step failed. With code
            `no_signature` nobody signed it: a flash request that no lead ratified withdrew itself.
        ApiError: Keys or evidence could not be fetched; likewise TransportError.
    """
    try:
        request_id, requester = str(data["request_id"]), str(data["requester"])
        content_sha256 = str(data["content_sha256"])
        parts = [Evidence.model_validate(part) for part in data.get("evidence") or ()]
    except (KeyError, TypeError, ModelError):
        raise UntrustedEvidenceError("the event lacks its evidence", code="no_evidence") from None
    if not parts:
        raise UntrustedEvidenceError(
            "nobody signed this withdrawal: the coordinator says that it came by itself",
            code="no_signature",
        )
    acts = tuple(
        prove_act(
            directory,
            act=part.act,
            partner=requester,
            token=part.token,
            body=(part.body or "").encode(),
            request_id=request_id,
            content_sha256=content_sha256,
        )
        for part in with_bodies(parts, request_id, fetch)
    )
    said = _said(acts, holds=holds)
    return WithdrawalNotice(request_id, requester, content_sha256, *said, acts)


def _said(
    acts: tuple[ProvenAct, ...], *, holds: bool
) -> tuple[tuple[int, ...] | None, WithdrawalReason, str]:
    """Return what acts that come to a withdrawal say: addresses, code, words."""
    if {act.act for act in acts} == {"approve"}:
        return _left_out(acts, holds=holds)
    _require_enough(acts, holds=holds)
    first = acts[0].payload
    if not isinstance(first, Withdrawal):
        # Refusing to ratify it takes back all of it.
        return None, WithdrawalReason.NOT_RATIFIED, "a lead would not ratify it"
    numbers = None if first.addresses == "all" else tuple(int(each) for each in first.addresses)
    return numbers, first.reason_code, first.reason


def _left_out(
    approvals: tuple[ProvenAct, ...], *, holds: bool
) -> tuple[tuple[int, ...], WithdrawalReason, str]:
    """Return what a ratification leaves out: so it withdraws that from who was asked before."""
    numbers = left_out_by(approvals)
    if not numbers:
        raise UntrustedEvidenceError(
            "these approvals leave no address out, so they withdraw none", code="no_withdrawal"
        )
    is_alone = len({act.key.person for act in approvals}) == 1
    if holds and is_alone and any(takes_two_leads(act) for act in approvals):
        raise UntrustedEvidenceError(
            "one lead left these addresses out, and the requester's policy lets held funds go by"
            " two",
            code="takes_two_leads",
        )
    said = approvals[-1].payload
    words = said.comment if isinstance(said, Approval) else None
    return tuple(sorted(numbers)), WithdrawalReason.WRONG_TARGET, words or LEFT_OUT


def _require_enough(acts: tuple[ProvenAct, ...], *, holds: bool) -> None:
    """Refuse acts that do not come to a withdrawal."""
    first, *others = acts
    if Role.SECURITY_LEAD not in first.key.roles_at(first.token.iat):
        raise UntrustedEvidenceError(
            f"{first.key.subject} withdrew it, who is no lead", code="not_a_lead"
        )
    names = [act.act for act in acts]
    if names in (["withdraw"], ["reject"]):
        if holds and takes_two_leads(first):
            raise UntrustedEvidenceError(
                "one lead withdrew it, and the requester's policy lets held funds go by two",
                code="takes_two_leads",
            )
        return
    if names != ["propose_withdrawal", "approve_withdrawal"]:
        raise UntrustedEvidenceError(
            f"these acts are no withdrawal: {', '.join(names)}", code="no_withdrawal"
        )
    decision = others[0].payload
    if not isinstance(decision, WithdrawalDecision) or decision.act_sha256 != first.sha256:
        raise UntrustedEvidenceError(
            "the second lead approved another withdrawal", code="other_withdrawal"
        )
    if had_a_hand(others[0], first):
        raise UntrustedEvidenceError(
            "a withdrawal was approved by whoever proposed it, or its proposer's key",
            code="four_eyes",
        )
