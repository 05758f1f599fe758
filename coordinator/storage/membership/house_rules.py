"""Editions of the network's rulebook, and who accepted which."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, exists, insert, select

from coordinator.domain.house_rules import PublishedRulebook
from coordinator.storage.engine.reads import fields_from, read, read_as, read_one
from coordinator.storage.tables.house_rules import RulebookAcceptanceRow, RulebookRow
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol.vocabulary import PartnerStatus


class AcceptedRulebook(NamedTuple):
    """That a partner accepted an edition; `subject` is None where its root key did, joining."""

    id: str
    partner: str
    sha256: str
    subject: str | None
    signed_by: str
    accepted_at: datetime
    proven_by: str


def published(connection: Connection) -> list[PublishedRulebook]:
    """Return all editions, by when they come into force; there are few."""
    query = select(*fields_from(PublishedRulebook, RulebookRow))
    return read_as(connection, PublishedRulebook, query.order_by(RulebookRow.in_force_from))


def text_of(connection: Connection, sha256: str) -> str:
    """Return the text of an edition that was published."""
    query = select(RulebookRow.text).where(RulebookRow.sha256 == sha256).limit(1)
    return connection.execute(query).scalar_one()


def insert_rulebook(connection: Connection, **values: Any) -> None:
    """Store one edition."""
    connection.execute(insert(RulebookRow).values(**values))


def has_accepted(connection: Connection, partner: str, sha256: str) -> bool:
    """Tell whether a partner accepted an edition."""
    accepted = exists().where(
        RulebookAcceptanceRow.partner == partner, RulebookAcceptanceRow.sha256 == sha256
    )
    return bool(connection.execute(select(accepted)).scalar())


def find_acceptance(
    connection: Connection, partner: str, sha256: str
) -> RulebookAcceptanceRow | None:
    """Return a partner's acceptance of an edition."""
    query = select(RulebookAcceptanceRow).where(
        RulebookAcceptanceRow.partner == partner, RulebookAcceptanceRow.sha256 == sha256
    )
    return read_one(connection, query)


def insert_acceptance(connection: Connection, accepted: AcceptedRulebook) -> None:
    """Store that a partner accepted an edition."""
    connection.execute(insert(RulebookAcceptanceRow).values(**accepted._asdict()))


def acceptances(
    connection: Connection, partner: str | None, *, after: str, limit: int
) -> list[RulebookAcceptanceRow]:
    """Return acceptances of one partner or of all, in the order in which they came."""
    query = select(RulebookAcceptanceRow).where(RulebookAcceptanceRow.id > after)
    if partner is not None:
        query = query.where(RulebookAcceptanceRow.partner == partner)
    return read(connection, query.order_by(RulebookAcceptanceRow.id).limit(limit))


def without_acceptance(connection: Connection, sha256: str) -> list[str]:
    """Return the active partners that have not accepted an edition, by handle."""
    accepted = exists().where(
        RulebookAcceptanceRow.partner == PartnerRow.handle, RulebookAcceptanceRow.sha256 == sha256
    )
    query = select(PartnerRow.handle).where(PartnerRow.status == PartnerStatus.ACTIVE, ~accepted)
    return list(connection.execute(query.order_by(PartnerRow.handle)).scalars())
