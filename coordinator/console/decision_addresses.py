"""The addresses of a request as a lead looks at them: the worst first, the rest as a table.

All of it is computed from what is in memory (`asked_documents`), for the few rows that are shown.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

from coordinator.console import explorers, words
from coordinator.console.asked_documents import AskedAddress, AskedDocument, total_usd
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.asked_sums import AskedSum
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import Chain, Chains
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.vocabulary import ABOUT_OTHER_REQUESTS, ACCEPTED_SINGLY, WarningCode

#: Rows of the table; addresses that a kind of warning shows; those with a reason of their own.
_MOST_DIGITS = 5
PAGE_ROWS, KIND_ROWS, SINGLE_ROWS = 40, 10, 30
#: So many addresses are shown on one page, with what is frozen of each.
WHOLE_ROWS = 100

#: Kinds of warning, the worst first, with their headings.
KINDS: Mapping[WarningCode, str] = MappingProxyType(
    {
        WarningCode.SERVICE_WALLET: "A wallet of a service",
        WarningCode.TOKEN_CONTRACT: "A token's own contract",
        WarningCode.NO_KEY: "Nobody holds the key",
        WarningCode.MISSING_TAG: "The tag is missing",
        WarningCode.WHOLE_ACCOUNT: "Whole account asked for",
        WarningCode.NO_CHECKSUM: "Written without a checksum",
        WarningCode.DUPLICATE: "Also in another live request",
    }
)


class AddressLine(NamedTuple):
    """One address as a row.

    Attributes:
        number: In the request; programs and the terminal call it the same.
        account: For people, without its chain.
        amount: Ready, with its unit; "" as unit where nothing is stated.
        usd: What its submitter says it was worth; "" where they do not.
        chain: Its name.
        parts: What else is stated: (term, value), each in its submitter's words.
        url: An explorer's page.
        tx_url: The same for its transaction.
        is_out: Whether it is to be left out.
        frozen: What is held there already, and at whom; "" where nothing is, or too many to tell.
        least: From which amount on deposits wait where they are screened; "" from any.
    """

    number: int
    account: str
    amount: str
    unit: str
    usd: str
    chain: str
    tag: str | None
    tx: str | None
    note: str | None
    why: str | None
    url: str
    tx_url: str
    is_out: bool
    frozen: str = ""
    least: str = ""


class Kind(NamedTuple):
    """A kind of warning with the addresses that carry it.

    Attributes:
        numbers: All that carry it.
        sums: What they ask for, in words.
        is_own: Each is accepted by itself, with a reason of its own.
        is_silent: It is about other requests, and the partners asked never hear of it.
        lines: The worst of them.
        requests: The other requests that it is about.
    """

    code: WarningCode
    title: str
    detail: str
    numbers: Sequence[int]
    sums: str
    is_own: bool
    is_silent: bool
    lines: Sequence[AddressLine]
    requests: Sequence[str]

    @property
    def more(self) -> int:
        """How many it does not show."""
        return len(self.numbers) - len(self.lines)


@dataclass(frozen=True, slots=True)
class TableState:
    """Which part of the table is shown, as its URL says.

    Attributes:
        q: What is looked for.
        sort: "sum" or "no".
        show: "rest" (no warning), "all", or a kind of warning.
        start: How many rows are before the page.
    """

    q: str = ""
    sort: str = "sum"
    show: str = "rest"
    start: int = 0

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "TableState":
        """Read it from a URL or a form; what makes no sense is left at its default."""
        sort, show, start = values.get("sort"), values.get("show"), values.get("from", "")
        return cls(
            q=values.get("q", "").strip()[:200],
            sort="no" if sort == "no" else "sum",
            show=show if show == "all" or show in set(WarningCode) else "rest",
            start=int(start)
            if start.isascii() and start.isdigit() and len(start) <= _MOST_DIGITS
            else 0,
        )

    def query(self, **changes: Any) -> str:
        """Return the URL's query of another part of it."""
        new = replace(self, **changes)
        pairs = {"q": new.q, "sort": new.sort, "show": new.show, "from": str(new.start)}
        usual = {"q": "", "sort": "sum", "show": "rest", "from": "0"}
        return urlencode({name: each for name, each in pairs.items() if each != usual[name]})


class TablePage(NamedTuple):
    """What is shown of the table."""

    lines: Sequence[AddressLine]
    total: int
    first: int
    before: str | None
    after: str | None


@dataclass
class Addresses:
    """The addresses of one request, with what was warned of.

    Attributes:
        document: What was signed.
        warnings: Of the decision context.
        assets: Symbols and decimals.
        left_out: Numbers of those that are to be left out.
        frozen: What is held already, by number, in words.
    """

    document: AskedDocument
    warnings: Sequence[Mapping[str, Any]]
    assets: KnownAssets
    left_out: Collection[int] = frozenset()
    frozen: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def only_chain(self) -> str:
        """The chain's name where all addresses are on one; "" where there are several."""
        ids = {each.account.rpartition(":")[0] for each in self.document.addresses}
        return self.line(self.document.addresses[0]).chain if len(ids) == 1 else ""

    @property
    def rows(self) -> int:
        """How many rows a page of the table has."""
        return WHOLE_ROWS if len(self.document.addresses) <= WHOLE_ROWS else PAGE_ROWS

    @property
    def chains(self) -> Chains:
        """The table of chains."""
        return self.assets.chains

    @cached_property
    def warned(self) -> frozenset[int]:
        """Numbers of the addresses that may be wrong."""
        return frozenset().union(*(each["address_nos"] for each in self.warnings))

    @cached_property
    def kinds(self) -> Sequence[Kind]:
        """The kinds of warning, the worst first."""
        by_code = {WarningCode(each["code"]): each for each in self.warnings}
        return [self._kind(code, by_code[code]) for code in KINDS if code in by_code]

    def _kind(self, code: WarningCode, warning: Mapping[str, Any]) -> Kind:
        numbers = warning["address_nos"]
        most = SINGLE_ROWS if code in ACCEPTED_SINGLY else KIND_ROWS
        detail = str(warning["detail"])
        return Kind(
            code=code,
            title=KINDS[code],
            detail=f"{detail[:1].upper()}{detail[1:]}.",
            numbers=numbers,
            sums=words.sums(self.document.sums_of(numbers), self.assets),
            is_own=code in ACCEPTED_SINGLY,
            is_silent=code in ABOUT_OTHER_REQUESTS,
            lines=[self.line(each) for each in self._worst(numbers)[:most]],
            requests=warning.get("requests", ()),
        )

    def _worst(self, numbers: Iterable[int]) -> list[AskedAddress]:
        among = frozenset(numbers)
        return [each for each in self.document.by_sum if each.number in among]

    @cached_property
    def warned_words(self) -> str:
        """What the addresses ask for that may be wrong, and how much of the sum that is."""
        asked = self.document.sums_of(sorted(self.warned))
        said = words.sums(asked, self.assets)
        share = self._share(asked)
        return said if share is None else f"{said}, {share} of the sum"

    def _share(self, part: Sequence[AskedSum]) -> str | None:
        """Return how much of all that is asked a part is; None where it cannot be said."""
        whole = self.document.sums
        if len(whole) == 1 and whole[0].base_units and part:
            return words.share(part[0].base_units, whole[0].base_units)
        total = self.document.usd_cents
        if not total or any(each.usd_cents is None for each in self.document.addresses):
            return None
        own = total_usd(self.document.addresses[number] for number in self.warned)
        return words.share(own or 0, total)

    def going_out(self) -> Sequence[AskedSum]:
        """Return what is asked for without the addresses left out, by asset."""
        if not self.left_out:
            return self.document.sums
        out = frozenset(self.left_out)
        return self.document.sums_of(
            each.number for each in self.document.addresses if each.number not in out
        )

    def page(self, state: TableState) -> TablePage:
        """Return one page of the table."""
        found = self._found(state)
        start = state.start if state.start < len(found) else 0
        shown = found[start : start + self.rows]
        rest = len(found) - start - len(shown)
        return TablePage(
            lines=[self.line(each) for each in shown],
            total=len(found),
            first=start,
            before=state.query(start=max(0, start - self.rows)) if start else None,
            after=state.query(start=start + self.rows) if rest else None,
        )

    def _found(self, state: TableState) -> Sequence[AskedAddress]:
        document = self.document
        found = document.by_sum if state.sort == "sum" else document.addresses
        if state.q:
            return [each for each in found if _fits(each, state.q.casefold())]
        if state.show == "all":
            return found
        if state.show == "rest":
            return [each for each in found if each.number not in self.warned]
        mine = frozenset(
            number
            for each in self.warnings
            if each["code"] == state.show
            for number in each["address_nos"]
        )
        return [each for each in found if each.number in mine]

    def line(self, address: AskedAddress) -> AddressLine:
        """Return one address as a row."""
        chain, account = self._account(address)
        amount = words.stated(address.amount, address.asset, self.assets)
        return AddressLine(
            number=address.number,
            account=account,
            amount=amount.number,
            unit=amount.unit,
            usd="" if address.usd_cents is None else f"{words.usd_of(address.usd_cents)}, stated",
            chain=address.account.rpartition(":")[0] if chain is None else chain.name,
            tag=address.tag,
            tx=address.tx,
            note=address.note,
            why=address.whole_account,
            url=explorers.account_url(chain, account),
            tx_url=explorers.transaction_url(chain, address.tx) if address.tx else "",
            is_out=address.number in self.left_out,
            frozen=self.frozen.get(address.number, ""),
            least=self._least(address),
        )

    def _least(self, address: AskedAddress) -> str:
        if address.min_amount is None or address.asset is None:
            return ""
        return str(words.amount(address.min_amount, address.asset, self.assets))

    def _account(self, address: AskedAddress) -> tuple[Chain | None, str]:
        """Return chain and account as the chain writes it."""
        try:
            found = parse_account(self.chains, address.account, address.tag)
        except AccountError:  # the table changed since it was submitted
            return None, address.account.rpartition(":")[2]
        return found.chain, found.display.removeprefix(f"{found.chain.caip2}:")


def _fits(address: AskedAddress, needle: str) -> bool:
    if needle == str(address.number):
        return True
    texts = (address.account, address.tag, address.tx, address.note)
    return any(text is not None and needle in text.casefold() for text in texts)
