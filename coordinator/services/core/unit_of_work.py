"""What a handler works with, and the tail in which every change ends.

`finish()` is the only place that locks the head of the log: events and leaves get their numbers
there, last of all and in commit order; then bodies are completed, sealed and stored, deliveries are
queued, and the transaction ends. Only then is the answer handed out and are the workers woken.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.clock import Clock
from coordinator.domain.errors import AuthenticationError, UnavailableError
from coordinator.domain.read_only import read_only_error
from coordinator.domain.rulebook import Rulebook
from coordinator.services.core.house_rules import HouseRules
from coordinator.services.core.tag_keys import TagKeyCache, TagKeys
from coordinator.storage.engine import driver
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import (
    DocumentKey,
    Sealed,
    SealedDocument,
    Vault,
    load_keys,
    opened,
    remove,
    store,
    store_key,
)
from coordinator.storage.engine.prebuilt import Pending
from coordinator.storage.engine.rows import update_rows
from coordinator.storage.membership.partners import Standing, still_stands
from coordinator.storage.requests import flags as flag_store
from coordinator.storage.requests.legs import NewLeg
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from coordinator.storage.tail import events as event_store
from coordinator.storage.tail import log_keys, outbox
from coordinator.storage.tail import transparency_log as log_store
from coordinator.transparency_log.growth import Growth, grow
from coordinator.transparency_log.leaf import Leaf, make_leaf
from coordinator.transparency_log.signer import LogSigner, SignerError
from holdfast.protocol import base64url, canonical_json
from holdfast.protocol.jwk import WebAuthnScope
from holdfast.protocol.passkey_token import is_passkey_token
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, EvidenceKind, Urgency

_BEGIN_ACT, _UNDO_ACT = "SAVEPOINT act", "ROLLBACK TO SAVEPOINT act"
PRIORITY = {Urgency.FLASH: 0, Urgency.URGENT: 1, Urgency.ROUTINE: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandContext:
    """What a process executes commands with.

    Attributes:
        origin: The configured origin: `aud` of every token, the start of every `htu` and link.
        database: Opened for this process.
        vault: Seals documents, and opens them.
        clock: The one source of time.
        rulebook: What commands are decided by.
        log_signer: Signs the log's checkpoints.
        passkey_scope: The console, where people's passkeys sign; None: none may be granted.
        tag_keys: Partners' tag keys that this process remembers.
        house_rules: What it remembers of the network's rulebook.
    """

    origin: str
    database: Database
    vault: Vault
    clock: Clock
    rulebook: Rulebook
    log_signer: LogSigner
    passkey_scope: WebAuthnScope | None = None
    tag_keys: TagKeyCache = field(default_factory=TagKeyCache, repr=False, compare=False)
    house_rules: HouseRules = field(default_factory=HouseRules, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves an act: the token and the exact body that it was signed over.

    The token is that of the request, or of an act that a passkey signed in the console.
    """

    token: str
    body: bytes
    content_sha256: str

    @property
    def kind(self) -> EvidenceKind:
        """What the token is."""
        return EvidenceKind.WEBAUTHN if is_passkey_token(self.token) else EvidenceKind.JWS

    def packed(self) -> bytes:
        """Return token, a line feed, body: the form in which it is sealed."""
        return self.token.encode("ascii") + b"\n" + self.body


def unpack_evidence(packed: bytes) -> tuple[str, bytes]:
    """Return the token and the body of `Evidence.packed`."""
    token, _, body = packed.partition(b"\n")
    return token.decode("ascii"), body


class LogEntry(TypedDict):
    """Where an act stands in the transparency log (`views.LogEntry`)."""

    leaf_index: int
    leaf_id: str
    type: str
    at: str
    commitment: str
    tags: str
    salt: NotRequired[str]
    proof: NotRequired[str]


@dataclass(slots=True)
class Recorded:
    """One thing that happened; numbered in the tail."""

    id: str
    type: str
    at: datetime
    key: DocumentKey
    data: dict[str, object]
    audience: tuple[str, ...]
    request_id: str | None
    leg_id: str | None
    priority: int
    only_endpoint: str | None = None
    #: The type that its bytes name: a sample of another event, which is sent and never in the feed.
    sample_of: str | None = None
    #: Partners whose flags are others with it: their feed of flags tells the request anew.
    flags_of: tuple[str, ...] = ()
    #: As many as its leaf is to look told, where the number of tags must not say how many are.
    seems_told: int = 0
    leaf: Leaf | None = None
    core: bytes = b""
    seq: int = 0
    leaf_index: int = -1
    growth: Growth | None = None

    @property
    def tagged(self) -> tuple[str, ...]:
        """Whom its leaf has a tag for: a sample is sent and never in the feed."""
        return () if self.sample_of else self.audience

    def log_entry(self) -> LogEntry:
        """Return where it stands in the log, for answers."""
        if self.leaf is None or self.growth is None:
            raise AssertionError("not committed yet")
        return {
            "leaf_index": self.leaf_index,
            "leaf_id": self.leaf.leaf_id.hex(),
            "type": self.type,
            "at": format_time(self.at),
            "commitment": self.leaf.commitment.hex(),
            "tags": base64url.encode(self.leaf.tags),
            "salt": self.leaf.salt.hex(),
            "proof": self.growth.proof(self.leaf_index),
        }

    def body(self) -> bytes:
        """Return the bytes that are delivered: the committed core and its place in the log.

        What nobody is told has no number in the feed.
        """
        entry = {**self.log_entry(), **({"seq": self.seq} if self.audience else {})}
        return b'{"data":{"log":' + canonical_json.dumps(entry) + b"," + self.core[9:]


@dataclass(slots=True)
class Answer:
    """What a handler answers; the tail adds the log entry of `entry` as `log`.

    Of an act on a drill it says so, too, as the event does.

    Attributes:
        spelled: Further members of the body, in canonical JSON already: a handler spells what is
            large while the database is still at work.
        about: The person or system whose name it tells; what is stored of it is erased with that.
        index_as: The member of the body that is to hold the entry's index, where there is one.
    """

    status: int
    body: Mapping[str, object]
    entry: Recorded | None = None
    location: str | None = None
    spelled: Mapping[str, bytes] = field(default_factory=dict)
    about: str | None = None
    index_as: str | None = None

    def render(self) -> bytes:
        """Return the JSON bytes; after the tail has numbered everything."""
        body = self.body
        if self.entry is not None:
            body = {**body, "log": self.entry.log_entry()}
            if self.entry.data.get("drill") is True:
                body["drill"] = True
            if self.index_as is not None:
                body[self.index_as] = self.entry.leaf_index
        if not self.spelled:
            return canonical_json.dumps(body)
        members = {name: canonical_json.dumps(value) for name, value in body.items()}
        members |= self.spelled
        # The names of an answer are ASCII, so that they sort as RFC 8785 has it.
        spelled = [b'"%s":%s' % (name.encode("ascii"), members[name]) for name in sorted(members)]
        return b"{" + b",".join(spelled) + b"}"


@dataclass(slots=True)
class StoreAnswer:
    """Where the tail stores an answer for its idempotency key."""

    owner_id: str
    key: DocumentKey


class About(NamedTuple):
    """The freeze request, and the leg of it, that an event is about."""

    request_id: str
    urgency: str = Urgency.ROUTINE
    leg: LegRow | NewLeg | None = None


class LegNumbers(NamedTuple):
    """How many events about a leg its partner was told of, and how many its requester."""

    sequence: int
    requester_sequence: int


@dataclass(slots=True)
class _Pending:
    recorded: list[Recorded] = field(default_factory=list)
    documents: list[SealedDocument] = field(default_factory=list)
    leaf_columns: list[tuple[Any, str, Recorded]] = field(default_factory=list)
    tag_keys: dict[str, bytes] = field(default_factory=dict)
    log_key: bytes | None = None
    published: list[Recorded] = field(default_factory=list)


class UnitOfWork:
    """One writing transaction.

    Attributes:
        connection: For `storage` functions.
        origin: Where the coordinator is reached.
        clock: The one source of time; `now` is read once.
        policies: Limits and clocks of the operator.
        chains: The chains that addresses and assets may be on.
        passkey_scope: Where a passkey must sign that is to be granted.
        house_rules: Which rulebook is in force.
    """

    def __init__(
        self,
        connection: Connection,
        context: CommandContext,
        evidence: Evidence | None = None,
    ) -> None:
        self.connection = connection
        self.origin = context.origin
        self.vault = context.vault
        self.clock = context.clock
        self.policies = context.rulebook.policies
        self.chains = context.rulebook.chains
        self.passkey_scope = context.passkey_scope
        self.house_rules = context.house_rules
        self._log_signer = context.log_signer
        self._tag_keys = context.tag_keys
        self.now = context.clock.now()
        self._evidence = evidence
        self._pending = _Pending()
        self._keys: dict[str, DocumentKey] = {}
        self._leg_sequences: dict[str, LegNumbers] = {}
        self._request_sequences: dict[str, int] = {}
        self._revokes = False
        self._taken_away: frozenset[str] = frozenset()
        self._standing: Standing | None = None

    @property
    def recorded(self) -> list[Recorded]:
        """What happened so far in this transaction."""
        return self._pending.recorded

    @property
    def evidence(self) -> Evidence:
        """What proves the command under way; the coordinator's own commands have none."""
        if self._evidence is None:
            raise AssertionError("whatever a partner does is signed")
        return self._evidence

    def new_key(self) -> DocumentKey:
        """Make and store a fresh data key."""
        key, wrapped = self.vault.new_key()
        self.adopt_key(key, wrapped)
        return key

    def adopt_key(self, key: DocumentKey, wrapped: bytes) -> None:
        """Store a data key that was made before the transaction."""
        store_key(self.connection, key, wrapped, self.now)
        self._keys[key.id] = key

    def key(self, key_id: str) -> DocumentKey:
        """Return a stored data key in the clear."""
        if key_id not in self._keys:
            self._keys |= load_keys(self.connection, self.vault, [key_id])
        return self._keys[key_id]

    def hold_keys(self, key_ids: Iterable[str]) -> None:
        """Read many stored data keys at once, for `key`."""
        missing = set(key_ids) - self._keys.keys()
        if missing:
            self._keys |= load_keys(self.connection, self.vault, missing)

    def opened(self, rows: Iterable[Sealed], name: str) -> dict[str, bytes]:
        """Return the contents of sealed documents by owner, and keep the keys that they took."""
        return opened(rows, self.vault, name, self._keys)

    def seal(self, key: DocumentKey, owner_id: str, name: str, content: bytes) -> None:
        """Have a document stored with this transaction."""
        self._pending.documents.append(
            SealedDocument(owner_id, name, key.id, key.seal(owner_id, name, content))
        )

    def seal_evidence(self, key: DocumentKey, owner_id: str, name: str = "evidence") -> None:
        """Have what proves the command under way stored with this transaction."""
        self.seal(key, owner_id, name, self.evidence.packed())

    def record(
        self,
        event_type: EventType | str,
        data: Mapping[str, object],
        *,
        key: DocumentKey,
        audience: Iterable[str] = (),
        about: About | None = None,
    ) -> Recorded:
        """Record that something happened: a leaf always, an event where it has an audience.

        Args:
            event_type: As on the wire.
            data: Members of the event's `data`; ids and times as text.
            key: Seals the body and salts the commitment.
            audience: Handles that receive it; `EVERYBODY` for all members.
            about: The freeze request it is about; its urgency orders lanes of different requests.
                Where it is about a leg, the event takes the leg's next `sequence`, and the next
                `requester_sequence` where the requester named in `data` hears of it.
        """
        event_id = new_id("evt")
        told = tuple(dict.fromkeys(audience))
        body: dict[str, object] = {"event_id": event_id, **data}
        leg = None if about is None else about.leg
        if about is not None:
            body["request_id"] = about.request_id
        if leg is not None:
            body |= {"leg_id": leg.id, "partner": leg.partner}
            body |= self._next_leg_numbers(leg, is_for_requester=data.get("requester") in told)
        recorded = Recorded(
            id=event_id,
            type=str(event_type),
            at=self.now,
            key=key,
            data=body,
            audience=told,
            request_id=None if about is None else about.request_id,
            leg_id=None if leg is None else leg.id,
            priority=PRIORITY[Urgency.ROUTINE if about is None else Urgency(about.urgency)],
        )
        self._pending.recorded.append(recorded)
        return recorded

    def set_leaf(self, row_type: type[Any], row_id: str, recorded: Recorded) -> None:
        """Have the `leaf_index` column of a row set to where `recorded` stands."""
        self._pending.leaf_columns.append((row_type, row_id, recorded))

    def set_tag_key(self, partner: str, key: bytes) -> None:
        """Have the leaves of this transaction, and all later ones, tagged with a new key."""
        self._pending.tag_keys[partner] = key

    def require_log_key(self, key: bytes) -> None:
        """Have this transaction's checkpoint, and all later ones, signed with this Ed25519 key."""
        self._pending.log_key = key

    def publish(self, recorded: Recorded) -> None:
        """Have an event's bytes kept for everybody to read: what the log says of its keys."""
        self._pending.published.append(recorded)

    def link(self, path: str) -> str:
        """Return the absolute link to a path, as events carry it: readers know no other place."""
        return self.origin + path

    def remove_document(self, owner_id: str, name: str) -> None:
        """Delete a stored document, where there is one."""
        remove(self.connection, owner_id, name)

    def replace_document(self, key: DocumentKey, owner_id: str, name: str, content: bytes) -> None:
        """Store a document in place of the one that stands there, if any."""
        remove(self.connection, owner_id, name)
        self.seal(key, owner_id, name, content)

    def _next_leg_numbers(self, leg: LegRow | NewLeg, *, is_for_requester: bool) -> dict[str, int]:
        """Count one event about a leg; each side's numbers have no gaps."""
        present = self.leg_numbers(leg)
        numbers = LegNumbers(present.sequence + 1, present.requester_sequence + is_for_requester)
        self._leg_sequences[leg.id] = numbers
        return numbers._asdict() if is_for_requester else {"sequence": numbers.sequence}

    def leg_numbers(self, leg: LegRow | NewLeg) -> LegNumbers:
        """Return the numbers of the leg's newest events, including those of this transaction."""
        stored = LegNumbers(leg.event_sequence, leg.requester_sequence)
        return self._leg_sequences.get(leg.id, stored)

    def next_request_sequence(self, request: FreezeRequestRow) -> int:
        """Return the next number of the requester's own events about `request`."""
        present: int = self._request_sequences.get(request.id, request.event_sequence)
        self._request_sequences[request.id] = present + 1
        return present + 1

    def will_revoke(self, kids: Iterable[str] = ()) -> None:
        """Note that this transaction takes a right away, so that others check theirs again.

        Args:
            kids: The keys that it ends. They were good until now, so its own authority may rest on
                one of them.
        """
        self._revokes = True
        self._taken_away |= frozenset(kids)

    def stands_on(self, standing: Standing) -> None:
        """Note the rights that this command rests on, and the number of revocations before them."""
        self._standing = standing
        if standing.wrapped_key is not None:
            key = self.vault.unwrap(standing.document_key_id, standing.wrapped_key)
            self._keys[key.id] = key

    def begin_act(self) -> None:
        """Mark where `undo_act` goes back to."""
        driver.execute(self.connection, _BEGIN_ACT)

    def undo_act(self) -> None:
        """Undo everything since `begin_act`, because the handler refused."""
        driver.execute(self.connection, _UNDO_ACT)
        self._pending = _Pending()
        self._leg_sequences.clear()
        self._request_sequences.clear()
        self._revokes = False
        self._taken_away = frozenset()

    def finish(self, answer: Answer | None = None, answer_to: StoreAnswer | None = None) -> bytes:
        """Number, complete, seal and store everything; the caller commits right after.

        Returns:
            The answer's bytes; they may be handed out only after the commit.

        Raises:
            AuthenticationError: If the key that this command rests on was revoked meanwhile, or its
                partner suspended.
            UnavailableError: If the log cannot be signed at present, or the database was restored
                and is only read.
        """
        pending = self._pending
        for item in pending.recorded:
            told = item.sample_of or item.type
            core = {"data": item.data, "timestamp": format_time(item.at), "type": told}
            item.core = canonical_json.dumps(core)
        events = [item for item in pending.recorded if item.audience]
        endpoints = outbox.send_routes(
            self.connection, {p for item in events for p in item.audience}
        )
        self._store_sequences()
        if pending.recorded:
            self._number(events, endpoints, self._tag())
        for item in events:
            self.seal(item.key, item.id, "body", item.body())
        for item in pending.published:
            log_keys.keep_statement(self.connection, item.leaf_index, item.body())
        rendered = b"" if answer is None else answer.render()
        if answer_to is not None:
            self.seal(answer_to.key, answer_to.owner_id, "answer", rendered)
        store(self.connection, pending.documents)
        return rendered

    def _tag(self) -> TagKeys:
        """Make the leaves with the tags of those that are told; return the keys that it took."""
        pending = self._pending
        told = {handle for item in pending.recorded for handle in item.tagged}
        keys = TagKeys(self._tag_keys, self.vault, self.connection, told, pending.tag_keys)
        for item in pending.recorded:
            tags = _tags(keys, item)
            item.leaf = make_leaf(item.type, item.at, item.core, item.key.secret, tags)
        return keys

    def _tag_again(self, keys: TagKeys, changed_at: int) -> None:
        """Tag those leaves again whose partners have other keys by now; the head is locked."""
        changed = keys.renewed(changed_at)
        for item in self._pending.recorded:
            if item.leaf is not None and not changed.isdisjoint(item.tagged):
                item.leaf = item.leaf.tagged_with(_tags(keys, item))

    def _number(
        self,
        events: list[Recorded],
        endpoints: Pending[outbox.EnabledEndpoint] | None,
        tag_keys: TagKeys,
    ) -> None:
        """Lock the head; append leaves, events and deliveries with the numbers that they get."""
        pending = self._pending
        head = log_store.lock(self.connection, events=len(events), revocations=int(self._revokes))
        if head.restored_at is not None:
            raise read_only_error()
        self._require_standing(head.revocations)
        self._tag_again(tag_keys, head.tag_keys_changed)
        routes = outbox.read_routes(endpoints)
        for index, item in enumerate(pending.recorded, head.first_leaf):
            item.leaf_index = index
        for seq, item in enumerate(events, head.first_seq):
            item.seq = seq
        self._grow_log(head)
        event_store.append(self.connection, events)
        self._append_flag_changes(events)
        outbox.enqueue(self.connection, events, routes, self.now)
        numbered: dict[Any, list[tuple[str, int]]] = {}
        for row_type, row_id, item in pending.leaf_columns:
            numbered.setdefault(row_type, []).append((row_id, item.leaf_index))
        for row_type, rows in numbered.items():
            update_rows(self.connection, row_type, ("id",), ("leaf_index",), rows)

    def _append_flag_changes(self, events: list[Recorded]) -> None:
        """Store whose flags changed: of a partner and a request the last event alone."""
        changed = {
            (partner, item.request_id): item.seq
            for item in events
            if item.request_id is not None
            for partner in item.flags_of
        }
        flag_store.append_changes(
            self.connection,
            [(partner, seq, request) for (partner, request), seq in changed.items()],
        )

    def _grow_log(self, head: log_store.Head) -> None:
        """Append the leaves to the tree, have it signed, and store both."""
        frontier = log_store.caught_up(self.connection, head)
        leaves = [item.leaf for item in self._pending.recorded if item.leaf is not None]
        if self._pending.log_key is not None:
            head = head._replace(signing_key=self._pending.log_key)
        try:
            growth = grow(frontier, leaves, self._log_signer, self.now, head.signing_key)
        except SignerError as error:
            raise UnavailableError("the log cannot be signed", why=str(error)) from None
        for item in self._pending.recorded:
            item.growth = growth
        log_store.append(self.connection, growth.leaves)
        sets_tag_key = bool(self._pending.tag_keys)
        log_store.store_head(
            self.connection, head, growth.frontier, self.now, sets_tag_key=sets_tag_key
        )

    def _store_sequences(self) -> None:
        legs = [(leg_id, *numbers) for leg_id, numbers in self._leg_sequences.items()]
        update_rows(self.connection, LegRow, ("id",), _LEG_NUMBERS, legs)
        requests = list(self._request_sequences.items())
        update_rows(self.connection, FreezeRequestRow, ("id",), ("event_sequence",), requests)

    def _require_standing(self, revocations: int) -> None:
        if self._standing is None:
            return
        if revocations - int(self._revokes) == self._standing.revocations:
            return
        if not still_stands(self.connection, self._standing, ended_here=self._taken_away):
            raise AuthenticationError(
                "the key was revoked, or its partner suspended, meanwhile", code="revoked_key"
            )


#: Columns of a leg in the order of `LegNumbers`.
_LEG_NUMBERS = ("event_sequence", "requester_sequence")


def _tags(keys: TagKeys, item: Recorded) -> list[bytes | None]:
    found = keys.of(item.tagged)
    return found + [None] * (item.seems_told - len(found))


@contextmanager
def transaction(context: CommandContext, evidence: Evidence | None = None) -> Iterator[UnitOfWork]:
    """Yield a unit of work; commits at the end of the block, rolls back if it raises.

    The block calls `finish()` itself, so that it has the answer's bytes.
    """
    with context.database.transaction() as connection:
        yield UnitOfWork(connection, context, evidence)
