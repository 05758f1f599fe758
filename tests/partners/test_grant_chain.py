"""Grants without the root key: by two leads or by the key that is replaced, and by nobody else."""

import time
from dataclasses import dataclass, field

import pytest

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.key_directory import KeyDirectory, TrustedKey
from holdfast.profiles.key_requests import grant_of, key_request, new_profile
from holdfast.profiles.store import Profile
from holdfast.protocol.membership_payloads import Grant, Policy
from holdfast.protocol.vocabulary import Role
from tests.partners.signed_world import ORIGIN, World, sign


@dataclass(slots=True)
class House:
    """A partner with two leads and an analyst from joining, and somebody who wants a key."""

    world: World = field(default_factory=World)
    first: Profile = field(init=False)
    second: Profile = field(init=False)
    analyst: Profile = field(init=False)
    newcomer: Profile = field(init=False)

    def __post_init__(self) -> None:
        self.first = self.world.person(Role.SECURITY_LEAD)
        self.second = self.world.person(Role.SECURITY_LEAD)
        self.analyst = self.world.person(Role.ANALYST)
        self.newcomer = self.profile()

    def profile(self, *, subject: str | None = None) -> Profile:
        """Return a fresh key, of a new subject or of a known one; the coordinator offers it."""
        made = new_profile("n", coordinator=ORIGIN, handle=self.world.handle, kind="person")
        if subject is not None:
            made = Profile("n", ORIGIN, self.world.handle, subject, "person", made.key)
        self.world.add_key(made)
        return made

    def grant(self, *roles: Role) -> Grant:
        """Return the newcomer's grant."""
        return grant_of(key_request(self.newcomer), list(roles or (Role.ANALYST,)))

    def key_of(self, profile: Profile) -> TrustedKey:
        """Return what a stranger makes of a key."""
        directory = KeyDirectory(self.world, ORIGIN)
        return directory.trusted_key(self.world.handle, profile.key.kid)

    def is_unknown(self, profile: Profile) -> bool:
        """Tell whether a stranger refuses a key."""
        with pytest.raises(UntrustedEvidenceError) as refused:
            self.key_of(profile)
        return refused.value.code == "unknown_key"


@pytest.fixture
def house() -> House:
    return House()


def test_what_one_lead_proposed_and_another_approved_is_granted(house: House) -> None:
    house.world.lead_grant(house.first, house.second, house.grant(Role.COMPLIANCE))
    key = house.key_of(house.newcomer)
    assert key.roles == {Role.COMPLIANCE}
    assert key.proposer == house.first.subject


def test_one_leads_signature_alone_grants_nothing(house: House) -> None:
    grant = house.grant()
    house.world.add_grant(sign(house.first, f"{ORIGIN}/v1/grants", grant), grant)
    assert house.is_unknown(house.newcomer)


def test_nobody_approves_their_own_proposal(house: House) -> None:
    house.world.lead_grant(house.first, house.first, house.grant())
    assert house.is_unknown(house.newcomer)


@pytest.mark.parametrize("who", ["proposer", "approver"])
def test_somebody_who_is_no_lead_neither_proposes_nor_approves(house: House, who: str) -> None:
    if who == "proposer":
        house.world.lead_grant(house.analyst, house.second, house.grant())
    else:
        house.world.lead_grant(house.first, house.analyst, house.grant())
    assert house.is_unknown(house.newcomer)


def test_an_approval_of_another_grant_does_not_count(house: House) -> None:
    house.world.lead_grant(house.first, house.second, house.grant(), grant_sha256="ab" * 32)
    assert house.is_unknown(house.newcomer)


def test_an_approval_of_another_proposal_does_not_count(house: House) -> None:
    house.world.lead_grant(house.first, house.second, house.grant())
    (*others, last) = house.world.grant_views
    house.world.grant_views = [*others, last.model_copy(update={"proposal": "grp_other"})]
    assert house.is_unknown(house.newcomer)


def test_a_lead_does_not_approve_what_they_gain(house: House) -> None:
    more = Grant(subject=house.analyst.subject, roles=[Role.SECURITY_LEAD])
    house.world.lead_grant(house.first, house.second, more)
    assert house.key_of(house.analyst).roles == {Role.SECURITY_LEAD}
    house.newcomer = house.profile(subject=house.second.subject)
    house.world.lead_grant(house.first, house.second, house.grant(Role.SECURITY_LEAD))
    assert house.is_unknown(house.newcomer)


def test_a_key_that_a_lead_proposed_does_not_help_that_lead_to_approve(house: House) -> None:
    house.world.lead_grant(house.first, house.second, house.grant(Role.SECURITY_LEAD))
    puppet, house.newcomer = house.newcomer, house.profile()
    house.world.lead_grant(puppet, house.first, house.grant())
    assert house.is_unknown(house.newcomer)
    house.world.grant_views.pop()
    house.world.lead_grant(puppet, house.second, house.grant())
    assert house.key_of(house.newcomer).proposer == puppet.subject


def test_grants_that_rest_on_each_other_are_found_in_any_order(house: House) -> None:
    house.world.lead_grant(house.first, house.second, house.grant(Role.SECURITY_LEAD))
    third, house.newcomer = house.newcomer, house.profile()
    house.world.lead_grant(third, house.second, house.grant())
    house.world.grant_views.reverse()
    assert house.key_of(house.newcomer).roles == {Role.ANALYST}


def test_a_pending_proposal_grants_nothing(house: House) -> None:
    house.world.lead_grant(house.first, house.second, house.grant())
    (*others, last) = house.world.grant_views
    house.world.grant_views = [*others, last.model_copy(update={"status": "pending"})]
    assert house.is_unknown(house.newcomer)


def rotation(house: House, signer: Profile, **members: object) -> Profile:
    """Have the analyst's key replaced, signed by `signer`; return the new key's profile."""
    renewed = house.profile(subject=house.analyst.subject)
    grant = grant_of(key_request(renewed), []).model_copy(
        update={"replaces": signer.key.kid, **members}
    )
    house.world.add_grant(sign(signer, f"{ORIGIN}/v1/grants", grant), grant)
    return renewed


def test_a_key_replaces_itself_with_the_same_rights(house: House) -> None:
    renewed = rotation(house, house.analyst)
    house.world.revoke(house.analyst)
    house.world.key_views = [
        view.model_copy(update={"revoked_at": view.revoked_at.replace(year=2099)})
        if view.revoked_at
        else view
        for view in house.world.key_views
    ]
    assert house.key_of(renewed).subject == house.analyst.subject
    assert house.key_of(renewed).roles == {Role.ANALYST}
    assert house.key_of(house.analyst).is_revoked


def test_a_key_that_was_taken_away_replaces_itself_no_more(house: House) -> None:
    house.world.revoke(house.analyst)  # long before it signs
    assert house.is_unknown(rotation(house, house.analyst))


def test_a_key_does_not_give_itself_more_by_being_replaced(house: House) -> None:
    assert house.is_unknown(rotation(house, house.analyst, roles=[Role.SECURITY_LEAD]))
    policy = Policy(approval_quorum=1)
    assert house.is_unknown(rotation(house, house.analyst, policy=policy))


def test_nobody_replaces_somebody_elses_key(house: House) -> None:
    assert house.is_unknown(rotation(house, house.first))
    renewed = rotation(house, house.first, replaces=house.analyst.key.kid)
    assert house.is_unknown(renewed)


def test_a_key_that_the_coordinator_hides_counts_as_taken_away(house: House) -> None:
    house.world.key_views = [
        view for view in house.world.key_views if view.kid != house.analyst.key.kid
    ]
    assert house.key_of(house.analyst).is_revoked


def test_junk_among_the_grants_hides_no_good_ones(house: House) -> None:
    good = house.world.grant_views[0]
    for update in ({"token": "x"}, {"token": None}, {"body": "{}"}, {"body": None}):
        house.world.grant_views.insert(0, good.model_copy(update=update))
    assert house.key_of(house.analyst).roles == {Role.ANALYST}


# --- what was granted at the time ----------------------------------------------------------------


def now() -> int:
    return int(time.time())


def give(house: House, profile: Profile, role: Role, *, seconds_ago: int) -> None:
    grant = Grant(subject=profile.subject, roles=[role])
    house.world.give(grant, seconds_ago=seconds_ago)


def test_a_role_counts_from_its_grant_until_the_next_one(house: House) -> None:
    give(house, house.analyst, Role.SECURITY_LEAD, seconds_ago=-1_000)
    give(house, house.analyst, Role.AUDITOR, seconds_ago=-2_000)
    key = house.key_of(house.analyst)
    assert key.roles_at(now()) == {Role.ANALYST}
    assert key.roles_at(now() + 1_500) == {Role.SECURITY_LEAD}
    assert key.roles_at(now() + 3_000) == {Role.AUDITOR}
    # Clocks differ a little: just then either counts.
    assert key.roles_at(now() + 2_000) == {Role.SECURITY_LEAD, Role.AUDITOR}


def test_nobody_had_a_role_before_it_was_granted(house: House) -> None:
    assert house.key_of(house.first).roles_at(now() - 1_000) == frozenset()


def test_a_policy_counts_from_its_grant_and_before_the_first_the_default_does(
    house: House,
) -> None:
    house.world.policy(approval_quorum=2, seconds_ago=2_000)
    house.world.policy(approval_quorum=3, seconds_ago=1_000)
    key = house.key_of(house.first)
    times = (3_000, 1_500, 500)
    assert [key.policies_at(now() - each)[0].approval_quorum for each in times] == [1, 2, 3]


def test_a_root_key_that_never_joined_vouches_from_the_beginning(house: House) -> None:
    # It took the place of another: what that one granted, and when, is not proven any more.
    grant = house.grant(Role.SECURITY_LEAD)
    house.world.grant_views.clear()
    house.world.give(grant, seconds_ago=0)
    assert house.key_of(house.newcomer).roles_at(now() - 9_000) == {Role.SECURITY_LEAD}


def test_a_system_disposes_where_policy_names_it_and_decides_nowhere(house: House) -> None:
    system = house.world.system(house.first)
    assert house.key_of(system).roles_at(now()) == {Role.SYSTEM}
    house.world.policy(systems_as_compliance=[system.subject])
    assert house.key_of(system).roles_at(now()) == {Role.SYSTEM, Role.COMPLIANCE}
    give(house, system, Role.SECURITY_LEAD, seconds_ago=-1_000)
    assert house.key_of(system).roles_at(now() + 1_500) == {Role.COMPLIANCE}
