"""Looking things up by id and by account, among what one partner may read and nothing else."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, null, or_, select

from coordinator.domain.actor import Viewer
from coordinator.storage.engine.reads import read_as
from coordinator.storage.requests.flagged_accounts import PACKED_AT_ONCE
from coordinator.storage.requests.leg_limits import seen
from coordinator.storage.tables.encumbrances import EncumbranceRow
from coordinator.storage.tables.events import EventAudienceRow, EventRow
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, LedgerLineRow
from coordinator.storage.tables.freeze_requests import (
    ActRow,
    FlaggedAccountRow,
    FreezeRequestRow,
    LegRow,
    PackedAccountsRow,
)
from coordinator.storage.tables.life_cycle import (
    ClearanceRow,
    DisputeRow,
    IndemnityRow,
    InfoRequestRow,
    LeftOutAddressRow,
    LegalOrderRow,
)

_INDEX_BYTES = 16
_HASH_BYTES = 8


class Owner(NamedTuple):
    """Where something with an id belongs: its request, and its leg (None: the request's own)."""

    request_id: str
    leg_id: str | None


class Place(NamedTuple):
    """An address of a request, by its number."""

    request_id: str
    address_no: int


_BY_PREFIX: Mapping[str, tuple[Any, Any, Any]] = MappingProxyType(
    {
        "leg": (LegRow.id, LegRow.request_id, LegRow.id),
        "hld": (HoldLinkRow.hold_id, HoldLinkRow.request_id, HoldLinkRow.leg_id),
        "lin": (LedgerLineRow.id, LedgerLineRow.request_id, LedgerLineRow.leg_id),
        "act": (ActRow.id, ActRow.request_id, ActRow.leg_id),
        "inf": (InfoRequestRow.id, InfoRequestRow.request_id, InfoRequestRow.leg_id),
        "dsp": (DisputeRow.id, DisputeRow.request_id, DisputeRow.leg_id),
        "ord": (LegalOrderRow.id, LegalOrderRow.request_id, LegalOrderRow.leg_id),
        "enc": (EncumbranceRow.id, EncumbranceRow.request_id, EncumbranceRow.leg_id),
        "ind": (IndemnityRow.id, IndemnityRow.request_id, IndemnityRow.leg_id),
        "clr": (ClearanceRow.id, ClearanceRow.request_id, None),
    }
)


def owners(connection: Connection, identifier: str, viewer: Viewer) -> list[Owner]:
    """Return where the thing with an id belongs, as far as a viewer may read there.

    One query whatever the id, so that its time tells nothing of what others have.
    """
    partner = viewer.partner
    prefix = identifier.partition("_")[0]
    if prefix == "evt":
        told = EventAudienceRow.partner == partner
        told_of = (
            select(EventRow.request_id, EventRow.leg_id)
            .join(EventAudienceRow, EventAudienceRow.seq == EventRow.seq)
            .where(EventRow.id == identifier, told, *seen(EventRow.request_id, viewer))
        )
        found = connection.execute(told_of).all()
        return [Owner(request, leg) for request, leg in found if request is not None]
    if prefix not in _BY_PREFIX:
        return []
    id_, request_id, leg_id = _BY_PREFIX[prefix]
    own_leg = (
        select(LegRow.id)
        .where(LegRow.request_id == request_id, LegRow.partner == partner)
        .scalar_subquery()
    )
    is_its = FreezeRequestRow.requester == partner
    if leg_id is None:
        may = or_(is_its, own_leg.is_not(None))
    else:
        # What is on the request as a whole is for whoever was asked, too.
        may = or_(is_its, leg_id == own_leg, leg_id.is_(None) & own_leg.is_not(None))
    of_all = null() if leg_id is None else leg_id
    query = (
        select(request_id.label("request_id"), of_all.label("leg_id"))
        .join(FreezeRequestRow, FreezeRequestRow.id == request_id)
        .where(id_ == identifier, may, *seen(request_id, viewer))
        .order_by(request_id.desc())
        .limit(20)
    )
    return read_as(connection, Owner, query)


def places(
    connection: Connection, viewer: Viewer, indexes: Sequence[bytes], *, most: int
) -> tuple[list[Place], bool]:
    """Return where requests that a viewer may read name an account, ended ones too, newest first.

    Its own along an index; of those that it was asked in, the newest `most`. The second value is
    whether there were more of these.
    """
    hashes = [int.from_bytes(each[:_HASH_BYTES], "big", signed=True) for each in indexes]
    own = select(FlaggedAccountRow.request_id).where(
        FlaggedAccountRow.requester == viewer.partner, FlaggedAccountRow.account_hash.in_(hashes)
    )
    asked = (
        select(LegRow.request_id)
        .where(LegRow.partner == viewer.partner, *seen(LegRow.request_id, viewer))
        .order_by(LegRow.request_id.desc())
        .limit(most + 1)
    )
    received = list(connection.execute(asked).scalars())
    ids = {*connection.execute(own).scalars(), *received[:most]}
    return sorted(_among(connection, sorted(ids), indexes), reverse=True), len(received) > most


def hidden_places(connection: Connection, partner: str, ids: Sequence[str]) -> set[Place]:
    """Return which addresses of requests were left out before `partner` was asked in them."""
    query = (
        select(LeftOutAddressRow.request_id, LeftOutAddressRow.address_no)
        .join(LegRow, LegRow.request_id == LeftOutAddressRow.request_id)
        .where(
            LegRow.partner == partner, ~LegRow.knows_left_out, LeftOutAddressRow.request_id.in_(ids)
        )
    )
    return set(read_as(connection, Place, query))


def _among(connection: Connection, ids: Sequence[str], indexes: Sequence[bytes]) -> set[Place]:
    found: set[Place] = set()
    for start in range(0, len(ids), PACKED_AT_ONCE):
        query = select(
            PackedAccountsRow.request_id,
            PackedAccountsRow.first_no,
            PackedAccountsRow.blind_indexes,
        ).where(PackedAccountsRow.request_id.in_(ids[start : start + PACKED_AT_ONCE]))
        for request_id, first, packed in connection.execute(query):
            found |= {Place(request_id, first + no) for no in _positions(bytes(packed), indexes)}
    return found


def _positions(packed: bytes, indexes: Sequence[bytes]) -> list[int]:
    wanted = {each[:_INDEX_BYTES] for each in indexes}
    return [
        at // _INDEX_BYTES
        for at in range(0, len(packed), _INDEX_BYTES)
        if packed[at : at + _INDEX_BYTES] in wanted
    ]
