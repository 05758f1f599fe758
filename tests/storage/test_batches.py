"""Long lists of ids go to the database in statements that it can take."""

from coordinator.storage.engine.batches import IDS_IN_STATEMENT, batches
from coordinator.storage.engine.database import Database
from coordinator.storage.requests.incidents import withdrawn_places


def test_every_id_comes_once_in_order_and_no_batch_is_too_long() -> None:
    ids = list(range(2 * IDS_IN_STATEMENT + 1))
    some = list(batches(ids))
    assert [len(batch) for batch in some] == [IDS_IN_STATEMENT, IDS_IN_STATEMENT, 1]
    assert [one for batch in some for one in batch] == ids
    assert list(batches([])) == []


def test_a_full_batch_is_not_too_deep_an_expression(database: Database) -> None:
    spans = [("frq_1", number, number) for number in range(2 * IDS_IN_STATEMENT)]
    with database.engine.connect() as connection:
        assert withdrawn_places(connection, spans) == set()
