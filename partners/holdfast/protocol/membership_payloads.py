"""What partners send about themselves: joining, grants, their approval, revocations, contacts.

The same strictness as `payloads`: unknown members, wrong types and values out of range are refused.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from holdfast.protocol.directory_payloads import Jurisdiction, Language, OpeningHours
from holdfast.protocol.jwk import BURNT_KEY, PRIVATE_MEMBERS
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
from holdfast.protocol.requirements import (
    absent,
    any_of,
    fault_at,
    given,
    holds,
    one_of,
    rules,
    says,
    when,
)
from holdfast.protocol.texts import Form, ShortText, one_line, spoken, visible
from holdfast.protocol.vocabulary import FreezesOn, Role, Silence

Kid = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]{43}$", description="RFC 7638 thumbprint of a key.")
]

PossessionText = Annotated[
    str,
    Field(
        max_length=4_096,
        pattern=r"^(?:webauthn(?:\.[A-Za-z0-9_-]+){5}|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2})$",
        description="JWS in compact form, or the six segments of a passkey's proof.",
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


class WebAuthn(Body):
    """Where a passkey signs: its relying party, and the one origin whose pages may ask it to."""

    rp_id: Annotated[str, Field(min_length=1, max_length=253)]
    origin: Annotated[str, Field(min_length=1, max_length=300)]


class Jwk(Body):
    """A public key, RFC 7517 and RFC 8037; with its private half it is burnt, and refused so.

    With `webauthn` it is a person's passkey, which signs in the console and nowhere else.
    """

    kty: Literal["OKP", "EC"]
    crv: Literal["Ed25519", "P-256"]
    x: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
    y: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")] | None = None
    webauthn: WebAuthn | None = None

    @model_validator(mode="before")
    @classmethod
    def _gives_nothing_away(cls, value: Any) -> Any:
        if isinstance(value, dict) and PRIVATE_MEMBERS & value.keys():
            raise ValueError(BURNT_KEY)
        return value


class Grant(Body):
    """`POST /v1/grants`: gives a person, system, key, role or policy; holds no names.

    Signed by the root key it applies at once; by a lead it waits for another lead's approval; by
    the very key that `replaces` names it puts the same subject's new key in its place.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            any_of(given("subject"), given("policy")),
            when(
                any_of(given("jwk"), given("owner"), holds("roles", {"minItems": 1})),
                given("subject"),
            ),
            when(given("jwk"), given("possession")),
            when(given("possession"), given("jwk")),
            when(given("replaces"), given("jwk")),
        )
    )

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
            raise fault_at("subject", "a key, a role or an owner needs a subject")
        if (self.jwk is None) != (self.possession is None):
            missing = "jwk" if self.jwk is None else "possession"
            raise fault_at(missing, "a key and its proof of possession come together")
        if self.replaces is not None and self.jwk is None:
            raise fault_at("jwk", "replaces comes with the new key that takes the old one's place")
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
    """`POST /v1/join`: the only body that a key is ever read from; signed by that root key.

    Where the network has a rulebook, `rulebook_sha256` is the hash of the one in force, and joining
    accepts it.
    """

    invitation: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_-]{20,}$")]
    root_jwk: Jwk
    grants: Annotated[list[Grant], Field(min_length=1, max_length=100)]
    rulebook_sha256: Sha256 | None = Field(
        default=None, description="Of the rulebook in force; absent where there is none."
    )


class Revocation(Body):
    """`POST /v1/revocations`: takes a key or a whole subject away, at once.

    Every member is handed it with what proves it, `reason` and all.
    """

    model_config = ConfigDict(json_schema_extra=rules(one_of(given("kid"), given("subject"))))

    kid: Kid | None = None
    subject: SubjectId | None = None
    reason: ShortText | None = None
    compromised_since: Time | None = None

    @model_validator(mode="after")
    def _one(self) -> "Revocation":
        if (self.kid is None) == (self.subject is None):
            raise ValueError("name either a kid or a subject")
        return self


class NewConsoleLink(Body):
    """`POST /v1/console-links`: a link into the console that is good once.

    `sign_in` opens a session that stands on the key which signs this; it reads, and acts only with
    a passkey. `passkey` makes a passkey that is pending until a grant names its key.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(when(says("purpose", "sign_in"), absent("person")))
    )

    purpose: Literal["sign_in", "passkey"]
    person: PersonId | None = Field(
        default=None,
        description="Whose passkey it is to be; absent: one's own. A lead names anybody of the "
        "partner, or a fresh id for somebody who is to come.",
    )

    @model_validator(mode="after")
    def _signs_nobody_else_in(self) -> "NewConsoleLink":
        if self.purpose == "sign_in" and self.person is not None:
            raise fault_at("person", "a sign-in link is one's own: leave person out")
        return self


#: As the provider writes it, final slash included: tokens are compared with it byte by byte.
IssuerUrl = Annotated[
    str,
    Field(
        min_length=9,
        max_length=500,
        pattern=r"^https?://[!-~]+$",
        description="The provider's issuer, exactly as it writes it; without query and fragment.",
    ),
    Form("a URL; where it leads is checked by the coordinator"),
]
_VISIBLE = r"^[!-~]+$"
ClientId = Annotated[
    str,
    Field(min_length=1, max_length=255, pattern=_VISIBLE),
    Form("what a provider calls its client, and never a customer"),
]
ClientSecret = Annotated[
    str,
    Field(min_length=1, max_length=500, pattern=_VISIBLE),
    Form("a secret between the partner and its provider, sealed"),
]
ProviderSub = Annotated[
    str,
    Field(
        min_length=1,
        max_length=255,
        pattern=r"^[ -~]+$",
        description="`sub` of the provider's tokens (OpenID Connect Core 1.0 section 2).",
    ),
    Form("what a provider calls one of the partner's own people, sealed, never a customer"),
]
ProviderEmail = Annotated[
    str,
    Field(
        min_length=3,
        max_length=254,
        pattern=r"^[^@\s]{1,64}@[^@\s]{1,189}$",
        description="Counts where the provider says that it verified it.",
    ),
    AfterValidator(spoken),
    Form("an address of the partner's own people, sealed, never a customer's"),
]


class ProviderPerson(Body):
    """By what the provider's tokens name one of the partner's people: `sub`, or an address."""

    person: PersonId
    sub: ProviderSub | None = None
    email: ProviderEmail | None = None

    @model_validator(mode="after")
    def _one(self) -> "ProviderPerson":
        if (self.sub is None) == (self.email is None):
            raise ValueError("name either sub or email; a person may stand in the list twice")
        return self


class NewSignInProvider(Body):
    """`POST /v1/sign-in-provider`: the partner's own OpenID provider, for reading the console.

    It takes the place of the one before, and whoever that signed in is signed out. Nobody is made
    known by signing in: the provider signs in those people of the partner alone that are listed.
    """

    issuer: IssuerUrl
    client_id: ClientId
    client_secret: ClientSecret | None = Field(
        default=None,
        repr=False,
        description="Absent: the present one stays, for the same issuer and client.",
    )
    people: Annotated[list[ProviderPerson], Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _names_one_each(self) -> "NewSignInProvider":
        if "?" in self.issuer or "#" in self.issuer:
            raise ValueError("an issuer has neither query nor fragment")
        names = [each.sub or (each.email or "").casefold() for each in self.people]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise ValueError(f"{name} names two people: each sub and address stands once")
        return self


TagKeyText = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$",
        description="32 random bytes, base64url without padding; a secret.",
    ),
]


class NewTagKey(Body):
    """`POST /v1/partners/me/tag-key`: what the partner's entries of the log are tagged with."""

    tag_key: TagKeyText = Field(repr=False)


class PartnerChanges(Body):
    """`PATCH /v1/partners/me`: its own entry in the directory; everything else changes by grant.

    What is absent stays; `null` takes the emergency contact, or the hours, away.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    contacts: Annotated[list[ContactText], Field(max_length=10)] = Field(default_factory=list)
    emergency_contact: ReachedBy | None = None
    freezes_on: Annotated[
        FreezesOn,
        Loose,
        Field(description="`order`: without a legal order it freezes nothing."),
    ] = FreezesOn.REQUEST
    jurisdictions: Annotated[list[Jurisdiction], Field(max_length=60), Distinct] = Field(
        default_factory=list
    )
    languages: Annotated[list[Language], Field(max_length=20), Distinct] = Field(
        default_factory=list
    )
    hours: OpeningHours | None = None
    named_in_statistics: Annotated[
        bool, Field(description="Whether members read figures of it under its own name.")
    ] = False

    @model_validator(mode="after")
    def _changes_something(self) -> "PartnerChanges":
        if not self.model_fields_set:
            raise ValueError("say what changes of your entry: contacts, say, or hours")
        return self


class PersonChanges(Body):
    """`PATCH /v1/people/{id}`: what a partner calls one of its own, and how to reach them.

    What is absent stays; `null` erases.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    display_name: DisplayName | None = None
    contact: ReachedBy | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "PersonChanges":
        if not self.model_fields_set:
            raise ValueError("say what changes: display_name, contact, or both; null erases")
        return self
