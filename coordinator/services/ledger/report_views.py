"""The lines of freeze reports, as a report's own answer, its events and later reads show them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from coordinator.domain.ledger_state import BookedLine
from coordinator.storage.ledger.ledger_pages import ShownLine
from coordinator.storage.requests.legs import NewLeg
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol.payloads import FoundLine, FrozenLine, ReportLine, format_time
from holdfast.protocol.vocabulary import LineKind

#: What only the report itself says of a line.
_WORDS = (
    *("frozen_at", "hold_expires_at", "basis", "tx", "next", "detail", "agency", "order", "usd"),
    *("address_nos", "retry", "missing", "corrects", "reason", "left_at"),
)
_SAID_IF_ANY = ("retry", "missing")


def booked_views(
    lines: Sequence[BookedLine],
    sent: Sequence[ReportLine],
    *,
    report_id: str,
    leg: LegRow | NewLeg,
    reported_at: datetime,
) -> list[dict[str, Any]]:
    """Return lines as they are booked (`views.LineView`), with what only the report itself says.

    Args:
        lines: Some of a booking's.
        sent: All lines of the report, in its order.
        report_id: The act that they came with.
        leg: The reporting leg.
        reported_at: When it was booked.
    """
    common = {
        "report_id": report_id,
        "leg_id": leg.id,
        "partner": leg.partner,
        "reported_at": format_time(reported_at),
    }
    return [line_view(common, line, line_words(sent[line.no])) for line in lines]


def line_view(
    common: Mapping[str, Any], line: BookedLine | ShownLine, words: Mapping[str, Any]
) -> dict[str, Any]:
    """Return one line (`views.LineView`); what it does not say is left out.

    Args:
        common: What all lines of its report share.
        line: As it is booked, or stored.
        words: Of `line_words`; none where the report was erased.
    """
    view: dict[str, Any] = {
        **common,
        "id": line.id,
        "kind": str(line.kind),
        "withheld": line.withheld,
        **words,
    }
    if line.address_no is not None:
        view["address_no"] = line.address_no
        view["asset"] = line.asset
    if line.amount is not None:
        view["amount"] = str(line.amount)
    elif line.withheld:
        view["amount"] = None  # a withheld amount is said to be null
    named = {"hold": line.hold_id, "corrects": line.corrects, "irregular": line.irregular}
    view |= {name: str(value) for name, value in named.items() if value is not None}
    if line.kind == LineKind.NOTHING:
        view["code"] = line.code
    elif line.kind == LineKind.RELEASED and line.code is not None:
        view["reason"] = line.code
    return view


def line_words(sent: ReportLine) -> dict[str, Any]:
    """Return what a line says beside its numbers: times, basis, tx, next, texts."""
    if isinstance(sent, FoundLine | FrozenLine) and sent.usd is None:
        # Those that come by the thousand; a whole dump costs five times as much.
        if isinstance(sent, FoundLine):
            return {}
        words = {"basis": sent.basis.value}
        if sent.frozen_at is not None:
            words["frozen_at"] = format_time(sent.frozen_at)
        if sent.hold_expires_at is not None:
            words["hold_expires_at"] = format_time(sent.hold_expires_at)
        return words
    dumped = sent.model_dump(mode="json", exclude_none=True)
    said = {name: dumped[name] for name in _WORDS if name in dumped}
    return {name: word for name, word in said.items() if word or name not in _SAID_IF_ANY}
