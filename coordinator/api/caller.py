"""Who signed the present request."""

from dataclasses import dataclass

import structlog
from flask import g, request

from coordinator.api.auth import (
    authenticate,
    read_front,
    require_body,
)
from coordinator.api.body import read_body
from coordinator.api.calls import Call, present_call
from coordinator.api.context import AppContext
from holdfast.protocol.request_token import RequestToken, TokenFront


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed the present request, whose body nobody has read yet."""

    token: RequestToken
    front: TokenFront

    def read_body(self, limit: int) -> bytes:
        """Return the raw body that the token was made for.

        Raises:
            BodyTooLargeError: If it is longer than `limit` bytes.
            AuthenticationError: If it is another body.
        """
        raw = read_body(limit, self.token.iss)
        require_body(self.front, raw)
        return raw


def authenticated_caller(context: AppContext) -> Caller:
    """Return who signed the present request, counted against the allowance once."""
    call = present_call() or Call()
    if call.token is None or call.token_front is None:
        front = read_front(request, origin=context.origin, now=int(context.clock.now().timestamp()))
        token = authenticate(context.key_ring, context.database, front, origin=context.origin)
        structlog.contextvars.bind_contextvars(partner=token.iss, subject=token.sub)
        call.allowance = context.limiter.check(token.iss)
        call.token, call.token_front = token, front
    else:
        token, front = call.token, call.token_front
        structlog.contextvars.bind_contextvars(partner=token.iss, subject=token.sub)
    g.allowance = call.allowance
    return Caller(token, front)


def reader_token(context: AppContext) -> RequestToken:
    """Return the verified token of the present GET, which has no body."""
    caller = authenticated_caller(context)
    caller.read_body(0)
    return caller.token
