"""The ledger's lines as shown, each compared with its place in the signed report."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.payloads import FreezeReport, FrozenLine, NothingLine, ReportLine
from holdfast.protocol.views import LineView
from holdfast.protocol.vocabulary import LineKind

_WITH_AMOUNT = frozenset(LineKind) - {LineKind.KEPT, LineKind.NOTHING}
#: What a line shows word for word as its report says it.
_WORDS = (
    *("basis", "tx", "next", "detail", "agency", "order", "address_nos", "usd", "retry", "missing"),
    *("frozen_at", "hold_expires_at", "amount", "corrects", "reason", "code", "left_at"),
    *("review_at", "proposed_tx", "proposed_at", "effective_tx", "effective_at"),
)
#: Not every line says these itself: a hold has them, or the line that is corrected.
_DERIVED = ("hold", "address_no")
_HEX64 = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
#: What is wrong, by partner.
Faults = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class SignedReport:
    """A freeze report that is proven.

    Attributes:
        id: Of its act.
        at: When it came, as its evidence shows.
        document: Its exact body, parsed.
    """

    id: str
    partner: str
    at: datetime
    payload: FreezeReport
    document: Mapping[str, Any]

    def line(self, number: int) -> ReportLine:
        """Return one of its lines."""
        return self.payload.lines[number]


def match_lines(
    reports: Iterable[SignedReport], lines: Sequence[LineView]
) -> tuple[dict[str, ReportLine], Faults]:
    """Return what was signed for each line shown, by the line's id, and what does not fit.

    Ids of lines sort as the lines of their report do. Lines that were written on another request
    (`shared`) are not looked at.
    """
    shown: dict[str, list[LineView]] = defaultdict(list)
    faults: Faults = defaultdict(list)
    last = ""
    for line in lines:
        if line.id <= last:
            faults[line.partner].append(f"{line.id} is shown out of order")
        last = max(line.id, last)
        if not line.shared:
            shown[line.report_id or ""].append(line)
    said: dict[str, ReportLine] = {}
    for report in reports:
        views = sorted(shown.pop(report.id, ()), key=lambda view: view.id)
        faults[report.partner] += _faults_of(report, views)
        said |= {view.id: line for view, line in zip(views, report.payload.lines, strict=False)}
    for report_id, views in shown.items():
        for view in views:
            why = f"{view.id} is in no signed report (said to be {report_id or 'none'})"
            faults[view.partner].append(why)
    return said, faults


def _faults_of(report: SignedReport, views: Sequence[LineView]) -> Iterator[str]:
    """Yield every difference between the lines shown of a report and the signed ones."""
    signed = len(report.payload.lines)
    if len(views) != signed:
        yield f"the report {report.id} has {signed} lines, and {len(views)} are shown"
    last_opened = ""
    for number, view in enumerate(views[:signed]):
        wrong = _unlike(view, report, number)
        line = report.line(number)
        if isinstance(line, FrozenLine) and line.hold is None:
            if (view.hold or "") <= last_opened:  # they are given in the order of the lines
                wrong.append("hold")
            last_opened = view.hold or ""
        if wrong:
            members = ", ".join(wrong)
            yield f"{view.id} is not what was signed as line {number} of {report.id}: {members}"


def _unlike(view: LineView, report: SignedReport, number: int) -> list[str]:
    """Return the members of a shown line that are not as its report says them."""
    line = report.line(number)
    document: Mapping[str, Any] = report.document["lines"][number]
    told = {n: document[n] for n in (*_WORDS, *_DERIVED) if document.get(n) is not None}
    if isinstance(line, NothingLine):
        told["code"] = line.code.value
    if isinstance(line, FrozenLine):
        told["basis"] = line.basis.value  # also where it was left to the default
    kind = LineKind(line.kind)
    withheld = kind in _WITH_AMOUNT and document.get("amount") is None
    if isinstance(line, FrozenLine) and line.hold is not None and withheld:
        withheld = view.withheld  # of one's own hold withheld, of a shared one never stated
    own = {"id": view.id, "leg_id": view.leg_id, "partner": report.partner}
    expected = LineView.model_validate(
        {**told, **own, "kind": kind, "withheld": withheld, "reported_at": report.at}
    )
    names = ["partner", "reported_at", "kind", "withheld", *_WORDS]
    names += [name for name in _DERIVED if name in told]
    wrong = [name for name in names if getattr(view, name) != getattr(expected, name)]
    asset = document.get("asset")
    if isinstance(asset, str) and asset_key(asset) != asset_key(view.asset or ""):
        wrong.append("asset")
    return wrong


def asset_key(asset: str) -> tuple[str, str]:
    """Return a key that is equal for all accepted spellings of one CAIP-19 asset."""
    chain, _, rest = asset.partition("/")
    namespace, _, reference = rest.partition(":")
    if _HEX64.fullmatch(reference):
        reference = reference.upper()
    return comparison_key(f"{chain}:{reference}"), namespace
