"""Gateways that members declared, and which of them count."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from coordinator.domain.gateway import HeldGateway
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import fields_from, read, read_as, read_one
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.gateways import GatewayRow
from holdfast.protocol.vocabulary import Gateway


class DeclaredGateway(NamedTuple):
    """A gateway as the directory shows it."""

    id: str
    partner: str
    gateway: str
    document_sha256: str | None
    declared_at: datetime
    verified_at: datetime | None
    verified_until: datetime | None


def insert_gateway(connection: Connection, **values: Any) -> GatewayRow:
    """Store a declared gateway and return its row."""
    connection.execute(insert(GatewayRow).values(**values))
    return new_row(GatewayRow, values)


def get(connection: Connection, gateway_id: str, *, lock: bool = False) -> GatewayRow | None:
    """Return one gateway; locked, nobody else verifies or ends it meanwhile."""
    query = select(GatewayRow).where(GatewayRow.id == gateway_id)
    return read_one(connection, query.with_for_update() if lock else query)


def alive(
    connection: Connection, partner: str, gateway: Gateway, document_sha256: str | None
) -> list[GatewayRow]:
    """Return a partner's gateways of a kind that have not ended.

    With a hash only those that name this document.
    """
    query = select(GatewayRow).where(
        GatewayRow.partner == partner, GatewayRow.gateway == gateway, GatewayRow.ended_at.is_(None)
    )
    if document_sha256 is not None:
        query = query.where(GatewayRow.document_sha256 == document_sha256)
    return read(connection, query.order_by(GatewayRow.id))


def change(connection: Connection, gateway_id: str, **values: Any) -> None:
    """Store that a gateway was verified, or ended."""
    connection.execute(update(GatewayRow).where(GatewayRow.id == gateway_id).values(**values))


def page(
    connection: Connection, partner: str | None, *, after: str, limit: int
) -> list[GatewayRow]:
    """Return gateways of one partner or of all, ended ones too, in the order they came in."""
    query = select(GatewayRow).where(GatewayRow.id > after)
    if partner is not None:
        query = query.where(GatewayRow.partner == partner)
    return read(connection, query.order_by(GatewayRow.id).limit(limit))


def declared(
    connection: Connection, partners: Collection[str]
) -> Mapping[str, Sequence[DeclaredGateway]]:
    """Return the gateways of partners that have not ended, by handle."""
    found: dict[str, list[DeclaredGateway]] = {}
    fields = fields_from(DeclaredGateway, GatewayRow)
    for some in batches(sorted(partners)):
        query = (
            select(*fields)
            .where(GatewayRow.partner.in_(some), GatewayRow.ended_at.is_(None))
            .order_by(GatewayRow.id)
        )
        for row in read_as(connection, DeclaredGateway, query):
            found.setdefault(row.partner, []).append(row)
    return found


def held(
    connection: Connection, partners: Collection[str], now: datetime
) -> Mapping[str, Sequence[HeldGateway]]:
    """Return which gateways of partners count now, by handle."""
    return {
        handle: [
            HeldGateway(Gateway(each.gateway), each.document_sha256)
            for each in rows
            if each.verified_until is not None and now < each.verified_until
        ]
        for handle, rows in declared(connection, partners).items()
    }


def all_alive(connection: Connection) -> list[GatewayRow]:
    """Return all gateways that have not ended, by partner."""
    query = select(GatewayRow).where(GatewayRow.ended_at.is_(None))
    return read(connection, query.order_by(GatewayRow.partner, GatewayRow.id))
