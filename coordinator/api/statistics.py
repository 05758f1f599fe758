"""Numbers: for members over what they may see, and a yearly summary for everybody."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import Field

from coordinator.api.client_address import client_address
from coordinator.api.context import AppContext, current_context
from coordinator.api.pipeline import Reader
from coordinator.api.query import Query
from coordinator.api.view import public_view, query_view
from coordinator.domain.errors import InvalidInputError, NotFoundError, ParameterFault
from coordinator.domain.permission import Permission
from coordinator.services.reading.statistics import (
    count_figures,
    member_view,
    month_start,
    requester_views,
    yearly_view,
)
from coordinator.services.restoring.recovery_views import statistics_view
from coordinator.services.restoring.restitution_figures import restitution_statistics
from coordinator.storage.reading import statistics as store
from coordinator.storage.reading.statistics import Scope
from coordinator.storage.restoring.recovery_requests import Months
from coordinator.storage.restoring.statistics import Span
from holdfast.protocol import canonical_json, life_cycle_views
from holdfast.protocol.chains.asset import display_units

_MOST_MONTHS = 24
#: Of the public summaries.
FIRST_YEAR = 2020
_YEAR = re.compile(r"2[0-9]{3}", re.ASCII)

Month = Annotated[
    str,
    Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="A month, e.g. 2026-03."),
]


class StatisticsQuery(Query):
    """Which months, both included; by default the present one."""

    from_month: Annotated[Month | None, Field(alias="from")] = None
    to_month: Annotated[Month | None, Field(alias="to")] = None
    rows: Annotated[
        Literal["by_month", "together"],
        Field(description="a row for each month, or one for all of them, without `month`"),
    ] = "by_month"


@query_view(
    query=StatisticsQuery, answer=life_cycle_views.StatisticsView, needs=Permission.STATISTICS_READ
)
def read_statistics(reader: Reader, query: StatisticsQuery) -> dict[str, Any]:
    """Read how fast partners answered and what came of it, over the legs that you may see.

    By partner, urgency and month in which a leg began. What a request asks for stands in the row of
    every partner asked and counts once in the totals; a hold that several legs share counts once,
    and so do tokens that the requester marked as held twice. `requesters` tells how often who asks
    flagged the wrong account: of the addresses that were frozen, those withdrawn as wrong targets.
    What was restored was returned upon a return request and confirmed by who asked. Beside the legs
    stand misplaced deposits that partners were asked about, and restitutions that were opened.
    """
    now = reader.context.clock.now()
    last = query.to_month or (f"{now:%Y-%m}" if query.from_month is None else None)
    last = last or max(query.from_month or "", f"{now:%Y-%m}")
    first = query.from_month or last
    start, end = _months(first, last)
    scope = Scope(start, end, reader.actor.viewer)
    together = query.rows == "together"
    counted = count_figures(reader.connection, scope, months_together=together)
    requesters = requester_views(reader.connection, scope)
    view = member_view(counted, requesters, from_month=first, to_month=last)
    restitutions = restitution_statistics(reader.read_context, Span(start, end))
    own = restitutions["own"]
    assets = {**view["totals"], **own.get("allocated", {})}
    return {
        **view,
        "units": display_units(reader.context.rulebook.chains, assets),
        "recoveries": statistics_view(reader.read_context, Months(start, end)),
        "restitutions": restitutions,
    }


def _months(first: str, last: str) -> tuple[datetime, datetime]:
    """Return the first moment of `first` and of the month after `last`."""
    (year, month), (to_year, to_month) = (map(int, m.split("-")) for m in (first, last))
    count = (to_year - year) * 12 + to_month - month + 1
    if not 1 <= count <= _MOST_MONTHS:
        detail = f"must be at or after `from`, and at most {_MOST_MONTHS} months in all"
        raise InvalidInputError(
            f"to {detail}", parameters=[ParameterFault("to", detail, "out_of_range")]
        )
    return month_start(year, month), month_start(to_year, to_month + 1)


@public_view(
    answer=life_cycle_views.YearlySummary,
    not_found=f"There are summaries of the years from {FIRST_YEAR} to this one.",
)
def read_year(year: str) -> Response:
    """The public summary of a year.

    Names no partner with few cases, and tells no sum of few cases or partners; made anew at most
    once an hour.
    """
    context = current_context()
    context.limiter.check(f"public:{client_address()}")
    now = context.clock.now()
    if not _YEAR.fullmatch(year) or not FIRST_YEAR <= int(year) <= now.year:
        raise NotFoundError(f"there are summaries of the years {FIRST_YEAR} to {now.year}")
    content = context.yearly_summaries.get(year, now=now, make=lambda: _summary(context, int(year)))
    max_age = context.yearly_summaries.max_age
    response = Response(content, 200, content_type="application/json")
    response.headers["Cache-Control"] = f"public, max-age={int(max_age.total_seconds())}"
    return response


def _summary(context: AppContext, year: int) -> bytes:
    scope = Scope(month_start(year, 1), month_start(year + 1, 1), None)
    with context.database.engine.connect() as connection:
        counted = count_figures(connection, scope)
        requests = store.request_count(connection, scope)
    name_from = context.rulebook.policies.name_from_cases
    view = yearly_view(counted, year=year, requests=requests, name_from=name_from)
    units = display_units(context.rulebook.chains, view.get("assets", ()))
    return canonical_json.dumps({**view, "units": units})
