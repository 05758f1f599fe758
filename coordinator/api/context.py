"""What views work with; `app.create_app` wires it once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import cast

from flask import current_app

from coordinator.api.auth import KeyRing
from coordinator.api.content_cache import ContentCache
from coordinator.api.outcomes import OutcomeWait
from coordinator.api.rate_limit import RateLimiter
from coordinator.domain.service_wallets import ServiceWallets
from coordinator.egress.timestamping import TimestampAuthority
from coordinator.services.core.unit_of_work import CommandContext
from coordinator.services.requests.flags import FlagCache
from coordinator.services.requests.read_log import ReadLog
from coordinator.services.requests.sealed_evidence import SealLimits
from coordinator.storage.engine.wakeup import Watcher
from coordinator.summary.document_key import DocumentKey
from holdfast.protocol.jwk import PrivateKey, PublicKey
from holdfast.protocol.log_policy import LogPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext(CommandContext):
    """The wired services and limits of one web process.

    Attributes:
        signing_key: The coordinator's own, for clearances.
        published_keys: The JWK set: its public half, that of a key which signs webhooks beside it,
            and those that signed in their time.
        document_key: Signs documents for people; its fingerprint is published.
        timestamps: Asked for timestamps of what is handed out as evidence; None: nobody is.
        proxies: Networks of the proxies in front, which say whom they were called by.
        check_issuer: Asks an OpenID provider what it says of itself; raises InvalidInputError.
        sends_mail: Whether people can be paged by mail.
        log_policy: Which witnesses' cosignatures are taken, and how many are enough.
        log_policy_text: The same as the operator wrote it.
        is_sandbox: Whether a 401 says why.
        read_log: Takes who read what of which request.
        flags: What this process remembers of partners' flags.
        wake: Called after every commit; wakes the workers and the long polls.
    """

    is_sandbox: bool
    log_policy: LogPolicy
    log_policy_text: bytes
    service_wallets: ServiceWallets
    signing_key: PrivateKey
    published_keys: Sequence[PublicKey]
    document_key: DocumentKey
    timestamps: TimestampAuthority | None
    read_log: ReadLog
    wake: Callable[[], None]
    check_endpoint: Callable[[str], None]
    check_issuer: Callable[[str], None]
    sends_mail: bool
    outcome_wait: OutcomeWait
    limiter: RateLimiter
    proxies: Sequence[IPv4Network | IPv6Network]
    key_ring: KeyRing
    yearly_summaries: ContentCache
    watcher: Watcher
    body_limit_bytes: int
    document_limit_bytes: int
    seal_limits: SealLimits
    page_size: int
    page_size_limit: int
    flags: FlagCache = field(default_factory=FlagCache, repr=False, compare=False)
    health_checks: Sequence[Callable[[], str | None]] = ()


def current_context() -> AppContext:
    """Return the context of the app that serves the current request."""
    return cast("AppContext", current_app.extensions["holdfast"])
