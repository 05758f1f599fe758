"""The clock of demonstrations, which all threads of a process read."""

import threading
import time
from datetime import timedelta

from coordinator.domain.clock import OffsetClock, SystemClock

PATIENCE = 60
HOUR = timedelta(hours=1)


class _SlowFile:
    """A file that somebody stands still in while it is read for the first time."""

    def __init__(self) -> None:
        self.content = "0"
        self.is_read, self.go_on = threading.Event(), threading.Event()

    def read_text(self, encoding: str) -> str:
        del encoding
        content = self.content
        if not self.is_read.is_set():
            self.is_read.set()
            assert self.go_on.wait(PATIENCE)
        return content


def test_who_stands_still_while_it_reads_leaves_nobody_else_at_the_time_of_before() -> None:
    file = _SlowFile()
    clock = OffsetClock(file)  # type: ignore[arg-type]  # as slow as a busy machine
    slow = threading.Thread(target=clock.now)
    slow.start()
    assert file.is_read.wait(PATIENCE)
    file.content = "3600"
    ahead = clock.now() - SystemClock().now()
    file.go_on.set()
    slow.join()
    assert ahead > HOUR / 2
    # Nor does what it read, and kept later than the others, stand for good.
    until = time.monotonic() + PATIENCE
    while clock.now() - SystemClock().now() < HOUR / 2:
        assert time.monotonic() < until
