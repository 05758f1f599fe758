"""What is asked, from the signed document: every flagged account; and words of later acts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from coordinator.api import ledger_reads
from coordinator.console.asked import first_act
from coordinator.console.asked_documents import cents
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, sums_by_asset, worth
from holdfast.protocol import strict_json
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.request_token import body_sha256

#: Pages of acts that are looked through for a reason; who acted more often reads it on its tab.
_MOST_PAGES, _PAGE = 4, 50
_WITHDRAWN, _PROPOSED, _APPROVED = "withdraw", "propose_withdrawal", "approve_withdrawal"
_EXTENSION = "ask_extension"
#: What ratifies a flash may leave addresses out, which is to take them back.
_RATIFIED = "approve"
_TOLD = frozenset({_WITHDRAWN, _PROPOSED, _APPROVED, _EXTENSION, _RATIFIED})


@dataclass(frozen=True)
class Asked:
    """The flagged addresses as the requester wrote them.

    Attributes:
        addresses: By number; None in place of one that was left out when it was approved.
        indemnity: What the requester offers to make good, in its words; None where it does not.
    """

    addresses: Sequence[Mapping[str, Any] | None]
    indemnity: Mapping[str, Any] | None = None

    @property
    def count(self) -> int:
        """How many are asked about."""
        return sum(each is not None for each in self.addresses)

    def at(self, number: int) -> Mapping[str, Any] | None:
        """Return an address by its number; None where there is none."""
        return self.addresses[number] if 0 <= number < len(self.addresses) else None

    def sums(self, assets: KnownAssets) -> list[AmountWords]:
        """Return what is stated, by asset."""
        stated = [each for each in self.addresses if each and each.get("amount")]
        pairs = ((each["asset"], each["amount"]) for each in stated if each.get("asset"))
        return sums_by_asset(pairs, assets)

    @property
    def worth(self) -> str:
        """What they were worth, by the requester; "" where it does not say."""
        return worth([usd_cents(each) for each in self.addresses if each])

    def matching(self, text: str) -> list[int]:
        """Return the numbers of the addresses in which a text stands, or which it names."""
        wanted = text.strip().casefold().removeprefix("no.").strip()
        numbers = [no for no, each in enumerate(self.addresses) if each is not None]
        if not wanted:
            return numbers
        if wanted.isdecimal() and len(wanted) <= len(str(len(self.addresses))):
            return [no for no in numbers if str(no) == wanted]
        return [no for no in numbers if wanted in self._text(no)]

    def _text(self, number: int) -> str:
        address = self.addresses[number] or {}
        said = (address.get("account", ""), address.get("tag") or "", address.get("note") or "")
        return "\n".join(said).casefold()

    @cached_property
    def by_account(self) -> Mapping[str, list[int]]:
        """The numbers of each account, by CAIP-10 and by the address alone, in lower case."""
        found: dict[str, list[int]] = {}
        for number, each in enumerate(self.addresses):
            if each is None:
                continue
            account = str(each["account"]).casefold()
            for name in {account, account.split(":", 2)[-1]}:
                found.setdefault(name, []).append(number)
        return found


def usd_cents(address: Mapping[str, Any]) -> int | None:
    """Return what an address was worth, in US cents; None where nobody says it."""
    usd = address.get("usd")
    return None if usd is None else cents(usd["value"])


def read_asked(visit: Visit, request_id: str) -> Asked:
    """Return what is asked; nothing where the document was erased."""
    first = first_act(visit, request_id)
    body = first.get("remainder") or first.get("body")
    document = {} if body is None else strict_json.loads(body.encode())
    indemnity = document.get("indemnity") or {}
    offered = indemnity if indemnity.get("offered") else None
    return Asked(document.get("addresses", []), offered)


@dataclass(frozen=True, slots=True)
class Said:
    """What the requester signed after the request: why it withdrew, how long one should hold.

    Attributes:
        withdrawals: (numbers, or None for all; reason) of each withdrawal, the newest first.
        extensions: The last wish for a later end, by hold: (end, reason).
    """

    withdrawals: Sequence[tuple[frozenset[int] | None, str]] = ()
    extensions: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def withdrawn(self, number: int) -> str | None:
        """Return why an address was taken back; None where it was not."""
        return self.why_withdrawn(number) if self._is_withdrawn(number) else None

    def _is_withdrawn(self, number: int) -> bool:
        return any(numbers is None or number in numbers for numbers, _ in self.withdrawals)

    def why_withdrawn(self, number: int) -> str:
        """Return the reason, in the requester's words; "" where none is stated."""
        fits = (why for numbers, why in self.withdrawals if numbers is None or number in numbers)
        return next(fits, "")


def read_said(visit: Visit, request_id: str) -> Said:
    """Return what the requester signed after the request.

    A withdrawal that one lead proposed counts once another has approved exactly that.
    """
    withdrawals: list[tuple[frozenset[int] | None, str]] = []
    extensions: dict[str, tuple[str, str]] = {}
    signed = list(_signed(visit, request_id))
    approved = {body.get("act_sha256") for act, _, body in signed if act == _APPROVED}
    for act, digest, body in signed:
        if act == _WITHDRAWN or (act == _PROPOSED and digest in approved):
            numbers = body.get("addresses")
            about = frozenset(numbers) if isinstance(numbers, list) else None
            withdrawals.append((about, str(body.get("reason", ""))))
        elif body.get("except"):
            withdrawals.append((frozenset(body["except"]), str(body.get("comment") or "")))
        elif act == _EXTENSION:
            extensions[body["hold"]] = (body["hold_expires_at"], body["reason"])
    return Said(withdrawals[::-1], extensions)


def _signed(visit: Visit, request_id: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    cursor = None
    for _ in range(_MOST_PAGES):
        page = _acts(visit, request_id, cursor)
        for each in page["items"]:
            if each["act"] in _TOLD and each["body"]:
                body = each["body"]
                yield each["act"], body_sha256(body.encode()), strict_json.loads(body.encode())
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _acts(visit: Visit, request_id: str, cursor: str | None) -> Mapping[str, Any]:
    given = {"limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
    query = ledger_reads.EvidenceQuery.model_validate(given)
    page: Mapping[str, Any] = visit.read(ledger_reads.list_evidence, query, request_id=request_id)
    return page
