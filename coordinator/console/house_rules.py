"""The network's rulebook: what it says, and that the visitor's organisation accepts it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import house_rules as api
from coordinator.api.membership_reads import OfPartnerQuery
from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.visit import Visit
from coordinator.console.words import moment
from coordinator.domain.permission import Permission
from coordinator.services.membership.house_rules import EditionView, rulebook_view
from coordinator.storage.membership import house_rules as store

HERE = "/console/rulebook"
_MOST = "200"


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition as the page shows it.

    Attributes:
        is_coming: It is announced, and not in force yet.
        by: Who accepted it for the visitor's organisation; "" where nobody has.
    """

    sha256: str
    text: str
    begins: datetime | None
    is_coming: bool
    by: str
    accepted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Owed:
    """An edition that the visitor's organisation has not accepted."""

    begins: datetime
    is_coming: bool


def show(visit: Visit) -> Response:
    """Show the edition in force and those that are to come, and who of one's own accepted each."""
    view = rulebook_view(visit.reader.connection, render.now())
    query = OfPartnerQuery.model_validate({"partner": visit.actor.partner, "limit": _MOST})
    accepted = {
        each["rulebook_sha256"]: each for each in visit.read(api.list_acceptances, query)["items"]
    }
    in_force = [] if view["in_force"] is None else [view["in_force"]]
    editions = [
        *(_edition(visit, each, accepted, is_coming=False) for each in in_force),
        *(_edition(visit, each, accepted, is_coming=True) for each in view["coming"]),
    ]
    return render.page(
        "rulebook.html",
        visit,
        editions=editions,
        may_accept=visit.may(Permission.RULEBOOK_ACCEPT),
        done=done_words(visit),
    )


def accept(visit: Visit) -> WsgiResponse:
    """Ask a lead or compliance to sign that their organisation accepts an edition."""
    sha256 = visit.form.text("rulebook_sha256")
    return ask_signature(
        visit,
        WantedAct(
            path="/v1/rulebook/acceptances",
            body={"rulebook_sha256": sha256},
            sentence=f"Accept the rulebook for {visit.actor.partner}. It binds your organisation,"
            " and every member can read that you accepted it.",
            button="Accept it",
            back=HERE,
            then=HERE,
            facts=[("SHA-256 of its text", sha256)],
        ),
    )


def owed(visit: Visit) -> Owed | None:
    """Return the edition that is to be accepted next; None where the organisation has each."""
    connection, now = visit.reader.connection, render.now()
    editions = store.published(connection)
    former = [each for each in editions if each.in_force_from <= now][:-1]
    for each in editions[len(former) :]:
        if not store.has_accepted(connection, visit.actor.partner, each.sha256):
            return Owed(each.in_force_from, each.in_force_from > now)
    return None


def _edition(
    visit: Visit, view: EditionView, accepted: Mapping[str, Mapping[str, Any]], *, is_coming: bool
) -> Edition:
    found = accepted.get(view["sha256"])
    by = "" if found is None else "your root key, by joining"
    if found is not None and found["subject"] is not None:
        by = visit.called(found["subject"])
    return Edition(
        sha256=view["sha256"],
        text=view["text"],
        begins=moment(view["in_force_from"]),
        is_coming=is_coming,
        by=by,
        accepted_at=None if found is None else moment(found["accepted_at"]),
    )
