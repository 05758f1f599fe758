"""Adding, changing, testing and removing webhook endpoints: each an act that somebody signs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import webhook_endpoints as api
from coordinator.console import delivery_words, endpoints, render
from coordinator.console.acts import WantedAct, ask_signature
from coordinator.console.faults import Faults
from coordinator.console.owed import HOME, Endpoint, host_of, read_endpoint
from coordinator.console.visit import Visit
from coordinator.console.words import counted
from coordinator.domain.errors import InvalidInputError
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import EVENT_FAMILIES

#: The form's fields, by members of the API's bodies.
_FIELDS = {"url": "url", "description": "description", "event_types": "types", "since": "since"}


@dataclass(frozen=True, slots=True)
class EndpointForm:
    """What the form of an endpoint holds: as it is, or as it was typed.

    Attributes:
        types: Chosen types and families; empty for every event.
        faults: What was refused, beside its field.
    """

    url: str = ""
    description: str = ""
    types: Sequence[str] = ()
    faults: Faults = field(default_factory=Faults)

    @classmethod
    def typed(cls, visit: Visit, error: InvalidInputError) -> "EndpointForm":
        """Return the form as it was sent, with what was wrong with it."""
        form, faults = visit.form, Faults.of(error, _FIELDS)
        return cls(form.text("url"), form.text("description"), form.texts("types"), faults)

    @property
    def families(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """What can be chosen: (family, word, its types with their words)."""
        return [
            (family, word, [(each, delivery_words.event(each)) for each in _in_order(family)])
            for family, word in delivery_words.FAMILIES.items()
        ]


def show_new(visit: Visit) -> Response:
    """Show the form of a new endpoint."""
    return _form_page(visit, EndpointForm())


def register(visit: Visit) -> Response | WsgiResponse:
    """Ask for the signature of a new endpoint."""
    url = visit.form.text("url")
    body = {"url": url} | _choice(visit) | _description(visit)
    wanted = WantedAct(
        path="/v1/webhook-endpoints",
        body=body,
        sentence=f"Have your organisation's events sent to {host_of(url)}.",
        button="Add this endpoint",
        back=f"{HOME}/new",
        then=HOME,
        facts=[
            ("URL", url),
            ("Events", delivery_words.choice(body.get("event_types"))),
            ("Its secret", "Is made when you sign, and shown once"),
        ],
    )
    try:
        return ask_signature(visit, wanted)
    except InvalidInputError as error:
        return _form_page(visit, EndpointForm.typed(visit, error))


def show_change(visit: Visit, endpoint_id: str) -> Response:
    """Show the form of an endpoint as it is."""
    view = visit.read(api.read_one, endpoint_id=endpoint_id)
    form = EndpointForm(view["url"], view["description"] or "", view["event_types"] or ())
    return _form_page(visit, form, Endpoint.of(view, render.now()))


def change(visit: Visit, endpoint_id: str) -> Response | WsgiResponse:
    """Ask for the signature of an endpoint's change."""
    endpoint = read_endpoint(visit, endpoint_id)
    url = visit.form.text("url")
    is_moved = url != endpoint.url
    body = {"event_types": None, "description": None} | _choice(visit) | _description(visit)
    wanted = WantedAct(
        method="PATCH",
        path=_path(endpoint),
        body=body | ({"url": url} if is_moved else {}),
        sentence=f"Change {endpoint.host}: what it is sent, or where.",
        button="Change this endpoint",
        back=f"{endpoint.page}/change",
        then=endpoint.page,
        facts=[
            ("URL", url if is_moved else f"{url}, as before"),
            ("Events", delivery_words.choice(visit.form.texts("types") or None)),
            ("What waits", "Is sent to the new URL at once" if is_moved else "Stays"),
        ],
    )
    try:
        return ask_signature(visit, wanted)
    except InvalidInputError as error:
        return _form_page(visit, EndpointForm.typed(visit, error), endpoint)


def send_test(visit: Visit, endpoint_id: str) -> WsgiResponse:
    """Ask for the signature of a test."""
    endpoint = read_endpoint(visit, endpoint_id)
    return ask_signature(
        visit,
        WantedAct(
            path=_path(endpoint, "test"),
            body={},
            sentence=f"Send a test event to {endpoint.host}.",
            button="Send a test",
            back=endpoint.page,
            then=endpoint.page,
            facts=[("URL", endpoint.url), ("Who is sent it", "This endpoint alone")],
        ),
    )


def rotate(visit: Visit, endpoint_id: str) -> WsgiResponse:
    """Ask for the signature of a new secret."""
    endpoint = read_endpoint(visit, endpoint_id)
    return ask_signature(
        visit,
        WantedAct(
            path=_path(endpoint, "rotate-secret"),
            body={},
            sentence=f"Make a new secret for {endpoint.host}; it is shown once, after you signed.",
            button="Make a new secret",
            back=endpoint.page,
            then=endpoint.page,
            facts=[("URL", endpoint.url), ("The old secret", "Signs along for 24 hours")],
        ),
    )


def replay(visit: Visit, endpoint_id: str) -> Response | WsgiResponse:
    """Ask for the signature of sending again what happened since a time."""
    endpoint = read_endpoint(visit, endpoint_id)
    try:
        since = datetime.fromisoformat(visit.form.text("since") + "Z")
    except ValueError:
        faults = Faults.one("since", "Give a day and a time, in UTC.")
        return endpoints.show(visit, endpoint_id, faults)
    wanted = WantedAct(
        path=_path(endpoint, "replay"),
        body={"since": format_time(since)},
        sentence=f"Send {endpoint.host} again whatever happened since {since:%d %b %Y, %H:%M} UTC.",
        button="Send it again",
        back=endpoint.page,
        then=endpoint.page,
        facts=[("URL", endpoint.url), ("What it took already", "Comes again, too")],
    )
    try:
        return ask_signature(visit, wanted)
    except InvalidInputError as error:
        return endpoints.show(visit, endpoint_id, Faults.one("since", f"{error.message}."))


def turn(visit: Visit, endpoint_id: str) -> WsgiResponse:
    """Ask for the signature of turning an endpoint off, or on again."""
    endpoint = read_endpoint(visit, endpoint_id)
    if endpoint.enabled:
        sentence = f"Send nothing to {endpoint.host} until somebody turns it on again."
        button, waits = "Turn it off", "Stays, and comes when it is on again"
    else:
        sentence = f"Send events to {endpoint.host} again."
        button, waits = "Turn it on", "Is sent at once"
    return ask_signature(
        visit,
        WantedAct(
            method="PATCH",
            path=_path(endpoint),
            body={"enabled": not endpoint.enabled},
            sentence=sentence,
            button=button,
            back=endpoint.page,
            then=endpoint.page,
            facts=[("URL", endpoint.url), ("What waits", waits)],
        ),
    )


def remove(visit: Visit, endpoint_id: str) -> WsgiResponse:
    """Ask for the signature of an endpoint's end."""
    endpoint = read_endpoint(visit, endpoint_id)
    waits = counted(endpoint.waiting, "event")
    return ask_signature(
        visit,
        WantedAct(
            method="DELETE",
            path=_path(endpoint),
            body={},
            sentence=f"Remove {endpoint.host}: nothing is sent there any more.",
            button="Remove this endpoint",
            back=endpoint.page,
            then=HOME,
            facts=[
                ("URL", endpoint.url),
                ("What waits", f"{waits} will not be sent; your feed keeps every event"),
            ],
        ),
    )


def _path(endpoint: Endpoint, call: str = "") -> str:
    path = f"/v1/webhook-endpoints/{endpoint.id}"
    return f"{path}/{call}" if call else path


def _form_page(visit: Visit, form: EndpointForm, endpoint: Endpoint | None = None) -> Response:
    status = 422 if form.faults.listed else 200
    return render.page("endpoint_form.html", visit, status, form=form, endpoint=endpoint)


def _choice(visit: Visit) -> dict[str, Any]:
    chosen = visit.form.texts("types")
    return {"event_types": chosen} if chosen else {}


def _description(visit: Visit) -> dict[str, Any]:
    text = visit.form.text("description")
    return {"description": text} if text else {}


def _in_order(family: str) -> list[str]:
    return [each for each in delivery_words.EVENTS if each in EVENT_FAMILIES[family]]
