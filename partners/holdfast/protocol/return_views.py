"""What the coordinator answers about return requests."""

from typing import Any, Literal

from holdfast.protocol.payloads import AmountText, Handle, Sha256, Time
from holdfast.protocol.views import LogEntry, View
from holdfast.protocol.vocabulary import ReturnCode, ReturnStatus


class ReturnDestinationView(View):
    """Where it is to be sent, as it was signed."""

    id: str
    account: str
    tag: str | None


class ReturnPartView(View):
    """How much of one hold is accepted, and how much of that was sent."""

    hold: str
    accepted: AmountText | None
    sent: AmountText


class ReturnRequestView(View):
    """One partner is asked to send held funds back.

    `accepted` and `sent` are sums of base units over its parts; a withheld amount is in neither.
    """

    id: str
    request_id: str
    leg_id: str
    requester: Handle
    partner: Handle
    return_status: ReturnStatus
    act_id: str
    act_sha256: Sha256
    holds: Literal["all"] | list[str] | None
    asset: str
    amount: str
    destination: ReturnDestinationView | None
    basis: dict[str, Any] | None
    asked_by: str
    asked_at: Time
    decide_by: Time
    decided_by: str | None
    decided_at: Time | None
    decided_act_id: str | None
    answer_by: Time | None
    answered_at: Time | None
    answer_act_id: str | None
    code: ReturnCode | None
    parts: list[ReturnPartView]
    accepted: AmountText
    sent: AmountText
    suspended_at: Time | None
    suspended_because: str | None
    receipt_act_id: str | None
    ended_at: Time | None
    drill: bool
    log: LogEntry | None = None
