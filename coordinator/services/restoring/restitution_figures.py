"""What became of restitutions: of one's own with sums, of the network where claims stand."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from coordinator.services.core.read_context import ReadContext
from coordinator.storage.restoring import statistics as store
from coordinator.storage.restoring.statistics import Span
from holdfast.protocol.vocabulary import ClaimStatus


class RestitutionFiguresView(TypedDict):
    """Figures of some restitutions (`restitution_views.RestitutionFiguresView`)."""

    opened: int
    claims: Mapping[ClaimStatus, int]
    allocated: NotRequired[Mapping[str, str]]
    paid: NotRequired[Mapping[str, str]]


class RestitutionStatisticsView(TypedDict):
    """Figures of one's own and of all (`restitution_views.RestitutionStatisticsView`)."""

    own: RestitutionFiguresView
    network: RestitutionFiguresView


def restitution_statistics(read: ReadContext, span: Span) -> RestitutionStatisticsView:
    """Return figures of restitutions in four queries, however many there are.

    Sums are told of one's own: of a network with one restitution, its sum would be that member's.
    """
    connection, own = read.connection, read.actor.partner
    counts = store.opened(connection, span)
    theirs: dict[ClaimStatus, int] = {}
    ours: dict[ClaimStatus, int] = {}
    for each in store.claims(connection, span):
        status = ClaimStatus(each.status)
        theirs[status] = theirs.get(status, 0) + each.number
        if each.opener == own:
            ours[status] = each.number
    return {
        "own": {
            "opened": sum(each.number for each in counts if each.opener == own),
            "claims": ours,
            "allocated": _sums(store.allocated(connection, span, own)),
            "paid": _sums(store.paid(connection, span, own)),
        },
        "network": {"opened": sum(each.number for each in counts), "claims": theirs},
    }


def _sums(found: list[store.AssetSum]) -> dict[str, str]:
    return {each.asset: str(each.amount) for each in found}
