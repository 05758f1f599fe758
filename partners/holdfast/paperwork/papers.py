"""Making papers: a case, what its maker knows and a language in, files out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from holdfast.errors import InvalidDraftError
from holdfast.paperwork import annexes, goaml
from holdfast.paperwork.case_values import (
    COLUMNS,
    MOST_ROWS,
    Case,
    list_values,
    single_values,
)
from holdfast.paperwork.details import Field, unknown_names
from holdfast.paperwork.kinds import KINDS, KindRules, PaperKind
from holdfast.paperwork.language import Library, Words, time_words
from holdfast.paperwork.template import Block, Values, fill
from holdfast.paperwork.text import as_text
from holdfast.protocol.amounts import KnownAssets, format_number
from holdfast.protocol.payloads import FlaggedAddress
from holdfast.protocol.views import HoldView
from holdfast.protocol.vocabulary import LineKind
from holdfast.typesetting.characters import settable, visible
from holdfast.typesetting.pdf import set_pdf

_PAGE = Path(__file__).with_name("paper.typ")
_UNDONE = "nothing was written"
#: Of the faults of one paper, so many are told.
_MOST_FAULTS = 50


@dataclass(frozen=True, slots=True)
class Making:
    """How papers are made.

    Attributes:
        library: Where templates are.
        language: Of the paper.
        assets: Symbols and decimals.
        made_at: The date of the paper.
        with_pdf: Whether PDFs are made, beside text.
        schema: An FIU's XSD to hold a report against.
        despite_silence: Make a notice to a customer before the requester's wish is over.
    """

    library: Library
    language: str
    assets: KnownAssets
    made_at: datetime
    with_pdf: bool = True
    schema: bytes | None = None
    despite_silence: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a police pack brings along: an evidence bundle, and what came of examining it."""

    bundle: bytes
    summary: bytes | None
    verified: int
    asserted: int


@dataclass(slots=True)
class Made:
    """What was made: files by name, and what their maker should know about them."""

    files: dict[str, bytes] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def narrowed(case: Case, kind: PaperKind, holds: Sequence[str], addresses: Sequence[int]) -> Case:
    """Return the case with the holds and addresses that a paper is about.

    Args:
        case: The whole.
        kind: What is to be made.
        holds: Ids; none: all.
        addresses: Numbers from 1; none: all.

    Raises:
        InvalidDraftError: They are not the case's, or have to be chosen.
    """
    rules = KINDS[kind]
    is_notice = kind is PaperKind.CUSTOMER_NOTICE
    is_own = is_notice or (rules.is_about_one_customer and not case.file.is_requester)
    offered = case.own_holds if is_own else list(case.holds)
    if is_own and not offered:
        raise _faulty(["you hold nothing on this request, so there is nothing of it to tell"])
    ids = {hold.id for hold in offered}
    faults = [
        f"--hold {each}: no hold of this paper's; there are {_listed(ids)}"
        for each in holds
        if each not in ids
    ]
    faults += [
        f"--address {number}: the request has no such address; they are numbered from 1"
        for number in addresses
        if number - 1 not in case.addresses
    ]
    if is_own and len(offered) > 1 and not holds:
        faults.append(
            f"you have {len(offered)} holds, and this paper is about one customer: say which are"
            f" theirs by --hold; there are {_listed(ids)}"
        )
    if faults:
        raise _faulty(faults)
    kept = [hold for hold in offered if not holds or hold.id in holds]
    numbers = {number - 1 for number in addresses} or set(case.addresses)
    if is_own:
        numbers = {hold.address_no for hold in kept} & set(case.addresses)
    asked = {number: each for number, each in case.addresses.items() if number in numbers}
    return replace(case, holds=kept, addresses=asked)


def _listed(ids: set[str]) -> str:
    return ", ".join(sorted(ids)[:10]) or "none"


def paper_fields(kind: PaperKind, case: Case, assets: KnownAssets) -> list[Field]:
    """Return what a paper takes from its maker."""
    fields = list(KINDS[kind].fields)
    if kind is PaperKind.STR:
        fields += goaml.report_fields(_transactions(case, assets, {}))
    return fields


def make_paper(
    kind: PaperKind,
    case: Case,
    details: Mapping[str, str],
    making: Making,
    evidence: Evidence | None = None,
) -> Made:
    """Return the files of a paper; the same bytes for the same content, details and date.

    Raises:
        InvalidDraftError: With everything that is missing or wrong, by its name.
        MissingLibraryError: A PDF is to be made, or a schema read, without the extra `paper`.
        TypesettingError: The PDF cannot be set.
    """
    rules, words = KINDS[kind], making.library.words(making.language)
    _require_allowed(kind, rules, case, making)
    faults = unknown_names(details, paper_fields(kind, case, making.assets))
    work = _Work(kind, rules, case, details, making, words, evidence, faults)
    made = _MAKERS[kind](work)
    if faults:
        raise _faulty(faults)
    mark = case.document.tlp
    if rules.is_marked and not mark.may_be_passed_on and not case.file.is_requester:
        made.remarks.append(
            f"The request is TLP:{mark.value}: ask {case.file.view.requester} before you hand this"
            " to anybody outside, unless the law makes you."
        )
    return made


def _require_allowed(kind: PaperKind, rules: KindRules, case: Case, making: Making) -> None:
    view = case.file.view
    if view.drill and rules.is_filed:
        raise _faulty(["this request is a drill: nothing of it happened, and nothing is reported"])
    silence = view.do_not_notify_customer_until
    if kind is not PaperKind.CUSTOMER_NOTICE or silence is None or making.despite_silence:
        return
    if silence > making.made_at:
        fault = (
            f"{view.requester} asks that no customer is told before {time_words(silence)}; if"
            " the law makes you tell them earlier: --despite-silence"
        )
        raise _faulty([fault])


@dataclass(slots=True)
class _Work:
    """One paper in the making; faults are gathered, so that all are told at once."""

    kind: PaperKind
    rules: KindRules
    case: Case
    details: Mapping[str, str]
    making: Making
    words: Words
    evidence: Evidence | None
    faults: list[str]

    @property
    def stem(self) -> str:
        """The beginning of its files' names."""
        return f"{self.case.file.view.id}.{self.kind.value}.{self.making.language}"

    def values(self, files: Mapping[str, bytes]) -> Values:
        """Return what its templates may name; `files` lie beside the paper."""
        case, assets = self.case, self.making.assets
        single: dict[str, str | None] = {
            **single_values(case, self.words),
            "date": f"{self.making.made_at.astimezone(UTC):%Y-%m-%d}",
            "made_at": time_words(self.making.made_at),
            "more_addresses": _more(len(case.addresses)),
            "more_holds": _more(len(case.holds)),
            "annex": next((name for name in files if name.endswith("addresses.csv")), None),
            "verified": None if self.evidence is None else str(self.evidence.verified),
            "asserted": None if self.evidence is None else str(self.evidence.asserted),
        }
        hints = dict.fromkeys(single, "the case does not say it; ask for it by {{#if …}}")
        for each in KINDS[self.kind].fields:
            single[each.name] = self.details.get(each.name) or each.default
            hints[each.name] = f"{each.what}; give it by --set {each.name}=… or --details FILE"
        own = {name: value for name, value in self.details.items() if "." not in name}
        lists = list_values(case, assets, self.words) | {"files": annexes.file_rows(files)}
        if len(lists["orders"]) == 1 and "authority" in single:
            [order] = lists["orders"]
            single["authority"] = single["authority"] or order["agency"]
            single["authority_reference"] = single["authority_reference"] or order["reference"]
        return Values({**single, **own}, lists, COLUMNS, hints)

    def blocks(self, name: str, values: Values, *, is_titled: bool = True) -> list[Block]:
        """Return a template of this paper's with its values in place."""
        text, file = self.making.library.template(name, self.making.language)
        blocks, faults = fill(text, values, is_titled=is_titled)
        self.faults += [f"{file}: {fault}" for fault in faults]
        return blocks

    def written(self, made: Made, stem: str, blocks: Sequence[Block]) -> None:
        """Write a paper as text and as PDF, unless something is wrong with it."""
        if self.faults:
            return
        drill = self.words.say("word", "drill") if self.case.file.view.drill else ""
        mark = f"TLP:{self.case.document.tlp.value}" if self.rules.is_marked else ""
        made.files[f"{stem}.txt"] = as_text(blocks, drill=drill, mark=mark).encode()
        if not self.making.with_pdf:
            return
        cells = [cell for block in blocks for row in block.cells for cell in row]
        odd = next((cell for cell in cells if settable(cell) != cell), None)
        if odd is not None:
            made.remarks.append(
                "The PDF's fonts lack letters that are in the paper: it shows their code points."
                f" The text has them. The first are in {odd[:60]!r}."
            )
        said = {
            "title": blocks[0].cells[0][0],
            # A customer is not told which request it was.
            "reference": self.case.file.view.id if self.rules.is_marked else "",
            "language": self.making.language.partition("-")[0],
            "drill": drill,
            "mark": mark,
            "blocks": [{"kind": each.kind, "cells": each.cells} for each in blocks],
        }
        made.files[f"{stem}.pdf"] = set_pdf(_PAGE, said, self.making.made_at)


def _more(count: int) -> str | None:
    return str(count - MOST_ROWS) if count > MOST_ROWS else None


def _letter(work: _Work) -> Made:
    """Make a paper of one template; where it cannot list all addresses, with an annex that does."""
    made = Made()
    if len(work.case.addresses) > MOST_ROWS:
        made.files[f"{work.stem}.addresses.csv"] = annexes.addresses_csv(
            work.case, work.making.assets
        )
    blocks = work.blocks(work.kind.value, work.values(made.files))
    work.written(made, work.stem, blocks)
    return made


def _police_pack(work: _Work) -> Made:
    """Make one ZIP: a letter, the evidence, its summary, and lists of addresses and sums."""
    if work.evidence is None:
        raise ValueError("a police pack is made of an evidence bundle")
    request_id = work.case.file.view.id
    beside = {f"{request_id}.evidence.zip": work.evidence.bundle}
    if work.evidence.summary is not None:
        beside[f"{request_id}.summary.pdf"] = work.evidence.summary
    beside["addresses.csv"] = annexes.addresses_csv(work.case, work.making.assets)
    beside["sums.csv"] = annexes.sums_csv(work.case, work.making.assets)
    letter = Made()
    work.written(letter, "letter", work.blocks(work.kind.value, work.values(beside)))
    if work.faults:
        return letter
    pack = annexes.packed({**letter.files, **beside})
    return Made({f"{work.stem}.zip": pack}, letter.remarks)


def _report(work: _Work) -> Made:
    """Make a suspicious-transaction report: goAML's XML, and the same for people."""
    transactions = _transactions(work.case, work.making.assets, work.details)
    values = work.values({})
    passages = {
        name: as_text(work.blocks(f"str-{name}", values, is_titled=False), drill="", mark="")
        for name in ("reason", "action")
    }
    if not work.faults:
        report, faults = goaml.write_report(
            transactions,
            work.details,
            words=goaml.Passages(
                work.case.file.view.id, passages["reason"].strip(), passages["action"].strip()
            ),
            made_at=work.making.made_at,
        )
        work.faults += faults
    else:
        report = b""
    if work.making.schema is not None and not work.faults:
        work.faults += _held_against(work.making.schema, report)
    blocks = work.blocks(work.kind.value, work.values({f"{work.stem}.xml": report}))
    made = Made()
    if not work.faults:
        made.files[f"{work.stem}.xml"] = report
    work.written(made, work.stem, blocks)
    return made


def _held_against(schema: bytes, report: bytes) -> list[str]:
    try:
        return [f"the schema: {fault}" for fault in goaml.schema_faults(report, schema)]
    except ValueError as error:
        return [f"--schema: {error}"]


_MAKERS: Mapping[PaperKind, Callable[[_Work], Made]] = {
    PaperKind.STR: _report,
    PaperKind.PRESERVATION_LETTER: _letter,
    PaperKind.POLICE_PACK: _police_pack,
    PaperKind.FREEZING_CERTIFICATE: _letter,
    PaperKind.CUSTOMER_NOTICE: _letter,
}


def _transactions(
    case: Case, assets: KnownAssets, details: Mapping[str, str]
) -> list[goaml.Transaction]:
    """Return what a report tells of: what came to one's customer, or went from them."""
    in_dollars = details.get("goaml.currency_code_local") == "USD"
    if case.file.is_requester:
        return [
            _sent(case, number, each, assets, in_dollars=in_dollars)
            for number, each in sorted(case.addresses.items())
        ]
    return [_received(case, hold, assets, in_dollars=in_dollars) for hold in case.holds]


def _flagged(address: FlaggedAddress | None, assets: KnownAssets) -> dict[str, str | None]:
    if address is None:
        return {}
    place = address.account.rpartition(":")[2]
    chain = assets.chain_name(address.account.rpartition(":")[0])
    tag = f", tag {address.tag}" if address.tag else ""
    comments = visible(f"Virtual-asset account on {chain}{tag}; CAIP-10 {address.account}")
    return {"flagged_account": visible(place), "flagged_comments": comments}


def _amounts(
    base_units: str | None, asset: str | None, assets: KnownAssets
) -> dict[str, str | None]:
    unit = assets.unit(asset)
    if base_units is None or asset is None:
        return {"foreign_amount": None, "funds_comment": "amount not stated"}
    if unit is None:
        return {"foreign_amount": None, "funds_comment": f"{base_units} base units of {asset}"}
    number = format_number(base_units, unit).replace(",", "")
    return {"foreign_amount": number, "funds_comment": f"{number} {unit.symbol} ({asset})"}


def _received(
    case: Case, hold: HoldView, assets: KnownAssets, *, in_dollars: bool
) -> goaml.Transaction:
    address = case.addresses.get(hold.address_no)
    lines = [
        line for line in case.file.lines if line.hold == hold.id and line.kind is LineKind.FROZEN
    ]
    stated = [line.usd.value for line in lines if line.usd is not None]
    amounts = _amounts(None if hold.withheld else hold.frozen, hold.asset, assets)
    tx = address.tx if address is not None else None
    return goaml.Transaction(
        hold.id,
        client_receives=True,
        said={
            "number": hold.id,
            "description": f"{amounts['funds_comment']} from a flagged account",
            "date": None,
            "amount_local": stated[0] if in_dollars and len(stated) == len(lines) == 1 else None,
            "comments": visible(
                f"Frozen at {time_words(hold.frozen_at)} under {hold.id}."
                + (f" The request names transaction {tx}." if tx else "")
            ),
            **amounts,
            **_flagged(address, assets),
        },
    )


def _sent(
    case: Case, number: int, address: FlaggedAddress, assets: KnownAssets, *, in_dollars: bool
) -> goaml.Transaction:
    amounts = _amounts(address.amount, address.asset, assets)
    occurred = case.file.view.incident.occurred_at.astimezone(UTC)
    worth = address.usd.value if address.usd is not None and in_dollars else None
    return goaml.Transaction(
        f"address_{number + 1}",
        client_receives=False,
        said={
            "number": f"{case.file.view.id}-{number + 1}",
            "description": f"{amounts['funds_comment']} to flagged account {number + 1}",
            "date": f"{occurred:%Y-%m-%dT%H:%M:%S}",
            "amount_local": worth,
            "comments": visible(f"Transaction {address.tx}.") if address.tx else None,
            **amounts,
            **_flagged(address, assets),
        },
    )


def _faulty(faults: Sequence[str]) -> InvalidDraftError:
    return InvalidDraftError(
        list(faults[:_MOST_FAULTS]),
        unlisted=max(0, len(faults) - _MOST_FAULTS),
        undone=_UNDONE,
    )
