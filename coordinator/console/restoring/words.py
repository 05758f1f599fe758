"""States and codes of restitutions in words."""

from collections.abc import Mapping
from types import MappingProxyType

from holdfast.protocol.vocabulary import ClaimProof, ClaimRejection

#: How a claim stands: words and tone.
CLAIM_STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "received": ("waits for a decision", "waiting"),
        "verified": ("verified", "held"),
        "rejected": ("rejected", ""),
        "objection": ("objected to", "waiting"),
        "allocated": ("to be paid", "held"),
        "paid": ("paid", "done"),
        "failed": ("payment failed", "danger"),
    }
)
ALLOCATION_STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "proposed": ("waits for approval", "waiting"),
        "approved": ("approved", "done"),
        "rejected": ("rejected", ""),
    }
)
PAYOUT_STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "due": ("to be paid", "waiting"),
        "paid": ("paid", "done"),
        "failed": ("did not arrive", "danger"),
    }
)
METHODS: Mapping[str, str] = MappingProxyType(
    {"pro_rata": "in proportion to each loss", "schedule": "by a court's or an agreed table"}
)
PROOFS: Mapping[str, str] = MappingProxyType(
    {
        ClaimProof.SIGNATURE: "signed with the addresses' keys: shows control, not loss",
        ClaimProof.ATTESTED: "attested by the member that filed it, who answers for it",
        ClaimProof.DOCUMENTS: "documents, by their hashes",
    }
)
LINES: Mapping[str, str] = MappingProxyType(
    {
        "returned": "came back",
        "converted": "sold",
        "cost": "cost",
        "reserve": "kept back",
        "reserve_released": "no longer kept back",
    }
)
REJECTIONS: Mapping[str, str] = MappingProxyType(
    {
        ClaimRejection.NOT_A_VICTIM: "Nothing was taken from these addresses",
        ClaimRejection.DOUBLE: "The same loss is claimed elsewhere",
        ClaimRejection.WRONG_AMOUNT: "The amount is wrong",
        ClaimRejection.PROOF_FAILS: "The proof shows nothing",
        ClaimRejection.DOCUMENTS_MISSING: "Documents are missing",
        ClaimRejection.OTHER: "Something else, in words",
    }
)
