"""The way of a request, from its token to its answer, in the order in which it goes.

A query (GET):

1. The token is verified. There is no body.
2. What the key's owner may do now is read, and the view's permission is required.
3. The query parameters are parsed. A suspended partner must have a hold on the request.
4. The view reads; its answer is sent as JSON with an ETag.

A command (POST, PATCH, DELETE):

1. The token is verified, before the body is read.
2. Whoever may give none of the view's commands is refused.
3. The body is read, up to the view's limit, and must be the one that the token was made for.
4. The body is parsed as strict JSON, validated and searched for customer data, and the view makes
   the command. What is refused up to here (400, 401, 403, 413, 415, 422) is not stored.
5. One transaction carries the command out, or repeats the answer that its idempotency key got
   before: see `coordinator.api.transaction`.
6. After the commit the workers are woken and the answer is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from flask import Response, request
from sqlalchemy import Connection

from coordinator.api.auth import (
    standing,
)
from coordinator.api.body import customer_data_error, validate_body
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
from coordinator.services.core.read_context import ReadContext
from coordinator.services.membership.rotations import RotateKey
from coordinator.services.membership.suspended import require_holding
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tail import idempotency
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
            policies=self.context.rulebook.policies,
            chains=self.context.rulebook.chains,
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
        view: What the route serves.
        names: The values of the names in its path.
    """
    context = current_context()
    # (1) Who asks.
    token = reader_token(context)
    with context.database.engine.connect() as connection:
        # (2) May they?
        served = view.needs if view.while_suspended else None
        found = standing(connection, token.kid, while_suspended=served)
        require(view.needs, found.actor)
        # (3) What they ask for.
        query = parse_query(view.query or Query)
        require_holding(connection, found.actor, names.get("request_id"))
        # (4) Read and answer.
        reader = Reader(connection, context.vault, found.actor, context)
        answer = view.function(reader, *([query] if view.query else []), **names)
    return json_response(answer)


def serve_command(view: CommandView, names: Mapping[str, str]) -> Response:
    """Serve a signed POST, PATCH or DELETE.

    Args:
        view: What the route serves.
        names: The values of the names in its path.
    """
    context = current_context()
    # (1) Who asks.
    caller = authenticated_caller(context)
    # (2) May they, as far as can be told now?
    call = present_call()
    if call is None or not call.is_resumed:
        _require_right_to_route(context, caller.token, view)
    # (3) The body, as it was signed.
    limit = context.document_limit_bytes if view.large else context.body_limit_bytes
    raw = caller.read_body(limit)
    # (4) The command that it asks for.
    key = idempotency_key()
    command = _prepare(view, names, raw, SignedCall(caller.token, None, context))
    # (5) One transaction.
    signed = signed_command(context, caller.token, command, key, is_personal=view.is_personal)
    evidence = evidence_of(caller.token, raw)
    response = retried(
        lambda: change_once(context, signed, evidence, while_suspended=view.while_suspended)
    )
    # (6) It is committed.
    context.wake()
    return response


def _prepare(
    view: CommandView, names: Mapping[str, str], raw: bytes, call: SignedCall[Any]
) -> object:
    """Parse and validate a body, and return the command that the view makes of it.

    Raises:
        CoordinatorError: If the body is no strict JSON or does not fit. All faults are named at
            once, so that a list of thousands of lines can be mended in one go.
    """
    customer_faults: list[FieldFault] = []
    if view.body is not None:
        body, customer_faults = validate_body(raw, view.body)
        call = replace(call, body=body)
    try:
        command = view.function(call, **names)
    except InvalidInputError as error:
        raise InvalidInputError(
            error.message, code=error.code, errors=[*customer_faults, *error.errors]
        ) from None
    if customer_faults:
        raise customer_data_error(customer_faults)
    return command


def _require_right_to_route(context: AppContext, token: RequestToken, view: CommandView) -> None:
    """Refuse whoever may give none of the view's commands, before their body is read.

    The transaction checks the rights again, and its check alone decides. This one keeps a stranger
    from learning what bodies are taken, and from having host names resolved.
    """
    needs = [permission_of(command) for command in view.commands]
    with context.database.engine.connect() as connection:
        try:
            served = needs[0] if view.while_suspended else None
            found = standing(connection, token.kid, while_suspended=served)
        except AuthenticationError:
            if RotateKey in view.commands and _is_answered(connection, token):
                return  # perhaps the retry of a key's own rotation; the transaction decides
            raise
    if not any(is_allowed(permission, found.actor) for permission in needs):
        require(needs[0], found.actor)


def _is_answered(connection: Connection, token: RequestToken) -> bool:
    key = request.headers.get("Idempotency-Key", "")
    return idempotency.is_answered(connection, partner=token.iss, subject=token.sub, key=key)
