"""Proving every sealed file as its recipients' kit would, without opening any.

What is sealed nobody here can read. But whose it is, to whom and under which keys, is signed, and
so is the hash of each part of the ciphertext: what is stored must be what was signed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, select

from coordinator.api import encryption_keys, sealed_evidence
from coordinator.api.context import AppContext
from coordinator.api.pipeline import read
from coordinator.operations.request_recount import UNREADABLE, StoredCases
from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from coordinator.storage.tables.sealed_evidence import SealedEvidenceRow
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.sealed_evidence import prove_encryption_key, prove_sealed
from holdfast.protocol import base64url
from holdfast.protocol.views import EncryptionKeyView, SealedEvidenceView, SealedPartView

_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class ExaminedFiles:
    """What came of looking through all sealed files and the keys that they are sealed to.

    Attributes:
        count: How many files there are, those of erased requests left out.
        keys: How many encryption keys.
        faults: One sentence for each that is not as it was signed.
    """

    count: int
    keys: int
    faults: list[str]


class _File(NamedTuple):
    """A sealed file, and the document of the request that it belongs to."""

    id: str
    request_id: str
    partner: str
    content_sha256: str


def examine_sealed(
    context: AppContext, connection: Connection, on_count: Callable[[int], None]
) -> ExaminedFiles:
    """Prove every sealed file of a request that is not erased, and every encryption key.

    Args:
        context: Of the coordinator.
        connection: Whose statements all see one moment.
        on_count: Called with how many files were looked through so far.
    """
    cases = StoredCases(context, connection)
    directory = KeyDirectory(cases, context.origin)
    faults: list[str] = []
    keys = count = 0
    for key in cases.every(EncryptionKeyView, encryption_keys.list_keys):
        keys += 1
        try:
            prove_encryption_key(directory, key)
        except UNREADABLE as error:
            faults.append(str(error))
    for row in _files(connection):
        cases.read_as(row.partner)
        try:
            _require_as_signed(cases, directory, row)
        except UNREADABLE as error:
            faults.append(f"{row.id} on {row.request_id}: {error}")
        count += 1
        on_count(count)
    return ExaminedFiles(count, keys, faults)


def _require_as_signed(cases: StoredCases, directory: KeyDirectory, row: _File) -> None:
    """Hold one file's row, recipients and parts against its acts.

    Raises:
        ValueError: If a part is another; and whatever `UNREADABLE` names.
    """
    reading = partial(read, cases.reader, request_id=row.request_id, sealed_evidence_id=row.id)
    shown = reading(sealed_evidence.read_one)
    proven = prove_sealed(
        directory,
        SealedEvidenceView.model_validate(shown),
        request_id=row.request_id,
        content_sha256=row.content_sha256,
    )
    whole = sha256()
    for number, signed in enumerate(proven.sealed.parts):
        part = reading(sealed_evidence.read_part, number=str(number))
        data = base64url.decode(SealedPartView.model_validate(part).data or "")
        if sha256(data).hexdigest() != signed:
            raise ValueError(f"part {number} is not the one that was signed")
        whole.update(data)
    if whole.hexdigest() != proven.sealed.sha256:
        raise ValueError("its parts do not make the ciphertext that was signed")


def _files(connection: Connection) -> Iterator[_File]:
    file = SealedEvidenceRow
    query = (
        select(file.id, file.request_id, file.partner, FreezeRequestRow.content_sha256)
        .join(FreezeRequestRow, FreezeRequestRow.id == file.request_id)
        .where(FreezeRequestRow.erased_at.is_(None))
        .order_by(file.id)
    )
    last = ""
    while rows := read_as(connection, _File, query.where(file.id > last).limit(_AT_A_TIME)):
        yield from rows
        last = rows[-1].id
