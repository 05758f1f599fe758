"""What the operator sees of the rulebook: its editions, and who has not accepted which."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from coordinator.domain.house_rules import rulebook_in_force
from coordinator.operations.preparation import open_migrated
from coordinator.settings import Settings, clock_of
from coordinator.storage.membership import house_rules as store


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition, and the active members that have not accepted it."""

    sha256: str
    published_at: datetime
    in_force_from: datetime
    id: str
    state: Literal["former", "in force", "coming"]
    not_accepted_by: Sequence[str]


def editions(settings: Settings) -> list[Edition]:
    """Return every edition, the oldest first."""
    database, now = open_migrated(settings), clock_of(settings).now()
    try:
        with database.engine.connect() as connection:
            published = store.published(connection)
            in_force = rulebook_in_force(published, now)
            return [
                Edition(
                    *each,
                    state=(
                        "in force"
                        if each == in_force
                        else "coming"
                        if each.in_force_from > now
                        else "former"
                    ),
                    not_accepted_by=store.without_acceptance(connection, each.sha256),
                )
                for each in published
            ]
    finally:
        database.engine.dispose()
