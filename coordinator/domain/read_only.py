"""Refusing changes to a database that was restored and not reconciled yet."""

from coordinator.domain.errors import UnavailableError

#: The code of the problem.
READ_ONLY = "read_only"
#: Seconds: a person works on it.
_RETRY_AFTER = 60


def read_only_error() -> UnavailableError:
    """Return what whoever wants to change something hears; it is never stored."""
    return UnavailableError(
        "this coordinator was restored from a copy. Reading goes on, and it takes no change until"
        " its operator has brought it in line with what members hold (`holdfast-coordinator"
        " reconcile`): keep this, and send it again later",
        code=READ_ONLY,
        retry_after=_RETRY_AFTER,
    )
