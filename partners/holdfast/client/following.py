"""Following the feed for as long as one likes, through restarts of the coordinator."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from holdfast.client.client import Client
from holdfast.errors import HoldfastError, RateLimitedError, TransportError, UnavailableError
from holdfast.protocol.views import EventView

#: Seconds between two tries: doubled each time, up to the last.
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0
_AWAY = (TransportError, UnavailableError, RateLimitedError)


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told how it goes.

    Attributes:
        away: The coordinator did not answer: why, and in how many seconds it is asked again.
        back: It answers again.
        sleep: Waits; tests give one that does not.
    """

    away: Callable[[HoldfastError, float], None] = lambda _error, _seconds: None
    back: Callable[[], None] = lambda: None
    sleep: Callable[[float], None] = time.sleep


def follow(
    client: Client, after: int, listener: Listener, *, types: Sequence[str] = ()
) -> Iterator[EventView]:
    """Yield events for ever as they happen, in their order, none twice and none left out.

    Each poll names the last event of the poll before it, so a coordinator that goes away and comes
    back is asked for exactly what follows.

    Raises:
        ApiError: The coordinator refused; waiting does not mend that.
    """
    wait = 0.0
    while True:
        try:
            page = client.events(after, types=types, wait=20)
        except _AWAY as error:
            wait = min(max(wait * 2, _FIRST_WAIT), _LONGEST_WAIT)
            listener.away(error, wait)
            listener.sleep(wait)
            continue
        if wait:
            wait = 0.0
            listener.back()
        yield from page.events
        after = page.next_after
