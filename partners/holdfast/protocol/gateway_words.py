"""Gateways as people read them."""

from collections.abc import Mapping
from types import MappingProxyType

from holdfast.protocol.vocabulary import Gateway

GATEWAYS: Mapping[Gateway, str] = MappingProxyType(
    {
        Gateway.US_314B: "USA PATRIOT Act, section 314(b)",
        Gateway.UK_S188: "UK ECCTA 2023, section 188",
        Gateway.EU_AMLR75: "EU Regulation 2024/1624, article 75",
        Gateway.ORDER: "a legal order",
        Gateway.OWN_TERMS: "own terms",
    }
)


def gateway_words(gateway: Gateway, document_sha256: str | None) -> str:
    """Return what a gateway is; of own terms, which: by the first digits of the hash."""
    if gateway is Gateway.OWN_TERMS and document_sha256 is not None:
        return f"{GATEWAYS[gateway]} {document_sha256[:8]}…"
    return GATEWAYS[gateway]
