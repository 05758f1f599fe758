"""What is sent for a claimed head: the stored bytes, the URL and the secrets, with small caches.

One event often goes to many endpoints, and one endpoint gets many events, so both are kept open for
a while: bodies by event id, endpoints by their version, which grows with every change.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from coordinator.domain.delivery import NAMED_GAPS
from coordinator.storage.delivery import lanes
from coordinator.storage.delivery.lanes import Head
from coordinator.storage.delivery.webhook_endpoints import EndpointDocument, documents_with_keys
from coordinator.storage.engine.documents import (
    DocumentKey,
    UnreadableDocumentError,
    Vault,
    load,
)
from holdfast.protocol import canonical_json

_BODIES_KEPT = 256
_ENDPOINTS_KEPT = 4096
T = TypeVar("T")
_START = b'{"data":{'


@dataclass(frozen=True, slots=True)
class Parcel:
    """A head with what is sent for it."""

    head: Head
    endpoint: EndpointDocument
    body: bytes = field(repr=False)
    key: DocumentKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unsendable:
    """A head for which there is nothing to send, and whether that is for good."""

    head: Head
    is_erased: bool


def name_lost(body: bytes, lost: Sequence[str]) -> bytes:
    """Return `body` with `previous_undelivered` as the first member of its `data`.

    Everything else stays byte for byte; whoever checks the leaf's commitment leaves out this member
    and `log`.
    """
    if not lost or not body.startswith(_START):
        return body
    named = canonical_json.dumps(list(lost))
    return _START + b'"previous_undelivered":' + named + b"," + body[len(_START) :]


class Parcels:
    """Opens bodies and endpoints of claimed heads; for one thread."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._bodies: OrderedDict[str, bytes] = OrderedDict()
        self._endpoints: OrderedDict[str, tuple[int, EndpointDocument, DocumentKey]] = OrderedDict()

    def is_at_hand(self, heads: Sequence[Head]) -> bool:
        """Tell whether `pack` can do without the database."""
        return all(self._has(head) and not head.gaps for head in heads)

    def pack(
        self, connection: Connection | None, heads: Sequence[Head]
    ) -> list[Parcel | Unsendable]:
        """Return a parcel for every head; whatever is not cached is read in one go.

        Args:
            connection: May be None where `is_at_hand`.
            heads: As claimed.
        """
        unreadable: set[str] = set()
        if connection is not None:
            unreadable = self._fetch(connection, heads)
        parcels: list[Parcel | Unsendable] = []
        for head in heads:
            body = self._bodies.get(head.event_id)
            version, endpoint, key = self._endpoints.get(head.endpoint_id, (0, None, None))
            if body is None or not endpoint or not key or version != head.endpoint_version:
                is_broken = head.event_id in unreadable or head.endpoint_id in unreadable
                parcels.append(Unsendable(head, is_erased=not is_broken))
                continue
            if head.gaps and connection is not None:
                body = name_lost(body, lanes.lost_before(connection, head, NAMED_GAPS))
            parcels.append(Parcel(head, endpoint, body, key))
        _cut(self._bodies, _BODIES_KEPT)
        _cut(self._endpoints, _ENDPOINTS_KEPT)
        return parcels

    def _has(self, head: Head) -> bool:
        version = self._endpoints.get(head.endpoint_id, (None,))[0]
        return head.event_id in self._bodies and version == head.endpoint_version

    def _fetch(self, connection: Connection, heads: Sequence[Head]) -> set[str]:
        """Keep what is missing of `heads`; returns whose documents cannot be opened."""
        events = sorted({h.event_id for h in heads if h.event_id not in self._bodies})
        versions = {
            h.endpoint_id: h.endpoint_version
            for h in heads
            if self._endpoints.get(h.endpoint_id, (None,))[0] != h.endpoint_version
        }
        bodies, broken_bodies = _each(
            events, lambda ids: load(connection, self._vault, ids, "body")
        )
        self._bodies |= bodies
        found, broken = _each(
            sorted(versions), lambda ids: documents_with_keys(connection, self._vault, ids)
        )
        self._endpoints |= {id_: (versions[id_], *opened) for id_, opened in found.items()}
        return broken_bodies | broken


def _each(
    ids: Sequence[str], read: Callable[[Sequence[str]], dict[str, T]]
) -> tuple[dict[str, T], set[str]]:
    """Read many documents at once; where one is bad, one by one, so that it holds up no other."""
    if not ids:
        return {}, set()
    try:
        return read(ids), set()
    except UnreadableDocumentError:
        if len(ids) == 1:
            return {}, set(ids)
    found: dict[str, T] = {}
    broken: set[str] = set()
    for id_ in ids:
        one, bad = _each([id_], read)
        found |= one
        broken |= bad
    return found, broken


def _cut(kept: "OrderedDict[str, T]", most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
