"""The log's part of a bundle: every entry proven under one checkpoint, and what it commits to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from holdfast.errors import BundleError, UntrustedEvidenceError
from holdfast.evidence.bundle.reader import BundleReader
from holdfast.evidence.key_directory import Places
from holdfast.protocol import base64url, canonical_json, strict_json
from holdfast.protocol import bundle_layout as layout
from holdfast.protocol.checkpoint import Checkpoint, open_checkpoint
from holdfast.protocol.commitment import split_committed
from holdfast.protocol.errors import LogError, ProtocolError
from holdfast.protocol.log_entry import LogEntry, decode_entry
from holdfast.protocol.log_keys import TrustedLog
from holdfast.protocol.log_proof import parse_log_proof
from holdfast.protocol.merkle_tree import check_inclusion, leaf_hash
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import EventType

#: Events that every member was told, about keys and not about a request.
_OF_KEYS = frozenset({EventType.GRANT_MADE, EventType.GRANT_REVOKED})


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """An event that an entry of the log commits to.

    Attributes:
        index: Of the entry.
        type: As the entry says.
        at: When it was logged.
        data: What was told.
    """

    index: int
    type: str
    at: datetime
    data: Mapping[str, Any]

    @property
    def act_id(self) -> str | None:
        """The act that it tells of; of a report the name that its lines know it by."""
        found = self.data.get("act_id", self.data.get("report_id"))
        return found if isinstance(found, str) else None


@dataclass(slots=True)
class BundleLog:
    """What of the log was proven.

    Attributes:
        checkpoint: The one under which everything is.
        entries: How many entries are in the tree.
        events: Those whose content is there.
        erased: Entries without their content.
        faults: What does not fit, in words.
    """

    checkpoint: Checkpoint
    entries: int = 0
    events: list[ToldEvent] = field(default_factory=list)
    erased: int = 0
    faults: list[str] = field(default_factory=list)

    def of_request(self) -> list[ToldEvent]:
        """Return the events of the request."""
        return [event for event in self.events if event.type not in _OF_KEYS]

    def of_keys(self) -> list[ToldEvent]:
        """Return the events about keys."""
        return [event for event in self.events if event.type in _OF_KEYS]

    def places(self, reader: BundleReader) -> Places:
        """Return where acts, grants and revocations stand, as far as entries say so."""
        grants: dict[str, int] = {}
        revoked: dict[str, int] = {}
        for event in self.of_keys():
            grant_id, ended = event.data.get("grant_id"), event.data.get("kids", [])
            if isinstance(grant_id, str):
                grants[grant_id] = event.index
                ended = [event.data.get("replaces")]
            for kid in ended if isinstance(ended, list) else ():
                if isinstance(kid, str):
                    revoked.setdefault(kid, event.index)
        acts: dict[str, int] = {}
        for event in self.of_request():
            if event.act_id is not None:
                # A report makes an event of each line.
                acts.setdefault(event.act_id, event.index)
        return Places(acts, grants, _granted(reader, grants), revoked)


def _granted(reader: BundleReader, grants: Mapping[str, int]) -> dict[str, int]:
    """Return where each key was granted first; only if no grant of it stands elsewhere."""
    found: dict[str, int] = {}
    elsewhere = set()
    for member in reader.members():
        for grant in reader.grants(member):
            place = grants.get(grant.id)
            if grant.kid is None:
                continue
            if place is None:
                elsewhere.add(grant.kid)
            else:
                found[grant.kid] = min(place, found.get(grant.kid, place))
    return {kid: place for kid, place in found.items() if kid not in elsewhere}


def read_checkpoint(reader: BundleReader, log_key: TrustedLog) -> Checkpoint:
    """Return the bundle's checkpoint if the log with this key signed it.

    Raises:
        UntrustedEvidenceError: If it did not, or it is of another size than the manifest says.
    """
    try:
        checkpoint = open_checkpoint(reader.read(layout.CHECKPOINT), log_key)
    except LogError as error:
        raise UntrustedEvidenceError(str(error), code="bad_checkpoint") from None
    if checkpoint.size != reader.manifest.tree_size:
        raise UntrustedEvidenceError(
            f"the checkpoint is of {checkpoint.size} entries, and the manifest of"
            f" {reader.manifest.tree_size}",
            code="bad_checkpoint",
        )
    return checkpoint


def log_key_statements(reader: BundleReader) -> Iterator[bytes]:
    """Yield what the log said of its keys, as the bytes of events (`holdfast.protocol.log_keys`).

    Raises:
        BundleError: If a file is missing, malformed, or has another name than one of an entry.
    """
    for index in reader.places("log-keys/"):
        committed = reader.read(layout.log_key_file(index, "committed"))
        proof = reader.read(layout.log_key_file(index, "tlog-proof"))
        try:
            entry = decode_entry(reader.read(layout.log_key_file(index, "entry")))
            salt, body = split_committed(committed)
            event = strict_json.loads(body)
        except ProtocolError as error:
            raise BundleError(f"entry {index} of log-keys: {error}", code="bad_file") from None
        if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
            raise BundleError(f"entry {index} of log-keys is no event", code="bad_file")
        place = {
            "leaf_index": index,
            "leaf_id": entry.leaf_id.hex(),
            "type": entry.type,
            "at": format_time(entry.at),
            "commitment": entry.commitment.hex(),
            "tags": base64url.encode(b"".join(entry.tags)),
            "salt": salt.hex(),
            "proof": proof.decode(errors="replace"),
        }
        yield canonical_json.dumps({**event, "data": {**event["data"], "log": place}})


def read_log(reader: BundleReader, checkpoint: Checkpoint) -> BundleLog:
    """Return what is proven of the entries in a bundle.

    Args:
        reader: The bundle.
        checkpoint: Its own, signed by a key that is trusted.

    Raises:
        BundleError: If a file is missing, or has another name than one of an entry.
    """
    log = BundleLog(checkpoint)
    note = reader.read(layout.CHECKPOINT)
    seen: set[str] = set()
    for index in reader.places():
        try:
            entry = _entry(reader, log.checkpoint, note, index)
            log.entries += 1
            committed = reader.find(layout.leaf_file(index, "committed"))
            if committed is None:
                log.erased += 1
                continue
            event = _event(committed, entry, index)
            _require_ours(reader, event, seen)
            log.events.append(event)
        except (UntrustedEvidenceError, ProtocolError) as error:
            log.faults.append(f"entry {index}: {error}")
    return log


def _entry(reader: BundleReader, checkpoint: Checkpoint, note: bytes, index: int) -> LogEntry:
    """Return the entry in a place if the proof leads from it to the checkpoint's root."""
    encoded = reader.read(layout.leaf_file(index, "entry"))
    proof = parse_log_proof(reader.read(layout.leaf_file(index, "tlog-proof")))
    if proof.index != index:
        raise UntrustedEvidenceError(f"its proof is of entry {proof.index}", code="not_in_log")
    if proof.checkpoint != note:
        raise UntrustedEvidenceError(
            "its proof is under another checkpoint than the bundle's", code="not_in_log"
        )
    check_inclusion(index, checkpoint.size, leaf_hash(encoded), proof.hashes, checkpoint.root)
    return decode_entry(encoded)


def _event(committed: bytes, entry: LogEntry, index: int) -> ToldEvent:
    if sha256(committed).digest() != entry.commitment:
        raise UntrustedEvidenceError("it commits to something else", code="not_as_logged")
    _, body = split_committed(committed)
    event = strict_json.loads(body)
    if (
        not isinstance(event, dict)
        or event.keys() != {"data", "timestamp", "type"}
        or not isinstance(event["data"], dict)
        or not canonical_json.is_canonical(body, event)
    ):
        raise UntrustedEvidenceError("it commits to no event", code="not_as_logged")
    # The commitment alone does not bind these to what everybody reads in the log.
    if (event["type"], event["timestamp"]) != (entry.type, format_time(entry.at)):
        raise UntrustedEvidenceError(
            f"it was logged as {entry.type} at {format_time(entry.at)}, and not as what it says",
            code="not_as_logged",
        )
    return ToldEvent(index, entry.type, entry.at, event["data"])


def _require_ours(reader: BundleReader, event: ToldEvent, seen: set[str]) -> None:
    """Refuse an event of another request, of a stranger's keys, or one that is shown twice."""
    if event.type in _OF_KEYS:
        if event.data.get("partner") not in reader.members():
            raise UntrustedEvidenceError("it is about the keys of a stranger", code="other_request")
    elif not reader.is_told_of(event.data):
        raise UntrustedEvidenceError("it is of another request", code="other_request")
    event_id = str(event.data.get("event_id"))
    if event_id in seen:
        raise UntrustedEvidenceError("its event is shown twice", code="shown_twice")
    seen.add(event_id)


def gaps(
    events: Iterable[ToldEvent],
    *,
    is_requester: bool,
    last_of_leg: Mapping[str, int],
) -> Iterator[str]:
    """Yield which numbers are missing: each side of a request numbers what it is told, from 1.

    Args:
        events: Of the request, all that one side was told.
        is_requester: Whose side; else that of the partner with the one leg.
        last_of_leg: The number of each leg's last event, as the leg is shown.
    """
    member = "requester_sequence" if is_requester else "sequence"
    found: dict[str, set[int]] = {leg: set() for leg in last_of_leg}
    of_request: set[int] = set()
    for event in events:
        leg, number = event.data.get("leg_id"), event.data.get(member)
        if isinstance(leg, str) and isinstance(number, int):
            found.setdefault(leg, set()).add(number)
        elif leg is None and is_requester and isinstance(event.data.get("sequence"), int):
            of_request.add(event.data["sequence"])
    for leg, numbers in found.items():
        last = last_of_leg.get(leg, max(numbers, default=0))
        if not _is_gapless(numbers, last):
            yield f"of leg {leg} the events 1 to {last}, and not {_listed(numbers)}"
    if of_request and not _is_gapless(of_request, max(of_request)):
        yield f"of the request the events 1 to {max(of_request)}, and not {_listed(of_request)}"


def _is_gapless(numbers: set[int], last: int) -> bool:
    """Tell whether these are 1 to `last`, which whoever made the bundle may have made huge."""
    return len(numbers) == max(last, 0) and all(1 <= number <= last for number in numbers)


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "none"
