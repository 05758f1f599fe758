"""What the console works with beside the API's context; `app.create_app` wires it once."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast
from urllib.parse import urlsplit

from flask import current_app

from coordinator.api.rate_limit import RateLimiter
from coordinator.console.asked_documents import AskedDocuments
from coordinator.console.openid_provider import OpenIdProviders
from holdfast.protocol.jwk import WebAuthnScope

#: Where in `app.extensions` it stands.
EXTENSION = "holdfast.console"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleContext:
    """The settings of the console.

    Attributes:
        scope: Where people open it, which every passkey is made for.
        providers: Asks partners' OpenID providers who somebody is.
        strangers: Counts what anybody may ask for without being signed in, by network address.
        claimants: Counts how often a claim's link is used, good or not, by its hash.
        idle: How long a session lasts that nobody uses.
        lifetime: How long one lasts in any case.
        sign_within: How long an act waits for its signature.
        documents: The last few that somebody looked at.
    """

    scope: WebAuthnScope
    providers: OpenIdProviders
    strangers: RateLimiter
    claimants: RateLimiter
    idle: timedelta = timedelta(hours=2)
    lifetime: timedelta = timedelta(hours=12)
    sign_within: timedelta = timedelta(minutes=5)
    documents: AskedDocuments = field(default_factory=AskedDocuments, repr=False)

    @property
    def origin(self) -> str:
        """Where people open it."""
        return self.scope.origin

    @property
    def is_https(self) -> bool:
        """Whether cookies are for encrypted connections alone."""
        return self.origin.startswith("https:")

    @property
    def host(self) -> str:
        """The `Host` of every request to it."""
        return urlsplit(self.origin).netloc

    @property
    def rp_id(self) -> str:
        """The relying party of its passkeys, WebAuthn Level 3 section 5.1.2: the host's name."""
        return self.scope.rp_id


def console() -> ConsoleContext:
    """Return the context of the app that serves the current request."""
    return cast("ConsoleContext", current_app.extensions[EXTENSION])
