"""Examining every stored request as its requester's kit would, from the signed bytes.

What the kit finds fault with, a member will. So the very code that members run
(`holdfast.evidence`) looks through what the API would answer the requester.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection, select

from coordinator.api import (
    clearances,
    disputes,
    freeze_request_reads,
    ledger_reads,
    membership_reads,
    request_events,
)
from coordinator.api.context import AppContext
from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Reader, read
from coordinator.api.view import QueryView
from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.errors import CoordinatorError
from coordinator.storage.engine.documents import UnreadableDocumentError
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from holdfast.errors import HoldfastError
from holdfast.evidence.case_file import Result
from holdfast.evidence.examination import examine
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.log_inclusion import look_at_log
from holdfast.protocol.life_cycle_views import ClearanceView, DisputeView, RequestEventView
from holdfast.protocol.log_keys import LogKeys
from holdfast.protocol.views import (
    EvidenceView,
    FreezeRequestView,
    GrantView,
    HoldView,
    KeyView,
    LegView,
    LineView,
)
from holdfast.protocol.vocabulary import Role

_AT_A_TIME = 200
#: What reading rows that somebody altered may come to.
UNREADABLE = (UnreadableDocumentError, CoordinatorError, HoldfastError, LookupError, ValueError)
V = TypeVar("V", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of looking through all requests.

    Attributes:
        count: How many there are.
        acts: How many of their acts are signed and proven.
        faults: One sentence for each finding that failed.
    """

    count: int
    acts: int
    faults: list[str]


class StoredCases:
    """Reads requests as their requester would, and keys and grants as any member.

    Args:
        context: Of the coordinator.
        connection: Whose statements all see one moment.
    """

    def __init__(self, context: AppContext, connection: Connection) -> None:
        self._context = context
        self._connection = connection
        self._requester = ""

    def read_as(self, requester: str) -> None:
        """Read the next request as this partner."""
        self._requester = requester

    def freeze_request(self, request_id: str) -> FreezeRequestView:
        """Return the request."""
        shown = read(self.reader, freeze_request_reads.read_request, request_id=request_id)
        return FreezeRequestView.model_validate(shown)

    def evidence(self, request_id: str) -> Iterator[EvidenceView]:
        """Yield the evidence of its acts."""
        return self.every(EvidenceView, ledger_reads.list_evidence, request_id=request_id)

    def legs(self, request_id: str) -> Iterator[LegView]:
        """Yield its legs."""
        return self.every(LegView, freeze_request_reads.list_legs, request_id=request_id)

    def ledger(self, request_id: str) -> Iterator[LineView]:
        """Yield its ledger's lines."""
        return self.every(LineView, ledger_reads.list_lines, request_id=request_id)

    def holds(self, request_id: str) -> Iterator[HoldView]:
        """Yield its holds."""
        return self.every(HoldView, ledger_reads.list_holds, request_id=request_id)

    def disputes(self, request_id: str) -> Iterator[DisputeView]:
        """Yield its disputes."""
        return self.every(DisputeView, disputes.list_disputes, request_id=request_id)

    def clearances(self, request_id: str) -> Iterator[ClearanceView]:
        """Yield the accounts that it flagged by error."""
        return self.every(ClearanceView, clearances.list_clearances, request_id=request_id)

    def request_events(self, request_id: str) -> Iterator[RequestEventView]:
        """Yield the events that its requester was told."""
        return self.every(RequestEventView, request_events.list_events, request_id=request_id)

    def keys(self, partner: str | None = None) -> Iterator[KeyView]:
        """Yield a partner's public keys."""
        return self.every(KeyView, membership_reads.list_keys, partner=partner)

    def grants(self, partner: str | None = None) -> Iterator[GrantView]:
        """Yield a partner's grants."""
        return self.every(GrantView, membership_reads.list_grants, partner=partner)

    @property
    def reader(self) -> Reader:
        """Reads as a person of that partner."""
        actor = Actor(
            partner=self._requester,
            subject="coordinator",
            kid="",
            kind=ActorKind.PERSON,
            roles=frozenset(Role),
        )
        return Reader(self._connection, self._context.vault, actor, self._context)

    def every(self, model: type[V], view: QueryView, **names: str | None) -> Iterator[V]:
        """Yield the items of all pages of a list."""
        query = view.query or PageQuery
        own: dict[str, Any] = {
            name: names.pop(name) for name in query.model_fields if name in names
        }
        path = {name: value for name, value in names.items() if value is not None}
        own["limit"] = str(self._context.page_size_limit)
        while True:
            page = read(self.reader, view, query.model_validate(own), **path)
            yield from map(model.model_validate, page["items"])
            if page["next_cursor"] is None:
                return
            own["cursor"] = page["next_cursor"]


def examine_requests(
    context: AppContext,
    connection: Connection,
    log_keys: LogKeys,
    on_count: Callable[[int], None],
) -> Examined:
    """Examine every request that is not erased.

    Args:
        context: Of the coordinator.
        connection: Whose statements all see one moment.
        log_keys: Under which proofs are checked.
        on_count: Called with how many requests were looked through so far.
    """
    cases = StoredCases(context, connection)
    directory = KeyDirectory(cases, context.origin)
    count = acts = 0
    faults: list[str] = []
    for request_id, requester in _requests(connection):
        cases.read_as(requester)
        try:
            examination = examine(cases, directory, request_id, handle=requester)
            log = look_at_log(request_id, cases.request_events(request_id), log_keys)
        except UNREADABLE as error:
            faults.append(f"{request_id}: it cannot be read as a whole: {error}")
        else:
            acts += sum(finding.result is Result.VERIFIED for finding in examination.acts)
            failed = [*examination.failures, *([log] if log.result is Result.FAILED else [])]
            for finding in failed:
                whose = f" of {finding.by}" if finding.by else ""
                faults.append(f"{request_id}: {finding.what}{whose}: {finding.detail}")
        count += 1
        on_count(count)
    return Examined(count, acts, faults)


def _requests(connection: Connection) -> Iterator[tuple[str, str]]:
    kept = FreezeRequestRow.erased_at.is_(None)
    query = select(FreezeRequestRow.id, FreezeRequestRow.requester).where(kept)
    query = query.order_by(FreezeRequestRow.id)
    last = ""
    while rows := list(
        connection.execute(query.where(FreezeRequestRow.id > last).limit(_AT_A_TIME))
    ):
        yield from ((row.id, row.requester) for row in rows)
        last = rows[-1].id
