"""Holds by their end: one's own, and those at others for one's requests."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Response, request

from coordinator.api import holds as api
from coordinator.api.query import query_of
from coordinator.console import render
from coordinator.console.follow.states import State
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, Countdown, amount, countdown, moment
from holdfast.wording import marked

_PAGE = 50


class Row(NamedTuple):
    """A hold as the list shows it."""

    id: str
    url: str
    title: str
    tlp: str
    who: str
    held: AmountWords | None
    clock: Countdown
    ends_at: datetime | None
    state: State
    ground: str
    address_no: int


def show(visit: Visit) -> Response:
    """Show one page of holds, the soonest end first."""
    side = "for_us" if request.args.get("side") == "for_us" else "own"
    cursor = request.args.get("cursor", "")
    members = {"side": side, "limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
    page = visit.read(api.list_open, query_of(api.HoldsQuery, members))
    now = visit.reader.read_context.now
    url = "/console/holds" + ("?side=for_us" if side == "for_us" else "")
    after = page["next_cursor"]
    return render.page(
        "holds.html",
        visit,
        nav="holds",
        side=side,
        tabs=[
            ("own", "/console/holds", "Held by you", None),
            ("for_us", "/console/holds?side=for_us", "Held for you", None),
        ],
        rows=[_row(visit, each, now) for each in page["items"]],
        before=url if cursor else "",
        after=f"/console/holds?{urlencode({'side': side, 'cursor': after})}" if after else "",
    )


def _row(visit: Visit, hold: Mapping[str, Any], now: datetime) -> Row:
    is_own = hold["partner"] == visit.actor.partner
    url = f"/console/requests/{hold['request_id']}"
    return Row(
        id=hold["id"],
        url=f"{url}/answer" if is_own else url,
        title=marked(hold["incident_title"] or "A request", drill=hold["drill"]),
        tlp=hold["tlp"] or "",
        who=hold["requester"] or "" if is_own else hold["partner"],
        held=None if hold["withheld"] else amount(hold["held"], hold["asset"], visit.assets),
        clock=countdown(hold["hold_expires_at"], now),
        ends_at=moment(hold["hold_expires_at"]),
        state=_state(hold),
        ground=str(hold["basis"]).replace("_", " "),
        address_no=hold["address_no"],
    )


def _state(hold: Mapping[str, Any]) -> State:
    if hold["lapsed"]:
        return State("Lapsed, unconfirmed", "waiting", "warn")
    if hold["owed_since"]:
        return State("An answer is owed", "waiting", "clock")
    if hold["review_at"] == hold["hold_expires_at"]:
        return State("Held until a review", "held", "lock")
    return State("Held", "held", "lock")
