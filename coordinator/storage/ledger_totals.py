"""The totals of any scope: sums over *distinct* holds, and what was found there."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Integer, Row, Select, Text, cast, func, select
from sqlalchemy.sql.elements import ColumnElement

from coordinator.domain.figures import usd_text
from coordinator.storage.base import BaseUnits
from coordinator.storage.tables.freeze_ledger import FindingRow, HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow

#: Sums by asset: amounts in base units, how many are withheld, and `*_usd` in cents.
Totals = dict[str, dict[str, int]]

_CHUNK = 400
_LEFT = ("released", "returned", "seized")
_OF_HOLDS = ("frozen", *_LEFT, "frozen_usd", "held_usd", *(f"{name}_usd" for name in _LEFT))
_OF_FINDINGS = ("found", "found_usd")
_AMOUNTS = ("found", "frozen", "held", *_LEFT)


def totals(
    connection: Connection,
    *,
    request_id: str | None = None,
    leg_id: str | None = None,
    incident_id: str | None = None,
    visible_to: str | None = None,
) -> Totals:
    """Return sums by asset over *distinct* holds in scope, and what was found there.

    Args:
        connection: Any.
        request_id: Everything that counts for this request.
        leg_id: Only for this leg.
        incident_id: For all requests of an incident that `visible_to` may see: as requester all
            legs, as partner asked its own.
        visible_to: See `incident_id`.
    """
    found_scope: ColumnElement[bool]
    link_scope: ColumnElement[bool]
    if incident_id is not None:
        legs = _visible_legs(incident_id, visible_to or "")
        found_scope = FindingRow.leg_id.in_(legs)
        link_scope = HoldLinkRow.leg_id.in_(legs)
    elif leg_id is not None:
        found_scope = FindingRow.leg_id == leg_id
        link_scope = HoldLinkRow.leg_id == leg_id
    else:
        found_scope = FindingRow.request_id == request_id
        link_scope = HoldLinkRow.request_id == request_id
    sums: Totals = {}
    findings = select(FindingRow.asset, *_findings(connection)).where(found_scope)
    for row in connection.execute(findings.group_by(FindingRow.asset)):
        _add(sums, row, _OF_FINDINGS)
    distinct = HoldRow.id.in_(select(HoldLinkRow.hold_id).where(link_scope))
    holds = select(HoldRow.asset, *_holds(connection)).where(distinct)
    for row in connection.execute(holds.group_by(HoldRow.asset)):
        _add(sums, row, _OF_HOLDS)
    return sums


def totals_by_leg(connection: Connection, leg_ids: Sequence[str]) -> dict[str, Totals]:
    """Return each leg's own totals, in two queries for up to 400 legs."""
    sums: dict[str, Totals] = {leg_id: {} for leg_id in leg_ids}
    for start in range(0, len(leg_ids), _CHUNK):
        some = leg_ids[start : start + _CHUNK]
        findings = (
            select(FindingRow.leg_id, FindingRow.asset, *_findings(connection))
            .where(FindingRow.leg_id.in_(some))
            .group_by(FindingRow.leg_id, FindingRow.asset)
        )
        for row in connection.execute(findings):
            _add(sums[row.leg_id], row, _OF_FINDINGS)
        holds = (
            select(HoldLinkRow.leg_id, HoldRow.asset, *_holds(connection))
            .join(HoldRow, HoldRow.id == HoldLinkRow.hold_id)
            .where(HoldLinkRow.leg_id.in_(some))
            .group_by(HoldLinkRow.leg_id, HoldRow.asset)
        )
        for row in connection.execute(holds):
            _add(sums[row.leg_id], row, _OF_HOLDS)
    return sums


def as_text(sums: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, Any]]:
    """Return totals as they stand on the wire: amounts as decimal strings (`views.AssetTotals`)."""
    return {asset: _as_text(entry) for asset, entry in sorted(sums.items())}


def _as_text(entry: Mapping[str, int]) -> dict[str, Any]:
    shown: dict[str, Any] = {name: str(entry[name]) for name in _AMOUNTS}
    shown["withheld"] = entry["withheld"]
    if any(entry[f"{name}_usd"] for name in _AMOUNTS):
        shown["usd"] = {name: usd_text(entry[f"{name}_usd"]) for name in _AMOUNTS}
    return shown


def _visible_legs(incident_id: str, partner: str) -> Select[Any]:
    return (
        select(LegRow.id)
        .join(FreezeRequestRow, FreezeRequestRow.id == LegRow.request_id)
        .where(
            FreezeRequestRow.incident_id == incident_id,
            (FreezeRequestRow.requester == partner) | (LegRow.partner == partner),
        )
    )


def _findings(connection: Connection) -> list[ColumnElement[int]]:
    return [*_sums(connection, FindingRow, _OF_FINDINGS), _withheld(FindingRow)]


def _holds(connection: Connection) -> list[ColumnElement[int]]:
    return [*_sums(connection, HoldRow, _OF_HOLDS), _withheld(HoldRow)]


def _sums(connection: Connection, table: Any, names: Sequence[str]) -> list[ColumnElement[int]]:
    return [_sum(connection, getattr(table, name)).label(name) for name in names]


def _sum(connection: Connection, column: Any) -> ColumnElement[int]:
    summed: ColumnElement[int]
    if connection.dialect.name == "sqlite":
        # Each row costs a call into Python there, and most of what could have left a hold is 0.
        added = func.sum_units(column, type_=Text()).filter(column != 0)
        summed = func.coalesce(added, "0", type_=BaseUnits())
    else:
        summed = func.coalesce(func.sum(column), 0, type_=BaseUnits())
    return summed


def _withheld(table: Any) -> ColumnElement[int]:
    counted: ColumnElement[int] = func.sum(cast(table.withheld, Integer)).label("withheld")
    return counted


def _add(sums: Totals, row: Row[*tuple[Any, ...]], names: Sequence[str]) -> None:
    """Put the sums of one asset beside what is there of it already."""
    entry = sums.setdefault(row.asset, _nothing())
    entry |= {name: getattr(row, name) for name in names}
    entry["withheld"] += int(row.withheld)
    entry["held"] = entry["frozen"] - sum(entry[name] for name in _LEFT)


def _nothing() -> dict[str, int]:
    return dict.fromkeys((*_AMOUNTS, *(f"{name}_usd" for name in _AMOUNTS), "withheld"), 0)
