"""The acts on a restitution: they are member acts, about it, its claims and its allocations."""

from sqlalchemy import Connection, Select, select

from coordinator.storage.engine.reads import read
from coordinator.storage.tables.partners import MemberActRow
from coordinator.storage.tables.restitutions import AllocationRow, ClaimRow, RestitutionRow


def acts(connection: Connection, restitution: RestitutionRow, reader: str) -> list[MemberActRow]:
    """Return the acts that a partner may see, oldest first.

    Its opener sees all of them. Another sees the one that made it, and what concerns the claims
    that it filed itself.
    """
    found = [
        row
        for query in _queries(restitution, reader, is_opener=reader == restitution.opener)
        for row in read(connection, query)
    ]
    # Their prefixes differ; what stands behind begins with the time.
    return sorted(found, key=lambda row: row.id.partition("_")[2])


def _queries(
    restitution: RestitutionRow, reader: str, *, is_opener: bool
) -> list[Select[MemberActRow]]:
    row = MemberActRow
    opening = select(row).where(row.id == restitution.id)
    on_it = select(row).where(row.about == restitution.id)
    on_claims = (
        select(row)
        .join(ClaimRow, ClaimRow.id == row.about)
        .where(ClaimRow.restitution_id == restitution.id)
    )
    if not is_opener:
        filed = on_it.where(row.partner == reader, row.kind == "file_claims")
        return [opening, filed, on_claims.where(ClaimRow.filed_by == reader)]
    on_allocations = (
        select(row)
        .join(AllocationRow, AllocationRow.id == row.about)
        .where(AllocationRow.restitution_id == restitution.id)
    )
    return [opening, on_it, on_claims, on_allocations]
