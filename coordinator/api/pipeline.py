"""One request's way: read, authenticate, parse, prepare, then one transaction.

Order of a change: verify the token, ask the right to the route, read the body, check it (400, 413,
415, 422 are never stored), prepare the command; then BEGIN, present rights, used token, idempotency
key, savepoint, handler, tail, COMMIT. A refusal by the rules rolls back to the savepoint and is
stored as the answer, so that a retry hears the same. Nothing is handed out before the commit.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any, TypeVar

import structlog
from flask import Response, g, request
from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError

from coordinator.api import problems
from coordinator.api.auth import (
    KeyRing,
    authenticate,
    bearer_token,
    read_front,
    require_body,
    require_standing,
    signed_url,
    standing,
)
from coordinator.api.calls import Call, present_call
from coordinator.api.context import AppContext, current_context
from coordinator.api.customer_data import customer_data
from coordinator.domain.actor import Actor
from coordinator.domain.errors import (
    AuthenticationError,
    BodyTooLargeError,
    CoordinatorError,
    FieldFault,
    IdempotencyConflictError,
    InvalidInputError,
    MalformedBodyError,
    NotFoundError,
    ParameterFault,
    PreconditionFailedError,
    RateLimitedError,
    UnavailableError,
    UnsupportedMediaTypeError,
)
from coordinator.domain.permission import Permission, is_allowed, require
from coordinator.services.bus import execute, permission_of, require_permission
from coordinator.services.partners import JoinNetwork
from coordinator.services.rotations import RotateKey
from coordinator.services.unit_of_work import (
    Evidence,
    StoreAnswer,
    UnitOfWork,
    transaction,
)
from coordinator.storage import partners as partner_store
from coordinator.storage import requests as request_store
from coordinator.storage.database import is_read_only, was_sacrificed
from coordinator.storage.documents import DocumentKey, Vault, load_one
from coordinator.storage.requests import Claim
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import StrictJsonError
from holdfast.protocol.payloads import Body
from holdfast.protocol.request_token import RequestToken, TokenFront
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import PartnerStatus

_log = structlog.get_logger(__name__)
B = TypeVar("B", bound=Body)
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_.:-]{8,64}", re.ASCII)
_JSON = "application/json"
#: Parameters of the media type, RFC 9110 section 8.3.1: an empty one is none.
_UTF_8 = frozenset({"", "charset=utf-8", 'charset="utf-8"'})
_ATTEMPTS = 3
_RING = KeyRing()


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


def read_body(limit: int, partner: str | None = None) -> bytes:
    """Return the raw body, bounded.

    Args:
        limit: As many bytes as it may have.
        partner: Who signed for it, if that is known already.

    Raises:
        BodyTooLargeError: If it is longer than `limit` bytes.
        PutOffError: If the server in front has not read it yet.
    """
    too_large = BodyTooLargeError(f"this path takes at most {limit} bytes")
    if request.content_length is not None and request.content_length > limit:
        raise too_large
    call = present_call()
    if call is not None:
        raw = call.take_body(limit, partner)
    else:
        raw = request.stream.read(limit + 1) if request.content_length != 0 else b""
    if len(raw) > limit:
        raise too_large
    return raw


def parse_body_and_words(raw: bytes, model: type[B]) -> tuple[B, list[FieldFault]]:
    """Return the body as its model, and where its free text names a customer.

    Raises:
        UnsupportedMediaTypeError: If it is not announced as JSON in UTF-8.
        MalformedBodyError: If it is no strict JSON.
        InvalidInputError: If it does not fit the model.
    """
    if not _is_json(request.headers.get("Content-Type", "")):
        raise UnsupportedMediaTypeError(f"send Content-Type: {_JSON}, in no charset but UTF-8")
    try:
        value = strict_json.loads(raw)
    except StrictJsonError as error:
        raise MalformedBodyError(
            str(error), errors=[FieldFault(error.pointer, error.reason, "strict_json")]
        ) from None
    try:
        content = model.model_validate(value)
    except ValidationError as error:
        raise problems.invalid_input(error) from None
    context = current_context()
    return content, customer_data(content, lambda: _jurisdictions(context))


def _is_json(content_type: str) -> bool:
    """Tell whether this announces JSON in UTF-8; charset is the one parameter that may stand."""
    kind, *parameters = (part.strip(" \t").lower() for part in content_type.split(";"))
    return kind == _JSON and _UTF_8.issuperset(parameters)


def parse_body(raw: bytes, model: type[B]) -> B:
    """Return the body as its model; see `parse_body_and_words`.

    Raises:
        InvalidInputError: Also where free text names a customer.
    """
    content, words = parse_body_and_words(raw, model)
    if words:
        raise _customer_named(words)
    return content


def _customer_named(words: Sequence[FieldFault]) -> InvalidInputError:
    """Return the refusal of free text that names a customer; the text is not repeated."""
    return InvalidInputError(
        "free text must not say who a customer is; take the named parts out",
        code="customer_data",
        errors=words,
    )


def _jurisdictions(context: AppContext) -> frozenset[str]:
    """Return the jurisdictions of all members: any of them may come to read what is sent."""
    with context.database.engine.connect() as connection:
        return partner_store.jurisdictions(connection)


def parse_query(model: type[BaseModel]) -> BaseModel:
    """Return the query parameters as their model.

    Raises:
        InvalidInputError: If one is unknown, doubled or out of range.
    """
    values: dict[str, str] = {}
    for name, items in request.args.lists():
        if len(items) > 1:
            raise InvalidInputError(
                "a query parameter comes once",
                parameters=[ParameterFault(name, "comes more than once", "doubled")],
            )
        values[name] = items[0]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise problems.invalid_query(error) from None


@dataclass(frozen=True, slots=True)
class _Caller:
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


def _caller(context: AppContext) -> _Caller:
    """Return who signed the present request, counted against the allowance once."""
    call = present_call() or Call()
    if call.token is None or call.token_front is None:
        front = read_front(request, origin=context.origin, now=int(context.clock.now().timestamp()))
        token = authenticate(_RING, context.database, front, origin=context.origin)
        structlog.contextvars.bind_contextvars(partner=token.iss, subject=token.sub)
        call.allowance = context.limiter.check(token.iss)
        call.token, call.token_front = token, front
    else:
        token, front = call.token, call.token_front
        structlog.contextvars.bind_contextvars(partner=token.iss, subject=token.sub)
    g.allowance = call.allowance
    return _Caller(token, front)


def reader_token(context: AppContext) -> RequestToken:
    """Return the verified token of the present GET, which has no body."""
    caller = _caller(context)
    caller.read_body(0)
    return caller.token


def read(
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
    return answered(answer)


def answered(answer: Any) -> Response:
    """Return what a reading function answers, with its ETag; 304 where the caller has it already.

    Raises:
        PreconditionFailedError: If it is not what `If-Match` names.
    """
    if isinstance(answer, Response):
        return answer
    content = answer if isinstance(answer, bytes) else canonical_json.dumps(answer)
    etag = sha256(content).hexdigest()[:32]
    response = Response(content, 200, content_type=_JSON)
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    return conditional(response)


def conditional(response: Response) -> Response:
    """Return an answer with an ETag, or 304 where the caller has it already.

    Raises:
        PreconditionFailedError: If it is not what `If-Match` names.
    """
    response.make_conditional(request)
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        raise PreconditionFailedError(
            "it is no longer what If-Match names; read it without that header"
        )
    return response


def change(
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
    caller = _caller(context)
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
        raise _customer_named(words)
    asked = _call(context, token, prepared.command, key)
    response = retried(
        lambda: _change_once(context, asked, _evidence(token, raw), while_suspended=while_suspended)
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


def _change_once(
    context: AppContext, call: "_Call", evidence: Evidence, *, while_suspended: bool
) -> Response:
    with transaction(context.database, context.vault, context.clock, evidence) as uow:
        asked = partner_store.ask_standing(uow.connection, call.token.kid)
        claim = _claim(uow, call)
        found = partner_store.standing_of(asked)
        try:
            served = permission_of(type(call.command)) if while_suspended else None
            found = require_standing(found, while_suspended=served)
        except AuthenticationError:
            repeated = _repeat_of_rotation(uow, call, claim)
            if repeated is None:
                raise
            return repeated
        uow.stands_on(found)
        return answer_once(uow, call, claim, found.actor, uow.key(found.document_key_id))


def _claim(uow: UnitOfWork, call: "_Call") -> Claim:
    """Mark the token as used, take the idempotency key, and mark where the act begins.

    All of it is on its way before anything is waited for.
    """
    claim = request_store.claim(
        uow.connection,
        partner=call.token.iss,
        subject=call.token.sub,
        jti=call.token.jti,
        key=call.idempotency_key,
        answer_id=new_id("ans"),
        fingerprint=call.fingerprint,
        now=uow.now,
    )
    uow.begin_act()
    return claim


def _log_failure(error: DBAPIError) -> None:
    """Tell the operator why, in the driver's first line; statement and values stay out of it."""
    lines = str(error.orig).splitlines()
    _log.error("database_failed", reason=lines[0] if lines else "")


def retried(attempt: Callable[[], Response]) -> Response:
    """Run a transaction again where the database ended it to let another one through.

    Acts on shared holds lock several requests, so two of them can meet head-on.

    Raises:
        UnavailableError: If it was ended three times, or the database cannot be had.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return _unless_read_only(attempt)
        except OperationalError as error:
            if not was_sacrificed(error):
                _log_failure(error)
                raise UnavailableError("the database cannot be had at present") from error
    try:
        return _unless_read_only(attempt)
    except OperationalError as error:
        _log_failure(error)
        raise UnavailableError("too many acts meet on this request; try again") from error


def _unless_read_only(attempt: Callable[[], Response]) -> Response:
    try:
        return attempt()
    except InternalError as error:
        if not is_read_only(error):
            raise
        _log_failure(error)
        raise UnavailableError("the database takes no changes at present") from error


@dataclass(frozen=True, slots=True)
class _Call:
    """One change on its way into the transaction."""

    token: RequestToken
    command: object
    idempotency_key: str
    fingerprint: bytes


def _call(
    context: AppContext, token: RequestToken, command: object, key: str | None = None
) -> _Call:
    fingerprint = sha256(
        f"{request.method}\n{signed_url(context.origin, request)}\n{token.body_sha256}".encode()
    ).digest()
    return _Call(token, command, key or idempotency_key(), fingerprint)


def _evidence(token: RequestToken, raw: bytes) -> Evidence:
    return Evidence(bearer_token(request), raw, token.body_sha256)


def idempotency_key() -> str:
    """Return the Idempotency-Key header.

    Raises:
        InvalidInputError: If it is missing or malformed.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidInputError(
            "send an Idempotency-Key header: 8 to 64 characters of A-Z a-z 0-9 _ . : -, fresh for "
            "every new act and the same for its retries",
            code="idempotency_key",
        )
    return key


def answer_once(
    uow: UnitOfWork, call: _Call, claim: Claim, actor: Actor, sealing_key: DocumentKey
) -> Response:
    """Execute the command, or repeat the answer that its idempotency key got before.

    Raises:
        AuthenticationError: If the token was used before.
        IdempotencyConflictError: If the key came with another request.
    """
    if not claim.is_fresh_token():
        raise AuthenticationError("the token was used before", code="replayed_token")
    require_permission(type(call.command), actor)
    if not claim.is_first():
        return _repeat(uow, call, request_store.find_answer(uow.connection, claim))
    location = None
    try:
        answer = execute(call.command, actor, uow)
    except (AuthenticationError, RateLimitedError, UnavailableError):
        raise  # never stored: a retry must be able to succeed
    except CoordinatorError as error:
        uow.undo_act()
        status = int(problems.status_of(error))
        content = problems.problem_bytes(error)
        uow.seal(sealing_key, claim.answer_id, "answer", content)
        uow.finish()
    else:
        status, location = answer.status, answer.location
        content = uow.finish(answer, StoreAnswer(claim.answer_id, sealing_key))
    request_store.set_status(uow.connection, claim, status)
    response = _response(status, content)
    if location is not None:
        response.headers["Location"] = location
    return response


def _repeat(uow: UnitOfWork, call: _Call, stored: Any) -> Response:
    if stored.fingerprint != call.fingerprint:
        raise IdempotencyConflictError(
            "this Idempotency-Key was used for another request; take a fresh key"
        )
    content = load_one(uow.connection, uow.vault, stored.id, "answer")
    response = _response(stored.status, content or b"{}")
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _repeat_of_rotation(uow: UnitOfWork, call: _Call, claim: Claim) -> Response | None:
    """Return the stored answer to the retry of a key's own replacement.

    That act ended the very key that its retries are signed with, so they come too late for any
    right. They hear the same answer, which every member may read anyway, and nothing else is done.
    """
    if not isinstance(call.command, RotateKey):
        return None
    token = call.token
    partner = partner_store.partner(uow.connection, token.iss)
    if partner is None or partner.status != PartnerStatus.ACTIVE:
        return None
    if claim.is_first() or not claim.is_fresh_token():
        return None
    stored = request_store.find_answer(uow.connection, claim)
    if stored.fingerprint != call.fingerprint:
        return None
    return _repeat(uow, call, stored)


def join(token: RequestToken, raw: bytes, command: JoinNetwork, actor: Actor) -> Response:
    """Serve a joining partner, whose key nobody knows yet."""
    context = current_context()
    call = _call(context, token, command)
    with transaction(context.database, context.vault, context.clock, _evidence(token, raw)) as uow:
        row = partner_store.partner(uow.connection, actor.partner)
        if row is None:
            raise NotFoundError(
                "this invitation is not good for this handle: it is spent, too old or another's",
                code="invitation_not_good",
            )
        response = answer_once(uow, call, _claim(uow, call), actor, uow.key(row.document_key_id))
    context.wake()
    return response


def _response(status: int, content: bytes) -> Response:
    problem = status >= 400  # noqa: PLR2004 - client errors start there
    kind = problems.CONTENT_TYPE if problem else _JSON
    response = Response(content, status, content_type=kind)
    response.headers["Cache-Control"] = "no-store"
    return response


def remember_request_id() -> None:
    """Give the request an id, for the log and for problem documents."""
    call = present_call()
    g.request_id = new_id("req") if call is None else call.request_id
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
