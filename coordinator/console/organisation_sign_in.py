"""Signing in through one's organisation: by the OpenID provider that it brings, to read.

The door asks for the organisation's handle, and says of one without a provider what it says of one
that nobody knows. Where the provider sends people back to is a URL of each organisation's own, and
an attempt is good once, in the browser that began it: so nobody is signed in as somebody else
(login CSRF), and no provider answers for another.
"""

import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Self
from urllib.parse import urlsplit

import structlog
from flask import Response, redirect, request, session
from sqlalchemy import Connection
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api.auth import require_standing
from coordinator.api.context import current_context
from coordinator.console import render, signing_in
from coordinator.console.context import console
from coordinator.console.forms import Form
from coordinator.console.openid_provider import Attempt, Client, Identity, ProviderError
from coordinator.console.sessions import SignedIn, own_session
from coordinator.domain.errors import PermissionDeniedError
from coordinator.services.membership.sign_in_providers import redirect_uri
from coordinator.storage.console import sign_in_providers as store
from coordinator.storage.console.sign_in_providers import ProviderDocument
from coordinator.storage.membership import partners as partner_store
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.payloads import format_time, parse_time

_log = structlog.get_logger(__name__)

_UNDER_WAY = "openid"
#: As long as somebody may take over there, second factor and all.
_LASTS = timedelta(minutes=10)
_UNKNOWN = (
    "No sign-in of its own is known here for this organisation. Ask your security lead, or sign in"
    " with a passkey or a link."
)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A sign-in that this browser began.

    Attributes:
        provider: The provider that was asked; one set in its place since is another.
        target: The page to go on to.
    """

    partner: str
    provider: str
    state: str
    nonce: str
    verifier: str
    target: str
    ends_at: str

    @classmethod
    def begin(cls, partner: str, provider: str, target: str) -> Self:
        """Return a fresh one."""
        return cls(
            partner=partner,
            provider=provider,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            target=target,
            ends_at=format_time(current_context().clock.now() + _LASTS),
        )

    @property
    def attempt(self) -> Attempt:
        """What it is told apart by."""
        return Attempt(self.state, self.nonce, self.verifier)


def start(form: Form) -> Response:
    """Send the browser to its organisation's provider, by a page: a form may lead nowhere else."""
    handle = form.text("organisation").lower()
    target = signing_in.own_path(form.text("next"))
    with current_context().database.engine.connect() as connection:
        found = _provider(connection, handle)
    if found is None:
        return signing_in.door(target, handle, _UNKNOWN)
    provider_id, document = found
    under_way = _UnderWay.begin(handle, provider_id, target)
    try:
        url = console().providers.authorization_url(_client(handle, document), under_way.attempt)
    except ProviderError as error:
        _log.info("sign_in_provider_failed", partner=handle, reason=error.code)
        fault = f"Your organisation's provider cannot be asked now: {error.message}."
        return signing_in.door(target, handle, fault)
    session[_UNDER_WAY] = canonical_json.dumps(asdict(under_way)).decode()
    return render.page("provider_go.html", None, url=url, host=urlsplit(url).hostname)


def come_back(form: Form, handle: str) -> Response | WsgiResponse:
    """Sign in whoever the provider says it is, if it is one of those whom it may."""
    del form
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        # A strict cookie does not come with a link from elsewhere, but with this next request.
        return render.page("again.html", None, target=request.full_path)
    under_way = _take_under_way(handle)
    context = current_context()
    with context.database.engine.connect() as connection:
        found = _provider(connection, handle)
    if found is None or found[0] != under_way.provider:
        raise _refused("provider_changed", "the provider was changed meanwhile: begin again")
    provider_id, document = found
    try:
        identity = console().providers.identity(
            _client(handle, document),
            under_way.attempt,
            request.args,
            now=int(context.clock.now().timestamp()),
        )
    except ProviderError as error:
        raise _refused(error.code, error.message) from error
    who = _who(handle, provider_id, document, identity)
    own_session().sign_in(who)
    return redirect(under_way.target, HTTPStatus.SEE_OTHER)


def _take_under_way(handle: str) -> _UnderWay:
    """Return what this browser began with an organisation; it is used up by that."""
    kept = session.pop(_UNDER_WAY, None)
    under_way = None if kept is None else _UnderWay(**strict_json.loads(kept.encode()))
    if under_way is None or under_way.partner != handle:
        raise _refused("not_begun", "this browser did not begin it, or it was used already")
    if current_context().clock.now() >= parse_time(under_way.ends_at):
        raise _refused("too_late", "it took too long: begin again")
    return under_way


def _provider(connection: Connection, handle: str) -> tuple[str, ProviderDocument] | None:
    """Return an organisation's provider by its id; None where it has none, or is nobody's."""
    if not (handle.isascii() and handle.isprintable()):
        return None  # nobody's, and not for every database to look for
    provider = store.find(connection, handle)
    if provider is None:
        return None
    document = store.document(connection, current_context().vault, provider.id)
    return None if document is None else (provider.id, document)


def _client(handle: str, document: ProviderDocument) -> Client:
    return Client(
        issuer=document.issuer,
        client_id=document.client_id,
        client_secret=document.client_secret,
        redirect_uri=redirect_uri(console().origin, handle),
    )


def _who(handle: str, provider_id: str, document: ProviderDocument, identity: Identity) -> SignedIn:
    """Return who signs in.

    Raises:
        AuthenticationError: If the organisation is suspended, or they left it.
        PermissionDeniedError: If the organisation does not list them.
    """
    person = document.person_of(identity.sub, identity.email)
    if person is None:
        raise _refused(
            "person_unknown",
            "your organisation's provider knows you, and Holdfast does not. A security lead adds"
            " you under “People”, “Sign-in of your own”",
        )
    with current_context().database.engine.connect() as connection:
        found = require_standing(
            partner_store.standing_by_provider(connection, provider_id, person)
        )
    return SignedIn(partner=handle, person=found.actor.subject, provider=provider_id)


def _refused(code: str, message: str) -> PermissionDeniedError:
    _log.info("sign_in_refused", reason=code)
    return PermissionDeniedError(f"you are not signed in: {message}", code="provider_refused")
