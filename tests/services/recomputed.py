"""Everything that is stored about legs, holds and requests, worked out once more from the ground.

Statuses, flags, obligations, sums and counters are written by the act that changes them, on every
leg that it concerns. Here they are computed anew from lines, links, questions and ends alone, so
that a leg that some act forgot shows; and so does a reader of a proposal whom its end forgot.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from coordinator.dispatcher.timers import all_timers
from coordinator.domain.freeze_request import ENDED
from coordinator.domain.ledger_state import LegLedger
from coordinator.domain.leg import FINAL, LegFlag
from coordinator.services.requests.legs import last_act_of, status_now
from coordinator.storage.engine.base import Base
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.reads import read
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.reading import waiting_tasks
from coordinator.storage.reading.waiting_tasks import Wanted
from coordinator.storage.tables.events import EventAudienceRow, EventRow
from coordinator.storage.tables.freeze_ledger import FindingRow, HoldLinkRow, HoldRow, LedgerLineRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow, PackedAccountsRow
from coordinator.storage.tables.life_cycle import (
    DisputeRow,
    InfoRequestRow,
    WithdrawalProposalRow,
    WithdrawnAddressRow,
)
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol.tasks import TaskKind
from holdfast.protocol.vocabulary import EventType, RequestStatus
from tests.rulebook import RULEBOOK
from tests.services.proposals_heard import unheard_ends

B = TypeVar("B", bound=Base)
_MOVES = ("released", "returned", "seized")


@dataclass(slots=True)
class _Stored:
    """The rows that all is computed from."""

    requests: dict[str, FreezeRequestRow]
    legs: list[LegRow]
    holds: dict[str, HoldRow]
    links: list[HoldLinkRow]
    findings: list[FindingRow]
    lines: list[LedgerLineRow]
    withdrawn: set[tuple[str, int]]
    disputes: list[DisputeRow]
    resolved: list[DisputeRow]
    accounts: dict[tuple[str, int], bytes]
    open_questions: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    own_events: Counter[str] = field(default_factory=Counter)
    for_requester: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, connection: Connection) -> "_Stored":
        def rows(row_type: type[B]) -> list[B]:
            return read(connection, select(row_type))

        counted = select(EventRow.leg_id, func.count()).group_by(EventRow.leg_id)
        own = (
            select(EventRow.request_id, func.count())
            .where(
                EventRow.leg_id.is_(None),
                EventRow.request_id.is_not(None),
                # A number would tell the requester of what only others read.
                EventRow.type != EventType.EVIDENCE_SEALED,
            )
            .group_by(EventRow.request_id)
        )
        told = (
            select(EventRow.leg_id, func.count())
            .join(FreezeRequestRow, FreezeRequestRow.id == EventRow.request_id)
            .join(EventAudienceRow, EventAudienceRow.seq == EventRow.seq)
            .where(EventAudienceRow.partner == FreezeRequestRow.requester)
            .group_by(EventRow.leg_id)
        )
        accounts = {
            (row.request_id, row.first_no + at // 16): bytes(row.blind_indexes[at : at + 16])
            for row in rows(PackedAccountsRow)
            for at in range(0, len(row.blind_indexes), 16)
        }
        gone = {(row.request_id, row.address_no) for row in rows(WithdrawnAddressRow)}
        return cls(
            requests={row.id: row for row in read(connection, select(FreezeRequestRow))},
            legs=read(connection, select(LegRow)),
            holds={row.id: row for row in rows(HoldRow)},
            links=rows(HoldLinkRow),
            findings=rows(FindingRow),
            lines=rows(LedgerLineRow),
            withdrawn=gone,
            accounts=accounts,
            disputes=[row for row in rows(DisputeRow) if row.resolved_at is None],
            resolved=[row for row in rows(DisputeRow) if row.resolved_at is not None],
            open_questions=Counter(x.leg_id for x in rows(InfoRequestRow) if x.answered_at is None),
            events=Counter({str(row[0]): row[1] for row in connection.execute(counted)}),
            for_requester=Counter({str(row[0]): row[1] for row in connection.execute(told)}),
            own_events=Counter({str(row[0]): row[1] for row in connection.execute(own)}),
        )

    def next_of(self, leg: LegRow, column: str) -> datetime | None:
        """Return the first of a time of the open holds that count for the leg and did not lapse."""
        counting = [self.holds[link.hold_id] for link in self.links if link.leg_id == leg.id]
        times = [getattr(hold, column) for hold in counting if not hold.ended and not hold.lapsed]
        return min((time for time in times if time is not None), default=None)

    def is_taken_back(self, link: HoldLinkRow) -> bool:
        """Tell whether the request of a link, or its address there, was taken back."""
        request, hold = self.requests[link.request_id], self.holds[link.hold_id]
        if request.status in ENDED or (link.request_id, link.address_no) in self.withdrawn:
            return True
        return request.unratified_at is not None and (
            hold.frozen_at >= request.unratified_at
            or (hold.irregular == "after_end" and not link.is_shared)
        )

    def contested(self) -> dict[str, set[int]]:
        """Return by leg what it holds and another disputes, or what is to be withdrawn."""
        held = [link for link in self.links if not self.holds[link.hold_id].ended]
        disputed = {
            (link.request_id, self.accounts[link.request_id, link.address_no], link.leg_id)
            for link in held
            for dispute in self.disputes
            if dispute.leg_id == link.leg_id and dispute.hold_id in {None, link.hold_id}
        }
        found = [
            link
            for link in held
            for request_id, account, leg_id in disputed
            if request_id == link.request_id
            and account == self.accounts[link.request_id, link.address_no]
            and leg_id != link.leg_id
        ] + [
            link
            for link in held
            for dispute in self.resolved
            if dispute.request_id == link.request_id
            and link.address_no in self.to_withdraw(dispute)
        ]
        by_leg: dict[str, set[int]] = defaultdict(set)
        for link in found:
            by_leg[link.leg_id].add(link.address_no)
        return by_leg

    def to_withdraw(self, dispute: DisputeRow) -> list[int]:
        """Return the addresses of what a dispute was upheld about that are held, not withdrawn."""
        request_id = dispute.request_id
        if self.requests[request_id].status != RequestStatus.ACTIVE:
            return []
        wrong = {self.accounts[request_id, number] for number in dispute.upheld_addresses or ()}
        numbers = {
            link.address_no
            for link in self.links
            if link.request_id == request_id and not self.holds[link.hold_id].ended
        }
        return sorted(
            number
            for number in numbers
            if self.accounts[request_id, number] in wrong
            and (request_id, number) not in self.withdrawn
        )

    def owing(self) -> tuple[set[str], set[str]]:
        """Return the holds about which an answer is owed, and the legs that owe one."""
        holds: set[str] = set()
        legs: set[str] = set()
        for link in self.links:
            hold = self.holds[link.hold_id]
            if self.requests[link.request_id].erased_at is not None:
                continue  # nobody can answer there
            unanswered = hold.kept is None and self.is_taken_back(link)
            if not hold.ended and (hold.lapsed or unanswered):
                holds.add(hold.id)
                legs.add(link.leg_id)
        return holds, legs


def faults(database: Database) -> list[str]:
    """Return what is stored otherwise than it follows from the rest, in words; of all requests."""
    with database.engine.connect() as connection:
        stored = _Stored.read(connection)
        holds, legs = stored.owing()
        return [
            *_of_legs(connection, stored, legs, stored.contested()),
            *_of_disputes(stored),
            *_of_holds(stored, holds),
            *_of_findings(stored),
            *_of_requests(stored, legs),
            *_of_clocks(connection, stored),
            *unheard_ends(connection),
        ]


def _of_legs(
    connection: Connection,
    stored: _Stored,
    owing: set[str],
    contested: Mapping[str, set[int]],
) -> Iterator[str]:
    for leg in stored.legs:
        request = stored.requests[leg.request_id]
        ledger = ledger_store.load_leg(connection, leg)
        is_over = request.status in ENDED
        status = status_now(ledger, request, last_act=last_act_of(leg), ended=is_over)
        expected = {
            "status": status.value,
            "ended": is_over,
            "owes_answer": leg.id in owing,
            "hold_ends_at": stored.next_of(leg, "hold_expires_at"),
            "account_review_at": stored.next_of(leg, "review_at"),
            "flags": _flags(stored, leg, owing, set(contested)),
            "contested_nos": sorted(contested.get(leg.id, ())) or None,
            "event_sequence": stored.events[leg.id],
            "requester_sequence": stored.for_requester[leg.id],
        }
        yield from _differences(f"{leg.partner} on {leg.request_id}", leg, expected)
        if (leg.owed_since is not None) != leg.owes_answer:
            yield f"{leg.partner} on {leg.request_id} owes an answer since {leg.owed_since}"
        is_unreached = leg.unreached_for == request.requester and leg.unreached_at is not None
        if is_unreached != (LegFlag.UNDELIVERABLE in leg.flags and not is_over):
            yield f"{leg.partner} on {leg.request_id} is unreached for {leg.unreached_for}"
        if not is_over:
            yield from _of_clock(stored, leg, request, ledger)


def _of_clock(
    stored: _Stored, leg: LegRow, request: FreezeRequestRow, ledger: LegLedger
) -> Iterator[str]:
    of = f"the clock of {leg.partner} on {leg.request_id}"
    spoken_for = {line.address_no for line in stored.lines if line.leg_id == leg.id}
    spoken_for |= {link.address_no for link in stored.links if link.leg_id == leg.id}
    spoken_for |= {*ledger.nothing, *(n for r, n in stored.withdrawn if r == request.id)}
    is_declined = leg.last_act in {"decline", "cannot_say"}
    is_answered = is_declined or len(spoken_for - {None}) == request.address_count
    if is_answered and leg.answered_at is None:
        yield f"{of} runs, and every address has its answer"
    waits = stored.open_questions[leg.id] > 0 or request.unratified_until is not None
    if leg.clock_paused_at is not None and (not waits or leg.answered_at is not None):
        yield f"{of} stands, and nobody waits"


def _flags(stored: _Stored, leg: LegRow, owing: set[str], contested: set[str]) -> list[str]:
    is_flagged = {
        LegFlag.OVERDUE: (
            leg.overdue_at is not None and leg.acknowledged_at is None and not leg.ended
        ),
        LegFlag.UNANSWERED: (
            leg.unanswered_at is not None and leg.answered_at is None and not leg.ended
        ),
        # That its notice was given up is kept nowhere else; arrived it is no longer.
        LegFlag.UNDELIVERABLE: LegFlag.UNDELIVERABLE in leg.flags and leg.delivered_at is None,
        LegFlag.DISPUTED: any(x.leg_id == leg.id for x in stored.disputes),
        LegFlag.CONTESTED: leg.id in contested,
        LegFlag.INFO_REQUESTED: stored.open_questions[leg.id] > 0 and not leg.ended,
        LegFlag.ANSWER_OWED: leg.id in owing,
        LegFlag.IRREGULAR: any(x.leg_id == leg.id and x.irregular for x in stored.lines),
    }
    return [flag.value for flag in LegFlag if is_flagged[flag]]


def _of_disputes(stored: _Stored) -> Iterator[str]:
    held = {(x.leg_id, x.hold_id) for x in stored.links if not stored.holds[x.hold_id].ended}
    for dispute in stored.disputes:
        about = {hold_id for leg_id, hold_id in held if leg_id == dispute.leg_id}
        if not (about if dispute.hold_id is None else dispute.hold_id in about):
            yield f"dispute {dispute.id} is about nothing that is held"
    for dispute in stored.resolved:
        expected = stored.to_withdraw(dispute)
        if (dispute.to_withdraw or []) != expected:
            yield f"dispute {dispute.id}: {dispute.to_withdraw} waits, and should be {expected}"
        if (dispute.withdraw_since is not None) != bool(expected):
            yield f"dispute {dispute.id} waits for a withdrawal since {dispute.withdraw_since}"


def _of_holds(stored: _Stored, owing: set[str]) -> Iterator[str]:
    linked = {link.hold_id for link in stored.links}
    sums = _sums(stored)
    for hold in stored.holds.values():
        of = sums[hold.id]
        expected: dict[str, Any] = {}
        if not hold.withheld:
            expected = {kind: of[kind] for kind in ("frozen", *_MOVES)}
            expected["ended"] = of["frozen"] == sum(of[kind] for kind in _MOVES)
        yield from _differences(f"hold {hold.id}", hold, expected)
        owes = hold.id in owing
        if (hold.owed_since is not None, hold.next_reminder_at is not None) != (owes, owes):
            yield f"hold {hold.id} owes an answer: {owes}, but is recalled otherwise"
        runs = hold.next_clock_at is not None
        may_stand = hold.reviewed or hold.basis == "legal_order"
        if runs > (not hold.ended and not hold.lapsed) or (
            not runs and not hold.ended and not hold.lapsed and not may_stand
        ):
            yield f"hold {hold.id} has a clock that runs: {runs}"
        if hold.id in linked and not hold.withheld and not hold.frozen:
            yield f"hold {hold.id} was taken back by a correction and still counts"


def _sums(stored: _Stored) -> dict[str, Counter[str]]:
    """Add up the lines of every hold by kind, each with its latest amount."""
    sums: dict[str, Counter[str]] = {hold_id: Counter() for hold_id in stored.holds}
    for line, amount in _effective(stored):
        if line.hold_id is not None and line.kind in {"frozen", *_MOVES}:
            sums[line.hold_id][line.kind] += amount
    return sums


def _of_findings(stored: _Stored) -> Iterator[str]:
    sums: Counter[tuple[str, int, str]] = Counter()
    for line, amount in _effective(stored):
        if line.kind == "found" and line.address_no is not None and line.asset is not None:
            sums[line.leg_id, line.address_no, line.asset] += amount
    for row in stored.findings:
        expected = {"found": sums[row.leg_id, row.address_no, row.asset]}
        yield from _differences(f"finding of {row.leg_id}", row, expected)


def _effective(stored: _Stored) -> Iterator[tuple[LedgerLineRow, int]]:
    latest: dict[str, int] = {}
    for line in sorted(stored.lines, key=lambda each: each.id):
        if line.corrects is not None:
            latest[line.corrects] = line.amount or 0
    for line in stored.lines:
        yield line, latest.get(line.id, line.amount or 0)


def _of_requests(stored: _Stored, owing: set[str]) -> Iterator[str]:
    by_request: dict[str, list[LegRow]] = {request_id: [] for request_id in stored.requests}
    for leg in stored.legs:
        by_request[leg.request_id].append(leg)
    for request in stored.requests.values():
        legs = by_request[request.id]
        went_out = request.status in {RequestStatus.ACTIVE, *ENDED} and bool(legs)
        is_final = all(leg.status in FINAL and leg.id not in owing for leg in legs)
        if (request.final_since is not None) != (went_out and is_final):
            yield f"{request.id} is final: {went_out and is_final}, since {request.final_since}"
        expected = {
            "event_sequence": stored.own_events[request.id],
            "contested": any(dispute.request_id == request.id for dispute in stored.disputes)
            or (
                request.status == RequestStatus.ACTIVE
                and any(x.request_id == request.id and x.upheld_addresses for x in stored.resolved)
            ),
        }
        yield from _differences(request.id, request, expected)
        if len(legs) > request.partners_asked:
            yield f"{request.id} has {len(legs)} legs, and asked {request.partners_asked}"


#: Timers of which nobody has to do anything before they fire.
NOBODYS = frozenset(
    {"close_after", "retention", "sealed_retention", "names_retention", "suspension"}
)
#: All that ever waits, and nothing that has passed; then all that comes near its end one day.
_MOMENTS = (datetime(1990, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
_ALL = 100_000


def _of_clocks(connection: Connection, stored: _Stored) -> Iterator[str]:
    """Yield every clock that runs, and stands in nobody's list of what waits."""
    running = {
        (timer.name, item)
        for timer in all_timers(RULEBOOK.policies)
        if timer.name not in NOBODYS
        for item in timer.find(connection, _MOMENTS[1], _ALL)
    }
    if not running:
        return
    named = _named_by_tasks(connection)
    named |= {link.hold_id for link in stored.links if link.leg_id in named}
    for name, item in sorted(running):
        if item.partition("/")[0] not in named:
            yield f"the clock {name} of {item} runs, and nobody is told that it waits"


def _named_by_tasks(connection: Connection) -> set[str]:
    """Return the ids of all that somebody's tasks are about; of proposals, their disputes', too."""
    named: set[str] = set()
    for handle in connection.execute(select(PartnerRow.handle)).scalars().all():
        for now in _MOMENTS:
            wanted = Wanted(
                partner=handle, now=now, policies=RULEBOOK.policies, kinds=frozenset(TaskKind)
            )
            for each in waiting_tasks.page(connection, wanted, limit=_ALL):
                named.add(each.task.ids[-1])
    disputes = select(WithdrawalProposalRow.dispute_id).where(WithdrawalProposalRow.id.in_(named))
    named.update(filter(None, connection.execute(disputes).scalars()))
    return named


def _differences(of: str, row: Base, expected: dict[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        stored = getattr(row, name)
        if stored != value:
            yield f"{of}: {name} is {stored}, and should be {value}"
