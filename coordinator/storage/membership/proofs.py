"""What proves that a request was asked and approved, in one look: notices are sent with it."""

from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, or_, select

from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.tables.documents import DocumentKeyRow, DocumentRow
from coordinator.storage.tables.freeze_requests import ActRow
from coordinator.storage.tables.partners import PartnerKeyRow
from holdfast.protocol.strict_json import JsonObject


class Proof(NamedTuple):
    """An act with what proves it, sealed, and the key that it was signed with.

    Attributes:
        sealed: The document `evidence`; None where it is erased, or not stored yet.
    """

    id: str
    kind: str
    kid: str | None
    jwk: JsonObject | None
    sealed: bytes | None
    key_id: str | None
    wrapped: bytes | None


_PROOFS = Prebuilt(
    select(
        ActRow.id,
        ActRow.kind,
        ActRow.kid,
        PartnerKeyRow.jwk,
        DocumentRow.sealed,
        DocumentRow.key_id,
        DocumentKeyRow.wrapped,
    )
    .outerjoin(PartnerKeyRow, PartnerKeyRow.kid == ActRow.kid)
    .outerjoin(DocumentRow, and_(DocumentRow.owner_id == ActRow.id, DocumentRow.name == "evidence"))
    .outerjoin(DocumentKeyRow, DocumentKeyRow.id == DocumentRow.key_id)
    .where(
        ActRow.request_id == bindparam("request_id"),
        or_(ActRow.kind == "submit", ActRow.kind == "approve"),
    )
    .order_by(ActRow.id)
    .limit(100),
    Proof,
)


def of_request(connection: Connection, request_id: str) -> list[Proof]:
    """Return the proofs of a request's submission and its approvals."""
    return _PROOFS.rows(connection, request_id=request_id)
