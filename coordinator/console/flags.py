"""What one's own organisation screens deposits for, and up to where it says that it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Response

from coordinator.api import flags as api
from coordinator.console import render
from coordinator.console.visit import Visit
from coordinator.console.words import moment
from coordinator.services.requests.flags import flag_counts

#: As the kit has it: from so long after on nothing is "clean" there.
_STALE_AFTER = timedelta(minutes=60)
#: Requests on the page; more are in the feed.
_MOST = 500


@dataclass(frozen=True, slots=True)
class Applied:
    """Up to where somebody says that deposits are screened."""

    seq: int
    count: int
    hits: int
    who: str
    at: datetime | None
    is_old: bool


def show(visit: Visit) -> Response:
    """Show which requests flag accounts, and how far the own screening is."""
    rows = flag_counts(visit.reader.read_context, _MOST + 1)
    shown = sorted(rows[:_MOST], key=lambda row: (row.expires_at, row.request_id))
    return render.page(
        "flags.html",
        visit,
        rows=shown,
        count=sum(row.count for row in shown),
        is_cut=len(rows) > _MOST,
        applied=_applied(visit, visit.read(api.read_applied)),
    )


def _applied(visit: Visit, view: Mapping[str, Any]) -> Applied | None:
    at = moment(view["at"]) if view["at"] else None
    if at is None:
        return None
    now = visit.reader.context.clock.now()
    who = visit.called(view["by"])
    return Applied(view["seq"], view["count"], view["hits"], who, at, now - at > _STALE_AFTER)
