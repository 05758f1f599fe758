"""Signing in by passkey, or by a link that one's own key asked for; and signing out."""

import secrets
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, redirect, request, session
from sqlalchemy import Connection
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api.auth import standing
from coordinator.api.context import current_context
from coordinator.console import render
from coordinator.console.assertions import Assertion
from coordinator.console.context import console
from coordinator.console.enrolment import MADE, waiting_page
from coordinator.console.forms import Form
from coordinator.console.sessions import SignedIn, own_session
from coordinator.console.visit import Visit
from coordinator.domain.errors import NotFoundError, PermissionDeniedError
from coordinator.storage.console import links as link_store
from coordinator.storage.console import passkeys as passkey_store
from coordinator.storage.console.passkeys import Passkey
from coordinator.storage.membership import partners as partner_store
from holdfast.protocol import base64url, canonical_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.passkey_signature import verify_passkey_signature

_CHALLENGE = "challenge"


def show(form: Form) -> Response | WsgiResponse:
    """Show the door: one button, and below it the way through one's organisation."""
    del form
    if own_session().is_signed_in:
        return redirect(_target(), HTTPStatus.SEE_OTHER)
    return door(_target(), request.args.get("organisation", ""))


def door(target: str, organisation: str, fault: str = "") -> Response:
    """Return the page that signs in.

    Args:
        target: The page to go on to.
        organisation: A handle as typed, or as a link of the organisation's own fills it in.
        fault: Why nobody can sign in through it now.
    """
    challenge = secrets.token_bytes(32)
    session[_CHALLENGE] = base64url.encode(challenge)
    return render.page(
        "sign_in.html",
        None,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
        target=target,
        organisation=organisation,
        fault=fault,
        options=canonical_json.dumps(
            {
                "challenge": session[_CHALLENGE],
                "rpId": console().rp_id,
                "userVerification": "required",
                "allowCredentials": [],
            }
        ).decode(),
    )


def sign_in(form: Form) -> Response | WsgiResponse:
    """Open a session for whoever's passkey signed the challenge of this browser's session."""
    challenge = session.pop(_CHALLENGE, None)
    if challenge is None:
        raise PermissionDeniedError(
            "signing in took too long: open the page again", code="challenge_missing"
        )
    context = current_context()
    assertion = Assertion.of(form)
    with context.database.engine.connect() as connection:
        passkey = passkey_store.by_credential(connection, assertion.credential_id)
        is_good = passkey is not None and _is_good(connection, passkey)
    if passkey is None:
        raise PermissionDeniedError(
            "nothing is known of this passkey here: it was made elsewhere, or removed. Use another,"
            " or ask a security lead of your organisation for a link",
            code="passkey_unknown",
        )
    _require_signature(assertion, passkey, base64url.decode(challenge))
    if not is_good:
        return _refused(passkey)
    count = assertion.count(passkey)
    with context.database.transaction() as connection:
        passkey_store.used(connection, passkey.kid, count, context.clock.now())
    own_session().sign_in(SignedIn(kid=passkey.kid, partner=passkey.partner, person=passkey.person))
    return redirect(own_path(form.text("next")), HTTPStatus.SEE_OTHER)


def _is_good(connection: Connection, passkey: Passkey) -> bool:
    """Tell whether a passkey gives a right now.

    Raises:
        AuthenticationError: If it would, but for its partner's suspension.
    """
    if passkey_store.good_by_credential(connection, passkey.credential_id) is None:
        return False
    standing(connection, passkey.kid)  # nobody signs in for a suspended partner
    return True


def _require_signature(assertion: Assertion, passkey: Passkey, challenge: bytes) -> None:
    """Refuse what the passkey did not sign just now: only its owner hears how it stands."""
    try:
        key = PublicKey.from_jwk(passkey.jwk)
        verify_passkey_signature(assertion.over(b""), kid=passkey.kid, key=key, challenge=challenge)
    except ProtocolError as error:
        raise PermissionDeniedError(
            "the passkey signed something else: open the page again and repeat it",
            code="passkey_refused",
        ) from error


def _refused(passkey: Passkey) -> Response:
    """Say why a passkey signs nobody in: it waits for its grant, or was taken away."""
    with current_context().database.engine.connect() as connection:
        was_granted = partner_store.key_owner(connection, passkey.kid) is not None
    if was_granted:
        raise PermissionDeniedError(
            "this passkey was taken away and gives no right any more: use another, or ask a"
            " security lead of your organisation for a link",
            code="passkey_revoked",
        )
    session[MADE] = passkey.kid
    return waiting_page(passkey, is_refused=True)


def show_link(form: Form) -> Response:
    """Show what a link does. Opening it does nothing yet: programs that look at links do that."""
    del form
    return render.page("enter.html", None)


def enter(form: Form) -> Response | WsgiResponse:
    """Use a link up: it signs in whoever asked for it with their own key."""
    context = current_context()
    now = context.clock.now()
    hashed = sha256(form.text("secret").encode()).hexdigest()
    with context.database.transaction() as connection:
        link = link_store.use(connection, hashed, "sign_in", now)
        if link is None or link.kid is None:
            raise NotFoundError(
                "this link was used already, or is too old: ask for another (holdfast console)",
                code="link_over",
            )
        standing(connection, link.kid)
    own_session().sign_in(SignedIn(kid=link.kid, partner=link.partner, person=link.person))
    return redirect("/console", HTTPStatus.SEE_OTHER)


def sign_out(visit: Visit) -> WsgiResponse:
    """End this browser's session."""
    visit.session.end()
    return redirect("/console/sign-in", HTTPStatus.SEE_OTHER)


def _target() -> str:
    return own_path(request.args.get("next", ""))


def own_path(target: str) -> str:
    """Return a page of the console to go on to; never another site's (open redirect)."""
    try:
        parts = urlsplit(target)
    except ValueError:  # "http://["
        return "/console"
    is_own = not parts.scheme and not parts.netloc and target.startswith("/console/")
    return target if is_own and "\\" not in target and target.isprintable() else "/console"
