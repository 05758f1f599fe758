"""What a partner asked sends to limit its leg to named people."""

from typing import Annotated

from pydantic import Field

from holdfast.protocol.payloads import ActBody, Distinct, PersonId


class LegLimit(ActBody):
    """`POST …/leg-limit`: only these people of the partner see its leg from now on.

    `people` is null to let everybody of it see the leg again. One of them at least is a security
    lead with a good key, or nobody could ever change it.
    """

    people: Annotated[list[PersonId], Field(min_length=1, max_length=50), Distinct] | None
