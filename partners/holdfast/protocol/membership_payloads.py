"""What partners send about themselves: joining, grants, their approval, revocations, contacts.

The same strictness as `payloads`: unknown members, wrong types and values out of range are refused.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from holdfast.protocol.payloads import (
    Body,
    Distinct,
    Handle,
    Loose,
    PersonId,
    Sha256,
    SubjectId,
    Time,
)
from holdfast.protocol.texts import Form, ShortText, one_line, spoken, visible
from holdfast.protocol.vocabulary import Role, Silence

Kid = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]{43}$", description="RFC 7638 thumbprint of a key.")
]

PossessionText = Annotated[
    str,
    Field(
        max_length=4_096,
        pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$",
        description="JWS in compact form.",
    ),
]
#: How a partner's own people are reached: it may well be an address or a number.
ContactText = Annotated[
    str,
    Field(min_length=1, max_length=120),
    AfterValidator(one_line),
    AfterValidator(visible),
    Form("a contact of the partner's own, sealed, and never a customer's"),
]
#: What a partner calls one of its own people or systems.
DisplayName = Annotated[
    str,
    Field(min_length=1, max_length=80, description="On one line; read by the partner alone."),
    AfterValidator(spoken),
    AfterValidator(visible),
    Form("a name of the partner's own people, sealed, and never a customer's"),
]
#: How one of them, or a partner's desk in an emergency, is reached.
ReachedBy = Annotated[
    str,
    Field(min_length=1, max_length=120, description="A telephone number, an address, on one line."),
    AfterValidator(spoken),
    AfterValidator(visible),
    Form("a contact of the partner's own, sealed, and never a customer's"),
]


class Policy(Body):
    """What a partner decides about itself; changes by grant only."""

    approval_quorum: Annotated[int, Field(ge=1, le=10)] = 1
    may_flash: list[SubjectId] = Field(default_factory=list, max_length=100)
    systems_as_compliance: list[SubjectId] = Field(default_factory=list, max_length=100)
    provisional: Literal["notify", "hold_back"] = "notify"
    withdrawal_quorum: Annotated[
        Literal[1, 2], Field(description="How many leads letting held funds go takes.")
    ] = 1
    may_ask_all: Annotated[
        bool, Field(description="Whether a request of this partner may say `to: all`.")
    ] = True
    cannot_say: Annotated[
        Silence,
        Loose,
        Field(
            description="Whether all private requesters hear `cannot_say`; every member reads it."
        ),
    ] = Silence.NONE
    clocks: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_]{0,39}$",
            description="A profile of clocks that the coordinator's policies name.",
        ),
    ] = "default"


class Jwk(Body):
    """A public key, RFC 7517 and RFC 8037; private members are refused as unknown."""

    kty: Literal["OKP", "EC"]
    crv: Literal["Ed25519", "P-256"]
    x: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
    y: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")] | None = None


class Grant(Body):
    """`POST /v1/grants`: gives a person, system, key, role or policy; holds no names.

    Signed by the root key it applies at once; by a lead it waits for another lead's approval; by
    the very key that `replaces` names it puts the same subject's new key in its place.
    """

    subject: SubjectId | None = None
    owner: PersonId | None = None
    roles: Annotated[list[Annotated[Role, Loose]], Distinct] = Field(default_factory=list)
    jwk: Jwk | None = None
    possession: PossessionText | None = None
    policy: Policy | None = None
    replaces: Kid | None = None

    @model_validator(mode="after")
    def _gives_something(self) -> "Grant":
        if self.subject is None and self.policy is None:
            raise ValueError("a grant names a subject or a policy")
        if self.subject is None and (self.jwk or self.roles or self.owner):
            raise ValueError("a key, a role or an owner needs a subject")
        if (self.jwk is None) != (self.possession is None):
            raise ValueError("a key and its proof of possession come together")
        if self.replaces is not None and self.jwk is None:
            raise ValueError("replaces comes with the new key that takes the old one's place")
        return self


class GrantApproval(Body):
    """`POST /v1/grants/{id}/approvals`: another lead approves exactly what was shown."""

    grant_sha256: Sha256


class RootKeyRequest(Body):
    """A new root key, as its partner hands it to the operator out of band; never sent by a request.

    `possession` is the new key's word over audience, handle and, as its subject, the handle again.
    """

    v: Literal[1] = 1
    coordinator: Annotated[str, Field(max_length=300)]
    handle: Handle
    jwk: Jwk
    possession: PossessionText


class Join(Body):
    """`POST /v1/join`: the only body that a key is ever read from; signed by that root key."""

    invitation: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_-]{20,}$")]
    root_jwk: Jwk
    grants: Annotated[list[Grant], Field(min_length=1, max_length=100)]


class Revocation(Body):
    """`POST /v1/revocations`: takes a key or a whole subject away, at once."""

    kid: Kid | None = None
    subject: SubjectId | None = None
    reason: ShortText | None = None
    compromised_since: Time | None = None

    @model_validator(mode="after")
    def _one(self) -> "Revocation":
        if (self.kid is None) == (self.subject is None):
            raise ValueError("name either a kid or a subject")
        return self


class PartnerChanges(Body):
    """`PATCH /v1/partners/me`: contacts only; everything else changes by grant.

    What is absent stays; `null` takes the emergency contact away.
    """

    contacts: Annotated[list[ContactText], Field(max_length=10)] = Field(default_factory=list)
    emergency_contact: ReachedBy | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "PartnerChanges":
        if not self.model_fields_set:
            raise ValueError("say what changes: contacts, emergency_contact, or both")
        return self


class PersonChanges(Body):
    """`PATCH /v1/people/{id}`: what a partner calls one of its own, and how to reach them.

    What is absent stays; `null` erases.
    """

    display_name: DisplayName | None = None
    contact: ReachedBy | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "PersonChanges":
        if not self.model_fields_set:
            raise ValueError("say what changes: display_name, contact, or both; null erases")
        return self
