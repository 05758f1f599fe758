"""Following the log from a key that one trusts to those before and after it.

    keys = follow_log_keys(pinned, client.log_key_statements())

Only statements that the log itself made count: each must be an entry, proven under the key whose
word it is (`holdfast.protocol.log_keys`). One that does not hold refuses them all. What a log said
while it had another origin is about another log, and passed over.
"""

from collections.abc import Iterable, Sequence

from holdfast.errors import LogHandoverError, UntrustedEvidenceError
from holdfast.evidence.log_inclusion import prove_log_entry
from holdfast.protocol.errors import LogKeyError
from holdfast.protocol.log_keys import (
    RETIRED,
    KeyChange,
    LogKeys,
    TrustedLog,
    parse_key_change,
)


def follow_log_keys(trusted: TrustedLog, statements: Iterable[bytes]) -> LogKeys:
    """Return all keys of a log that follow from those that one trusts.

    Args:
        trusted: From where one trusts it.
        statements: The bytes of events, as `GET /v1/log/keys` or a bundle has them, in any order.

    Raises:
        LogHandoverError: If a statement is none, is not proven, or does not follow.
    """
    changes = read_statements(statements)
    return with_successors(with_predecessors(LogKeys.of(trusted), changes), changes)


def read_statements(statements: Iterable[bytes]) -> list[KeyChange]:
    """Return statements in the order of the log; none is proven yet.

    Raises:
        LogHandoverError: If one is none.
    """
    try:
        changes = [parse_key_change(body) for body in statements]
    except LogKeyError as error:
        raise LogHandoverError(str(error), code=error.code) from None
    return sorted(changes, key=lambda change: change.index)


def with_predecessors(keys: LogKeys, changes: Sequence[KeyChange]) -> LogKeys:
    """Return the keys with those that were there before the oldest of them.

    It was the word of each that the one before it was retired.

    Raises:
        LogHandoverError: If a statement is not proven, or does not follow.
    """
    for change in reversed(_of(keys, changes)):
        oldest = keys.spans[0].key
        if change.type == RETIRED and change.new == oldest and change.old != oldest:
            keys = _taken(keys, change)
    return keys


def with_successors(keys: LogKeys, changes: Sequence[KeyChange]) -> LogKeys:
    """Return the keys with those that came after them.

    Raises:
        LogHandoverError: If a statement is not proven, or does not follow.
    """
    for change in _of(keys, changes):
        keys = _taken(keys, change)
    return keys


def _of(keys: LogKeys, changes: Sequence[KeyChange]) -> list[KeyChange]:
    return [change for change in changes if change.old.name == keys.name]


def _taken(keys: LogKeys, change: KeyChange) -> LogKeys:
    """Return the keys with one more statement, once it is proven to be in the log."""
    try:
        taken = keys.changed_by(change)
    except LogKeyError as error:
        raise LogHandoverError(str(error), code=error.code) from None
    if taken == keys:
        return keys
    try:
        prove_log_entry(change.place, taken.only(change.proven_by))
    except UntrustedEvidenceError as error:
        raise LogHandoverError(
            f"{change.type} in entry {change.index}: {error}", code="not_logged"
        ) from None
    return taken
