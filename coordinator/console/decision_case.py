"""All that a page of a decision reads, once, through the API's own views."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from coordinator.api import freeze_request_reads, indemnities, ledger_reads, membership_reads
from coordinator.api.paging import PageQuery
from coordinator.console.asked import asked_document
from coordinator.console.asked_documents import AskedDocument
from coordinator.console.visit import Visit
from coordinator.domain.approval import excluded_from_approving
from coordinator.domain.errors import NotFoundError, UnavailableError
from coordinator.domain.permission import Permission
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.vocabulary import RequestStatus, Role

#: As many of a list as a page of a decision reads: partners, legs, people.
_MOST = "500"
#: Addresses of which it reads what was answered.
_ANSWERED = 100


@dataclass
class DecisionCase:
    """A request of the reader's own organisation, with what one looks at before deciding.

    Attributes:
        visit: Whoever looks.
        request: As the API shows it.
        now: The coordinator's time.
    """

    visit: Visit
    request: Mapping[str, Any]
    now: datetime

    @classmethod
    def read(cls, visit: Visit, request_id: str) -> "DecisionCase":
        """Read a request.

        Raises:
            NotFoundError: If the reader's organisation did not send it.
        """
        request = visit.read(freeze_request_reads.read_request, request_id=request_id)
        if request["requester"] != visit.actor.partner:
            raise NotFoundError("there is no such request of your organisation to decide on")
        return cls(visit, request, visit.reader.read_context.now)

    @property
    def id(self) -> str:
        """The request's id."""
        return str(self.request["id"])

    @property
    def chains(self) -> Chains:
        """The table of chains."""
        return self.visit.reader.context.rulebook.chains

    @cached_property
    def assets(self) -> KnownAssets:
        """Symbols and decimals, by that table."""
        return KnownAssets(self.chains)

    @cached_property
    def document(self) -> AskedDocument:
        """What was signed; nothing where it was erased."""
        try:
            return asked_document(self.visit, self.request)
        except UnavailableError:
            return AskedDocument("", {}, (), self.chains)

    @cached_property
    def legs(self) -> Sequence[Mapping[str, Any]]:
        """The legs of partners that were asked."""
        if not self.request["leg_counts"]:
            return ()
        return self._list(freeze_request_reads.list_legs, request_id=self.id)

    @cached_property
    def directory(self) -> Mapping[str, Mapping[str, Any]]:
        """What the directory says of the members, by handle."""
        return {each["handle"]: each for each in self._list(membership_reads.list_partners)}

    @cached_property
    def indemnities(self) -> Sequence[Mapping[str, Any]]:
        """The indemnities that were given."""
        return self._list(indemnities.list_given, request_id=self.id)

    @cached_property
    def answers(self) -> Sequence[Mapping[str, Any]]:
        """What partners answered for the first addresses, where anything is held at all."""
        if not any(int(each["held"]) for each in self.request["totals"].values()):
            return ()
        query = ledger_reads.SpanQuery.model_validate({"last": str(_ANSWERED - 1)})
        found = self.visit.read(ledger_reads.list_answers, query, request_id=self.id)
        return found["items"]  # type: ignore[no-any-return]

    @cached_property
    def key(self) -> Mapping[str, Any] | None:
        """The key that signed the request."""
        return self.key_of(self.document.kid) if self.document.kid else None

    def key_of(self, kid: str) -> Mapping[str, Any] | None:
        """Return a key as every member reads it."""
        query = membership_reads.KeysQuery.model_validate({"kid": kid})
        found = self.visit.read(membership_reads.list_keys, query)["items"]
        return next(iter(found), None)

    @property
    def is_awaited(self) -> bool:
        """Whether the request itself waits for a decision."""
        request = self.request
        return request["status"] == RequestStatus.SUBMITTED or self.is_out_unratified

    @property
    def is_out_unratified(self) -> bool:
        """Whether it went out, and no approval stands behind it yet."""
        return bool(self.request["provisional"] or self.request["unratified"])

    @property
    def until(self) -> str | None:
        """Until when it is to be decided; None where nothing waits."""
        request = self.request
        if not self.is_awaited:
            return None
        if request["unratified"]:
            return str(request["unratified_until"])
        return str(request["ratify_by"] if request["provisional"] else request["approve_by"])

    @property
    def submitter(self) -> str:
        """Who submitted it: a person, or a system."""
        return str(self.request["submitted_by"])

    def owner_of(self, subject: str) -> str | None:
        """Return the person who owns a system of the organisation."""
        return self.visit.people.get(subject, {}).get("owner")

    @cached_property
    def excluded(self) -> frozenset[str]:
        """Who had a hand in the submission: four eyes."""
        return excluded_from_approving(
            submitted_by=self.submitter,
            owner_of_system=self.owner_of(self.submitter),
            key_grant_proposer=None if self.key is None else self.key["proposer"],
        )

    @property
    def decisions(self) -> Sequence[Mapping[str, Any]]:
        """What was decided, oldest first."""
        return self.request["approvals"]  # type: ignore[no-any-return]

    @property
    def may_decide(self) -> bool:
        """Whether the reader's role lets them decide."""
        return self.visit.may(Permission.FREEZE_REQUEST_APPROVE)

    def deciders(self, excluded: Iterable[str]) -> list[str]:
        """Return what to call the leads who can decide, but for those excluded."""
        out = set(excluded)
        return [
            self.visit.name_of(id_)
            for id_, person in self.visit.people.items()
            if id_ not in out
            and person["kind"] == "person"
            and person["kids"]
            and person["revoked_at"] is None
            and Role.SECURITY_LEAD in person["roles"]
        ]

    def _list(self, view: Any, **names: str) -> Sequence[Mapping[str, Any]]:
        query = PageQuery.model_validate({"limit": _MOST})
        items: Sequence[Mapping[str, Any]] = self.visit.read(view, query, **names)["items"]
        return items


def why_not(case: DecisionCase, *, excluded: Mapping[str, str], decided: Mapping[str, str]) -> str:
    """Return why the reader cannot decide, as a sentence; "" where they can.

    Args:
        case: What they look at.
        excluded: Persons who had a hand in it, each with how.
        decided: Persons who decided already, each with when and how.
    """
    me = case.visit.actor.subject
    if not case.may_decide:
        return "You read only: deciding is for security leads."
    if me in excluded:
        return excluded[me]
    if me in decided:
        return f"You decided already, {decided[me]}."
    return ""


def hands_in_submission(case: DecisionCase) -> dict[str, str]:
    """Return who cannot decide on a submission, each with why, said to them."""
    proposer = None if case.key is None else case.key["proposer"]
    hands = {
        proposer: "A grant of yours made the key that signed it.",
        case.owner_of(case.submitter): "The system that submitted it is yours.",
        case.submitter: "You submitted this.",
    }
    return {person: why for person, why in hands.items() if person in case.excluded}
