"""Proving a withdrawal: what a partner checks before it lets anybody's funds go."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError as ModelError

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import Evidence, ProvenAct, prove_act
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import with_bodies
from holdfast.evidence.two_leads import had_a_hand, takes_two_leads
from holdfast.protocol.life_cycle_payloads import WithdrawalDecision
from holdfast.protocol.payloads import Approval, Withdrawal
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import Role, WithdrawalReason


@dataclass(frozen=True, slots=True)
class WithdrawalNotice:
    """A withdrawal that its requester's leads really signed.

    Attributes:
        request_id: `frq_…`.
        addresses: By number, from the raw body; None for all.
        reason_code: Why.
        reason: The same in words.
        acts: The one act behind it, or proposal and approval.
    """

    request_id: str
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
    _require_enough(acts, holds=holds)
    first = acts[0].payload
    if isinstance(first, Approval) and first.left_out:
        # What a ratification leaves out had gone out, and is withdrawn by it.
        left_out = tuple(first.left_out)
        words = first.comment or "left out when the request was ratified"
        return WithdrawalNotice(request_id, left_out, WithdrawalReason.WRONG_TARGET, words, acts)
    if not isinstance(first, Withdrawal):
        # Refusing to ratify it takes back all of it.
        words = "a lead would not ratify it"
        return WithdrawalNotice(request_id, None, WithdrawalReason.NOT_RATIFIED, words, acts)
    numbers = None if first.addresses == "all" else tuple(int(each) for each in first.addresses)
    return WithdrawalNotice(request_id, numbers, first.reason_code, first.reason, acts)


def _require_enough(acts: tuple[ProvenAct, ...], *, holds: bool) -> None:
    """Refuse acts that do not come to a withdrawal."""
    first, *others = acts
    if Role.SECURITY_LEAD not in first.key.roles_at(first.token.iat):
        raise UntrustedEvidenceError(
            f"{first.key.subject} withdrew it, who is no lead", code="not_a_lead"
        )
    names = [act.act for act in acts]
    is_ratification = isinstance(first.payload, Approval) and bool(first.payload.left_out)
    if names in (["withdraw"], ["reject"]) or (names == ["approve"] and is_ratification):
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
