"""Flags: the accounts that a partner was asked about and that still count, as a delta feed.

Nothing is stored of a flag. A partner's flags are the addresses of its live legs; the feed reads
them from there, and `flag_change` says only that those of a request changed. So the feed tells
nobody of anything but the requests that its reader was asked about, and its numbers are those of
the events that this reader was sent, or of the ratification of a request that it has.

A reader without a position is handed what is live now, request by request, and then what changed
since it began. Whatever changed of a request is told by telling all of it anew; or, to a reader
that has its lines and asks for no more, by an outline: how it stands, and all that is gone or
contested of it.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from threading import Lock
from typing import NamedTuple, TypedDict

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, InvalidInputError, ParameterFault
from coordinator.domain.flags import GoneReason, flags_end
from coordinator.domain.freeze_request import Action
from coordinator.domain.permission import Permission
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.ended_legs import all_legs
from coordinator.services.membership.grants import own_partner
from coordinator.services.requests.flag_lines import FlagLine, lines_of, open_hash
from coordinator.services.requests.freeze_request_views import evidence_bodies, incident_titles
from coordinator.services.requests.left_out import REMAINDER
from coordinator.services.requests.notices import proof_of_this_act
from coordinator.storage.engine.documents import load, load_keys
from coordinator.storage.reading import awaited_decisions
from coordinator.storage.requests import flags as store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests.flags import AppliedFlags, FlagChange, LiveLeg
from holdfast.protocol import flag_views, strict_json
from holdfast.protocol.clearance import Issuer
from holdfast.protocol.flag_views import FlagState
from holdfast.protocol.flags import FlaggedRequest, FlagsHead, flags_root, lines_sha256
from holdfast.protocol.payloads import format_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType

#: Requests that one page tells of, and legs that one statement reads.
_AT_ONCE = 500
#: Changes that one page looks at: a request that changed often in them is told of once.
_CHANGES_AT_ONCE = 20_000
#: A head is computed anew after so long in any case: a process of the version before stores no
#: change while both run.
_HEAD_LASTS = timedelta(seconds=60)
#: Partners whose heads a process remembers, and requests the hash of whose lines.
_MOST_HEADS, _MOST_HASHES = 2_000, 100_000
_POSITION = re.compile(
    r"(?P<seq>[0-9]{1,16})(?:\.(?P<request>frq_[0-9a-z]{26}))?(?:\.(?P<no>[0-9]{1,6}))?", re.ASCII
)


class FlagView(TypedDict):
    """A flag, or that it is gone (`flag_views.FlagView`)."""

    request: str
    address_no: int | None
    state: FlagState
    account: str | None
    asset: str | None
    min_amount: str | None
    expires_at: str | None
    reason_code: str | None
    leaf: str | None


class FlagPage(TypedDict):
    """A page of the feed (`flag_views.FlagPage`)."""

    flags: list[FlagView]
    next_after: str
    has_more: bool
    head: str | None


class AppliedFlagsView(TypedDict):
    """How far a partner applied its flags (`flag_views.AppliedFlagsView`)."""

    seq: int
    root: str | None
    count: int
    hits: int
    by: str | None
    at: str | None


class FlagRenewalView(TypedDict):
    """The answer to a renewal (`flag_views.FlagRenewalView`)."""

    id: str
    request_id: str
    status: str
    expires_at: str


class LastApplied(NamedTuple):
    """Who last said that a partner screens deposits, and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewFlags:
    """The requester asks that deposits go on being screened for its request."""

    request_id: str
    body: flag_views.FlagRenewal


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAppliedFlags:
    """A partner says up to which head it screens deposits."""

    body: flag_views.AppliedFlags


class Wanted(NamedTuple):
    """What a reader asks for.

    Attributes:
        limit: Flags in a page.
        outline: Of requests that it has read, only what changed.
    """

    limit: int
    outline: bool = False


class Position(NamedTuple):
    """How far a reader has read.

    Attributes:
        seq: All changes up to this one; while it reads what is live, those from before it began.
        request: The live request that it reads next; None: it reads changes.
        no: The address that it reads next, of that request or of that of the next change; of an
            outline that and one more, for first comes how the request stands.
    """

    seq: int
    request: str | None = None
    no: int = 0

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Return the position of `str`.

        Raises:
            InvalidInputError: If it is none.
        """
        found = _POSITION.fullmatch(text)
        if found is None or (found["request"] is not None and found["no"] is None):
            detail = "is no position in this feed; take `next_after` of the last page as it is"
            raise InvalidInputError(
                f"after {detail}", parameters=[ParameterFault("after", detail, "bad_position")]
            )
        return cls(int(found["seq"]), found["request"], int(found["no"] or 0))

    def __str__(self) -> str:
        """Return it as `next_after` has it."""
        if self.request is not None:
            return f"{self.seq}.{self.request}.{self.no}"
        return f"{self.seq}.{self.no}" if self.no else f"{self.seq}"


@dataclass(frozen=True, slots=True)
class _Head:
    """A head that was computed.

    Attributes:
        until: When the first of its flags ends, or when it is to be computed anew.
    """

    seq: int
    count: int
    root: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class FlagCache:
    """What a process remembers of flags: heads by partner, and hashes of requests' lines."""

    _heads: dict[str, _Head] = field(default_factory=dict)
    _hashes: dict[tuple[str, bool], str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def head(self, partner: str, seq: int, now: datetime) -> _Head | None:
        """Return a partner's head at its newest change, if it is known and holds."""
        found = self._heads.get(partner)
        holds = found is not None and found.seq == seq and found.since <= now < found.until
        return found if holds else None

    def keep_head(self, partner: str, head: _Head) -> None:
        """Remember a head."""
        with self._lock:
            self._heads.pop(partner, None)
            self._heads[partner] = head
            _shrink(self._heads, _MOST_HEADS)

    def hash_of(self, leg: LiveLeg) -> str | None:
        """Return the hash of a leg's lines, where it is known."""
        return self._hashes.get((leg.request_id, leg.hides_left_out))

    def keep_hash(self, leg: LiveLeg, lines: str) -> None:
        """Remember the hash of a leg's lines, which are fixed for good."""
        with self._lock:
            self._hashes[leg.request_id, leg.hides_left_out] = lines
            _shrink(self._hashes, _MOST_HASHES)


def _shrink(kept: dict[str, _Head] | dict[tuple[str, bool], str], most: int) -> None:
    """Forget the oldest of what is too many."""
    for key in list(islice(kept, max(0, len(kept) - most))):
        kept.pop(key)  # type: ignore[call-overload]  # a key of this very dictionary


@dataclass(frozen=True, slots=True)
class _Standing:
    """What of a live leg counts, beside its lines."""

    leg: LiveLeg
    expires_at: datetime
    gone: Mapping[int, str]
    contested: frozenset[int]
    is_provisional: bool

    @property
    def line_count(self) -> int:
        hidden = self.leg.left_out_count if self.leg.hides_left_out else 0
        return self.leg.address_count - hidden

    def state_of(self, number: int) -> FlagState:
        if number in self.contested:
            return FlagState.CONTESTED
        return FlagState.PROVISIONAL if self.is_provisional else FlagState.ACTIVE

    @property
    def state(self) -> FlagState:
        """Return that of the lines that nobody contests."""
        plain = self.line_count - len(self.contested.union(self.gone))
        is_provisional = self.is_provisional and plain > 0
        return FlagState.PROVISIONAL if is_provisional else FlagState.ACTIVE

    def flagged(self, lines: str) -> FlaggedRequest:
        """Return what of it the head is computed from."""
        return FlaggedRequest(
            request=self.leg.request_id,
            state=self.state,
            expires_at=format_time(self.expires_at),
            lines_sha256=lines,
            line_count=self.line_count,
            gone=self.gone,
            contested=sorted(self.contested.difference(self.gone)),
        )


@dataclass(frozen=True, slots=True)
class FlagCount:
    """How much of one request is flagged at present."""

    request_id: str
    expires_at: datetime
    is_provisional: bool
    count: int
    contested: int
    gone: int


def flagging_titles(read: ReadContext, request_ids: Sequence[str]) -> dict[str, str]:
    """Return what the incidents of requests are called, as far as the reader is told."""
    rows = awaited_decisions.rows(read.connection, request_ids, read.actor.viewer)
    titles = incident_titles(read.connection, read.vault, rows)
    return {row.id: titles.get(row.incident_id, "") for row in rows}


def flag_counts(read: ReadContext, limit: int) -> list[FlagCount]:
    """Return how much of each request is flagged, as far as its reader sees the request.

    The feed is one for the whole partner, and its head is signed of all: it is for machines. People
    read this.
    """
    legs = store.live_legs(read.connection, read.actor.viewer, since="", limit=limit)
    return [
        FlagCount(
            each.leg.request_id,
            each.expires_at,
            each.is_provisional,
            each.line_count - len(each.gone),
            len(each.contested),
            len(each.gone),
        )
        for each in _standing(read, legs)
    ]


def read_flags(
    read: ReadContext, after: Position | None, wanted: Wanted, cache: FlagCache, issuer: Issuer
) -> FlagPage:
    """Return a page of the flags of the reader's partner.

    Everything is to be read as of one moment: the head is that of what was listed.

    Args:
        read: Who reads.
        after: How far it has read; None: nothing yet.
        wanted: How much in a page, and how it is told.
        cache: What this process remembers.
        issuer: Signs the head.

    Raises:
        InvalidInputError: If there is no such position.
    """
    partner = read.actor.partner
    newest = store.newest_change(read.connection, partner)
    if after is None:
        after = Position(newest, "frq_" + "0" * 26)
    if after.seq > newest:
        detail = f"is beyond the newest change, {newest}"
        raise InvalidInputError(
            f"after {detail}", parameters=[ParameterFault("after", detail, "beyond_head")]
        )
    page = _Page(read, wanted)
    if after.request is not None:
        reached = page.read_live(after)
        return page.view(reached, head=None)
    reached = page.read_changes(after)
    if reached != Position(newest):
        return page.view(reached, head=None)
    head = _head(read, newest, cache)
    signed = FlagsHead(
        iss=issuer.origin,
        sub=partner,
        iat=int(read.now.timestamp()),
        seq=newest,
        count=head.count,
        root=head.root,
    )
    return page.view(reached, head=signed.sign(issuer.key))


class _Page:
    """A page under way."""

    def __init__(self, read: ReadContext, wanted: Wanted) -> None:
        self._read, (self._left, self._outline) = read, wanted
        self._flags: list[FlagView] = []

    def view(self, reached: Position, *, head: str | None) -> FlagPage:
        return {
            "flags": self._flags,
            "next_after": str(reached),
            "has_more": head is None,
            "head": head,
        }

    def read_live(self, at: Position) -> Position:
        """List what is live from a request on; returns how far, at last the changes since."""
        legs = store.live_legs(
            self._read.connection,
            self._read.actor.viewer,
            since=at.request or "",
            # One more than there is room for: the first may be listed whole already.
            limit=min(self._left, _AT_ONCE) + 1,
        )
        if legs and legs[0].request_id == at.request and at.no >= legs[0].address_count:
            legs = legs[1:]
        if not legs:
            return Position(at.seq)
        first = at.no if legs[0].request_id == at.request else 0
        chosen = self._fitting(legs, first)
        counting = _standing(self._read, chosen)
        documents = _documents(self._read, [each.leg for each in counting])
        for standing in counting:
            begin = first if standing.leg.request_id == at.request else 0
            stop = self._list(standing, documents, begin)
            if stop is not None:
                return Position(at.seq, standing.leg.request_id, stop)
        last = chosen[-1]
        return Position(at.seq, last.request_id, last.address_count)

    def read_changes(self, at: Position) -> Position:
        """List what changed after a position; returns how far."""
        read = self._read
        changes = store.changes(
            read.connection, read.actor.partner, after=at.seq, limit=_CHANGES_AT_ONCE
        )
        ids = {change.request_id for change in changes}
        known: set[str] = set()
        if self._outline:
            known = store.told_before(read.connection, read.actor.partner, ids, at.seq)
        place_of = self._places(changes, known)
        places = [c.request_id for c in changes if place_of[c.request_id] == c.seq]
        told = self._told(places[: min(self._left, _AT_ONCE)], known, at.no)
        first, reached = at.no, at.seq
        for change in changes:
            if place_of[change.request_id] == change.seq:
                if change.request_id not in told.legs:
                    return Position(reached)
                stop = self._tell(told, change.request_id, first)
                if stop is not None:
                    return Position(reached, no=stop)
            first, reached = 0, change.seq
        return Position(reached)

    def _places(self, changes: Sequence[FlagChange], known: Collection[str]) -> dict[str, int]:
        """Return at which of its changes each request is told of.

        At its newest; but one that an outline may tell of from then on (all that is not `known`
        yet) at its first, or a reader that stops between the two would have an outline of nothing.
        """
        places: dict[str, int] = {}
        for change in changes:
            if not self._outline or change.request_id in known:
                places[change.request_id] = change.seq
            else:
                places.setdefault(change.request_id, change.seq)
        return places

    def _told(self, ids: Sequence[str], known: Collection[str], first: int) -> "_Told":
        """Return what there is to tell of those of these requests that there is room for."""
        read = self._read
        by_request = {
            leg.request_id: leg for leg in store.legs_of(read.connection, read.actor.viewer, ids)
        }
        legs = self._fitting([by_request[each] for each in ids], first, known)
        standing = _standing(read, legs)
        whole = [each.leg for each in standing if each.leg.request_id not in known]
        return _Told(
            {leg.request_id: leg for leg in legs},
            {each.leg.request_id: each for each in standing},
            _documents(read, whole),
            known,
        )

    def _tell(self, told: "_Told", request_id: str, first: int) -> int | None:
        """Tell of a request that changed; returns where a full page ends it."""
        found = told.standing.get(request_id)
        if found is None:
            self._tell_gone(told.legs[request_id])
            return None
        if request_id in told.known:
            return self._outline_of(found, first)
        return self._list(found, told.documents, first)

    def _fitting(
        self, legs: Sequence[LiveLeg], first: int, known: Collection[str] = ()
    ) -> Sequence[LiveLeg]:
        """Return the legs that a page has room for; of the last perhaps for a part.

        Of those that are known an outline is told, which has no more than what is gone and
        contested.
        """
        room = self._left
        for place, leg in enumerate(legs):
            if room <= 0:
                return legs[:place]
            is_outline = leg.request_id in known
            room -= 1 if is_outline else max(1, leg.address_count - first)
            first = 0
        return legs

    def _list(
        self, standing: _Standing, documents: Mapping[str, JsonObject], first: int
    ) -> int | None:
        """List a request's flags from an address on; returns where a full page ends it."""
        leg = standing.leg
        end = min(leg.address_count, first + self._left)
        expires_at = format_time(standing.expires_at)
        document = documents.get(leg.request_id, {})
        for line in lines_of(self._read.chains, document, first, end):
            self._flags.append(_flag_view(standing, line, expires_at))
        self._left -= max(1, end - first)
        return end if end < leg.address_count else None

    def _outline_of(self, standing: _Standing, first: int) -> int | None:
        """Tell how a request stands and what of it counts no more; returns where a page ends it."""
        request = standing.leg.request_id
        if self._left <= 0:
            return first
        if first == 0:
            self._flags.append(_header(standing))
            self._left -= 1
        for number in sorted(standing.contested.union(standing.gone)):
            if number + 1 < first:
                continue
            if self._left <= 0:
                return number + 1
            self._left -= 1
            reason = standing.gone.get(number)
            view = _gone(request, number, reason)
            self._flags.append(view if reason else {**view, "state": FlagState.CONTESTED})
        return None

    def _tell_gone(self, leg: LiveLeg) -> None:
        reason: str = GoneReason.EXPIRED
        if not leg.is_live:
            is_closed = leg.withdrawal_reason is None
            reason = GoneReason.CLOSED if is_closed else str(leg.withdrawal_reason)
        self._left -= 1
        self._flags.append(_gone(leg.request_id, None, reason))


class _Told(NamedTuple):
    """What a page tells of requests that changed.

    Attributes:
        legs: Of those that it has room for.
        standing: Of those that count.
        documents: Of those that are told whole.
        known: Those that the reader has read: it is told an outline.
    """

    legs: Mapping[str, LiveLeg]
    standing: Mapping[str, _Standing]
    documents: Mapping[str, JsonObject]
    known: Collection[str]


def _header(standing: _Standing) -> FlagView:
    """Return how a request stands, in whose lines nothing changed."""
    return {
        **_gone(standing.leg.request_id, None, None),
        "state": standing.state,
        "expires_at": format_time(standing.expires_at),
    }


def _gone(request_id: str, number: int | None, reason: str | None) -> FlagView:
    return {
        "request": request_id,
        "address_no": number,
        "state": FlagState.GONE,
        "account": None,
        "asset": None,
        "min_amount": None,
        "expires_at": None,
        "reason_code": reason,
        "leaf": None,
    }


def _flag_view(standing: _Standing, line: FlagLine, expires_at: str) -> FlagView:
    reason = standing.gone.get(line.address_no)
    if reason is not None:
        view = _gone(standing.leg.request_id, line.address_no, reason)
        return {**view, "leaf": line.leaf().hex(), "expires_at": expires_at}
    return {
        "request": standing.leg.request_id,
        "address_no": line.address_no,
        "state": standing.state_of(line.address_no),
        "account": line.account,
        "asset": line.asset,
        "min_amount": line.min_amount,
        "expires_at": expires_at,
        "reason_code": None,
        "leaf": None,
    }


def _standing(read: ReadContext, legs: Sequence[LiveLeg]) -> list[_Standing]:
    """Return those of the legs whose flags count now, in order."""
    at = read.now.replace(microsecond=0)
    live = [
        (leg, ends)
        for leg in legs
        if leg.is_live and (ends := flags_end(leg.queued_at, leg.flags_renewed_at)) > at
    ]
    withdrawn = [leg.request_id for leg, _ in live if leg.withdrawn_count]
    gone = store.gone_addresses(read.connection, withdrawn) if withdrawn else {}
    hiding = [leg.request_id for leg, _ in live if leg.hides_left_out]
    hidden = store.left_out_addresses(read.connection, hiding) if hiding else {}
    found = []
    for leg, ends in live:
        unknown = hidden.get(leg.request_id, set())
        reasons = {
            number: reason or GoneReason.WITHDRAWN.value
            for number, reason in gone.get(leg.request_id, {}).items()
            if number not in unknown
        }
        contested = frozenset(leg.contested_nos or ()).difference(reasons)
        is_provisional = leg.provisional or leg.unratified_until is not None
        found.append(_Standing(leg, ends, reasons, contested, is_provisional))
    return found


def _documents(read: ReadContext, legs: Sequence[LiveLeg]) -> dict[str, JsonObject]:
    """Return what of the documents of these requests went out to the partner."""
    whole = [leg.request_id for leg in legs if not leg.hides_left_out]
    cut = [leg.request_id for leg in legs if leg.hides_left_out]
    acts = store.submit_acts(read.connection, whole) if whole else {}
    bodies = evidence_bodies(read.connection, read.vault, list(acts.values())) if acts else {}
    found = {request_id: bodies.get(act_id, {}) for request_id, act_id in acts.items()}
    remainders = load(read.connection, read.vault, cut, REMAINDER) if cut else {}
    return found | {request_id: strict_json.loads(raw) for request_id, raw in remainders.items()}


def _head(read: ReadContext, newest: int, cache: FlagCache) -> _Head:
    """Return what is to be signed of the partner's flags as they are now."""
    known = cache.head(read.actor.partner, newest, read.now)
    if known is not None:
        return known
    count, until = 0, read.now + _HEAD_LASTS
    leaves = []
    for some in _all_standing(read):
        _learn_hashes(read, [each.leg for each in some], cache)
        for standing in some:
            flagged = standing.flagged(cache.hash_of(standing.leg) or "")
            count += flagged.count
            until = min(until, standing.expires_at)
            leaves.append(flagged.leaf())
    head = _Head(newest, count, flags_root(leaves), read.now, until)
    cache.keep_head(read.actor.partner, head)
    return head


def _learn_hashes(read: ReadContext, legs: Sequence[LiveLeg], cache: FlagCache) -> None:
    """Have the hashes of all these legs' lines be remembered."""
    unknown = [leg for leg in legs if cache.hash_of(leg) is None]
    kept = [leg for leg in unknown if leg.sealed_lines_hash and not leg.hides_left_out]
    keys = load_keys(read.connection, read.vault, {leg.document_key_id for leg in kept})
    for leg in kept:
        key, sealed = keys[leg.document_key_id], bytes(leg.sealed_lines_hash or b"")
        cache.keep_hash(leg, open_hash(key, leg.request_id, sealed))
    for leg in unknown:
        if leg not in kept:
            document = _documents(read, [leg]).get(leg.request_id, {})
            lines = lines_of(read.chains, document)
            cache.keep_hash(leg, lines_sha256(line.leaf() for line in lines))


def _all_standing(read: ReadContext) -> Iterator[list[_Standing]]:
    """Yield all that counts for the partner, by request id, some at a time."""
    since = ""
    while legs := store.live_legs(read.connection, read.actor.viewer, since=since, limit=_AT_ONCE):
        yield _standing(read, legs)
        if len(legs) < _AT_ONCE:
            return
        # The least id behind the last: ids are compared as they are spelled.
        since = legs[-1].request_id + "0"


@handles(RenewFlags, needs=Permission.FLAG_RENEW)
def renew(command: RenewFlags, actor: Actor, uow: UnitOfWork) -> Answer:
    """Have the flags of a request last from now on, and tell every partner asked, with the proof.

    While they last something may still come in: where every leg is final, the time after which the
    request closes by itself begins anew. A drill flags nothing.
    """
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256)
    on.after(Action.RENEW_FLAGS)
    if on.request.drill:
        raise ConflictError(
            "this request is a drill, and a drill flags nothing: there is nothing to renew",
            code="no_flags",
            current_status=on.request.status,
        )
    act_id = on.store_act(NewAct("renew_flags"))
    store.renew(uow.connection, on.request.id, uow.now)
    if on.request.final_since is not None:
        request_store.set_final_since(uow.connection, on.request.id, uow.now)
    expires_at = format_time(flags_end(uow.now, None))
    told: dict[str, object] = {"expires_at": expires_at}
    recorded = on.record(EventType.REQUEST_FLAGS_RENEWED, told, act_id=act_id)
    proof = {"evidence": proof_of_this_act(on, "renew_flags", act_id)}
    shown = {"by": actor.subject, "act_id": act_id, **told, **proof}
    for leg in all_legs(uow, on.request.id):
        on.tell_partner(leg, EventType.REQUEST_FLAGS_RENEWED, {**shown, "status": leg.status})
    answer: FlagRenewalView = {
        "id": act_id,
        "request_id": on.request.id,
        "status": on.request.status,
        "expires_at": expires_at,
    }
    return Answer(201, answer, entry=recorded)


@handles(ReportAppliedFlags, needs=Permission.FLAG_REPORT)
def report_applied(command: ReportAppliedFlags, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store up to which head a partner screens; it takes the place of what it said before."""
    body = command.body
    partner = own_partner(uow, actor)
    newest = store.newest_change(uow.connection, partner.handle)
    if body.seq > newest:
        raise ConflictError(
            f"your flags changed up to {newest}, and never to {body.seq}: sign the head that you"
            " were given",
            code="beyond_head",
        )
    now = AppliedFlags(
        partner.handle,
        new_id("act"),
        body.seq,
        body.root,
        body.count,
        body.hits,
        actor.subject,
        uow.now,
    )
    store.set_applied(uow.connection, now)
    key = uow.key(partner.document_key_id)
    told = {
        "partner": partner.handle,
        "by": actor.subject,
        "applied_seq": body.seq,
        "root": body.root,
        "count": body.count,
        "hits": body.hits,
    }
    recorded = uow.record("flags.applied", told, key=key)
    store_member_act(uow, actor, MemberAct(now.act_id, "apply_flags", None), key, recorded)
    return Answer(201, {**_applied_view(now)}, entry=recorded)


def applied_view(read: ReadContext) -> AppliedFlagsView:
    """Return how far the reader's partner applied its flags."""
    found = store.applied(read.connection, read.actor.partner)
    if found is not None:
        return _applied_view(found)
    return {"seq": 0, "root": None, "count": 0, "hits": 0, "by": None, "at": None}


def last_applied(read: ReadContext) -> LastApplied | None:
    """Return who last said that the reader's partner screens; None where nobody ever did.

    People read this: what was applied counts what is limited to others, too.
    """
    found = store.applied(read.connection, read.actor.partner)
    return None if found is None else LastApplied(found.applied_by, found.applied_at)


def _applied_view(applied: AppliedFlags) -> AppliedFlagsView:
    return {
        "seq": applied.seq,
        "root": applied.root,
        "count": applied.flag_count,
        "hits": applied.hit_count,
        "by": applied.applied_by,
        "at": format_time(applied.applied_at),
    }
