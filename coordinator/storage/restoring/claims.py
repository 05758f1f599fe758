"""Claims on a pool, and which of them name the same address or transaction."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, update
from sqlalchemy.orm import aliased

from coordinator.domain.errors import ConflictError
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import read, read_one
from coordinator.storage.engine.rows import insert_rows, mapping_rows, new_row
from coordinator.storage.tables.restitutions import ClaimKeyRow, ClaimRow
from holdfast.protocol.vocabulary import ClaimStatus

#: What a claim says, sealed under its id.
DOCUMENT = "claim"
#: Doubles that are shown of one claim.
MOST_DOUBLES = 20
_COLUMNS = tuple(ClaimRow.__table__.columns.keys())
_KEY_COLUMNS = ("restitution_id", "key", "claim_id")
_OTHER = aliased(ClaimKeyRow)


def insert_claims(
    connection: Connection,
    rows: Sequence[Mapping[str, object]],
    keys: Sequence[tuple[str, bytes, str]],
) -> None:
    """Store claims with the blind indexes of what each names."""
    nothing: dict[str, object] = dict.fromkeys(_COLUMNS)
    whole = [nothing | dict(row) for row in rows]
    insert_rows(connection, ClaimRow, _COLUMNS, mapping_rows(whole, _COLUMNS))
    insert_rows(connection, ClaimKeyRow, _KEY_COLUMNS, keys)


def get(connection: Connection, restitution_id: str, claim_id: str) -> ClaimRow | None:
    """Return a claim of a restitution."""
    query = select(ClaimRow).where(
        ClaimRow.id == claim_id, ClaimRow.restitution_id == restitution_id
    )
    return read_one(connection, query)


class WantedClaims(NamedTuple):
    """Which claims of a restitution.

    Attributes:
        filed_by: By this member alone; None: by anybody.
        status: Only those that stand there.
        after: The id that a page goes on after; "" at the start.
    """

    restitution_id: str
    filed_by: str | None = None
    status: ClaimStatus | None = None
    after: str = ""


def page(connection: Connection, wanted: WantedClaims, limit: int) -> list[ClaimRow]:
    """Return claims of a restitution in the order in which they were filed."""
    query = select(ClaimRow).where(
        ClaimRow.restitution_id == wanted.restitution_id, ClaimRow.id > wanted.after
    )
    if wanted.filed_by is not None:
        query = query.where(ClaimRow.filed_by == wanted.filed_by)
    if wanted.status is not None:
        query = query.where(ClaimRow.status == wanted.status.value)
    return read(connection, query.order_by(ClaimRow.id).limit(limit))


def change(connection: Connection, row: ClaimRow, **values: Any) -> ClaimRow:
    """Write new values to a claim; returns it as it is now.

    Raises:
        ConflictError: If somebody changed it meanwhile.
    """
    values["version"] = row.version + 1
    changed = connection.execute(
        update(ClaimRow)
        .where(ClaimRow.id == row.id, ClaimRow.version == row.version)
        .values(**values)
    )
    if changed.rowcount != 1:
        raise ConflictError("somebody changed this claim meanwhile: read it again")
    return new_row(ClaimRow, {name: getattr(row, name) for name in _COLUMNS} | values)


def known_refs(
    connection: Connection, restitution_id: str, filed_by: str, ref_indexes: Collection[str]
) -> set[str]:
    """Return those references under which a member filed a claim already."""
    found: set[str] = set()
    for some in batches(sorted(ref_indexes)):
        query = select(ClaimRow.ref_index).where(
            ClaimRow.restitution_id == restitution_id,
            ClaimRow.filed_by == filed_by,
            ClaimRow.ref_index.in_(some),
        )
        found.update(connection.execute(query).scalars())
    return found


def with_doubles(connection: Connection, restitution_id: str, act_id: str) -> set[str]:
    """Return those claims of an act that share an address or a transaction with another."""
    shared = (
        select(_OTHER.claim_id)
        .where(
            _OTHER.restitution_id == ClaimKeyRow.restitution_id,
            _OTHER.key == ClaimKeyRow.key,
            _OTHER.claim_id != ClaimKeyRow.claim_id,
        )
        .exists()
    )
    query = (
        select(ClaimKeyRow.claim_id)
        .distinct()
        .join(ClaimRow, ClaimRow.id == ClaimKeyRow.claim_id)
        .where(ClaimRow.restitution_id == restitution_id, ClaimRow.act_id == act_id, shared)
    )
    return set(connection.execute(query).scalars())


def doubles(
    connection: Connection, claim_ids: Collection[str], *, among: Collection[ClaimStatus] = ()
) -> dict[str, list[str]]:
    """Return, for a page of claims, others that name the same: at most `MOST_DOUBLES` of each.

    Args:
        connection: Any.
        claim_ids: The page.
        among: Only others with one of these statuses; empty: all.
    """
    pairs = (
        select(ClaimKeyRow.claim_id.label("claim"), _OTHER.claim_id.label("other"))
        .distinct()
        .join(
            _OTHER,
            (_OTHER.restitution_id == ClaimKeyRow.restitution_id)
            & (_OTHER.key == ClaimKeyRow.key)
            & (_OTHER.claim_id != ClaimKeyRow.claim_id),
        )
        .where(ClaimKeyRow.claim_id.in_(sorted(claim_ids)))
    )
    if among:
        pairs = pairs.join(ClaimRow, ClaimRow.id == _OTHER.claim_id).where(
            ClaimRow.status.in_(sorted(among))
        )
    each = pairs.subquery()
    place = func.row_number().over(partition_by=each.c.claim, order_by=each.c.other)
    ranked = select(each.c.claim, each.c.other, place.label("place")).subquery()
    query = (
        select(ranked.c.claim, ranked.c.other)
        .where(ranked.c.place <= MOST_DOUBLES)
        .order_by(ranked.c.claim, ranked.c.other)
    )
    found: dict[str, list[str]] = {claim_id: [] for claim_id in claim_ids}
    for claim_id, other in connection.execute(query):
        found[claim_id].append(other)
    return found


def counts(connection: Connection, restitution_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """Return how many claims of each status a few restitutions have."""
    query = (
        select(ClaimRow.restitution_id, ClaimRow.status, func.count())
        .where(ClaimRow.restitution_id.in_(sorted(restitution_ids)))
        .group_by(ClaimRow.restitution_id, ClaimRow.status)
    )
    found: dict[str, dict[str, int]] = {each: {} for each in restitution_ids}
    for restitution_id, status, count in connection.execute(query):
        found[restitution_id][status] = count
    return found
