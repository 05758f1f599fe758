"""Reading the feed of flags: what pages say, what of it is verified, and when it is refused.

Nothing that a page says counts before the head that ends the reading was verified:

1. the coordinator's key signed it, for this partner and at this coordinator;
2. it is of now: not from the future, not handed out again, not older than the last one;
3. count and root are those of what was read, computed here.

Of a request that was read before, an outline tells: how it stands, and all that is gone or
contested of it. It is hashed with the lines that are known, so that the head proves it as it proves
the rest.

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
from holdfast.protocol.flag_views import FlagChanges, FlagPage, FlagState, FlagView
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
    """One entry of the feed, as it is kept; without a key it is gone, or of an outline.

    Attributes:
        request: `frq_…`.
        number: `address_no`; None: all of the request is gone, or an outline of it begins.
        state: See `FlagState`.
        expires_at: As the feed spells it.
        key: What accounts are compared by.
        asset: CAIP-19, or None.
        min_amount: Base units, or None.
        reason: Why it is gone.
        leaf: What stands for it in its request's hash, as hex; empty: its line is known.
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
    if number is None or (flag.account is None and flag.leaf is None):
        return _without_line(flag)
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


def _without_line(flag: FlagView) -> Line:
    """Return an entry that says that all of a request is gone, or one of an outline."""
    number, state = flag.address_no, flag.state
    if number is not None:
        if state not in {FlagState.GONE, FlagState.CONTESTED}:
            raise _malformed(flag)
        return Line(flag.request, number, state.value, reason=flag.reason_code)
    if state is FlagState.GONE:
        return Line(flag.request, None, state.value, reason=flag.reason_code)
    if state is FlagState.CONTESTED or flag.expires_at is None:
        raise _malformed(flag)
    return Line(flag.request, None, state.value, format_time(flag.expires_at))


def _malformed(flag: FlagView) -> FlagsRefusedError:
    where = f"{flag.request}, address {flag.address_no}"
    return FlagsRefusedError(f"the feed has a malformed flag: {where}", code="truncated")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a request whose flags count.

    Attributes:
        leaf: Its entry in the tree of the head.
        count: How many flags it has.
        lines_sha256: Of all its lines, which never change.
        gone: Addresses that count no more.
        expires_at: Until when, seconds since 1970.
        is_provisional: Nobody's approval stands behind it yet.
        contested: Addresses that a customer contests.
    """

    leaf: bytes
    count: int
    lines_sha256: str
    gone: frozenset[int]
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
    """A request as a reading under way has it so far.

    Attributes:
        base: What was known of it, where this reading has an outline and no lines.
        gone_before: What an outline has to say again, for it counts no more.
        is_outline: Its lines are there, here or in `base`; what follows tells of some.
    """

    expires_at: str
    digest: Any = field(default_factory=sha256)
    last: int = -1
    line_count: int = 0
    is_provisional: bool = False
    gone: dict[int, str] = field(default_factory=dict)
    contested: list[int] = field(default_factory=list)
    lines: RequestLines = field(default_factory=RequestLines)
    base: Known | None = None
    gone_before: frozenset[int] = frozenset()
    is_outline: bool = False

    def begin_outline(self, line: Line) -> None:
        """Have what follows be all that is gone or contested of it."""
        self.gone_before = self.gone_before.union(self.gone)
        self.expires_at, self.is_provisional = line.expires_at, line.state == FlagState.PROVISIONAL
        self.gone, self.contested, self.last, self.is_outline = {}, [], -1, True

    def add(self, line: Line, number: int) -> None:
        """Take one of its lines, or what an outline says of one."""
        self.last = number
        if line.leaf:
            self.expires_at = line.expires_at
            self.line_count += 1
            self.digest.update(bytes.fromhex(line.leaf))
        if line.state == FlagState.GONE:
            self.gone[number] = line.reason or ""
        elif line.state == FlagState.CONTESTED:
            self.contested.append(number)
        elif line.state == FlagState.PROVISIONAL:
            self.is_provisional = True

    def known(self, request: str) -> Known:
        """Return what is known of it with this reading.

        Raises:
            FlagsRefusedError: If an outline has flags count again whose accounts are forgotten.
        """
        if not self.gone_before.issubset(self.gone):
            raise _unfounded(request)
        lines, line_count = self.digest.hexdigest(), self.line_count
        if self.base is not None:
            lines = self.base.lines_sha256
            line_count = self.base.count + len(self.base.gone)
        flagged = FlaggedRequest(
            request=request,
            state=FlagState.PROVISIONAL if self.is_provisional else FlagState.ACTIVE,
            expires_at=self.expires_at,
            lines_sha256=lines,
            line_count=line_count,
            gone=self.gone,
            contested=self.contested,
        )
        return Known(
            flagged.leaf(),
            flagged.count,
            lines,
            frozenset(self.gone),
            parse_time(self.expires_at).timestamp(),
            self.is_provisional,
            frozenset(self.contested),
        )


class Reading:
    """A reading under way: what it would change of a set, once its head is verified.

    Args:
        flags: The set.
        before: What is known of the requests in it.
    """

    def __init__(self, flags: FlagSet, before: Mapping[str, Known]) -> None:
        self._flags, self._before = flags, before
        self._staged: dict[str, _Staged] = {}
        self._gone: set[str] = set()

    def add(self, line: Line) -> None:
        """Take an entry; of a request that is told anew, what was told before is forgotten.

        Raises:
            FlagsRefusedError: If an outline is of a request whose lines are not known.
        """
        number = line.number
        if number is None:
            if line.state == FlagState.GONE:
                self._staged.pop(line.request, None)
                self._gone.add(line.request)
            else:
                self._outlined(line.request).begin_outline(line)
            return
        staged = self._staged.get(line.request)
        if not line.leaf:
            if staged is None or not staged.is_outline or number <= staged.last:
                raise _unfounded(line.request)
            staged.add(line, number)
            return
        if staged is None or staged.is_outline or number <= staged.last:
            self._gone.discard(line.request)
            staged = self._staged[line.request] = _Staged(line.expires_at)
        staged.add(line, number)
        if line.state != FlagState.GONE:
            terms = self._flags.place_of(line.asset, line.min_amount)
            staged.lines.append(line.key, number, terms)

    def known(self) -> dict[str, Known]:
        """Return what would be known with it.

        Raises:
            FlagsRefusedError: If what was told of a request does not follow from what was known.
        """
        kept = {id_: each for id_, each in self._before.items() if id_ not in self._gone}
        return kept | {request: each.known(request) for request, each in self._staged.items()}

    def apply(self, known: Mapping[str, Known]) -> None:
        """Put what was read into the set; `known` is all that counts then."""
        for request in self._gone:
            self._flags.drop(request)
        for request, staged in self._staged.items():
            if request not in known:
                continue
            if staged.base is None:
                self._flags.put(request, staged.lines)
            if staged.is_outline:
                self._flags.drop_some(request, staged.gone.keys() - staged.gone_before)

    def _outlined(self, request: str) -> _Staged:
        """Return a request whose lines are known, from this reading or from before."""
        staged = self._staged.get(request)
        if staged is not None:
            return staged
        base = None if request in self._gone else self._before.get(request)
        if base is None:
            raise _unfounded(request)
        staged = self._staged[request] = _Staged("", base=base, gone_before=base.gone)
        return staged


def _unfounded(request: str) -> FlagsRefusedError:
    return FlagsRefusedError(
        f"the feed has an outline of {request} that does not follow from what was read of it",
        code="truncated",
    )


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

    def flags(
        self,
        after: str | None = None,
        *,
        limit: int | None = None,
        changes: FlagChanges | None = None,
    ) -> FlagPage:
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

    Whoever reads on has the lines of what it read: an outline of what changed is enough.

    Raises:
        FlagsRefusedError: If the feed has no end, stands still, or ends before where one was.
        ApiError: As the coordinator refuses; likewise TransportError.
    """
    seen: set[str] = set()
    changes = None if after is None else FlagChanges.OUTLINE
    for _ in range(_MOST_PAGES):
        try:
            page = client.flags(after, limit=limit, changes=changes)
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
