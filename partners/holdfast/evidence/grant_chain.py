"""From a partner's root key to the keys of its people: every grant checked, none believed.

A grant counts if the root key signed it; if the key that it replaces signed it, for the same
subject and with the same rights; or if one security lead proposed it and another approved exactly
that, neither of them gaining by it. Nothing else that a coordinator hands out grants anything.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TypeVar

from pydantic import ValidationError as ModelError

from holdfast.protocol import strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.membership_payloads import Grant, GrantApproval, Join, Policy
from holdfast.protocol.proof_of_possession import verify_possession
from holdfast.protocol.request_token import (
    DEFAULT_SKEW,
    RequestToken,
    TokenFront,
    read_evidence_front,
    verify_request_evidence,
)
from holdfast.protocol.views import GrantView
from holdfast.protocol.vocabulary import Role

T = TypeVar("T")
#: How often what rests on something later is tried again. As many grants within a few seconds, each
#: by the key of the one before and all of them signed by clocks that went backwards, nobody makes
#: but to keep whoever looks at them busy.
_PASSES = 20


@dataclass(frozen=True, slots=True)
class GrantedKey:
    """A key that the chain of grants reaches.

    Attributes:
        subject: `per_…` or `sys_…`.
        proposer: The lead who proposed its grant; None where the root key made it.
    """

    key: PublicKey
    subject: str
    proposer: str | None


@dataclass(slots=True)
class GrantChain:
    """What a partner's grants give, as far as they are proven.

    Attributes:
        partner: Handle.
        root: The root key in force.
        audience: The coordinator's origin, which every grant is bound to.
        revoked: When each key that was taken away was, by kid.
        revoked_places: Index of the entry of the log that says so, where it is proven.
        grant_places: Likewise of a grant's entry, by its id.
        keys: By kid.
        roles: By subject, as they are now; `roles_at` tells what they were.
        owners: The person who answers for a system, by subject.
    """

    partner: str
    root: PublicKey
    audience: str
    revoked: Mapping[str, datetime] = field(default_factory=dict)
    revoked_places: Mapping[str, int] = field(default_factory=dict)
    grant_places: Mapping[str, int] = field(default_factory=dict)
    keys: dict[str, GrantedKey] = field(default_factory=dict, init=False)
    roles: dict[str, frozenset[Role]] = field(default_factory=dict, init=False)
    owners: dict[str, str] = field(default_factory=dict, init=False)
    _given_roles: dict[str, list[tuple[int, frozenset[Role]]]] = field(
        default_factory=dict, init=False
    )
    _given_policies: list[tuple[int, Policy]] = field(default_factory=list, init=False)
    _has_joined: bool = field(default=False, init=False)
    _applied: set[tuple[str | None, str | None]] = field(default_factory=set, init=False)
    _fronts: dict[str, TokenFront] = field(default_factory=dict, init=False)

    def roles_at(self, subject: str, at: int) -> frozenset[Role]:
        """Return the roles that a subject had at a time, seconds since 1970.

        Clocks differ a little, so what was in force within `DEFAULT_SKEW` of it counts.
        """
        in_force = self._in_force(self._given_roles.get(subject, ()), at)
        return frozenset().union(*in_force)

    def policies_at(self, at: int) -> tuple[Policy, ...]:
        """Return the policy that was in force at a time; several where it changed just then."""
        # As long as a partner grants none it has the default.
        given = [(0, Policy()), *self._given_policies] if self._has_joined else self._given_policies
        return tuple(self._in_force(given, at)) or (Policy(),)

    def _in_force(self, given: Iterable[tuple[int, T]], at: int) -> list[T]:
        """Return what held at some moment within `DEFAULT_SKEW` of a time.

        A root key that replaced another vouches for its own grants from the beginning of time: what
        the old key granted is no longer proven.
        """
        ordered = sorted(given, key=lambda each: each[0])
        begun = [value for since, value in ordered if since <= at - DEFAULT_SKEW]
        around = [value for since, value in ordered if abs(since - at) <= DEFAULT_SKEW]
        if not begun and not around and not self._has_joined:
            return [value for _, value in ordered[:1]]
        return begun[-1:] + around

    def person(self, subject: str) -> str:
        """Return the human behind a subject: a system counts as its owner."""
        return self.owners.get(subject, subject)

    def follow(self, views: Iterable[GrantView]) -> None:
        """Apply every grant that is proven, in the order in which they were signed."""
        pending = [view for view in views if view.partner == self.partner and view.status == "made"]
        by_token = {view.approval_token or view.token: view for view in pending}
        times = {token: self._signed_at(view) for token, view in by_token.items()}
        pending.sort(key=lambda view: times[view.approval_token or view.token])
        # Signers' clocks differ by seconds, so a grant may be signed "before" the one it rests on.
        for _ in range(_PASSES):
            left = [view for view in pending if not self._apply(view)]
            if len(left) == len(pending):
                return
            pending = left

    def _apply(self, view: GrantView) -> bool:
        """Apply a grant if it is proven; tell whether it was.

        What was signed once and grants to several, as joining does, is shown with each of them.
        """
        signed = (view.token, view.body)
        if view.approval_token is None and signed in self._applied:
            return True
        try:
            signed_at = self._signed_at(view)
            for grant, proposer in self._proven(view):
                self._give(grant, proposer, signed_at)
        except (ProtocolError, ModelError, _UnprovenError):
            return False
        if view.approval_token is None:
            self._applied.add(signed)
        return True

    def _front(self, token: str) -> TokenFront:
        """Return what a token claims; each is taken apart once.

        Raises:
            TokenError: It is none.
        """
        if token not in self._fronts:
            self._fronts[token] = read_evidence_front(token)
        return self._fronts[token]

    def _signed_at(self, view: GrantView) -> int:
        """Return the time of a grant's last signature; anything that is no token sorts first."""
        try:
            return int(self._front(view.approval_token or view.token or "").claims["iat"])
        except ProtocolError:
            return 0

    def _proven(self, view: GrantView) -> Iterator[tuple[Grant, str | None]]:
        """Yield what a grant gives and who proposed it, if its signatures carry it."""
        token, body = view.token or "", (view.body or "").encode()
        front = self._front(token)
        kid = front.kid
        if kid == self.root.kid:
            act = verify_request_evidence(front, body, key=self.root, aud=self.audience)
            _require(act.iss == act.sub == self.partner and act.htm == "POST")
            self._has_joined |= act.htu == f"{self.audience}/v1/join"
            for grant in _parse(act, body, self.audience):
                yield grant, None
            return
        place = self.grant_places.get(view.id)
        act, signer = self._signed(front, body, place)
        _require(act.htm == "POST" and act.htu == f"{self.audience}/v1/grants")
        grant = Grant.model_validate(strict_json.loads(body))
        if grant.replaces == kid:
            self._require_same_rights(grant, signer)
            yield grant, signer.proposer
        else:
            self._require_two_leads(view, grant, signer)
            yield grant, signer.subject

    def _signed(
        self, front: TokenFront, body: bytes, place: int | None
    ) -> tuple[RequestToken, GrantedKey]:
        """Return an act whose key is proven and was valid when it signed.

        By position, where both the grant and the revocation of its key stand in the log.
        """
        signer = self.keys.get(front.kid)
        if signer is None:
            raise _UnprovenError
        act = verify_request_evidence(front, body, key=signer.key, aud=self.audience)
        _require((act.iss, act.sub) == (self.partner, signer.subject))
        revoked_place = self.revoked_places.get(signer.key.kid)
        if place is not None and revoked_place is not None:
            # What replaces a key is signed by it: one entry says both.
            _require(place <= revoked_place)
            return act, signer
        revoked_at = self.revoked.get(signer.key.kid)
        _require(revoked_at is None or act.iat - DEFAULT_SKEW <= revoked_at.timestamp())
        return act, signer

    def _require_same_rights(self, grant: Grant, signer: GrantedKey) -> None:
        held = self.roles.get(signer.subject, frozenset())
        _require(grant.subject == signer.subject and grant.policy is None)
        _require(grant.jwk is not None and (not grant.roles or frozenset(grant.roles) == held))

    def _require_two_leads(self, view: GrantView, grant: Grant, proposer: GrantedKey) -> None:
        body = (view.approval_body or "").encode()
        place = self.grant_places.get(view.id)
        act, approver = self._signed(self._front(view.approval_token or ""), body, place)
        path = f"{self.audience}/v1/grants/{view.proposal}/approvals"
        _require(act.htm == "POST" and act.htu == path)
        approved = GrantApproval.model_validate(strict_json.loads(body))
        _require(approved.grant_sha256 == sha256((view.body or "").encode()).hexdigest())
        for lead in (proposer, approver):
            _require(Role.SECURITY_LEAD in self.roles.get(lead.subject, frozenset()))
            owner = grant.owner or self.owners.get(grant.subject or "")
            _require(lead.subject not in {grant.subject, owner})
        _require(approver.subject not in {proposer.subject, proposer.proposer})

    def _give(self, grant: Grant, proposer: str | None, signed_at: int) -> None:
        subject = grant.subject
        if subject is None:
            self._give_policy(grant, signed_at)
            return
        if grant.jwk is not None:
            key = verify_possession(
                grant.possession or "",
                jwk=grant.jwk.model_dump(exclude_none=True),
                audience=self.audience,
                handle=self.partner,
                subject=subject,
            )
            known = self.keys.get(key.kid)
            _require(known is None or (known.subject, known.key) == (subject, key))
            if known is None:
                self.keys[key.kid] = GrantedKey(key, subject, proposer)
        if grant.owner is not None:
            self.owners.setdefault(subject, grant.owner)
        if grant.roles:
            self.roles[subject] = frozenset(grant.roles)
            self._given_roles.setdefault(subject, []).append((signed_at, self.roles[subject]))
        self._give_policy(grant, signed_at)

    def _give_policy(self, grant: Grant, signed_at: int) -> None:
        if grant.policy is not None:
            self._given_policies.append((signed_at, grant.policy))


class _UnprovenError(Exception):
    """The signatures do not carry this grant; not raised to callers."""


def _require(holds: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise _UnprovenError


def _parse(act: RequestToken, body: bytes, audience: str) -> list[Grant]:
    """Return what a root-signed body grants, by the path that it was made for."""
    document = strict_json.loads(body)
    if act.htu == f"{audience}/v1/join":
        return Join.model_validate(document).grants
    if act.htu == f"{audience}/v1/grants":
        return [Grant.model_validate(document)]
    return []
