"""Where a monitor reads the log: at the coordinator's public pages, without any key."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import ValidationError as ModelError

from holdfast.client.log_keys import log_key_statements
from holdfast.client.transport import Transport
from holdfast.errors import NotFoundError, TransportError
from holdfast.protocol import canonical_json
from holdfast.protocol.checkpoint import LOG_PATH, decode_hash
from holdfast.protocol.log_tiles import TilePlace
from holdfast.protocol.views import ConsistencyProofView, CosignedView

#: The code by which a log says that it has no such thing.
_NOT_IN_LOG = "not_in_log"


class LogSource(Protocol):
    """A log as anybody may read it.

    Each raises TransportError, or another error of the coordinator's, where it cannot be read now.
    """

    def published(self) -> bytes | None:
        """Return the published checkpoint, a signed note; None: none is."""
        ...

    def held_out(self) -> bytes | None:
        """Return the checkpoint that witnesses are asked to cosign; None: there is none."""
        ...

    def entries(self, place: TilePlace) -> bytes | None:
        """Return a bundle of entries (c2sp.org/tlog-tiles); None: the log has no such entries."""
        ...

    def consistency(self, first: int, second: int) -> Sequence[bytes] | None:
        """Return the proof from one size to another; None: the log is not as large as that."""
        ...

    def key_statements(self) -> Sequence[bytes]:
        """Return what the log says of its keys (`holdfast.protocol.log_keys`)."""
        ...

    def hand_in(self, note: bytes) -> int:
        """Hand in a cosigned checkpoint; return the size of the published one."""
        ...


class PublicLog:
    """The log of a coordinator.

    Args:
        transport: To the coordinator; it needs no profile.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def published(self) -> bytes | None:
        """Return the published checkpoint."""
        return self._bytes("/checkpoint")

    def held_out(self) -> bytes | None:
        """Return the checkpoint that is to be cosigned."""
        return self._bytes("/cosignatures")

    def entries(self, place: TilePlace) -> bytes | None:
        """Return a bundle of entries."""
        return self._bytes(f"/tile/entries/{place.path()}")

    def consistency(self, first: int, second: int) -> Sequence[bytes] | None:
        """Return a consistency proof.

        Raises:
            TransportError: Also where the answer is no proof.
        """
        try:
            answer = self._transport.read_public(f"{LOG_PATH}/proof/consistency/{first}/{second}")
        except NotFoundError as error:
            _require_said_by_log(error)
            return None
        try:
            hashes = [decode_hash(each) for each in _proof(answer.body).hashes]
        except ModelError:
            raise TransportError("the answer is no consistency proof") from None
        if None in hashes:
            raise TransportError("the answer is no consistency proof")
        return [each for each in hashes if each is not None]

    def key_statements(self) -> Sequence[bytes]:
        """Return what the log says of its keys."""
        return log_key_statements(self._transport)

    def hand_in(self, note: bytes) -> int:
        """Hand in a cosigned checkpoint."""
        body = canonical_json.dumps({"note": note.decode()})
        answer = self._transport.send_public(f"{LOG_PATH}/cosignatures", body)
        try:
            return CosignedView.model_validate(answer.body).published_size
        except ModelError:
            raise TransportError("the coordinator does not say what came of this") from None

    def _bytes(self, path: str) -> bytes | None:
        try:
            return self._transport.read_public_bytes(LOG_PATH + path)
        except NotFoundError as error:
            _require_said_by_log(error)
            return None


def _require_said_by_log(error: NotFoundError) -> None:
    """Take it from the log alone that it has something not: alarms rest on that.

    Raises:
        TransportError: If a proxy says so, or whatever else answers at that address.
    """
    if error.problem.code != _NOT_IN_LOG:
        raise TransportError(f"no word of the log: {error}") from error


def _proof(body: object) -> ConsistencyProofView:
    return ConsistencyProofView.model_validate(body)
