"""What every tab of a request's page shows: the sentence, the tabs, and what one may do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from flask import Response

from coordinator.api import additions, freeze_request_reads, request_events, withdrawals
from coordinator.api import drafts as draft_api
from coordinator.api.paging import PageQuery
from coordinator.console import render
from coordinator.console.acts import done_words
from coordinator.console.follow import states
from coordinator.console.visit import Visit
from coordinator.console.words import (
    AmountWords,
    Countdown,
    ago,
    amount,
    countdown,
    counted,
    grouped,
    listed,
    moment,
)
from coordinator.domain.permission import Permission
from coordinator.services.reading.code_words import WITHDRAWN_BECAUSE
from holdfast.protocol.vocabulary import LegStatus, RequestStatus

#: As many partners as a request may ask.
_ALL_LEGS = PageQuery.model_validate({"limit": "1000"})
_FEW = PageQuery.model_validate({"limit": "20"})
_MOVED = frozenset({"moved_on", "left_after_notice"})
_LATE = frozenset({"unanswered", "overdue"})
_PENDING = "pending"


class Part(NamedTuple):
    """A piece of the page's sentence; `is_bold` where it is a number or a name to act on."""

    text: str
    is_bold: bool = False


class Proposed(NamedTuple):
    """What waits for another lead: in words, until when, and the page on which it is decided."""

    words: str
    left: Countdown
    url: str


@dataclass
class Case:
    """One request as a person may read it, read once for a page.

    Attributes:
        visit: Whose page.
        request: As the API shows it them.
        newest: The number of the newest event of it that they were told, read before all else: what
            happens from here on is news to the page.
    """

    visit: Visit
    request: Mapping[str, Any]
    newest: int
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Note the time by which the page's clocks run."""
        self.now = self.visit.reader.read_context.now

    @classmethod
    def read(cls, visit: Visit, request_id: str) -> "Case":
        """Read a request.

        Raises:
            NotFoundError: If there is none that they may see.
        """
        newest = request_events.newest_number(visit.reader, request_id)
        request = visit.read(freeze_request_reads.read_request, request_id=request_id)
        return cls(visit, request, newest)

    @property
    def id(self) -> str:
        """The request's id."""
        return str(self.request["id"])

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"/console/requests/{self.id}"

    @property
    def is_ours(self) -> bool:
        """Whether the person's own organisation sent it."""
        return bool(self.request["requester"] == self.visit.actor.partner)

    @property
    def is_live(self) -> bool:
        """Whether it is out and goes on."""
        return bool(self.request["status"] == RequestStatus.ACTIVE)

    @property
    def submitted_at(self) -> datetime | None:
        """When it was submitted."""
        return moment(self.request["submitted_at"])

    @property
    def title(self) -> str:
        """What to call it: its incident's title, or that of whose it is."""
        return str(self.request["incident"]["title"] or f"A request of {self.request['requester']}")

    @cached_property
    def legs(self) -> Sequence[Mapping[str, Any]]:
        """Its legs: all for the requester, their own for a partner asked."""
        page = self.visit.read(freeze_request_reads.list_legs, _ALL_LEGS, request_id=self.id)
        found: Sequence[Mapping[str, Any]] = page["items"]
        return found

    @cached_property
    def partners(self) -> Mapping[str, str]:
        """Whose each leg is, by its id."""
        return {leg["id"]: leg["partner"] for leg in self.legs}

    @cached_property
    def asked(self) -> Mapping[str, str]:
        """How much it asks for, base units by asset, as its author stated."""
        found: Mapping[str, str] = self.visit.read(request_events.read_asked, request_id=self.id)[
            "asked"
        ]
        return found

    @property
    def totals(self) -> Mapping[str, Mapping[str, Any]]:
        """What was answered: over all legs for the requester, their own for a partner asked."""
        found: Mapping[str, Mapping[str, Any]] = self.request.get("totals") or {}
        return found

    @property
    def is_held(self) -> bool:
        """Whether anything is held for it."""
        return any(int(each["held"]) or each["withheld"] for each in self.totals.values())

    @cached_property
    def main_assets(self) -> Sequence[str]:
        """The assets that it is about, those with most held first, then as asked."""
        held = sorted(self.totals, key=lambda asset: -_weight(self.totals[asset]))
        return list(dict.fromkeys([*held, *self.asked]))

    @cached_property
    def drafts(self) -> Sequence[Mapping[str, Any]]:
        """Ready drafts of the next requests: where money moved on."""
        if not self.is_ours:
            return []
        page = self.visit.read(draft_api.list_drafts, _FEW, request_id=self.id)
        found: Sequence[Mapping[str, Any]] = page["items"]
        return found

    @cached_property
    def moved_legs(self) -> frozenset[str]:
        """The legs from which some money moved on, though they did not decline for that."""
        told = {leg["id"] for leg in self.legs if leg["decline_code"] in _MOVED}
        return frozenset(draft["leg_id"] for draft in self.drafts) - told

    @cached_property
    def proposals(self) -> Sequence["Proposed"]:
        """What a lead of theirs proposed, and another is still to decide."""
        if not (self.is_ours and self.is_live):
            return []
        found = []
        for each in self.visit.every(withdrawals.list_withdrawals, request_id=self.id):
            if each["withdrawal_status"] == _PENDING:
                what = "to agree with a dispute" if each["dispute"] else "to let funds go"
                found.append(self._proposed(each, what, "withdrawals"))
        for each in self.visit.every(additions.list_additions, request_id=self.id):
            if each["addition_status"] == _PENDING:
                what = f"to ask {counted(len(each['to']), 'more partner')}"
                found.append(self._proposed(each, what, "additions"))
        return found

    def _proposed(self, said: Mapping[str, Any], what: str, pages: str) -> "Proposed":
        who = self.visit.name_of(said["proposed_by"])
        return Proposed(
            f"{who[:1].upper()}{who[1:]} proposed {what}",
            countdown(said["approve_by"], self.now),
            f"{self.url}/{pages}/{said['id']}",
        )

    def short_sentence(self) -> list[Part]:
        """Return the sums in a sentence, for a list of cases."""
        return _sums(self) if self.is_ours else _own_part(self)

    def amount(self, base_units: str | int, asset: str) -> AmountWords:
        """Return an amount for people."""
        return amount(base_units, asset, self.visit.assets)

    def page(self, tab: str, **values: Any) -> Response:
        """Return one tab of the page.

        Args:
            tab: Its template's name, and the current tab.
            values: What that template shows.
        """
        acts = _acts(self)
        return render.page(
            f"follow/{tab}.html",
            self.visit,
            nav="requests",
            case=self,
            state=states.request_state(self.request),
            sentence=sentence(self),
            tabs=_tabs(self),
            tab=tab,
            acts=[act for act in acts if act.is_main] or acts,
            more=[act for act in acts if not act.is_main] if any(a.is_main for a in acts) else [],
            done=done_words(self.visit),
            **values,
        )


def _weight(totals: Mapping[str, Any]) -> int:
    return int(totals["held"]) or int(totals["found"])


def _tabs(case: Case) -> list[tuple[str, str, str, str | None]]:
    legs = grouped(str(len(case.legs))) if case.is_ours else None
    events = grouped(str(request_events.event_count(case.visit.reader, case.id)))
    addresses = grouped(str(case.request["address_count"]))
    of_drill = [("readiness", f"{case.url}/readiness", "Readiness", None)]
    return [
        ("answers", case.url, "Answers" if case.is_ours else "Your answer", legs),
        ("addresses", f"{case.url}/addresses", "Addresses", addresses),
        ("timeline", f"{case.url}/timeline", "Timeline", events),
        ("money", f"{case.url}/money", "Money", None),
        ("ledger", f"{case.url}/ledger", "Ledger", None),
        ("owed", f"{case.url}/owed", "Owed", None),
        ("documents", f"{case.url}/documents", "Documents", None),
        *(of_drill if case.request["drill"] else ()),
    ]


class Action(NamedTuple):
    """Something that one may do from the page: a button that leads to its form.

    Attributes:
        left: How long there is for it, where a clock runs.
        is_main: It stands first; where there is one, the rest stand behind it in a fold.
    """

    url: str
    word: str
    left: Countdown | None = None
    is_main: bool = False


def _acts(case: Case) -> list[Action]:
    report = [Action(f"{case.url}/readiness", "Readiness report")] if case.request["drill"] else []
    orders = [Action(f"{case.url}/orders", "Orders and claims")] if case.totals else []
    if not case.is_ours:
        answer = [Action(f"{case.url}/answer", "Answer", is_main=True)] if case.is_live else []
        return [*answer, *orders, *report]
    return [*_decide(case), *_go_on(case), *orders, *_end(case), *report]


def _decide(case: Case) -> Iterable[Action]:
    request = case.request
    waits = request["status"] == RequestStatus.SUBMITTED
    if waits or request["provisional"] or request["unratified"]:
        yield Action(f"{case.url}/decide", *_decision(case), is_main=True)


def _decision(case: Case) -> tuple[str, Countdown | None]:
    """Return what a lead decides, and until when; others only see it."""
    request = case.request
    if not case.visit.may(Permission.FREEZE_REQUEST_APPROVE):
        return "See it", None
    if request["status"] == RequestStatus.SUBMITTED:
        return "See and decide", None
    until = request["unratified_until"] if request["unratified"] else request["ratify_by"]
    left = countdown(until, case.now)
    return "Ratify or reject", left if left.until and not left.is_late else None


def _go_on(case: Case) -> Iterable[Action]:
    may = case.visit.may
    if case.drafts and may(Permission.FREEZE_REQUEST_SUBMIT):
        yield Action(f"{case.url}/next", "Follow the money", is_main=True)
    if case.is_live and may(Permission.FREEZE_REQUEST_ADD_PARTNERS):
        yield Action(f"{case.url}/add-partners", "Add partners")
    is_approved = not (case.request["provisional"] or case.request["unratified"])
    if case.is_live and is_approved and may(Permission.GUEST_ASK):
        yield Action(f"{case.url}/guests", "Ask a non-member")
    if case.is_live and case.is_held and may(Permission.HOLD_ASK_EXTENSION):
        yield Action(f"{case.url}/extension", "Hold longer")
    sums = [leg["totals"].values() for leg in case.legs]
    holders = sum(any(int(total["held"]) for total in each) for each in sums)
    if case.is_live and holders > 1 and may(Permission.SAME_FUNDS_MARK):
        yield Action(f"{case.url}/same-funds", "Count once")
    if is_approved:
        yield from _money_back(case, is_held=holders > 0)
    if case.is_live and may(Permission.SUPPORT_RAISE):
        yield Action(f"{case.url}/papers", "Give papers")


def _money_back(case: Case, *, is_held: bool) -> Iterable[Action]:
    may = case.visit.may
    if is_held and may(Permission.RETURN_ASK):
        yield Action(f"{case.url}/returns", "Money back")
    if case.totals and may(Permission.RESTITUTION_CHANGE):
        yield Action("/console/restitutions", "Give to victims")


def _end(case: Case) -> Iterable[Action]:
    may, request = case.visit.may, case.request
    is_waiting = request["status"] == RequestStatus.SUBMITTED
    if (case.is_live and may(Permission.FREEZE_REQUEST_WITHDRAW)) or (
        is_waiting and may(Permission.FREEZE_REQUEST_WITHDRAW_SUBMITTED)
    ):
        yield Action(f"{case.url}/withdraw", "Withdraw\N{HORIZONTAL ELLIPSIS}")
    if case.is_live and may(Permission.FREEZE_REQUEST_CLOSE):
        is_settled = bool(case.totals) and not case.is_held and not any(map(states.owes, case.legs))
        yield Action(f"{case.url}/close", "Close\N{HORIZONTAL ELLIPSIS}", is_main=is_settled)


# ---- the sentence ----------------------------------------------------------------------------


def sentence(case: Case) -> list[Part]:
    """Return the one sentence on which a tired person can act."""
    status = case.request["status"]
    if status == RequestStatus.SUBMITTED:
        return _waiting(case)
    if status in {RequestStatus.REJECTED, RequestStatus.EXPIRED}:
        return _never_out(case)
    if not case.is_ours:
        return [*_own_part(case), *_end_words(case)]
    return [*_sums(case), *_silent(case), *_moved(case), *_end_words(case)]


def _waiting(case: Case) -> list[Part]:
    asked = counted(case.request["address_count"], "address")
    return [
        Part("Nothing went out yet", is_bold=True),
        Part(f": a request about {asked} to {counted(len(case.request['to']), 'partner')} waits "),
        Part("for a lead", is_bold=True),
        Part("."),
    ]


def _never_out(case: Case) -> list[Part]:
    request = case.request
    when = ago(request["ended_at"] or request["decided_at"] or request["submitted_at"], case.now)
    if request["status"] == RequestStatus.EXPIRED:
        return [
            Part("Nobody decided in time", is_bold=True),
            Part(f": it expired {when}, and nothing went out."),
        ]
    last = request["approvals"][-1] if request["approvals"] else None
    by = "A lead" if last is None else case.visit.name_of(last["person"], request["requester"])
    return [
        Part(f"{by[:1].upper()}{by[1:]} rejected this", is_bold=True),
        Part(f" {when}; nothing went out."),
    ]


def _sums(case: Case) -> list[Part]:
    """Say what is held and what came back of the asset of which most is."""
    held = [asset for asset in case.totals if _weight(case.totals[asset])]
    untold = any(total["withheld"] for total in case.totals.values())
    if not held:
        text = "An amount that is not told" if untold else "Nothing"
        return [Part(text, is_bold=True), Part(" is held so far.")]
    asset = case.main_assets[0]
    sums = case.totals[asset]
    of = f" of {case.amount(case.asked[asset], asset).number}" if asset in case.asked else ""
    back = Part(str(case.amount(sums["returned"], asset)), is_bold=True)
    if int(sums["returned"]) and not case.is_held:
        return [back, Part(f"{of} came back; nothing is held any more.")]
    parts = [Part(str(case.amount(sums["held"], asset)), is_bold=True), Part(f"{of} is held")]
    if int(sums["returned"]):
        parts += [
            Part(" and "),
            back,
            Part(" came back"),
        ]
    others = len([each for each in held if each != asset])
    if others:
        parts.append(Part(f"; {counted(others, 'other asset')} beside it"))
    return [*parts, Part(".")]


def _silent(case: Case) -> list[Part]:
    silent = [leg for leg in case.legs if states.is_open(leg)]
    rest = [leg for leg in case.legs if states.owes_rest(leg)]
    if not case.is_live or not (silent or rest):
        return []
    late = [leg for leg in (*silent, *rest) if _LATE & {*leg["flags"]}]
    unreached = [leg for leg in late if states.is_unreached(leg)]
    if silent:
        verb = "has" if len(silent) == 1 else "have"
        parts = [Part(" "), Part(_who(silent), is_bold=True), Part(f" {verb} not answered")]
        if rest:
            parts += [Part(", "), Part(f"{len(rest)} in part", is_bold=True)]
    else:
        verb = "has" if len(rest) == 1 else "have"
        parts = [Part(" "), Part(_who(rest), is_bold=True), Part(f" {verb} answered in part")]
    several = [(len(late) - len(unreached), "late"), (len(unreached), "not reached")]
    said = [f"{count} {word}" for count, word in several if count]
    if said:
        parts += [Part("; "), Part(", ".join(said), is_bold=True)]
    return [*parts, Part(".")]


def _who(legs: Sequence[Mapping[str, Any]]) -> str:
    few = [leg["partner"] for leg in legs]
    return listed(few) if len(few) == 1 else counted(len(few), "partner")


def _moved(case: Case) -> list[Part]:
    moved = [
        leg for leg in case.legs if leg["decline_code"] in _MOVED or leg["id"] in case.moved_legs
    ]
    if not moved:
        return []
    return [Part(" From "), Part(_who(moved), is_bold=True), Part(" money moved on.")]


def _own_part(case: Case) -> list[Part]:
    said = _own_answer(case)
    if case.is_live and states.owes_rest(case.request["leg"]):
        said += [Part(" They wait for "), Part("the rest of your answer", is_bold=True), Part(".")]
    return said


def _own_answer(case: Case) -> list[Part]:
    leg = case.request["leg"]
    requester = case.request["requester"]
    held = [
        str(case.amount(total["held"], asset))
        for asset, total in case.totals.items()
        if int(total["held"])
    ]
    if held:
        return [
            Part("You hold "),
            Part(listed(held), is_bold=True),
            Part(f" for {requester}."),
        ]
    if leg["status"] in {LegStatus.FROZEN, LegStatus.PARTIALLY_FROZEN}:
        return [Part("You hold funds", is_bold=True), Part(f" for {requester}, amount not told.")]
    if states.is_open(leg):
        asked = counted(case.request["address_count"], "address")
        return [
            Part(f"{requester} waits for "),
            Part("your answer", is_bold=True),
            Part(f" about {asked}."),
        ]
    word = states.leg_state(leg, is_own=True).word
    return [Part("Your answer: "), Part(word, is_bold=True), Part(".")]


def _end_words(case: Case) -> list[Part]:
    request = case.request
    if request["status"] not in {RequestStatus.WITHDRAWN, RequestStatus.CLOSED}:
        return []
    when = f" {ago(request['ended_at'], case.now)}" if request["ended_at"] else ""
    if request["status"] == RequestStatus.CLOSED:
        return [Part(" The request was "), Part("closed", is_bold=True), Part(f"{when}.")]
    because = WITHDRAWN_BECAUSE.get(request["withdrawn_reason_code"] or "", "")
    why = f" because {because}" if because else ""
    return [
        Part(" The request was "),
        Part("withdrawn", is_bold=True),
        Part(f"{when}{why}."),
    ]
