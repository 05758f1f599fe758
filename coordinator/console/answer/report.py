"""The report form: from rows that somebody filled in to lines, and back from a fault to its row."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from coordinator.console.answer.acts import (
    EXPLAINED,
    Prepared,
    explained_facts,
    explanation,
    lacking,
)
from coordinator.console.answer.case import AnswerCase
from coordinator.console.answer.filled import Fault, FilledWrongError, time_of, without_nothing
from coordinator.console.answer.wording import BASES, KINDS, plain
from coordinator.console.forms import Form
from coordinator.console.words import counted, listed, sums_by_asset, utc
from coordinator.services.reading.code_words import CHOSEN
from holdfast.protocol.amounts import AmountTextError, KnownAssets
from holdfast.protocol.unit_amounts import chain_of, read_amount
from holdfast.protocol.vocabulary import DeclineCode, HoldBasis, LineKind

#: What a row's fields are called; the number of its address follows.
_ROW_FIELD = re.compile(r"(found|frozen|code|level|untold_found|untold_frozen)-([0-9]{1,6})")
_LINE = re.compile(r"/lines/([0-9]+)(/.*)?")
#: Where faults of the terms of a freeze stand.
_TERMS = {
    "/frozen_at": "frozen_at",
    "/hold_expires_at": "until",
    "/basis": "basis",
    "/review_at": "review_at",
    "/effective_tx": "effective_tx",
    "/effective_at": "effective_at",
    "/proposed_tx": "proposed_tx",
    "/proposed_at": "proposed_at",
}
#: Addresses that the sign page shows one by one.
_SHOWN_SINGLY = 12
#: Members of an explanation that go with one code alone.
_ONE_CODE_S = {
    "next": {DeclineCode.MOVED_ON, DeclineCode.LEFT_AFTER_NOTICE, DeclineCode.FUNDS_GONE},
    "left_at": {DeclineCode.LEFT_AFTER_NOTICE},
    "missing": {DeclineCode.INSUFFICIENT_EVIDENCE},
    "retry": {DeclineCode.INSUFFICIENT_EVIDENCE},
}


@dataclass(slots=True)
class _Lines:
    """Lines as they come to be, each with the field that a fault of it belongs to."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    places: list[Mapping[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def add(self, line: dict[str, Any], places: Mapping[str, str]) -> None:
        self.lines.append(line)
        self.places.append(places)

    def place(self, pointer: str) -> str:
        match = _LINE.fullmatch(pointer)
        if match is None or int(match[1]) >= len(self.places):
            return ""
        places, member = self.places[int(match[1])], match[2] or ""
        return next((name for start, name in places.items() if member.startswith(start)), "")


def filled_numbers(form: Form) -> list[int]:
    """Return the addresses of which a row was filled in, in order."""
    matches = ((_ROW_FIELD.fullmatch(name), text) for name, text in form.fields.items())
    return sorted({int(match[2]) for match, text in matches if match and text.strip()})


def prepare_report(case: AnswerCase, form: Form) -> Prepared:
    """Return the report of the rows that were filled in.

    Raises:
        FilledWrongError: If a row cannot become a line, or none was filled in.
    """
    made = _Lines()
    terms = freeze_terms(case, form, made.faults)
    for number in filled_numbers(form):
        _add_row(case, form, number, terms, made)
    _add_nothing(form, made)
    if not made.lines and not made.faults:
        made.faults.append(Fault("", "Fill in a row, or tick that there is nothing on the rest."))
    if made.faults:
        raise FilledWrongError(made.faults)
    return reported(case, made.lines, made.place)


def reported(
    case: AnswerCase, lines: list[dict[str, Any]], place: Callable[[str], str]
) -> Prepared:
    """Return the act that reports lines, with the sums that the sign page shows."""
    return Prepared(
        call="freeze-reports",
        body={"lines": lines},
        sentence=f"Report to {case.request['requester']}: {said_in_sum(case, lines)}.",
        button="Report",
        facts=_facts(case, lines),
        place=place,
    )


def freeze_terms(case: AnswerCase, form: Form, faults: list[Fault]) -> dict[str, Any]:
    """Return since when, until when and on what ground the frozen rows are held."""
    basis = form.text("basis") or HoldBasis.VOLUNTARY.value
    if case.is_issuer:
        times = {n: time_of(form, n, faults) for n in ("review_at", "effective_at", "proposed_at")}
        txs = {name: form.text(name) for name in ("effective_tx", "proposed_tx")}
        return {"basis": basis, **without_nothing(times), **without_nothing(txs)}
    now = case.now.replace(microsecond=0)
    hours = case.request["hold_hours"]
    return {
        "basis": basis,
        "frozen_at": time_of(form, "frozen_at", faults, first=now),
        "hold_expires_at": time_of(form, "until", faults, first=now + timedelta(hours=hours)),
    }


def _add_row(
    case: AnswerCase, form: Form, number: int, terms: Mapping[str, Any], made: _Lines
) -> None:
    address = case.asked.at(number)
    if address is None:
        made.faults.append(Fault("", f"No. {number} is not in this request."))
        return
    row = _Row(case.visit.assets, form, number, address)
    for asset, amount in row.amounts("found", made.faults):
        line = {"kind": "found", "address_no": number, "asset": asset, "amount": amount}
        made.add(line, {"": f"found-{number}"})
    level = {"account_level": True} if f"level-{number}" in form.fields else {}
    for asset, amount in row.amounts("frozen", made.faults):
        line = {"kind": "frozen", "address_no": number, "asset": asset, "amount": amount}
        made.add({**line, **terms, **level}, {**_TERMS, "": f"frozen-{number}"})


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the form, with the address that it is about."""

    assets: KnownAssets
    form: Form
    number: int
    address: Mapping[str, Any]

    def amounts(self, kind: str, faults: list[Fault]) -> list[tuple[str, str | None]]:
        """Return the assets and base units of one field; None where the amount is withheld."""
        name, asset = f"{kind}-{self.number}", self.address.get("asset")
        if f"untold_{name}" not in self.form.fields:
            return list(self._stated(name, faults))
        if asset is not None:
            return [(asset, None)]
        text = "The request names no asset here: report this one by CSV, with its asset."
        faults.append(Fault(name, text))
        return []

    def _stated(self, name: str, faults: list[Fault]) -> Iterator[tuple[str, str]]:
        asset, chain = self.address.get("asset"), chain_of(self.address["account"])
        for part in filter(str.strip, self.form.text(name).split(";")):
            try:
                yield read_amount(part, self.assets, asset=asset, chain=chain)
            except AmountTextError as error:
                faults.append(Fault(name, plain(str(error))))


def _add_nothing(form: Form, made: _Lines) -> None:
    """Add a line for every code, and one for the rest."""
    by_code: dict[str, list[int]] = {}
    for number in filled_numbers(form):
        code = form.text(f"code-{number}")
        if code:
            by_code.setdefault(code, []).append(number)
    said = explanation(form, made.faults)
    for code, numbers in by_code.items():
        places = {f"/address_nos/{at}": f"code-{no}" for at, no in enumerate(numbers)}
        first = f"code-{numbers[0]}"
        _add_answer(made, code, said, numbers, {**dict(reversed(places.items())), "": first})
    if "rest" in form.fields:
        _add_answer(made, form.text("rest_code"), said, "rest", {"": "rest_code"})


def _add_answer(
    made: _Lines,
    code: str,
    said: Mapping[str, Any],
    numbers: Sequence[int] | str,
    places: Mapping[str, str],
) -> None:
    if code not in set(DeclineCode):
        made.faults.append(Fault(places[""], "Say why: choose a reason."))
        return
    fitting = {
        name: value
        for name, value in said.items()
        if DeclineCode(code) in _ONE_CODE_S.get(name, set(DeclineCode))
    }
    made.faults += lacking(DeclineCode(code), fitting)
    line = {"kind": "nothing", "address_nos": numbers, "code": code, **fitting}
    made.add(line, {**EXPLAINED, **places})


def said_in_sum(case: AnswerCase, lines: Iterable[Mapping[str, Any]]) -> str:
    """Return what lines come to: "found 3 ETH, frozen 2 ETH; nothing on 4 addresses"."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        by_kind.setdefault(str(line["kind"]), []).append(line)
    return listed(_kind_words(case, kind, found) for kind, found in by_kind.items())


def _kind_words(case: AnswerCase, kind: str, lines: Sequence[Mapping[str, Any]]) -> str:
    if kind == LineKind.NOTHING:
        if any(line["address_nos"] == "rest" for line in lines):
            return "nothing on all the rest"
        return f"nothing on {counted(sum(len(x['address_nos']) for x in lines), 'address')}"
    stated = [(x["asset"], x["amount"]) for x in lines if x.get("asset") and x.get("amount")]
    sums = [str(each) for each in sums_by_asset(stated, case.visit.assets)]
    untold = sum(line.get("amount") is None for line in lines)
    if untold and kind != LineKind.KEPT:
        sums.append(f"{counted(untold, 'amount')} that you withhold")
    said = listed(sums) if sums else counted(len(lines), "line")
    return f"{KINDS[LineKind(kind)].lower()} {said}"


def _by_address(case: AnswerCase, lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return what is said of each of a few addresses; of many the sums have to do."""
    said: dict[int, list[Mapping[str, Any]]] = {}
    for line in lines:
        if "address_no" in line:
            said.setdefault(line["address_no"], []).append(line)
    if len(said) > _SHOWN_SINGLY:
        return []
    return [
        (f"No. {number}", f"{_account(case, number)}: {said_in_sum(case, about)}")
        for number, about in said.items()
    ]


def _account(case: AnswerCase, number: int) -> str:
    account = str((case.asked.at(number) or {}).get("account", "erased")).split(":", 2)[-1]
    short = f"{account[:10]}\N{HORIZONTAL ELLIPSIS}{account[-8:]}"
    return account if len(account) < len(short) else short


def _facts(case: AnswerCase, lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    facts = [*_by_address(case, lines), ("Lines", counted(len(lines), "line"))]
    frozen = [line for line in lines if line["kind"] == LineKind.FROZEN]
    ends = sorted({x["hold_expires_at"] for x in frozen if x.get("hold_expires_at")})
    if ends:
        facts.append(("Held until", listed(utc(end) for end in ends[:3])))
    grounds = {x["basis"] for x in frozen if x.get("basis") in set(HoldBasis)}
    if grounds:
        facts.append(("Ground", listed(BASES[HoldBasis(each)] for each in sorted(grounds))))
    codes = {x.get("code") for x in lines if x["kind"] == LineKind.NOTHING}
    told = sorted(CHOSEN[DeclineCode(each)] for each in codes if each in set(DeclineCode))
    if told:
        facts.append(("Why nothing", "; ".join(told)))
    for line in lines:
        if line["kind"] == LineKind.NOTHING:
            return facts + explained_facts(line)
    return facts
