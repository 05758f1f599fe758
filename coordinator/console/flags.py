"""What one's own organisation screens deposits for, and up to where it says that it does."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response

from coordinator.console import render
from coordinator.console.visit import Visit
from coordinator.services.requests.flags import (
    LastApplied,
    flag_counts,
    flagging_titles,
    last_applied,
)

#: As the kit has it: from so long after on nothing is "clean" there.
_STALE_AFTER = timedelta(minutes=60)
#: Requests on the page; more are in the feed.
_MOST = 500


@dataclass(frozen=True, slots=True)
class Applied:
    """That one's own screening runs: who last said so, and when, where that is long ago."""

    who: str
    at: datetime | None


def show(visit: Visit) -> Response:
    """Show which requests flag accounts, and how far the own screening is."""
    rows = flag_counts(visit.reader.read_context, _MOST + 1)
    shown = sorted(rows[:_MOST], key=lambda row: (row.expires_at, row.request_id))
    return render.page(
        "flags.html",
        visit,
        rows=shown,
        titles=flagging_titles(visit.reader.read_context, [row.request_id for row in shown]),
        count=sum(row.count for row in shown),
        is_cut=len(rows) > _MOST,
        applied=_applied(visit, last_applied(visit.reader.read_context)),
    )


def _applied(visit: Visit, last: LastApplied | None) -> Applied | None:
    if last is None:
        return None
    # It says so at once where anything changed, of what is limited to others, too: a person reads
    # that it runs, and neither how much it screens for nor when that changed.
    is_old = visit.reader.context.clock.now() - last.at > _STALE_AFTER
    return Applied(visit.called(last.by), last.at if is_old else None)
