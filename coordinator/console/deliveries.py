"""What an endpoint was sent: one delivery with its event and its tries, and sending it again."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import webhook_endpoints as api
from coordinator.console import delivery_words, render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.owed import Delivery, read_endpoint
from coordinator.console.visit import Visit
from coordinator.domain.permission import Permission

#: More of an event is not shown: a page stays light, and whoever wants all reads the API.
MOST_SHOWN = 60_000


def show(visit: Visit, delivery_id: str) -> Response:
    """Show one delivery: the event that it carries, and every try."""
    view = visit.read(api.read_delivery, delivery_id=delivery_id)
    payload, is_cut = readable(view["payload"])
    return render.page(
        "delivery.html",
        visit,
        delivery=Delivery.of(view, render.now()),
        endpoint=read_endpoint(visit, view["endpoint_id"]),
        event_id=view["event_id"],
        request_id=view["request_id"],
        payload=payload,
        is_cut=is_cut,
        may_resend=visit.may(Permission.DELIVERY_RESEND),
        done=done_words(visit),
    )


def resend(visit: Visit, delivery_id: str) -> WsgiResponse:
    """Ask for the signature of sending one delivery again."""
    view = visit.read(api.read_delivery, delivery_id=delivery_id)
    endpoint = read_endpoint(visit, view["endpoint_id"])
    page = f"/console/deliveries/{delivery_id}"
    what = delivery_words.event(view["event_type"])
    return ask_signature(
        visit,
        WantedAct(
            path=f"/v1/deliveries/{delivery_id}/resend",
            body={},
            sentence=f"Send \N{LEFT DOUBLE QUOTATION MARK}{what}\N{RIGHT DOUBLE QUOTATION MARK} to"
            f" {endpoint.host} again, now.",
            button="Send it again",
            back=page,
            then=page,
            facts=[("Under", f"The same webhook-id, {view['event_id']}")],
        ),
    )


def readable(payload: Mapping[str, Any] | None) -> tuple[str, bool]:
    """Return an event as people read JSON, and whether it was cut.

    Characters that cannot be seen, or that turn what stands around them, are written as escapes:
    what is shown stands in the order in which it is sent.
    """
    if payload is None:
        return "", False
    text = json.dumps(payload, ensure_ascii=False, indent=2)  # noqa: TID251 - for eyes alone
    return delivery_words.visible(text[:MOST_SHOWN]), len(text) > MOST_SHOWN
