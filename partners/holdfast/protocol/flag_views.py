"""What the coordinator answers about flags, and what is sent about them."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from holdfast.protocol.payloads import ActBody, AmountText, Body, Sha256, Time
from holdfast.protocol.views import LogEntry, View

FlagPosition = Annotated[
    str,
    Field(max_length=80, pattern=r"^[0-9]{1,16}(\.[0-9]{1,6}|\.frq_[0-9a-z]{26}\.[0-9]{1,6})?$"),
]


class FlagState(StrEnum):
    """How a flag stands: only what is `gone` counts no more."""

    PROVISIONAL = "provisional"
    ACTIVE = "active"
    CONTESTED = "contested"
    GONE = "gone"


class FlagChanges(StrEnum):
    """How a request is told of that the reader has read before."""

    WHOLE = "whole"  # all of it anew
    OUTLINE = "outline"  # how it stands, and what of it is gone or contested


class FlagView(View):
    """An account that the reader was asked about; or, `gone`, that it counts no more.

    Of an address that is gone alone, `leaf` stands for its line, so that the head can be verified
    without it; where `address_no` is null, all of the request is gone. In an outline `address_no`
    is null and the state is that of the request: its lines are those that the reader has, and what
    follows of it, without account and `leaf`, is all that is gone or contested by now.
    """

    request: str
    address_no: int | None
    state: FlagState
    account: str | None = None
    asset: str | None = None
    min_amount: AmountText | None = None
    expires_at: Time | None = None
    reason_code: str | None = None
    leaf: Sha256 | None = None


class FlagPage(View):
    """A page of the feed; `next_after` is what to ask for next.

    `head` stands on the page with which a reader has everything: a JWS by the coordinator's key.
    """

    flags: list[FlagView]
    next_after: FlagPosition
    has_more: bool = False
    head: str | None = None


class AppliedFlagsView(View):
    """How far a partner applied its flags; without `at` it never said so."""

    seq: int = 0
    root: Sha256 | None = None
    count: int = 0
    hits: int = 0
    by: str | None = None
    at: Time | None = None
    log: LogEntry | None = None


class FlagRenewalView(View):
    """Deposits are screened for the request until `expires_at`, if nothing ends it before."""

    id: str
    request_id: str
    status: str
    expires_at: Time
    log: LogEntry | None = None


class AppliedFlags(Body):
    """`POST /v1/flags/applied`: the head up to which the sender screens deposits from now on.

    `hits` counts the deposits that it held for a person since it last said so; no account.
    """

    seq: Annotated[int, Field(ge=0, lt=2**53)]
    root: Sha256
    count: Annotated[int, Field(ge=0, lt=2**53)]
    hits: Annotated[int, Field(ge=0, lt=2**31)] = 0


class FlagRenewal(ActBody):
    """`POST …/flag-renewals`: go on screening deposits for the request, from now for 30 days."""
