"""The two kinds of key that sign requests, Ed25519 and P-256, as JWK, PEM and thumbprint.

Sources: RFC 7517 and RFC 8037 (JWK), RFC 7638 (thumbprint), RFC 7518 section 3.4 (ES256 signatures
are r and s, 32 bytes each), RFC 8032 (Ed25519).

A passkey is such a key, too. Its JWK has one member more, `webauthn`, which says where it may sign;
the thumbprint leaves that out (RFC 7638 section 3.2).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from holdfast.protocol import base64url
from holdfast.protocol.ed25519_points import check_public_point
from holdfast.protocol.errors import Base64UrlError, KeyFormatError, SignatureError

Algorithm = Literal["EdDSA", "ES256"]
SIGNATURE_BYTES = 64
_COORDINATE_BYTES = 32
_ECDSA = ec.ECDSA(hashes.SHA256())
_KINDS: Mapping[tuple[object, object], Algorithm] = {
    ("OKP", "Ed25519"): "EdDSA",
    ("EC", "P-256"): "ES256",
}
_COORDINATES: Mapping[Algorithm, tuple[str, ...]] = {"EdDSA": ("x",), "ES256": ("x", "y")}
_OPTIONAL = frozenset({"alg", "kid", "use"})
_WEBAUTHN = "webauthn"
_MEMBERS = {
    alg: frozenset({"kty", "crv", _WEBAUTHN, *names}) | _OPTIONAL
    for alg, names in _COORDINATES.items()
}
#: A host that a passkey may belong to: a name in lower case, never an IP address, which Web
#: Authentication does not take (section 5.1.3: a valid domain string).
_HOST = (
    r"(?=[^:/]{1,253}(?:[:/]|\Z))(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*"
    r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_RP_ID = re.compile(_HOST, re.ASCII)
#: An origin as browsers write it (RFC 6454 section 6.2): a port only where it is not the scheme's.
_ORIGIN = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_HOST})(?::(?P<port>[1-9][0-9]{{0,4}}))?", re.ASCII
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_MAX_PORT = 65_535
#: Members of a JWK that give its private half away (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
#: What is said of such a key, wherever it was sent to.
BURNT_KEY = "this key is burnt, make a new one: its JWK came with the private half in it"

_VerifyingKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey
_SigningKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAuthnScope:
    """Where a passkey signs, and nowhere else.

    Attributes:
        rp_id: The relying party: a host name, whose hash the authenticator signs.
        origin: The one origin whose pages may ask for a signature, e.g. "http://localhost:8080".

    Raises:
        KeyFormatError: If either is malformed, or pages of the origin could not use the party.
    """

    rp_id: str
    origin: str

    def __post_init__(self) -> None:
        if not isinstance(self.rp_id, str) or not _RP_ID.fullmatch(self.rp_id):
            raise KeyFormatError("rp_id must be a host name in lower case, not an IP address")
        match = _ORIGIN.fullmatch(self.origin) if isinstance(self.origin, str) else None
        if match is None:
            raise KeyFormatError(
                "the origin must be http:// or https:// and a host name in lower case, with a port"
                " or without, and nothing after it; Web Authentication takes no IP address"
            )
        scheme, host, port = match.group("scheme", "host", "port")
        if port is not None and (int(port) > _MAX_PORT or port == _DEFAULT_PORTS[scheme]):
            raise KeyFormatError("the origin's port is at most 65535, and left out if it is usual")
        if scheme == "http" and host != "localhost" and not host.endswith(".localhost"):
            raise KeyFormatError("the origin must be https:// unless its host is localhost")
        if host != self.rp_id and not host.endswith(f".{self.rp_id}"):
            raise KeyFormatError("the origin's host must be rp_id or lie below it")

    @classmethod
    def of_origin(cls, origin: str) -> "WebAuthnScope":
        """Return the scope of an origin whose own host is the relying party.

        Raises:
            KeyFormatError: If it is no origin that passkeys can be used at.
        """
        match = _ORIGIN.fullmatch(origin)
        return cls(rp_id="localhost" if match is None else match["host"], origin=origin)

    def members(self) -> dict[str, str]:
        """Return the JWK's member `webauthn`."""
        return {"rp_id": self.rp_id, "origin": self.origin}


class PublicKey:
    """A checked public key; it cannot be changed, and equal keys have equal `kid`.

    Make one with `from_jwk` or take `PrivateKey.public`.
    """

    __slots__ = ("_coordinates", "alg", "kid", "verifying_key", "webauthn")

    def __init__(
        self,
        alg: Algorithm,
        coordinates: tuple[bytes, ...],
        verifying_key: _VerifyingKey,
        webauthn: WebAuthnScope | None = None,
    ) -> None:
        #: "EdDSA" or "ES256": the only algorithm that this key verifies.
        self.alg: Algorithm = alg
        #: The `cryptography` object, for libraries that want one.
        self.verifying_key = verifying_key
        #: Where the key signs if it is a passkey. It then verifies assertions only, never a JWS;
        #: any other key never verifies an assertion.
        self.webauthn = webauthn
        self._coordinates = coordinates
        #: RFC 7638 thumbprint, base64url of 32 bytes.
        self.kid = _thumbprint(self._required())

    @classmethod
    def from_jwk(cls, jwk: object) -> "PublicKey":
        """Return the key that `jwk` describes.

        Args:
            jwk: Members `kty`, `crv`, `x` and, for P-256, `y`; `alg`, `kid` (the thumbprint) and
                `use` ("sig") may be there and must then be right; `webauthn` (`rp_id` and `origin`)
                makes it a passkey's. Nothing else may be.

        Raises:
            KeyFormatError: If it is not such a JWK, holds a private member, or names a point that
                is not on the curve or not safe to verify with.
        """
        if not isinstance(jwk, dict):
            raise KeyFormatError("a JWK is a JSON object")
        alg = _kind(jwk)
        _check_members(jwk, _MEMBERS[alg])
        scope = _webauthn(jwk[_WEBAUTHN]) if _WEBAUTHN in jwk else None
        coordinates = tuple([_coordinate(jwk, name) for name in _COORDINATES[alg]])
        key = _public_key(alg, coordinates, scope)
        # A bundle has hundreds of keys, and hardly one that says more than it must.
        if not _OPTIONAL.isdisjoint(jwk):
            _check_optional(jwk, {"alg": alg, "kid": key.kid, "use": "sig"})
        return key

    @classmethod
    def from_ed25519_bytes(cls, raw: bytes) -> "PublicKey":
        """Return the Ed25519 key with these 32 bytes.

        Raises:
            KeyFormatError: If they are no point that is safe to verify with.
        """
        return _public_key("EdDSA", (raw,))

    def jwk(self) -> dict[str, Any]:
        """Return the JWK with its required members only, and a passkey's `webauthn`."""
        if self.webauthn is None:
            return {**self._required()}
        return {**self._required(), _WEBAUTHN: self.webauthn.members()}

    def _required(self) -> dict[str, str]:
        names = _COORDINATES[self.alg]
        kty, crv = next(kind for kind, alg in _KINDS.items() if alg == self.alg)
        members = {"kty": str(kty), "crv": str(crv)}
        coordinates = zip(names, self._coordinates, strict=True)
        return members | {name: base64url.encode(value) for name, value in coordinates}

    @property
    def raw(self) -> bytes:
        """The key's coordinates, 32 bytes each, one after the other."""
        return b"".join(self._coordinates)

    def to_pem(self) -> bytes:
        """Return the key as SubjectPublicKeyInfo in PEM (RFC 7468), as openssl reads it."""
        return self.verifying_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Accept `signature` (64 bytes; for ES256 r and s) over `data`.

        Raises:
            SignatureError: If it does not verify.
        """
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureError(f"a signature is {SIGNATURE_BYTES} bytes")
        try:
            if isinstance(self.verifying_key, ed25519.Ed25519PublicKey):
                self.verifying_key.verify(signature, data)
            else:
                r = int.from_bytes(signature[:_COORDINATE_BYTES], "big")
                s = int.from_bytes(signature[_COORDINATE_BYTES:], "big")
                self.verifying_key.verify(encode_dss_signature(r, s), data, _ECDSA)
        except InvalidSignature:
            raise SignatureError("the signature does not verify under this key") from None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PublicKey):
            return False
        return (self.kid, self.webauthn) == (other.kid, other.webauthn)

    def __hash__(self) -> int:
        return hash(self.kid)

    def __repr__(self) -> str:
        return f"PublicKey({self.alg}, {self.kid})"


class PrivateKey:
    """A private key with its public half; it shows itself by `kid` only."""

    __slots__ = ("public", "signing_key")

    def __init__(self, signing_key: _SigningKey) -> None:
        #: The `cryptography` object, for libraries that want one.
        self.signing_key = signing_key
        #: The public half.
        self.public = _public_half(signing_key)

    @classmethod
    def generate(cls, alg: Algorithm = "EdDSA") -> Self:
        """Return a fresh key for `alg`, "EdDSA" (Ed25519) or "ES256" (P-256).

        Raises:
            KeyFormatError: If `alg` is neither.
        """
        if alg == "EdDSA":
            return cls(ed25519.Ed25519PrivateKey.generate())
        if alg == "ES256":
            return cls(ec.generate_private_key(ec.SECP256R1()))
        raise KeyFormatError('alg must be "EdDSA" or "ES256"')

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
            if has_passphrase(pem) and passphrase is not None:
                raise KeyFormatError("this is not the key file's passphrase") from None
            raise KeyFormatError("not an unencrypted PEM private key (PKCS #8)") from None
        if isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
            return cls(key)
        raise KeyFormatError("only Ed25519 and P-256 keys are used")

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Return the Ed25519 key with this seed of 32 bytes.

        Raises:
            KeyFormatError: If it is not 32 bytes.
        """
        try:
            return cls(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
        except ValueError:
            raise KeyFormatError("an Ed25519 seed is 32 bytes") from None

    def to_pem(self, passphrase: str | None = None) -> bytes:
        """Return the key as PKCS #8 PEM, encrypted under a passphrase; store it with mode 0600."""
        guard: KeySerializationEncryption = NoEncryption()
        if passphrase is not None:
            guard = BestAvailableEncryption(passphrase.encode())
        return self.signing_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, guard)

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the signature over `data`, as JWS wants them."""
        if isinstance(self.signing_key, ed25519.Ed25519PrivateKey):
            return self.signing_key.sign(data)
        r, s = decode_dss_signature(self.signing_key.sign(data, _ECDSA))
        return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")

    @property
    def alg(self) -> Algorithm:
        """The key's one algorithm, "EdDSA" or "ES256"."""
        return self.public.alg

    @property
    def kid(self) -> str:
        """The public half's RFC 7638 thumbprint."""
        return self.public.kid

    def __repr__(self) -> str:
        return f"PrivateKey({self.alg}, {self.kid})"


def thumbprint_digits(kid: str) -> tuple[str, str]:
    """Return the first and last eight hex digits of a thumbprint, for two people to compare.

    Raises:
        Base64UrlError: If `kid` is no thumbprint.
    """
    digits = base64url.decode(kid).hex()
    return digits[:8], digits[-8:]


def has_passphrase(pem: bytes) -> bool:
    """Tell whether a key file is encrypted (RFC 5958, `EncryptedPrivateKeyInfo`)."""
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the RFC 7638 thumbprint: base64url of the SHA-256 of the required members, sorted."""
    # Every value is base64url or a fixed name, so no character here ever needs escaping.
    members = ",".join(f'"{name}":"{jwk[name]}"' for name in sorted(jwk))
    return base64url.encode(sha256(f"{{{members}}}".encode("ascii")).digest())


def _kind(jwk: Mapping[str, Any]) -> Algorithm:
    kty, crv = jwk.get("kty"), jwk.get("crv")
    if isinstance(kty, str) and isinstance(crv, str) and (kty, crv) in _KINDS:
        return _KINDS[kty, crv]
    raise KeyFormatError('kty and crv must be "OKP" and "Ed25519", or "EC" and "P-256"')


def _check_members(jwk: Mapping[str, Any], known: frozenset[str]) -> None:
    if known.issuperset(jwk):
        return
    if PRIVATE_MEMBERS & jwk.keys():
        raise KeyFormatError(f"{BURNT_KEY}; of the new one send the public members only")
    unknown = min(str(name) for name in jwk.keys() - known)
    raise KeyFormatError(f"the JWK holds members that are not used here: {unknown!r}")


def _check_optional(jwk: Mapping[str, Any], expected: Mapping[str, str]) -> None:
    for name in sorted(_OPTIONAL & jwk.keys()):
        if jwk[name] != expected[name]:
            raise KeyFormatError(f"the JWK's {name} must be {expected[name]!r} or left out")


def _webauthn(value: Any) -> WebAuthnScope:
    if not isinstance(value, dict) or value.keys() != {"rp_id", "origin"}:
        raise KeyFormatError("the JWK's webauthn has the members rp_id and origin")
    return WebAuthnScope(**value)


def _coordinate(jwk: Mapping[str, Any], name: str) -> bytes:
    text = jwk.get(name)
    if not isinstance(text, str):
        raise KeyFormatError(f"the JWK's {name} must be a string")
    try:
        value = base64url.decode(text)
    except Base64UrlError as error:
        raise KeyFormatError(f"the JWK's {name} {error}") from None
    if len(value) != _COORDINATE_BYTES:
        raise KeyFormatError(f"the JWK's {name} must be {_COORDINATE_BYTES} bytes")
    return value


@lru_cache(maxsize=4096)
def _public_key(
    alg: Algorithm, coordinates: tuple[bytes, ...], webauthn: WebAuthnScope | None = None
) -> PublicKey:
    verifying_key: _VerifyingKey
    if alg == "EdDSA":
        check_public_point(coordinates[0])
        verifying_key = ed25519.Ed25519PublicKey.from_public_bytes(coordinates[0])
    else:
        x, y = (int.from_bytes(value, "big") for value in coordinates)
        try:
            verifying_key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        except ValueError:
            raise KeyFormatError("x and y are not a point of the curve P-256") from None
    return PublicKey(alg, coordinates, verifying_key, webauthn)


def _public_half(signing_key: _SigningKey) -> PublicKey:
    if isinstance(signing_key, ed25519.Ed25519PrivateKey):
        raw = signing_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return _public_key("EdDSA", (raw,))
    if not isinstance(signing_key.curve, ec.SECP256R1):
        raise KeyFormatError("only Ed25519 and P-256 keys are used")
    numbers = signing_key.public_key().public_numbers()
    x, y = (n.to_bytes(_COORDINATE_BYTES, "big") for n in (numbers.x, numbers.y))
    return _public_key("ES256", (x, y))
