"""The keys of one log, one after the other, and the statements by which one takes over.

A log says in two entries that its key is another one. Each commits to an event whose bytes are
public: whoever has them checks them as any other event (`holdfast.protocol.commitment`).

- `log.key_handed_over`: `origin`, `old_key` and `new_key` (verifier keys, c2sp.org/signed-note).
  It is proven under the old key. From its own index on, the new key's signature counts, too: on
  each tree that has this entry.
- `log.key_retired`: the same, and `handed_over_at`, the index of the former. From its own index on,
  every checkpoint bears the new key's signature, and the old one's counts for nothing.

Neither says its own index: nobody knows before the commit which one that will be.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from holdfast.protocol import strict_json
from holdfast.protocol.commitment import check_event
from holdfast.protocol.errors import LogKeyError, NoteError, ProtocolError
from holdfast.protocol.signed_note import NoteVerifier
from holdfast.protocol.views import LogKeySpanView

HANDED_OVER: Final = "log.key_handed_over"
RETIRED: Final = "log.key_retired"
KEY_CHANGES: Final = frozenset({HANDED_OVER, RETIRED})


@dataclass(frozen=True, slots=True)
class KeySpan:
    """A key, and on which trees its signature counts.

    Attributes:
        key: The verifier key; its name is the log's origin.
        first: Leaves of the smallest tree.
        last: Leaves of the largest; None: it is in force.
    """

    key: NoteVerifier
    first: int = 0
    last: int | None = None

    def counts_at(self, size: int) -> bool:
        """Tell whether its signature counts on the tree of so many leaves."""
        return self.first <= size and (self.last is None or size <= self.last)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What an entry says of the log's keys; whether the log has it is another question.

    Attributes:
        type: `HANDED_OVER` or `RETIRED`.
        index: Of the entry.
        old: The key that is replaced.
        new: The one that takes over.
        handed_over_at: Index of the entry that handed over: its own, or that of the former.
        place: The member `log` of the event, with the proof.
        body: The event's bytes.
    """

    type: str
    index: int
    old: NoteVerifier
    new: NoteVerifier
    handed_over_at: int
    place: Mapping[str, Any] = field(compare=False, repr=False)
    body: bytes = field(compare=False, repr=False)

    @property
    def proven_by(self) -> NoteVerifier:
        """The key under which it must be in the log: the one whose word it is."""
        return self.old if self.type == HANDED_OVER else self.new


def change_data(
    old: NoteVerifier, new: NoteVerifier, handed_over_at: int | None = None
) -> dict[str, object]:
    """Return the members of a statement's `data`; with `handed_over_at` it retires the old key."""
    data: dict[str, object] = {"origin": old.name, "old_key": str(old), "new_key": str(new)}
    return data if handed_over_at is None else {**data, "handed_over_at": handed_over_at}


def parse_key_change(body: bytes) -> KeyChange:
    """Return the statement in an event's bytes.

    Raises:
        LogKeyError: If it is none, or not the one that its entry commits to.
    """
    try:
        place = check_event(body)
        event = strict_json.loads(body)
        data, kind = event["data"], event["type"]
        old, new = NoteVerifier.parse(data["old_key"]), NoteVerifier.parse(data["new_key"])
        index, origin = place["leaf_index"], data["origin"]
        handed_over_at = index if kind == HANDED_OVER else data["handed_over_at"]
    except NoteError as error:
        raise LogKeyError(f"it names a key that is none: {error}", code="bad_statement") from None
    except (ProtocolError, LookupError, TypeError, AttributeError) as error:
        raise LogKeyError(
            f"this is no statement about the log's keys: {error}", code="bad_statement"
        ) from None
    # The commitment alone binds neither to what everybody reads in the log.
    if kind not in KEY_CHANGES or (kind, event["timestamp"]) != (place["type"], place["at"]):
        raise LogKeyError("it was logged as something else", code="bad_statement")
    if type(index) is not int or type(handed_over_at) is not int or index < 0:
        raise LogKeyError("it names no entry", code="bad_statement")
    if {origin, old.name, new.name} != {origin}:
        raise LogKeyError("it is about keys of different logs", code="other_log")
    return KeyChange(kind, index, old, new, handed_over_at, place, body)


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of one log that somebody trusts, the oldest first.

    Attributes:
        spans: At least one.
    """

    spans: tuple[KeySpan, ...]

    @classmethod
    def of(cls, trusted: "TrustedLog") -> "LogKeys":
        """Return a set of keys, or one key as a set."""
        return trusted if isinstance(trusted, LogKeys) else cls((KeySpan(trusted),))

    @classmethod
    def from_views(cls, views: Iterable[LogKeySpanView]) -> "LogKeys":
        """Return what `views` made.

        Raises:
            NoteError: If a key is none, or there are none.
        """
        spans = tuple(
            KeySpan(NoteVerifier.parse(each.verifier_key), each.first_size, each.last_size)
            for each in views
        )
        if not spans:
            raise NoteError("there is no key")
        return cls(spans)

    def views(self) -> list[LogKeySpanView]:
        """Return it as documents have it."""
        return [
            LogKeySpanView(verifier_key=str(each.key), first_size=each.first, last_size=each.last)
            for each in self.spans
        ]

    @property
    def name(self) -> str:
        """The log's origin."""
        return self.spans[0].key.name

    @property
    def newest(self) -> NoteVerifier:
        """The key that came last."""
        return self.spans[-1].key

    @property
    def keys(self) -> tuple[NoteVerifier, ...]:
        """All of them."""
        return tuple(each.key for each in self.spans)

    def counting_at(self, size: int) -> tuple[NoteVerifier, ...]:
        """Return those whose signature counts on the tree of so many leaves."""
        return tuple(each.key for each in self.spans if each.counts_at(size))

    def only(self, key: NoteVerifier) -> "LogKeys":
        """Return one of the keys alone, for the trees on which it counts."""
        return LogKeys(tuple(each for each in self.spans if each.key == key))

    def changed_by(self, change: KeyChange) -> "LogKeys":
        """Return the keys as they are with a statement, which the caller has proven.

        One that was taken in before changes nothing.

        Raises:
            LogKeyError: If it does not follow from these keys.
        """
        if change.old.name != self.name:
            raise LogKeyError(
                f"it is about the log {change.old.name}, not {self.name}", code="other_log"
            )
        return self._handed_over(change) if change.type == HANDED_OVER else self._retired(change)

    def _handed_over(self, change: KeyChange) -> "LogKeys":
        number = self._number(change.old)
        if number is None:
            raise LogKeyError(
                f"entry {change.index} hands over from {change.old}, which is no key that is"
                " trusted",
                code="unknown_key",
            )
        if number + 1 < len(self.spans):
            known = self.spans[number + 1]
            if (known.key, known.first) == (change.new, change.index + 1):
                return self
            raise LogKeyError(
                f"entry {change.index} hands over to {change.new}, and {change.old} had handed over"
                f" to {known.key} already",
                code="two_successors",
            )
        if self._number(change.new) is not None:
            raise LogKeyError(f"{change.new} was a key of this log before", code="bad_order")
        if len(self.spans) > 1 and self.spans[-2].last is None:
            raise LogKeyError(
                f"entry {change.index} hands over again, and {self.spans[-2].key} was not retired",
                code="bad_order",
            )
        if change.index < self.spans[-1].first:
            raise LogKeyError(
                f"entry {change.index} hands over from a key that came later", code="bad_order"
            )
        return LogKeys((*self.spans, KeySpan(change.new, change.index + 1)))

    def _retired(self, change: KeyChange) -> "LogKeys":
        if change.index <= change.handed_over_at:
            raise LogKeyError(
                f"entry {change.index} retires a key that was not replaced yet", code="bad_order"
            )
        number = self._number(change.new)
        if number is None:
            raise LogKeyError(
                f"entry {change.index} retires a key in favour of {change.new}, which is no key"
                " that is trusted",
                code="unknown_key",
            )
        if number == 0:
            # Whoever trusts the new key learns from it which one was there before.
            if self._number(change.old) is not None:
                raise LogKeyError(f"{change.old} came after {change.new}", code="bad_order")
            before = KeySpan(change.old, 0, change.index)
            first = replace(self.spans[0], first=change.handed_over_at + 1)
            return LogKeys((before, first, *self.spans[1:]))
        before, after = self.spans[number - 1], self.spans[number]
        if before.key != change.old or after.first != change.handed_over_at + 1:
            raise LogKeyError(
                f"entry {change.index} retires {change.old}, which did not hand over so",
                code="two_successors",
            )
        if before.last not in {None, change.index}:
            raise LogKeyError(f"{change.old} is retired twice", code="bad_order")
        ended = replace(before, last=change.index)
        return LogKeys((*self.spans[: number - 1], ended, *self.spans[number:]))

    def _number(self, key: NoteVerifier) -> int | None:
        return next((n for n, each in enumerate(self.spans) if each.key == key), None)


#: What a reader trusts: one key for all trees, or several with the trees on which each counts.
TrustedLog = NoteVerifier | LogKeys
