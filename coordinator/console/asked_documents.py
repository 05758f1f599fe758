"""What a submitted document asks, and the last few documents that somebody looked at.

A document has up to 20,000 addresses and 16 MiB. It never changes, so what a page needs of it is
kept in memory, by its hash; who may read it is asked of the API each time, before.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

from holdfast.protocol import strict_json
from holdfast.protocol.asked_sums import AskedSum, asked_sums
from holdfast.protocol.chains.chain import Chains

#: Addresses of all documents kept: three of the largest that there may be, about 60 MB.
_MOST_KEPT = 60_000


@dataclass(frozen=True, slots=True)
class AskedAddress:
    """A flagged address as it was signed; `usd_cents` is what its submitter says it was worth."""

    number: int
    account: str
    tag: str | None
    asset: str | None
    amount: str | None
    usd_cents: int | None
    tx: str | None
    block: int | None
    role: str | None
    note: str | None
    whole_account: str | None
    min_amount: str | None = None


@dataclass(frozen=True)
class AskedDocument:
    """A submitted document.

    Attributes:
        kid: The key that signed it.
        words: Its members, but for the addresses.
        addresses: In its order; the number of each is its place.
        chains: The table by which its assets are compared.
    """

    kid: str
    words: Mapping[str, Any]
    addresses: Sequence[AskedAddress]
    chains: Chains = field(repr=False)

    @cached_property
    def sums(self) -> Sequence[AskedSum]:
        """What it asks for, by asset."""
        return asked_sums(self.addresses, self.chains)

    @cached_property
    def usd_cents(self) -> int | None:
        """What all of it was worth, by its submitter; None where no address states it."""
        return total_usd(self.addresses)

    @cached_property
    def by_sum(self) -> Sequence[AskedAddress]:
        """All addresses, the largest sum first: by worth, else by amount within an asset."""
        return sorted(self.addresses, key=_weight)

    def sums_of(self, numbers: Iterable[int]) -> Sequence[AskedSum]:
        """Return what some of the addresses ask for, by asset."""
        return asked_sums((self.addresses[number] for number in numbers), self.chains)


def total_usd(addresses: Iterable[AskedAddress]) -> int | None:
    """Return what addresses are stated to be worth in all, in cents; None where none states it."""
    stated = [each.usd_cents for each in addresses if each.usd_cents is not None]
    return sum(stated) if stated else None


def _weight(address: AskedAddress) -> tuple[int, str, int, int]:
    return (
        -(address.usd_cents or 0),
        address.asset or "~",  # whatever there is comes behind what is named
        -int(address.amount or 0),
        address.number,
    )


class AskedDocuments:
    """The last few documents that were looked at, by their SHA-256."""

    def __init__(self, most: int = _MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[str, AskedDocument] = OrderedDict()
        self._lock = Lock()

    def get(self, content_sha256: str) -> AskedDocument | None:
        """Return a document that is kept."""
        with self._lock:
            found = self._kept.get(content_sha256)
            if found is not None:
                self._kept.move_to_end(content_sha256)
            return found

    def keep(self, content_sha256: str, document: AskedDocument) -> None:
        """Keep one, and let those go that nobody looked at for longest."""
        with self._lock:
            self._kept[content_sha256] = document
            self._kept.move_to_end(content_sha256)
            while len(self._kept) > 1 and self._size() > self._most:
                self._kept.popitem(last=False)

    def _size(self) -> int:
        return sum(len(each.addresses) for each in self._kept.values())


def read_document(kid: str, body: str, chains: Chains) -> AskedDocument:
    """Return what a signed body asks; it was checked when it came in."""
    words = strict_json.loads(body.encode())
    sent = words.pop("addresses")
    addresses = [_address(number, each) for number, each in enumerate(sent)]
    return AskedDocument(kid, words, addresses, chains)


def _address(number: int, sent: Mapping[str, Any]) -> AskedAddress:
    usd = sent.get("usd")
    whole = sent.get("whole_account")
    return AskedAddress(
        number=number,
        account=sent["account"],
        tag=sent.get("tag"),
        asset=sent.get("asset"),
        amount=sent.get("amount"),
        usd_cents=None if usd is None else cents(usd["value"]),
        tx=sent.get("tx"),
        block=sent.get("block"),
        role=sent.get("role"),
        note=sent.get("note") or None,
        whole_account=None if whole is None else whole["why"],
        min_amount=sent.get("min_amount"),
    )


def cents(value: str) -> int:
    """Return a decimal number of dollars in cents."""
    whole, _, fraction = value.partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))
