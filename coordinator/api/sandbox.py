"""What a 401 says in a sandbox, where nothing is at stake: the reason, and what to change.

Anywhere else the reason is in the log alone, under the request id that the answer bears.
"""

from contextlib import suppress
from dataclasses import replace

from flask import request

from coordinator.api.auth import bearer_token, signed_url
from coordinator.api.context import AppContext
from coordinator.domain.errors import AuthenticationError
from holdfast.protocol.errors import TokenError
from holdfast.protocol.request_token import read_token_front
from holdfast.protocol.token_explanation import KnownRequest, TokenFault, explain_token


def told_in_sandbox(context: AppContext, error: AuthenticationError) -> str:
    """Return why the current request was not authenticated, and everything wrong with its token."""
    faults = _faults(context)
    told = [str(fault) for fault in faults]
    if error.code not in {fault.reason for fault in faults}:
        told.insert(
            0,
            error.message
            if error.message.startswith(error.code)
            else f"{error.code}: {error.message}",
        )
    return f"The request could not be authenticated. {'. '.join(told)}."


def _faults(context: AppContext) -> list[TokenFault]:
    """Return what is wrong with the token, as far as it is there; its body is not looked at."""
    try:
        token = bearer_token(request)
    except AuthenticationError:
        return []
    known = KnownRequest(
        now=int(context.clock.now().timestamp()),
        method=request.method,
        url=signed_url(context.origin, request),
        aud=context.origin,
    )
    with suppress(TokenError):
        found = context.key_ring.find(context.database, read_token_front(token).kid)
        if found is not None:
            owner, key = found
            known = replace(known, iss=owner.partner, sub=owner.subject, key=key)
    return explain_token(token, known)
