"""What partners send: one strict pydantic model for every body of the API.

Bodies are parsed by `strict_json` first; these models then refuse unknown members, wrong types and
values out of range, each with a JSON pointer. Nothing is coerced: a number is not a string, and a
time needs its zone.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    WithJsonSchema,
    model_validator,
)

from holdfast.protocol.requirements import (
    absent,
    any_of,
    fault_at,
    faults_at,
    given,
    holds,
    rules,
    says,
    when,
)
from holdfast.protocol.texts import (
    Explanation,
    FileNumber,
    Form,
    LongText,
    Note,
    OnwardAccountText,
    Reason,
    ShortText,
    TxText,
    Word,
    is_visible,
    one_line,
)
from holdfast.protocol.vocabulary import (
    EVENT_FAMILIES,
    AddressRole,
    Decision,
    DeclineCode,
    ErasureReason,
    EventType,
    HoldBasis,
    IncidentKind,
    InterestKind,
    KeptBasis,
    LineKind,
    ReleaseReason,
    Support,
    Tlp,
    Urgency,
    WarningCode,
    WithdrawalReason,
)

#: RFC 3339 with an explicit zone; a leap second and a lower-case t or z are refused.
_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}):(\d{2})(\.\d{1,6})?\d{0,12}(Z|[+-]\d{2}:\d{2})", re.ASCII
)
_LEAP_SECOND = "60"  # datetime has none
MAX_ADDRESSES = 20_000
MAX_LINES = 20_000
MAX_PARTNERS_ASKED = 1_000
#: Reasons why partners are asked; every reader of the request is shown theirs.
MAX_WHYS = 100
#: Times outside this window are typing errors, and neither end can overflow when a clock is added.
_EARLIEST = datetime(2008, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def parse_time(value: object) -> datetime:
    """Return `value` (RFC 3339 text, e.g. "2025-02-21T14:13:35Z") as an aware UTC datetime.

    As Go, Java and .NET write it, too: further digits than microseconds are cut, a space may stand
    for the T (RFC 3339 section 5.6), and a leap second is the second before it.

    Raises:
        ValueError: If it is no such text, has no zone, or lies outside 2008 to 2100.
    """
    if isinstance(value, datetime):
        return _parse_time(value.isoformat())
    if isinstance(value, str):
        return _parse_time(value)
    raise ValueError("must be a string with an RFC 3339 time, e.g. 2025-02-21T14:13:35Z")


@lru_cache(maxsize=1024)
def _parse_time(text: str) -> datetime:
    """Return the time; a report of thousands of lines names the same few again and again."""
    parts = _RFC3339.fullmatch(text)
    if parts is None:
        raise ValueError("must be an RFC 3339 time with its zone, e.g. 2025-02-21T14:13:35Z")
    date, minute, second, fraction, zone = parts.groups("")
    second = "59" if second == _LEAP_SECOND else second
    try:
        moment = datetime.fromisoformat(f"{date}T{minute}:{second}{fraction}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no time that exists in the calendar") from None
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError("must lie between 2008 and 2100")
    return moment


@lru_cache(maxsize=1024)
def format_time(moment: datetime) -> str:
    """Return an aware datetime as RFC 3339 UTC with as many digits as it needs ("…35Z")."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone has no place on the wire")
    text = moment.astimezone(UTC).isoformat()
    return text.removesuffix("+00:00") + "Z"


def optional_time(moment: datetime | None) -> str | None:
    """Return a time as `format_time` does; None where there is none."""
    return None if moment is None else format_time(moment)


def no_duplicates(value: list[Any]) -> list[Any]:
    """Return a list that names nothing twice, or raise ValueError."""
    if len(set(value)) != len(value):
        raise ValueError("must not name the same thing twice")
    return value


Time = Annotated[
    datetime,
    BeforeValidator(parse_time),
    PlainSerializer(format_time, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Handle = Annotated[
    str,
    Field(
        max_length=253,
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        description="A partner's handle: a lower-case DNS name.",
    ),
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256, 64 hex digits.")]
AmountText = Annotated[
    str,
    Field(
        max_length=78,
        pattern=r"^(0|[1-9][0-9]{0,77})$",
        description="Whole base units (satoshi, wei) as a decimal string, below 2^256.",
    ),
]
AssetText = Annotated[
    str,
    Field(min_length=3, max_length=200, description="CAIP-19, e.g. eip155:1/slip44:60."),
    Form("an asset of a known chain, by the chain's rule"),
]
UrlText = Annotated[
    str, Field(min_length=8, max_length=2_000), Form("a URL that webhooks may go to")
]
AccountText = Annotated[
    str,
    Field(min_length=3, max_length=300, description="CAIP-10."),
    Form("an account of a known chain, by the chain's rule"),
]
AddressNo = Annotated[
    int, Field(ge=0, lt=MAX_ADDRESSES, description="Place in the request's list, from 0.")
]
AddressNos = Annotated[
    list[AddressNo], Field(min_length=1, max_length=MAX_ADDRESSES), AfterValidator(no_duplicates)
]


#: What follows the prefix and its underscore (TypeID 0.3).
_SUFFIX = "[0-7][0-9a-hjkmnp-tv-z]{25}$"
RequestId = Annotated[str, Field(pattern=f"^frq_{_SUFFIX}")]
IncidentId = Annotated[str, Field(pattern=f"^inc_{_SUFFIX}")]
ActId = Annotated[str, Field(pattern=f"^act_{_SUFFIX}")]
HoldId = Annotated[str, Field(pattern=f"^hld_{_SUFFIX}")]
ReturnId = Annotated[str, Field(pattern=f"^ret_{_SUFFIX}")]
LineId = Annotated[str, Field(pattern=f"^lin_{_SUFFIX}")]
SubjectId = Annotated[str, Field(pattern=f"^(per|sys)_{_SUFFIX}")]
PersonId = Annotated[str, Field(pattern=f"^per_{_SUFFIX}")]
Loose = Field(strict=False)  # enums arrive as strings
#: On a list: it names nothing twice.
Distinct = AfterValidator(no_duplicates)


class Body(BaseModel):
    """Base of everything that a partner sends."""

    # Validators are built when they are first used: a command needs few of a hundred models.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Usd(Body):
    """What an amount was worth, where known; never used in the ledger's rules."""

    value: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,17})(\.[0-9]{1,2})?$")]
    at: Time
    source: Word


class NewIncident(Body):
    """The theft or scam, as the first request tells it."""

    title: Word
    kind: Annotated[IncidentKind, Loose]
    occurred_at: Time
    reference: FileNumber | None = None


class KnownIncident(Body):
    """An incident that an earlier request opened."""

    id: IncidentId


def _incident_form(value: Any) -> str:
    if isinstance(value, KnownIncident) or (isinstance(value, dict) and "id" in value):
        return "known"
    return "new"


class WholeAccount(Body):
    """Why the whole account is to be frozen, beyond what came from where it was taken."""

    why: Reason


class FlaggedAddress(Body):
    """One account to freeze.

    `asset` and `amount` absent means whatever came from the flagged account or transaction, in any
    asset; `whole_account` asks for more. Deposits of less than `min_amount` of the asset are not
    held by whoever screens for the account.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            when(given("amount"), given("asset")), when(given("min_amount"), given("asset"))
        )
    )

    account: AccountText
    tag: (
        Annotated[
            str,
            Field(min_length=1, max_length=64),
            AfterValidator(one_line),
            Form("a tag or payment id, by the chain's rule"),
        ]
        | None
    ) = None
    asset: AssetText | None = None
    amount: AmountText | None = None
    role: Annotated[AddressRole, Loose] | None = None
    tx: TxText | None = None
    block: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    note: Note | None = None
    usd: Usd | None = None
    whole_account: WholeAccount | None = None
    min_amount: AmountText | None = None

    @model_validator(mode="after")
    def _amount_needs_asset(self) -> "FlaggedAddress":
        if self.amount is not None and self.asset is None:
            raise fault_at("asset", "an amount needs its asset")
        if self.min_amount is not None and self.asset is None:
            raise fault_at("asset", "a least amount needs its asset")
        return self


class HoldWanted(Body):
    """How long the requester asks partners to hold."""

    hours: Annotated[int, Field(ge=1, le=24 * 366)]


class Legal(Body):
    """References to what the authorities have."""

    police_report: FileNumber | None = None
    agency: Word | None = None
    order: FileNumber | None = None


class Indemnity(Body):
    """Whether the requester offers to make good what a wrong freeze costs."""

    offered: bool
    text: LongText | None = None


class WhyYou(Body):
    """Why some of the partners asked, or all of them, are asked: "deposit address of yours".

    Everybody asked is handed the whole document: say nothing here that only one of them may read.
    """

    to: (
        Literal["all"]
        | Annotated[list[Handle], Field(min_length=1, max_length=MAX_PARTNERS_ASKED), Distinct]
    ) = Field(description="The partners it is said to: some of those asked, or all.")
    why: Reason
    address_nos: AddressNos | None = Field(
        default=None, description="The addresses it is about; absent: all of them."
    )


class Interest(Body):
    """What the requester itself stands to gain or lose, stated so that partners can weigh it.

    It is part of the signed document, so that a false one is a false one under its signature. Who
    has no interest states none.
    """

    kinds: Annotated[
        list[Annotated[InterestKind, Loose]],
        Field(min_length=1, max_length=7, description="What it is, by code."),
        Distinct,
    ]
    statement: Explanation = Field(description="The same in a sentence or two.")


class RequestDocument(Body):
    """What a freeze request says beside the accounts that it flags.

    `drill`: everything goes its way and nothing is real; a document without it is no drill.
    """

    incident: Annotated[
        Annotated[NewIncident, Tag("new")] | Annotated[KnownIncident, Tag("known")],
        Discriminator(_incident_form),
    ]
    follows: RequestId | None = None
    drill: bool = False
    urgency: Annotated[Urgency, Loose]
    tlp: Annotated[Tlp, Loose] = Tlp.AMBER_STRICT
    summary: Explanation
    to: (
        Literal["all"]
        | Annotated[
            list[Handle],
            Field(min_length=1, max_length=MAX_PARTNERS_ASKED),
            AfterValidator(no_duplicates),
        ]
    )
    hold: HoldWanted | None = None
    support: Annotated[Support, Loose] = Support.NONE
    legal: Legal | None = None
    do_not_notify_customer_until: Time | None = None
    indemnity: Indemnity | None = None
    why_you: Annotated[
        list[WhyYou], Field(max_length=MAX_WHYS, description="Why partners are asked.")
    ] = []
    interest: Interest | None = Field(
        default=None, description="The requester's own; absent where it has none."
    )
    rulebook_sha256: Sha256 | None = Field(
        default=None,
        description="Of the rulebook in force (`GET /v1/rulebook`); absent where there is none.",
    )


class FreezeRequest(RequestDocument):
    """`POST /v1/freeze-requests`: one immutable signed document."""

    nonce: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9_-]{21}[AQgw]$", description="base64url of 16 random bytes"),
    ]
    addresses: Annotated[list[FlaggedAddress], Field(min_length=1, max_length=MAX_ADDRESSES)]

    def numbered(self) -> dict[int, FlaggedAddress]:
        """Return the flagged addresses by number."""
        return dict(enumerate(self.addresses))


class Remainder(RequestDocument):
    """What goes out where the approval leaves addresses out: null stands in their places."""

    addresses: Annotated[list[FlaggedAddress | None], Field(min_length=1, max_length=MAX_ADDRESSES)]

    def numbered(self) -> dict[int, FlaggedAddress]:
        """Return the flagged addresses that go out, by number."""
        return {no: each for no, each in enumerate(self.addresses) if each is not None}

    def left_out(self) -> list[int]:
        """Return the numbers of the addresses that do not go out."""
        return [no for no, each in enumerate(self.addresses) if each is None]


# --- acts on a request; each names the document that it acts on -----------------------------------


class ActBody(Body):
    """Base of every body below `/v1/freeze-requests/{id}/`."""

    content_sha256: Sha256


class WarningAcceptance(Body):
    """One warning accepted, for some addresses or for all that carry it, with the reason.

    The partners asked read it: a warning about other requests (`duplicate`) is not named here.
    """

    code: Annotated[WarningCode, Loose]
    address_nos: Literal["all"] | AddressNos
    reason: Reason


class Approval(ActBody):
    """`POST …/approvals`: one lead's decision on exactly the context that was shown.

    An approval may leave addresses out (`except`): they never go out. It then names, too, the hash
    of what does (`holdfast.protocol.remainder`).
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            when(
                holds("except", {"minItems": 1}),
                given("remainder_sha256") | {"not": says("decision", Decision.REJECT.value)},
                absent("remainder_sha256"),
            )
        )
    )

    decision: Annotated[Decision, Loose]
    left_out: Annotated[
        list[AddressNo],
        Field(
            alias="except",
            max_length=MAX_ADDRESSES,
            description="Numbers of the addresses that are not to go out.",
        ),
        Distinct,
    ] = []
    remainder_sha256: Sha256 | None = None
    context_sha256: Sha256
    comment: ShortText | None = None
    warnings_accepted: Annotated[list[WarningAcceptance], Field(max_length=100)] = []

    @model_validator(mode="after")
    def _whole(self) -> "Approval":
        if self.left_out and self.decision is Decision.REJECT:
            raise fault_at("except", "a rejection leaves no address out: leave except away")
        if bool(self.left_out) != (self.remainder_sha256 is not None):
            raise fault_at(
                "remainder_sha256" if self.left_out else "except",
                "except and remainder_sha256 go together: state both or neither",
            )
        return self


def _a_person_s(code: WithdrawalReason) -> WithdrawalReason:
    if code is WithdrawalReason.NOT_RATIFIED:
        raise ValueError("is said by the coordinator alone, of a request that no lead ratified")
    return code


class Withdrawal(ActBody):
    """`POST …/withdrawal`: `reason_code` for programs, `reason` for people; holders read both."""

    addresses: Literal["all"] | AddressNos
    reason_code: Annotated[WithdrawalReason, Loose, AfterValidator(_a_person_s)]
    reason: Reason


class Closure(ActBody):
    """`POST …/closure`."""

    reason: ShortText | None = None


class Erasure(ActBody):
    """`POST …/erasure`: a lead of the requester stands behind what the operator proposed."""

    reason: Annotated[ErasureReason, Loose, Field(description="As it was proposed.")]


class Acknowledgement(ActBody):
    """`POST …/acknowledgement`: a person or system of the partner has it."""

    note: ShortText | None = None


class Review(ActBody):
    """`POST …/review`: somebody is looking into it."""

    note: ShortText | None = None


class Next(Body):
    """Where funds went on to, as far as the partner may say."""

    model_config = ConfigDict(
        json_schema_extra=rules(any_of(given("service"), given("account"), given("tx")))
    )

    service: Word | None = None
    account: OnwardAccountText | None = None
    tx: TxText | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Next":
        if self.service is None and self.account is None and self.tx is None:
            raise ValueError("name a service, an account or a tx")
        return self


class Explained(Body):
    """Why nothing is frozen, and where the funds went as far as that is known."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            when(says("code", DeclineCode.MOVED_ON), given("next")),
            when(says("code", DeclineCode.OTHER), given("detail")),
            when(
                says("code", DeclineCode.INSUFFICIENT_EVIDENCE),
                holds("retry", {"const": True}),
            ),
            when(
                says("code", DeclineCode.INSUFFICIENT_EVIDENCE), holds("missing", {"minItems": 1})
            ),
            when(says("code", DeclineCode.LEFT_AFTER_NOTICE), given("left_at"), absent("left_at")),
            when(
                says("code", DeclineCode.CANNOT_SAY),
                absent("next"),
            ),
            when(
                says("code", DeclineCode.CANNOT_SAY),
                {"not": holds("missing", {"minItems": 1})},
            ),
        )
    )

    code: Annotated[DeclineCode, Loose]
    detail: ShortText | None = None
    retry: bool = False
    missing: Annotated[list[Word], Field(max_length=20)] = []
    next: Next | None = None
    left_at: Time | None = None

    @model_validator(mode="after")
    def _explained(self) -> Self:
        """Refuse a code without what the table of codes asks for beside it."""
        faults = self._faults()
        if faults:
            raise faults_at(faults)
        return self

    def _faults(self) -> dict[str, str]:
        """Return what is wrong, by the member that is missing or should be."""
        match self.code:
            case DeclineCode.MOVED_ON if self.next is None:
                return {"next": "moved_on needs next: a service, an account or a tx"}
            case DeclineCode.OTHER if not is_visible(self.detail or ""):
                return {"detail": "other needs detail: say why in a sentence"}
            case DeclineCode.INSUFFICIENT_EVIDENCE:
                text = "insufficient_evidence needs retry: true and what is missing"
                return {name: text for name in ("retry", "missing") if not getattr(self, name)}
            case DeclineCode.LEFT_AFTER_NOTICE if self.left_at is None:
                return {"left_at": "left_after_notice needs left_at: when the funds left"}
            case DeclineCode.CANNOT_SAY:
                text = "cannot_say needs nothing else: leave next and missing out"
                found = {name: text for name in ("next", "missing") if getattr(self, name)}
            case _:
                found = {}
        if self.left_at is not None and self.code is not DeclineCode.LEFT_AFTER_NOTICE:
            text = f"{self.code} needs no left_at: it goes with left_after_notice alone"
            found["left_at"] = text
        return found


class Decline(Explained, ActBody):
    """`POST …/decline`: nothing is or will be frozen, and why."""


class FoundLine(Body):
    """So much is, or was at the notice, here; `amount: null` is withheld."""

    kind: Literal[LineKind.FOUND, "found"]
    address_no: AddressNo
    asset: AssetText
    amount: AmountText | None
    usd: Usd | None = None


#: What every line states that opens a hold, and what in place of that an issuer's does.
_NEEDED = ("frozen_at", "hold_expires_at")
_NEEDED_OF_ISSUERS = ("review_at", "effective_tx", "effective_at")
#: What issuers' lines alone state.
_OF_ISSUERS = (*_NEEDED_OF_ISSUERS, "proposed_tx", "proposed_at")


def _opening(*needed: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of a line that opens a hold; its amount may be null (withheld)."""
    schema = given("asset", *needed)
    schema["required"] = [*schema["required"], "amount"]
    schema["properties"] |= {"amount": {}} | absent(*without)["properties"]
    return schema


class FrozenLine(Body):
    """So much can no longer leave; opens a hold, or tops up or shares the one it names.

    An issuer's freeze is a transaction that nothing undoes by itself: the line that opens its hold
    states `review_at`, `effective_tx` and `effective_at` in place of `frozen_at` and
    `hold_expires_at`. Where the call was proposed first and executed later, it states
    `proposed_tx` and `proposed_at`, too: between the two the funds could still leave.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            when(
                given("hold"),
                absent(*_OF_ISSUERS),
                when(
                    any_of(*(given(name) for name in _OF_ISSUERS)),
                    _opening(*_NEEDED_OF_ISSUERS, without=_NEEDED),
                    _opening(*_NEEDED),
                ),
            ),
            when(given("proposed_tx"), given("proposed_at")),
            when(given("proposed_at"), given("proposed_tx")),
        )
    )

    kind: Literal[LineKind.FROZEN, "frozen"]
    address_no: AddressNo
    asset: AssetText | None = None
    amount: AmountText | None = None
    frozen_at: Time | None = None
    hold_expires_at: Time | None = None
    basis: Annotated[HoldBasis, Loose] = HoldBasis.VOLUNTARY
    account_level: bool = False
    hold: HoldId | None = None
    usd: Usd | None = None
    review_at: Time | None = None
    proposed_tx: TxText | None = None
    proposed_at: Time | None = None
    effective_tx: TxText | None = None
    effective_at: Time | None = None

    @property
    def is_by_issuer(self) -> bool:
        """Whether it is told as an issuer tells of a freeze."""
        # By the thousand in a report, so no loop.
        return not (
            self.review_at is None
            and self.proposed_tx is None
            and self.proposed_at is None
            and self.effective_tx is None
            and self.effective_at is None
        )

    @property
    def begins_at(self) -> datetime | None:
        """When the freeze began: an issuer's, when it was proposed, or at once."""
        return self.frozen_at or self.proposed_at or self.effective_at

    @property
    def ends_at(self) -> datetime | None:
        """When it ends, or is looked at again."""
        return self.hold_expires_at or self.review_at

    @model_validator(mode="after")
    def _whole(self) -> "FrozenLine":
        if self.hold is not None:
            if self.is_by_issuer:
                text = "a line that names a hold states no transactions and no review_at"
                raise faults_at({name: text for name in _OF_ISSUERS if getattr(self, name)})
            return self
        needed = _NEEDED_OF_ISSUERS if self.is_by_issuer else _NEEDED
        missing = {
            name: f"a frozen line that opens a hold needs {name}"
            for name in ("asset", *needed)
            if getattr(self, name) is None
        }
        if self.amount is None and "amount" not in self.model_fields_set:
            missing["amount"] = "a frozen line that opens a hold needs amount (null: withheld)"
        if missing:
            raise faults_at(missing)
        self._require_order()
        return self

    def _require_order(self) -> None:
        """Refuse times in the wrong order, and half of a proposal."""
        if self.is_by_issuer and (self.frozen_at or self.hold_expires_at):
            text = (
                "an issuer's freeze has proposed_at and effective_at for frozen_at, and review_at"
                " for hold_expires_at"
            )
            raise faults_at({name: text for name in _NEEDED if getattr(self, name)})
        if (self.proposed_tx is None) != (self.proposed_at is None):
            missing = "proposed_tx" if self.proposed_tx is None else "proposed_at"
            raise fault_at(missing, "proposed_tx and proposed_at go together")
        if self.proposed_at and self.effective_at and self.proposed_at > self.effective_at:
            raise fault_at("effective_at", "effective_at must not come before proposed_at")
        begun = self.effective_at or self.begins_at
        if begun and self.ends_at and self.ends_at <= begun:
            end, begin = (
                ("review_at", "effective_at")
                if self.is_by_issuer
                else ("hold_expires_at", "frozen_at")
            )
            raise fault_at(end, f"{end} must come after {begin}")


class ReleasedLine(Body):
    """So much of a hold was let go."""

    kind: Literal[LineKind.RELEASED, "released"]
    hold: HoldId
    amount: AmountText | None
    reason: Annotated[ReleaseReason, Loose]
    usd: Usd | None = None


class ReturnedLine(Body):
    """So much of a hold went back to the victim or the requester; by a court's order, say that."""

    kind: Literal[LineKind.RETURNED, "returned"]
    hold: HoldId
    amount: AmountText | None
    tx: TxText
    reason: Annotated[ReleaseReason, Loose] | None = None
    return_request: ReturnId | None = Field(
        default=None, description="The accepted return request that it is sent for."
    )
    usd: Usd | None = None


class SeizedLine(Body):
    """So much of a hold was taken over by an authority."""

    kind: Literal[LineKind.SEIZED, "seized"]
    hold: HoldId
    amount: AmountText | None
    agency: Word
    order: FileNumber | None = None
    usd: Usd | None = None


class KeptLine(Body):
    """A hold stays although the request was withdrawn or the hold lapsed, and on what ground."""

    kind: Literal[LineKind.KEPT, "kept"]
    hold: HoldId
    basis: Annotated[KeptBasis, Loose]
    hold_expires_at: Time | None = None
    other_request: RequestId | None = None


class NothingLine(Explained):
    """These addresses (or the rest, all without a line) hold nothing here, and why."""

    kind: Literal[LineKind.NOTHING, "nothing"]
    address_nos: Literal["rest"] | AddressNos
    code: Annotated[DeclineCode, Loose] = DeclineCode.NO_MATCH


class CorrectionLine(Body):
    """Replaces the amount of an earlier line of the same partner; both stay visible.

    `account_level` goes with the correction of a frozen line: the whole account is frozen, beyond
    what the request states.
    """

    kind: Literal[LineKind.CORRECTION, "correction"]
    corrects: LineId
    amount: AmountText | None
    account_level: bool = False
    reason: Reason
    usd: Usd | None = None


ReportLine = Annotated[
    FoundLine
    | FrozenLine
    | ReleasedLine
    | ReturnedLine
    | SeizedLine
    | KeptLine
    | NothingLine
    | CorrectionLine,
    Field(discriminator="kind"),
]


def stated_transactions(line: ReportLine) -> dict[str, str]:
    """Return the transactions that a line states, by its member, e.g. `next/tx`."""
    stated: dict[str, str | None]
    match line:
        case FrozenLine() if line.is_by_issuer:
            stated = {"proposed_tx": line.proposed_tx, "effective_tx": line.effective_tx}
        case ReturnedLine():
            stated = {"tx": line.tx}
        case NothingLine(next=Next() as following):
            stated = {"next/tx": following.tx}
        case _:
            return {}
    return {member: text for member, text in stated.items() if text is not None}


class FreezeReport(ActBody):
    """`POST …/freeze-reports`: a partner's lines, each an increment.

    Refused whole or taken whole.
    """

    lines: Annotated[list[ReportLine], Field(min_length=1, max_length=MAX_LINES)]


def _known_event(value: str) -> str:
    if value in _EVENTS:
        return value
    noun = value.partition(".")[0]
    if f"{noun}.*" in EVENT_FAMILIES:
        named = ", ".join(sorted(EVENT_FAMILIES[f"{noun}.*"]))
        raise ValueError(f"is no event: there is {noun}.* for all of them, and {named}")
    nouns = ", ".join(sorted(EVENT_FAMILIES))
    raise ValueError(
        f"is no event: name a type, e.g. freeze.frozen, or all of a noun's; there are {nouns}"
    )


_EVENTS = sorted({*EVENT_FAMILIES, *map(str, EventType)})
EventChoice = Annotated[
    list[
        Annotated[
            str,
            Field(max_length=60),
            AfterValidator(_known_event),
            WithJsonSchema({"type": "string", "enum": _EVENTS}),
            Form("an event type, or a noun's as a whole"),
        ]
    ],
    Field(min_length=1),
    Distinct,
]


class NewEndpoint(Body):
    """`POST /v1/webhook-endpoints`; `event_types` absent means every event.

    "freeze.*" stands for all events of that noun, also for those that it gets later.
    """

    url: UrlText
    event_types: EventChoice | None = None
    description: Word | None = None


class EndpointChanges(Body):
    """`PATCH /v1/webhook-endpoints/{id}`.

    Attributes:
        replay: With `enabled`, where it was off: also send what happened meanwhile.
    """

    url: UrlText | None = None
    event_types: EventChoice | None = None
    description: Word | None = None
    enabled: bool | None = None
    replay: bool = False

    @model_validator(mode="after")
    def _replay_turns_on(self) -> Self:
        if self.replay and not self.enabled:
            raise ValueError("replay goes with enabled: true")
        return self


class WantedTest(Body):
    """`POST /v1/webhook-endpoints/{id}/test`; an empty body is an `endpoint.test`.

    Attributes:
        event_type: The type of event of which a sample is sent.
    """

    event_type: Annotated[EventType, Loose] = EventType.ENDPOINT_TEST


class Recovery(Body):
    """`POST /v1/webhook-endpoints/{id}/recover`: send again what was given up.

    Attributes:
        since: Only what was queued then or later.
    """

    since: Time | None = None


class Replay(Body):
    """`POST /v1/webhook-endpoints/{id}/replay`: send again what happened since."""

    since: Time


class CosignedCheckpoint(Body):
    """`POST /v1/log/cosignatures`: a checkpoint of the log with cosignatures under it.

    Attributes:
        note: The signed note (c2sp.org/tlog-cosignature).
    """

    note: Annotated[str, Field(min_length=1, max_length=60_000), Form("a signed note")]
