"""What the coordinator answers about guests: organisations that are asked and are no members.

Nothing that a guest says is signed. It stands apart from legs and ledger, and is in no sum.
"""

from typing import Literal

from holdfast.protocol.payloads import Handle, Sha256, Time
from holdfast.protocol.views import LogEntry, View
from holdfast.protocol.vocabulary import DeclineCode, GuestAnswer, GuestStatus

#: What a guest says of one address.
GuestLineKind = Literal["found", "frozen", "nothing"]


class GuestLineView(View):
    """What a guest said of one address; `nothing` has neither asset nor amount."""

    address_no: int
    kind: GuestLineKind
    asset: str | None = None
    amount: str | None = None


class GuestAnswerView(View):
    """One statement of a guest: whoever read the mailbox of its security contact made it.

    `answer_sha256` is what the log commits to: the SHA-256 of the canonical JSON (RFC 8785) of
    `{"code", "kind", "lines"}`. The newest statement about an address takes the place of those
    before.
    """

    id: str
    act_id: str
    kind: GuestAnswer
    at: Time
    code: DeclineCode | None = None
    lines: list[GuestLineView]
    answer_sha256: Sha256


class GuestView(View):
    """An organisation that is no member, asked about one request; read by the requester alone.

    `error` is why it was not reached. Once it has joined, `leg_id` is the leg on which it answers
    itself; what it said before stays unverified.
    """

    id: str
    request_id: str
    act_id: str
    domain: Handle
    unverified: Literal[True]
    status: GuestStatus
    asked_at: Time
    answer_by: Time
    error: str | None = None
    contacted_at: Time | None = None
    acknowledged_at: Time | None = None
    answered_at: Time | None = None
    joined_at: Time | None = None
    leg_id: str | None = None
    answers: list[GuestAnswerView]
    log: LogEntry | None = None
