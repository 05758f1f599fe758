"""How encumbrances and legal orders go on or end: reviewed by their date, lifted by two.

Both go alike. Only whoever attached one reviews or lifts it, and lifting takes another person than
the one who attached it, and a document. A date that passes tells both sides, and lets nothing go.
"""

from dataclasses import dataclass
from datetime import datetime

from coordinator.domain.actor import Actor
from coordinator.domain.encumbrance import EncumbranceAct, next_status
from coordinator.domain.errors import (
    NotFoundError,
    PermissionDeniedError,
    SelfApprovalError,
    StaleDocumentError,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.acts import LegContext, NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.ending.ended_legs import all_legs
from coordinator.services.ending.legal_orders import LegalOrderView, legal_order_views
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.freeze_request_views import evidence_bodies
from coordinator.services.restoring.encumbering import EncumbranceView, encumbrance_views
from coordinator.services.restoring.returns_in_the_way import review_contested
from coordinator.services.restoring.targets import concerns, own_context, require_ahead
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.restoring import encumbrances as store
from coordinator.storage.restoring.encumbrances import Restraint
from coordinator.storage.tables.encumbrances import EncumbranceRow
from coordinator.storage.tables.life_cycle import LegalOrderRow
from holdfast.protocol.life_cycle_payloads import EncumbranceReview, Lifting
from holdfast.protocol.payloads import format_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import EncumbranceStatus, EventType

_A = EncumbranceAct


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftEncumbrance:
    """A second person of whoever attached a claim takes it away."""

    request_id: str
    restraint_id: str
    body: Lifting


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftLegalOrder:
    """The same of a legal order."""

    request_id: str
    restraint_id: str
    body: Lifting


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewEncumbrance:
    """Whoever attached a claim looked again: it stands, until another look."""

    request_id: str
    restraint_id: str
    body: EncumbranceReview


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewLegalOrder:
    """The same of a legal order."""

    request_id: str
    restraint_id: str
    body: EncumbranceReview


@dataclass(frozen=True, slots=True, kw_only=True)
class MissReview:
    """The date by which somebody was to look again is past; `restraint_id`: `enc_…` or `ord_…`."""

    restraint_id: str


_Command = LiftEncumbrance | LiftLegalOrder | ReviewEncumbrance | ReviewLegalOrder


@dataclass(frozen=True, slots=True)
class _Of:
    """How acts on one of the two are stored and told."""

    table: type[EncumbranceRow] | type[LegalOrderRow]
    member: str
    what: str
    lifting: str
    review: str
    lifted: EventType
    reviewed: EventType
    due: EventType

    def view(self, uow: UnitOfWork, row: Restraint) -> EncumbranceView | LegalOrderView:
        """Return it as it is shown."""
        if isinstance(row, EncumbranceRow):
            return encumbrance_views(uow.connection, uow.vault, [row])[0]
        return legal_order_views(uow.connection, uow.vault, [row])[0]


_ENCUMBRANCE = _Of(
    table=EncumbranceRow,
    member="encumbrance",
    what="encumbrance",
    lifting="lift_encumbrance",
    review="review_encumbrance",
    lifted=EventType.HOLD_ENCUMBRANCE_LIFTED,
    reviewed=EventType.HOLD_ENCUMBRANCE_REVIEWED,
    due=EventType.HOLD_ENCUMBRANCE_REVIEW_DUE,
)
_ORDER = _Of(
    table=LegalOrderRow,
    member="legal_order",
    what="order",
    lifting="lift_legal_order",
    review="review_legal_order",
    lifted=EventType.LEG_LEGAL_ORDER_LIFTED,
    reviewed=EventType.LEG_LEGAL_ORDER_REVIEWED,
    due=EventType.LEG_LEGAL_ORDER_REVIEW_DUE,
)


@handles(LiftEncumbrance, needs=Permission.ENCUMBRANCE_LIFT)
def lift_encumbrance(command: LiftEncumbrance, actor: Actor, uow: UnitOfWork) -> Answer:
    """Take a claim away: from now on it blocks nothing."""
    on, row = _found(uow, actor, command, _ENCUMBRANCE)
    return _lift(on, row, command.body, _ENCUMBRANCE)


@handles(LiftLegalOrder, needs=Permission.ENCUMBRANCE_LIFT)
def lift_legal_order(command: LiftLegalOrder, actor: Actor, uow: UnitOfWork) -> Answer:
    """Take an order away: from now on it blocks nothing, and changes no hold by itself."""
    on, row = _found(uow, actor, command, _ORDER)
    return _lift(on, row, command.body, _ORDER)


@handles(ReviewEncumbrance, needs=Permission.ENCUMBRANCE_ATTACH)
def review_encumbrance(command: ReviewEncumbrance, actor: Actor, uow: UnitOfWork) -> Answer:
    """Have a claim go on, with another date."""
    on, row = _found(uow, actor, command, _ENCUMBRANCE)
    return _review(on, row, command.body, _ENCUMBRANCE)


@handles(ReviewLegalOrder, needs=Permission.LEGAL_ORDER_ATTACH)
def review_legal_order(command: ReviewLegalOrder, actor: Actor, uow: UnitOfWork) -> Answer:
    """Have an order go on, with another end of its freeze period."""
    on, row = _found(uow, actor, command, _ORDER)
    return _review(on, row, command.body, _ORDER)


def _lift(on: RequestContext | LegContext, row: Restraint, body: Lifting, of: _Of) -> Answer:
    uow = on.uow
    after = next_status(EncumbranceStatus(row.status), _A.LIFT)
    _require_second_person(on, row)
    if of.view(uow, row)["act_sha256"] != body.act_sha256:
        raise StaleDocumentError(
            f"act_sha256 is not of the act that attached {row.id}: read it, and sign again",
            current_status=row.status,
        )
    act_id = on.store_act(NewAct(of.lifting))
    values = {"status": after.value, "lifted_at": uow.now, "lift_act_id": act_id}
    store.change(uow.connection, row, **values)
    told = {
        **_names(uow, row, of),
        "document_sha256": body.document_sha256,
        "evidence": proofs_of(on.on_request(), [row.act_id, act_id]),
    }
    recorded = _tell(on, of.lifted, told, act_id)
    legs = all_legs(uow, on.request.id) if isinstance(on, RequestContext) else [on.leg]
    for leg in legs:
        review_contested(on.on_request().on_leg(leg), told["hold"])
    shown = store.get(uow.connection, of.table, row.id) or row
    # The evidence of this very act is stored in the tail only.
    answer = {**of.view(uow, shown), "lift_document_sha256": body.document_sha256}
    return Answer(201, answer, entry=recorded)


def _require_second_person(on: RequestContext | LegContext, row: Restraint) -> None:
    [act] = request_store.acts_by_id(on.uow.connection, [row.act_id])
    if act.person in {on.actor.person, on.actor.key_proposer}:
        raise SelfApprovalError(
            "whoever attached it, owns the system that did, or proposed your key cannot lift it"
            " alone: a second person must"
        )


def _review(
    on: RequestContext | LegContext, row: Restraint, body: EncumbranceReview, of: _Of
) -> Answer:
    uow = on.uow
    after = next_status(EncumbranceStatus(row.status), _A.REVIEW)
    require_ahead(body.review_at, uow.now, "/review_at")
    act_id = on.store_act(NewAct(of.review))
    store.change(uow.connection, row, status=after.value, review_at=body.review_at)
    told = {**_names(uow, row, of), "review_at": format_time(body.review_at)}
    recorded = _tell(on, of.reviewed, told, act_id)
    shown = store.get(uow.connection, of.table, row.id) or row
    return Answer(201, of.view(uow, shown), entry=recorded)


@handles(MissReview, needs=Permission.TIMER_FIRE)
def miss_review(command: MissReview, actor: Actor, uow: UnitOfWork) -> Answer:
    """Tell both sides that a date is past; do nothing if somebody looked, or lifted it."""
    of = _ENCUMBRANCE if command.restraint_id.startswith("enc_") else _ORDER
    found = store.get(uow.connection, of.table, command.restraint_id)
    request = None
    if found is not None:
        request = request_store.get(uow.connection, found.request_id, lock=True)
    # Read again under the request's lock: somebody may have been quicker.
    row = store.get(uow.connection, of.table, command.restraint_id)
    if row is None or request is None or not _is_due(row, uow.now):
        return Answer(200, {"status": "unchanged"})
    leg = None if row.leg_id is None else leg_store.get(uow.connection, row.leg_id)
    on_request = RequestContext(uow, actor, request)
    on = on_request if leg is None else on_request.on_leg(leg)
    after = next_status(EncumbranceStatus(row.status), _A.MISS_REVIEW)
    store.change(uow.connection, row, status=after.value)
    told = {**_names(uow, row, of), "review_at": format_time(row.review_at or uow.now)}
    return Answer(200, {"status": after.value}, entry=_tell(on, of.due, told, None))


def _is_due(row: Restraint, now: datetime) -> bool:
    is_standing = row.status == EncumbranceStatus.STANDING.value
    return is_standing and row.review_at is not None and row.review_at <= now


def _found(
    uow: UnitOfWork, actor: Actor, command: _Command, of: _Of
) -> tuple[RequestContext | LegContext, Restraint]:
    """Lock the request, then read what is about it; only whoever attached it goes on.

    Raises:
        NotFoundError: If there is no such thing, or none that the actor may see.
        PermissionDeniedError: If somebody else attached it.
    """
    on = own_context(uow, actor, command.request_id, command.body)
    row = store.get(uow.connection, of.table, command.restraint_id)
    if row is None or not concerns(on, row):
        detail = f"there is no such {of.what} on this request"
        raise NotFoundError(detail, code=f"no_such_{of.what}")
    if row.partner != actor.partner:
        raise PermissionDeniedError(
            f"{row.partner} attached it: only they review and lift it; ask them to"
        )
    leg = None if row.leg_id is None else leg_store.get(uow.connection, row.leg_id)
    return (on.on_request() if leg is None else on.on_request().on_leg(leg)), row


def _names(uow: UnitOfWork, row: Restraint, of: _Of) -> JsonObject:
    if isinstance(row, EncumbranceRow):
        return {of.member: row.id, "hold": row.target_id}
    said = evidence_bodies(uow.connection, uow.vault, [row.act_id]).get(row.act_id, {})
    return {of.member: row.id, "hold": said.get("hold")}


def _tell(
    on: RequestContext | LegContext,
    event: EventType,
    told: JsonObject,
    act_id: str | None,
) -> Recorded:
    """Tell both sides; of what is about all legs, every partner asked."""
    recorded = on.record(event, told, act_id=act_id)
    if isinstance(on, RequestContext):
        by = {"by": on.actor.subject} | ({} if act_id is None else {"act_id": act_id})
        for leg in all_legs(on.uow, on.request.id):
            on.tell_partner(leg, event, {**by, **told, "status": leg.status})
    return recorded
