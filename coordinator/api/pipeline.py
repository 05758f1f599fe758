"""One request's way: read, authenticate, parse, prepare, then one transaction.

Order of a change: verify the token, ask the right to the route, read the body, check it (400, 413,
415, 422 are never stored), prepare the command; then BEGIN, present rights, used token, idempotency
key, savepoint, handler, tail, COMMIT. A refusal by the rules rolls back to the savepoint and is
stored as the answer, so that a retry hears the same. Nothing is handed out before the commit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from pydantic import BaseModel
from sqlalchemy import Connection

from coordinator.api.auth import (
    standing,
)
from coordinator.api.body import customer_named, parse_body_and_words
from coordinator.api.caller import authenticated_caller, reader_token
from coordinator.api.calls import present_call
from coordinator.api.context import AppContext, current_context
from coordinator.api.query import parse_query
from coordinator.api.responses import json_response
from coordinator.api.transaction import (
    change_once,
    evidence_of,
    idempotency_key,
    retried,
    signed_command,
)
from coordinator.domain.actor import Actor
from coordinator.domain.errors import (
    AuthenticationError,
    InvalidInputError,
)
from coordinator.domain.permission import Permission, is_allowed, require
from coordinator.services.commands import permission_of
from coordinator.services.rotations import RotateKey
from coordinator.storage import requests as request_store
from coordinator.storage.documents import Vault
from holdfast.protocol.payloads import Body
from holdfast.protocol.request_token import RequestToken


@dataclass(frozen=True, slots=True)
class Reader:
    """What a reading route works with."""

    connection: Connection
    vault: Vault
    actor: Actor
    context: AppContext


@dataclass(frozen=True, slots=True)
class SignedCall:
    """An authenticated change before its transaction."""

    token: RequestToken
    raw: bytes
    sha256: str
    context: AppContext


@dataclass(frozen=True, slots=True)
class Prepared:
    """A command ready to be executed."""

    command: object


def serve_query(
    function: Callable[[Reader, Any], Any],
    query: type[BaseModel],
    needs: Permission,
    *,
    while_suspended: bool = False,
) -> Response:
    """Serve one signed GET."""
    context = current_context()
    token = reader_token(context)
    with context.database.engine.connect() as connection:
        served = needs if while_suspended else None
        found = standing(connection, token.kid, while_suspended=served)
        require(needs, found.actor)
        parameters = parse_query(query)
        answer = function(Reader(connection, context.vault, found.actor, context), parameters)
    return json_response(answer)


def serve_command(
    prepare: Callable[[SignedCall, Any], Prepared],
    model: type[Body] | None,
    commands: Sequence[type[Any]],
    *,
    large: bool,
    while_suspended: bool = False,
) -> Response:
    """Serve one signed POST, PATCH or DELETE.

    Args:
        prepare: Makes the command; runs before any transaction.
        model: The body's; None where there is none.
        commands: Those that `prepare` may return.
        large: Whether the body is a document.
        while_suspended: Whether a suspended partner is served, too.
    """
    context = current_context()
    caller = authenticated_caller(context)
    token = caller.token
    call = present_call()
    if call is None or not call.is_resumed:
        _require_right_to_route(context, token, commands, while_suspended=while_suspended)
    raw = caller.read_body(context.document_limit_bytes if large else context.body_limit_bytes)
    key = idempotency_key()
    content, words = (None, []) if model is None else parse_body_and_words(raw, model)
    try:
        prepared = prepare(SignedCall(token, raw, token.body_sha256, context), content)
    except InvalidInputError as error:
        # All faults at once: whoever mends a list of thousands of lines does it in one go.
        raise InvalidInputError(
            error.message, code=error.code, errors=[*words, *error.errors]
        ) from None
    if words:
        raise customer_named(words)
    asked = signed_command(context, token, prepared.command, key)
    evidence = evidence_of(token, raw)
    response = retried(
        lambda: change_once(context, asked, evidence, while_suspended=while_suspended)
    )
    context.wake()
    return response


def _require_right_to_route(
    context: AppContext,
    token: RequestToken,
    commands: Sequence[type[Any]],
    *,
    while_suspended: bool,
) -> None:
    """Refuse whoever may give none of a route's commands, before their body is read.

    Rights are asked again in the transaction, which alone decides; this keeps whoever has none from
    learning what bodies are taken, and from having names resolved.
    """
    with context.database.engine.connect() as connection:
        try:
            served = permission_of(commands[0]) if while_suspended else None
            found = standing(connection, token.kid, while_suspended=served)
        except AuthenticationError:
            if RotateKey in commands and _is_answered(connection, token):
                return  # it may be the retry of the key's own replacement: `_repeat_of_rotation`
            raise
    needs = [permission_of(command) for command in commands]
    if not any(is_allowed(permission, found.actor) for permission in needs):
        require(needs[0], found.actor)


def _is_answered(connection: Connection, token: RequestToken) -> bool:
    key = request.headers.get("Idempotency-Key", "")
    return request_store.is_answered(connection, partner=token.iss, subject=token.sub, key=key)
