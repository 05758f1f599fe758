"""Entries have a tag for each partner that was told, made with its key of that moment."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from coordinator.domain.clock import SteppedClock
from coordinator.services.commands import execute
from coordinator.services.core.tag_keys import EVERYBODY, TagKeyCache, TagKeys
from coordinator.services.core.unit_of_work import (
    CommandContext,
    Recorded,
    UnitOfWork,
    transaction,
)
from coordinator.services.membership.tag_keys import SetTagKey
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import DocumentKey, Vault
from coordinator.storage.membership import tag_keys as store
from coordinator.storage.tables.documents import DocumentRow
from coordinator.storage.tables.partners import PartnerRow
from coordinator.storage.tail import transparency_log as log_store
from holdfast.protocol import base64url
from holdfast.protocol.log_entry import decode_entry
from holdfast.protocol.membership_payloads import NewTagKey
from holdfast.protocol.routing_tag import TagKey, entries_for, is_for, new_tag_key, routing_tag
from tests.factories import Cast, Exchange
from tests.rulebook import ANY_EVIDENCE, command_context

A, B, C = "exchange-a.example", "exchange-b.example", "exchange-c.example"


@pytest.fixture
def context(database: Database, vault: Vault, clock: SteppedClock) -> CommandContext:
    return command_context(database, vault, clock)


def _set(context: CommandContext, exchange: Exchange, key: bytes) -> TagKey:
    """Set a partner's tag key as its lead does."""
    body = NewTagKey(tag_key=base64url.encode(key))
    with transaction(context, ANY_EVIDENCE) as uow:
        answer = execute(SetTagKey(body=body), exchange.lead.actor, uow)
        uow.finish(answer)
    first = answer.body.get("first_leaf") if answer.entry is None else answer.entry.leaf_index
    assert isinstance(first, int)
    return TagKey(key, first)


def _set_and_roll_back(context: CommandContext, exchange: Exchange, body: NewTagKey) -> None:
    with transaction(context, ANY_EVIDENCE) as uow:
        uow.finish(execute(SetTagKey(body=body), exchange.lead.actor, uow))
        raise ZeroDivisionError


def _tell(uow: UnitOfWork, *audiences: Sequence[str]) -> list[Recorded]:
    key = uow.new_key()
    return [uow.record("leg.received", {}, key=key, audience=told) for told in audiences]


def _commit(context: CommandContext, *audiences: Sequence[str]) -> list[int]:
    with transaction(context) as uow:
        recorded = _tell(uow, *audiences)
        uow.finish()
    return [item.leaf_index for item in recorded]


def _found(database: Database, *keys: TagKey, since: int = 0) -> list[int]:
    with database.engine.connect() as connection:
        size = log_store.tree_size(connection)
        stored = log_store.entries(connection, since, size)
    entries = ((since + n, decode_entry(entry)) for n, entry in enumerate(stored))
    return [index for index, _ in entries_for(keys, entries)]


def test_whoever_is_told_finds_the_entry_and_nobody_else_does(
    context: CommandContext, database: Database, cast: Cast
) -> None:
    of_a, of_b = (_set(context, each, new_tag_key()) for each in (cast.a, cast.b))
    start = of_b.first_leaf or 0
    first, second, third = _commit(context, [A, B], [B, C], [C])
    [to_all] = _commit(context, [EVERYBODY])
    assert _found(database, of_a, since=start) == [first, to_all]
    assert _found(database, of_b, since=start) == [first, second, to_all]
    assert third not in _found(database, of_a, of_b)


def test_tags_are_filled_up_and_lie_in_an_order_that_tells_nothing(
    context: CommandContext, database: Database, cast: Cast
) -> None:
    _set(context, cast.a, new_tag_key())
    indexes = _commit(context, [A], [A, B, C, cast.d.handle, "e.example"], [])
    with database.engine.connect() as connection:
        entries = [
            decode_entry(log_store.entries(connection, index, index + 1)[0]) for index in indexes
        ]
    assert [len(entry.tags) for entry in entries] == [4, 16, 4]
    assert all(list(entry.tags) == sorted(set(entry.tags)) for entry in entries)


def test_a_sample_that_is_in_no_feed_has_nobodys_tag(
    context: CommandContext, database: Database, cast: Cast
) -> None:
    of_a = _set(context, cast.a, new_tag_key())
    with transaction(context) as uow:
        [sample] = _tell(uow, [A])
        sample.sample_of = "freeze_request.received"
        uow.finish()
    assert _found(database, of_a, since=sample.leaf_index) == []


@pytest.fixture
def elsewhere(context: CommandContext) -> CommandContext:
    """The same in another process, which remembers keys of its own."""
    return replace(context, tag_keys=TagKeyCache())


@pytest.mark.parametrize("whose", ["of this process", "of another process"])
def test_a_new_key_holds_from_the_entry_that_its_answer_names(
    context: CommandContext, elsewhere: CommandContext, database: Database, cast: Cast, whose: str
) -> None:
    old = _set(context, cast.a, new_tag_key())
    of_b = _set(context, cast.b, new_tag_key())
    [before] = _commit(context, [A, B])
    _commit(elsewhere, [A, B])
    new = _set(elsewhere if whose == "of another process" else context, cast.a, new_tag_key())
    after = _commit(context, [A], [B])
    later = _commit(context, [A, B])
    assert new.first_leaf == after[0] - 1
    assert set(_found(database, old, new, since=before)) >= {before, after[0], later[0]}
    assert _found(database, old, since=after[0]) == []
    assert _found(database, new, since=after[0]) == [after[0], later[0]]
    assert _found(database, of_b, since=after[0]) == [after[1], later[0]]


def test_a_key_that_changes_while_a_commit_waits_for_the_head_is_the_one_that_holds(
    context: CommandContext, elsewhere: CommandContext, database: Database, cast: Cast
) -> None:
    if database.is_sqlite:
        pytest.skip("one writer at a time: nothing changes between a commit's start and its end")
    old = _set(context, cast.a, new_tag_key())
    _commit(context, [A])
    new: list[TagKey] = []
    with transaction(context) as uow:
        [told] = _tell(uow, [A])
        lock = log_store.lock

        def late(*args: object, **numbers: int) -> log_store.Head:
            thread = threading.Thread(target=lambda: new.append(_set(elsewhere, cast.a, b"n" * 32)))
            thread.start()
            thread.join()
            return lock(*args, **numbers)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patched:
            # Only this transaction comes late; the one that sets the key has the head first.
            calls: Iterator[Callable[..., log_store.Head]] = iter([late, lock])

            def locks(*args: object, **numbers: int) -> log_store.Head:
                return next(calls)(*args, **numbers)

            patched.setattr(log_store, "lock", locks)
            uow.finish()
    assert told.leaf_index == (new[0].first_leaf or 0) + 1
    assert _found(database, old, *new, since=told.leaf_index) == [told.leaf_index]
    assert _found(database, *new, since=told.leaf_index) == [told.leaf_index]


def test_the_present_key_sent_again_is_answered_alike_and_logged_once(
    context: CommandContext, database: Database, cast: Cast
) -> None:
    key = new_tag_key()
    first = _set(context, cast.a, key)
    with database.engine.connect() as connection:
        size = log_store.tree_size(connection)
    assert _set(context, cast.a, key) == first
    with database.engine.connect() as connection:
        assert log_store.tree_size(connection) == size


def test_a_change_that_is_rolled_back_changes_no_tag(
    context: CommandContext, database: Database, cast: Cast
) -> None:
    old = _set(context, cast.a, new_tag_key())
    body = NewTagKey(tag_key=base64url.encode(new_tag_key()))
    with pytest.raises(ZeroDivisionError):
        _set_and_roll_back(context, cast.a, body)
    [index] = _commit(context, [A])
    assert index in _found(database, old)


def _many(context: CommandContext, count: int) -> list[str]:
    """Have many partners with tag keys."""
    handles = [f"m{number}.example" for number in range(count)]
    with transaction(context) as uow:
        for handle in handles:
            key = uow.new_key()
            values = {"handle": handle, "name": handle, "kind": "exchange", "status": "active"}
            uow.connection.execute(
                insert(PartnerRow).values(**values, document_key_id=key.id, invited_at=uow.now)
            )
            store.replace(uow.connection, f"tgk_{handle}", handle)
            uow.seal(key, f"tgk_{handle}", store.DOCUMENT, _key_of(handle))
        uow.finish()
    return handles


def _key_of(handle: str) -> bytes:
    return handle.encode().ljust(32, b".")


def test_a_commit_opens_each_key_once_and_the_next_reads_nothing(
    context: CommandContext, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    handles = _many(context, 1_000)
    opened: list[str] = []
    queries: list[int] = []
    unseal, send = DocumentKey.open, store.send

    def counted_open(key: DocumentKey, owner_id: str, name: str, sealed: bytes) -> bytes:
        opened.append(owner_id)
        return unseal(key, owner_id, name, sealed)

    def counted_send(connection: object, partners: object) -> object:
        sent = send(connection, partners)  # type: ignore[arg-type]
        queries.append(len(sent))
        return sent

    monkeypatch.setattr(DocumentKey, "open", counted_open)
    monkeypatch.setattr(store, "send", counted_send)
    monkeypatch.setattr(store, "changed_since", None)  # nothing changed: nobody asks
    told = [[handle] for handle in handles]
    indexes = _commit(context, *told)
    assert sorted(opened) == sorted(f"tgk_{handle}" for handle in handles)
    cold = sum(queries)
    assert cold <= 4
    _commit(context, *told, handles)
    assert (len(opened), sum(queries)) == (1_000, cold)
    with database.engine.connect() as connection:
        [entry] = log_store.entries(connection, indexes[17], indexes[17] + 1)
    assert is_for([TagKey(_key_of(handles[17]), 0)], indexes[17], decode_entry(entry))


def test_the_memory_of_keys_is_bounded(
    context: CommandContext, database: Database, vault: Vault
) -> None:
    handles = _many(context, 12)
    cache = TagKeyCache(most=5)
    with database.engine.connect() as connection:
        keys = TagKeys(cache, vault, connection, handles, {}).of(handles)
    assert keys == [_key_of(handle) for handle in handles]
    assert len(cache.found(handles)[1]) == 5


def test_keys_that_were_read_before_a_change_are_not_remembered_after_it() -> None:
    cache = TagKeyCache()
    cache.begin(3)
    as_of, _ = cache.found([A])
    cache.advance(3, 9, [A])
    cache.keep(as_of or 0, {A: b"old"})
    assert cache.found([A]) == (9, {})


def test_a_tag_key_is_stored_sealed(
    context: CommandContext, database: Database, cast: Cast
) -> None:
    key = new_tag_key()
    _set(context, cast.a, key)
    with database.engine.connect() as connection:
        stored = connection.execute(select(DocumentRow.sealed)).scalars().all()
        assert store.find(connection, A) is not None
    spelled = base64url.encode(key).encode()
    assert not [sealed for sealed in stored if key in bytes(sealed) or spelled in bytes(sealed)]


def test_an_entry_has_the_tag_that_the_protocol_names(
    context: CommandContext, database: Database, cast: Cast
) -> None:
    key = new_tag_key()
    _set(context, cast.a, key)
    [index] = _commit(context, [A])
    with database.engine.connect() as connection:
        entry = decode_entry(log_store.entries(connection, index, index + 1)[0])
    assert routing_tag(key, entry.leaf_id) in entry.tags
