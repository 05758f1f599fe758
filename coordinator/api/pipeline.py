"""One request's way: read, authenticate, parse, prepare, then one transaction.

Order of a change: verify the token, ask the right to the route, read the body, check it (400, 413,
415, 422 are never stored), prepare the command; then BEGIN, present rights, used token, idempotency
key, savepoint, handler, tail, COMMIT. A refusal by the rules rolls back to the savepoint and is
stored as the answer, so that a retry hears the same. Nothing is handed out before the commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from flask import Response, request
from sqlalchemy import Connection

from coordinator.api.auth import (
    standing,
)
from coordinator.api.body import customer_named, parse_body_and_words
from coordinator.api.caller import authenticated_caller, reader_token
from coordinator.api.calls import present_call
from coordinator.api.context import AppContext, current_context
from coordinator.api.query import Query, parse_query
from coordinator.api.responses import json_response
from coordinator.api.transaction import (
    change_once,
    evidence_of,
    idempotency_key,
    retried,
    signed_command,
)
from coordinator.api.view import CommandView, QueryView
from coordinator.domain.actor import Actor
from coordinator.domain.errors import AuthenticationError, FieldFault, InvalidInputError
from coordinator.domain.permission import is_allowed, require
from coordinator.services.commands import permission_of
from coordinator.services.read_context import ReadContext
from coordinator.services.rotations import RotateKey
from coordinator.services.suspended import require_holding
from coordinator.storage import idempotency
from coordinator.storage.documents import Vault
from holdfast.protocol.payloads import Body
from holdfast.protocol.request_token import RequestToken


@dataclass(frozen=True, slots=True)
class Reader:
    """What a query view works with."""

    connection: Connection
    vault: Vault
    actor: Actor
    context: AppContext

    @property
    def read_context(self) -> ReadContext:
        """The same, as the services take it."""
        return ReadContext(
            connection=self.connection,
            vault=self.vault,
            actor=self.actor,
            policies=self.context.policies,
            chains=self.context.chains,
            now=self.context.clock.now(),
        )


B = TypeVar("B", bound=Body | None)


@dataclass(frozen=True, slots=True)
class SignedCall(Generic[B]):
    """What a command view works with: an authenticated change before its transaction."""

    token: RequestToken
    body: B
    context: AppContext


def serve_query(view: QueryView, names: Mapping[str, str]) -> Response:
    """Serve a signed GET.

    Args:
        view: What is asked for.
        names: What stands in the path.
    """
    context = current_context()
    token = reader_token(context)
    with context.database.engine.connect() as connection:
        served = view.needs if view.while_suspended else None
        found = standing(connection, token.kid, while_suspended=served)
        require(view.needs, found.actor)
        query = parse_query(view.query or Query)
        require_holding(connection, found.actor, names.get("request_id"))
        reader = Reader(connection, context.vault, found.actor, context)
        answer = view.function(reader, *([query] if view.query else []), **names)
    return json_response(answer)


def serve_command(view: CommandView, names: Mapping[str, str]) -> Response:
    """Serve a signed POST, PATCH or DELETE.

    Args:
        view: What is to be done.
        names: What stands in the path.
    """
    context = current_context()
    caller = authenticated_caller(context)
    call = present_call()
    if call is None or not call.is_resumed:
        _require_right_to_route(context, caller.token, view)
    limit = context.document_limit_bytes if view.large else context.body_limit_bytes
    raw = caller.read_body(limit)
    key = idempotency_key()
    command = _prepared(view, names, raw, SignedCall(caller.token, None, context))
    signed = signed_command(context, caller.token, command, key)
    evidence = evidence_of(caller.token, raw)
    response = retried(
        lambda: change_once(context, signed, evidence, while_suspended=view.while_suspended)
    )
    context.wake()
    return response


def _prepared(
    view: CommandView, names: Mapping[str, str], raw: bytes, call: SignedCall[Any]
) -> object:
    """Return the command that a body asks for.

    Raises:
        CoordinatorError: If the body is no strict JSON or not what the view takes, with all of its
            faults at once: whoever mends a list of thousands of lines does it in one go.
    """
    words: list[FieldFault] = []
    if view.body is not None:
        body, words = parse_body_and_words(raw, view.body)
        call = replace(call, body=body)
    try:
        command = view.function(call, **names)
    except InvalidInputError as error:
        raise InvalidInputError(
            error.message, code=error.code, errors=[*words, *error.errors]
        ) from None
    if words:
        raise customer_named(words)
    return command


def _require_right_to_route(context: AppContext, token: RequestToken, view: CommandView) -> None:
    """Refuse whoever may give none of a route's commands, before their body is read.

    Rights are asked again in the transaction, which alone decides; this keeps whoever has none from
    learning what bodies are taken, and from having names resolved.
    """
    needs = [permission_of(command) for command in view.commands]
    with context.database.engine.connect() as connection:
        try:
            served = needs[0] if view.while_suspended else None
            found = standing(connection, token.kid, while_suspended=served)
        except AuthenticationError:
            if RotateKey in view.commands and _is_answered(connection, token):
                return  # it may be the retry of the key's own replacement: `_repeat_of_rotation`
            raise
    if not any(is_allowed(permission, found.actor) for permission in needs):
        require(needs[0], found.actor)


def _is_answered(connection: Connection, token: RequestToken) -> bool:
    key = request.headers.get("Idempotency-Key", "")
    return idempotency.is_answered(connection, partner=token.iss, subject=token.sub, key=key)
