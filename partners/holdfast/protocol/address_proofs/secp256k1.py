"""The key that made a recoverable signature (SEC 1, section 4.1.6), by `coincurve`."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from holdfast.protocol.address_proofs.errors import AddressProofError, ProofFault
from holdfast.protocol.errors import MissingLibraryError

#: Order of the group. Of s and its negative, which both verify, the lower counts (BIP-62, EIP-2).
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def proof_library(name: str) -> Any:
    """Return a module of the extra `proofs`, loaded when first needed.

    Raises:
        MissingLibraryError: The kit is without it.
    """
    if find_spec(name) is None:
        raise MissingLibraryError(
            "to verify proofs of addresses the kit needs its extra `proofs`: "
            "pip install 'holdfast-kit[proofs]'"
        )
    return import_module(name)


def recovered_key(digest: bytes, compact: bytes, recovery_id: int) -> Any:
    """Return the public key (`coincurve.PublicKey`) whose signature this is.

    Args:
        digest: The 32 bytes that were signed.
        compact: r and s, 32 bytes each, big endian.
        recovery_id: 0 to 3.

    Raises:
        AddressProofError: `not_canonical` for the higher of both values of s, `not_signed` where no
            key could have made it.
        MissingLibraryError: The kit is without its extra `proofs`.
    """
    library = proof_library("coincurve")
    if int.from_bytes(compact[32:]) > _ORDER // 2:
        raise AddressProofError(
            ProofFault.NOT_CANONICAL,
            "the signature is the second spelling of another one (high s): sign anew with a wallet "
            "of today",
        )
    signature = compact + bytes([recovery_id])
    try:
        return library.PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except ValueError:
        raise not_signed() from None


def not_signed() -> AddressProofError:
    """Return the refusal of a signature of another key or over another text, to be raised."""
    return AddressProofError(
        ProofFault.NOT_SIGNED,
        "the signature is another key's, or over another text: sign the text exactly as it is "
        "shown, with the key of this very address",
    )
