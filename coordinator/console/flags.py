"""What one's own organisation screens deposits for, and up to where it says that it does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Response

from coordinator.api import flags as api
from coordinator.console import render
from coordinator.console.visit import Visit
from coordinator.console.words import moment

#: As the kit has it: from so long after on nothing is "clean" there.
_STALE_AFTER = timedelta(minutes=60)
#: Addresses that are looked at for a page; more are in the feed.
_MOST = 1_000


@dataclass(slots=True)
class Flagged:
    """What of one request is flagged."""

    request_id: str
    expires_at: datetime | None
    is_provisional: bool = False
    count: int = 0
    contested: int = 0
    gone: int = 0


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
    query = api.FlagQuery.model_validate({"limit": str(_MOST)})
    page: Mapping[str, Any] = visit.read(api.read_feed, query)
    rows = _by_request(page["flags"])
    return render.page(
        "flags.html",
        visit,
        rows=rows,
        count=sum(row.count for row in rows),
        is_cut=len(page["flags"]) == _MOST,
        applied=_applied(visit, visit.read(api.read_applied)),
    )


def _by_request(flags: Iterable[Mapping[str, Any]]) -> list[Flagged]:
    """Return what a page of the feed says of each request, the soonest end first."""
    found: dict[str, Flagged] = {}
    for flag in flags:
        ends = moment(flag["expires_at"])
        row = found.setdefault(flag["request"], Flagged(flag["request"], ends))
        if flag["state"] == "gone":
            row.gone += 1
            continue
        row.count += 1
        row.contested += flag["state"] == "contested"
        row.is_provisional |= flag["state"] == "provisional"
    return sorted(found.values(), key=lambda row: (str(row.expires_at), row.request_id))


def _applied(visit: Visit, view: Mapping[str, Any]) -> Applied | None:
    at = moment(view["at"]) if view["at"] else None
    if at is None:
        return None
    now = visit.reader.context.clock.now()
    who = visit.called(view["by"])
    return Applied(view["seq"], view["count"], view["hits"], who, at, now - at > _STALE_AFTER)
