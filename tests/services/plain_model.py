"""The life cycle and the ledger as docs/life-cycle.md tells them, in plain sums and other words.

One asset, amounts stated. Every `may_…` tells whether an act is to be taken; nothing here raises.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LATE = timedelta(hours=24)
EXPIRY = timedelta(hours=24)
CLOSING = timedelta(days=7)
RATIFYING = timedelta(hours=1)
UNRATIFIED = timedelta(hours=12)
ENDED = ("withdrawn", "closed")
ANSWERED = ("declined", "no_match", "cannot_say")
FINAL = (*ANSWERED, "released", "returned", "withdrawn")
#: Whose word a request rests on, the weakest first, and how many days a voluntary hold may last.
LADDER = {"none": 3, "police_report": 14, "order_applied": 90, "order": 366}
MOVES = ("released", "returned", "seized")


@dataclass(slots=True)
class Request:
    """One request; `number` tells it from the others."""

    number: int
    submitted_at: datetime
    address_count: int
    status: str = "submitted"
    support: str = "none"
    ended_at: datetime | None = None
    withdrawn: dict[int, datetime] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)
    final_since: datetime | None = None
    ratify_by: datetime | None = None
    unratified_until: datetime | None = None

    @property
    def is_settled(self) -> bool:
        """Whether leads approved it, or it is over, or not out."""
        return self.ratify_by is None and self.unratified_until is None


@dataclass(slots=True)
class Leg:
    """One partner's side of one request."""

    partner: str
    request: Request
    word: str | None = None
    open_questions: list[str] = field(default_factory=list)
    disputes: list["Hold | None"] = field(default_factory=list)
    is_irregular: bool = False
    nothing: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Line:
    """One line of amounts, with its amount as it stands."""

    id: str
    leg: Leg
    kind: str
    amount: int
    address_no: int
    hold: "Hold | None" = None


@dataclass(slots=True)
class Hold:
    """One hold; `links` are the requests that it counts for, and under which address."""

    id: str
    leg: Leg
    address_no: int
    frozen_at: datetime
    end: datetime
    basis: str = "voluntary"
    lapsed: bool = False
    reviewed: bool = False
    kept: bool = False
    is_void: bool = False
    irregular: str | None = None
    links: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Claim:
    """What somebody else claims of a hold, as attached on one leg; `amount` None: all of it."""

    id: str
    act_sha256: str
    leg: Leg
    hold: Hold
    amount: int | None
    blocks: str
    is_lifted: bool = False


@dataclass(slots=True)
class Model:
    """All requests, legs, holds and lines."""

    now: datetime
    requests: list[Request] = field(default_factory=list)
    legs: list[Leg] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    is_by_two: bool = False

    # --- sums -----------------------------------------------------------------------------------

    def of_hold(self, hold: Hold, *kinds: str) -> int:
        """Add up the lines of a hold."""
        return sum(x.amount for x in self.lines if x.hold is hold and x.kind in kinds)

    def held(self, hold: Hold) -> int:
        """What is still held."""
        return self.of_hold(hold, "frozen") - self.of_hold(hold, *MOVES)

    def found(self, leg: Leg, address_no: int) -> int:
        """What a leg found for one address."""
        mine = (x for x in self.lines if x.leg is leg and x.address_no == address_no)
        return sum(x.amount for x in mine if x.kind == "found")

    def frozen(self, leg: Leg, address_no: int) -> int:
        """What a leg itself froze for one address, whatever it counts for now."""
        holds = (h for h in self.holds if h.leg is leg and h.address_no == address_no)
        return sum(self.of_hold(h, "frozen") for h in holds)

    def linked(self, leg: Leg) -> list[Hold]:
        """The holds that count for a leg."""
        number = leg.request.number
        return [h for h in self.holds if h.leg.partner == leg.partner and number in h.links]

    def totals(self, legs: list[Leg]) -> dict[str, int]:
        """Sums over distinct holds of some legs, only what is not 0."""
        holds = {h.id: h for leg in legs for h in self.linked(leg)}.values()
        sums: Counter[str] = Counter()
        for hold in holds:
            for kind in ("frozen", *MOVES):
                sums[kind] += self.of_hold(hold, kind)
            sums["held"] += self.held(hold)
        for leg in legs:
            numbers = range(leg.request.address_count)
            sums["found"] += sum(self.found(leg, no) for no in numbers)
        return {name: amount for name, amount in sums.items() if amount}

    # --- statuses -------------------------------------------------------------------------------

    def status(self, leg: Leg) -> str:
        """How a leg shows: the first that fits, money before words."""
        linked = self.linked(leg)
        if any(self.held(hold) for hold in linked):
            frozen: Counter[int] = Counter()
            for hold in linked:
                frozen[hold.links[leg.request.number]] += self.of_hold(hold, "frozen")
            numbers = range(leg.request.address_count)
            short = any(frozen[no] < self.found(leg, no) for no in numbers)
            return "partially_frozen" if short else "frozen"
        if linked:
            gone = any(self.of_hold(hold, "returned", "seized") for hold in linked)
            return "returned" if gone else "released"
        shown = self._reported(leg) if leg.word == "reported" else (leg.word or "queued")
        if leg.request.ended_at is not None and shown not in ANSWERED:
            return "withdrawn"
        return shown

    def _reported(self, leg: Leg) -> str:
        numbers = range(leg.request.address_count)
        gone = {*leg.request.withdrawn, *leg.request.left_out}
        unanswered = set(numbers) - set(leg.nothing) - gone
        if any(self.found(leg, no) for no in numbers) or unanswered:
            return "under_review"
        beyond = set(leg.nothing.values()) - {"no_match"}
        if not beyond:
            return "no_match"
        return "cannot_say" if beyond == {"cannot_say"} else "declined"

    def is_taken_back(self, hold: Hold, request: Request) -> bool:
        """Tell whether a request, or the address of it, was taken back from under a hold."""
        return request.ended_at is not None or hold.links.get(request.number) in request.withdrawn

    def owes(self, leg: Leg) -> bool:
        """Tell whether an answer is owed about any hold of a leg."""
        return any(
            hold.lapsed or (self.is_taken_back(hold, leg.request) and not hold.kept)
            for hold in self.linked(leg)
            if self.held(hold)
        )

    def flags(self, leg: Leg) -> set[str]:
        """What stands beside the status; nobody can answer any more once the request ended."""
        is_asked = bool(leg.open_questions) and leg.request.ended_at is None
        held = {
            "answer_owed": self.owes(leg),
            "info_requested": is_asked,
            "disputed": bool(leg.disputes),
            "contested": self.is_contested(leg),
            "irregular": leg.is_irregular,
        }
        return {flag for flag, holds in held.items() if holds}

    def is_contested(self, leg: Leg) -> bool:
        """Tell whether a leg holds what another partner's customer contests on the same request."""
        number = leg.request.number
        own = {hold.links[number] for hold in self.linked(leg) if self.held(hold)}
        return any(
            hold.links[number] in own
            for other in self.legs
            if other.request is leg.request and other is not leg
            for hold in self.linked(other)
            if self.held(hold) and any(about in (None, hold) for about in other.disputes)
        )

    def is_final(self, request: Request) -> bool:
        """Tell whether nothing is expected of any leg."""
        legs = [leg for leg in self.legs if leg.request is request]
        return all(self.status(leg) in FINAL and not self.owes(leg) for leg in legs)

    # --- what is taken --------------------------------------------------------------------------

    def may_report(self, leg: Leg) -> bool:
        """Lines are taken while the request is active and after its end, whenever it was."""
        return leg.request.status in {"active", *ENDED}

    def may_tell(self, leg: Leg, address_no: int) -> bool:
        """Nobody reports about what the approval left out."""
        return address_no not in leg.request.left_out and self.may_report(leg)

    def mark(
        self, leg: Leg, *numbers: int, frozen_at: datetime | None = None, of: "Hold | None" = None
    ) -> list[str | None]:
        """What is irregular about lines on some addresses; the leg and the hold show it."""
        marks = [self._mark(leg, number, frozen_at) for number in numbers]
        leg.is_irregular = leg.is_irregular or any(marks)
        if of is not None:
            of.irregular = of.irregular or marks[0]
        return marks

    def _mark(self, leg: Leg, address_no: int, frozen_at: datetime | None) -> str | None:
        ends = [leg.request.ended_at, leg.request.withdrawn.get(address_no)]
        known = [end for end in ends if end is not None]
        if frozen_at is not None and any(end <= frozen_at for end in known):
            return "after_end"
        return "late" if known and self.now > min(known) + LATE else None

    def mark_leaving(self, leg: Leg, hold: Hold, kind: str) -> list[str | None]:
        """What is irregular about a line by which something has just left a hold."""
        amounts = [
            self.of_hold(hold, "frozen") if claim.amount is None else claim.amount
            for claim in self.claims
            if claim.hold is hold and claim.leg is leg and claim.blocks == kind
            if not claim.is_lifted
        ]
        mark = "encumbered" if amounts and self.held(hold) < sum(amounts) else None
        leg.is_irregular = leg.is_irregular or mark is not None
        return [mark]

    def may_encumber(self, leg: Leg, hold: Hold) -> bool:
        """A claim is attached to what is held."""
        return hold in self.linked(leg) and self.held(hold) > 0

    def may_move(self, leg: Leg, hold: Hold, amount: int) -> bool:
        """No more leaves a hold than it holds."""
        return hold in self.linked(leg) and amount <= self.held(hold)

    def may_keep(self, leg: Leg, hold: Hold) -> bool:
        """Only what is held and owed is kept."""
        is_past = hold.end <= self.now and not hold.reviewed
        owed = hold.lapsed or is_past or self.is_taken_back(hold, leg.request)
        return hold in self.linked(leg) and self.held(hold) > 0 and owed

    def may_share(self, leg: Leg, hold: Hold, address_no: int) -> bool:
        """A hold that holds something counts for another request, once."""
        is_new = hold not in self.linked(leg) and self.held(hold) > 0
        return is_new and self.may_tell(leg, address_no)

    def may_answer_nothing(self, leg: Leg, address_no: int) -> bool:
        """Nothing is said of an address only where nothing was found, frozen or shared."""
        own = [h for h in self.holds if h.leg is leg and h.address_no == address_no]
        counted = [h for h in self.linked(leg) if h.links[leg.request.number] == address_no]
        busy = [h for h in own if not h.is_void] + counted
        may_tell = self.may_tell(leg, address_no)
        return may_tell and not busy and not self.found(leg, address_no)

    def may_correct(self, line: Line, amount: int) -> bool:
        """A correction leaves every sum as it must be."""
        if line.hold is None:
            rest = self.found(line.leg, line.address_no) - line.amount + amount
            return self.frozen(line.leg, line.address_no) <= rest
        if line.hold.is_void:
            return False
        if line.leg is not line.hold.leg and line.leg.request.number not in line.hold.links:
            return False
        if line.kind != "frozen":
            return amount - line.amount <= self.held(line.hold)
        frozen = self.frozen(line.hold.leg, line.address_no) - line.amount + amount
        return line.amount - amount <= self.held(line.hold) and frozen <= self.found(
            line.hold.leg, line.address_no
        )

    def may_extend(self, leg: Leg, hold: Hold, end: datetime) -> bool:
        """A hold that holds something gets a later end, or another ground."""
        later = hold.basis != "voluntary" or end > hold.end
        borne = self.is_borne(leg, end)
        return hold in self.linked(leg) and self.held(hold) > 0 and later and borne

    def is_borne(self, leg: Leg, end: datetime) -> bool:
        """Tell whether the word behind a request carries a voluntary hold so far."""
        return end <= self.now + timedelta(days=LADDER[leg.request.support])

    def may_raise(self, request: Request, support: str) -> bool:
        """A better word is named while the request lives."""
        rungs = list(LADDER)
        is_higher = rungs.index(support) > rungs.index(request.support)
        return request.status in {"submitted", "active"} and is_higher

    def may_dispute(self, leg: Leg, hold: Hold | None) -> bool:
        """Only what is held is contested; all of a leg only while its request lives."""
        held = [h for h in self.linked(leg) if self.held(h)]
        return hold in held if hold else bool(held) and leg.request.status == "active"

    def may_decide(self, request: Request, *, is_approval: bool) -> bool:
        """Leads decide on what is submitted, and on what went out without them.

        Where letting go takes two, none of them rejects what is out and holds something.
        """
        if request.status == "submitted":
            return True
        return not request.is_settled and (is_approval or not self.takes_two_leads(request, "all"))

    def takes_two_leads(self, request: Request, numbers: list[int] | str) -> bool:
        """Letting go what is held takes two leads, where the policy says so."""
        held = {
            h.links[request.number]
            for h in self.holds
            if self.held(h) and request.number in h.links
        }
        return self.is_by_two and bool(held if numbers == "all" else held & set(numbers))

    def may_approve(self, request: Request, without: list[int]) -> bool:
        """An approval lets at least one address go out, and leaves out none that is gone.

        Where letting go takes two, it leaves out nothing that is held.
        """
        gone = {*request.withdrawn, *without}
        is_new = len(gone) == len(request.withdrawn) + len(without)
        is_enough = is_new and len(gone) < request.address_count
        lets_go = bool(without) and self.takes_two_leads(request, without)
        return self.may_decide(request, is_approval=True) and is_enough and not lets_go

    def may_withdraw_one(self, request: Request, address_no: int) -> bool:
        """An address is taken back that went out, and as long as another is left."""
        gone = {*request.withdrawn, *request.left_out}
        is_left = address_no not in gone and len(gone) + 1 < request.address_count
        return request.status == "active" and is_left

    def may_close(self, request: Request) -> bool:
        """Nothing is closed over funds that are still held, or before leads stand behind it."""
        open_holds = any(request.number in h.links and self.held(h) for h in self.holds)
        return request.status == "active" and request.is_settled and not open_holds

    # --- what changes ---------------------------------------------------------------------------

    def approve(self, request: Request) -> None:
        """Let leads stand behind a request."""
        request.status, request.ratify_by, request.unratified_until = "active", None, None

    def end(self, request: Request, status: str) -> None:
        """End a request; answers given before do not count for it."""
        request.status, request.ended_at = status, self.now
        request.ratify_by, request.unratified_until = None, None
        for hold in self.holds:
            if request.number in hold.links and self.held(hold):
                hold.kept = False

    def take_back(self, request: Request, numbers: list[int]) -> None:
        """Take some addresses back."""
        request.withdrawn.update(dict.fromkeys(numbers, self.now))
        for hold in self.holds:
            if hold.links.get(request.number) in numbers and self.held(hold):
                hold.kept = False

    def share(self, leg: Leg, hold: Hold, address_no: int) -> None:
        """Let a hold count for another request; one that is over is owed an answer of its own."""
        hold.links[leg.request.number] = address_no
        leg.nothing.pop(address_no, None)
        if self.is_taken_back(hold, leg.request):
            hold.kept = False

    def correct(self, line: Line, amount: int) -> None:
        """Put another amount in the place of a line's."""
        line.amount = amount
        if line.kind in {"found", "frozen"} and amount:
            line.leg.nothing.pop(line.address_no, None)
        hold = line.hold
        if hold is not None and not self.of_hold(hold, "frozen"):
            hold.is_void = True
            hold.links.clear()

    def answer(self, leg: Leg, question: str) -> None:
        """Answer a question; a partner that said something else meanwhile is not overruled."""
        leg.open_questions.remove(question)
        if leg.word == "info_requested":
            leg.word = "under_review"

    def step(self, by: timedelta) -> None:
        """Let time pass, and what is due then happen."""
        self.now += by
        for request in self.requests:
            if request.status == "submitted" and request.submitted_at + EXPIRY <= self.now:
                request.status = "expired"
            self._miss_ratification(request)
            since = request.final_since
            is_done = request.status == "active" and request.is_settled and since is not None
            if is_done and since + CLOSING <= self.now:  # type: ignore[operator]
                self.end(request, "closed")
        for hold in self.holds:
            if self.held(hold) and hold.end <= self.now and not hold.reviewed:
                hold.kept = hold.kept and hold.lapsed
                hold.lapsed = True
        self.note_final()

    def _miss_ratification(self, request: Request) -> None:
        if request.unratified_until is not None and request.unratified_until <= self.now:
            self.end(request, "withdrawn")
        elif request.ratify_by is not None and request.ratify_by <= self.now:
            request.ratify_by, request.unratified_until = None, self.now + UNRATIFIED

    def note_moot(self) -> None:
        """Forget disputes about what is not held any more; call it after every act."""
        for leg in self.legs:
            held = [h for h in self.linked(leg) if self.held(h)]
            leg.disputes = [d for d in leg.disputes if (d in held if d else held)]

    def note_final(self) -> None:
        """Note since when nothing is expected of a request's legs; call it after every act."""
        for request in self.requests:
            went_out = any(leg.request is request for leg in self.legs)
            if not went_out or not self.is_final(request):
                request.final_since = None
            elif request.final_since is None:
                request.final_since = self.now
