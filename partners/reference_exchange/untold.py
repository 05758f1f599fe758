"""Reporting without amounts, where we have no verified gateway in common with whoever asks."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from holdfast import Client, ConflictError, Document
from holdfast.protocol.payloads import (
    FoundLine,
    FrozenLine,
    ReleasedLine,
    ReportLine,
    ReturnedLine,
)
from holdfast.protocol.views import FreezeReportView, FreezeRequestView
from holdfast.protocol.vocabulary import HoldBasis, LineKind
from reference_exchange.deposit_book import Freeze

#: Hours for which we hold where the requester names none.
DEFAULT_HOURS = 72
#: How the coordinator refuses an amount that may not be told.
_REFUSED = "no_shared_gateway"


def report_tellable(
    client: Client,
    document: Document | FreezeRequestView,
    lines: Sequence[ReportLine],
    key: str,
    *,
    freeze_of: Callable[[str], Freeze],
) -> FreezeReportView:
    """Report lines; where their amounts may not be told, the same without them.

    The refusal is stored under its idempotency key, so what is said in its place has another.

    Args:
        client: Of the desk.
        document: The request.
        lines: With amounts.
        key: The idempotency key.
        freeze_of: Returns the freeze behind a hold of ours.

    Raises:
        ApiError: The coordinator refused for another reason; likewise TransportError.
    """
    try:
        return client.report(document, list(lines), idempotency_key=key)
    except ConflictError as error:
        if _REFUSED not in {fault.code for fault in error.errors}:
            raise
    untold = list(_untold(lines, freeze_of))
    return client.report(document, untold, idempotency_key=f"{key}.untold")


def _untold(
    lines: Sequence[ReportLine], freeze_of: Callable[[str], Freeze]
) -> Iterator[ReportLine]:
    found: set[tuple[int, str]] = set()
    for line in lines:
        if isinstance(line, FoundLine):
            # A second null of the same asset at the same address tells nothing more.
            if (line.address_no, line.asset) in found:
                continue
            found.add((line.address_no, line.asset))
        if isinstance(line, FrozenLine) and line.hold is not None:
            yield _own_freeze(line.address_no, freeze_of(line.hold))
        elif isinstance(line, FoundLine | FrozenLine | ReleasedLine | ReturnedLine):
            yield line.model_copy(update={"amount": None})
        else:
            yield line


def _own_freeze(address_no: int, freeze: Freeze) -> FrozenLine:
    """Return the line for funds that another request's hold has, whose amount was told there."""
    return FrozenLine(
        kind=LineKind.FROZEN,
        address_no=address_no,
        asset=freeze.asset,
        amount=None,
        frozen_at=freeze.frozen_at,
        hold_expires_at=freeze.frozen_at + timedelta(hours=DEFAULT_HOURS),
        basis=HoldBasis.VOLUNTARY,
    )
