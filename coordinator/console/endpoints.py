"""Webhook endpoints: their health, and what they were owed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from coordinator.api import webhook_endpoints as api
from coordinator.api.paging import PageQuery
from coordinator.api.query import query_of
from coordinator.console import render
from coordinator.console.acts import just_done
from coordinator.console.delivery_words import STATES
from coordinator.console.faults import Faults
from coordinator.console.owed import Delivery, Endpoint, read_endpoint
from coordinator.console.visit import Visit
from coordinator.domain.delivery import DeliveryStatus
from coordinator.domain.permission import Permission

#: As many as a partner may have.
_MOST_ENDPOINTS = "20"
#: What the list of deliveries is narrowed to; few are cancelled, and they stand among all.
_PICKED = (DeliveryStatus.PENDING, DeliveryStatus.DELIVERED, DeliveryStatus.DEAD)
#: Of a list of deliveries on one page.
_DELIVERIES = "25"


def show_all(visit: Visit) -> Response:
    """Show all endpoints, those that take nothing first."""
    query = PageQuery.model_validate({"limit": _MOST_ENDPOINTS})
    now = render.now()
    every = [Endpoint.of(each, now) for each in visit.read(api.list_own, query)["items"]]
    every.sort(key=lambda each: (each.failing_since is None, not each.waiting))
    return render.page(
        "endpoints.html",
        visit,
        endpoints=every,
        failing=[each for each in every if each.failing_since],
        may_change=visit.may(Permission.WEBHOOK_ENDPOINT_CHANGE),
        **_done(visit),
    )


def show(visit: Visit, endpoint_id: str, faults: Faults | None = None) -> Response:
    """Show one endpoint: its health, what can be done, and what it was owed."""
    now = render.now()
    endpoint = read_endpoint(visit, endpoint_id)
    picked = {key: request.args[key] for key in ("status",) if request.args.get(key)}
    cursor = {key: request.args[key] for key in ("cursor",) if request.args.get(key)}
    query = query_of(api.DeliveriesQuery, {"limit": _DELIVERIES, **picked, **cursor})
    page = visit.read(api.list_owed, query, endpoint_id=endpoint_id)
    after = page.get("next_cursor")
    return render.page(
        "endpoint.html",
        visit,
        422 if faults else 200,
        endpoint=endpoint,
        deliveries=[Delivery.of(each, now) for each in page["items"]],
        states=[("", endpoint.page, "All")]
        + [(key.value, f"{endpoint.page}?status={key}", STATES[key].word) for key in _PICKED],
        picked=picked.get("status", ""),
        newest=_url(endpoint.page, picked) if cursor else "",
        older=_url(endpoint.page, {**picked, "cursor": after}) if after else "",
        may_change=visit.may(Permission.WEBHOOK_ENDPOINT_CHANGE),
        since=visit.form.text("since") or _since(endpoint, now),
        faults=faults or Faults(),
        **_done(visit),
    )


def _done(visit: Visit) -> Mapping[str, Any]:
    """Return what was just signed, with the secret that the act made, if it made one."""
    done = just_done(visit)
    return {
        "done": None if done is None else done.sentence,
        "secret": None if done is None else done.answer.get("secret"),
        "secret_of": "" if done is None else done.answer.get("url", ""),
    }


def _since(endpoint: Endpoint, now: datetime) -> str:
    """Return since when events are to be sent again where nobody says otherwise."""
    since = endpoint.failing_since or now - timedelta(hours=1)
    return f"{since:%Y-%m-%dT%H:%M}"


def _url(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
