"""`holdfast statistics`, `year`: how fast partners answered, and what came of it."""

from collections.abc import Mapping
from typing import Any

import click

from holdfast.cli.session import Session, SessionCommand, facts, pass_session, table
from holdfast.cli.sums import dollars, unvalued_words
from holdfast.client.client import yearly_summary
from holdfast.client.transport import Transport
from holdfast.protocol.amounts import format_amount
from holdfast.protocol.life_cycle_views import (
    AssetFigures,
    Durations,
    InTime,
    RequesterFigures,
    StatisticsView,
    UsdFigures,
    YearlyAssetFigures,
    YearlySummary,
    YearlyUsdFigures,
)
from holdfast.protocol.recovery_views import RecoveryFiguresView
from holdfast.protocol.views import AssetUnit, Units

#: Of those that did not choose to be named in statistics.
_UNNAMED = "members that are not named"
_NONE = "\N{EN DASH}"
_AMOUNTS = ("asked", "found", "frozen", "released", "returned", "restored")
_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_Row = tuple[str, object]


@click.command(cls=SessionCommand)
@click.option("--from", "from_month", metavar="YYYY-MM", help="The first month.")
@click.option("--to", "to_month", metavar="YYYY-MM", help="The last month; by default this one.")
@pass_session
def statistics(session: Session, from_month: str | None, to_month: str | None) -> None:
    """Show how fast partners answered, and what came of it, by urgency and month."""
    view = session.client().statistics(from_month=from_month, to_month=to_month)
    session.show(view, lambda: _show_statistics(session, view))


def _show_statistics(session: Session, view: StatisticsView) -> None:
    if not view.rows:
        session.out.print(f"Nobody was asked from {view.from_month} to {view.to_month}.")
        _show_given_back(session, view)
        return
    session.out.print(facts(_head(session, view)))
    session.out.print()
    for row in view.rows:
        session.out.print(
            f"{row.partner or _UNNAMED}, {row.urgency}, {row.month}", style="bold", markup=False
        )
        rows: list[_Row] = [
            ("requests", row.legs),
            ("acknowledged", _times(row.acknowledged)),
            ("acknowledged in time", _in_time(row.acknowledged_in_time)),
            ("answered", _times(row.answered)),
            ("answered in time", _in_time(row.answered_in_time)),
            ("first freeze", _times(row.first_freeze)),
            ("first return", _times(row.first_return)),
            ("restored after", _times(row.restored)),
            *_sums(session, row.assets, row.usd, view.units),
            ("declined", _mix(row.declined)),
            ("nothing on", _mix(row.nothing)),
        ]
        session.out.print(facts(rows))
        session.out.print()
    if len(view.rows) > 1:
        session.out.print("all together", style="bold")
        together: list[_Row] = [
            ("acknowledged", _times(view.acknowledged)),
            ("first freeze", _times(view.first_freeze)),
            ("first return", _times(view.first_return)),
            ("restored after", _times(view.restored)),
            *_sums(session, view.totals, view.usd, view.units),
        ]
        session.out.print(facts(together))
        session.out.print()
    columns = ("asked by", "wrong addresses", "wrong requests")
    session.out.print(table(columns, map(_judged, view.requesters)))
    session.out.print()
    _show_given_back(session, view)
    session.out.print(_LEGEND)
    session.out.print(_RESTORED_LEGEND)
    session.out.print(_WRONG_LEGEND)


def _head(session: Session, view: StatisticsView | YearlySummary) -> list[_Row]:
    """Return the two figures that head every statistic: frozen, and restored, with their times."""
    totals: Mapping[str, AssetFigures | YearlyAssetFigures] = (
        view.totals if isinstance(view, StatisticsView) else view.assets
    )
    rows: list[_Row] = []
    for name, taken in (("frozen", view.first_freeze), ("restored", view.restored)):
        sums = [
            _amount(session, asset, getattr(figures, name), view.units)
            for asset, figures in sorted(totals.items())
            if getattr(figures, name) not in {None, "0"}
        ]
        usd = getattr(view.usd, name, None)
        sums += [] if usd is None else [dollars(usd)]
        median = None if taken is None or taken.median_ms is None else _duration(taken.median_ms)
        within = "" if median is None else f"; half within {median}"
        rows.append((name, f"{', '.join(sums) or 'nothing'}{within}"))
    return rows


def _amount(session: Session, asset: str, amount: str, units: Units) -> str:
    unit = None if session.in_base_units else units.get(asset) or session.assets.unit(asset)
    return f"{format_amount(amount, unit, asset=asset) if unit else amount} {_unit_name(unit)}"


def _show_given_back(session: Session, view: StatisticsView) -> None:
    """Show misplaced deposits and restitutions, where there are any."""
    if view.recoveries is not None and view.recoveries.network.asked:
        sides = view.recoveries
        rows = [
            (name, each.asked, each.found, each.returned, each.confirmed, _seconds(each))
            for name, each in (
                ("asked for by you", sides.sent),
                ("asked of you", sides.received),
                ("in the network", sides.network),
            )
        ]
        columns = ("deposits", "asked", "found", "returned", "confirmed", "half within")
        session.out.print(table(columns, rows))
        session.out.print()
    if view.restitutions is not None and view.restitutions.network.opened:
        own, network = view.restitutions.own, view.restitutions.network
        told: list[_Row] = [
            ("restitutions", f"{own.opened:,} of yours, {network.opened:,} in the network"),
            ("claims on yours", _mix(own.claims)),
            ("claims in the network", _mix(network.claims)),
        ]
        for name, sums in (("allocated", own.allocated), ("paid", own.paid)):
            words = [_amount(session, a, v, view.units) for a, v in (sums or {}).items()]
            told.append((f"{name} by you", ", ".join(words) or None))
        session.out.print(facts(told))
        session.out.print()


def _seconds(figures: RecoveryFiguresView) -> str | None:
    taken = figures.median_seconds
    return None if taken is None else _duration(taken * 1_000)


def _judged(figures: RequesterFigures) -> tuple[object, ...]:
    """Return how often a requester flagged the wrong account."""
    return (
        figures.requester or _UNNAMED,
        _rate(figures.wrong_addresses, figures.frozen_addresses),
        _rate(figures.wrong_requests, figures.frozen_requests),
    )


def _rate(wrong: int, frozen: int) -> str:
    """Return a share of what was frozen, for people."""
    return f"{wrong:,} of {frozen:,} ({100 * wrong / frozen:.1f} %)" if frozen else _NONE


@click.command(cls=SessionCommand)
@click.argument("year", type=click.IntRange(2000, 2999), metavar="YYYY")
@click.option(
    "--coordinator",
    metavar="URL",
    envvar="HOLDFAST_COORDINATOR",
    help="Whose; by default that of your profile. You need no profile with it.",
)
@pass_session
def year(session: Session, year: int, coordinator: str | None) -> None:
    """Show the public summary of a year, for which nobody needs a key."""
    transport = Transport(None, coordinator) if coordinator else session.client().transport
    view = yearly_summary(transport, year)
    session.show(view, lambda: _show_year(session, view))


def _show_year(session: Session, view: YearlySummary) -> None:
    rows: list[_Row] = [
        ("year", view.year),
        *_head(session, view),
        ("requests", f"{view.requests:,}"),
        ("cases", f"{view.cases:,}, one for each partner that a request asked"),
        ("acknowledged", _times(view.acknowledged)),
        ("first freeze", _times(view.first_freeze)),
        ("first return", _times(view.first_return)),
        ("restored after", _times(view.restored)),
        *_sums(session, view.assets, view.usd, view.units),
        ("declined", _mix(view.declined)),
        ("nothing on", _mix(view.nothing)),
    ]
    session.out.print(facts(rows))
    for partner in view.partners:
        session.out.print()
        session.out.print(f"{partner.partner}", style="bold", markup=False)
        told: list[_Row] = [
            ("requests", partner.cases),
            ("acknowledged", _times(partner.acknowledged)),
            ("first freeze", _times(partner.first_freeze)),
            ("first return", _times(partner.first_return)),
            ("restored after", _times(partner.restored)),
        ]
        session.out.print(facts(told))
    session.out.print()
    if view.cases < view.named_from_cases:
        session.out.print(
            f"With fewer than {view.named_from_cases} answers in all, nothing more is published."
        )
    else:
        session.out.print(_LEGEND)
        session.out.print(
            f"Partners are named from {view.named_from_cases} cases on. Sums are told that come "
            "from as many cases and as many partners."
        )


_LEGEND = (
    "Times are median / 90th percentile, of so many. Declines count partners, `nothing on` counts "
    "addresses. Dollars are those that requests and reports stated."
)


_RESTORED_LEGEND = "Restored: returned upon a return request, and confirmed by who asked for it."


_WRONG_LEGEND = (
    "Wrong: withdrawn as wrong targets, of the addresses that were frozen and of the requests "
    "with such an address."
)


def _times(durations: Durations | None) -> str | None:
    if durations is None or durations.median_ms is None or durations.p90_ms is None:
        return None
    median, late = map(_duration, (durations.median_ms, durations.p90_ms))
    return f"{median} / {late}, of {durations.count:,}"


def _in_time(counted: InTime | None) -> str | None:
    """Return how many of how many came in time; None where nothing was due."""
    return f"{counted.in_time:,} of {counted.count:,}" if counted and counted.count else None


def _duration(milliseconds: int) -> str:
    if milliseconds < _MINUTE_MS:
        return f"{milliseconds / 1_000:.1f} s"
    if milliseconds < _HOUR_MS:
        return f"{milliseconds / _MINUTE_MS:.1f} min"
    return f"{milliseconds / _HOUR_MS:.1f} h"


def _sums(
    session: Session,
    assets: Mapping[str, AssetFigures | YearlyAssetFigures],
    usd: UsdFigures | YearlyUsdFigures | None,
    units: Units,
) -> list[_Row]:
    """Return a fact per asset, with its chain behind its amounts, and one for dollars.

    Sums that the public is not told are left out.
    """
    rows: list[_Row] = []
    for asset, figures in sorted(assets.items()):
        unit = None if session.in_base_units else units.get(asset) or session.assets.unit(asset)
        words = []
        for name, amount in _told(figures):
            shown = format_amount(amount, unit, asset=asset) if unit else str(amount)
            without = (name, amount) == ("asked", "0")
            words.append("asked without an amount" if without else f"{name} {shown}")
        words += [f"{figures.withheld} withheld"] if figures.withheld else []
        place = session.assets.chain_name(asset.partition("/")[0]) if unit else asset
        unknown = "" if unit or session.in_base_units else ", decimals unknown"
        rows.append((_unit_name(unit), f"{', '.join(words)} ({place}{unknown})"))
    if isinstance(usd, UsdFigures) and not _told(usd):
        rows += [("US dollars", f"{usd.unvalued:,} unvalued")] if usd.unvalued else []
    elif isinstance(usd, UsdFigures):
        # Where sums may be told and are not, nothing values them; the public is told some alone.
        told = [f"{name} {dollars(getattr(usd, name))}" for name in _AMOUNTS]
        rows.append(("US dollars", ", ".join(told) + unvalued_words(usd.unvalued)))
    elif usd is not None and _told(usd):
        told = [f"{name} {dollars(value)}" for name, value in _told(usd)]
        rows.append(("US dollars", ", ".join(told)))
    return rows


def _unit_name(unit: AssetUnit | None) -> str:
    """Return what amounts are told in."""
    return unit.symbol if unit else "base units"


def _told(
    figures: AssetFigures | YearlyAssetFigures | UsdFigures | YearlyUsdFigures,
) -> list[tuple[str, str]]:
    """Return (name, sum) of the sums that are there."""
    found = [(name, getattr(figures, name)) for name in _AMOUNTS]
    return [(name, value) for name, value in found if value is not None]


def _mix(counts: Mapping[Any, int]) -> list[str]:
    """Return codes with how often they were said, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [f"{code} {count:,}" for code, count in ordered]


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (statistics, year):
        cli.add_command(command)
