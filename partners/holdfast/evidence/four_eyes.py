"""Four eyes: whether enough security leads, none of them involved, approved what went out.

The same rule holds for requests and for additions of partners, for a notice that has just arrived
and for a request that is examined later. Source: docs/life-cycle.md.
"""

from collections.abc import Sequence

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import ProvenAct
from holdfast.protocol.decision_context import DecisionContext, context_sha256
from holdfast.protocol.life_cycle_payloads import PartnersAddition
from holdfast.protocol.payloads import Approval, FreezeRequest
from holdfast.protocol.vocabulary import Urgency


def document_of(submission: ProvenAct) -> FreezeRequest:
    """Return the freeze request that was submitted."""
    if not isinstance(submission.payload, FreezeRequest):
        raise UntrustedEvidenceError(f"{submission.act} is no submission", code="bad_body")
    return submission.payload


def partners_added(proposal: ProvenAct) -> list[str]:
    """Return the handles that a proposal would ask, too."""
    if not isinstance(proposal.payload, PartnersAddition):
        raise UntrustedEvidenceError(f"{proposal.act} is no addition", code="bad_body")
    return proposal.payload.to


def addition_context(proposal: ProvenAct, request_id: str, content_sha256: str) -> str:
    """Return the hash of the context on which leads decide about an addition of partners.

    It holds nothing that the reader does not know. A request's context does: its salt, which only
    the requester reads, so that partners cannot find out the warnings by trying.
    """
    context = DecisionContext(
        request_id=request_id,
        content_sha256=content_sha256,
        act_sha256=proposal.sha256,
        to=partners_added(proposal),
    )
    return context_sha256(context.text())


def quorum_for(submission: ProvenAct) -> int:
    """Return how many leads the requester's policy asks for at the time of submission."""
    policies = submission.key.policies_at(submission.token.iat)
    return min(policy.approval_quorum for policy in policies)


def require_quorum(
    approved: ProvenAct,
    approvals: Sequence[ProvenAct],
    *,
    quorum: int,
    context_sha256: str | None,
    what: str = "request",
) -> None:
    """Refuse what too few leads approved; their acts prove that they are leads.

    Args:
        approved: What was approved: the submission, or the proposal of an addition.
        approvals: Proven ones.
        quorum: How many different persons it takes.
        context_sha256: What they must have decided on; None: one and the same thing, at least.
        what: For the message.

    Raises:
        UntrustedEvidenceError: Somebody with a hand in it approved it (`four_eyes`), another
            context was approved (`other_context`), or too few did (`not_approved`).
    """
    excluded = {approved.key.subject, approved.key.person, approved.key.proposer}
    if any({each.key.subject, each.key.person} & excluded for each in approvals):
        raise UntrustedEvidenceError(
            f"the {what} was approved by whoever submitted it, or proposed the submitter's key",
            code="four_eyes",
        )
    contexts = {_approval(each).context_sha256 for each in approvals}
    if len(contexts | ({context_sha256} if context_sha256 else set())) > 1:
        raise UntrustedEvidenceError(
            f"an approval is of something else than this {what}", code="other_context"
        )
    persons = {each.key.person for each in approvals}
    if len(persons) < quorum:
        leads = "1 security lead" if quorum == 1 else f"{quorum} security leads"
        raise UntrustedEvidenceError(
            f"{len(persons) or 'nobody'} approved this {what}; it takes {leads}, each another"
            " person",
            code="not_approved",
        )


def require_may_flash(submission: ProvenAct) -> None:
    """Refuse an unapproved request unless its sender may send flash requests and this is one.

    Raises:
        UntrustedEvidenceError: With code `not_approved`.
    """
    request, key = document_of(submission), submission.key
    may = any(key.subject in policy.may_flash for policy in key.policies_at(submission.token.iat))
    is_flash = request.urgency is Urgency.FLASH and request.to != "all"
    if not (may and is_flash):
        raise UntrustedEvidenceError(
            f"nobody approved this request, and {key.subject} may not send it out before that",
            code="not_approved",
        )


def _approval(act: ProvenAct) -> Approval:
    if not isinstance(act.payload, Approval):
        raise UntrustedEvidenceError(f"{act.act} is no approval", code="bad_body")
    return act.payload
