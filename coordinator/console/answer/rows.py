"""What the page shows of addresses, holds and lines, in words; the template only places it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coordinator.console.answer.asked import usd_cents
from coordinator.console.answer.case import AnswerCase
from coordinator.console.answer.filled import Filled
from coordinator.console.answer.report import filled_numbers
from coordinator.console.answer.wording import BASES, KINDS, RELEASES
from coordinator.console.contested import is_open
from coordinator.console.words import AmountWords, amount, counted, moment, usd_of
from coordinator.services.reading.code_words import CHOSEN, WITHDRAWN_BECAUSE
from holdfast.protocol.vocabulary import (
    DeclineCode,
    HoldBasis,
    LineKind,
    ReleaseReason,
)

#: Rows of the report form that a page has, and those filled in elsewhere that it repeats.
ROWS, REPEATED = 25, 50


@dataclass(frozen=True, slots=True)
class AddressRow:
    """A flagged address with its fields."""

    no: int
    account: str
    tag: str
    stated: AmountWords | None
    usd: str
    is_whole: bool
    note: str
    withdrawn: str | None
    unit: str
    reported: str
    reported_at: datetime | None


@dataclass(frozen=True, slots=True)
class RowsPage:
    """The rows of the report form.

    Attributes:
        rows: Those filled in first, then those of this page: without an answer before the others.
        first, last, count: Which of the addresses that were looked for this page shows.
        hidden: Filled in elsewhere, and too many to repeat: they are sent all the same.
        looked_for: What was searched for.
    """

    rows: Sequence[AddressRow]
    first: int
    last: int
    count: int
    hidden: Sequence[int]
    looked_for: str

    @property
    def said(self) -> str:
        """Return "1 to 25 of 20 000"."""
        if not self.count:
            return "None has that."
        return f"{self.first + 1} to {self.last} of {counted(self.count, 'address')}"


def rows_page(case: AnswerCase, filled: Filled, looked_for: str, first: int) -> RowsPage:
    """Return the rows to show: whatever was typed, and a page of what is looked for."""
    typed = filled_numbers(filled.form) if filled.key == "report" else []
    found = sorted(case.asked.matching(looked_for), key=lambda no: no in case.answers)
    first = first if 0 <= first < len(found) else 0
    here = found[first : first + ROWS]
    elsewhere = [no for no in typed if no not in set(here)]
    shown = [*elsewhere[:REPEATED], *here]
    rows = [row for no in shown if (row := _row(case, no)) is not None]
    return RowsPage(rows, first, first + len(here), len(found), elsewhere[REPEATED:], looked_for)


def _row(case: AnswerCase, number: int) -> AddressRow | None:
    address = case.asked.at(number)
    if address is None:
        return None
    asset, stated = address.get("asset"), address.get("amount")
    unit, worth = case.visit.assets.unit(asset), usd_cents(address)
    return AddressRow(
        no=number,
        account=address["account"],
        tag=address.get("tag") or "",
        stated=amount(stated, asset, case.visit.assets) if asset and stated else None,
        usd="" if worth is None else usd_of(worth),
        is_whole=bool(address.get("whole_account")),
        note=address.get("note") or "",
        withdrawn=case.said.withdrawn(number),
        unit=unit.symbol if unit else "",
        reported=reported_words(case, number),
        reported_at=_reported_at(case, number),
    )


def reported_words(case: AnswerCase, number: int) -> str:
    """Return what one's desk answered for an address: "412.5 ETH frozen"; "" where nothing."""
    answer = case.answers.get(number)
    if answer is None:
        return ""
    code = answer.get("code")
    said = [f"nothing: {CHOSEN[DeclineCode(code)].lower()}"] if code is not None else []
    for asset, sums in answer["assets"].items():
        if sums["withheld"]:
            said.append("an amount that you withhold")
        kinds = [kind for kind in _REPORTED if sums[kind] != "0"]
        if "frozen" in kinds and sums["found"] == sums["frozen"]:
            kinds.remove("found")
        said += [f"{amount(sums[kind], asset, case.visit.assets)} {kind}" for kind in kinds]
    return ", ".join(said)


_REPORTED = ("found", "frozen", "released", "returned", "seized")


def _reported_at(case: AnswerCase, number: int) -> datetime | None:
    """Return when an address was last reported, as far as the lines on the page tell it."""
    times = [
        each["reported_at"]
        for each in case.lines["items"]
        if each.get("address_no") == number or number in _named(each)
    ]
    return moment(max(times)) if times and not case.wanted.lines else None


def _named(line: Mapping[str, Any]) -> Sequence[int]:
    numbers = line.get("address_nos")
    return numbers if isinstance(numbers, list) else ()


@dataclass(frozen=True, slots=True)
class HoldCard:
    """A hold with what may be done about it."""

    id: str
    key: str
    no: int
    account: str
    held: AmountWords | None
    frozen: AmountWords | None
    gone: Sequence[str]
    ground: str
    basis: HoldBasis
    since: datetime
    ends: datetime
    is_review: bool
    is_open: bool
    is_owed: bool
    owed_since: datetime | None
    why: str
    their_words: str
    is_whole: bool
    is_shared: bool
    wish: tuple[datetime, str] | None
    unit: str

    @property
    def is_wished(self) -> bool:
        """Whether the requester asked for a later end, and one has not decided."""
        return self.wish is not None and self.is_open


def hold_cards(case: AnswerCase) -> list[HoldCard]:
    """Return a page of holds: first those about which an answer is owed, then a wish is open."""
    cards = [_hold_card(case, hold) for hold in case.holds["items"]]
    return sorted(cards, key=lambda card: (not card.is_owed, not card.is_wished, not card.is_open))


def _hold_card(case: AnswerCase, hold: Mapping[str, Any]) -> HoldCard:
    asset, known = hold["asset"], case.visit.assets
    unit = known.unit(asset)
    wish = case.said.extensions.get(hold["id"])
    code = hold["withdrawn_reason_code"]
    address = case.asked.at(hold["address_no"]) or {}
    since, ends = moment(hold["frozen_at"]), moment(hold["hold_expires_at"])
    wished = moment(wish[0]) if wish else None
    if since is None or ends is None:  # pragma: no cover - the view always has both
        raise ValueError("a hold without its times")
    return HoldCard(
        id=hold["id"],
        key=hold["id"][-8:],
        no=hold["address_no"],
        account=address.get("account", ""),
        held=None if hold["withheld"] else amount(hold["held"], asset, known),
        frozen=None if hold["withheld"] else amount(hold["frozen"], asset, known),
        gone=[
            f"{amount(hold[kind], asset, known)} {kind}"
            for kind in ("released", "returned", "seized")
            if hold[kind] != "0"
        ],
        ground=BASES[HoldBasis(hold["basis"])],
        basis=HoldBasis(hold["basis"]),
        since=since,
        ends=ends,
        is_review=hold["review_at"] == hold["hold_expires_at"],
        is_open=is_open(hold),
        is_owed=hold["owed_since"] is not None,
        owed_since=moment(hold["owed_since"]),
        why=_why_owed(code, is_lapsed=hold["lapsed"]),
        their_words=case.said.why_withdrawn(hold["address_no"]) if code else "",
        is_whole=hold["account_level"],
        is_shared=hold["shared"],
        wish=(wished, wish[1]) if wished and wish and _is_later(wished, ends) else None,
        unit=unit.symbol if unit else asset,
    )


def _is_later(wished: datetime, ends: datetime) -> bool:
    """Tell whether a wish is still open: a browser's field gives the end to the minute."""
    return wished.replace(second=0, microsecond=0) > ends


def _why_owed(code: str | None, *, is_lapsed: bool) -> str:
    if code is not None:
        because = WITHDRAWN_BECAUSE[code]
        return f"The requester took it back{f': {because}' if because else ''}."
    return "Its time is over, and nobody said what became of it." if is_lapsed else ""


@dataclass(frozen=True, slots=True)
class LineCard:
    """A line of the ledger, as one's desk reported it."""

    id: str
    key: str
    kind: str
    where: str
    amount: AmountWords | None
    is_withheld: bool
    at: datetime
    why: str
    detail: str
    may_correct: bool
    is_frozen: bool
    unit: str


#: Lines whose amount may be corrected.
_CORRECTABLE = frozenset(
    {LineKind.FOUND, LineKind.FROZEN, LineKind.RELEASED, LineKind.RETURNED, LineKind.SEIZED}
)


def line_cards(case: AnswerCase) -> list[LineCard]:
    """Return a page of lines, in the order in which they were reported."""
    items = case.lines["items"]
    corrected = {each.get("corrects") for each in items}
    return [_line_card(case, line, corrected) for line in items]


def _line_card(case: AnswerCase, line: Mapping[str, Any], corrected: set[str | None]) -> LineCard:
    asset, stated = line.get("asset"), line.get("amount")
    kind = LineKind(line["kind"])
    unit = case.visit.assets.unit(asset)
    at = moment(line["reported_at"])
    if at is None:  # pragma: no cover - the view always has it
        raise ValueError("a line without its time")
    return LineCard(
        id=line["id"],
        key=line["id"][-8:],
        kind=KINDS[kind],
        where=_where(line),
        amount=amount(stated, asset, case.visit.assets) if asset and stated is not None else None,
        is_withheld=bool(line.get("withheld")),
        at=at,
        why=_why(line),
        detail=line.get("detail") or ("" if _is_reason_code(line) else line.get("reason") or ""),
        may_correct=kind in _CORRECTABLE and not line.get("shared") and line["id"] not in corrected,
        is_frozen=kind is LineKind.FROZEN,
        unit=unit.symbol if unit else "",
    )


def _where(line: Mapping[str, Any]) -> str:
    numbers = line.get("address_nos")
    if isinstance(numbers, list):
        return f"no. {numbers[0]}" if len(numbers) == 1 else counted(len(numbers), "address")
    if numbers == "rest":
        return "all the rest"
    return "" if line.get("address_no") is None else f"no. {line['address_no']}"


def _is_reason_code(line: Mapping[str, Any]) -> bool:
    return line.get("reason") in set(ReleaseReason)


def _why(line: Mapping[str, Any]) -> str:
    code, reason = line.get("code"), line.get("reason")
    if code is not None:
        return CHOSEN[DeclineCode(code)]
    return RELEASES[ReleaseReason(reason)] if reason in set(ReleaseReason) else ""


def open_holds(case: AnswerCase) -> Iterator[tuple[str, str]]:
    """Yield the holds that may be named beside an act, as choices; all of them, on any page."""
    for hold in case.every_hold:
        if is_open(hold):
            said = case.amount_words(hold["held"], hold["asset"])
            held = "withheld" if hold["withheld"] else said
            yield hold["id"], f"Only the hold on no. {hold['address_no']}: {held}"
