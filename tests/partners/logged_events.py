"""A log of some events, as a coordinator delivers them, and the key that signed it."""

from datetime import datetime

from holdfast.protocol import base64url, canonical_json, strict_json
from holdfast.protocol.checkpoint import Checkpoint
from holdfast.protocol.commitment import commitment
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.life_cycle_views import RequestEventView
from holdfast.protocol.log_entry import LogEntry
from holdfast.protocol.log_proof import LogProof
from holdfast.protocol.merkle_tree import (
    Frontier,
    Node,
    completed_nodes,
    inclusion_pieces,
    leaf_hash,
    make_proof,
)
from holdfast.protocol.payloads import format_time, parse_time
from holdfast.protocol.signed_note import NoteVerifier, sign_note
from tests.partners.shell import FRQ

KEY = PrivateKey.from_seed(b"n" * 32)
LOG = NoteVerifier("c.example/v1/log", KEY.public)
AT = parse_time("2026-03-02T12:00:00Z")
SALT = bytes(range(32))
SIZE = 21


def logged_events(
    signer: PrivateKey = KEY,
    *,
    at: datetime = AT,
    said_type: str = "freeze.frozen",
    said_at: datetime | None = None,
) -> list[bytes]:
    """Return the events of a log, as they are delivered.

    Args:
        signer: Of the log's one checkpoint.
        at: When they were logged.
        said_type: What the events say of themselves; what is logged is of type `freeze.frozen`.
        said_at: When they say it was, if not then.
    """
    cores, entries = [], []
    for number in range(SIZE):
        core = {
            "data": {"event_id": f"evt_{number}", "amount": "700", "request_id": FRQ},
            "timestamp": format_time(said_at or at),
            "type": said_type,
        }
        committed = commitment(SALT, canonical_json.dumps(core))
        tags = tuple(bytes([number, tag] * 8) for tag in range(4))
        cores.append(core)
        entries.append(LogEntry(bytes([number] * 16), "freeze.frozen", at, committed, tags))
    frontier = Frontier()
    nodes: dict[Node, bytes] = {}
    for index, entry in enumerate(entries):
        nodes |= completed_nodes(index, frontier.append(leaf_hash(entry.encode())))
    note = sign_note(Checkpoint(LOG.name, SIZE, frontier.root()).text(), LOG.name, signer)
    told = []
    for index, (core, entry) in enumerate(zip(cores, entries, strict=True)):
        hashes = tuple(make_proof(inclusion_pieces(index, SIZE), nodes))
        place = {
            "leaf_index": index,
            "leaf_id": entry.leaf_id.hex(),
            "type": entry.type,
            "at": format_time(entry.at),
            "commitment": entry.commitment.hex(),
            "tags": base64url.encode(b"".join(entry.tags)),
            "salt": SALT.hex(),
            "proof": LogProof(index, hashes, note).encode().decode(),
            "seq": index + 1,
        }
        data = {**core["data"], "log": place}  # type: ignore[dict-item]  # a dict of texts
        told.append(canonical_json.dumps({**core, "data": data}))
    return told


EVENTS = logged_events()


def event_view(event: bytes) -> RequestEventView:
    """Return an event as it is listed with its request."""
    document = strict_json.loads(event)
    place = document["data"]["log"]
    return RequestEventView.model_validate(
        {"id": "evt", "seq": place["seq"], "leaf_index": place["leaf_index"], **document}
    )
