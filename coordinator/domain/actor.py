"""Who acts.

Always a person or a system of one partner, or the coordinator itself (timers, transport).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from holdfast.protocol.vocabulary import PartnerKind, Role


class ActorKind(StrEnum):
    """What stands behind an actor."""

    PERSON = "person"
    SYSTEM = "system"
    ROOT = "root"
    COORDINATOR = "coordinator"


class Viewer(NamedTuple):
    """Who reads, as far as it decides what is there to see.

    Attributes:
        partner: Handle of the member.
        person: `per_…`; None where a machine reads, which no limit of a leg concerns.
    """

    partner: str
    person: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever signed, with the rights as they are now.

    Attributes:
        partner: Handle of the member; "" for the coordinator.
        subject: `per_…` or `sys_…`; the handle itself for the root key.
        kid: RFC 7638 thumbprint of the key that signed.
        roles: Granted roles.
        owner: The owning person of a system.
        key_proposer: The lead who proposed the grant of the key; None where the root key did.
        systems_as_compliance: The partner's policy lets this system do what compliance does.
        is_suspended: The partner is suspended: it only settles what it holds, and revokes.
        may_flash: The partner's policy lets this subject send flash requests at once.
        approval_quorum: How many leads the partner's policy wants to approve a request.
        withdrawal_quorum: How many leads letting held funds go takes.
    """

    partner: str
    subject: str
    kid: str
    kind: ActorKind
    roles: frozenset[Role] = frozenset()
    owner: str | None = None
    key_proposer: str | None = None
    partner_kind: PartnerKind = PartnerKind.EXCHANGE
    systems_as_compliance: bool = False
    may_flash: bool = False
    is_suspended: bool = False
    approval_quorum: int = 1
    withdrawal_quorum: int = 1

    @property
    def person(self) -> str:
        """The human behind it, for the four-eyes rule: a system counts as its owner."""
        return self.owner or self.subject

    @property
    def viewer(self) -> Viewer:
        """Who reads: a person as themselves, a system as the partner's machine."""
        return Viewer(self.partner, None if self.kind is ActorKind.SYSTEM else self.subject)


#: Timers, transport and the operator's membership acts.
COORDINATOR = Actor(partner="", subject="coordinator", kid="", kind=ActorKind.COORDINATOR)
