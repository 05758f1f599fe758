"""A set of flagged accounts in memory: some forty bytes a flag, and nearly as fast as a set.

Accounts themselves are not kept, but Python's own 64-bit hashes of them: keyed by a secret of the
process (SipHash), so that nobody can make an account that meets another's. By chance one of 10^7
flags is met once in 10^12 look-ups.

A bit of `_filter` tells whether any flag falls into a slot: most accounts are flagged nowhere, and
one look says so; a byte a flag stays in the processor's cache. The others are looked for in a
bucket of a dozen hashes, at memory speed.
"""

import struct
import sys
from array import array
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

_HASH = struct.Struct("<q")
_RECORD = struct.Struct("<III")
#: A bucket is made for so many flags; from more on there are twice as many buckets.
_FLAGS_IN_BUCKET = 16
#: Bytes of the filter for each bucket, as a power of two: eight slots for each flag at least.
_FILTER_BITS = 4
_FEWEST_BUCKET_BITS = 4

Terms = tuple[str | None, str | None]


class FoundFlag(NamedTuple):
    """A flag of an account: which request, which address of it, and on what terms."""

    request: str
    address_no: int
    asset: str | None
    min_amount: str | None


class RequestLines:
    """The flags of one request on their way into the set, as numbers.

    Attributes:
        hashes: Of the accounts.
        numbers: `address_no` of each.
        terms: Place of its terms, as `FlagSet.place_of` says.
    """

    __slots__ = ("hashes", "numbers", "terms")

    def __init__(self) -> None:
        self.hashes, self.numbers, self.terms = array("q"), array("I"), array("I")

    def append(self, key: str, number: int, terms: int) -> None:
        """Add the flag of an account."""
        self.hashes.append(hash(key))
        self.numbers.append(number)
        self.terms.append(terms)


class FlagSet:
    """Accounts by their comparison keys (`holdfast.comparison_key`), and what flags each."""

    def __init__(self) -> None:
        self._count = 0
        self._requests: list[str | None] = []
        self._places: dict[str, int] = {}
        self._free: list[int] = []
        self._lines_of: dict[str, tuple[array[int], array[int]]] = {}
        self._terms: list[Terms] = []
        self._terms_places: dict[Terms, int] = {}
        self._make_room(_FEWEST_BUCKET_BITS)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: str) -> bool:
        number = hash(key)
        return (
            self._filter[number >> 3 & self._filter_mask] >> (number & 7) & 1 == 1
            # That the ends of two hashes are a third is as likely as that two are the same.
            and _HASH.pack(number) in self._hashes[number & self._bucket_mask]
        )

    def flagged_of(self, keys: Iterable[str]) -> list[str]:
        """Return those of many accounts that are flagged, in order; the fastest way to ask."""
        bits, bits_mask = self._filter, self._filter_mask
        hashes, bucket_mask, pack = self._hashes, self._bucket_mask, _HASH.pack
        found = []
        for key in keys:
            number = hash(key)
            if (
                bits[number >> 3 & bits_mask] >> (number & 7) & 1
                and pack(number) in hashes[number & bucket_mask]
            ):
                found.append(key)
        return found

    def find(self, key: str) -> list[FoundFlag]:
        """Return every flag of an account."""
        number = hash(key)
        if key not in self:
            return []
        records = self._records[number & self._bucket_mask]
        found = []
        for at in self._places_in_bucket(number):
            place, address_no, terms = _RECORD.unpack_from(records, at * _RECORD.size)
            request = self._requests[place]
            if request is not None:
                found.append(FoundFlag(request, address_no, *self._terms[terms]))
        return found

    def place_of(self, asset: str | None, min_amount: str | None) -> int:
        """Return where terms stand; few are different."""
        terms = (asset, min_amount)
        place = self._terms_places.get(terms)
        if place is None:
            place = self._terms_places[terms] = len(self._terms)
            self._terms.append(terms)
        return place

    def put(self, request: str, lines: RequestLines) -> None:
        """Put the flags of a request in the place of those that it had."""
        self.drop(request)
        place = self._free.pop() if self._free else len(self._requests)
        if place == len(self._requests):
            self._requests.append(None)
        self._requests[place], self._places[request] = request, place
        self._lines_of[request] = lines.hashes, lines.numbers
        self._make_room_for(self._count + len(lines.hashes))
        hashes, records, mask = self._hashes, self._records, self._bucket_mask
        pack_hash, pack_record = _HASH.pack, _RECORD.pack
        bits, bits_mask = self._filter, self._filter_mask
        for number, address_no, terms in zip(lines.hashes, lines.numbers, lines.terms, strict=True):
            bucket = number & mask
            hashes[bucket] += pack_hash(number)
            records[bucket] += pack_record(place, address_no, terms)
            bits[number >> 3 & bits_mask] |= 1 << (number & 7)
        self._count += len(lines.hashes)

    def drop(self, request: str) -> None:
        """Take out all flags of a request; one that is not there is no error."""
        place = self._places.pop(request, None)
        if place is None:
            return
        hashes, numbers = self._lines_of.pop(request)
        for number, address_no in zip(hashes, numbers, strict=True):
            self._remove(number, place, address_no)
        self._requests[place] = None
        self._free.append(place)
        self._count -= len(hashes)

    def drop_some(self, request: str, address_nos: Collection[int]) -> None:
        """Take out some flags of a request; what is not there is no error."""
        place = self._places.get(request)
        if place is None:
            return
        hashes, numbers = array("q"), array("I")
        before = self._lines_of[request]
        for number, address_no in zip(*before, strict=True):
            if address_no in address_nos:
                self._remove(number, place, address_no)
            else:
                hashes.append(number)
                numbers.append(address_no)
        self._lines_of[request] = hashes, numbers
        self._count -= len(before[0]) - len(hashes)

    def requests(self) -> frozenset[str]:
        """Return the requests that it has flags of."""
        return frozenset(self._places)

    def size_bytes(self) -> int:
        """Return how much memory it takes, as Python counts it."""
        parts: list[object] = [self._filter, self._hashes, self._records, self._requests]
        parts += [self._lines_of, self._places, *self._hashes, *self._records]
        for lines in self._lines_of.values():
            parts += [lines, *lines]
        return sum(sys.getsizeof(part) for part in parts)

    def _places_in_bucket(self, number: int) -> Iterator[int]:
        bucket, wanted = self._hashes[number & self._bucket_mask], _HASH.pack(number)
        at = bucket.find(wanted)
        while at >= 0:
            place, rest = divmod(at, _HASH.size)
            if rest == 0:
                yield place
            at = bucket.find(wanted, at + 1)

    def _remove(self, number: int, request: int, address_no: int) -> None:
        """Take out one flag of an account that a request has; its bit of the filter stays set."""
        bucket = number & self._bucket_mask
        records = self._records[bucket]
        for at in self._places_in_bucket(number):
            start = at * _RECORD.size
            if _RECORD.unpack_from(records, start)[:2] == (request, address_no):
                self._records[bucket] = records[:start] + records[start + _RECORD.size :]
                hashes, start = self._hashes[bucket], at * _HASH.size
                self._hashes[bucket] = hashes[:start] + hashes[start + _HASH.size :]
                return

    def _make_room_for(self, count: int) -> None:
        bits = self._bucket_bits
        while count > _FLAGS_IN_BUCKET << bits:
            bits += 1
        if bits != self._bucket_bits:
            hashes, records = self._hashes, self._records
            self._make_room(bits)
            for some_hashes, some_records in zip(hashes, records, strict=True):
                self._spread(some_hashes, some_records)

    def _make_room(self, bits: int) -> None:
        self._bucket_bits = bits
        self._bucket_mask = (1 << bits) - 1
        self._filter_mask = (1 << (bits + _FILTER_BITS)) - 1
        self._filter = bytearray(self._filter_mask + 1)
        self._hashes: list[bytes] = [b""] * (1 << bits)
        self._records: list[bytes] = [b""] * (1 << bits)

    def _spread(self, hashes: bytes, records: bytes) -> None:
        """Put what was in one bucket into the buckets that it falls into now."""
        size = _RECORD.size
        for at, (number,) in enumerate(_HASH.iter_unpack(hashes)):
            bucket = number & self._bucket_mask
            self._hashes[bucket] += _HASH.pack(number)
            self._records[bucket] += records[at * size : (at + 1) * size]
            self._filter[number >> 3 & self._filter_mask] |= 1 << (number & 7)
