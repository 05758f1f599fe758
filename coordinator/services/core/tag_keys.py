"""Partners' tag keys in the clear, as the tail needs them: read once per process.

A commit tags its leaves before it locks the head of the log, with keys that it remembers or reads.
Under the lock it compares one number of the head with the one that they were read by. Only where a
key changed in between are the changed ones read again there, and their leaves tagged anew: from the
leaf of the change on, the new key holds, whichever process appends.
"""

import threading
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from coordinator.storage.engine.documents import Vault
from coordinator.storage.engine.prebuilt import Pending
from coordinator.storage.membership import tag_keys as store
from holdfast.protocol.routing_tag import EVERYBODY_TAG_KEY

#: Goes to every member.
EVERYBODY = "*"
#: So many partners' keys are remembered; beyond, those that were read first are forgotten.
_MOST = 4_096


class TagKeyCache:
    """The keys that this process remembers, of partners without one, too; safe between threads.

    Args:
        most: So many at most.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._as_of: int | None = None
        self._keys: dict[str, bytes | None] = {}

    def found(self, partners: Collection[str]) -> tuple[int | None, dict[str, bytes | None]]:
        """Return what is remembered of `partners`, and as of which change of keys.

        Every change before that many leaves is in it. None: nothing was read yet.
        """
        with self._lock:
            known = {handle: self._keys[handle] for handle in partners if handle in self._keys}
            return self._as_of, known

    def begin(self, as_of: int) -> None:
        """Say as of which change keys are about to be read for the first time."""
        with self._lock:
            if self._as_of is None:
                self._as_of = as_of

    def keep(self, as_of: int, keys: Mapping[str, bytes | None]) -> None:
        """Remember keys that were read after `as_of`, unless another change is known by now."""
        with self._lock:
            if as_of != self._as_of:
                return
            self._keys |= keys
            for handle in list(self._keys)[: max(0, len(self._keys) - self._most)]:
                del self._keys[handle]

    def advance(self, since: int, to: int, changed: Collection[str]) -> None:
        """Forget the keys that changed from `since` leaves on up to `to`."""
        with self._lock:
            if self._as_of is None or not since <= self._as_of < to:
                return
            self._as_of = to
            for handle in changed:
                self._keys.pop(handle, None)


class TagKeys:
    """The keys of the partners that one transaction tells.

    Args:
        cache: Of the process.
        vault: Opens what is read.
        connection: Of the transaction.
        partners: Handles; `EVERYBODY` for all members.
        own: Keys that the transaction itself sets.
    """

    def __init__(
        self,
        cache: TagKeyCache,
        vault: Vault,
        connection: Connection,
        partners: Collection[str],
        own: Mapping[str, bytes],
    ) -> None:
        self._cache, self._vault, self._connection = cache, vault, connection
        self._own = {EVERYBODY: EVERYBODY_TAG_KEY, **own}
        self._wanted = frozenset(partners) - self._own.keys()
        as_of, self._known = cache.found(self._wanted)
        self._missing = self._wanted - self._known.keys()
        if as_of is None and self._missing:
            as_of = store.changed_at(connection)
            cache.begin(as_of)
        self._as_of = as_of or 0
        self._pending: Sequence[Pending[store.SealedTagKey]] = store.send(connection, self._missing)

    def of(self, partners: Sequence[str]) -> list[bytes | None]:
        """Return the keys of some of them, in order; None for one that has none."""
        if self._missing:
            self._known |= self._take(self._missing, self._pending)
            self._missing = frozenset()
        return [
            self._own[handle] if handle in self._own else self._known[handle] for handle in partners
        ]

    def renewed(self, changed_at: int) -> frozenset[str]:
        """Read those again that changed since they were read; return whose they are.

        Args:
            changed_at: How many leaves there were at the last change, as the locked head says.
        """
        if not self._wanted or changed_at <= self._as_of:
            return frozenset()
        changed = store.changed_since(self._connection, self._as_of)
        self._cache.advance(self._as_of, changed_at, changed)
        self._as_of = changed_at
        stale = self._wanted & set(changed)
        self._known |= self._take(stale, store.send(self._connection, stale))
        return frozenset(stale)

    def _take(
        self, partners: Collection[str], pending: Sequence[Pending[store.SealedTagKey]]
    ) -> dict[str, bytes | None]:
        found = store.read(pending, self._vault)
        keys = {handle: found.get(handle) for handle in partners}
        self._cache.keep(self._as_of, keys)
        return keys
