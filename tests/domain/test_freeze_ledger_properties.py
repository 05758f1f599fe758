"""Random reports against a model that keeps nothing but lines and adds them up from the start."""

from collections import defaultdict
from copy import deepcopy
from dataclasses import dataclass, field
from operator import itemgetter

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.domain.errors import LedgerBreachError
from coordinator.domain.freeze_ledger import totals
from coordinator.domain.irregular import Ends
from holdfast.protocol.payloads import ReportLine
from holdfast.protocol.vocabulary import Irregular
from tests.domain.ledger_cases import (
    ETH,
    HOUR,
    NOW,
    USDT,
    Desk,
    correction,
    found,
    frozen,
    nothing,
    released,
    returned,
    seized,
    top_up,
)

ADDRESSES = 3
MOVES = {"released": released, "returned": returned, "seized": seized}
Amount = int | None


@dataclass
class Line:
    """One amount line with its amount as it stands."""

    kind: str
    address_no: int
    asset: str
    amount: Amount
    hold: str | None = None


@dataclass
class Op:
    """A line to be written; `pick` chooses among the holds or lines that there are."""

    kind: str
    pick: int
    address_no: int
    asset: str
    amount: Amount


@dataclass
class Model:
    """All lines ever, by id; every figure is summed anew."""

    lines: dict[str, Line] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)

    def of_hold(self, hold: str) -> tuple[list[Amount], list[Amount]]:
        mine = [line for line in self.lines.values() if line.hold == hold]
        went_in = [line.amount for line in mine if line.kind == "frozen"]
        return went_in, [line.amount for line in mine if line.kind != "frozen"]

    def holds(self) -> list[str]:
        return list(dict.fromkeys(line.hold for line in self.lines.values() if line.hold))

    def place(self, hold: str) -> tuple[int, str]:
        return next(
            (line.address_no, line.asset) for line in self.lines.values() if line.hold == hold
        )

    def is_void(self, hold: str) -> bool:
        went_in, _ = self.of_hold(hold)
        return not any(amount is None or amount > 0 for amount in went_in)

    def holds_add_up(self) -> bool:
        for hold in self.holds():
            went_in, went_out = self.of_hold(hold)
            if None in went_in:
                if any(went_in) or went_in.count(None) > 1 or went_out.count(None) > 1:
                    return False
            elif None in went_out or stated(went_out) > stated(went_in):
                return False
        return True

    def found_covers_frozen(self) -> bool:
        found_at: dict[tuple[int, str], list[Amount]] = defaultdict(list)
        frozen_at: dict[tuple[int, str], int] = defaultdict(int)
        for line in self.lines.values():
            if line.kind == "found":
                found_at[line.address_no, line.asset].append(line.amount)
        for hold in self.holds():
            went_in, _ = self.of_hold(hold)
            if None not in went_in:
                frozen_at[self.place(hold)] += stated(went_in)
        if any(amounts.count(None) > 1 for amounts in found_at.values()):
            return False
        return all(
            None in found_at[place] or stated(found_at[place]) >= total
            for place, total in frozen_at.items()
        )

    def busy(self) -> set[int]:
        """Addresses for which something is found or frozen."""
        there = {
            line.address_no
            for line in self.lines.values()
            if line.kind == "found" and line.amount != 0
        }
        return there | {self.place(hold)[0] for hold in self.holds() if not self.is_void(hold)}

    def sums(self) -> dict[str, dict[str, int]]:
        result: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for line in self.lines.values():
            result[line.asset]["found"] += (line.amount or 0) if line.kind == "found" else 0
            if line.kind in MOVES:
                result[line.asset][line.kind] += line.amount or 0
        for hold in self.holds():
            went_in, went_out = self.of_hold(hold)
            asset = self.place(hold)[1]
            result[asset]["frozen"] += stated(went_out if None in went_in else went_in)
        return result


def stated(amounts: list[Amount]) -> int:
    return sum(amount or 0 for amount in amounts)


class Twin:
    """The ledger and the model beside it."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.desk.rules["address_count"] = ADDRESSES
        self.model = Model()

    def write(self, ops: list[Op]) -> list[tuple[Op, ReportLine, str | None]]:
        """Turn what was drawn into lines about holds and lines that exist; leave out the rest."""
        holds = [hold for hold in self.model.holds() if not self.model.is_void(hold)]
        lines = [
            line_id
            for line_id, line in self.model.lines.items()
            if line.hold is None or not self.model.is_void(line.hold)
        ]
        written: list[tuple[Op, ReportLine, str | None]] = []
        for op in ops:
            if op.kind == "found":
                written.append((op, found(op.address_no, op.amount, op.asset), None))
            elif op.kind == "open":
                written.append((op, frozen(op.address_no, op.amount, op.asset), None))
            elif op.kind == "nothing":
                written.append((op, nothing([op.address_no]), None))
            elif op.kind == "correct" and lines:
                line_id = lines[op.pick % len(lines)]
                amount = op.amount if op.pick % 3 else 0
                written.append((op, correction(line_id, amount), line_id))
            elif op.kind in {"top_up", *MOVES} and holds:
                hold = holds[op.pick % len(holds)]
                if op.kind == "top_up":
                    line = top_up(hold, self.model.place(hold)[0], op.amount)
                else:
                    line = MOVES[op.kind](hold, op.amount)
                written.append((op, line, hold))
        return written

    def expect(  # noqa: C901 - one branch per kind of line
        self, written: list[tuple[Op, ReportLine, str | None]]
    ) -> Model | None:
        """Return the model after the report; None if it must be refused."""
        before, after = self.model, deepcopy(self.model)
        corrected = [about for op, _, about in written if op.kind == "correct"]
        answers = [op.address_no for op, _, _ in written if op.kind == "nothing"]
        if len(set(corrected)) < len(corrected) or len(set(answers)) < len(answers):
            return None
        named = set()
        for at, (op, line, about) in enumerate(written):
            key = f"new {at}"
            if op.kind == "found":
                after.lines[key] = Line("found", op.address_no, op.asset, op.amount)
                named.add(op.address_no)
            elif op.kind == "open":
                after.lines[key] = Line("frozen", op.address_no, op.asset, op.amount, key)
                named.add(op.address_no)
            elif op.kind == "correct":
                target = after.lines[about or ""]
                target.amount = None if line.amount is None else int(line.amount)  # type: ignore[union-attr]
                if target.amount != 0 and target.kind in {"found", "frozen"}:
                    named.add(target.address_no)
            elif about is not None:
                kind = "frozen" if op.kind == "top_up" else op.kind
                after.lines[key] = Line(kind, *before.place(about), op.amount, about)
                if kind == "frozen":
                    named.add(before.place(about)[0])
                elif op.amount is not None and self.was_ended(about, corrected):
                    return None
        after.answered = (after.answered - named) | set(answers)
        fits = (
            after.holds_add_up() and after.found_covers_frozen() and not after.busy() & set(answers)
        )
        return after if fits else None

    def was_ended(self, hold: str, corrected: list[str | None]) -> bool:
        """Tell whether a line without an amount ended the hold, and still stands."""
        return any(
            line.hold == hold and line.kind in MOVES and line.amount is None
            for line_id, line in self.model.lines.items()
            if line_id not in corrected
        )

    def report(self, ops: list[Op]) -> bool:
        """Send one report to both; tell whether it was taken."""
        written = self.write(ops)
        if not written:
            return False
        after = self.expect(written)
        lines = [line for _, line, _ in written]
        if after is None:
            self.desk.refused(*lines)
            return False
        booking = self.desk.report(*lines)
        renamed = {f"new {at}": line.id for at, line in enumerate(booking.lines)}
        opened = {f"new {at}": line.hold_id for at, line in enumerate(booking.lines)}
        for line in after.lines.values():
            line.hold = opened.get(line.hold or "", line.hold)
        after.lines = {renamed.get(key, key): line for key, line in after.lines.items()}
        self.model = after
        return True

    def agrees(self) -> None:
        """Compare every figure."""
        ledger = self.desk.ledger
        sums = totals(ledger.holds.values(), ledger.findings.values())
        expected = self.model.sums()
        assert set(sums) == set(expected)
        for asset, of in sums.items():
            for name in ("found", "frozen", "released", "returned", "seized"):
                assert getattr(of, name) == expected[asset][name], (asset, name)
            assert of.held >= 0
        for hold in ledger.holds.values():
            went_in, went_out = self.model.of_hold(hold.id)
            assert hold.held >= 0
            assert hold.withheld is (None in went_in)
            assert hold.is_void is self.model.is_void(hold.id)
            open_ = None not in went_out if None in went_in else stated(went_in) > stated(went_out)
            assert hold.is_open is open_
        assert set(ledger.nothing) == self.model.answered


AMOUNTS = st.one_of(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.none())
OPS = st.builds(
    Op,
    st.sampled_from(
        ["found", "found", "open", "top_up", "released", "returned", "seized", "correct", "nothing"]
    ),
    st.integers(0, 50),
    st.integers(0, ADDRESSES - 1),
    st.sampled_from([ETH, ETH, USDT]),
    AMOUNTS,
)
REPORTS = st.lists(st.lists(OPS, min_size=1, max_size=4), min_size=1, max_size=12)


@settings(max_examples=100)
@given(REPORTS)
def test_the_ledger_takes_and_refuses_what_adding_up_all_lines_would(
    reports: list[list[Op]],
) -> None:
    twin = Twin()
    for ops in reports:
        twin.report(ops)
        twin.agrees()


@settings(max_examples=50)
@given(REPORTS, st.lists(OPS, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_lines_in_a_report_changes_neither_the_answer_nor_the_sums(
    reports: list[list[Op]], last: list[Op], random: object
) -> None:
    twin = Twin()
    for ops in reports:
        twin.report(ops)
    lines = [line for _, line, _ in twin.write(last)]
    shuffled = list(lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    if not lines:
        return
    outcomes = []
    for order in (lines, shuffled):
        desk = deepcopy(twin.desk)
        try:
            desk.report(*order)
        except LedgerBreachError:
            outcomes.append(["refused"])
            continue
        ledger = desk.ledger
        sums = totals(ledger.holds.values(), ledger.findings.values())
        outcomes.append([*map(repr, sorted(sums.items(), key=itemgetter(0)))])
        outcomes[-1] += [repr(sorted(ledger.nothing)), desk.status().value]
    assert outcomes[0] == outcomes[1]


MOMENTS = st.one_of(st.none(), st.integers(-72, 2).map(lambda hours: NOW + hours * HOUR))
ENDS = st.builds(
    Ends,
    ended_at=MOMENTS,
    withdrawn=st.dictionaries(st.integers(0, ADDRESSES - 1), MOMENTS.filter(bool), max_size=2),
    unratified_at=MOMENTS,
)


@settings(max_examples=100)
@given(REPORTS, ENDS)
def test_no_end_changes_what_is_taken_or_what_it_comes_to(
    reports: list[list[Op]], ends: Ends
) -> None:
    """The ledger never refuses a truth, whatever the clock says."""
    living, ended = Twin(), Twin()
    ended.desk.rules["ends"] = ends
    for ops in reports:
        assert living.report(ops) is ended.report(ops)
        ended.agrees()
    for hold in ended.desk.ledger.holds.values():
        until = ends.freezes_until(hold.address_no)
        if until is not None and hold.frozen_at >= until:
            assert hold.irregular is Irregular.AFTER_END
