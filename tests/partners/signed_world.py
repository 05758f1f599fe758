"""Partners with real keys, grants and signed acts, as a coordinator would hand them on."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from holdfast.client.client import encode
from holdfast.profiles.key_requests import grant_of, key_request, new_profile
from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json
from holdfast.protocol.membership_payloads import Grant, GrantApproval, Join, Jwk
from holdfast.protocol.payloads import Body
from holdfast.protocol.request_token import make_request_token
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.views import EvidenceView, GrantView, KeyView
from holdfast.protocol.vocabulary import Role
from tests.passkeys import SoftPasskey

ORIGIN = "https://coordinator.example"
REQUESTS = f"{ORIGIN}/v1/freeze-requests"


@dataclass(frozen=True, slots=True)
class Signed:
    """A token and the body that it was made over."""

    token: str
    body: bytes


def sign(
    profile: Profile, url: str, body: Body | bytes, *, method: str = "POST", seconds_ago: int = 0
) -> Signed:
    """Sign a request as its profile would, just now or some time ago."""
    raw = encode(body) if isinstance(body, Body) else body
    token = make_request_token(
        profile.key,
        iss=profile.handle,
        sub=profile.subject,
        aud=profile.coordinator,
        method=method,
        url=url,
        body=raw,
        now=int(time.time()) - seconds_ago,
    )
    return Signed(token, raw)


@dataclass(slots=True)
class World:
    """One partner's people, and what the coordinator hands out about them (a `KeySource`)."""

    handle: str = "exchange-a.example"
    origin: str = ORIGIN
    key_views: list[KeyView] = field(default_factory=list)
    grant_views: list[GrantView] = field(default_factory=list)
    fetched: int = 0
    root: Profile = field(init=False)

    def __post_init__(self) -> None:
        self.root = new_profile("root", coordinator=self.origin, handle=self.handle, kind="root")
        self.add_key(self.root, is_root=True)

    def keys(self, partner: str | None = None) -> Iterable[KeyView]:
        """Return keys, as `Client.keys`."""
        self.fetched += 1
        return [view for view in self.key_views if partner in {None, view.partner}]

    def grants(self, partner: str | None = None) -> Iterable[GrantView]:
        """Return grants, as `Client.grants`."""
        return [view for view in self.grant_views if partner in {None, view.partner}]

    def person(self, *roles: Role) -> Profile:
        """Return somebody whom the root key granted these roles while joining."""
        profile = new_profile("p", coordinator=self.origin, handle=self.handle, kind="person")
        grant = grant_of(key_request(profile), list(roles))
        joined = Join(
            invitation="i" * 20,
            root_jwk=Jwk.model_validate(self.root.key.public.jwk()),
            grants=[grant],
        )
        self.add_grant(sign(self.root, f"{self.origin}/v1/join", joined), grant)
        self.add_key(profile)
        return profile

    def passkey(self, owner: Profile, passkey: SoftPasskey, *roles: Role) -> None:
        """Have the root key grant somebody a passkey besides their key."""
        request = key_request(owner).model_copy(
            update={
                "jwk": Jwk.model_validate(passkey.jwk),
                "possession": passkey.possession(self.origin, self.handle, owner.subject),
            }
        )
        grant = grant_of(request, list(roles))
        self.add_grant(sign(self.root, f"{self.origin}/v1/grants", grant), grant)
        known = next(view for view in self.key_views if view.subject == owner.subject)
        self.key_views.append(known.model_copy(update={"kid": passkey.kid, "jwk": passkey.jwk}))

    def lead_grant(
        self, proposer: Profile, approver: Profile, grant: Grant, **approval: str
    ) -> None:
        """Have one lead propose a grant and another approve it; `approval` replaces its body."""
        proposal = new_id("grp")
        proposed = sign(proposer, f"{self.origin}/v1/grants", grant)
        body = {"grant_sha256": sha256(proposed.body).hexdigest(), **approval}
        url = f"{self.origin}/v1/grants/{proposal}/approvals"
        approved = sign(approver, url, GrantApproval.model_validate(body))
        self.add_grant(
            proposed,
            grant,
            proposal=proposal,
            approval_token=approved.token,
            approval_body=approved.body.decode(),
        )

    def system(self, owner: Profile) -> Profile:
        """Return a system, granted later."""
        profile = new_profile(
            "s", coordinator=self.origin, handle=self.handle, kind="system", owner=owner.subject
        )
        grant = grant_of(key_request(profile), [Role.SYSTEM])
        self.add_grant(sign(self.root, f"{self.origin}/v1/grants", grant), grant)
        self.add_key(profile)
        return profile

    def give(self, grant: Grant, *, seconds_ago: int = 3_600) -> None:
        """Have the root key grant something, some time ago."""
        url = f"{self.origin}/v1/grants"
        self.add_grant(sign(self.root, url, grant, seconds_ago=seconds_ago), grant)

    def policy(self, *, seconds_ago: int = 3_600, **members: Any) -> None:
        """Have the root key grant a policy, some time ago."""
        self.give(Grant.model_validate({"policy": members}), seconds_ago=seconds_ago)

    def add_grant(self, signed: Signed, grant: Grant, **members: str) -> None:
        """Have the coordinator hand out a grant."""
        self.grant_views.append(
            GrantView.model_validate(
                {
                    "id": new_id("grt"),
                    "partner": self.handle,
                    "subject": grant.subject,
                    "roles": [str(role) for role in grant.roles],
                    "made_at": "2026-01-02T03:04:05Z",
                    "token": signed.token,
                    "body": signed.body.decode(),
                    **members,
                }
            )
        )

    def add_key(self, profile: Profile, *, is_root: bool = False, **members: Any) -> None:
        """Have the coordinator hand out a key."""
        self.key_views.append(
            KeyView.model_validate(
                {
                    "kid": profile.key.kid,
                    "partner": self.handle,
                    "subject": profile.subject,
                    "roles": [],
                    "jwk": profile.key.public.jwk(),
                    "granted_at": "2026-01-02T03:04:05Z",
                    "is_root": is_root,
                    **members,
                }
            )
        )

    def revoke(self, profile: Profile, *, just_now: bool = False) -> None:
        """Have the coordinator say that a key was revoked, long ago or just now."""
        now = datetime.fromtimestamp(time.time(), UTC)
        self.key_views = [
            view.model_copy(update={"revoked_at": now if just_now else view.granted_at})
            if view.kid == profile.key.kid
            else view
            for view in self.key_views
        ]


def request_body(**members: Any) -> bytes:
    """Return a freeze request to exchange B, as bytes."""
    return canonical_json.dumps(
        {
            "nonce": "A" * 22,
            "incident": {"title": "t", "kind": "hack", "occurred_at": "2026-01-02T03:04:05Z"},
            "urgency": "urgent",
            "tlp": "AMBER",
            "summary": "s",
            "to": ["exchange-b.example"],
            "addresses": [{"account": "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"}],
            **members,
        }
    )


def context_hash_of(request_id: str, body: bytes) -> str:
    """Return a hash as of a context: only the requester reads what is in it."""
    return sha256(f"context of {request_id}".encode() + body).hexdigest()


def evidence_of(act: str, signed: Signed, profile: Profile) -> dict[str, Any]:
    """Return an act's evidence as a notice carries it."""
    return {
        "act": act,
        "kid": profile.key.kid,
        "jwk": profile.key.public.jwk(),
        "token": signed.token,
        "body": signed.body.decode(),
    }


def evidence_view(act: str, signed: Signed, profile: Profile, **members: Any) -> EvidenceView:
    """Return an act's evidence as `…/evidence` gives it."""
    return EvidenceView.model_validate(
        {
            "act": act,
            "act_id": new_id("act"),
            "kind": "jws",
            "partner": profile.handle,
            "subject": profile.subject,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            **evidence_of(act, signed, profile),
            **members,
        }
    )
