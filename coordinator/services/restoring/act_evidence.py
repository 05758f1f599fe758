"""Acts on restitutions and recovery requests, each with what proves it."""

from collections.abc import Iterator, Sequence
from typing import TypedDict

from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import unpack_evidence
from coordinator.storage.engine.documents import load
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.restoring import evidence as store
from coordinator.storage.tables.partners import MemberActRow
from coordinator.storage.tables.restitutions import RestitutionRow
from holdfast.protocol.payloads import format_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import EvidenceKind

#: Acts whose bodies are in memory at once: one may be a file of ten thousand claims.
_AT_ONCE = 100


class ActEvidenceView(TypedDict):
    """One act with what proves it; lists of recovery requests say of which."""

    act: str
    act_id: str
    kind: EvidenceKind
    partner: str | None
    subject: str | None
    kid: str | None
    jwk: JsonObject | None
    token: str | None
    body: str | None
    at: str
    leaf_index: int | None


def act_evidence(read: ReadContext, rows: Sequence[MemberActRow]) -> list[ActEvidenceView]:
    """Return acts with what proves each, in two queries."""
    packed = load(read.connection, read.vault, [row.id for row in rows], "evidence")
    jwks = partner_store.jwks(read.connection, {row.kid for row in rows})
    return [_view(row, packed.get(row.id), jwks.get(row.kid)) for row in rows]


def restitution_evidence(
    read: ReadContext, restitution: RestitutionRow
) -> Iterator[ActEvidenceView]:
    """Yield the acts on a restitution that its reader may see, oldest first."""
    rows = store.acts(read.connection, restitution, read.actor.partner)
    for start in range(0, len(rows), _AT_ONCE):
        yield from act_evidence(read, rows[start : start + _AT_ONCE])


def _view(row: MemberActRow, packed: bytes | None, jwk: JsonObject | None) -> ActEvidenceView:
    token, body = (None, None) if packed is None else unpack_evidence(packed)
    return {
        "act": row.kind,
        "act_id": row.id,
        "kind": EvidenceKind(row.evidence_kind),
        "partner": row.partner,
        "subject": row.subject,
        "kid": row.kid,
        "jwk": jwk,
        "token": token,
        "body": None if body is None else body.decode(),
        "at": format_time(row.at),
        "leaf_index": row.leaf_index,
    }
