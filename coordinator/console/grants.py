"""Rights given by two leads: one proposes, another approves exactly what was proposed."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from flask import Response
from pydantic import ValidationError
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import console_links, membership_reads
from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature
from coordinator.console.forms import number_of
from coordinator.console.people import HERE, sentence_of
from coordinator.console.visit import Visit
from coordinator.console.words import ROLE_WORDS, moment, role_words
from coordinator.domain.clock_profiles import DEFAULT_PROFILE
from coordinator.domain.errors import CoordinatorError, NotFoundError
from coordinator.domain.permission import Permission, require
from holdfast.protocol import strict_json
from holdfast.protocol.jwk import thumbprint_digits
from holdfast.protocol.vocabulary import Role, Silence

#: What a person may be, and what each may do.
PERSON_ROLES: Mapping[Role, str] = MappingProxyType(
    {
        Role.SECURITY_LEAD: "Submits and approves requests, releases and returns, grants rights.",
        Role.COMPLIANCE: "Answers requests: declines, freezes, releases, returns, disputes.",
        Role.ANALYST: "Submits requests; acknowledges, reviews, reports what was found and frozen.",
        Role.AUDITOR: "Reads everything, and changes nothing.",
    }
)


class Value(NamedTuple):
    """One value of the policy: its name, what it is now, and what it means."""

    name: str
    title: str
    now: str
    meaning: str


# ---------- a passkey that waits ----------


def show_passkey(visit: Visit, kid: str) -> Response:
    """Show a pending passkey, and ask which right it is to have."""
    passkey = _pending(visit, kid)
    person = visit.people.get(passkey["person"], {})
    return _passkey_page(visit, passkey, [str(role) for role in person.get("roles", ())])


def propose(visit: Visit, kid: str) -> Response | WsgiResponse:
    """Ask a lead to sign the proposal."""
    passkey = _pending(visit, kid)
    roles = [role for role in visit.form.texts("roles") if role in set(PERSON_ROLES)]
    if not roles:
        return _passkey_page(visit, passkey, roles, "Choose at least one role.")
    name = visit.called(passkey["person"])
    wanted = WantedAct(
        path="/v1/grants",
        body={
            "subject": passkey["person"],
            "roles": roles,
            "jwk": passkey["jwk"],
            "possession": passkey["possession"],
        },
        sentence=f"Propose that this passkey of {name} counts, as {role_words(roles)}. Another"
        " security lead approves it before it does.",
        button="Propose it",
        back=f"/console/passkeys/{kid}/grant",
        then=HERE,
        facts=[
            ("Person", passkey["person"]),
            ("Digits of the passkey", " … ".join(thumbprint_digits(kid))),
        ],
    )
    try:
        return ask_signature(visit, wanted)
    except CoordinatorError as error:
        return _passkey_page(visit, passkey, roles, sentence_of(error))


def _pending(visit: Visit, kid: str) -> Mapping[str, Any]:
    require(Permission.GRANT_MAKE, visit.actor)
    try:
        query = console_links.PasskeysQuery.model_validate({"status": "pending", "kid": kid})
    except ValidationError:
        raise NotFoundError("there is no such passkey") from None
    for passkey in visit.read(console_links.list_passkeys, query)["items"]:
        found: Mapping[str, Any] = passkey
        return found
    raise NotFoundError("no such passkey waits: it was granted meanwhile, or discarded")


def _passkey_page(
    visit: Visit, passkey: Mapping[str, Any], chosen: Sequence[str], fault: str = ""
) -> Response:
    return render.page(
        "grant_passkey.html",
        visit,
        status=422 if fault else 200,
        passkey=passkey,
        made_at=moment(passkey["made_at"]),
        name=visit.called(passkey["person"]),
        is_new=passkey["person"] not in visit.people,
        digits=thumbprint_digits(passkey["kid"]),
        is_mine=passkey["person"] == visit.actor.subject,
        roles=[
            (str(role), ROLE_WORDS[role].capitalize(), meaning, str(role) in chosen)
            for role, meaning in PERSON_ROLES.items()
        ],
        fault=fault,
    )


# ---------- a proposal that waits ----------


def show_proposal(visit: Visit, proposal_id: str) -> Response:
    """Show what a lead proposed, and the button that approves it, or why one cannot."""
    return _proposal_page(visit, _proposal(visit, proposal_id), "")


def approve(visit: Visit, proposal_id: str) -> Response | WsgiResponse:
    """Ask another lead to sign the approval of exactly this."""
    proposal = _proposal(visit, proposal_id)
    about = visit.called(proposal["subject"]) if proposal["subject"] else "your policy"
    facts = [("Proposed by", visit.called(proposal["proposer"]))]
    if proposal["kid"] is not None:
        facts.append(("Digits of the key", " … ".join(thumbprint_digits(proposal["kid"]))))
    wanted = WantedAct(
        path=f"/v1/grants/{proposal_id}/approvals",
        body={"grant_sha256": visit.form.text("grant_sha256")},
        sentence=f"Approve the grant for {about}"
        + (f", as {role_words(proposal['roles'])}" if proposal["roles"] else "")
        + ". It counts at once, and all members are told.",
        button="Approve it",
        back=f"/console/grants/{proposal_id}",
        then=HERE,
        facts=facts,
    )
    try:
        return ask_signature(visit, wanted)
    except CoordinatorError as error:
        return _proposal_page(visit, proposal, sentence_of(error))


def _proposal(visit: Visit, proposal_id: str) -> Mapping[str, Any]:
    query = membership_reads.GrantsQuery.model_validate({"status": "pending", "limit": "100"})
    for proposal in visit.read(membership_reads.list_grants, query)["items"]:
        if proposal["id"] == proposal_id:
            found: Mapping[str, Any] = proposal
            return found
    raise NotFoundError("no such proposal waits: it was approved meanwhile, or its time is over")


def _proposal_page(visit: Visit, proposal: Mapping[str, Any], fault: str) -> Response:
    grant = strict_json.loads(proposal["body"].encode())
    policy = membership_reads.read_own
    in_force = visit.read(policy)["policy"] if grant.get("policy") else {}
    return render.page(
        "grant.html",
        visit,
        status=422 if fault else 200,
        proposal=proposal,
        about=visit.called(proposal["subject"]) if proposal["subject"] else "",
        proposer=visit.called(proposal["proposer"]),
        roles=role_words(proposal["roles"]) if proposal["roles"] else "",
        digits=None if proposal["kid"] is None else thumbprint_digits(proposal["kid"]),
        is_passkey="webauthn" in (grant.get("jwk") or {}),
        changes=_changes(visit, in_force, grant.get("policy") or {}),
        made_at=moment(proposal["made_at"]),
        ends_at=moment(proposal["expires_at"]),
        why_not=_why_not(visit, proposal),
        fault=fault,
    )


def _why_not(visit: Visit, proposal: Mapping[str, Any]) -> str:
    """Return why this person is not the one to approve; the rules have the last word."""
    me = visit.actor.subject
    if proposal["proposer"] == me:
        return "You proposed it. It takes another security lead to approve it."
    if me in {proposal["subject"], proposal["owner"]}:
        return "It gives a right to you, so that another security lead approves it."
    return ""


# ---------- the policy ----------


def show_policy(visit: Visit) -> Response:
    """Show the policy in force, each value with what it means."""
    return _policy_page(visit, _in_force(visit), "")


def propose_policy(visit: Visit) -> Response | WsgiResponse:
    """Ask a lead to sign a proposal of another policy."""
    in_force = _in_force(visit)
    typed = _typed_policy(visit, in_force)
    changes = _changes(visit, in_force, typed)
    if not changes:
        return _policy_page(visit, typed, "Nothing here differs from the policy in force.")
    wanted = WantedAct(
        path="/v1/grants",
        body={"policy": typed},
        sentence="Propose another policy for your organisation. Another security lead approves it"
        " before it is in force.",
        button="Propose it",
        back=f"{HERE}/policy",
        then=HERE,
        facts=[(title, f"{new}, instead of {old}") for title, old, new in changes],
    )
    try:
        return ask_signature(visit, wanted)
    except CoordinatorError as error:
        return _policy_page(visit, typed, sentence_of(error))


def _in_force(visit: Visit) -> dict[str, Any]:
    return dict(visit.read(membership_reads.read_own)["policy"])


def _typed_policy(visit: Visit, in_force: Mapping[str, Any]) -> dict[str, Any]:
    form = visit.form
    numbers = {
        name: in_force[name] if (number := number_of(form.text(name))) is None else number
        for name in ("approval_quorum", "withdrawal_quorum")
    }
    texts = {name: form.text(name) for name in ("provisional", "cannot_say")}
    return {
        **numbers,
        **texts,
        "may_ask_all": form.text("may_ask_all") == "yes",
        "may_flash": form.texts("may_flash"),
        "systems_as_compliance": form.texts("systems_as_compliance"),
        "clocks": form.text("clocks") or DEFAULT_PROFILE,
    }


def _policy_page(visit: Visit, policy: Mapping[str, Any], fault: str) -> Response:
    everybody = [each for each in visit.people.values() if each["revoked_at"] is None]
    return render.page(
        "policy.html",
        visit,
        status=422 if fault else 200,
        values=_values(visit, _in_force(visit)),
        policy=policy,
        flashing=[(each["id"], visit.called(each["id"])) for each in everybody],
        systems=[
            (each["id"], visit.called(each["id"])) for each in everybody if each["kind"] == "system"
        ],
        silences=[(str(each), _SILENCES[each]) for each in Silence],
        may_change=visit.may(Permission.GRANT_MAKE),
        fault=fault,
    )


_SILENCES: Mapping[Silence, str] = MappingProxyType(
    {Silence.NONE: "nobody", Silence.PRIVATE_REQUESTERS: "all private requesters"}
)
_PROVISIONAL = MappingProxyType(
    {"notify": "partners are asked at once", "hold_back": "partners are asked once it is ratified"}
)
_MEANINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "approval_quorum": (
            "Leads who approve a request",
            "How many security leads approve before a request of yours goes out.",
        ),
        "withdrawal_quorum": (
            "Leads who let held funds go",
            "How many agree before a withdrawal of yours lets go of what partners hold.",
        ),
        "may_flash": (
            "Who may send a flash request",
            "Theirs go out before a lead approved them, and are ratified afterwards.",
        ),
        "provisional": (
            "Flash requests before they are ratified",
            "Whether partners hear of them at once or later.",
        ),
        "systems_as_compliance": (
            "Systems that act as compliance",
            "They decline, release and return without a person.",
        ),
        "may_ask_all": (
            "Asking all members at once",
            "Whether a request may go to everybody without naming them.",
        ),
        "cannot_say": (
            "Who is told that you cannot say",
            "Whether you answer neither yes nor no, by a rule that every member reads.",
        ),
        "clocks": ("Clocks by which you answer", "A profile in the rulebook of the network."),
    }
)


def _values(visit: Visit, policy: Mapping[str, Any]) -> list[Value]:
    return [
        Value(name, title, _value_words(visit, name, policy[name]), meaning)
        for name, (title, meaning) in _MEANINGS.items()
    ]


def _changes(
    visit: Visit, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Return what differs, as (title, before, after)."""
    return [
        (
            title,
            _value_words(visit, name, before.get(name)),
            _value_words(visit, name, after[name]),
        )
        for name, (title, _) in _MEANINGS.items()
        if name in after and before.get(name) != after[name]
    ]


def _value_words(visit: Visit, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(visit.called(each) for each in value) or "nobody"
    if name == "provisional":
        return _PROVISIONAL.get(value, str(value))
    if name == "cannot_say" and value in set(Silence):
        return _SILENCES[Silence(value)]
    return str(value)
