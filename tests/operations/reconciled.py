"""Restored coordinators, what takes them up again, and monitors that follow them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flask.testing import FlaskClient

from coordinator.operations.reconcile import TOKENS_LAST, Sources, reconcile
from coordinator.settings import Settings
from holdfast.errors import TransportError
from holdfast.protocol import strict_json
from holdfast.protocol.checkpoint import decode_hash
from holdfast.protocol.log_tiles import TilePlace

#: Makes settings of another machine.
Empty = Callable[[], Settings]
#: Seconds after which what was signed before a restore is good no more.
LONG_AFTER = TOKENS_LAST.total_seconds() + 5


@dataclass
class ClientLog:
    """The log of a coordinator, read through its public pages."""

    client: FlaskClient

    def published(self) -> bytes | None:
        return self._read("checkpoint")

    def held_out(self) -> bytes | None:
        return self._read("cosignatures")

    def entries(self, place: TilePlace) -> bytes | None:
        return self._read(f"tile/entries/{place.path()}")

    def consistency(self, first: int, second: int) -> Sequence[bytes] | None:
        found = self._read(f"proof/consistency/{first}/{second}")
        if found is None:
            return None
        return [decode_hash(each) or b"" for each in strict_json.loads(found)["hashes"]]

    def key_statements(self) -> Sequence[bytes]:
        return []

    def hand_in(self, note: bytes) -> int:
        raise AssertionError(note)

    def _read(self, path: str) -> bytes | None:
        answer = self.client.get(f"/v1/log/{path}")
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise TransportError(str(answer.get_json()["code"]))
        content: bytes = answer.data
        return content


def later(settings: Settings, seconds: float) -> Settings:
    """Return the settings with a clock that is ahead."""
    file = settings.data_dir.parent / f"{settings.data_dir.name}-clock"
    file.write_text(str(int(seconds)), encoding="ascii")
    return replace(settings, clock_offset_file=file)


def take_changes_again(settings: Settings) -> None:
    """Reconcile a restored coordinator of which the test knows that nothing came after."""
    reconcile(later(settings, LONG_AFTER), Sources(nothing_came_after=True))
