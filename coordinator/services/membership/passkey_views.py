"""Passkeys as their organisation reads them: pending, good or taken away."""

from collections.abc import Sequence
from typing import Literal, TypedDict

from sqlalchemy import Connection

from coordinator.storage.console.passkeys import PasskeyOfPartner
from coordinator.storage.engine.documents import Vault, load
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import format_time, optional_time

#: The sealed document that says what its owner calls a passkey; it is found by the kid.
PASSKEY_NAME = "passkey_name"


class PasskeyView(TypedDict):
    """One passkey (`views.PasskeyView`)."""

    kid: str
    person: str
    status: Literal["pending", "good", "revoked"]
    display_name: str | None
    jwk: strict_json.JsonObject
    possession: str
    is_backed_up: bool
    made_at: str
    used_at: str | None
    granted_at: str | None
    revoked_at: str | None


def passkey_views(
    connection: Connection, vault: Vault, rows: Sequence[PasskeyOfPartner]
) -> list[PasskeyView]:
    """Return passkeys with what their owners call them, in one query for all."""
    names = load(connection, vault, [row.kid for row in rows], PASSKEY_NAME)
    return [_passkey_view(row, names.get(row.kid)) for row in rows]


def _passkey_view(row: PasskeyOfPartner, name: bytes | None) -> PasskeyView:
    ended_at = row.revoked_at or row.person_revoked_at
    return {
        "kid": row.kid,
        "person": row.person,
        "status": "pending" if row.granted_at is None else "revoked" if ended_at else "good",
        "display_name": None if name is None else name.decode(),
        "jwk": row.jwk,
        "possession": row.possession,
        "is_backed_up": row.is_backed_up,
        "made_at": format_time(row.made_at),
        "used_at": optional_time(row.used_at),
        "granted_at": optional_time(row.granted_at),
        "revoked_at": optional_time(ended_at),
    }
