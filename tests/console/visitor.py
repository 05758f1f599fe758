"""Somebody who visits the console with a client of Flask's, and a passkey in software."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from typing import Any

import cbor2
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from holdfast.protocol import base64url, canonical_json
from tests.factories import ORIGIN, Member, Signer
from tests.passkeys import CONSOLE, FLAGS, RP_ID, SoftPasskey

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_OPTIONS = re.compile(r'data-passkey-(?:get|create)="([^"]+)"')
_NEW_CREDENTIAL = 0x40
_COSE = {"EdDSA": {1: 1, 3: -8, -1: 6}, "ES256": {1: 2, 3: -7, -1: 1}}


@dataclass(slots=True)
class Visitor:
    """A browser: cookies, and forms as pages sent them.

    Attributes:
        origin: Where it believes the console to be.
    """

    app: Flask
    origin: str = CONSOLE
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path, base_url=self.origin, headers=headers)

    def token(self, path: str = "/console/sign-in") -> str:
        """Return the CSRF token of a page's form."""
        found: list[str] = _TOKEN.findall(self.get(path).text)
        return found[0]

    def send(
        self, path: str, fields: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        """Send a form as it is, from our own origin unless a header says otherwise."""
        sent = {"Origin": self.origin} if headers is None else headers
        return self.client.post(path, base_url=self.origin, data=fields, headers=sent)

    def post(self, path: str, page: str, **fields: Any) -> TestResponse:
        """Send a form with the token of the page that it is on."""
        return self.send(path, {"csrf_token": self.token(page), **fields})

    @property
    def cookie(self) -> str | None:
        """The id of its session."""
        found = self.client.get_cookie("holdfast", domain="localhost")
        return None if found is None else found.value

    # ---------- passkeys ----------

    def sign(self, page: str, passkey: SoftPasskey, url: str, **other: Any) -> TestResponse:
        """Sign what a page asks to be signed, and send it."""
        html = self.get(page).text
        options = json.loads(unescape(_OPTIONS.findall(html)[0]))
        fields = {**assertion(passkey, base64url.decode(options["challenge"])), **other}
        return self.send(url, {"csrf_token": _TOKEN.findall(html)[0], **fields})

    def sign_in(self, passkey: SoftPasskey, **other: str) -> TestResponse:
        """Sign in."""
        return self.sign("/console/sign-in", passkey, "/console/sign-in", **other)

    def make(self, passkey: SoftPasskey, **wrong: Any) -> TestResponse:
        """Take the step that makes a passkey; `wrong` goes to `registration`."""
        html = self.get("/console/passkeys/new/make").text
        challenge = base64url.decode(json.loads(unescape(_OPTIONS.findall(html)[0]))["challenge"])
        fields = registration(passkey, **{"challenge": challenge, **wrong})
        token = _TOKEN.findall(html)[0]
        return self.send("/console/passkeys/new/make", {"csrf_token": token, **fields})

    def begin(self, url: str, name: str = "Phone") -> TestResponse:
        """Open a link for a passkey, and name that."""
        secret = url.partition("#")[2]
        return self.post("/console/passkeys/new", "/console/passkeys/new", name=name, secret=secret)

    def enrol(self, url: str, passkey: SoftPasskey, name: str = "Phone") -> TestResponse:
        """Go all the steps from a link to a pending passkey."""
        self.begin(url, name)
        self.make(passkey)
        step = "/console/passkeys/new/prove"
        return self.sign(step, passkey, step)


def assertion(passkey: SoftPasskey, challenge: bytes, **wrong: Any) -> dict[str, str]:
    """Return the fields of a form that a passkey signed."""
    client_data, authenticator_data, signature = passkey.answer(challenge, **wrong)
    return {
        "client_data": base64url.encode(client_data),
        "authenticator_data": base64url.encode(authenticator_data),
        "signature": base64url.encode(signature),
        "credential_id": credential_id(passkey),
    }


def credential_id(passkey: SoftPasskey) -> str:
    """Return what its browser calls a passkey."""
    return base64url.encode(sha256(passkey.kid.encode()).digest())


def registration(
    passkey: SoftPasskey, *, challenge: bytes, origin: str = CONSOLE, flags: int = FLAGS
) -> dict[str, str]:
    """Return the fields of a form in which an authenticator made a passkey (section 6.5.4)."""
    client = {
        "type": "webauthn.create",
        "challenge": base64url.encode(challenge),
        "origin": origin,
        "crossOrigin": False,
    }
    jwk = passkey.jwk
    cose = _COSE[passkey.key.alg] | {-2: base64url.decode(jwk["x"])}
    if "y" in jwk:
        cose[-3] = base64url.decode(jwk["y"])
    name = base64url.decode(credential_id(passkey))
    data = (
        sha256(RP_ID.encode()).digest()
        + bytes([flags | _NEW_CREDENTIAL])
        + bytes(4 + 16)  # counter, and the kind of authenticator, which none attests
        + len(name).to_bytes(2, "big")
        + name
        + cbor2.dumps(cose)
    )
    attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
    return {
        "client_data": base64url.encode(canonical_json.dumps(client)),
        "attestation_object": base64url.encode(attestation),
        "credential_id": credential_id(passkey),
        "transports": "internal,made-up",
    }


def passkey_link(signer: Signer, member: Member, person: str | None = None) -> str:
    """Have somebody ask for a link for a passkey."""
    body = {"purpose": "passkey"} | ({"person": person} if person else {})
    answer = signer.post(member, "/v1/console-links", body)
    assert answer.status_code == 201, answer.text
    url: str = answer.get_json()["url"]
    return url


def grant(signer: Signer, root: Member, member: Member, passkey: SoftPasskey) -> None:
    """Have the root key grant a passkey."""
    body = {
        "subject": member.subject,
        "roles": [role.value for role in member.roles],
        "jwk": passkey.jwk,
        "possession": passkey.possession(ORIGIN, member.handle, member.subject),
    }
    answer = signer.post(root, "/v1/grants", body)
    assert answer.status_code == 201, answer.text
