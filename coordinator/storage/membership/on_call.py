"""A partner's on-call chain: whom it pages by what, and when it sleeps; sealed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.documents import Vault, load_one
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.on_call import OnCallRow
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.on_call_views import ChannelKind

DOCUMENT = "on_call"


class OnCall(NamedTuple):
    """Which chain is a partner's now."""

    partner: str
    id: str
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """By what somebody is paged; members of other kinds are None."""

    kind: ChannelKind
    address: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    routing_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StoredStep:
    """Whom a chain pages at one place, by what, and for how many minutes alone."""

    person: str
    minutes: int
    channels: Sequence[StoredChannel]


@dataclass(frozen=True, slots=True)
class StoredQuiet:
    """Quiet hours as they were stated: a zone, and hours as `HH:MM`."""

    zone: str
    begins: str
    ends: str
    rest_days: bool


@dataclass(frozen=True, slots=True)
class OnCallDocument:
    """What is sealed of a chain."""

    steps: Sequence[StoredStep]
    quiet: StoredQuiet | None

    def channel(self, step: int, number: int) -> StoredChannel | None:
        """Return a channel by its place; None where there is none."""
        if step >= len(self.steps) or number >= len(self.steps[step].channels):
            return None
        return self.steps[step].channels[number]

    @classmethod
    def from_bytes(cls, content: bytes) -> "OnCallDocument":
        """Return the document of `to_bytes`."""
        stored = strict_json.loads(content)
        steps = [
            StoredStep(
                each["person"],
                each["minutes"],
                tuple(StoredChannel(**channel) for channel in each["channels"]),
            )
            for each in stored["steps"]
        ]
        quiet = stored["quiet"]
        return cls(tuple(steps), None if quiet is None else StoredQuiet(**quiet))

    def to_bytes(self) -> bytes:
        """Return the form in which it is sealed."""
        steps = [
            {
                "person": each.person,
                "minutes": each.minutes,
                "channels": [
                    {
                        name: value
                        for name in ("kind", "address", "url", "routing_key")
                        if (value := getattr(channel, name)) is not None
                    }
                    for channel in each.channels
                ],
            }
            for each in self.steps
        ]
        quiet = self.quiet and {
            "zone": self.quiet.zone,
            "begins": self.quiet.begins,
            "ends": self.quiet.ends,
            "rest_days": self.quiet.rest_days,
        }
        return canonical_json.dumps({"steps": steps, "quiet": quiet})


_HAVING = Prebuilt(select(OnCallRow.partner), among=OnCallRow.partner)


def find(connection: Connection, partner: str) -> OnCall | None:
    """Return a partner's chain, or None."""
    query = select(OnCallRow.__table__).where(OnCallRow.partner == partner)
    found = read_as(connection, OnCall, query)
    return found[0] if found else None


def having(connection: Connection, partners: Collection[str]) -> set[str]:
    """Return those of the partners that have a chain."""
    found: set[str] = set()
    for some in batches(sorted(set(partners))):
        found.update(_HAVING.rows(connection, among=some))
    return found


def document(connection: Connection, vault: Vault, chain_id: str) -> OnCallDocument | None:
    """Return what is sealed of a chain; None where it was erased."""
    content = load_one(connection, vault, chain_id, DOCUMENT)
    return None if content is None else OnCallDocument.from_bytes(content)


def replace(connection: Connection, chain: OnCall) -> None:
    """Store a partner's chain in the place of the one before."""
    remove(connection, chain.partner)
    connection.execute(insert(OnCallRow).values(**chain._asdict()))


def remove(connection: Connection, partner: str) -> None:
    """Remove a partner's chain."""
    connection.execute(delete(OnCallRow).where(OnCallRow.partner == partner))
