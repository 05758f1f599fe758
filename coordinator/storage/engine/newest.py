"""Which part of a list is read, where the newest come first."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest items of a list; None narrows nothing.

    Attributes:
        before: Only ids below this one.
        limit: As many at most.
        status: Only in this status.
    """

    before: str | None = None
    limit: int = 100
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestRequests(Newest):
    """The newest freeze requests of a list.

    Attributes:
        incident_id: Only of this incident.
    """

    incident_id: str | None = None
