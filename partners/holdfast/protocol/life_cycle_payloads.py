"""What is sent while a request lives: questions, disputes, legal orders, more partners."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from holdfast.protocol.payloads import (
    MAX_PARTNERS_ASKED,
    ActBody,
    Distinct,
    Handle,
    HoldId,
    Sha256,
)
from holdfast.protocol.texts import Explanation, FileNumber, FreeText, ShortText, Word


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


class LegalOrder(ActBody):
    """`POST …/legal-orders`: an authority's order; the file stays with whoever has it.

    It changes no hold by itself: the partner that holds signs a hold extension with basis
    `legal_order`.
    """

    agency: Word
    reference: FileNumber
    document_sha256: Sha256
    hold: HoldId | None = None


class TaskTaken(ActBody):
    """`POST /v1/tasks/{id}/taken`: somebody has it; the hash is of the request that it is about."""


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
