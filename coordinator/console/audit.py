"""What one's own organisation did here, by whom, and its place in the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from coordinator.api import own_acts as api
from coordinator.api.query import query_of
from coordinator.console import render
from coordinator.console.visit import Visit
from coordinator.console.words import listed, moment, short_id
from holdfast.wording import marked

HOME = "/console/audit"
_PAGE = "50"
#: What can be chosen, by the API's word for it.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "": "All",
        "act": "On requests",
        "grant": "Grants",
        "organisation": "Keys, endpoints, sealed evidence",
        "session": "Sign-ins",
    }
)
#: What was done, by the kind of the act.
ACTS: Mapping[str, str] = MappingProxyType(
    {
        "submit": "wrote the request",
        "approve": "approved the request",
        "reject": "rejected the request",
        "add_partners": "proposed more partners",
        "approve_addition": "approved more partners",
        "reject_addition": "rejected more partners",
        "ask_guest": "asked an organisation that is no member",
        "guest_answer": "noted what a guest said, unverified",
        "guest_joined": "gave a guest that joined its leg",
        "deliver": "got the notice",
        "acknowledge": "acknowledged",
        "review": "said that it is looked into",
        "ask": "asked a question",
        "answer": "answered a question",
        "decline": "declined",
        "cannot_say": "said that it may not say",
        "report": "reported what was found and done",
        "extend": "extended a hold",
        "ask_extension": "asked for a longer hold",
        "mark_same_funds": "marked holds as the same funds",
        "give_indemnity": "gave an indemnity",
        "raise_support": "raised what stands behind the request",
        "renew_flags": "asked that deposits be screened for longer",
        "take": "said “I have it”",
        "dispute": "disputed a freeze",
        "resolve_dispute": "resolved a dispute",
        "propose_resolution": "proposed how to resolve a dispute",
        "recommend_release": "recommended a release",
        "propose_withdrawal": "proposed a withdrawal",
        "approve_withdrawal": "approved a withdrawal",
        "reject_withdrawal": "rejected a withdrawal",
        "withdraw": "withdrew what was asked",
        "revoke_clearance": "revoked a clearance",
        "legal_order": "attached a legal order",
        "close": "closed the request",
        "erase": "erased what the request said",
        "revoke": "took away a key, or all of somebody's",
        "set_tag_key": "set what your entries of the log are tagged with",
        "add_endpoint": "added a webhook endpoint",
        "change_endpoint": "changed a webhook endpoint",
        "remove_endpoint": "removed a webhook endpoint",
        "accept_rulebook": "accepted the rulebook",
        "set_encryption_key": "chose what evidence is sealed to",
        "apply_flags": "said up to where deposits are screened",
        "set_on_call": "set who is woken",
        "remove_on_call": "removed the on-call chain",
        "page_for_test": "had people paged for a test",
        "limit_leg": "said who sees a request",
        "seal_evidence": "sealed evidence to partners",
        "share_evidence": "sealed evidence to more partners",
        "ask_return": "asked money back",
        "approve_return": "approved that money is asked back",
        "reject_return": "rejected that money is asked back",
        "withdraw_return": "asked money back no more",
        "answer_return": "answered who asked money back",
        "revoke_return": "revoked what was to be sent back",
        "confirm_return": "said whether money arrived",
        "propose_destination": "named an account that money may come back to",
        "approve_destination": "approved an account that money may come back to",
        "reject_destination": "rejected an account that money was to come back to",
        "prove_destination": "confirmed a test transfer",
        "close_destination": "closed an account that money came back to",
        "rotate_endpoint_secret": "made a webhook endpoint a new secret",
    }
)
_PROOFS = {"webauthn": "by passkey", "jws": "by key"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did.

    Attributes:
        place: Its number in the log; None of what is not logged.
    """

    at: datetime | None
    who: str
    what: str
    proof: str
    request_id: str
    place: int | None


def show(visit: Visit) -> Response:
    """Show what was done, newest first."""
    picked = {name: request.args[name] for name in ("of", "person") if request.args.get(name)}
    cursor = {name: request.args[name] for name in ("cursor",) if request.args.get(name)}
    query = query_of(api.OwnActsQuery, {"limit": _PAGE, **picked, **cursor})
    page = visit.read(api.list_own_acts, query)
    after = page.get("next_cursor")
    return render.page(
        "audit.html",
        visit,
        entries=[_entry(visit, each) for each in page["items"]],
        kinds=[(key, _url(picked | {"of": key}), word) for key, word in KINDS.items()],
        of=picked.get("of", ""),
        people=[("", "Everybody"), *((key, _name(visit, key)) for key in visit.people)],
        person=picked.get("person", ""),
        older=_url(picked | {"cursor": after}) if after else "",
        newest=_url(picked) if cursor else "",
    )


def _entry(visit: Visit, view: Mapping[str, Any]) -> Entry:
    return Entry(
        at=moment(view["at"]),
        who=_who(visit, view),
        what=_what(visit, view),
        proof=_PROOFS.get(view.get("evidence_kind") or "", ""),
        request_id=view.get("request_id") or "",
        place=view["leaf_index"],
    )


def _who(visit: Visit, view: Mapping[str, Any]) -> str:
    if view["subject"] is None:
        return "The root key" if view["kind"] in {"grant", "revoke"} else "Holdfast"
    return _name(visit, view["subject"])


def _name(visit: Visit, subject: str) -> str:
    known = visit.people.get(subject) or {}
    return str(known.get("display_name") or short_id(subject))


def _what(visit: Visit, view: Mapping[str, Any]) -> str:
    if view["kind"] == "session":
        return f"signed in with {view['browser']}"
    if view["kind"] == "grant":
        about = view.get("about")
        whom = "the organisation's policy" if about is None else _name(visit, about)
        roles = listed(role.replace("_", " ") for role in view.get("roles", ()))
        given = f" as {roles}" if roles else ""
        return f"granted {whom}{given}"
    said = ACTS.get(view["kind"], view["kind"].replace("_", " "))
    return marked(said, drill=view.get("drill") is True)


def _url(query: Mapping[str, str]) -> str:
    said = {name: value for name, value in query.items() if value}
    return f"{HOME}?{urlencode(said)}" if said else HOME
