"""The page of one's organisation's own OpenID provider: who signs in by it, set by a lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import sign_in_provider as api
from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.faults import Faults
from coordinator.console.owed import host_of
from coordinator.console.people import HERE as PEOPLE
from coordinator.console.visit import Visit
from coordinator.console.words import counted, moment
from coordinator.domain.errors import CoordinatorError, NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.membership.sign_in_providers import redirect_uri

HERE = f"{PEOPLE}/sign-in"
_PATH = "/v1/sign-in-provider"
#: By what a token may name somebody; the form has a field of each for everybody.
_CLAIMS = ("sub", "email")


@dataclass(frozen=True, slots=True)
class Row:
    """A person, and by what the provider names them."""

    id: str
    name: str
    sub: str
    email: str
    sub_fault: str
    email_fault: str


def show(visit: Visit) -> Response:
    """Show the provider, or how to bring one."""
    present = _present(visit)
    typed = _typed_of(present) if present else {}
    return _page(visit, present, typed, Faults())


def change(visit: Visit) -> Response | WsgiResponse:
    """Ask a lead to sign which provider it is, and whom it signs in."""
    form = visit.form
    issuer, people = form.text("issuer"), _typed_people(visit)
    body: dict[str, Any] = {
        "issuer": issuer,
        "client_id": form.text("client_id"),
        "people": people,
    }
    if form.text("client_secret"):
        body["client_secret"] = form.text("client_secret")
    listed = {each["person"] for each in people}
    who = "1 person" if len(listed) == 1 else f"{len(listed)} people"
    wanted = WantedAct(
        path=_PATH,
        body=body,
        sentence=f"Have {who} of your organisation sign in by {host_of(issuer)}, to read."
        " Whoever signed in by the provider before is signed out.",
        button="Set the provider",
        back=HERE,
        then=HERE,
        facts=[
            ("Issuer", issuer),
            ("Client", body["client_id"]),
            ("Its secret", "As you typed it" if "client_secret" in body else "Stays"),
            *((visit.called(each["person"]), each.get("sub") or each["email"]) for each in people),
        ],
    )
    try:
        return ask_signature(visit, wanted)
    except CoordinatorError as error:
        typed = {name: form.text(name) for name in form.fields if name != "csrf_token"}
        return _page(visit, _present(visit), typed, _faults(error, people))


def remove(visit: Visit) -> WsgiResponse:
    """Ask a lead to sign that nobody signs in by it any more."""
    present = _present(visit)
    if present is None:
        raise NotFoundError("your organisation has no provider")
    return ask_signature(
        visit,
        WantedAct(
            method="DELETE",
            path=_PATH,
            body={},
            sentence=f"Have nobody sign in by {host_of(present['issuer'])} any more. Whoever it"
            " signed in is signed out at once.",
            button="Remove the provider",
            back=HERE,
            then=HERE,
            facts=[("Issuer", present["issuer"]), ("Client", present["client_id"])],
        ),
    )


def _present(visit: Visit) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] = visit.read(api.read_own)
    return found if "id" in found else None


def _typed_of(present: Mapping[str, Any]) -> dict[str, str]:
    """Return the form's fields as they are in force; where a name stands twice, the first."""
    typed = {"issuer": present["issuer"], "client_id": present["client_id"]}
    for each in present["people"]:
        for claim in _CLAIMS:
            if each[claim] is not None:
                typed.setdefault(f"{claim}-{each['person']}", each[claim])
    return typed


def _typed_people(visit: Visit) -> list[dict[str, str]]:
    found = []
    for person in _everybody(visit):
        for claim in _CLAIMS:
            name = visit.form.text(f"{claim}-{person}")
            if name:
                found.append({"person": person, claim: name})
    return found


def _everybody(visit: Visit) -> list[str]:
    return [
        person
        for person, each in visit.people.items()
        if each["kind"] == "person" and each["revoked_at"] is None
    ]


def _faults(error: CoordinatorError, people: Sequence[Mapping[str, str]]) -> Faults:
    """Return what was refused, beside the field of the person that it is about."""
    fields = {name: name for name in ("issuer", "client_id", "client_secret")}
    found = Faults.of(error, fields)
    by_field, listed = dict(found.by_field), list(found.listed)
    for place, fault in enumerate(error.errors):
        _, member, number, *_ = [*fault.pointer.split("/"), "", "", ""]
        if member != "people":
            continue
        if not number.isdigit():
            listed[place] = ("", "Say of one person at least how the provider names them.")
            continue
        entry = people[int(number)]
        claim = next(each for each in _CLAIMS if each in entry)
        name = f"{claim}-{entry['person']}"
        by_field[name] = listed[place][1]
        listed[place] = (f"f-{name}", listed[place][1])
    return Faults(by_field, listed)


def _page(
    visit: Visit, present: Mapping[str, Any] | None, typed: Mapping[str, str], faults: Faults
) -> Response:
    rows = [
        Row(
            id=person,
            name=visit.called(person),
            sub=typed.get(f"sub-{person}", ""),
            email=typed.get(f"email-{person}", ""),
            sub_fault=faults.by_field.get(f"sub-{person}", ""),
            email_fault=faults.by_field.get(f"email-{person}", ""),
        )
        for person in _everybody(visit)
    ]
    listed = {each["person"] for each in present["people"]} if present else set()
    origin = visit.reader.context.passkey_scope
    return render.page(
        "provider.html",
        visit,
        status=422 if faults.listed else 200,
        present=present,
        host=host_of(present["issuer"]) if present else "",
        set_by=visit.called(present["set_by"]) if present else "",
        set_at=moment(present["set_at"]) if present else None,
        who=counted(len(listed), "person") if len(listed) == 1 else f"{len(listed)} people",
        listed=[row for row in rows if row.id in listed],
        redirect_uri=redirect_uri(origin.origin if origin else "", visit.actor.partner),
        door=f"/console/sign-in?organisation={visit.actor.partner}",
        typed={name: typed.get(name, "") for name in ("issuer", "client_id")},
        rows=rows,
        faults=faults,
        may_change=visit.may(Permission.SIGN_IN_PROVIDER_CHANGE),
        done=done_words(visit),
    )
