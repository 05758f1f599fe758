"""What views work with; `app.create_app` wires it once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from flask import current_app

from coordinator.api.auth import KeyRing
from coordinator.api.content_cache import ContentCache
from coordinator.api.rate_limit import RateLimiter
from coordinator.domain.chain import Chains
from coordinator.domain.clock import Clock
from coordinator.domain.deadline import Policies
from coordinator.domain.rulebook import Rulebook
from coordinator.domain.service_wallets import ServiceWallets
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.engine.wakeup import Watcher
from holdfast.protocol.jwk import PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """The wired services and limits of one web process.

    Attributes:
        origin: The configured origin: `aud` of every token and the start of every `htu`.
        signing_key: The coordinator's own; its public half is in the JWK set.
        wake: Called after every commit; wakes the workers and the long polls.
    """

    origin: str
    database: Database
    vault: Vault
    clock: Clock
    chains: Chains
    policies: Policies
    service_wallets: ServiceWallets
    signing_key: PrivateKey
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

    @property
    def rulebook(self) -> Rulebook:
        """The rules that commands are decided by."""
        return Rulebook(self.policies, self.chains)


def current_context() -> AppContext:
    """Return the context of the app that serves the current request."""
    return cast("AppContext", current_app.extensions["holdfast"])
