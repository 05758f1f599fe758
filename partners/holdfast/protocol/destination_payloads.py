"""What a member sends about the accounts that money may be sent back to."""

from typing import Annotated

from pydantic import AfterValidator, Field

from holdfast.protocol.payloads import (
    AccountText,
    AmountText,
    AssetText,
    Body,
    Loose,
    Sha256,
)
from holdfast.protocol.texts import Form, Reason, TxText, Word, one_line
from holdfast.protocol.vocabulary import Decision

DestinationId = Annotated[str, Field(pattern=r"^dst_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
TagText = Annotated[
    str,
    Field(min_length=1, max_length=64),
    AfterValidator(one_line),
    Form("a tag or payment id, by the chain's rule"),
]


class NewDestination(Body):
    """`POST /v1/destinations`: an account of one's own that money may be sent back to.

    `label` is what your own people call it; nobody else reads it.
    """

    account: AccountText
    tag: TagText | None = None
    label: Word | None = None


class DestinationDecision(Body):
    """`POST /v1/destinations/{id}/approvals`: another person decides on exactly what was proposed.

    `act_sha256` is the SHA-256 of the proposal's body: whoever decides hashes the bytes they read.
    """

    act_sha256: Sha256
    decision: Annotated[Decision, Loose]


class ArrivedTest(Body):
    """`POST /v1/destinations/{id}/test-transfers`: a test transfer arrived in the account."""

    tx: TxText
    asset: AssetText
    amount: AmountText


class DestinationClosure(Body):
    """`POST /v1/destinations/{id}/closure`: nothing more is to be sent there."""

    reason: Reason
