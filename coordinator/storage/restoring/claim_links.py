"""Secret links of claims: found by the hash of their token, and by nothing else."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, or_, select, update

from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.reads import read_one
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.restitutions import ClaimLinkRow, ClaimRow, RestitutionRow

_NEW = ("claim_id", "link_sha256", "act_id", "expires_at")


class Opening(NamedTuple):
    """What is asked of a link.

    Attributes:
        link_sha256: Of the token that somebody has.
        now: It must not be expired by then.
        closed_since: Its restitution is open, or was closed no earlier.
    """

    link_sha256: str
    now: datetime
    closed_since: datetime


def opened_claim(connection: Connection, opening: Opening) -> ClaimRow | None:
    """Return the claim whose page a link opens now; None for every link that opens nothing."""
    query = (
        select(ClaimRow)
        .join(ClaimLinkRow, ClaimLinkRow.claim_id == ClaimRow.id)
        .join(RestitutionRow, RestitutionRow.id == ClaimRow.restitution_id)
        .where(
            ClaimLinkRow.link_sha256 == opening.link_sha256,
            ClaimLinkRow.revoked_at.is_(None),
            ClaimLinkRow.expires_at > opening.now,
            or_(
                RestitutionRow.closed_at.is_(None), RestitutionRow.closed_at > opening.closed_since
            ),
        )
    )
    return read_one(connection, query)


def filed_by(
    connection: Connection, restitution_id: str, partner: str, claim_ids: Collection[str]
) -> set[str]:
    """Return those claims of a restitution that a member filed."""
    found: set[str] = set()
    for some in batches(sorted(claim_ids)):
        query = select(ClaimRow.id).where(
            ClaimRow.id.in_(some),
            ClaimRow.restitution_id == restitution_id,
            ClaimRow.filed_by == partner,
        )
        found.update(connection.execute(query).scalars())
    return found


def good_until(connection: Connection, claim_ids: Collection[str]) -> dict[str, datetime]:
    """Return until when the links of a page of claims are good, if they were not taken back."""
    query = select(ClaimLinkRow.claim_id, ClaimLinkRow.expires_at).where(
        ClaimLinkRow.claim_id.in_(sorted(claim_ids)), ClaimLinkRow.revoked_at.is_(None)
    )
    return dict(connection.execute(query).all())


def known(connection: Connection, hashes: Collection[str]) -> set[str]:
    """Return those hashes that are of a link already."""
    found: set[str] = set()
    for some in batches(sorted(hashes)):
        query = select(ClaimLinkRow.link_sha256).where(ClaimLinkRow.link_sha256.in_(some))
        found.update(connection.execute(query).scalars())
    return found


def replace(
    connection: Connection,
    links: Sequence[tuple[str, str]],
    *,
    act_id: str,
    expires_at: datetime,
) -> None:
    """Store links (claim, hash), each in the place of the one before."""
    for some in batches(sorted(claim_id for claim_id, _ in links)):
        connection.execute(delete(ClaimLinkRow).where(ClaimLinkRow.claim_id.in_(some)))
    rows = [(claim_id, link_sha256, act_id, expires_at) for claim_id, link_sha256 in links]
    insert_rows(connection, ClaimLinkRow, _NEW, rows)


def revoke(connection: Connection, claim_ids: Collection[str], now: datetime) -> int:
    """Have links open nothing any more; returns how many were good."""
    revoked = 0
    for some in batches(sorted(claim_ids)):
        changed = connection.execute(
            update(ClaimLinkRow)
            .where(
                ClaimLinkRow.claim_id.in_(some),
                ClaimLinkRow.revoked_at.is_(None),
                ClaimLinkRow.expires_at > now,
            )
            .values(revoked_at=now)
        )
        revoked += changed.rowcount
    return revoked
