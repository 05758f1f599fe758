"""What goes into a bundle, part by part.

First what is of its own kind (`OF_REQUEST`; of others see `restoring`), then what proves it, in
every bundle alike, then what is made of all that.

Everything is read by the API's own views, as whoever asks for the bundle would read it; only what
no list shows (revocations, entries of the log) comes from the storage.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

import structlog

from coordinator.api import (
    clearances,
    disputes,
    freeze_request_reads,
    ledger_reads,
    membership_reads,
    read_log,
)
from coordinator.api.bundles.archive import BundleWriter
from coordinator.api.bundles.verify_text import BundleKeys, SignedFile, verify_text
from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Reader, read
from coordinator.api.service import log_verifier
from coordinator.api.summaries import write_summary
from coordinator.api.transparency_log import policy_text
from coordinator.api.view import QueryView
from coordinator.domain.errors import UnavailableError
from coordinator.domain.permission import require
from coordinator.services.core.unit_of_work import unpack_evidence
from coordinator.services.reading.request_summary import request_summary
from coordinator.storage.engine.documents import load
from coordinator.storage.membership import member_acts
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import exports
from coordinator.storage.requests import request_events as event_store
from coordinator.storage.tables.partners import MemberActRow
from coordinator.storage.tail import events as told_store
from coordinator.storage.tail import log_keys
from coordinator.storage.tail import transparency_log as log_store
from coordinator.summary.facts import Facts
from coordinator.transparency_log.proofs import proofs_under
from coordinator.transparency_log.witnesses import published_checkpoint
from holdfast.protocol import bundle_layout as layout
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.checkpoint import parse_checkpoint
from holdfast.protocol.commitment import ADDED_MEMBERS, committed_bytes
from holdfast.protocol.errors import TimestampError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.ledger_sums import LedgerSums
from holdfast.protocol.passkey_token import act_document
from holdfast.protocol.payloads import format_time
from holdfast.protocol.request_token import read_evidence_front
from holdfast.protocol.signed_note import NoteVerifier, parse_note

_logger = structlog.get_logger(__name__)

_PAGE = 200
#: Entries whose events are in memory at once.
_EVENTS_AT_ONCE = 200


@dataclass(slots=True)
class Case:
    """What a bundle is made of, as far as it was read: for each part what those before it found.

    Attributes:
        reader: Whose view it is; everything read is of one moment.
        request_id: Of the request, restitution or recovery request.
        made_at: Now.
        checkpoint: A signed note: the log's newest, until `_log` knows what has to be in it.
        tree_size: Of that.
        log_key: The key of the log.
        view: That, as its reader sees it.
        own: The parts that only bundles of its kind have.
        members: Handles of those whose acts, or whose request, it is.
        jwks: Public keys by thumbprint.
        roots: Partner and thumbprint of each root key.
        signed: Every token that lies in the bundle.
        leaves: Entries of the log that the reader was told of, with the id of the event; empty
            where its content was erased.
        sums: The ledger, added up.
        facts: What the summary tells, where there is one.
        is_stamped: Whether a timestamp authority said when the checkpoint existed.
    """

    reader: Reader
    request_id: str
    made_at: datetime
    checkpoint: bytes
    tree_size: int
    log_key: NoteVerifier
    view: Mapping[str, Any]
    own: Sequence["Part"]
    members: set[str]
    jwks: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    roots: list[tuple[str, str]] = field(default_factory=list)
    signed: list[SignedFile] = field(default_factory=list)
    leaves: dict[int, str] = field(default_factory=dict)
    sums: LedgerSums = field(default_factory=LedgerSums)
    facts: Facts | None = None
    is_stamped: bool = False

    def every(self, view: QueryView, **names: str) -> Iterator[Mapping[str, Any]]:
        """Yield the items of all pages of a list that the API would answer."""
        query: type[Any] = view.query or PageQuery
        own: dict[str, str] = {"limit": str(min(_PAGE, self.reader.context.page_size_limit))}
        own |= {name: names.pop(name) for name in list(names) if name in query.model_fields}
        # As `read`, but for asking again what is a suspended partner's to read: `open_case` did, of
        # this request, and of no request are the lists of keys and grants that prove it.
        require(view.needs, self.reader.actor)
        while True:
            page = view.function(self.reader, query.model_validate(own), **names)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            own["cursor"] = page["next_cursor"]


def open_case(reader: Reader, request_id: str) -> Case:
    """Return the case of a request, as far as its reader may read it.

    Raises:
        NotFoundError: If the reader is neither the requester nor asked.
        UnavailableError: If the log has no checkpoint, or its signer does not answer.
    """
    view = read(reader, freeze_request_reads.read_request, request_id=request_id)
    return case_of(reader, view, OF_REQUEST, {view["requester"]})


def case_of(
    reader: Reader, view: Mapping[str, Any], own: Sequence["Part"], members: set[str]
) -> Case:
    """Return the case of what a reader sees so.

    Args:
        reader: Whose view it is.
        view: With its `id`.
        own: The parts that only bundles of its kind have.
        members: Handles of those whose it is.

    Raises:
        UnavailableError: If the log has no checkpoint, or its signer does not answer.
    """
    size = log_store.tree_size(reader.connection)
    checkpoint = log_store.checkpoint_at(reader.connection, size) if size else None
    if checkpoint is None:
        raise UnavailableError("the log signed no checkpoint yet: try again in a minute")
    return Case(
        reader=reader,
        request_id=view["id"],
        made_at=reader.context.clock.now(),
        checkpoint=checkpoint,
        tree_size=parse_checkpoint(parse_note(checkpoint)).size,
        log_key=_log_key(reader, size),
        view=view,
        own=own,
        members={reader.actor.partner, *members},
    )


def _log_key(reader: Reader, size: int) -> NoteVerifier:
    """Return the key that bundles name: another, if this process has one that was retired since."""
    signs = log_verifier(reader.context)
    counting = log_keys.stored_keys(reader.connection, signs).counting_at(size)
    return signs if signs in counting else counting[0]


def _request(case: Case, into: BundleWriter) -> None:
    names = {"request_id": case.request_id}
    into.add(layout.REQUEST, canonical_json.dumps(case.view))
    into.add_lines(layout.LEGS, case.every(freeze_request_reads.list_legs, **names))

    def lines() -> Iterator[Mapping[str, Any]]:
        for line in case.every(ledger_reads.list_lines, **names):
            case.sums.take(line)
            yield line

    into.add_lines(layout.LEDGER, lines())
    into.add_lines(layout.HOLDS, case.every(ledger_reads.list_holds, **names))
    into.add_lines(layout.DISPUTES, case.every(disputes.list_disputes, **names))
    into.add_lines(layout.CLEARANCES, case.every(clearances.list_clearances, **names))
    sums = case.sums.document(case.every(ledger_reads.list_holds, **names))
    into.add(layout.RECOMPUTED, canonical_json.dumps(sums))


def _acts(case: Case, into: BundleWriter) -> None:
    write_acts(case, into, case.every(ledger_reads.list_evidence, request_id=case.request_id))


def write_acts(case: Case, into: BundleWriter, acts: Iterable[Mapping[str, Any]]) -> None:
    """Write acts as a list shows them (`EvidenceView`), each with the files that prove it."""
    shown = []
    for number, act in enumerate(acts, 1):
        file = layout.act_file(number, act["act"])
        shown.append(_without_proof(act, file))
        if act["partner"] is not None:
            case.members.add(act["partner"])
        for ending, name in (("remainder", "remainder"), ("context", "decision_context")):
            if act.get(name) is not None:
                into.add(f"{file}.{ending}", act[name].encode())
        if act["token"] is not None:
            body = None if act["body"] is None else act["body"].encode()
            _add_signed(case, into, file, act["token"], body)
    into.add_lines(layout.ACTS, shown)


def _without_proof(act: Mapping[str, Any], file: str) -> dict[str, Any]:
    left_out = {"token", "body", "remainder", "decision_context", "jwk"}
    return {**{name: act[name] for name in act if name not in left_out}, "file": file}


def _add_signed(case: Case, into: BundleWriter, file: str, token: str, body: bytes | None) -> None:
    """Add a token and its body, and of a passkey the document whose hash it signed."""
    into.add(f"{file}.token", token.encode("ascii"))
    if body is not None:
        into.add(f"{file}.body", body)
    front = read_evidence_front(token)
    if front.passkey is not None:
        into.add(f"{file}.document", act_document(front.passkey.document, body))
    case.signed.append(SignedFile(file, front.kid, body is not None))


def _members(case: Case, into: BundleWriter) -> None:
    for handle in sorted(case.members):
        _keys(case, into, handle)
        _grants(case, into, handle)
        _revocations(case, into, handle)
    for kid, jwk in sorted(case.jwks.items()):
        into.add(layout.key_file(kid), PublicKey.from_jwk(jwk).to_pem())


def _keys(case: Case, into: BundleWriter, handle: str) -> None:
    def keys() -> Iterator[Mapping[str, Any]]:
        for key in case.every(membership_reads.list_keys, partner=handle):
            case.jwks[key["kid"]] = key["jwk"]
            if key["is_root"]:
                case.roots.append((handle, key["kid"]))
            yield key

    into.add_lines(layout.member_file(handle, "keys.jsonl"), keys())


def _grants(case: Case, into: BundleWriter, handle: str) -> None:
    rows = []
    files: dict[tuple[str | None, str | None], str] = {}
    listed = case.every(membership_reads.list_grants, partner=handle)
    for number, grant in enumerate(listed, 1):
        file = layout.member_file(handle, f"grants/{number:05}")
        shown = {name: grant[name] for name in grant if not name.endswith(("token", "body"))}
        # What was signed once and grants to several, as joining does, lies there once.
        earlier = files.setdefault((grant.get("token"), grant.get("body")), file)
        rows.append({**shown, "file": earlier})
        if earlier != file:
            continue
        for which, part in (("", file), ("approval_", f"{file}.approval")):
            token, body = grant.get(f"{which}token"), grant.get(f"{which}body")
            if token is not None and body is not None:
                _add_signed(case, into, part, token, body.encode())
    into.add_lines(layout.member_file(handle, "grants.jsonl"), rows)
    leaves = partner_store.grant_leaves(case.reader.connection, handle)
    case.leaves |= told_store.told(case.reader.connection, sorted(leaves))


def _revocations(case: Case, into: BundleWriter, handle: str) -> None:
    reader = case.reader
    rows = member_acts.revocations(reader.connection, handle)
    packed = load(reader.connection, reader.vault, [row.id for row in rows], "evidence")
    shown = []
    for number, row in enumerate(rows, 1):
        file = layout.member_file(handle, f"revocations/{number:05}")
        is_there = row.id in packed
        if is_there:
            token, body = unpack_evidence(packed[row.id])
            _add_signed(case, into, file, token, body)
        shown.append(_revocation(row, file if is_there else None))
    into.add_lines(layout.member_file(handle, "revocations.jsonl"), shown)
    leaves = sorted(row.leaf_index for row in rows if row.leaf_index is not None)
    case.leaves |= told_store.told(reader.connection, leaves)


def _revocation(row: MemberActRow, file: str | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "partner": row.partner,
        "subject": row.subject,
        "kid": row.kid,
        "about": row.about,
        "at": format_time(row.at),
        "leaf_index": row.leaf_index,
        "file": file,
    }


def _take_published_checkpoint(case: Case) -> None:
    """Prove everything under the checkpoint that witnesses cosigned, where that has everything."""
    context = case.reader.context
    published = published_checkpoint(case.reader.connection, context.log_policy, case.made_at)
    if published is None:
        return
    size = parse_checkpoint(parse_note(published)).size
    if all(index < size or index >= case.tree_size for index in case.leaves):
        case.checkpoint, case.tree_size = published, size


def _log(case: Case, into: BundleWriter) -> None:
    _take_published_checkpoint(case)
    connection = case.reader.connection
    indexes = sorted(index for index in case.leaves if index < case.tree_size)
    case.leaves = {index: case.leaves[index] for index in indexes}
    for start in range(0, len(indexes), _EVENTS_AT_ONCE):
        some = indexes[start : start + _EVENTS_AT_ONCE]
        events = [case.leaves[index] for index in some]
        bodies = load(connection, case.reader.vault, events, "body")
        entries = log_store.entries_at(connection, some)
        for index, proof in proofs_under(connection, some, case.checkpoint):
            into.add(layout.leaf_file(index, "entry"), entries[index])
            body = bodies.get(case.leaves[index])
            if body:
                into.add(layout.leaf_file(index, "committed"), _committed(body))
            else:
                case.leaves[index] = ""
            into.add(layout.leaf_file(index, "tlog-proof"), proof.encode())
    into.add(layout.CHECKPOINT, case.checkpoint)
    into.add(layout.LOG_KEY, case.log_key.key.to_pem())
    into.add(layout.LOG_POLICY, policy_text(case.reader.context, case.log_key))
    statements = log_keys.statements(connection)
    entries = log_store.entries_at(connection, [each.index for each in statements])
    for each in statements:
        into.add(layout.log_key_file(each.index, "entry"), entries[each.index])
        into.add(layout.log_key_file(each.index, "committed"), _committed(each.body))
        proof = each.place["proof"].encode()
        into.add(layout.log_key_file(each.index, "tlog-proof"), proof)


def _events(case: Case, _: BundleWriter) -> None:
    case.leaves |= {row.leaf_index: row.id for row in _told(case)}


def _told(case: Case) -> Iterator[event_store.RequestEvent]:
    """Yield the events of the request that the reader was told."""
    past = None
    while True:
        wanted = event_store.WantedEvents(past=past, limit=_PAGE, is_newest_first=False)
        rows = event_store.events(
            case.reader.connection, case.request_id, case.reader.actor.partner, wanted
        )
        yield from rows
        if len(rows) < _PAGE:
            return
        past = rows[-1].seq


def _committed(body: bytes) -> bytes:
    """Return the bytes that an event's entry commits to."""
    event = strict_json.loads(body)
    salt = bytes.fromhex(event["data"]["log"]["salt"])
    for name in ADDED_MEMBERS:
        event["data"].pop(name, None)
    return committed_bytes(salt, canonical_json.dumps(event))


def _custody(case: Case, into: BundleWriter) -> None:
    own = case.reader.actor.partner
    rows = exports.of_case(case.reader.connection, case.request_id)
    into.add_lines(
        layout.CUSTODY,
        (
            {
                "partner": row.partner,
                "subject": row.subject if row.partner == own else None,
                "at": format_time(row.at),
                "manifest_sha256": row.manifest_sha256,
            }
            for row in rows
        ),
    )


def _reads(case: Case, into: BundleWriter) -> None:
    into.add_lines(layout.READS, case.every(read_log.list_reads, request_id=case.request_id))


def _facts(case: Case, _: BundleWriter) -> None:
    case.facts = request_summary(
        case.reader.read_context, case.request_id, coordinator=case.reader.context.origin
    )


def _summary(case: Case, into: BundleWriter) -> None:
    if case.facts is not None:
        into.add(layout.SUMMARY, write_summary(case.reader.context, case.facts))


def _timestamp(case: Case, into: BundleWriter) -> None:
    """Have a timestamp authority say when the checkpoint existed, where there is one."""
    authority = case.reader.context.timestamps
    if authority is None:
        return
    try:
        response = authority.stamp(sha256(case.checkpoint).digest())
    except TimestampError as error:
        # As the summary does: a bundle without is worth more than none.
        _logger.warning("no_timestamp", why=str(error))
        return
    into.add(layout.TIMESTAMP, response)
    into.add(layout.TIMESTAMP_ROOTS, authority.roots_pem)
    case.is_stamped = True


def _verify(case: Case, into: BundleWriter) -> None:
    text = verify_text(
        case.signed,
        ((index, bool(event)) for index, event in sorted(case.leaves.items())),
        keys=BundleKeys(case.log_key, sorted(case.jwks), case.roots),
        is_stamped=case.is_stamped,
    )
    into.add_parts(layout.VERIFY, text)


Part = Callable[[Case, BundleWriter], None]
#: What only the bundle of a freeze request has.
OF_REQUEST: Sequence[Part] = (_request, _acts, _events, _reads, _facts)
#: What proves it; read, like that, of one moment of the database.
READ: Sequence[Part] = (_members, _log, _custody)
#: What is made of all that, without a connection.
MADE: Sequence[Part] = (_summary, _timestamp, _verify)


def write_what_is_read(case: Case, into: BundleWriter) -> None:
    """Write all of a case's bundle that takes a connection.

    Raises:
        InvalidInputError: If it is more than one bundle can hold.
    """
    for part in (*case.own, *READ):
        part(case, into)


def finish_bundle(case: Case, into: BundleWriter) -> str:
    """Write what is made of what was read, and the manifest; return the manifest's SHA-256.

    Raises:
        InvalidInputError: If it is more than one bundle can hold.
        UnavailableError: If the summary cannot be set now.
    """
    for part in MADE:
        part(case, into)
    return into.finish(
        {
            "format": layout.FORMAT,
            "version": layout.VERSION,
            "origin": case.reader.context.origin,
            "log": str(case.log_key),
            "request_id": case.request_id,
            **({"drill": True} if case.view.get("drill") else {}),
            "content_sha256": case.view["content_sha256"],
            "partner": case.reader.actor.partner,
            "made_at": format_time(case.made_at),
            "tree_size": case.tree_size,
        }
    )
