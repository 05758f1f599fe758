"""The read log: who read the request, with which key, what of it and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from coordinator.api import read_log as api
from coordinator.api.query import query_of
from coordinator.console.follow.case import Case
from coordinator.console.visit import Visit
from coordinator.console.words import moment, short_id
from holdfast.protocol.read_log_views import ReadOf
from holdfast.protocol.vocabulary import Role

_PAGE = "50"
#: What was read, by the API's word for it.
WHAT: Mapping[ReadOf, str] = MappingProxyType(
    {
        "request": "the request",
        "addresses": "its addresses",
        "answers": "what partners answered",
        "events": "what happened",
        "evidence": "what was signed",
        "sealed_evidence": "sealed evidence",
        "summary": "the summary as PDF",
        "bundle": "the evidence bundle",
    }
)
#: What somebody of another organisation is called, by the first of their roles that fits.
CALLED: Sequence[tuple[Role, str]] = (
    (Role.SECURITY_LEAD, "A security lead"),
    (Role.COMPLIANCE, "Compliance"),
    (Role.ANALYST, "An analyst"),
    (Role.AUDITOR, "An auditor"),
    (Role.SYSTEM, "A system"),
    (Role.SCREENING, "A system that screens"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """Reads of one thing by one key within an hour.

    Attributes:
        who: By name among one's own, by role elsewhere.
        last: When the last of several was.
    """

    who: str
    partner: str
    what: str
    first: datetime | None
    last: datetime | None
    count: int
    via: str
    kid: str


def show(visit: Visit, request_id: str) -> Response:
    """Show one page of who read it, newest first."""
    case = Case.read(visit, request_id)
    names = ("partner", "cursor")
    asked = {name: request.args[name] for name in names if request.args.get(name)}
    query = query_of(api.ReadsQuery, {"limit": _PAGE, **asked})
    page = visit.read(api.list_reads, query, request_id=request_id)
    url, partner = f"{case.url}/reads", asked.get("partner", "")
    kept = {"partner": partner} if partner else {}
    after = page["next_cursor"]
    return case.page(
        "read_log",
        lines=[_line(visit, each) for each in page["items"]],
        partners=_partners(case),
        partner=partner,
        before=_url(url, kept) if "cursor" in asked else "",
        after=_url(url, {**kept, "cursor": after}) if after else "",
    )


def _partners(case: Case) -> list[tuple[str, str]]:
    """Return whose reads can be chosen: nothing to choose for who reads of their own alone."""
    if not case.is_ours:
        return []
    own = case.visit.actor.partner
    asked = sorted(case.partners.values())
    return [("", "Everybody"), (own, "Your own people"), *((each, each) for each in asked)]


def _line(visit: Visit, view: Mapping[str, Any]) -> Line:
    last = moment(view["last_at"]) if view["count"] > 1 else None
    return Line(
        who=_who(visit, view),
        partner=view["partner"],
        what=WHAT[view["what"]],
        first=moment(view["first_at"]),
        last=last,
        count=view["count"],
        via="on a page of the console" if view["via"] == "console" else "through the API",
        kid=view["kid"] or "",
    )


def _who(visit: Visit, view: Mapping[str, Any]) -> str:
    if view["partner"] == visit.actor.partner:
        known = visit.people.get(view["subject"]) or {}
        return str(known.get("display_name") or short_id(view["subject"]))
    called = next((word for role, word in CALLED if role in view["roles"]), "Somebody")
    return f"{called}, {short_id(view['subject'])}"


def _url(url: str, query: Mapping[str, str]) -> str:
    return f"{url}?{urlencode(query)}" if query else url
