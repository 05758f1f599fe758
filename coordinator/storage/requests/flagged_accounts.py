"""Which accounts requests flag, as blind indexes, and which live requests flag one already.

Every look-up starts from what the caller may read: from its own requests along an index that is
kept for each requester by itself, and from its own legs to the accounts of those requests. Requests
that it may not read are not touched, so that neither the answer nor its time tells of them. A drill
is compared with drills, and what is real with what is real.

The accounts of a request stand packed in a few rows: while a list of thousands is written, every
other writer of SQLite waits.
"""

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.orm import aliased

from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.prebuilt import Pending, Prebuilt
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.freeze_requests import (
    FlaggedAccountRow,
    FreezeRequestRow,
    LegRow,
    PackedAccountsRow,
)
from coordinator.storage.tables.life_cycle import LeftOutAddressRow, WithdrawnAddressRow
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol.vocabulary import RequestStatus

#: Accounts in one packed row; a look-up reads whole rows.
PACKED_AT_ONCE = 256
_INDEX_BYTES = 16
_HASH_BYTES = 8
_PACKED_COLUMNS = ("request_id", "first_no", "blind_indexes")
_FLAGGED_COLUMNS = ("requester", "account_hash", "request_id")


def _is_live() -> ColumnElement[bool]:
    status = FreezeRequestRow.status
    return or_(status == RequestStatus.SUBMITTED, status == RequestStatus.ACTIVE)


def _is_comparable() -> ColumnElement[bool]:
    return and_(_is_live(), FreezeRequestRow.drill == bindparam("drill"))


def _rows_of(
    dialect: str, columns: Sequence[Any], key: Any, *conditions: ColumnElement[bool]
) -> Select[Any]:
    """Return a query of rows whose `key` is one of `:list`, found one by one along an index.

    PostgreSQL is kept from choosing another way: without statistics, or with old ones, it has taken
    one that goes through all that is stored.

    Args:
        dialect: "sqlite" or "postgresql".
        columns: What is read.
        key: The last column of an index, of which `conditions` fix the others.
        conditions: What else holds.
    """
    given: ColumnElement[Any] = bindparam("list", type_=String())
    if dialect == "sqlite":
        listed = select(func.json_each(given).table_valued("value").c.value)
        return select(*columns).where(*conditions, key.in_(listed))
    values = select(func.unnest(cast(given, ARRAY(key.type))).label("value")).subquery()
    each = (
        select(*columns)
        .where(*conditions, key == values.c.value)
        .offset(literal_column("0"))
        .lateral()
    )
    return select(each).select_from(values).join(each, true())


class Packed(NamedTuple):
    """Some accounts of a request, packed."""

    request_id: str
    first_no: int
    blind_indexes: bytes


class _Readable(NamedTuple):
    request_id: str
    is_newest: bool


class _Gone(NamedTuple):
    request_id: str
    address_no: int


def _readable(dialect: str) -> Prebuilt[_Readable]:
    """Return the ids of live requests that `partner` may read, and that of its newest, marked.

    Of its own requests only those that share an account hash; of those that it was asked in, all.
    """
    partner: ColumnElement[str] = bindparam("partner")
    own = _rows_of(
        dialect,
        [FlaggedAccountRow.request_id],
        FlaggedAccountRow.account_hash,
        FlaggedAccountRow.requester == partner,
    )
    # All of a requester's people read its warnings: of a limited leg none may tell. Those have an
    # index of their own, so that of the others no more is read than an index has.
    limited = aliased(LegRow)
    hidden = select(limited.request_id).where(
        limited.partner == partner, limited.limited_at.is_not(None)
    )
    asked = select(LegRow.request_id).where(
        LegRow.partner == partner, LegRow.request_id.not_in(hidden)
    )
    ids = union(own, asked).subquery()
    is_live = (
        select(_is_comparable()).where(FreezeRequestRow.id == ids.c.request_id).scalar_subquery()
    )
    newest = select(func.max(FreezeRequestRow.id), true()).where(
        FreezeRequestRow.requester == partner
    )
    live = select(ids.c.request_id, false().label("is_newest")).where(is_live)
    return Prebuilt(union_all(live, newest), _Readable)


_PACKED = (
    PackedAccountsRow.request_id,
    PackedAccountsRow.first_no,
    PackedAccountsRow.blind_indexes,
)
_DIALECTS = ("sqlite", "postgresql")
_READABLE = {name: _readable(name) for name in _DIALECTS}
_PACKED_OF = {
    name: Prebuilt(_rows_of(name, _PACKED, PackedAccountsRow.request_id), Packed)
    for name in _DIALECTS
}
_NEWER = Prebuilt(
    select(*_PACKED)
    .join(FreezeRequestRow, FreezeRequestRow.id == PackedAccountsRow.request_id)
    .where(
        FreezeRequestRow.requester == bindparam("partner"),
        FreezeRequestRow.id > bindparam("newest"),
        _is_comparable(),
    ),
    Packed,
)
_LIVE = Prebuilt(select(FreezeRequestRow.id).where(_is_live()), among=FreezeRequestRow.id)
#: Addresses of a request that it does not flag any more, or never did.
_GONE = tuple(
    Prebuilt(select(row.request_id, row.address_no), _Gone, among=row.request_id)
    for row in (WithdrawnAddressRow, LeftOutAddressRow)
)


@dataclass(frozen=True, slots=True)
class FlaggedAccounts:
    """The accounts of one document, in the form in which they are stored and looked for.

    Attributes:
        blind_indexes: One an address, in the order of `address_no`.
        packed: The same, many together, with the number of the first.
        hashes: First bytes of each, as an integer, ascending and once each.
    """

    blind_indexes: tuple[bytes, ...]
    packed: tuple[tuple[int, bytes], ...]
    hashes: tuple[int, ...]

    @classmethod
    def of(cls, blind_indexes: Iterable[bytes]) -> "FlaggedAccounts":
        """Return what is stored of a document's accounts."""
        indexes = tuple(blind_indexes)
        packed = tuple(
            (first, b"".join(indexes[first : first + PACKED_AT_ONCE]))
            for first in range(0, len(indexes), PACKED_AT_ONCE)
        )
        hashes = {int.from_bytes(i[:_HASH_BYTES], "big", signed=True) for i in indexes}
        return cls(indexes, packed, tuple(sorted(hashes)))


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Which live requests flag some of a document's accounts, as far as one partner may read them.

    Attributes:
        by_request: The shared accounts of each, as blind indexes; what was withdrawn or left out is
            not there.
        newest: The id of the partner's newest request that was seen.
        drill: Whether drills were looked at, or what is real.
    """

    by_request: Mapping[str, frozenset[bytes]]
    newest: str
    drill: bool


def insert(
    connection: Connection, requester: str, request_id: str, accounts: FlaggedAccounts
) -> None:
    """Store the accounts of a request."""
    packed = [(request_id, first, indexes) for first, indexes in accounts.packed]
    insert_rows(connection, PackedAccountsRow, _PACKED_COLUMNS, packed)
    flagged = [(requester, each, request_id) for each in accounts.hashes]
    insert_rows(connection, FlaggedAccountRow, _FLAGGED_COLUMNS, flagged)


def look_up(
    connection: Connection, partner: str, accounts: FlaggedAccounts, *, drill: bool
) -> Duplicates:
    """Return the live requests that `partner` may read and that flag the same accounts.

    Of a drill (`drill`) those are drills, else what is real.
    """
    dialect = connection.dialect.name
    hashes = _spelled(dialect, map(str, accounts.hashes))
    found = _READABLE[dialect].rows(connection, partner=partner, list=hashes, drill=drill)
    newest = next(request_id for request_id, is_newest in found if is_newest)
    ids = [f'"{request_id}"' for request_id, is_newest in found if not is_newest]
    packed = _PACKED_OF[dialect].rows(connection, list=_spelled(dialect, ids)) if ids else []
    return Duplicates(_shared(connection, packed, accounts), newest or "", drill)


class Place(NamedTuple):
    """An address of a request."""

    request_id: str
    address_no: int


def places_of(connection: Connection, blind_index: bytes) -> list[Place]:
    """Return where any request states an account, whoever may read it: for nobody's eyes.

    As long as a request is not erased it states what it stated, ended or not.
    """
    account_hash = int.from_bytes(blind_index[:_HASH_BYTES], "big", signed=True)
    requesters = select(PartnerRow.handle)
    query = select(FlaggedAccountRow.request_id).where(
        FlaggedAccountRow.requester.in_(requesters), FlaggedAccountRow.account_hash == account_hash
    )
    ids = list(connection.execute(query).scalars())
    if not ids:
        return []
    dialect = connection.dialect.name
    listed = _spelled(dialect, [f'"{each}"' for each in ids])
    return sorted(
        Place(packed.request_id, packed.first_no + number)
        for packed in _PACKED_OF[dialect].rows(connection, list=listed)
        for number, index in enumerate(_unpacked(bytes(packed.blind_indexes)))
        if index == blind_index
    )


def same_accounts(
    connection: Connection, request_id: str, numbers: Collection[int]
) -> dict[int, bytes]:
    """Return what stands for the account of each of a request's addresses: equal where it is."""
    wanted = {number - number % PACKED_AT_ONCE for number in numbers}
    query = select(PackedAccountsRow.first_no, PackedAccountsRow.blind_indexes).where(
        PackedAccountsRow.request_id == request_id, PackedAccountsRow.first_no.in_(wanted)
    )
    rows = connection.execute(query).all() if wanted else []
    packed = {first: _unpacked(bytes(indexes)) for first, indexes in rows}
    return {
        number: packed[number - number % PACKED_AT_ONCE][number % PACKED_AT_ONCE]
        for number in numbers
    }


def _spelled(dialect: str, items: Iterable[str]) -> str:
    """Return a list as `_rows_of` takes it."""
    inside = ",".join(items)
    return f"[{inside}]" if dialect == "sqlite" else f"{{{inside}}}"


def send_newer(connection: Connection, partner: str, seen: Duplicates) -> Pending[Packed]:
    """Send the query, in the writing transaction, for what `partner` submitted since `seen`."""
    return _NEWER.send(connection, partner=partner, newest=seen.newest, drill=seen.drill)


def read_up_to_date(
    connection: Connection, seen: Duplicates, newer: Pending[Packed], accounts: FlaggedAccounts
) -> Mapping[str, frozenset[bytes]]:
    """Read the answer of `send_newer`, and drop requests of `seen` that have ended since."""
    earlier, live = list(seen.by_request), set()
    for some in batches(earlier):
        live |= set(_LIVE.rows(connection, among=some))
    still = {
        request_id: shared for request_id, shared in seen.by_request.items() if request_id in live
    }
    return still | _shared(connection, newer.rows(), accounts)


def _shared(
    connection: Connection, packed: Collection[Packed], accounts: FlaggedAccounts
) -> dict[str, frozenset[bytes]]:
    """Return which of `accounts` stand in packed rows, by request, less what is gone."""
    wanted = frozenset(accounts.blind_indexes)
    places: dict[str, dict[int, bytes]] = {}
    for request_id, first, indexes in packed:
        each = _unpacked(bytes(indexes))
        if not wanted.isdisjoint(each):
            shared = {n: index for n, index in enumerate(each, first) if index in wanted}
            places.setdefault(request_id, {}).update(shared)
    requests = list(places)
    for some in batches(requests):
        for gone in _GONE:
            for row in gone.rows(connection, among=some):
                places[row.request_id].pop(row.address_no, None)
    return {request_id: frozenset(at.values()) for request_id, at in places.items() if at}


def _unpacked(indexes: bytes) -> Sequence[bytes]:
    return _form(len(indexes) // _INDEX_BYTES).unpack(indexes)


@cache
def _form(count: int) -> struct.Struct:
    return struct.Struct(f"{_INDEX_BYTES}s" * count)
