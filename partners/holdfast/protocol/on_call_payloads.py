"""What a partner sends about who is woken: its on-call chain, by which channels, and quiet hours.

The same strictness as `payloads`: unknown members, wrong types and values out of range are refused.
Nothing here is ever about a customer: a target is that of one of the partner's own people.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from holdfast.protocol.payloads import Body, PersonId
from holdfast.protocol.texts import Form, one_line

#: After so many minutes without "I have it" the next of the chain is paged.
DEFAULT_MINUTES = 5
MailAddress = Annotated[
    str,
    Field(max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,189}$"),
    Form("an address of the partner's own people, sealed, and never a customer's"),
]
PageUrl = Annotated[
    str,
    Field(min_length=1, max_length=2_000),
    AfterValidator(one_line),
    Form("a place of the partner's own, sealed, checked as webhook endpoints are"),
]
RoutingKey = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_-]{8,64}$", repr=False, description="Of the pager service; secret"),
]
ZoneName = Annotated[
    str,
    Field(
        max_length=64,
        pattern=r"^[A-Za-z0-9_+/-]+$",
        description="As in Europe/Berlin, of the tz database.",
    ),
]
#: The wall clock of a zone.
HourText = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class EmailChannel(Body):
    """A mail; the operator's mail server sends it."""

    kind: Literal["email"]
    address: MailAddress


class JsonChannel(Body):
    """A JSON body by POST; its `text` is what chat services show that take such posts."""

    kind: Literal["webhook"]
    url: PageUrl


class PagerChannel(Body):
    """An alert by PagerDuty's Events API v2, or of a service that takes the same.

    Without a `url` it goes to the one of the operator's settings.
    """

    kind: Literal["pagerduty"]
    routing_key: RoutingKey
    url: PageUrl | None = None


Channel = Annotated[EmailChannel | JsonChannel | PagerChannel, Field(discriminator="kind")]


class OnCallStep(Body):
    """Who is paged, by what, and for how many minutes alone."""

    person: PersonId
    channels: Annotated[list[Channel], Field(min_length=1, max_length=5)]
    minutes: Annotated[int, Field(ge=1, le=60)] = DEFAULT_MINUTES


class QuietHours(Body):
    """When nobody is woken by what can wait: each day from one hour to another, on a wall clock.

    `begins` and `ends` may lie on two days, as 22:00 and 07:00; where they are the same, no hour of
    a working day is quiet. With `rest_days`, weekends and public holidays of the partner's
    jurisdiction are quiet all day.
    """

    zone: ZoneName
    begins: HourText
    ends: HourText
    rest_days: bool = True


class NewOnCall(Body):
    """`POST /v1/on-call`: the whole chain, in the place of the one before.

    Who stands first is paged first; the same person may stand in it several times.
    """

    steps: Annotated[list[OnCallStep], Field(min_length=1, max_length=10)]
    quiet: QuietHours | None = None


class NewOnCallTest(Body):
    """`POST /v1/on-call/test`: page everybody of the chain once, or one of them."""

    person: PersonId | None = None
