"""What legs answered for each address of a request: findings, holds, and nothing."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.freeze_ledger import (
    FindingRow,
    HoldLinkRow,
    HoldRow,
    NothingRow,
)
from coordinator.storage.tables.freeze_requests import LegRow


class Span(NamedTuple):
    """Addresses of a request by number, and the one leg whose answers are read (None: all)."""

    request_id: str
    first: int
    last: int
    leg_id: str | None


class Found(NamedTuple):
    """What a leg found of an asset for an address."""

    leg_id: str
    partner: str
    address_no: int
    asset: str
    found: int
    withheld: bool


class Frozen(NamedTuple):
    """A hold of a leg for an address."""

    leg_id: str
    partner: str
    address_no: int
    asset: str
    frozen: int
    released: int
    returned: int
    seized: int
    withheld: bool


class Nothing(NamedTuple):
    """An address that a leg answered with nothing, and why."""

    leg_id: str
    partner: str
    address_no: int
    code: str


def findings(connection: Connection, span: Span) -> list[Found]:
    """Return what was found."""
    query = (
        select(
            FindingRow.leg_id,
            LegRow.partner,
            FindingRow.address_no,
            FindingRow.asset,
            FindingRow.found,
            FindingRow.withheld,
        )
        .join(LegRow, LegRow.id == FindingRow.leg_id)
        .where(_is_in(span), FindingRow.address_no.between(span.first, span.last))
    )
    return read_as(connection, Found, query)


def holds(connection: Connection, span: Span) -> list[Frozen]:
    """Return what was frozen, ended holds too."""
    query = (
        select(
            HoldLinkRow.leg_id,
            LegRow.partner,
            HoldLinkRow.address_no,
            HoldRow.asset,
            HoldRow.frozen,
            HoldRow.released,
            HoldRow.returned,
            HoldRow.seized,
            HoldRow.withheld,
        )
        .join(HoldRow, HoldRow.id == HoldLinkRow.hold_id)
        .join(LegRow, LegRow.id == HoldLinkRow.leg_id)
        .where(_is_in(span), HoldLinkRow.address_no.between(span.first, span.last))
    )
    return read_as(connection, Frozen, query)


def nothing(connection: Connection, span: Span) -> list[Nothing]:
    """Return what was answered with nothing."""
    query = (
        select(NothingRow.leg_id, LegRow.partner, NothingRow.address_no, NothingRow.code)
        .join(LegRow, LegRow.id == NothingRow.leg_id)
        .where(_is_in(span), NothingRow.address_no.between(span.first, span.last))
    )
    return read_as(connection, Nothing, query)


def _is_in(span: Span) -> ColumnElement[bool]:
    if span.leg_id is not None:
        return LegRow.id == span.leg_id
    return LegRow.request_id == span.request_id
