"""A passkey in software: what a browser and an authenticator hand over, without either.

Every part can be told to be wrong, so that what refuses it is seen to.
"""

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from holdfast.protocol import base64url
from holdfast.protocol.jwk import Algorithm, PrivateKey, PublicKey
from holdfast.protocol.passkey_token import base_document, challenge_of, make_passkey_token
from holdfast.protocol.proof_of_possession import (
    make_passkey_possession,
    possession_challenge,
    possession_statement,
)

RP_ID = "localhost"
CONSOLE = "http://localhost:8080"
#: User present, user verified.
FLAGS = 0x01 | 0x04


@dataclass(slots=True)
class SoftPasskey:
    """A passkey whose private half is in memory."""

    key: PrivateKey
    rp_id: str = RP_ID
    origin: str = CONSOLE
    #: What its browser adds to the client data.
    added: dict[str, Any] = field(default_factory=dict)
    sign_count: int = field(default=0, init=False)

    @classmethod
    def generate(cls, alg: Algorithm = "ES256", rp_id: str = RP_ID, origin: str = CONSOLE) -> Self:
        """Return a fresh passkey."""
        return cls(PrivateKey.generate(alg), rp_id, origin)

    @property
    def kid(self) -> str:
        """RFC 7638 thumbprint."""
        return self.key.kid

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as it is registered."""
        scope = {"rp_id": self.rp_id, "origin": self.origin}
        return {**self.key.public.jwk(), "webauthn": scope}

    @property
    def public(self) -> PublicKey:
        """The same, checked."""
        return PublicKey.from_jwk(self.jwk)

    def answer(
        self,
        challenge: bytes,
        *,
        client: dict[str, Any] | None = None,
        flags: int = FLAGS,
        rp_id: str | None = None,
        extensions: bytes = b"",
    ) -> tuple[bytes, bytes, bytes]:
        """Return (client data, authenticator data, signature) as a browser gives them.

        Args:
            challenge: What to sign.
            client: Members of the client data to change or add.
            flags: The authenticator's.
            rp_id: Another relying party.
            extensions: Bytes after the counter.
        """
        self.sign_count += 1
        members = {
            "type": "webauthn.get",
            "challenge": base64url.encode(challenge),
            "origin": self.origin,
            "crossOrigin": False,
            **self.added,
            **(client or {}),
        }
        client_data = json.JSONEncoder(separators=(",", ":")).encode(members).encode()
        party = sha256((self.rp_id if rp_id is None else rp_id).encode()).digest()
        counter = self.sign_count.to_bytes(4, "big")
        authenticator_data = party + bytes([flags]) + counter + extensions
        return client_data, authenticator_data, self.sign(client_data, authenticator_data)

    def sign(self, client_data: bytes, authenticator_data: bytes) -> bytes:
        """Return the signature over both, in DER for ES256."""
        raw = self.key.sign(authenticator_data + sha256(client_data).digest())
        if self.key.alg == "EdDSA":
            return raw
        return encode_dss_signature(
            int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        )

    def sign_act(  # noqa: PLR0913 - what an act consists of
        self,
        *,
        aud: str,
        path: str,
        body: bytes,
        partner: str,
        person: str,
        now: int,
        method: str = "POST",
        lifetime: int = 300,
        nonce: str | None = None,
        **assertion: Any,
    ) -> str:
        """Return the token of an act; `assertion` goes to `answer`."""
        base = base_document(
            aud=aud,
            method=method,
            path=path,
            body=body,
            partner=partner,
            person=person,
            nonce=secrets.token_urlsafe(16) if nonce is None else nonce,
            iat=now,
            exp=now + lifetime,
        )
        client_data, authenticator_data, signature = self.answer(
            challenge_of(base, body), **assertion
        )
        return make_passkey_token(
            kid=self.kid,
            base=base,
            client_data=client_data,
            authenticator_data=authenticator_data,
            signature=signature,
        )

    def possession(self, audience: str, handle: str, subject: str, **assertion: Any) -> str:
        """Return the proof that this passkey is to be the subject's; `assertion` as above."""
        statement = possession_statement(audience=audience, handle=handle, subject=subject)
        client_data, authenticator_data, signature = self.answer(
            possession_challenge(statement), **assertion
        )
        return make_passkey_possession(
            kid=self.kid,
            statement=statement,
            client_data=client_data,
            authenticator_data=authenticator_data,
            signature=signature,
        )
