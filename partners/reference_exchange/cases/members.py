"""The organisations of the cases and their people, all invented, and how they join."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from holdfast import Client, Joining, Person, ProfileStore, System, join
from holdfast.protocol.membership_payloads import Grant, PartnerChanges, PersonChanges, Policy
from holdfast.protocol.vocabulary import PartnerKind, Role

#: Profiles by role; every organisation has these people.
_PEOPLE = (
    Person("lead", (Role.SECURITY_LEAD,)),
    Person("second-lead", (Role.SECURITY_LEAD,)),
    Person("officer", (Role.COMPLIANCE,)),
    Person("analyst", (Role.ANALYST,)),
)
_SYSTEM = System("system", owner="officer")


@dataclass(frozen=True, slots=True)
class Organisation:
    """One partner organisation.

    Attributes:
        handle: Its handle; what stands before the dot is its name in the cases.
        names: Of its two leads, its compliance officer and its analyst.
        emergency: Who picks up at night.
        may_flash: Whether its analyst and leads may send flash requests.
        needs_two: Whether letting held funds go takes two leads.
    """

    handle: str
    name: str
    kind: PartnerKind
    jurisdiction: str
    names: tuple[str, str, str, str]
    emergency: str
    may_flash: bool = False
    needs_two: bool = False

    @property
    def stem(self) -> str:
        """Its name in the cases, and of its folder."""
        return self.handle.partition(".")[0]


ORGANISATIONS = (
    Organisation(
        "northgate.example",
        "Northgate Exchange",
        PartnerKind.EXCHANGE,
        "EE",
        ("Maarja Tamm", "Daniel Okafor", "Kristiina Saar", "Peeter Lepik"),
        "Duty lead, Tallinn office, round the clock",
        may_flash=True,
    ),
    Organisation(
        "harbour.example",
        "Harbour Markets",
        PartnerKind.EXCHANGE,
        "GB",
        ("Priya Nair", "Tom Ashworth", "Helen Marsh", "Joe Whitfield"),
        "Security desk, London, round the clock",
        may_flash=True,
    ),
    Organisation(
        "lakeside.example",
        "Lakeside Digital Assets",
        PartnerKind.EXCHANGE,
        "US",
        ("Marcus Reed", "Elena Vasquez", "Grace Kim", "Will Turner"),
        "Fraud operations, Chicago, round the clock",
    ),
    Organisation(
        "meridian.example",
        "Meridian Exchange",
        PartnerKind.EXCHANGE,
        "SG",
        ("Wei Ling Tan", "Arjun Menon", "Siti Rahman", "Jun Hao Lim"),
        "Incident line, Singapore, round the clock",
        needs_two=True,
    ),
    Organisation(
        "kestrel.example",
        "Kestrel Crypto",
        PartnerKind.EXCHANGE,
        "LT",
        ("Rasa Petrauskas", "Jonas Kazlauskas", "Egle Jankauskas", "Tomas Butkus"),
        "Security desk, Vilnius, 8 to 20 on working days; duty phone at night",
        may_flash=True,
    ),
    Organisation(
        "sierra.example",
        "Sierra Cripto",
        PartnerKind.EXCHANGE,
        "BR",
        ("Beatriz Carvalho", "Rafael Nunes", "Camila Prado", "Lucas Teixeira"),
        "Compliance desk, Sao Paulo, office hours",
    ),
    Organisation(
        "tessera.example",
        "Tessera (token issuer)",
        PartnerKind.ISSUER,
        "CH",
        ("Anna Keller", "Luca Bernasconi", "Sophie Favre", "Jonas Meier"),
        "Issuer operations, Zurich, round the clock",
    ),
    Organisation(
        "bridgeway.example",
        "Bridgeway",
        PartnerKind.SERVICE,
        "NL",
        ("Femke de Vries", "Bram Visser", "Sanne Jansen", "Daan Bakker"),
        "Bridge operations, Amsterdam, round the clock",
    ),
)


class Operator(Protocol):
    """Whoever runs the coordinator, as far as new members meet it."""

    def invite(self, organisations: Sequence[Organisation]) -> Mapping[str, str]:
        """Invite organisations and return the code that each is sent, by handle."""
        ...

    def confirm(self, thumbprints: Mapping[str, str]) -> None:
        """Confirm the thumbprints of root keys, as told out of band, by handle."""
        ...


@dataclass(slots=True)
class Member:
    """An organisation that has joined.

    Attributes:
        home: Its HOLDFAST_HOME, with a profile for each of its people.
        now: Its people's clock, seconds since 1970.
    """

    organisation: Organisation
    home: Path
    now: Callable[[], float]
    _clients: dict[str, Client] = field(default_factory=dict)

    @property
    def handle(self) -> str:
        """Its handle."""
        return self.organisation.handle

    def client(self, profile: str) -> Client:
        """Return the client of one of its people, or of its system; connections are kept."""
        if profile not in self._clients:
            self._clients[profile] = Client(ProfileStore(self.home).load(profile), now=self.now)
        return self._clients[profile]


def enrol(
    origin: str, folder: Path, operator: Operator, now: Callable[[], float]
) -> Mapping[str, Member]:
    """Have every organisation join, name its people and say what they may do; by stem.

    Raises:
        ApiError: Joining was refused; likewise TransportError.
    """
    invitations = operator.invite(ORGANISATIONS)
    members = []
    for organisation in ORGANISATIONS:
        member = Member(organisation, folder / organisation.stem, now)
        member.home.mkdir(mode=0o700)
        joining = Joining(
            coordinator=origin,
            handle=member.handle,
            invitation=invitations[member.handle],
            people=_PEOPLE,
            systems=(_SYSTEM,),
        )
        join(ProfileStore(member.home), joining, now=now)
        members.append(member)
    roots = {member.handle: member.client("root").profile.key.kid for member in members}
    operator.confirm(roots)
    for member in members:
        _set_policy(member)
        _name_people(member)
        for handle, thumbprint in roots.items():
            ProfileStore(member.home).pin(handle, thumbprint)  # compared by telephone
    return {member.organisation.stem: member for member in members}


def _name_people(member: Member) -> None:
    store, organisation, lead = (
        ProfileStore(member.home),
        member.organisation,
        member.client("lead"),
    )
    lead.change_me(
        PartnerChanges(emergency_contact=organisation.emergency, named_in_statistics=True)
    )
    for person, name in zip(_PEOPLE, organisation.names, strict=True):
        subject = store.load(person.profile).subject
        lead.name_person(subject, PersonChanges(display_name=name))
    system = store.load("system").subject
    lead.name_person(system, PersonChanges(display_name="Automatic screening"))


def _set_policy(member: Member) -> None:
    store, organisation = ProfileStore(member.home), member.organisation
    flashing = ("analyst", "lead", "second-lead") if organisation.may_flash else ()
    policy = Policy(
        may_flash=[store.load(profile).subject for profile in flashing],
        withdrawal_quorum=2 if organisation.needs_two else 1,
    )
    member.client("root").grant(Grant(policy=policy))
