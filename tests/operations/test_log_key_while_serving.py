"""The log's key is replaced under load, and whoever reads the log follows it through."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from coordinator.key_files import read_keys
from coordinator.operations.checks import run_checks
from coordinator.settings import Settings
from holdfast import (
    LogKeys,
    LogMonitor,
    LogReceipts,
    PublicLog,
    Transport,
    follow_log_keys,
    prove_log_entry,
)
from holdfast.errors import HoldfastError, LogAlarmError, PinMismatchError
from holdfast.evidence.bundle.examination import Trust
from holdfast.evidence.case_file import Result
from holdfast.protocol.checkpoint import log_origin
from holdfast.protocol.log_keys import TrustedLog
from holdfast.protocol.signed_note import NoteVerifier
from tests.conftest import BACKENDS
from tests.factories import Member, freeze_request_body
from tests.operations.serving import PATIENCE, Served, cast, command, environment_of, send
from tests.postgres import PostgresServer
from tests.services.bundles import examined

pytestmark = pytest.mark.processes

_PATH = "/v1/freeze-requests"
_PROVEN = ("log key", "checkpoint", "entries")


@pytest.fixture(name="url", params=BACKENDS)
def _url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database()
    yield url
    server.drop_database(url)


class Load:
    """Submits one request after the other, and follows the log, until it is told to stop."""

    def __init__(self, origin: str, member: Member, folder: Path, key: NoteVerifier) -> None:
        self.origin, self.member, self.folder, self.key = origin, member, folder, key
        self.log = PublicLog(Transport(None, origin))
        self.stop = threading.Event()
        self.receipts: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.alarm: LogAlarmError | None = None
        self.size = 0

    def submit(self) -> None:
        while not self.stop.is_set():
            try:
                answer = send(self.origin, self.member, "POST", _PATH, freeze_request_body())
            except requests.RequestException:
                time.sleep(0.05)  # it is being restarted
                continue
            if answer.status_code == 201:
                self.receipts.append(answer.json()["log"])
                self.ids.append(answer.json()["id"])

    def follow(self) -> None:
        with LogMonitor(self.folder, self.key, self.log) as monitor:
            while not self.stop.is_set():
                try:
                    self.size = monitor.step().size
                except LogAlarmError as alarm:
                    self.alarm = alarm
                    return
                except HoldfastError:
                    pass  # it is being restarted
                time.sleep(0.05)

    def __enter__(self) -> None:
        self._threads = [
            threading.Thread(target=each, daemon=True)
            for each in (self.submit, self.submit, self.follow)
        ]
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def more(self) -> None:
        """Wait until some more was confirmed, and followed."""
        wanted, until = len(self.receipts) + 6, time.monotonic() + PATIENCE
        while len(self.receipts) < wanted:
            assert time.monotonic() < until
            time.sleep(0.05)
        place = self.receipts[-1]["leaf_index"]
        while self.size <= place and self.alarm is None:
            assert time.monotonic() < until
            time.sleep(0.05)

    def bundle(self) -> bytes:
        path = f"{_PATH}/{self.ids[-1]}/evidence-bundle"
        answer = send(self.origin, self.member, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.content


def _followed(load: Load, key: NoteVerifier) -> LogKeys:
    """Have a monitor find everything that was confirmed; return the keys that it knows then."""
    with closing(LogReceipts(load.folder)) as receipts:
        for place in load.receipts:
            receipts.keep(place)
    with LogMonitor(load.folder, key, load.log) as monitor:
        until = time.monotonic() + PATIENCE
        while monitor.step().found < len(load.receipts):
            assert time.monotonic() < until
            time.sleep(0.1)  # the newest checkpoint is published a second later
        return monitor.log_keys


def _own_key(settings: Settings) -> NoteVerifier:
    key = read_keys(settings.keys_dir).log
    assert key is not None
    return NoteVerifier(log_origin(settings.origin), key.public)


def _named(settings: Settings) -> NoteVerifier:
    found = Transport(None, settings.origin).read_public("/v1").body
    return NoteVerifier.parse(found["log"]["verifier_key"])


def test_it_is_replaced_under_load_and_all_evidence_verifies(url: str, tmp_path: Path) -> None:
    own = environment_of(tmp_path / "own", url)
    settings = Settings.from_env(own)
    member, bundles = cast(settings).analyst, []
    old = _own_key(settings)
    load = Load(settings.origin, member, tmp_path / "monitor", old)
    with load:
        with Served(own):
            assert _named(settings) == old
            load.more()
            bundles.append(load.bundle())
            command(own, "rotate-key", "log")
            load.more()
        with Served(own):
            assert _named(settings) == old
            load.more()
            bundles.append(load.bundle())
            command(own, "rotate-key", "log", "--finish")
            load.more()
            bundles.append(load.bundle())  # by a process that has the retired key in front
        with Served(own):
            new = _named(settings)
            load.more()
            bundles.append(load.bundle())
            load.__exit__()
            statements = load.log.key_statements()
            watched = _followed(load, old)
    assert new != old
    assert load.alarm is None
    keys = follow_log_keys(old, statements)
    assert watched == keys == follow_log_keys(new, statements)
    assert keys.keys == (old, new)
    for place in load.receipts:
        prove_log_entry(place, keys)
    assert [finding for finding in run_checks(settings) if not finding.is_good] == []

    for packed in bundles:
        for trusted in (keys, old):
            assert _log_findings(packed, trusted) == dict.fromkeys(_PROVEN, Result.VERIFIED)
    # Who knows the new key alone is not convinced by a bundle from before it.
    with pytest.raises(PinMismatchError):
        examined(bundles[0], Trust(log_key=new))
    assert _log_findings(bundles[3], new) == dict.fromkeys(_PROVEN, Result.VERIFIED)


def _log_findings(packed: bytes, trusted: TrustedLog) -> dict[str, Result]:
    """Return what is found of the log; the members here were let in without grants."""
    found = examined(packed, Trust(log_key=trusted)).own
    return {each.what: each.result for each in found if each.what in _PROVEN}
