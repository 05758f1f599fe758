"""Returned lines that keep a promise: they name its return request, and no more than was accepted.

The ledger refuses no truth: what goes beyond a promise is reported without naming it.
"""

from collections.abc import Mapping, Sequence

from coordinator.domain.errors import FieldFault, LedgerBreachError
from coordinator.domain.ledger_state import BookedLine, Booking
from coordinator.domain.return_request import PROMISED, ReturnAction, next_status
from coordinator.services.core.acts import LegContext
from coordinator.storage.restoring import return_requests as store
from coordinator.storage.tables.restoring import ReturnRequestRow
from holdfast.protocol.payloads import CorrectionLine, FreezeReport, ReturnedLine
from holdfast.protocol.vocabulary import LineKind, ReturnStatus


def sent_for(body: FreezeReport) -> Mapping[int, str]:
    """Return which lines of a report name a return request, by place."""
    return {
        no: line.return_request
        for no, line in enumerate(body.lines)
        if isinstance(line, ReturnedLine) and line.return_request is not None
    }


def store_sent(on: LegContext, body: FreezeReport, booking: Booking) -> None:
    """Store what a booked report sends for return requests; call it after storing the report.

    It costs nothing where no line names one and none is corrected.

    Raises:
        LedgerBreachError: If a line names one that takes no lines, or more than was accepted.
    """
    named = sent_for(body)
    corrected = [each.corrects for each in body.lines if isinstance(each, CorrectionLine)]
    connection = on.uow.connection
    before = store.named_by(connection, corrected) if corrected else {}
    if not named and not before:
        return
    rows = {
        return_id: store.get(connection, return_id, request_id=on.request.id)
        for return_id in {*named.values(), *before.values()}
    }
    _require_taking(on, named, rows)
    lines = [line for line in booking.lines if line.no in named and line.kind is LineKind.RETURNED]
    store.store_lines(connection, [(line.id, named[line.no], line.hold_id or "") for line in lines])
    _require_within(on, booking.lines, named, before)
    for row in rows.values():
        if row is not None:
            store.note_sent(connection, row.id, on.uow.now)


def _require_taking(
    on: LegContext, named: Mapping[int, str], rows: Mapping[str, ReturnRequestRow | None]
) -> None:
    faults = []
    for no, return_id in named.items():
        row = rows[return_id]
        pointer = f"/lines/{no}/return_request"
        if row is None or row.leg_id != on.leg.id or row.opened_at is None:
            detail = "is no return request to you on this request"
            faults.append(FieldFault(pointer, detail, "no_such_return"))
        elif ReturnStatus(row.status) not in PROMISED:
            detail = (
                f"is {row.status}, so that nothing is sent for it: report what was returned without"
                " naming it"
            )
            faults.append(FieldFault(pointer, detail, "return_not_accepted"))
        else:
            next_status(ReturnStatus(row.status), ReturnAction.SEND)
    _refuse(on, faults)


def _require_within(
    on: LegContext,
    lines: Sequence[BookedLine],
    named: Mapping[int, str],
    before: Mapping[str, str],
) -> None:
    """Refuse what comes to more than was accepted, hold by hold, corrections and all."""
    touched: dict[str, int] = {}
    for line in lines:
        return_id = named.get(line.no) or before.get(line.corrects or "")
        if return_id is not None:
            touched[return_id] = line.no
    faults = []
    for return_id, parts in store.parts(on.uow.connection, touched).items():
        accepted = {part.hold_id: part.accepted for part in parts}
        for hold_id, amount in store.sent_by_hold(on.uow.connection, return_id).items():
            most = accepted.get(hold_id, 0)
            if hold_id not in accepted or (most is not None and amount > most):
                told = 0 if most is None else most
                detail = (
                    f"comes to {amount} of {hold_id} for {return_id}, and {told} was accepted:"
                    " report what goes beyond it without naming it"
                )
                pointer = f"/lines/{touched[return_id]}/amount"
                faults.append(FieldFault(pointer, detail, "beyond_accepted"))
    _refuse(on, faults)


def _refuse(on: LegContext, faults: Sequence[FieldFault]) -> None:
    if faults:
        raise LedgerBreachError(
            f"nothing of the report was booked: {faults[0].detail}",
            errors=faults,
            current_status=on.request.status,
        )
