"""Orders and claims in words: what they take, what they block, and whether they still do."""

from collections.abc import Iterator, Mapping
from typing import Any

from coordinator.console.words import amount
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.vocabulary import Blocked, EncumbranceKind, EncumbranceStatus

KINDS: Mapping[str, str] = {
    EncumbranceKind.INJUNCTION: "An injunction",
    EncumbranceKind.ATTACHMENT: "An attachment",
    EncumbranceKind.COMPETING_CLAIM: "A competing claim",
    EncumbranceKind.FORFEITURE: "A forfeiture",
}
BLOCKS: Mapping[str, str] = {
    Blocked.RELEASE: "releases",
    Blocked.RETURN: "returns",
    Blocked.PAYOUT: "payouts",
}
_STATES: Mapping[str, str] = {
    EncumbranceStatus.STANDING: "stands",
    EncumbranceStatus.REVIEW_DUE: "to be looked at again, and stands",
    EncumbranceStatus.LIFTED: "lifted",
}


def claim_title(claim: Mapping[str, Any], assets: KnownAssets) -> str:
    """Return what a claim is, and on how much."""
    much = "all of a hold"
    if claim["amount"] is not None and claim["asset"] is not None:
        much = f"{amount(claim['amount'], claim['asset'], assets)} of a hold"
    return f"{KINDS[claim['kind']]} on {much}"


def claim_words(claim: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a claim blocks, and whether it still does."""
    if claim["encumbrance_status"] != EncumbranceStatus.LIFTED:
        yield f"blocks {', '.join(BLOCKS[each] for each in claim['blocks'])}"
    yield _STATES[claim["encumbrance_status"]]


def order_words(order: Mapping[str, Any]) -> Iterator[str]:
    """Yield whom an order addresses, who was called about it, and whether it still blocks."""
    if order["entity"]:
        yield f"addressed to {order['entity']}"
    heard = order["called_back"]
    if heard["confirmed"]:
        yield f"called back and confirmed by {heard['confirmed']}"
    if heard["not_confirmed"]:
        yield f"called back and not confirmed by {heard['not_confirmed']}"
    yield _STATES[order["order_status"]]
