"""What one's own organisation did here, as its auditors read it."""

from collections.abc import Sequence
from functools import singledispatch
from typing import NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.services.core.unit_of_work import unpack_evidence
from coordinator.storage.engine.documents import Vault, load
from coordinator.storage.reading import own_acts as store
from coordinator.storage.reading.own_acts import (
    OwnAct,
    OwnEntry,
    OwnGrant,
    OwnMemberAct,
    OwnSession,
    Wanted,
)
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import EvidenceKind, Role

#: Acts of machines whose bodies no person reads: how many flags were applied, those of legs that
#: are limited to others counted. Files of thousands of claims are read one by one, and what is done
#: on recovery requests, which may be thousands of lines, with their request.
_WITHOUT_PROOF = frozenset(
    {
        "apply_flags",
        "file_claims",
        "propose_allocation",
        "submit_recovery",
        "approve_recovery",
        "reject_recovery",
        "withdraw_recovery",
        "answer_recovery",
        "reply_recovery",
    }
)


class OwnActView(TypedDict):
    """Something that one's own organisation did (`views.OwnActView`)."""

    id: str
    kind: str
    at: str
    subject: str | None
    kid: str | None
    request_id: NotRequired[str]
    drill: NotRequired[bool]
    leg_id: NotRequired[str | None]
    decision: NotRequired[str | None]
    about: NotRequired[str | None]
    roles: NotRequired[Sequence[Role]]
    browser: NotRequired[str]
    evidence_kind: NotRequired[EvidenceKind]
    token: NotRequired[str]
    body: NotRequired[str]
    leaf_index: int | None


def own_acts(
    connection: Connection, vault: Vault, actor: Actor, wanted: Wanted
) -> tuple[list[OwnActView], str | None]:
    """Return what the actor's organisation did, the newest first, and the last id where more is."""
    more = wanted._replace(limit=wanted.limit + 1)
    found = store.page(connection, actor.viewer, more)
    shown = [_view(each) for each in found[: wanted.limit]]
    proven = [
        each.id
        for each in found[: wanted.limit]
        if isinstance(each, OwnMemberAct) and each.kind not in _WITHOUT_PROOF
    ]
    packed = load(connection, vault, proven, "evidence")
    for view in shown:
        if view["id"] in packed:
            token, body = unpack_evidence(packed[view["id"]])
            view["token"], view["body"] = token, body.decode()
    return shown, shown[-1]["id"] if len(found) > wanted.limit else None


@singledispatch
def _view(entry: OwnEntry) -> OwnActView:
    raise TypeError(f"no such entry: {entry}")


@_view.register
def _view_act(entry: OwnAct) -> OwnActView:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "at": format_time(entry.at),
        "subject": entry.subject,
        "kid": entry.kid,
        "request_id": entry.request_id,
        "drill": entry.drill,
        "leg_id": entry.leg_id,
        "decision": entry.decision,
        "evidence_kind": EvidenceKind(entry.evidence_kind),
        "leaf_index": entry.leaf_index,
    }


@_view.register
def _view_grant(entry: OwnGrant) -> OwnActView:
    return {
        "id": entry.id,
        "kind": "grant",
        "at": format_time(entry.made_at),
        "subject": entry.approver or entry.proposer,
        "kid": entry.kid,
        "about": entry.subject,
        "roles": [Role(role) for role in entry.roles],
        "leaf_index": entry.leaf_index,
    }


@_view.register
def _view_member_act(entry: OwnMemberAct) -> OwnActView:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "at": format_time(entry.at),
        "subject": entry.subject,
        "kid": entry.kid,
        "about": entry.about,
        "evidence_kind": EvidenceKind(entry.evidence_kind),
        "leaf_index": entry.leaf_index,
    }


@_view.register
def _view_session(entry: OwnSession) -> OwnActView:
    return {
        "id": entry.number,
        "kind": "session",
        "at": format_time(entry.opened_at),
        "subject": entry.person,
        "kid": entry.kid,
        "browser": entry.browser,
        "leaf_index": None,
    }
