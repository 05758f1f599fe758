"""Which journal SQLite is used with hangs on whether its version may lose what it confirmed."""

import pytest

from coordinator.storage.engine.database import wal_is_safe


@pytest.mark.parametrize(
    ("version", "is_safe"),
    [
        ((3, 7, 0), False),
        *(((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False), ((3, 46, 9), False)),
        *(((3, 50, 6), False), ((3, 50, 7), True), ((3, 51, 2), False), ((3, 51, 3), True)),
        *(((3, 52, 0), True), ((4, 0, 0), True)),
    ],
)
def test_wal_is_used_only_where_the_reset_bug_is_mended(
    *, version: tuple[int, ...], is_safe: bool
) -> None:
    assert wal_is_safe(version) is is_safe
