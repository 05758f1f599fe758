"""What the coordinator answers about a live request: questions, disputes, orders, more partners.

No floats anywhere: durations are whole milliseconds, money is a decimal string.
"""

from typing import Any, Literal

from pydantic import Field

from holdfast.protocol.life_cycle_payloads import CallBackRecord
from holdfast.protocol.payloads import AmountText, Handle, Sha256, Time
from holdfast.protocol.recovery_views import RecoveryStatisticsView
from holdfast.protocol.restitution_views import RestitutionStatisticsView
from holdfast.protocol.views import (
    IncidentView,
    LegView,
    LogEntry,
    SumText,
    TaskView,
    Totals,
    Units,
    UsdText,
    View,
)
from holdfast.protocol.vocabulary import (
    Blocked,
    EncumbranceKind,
    EncumbranceStatus,
    EvidenceKind,
    LegStatus,
    RequestStatus,
    Support,
    Tlp,
    Verification,
    WithdrawalReason,
)


class InfoRequestView(View):
    """What a partner asked, and the answer; the words come from the signed acts.

    The requester should reply until `reply_by`; `late_at` is when it was seen that it did not.
    `task`: that somebody of the requester has it, while it waits.
    """

    id: str
    request_id: str
    leg_id: str
    partner: Handle
    act_id: str
    asked_at: Time
    reply_by: Time | None = None
    late_at: Time | None = None
    missing: list[str] = Field(default_factory=list)
    text: str | None = None
    answer_act_id: str | None = None
    answered_at: Time | None = None
    answer: str | None = None
    task: TaskView | None = None
    status: LegStatus | None = None
    leg: LegView | None = None
    drill: bool | None = None
    log: LogEntry | None = None


class WithdrawalView(View):
    """A withdrawal, or a dispute to be upheld, that one lead proposed and another approves.

    `withdrawal_status` is `pending`, `approved`, `rejected`, `void` where nobody approved it by
    `approve_by`, or `moot` where the request or the dispute ended, or another withdrawal took back
    what it names, before that. Nothing is let go before it is approved. `act_sha256` is the hash
    of what was proposed; an approval repeats it.
    """

    id: str
    request_id: str
    act_id: str
    act_sha256: Sha256 | None = None
    dispute: str | None = None
    addresses: Literal["all"] | list[int] | None = None
    reason_code: WithdrawalReason | None = None
    reason: str | None = None
    withdrawal_status: str
    proposed_by: str
    proposed_by_kid: str | None = None
    proposed_at: Time
    approve_by: Time
    decided_at: Time | None = None
    decided_act_id: str | None = None


class WithdrawalActView(View):
    """The answer to a withdrawal, and to a decision on a proposed one.

    With a `withdrawal` it was proposed: nothing is withdrawn before another lead approves it.
    """

    id: str
    request_id: str
    status: str
    at: Time | None = None
    withdrawal: WithdrawalView | None = None
    drill: bool = False
    log: LogEntry | None = None


class DisputeView(View):
    """A partner's contest for its customer, and how it ended.

    `release_recommended_at` says that the requester let the time to answer pass; `resolution` is
    `upheld`, `rejected`, or `moot` where the hold ended before anybody answered. Where upholding
    takes two leads, the answer to the first has the `withdrawal` that it proposed. `task`: that
    somebody of the requester has it, while its answer, or upheld the withdrawal, waits.
    """

    id: str
    request_id: str
    leg_id: str
    partner: Handle
    act_id: str
    hold: str | None = None
    reference: str | None = None
    text: str | None = None
    raised_at: Time
    answer_by: Time
    release_recommended_at: Time | None = None
    resolution: str | None = None
    resolution_act_id: str | None = None
    resolution_text: str | None = None
    resolved_at: Time | None = None
    task: TaskView | None = None
    status: LegStatus | None = None
    withdrawal: WithdrawalView | None = None
    drill: bool | None = None
    log: LogEntry | None = None


class CallBackCounts(View):
    """How many members called an authority back about an order, and what they heard."""

    confirmed: int
    not_confirmed: int


class LegalOrderView(View):
    """An order as whoever attached it names it; it binds nobody by itself.

    `call_back` is the record of whoever attached it, `called_back` says how many other members
    called back themselves: the fact alone.
    """

    id: str
    request_id: str
    leg_id: str | None = None
    partner: Handle
    act_id: str
    act_sha256: Sha256 | None = None
    hold: str | None = None
    agency: str | None = None
    reference: str | None = None
    document_sha256: Sha256 | None = None
    officer: str | None = None
    entity: str | None = None
    verification: Verification | None = None
    call_back: CallBackRecord | None = None
    called_back: CallBackCounts = CallBackCounts(confirmed=0, not_confirmed=0)
    attached_at: Time
    order_status: EncumbranceStatus = EncumbranceStatus.STANDING
    review_at: Time | None = None
    lifted_at: Time | None = None
    lift_act_id: str | None = None
    lift_document_sha256: Sha256 | None = None
    drill: bool | None = None
    log: LogEntry | None = None


class EncumbranceView(View):
    """A third party's claim on a hold; without `amount` on all of it."""

    id: str
    request_id: str
    leg_id: str | None = None
    partner: Handle
    act_id: str
    act_sha256: Sha256 | None = None
    kind: EncumbranceKind
    hold: str | None = None
    asset: str | None = None
    amount: AmountText | None = None
    blocks: list[Blocked]
    order_sha256: Sha256
    court: str | None = None
    number: str | None = None
    attached_at: Time
    encumbrance_status: EncumbranceStatus
    review_at: Time | None = None
    lifted_at: Time | None = None
    lift_act_id: str | None = None
    lift_document_sha256: Sha256 | None = None
    drill: bool | None = None
    log: LogEntry | None = None


class IndemnityView(View):
    """An indemnity that the requester gave; without `to` it holds for all partners asked."""

    id: str
    request_id: str
    act_id: str
    to: Handle | None = None
    cap: dict[str, Any] | None = None
    law: str | None = None
    until: Time
    document_sha256: Sha256
    given_at: Time
    drill: bool | None = None
    log: LogEntry | None = None


class SameFundsView(View):
    """The answer to a mark: sums over partners leave out `hold` as long as `same_as` holds."""

    id: str
    request_id: str
    status: RequestStatus
    hold: str
    same_as: str | None = None
    drill: bool = False
    log: LogEntry | None = None


class SupportView(View):
    """A document that raised whose word a request rests on."""

    id: str
    request_id: str
    act_id: str
    support: Support
    document_sha256: Sha256
    reference: str | None = None
    given_at: Time
    drill: bool = False
    log: LogEntry | None = None


class AdditionDecisionView(View):
    """One lead's decision on an addition."""

    person: str
    decision: str
    act_id: str
    at: Time


class AdditionView(View):
    """More partners for a live request; `pending` until another lead decides on its context."""

    id: str
    request_id: str
    act_id: str
    addition_status: str
    status: RequestStatus
    to: list[Handle] = Field(default_factory=list)
    proposed_by: str
    proposed_by_kid: str | None = None
    proposed_at: Time
    approve_by: Time
    decided_at: Time | None = None
    decision_context: str | None = None
    context_sha256: Sha256
    approvals: list[AdditionDecisionView] = Field(default_factory=list)
    quorum: int
    drill: bool | None = None
    log: LogEntry | None = None


class TimelineEntry(View):
    """Something that happened in an incident, as far as the reader may know of it."""

    seq: int
    id: str
    type: str
    at: Time
    request_id: str
    leg_id: str | None = None
    partner: Handle | None = None


class RequestEventView(View):
    """An event of a request as its reader was told it: `data` as by webhook.

    `leaf_index` is its place in the log. Where it tells of an act, `act` says which kind,
    `evidence` how it was proven, `partner` and `subject` by whom; an event without one is the
    coordinator's own word.
    """

    seq: int
    id: str
    type: str
    timestamp: Time
    data: dict[str, Any]
    leg_id: str | None = None
    leaf_index: int
    act: str | None = None
    act_id: str | None = None
    evidence: EvidenceKind | None = None
    partner: Handle | None = None
    subject: str | None = None


class AskedView(View):
    """How much a request asks for; `stated` counts the addresses that say how much they do.

    An address that states no amount asks for all that is there.
    """

    asked: dict[str, SumText] = Field(default_factory=dict)
    stated: int


class AnswerSums(View):
    """What one partner reports of one asset for an address; base units."""

    found: SumText = "0"
    frozen: SumText = "0"
    held: SumText = "0"
    released: SumText = "0"
    returned: SumText = "0"
    seized: SumText = "0"
    withheld: bool = False


class AddressAnswer(View):
    """What one partner answered for one address; `code`: why there is nothing of it."""

    address_no: int
    leg_id: str
    partner: Handle
    code: str | None = None
    assets: dict[str, AnswerSums] = Field(default_factory=dict)


class AddressAnswers(View):
    """The answers for a span of addresses, by number, then by partner."""

    items: list[AddressAnswer]


class FoundView(View):
    """Something that a search found, with the request that it leads to.

    `part`: something of a request, by its id; `address`: where a request names it.
    """

    kind: Literal["request", "incident", "address", "partner", "part"]
    id: str
    request_id: str | None = None
    incident_id: str | None = None
    drill: bool = False
    title: str | None = None
    status: str | None = None
    requester: Handle | None = None
    tlp: Tlp | None = None
    address_no: int | None = None


class SearchView(View):
    """What a search found, newest first; `is_cut`: not everything was looked through, or shown.

    `looked_through`: so many of the newest incidents were, where there are more.
    """

    items: list[FoundView]
    is_cut: bool
    looked_through: int


class FlaggedPlace(View):
    """Where a request flags an account, with what the request says of it there.

    `withdrawn`: the request took it back, alone or with all the rest.
    """

    request_id: str
    address_no: int
    role: str | None = None
    asset: str | None = None
    amount: str | None = None
    block: int | None = None
    withdrawn: bool = False


class TraceNode(View):
    """A node of an incident's trace.

    `account` nodes have a CAIP-10 id (with `?tag=…` where a tag is part of the identity),
    `transaction` nodes `<CAIP-2>:tx:<id>`, `service` nodes `service:<name>`, `request` nodes
    `frq_…`.
    """

    id: str
    kind: str
    chain: str | None = None
    service: str | None = None
    flagged: list[FlaggedPlace] = Field(default_factory=list)


class TraceEdge(View):
    """An edge of a trace; `tx` and `moved_on` follow the money, `follows` the requests."""

    source: str
    target: str
    kind: str
    request_id: str
    address_no: int | None = None
    partner: Handle | None = None
    tx: str | None = None


class TracePage(View):
    """One page of the trace; nodes and edges of several pages are joined by their ids."""

    nodes: list[TraceNode]
    edges: list[TraceEdge]
    units: Units = Field(default_factory=dict)
    next_cursor: str | None = None


class TimelinePage(View):
    """One page of the timeline, oldest first."""

    items: list[TimelineEntry]
    next_cursor: str | None = None


class OpenEnd(View):
    """Something that moved on to where no draft can name an address, and why."""

    address_no: int | None = None
    service: str | None = None
    account: str | None = None
    tx: str | None = None
    reason: str


class DraftView(View):
    """A follow-on request that is ready to be checked, given a nonce, and submitted.

    `complete` is false where a partner or an address is missing; `open_ends` says what is known.
    """

    leg_id: str
    partner: Handle
    complete: bool
    request: dict[str, Any]
    open_ends: list[OpenEnd] = Field(default_factory=list)


class Durations(View):
    """How long something took, whole milliseconds, nearest rank; absent where nothing did."""

    count: int
    median_ms: int | None = None
    p90_ms: int | None = None


class InTime(View):
    """How many have come or should have, and how many of them came in time."""

    count: int
    in_time: int


class AssetFigures(View):
    """What was asked for, found, frozen, released, returned and restored of one asset, base units.

    `restored`: of what was returned upon return requests, what the requester confirmed to have.
    """

    asked: str = "0"
    found: str = "0"
    frozen: str = "0"
    released: str = "0"
    returned: str = "0"
    restored: str = "0"
    withheld: int = 0


class UsdFigures(View):
    """The same in US dollars, as far as reports and requests stated a value; two decimals.

    A sum is null where nothing states a value. `unvalued` counts what states an amount and no
    value: flagged addresses, what was found for an address, and holds.
    """

    asked: UsdText | None = None
    found: UsdText | None = None
    frozen: UsdText | None = None
    released: UsdText | None = None
    returned: UsdText | None = None
    restored: UsdText | None = None
    unvalued: int = 0


class ClearanceView(View):
    """An account that a request flagged by error.

    `statement` is a JWS by the coordinator's key (`holdfast.protocol.clearance`), to be shown to
    whoever asks why the account was flagged; one that was revoked has none any more.
    """

    id: str
    request_id: str
    address_no: int
    account: str | None = None
    tag: str | None = None
    issued_at: Time
    revoked_at: Time | None = None
    revoked_reason: str | None = None
    statement: str | None = None


class ClearanceRevocationView(View):
    """The answer to the revocation of a clearance."""

    id: str
    request_id: str
    clearance: str
    revoked_at: Time
    status: str
    drill: bool = False
    log: LogEntry | None = None


class ClearanceStatus(View):
    """`GET /v1/clearances/{id}`: whether a clearance that somebody was shown still holds."""

    id: str
    status: Literal["valid", "revoked"]
    issued_at: Time
    revoked_at: Time | None = None


class StatisticsRow(View):
    """How one partner answered requests of one urgency that reached it in one month.

    `answered` is the time until every address had its answer, with what the partner waited for the
    replies to its questions; whether it was in time is judged without that. Requests that ended
    before their time to answer count neither way, nor do legs whose partner may not speak. Without
    `month` it is of all months that were asked for. Members that did not choose to be named
    (`named_in_statistics`) stand together in rows whose `partner` is null; one's own is named to
    oneself.
    """

    partner: Handle | None
    urgency: str
    month: str | None = None
    legs: int
    acknowledged: Durations
    acknowledged_in_time: InTime | None = None
    answered: Durations | None = None
    answered_in_time: InTime | None = None
    first_freeze: Durations
    first_return: Durations | None = None
    restored: Durations | None = None
    assets: dict[str, AssetFigures] = Field(default_factory=dict)
    usd: UsdFigures = UsdFigures()
    declined: dict[str, int] = Field(default_factory=dict)
    nothing: dict[str, int] = Field(default_factory=dict)


class RequesterFigures(View):
    """How often a requester flagged the wrong account, over the legs that the reader may see.

    `frozen_addresses`: addresses on which something was frozen. `wrong_addresses`: those of them
    that were withdrawn as wrong targets, with clearances that were not revoked. A request counts as
    frozen, or wrong, with one such address. Those that did not choose to be named stand together,
    with a `requester` that is null.
    """

    requester: Handle | None
    frozen_requests: int
    wrong_requests: int
    frozen_addresses: int
    wrong_addresses: int


class StatisticsView(View):
    """`GET /v1/statistics`: over the legs that the reader may see; the times are of all rows.

    `restored` has one time for each return request that was settled: from the notice to the
    confirmation. `recoveries` and `restitutions` are of those that went out, or were opened, in
    these months.
    """

    from_month: str
    to_month: str
    rows: list[StatisticsRow]
    acknowledged: Durations | None = None
    answered: Durations | None = None
    first_freeze: Durations | None = None
    first_return: Durations | None = None
    restored: Durations | None = None
    requesters: list[RequesterFigures] = Field(default_factory=list)
    totals: dict[str, AssetFigures] = Field(default_factory=dict)
    usd: UsdFigures = UsdFigures()
    units: Units = Field(default_factory=dict)
    recoveries: RecoveryStatisticsView | None = None
    restitutions: RestitutionStatisticsView | None = None


class YearlyAssetFigures(View):
    """Sums of one asset in a public year; absent are those that come from few."""

    asked: str | None = None
    found: str | None = None
    frozen: str | None = None
    released: str | None = None
    returned: str | None = None
    restored: str | None = None
    withheld: int | None = None


class YearlyUsdFigures(View):
    """The same in US dollars, as far as reports and requests stated a value; two decimals."""

    asked: str | None = None
    found: str | None = None
    frozen: str | None = None
    released: str | None = None
    returned: str | None = None
    restored: str | None = None


class YearlyPartner(View):
    """What the public learns of a partner that answered often enough to be named."""

    partner: Handle
    cases: int
    acknowledged: Durations
    first_freeze: Durations
    first_return: Durations | None = None
    restored: Durations | None = None


class YearlySummary(View):
    """`GET /v1/statistics/{year}`: public; names no partner with few cases.

    A sum is there where it comes from at least `named_from_cases` cases and as many partners.
    """

    year: int
    named_from_cases: int
    requests: int
    cases: int
    acknowledged: Durations | None = None
    first_freeze: Durations | None = None
    first_return: Durations | None = None
    restored: Durations | None = None
    assets: dict[str, YearlyAssetFigures] = Field(default_factory=dict)
    usd: YearlyUsdFigures | None = None
    units: Units = Field(default_factory=dict)
    declined: dict[str, int] = Field(default_factory=dict)
    nothing: dict[str, int] = Field(default_factory=dict)
    partners: list[YearlyPartner] = Field(default_factory=list)


class IncidentDetailView(IncidentView):
    """`GET /v1/incidents/{id}`: totals, and the first pages of timeline and trace.

    `requests` names the first 1,000 of the `request_count` requests that you may see.
    """

    request_count: int
    requests: list[str]
    totals: Totals
    timeline: TimelinePage
    trace: TracePage
