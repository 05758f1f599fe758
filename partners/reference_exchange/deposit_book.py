"""The books of a small exchange: accounts, deposits, balances, and what is frozen.

Yours look different; what matters is `match` (which of our customers does this concern, both ways)
and that freezing happens here first and is reported afterwards. Amounts are whole base units, kept
as text because wei do not fit into SQLite's integers. Customer references never leave this file.
"""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from holdfast.protocol.chains.chain import Chains, shipped_chains
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.payloads import FlaggedAddress

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deposit_address (
    match_key TEXT PRIMARY KEY, address TEXT NOT NULL, customer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deposit (
    customer TEXT NOT NULL, asset TEXT NOT NULL, amount TEXT NOT NULL,
    sender TEXT NOT NULL, sender_key TEXT NOT NULL, tx TEXT PRIMARY KEY);
CREATE INDEX IF NOT EXISTS deposit_by_sender ON deposit (sender_key);
CREATE TABLE IF NOT EXISTS balance (
    customer TEXT NOT NULL, asset TEXT NOT NULL,
    available TEXT NOT NULL DEFAULT '0', locked TEXT NOT NULL DEFAULT '0',
    frozen TEXT NOT NULL DEFAULT '0', PRIMARY KEY (customer, asset));
CREATE TABLE IF NOT EXISTS freeze (
    request_id TEXT NOT NULL, address_no INTEGER NOT NULL, customer TEXT NOT NULL,
    asset TEXT NOT NULL, found TEXT NOT NULL, amount TEXT NOT NULL, frozen_at TEXT NOT NULL,
    hold TEXT UNIQUE, released TEXT NOT NULL DEFAULT '0', returned TEXT NOT NULL DEFAULT '0',
    PRIMARY KEY (request_id, address_no, customer, asset));
CREATE TABLE IF NOT EXISTS share (
    request_id TEXT NOT NULL, address_no INTEGER NOT NULL, hold TEXT NOT NULL,
    PRIMARY KEY (request_id, address_no, hold));
CREATE TABLE IF NOT EXISTS payout (
    customer TEXT NOT NULL, asset TEXT NOT NULL, service TEXT, account TEXT, tx TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS promise (
    return_request TEXT NOT NULL, hold TEXT NOT NULL, amount TEXT NOT NULL,
    tx TEXT, PRIMARY KEY (return_request, hold));
CREATE TABLE IF NOT EXISTS stray (
    tx TEXT NOT NULL, match_key TEXT NOT NULL, asset TEXT NOT NULL, amount TEXT NOT NULL,
    sender TEXT NOT NULL, is_credited INTEGER NOT NULL, given_to TEXT,
    PRIMARY KEY (tx, match_key));
CREATE TABLE IF NOT EXISTS ruling (
    customer TEXT NOT NULL, asset TEXT NOT NULL, days INTEGER NOT NULL,
    PRIMARY KEY (customer, asset));
"""


@dataclass(frozen=True, slots=True)
class Match:
    """A customer's funds that a flagged address leads to.

    Attributes:
        address_no: Place of the flagged address in the request.
        customer: Our own reference; never reported.
        asset: CAIP-19.
        found: What is here of it now: what came in, as far as it did not leave.
        freezable: The part that is not locked elsewhere (lent, in an open order).
    """

    address_no: int
    customer: str
    asset: str
    found: int
    freezable: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """What we froze for a request, and what became of it."""

    request_id: str
    address_no: int
    customer: str
    asset: str
    found: int
    amount: int
    frozen_at: datetime
    hold: str | None
    released: int
    returned: int

    @property
    def place(self) -> tuple[int, str, str]:
        """What tells it from the request's other freezes."""
        return self.address_no, self.customer, self.asset

    @property
    def held(self) -> int:
        """What is still frozen."""
        return self.amount - self.released - self.returned


@dataclass(frozen=True, slots=True)
class Share:
    """A hold of another request that also answers an address of this one; it counts once."""

    address_no: int
    hold: str


@dataclass(frozen=True, slots=True)
class Payout:
    """Where funds went that left us."""

    service: str | None
    account: str | None
    tx: str


@dataclass(frozen=True, slots=True)
class Stray:
    """A deposit that came to an account of ours by mistake.

    Attributes:
        asset: CAIP-19.
        amount: Base units.
        sender: From which account it came, as the chain shows it (CAIP-10).
        is_credited: Whether a customer was credited with it already.
    """

    asset: str
    amount: int
    sender: str
    is_credited: bool


@dataclass(frozen=True, slots=True)
class Promise:
    """What we promised to send back of one hold, and the transaction once it was sent."""

    hold: str
    amount: int
    tx: str | None


@dataclass(slots=True)
class BookTotals:
    """Sums of one asset, from balances and freezes."""

    frozen: int = 0
    held: int = 0
    released: int = 0
    returned: int = 0


class DepositBook:
    """One exchange's books in one SQLite file; safe for threads.

    Args:
        path: The file; it is made where it is not there.
        chains: The coordinator's table, to compare accounts by; without it, the one that ships.
    """

    def __init__(self, path: Path, chains: Chains | None = None) -> None:
        self._chains = chains or shipped_chains()
        self._lock = threading.RLock()
        self._database = sqlite3.connect(
            path, timeout=10, isolation_level=None, check_same_thread=False
        )
        self._database.row_factory = sqlite3.Row
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def add_deposit_address(self, customer: str, address: str, tag: str | None = None) -> None:
        """Give a customer a deposit address (CAIP-10)."""
        with self._transaction() as database:
            key = comparison_key(address, tag, self._chains)
            database.execute(
                "INSERT INTO deposit_address VALUES (?, ?, ?)", (key, address, customer)
            )

    def record_deposit(self, customer: str, asset: str, amount: int, sender: str, tx: str) -> None:
        """Book a deposit that came from `sender` (CAIP-10)."""
        with self._transaction() as database:
            database.execute(
                "INSERT INTO deposit VALUES (?, ?, ?, ?, ?, ?)",
                (
                    customer,
                    asset,
                    str(amount),
                    sender,
                    comparison_key(sender, None, self._chains),
                    tx,
                ),
            )
            _move(database, customer, asset, _Parts(available=amount))

    def withdraw(
        self, customer: str, asset: str, amount: int, payout: Payout | None = None
    ) -> None:
        """Pay out; raises ValueError where so much is not available."""
        with self._transaction() as database:
            _move(database, customer, asset, _Parts(available=-amount))
            if payout is not None:
                row = (customer, asset, payout.service, payout.account, payout.tx)
                database.execute("INSERT INTO payout VALUES (?, ?, ?, ?, ?)", row)

    def payout(self, customer: str, asset: str) -> Payout | None:
        """Return where a customer's funds went last; None if we do not know."""
        with self._lock:
            row = self._database.execute(
                "SELECT service, account, tx FROM payout WHERE customer = ? AND asset = ?"
                " ORDER BY rowid DESC LIMIT 1",
                (customer, asset),
            ).fetchone()
        return None if row is None else Payout(**row)

    def lock(self, customer: str, asset: str, amount: int) -> None:
        """Bind a part of the balance elsewhere (lent out, in an open order)."""
        with self._transaction() as database:
            _move(database, customer, asset, _Parts(available=-amount, locked=amount))

    def match(
        self, addresses: Mapping[int, FlaggedAddress], *, withdrawn: Collection[int] = ()
    ) -> list[Match]:
        """Return every customer that the flagged addresses lead to, with what is here.

        Both ways: the flagged address is a deposit address of ours, or it sent us a deposit. A
        match with nothing left (`found` 0) is returned, too: it says that the funds are gone.
        The addresses are by their number; those that were `withdrawn` lead to nobody. Over all
        customers no more is found for an address than it asks for: the rest is nobody's business.
        """
        left: dict[tuple[str, str], int] = {}
        free: dict[tuple[str, str], int] = {}
        matches = []
        for number, address in addresses.items():
            if number in withdrawn:
                continue
            asked = None if address.amount is None else int(address.amount)
            for (customer, asset), received in sorted(self._reached(address).items()):
                place = (customer, asset)
                if place not in left:
                    available, locked = self._balance(customer, asset)
                    left[place], free[place] = available + locked, available
                here = min(received, left[place])
                found = here if asked is None else min(here, asked)
                if here and not found:
                    continue
                asked = None if asked is None else asked - found
                freezable = min(found, free[place])
                # What one address accounts for is not counted again under the next.
                left[place] -= found
                free[place] -= freezable
                matches.append(Match(number, customer, asset, found, freezable))
        return matches

    def _reached(self, address: FlaggedAddress) -> dict[tuple[str, str], int]:
        """Return what came through one flagged address, by customer and asset."""
        key = comparison_key(address.account, address.tag, self._chains)
        reached: dict[tuple[str, str], int] = defaultdict(int)
        with self._lock:
            own = self._database.execute(
                "SELECT customer FROM deposit_address WHERE match_key = ?", (key,)
            ).fetchone()
            if own is not None:
                for row in self._database.execute(
                    "SELECT asset, amount FROM deposit WHERE customer = ?", (own["customer"],)
                ):
                    reached[own["customer"], row["asset"]] += int(row["amount"])
            for row in self._database.execute(
                "SELECT customer, asset, amount FROM deposit WHERE sender_key = ?", (key,)
            ):
                if own is None or row["customer"] != own["customer"]:
                    reached[row["customer"], row["asset"]] += int(row["amount"])
        wanted = address.asset
        return {place: amount for place, amount in reached.items() if wanted in {None, place[1]}}

    def _balance(self, customer: str, asset: str) -> tuple[int, int]:
        with self._lock:
            row = self._database.execute(
                "SELECT available, locked FROM balance WHERE customer = ? AND asset = ?",
                (customer, asset),
            ).fetchone()
        return (0, 0) if row is None else (int(row["available"]), int(row["locked"]))

    def freeze(self, request_id: str, matches: Iterable[Match], now: datetime) -> list[Freeze]:
        """Freeze what is freezable, once however often it is asked; return the freezes."""
        with self._transaction() as database:
            known = database.execute(
                "SELECT 1 FROM freeze WHERE request_id = ?", (request_id,)
            ).fetchone()
            for match in () if known else matches:
                _insert_freeze(database, request_id, match, now)
        return self.freezes(request_id)

    def freeze_more(self, request_id: str, match: Match, now: datetime) -> Freeze:
        """Freeze what turned up after the first answer; raises IntegrityError the second time."""
        with self._transaction() as database:
            _insert_freeze(database, request_id, match, now)
        return next(
            f
            for f in self.freezes(request_id)
            if f.place == (match.address_no, match.customer, match.asset)
        )

    def share(self, request_id: str, matches: Iterable[Match]) -> list[Share]:
        """Let open holds on the same funds answer this request, too; return what is shared.

        Like `freeze` it decides once, however often it is asked.
        """
        with self._transaction() as database:
            known = database.execute(
                "SELECT 1 FROM share WHERE request_id = ?", (request_id,)
            ).fetchone()
            for match in () if known else matches:
                for freeze in self.freezes():
                    if (
                        (freeze.customer, freeze.asset) == (match.customer, match.asset)
                        and freeze.request_id != request_id
                        and freeze.hold is not None
                        and freeze.held
                    ):
                        database.execute(
                            "INSERT INTO share VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                            (request_id, match.address_no, freeze.hold),
                        )
            rows = database.execute(
                "SELECT address_no, hold FROM share WHERE request_id = ? ORDER BY 1, 2",
                (request_id,),
            ).fetchall()
        return [Share(row["address_no"], row["hold"]) for row in rows]

    def requests_of(self, hold: str) -> list[str]:
        """Return the requests that a hold answers: the one it was opened on, and sharing ones."""
        with self._lock:
            rows = self._database.execute(
                "SELECT request_id FROM freeze WHERE hold = ?"
                " UNION ALL SELECT DISTINCT request_id FROM share WHERE hold = ?",
                (hold, hold),
            ).fetchall()
        return [row["request_id"] for row in rows]

    def decide_to_keep(self, customer: str, asset: str, days: int) -> None:
        """Note that compliance wants these funds held by own policy, `days` at a time."""
        with self._transaction() as database:
            database.execute(
                "INSERT OR REPLACE INTO ruling VALUES (?, ?, ?)", (customer, asset, days)
            )

    def days_to_keep(self, customer: str, asset: str) -> int | None:
        """Return for how many days compliance wants these funds kept; None: it said nothing."""
        with self._lock:
            row = self._database.execute(
                "SELECT days FROM ruling WHERE customer = ? AND asset = ?", (customer, asset)
            ).fetchone()
        return None if row is None else int(row["days"])

    def freezes(self, request_id: str | None = None) -> list[Freeze]:
        """Return what was frozen, for one request or at all, in the order of the addresses."""
        with self._lock:
            rows = self._database.execute(
                "SELECT * FROM freeze WHERE ? IS NULL OR request_id = ?"
                " ORDER BY request_id, address_no, customer, asset",
                (request_id, request_id),
            ).fetchall()
        return [
            Freeze(
                request_id=row["request_id"],
                address_no=row["address_no"],
                customer=row["customer"],
                asset=row["asset"],
                found=int(row["found"]),
                amount=int(row["amount"]),
                frozen_at=datetime.fromisoformat(row["frozen_at"]),
                hold=row["hold"],
                released=int(row["released"]),
                returned=int(row["returned"]),
            )
            for row in rows
        ]

    def note_hold(self, freeze: Freeze, hold: str) -> None:
        """Remember the hold that reporting a freeze opened."""
        with self._transaction() as database:
            database.execute(
                "UPDATE freeze SET hold = ? WHERE request_id = ? AND address_no = ?"
                " AND customer = ? AND asset = ?",
                (hold, freeze.request_id, freeze.address_no, freeze.customer, freeze.asset),
            )

    def release(self, hold: str) -> Freeze:
        """Give what a hold still holds back to the customer."""
        return self._end(hold, "released")

    def return_funds(self, hold: str) -> Freeze:
        """Pay what a hold still holds out to the victim."""
        return self._end(hold, "returned")

    def freeze_of(self, hold: str) -> Freeze:
        """Return the freeze behind a hold, or raise ValueError."""
        freeze = next((freeze for freeze in self.freezes() if freeze.hold == hold), None)
        if freeze is None:
            raise ValueError(f"we have no hold {hold}")
        return freeze

    def record_stray(self, stray: Stray, account: str, tx: str) -> None:
        """Book what came to `account` by mistake; your node or explorer tells the sender."""
        with self._transaction() as database:
            database.execute(
                "INSERT INTO stray VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (
                    tx.lower(),
                    comparison_key(account, None, self._chains),
                    stray.asset,
                    str(stray.amount),
                    stray.sender,
                    int(stray.is_credited),
                ),
            )

    def stray(self, account: str, tx: str) -> Stray | None:
        """Return what came to `account` by a transaction; None where nothing did."""
        with self._lock:
            row = self._database.execute(
                "SELECT asset, amount, sender, is_credited FROM stray"
                " WHERE tx = ? AND match_key = ?",
                (tx.lower(), comparison_key(account, None, self._chains)),
            ).fetchone()
        if row is None:
            return None
        return Stray(row["asset"], int(row["amount"]), row["sender"], bool(row["is_credited"]))

    def is_same_account(self, one: str, other: str) -> bool:
        """Tell whether two spellings are of one account."""
        return comparison_key(one, None, self._chains) == comparison_key(other, None, self._chains)

    def give_stray(self, account: str, tx: str, to: str) -> bool:
        """Set a stray deposit aside for one who asks; False where another came first."""
        place = (tx.lower(), comparison_key(account, None, self._chains))
        with self._transaction() as database:
            database.execute(
                "UPDATE stray SET given_to = ? WHERE tx = ? AND match_key = ?"
                " AND given_to IS NULL AND is_credited = 0",
                (to, *place),
            )
            row = database.execute(
                "SELECT given_to FROM stray WHERE tx = ? AND match_key = ?", place
            ).fetchone()
        return row is not None and row["given_to"] == to

    def promise(self, return_request: str, amounts: Mapping[str, int]) -> list[Promise]:
        """Set aside what is sent back for a return request, by hold, and return all of it.

        It decides once, however often it is asked, and never on more than a hold still holds less
        what other return requests were promised of it and did not get yet.
        """
        with self._transaction() as database:
            if not self._promises(return_request):
                for hold, amount in amounts.items():
                    share = min(amount, self._unpromised(hold))
                    if share:
                        database.execute(
                            "INSERT INTO promise VALUES (?, ?, ?, NULL)",
                            (return_request, hold, str(share)),
                        )
            return self._promises(return_request)

    def _promises(self, return_request: str) -> list[Promise]:
        rows = self._database.execute(
            "SELECT hold, amount, tx FROM promise WHERE return_request = ? ORDER BY hold",
            (return_request,),
        )
        return [Promise(row["hold"], int(row["amount"]), row["tx"]) for row in rows]

    def promises(self, return_request: str) -> list[Promise]:
        """Return what we promised on a return request, by hold."""
        with self._lock:
            return self._promises(return_request)

    def drop_promise(self, return_request: str) -> None:
        """Set nothing aside any more of what was not sent: it was asked for no longer."""
        with self._transaction() as database:
            database.execute(
                "DELETE FROM promise WHERE return_request = ? AND tx IS NULL", (return_request,)
            )

    def unpromised(self, hold: str) -> int:
        """Return what a hold still holds, less what was promised of it and is not sent yet."""
        with self._lock:
            return self._unpromised(hold)

    def _unpromised(self, hold: str) -> int:
        rows = self._database.execute(
            "SELECT amount FROM promise WHERE hold = ? AND tx IS NULL", (hold,)
        )
        return self.freeze_of(hold).held - sum(int(row["amount"]) for row in rows)

    def send_promised(self, return_request: str, hold: str, tx: str) -> Promise:
        """Pay out what was promised of a hold, once however often it is asked."""
        with self._transaction() as database:
            (promise,) = (each for each in self._promises(return_request) if each.hold == hold)
            if promise.tx is not None:
                return promise
            freeze = self.freeze_of(hold)
            _move(database, freeze.customer, freeze.asset, _Parts(frozen=-promise.amount))
            database.execute(
                "UPDATE freeze SET returned = ? WHERE hold = ?",
                (str(freeze.returned + promise.amount), hold),
            )
            database.execute(
                "UPDATE promise SET tx = ? WHERE return_request = ? AND hold = ?",
                (tx, return_request, hold),
            )
        return Promise(hold, promise.amount, tx)

    def _end(self, hold: str, column: str) -> Freeze:
        freeze = self.freeze_of(hold)
        with self._transaction() as database:
            back = freeze.held if column == "released" else 0
            _move(
                database, freeze.customer, freeze.asset, _Parts(available=back, frozen=-freeze.held)
            )
            total = freeze.held + (freeze.released if column == "released" else freeze.returned)
            database.execute(
                f"UPDATE freeze SET {column} = ? WHERE hold = ?",  # noqa: S608 - one of two words
                (str(total), hold),
            )
        return freeze

    def totals(self) -> dict[str, BookTotals]:
        """Return what the books say, by asset; `held` is taken from the balances."""
        totals: dict[str, BookTotals] = defaultdict(BookTotals)
        for freeze in self.freezes():
            if freeze.amount:
                totals[freeze.asset].frozen += freeze.amount
                totals[freeze.asset].released += freeze.released
                totals[freeze.asset].returned += freeze.returned
        with self._lock:
            for row in self._database.execute("SELECT asset, frozen FROM balance"):
                if int(row["frozen"]):
                    totals[row["asset"]].held += int(row["frozen"])
        return dict(totals)


def _insert_freeze(
    database: sqlite3.Connection, request_id: str, match: Match, now: datetime
) -> None:
    amount = match.freezable
    _move(database, match.customer, match.asset, _Parts(available=-amount, frozen=amount))
    database.execute(
        "INSERT INTO freeze (request_id, address_no, customer, asset, found, amount,"
        " frozen_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            request_id,
            match.address_no,
            match.customer,
            match.asset,
            str(match.found),
            str(amount),
            now.isoformat(),
        ),
    )


class _Parts(NamedTuple):
    """The three parts of a balance, or what is added to each; base units."""

    available: int = 0
    locked: int = 0
    frozen: int = 0


def _move(database: sqlite3.Connection, customer: str, asset: str, by: _Parts) -> None:
    """Add to the three parts of a balance; no part may become negative."""
    database.execute(
        "INSERT INTO balance (customer, asset) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (customer, asset),
    )
    row = database.execute(
        "SELECT available, locked, frozen FROM balance WHERE customer = ? AND asset = ?",
        (customer, asset),
    ).fetchone()
    parts = [int(row[name]) + part for name, part in by._asdict().items()]
    if min(parts) < 0:
        raise ValueError(f"{customer} has not so much {asset}")
    database.execute(
        "UPDATE balance SET available = ?, locked = ?, frozen = ? WHERE customer = ? AND asset = ?",
        (*map(str, parts), customer, asset),
    )
