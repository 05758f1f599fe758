"""What partners send about sealed evidence: keys to encrypt to, parts, and the acts that seal.

None of it says what is sealed: name, media type and content are in the ciphertext.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from holdfast.protocol.jwk import BURNT_KEY, PRIVATE_MEMBERS
from holdfast.protocol.membership_payloads import Kid
from holdfast.protocol.payloads import ActBody, Body, Distinct, Handle, Loose, Sha256
from holdfast.protocol.sealed_evidence import SEALED_PART_BYTES, TAG_BYTES
from holdfast.protocol.vocabulary import Tlp

#: Parts of one file: 512 MiB, beyond any coordinator's own limit.
MAX_PARTS = 4_096
MAX_RECIPIENTS = 1_000


class EncryptionJwk(Body):
    """A public X25519 key, RFC 8037; with its private half it is burnt, and refused so."""

    kty: Literal["OKP"]
    crv: Literal["X25519"]
    x: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]

    @model_validator(mode="before")
    @classmethod
    def _gives_nothing_away(cls, value: Any) -> Any:
        if isinstance(value, dict) and PRIVATE_MEMBERS & value.keys():
            raise ValueError(BURNT_KEY)
        return value


class NewEncryptionKey(Body):
    """`POST /v1/encryption-keys`: what others seal evidence to from now on.

    `replaces` is the thumbprint of the key in force, null where there is none: so no two leads
    replace the same one.
    """

    jwk: EncryptionJwk
    replaces: Kid | None


class SealedPart(ActBody):
    """`POST …/sealed-evidence/parts`: one part of a ciphertext, before the act that names it."""

    data: Annotated[
        str,
        Field(
            min_length=TAG_BYTES * 4 // 3,
            max_length=SEALED_PART_BYTES * 4 // 3,
            pattern=r"^[A-Za-z0-9_-]+$",
            description="base64url of at most 131,088 bytes.",
        ),
    ]


class WrappedKey(Body):
    """The content key as one partner opens it: HPKE, the encapsulated key and the ciphertext."""

    partner: Handle
    kid: Annotated[Kid, Field(description="The partner's encryption key that it is wrapped to.")]
    wrapped: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_-]{106}[AEIMQUYcgkosw048]$", description="base64url of 80 bytes."
        ),
    ]


WrappedKeys = Annotated[list[WrappedKey], Field(min_length=1, max_length=MAX_RECIPIENTS)]


def _name_each_once(keys: list[WrappedKey]) -> None:
    if len({key.partner for key in keys}) != len(keys):
        raise ValueError("keys must not name a partner twice")


class SealedEvidence(ActBody):
    """`POST …/sealed-evidence`: a file that the named partners open, and nobody else.

    `sha256` is of the whole ciphertext, `parts` of each of its parts in order, which were sent
    before; `size` counts their bytes.
    """

    tlp: Annotated[Tlp, Loose]
    size: Annotated[int, Field(ge=TAG_BYTES, le=MAX_PARTS * SEALED_PART_BYTES)]
    sha256: Sha256
    parts: Annotated[list[Sha256], Field(min_length=1, max_length=MAX_PARTS), Distinct]
    keys: WrappedKeys

    @model_validator(mode="after")
    def _each_once(self) -> "SealedEvidence":
        _name_each_once(self.keys)
        return self


class SealedEvidenceShare(ActBody):
    """`POST …/sealed-evidence/{id}/recipients`: the same file for more partners.

    `sha256` is of the ciphertext whose key is wrapped: the act is good for no other file.
    """

    sha256: Sha256
    keys: WrappedKeys

    @model_validator(mode="after")
    def _each_once(self) -> "SealedEvidenceShare":
        _name_each_once(self.keys)
        return self
