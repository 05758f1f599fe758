"""Which evidence bundles of a request were handed out."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from coordinator.storage.engine.reads import read
from coordinator.storage.tables.exports import BundleExportRow


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
    connection.execute(insert(BundleExportRow).values(new._asdict()))


def of_request(connection: Connection, request_id: str) -> list[BundleExportRow]:
    """Return a request's, oldest first."""
    query = select(BundleExportRow).where(BundleExportRow.request_id == request_id)
    return read(connection, query.order_by(BundleExportRow.id))
