"""How cosignatures are stored, and which checkpoint they are collected for, on both databases."""

from datetime import timedelta

from coordinator.domain.clock import SteppedClock
from coordinator.services.core.unit_of_work import transaction
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tail import cosignatures as store
from coordinator.storage.tail import transparency_log as log_store
from coordinator.storage.tail.cosignatures import StoredCosignature
from coordinator.storage.tail.transparency_log import ROUND_SECONDS
from tests.factories import NOON
from tests.rulebook import command_context

ROUND = timedelta(seconds=ROUND_SECONDS)


def test_cosignatures_are_kept_by_witness_and_size(database: Database) -> None:
    rows = [StoredCosignature(by, size, 7, NOON, b"\0s") for by in "ab" for size in (3, 5)]
    newer = StoredCosignature("a", 5, 8, NOON, b"\1s")
    with database.transaction() as connection:
        for each in (*rows, newer):
            store.put(connection, each)
        store.drop(connection, "b", [3])
    with database.engine.connect() as connection:
        found = [
            each._replace(signature=bytes(each.signature)) for each in store.stored(connection)
        ]
        assert found == [newer, rows[3], rows[0]]
        assert store.time_of_leaf(connection, 10**6) is None


def test_one_checkpoint_is_held_out_for_a_round(
    database: Database, vault: Vault, clock: SteppedClock
) -> None:
    context = command_context(database, vault, clock)

    def commit() -> int:
        with transaction(context) as uow:
            uow.record("endpoint.test", {}, key=uow.new_key())
            uow.finish()
        with database.engine.connect() as connection:
            return log_store.tree_size(connection)

    def held_out() -> int:
        with database.engine.connect() as connection:
            return log_store.collected_size(connection, clock.now())

    clock.step(ROUND)
    before = commit() - 1
    assert held_out() == before
    commit()
    clock.step(ROUND - timedelta(seconds=1))
    last = commit()
    assert held_out() == before
    clock.step(timedelta(seconds=1))
    assert held_out() == last
    commit()
    assert held_out() == last
    clock.step(-ROUND)
    assert held_out() == last
