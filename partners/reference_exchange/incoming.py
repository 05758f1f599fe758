"""Deposits as they come in: each is screened before it is credited, and one that is flagged waits.

The wallet announces a deposit here; the screening credits it, or has this one deposit wait for a
person, 24 hours at most. Undecided by then it is credited: nothing is frozen because a list says
so. A set of flags that is too old stops nobody for good, either: what came in meanwhile waits for
the next reading.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from holdfast import (
    Client,
    Deposit,
    FlagsRefusedError,
    HoldfastError,
    ProfileError,
    ProfileStore,
    Screening,
    Verdict,
)
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.payloads import FlaggedAddress, FoundLine, FrozenLine
from holdfast.protocol.views import FreezeReportView
from holdfast.protocol.vocabulary import HoldBasis, LineKind
from reference_exchange.deposit_book import DepositBook
from reference_exchange.untold import report_tellable

_log = logging.getLogger(__name__)
#: Seconds between two looks at what came in, and at the feed. A minute is often enough; the
#: demonstration has no time.
_INTERVAL = 2.0
_LET_IN = frozenset({Verdict.CLEAN, Verdict.BELOW})
_SCHEMA = """
CREATE TABLE IF NOT EXISTS incoming (
    tx TEXT PRIMARY KEY, customer TEXT NOT NULL, asset TEXT NOT NULL, amount TEXT NOT NULL,
    sender TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'new', verdict TEXT,
    request_id TEXT, address_no INTEGER, decide_by REAL);
CREATE INDEX IF NOT EXISTS incoming_by_state ON incoming (state);
"""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A deposit that came in.

    Attributes:
        state: `new`, `held`, `credited` or `frozen`.
        verdict: What the screening said of it, where it is held.
        request_id: The request that flags its sender, where it is held.
        address_no: Of that request.
        decide_by: Until when a person decides, seconds since 1970.
    """

    tx: str
    customer: str
    asset: str
    amount: str
    sender: str
    state: str
    verdict: str | None
    request_id: str | None
    address_no: int | None
    decide_by: float | None


class IncomingDeposits:
    """What came in, in one SQLite file; safe for threads and processes.

    Args:
        path: The file; it is made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(
            path, timeout=10, isolation_level=None, check_same_thread=False
        )
        self._database.row_factory = sqlite3.Row
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def announce(self, customer: str, asset: str, amount: int, sender: str, tx: str) -> None:
        """Have a deposit looked at before it is credited; one that is known is no error."""
        with self._locked() as database:
            database.execute(
                "INSERT INTO incoming (tx, customer, asset, amount, sender) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (tx, customer, asset, str(amount), sender),
            )

    def in_state(self, state: str) -> list[Incoming]:
        """Return the deposits in a state, the first that came first."""
        with self._locked() as database:
            rows = database.execute(
                "SELECT * FROM incoming WHERE state = ? ORDER BY rowid", (state,)
            ).fetchall()
        return [Incoming(**row) for row in rows]

    def hold(self, tx: str, verdict: str, place: tuple[str, int], decide_by: float) -> None:
        """Have a deposit wait for a person."""
        with self._locked() as database:
            database.execute(
                "UPDATE incoming SET state = 'held', verdict = ?, request_id = ?, address_no = ?,"
                " decide_by = ? WHERE tx = ? AND state = 'new'",
                (verdict, *place, decide_by, tx),
            )

    def become(self, tx: str, state: str) -> None:
        """Note what became of a deposit."""
        with self._locked() as database:
            database.execute("UPDATE incoming SET state = ? WHERE tx = ?", (state, tx))

    @contextmanager
    def _locked(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            yield self._database


def open_screening(
    store: ProfileStore, folder: Path, chains: Chains, now: Callable[[], float]
) -> Screening | None:
    """Return the flags of the profile that screens; None: there is none.

    That profile reads flags and nothing else, so that `chains` come from another one.
    """
    try:
        profile = store.load("screening")
    except ProfileError:
        return None
    return Screening.open(Client(profile, now=now), folder, now=now, chains=chains)


def screen(
    incoming: IncomingDeposits,
    book: DepositBook,
    screening: Screening,
    now: Callable[[], float],
    stop: threading.Event,
) -> None:
    """Read flags and look at what comes in until `stop` is set."""
    while not stop.is_set():
        try:
            screening.sync()
            screening.report()
        except FlagsRefusedError as error:
            _log.critical("the flags cannot be trusted, wake a person: %s", error)
        except HoldfastError as error:
            _log.warning("the flags were not read: %s", error)
        look_at(incoming, book, screening, now())
        stop.wait(_INTERVAL)
    screening.close()


def look_at(
    incoming: IncomingDeposits, book: DepositBook, screening: Screening, now: float
) -> None:
    """Credit what is clean, have what is flagged wait, and let in what nobody decided in time."""
    for deposit in incoming.in_state("new"):
        screened = screening.check(
            Deposit(
                sender=deposit.sender,
                asset=deposit.asset,
                amount=int(deposit.amount),
                customer=deposit.customer,
            )
        )
        if screened.verdict in _LET_IN:
            credit(incoming, book, deposit)
        elif screened.verdict is not Verdict.STALE:
            # Of several requests the newest: ids sort by time.
            hit = max((hit for hit in screened.hits if hit.counts), key=lambda hit: hit.request)
            place = hit.request, hit.address_no
            incoming.hold(deposit.tx, screened.verdict, place, screened.decide_by or now)
            _log.warning("%s waits for a person: its sender is flagged", deposit.tx)
    for deposit in incoming.in_state("held"):
        if deposit.decide_by is not None and deposit.decide_by <= now:
            _log.error("%s: nobody decided in time, so it is let in", deposit.tx)
            credit(incoming, book, deposit)


def credit(incoming: IncomingDeposits, book: DepositBook, deposit: Incoming) -> None:
    """Book a deposit as every other one."""
    _book(book, deposit)
    incoming.become(deposit.tx, "credited")


def freeze(
    incoming: IncomingDeposits,
    book: DepositBook,
    deposit: Incoming,
    officer: Client,
    now: datetime,
) -> FreezeReportView:
    """Book a deposit and freeze it at once for the request that flags it, as a person decided.

    It is reported where the leg was final as well: a later credit opens it again.

    Raises:
        ApiError: The coordinator refuses the report; likewise TransportError. It is frozen all the
            same, and may be reported again.
    """
    request = officer.freeze_request(deposit.request_id or "")
    number = deposit.address_no or 0
    _book(book, deposit)
    flagged = FlaggedAddress(account=deposit.sender, asset=deposit.asset)
    matches = book.match({number: flagged})
    match = next(each for each in matches if each.customer == deposit.customer)
    frozen = book.freeze_more(request.id, match, now)
    report = report_tellable(
        officer,
        request,
        [
            FoundLine(
                kind=LineKind.FOUND,
                address_no=number,
                asset=deposit.asset,
                amount=str(frozen.found),
            ),
            FrozenLine(
                kind=LineKind.FROZEN,
                address_no=number,
                asset=deposit.asset,
                amount=str(frozen.amount),
                frozen_at=now,
                hold_expires_at=now + timedelta(hours=request.hold_hours),
                basis=HoldBasis.VOLUNTARY,
            ),
        ],
        f"{deposit.tx}.report",
        freeze_of=book.freeze_of,
    )
    book.note_hold(frozen, report.lines[1].hold or "")
    incoming.become(deposit.tx, "frozen")
    return report


def _book(book: DepositBook, deposit: Incoming) -> None:
    try:
        book.record_deposit(
            deposit.customer, deposit.asset, int(deposit.amount), deposit.sender, deposit.tx
        )
    except sqlite3.IntegrityError:  # booked before we were interrupted
        _log.info("%s is in the book already", deposit.tx)
