"""Who acts for one's organisation: people and systems, their keys with their history, their names.

Everybody of the organisation reads it. A security lead names people, makes links for passkeys, and
takes keys away; rights are given by `console.grants`, two leads at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import console_links, membership_reads
from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.list_part import list_part
from coordinator.console.visit import Visit
from coordinator.console.words import counted, moment, role_words, when_used
from coordinator.domain.errors import CoordinatorError, NotFoundError
from coordinator.domain.permission import Permission
from holdfast.protocol import strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import thumbprint_digits
from holdfast.protocol.request_token import read_token_front
from holdfast.protocol.type_ids import new_id

HERE = "/console/people"
#: People, and what waits for leads, on a page.
_ROWS, _WAITING = 100, 20
#: As many as a page of the API holds; nobody has had more keys.
_MOST = "500"


@dataclass(frozen=True, slots=True)
class Row:
    """A person or system as the list shows it."""

    id: str
    name: str
    roles: str
    keys: str
    owner: str
    is_me: bool
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A passkey, or a proposed grant, that waits for leads."""

    title: str
    meta: str
    digits: tuple[str, str] | None
    url: str
    button: str


@dataclass(frozen=True, slots=True)
class KeyCard:
    """A key with its history."""

    kid: str
    name: str
    is_passkey: bool
    granted_at: datetime | None
    how: str
    revoked_at: datetime | None
    used: str
    digits: tuple[str, str]


def show(visit: Visit) -> Response:
    """Show everybody, and what waits for leads."""
    rows = [_row(visit, each) for each in visit.people.values()]
    present = [row for row in rows if row.left_at is None]
    is_lead = visit.may(Permission.GRANT_MAKE)
    people = sum(row.id.startswith("per_") for row in present)
    present.sort(key=lambda row: (row.id.startswith("sys_"), row.name.casefold()))
    waiting = [*_pending_passkeys(visit), *_proposals(visit)] if is_lead else []
    return render.page(
        "people.html",
        visit,
        present=list_part(present, HERE, request.args, "from", _ROWS),
        former=[row for row in rows if row.left_at is not None],
        people=counted(people, "person") if people == 1 else f"{people} people",
        systems=counted(len(present) - people, "system"),
        waiting=list_part(waiting, HERE, request.args, "waiting", _WAITING),
        is_lead=is_lead,
        done=done_words(visit),
    )


def show_person(visit: Visit, person_id: str) -> Response:
    """Show one of them with every key that they ever had."""
    return _person_page(visit, person_id, {}, {})


def rename(visit: Visit, person_id: str) -> Response | WsgiResponse:
    """Ask a lead to sign what somebody is called, and how they are reached."""
    person = find(visit, person_id)
    typed = {name: visit.form.text(name) for name in ("display_name", "contact")}
    body = {
        name: text or None for name, text in typed.items() if (text or None) != person.get(name)
    }
    if not body:
        return _person_page(visit, person_id, typed, {"": "Nothing differs from what is known."})
    called = typed["display_name"] or "nobody by name"
    wanted = WantedAct(
        method="PATCH",
        path=f"/v1/people/{person_id}",
        body=body,
        sentence=f"Have {visit.called(person_id)} called “{called}” by your own organisation."
        if "display_name" in body
        else f"Change how {visit.called(person_id)} is reached.",
        button="Change it",
        back=f"{HERE}/{person_id}",
        then=f"{HERE}/{person_id}",
        facts=[("Reached by", typed["contact"] or "nothing")] if "contact" in body else [],
    )
    try:
        return ask_signature(visit, wanted)
    except CoordinatorError as error:
        faults = {fault.pointer.removeprefix("/"): fault.detail for fault in error.errors}
        return _person_page(visit, person_id, typed, faults or {"": sentence_of(error)})


def ask_link(visit: Visit, person_id: str) -> WsgiResponse:
    """Ask a lead to sign for a link with which somebody makes a passkey."""
    find(visit, person_id)
    return _link(visit, person_id, visit.called(person_id), f"{HERE}/{person_id}")


def invite(visit: Visit) -> WsgiResponse:
    """Ask a lead to sign for a link for somebody who is to come: an id that is nobody's yet."""
    return _link(visit, new_id("per"), "somebody new", HERE)


def take_key_away(visit: Visit, kid: str) -> WsgiResponse:
    """Ask a lead to sign that a key is over."""
    found = _keys(visit, kid=kid)
    if not found:
        raise NotFoundError("your organisation has no such key")
    person = found[0]["subject"]
    return ask_signature(
        visit,
        WantedAct(
            path="/v1/revocations",
            body={"kid": kid},
            sentence=f"Take this key of {visit.called(person)} away, at once. All members are"
            " told; it cannot be undone.",
            button="Take the key away",
            back=f"{HERE}/{person}",
            then=f"{HERE}/{person}",
            facts=[("Key", kid), ("Its digits", " … ".join(thumbprint_digits(kid)))],
        ),
    )


def take_person_away(visit: Visit, person_id: str) -> WsgiResponse:
    """Ask a lead to sign that somebody acts no longer."""
    find(visit, person_id)
    return ask_signature(
        visit,
        WantedAct(
            path="/v1/revocations",
            body={"subject": person_id},
            sentence=f"Have {visit.called(person_id)} act for your organisation no longer,"
            " with all keys, at once. All members are told; it cannot be undone.",
            button="Take them away",
            back=f"{HERE}/{person_id}",
            then=HERE,
        ),
    )


def find(visit: Visit, person_id: str) -> Mapping[str, Any]:
    """Return one of one's own.

    Raises:
        NotFoundError: If there is none.
    """
    person = visit.people.get(person_id)
    if person is None:
        raise NotFoundError("your organisation has no such person or system")
    return person


def sentence_of(error: CoordinatorError) -> str:
    """Return why something was refused, with every fault that it names."""
    return _capital("; ".join(fault.detail for fault in error.errors) or error.message)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _link(visit: Visit, person_id: str, name: str, back: str) -> WsgiResponse:
    return ask_signature(
        visit,
        WantedAct(
            path="/v1/console-links",
            body={"purpose": "passkey", "person": person_id},
            sentence=f"Make a link with which {name} makes a passkey. It is good once, for 24"
            " hours; the passkey gives no right until it is granted.",
            button="Make the link",
            back=back,
            then="/console/links/made",
        ),
    )


def _row(visit: Visit, person: Mapping[str, Any]) -> Row:
    keys = len(person["kids"])
    return Row(
        id=person["id"],
        name=visit.called(person["id"]),
        roles=role_words(person["roles"]),
        keys=counted(keys, "key") if keys else "no key",
        owner=visit.called(person["owner"]) if person["owner"] else "",
        is_me=person["id"] == visit.actor.subject,
        left_at=moment(person["revoked_at"]),
    )


def _pending_passkeys(visit: Visit) -> list[Waiting]:
    found = visit.every(console_links.list_passkeys, console_links.PasskeysQuery, status="pending")
    return [_pending_passkey(visit, each) for each in sorted(found, key=lambda p: p["made_at"])]


def _pending_passkey(visit: Visit, passkey: Mapping[str, Any]) -> Waiting:
    name = passkey["display_name"] or "without a name"
    made = when_used(passkey["made_at"], visit.reader.read_context.now)
    return Waiting(
        title=f"Passkey “{name}” of {visit.called(passkey['person'])}",
        meta=f"Made {made}; gives no right yet.",
        digits=thumbprint_digits(passkey["kid"]),
        url=f"/console/passkeys/{passkey['kid']}/grant",
        button="Grant a right…",
    )


def _proposals(visit: Visit) -> list[Waiting]:
    found = visit.every(
        membership_reads.list_grants, membership_reads.GrantsQuery, status="pending"
    )
    return [_proposal(visit, each) for each in found]


def _proposal(visit: Visit, grant: Mapping[str, Any]) -> Waiting:
    about = visit.called(grant["subject"]) if grant["subject"] else "your policy"
    ago = when_used(grant["made_at"], visit.reader.read_context.now)
    return Waiting(
        title=f"A grant for {about}",
        meta=f"{visit.called(grant['proposer'])} proposed it {ago}; another lead approves it.",
        digits=None if grant["kid"] is None else thumbprint_digits(grant["kid"]),
        url=f"/console/grants/{grant['id']}",
        button="Look at it",
    )


def _person_page(
    visit: Visit, person_id: str, typed: Mapping[str, str], faults: Mapping[str, str]
) -> Response:
    person = find(visit, person_id)
    return render.page(
        "person.html",
        visit,
        status=422 if faults else 200,
        person=person,
        name=visit.called(person_id),
        roles=role_words(person["roles"]),
        owner=visit.called(person["owner"]) if person["owner"] else "",
        left_at=moment(person["revoked_at"]),
        keys=_key_cards(visit, person_id),
        is_lead=visit.may(Permission.PERSON_NAME),
        is_me=person_id == visit.actor.subject,
        typed={"display_name": person["display_name"] or "", "contact": person["contact"] or ""}
        | dict(typed),
        faults=[(f"f-{name}" if name else "", _capital(text)) for name, text in faults.items()],
        at={name: _capital(faults.get(name, "")) for name in ("display_name", "contact")},
        done=done_words(visit),
    )


def _keys(visit: Visit, **of: str) -> list[Mapping[str, Any]]:
    query = membership_reads.KeysQuery.model_validate(
        {"partner": visit.actor.partner, "limit": _MOST, **of}
    )
    found: list[Mapping[str, Any]] = visit.read(membership_reads.list_keys, query)["items"]
    return found


def _key_cards(visit: Visit, person_id: str) -> list[KeyCard]:
    of = {"partner": visit.actor.partner, "subject": person_id, "limit": _MOST}
    grants = membership_reads.GrantsQuery.model_validate(of)
    by_id = {each["id"]: each for each in visit.read(membership_reads.list_grants, grants)["items"]}
    passkeys = _passkeys_of(visit, person_id)
    keys = sorted(_keys(visit, subject=person_id), key=lambda key: str(key["granted_at"]))
    now = visit.reader.read_context.now
    return [
        KeyCard(
            kid=key["kid"],
            name=passkeys.get(key["kid"], {}).get("display_name") or "",
            is_passkey="webauthn" in key["jwk"],
            granted_at=moment(key["granted_at"]),
            how=_how(visit, by_id.get(key["grant_id"] or "")),
            revoked_at=moment(key["revoked_at"]),
            used=when_used(passkeys[key["kid"]]["used_at"], now) if key["kid"] in passkeys else "",
            digits=thumbprint_digits(key["kid"]),
        )
        for key in keys
    ]


def _passkeys_of(visit: Visit, person_id: str) -> Mapping[str, Mapping[str, Any]]:
    """Return somebody's passkeys, as far as one may read them."""
    may = visit.may(Permission.GRANT_MAKE) or person_id == visit.actor.subject
    if not may or not person_id.startswith("per_"):
        return {}
    query = console_links.PasskeysQuery.model_validate({"person": person_id, "limit": "100"})
    found = visit.read(console_links.list_passkeys, query)["items"]
    return {each["kid"]: each for each in found}


def _how(visit: Visit, grant: Mapping[str, Any] | None) -> str:
    """Return by whose word a key counts."""
    if grant is None:
        return "by a grant of which nothing is kept"
    if grant.get("proposer"):
        proposer, approver = (visit.called(grant.get(by)) for by in ("proposer", "approver"))
        return f"by {proposer}, who proposed it, and {approver}, who approved it"
    try:
        by_root = read_token_front(grant["token"]).claims["sub"] == grant["partner"]
    except (ProtocolError, KeyError):
        return "by a grant whose proof was erased"
    if by_root:
        return "by the root key"
    replaced = strict_json.loads(grant["body"].encode()).get("replaces") or ""
    return f"by its owner, in the place of the key {replaced[:8]}…"
