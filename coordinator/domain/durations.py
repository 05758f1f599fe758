"""Durations that people compare: whole milliseconds and their percentiles."""

from collections.abc import Sequence
from datetime import timedelta

_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(span: timedelta) -> int:
    """Return a duration in whole milliseconds, rounded down."""
    return span // _MILLISECOND


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """Return the nearest-rank percentile of values in ascending order; None of no values.

    It is always one of the values: the least that `percent` per cent of them do not exceed.
    """
    if not ordered:
        return None
    return ordered[-(-len(ordered) * percent // 100) - 1]
