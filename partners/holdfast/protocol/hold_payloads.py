"""What is sent about holds that exist: extending one, and asking for it."""

from typing import Annotated

from holdfast.protocol.payloads import ActBody, HoldId, Loose, Time
from holdfast.protocol.texts import Reason, ShortText
from holdfast.protocol.vocabulary import HoldBasis


class HoldExtension(ActBody):
    """`POST …/hold-extensions`: a later end, or another ground.

    Signed by the partner that holds.
    """

    hold: HoldId
    hold_expires_at: Time
    basis: Annotated[HoldBasis, Loose]
    note: ShortText | None = None


class ExtensionRequest(ActBody):
    """`POST …/extension-requests`: the requester asks, the partner decides."""

    hold: HoldId
    hold_expires_at: Time
    reason: Reason
