"""What partners hold on a request, and which of it a dispute contests for a customer."""

from collections.abc import Iterator, Mapping
from typing import Any

from coordinator.api import disputes, ledger_reads
from coordinator.console.visit import Visit
from coordinator.domain.errors import NotFoundError


def every_hold(visit: Visit, request_id: str) -> Iterator[Mapping[str, Any]]:
    """Yield every hold on a request that the reader may see."""
    return visit.every(ledger_reads.list_holds, request_id=request_id)


def is_open(hold: Mapping[str, Any]) -> bool:
    """Tell whether a hold still holds something, as far as it says how much."""
    return bool(hold["withheld"]) or hold["held"] != "0"


def find_dispute(visit: Visit, request_id: str, dispute_id: str) -> Mapping[str, Any]:
    """Return a dispute of a request.

    Raises:
        NotFoundError: If there is none that the reader may see.
    """
    every = visit.every(disputes.list_disputes, request_id=request_id)
    found = next((each for each in every if each["id"] == dispute_id), None)
    if found is None:
        raise NotFoundError("there is no such dispute, or none that you may see")
    return found


def contested_holds(
    visit: Visit, request_id: str, dispute: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return the open holds that a dispute is about: one, or all of its partner's."""
    return [
        hold
        for hold in every_hold(visit, request_id)
        if is_open(hold)
        and hold["partner"] == dispute["partner"]
        and dispute["hold"] in {None, hold["id"]}
    ]
