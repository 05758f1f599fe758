"""`nothing` lines: which addresses a report answers, and that it says nothing else of them."""

from collections.abc import Collection, Mapping
from datetime import datetime

from coordinator.domain.hold import CLOCK_SKEW
from coordinator.domain.ledger_draft import Draft
from coordinator.domain.ledger_state import BookedLine
from holdfast.protocol.payloads import NothingLine, format_time
from holdfast.protocol.vocabulary import DeclineCode, LineKind


def left_at_fault(
    left_at: datetime | None, *, noticed_at: datetime, now: datetime
) -> tuple[str, str] | None:
    """Return (detail, code) of what is wrong with when funds left (`left_after_notice`), or None.

    Args:
        left_at: As the partner states it; None where it states nothing.
        noticed_at: When the notice to this partner was queued.
        now: Present time.
    """
    if left_at is None:
        return None
    if left_at <= noticed_at:
        detail = (
            f"is not after your notice was queued, at {format_time(noticed_at)}: what left before"
            " it is funds_gone"
        )
        return detail, "left_before_notice"
    if left_at > now + CLOCK_SKEW:
        return "lies in the future", "left_in_future"
    return None


class NothingLines:
    """The addresses that one report answers with nothing."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._nothing: dict[int, tuple[int, DeclineCode]] = {}
        self._rest: tuple[int, DeclineCode] | None = None

    def take(self, no: int, line: NothingLine, line_id: str) -> BookedLine:
        """Note one line; "rest" is written out once all lines are known."""
        rules = self._draft.rules
        wrong = left_at_fault(line.left_at, noticed_at=rules.noticed_at, now=rules.now)
        if wrong is not None:
            self._draft.fault(no, "left_at", *wrong)
        numbers: tuple[int, ...] = ()
        if line.address_nos == "rest":
            if self._rest is not None:
                self._draft.fault(no, "address_nos", "is answered twice", "answered_twice")
            self._rest = (no, line.code)
        else:
            numbers = tuple(line.address_nos)
            for at, address_no in enumerate(numbers):
                self._answer(no, f"address_nos/{at}", address_no, line.code)
        return BookedLine(line_id, no, LineKind.NOTHING, code=line.code.value, address_nos=numbers)

    def _answer(self, no: int, member: str, address_no: int, code: DeclineCode) -> None:
        if not self._draft.has_address(no, address_no, member=member):
            return
        if address_no in self._nothing:
            first = self._nothing[address_no][0]
            detail = f"address_no {address_no} is answered by line {first} already"
            self._draft.fault(no, member, detail, "answered_twice")
        self._nothing[address_no] = (no, code)

    def settle(self, named: Collection[int]) -> Mapping[int, tuple[int, ...]]:
        """Write "rest" out and refuse contradictions; return line number to "rest" written out.

        Args:
            named: Addresses that other lines of this report are about.
        """
        written_out: dict[int, tuple[int, ...]] = {}
        if self._rest is not None:
            no, code = self._rest
            # Addresses with any line, before this report or by its other `nothing` lines, and those
            # that the partner was never asked about.
            rules = self._draft.rules
            spoken_for = {
                *self._draft.ledger.spoken_for(),
                *self._nothing,
                *named,
                *rules.left_out,
            }
            count = rules.address_count
            rest = tuple(each for each in range(count) if each not in spoken_for)
            self._nothing.update(dict.fromkeys(rest, (no, code)))
            written_out[no] = rest
        if self._nothing:
            self._refuse_contradictions()
        return written_out

    def codes(self) -> dict[int, DeclineCode]:
        """Return the code of each answered address."""
        return {address_no: code for address_no, (_, code) in self._nothing.items()}

    def _refuse_contradictions(self) -> None:
        draft = self._draft
        findings = {**draft.ledger.findings, **draft.findings}
        busy = {
            *(address_no for (address_no, _), f in findings.items() if f.found or f.withheld),
            *(hold.address_no for hold in draft.own_holds() if not hold.is_void),
            *draft.ledger.shared.values(),
            *draft.shared.values(),
        }
        for address_no in sorted(busy.intersection(self._nothing) - draft.bad_addresses):
            draft.fault(
                self._nothing[address_no][0],
                "address_nos",
                f"something was reported as found or frozen for address_no {address_no}: correct"
                " that to 0 first, or leave the address out",
                "contradiction",
            )
