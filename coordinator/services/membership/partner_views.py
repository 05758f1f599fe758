"""What members may read of each other: rows and sealed contacts as views."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from coordinator.domain.clock_profiles import DEFAULT_PROFILE, Span, WorkingDays
from coordinator.domain.deadline import Policies
from coordinator.services.core.unit_of_work import unpack_evidence
from coordinator.storage.engine.documents import Vault, load, load_one
from coordinator.storage.membership import grant_proposals as proposal_store
from coordinator.storage.membership import partners as store
from coordinator.storage.membership.partners import KeyOfSubject
from coordinator.storage.tables.life_cycle import GrantProposalRow
from coordinator.storage.tables.partners import GrantRow, PartnerRow, SubjectRow
from holdfast.protocol import strict_json
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import Role, Urgency


def partner_view(
    row: PartnerRow, policies: Policies, contacts: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return one member as every other may see it (`views.PartnerView`)."""
    return {
        "handle": row.handle,
        "name": row.name,
        "kind": row.kind,
        "status": row.status,
        "jurisdiction": row.jurisdiction,
        "root_kid": row.root_kid,
        "joined_at": None if row.joined_at is None else format_time(row.joined_at),
        "contacts": None if contacts is None else list(contacts),
        "clocks": _clocks_view(row, policies),
    }


def _clocks_view(row: PartnerRow, policies: Policies) -> dict[str, Any]:
    """Return by what clocks a member answers (`views.ClocksView`)."""
    profile = policies.desk_clocks(row.clocks, row.jurisdiction).profile
    return {
        "profile": row.clocks or DEFAULT_PROFILE,
        "acknowledge_within": _span_views(profile.acknowledge_within),
        "answer_within": _span_views(profile.answer_within),
        "reply_within": _span_views(profile.reply_within),
    }


def _span_views(spans: Mapping[Urgency, Span]) -> dict[str, dict[str, int]]:
    return {
        urgency.value: {"working_days": span.count}
        if isinstance(span, WorkingDays)
        else {"minutes": span // timedelta(minutes=1)}
        for urgency, span in spans.items()
    }


def partner_views(
    connection: Connection, vault: Vault, policies: Policies, rows: Sequence[PartnerRow]
) -> list[dict[str, Any]]:
    """Return members with their contacts, in one query for all."""
    sealed = load(connection, vault, [row.handle for row in rows], "contacts")
    return [partner_view(row, policies, _contacts(sealed.get(row.handle))) for row in rows]


def own_view(
    connection: Connection,
    vault: Vault,
    policies: Policies,
    row: PartnerRow,
    *,
    contacts: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return one's own membership with its policy; `contacts` where they are just being changed."""
    if contacts is None:
        contacts = _contacts(load_one(connection, vault, row.handle, "contacts"))
    policy = {
        "approval_quorum": row.approval_quorum,
        "may_flash": list(row.may_flash),
        "systems_as_compliance": list(row.systems_as_compliance),
        "provisional": row.provisional,
        "may_ask_all": row.may_ask_all,
        "clocks": row.clocks or DEFAULT_PROFILE,
    }
    return {**partner_view(row, policies, contacts), "policy": policy}


def key_view(row: KeyOfSubject) -> dict[str, Any]:
    """Return one public key (`views.KeyView`)."""
    return {
        "kid": row.kid,
        "partner": row.partner,
        "subject": row.subject,
        "roles": list(row.roles or ()),
        "jwk": row.jwk,
        "granted_at": format_time(row.granted_at),
        "revoked_at": None if row.revoked_at is None else format_time(row.revoked_at),
        "is_root": row.is_root,
        "grant_id": row.grant_id,
    }


def grant_views(
    connection: Connection, vault: Vault, rows: Sequence[GrantRow]
) -> list[dict[str, Any]]:
    """Return grants with the token and body that prove each (`views.GrantView`).

    Without the root key two of each do: the proposal's and the approval's.
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
) -> list[dict[str, Any]]:
    """Return a partner's own pending proposals with what was signed (`views.GrantView`)."""
    evidence = load(connection, vault, [row.id for row in rows], "evidence")
    return [_proposal_view(row, evidence[row.id]) for row in rows if row.id in evidence]


def _proposal_view(row: GrantProposalRow, packed: bytes) -> dict[str, Any]:
    token, body = unpack_evidence(packed)
    grant = strict_json.loads(body)
    jwk = grant.get("jwk")
    return {
        "id": row.id,
        "status": "pending",
        "partner": row.partner,
        "subject": row.subject,
        "owner": row.subject_owner,
        "roles": list(grant.get("roles", ())),
        "kid": None if jwk is None else PublicKey.from_jwk(jwk).kid,
        "made_at": format_time(row.proposed_at),
        "proposer": row.proposer,
        "grant_sha256": row.grant_sha256,
        "expires_at": format_time(row.expires_at),
        "token": token,
        "body": body.decode(),
    }


def person_views(
    connection: Connection, handle: str, rows: Sequence[SubjectRow]
) -> list[dict[str, Any]]:
    """Return one's own people and systems with their good keys (`views.PersonView`)."""
    kids: Mapping[str, list[str]] = store.kids_of(connection, handle, [row.id for row in rows])
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "owner": row.owner,
            "roles": [Role(r).value for r in row.roles],
            "kids": sorted(kids[row.id]),
        }
        for row in rows
    ]


def _grant_view(row: GrantRow, packed: bytes | None) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": row.id,
        "partner": row.partner,
        "subject": row.subject,
        "owner": row.owner,
        "roles": list(row.roles),
        "kid": row.kid,
        "made_at": format_time(row.made_at),
    }
    if packed is not None:
        token, body = unpack_evidence(packed)
        view |= {"token": token, "body": body.decode()}
    return view


def _contacts(sealed: bytes | None) -> list[str]:
    if sealed is None:
        return []
    contacts: list[str] = strict_json.loads(sealed)
    return contacts
