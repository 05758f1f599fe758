"""What goes out of a freeze request whose approval leaves addresses out.

The document that was submitted cannot be cut: its hash is what every act names. So another one goes
out in its place, the remainder: the same members, without the nonce, and with null in the place of
each address that was left out, so that the others keep their numbers. Each approval names its
SHA-256: the leads who approve vouch for it. The nonce stays behind, for with it a receiver could
try accounts until the hash of the document fits.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import FreezeRequest, Remainder


def remainder_of(document: Mapping[str, Any], left_out: Collection[int]) -> bytes:
    """Return the remainder of a submitted document, as canonical JSON.

    Args:
        document: The submitted body, parsed.
        left_out: Numbers of the addresses that do not go out.
    """
    kept = {name: value for name, value in document.items() if name != "nonce"}
    numbered = enumerate(document["addresses"])
    kept["addresses"] = [None if number in left_out else sent for number, sent in numbered]
    return canonical_json.dumps(kept)


def remainder_sha256(remainder: bytes) -> str:
    """Return the hash by which approvals name a remainder."""
    return sha256(remainder).hexdigest()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Addresses that an approval leaves out, and the hash of what goes out without them."""

    numbers: tuple[int, ...]
    remainder_sha256: str

    @classmethod
    def of(cls, document: Mapping[str, Any], numbers: Collection[int]) -> "LeftOut":
        """Return what an approval says that leaves addresses out.

        Args:
            document: The submitted body, parsed.
            numbers: Of the addresses that are not to go out.
        """
        remainder = remainder_of(document, numbers)
        return cls(tuple(sorted(numbers)), remainder_sha256(remainder))


def read_asked(document: Mapping[str, Any]) -> FreezeRequest | Remainder:
    """Return what a partner was asked by its model: the whole document, or a remainder.

    Raises:
        pydantic.ValidationError: If it is neither.
    """
    model = FreezeRequest if "nonce" in document else Remainder
    return model.model_validate(document)
