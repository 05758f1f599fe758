"""Requests that a suspended partner can no longer stand by."""

from datetime import datetime

from sqlalchemy import Connection, and_, or_, select

from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol.vocabulary import PartnerStatus, RequestStatus


def due(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return submitted and provisional requests of suspended partners.

    Flat with the number of active ones: what is provisional is still to be ratified, and few are.
    """
    suspended = select(PartnerRow.handle).where(PartnerRow.status == PartnerStatus.SUSPENDED)
    handles = list(connection.execute(suspended).scalars())
    if not handles:
        return []
    is_submitted = FreezeRequestRow.status == RequestStatus.SUBMITTED
    is_provisional = and_(FreezeRequestRow.ratify_by > now, FreezeRequestRow.provisional)
    query = (
        select(FreezeRequestRow.id)
        .where(FreezeRequestRow.requester.in_(handles), or_(is_submitted, is_provisional))
        .limit(limit)
    )
    return list(connection.execute(query).scalars())
