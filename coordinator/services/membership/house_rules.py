"""The network's rulebook: the operator publishes an edition, and everybody reads it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.errors import NotFoundError
from coordinator.domain.house_rules import (
    PublishedRulebook,
    read_rulebook_text,
    require_publishable,
    rulebook_in_force,
    rulebooks_coming,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.tag_keys import EVERYBODY
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.storage.membership import house_rules as store
from coordinator.storage.tables.house_rules import RulebookRow
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRulebook:
    """The operator publishes an edition.

    Attributes:
        raw: The file.
        in_force_from: From when on requests name it; None: at once.
    """

    raw: bytes
    in_force_from: datetime | None = None


class EditionView(TypedDict):
    """One edition of the rulebook (`house_rules_views.EditionView`)."""

    sha256: str
    published_at: str
    in_force_from: str
    text: str


class RulebookView(TypedDict):
    """The rulebook in force, and what is to come (`house_rules_views.RulebookView`)."""

    in_force: EditionView | None
    coming: list[EditionView]


@handles(PublishRulebook, needs=Permission.RULEBOOK_PUBLISH)
def publish(command: PublishRulebook, actor: Actor, uow: UnitOfWork) -> Answer:
    """Publish an edition: all members are told, and requests name it from its time on."""
    del actor
    text, sha256 = read_rulebook_text(command.raw)
    begins = command.in_force_from or uow.now
    require_publishable(store.published(uow.connection), sha256, begins, uow.now)
    rulebook_id = new_id("rbk")
    store.insert_rulebook(
        uow.connection,
        id=rulebook_id,
        sha256=sha256,
        text=text,
        published_at=uow.now,
        in_force_from=begins,
        leaf_index=None,
    )
    told = {
        "rulebook_sha256": sha256,
        "published_at": format_time(uow.now),
        "in_force_from": format_time(begins),
        "href": uow.link(f"/v1/rulebook/{sha256}"),
    }
    recorded = uow.record(
        EventType.RULEBOOK_PUBLISHED, told, key=uow.new_key(), audience=[EVERYBODY]
    )
    uow.set_leaf(RulebookRow, rulebook_id, recorded)
    return Answer(201, told, entry=recorded)


def rulebook_view(connection: Connection, now: datetime) -> RulebookView:
    """Return the edition in force with its text, and those that are to come."""
    editions = store.published(connection)
    in_force = rulebook_in_force(editions, now)
    return {
        "in_force": None if in_force is None else _with_text(connection, in_force),
        "coming": [_with_text(connection, each) for each in rulebooks_coming(editions, now)],
    }


def rulebook_sha256(connection: Connection, now: datetime) -> str | None:
    """Return the hash of the rulebook in force, which requests name; None where there is none."""
    in_force = rulebook_in_force(store.published(connection), now)
    return None if in_force is None else in_force.sha256


def edition_view(connection: Connection, sha256: str) -> EditionView:
    """Return an edition by its hash, one that was in force long ago, too.

    Raises:
        NotFoundError: If none of that hash was published.
    """
    for edition in reversed(store.published(connection)):
        if edition.sha256 == sha256:
            return _with_text(connection, edition)
    raise NotFoundError("no rulebook of this hash was published here")


def _with_text(connection: Connection, edition: PublishedRulebook) -> EditionView:
    return {
        "sha256": edition.sha256,
        "published_at": format_time(edition.published_at),
        "in_force_from": format_time(edition.in_force_from),
        "text": store.text_of(connection, edition.sha256),
    }
