"""What proves that a request was asked and approved, in one look: notices are sent with it."""

from typing import Any

from sqlalchemy import Connection, and_, bindparam, or_, select

from coordinator.storage.prebuilt import Prebuilt
from coordinator.storage.tables.documents import DocumentKeyRow, DocumentRow
from coordinator.storage.tables.freeze_requests import ActRow
from coordinator.storage.tables.partners import PartnerKeyRow

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
    .limit(100)
)


def of_request(connection: Connection, request_id: str) -> list[Any]:
    """Return (id, kind, kid, jwk, sealed, key_id, wrapped) of the submission and its approvals.

    `sealed` is the document `evidence`; None where it is erased, or not stored yet.
    """
    return _PROOFS.rows(connection, request_id=request_id)
