"""What the page of an answer reads, and which acts one's leg allows to whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from coordinator.api import (
    disputes,
    freeze_request_reads,
    info_requests,
    ledger_reads,
    legal_orders,
)
from coordinator.api.paging import PageQuery
from coordinator.api.query import query_of
from coordinator.console.answer.asked import Asked, Said, read_asked, read_said
from coordinator.console.contested import every_hold, is_open
from coordinator.console.visit import Visit
from coordinator.console.words import amount, listed
from coordinator.domain.errors import NotFoundError
from coordinator.domain.leg import LEG_ACTS, LegAct
from coordinator.domain.permission import GRANTS, Permission
from holdfast.protocol.vocabulary import LegStatus, PartnerKind, RequestStatus

#: Each hold stands with five forms beside it, each line with one.
HOLDS_SHOWN, LINES_SHOWN, PAPERS_SHOWN = 10, 20, 20
#: Addresses of a request of which the page looks through every answer.
ANSWERS_READ = 1_000


class Wanted(NamedTuple):
    """Which pages of its lists a reader wants: cursors, "" for the first."""

    holds: str = ""
    lines: str = ""


@dataclass
class AnswerCase:
    """One request as a partner asked sees it, with its own holds, lines and papers."""

    visit: Visit
    request: Mapping[str, Any]
    wanted: Wanted = field(default_factory=Wanted)

    @property
    def id(self) -> str:
        """Of the request."""
        return str(self.request["id"])

    @property
    def leg(self) -> Mapping[str, Any]:
        """One's own side of it."""
        leg: Mapping[str, Any] = self.request["leg"]
        return leg

    @property
    def now(self) -> datetime:
        """The time of the page."""
        return self.visit.reader.read_context.now

    @property
    def is_issuer(self) -> bool:
        """Whether one freezes tokens by transactions."""
        return self.visit.actor.partner_kind is PartnerKind.ISSUER

    @cached_property
    def asked(self) -> Asked:
        """The flagged addresses."""
        return read_asked(self.visit, self.id)

    @cached_property
    def said(self) -> Said:
        """What the requester signed later; read only where something hangs on it."""
        is_taken_back = self.request["withdrawn_reason_code"] or self.request["withdrawn_count"]
        if is_taken_back or self.holds["items"]:
            return read_said(self.visit, self.id)
        return Said()

    @cached_property
    def holds(self) -> Mapping[str, Any]:
        """A page of holds."""
        return self._page(ledger_reads.list_holds, self.wanted.holds, HOLDS_SHOWN)

    @cached_property
    def lines(self) -> Mapping[str, Any]:
        """A page of lines."""
        return self._page(ledger_reads.list_lines, self.wanted.lines, LINES_SHOWN)

    @cached_property
    def answers(self) -> Mapping[int, Mapping[str, Any]]:
        """What one's desk answered for each of the first addresses; the others are not read."""
        query = ledger_reads.SpanQuery.model_validate({"last": str(ANSWERS_READ - 1)})
        found = self.visit.read(ledger_reads.list_answers, query, request_id=self.id)["items"]
        return {each["address_no"]: each for each in found}

    @cached_property
    def left(self) -> int | None:
        """How many addresses have no answer yet; None where there are too many to look through."""
        if len(self.asked.addresses) > ANSWERS_READ:
            return None
        if self.leg["answered_at"] is not None:
            return 0
        numbers = self.asked.matching("")
        return sum(no not in self.answers and self.said.withdrawn(no) is None for no in numbers)

    @cached_property
    def questions(self) -> Sequence[Mapping[str, Any]]:
        """What one's desk asked."""
        return self._papers(info_requests.list_questions)

    @cached_property
    def disputes(self) -> Sequence[Mapping[str, Any]]:
        """What it contests."""
        return self._papers(disputes.list_disputes)

    @cached_property
    def orders(self) -> Sequence[Mapping[str, Any]]:
        """Orders that concern one's leg."""
        return self._papers(legal_orders.list_orders)

    @cached_property
    def holds_something(self) -> bool:
        """Whether anything is held now."""
        is_held = any(
            each["held"] != "0" or each["withheld"] for each in self.leg["totals"].values()
        )
        return is_held or any(is_open(hold) for hold in self.holds["items"])

    @cached_property
    def every_hold(self) -> Sequence[Mapping[str, Any]]:
        """All of one's holds on the request, on whatever page of the list they are."""
        if self.holds["next_cursor"] is None and not self.wanted.holds:
            return tuple(self.holds["items"])
        return tuple(every_hold(self.visit, self.id))

    def hold(self, hold_id: str) -> Mapping[str, Any] | None:
        """Return one's hold by its id, wherever in the list it is; None if there is none."""
        return next((each for each in self.every_hold if each["id"] == hold_id), None)

    def line(self, line_id: str) -> Mapping[str, Any] | None:
        """Return a line by its id; None if there is none."""
        every = self.visit.every(ledger_reads.list_lines, request_id=self.id)
        return next((each for each in every if each["id"] == line_id), None)

    def amount_words(self, base_units: str, asset: str) -> str:
        """Return an amount as people read it."""
        return str(amount(base_units, asset, self.visit.assets))

    def takes(self, act: LegAct) -> bool:
        """Tell whether the life cycle has this act now."""
        rule = LEG_ACTS[act]
        is_now = RequestStatus(self.request["status"]) in rule.requests
        return is_now and LegStatus(self.leg["status"]) in rule.legs

    def may(self, permission: Permission) -> bool:
        """Tell whether the reader has a right."""
        return self.visit.may(permission)

    def who_may(self, permission: Permission) -> str:
        """Return who of one's organisation has a right, by name; "" where none has a name."""
        fitting = {role for role, rights in GRANTS.items() if permission in rights}
        people = [
            str(each["display_name"])
            for each in self.visit.people.values()
            if each.get("display_name")
            and each["kind"] == "person"
            and not each["revoked_at"]
            and fitting.intersection(each["roles"])
        ]
        return listed(people[:4])

    def _page(self, view: Any, cursor: str, limit: int) -> Mapping[str, Any]:
        most = self.visit.reader.context.page_size_limit
        given = {"limit": str(min(limit, most)), **({"cursor": cursor} if cursor else {})}
        query = query_of(PageQuery, given)
        page: Mapping[str, Any] = self.visit.read(view, query, request_id=self.id)
        return page

    def _papers(self, view: Any) -> Sequence[Mapping[str, Any]]:
        if self.visit.actor.is_suspended:
            return ()
        items: Sequence[Mapping[str, Any]] = self._page(view, "", PAPERS_SHOWN)["items"]
        return items


def read_case(visit: Visit, request_id: str, wanted: Wanted | None = None) -> AnswerCase:
    """Return the case of a request that asks the reader's organisation.

    Raises:
        NotFoundError: If it asks somebody else, or the reader may not see it.
    """
    request = visit.read(freeze_request_reads.read_request, request_id=request_id)
    if request.get("leg") is None:
        raise NotFoundError("this request does not ask your organisation")
    return AnswerCase(visit, request, wanted or Wanted())
