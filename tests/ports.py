"""Ports for servers of tests that must know theirs beforehand."""

import os
import random
import socket

#: Below those that Linux, macOS and the BSDs lend to outgoing connections: of a free one among
#: those, another process may be on its way out before the server comes up.
_FIRST, _END = 20_000, 32_000
#: Each test process goes its own way through them.
_order = random.Random(os.getpid())  # noqa: S311 - nobody has to guess it
_given: set[int] = set()


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on, and that this process was not given before."""
    while True:
        port = _order.randrange(_FIRST, _END)
        if port in _given:
            continue
        try:
            socket.create_server((host, port)).close()
        except OSError:
            continue
        _given.add(port)
        return port
