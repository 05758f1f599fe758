"""Statistics of how partners answered; they add up to the ledger's own totals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.durations import milliseconds, percentile
from coordinator.domain.usd import usd_text_if_any
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.reading import statistics as store
from coordinator.storage.reading.statistics import (
    AskedSum,
    CountedLeg,
    FrozenRequest,
    SameFundsSum,
    Scope,
)
from holdfast.protocol.vocabulary import NO_MATCH_CODES, DeclineCode, LegStatus

_AMOUNTS: tuple[Literal["asked", "found", "frozen", "released", "returned", "restored"], ...] = (
    "asked",
    "found",
    "frozen",
    "released",
    "returned",
    "restored",
)
#: Of a leg's holds of an asset, none counts elsewhere.
_NOTHING_TWICE = SameFundsSum("", "", 0, None, None, None, None, None, 0, 0)
#: Stands where an asset's id does, for sums in US dollars.
_DOLLARS = ""


class Durations(TypedDict):
    """How long something took, in milliseconds (`life_cycle_views.Durations`)."""

    count: int
    median_ms: int | None
    p90_ms: int | None


class InTime(TypedDict):
    """How many were awaited, and how many of them came in time (`life_cycle_views.InTime`)."""

    count: int
    in_time: int


class AssetFigures(TypedDict):
    """Sums of one asset as they stand on the wire (`life_cycle_views.AssetFigures`)."""

    asked: str
    found: str
    frozen: str
    released: str
    returned: str
    restored: str
    withheld: int


class UsdFigures(TypedDict):
    """Sums in US dollars as they stand on the wire (`life_cycle_views.UsdFigures`).

    A sum that nothing values is None, and `unvalued` counts what states an amount and no value.
    """

    asked: str | None
    found: str | None
    frozen: str | None
    released: str | None
    returned: str | None
    restored: str | None
    unvalued: int


class StatisticsRow(TypedDict):
    """One partner's answers of one urgency and month (`life_cycle_views.StatisticsRow`)."""

    partner: str | None
    urgency: str
    month: str | None
    legs: int
    acknowledged: Durations
    acknowledged_in_time: InTime
    answered: Durations
    answered_in_time: InTime
    first_freeze: Durations
    first_return: Durations
    restored: Durations
    assets: Mapping[str, AssetFigures]
    usd: UsdFigures
    declined: Mapping[str, int]
    nothing: Mapping[str, int]


class RequesterFigures(TypedDict):
    """How often a requester flagged the wrong account (`life_cycle_views.RequesterFigures`)."""

    requester: str | None
    frozen_requests: int
    wrong_requests: int
    frozen_addresses: int
    wrong_addresses: int


class StatisticsView(TypedDict):
    """Rows and totals over the legs that a member may see (`life_cycle_views.StatisticsView`)."""

    from_month: str
    to_month: str
    rows: Sequence[StatisticsRow]
    acknowledged: Durations
    answered: Durations
    first_freeze: Durations
    first_return: Durations
    restored: Durations
    requesters: Sequence[RequesterFigures]
    totals: Mapping[str, AssetFigures]
    usd: UsdFigures


class YearlyAssetFigures(TypedDict, total=False):
    """Those sums of one asset that come from many (`life_cycle_views.YearlyAssetFigures`)."""

    asked: str
    found: str
    frozen: str
    released: str
    returned: str
    restored: str
    withheld: int


class YearlyUsdFigures(TypedDict, total=False):
    """Those sums in US dollars that come from many (`life_cycle_views.YearlyUsdFigures`)."""

    asked: str
    found: str
    frozen: str
    released: str
    returned: str
    restored: str


class YearlyPartner(TypedDict):
    """A partner that is named in a public year (`life_cycle_views.YearlyPartner`)."""

    partner: str
    cases: int
    acknowledged: Durations
    first_freeze: Durations
    first_return: Durations
    restored: Durations


class YearlySummary(TypedDict):
    """What the public reads of a year (`life_cycle_views.YearlySummary`).

    What may be absent is so where there were few cases.
    """

    year: int
    named_from_cases: int
    requests: int
    cases: int
    acknowledged: NotRequired[Durations]
    first_freeze: NotRequired[Durations]
    first_return: NotRequired[Durations]
    restored: NotRequired[Durations]
    assets: NotRequired[Mapping[str, YearlyAssetFigures]]
    usd: NotRequired[YearlyUsdFigures]
    declined: NotRequired[Mapping[str, int]]
    nothing: NotRequired[Mapping[str, int]]
    partners: Sequence[YearlyPartner]


@dataclass(slots=True)
class Figures:
    """What is known of some legs, to be added up and shown.

    Attributes:
        stated_by: The partners behind each sum that is not 0, by (asset or `_DOLLARS`, name).
    """

    legs: int = 0
    acknowledged: list[int] = field(default_factory=list)
    acknowledged_in_time: list[bool] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    answered_in_time: list[bool] = field(default_factory=list)
    first_freeze: list[int] = field(default_factory=list)
    first_return: list[int] = field(default_factory=list)
    restored: list[int] = field(default_factory=list)
    assets: dict[str, dict[str, int]] = field(default_factory=dict)
    usd: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_AMOUNTS, 0))
    unvalued: int = 0
    declined: dict[str, int] = field(default_factory=dict)
    nothing: dict[str, int] = field(default_factory=dict)
    stated_by: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def add(self, asset: str, name: str, value: int, partner: str) -> None:
        """Add an amount that a partner stated, or to the count of those that it withheld."""
        self._add_to_asset(asset, name, value)
        self._note(asset, name, value, partner)

    def add_usd(self, name: str, cents: int | None, partner: str) -> None:
        """Add a value in cents; None where none was stated."""
        self.usd[name] += cents or 0
        self._note(_DOLLARS, name, cents or 0, partner)

    def _add_to_asset(self, asset: str, name: str, value: int) -> None:
        sums = self.assets.setdefault(asset, dict.fromkeys((*_AMOUNTS, "withheld"), 0))
        sums[name] += value

    def _note(self, asset: str, name: str, value: int, partner: str) -> None:
        if value:
            self.stated_by.setdefault((asset, name), set()).add(partner)

    def add_asked(self, asked: AskedSum, requester: str) -> None:
        """Add what a request names; whoever is asked, that is the requester's word."""
        self.add_usd("asked", asked.usd, requester)
        self.unvalued += asked.unvalued
        if asked.asset is not None and asked.amount is not None:
            self.add(asked.asset, "asked", asked.amount, requester)

    def include(self, other: "Figures") -> None:
        """Add all of another's."""
        self.legs += other.legs
        self.unvalued += other.unvalued
        self.acknowledged += other.acknowledged
        self.acknowledged_in_time += other.acknowledged_in_time
        self.answered += other.answered
        self.answered_in_time += other.answered_in_time
        self.first_freeze += other.first_freeze
        self.first_return += other.first_return
        self.restored += other.restored
        for asset, sums in other.assets.items():
            for name, value in sums.items():
                self._add_to_asset(asset, name, value)
        for key, partners in other.stated_by.items():
            self.stated_by.setdefault(key, set()).update(partners)
        for mine, theirs in (
            (self.usd, other.usd),
            (self.declined, other.declined),
            (self.nothing, other.nothing),
        ):
            for name, value in theirs.items():
                mine[name] = mine.get(name, 0) + value

    def comes_from_many(self, asset: str, name: str, least: int) -> bool:
        """Tell whether a sum comes from at least so many partners, and so from as many cases.

        A sum of 0 comes from nobody: if it were shown, those left out would be known not to be 0.
        """
        return len(self.stated_by.get((asset, name), ())) >= least

    def shown_assets(self) -> dict[str, AssetFigures]:
        """Return sums by asset as they stand on the wire."""
        return {
            asset: {
                "asked": str(sums["asked"]),
                "found": str(sums["found"]),
                "frozen": str(sums["frozen"]),
                "released": str(sums["released"]),
                "returned": str(sums["returned"]),
                "restored": str(sums["restored"]),
                "withheld": sums["withheld"],
            }
            for asset, sums in sorted(self.assets.items())
        }

    def shown_usd(self) -> UsdFigures:
        """Return dollars as they stand on the wire."""
        return {
            "asked": usd_text_if_any(self.usd["asked"]),
            "found": usd_text_if_any(self.usd["found"]),
            "frozen": usd_text_if_any(self.usd["frozen"]),
            "released": usd_text_if_any(self.usd["released"]),
            "returned": usd_text_if_any(self.usd["returned"]),
            "restored": usd_text_if_any(self.usd["restored"]),
            "unvalued": self.unvalued,
        }


Key = tuple[str, str, str]
#: In the place of the handles of partners that did not choose to be named.
UNNAMED = ""


def month_start(year: int, month: int) -> datetime:
    """Return the first moment of a month, UTC; month 13 is the next year's first."""
    return datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1, tzinfo=UTC)


class CountedFigures(NamedTuple):
    """What the legs in scope come to.

    Attributes:
        rows: By (month, partner, urgency); each partner was asked for all that a request names.
            Those that did not choose to be named stand together, as `UNNAMED`.
        whole: All together, where what a request names counts once, however many it asks.
    """

    rows: Mapping[Key, Figures]
    whole: Figures


def count_figures(
    connection: Connection, scope: Scope, *, months_together: bool = False
) -> CountedFigures:
    """Return figures of the legs in scope, by row and all together.

    With `months_together` a row is of all months, and its key's month is "".

    Tokens that two partners hold at once count for the hold that the requester's mark names, in
    the rows, too: so the rows of two partners add up to the whole but for what was asked.
    """
    legs = {leg.id: leg for leg in store.legs(connection, scope)}
    named = _named(connection, scope)
    rows: dict[Key, Figures] = {}
    of_leg: dict[str, Figures] = {}
    of_answers: dict[str, list[Figures]] = {}
    requesters: dict[str, str] = {}
    for leg in legs.values():
        month = "" if months_together else f"{leg.queued_at:%Y-%m}"
        key = (month, leg.partner if leg.partner in named else UNNAMED, leg.urgency)
        figures = rows.setdefault(key, Figures())
        of_leg[leg.id] = figures
        of_answers.setdefault(leg.request_id, []).append(figures)
        requesters[leg.request_id] = leg.requester
        _count_leg(figures, leg)
    partners = {leg.id: leg.partner for leg in legs.values()}
    _add_times(connection, scope, of_leg, legs)
    nothing = _add_ledger(connection, scope, of_leg, partners)
    for leg in legs.values():
        if leg.status == LegStatus.DECLINED:
            code = leg.decline_code or _declining_code(nothing.get(leg.id, {}))
            declined = of_leg[leg.id].declined
            declined[code] = declined.get(code, 0) + 1
    whole = _total(rows.values())  # before what was asked is added to each
    for asked in store.asked(connection, scope):
        for figures in (*of_answers[asked.request_id], whole):
            figures.add_asked(asked, requesters[asked.request_id])
    return CountedFigures(rows, whole)


def _add_times(
    connection: Connection,
    scope: Scope,
    of_leg: Mapping[str, Figures],
    legs: Mapping[str, CountedLeg],
) -> None:
    """Add how long after the notice each leg froze and gave back, and what arrived of that."""
    for froze in store.first_freezes(connection, scope):
        taken = milliseconds(froze.first - legs[froze.leg_id].queued_at)
        of_leg[froze.leg_id].first_freeze.append(taken)
    for gave_back in store.first_returns(connection, scope):
        taken = milliseconds(gave_back.first - legs[gave_back.leg_id].queued_at)
        of_leg[gave_back.leg_id].first_return.append(taken)
    for back in store.restored(connection, scope):
        figures, leg = of_leg[back.leg_id], legs[back.leg_id]
        figures.restored.append(milliseconds(back.ended_at - leg.queued_at))
        figures.add(back.asset, "restored", back.amount or 0, leg.partner)
        figures.add_usd("restored", back.usd, leg.partner)


def _named(connection: Connection, scope: Scope) -> frozenset[str]:
    """Return of whom figures may be told by name: who chose that, and the reader's own side."""
    named = partner_store.named_in_statistics(connection)
    return named if scope.visible_to is None else named | {scope.visible_to.partner}


def _declining_code(nothing: Mapping[str, int]) -> str:
    """Return the code of a leg that declined by its lines.

    Of the codes that make it `declined` rather than `no_match`, the one given for most addresses;
    of equal ones the first by name.
    """
    counts = [(-count, code) for code, count in nothing.items() if code not in NO_MATCH_CODES]
    return min(counts)[1] if counts else DeclineCode.OTHER.value


def _add_ledger(
    connection: Connection,
    scope: Scope,
    of_leg: Mapping[str, Figures],
    partners: Mapping[str, str],
) -> dict[str, dict[str, int]]:
    """Add what the ledger says of each leg; returns by leg how many addresses have which code."""
    twice = {(row.leg_id, row.asset): row for row in store.same_funds(connection, scope)}
    for found in store.found(connection, scope):
        figures, partner = of_leg[found.leg_id], partners[found.leg_id]
        same = twice.get((found.leg_id, found.asset), _NOTHING_TWICE)
        # What a hold has was found, too; of what is withheld, less may be known to be found.
        figures.add(found.asset, "found", max(found.found - same.frozen, 0), partner)
        figures.add(found.asset, "withheld", found.withheld, partner)
        figures.add_usd("found", max((found.usd or 0) - (same.frozen_usd or 0), 0), partner)
        figures.unvalued += found.unvalued
    for held in store.held(connection, scope):
        figures, partner = of_leg[held.leg_id], partners[held.leg_id]
        same = twice.get((held.leg_id, held.asset), _NOTHING_TWICE)
        figures.add(held.asset, "frozen", held.frozen - same.frozen, partner)
        figures.add(held.asset, "released", held.released - (same.released or 0), partner)
        figures.add(held.asset, "returned", held.returned - (same.returned or 0), partner)
        figures.add(held.asset, "withheld", held.withheld - same.withheld, partner)
        figures.add_usd("frozen", (held.frozen_usd or 0) - (same.frozen_usd or 0), partner)
        figures.add_usd("released", (held.released_usd or 0) - (same.released_usd or 0), partner)
        figures.add_usd("returned", (held.returned_usd or 0) - (same.returned_usd or 0), partner)
        figures.unvalued += held.unvalued - same.unvalued
    nothing: dict[str, dict[str, int]] = {}
    for answered in store.nothing(connection, scope):
        counts = of_leg[answered.leg_id].nothing
        counts[answered.code] = counts.get(answered.code, 0) + answered.addresses
        nothing.setdefault(answered.leg_id, {})[answered.code] = answered.addresses
    return nothing


def _count_leg(figures: Figures, leg: CountedLeg) -> None:
    figures.legs += 1
    if leg.acknowledged_at is not None:
        figures.acknowledged.append(milliseconds(leg.acknowledged_at - leg.queued_at))
        figures.acknowledged_in_time.append(leg.acknowledged_at <= leg.acknowledge_by)
    elif leg.overdue_at is not None:
        figures.acknowledged_in_time.append(False)
    if leg.status == LegStatus.CANNOT_SAY:
        return  # who may tell neither way cannot be late
    if leg.answered_at is not None and leg.answer_by is not None:
        figures.answered.append(milliseconds(leg.answered_at - leg.queued_at))
        figures.answered_in_time.append(leg.answered_at <= leg.answer_by)
    elif leg.unanswered_at is not None:
        figures.answered_in_time.append(False)


def _in_time(each: Sequence[bool]) -> InTime:
    return {"count": len(each), "in_time": sum(each)}


def _total(rows: Iterable[Figures]) -> Figures:
    """Return the sum of many."""
    whole = Figures()
    for row in rows:
        whole.include(row)
    return whole


def durations(values: Iterable[int]) -> Durations:
    """Return count, median and 90th percentile."""
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "median_ms": percentile(ordered, 50),
        "p90_ms": percentile(ordered, 90),
    }


def member_view(
    counted: CountedFigures,
    requesters: Sequence[RequesterFigures],
    *,
    from_month: str,
    to_month: str,
) -> StatisticsView:
    """Return rows and totals as a member reads them, without the units of their assets."""
    rows, whole = counted
    return {
        "from_month": from_month,
        "to_month": to_month,
        "rows": [
            {
                "month": month or None,
                "partner": partner or None,
                "urgency": urgency,
                "legs": row.legs,
                "acknowledged": durations(row.acknowledged),
                "acknowledged_in_time": _in_time(row.acknowledged_in_time),
                "answered": durations(row.answered),
                "answered_in_time": _in_time(row.answered_in_time),
                "first_freeze": durations(row.first_freeze),
                "first_return": durations(row.first_return),
                "restored": durations(row.restored),
                "assets": row.shown_assets(),
                "usd": row.shown_usd(),
                "declined": row.declined,
                "nothing": row.nothing,
            }
            for (month, partner, urgency), row in sorted(rows.items())
        ],
        "acknowledged": durations(whole.acknowledged),
        "answered": durations(whole.answered),
        "first_freeze": durations(whole.first_freeze),
        "first_return": durations(whole.first_return),
        "restored": durations(whole.restored),
        "requesters": requesters,
        "totals": whole.shown_assets(),
        "usd": whole.shown_usd(),
    }


def requester_views(connection: Connection, scope: Scope) -> list[RequesterFigures]:
    """Return how often requesters flagged the wrong account.

    Of what the legs in scope froze: addresses, and requests with at least one such address.
    """
    named = _named(connection, scope)

    def name(requester: str) -> str:
        return requester if requester in named else UNNAMED

    frozen: dict[str, list[FrozenRequest]] = {}
    for row in store.frozen_requests(connection, scope):
        frozen.setdefault(name(row.requester), []).append(row)
    asking = {name(leg.requester) for leg in store.legs(connection, scope)}
    # Those without a name come last.
    ordered = sorted(asking, key=lambda each: (each == UNNAMED, each))
    return [_judged(requester, frozen.get(requester, ())) for requester in ordered]


def _judged(requester: str, frozen: Sequence[FrozenRequest]) -> RequesterFigures:
    return {
        "requester": requester or None,
        "frozen_requests": len(frozen),
        "wrong_requests": sum(row.wrong > 0 for row in frozen),
        "frozen_addresses": sum(row.frozen for row in frozen),
        "wrong_addresses": sum(row.wrong for row in frozen),
    }


def yearly_view(
    counted: CountedFigures, *, year: int, requests: int, name_from: int
) -> YearlySummary:
    """Return what the public reads of a year, without the units of its assets.

    A partner that chose to be is named, from `name_from` cases on; with fewer in all, there are
    counts alone. A sum
    is shown where it comes from as many partners, each sum by itself: where many found and one
    froze, the sum frozen would be that partner's amount.
    """
    by_partner: dict[str, Figures] = {}
    rows, whole = counted
    for (_, partner, _), row in rows.items():
        if partner != UNNAMED:
            by_partner.setdefault(partner, Figures()).include(row)
    view: YearlySummary = {
        "year": year,
        "named_from_cases": name_from,
        "requests": requests,
        "cases": whole.legs,
        "partners": [],
    }
    if whole.legs < name_from:
        return view
    return view | {
        "acknowledged": durations(whole.acknowledged),
        "first_freeze": durations(whole.first_freeze),
        "first_return": durations(whole.first_return),
        "restored": durations(whole.restored),
        "assets": _sums_of_many(whole, name_from),
        "usd": _dollars_of_many(whole, name_from),
        "declined": whole.declined,
        "nothing": whole.nothing,
        "partners": [
            {
                "partner": partner,
                "cases": row.legs,
                "acknowledged": durations(row.acknowledged),
                "first_freeze": durations(row.first_freeze),
                "first_return": durations(row.first_return),
                "restored": durations(row.restored),
            }
            for partner, row in sorted(by_partner.items())
            if row.legs >= name_from
        ],
    }


def _sums_of_many(whole: Figures, least: int) -> dict[str, YearlyAssetFigures]:
    """Return the sums by asset that come from many; an asset of which none does is left out."""
    shown: dict[str, YearlyAssetFigures] = {}
    for asset, sums in whole.shown_assets().items():
        many: YearlyAssetFigures = {}
        for name in _AMOUNTS:
            if whole.comes_from_many(asset, name, least):
                many[name] = sums[name]
        if whole.comes_from_many(asset, "withheld", least):
            many["withheld"] = sums["withheld"]
        if many:
            shown[asset] = many
    return shown


def _dollars_of_many(whole: Figures, least: int) -> YearlyUsdFigures:
    """Return the sums in US dollars that come from many."""
    shown, many = whole.shown_usd(), YearlyUsdFigures()
    for name in _AMOUNTS:
        value = shown[name]
        if value is not None and whole.comes_from_many(_DOLLARS, name, least):
            many[name] = value
    return many
