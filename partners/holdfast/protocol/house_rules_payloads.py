"""What a partner sends about the network's rulebook.

The same strictness as `payloads`: unknown members, wrong types and values out of range are refused.
"""

from pydantic import Field

from holdfast.protocol.payloads import Body, Sha256


class RulebookAcceptance(Body):
    """`POST /v1/rulebook/acceptances`: the organisation accepts the edition of this hash."""

    rulebook_sha256: Sha256 = Field(description="Of the text that you have read.")
