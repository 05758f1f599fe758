"""A request with everything that proves it, as one file to hand on: its evidence bundle."""

from contextlib import closing
from tempfile import SpooledTemporaryFile

from flask import Response

from coordinator.api.bundles.archive import BundleWriter
from coordinator.api.bundles.contents import (
    finish_bundle,
    open_case,
    write_what_is_read,
)
from coordinator.api.pipeline import Reader
from coordinator.api.responses import Later
from coordinator.api.view import logged_as, of_type, query_view
from coordinator.domain.permission import Permission
from coordinator.storage.engine.database import one_moment
from coordinator.storage.requests.exports import NewExport, insert_export
from holdfast.protocol.bundle_layout import CONTENT_TYPE
from holdfast.protocol.type_ids import new_id

#: What is larger lies in a temporary file without a name while it is built.
_IN_MEMORY_BYTES = 32 << 20


@logged_as("bundle")
@of_type(CONTENT_TYPE)
@query_view(answer=bytes, needs=Permission.FREEZE_REQUEST_READ, while_suspended=True)
def read_bundle(reader: Reader, request_id: str) -> Later:
    """Export a request with everything that proves it: one ZIP, to be verified offline.

    Tokens and bodies of every act that you may see, keys and grants, the log's entries of the
    events that you were told with fresh proofs under one checkpoint, and what the request, its legs
    and its ledger look like to you. docs/evidence.md tells what is in it and how an outsider checks
    it. Each export is recorded, with who took it and the hash of its manifest, and the next bundle
    of the request says so. A summary for people is in it: one is written at a time, and who has to
    wait for that longer than a few seconds is answered 503 with `Retry-After`.
    """
    file = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - read once the connection is back
    into = BundleWriter(file)
    try:
        with one_moment(reader.connection):
            case = open_case(reader, request_id)
            write_what_is_read(case, into)
    except BaseException:
        into.close()
        file.close()
        raise
    actor = reader.actor
    database = reader.context.database

    def hand_out() -> Response:
        with file, closing(into):
            # The summary is set and the checkpoint stamped without a connection: either may wait.
            manifest_sha256 = finish_bundle(case, into)
            export = NewExport(
                new_id("exp"),
                request_id,
                actor.partner,
                actor.subject,
                case.made_at,
                manifest_sha256,
            )
            # Nothing leaves that is not recorded.
            with database.transaction() as connection:
                insert_export(connection, export)
            file.seek(0)
            response = Response(file.read(), content_type=CONTENT_TYPE)
        name = f"{request_id}.evidence.zip"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        response.headers["Cache-Control"] = "private, no-store"
        return response

    return Later(hand_out)
