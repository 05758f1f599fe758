"""A partner's OpenID provider: which it is, and whom of the partner it may sign in; sealed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from coordinator.storage.engine.documents import Vault, load_one
from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.console import SignInProviderRow
from holdfast.protocol import canonical_json, strict_json

DOCUMENT = "sign_in_provider"


class SignInProvider(NamedTuple):
    """Which provider is a partner's now."""

    partner: str
    id: str
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderPerson:
    """By what a provider's token names one of the partner's people: one of the two is None."""

    person: str
    sub: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class ProviderDocument:
    """What is sealed of a provider."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    people: Sequence[ProviderPerson]

    def person_of(self, sub: str, email: str | None) -> str | None:
        """Return whom a token names: by its `sub`, else by an address that was verified."""
        for each in self.people:
            if each.sub is not None and each.sub == sub:
                return each.person
        if email is None:
            return None
        wanted = email.casefold()
        named = (each for each in self.people if (each.email or "").casefold() == wanted)
        found = next(named, None)
        return None if found is None else found.person

    def to_bytes(self) -> bytes:
        """Return the form in which it is sealed."""
        return canonical_json.dumps(
            {
                "issuer": self.issuer,
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "people": [
                    {"person": each.person, "sub": each.sub, "email": each.email}
                    for each in self.people
                ],
            }
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> "ProviderDocument":
        """Return the document of `to_bytes`."""
        stored = strict_json.loads(content)
        people = tuple(ProviderPerson(**each) for each in stored.pop("people"))
        return cls(**stored, people=people)


def find(connection: Connection, partner: str) -> SignInProvider | None:
    """Return a partner's provider, or None."""
    query = select(SignInProviderRow.__table__).where(SignInProviderRow.partner == partner)
    found = read_as(connection, SignInProvider, query)
    return found[0] if found else None


def document(connection: Connection, vault: Vault, provider_id: str) -> ProviderDocument | None:
    """Return what is sealed of a provider; None where it was erased."""
    content = load_one(connection, vault, provider_id, DOCUMENT)
    return None if content is None else ProviderDocument.from_bytes(content)


def replace(connection: Connection, provider: SignInProvider) -> None:
    """Store a partner's provider in the place of the one before."""
    remove(connection, provider.partner)
    connection.execute(insert(SignInProviderRow).values(**provider._asdict()))


def remove(connection: Connection, partner: str) -> None:
    """Remove a partner's provider; what it signed in is signed out by that."""
    connection.execute(delete(SignInProviderRow).where(SignInProviderRow.partner == partner))
