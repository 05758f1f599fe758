"""Whoever is signed in, and what a page reads for them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flask import Response

from coordinator.api import freeze_request_reads, membership_reads
from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Reader, note_read, read
from coordinator.api.query import Query
from coordinator.api.responses import Later
from coordinator.api.view import QueryView
from coordinator.console.forms import Form
from coordinator.console.sessions import ConsoleSession
from coordinator.domain.actor import Actor
from coordinator.domain.permission import Permission, is_allowed
from holdfast.protocol.amounts import KnownAssets

#: Items of a page where all pages of a list are read.
_MOST_ITEMS = 500


@dataclass
class Visit:
    """One request of a person who is signed in.

    Attributes:
        session: The browser's.
        reader: Reads as this person, on one connection.
        form: What they sent.
        drills: Ids of requests that were read for the page, and are drills.
    """

    session: ConsoleSession
    reader: Reader
    form: Form = field(default_factory=Form)
    drills: set[str] = field(default_factory=set)

    @property
    def actor(self) -> Actor:
        """Who it is, with the rights of now."""
        return self.reader.actor

    def may(self, permission: Permission) -> bool:
        """Tell whether they have a right."""
        return is_allowed(permission, self.actor)

    def read(self, view: QueryView, query: Query | None = None, **names: str) -> Any:
        """Return what the API would answer them.

        Args:
            view: What to read.
            query: Its parameters; None for the defaults.
            names: The values of the names in its path.

        Raises:
            CoordinatorError: As the API would.
        """
        answer = read(self.reader, view, query, **names)
        if isinstance(answer, Later):
            return Later(lambda: self._read_later(view, names, answer))
        note_read(self.reader, view, names, answer, via="console")
        if view is freeze_request_reads.read_request and answer["drill"]:
            self.drills.add(answer["id"])
        return answer

    def _read_later(self, view: QueryView, names: Mapping[str, str], answer: Later) -> Response:
        response = answer.make()
        note_read(self.reader, view, names, answer, via="console")
        return response

    def every(
        self, view: QueryView, query: type[PageQuery] = PageQuery, **names: str
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the items of all pages of a list that the API would answer them.

        Args:
            view: What to read; a member of `query` among `names` narrows the list down.
            query: Its parameters.
            names: Those, and the values of the names in its path.
        """
        own = {name: names.pop(name) for name in query.model_fields if name in names}
        own["limit"] = str(min(_MOST_ITEMS, self.reader.context.page_size_limit))
        while True:
            page = self.read(view, query.model_validate(own), **names)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            own["cursor"] = page["next_cursor"]

    @cached_property
    def assets(self) -> KnownAssets:
        """What is known of assets, for amounts as people read them."""
        return KnownAssets(self.reader.context.rulebook.chains)

    @cached_property
    def people(self) -> Mapping[str, Mapping[str, Any]]:
        """The people and systems of their organisation, former ones too, by id."""
        everybody = self.every(
            membership_reads.list_people, membership_reads.PeopleQuery, status="all"
        )
        return {each["id"]: each for each in everybody}

    def called(self, person: str | None) -> str:
        """Return what one's own organisation calls somebody of it, oneself by name, too."""
        known = self.people.get(person or "")
        if person is None or known is None:
            return "somebody new"
        return str(known.get("display_name") or f"{person[:8]}…{person[-6:]}")

    def name_of(self, subject: str | None, partner: str | None = None) -> str:
        """Return what to call somebody: by name among one's own, by organisation elsewhere."""
        if subject is None or subject == "coordinator":
            return "Holdfast"
        if subject == self.actor.subject:
            return "you"
        known = self.people.get(subject)
        if known is not None:
            return str(known.get("display_name") or f"{subject[:4]}…{subject[-6:]}")
        return f"somebody of {partner}" if partner else "somebody else"
