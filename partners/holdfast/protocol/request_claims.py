"""What every signed request or act says of itself, whichever kind of key signed it.

A request token (JWS) spells these nine claims as JWT does; a passkey's token has members of its own
that map to them one to one. So whoever reads evidence need not ask what it was signed with.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from holdfast.protocol.compact_jws import claim_text
from holdfast.protocol.errors import TokenError, TokenReason
from holdfast.protocol.jwk import Algorithm
from holdfast.protocol.passkey_signature import PasskeySignature
from holdfast.protocol.type_ids import id_pattern

#: The nine claims of a request token.
MEMBERS = frozenset({"iss", "sub", "aud", "iat", "exp", "jti", "htm", "htu", "body_sha256"})
#: 2008 and 2100: outside lies a broken clock, and no arithmetic on such a time can overflow.
_EARLIEST, _LATEST = 1_199_145_600, 4_102_444_800
#: A partner's handle: a lower-case DNS name of at least two labels.
_HANDLE = re.compile(
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
        alg: "EdDSA" or "ES256"; None in a passkey's token, where the key alone says it.
        claims: Exactly the nine claims, each of its own form.
        passkey: What a passkey's token holds; None in a JWS.
    """

    token: str
    kid: str
    alg: Algorithm | None
    claims: dict[str, Any]
    passkey: PasskeySignature | None = None


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


def compare_claim(claimed: str, actual: str, reason: TokenReason) -> None:
    """Refuse a claim that says something else than what is so.

    Raises:
        TokenError: With `reason`.
    """
    if claimed != actual:
        raise TokenError(reason, "the token was made for something else")


def check_claims(claims: dict[str, Any], *, max_lifetime: int) -> None:
    """Refuse claims that are not each of their own form.

    Args:
        claims: All nine.
        max_lifetime: Seconds; `exp - iat` is 1 to this.

    Raises:
        TokenError: With the reason that names the claim.
    """
    claim_text(claims, "iss", _HANDLE, TokenReason.ISS)
    if claims["sub"] != claims["iss"]:
        claim_text(claims, "sub", _SUBJECT, TokenReason.SUB)
    claim_text(claims, "aud", _ORIGIN, TokenReason.AUD)
    iat = _time(claims["iat"], TokenReason.IAT)
    exp = _time(claims["exp"], TokenReason.EXP)
    if not 1 <= exp - iat <= max_lifetime:
        raise TokenError(TokenReason.LIFETIME, f"exp - iat is not 1 to {max_lifetime} s")
    claim_text(claims, "jti", _JTI, TokenReason.JTI)
    claim_text(claims, "htm", _METHOD, TokenReason.HTM)
    claim_text(claims, "htu", _URL, TokenReason.HTU)
    claim_text(claims, "body_sha256", _SHA256, TokenReason.BODY_SHA256)


def _time(value: Any, reason: TokenReason) -> int:
    # To Python true is 1, which lies in 1970.
    if isinstance(value, int) and _EARLIEST <= value < _LATEST:
        return value
    raise TokenError(reason, "not whole seconds since 1970, between 2008 and 2100")
