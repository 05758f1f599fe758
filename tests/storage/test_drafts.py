"""Drafts of the console: one person's own, and no change is lost."""

from datetime import timedelta

import pytest

from coordinator.storage.console import drafts as store
from coordinator.storage.console.drafts import Said, StoredDraft
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import DocumentKey, Vault, load_keys, load_one
from coordinator.storage.membership import partners as partner_store
from holdfast.protocol.type_ids import new_id
from tests.factories import NOON, Cast

FIRST, SECOND = Said(b"first", b"card"), Said(b"second", b"other card")


@pytest.fixture
def key(database: Database, vault: Vault, cast: Cast) -> DocumentKey:
    with database.transaction() as connection:
        partner = partner_store.partner(connection, cast.a.handle)
        assert partner is not None
        key_id = partner.document_key_id
        return load_keys(connection, vault, [key_id])[key_id]


@pytest.fixture
def draft(database: Database, key: DocumentKey, cast: Cast) -> StoredDraft:
    made = StoredDraft(
        new_id("drf"), cast.a.handle, cast.a.analyst.subject, NOON, NOON, submitted_as=None
    )
    with database.transaction() as connection:
        store.store(connection, made, key, FIRST)
    return made


def test_a_draft_is_found_by_its_person_alone(
    database: Database, draft: StoredDraft, cast: Cast
) -> None:
    with database.transaction() as connection:
        assert store.find(connection, draft.id, person=draft.person) == draft
        assert store.find(connection, draft.id, person=cast.a.lead.subject) is None
        assert store.of_person(connection, draft.person, limit=5) == [draft]
        assert store.of_person(connection, cast.a.lead.subject, limit=5) == []


def test_whoever_read_an_older_state_changes_nothing(
    database: Database, vault: Vault, key: DocumentKey, draft: StoredDraft
) -> None:
    with database.transaction() as connection:
        assert store.change(connection, draft, key, SECOND, at=NOON)
        assert not store.change(connection, draft, key, FIRST, at=NOON + timedelta(hours=1))
        now = store.find(connection, draft.id, person=draft.person)
        assert now is not None
        assert now.changed_at > draft.changed_at
        assert load_one(connection, vault, draft.id, store.CONTENT) == SECOND.content
        assert load_one(connection, vault, draft.id, store.CARD) == SECOND.card


def test_what_was_submitted_is_changed_no_more_and_listed_no_more(
    database: Database, key: DocumentKey, draft: StoredDraft
) -> None:
    with database.transaction() as connection:
        store.mark_submitted(connection, draft.id, "frq_1")
        assert not store.change(connection, draft, key, SECOND, at=NOON)
        assert store.of_person(connection, draft.person, limit=5) == []


def test_what_is_thrown_away_is_gone_with_its_text(
    database: Database, vault: Vault, draft: StoredDraft
) -> None:
    with database.transaction() as connection:
        store.remove(connection, draft.id)
        assert store.find(connection, draft.id, person=draft.person) is None
        assert load_one(connection, vault, draft.id, store.CONTENT) is None
