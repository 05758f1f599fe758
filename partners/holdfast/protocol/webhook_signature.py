"""Standard Webhooks 1.0: sign and verify what the coordinator sends to a partner's endpoint.

Signed are the bytes `id.timestamp.body`, by HMAC-SHA256 with the endpoint's secret (`v1`) and by
the coordinator's Ed25519 key (`v1a`). Only `v1a` tells a third party that it was the coordinator.
"""

import hmac
import re
import secrets as random
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from holdfast.protocol.errors import KeyFormatError, SignatureError, VerificationError
from holdfast.protocol.jwk import PrivateKey, PublicKey

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
#: Seconds between the attempt and its receipt, either way.
DEFAULT_TOLERANCE = 300

_SECRET_PREFIX, _SIGNING_PREFIX, _PUBLIC_PREFIX = "whsec_", "whsk_", "whpk_"
_SECRET_BYTES = 32
_MIN_SECRET_BYTES, _MAX_SECRET_BYTES = 24, 64
_SEED_BYTES = 32
#: No dot: "a.1" + "2" and "a" + "1.2" would be signed alike.
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_TIMESTAMP = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
#: base64 of 32 and of 64 bytes.
_SIGNATURE = re.compile(r"(?P<v1>v1,[A-Za-z0-9+/]{43}=)|(?P<v1a>v1a,[A-Za-z0-9+/]{86}==)", re.ASCII)
_MAX_SIGNATURE_HEADER = 4096


@dataclass(frozen=True, slots=True)
class VerifiedWebhook:
    """What an authentic delivery's headers say.

    Attributes:
        id: The event's id, the same over all retries: drop what was seen before.
        timestamp: Seconds since 1970 UTC, of this attempt.
    """

    id: str
    timestamp: int


def new_secret() -> str:
    """Return a fresh endpoint secret, "whsec_" and base64 of 32 random bytes."""
    return _SECRET_PREFIX + b64encode(random.token_bytes(_SECRET_BYTES)).decode("ascii")


def sign_v1(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the symmetric signature, "v1,…".

    Raises:
        KeyFormatError: If `secret` is not "whsec_" and base64 of 24 to 64 bytes.
    """
    key = _secret_bytes(secret)
    digest = hmac.digest(key, _signed_bytes(message_id, str(timestamp), body), "sha256")
    return "v1," + b64encode(digest).decode("ascii")


def sign_v1a(key: PrivateKey, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the asymmetric signature, "v1a,…".

    Raises:
        KeyFormatError: If `key` is not Ed25519.
    """
    if key.alg != "EdDSA":
        raise KeyFormatError("webhooks are signed with an Ed25519 key")
    signature = key.sign(_signed_bytes(message_id, str(timestamp), body))
    return "v1a," + b64encode(signature).decode("ascii")


def sign(
    message_id: str,
    timestamp: int,
    body: bytes,
    *,
    secrets: Sequence[str] = (),
    keys: Sequence[PrivateKey] = (),
) -> dict[str, str]:
    """Return the three headers of one delivery attempt.

    Args:
        message_id: The event's id, letters, digits, "_" and "-".
        timestamp: Seconds since 1970 UTC, of this attempt.
        body: The raw body as it is sent.
        secrets: The endpoint's secrets, two during rotation.
        keys: The coordinator's Ed25519 keys, two during rotation.

    Raises:
        KeyFormatError: If a secret or key cannot sign, or there is none.
        VerificationError: If `message_id` or `timestamp` would be refused by every receiver.
    """
    signatures = [sign_v1(secret, message_id, timestamp, body) for secret in secrets]
    signatures += [sign_v1a(key, message_id, timestamp, body) for key in keys]
    if not signatures:
        raise KeyFormatError("nothing to sign with: give a secret or a key")
    if not _ID.fullmatch(message_id) or not _TIMESTAMP.fullmatch(str(timestamp)):
        raise VerificationError("an id without dots and a time after 1970 are needed")
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: " ".join(signatures),
    }


def verify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Sequence[str] = (),
    public_keys: Sequence[PublicKey] = (),
    now: int,
    tolerance: int = DEFAULT_TOLERANCE,
) -> VerifiedWebhook:
    """Return the id and time of a delivery that is authentic and fresh.

    Whoever gives both secrets and keys wants both kinds of signature, as every delivery carries
    them: one match of each kind is needed. Several of a kind are for rotation; one must match.

    Args:
        headers: The request's headers, in any case.
        body: The raw body, before any parsing.
        secrets: The endpoint's `whsec_…` secrets.
        public_keys: The coordinator's Ed25519 keys.
        now: Seconds since 1970 UTC.
        tolerance: Seconds that the attempt may lie in the past or in the future.

    Raises:
        VerificationError: If it is not, whatever the headers hold.
        KeyFormatError: If a secret or key of the caller's own is malformed.
    """
    # (0) Without anything to verify with, nothing is authentic.
    if not secrets and not public_keys:
        raise VerificationError("no secret and no key to verify with")
    # (1) The three headers are there, once each, and well formed.
    message_id, stamp, offered = _read_headers(headers)
    # (2) It was sent just now: a future stamp is refused like a stale one.
    timestamp = int(stamp)
    if abs(now - timestamp) > tolerance:
        raise VerificationError(f"timestamp more than {tolerance} s from now")
    # (3) Of each kind asked for, a signature covers id.timestamp.body, byte for byte.
    signed = _signed_bytes(message_id, stamp, body)
    if secrets and not _matches_v1(secrets, offered["v1"], signed):
        raise VerificationError("no v1 signature matches")
    if public_keys and not _matches_v1a(public_keys, offered["v1a"], signed):
        raise VerificationError("no v1a signature matches")
    return VerifiedWebhook(message_id, timestamp)


def encode_public_key(key: PublicKey) -> str:
    """Return an Ed25519 key as "whpk_" and base64 of its 32 bytes.

    Raises:
        KeyFormatError: If `key` is not Ed25519.
    """
    if key.alg != "EdDSA":
        raise KeyFormatError("webhooks are signed with an Ed25519 key")
    return _PUBLIC_PREFIX + b64encode(key.raw).decode("ascii")


def decode_public_key(text: str) -> PublicKey:
    """Return the Ed25519 key in a "whpk_…" text.

    Raises:
        KeyFormatError: If it is no such text or key.
    """
    return PublicKey.from_ed25519_bytes(_serialised(text, _PUBLIC_PREFIX))


def encode_private_key(key: PrivateKey) -> str:
    """Return an Ed25519 key as "whsk_" and base64 of its seed and public key, 64 bytes.

    Raises:
        KeyFormatError: If `key` is not Ed25519.
    """
    if not isinstance(key.signing_key, Ed25519PrivateKey):
        raise KeyFormatError("webhooks are signed with an Ed25519 key")
    pair = key.signing_key.private_bytes_raw() + key.public.raw
    return _SIGNING_PREFIX + b64encode(pair).decode("ascii")


def decode_private_key(text: str) -> PrivateKey:
    """Return the Ed25519 key in a "whsk_…" text: a seed of 32 bytes, or seed and public key.

    Raises:
        KeyFormatError: If it is no such text, or the two halves do not belong together.
    """
    raw = _serialised(text, _SIGNING_PREFIX)
    key = PrivateKey.from_seed(raw[:_SEED_BYTES])
    if raw[_SEED_BYTES:] not in (b"", key.public.raw):
        raise KeyFormatError("the public half does not belong to the private half")
    return key


def _signed_bytes(message_id: str, stamp: str, body: bytes) -> bytes:
    return f"{message_id}.{stamp}.".encode() + body


def _serialised(text: str, prefix: str) -> bytes:
    if not text.startswith(prefix):
        raise KeyFormatError(f'must start with "{prefix}"')
    try:
        return b64decode(text.removeprefix(prefix), validate=True)
    except ValueError:
        raise KeyFormatError(f'must be base64 after "{prefix}"') from None


def _secret_bytes(secret: str) -> bytes:
    raw = _serialised(secret, _SECRET_PREFIX)
    if not _MIN_SECRET_BYTES <= len(raw) <= _MAX_SECRET_BYTES:
        raise KeyFormatError("a webhook secret is 24 to 64 bytes")
    return raw


def _read_headers(headers: Mapping[str, str]) -> tuple[str, str, dict[str, list[bytes]]]:
    """Return id, timestamp and the signatures by kind, or raise VerificationError."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER):
            if lower in found:
                raise VerificationError(f"{lower} stands twice")
            found[lower] = value
    message_id = _header(found, ID_HEADER, _ID)
    stamp = _header(found, TIMESTAMP_HEADER, _TIMESTAMP)
    offered: dict[str, list[bytes]] = {"v1": [], "v1a": []}
    signatures = found.get(SIGNATURE_HEADER)
    if not isinstance(signatures, str) or len(signatures) > _MAX_SIGNATURE_HEADER:
        raise VerificationError(f"{SIGNATURE_HEADER} is missing or too long")
    for signature in signatures.split(" "):
        # What this version does not know is passed over: a later one may add a kind.
        match = _SIGNATURE.fullmatch(signature)
        if match and match.lastgroup:
            offered[match.lastgroup].append(b64decode(signature.partition(",")[2]))
    return message_id, stamp, offered


def _header(found: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = found.get(name)
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise VerificationError(f"{name} is missing or malformed")


def _matches_v1(secrets: Sequence[str], offered: list[bytes], signed: bytes) -> bool:
    expected = [hmac.digest(_secret_bytes(secret), signed, "sha256") for secret in secrets]
    # Every pair is compared, so that the time taken does not tell which one matched.
    matches = [hmac.compare_digest(one, other) for one in expected for other in offered]
    return any(matches)


def _matches_v1a(keys: Sequence[PublicKey], offered: list[bytes], signed: bytes) -> bool:
    return any(_verifies(key, one, signed) for key in keys for one in offered)


def _verifies(key: PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except SignatureError:
        return False
    return key.alg == "EdDSA"
