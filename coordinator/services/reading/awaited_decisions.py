"""The one list of all that waits for a security lead's decision on freeze requests."""

from collections import defaultdict
from collections.abc import Sequence

from coordinator.services.core.read_context import ReadContext
from coordinator.services.requests.freeze_request_views import (
    AwaitedAddition,
    FreezeRequestSummary,
    summaries,
)
from coordinator.storage.reading import awaited_decisions as store
from holdfast.protocol.payloads import format_time


def awaited(read: ReadContext, ids: Sequence[str]) -> list[FreezeRequestSummary]:
    """Return requests with what the actor has to decide on each.

    In the same few queries however many there are.
    """
    connection, actor, policies = read.connection, read.actor, read.policies
    rows = store.rows(connection, ids, actor.partner)
    themselves = store.undecided(connection, ids, actor.person, read.now)
    additions: dict[str, list[AwaitedAddition]] = defaultdict(list)
    proposed_after = read.now - policies.approve_within
    for addition in store.additions(connection, ids, actor.person, proposed_after):
        additions[addition.request_id].append(
            {
                "id": addition.id,
                "context_sha256": addition.context_sha256,
                "partner_count": addition.partner_count,
                "proposed_by": addition.proposed_by_person,
                "proposed_at": format_time(addition.proposed_at),
                "decide_by": format_time(addition.proposed_at + policies.approve_within),
            }
        )
    views = summaries(connection, read.vault, rows)
    for view, row in zip(views, rows, strict=True):
        until = row.ratify_by if row.provisional else row.approve_by
        is_awaited = row.id in themselves and until is not None
        view["decide_by"] = format_time(until) if is_awaited else None
        view["additions"] = additions[row.id]
    return views
