"""What the coordinator answers about restitutions: pools, sums, claims."""

from typing import Any, Literal

from holdfast.protocol.payloads import Handle, Sha256, Time
from holdfast.protocol.views import LogEntry, View
from holdfast.protocol.vocabulary import (
    AllocationStatus,
    ClaimProof,
    ClaimRejection,
    ClaimStatus,
    PayoutChangeStatus,
    PayoutStatus,
    RestitutionStatus,
)

PoolLineKind = Literal["returned", "converted", "cost", "reserve", "reserve_released"]


class PoolSumsView(View):
    """The sums of one asset of a pool, in base units.

    `available` = `returned` + `converted_in` - `converted_out` - `fees` - `costs` - `reserved` -
    `allocated`, to the unit.
    """

    returned: str
    converted_in: str
    converted_out: str
    fees: str
    costs: str
    reserved: str
    allocated: str
    available: str


class PayoutSumView(View):
    """How many payouts stand there, and what they come to in base units of the asset paid."""

    count: int
    amount: str


class RestitutionView(View):
    """A restitution: its document's terms, the sums of its pool by asset, and claims by status.

    `verify_by_two_above` is in base units of `asset`. `content_sha256` binds every act on it.
    `payouts` by status come to what is `allocated`, to the unit.
    """

    id: str
    incident: str
    opener: Handle
    status: RestitutionStatus
    content_sha256: Sha256
    asset: str
    key_theft: bool
    verify_by_two_above: str
    valuation: dict[str, Any] | None = None
    claims_close_at: Time
    objections_until: Time
    unclaimed_to: str
    opened_at: Time
    closed_at: Time | None = None
    pool: dict[str, PoolSumsView]
    claims: dict[ClaimStatus, int]
    payouts: dict[PayoutStatus, PayoutSumView]
    log: LogEntry | None = None


class PoolLineView(View):
    """One line of a pool, with the act that signed it."""

    id: str
    act_id: str
    kind: PoolLineKind
    asset: str
    amount: str
    to_asset: str | None = None
    to_amount: str | None = None
    fee: str | None = None
    rate: str | None = None
    line: str | None = None
    tx: str | None = None
    what: str | None = None
    by: str
    at: Time


class PoolLinesView(View):
    """The lines that were added, and the pool's sums after them."""

    restitution_id: str
    act_id: str
    lines: list[PoolLineView]
    pool: dict[str, PoolSumsView]
    log: LogEntry | None = None


class PayoutChangeView(View):
    """Another account that a claim is to be paid to, and where that stands."""

    id: str
    payout: str
    change_status: PayoutChangeStatus
    act_id: str
    act_sha256: Sha256
    proposed_by: str
    proposed_at: Time
    decided_by: str | None = None
    decided_at: Time | None = None
    in_force_at: Time | None = None


class ClaimView(View):
    """One claim, as its opener and whoever filed it read it.

    `value` is the claim in base units of the restitution's asset, `verified` what of it was
    verified. `verifications` counts who did: some claims take two, and while the second is
    awaited, `to_confirm` is what the first verified. `doubles` are claims that name one of its
    addresses or its transaction; they are shown to the opener alone, and so are `sealed` and
    `to_confirm`.
    `payout` is the account that holds now, `payout_change` the one that is to take its place.
    `objection_unsigned` is true where the claimant objected by their link: nobody signed it.
    """

    id: str
    restitution_id: str
    act_id: str
    ref: str
    filed_by: Handle
    status: ClaimStatus
    addresses: list[str]
    asset: str
    amount: str
    value: str
    tx: str | None = None
    proof: ClaimProof
    documents: list[Sha256]
    payout: str
    payout_change: PayoutChangeView | None = None
    sealed: str | None = None
    late: bool
    verified: str | None = None
    verifications: int
    to_confirm: str | None = None
    allocated: str | None = None
    code: ClaimRejection | None = None
    reason: str | None = None
    objection: str | None = None
    objection_unsigned: bool | None = None
    link_until: Time | None = None
    doubles: list[str] | None = None
    filed_at: Time
    decided_at: Time | None = None


class PayoutChangeActView(View):
    """A claim after an act on the account that it is paid to."""

    act_id: str
    change: PayoutChangeView
    log: LogEntry | None = None


class FiledClaimView(View):
    """What became of one line of a file: its claim, and whether another names the same."""

    id: str
    ref: str
    value: str
    has_double: bool


class FiledClaimsView(View):
    """The claims of one act, in the order of the file."""

    restitution_id: str
    act_id: str
    late: bool
    claims: list[FiledClaimView]
    log: LogEntry | None = None


class AllocationView(View):
    """An allocation: who proposed it, what it gives in all, and who approved it.

    `pool` = `given` + what stays. `act_sha256` is the hash of the exact document, which approvals
    repeat; two people approve, and whoever proposed it is neither.
    """

    id: str
    restitution_id: str
    act_id: str
    act_sha256: Sha256
    method: Literal["pro_rata", "schedule"]
    status: AllocationStatus
    pool: str
    given: str
    minimum: str
    schedule_sha256: Sha256 | None = None
    claim_count: int
    approvals: int
    proposed_by: str
    proposed_at: Time
    decided_at: Time | None = None
    log: LogEntry | None = None


class AllocationDocumentView(AllocationView):
    """An allocation with `body`, the exact document that was proposed: `act_sha256` is its hash."""

    body: str


class PayoutView(View):
    """What one claim gets of one allocation, and where it is paid."""

    id: str
    allocation_id: str
    claim_id: str
    ref: str
    filed_by: Handle
    amount: str
    payout: str
    changing: bool
    status: PayoutStatus
    tx: str | None = None
    failed: str | None = None
    at: Time | None = None


class PayoutsView(View):
    """What was recorded."""

    restitution_id: str
    act_id: str
    paid: int
    failed: int
    log: LogEntry | None = None


class ClaimActView(View):
    """A claim after an act on it."""

    act_id: str
    claim: ClaimView
    log: LogEntry | None = None


class ClaimLinksView(View):
    """How many links were made: each is `page`, `#` and the token. They expire at `expires_at`."""

    restitution_id: str
    act_id: str
    page: str
    links: int
    expires_at: Time
    log: LogEntry | None = None


class ClaimLinkRevocationView(View):
    """How many links were good until now."""

    restitution_id: str
    act_id: str
    revoked: int
    log: LogEntry | None = None


class RestitutionFiguresView(View):
    """What became of restitutions: how many, where claims on them stand, and sums by asset.

    `allocated` is what approved allocations give, `paid` what of it was paid, in base units. Both
    are told of one's own alone.
    """

    opened: int
    claims: dict[ClaimStatus, int]
    allocated: dict[str, str] | None = None
    paid: dict[str, str] | None = None


class RestitutionStatisticsView(View):
    """The restitutions that one's own organisation opened, and those of the whole network."""

    own: RestitutionFiguresView
    network: RestitutionFiguresView
