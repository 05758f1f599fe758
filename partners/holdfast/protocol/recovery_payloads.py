"""What is sent about deposits that went to the wrong place: a request, answers, replies.

One signed document asks one partner about one deposit or about thousands; its deposits are
numbered from 0 in its order, and everything said later names them by number.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from holdfast.protocol.payloads import (
    AccountText,
    ActBody,
    AmountText,
    AssetText,
    Body,
    Distinct,
    Handle,
    Loose,
    Nonce,
    Sha256,
    no_duplicates,
)
from holdfast.protocol.requirements import fault_at
from holdfast.protocol.texts import Form, Note, Reason, ShortText, TxText, one_line
from holdfast.protocol.vocabulary import (
    Decision,
    Mistake,
    RecoveryCode,
    RecoveryNeed,
    RecoveryProofKind,
)

MAX_DEPOSITS = 5_000

DepositNo = Annotated[
    int, Field(ge=0, lt=MAX_DEPOSITS, description="Place in the request's list, from 0.")
]
_TagText = Annotated[
    str,
    Field(min_length=1, max_length=64),
    AfterValidator(one_line),
    Form("a tag or payment id, by the chain's rule"),
]


class RecoveryProof(Body):
    """What proves that a deposit came from the requester: a paper that stays with it, by hash."""

    kind: Annotated[RecoveryProofKind, Loose]
    sha256: Sha256


class MisplacedDeposit(Body):
    """One deposit that went to the wrong place.

    `account` is where it arrived and `sent_from` the requester's own account that sent it, both on
    the chain on which the transaction is. It goes back to `sent_from`, or to an account that the
    requester registered; the latter takes a `proof`. `fee_accepted` is in base units of `asset`:
    no more than that may be kept of it.
    """

    account: AccountText
    tag: _TagText | None = None
    asset: AssetText
    amount: AmountText
    tx: TxText
    sent_from: AccountText
    return_to: AccountText
    return_tag: _TagText | None = None
    mistake: Annotated[Mistake, Loose]
    fee_accepted: AmountText
    proof: RecoveryProof | None = None
    note: Note | None = None


class RecoveryRequest(Body):
    """`POST /v1/recovery-requests`: asks one partner to give misplaced deposits back."""

    nonce: Nonce
    to: Handle
    drill: bool = False
    deposits: Annotated[list[MisplacedDeposit], Field(min_length=1, max_length=MAX_DEPOSITS)]


class RecoveryDecision(ActBody):
    """`POST …/approvals`: somebody else of the requester decides on the whole document."""

    decision: Annotated[Decision, Loose]
    comment: ShortText | None = None


class RecoveryWithdrawal(ActBody):
    """`POST …/withdrawal`: the requester takes deposits back, or all that nothing came of yet."""

    deposits: (
        Literal["all"]
        | Annotated[
            list[DepositNo],
            Field(min_length=1, max_length=MAX_DEPOSITS),
            AfterValidator(no_duplicates),
        ]
    ) = "all"
    reason: Reason


class DepositFound(Body):
    """It is here: how much came, from whom as the chain shows it, and what returning it costs.

    The fee binds: it is at most what the requester accepts, and never raised afterwards.
    """

    kind: Literal["found"]
    no: DepositNo
    amount: AmountText
    sent_from: AccountText
    fee: AmountText


class DepositNotFound(Body):
    """No such deposit is known here."""

    kind: Literal["not_found"]
    no: DepositNo
    text: Note | None = None


class DepositNeeds(Body):
    """The requester must add something first; with `higher_fee`, `fee` says what it would cost."""

    kind: Literal["needs"]
    no: DepositNo
    missing: Annotated[
        list[Annotated[RecoveryNeed, Loose]], Field(min_length=1, max_length=4), Distinct
    ]
    fee: AmountText | None = None
    text: Note | None = None

    @model_validator(mode="after")
    def _fee_with_higher_fee(self) -> "DepositNeeds":
        if (self.fee is not None) is not (RecoveryNeed.HIGHER_FEE in self.missing):
            raise fault_at("fee", "state what it would cost where the higher fee is missing, only")
        return self


class DepositDeclined(Body):
    """It is not given back, and why."""

    kind: Literal["declined"]
    no: DepositNo
    code: Annotated[RecoveryCode, Loose]
    text: Note | None = None


class DepositReturned(Body):
    """It went back: `amount` and `fee` add up to what was found."""

    kind: Literal["returned"]
    no: DepositNo
    tx: TxText
    amount: AmountText
    fee: AmountText


DepositAnswer = Annotated[
    DepositFound | DepositNotFound | DepositNeeds | DepositDeclined | DepositReturned,
    Field(discriminator="kind"),
]


class RecoveryAnswers(ActBody):
    """`POST …/answers`: what the partner asked says of deposits; taken whole or not at all."""

    lines: Annotated[list[DepositAnswer], Field(min_length=1, max_length=MAX_DEPOSITS)]


class DepositSupplied(Body):
    """What the partner asked for."""

    kind: Literal["supplied"]
    no: DepositNo
    proof: RecoveryProof | None = None
    text: Note | None = None

    @model_validator(mode="after")
    def _something(self) -> "DepositSupplied":
        if self.proof is None and not self.text:
            raise fault_at("text", "supply a proof or a text")
        return self


class DepositConfirmed(Body):
    """What was returned has arrived."""

    kind: Literal["confirmed"]
    no: DepositNo


class DepositNotReceived(Body):
    """What is said to be returned has not arrived."""

    kind: Literal["not_received"]
    no: DepositNo
    text: Note | None = None


DepositReply = Annotated[
    DepositSupplied | DepositConfirmed | DepositNotReceived, Field(discriminator="kind")
]


class RecoveryReplies(ActBody):
    """`POST …/replies`: what the requester says of deposits; taken whole or not at all."""

    lines: Annotated[list[DepositReply], Field(min_length=1, max_length=MAX_DEPOSITS)]
