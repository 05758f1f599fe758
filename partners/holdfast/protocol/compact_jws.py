"""The strict front of every JWS that Holdfast reads: everything that can be said without a key.

JWT libraries forgive much (further header members, padding, doubled members, any length). What they
would forgive is refused here first; they then see only tokens of one form. RFC 7515, RFC 8725.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import jwt

from holdfast.protocol import base64url, strict_json
from holdfast.protocol.errors import Base64UrlError, StrictJsonError, TokenError, TokenReason
from holdfast.protocol.jwk import SIGNATURE_BYTES, Algorithm, PrivateKey, PublicKey

MAX_TOKEN_BYTES = 4096
#: Times in statements lie between 2008 and 2100.
EARLIEST, LATEST = 1_199_145_600, 4_102_444_800
_SEGMENTS = 3
#: Header and claims are flat objects of strings and integers.
_MAX_DEPTH = 1
_HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})
#: base64url of 32 bytes, the last character without stray bits: an RFC 7638 thumbprint.
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)


@dataclass(frozen=True, slots=True)
class CompactJws:
    """A JWS whose form is right; **nothing in it is authenticated yet**."""

    token: str
    alg: Algorithm
    kid: str
    claims: dict[str, Any]


def read_front(token: str | bytes, *, typ: str, members: frozenset[str]) -> CompactJws:
    """Return what `token` says, if its form is right in every respect.

    Args:
        token: JWS compact serialisation, at most 4 KiB.
        typ: The only `typ` that is accepted.
        members: The claims, all of which and none other must be there.

    Raises:
        TokenError: If anything about the form is wrong.
    """
    text = ascii_text(token)
    parts = text.split(".")
    if len(parts) != _SEGMENTS:
        raise TokenError(TokenReason.SEGMENTS, "not three segments between dots")
    header_raw, claims_raw, signature = (read_segment(part) for part in parts)
    if len(signature) != SIGNATURE_BYTES:
        raise TokenError(TokenReason.SIGNATURE_LENGTH, f"not {SIGNATURE_BYTES} bytes")
    header = read_object(header_raw, TokenReason.HEADER_JSON)
    if header.keys() != _HEADER_MEMBERS:
        raise TokenError(TokenReason.HEADER_MEMBERS, "the header has alg, kid and typ, no more")
    if header["typ"] != typ:
        raise TokenError(TokenReason.TYP, f"typ is not {typ}")
    alg = _algorithm(header["alg"])
    kid = header["kid"]
    if not isinstance(kid, str) or not THUMBPRINT.fullmatch(kid):
        raise TokenError(TokenReason.KID, "kid is not an RFC 7638 thumbprint")
    claims = read_object(claims_raw, TokenReason.CLAIMS_JSON)
    if claims.keys() != members:
        raise TokenError(TokenReason.CLAIMS_MEMBERS, f"the claims are {', '.join(sorted(members))}")
    return CompactJws(text, alg, kid, claims)


def check_key(jws: CompactJws, key: PublicKey) -> None:
    """Refuse a key other than the one that the header names, and any algorithm but the key's own.

    Raises:
        TokenError: With `kid_mismatch`, `key_kind` or `alg_mismatch`.
    """
    if jws.kid != key.kid:
        raise TokenError(TokenReason.KID_MISMATCH, "kid names another key")
    if key.webauthn is not None:
        # An authenticator signs what its pages ask for; that must never pass for a request.
        raise TokenError(TokenReason.KEY_KIND, "a passkey verifies assertions, and no JWS")
    if jws.alg != key.alg:
        raise TokenError(TokenReason.ALG_MISMATCH, f"this key verifies {key.alg} only")


def verified_claims(
    token: str | bytes,
    *,
    typ: str,
    members: frozenset[str],
    keys: Iterable[PublicKey],
    check: Callable[[dict[str, Any]], None],
) -> tuple[dict[str, Any], PublicKey]:
    """Return what a statement of the coordinator's says, and which of its keys signed it.

    Args:
        token: The statement, as it was shown.
        typ: What kind of statement it has to be.
        members: The claims, all of which and none other must be there.
        keys: The coordinator's keys, from a set that one trusts.
        check: Refuses claims that are not each of their own form.

    Raises:
        TokenError: If it is malformed, of another kind, or signed by none of them.
    """
    front = read_front(token, typ=typ, members=members)
    key = next((each for each in keys if each.kid == front.kid), None)
    if key is None:
        raise TokenError(TokenReason.KID_MISMATCH, "kid names no key of this coordinator")
    check_key(front, key)
    check(front.claims)
    # Every claim has its form by now; the library is left the signature.
    try:
        claims = jwt.decode(
            front.token,
            key.verifying_key,
            algorithms=[key.alg],
            options={"verify_aud": False, "verify_iat": False, "verify_sub": False},
        )
    except jwt.PyJWTError as error:
        raise TokenError(TokenReason.SIGNATURE, f"refused by PyJWT: {error}") from None
    return claims, key


def sign_claims(claims: dict[str, Any], key: PrivateKey, *, typ: str) -> str:
    """Return a JWS of `claims` with exactly the header members alg, typ and kid."""
    headers = {"typ": typ, "kid": key.kid}
    return jwt.encode(claims, key.signing_key, algorithm=key.alg, headers=headers)


def claim_text(
    claims: dict[str, Any], name: str, pattern: re.Pattern[str], reason: TokenReason
) -> str:
    """Return the claim `name` if it is a string of this form.

    Raises:
        TokenError: With `reason`, if it is not.
    """
    value = claims[name]
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise TokenError(reason, f"{name} is malformed")


def claim_issued_at(claims: dict[str, Any]) -> None:
    """Refuse an `iat` that is not whole seconds since 1970, between 2008 and 2100.

    Raises:
        TokenError: With `iat`, if it is not.
    """
    iat = claims["iat"]
    if isinstance(iat, bool) or not isinstance(iat, int) or not EARLIEST <= iat < LATEST:
        raise TokenError(TokenReason.IAT, "not whole seconds since 1970, between 2008 and 2100")


def ascii_text(token: str | bytes) -> str:
    """Return a token as text.

    Raises:
        TokenError: If it is longer than 4 KiB or not ASCII.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenError(TokenReason.TOO_LONG, f"longer than {MAX_TOKEN_BYTES} bytes")
    try:
        return token.decode("ascii") if isinstance(token, bytes) else token
    except UnicodeDecodeError:
        raise TokenError(TokenReason.NOT_TEXT, "not ASCII") from None


def read_segment(segment: str) -> bytes:
    """Return the bytes of one segment of a token.

    Raises:
        TokenError: If it is not canonical base64url.
    """
    try:
        return base64url.decode(segment)
    except Base64UrlError as error:
        raise TokenError(TokenReason.BASE64, f"a segment {error}") from None


def read_object(raw: bytes, reason: TokenReason, *, max_depth: int = _MAX_DEPTH) -> dict[str, Any]:
    """Return the object that `raw` spells, flat unless a depth is given.

    Raises:
        TokenError: With `reason`, if it is no strict JSON, or no object.
    """
    try:
        value = strict_json.loads(raw, max_depth=max_depth)
    except StrictJsonError as error:
        raise TokenError(reason, str(error)) from None
    if not isinstance(value, dict):
        raise TokenError(reason, "not a JSON object")
    return value


def _algorithm(value: Any) -> Algorithm:
    known: tuple[Literal["EdDSA"], Literal["ES256"]] = ("EdDSA", "ES256")
    for alg in known:
        if value == alg:
            return alg
    raise TokenError(TokenReason.ALG, "alg is neither EdDSA nor ES256")
