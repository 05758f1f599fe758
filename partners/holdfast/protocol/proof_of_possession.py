"""A new key's own word that it is to be this subject's key, at this partner, at this coordinator.

A grant registers a public key; without this proof somebody could register another's key as their
own and claim what the other signed. RFC 7515.

A passkey, which signs challenges only, gives its word over a statement of the same.
"""

import re
import secrets
from hashlib import sha256
from typing import Any

import jwt

from holdfast.protocol import canonical_json
from holdfast.protocol.compact_jws import (
    check_key,
    claim_text,
    read_front,
    read_object,
    sign_claims,
)
from holdfast.protocol.errors import TokenError, TokenReason
from holdfast.protocol.jwk import PrivateKey, PublicKey
from holdfast.protocol.passkey_signature import (
    PasskeySignature,
    is_passkey_token,
    pack_signature,
    unpack_signature,
    verify_passkey_signature,
)
from holdfast.protocol.type_ids import id_pattern

TYP = "holdfast-key+jwt"
_MEMBERS = frozenset({"aud", "handle", "subject"})
#: What a passkey's statement says it is for, so that none passes for the document of an act.
PASSKEY_PURPOSE = "holdfast-key/1"
_PASSKEY_VERSION = 1
_PASSKEY_MEMBERS = _MEMBERS | {"v", "purpose", "nonce"}
#: As in a passkey's token: 128 bits at least.
_NONCE = re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII)
_PERSON = re.compile(id_pattern("per").removesuffix("$"), re.ASCII)
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


def possession_statement(
    *, audience: str, handle: str, subject: str, nonce: str | None = None
) -> bytes:
    """Return what a passkey states about itself, canonical JSON; its SHA-256 is the challenge.

    Args:
        audience: The coordinator's origin.
        handle: The partner's handle.
        subject: The person whose passkey it is to be.
        nonce: 22 to 64 characters of base64url, never used before; None makes one.
    """
    return canonical_json.dumps(
        {
            "v": _PASSKEY_VERSION,
            "purpose": PASSKEY_PURPOSE,
            "aud": audience,
            "handle": handle,
            "subject": subject,
            "nonce": secrets.token_urlsafe(16) if nonce is None else nonce,
        }
    )


def possession_challenge(statement: bytes) -> bytes:
    """Return the 32 bytes that the authenticator is given to sign for a statement."""
    return sha256(statement).digest()


def make_passkey_possession(
    *, kid: str, statement: bytes, client_data: bytes, authenticator_data: bytes, signature: bytes
) -> str:
    """Return a passkey's proof from what the browser handed over, at most 4 KiB.

    Args:
        kid: The passkey's RFC 7638 thumbprint.
        statement: See `possession_statement`.
        client_data: `response.clientDataJSON`, byte for byte.
        authenticator_data: `response.authenticatorData`.
        signature: `response.signature`.

    Raises:
        TokenError: If the outcome would be refused for its form; the signature is not checked.
    """
    return pack_signature(
        kid, PasskeySignature(statement, client_data, authenticator_data, signature)
    )


def verify_possession(
    jws: str | bytes, *, jwk: object, audience: str, handle: str, subject: str
) -> PublicKey:
    """Return the key that `jwk` describes if it signed this very statement.

    Args:
        jws: The proof as received: a JWS, or a passkey's.
        jwk: The public key to be granted, a JWK or a `PublicKey`.
        audience: The coordinator's origin.
        handle: The partner that grants.
        subject: The person or system that the grant names.

    Raises:
        KeyFormatError: If `jwk` is not a key that may be registered.
        TokenError: If the proof is malformed, not by this key, or about something else.
    """
    key = jwk if isinstance(jwk, PublicKey) else PublicKey.from_jwk(jwk)
    if is_passkey_token(jws):
        _verify_passkey(jws, key, audience=audience, handle=handle, subject=subject)
        return key
    front = read_front(jws, typ=TYP, members=_MEMBERS)
    check_key(front, key)
    _check_about(front.claims, audience=audience, handle=handle, subject=subject)
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


def _verify_passkey(
    proof: str | bytes, key: PublicKey, *, audience: str, handle: str, subject: str
) -> None:
    _, kid, signed = unpack_signature(proof)
    claims = read_object(signed.document, TokenReason.CLAIMS_JSON)
    if claims.keys() != _PASSKEY_MEMBERS:
        raise TokenError(TokenReason.CLAIMS_MEMBERS, "not the members of such a statement")
    # To Python true is 1.
    if claims["v"] is True or claims["v"] != _PASSKEY_VERSION:
        raise TokenError(TokenReason.CLAIMS_MEMBERS, "v is another version's")
    if claims["purpose"] != PASSKEY_PURPOSE:
        raise TokenError(TokenReason.CLAIMS_MEMBERS, "made for another purpose")
    if canonical_json.dumps(claims) != signed.document:
        raise TokenError(TokenReason.CLAIMS_JSON, "not in canonical form")
    claim_text(claims, "nonce", _NONCE, TokenReason.JTI)
    # Nobody touches a system's key, and a root key signs requests, which no passkey can.
    claim_text(claims, "subject", _PERSON, TokenReason.SUBJECT)
    _check_about(claims, audience=audience, handle=handle, subject=subject)
    challenge = possession_challenge(signed.document)
    verify_passkey_signature(signed, kid=kid, key=key, challenge=challenge)


def _check_about(claims: dict[str, Any], *, audience: str, handle: str, subject: str) -> None:
    _compare(claims, "aud", audience, TokenReason.AUD, TokenReason.AUD_MISMATCH)
    _compare(claims, "handle", handle, TokenReason.HANDLE, TokenReason.HANDLE_MISMATCH)
    _compare(claims, "subject", subject, TokenReason.SUBJECT, TokenReason.SUBJECT_MISMATCH)


def _compare(
    claims: dict[str, Any], name: str, expected: str, malformed: TokenReason, mismatch: TokenReason
) -> None:
    if claim_text(claims, name, _PRINTABLE, malformed) != expected:
        raise TokenError(mismatch, f"{name} is another")
