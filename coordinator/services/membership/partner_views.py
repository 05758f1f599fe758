"""What members may read of each other: rows and sealed contacts as views."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple, NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.clock_profiles import DEFAULT_PROFILE, Span, WorkingDays
from coordinator.domain.deadline import Policies
from coordinator.services.core.unit_of_work import unpack_evidence
from coordinator.storage.engine.documents import Vault, load, load_one
from coordinator.storage.membership import grant_proposals as proposal_store
from coordinator.storage.membership import partners as store
from coordinator.storage.membership.gateways import DeclaredGateway, declared
from coordinator.storage.membership.partners import KeyOfSubject
from coordinator.storage.tables.life_cycle import GrantProposalRow
from coordinator.storage.tables.partners import GrantRow, PartnerRow, SubjectRow
from holdfast.protocol import strict_json
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import (
    FreezesOn,
    Gateway,
    PartnerKind,
    PartnerStatus,
    Role,
    Silence,
    Urgency,
    Weekday,
)

#: Sealed documents: of a partner, and of one of its people or systems.
EMERGENCY_CONTACT, NAMES = "emergency_contact", "names"


class Names(NamedTuple):
    """What a partner calls one of its own, and how to reach them."""

    display_name: str | None = None
    contact: str | None = None


class PolicyView(TypedDict):
    """What a partner asks of its own people, as it alone reads it."""

    approval_quorum: int
    withdrawal_quorum: int
    may_flash: Sequence[str]
    systems_as_compliance: Sequence[str]
    provisional: str
    may_ask_all: bool
    cannot_say: str
    clocks: str


class SpanView(TypedDict):
    """How long something may take (`views.SpanView`): one of the two."""

    minutes: NotRequired[int]
    working_days: NotRequired[int]


class ClocksView(TypedDict):
    """By what clocks a member answers (`views.ClocksView`)."""

    profile: str
    acknowledge_within: Mapping[Urgency, SpanView]
    answer_within: Mapping[Urgency, SpanView]
    reply_within: Mapping[Urgency, SpanView]
    answer_on_order_within: SpanView | None


class OpenSpanView(TypedDict):
    """From when to when on some days (`views.OpenSpanView`)."""

    days: Sequence[Weekday]
    opens: str
    closes: str


class OpeningHoursView(TypedDict):
    """When somebody is at the desk (`views.OpeningHoursView`)."""

    zone: str
    spans: Sequence[OpenSpanView]


class DeclaredGatewayView(TypedDict):
    """A ground on which a member tells amounts (`views.DeclaredGatewayView`)."""

    id: str
    gateway: Gateway
    document_sha256: str | None
    declared_at: str
    verified_at: str | None
    verified_until: str | None


class PartnerView(TypedDict):
    """One member (`views.PartnerView`); `policy` is for its own people alone."""

    handle: str
    name: str
    kind: PartnerKind
    status: PartnerStatus
    jurisdiction: str | None
    root_kid: str | None
    joined_at: str | None
    contacts: Sequence[str] | None
    emergency_contact: str | None
    cannot_say: Silence
    freezes_on: FreezesOn
    jurisdictions: Sequence[str]
    languages: Sequence[str]
    hours: OpeningHoursView | None
    named_in_statistics: bool
    gateways: Sequence[DeclaredGatewayView]
    clocks: ClocksView
    policy: NotRequired[PolicyView]


class KeyView(TypedDict):
    """One public key (`views.KeyView`)."""

    kid: str
    partner: str
    subject: str
    roles: Sequence[Role]
    jwk: JsonObject
    granted_at: str
    revoked_at: str | None
    is_root: bool
    grant_id: str | None
    proposer: str | None


class GrantView(TypedDict):
    """A grant, made or proposed, with what proves it (`views.GrantView`)."""

    id: str
    status: NotRequired[Literal["made", "pending"]]
    partner: str
    subject: str | None
    owner: str | None
    roles: Sequence[Role]
    kid: str | None
    made_at: str
    token: NotRequired[str]
    body: NotRequired[str]
    proposal: NotRequired[str]
    proposer: NotRequired[str]
    approver: NotRequired[str | None]
    approval_token: NotRequired[str]
    approval_body: NotRequired[str]
    grant_sha256: NotRequired[str]
    expires_at: NotRequired[str]


class PersonView(TypedDict):
    """One of one's own people and systems (`views.PersonView`)."""

    id: str
    kind: str
    owner: str | None
    roles: Sequence[Role]
    kids: Sequence[str]
    display_name: str | None
    contact: str | None
    revoked_at: str | None
    kept_until: str | None


def partner_view(
    row: PartnerRow,
    policies: Policies,
    gateways: Sequence[DeclaredGateway],
    contacts: Sequence[str] | None = None,
    emergency_contact: str | None = None,
) -> PartnerView:
    """Return one member as every other may see it."""
    return {
        "handle": row.handle,
        "name": row.name,
        "kind": PartnerKind(row.kind),
        "status": PartnerStatus(row.status),
        "jurisdiction": row.jurisdiction,
        "root_kid": row.root_kid,
        "joined_at": optional_time(row.joined_at),
        "contacts": None if contacts is None else list(contacts),
        "emergency_contact": emergency_contact,
        "cannot_say": Silence(row.cannot_say),
        "freezes_on": FreezesOn(row.freezes_on),
        "jurisdictions": list(row.jurisdictions or ()),
        "languages": list(row.languages or ()),
        "hours": None if row.hours is None else _hours_view(row.hours),
        "named_in_statistics": row.named_in_statistics,
        "gateways": [_gateway_view(each) for each in gateways],
        "clocks": _clocks_view(row, policies),
    }


def _gateway_view(row: DeclaredGateway) -> DeclaredGatewayView:
    return {
        "id": row.id,
        "gateway": Gateway(row.gateway),
        "document_sha256": row.document_sha256,
        "declared_at": format_time(row.declared_at),
        "verified_at": optional_time(row.verified_at),
        "verified_until": optional_time(row.verified_until),
    }


def _hours_view(stored: JsonObject) -> OpeningHoursView:
    spans: list[OpenSpanView] = [
        {
            "days": [Weekday(day) for day in each["days"]],
            "opens": each["opens"],
            "closes": each["closes"],
        }
        for each in stored["spans"]
    ]
    return {"zone": stored["zone"], "spans": spans}


def _clocks_view(row: PartnerRow, policies: Policies) -> ClocksView:
    profile = policies.desk_clocks(row.clocks, row.jurisdiction).profile
    on_order = profile.answer_on_order_within
    return {
        "profile": row.clocks or DEFAULT_PROFILE,
        "acknowledge_within": _span_views(profile.acknowledge_within),
        "answer_within": _span_views(profile.answer_within),
        "reply_within": _span_views(profile.reply_within),
        "answer_on_order_within": None if on_order is None else _span_view(on_order),
    }


def _span_views(spans: Mapping[Urgency, Span]) -> dict[Urgency, SpanView]:
    return {urgency: _span_view(span) for urgency, span in spans.items()}


def _span_view(span: Span) -> SpanView:
    if isinstance(span, WorkingDays):
        return {"working_days": span.count}
    return {"minutes": span // timedelta(minutes=1)}


def partner_views(
    connection: Connection, vault: Vault, policies: Policies, rows: Sequence[PartnerRow]
) -> list[PartnerView]:
    """Return members with their contacts, in the same few queries for all."""
    handles = [row.handle for row in rows]
    sealed = load(connection, vault, handles, "contacts")
    emergency = load(connection, vault, handles, EMERGENCY_CONTACT)
    gateways = declared(connection, handles)
    return [
        partner_view(
            row,
            policies,
            gateways.get(row.handle, ()),
            _contacts(sealed.get(row.handle)),
            _emergency_contact(emergency.get(row.handle)),
        )
        for row in rows
    ]


class Reached(NamedTuple):
    """How a partner is reached, and on what ground it tells amounts."""

    contacts: Sequence[str]
    emergency_contact: str | None
    gateways: Sequence[DeclaredGateway]


def reached(connection: Connection, vault: Vault, handle: str) -> Reached:
    """Return how a partner is reached, and on what ground it tells amounts."""
    return Reached(
        _contacts(load_one(connection, vault, handle, "contacts")),
        _emergency_contact(load_one(connection, vault, handle, EMERGENCY_CONTACT)),
        declared(connection, [handle]).get(handle, ()),
    )


def own_view(row: PartnerRow, policies: Policies, contacts: Reached) -> PartnerView:
    """Return one's own membership with its policy."""
    view = partner_view(
        row, policies, contacts.gateways, contacts.contacts, contacts.emergency_contact
    )
    return {**view, "policy": policy_view(row)}


def policy_view(row: PartnerRow) -> PolicyView:
    """Return the policy that is in force."""
    return {
        "approval_quorum": row.approval_quorum,
        "withdrawal_quorum": row.withdrawal_quorum,
        "may_flash": list(row.may_flash),
        "systems_as_compliance": list(row.systems_as_compliance),
        "provisional": row.provisional,
        "may_ask_all": row.may_ask_all,
        "cannot_say": row.cannot_say,
        "clocks": row.clocks or DEFAULT_PROFILE,
    }


def key_view(row: KeyOfSubject) -> KeyView:
    """Return one public key."""
    return {
        "kid": row.kid,
        "partner": row.partner,
        "subject": row.subject,
        "roles": [Role(role) for role in row.roles or ()],
        "jwk": row.jwk,
        "granted_at": format_time(row.granted_at),
        "revoked_at": optional_time(row.revoked_at),
        "is_root": row.is_root,
        "grant_id": row.grant_id,
        "proposer": row.proposer,
    }


def grant_views(connection: Connection, vault: Vault, rows: Sequence[GrantRow]) -> list[GrantView]:
    """Return grants with the token and body that prove each.

    A grant without the root key has two of each: those of the proposal and of the approval.
    """
    owners = list(dict.fromkeys(row.evidence_id for row in rows))
    evidence = load(connection, vault, owners, "evidence")
    approved = proposal_store.by_ids(
        connection, [owner for owner in owners if owner.startswith("grp_")]
    )
    approvals = load(connection, vault, list(approved), "approval")
    shown = []
    for row in rows:
        view = _grant_view(row, evidence.get(row.evidence_id))
        proposal = approved.get(row.evidence_id)
        if proposal is not None:
            view |= {
                "proposal": proposal.id,
                "proposer": proposal.proposer,
                "approver": proposal.approver,
                "grant_sha256": proposal.grant_sha256,
            }
            packed = approvals.get(proposal.id)
            if packed is not None:
                token, body = unpack_evidence(packed)
                view |= {"approval_token": token, "approval_body": body.decode()}
        shown.append(view)
    return shown


def proposal_views(
    connection: Connection, vault: Vault, rows: Sequence[GrantProposalRow]
) -> list[GrantView]:
    """Return a partner's own pending proposals with what was signed."""
    evidence = load(connection, vault, [row.id for row in rows], "evidence")
    return [_proposal_view(row, evidence[row.id]) for row in rows if row.id in evidence]


def _proposal_view(row: GrantProposalRow, packed: bytes) -> GrantView:
    token, body = unpack_evidence(packed)
    grant = strict_json.loads(body)
    jwk = grant.get("jwk")
    return {
        "id": row.id,
        "status": "pending",
        "partner": row.partner,
        "subject": row.subject,
        "owner": row.subject_owner,
        "roles": [Role(role) for role in grant.get("roles", ())],
        "kid": None if jwk is None else PublicKey.from_jwk(jwk).kid,
        "made_at": format_time(row.proposed_at),
        "proposer": row.proposer,
        "grant_sha256": row.grant_sha256,
        "expires_at": format_time(row.expires_at),
        "token": token,
        "body": body.decode(),
    }


def person_views(
    connection: Connection, vault: Vault, policies: Policies, rows: Sequence[SubjectRow]
) -> list[PersonView]:
    """Return one's own people and systems with their good keys and their names."""
    ids = [row.id for row in rows]
    kids = store.kids_of(connection, rows[0].partner, ids) if rows else {}
    sealed = load(connection, vault, ids, NAMES)
    return [person_view(row, kids[row.id], names_of(sealed.get(row.id)), policies) for row in rows]


def person_view(
    row: SubjectRow, kids: Sequence[str], names: Names, policies: Policies
) -> PersonView:
    """Return one of one's own people and systems; of who left, until when their names are kept."""
    return {
        "id": row.id,
        "kind": row.kind,
        "owner": row.owner,
        "roles": [Role(r) for r in row.roles],
        "kids": sorted(kids),
        "display_name": names.display_name,
        "contact": names.contact,
        "revoked_at": optional_time(row.revoked_at),
        "kept_until": optional_time(policies.names_kept_until(row.revoked_at)),
    }


def names_of(sealed: bytes | None) -> Names:
    """Return what an opened document of names says; None: nobody gave any."""
    return Names() if sealed is None else Names(**strict_json.loads(sealed))


def _grant_view(row: GrantRow, packed: bytes | None) -> GrantView:
    view: GrantView = {
        "id": row.id,
        "partner": row.partner,
        "subject": row.subject,
        "owner": row.owner,
        "roles": [Role(role) for role in row.roles],
        "kid": row.kid,
        "made_at": format_time(row.made_at),
    }
    if packed is not None:
        token, body = unpack_evidence(packed)
        view |= {"token": token, "body": body.decode()}
    return view


def _emergency_contact(sealed: bytes | None) -> str | None:
    return None if sealed is None else sealed.decode()


def _contacts(sealed: bytes | None) -> list[str]:
    if sealed is None:
        return []
    contacts: list[str] = strict_json.loads(sealed)
    return contacts
