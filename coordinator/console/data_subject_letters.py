"""What persons asked of one's own organisation under data-protection law, and the form for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import data_subjects as api
from coordinator.api.query import query_of
from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.faults import Faults
from coordinator.console.visit import Visit
from coordinator.console.words import moment
from coordinator.domain.errors import ConflictError, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.reading.code_words import DATA_SUBJECT_KINDS, DATA_SUBJECT_STATES
from holdfast.protocol.payloads import format_time

HERE = "/console/data-subjects"
_PAGE = "50"
_NAMES = ("kind", "account", "request_id", "reference", "received_at")


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as the list shows it.

    Attributes:
        is_ours: Whether one's own organisation passed it on.
        cases: What is decided of it, as (words, URL of the request).
    """

    what: str
    reference: str
    by: str
    is_ours: bool
    received_at: datetime | None
    due_at: datetime | None
    cases: list[tuple[str, str]]


def show(visit: Visit, faults: Faults | None = None) -> Response:
    """Show one page of what persons asked, oldest first, and the form that passes one on."""
    cursor = request.args.get("cursor", "")
    asked = {"limit": _PAGE, **({"cursor": cursor} if cursor else {})}
    page = visit.read(api.list_own, query_of(api.DataSubjectQuery, asked))
    after = page["next_cursor"]
    return render.page(
        "data_subjects.html",
        visit,
        422 if faults else 200,
        letters=[_letter(visit, each) for each in page["items"]],
        before=HERE if cursor else "",
        after=f"{HERE}?{urlencode({'cursor': after})}" if after else "",
        may_record=visit.may(Permission.DATA_SUBJECT_RECORD),
        kinds=list(DATA_SUBJECT_KINDS.items()),
        typed={name: visit.form.text(name) for name in _NAMES},
        faults=faults or Faults(),
        done=done_words(visit),
    )


def _letter(visit: Visit, view: Mapping[str, Any]) -> Letter:
    by = view["passed_on_by"]
    return Letter(
        what=DATA_SUBJECT_KINDS[view["kind"]],
        reference=view["reference"] or "",
        by="the operator" if by == "operator" else by,
        is_ours=by == visit.actor.partner,
        received_at=moment(view["received_at"]),
        due_at=moment(view["due_at"]),
        cases=[
            (DATA_SUBJECT_STATES[each["status"]], f"/console/requests/{each['request_id']}")
            for each in view["cases"]
        ],
    )


def record(visit: Visit) -> Response | WsgiResponse:
    """Lead to the signature that passes a person's letter on."""
    form = visit.form
    try:
        received_at = format_time(datetime.fromisoformat(f"{form.text('received_at')}T00:00+00:00"))
    except ValueError:
        return show(visit, Faults.one("received_at", "Write the day on which the letter came."))
    named = {name: form.text(name) for name in ("account", "request_id") if form.text(name)}
    kind = form.text("kind")
    wanted = WantedAct(
        path="/v1/data-subject-requests",
        body={
            "kind": kind,
            "reference": form.text("reference"),
            "received_at": received_at,
            **named,
        },
        sentence="Pass on what a person asks. Whoever states something of the account answers"
        " within a month.",
        button="Pass it on",
        back=HERE,
        then=HERE,
        facts=[
            ("Asks for", DATA_SUBJECT_KINDS.get(kind, kind)),
            ("About", " ".join(named.values())),
            ("Your reference", form.text("reference")),
        ],
    )
    try:
        return ask_signature(visit, wanted)
    except (InvalidInputError, ConflictError, NotFoundError) as error:
        return show(visit, Faults.of(error, {name: name for name in _NAMES}))
