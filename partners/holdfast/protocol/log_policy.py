"""Policies: which logs count, which witnesses, and how many of them are enough.

The text format is that of c2sp.org/tlog-policy, a definition in each line:

```text
log c.example/v1/log+…
witness alpha alpha.example/witness+…
witness beta beta.example/witness+…
witness gamma gamma.example/witness+…
witness outside ngo.example/witness+…
group members 2 alpha beta gamma
group both all members outside
quorum both
```

A name stands in at most one group, so that no witness counts twice. Keys of kinds that are not
known here keep their names, and count as never having signed.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from holdfast.protocol.checkpoint import Checkpoint, open_checkpoint
from holdfast.protocol.cosignature import (
    TIMESTAMPED_ED25519,
    Cosignature,
    WitnessVerifier,
    check_cosignatures,
)
from holdfast.protocol.errors import CheckpointError, LogPolicyError, NoteError
from holdfast.protocol.log_keys import TrustedLog
from holdfast.protocol.signed_note import ED25519, NoteVerifier, parse_key_line, parse_note

#: The quorum that asks for no cosignature.
NONE = "none"
MAX_POLICY_BYTES = 1 << 18
#: Logs, witnesses and groups together.
_MAX_DEFINITIONS = 500
_SPACE = re.compile(r"[ \t]+")
_REFUSED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NUMBER = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Group:
    """Names of which so many must have cosigned.

    Attributes:
        least: How many, 1 to the number of members.
        members: Names of witnesses and of other groups.
    """

    least: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A checkpoint as a policy sees it.

    Attributes:
        checkpoint: What a log of the policy signed.
        cosignatures: Those of the policy's witnesses, verified.
        is_met: Whether they are enough.
    """

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]
    is_met: bool


@dataclass(frozen=True, slots=True)
class LogPolicy:
    """What is asked of a checkpoint before it counts.

    Attributes:
        logs: Keys of the logs, each by its origin; those of unknown kinds are left out.
        witnesses: Keys by the name that the policy gives each; None: of an unknown kind.
        groups: By name, each after those that it names.
        quorum: A witness or a group; `NONE`: no cosignature is asked for.
        has_logs: Whether logs are named, if only of unknown kinds.
    """

    logs: tuple[NoteVerifier, ...] = ()
    witnesses: Mapping[str, WitnessVerifier | None] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = NONE
    has_logs: bool = False

    @property
    def verifiers(self) -> tuple[WitnessVerifier, ...]:
        """The keys of its witnesses, as far as their kinds are known."""
        return tuple(key for key in self.witnesses.values() if key is not None)

    def is_met(self, cosigned: Collection[WitnessVerifier]) -> bool:
        """Tell whether these witnesses are enough, none counted twice and strangers not at all."""
        if self.quorum == NONE:
            return True
        signed = {name for name, key in self.witnesses.items() if key in cosigned}
        for name, group in self.groups.items():
            if len(signed.intersection(group.members)) >= group.least:
                signed.add(name)
        return self.quorum in signed

    def judge(self, encoded: bytes, log: TrustedLog | None = None) -> Judged:
        """Return a checkpoint with what the policy says of it.

        Args:
            encoded: The signed note, with its cosignatures.
            log: The log's key, or its keys, from where they are trusted; None: it must be a log of
                the policy.

        Raises:
            CheckpointError: If it is no checkpoint of such a log.
            CosignatureError: If a cosignature of one of the witnesses does not verify.
        """
        checkpoint = open_checkpoint(encoded, log or self._log_of(encoded))
        cosignatures = tuple(check_cosignatures(parse_note(encoded), self.verifiers))
        cosigned = [each.witness for each in cosignatures]
        return Judged(checkpoint, cosignatures, self.is_met(cosigned))

    def require(self, encoded: bytes, log: TrustedLog | None = None) -> Judged:
        """Return a checkpoint that meets the policy; arguments and errors are those of `judge`.

        Raises:
            LogPolicyError: If too few of its witnesses cosigned.
        """
        judged = self.judge(encoded, log)
        if not judged.is_met:
            names = ", ".join(each.witness.name for each in judged.cosignatures) or "nobody"
            raise LogPolicyError(
                f"the policy asks for the quorum {self.quorum!r}, and of its witnesses"
                f" {names} cosigned"
            )
        return judged

    def _log_of(self, encoded: bytes) -> NoteVerifier:
        """Return the key of the policy that signed a note."""
        try:
            return parse_note(encoded).require_signed(*self.logs)[0]
        except NoteError as error:
            raise CheckpointError(f"by no log of the policy: {error}") from None


def parse_policy(encoded: bytes) -> LogPolicy:
    """Return the policy in a text.

    Args:
        encoded: In UTF-8.

    Raises:
        LogPolicyError: If it is none; the message names the line.
    """
    if len(encoded) > MAX_POLICY_BYTES:
        raise LogPolicyError(f"a policy of more than {MAX_POLICY_BYTES} bytes is not read")
    try:
        text = encoded.decode()
    except UnicodeDecodeError:
        raise LogPolicyError("a policy is UTF-8") from None
    reader = _Reader()
    for number, words in _lines(text):
        try:
            reader.take(words)
        except (LogPolicyError, NoteError) as error:
            raise LogPolicyError(f"line {number}: {error}") from None
    return reader.policy()


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield what stands in each line that says something, with its number from 1."""
    for number, line in enumerate(text.split("\n"), 1):
        if _REFUSED.search(line):
            raise LogPolicyError(
                f"line {number}: no control characters but tabs may stand here, and lines end with"
                " a line feed alone"
            )
        words = [word for word in _SPACE.split(line) if word]
        if words and not words[0].startswith("#"):
            yield number, words


class _Reader:
    """What was read of a policy so far."""

    def __init__(self) -> None:
        self._logs: list[NoteVerifier] = []
        self._witnesses: dict[str, WitnessVerifier | None] = {}
        self._groups: dict[str, Group] = {}
        self._quorum: str | None = None
        self._grouped: set[str] = set()
        #: Of logs and of witnesses: kind and material, by the word that defines them.
        self._keys: dict[str, set[tuple[int, bytes]]] = {"log": set(), "witness": set()}
        self._definitions = 0

    def take(self, words: list[str]) -> None:
        """Take a line in.

        Raises:
            LogPolicyError: If it defines nothing.
            NoteError: If its key is none.
        """
        self._definitions += 1
        if self._definitions > _MAX_DEFINITIONS:
            raise LogPolicyError(f"a policy has at most {_MAX_DEFINITIONS} definitions")
        match words:
            case ["log", key] | ["log", key, _]:
                self._take_log(key)
            case ["witness", name, key] | ["witness", name, key, _]:
                self._take_witness(name, key)
            case ["group", name, least, *members] if members:
                self._take_group(name, least, members)
            case ["quorum", name]:
                self._take_quorum(name)
            case _:
                raise LogPolicyError(
                    'a line is "log KEY [URL]", "witness NAME KEY [URL]",'
                    ' "group NAME all|any|NUMBER NAME…" or "quorum NAME|none"'
                )

    def policy(self) -> LogPolicy:
        """Return what the lines say together.

        Raises:
            LogPolicyError: If none of them says what the quorum is.
        """
        if self._quorum is None:
            raise LogPolicyError('a policy has one line "quorum NAME", or "quorum none"')
        return LogPolicy(
            tuple(self._logs),
            self._witnesses,
            self._groups,
            self._quorum,
            has_logs=bool(self._keys["log"]),
        )

    def _take_log(self, text: str) -> None:
        if self._kind_of("log", text) == ED25519:
            self._logs.append(NoteVerifier.parse(text))

    def _take_witness(self, name: str, text: str) -> None:
        self._require_new(name)
        is_known = self._kind_of("witness", text) == TIMESTAMPED_ED25519
        self._witnesses[name] = WitnessVerifier.parse(text) if is_known else None

    def _take_group(self, name: str, least: str, members: list[str]) -> None:
        self._require_new(name)
        for member in members:
            self._require_known(member)
            if member in self._grouped:
                raise LogPolicyError(f"{member!r} stands in a group already, and counts once")
            self._grouped.add(member)
        bounds = {"any": 1, "all": len(members)}
        number = bounds.get(least) or (int(least) if _NUMBER.fullmatch(least) else 0)
        if not 1 <= number <= len(members):
            raise LogPolicyError(
                f'of this group "all", "any" or 1 to {len(members)} can be asked for, not {least!r}'
            )
        self._groups[name] = Group(number, tuple(members))

    def _take_quorum(self, name: str) -> None:
        if self._quorum is not None:
            raise LogPolicyError("the quorum is said twice")
        if name != NONE:
            self._require_known(name)
        self._quorum = name

    def _kind_of(self, word: str, text: str) -> int:
        """Return the kind of a key that is new among the logs, or among the witnesses."""
        line = parse_key_line(text)
        if word == "log" and line.kind == TIMESTAMPED_ED25519:
            raise LogPolicyError("this is a witness's key, not a log's")
        if word == "witness" and line.kind == ED25519:
            raise LogPolicyError("this is a log's key; a witness's is of kind 4")
        if (line.kind, line.material) in self._keys[word]:
            raise LogPolicyError(f"a {word} with this key is there already")
        self._keys[word].add((line.kind, line.material))
        return line.kind

    def _require_new(self, name: str) -> None:
        if name == NONE or name in self._witnesses or name in self._groups:
            raise LogPolicyError(f"{name!r} is taken: give each witness and group its own name")

    def _require_known(self, name: str) -> None:
        if name not in self._witnesses and name not in self._groups:
            raise LogPolicyError(f"{name!r} is no witness and no group of a line before")
