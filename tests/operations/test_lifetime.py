"""A process whose parent is gone ends, even if it was deaf to the first signal."""

import subprocess
import sys

_CHILD = """
import signal, threading
from coordinator.operations.lifetime import end_with_parent

heard = []

def handle(number, frame):
    # What a server inherits while it starts: the first signal goes nowhere.
    heard.append(number)
    if len(heard) == 3:
        print("ended", flush=True)
        raise SystemExit

signal.signal(signal.SIGTERM, handle)
end_with_parent(1 << 30)
while True:
    threading.Event().wait(0.1)
"""


def test_a_process_without_its_parent_is_asked_to_end_until_it_does() -> None:
    child = subprocess.run(
        [sys.executable, "-c", _CHILD], capture_output=True, text=True, timeout=60, check=False
    )
    assert child.stdout.splitlines() == ["ended"], child.stderr
