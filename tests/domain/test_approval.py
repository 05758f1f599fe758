"""Four eyes: persons are compared, and a quorum counts distinct ones."""

import pytest

from coordinator.domain.actor import COORDINATOR, Actor, ActorKind
from coordinator.domain.approval import (
    excluded_from_approving,
    quorum_met,
    require_enough_leads,
    require_first_decision,
    require_may_approve,
    require_may_approve_grant,
)
from coordinator.domain.errors import ConflictError, PermissionDeniedError, SelfApprovalError
from holdfast.protocol.vocabulary import Role


def lead(person: str) -> Actor:
    return Actor(
        partner="exchange-a.example",
        subject=person,
        kid="k",
        kind=ActorKind.PERSON,
        roles=frozenset({Role.SECURITY_LEAD}),
    )


def system(subject: str, owner: str) -> Actor:
    return Actor(
        partner="exchange-a.example", subject=subject, kid="k", kind=ActorKind.SYSTEM, owner=owner
    )


ALICE, BOB = lead("per_alice"), lead("per_bob")


def test_a_lead_who_had_no_hand_in_it_may_approve() -> None:
    require_may_approve(BOB, submitted_by="per_alice")


@pytest.mark.parametrize(
    "hand",
    [
        {"submitted_by": "per_bob"},
        {"submitted_by": "sys_x", "owner_of_system": "per_bob"},
        {"submitted_by": "per_alice", "key_grant_proposer": "per_bob"},
    ],
)
def test_nobody_approves_what_they_had_a_hand_in(hand: dict[str, str]) -> None:
    with pytest.raises(SelfApprovalError):
        require_may_approve(BOB, **hand)


def test_a_key_that_root_granted_excludes_only_the_submitter() -> None:
    excluded = excluded_from_approving(
        submitted_by="per_alice", owner_of_system=None, key_grant_proposer=None
    )
    assert excluded == {"per_alice"}


@pytest.mark.parametrize(
    "actor",
    [
        system("sys_x", "per_bob"),
        COORDINATOR,
        Actor(
            partner="exchange-a.example", subject="exchange-a.example", kid="r", kind=ActorKind.ROOT
        ),
    ],
)
def test_only_persons_decide(actor: Actor) -> None:
    with pytest.raises(PermissionDeniedError):
        require_may_approve(actor, submitted_by="per_alice")
    with pytest.raises(PermissionDeniedError):
        require_may_approve_grant(
            actor, proposer_person="per_alice", subject="per_new", subject_owner=None
        )


@pytest.mark.parametrize(
    ("proposer", "subject", "owner"),
    [
        ("per_bob", "per_new", None),
        ("per_alice", "per_bob", None),
        ("per_alice", "sys_x", "per_bob"),
    ],
)
def test_a_grant_is_approved_by_neither_its_proposer_nor_its_subject(
    proposer: str, subject: str, owner: str | None
) -> None:
    with pytest.raises(SelfApprovalError):
        require_may_approve_grant(
            BOB, proposer_person=proposer, subject=subject, subject_owner=owner
        )


def test_a_second_lead_approves_a_grant() -> None:
    require_may_approve_grant(
        BOB, proposer_person="per_alice", subject="per_new", subject_owner=None
    )


def test_a_person_decides_once() -> None:
    require_first_decision(BOB, {"per_alice"})
    with pytest.raises(ConflictError) as refused:
        require_first_decision(BOB, {"per_alice", "per_bob"})
    assert refused.value.code == "already_decided"


def test_a_quorum_counts_persons_and_not_approvals() -> None:
    assert quorum_met(["per_alice"], 1)
    assert not quorum_met(["per_alice", "per_alice"], 2)
    assert quorum_met(["per_alice", "per_bob"], 2)
    assert not quorum_met([], 1)


def test_there_is_no_quorum_of_nobody() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        quorum_met([], 0)


def test_what_too_few_could_approve_is_refused_at_once() -> None:
    require_enough_leads(2, quorum=2, act="submit")
    with pytest.raises(ConflictError, match="and 2 can; grant the role") as refused:
        require_enough_leads(2, quorum=3, act="submit")
    assert refused.value.code == "too_few_leads"
    with pytest.raises(ConflictError, match=r"takes 1 security lead besides .* else propose"):
        require_enough_leads(0, quorum=1, act="propose")
