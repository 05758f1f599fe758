"""What is sent about return requests: asking a partner to send held funds back, and its answers."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from holdfast.protocol.destination_payloads import DestinationId, TagText
from holdfast.protocol.payloads import (
    AccountText,
    ActBody,
    AmountText,
    AssetText,
    Body,
    Distinct,
    Handle,
    HoldId,
    Loose,
    Sha256,
)
from holdfast.protocol.requirements import absent, fault_at, given, rules, says, when
from holdfast.protocol.texts import Explanation, FileNumber, Reason, ShortText, Word
from holdfast.protocol.vocabulary import Decision, ReturnCode

#: Holds that one return request names at most.
MAX_HOLDS = 500


class ReturnDestination(Body):
    """Where it is to be sent: a destination of the requester's, and the account that it is."""

    id: DestinationId
    account: AccountText
    tag: TagText | None = None


class CourtOrder(Body):
    """A court orders that it is sent back; the document stays with whoever has it."""

    kind: Literal["court_order"]
    court: Word
    reference: FileNumber
    document_sha256: Sha256


class AuthorityOrder(Body):
    """An authority orders it, of the partner's legal entity that it names."""

    kind: Literal["authority_order"]
    agency: Word
    issuing_state: Annotated[
        str, Field(pattern=r"^[A-Z]{2}$", description="Whose authority, ISO 3166-1 alpha-2.")
    ]
    addressed_entity: Annotated[Word, Field(description="The legal entity that is ordered.")]
    reference: FileNumber
    document_sha256: Sha256


class OwnerProof(Body):
    """What the holder signed with the key of an account: plain text, as their wallet shows it."""

    account: AccountText
    message: Explanation
    signature: Annotated[str, Field(min_length=1, max_length=4_000, pattern=r"^[!-~]+$")]


class OwnerAgreed(Body):
    """Whoever holds the account agrees, and signed that they do."""

    kind: Literal["owner_agreed"]
    proof: OwnerProof


class OwnError(Body):
    """The requester sent it there itself, by error."""

    kind: Literal["own_error"]
    reason: Reason


ReturnBasis = Annotated[
    CourtOrder | AuthorityOrder | OwnerAgreed | OwnError, Field(discriminator="kind")
]


class ReturnAsk(ActBody):
    """`POST …/return-requests`: a partner is asked to send held funds back to the requester.

    `holds` names some of its holds, or all that it has of the asset; `amount` is base units over
    all of them, or all that is held. Another person approves it before the partner hears of it.
    """

    to: Handle = Field(description="The partner that holds.")
    holds: (
        Literal["all"]
        | Annotated[list[HoldId], Field(min_length=1, max_length=MAX_HOLDS), Distinct]
    )
    asset: AssetText
    amount: Literal["all"] | AmountText
    destination: ReturnDestination
    basis: ReturnBasis


class ReturnDecision(ActBody):
    """`POST …/return-requests/{id}/approvals`: another person decides on exactly what is asked."""

    act_sha256: Sha256
    decision: Annotated[Decision, Loose]


class ReturnEnd(ActBody):
    """`POST …/return-requests/{id}/withdrawal` and `…/revocation`: it is asked no more."""

    reason: Reason


class ReturnPart(Body):
    """So much of one hold is sent back; `amount: null` is all of a hold that withholds its own."""

    hold: HoldId
    amount: AmountText | None


class ReturnAnswer(ActBody):
    """`POST …/return-requests/{id}/answer`: the partner accepts, all or a part, or refuses.

    What it accepts it says by hold. Less than was asked is a part. A refusal has a code, and
    `other` a text.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            when(
                says("decision", "accept"),
                {"allOf": [given("parts"), absent("code")]},
                {"allOf": [given("code"), absent("parts")]},
            ),
            when(says("code", "other"), given("text")),
        )
    )

    act_sha256: Sha256
    decision: Literal["accept", "refuse"]
    parts: Annotated[list[ReturnPart], Field(min_length=1, max_length=MAX_HOLDS)] | None = None
    code: Annotated[ReturnCode, Loose] | None = None
    text: ShortText | None = None

    @model_validator(mode="after")
    def _says_what_it_means(self) -> "ReturnAnswer":
        if self.decision == "accept":
            if self.parts is None:
                raise fault_at("parts", "say by hold how much is sent back")
            if self.code is not None:
                raise fault_at("code", "goes with a refusal")
            named = [part.hold for part in self.parts]
            if len(set(named)) != len(named):
                raise fault_at("parts", "must not name a hold twice")
            return self
        if self.parts is not None:
            raise fault_at("parts", "nothing is sent on a refusal: leave it out")
        if self.code is None:
            raise fault_at("code", "a refusal says why")
        if self.code is ReturnCode.OTHER and not self.text:
            raise fault_at("text", "say in words why")
        return self


class ReturnReceipt(ActBody):
    """`POST …/return-requests/{id}/receipt`: what was sent arrived, or it did not.

    `amount` is how much was sent by the partner's lines, so that nobody confirms what they have not
    seen; what did not arrive is told in `text`.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(when({"properties": {"received": {"const": False}}}, given("text")))
    )

    received: bool
    amount: AmountText
    text: ShortText | None = None

    @model_validator(mode="after")
    def _says_what_is_missing(self) -> "ReturnReceipt":
        if not self.received and not self.text:
            raise fault_at("text", "say what did not arrive")
        return self
