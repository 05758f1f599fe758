"""Which partners may be added to a live request; every fault is named with its place."""

from collections.abc import Mapping, Sequence

from coordinator.domain.errors import ConflictError, FieldFault, InvalidInputError
from coordinator.services.core.acts import RequestContext
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.storage.engine.documents import load, load_one
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.membership.partners import PartnerStatusNow
from coordinator.storage.requests import additions as store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from holdfast.protocol.decision_context import DecisionContext
from holdfast.protocol.vocabulary import ASKABLE_KINDS, PartnerKind, PartnerStatus

_NEVER_JOINED = frozenset({PartnerStatus.INVITED, PartnerStatus.PENDING})


def require_addable(on: RequestContext, handles: Sequence[str]) -> None:
    """Refuse partners that cannot be asked, are asked already, or wait to be.

    Raises:
        InvalidInputError: With a pointer to each of them.
    """
    uow, request = on.uow, on.request
    asked = _asked(uow, request.id)
    proposed = _proposed(uow, request.id)
    known = partner_store.statuses(uow.connection, handles)
    faults = []
    for number, handle in enumerate(handles):
        fault = (
            _taken(handle, asked, proposed)
            or why_not_askable(handle, known.get(handle), asker=request.requester)
            or _holding_back(known[handle], request)
        )
        if fault is not None:
            faults.append(FieldFault(f"/to/{number}", *fault))
    if faults:
        raise InvalidInputError(
            f"{len(faults)} of these partners cannot be added; nothing was stored",
            code="invalid_partners",
            errors=faults,
        )


def require_still_addable(
    uow: UnitOfWork, request: FreezeRequestRow, handles: Sequence[str]
) -> None:
    """Refuse an approval where a partner cannot be asked any more.

    Raises:
        ConflictError: Naming the first of them.
    """
    known = partner_store.statuses(uow.connection, handles)
    for handle in handles:
        fault = why_not_askable(
            handle, known.get(handle), asker=request.requester
        ) or _holding_back(known[handle], request)
        if fault is not None:
            raise ConflictError(
                f"{handle} {fault[0]}; reject this addition and propose the others",
                code=fault[1],
                current_status=request.status,
            )


def _asked(uow: UnitOfWork, request_id: str) -> frozenset[str]:
    """Return who has a leg, and who will have one once a provisional request is ratified."""
    content = load_one(uow.connection, uow.vault, request_id, "context")
    named = () if content is None else DecisionContext.read(content).to
    return frozenset(leg_store.partners_of(uow.connection, request_id)) | frozenset(named)


def _proposed(uow: UnitOfWork, request_id: str) -> Mapping[str, str]:
    """Return the addition that each partner is waiting in."""
    since = uow.now - uow.policies.approve_within
    pending = store.pending_since(uow.connection, request_id, since)
    contexts = load(uow.connection, uow.vault, pending, "context")
    return {
        handle: addition_id
        for addition_id, content in contexts.items()
        for handle in DecisionContext.read(content).to
    }


def _taken(
    handle: str, asked: frozenset[str], proposed: Mapping[str, str]
) -> tuple[str, str] | None:
    if handle in asked:
        return "is asked already", "already_asked"
    if handle in proposed:
        return f"waits for approval in {proposed[handle]}", "already_proposed"
    return None


def why_not_askable(
    handle: str, row: PartnerStatusNow | None, *, asker: str
) -> tuple[str, str] | None:
    """Return (detail, code) of why `asker` cannot ask a partner, or None."""
    if handle == asker:
        return "is you; name other partners", "oneself"
    if row is None or PartnerStatus(row.status) in _NEVER_JOINED:
        return "is no partner of this network", "unknown_partner"
    if row.status != PartnerStatus.ACTIVE:
        return "is suspended at present", "suspended_partner"
    if PartnerKind(row.kind) not in ASKABLE_KINDS:
        return f"is of kind {row.kind}, which cannot freeze", "not_askable"
    return None


def _holding_back(row: PartnerStatusNow, request: FreezeRequestRow) -> tuple[str, str] | None:
    if request.provisional and row.provisional == "hold_back":
        return "takes no request before it is ratified; ratify it first", "held_back"
    return None
