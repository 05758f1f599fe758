"""The one source of time, so that tests and the demo can step it."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

#: How often a file with an offset is read again.
_REREAD_SECONDS = 0.05


class Clock(Protocol):
    """Returns the wall-clock time, aware and in UTC."""

    def now(self) -> datetime:
        """Return the current time."""
        ...


class SystemClock:
    """The host's clock."""

    def now(self) -> datetime:
        """Return the host's wall time."""
        return datetime.now(UTC)  # noqa: TID251 - the one place


class SteppedClock:
    """A clock that stands until it is stepped, or runs ahead of the host's by what a file says.

    For tests (`SteppedClock(at)`); never for a coordinator that others rely on.
    """

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the moment it was last set to."""
        return self._at

    def step(self, by: timedelta) -> None:
        """Move on by `by`."""
        self._at += by


class OffsetClock:
    """The host's clock plus a whole number of seconds read from a file, for demonstrations.

    The file is read again at most every 50 ms, so that several processes step together.
    """

    def __init__(self, offset_file: Path) -> None:
        self._file = offset_file
        # In one piece: the threads of a process share it, and one may stand still while it reads.
        self._known = (float("-inf"), timedelta())

    def now(self) -> datetime:
        """Return the host's time plus the offset."""
        read_at, offset = self._known
        began = time.monotonic()
        if began - read_at > _REREAD_SECONDS:
            try:
                offset = timedelta(seconds=int(self._file.read_text(encoding="ascii")))
            except (FileNotFoundError, ValueError):
                offset = timedelta()
            self._known = (began, offset)
        return SystemClock().now() + offset


def to_micros(moment: datetime) -> int:
    """Return whole microseconds since 1970, the form in which times are stored.

    Raises:
        ValueError: If `moment` has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is refused")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(value: int) -> datetime:
    """Return the aware UTC datetime of `to_micros`."""
    return _EPOCH + timedelta(microseconds=value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
