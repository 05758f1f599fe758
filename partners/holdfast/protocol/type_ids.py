"""Ids that say their type and sort by time: TypeID 0.3 over UUIDv7 (RFC 9562)."""

import os
import re
import threading
import time
from functools import cache
from itertools import accumulate
from uuid import UUID

from holdfast.protocol.errors import IdFormatError

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SUFFIX = "[0-7][0-9a-hjkmnp-tv-z]{25}"
#: Any TypeID with a prefix; 63 characters of prefix at most.
ID_PATTERN = rf"^[a-z](?:[a-z_]{{0,61}}[a-z])?_{_SUFFIX}$"
_PREFIX = re.compile(r"[a-z](?:[a-z_]{0,61}[a-z])?", re.ASCII)
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_SHIFTS = tuple(range(120, -1, -10))
#: The last ten characters of an id, and those before them.
_TAIL_BITS = 50
_TAIL_SHIFTS = tuple(range(_TAIL_BITS - 10, -1, -10))
_HEAD_SHIFTS = tuple(range(120 - _TAIL_BITS, -1, -10))
_VERSION_AND_VARIANT = 0x7 << 76 | 0b10 << 62
_RANDOM_BITS = 74
_LOW_BITS = 62
_LOW_MASK = (1 << _LOW_BITS) - 1
_MAX_MS = 2**48 - 1


class _Sequence:
    """The last id of this process: within one millisecond the random part only grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ms = -1
        self._random = 0

    def take(self, ms: int, count: int) -> list[int]:
        """Return the random parts of the next `count` ids, ascending."""
        with self._lock:
            if ms != self._ms:
                self._ms = ms
                # The highest bit stays free, so that no number of steps in a millisecond overflows.
                self._random = int.from_bytes(os.urandom(10), "big") >> (80 - _RANDOM_BITS + 1)
            # A random step (RFC 9562 section 6.2, method 2) keeps the next id hard to guess.
            steps = memoryview(os.urandom(4 * count)).cast("I")
            passed = list(
                accumulate(steps, lambda last, step: last + 1 + step, initial=self._random)
            )
            self._random = passed[-1]
            return passed[1:]

    def reset(self) -> None:
        """Forget everything: a forked child must not continue its parent's numbers."""
        self.__init__()  # type: ignore[misc]


_SEQUENCE = _Sequence()
os.register_at_fork(after_in_child=_SEQUENCE.reset)


def id_pattern(*prefixes: str) -> str:
    """Return the pattern, anchored at both ends, of ids with one of `prefixes`.

    Raises:
        IdFormatError: If a prefix is not 1 to 63 of a-z and inner underscores.
    """
    for prefix in prefixes:
        if not _PREFIX.fullmatch(prefix):
            raise IdFormatError(f"{prefix!r} is no TypeID prefix")
    return rf"^(?:{'|'.join(prefixes)})_{_SUFFIX}$"


@cache
def _matcher(prefix: str) -> re.Pattern[str]:
    return re.compile(id_pattern(prefix).removesuffix("$"), re.ASCII)


def new_id(prefix: str, *, now_ms: int | None = None) -> str:
    """Return a new id, e.g. "frq_01jc3m…": later ids of one process sort after earlier ones.

    Args:
        prefix: What the id names, e.g. "frq".
        now_ms: Milliseconds since 1970 UTC; None reads the machine's clock.

    Raises:
        IdFormatError: If the prefix is malformed or the time lies outside 48 bits.
    """
    ms = _moment(prefix, now_ms)
    return f"{prefix}_{_encode(_number(ms, _SEQUENCE.take(ms, 1)[0]))}"


def new_ids(prefix: str, count: int, *, now_ms: int | None = None) -> list[str]:
    """Return `count` new ids in ascending order, for a third of what as many `new_id` cost.

    Raises:
        IdFormatError: As `new_id`.
    """
    ms = _moment(prefix, now_ms)
    made, top, head = [], -1, ""
    for random in _SEQUENCE.take(ms, count):
        number = _number(ms, random)
        if number >> _TAIL_BITS != top:
            # Ids of one moment differ at their ends only; the rest is spelled once.
            top = number >> _TAIL_BITS
            head = f"{prefix}_" + "".join([_PAIRS[top >> shift & 1023] for shift in _HEAD_SHIFTS])
        made.append(head + "".join([_PAIRS[number >> shift & 1023] for shift in _TAIL_SHIFTS]))
    return made


def _moment(prefix: str, now_ms: int | None) -> int:
    _matcher(prefix)
    ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    if not 0 <= ms <= _MAX_MS:
        raise IdFormatError("the time of an id lies between 1970 and 10889")
    return ms


def _number(ms: int, random: int) -> int:
    return ms << 80 | _VERSION_AND_VARIANT | random >> _LOW_BITS << 64 | random & _LOW_MASK


def _encode(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def parse_id(value: object, prefix: str) -> str:
    """Return `value` if it is an id with this prefix.

    Raises:
        IdFormatError: If it is not; the text says what was expected.
    """
    if isinstance(value, str) and _matcher(prefix).fullmatch(value):
        return value
    raise IdFormatError(f'must be an id: "{prefix}_" and 26 characters of 0-9 a-z')


def from_uuid(prefix: str, uuid: UUID) -> str:
    """Return the id with `prefix` that stands for `uuid`."""
    _matcher(prefix)
    return f"{prefix}_{_encode(uuid.int)}"


def to_uuid(value: str, prefix: str) -> UUID:
    """Return the UUID inside an id.

    Raises:
        IdFormatError: If `value` is no id with this prefix.
    """
    number = 0
    for character in parse_id(value, prefix).removeprefix(f"{prefix}_"):
        number = number << 5 | _VALUES[character]
    return UUID(int=number)
