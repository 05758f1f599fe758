"""Long lists of ids, a statement for so many at a time."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
#: A database takes only so many parameters and so deep an expression; SQLite's limit is 1,000 deep.
IDS_IN_STATEMENT = 512


def batches(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield `ids` in order, at most `IDS_IN_STATEMENT` at a time."""
    for start in range(0, len(ids), IDS_IN_STATEMENT):
        yield ids[start : start + IDS_IN_STATEMENT]
