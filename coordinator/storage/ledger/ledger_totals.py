"""The totals of any scope: sums over *distinct* holds, and what was found there."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NotRequired, TypedDict

from sqlalchemy import (
    Connection,
    Executable,
    Select,
    String,
    Text,
    and_,
    bindparam,
    func,
    literal,
    select,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import BindParameter, ColumnElement

from coordinator.domain.actor import Viewer
from coordinator.domain.usd import usd_text_if_any
from coordinator.storage.engine.base import Base, BaseUnits
from coordinator.storage.engine.batches import batches
from coordinator.storage.requests.leg_limits import is_seen, person_of
from coordinator.storage.tables.freeze_ledger import FindingRow, HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow

#: Sums by asset: amounts in base units, how many are withheld, and `*_usd` in cents.
Totals = dict[str, dict[str, int]]

_LEFT = ("released", "returned", "seized")
_OF_HOLDS = ("frozen", *_LEFT, "frozen_usd", "held_usd", *(f"{name}_usd" for name in _LEFT))
_OF_FINDINGS = ("found", "found_usd")
_PERSON = bindparam("person", type_=String)
_AMOUNTS = ("found", "frozen", "held", *_LEFT)


def totals(
    connection: Connection,
    *,
    request_id: str | None = None,
    leg_id: str | None = None,
    incident_id: str | None = None,
    visible_to: Viewer | None = None,
) -> Totals:
    """Return sums by asset over *distinct* holds in scope, and what was found there.

    Args:
        connection: Any.
        request_id: Everything that counts for this request.
        leg_id: Only for this leg.
        incident_id: For all requests of an incident that `visible_to` may see: as requester all
            legs, as partner asked its own.
        visible_to: See `incident_id`.

    A hold that the requester marked as of the same funds as another's is left out while that one
    is in scope and holds anything; what it holds stands beside, as `same_funds`.
    """
    if incident_id is not None:
        viewer = visible_to or Viewer("", None)
        scope = "incident"
        names = {
            "incident": incident_id,
            "partner": viewer.partner,
            "person": person_of(viewer),
        }
    elif leg_id is not None:
        scope, names = "leg", {"leg": leg_id}
    else:
        scope, names = "request", {"request": request_id or ""}
    findings, holds, left_out = _statements(scope, connection.dialect.name)
    sums: Totals = {}
    for asset, *values in connection.execute(findings, names):
        _add(sums, asset, _OF_FINDINGS, values)
    marked = 0
    for asset, marks, *values in connection.execute(holds, names):
        _add(sums, asset, _OF_HOLDS, values)
        marked += marks
    # Hardly any hold is of the same funds as another: asked of each, it made every sum slower.
    if marked and left_out is not None:
        for asset, *values in connection.execute(left_out, names):
            _set_beside(sums[asset], values)
    return sums


@lru_cache(maxsize=8)
def _statements(scope: str, dialect: str) -> tuple[Executable, Executable, Executable | None]:
    """Return the queries of findings, of distinct holds, and of those of them that are left out.

    Built once: every act's answer has totals, and building costs more than running.
    """
    found_scope: ColumnElement[bool]
    link_scope: ColumnElement[bool]
    if scope == "incident":
        legs = _visible_legs()
        found_scope = FindingRow.leg_id.in_(legs)
        link_scope = HoldLinkRow.leg_id.in_(legs)
    elif scope == "leg":
        found_scope = FindingRow.leg_id == bindparam("leg")
        link_scope = HoldLinkRow.leg_id == bindparam("leg")
    else:
        found_scope = FindingRow.request_id == bindparam("request")
        link_scope = HoldLinkRow.request_id == bindparam("request")
    findings = select(FindingRow.asset, *_findings(dialect)).where(found_scope)
    distinct = HoldRow.id.in_(select(HoldLinkRow.hold_id).where(link_scope))
    marks: ColumnElement[int] = literal(0)
    left_out = None
    if scope != "leg":  # a leg's own sums are its partner's, who knows of no other
        marks = _marks(scope)
        left_out = (
            select(HoldRow.asset, *_holds(dialect))
            .where(distinct, _is_left_out(scope, link_scope))
            .group_by(HoldRow.asset)
        )
    holds = select(HoldRow.asset, marks, *_holds(dialect)).where(distinct).group_by(HoldRow.asset)
    return findings.group_by(FindingRow.asset), holds, left_out


def _marks(scope: str) -> ColumnElement[int]:
    """Return how many holds the reader marked as of the same funds as another.

    Asked of an index of those that are marked: `same_funds_as` stands late in a row, and to read
    it of each hold makes PostgreSQL unpack the whole row.
    """
    marked = aliased(HoldRow)
    query = select(func.count()).where(
        marked.same_funds_as.is_not(None), _are_the_readers(scope, marked.request_id)
    )
    return query.scalar_subquery()


def _are_the_readers(scope: str, request_id: Any) -> ColumnElement[bool]:
    """Return whether a hold is of a request of the reader, who alone could mark it."""
    condition: ColumnElement[bool]
    if scope == "incident":
        condition = request_id.in_(
            select(FreezeRequestRow.id).where(
                FreezeRequestRow.incident_id == bindparam("incident"),
                FreezeRequestRow.requester == bindparam("partner"),
            )
        )
    else:
        condition = request_id == bindparam("request")
    return condition


def _is_left_out(scope: str, link_scope: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether another hold in scope counts in a hold's place; the reader marked it so."""
    own = _are_the_readers(scope, HoldRow.request_id)
    counted = aliased(HoldRow)
    alive = (
        select(counted.id)
        .join(HoldLinkRow, HoldLinkRow.hold_id == counted.id)
        .where(link_scope, ~counted.ended)
    )
    return and_(own, HoldRow.same_funds_as.in_(alive))


def totals_by_leg(connection: Connection, leg_ids: Sequence[str]) -> dict[str, Totals]:
    """Return each leg's own totals, in two queries for up to 400 legs."""
    sums: dict[str, Totals] = {leg_id: {} for leg_id in leg_ids}
    findings, holds = _statements_by_leg(connection.dialect.name)
    for some in batches(leg_ids):
        for leg_id, asset, *values in connection.execute(findings, {"legs": some}):
            _add(sums[leg_id], asset, _OF_FINDINGS, values)
        for leg_id, asset, *values in connection.execute(holds, {"legs": some}):
            _add(sums[leg_id], asset, _OF_HOLDS, values)
    return sums


@lru_cache(maxsize=2)
def _statements_by_leg(dialect: str) -> tuple[Executable, Executable]:
    """Return the queries of findings and of holds of each of `legs`, built once."""
    legs: BindParameter[str] = bindparam("legs", expanding=True)
    findings = (
        select(FindingRow.leg_id, FindingRow.asset, *_findings(dialect))
        .where(FindingRow.leg_id.in_(legs))
        .group_by(FindingRow.leg_id, FindingRow.asset)
    )
    holds = (
        select(HoldLinkRow.leg_id, HoldRow.asset, *_holds(dialect))
        .join(HoldRow, HoldRow.id == HoldLinkRow.hold_id)
        .where(HoldLinkRow.leg_id.in_(legs))
        .group_by(HoldLinkRow.leg_id, HoldRow.asset)
    )
    return findings, holds


class UsdTotals(TypedDict):
    """What the amounts beside it are stated to be worth, None: no value (`views.UsdTotals`)."""

    found: str | None
    frozen: str | None
    held: str | None
    released: str | None
    returned: str | None
    seized: str | None


class AssetTotals(TypedDict):
    """Sums of one asset as they stand on the wire (`views.AssetTotals`)."""

    found: str
    frozen: str
    held: str
    released: str
    returned: str
    seized: str
    withheld: int
    same_funds: NotRequired[str]
    usd: NotRequired[UsdTotals]
    unvalued: int


def as_text(sums: Mapping[str, Mapping[str, int]]) -> dict[str, AssetTotals]:
    """Return totals as they stand on the wire: amounts as decimal strings."""
    return {asset: _as_text(entry) for asset, entry in sorted(sums.items())}


def _as_text(entry: Mapping[str, int]) -> AssetTotals:
    shown: AssetTotals = {
        # Of what is withheld, less may be known to be found than is held.
        "found": str(max(entry["found"] - entry["same_frozen"], 0)),
        "frozen": str(entry["frozen"]),
        "held": str(entry["held"]),
        "released": str(entry["released"]),
        "returned": str(entry["returned"]),
        "seized": str(entry["seized"]),
        "withheld": entry["withheld"],
        "unvalued": entry["unvalued"],
    }
    if entry["same_funds"]:
        shown["same_funds"] = str(entry["same_funds"])
    if any(entry[f"{name}_usd"] for name in _AMOUNTS):
        shown["usd"] = {
            "found": usd_text_if_any(max(entry["found_usd"] - entry["same_frozen_usd"], 0)),
            "frozen": usd_text_if_any(entry["frozen_usd"]),
            "held": usd_text_if_any(entry["held_usd"]),
            "released": usd_text_if_any(entry["released_usd"]),
            "returned": usd_text_if_any(entry["returned_usd"]),
            "seized": usd_text_if_any(entry["seized_usd"]),
        }
    return shown


def _visible_legs() -> Select[Any]:
    partner: ColumnElement[str] = bindparam("partner")
    return (
        select(LegRow.id)
        .join(FreezeRequestRow, FreezeRequestRow.id == LegRow.request_id)
        .where(
            FreezeRequestRow.incident_id == bindparam("incident"),
            (FreezeRequestRow.requester == partner) | (LegRow.partner == partner),
            is_seen(LegRow.request_id, bindparam("partner", type_=String), _PERSON),
        )
    )


def _findings(dialect: str) -> list[ColumnElement[int]]:
    counts = _counts(FindingRow, FindingRow.found, FindingRow.found_usd)
    return [*_sums(dialect, FindingRow, _OF_FINDINGS), *counts]


def _holds(dialect: str) -> list[ColumnElement[int]]:
    return [
        *_sums(dialect, HoldRow, _OF_HOLDS),
        *_counts(HoldRow, HoldRow.frozen, HoldRow.frozen_usd),
    ]


def _sums(dialect: str, table: type[Base], names: Sequence[str]) -> list[ColumnElement[int]]:
    return [_sum(dialect, table.__table__.c[name]).label(name) for name in names]


def _sum(dialect: str, column: ColumnElement[int]) -> ColumnElement[int]:
    summed: ColumnElement[int]
    if dialect == "sqlite":
        # Each row costs a call into Python there, and most of what could have left a hold is 0.
        added = func.sum_units(column, type_=Text()).filter(column != 0)
        summed = func.coalesce(added, "0", type_=BaseUnits())
    else:
        summed = func.coalesce(func.sum(column), 0, type_=BaseUnits())
    return summed


def _counts(table: type[FindingRow | HoldRow], amount: Any, cents: Any) -> list[ColumnElement[int]]:
    """Return how many withhold their amount, and how many state one without a value."""
    return [
        func.count().filter(table.withheld).label("withheld"),
        func.count().filter(amount != 0, cents.is_(None)).label("unvalued"),
    ]


def _add(sums: Totals, asset: str, names: Sequence[str], values: Sequence[int]) -> None:
    """Put the sums of one asset, and last the counts, beside what is there already."""
    entry = sums.setdefault(asset, _nothing())
    *amounts, withheld, unvalued = values
    entry.update(zip(names, amounts, strict=True))
    entry["withheld"] += withheld
    entry["unvalued"] += unvalued
    entry["held"] = entry["frozen"] - sum(entry[name] for name in _LEFT)


def _set_beside(entry: dict[str, int], values: Sequence[int]) -> None:
    """Take the holds that are left out from the sums of their asset, and note what they have."""
    *amounts, withheld, unvalued = values
    left_out = dict(zip(_OF_HOLDS, amounts, strict=True))
    for name, amount in left_out.items():
        entry[name] -= amount
    entry["withheld"] -= withheld
    entry["unvalued"] -= unvalued
    held = left_out["frozen"] - sum(left_out[name] for name in _LEFT)
    entry["held"] -= held
    entry["same_funds"] = held
    entry["same_frozen"], entry["same_frozen_usd"] = left_out["frozen"], left_out["frozen_usd"]


def _nothing() -> dict[str, int]:
    beside = ("same_funds", "same_frozen", "same_frozen_usd")
    dollars = (f"{name}_usd" for name in _AMOUNTS)
    return dict.fromkeys((*_AMOUNTS, *dollars, "withheld", "unvalued", *beside), 0)
