"""The answers: the sum as a bar, and a leg a row, the soonest clock first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Response, request

from coordinator.api import holds as hold_api
from coordinator.console.follow import states
from coordinator.console.follow.case import Case
from coordinator.console.follow.guests import guest_rows
from coordinator.console.follow.states import State
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, Countdown, ago, countdown, counted, moment
from coordinator.services.reading.code_words import SAID

#: The columns of sums, as the API calls them and as they are headed.
SUMS = (
    ("found", "Found"),
    ("frozen", "Frozen"),
    ("held", "Held"),
    ("released", "Released"),
    ("returned", "Returned"),
)
#: Bars of so many assets; the rest have their figures alone.
_MOST_BARS = 3
_SOONEST = 1000
_NEVER = datetime.max.replace(tzinfo=UTC)


class Clock(NamedTuple):
    """What a leg's clock runs for.

    Attributes:
        before: Words before the time: "You reply within".
        left: The time; its words are empty where only `before` is said.
        tone: Its meaning.
        is_ours: Whether the reader is to act.
    """

    before: str
    left: Countdown
    tone: str = ""
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A leg as the table shows it."""

    id: str
    partner: str
    state: State
    flags: Sequence[State]
    since: str
    clock: Clock
    asked: Sequence[AmountWords]
    sums: Sequence[tuple[str, Sequence[AmountWords], bool]]
    pieces: Sequence[tuple[str, float]]
    bar_label: str
    is_open: bool
    is_late: bool
    is_untold: bool
    said: str
    detail: str


class AssetBar(NamedTuple):
    """The sum of one asset: the bar's pieces, and the figures under it."""

    label: str
    pieces: Sequence[tuple[str, float]]
    figures: Sequence[tuple[str, str, str, str, str]]


def show(visit: Visit, request_id: str) -> Response:
    """Show the answers of a request."""
    case = Case.read(visit, request_id)
    ends = _hold_ends(case)
    rows = sorted(
        ((_due(case, leg, ends), _row(case, leg, ends)) for leg in case.legs),
        key=lambda each: (each[0], each[1].partner),
    )
    shown, wanted = _picked([row for _, row in rows])
    unit = _only_unit(case)
    return case.page(
        "answers",
        bars=_bars(case),
        rows=shown,
        picks=_picks(case, [row for _, row in rows]),
        wanted=wanted,
        unit=unit,
        columns=SUMS,
        looked_for=request.args.get("partner", ""),
        guests=guest_rows(case),
    )


def _hold_ends(case: Case) -> Mapping[str, Mapping[str, Any]]:
    """Return the hold of each leg that ends soonest, by leg; nothing where nothing was frozen."""
    if not any(total["frozen"] != "0" or total["withheld"] for total in case.totals.values()):
        return {}
    query = hold_api.HoldsQuery.model_validate(
        {
            "side": "for_us" if case.is_ours else "own",
            "request": case.id,
            "limit": str(_SOONEST),
        }
    )
    ends: dict[str, Mapping[str, Any]] = {}
    for hold in case.visit.read(hold_api.list_open, query)["items"]:
        ends.setdefault(hold["leg_id"], hold)
    return ends


def _due(case: Case, leg: Mapping[str, Any], ends: Mapping[str, Mapping[str, Any]]) -> datetime:
    return next((at for _, at, _ in _deadlines(case, leg, ends)), None) or _NEVER


def _deadlines(
    case: Case, leg: Mapping[str, Any], ends: Mapping[str, Mapping[str, Any]]
) -> Iterable[tuple[str, datetime | None, bool]]:
    """Yield (what for, until when, whether the requester is to act) of a leg, gravest first."""
    if leg.get("dispute_answer_by"):
        yield "dispute", moment(leg["dispute_answer_by"]), True
    if leg.get("reply_by"):
        yield "reply", moment(leg["reply_by"]), True
    if states.owes(leg) and case.is_live:
        if leg["acknowledged_at"] is None:
            yield "acknowledge", moment(leg["acknowledge_by"]), False
        elif leg["answer_by"] and leg["clock_paused_at"] is None:
            kind = "rest" if states.owes_rest(leg) else "answer"
            yield kind, moment(leg["answer_by"]), False
    hold = ends.get(leg["id"])
    if hold is not None:
        kind = "review" if hold["review_at"] == hold["hold_expires_at"] else "hold"
        yield kind, moment(hold["hold_expires_at"]), False


_BEFORE = {
    "dispute": ("You answer within", "You were to answer, "),
    "reply": ("You reply within", "You were to reply, "),
    "acknowledge": ("Acknowledges within", "Not acknowledged, "),
    "answer": ("Answers within", "Not answered, "),
    "rest": ("Answers the rest within", "The rest is not answered, "),
    "hold": ("Hold ends in", "Hold ended, "),
    "review": ("Looked at again in", "To be looked at again, "),
}
_OWN_BEFORE = {
    "dispute": ("They answer within", "They were to answer, "),
    "reply": ("They reply within", "They were to reply, "),
    "acknowledge": ("Acknowledge within", "To be acknowledged, "),
    "answer": ("Answer within", "To be answered, "),
    "rest": ("Answer the rest within", "The rest is to be answered, "),
    "hold": ("Your hold ends in", "Your hold ended, "),
    "review": ("Look again in", "Look again, "),
}


def _clock(case: Case, leg: Mapping[str, Any], ends: Mapping[str, Mapping[str, Any]]) -> Clock:
    for kind, at, is_requesters in _deadlines(case, leg, ends):
        hold = ends.get(leg["id"])
        if kind == "hold" and hold is not None and hold["lapsed"]:
            return Clock("Lapsed, unconfirmed", Countdown("", None), "waiting")
        left = countdown(at, case.now)
        if kind == "acknowledge" and case.is_ours and states.is_unreached(leg):
            said = Countdown("", None, is_late=left.is_late)
            tone = "danger" if left.is_late else ""
            return Clock(states.unreached_words(leg, case.now), said, tone)
        words = (_BEFORE if case.is_ours else _OWN_BEFORE)[kind]
        is_ours = is_requesters == case.is_ours and kind not in {"hold", "review"}
        is_pressing = left.is_late or (left.is_soon and is_ours)
        tone = "danger" if is_pressing else "waiting" if is_ours else ""
        return Clock(words[left.is_late], left, tone, is_ours)
    if leg["decline_code"]:
        return Clock(SAID.get(leg["decline_code"], ""), Countdown("", None))
    return Clock("", Countdown("", None))


def _row(case: Case, leg: Mapping[str, Any], ends: Mapping[str, Mapping[str, Any]]) -> Row:
    totals = leg["totals"]
    clock = _clock(case, leg, ends)
    untold = sum(total["withheld"] for total in totals.values())
    asset = next((each for each in case.main_assets if each in totals), None)
    pieces: Sequence[tuple[str, float]] = []
    if asset is not None:
        pieces = _pieces(totals[asset], case.asked.get(asset))
    return Row(
        id=leg["id"],
        partner=leg["partner"],
        state=states.leg_state(leg, is_own=not case.is_ours),
        flags=[*([_MOVED] if leg["id"] in case.moved_legs else []), *states.leg_flags(leg)][:2],
        since=_since(case, leg),
        clock=clock,
        asked=[case.amount(total, each) for each, total in case.asked.items()],
        sums=[(name, *_cell(case, totals, name)) for name, _ in SUMS],
        pieces=pieces,
        bar_label=_bar_label(case, totals, asset),
        is_open=states.owes(leg),
        is_late=clock.left.is_late and states.owes(leg),
        is_untold=bool(untold) and not any(int(t["frozen"]) for t in totals.values()),
        said=SAID.get(leg["decline_code"] or "", ""),
        detail=leg["decline_detail"] or "",
    )


def _cell(
    case: Case, totals: Mapping[str, Mapping[str, Any]], name: str
) -> tuple[Sequence[AmountWords], bool]:
    """Return the amounts of a cell, those above 0 first, and whether it is nothing at all."""
    some = [each for each in case.main_assets if each in totals and int(totals[each][name])]
    return [case.amount(totals[each][name], each) for each in some], not some


def _since(case: Case, leg: Mapping[str, Any]) -> str:
    at = leg["answered_at"] or leg["acknowledged_at"] or leg["delivered_at"] or leg["queued_at"]
    word = (
        "answered"
        if leg["answered_at"]
        else "acknowledged"
        if leg["acknowledged_at"]
        else "delivered"
        if leg["delivered_at"]
        else "sent"
    )
    return f"{word} {ago(at, case.now)}"


def _pieces(total: Mapping[str, Any], asked: str | None) -> list[tuple[str, float]]:
    """Return the bar of one sum: what is held, back, let go and loose, in per cent of the asked."""
    held, returned = int(total["held"]), int(total["returned"]) + int(total["seized"])
    released = int(total["released"])
    loose = max(int(total["found"]) - held - returned - released, 0)
    whole = max(int(asked or 0), held + returned + released + loose)
    if not whole:
        return []
    parts = (("held", held), ("returned", returned), ("released", released), ("loose", loose))
    return [(kind, value * 10_000 // whole / 100) for kind, value in parts]


def _bar_label(case: Case, totals: Mapping[str, Mapping[str, Any]], asset: str | None) -> str:
    if asset is None:
        return "Nothing frozen"
    frozen = case.amount(totals[asset]["frozen"], asset)
    asked = case.asked.get(asset)
    return f"{frozen} frozen" + (f" of {case.amount(asked, asset)} asked" if asked else "")


def _bars(case: Case) -> list[AssetBar]:
    return [_bar(case, asset) for asset in case.main_assets[:_MOST_BARS]]


def first_bar(case: Case) -> AssetBar | None:
    """Return the bar of the asset of which most is held; None where nothing is asked or held."""
    return _bar(case, case.main_assets[0]) if case.main_assets else None


def _bar(case: Case, asset: str) -> AssetBar:
    total = case.totals.get(asset, _NOTHING)
    pieces = _pieces(total, case.asked.get(asset))
    loose = max(int(total["found"]) - int(total["frozen"]), 0)
    holders = [leg for leg in case.legs if int(leg["totals"].get(asset, _NOTHING)["held"])]
    withheld = total["withheld"]
    at = _at(case, holders, withheld, was_frozen=bool(int(total["frozen"])))
    figures = [_figure(case, "held", "Held", (total["held"], asset), at)]
    figures += [
        _figure(case, kind, label, (sum_, asset), note)
        for kind, label, sum_, note in (
            ("returned", "Returned", int(total["returned"]), "to those it belongs to"),
            ("returned", "Seized", int(total["seized"]), "by an authority"),
            ("released", "Released", int(total["released"]), "let go again"),
            ("loose", "Found, not frozen", loose, "can still leave"),
        )
        if sum_
    ]
    if asset in case.asked:
        rest = max(int(case.asked[asset]) - int(total["frozen"]) - loose, 0)
        if rest:
            figures.append(_figure(case, "rest", *_rest(case, (rest, asset))))
    words = ", ".join(f"{number} {unit} {label.lower()}" for _, label, number, unit, _ in figures)
    return AssetBar(words, pieces, figures)


def _rest(case: Case, rest: tuple[int, str]) -> tuple[str, tuple[int, str], str]:
    """Return what to call that of which nobody says where it is; not lost while answers lack."""
    owing = [leg for leg in case.legs if states.owes(leg)]
    if not owing:
        return "Not found", rest, "by any partner" if case.is_ours else "by you"
    if not case.is_live:
        return "Not found or not answered", rest, "when it ended"
    by = counted(len(owing), "partner") if case.is_ours else "you"
    return "No answer yet", rest, f"{by} still to answer"


_MOVED = State("Money moved on", "danger", "move")
_NOTHING: Mapping[str, Any] = {
    **dict.fromkeys(("found", "frozen", "held", "released", "returned", "seized"), "0"),
    "withheld": 0,
}


def _figure(
    case: Case, kind: str, label: str, value: tuple[str | int, str], note: str
) -> tuple[str, str, str, str, str]:
    words = case.amount(*value)
    return kind, label, words.number, words.unit, note


def _at(
    case: Case, holders: Sequence[Mapping[str, Any]], withheld: int, *, was_frozen: bool
) -> str:
    if not case.is_ours:
        return "by you"
    at = f"at {len(holders)} partner{'' if len(holders) == 1 else 's'}" if holders else ""
    more = f"{withheld} amount{'' if withheld == 1 else 's'} not told" if withheld else ""
    none = "nowhere any more" if was_frozen else "nowhere yet"
    return ", ".join(filter(None, (at, more))) or none


def _only_unit(case: Case) -> str:
    """Return the one unit of the table; empty where there are several, and each cell says its."""
    assets = {*case.asked, *(asset for leg in case.legs for asset in leg["totals"])}
    return case.amount("0", assets.pop()).unit if len(assets) == 1 else ""


def _needs_us(row: Row) -> bool:
    return row.clock.is_ours


def _holds(row: Row) -> bool:
    is_nothing = {name: none for name, _, none in row.sums}
    return row.is_untold or not is_nothing["held"]


def _is_unanswered(row: Row) -> bool:
    return row.is_open


_PICKS: Mapping[str, Callable[[Row], bool]] = {
    "you": _needs_us,
    "open": _is_unanswered,
    "holding": _holds,
}


def _picked(rows: Sequence[Row]) -> tuple[list[Row], str]:
    """Return the rows that the URL asks for, and its choice."""
    wanted = request.args.get("show", "all")
    looked_for = request.args.get("partner", "").strip().casefold()
    fits = _PICKS.get(wanted)
    return [
        row for row in rows if (fits is None or fits(row)) and looked_for in row.partner
    ], wanted


def _picks(case: Case, rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    counts = {name: sum(1 for row in rows if fits(row)) for name, fits in _PICKS.items()}
    words = (("all", "All", len(rows)), ("you", "Needs you", counts["you"]))
    more = (("open", "Owe an answer", counts["open"]), ("holding", "Holding", counts["holding"]))
    return [
        (key, case.url if key == "all" else f"{case.url}?show={key}", f"{word} {count}")
        for key, word, count in (*words, *more)
    ]
