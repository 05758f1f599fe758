"""Every kind of event: what its `data` has, whom it goes to, and when it comes.

`EVENTS` is the one table. The OpenAPI document's `webhooks`, `docs/events.md` and the samples that
a coordinator sends on request are made from it. Readers ignore members that they do not know.
"""

from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from holdfast.protocol import strict_json
from holdfast.protocol.guest_views import GuestLineView
from holdfast.protocol.life_cycle_payloads import IndemnityCap
from holdfast.protocol.membership_payloads import Policy
from holdfast.protocol.payloads import Handle, Next, Sha256, Time
from holdfast.protocol.restitution_views import PoolSumsView
from holdfast.protocol.return_payloads import ReturnDestination
from holdfast.protocol.tasks import TaskKind
from holdfast.protocol.views import LineView, LogEntry, Totals, View
from holdfast.protocol.vocabulary import (
    AllocationStatus,
    Arrival,
    Blocked,
    CallBackOutcome,
    ClaimRejection,
    ClaimStatus,
    DataSubjectDecision,
    DataSubjectKind,
    DataSubjectReason,
    DeclineCode,
    DepositStatus,
    DestinationStatus,
    EncumbranceKind,
    ErasureReason,
    EventType,
    Gateway,
    GuestAnswer,
    HoldBasis,
    LegStatus,
    PartnerKind,
    PartnerStatus,
    RecoveryStatus,
    RequestStatus,
    ReturnCode,
    ReturnStatus,
    Role,
    Support,
    Tlp,
    Urgency,
    WaitsBecause,
    WithdrawalReason,
)

#: Why a leg shows a flag that the coordinator's clocks set.
Flag = Literal["overdue", "unanswered", "undeliverable"]
Href = Annotated[str, Field(description="Where all of what was cut is read: an absolute link.")]
#: Absent where it is real.
Drill = Annotated[
    bool, Field(description="True: a drill. Answer it as you would, and move no money for it.")
]
By = Annotated[str, Field(description='Who did it: `per_…`, `sys_…`, or "coordinator".')]
ActRef = Annotated[str, Field(description="The act (`act_…`) that it tells of.")]
Evidence = Annotated[
    list["ActProof"],
    Field(description="What proves it, every act behind it in order: verify it before you act."),
]


class EventLog(LogEntry):
    """Where the event stands in the log: its body is committed to, by the salt."""

    salt: Annotated[str, Field(description="Hex; makes the commitment.")]
    seq: Annotated[int, Field(description="The event's number in the feed.")]


class ActProof(View):
    """What proves one act: a token and the exact body that it signs.

    A body that has no room is linked: `href` is where this very act is read, `body_sha256` what it
    hashes to. `remainder` stands for the body of a submission whose approval left addresses out.
    """

    act: Annotated[str, Field(description="The act's name, e.g. submit or withdraw.")]
    kid: Annotated[str | None, Field(description="The key's thumbprint (RFC 7638).")]
    jwk: Annotated[dict[str, Any] | None, Field(description="The public key (RFC 7517).")]
    token: Annotated[str, Field(description="The request token, or a passkey's (`webauthn.…`).")]
    body: Annotated[
        str | None, Field(description="The exact body; its UTF-8 bytes are signed.")
    ] = None
    body_sha256: Annotated[Sha256 | None, Field(description="In place of a body without room.")] = (
        None
    )
    remainder: Annotated[str | None, Field(description="What went out of a cut document.")] = None
    remainder_sha256: Annotated[
        Sha256 | None, Field(description="In place of a remainder without room.")
    ] = None
    href: Annotated[str | None, Field(description="An absolute link to this very act.")] = None


class EventData(View):
    """What every event's `data` has."""

    event_id: Annotated[str, Field(description="`evt_…`; the `webhook-id` of its deliveries.")]
    log: EventLog
    sample: Annotated[
        bool, Field(description="True: a sample that you had sent; nothing of it happened.")
    ] = False


class AboutRequest(EventData):
    """What every event about a freeze request has."""

    request_id: Annotated[str, Field(description="`frq_…`")]
    drill: Drill = False
    requester: Annotated[Handle, Field(description="Who asks.")]
    content_sha256: Annotated[Sha256, Field(description="Of the exact submitted body.")]
    tlp: Annotated[
        Tlp | None, Field(description="The request's mark, Traffic Light Protocol 2.0.")
    ] = None
    sequence: Annotated[
        int,
        Field(description="Without gaps: of the leg where there is one, else of the requester."),
    ]
    leg_id: Annotated[str | None, Field(description="`leg_…`, where it is about a leg.")] = None
    partner: Annotated[Handle | None, Field(description="Whose leg it is.")] = None
    by: By | None = None
    act_id: ActRef | None = None


class OfRequest(AboutRequest):
    """About a request; `status` is the request's for its requester, the leg's for a partner."""

    status: RequestStatus | LegStatus


class OfLeg(AboutRequest):
    """About one leg, for both of its sides."""

    leg_id: Annotated[str, Field(description="`leg_…`")]
    partner: Annotated[Handle, Field(description="Whose leg it is.")]
    by: By
    status: Annotated[LegStatus, Field(description="How the leg shows now.")]
    requester_sequence: Annotated[
        int | None, Field(description="The same for the requester: without gaps for each leg.")
    ] = None


class NamedAddresses(View):
    """Addresses by their numbers; of many, the first."""

    addresses: Literal["all"] | list[int] | None = None
    address_count: Annotated[int | None, Field(description="How many are meant.")] = None
    addresses_cut: Annotated[bool, Field(description="Whether there are more than are named.")] = (
        False
    )
    href: Href | None = None


# --- a request ------------------------------------------------------------------------------------


class FreezeRequestReceivedData(AboutRequest):
    """A partner is asked: the request was approved, or goes out at once as a flash request.

    Verify evidence and approvals before you freeze anything.
    """

    leg_id: Annotated[str, Field(description="Your leg.")]
    partner: Annotated[Handle, Field(description="You.")]
    urgency: Urgency
    incident_id: Annotated[str, Field(description="`inc_…`")]
    address_count: Annotated[int, Field(description="How many addresses went out.")]
    withdrawn_count: Annotated[
        int | None, Field(description="How many of them were withdrawn before you were asked.")
    ] = None
    hold_hours: Annotated[
        int, Field(description="How long to hold: as stated, or by the network's policy.")
    ]
    support: Annotated[Support, Field(description="On whose word it rests.")]
    provisional: Annotated[bool, Field(description="A flash request that nobody ratified yet.")]
    ratify_by: Annotated[Time | None, Field(description="Until when that must happen.")]
    acknowledge_by: Annotated[Time, Field(description="Until when to acknowledge.")]
    answer_by: Annotated[Time, Field(description="Until when to answer every address.")]
    evidence: Annotated[ActProof, Field(description="What proves that the requester asks.")]
    approvals: Annotated[list[ActProof], Field(description="What proves each lead's approval.")]
    addition: Annotated[
        list[ActProof] | None,
        Field(description="What asks you, where the document does not name you."),
    ] = None


class FreezeRequestSubmittedData(OfRequest):
    """A request was submitted; a flash request that may go out at once has gone out with it."""

    urgency: Urgency
    context_sha256: Annotated[Sha256, Field(description="Of the decision context.")]
    approve_by: Annotated[Time, Field(description="Until when a lead has to decide.")]
    provisional: bool
    ratify_by: Time | None
    waits_because: Annotated[
        WaitsBecause | None, Field(description="Why a flash request waits all the same.")
    ] = None
    address_count: int
    to: Annotated[list[Handle], Field(description="The partners; of many, the first.")]
    partner_count: int
    to_cut: bool
    href: Href | None = None


class FreezeRequestApprovedData(OfRequest):
    """A lead approved the request, or an addition of partners; it may still want others."""

    approvals: Annotated[int, Field(description="How many have approved.")]
    quorum: Annotated[int, Field(description="How many have to.")]
    context_sha256: Sha256
    addition: Annotated[str | None, Field(description="`add_…`, where it is about one.")] = None
    to: list[Handle] | None = None
    partner_count: int | None = None
    to_cut: bool | None = None
    href: Href | None = None
    left_out: Annotated[
        NamedAddresses | None, Field(description="Addresses that do not go out.")
    ] = None


class FreezeRequestRejectedData(OfRequest):
    """A lead rejected the request before it went out."""


class FreezeRequestRatifiedData(OfRequest):
    """Leads stand behind a flash request that is out; partners hear it where it was unratified."""

    approvals: Annotated[
        int | list[ActProof],
        Field(description="For the requester how many; for a partner what proves each."),
    ]
    quorum: int | None = None
    context_sha256: Sha256 | None = None
    left_out: Annotated[
        NamedAddresses | None, Field(description="Addresses that are withdrawn with it.")
    ] = None


class FreezeRequestUnratifiedData(OfRequest):
    """Nobody ratified a flash request in time, or its requester was suspended."""

    unratified_until: Annotated[Time, Field(description="Then it withdraws itself.")]
    reason: str
    advice: Annotated[str | None, Field(description="What a partner does meanwhile.")] = None


class FreezeRequestWithdrawalProposedData(OfRequest, NamedAddresses):
    """A lead wants held funds let go, and another must approve it: release nothing yet."""

    withdrawal: Annotated[str, Field(description="`wdp_…`")]
    dispute: Annotated[str | None, Field(description="The dispute that it would uphold.")] = None
    hold: Annotated[str | None, Field(description="What that one contests.")] = None
    resolution: str | None = None
    approve_by: Time
    reason: str | None = None
    reason_code: WithdrawalReason | None = None
    advice: Annotated[str | None, Field(description="For partners: what to do meanwhile.")] = None
    evidence: Evidence | None = None


class FreezeRequestWithdrawalRefusedData(OfRequest, NamedAddresses):
    """A proposed withdrawal comes to nothing; `addresses` are those of it that still stand."""

    withdrawal: Annotated[str, Field(description="`wdp_…`")]
    dispute: str | None = None
    why: Literal["rejected", "void", "moot"]


class FreezeRequestWithdrawnData(OfRequest, NamedAddresses):
    """The request, or some addresses, are taken back: what you hold on them owes an answer.

    Verify the evidence before you let anything go. None: the coordinator's timer withdrew a request
    that nobody ratified.
    """

    reason: str | None = None
    reason_code: WithdrawalReason | None = None
    evidence: Evidence | None = None
    evidence_cut: Annotated[
        bool, Field(description="There is no room for the acts: they are read at `href`.")
    ] = False


class FreezeRequestExpiredData(OfRequest):
    """Nobody approved the request in time, so it never went out."""

    reason: str | None = None


class FreezeRequestClosedData(OfRequest, NamedAddresses):
    """A lead closed the request, or nothing more was awaited of anybody."""

    reason: str | None = None


class FreezeRequestErasureProposedData(OfRequest):
    """The operator proposes to erase an ended request; one of your security leads must sign it."""

    erasure: Annotated[str, Field(description="`ers_…`")]
    reason: ErasureReason


class FreezeRequestErasedData(OfRequest):
    """What the request, and everything on it, said is erased; its entries stay in the log.

    Erase it with yourselves, too, unless a law has you keep it.
    """

    erasure: Annotated[str, Field(description="`ers_…`")]
    reason: ErasureReason
    evidence: Annotated[
        Evidence | None, Field(description="Absent: its time was over, and nobody signed.")
    ] = None


class FreezeRequestSupportRaisedData(OfRequest):
    """The request rests on a better document from now on; holds may last longer."""

    support: Support
    before: Support
    document_sha256: Sha256
    reference: str | None = None
    answer_by: Annotated[Time | None, Field(description="The new time to answer, if it moved.")] = (
        None
    )
    evidence: ActProof | None = None


class FreezeRequestFlagsRenewedData(OfRequest):
    """Deposits are screened for the request's accounts until `expires_at`, from now on anew."""

    expires_at: Time
    evidence: ActProof | None = None


class FreezeRequestSameFundsMarkedData(OfRequest):
    """Two holds are of the same tokens: sums count the one at `same_as`; null: no longer."""

    hold: str
    same_as: str | None


class FreezeRequestPartnersProposedData(OfRequest):
    """A lead proposes more partners; another has to approve."""

    addition: Annotated[str, Field(description="`add_…`")]
    context_sha256: Sha256
    to: Annotated[list[Handle], Field(description="The partners; of many, the first.")]
    partner_count: int
    to_cut: bool
    href: Href | None = None


class FreezeRequestPartnersRefusedData(FreezeRequestPartnersProposedData):
    """A lead refused to ask more partners."""


class FreezeRequestPartnersAddedData(FreezeRequestPartnersProposedData):
    """More partners are asked: each has its notice."""

    approvals: int
    quorum: int


# --- a leg ----------------------------------------------------------------------------------------


class LegDeliveredData(OfLeg):
    """The notice arrived: transport, and no human's word. The coordinator vouches for it."""

    delivered_at: Time
    arrival: Annotated[Arrival, Field(description="By what the coordinator knows.")]
    vouched_by: Annotated[str, Field(description='"coordinator": nobody signed it.')]


class LegAcknowledgedData(OfLeg):
    """The partner says that somebody has it."""


class LegUnderReviewData(OfLeg):
    """The partner looks into it, or again after it had declined or found nothing."""


class LegInfoRequestedData(OfLeg):
    """The partner asks something; with `late`, the requester let the time to reply pass."""

    info_request: Annotated[str, Field(description="`inf_…`")]
    reply_by: Time | None
    late: bool
    missing: Annotated[list[str] | None, Field(description="What is asked for, as codes.")] = None
    text: str | None = None
    evidence: Evidence


class LegInfoProvidedData(OfLeg):
    """The requester answered a question."""

    info_request: str
    text: str | None


class DeclinedFor(OfLeg):
    """Why a partner freezes nothing."""

    code: DeclineCode | None = None
    detail: str | None = None
    retry: Annotated[bool | None, Field(description="Ask again with what is missing.")] = None
    missing: list[str] | None = None
    next: Annotated[Next | None, Field(description="Where the funds went.")] = None
    left_at: Time | None = None
    report_id: Annotated[str | None, Field(description="The report that answered all.")] = None
    leg: "LegSums | None" = None
    why: Annotated[str | None, Field(description='"withdrawn": the rest was taken back.')] = None


class LegDeclinedData(DeclinedFor):
    """The partner declined, or answered every address with codes that come to it."""


class LegCannotSayData(DeclinedFor):
    """The partner may tell neither match nor no match; its clocks stop."""


class LegNoMatchData(DeclinedFor):
    """The partner answered every address, and has none of it."""


class LegWithdrawnData(OfLeg):
    """The request ended before anything was frozen on this leg."""


class Flagged(OfLeg):
    """A clock of the leg ran out."""

    flag: Flag


class LegOverdueData(Flagged):
    """Nobody acknowledged in time."""


class LegUnansweredData(Flagged):
    """Addresses are without an answer when the time for it is over."""

    answer_by: Time | None
    unanswered_count: int


class LegUndeliverableData(Flagged):
    """The notice was given up: a person must reach the partner another way."""


class LegLegalOrderAttachedData(OfRequest):
    """An authority's order is attached, by the partner that holds or by the authority that asks."""

    legal_order: Annotated[str, Field(description="`ord_…`")]
    attached_by: Handle
    document_sha256: Sha256 | None
    agency: str | None
    reference: str | None
    hold: Annotated[str | None, Field(description="Which hold; null: all of the leg's.")]
    answer_by: Annotated[Time | None, Field(description="The new time to answer, if it moved.")] = (
        None
    )
    requester_sequence: int | None = None
    evidence: Evidence


class OfLegalOrder(OfRequest):
    """About an order that was attached before."""

    legal_order: Annotated[str, Field(description="`ord_…`")]
    hold: Annotated[str | None, Field(description="Which hold; null: all of the leg's.")]
    requester_sequence: int | None = None


class LegLegalOrderCalledBackData(OfLegalOrder):
    """A member called the authority back about an order, and says what it heard."""

    outcome: CallBackOutcome
    called_at: Annotated[Time, Field(description="When it called.")]


class LegLegalOrderReviewDueData(OfLegalOrder):
    """An order's freeze period is over: whoever attached it reviews or lifts it; it stands."""

    review_at: Time


class LegLegalOrderReviewedData(OfLegalOrder):
    """Whoever attached an order looked again: it stands, until another look."""

    review_at: Time


class LegLegalOrderLiftedData(OfLegalOrder):
    """An order blocks nothing any more, by another document."""

    document_sha256: Sha256
    evidence: Evidence


class LegIndemnityGivenData(OfRequest):
    """The requester makes good what a wrong freeze costs, by the terms of a document."""

    indemnity: Annotated[str, Field(description="`ind_…`")]
    to: Annotated[Handle | None, Field(description="To whom; null: to all that are asked.")]
    cap: IndemnityCap | None
    law: str | None
    until: Time
    document_sha256: Sha256
    requester_sequence: int | None = None
    evidence: ActProof | None = None


class LegDisputedData(OfLeg):
    """The partner contests for a customer; with `recommended`, nobody answered in time."""

    dispute: Annotated[str, Field(description="`dsp_…`")]
    hold: Annotated[str | None, Field(description="Which hold; null: the whole leg.")]
    answer_by: Time
    recommended: Annotated[bool, Field(description="A release is recommended.")]
    reference: str | None = None
    text: str | None = None
    evidence: Evidence


class LegContestedData(OfLeg):
    """A customer elsewhere contests an account that this leg holds, too, or no longer does."""

    contested: bool
    address_nos: list[int]
    address_count: int
    address_nos_cut: bool


class LegDisputeResolvedData(OfLeg):
    """A dispute ended: upheld, rejected, or moot as nothing is held any more."""

    dispute: str
    hold: str | None
    resolution: Literal["upheld", "rejected", "moot"]
    text: str | None = None
    evidence: Evidence | None = None


class TaskTakenData(EventData):
    """Somebody has a task in hand; who it is, only colleagues read."""

    by: Annotated[Handle, Field(description="Whose person it is.")]
    act_id: ActRef
    task: Annotated[str, Field(description="`tsk_…`")]
    kind: TaskKind
    taken_at: Time
    request_id: str | None = None
    requester: Handle | None = None
    content_sha256: Sha256 | None = None
    tlp: Tlp | None = None
    sequence: int | None = None
    requester_sequence: int | None = None
    leg_id: str | None = None
    partner: Handle | None = None
    status: RequestStatus | LegStatus | None = None


class TaskPagedData(EventData):
    """The on-call people of a partner are paged about a task; whom, only colleagues read."""

    by: Annotated[Handle, Field(description="Whose people they are.")]
    task: Annotated[str, Field(description="`tsk_…`")]
    kind: TaskKind
    paged_at: Time
    request_id: str
    requester: Handle
    content_sha256: Sha256
    tlp: Tlp
    sequence: int
    requester_sequence: int | None = None
    leg_id: str | None = None
    partner: Handle | None = None
    status: RequestStatus | LegStatus


# --- freezes and holds ----------------------------------------------------------------------------


class LegSums(View):
    """How the leg stands after a report: its totals, or how many assets where they have no room."""

    status: LegStatus
    totals: Totals | None = None
    asset_count: int | None = None
    totals_cut: bool = False
    href: Href | None = None


class Report(OfLeg):
    """Lines of one kind of a report."""

    report_id: Annotated[
        str | None,
        Field(
            description="The act; absent where it was another request's, which you may not read."
        ),
    ] = None
    line_count: Annotated[int, Field(description="How many lines of this kind it has.")]
    lines: Annotated[list[LineView], Field(description="The first of them.")]
    lines_cut: Annotated[bool, Field(description="Whether more is in the ledger than here.")]
    href: Href | None = None
    leg: LegSums
    shared: Annotated[
        bool, Field(description="Written on another request, about a hold that counts here, too.")
    ] = False


class FreezeFoundData(Report):
    """The partner found so much."""


class FreezeFrozenData(Report):
    """The partner froze so much: each line opens a hold, adds to one, or shares one."""


class FreezeReleasedData(Report):
    """The partner let so much go."""


class FreezeReturnedData(Report):
    """The partner sent so much back."""


class FreezeSeizedData(Report):
    """An authority took so much."""


class FreezeKeptData(Report):
    """The partner keeps holds that owed an answer, and says on what ground."""


class FreezeCorrectedData(Report):
    """The partner corrects the amounts of earlier lines."""


class FreezeNothingData(Report):
    """The partner answers addresses with nothing, also on a leg that holds for others."""


class OfHold(OfLeg):
    """About one hold."""

    hold: Annotated[str, Field(description="`hld_…`")]


class HoldExpiringData(OfHold):
    """A hold ends soon (72, 24 and 2 h before), or is to be reviewed then."""

    hold_expires_at: Time
    seconds_left: int
    is_review: Annotated[bool, Field(description="The date only reminds: nothing lapses.")]


class HoldReviewDueData(OfHold):
    """Somebody should look at a hold again, e.g. as it took a whole account."""

    review_at: Time | None
    account_level: bool


class HoldExtensionRequestedData(OfHold):
    """The requester asks to hold longer; only the partner extends."""

    hold_expires_at: Annotated[Time, Field(description="Until when it is wished.")]
    reason: str | None
    evidence: Evidence


class HoldExtendedData(OfHold):
    """The partner set a later end, or another ground."""

    hold_expires_at: Time
    basis: HoldBasis
    before: Annotated[Time, Field(description="The end until now.")]


class OfEncumbrance(OfHold):
    """About a third party's claim on a hold."""

    encumbrance: Annotated[str, Field(description="`enc_…`")]


class HoldEncumberedData(OfEncumbrance):
    """A third party claims a hold, or a part: agree to nothing that would eat into it."""

    attached_by: Handle
    kind: EncumbranceKind
    amount: Annotated[str | None, Field(description="Base units; null: all of it.")]
    blocks: list[Blocked]
    order_sha256: Sha256
    review_at: Time | None
    evidence: Evidence


class HoldEncumbranceReviewDueData(OfEncumbrance):
    """A claim's date is past: whoever attached it reviews or lifts it; it blocks on."""

    review_at: Time


class HoldEncumbranceReviewedData(OfEncumbrance):
    """Whoever attached a claim looked again: it stands, until another look."""

    review_at: Time


class HoldEncumbranceLiftedData(OfEncumbrance):
    """A claim blocks nothing any more, by another document."""

    document_sha256: Sha256
    evidence: Evidence


class HoldLapsedData(OfHold):
    """A hold's end passed: only the partner knows what became of it, and owes an answer."""

    hold_expires_at: Time


class OwedHold(View):
    """A hold about which an answer is owed; `held` is null where the amount is withheld."""

    hold: str
    address_no: int
    asset: str
    held: str | None


class AnswerOwedData(OfLeg):
    """Holds owe a release, a return or `kept`; repeated until each is answered."""

    why: Annotated[str, Field(description='"withdrawn", "lapsed" or "unratified".')]
    hold_count: int
    holds: list[OwedHold]
    holds_cut: bool
    href: Href | None = None
    reason_code: WithdrawalReason | None = None


class ClearanceRef(View):
    """A clearance, and the address that it clears."""

    id: Annotated[str, Field(description="`clr_…`")]
    address_no: int


class ClearanceIssuedData(OfRequest):
    """Addresses were flagged by error: signed statements say so."""

    clearances: list[ClearanceRef]
    clearance_count: int
    clearances_cut: bool
    href: Annotated[str, Field(description="Where the statements are read.")]


class ClearanceRevokedData(OfRequest):
    """A clearance is taken back: the account counts as flagged again."""

    clearance: str
    address_no: int
    reason: str | None
    evidence: Evidence


# --- members and endpoints ------------------------------------------------------------------------


class GrantMadeData(EventData):
    """A partner gave a person, system, key, role or policy; `GET /v1/grants` has the proof."""

    grant_id: Annotated[str, Field(description="`grt_…`")]
    partner: Handle
    subject: Annotated[str | None, Field(description="To whom; null: to the organisation.")]
    owner: str | None
    roles: list[Role]
    kid: str | None
    replaces: Annotated[str | None, Field(description="The key that this one replaces.")]
    made_at: Time
    policy: Policy | None = None
    proposer: str | None = None
    approver: str | None = None


class GrantRevokedData(EventData):
    """Keys are no longer good, at once."""

    revocation_id: Annotated[str, Field(description="`rev_…`")]
    partner: Handle
    kids: list[str]
    subject: str | None
    compromised_since: Annotated[
        Time | None, Field(description="What they signed since then is in doubt.")
    ]
    evidence: Annotated[ActProof, Field(description="What proves it, as the partner signed it.")]


class PartnerJoinedData(EventData):
    """A partner became active, or is so again."""

    partner: Handle
    kind: PartnerKind
    root_kid: str
    status: PartnerStatus | None = None
    reinstated: bool = False


class PartnerSuspendedData(EventData):
    """A partner's keys are refused from now on, but about holds that it has."""

    partner: Handle
    kind: PartnerKind
    root_kid: str
    status: PartnerStatus


class LogRestoredData(EventData):
    """The coordinator went on from an older copy of itself; the log goes on where it was.

    Entries that it lacked stand in the log as they were, given back by members' monitors; what they
    said, it has no more. Look whether one of yours is among them, and send such acts again.
    """

    restored_at: Annotated[Time, Field(description="When the copy was put in place.")]
    copy_size: Annotated[int, Field(description="Entries of the log that the copy had.")]
    lost: Annotated[
        int, Field(description="So many entries from there on stand in the log and say nothing.")
    ]
    lost_types: Annotated[
        dict[str, int], Field(description="How many of each type, as the log has them.")
    ]
    lost_from: Annotated[Time | None, Field(description="When the first of them was logged.")] = (
        None
    )
    lost_until: Annotated[Time | None, Field(description="When the last was.")] = None
    checkpoint: Annotated[
        str | None, Field(description="The newest that anybody showed, which the log continues.")
    ] = None
    seq_from: Annotated[
        int | None,
        Field(description="Numbers of the feed from here on may have been told before, …"),
    ] = None
    seq_until: Annotated[
        int | None, Field(description="… up to this one; none of them is ever told again.")
    ] = None
    is_word_alone: Annotated[
        bool,
        Field(description="That nothing is missing, the operator says, and nobody's copy shows."),
    ] = False


class PartnerRootResetData(EventData):
    """A partner gets another root key: announced, taken over a day later, or stopped."""

    reset_id: Annotated[str, Field(description="`rst_…`")]
    partner: Handle
    status: Literal["announced", "done", "stopped"]
    old_root_kid: str
    new_root_kid: str
    effective_at: Time
    revocation_id: Annotated[str | None, Field(description="What stopped it.")] = None
    by: By | None = None
    why: str | None = None
    evidence: Annotated[
        ActProof | None, Field(description="What proves the revocation that stopped it.")
    ] = None


class PartnerNamesChangedData(EventData):
    """A lead changed what one of your own is called; which members, not what they say."""

    partner: Handle
    subject: str
    by: By
    changed: list[str]


class PartnerEncryptionKeySetData(EventData):
    """A lead chose what evidence is sealed to for their organisation from now on.

    `GET /v1/encryption-keys` has the act that proves it.
    """

    partner: Handle
    by: By
    kid: Annotated[str, Field(description="The key's thumbprint (RFC 7638).")]
    replaces: Annotated[str | None, Field(description="The key that was in force until now.")]


class _OfReturn(AboutRequest):
    """About a return request, for the requester and, once it is approved, for its partner."""

    return_request: Annotated[str, Field(description="`ret_…`")]
    return_status: Annotated[ReturnStatus, Field(description="As it stands now.")]
    to: Annotated[Handle, Field(description="The partner that is asked.")]
    asset: Annotated[str, Field(description="CAIP-19.")]
    asked_amount: Annotated[str, Field(description="Base units, or all.")]
    answer_by: Annotated[Time | None, Field(description="By when an answer is due.")] = None
    status: Annotated[RequestStatus | LegStatus, Field(description="Of the request or the leg.")]
    requester_sequence: Annotated[
        int | None, Field(description="Without gaps for the requester, where it is about the leg.")
    ] = None


class ReturnSubmittedData(_OfReturn):
    """Somebody of yours asks money back: another security lead approves it before it goes out."""


class ReturnOpenedData(_OfReturn):
    """The requester asks you to send back what you hold: verify the evidence, then answer."""

    holds: Annotated[
        Literal["all"] | list[str], Field(description="Which of your holds, or all.")
    ] = "all"
    destination: Annotated[ReturnDestination | None, Field(description="Where to.")] = None
    basis: Annotated[dict[str, Any] | None, Field(description="On what ground, as signed.")] = None
    evidence: Evidence


class ReturnEndedData(_OfReturn):
    """It is asked no more: rejected, withdrawn, expired or revoked. Send nothing for it."""

    evidence: Evidence | None = None


class ReturnAnsweredData(_OfReturn):
    """The partner accepted all or a part of it, or refused."""

    code: Annotated[ReturnCode | None, Field(description="Why it was refused.")] = None
    text: str | None = None
    accepted: Annotated[str, Field(description="Base units, without withheld amounts.")]
    because: Annotated[str | None, Field(description="What prevailed.")] = None
    evidence: Evidence


class ReturnSuspendedData(_OfReturn):
    """Something stands in the way of what was accepted: send nothing of it until it goes on."""

    because: Annotated[str | None, Field(description="The dispute or the claim.")]


class ReturnResumedData(_OfReturn):
    """Nothing stands in the way of what was accepted any more."""


class ReturnReceivedData(_OfReturn):
    """The requester says that what was sent arrived, or that it did not."""

    received: Annotated[bool, Field(description="Whether all that was sent arrived.")]
    amount: Annotated[str, Field(description="How much the partner's lines say was sent.")]
    text: str | None = None
    evidence: Evidence


class _DestinationData(EventData):
    """What is told of an account that money may be sent back to, to its own member alone."""

    partner: Handle
    by: By
    destination: Annotated[str, Field(description="The destination (`dst_…`).")]
    destination_status: Annotated[DestinationStatus, Field(description="As it stands now.")]
    account: Annotated[str | None, Field(description="CAIP-10; null: it was erased.")]
    tag: Annotated[str | None, Field(description="Its tag or payment id, where it has one.")]
    usable_at: Annotated[Time | None, Field(description="From when on it may be used.")]


class DestinationProposedData(_DestinationData):
    """One of your own names an account of yours that money may be sent back to.

    Another security lead approves it, or nothing is sent there: compare it with your own books.
    """


class DestinationRegisteredData(_DestinationData):
    """Another person approved a destination; it is used from `usable_at` on, once it is proven.

    If it is not yours, close it at once: `holdfast destination close`.
    """


class DestinationProvenData(_DestinationData):
    """A person of yours confirmed that a test transfer to a destination arrived."""


class DestinationClosedData(_DestinationData):
    """A destination was closed or rejected: nothing more is asked for to it."""


class RulebookPublishedData(EventData):
    """The operator published the network's rulebook, or another edition of it.

    From `in_force_from` on every request names its hash, and is refused unless the requester has
    accepted it: `holdfast rulebook accept`.
    """

    rulebook_sha256: Annotated[Sha256, Field(description="Of the text's exact bytes.")]
    published_at: Annotated[Time, Field(description="When the operator published it.")]
    in_force_from: Annotated[Time, Field(description="From when on requests name it.")]
    href: Annotated[str, Field(description="Where it is read; anybody may.")]


class RulebookAcceptedData(EventData):
    """One of your own accepted an edition of the rulebook for your organisation."""

    partner: Handle
    by: By
    rulebook_sha256: Annotated[Sha256, Field(description="Of the text's exact bytes.")]


_DocumentHash = Annotated[
    Sha256 | None, Field(description="Of the document that it rests on; null where none is named.")
]


class GatewayDeclaredData(EventData):
    """A member declared on what ground it tells amounts; it counts once the operator verified it.

    Its list says so by `verified_until`: `holdfast gateway list`.
    """

    gateway_id: Annotated[str, Field(description="`gtw_…`")]
    partner: Handle
    gateway: Gateway
    document_sha256: _DocumentHash
    by: By


class GatewayVerifiedData(EventData):
    """The operator verified a member's gateway: from now on it counts, until `verified_until`.

    Where both sides of a leg have one in common, amounts are told on it.
    """

    gateway_id: Annotated[str, Field(description="`gtw_…`")]
    partner: Handle
    gateway: Gateway
    document_sha256: _DocumentHash
    verified_on: Annotated[Time, Field(description="When the operator looked.")]
    verified_until: Annotated[Time, Field(description="From then on it counts no more.")]


class GatewayEndedData(EventData):
    """A member withdrew a gateway, or the operator no longer vouches for it: it counts no more.

    What was told under it stays told; later lines follow what both sides still have in common.
    """

    gateway_id: Annotated[str, Field(description="`gtw_…`")]
    partner: Handle
    gateway: Gateway
    document_sha256: _DocumentHash
    by: Annotated[
        str | None, Field(description="Who of the member withdrew it; null: the operator ended it.")
    ]


class RestitutionData(EventData):
    """What every event about a restitution has."""

    restitution: Annotated[str, Field(description="`rst_…`")]
    incident: Annotated[str, Field(description="`inc_…`")]
    opener: Annotated[Handle, Field(description="Who gives back.")]
    content_sha256: Annotated[Sha256, Field(description="Of the restitution's exact document.")]
    by: By
    act_id: ActRef


class RestitutionOpenedData(RestitutionData):
    """Your organisation began to give back what was recovered of an incident."""

    asset: Annotated[str, Field(description="In which victims are paid, CAIP-19.")]
    key_theft: Annotated[bool, Field(description="True: no signature proves a claim.")]
    claims_close_at: Time
    objections_until: Time


class RestitutionPoolChangedData(RestitutionData):
    """Something came into the pool or left it; the sums are those after it."""

    line_count: int
    pool: dict[str, PoolSumsView]


class RestitutionClaimsFiledData(RestitutionData):
    """Claims were filed; whoever filed them hears of it, and the opener."""

    filed_by: Handle
    claim_count: int
    double_count: Annotated[int, Field(description="Those that name what another names, too.")]
    late: bool


class RestitutionClaimDecidedData(RestitutionData):
    """A claim was verified, once or by two, or rejected; whoever filed it hears of it, too."""

    claim: Annotated[str, Field(description="`clm_…`")]
    filed_by: Handle
    decision: Literal["verify", "reject"]
    status: ClaimStatus
    code: ClaimRejection | None = None


class RestitutionClaimContestedData(RestitutionData):
    """A decision on a claim is contested, by its filer or its claimant: decide it anew."""

    claim: Annotated[str, Field(description="`clm_…`")]
    filed_by: Handle
    status: ClaimStatus
    unverified: Annotated[
        Literal[True] | None,
        Field(description="True: the claimant said it by their link, and nobody signed it."),
    ] = None
    objection_sha256: Annotated[
        Sha256 | None, Field(description="Of what the claimant said, where nobody signed it.")
    ] = None


class RestitutionPayoutChangeProposedData(RestitutionData):
    """A claim is to be paid to another account: nothing is paid on it until that is settled."""

    claim: Annotated[str, Field(description="`clm_…`")]
    change: Annotated[str, Field(description="`poc_…`")]
    act_sha256: Annotated[Sha256, Field(description="Of the exact body that proposes it.")]
    filed_by: Handle


class RestitutionPayoutChangeDecidedData(RestitutionData):
    """Another person approved the account, which holds from then on; or it was rejected."""

    claim: Annotated[str, Field(description="`clm_…`")]
    change: Annotated[str, Field(description="`poc_…`")]
    filed_by: Handle
    decision: Literal["approve", "reject"]
    in_force_at: Annotated[
        Time | None, Field(description="From when on it is paid there; null where rejected.")
    ] = None


class RestitutionAllocationProposedData(RestitutionData):
    """Somebody says who is to get how much: two others approve it, by its hash."""

    allocation: Annotated[str, Field(description="`alo_…`")]
    act_sha256: Annotated[Sha256, Field(description="Of the allocation's exact document.")]
    given: Annotated[str, Field(description="The sum of its parts, base units.")]
    method: Literal["pro_rata", "schedule"]
    claim_count: int


class RestitutionAllocationDecidedData(RestitutionData):
    """An allocation was approved, once or by two, or rejected."""

    allocation: Annotated[str, Field(description="`alo_…`")]
    act_sha256: Annotated[Sha256, Field(description="Of the allocation's exact document.")]
    given: Annotated[str, Field(description="The sum of its parts, base units.")]
    decision: Literal["approve", "reject"]
    status: AllocationStatus


class RestitutionPayoutsRecordedData(RestitutionData):
    """Payouts were made, or did not arrive."""

    paid: Annotated[int, Field(description="How many were paid.")]
    failed: Annotated[int, Field(description="How many did not arrive.")]


class RestitutionClosedData(RestitutionData):
    """A restitution is over; what nobody claimed goes where its document says."""

    unclaimed: Annotated[dict[str, str], Field(description="Base units by asset.")]


class RestitutionLinksMadeData(RestitutionData):
    """Claims have new secret links; whoever filed them hears of it, and the opener."""

    filed_by: Handle
    link_count: int
    expires_at: Time


class RestitutionLinksRevokedData(RestitutionData):
    """Secret links of claims open nothing any more."""

    filed_by: Handle
    link_count: Annotated[int, Field(description="How many were good until now.")]


class EvidenceSealedData(EventData):
    """A file was sealed to you, or one of yours to more partners; nobody else hears of it.

    Its name and content are in the ciphertext: open it with `holdfast evidence open`.
    """

    request_id: Annotated[str, Field(description="`frq_…`")]
    drill: Drill = False
    requester: Handle
    content_sha256: Annotated[Sha256, Field(description="Of the exact submitted body.")]
    sealed_evidence: Annotated[str, Field(description="`sev_…`")]
    author: Annotated[Handle, Field(description="Whose evidence it is.")]
    partner: Annotated[Handle, Field(description="Whose act it was: the author, or who shares it.")]
    by: By
    tlp: Annotated[Tlp, Field(description="Traffic Light Protocol 2.0, of the evidence.")]
    size: Annotated[int, Field(description="Bytes of the ciphertext.")]
    sha256: Annotated[Sha256, Field(description="Of the ciphertext.")]
    recipients: Annotated[list[Handle], Field(description="Who can open it; of many, the first.")]
    recipient_count: Annotated[int, Field(description="How many can.")]
    added: Annotated[list[Handle], Field(description="Those who can from now on, likewise.")]
    href: Annotated[str, Field(description="Where it is read, with the acts that seal it.")]


class OfGuest(AboutRequest):
    """About an organisation that is asked and is no member: nothing of it is verified."""

    status: RequestStatus
    guest: Annotated[str, Field(description="`gst_…`")]
    domain: Annotated[Handle, Field(description="Who was asked; an IDN as A-labels.")]
    unverified: Annotated[Literal[True], Field(description="Nobody signed what it says.")]


class GuestAskedData(OfGuest):
    """A lead asked an organisation that is no member."""

    answer_by: Annotated[Time, Field(description="By when an answer is asked for; none is owed.")]


class GuestContactedData(OfGuest):
    """The mail with the link went to the security contact that the organisation publishes."""


class GuestUnreachableData(OfGuest):
    """It was not reached: a person must, another way."""

    reason: Annotated[str, Field(description="Why, for programs, e.g. `no_mailbox`.")]


class GuestAnsweredData(OfGuest):
    """Whoever reads the mailbox of its security contact answered; nobody signed it.

    It is in no sum and in no ledger.
    """

    answer: Annotated[GuestAnswer, Field(description="What it said.")]
    code: Annotated[DeclineCode | None, Field(description="Why it declined.")]
    line_count: Annotated[int, Field(description="Of how many lines it consists.")]
    lines: Annotated[list[GuestLineView], Field(description="The first of them.")]
    lines_cut: Annotated[bool, Field(description="Whether there are more lines than here.")]
    answer_sha256: Annotated[Sha256, Field(description="Of the whole answer, as in the list.")]
    href: Annotated[str, Field(description="Where all of it is read.")]


class GuestJoinedData(OfGuest):
    """The organisation is a member now, and answers on a leg of its own from here on."""

    leg: Annotated[str | None, Field(description="`leg_…`; null where it cannot be asked.")]


class DataSubjectReceivedData(EventData):
    """A person asks for a right under data-protection law, about an account that is flagged.

    It goes to whoever passed it on, and to the requester of each freeze request that is concerned,
    and reads the same whether there is any. What is yours of it, you read at `href`.
    """

    data_subject_request: Annotated[str, Field(description="`dsr_…`")]
    kind: Annotated[DataSubjectKind, Field(description="What the person asks for.")]
    received_at: Annotated[Time, Field(description="When the letter came.")]
    due_at: Annotated[Time, Field(description="Until when a requester answers the person.")]
    href: Annotated[str, Field(description="Where what is yours of it is read.")]


class OfDataSubject(AboutRequest):
    """About what a person asks in regard of one freeze request."""

    status: RequestStatus | LegStatus
    data_subject_request: Annotated[str, Field(description="`dsr_…`")]
    kind: Annotated[DataSubjectKind, Field(description="What the person asks for.")]
    due_at: Annotated[Time, Field(description="Until when the person is answered.")]


class DataSubjectAnsweredData(OfDataSubject):
    """The requester granted or refused what a person asks, or takes longer for it.

    A partner hears of it where it passed the letter on itself.
    """

    decision: Annotated[DataSubjectDecision, Field(description="What was decided.")]
    reason: Annotated[DataSubjectReason | None, Field(description="Why, by a code.")]


class DataSubjectOverdueData(OfDataSubject):
    """The time is over, and no decision was signed: answer the person now."""


class EndpointTestData(EventData):
    """You had a test sent to one endpoint."""

    endpoint_id: Annotated[str, Field(description="`wep_…`")]
    by: By


class EndpointFailingData(EventData):
    """One of your endpoints has taken nothing for a while; what it is owed is in the feed."""

    endpoint_id: Annotated[str, Field(description="`wep_…`")]
    failing_since: Time


class EndpointDisabledData(EventData):
    """One of your endpoints was turned off, for its server said that it is gone for good (410).

    What it was owed is in the feed. Once it is turned on again, `replay` sends it.
    """

    endpoint_id: Annotated[str, Field(description="`wep_…`")]
    gone_at: Annotated[Time, Field(description="When its server said so.")]
    reason: Literal["gone"]
    given_up: Annotated[int, Field(description="How many deliveries it was owed.")]


class DepositLine(View):
    """A deposit that an event names, and what it became."""

    no: Annotated[int, Field(description="In the request's document.")]
    deposit_status: DepositStatus


class AboutRecovery(EventData):
    """What every event about a recovery request has."""

    recovery_id: Annotated[str, Field(description="`rcv_…`")]
    drill: Drill = False
    requester: Annotated[Handle, Field(description="Who asks for deposits back.")]
    partner: Annotated[Handle, Field(description="Who is asked.")]
    content_sha256: Annotated[Sha256, Field(description="Of the exact submitted body.")]
    recovery_status: RecoveryStatus
    by: By


class RecoverySubmittedData(AboutRecovery):
    """Somebody of yours submitted a recovery request; another person decides on it."""

    act_id: ActRef
    deposit_count: int
    approve_by: Time


class RecoveryApprovedData(AboutRecovery):
    """Another person of yours approved a recovery request: it went out."""

    act_id: ActRef


class RecoveryReceivedData(AboutRecovery):
    """A member asks you to give back deposits that went to the wrong place."""

    deposit_count: int
    due_at: Annotated[Time, Field(description="By then each should have an answer.")]
    href: Href
    evidence: Evidence


class RecoveryEndedData(AboutRecovery):
    """A recovery request ended before it went out: rejected or withdrawn."""

    act_id: ActRef


class _DepositsSpokenOf(AboutRecovery):
    act_id: ActRef
    line_count: Annotated[int, Field(description="How many deposits are spoken of.")]
    deposits: Annotated[list[DepositLine], Field(description="The first of them.")]
    deposits_cut: Annotated[bool, Field(description="True: there are more, to be read at `href`.")]
    awaits_partner: Annotated[int, Field(description="Deposits that wait for the partner asked.")]
    awaits_requester: Annotated[int, Field(description="Deposits that wait for the requester.")]
    due_at: Annotated[Time | None, Field(description="When the next of them is due.")]
    href: Href
    evidence: Evidence


class RecoveryAnsweredData(_DepositsSpokenOf):
    """The partner asked said what it found, needs, declines or returned."""


class RecoveryRepliedData(_DepositsSpokenOf):
    """The requester supplied, confirmed, contested or withdrew deposits."""


# --- the table ------------------------------------------------------------------------------------


class Audience(StrEnum):
    """Whom an event goes to."""

    REQUESTER = "requester"
    ASKED = "asked"  # the partners asked, or the one whose leg it is about
    MEMBERS = "members"  # all of them
    OWN = "own"  # its own organisation alone


#: The same in words.
AUDIENCES: Mapping[Audience, str] = MappingProxyType(
    {
        Audience.REQUESTER: "the requester",
        Audience.ASKED: "the partner asked",
        Audience.MEMBERS: "all members",
        Audience.OWN: "your own organisation",
    }
)


class EventKind(NamedTuple):
    """What a kind of event tells, and whom; the docstring of `data` says when it comes."""

    data: type[EventData]
    audience: tuple[Audience, ...]


_REQUESTER, _ASKED = (Audience.REQUESTER,), (Audience.ASKED,)
_BOTH = (Audience.REQUESTER, Audience.ASKED)
_MEMBERS, _OWN = (Audience.MEMBERS,), (Audience.OWN,)

EVENTS: Mapping[EventType, EventKind] = MappingProxyType(
    {
        EventType.REQUEST_RECEIVED: EventKind(FreezeRequestReceivedData, _ASKED),
        EventType.REQUEST_SUBMITTED: EventKind(FreezeRequestSubmittedData, _REQUESTER),
        EventType.REQUEST_APPROVED: EventKind(FreezeRequestApprovedData, _REQUESTER),
        EventType.REQUEST_REJECTED: EventKind(FreezeRequestRejectedData, _REQUESTER),
        EventType.REQUEST_RATIFIED: EventKind(FreezeRequestRatifiedData, _BOTH),
        EventType.REQUEST_UNRATIFIED: EventKind(FreezeRequestUnratifiedData, _BOTH),
        EventType.REQUEST_WITHDRAWAL_PROPOSED: EventKind(
            FreezeRequestWithdrawalProposedData, _BOTH
        ),
        EventType.REQUEST_WITHDRAWAL_REFUSED: EventKind(FreezeRequestWithdrawalRefusedData, _BOTH),
        EventType.REQUEST_WITHDRAWN: EventKind(FreezeRequestWithdrawnData, _BOTH),
        EventType.REQUEST_EXPIRED: EventKind(FreezeRequestExpiredData, _REQUESTER),
        EventType.REQUEST_CLOSED: EventKind(FreezeRequestClosedData, _BOTH),
        EventType.REQUEST_ERASURE_PROPOSED: EventKind(FreezeRequestErasureProposedData, _REQUESTER),
        EventType.REQUEST_ERASED: EventKind(FreezeRequestErasedData, _BOTH),
        EventType.REQUEST_SUPPORT_RAISED: EventKind(FreezeRequestSupportRaisedData, _BOTH),
        EventType.REQUEST_FLAGS_RENEWED: EventKind(FreezeRequestFlagsRenewedData, _BOTH),
        EventType.REQUEST_SAME_FUNDS: EventKind(FreezeRequestSameFundsMarkedData, _REQUESTER),
        EventType.REQUEST_PARTNERS_PROPOSED: EventKind(
            FreezeRequestPartnersProposedData, _REQUESTER
        ),
        EventType.REQUEST_PARTNERS_REFUSED: EventKind(FreezeRequestPartnersRefusedData, _REQUESTER),
        EventType.REQUEST_PARTNERS_ADDED: EventKind(FreezeRequestPartnersAddedData, _REQUESTER),
        EventType.LEG_DELIVERED: EventKind(LegDeliveredData, _BOTH),
        EventType.LEG_ACKNOWLEDGED: EventKind(LegAcknowledgedData, _BOTH),
        EventType.LEG_UNDER_REVIEW: EventKind(LegUnderReviewData, _BOTH),
        EventType.LEG_INFO_REQUESTED: EventKind(LegInfoRequestedData, _BOTH),
        EventType.LEG_INFO_PROVIDED: EventKind(LegInfoProvidedData, _BOTH),
        EventType.LEG_DECLINED: EventKind(LegDeclinedData, _BOTH),
        EventType.LEG_NO_MATCH: EventKind(LegNoMatchData, _BOTH),
        EventType.LEG_CANNOT_SAY: EventKind(LegCannotSayData, _BOTH),
        EventType.LEG_WITHDRAWN: EventKind(LegWithdrawnData, _BOTH),
        EventType.LEG_OVERDUE: EventKind(LegOverdueData, _BOTH),
        EventType.LEG_UNANSWERED: EventKind(LegUnansweredData, _BOTH),
        EventType.LEG_UNDELIVERABLE: EventKind(LegUndeliverableData, _BOTH),
        EventType.LEG_DISPUTED: EventKind(LegDisputedData, _BOTH),
        EventType.LEG_CONTESTED: EventKind(LegContestedData, _BOTH),
        EventType.LEG_DISPUTE_RESOLVED: EventKind(LegDisputeResolvedData, _BOTH),
        EventType.LEG_LEGAL_ORDER: EventKind(LegLegalOrderAttachedData, _BOTH),
        EventType.LEG_LEGAL_ORDER_CALLED_BACK: EventKind(LegLegalOrderCalledBackData, _BOTH),
        EventType.LEG_LEGAL_ORDER_REVIEW_DUE: EventKind(LegLegalOrderReviewDueData, _BOTH),
        EventType.LEG_LEGAL_ORDER_REVIEWED: EventKind(LegLegalOrderReviewedData, _BOTH),
        EventType.LEG_LEGAL_ORDER_LIFTED: EventKind(LegLegalOrderLiftedData, _BOTH),
        EventType.LEG_INDEMNITY_GIVEN: EventKind(LegIndemnityGivenData, _BOTH),
        EventType.FREEZE_NOTHING: EventKind(FreezeNothingData, _BOTH),
        EventType.FREEZE_FOUND: EventKind(FreezeFoundData, _BOTH),
        EventType.FREEZE_FROZEN: EventKind(FreezeFrozenData, _BOTH),
        EventType.FREEZE_RELEASED: EventKind(FreezeReleasedData, _BOTH),
        EventType.FREEZE_RETURNED: EventKind(FreezeReturnedData, _BOTH),
        EventType.FREEZE_SEIZED: EventKind(FreezeSeizedData, _BOTH),
        EventType.FREEZE_KEPT: EventKind(FreezeKeptData, _BOTH),
        EventType.FREEZE_CORRECTED: EventKind(FreezeCorrectedData, _BOTH),
        EventType.HOLD_EXPIRING: EventKind(HoldExpiringData, _BOTH),
        EventType.HOLD_REVIEW_DUE: EventKind(HoldReviewDueData, _BOTH),
        EventType.HOLD_EXTENSION_REQUESTED: EventKind(HoldExtensionRequestedData, _BOTH),
        EventType.HOLD_EXTENDED: EventKind(HoldExtendedData, _BOTH),
        EventType.HOLD_ENCUMBERED: EventKind(HoldEncumberedData, _BOTH),
        EventType.HOLD_ENCUMBRANCE_REVIEW_DUE: EventKind(HoldEncumbranceReviewDueData, _BOTH),
        EventType.HOLD_ENCUMBRANCE_REVIEWED: EventKind(HoldEncumbranceReviewedData, _BOTH),
        EventType.HOLD_ENCUMBRANCE_LIFTED: EventKind(HoldEncumbranceLiftedData, _BOTH),
        EventType.HOLD_LAPSED: EventKind(HoldLapsedData, _BOTH),
        EventType.ANSWER_OWED: EventKind(AnswerOwedData, _BOTH),
        EventType.CLEARANCE_ISSUED: EventKind(ClearanceIssuedData, _BOTH),
        EventType.CLEARANCE_REVOKED: EventKind(ClearanceRevokedData, _BOTH),
        EventType.GRANT_MADE: EventKind(GrantMadeData, _MEMBERS),
        EventType.GRANT_REVOKED: EventKind(GrantRevokedData, _MEMBERS),
        EventType.PARTNER_JOINED: EventKind(PartnerJoinedData, _MEMBERS),
        EventType.PARTNER_SUSPENDED: EventKind(PartnerSuspendedData, _MEMBERS),
        EventType.PARTNER_ROOT_RESET: EventKind(PartnerRootResetData, _MEMBERS),
        EventType.PARTNER_NAMES_CHANGED: EventKind(PartnerNamesChangedData, _OWN),
        EventType.PARTNER_ENCRYPTION_KEY_SET: EventKind(PartnerEncryptionKeySetData, _MEMBERS),
        EventType.RULEBOOK_PUBLISHED: EventKind(RulebookPublishedData, _MEMBERS),
        EventType.RULEBOOK_ACCEPTED: EventKind(RulebookAcceptedData, _OWN),
        EventType.RETURN_SUBMITTED: EventKind(ReturnSubmittedData, _REQUESTER),
        EventType.RETURN_OPENED: EventKind(ReturnOpenedData, _BOTH),
        EventType.RETURN_ENDED: EventKind(ReturnEndedData, _BOTH),
        EventType.RETURN_ANSWERED: EventKind(ReturnAnsweredData, _BOTH),
        EventType.RETURN_SUSPENDED: EventKind(ReturnSuspendedData, _BOTH),
        EventType.RETURN_RESUMED: EventKind(ReturnResumedData, _BOTH),
        EventType.RETURN_RECEIVED: EventKind(ReturnReceivedData, _BOTH),
        EventType.GATEWAY_DECLARED: EventKind(GatewayDeclaredData, _MEMBERS),
        EventType.GATEWAY_VERIFIED: EventKind(GatewayVerifiedData, _MEMBERS),
        EventType.GATEWAY_ENDED: EventKind(GatewayEndedData, _MEMBERS),
        EventType.DESTINATION_PROPOSED: EventKind(DestinationProposedData, _OWN),
        EventType.DESTINATION_REGISTERED: EventKind(DestinationRegisteredData, _OWN),
        EventType.DESTINATION_PROVEN: EventKind(DestinationProvenData, _OWN),
        EventType.DESTINATION_CLOSED: EventKind(DestinationClosedData, _OWN),
        EventType.RESTITUTION_OPENED: EventKind(RestitutionOpenedData, _OWN),
        EventType.RESTITUTION_POOL_CHANGED: EventKind(RestitutionPoolChangedData, _OWN),
        EventType.RESTITUTION_CLAIMS_FILED: EventKind(RestitutionClaimsFiledData, _OWN),
        EventType.RESTITUTION_CLAIM_DECIDED: EventKind(RestitutionClaimDecidedData, _OWN),
        EventType.RESTITUTION_CLAIM_CONTESTED: EventKind(RestitutionClaimContestedData, _OWN),
        EventType.RESTITUTION_PAYOUT_CHANGE_PROPOSED: EventKind(
            RestitutionPayoutChangeProposedData, _OWN
        ),
        EventType.RESTITUTION_PAYOUT_CHANGE_DECIDED: EventKind(
            RestitutionPayoutChangeDecidedData, _OWN
        ),
        EventType.RESTITUTION_ALLOCATION_PROPOSED: EventKind(
            RestitutionAllocationProposedData, _OWN
        ),
        EventType.RESTITUTION_ALLOCATION_DECIDED: EventKind(RestitutionAllocationDecidedData, _OWN),
        EventType.RESTITUTION_PAYOUTS_RECORDED: EventKind(RestitutionPayoutsRecordedData, _OWN),
        EventType.RESTITUTION_CLOSED: EventKind(RestitutionClosedData, _OWN),
        EventType.RESTITUTION_LINKS_MADE: EventKind(RestitutionLinksMadeData, _OWN),
        EventType.RESTITUTION_LINKS_REVOKED: EventKind(RestitutionLinksRevokedData, _OWN),
        EventType.LOG_RESTORED: EventKind(LogRestoredData, _MEMBERS),
        EventType.EVIDENCE_SEALED: EventKind(EvidenceSealedData, _BOTH),
        EventType.RECOVERY_SUBMITTED: EventKind(RecoverySubmittedData, _REQUESTER),
        EventType.RECOVERY_APPROVED: EventKind(RecoveryApprovedData, _REQUESTER),
        EventType.RECOVERY_RECEIVED: EventKind(RecoveryReceivedData, _ASKED),
        EventType.RECOVERY_ENDED: EventKind(RecoveryEndedData, _REQUESTER),
        EventType.RECOVERY_ANSWERED: EventKind(RecoveryAnsweredData, _BOTH),
        EventType.RECOVERY_REPLIED: EventKind(RecoveryRepliedData, _BOTH),
        EventType.TASK_TAKEN: EventKind(TaskTakenData, _BOTH),
        EventType.TASK_PAGED: EventKind(TaskPagedData, _BOTH),
        EventType.GUEST_ASKED: EventKind(GuestAskedData, _REQUESTER),
        EventType.GUEST_CONTACTED: EventKind(GuestContactedData, _REQUESTER),
        EventType.GUEST_UNREACHABLE: EventKind(GuestUnreachableData, _REQUESTER),
        EventType.GUEST_ANSWERED: EventKind(GuestAnsweredData, _REQUESTER),
        EventType.GUEST_JOINED: EventKind(GuestJoinedData, _REQUESTER),
        EventType.DATA_SUBJECT_RECEIVED: EventKind(DataSubjectReceivedData, _BOTH),
        EventType.DATA_SUBJECT_ANSWERED: EventKind(DataSubjectAnsweredData, _BOTH),
        EventType.DATA_SUBJECT_OVERDUE: EventKind(DataSubjectOverdueData, _REQUESTER),
        EventType.ENDPOINT_TEST: EventKind(EndpointTestData, _OWN),
        EventType.ENDPOINT_FAILING: EventKind(EndpointFailingData, _OWN),
        EventType.ENDPOINT_DISABLED: EventKind(EndpointDisabledData, _OWN),
    }
)
#: Events that ask something of their reader on somebody's word: they carry what proves it, or link
#: it; on `by` of the coordinator's there is nobody's signature.
OBLIGING = frozenset(
    {
        EventType.REQUEST_RECEIVED,
        EventType.REQUEST_RATIFIED,
        EventType.REQUEST_WITHDRAWAL_PROPOSED,
        EventType.REQUEST_WITHDRAWN,
        EventType.REQUEST_SUPPORT_RAISED,
        EventType.REQUEST_FLAGS_RENEWED,
        EventType.LEG_INFO_REQUESTED,
        EventType.LEG_DISPUTED,
        EventType.LEG_DISPUTE_RESOLVED,
        EventType.LEG_LEGAL_ORDER,
        EventType.LEG_LEGAL_ORDER_LIFTED,
        EventType.LEG_INDEMNITY_GIVEN,
        EventType.HOLD_EXTENSION_REQUESTED,
        EventType.HOLD_ENCUMBERED,
        EventType.HOLD_ENCUMBRANCE_LIFTED,
        EventType.RETURN_OPENED,
        EventType.RETURN_ANSWERED,
        EventType.RETURN_RECEIVED,
        EventType.CLEARANCE_REVOKED,
        EventType.RECOVERY_RECEIVED,
        EventType.RECOVERY_ANSWERED,
        EventType.RECOVERY_REPLIED,
    }
)


def samples() -> Mapping[str, Mapping[str, Any]]:
    """Return a body of every kind, as a run between exchanges that do not exist made it."""
    text = files("holdfast.protocol").joinpath("event_samples.json").read_bytes()
    found: dict[str, Mapping[str, Any]] = strict_json.loads(text)
    return found
