"""The freeze ledger: report lines in units, a correction beside what it corrected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from coordinator.api import ledger_reads
from coordinator.api.paging import PageQuery
from coordinator.api.query import query_of
from coordinator.console.follow.case import Case
from coordinator.console.follow.states import State
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, moment, utc
from coordinator.services.reading.code_words import SAID

_PAGE = 100
_KINDS: Mapping[str, State] = {
    "found": State("Found", "", "find"),
    "frozen": State("Frozen", "held", "lock"),
    "released": State("Released", "", "back"),
    "returned": State("Returned", "done", "back"),
    "seized": State("Seized", "done", "doc"),
    "kept": State("Kept", "held", "lock"),
    "nothing": State("Nothing", "", "none"),
    "correction": State("Correction", "waiting", "pen"),
}
_IRREGULAR = {
    "after_end": "Frozen after the end",
    "late": "Reported late",
    "encumbered": "Somebody else claims it",
}
_RELEASED = {
    "expired": "the hold ended",
    "withdrawn": "the request was withdrawn",
    "false_positive": "it was no match",
    "own_decision": "their own decision",
    "appeal_upheld": "an objection was upheld",
    "court_order": "a court ordered it",
    "returned_to_victim": "it went back to the victim",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line as the table shows it.

    Attributes:
        corrections: What corrected it, of the lines on the same page.
        corrects: What it corrects, where that stands on an earlier page.
    """

    id: str
    at: datetime | None
    partner: str
    kind: State
    places: str
    amount: AmountWords | None
    is_untold: bool
    irregular: str
    facts: Sequence[str]
    words: str
    tx: str
    corrects: str
    corrections: Sequence["Line"] = ()


def show(visit: Visit, request_id: str) -> Response:
    """Show one page of report lines, oldest first."""
    case = Case.read(visit, request_id)
    cursor = request.args.get("cursor", "")
    members = {"limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
    page = visit.read(ledger_reads.list_lines, query_of(PageQuery, members), request_id=request_id)
    url = f"{case.url}/ledger"
    after = page["next_cursor"]
    return case.page(
        "ledger",
        lines=_with_corrections(case, page["items"]),
        count=len(page["items"]),
        before=url if cursor else "",
        after=f"{url}?{urlencode({'cursor': after})}" if after else "",
    )


def _with_corrections(case: Case, items: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return lines in order, each with the corrections of it that stand on the same page."""
    here = {item["id"] for item in items}
    beside: dict[str, list[Line]] = {}
    for item in items:
        if item.get("corrects") in here:
            beside.setdefault(item["corrects"], []).append(_line(case, item))
    return [
        _line(case, item, beside.get(item["id"], ()))
        for item in items
        if item.get("corrects") not in here
    ]


def _line(case: Case, item: Mapping[str, Any], corrections: Sequence[Line] = ()) -> Line:
    return Line(
        id=item["id"],
        at=moment(item["reported_at"]),
        partner=item["partner"],
        kind=_KINDS[item["kind"]],
        places=_places(item),
        amount=_amount(case, item),
        is_untold=bool(item.get("withheld")),
        irregular=_IRREGULAR.get(item.get("irregular") or "", ""),
        facts=_facts(item),
        words=_words(item),
        tx=item.get("tx") or item.get("effective_tx") or "",
        corrects=item.get("corrects") or "",
        corrections=corrections,
    )


def _amount(case: Case, item: Mapping[str, Any]) -> AmountWords | None:
    asset, base_units = item.get("asset"), item.get("amount")
    if asset is None or base_units is None:
        return None
    return case.amount(base_units, asset)


def _places(item: Mapping[str, Any]) -> str:
    if item.get("address_no") is not None:
        return str(item["address_no"])
    numbers = item.get("address_nos")
    if numbers == "rest":
        return "the rest"
    if isinstance(numbers, list):
        few = ", ".join(map(str, numbers[:6]))
        return few if len(numbers) <= 6 else f"{few} and {len(numbers) - 6} more"  # noqa: PLR2004
    return ""


def _facts(item: Mapping[str, Any]) -> list[str]:
    found = []
    if item.get("code"):
        found.append(SAID.get(item["code"], item["code"].replace("_", " ")))
    if item["kind"] == "released" and item.get("reason"):
        found.append(_RELEASED.get(item["reason"], ""))
    if item.get("hold_expires_at"):
        found.append(f"until {utc(item['hold_expires_at'])}")
    if item.get("basis"):
        found.append(f"ground: {str(item['basis']).replace('_', ' ')}")
    if item.get("shared"):
        found.append("written on another request, counts here too")
    return [each for each in found if each]


def _words(item: Mapping[str, Any]) -> str:
    """Return what the partner wrote about a line."""
    reason = item.get("reason") if item["kind"] in {"correction", "kept"} else ""
    return str(item.get("detail") or reason or "")
