"""What the operator sees of gateways: what members declared, and what of it is to be verified."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from coordinator.operations.preparation import open_migrated
from coordinator.rulebook_files import read_rulebook
from coordinator.settings import Settings, clock_of
from coordinator.storage.membership import gateways as store


@dataclass(frozen=True, slots=True)
class Declared:
    """One gateway that has not ended."""

    id: str
    partner: str
    gateway: str
    document_sha256: str | None
    declared_at: datetime
    verified_on: datetime | None
    verified_until: datetime | None
    state: Literal["to verify", "verified", "lapsed"]


@dataclass(frozen=True, slots=True)
class Overview:
    """All of them, and whether the network asks for any."""

    are_asked_for: bool
    gateways: Sequence[Declared]


def declared(settings: Settings) -> Overview:
    """Return every gateway that has not ended, by partner."""
    database, now = open_migrated(settings), clock_of(settings).now()
    try:
        with database.engine.connect() as connection:
            rows = store.all_alive(connection)
    finally:
        database.engine.dispose()
    return Overview(
        read_rulebook().policies.amounts_need_gateway,
        [
            Declared(
                row.id,
                row.partner,
                row.gateway,
                row.document_sha256,
                row.declared_at,
                row.verified_on,
                row.verified_until,
                "to verify"
                if row.verified_until is None
                else "verified"
                if now < row.verified_until
                else "lapsed",
            )
            for row in rows
        ],
    )
