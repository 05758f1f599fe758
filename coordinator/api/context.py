"""What views work with; `app.create_app` wires it once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from flask import current_app

from coordinator.api.auth import KeyRing
from coordinator.api.content_cache import ContentCache
from coordinator.api.rate_limit import RateLimiter
from coordinator.domain.service_wallets import ServiceWallets
from coordinator.services.core.unit_of_work import CommandContext
from coordinator.storage.engine.wakeup import Watcher
from holdfast.protocol.jwk import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext(CommandContext):
    """The wired services and limits of one web process.

    Attributes:
        origin: The configured origin: `aud` of every token and the start of every `htu`.
        wake: Called after every commit; wakes the workers and the long polls.
    """

    origin: str
    service_wallets: ServiceWallets
    webhook_key: PublicKey
    wake: Callable[[], None]
    check_endpoint: Callable[[str], None]
    limiter: RateLimiter
    key_ring: KeyRing
    yearly_summaries: ContentCache
    watcher: Watcher
    body_limit_bytes: int
    document_limit_bytes: int
    page_size: int
    page_size_limit: int
    health_checks: Sequence[Callable[[], str | None]] = ()


def current_context() -> AppContext:
    """Return the context of the app that serves the current request."""
    return cast("AppContext", current_app.extensions["holdfast"])
