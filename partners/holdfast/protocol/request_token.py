"""The JWT that signs one HTTP request: authentication and evidence at once.

It binds who asks (`kid`, `iss`, `sub`) to what is asked (`htm`, `htu`, `body_sha256`), for one
coordinator (`aud`) and a minute (`iat`, `exp`, `jti`). Token plus raw body prove to anyone, without
the coordinator, who asked what. RFC 7519, RFC 8725; PyJWT makes and verifies it, behind a strict
front.

As evidence, though never as authentication, a passkey's token (`passkey_token`) says the same and
stands in the same places. Functions for evidence take either.
"""

import secrets

import jwt

from holdfast.protocol.compact_jws import CompactJws, check_key, read_front, sign_claims
from holdfast.protocol.errors import TokenError, TokenReason
from holdfast.protocol.jwk import PrivateKey, PublicKey
from holdfast.protocol.passkey_signature import is_passkey_token
from holdfast.protocol.passkey_token import read_passkey_front, verify_passkey_token
from holdfast.protocol.request_claims import (
    MEMBERS,
    RequestToken,
    TokenFront,
    body_sha256,
    check_claims,
    compare_claim,
)

__all__ = [
    "DEFAULT_LIFETIME",
    "DEFAULT_SKEW",
    "MAX_LIFETIME",
    "TYP",
    "RequestToken",
    "TokenFront",
    "body_sha256",
    "check_addressed",
    "check_body",
    "check_times",
    "make_request_token",
    "read_evidence_front",
    "read_token_front",
    "verify_request_evidence",
    "verify_request_token",
    "verify_signature",
]

TYP = "holdfast-request+jwt"
#: Seconds; `exp - iat` of every token is 1 to this.
MAX_LIFETIME = 120
DEFAULT_LIFETIME = 60
#: Seconds by which the clocks of partner and coordinator may differ.
DEFAULT_SKEW = 30


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
    check_claims(claims, max_lifetime=MAX_LIFETIME)
    return sign_claims(claims, key, typ=TYP)


def read_token_front(token: str | bytes) -> TokenFront:
    """Return what `token` claims, if its form is right in every respect; no key is needed.

    Only a JWS is taken: nothing else authenticates a request.

    Raises:
        TokenError: If anything about the form is wrong.
    """
    jws = read_front(token, typ=TYP, members=MEMBERS)
    check_claims(jws.claims, max_lifetime=MAX_LIFETIME)
    return TokenFront(jws.token, jws.kid, jws.alg, jws.claims)


def read_evidence_front(token: str | bytes) -> TokenFront:
    """Return what `token` claims: that of a request, or of an act that a passkey signed.

    Raises:
        TokenError: If anything about the form is wrong.
    """
    return read_passkey_front(token) if is_passkey_token(token) else read_token_front(token)


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
    compare_claim(front.claims["aud"], aud, TokenReason.AUD_MISMATCH)
    compare_claim(front.claims["htm"], method, TokenReason.HTM_MISMATCH)
    compare_claim(front.claims["htu"], url, TokenReason.HTU_MISMATCH)


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

    Its body is not looked at: that takes `check_body`. A decision on a request that a passkey
    signed is refused, for its challenge takes in the body: that takes `verify_request_evidence`.

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
    compare_claim(verified.iss, iss, TokenReason.ISS_MISMATCH)
    compare_claim(verified.sub, sub, TokenReason.SUB_MISMATCH)
    return verified


def check_body(front: TokenFront, body: bytes) -> None:
    """Refuse a body other than the one that the token names; no key is needed.

    Raises:
        TokenError: With `body_mismatch`.
    """
    named, actual = front.claims["body_sha256"], body_sha256(body)
    if named != actual:
        detail = f"made for a body with the SHA-256 {named}; {len(body)} bytes came, with {actual}"
        raise TokenError(TokenReason.BODY_MISMATCH, detail)


def verify_request_evidence(
    token: str | bytes | TokenFront, body: bytes, *, key: PublicKey, aud: str
) -> RequestToken:
    """Return the content of a token that is shown as evidence, whenever and however it was made.

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
    front = token if isinstance(token, TokenFront) else read_evidence_front(token)
    check_body(front, body)
    return _verify_signature(front, key, aud, body)


def _verify_signature(
    front: TokenFront, key: PublicKey, aud: str, body: bytes | None = None
) -> RequestToken:
    if front.alg is None:
        compare_claim(front.claims["aud"], aud, TokenReason.AUD_MISMATCH)
        return verify_passkey_token(front, key, body)
    check_key(CompactJws(front.token, front.alg, front.kid, front.claims), key)
    try:
        claims = jwt.decode(
            front.token,
            key.verifying_key,
            algorithms=[key.alg],
            audience=aud,
            # Times are compared by the caller's clock, not by the machine's.
            options={
                "require": sorted(MEMBERS),
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
