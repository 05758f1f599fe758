"""Numbers, amounts, states and what requests rest on, in sentences."""

from collections.abc import Mapping

from holdfast.protocol.views import AssetUnit, FreezeRequestSummary, FreezeRequestView
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


def whole_units(base_units: str, unit: AssetUnit) -> str:
    """Return base units as a number of whole ones, e.g. "1,234.5"; nothing is rounded."""
    whole, rest = divmod(int(base_units), 10**unit.decimals)
    fraction = f".{rest:0{unit.decimals}d}".rstrip("0") if rest else ""
    return f"{whole:,}{fraction}"


def amount_text(base_units: str, asset: str, unit: AssetUnit | None) -> str:
    """Return an amount for people: "1,234.5 ETH", or base units where no unit is known."""
    if unit is None:
        return f"{base_units} base units of {asset}"
    return f"{whole_units(base_units, unit)} {unit.symbol}"
