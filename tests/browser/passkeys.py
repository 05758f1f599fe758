"""Passkeys of the tests: a person whose key a test holds, and the browser's authenticator for it.

Sources: Web Authentication Level 3, sections 5.8.1 (client data), 6.1 (authenticator data) and 11
(the virtual authenticator), which Chromium offers as `WebAuthn` of its DevTools protocol.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from playwright.sync_api import CDPSession, Page

from holdfast.protocol import base64url, canonical_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Role

RP_ID = "localhost"
#: Flags of authenticator data: the user was present, and was verified.
_PRESENT, _VERIFIED = 0x01, 0x04
_COORDINATE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an authenticator signed; every member as bytes, in WebAuthn's own form."""

    client_data_json: bytes
    authenticator_data: bytes
    signature: bytes

    def members(self) -> dict[str, str]:
        """Return it as the members of a JSON object, base64url."""
        return {
            "clientDataJSON": base64url.encode(self.client_data_json),
            "authenticatorData": base64url.encode(self.authenticator_data),
            "signature": base64url.encode(self.signature),
        }


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a passkey.

    Attributes:
        handle: Whose person it is.
        subject: `per_…`, the passkey's user handle, too.
        roles: What is, or is to be, granted.
        origin: Where the passkey signs: `http://localhost:<port>`.
        credential_id: The passkey's own name.
    """

    handle: str
    subject: str
    roles: tuple[Role, ...]
    origin: str
    credential_id: bytes
    _pkcs8: bytes

    @classmethod
    def new(cls, handle: str, origin: str, *roles: Role, subject: str | None = None) -> "Person":
        """Return somebody new with a fresh passkey; nobody has granted it anything yet."""
        key = ec.generate_private_key(ec.SECP256R1())
        pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        granted = roles or (Role.SECURITY_LEAD,)
        return cls(handle, subject or new_id("per"), granted, origin, token_bytes(32), pkcs8)

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        """The private key, P-256."""
        key = load_der_private_key(self._pkcs8, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    @property
    def pkcs8(self) -> bytes:
        """The private key as PKCS#8, DER."""
        return self._pkcs8

    @property
    def kid(self) -> str:
        """The thumbprint (RFC 7638), which leaves `webauthn` out."""
        return PrivateKey(self.key).kid

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as it is granted, with where it signs."""
        numbers = self.key.public_key().public_numbers()
        x, y = (
            base64url.encode(number.to_bytes(_COORDINATE_BYTES, "big"))
            for number in (numbers.x, numbers.y)
        )
        scope = {"rp_id": RP_ID, "origin": self.origin}
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "webauthn": scope}

    def sign(self, challenge: bytes, *, sign_count: int = 1) -> Assertion:
        """Return what a browser's `navigator.credentials.get` would, signed without a browser."""
        client_data = canonical_json.dumps(
            {
                "type": "webauthn.get",
                "challenge": base64url.encode(challenge),
                "origin": self.origin,
                "crossOrigin": False,
            }
        )
        flags = bytes([_PRESENT | _VERIFIED])
        data = sha256(RP_ID.encode()).digest() + flags + sign_count.to_bytes(4, "big")
        signed = data + sha256(client_data).digest()
        return Assertion(client_data, data, self.key.sign(signed, ec.ECDSA(hashes.SHA256())))


class Authenticator:
    """The passkeys of one page's browser, which says yes to everything it is asked.

    It verifies its user, stores passkeys, and needs no touch. It belongs to a page, not to the
    context: a second page has none until it gets one of its own.
    """

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id: str = made["authenticatorId"]

    def add(self, person: Person) -> None:
        """Put somebody's passkey into it, as if it had been made here."""
        self._send(
            "WebAuthn.addCredential",
            credential={
                "credentialId": _binary(person.credential_id),
                "isResidentCredential": True,
                "rpId": RP_ID,
                "privateKey": _binary(person.pkcs8),
                "userHandle": _binary(person.subject.encode()),
                "signCount": 0,
            },
        )

    def credentials(self) -> Sequence[dict[str, Any]]:
        """Return the passkeys in it, as the DevTools protocol describes them."""
        found: Sequence[dict[str, Any]] = self._send("WebAuthn.getCredentials")["credentials"]
        return found

    def empty(self) -> None:
        """Take every passkey out, as on a device that was lost."""
        self._send("WebAuthn.clearCredentials")

    def refuse(self, *, refuses: bool = True) -> None:
        """Have it fail to verify its user from now on, as with a wrong finger; or mend it."""
        self._send("WebAuthn.setUserVerified", isUserVerified=not refuses)

    def _send(self, method: str, **members: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._session.send(
            method, {"authenticatorId": self._id, **members}
        )
        return answer


def _binary(value: bytes) -> str:
    return b64encode(value).decode()
