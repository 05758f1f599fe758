"""The list of restitutions; one with its sums, and what comes next; its pool; its end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import allocations as allocation_api
from coordinator.api import restitutions as api
from coordinator.api.paging import PageQuery
from coordinator.api.query import query_of
from coordinator.console import render
from coordinator.console.acts import WantedAct, done_words
from coordinator.console.faults import Faults
from coordinator.console.restoring.case import HERE, REFUSALS, Case, ask, cursor_of_page
from coordinator.console.restoring.words import CLAIM_STATES, LINES
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, amount, counted, grouped, listed, moment
from coordinator.domain.permission import Permission

#: How each sum of a pool enters what is available, in the order of the ledger.
_SUMS = (
    ("returned", "+", "Came back"),
    ("converted_in", "+", "Bought with what was sold"),
    ("converted_out", "\N{MINUS SIGN}", "Sold"),
    ("fees", "\N{MINUS SIGN}", "Fees of selling"),
    ("costs", "\N{MINUS SIGN}", "Costs"),
    ("reserved", "\N{MINUS SIGN}", "Kept back in reserve"),
    ("allocated", "\N{MINUS SIGN}", "Allocated to victims"),
)
#: How much of what is allocated stands where.
_PAID = (("paid", "paid"), ("due", "to be paid"), ("failed", "did not arrive"))


@dataclass(frozen=True, slots=True)
class Sum:
    """One line of the sums of an asset.

    Attributes:
        sign: How it enters what is available.
        parts: What it consists of, as (word, amount).
    """

    sign: str
    word: str
    amount: AmountWords
    parts: list[tuple[str, AmountWords]]


@dataclass(frozen=True, slots=True)
class AssetSums:
    """All sums of one asset of a pool; `lines` add up to `available`."""

    unit: str
    lines: list[Sum]
    available: AmountWords


@dataclass(frozen=True, slots=True)
class Next:
    """What somebody does next on a restitution, with the page on which they do."""

    words: str
    url: str
    tone: str
    mark: str


@dataclass(frozen=True, slots=True)
class Row:
    """A restitution as the list shows it."""

    url: str
    title: str
    state: tuple[str, str]
    claims: str
    available: list[AmountWords]
    paid: AmountWords


def show_list(visit: Visit) -> Response:
    """Show the restitutions that one's own organisation opened, newest first."""
    asked = cursor_of_page()
    page = visit.read(api.list_restitutions, query_of(PageQuery, asked))
    after = page["next_cursor"]
    return render.page(
        "restoring/list.html",
        visit,
        nav="",
        rows=[_row(Case(visit, each)) for each in page["items"]],
        before=HERE if "cursor" in asked else "",
        after=f"{HERE}?{urlencode({'cursor': after})}" if after else "",
        may_open=visit.may(Permission.RESTITUTION_CHANGE),
        done=done_words(visit),
    )


def _row(case: Case) -> Row:
    view, assets = case.view, case.visit.assets
    paid = view["payouts"].get("paid", {"amount": "0"})
    return Row(
        url=case.url,
        title=case.title,
        state=("open", "held") if case.is_open else ("closed", ""),
        claims=listed(
            f"{grouped(str(number))} {CLAIM_STATES[status][0]}"
            for status, number in view["claims"].items()
        ),
        available=[
            amount(each["available"], asset, assets) for asset, each in view["pool"].items()
        ],
        paid=case.units(paid["amount"]),
    )


def show(visit: Visit, restitution_id: str, faults: Faults | None = None) -> Response:
    """Show one: the sums that add up, the dates, and what waits for whom."""
    case = Case.read(visit, restitution_id)
    view = case.view
    return case.page(
        "restoring/restitution.html",
        "sums",
        faults,
        sums=[_asset_sums(case, asset) for asset in _assets(case)],
        next_steps=list(_next_steps(case)) if case.is_open else [],
        closes_at=moment(view["claims_close_at"]),
        objections_until=moment(view["objections_until"]),
        opened_at=moment(view["opened_at"]),
        closed_at=moment(view["closed_at"]),
        by_two_above=case.units(view["verify_by_two_above"]),
        prices=_prices(case),
        priced_at=None if view["valuation"] is None else moment(view["valuation"]["at"]),
        may_close=case.may_change and _is_over(case, visit.reader.read_context.now),
    )


def _assets(case: Case) -> list[str]:
    """Return the assets of a pool, first the one that is paid."""
    paid = case.view["asset"]
    return [paid, *(asset for asset in case.view["pool"] if asset != paid)]


def _asset_sums(case: Case, asset: str) -> AssetSums:
    sums: Mapping[str, str] = case.view["pool"].get(asset, {})
    lines = []
    for name, sign, word in _SUMS:
        value = sums.get(name, "0")
        is_allocated = name == "allocated" and asset == case.view["asset"]
        if value != "0" or name == "returned":
            parts = list(_paid_parts(case)) if is_allocated else []
            lines.append(Sum(sign, word, case.units(value, asset), parts))
    available = case.units(sums.get("available", "0"), asset)
    return AssetSums(available.unit, lines, available)


def _paid_parts(case: Case) -> Iterator[tuple[str, AmountWords]]:
    for status, word in _PAID:
        each = case.view["payouts"].get(status)
        if each is not None:
            yield f"{word}: {counted(each['count'], 'payout')}", case.units(each["amount"])


def _prices(case: Case) -> list[tuple[AmountWords, str]]:
    valuation = case.view["valuation"]
    if valuation is None:
        return []
    return [
        (
            case.units(each["units"], each["asset"]),
            f"{grouped(each['value'])} {valuation['currency']}",
        )
        for each in valuation["prices"]
    ]


def _next_steps(case: Case) -> Iterator[Next]:
    """Yield what waits, the most pressing first."""
    if not case.is_own:
        return
    payouts, claims, url = case.view["payouts"], case.view["claims"], case.url
    failed, due = payouts.get("failed"), payouts.get("due")
    if failed is not None:
        text = f"Pay {case.about(failed['amount'])} anew: it did not arrive"
        yield Next(text, f"{url}/payouts?status=failed", "danger", "warn")
    if due is not None:
        text = f"You owe {case.about(due['amount'])} in {counted(due['count'], 'payout')}"
        yield Next(text, f"{url}/payouts?status=due", "waiting", "clock")
    proposed = _waiting_allocations(case)
    for waiting in proposed:
        left = 2 - waiting["approvals"]
        text = f"Approve that {case.about(waiting['given'])} is shared: {left} of yours must still"
        yield Next(text, f"{url}/allocations/{waiting['id']}", "waiting", "eyes")
    for status, word in (("objection", "contested"), ("received", "undecided")):
        if claims.get(status):
            text = f"{counted(claims[status], 'claim')} {word}"
            yield Next(text, f"{url}/claims?status={status}", "waiting", "pen")
    sums = case.view["pool"].get(case.view["asset"], {"available": "0"})
    shares = claims.get("verified", 0) + claims.get("allocated", 0) + claims.get("paid", 0)
    if sums["available"] != "0" and shares and not proposed:
        text = f"Share {case.about(sums['available'])} among those who lost it"
        yield Next(text, f"{url}/allocations", "", "move")


def _waiting_allocations(case: Case) -> list[Mapping[str, Any]]:
    """Return the allocation that waits for approvals: there is one at most."""
    every = case.visit.every(allocation_api.list_allocations, restitution_id=case.id)
    return [each for each in every if each["status"] == "proposed"]


def _is_over(case: Case, now: datetime) -> bool:
    """Tell whether nothing waits any more; the API has the last word."""
    claims, payouts = case.view["claims"], case.view["payouts"]
    until = moment(case.view["objections_until"])
    waits = claims.get("received") or claims.get("objection") or payouts.keys() - {"paid"}
    return not waits and until is not None and until <= now


def close(visit: Visit, restitution_id: str) -> Response | WsgiResponse:
    """Lead to the signature that ends a restitution."""
    case = Case.read(visit, restitution_id)
    left = [
        str(amount(each["available"], asset, visit.assets))
        for asset, each in case.view["pool"].items()
        if each["available"] != "0"
    ]
    wanted = WantedAct(
        path=f"{case.path}/closure",
        body=case.body(),
        sentence="Close this restitution: nothing more is claimed, shared or paid.",
        button="Close it",
        back=case.url,
        then=case.url,
        facts=[
            ("What is left", listed(left) or "nothing"),
            ("It goes to", case.view["unclaimed_to"]),
        ],
    )
    try:
        return ask(case, wanted)
    except REFUSALS as error:
        return show(visit, restitution_id, Faults.of(error, {}))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a pool.

    Attributes:
        into: What it was sold for; None where it is no sale.
        fee: Of the sale.
    """

    word: str
    amount: AmountWords
    into: AmountWords | None
    fee: AmountWords | None
    rate: str
    what: str
    tx: str
    line: str
    by: str
    at: datetime | None


def show_pool(visit: Visit, restitution_id: str) -> Response:
    """Show one page of the lines of a pool, oldest first."""
    case = Case.read(visit, restitution_id)
    asked = cursor_of_page()
    page = visit.read(
        api.list_pool_lines, query_of(PageQuery, asked), restitution_id=restitution_id
    )
    after = page["next_cursor"]
    return case.page(
        "restoring/pool.html",
        "pool",
        None,
        lines=[_line(case, each) for each in page["items"]],
        before=f"{case.url}/pool" if "cursor" in asked else "",
        after=f"{case.url}/pool?{urlencode({'cursor': after})}" if after else "",
    )


def _line(case: Case, view: Mapping[str, Any]) -> Line:
    is_sale = view["kind"] == "converted"
    return Line(
        word=LINES[view["kind"]],
        amount=case.units(view["amount"], view["asset"]),
        into=case.units(view["to_amount"], view["to_asset"]) if is_sale else None,
        fee=case.units(view["fee"], view["to_asset"]) if is_sale else None,
        rate=view.get("rate") or "",
        what=view.get("what") or "",
        tx=view.get("tx") or "",
        line=view.get("line") or "",
        by=case.visit.name_of(view["by"], case.view["opener"]),
        at=moment(view["at"]),
    )
