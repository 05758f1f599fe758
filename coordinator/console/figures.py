"""Numbers people look at: how fast partners answer, and what becomes of what was stolen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from flask import Response, request

from coordinator.api import statistics as api
from coordinator.console import render
from coordinator.console.forms import Form
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, amount, span, usd
from coordinator.services.reading.code_words import SAID
from holdfast.protocol import strict_json
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.vocabulary import ClaimStatus, Urgency
from holdfast.protocol.written_tables import write_table

#: How many months back the page can look.
SPANS = ((1, "This month"), (3, "3 months"), (12, "A year"), (24, "2 years"))
_DEFAULT = 12
#: What left, or stays, by the names of the ledger, with the fill of its bar.
_OUTCOMES = (
    ("frozen", "held"),
    ("restored", "returned"),
    ("released", "released"),
    ("returned", "returned"),
)
#: What times below a limit are told in.
_UNITS = (
    (timedelta(seconds=1), timedelta(minutes=1), "s"),
    (timedelta(minutes=1), timedelta(minutes=10), "min"),
)
#: Of fewer, "nine of ten" says nothing that the median does not.
_ENOUGH = 5
_URGENCIES = tuple(urgency.value for urgency in (Urgency.FLASH, Urgency.URGENT, Urgency.ROUTINE))


class Times(NamedTuple):
    """How long something took: median and, of enough, the ninetieth percentile ("" of few)."""

    median: str
    late: str
    many: int
    share: float


@dataclass(frozen=True, slots=True)
class Answers:
    """One partner's answers of one urgency; `partner` is "" of all that are not named."""

    partner: str
    urgency: str
    legs: int
    acknowledged: Times | None
    in_time: str
    first_freeze: Times | None
    first_return: Times | None


class Restitutions(NamedTuple):
    """What became of restitutions.

    Attributes:
        states: Where claims stand: how many on one's own, and in the network.
        sums: Of one's own, by asset: the chain, what was allocated, and what was paid.
    """

    own: str
    network: str
    states: Sequence[tuple[str, str, str]]
    sums: Sequence[tuple[str, AmountWords, AmountWords]]


@dataclass(frozen=True, slots=True)
class MonthSums:
    """What was frozen, released and returned in cases of one month.

    Attributes:
        month: "Nov 2026"; `name` is its short form for a chart.
    """

    month: str
    name: str
    dollars: Mapping[str, str]
    pieces: Sequence[tuple[str, float]]
    sums: Sequence[tuple[str, Mapping[str, AmountWords]]]


def answers(visit: Visit) -> list[Answers]:
    """Return how fast each partner answered over a year, by urgency."""
    return _answers(_read(visit, _DEFAULT, rows="together")["rows"])


def fastest(visit: Visit) -> dict[str, str]:
    """Return within what half was acknowledged, by partner, of its most urgent kind."""
    found: dict[str, str] = {}
    for each in answers(visit):
        if each.acknowledged is not None:
            found.setdefault(each.partner, f"{each.acknowledged.median}, {each.urgency}")
    return found


def show(visit: Visit) -> Response:
    """Show the figures of some months."""
    months = _months()
    together = _read(visit, months, rows="together")
    by_month = _read(visit, months, rows="by_month")
    assets = KnownAssets(visit.reader.context.rulebook.chains)
    return render.page(
        "figures.html",
        visit,
        nav="figures",
        months=months,
        spans_as_links=[(str(n), f"/console/figures?months={n}", said) for n, said in SPANS],
        legs=sum(row["legs"] for row in together["rows"]),
        frozen_after=_times(together["first_freeze"], 0),
        restored_after=_times(together["restored"], 0),
        returned_after=_times(together["first_return"], 0),
        acknowledged_after=_times(together["acknowledged"], 0),
        dollars={name: usd(together["usd"][name]) for name, _ in _OUTCOMES},
        has_dollars=any(together["usd"][name] is not None for name, _ in _OUTCOMES),
        unvalued=together["usd"]["unvalued"],
        totals=_by_asset(together["totals"], assets),
        answers=_answers(together["rows"]),
        by_month=(shown := _by_month(by_month["rows"], assets)),
        columns_of_months=[(each.name, each.pieces) for each in reversed(shown)],
        declined=_mix(together["rows"], "declined"),
        nothing=_mix(together["rows"], "nothing"),
        requesters=[each for each in together["requesters"] if each["frozen_addresses"]],
        recoveries=_recoveries(together["recoveries"]),
        restitutions=_restitutions(together["restitutions"], assets),
    )


def download(visit: Visit) -> Response:
    """Return the rows behind the page as CSV: base units and milliseconds, for machines."""
    view = _read(visit, _months(), rows="by_month")
    names = ("acknowledged", "answered", "first_freeze", "first_return", "restored")
    times = [f"{name}_{part}" for name in names for part in ("count", "median_ms", "p90_ms")]
    sums = ("asked", "found", "frozen", "released", "returned", "restored", "withheld")
    columns = ("month", "partner", "urgency", "requests", *times, "asset", *sums)
    lines: list[list[object]] = []
    for row in view["rows"]:
        taken = [row[name][part] for name in names for part in ("count", "median_ms", "p90_ms")]
        head = [row["month"], row["partner"], row["urgency"], row["legs"], *taken]
        for asset, figures in row["assets"].items() or [("", {})]:
            lines.append([*head, asset, *(figures.get(name) for name in sums)])
    response = Response(write_table(columns, lines), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="holdfast-figures.csv"'
    return response


def show_public(form: Form) -> Response:
    """Show anybody what this network is, and its figures of the year."""
    del form
    now = render.now()
    wanted = request.args.get("year", "")
    year = wanted if wanted.isascii() and wanted.isdigit() else str(now.year)
    view = strict_json.loads(api.read_year.function(year).get_data())
    assets = KnownAssets(render.chains())
    return render.page(
        "public.html",
        None,
        year=int(year),
        years_as_links=[
            (str(each), f"/console/public?year={each}", str(each))
            for each in range(now.year, max(now.year - 4, api.FIRST_YEAR) - 1, -1)
        ],
        view=view,
        acknowledged=_times(view.get("acknowledged"), 0),
        frozen_after=_times(view.get("first_freeze"), 0),
        restored_after=_times(view.get("restored"), 0),
        returned_after=_times(view.get("first_return"), 0),
        totals=_by_asset(view.get("assets", {}), assets),
        dollars={name: usd((view.get("usd") or {}).get(name)) for name, _ in _OUTCOMES},
        partners=[
            (each["partner"], each["cases"], _times(each["acknowledged"], 0))
            for each in view["partners"]
        ],
    )


def _months() -> int:
    """Return how many months the page is about; what is no such span is the usual one."""
    wanted = request.args.get("months", "")
    known = {str(count): count for count, _ in SPANS}
    return known.get(wanted, _DEFAULT)


def _read(visit: Visit, months: int, *, rows: str) -> Any:
    now = visit.reader.read_context.now
    first = _month(now, months - 1)
    query = {"from": first, "to": f"{now:%Y-%m}", "rows": rows}
    return visit.read(api.read_statistics, api.StatisticsQuery.model_validate(query))


def _month(now: datetime, back: int) -> str:
    """Return the month so many months before this one, as the API writes it."""
    number = now.year * 12 + now.month - 1 - back
    return f"{number // 12}-{number % 12 + 1:02d}"


def _times(durations: Mapping[str, Any] | None, longest: int) -> Times | None:
    """Return how long something took, its median as a share of the longest; None of nothing."""
    if durations is None or durations["median_ms"] is None:
        return None
    median, late = durations["median_ms"], durations["p90_ms"]
    share = 100 * median / longest if longest else 0.0
    many = durations["count"]
    return Times(_taken(median), _taken(late) if many >= _ENOUGH else "", many, share)


def _taken(milliseconds: int) -> str:
    """Return how long something took, for people: below a minute in seconds."""
    taken = timedelta(milliseconds=milliseconds)
    for unit, below, word in _UNITS:
        if taken < below:
            return f"{taken // unit or 'under 1'}\N{NO-BREAK SPACE}{word}"
    return span(taken)


def _answers(rows: Iterable[Mapping[str, Any]]) -> list[Answers]:
    """Return rows by partner, the most urgent first; bars compare what may be compared."""
    ordered = sorted(rows, key=_place)
    longest = {
        (name, urgency): max(
            (r[name]["median_ms"] or 0 for r in ordered if r["urgency"] == urgency), default=0
        )
        for name in ("acknowledged", "first_freeze", "first_return")
        for urgency in _URGENCIES
    }

    def times(row: Mapping[str, Any], name: str) -> Times | None:
        return _times(row[name], longest[name, row["urgency"]])

    return [
        Answers(
            partner=row["partner"] or "",
            urgency=row["urgency"],
            legs=row["legs"],
            acknowledged=times(row, "acknowledged"),
            in_time=_in_time(row["acknowledged_in_time"]),
            first_freeze=times(row, "first_freeze"),
            first_return=times(row, "first_return"),
        )
        for row in ordered
    ]


def _place(row: Mapping[str, Any]) -> tuple[bool, str, int]:
    """Return where a row stands: those without a name last."""
    partner = row["partner"] or ""
    return not partner, partner, _URGENCIES.index(row["urgency"])


def _in_time(judged: Mapping[str, int] | None) -> str:
    if not judged or not judged["count"]:
        return "\N{EN DASH}"
    return f"{judged['in_time']} of {judged['count']}"


def _by_asset(
    totals: Mapping[str, Mapping[str, Any]], assets: KnownAssets
) -> list[tuple[str, Mapping[str, AmountWords]]]:
    """Return (chain, amounts by name) of each asset of which something was frozen."""
    return [
        (
            assets.chain_name(asset.partition("/")[0]),
            {
                name: amount(figures[name], asset, assets)
                for name, _ in _OUTCOMES
                if figures.get(name) is not None
            },
        )
        for asset, figures in totals.items()
        if int(figures.get("frozen") or 0)
    ]


def _recoveries(sides: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, str]]]:
    """Return what became of misplaced deposits, by side; nothing where nobody asked for any."""
    if not sides["network"]["asked"]:
        return []
    named = (("Asked for by you", "sent"), ("Asked of you", "received"), ("Network", "network"))
    return [(said, _recovery(sides[name])) for said, name in named]


def _recovery(figures: Mapping[str, Any]) -> dict[str, str]:
    counts = ("asked", "found", "returned", "confirmed")
    taken = figures["median_seconds"]
    within = "\N{EN DASH}" if taken is None else _taken(taken * 1_000)
    return {**{name: f"{figures[name]:,}" for name in counts}, "within": within}


def _restitutions(view: Mapping[str, Any], assets: KnownAssets) -> Restitutions | None:
    """Return what became of restitutions; None where none was opened."""
    own, network = view["own"], view["network"]
    if not network["opened"]:
        return None
    states = [
        (status.value, f"{own['claims'].get(status, 0):,}", f"{network['claims'].get(status, 0):,}")
        for status in ClaimStatus
        if network["claims"].get(status, 0)
    ]
    sums = [
        (
            assets.chain_name(asset.partition("/")[0]),
            amount(allocated, asset, assets),
            amount(own["paid"].get(asset, "0"), asset, assets),
        )
        for asset, allocated in own["allocated"].items()
    ]
    return Restitutions(f"{own['opened']:,}", f"{network['opened']:,}", states, sums)


def _by_month(rows: Iterable[Mapping[str, Any]], assets: KnownAssets) -> list[MonthSums]:
    """Return what each month came to; bars are shares of the month with most dollars frozen."""
    cents: dict[str, dict[str, int]] = {}
    sums: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows:
        of_month = cents.setdefault(row["month"], {name: 0 for name, _ in _OUTCOMES})
        by_asset = sums.setdefault(row["month"], {})
        for name in of_month:
            of_month[name] += _cents(row["usd"][name])
            for asset, figures in row["assets"].items():
                one = by_asset.setdefault(asset, dict.fromkeys(of_month, 0))
                one[name] += int(figures[name])
    most = max((each["frozen"] for each in cents.values()), default=0)
    return [
        MonthSums(
            month=f"{date(int(month[:4]), int(month[5:]), 1):%b %Y}",
            name=f"{date(int(month[:4]), int(month[5:]), 1):%b}",
            dollars={name: usd(_dollars(value)) for name, value in each.items()},
            pieces=_pieces(each, most),
            sums=_by_asset(sums[month], assets),
        )
        for month, each in sorted(cents.items(), reverse=True)
    ]


def _pieces(cents: Mapping[str, int], most: int) -> list[tuple[str, float]]:
    """Return the pieces of a month's bar: what is still held, what was returned and released."""
    if not most:
        return []
    gone = cents["released"] + cents["returned"]
    return [
        ("held", 100 * max(cents["frozen"] - gone, 0) / most),
        ("returned", 100 * cents["returned"] / most),
        ("released", 100 * cents["released"] / most),
    ]


def _cents(dollars: str | None) -> int:
    return 0 if dollars is None else int(dollars.replace(".", ""))


def _dollars(cents: int) -> str | None:
    return f"{cents // 100}.{cents % 100:02d}" if cents else None


def _mix(rows: Iterable[Mapping[str, Any]], name: str) -> list[tuple[str, int, float]]:
    """Return (reason, how often, per cent of all), the most frequent first."""
    counts: dict[str, int] = {}
    for row in rows:
        for code, count in row[name].items():
            counts[code] = counts.get(code, 0) + count
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    every = sum(counts.values())
    return [(SAID.get(code, code), count, 100 * count / every) for code, count in ordered]
