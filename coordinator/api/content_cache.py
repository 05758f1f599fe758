"""Answers that anybody may ask for and that are dear to make: each is made once in a while."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class ContentCache:
    """Keeps contents by name, in memory, one cache a web process.

    Attributes:
        max_age: For how long a content is kept.
    """

    max_age: timedelta
    _kept: dict[str, tuple[bytes, datetime]] = field(default_factory=dict, repr=False)

    def get(self, name: str, *, now: datetime, make: Callable[[], bytes]) -> bytes:
        """Return what is kept under a name; make it where it is missing or too old."""
        content, until = self._kept.get(name, (b"", now))
        if not now < until:
            content = make()
            self._kept[name] = (content, now + self.max_age)
        return content
