"""How long a flag counts, and as what; pure functions over plain values."""

from datetime import datetime, timedelta
from enum import StrEnum

#: A flag ends by itself; whoever asked for it says anew, by a signed act, that it still counts.
FLAGS_LAST = timedelta(days=30)


class GoneReason(StrEnum):
    """Why a request's flags are gone where its requester named no reason."""

    CLOSED = "closed"
    EXPIRED = "expired"  # nobody renewed them
    WITHDRAWN = "other"


def flags_end(queued_at: datetime, renewed_at: datetime | None) -> datetime:
    """Return when the flags of a leg end: some days after its notice, or after the renewal."""
    since = queued_at if renewed_at is None else max(queued_at, renewed_at)
    return since + FLAGS_LAST
