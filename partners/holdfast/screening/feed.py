"""Reading the feed of flags: what pages say, what of it is verified, and when it is refused.

Nothing that a page says counts before the head that ends the reading was verified:

1. the coordinator's key signed it, for this partner and at this coordinator;
2. it is of now: not from the future, not handed out again, not older than the last one;
3. count and root are those of what was read, computed here.

What does not match is read once more from the start, for a reader may have missed what nobody
meant to hide; then it is refused.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from holdfast.errors import UntrustedEvidenceError, ValidationError
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.flag_views import FlagPage, FlagState, FlagView
from holdfast.protocol.flags import FlaggedRequest, FlagsHead, flags_root, line_leaf, verify_head
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.payloads import format_time, parse_time
from holdfast.screening.flag_set import FlagSet, RequestLines

#: A head that was signed longer ago than this, or later than now, was not made for us just now.
MAX_SKEW_SECONDS = 300
#: Pages of one reading; a feed that goes on for ever is refused.
_MOST_PAGES = 20_000


class FlagsRefusedError(UntrustedEvidenceError):
    """The feed of flags does not prove what it says; until it does, nothing is clean.

    `code` is `bad_head`, `other_partner`, `other_coordinator`, `not_now`, `went_back`, `forked`,
    `truncated` or `no_end`.
    """


class Line(NamedTuple):
    """One entry of the feed, as it is kept; without a key it is gone.

    Attributes:
        request: `frq_…`.
        number: `address_no`; None: all of the request is gone.
        state: See `FlagState`.
        expires_at: As the feed spells it.
        key: What accounts are compared by.
        asset: CAIP-19, or None.
        min_amount: Base units, or None.
        reason: Why it is gone.
        leaf: What stands for it in its request's hash, as hex.
    """

    request: str
    number: int | None
    state: str
    expires_at: str = ""
    key: str = ""
    asset: str | None = None
    min_amount: str | None = None
    reason: str | None = None
    leaf: str = ""


def line_of(flag: FlagView, chains: Chains) -> Line:
    """Return an entry as it is kept.

    Raises:
        FlagsRefusedError: If it has not what an entry of its state has.
    """
    number, state = flag.address_no, flag.state
    if number is None:
        if state is not FlagState.GONE:
            raise _malformed(flag)
        return Line(flag.request, None, state.value, reason=flag.reason_code)
    expires_at = "" if flag.expires_at is None else format_time(flag.expires_at)
    if not expires_at:
        raise _malformed(flag)
    if state is FlagState.GONE:
        if flag.leaf is None:
            raise _malformed(flag)
        reason = flag.reason_code or ""
        return Line(flag.request, number, state.value, expires_at, reason=reason, leaf=flag.leaf)
    if flag.account is None:
        raise _malformed(flag)
    leaf = line_leaf(number, flag.account, flag.asset, flag.min_amount).hex()
    account, _, tag = flag.account.partition("?tag=")
    key = comparison_key(account, tag or None, chains)
    return Line(
        flag.request,
        number,
        state.value,
        expires_at,
        key,
        flag.asset,
        flag.min_amount,
        leaf=leaf,
    )


def _malformed(flag: FlagView) -> FlagsRefusedError:
    where = f"{flag.request}, address {flag.address_no}"
    return FlagsRefusedError(f"the feed has a malformed flag: {where}", code="truncated")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a request whose flags count.

    Attributes:
        leaf: Its entry in the tree of the head.
        count: How many flags it has.
        expires_at: Until when, seconds since 1970.
        is_provisional: Nobody's approval stands behind it yet.
        contested: Addresses that a customer contests.
    """

    leaf: bytes
    count: int
    expires_at: float
    is_provisional: bool
    contested: frozenset[int]

    def state_of(self, number: int) -> FlagState:
        """Return how one of its flags stands."""
        if number in self.contested:
            return FlagState.CONTESTED
        return FlagState.PROVISIONAL if self.is_provisional else FlagState.ACTIVE


@dataclass(slots=True)
class _Staged:
    """A request as a reading under way has it so far."""

    expires_at: str
    digest: Any = field(default_factory=sha256)
    last: int = -1
    line_count: int = 0
    is_provisional: bool = False
    gone: dict[int, str] = field(default_factory=dict)
    contested: list[int] = field(default_factory=list)
    lines: RequestLines = field(default_factory=RequestLines)

    def known(self, request: str) -> Known:
        flagged = FlaggedRequest(
            request=request,
            state=FlagState.PROVISIONAL if self.is_provisional else FlagState.ACTIVE,
            expires_at=self.expires_at,
            lines_sha256=self.digest.hexdigest(),
            line_count=self.line_count,
            gone=self.gone,
            contested=self.contested,
        )
        return Known(
            flagged.leaf(),
            flagged.count,
            parse_time(self.expires_at).timestamp(),
            self.is_provisional,
            frozenset(self.contested),
        )


class Reading:
    """A reading under way: what it would change of a set, once its head is verified."""

    def __init__(self, flags: FlagSet) -> None:
        self._flags = flags
        self._staged: dict[str, _Staged] = {}
        self._gone: set[str] = set()

    def add(self, line: Line) -> None:
        """Take an entry; of a request that is told anew, what was told before is forgotten."""
        if line.number is None:
            self._staged.pop(line.request, None)
            self._gone.add(line.request)
            return
        staged = self._staged.get(line.request)
        if staged is None or line.number <= staged.last:
            self._gone.discard(line.request)
            staged = self._staged[line.request] = _Staged(line.expires_at)
        staged.expires_at = line.expires_at
        staged.last = line.number
        staged.line_count += 1
        staged.digest.update(bytes.fromhex(line.leaf))
        if line.state == FlagState.GONE:
            staged.gone[line.number] = line.reason or ""
            return
        if line.state == FlagState.CONTESTED:
            staged.contested.append(line.number)
        elif line.state == FlagState.PROVISIONAL:
            staged.is_provisional = True
        terms = self._flags.place_of(line.asset, line.min_amount)
        staged.lines.append(line.key, line.number, terms)

    def known(self, before: Mapping[str, Known]) -> dict[str, Known]:
        """Return what would be known with it."""
        kept = {request: each for request, each in before.items() if request not in self._gone}
        return kept | {request: each.known(request) for request, each in self._staged.items()}

    def apply(self, known: Mapping[str, Known]) -> None:
        """Put what was read into the set; `known` is all that counts then."""
        for request in self._gone:
            self._flags.drop(request)
        for request, staged in self._staged.items():
            if request in known:
                self._flags.put(request, staged.lines)


def what_counts(known: Mapping[str, Known], at: float) -> dict[str, Known]:
    """Return what of it has not ended at a time, seconds since 1970."""
    return {request: each for request, each in known.items() if each.expires_at > at}


def require_matching(head: FlagsHead, known: Mapping[str, Known]) -> None:
    """Refuse a head that is not of these flags.

    Raises:
        FlagsRefusedError: With `truncated` where there are fewer, or more, else `forked`.
    """
    count = sum(each.count for each in known.values())
    if count != head.count:
        raise FlagsRefusedError(
            f"the head is of {head.count} flags, and {count} were read", code="truncated"
        )
    if flags_root(known[request].leaf for request in sorted(known)) != head.root:
        raise FlagsRefusedError("the head is of other flags than those read", code="forked")


class FeedClient(Protocol):
    """What reads pages of the feed."""

    def flags(self, after: str | None = None, *, limit: int | None = None) -> FlagPage:
        """Return a page of the feed."""
        ...


@dataclass(frozen=True, slots=True)
class Expected:
    """What a head must say.

    Attributes:
        coordinator: The coordinator's origin.
        partner: Handle of the reader's partner.
        keys: The coordinator's keys.
        last: The head that was verified before; None: none was.
    """

    coordinator: str
    partner: str
    keys: Iterable[PublicKey]
    last: FlagsHead | None

    def head(self, signed: str, now: float) -> FlagsHead:
        """Return a head, verified but for the flags that it is of.

        Raises:
            FlagsRefusedError: If it is another's, of another time, or from before the last one.
        """
        try:
            head = verify_head(signed, keys=self.keys)
        except ProtocolError as error:
            raise FlagsRefusedError(f"the head of the flags: {error}", code="bad_head") from None
        if head.iss != self.coordinator:
            raise FlagsRefusedError(f"the head is {head.iss}'s", code="other_coordinator")
        if head.sub != self.partner:
            raise FlagsRefusedError(f"the head is of {head.sub}'s flags", code="other_partner")
        if abs(now - head.iat) > MAX_SKEW_SECONDS:
            made = format_time(datetime.fromtimestamp(head.iat).astimezone())
            raise FlagsRefusedError(
                f"the head was made at {made}: it was handed out before, or a clock is wrong",
                code="not_now",
            )
        if self.last is not None and (head.iat < self.last.iat or head.seq < self.last.seq):
            raise FlagsRefusedError(
                f"the head, number {head.seq}, is older than {self.last.seq}, which was seen",
                code="went_back",
            )
        return head


def read_pages(
    client: FeedClient, after: str | None, limit: int, take: Callable[[FlagPage], None]
) -> FlagPage:
    """Read pages until one has a head; hands each to `take`, and returns the last.

    Raises:
        FlagsRefusedError: If the feed has no end, stands still, or ends before where one was.
        ApiError: As the coordinator refuses; likewise TransportError.
    """
    seen: set[str] = set()
    for _ in range(_MOST_PAGES):
        try:
            page = client.flags(after, limit=limit)
        except ValidationError as error:
            if not any(fault.code == "beyond_head" for fault in error.errors):
                raise
            raise FlagsRefusedError(
                f"the feed knows nothing of {after}, up to which it was read: was the coordinator"
                " restored? Once you know, begin anew in another folder",
                code="went_back",
            ) from None
        take(page)
        if page.head is not None:
            return page
        if page.next_after in seen:
            raise FlagsRefusedError("the feed goes round in a circle", code="no_end")
        seen.add(page.next_after)
        after = page.next_after
    raise FlagsRefusedError(f"the feed has no end in {_MOST_PAGES} pages", code="no_end")


def lines_of_page(page: FlagPage, chains: Chains) -> Iterator[Line]:
    """Yield what a page says, as it is kept."""
    return (line_of(flag, chains) for flag in page.flags)
