"""Clearances: an account that was flagged by error gets a signed statement that says so.

They are issued where addresses end as wrong targets, and signed as they are read: the same claims,
the same bytes, as long as the coordinator's key is the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, TypedDict

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, UnitOfWork, unpack_evidence
from coordinator.services.ending.ended_legs import all_legs
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.freeze_request_views import asked_document
from coordinator.services.requests.left_out import is_hidden_from
from coordinator.storage.ending import clearances as store
from coordinator.storage.ending.clearances import NewClearance, StoredClearance
from coordinator.storage.engine.documents import load
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import strict_json
from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.clearance import Clearance, Issuer
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_ids
from holdfast.protocol.vocabulary import EventType

#: Clearances that one event names; the rest is in the list.
_NAMED = 100


class ClearanceView(TypedDict):
    """A clearance with its signed statement (`life_cycle_views.ClearanceView`)."""

    id: str
    request_id: str
    address_no: int
    account: str | None
    tag: str | None
    issued_at: str
    revoked_at: str | None
    revoked_reason: str | None
    statement: str | None


class ClearanceRevocationView(TypedDict):
    """The answer to a revocation (`life_cycle_views.ClearanceRevocationView`)."""

    id: str
    request_id: str
    clearance: str
    revoked_at: str
    status: str


class ClearanceStatus(TypedDict):
    """What anybody may know of a clearance (`life_cycle_views.ClearanceStatus`)."""

    id: str
    status: Literal["valid", "revoked"]
    issued_at: str
    revoked_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeClearance:
    """A lead of the requester takes a clearance back."""

    request_id: str
    clearance_id: str
    body: payloads.ClearanceRevocation


def issue_clearances(on: RequestContext, numbers: Iterable[int], act_id: str) -> None:
    """Clear addresses that a stored act ends as wrong targets, and tell whoever knows of them.

    Call it wherever addresses of a request that went out end so, after the ends were told. A drill
    flagged nobody, so that there is nothing to clear, and no paper that could be shown elsewhere.
    """
    uow, request = on.uow, on.request
    if request.drill:
        return
    ordered = sorted(numbers)
    ids = new_ids("clr", len(ordered))
    issued = [NewClearance(*each) for each in zip(ids, ordered, strict=True)]
    if not issued:
        return
    store.insert(uow.connection, request.id, issued, act_id=act_id, issued_at=uow.now)
    left_out = request_store.left_out_addresses(uow.connection, request.id)
    told = _told(on, issued)
    on.record(EventType.CLEARANCE_ISSUED, told)
    known = [each for each in issued if each.address_no not in left_out]
    for leg in all_legs(uow, request.id):
        if not is_hidden_from(request, leg):
            on.tell_partner(leg, EventType.CLEARANCE_ISSUED, {**told, "status": leg.status})
        elif known:
            shown = {**_told(on, known), "status": leg.status}
            on.tell_partner(leg, EventType.CLEARANCE_ISSUED, shown)


def _told(on: RequestContext, issued: Sequence[NewClearance]) -> dict[str, object]:
    """Return what an event says of clearances."""
    shown = [{"id": each.id, "address_no": each.address_no} for each in issued[:_NAMED]]
    return {
        "clearances": shown,
        "clearance_count": len(issued),
        "clearances_cut": len(issued) > _NAMED,
        "href": on.uow.link(f"/v1/freeze-requests/{on.request.id}/clearances"),
    }


@handles(RevokeClearance, needs=Permission.CLEARANCE_REVOKE)
def revoke(command: RevokeClearance, actor: Actor, uow: UnitOfWork) -> Answer:
    """Revoke a clearance; whoever was shown it learns that as they ask for it by its id."""
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256)
    found = store.get(uow.connection, command.clearance_id, request_id=on.request.id)
    if found is None:
        raise NotFoundError("this request has no such clearance", code="no_such_clearance")
    if found.revoked_at is not None:
        raise ConflictError(
            f"this clearance was revoked at {format_time(found.revoked_at)}",
            code="already_revoked",
            current_status=on.request.status,
        )
    act_id = on.store_act(NewAct("revoke_clearance"))
    store.revoke(uow.connection, found.id, act_id, uow.now)
    told = {
        "clearance": found.id,
        "address_no": found.address_no,
        "reason": body.reason,
        "evidence": proofs_of(on, [act_id]),
    }
    recorded = on.record(EventType.CLEARANCE_REVOKED, told, act_id=act_id)
    left_out = request_store.left_out_addresses(uow.connection, on.request.id)
    for leg in all_legs(uow, on.request.id):
        if found.address_no not in left_out or not is_hidden_from(on.request, leg):
            on.tell_partner(leg, EventType.CLEARANCE_REVOKED, {**told, "status": leg.status})
    answer: ClearanceRevocationView = {
        "id": act_id,
        "request_id": on.request.id,
        "clearance": found.id,
        "revoked_at": format_time(uow.now),
        "status": on.request.status,
    }
    return Answer(201, answer, entry=recorded)


def clearance_views(
    read: ReadContext,
    request: FreezeRequestRow,
    leg: LegRow | None,
    rows: Sequence[StoredClearance],
    issuer: Issuer,
) -> list[ClearanceView]:
    """Return clearances with their signed statements.

    Args:
        read: What the reader reads from.
        request: The one that flagged the accounts.
        leg: The reader's; None for the requester.
        rows: The clearances.
        issuer: Signs the statements.
    """
    document = asked_document(read.connection, read.vault, request, leg)
    flagged: Sequence[Any] = document.get("addresses", [])
    acts = list({each for row in rows for each in (row.act_id, row.revoked_act_id) if each})
    packed = load(read.connection, read.vault, acts, "evidence")
    bodies = {act_id: unpack_evidence(content)[1] for act_id, content in packed.items()}
    views = []
    for row in rows:
        account = _account(read.chains, flagged[row.address_no]) if flagged else None
        views.append(_view(request, row, account, bodies, issuer))
    return views


def _account(chains: Chains, sent: JsonObject) -> Account:
    return parse_account(chains, sent["account"], sent.get("tag"))


def _view(
    request: FreezeRequestRow,
    row: StoredClearance,
    account: Account | None,
    bodies: Mapping[str, bytes],
    issuer: Issuer,
) -> ClearanceView:
    """Return one clearance; one that was revoked, or whose request was erased, has no statement."""
    view: ClearanceView = {
        "id": row.id,
        "request_id": row.request_id,
        "address_no": row.address_no,
        "account": None if account is None else account.display,
        "tag": None if account is None else account.tag,
        "issued_at": format_time(row.issued_at),
        "revoked_at": optional_time(row.revoked_at),
        "revoked_reason": None,
        "statement": None,
    }
    if row.revoked_act_id is not None:
        signed = bodies.get(row.revoked_act_id)
        if signed is not None:
            view["revoked_reason"] = strict_json.loads(signed).get("reason")
        return view
    withdrawal = bodies.get(row.act_id)
    if account is not None and withdrawal is not None:
        statement = Clearance(
            iss=issuer.origin,
            jti=row.id,
            iat=int(row.issued_at.timestamp()),
            account=account.display,
            tag=account.tag,
            request_id=request.id,
            requester=request.requester,
            act_sha256=sha256(withdrawal).hexdigest(),
        )
        view["statement"] = statement.sign(issuer.key)
    return view


def clearance_status(row: StoredClearance) -> ClearanceStatus:
    """Return what anybody may know of a clearance."""
    return {
        "id": row.id,
        "status": "valid" if row.revoked_at is None else "revoked",
        "issued_at": format_time(row.issued_at),
        "revoked_at": optional_time(row.revoked_at),
    }
