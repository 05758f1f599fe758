"""Making a passkey: by a link that is good once, or by whoever is signed in, for themselves.

Three steps, a page each, and the browser's session remembers them: what the passkey is called; the
key itself; the key's own word whose it is to be. What comes of it is *pending*. It gives no right
until the root key or two leads of its organisation grant it (design section 9).
"""

from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from http import HTTPStatus
from secrets import token_bytes, token_urlsafe
from typing import Any

from flask import Response, redirect, session
from sqlalchemy import Connection
from webauthn import (
    base64url_to_bytes,
    generate_registration_options,
    options_to_json,
    verify_registration_response,
)
from webauthn.helpers import decode_credential_public_key
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import (
    DecodedEC2PublicKey,
    DecodedOKPPublicKey,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api.context import current_context
from coordinator.console import render
from coordinator.console.assertions import Assertion
from coordinator.console.context import console
from coordinator.console.forms import Form
from coordinator.console.sessions import own_session
from coordinator.domain.errors import (
    ConflictError,
    CoordinatorError,
    NotFoundError,
    PermissionDeniedError,
)
from coordinator.services.membership.passkey_views import PASSKEY_NAME
from coordinator.storage.console import links as link_store
from coordinator.storage.console import passkeys as store
from coordinator.storage.console.passkeys import Passkey
from coordinator.storage.engine import documents
from coordinator.storage.engine.documents import SealedDocument, load_keys
from coordinator.storage.membership import partners as partner_store
from holdfast.protocol import base64url, canonical_json, strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PublicKey, WebAuthnScope, thumbprint_digits
from holdfast.protocol.proof_of_possession import (
    make_passkey_possession,
    possession_challenge,
    possession_statement,
    verify_possession,
)

#: Where the browser's session keeps the enrolment under way, and the passkey that came of one.
_UNDER_WAY, MADE = "enrolment", "made_passkey"
_ALGORITHMS = [COSEAlgorithmIdentifier.EDDSA, COSEAlgorithmIdentifier.ECDSA_SHA_256]
_TRANSPORTS = {each.value for each in AuthenticatorTransport}
_LONGEST_NAME = 40
_OVER = "this link was used already, or is too old: ask for another"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What is known so far of the passkey that is being made.

    Attributes:
        link: Hash of the link's secret; "" where somebody signed in makes their own.
        name: What its owner calls it.
        challenge: Of the registration, base64url.
        nonce: Of the statement that the passkey signs.
        jwk: Its public key; empty until the authenticator made it.
    """

    link: str
    partner: str
    person: str
    name: str
    challenge: str
    nonce: str
    jwk: dict[str, Any] = field(default_factory=dict)
    credential_id: str = ""
    transports: list[str] = field(default_factory=list)
    is_backed_up: bool = False

    @property
    def key(self) -> PublicKey:
        """The public key, once there is one."""
        return PublicKey.from_jwk(self.jwk)

    def statement(self, audience: str) -> bytes:
        """Return what the passkey vouches for."""
        return possession_statement(
            audience=audience, handle=self.partner, subject=self.person, nonce=self.nonce
        )

    def keep(self) -> None:
        """Keep it in the browser's session."""
        session[_UNDER_WAY] = canonical_json.dumps(asdict(self)).decode()


def _under_way() -> Enrolment | None:
    kept = session.get(_UNDER_WAY)
    return None if kept is None else Enrolment(**strict_json.loads(kept.encode()))


# ---------- the first step: whose it is, and what it is called ----------


def show_start(form: Form) -> Response:
    """Ask what the passkey is to be called. Opening a link uses nothing up."""
    return _start_page(form)


def start(form: Form) -> Response | WsgiResponse:
    """Find out whose passkey it is to be, by the link or by who is signed in."""
    name = form.text("name")
    secret = form.text("secret")
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        fault = f"Give it a name of at most {_LONGEST_NAME} characters, so that you know it again."
        return _start_page(form, name_error=fault)
    try:
        link, partner, person = _whose(secret)
    except NotFoundError as error:
        return _start_page(form, secret_error=_sentence(error))
    Enrolment(
        link=link,
        partner=partner,
        person=person,
        name=name,
        challenge=base64url.encode(token_bytes(32)),
        nonce=token_urlsafe(16),
    ).keep()
    return redirect("/console/passkeys/new/make", HTTPStatus.SEE_OTHER)


def _start_page(form: Form, *, name_error: str = "", secret_error: str = "") -> Response:
    faults = [("f-name", name_error), ("f-secret", secret_error)]
    return render.page(
        "passkey_new.html",
        None,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if name_error or secret_error else HTTPStatus.OK,
        name=form.text("name"),
        secret=form.text("secret"),
        is_signed_in=own_session().is_signed_in,
        name_error=name_error,
        secret_error=secret_error,
        faults=[each for each in faults if each[1]],
    )


def _whose(secret: str) -> tuple[str, str, str]:
    """Return the link's hash, partner and person; without a link, of whoever is signed in."""
    context = current_context()
    mine = own_session()
    with context.database.engine.connect() as connection:
        if not secret and mine.is_signed_in:
            actor = mine.standing(connection).actor
            return "", actor.partner, actor.subject
        hashed = sha256(secret.encode()).hexdigest()
        link = link_store.find(connection, hashed, "passkey", context.clock.now())
    if link is None:
        raise NotFoundError(_OVER)
    return hashed, link.partner, link.person


# ---------- the second step: the key ----------


def show_make(form: Form) -> Response | WsgiResponse:
    """Ask the browser for a new passkey."""
    del form
    under_way = _under_way()
    if under_way is None:
        return _from_the_start()
    return _make_page(under_way)


def make(form: Form) -> Response | WsgiResponse:
    """Take the new key, if it is of the kind that can be granted."""
    under_way = _under_way()
    if under_way is None:
        return _from_the_start()
    try:
        made = _verified(form, under_way)
        jwk = _jwk(made)
        key = PublicKey.from_jwk(jwk)
    except (WebAuthnException, ProtocolError, ValueError, KeyError):
        fault = (
            "The browser handed over something else than a new passkey for this page. Nothing was"
            " kept here: try it again, or use another device."
        )
        return _make_page(under_way, fault)
    with current_context().database.engine.connect() as connection:
        if store.is_known(connection, key.kid, base64url.encode(made.credential_id)):
            fault = (
                "This passkey was known here before, or was taken away here: a passkey counts once."
                " Delete it on your device, and make a new one."
            )
            return _make_page(under_way, fault)
    given = form.text("transports").split(",")
    replace(
        under_way,
        jwk=jwk,
        credential_id=base64url.encode(made.credential_id),
        transports=[each for each in given if each in _TRANSPORTS],
        is_backed_up=made.credential_backed_up,
    ).keep()
    return redirect("/console/passkeys/new/prove", HTTPStatus.SEE_OTHER)


def _make_page(under_way: Enrolment, fault: str = "") -> Response:
    with current_context().database.engine.connect() as connection:
        present = store.of_person(connection, under_way.person)
    options = generate_registration_options(
        rp_id=console().rp_id,
        rp_name="Holdfast",
        user_id=under_way.person.encode(),
        user_name=f"{under_way.partner}, {under_way.name}",
        user_display_name=f"{under_way.name} at {under_way.partner}",
        challenge=base64url_to_bytes(under_way.challenge),
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[_descriptor(each) for each in present],
        supported_pub_key_algs=_ALGORITHMS,
    )
    return _step_page("passkey_make.html", under_way, options_to_json(options), fault)


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        id=base64url_to_bytes(passkey.credential_id),
        transports=[AuthenticatorTransport(each) for each in passkey.transports],
    )


def _verified(form: Form, under_way: Enrolment) -> VerifiedRegistration:
    """Return the new credential (WebAuthn Level 3 section 7.1).

    Raises:
        WebAuthnException: If it was made for another page, or its user was not verified.
    """
    credential = {
        "id": form.text("credential_id"),
        "rawId": form.text("credential_id"),
        "type": "public-key",
        "response": {
            "clientDataJSON": form.text("client_data"),
            "attestationObject": form.text("attestation_object"),
        },
    }
    return verify_registration_response(
        credential=credential,
        expected_challenge=base64url_to_bytes(under_way.challenge),
        expected_rp_id=console().rp_id,
        expected_origin=console().origin,
        require_user_verification=True,
        supported_pub_key_algs=_ALGORITHMS,
    )


def _jwk(made: VerifiedRegistration) -> dict[str, Any]:
    """Return a credential's public key as a grant takes it, with where it signs.

    Raises:
        ValueError: If the authenticator made another kind of key than was asked for.
    """
    decoded = decode_credential_public_key(made.credential_public_key)
    scope = WebAuthnScope.of_origin(console().origin).members()
    if isinstance(decoded, DecodedOKPPublicKey):
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": base64url.encode(decoded.x),
            "webauthn": scope,
        }
    if not isinstance(decoded, DecodedEC2PublicKey):
        raise ValueError("another kind of key")  # noqa: TRY004 - the browser erred
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": base64url.encode(decoded.x),
        "y": base64url.encode(decoded.y),
        "webauthn": scope,
    }


# ---------- the third step: its own word ----------


def show_prove(form: Form) -> Response | WsgiResponse:
    """Ask the new passkey for its word whose it is to be."""
    del form
    under_way = _under_way()
    if under_way is None or not under_way.jwk:
        return _from_the_start()
    return _prove_page(under_way)


def prove(form: Form) -> Response | WsgiResponse:
    """Keep the passkey, pending, and use the link up."""
    under_way = _under_way()
    if under_way is None or not under_way.jwk:
        return _from_the_start()
    try:
        possession, count = _possession(form, under_way)
    except (ProtocolError, PermissionDeniedError):
        fault = (
            "Another passkey than the new one signed, or it signed something else. Nothing is"
            f" lost: choose “{under_way.name}” and try it again."
        )
        return _prove_page(under_way, fault)
    _store(under_way, possession, count)
    session.pop(_UNDER_WAY)
    session[MADE] = under_way.key.kid
    return redirect(f"/console/passkeys/waiting/{under_way.key.kid}", HTTPStatus.SEE_OTHER)


def _prove_page(under_way: Enrolment, fault: str = "") -> Response:
    statement = under_way.statement(current_context().origin)
    options = {
        "challenge": base64url.encode(possession_challenge(statement)),
        "rpId": console().rp_id,
        "userVerification": "required",
        "allowCredentials": [
            {
                "type": "public-key",
                "id": under_way.credential_id,
                "transports": under_way.transports,
            }
        ],
    }
    text = canonical_json.dumps(options).decode()
    return _step_page("passkey_prove.html", under_way, text, fault)


def _possession(form: Form, under_way: Enrolment) -> tuple[str, int]:
    """Return the passkey's word as a grant takes it, and its counter."""
    assertion = Assertion.of(form)
    audience = current_context().origin
    possession = make_passkey_possession(
        kid=under_way.key.kid,
        statement=under_way.statement(audience),
        client_data=assertion.client_data,
        authenticator_data=assertion.authenticator_data,
        signature=assertion.signature,
    )
    verify_possession(
        possession,
        jwk=under_way.key,
        audience=audience,
        handle=under_way.partner,
        subject=under_way.person,
    )
    return possession, assertion.sign_count


def _store(under_way: Enrolment, possession: str, count: int) -> None:
    """Keep a passkey and its name, in the transaction that uses its link up.

    Raises:
        NotFoundError: If the link was used meanwhile, or became too old.
        ConflictError: If the passkey is there already.
    """
    context = current_context()
    now = context.clock.now()
    kid = under_way.key.kid
    with context.database.transaction() as connection:
        _require_leave(connection, under_way)
        is_new = store.store(
            connection,
            Passkey(
                kid=kid,
                credential_id=under_way.credential_id,
                partner=under_way.partner,
                person=under_way.person,
                jwk=under_way.jwk,
                possession=possession,
                sign_count=count,
                is_backed_up=under_way.is_backed_up,
                transports=under_way.transports,
                made_at=now,
                used_at=None,
                removed_at=None,
            ),
        )
        if not is_new:
            raise ConflictError("this passkey is known here already", code="known_key")
        partner = partner_store.partner(connection, under_way.partner)
        if partner is None:
            raise NotFoundError("there is no such partner")
        key_id = partner.document_key_id
        key = load_keys(connection, context.vault, [key_id])[key_id]
        sealed = key.seal(kid, PASSKEY_NAME, under_way.name.encode())
        documents.store(connection, [SealedDocument(kid, PASSKEY_NAME, key_id, sealed)])


def _require_leave(connection: Connection, under_way: Enrolment) -> None:
    """Refuse what neither a link nor a session allows any more."""
    if under_way.link:
        now = current_context().clock.now()
        if link_store.use(connection, under_way.link, "passkey", now) is None:
            raise NotFoundError(_OVER)
        return
    actor = own_session().standing(connection).actor
    if (actor.partner, actor.subject) != (under_way.partner, under_way.person):
        raise PermissionDeniedError("somebody else is signed in by now: begin again")


# ---------- afterwards ----------


def show_waiting(form: Form, kid: str) -> Response:
    """Show a passkey that is pending: its digits, who can grant it, and what to tell them."""
    del form
    return waiting_page(_own_passkey(kid))


def key_request(form: Form, kid: str) -> Response:
    """Serve the key request of a passkey, for whoever holds the root key."""
    del form
    content = canonical_json.dumps(_key_request(_own_passkey(kid))) + b"\n"
    response = Response(content, content_type="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="passkey.key-request.json"'
    return response


def waiting_page(passkey: Passkey, *, is_refused: bool = False) -> Response:
    """Return the page of a pending passkey.

    Args:
        passkey: Which.
        is_refused: Whether somebody tried to sign in with it.
    """
    with current_context().database.engine.connect() as connection:
        is_good = store.good_by_credential(connection, passkey.credential_id) is not None
    return render.page(
        "passkey_waiting.html",
        None,
        status=HTTPStatus.FORBIDDEN if is_refused else HTTPStatus.OK,
        passkey=passkey,
        digits=thumbprint_digits(passkey.kid),
        is_good=is_good,
        is_refused=is_refused,
        is_signed_in=own_session().is_signed_in,
    )


def _key_request(passkey: Passkey) -> dict[str, Any]:
    """Return what `holdfast grant` takes."""
    return {
        "v": 1,
        "coordinator": current_context().origin,
        "handle": passkey.partner,
        "subject": passkey.person,
        "jwk": passkey.jwk,
        "possession": passkey.possession,
    }


def _own_passkey(kid: str) -> Passkey:
    """Return a passkey that this browser made, or whose owner is signed in."""
    mine = own_session()
    with current_context().database.engine.connect() as connection:
        passkey = store.find(connection, kid)
        person = mine.standing(connection).actor.subject if mine.is_signed_in else ""
    if passkey is None or (passkey.person != person and session.get(MADE) != kid):
        raise NotFoundError("there is no such passkey, or it is not yours to see")
    return passkey


def _step_page(template: str, under_way: Enrolment, options: str, fault: str) -> Response:
    return render.page(
        template,
        None,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
        under_way=under_way,
        options=options,
        fault=fault,
    )


def _from_the_start() -> WsgiResponse:
    return redirect("/console/passkeys/new", HTTPStatus.SEE_OTHER)


def _sentence(error: CoordinatorError) -> str:
    return f"{error.message[:1].upper()}{error.message[1:]}."
