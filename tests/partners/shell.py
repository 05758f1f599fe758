"""Running `holdfast` as a partner's people do, and what the stand-in answers to it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from holdfast.cli import cli
from holdfast.profiles.store import ProfileStore
from holdfast.protocol import strict_json
from holdfast.protocol.type_ids import new_id
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import request_view

FRQ = new_id("frq")
REQUEST = f"/v1/freeze-requests/{FRQ}"
#: What a draft needs besides its accounts.
FILLED_IN = (
    *("--title", "Hot wallet drained", "--occurred-at", "2025-02-21T14:13:35Z"),
    *("--summary", "The bridge was drained.", "--to", "exchange-b.example"),
)
ACCOUNT = ("--account", "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D")


@dataclass(slots=True)
class Shell:
    """Runs `holdfast` with a home of its own."""

    store: ProfileStore
    folder: Path

    def __call__(self, *words: str, typed: str | None = None) -> Result:
        environment = {"HOLDFAST_HOME": str(self.store.home), "HOLDFAST_PROFILE": None}
        return CliRunner().invoke(cli, words, env=environment, input=typed)

    def write(self, name: str, content: bytes | str) -> str:
        """Write a file for a command to read."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)


def answer_request(stub: StubCoordinator, **members: Any) -> None:
    stub.answers("GET", REQUEST, request_view(id=FRQ, **members))


def sent(stub: StubCoordinator) -> Any:
    """Return the last body that was sent."""
    return strict_json.loads(stub.seen[-1].body)
