"""Reading a freeze request from a file that people made: JSON, or a list and a template beside it.

All faults are collected and named with their line, those that the coordinator finds afterwards too:
whoever has 11,000 lines to mend wants to know of all of them at once.
"""

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError as ModelError

from holdfast.drafting.draft_addresses import COLUMNS, Targets, members_of
from holdfast.drafting.json_lines import lines_by_pointer, nearest_line
from holdfast.drafting.tables import Row, Table, read_table
from holdfast.errors import InvalidDraftError
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.chains.chain import Chains, shipped_chains
from holdfast.protocol.errors import ProtocolError, StrictJsonError
from holdfast.protocol.payloads import MAX_ADDRESSES, FlaggedAddress, FreezeRequest
from holdfast.protocol.views import FieldError

#: The rules of the chains are the coordinator's: a file that has faults of form is not sent to it.
_NEXT_CHECK = (
    "Once these are mended, the coordinator checks all of it again, with partners and rights; it "
    "may name further faults."
)
#: Lines between two calls of `progress`.
_STEP = 250


@dataclass(frozen=True, slots=True)
class Draft:
    """A freeze request that is ready to be signed.

    Attributes:
        request: The document.
        address_lines: The file's line of each address, by address number.
        lines: The file's line of every value, by JSON pointer; empty for CSV.
    """

    request: FreezeRequest
    address_lines: Sequence[int] = ()
    lines: Mapping[str, int] = field(default_factory=dict)

    def locate(self, errors: Iterable[FieldError]) -> list[str]:
        """Return what the coordinator found, each with the file's line where there is one."""
        located = []
        for error in errors:
            pointer = error.pointer or ""
            parts = pointer.split("/")
            line = nearest_line(dict(self.lines), pointer) if self.lines else None
            if self.address_lines and len(parts) > 2 and parts[1] == "addresses":  # noqa: PLR2004
                line = self.address_lines[int(parts[2])] if parts[2].isdigit() else None
            located.append(_fault(line, error.place, error.detail))
        return located


def new_nonce() -> str:
    """Return the random part of a request: base64url of 16 bytes."""
    return urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()


def read_json(raw: bytes, *, chains: Chains | None = None) -> Draft:
    """Return the request in a JSON file; a missing nonce is filled in.

    Amounts may be written as "1.5 ETH"; the request has base units. Transactions get the one
    spelling of their chain.

    Raises:
        InvalidDraftError: With every fault and its line.
    """
    document = _load_object(raw)
    document.setdefault("nonce", new_nonce())
    lines = lines_by_pointer(raw.decode())
    targets = Targets(KnownAssets(chains or shipped_chains()))
    faults = _address_faults(document.get("addresses"), lines, targets)
    try:
        request = FreezeRequest.model_validate(document)
    except ModelError as error:
        faults += _model_faults(error, lines)
        raise InvalidDraftError([text for _, text in sorted(faults)]) from None
    if faults:
        raise InvalidDraftError([text for _, text in sorted(faults)])
    return Draft(request, lines=lines)


def read_list(
    name: str,
    raw: bytes,
    template: bytes,
    *,
    chains: Chains | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Draft:
    """Return the request of a template (JSON without `addresses`) and a list of addresses.

    Args:
        name: The list's name; a workbook ends with .xlsx, all else is CSV.
        raw: The list: a header line, the columns of `COLUMNS` in any order. Either `account`
            (CAIP-10) or `chain` (id, name or symbol) and `address`; amounts as 1.5 ETH or in whole
            base units. CSV is UTF-8, or UTF-16 with its mark, separated by comma, semicolon or tab.
        template: The rest of the request.
        chains: The coordinator's table; without it, the one that ships.
        progress: Told now and then how many lines are read.

    Raises:
        InvalidDraftError: With every fault of both files, each with its line.
        MissingLibraryError: The list is a workbook, and the kit is without its extra `xlsx`.
    """
    faults: list[str] = []
    document = _load_object(template)
    document.setdefault("nonce", new_nonce())
    if "addresses" in document:
        faults.append("template: leave out `addresses`, they come from the list")
    addresses: list[FlaggedAddress] = []
    address_lines: list[int] = []
    try:
        table = read_table(name, raw, COLUMNS)
        known = KnownAssets(chains or shipped_chains())
        addresses, address_lines = _read_rows(table, faults, known, progress)
    except InvalidDraftError as error:
        faults.extend(error.faults)
    document["addresses"] = [{"account": "eip155:1:0x0"}]  # a stand-in: the real ones are checked
    try:
        request = FreezeRequest.model_validate(document)
    except ModelError as error:
        found = _model_faults(error, lines_by_pointer(template.decode()))
        words = [f"template: {text}" for _, text in found]
        raise InvalidDraftError([*words, *faults]) from None
    if faults:
        raise InvalidDraftError(faults)
    return Draft(request.model_copy(update={"addresses": addresses}), address_lines)


def read_draft(
    name: str,
    raw: bytes,
    template: bytes | None,
    *,
    chains: Chains | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Draft:
    """Return the request in a file, by the file's name: `.csv` and `.xlsx` need a template.

    Raises:
        InvalidDraftError: With every fault.
    """
    is_list = name.lower().endswith((".csv", ".xlsx"))
    if is_list and template is None:
        raise InvalidDraftError(
            ["a list holds addresses only: give the rest with --template (see `draft --csv`)"]
        )
    try:
        if is_list:
            return read_list(name, raw, template or b"", chains=chains, progress=progress)
        return read_json(raw, chains=chains)
    except InvalidDraftError as error:
        raise InvalidDraftError(error.faults, next_check=_NEXT_CHECK) from None


def _address_faults(
    addresses: object, lines: Mapping[str, int], targets: Targets
) -> list[tuple[int, str]]:
    """Turn addresses into what is signed; return what is wrong, by line."""
    faults = []
    for number, address in enumerate(addresses if isinstance(addresses, list) else ()):
        place = f"/addresses/{number}"
        found = targets.check(address, place) if isinstance(address, dict) else {}
        for member, fault in found.items():
            line = nearest_line(dict(lines), f"{place}/{member}")
            faults.append((line or 0, _fault(line, f"{place}/{member}", fault)))
    return faults


def encode_draft(draft: Draft) -> bytes:
    """Return the exact bytes to sign and send."""
    return canonical_json.dumps(draft.request.model_dump(mode="json", exclude_unset=True))


def count_lines(raw: bytes) -> int:
    """Return about how many lines a file has, for a progress bar."""
    return raw.count(b"\n") + 1


def _load_object(raw: bytes) -> dict[str, Any]:
    try:
        document = strict_json.loads(raw)
    except StrictJsonError as error:
        line = error.line
        raise InvalidDraftError([_fault(line, error.pointer, error.reason)]) from None
    except ProtocolError as error:
        raise InvalidDraftError([str(error)]) from None
    if not isinstance(document, dict):
        raise InvalidDraftError(["line 1: the file must hold one JSON object"])
    return document


def _fault(line: int | None, pointer: str, detail: str) -> str:
    where = f"line {line}: " if line is not None else ""
    return f"{where}{pointer}: {detail}" if pointer else f"{where}{detail}"


def _model_faults(error: ModelError, lines: Mapping[str, int]) -> list[tuple[int, str]]:
    """Return every fault behind its line, in the order of the lines."""
    faults = []
    for fault in error.errors():
        if fault["loc"][:2] == ("to", "literal['all']") and isinstance(fault["input"], list):
            continue  # a list was meant: only its own faults are of interest
        pointer = "".join(f"/{part}" for part in members_only(fault["loc"]))
        line = nearest_line(dict(lines), pointer)
        faults.append((line or 0, _fault(line, pointer, fault_words(fault))))
    return sorted(faults)


def members_only(location: Sequence[int | str]) -> list[int | str]:
    """Return a location without the names of a union's forms, which no document holds."""
    return [
        part
        for part in location
        if isinstance(part, int) or (part not in {"new", "known"} and "[" not in part)
    ]


def fault_words(fault: Mapping[str, Any]) -> str:
    """Return pydantic's message as a sentence that says what to change."""
    kinds = {
        "extra_forbidden": "this member is not known: correct its name or leave it out",
        "missing": "this member is missing",
    }
    names = [part for part in members_only(fault["loc"]) if isinstance(part, str)]
    name = names[-1] if names else ""
    if fault["type"] == "string_too_short" and name in _FORMS:
        return _FORMS[name]
    if fault["type"] == "string_pattern_mismatch":
        return _FORMS.get(name, f"must match {fault['ctx']['pattern']}")
    message = str(fault["msg"]).removeprefix("Value error, ")
    return kinds.get(fault["type"], _ENUM_MEMBER.sub(r"\1", message))


#: How pydantic prints the kinds that a line may have, where only the kind itself is of interest.
_ENUM_MEMBER = re.compile(r"<\w+\.\w+: ('\w+')>")


#: What a text must look like, by the name of its member, in words rather than as a pattern.
_FORMS: Mapping[str, str] = {
    "amount": "must be e.g. 1.5 ETH, or whole base units in digits only",
    "min_amount": "must be e.g. 0.1 ETH, or whole base units in digits only",
    "to": 'must be "all" or a list of handles such as exchange-b.example, in lower case',
    "tx": "must be the chain's transaction id, without spaces",
    "url": "must be e.g. https://hooks.exchange-a.example/holdfast",
    "nonce": "must be base64url of 16 random bytes; leave it out to have one made",
}


def _read_rows(
    table: Table, faults: list[str], known: KnownAssets, progress: Callable[[int], None]
) -> tuple[list[FlaggedAddress], list[int]]:
    """Return the addresses and their lines; add what is wrong to `faults`."""
    header_faults = _header_faults(table.columns)
    faults.extend(header_faults)
    if header_faults:
        return [], []
    targets = Targets(known)
    addresses: list[FlaggedAddress] = []
    address_lines: list[int] = []
    line = 1
    try:
        for row in table.rows:
            line = row.line
            faults += [f"line {line}: {fault}" for fault in row.faults]
            _read_row(row, table.columns, targets, addresses, faults)
            address_lines.append(line)
            if len(address_lines) % _STEP == 0:
                progress(line)
    except InvalidDraftError as error:
        faults.extend(error.faults)
    progress(line)
    if len(address_lines) > MAX_ADDRESSES:
        faults.append(f"{len(address_lines)} addresses: at most {MAX_ADDRESSES} fit in one request")
    if not address_lines:
        faults.append("the list holds no address below its header line")
    return addresses, address_lines


def _header_faults(names: Sequence[str]) -> list[str]:
    faults = [
        f"line 1: the column {name!r} is not known; known are {', '.join(COLUMNS)}"
        for name in names
        if name and name not in COLUMNS
    ]
    faults.extend(
        f"line 1: the column {name!r} is there twice"
        for name in sorted(filter(None, set(names)))
        if names.count(name) > 1
    )
    if "account" not in names and not {"chain", "address"} <= set(names):
        faults.append(
            "line 1: give a column account (CAIP-10), or the columns chain and address, separated "
            "by comma, semicolon or tab"
        )
    return faults


def _read_row(
    row: Row,
    columns: Sequence[str],
    targets: Targets,
    addresses: list[FlaggedAddress],
    faults: list[str],
) -> None:
    """Add one row's address, or what is wrong with it."""
    members, found = members_of(row, targets.known.chains, columns)
    if "chain" not in found and "account" in members:
        found |= targets.check(members, f"line {row.line}")
        try:
            addresses.append(FlaggedAddress.model_validate(members))
        except ModelError as error:
            for fault in error.errors():
                name = "/".join(str(part) for part in fault["loc"]) or "account"
                found.setdefault(name, fault_words(fault))
    faults += [f"line {row.line}: {member}: {fault}" for member, fault in found.items()]
