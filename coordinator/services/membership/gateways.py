"""Gateways: a member declares on what ground it tells amounts, and the operator verifies it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, NotFoundError
from coordinator.domain.gateway import require_verifiable
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.tag_keys import EVERYBODY
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork, unpack_evidence
from coordinator.services.membership.grants import own_partner
from coordinator.storage.engine.documents import Vault, load
from coordinator.storage.membership import gateways as store
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.tables.gateways import GatewayRow
from holdfast.protocol.gateway_payloads import GatewayDeclaration, GatewayWithdrawal
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, Gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareGateway:
    """A lead or compliance declares a gateway of their organisation."""

    body: GatewayDeclaration


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawGateway:
    """A lead or compliance takes one back."""

    body: GatewayWithdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyGateway:
    """The operator verified a partner's gateway.

    Attributes:
        document_sha256: Tells apart several of the same kind; None where there is one.
        on: The day on which the operator looked.
        until: From then on it counts no more, unless it is verified again.
    """

    partner: str
    gateway: Gateway
    document_sha256: str | None
    on: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndGateway:
    """The operator no longer vouches for a partner's gateway."""

    partner: str
    gateway: Gateway
    document_sha256: str | None


class GatewayView(TypedDict):
    """A gateway with what proves it (`gateway_views.GatewayView`)."""

    id: str
    partner: str
    gateway: Gateway
    document_sha256: str | None
    subject: str
    signed_by: str
    declared_at: str
    verified_at: str | None
    verified_on: str | None
    verified_until: str | None
    ended_at: str | None
    token: str | None
    body: str | None


@handles(DeclareGateway, needs=Permission.GATEWAY_DECLARE)
def declare(command: DeclareGateway, actor: Actor, uow: UnitOfWork) -> Answer:
    """Declare a gateway; it counts once the operator verified it. Twice, it is the same entry."""
    body, partner = command.body, own_partner(uow, actor)
    known = store.alive(uow.connection, partner.handle, body.gateway, body.document_sha256)
    for row in known:
        if row.document_sha256 == body.document_sha256:
            return Answer(200, {**_view(row, None)})
    row = store.insert_gateway(
        uow.connection,
        id=new_id("gtw"),
        partner=partner.handle,
        gateway=body.gateway,
        document_sha256=body.document_sha256,
        subject=actor.subject,
        signed_by=actor.kid,
        declared_at=uow.now,
        verified_at=None,
        verified_on=None,
        verified_until=None,
        ended_at=None,
    )
    key = uow.key(partner.document_key_id)
    told = {**_named(row), "by": actor.subject}
    recorded = uow.record(EventType.GATEWAY_DECLARED, told, key=key, audience=[EVERYBODY])
    store_member_act(uow, actor, MemberAct(row.id, "declare_gateway", row.id), key, recorded)
    return Answer(201, {**_view(row, uow.evidence.packed())}, entry=recorded)


@handles(WithdrawGateway, needs=Permission.GATEWAY_DECLARE)
def withdraw(command: WithdrawGateway, actor: Actor, uow: UnitOfWork) -> Answer:
    """Take a gateway back at once; what was told under it stays told."""
    partner = own_partner(uow, actor)
    row = store.get(uow.connection, command.body.gateway_id, lock=True)
    if row is None or row.partner != partner.handle:
        raise NotFoundError("your organisation has declared no such gateway")
    recorded = _end(uow, row, by=actor.subject)
    act = MemberAct(new_id("act"), "withdraw_gateway", row.id)
    store_member_act(uow, actor, act, uow.key(partner.document_key_id), recorded)
    ended = store.get(uow.connection, row.id) or row
    return Answer(201, {**_view(ended, None)}, entry=recorded)


@handles(VerifyGateway, needs=Permission.GATEWAY_VERIFY)
def verify(command: VerifyGateway, actor: Actor, uow: UnitOfWork) -> Answer:
    """Have a declared gateway count until a time; once more, until a later one."""
    del actor
    on = command.on or uow.now
    require_verifiable(on, command.until, uow.now)
    row = _one_of(uow, command)
    store.change(
        uow.connection,
        row.id,
        verified_at=uow.now,
        verified_on=on,
        verified_until=command.until,
    )
    told = {
        **_named(row),
        "verified_on": format_time(on),
        "verified_until": format_time(command.until),
    }
    recorded = _record(uow, row, EventType.GATEWAY_VERIFIED, told)
    return Answer(200, told, entry=recorded)


@handles(EndGateway, needs=Permission.GATEWAY_VERIFY)
def end(command: EndGateway, actor: Actor, uow: UnitOfWork) -> Answer:
    """Have a gateway count no more; its partner may declare it again."""
    del actor
    row = _one_of(uow, command)
    recorded = _end(uow, row, by=None)
    return Answer(200, _named(row), entry=recorded)


def _one_of(uow: UnitOfWork, command: VerifyGateway | EndGateway) -> GatewayRow:
    """Return the one that the operator means, locked.

    Raises:
        NotFoundError: If there is none.
        ConflictError: If there are several.
    """
    rows = store.alive(uow.connection, command.partner, command.gateway, command.document_sha256)
    if len(rows) > 1:
        hashes = ", ".join(row.document_sha256 or "none" for row in rows)
        raise ConflictError(
            f"{command.partner} has declared {command.gateway.value} more than once: name the"
            f" document by its SHA-256 with --document, one of {hashes}",
            code="several_gateways",
        )
    found = store.get(uow.connection, rows[0].id, lock=True) if rows else None
    if found is None or found.ended_at is not None:
        raise NotFoundError(
            f"{command.partner} has declared no such gateway, or withdrew it: it declares one with"
            " `holdfast gateway declare`"
        )
    return found


def _end(uow: UnitOfWork, row: GatewayRow, *, by: str | None) -> Recorded:
    if row.ended_at is not None:
        raise ConflictError("this gateway has ended already", code="gateway_ended")
    store.change(uow.connection, row.id, ended_at=uow.now)
    return _record(uow, row, EventType.GATEWAY_ENDED, {**_named(row), "by": by})


def _record(
    uow: UnitOfWork, row: GatewayRow, event: EventType, told: dict[str, object]
) -> Recorded:
    partner = partner_store.partner(uow.connection, row.partner)
    if partner is None:
        raise AssertionError("a gateway is a partner's")
    key = uow.key(partner.document_key_id)
    return uow.record(event, told, key=key, audience=[EVERYBODY])


def _named(row: GatewayRow) -> dict[str, object]:
    return {
        "gateway_id": row.id,
        "partner": row.partner,
        "gateway": row.gateway,
        "document_sha256": row.document_sha256,
    }


def gateway_views(
    connection: Connection, vault: Vault, rows: Sequence[GatewayRow]
) -> list[GatewayView]:
    """Return gateways with the token and body that prove each."""
    packed = load(connection, vault, [row.id for row in rows], "evidence")
    return [_view(row, packed.get(row.id)) for row in rows]


def _view(row: GatewayRow, packed: bytes | None) -> GatewayView:
    token, body = (None, None) if packed is None else unpack_evidence(packed)
    return {
        "id": row.id,
        "partner": row.partner,
        "gateway": Gateway(row.gateway),
        "document_sha256": row.document_sha256,
        "subject": row.subject,
        "signed_by": row.signed_by,
        "declared_at": format_time(row.declared_at),
        "verified_at": optional_time(row.verified_at),
        "verified_on": optional_time(row.verified_on),
        "verified_until": optional_time(row.verified_until),
        "ended_at": optional_time(row.ended_at),
        "token": token,
        "body": None if body is None else body.decode(),
    }
