"""A sealed document opens at its own place, with its own key, unaltered, and not otherwise."""

import pytest

from coordinator.storage.engine.documents import UnreadableDocumentError, Vault

VAULT = Vault(b"w" * 32, b"i" * 32)


@pytest.mark.parametrize(("owner", "name"), [("frq_2", "body"), ("frq_1", "token")])
def test_a_document_that_was_moved_does_not_open(owner: str, name: str) -> None:
    key, _ = VAULT.new_key()
    sealed = key.seal("frq_1", "body", b"content")
    assert key.open("frq_1", "body", sealed) == b"content"
    with pytest.raises(UnreadableDocumentError):
        key.open(owner, name, sealed)


def test_a_document_that_was_altered_does_not_open() -> None:
    key, _ = VAULT.new_key()
    sealed = key.seal("frq_1", "body", b"content")
    for place in (0, 12, len(sealed) - 1):
        altered = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(UnreadableDocumentError):
            key.open("frq_1", "body", altered)


def test_a_data_key_opens_under_its_own_id_and_the_same_wrapping_key_alone() -> None:
    key, wrapped = VAULT.new_key()
    assert VAULT.unwrap(key.id, wrapped) == key
    other, _ = VAULT.new_key()
    with pytest.raises(UnreadableDocumentError):
        VAULT.unwrap(other.id, wrapped)
    with pytest.raises(UnreadableDocumentError):
        Vault(b"x" * 32, b"i" * 32).unwrap(key.id, wrapped)
