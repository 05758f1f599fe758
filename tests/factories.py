"""The cast: four exchanges with their people, and what they send."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from coordinator.domain.actor import COORDINATOR, Actor, ActorKind
from coordinator.domain.clock import Clock
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import Evidence, transaction
from coordinator.services.membership.partners import ConfirmPartner, InvitePartner, JoinNetwork
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol import canonical_json, membership_payloads, strict_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.proof_of_possession import make_possession
from holdfast.protocol.request_token import body_sha256, make_request_token
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import PartnerKind, Role
from tests import rulebook
from tests.passkeys import SoftPasskey
from tests.rulebook import command_context

ORIGIN = rulebook.ORIGIN
#: When tests begin.
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HANDLES = ("exchange-a.example", "exchange-b.example", "exchange-c.example", "exchange-d.example")
#: One of the addresses that the FBI published after the theft of February 2025.
ACCOUNT = "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
ETHER = "eip155:1/slip44:60"


@dataclass(frozen=True, slots=True)
class Member:
    """Someone who signs: a person or system with a key, a person perhaps with a passkey.

    Attributes:
        passkey: What signs in place of a request token; `key` is then its own.
    """

    handle: str
    subject: str
    key: PrivateKey
    roles: tuple[Role, ...]
    owner: str | None = None
    passkey: SoftPasskey | None = None

    def with_passkey(self, passkey: SoftPasskey) -> "Member":
        """Return the same person, who signs with a passkey."""
        return replace(self, key=passkey.key, passkey=passkey)

    @property
    def actor(self) -> Actor:
        """The same, as handlers know them."""
        kind = {"per": ActorKind.PERSON, "sys": ActorKind.SYSTEM}
        return Actor(
            partner=self.handle,
            subject=self.subject,
            kid=self.key.kid,
            kind=kind.get(self.subject[:3], ActorKind.ROOT),
            roles=frozenset(self.roles),
            owner=self.owner,
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """One partner of the cast."""

    handle: str
    root: Member
    analyst: Member
    lead: Member
    second_lead: Member
    compliance: Member
    auditor: Member
    system: Member

    @property
    def people(self) -> dict[str, Member]:
        """Everybody who signs for it but the root key, by role."""
        return {
            "analyst": self.analyst,
            "security_lead": self.lead,
            "compliance": self.compliance,
            "auditor": self.auditor,
            "system": self.system,
        }


@dataclass(frozen=True, slots=True)
class Cast:
    """Exchanges A to D, all active."""

    a: Exchange
    b: Exchange
    c: Exchange
    d: Exchange

    @property
    def all(self) -> tuple[Exchange, ...]:
        """All four."""
        return (self.a, self.b, self.c, self.d)


def new_exchange(handle: str) -> Exchange:
    """Return an exchange with fresh keys; nobody knows it yet."""

    def member(prefix: str, *roles: Role, owner: str | None = None) -> Member:
        return Member(handle, new_id(prefix), PrivateKey.generate(), roles, owner)

    lead = member("per", Role.SECURITY_LEAD)
    return Exchange(
        handle=handle,
        root=Member(handle, handle, PrivateKey.generate(), ()),
        analyst=member("per", Role.ANALYST),
        lead=lead,
        second_lead=member("per", Role.SECURITY_LEAD),
        compliance=member("per", Role.COMPLIANCE),
        auditor=member("per", Role.AUDITOR),
        system=member("sys", Role.SYSTEM, owner=lead.subject),
    )


def grant_body(member: Member) -> dict[str, Any]:
    """Return the grant of one member's key and roles."""
    about = {"audience": ORIGIN, "handle": member.handle, "subject": member.subject}
    body: dict[str, Any] = {
        "subject": member.subject,
        "roles": [r.value for r in member.roles],
        "jwk": member.key.public.jwk(),
        "possession": make_possession(member.key, **about),
    }
    if member.passkey is not None:
        body |= {"jwk": member.passkey.jwk, "possession": member.passkey.possession(**about)}
    if member.owner is not None:
        body["owner"] = member.owner
    return body


def join_body(exchange: Exchange, invitation: str) -> dict[str, Any]:
    """Return the body of POST /v1/join with everybody of `exchange`."""
    members = [
        *(exchange.lead, exchange.second_lead, exchange.analyst),
        *(exchange.compliance, exchange.auditor, exchange.system),
    ]
    return {
        "invitation": invitation,
        "root_jwk": exchange.root.key.public.jwk(),
        "grants": [grant_body(member) for member in members],
    }


def invite(
    database: Database,
    vault: Vault,
    clock: Clock,
    handle: str,
    kind: PartnerKind = PartnerKind.EXCHANGE,
) -> str:
    """Invite a partner as the operator does; returns the invitation code."""
    with transaction(command_context(database, vault, clock)) as uow:
        command = InvitePartner(handle=handle, name=handle.title(), kind=kind, jurisdiction="EU")
        answer = execute(command, COORDINATOR, uow)
        uow.finish(answer)
    return str(answer.body["invitation"])


def admit(
    database: Database,
    vault: Vault,
    clock: Clock,
    exchange: Exchange,
    kind: PartnerKind = PartnerKind.EXCHANGE,
) -> None:
    """Have an exchange invited, joined and confirmed, by the commands that do it for real."""
    code = invite(database, vault, clock, exchange.handle, kind)
    raw = canonical_json.dumps(join_body(exchange, code))
    token = request_token(exchange.root, "POST", "/v1/join", raw, clock)
    evidence = Evidence(token, raw, body_sha256(raw))
    with transaction(command_context(database, vault, clock), evidence) as uow:
        joining = JoinNetwork(
            handle=exchange.handle,
            body=membership_payloads.Join.model_validate(strict_json.loads(raw)),
            root_key=exchange.root.key.public,
            audience=ORIGIN,
        )
        uow.finish(execute(joining, exchange.root.actor, uow))
    with transaction(command_context(database, vault, clock)) as uow:
        confirming = ConfirmPartner(handle=exchange.handle, thumbprint=exchange.root.key.kid)
        uow.finish(execute(confirming, COORDINATOR, uow))
    # The cast chose to be named in statistics; by default nobody is.
    with database.writing() as connection, connection.begin():
        named = update(PartnerRow).where(PartnerRow.handle == exchange.handle)
        connection.execute(named.values(named_in_statistics=True))


def request_token(member: Member, method: str, path: str, body: bytes, clock: Clock) -> str:
    """Return a token of `member` over one HTTP request, or over the act that it would carry."""
    if member.passkey is not None:
        return member.passkey.sign_act(
            aud=ORIGIN,
            method=method,
            path=path,
            body=body,
            partner=member.handle,
            person=member.subject,
            now=int(clock.now().timestamp()),
        )
    return make_request_token(
        member.key,
        iss=member.handle,
        sub=member.subject,
        aud=ORIGIN,
        method=method,
        url=ORIGIN + path,
        body=body,
        now=int(clock.now().timestamp()),
    )


@dataclass(slots=True)
class Signer:
    """Sends signed requests through a test client."""

    client: FlaskClient
    clock: Clock
    sent: list[TestResponse] = field(default_factory=list)

    def send(  # noqa: PLR0913 - what a request consists of
        self,
        member: Member,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """Sign and send; `body` is bytes as they are, or JSON; `key` is the Idempotency-Key."""
        raw = b"" if body is None else body
        if not isinstance(raw, bytes):
            raw = canonical_json.dumps(raw)
        token = request_token(member, method, path, raw, self.clock)
        fields = {"Authorization": f"Bearer {token}"}
        if method != "GET":
            fields["Idempotency-Key"] = key or secrets.token_hex(16)
        if raw:
            fields["Content-Type"] = "application/json"
        fields |= headers or {}
        response = self.client.open(path, method=method, data=raw or None, headers=fields)
        self.sent.append(response)
        return response

    def get(self, member: Member, path: str) -> TestResponse:
        """Sign and send a GET."""
        return self.send(member, "GET", path)

    def post(
        self, member: Member, path: str, body: Any = None, *, key: str | None = None
    ) -> TestResponse:
        """Sign and send a POST."""
        return self.send(member, "POST", path, body, key=key)


def nonce() -> str:
    """Return 16 random bytes as base64url."""
    return urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()


def freeze_request_body(**changes: Any) -> dict[str, Any]:
    """Return a valid freeze request of exchange A to B, C and D; `changes` replace members."""
    body: dict[str, Any] = {
        "nonce": nonce(),
        "incident": {
            "title": "Cold wallet theft",
            "kind": "hack",
            "occurred_at": "2026-03-02T09:00:00Z",
            "reference": "CASE 7",
        },
        "urgency": "urgent",
        "tlp": "AMBER+STRICT",
        "summary": "Proceeds of the theft, split over several accounts.",
        "to": list(HANDLES[1:]),
        "addresses": [
            {"account": ACCOUNT, "asset": ETHER, "amount": "10000000000000000000000"},
        ],
        "hold": {"hours": 72},
        "support": "order_applied",
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}
