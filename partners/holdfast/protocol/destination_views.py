"""What the coordinator answers about the accounts that money may be sent back to."""

from holdfast.protocol.payloads import AmountText, Handle, Time
from holdfast.protocol.views import LogEntry, View
from holdfast.protocol.vocabulary import DestinationStatus, WhyNotUsable


class ArrivedTestView(View):
    """A test transfer that a person of the member says arrived."""

    tx: str
    asset: str
    amount: AmountText
    confirmed_by: str
    confirmed_at: Time


class DestinationView(View):
    """An account of one's own that money may be sent back to; no other member reads the list.

    `body` is the proposal as it was signed: whoever decides reads the account there, and hashes it.
    `why_not` says why it may not be used now; null: it may.
    """

    id: str
    partner: Handle
    destination_status: DestinationStatus
    account: str | None
    tag: str | None
    label: str | None
    act_sha256: str
    body: str | None
    proposed_by: str
    proposed_at: Time
    decide_by: Time
    decided_by: str | None
    decided_at: Time | None
    usable_at: Time | None
    test_transfer: ArrivedTestView | None
    closed_by: str | None
    closed_at: Time | None
    why_not: WhyNotUsable | None
    log: LogEntry | None = None
