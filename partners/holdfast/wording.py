"""Numbers, states and what requests rest on, in sentences."""

from collections.abc import Mapping

from holdfast.protocol.views import FreezeRequestSummary, FreezeRequestView
from holdfast.protocol.vocabulary import Support

#: Whose word a request rests on, in words.
RESTS_ON: Mapping[Support, str] = {
    Support.NONE: "the requester's word alone",
    Support.POLICE_REPORT: "a police report",
    Support.ORDER_APPLIED: "an order applied for",
    Support.ORDER: "an order",
}


def counted(count: int, noun: str) -> str:
    """Return "1 fault", "2 faults", "2 addresses"."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count} {noun}{ending}"


def request_state(view: FreezeRequestView | FreezeRequestSummary) -> str:
    """Return how a request stands, e.g. "active (unratified)"."""
    waits = "provisional" if view.provisional else "unratified" if view.unratified else ""
    return f"{view.status.value} ({waits})" if waits else view.status.value
