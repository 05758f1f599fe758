"""Which evidence bundles were handed out, of requests, restitutions and recovery requests."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from coordinator.storage.engine.reads import read
from coordinator.storage.tables.exports import BundleExportRow, RestoringExportRow

_OF_REQUESTS = "frq_"


class NewExport(NamedTuple):
    """A bundle that is to be handed out; the columns of its row."""

    id: str
    request_id: str
    partner: str
    subject: str
    at: datetime
    manifest_sha256: str


def insert_export(connection: Connection, new: NewExport) -> None:
    """Store one."""
    table = BundleExportRow if new.request_id.startswith(_OF_REQUESTS) else RestoringExportRow
    connection.execute(insert(table).values(new._asdict()))


def of_case(
    connection: Connection, request_id: str
) -> list[BundleExportRow] | list[RestoringExportRow]:
    """Return those of one request, restitution or recovery request, oldest first."""
    if request_id.startswith(_OF_REQUESTS):
        query = select(BundleExportRow).where(BundleExportRow.request_id == request_id)
        return read(connection, query.order_by(BundleExportRow.id))
    others = select(RestoringExportRow).where(RestoringExportRow.request_id == request_id)
    return read(connection, others.order_by(RestoringExportRow.id))
