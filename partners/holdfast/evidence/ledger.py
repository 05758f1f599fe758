"""The freeze ledger, added up again from the reports that partners signed.

Each line that the coordinator shows must be the one at its place in a signed report, and the holds
and totals that it shows must follow from those lines. For ids of lines and holds, and for lines
that were written on another request about a shared hold, there is the coordinator's word alone:
`RecomputedLedger.asserted_holds` names the holds that rest on such lines. Amounts are whole base
units, values whole US cents.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from holdfast.evidence.circumstances import Circumstances, LetGo, SignedExtension
from holdfast.evidence.signed_lines import SignedReport, match_lines
from holdfast.protocol.payloads import (
    CorrectionLine,
    FrozenLine,
    KeptLine,
    ReleasedLine,
    ReportLine,
    ReturnedLine,
    Usd,
)
from holdfast.protocol.views import AssetTotals, HoldView, LegView, LineView, UsdTotals
from holdfast.protocol.vocabulary import HoldBasis, Irregular, KeptBasis, LegStatus, LineKind

_LEFT = (LineKind.RELEASED, LineKind.RETURNED, LineKind.SEIZED)
_SUMS = ("found", "frozen", "held", "released", "returned", "seized")
_IRREGULAR = "irregular"
_UNVALUED = "no value"
Position = tuple[int, str]
V = TypeVar("V", LineView, HoldView)


@dataclass(slots=True)
class _Entry:
    """One amount line as it stands after corrections; `stated` is what it first said."""

    kind: LineKind
    amount: int | None
    cents: int
    stated: tuple[int, int] | None
    reason: str | None = None

    def correct(self, amount: int | None, cents: int | None) -> None:
        self.amount = amount
        if cents is not None:
            self.cents = cents
        elif self.stated is None or amount is None:
            self.cents = 0
        else:
            self.cents = _share(self.stated[1], of=self.stated[0], to=amount)


@dataclass(slots=True)
class _Sums:
    """Amounts of one hold or finding; `nulls` counts the lines that withhold theirs, by kind."""

    entries: dict[str, _Entry] = field(default_factory=dict)

    def units(self, *kinds: LineKind) -> int:
        return sum(each.amount or 0 for each in self.entries.values() if each.kind in kinds)

    def cents(self, kind: LineKind) -> int:
        return sum(each.cents for each in self.entries.values() if each.kind is kind)

    def nulls(self, *kinds: LineKind) -> int:
        return sum(each.amount is None for each in self.entries.values() if each.kind in kinds)


@dataclass(slots=True)
class _Hold(_Sums):
    """A hold as its lines leave it.

    Attributes:
        address_no: Of this request.
        opening: The signed line that opened it; None: it was opened on another request.
        linked: It counts for this request.
        asserted: Lines about it were written on another request.
        terms: Ends and grounds that were set later, with when.
    """

    id: str = ""
    address_no: int = -1
    asset: str = ""
    opening: FrozenLine | None = None
    linked: bool = True
    asserted: bool = False
    account_level: bool = False
    irregular: Irregular | None = None
    terms: list[tuple[datetime, datetime | None, HoldBasis]] = field(default_factory=list)

    @property
    def withheld(self) -> bool:
        return self.nulls(LineKind.FROZEN) > 0

    @property
    def frozen(self) -> int:
        # Of a withheld hold only what left it is known to have been frozen.
        return self.units(*_LEFT) if self.withheld else self.units(LineKind.FROZEN)

    @property
    def held(self) -> int:
        return self.frozen - self.units(*_LEFT)

    @property
    def is_void(self) -> bool:
        return not self.withheld and self.frozen == 0

    @property
    def is_open(self) -> bool:
        return not self.nulls(*_LEFT) if self.withheld else self.held > 0

    def end(self) -> tuple[HoldBasis | None, datetime | None]:
        """Return ground and end as the lines and extensions seen here leave them."""
        terms: tuple[HoldBasis | None, datetime | None] = (None, None)
        if self.opening is not None:
            terms = self.opening.basis, self.opening.ends_at
        for _, later, basis in sorted(self.terms, key=lambda each: each[0]):
            terms = basis, later or terms[1]
        return terms

    def sums(self) -> dict[str, int]:
        """Return what it adds to the totals of its asset."""
        left = {kind.value: self.units(kind) for kind in _LEFT}
        frozen_usd = self.cents(LineKind.FROZEN)
        usd = {f"{kind.value}_usd": self.cents(kind) for kind in (LineKind.FROZEN, *_LEFT)}
        frozen = self.frozen
        held = frozen - sum(left.values())
        usd["held_usd"] = _share(frozen_usd, of=frozen, to=held)
        return {
            **left,
            **usd,
            "frozen": frozen,
            "held": held,
            "withheld": int(self.withheld),
            "unvalued": int(frozen > 0 and not frozen_usd),
        }


@dataclass(slots=True)
class RecomputedLedger:
    """One partner's side of a request, added up.

    Attributes:
        partner: Handle.
        faults: What does not fit, in words.
        asserted_terms: Holds whose end or basis no line or extension seen here states. A shared
            hold may have been extended on the other request.
    """

    partner: str
    faults: list[str] = field(default_factory=list)
    asserted_terms: list[str] = field(default_factory=list)
    _holds: dict[str, _Hold] = field(default_factory=dict)
    _findings: dict[Position, _Sums] = field(default_factory=dict)
    _where: dict[str, _Sums] = field(default_factory=dict)
    _raised: set[str] = field(default_factory=set)

    @property
    def asserted_holds(self) -> list[str]:
        """Holds whose amounts rest on what was written, and signed, on other requests."""
        return [hold.id for hold in self._linked() if hold.asserted]

    def _linked(self) -> Iterator[_Hold]:
        return (each for each in self._holds.values() if each.linked and not each.is_void)

    def holding(self) -> frozenset[str]:
        """Return the holds that count for this request and have anything."""
        return frozenset(hold.id for hold in self._linked() if hold.is_open)

    def totals(self, left_out: Collection[str] = ()) -> dict[str, dict[str, int]]:
        """Return the sums by asset, over the holds that count for this request.

        Of those left out, because others hold the same, what they have stands beside.
        """
        sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for (_, asset), finding in self._findings.items():
            units, cents = finding.units(LineKind.FOUND), finding.cents(LineKind.FOUND)
            sums[asset]["found"] += units
            sums[asset]["found_usd"] += cents
            sums[asset]["unvalued"] += bool(units and not cents)
            sums[asset]["withheld"] += bool(finding.nulls(LineKind.FOUND))
        for hold in self._linked():
            if hold.id in left_out:
                sums[hold.asset]["same_funds"] += hold.held
                sums[hold.asset]["same_frozen"] += hold.frozen
                sums[hold.asset]["same_frozen_usd"] += hold.cents(LineKind.FROZEN)
                continue
            for name, amount in hold.sums().items():
                sums[hold.asset][name] += amount
        return sums

    def money_status(self) -> LegStatus | None:
        """Return the leg's status by what is held; None where nothing was frozen."""
        linked = list(self._linked())
        if not linked:
            return None
        if any(hold.is_open for hold in linked):
            return LegStatus.PARTIALLY_FROZEN if self._is_partly(linked) else LegStatus.FROZEN
        gone = (LineKind.RETURNED, LineKind.SEIZED)
        was_returned = any(hold.units(*gone) or hold.nulls(*gone) for hold in linked)
        return LegStatus.RETURNED if was_returned else LegStatus.RELEASED

    def _is_partly(self, linked: Iterable[_Hold]) -> bool:
        frozen: dict[Position, int] = defaultdict(int)
        withheld: set[Position] = set()
        for hold in linked:
            frozen[hold.address_no, hold.asset] += hold.frozen
            if hold.withheld:
                withheld.add((hold.address_no, hold.asset))
        return any(
            frozen[position] < finding.units(LineKind.FOUND)
            for position, finding in self._findings.items()
            if not finding.nulls(LineKind.FOUND) and position not in withheld
        )

    def take(self, line: LineView, said: ReportLine | None) -> None:
        """Add a line: as signed, or as shown if it was written on another request."""
        if line.kind is LineKind.FOUND:
            finding = self._findings.setdefault((line.address_no or 0, line.asset or ""), _Sums())
            self._add(finding, line)
        elif line.kind is LineKind.CORRECTION:
            self._correct(line, said)
        elif line.kind is not LineKind.NOTHING:
            self._take_about_hold(line, said)

    def let_go(self, line: LineView) -> LetGo | None:
        """Return what a line that was just taken lets leave a hold; None where it does not."""
        hold = self._where.get(line.corrects or line.id)
        if not isinstance(hold, _Hold):
            return None
        entry = hold.entries[line.corrects or line.id]
        is_leaving = line.corrects is None or line.id in self._raised
        if entry.kind not in _LEFT or not is_leaving:
            return None
        return LetGo(entry.kind, entry.reason, None if hold.withheld else hold.held)

    def _add(self, sums: _Sums, line: LineView, reason: str | None = None) -> None:
        units = None if line.amount is None else int(line.amount)
        cents = _cents(line.usd)
        stated = None if cents is None else (units or 0, cents)
        sums.entries[line.id] = _Entry(line.kind, units, cents or 0, stated, reason)
        self._where[line.id] = sums

    def _correct(self, line: LineView, said: ReportLine | None) -> None:
        sums = self._where.get(line.corrects or "")
        if sums is None:
            self.faults.append(f"{line.id} corrects no amount of {self.partner}'s: {line.corrects}")
            return
        if isinstance(sums, _Hold):
            sums.asserted |= said is None
            if said is not None:
                self._require_place(line, sums.address_no, sums.asset)
        units = None if line.amount is None else int(line.amount)
        entry = sums.entries[line.corrects or ""]
        if units is None or entry.amount is None or units > entry.amount:
            self._raised.add(line.id)
        entry.correct(units, _cents(line.usd))
        if isinstance(sums, _Hold) and isinstance(said, CorrectionLine):
            sums.account_level |= said.account_level

    def _take_about_hold(self, line: LineView, said: ReportLine | None) -> None:
        opens = isinstance(said, FrozenLine) and said.hold is None
        if line.hold is None or (opens and line.hold in self._holds):
            self.faults.append(
                f"{line.id} is shown with a hold that cannot be its own: {line.hold}"
            )
            return
        hold = self._hold_of(line, said)
        is_sharing = isinstance(said, FrozenLine) and hold.opening is None
        if said is not None and not is_sharing:
            self._require_place(line, hold.address_no, hold.asset)
        if said is None:
            hold.asserted = True
        if isinstance(said, FrozenLine):
            hold.account_level |= said.account_level
            if is_sharing:
                # It shares what was frozen for another request: no amount of its own.
                hold.linked, hold.address_no = True, said.address_no
                return
            hold.irregular = hold.irregular or line.irregular
        if isinstance(said, KeptLine):
            self._keep(hold, line, said)
        elif line.kind is not LineKind.KEPT:
            reason = said.reason if isinstance(said, ReleasedLine | ReturnedLine) else None
            self._add(hold, line, reason)

    def _require_place(self, line: LineView, address_no: int, asset: str) -> None:
        if (line.address_no, line.asset) != (address_no, asset):
            self.faults.append(
                f"{line.id} is shown for address {line.address_no} and {line.asset}, and what it is"
                f" about is of address {address_no} and {asset}"
            )

    def _hold_of(self, line: LineView, said: ReportLine | None) -> _Hold:
        hold = self._holds.get(line.hold or "")
        if hold is None:
            opening = said if isinstance(said, FrozenLine) and said.hold is None else None
            hold = self._holds[line.hold or ""] = _Hold(
                id=line.hold or "",
                address_no=-1 if line.address_no is None else line.address_no,
                asset=line.asset or "",
                opening=opening,
                asserted=opening is None,
            )
        return hold

    @staticmethod
    def _keep(hold: _Hold, line: LineView, said: KeptLine) -> None:
        if said.basis is KeptBasis.OTHER_REQUEST:
            hold.linked = False
        else:
            basis = HoldBasis(said.basis.value)
            hold.terms.append((line.reported_at, said.hold_expires_at, basis))

    def frozen_at(
        self, line: LineView, said: ReportLine, shared_at: Mapping[str, datetime]
    ) -> datetime | None:
        """Return when what a booked line tells of was frozen.

        A shared hold was frozen when it was opened. None where it was, on another request, and no
        longer counts for this one.
        """
        if isinstance(said, FrozenLine) and said.begins_at is not None:
            return said.begins_at
        hold = self._holds.get(line.hold or "")
        is_own = hold is not None and hold.opening is not None
        return line.reported_at if is_own else shared_at.get(line.hold or "")

    def extend(self, extension: SignedExtension) -> None:
        """Add an extension; one of an unknown hold is ignored."""
        said = extension.payload
        hold = self._holds.get(said.hold)
        if hold is not None:
            hold.terms.append((extension.at, said.hold_expires_at, said.basis))

    def check_rules(self) -> None:
        """Note sums that no honest report could lead to."""
        frozen: dict[Position, int] = defaultdict(int)
        for hold in self._holds.values():
            if hold.held < 0:
                self.faults.append(f"more left {hold.id} than was frozen")
            if hold.opening is not None and not hold.withheld:
                frozen[hold.address_no, hold.asset] += hold.frozen
        for position, units in frozen.items():
            finding = self._findings.get(position, _Sums())
            if units > finding.units(LineKind.FOUND) and not finding.nulls(LineKind.FOUND):
                self.faults.append(
                    f"{self.partner} froze {units} of {position[1]} for address {position[0]},"
                    " more than it found"
                )

    def check_leg(
        self, leg: LegView | None, *, lines: Sequence[LineView], holds: Sequence[HoldView]
    ) -> None:
        """Note everything shown of the leg that does not follow from its lines."""
        if leg is None:
            self.faults.append(f"{self.partner} has no leg, and lines or holds all the same")
            return
        for line in lines:
            if line.leg_id != leg.id:
                self.faults.append(f"{line.id} is shown on another leg than its partner's")
        is_irregular = any(line.irregular for line in lines if not line.shared)
        if is_irregular is not (_IRREGULAR in leg.flags):
            words = "flags" if _IRREGULAR in leg.flags else "does not flag"
            self.faults.append(f"the leg of {self.partner} {words} irregular lines")
        self._check_holds(holds, leg.id)
        where = f"the leg of {self.partner}"
        self.faults += totals_faults(self.totals(), leg.totals, where)

    def _check_holds(self, shown: Sequence[HoldView], leg_id: str) -> None:
        expected = {hold.id: hold for hold in self._linked()}
        for view in shown:
            hold = expected.pop(view.id, None)
            if hold is None:
                self.faults.append(f"{view.id} is shown, and no line opens or shares it")
            else:
                self.faults += _hold_faults(hold, view, leg_id)
                if (view.basis, view.hold_expires_at) != hold.end():
                    self.asserted_terms.append(hold.id)
        self.faults += [f"{hold_id} is not shown, though lines open it" for hold_id in expected]


def add_up(
    reports: Iterable[SignedReport],
    circumstances: Circumstances,
    *,
    lines: Sequence[LineView],
    holds: Sequence[HoldView],
    legs: Sequence[LegView],
) -> dict[str, RecomputedLedger]:
    """Return the ledgers of every partner whose leg, lines or holds are shown, with what is wrong.

    Args:
        reports: Proven ones.
        circumstances: What else happened to the request.
        lines: The ledger as the coordinator shows it, in its order.
        holds: The holds as it shows them.
        legs: The legs that the reader may see, with their totals.
    """
    leg_of = {leg.partner: leg for leg in legs}
    said, faults = match_lines(reports, lines)
    partners = {*leg_of, *faults, *(line.partner for line in lines)}
    partners |= {hold.partner for hold in holds}
    partners |= {extension.partner for extension in circumstances.extensions}
    shared_at = {hold.id: hold.frozen_at for hold in holds if hold.shared}
    ledgers = {name: RecomputedLedger(name, faults.get(name, [])) for name in sorted(partners)}
    for line in lines:
        if line.shared or line.id in said:
            ledgers[line.partner].take(line, said.get(line.id))
        if line.id in said:
            frozen_at = ledgers[line.partner].frozen_at(line, said[line.id], shared_at)
            let_go = ledgers[line.partner].let_go(line)
            ledgers[line.partner].faults += circumstances.faults(
                line, said[line.id], frozen_at, let_go
            )
    for extension in circumstances.extensions:
        ledgers[extension.partner].extend(extension)
    shown = _by_partner(lines), _by_partner(holds)
    for partner, own in ledgers.items():
        own.check_rules()
        own.check_leg(leg_of.get(partner), lines=shown[0][partner], holds=shown[1][partner])
    return ledgers


def _by_partner(views: Iterable[V]) -> dict[str, list[V]]:
    found: dict[str, list[V]] = defaultdict(list)
    for view in views:
        found[view.partner].append(view)
    return found


def _hold_faults(hold: _Hold, view: HoldView, leg_id: str) -> list[str]:
    expected: dict[str, Any] = {
        "leg_id": leg_id,
        "address_no": hold.address_no,
        "asset": hold.asset,
        "frozen": str(hold.frozen),
        "held": str(hold.held),
        **{kind.value: str(hold.units(kind)) for kind in _LEFT},
        "withheld": hold.withheld,
        "shared": hold.opening is None,
    }
    if hold.opening is not None:
        expected |= {
            "frozen_at": hold.opening.begins_at,
            "effective_at": hold.opening.effective_at,
            "account_level": hold.account_level,
            "irregular": hold.irregular,
        }
    return [
        f"{hold.id} shows {name} {_shown(getattr(view, name))}, its lines come to {_shown(value)}"
        for name, value in expected.items()
        if getattr(view, name) != value
    ]


def _shown(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


def totals_faults(
    sums: Mapping[str, Mapping[str, int]], shown: Mapping[str, AssetTotals], where: str
) -> list[str]:
    """Return every sum that is shown and does not follow from the lines."""
    faults = []
    for asset in sorted({*sums, *shown}):
        of, view = _known_once(sums.get(asset, {})), shown.get(asset, AssetTotals())
        usd = view.usd or UsdTotals()
        pairs = [(name, str(of.get(name, 0)), getattr(view, name)) for name in _SUMS]
        pairs += [
            (f"{name} in USD", _dollars(of.get(f"{name}_usd", 0)), getattr(usd, name) or _UNVALUED)
            for name in _SUMS
        ]
        pairs.append(("unvalued", str(of.get("unvalued", 0)), str(view.unvalued)))
        pairs.append(("withheld", str(of.get("withheld", 0)), str(view.withheld)))
        pairs.append(("same funds", str(of.get("same_funds", 0)), view.same_funds or "0"))
        faults += [
            f"{where} shows {said} {name} of {asset}, its lines come to {due}"
            for name, due, said in pairs
            if due != said
        ]
    return faults


def _known_once(sums: Mapping[str, int]) -> Mapping[str, int]:
    """Return sums with what was found less by what holds froze that others have, too."""
    once = {
        found: max(sums.get(found, 0) - sums.get(twice, 0), 0)
        for found, twice in (("found", "same_frozen"), ("found_usd", "same_frozen_usd"))
    }
    return {**sums, **once}


def sum_of(
    ledgers: Iterable[RecomputedLedger], left_out: Collection[str] = ()
) -> dict[str, dict[str, int]]:
    """Return the sums over several partners; no hold belongs to two of them."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for own in ledgers:
        for asset, amounts in own.totals(left_out).items():
            for name, amount in amounts.items():
                sums[asset][name] += amount
    return sums


def _share(cents: int, *, of: int, to: int) -> int:
    return cents * to // of if of else 0


def _cents(usd: Usd | None) -> int | None:
    if usd is None:
        return None
    whole, _, fraction = usd.value.partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0") or "0")


def _dollars(cents: int) -> str:
    """Return dollars, or words where nothing states a value."""
    return _UNVALUED if not cents else f"{cents // 100}.{cents % 100:02}"
