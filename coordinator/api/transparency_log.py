"""The log as anybody may read it: checkpoints, tiles, entries and proofs (c2sp.org/tlog-tiles).

Nothing here is signed but the checkpoint, and whoever reads it proves the rest from that. Whatever
names sizes or indexes never changes, and may be cached for ever.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from http import HTTPStatus

from flask import Response
from sqlalchemy import Connection

from coordinator.api.body import parse_body, read_body
from coordinator.api.client_address import client_address
from coordinator.api.context import AppContext, current_context
from coordinator.api.responses import stored_response
from coordinator.api.service import log_verifier
from coordinator.api.view import public_view, taken_from_anybody
from coordinator.domain.errors import NotFoundError
from coordinator.domain.read_only import read_only_error
from coordinator.storage.tail import log_keys, restored
from coordinator.storage.tail import transparency_log as log_store
from coordinator.transparency_log import witnesses
from coordinator.transparency_log.proofs import consistency_proof, inclusion_proof, proof_of
from holdfast.protocol import canonical_json, payloads, views
from holdfast.protocol.checkpoint import LOG_PATH, decode_number
from holdfast.protocol.errors import TileError, TreeProofError
from holdfast.protocol.log_policy import LogPolicy
from holdfast.protocol.log_tiles import MAX_LEVEL, TilePlace, bundle_entries, last_leaf
from holdfast.protocol.signed_note import NoteVerifier

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
_FOR_EVER = "public, max-age=31536000, immutable"
#: A partial tile never changes either, but soon there is a wider one.
_FOR_A_DAY = "public, max-age=86400, immutable"
#: A newer checkpoint is published at most once a second.
_FOR_A_SECOND = "public, max-age=1"
#: Whoever meets an entry about a key asks at once, and must not get the list of before.
_NEVER = "no-store"
#: The policy is a file of the operator's; it changes with a restart.
_FOR_MINUTES = "public, max-age=300"
#: Of a note with cosignatures: a hundred signatures of today's kind take a third of that.
_MOST_BYTES = 65_536
_TOO_FAR = "The log is not as large as that, or nothing of it is named so."


def _response(content: bytes, content_type: str, cached: str) -> Response:
    response = Response(content, content_type=content_type)
    response.headers["Cache-Control"] = cached
    return response


def _public_context() -> AppContext:
    """Return the context, having counted the caller, whom nobody knows."""
    context = current_context()
    context.limiter.check(f"public:{client_address()}")
    return context


def _not_there(message: str) -> NotFoundError:
    return NotFoundError(message, code="not_in_log")


def _number(text: str) -> int:
    """Return a number in a path.

    Raises:
        NotFoundError: If it is not spelled as sizes and indexes are.
    """
    number = decode_number(text)
    if number is None:
        raise _not_there("sizes and indexes are decimal numbers without leading zeros")
    return number


def _place(tile: str) -> TilePlace:
    try:
        return TilePlace.parse(tile)
    except TileError as error:
        raise _not_there(str(error)) from None


def _cached(place: TilePlace) -> str:
    return _FOR_EVER if place.is_full else _FOR_A_DAY


def _checkpoint(
    read: Callable[[Connection, LogPolicy, datetime], bytes | None], missing: str
) -> Response:
    context = _public_context()
    with context.database.engine.connect() as connection:
        _require_in_line(connection)
        found = read(connection, context.log_policy, context.clock.now())
    if found is None:
        raise _not_there(missing)
    return _response(found, TEXT, _FOR_A_SECOND)


def _require_in_line(connection: Connection) -> None:
    """Say nothing of where the log ends while it may have gone on elsewhere: monitors remember it.

    Raises:
        UnavailableError: While a restored database is not reconciled.
    """
    if restored.since(connection) is not None:
        raise read_only_error()


def _proof(size: int, make: Callable[[Connection], Sequence[bytes]]) -> Sequence[bytes]:
    """Return a proof in the tree of `size` leaves.

    Raises:
        NotFoundError: If the log is smaller, or there is no such proof.
    """
    context = _public_context()
    with context.database.engine.connect() as connection:
        if size > log_store.tree_size(connection):
            _require_in_line(connection)
            raise _not_there("the log is not as large as that yet")
        try:
            return make(connection)
        except TreeProofError as error:
            raise _not_there(str(error)) from None


def _proof_response(about: dict[str, int], hashes: Sequence[bytes]) -> Response:
    texts = [b64encode(value).decode("ascii") for value in hashes]
    content = canonical_json.dumps({**about, "hashes": texts})
    return _response(content, "application/json", _FOR_EVER)


@public_view(
    answer=str, content_type=TEXT, not_found="Nothing was logged and signed yet: try again later."
)
def read_checkpoint() -> Response:
    """The newest published checkpoint of the log.

    A signed note (c2sp.org/tlog-checkpoint): origin, number of leaves, root, with cosignatures of
    witnesses. Where `/v1/log/policy` asks for a quorum, it is the newest that meets it. Else a
    newer one is published at most once a second, and a second after the change at the latest.
    """
    return _checkpoint(witnesses.published_checkpoint, "no checkpoint is published yet")


@public_view(
    answer=str, content_type=TEXT, not_found="Nothing was logged and signed yet: try again later."
)
def read_collected() -> Response:
    """The checkpoint that witnesses are asked to cosign now.

    With the cosignatures that it has. For ten seconds it is the same one for all, so that a quorum
    comes together while the log grows.
    """
    return _checkpoint(witnesses.collected_checkpoint, "nothing was logged and signed yet")


@taken_from_anybody(
    body=payloads.CosignedCheckpoint,
    answer=views.CosignedView,
    not_found="The log signed no checkpoint of that size.",
)
def take_cosignatures() -> Response:
    """Hand in a witness's cosignature (c2sp.org/tlog-cosignature).

    `note` is a checkpoint of this log with cosignatures under it; the log's own signature may stand
    there, too. No token is needed: the cosignature says who made it. It must be of a witness that
    `/v1/log/policy` names. Handing in the same again changes nothing.
    """
    context = _public_context()
    note = parse_body(read_body(_MOST_BYTES), payloads.CosignedCheckpoint).note.encode()
    policy, now = context.log_policy, context.clock.now()
    with context.database.engine.connect() as connection:
        _require_in_line(connection)
        size, made = witnesses.checked_cosignatures(connection, policy, note, now)
    with context.database.transaction() as connection:
        witnesses.keep_cosignatures(connection, policy, size, made, now)
    with context.database.engine.connect() as connection:
        state = witnesses.quorum_state(connection, policy, now)
    taken = {
        "tree_size": size,
        "witnesses": [each.witness.name for each in made],
        "published_size": state.size,
    }
    return stored_response(HTTPStatus.OK, canonical_json.dumps(taken))


@public_view(answer=str, content_type=TEXT)
def read_policy() -> Response:
    """The log's key, its witnesses, and how many of them a published checkpoint needs.

    A text in the form of c2sp.org/tlog-policy, to be kept and compared.
    """
    context = _public_context()
    return _response(policy_text(context, log_verifier(context)), TEXT, _FOR_MINUTES)


def policy_text(context: AppContext, log_key: NoteVerifier) -> bytes:
    """Return the operator's policy with the log's own key in front."""
    own = f"log {log_key} {context.origin + LOG_PATH}\n"
    return own.encode() + context.log_policy_text


@public_view(answer=views.LogKeysView)
def read_keys() -> Response:
    """Every key that signed the log, and what the log itself says of its keys.

    A key that takes over is named by an entry that is proven under the one before
    (docs/protocol.md, "The key of the log"). `statements` has the bytes of both statements about
    each, as texts: whoever trusts one of the keys proves the others from them, and from nothing
    else here.
    """
    context = _public_context()
    verifier = log_verifier(context)
    with context.database.engine.connect() as connection:
        statements = log_keys.statements(connection)
        keys = log_keys.stored_keys(connection, verifier)
    content = canonical_json.dumps(
        {
            "origin": verifier.name,
            "keys": [each.model_dump(mode="json", exclude_none=True) for each in keys.views()],
            "statements": [each.body.decode() for each in statements],
        }
    )
    return _response(content, "application/json", _NEVER)


@public_view(answer=bytes, content_type=BYTES, not_found=_TOO_FAR)
def read_tile(level: str, tile: str) -> Response:
    """A tile of the log's tree.

    Up to 256 hashes of 32 bytes (c2sp.org/tlog-tiles). Partial tiles are served in every width that
    the tree has.
    """
    place, height = _place(tile), _number(level)
    context = _public_context()
    if height > MAX_LEVEL:
        raise _not_there(f"tiles have levels 0 to {MAX_LEVEL}")
    with context.database.engine.connect() as connection:
        if last_leaf(place, height) >= log_store.tree_size(connection):
            _require_in_line(connection)
            raise _not_there("the log has no such tile yet")
        wanted = place.nodes(height)
        found = log_store.nodes(connection, wanted)
    return _response(b"".join(found[node] for node in wanted), BYTES, _cached(place))


@public_view(answer=bytes, content_type=BYTES, not_found=_TOO_FAR)
def read_entries(tile: str) -> Response:
    """A bundle of up to 256 entries of the log.

    Each stands behind its length in two bytes, big-endian (c2sp.org/tlog-tiles). What an entry is
    made of is told in docs/protocol.md.
    """
    place = _place(tile)
    context = _public_context()
    numbers = place.numbers()
    with context.database.engine.connect() as connection:
        if numbers.stop > log_store.tree_size(connection):
            _require_in_line(connection)
            raise _not_there("the log has no such entries yet")
        entries = log_store.entries(connection, numbers.start, numbers.stop)
    return _response(bundle_entries(entries), BYTES, _cached(place))


@public_view(answer=str, content_type=TEXT, not_found=_TOO_FAR)
def read_proof(index: str) -> Response:
    """The proof that an entry is in the log, with the checkpoint under which it is.

    A text to keep and to check offline (c2sp.org/tlog-proof); always the same for an entry.
    """
    leaf = _number(index)
    context = _public_context()
    with context.database.engine.connect() as connection:
        proof = proof_of(connection, leaf)
        if proof is None:
            _require_in_line(connection)
    if proof is None:
        raise _not_there("the log has no such entry, or has signed no checkpoint since")
    return _response(proof.encode(), TEXT, _FOR_EVER)


@public_view(answer=views.InclusionProofView, not_found=_TOO_FAR)
def read_inclusion(index: str, size: str) -> Response:
    """The proof that an entry is in the tree of a given size.

    RFC 9162 section 2.1.3, from the leaf's sibling up. The root is in the checkpoint that you have.
    """
    leaf, leaves = _number(index), _number(size)
    hashes = _proof(leaves, lambda connection: inclusion_proof(connection, leaf, leaves))
    return _proof_response({"leaf_index": leaf, "tree_size": leaves}, hashes)


@public_view(answer=views.ConsistencyProofView, not_found=_TOO_FAR)
def read_consistency(first: str, second: str) -> Response:
    """The proof that the tree of one size is the beginning of that of another.

    RFC 9162 section 2.1.4: nothing was altered or dropped in between. Both roots are in checkpoints
    that you have.
    """
    smaller, larger = _number(first), _number(second)
    hashes = _proof(larger, lambda connection: consistency_proof(connection, smaller, larger))
    return _proof_response({"first_size": smaller, "second_size": larger}, hashes)
