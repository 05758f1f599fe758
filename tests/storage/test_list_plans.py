"""Lists are read along an index that fits, however much somebody else has stored."""

import pytest
from sqlalchemy import Select

from coordinator.storage.engine.database import Database
from coordinator.storage.requests.freeze_requests import listed
from coordinator.storage.tables.freeze_requests import LegRow


def test_whether_words_are_told_is_looked_for_among_the_incidents_own_requests(
    database: Database,
) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL chooses by what is stored")
    query: Select[str] = listed("a.example", LegRow.status).where(LegRow.partner == "a.example")
    text = query.compile(database.engine, compile_kwargs={"literal_binds": True})
    with database.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
    steps = [detail for *_, detail in plan]
    (openers,) = (step for step in steps if "freeze_request_1" in step)
    assert "(incident_id=?)" in openers, steps
