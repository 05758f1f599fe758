"""What the freeze ledger is made of: findings, holds, answers, and the lines that changed them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from coordinator.domain.hold import HoldBalance
from holdfast.protocol.vocabulary import DeclineCode, Gateway, HoldBasis, Irregular, LineKind

#: One flagged address and one asset (CAIP-19) of one leg.
Position = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Flagged:
    """What the request states of one address; None: whatever came from it, in any asset."""

    address_no: int
    asset: str | None = None
    amount: int | None = None
    whole_account: bool = False


@dataclass(slots=True)
class Finding:
    """What a leg found for one address and asset, base units; `withheld`: and more, not told.

    `found_usd` is what its effective lines state that to be worth, in cents.
    """

    address_no: int
    asset: str
    found: int = 0
    withheld: bool = False
    found_usd: int = 0


class BookedLine(NamedTuple):
    """One line as the ledger takes it.

    Attributes:
        id: `lin_…`.
        no: Place in the report, from 0: the payload has the texts.
        address_no: None for a `nothing` line, which has `address_nos`.
        amount: Base units; None where withheld, and for lines without an amount.
        withheld: The line is one of amounts, and its amount is not told.
        hold_id: The hold that it opened, tops up, shares, or is about.
        code: Of `nothing` the code, of `released` the reason, of `kept` the basis.
        basis: Of a line that opens a hold, or keeps one.
        address_nos: What a `nothing` line answers, "rest" written out.
        corrects: Of a correction, the line.
        shares: A `frozen` line that links another leg's hold.
        usd: What it states to be worth, in cents; of a line that is loaded to be corrected, as it
            stands.
        worth: Of such a line, what it first stated: (base units, cents).
        irregular: It is true, but not as it should have been.
        gateway: On what ground its amount is told, where one is asked for.
    """

    id: str
    no: int
    kind: LineKind
    address_no: int | None = None
    asset: str | None = None
    amount: int | None = None
    withheld: bool = False
    hold_id: str | None = None
    code: str | None = None
    basis: HoldBasis | None = None
    address_nos: tuple[int, ...] = ()
    corrects: str | None = None
    shares: bool = False
    usd: int | None = None
    worth: tuple[int, int] | None = None
    irregular: Irregular | None = None
    gateway: Gateway | None = None


@dataclass(slots=True)
class LegLedger:
    """One leg's ledger as it stands; `book` reads it and changes nothing.

    Attributes:
        findings: By address and asset, those corrected to 0 too.
        holds: The leg's own holds, by id; voided and unlinked ones too.
        nothing: Addresses that are answered with nothing, and the code.
        shared: Holds of the partner's other legs that this leg shares, and for which address.
        unlinked: Own holds that were kept for another request: they no longer count for this leg.
        other_holds: Holds of the partner's other legs: those shared, and those that a report names.
        withdrawn: Addresses that the requester took back, or never asked about: no answer is
            awaited about them.
        line: Loads one line of this leg by id with its amount as it stands, that is with the latest
            correction applied; None if there is none.
    """

    leg_id: str
    findings: dict[Position, Finding] = field(default_factory=dict)
    holds: dict[str, HoldBalance] = field(default_factory=dict)
    nothing: dict[int, DeclineCode] = field(default_factory=dict)
    shared: dict[str, int] = field(default_factory=dict)
    unlinked: set[str] = field(default_factory=set)
    other_holds: dict[str, HoldBalance] = field(default_factory=dict)
    withdrawn: set[int] = field(default_factory=set)
    line: Callable[[str], BookedLine | None] = lambda _line_id: None

    def linked(self) -> list[tuple[int, HoldBalance]]:
        """Return (address_no, hold) of every hold that counts for the leg, its own or shared."""
        own = [
            (hold.address_no, hold) for hold in self.holds.values() if hold.id not in self.unlinked
        ]
        return own + [(number, self.other_holds[i]) for i, number in self.shared.items()]

    def is_contestable(self, hold_id: str | None) -> bool:
        """Tell whether a dispute about a hold, or about the whole leg (None), is about anything."""
        return any(hold.is_open and hold_id in {None, hold.id} for _, hold in self.linked())

    def spoken_for(self) -> set[int]:
        """Return the addresses that any line speaks of, whatever came of it."""
        return {
            *(address_no for address_no, _ in self.findings),
            *(hold.address_no for hold in self.holds.values()),
            *self.shared.values(),
            *self.nothing,
        }

    def unanswered(self, address_count: int) -> int:
        """Count the addresses of which no line speaks, and that were not taken back."""
        return address_count - len(self.spoken_for() | self.withdrawn)

    def apply(self, booking: "Booking") -> None:
        """Take over what a report changes."""
        self.findings.update(booking.touched_findings)
        for hold_id, hold in booking.touched_holds.items():
            holds = self.holds if hold.leg_id == self.leg_id else self.other_holds
            holds[hold_id] = hold
        for address_no, code in booking.touched_nothing.items():
            if code is None:
                self.nothing.pop(address_no, None)
            else:
                self.nothing[address_no] = code
        self.shared.update(booking.shared)
        for hold_id in booking.unlinked:
            if self.shared.pop(hold_id, None) is None:
                self.unlinked.add(hold_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What an accepted report changes, ready to be stored.

    Attributes:
        lines: In the order of the report.
        touched_holds: Holds as they stand afterwards, the new ones too, and those of other legs
            that a line was about.
        opened: Ids of the new holds.
        touched_findings: Findings as they stand afterwards.
        touched_nothing: Address to code; None: the answer was superseded.
        shared: Holds of other legs that are now linked to this one, and for which address.
        unlinked: Holds whose link to this leg ended.
        voided: Holds that corrections took back whole, with their clocks, obligations and links.
        owing: Holds frozen or reported after the end, which therefore owe an answer at once.
    """

    lines: list[BookedLine]
    touched_holds: dict[str, HoldBalance]
    opened: tuple[str, ...]
    touched_findings: dict[Position, Finding]
    touched_nothing: dict[int, DeclineCode | None]
    shared: dict[str, int]
    unlinked: tuple[str, ...]
    voided: tuple[str, ...]
    owing: tuple[str, ...]
