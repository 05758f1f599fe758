"""Where tests put databases: in memory where the machine has some to spare.

Databases sync at every commit, also those of tests, and nearly all that a test waits for is the
disk. In a file system in memory the same syncs cost nothing, and nothing about durability has to be
relaxed. No test cuts the power, so none would notice.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Linux has such a file system here; containers often have a tiny one.
MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made safely
#: Two test processes each keep a PostgreSQL cluster and a few small files at a time.
NEEDED_BYTES = 2 * 1024**3
_PREFIX = "holdfast-tests-"


@contextmanager
def database_folder(memory: Path = MEMORY) -> Iterator[Path]:
    """Yield a new folder for databases, in memory if there is room; it is removed at the end."""
    _remove_orphans(memory)
    parent = memory if has_room(memory) else None
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def has_room(memory: Path) -> bool:
    """Tell whether databases can be put there."""
    try:
        return shutil.disk_usage(memory).free >= NEEDED_BYTES and os.access(memory, os.W_OK)
    except OSError:
        return False  # not on this system


def _remove_orphans(memory: Path) -> None:
    """Remove what runs left that were killed: memory, unlike a disk, is missed at once."""
    for left in memory.glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not _is_running(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
