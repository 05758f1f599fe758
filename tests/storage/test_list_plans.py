"""Lists are read along an index that fits, however much somebody else has stored."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event

from coordinator.domain.actor import COORDINATOR
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.newest import NewestRequests
from coordinator.storage.reading import awaited_decisions
from coordinator.storage.reading.waiting_tasks import Wanted, _page, _values
from coordinator.storage.requests.freeze_requests import Box, listing
from holdfast.protocol.tasks import TaskKind
from tests.rulebook import RULEBOOK


@pytest.mark.parametrize("box", Box)
def test_whether_words_are_told_is_looked_for_among_the_incidents_own_requests(
    database: Database, box: Box
) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL chooses by what is stored")
    statement = listing(box, is_continued=False, of_status=False, of_incident=False)
    with database.engine.connect() as connection:
        form = statement.form(connection.dialect, 0)
        values = tuple(form.bound({"reader": "a.example", "person": "per_1", "size": 50}))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {form.sql}", values).all()
    steps = [detail for *_, detail in plan]
    (openers,) = (step for step in steps if "SEARCH freeze_request_1 " in step)
    assert "(incident_id=?)" in openers, steps


def test_what_waits_for_a_lead_is_not_looked_for_among_all_that_was_ever_sent(
    database: Database,
) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL chooses by what is stored")
    now = datetime(2026, 11, 21, tzinfo=UTC)
    lead = replace(COORDINATOR, partner="a.example", subject="per_1")
    asked: list[tuple[str, Any]] = []
    with database.engine.connect() as connection:

        @event.listens_for(connection, "before_cursor_execute")
        def note(_c: object, _cursor: object, text: str, values: Any, *_rest: object) -> None:
            asked.append((text, values))

        awaited_decisions.requests(
            connection, lead, NewestRequests(limit=50), now=now, proposed_after=now
        )
        plans = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()
            for text, values in list(asked)
            if text.startswith("SELECT")
        ]
    used = [step[-1] for plan in plans for step in plan if "SEARCH freeze_request " in step[-1]]
    assert len(used) == 6
    assert "ix_freeze_request_provisional" in used[1], used
    assert "ix_freeze_request_unratified" in used[2], used
    # The others look up, each by its id, the requests that proposals are about.
    assert all("id=?" in step for step in used[3:]), used


def test_what_waits_is_read_along_indexes_of_the_partners_own(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL chooses by what is stored")
    wanted = Wanted(
        partner="a.example",
        now=datetime(2026, 11, 21, tzinfo=UTC),
        policies=RULEBOOK.policies,
        kinds=frozenset(TaskKind),
        person="per_1",
    )
    statement = _page(frozenset(TaskKind), decides=True, behind=False)
    with database.engine.connect() as connection:
        form = statement.form(connection.dialect, 0)
        values = tuple(form.bound({**_values(wanted)._asdict(), "size": 50}))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {form.sql}", values).all()
    steps = [step[-1].split() for step in plan]
    # A branch is a co-routine, whose first search finds what waits; the rest are look-ups.
    found = [
        after[after.index("INDEX") + 1]
        for step, after in pairwise(steps)
        if step[0] == "CO-ROUTINE" and after[0] == "SEARCH"
    ]
    assert found == [
        "ix_freeze_request_to_approve",
        "ix_freeze_request_to_ratify",
        "ix_freeze_request_to_ratify_late",
        "ix_addition_waits",
        "ix_withdrawal_proposal_waits",
        "ix_info_request_waits",
        "ix_info_request_waits",  # asked before replies had a clock
        "ix_dispute_to_resolve",
        "ix_dispute_to_withdraw",
        "ix_leg_unreached_for",
        "ix_leg_to_acknowledge",
        "ix_leg_to_answer",
        "ix_leg_paused",
        "ix_leg_owed_since",
        "ix_leg_hold_ends_at",
        "ix_leg_account_review_at",
        "ix_hold_to_extend",
        "ix_dispute_open",
        "ix_return_request_requester",
        "ix_return_request_partner",
        "ix_return_request_partner",  # promised, and not sent yet
        "ix_return_request_requester",
        "ix_grant_proposal_waits",
        "ix_root_reset_effective_at",  # of all that wait, at most one a partner
        "ix_destination_waits",
        "ix_webhook_endpoint_partner",
    ]
