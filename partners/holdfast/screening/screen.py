"""Screening deposits: what an exchange asks, and what it is told.

One deposit is looked at by its own address and by its sender, one hop and no farther. What is
flagged waits for a person, this one deposit alone, and nothing else of the customer's.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from threading import Lock

from holdfast.client.client import Client, coordinator_keys
from holdfast.errors import ProfileError
from holdfast.protocol.chains.chain import Chains, shipped_chains
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.flag_views import AppliedFlags, AppliedFlagsView, FlagPage, FlagState
from holdfast.protocol.flags import FlagsHead
from holdfast.protocol.jwk import PublicKey
from holdfast.screening.feed import (
    Expected,
    FlagsRefusedError,
    Known,
    Reading,
    lines_of_page,
    read_pages,
    require_matching,
    what_counts,
)
from holdfast.screening.flag_file import DamagedFileError, FlagFile
from holdfast.screening.flag_set import FlagSet

#: From so long after the head on, what is not flagged is `stale` and no more `clean`.
STALE_AFTER = timedelta(minutes=60)
#: An account that meets so many customers in an hour is being used to have deposits stopped.
DUSTING_CUSTOMERS = 20
_HOUR_SECONDS = 3_600.0
#: Accounts whose customers are counted, those first forgotten that were met longest ago.
_MOST_COUNTED = 100_000
#: How long a deposit may wait for a person.
DECIDE_WITHIN = timedelta(hours=24)
_PAGE = 5_000
#: A file that grew to so many times what it was is read anew.
_GROWN = 4
#: What was said is said again after so long, so that the coordinator sees that we are there.
_SAY_AGAIN_SECONDS = 3_600.0


class Verdict(StrEnum):
    """What is to be done with a deposit."""

    CLEAN = "clean"  # nothing flags it, and the set is of now
    BELOW = "below_minimum"  # flagged, and so small that nobody wants it held
    HOLD = "hold"  # it waits for a person
    REVIEW = "review"  # flagged, but the account meets so many that somebody plays with it
    STALE = "stale"  # nothing known flags it, and too little is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """A deposit that has come in.

    Attributes:
        address: Where to: CAIP-10; None: not looked at.
        tag: Of that address, where it has one.
        sender: Where from: CAIP-10; None: not looked at.
        sender_tag: Of that account, where it has one.
        asset: CAIP-19; None: not known.
        amount: Base units; None: not known.
        customer: Your own reference; it is hashed, kept for an hour in memory, and never told.
    """

    address: str | None = None
    tag: str | None = None
    sender: str | None = None
    sender_tag: str | None = None
    asset: str | None = None
    amount: int | None = None
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A flag that a deposit meets.

    Attributes:
        by: "address" or "sender".
        request: `frq_…`.
        address_no: Of that request.
        state: How the flag stands.
        counts: Whether the deposit is large enough for it.
    """

    by: str
    request: str
    address_no: int
    state: FlagState
    counts: bool


@dataclass(frozen=True, slots=True)
class Screened:
    """What is to be done with a deposit, and why.

    Attributes:
        hits: What flags it.
        is_stale: The set is too old, or its last reading was refused.
        decide_by: Until when a person decides, seconds since 1970; None: nothing waits.
    """

    verdict: Verdict
    hits: Sequence[Hit]
    is_stale: bool
    decide_by: float | None = None


@dataclass(frozen=True, slots=True)
class ScreeningStatus:
    """How a set stands.

    Attributes:
        seq: Number of the head that it has; 0: none yet.
        count: Flags that count now.
        requests: Of how many requests.
        root: Of the head.
        at: When that was made, seconds since 1970; None: never.
        is_stale: What is not flagged is `stale`.
        why: Why it is, for people; empty: it is not.
        hits: Deposits that were flagged since that was last told.
        applied_seq: Up to where the coordinator was told; None: it was not.
    """

    seq: int
    count: int
    requests: int
    root: str
    at: int | None
    is_stale: bool
    why: str
    hits: int
    applied_seq: int | None


class Screening:
    """A partner's flags on this machine, kept in memory and in one encrypted file.

    Safe for threads: deposits are looked at while a reading is under way.

    Args:
        client: Whose profile reads flags: the role `screening` is enough.
        file: Where they are kept.
        chains: The coordinator's table, to compare accounts by.
        now: Wall time, seconds since 1970.
    """

    def __init__(
        self, client: Client, file: FlagFile, chains: Chains, now: Callable[[], float]
    ) -> None:
        self._client, self._file, self._chains, self._now = client, file, chains, now
        self._lock, self._syncing = Lock(), Lock()
        self._flags = FlagSet()
        self._known: dict[str, Known] = {}
        self._head: FlagsHead | None = None
        self._after: str | None = None
        self._refused = ""
        self._started_bytes = 0
        self._hits = 0
        self._said: tuple[int, float] | None = None
        self._customers: OrderedDict[str, dict[int, float]] = OrderedDict()

    @classmethod
    def open(
        cls,
        client: Client,
        folder: Path,
        *,
        now: Callable[[], float] = time.time,
        chains: Chains | None = None,
        is_reader: bool = False,
    ) -> "Screening":
        """Open the set that is kept in a folder; one that is damaged is begun anew.

        Args:
            client: Whose profile reads flags.
            folder: Made where it is not there.
            now: Wall time, seconds since 1970.
            chains: The coordinator's table (`Client.chains` of another profile: what screens may
                not read it), to compare accounts by; by default the one that ships.
            is_reader: Only look, beside a process that keeps it; it cannot be read on then.

        Raises:
            ProfileError: If another process has it, or it cannot be opened.
        """
        profile = client.profile
        file = FlagFile(folder / "flags", profile.key, is_reader=is_reader)
        try:
            screening = cls(client, file, chains or shipped_chains(), now)
            screening._load()
        except BaseException:
            file.close()
            raise
        return screening

    def close(self) -> None:
        """Let another process have the file."""
        self._file.close()

    def sync(self) -> FlagsHead:
        """Read what changed, verify it, and have it count from now on.

        Raises:
            FlagsRefusedError: The feed does not prove what it says. From then on nothing is clean
                until a reading was verified; what was flagged goes on being flagged.
            ApiError: As the coordinator refuses; likewise TransportError. The set ages.
        """
        with self._syncing:
            keys = coordinator_keys(self._client.transport)
            try:
                if self._after is not None and self._file.size_bytes < self._most_bytes():
                    try:
                        return self._read_on(keys, self._after)
                    except FlagsRefusedError as error:
                        if error.code not in {"truncated", "forked"}:
                            raise
                return self._read_on(keys, None)
            except FlagsRefusedError as error:
                self._refused = str(error)
                self._keep_refusal()
                raise

    def report(self) -> AppliedFlagsView | None:
        """Sign up to which head deposits are screened, and tell the coordinator, if that is news.

        Raises:
            ApiError: As the coordinator refuses; likewise TransportError.
        """
        head, now = self._head, self._now()
        if head is None or self._refused:
            return None
        with self._lock:
            hits = self._hits
        is_news = hits or self._said is None or self._said[0] != head.seq
        if not is_news and self._said is not None and now - self._said[1] < _SAY_AGAIN_SECONDS:
            return None
        view = self._client.report_applied_flags(
            AppliedFlags(seq=head.seq, root=head.root, count=head.count, hits=hits)
        )
        with self._lock:
            self._hits -= hits
            self._said = head.seq, now
        return view

    def check(self, deposit: Deposit) -> Screened:
        """Return what is to be done with a deposit. Nothing is frozen by it.

        Raises:
            ValueError: If it has neither address nor sender.
        """
        sides = [
            (by, comparison_key(account, tag, self._chains))
            for by, account, tag in (
                ("address", deposit.address, deposit.tag),
                ("sender", deposit.sender, deposit.sender_tag),
            )
            if account is not None
        ]
        if not sides:
            raise ValueError("a deposit has an address, or a sender, to be looked for")
        now = self._now()
        with self._lock:
            is_stale = bool(self._why_stale(now))
            hits: list[Hit] = []
            review = False
            for by, key in sides:
                found = list(self._hits_of(by, key, deposit, now))
                hits += found
                if any(hit.counts for hit in found):
                    review |= self._is_dusting(key, deposit.customer, now)
            if any(hit.counts for hit in hits):
                self._hits += 1
                verdict = Verdict.REVIEW if review else Verdict.HOLD
                decide_by = now + DECIDE_WITHIN.total_seconds()
                return Screened(verdict, hits, is_stale, decide_by)
        if is_stale:
            return Screened(Verdict.STALE, hits, is_stale)
        return Screened(Verdict.BELOW if hits else Verdict.CLEAN, hits, is_stale)

    def status(self) -> ScreeningStatus:
        """Return how the set stands."""
        now, head = self._now(), self._head
        with self._lock:
            counting = what_counts(self._known, now)
            why = self._why_stale(now)
            return ScreeningStatus(
                seq=0 if head is None else head.seq,
                count=sum(each.count for each in counting.values()),
                requests=len(counting),
                root="" if head is None else head.root,
                at=None if head is None else head.iat,
                is_stale=bool(why),
                why=why,
                hits=self._hits,
                applied_seq=None if self._said is None else self._said[0],
            )

    def _why_stale(self, now: float) -> str:
        if self._refused:
            return f"the last reading was refused: {self._refused}"
        if self._head is None:
            return "no flags were read yet"
        age = now - self._head.iat
        if age > STALE_AFTER.total_seconds():
            return f"the flags are {int(age // 60)} minutes old"
        if age < -STALE_AFTER.total_seconds():
            return "the flags are from the future: a clock is wrong"
        return ""

    def _hits_of(self, by: str, key: str, deposit: Deposit, now: float) -> Iterator[Hit]:
        for flag in self._flags.find(key):
            known = self._known.get(flag.request)
            if known is None or known.expires_at <= now:
                continue
            # In another asset nobody said how much is too little.
            least = flag.min_amount if flag.asset in {None, deposit.asset} else None
            counts = least is None or deposit.amount is None or deposit.amount >= int(least)
            state = known.state_of(flag.address_no)
            yield Hit(by, flag.request, flag.address_no, state, counts)

    def _is_dusting(self, key: str, customer: str | None, now: float) -> bool:
        """Count a customer whom a flagged account met; tell whether they are too many by now."""
        if customer is None:
            return False
        met = self._customers.pop(key, {})
        met = {each: at for each, at in met.items() if now - at < _HOUR_SECONDS}
        if len(met) < DUSTING_CUSTOMERS or hash(customer) in met:
            met[hash(customer)] = now
        else:
            # Which ones does not matter any more; the newest stands for the one met longest ago.
            met.pop(min(met, key=met.__getitem__))
            met[hash(customer)] = now
        self._customers[key] = met
        if len(self._customers) > _MOST_COUNTED:
            self._customers.popitem(last=False)
        return len(met) >= DUSTING_CUSTOMERS

    def _most_bytes(self) -> int:
        return max(self._started_bytes * _GROWN, 1 << 20)

    def _read_on(self, keys: Sequence[PublicKey], after: str | None) -> FlagsHead:
        """Read from a position, or from the start; verify, and have it count."""
        flags = self._flags if after is not None else FlagSet()
        reading = Reading(flags, self._known if after is not None else {})
        if after is None:
            self._file.start_anew()
        try:
            last, head = self._read(reading, keys, after)
            known = what_counts(reading.known(), head.iat)
            require_matching(head, known)
            if after is None:
                self._require_no_fork(head)
            self._file.commit({"after": last.next_after, **asdict(head)})
        except BaseException:
            self._file.roll_back()
            if after is None:
                # The file from before stands where it was.
                self._reopen()
            raise
        with self._lock:
            reading.apply(known)
            for request in flags.requests() - known.keys():
                flags.drop(request)
            self._flags, self._known = flags, known
            self._head, self._after, self._refused = head, last.next_after, ""
        if after is None:
            self._started_bytes = self._file.size_bytes
        return head

    def _read(
        self, reading: Reading, keys: Sequence[PublicKey], after: str | None
    ) -> tuple[FlagPage, FlagsHead]:
        """Read pages into a reading and onto the disk; return the last, and its head."""

        def take(page: FlagPage) -> None:
            lines = list(lines_of_page(page, self._chains))
            for line in lines:
                reading.add(line)
            self._file.write(lines)

        profile = self._client.profile
        expected = Expected(profile.coordinator, profile.handle, keys, self._head)
        last = read_pages(self._client, after, _PAGE, take)
        return last, expected.head(last.head or "", self._now())

    def _keep_refusal(self) -> None:
        """Note on disk that a reading was refused, so that a restart does not forgive it."""
        if self._head is not None and self._after is not None:
            kept = {"after": self._after, "refused": self._refused, **asdict(self._head)}
            self._file.commit(kept)

    def _require_no_fork(self, head: FlagsHead) -> None:
        """Refuse another set under the number of one that was verified.

        Raises:
            FlagsRefusedError: If it is.
        """
        if self._head is None or head.seq != self._head.seq:
            return
        try:
            require_matching(head, what_counts(self._known, head.iat))
        except FlagsRefusedError:
            raise FlagsRefusedError(
                f"two different sets bear the number {head.seq}: show both heads to the operator",
                code="forked",
            ) from None

    def _load(self) -> None:
        """Take over what the file holds; a damaged one is as if it were not there."""
        known = self._known
        reading = Reading(self._flags, known)
        try:
            for lines, head in self._file.read():
                for line in lines:
                    reading.add(line)
                if head is None:
                    continue
                self._after, self._refused = str(head.pop("after")), str(head.pop("refused", ""))
                self._head = FlagsHead(**head)
                known = what_counts(reading.known(), self._head.iat)
                reading.apply(known)
                for request in self._flags.requests() - known.keys():
                    self._flags.drop(request)
                reading = Reading(self._flags, known)
        except (DamagedFileError, FlagsRefusedError, TypeError, KeyError) as error:
            self._flags, self._known = FlagSet(), {}
            self._head, self._after = None, None
            self._refused = f"{error}; the next reading begins anew"
            return
        self._known = known
        self._started_bytes = self._file.size_bytes

    def _reopen(self) -> None:
        """Stand at the end of the file from before, if there is one that can be read."""
        try:
            for _ in self._file.read():
                pass
        except ProfileError:
            self._after = None
