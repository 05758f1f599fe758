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
from holdfast.protocol.requirements import absent, fault_at, given, one_of, rules
from holdfast.protocol.texts import Explanation, FileNumber, FreeText, Reason, ShortText, Word
from holdfast.protocol.vocabulary import Decision, Support


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


class LegalOrder(ActBody):
    """`POST …/legal-orders`: an authority's order; the file stays with whoever has it.

    It changes no hold by itself: the partner that holds signs a hold extension with basis
    `legal_order`.
    """

    agency: Word
    reference: FileNumber
    document_sha256: Sha256
    hold: HoldId | None = None


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
