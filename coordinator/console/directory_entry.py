"""What one's own organisation says of itself in the directory: a form, and how it reads."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import membership_reads as api
from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature
from coordinator.console.faults import Faults
from coordinator.console.visit import Visit
from coordinator.console.words import listed
from coordinator.domain.errors import InvalidInputError
from coordinator.domain.permission import Permission, require
from holdfast.protocol.opening_hours import hours_words, read_span, span_words
from holdfast.protocol.vocabulary import FreezesOn

HERE = "/console/directory-entry"
_HOME = "/console/partners"
_FIELDS = {
    "freezes_on": "freezes_on",
    "jurisdictions": "jurisdictions",
    "languages": "languages",
    "hours": "zone",
    "named_in_statistics": "named",
}
FREEZES_ON: Mapping[FreezesOn, str] = MappingProxyType(
    {
        FreezesOn.REQUEST: "A request",
        FreezesOn.ORDER: "A legal order only",
    }
)


def facts(view: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return an entry as a list of terms and what is said of each; without what is not said."""
    said = [
        ("Freezes on", FREEZES_ON[FreezesOn(view["freezes_on"])]),
        ("For", listed(view["jurisdictions"])),
        ("Speaks", listed(view["languages"])),
        ("At the desk", hours_words(view["hours"])),
        ("Named in statistics", "Yes" if view["named_in_statistics"] else "No"),
    ]
    return [(term, text) for term, text in said if text]


def show(visit: Visit, faults: Faults | None = None) -> Response:
    """Show the form.

    Raises:
        PermissionDeniedError: If the entry is not the visitor's to change.
    """
    require(Permission.PARTNER_CHANGE, visit.actor)
    view: Mapping[str, Any] = visit.read(api.read_own)
    hours = view["hours"]
    stored = {
        "freezes_on": view["freezes_on"],
        "jurisdictions": " ".join(view["jurisdictions"]),
        "languages": " ".join(view["languages"]),
        "spans": "" if hours is None else "\n".join(_lines(hours)),
        "zone": "" if hours is None else hours["zone"],
        "named": "1" if view["named_in_statistics"] else "",
    }
    typed = {name: visit.form.text(name) for name in stored} if faults else stored
    return render.page(
        "directory_entry.html",
        visit,
        422 if faults else 200,
        nav="partners",
        own=visit.actor.partner,
        typed=typed,
        choices=[(each.value, words) for each, words in FREEZES_ON.items()],
        faults=faults or Faults(),
    )


def change(visit: Visit) -> Response | WsgiResponse:
    """Ask for the signature of the whole entry."""
    try:
        hours = _hours(visit)
    except ValueError as error:
        return show(visit, Faults.one("spans", f"{error}."))
    body = {
        "freezes_on": visit.form.text("freezes_on"),
        "jurisdictions": _codes(visit.form.text("jurisdictions")),
        "languages": _codes(visit.form.text("languages")),
        "hours": hours,
        "named_in_statistics": bool(visit.form.text("named")),
    }
    page = f"{_HOME}/{visit.actor.partner}"
    wanted = WantedAct(
        method="PATCH",
        path="/v1/partners/me",
        body=body,
        sentence="Change what your organisation says of itself in the directory.",
        button="Change the entry",
        back=HERE,
        then=page,
        facts=[*_said(body), ("Who reads it", "Every member")],
    )
    try:
        return ask_signature(visit, wanted)
    except InvalidInputError as error:
        return show(visit, Faults.of(error, _FIELDS))


def _said(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is signed; of a word that no entry has, the API says what is wrong."""
    return facts(body) if body["freezes_on"] in {each.value for each in FreezesOn} else []


def _lines(hours: Mapping[str, Any]) -> list[str]:
    return [words for span in hours["spans"] for words in span_words(span)]


def _hours(visit: Visit) -> Mapping[str, Any] | None:
    lines = [line for line in visit.form.text("spans").splitlines() if line.strip()]
    if not lines:
        return None
    return {"zone": visit.form.text("zone"), "spans": [read_span(line) for line in lines]}


def _codes(text: str) -> list[str]:
    return re.split(r"[\s,;]+", text.strip()) if text.strip() else []
