"""A process that signs the log, on a thread of the test's."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coordinator.operations.log_signer import serve_signer
from coordinator.settings import Settings


@contextmanager
def signing(settings: Settings, folder: Path) -> Iterator[None]:
    """Run the signer of a coordinator, whose key lies in `folder`, for the length of the block."""
    assert settings.log_signer_socket is not None
    stop = threading.Event()
    thread = threading.Thread(target=serve_signer, args=(settings, folder, stop))
    thread.start()
    while not _answers(settings.log_signer_socket):
        assert thread.is_alive()
        stop.wait(0.01)
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _answers(path: Path) -> bool:
    """Tell whether somebody listens there: the socket's file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True
