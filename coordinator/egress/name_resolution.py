"""Resolving names under a deadline, at most once per host and period.

`getaddrinfo` cannot be interrupted, and whoever runs a name server decides how long it takes. So
each look-up has a daemon thread of its own, its callers wait only as long as they may, and one
host never has two look-ups under way: slow name servers hold threads here, not the senders.
"""

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from coordinator.domain.delivery import HOST_UNUSABLE
from coordinator.egress.address_guard import (
    PRIVATE_CURE,
    BlockedTargetError,
    EndpointPolicy,
    ResolvedTarget,
    Resolver,
    Target,
    UnresolvedTargetError,
    check_url,
    resolve,
    resolve_by_system,
)

_log = structlog.get_logger(__name__)
#: Faults of a URL whose host is public: anybody can look that up.
_OF_THE_URL = frozenset({"https_required", "port_not_allowed"})
_Key = tuple[str, str, int]


@dataclass(slots=True)
class _Lookup:
    """One look-up under way and whatever came of it."""

    done: threading.Event = field(default_factory=threading.Event)
    outcome: ResolvedTarget | BlockedTargetError | UnresolvedTargetError | None = None


class CheckedResolver:
    """Answers with checked addresses only, remembered for a while.

    Args:
        policy: What the operator allows; applied to every resolution.
        resolver: Host and port to textual addresses.
        keep: How long an answer is used before the name is resolved and checked again.
        max_lookups: Look-ups under way at once; beyond it callers get "dns_timeout".
        max_kept: Hosts remembered.
    """

    def __init__(
        self,
        policy: EndpointPolicy,
        *,
        resolver: Resolver = resolve_by_system,
        keep: timedelta = timedelta(seconds=30),
        max_lookups: int = 64,
        max_kept: int = 4096,
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._keep_seconds = keep.total_seconds()
        self._max_lookups = max_lookups
        self._max_kept = max_kept
        self._lock = threading.Lock()
        self._kept: dict[_Key, tuple[float, ResolvedTarget]] = {}
        self._under_way: dict[_Key, _Lookup] = {}

    def check_offered(self, url: str, *, within: timedelta) -> ResolvedTarget:
        """Check a URL that a partner offers, waiting no longer than `within` for its name servers.

        A refusal tells the partner nothing of names inside our network. What is wrong with the URL
        itself is said. Of its host only that webhooks cannot go there: in the same words, by the
        same way through the code, whether nobody knows the name, nobody answers in time, or it
        stands for an address that is not public.

        Raises:
            BlockedTargetError: If webhooks may not, or cannot, go there.
        """
        target = check_url(url, self._policy)
        try:
            return self.resolve(target, until=time.monotonic() + within.total_seconds())
        except (BlockedTargetError, UnresolvedTargetError) as error:
            _log.info("endpoint_refused", reason=error.code)
            if error.code in _OF_THE_URL:
                raise
            raise BlockedTargetError(
                HOST_UNUSABLE,
                "the host has no public address that webhooks can go to; check the name and what "
                f"it resolves to in public DNS. {PRIVATE_CURE}",
            ) from None

    def resolve(self, target: Target, *, until: float) -> ResolvedTarget:
        """Return the checked addresses of `target`, waiting no longer than `until` (monotonic).

        Raises:
            BlockedTargetError: If any address is not allowed.
            UnresolvedTargetError: If there is none, or none in time.
        """
        key = (target.scheme, target.host, target.port)
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        if target.literal is not None:
            return resolve(target, self._policy)
        lookup = self._join_lookup(key, target)
        if not lookup.done.wait(max(0.0, until - time.monotonic())):
            raise UnresolvedTargetError("dns_timeout", f"{target.host} did not resolve in time")
        outcome = lookup.outcome
        if isinstance(outcome, ResolvedTarget):
            return outcome
        # A fresh one each: several senders may be waiting, and raising writes to the exception.
        if isinstance(outcome, BlockedTargetError):
            raise BlockedTargetError(outcome.code, outcome.message)
        if isinstance(outcome, UnresolvedTargetError):
            raise UnresolvedTargetError(outcome.code, outcome.message)
        raise UnresolvedTargetError("dns_failed", f"{target.host} does not resolve")

    def prefer(self, resolved: ResolvedTarget, address_no: int) -> None:
        """Put the address that answered first, so that the next connection starts with it."""
        target = resolved.target
        key = (target.scheme, target.host, target.port)
        addresses = resolved.addresses
        better = ResolvedTarget(
            target, (addresses[address_no], *addresses[:address_no], *addresses[address_no + 1 :])
        )
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[1] is resolved:
                self._kept[key] = (kept[0], better)

    def _join_lookup(self, key: _Key, target: Target) -> _Lookup:
        with self._lock:
            lookup = self._under_way.get(key)
            if lookup is not None:
                return lookup
            if len(self._under_way) >= self._max_lookups:
                raise UnresolvedTargetError("dns_timeout", "too many names are being resolved")
            lookup = self._under_way[key] = _Lookup()
        try:
            threading.Thread(
                target=self._look_up, args=(key, target, lookup), name="resolve-name", daemon=True
            ).start()
        except RuntimeError:  # the host gives no more threads
            with self._lock:
                self._under_way.pop(key, None)
            lookup.done.set()
        return lookup

    def _look_up(self, key: _Key, target: Target, lookup: _Lookup) -> None:
        try:
            lookup.outcome = resolve(target, self._policy, self._resolver)
        except (BlockedTargetError, UnresolvedTargetError) as error:
            lookup.outcome = error
        finally:
            with self._lock:
                self._under_way.pop(key, None)
                if isinstance(lookup.outcome, ResolvedTarget):
                    if len(self._kept) >= self._max_kept:
                        self._kept.clear()  # rare, and costs one look-up per host
                    self._kept[key] = (
                        time.monotonic() + self._keep_seconds,
                        lookup.outcome,
                    )
                else:
                    self._kept.pop(key, None)
            lookup.done.set()
