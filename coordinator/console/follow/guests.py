"""Guests of a request on the page of its answers: apart from the legs, and marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from coordinator.api import guests as api
from coordinator.api.paging import PageQuery
from coordinator.console.follow.case import Case
from coordinator.console.words import ago
from coordinator.services.reading.code_words import SAID

_MOST = "10"
#: Why a guest was not reached; whatever else is a fault on the way.
_WHY: Mapping[str, str] = MappingProxyType(
    {
        "no_security_txt": "it publishes no security contact",
        "malformed": "what it publishes is no security.txt (RFC 9116)",
        "expired": "its security.txt is too old",
        "other_place": "its security.txt is of another place",
        "no_mailbox": "its security.txt names no mailbox of its own domain",
        "no_mail": "this coordinator sends no mail",
        "mailed_lately": "it was written to within the hour",
    }
)
_KINDS = {"found": "found", "frozen": "froze", "nothing": "nothing"}


@dataclass(frozen=True, slots=True)
class GuestRow:
    """A guest as the table shows it."""

    id: str
    domain: str
    state: str
    tone: str
    since: str
    said: Sequence[str]


def guest_rows(case: Case) -> list[GuestRow]:
    """Return the guests of a request for its requester; nobody else reads of them."""
    if not case.is_ours:
        return []
    query = PageQuery.model_validate({"limit": _MOST})
    views = case.visit.read(api.list_guests, query, request_id=case.id)["items"]
    return [_row(case, view) for view in views]


def _row(case: Case, view: Mapping[str, Any]) -> GuestRow:
    why = _WHY.get(view["error"] or "", "nothing took the mail")
    state, tone, at = {
        "asked": ("Is looked for", "waiting", view["asked_at"]),
        "contacted": ("Written to", "", view["contacted_at"]),
        "unreachable": (f"Not reached: {why}", "danger", view["asked_at"]),
        "joined": ("Joined: it answers itself", "done", view["joined_at"]),
    }[view["status"]]
    if view["status"] == "contacted" and view["acknowledged_at"] is not None:
        state, at = "Says that it has it", view["acknowledged_at"]
    return GuestRow(
        id=view["id"],
        domain=view["domain"],
        state=state,
        tone=tone,
        since=ago(at, case.now),
        said=[words for each in view["answers"] for words in _words(case, each)],
    )


def _words(case: Case, answer: Mapping[str, Any]) -> list[str]:
    if answer["code"] is not None:
        return [SAID[answer["code"]]]
    return [
        f"No. {line['address_no']}: {_KINDS[line['kind']]}"
        + (f" {case.amount(line['amount'], line['asset'])}" if line["amount"] else "")
        for line in answer["lines"]
    ]
