"""The transaction that carries a command out once, however often it is sent.

1. BEGIN. What the key's owner may do now is read, and that the database takes changes.
2. The token is marked as used: a second use is refused.
3. The idempotency key is taken. If it was used before, the stored answer is repeated.
4. A savepoint, then the command's handler.
5. If a rule refuses the command, roll back to the savepoint and store the refusal as the answer,
   so that a retry hears the same.
6. The tail (`UnitOfWork.finish`) numbers events and stores the answer. COMMIT.

Nothing is handed out before the commit. If the database ended the transaction to let another one
through, it runs again.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

import psycopg
from flask import Response, request
from sqlalchemy.exc import SQLAlchemyError

from coordinator.api import problems
from coordinator.api.auth import (
    bearer_token,
    require_standing,
)
from coordinator.api.context import AppContext, current_context
from coordinator.api.database_faults import unavailable
from coordinator.api.responses import stored_response
from coordinator.domain.actor import Actor
from coordinator.domain.errors import (
    AuthenticationError,
    CoordinatorError,
    ErasedError,
    GatewayError,
    IdempotencyConflictError,
    InvalidInputError,
    NotFoundError,
    RateLimitedError,
    RulebookError,
    UnavailableError,
)
from coordinator.domain.read_only import read_only_error
from coordinator.services.commands import execute, permission_of, require_permission
from coordinator.services.core.unit_of_work import (
    Answer,
    Evidence,
    StoreAnswer,
    UnitOfWork,
    transaction,
)
from coordinator.services.membership.partners import JoinNetwork
from coordinator.services.membership.rotations import RotateKey
from coordinator.storage.engine.database import is_deadlock_victim
from coordinator.storage.engine.documents import DocumentKey, load_one
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.tail import idempotency, restored
from coordinator.storage.tail.idempotency import Claim, FoundAnswer, OnceOnly
from holdfast.protocol.request_token import RequestToken
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import PartnerStatus

_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_.:-]{8,64}", re.ASCII)
_ATTEMPTS = 3
#: Refusals that a retry of the very same request may outlive.
_NEVER_STORED = (
    AuthenticationError,
    GatewayError,
    RateLimitedError,
    RulebookError,
    UnavailableError,
)


@dataclass(frozen=True, slots=True)
class SignedCommand:
    """A command with the token that signed it and what makes it one act.

    Attributes:
        fingerprint: Hash of method, URL and body; a retry has the same.
    """

    token: RequestToken
    command: object
    idempotency_key: str
    fingerprint: bytes


def signed_command(
    context: AppContext,
    token: RequestToken,
    command: object,
    key: str,
    *,
    is_personal: bool = False,
) -> SignedCommand:
    """Return a command with its key and the fingerprint of the call that its token was made for.

    Args:
        context: Of the application.
        token: As verified.
        command: What it asks for.
        key: The idempotency key.
        is_personal: See `CommandView`.
    """
    call = f"{token.htm}\n{token.htu}\n{token.body_sha256}"
    # No account has a line feed, so that this is the blind index of none.
    fingerprint = context.vault.blind_index(call) if is_personal else sha256(call.encode()).digest()
    return SignedCommand(token, command, key, fingerprint)


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


def change_once(
    context: AppContext,
    call: SignedCommand,
    evidence: Evidence,
    *,
    while_suspended: bool,
    while_pending: bool = False,
) -> Response:
    """Carry a command out in one transaction.

    Args:
        context: Of the application.
        call: The command.
        evidence: What proves it.
        while_suspended: See `CommandView`.
        while_pending: See `CommandView`.

    Raises:
        AuthenticationError: If the key was revoked meanwhile, or the token was used before.
        CoordinatorError: What else is refused and not stored.
    """
    with transaction(context, evidence) as uow:
        standing = partner_store.send_standing(uow.connection, call.token.kid)
        claim = _claim(uow, call)
        found = partner_store.read_standing(standing)
        _require_changes_taken(found)
        try:
            served = permission_of(type(call.command)) if while_suspended else None
            found = require_standing(found, while_suspended=served, while_pending=while_pending)
        except AuthenticationError:
            repeated = _repeat_of_rotation(uow, call, claim)
            if repeated is None:
                raise
            return repeated
        uow.stands_on(found)
        return answer_once(uow, call, claim, found.actor, uow.key(found.document_key_id))


def _require_changes_taken(found: partner_store.Standing | None) -> None:
    """Refuse every act while the database is only read: a refusal would be stored, too.

    Raises:
        UnavailableError: If it is.
    """
    if found is not None and found.is_read_only:
        raise read_only_error()


class _RehearsedError(Exception):
    """The act would be carried out; everything that it did is undone."""


def rehearse(
    context: AppContext, token: RequestToken, raw: bytes, command: object, *, while_suspended: bool
) -> Answer:
    """Try a command out in a transaction that ends without a trace; return what it would answer.

    Args:
        context: Of the application.
        token: What the act's token will say, with a key of its author's.
        raw: The body.
        command: What it asks for.
        while_suspended: See `CommandView`.

    Raises:
        CoordinatorError: As it would be refused now.
    """
    served = permission_of(type(command)) if while_suspended else None
    answers: list[Answer] = []
    with (
        suppress(_RehearsedError),
        transaction(context, Evidence("", raw, token.body_sha256)) as uow,
    ):
        found = partner_store.standing(uow.connection, token.kid)
        _require_changes_taken(found)
        found = require_standing(found, while_suspended=served)
        uow.stands_on(found)
        require_permission(type(command), found.actor)
        answers.append(execute(command, found.actor, uow))
        raise _RehearsedError
    return answers[0]


def _claim(uow: UnitOfWork, call: SignedCommand) -> Claim:
    """Mark the token as used, take the idempotency key, and mark where the act begins.

    All of it is on its way before anything is waited for.
    """
    once = OnceOnly(
        partner=call.token.iss,
        subject=call.token.sub,
        jti=call.token.jti,
        key=call.idempotency_key,
        answer_id=new_id("ans"),
        fingerprint=call.fingerprint,
    )
    claim = idempotency.claim(uow.connection, once, uow.now)
    uow.begin_act()
    return claim


def answer_once(
    uow: UnitOfWork, call: SignedCommand, claim: Claim, actor: Actor, sealing_key: DocumentKey
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
        return _repeat(uow, call, idempotency.find_answer(uow.connection, claim.call))
    location = about = None
    try:
        answer = execute(call.command, actor, uow)
    except _NEVER_STORED:
        raise
    except CoordinatorError as error:
        uow.undo_act()
        status = int(problems.status_of(error))
        content = problems.problem_bytes(error)
        uow.seal(sealing_key, claim.call.answer_id, "answer", content)
        uow.finish()
    else:
        status, location, about = answer.status, answer.location, answer.about
        # What is said about a request is sealed, and erased, with that.
        key = sealing_key if answer.entry is None else answer.entry.key
        content = uow.finish(answer, StoreAnswer(claim.call.answer_id, key))
    idempotency.complete(uow.connection, claim.call, status, about=about)
    response = stored_response(status, content)
    if location is not None:
        response.headers["Location"] = location
    return response


def _repeat(uow: UnitOfWork, call: SignedCommand, stored: FoundAnswer | None) -> Response:
    if stored is not None and stored.fingerprint == idempotency.ERASED:
        raise IdempotencyConflictError(
            "what this Idempotency-Key did was changed or erased since; take a fresh key to do it"
            " again"
        )
    if stored is None or stored.fingerprint != call.fingerprint:
        raise IdempotencyConflictError(
            "this Idempotency-Key was used for another request; take a fresh key"
        )
    content = load_one(uow.connection, uow.vault, stored.id, "answer")
    if content is None:
        raise ErasedError("this was answered before, and what it was about is erased since")
    response = stored_response(stored.status, content)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _repeat_of_rotation(uow: UnitOfWork, call: SignedCommand, claim: Claim) -> Response | None:
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
    stored = idempotency.find_answer(uow.connection, claim.call)
    if stored is None or stored.fingerprint != call.fingerprint:
        return None
    return _repeat(uow, call, stored)


def join_once(token: RequestToken, raw: bytes, command: JoinNetwork, actor: Actor) -> Response:
    """Carry out a partner's joining, whose key nobody knows yet."""
    context = current_context()
    call = signed_command(context, token, command, idempotency_key())
    evidence = Evidence(bearer_token(request), raw, token.body_sha256)
    with transaction(context, evidence) as uow:
        if restored.since(uow.connection) is not None:
            raise read_only_error()
        row = partner_store.partner(uow.connection, actor.partner)
        if row is None:
            raise NotFoundError(
                "this invitation is not good for this handle: it is spent, too old or another's",
                code="invitation_not_good",
            )
        response = answer_once(uow, call, _claim(uow, call), actor, uow.key(row.document_key_id))
    context.wake()
    return response


def retried(attempt: Callable[[], Response]) -> Response:
    """Run a transaction, again if the database ended it to let another one through.

    Acts on shared holds lock several requests, so two of them can deadlock.

    Raises:
        UnavailableError: If it was ended three times, or the database cannot be had.
    """
    for number in range(1, _ATTEMPTS + 1):
        try:
            return attempt()
        except (SQLAlchemyError, psycopg.Error) as error:
            is_victim = is_deadlock_victim(error)
            if is_victim and number < _ATTEMPTS:
                continue
            found = unavailable(error)
            if is_victim:
                found = UnavailableError("too many acts meet on this request; try again")
            if found is None:
                raise
            raise found from error
    raise AssertionError("the last attempt returns or raises")
