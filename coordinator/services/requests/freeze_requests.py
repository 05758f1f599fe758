"""Submitting a freeze request, up to the decision context that security leads decide on."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.domain.actor import Actor
from coordinator.domain.approval import excluded_from_approving, require_enough_leads
from coordinator.domain.errors import ConflictError, FieldFault, InvalidInputError
from coordinator.domain.flash import CAP_PERIOD, FlashUse, require_within_cap, waits_because
from coordinator.domain.freeze_request import Action, Ratification, next_status
from coordinator.domain.permission import Permission
from coordinator.services.core.acts import NewAct, RequestContext, drill_mark
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import About, Answer, UnitOfWork
from coordinator.services.requests.addition_rules import why_not_askable
from coordinator.services.requests.alarms import wake_for
from coordinator.services.requests.flag_lines import hash_of_lines, seal_hash
from coordinator.services.requests.freeze_request_views import (
    IncidentView,
    RequestDetails,
    RequesterDetails,
    incident_views,
    order_only,
    request_words,
    requester_view,
)
from coordinator.services.requests.gateways import require_stated_gateway
from coordinator.services.requests.notices import named_partners, notify_provisionally
from coordinator.services.requests.submission import (
    CheckedDocument,
    require_bounded_silence,
    require_supported_hold,
    wrong_target_warnings,
)
from coordinator.services.requests.task_views import TaskView, request_task, task_view
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import DocumentKey, Vault
from coordinator.storage.engine.prebuilt import Pending
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.membership.partners import PartnerStatusNow, Person
from coordinator.storage.requests import flagged_accounts as account_store
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests.flagged_accounts import Duplicates, FlaggedAccounts, Packed
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow
from holdfast.protocol import canonical_json, payloads
from holdfast.protocol.decision_context import ContextWarning, DecisionContext, context_sha256
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.tasks import TaskKind
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import (
    ASKABLE_KINDS,
    EventType,
    LegStatus,
    PartnerKind,
    Support,
    Tlp,
    Urgency,
    WaitsBecause,
)

_SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitFreezeRequest:
    """A signed document that was checked, with a fresh data key: ready to be stored."""

    checked: CheckedDocument
    accounts: FlaggedAccounts
    lines_sha256: str
    duplicates: Duplicates
    key: DocumentKey
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class _Incident:
    """The incident that a request belongs to.

    Attributes:
        view: As its readers are shown it.
        new: What is to be stored of it; None where it is known already.
    """

    id: str
    view: IncidentView
    new: payloads.NewIncident | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submission:
    """What is known of a submission once nothing is left to refuse."""

    id: str
    incident: _Incident
    to: Sequence[str]
    order_only: Sequence[str]
    quorum: int
    context: DecisionContext
    context_text: str
    waits_because: WaitsBecause | None
    goes_out_at_once: bool


def prepare_submission(
    checked: CheckedDocument, requester: str, database: Database, vault: Vault
) -> SubmitFreezeRequest:
    """Return the command that submits a checked document.

    Whatever takes longer the longer the list is, is done here: others wait for a transaction.
    """
    accounts = FlaggedAccounts.of(
        vault.blind_index(target.account.key) for target in checked.targets
    )
    with database.engine.connect() as connection:
        drill = checked.document.drill
        duplicates = account_store.look_up(connection, requester, accounts, drill=drill)
    key, wrapped = vault.new_key()
    return SubmitFreezeRequest(
        checked=checked,
        accounts=accounts,
        lines_sha256=hash_of_lines(checked.targets),
        duplicates=duplicates,
        key=key,
        wrapped_key=wrapped,
    )


@handles(SubmitFreezeRequest, needs=Permission.FREEZE_REQUEST_SUBMIT)
def submit(command: SubmitFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store a request as submitted; a security lead with no part in it decides."""
    submission = _decide(command, actor, uow)
    words = request_words(command.checked.document)
    on = RequestContext(uow, actor, _store(command, actor, uow, submission))
    uow.seal(on.key, submission.id, "context", submission.context_text.encode())
    uow.seal(on.key, submission.id, "words", canonical_json.dumps(words))
    act_id = on.store_act(NewAct("submit"))
    recorded = uow.record(
        EventType.REQUEST_SUBMITTED,
        _submitted(on, submission.to),
        key=on.key,
        audience=[actor.partner],
        about=About(submission.id, on.request.urgency),
    )
    uow.set_leaf(FreezeRequestRow, submission.id, recorded)
    uow.set_leaf(ActRow, act_id, recorded)
    wake_for(on, TaskKind.RATIFY if submission.goes_out_at_once else TaskKind.APPROVE)
    told = notify_provisionally(on, submission.to) if submission.goes_out_at_once else ()
    view = requester_view(
        on.request,
        RequestDetails(
            words=words,
            incident=submission.incident.view,
            hold_hours=uow.policies.hold_hours(on.request.hold_hours),
        ),
        RequesterDetails(
            context=submission.context_text,
            legs=dict.fromkeys(told, LegStatus.QUEUED.value),
            totals={},
            task=_untaken(on),
            order_only=submission.order_only,
        ),
    )
    location = f"/v1/freeze-requests/{submission.id}"
    return Answer(201, view, entry=recorded, location=location)


def _untaken(on: RequestContext) -> TaskView | None:
    """Return what waits for the leads of a request that has just come: nobody has it yet."""
    task = request_task(on.request)
    return None if task is None else task_view(task, {}, on.actor.partner)


def _decide(command: SubmitFreezeRequest, actor: Actor, uow: UnitOfWork) -> _Submission:
    """Check a document against what is stored, and return all that its request consists of.

    Raises:
        CoordinatorError: Whatever the rules refuse.
    """
    document = command.checked.document
    uow.house_rules.require(uow.connection, actor.partner, document.rulebook_sha256, uow.now)
    require_stated_gateway(uow, actor, document)
    require_bounded_silence(document, now=uow.now, policies=uow.policies)
    require_supported_hold(document, uow.policies)
    # Asked together: on PostgreSQL the answers share round trips.
    statuses = _send_statuses(uow, document)
    people = partner_store.send_people(uow.connection, actor.partner)
    newer = account_store.send_newer(uow.connection, actor.partner, command.duplicates)
    asked = _partners_asked(uow, actor, document, statuses)
    to = list(asked)
    incident = _incident(uow, actor, document)
    _require_followable(uow, actor, document, incident.id)
    quorum = _require_enough_leads(actor, people)
    request_id = new_id("frq")
    context = DecisionContext(
        request_id=request_id,
        content_sha256=uow.evidence.content_sha256,
        act_sha256=uow.evidence.content_sha256,
        to=to,
        warnings=_warnings(uow, command, newer),
        # The hash reaches the partners asked, who know all the rest: by trying they would learn
        # whether there is a warning about other requests.
        salt=secrets.token_urlsafe(_SALT_BYTES),
    )
    why, is_flash = None, document.urgency is Urgency.FLASH
    if is_flash:
        why = waits_because(
            may_flash=actor.may_flash,
            is_to_all=document.to == "all",
            warnings=[warning["code"] for warning in context.warnings],
        )
    if is_flash and why is None:
        _require_within_flash_cap(uow, actor, document, incident)
    return _Submission(
        id=request_id,
        incident=incident,
        to=to,
        order_only=() if _rests_on_order(document) else order_only(asked),
        quorum=quorum,
        context=context,
        context_text=context.text(),
        waits_because=why,
        goes_out_at_once=is_flash and why is None,
    )


def _store(
    command: SubmitFreezeRequest, actor: Actor, uow: UnitOfWork, submission: _Submission
) -> FreezeRequestRow:
    """Store a request with its key, incident, addresses and accounts; returns its row."""
    document = command.checked.document
    is_flash = submission.goes_out_at_once
    status, ratification = next_status(None, Action.SUBMIT_FLASH if is_flash else Action.SUBMIT)
    uow.adopt_key(command.key, command.wrapped_key)
    _store_incident(uow, actor, command.key, submission.incident)
    row = store.insert_request(
        uow.connection,
        id=submission.id,
        requester=actor.partner,
        submitted_by=actor.subject,
        submitted_by_person=actor.person,
        submitted_by_kid=actor.kid,
        status=status,
        provisional=ratification is Ratification.PROVISIONAL,
        urgency=document.urgency,
        tlp=document.tlp,
        incident_id=submission.incident.id,
        follows=document.follows,
        document_key_id=command.key.id,
        content_sha256=submission.context.content_sha256,
        context_sha256=context_sha256(submission.context_text),
        address_count=len(document.addresses),
        drill=document.drill,
        withdrawn_count=0,
        left_out_count=0,
        contested=False,
        partners_asked=len(submission.to),
        quorum=submission.quorum,
        hold_hours=None if document.hold is None else document.hold.hours,
        support=document.support,
        gateway=document.gateway,
        on_order=document.legal is not None and document.legal.order is not None,
        submitted_at=uow.now,
        approve_by=uow.now + uow.policies.approve_within,
        ratify_by=uow.now + uow.policies.ratify_within if is_flash else None,
        waits_because=submission.waits_because,
        sealed_lines_hash=seal_hash(command.key, submission.id, command.lines_sha256),
        event_sequence=1,  # of `request.submitted`
        version=1,
    )
    stated = [(submission.id, *each) for each in command.checked.stated]
    store.insert_addresses(uow.connection, stated)
    account_store.insert(uow.connection, actor.partner, submission.id, command.accounts)
    return row


def _submitted(on: RequestContext, to: Sequence[str]) -> dict[str, object]:
    """Return what the requester is told of a submission."""
    row = on.request
    return {
        "requester": row.requester,
        **drill_mark(row),
        "sequence": row.event_sequence,
        "status": row.status,
        "by": on.actor.subject,
        "urgency": row.urgency,
        "tlp": row.tlp,
        "content_sha256": row.content_sha256,
        "context_sha256": row.context_sha256,
        "approve_by": format_time(row.approve_by),
        "provisional": row.provisional,
        **({} if row.waits_because is None else {"waits_because": row.waits_because}),
        "ratify_by": optional_time(row.ratify_by),
        "address_count": row.address_count,
        **named_partners(to, on.uow.link(f"/v1/freeze-requests/{row.id}")),
    }


def _send_statuses(
    uow: UnitOfWork, document: payloads.FreezeRequest
) -> list[Pending[PartnerStatusNow]]:
    if document.to == "all":
        return []
    return partner_store.send_statuses(uow.connection, document.to)


def _partners_asked(
    uow: UnitOfWork,
    actor: Actor,
    document: payloads.FreezeRequest,
    statuses: Sequence[Pending[PartnerStatusNow]],
) -> dict[str, str]:
    """Return whom a document asks, each with what it freezes on by its own word."""
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
        asked = {
            r.handle: r.freezes_on
            for r in rows
            if r.handle != actor.partner and PartnerKind(r.kind) in ASKABLE_KINDS
        }
        if not asked:
            raise ConflictError("there is no other partner that could be asked")
        return asked
    known = partner_store.read_statuses(statuses)
    faults = [
        FieldFault(f"/to/{number}", *wrong)
        for number, handle in enumerate(document.to)
        if (wrong := why_not_askable(handle, known.get(handle), asker=actor.partner)) is not None
    ]
    if faults:
        raise InvalidInputError(
            f"{len(faults)} of the partners asked cannot be; nothing was stored",
            code="invalid_partners",
            errors=faults,
        )
    return {handle: known[handle].freezes_on for handle in document.to}


def _rests_on_order(document: payloads.FreezeRequest) -> bool:
    has_order = document.legal is not None and document.legal.order is not None
    return has_order or document.support is Support.ORDER


def _incident(uow: UnitOfWork, actor: Actor, document: payloads.FreezeRequest) -> _Incident:
    incident = document.incident
    if isinstance(incident, payloads.NewIncident):
        incident_id = new_id("inc")
        view: IncidentView = {
            "id": incident_id,
            "title": incident.title,
            "kind": incident.kind,
            "occurred_at": format_time(incident.occurred_at),
            "reference": incident.reference,
            "drill": document.drill,
        }
        return _Incident(incident_id, view, incident)
    if not store.of_incident(uow.connection, incident.id, actor.viewer, limit=1):
        raise InvalidInputError(
            "there is no such incident, or none that you may see",
            errors=[FieldFault("/incident/id", "names no incident that you may see", "unknown")],
        )
    view = incident_views(uow.connection, uow.vault, [incident.id], actor.viewer)[incident.id]
    _require_as_real(document, view)
    return _Incident(incident.id, view, None)


def _require_as_real(document: payloads.FreezeRequest, incident: IncidentView) -> None:
    """Refuse a drill within a real incident, and what is real within a drill's."""
    if document.drill is incident["drill"]:
        return
    of, wanted = ("a drill", "true") if incident["drill"] else ("real", "false")
    detail = f"must be {wanted}: the incident is {of}; open an incident of its own for the other"
    raise InvalidInputError(
        f"drill {detail}", errors=[FieldFault("/drill", detail, "other_incident")]
    )


def _store_incident(uow: UnitOfWork, actor: Actor, key: DocumentKey, incident: _Incident) -> None:
    new = incident.new
    if new is None:
        return
    store.insert_incident(
        uow.connection,
        {
            "id": incident.id,
            "opened_by": actor.partner,
            "document_key_id": key.id,
            "kind": new.kind,
            "occurred_at": new.occurred_at,
            "drill": incident.view["drill"],
        },
    )
    sealed = {"title": new.title, "reference": new.reference}
    uow.seal(key, incident.id, "words", canonical_json.dumps(sealed))


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
    uow: UnitOfWork, command: SubmitFreezeRequest, newer: Pending[Packed]
) -> list[ContextWarning]:
    """Return the warnings about the targets; whoever approves accepts each of them."""
    accounts = command.accounts
    live = account_store.read_up_to_date(uow.connection, command.duplicates, newer, accounts)
    # An account may stand several times in one document.
    duplicates = {
        request_id: [n for n, index in enumerate(accounts.blind_indexes) if index in shared]
        for request_id, shared in live.items()
    }
    return wrong_target_warnings(command.checked, duplicates)


def _require_within_flash_cap(
    uow: UnitOfWork, actor: Actor, document: payloads.FreezeRequest, incident: _Incident
) -> None:
    """Refuse a flash request beyond its requester's cap, however many come at once."""
    connection, handle = uow.connection, actor.partner
    partner_store.send_lock(connection, handle)
    follows_ratified = document.follows is not None and store.is_ratified_incident(
        connection, handle, incident.id
    )
    use = FlashUse(
        taken_at=store.flash_places_since(
            connection, handle, uow.now - CAP_PERIOD, drill=document.drill
        ),
        follows_ratified=follows_ratified,
        followed_accounts=(
            store.followed_accounts(connection, handle, incident.id) if follows_ratified else 0
        ),
    )
    require_within_cap(
        use,
        accounts=len(document.addresses),
        cap=uow.policies.flash_daily_cap,
        free_accounts=uow.policies.flash_free_accounts,
    )


def _require_enough_leads(actor: Actor, people: Pending[Person]) -> int:
    quorum = actor.approval_quorum
    excluded = excluded_from_approving(
        submitted_by=actor.subject,
        owner_of_system=actor.owner,
        key_grant_proposer=actor.key_proposer,
    )
    eligible = partner_store.read_eligible_leads(people, set(excluded))
    require_enough_leads(eligible, quorum=quorum, act="submit")
    return quorum
