"""What a partner sends about its gateways: the grounds on which it tells amounts.

The same strictness as `payloads`: unknown members, wrong types and values out of range are refused.
"""

from typing import Annotated

from pydantic import Field, model_validator

from holdfast.protocol.payloads import Body, GatewayId, Loose, Sha256
from holdfast.protocol.requirements import fault_at
from holdfast.protocol.vocabulary import Gateway


class GatewayDeclaration(Body):
    """`POST /v1/gateways`: the organisation says that it may tell amounts on this ground.

    An order is nobody's to declare: it counts where the request is on one.
    """

    gateway: Annotated[Gateway, Loose]
    document_sha256: Sha256 | None = Field(
        default=None,
        description="Of what shows it, as the operator is handed it. Of `own_terms` it is needed: "
        "two organisations share these where both declare the same agreement, by its hash.",
    )

    @model_validator(mode="after")
    def _is_declarable(self) -> "GatewayDeclaration":
        if self.gateway is Gateway.ORDER:
            raise fault_at(
                "gateway",
                "is not declared: an order counts on each request that is on one, by its document",
            )
        if self.gateway is Gateway.OWN_TERMS and self.document_sha256 is None:
            raise fault_at(
                "document_sha256",
                "is needed with own_terms: both sides name the same agreement by its hash",
            )
        return self


class GatewayWithdrawal(Body):
    """`POST /v1/gateways/withdrawals`: the organisation tells no more amounts on this ground."""

    gateway_id: GatewayId
