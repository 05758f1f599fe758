"""What every request to the console must be, and what every page forbids the browser.

Pages load nothing from elsewhere, hold no code of their own, are framed by nobody and kept by no
cache. A form comes from our own origin, with the token of the session that it was made for.
"""

from hmac import compare_digest

from flask import Response, redirect, request
from flask_wtf.csrf import (  # type: ignore[import-untyped]  # ships no types
    generate_csrf,
    validate_csrf,
)
from werkzeug.wrappers import Response as WsgiResponse
from wtforms import ValidationError  # type: ignore[import-untyped]  # ships no types

from coordinator.console.context import console
from coordinator.domain.errors import PermissionDeniedError

CSRF_FIELD = "csrf_token"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Permissions-Policy": (
        "camera=(), geolocation=(), microphone=(), publickey-credentials-get=(self), "
        "publickey-credentials-create=(self)"
    ),
    # With no-referrer a form would come from the origin "null" (Fetch standard, section 3.2).
    "Referrer-Policy": "same-origin",
    # Two organisations may share a machine, and a browser: no page outlives its tab.
    "Cache-Control": "no-store",
}


def sent_elsewhere() -> WsgiResponse | None:
    """Return where a page is to be read that was asked for at another name, or None.

    Passkeys are made for one origin (WebAuthn Level 3 section 5.1.2), and a page that answers at
    any name could be had under a stranger's (DNS rebinding).
    """
    if compare_digest(request.host.encode(), console().host.encode()):
        return None
    return redirect(console().origin + request.path, 302)


def require_own_form(token: str) -> None:
    """Refuse a form that another site sent, or that was made for another session.

    Args:
        token: What the form's hidden field holds.

    Raises:
        PermissionDeniedError: If so.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        is_own = request.headers.get("Sec-Fetch-Site") == "same-origin"
    else:
        is_own = compare_digest(origin.encode(), console().origin.encode())
    try:
        validate_csrf(token)
    except ValidationError:
        is_own = False
    if not is_own:
        raise PermissionDeniedError(
            "this form was made for another session, or came from another site: nothing was done."
            " Open the page again and repeat it",
            code="foreign_form",
        )


def csrf_token() -> str:
    """Return the token that a form of this session carries."""
    return str(generate_csrf())


def guard(response: Response) -> Response:
    """Add what every page forbids the browser."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
