"""What partners read of the freeze ledger: lines, holds, and the evidence of acts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, NotRequired, TypedDict, cast

from pydantic import TypeAdapter
from sqlalchemy import Connection

from coordinator.domain.actor import COORDINATOR, Viewer
from coordinator.services.core.unit_of_work import unpack_evidence
from coordinator.services.ledger.report_views import (
    LineOrigin,
    LineView,
    LineWords,
    line_view,
    line_words,
)
from coordinator.services.requests.freeze_request_views import evidence_bodies
from coordinator.storage.engine.documents import Vault, document_sizes, load
from coordinator.storage.ledger.ledger_pages import ShownHold, ShownLine
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import additions as addition_store
from coordinator.storage.requests.leg_limits import hidden_among
from coordinator.storage.tables.freeze_requests import ActRow
from holdfast.protocol.payloads import ReportLine, format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import (
    EvidenceKind,
    HoldBasis,
    Irregular,
    LineKind,
    Tlp,
    WithdrawalReason,
)

#: A page of evidence ends early rather than grow beyond this many bytes.
EVIDENCE_PAGE_BYTES = 20_000_000
_MINUTE = timedelta(minutes=1)
_LINES: TypeAdapter[ReportLine] = TypeAdapter(ReportLine)
#: What a line about a shared hold tells those who may not read the report that it stands in: what
#: became of the funds, and no text that was written for somebody else.
_TOLD_ELSEWHERE = frozenset(
    {
        *("id", "leg_id", "partner", "kind", "address_no", "asset", "amount", "withheld", "hold"),
        *("reported_at", "corrects", "shared", "basis", "tx", "agency", "usd"),
        *("frozen_at", "hold_expires_at", "review_at"),
        *("proposed_tx", "proposed_at", "effective_tx", "effective_at"),
    }
)


def line_views(
    connection: Connection, vault: Vault, rows: Sequence[ShownLine], reader: Viewer
) -> list[LineView]:
    """Return ledger lines with what their signed reports say, too.

    Args:
        connection: For reading.
        vault: Opens the reports.
        rows: As `storage.ledger_pages.lines` returns them.
        reader: Who reads; of lines that were written on another request it learns
            what its report says as far as it may read that.
    """
    reports = evidence_bodies(connection, vault, [row.report_id for row in rows])
    elsewhere = {row.source_request for row in rows if row.is_shared}
    hidden = hidden_among(connection, reader, elsewhere)
    return [
        _shown_to(reader.partner, row, _line_view(row, _sent_line(reports, row)), hidden)
        for row in rows
    ]


def _shown_to(reader: str, row: ShownLine, view: LineView, hidden: Collection[str]) -> LineView:
    if not row.is_shared:
        return view
    may_read = reader in {row.partner, row.source_requester} and row.source_request not in hidden
    return shared_line_view(view, source_request=row.source_request if may_read else None)


def shared_line_view(view: LineView, *, source_request: str | None) -> LineView:
    """Return a line as another request that shares its hold shows it.

    Args:
        view: The line, with leg and address of the request that shows it.
        source_request: Where it was written; None: the reader may not know.
    """
    if source_request is not None:
        return {**view, "shared": True, "source_request": source_request}
    told = {name: value for name, value in view.items() if name in _TOLD_ELSEWHERE}
    shown = cast("LineView", {**told, "shared": True})
    if view["kind"] in {LineKind.RELEASED, LineKind.RETURNED} and "reason" in view:
        shown["reason"] = view["reason"]  # one of a few words; a correction's is free text
    return shown


def _sent_line(reports: Mapping[str, JsonObject], row: ShownLine) -> JsonObject:
    lines = reports.get(row.report_id, {}).get("lines", [])
    found: JsonObject = lines[row.line_no] if row.line_no < len(lines) else {}
    return found


def _line_view(row: ShownLine, sent: JsonObject) -> LineView:
    common: LineOrigin = {
        "report_id": row.report_id,
        "leg_id": row.leg_id,
        "partner": row.partner,
        "reported_at": format_time(row.reported_at),
    }
    # Read as it was when it came, so that what it did not say has the same meaning.
    words: LineWords = line_words(_LINES.validate_python(sent)) if sent else {}
    return line_view(common, row, words)


class HoldView(TypedDict):
    """A hold as it stands (`views.HoldView`)."""

    id: str
    leg_id: str
    partner: str
    address_no: int
    asset: str
    frozen: str
    held: str
    released: str
    returned: str
    seized: str
    withheld: bool
    basis: HoldBasis
    frozen_at: str
    effective_at: str | None
    gap_minutes: int | None
    hold_expires_at: str
    review_at: str | None
    same_funds_as: NotRequired[str]
    shared: bool
    lapsed: bool
    kept: str | None
    account_level: bool
    irregular: Irregular | None
    encumbrances: int
    owed_since: str | None
    withdrawn_reason_code: WithdrawalReason | None
    drill: bool


class OwedHoldView(HoldView):
    """A hold about which an answer is owed, and on which request (`views.OwedHoldView`)."""

    request_id: str


class OpenHoldView(HoldView):
    """A hold that has not ended, and a request that it counts for (`views.OpenHoldView`)."""

    request_id: str
    requester: str | None
    incident_title: str | None
    tlp: Tlp | None


def hold_views(rows: Sequence[ShownHold], *, of_all_legs: bool) -> list[HoldView]:
    """Return holds as they stand; who reads all legs reads its marks of the same funds, too."""
    views = [_hold_view(row) for row in rows]
    for row, view in zip(rows if of_all_legs else (), views, strict=False):
        if row.same_funds_as is not None and not row.is_shared:
            view["same_funds_as"] = row.same_funds_as
    return views


def owed_hold_views(rows: Sequence[ShownHold]) -> list[OwedHoldView]:
    """Return holds with the request on which an answer about each is owed."""
    return [{**_hold_view(row), "request_id": row.request_id} for row in rows]


class ForWhom(NamedTuple):
    """Whose request a hold counts for, and what its case is called, as the reader is told."""

    requester: str
    incident_title: str | None
    tlp: Tlp


def open_hold_views(
    rows: Sequence[ShownHold], requests: Mapping[str, ForWhom]
) -> list[OpenHoldView]:
    """Return holds with the request on which each is listed; `requests` are by id."""
    return [_open_hold_view(row, requests.get(row.request_id)) for row in rows]


def _open_hold_view(row: ShownHold, of: ForWhom | None) -> OpenHoldView:
    return {
        **_hold_view(row),
        "request_id": row.request_id,
        "requester": None if of is None else of.requester,
        "incident_title": None if of is None else of.incident_title,
        "tlp": None if of is None else of.tlp,
    }


def _irregular(mark: str | None) -> Irregular | None:
    return None if mark is None else Irregular(mark)


def _gap_minutes(row: ShownHold) -> int | None:
    """Return how long an issuer's freeze was known and not yet in force, in minutes begun."""
    if row.effective_at is None:
        return None
    return -((row.frozen_at - row.effective_at) // _MINUTE)


def _hold_view(row: ShownHold) -> HoldView:
    held = row.frozen - row.released - row.returned - row.seized
    owed_since = row.owed_since if row.obliges else None
    code = row.withdrawn_reason
    is_reviewed = row.reviewed or row.basis == HoldBasis.LEGAL_ORDER
    return {
        "id": row.id,
        "leg_id": row.leg_id,
        "partner": row.partner,
        "address_no": row.address_no,
        "asset": row.asset,
        "frozen": str(row.frozen),
        "held": str(held),
        "released": str(row.released),
        "returned": str(row.returned),
        "seized": str(row.seized),
        "withheld": row.withheld,
        "basis": HoldBasis(row.basis),
        "frozen_at": format_time(row.frozen_at),
        "effective_at": optional_time(row.effective_at),
        "gap_minutes": _gap_minutes(row),
        "hold_expires_at": format_time(row.hold_expires_at),
        "review_at": optional_time(row.hold_expires_at if is_reviewed else row.review_at),
        "shared": row.is_shared,
        "lapsed": row.lapsed,
        "kept": row.kept,
        "account_level": row.account_level,
        # Of a shared hold it tells of the other request: when that one ended.
        "irregular": None if row.is_shared else _irregular(row.irregular),
        "encumbrances": row.encumbrances,
        "owed_since": optional_time(owed_since),
        "withdrawn_reason_code": None if code is None else WithdrawalReason(code),
        "drill": row.drill,
    }


class EvidenceView(TypedDict):
    """An act with what proves it (`views.EvidenceView`)."""

    act: str
    act_id: str
    leg_id: str | None
    kind: EvidenceKind
    partner: str | None
    subject: str | None
    kid: str | None
    jwk: JsonObject | None
    token: str | None
    body: str | None
    remainder: NotRequired[str]
    vouched_by: str
    decision_context: NotRequired[str]
    at: str
    leaf_index: int | None


def evidence_page(connection: Connection, rows: Sequence[ActRow]) -> int:
    """Return how many of the acts `rows` fit into a page; at least one."""
    sizes = document_sizes(connection, [row.id for row in rows], "evidence")
    total = 0
    for number, row in enumerate(rows):
        total += sizes.get(row.id, 0)
        if total > EVIDENCE_PAGE_BYTES and number:
            return number
    return len(rows)


def evidence_views(
    connection: Connection,
    vault: Vault,
    rows: Sequence[ActRow],
    *,
    remainder: bytes | None,
    is_own: bool,
) -> list[EvidenceView]:
    """Return acts with what proves them, byte for byte as received.

    Args:
        connection: To read.
        vault: Opens what is sealed.
        rows: The acts on one request.
        remainder: What stands for the submitted document, where the reader may not read that.
        is_own: Whether the request is the reader's own: what was decided on tells of others.
    """
    packed = load(connection, vault, [row.id for row in rows], "evidence")
    kids = sorted({row.kid for row in rows if row.kid is not None})
    jwks = {}
    if kids:
        which = partner_store.WhichKeys(kids=kids)
        found = partner_store.keys(connection, which, limit=len(kids))
        jwks = {key.kid: key.jwk for key in found}
    views = [_evidence_view(row, packed.get(row.id), jwks.get(row.kid or "")) for row in rows]
    contexts = _decision_contexts(connection, vault, rows) if is_own else {}
    for view in views:
        if view["act_id"] in contexts:
            view["decision_context"] = contexts[view["act_id"]]
    if remainder is not None:
        for view in views:
            if view["act"] == "submit":
                view["body"], view["remainder"] = None, remainder.decode()
    return views


def _decision_contexts(
    connection: Connection, vault: Vault, rows: Sequence[ActRow]
) -> dict[str, str]:
    """Return what is decided on by act: of a submission, and of proposals of more partners."""
    proposing = [row.id for row in rows if row.kind == "add_partners"]
    owners = {row.id: row.request_id for row in rows if row.kind == "submit"}
    owners |= addition_store.of_acts(connection, proposing)
    if not owners:
        return {}
    contexts = load(connection, vault, list(owners.values()), "context")
    return {act: contexts[owner].decode() for act, owner in owners.items() if owner in contexts}


def _evidence_view(row: ActRow, packed: bytes | None, jwk: JsonObject | None) -> EvidenceView:
    token, body = (None, None) if packed is None else unpack_evidence(packed)
    return {
        "act": row.kind,
        "act_id": row.id,
        "leg_id": row.leg_id,
        "kind": EvidenceKind(row.evidence_kind),
        "partner": row.partner,
        "subject": row.subject,
        "kid": row.kid,
        "jwk": jwk,
        "token": token,
        "body": None if body is None else body.decode(),
        "vouched_by": row.partner or COORDINATOR.subject,
        "at": format_time(row.at),
        "leaf_index": row.leaf_index,
    }
