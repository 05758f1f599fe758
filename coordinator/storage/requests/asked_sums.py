"""How much requests ask for, by asset: what their flagged addresses state."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, exists, func, select

from coordinator.storage.engine.reads import read_as
from coordinator.storage.engine.sums import sum_units
from coordinator.storage.tables.freeze_requests import FlaggedAddressRow
from coordinator.storage.tables.life_cycle import LeftOutAddressRow, WithdrawnAddressRow


class AskedSum(NamedTuple):
    """How much of one asset a request asks for, and how many of its addresses say so."""

    request_id: str
    asset: str
    amount: int
    stated: int


class StatedWorth(NamedTuple):
    """What a request is stated to be worth in US cents, and how many of its addresses say so."""

    request_id: str
    usd_cents: int
    valued: int


def asked_sums(connection: Connection, request_ids: Sequence[str]) -> list[AskedSum]:
    """Return what requests ask for; addresses that were left out or taken back count no more."""
    query = (
        select(
            FlaggedAddressRow.request_id,
            FlaggedAddressRow.asset,
            sum_units(connection, FlaggedAddressRow.amount).label("amount"),
            func.count().label("stated"),
        )
        .where(
            FlaggedAddressRow.request_id.in_(request_ids),
            FlaggedAddressRow.asset.is_not(None),
            FlaggedAddressRow.amount.is_not(None),
            *_still_asked(),
        )
        .group_by(FlaggedAddressRow.request_id, FlaggedAddressRow.asset)
        .order_by(FlaggedAddressRow.request_id, FlaggedAddressRow.asset)
    )
    return read_as(connection, AskedSum, query)


def stated_worths(connection: Connection, request_ids: Sequence[str]) -> list[StatedWorth]:
    """Return what requests are worth where their authors say so; what is gone counts no more."""
    query = (
        select(
            FlaggedAddressRow.request_id,
            sum_units(connection, FlaggedAddressRow.usd_cents).label("usd_cents"),
            func.count().label("valued"),
        )
        .where(
            FlaggedAddressRow.request_id.in_(request_ids),
            FlaggedAddressRow.usd_cents.is_not(None),
            *_still_asked(),
        )
        .group_by(FlaggedAddressRow.request_id)
    )
    return read_as(connection, StatedWorth, query)


def _still_asked() -> list[Any]:
    """Return the conditions under which an address was neither left out nor taken back."""
    return [
        ~exists().where(
            row.request_id == FlaggedAddressRow.request_id,
            row.address_no == FlaggedAddressRow.address_no,
        )
        for row in (LeftOutAddressRow, WithdrawnAddressRow)
    ]
