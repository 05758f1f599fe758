"""What the tail of a commit does to the log: one tree, one checkpoint, a proof of every leaf."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import UnavailableError
from coordinator.services.core.unit_of_work import CommandContext, Recorded, UnitOfWork, transaction
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tables.transparency_log import LogHeadRow, LogLeafRow
from coordinator.storage.tail import transparency_log as log_store
from coordinator.transparency_log.high_water import HighWaterFile
from coordinator.transparency_log.leaf import SKIPPED
from coordinator.transparency_log.proofs import consistency_proof, proof_of
from coordinator.transparency_log.signer import SignerError, Tree
from coordinator.transparency_log.signing_process import CountingSigner
from holdfast.evidence.log_inclusion import prove_log_entry, prove_logged_event
from holdfast.protocol.checkpoint import Checkpoint, open_checkpoint
from holdfast.protocol.log_entry import decode_entry
from holdfast.protocol.log_proof import parse_log_proof
from holdfast.protocol.merkle_tree import EMPTY_ROOT, check_consistency, leaf_hash
from tests.naive_tree import naive_root
from tests.rulebook import LOG_KEY, LOG_SIGNER, command_context

SECOND = timedelta(seconds=1)


@pytest.fixture
def context(database: Database, vault: Vault, clock: SteppedClock) -> CommandContext:
    return command_context(database, vault, clock)


def _happen(uow: UnitOfWork, count: int, audience: Sequence[str] = ()) -> list[Recorded]:
    key = uow.new_key()
    return [
        uow.record("endpoint.test", {"number": number}, key=key, audience=audience)
        for number in range(count)
    ]


def _commit(
    context: CommandContext, count: int = 1, audience: Sequence[str] = ()
) -> list[Recorded]:
    with transaction(context) as uow:
        recorded = _happen(uow, count, audience)
        uow.finish()
    return recorded


def _roll_back(context: CommandContext, count: int) -> None:
    """Have a transaction come to nothing after its tree was signed, as if its commit failed."""
    with transaction(context) as uow:
        _happen(uow, count)
        uow.finish()
        raise ZeroDivisionError


def _entries(database: Database) -> list[bytes]:
    with database.engine.connect() as connection:
        return log_store.entries(connection, 0, log_store.tree_size(connection))


def _checkpoints(database: Database) -> list[Checkpoint]:
    query = select(LogLeafRow.checkpoint).where(LogLeafRow.checkpoint.is_not(None))
    with database.engine.connect() as connection:
        notes = connection.execute(query.order_by(LogLeafRow.index)).scalars().all()
    return [open_checkpoint(bytes(note or b""), LOG_SIGNER.verifier) for note in notes]


def test_every_leaf_of_a_commit_is_proven_under_its_one_checkpoint(
    context: CommandContext, database: Database
) -> None:
    before = len(_entries(database))
    recorded = _commit(context, 5, ["exchange-a.example"])
    for item in recorded:
        logged = prove_log_entry(item.log_entry(), LOG_SIGNER.verifier)
        assert logged.index == item.leaf_index
        assert logged.checkpoint.size == before + 5
        assert prove_logged_event(item.body(), LOG_SIGNER.verifier) == logged
    assert [each.size for each in _checkpoints(database)][-1] == before + 5


def test_what_is_read_later_is_the_proof_that_was_handed_out(
    context: CommandContext, database: Database
) -> None:
    [first] = _commit(context)
    _commit(context, 3)
    with database.engine.connect() as connection:
        assert proof_of(connection, first.leaf_index) == first.log_entry()["proof"]


def test_each_checkpoint_continues_the_one_before(
    context: CommandContext, database: Database
) -> None:
    for count in (1, 4, 2, 7):
        _commit(context, count)
    leaves = [leaf_hash(entry) for entry in _entries(database)]
    checkpoints = _checkpoints(database)
    last = checkpoints[-1]
    assert last.size == len(leaves)
    with database.engine.connect() as connection:
        for each in checkpoints:
            assert each.root == naive_root(leaves[: each.size])
            proof = consistency_proof(connection, each.size, last.size)
            check_consistency(each.size, last.size, each.root, last.root, proof)


def test_commits_at_the_same_time_make_one_tree(
    context: CommandContext, database: Database
) -> None:
    before = len(_entries(database))
    handed_out: list[Recorded] = []

    def commit() -> None:
        for _ in range(5):
            handed_out.extend(_commit(context, 2))

    threads = [threading.Thread(target=commit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    leaves = [leaf_hash(entry) for entry in _entries(database)]
    assert len(leaves) == before + 40
    for item in handed_out:
        logged = prove_log_entry(item.log_entry(), LOG_SIGNER.verifier)
        assert leaf_hash(logged.entry.encode()) == leaves[logged.index]
        assert logged.checkpoint.root == naive_root(leaves[: logged.checkpoint.size])


def test_an_entry_says_what_happened_when_and_no_more(
    context: CommandContext, database: Database, clock: SteppedClock
) -> None:
    [item] = _commit(context, 1, ["exchange-a.example"])
    encoded = _entries(database)[item.leaf_index]
    entry = decode_entry(encoded)
    assert (entry.type, entry.at) == ("endpoint.test", clock.now())
    assert len(entry.tags) == len(set(entry.tags)) == 4
    assert b"exchange" not in encoded


@pytest.mark.parametrize(("told", "tags"), [(0, 4), (4, 4), (5, 16), (17, 64)])
def test_how_many_were_told_shows_by_its_size_alone(
    context: CommandContext, told: int, tags: int
) -> None:
    [item] = _commit(context, 1, [f"exchange-{n}.example" for n in range(told)])
    assert item.leaf is not None
    assert len(item.leaf.tags) == tags * 16


def test_a_transaction_without_leaves_signs_nothing(
    context: CommandContext, database: Database
) -> None:
    before = _checkpoints(database)
    with transaction(context) as uow:
        uow.finish()
    assert _checkpoints(database) == before


class _Down:
    verifier = LOG_SIGNER.verifier

    def fault(self) -> str:
        return "it is down"

    def remembered(self) -> None:
        raise SignerError("it is down")

    def sign(self, tree: Tree, base: Tree) -> bytes:
        del tree, base
        raise SignerError("it is down")


def test_nothing_is_committed_that_cannot_be_signed(
    context: CommandContext, database: Database
) -> None:
    before = _entries(database)
    with pytest.raises(UnavailableError):
        _commit(replace(context, log_signer=_Down()))
    assert _entries(database) == before
    _commit(context)
    assert len(_entries(database)) == len(before) + 1


def _counting(tmp_path: Path) -> CountingSigner:
    origin = LOG_SIGNER.verifier.name
    return CountingSigner(origin, LOG_KEY, HighWaterFile(tmp_path / "signed.json", origin))


def test_after_a_rollback_the_log_goes_on_past_the_size_that_was_spent(
    context: CommandContext, database: Database, tmp_path: Path
) -> None:
    context = replace(context, log_signer=_counting(tmp_path))
    _commit(context)
    before = len(_entries(database))
    with pytest.raises(ZeroDivisionError):
        _roll_back(context, 3)
    assert len(_entries(database)) == before
    recorded = _commit(context)
    entries = _entries(database)
    # Sizes up to before + 3 are spent: the leaf, and three about nothing.
    assert [decode_entry(each).type for each in entries[before:]] == [
        "endpoint.test",
        *[SKIPPED] * 3,
    ]
    assert prove_log_entry(recorded[0].log_entry(), LOG_SIGNER.verifier).index == before
    with database.engine.connect() as connection:
        head = connection.execute(select(LogHeadRow.leaf_count, LogHeadRow.tree_size)).one()
    assert tuple(head) == (before + 4, before + 4)
    _commit(context)
    assert len(_entries(database)) == before + 5


def test_a_database_older_than_what_was_handed_out_gets_no_signature(
    context: CommandContext, database: Database, tmp_path: Path
) -> None:
    signer = _counting(tmp_path)
    size = len(_entries(database))
    committed = Tree(size + 5, b"5" * 32)
    signer.sign(committed, Tree(size, b"0" * 32))
    signer.sign(Tree(size + 6, b"6" * 32), committed)
    with pytest.raises(UnavailableError, match="older"):
        _commit(replace(context, log_signer=signer), 9)
    assert len(_entries(database)) == size


def test_a_log_far_ahead_is_not_filled_up(
    context: CommandContext, database: Database, tmp_path: Path
) -> None:
    signer = _counting(tmp_path)
    size = len(_entries(database))
    signer.sign(Tree(size + 5_000, b"5" * 32), Tree(0, EMPTY_ROOT))
    with pytest.raises(UnavailableError, match="older"):
        _commit(replace(context, log_signer=signer), 1)


def test_leaves_of_a_release_without_a_tree_are_taken_in_with_the_next_commit(
    context: CommandContext, database: Database, clock: SteppedClock
) -> None:
    before = len(_entries(database))
    with database.writing() as connection, connection.begin():
        for index in range(before, before + 3):
            leaf = {"leaf_id": bytes([index] * 16), "commitment": bytes([index] * 32)}
            row = insert(LogLeafRow).values(
                index=index, type="endpoint.test", at=clock.now(), **leaf
            )
            connection.execute(row)
        connection.exec_driver_sql("UPDATE log_head SET leaf_count = leaf_count + 3")
    with database.engine.connect() as connection:
        # Nobody signed them yet.
        assert proof_of(connection, before) is None
    [item] = _commit(context)
    assert item.leaf_index == before + 3
    entries = _entries(database)
    assert len(entries) == before + 4
    checkpoint = prove_log_entry(item.log_entry(), LOG_SIGNER.verifier).checkpoint
    assert checkpoint.root == naive_root([leaf_hash(entry) for entry in entries])
    with database.engine.connect() as connection:
        for index in range(before, before + 4):
            proof = parse_log_proof((proof_of(connection, index) or "").encode())
            assert proof.check(entries[index], LOG_SIGNER.verifier) == checkpoint


def test_at_most_one_checkpoint_a_second_is_published(
    context: CommandContext, database: Database, clock: SteppedClock
) -> None:
    def published() -> int:
        with database.engine.connect() as connection:
            return log_store.published_size(connection, clock.now())

    clock.step(SECOND)
    _commit(context)
    size = len(_entries(database))
    clock.step(SECOND)
    assert published() == size
    _commit(context)
    _commit(context)
    # Of this second none is shown yet, and what was shown before still is.
    assert published() == size
    clock.step(SECOND)
    assert published() == size + 2
    _commit(context)
    assert published() == size + 2
    # With nothing new it stays the newest.
    clock.step(SECOND * 600)
    assert published() == size + 3


def test_a_clock_that_is_behind_takes_no_checkpoint_back(
    context: CommandContext, database: Database, clock: SteppedClock
) -> None:
    clock.step(SECOND * 5)
    _commit(context)
    clock.step(-SECOND * 3)
    _commit(context)
    with database.engine.connect() as connection:
        now = clock.now() + SECOND * 3
        first = log_store.published_size(connection, now)
        later = log_store.published_size(connection, now + SECOND)
    assert first <= later == len(_entries(database))


def test_a_proof_names_the_tree_that_ends_with_its_commit(context: CommandContext) -> None:
    [item] = _commit(context)
    proof = parse_log_proof(item.log_entry()["proof"].encode())
    checkpoint = open_checkpoint(proof.checkpoint, LOG_SIGNER.verifier)
    assert checkpoint.size == item.leaf_index + 1
