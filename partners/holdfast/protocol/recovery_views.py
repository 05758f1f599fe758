"""What the coordinator answers about deposits that went to the wrong place."""

from typing import Annotated, Any, Literal

from pydantic import Field

from holdfast.protocol.payloads import Handle, Sha256, Time
from holdfast.protocol.views import LogEntry, View
from holdfast.protocol.vocabulary import (
    DepositStatus,
    EvidenceKind,
    Mistake,
    RecoveryCode,
    RecoveryNeed,
    RecoveryProofKind,
    RecoveryStatus,
)


class AlreadyAskedView(View):
    """A deposit of the document that you asked about before: that one counts, and this is none."""

    no: Annotated[int, Field(description="In this document.")]
    recovery_id: str
    deposit_no: Annotated[int, Field(description="In that one.")]
    status: DepositStatus


class RecoveryView(View):
    """One recovery request; read by the two sides alone.

    `deposits` counts those of each state; `awaits_partner` and `awaits_requester` how many wait for
    either side. `already_asked` and who decides by when are for the requester's own people.
    """

    id: str
    requester: Handle
    partner: Handle
    status: RecoveryStatus
    drill: bool
    content_sha256: Sha256
    submitted_at: Time
    submitted_by: str | None = None
    approve_by: Time | None = None
    decided_at: Time | None = None
    decided_by: str | None = None
    deposit_count: int
    deposits: dict[str, int]
    awaits_partner: int
    awaits_requester: int
    due_at: Annotated[Time | None, Field(description="When the next of them is due.")] = None
    already_asked: list[AlreadyAskedView] | None = None
    log: LogEntry | None = None


class RecoveryProofView(View):
    """A paper that proves whose deposit it was, by its hash."""

    kind: RecoveryProofKind
    sha256: Sha256


class DepositView(View):
    """One misplaced deposit as it stands, with the words of the newest answer and reply.

    `account`, `sent_from` and `return_to` are in their canonical spelling. `other_requests` counts
    what other members ask of the same deposit, and is told to the partner asked alone.
    """

    no: int
    status: DepositStatus
    account: str
    tag: str | None = None
    asset: str
    amount: str
    tx: str
    sent_from: str
    return_to: str
    return_tag: str | None = None
    mistake: Mistake
    fee_accepted: str
    proof: RecoveryProofView | None = None
    note: str | None = None
    due_at: Time | None = None
    overdue: bool = False
    awaits: Literal["partner", "requester"] | None = None
    found_amount: str | None = None
    fee: str | None = None
    missing: list[RecoveryNeed] | None = None
    fee_needed: str | None = None
    code: RecoveryCode | None = None
    answer_text: str | None = None
    answered_at: Time | None = None
    supplied_proof: RecoveryProofView | None = None
    reply_text: str | None = None
    replied_at: Time | None = None
    returned_tx: str | None = None
    returned_amount: str | None = None
    returned_fee: str | None = None
    returned_at: Time | None = None
    confirmed_at: Time | None = None
    other_requests: int | None = None


class RecoveryActView(View):
    """One act on a recovery request with what proves it: token and exact body.

    A time that passed is the coordinator's act (`expire`), and has neither.
    """

    act: str
    act_id: str
    recovery_id: str
    kind: EvidenceKind
    partner: str | None = None
    subject: str | None = None
    kid: str | None = None
    jwk: dict[str, Any] | None = None
    token: str | None = None
    body: str | None = None
    at: Time
    leaf_index: int | None = None


class RecoveryResultView(View):
    """The answer to an act on a recovery request: how it stands now."""

    id: str
    act_id: str
    status: RecoveryStatus
    drill: bool
    deposits: dict[str, int]
    awaits_partner: int
    awaits_requester: int
    log: LogEntry | None = None


class RecoveryFiguresView(View):
    """What became of misplaced deposits, drills left out.

    `median_seconds` is from the request's going out to the return.
    """

    asked: Annotated[int, Field(description="Deposits that partners were asked about.")]
    found: Annotated[int, Field(description="Of those, found at some time.")]
    returned: Annotated[int, Field(description="Of those, returned; confirmed or not.")]
    confirmed: int
    declined: int
    not_found: int
    median_seconds: int | None = None


class RecoveryStatisticsView(View):
    """The figures of one's own organisation, on either side, and of the whole network."""

    sent: RecoveryFiguresView
    received: RecoveryFiguresView
    network: RecoveryFiguresView
