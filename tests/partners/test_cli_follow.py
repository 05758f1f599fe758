"""`holdfast follow`, against a stand-in on a real socket."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from holdfast.cli import cli
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import FreezeRequest
from holdfast.protocol.type_ids import new_id
from tests.partners.stub_coordinator import StubCoordinator

FRQ = new_id("frq")
ACCOUNT = "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"


def _draft(**members: Any) -> dict[str, Any]:
    request = {
        "incident": {"id": new_id("inc")},
        "follows": FRQ,
        "urgency": "urgent",
        "tlp": "AMBER",
        "summary": "Funds moved on.",
        "to": ["exchange-d.example"],
        "addresses": [{"account": ACCOUNT, "role": "receiver"}],
    }
    draft = {
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
        "complete": True,
        "request": request,
        "open_ends": [],
    }
    return draft | members


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _follow(store: ProfileStore, *words: str) -> Result:
    environment = {"HOLDFAST_HOME": str(store.home), "HOLDFAST_PROFILE": None}
    return CliRunner().invoke(cli, ["follow", FRQ, *words], env=environment)


def _answer(stub: StubCoordinator, *items: dict[str, Any]) -> None:
    path = f"/v1/freeze-requests/{FRQ}/drafts"
    stub.answers("GET", path, {"items": list(items), "next_cursor": None})


def test_a_draft_is_a_file_that_submit_takes(
    store: ProfileStore, analyst: Profile, stub: StubCoordinator, folder: Path
) -> None:
    del analyst
    end = {"address_no": 3, "service": "a mixer", "reason": "no account is named"}
    _answer(stub, _draft(open_ends=[end]))
    done = _follow(store)
    assert done.exit_code == 0, done.output
    written = folder / f"{FRQ}-exchange-b.example.json"
    document = strict_json.loads(written.read_bytes())
    FreezeRequest.model_validate({**document, "nonce": "A" * 22})
    assert "holdfast submit" in done.output
    assert "a mixer" in done.output
    again = _follow(store)
    assert again.exit_code == 6
    assert "exists" in again.output


def test_without_a_word_on_where_funds_went_there_is_no_file(
    store: ProfileStore, analyst: Profile, stub: StubCoordinator, folder: Path
) -> None:
    del analyst
    _answer(stub)
    done = _follow(store)
    assert done.exit_code == 0
    assert "No partner said" in done.output
    assert list(folder.glob("frq_*")) == []


def test_programs_get_the_drafts_and_no_file(
    store: ProfileStore, analyst: Profile, stub: StubCoordinator, folder: Path
) -> None:
    del analyst
    _answer(stub, _draft())
    done = _follow(store, "--json")
    assert strict_json.loads(done.stdout.encode())["request"]["follows"] == FRQ
    assert list(folder.glob("frq_*")) == []
