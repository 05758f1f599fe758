"""What partners read of a freeze request: rows and sealed words as views.

The requester reads everything; a partner asked reads the request, who was asked, and its own leg.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.account import parse_account
from coordinator.domain.chain import Chains
from coordinator.domain.leg import LegFlag
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import LegNumbers, unpack_evidence
from coordinator.storage.after_freeze import disputes
from coordinator.storage.engine.documents import Vault, load, load_one
from coordinator.storage.ledger import ledger_totals
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests import incidents as incident_store
from coordinator.storage.requests import info_requests
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.freeze_requests import ListedRequest
from coordinator.storage.requests.incidents import IncidentRead
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from coordinator.storage.tail import transparency_log as log_store
from holdfast.protocol import strict_json
from holdfast.protocol.decision_context import DecisionContext
from holdfast.protocol.payloads import FreezeRequest, format_time

#: Sums by asset and kind, as text; `withheld` counts.
TotalsView = Mapping[str, Mapping[str, Any]]
#: Members of the signed document that a reader is shown beside the rows.
WORDS = ("summary", "do_not_notify_customer_until")


def request_words(document: FreezeRequest) -> dict[str, str]:
    """Return the few words of a request that every reader is shown, to be sealed by themselves.

    Opening and parsing a document of 16 MiB for the sake of its summary would make reading slow.
    """
    return document.model_dump(mode="json", include=set(WORDS), exclude_none=True)


def incident_views(
    connection: Connection, vault: Vault, ids: Sequence[str], partner: str
) -> dict[str, dict[str, Any]]:
    """Return many incidents by id, without requests and totals, in two queries.

    Title and reference are the opener's words, and shown only to readers of a request of its.
    """
    rows = incident_store.incidents(connection, ids, partner)
    sealed = load(connection, vault, [id_ for id_, row in rows.items() if row.is_told], "words")
    return {id_: {"id": id_, **_incident_words(row, sealed.get(id_))} for id_, row in rows.items()}


def summaries(
    connection: Connection, vault: Vault, rows: Sequence[ListedRequest]
) -> list[dict[str, Any]]:
    """Return rows of a list of requests (`views.FreezeRequestSummary`), in one query for all."""
    incident_ids = list(dict.fromkeys(row.incident_id for row in rows if row.incident_is_told))
    sealed = load(connection, vault, incident_ids, "words")
    titles = {id_: strict_json.loads(words).get("title", "") for id_, words in sealed.items()}
    suspended = partner_store.suspended_among(connection, {row.requester for row in rows})
    return [
        {
            "id": row.id,
            "status": row.status,
            "requester": row.requester,
            "requester_suspended": row.requester in suspended,
            "urgency": row.urgency,
            "submitted_at": format_time(row.submitted_at),
            "incident_id": row.incident_id,
            "incident_title": titles.get(row.incident_id, ""),
            "provisional": row.provisional,
            "address_count": row.address_count,
            "partners_asked": row.partners_asked,
            "leg_status": getattr(row, "leg_status", None),
        }
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDetails:
    """What a view of a request shows beside its row.

    Attributes:
        words: Of `request_words`.
        incident: As `incident_views` has it.
        approvals: As `approvals` has them.
        requester_suspended: Whether the requester is suspended at present.
    """

    words: Mapping[str, str]
    incident: Mapping[str, Any]
    approvals: Sequence[Mapping[str, Any]] = ()
    requester_suspended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequesterDetails:
    """What only the requester reads of its request.

    Attributes:
        context: The decision context as it was decided on; None where it was erased.
        legs: The status of each partner's leg, by handle.
        totals: Over all legs, by asset.
    """

    context: str | None
    legs: Mapping[str, str]
    totals: Mapping[str, Any]


def request_view(
    connection: Connection,
    vault: Vault,
    row: FreezeRequestRow,
    leg: LegRow | None,
    partner: str,
) -> dict[str, Any]:
    """Return one request as `partner` may see it (`views.FreezeRequestView`)."""
    details = RequestDetails(
        words=_request_words(connection, vault, row),
        incident=incident_views(connection, vault, [row.incident_id], partner)[row.incident_id],
        approvals=approvals(connection, vault, row.id),
        requester_suspended=bool(partner_store.suspended_among(connection, [row.requester])),
    )
    legs = leg_store.legs_asked(connection, row.id)
    if row.requester == partner:
        sealed = load_one(connection, vault, row.id, "context")
        totals = ledger_totals.totals(connection, request_id=row.id)
        own = RequesterDetails(
            context=None if sealed is None else sealed.decode(),
            legs=legs,
            totals=ledger_totals.as_text(totals),
        )
        view = requester_view(row, details, own)
        if row.leaf_index is not None:
            view["log"] = _log_entry(connection, row.leaf_index)
        return view
    view = _common_view(row, details) | {"to": list(legs)}
    if leg is not None:
        shown = leg_views(connection, vault, [leg])[0]
        view |= {"leg": shown, "totals": shown["totals"]}
    return view


def requester_view(
    row: FreezeRequestRow, details: RequestDetails, own: RequesterDetails
) -> dict[str, Any]:
    """Return a request as its requester reads it, right after its submission, too."""
    context = None if own.context is None else DecisionContext.read(own.context)
    return _common_view(row, details) | {
        "to": sorted({*own.legs, *(() if context is None else context.to)}),
        "decision_context": own.context,
        "context_sha256": row.context_sha256,
        "warnings": [] if context is None else list(context.warnings),
        "leg_counts": Counter(own.legs.values()),
        "totals": own.totals,
    }


def _common_view(row: FreezeRequestRow, details: RequestDetails) -> dict[str, Any]:
    """Return what every reader is shown."""
    return {
        "id": row.id,
        "status": row.status,
        "provisional": row.provisional,
        "requester": row.requester,
        "requester_suspended": details.requester_suspended,
        "submitted_by": row.submitted_by,
        "submitted_at": format_time(row.submitted_at),
        "approve_by": format_time(row.approve_by),
        "ratify_by": _time(row.ratify_by),
        "decided_at": _time(row.decided_at),
        "ended_at": _time(row.ended_at),
        "urgency": row.urgency,
        "tlp": row.tlp,
        "summary": details.words.get("summary", ""),
        "incident": details.incident,
        "follows": row.follows,
        "address_count": row.address_count,
        "withdrawn_count": row.withdrawn_count,
        "content_sha256": row.content_sha256,
        "approvals": list(details.approvals),
        "quorum": row.quorum,
        "hold_hours": row.hold_hours,
        "do_not_notify_customer_until": details.words.get("do_not_notify_customer_until"),
    }


def _log_entry(connection: Connection, index: int) -> dict[str, Any] | None:
    leaf = log_store.leaf(connection, index)
    if leaf is None:
        return None
    return {
        "leaf_index": index,
        "leaf_id": leaf.leaf_id.hex(),
        "type": leaf.type,
        "at": format_time(leaf.at),
        "commitment": leaf.commitment.hex(),
    }


def approvals(connection: Connection, vault: Vault, request_id: str) -> list[dict[str, Any]]:
    """Return the decisions on a request (`views.ApprovalView`), oldest first."""
    rows = store.decisions(connection, request_id)
    bodies = evidence_bodies(connection, vault, [row.id for row in rows])
    return [
        {
            "id": row.id,
            "decision": row.decision,
            "person": row.person,
            "kid": row.kid,
            "at": format_time(row.at),
            "comment": bodies.get(row.id, {}).get("comment"),
            "context_sha256": row.context_sha256,
        }
        for row in rows
    ]


class LegView(TypedDict):
    """A leg as every reader of it is shown it (`views.LegView`)."""

    id: str
    request_id: str
    partner: str
    status: str
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
    sequence: int
    requester_sequence: int
    flags: list[str]
    totals: TotalsView


@dataclass(frozen=True, slots=True)
class LegDetails:
    """What a view of a leg shows beside its row.

    Attributes:
        numbers: Of its newest events.
        totals: By asset, as text.
        decline_detail: What its partner said as it declined.
        contested: Until when the requester is to answer the leg's oldest open dispute, and since
            when a release is recommended; None where nothing is contested.
        asked: Until when the requester is to reply to the leg's oldest open question, and since
            when that is late; None where nothing is asked.
    """

    numbers: LegNumbers
    totals: TotalsView
    decline_detail: str | None
    contested: tuple[datetime, datetime | None] | None
    asked: tuple[datetime, datetime | None] | None


def leg_views(connection: Connection, vault: Vault, rows: Sequence[LegRow]) -> list[LegView]:
    """Return legs with their totals, in a few queries for all."""
    totals = ledger_totals.totals_by_leg(connection, [row.id for row in rows])
    declines = [row.decline_act_id for row in rows if row.decline_act_id is not None]
    bodies = evidence_bodies(connection, vault, declines)
    disputed = dispute_times(connection, rows)
    asked = reply_times(connection, rows)
    return [
        leg_view(
            row,
            LegDetails(
                LegNumbers(row.event_sequence, row.requester_sequence),
                ledger_totals.as_text(totals[row.id]),
                bodies.get(row.decline_act_id or "", {}).get("detail"),
                disputed.get(row.id),
                asked.get(row.id),
            ),
        )
        for row in rows
    ]


def dispute_times(
    connection: Connection, rows: Sequence[LegRow]
) -> Mapping[str, tuple[datetime, datetime | None]]:
    """Return the times of `LegDetails.contested` by leg; asks nothing where no leg is disputed."""
    disputed = [row.id for row in rows if LegFlag.DISPUTED in row.flags]
    return disputes.open_times(connection, disputed) if disputed else {}


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
        status=row.status,
        queued_at=format_time(row.queued_at),
        acknowledge_by=format_time(row.acknowledge_by),
        delivered_at=_time(row.delivered_at),
        acknowledged_at=_time(row.acknowledged_at),
        overdue_at=_time(row.overdue_at),
        answer_by=_time(row.answer_by),
        answered_at=_time(row.answered_at),
        unanswered_at=_time(row.unanswered_at),
        clock_paused_at=_time(row.clock_paused_at),
        decline_code=row.decline_code,
        decline_detail=details.decline_detail,
        sequence=details.numbers.sequence,
        requester_sequence=details.numbers.requester_sequence,
        flags=list(row.flags),
        totals=details.totals,
    )
    if details.asked is not None:
        reply_by, late_at = details.asked
        view["reply_by"] = format_time(reply_by)
        view["reply_late_at"] = _time(late_at)
    if details.contested is not None:
        answer_by, recommended_at = details.contested
        view["dispute_answer_by"] = format_time(answer_by)
        view["release_recommended_at"] = _time(recommended_at)
    return view


def evidence_bodies(
    connection: Connection, vault: Vault, act_ids: Sequence[str]
) -> Mapping[str, dict[str, Any]]:
    """Return the signed bodies of acts, parsed; erased ones are left out."""
    packed = load(connection, vault, list(dict.fromkeys(act_ids)), "evidence")
    return {act_id: strict_json.loads(unpack_evidence(p)[1]) for act_id, p in packed.items()}


def address_views(
    read: ReadContext, row: FreezeRequestRow, *, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return flagged addresses in order, above the number `after` (`views.FlaggedAddressView`).

    Only the requester reads what was warned of.
    """
    connection, vault = read.connection, read.vault
    act_id = store.submit_act(connection, row.id)
    document = (
        {} if act_id is None else evidence_bodies(connection, vault, [act_id]).get(act_id, {})
    )
    is_own = row.requester == read.actor.partner
    warnings = _warnings_by_address(connection, vault, row) if is_own else {}
    first = after + 1
    withdrawn = _withdrawn(connection, vault, row, first, limit)
    flagged = document.get("addresses", [])[first : first + limit]
    return [
        _address_view(read.chains, number, sent, warnings.get(number, []))
        | withdrawn.get(number, {})
        for number, sent in enumerate(flagged, first)
    ]


def _address_view(
    chains: Chains, number: int, sent: Mapping[str, Any], warnings: Sequence[str]
) -> dict[str, Any]:
    shown = ("account", "tag", "asset", "amount", "role", "tx", "block", "note")
    return {
        "address_no": number,
        "canonical": parse_account(chains, sent["account"], sent.get("tag")).key,
        **{name: sent.get(name) for name in shown},
        "warnings": list(warnings),
    }


def _withdrawn(
    connection: Connection, vault: Vault, row: FreezeRequestRow, first: int, limit: int
) -> dict[int, dict[str, Any]]:
    """Return since when, and why, addresses of a page are withdrawn."""
    if not row.withdrawn_count:
        return {}
    found = store.withdrawals_of(connection, row.id, first, first + limit - 1)
    bodies = evidence_bodies(connection, vault, [each.act_id for each in found])
    return {
        each.address_no: {
            "withdrawn_at": format_time(each.withdrawn_at),
            "withdrawn_reason": bodies.get(each.act_id, {}).get("reason"),
        }
        for each in found
    }


def _warnings_by_address(
    connection: Connection, vault: Vault, row: FreezeRequestRow
) -> dict[int, list[str]]:
    sealed = load_one(connection, vault, row.id, "context")
    found: dict[int, list[str]] = {}
    for warning in [] if sealed is None else DecisionContext.read(sealed).warnings:
        for number in warning["address_nos"]:
            found.setdefault(number, []).append(warning["code"])
    return found


def _request_words(connection: Connection, vault: Vault, row: FreezeRequestRow) -> dict[str, str]:
    sealed = load_one(connection, vault, row.id, "words")
    words: dict[str, str] = {} if sealed is None else strict_json.loads(sealed)
    return words


def _incident_words(row: IncidentRead, sealed: bytes | None) -> dict[str, Any]:
    words = {} if sealed is None else strict_json.loads(sealed)
    return {
        "title": words.get("title", ""),
        "kind": row.kind,
        "occurred_at": format_time(row.occurred_at),
        "reference": words.get("reference"),
    }


def _time(moment: Any) -> str | None:
    return None if moment is None else format_time(moment)
