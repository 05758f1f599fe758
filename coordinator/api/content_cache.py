"""A cache for public answers that are costly to build."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class ContentCache:
    """Keeps contents by name in memory; each web process has its own.

    Attributes:
        max_age: How long a content is served before it is built again.
    """

    max_age: timedelta
    _kept: dict[str, tuple[bytes, datetime]] = field(default_factory=dict, repr=False)

    def get(self, name: str, *, now: datetime, make: Callable[[], bytes]) -> bytes:
        """Return the content of this name; build it if it is missing or too old."""
        content, until = self._kept.get(name, (b"", now))
        if not now < until:
            content = make()
            self._kept[name] = (content, now + self.max_age)
        return content
