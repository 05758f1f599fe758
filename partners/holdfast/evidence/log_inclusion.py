"""Proving that what one was told stands in the transparency log, under a key that one trusts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.case_file import Finding, Result
from holdfast.protocol import base64url, canonical_json, strict_json
from holdfast.protocol.checkpoint import Checkpoint
from holdfast.protocol.commitment import check_event
from holdfast.protocol.errors import LogError, ProtocolError
from holdfast.protocol.life_cycle_views import RequestEventView
from holdfast.protocol.log_entry import LogEntry, unpack_tags
from holdfast.protocol.log_keys import TrustedLog
from holdfast.protocol.log_proof import LogProof, parse_log_proof
from holdfast.protocol.payloads import format_time, parse_time
from holdfast.wording import counted

#: How many faults are told in words.
_TOLD = 5


class NoLogProofError(UntrustedEvidenceError):
    """It carries no proof: it was logged before the coordinator signed its log."""

    def __init__(self) -> None:
        super().__init__("it carries no proof from the log", code="no_log_proof")


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry that is proven to be in the log.

    Attributes:
        entry: What stands there.
        index: Its place, from 0.
        checkpoint: The signed state of the log under which that is proven.
    """

    entry: LogEntry
    index: int
    checkpoint: Checkpoint


def prove_log_entry(place: Mapping[str, Any], log_key: TrustedLog) -> LoggedEntry:
    """Return the entry that `log` of an answer or an event names, if it is in the log.

    (1) Id, type, time, commitment and tags are those of an entry. (2) Its `proof` is one, and of
    this place. (3) The log with this key signed the checkpoint, and the proof leads from the entry
    to its root.

    Args:
        place: The member `log`, as it came.
        log_key: The log's key or keys, from where one trusts them: see `Client.log_key`.

    Raises:
        NoLogProofError: If there is no `proof`.
        UntrustedEvidenceError: If anything of this does not hold.
    """
    # (1) What should stand there.
    entry = _entry(place)
    encoded = entry.encode()
    index, text = place["leaf_index"], place.get("proof")
    if text is None:
        raise NoLogProofError
    # (2) The proof, and whether it is of this place.
    proof = _proof(text)
    if proof.index != index:
        raise UntrustedEvidenceError(
            f"the proof is of entry {proof.index}, and {index} is claimed", code="not_in_log"
        )
    # (3) The checkpoint, and the way to its root.
    try:
        checkpoint = proof.check(encoded, log_key)
    except LogError as error:
        raise UntrustedEvidenceError(f"it is not in the log: {error}", code="not_in_log") from None
    return LoggedEntry(entry, proof.index, checkpoint)


def entry_of(place: Mapping[str, Any]) -> tuple[int, bytes]:
    """Return where `log` of an answer or an event says that something stands, and what.

    Raises:
        UntrustedEvidenceError: If it names no entry.
    """
    return place["leaf_index"], _entry(place).encode()


def _entry(place: Mapping[str, Any]) -> LogEntry:
    try:
        entry = LogEntry(
            bytes.fromhex(place["leaf_id"]),
            place["type"],
            parse_time(place["at"]),
            bytes.fromhex(place["commitment"]),
            unpack_tags(base64url.decode(place.get("tags", ""))),
        )
        entry.encode()
        index = place["leaf_index"]
    except (LookupError, TypeError, ValueError, AttributeError, ProtocolError):
        raise UntrustedEvidenceError("this names no entry of the log", code="no_entry") from None
    if type(index) is not int or index < 0:
        raise UntrustedEvidenceError("this names no entry of the log", code="no_entry")
    return entry


def _proof(text: object) -> LogProof:
    if not isinstance(text, str):
        raise UntrustedEvidenceError("a proof is a text", code="not_in_log")
    try:
        # A lone surrogate is in no proof, and has no bytes.
        return parse_log_proof(text.encode(errors="replace"))
    except LogError as error:
        raise UntrustedEvidenceError(str(error), code="not_in_log") from None


def prove_logged_event(body: bytes, log_key: TrustedLog) -> LoggedEntry:
    """Return the log's entry of an event if it is there, and commits to this very event.

    Args:
        body: The webhook's body as it was delivered, or `data`, `timestamp` and `type` of the feed.
        log_key: The log's key or keys, from where one trusts them.

    Raises:
        NoLogProofError: If it carries no proof.
        UntrustedEvidenceError: If it is no event, or not the one that was logged, with this
            content, type and time. A test of a type is logged as a test: it is no such event.
    """
    try:
        place = check_event(body)
        event = strict_json.loads(body)
    except ProtocolError as error:
        raise UntrustedEvidenceError(str(error), code="not_as_logged") from None
    logged = prove_log_entry(place, log_key)
    # The commitment alone does not bind these to what everybody reads in the log.
    if event["type"] != logged.entry.type:
        raise UntrustedEvidenceError(
            f"it was logged as {logged.entry.type}, and not as what it says", code="not_as_logged"
        )
    if event["timestamp"] != format_time(logged.entry.at):
        raise UntrustedEvidenceError(
            f"it was logged at {format_time(logged.entry.at)}, and not when it says",
            code="not_as_logged",
        )
    return logged


@dataclass(slots=True)
class _Proven:
    """What was proven of one request's events so far.

    Attributes:
        places: Their indexes.
        roots: Of the trees that the log signed, by size.
    """

    request_id: str
    places: set[int] = field(default_factory=set)
    roots: dict[int, bytes] = field(default_factory=dict)

    def take(self, event: RequestEventView, logged: LoggedEntry) -> None:
        """Take an event in.

        Raises:
            UntrustedEvidenceError: If it does not go with the request, or with the others.
        """
        if event.data.get("request_id") != self.request_id:
            raise UntrustedEvidenceError("it is of another request", code="not_as_logged")
        if event.leaf_index != logged.index or logged.index in self.places:
            raise UntrustedEvidenceError(
                f"entry {logged.index} is shown in another place, or twice", code="not_as_logged"
            )
        self.places.add(logged.index)
        size, root = logged.checkpoint.size, logged.checkpoint.root
        if self.roots.setdefault(size, root) != root:
            raise UntrustedEvidenceError(
                f"the log signed two trees of {size} leaves: keep both proofs, and show them to"
                " other members",
                code="forked_log",
            )


def look_at_log(
    request_id: str, events: Iterable[RequestEventView], log_key: TrustedLog
) -> Finding:
    """Return what came of looking for a request's events in the log.

    Each must be of this request and the only one in its place, and no two checkpoints of one size
    may differ: that would be two logs.

    Args:
        request_id: Of the request.
        events: As the reader was told them.
        log_key: The log's key or keys, from where one trusts them.
    """
    proven = _Proven(request_id)
    unproven = 0
    faults = []
    for event in events:
        try:
            proven.take(event, prove_logged_event(_body(event), log_key))
        except NoLogProofError:
            unproven += 1
        except UntrustedEvidenceError as error:
            faults.append(f"{event.type} (entry {event.leaf_index}): {error}")
    if faults:
        more = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
        return Finding("log", Result.FAILED, "; ".join(faults[:_TOLD]) + more)
    where = (
        f"{counted(len(proven.places), 'event')} in the log {log_key.name}, as its key signed it"
    )
    if unproven:
        bare = f"{counted(unproven, 'event')} without proof, as from before the log had a key"
        return Finding("log", Result.ASSERTED, f"{where}; {bare}")
    return Finding("log", Result.VERIFIED if proven.places else Result.ASSERTED, where)


def _body(event: RequestEventView) -> bytes:
    return canonical_json.dumps(
        {"data": event.data, "timestamp": format_time(event.timestamp), "type": event.type}
    )
