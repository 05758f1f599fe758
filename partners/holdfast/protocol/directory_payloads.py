"""What a partner says of itself in the directory: when it freezes, for where, in what languages.

The same strictness as `payloads`. It is the partner's own word; nobody checked it.
"""

from typing import Annotated

from pydantic import Field, model_validator

from holdfast.protocol.on_call_payloads import HourText, ZoneName
from holdfast.protocol.payloads import Body, Distinct, Loose
from holdfast.protocol.requirements import fault_at
from holdfast.protocol.vocabulary import Weekday

Jurisdiction = Annotated[
    str,
    Field(
        pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$",
        description="ISO 3166 code in capitals, as in EE or US-NY.",
    ),
]
Language = Annotated[
    str,
    Field(
        pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$",
        description="Language tag (BCP 47, RFC 5646) as in en, pt-BR or zh-Hant.",
    ),
]
#: The wall clock of a zone; 24:00 is the end of the day.
EndHourText = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


class OpenSpan(Body):
    """From when to when on some days of the week; over midnight it is two spans."""

    days: Annotated[list[Annotated[Weekday, Loose]], Field(min_length=1, max_length=7), Distinct]
    opens: HourText
    closes: EndHourText

    @model_validator(mode="after")
    def _closes_later(self) -> "OpenSpan":
        if self.closes <= self.opens:
            raise fault_at(
                "closes", "is not after opens: over midnight, say two spans, one up to 24:00"
            )
        return self


class OpeningHours(Body):
    """When somebody is at the desk, on the wall clock of `zone`; all other time is out of hours."""

    zone: ZoneName
    spans: Annotated[list[OpenSpan], Field(min_length=1, max_length=14)]
