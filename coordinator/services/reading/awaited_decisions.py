"""The one list of all that waits for a security lead's decision on freeze requests."""

from collections import defaultdict
from collections.abc import Sequence

from coordinator.services.core.read_context import ReadContext
from coordinator.services.requests.freeze_request_views import (
    AwaitedAddition,
    AwaitedWithdrawal,
    FreezeRequestSummary,
    summaries,
)
from coordinator.services.requests.task_views import task_view
from coordinator.storage.reading import awaited_decisions as store
from coordinator.storage.requests.freeze_requests import ListedRequest
from coordinator.storage.requests.tasks import taken
from holdfast.protocol.payloads import format_time
from holdfast.protocol.tasks import Task, TaskKind


def awaited(read: ReadContext, ids: Sequence[str]) -> list[FreezeRequestSummary]:
    """Return requests with what the actor has to decide on each.

    In the same few queries however many there are.
    """
    connection, actor, policies = read.connection, read.actor, read.policies
    rows = store.rows(connection, ids, actor.viewer)
    themselves = store.undecided(connection, ids, actor.person, read.now)
    additions: dict[str, list[AwaitedAddition]] = defaultdict(list)
    proposed_after = read.now - policies.approve_within
    proposed = store.additions(connection, ids, actor.person, proposed_after)
    to_withdraw = store.withdrawals(connection, ids, actor.person, read.now)
    tasks = {row.id: _task(row) for row in rows}
    tasks |= {a.id: Task(TaskKind.DECIDE_ADDITION, a.request_id, a.id) for a in proposed}
    tasks |= {w.id: Task(TaskKind.DECIDE_WITHDRAWAL, w.request_id, w.id) for w in to_withdraw}
    known = taken(connection, {task.id: actor.partner for task in tasks.values()})
    for addition in proposed:
        additions[addition.request_id].append(
            {
                "id": addition.id,
                "context_sha256": addition.context_sha256,
                "partner_count": addition.partner_count,
                "proposed_by": addition.proposed_by_person,
                "proposed_at": format_time(addition.proposed_at),
                "decide_by": format_time(addition.proposed_at + policies.approve_within),
                "task": task_view(tasks[addition.id], known, actor.partner),
            }
        )
    withdrawals: dict[str, list[AwaitedWithdrawal]] = defaultdict(list)
    for proposal in to_withdraw:
        withdrawals[proposal.request_id].append(
            {
                "id": proposal.id,
                "dispute": proposal.dispute_id,
                "proposed_by": proposal.proposed_by_person,
                "proposed_at": format_time(proposal.proposed_at),
                "decide_by": format_time(proposal.void_at),
                "task": task_view(tasks[proposal.id], known, actor.partner),
            }
        )
    views = summaries(connection, read.vault, rows)
    for view, row in zip(views, rows, strict=True):
        until = row.unratified_until or (row.ratify_by if row.provisional else row.approve_by)
        is_awaited = row.id in themselves and until is not None
        view["decide_by"] = format_time(until) if is_awaited else None
        view["task"] = task_view(tasks[row.id], known, actor.partner) if is_awaited else None
        view["additions"] = additions[row.id]
        view["withdrawals"] = withdrawals[row.id]
    return views


def _task(row: ListedRequest) -> Task:
    is_out = row.provisional or row.unratified_until is not None
    return Task(TaskKind.RATIFY if is_out else TaskKind.APPROVE, row.id)
