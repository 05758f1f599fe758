"""Authentication: a token binds method, URL and body to a registered key.

The owner of a key never changes, so it is cached; what the owner may do is read every time.
Whatever can be refused without the body is refused before the body is read.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Request
from sqlalchemy import Connection

from coordinator.domain.errors import AuthenticationError, PermissionDeniedError
from coordinator.domain.permission import Permission, is_allowed
from coordinator.storage.engine.database import Database
from coordinator.storage.membership import partners as store
from holdfast.protocol.errors import ProtocolError, TokenError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.request_token import (
    RequestToken,
    TokenFront,
    check_addressed,
    check_body,
    check_times,
    read_token_front,
    verify_signature,
)
from holdfast.protocol.vocabulary import PartnerStatus

_REMEMBERED = 10_000


class KeyRing:
    """Caches the owners of keys; the least recently used are dropped first."""

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
    """Return the URL that the caller must have signed: configured origin, path and raw query.

    WSGI hands the path over decoded; `exact_url` lets through only paths that hold no character
    which could have been encoded.
    """
    query = request.environ.get("QUERY_STRING", "")
    path = request.environ.get("PATH_INFO", "")
    return f"{origin}{path}?{query}" if query else f"{origin}{path}"


@contextmanager
def _refused_alike() -> Iterator[None]:
    """Turn the protocol's precise errors into the one that tells the caller nothing."""
    try:
        yield
    except TokenError as error:
        raise AuthenticationError(str(error), code=str(error.reason)) from None
    except ProtocolError as error:
        raise AuthenticationError(str(error), code="protocol") from None


def read_front(request: Request, *, origin: str, now: int) -> TokenFront:
    """Return the token if it claims to be for this request, now; its signature is not checked yet.

    Raises:
        AuthenticationError: With the precise reason as its code, for the log alone.
    """
    with _refused_alike():
        front = read_token_front(bearer_token(request))
        check_addressed(front, aud=origin, method=request.method, url=signed_url(origin, request))
        check_times(front, now=now)
    return front


def authenticate(
    ring: KeyRing, database: Database, front: TokenFront, *, origin: str
) -> RequestToken:
    """Return the verified token of a request, before its body is read.

    Args:
        ring: Caches keys.
        database: Where they are registered.
        front: See `read_front`.
        origin: The configured origin.

    Raises:
        AuthenticationError: With the precise reason as its code, for the log alone.
    """
    found = ring.find(database, front.kid)
    if found is None:
        raise AuthenticationError("nobody registered this key", code="unknown_key")
    owner, key = found
    return verify(front, key, iss=owner.partner, sub=owner.subject, origin=origin)


def verify(front: TokenFront, key: PublicKey, *, iss: str, sub: str, origin: str) -> RequestToken:
    """Return the token after checking its signature with a known key; see `authenticate`."""
    with _refused_alike():
        return verify_signature(front, key, iss=iss, sub=sub, aud=origin)


def require_body(front: TokenFront, body: bytes) -> None:
    """Check that the token was made for this body.

    Raises:
        AuthenticationError: If it was made for another.
    """
    with _refused_alike():
        check_body(front, body)


def standing(
    connection: Connection,
    kid: str,
    *,
    while_suspended: Permission | None = None,
    while_pending: bool = False,
) -> store.Standing:
    """Return what the key's owner may do now.

    Args:
        connection: Where to look.
        kid: The key that signed.
        while_suspended: The route serves a suspended partner, too: those of its keys that carry
            this permission.
        while_pending: The route serves a partner that is not confirmed yet, too.

    Raises:
        AuthenticationError: If the key was revoked or the partner suspended.
        PermissionDeniedError: If the partner is not confirmed yet.
    """
    found = store.standing(connection, kid)
    return require_standing(found, while_suspended=while_suspended, while_pending=while_pending)


def require_standing(
    found: store.Standing | None,
    *,
    while_suspended: Permission | None = None,
    while_pending: bool = False,
) -> store.Standing:
    """Return the rights that were found, if there are any; see `standing`."""
    if found is None:
        raise AuthenticationError("the key was revoked", code="revoked_key")
    if found.partner_status is PartnerStatus.PENDING and not while_pending:
        raise PermissionDeniedError(
            "your membership is pending: the operator has not confirmed your root key's "
            "thumbprint yet",
            code="partner_pending",
        )
    if found.partner_status in {PartnerStatus.ACTIVE, PartnerStatus.PENDING}:
        return found
    actor = found.actor
    if actor.is_suspended and while_suspended and is_allowed(while_suspended, actor):
        return found
    raise AuthenticationError("the partner is not active", code="partner_not_active")
