"""A request from submission to its end: submit, expire, close."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from coordinator.domain.actor import Actor
from coordinator.domain.approval import excluded_from_approving, require_enough_leads
from coordinator.domain.chain import Chains
from coordinator.domain.deadline import Policies
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
)
from coordinator.domain.freeze_request import Action, State, next_status, require_closable
from coordinator.domain.permission import Permission
from coordinator.domain.service_wallets import ServiceWallets
from coordinator.services.access import sent_request
from coordinator.services.acts import store_act
from coordinator.services.bus import handles
from coordinator.services.endings import end_legs
from coordinator.services.freeze_request_views import incident_views, request_words
from coordinator.services.notices import notify_provisionally
from coordinator.services.submission import (
    FlaggedTarget,
    Stated,
    check_addresses,
    require_bounded_silence,
    stated_amounts,
    wallet_labels,
    wrong_target_warnings,
)
from coordinator.services.unit_of_work import Answer, UnitOfWork
from coordinator.services.withdrawals import tell_end
from coordinator.storage import flagged_accounts as account_store
from coordinator.storage import freeze_ledger as ledger_store
from coordinator.storage import freeze_requests as store
from coordinator.storage import partners as partner_store
from coordinator.storage.database import Database
from coordinator.storage.documents import DocumentKey, Vault
from coordinator.storage.flagged_accounts import Duplicates, FlaggedAccounts
from coordinator.storage.prebuilt import Pending
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow
from holdfast.protocol import canonical_json, payloads
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import (
    ASKABLE_KINDS,
    EventType,
    PartnerKind,
    PartnerStatus,
    RequestStatus,
    Tlp,
    Urgency,
)

_DAY = timedelta(days=1)
#: Version of the decision context's form.
CONTEXT_VERSION = 1
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitFreezeRequest:
    """One signed document, checked and with its data key made, ready to be stored."""

    document: payloads.FreezeRequest
    targets: Sequence[FlaggedTarget]
    stated: Sequence[Stated]
    accounts: FlaggedAccounts
    duplicates: Duplicates
    key: DocumentKey
    wrapped_key: bytes
    policies: Policies
    wallet_labels: Mapping[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseFreezeRequest:
    """A lead closes a request on which no hold is open."""

    request_id: str
    body: payloads.Closure
    policies: Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseByItself:
    """Nothing was expected of any leg for so long that the request closes."""

    request_id: str
    policies: Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireFreezeRequest:
    """Nobody approved it in time."""

    request_id: str


@dataclass(frozen=True, slots=True)
class _Context:
    """What an approver decides on, as one canonical string."""

    text: str
    sha256: str
    to: list[str]
    warnings: list[dict[str, Any]] = field(default_factory=list)


def prepare_submission(  # noqa: PLR0913 - what a document is checked against
    document: payloads.FreezeRequest,
    requester: str,
    *,
    database: Database,
    vault: Vault,
    chains: Chains,
    wallets: ServiceWallets,
    policies: Policies,
) -> SubmitFreezeRequest:
    """Check a document and return the command that submits it.

    All that takes as long as the list is long is done here: once the transaction has begun, others
    wait for it.

    Raises:
        InvalidInputError: With every fault of every address.
    """
    targets = check_addresses(document.addresses, chains)
    accounts = FlaggedAccounts.of(vault.blind_index(target.account.key) for target in targets)
    with database.engine.connect() as connection:
        duplicates = account_store.look_up(connection, requester, accounts)
    key, wrapped = vault.new_key()
    return SubmitFreezeRequest(
        document=document,
        targets=targets,
        stated=stated_amounts(document.addresses, targets),
        accounts=accounts,
        duplicates=duplicates,
        key=key,
        wrapped_key=wrapped,
        policies=policies,
        wallet_labels=wallet_labels(targets, wallets),
    )


@handles(SubmitFreezeRequest, needs=Permission.FREEZE_REQUEST_SUBMIT)
def submit(command: SubmitFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store a request as submitted; a security lead who had no hand in it decides."""
    document = command.document
    evidence = uow.evidence
    if evidence is None:
        raise AssertionError("a request is always signed")
    require_bounded_silence(document, now=uow.now, policies=command.policies)
    statuses = _ask_statuses(uow, document)
    people = partner_store.ask_people(uow.connection, actor.partner)
    newer = account_store.ask_newer(uow.connection, actor.partner, command.duplicates)
    asked = _partners_asked(uow, actor, document, statuses)
    incident_id, words = _incident(uow, actor, command)
    _require_followable(uow, actor, document, incident_id)
    quorum = _require_enough_leads(actor, people)
    request_id = new_id("frq")
    context = _decision_context(
        request_id, evidence.content_sha256, asked, _warnings(uow, command, newer)
    )
    is_flash = _goes_out_at_once(uow, actor, command, context.warnings)
    status, provisional = next_status(None, Action.SUBMIT_FLASH if is_flash else Action.SUBMIT)
    ratify_by = uow.now + command.policies.ratify_within if is_flash else None
    approve_by = uow.now + command.policies.approve_within
    uow.adopt_key(command.key, command.wrapped_key)
    _store_incident(uow, actor, command, incident_id, words)
    values = {
        "id": request_id,
        "requester": actor.partner,
        "submitted_by": actor.subject,
        "submitted_by_person": actor.person,
        "submitted_by_kid": actor.kid,
        "status": status,
        "provisional": provisional,
        "urgency": document.urgency,
        "tlp": document.tlp,
        "incident_id": incident_id,
        "follows": document.follows,
        "document_key_id": command.key.id,
        "content_sha256": evidence.content_sha256,
        "context_sha256": context.sha256,
        "address_count": len(document.addresses),
        "partners_asked": len(asked),
        "quorum": quorum,
        "hold_hours": None if document.hold is None else document.hold.hours,
        "submitted_at": uow.now,
        "approve_by": approve_by,
        "ratify_by": ratify_by,
        "decided_at": None,
        "ended_at": None,
        "event_sequence": 1,
        "leaf_index": None,
        "version": 1,
    }
    store.insert_request(uow.connection, values)
    stated = [(request_id, *each) for each in command.stated]
    store.insert_addresses(uow.connection, stated)
    account_store.insert(uow.connection, actor.partner, request_id, command.accounts)
    uow.seal(command.key, request_id, "context", context.text.encode())
    uow.seal(command.key, request_id, "words", request_words(document))
    act_id = store_act(uow, actor, "submit", request_id, command.key)
    recorded = uow.record(
        EventType.REQUEST_SUBMITTED,
        {
            "requester": actor.partner,
            "sequence": 1,
            "status": status,
            "by": actor.subject,
            "urgency": document.urgency,
            "content_sha256": evidence.content_sha256,
            "context_sha256": context.sha256,
            "approve_by": format_time(approve_by),
            "provisional": provisional,
            "ratify_by": None if ratify_by is None else format_time(ratify_by),
            "address_count": len(document.addresses),
            "to": asked if len(asked) <= 100 else [],  # noqa: PLR2004 - webhook bodies stay small
        },
        key=command.key,
        audience=[actor.partner],
        request_id=request_id,
        urgency=document.urgency,
        leaf_of=(FreezeRequestRow, request_id),
    )
    uow.set_leaf(ActRow, act_id, recorded)
    if is_flash:
        notify_provisionally(uow, request_id, asked, policies=command.policies)
    body = {
        "id": request_id,
        "status": status,
        "provisional": provisional,
        "requester": actor.partner,
        "submitted_by": actor.subject,
        "submitted_at": format_time(uow.now),
        "approve_by": format_time(approve_by),
        "ratify_by": None if ratify_by is None else format_time(ratify_by),
        "urgency": document.urgency,
        "tlp": document.tlp,
        "summary": document.summary,
        "incident": {"id": incident_id, **words},
        "follows": document.follows,
        "to": asked,
        "address_count": len(document.addresses),
        "content_sha256": evidence.content_sha256,
        "decision_context": context.text,
        "context_sha256": context.sha256,
        "warnings": context.warnings,
        "approvals": [],
        "quorum": quorum,
        "hold_hours": values["hold_hours"],
        "leg_counts": {},
        "totals": {},
    }
    return Answer(201, body, entry=recorded, location=f"/v1/freeze-requests/{request_id}")


def _ask_statuses(uow: UnitOfWork, document: payloads.FreezeRequest) -> list[Pending]:
    if document.to == "all":
        return []
    return partner_store.ask_statuses(uow.connection, document.to)


def _partners_asked(
    uow: UnitOfWork, actor: Actor, document: payloads.FreezeRequest, statuses: Sequence[Pending]
) -> list[str]:
    if document.to == "all":
        if document.tlp is Tlp.RED:
            raise InvalidInputError(
                "a TLP:RED request names its partners; it does not go to all",
                errors=[FieldFault("/to", "name the partners", "all_with_red")],
            )
        own = partner_store.partner(uow.connection, actor.partner)
        if own is None or not own.may_ask_all:
            raise InvalidInputError(
                "your organisation's policy (may_ask_all) lets no request go to all: name the"
                " partners",
                errors=[FieldFault("/to", "name the partners", "all_forbidden")],
            )
        rows = partner_store.partners(uow.connection, limit=100_000, active_only=True)
        asked = [
            r.handle
            for r in rows
            if r.handle != actor.partner and PartnerKind(r.kind) in ASKABLE_KINDS
        ]
        if not asked:
            raise ConflictError("there is no other partner that could be asked")
        return asked
    known = partner_store.statuses_of(statuses)
    faults = [
        FieldFault(f"/to/{number}", *wrong)
        for number, handle in enumerate(document.to)
        if (wrong := asking_fault(actor, handle, known.get(handle))) is not None
    ]
    if faults:
        raise InvalidInputError(
            f"{len(faults)} of the partners asked cannot be; nothing was stored",
            code="invalid_partners",
            errors=faults,
        )
    return list(document.to)


def asking_fault(actor: Actor, handle: str, row: Any) -> tuple[str, str] | None:
    """Return (detail, code) of why a partner cannot be asked, or None."""
    if handle == actor.partner:
        return "is you; name other partners", "oneself"
    if row is None or row.status in {PartnerStatus.INVITED, PartnerStatus.PENDING}:
        return "is no partner of this network", "unknown_partner"
    if row.status != PartnerStatus.ACTIVE:
        return "is suspended at present", "suspended_partner"
    if PartnerKind(row.kind) not in ASKABLE_KINDS:
        return f"is of kind {row.kind}, which cannot freeze", "not_askable"
    return None


def _incident(
    uow: UnitOfWork, actor: Actor, command: SubmitFreezeRequest
) -> tuple[str, dict[str, Any]]:
    incident = command.document.incident
    if isinstance(incident, payloads.NewIncident):
        words = {
            "title": incident.title,
            "kind": incident.kind,
            "occurred_at": format_time(incident.occurred_at),
            "reference": incident.reference,
        }
        return new_id("inc"), words
    if not store.of_incident(uow.connection, incident.id, actor.partner, limit=1):
        raise InvalidInputError(
            "there is no such incident, or none that you may see",
            errors=[FieldFault("/incident/id", "names no incident that you may see", "unknown")],
        )
    found = incident_views(uow.connection, uow.vault, [incident.id], actor.partner)
    return incident.id, found[incident.id]


def _store_incident(
    uow: UnitOfWork,
    actor: Actor,
    command: SubmitFreezeRequest,
    incident_id: str,
    words: Mapping[str, Any],
) -> None:
    incident = command.document.incident
    if not isinstance(incident, payloads.NewIncident):
        return
    store.insert_incident(
        uow.connection,
        {
            "id": incident_id,
            "opened_by": actor.partner,
            "document_key_id": command.key.id,
            "kind": incident.kind,
            "occurred_at": incident.occurred_at,
        },
    )
    sealed = {"title": words["title"], "reference": words["reference"]}
    uow.seal(command.key, incident_id, "words", canonical_json.dumps(sealed))


def _require_followable(
    uow: UnitOfWork, actor: Actor, document: payloads.FreezeRequest, incident_id: str
) -> None:
    if document.follows is None:
        return
    row = store.get(uow.connection, document.follows)
    if row is None or row.requester != actor.partner:
        detail = "names no request of yours"
    elif row.incident_id != incident_id:
        detail = "belongs to another incident; a hop stays in the incident of what it follows"
    else:
        return
    raise InvalidInputError(f"follows {detail}", errors=[FieldFault("/follows", detail, "follows")])


def _warnings(
    uow: UnitOfWork, command: SubmitFreezeRequest, newer: Pending
) -> list[dict[str, Any]]:
    """Return what may be wrong with the targets: approving means accepting each."""
    accounts = command.accounts
    live = account_store.brought_up_to_date(uow.connection, command.duplicates, newer, accounts)
    # An account may stand several times in one document.
    duplicates = {
        request_id: [n for n, index in enumerate(accounts.blind_indexes) if index in shared]
        for request_id, shared in live.items()
    }
    return wrong_target_warnings(command.targets, command.wallet_labels, duplicates)


def _goes_out_at_once(
    uow: UnitOfWork,
    actor: Actor,
    command: SubmitFreezeRequest,
    warnings: Sequence[dict[str, Any]],
) -> bool:
    """Tell whether a flash request may go out before its approval; else it waits as submitted."""
    document = command.document
    if document.urgency is not Urgency.FLASH or not actor.may_flash:
        return False
    if document.to == "all" or warnings:
        return False
    since = uow.now - _DAY
    partner_store.send_lock(uow.connection, actor.partner)
    sent = store.flash_requests_since(uow.connection, actor.partner, since)
    return sent < command.policies.flash_daily_cap


def _require_enough_leads(actor: Actor, people: Pending) -> int:
    quorum = actor.approval_quorum
    excluded = excluded_from_approving(
        submitter_person=actor.subject,
        submitter_system_owner=actor.owner,
        key_grant_proposer=actor.key_proposer,
    )
    eligible = partner_store.leads_among(people, set(excluded))
    require_enough_leads(eligible, quorum=quorum, act="submit")
    return quorum


def _decision_context(
    request_id: str, content_sha256: str, to: list[str], warnings: list[dict[str, Any]]
) -> _Context:
    text = canonical_json.dumps(
        {
            "v": CONTEXT_VERSION,
            "request_id": request_id,
            "content_sha256": content_sha256,
            "act_sha256": content_sha256,
            "to": to,
            "warnings": warnings,
            # The hash reaches the partners asked, who know all the rest: by trying they would learn
            # whether there is a warning about other requests.
            "salt": secrets.token_urlsafe(_SALT_BYTES),
        }
    )
    return _Context(text.decode(), sha256(text).hexdigest(), to, warnings)


@handles(ExpireFreezeRequest, needs=Permission.TIMER_FIRE)
def expire(command: ExpireFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """End a request that nobody approved in time; does nothing where somebody was quicker."""
    row = store.get(uow.connection, command.request_id, lock=True)
    if row is None or row.status != RequestStatus.SUBMITTED or row.approve_by > uow.now:
        return Answer(200, {"status": "unchanged"})
    status, provisional = next_status(RequestStatus.SUBMITTED, Action.EXPIRE)
    store.change(uow.connection, row, status=status, provisional=provisional, ended_at=uow.now)
    why = "nobody approved it in time"
    return tell_end(uow, actor, row, "expire", status, EventType.REQUEST_EXPIRED, reason=why)


@handles(CloseFreezeRequest, needs=Permission.FREEZE_REQUEST_CLOSE)
def close(command: CloseFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Close an active request once no hold is open; legs without a freeze show as withdrawn."""
    row = sent_request(uow, actor, command.request_id, command.body.content_sha256)
    open_holds = ledger_store.open_holds(uow.connection, row.id)
    after = require_closable(
        RequestStatus(row.status), open_holds=open_holds, provisional=row.provisional
    )
    why = command.body.reason
    return _close(uow, actor, row, after, policies=command.policies, reason=why)


@handles(CloseByItself, needs=Permission.TIMER_FIRE)
def close_by_itself(command: CloseByItself, actor: Actor, uow: UnitOfWork) -> Answer:
    """Close a request whose legs are all final for long enough; else do nothing."""
    row = store.get(uow.connection, command.request_id, lock=True)
    if (
        row is None
        or row.status != RequestStatus.ACTIVE
        or row.provisional
        or row.final_since is None
        or row.final_since + command.policies.close_after > uow.now
    ):
        return Answer(200, {"status": "unchanged"})
    after = next_status(RequestStatus.ACTIVE, Action.CLOSE)
    why = "nothing more was awaited"
    return _close(uow, actor, row, after, policies=command.policies, reason=why)


def _close(  # noqa: PLR0913 - what an end is told with
    uow: UnitOfWork,
    actor: Actor,
    row: Any,
    after: State,
    *,
    policies: Policies,
    reason: str | None,
) -> Answer:
    status, provisional = after
    event = EventType.REQUEST_CLOSED
    store.change(uow.connection, row, status=status, provisional=provisional, ended_at=uow.now)
    answer = tell_end(uow, actor, row, "close", status, event, reason=reason)
    end_legs(uow, actor, row, event, policies, reason=reason)
    return answer
