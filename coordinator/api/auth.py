"""Who signed this request: the token binds method, URL and body to a registered key.

Whose a key is never changes, so that may be remembered; what its owner may do is read every time.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable

from flask import Request
from sqlalchemy import Connection

from coordinator.domain.errors import AuthenticationError, PermissionDeniedError
from coordinator.domain.permission import Permission, is_allowed
from coordinator.storage import partners as store
from coordinator.storage.database import Database
from holdfast.protocol.errors import ProtocolError, TokenError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.request_token import (
    RequestToken,
    TokenFront,
    read_token_front,
    verify_request_token,
)
from holdfast.protocol.vocabulary import PartnerStatus

_REMEMBERED = 10_000


class KeyRing:
    """Remembers whose a key is; the least recently used go first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, tuple[store.KeyOwner, PublicKey]] = OrderedDict()

    def find(self, database: Database, kid: str) -> tuple[store.KeyOwner, PublicKey] | None:
        """Return the owner and the key, or None where nobody registered it."""
        with self._lock:
            known = self._keys.get(kid)
            if known is not None:
                self._keys.move_to_end(kid)
                return known
        with database.engine.connect() as connection:
            owner = store.key_owner(connection, kid)
        if owner is None:
            return None
        found = (owner, PublicKey.from_jwk(owner.jwk))
        with self._lock:
            self._keys[kid] = found
            while len(self._keys) > _REMEMBERED:
                self._keys.popitem(last=False)
        return found


def bearer_token(request: Request) -> str:
    """Return the token of the Authorization header.

    Raises:
        AuthenticationError: If there is none, or more than one.
    """
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise AuthenticationError("no bearer token", code="token_missing")
    return token


def signed_url(origin: str, request: Request) -> str:
    """Return the URL that the caller must have signed: the configured origin, path and raw query.

    WSGI hands the path over decoded; routes hold no character that could have been encoded, so any
    other spelling finds no route.
    """
    query = request.environ.get("QUERY_STRING", "")
    path = request.environ.get("PATH_INFO", "")
    return f"{origin}{path}?{query}" if query else f"{origin}{path}"


def read_front(request: Request) -> TokenFront:
    """Return the token's checked form; nothing of it is authenticated yet."""
    try:
        return read_token_front(bearer_token(request))
    except TokenError as error:
        raise AuthenticationError(str(error), code=str(error.reason)) from None


def authenticate(  # noqa: PLR0913 - what the token is compared with
    ring: KeyRing,
    database: Database,
    request: Request,
    *,
    origin: str,
    read_body: Callable[[], bytes],
    now: int,
) -> tuple[RequestToken, bytes]:
    """Return the verified token of a request, and the body that it was signed over.

    The body is read only once the token names a registered key: a stranger who sends one byte a
    minute must not hold a thread.

    Raises:
        AuthenticationError: With the precise reason as its code, for the log alone.
    """
    front = read_front(request)
    found = ring.find(database, front.kid)
    if found is None:
        raise AuthenticationError("nobody registered this key", code="unknown_key")
    owner, key = found
    body = read_body()
    token = verify(
        front,
        key,
        request,
        iss=owner.partner,
        sub=owner.subject,
        origin=origin,
        body=body,
        now=now,
    )
    return token, body


def verify(  # noqa: PLR0913 - what the token is compared with
    front: TokenFront,
    key: PublicKey,
    request: Request,
    *,
    iss: str,
    sub: str,
    origin: str,
    body: bytes,
    now: int,
) -> RequestToken:
    """Verify a token with a known key; see `authenticate`."""
    try:
        return verify_request_token(
            front,
            key=key,
            iss=iss,
            sub=sub,
            aud=origin,
            method=request.method,
            url=signed_url(origin, request),
            body=body,
            now=now,
        )
    except TokenError as error:
        raise AuthenticationError(str(error), code=str(error.reason)) from None
    except ProtocolError as error:
        raise AuthenticationError(str(error), code="protocol") from None


def standing(
    connection: Connection, kid: str, *, while_suspended: Permission | None = None
) -> store.Standing:
    """Return what the key's owner may do now.

    Args:
        connection: Where to look.
        kid: The key that signed.
        while_suspended: The route serves a suspended partner, too: those of its keys that carry
            this permission.

    Raises:
        AuthenticationError: If the key was revoked or the partner suspended.
        PermissionDeniedError: If the partner is not confirmed yet.
    """
    return require_standing(store.standing(connection, kid), while_suspended=while_suspended)


def require_standing(
    found: store.Standing | None, *, while_suspended: Permission | None = None
) -> store.Standing:
    """Return the rights that were found, if there are any; see `standing`."""
    if found is None:
        raise AuthenticationError("the key was revoked", code="revoked_key")
    if found.partner_status is PartnerStatus.PENDING:
        raise PermissionDeniedError(
            "your membership is pending: the operator has not confirmed your root key's "
            "thumbprint yet",
            code="partner_pending",
        )
    if found.partner_status is PartnerStatus.ACTIVE:
        return found
    actor = found.actor
    if actor.is_suspended and while_suspended and is_allowed(while_suspended, actor):
        return found
    raise AuthenticationError("the partner is not active", code="partner_not_active")
