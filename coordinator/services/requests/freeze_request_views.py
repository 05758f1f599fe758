"""What partners read of a freeze request: rows and sealed words as views.

The requester reads everything; a partner asked reads the request, who was asked, and its own leg.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Viewer
from coordinator.domain.gateway import LegGateway
from coordinator.domain.leg import LegFlag
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import LegNumbers, LogEntry, unpack_evidence
from coordinator.services.requests.gateways import gateways_of_legs
from coordinator.services.requests.left_out import address_counts, asked_remainder
from coordinator.services.requests.task_views import (
    TaskView,
    leg_tasks,
    request_task,
    requester_tasks,
)
from coordinator.storage.ending import disputes
from coordinator.storage.engine.documents import Vault, load, load_one
from coordinator.storage.ledger import ledger_totals
from coordinator.storage.ledger.ledger_totals import AssetTotals
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests import incidents as incident_store
from coordinator.storage.requests import indemnities, info_requests
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.freeze_requests import ListedRequest
from coordinator.storage.requests.incidents import IncidentRead
from coordinator.storage.requests.leg_limits import LegLimit, limits_of
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow, LegRow
from coordinator.storage.tail import transparency_log as log_store
from coordinator.transparency_log.proofs import proof_under
from holdfast.protocol import base64url, strict_json
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.decision_context import ContextWarning, DecisionContext
from holdfast.protocol.payloads import FreezeRequest, format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import (
    Decision,
    DeclineCode,
    FreezesOn,
    Gateway,
    InterestKind,
    LegStatus,
    RequestStatus,
    Support,
    Tlp,
    Urgency,
    WaitsBecause,
    WarningCode,
    WithdrawalReason,
)

#: Sums by asset.
TotalsView = Mapping[str, AssetTotals]
#: Members of the signed document that a reader is shown beside the rows.
WORDS = ("summary", "do_not_notify_customer_until", "why_you", "interest", "rulebook_sha256")


def request_words(document: FreezeRequest) -> JsonObject:
    """Return the few words of a request that every reader is shown; they are sealed separately.

    Reading would be slow if every summary had to open and parse a document of 16 MiB.
    """
    words: JsonObject = document.model_dump(mode="json", include=set(WORDS), exclude_none=True)
    return {name: said for name, said in words.items() if said}


class IncidentView(TypedDict):
    """An incident as a request shows it (`views.IncidentView`)."""

    id: str
    title: str
    kind: str
    occurred_at: str
    reference: str | None
    drill: bool


def incident_views(
    connection: Connection, vault: Vault, ids: Sequence[str], viewer: Viewer
) -> dict[str, IncidentView]:
    """Return many incidents by id, without requests and totals, in two queries.

    Title and reference are the opener's words: only readers of one of its requests are shown them.
    """
    rows = incident_store.incidents(connection, ids, viewer)
    sealed = load(connection, vault, [id_ for id_, row in rows.items() if row.is_told], "words")
    return {id_: _incident_view(row, sealed.get(id_)) for id_, row in rows.items()}


class AwaitedAddition(TypedDict):
    """More partners for a request, which its reader is to decide on (`views.AwaitedAddition`)."""

    id: str
    context_sha256: str
    partner_count: int
    proposed_by: str
    proposed_at: str
    decide_by: str
    task: TaskView


class AwaitedWithdrawal(TypedDict):
    """A withdrawal that one lead proposed, for its reader (`views.AwaitedWithdrawal`)."""

    id: str
    dispute: str | None
    proposed_by: str
    proposed_at: str
    decide_by: str
    task: TaskView


class FreezeRequestSummary(TypedDict):
    """A row of a list of requests (`views.FreezeRequestSummary`)."""

    id: str
    drill: bool
    status: RequestStatus
    requester: str
    requester_suspended: bool
    urgency: Urgency
    tlp: Tlp
    submitted_at: str
    incident_id: str
    incident_title: str
    provisional: bool
    unratified: bool
    address_count: int
    partners_asked: int
    leg_status: LegStatus | None
    ended_at: str | None
    erased_at: str | None
    withdrawn_reason_code: WithdrawalReason | None
    decide_by: NotRequired[str | None]
    task: NotRequired[TaskView | None]
    additions: NotRequired[Sequence[AwaitedAddition]]
    withdrawals: NotRequired[Sequence[AwaitedWithdrawal]]


def incident_titles(
    connection: Connection, vault: Vault, rows: Sequence[ListedRequest]
) -> dict[str, str]:
    """Return the titles of requests' incidents by id, as far as the reader is told of them."""
    incident_ids = list(dict.fromkeys(row.incident_id for row in rows if row.incident_is_told))
    sealed = load(connection, vault, incident_ids, "words")
    return {id_: strict_json.loads(words).get("title", "") for id_, words in sealed.items()}


def summaries(
    connection: Connection, vault: Vault, rows: Sequence[ListedRequest]
) -> list[FreezeRequestSummary]:
    """Return rows of a list of requests, in one query for all."""
    titles = incident_titles(connection, vault, rows)
    suspended = partner_store.suspended_among(connection, {row.requester for row in rows})
    return [
        {
            "id": row.id,
            "drill": row.drill,
            "status": RequestStatus(row.status),
            "requester": row.requester,
            "requester_suspended": row.requester in suspended,
            "urgency": Urgency(row.urgency),
            "tlp": Tlp(row.tlp),
            "submitted_at": format_time(row.submitted_at),
            "incident_id": row.incident_id,
            "incident_title": titles.get(row.incident_id, ""),
            "provisional": row.provisional,
            "unratified": row.unratified_until is not None,
            "address_count": row.address_count - row.hidden_count,
            "partners_asked": row.partners_asked,
            "leg_status": None if row.leg_status is None else LegStatus(row.leg_status),
            "ended_at": optional_time(row.ended_at),
            "erased_at": optional_time(row.erased_at),
            "withdrawn_reason_code": _reason(row.withdrawal_reason),
        }
        for row in rows
    ]


class AcceptedWarning(TypedDict):
    """A warning that an approval accepted (`views.AcceptedWarning`)."""

    code: WarningCode
    address_nos: Literal["all"] | Sequence[int]
    reason: str


class ApprovalView(TypedDict):
    """One lead's decision on a request (`views.ApprovalView`)."""

    id: str
    decision: Decision
    person: str
    kid: str
    at: str
    comment: str | None
    context_sha256: str
    left_out: Sequence[int]
    warnings_accepted: Sequence[AcceptedWarning]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDetails:
    """What a view of a request shows beside its row.

    Attributes:
        words: Of `request_words`.
        hold_hours: How long it asks to hold: as it states, or by the operator's policy.
        requester_suspended: Whether the requester is suspended at present.
        kept_until: When what it says is erased by itself, once it ended.
    """

    words: JsonObject
    incident: IncidentView
    hold_hours: int
    approvals: Sequence[ApprovalView] = ()
    requester_suspended: bool = False
    kept_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequesterDetails:
    """What only the requester reads of its request.

    Attributes:
        context: The decision context as it was decided on; None where it was erased.
        legs: The status of each partner's leg, by handle.
        totals: Over all legs, by asset.
        task: What waits for its leads, if the request itself does.
        order_only: Whom it asks that freezes on an order alone, while it rests on none.
    """

    context: str | None
    legs: Mapping[str, str]
    totals: TotalsView
    task: TaskView | None = None
    order_only: Sequence[str] = ()


class LegLimitView(TypedDict):
    """To whom a leg is limited (`views.LegLimitView`)."""

    people: Sequence[str]
    at: str
    by: str | None


class LegView(TypedDict):
    """A leg as every reader of it is shown it (`views.LegView`)."""

    id: str
    request_id: str
    partner: str
    status: LegStatus
    queued_at: str
    acknowledge_by: str
    delivered_at: str | None
    acknowledged_at: str | None
    overdue_at: str | None
    answer_by: str | None
    answered_at: str | None
    unanswered_at: str | None
    clock_paused_at: str | None
    reply_by: NotRequired[str]
    reply_late_at: NotRequired[str | None]
    dispute_answer_by: NotRequired[str]
    release_recommended_at: NotRequired[str | None]
    decline_code: str | None
    decline_detail: str | None
    withdrawn_reason_code: WithdrawalReason | None
    indemnity_given_at: NotRequired[str]
    sequence: int
    requester_sequence: int
    limited: NotRequired[LegLimitView]
    gateway: Gateway | None
    amounts_told: bool
    flags: list[str]
    tasks: Sequence[TaskView]
    totals: TotalsView


class WhyYouView(TypedDict):
    """Why partners are asked (`views.WhyYouView`)."""

    to: NotRequired[Literal["all"] | Sequence[str]]
    why: str
    address_nos: NotRequired[Sequence[int]]


class InterestView(TypedDict):
    """What the requester stands to gain or lose (`views.InterestView`)."""

    kinds: Sequence[InterestKind]
    statement: str


class FreezeRequestView(TypedDict):
    """A request as its reader may see it (`views.FreezeRequestView`).

    What may be absent is the requester's alone, but for `leg` and `totals`, which a partner asked
    reads of its own leg.
    """

    id: str
    drill: bool
    status: RequestStatus
    provisional: bool
    unratified: bool
    requester: str
    requester_suspended: bool
    submitted_by: str
    submitted_at: str
    approve_by: str
    ratify_by: str | None
    unratified_until: str | None
    decided_at: str | None
    ended_at: str | None
    kept_until: str | None
    withdrawn_reason_code: WithdrawalReason | None
    urgency: Urgency
    tlp: str
    summary: str
    incident: IncidentView
    follows: str | None
    to: Sequence[str]
    address_count: int
    withdrawn_count: int
    left_out_count: NotRequired[int]
    content_sha256: str
    decision_context: NotRequired[str | None]
    context_sha256: NotRequired[str]
    warnings: NotRequired[Sequence[ContextWarning]]
    waits_because: NotRequired[WaitsBecause | None]
    order_only: NotRequired[Sequence[str]]
    task: NotRequired[TaskView | None]
    approvals: Sequence[ApprovalView]
    quorum: int
    hold_hours: int
    support: Support
    do_not_notify_customer_until: str | None
    why_you: Sequence[WhyYouView]
    interest: InterestView | None
    rulebook_sha256: str | None
    gateway: Gateway | None
    leg_counts: NotRequired[Mapping[str, int]]
    totals: NotRequired[TotalsView]
    leg: NotRequired[LegView]
    log: NotRequired[LogEntry | None]


class ActView(TypedDict):
    """The answer to an act on a request or leg (`views.ActView`)."""

    id: str
    request_id: str
    status: str
    leg: NotRequired[LegView]


class DecisionAnswer(ActView):
    """The answer to a decision on a request, or on an addition to one.

    Attributes:
        at: When it was taken, as the next read of it says, too.
        approvals: How many leads have approved by now; absent from a rejection.
        quorum: How many have to.
        addition: What was decided on, where it was an addition.
        addition_status: Where that stands now.
    """

    at: str
    approvals: NotRequired[int]
    quorum: NotRequired[int]
    addition: NotRequired[str]
    addition_status: NotRequired[str]


def request_view(read: ReadContext, row: FreezeRequestRow, leg: LegRow | None) -> FreezeRequestView:
    """Return one request as its reader may see it, who has that leg (None: the requester)."""
    connection, vault, partner = read.connection, read.vault, read.actor.partner
    details = RequestDetails(
        words=_request_words(connection, vault, row),
        incident=incident_views(connection, vault, [row.incident_id], read.actor.viewer)[
            row.incident_id
        ],
        approvals=approvals(connection, vault, row.id),
        hold_hours=read.policies.hold_hours(row.hold_hours),
        requester_suspended=bool(partner_store.suspended_among(connection, [row.requester])),
        kept_until=read.policies.kept_until(row.ended_at),
    )
    legs = leg_store.legs_asked(connection, row.id)
    if row.requester == partner:
        sealed = load_one(connection, vault, row.id, "context")
        totals = ledger_totals.totals(connection, request_id=row.id)
        own = RequesterDetails(
            context=None if sealed is None else sealed.decode(),
            legs=legs,
            totals=ledger_totals.as_text(totals),
            task=request_task_view(connection, row),
            order_only=_order_only(connection, row, sealed),
        )
        view = requester_view(row, details, own)
        if row.leaf_index is not None:
            view["log"] = _log_entry(connection, row.leaf_index)
        return view
    view = _common_view(row, details, list(legs), leg)
    if leg is not None:
        shown = leg_views(read, [leg])[0]
        view |= {"leg": shown, "totals": shown["totals"]}
    return view


def request_task_view(connection: Connection, row: FreezeRequestRow) -> TaskView | None:
    """Return what waits for a request's leads, as its own people are shown it."""
    task = request_task(row)
    if task is None:
        return None
    own = row.requester
    return requester_tasks(connection, [task], requester=own, reader=own)[None]


def requester_view(
    row: FreezeRequestRow, details: RequestDetails, own: RequesterDetails
) -> FreezeRequestView:
    """Return a request as its requester reads it, including right after submission."""
    context = None if own.context is None else DecisionContext.read(own.context)
    to = sorted({*own.legs, *(() if context is None else context.to)})
    return _common_view(row, details, to, None) | {
        "left_out_count": row.left_out_count,
        "decision_context": own.context,
        "context_sha256": row.context_sha256,
        "warnings": [] if context is None else list(context.warnings),
        "waits_because": _waits_because(row),
        "order_only": list(own.order_only),
        "task": own.task,
        "leg_counts": Counter(own.legs.values()),
        "totals": own.totals,
    }


def order_only(asked: Mapping[str, str]) -> list[str]:
    """Return who freezes on an order alone, of partners with what each freezes on."""
    return sorted(handle for handle, freezes in asked.items() if freezes == FreezesOn.ORDER)


def _order_only(
    connection: Connection, row: FreezeRequestRow, context: bytes | None
) -> Sequence[str]:
    """Return who of those asked freezes on an order alone, as long as a lead is to decide."""
    is_open = row.status == RequestStatus.SUBMITTED or row.provisional
    if not is_open or context is None or row.on_order or support_of(row) is Support.ORDER:
        return ()
    asked = partner_store.statuses(connection, DecisionContext.read(context).to)
    return order_only({handle: known.freezes_on for handle, known in asked.items()})


def _waits_because(row: FreezeRequestRow) -> WaitsBecause | None:
    """Return why a flash request waits for its approval, as long as it does."""
    why = row.waits_because if row.status == RequestStatus.SUBMITTED else None
    return None if why is None else WaitsBecause(why)


def _reason(code: str | None) -> WithdrawalReason | None:
    return None if code is None else WithdrawalReason(code)


def _common_view(
    row: FreezeRequestRow, details: RequestDetails, to: Sequence[str], leg: LegRow | None
) -> FreezeRequestView:
    """Return what every reader is shown: the one with that leg, or the requester (None)."""
    address_count, withdrawn_count = address_counts(row, leg)
    return {
        "id": row.id,
        "drill": row.drill,
        "status": RequestStatus(row.status),
        "provisional": row.provisional,
        "unratified": row.unratified_until is not None,
        "requester": row.requester,
        "requester_suspended": details.requester_suspended,
        "submitted_by": row.submitted_by,
        "submitted_at": format_time(row.submitted_at),
        "approve_by": format_time(row.approve_by),
        "ratify_by": optional_time(row.ratify_by),
        "unratified_until": optional_time(row.unratified_until),
        "decided_at": optional_time(row.decided_at),
        "ended_at": optional_time(row.ended_at),
        "kept_until": optional_time(details.kept_until),
        "withdrawn_reason_code": _reason(row.withdrawal_reason),
        "urgency": Urgency(row.urgency),
        "tlp": row.tlp,
        "summary": details.words.get("summary", ""),
        "incident": details.incident,
        "follows": row.follows,
        "to": to,
        "address_count": address_count,
        "withdrawn_count": withdrawn_count,
        "content_sha256": row.content_sha256,
        "approvals": list(details.approvals),
        "quorum": row.quorum,
        "hold_hours": details.hold_hours,
        "support": support_of(row),
        "do_not_notify_customer_until": details.words.get("do_not_notify_customer_until"),
        "why_you": _why_you(details.words.get("why_you", []), None if leg is None else leg.partner),
        "interest": details.words.get("interest"),
        "rulebook_sha256": details.words.get("rulebook_sha256"),
        "gateway": None if row.gateway is None else Gateway(row.gateway),
    }


def _why_you(said: Sequence[WhyYouView], partner: str | None) -> list[WhyYouView]:
    """Return why a partner is asked, and no word on the others; all for the requester (None)."""
    if partner is None:
        return list(said)
    found: list[WhyYouView] = []
    for each in said:
        if each["to"] == "all" or partner in each["to"]:
            shown: WhyYouView = {"why": each["why"]}
            if "address_nos" in each:
                shown["address_nos"] = each["address_nos"]
            found.append(shown)
    return found


def support_of(row: FreezeRequestRow) -> Support:
    """Return whose word a request rests on now."""
    return Support.NONE if row.support is None else Support(row.support)


def _log_entry(connection: Connection, index: int) -> LogEntry | None:
    leaf = log_store.leaf(connection, index)
    if leaf is None:
        return None
    entry: LogEntry = {
        "leaf_index": index,
        "leaf_id": leaf.leaf_id.hex(),
        "type": leaf.type,
        "at": format_time(leaf.at),
        "commitment": leaf.commitment.hex(),
        "tags": base64url.encode(leaf.tags or b""),
    }
    if leaf.proven_by is not None:
        entry["proof"] = proof_under(connection, index, leaf.proven_by)
    return entry


def approvals(connection: Connection, vault: Vault, request_id: str) -> list[ApprovalView]:
    """Return the decisions on a request, oldest first."""
    rows = store.decisions(connection, request_id)
    bodies = evidence_bodies(connection, vault, [row.id for row in rows])
    return [_approval_view(row, bodies.get(row.id, {})) for row in rows]


def _approval_view(row: ActRow, signed: JsonObject) -> ApprovalView:
    decision, context = row.decision, row.context_sha256
    if decision is None or context is None or row.person is None or row.kid is None:
        raise AssertionError("a decision is a person's, signed over a context")
    return {
        "id": row.id,
        "decision": Decision(decision),
        "person": row.person,
        "kid": row.kid,
        "at": format_time(row.at),
        "comment": signed.get("comment"),
        "context_sha256": context,
        "left_out": signed.get("except", []),
        "warnings_accepted": signed.get("warnings_accepted", []),
    }


@dataclass(frozen=True, slots=True)
class LegDetails:
    """What a view of a leg shows beside its row.

    Attributes:
        numbers: Of its newest events.
        totals: By asset, as text.
        decline_detail: What its partner said as it declined.
        contested: Until when the requester is to answer the leg's oldest open dispute, and since
            when a release is recommended; None where nothing is contested.
        withdrawn_reason: Why the request, or its addresses, were withdrawn, if they were.
        indemnified_at: When the indemnity was given for want of which it declined.
        asked: Until when the requester is to reply to the leg's oldest open question, and since
            when that is late; None where nothing is asked.
        tasks: What waits for its partner.
        gateway: What its sides hold in common, under which amounts are told.
        limit: To whom its partner limited it; for that partner's own people.
    """

    numbers: LegNumbers
    totals: TotalsView
    decline_detail: str | None
    contested: tuple[datetime, datetime | None] | None
    withdrawn_reason: str | None
    indemnified_at: datetime | None
    asked: tuple[datetime, datetime | None] | None
    tasks: Sequence[TaskView]
    gateway: LegGateway
    limit: LegLimit | None = None


def leg_views(read: ReadContext, rows: Sequence[LegRow]) -> list[LegView]:
    """Return legs with their totals as the reader is shown them, in a few queries for all."""
    connection, vault, reader = read.connection, read.vault, read.actor.partner
    totals = ledger_totals.totals_by_leg(connection, [row.id for row in rows])
    declines = [row.decline_act_id for row in rows if row.decline_act_id is not None]
    bodies = evidence_bodies(connection, vault, declines)
    disputed = dispute_times(connection, rows)
    reasons = reasons_of_legs(connection, rows)
    indemnified = indemnity_times(connection, rows)
    asked = reply_times(connection, rows)
    tasks = leg_tasks(connection, rows, reader)
    limits = limits_of(connection, [row for row in rows if row.partner == reader])
    gateways = gateways_of_legs(connection, read.policies, read.now, rows)
    return [
        leg_view(
            row,
            LegDetails(
                LegNumbers(row.event_sequence, row.requester_sequence),
                ledger_totals.as_text(totals[row.id]),
                bodies.get(row.decline_act_id or "", {}).get("detail"),
                disputed.get(row.id),
                reasons.get(row.request_id),
                indemnified.get(row.id),
                asked.get(row.id),
                tasks[row.id],
                gateways[row.id],
                limits.get(row.id),
            ),
        )
        for row in rows
    ]


def dispute_times(
    connection: Connection, rows: Sequence[LegRow]
) -> Mapping[str, tuple[datetime, datetime | None]]:
    """Return the times of `LegDetails.contested` by leg; no query where no leg is disputed."""
    disputed = [row.id for row in rows if LegFlag.DISPUTED in row.flags]
    return disputes.open_times(connection, disputed) if disputed else {}


def reasons_of_legs(connection: Connection, rows: Sequence[LegRow]) -> Mapping[str, str]:
    """Return the reason of `LegDetails` by request; asks nothing where none is withdrawn."""
    ids = {row.request_id for row in rows if row.ended or row.owes_answer}
    return store.withdrawal_reasons(connection, ids)


def indemnity_times(connection: Connection, rows: Sequence[LegRow]) -> Mapping[str, datetime]:
    """Return when an indemnity was given to legs that declined for want of one.

    No query where none did.
    """
    wanting = {
        row.id: row
        for row in rows
        if row.decline_code == DeclineCode.INDEMNITY_REQUIRED and row.decline_act_id is not None
    }
    if not wanting:
        return {}
    given = indemnities.of_requests(connection, {row.request_id for row in wanting.values()})
    times: dict[str, datetime] = {}
    for row in wanting.values():
        for each in given:
            is_for_it = each.request_id == row.request_id and each.leg_id in {None, row.id}
            # Ids of acts sort by time: one given before the decline was not what it asked for.
            if is_for_it and each.act_id > (row.decline_act_id or ""):
                times[row.id] = each.given_at
    return times


def reply_times(
    connection: Connection, rows: Sequence[LegRow]
) -> Mapping[str, tuple[datetime, datetime | None]]:
    """Return the times of `LegDetails.asked` by leg; asks nothing where no question is open."""
    asking = [row.id for row in rows if LegFlag.INFO_REQUESTED in row.flags]
    return info_requests.reply_times(connection, asking) if asking else {}


def leg_view(row: LegRow, details: LegDetails) -> LegView:
    """Return one leg, as it was read or as the act under way leaves it."""
    view = LegView(
        id=row.id,
        request_id=row.request_id,
        partner=row.partner,
        status=LegStatus(row.status),
        queued_at=format_time(row.queued_at),
        acknowledge_by=format_time(row.acknowledge_by),
        delivered_at=optional_time(row.delivered_at),
        acknowledged_at=optional_time(row.acknowledged_at),
        overdue_at=optional_time(row.overdue_at),
        answer_by=optional_time(row.answer_by),
        answered_at=optional_time(row.answered_at),
        unanswered_at=optional_time(row.unanswered_at),
        clock_paused_at=optional_time(row.clock_paused_at),
        decline_code=row.decline_code,
        decline_detail=details.decline_detail,
        withdrawn_reason_code=_reason(details.withdrawn_reason),
        sequence=details.numbers.sequence,
        requester_sequence=details.numbers.requester_sequence,
        gateway=details.gateway.gateway,
        amounts_told=details.gateway.amounts_told,
        flags=list(row.flags),
        tasks=details.tasks,
        totals=details.totals,
    )
    if details.limit is not None:
        limit = details.limit
        view["limited"] = {"people": limit.people, "at": format_time(limit.at), "by": limit.by}
    if details.asked is not None:
        reply_by, late_at = details.asked
        view["reply_by"] = format_time(reply_by)
        view["reply_late_at"] = optional_time(late_at)
    if details.contested is not None:
        answer_by, recommended_at = details.contested
        view["dispute_answer_by"] = format_time(answer_by)
        view["release_recommended_at"] = optional_time(recommended_at)
    if details.indemnified_at is not None:
        view["indemnity_given_at"] = format_time(details.indemnified_at)
    return view


def evidence_bodies(
    connection: Connection, vault: Vault, act_ids: Sequence[str]
) -> Mapping[str, JsonObject]:
    """Return the signed bodies of acts, parsed; erased ones are left out."""
    exact = exact_bodies(connection, vault, act_ids)
    return {act_id: strict_json.loads(body) for act_id, body in exact.items()}


def exact_bodies(
    connection: Connection, vault: Vault, act_ids: Sequence[str]
) -> Mapping[str, bytes]:
    """Return the same byte for byte."""
    packed = load(connection, vault, list(dict.fromkeys(act_ids)), "evidence")
    return {act_id: unpack_evidence(content)[1] for act_id, content in packed.items()}


class WholeAccountView(TypedDict):
    """Why the whole account is asked for (`views.WholeAccountView`)."""

    why: str


class FlaggedAddressView(TypedDict):
    """A flagged address, as the request names it and in its canonical form.

    See `views.FlaggedAddressView`.
    """

    address_no: int
    account: str
    tag: str | None
    canonical: str
    asset: str | None
    amount: str | None
    min_amount: str | None
    role: str | None
    tx: str | None
    block: int | None
    note: str | None
    whole_account: WholeAccountView | None
    warnings: Sequence[WarningCode]
    withdrawn_at: NotRequired[str]
    withdrawn_reason: NotRequired[str | None]
    withdrawn_reason_code: NotRequired[WithdrawalReason | None]
    left_out: NotRequired[bool]


class _Withdrawn(NamedTuple):
    at: datetime
    reason: str | None
    code: str | None


def address_views(
    read: ReadContext, row: FreezeRequestRow, leg: LegRow | None, *, after: int, limit: int
) -> tuple[list[FlaggedAddressView], bool]:
    """Return flagged addresses, and whether more follow.

    Only the requester reads what was warned of, and what the approval left out.

    Args:
        read: What the reader reads from.
        row: The request.
        leg: The reader's; None for the requester.
        after: They come in order, above this number.
        limit: At most so many.
    """
    connection, vault = read.connection, read.vault
    flagged = asked_document(connection, vault, row, leg).get("addresses", [])
    numbers = [no for no in range(after + 1, len(flagged)) if flagged[no] is not None]
    shown = numbers[:limit]
    if not shown:
        return [], False
    is_own = row.requester == read.actor.partner
    warnings = _warnings_by_address(connection, vault, row) if is_own else {}
    is_cut = is_own and row.left_out_count
    left_out = store.left_out_addresses(connection, row.id) if is_cut else ()
    withdrawn = _withdrawn(connection, vault, row, shown[0], shown[-1])
    page = []
    for number in shown:
        view = _address_view(read.chains, number, flagged[number], warnings.get(number, ()))
        if number in withdrawn:
            view["withdrawn_at"] = format_time(withdrawn[number].at)
            view["withdrawn_reason"] = withdrawn[number].reason
            view["withdrawn_reason_code"] = _reason(withdrawn[number].code)
        if number in left_out:
            view["left_out"] = True
        page.append(view)
    return page, len(numbers) > len(shown)


def asked_document(
    connection: Connection, vault: Vault, row: FreezeRequestRow, leg: LegRow | None
) -> JsonObject:
    """Return the document of a request as a reader with that leg (None: the requester) has it.

    Null stands in place of addresses that the approval left out, where the reader hears of none;
    empty if it was erased.
    """
    remainder = asked_remainder(connection, vault, row, leg)
    if remainder is not None:
        found: JsonObject = strict_json.loads(remainder)
        return found
    act_id = store.submit_act(connection, row.id)
    return {} if act_id is None else evidence_bodies(connection, vault, [act_id]).get(act_id, {})


def _address_view(
    chains: Chains, number: int, sent: JsonObject, warnings: Sequence[WarningCode]
) -> FlaggedAddressView:
    return {
        "address_no": number,
        "account": sent["account"],
        "tag": sent.get("tag"),
        "canonical": parse_account(chains, sent["account"], sent.get("tag")).key,
        "asset": sent.get("asset"),
        "amount": sent.get("amount"),
        "min_amount": sent.get("min_amount"),
        "role": sent.get("role"),
        "tx": sent.get("tx"),
        "block": sent.get("block"),
        "note": sent.get("note"),
        "whole_account": sent.get("whole_account"),
        "warnings": list(warnings),
    }


def _withdrawn(
    connection: Connection, vault: Vault, row: FreezeRequestRow, first: int, last: int
) -> dict[int, _Withdrawn]:
    """Return since when, and why, addresses of a page are withdrawn."""
    if not row.withdrawn_count:
        return {}
    found = store.withdrawals_of(connection, row.id, first, last)
    bodies = evidence_bodies(connection, vault, [each.act_id for each in found])
    return {
        each.address_no: _Withdrawn(
            each.withdrawn_at, _withdrawn_reason(bodies.get(each.act_id, {})), each.reason
        )
        for each in found
    }


def _withdrawn_reason(signed: JsonObject) -> str | None:
    """Return why an address was withdrawn: by a withdrawal, or by what ratified the others."""
    why = signed.get("reason") or signed.get("comment")
    return None if why is None else str(why)


def _warnings_by_address(
    connection: Connection, vault: Vault, row: FreezeRequestRow
) -> dict[int, list[WarningCode]]:
    sealed = load_one(connection, vault, row.id, "context")
    found: dict[int, list[WarningCode]] = {}
    for warning in [] if sealed is None else DecisionContext.read(sealed).warnings:
        for number in warning["address_nos"]:
            found.setdefault(number, []).append(WarningCode(warning["code"]))
    return found


def _request_words(connection: Connection, vault: Vault, row: FreezeRequestRow) -> JsonObject:
    sealed = load_one(connection, vault, row.id, "words")
    words: JsonObject = {} if sealed is None else strict_json.loads(sealed)
    return words


def _incident_view(row: IncidentRead, sealed: bytes | None) -> IncidentView:
    words = {} if sealed is None else strict_json.loads(sealed)
    return {
        "id": row.id,
        "title": words.get("title", ""),
        "kind": row.kind,
        "occurred_at": format_time(row.occurred_at),
        "reference": words.get("reference"),
        "drill": row.drill,
    }
