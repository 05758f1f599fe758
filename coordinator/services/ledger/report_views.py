"""Lines of freeze reports, as the answer to a report, its events and later reads show them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NotRequired, TypedDict, cast

from coordinator.domain.ledger_state import BookedLine
from coordinator.storage.ledger.ledger_pages import ShownLine
from coordinator.storage.requests.legs import NewLeg
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol.payloads import FoundLine, FrozenLine, KeptLine, ReportLine, format_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import HoldBasis, Irregular, KeptBasis, LineKind

_SAID_IF_ANY = ("retry", "missing")
#: Of a line that is booked or stored: a look-up costs a fifth of a call of the enum.
_KINDS = {str(kind): kind for kind in LineKind}


class UsdView(TypedDict):
    """What an amount was worth, as its line states it (`payloads.Usd`)."""

    value: str
    at: str
    source: str


class LineOrigin(TypedDict):
    """What all lines of one report share."""

    report_id: str
    leg_id: str
    partner: str
    reported_at: str


class LineWords(TypedDict, total=False):
    """What only the report itself says of a line."""

    frozen_at: str
    hold_expires_at: str
    review_at: str
    proposed_tx: str
    proposed_at: str
    effective_tx: str
    effective_at: str
    basis: HoldBasis | KeptBasis
    reason: str
    tx: str
    next: JsonObject
    corrects: str
    address_nos: Literal["rest"] | list[int]
    detail: str
    retry: bool
    missing: list[str]
    agency: str
    order: str
    return_request: str
    usd: UsdView
    left_at: str


_WORDS = tuple(LineWords.__annotations__)


class LineView(LineWords):
    """A line of the freeze ledger (`views.LineView`).

    `report_id` and `source_request` are told to those who may read the report.
    """

    id: str
    report_id: NotRequired[str]
    shared: NotRequired[bool]
    source_request: NotRequired[str]
    leg_id: str
    partner: str
    kind: LineKind
    address_no: NotRequired[int]
    asset: NotRequired[str | None]
    amount: NotRequired[str | None]
    withheld: bool
    hold: NotRequired[str]
    reported_at: str
    irregular: NotRequired[Irregular]
    address_count: NotRequired[int]
    code: NotRequired[str | None]


def booked_views(
    lines: Sequence[BookedLine],
    sent: Sequence[ReportLine],
    *,
    report_id: str,
    leg: LegRow | NewLeg,
    reported_at: datetime,
) -> list[LineView]:
    """Return lines as they are booked, with what only the report itself says.

    Args:
        lines: Some of a booking's.
        sent: All lines of the report, in its order.
        report_id: The act that they came with.
        leg: The reporting leg.
        reported_at: When it was booked.
    """
    common: LineOrigin = {
        "report_id": report_id,
        "leg_id": leg.id,
        "partner": leg.partner,
        "reported_at": format_time(reported_at),
    }
    return [line_view(common, line, line_words(sent[line.no])) for line in lines]


def line_view(common: LineOrigin, line: BookedLine | ShownLine, words: LineWords) -> LineView:
    """Return one line, without the members that it does not state.

    Args:
        common: What all lines of its report share.
        line: As it is booked, or stored.
        words: Of `line_words`; none where the report was erased.
    """
    view: LineView = {
        "report_id": common["report_id"],
        "leg_id": common["leg_id"],
        "partner": common["partner"],
        "reported_at": common["reported_at"],
        "id": line.id,
        "kind": _KINDS[line.kind],
        "withheld": line.withheld,
    }
    # Its members are some of the view's, which mypy does not take from a narrower TypedDict.
    view |= cast("LineView", words)
    if line.address_no is not None:
        view["address_no"] = line.address_no
        view["asset"] = line.asset
    if line.amount is not None:
        view["amount"] = str(line.amount)
    elif line.withheld:
        view["amount"] = None  # a withheld amount is said to be null
    _name(view, line)
    if line.kind == LineKind.NOTHING:
        view["code"] = line.code
    elif line.kind in {LineKind.RELEASED, LineKind.RETURNED} and line.code is not None:
        view["reason"] = line.code
    return view


def _name(view: LineView, line: BookedLine | ShownLine) -> None:
    """Say what a line is about, and what is irregular about it."""
    if line.hold_id is not None:
        view["hold"] = line.hold_id
    if line.corrects is not None:
        view["corrects"] = line.corrects
    if line.irregular is not None:
        view["irregular"] = Irregular(line.irregular)


def line_words(sent: ReportLine) -> LineWords:
    """Return what a line states besides amounts: times, basis, tx, next, texts."""
    by_issuer = isinstance(sent, FrozenLine) and sent.is_by_issuer
    if isinstance(sent, FoundLine | FrozenLine) and sent.usd is None and not by_issuer:
        # Those that come by the thousand; a whole dump costs five times as much.
        if isinstance(sent, FoundLine):
            return {}
        words: LineWords = {"basis": sent.basis}
        if sent.frozen_at is not None:
            words["frozen_at"] = format_time(sent.frozen_at)
        if sent.hold_expires_at is not None:
            words["hold_expires_at"] = format_time(sent.hold_expires_at)
        return words
    dumped = sent.model_dump(mode="json", exclude_none=True)
    said = {name: dumped[name] for name in _WORDS if name in dumped}
    if isinstance(sent, FrozenLine | KeptLine):
        said["basis"] = sent.basis
    shown = {name: word for name, word in said.items() if word or name not in _SAID_IF_ANY}
    return cast("LineWords", shown)
