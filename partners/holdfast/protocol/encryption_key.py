"""X25519 keys that sealed evidence is encrypted to (RFC 7748), as JWKs (RFC 8037 section 2).

One point has 2^255 - 19 as its bound and may be spelled twice below 2^256, and a few points lead
every partner to the same secret. Neither may be published: the thumbprint of a key stands for one
point, and what is sealed to it opens with its private half alone.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from holdfast.protocol import base64url
from holdfast.protocol.errors import Base64UrlError, KeyFormatError
from holdfast.protocol.jwk import BURNT_KEY, PRIVATE_MEMBERS

_BYTES = 32
_PRIME = 2**255 - 19
_MEMBERS = {"kty": "OKP", "crv": "X25519"}
#: Whose point meets one of low order in the point of nothing; any private key's would.
_PROBE = X25519PrivateKey.from_private_bytes(bytes(_BYTES - 1) + b"\x40")


class EncryptionKey:
    """A checked public key; equal keys have equal `kid`."""

    __slots__ = ("kid", "public_key", "raw")

    def __init__(self, raw: bytes) -> None:
        """Take the 32 bytes of a point.

        Raises:
            KeyFormatError: If they spell no point, one a second time, or one of low order.
        """
        if len(raw) != _BYTES:
            raise KeyFormatError("an X25519 key is 32 bytes")
        if int.from_bytes(raw, "little") >= _PRIME:
            raise KeyFormatError("the JWK's x is not the one spelling of its point (RFC 7748)")
        self.public_key = X25519PublicKey.from_public_bytes(raw)
        try:
            _PROBE.exchange(self.public_key)
        except ValueError:
            raise KeyFormatError("the JWK's x is a point of low order: make a new key") from None
        #: The point.
        self.raw = raw
        #: RFC 7638 thumbprint, base64url of 32 bytes.
        self.kid = _thumbprint(raw)

    @classmethod
    def from_jwk(cls, jwk: object) -> Self:
        """Return the key that `jwk` describes: `kty`, `crv` and `x`, and no other member.

        Raises:
            KeyFormatError: If it is no such JWK, holds a private member, or is not safe to use.
        """
        if not isinstance(jwk, Mapping):
            raise KeyFormatError("a JWK is a JSON object")
        if PRIVATE_MEMBERS & jwk.keys():
            raise KeyFormatError(f"{BURNT_KEY}; of the new one send the public members only")
        if jwk.keys() != {*_MEMBERS, "x"} or any(jwk[n] != v for n, v in _MEMBERS.items()):
            raise KeyFormatError('the JWK has kty "OKP", crv "X25519", x, and nothing else')
        if not isinstance(jwk["x"], str):
            raise KeyFormatError("the JWK's x must be a string")
        try:
            raw = base64url.decode(jwk["x"])
        except Base64UrlError as error:
            raise KeyFormatError(f"the JWK's x {error}") from None
        return cls(raw)

    def jwk(self) -> dict[str, Any]:
        """Return the JWK."""
        return {**_MEMBERS, "x": base64url.encode(self.raw)}

    def __repr__(self) -> str:
        return f"EncryptionKey({self.kid})"


class DecryptionKey:
    """A private key with its public half; it shows itself by `kid` only."""

    __slots__ = ("private_key", "public")

    def __init__(self, private_key: X25519PrivateKey) -> None:
        #: The `cryptography` object.
        self.private_key = private_key
        #: The public half.
        self.public = EncryptionKey(private_key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Self:
        """Return a fresh key."""
        return cls(X25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: str | None = None) -> Self:
        """Return the key in `pem` (PKCS #8), which has a passphrase exactly where one is given.

        Raises:
            KeyFormatError: If it is no such file, holds another kind of key, or has another
                passphrase.
        """
        password = None if passphrase is None else passphrase.encode()
        try:
            key = load_pem_private_key(pem, password=password)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyFormatError(
                "not an X25519 private key in PEM (PKCS #8), or under another passphrase"
            ) from None
        if not isinstance(key, X25519PrivateKey):
            raise KeyFormatError("evidence is sealed to X25519 keys; this file holds another kind")
        return cls(key)

    def to_pem(self, passphrase: str | None = None) -> bytes:
        """Return the key as PKCS #8 PEM, encrypted under a passphrase; store it with mode 0600."""
        guard: KeySerializationEncryption = NoEncryption()
        if passphrase is not None:
            guard = BestAvailableEncryption(passphrase.encode())
        return self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, guard)

    @property
    def kid(self) -> str:
        """The public half's RFC 7638 thumbprint."""
        return self.public.kid

    def __repr__(self) -> str:
        return f"DecryptionKey({self.kid})"


def _thumbprint(raw: bytes) -> str:
    """Return the RFC 7638 thumbprint: the required members of an OKP key, sorted (RFC 8037)."""
    text = f'{{"crv":"X25519","kty":"OKP","x":"{base64url.encode(raw)}"}}'
    return base64url.encode(sha256(text.encode("ascii")).digest())
