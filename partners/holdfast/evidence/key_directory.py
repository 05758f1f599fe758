"""Other partners' keys, checked against their root keys.

The coordinator hands out keys and grants, but it is not believed: a key counts only if its grant
goes back to its partner's root key (`grant_chain`), and the root key only if it is the pinned one,
where one is pinned. So an operator cannot enrol a key as anybody's security lead.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from holdfast.errors import PinMismatchError, UntrustedEvidenceError
from holdfast.evidence.grant_chain import GrantChain
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.membership_payloads import Policy
from holdfast.protocol.views import GrantView, KeyView
from holdfast.protocol.vocabulary import Role

#: How long keys are believed before they are fetched again, so that revocations take effect.
FRESH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Places:
    """Where in the log things stand, as far as their entries are proven and say so.

    Attributes:
        acts: Index of the entry that tells of an act, by its id.
        grants: Likewise of a grant.
        granted: Of a key: the entry of the first grant that names it, by thumbprint.
        revoked: Of the entry that took a key away, by thumbprint.
    """

    acts: Mapping[str, int] = field(default_factory=dict)
    grants: Mapping[str, int] = field(default_factory=dict)
    granted: Mapping[str, int] = field(default_factory=dict)
    revoked: Mapping[str, int] = field(default_factory=dict)


class KeySource(Protocol):
    """Where keys and grants come from: a `Client`, or what was stored for offline use."""

    def keys(self, partner: str | None = None) -> Iterable[KeyView]:
        """Return a partner's public keys, revoked ones too."""
        ...

    def grants(self, partner: str | None = None) -> Iterable[GrantView]:
        """Return a partner's grants with token and body."""
        ...


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key that its partner's root key vouches for.

    Attributes:
        partner: Handle.
        subject: `per_…` or `sys_…`.
        owner: The person who answers for a system.
        roles: As granted.
        key: The public key.
        proposer: The lead who proposed its grant; None where the root key made it.
        root_kid: The root key's thumbprint.
        is_root_pinned: Somebody compared that thumbprint out of band.
        is_revoked: Revoked since; earlier acts stay proven, later ones do not count.
        revoked_at: When, where the coordinator lists it still.
        granted_place: Index of its grant's entry in the log, where that is proven.
        revoked_place: Likewise of its revocation's.
        chain: The grants that say so.
    """

    partner: str
    subject: str
    owner: str | None
    roles: frozenset[Role]
    key: PublicKey
    proposer: str | None
    root_kid: str
    is_root_pinned: bool
    is_revoked: bool
    revoked_at: datetime | None = None
    granted_place: int | None = None
    revoked_place: int | None = None
    chain: GrantChain = field(repr=False, compare=False, kw_only=True)

    def roles_at(self, at: int) -> frozenset[Role]:
        """Return what its owner could act as at a time, seconds since 1970.

        A machine never decides: a system acts as compliance where it has that role, or a lead's, or
        where its partner's policy names it.
        """
        roles = self.chain.roles_at(self.subject, at)
        if self.is_person:
            return roles
        named = any(self.subject in policy.systems_as_compliance for policy in self.policies_at(at))
        if Role.SECURITY_LEAD in roles or (named and Role.SYSTEM in roles):
            roles |= {Role.COMPLIANCE}
        return roles - {Role.SECURITY_LEAD}

    def policies_at(self, at: int) -> tuple[Policy, ...]:
        """Return its partner's policy at a time; several where it changed just then."""
        return self.chain.policies_at(at)

    @property
    def is_person(self) -> bool:
        """Whether its holder is a person and not a system."""
        return self.subject.startswith("per_")

    @property
    def person(self) -> str:
        """The human behind it: a system counts as its owner."""
        return self.owner or self.subject


@dataclass(slots=True)
class KeyDirectory:
    """Other partners' keys, fetched when needed and verified.

    Attributes:
        source: Usually a `Client`.
        audience: The coordinator's origin, which every grant is bound to.
        pins: Root thumbprints that were compared out of band, by handle.
        places: What is known of the log: it decides where clocks would have to otherwise.
        monotonic: Seconds that never jump.
    """

    source: KeySource
    audience: str
    pins: Mapping[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=Places)
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, dict[str, TrustedKey]]] = field(default_factory=dict, init=False)

    def trusted_key(self, partner: str, kid: str) -> TrustedKey:
        """Return `partner`'s key with thumbprint `kid`.

        Raises:
            PinMismatchError: The coordinator offers another root key than the pinned one.
            UntrustedEvidenceError: There is no such key, or the root key did not grant it.
            ApiError: Keys could not be fetched; likewise TransportError.
        """
        fetched_at, keys = self._known.get(partner, (0.0, {}))
        if kid not in keys or self.monotonic() - fetched_at > FRESH_SECONDS:
            keys = self._fetch(partner)
            self._known[partner] = (self.monotonic(), keys)
        if kid not in keys:
            raise UntrustedEvidenceError(
                f"no grant that goes back to the root key of {partner} names the key {kid}",
                code="unknown_key",
            )
        return keys[kid]

    def forget(self, partner: str, *, fetched_before: float) -> bool:
        """Forget what was fetched of a partner before a time (`monotonic`); tell whether it was.

        What speaks against evidence may be that a grant of this minute is not known yet.
        """
        known = self._known.get(partner)
        if known is None or known[0] >= fetched_before:
            return False
        del self._known[partner]
        return True

    def _fetch(self, partner: str) -> dict[str, TrustedKey]:
        views = [view for view in self.source.keys(partner) if view.partner == partner]
        root = self._root(partner, views)
        revoked = {view.kid: view.revoked_at for view in views if view.revoked_at is not None}
        places = self.places
        chain = GrantChain(partner, root, self.audience, revoked, places.revoked, places.grants)
        chain.follow(self.source.grants(partner))
        # A key that the coordinator does not list any more is treated like one that was revoked.
        listed = {view.kid for view in views}
        return {
            kid: TrustedKey(
                partner=partner,
                subject=granted.subject,
                owner=chain.owners.get(granted.subject),
                roles=chain.roles.get(granted.subject, frozenset()),
                key=granted.key,
                proposer=granted.proposer,
                root_kid=root.kid,
                is_root_pinned=partner in self.pins,
                is_revoked=kid in revoked or kid not in listed,
                revoked_at=revoked.get(kid),
                granted_place=places.granted.get(kid),
                revoked_place=places.revoked.get(kid),
                chain=chain,
            )
            for kid, granted in chain.keys.items()
        }

    def _root(self, partner: str, views: list[KeyView]) -> PublicKey:
        """Return the root key: the pinned one, or the one in force where none is pinned."""
        offered: list[PublicKey] = []
        for view in views:
            if not view.is_root or view.revoked_at is not None:
                continue
            try:
                offered.append(PublicKey.from_jwk(view.jwk))
            except ProtocolError as error:
                raise UntrustedEvidenceError(
                    f"the root key of {partner} is no usable key: {error}", code="bad_key"
                ) from None
        pin = self.pins.get(partner)
        if pin is not None:
            offered_kids = ", ".join(key.kid for key in offered) or "none"
            for key in offered:
                if key.kid == pin:
                    return key
            raise PinMismatchError(
                f"the root key of {partner} is pinned as {pin}, but the coordinator offers "
                f"{offered_kids}: ask {partner} by another way before you act on anything"
            )
        if len(offered) != 1:
            raise UntrustedEvidenceError(
                f"{partner} has {len(offered)} root keys in force instead of one", code="no_root"
            )
        return offered[0]
