"""Why a proof of an address is refused."""

from enum import StrEnum

from holdfast.protocol.errors import ProtocolError


class ProofFault(StrEnum):
    """What is wrong, short and stable."""

    UNSUPPORTED_CHAIN = "unsupported_chain"
    NO_SINGLE_KEY = "no_single_key"
    CONTRACT_WALLET = "contract_wallet"
    BAD_TEXT = "bad_text"
    TOO_LONG = "too_long"
    BAD_FORM = "bad_form"
    NOT_CANONICAL = "not_canonical"
    NOT_SIGNED = "not_signed"
    STALE = "stale"


class AddressProofError(ProtocolError):
    """A proof shows nothing.

    Args:
        fault: The stable code.
        message: What to change, for whoever sent the proof.
    """

    def __init__(self, fault: ProofFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
