"""Making keys and asking for them to be granted; no private key is ever in a key request.

`holdfast key new` writes a profile and a key request; whoever holds the root key turns the request
into a grant. The request carries a proof that its maker holds the private key (`possession`),
bound to coordinator, handle and subject, so nobody can have somebody else's public key enrolled as
their own.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic import ValidationError as ModelError

from holdfast.errors import InvalidDraftError
from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import Algorithm, PrivateKey
from holdfast.protocol.membership_payloads import Grant, Jwk, Policy, RootKeyRequest
from holdfast.protocol.payloads import Handle, PersonId, SubjectId
from holdfast.protocol.proof_of_possession import make_possession, verify_possession
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Role

#: EdDSA unless somebody asks for P-256 (security modules that know nothing else).
DEFAULT_ALGORITHM: Algorithm = "EdDSA"


class KeyRequest(BaseModel):
    """What `key new` hands to the holder of the root key: public, proven, not yet trusted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    v: Literal[1] = 1
    coordinator: str
    handle: Handle
    subject: SubjectId
    owner: PersonId | None = None
    jwk: Jwk
    possession: str


def new_profile(
    name: str,
    *,
    coordinator: str,
    handle: str,
    kind: Literal["root", "person", "system"],
    owner: str | None = None,
    algorithm: Algorithm = DEFAULT_ALGORITHM,
) -> Profile:
    """Return a profile with a fresh key and subject id; nothing is stored.

    Args:
        name: The profile's name.
        coordinator: Origin, see `profiles.checked_origin`.
        handle: The partner it will act for.
        kind: A root's subject is the handle itself.
        owner: The person who answers for a system.
        algorithm: "EdDSA" (Ed25519) or "ES256" (P-256).
    """
    subjects = {"root": handle}
    subject = subjects.get(kind) or new_id("per" if kind == "person" else "sys")
    key = PrivateKey.generate(algorithm)
    return Profile(name, coordinator, handle, subject, kind, key, owner)


def key_request(profile: Profile) -> KeyRequest:
    """Return the request by which a root key holder can grant `profile`'s key."""
    return KeyRequest(
        coordinator=profile.coordinator,
        handle=profile.handle,
        subject=profile.subject,
        owner=profile.owner,
        jwk=Jwk.model_validate(profile.key.public.jwk()),
        possession=make_possession(
            profile.key,
            audience=profile.coordinator,
            handle=profile.handle,
            subject=profile.subject,
        ),
    )


def root_key_request(profile: Profile) -> RootKeyRequest:
    """Return what a partner that lost its root key hands to the operator: public, and proven."""
    return RootKeyRequest(
        coordinator=profile.coordinator,
        handle=profile.handle,
        jwk=Jwk.model_validate(profile.key.public.jwk()),
        possession=make_possession(
            profile.key,
            audience=profile.coordinator,
            handle=profile.handle,
            subject=profile.handle,
        ),
    )


def rotation_of(old: Profile, new: Profile) -> Grant:
    """Return the grant, to be signed by `old`, that puts `new`'s key in the place of `old`'s."""
    request = key_request(new)
    return Grant(
        subject=old.subject,
        jwk=request.jwk,
        possession=request.possession,
        replaces=old.key.kid,
    )


def grant_of(request: KeyRequest, roles: list[Role], *, policy: Policy | None = None) -> Grant:
    """Return the grant that gives the requested key these roles."""
    members = {
        "subject": request.subject,
        "owner": request.owner,
        "roles": [role.value for role in roles],
        "jwk": request.jwk.model_dump(exclude_none=True),
        "possession": request.possession,
        "policy": policy.model_dump(mode="json") if policy else None,
    }
    return Grant.model_validate(
        {name: value for name, value in members.items() if value is not None}
    )


def write_key_request(request: KeyRequest | RootKeyRequest, path: Path) -> None:
    """Write a key request where it can be handed over."""
    path.write_bytes(canonical_json.dumps(request.model_dump(exclude_none=True)) + b"\n")


def read_key_request(raw: bytes) -> KeyRequest:
    """Return the key request in `raw`, after checking its proof of possession.

    Raises:
        InvalidDraftError: If it is no key request, or its maker does not hold the private key.
    """
    try:
        request = KeyRequest.model_validate(strict_json.loads(raw))
        verify_possession(
            request.possession,
            jwk=request.jwk.model_dump(exclude_none=True),
            audience=request.coordinator,
            handle=request.handle,
            subject=request.subject,
        )
    except ModelError as error:
        faults = [
            f"/{'/'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        raise InvalidDraftError(["this is no key request:", *faults]) from None
    except ProtocolError as error:
        raise InvalidDraftError([f"this key request cannot be trusted: {error}"]) from None
    return request
