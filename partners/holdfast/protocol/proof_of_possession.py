"""A new key's own word that it is to be this subject's key, at this partner, at this coordinator.

A grant registers a public key; without this proof somebody could register another's key as their
own and claim what the other signed. RFC 7515.
"""

import re
from typing import Any

import jwt

from holdfast.protocol.compact_jws import check_key, claim_text, read_front, sign_claims
from holdfast.protocol.errors import TokenError, TokenReason
from holdfast.protocol.jwk import PrivateKey, PublicKey

TYP = "holdfast-key+jwt"
_MEMBERS = frozenset({"aud", "handle", "subject"})
_PRINTABLE = re.compile(r"[!-~]{1,300}", re.ASCII)


def make_possession(key: PrivateKey, *, audience: str, handle: str, subject: str) -> str:
    """Return the proof that whoever asks for `key` to be granted holds its private half.

    Args:
        key: The new key.
        audience: The coordinator's origin.
        handle: The partner's handle.
        subject: The person or system whose key it is to be; the handle itself for a root key.
    """
    claims = {"aud": audience, "handle": handle, "subject": subject}
    return sign_claims(claims, key, typ=TYP)


def verify_possession(
    jws: str | bytes, *, jwk: object, audience: str, handle: str, subject: str
) -> PublicKey:
    """Return the key that `jwk` describes if it signed this very statement.

    Args:
        jws: The proof as received.
        jwk: The public key to be granted, a JWK or a `PublicKey`.
        audience: The coordinator's origin.
        handle: The partner that grants.
        subject: The person or system that the grant names.

    Raises:
        KeyFormatError: If `jwk` is not a key that may be registered.
        TokenError: If the proof is malformed, not by this key, or about something else.
    """
    key = jwk if isinstance(jwk, PublicKey) else PublicKey.from_jwk(jwk)
    front = read_front(jws, typ=TYP, members=_MEMBERS)
    check_key(front, key)
    _compare(front.claims, "aud", audience, TokenReason.AUD, TokenReason.AUD_MISMATCH)
    _compare(front.claims, "handle", handle, TokenReason.HANDLE, TokenReason.HANDLE_MISMATCH)
    _compare(front.claims, "subject", subject, TokenReason.SUBJECT, TokenReason.SUBJECT_MISMATCH)
    try:
        jwt.decode(
            front.token,
            key.verifying_key,
            algorithms=[key.alg],
            audience=audience,
            options={"require": ["aud"], "strict_aud": True},
        )
    except jwt.PyJWTError as error:
        raise TokenError(TokenReason.SIGNATURE, f"refused by PyJWT: {error}") from None
    return key


def _compare(
    claims: dict[str, Any], name: str, expected: str, malformed: TokenReason, mismatch: TokenReason
) -> None:
    if claim_text(claims, name, _PRINTABLE, malformed) != expected:
        raise TokenError(mismatch, f"{name} is another")
