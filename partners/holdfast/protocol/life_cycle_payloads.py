"""What is sent while a request lives: questions, disputes, orders, documents, more partners."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from holdfast.protocol.payloads import (
    MAX_PARTNERS_ASKED,
    ActBody,
    AmountText,
    AssetText,
    Body,
    Distinct,
    Handle,
    HoldId,
    Loose,
    Sha256,
    Time,
)
from holdfast.protocol.requirements import absent, fault_at, given, one_of, rules, says, when
from holdfast.protocol.texts import Explanation, FileNumber, FreeText, Reason, ShortText, Word
from holdfast.protocol.vocabulary import (
    Blocked,
    CallBackOutcome,
    Decision,
    EncumbranceKind,
    NumberSource,
    Support,
    Verification,
)

#: Amounts are unsigned 256-bit integers on the chains that have the largest.
_LIMIT = 2**256


def _not_a_number(value: str) -> str:
    if value.isdigit():
        raise ValueError("must not be a bare number, which could be an account's; make up a word")
    return value


class InfoRequest(ActBody):
    """`POST …/info-requests`: what the partner needs before it can act."""

    missing: Annotated[list[Word], Field(min_length=1, max_length=20)]
    text: ShortText | None = None


class InfoAnswer(ActBody):
    """`POST …/info-requests/{id}/answer`."""

    text: Explanation


class Dispute(ActBody):
    """`POST …/disputes`: a partner contests for its customer, who stays unnamed.

    `reference` is the partner's own word for the matter and means nothing to anybody else; without
    `hold` the whole leg is contested.
    """

    reference: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{3,63}$",
            description="Opaque: 4 to 64 of A-Z a-z 0-9 . _ -, never a customer's number.",
        ),
        AfterValidator(_not_a_number),
        FreeText(),
    ]
    text: Explanation
    hold: HoldId | None = None


class DisputeResolution(ActBody):
    """`POST …/disputes/{id}/resolution`: `upheld` agrees with the partner, `rejected` does not."""

    resolution: Literal["upheld", "rejected"]
    text: Explanation


class ClearanceRevocation(ActBody):
    """`POST …/clearances/{id}/revocation`: the account was not flagged by error after all."""

    reason: Reason


class WithdrawalDecision(ActBody):
    """`POST …/withdrawals/{id}/approvals`: another lead decides on exactly what was proposed.

    `act_sha256` is the SHA-256 of the proposal's very body, as its evidence has it: the approval
    proves nothing about any other proposal.
    """

    decision: Annotated[Decision, Loose]
    act_sha256: Sha256
    comment: ShortText | None = None


class CallBackRecord(Body):
    """That an authority was called back, when, and where its number came from."""

    at: Time
    number_from: Annotated[NumberSource, Loose]


class LegalOrder(ActBody):
    """`POST …/legal-orders`: an authority's order; the file stays with whoever has it.

    It changes no hold by itself: the partner that holds signs a hold extension with basis
    `legal_order`. `entity` is whom the order addresses, `freeze_until` the end of its freeze
    period: somebody reviews it then, and it stands until it is lifted.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            when(given("call_back"), says("verification", Verification.CALL_BACK.value))
        )
    )

    agency: Word
    reference: FileNumber
    document_sha256: Sha256
    hold: HoldId | None = None
    officer: Word | None = None
    entity: Word | None = None
    verification: Annotated[Verification, Loose] | None = None
    call_back: CallBackRecord | None = None
    freeze_until: Time | None = None

    @model_validator(mode="after")
    def _was_called_back(self) -> "LegalOrder":
        if self.call_back is not None and self.verification is not Verification.CALL_BACK:
            raise fault_at("call_back", "goes with verification call_back: leave one of them out")
        return self


class OrderCallBack(ActBody):
    """`POST …/legal-orders/{id}/call-backs`: a member called the authority back itself."""

    at: Time
    number_from: Annotated[NumberSource, Loose]
    outcome: Annotated[CallBackOutcome, Loose]


class Encumbrance(ActBody):
    """`POST …/encumbrances`: a third party's claim on a hold, by a court or an authority.

    Without `amount` it takes all of the hold, and all that comes. The file stays with whoever has
    it; court and number are read by the requester and the partner that holds alone.
    """

    kind: Annotated[EncumbranceKind, Loose]
    hold: HoldId
    order_sha256: Sha256
    amount: AmountText | None = None
    blocks: Annotated[
        list[Annotated[Blocked, Loose]], Field(min_length=1, max_length=len(Blocked)), Distinct
    ]
    court: Word
    number: FileNumber
    review_at: Time | None = None

    @model_validator(mode="after")
    def _claims_something(self) -> "Encumbrance":
        if self.amount is not None and not 1 <= int(self.amount) < _LIMIT:
            raise fault_at("amount", "must be at least 1 and below 2^256; leave it out for all")
        return self


class Lifting(ActBody):
    """`POST …/encumbrances/{id}/lifting`, or of a legal order: by a second person.

    `act_sha256` is the SHA-256 of the very body that attached it, as its evidence has it: the act
    proves nothing about any other. `document_sha256` is of the document by which it ends.
    """

    act_sha256: Sha256
    document_sha256: Sha256
    note: ShortText | None = None


class EncumbranceReview(ActBody):
    """`POST …/encumbrances/{id}/reviews`, or of a legal order: it stands, until another look."""

    review_at: Time


class IndemnityCap(Body):
    """The most that is made good: US dollars, or an amount of an asset in base units."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            one_of(
                {"allOf": [given("usd"), absent("asset", "amount")]},
                {"allOf": [given("asset", "amount"), absent("usd")]},
            )
        )
    )

    usd: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,17}(\.[0-9]{1,2})?$")] | None = None
    asset: AssetText | None = None
    amount: AmountText | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "IndemnityCap":
        in_asset = (self.asset is not None, self.amount is not None)
        if in_asset not in {(True, True), (False, False)} or all(in_asset) is bool(self.usd):
            raise ValueError("state either usd, or asset and amount")
        if self.amount == "0":
            raise fault_at("amount", "the amount must be at least 1")
        return self


class IndemnityGift(ActBody):
    """`POST …/indemnities`: what a wrong freeze costs is made good, by the terms of a document.

    `law` is a country (ISO 3166-1 alpha-2) or a few words; without `to` it is given to all asked.
    """

    cap: IndemnityCap
    law: Word
    until: Time
    document_sha256: Sha256
    to: Handle | None = None


class SameFunds(ActBody):
    """`POST …/same-funds`: two holds are of the same tokens, and `same_as` is the one that counts.

    `same_as: null` takes that back.
    """

    hold: HoldId
    same_as: HoldId | None


class SupportRaise(ActBody):
    """`POST …/support`: a document on which the request rests from now on, by its hash.

    It changes no hold by itself: the partners that hold may now extend them farther.
    """

    support: Annotated[Support, Loose]
    document_sha256: Sha256
    reference: FileNumber | None = None


class TaskTaken(Body):
    """`POST /v1/tasks/{id}/taken`: somebody has it.

    `content_sha256` is of the request that it is about, and left out where it is about none.
    """

    content_sha256: Sha256 | None = None


class PartnersAddition(ActBody):
    """`POST …/partners`: more partners for a live request, approved like a request.

    `nonce` tells two additions of the same partners apart, where an earlier one was rejected.
    """

    to: Annotated[list[Handle], Field(min_length=1, max_length=MAX_PARTNERS_ASKED), Distinct]
    nonce: (
        Annotated[
            str,
            Field(pattern=r"^[A-Za-z0-9_-]{21}[AQgw]$", description="base64url of 16 random bytes"),
        ]
        | None
    ) = None
