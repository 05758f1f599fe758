"""Evidence bundles: a request, or how money came back, with everything that proves it."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from tempfile import SpooledTemporaryFile

from flask import Response

from coordinator.api.bundles.archive import BundleWriter
from coordinator.api.bundles.contents import (
    Case,
    finish_bundle,
    open_case,
    write_what_is_read,
)
from coordinator.api.bundles.restoring import open_recovery_case, open_restitution_case
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
    return _bundle(reader, partial(open_case, reader, request_id))


@of_type(CONTENT_TYPE)
@query_view(answer=bytes, needs=Permission.FREEZE_REQUEST_READ)
def read_restitution_bundle(reader: Reader, restitution_id: str) -> Later:
    """Export a restitution with everything that proves it: one ZIP, to be verified offline.

    For its opener every act from the document on, with pool, claims, allocations and payouts, which
    verifying adds up and shares out anew. Who files claims gets the document, and the acts on its
    own claims. As a request's, but without a summary.
    """
    return _bundle(reader, partial(open_restitution_case, reader, restitution_id))


@of_type(CONTENT_TYPE)
@query_view(
    answer=bytes,
    needs=Permission.RECOVERY_READ,
    not_found="There is no such recovery request, or none that you may see.",
)
def read_recovery_bundle(reader: Reader, recovery_id: str) -> Later:
    """Export a recovery request with everything that proves it: one ZIP, to be verified offline.

    For its two sides: every act on it, and its deposits as those left them. As a request's, but
    without a summary.
    """
    return _bundle(reader, partial(open_recovery_case, reader, recovery_id))


def _bundle(reader: Reader, open_: Callable[[], Case]) -> Later:
    file = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - read once the connection is back
    into = BundleWriter(file)
    try:
        with one_moment(reader.connection):
            case = open_()
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
                case.request_id,
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
        name = f"{case.request_id}.evidence.zip"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        response.headers["Cache-Control"] = "private, no-store"
        return response

    return Later(hand_out)
