"""One field for everything: ids, addresses in any spelling, partners, words of incidents."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from flask import Response, redirect, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import search as api
from coordinator.console import render
from coordinator.console.follow import states
from coordinator.console.follow.states import State
from coordinator.console.visit import Visit
from holdfast.wording import marked

_MOST_CHARACTERS = 300


class Hit(NamedTuple):
    """Something that was found, as the page shows it."""

    url: str
    title: str
    what: str
    state: State | None
    requester: str


def show(visit: Visit) -> Response | WsgiResponse:
    """Show what was found; the one thing of an id is gone to at once."""
    text = request.args.get("q", "").strip()[:_MOST_CHARACTERS]
    found: Mapping[str, Any] = {"items": [], "is_cut": False, "looked_through": 0}
    if text:
        found = visit.read(api.find, api.SearchQuery.model_validate({"q": text}))
    items = found["items"]
    if len(items) == 1 and items[0]["kind"] in {"request", "part"} and items[0]["id"] == text:
        return redirect(_url(items[0]), HTTPStatus.SEE_OTHER)
    return render.page(
        "search.html",
        visit,
        nav="",
        query=text,
        hits=[_hit(visit, each) for each in items],
        is_cut=found["is_cut"],
        looked_through=found["looked_through"],
    )


_TABS = {
    "leg": "",
    "hld": "/ledger",
    "lin": "/ledger",
    "act": "/documents",
    "ord": "/documents",
    "enc": "/documents",
    "ind": "/documents",
    "inf": "/owed",
    "dsp": "/owed",
    "clr": "/timeline",
    "evt": "/timeline",
}


def _url(item: Mapping[str, Any]) -> str:
    if item["kind"] == "partner":
        return f"/console/partners/{item['id']}"
    url = f"/console/requests/{item['request_id']}"
    if item["kind"] == "address":
        return f"{url}/addresses"
    if item["kind"] == "part":
        if item["id"].startswith("act_"):
            return f"{url}/documents/{item['id']}"
        return url + _TABS.get(item["id"][:3], "")
    return url


_WHAT = {
    "request": "a request",
    "incident": "by its words; the newest request",
    "partner": "a member of the network",
    "part": "part of this request",
}


def _hit(visit: Visit, item: Mapping[str, Any]) -> Hit:
    requester = item.get("requester") or ""
    state = None
    if item["kind"] != "partner":
        state = states.request_state(
            {"status": item["status"], "unratified": False, "provisional": False}
        )
    what = _WHAT.get(item["kind"], "")
    if item["kind"] == "address":
        what = f"names this address, no. {item['address_no']}"
    if item.get("tlp"):
        what += f", TLP:{item['tlp']}"
    return Hit(
        url=_url(item),
        title=marked(
            item.get("title") or f"A request of {requester}", drill=item.get("drill") is True
        ),
        what=what,
        state=state,
        requester="" if requester == visit.actor.partner else requester,
    )
