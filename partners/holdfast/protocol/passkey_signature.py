"""A passkey's signature: the compact form that carries it, and when it is good.

Web Authentication Level 3, section 7.2, as far as it can be checked later, by anyone, from the
signed bytes: type, challenge and origin in the client data; relying party and flags in the
authenticator data; the signature over both. A signature counter is the business of whoever takes a
signature when it is made.
"""

from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from holdfast.protocol import base64url
from holdfast.protocol.compact_jws import THUMBPRINT, ascii_text, read_object, read_segment
from holdfast.protocol.errors import SignatureError, TokenError, TokenReason
from holdfast.protocol.jwk import PublicKey

_PREFIX = "webauthn"
_SEGMENTS = 6
_COORDINATE_BYTES = 32
#: Browsers may add members to the client data (section 5.8.1), objects included.
_CLIENT_DATA_DEPTH = 4
#: Section 6.1: hash of the relying party, flags, counter; more only where the flags say so.
_RP_ID_HASH_BYTES = 32
_FIXED_BYTES = 37
_USER_PRESENT, _USER_VERIFIED = 0x01, 0x04
_BACKUP_ELIGIBLE, _BACKED_UP = 0x08, 0x10
_NEW_CREDENTIAL, _EXTENSIONS = 0x40, 0x80
#: Bits that no version of the standard gives a meaning yet.
_RESERVED = 0x02 | 0x20


@dataclass(frozen=True, slots=True)
class PasskeySignature:
    """What a passkey's token holds; **nothing in it is authenticated yet**.

    Attributes:
        document: What the challenge is made from, canonical JSON.
        client_data: `clientDataJSON`, byte for byte.
        authenticator_data: `authenticatorData`.
        signature: For ES256 in DER, for EdDSA 64 bytes.
    """

    document: bytes
    client_data: bytes
    authenticator_data: bytes
    signature: bytes


def is_passkey_token(token: str | bytes) -> bool:
    """Tell whether a token says that a passkey made it; no JWS ever starts so."""
    prefix = f"{_PREFIX}."
    if isinstance(token, bytes):
        return token.startswith(prefix.encode())
    return token.startswith(prefix)


def pack_signature(kid: str, signed: PasskeySignature) -> str:
    """Return the compact form: six segments between dots, at most 4 KiB.

    Raises:
        TokenError: If it would be longer, or `kid` is no thumbprint.
    """
    parts = (signed.document, signed.client_data, signed.authenticator_data, signed.signature)
    token = ".".join([_PREFIX, kid, *(base64url.encode(part) for part in parts)])
    unpack_signature(token)
    return token


def unpack_signature(token: str | bytes) -> tuple[str, str, PasskeySignature]:
    """Return a token as text, the `kid` that it names, and what it holds.

    Raises:
        TokenError: If its form is wrong.
    """
    text = ascii_text(token)
    prefix, *segments = text.split(".")
    if prefix != _PREFIX or len(segments) != _SEGMENTS - 1:
        raise TokenError(TokenReason.SEGMENTS, f"not {_PREFIX} and five segments between dots")
    kid, *parts = segments
    if not THUMBPRINT.fullmatch(kid):
        raise TokenError(TokenReason.KID, "kid is not an RFC 7638 thumbprint")
    return text, kid, PasskeySignature(*(read_segment(part) for part in parts))


def verify_passkey_signature(
    signed: PasskeySignature, *, kid: str, key: PublicKey, challenge: bytes
) -> None:
    """Accept a signature that a passkey made for this very challenge, its person being verified.

    Args:
        signed: See `unpack_signature`.
        kid: The key that it names.
        key: The key that is registered so.
        challenge: The 32 bytes that had to be signed.

    Raises:
        TokenError: If a step fails.
    """
    # (1) The key is the one named, and a passkey's: what says where it may sign.
    if kid != key.kid:
        raise TokenError(TokenReason.KID_MISMATCH, "kid names another key")
    scope = key.webauthn
    if scope is None:
        raise TokenError(TokenReason.KEY_KIND, "this key is no passkey")
    # (2) A page of that origin asked for a signature over this challenge, (3) the authenticator
    # gave it to that relying party, a person being there and verified, and (4) the key made it.
    _check_client_data(signed.client_data, challenge, scope.origin)
    _check_authenticator_data(signed.authenticator_data, scope.rp_id)
    data = signed.authenticator_data + sha256(signed.client_data).digest()
    try:
        key.verify(_raw_signature(signed.signature, key), data)
    except SignatureError as error:
        raise TokenError(TokenReason.SIGNATURE, str(error)) from None


def _check_client_data(raw: bytes, challenge: bytes, origin: str) -> None:
    client = read_object(raw, TokenReason.CLIENT_DATA, max_depth=_CLIENT_DATA_DEPTH)
    if client.get("type") != "webauthn.get":
        raise TokenError(TokenReason.CLIENT_DATA, "type is not webauthn.get")
    if client.get("challenge") != base64url.encode(challenge):
        raise TokenError(TokenReason.CHALLENGE_MISMATCH, "something else was signed")
    if client.get("origin") != origin:
        raise TokenError(TokenReason.ORIGIN_MISMATCH, "signed at another origin")
    # A frame inside another site's page is that site's to draw over.
    if client.get("crossOrigin", False) is not False:
        raise TokenError(TokenReason.CROSS_ORIGIN, "signed inside another site's page")
    if "topOrigin" in client:
        raise TokenError(TokenReason.CROSS_ORIGIN, "signed inside another site's page")


def _check_authenticator_data(data: bytes, rp_id: str) -> None:
    if len(data) < _FIXED_BYTES:
        raise TokenError(TokenReason.AUTHENTICATOR_DATA, f"shorter than {_FIXED_BYTES} bytes")
    if data[:_RP_ID_HASH_BYTES] != sha256(rp_id.encode()).digest():
        raise TokenError(TokenReason.RP_MISMATCH, "signed for another relying party")
    flags = data[_RP_ID_HASH_BYTES]
    if not flags & _USER_PRESENT:
        raise TokenError(TokenReason.NOT_PRESENT, "nobody was there")
    if not flags & _USER_VERIFIED:
        raise TokenError(TokenReason.NOT_VERIFIED, "whoever was there was not verified")
    if flags & (_RESERVED | _NEW_CREDENTIAL):
        raise TokenError(TokenReason.AUTHENTICATOR_DATA, "flags that no assertion has")
    if flags & _BACKED_UP and not flags & _BACKUP_ELIGIBLE:
        raise TokenError(TokenReason.AUTHENTICATOR_DATA, "backed up, and not eligible for it")
    # Authenticators may add extensions unasked (section 9); they say nothing that matters here.
    if bool(flags & _EXTENSIONS) != (len(data) > _FIXED_BYTES):
        raise TokenError(TokenReason.AUTHENTICATOR_DATA, "its length is not what its flags say")


def _raw_signature(signature: bytes, key: PublicKey) -> bytes:
    """Return a signature as 64 bytes; ES256 comes in DER (section 6.5.5), read strictly."""
    if key.alg == "EdDSA":
        return signature
    try:
        r, s = decode_dss_signature(signature)
        return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")
    except (ValueError, OverflowError):
        raise SignatureError("the signature is not in DER") from None
