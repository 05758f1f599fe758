"""The operator's list of service wallets, as a submitter meets it."""

from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.app import create_app
from coordinator.domain.clock import SteppedClock
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


def test_a_list_that_cannot_be_used_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    bad = tmp_path / "wallets.json"
    bad.write_text('{"0x12": "short"}', encoding="utf-8")
    chosen = replace(settings, service_wallets_file=bad)
    with pytest.raises(SettingsError, match="SERVICE_WALLETS_FILE"):
        create_app(chosen, keys=KEYS)
