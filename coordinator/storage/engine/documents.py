"""Erasable bytes: sealed under a data key per request or partner, wrapped by a key kept outside.

AES-256-GCM with random 96-bit nonces (NIST SP 800-38D); the additional data binds a ciphertext to
its table, owner and column, so that it cannot be moved. Throwing a wrapped key away erases all that
it sealed. A blind index (HMAC-SHA-256, cut to 16 bytes) answers "is this account flagged?" without
telling the account.
"""

import hmac
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Integer, bindparam, delete, func, select, update

from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.prebuilt import Pending, Prebuilt
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.documents import DocumentKeyRow, DocumentRow
from holdfast.protocol.type_ids import new_id

_NONCE_BYTES = 12
_KEY_COLUMNS = ("id", "wrapped", "created_at")
_DOCUMENT_COLUMNS = ("owner_id", "name", "key_id", "sealed")


class Sealed(NamedTuple):
    """A sealed document with its data key, wrapped."""

    owner_id: str
    sealed: bytes
    key_id: str
    wrapped: bytes


class WrappedKey(NamedTuple):
    """A data key as it is stored."""

    id: str
    wrapped: bytes


_SEALED = select(
    DocumentRow.owner_id, DocumentRow.sealed, DocumentRow.key_id, DocumentKeyRow.wrapped
).join(DocumentKeyRow, DocumentKeyRow.id == DocumentRow.key_id)
_DOCUMENTS = Prebuilt(
    _SEALED.where(DocumentRow.name == bindparam("name")), Sealed, among=DocumentRow.owner_id
)
_KEYS = Prebuilt(
    select(DocumentKeyRow.id, DocumentKeyRow.wrapped), WrappedKey, among=DocumentKeyRow.id
)


_PAGE_OF_KEYS = (
    select(DocumentKeyRow.id, DocumentKeyRow.wrapped)
    .where(DocumentKeyRow.id > bindparam("last"))
    .order_by(DocumentKeyRow.id)
    .limit(bindparam("size", type_=Integer))
)


class UnreadableDocumentError(Exception):
    """A document was altered, moved, or sealed under another key-encryption key."""


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """One data key in the clear; never stored, never logged."""

    id: str
    secret: bytes

    def seal(self, owner_id: str, name: str, content: bytes) -> bytes:
        """Return nonce, ciphertext and tag of `content`, bound to its place."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.secret).encrypt(nonce, content, _place(owner_id, name))

    def open(self, owner_id: str, name: str, sealed: bytes) -> bytes:
        """Return the content.

        Raises:
            UnreadableDocumentError: If it was altered or moved.
        """
        try:
            return AESGCM(self.secret).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _place(owner_id, name)
            )
        except InvalidTag:
            raise UnreadableDocumentError(f"document {owner_id}/{name} cannot be opened") from None


def _place(owner_id: str, name: str) -> bytes:
    return f"document/{owner_id}/{name}".encode()


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """A document ready to be stored."""

    owner_id: str
    name: str
    key_id: str
    sealed: bytes


class Vault:
    """Wraps data keys, and makes blind indexes; holds the two keys that are not in the database.

    Args:
        wrapping_key: 32 bytes; AES-256-GCM over data keys, AAD `document_key/<id>`.
        index_key: 32 bytes; HMAC-SHA-256 over canonical account keys.
        old_wrapping_key: Opens data keys that were not wrapped anew yet; wraps none.
    """

    def __init__(
        self, wrapping_key: bytes, index_key: bytes, old_wrapping_key: bytes | None = None
    ) -> None:
        given = (wrapping_key, index_key, old_wrapping_key or wrapping_key)
        if any(len(key) != 32 for key in given):  # noqa: PLR2004
            raise ValueError("the vault's keys have 32 bytes each")
        self._wrapping = AESGCM(wrapping_key)
        self._old_wrapping = None if old_wrapping_key is None else AESGCM(old_wrapping_key)
        self._index_key = index_key

    def blind_index(self, account_key: str) -> bytes:
        """Return the 16 bytes that stand for a canonical account in the database."""
        return hmac.digest(self._index_key, account_key.encode(), sha256)[:16]

    def new_key(self) -> tuple[DocumentKey, bytes]:
        """Return a fresh data key and its wrapped form."""
        key = DocumentKey(new_id("key"), AESGCM.generate_key(256))
        return key, self.wrap(key)

    def wrap(self, key: DocumentKey) -> bytes:
        """Return a data key as it is stored."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, key.secret, _wrapped_for(key.id))

    def unwrap(self, key_id: str, wrapped: bytes) -> DocumentKey:
        """Return the data key.

        Raises:
            UnreadableDocumentError: If the key-encryption key is another one.
        """
        secret = _unwrapped(self._wrapping, key_id, wrapped)
        if secret is None and self._old_wrapping is not None:
            secret = _unwrapped(self._old_wrapping, key_id, wrapped)
        if secret is None:
            raise UnreadableDocumentError(
                f"data key {key_id} does not open with this coordinator's wrapping key"
            )
        return DocumentKey(key_id, secret)

    def is_wrapped_anew(self, key_id: str, wrapped: bytes) -> bool:
        """Tell whether a data key opens with the key that wraps, and needs no older one."""
        return _unwrapped(self._wrapping, key_id, wrapped) is not None


def _wrapped_for(key_id: str) -> bytes:
    return f"document_key/{key_id}".encode()


def _unwrapped(wrapping: AESGCM, key_id: str, wrapped: bytes) -> bytes | None:
    try:
        return wrapping.decrypt(
            wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _wrapped_for(key_id)
        )
    except InvalidTag:
        return None


def store_key(connection: Connection, key: DocumentKey, wrapped: bytes, at: datetime) -> None:
    """Store a fresh data key."""
    insert_rows(connection, DocumentKeyRow, _KEY_COLUMNS, [(key.id, wrapped, at)])


def pages_of_keys(connection: Connection, size: int) -> Iterator[list[WrappedKey]]:
    """Yield all data keys as they are stored, in pages; what is written meanwhile may be among.

    Those that were destroyed are left out.
    """
    last = ""
    while True:
        found = connection.execute(_PAGE_OF_KEYS, {"last": last, "size": size}).all()
        if not found:
            return
        keys = [WrappedKey(*row) for row in found]
        yield [key for key in keys if not is_destroyed(key.wrapped)]
        last = keys[-1].id


def wrap_anew(connection: Connection, vault: Vault, keys: Iterable[WrappedKey]) -> int:
    """Wrap those data keys anew that an older key opens; return how many that were.

    Raises:
        UnreadableDocumentError: If one opens with neither.
    """
    old = [key for key in keys if not vault.is_wrapped_anew(key.id, key.wrapped)]
    for key in old:
        wrapped = vault.wrap(vault.unwrap(key.id, key.wrapped))
        # One that was destroyed since it was read stays so.
        as_read = (DocumentKeyRow.id == key.id, DocumentKeyRow.wrapped == key.wrapped)
        connection.execute(update(DocumentKeyRow).where(*as_read).values(wrapped=wrapped))
    return len(old)


def load_keys(
    connection: Connection, vault: Vault, key_ids: Iterable[str]
) -> dict[str, DocumentKey]:
    """Return data keys by id; an erased one is absent."""
    wanted = sorted(set(key_ids))
    found: dict[str, DocumentKey] = {}
    for some in batches(wanted):
        for key_id, wrapped in _KEYS.rows(connection, among=some):
            if not is_destroyed(wrapped):
                found[key_id] = vault.unwrap(key_id, wrapped)
    return found


def destroy_key(connection: Connection, key_id: str) -> None:
    """Delete what a data key seals, and write zeros over the key where it lies.

    The row stays, and its length: SQLite then writes into the very bytes that held the key, and
    never moves the keys beside it, of which copies would stay behind.
    """
    connection.execute(delete(DocumentRow).where(DocumentRow.key_id == key_id))
    wrapped = connection.execute(
        select(DocumentKeyRow.wrapped).where(DocumentKeyRow.id == key_id).with_for_update()
    ).scalar_one()
    connection.execute(
        update(DocumentKeyRow)
        .where(DocumentKeyRow.id == key_id)
        .values(wrapped=bytes(len(wrapped)))
    )


#: What is left of a data key, as it is stored, once it was destroyed.
DESTROYED = bytes(_NONCE_BYTES + 32 + 16)


def is_destroyed(wrapped: bytes) -> bool:
    """Tell whether a stored data key was destroyed: nothing but zeros is left of it."""
    return not any(wrapped)


def store(connection: Connection, documents: Sequence[SealedDocument]) -> None:
    """Store sealed documents; each place is written once."""
    insert_rows(
        connection,
        DocumentRow,
        _DOCUMENT_COLUMNS,
        [(d.owner_id, d.name, d.key_id, d.sealed) for d in documents],
    )


def remove(connection: Connection, owner_id: str, name: str) -> None:
    """Delete one document, where there is one."""
    connection.execute(
        delete(DocumentRow).where(DocumentRow.owner_id == owner_id, DocumentRow.name == name)
    )


def load(
    connection: Connection, vault: Vault, owner_ids: Sequence[str], name: str
) -> dict[str, bytes]:
    """Return the contents of one column of many owners; absent and erased ones are left out."""
    return opened(read(send(connection, owner_ids, name)), vault, name, {})


def send(connection: Connection, owner_ids: Sequence[str], name: str) -> list[Pending[Sealed]]:
    """Send the queries for one document of each of many owners."""
    return [_DOCUMENTS.send(connection, among=some, name=name) for some in batches(owner_ids)]


def read(pending: Sequence[Pending[Sealed]]) -> list[Sealed]:
    """Read the answers of `send`."""
    return [row for part in pending for row in part.rows()]


def opened(
    rows: Iterable[Sealed], vault: Vault, name: str, keys: dict[str, DocumentKey]
) -> dict[str, bytes]:
    """Return the contents of sealed documents, by owner; adds to `keys` those that they took."""
    contents: dict[str, bytes] = {}
    for owner_id, sealed, key_id, wrapped in rows:
        key = keys.get(key_id) or keys.setdefault(key_id, vault.unwrap(key_id, wrapped))
        contents[owner_id] = key.open(owner_id, name, sealed)
    return contents


def load_one(connection: Connection, vault: Vault, owner_id: str, name: str) -> bytes | None:
    """Return one document's content, or None where there is none (any more)."""
    return load(connection, vault, [owner_id], name).get(owner_id)


def document_sizes(connection: Connection, owner_ids: Sequence[str], name: str) -> dict[str, int]:
    """Return how many bytes the sealed documents of many owners have."""
    sizes: dict[str, int] = {}
    for some in batches(owner_ids):
        query = select(DocumentRow.owner_id, func.length(DocumentRow.sealed)).where(
            DocumentRow.owner_id.in_(some), DocumentRow.name == name
        )
        sizes |= dict(connection.execute(query).all())
    return sizes
