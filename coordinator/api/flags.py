"""Flags: the accounts that a partner was asked about, as a feed for whoever screens deposits."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.query import Query
from coordinator.api.view import command_view, logged_as, query_view
from coordinator.domain.permission import Permission
from coordinator.services.requests import flags
from coordinator.services.requests.flags import (
    AppliedFlagsView,
    FlagPage,
    Position,
    RenewFlags,
    ReportAppliedFlags,
)
from coordinator.storage.engine.database import one_moment
from holdfast.protocol import flag_views
from holdfast.protocol.clearance import Issuer
from holdfast.protocol.flag_views import FlagChanges

#: Flags in a page: some hundred bytes each, so that a page has some hundred kilobytes.
_PAGE, _LARGEST_PAGE = 1_000, 5_000


class FlagQuery(Query):
    """From where, and how many."""

    after: Annotated[
        flag_views.FlagPosition | None,
        Field(description="`next_after` of the page before, as it is; absent at first."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=_LARGEST_PAGE, description="Flags in a page.")] = _PAGE
    changes: Annotated[
        flag_views.FlagChanges,
        Field(description="How a request is told of that you have read before."),
    ] = flag_views.FlagChanges.WHOLE


def _flagging(page: Mapping[str, Any]) -> set[str]:
    """Return the requests of which a page shows accounts."""
    return {flag["request"] for flag in page["flags"] if flag["account"] is not None}


@logged_as("addresses", requests_in=_flagging)
@query_view(query=FlagQuery, answer=flag_views.FlagPage, needs=Permission.FLAG_READ)
def read_feed(reader: Reader, query: FlagQuery) -> FlagPage:
    """Read the flags: accounts that you were asked about and that still count.

    At first what counts now, then what changed since; of a request that changed all is told anew,
    or, with `changes=outline`, how it stands and what of it is gone or contested.
    What is `gone` is to be screened for no more: an address, or with `address_no: null` the whole
    request. A flag ends at `expires_at` without a word. With the last page comes `head`, a JWS by
    the coordinator's key over number, count and root of all your flags (docs/flags.md); without it
    verified, a set is not to be trusted. An `after` beyond the newest change is refused. A flag
    freezes nothing by itself, and a drill flags nothing.
    """
    context = reader.context
    after = None if query.after is None else Position.parse(query.after)
    issuer = Issuer(context.origin, context.signing_key)
    with one_moment(reader.connection):
        wanted = flags.Wanted(query.limit, outline=query.changes is FlagChanges.OUTLINE)
        return flags.read_flags(reader.read_context, after, wanted, context.flags, issuer)


@query_view(answer=flag_views.AppliedFlagsView, needs=Permission.FLAG_READ)
def read_applied(reader: Reader) -> AppliedFlagsView:
    """Read up to which head your organisation screens deposits, as it last said.

    For machines, as the feed is: count and root are of limited legs, too.
    """
    return flags.applied_view(reader.read_context)


@command_view(ReportAppliedFlags, body=flag_views.AppliedFlags, answer=flag_views.AppliedFlagsView)
def report_applied(call: SignedCall[flag_views.AppliedFlags]) -> ReportAppliedFlags:
    """Say up to which head you screen deposits, by its number and root; signed, and in the log.

    `hits` counts the deposits that were held for a person since you last said so. Only your own
    machines read it; people of yours see on the console that you screen.
    """
    return ReportAppliedFlags(body=call.body)


@command_view(RenewFlags, body=flag_views.FlagRenewal, answer=flag_views.FlagRenewalView)
def renew(call: SignedCall[flag_views.FlagRenewal], request_id: str) -> RenewFlags:
    """Have deposits screened for your request's accounts for another 30 days, from now.

    Every partner asked is told, with the proof. Where every leg is final, the days after which the
    request closes by itself begin anew. A drill has nothing to renew (409 `no_flags`).
    """
    return RenewFlags(request_id=request_id, body=call.body)
