"""What the opener of a restitution, and members that file claims, send."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from holdfast.protocol.payloads import (
    AccountText,
    ActBody,
    AmountText,
    AssetText,
    Body,
    Distinct,
    IncidentId,
    LineId,
    Loose,
    Sha256,
    Time,
)
from holdfast.protocol.requirements import any_of, fault_at, given, rules
from holdfast.protocol.texts import Explanation, Reason, TxText
from holdfast.protocol.vocabulary import ClaimProof, ClaimRejection

#: A claim is one line of these; larger files are sent in parts.
MAX_CLAIMS = 10_000
MAX_POOL_LINES = 100
MAX_CLAIM_ADDRESSES = 20
#: A decimal number, exact: prices and rates are never floats.
DecimalText = Annotated[
    str,
    Field(
        max_length=60,
        pattern=r"^(0|[1-9][0-9]{0,29})(\.[0-9]{1,28})?$",
        description="A decimal number, exact.",
    ),
]
#: What whoever files a claim calls it: it names nobody.
ClaimRef = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Your own opaque reference of the claim; never a name or a customer number.",
    ),
]
#: What only the opener can open: HPKE, as sealed evidence has it.
SealedText = Annotated[
    str,
    Field(
        max_length=8_192,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="base64url of what is sealed to the opener's encryption key.",
    ),
]
ClaimId = Annotated[str, Field(pattern=r"^clm_[0-7][0-9a-hjkmnp-tv-z]{25}$")]


class Price(Body):
    """What so many base units of an asset were worth at the time of the valuation."""

    asset: AssetText
    units: AmountText
    value: DecimalText


class Valuation(Body):
    """By which prices claims of several assets become shares of one pool."""

    at: Time
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.")]
    prices: Annotated[list[Price], Field(min_length=1, max_length=100)]


class NewRestitution(Body):
    """`POST /v1/restitutions`: give back what was recovered of an incident that you opened.

    After a theft of keys (`key_theft`) no claim may be proven by a signature: the thief can sign.
    Claims of more than `verify_by_two_above` base units of `asset` are verified by two people.
    """

    nonce: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9_-]{21}[AQgw]$", description="base64url of 16 random bytes"),
    ]
    incident: IncidentId
    asset: AssetText
    key_theft: bool = False
    verify_by_two_above: AmountText = "0"
    valuation: Valuation | None = None
    claims_close_at: Time
    objections_until: Time
    unclaimed_to: Explanation


class PoolReturn(Body):
    """Funds that came back: a `returned` line of the freeze ledger, or a transaction beside it."""

    model_config = ConfigDict(json_schema_extra=rules(any_of(given("line"), given("tx"))))

    kind: Literal["returned"]
    asset: AssetText
    amount: AmountText
    line: LineId | None = None
    tx: TxText | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> "PoolReturn":
        if self.line is None and self.tx is None:
            raise fault_at("line", "say which line of the ledger it is, or its tx")
        return self


class PoolConversion(Body):
    """So much of one asset was sold for another: `to_amount` came in, `fee` of it was kept."""

    kind: Literal["converted"]
    asset: AssetText
    amount: AmountText
    to_asset: AssetText
    to_amount: AmountText
    fee: AmountText
    rate: DecimalText
    tx: TxText


class PoolCost(Body):
    """What the restitution itself costs."""

    kind: Literal["cost"]
    asset: AssetText
    amount: AmountText
    what: Reason
    tx: TxText | None = None


class PoolReserve(Body):
    """What is kept back for late claims and objections, or is let go again."""

    kind: Literal["reserve", "reserve_released"]
    asset: AssetText
    amount: AmountText
    what: Reason


PoolLine = Annotated[
    PoolReturn | PoolConversion | PoolCost | PoolReserve, Field(discriminator="kind")
]


class PoolLines(ActBody):
    """`POST …/pool-lines`: what came into the pool or left it; taken whole or refused whole."""

    lines: Annotated[list[PoolLine], Field(min_length=1, max_length=MAX_POOL_LINES)]


class AddressSignature(Body):
    """What a wallet signed: the text of `AddressStatement` with this date, for one address."""

    signed_on: Annotated[
        str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="The date in the text.")
    ]
    signature: Annotated[
        str,
        Field(
            max_length=2_000, pattern=r"^[A-Za-z0-9+/=_-]+$", description="As the wallet has it."
        ),
    ]


class Claim(Body):
    """One claim: what was lost from which addresses, how that is shown, and where it is paid.

    `attested` claims are of a member's own customers: the member answers for them, and is paid in
    one sum at `payout`. `signatures` show who controls the addresses, over the text that the kit's
    `address_proofs` writes with `payout` in it; they show no loss. `sealed` holds contact and words
    for the opener alone, `documents` the hashes of files that it has.
    """

    ref: ClaimRef
    addresses: Annotated[
        list[AccountText], Field(min_length=1, max_length=MAX_CLAIM_ADDRESSES), Distinct
    ]
    asset: AssetText
    amount: AmountText
    tx: TxText | None = None
    proof: Annotated[ClaimProof, Loose]
    signatures: Annotated[list[AddressSignature], Field(max_length=MAX_CLAIM_ADDRESSES)] | None = (
        None
    )
    documents: Annotated[list[Sha256], Field(max_length=20), Distinct] | None = None
    payout: AccountText
    sealed: SealedText | None = None

    @model_validator(mode="after")
    def _shows_something(self) -> "Claim":
        if self.proof is ClaimProof.DOCUMENTS and not self.documents:
            raise fault_at("documents", "name the hashes of the documents that prove it")
        if self.proof is ClaimProof.SIGNATURE and len(self.signatures or ()) != len(self.addresses):
            raise fault_at("signatures", "give one for each address, in the same order")
        if self.proof is not ClaimProof.SIGNATURE and self.signatures:
            raise fault_at("signatures", "are of a claim that is proven by them")
        return self


class Claims(ActBody):
    """`POST …/claims`: file claims; a file with bad lines is refused whole, naming each."""

    claims: Annotated[list[Claim], Field(min_length=1, max_length=MAX_CLAIMS)]


class ClaimDecision(ActBody):
    """`POST …/claims/{id}/decisions`: verify a claim, at its value or less, or reject it.

    `not_a_double` says that somebody looked at the claims that name the same address or tx.
    """

    decision: Literal["verify", "reject"]
    amount: AmountText | None = None
    code: Annotated[ClaimRejection, Loose] | None = None
    reason: Reason | None = None
    not_a_double: bool = False

    @model_validator(mode="after")
    def _says_why(self) -> "ClaimDecision":
        if self.decision == "reject" and self.code is None:
            raise fault_at("code", "say why it is rejected")
        if self.decision == "reject" and self.amount is not None:
            raise fault_at("amount", "is of a claim that is verified")
        if self.decision == "verify" and self.code is not None:
            raise fault_at("code", "is of a claim that is rejected")
        if self.code is ClaimRejection.OTHER and self.reason is None:
            raise fault_at("reason", "say it in words")
        return self


class ClaimObjection(ActBody):
    """`POST …/claims/{id}/objections`: whoever filed a claim objects to what was decided."""

    reason: Explanation


class PayoutChange(ActBody):
    """`POST …/claims/{id}/payout-changes`: a claim is to be paid to another account.

    What was shown for the claim is shown anew: `signatures`, one for each of its addresses over the
    text with the new account in it (purpose `payout_account`), or `documents`. An attested claim
    rests on its member's word.
    """

    payout: AccountText
    signatures: Annotated[list[AddressSignature], Field(max_length=MAX_CLAIM_ADDRESSES)] | None = (
        None
    )
    documents: Annotated[list[Sha256], Field(max_length=20), Distinct] | None = None
    reason: Reason | None = None


class PayoutChangeDecision(ActBody):
    """`POST …/payout-changes/{id}/decisions`: another person approves the account, or rejects it.

    It may be rejected, also by whoever proposed it and by the opener, until it is in force.
    """

    decision: Literal["approve", "reject"]
    act_sha256: Sha256
    reason: Reason | None = None


class AllocatedClaim(Body):
    """One claim of an allocation: its verified value, what it was given before, and gets now."""

    claim: ClaimId
    value: AmountText
    before: AmountText
    amount: AmountText


class NewAllocation(ActBody):
    """`POST …/allocations`: who gets how much now; method, inputs and result in one document.

    `pro_rata` is recomputed by the coordinator, to the unit (ADR 0085). A `schedule` is a court's
    or an agreed table, by the hash of its file. Every claim that was verified stands in it, by id.
    """

    method: Literal["pro_rata", "schedule"]
    pool: AmountText
    minimum: AmountText = "0"
    schedule_sha256: Sha256 | None = None
    claims: Annotated[list[AllocatedClaim], Field(min_length=1, max_length=MAX_CLAIMS)]

    @model_validator(mode="after")
    def _names_its_table(self) -> "NewAllocation":
        if (self.method == "schedule") != (self.schedule_sha256 is not None):
            raise fault_at("schedule_sha256", "is of a schedule, and of nothing else")
        return self


class AllocationDecision(ActBody):
    """`POST …/allocations/{id}/approvals`: approve or reject exactly what was proposed."""

    decision: Literal["approve", "reject"]
    act_sha256: Sha256


class PayoutLine(Body):
    """One payout was made (`tx`), or did not arrive (`failed`, why)."""

    payout: Annotated[str, Field(pattern=r"^pay_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    tx: TxText | None = None
    failed: Reason | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> "PayoutLine":
        if (self.tx is None) == (self.failed is None):
            raise fault_at("tx", "say the transaction, or why it failed")
        return self


class PayoutLines(ActBody):
    """`POST …/payouts`: what became of payouts; taken whole or refused whole."""

    lines: Annotated[list[PayoutLine], Field(min_length=1, max_length=MAX_CLAIMS)]


class RestitutionClosure(ActBody):
    """`POST …/closure`: nothing more is paid; what is left goes where the document says."""


class ClaimLink(Body):
    """A secret link of one claim: the SHA-256 of its token, which you made and nobody else has.

    The token is base64url of 32 random bytes, without padding: 43 characters.
    """

    claim: ClaimId
    link_sha256: Sha256


class NewClaimLinks(ActBody):
    """`POST …/claim-links`: make links for claims that you filed; each replaces the one before."""

    links: Annotated[list[ClaimLink], Field(min_length=1, max_length=MAX_CLAIMS)]


class ClaimLinkRevocation(ActBody):
    """`POST …/claim-link-revocations`: the links of these claims open nothing any more."""

    claims: Annotated[list[ClaimId], Field(min_length=1, max_length=MAX_CLAIMS), Distinct]
