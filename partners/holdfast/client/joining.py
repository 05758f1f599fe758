"""Joining: a fresh root key, first people and systems, and the invitation, in one signed body."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from holdfast.client.client import Client
from holdfast.client.rotation import rotate_tag_key
from holdfast.errors import ApiError, ProfileError, TransportError
from holdfast.profiles.key_requests import grant_of, key_request, new_profile
from holdfast.profiles.store import Profile, ProfileStore, SubjectKind, checked_origin
from holdfast.protocol.membership_payloads import Grant, Join, Jwk, Policy
from holdfast.protocol.views import JoinView
from holdfast.protocol.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to grant a key to while joining; `profile` is a name that stays on this machine."""

    profile: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class System:
    """A program to grant a key to while joining.

    Attributes:
        profile: Its local name.
        owner: The profile of the person who answers for it.
        acts_as_compliance: The partner's policy lets it decline, release and return on its own.
        role: `system`, or `screening` for what reads flags and can do nothing else.
    """

    profile: str
    owner: str
    acts_as_compliance: bool = False
    role: Role = Role.SYSTEM


@dataclass(frozen=True, slots=True)
class Joining:
    """Everything that a partner says when it joins.

    Attributes:
        coordinator: Origin.
        handle: As invited.
        invitation: The code that the operator handed over.
        root: The root profile's local name.
        passphrase_of: Returns what guards the key file of a new profile, by its name; without it
            nothing does.
        rulebook_sha256: Of the network's rulebook, which joining accepts; None where it has none.
            Somebody who binds the organisation has read its text (`read_rulebook`).
    """

    coordinator: str
    handle: str
    invitation: str
    people: Sequence[Person]
    systems: Sequence[System] = ()
    root: str = "root"
    passphrase_of: Callable[[str], str] | None = None
    rulebook_sha256: str | None = None


def join(
    store: ProfileStore, joining: Joining, *, now: Callable[[], float] = time.time
) -> JoinView:
    """Make all keys, store them as profiles, take the invitation, and set a first tag key.

    The keys are stored before anything is sent: an answer that is lost loses no key. Running it
    again with the same profiles sends the same keys, so a repeat after a broken connection is safe.
    A tag key that the coordinator did not take is kept, and `rotate_tag_key` sends it again.
    The token is made by `now`, wall time in seconds since 1970.

    Raises:
        ProfileError: A profile of that name belongs elsewhere, or nothing can be written.
        ApiError: The coordinator refused; likewise TransportError.
    """
    profiles = _Profiles(
        store, checked_origin(joining.coordinator), joining.handle, joining.passphrase_of
    )
    root = profiles.get(joining.root, "root")
    people = {person.profile: profiles.get(person.profile, "person") for person in joining.people}
    grants = [
        grant_of(key_request(people[person.profile]), list(person.roles))
        for person in joining.people
    ]
    trusted: list[str] = []
    for system in joining.systems:
        if system.owner not in people:
            raise ProfileError(
                f"the owner of {system.profile}, {system.owner}, is not among the people"
            )
        owner = people[system.owner].subject
        profile = profiles.get(system.profile, "system", owner)
        grants.append(grant_of(key_request(profile), [system.role]))
        if system.acts_as_compliance:
            trusted.append(profile.subject)
    if trusted:
        grants.append(Grant(policy=Policy(systems_as_compliance=trusted)))
    body = Join(
        invitation=joining.invitation,
        root_jwk=Jwk.model_validate(root.key.public.jwk()),
        grants=grants,
        **({} if joining.rulebook_sha256 is None else {"rulebook_sha256": joining.rulebook_sha256}),
    )
    view = Client(root, now=now).join(body)
    leads = [person for person in joining.people if Role.SECURITY_LEAD in person.roles]
    with suppress(ApiError, TransportError):
        rotate_tag_key(store, people[leads[0].profile], connect=lambda by: Client(by, now=now))
    return view


@dataclass(frozen=True, slots=True)
class _Profiles:
    """The profiles of one partner at one coordinator, in the store or to be put there."""

    store: ProfileStore
    origin: str
    handle: str
    passphrase_of: Callable[[str], str] | None

    def get(self, name: str, kind: SubjectKind, owner: str | None = None) -> Profile:
        """Return the stored profile of that name if it fits, else a new one, stored."""
        if name in self.store.names():
            profile = self.store.load(name)
            found = profile.coordinator, profile.handle, profile.kind
            if found != (self.origin, self.handle, kind):
                raise ProfileError(
                    f"there is a profile {name} already, of {profile.handle} at "
                    f"{profile.coordinator}: use other names, or another HOLDFAST_HOME"
                )
            return profile
        profile = new_profile(
            name, coordinator=self.origin, handle=self.handle, kind=kind, owner=owner
        )
        guard = self.passphrase_of and self.passphrase_of(name)
        self.store.save(profile, passphrase=guard)
        return profile
