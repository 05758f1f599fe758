"""Keys that evidence is sealed to: a security lead says which one is their organisation's.

Whoever has its private half reads what is sealed to the partner, so it is a lead's act, told to all
members at once, its own colleagues among them. The private half never comes here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, FieldFault, InvalidInputError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.tag_keys import EVERYBODY
from coordinator.services.core.unit_of_work import Answer, UnitOfWork, unpack_evidence
from coordinator.services.membership.grants import own_partner
from coordinator.storage.engine.documents import Vault, load
from coordinator.storage.membership import encryption_keys as store
from coordinator.storage.tables.partners import EncryptionKeyRow
from holdfast.protocol.encryption_key import EncryptionKey
from holdfast.protocol.errors import KeyFormatError
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.sealed_payloads import NewEncryptionKey
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEncryptionKey:
    """A lead publishes a key, in the place of the one in force."""

    body: NewEncryptionKey
    key: EncryptionKey


class EncryptionKeyView(TypedDict):
    """What evidence is sealed to for a partner (`views.EncryptionKeyView`)."""

    kid: str
    partner: str
    jwk: JsonObject
    set_at: str
    replaced_at: str | None
    subject: str
    signed_by: str
    token: str | None
    body: str | None


def checked_key(body: NewEncryptionKey) -> EncryptionKey:
    """Return the key that a body holds.

    Raises:
        InvalidInputError: If nothing may be sealed to it.
    """
    try:
        return EncryptionKey.from_jwk(body.jwk.model_dump())
    except KeyFormatError as error:
        raise InvalidInputError(
            str(error), errors=[FieldFault("/jwk", str(error), "bad_key")]
        ) from (None)


@handles(SetEncryptionKey, needs=Permission.ENCRYPTION_KEY_SET)
def set_key(command: SetEncryptionKey, actor: Actor, uow: UnitOfWork) -> Answer:
    """Put a key in force; what was sealed to the one before still opens with that."""
    body, key = command.body, command.key
    partner = own_partner(uow, actor)
    present = store.in_force(uow.connection, [partner.handle]).get(partner.handle)
    if store.find(uow.connection, key.kid) is not None:
        raise ConflictError("this key was published before; make a new one", code="known_key")
    if body.replaces != present:
        is_named = f"replaces must name the key in force, {present}"
        raise ConflictError(
            is_named if present else "no key is in force: leave replaces null", code="other_key"
        )
    if present is not None:
        store.replace(uow.connection, present, uow.now)
    act = MemberAct(new_id("enk"), "set_encryption_key", key.kid)
    row = store.insert_key(
        uow.connection,
        kid=key.kid,
        partner=partner.handle,
        jwk=key.jwk(),
        act_id=act.id,
        subject=actor.subject,
        signed_by=actor.kid,
        set_at=uow.now,
        replaced_at=None,
    )
    data_key = uow.key(partner.document_key_id)
    told = {
        "partner": partner.handle,
        "by": actor.subject,
        "kid": key.kid,
        "replaces": present,
    }
    recorded = uow.record(
        EventType.PARTNER_ENCRYPTION_KEY_SET, told, key=data_key, audience=[EVERYBODY]
    )
    store_member_act(uow, actor, act, data_key, recorded)
    return Answer(201, _view(row, uow.evidence.packed()), entry=recorded)


def encryption_key_views(
    connection: Connection, vault: Vault, rows: Sequence[EncryptionKeyRow]
) -> list[EncryptionKeyView]:
    """Return keys with the token and body that prove each."""
    packed = load(connection, vault, [row.act_id for row in rows], "evidence")
    return [_view(row, packed.get(row.act_id)) for row in rows]


def _view(row: EncryptionKeyRow, packed: bytes | None) -> EncryptionKeyView:
    token, body = (None, None) if packed is None else unpack_evidence(packed)
    return {
        "kid": row.kid,
        "partner": row.partner,
        "jwk": row.jwk,
        "set_at": format_time(row.set_at),
        "replaced_at": optional_time(row.replaced_at),
        "subject": row.subject,
        "signed_by": row.signed_by,
        "token": token,
        "body": None if body is None else body.decode(),
    }
