"""On what ground two organisations tell each other amounts, and where they have none in common.

An order is held by nobody: it lies on a request. All other gateways are a member's own word, which
the operator verified at a date and until another.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from coordinator.domain.errors import FieldFault, GatewayError, InvalidInputError
from holdfast.protocol.vocabulary import Gateway


class HeldGateway(NamedTuple):
    """A gateway of a partner that counts now; the hash tells own terms apart."""

    gateway: Gateway
    document_sha256: str | None


class LegGateway(NamedTuple):
    """Whether the two sides of a leg tell each other amounts, and on what ground.

    Attributes:
        gateway: What they have in common; None: nothing, or the network asks for none.
        amounts_told: Whether amounts are told on the leg.
    """

    gateway: Gateway | None
    amounts_told: bool


#: Of every leg where the network asks for no gateway.
NOT_ASKED = LegGateway(gateway=None, amounts_told=True)


def leg_gateway(
    asking: Collection[HeldGateway],
    answering: Collection[HeldGateway],
    *,
    stated: Gateway | None,
    on_order: bool,
) -> LegGateway:
    """Return what the two sides of a leg have in common.

    Args:
        asking: What the requester holds now.
        answering: What the partner asked holds now.
        stated: The one under which the request is; None: whichever both hold. An order counts
            beside it, for it may be attached later.
        on_order: Whether the document of a legal order stands behind the request, or this leg.
    """
    common = {held.gateway for held in set(asking) if _has(answering, held)}
    if stated is not None:
        common &= {stated}
    if on_order:
        common.add(Gateway.ORDER)
    first = next((gateway for gateway in Gateway if gateway in common), None)
    return LegGateway(gateway=first, amounts_told=first is not None)


def _has(held: Collection[HeldGateway], wanted: HeldGateway) -> bool:
    if wanted.gateway is Gateway.OWN_TERMS:
        return wanted in held  # the very agreement
    return any(each.gateway is wanted.gateway for each in held)


def require_statable(
    stated: Gateway | None, held: Collection[HeldGateway], *, is_asked: bool, names_order: bool
) -> None:
    """Refuse a request under a gateway that its requester does not hold.

    Args:
        stated: What the document states.
        held: What the requester holds now.
        is_asked: Whether the network asks for gateways at all.
        names_order: Whether the document names an order, or rests on one.

    Raises:
        GatewayError: Saying which it holds.
    """
    if stated is None:
        return
    if not is_asked:
        detail = "is stated, and this network asks for no gateway: leave it out"
    elif stated is Gateway.ORDER:
        if names_order:
            return
        detail = "is order, and the request names none: state legal.order, or leave gateway out"
    elif any(each.gateway is stated for each in held):
        return
    else:
        names = sorted({each.gateway.value for each in held})
        yours = f"yours that count are {', '.join(names)}" if names else "none of yours counts"
        detail = (
            f"is {stated.value}, which is not verified for your organisation now; {yours} (GET"
            " /v1/gateways). State one of them, or leave it out: then whichever both sides hold"
            " counts"
        )
    fault = FieldFault("/gateway", detail, "gateway_not_held")
    raise GatewayError(f"gateway {detail}", errors=[fault])


def require_verifiable(on: datetime, until: datetime, now: datetime) -> None:
    """Refuse dates that make no sense of a verification.

    Raises:
        InvalidInputError: Saying which.
    """
    if on > now:
        raise InvalidInputError(
            "a gateway is verified today or was before: --on lies in the future"
        )
    if until <= now:
        raise InvalidInputError(
            "a verification is until a later time: --until is over already; to take one back, end"
            " the gateway"
        )


def no_shared_gateway(requester: str) -> str:
    """Return why an amount on a leg is refused, and what to say in its place."""
    return (
        f"must be null: {requester} and your organisation have no verified gateway in common for"
        " this request, so amounts are not told. State null: it counts for the status, and in no"
        " sum. Of a hold whose amount was told before, correct its frozen lines in the same report,"
        ' one to null and any other to "0"; if it is of another request of yours, keep it there'
        ' instead (kept, basis "other_request")'
    )


#: Why an amount is refused that another request would show.
TOLD_ELSEWHERE = (
    "would be told on another request of yours, too, which shares this hold and whose requester has"
    ' no gateway in common with you any more: there, keep the hold with basis "other_request" for'
    " this one, and report a freeze of your own with amount null; then report this again"
)
#: Why a hold is not shared.
NOT_SHARED = (
    "is a hold whose amount was told, and whoever asks here has no verified gateway in common with"
    " you: report a freeze of your own with amount null; it counts in no sum"
)
