"""What the coordinator answers: one pydantic model for every answer of the API.

Readers ignore members that they do not know, so that the coordinator may add some; times are RFC
3339 UTC, amounts decimal strings of base units keyed or accompanied by their CAIP-19 asset.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from holdfast.protocol.payloads import AmountText, Handle, Sha256, Time, Usd
from holdfast.protocol.tasks import Strip, TaskKind
from holdfast.protocol.vocabulary import (
    Decision,
    ErasureReason,
    EvidenceKind,
    FreezesOn,
    HoldBasis,
    InterestKind,
    Irregular,
    KeptBasis,
    LegStatus,
    LineKind,
    PartnerKind,
    PartnerStatus,
    RequestStatus,
    Role,
    Silence,
    Support,
    Tlp,
    Urgency,
    WaitsBecause,
    WarningCode,
    Weekday,
    WithdrawalReason,
)

T = TypeVar("T")
#: A sum of amounts may outgrow the 78 digits of one.
SumText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,99})$")]
UsdText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,29})\.[0-9]{2}$")]


class View(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class FieldError(View):
    """One fault: in a body by JSON pointer (RFC 6901), in a query by the parameter's name."""

    pointer: str | None = None
    parameter: str | None = None
    detail: str
    code: str | None = None

    @property
    def place(self) -> str:
        """Where the fault is, for people; empty where it is the whole document."""
        return self.pointer or "" if self.parameter is None else f"parameter {self.parameter}"


class Problem(View):
    """RFC 9457; `code` is stable, `title` is for people.

    `errors` lists 1,000 faults at most; `error_count` says how many there are. `reason` says why
    nobody was authenticated; a sandbox alone tells.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[FieldError] = []
    error_count: int | None = None
    request_id: str | None = None
    reason: str | None = None
    current_status: str | None = None
    erased: "ErasedView | None" = None


class ErasedView(View):
    """What is known of a request whose words are erased."""

    id: str
    erasure: str
    erased_at: Time
    by: str
    reason: ErasureReason
    leaf_index: int | None
    requester: Handle
    content_sha256: Sha256
    status: RequestStatus
    submitted_at: Time
    ended_at: Time | None
    address_count: int
    partners_asked: int
    drill: bool = False


class LogEntry(View):
    """Where an act stands in the transparency log."""

    leaf_index: int
    leaf_id: str
    type: str
    at: Time
    commitment: Sha256
    tags: str = ""
    salt: str | None = None
    proof: str | None = None


class UsdTotals(View):
    """What the amounts beside it are stated to be worth in US dollars.

    Lines that state no value are not in it; a sum of which none does is null, not 0. What is held
    is valued as stated when it was frozen.
    """

    found: UsdText | None = None
    frozen: UsdText | None = None
    held: UsdText | None = None
    released: UsdText | None = None
    returned: UsdText | None = None
    seized: UsdText | None = None


class AssetTotals(View):
    """Sums of one asset over distinct holds, base units.

    `held = frozen - released - returned - seized`; `usd` where values were stated. `unvalued`
    counts what states an amount and no value: what was found for an address, and holds.
    `same_funds` is what holds have that are left out: another partner holds the same tokens, and
    its hold counts; what was found is less by what they froze.
    """

    found: SumText = "0"
    frozen: SumText = "0"
    held: SumText = "0"
    released: SumText = "0"
    returned: SumText = "0"
    seized: SumText = "0"
    withheld: int = 0
    same_funds: SumText | None = None
    usd: UsdTotals | None = None
    unvalued: int = 0


Totals = dict[str, AssetTotals]


class AssetUnit(View):
    """How an asset's amounts are shown to people; `decimals`: base units in one, power of ten."""

    symbol: str
    decimals: int


#: By CAIP-19 id; an asset of which the coordinator knows no decimals is not in it.
Units = dict[str, AssetUnit]


class AddressWarning(View):
    """Something that may be wrong with flagged addresses.

    Approving means accepting it with a reason. A warning that names `requests` is about those and
    stays with the requester: it is accepted by signing the decision context in which it stands, and
    an approval whose `warnings_accepted` names it is refused.
    """

    code: WarningCode
    address_nos: list[int]
    detail: str
    requests: list[str] = []


class AcceptedWarning(View):
    """A warning that an approval accepted, on which addresses, and why."""

    code: WarningCode
    address_nos: Literal["all"] | list[int]
    reason: str


class ApprovalView(View):
    """One lead's decision.

    `left_out`: the addresses that it keeps from going out (`except`); `warnings_accepted`: what may
    be wrong with the others, and why they were approved all the same.
    """

    id: str
    decision: Decision
    person: str
    kid: str
    at: Time
    comment: str | None = None
    context_sha256: Sha256
    left_out: list[int] = []
    warnings_accepted: list[AcceptedWarning] = []


class TaskView(View):
    """Something that waits for a person.

    `taken_at`: somebody has it since then. Who, only colleagues read (`taken_by`).
    """

    id: str
    kind: TaskKind
    taken_at: Time | None = None
    taken_by: str | None = None


class LegLimitView(View):
    """To whom of its partner's people a leg is limited, since when, and by whom."""

    people: list[str]
    at: Time
    by: str | None = None


class LegView(View):
    """One partner's side of a request.

    `sequence` counts the leg's events, all of which its partner is told; `requester_sequence` those
    of them that the requester is told, too. While the partner contests for its customer, a read
    tells until when the requester is to answer, and since when a release is recommended for want of
    an answer; `overdue_at` is when an acknowledgement was seen to be late. `indemnity_given_at` is
    when the indemnity was given for want of which it declined: it may review again. Once it is over
    or an answer is owed, `withdrawn_reason_code` says why the request, or its addresses, were
    withdrawn.

    By `answer_by` every address should have its answer; `answered_at` is when all had one first,
    `unanswered_at` when it was seen that time was over. `clock_paused_at`: since then the partner
    waits for others, and `answer_by` moves by as long as that takes. While a question of the
    partner's is open, a read tells until when the requester is to reply (`reply_by`), and since
    when that is late.
    """

    id: str
    request_id: str
    partner: Handle
    status: LegStatus
    queued_at: Time
    delivered_at: Time | None = None
    acknowledge_by: Time
    acknowledged_at: Time | None = None
    overdue_at: Time | None = None
    answer_by: Time | None = None
    answered_at: Time | None = None
    unanswered_at: Time | None = None
    clock_paused_at: Time | None = None
    reply_by: Time | None = None
    reply_late_at: Time | None = None
    dispute_answer_by: Time | None = None
    release_recommended_at: Time | None = None
    decline_code: str | None = None
    decline_detail: str | None = None
    withdrawn_reason_code: WithdrawalReason | None = None
    indemnity_given_at: Time | None = None
    sequence: int
    requester_sequence: int = 0
    limited: LegLimitView | None = None
    flags: list[str] = []
    tasks: list[TaskView] = []
    totals: Totals = {}


class IncidentView(View):
    """The theft that requests belong to, as the first request told it.

    `title` and `reference` are the opener's words: who may read no request of its sees an empty
    title and no reference. `drill`: all of its requests are drills, or none is.
    """

    id: str
    title: str
    kind: str
    occurred_at: Time
    reference: str | None = None
    drill: bool = False


class IncidentSummary(IncidentView):
    """One row of the list of incidents; `request_count` counts the requests that you may see."""

    request_count: int


class WhyYouView(View):
    """Why partners are asked, as the requester says it; `to` is shown to the requester alone."""

    to: Literal["all"] | list[Handle] | None = Field(
        default=None, description="The partners it is said to; absent for a partner asked."
    )
    why: str
    address_nos: list[int] | None = Field(
        default=None, description="The addresses it is about; absent: all of them."
    )


class InterestView(View):
    """What the requester itself stands to gain or lose, as it declared under its signature."""

    kinds: list[InterestKind] = Field(description="What it is, by code.")
    statement: str = Field(description="The same in words.")


class FreezeRequestView(View):
    """One freeze request as its reader may see it; `content_sha256` names the exact document.

    `unratified`: it went out and nobody ratified it by `ratify_by`. Nothing new is frozen on it and
    nothing is let go; a lead may still ratify it until `unratified_until`, when it withdraws
    itself. `waits_because`: why a flash request waits for its approval instead of going out.
    `task`: what waits for its leads, and that somebody has it, for the requester.
    `order_only`: whom it asks that freezes on an order alone, while it rests on none and a lead is
    to decide, for the requester.
    `left_out_count`: how many addresses the approval left out, for the requester. Partners that
    were asked after it are shown, and counted, only what went out.
    `why_you`: why a partner asked is asked, to that partner; to the requester, all that it said.
    """

    id: str
    drill: bool = False
    status: RequestStatus
    provisional: bool = False
    unratified: bool = False
    requester: Handle
    requester_suspended: bool = False
    submitted_by: str
    submitted_at: Time
    approve_by: Time | None = None
    ratify_by: Time | None = None
    unratified_until: Time | None = None
    decided_at: Time | None = None
    ended_at: Time | None = None
    kept_until: Time | None = None
    withdrawn_reason_code: WithdrawalReason | None = None
    urgency: Urgency
    tlp: str
    summary: str
    incident: IncidentView
    follows: str | None = None
    to: list[Handle]
    address_count: int
    withdrawn_count: int = 0
    left_out_count: int = 0
    content_sha256: Sha256
    decision_context: str | None = None
    context_sha256: Sha256 | None = None
    warnings: list[AddressWarning] = []
    waits_because: WaitsBecause | None = None
    order_only: list[Handle] = []
    task: TaskView | None = None
    approvals: list[ApprovalView] = []
    quorum: int | None = None
    hold_hours: int
    support: Support = Support.NONE
    do_not_notify_customer_until: Time | None = None
    why_you: list[WhyYouView] = Field(
        default=[], description="Why the reader is asked; for the requester, all that it said."
    )
    interest: InterestView | None = Field(
        default=None, description="The requester's own; null: it declared none."
    )
    rulebook_sha256: Sha256 | None = Field(
        default=None, description="Of the rulebook that was in force; null: there was none."
    )
    leg_counts: dict[str, int] = {}
    totals: Totals = {}
    leg: LegView | None = None
    log: LogEntry | None = None


class AwaitedAddition(View):
    """More partners that one lead proposed for a live request; the reader is to decide."""

    id: str
    context_sha256: Sha256
    partner_count: int
    proposed_by: str
    proposed_at: Time
    decide_by: Time
    task: TaskView | None = None


class AwaitedWithdrawal(View):
    """A withdrawal that one lead proposed; the reader is to decide."""

    id: str
    dispute: str | None = None
    proposed_by: str
    proposed_at: Time
    decide_by: Time
    task: TaskView | None = None


class FreezeRequestSummary(View):
    """One row of a list of requests.

    Where it lists what waits for the reader's decision: `decide_by` is until when on the request
    itself, absent where only the `additions` or the `withdrawals` wait.
    """

    id: str
    drill: bool = False
    status: RequestStatus
    requester: Handle
    requester_suspended: bool = False
    urgency: Urgency
    tlp: Tlp | None = None
    submitted_at: Time
    incident_id: str
    incident_title: str
    address_count: int
    partners_asked: int
    leg_status: LegStatus | None = None
    provisional: bool = False
    unratified: bool = False
    ended_at: Time | None = None
    erased_at: Time | None = None
    withdrawn_reason_code: WithdrawalReason | None = None
    decide_by: Time | None = None
    task: TaskView | None = None
    additions: list[AwaitedAddition] = []
    withdrawals: list[AwaitedWithdrawal] = []


class WholeAccountView(View):
    """Why the whole account is asked for, beyond what came from where it was taken."""

    why: str


class FlaggedAddressView(View):
    """One flagged address as the request names it and in its canonical form.

    `withdrawn_at`: the requester took it back then, and what is held on it owes an answer.
    `left_out`: the approval kept it from going out; only the requester reads that.
    """

    address_no: int
    account: str
    tag: str | None = None
    canonical: str
    asset: str | None = None
    amount: AmountText | None = None
    min_amount: AmountText | None = None
    role: str | None = None
    tx: str | None = None
    block: int | None = None
    note: str | None = None
    whole_account: WholeAccountView | None = None
    warnings: list[WarningCode] = []
    withdrawn_at: Time | None = None
    withdrawn_reason: str | None = None
    withdrawn_reason_code: WithdrawalReason | None = None
    left_out: bool = False


class LineView(View):
    """One line of the freeze ledger.

    `shared`: it was written on another request, about a hold that counts for this one, too. Where
    you may read its report there, `report_id` and `source_request` say which; else texts are left
    out. `irregular`: it is true, but not as it should have been. `address_count`: in events, how
    many addresses a `nothing` line answers.
    """

    id: str
    report_id: str | None = None
    shared: bool = False
    source_request: str | None = None
    leg_id: str
    partner: Handle
    kind: LineKind
    address_no: int | None = None
    asset: str | None = None
    amount: AmountText | None = None
    withheld: bool = False
    hold: str | None = None
    reported_at: Time
    irregular: Irregular | None = None
    address_count: int | None = None
    frozen_at: Time | None = None
    hold_expires_at: Time | None = None
    review_at: Time | None = None
    proposed_tx: str | None = None
    proposed_at: Time | None = None
    effective_tx: str | None = None
    effective_at: Time | None = None
    basis: HoldBasis | KeptBasis | None = None
    reason: str | None = None
    code: str | None = None
    tx: str | None = None
    next: dict[str, Any] | None = None
    left_at: Time | None = None
    corrects: str | None = None
    address_nos: Literal["rest"] | list[int] | None = None
    detail: str | None = None
    retry: bool = False
    missing: list[str] = Field(default_factory=list)
    agency: str | None = None
    order: str | None = None
    return_request: str | None = None
    usd: Usd | None = None


class HoldView(View):
    """What a frozen line opened: a freeze with an end.

    `lapsed`: its end passed and only the partner knows what became of it; `kept`: the ground on
    which it stays; `owed_since`: since when the partner owes an answer about it;
    `withdrawn_reason_code`: why its address, or the request, was withdrawn; `review_at`: when
    somebody looks at it again; `irregular`: as the first of its freezes that is; `shared`: it was
    opened on another request.
    """

    id: str
    leg_id: str
    partner: Handle
    address_no: int
    asset: str
    frozen: AmountText
    held: AmountText
    released: AmountText
    returned: AmountText
    seized: AmountText
    withheld: bool = False
    basis: HoldBasis
    frozen_at: Time
    effective_at: Time | None = None
    gap_minutes: int | None = None
    hold_expires_at: Time
    review_at: Time | None = None
    same_funds_as: str | None = None
    shared: bool = False
    lapsed: bool = False
    kept: str | None = None
    account_level: bool = False
    irregular: Irregular | None = None
    owed_since: Time | None = None
    withdrawn_reason_code: WithdrawalReason | None = None
    drill: bool = False


class OwedHoldView(HoldView):
    """A hold about which its partner owes an answer, with the request on which it is owed."""

    request_id: str


class OpenHoldView(HoldView):
    """A hold that has not ended, with a request that it counts for."""

    request_id: str
    requester: Handle | None = None
    incident_title: str | None = None
    tlp: Tlp | None = None


class FreezeReportView(View):
    """The answer to a freeze report: the lines as booked, with the holds that they opened."""

    id: str
    request_id: str
    leg: LegView
    lines: list[LineView]
    drill: bool = False
    log: LogEntry | None = None


class ActView(View):
    """The answer to an act on a request or leg."""

    id: str
    request_id: str
    status: str
    leg: LegView | None = None
    drill: bool = False
    log: LogEntry | None = None


class DecisionView(ActView):
    """The answer to a decision on a request, or on an addition to one.

    `approvals` of the `quorum` have approved by now, which a rejection leaves out; `addition` and
    its status are there where it was one that was decided on.
    """

    at: Time
    approvals: int | None = None
    quorum: int | None = None
    addition: str | None = None
    addition_status: str | None = None


class TakenTaskView(View):
    """The answer to taking a task; `request_id` and `status` where it is about a request."""

    id: str
    request_id: str | None = None
    status: str | None = None
    task: TaskView
    drill: bool = False
    log: LogEntry | None = None


class NextStep(View):
    """What to do about a task: in words, as a command of `holdfast`, and as a call."""

    words: str
    command: str
    method: Literal["GET", "POST"]
    path: str


class WarningCount(View):
    """A kind of warning about what is decided, and how many addresses carry it."""

    code: WarningCode
    address_count: int


class WaitingTaskView(TaskView):
    """Something that awaits the reader.

    `due_at` may have passed; of what is due at once it is since when, and it is absent while no
    clock runs. `partner` is whose leg it is about, `about` the id of the question, hold, proposal,
    endpoint and so on. `warnings`: what could be wrong with what a lead decides on.
    """

    strip: Strip
    due_at: Time | None = None
    next: NextStep
    request_id: str | None = None
    drill: bool = False
    incident_id: str | None = None
    incident_title: str | None = None
    urgency: Urgency | None = None
    tlp: Tlp | None = None
    requester: Handle | None = None
    leg_id: str | None = None
    partner: Handle | None = None
    about: str | None = None
    warnings: list[WarningCount] = []


class HoldActView(View):
    """The answer to an extension: the hold's new end and ground."""

    id: str
    request_id: str
    hold: str
    hold_expires_at: Time
    basis: HoldBasis
    status: str
    drill: bool = False
    log: LogEntry | None = None


class EvidenceView(View):
    """One act with what proves it: token and exact body; nothing for `coordinator`.

    `token` is a request token for `jws`; for `webauthn`, what a person signed with a passkey.

    `leg_id`: the leg that it is about; absent where it is about the request as a whole. `remainder`
    stands in place of the submitted body where the approval left addresses out: the document as it
    went out, whose hash the approvals name.

    `vouched_by`: whose word it is: the partner's, who signed it, or "coordinator", for what nobody
    signs (that a notice arrived, that a time is over). `decision_context` is what the approvals of
    a submission or of more partners decide on, by its hash; for the requester's own people alone.
    """

    act: str
    act_id: str
    leg_id: str | None = None
    kind: EvidenceKind
    partner: str | None = None
    subject: str | None = None
    kid: str | None = None
    jwk: dict[str, Any] | None = None
    token: str | None = None
    body: str | None = None
    remainder: str | None = None
    vouched_by: str | None = None
    decision_context: str | None = None
    at: Time
    leaf_index: int | None = None


class KeyView(View):
    """One public key and whom it belongs to; every member may read it.

    `proposer`: the lead who proposed its grant, and so decides on nothing that it signed; absent
    where the root key granted it.
    """

    kid: str
    partner: Handle
    subject: str
    roles: list[Role]
    jwk: dict[str, Any]
    granted_at: Time
    revoked_at: Time | None = None
    is_root: bool = False
    grant_id: str | None = None
    proposer: str | None = None


class EncryptionKeyView(View):
    """What evidence is sealed to for a partner, with the act that published it.

    Believe none whose act does not prove that a security lead of the partner chose it.
    `replaced_at`: another is in force since; what was sealed to this one opens with it still.
    """

    kid: str
    partner: Handle
    jwk: dict[str, Any]
    set_at: Time
    replaced_at: Time | None = None
    subject: str
    signed_by: str
    token: str | None = None
    body: str | None = None
    log: LogEntry | None = None


class GrantView(View):
    """One signed grant with its evidence; every member may read it.

    Made without the root key it has a `proposal`, with a second token and body, the approver's.
    A `pending` one is a proposal, for the partner's own leads alone: `grant_sha256` is what another
    lead repeats.
    """

    id: str
    status: Literal["made", "pending"] = "made"
    partner: Handle
    subject: str | None = None
    owner: str | None = None
    roles: list[Role] = []
    kid: str | None = None
    made_at: Time
    token: str | None = None
    body: str | None = None
    proposal: str | None = None
    proposer: str | None = None
    approver: str | None = None
    approval_token: str | None = None
    approval_body: str | None = None
    grant_sha256: Sha256 | None = None
    expires_at: Time | None = None
    log: LogEntry | None = None


class RevocationView(View):
    """What was taken away."""

    id: str
    kids: list[str]
    revoked_at: Time
    log: LogEntry | None = None


class SpanView(View):
    """How long something may take: minutes, or working days of the partner's jurisdiction."""

    minutes: int | None = None
    working_days: int | None = None


class ClocksView(View):
    """By when a partner says "received", answers, and replies to questions, by urgency.

    What it answers counts from the moment that a request reaches it, what it replies from the
    question. `answer_on_order_within` takes the place of `answer_within` where a legal order has to
    be read first, but on flash requests; absent: an order changes nothing.
    """

    profile: str
    acknowledge_within: dict[Urgency, SpanView]
    answer_within: dict[Urgency, SpanView]
    reply_within: dict[Urgency, SpanView]
    answer_on_order_within: SpanView | None = None


class OpenSpanView(View):
    """From when to when on some days of the week."""

    days: list[Weekday]
    opens: str
    closes: str


class OpeningHoursView(View):
    """When somebody is at the desk, on the wall clock of a zone."""

    zone: str
    spans: list[OpenSpanView]


class PartnerView(View):
    """One member of the network; `cannot_say`: whether all private requesters hear that of it.

    `freezes_on`, `jurisdictions`, `languages` and `hours` are what it says of itself.
    """

    handle: Handle
    name: str
    kind: PartnerKind
    status: PartnerStatus
    jurisdiction: str | None = None
    root_kid: str | None = None
    joined_at: Time | None = None
    contacts: list[str] | None = None
    emergency_contact: str | None = None
    cannot_say: Silence = Silence.NONE
    freezes_on: FreezesOn = FreezesOn.REQUEST
    jurisdictions: list[str] = []
    languages: list[str] = []
    hours: OpeningHoursView | None = None
    named_in_statistics: bool = False
    clocks: ClocksView | None = None
    policy: dict[str, Any] | None = None


class PersonView(View):
    """A person or system of one's own organisation; nobody else reads names and contacts."""

    id: str
    kind: str
    owner: str | None = None
    roles: list[Role]
    kids: list[str]
    display_name: str | None = None
    contact: str | None = None
    revoked_at: Time | None = None
    kept_until: Time | None = None
    log: LogEntry | None = None


class ConsoleLinkView(View):
    """A link into the console, good once; its secret stands in this answer and nowhere else."""

    url: str
    purpose: Literal["sign_in", "passkey"]
    person: str
    expires_at: Time
    log: LogEntry | None = None


class PasskeyView(View):
    """A person's passkey: pending until a grant names its key, good until that is taken away.

    `jwk` and `possession` are what a grant takes.
    """

    kid: str
    person: str
    status: Literal["pending", "good", "revoked"]
    display_name: str | None = None
    jwk: dict[str, Any]
    possession: str
    is_backed_up: bool
    made_at: Time
    used_at: Time | None = None
    granted_at: Time | None = None
    revoked_at: Time | None = None


class ProviderPersonView(View):
    """By what a provider's tokens name one of the partner's people."""

    person: str
    sub: str | None = None
    email: str | None = None


class SignInProviderView(View):
    """The partner's own OpenID provider; its client secret is never shown.

    `redirect_uri` is what the provider's client must be allowed to send people back to; without a
    provider it stands alone.
    """

    redirect_uri: str
    id: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    people: list[ProviderPersonView] = []
    set_by: str | None = None
    set_at: Time | None = None
    log: LogEntry | None = None


class JoinView(View):
    """The answer to joining: pending until the operator confirms the thumbprint out of band."""

    handle: Handle
    status: PartnerStatus
    root_kid: str
    grants: list[GrantView]
    log: LogEntry | None = None


class TagKeyView(View):
    """A tag key that was set."""

    id: str
    first_leaf: int
    log: LogEntry | None = None


class EndpointHealth(View):
    """How an endpoint takes its events.

    Attributes:
        waiting: Deliveries that it has not taken yet.
        waiting_since: When the oldest of them was queued.
        dead: Deliveries that were given up; each can be resent.
        next_attempt_at: When the next of those that wait is tried.
        delivered_at: When it took the newest event that it took at all.
    """

    waiting: int
    waiting_since: Time | None = None
    dead: int
    next_attempt_at: Time | None = None
    delivered_at: Time | None = None


class EndpointView(View):
    """One webhook endpoint; `secret` only in the answer that made it, `health` only when read.

    Attributes:
        failing_since: Since when it has taken nothing.
        disabled_at: Since when it is turned off.
        gone_at: When it answered 410 and was turned off for it.
        busy_until: Until when it asked to be left alone (`Retry-After`), as far as that is heeded.
    """

    id: str
    url: str
    event_types: list[str] | None = None
    description: str | None = None
    enabled: bool
    created_at: Time
    secret: str | None = None
    failing_since: Time | None = None
    disabled_at: Time | None = None
    gone_at: Time | None = None
    busy_until: Time | None = None
    health: EndpointHealth | None = None
    log: LogEntry | None = None


class AttemptView(View):
    """One HTTP try."""

    number: int
    at: Time
    status: int | None = None
    error: str | None = None
    duration_ms: int


class DeliveryView(View):
    """An event owed to one endpoint."""

    id: str
    event_id: str
    event_type: str
    endpoint_id: str
    status: str
    created_at: Time
    delivered_at: Time | None = None
    next_attempt_at: Time | None = None
    attempts: list[AttemptView] = []
    log: LogEntry | None = None


class AttemptContentView(AttemptView):
    """One HTTP try with what was sent and what was answered.

    Attributes:
        request_headers: By lower-case name, but for `webhook-signature`, which is not kept: with it
            the event could be posted as the coordinator's. The body is the delivery's `payload`.
        answer: The first 1,024 bytes of the last answer that was no success, as text; kept for 24
            hours, and of one try of each delivery alone.
    """

    request_headers: dict[str, str] = {}
    answer: str | None = None


class DeliveryContentView(DeliveryView):
    """One delivery with the event that it carries, as the endpoint is sent it.

    Attributes:
        attempts: The newest tries, oldest first.
        request_id: The request that it is about, if it is about one.
        payload: The body; null where it was erased.
    """

    attempts: list[AttemptContentView] = []  # type: ignore[assignment]  # narrower, and read-only
    request_id: str | None = None
    payload: dict[str, Any] | None = None


class OwnActView(View):
    """Something that one's own organisation did here.

    Attributes:
        id: `act_…` an act, `grt_…` a grant, `rev_…` a revocation, `ses_…` a session of the
            console that was opened and is still kept.
        kind: Of the act; "grant", "revoke" or "session".
        subject: Who did it; absent where the root key signed.
        about: Whom a grant is about (absent for the organisation); what was revoked; the endpoint.
        evidence_kind: What proves it.
        token: What proves a revocation or a change of an endpoint; `body` is its exact body.
            Absent of what a machine said of all flags, those of limited legs, too.
        leaf_index: Its place in the log; sessions have none.
    """

    id: str
    kind: str
    at: Time
    subject: str | None = None
    kid: str | None = None
    request_id: str | None = None
    drill: bool = False
    leg_id: str | None = None
    decision: str | None = None
    about: str | None = None
    roles: list[Role] = []
    browser: str | None = None
    evidence_kind: EvidenceKind | None = None
    token: str | None = None
    body: str | None = None
    leaf_index: int | None = None


class EventView(View):
    """One event of the feed: the same body as the webhook, with its place in the order."""

    seq: int
    id: str
    type: str
    timestamp: Time
    data: dict[str, Any]


class EventPage(View):
    """A page of the feed; `next_after` is what to ask for next."""

    events: list[EventView]
    next_after: int
    has_more: bool = False


class ChainEntry(View):
    """One chain of the table; what else its `rule` needs stands beside these members."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Annotated[str, Field(description="CAIP-2.")]
    name: str
    rule: Annotated[str, Field(description="How its addresses are written.")]
    symbol: Annotated[str, Field(description="Of the native asset.")]
    slip44: Annotated[int, Field(description="Coin type of the native asset (SLIP-44).")]
    decimals: Annotated[int, Field(description="Base units of the native asset, a power of ten.")]
    names: Annotated[list[str], Field(description="What people call it beside `name`.")] = []
    aliases: Annotated[list[str], Field(description="Other CAIP-2 ids in use for it.")] = []
    assets: Annotated[
        dict[str, str],
        Field(description="CAIP-19 namespaces of its tokens, each with the form of a reference."),
    ] = {}
    asset_aliases: Annotated[
        dict[str, str], Field(description="Other namespaces in use, each with its own one.")
    ] = {}
    native_as: Annotated[
        dict[str, str], Field(description="The native asset's reference in a namespace of tokens.")
    ] = {}
    transactions: Annotated[
        list[str], Field(description="How its transactions are written; none: any id is taken.")
    ] = []
    explorers: Annotated[
        list[str], Field(description="Hosts of explorers that show this chain and no other.")
    ] = []


class TokenEntry(View):
    """A token whose decimals are known; any other token of a known namespace is legal, too."""

    asset: Annotated[str, Field(description="CAIP-19.")]
    symbol: str
    decimals: int


class ChainTableView(View):
    """`GET /v1/chains`: the table by which both sides read and compare accounts and assets."""

    version: Annotated[
        str, Field(description="SHA-256, in hex, of the canonical JSON of `chains` and `tokens`.")
    ]
    chains: list[ChainEntry]
    tokens: list[TokenEntry]


class LogView(View):
    """The coordinator's transparency log, as it says itself; pin the key, or compare it."""

    url: str
    origin: str
    verifier_key: str


class LogKeySpanView(View):
    """A key of the log, and the sizes of the trees on which its signature counts."""

    verifier_key: str
    first_size: int = 0
    last_size: int | None = None


class LogKeysView(View):
    """Every key that signed the log, the oldest first, and the statements that prove it."""

    origin: str
    keys: list[LogKeySpanView]
    statements: list[str]


class InclusionProofView(View):
    """That an entry is in a tree: hashes of 32 bytes in base64, from the leaf's sibling up."""

    leaf_index: int
    tree_size: int
    hashes: list[str]


class ConsistencyProofView(View):
    """That a tree is the beginning of another: hashes of 32 bytes in base64."""

    first_size: int
    second_size: int
    hashes: list[str]


class CosignedView(View):
    """What came of cosignatures that a witness handed in."""

    tree_size: int
    witnesses: list[str]
    published_size: int


class ServiceView(View):
    """`GET /v1`: what this coordinator is.

    `document_certificate_sha256`: of the certificate under which it signs documents for people.
    """

    name: str
    version: str
    origin: str
    time: Time
    max_token_seconds: int
    skew_seconds: int
    docs: str
    log: LogView | None = None
    document_certificate_sha256: Sha256 | None = None


class Page(View, Generic[T]):
    """One page of a list; `next_cursor` is opaque and absent at the end."""

    items: list[T]
    next_cursor: str | None = None


Cursor = Annotated[str, Field(max_length=200)]


class SealedPartView(View):
    """A part that waits for the act that names it, or is read: `data` where it is."""

    sha256: Sha256
    size: int
    data: str | None = None


class SealedRecipientView(View):
    """A partner that can open sealed evidence, by which key, and whose act says so."""

    partner: Handle
    kid: str
    act_id: str
    added_at: Time


class SealedActView(View):
    """An act that sealed evidence, or added recipients, with what proves it.

    It is in no list of the request's acts: who may not open it does not hear of it.
    """

    act: str
    act_id: str
    kind: EvidenceKind
    partner: Handle
    subject: str
    kid: str
    token: str | None = None
    body: str | None = None
    at: Time
    leaf_index: int | None = None


class SealedEvidenceView(View):
    """A file that its author and its recipients know of, and its recipients alone open.

    `size` and `part_count` are of the ciphertext, `sha256` is its hash. `acts` are those that
    sealed it and that added recipients, byte for byte; they hold the wrapped keys.
    """

    id: str
    request_id: str
    partner: Handle
    tlp: Tlp
    size: int
    part_count: int
    sha256: Sha256
    sealed_at: Time
    kept_until: Time | None = None
    erased_at: Time | None = None
    recipients: list[SealedRecipientView]
    acts: list[SealedActView] = []
    drill: bool | None = None
    log: LogEntry | None = None
