"""Four eyes: who may approve a request, and when enough have.

The rule compares persons, never keys or roles: whoever submitted, whoever owns the system that
submitted, and whoever proposed the grant of the key that submitted had a hand in it. A key that the
root key granted excludes nobody.
"""

from collections.abc import Collection, Iterable

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.errors import ConflictError, PermissionDeniedError, SelfApprovalError


def excluded_from_approving(
    *, submitted_by: str, owner_of_system: str | None, key_grant_proposer: str | None
) -> frozenset[str]:
    """Return the persons that cannot decide on a request.

    Args:
        submitted_by: Who submitted: `per_…`, or the `sys_…` itself.
        owner_of_system: The owning person, if a system submitted.
        key_grant_proposer: Who proposed the grant of the submitting key; None if root granted it.
    """
    named = (submitted_by, owner_of_system, key_grant_proposer)
    return frozenset(person for person in named if person)


def require_may_approve(
    actor: Actor,
    *,
    submitted_by: str,
    owner_of_system: str | None = None,
    key_grant_proposer: str | None = None,
) -> None:
    """Refuse a decision by anybody who had a hand in the submission.

    Raises:
        PermissionDeniedError: If the actor is no person; machines do not decide.
        SelfApprovalError: If the actor is one of the excluded persons.
    """
    if actor.kind is not ActorKind.PERSON:
        raise PermissionDeniedError(
            "approving and rejecting take a person, not a system or a root key"
        )
    excluded = excluded_from_approving(
        submitted_by=submitted_by,
        owner_of_system=owner_of_system,
        key_grant_proposer=key_grant_proposer,
    )
    if actor.person in excluded:
        raise SelfApprovalError(
            "whoever submitted a request, owns the system that did, or proposed its key cannot"
            " decide on it; another security lead must"
        )


def require_may_approve_grant(
    actor: Actor, *, proposer_person: str, subject: str, subject_owner: str | None
) -> None:
    """Refuse a grant's approval by its proposer or by whoever gains from it.

    Raises:
        PermissionDeniedError: If the actor is no person.
        SelfApprovalError: If the actor proposed the grant, or is (or owns) its subject.
    """
    if actor.kind is not ActorKind.PERSON:
        raise PermissionDeniedError("approving a grant takes a person")
    if actor.person in {proposer_person, subject, subject_owner}:
        raise SelfApprovalError(
            "a grant is approved by a lead who neither proposed it nor gains from it"
        )


def require_first_decision(actor: Actor, decided: Collection[str]) -> None:
    """Refuse a second decision by the same person.

    Raises:
        ConflictError: If the person is among those who decided.
    """
    if actor.person in decided:
        raise ConflictError("you have already decided on this request", code="already_decided")


def require_enough_leads(eligible: int, *, quorum: int, act: str) -> None:
    """Refuse a request that could never be approved.

    Args:
        eligible: How many security leads may decide.
        quorum: How many must approve.
        act: What is being done, as in "let somebody else submit".

    Raises:
        ConflictError: If fewer than the quorum are eligible.
    """
    if eligible < quorum:
        leads = "1 security lead" if quorum == 1 else f"{quorum} security leads"
        raise ConflictError(
            f"approving takes {leads} besides whoever wants to {act}, and {eligible} can; grant "
            f"the role to more people, or let somebody else {act}",
            code="too_few_leads",
        )


def quorum_met(approvers: Iterable[str], quorum: int) -> bool:
    """Tell whether enough distinct persons have approved.

    Raises:
        ValueError: If `quorum` is below 1; no request goes out unapproved.
    """
    if quorum < 1:
        raise ValueError("a quorum is at least 1")
    return len(set(approvers)) >= quorum
