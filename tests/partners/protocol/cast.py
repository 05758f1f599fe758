"""Who appears in the protocol's tests, and a forger who signs whatever he is told to."""

import json
from typing import Any

from holdfast.protocol import base64url
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.request_token import body_sha256

NOW = 1_795_377_260
HANDLE = "exchange-a.example"
SUBJECT = "per_01jd3v8z8nfq0a5m6c7d8e9f0g"
AUD = "https://coordinator.example"
URL = f"{AUD}/v1/freeze-requests?box=sent"
BODY = b'{"nonce":"AAAAAAAAAAAAAAAAAAAAAA"}'
ED25519 = PrivateKey.generate("EdDSA")
P256 = PrivateKey.generate("ES256")
KEYS = {"EdDSA": ED25519, "ES256": P256}

#: What the verifier compares a token with, when it is right.
EXPECTED: dict[str, Any] = {
    "iss": HANDLE,
    "sub": SUBJECT,
    "aud": AUD,
    "method": "POST",
    "url": URL,
    "body": BODY,
    "now": NOW,
}


def good_header(key: PrivateKey = ED25519) -> dict[str, Any]:
    return {"alg": key.alg, "kid": key.kid, "typ": "holdfast-request+jwt"}


def good_claims() -> dict[str, Any]:
    return {
        "iss": HANDLE,
        "sub": SUBJECT,
        "aud": AUD,
        "iat": NOW,
        "exp": NOW + 60,
        "jti": "0123456789abcdef",
        "htm": "POST",
        "htu": URL,
        "body_sha256": body_sha256(BODY),
    }


def raw_json(value: Any) -> bytes:
    """Return JSON as any sender might write it; it need not be canonical."""
    return json.JSONEncoder(separators=(",", ":")).encode(value).encode()


def forge(header: Any, claims: Any, key: PrivateKey = ED25519) -> str:
    """Return a token over these parts with a good signature; bytes stand as they are."""
    parts = [part if isinstance(part, bytes) else raw_json(part) for part in (header, claims)]
    signed = ".".join(base64url.encode(part) for part in parts)
    return f"{signed}.{base64url.encode(key.sign(signed.encode()))}"
