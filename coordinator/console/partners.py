"""The directory: who is a member, how to know their key, how to reach them, who acts for them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from flask import Response, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import membership_reads as api
from coordinator.api.paging import PageQuery
from coordinator.api.query import query_of
from coordinator.console import directory_entry, figures, render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.delivery_words import State
from coordinator.console.faults import Faults
from coordinator.console.gateways import Declared
from coordinator.console.visit import Visit
from coordinator.console.words import listed, moment
from coordinator.domain.errors import InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from holdfast.protocol import strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.vocabulary import FreezesOn, PartnerKind, PartnerStatus

HOME = "/console/partners"
_PAGE = "50"
_GRANTS = "25"
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ()./-]{4,40}", re.ASCII)
_FIELDS = {"contacts": "contacts", "emergency_contact": "emergency"}

KINDS: Mapping[PartnerKind, str] = MappingProxyType(
    {
        PartnerKind.EXCHANGE: "Exchange",
        PartnerKind.ISSUER: "Issuer",
        PartnerKind.SERVICE: "Service",
        PartnerKind.ANALYTICS: "Analytics",
        PartnerKind.LAW_ENFORCEMENT: "Authority",
        PartnerKind.COMMUNITY: "Community",
    }
)
#: The same in a sentence.
_ARTICLES: Mapping[PartnerKind, str] = MappingProxyType(
    {
        PartnerKind.EXCHANGE: "an exchange",
        PartnerKind.ISSUER: "an issuer",
        PartnerKind.SERVICE: "a service",
        PartnerKind.ANALYTICS: "an analytics firm",
        PartnerKind.LAW_ENFORCEMENT: "an authority",
        PartnerKind.COMMUNITY: "a community group",
    }
)
STATUSES: Mapping[PartnerStatus, State] = MappingProxyType(
    {
        PartnerStatus.ACTIVE: State("Active", "done", "check"),
        PartnerStatus.PENDING: State("Key not confirmed", "waiting", "clock"),
        PartnerStatus.INVITED: State("Invited", "", "ring"),
        PartnerStatus.SUSPENDED: State("Suspended", "danger", "warn"),
    }
)
_ROLES = {
    "analyst": "analyst",
    "system": "system",
    "compliance": "compliance",
    "security_lead": "security lead",
    "auditor": "auditor",
}
#: What a policy may say, as others read it in the grant that set it.
_POLICIES = {
    "approval_quorum": "leads who must approve a request: {}",
    "withdrawal_quorum": "people who must agree to a withdrawal: {}",
    "provisional": "a flash notice before ratification: {}",
    "cannot_say": "says “cannot say” to: {}",
    "may_ask_all": "may ask all partners at once: {}",
    "clocks": "clocks: {}",
    "may_flash": "roles that may send a flash request: {}",
    "systems_as_compliance": "systems that do what compliance does: {}",
}
_VALUES = {
    "notify": "looks, and waits for it",
    "hold_back": "holds at once, provisionally",
    "none": "nobody",
    "private_requesters": "all but authorities",
    "True": "yes",
    "False": "no",
    "[]": "none",
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member as the directory shows it.

    Attributes:
        thumbprint: The root key's, in groups of four.
        telephone: For a link, where the emergency contact is a number.
        said: What it says of itself, as terms and words.
        gateways: On what ground it tells amounts.
        is_named: Whether others read figures of it under its name.
    """

    handle: str
    name: str
    kind: str
    is_a: str
    status: State
    jurisdiction: str
    joined_at: datetime | None
    root_kid: str
    thumbprint: Sequence[str]
    contacts: Sequence[str]
    emergency: str
    telephone: str
    is_silent: bool
    freezes_on_order: bool
    said: Sequence[tuple[str, str]]
    gateways: Sequence[Declared]
    is_named: bool
    clocks: str

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> "Member":
        """Return it from the API's view."""
        emergency, kid = view["emergency_contact"] or "", view["root_kid"] or ""
        is_number = _TELEPHONE.fullmatch(emergency) is not None
        return cls(
            handle=view["handle"],
            name=view["name"],
            kind=KINDS[view["kind"]],
            is_a=_ARTICLES[view["kind"]],
            status=STATUSES[view["status"]],
            jurisdiction=view["jurisdiction"] or "",
            joined_at=moment(view["joined_at"]),
            root_kid=kid,
            thumbprint=fours(kid),
            contacts=view["contacts"] or (),
            emergency=emergency,
            telephone=re.sub(r"[^0-9+]", "", emergency) if is_number else "",
            is_silent=view["cannot_say"] != "none",
            freezes_on_order=view["freezes_on"] == FreezesOn.ORDER,
            said=directory_entry.facts(view),
            gateways=[Declared.of(each, render.now()) for each in view["gateways"]],
            is_named=view["named_in_statistics"],
            clocks=view["clocks"]["profile"],
        )

    @property
    def page(self) -> str:
        """Where it is shown."""
        return f"{HOME}/{self.handle}"


@dataclass(frozen=True, slots=True)
class Granted:
    """One grant: who gained what, when, by whose signature."""

    id: str
    at: datetime | None
    whom: str
    what: str
    by: str


def show_all(visit: Visit) -> Response:
    """Show the members by handle."""
    cursor = request.args.get("cursor")
    query = query_of(PageQuery, {"limit": _PAGE, **({"cursor": cursor} if cursor else {})})
    page = visit.read(api.list_partners, query)
    after = page.get("next_cursor")
    members = [Member.of(each) for each in page["items"]]
    return render.page(
        "partners.html",
        visit,
        nav="partners",
        members=members,
        answers=figures.fastest(visit),
        own=visit.actor.partner,
        older=f"{HOME}?cursor={after}" if after else "",
        newest=HOME if cursor else "",
    )


def show(visit: Visit, handle: str, faults: Faults | None = None) -> Response:
    """Show one member, and one's own contacts to change."""
    member = Member.of(visit.read(api.read_partner, handle=handle))
    cursor = request.args.get("cursor")
    asked = {"partner": handle, "limit": _GRANTS} | ({"cursor": cursor} if cursor else {})
    page = visit.read(api.list_grants, query_of(api.GrantsQuery, asked))
    after = page.get("next_cursor")
    is_own = handle == visit.actor.partner
    return render.page(
        "partner.html",
        visit,
        422 if faults else 200,
        nav="partners",
        member=member,
        answers=[each for each in figures.answers(visit) if each.partner == handle],
        grants=[_granted(visit, each) for each in page["items"]],
        older=f"{member.page}?cursor={after}" if after else "",
        newest=member.page if cursor else "",
        is_own=is_own,
        may_change=is_own and visit.may(Permission.PARTNER_CHANGE),
        contacts=visit.form.text("contacts") or "\n".join(member.contacts),
        emergency=visit.form.text("emergency") if faults else member.emergency,
        faults=faults or Faults(),
        done=done_words(visit),
    )


def change_contacts(visit: Visit, handle: str) -> Response | WsgiResponse:
    """Ask for the signature of one's own contacts.

    Raises:
        NotFoundError: If the path names another member.
    """
    if handle != visit.actor.partner:
        raise NotFoundError("another member's contacts are its own to change")
    lines = visit.form.text("contacts").splitlines()
    contacts = [line.strip() for line in lines if line.strip()]
    emergency = visit.form.text("emergency") or None
    wanted = WantedAct(
        method="PATCH",
        path="/v1/partners/me",
        body={"contacts": contacts, "emergency_contact": emergency},
        sentence="Change how other members reach your organisation.",
        button="Change the contacts",
        back=f"{HOME}/{visit.actor.partner}",
        then=f"{HOME}/{visit.actor.partner}",
        facts=[
            ("In an emergency", emergency or "Nobody"),
            ("Contacts", listed(contacts) or "None"),
            ("Who reads it", "Every member"),
        ],
    )
    try:
        return ask_signature(visit, wanted)
    except InvalidInputError as error:
        return show(visit, handle, Faults.of(error, _FIELDS))


def fours(text: str) -> list[str]:
    """Return a thumbprint in groups of four, as it is read aloud."""
    return [text[start : start + 4] for start in range(0, len(text), 4)]


def _granted(visit: Visit, view: Mapping[str, Any]) -> Granted:
    body = _body(view.get("body"))
    partner = view["partner"]
    return Granted(
        id=view["id"],
        at=moment(view["made_at"]),
        whom=_whom(visit, view["subject"], partner),
        what=_what(view, body),
        by=_by(visit, view, body),
    )


def _whom(visit: Visit, subject: str | None, partner: str) -> str:
    if subject is None or subject == partner:
        return "The organisation"
    known = visit.people.get(subject)
    if known is not None and known.get("display_name"):
        return str(known["display_name"])
    kind = "A system" if subject.startswith("sys_") else "A person"
    return f"{kind}, {subject[:8]}\N{HORIZONTAL ELLIPSIS}{subject[-4:]}"


def _what(view: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """Return what a grant gave, or took away."""
    if "compromised_since" in body or ("kid" in body and "possession" not in body):
        return "lost " + ("a key" if "kid" in body else "every key and right")
    gained = [_ROLES.get(role, role) for role in view["roles"]]
    words = [f"the role {listed(gained)}"] if gained else []
    if view["kid"]:
        words.append("a new key in place of an old one" if body.get("replaces") else "a key")
    words += _policy_words(body.get("policy") or {})
    return listed(words) or "nothing new"


def _policy_words(policy: Mapping[str, Any]) -> Iterable[str]:
    for name, value in policy.items():
        said = listed(map(str, value)) if isinstance(value, list) and value else str(value)
        yield _POLICIES.get(name, f"{name}: {{}}").format(_VALUES.get(said, said))


def _by(visit: Visit, view: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    if view.get("proposer"):
        proposer = visit.name_of(view["proposer"], view["partner"])
        approver = visit.name_of(view["approver"], view["partner"])
        return f"proposed by {proposer}, approved by {approver}"
    return "the key that it replaces" if body.get("replaces") else "the root key"


def _body(text: str | None) -> Mapping[str, Any]:
    """Return what was signed, as far as it can be read."""
    if text is None:
        return {}
    try:
        body = strict_json.loads(text.encode())
    except ProtocolError:
        return {}
    return body if isinstance(body, dict) else {}
