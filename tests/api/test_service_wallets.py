"""The operator's list of service wallets, as a submitter meets it."""

from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.app import create_app
from coordinator.domain.clock import SteppedClock
from coordinator.operations.checks import run_checks
from coordinator.settings import Settings, SettingsError
from coordinator.storage.engine.base import db
from tests.conftest import KEYS
from tests.factories import Cast, Signer, freeze_request_body

WALLET = "0x2910543af39aba0cd09dbb2d50200b3e800a63d2"


def test_a_known_service_wallet_is_warned_of_with_its_label(
    settings: Settings, clock: SteppedClock, cast: Cast, tmp_path: Path
) -> None:
    folder = tmp_path / "wallets"
    folder.mkdir()
    (folder / "kraken.json").write_text(f'{{"{WALLET}": "Kraken"}}', encoding="utf-8")
    chosen = replace(settings, service_wallets_file=folder)
    app = create_app(chosen, clock=clock, keys=KEYS)
    signer = Signer(app.test_client(), clock)
    body = freeze_request_body(addresses=[{"account": f"eip155:56:{WALLET}"}])
    answer = signer.post(cast.a.analyst, "/v1/freeze-requests", body)
    app.extensions["holdfast"].watcher.stop()
    with app.app_context():
        db.engine.dispose()
    found = {w["code"]: w["detail"] for w in answer.get_json()["warnings"]}
    assert "Kraken" in found["service_wallet"]


def test_a_list_that_is_not_there_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    chosen = replace(settings, service_wallets_file=tmp_path / "none.json")
    with pytest.raises(SettingsError, match="SERVICE_WALLETS_FILE"):
        create_app(chosen, keys=KEYS)


def test_check_names_every_bad_entry_and_counts_the_good(
    settings: Settings, tmp_path: Path
) -> None:
    listed = tmp_path / "wallets.json"
    listed.write_text(f'{{"0x12": "short", "{WALLET}": "Kraken", "0x3": "x"}}', encoding="utf-8")
    chosen = replace(settings, service_wallets_file=listed)
    found = [f for f in run_checks(chosen) if f.name == "service wallets"]
    assert [(f.is_good, f.detail.split(": ")[:2]) for f in found] == [
        (False, ["wallets.json", "0x12"]),
        (False, ["wallets.json", "0x3"]),
        (True, ["1 wallets are warned of"]),
    ]
