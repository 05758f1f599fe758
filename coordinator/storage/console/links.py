"""Links that are good once, found by the hash of the secret in them."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.console import ConsoleLinkRow

_MOST_REMOVED = 100


class ConsoleLink(NamedTuple):
    """One link.

    Attributes:
        purpose: "sign_in" or "passkey".
        kid: What a session stands on that it opens; None where it makes a passkey.
        made_by: A person; None for the operator.
    """

    secret_sha256: str
    purpose: str
    partner: str
    person: str
    kid: str | None
    made_by: str | None
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None


def store(connection: Connection, link: ConsoleLink) -> None:
    """Store a new link, and remove some whose time is over."""
    connection.execute(insert(ConsoleLinkRow).values(**link._asdict()))
    ended = (
        select(ConsoleLinkRow.secret_sha256)
        .where(ConsoleLinkRow.ends_at <= link.made_at)
        .limit(_MOST_REMOVED)
    )
    connection.execute(delete(ConsoleLinkRow).where(ConsoleLinkRow.secret_sha256.in_(ended)))


def find(
    connection: Connection, secret_sha256: str, purpose: str, now: datetime
) -> ConsoleLink | None:
    """Return a link that is still good."""
    query = select(ConsoleLinkRow.__table__).where(
        ConsoleLinkRow.secret_sha256 == secret_sha256,
        ConsoleLinkRow.purpose == purpose,
        ConsoleLinkRow.used_at.is_(None),
        ConsoleLinkRow.ends_at > now,
    )
    found = read_as(connection, ConsoleLink, query)
    return found[0] if found else None


def use(
    connection: Connection, secret_sha256: str, purpose: str, now: datetime
) -> ConsoleLink | None:
    """Use a link up; None where it was used already, is too old, or there is none."""
    link = find(connection, secret_sha256, purpose, now)
    if link is None:
        return None
    changed = connection.execute(
        update(ConsoleLinkRow)
        .where(ConsoleLinkRow.secret_sha256 == secret_sha256, ConsoleLinkRow.used_at.is_(None))
        .values(used_at=now)
    )
    return link if changed.rowcount else None
