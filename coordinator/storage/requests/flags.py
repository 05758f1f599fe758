"""What a partner screens for: its live legs, when that changed, and how far it applied it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from coordinator.domain.actor import Viewer
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import fields_from, read_as
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.requests.leg_limits import seen
from coordinator.storage.tables.flags import AppliedFlagsRow, FlagChangeRow
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow, LegRow
from coordinator.storage.tables.life_cycle import LeftOutAddressRow, WithdrawnAddressRow
from holdfast.protocol.vocabulary import RequestStatus

_CHANGE_COLUMNS = ("partner", "seq", "request_id")


class LiveLeg(NamedTuple):
    """A request that is live, as one partner was asked about it."""

    request_id: str
    requester: str
    status: str
    provisional: bool
    unratified_until: datetime | None
    address_count: int
    withdrawn_count: int
    left_out_count: int
    withdrawal_reason: str | None
    document_key_id: str
    sealed_lines_hash: bytes | None
    flags_renewed_at: datetime | None
    queued_at: datetime
    knows_left_out: bool
    contested_nos: Sequence[int] | None

    @property
    def is_live(self) -> bool:
        """Whether the request counts at all."""
        return self.status == RequestStatus.ACTIVE

    @property
    def hides_left_out(self) -> bool:
        """Whether the partner hears of no address that the approval left out."""
        return self.left_out_count > 0 and not self.knows_left_out


class FlagChange(NamedTuple):
    """That the flags of a request changed for a partner."""

    seq: int
    request_id: str


class AppliedFlags(NamedTuple):
    """How far a partner applied its flags, and what it held since."""

    partner: str
    act_id: str
    seq: int
    root: str
    flag_count: int
    hit_count: int
    applied_by: str
    applied_at: datetime


def _legs(viewer: Viewer) -> Select[tuple[object, ...]]:
    """Return what selects the legs that a viewer sees, but for drills: those flag nothing.

    In the order of `LiveLeg`.
    """
    return (
        select(
            FreezeRequestRow.id.label("request_id"),
            *fields_from(LiveLeg, FreezeRequestRow),
            LegRow.queued_at,
            LegRow.knows_left_out,
            LegRow.contested_nos,
        )
        .join(FreezeRequestRow, FreezeRequestRow.id == LegRow.request_id)
        .where(
            LegRow.partner == viewer.partner,
            ~FreezeRequestRow.drill,
            *seen(LegRow.request_id, viewer),
        )
    )


def append_changes(connection: Connection, changes: Sequence[tuple[str, int, str]]) -> None:
    """Store that flags changed, as (partner, number of the event, request)."""
    insert_rows(connection, FlagChangeRow, _CHANGE_COLUMNS, changes)


def newest_change(connection: Connection, partner: str) -> int:
    """Return the number of a partner's newest change; 0 where there is none."""
    query = select(func.max(FlagChangeRow.seq)).where(FlagChangeRow.partner == partner)
    return connection.execute(query).scalar() or 0


def changes(connection: Connection, partner: str, *, after: int, limit: int) -> list[FlagChange]:
    """Return a partner's changes above a number, in order."""
    query = (
        select(FlagChangeRow.seq, FlagChangeRow.request_id)
        .where(FlagChangeRow.partner == partner, FlagChangeRow.seq > after)
        .order_by(FlagChangeRow.seq)
        .limit(limit)
    )
    return read_as(connection, FlagChange, query)


def told_before(
    connection: Connection, partner: str, request_ids: Collection[str], seq: int
) -> set[str]:
    """Return those of these requests of which a change up to this one was told to a partner."""
    found: set[str] = set()
    for some in batches(sorted(set(request_ids))):
        query = select(FlagChangeRow.request_id).where(
            FlagChangeRow.partner == partner,
            FlagChangeRow.request_id.in_(some),
            FlagChangeRow.seq <= seq,
        )
        found |= set(connection.execute(query.distinct()).scalars())
    return found


def live_legs(connection: Connection, viewer: Viewer, *, since: str, limit: int) -> list[LiveLeg]:
    """Return what a viewer's partner is asked about, by request id, from that of `since` on."""
    query = (
        _legs(viewer)
        .where(
            # As the index has it: what ended is not passed over row by row.
            ~LegRow.ended,
            FreezeRequestRow.status == RequestStatus.ACTIVE,
            LegRow.request_id >= since,
        )
        .order_by(LegRow.request_id)
        .limit(limit)
    )
    return read_as(connection, LiveLeg, query)


def legs_of(connection: Connection, viewer: Viewer, request_ids: Collection[str]) -> list[LiveLeg]:
    """Return these requests as the viewer's partner was asked about them, live or not."""
    found: list[LiveLeg] = []
    for some in batches(sorted(set(request_ids))):
        found += read_as(connection, LiveLeg, _legs(viewer).where(LegRow.request_id.in_(some)))
    return found


def gone_addresses(
    connection: Connection, request_ids: Collection[str]
) -> Mapping[str, dict[int, str | None]]:
    """Return which addresses of these requests were withdrawn, with the reason."""
    found: dict[str, dict[int, str | None]] = {}
    for some in batches(sorted(set(request_ids))):
        query = select(
            WithdrawnAddressRow.request_id,
            WithdrawnAddressRow.address_no,
            WithdrawnAddressRow.reason,
        ).where(WithdrawnAddressRow.request_id.in_(some))
        for request_id, number, reason in connection.execute(query).all():
            found.setdefault(request_id, {})[number] = reason
    return found


def left_out_addresses(
    connection: Connection, request_ids: Collection[str]
) -> Mapping[str, set[int]]:
    """Return which addresses the approvals of these requests left out."""
    found: dict[str, set[int]] = {}
    for some in batches(sorted(set(request_ids))):
        query = select(LeftOutAddressRow.request_id, LeftOutAddressRow.address_no)
        for request_id, number in connection.execute(
            query.where(LeftOutAddressRow.request_id.in_(some))
        ):
            found.setdefault(request_id, set()).add(number)
    return found


def submit_acts(connection: Connection, request_ids: Collection[str]) -> dict[str, str]:
    """Return the acts that submitted these requests, by request."""
    found: dict[str, str] = {}
    for some in batches(sorted(set(request_ids))):
        query = select(ActRow.request_id, ActRow.id).where(
            ActRow.request_id.in_(some), ActRow.kind == "submit"
        )
        found |= dict(connection.execute(query).all())
    return found


def renew(connection: Connection, request_id: str, at: datetime) -> None:
    """Note that deposits are screened for a request from now on as if it had just gone out."""
    connection.execute(
        update(FreezeRequestRow)
        .where(FreezeRequestRow.id == request_id)
        .values(flags_renewed_at=at)
    )


def applied(connection: Connection, partner: str) -> AppliedFlags | None:
    """Return how far a partner applied its flags; None where it never said so."""
    query = select(AppliedFlagsRow.__table__).where(AppliedFlagsRow.partner == partner)
    found = read_as(connection, AppliedFlags, query)
    return found[0] if found else None


def set_applied(connection: Connection, now: AppliedFlags) -> None:
    """Store how far a partner applied its flags in the place of what it said before."""
    connection.execute(delete(AppliedFlagsRow).where(AppliedFlagsRow.partner == now.partner))
    connection.execute(insert(AppliedFlagsRow).values(**now._asdict()))
