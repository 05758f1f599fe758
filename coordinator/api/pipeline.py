"""The way of a request, from its token to its answer, in the order in which it goes.

A query (GET):

1. The token is verified. There is no body.
2. What the key's owner may do now is read, and the view's permission is required.
3. The query parameters are parsed. A suspended partner must have a hold on the request.
4. The view reads; its answer is sent as JSON with an ETag. A document that takes longer to make
   (`Later`) is made when the connection is given back.
5. What was read of which request is noted, for its read log.

A command (POST, PATCH, DELETE):

1. The token is verified, before the body is read.
2. Whoever may give none of the view's commands is refused.
3. The body is read, up to the view's limit, and must be the one that the token was made for.
4. The body is parsed as strict JSON, validated and searched for customer data, and the view makes
   the command. What is refused up to here (400, 401, 403, 413, 415, 422) is not stored.
5. One transaction carries the command out, or repeats the answer that its idempotency key got
   before: see `coordinator.api.transaction`.
6. After the commit the workers are woken and the answer is sent; a test first waits for what comes
   of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from flask import Response, request
from sqlalchemy import Connection

from coordinator.api.auth import bearer_token, standing
from coordinator.api.body import customer_data_error, require_json, validate_body
from coordinator.api.caller import authenticated_caller, reader_token
from coordinator.api.calls import present_call
from coordinator.api.context import AppContext, current_context
from coordinator.api.query import Query, parse_query
from coordinator.api.responses import Later, json_response
from coordinator.api.transaction import (
    change_once,
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
from coordinator.services.core.unit_of_work import Evidence
from coordinator.services.membership.rotations import RotateKey
from coordinator.services.membership.suspended import require_holding
from coordinator.services.requests.read_log import Read
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from coordinator.storage.tail import idempotency
from holdfast.protocol.payloads import Body
from holdfast.protocol.read_log_views import ReadVia
from holdfast.protocol.request_token import RequestToken


@dataclass(frozen=True, slots=True)
class Reader:
    """What a query view works with.

    Attributes:
        readable: Requests that the actor may read, each with its own leg, once they were asked for.
    """

    connection: Connection
    vault: Vault
    actor: Actor
    context: AppContext
    readable: dict[str, tuple[FreezeRequestRow, LegRow | None]] = field(
        default_factory=dict, compare=False, repr=False
    )

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


@dataclass(frozen=True, slots=True)
class SignedAct:
    """A change that somebody signed, and that was verified.

    Attributes:
        token: What it says.
        proof: The token itself, as it is kept as evidence.
        raw: The exact body that it was made for.
        idempotency_key: The same for all retries of one act.
    """

    token: RequestToken
    proof: str
    raw: bytes
    idempotency_key: str


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
        # (4) Read and answer.
        reader = Reader(connection, context.vault, found.actor, context)
        answer = read(reader, view, query, **names)
    response = answer.make() if isinstance(answer, Later) else json_response(answer)
    # (5) It is read.
    note_read(reader, view, names, answer, via="api")
    return response


def read(reader: Reader, view: QueryView, query: Query | None = None, **names: str) -> Any:
    """Return what a signed GET would answer this reader: the same rights, the same members.

    Args:
        reader: Whose standing was read on the same connection.
        view: What to read.
        query: Its parameters; None for the defaults.
        names: The values of the names in its path.

    Raises:
        CoordinatorError: As the GET would.
    """
    require(view.needs, reader.actor)
    require_holding(reader.connection, reader.actor, names.get("request_id"))
    given = [query or view.query()] if view.query else []
    return view.function(reader, *given, **names)


def note_read(
    reader: Reader, view: QueryView, names: Mapping[str, str], answer: Any, *, via: ReadVia
) -> None:
    """Note for the read log what was read of which request; `answer` as the view returned it."""
    if view.logged_as is None:
        return
    if view.requests_in is not None:
        request_ids = {*view.requests_in(answer)}
    else:
        request_ids = {names["request_id"]} if "request_id" in names else set()
    for request_id in request_ids:
        reader.context.read_log.note(Read.of(reader.actor, request_id, view.logged_as, via))


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
    act = SignedAct(caller.token, bearer_token(request), raw, idempotency_key())
    if view.body is not None and (raw or not view.body_may_be_absent):
        require_json()
    # (4) to (6)
    return carry_out(context, view, names, act)


def carry_out(
    context: AppContext, view: CommandView, names: Mapping[str, str], act: SignedAct
) -> Response:
    """Carry a signed act out, once, whatever it was signed with.

    Args:
        context: Of the application.
        view: What the act's path serves.
        names: The values of the names in its path.
        act: As verified.

    Raises:
        CoordinatorError: What is refused and not stored.
    """
    # (4) The command that it asks for.
    command = prepare(context, view, names, token=act.token, raw=act.raw)
    # (5) One transaction.
    signed = signed_command(
        context, act.token, command, act.idempotency_key, is_personal=view.is_personal
    )
    evidence = Evidence(act.proof, act.raw, act.token.body_sha256)
    response = retried(
        lambda: change_once(
            context,
            signed,
            evidence,
            while_suspended=view.while_suspended,
            while_pending=view.while_pending,
        )
    )
    # (6) It is committed.
    context.wake()
    if view.follow is not None and response.status_code == view.status:
        return view.follow(context, response)
    return response


def prepare(
    context: AppContext,
    view: CommandView,
    names: Mapping[str, str],
    *,
    token: RequestToken,
    raw: bytes,
) -> object:
    """Parse and validate a body, and return the command that the view makes of it.

    Raises:
        CoordinatorError: If the body is no strict JSON or does not fit. All faults are named at
            once, so that a list of thousands of lines can be mended in one go.
    """
    customer_faults: list[FieldFault] = []
    call: SignedCall[Any] = SignedCall(token, None, context)
    if view.body is not None:
        given = b"{}" if view.body_may_be_absent and not raw else raw
        body, customer_faults = validate_body(given, view.body)
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
            found = standing(
                connection,
                token.kid,
                while_suspended=served,
                while_pending=view.while_pending,
            )
        except AuthenticationError:
            if RotateKey in view.commands and _is_answered(connection, token):
                return  # perhaps the retry of a key's own rotation; the transaction decides
            raise
    if not any(is_allowed(permission, found.actor) for permission in needs):
        require(needs[0], found.actor)


def _is_answered(connection: Connection, token: RequestToken) -> bool:
    key = request.headers.get("Idempotency-Key", "")
    return idempotency.is_answered(connection, partner=token.iss, subject=token.sub, key=key)
