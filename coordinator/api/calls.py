"""One call as the server in front serves it: it may take more than one go.

A plain WSGI server calls the app once. A view that needs the body reads it on its thread, for as
long as the sender takes. The front (`coordinator.operations.front`) puts a `Call` into the WSGI
environment instead. What would have to be waited for is then asked for by `PutOffError`: the front
waits for it, without a thread, and calls the app again with the same `Call`. What the first go
found out, whose token it is for one, is kept in it and not found out again.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import cast

from flask import has_request_context, request

from coordinator.api.rate_limit import Allowance
from coordinator.domain.errors import CoordinatorError
from holdfast.protocol.request_token import RequestToken, TokenFront
from holdfast.protocol.type_ids import new_id

#: Where in the WSGI environment the call is.
ENVIRON_KEY = "holdfast.call"


class PutOffError(Exception):
    """This go ends here; the front waits for what the call wants and calls again."""


@dataclass(frozen=True, slots=True)
class BodyWanted:
    """The body is wanted now.

    Attributes:
        limit: As many bytes as it may have.
        partner: Who signed for it; None where that cannot be known without it.
    """

    limit: int
    partner: str | None


@dataclass(frozen=True, slots=True)
class NewsWanted:
    """An event for a partner is wanted, numbered above `after`.

    Attributes:
        types: Those wanted; empty for all.
        request_id: Only what happens to this request; None for everything.
    """

    partner: str
    after: int
    wait: timedelta
    types: frozenset[str] = frozenset()
    request_id: str | None = None


@dataclass(slots=True)
class Call:
    """What is known of one call, over all its goes.

    Attributes:
        began: When it came in, monotonic seconds.
        body: Whole; None while it was not read.
        refusal: What the front found wrong with the body; raised when the body is wanted.
        is_last: Waiting for news is over.
        is_turned_away: Too many wait already.
    """

    began: float = field(default_factory=monotonic)
    request_id: str = field(default_factory=lambda: new_id("req"))
    body: bytes | None = None
    refusal: CoordinatorError | None = None
    is_last: bool = False
    is_turned_away: bool = False
    token: RequestToken | None = None
    token_front: TokenFront | None = None
    allowance: Allowance | None = None
    body_wanted: BodyWanted | None = None
    news_wanted: NewsWanted | None = None
    #: How far the feed was read in earlier goes.
    reached: int = 0
    goes: int = 0

    @property
    def is_put_off(self) -> bool:
        """Whether the present go ended before there was an answer."""
        return self.body_wanted is not None or self.news_wanted is not None

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier go came as far as asking for something."""
        return self.goes > 1

    def begin(self) -> None:
        """Begin another go."""
        self.goes += 1
        self.body_wanted = self.news_wanted = None

    def take_body(self, limit: int, partner: str | None) -> bytes:
        """Return the body.

        Raises:
            PutOffError: If it was not read yet.
            CoordinatorError: If it could not be.
        """
        if self.refusal is not None:
            raise self.refusal
        if self.body is None:
            self.body_wanted = BodyWanted(limit, partner)
            raise PutOffError
        return self.body

    def wait_for_news(self, wanted: NewsWanted) -> None:
        """Return if waiting is over.

        Raises:
            PutOffError: If it is not.
        """
        if self.is_last:
            return
        self.reached = wanted.after
        self.news_wanted = wanted
        raise PutOffError


def present_call() -> Call | None:
    """Return the present request's call; None under another server than ours."""
    if not has_request_context():
        return None
    return cast("Call | None", request.environ.get(ENVIRON_KEY))
