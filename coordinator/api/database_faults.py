"""What callers hear while the database is away or takes no changes: come back soon."""

import structlog

from coordinator.domain.errors import UnavailableError
from coordinator.storage.engine.database import is_read_only, is_unavailable

_log = structlog.get_logger(__name__)


def unavailable(error: BaseException) -> UnavailableError | None:
    """Return what to answer where the database is the reason, None where something of ours is.

    The operator is told why, in the driver's first line; statement and values stay out of the log.
    """
    if not is_unavailable(error):
        return None
    lines = str(getattr(error, "orig", error)).splitlines()
    _log.error("database_failed", reason=lines[0] if lines else "")
    if is_read_only(error):
        return UnavailableError("the database takes no changes at present")
    return UnavailableError("the database cannot be had at present")
