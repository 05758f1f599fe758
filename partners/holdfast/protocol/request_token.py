"""The JWT that signs one HTTP request: authentication and evidence at once.

It binds who asks (`kid`, `iss`, `sub`) to what is asked (`htm`, `htu`, `body_sha256`), for one
coordinator (`aud`) and a minute (`iat`, `exp`, `jti`). Token plus raw body prove to anyone, without
the coordinator, who asked what. RFC 7519, RFC 8725; PyJWT makes and verifies it, behind a strict
front.
"""

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import jwt

from holdfast.protocol.compact_jws import (
    CompactJws,
    check_key,
    claim_text,
    read_front,
    sign_claims,
)
from holdfast.protocol.errors import TokenError, TokenReason
from holdfast.protocol.jwk import Algorithm, PrivateKey, PublicKey
from holdfast.protocol.type_ids import id_pattern

TYP = "holdfast-request+jwt"
#: Seconds; `exp - iat` of every token is 1 to this.
MAX_LIFETIME = 120
DEFAULT_LIFETIME = 60
#: Seconds by which the clocks of partner and coordinator may differ.
DEFAULT_SKEW = 30

_MEMBERS = frozenset({"iss", "sub", "aud", "iat", "exp", "jti", "htm", "htu", "body_sha256"})
#: 2008 and 2100: outside lies a broken clock, and no arithmetic on such a time can overflow.
_EARLIEST, _LATEST = 1_199_145_600, 4_102_444_800
#: A partner's handle: a lower-case DNS name of at least two labels.
HANDLE = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?",
    re.ASCII,
)
_SUBJECT = re.compile(id_pattern("per", "sys").rstrip("$"), re.ASCII)
#: An origin, as configured: scheme and host (and port), nothing after it.
_ORIGIN = re.compile(r"https?://[!-.0->@-~]{1,300}", re.ASCII)
_URL = re.compile(r"https?://[!-~]{1,2000}", re.ASCII)
_JTI = re.compile(r"[!-~]{1,64}", re.ASCII)
_METHOD = re.compile(r"GET|HEAD|POST|PUT|PATCH|DELETE", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenFront:
    """A request token whose form is right; **nothing in it is authenticated yet**.

    Attributes:
        token: The token itself.
        kid: Thumbprint of the key that it claims to be signed with.
        alg: "EdDSA" or "ES256".
        claims: Exactly the nine claims, each of its own form.
    """

    token: str
    kid: str
    alg: Algorithm
    claims: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RequestToken:
    """What a verified request token says; times are seconds since 1970 UTC."""

    kid: str
    alg: Algorithm
    iss: str
    sub: str
    aud: str
    iat: int
    exp: int
    jti: str
    htm: str
    htu: str
    body_sha256: str


def body_sha256(body: bytes) -> str:
    """Return the SHA-256 of a raw body as 64 hex digits; a request without one has the body b""."""
    return sha256(body).hexdigest()


def make_request_token(
    key: PrivateKey,
    *,
    iss: str,
    sub: str,
    aud: str,
    method: str,
    url: str,
    body: bytes,
    now: int,
    jti: str | None = None,
    lifetime: int = DEFAULT_LIFETIME,
) -> str:
    """Return the token for one HTTP request.

    Args:
        key: The caller's key.
        iss: The partner's handle.
        sub: The person or system whose key it is; the handle itself for a root key.
        aud: The coordinator's configured origin.
        method: HTTP method in capitals.
        url: Origin, path and raw query, byte for byte as sent.
        body: The raw body; b"" where there is none.
        now: Seconds since 1970 UTC.
        jti: A value never used before; None makes a random one.
        lifetime: Seconds until the token expires, 1 to 120.

    Raises:
        TokenError: If the coordinator would refuse the form of the outcome.
    """
    claims = {
        "iss": iss,
        "sub": sub,
        "aud": aud,
        "iat": now,
        "exp": now + lifetime,
        "jti": secrets.token_urlsafe(16) if jti is None else jti,
        "htm": method,
        "htu": url,
        "body_sha256": body_sha256(body),
    }
    _check_claims(claims)
    return sign_claims(claims, key, typ=TYP)


def read_token_front(token: str | bytes) -> TokenFront:
    """Return what `token` claims, if its form is right in every respect; no key is needed.

    Raises:
        TokenError: If anything about the form is wrong.
    """
    jws = read_front(token, typ=TYP, members=_MEMBERS)
    _check_claims(jws.claims)
    return TokenFront(jws.token, jws.kid, jws.alg, jws.claims)


def verify_request_token(
    token: str | bytes | TokenFront,
    *,
    key: PublicKey,
    iss: str,
    sub: str,
    aud: str,
    method: str,
    url: str,
    body: bytes,
    now: int,
    skew: int = DEFAULT_SKEW,
) -> RequestToken:
    """Return the token's content if it authenticates this very request, now.

    Args:
        token: As received, or the outcome of `read_token_front`.
        key: The key that is registered under the token's `kid`.
        iss: The handle of the partner that this key belongs to.
        sub: The person or system that this key belongs to.
        aud: The configured origin.
        method: The request's method.
        url: The configured origin, path, "?" and raw query string.
        body: The raw body.
        now: Seconds since 1970 UTC.
        skew: Seconds by which the clocks may differ.

    Raises:
        TokenError: If it does not; `reason` is for the log and not for the caller.
    """
    # (1) The form is right, and the token says that it is for this request, now.
    front = token if isinstance(token, TokenFront) else read_token_front(token)
    check_addressed(front, aud=aud, method=method, url=url)
    check_times(front, now=now, skew=skew)
    # (2) This key signed it, and belongs to whoever the token names.
    verified = verify_signature(front, key, iss=iss, sub=sub, aud=aud)
    # (3) It was made for this body.
    check_body(front, body)
    return verified


def check_addressed(front: TokenFront, *, aud: str, method: str, url: str) -> None:
    """Refuse a token that does not even claim to be for this request; no key is needed.

    Args:
        front: **Not authenticated**: passing this proves nothing before `verify_signature`.
        aud: The configured origin.
        method: The request's method.
        url: The configured origin, path, "?" and raw query string.

    Raises:
        TokenError: With `aud_mismatch`, `htm_mismatch` or `htu_mismatch`.
    """
    _compare(front.claims["aud"], aud, TokenReason.AUD_MISMATCH)
    _compare(front.claims["htm"], method, TokenReason.HTM_MISMATCH)
    _compare(front.claims["htu"], url, TokenReason.HTU_MISMATCH)


def check_times(front: TokenFront, *, now: int, skew: int = DEFAULT_SKEW) -> None:
    """Refuse a token that is not valid now: one from the future is refused like a stale one.

    Args:
        front: **Not authenticated**, as in `check_addressed`.
        now: Seconds since 1970 UTC.
        skew: Seconds by which the clocks may differ.

    Raises:
        TokenError: With `not_yet_valid` or `expired`.
    """
    iat, exp = front.claims["iat"], front.claims["exp"]
    if iat > now + skew:
        raise TokenError(TokenReason.NOT_YET_VALID, f"issued {iat - now} s in the future")
    if exp <= now - skew:
        raise TokenError(TokenReason.EXPIRED, f"expired {now - exp} s ago")


def verify_signature(
    front: TokenFront, key: PublicKey, *, iss: str, sub: str, aud: str
) -> RequestToken:
    """Return the token's content if this key signed it for this coordinator.

    Its body is not looked at: that takes `check_body`.

    Args:
        front: The token's form.
        key: The key that is registered under its `kid`.
        iss: The handle of the partner that this key belongs to.
        sub: The person or system that this key belongs to.
        aud: The configured origin.

    Raises:
        TokenError: If it did not, or the key is another's.
    """
    verified = _verify_signature(front, key, aud)
    _compare(verified.iss, iss, TokenReason.ISS_MISMATCH)
    _compare(verified.sub, sub, TokenReason.SUB_MISMATCH)
    return verified


def check_body(front: TokenFront, body: bytes) -> None:
    """Refuse a body other than the one that the token names; no key is needed.

    Raises:
        TokenError: With `body_mismatch`.
    """
    _compare(front.claims["body_sha256"], body_sha256(body), TokenReason.BODY_MISMATCH)


def verify_request_evidence(
    token: str | bytes | TokenFront, body: bytes, *, key: PublicKey, aud: str
) -> RequestToken:
    """Return the content of a token that is shown as evidence, whenever it was made.

    The caller compares `iss`, `sub`, `htm`, `htu` and the times with what the evidence is said to
    prove, and finds out whether the key was good at that time.

    Args:
        token: As forwarded.
        body: The raw body that was signed with it.
        key: The key of the one said to have signed.
        aud: The coordinator's origin.

    Raises:
        TokenError: If form, signature, audience or body hash are wrong.
    """
    front = token if isinstance(token, TokenFront) else read_token_front(token)
    verified = _verify_signature(front, key, aud)
    check_body(front, body)
    return verified


def _verify_signature(front: TokenFront, key: PublicKey, aud: str) -> RequestToken:
    check_key(CompactJws(front.token, front.alg, front.kid, front.claims), key)
    try:
        claims = jwt.decode(
            front.token,
            key.verifying_key,
            algorithms=[key.alg],
            audience=aud,
            # Times are compared by the caller's clock, not by the machine's.
            options={
                "require": sorted(_MEMBERS),
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidAudienceError:
        raise TokenError(TokenReason.AUD_MISMATCH, "made for another coordinator") from None
    except jwt.PyJWTError as error:
        raise TokenError(TokenReason.SIGNATURE, f"refused by PyJWT: {error}") from None
    return RequestToken(kid=key.kid, alg=key.alg, **claims)


def _compare(claimed: str, actual: str, reason: TokenReason) -> None:
    if claimed != actual:
        raise TokenError(reason, "the token was made for something else")


def _check_claims(claims: dict[str, Any]) -> None:
    """Refuse claims that are not each of their own form."""
    claim_text(claims, "iss", HANDLE, TokenReason.ISS)
    if claims["sub"] != claims["iss"]:
        claim_text(claims, "sub", _SUBJECT, TokenReason.SUB)
    claim_text(claims, "aud", _ORIGIN, TokenReason.AUD)
    iat = _time(claims["iat"], TokenReason.IAT)
    exp = _time(claims["exp"], TokenReason.EXP)
    if not 1 <= exp - iat <= MAX_LIFETIME:
        raise TokenError(TokenReason.LIFETIME, f"exp - iat is not 1 to {MAX_LIFETIME} s")
    claim_text(claims, "jti", _JTI, TokenReason.JTI)
    claim_text(claims, "htm", _METHOD, TokenReason.HTM)
    claim_text(claims, "htu", _URL, TokenReason.HTU)
    claim_text(claims, "body_sha256", _SHA256, TokenReason.BODY_SHA256)


def _time(value: Any, reason: TokenReason) -> int:
    # To Python true is 1, which lies in 1970.
    if isinstance(value, int) and _EARLIEST <= value < _LATEST:
        return value
    raise TokenError(reason, "not whole seconds since 1970, between 2008 and 2100")
