"""What a draft says: the text that was pasted, what was found in it, and what was typed beside it.

As long as a line has a fault, or an address has no chain, the text is what counts: lines are mended
and all of it is read again. Once nothing is open, the addresses are what counts.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from coordinator.console.forms import Upload
from coordinator.storage.console.drafts import Said
from holdfast.drafting.chat import Findings, read_chat
from holdfast.drafting.draft import new_nonce
from holdfast.drafting.draft_addresses import COLUMNS, Targets
from holdfast.drafting.tables import Table, decode, read_table
from holdfast.errors import InvalidDraftError
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.payloads import MAX_ADDRESSES
from holdfast.protocol.strict_json import JsonObject
from holdfast.wording import marked

#: What a text may have: twice the lines and thrice the long words (an address with its link and
#: transaction) of the largest request. Each is held to the rules of every chain, while all wait.
_MOST_LINES, _MOST_LONG_WORDS = 2 * MAX_ADDRESSES, 3 * MAX_ADDRESSES
_LONG_WORD = re.compile(r"[0-9A-Za-z]{25}", re.ASCII)
#: An answer to "on which chain?" that leaves the addresses out.
LEFT_OUT = "-"
_WORKBOOK = ".xlsx"
#: What a draft begins with where nobody typed anything.
_DEFAULTS = {
    "drill": "",
    "title": "",
    "kind": "hack",
    "occurred_at": "",
    "reference": "",
    "incident": "",
    "urgency": "urgent",
    "tlp": "AMBER+STRICT",
    "summary": "",
    "asked": "chosen",
    "hours": "72",
    "support": "none",
    "police_report": "",
    "agency": "",
    "order": "",
    "indemnity": "",
    "indemnity_text": "",
    "why_you": "",
    "interest": "",
    "statement": "",
    "gateway": "",
}
_MOST_DIGITS = 6
_LEGAL = ("police_report", "agency", "order")


@dataclass(slots=True)
class Question:
    """Addresses beside which no chain is stated, and the chains where each is one."""

    candidates: list[str]
    lines: list[int]
    addresses: list[str]


@dataclass(slots=True)
class DraftContent:
    """All that a draft says.

    Attributes:
        nonce: Of the request: sent twice, the draft is one request.
        text: As pasted, with the lines that were mended since.
        cell_faults: What was wrong with cells of a workbook, as (line, detail).
        answers: Chains stated for questions, as (candidates, chain).
        addresses: Their members, as they will be signed.
        places: The lines of each address.
        faults: What cannot be right, as (line, detail).
        questions: What is to be answered.
        notes: What was mended, merged or left out, as (line, detail).
        typed: The fields of the form, as typed.
        to: Handles of the partners asked.
        follows: The request that this one follows.
    """

    nonce: str = field(default_factory=new_nonce)
    text: str = ""
    cell_faults: list[tuple[int, str]] = field(default_factory=list)
    answers: list[tuple[list[str], str]] = field(default_factory=list)
    addresses: list[JsonObject] = field(default_factory=list)
    places: list[list[int]] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    typed: dict[str, str] = field(default_factory=lambda: dict(_DEFAULTS))
    to: list[str] = field(default_factory=list)
    follows: str | None = None

    @classmethod
    def load(cls, raw: bytes) -> "DraftContent":
        """Return what was stored."""
        said = strict_json.loads(raw)
        said["questions"] = [Question(**each) for each in said["questions"]]
        said["typed"] = _DEFAULTS | said["typed"]  # what was kept before a field was there
        return cls(**said)

    def said(self) -> Said:
        """Return it as it is stored, with what a list shows of it."""
        card = {
            "title": marked(self.typed["title"], drill=self.is_drill),
            "addresses": len(self.addresses),
            "open": len(self.faults) + len(self.questions),
        }
        return Said(canonical_json.dumps(asdict(self)), canonical_json.dumps(card))

    @property
    def is_drill(self) -> bool:
        """Whether it is to be a drill."""
        return self.typed["drill"] == "1"

    @property
    def is_settled(self) -> bool:
        """Whether nothing in the text is open, so that the addresses are what counts."""
        return not self.faults and not self.questions

    def line(self, number: int) -> str:
        """Return a line of the text, from 1, as it is read: without what nobody sees."""
        lines = self.text.splitlines()
        return _visible(lines[number - 1]) if number <= len(lines) else ""

    def read(self, chains: Chains) -> None:
        """Read the text (again).

        Raises:
            InvalidDraftError: It is longer than any request.
        """
        _require_readable(self.text)
        findings = read_chat(self.text, chains)
        answers = {tuple(candidates): chain for candidates, chain in self.answers}
        self._leave_out(findings, answers)
        if LEFT_OUT in answers.values():
            findings = read_chat(self.text, chains)
        findings = findings.answered({k: v for k, v in answers.items() if v != LEFT_OUT})
        self._take(findings)

    def mend(self, lines: Mapping[int, str], chains: Chains) -> None:
        """Put other lines in the places of some, and read the text again."""
        whole = self.text.splitlines()
        for number, text in lines.items():
            if number <= len(whole) and _words(whole[number - 1]) != _words(text):
                whole[number - 1] = " ".join(text.splitlines())
                self.cell_faults = [each for each in self.cell_faults if each[0] != number]
        self.text = "\n".join(whole)
        self.read(chains)

    def _leave_out(self, findings: Findings, answers: Mapping[tuple[str, ...], str]) -> None:
        whole = self.text.splitlines()
        for each in findings.questions:
            if answers.get(each.candidates) == LEFT_OUT:
                whole[each.line - 1] = ""
        self.text = "\n".join(whole)

    def _take(self, findings: Findings) -> None:
        self.addresses = [dict(each.members) for each in findings.addresses]
        self.places = [list(each.lines) for each in findings.addresses]
        self.faults = sorted({*findings.faults, *((line, said) for line, said in self.cell_faults)})
        self.notes = list(findings.notes) + [
            (each.lines[-1], f"names the address of line {each.lines[0]} again: taken once")
            for each in findings.addresses
            if len(each.lines) > 1
        ]
        asked: dict[tuple[str, ...], Question] = {}
        for each in findings.questions:
            question = asked.setdefault(each.candidates, Question(list(each.candidates), [], []))
            question.lines.append(each.line)
            question.addresses.append(each.address)
        self.questions = list(asked.values())

    def change_address(self, number: int, members: JsonObject, chains: Chains) -> dict[str, str]:
        """Put another address in the place of one; return what is wrong with it, by member.

        Where something is, nothing is changed. The members are restated as they are signed.
        """
        known = KnownAssets(chains)
        targets = Targets(known)
        for other, each in enumerate(self.addresses):
            if other != number:
                targets.check(dict(each), f"no. {other + 1}")
        faults = targets.check(members, f"no. {number + 1}")
        if not faults:
            self.addresses[number] = members
        return faults

    def leave_out(self, number: int) -> None:
        """Take one address out."""
        del self.addresses[number]
        del self.places[number]

    def body(self) -> JsonObject:
        """Return the request, as far as it can be made of what was typed."""
        typed = self.typed
        legal = {name: typed[name] for name in _LEGAL if typed[name]}
        hours = typed["hours"]
        optional: Mapping[str, Any] = {
            "follows": self.follows,
            "drill": self.is_drill,
            "legal": legal,
            "indemnity": _indemnity(typed),
            "why_you": [{"to": "all", "why": typed["why_you"]}] if typed["why_you"] else None,
            "interest": _interest(typed),
            "hold": {"hours": _whole(hours)} if hours else None,
            "gateway": typed["gateway"],
        }
        return {
            "nonce": self.nonce,
            "incident": _incident(typed),
            "urgency": typed["urgency"],
            "tlp": typed["tlp"],
            "summary": typed["summary"],
            "support": typed["support"],
            "to": "all" if typed["asked"] == "all" else self.to,
            "addresses": self.addresses,
            **{name: value for name, value in optional.items() if value},
        }


def pasted(text: str, chains: Chains) -> DraftContent:
    """Return the draft of a text."""
    content = DraftContent(text=text)
    content.read(chains)
    return content


def uploaded(upload: Upload, chains: Chains) -> DraftContent:
    """Return the draft of a file: a workbook, or any text.

    Raises:
        InvalidDraftError: It cannot be read; saying how to save it.
    """
    if not upload.name.lower().endswith(_WORKBOOK):
        return pasted(decode(upload.content), chains)
    table = read_table(_WORKBOOK, upload.content, COLUMNS)
    text, cell_faults = _as_text(table)
    content = DraftContent(text=text, cell_faults=cell_faults)
    content.read(chains)
    return content


def following(view: Mapping[str, Any], title: str) -> DraftContent:
    """Return the draft that follows a request, of what the API offers (`DraftView`)."""
    request = view["request"]
    content = DraftContent(follows=request["follows"], to=list(request["to"]))
    content.addresses = [dict(each) for each in request["addresses"]]
    content.places = [[] for _ in content.addresses]
    hold = request.get("hold") or {}
    legal = request.get("legal") or {}
    indemnity = request.get("indemnity") or {}
    interest = request.get("interest") or {"kinds": [], "statement": ""}
    content.typed |= {
        "title": title,
        "incident": request["incident"]["id"],
        "drill": "1" if request.get("drill") else "",
        "urgency": request["urgency"],
        "tlp": request.get("tlp", content.typed["tlp"]),
        "summary": request["summary"],
        "hours": str(hold.get("hours", content.typed["hours"])),
        "support": request.get("support", "none"),
        **{name: legal[name] for name in _LEGAL if legal.get(name)},
        "indemnity": "1" if indemnity.get("offered") else "",
        "indemnity_text": indemnity.get("text") or "",
        "interest": " ".join(interest["kinds"]),
        "statement": interest["statement"],
        "gateway": request.get("gateway") or "",
    }
    return content


def _require_readable(text: str) -> None:
    if len(text.splitlines()) <= _MOST_LINES:
        words = sum(1 for _ in _LONG_WORD.finditer(text))
        if words <= _MOST_LONG_WORDS:
            return
    raise InvalidDraftError(
        [f"this is more than one request can name: {MAX_ADDRESSES} addresses at most"]
    )


def _visible(text: str) -> str:
    return "".join(each for each in text if unicodedata.category(each) != "Cf")


def _words(text: str) -> list[str]:
    """Return what tells whether a line was mended: a form loses the blanks at its ends."""
    return _visible(text).split()


def _as_text(table: Table) -> tuple[str, list[tuple[int, str]]]:
    """Return a sheet as lines with their numbers of rows, and what is wrong with cells of it."""
    rows = list(table.rows)
    columns = [column for column in table.columns if column]
    if not rows:
        raise InvalidDraftError(["the workbook holds no row below its header"])
    lines = [""] * (rows[-1].line)
    lines[max(rows[0].line - 2, 0)] = "\t".join(columns)
    faults = []
    for row in rows:
        cells = (" ".join(row.values.get(column, "").split()) for column in columns)
        lines[row.line - 1] = "\t".join(cells)
        faults += [(row.line, fault) for fault in row.faults]
    return "\n".join(lines), faults


def _whole(text: str) -> int | str:
    """Return a number as such; of any other text the API says what is wrong."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else text


def _incident(typed: Mapping[str, str]) -> JsonObject:
    if typed["incident"]:
        return {"id": typed["incident"]}
    at = typed["occurred_at"]
    return {
        "title": typed["title"],
        "kind": typed["kind"],
        "occurred_at": f"{at}:00Z" if at.count(":") == 1 else f"{at}Z" if at else "",
        **({"reference": typed["reference"]} if typed["reference"] else {}),
    }


def _indemnity(typed: Mapping[str, str]) -> JsonObject | None:
    if not typed["indemnity"]:
        return None
    text = typed["indemnity_text"]
    return {"offered": True, **({"text": text} if text else {})}


def _interest(typed: Mapping[str, str]) -> JsonObject | None:
    if not typed["interest"] and not typed["statement"]:
        return None
    return {"kinds": typed["interest"].split(), "statement": typed["statement"]}


def fields_of(pointers: Sequence[str]) -> list[str]:
    """Return the names of the form's fields that JSON pointers are about; "" for none."""
    return [_field_of(pointer.split("/")[1:]) for pointer in pointers]


def _field_of(parts: Sequence[str]) -> str:
    first, second = (*parts, "", "")[:2]
    if first == "addresses" and second.isdigit():
        return f"address-{second}"
    if first in {"incident", "legal"}:
        name = {"id": "incident", "": "title"}.get(second, second)
    else:
        name = {"hold": "hours", "indemnity": "indemnity_text"}.get(first, first)
        if first == "interest" and second == "statement":
            name = "statement"
    return name if name in _DEFAULTS or name == "to" else ""
