"""The log as anybody may read it: checkpoints, tiles, entries and proofs (c2sp.org/tlog-tiles).

Nothing here is signed but the checkpoint, and whoever reads it proves the rest from that. Whatever
names sizes or indexes never changes, and may be cached for ever.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence

from flask import Response
from sqlalchemy import Connection

from coordinator.api.client_address import client_address
from coordinator.api.context import AppContext, current_context
from coordinator.api.view import public_view
from coordinator.domain.errors import NotFoundError
from coordinator.storage.tail import transparency_log as log_store
from coordinator.transparency_log.proofs import consistency_proof, inclusion_proof, proof_of
from holdfast.protocol import canonical_json, views
from holdfast.protocol.checkpoint import decode_number
from holdfast.protocol.errors import TileError, TreeProofError
from holdfast.protocol.log_tiles import MAX_LEVEL, TilePlace, bundle_entries, last_leaf

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
_FOR_EVER = "public, max-age=31536000, immutable"
#: A partial tile never changes either, but soon there is a wider one.
_FOR_A_DAY = "public, max-age=86400, immutable"
#: A newer checkpoint is published at most once a second.
_FOR_A_SECOND = "public, max-age=1"
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


def _proof(size: int, make: Callable[[Connection], Sequence[bytes]]) -> Sequence[bytes]:
    """Return a proof in the tree of `size` leaves.

    Raises:
        NotFoundError: If the log is smaller, or there is no such proof.
    """
    context = _public_context()
    with context.database.engine.connect() as connection:
        if size > log_store.tree_size(connection):
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

    A signed note (c2sp.org/tlog-checkpoint): origin, number of leaves, root. A newer one is
    published at most once a second, and a second after the change at the latest.
    """
    context = _public_context()
    with context.database.engine.connect() as connection:
        size = log_store.published_size(connection, context.clock.now())
        checkpoint = log_store.checkpoint_at(connection, size) if size else None
    if checkpoint is None:
        raise _not_there("nothing was logged and signed yet")
    return _response(checkpoint, TEXT, _FOR_A_SECOND)


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
