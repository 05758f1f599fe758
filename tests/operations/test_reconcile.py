"""A restored database is read alone until it is in line with the log that others kept."""

import io
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.serving import make_server

from coordinator.app import create_app
from coordinator.cli import main
from coordinator.domain.clock import SystemClock
from coordinator.domain.errors import UnavailableError
from coordinator.key_files import LOG_KEY, make_keys, read_keys
from coordinator.operations.backup import back_up
from coordinator.operations.checks import READ_ONLY_CHECK, run_checks, run_thorough_checks
from coordinator.operations.kept_logs import ReconcileError, ReconcileFault
from coordinator.operations.membership import carry_out
from coordinator.operations.operator_page import operator_app
from coordinator.operations.preparation import (
    PreparationError,
    open_settings_database,
    prepare,
    require_ready,
)
from coordinator.operations.reconcile import TOKENS_LAST, Sources, reconcile
from coordinator.operations.restore import adopt_copy, restore
from coordinator.operations.serving import say_ready
from coordinator.services.membership.partners import InvitePartner
from coordinator.settings import Settings, clock_of
from coordinator.storage import schema
from coordinator.storage.engine.base import Base
from coordinator.storage.engine.database import Database, open_database
from coordinator.storage.tables.transparency_log import LogHeadRow
from coordinator.storage.tail import restored
from coordinator.transparency_log.high_water import HIGH_WATER
from coordinator.transparency_log.signer import SeedSigner, SignerError, Tree
from holdfast import (
    BundleReader,
    LogAlarmError,
    LogMonitor,
    LogReceipts,
    Result,
    Trust,
    examine_bundle,
)
from holdfast.errors import TransportError
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.checkpoint import Checkpoint, decode_hash, open_checkpoint
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_tiles import bundle_entries
from holdfast.protocol.merkle_tree import Frontier, check_consistency, leaf_hash
from holdfast.protocol.signed_note import NoteVerifier, sign_note
from holdfast.protocol.vocabulary import PartnerKind
from tests.api.acts import approve, submit
from tests.conftest import KEYS, write_keys
from tests.factories import NOON, Cast, Signer, freeze_request_body
from tests.operations.reconciled import LONG_AFTER, ClientLog, Empty, later
from tests.operations.signing import signing
from tests.partners.memory_log import entry

READ_ONLY = "read_only"


@dataclass
class Watch:
    """A member's monitor, whatever coordinator it reads."""

    folder: Path
    key: NoteVerifier

    def step(self, client: FlaskClient) -> int:
        with LogMonitor(self.folder, self.key, ClientLog(client)) as monitor:
            return monitor.step().size

    def keep(self, *places: dict[str, Any]) -> None:
        with closing(LogReceipts(self.folder)) as receipts:
            for place in places:
                receipts.keep(place)


@dataclass
class Serving:
    """A coordinator on settings, by the clock of its own commands."""

    app: Flask
    signer: Signer


@dataclass
class Before:
    """A coordinator that was backed up, and then went on.

    Attributes:
        kept: Requests of before the backup.
        lost: Requests of after it.
    """

    settings: Settings
    backup: Path
    signer: Signer
    key: NoteVerifier
    kept: list[dict[str, Any]] = field(default_factory=list)
    lost: list[dict[str, Any]] = field(default_factory=list)


_SECOND = timedelta(seconds=1)


@pytest.fixture(name="own")
def _own(settings: Settings, tmp_path: Path) -> Settings:
    settings = replace(settings, data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    write_keys(settings.keys_dir)
    return settings


@pytest.fixture(name="before")
def _before(own: Settings, signer: Signer, cast: Cast, tmp_path: Path) -> Before:
    kept = [submit(signer, cast) for _ in range(2)]
    approve(signer, cast, kept[0])
    backup, _ = back_up(own, tmp_path / "backups")
    key = NoteVerifier.parse(signer.client.get("/v1").get_json()["log"]["verifier_key"])
    found = Before(own, backup, signer, key, kept)
    for _ in range(3):
        found.lost.append(submit(signer, cast))
    return found


@contextmanager
def _serving(settings: Settings) -> Iterator[Serving]:
    app = create_app(settings)
    try:
        yield Serving(app, Signer(app.test_client(), clock_of(settings)))
    finally:
        app.extensions["holdfast"].watcher.stop()
        app.extensions["holdfast"].database.engine.dispose()


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = open_settings_database(settings)
    try:
        yield database
    finally:
        database.engine.dispose()


def _counts(settings: Settings) -> dict[str, int]:
    with _opened(settings) as database, database.engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
        }


def _head(settings: Settings) -> tuple[int, int]:
    with _opened(settings) as database, database.engine.connect() as connection:
        head = select(LogHeadRow.leaf_count, LogHeadRow.event_seq)
        leaves, events = connection.execute(head).one()
        return leaves, events


def _faults(settings: Settings) -> list[str]:
    return [finding.name for finding in run_checks(settings) if not finding.is_good]


def _refused(settings: Settings, *folders: Path, **more: Any) -> ReconcileFault:
    """Return why nothing was reconciled, having seen that nothing was changed."""
    before = _counts(settings), _head(settings)
    with pytest.raises(ReconcileError) as raised:
        reconcile(settings, Sources(folders, **more))
    assert (_counts(settings), _head(settings)) == before
    return raised.value.code


def _watched(before: Before, tmp_path: Path, name: str = "monitor") -> Watch:
    watch = Watch(tmp_path / name, before.key)
    before.signer.clock.step(_SECOND)  # type: ignore[attr-defined]
    assert watch.step(before.signer.client) == _head(before.settings)[0]
    return watch


def _checkpoint(client: FlaskClient, key: NoteVerifier) -> Checkpoint:
    return open_checkpoint(client.get("/v1/log/checkpoint").data, key)


def test_a_restored_coordinator_answers_readers_and_changes_nothing(
    before: Before, empty: Empty, cast: Cast
) -> None:
    other = later(empty(), 0)
    restore(other, before.backup, before.settings.keys_dir)
    stored = _counts(other)
    with _serving(other) as serving:
        signer = serving.signer
        request = before.kept[1]
        path = f"/v1/freeze-requests/{request['id']}"
        assert signer.get(cast.a.analyst, path).status_code == 200
        assert signer.get(cast.b.analyst, "/v1/events").status_code == 200
        decided = {
            "content_sha256": request["content_sha256"],
            "context_sha256": request["context_sha256"],
            "decision": "approve",
            "comment": "checked by phone",
        }
        refused = [
            signer.post(cast.a.analyst, "/v1/freeze-requests", freeze_request_body()),
            signer.post(cast.a.lead, f"{path}/approvals", decided),
            # What the rules would refuse is refused for the same reason: nothing is stored of it.
            signer.post(cast.a.lead, f"{path}/approvals", {**decided, "content_sha256": "0" * 64}),
            signer.client.get("/readyz"),
            signer.client.get("/v1/log/checkpoint"),
            signer.client.get("/v1/log/cosignatures"),
            signer.client.get("/v1/log/proof/consistency/1/1000"),
            signer.client.get("/v1/log/tile/entries/003"),
        ]
        for answer in refused:
            assert (answer.status_code, answer.get_json()["code"]) == (503, READ_ONLY), answer.data
            assert answer.headers["Retry-After"] == "60"
            assert "holdfast-coordinator reconcile" in answer.get_json()["detail"]
        assert signer.client.get("/v1/log/proof/consistency/1/5").status_code == 200
    with pytest.raises(UnavailableError, match="restored"):
        carry_out(other, InvitePartner(handle="z.example", name="Z", kind=PartnerKind.EXCHANGE))
    assert {**_counts(other), "write_probe": 0} == {**stored, "write_probe": 0}
    assert _faults(other) == [READ_ONLY_CHECK]
    with _opened(other) as database:
        text = operator_app(other, database, clock_of(other)).test_client().get("/operator").text
    assert "holdfast-coordinator reconcile --help" in text


def test_what_is_good_once_ends_with_a_restore(before: Before, empty: Empty, cast: Cast) -> None:
    link = before.signer.post(cast.a.analyst, "/v1/console-links", {"purpose": "sign_in"})
    assert link.status_code == 201, link.data
    backup, _ = back_up(before.settings, before.backup.parent / "later")
    # At the time of the link, which lasts for ten minutes.
    other = later(empty(), (NOON - SystemClock().now()).total_seconds())
    restore(other, backup, before.settings.keys_dir)
    with _opened(other) as database, database.engine.connect() as connection:
        table = Base.metadata.tables["console_link"]
        since = restored.since(connection)
        assert connection.execute(select(table.c.ends_at)).scalars().all() == [since]


def test_what_a_monitor_kept_is_taken_back_and_the_log_goes_on_for_everybody(
    before: Before, empty: Empty, cast: Cast, tmp_path: Path
) -> None:
    # Reading counts as delivery, which is logged.
    told = before.signer.get(cast.b.analyst, "/v1/events?after=0").get_json()
    watch = _watched(before, tmp_path)
    old, (size, events) = _checkpoint(before.signer.client, before.key), _head(before.settings)
    bundle = f"/v1/freeze-requests/{before.kept[0]['id']}/evidence-bundle"
    exported = before.signer.get(cast.a.auditor, bundle).data
    assert _head(before.settings) == (size, events)

    other = later(empty(), 0)
    manifest = restore(other, before.backup, before.settings.keys_dir)
    with _serving(other) as serving, pytest.raises(TransportError, match=READ_ONLY):
        watch.step(serving.signer.client)
    other = later(other, LONG_AFTER)
    said = reconcile(other, Sources([watch.folder]))
    lost = size - manifest.log.leaves
    assert (said["copy_size"], said["lost"]) == (manifest.log.leaves, lost)
    assert said["lost_types"]["freeze_request.submitted"] == 3  # type: ignore[index]
    assert (said["seq_from"], said["seq_until"]) == (
        manifest.log.events + 1,
        manifest.log.events + lost,
    )
    assert manifest.log.events + lost >= events
    assert said["is_word_alone"] is False

    assert _faults(other) == []
    thorough = list(run_thorough_checks(other, lambda _what, _count: None))
    assert [finding.detail for finding in thorough if not finding.is_good] == []
    with _serving(later(other, LONG_AFTER + 30)) as serving:
        signer = serving.signer
        assert signer.client.get("/readyz").status_code == 200
        assert watch.step(signer.client) == size + 1
        new = submit(signer, cast)
        proven = new["log"]["proof"]
        assert new["log"]["leaf_index"] > size
        # The checkpoint that everybody holds begins the tree that is signed now.
        now = open_checkpoint(proven.encode().partition(b"\n\n")[2], before.key)
        proof = signer.client.get(f"/v1/log/proof/consistency/{old.size}/{now.size}").get_json()
        hashes = [decode_hash(each) or b"" for each in proof["hashes"]]
        check_consistency(old.size, now.size, old.root, now.root, hashes)
        # Numbers that were told are told for nothing else.
        before_it = {each["data"]["log"]["seq"]: each for each in told["events"]}
        feed = signer.get(cast.b.analyst, "/v1/events?after=0").get_json()["events"]
        for each in feed:
            same = before_it.get(each["data"]["log"]["seq"], each)
            assert same["data"]["event_id"] == each["data"]["event_id"]
        restored_event = next(each for each in feed if each["type"] == "log.restored")
        assert restored_event["data"]["lost"] == lost
        assert restored_event["data"]["log"]["seq"] > events
        # What the lost entries said is told nowhere; that they are in the log is proven.
        gone = before.lost[0]
        assert signer.get(cast.a.analyst, f"/v1/freeze-requests/{gone['id']}").status_code == 404
        index = gone["log"]["leaf_index"]
        assert signer.client.get(f"/v1/log/proof/entry/{index}").status_code == 200
        again = signer.get(cast.a.auditor, bundle).data
    for content in (exported, again):
        examination = examine_bundle(BundleReader(io.BytesIO(content)), Trust())
        failed = [each for each in examination.own if each.result is Result.FAILED]
        assert failed == []
    # It is over: the mark is gone, and a second time is refused.
    assert _refused(other, watch.folder) is ReconcileFault.NOT_RESTORED


def test_receipts_bring_back_what_came_after_the_monitor_last_looked(
    before: Before, empty: Empty, cast: Cast, tmp_path: Path
) -> None:
    watch = _watched(before, tmp_path)
    size, _ = _head(before.settings)
    last = submit(before.signer, cast)
    watch.keep(last["log"])
    end, _ = _head(before.settings)
    others = [
        each["data"]["log"]
        for each in before.signer.get(cast.a.analyst, "/v1/events?after=0").get_json()["events"]
        if each["data"]["log"]["leaf_index"] >= size
    ]
    other = empty()
    restore(other, before.backup, before.settings.keys_dir)
    other = later(other, LONG_AFTER)
    if end - size > 1:
        # The receipt names a checkpoint whose other entries nobody has shown yet.
        assert _refused(other, watch.folder) is ReconcileFault.GONE
        watch.keep(*others)
    said = reconcile(other, Sources([watch.folder]))
    assert said["lost"] == end - said["copy_size"]  # type: ignore[operator]
    with _serving(later(other, LONG_AFTER + 30)) as serving:
        with LogMonitor(watch.folder, watch.key, ClientLog(serving.signer.client)) as monitor:
            step = monitor.step()
        assert (step.size, step.found) == (end + 1, step.receipts)


def test_a_later_checkpoint_whose_entries_nobody_gives_back_stops_it(
    before: Before, empty: Empty, cast: Cast, tmp_path: Path
) -> None:
    watch = _watched(before, tmp_path)
    last = submit(before.signer, cast)
    proof = tmp_path / "receipt.tlog-proof"
    proof.write_text(last["log"]["proof"], encoding="utf-8")
    other = empty()
    restore(other, before.backup, before.settings.keys_dir)
    other = later(other, LONG_AFTER)
    gone = _refused(other, watch.folder, checkpoints=[proof])
    assert gone is ReconcileFault.GONE
    assert _refused(other, checkpoints=[proof], nothing_came_after=True) is ReconcileFault.GONE
    noise = tmp_path / "noise"
    noise.write_bytes(b"noise")
    assert _refused(other, checkpoints=[noise]) is ReconcileFault.NO_CHECKPOINT
    assert _faults(other) == [READ_ONLY_CHECK]
    # Under another name it is another log, over the same entries, and forks nothing.
    moved = replace(other, origin="https://moved.example")
    reconcile(moved, Sources(nothing_came_after=True))
    with _serving(later(moved, LONG_AFTER + 30)) as serving:
        key = NoteVerifier.parse(serving.signer.client.get("/v1").get_json()["log"]["verifier_key"])
        assert (key.name, key.key) == ("moved.example/v1/log", before.key.key)
        fresh = Watch(tmp_path / "fresh", key)
        assert fresh.step(serving.signer.client) == _head(moved)[0]


def test_where_nobody_was_asked_the_operator_gives_their_word(before: Before, empty: Empty) -> None:
    other = empty()
    manifest = restore(other, before.backup, before.settings.keys_dir)
    other = later(other, LONG_AFTER)
    assert _refused(other) is ReconcileFault.NOBODY_ASKED
    said = reconcile(other, Sources(nothing_came_after=True))
    assert (said["lost"], said["is_word_alone"]) == (0, True)
    assert _head(other) == (manifest.log.leaves + 1, manifest.log.events + 1)
    assert _faults(other) == []


def test_a_monitor_that_shows_no_more_than_the_backup_has_is_enough(
    own: Settings, empty: Empty, signer: Signer, cast: Cast, tmp_path: Path
) -> None:
    submit(signer, cast)
    key = NoteVerifier.parse(signer.client.get("/v1").get_json()["log"]["verifier_key"])
    watch = _watched(Before(own, tmp_path, signer, key), tmp_path)
    backup, _ = back_up(own, tmp_path / "backups")
    other = empty()
    restore(other, backup, own.keys_dir)
    other = later(other, LONG_AFTER)
    said = reconcile(other, Sources([watch.folder]))
    assert (said["lost"], said["is_word_alone"]) == (0, False)


def test_tokens_of_before_the_restore_are_waited_for(before: Before, empty: Empty) -> None:
    other = later(empty(), 0)
    restore(other, before.backup, before.settings.keys_dir)
    early = later(other, TOKENS_LAST.total_seconds() - 5)
    assert _refused(early, nothing_came_after=True) is ReconcileFault.TOO_EARLY
    reconcile(later(other, LONG_AFTER), Sources(nothing_came_after=True))


def test_a_database_that_was_not_restored_is_left_alone(own: Settings) -> None:
    assert _refused(own, nothing_came_after=True) is ReconcileFault.NOT_RESTORED


def _of_another_log(watch: Watch, _before: Before) -> None:
    _rewrite(watch, log=str(NoteVerifier("other.example/v1/log", watch.key.key)))


def _under_another_key(watch: Watch, _before: Before) -> None:
    make_keys(watch.folder.parent / "strange")
    strange = PrivateKey.from_pem((watch.folder.parent / "strange" / LOG_KEY).read_bytes())
    _rewrite(watch, log=str(NoteVerifier(watch.key.name, strange.public)))


def _without_state(watch: Watch, _before: Before) -> None:
    (watch.folder / "state.json").unlink()


def _cut(watch: Watch, _before: Before) -> None:
    file = watch.folder / "entries"
    file.write_bytes(file.read_bytes()[:-20])


def _flipped(watch: Watch, _before: Before) -> None:
    file = watch.folder / "entries"
    content = bytearray(file.read_bytes())
    content[-10] ^= 1
    file.write_bytes(content)


def _no_json(watch: Watch, _before: Before) -> None:
    (watch.folder / "state.json").write_bytes(b"{}")


def _signed_by_nobody(watch: Watch, _before: Before) -> None:
    state = strict_json.loads((watch.folder / "state.json").read_bytes())
    note, _, _ = state["checkpoint"].partition("\n\n")
    lines = note.split("\n")
    lines[1] = str(int(lines[1]) + 1)
    _rewrite(watch, checkpoint="\n".join(lines) + state["checkpoint"][len(note) :])


def _forked(watch: Watch, before: Before) -> None:
    """Have the folder hold another log of the same key, by its very owner."""
    _fork(watch, _head(before.settings)[0] + 2)


def _forked_before(watch: Watch, _before: Before) -> None:
    _fork(watch, 3)


def _fork(watch: Watch, size: int) -> None:
    assert KEYS.log is not None
    entries = [entry(number, "forked") for number in range(size)]
    frontier = Frontier()
    for each in entries:
        frontier.append(leaf_hash(each))
    note = Checkpoint(watch.key.name, size, frontier.root()).text()
    signed = sign_note(note, watch.key.name, KEYS.log)
    (watch.folder / "entries").write_bytes(bundle_entries(entries))
    _rewrite(
        watch, size=size, frontier=frontier.packed().hex(), checkpoint=signed.decode(), cosigned=0
    )


def _rewrite(watch: Watch, **changes: Any) -> None:
    path = watch.folder / "state.json"
    state = {**strict_json.loads(path.read_bytes()), **changes}
    path.write_bytes(canonical_json.dumps(state))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_of_another_log, ReconcileFault.OTHER_LOG),
        (_under_another_key, ReconcileFault.OTHER_KEY),
        (_without_state, ReconcileFault.NO_FOLDER),
        (_no_json, ReconcileFault.BROKEN_FOLDER),
        (_cut, ReconcileFault.BROKEN_FOLDER),
        (_flipped, ReconcileFault.BROKEN_FOLDER),
        (_signed_by_nobody, ReconcileFault.BROKEN_FOLDER),
        (_forked, ReconcileFault.FORK),
        (_forked_before, ReconcileFault.FORK),
    ],
)
def test_a_folder_that_does_not_continue_this_log_is_refused(
    before: Before,
    empty: Empty,
    tmp_path: Path,
    change: Callable[[Watch, Before], None],
    fault: ReconcileFault,
) -> None:
    watch = _watched(before, tmp_path)
    good = tmp_path / "good"
    shutil.copytree(watch.folder, good)
    change(watch, before)
    other = empty()
    restore(other, before.backup, before.settings.keys_dir)
    other = later(other, LONG_AFTER)
    assert _refused(other, watch.folder) is fault
    # Nor beside one that does.
    assert _refused(other, good, watch.folder) is fault
    assert reconcile(other, Sources([good]))["lost"]


def test_a_copy_that_nobody_may_write_to_is_read(
    before: Before, empty: Empty, tmp_path: Path
) -> None:
    watch = _watched(before, tmp_path)
    watch.keep(before.lost[-1]["log"])
    stored = {
        path.relative_to(watch.folder): path.read_bytes()
        for path in watch.folder.rglob("*")
        if path.is_file()
    }
    for path in (*watch.folder.rglob("*"), watch.folder):
        path.chmod(0o500 if path.is_dir() else 0o400)
    other = empty()
    restore(other, before.backup, before.settings.keys_dir)
    assert reconcile(later(other, LONG_AFTER), Sources([watch.folder]))["lost"]
    for name, content in stored.items():
        assert (watch.folder / name).read_bytes() == content
    watch.folder.chmod(0o700)


def test_where_it_cannot_be_signed_nothing_is_changed_and_it_is_done_again(
    before: Before, empty: Empty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = _watched(before, tmp_path)
    other = empty()
    restore(other, before.backup, before.settings.keys_dir)
    other = later(other, LONG_AFTER)
    stored = _counts(other), _head(other)

    def fail(*_: object) -> bytes:
        raise SignerError("no key today")

    with monkeypatch.context() as patched:
        patched.setattr(SeedSigner, "sign", fail)
        with pytest.raises(UnavailableError, match="no key today"):
            reconcile(other, Sources([watch.folder]))
    assert (_counts(other), _head(other)) == stored
    assert _faults(other) == [READ_ONLY_CHECK]
    assert reconcile(other, Sources([watch.folder]))["lost"]


def test_the_command_says_what_was_lost(before: Before, empty: Empty, tmp_path: Path) -> None:
    watch = _watched(before, tmp_path)
    other = empty()
    env = {
        "HOLDFAST_ORIGIN": other.origin,
        "HOLDFAST_DATABASE_URL": other.database_url,
        "HOLDFAST_DATA_DIR": str(other.data_dir),
    }
    run = CliRunner()
    keys = str(before.settings.keys_dir)
    said = run.invoke(main, ["restore", str(before.backup), "--keys", keys], env=env)
    assert (said.exit_code, "reconcile" in said.output) == (0, True), said.output
    checked = run.invoke(main, ["check"], env=env)
    assert (checked.exit_code, "FAIL  changes: none is taken" in checked.output) == (1, True)
    early = run.invoke(main, ["reconcile", "--from", str(watch.folder)], env=env)
    assert (early.exit_code, "s more" in early.output) == (1, True), early.output
    env["HOLDFAST_CLOCK_OFFSET_FILE"] = str(later(other, LONG_AFTER).clock_offset_file)
    done = run.invoke(main, ["reconcile", "--from", str(watch.folder)], env=env)
    assert done.exit_code == 0, done.output
    assert "entries were given back" in done.output
    assert "3  freeze_request.submitted" in done.output


def test_a_restore_that_was_interrupted_before_the_mark_is_no_coordinator(
    before: Before, empty: Empty, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = empty()

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(restored, "mark", killed)
        with pytest.raises(KeyboardInterrupt):
            restore(other, before.backup, before.settings.keys_dir)
    if not other.keys_dir.exists():
        shutil.copytree(before.settings.keys_dir, other.keys_dir)
    with pytest.raises(PreparationError, match=r"was not finished|there is no database"):
        require_ready(other)
    if other.database_url:
        with pytest.raises(PreparationError, match="was not finished"):
            prepare(other)
        with pytest.raises(PreparationError, match="is not empty"):
            restore(other, before.backup, None)


def test_whoever_serves_it_is_told_once_that_it_is_read_alone(before: Before, empty: Empty) -> None:
    other = empty()
    restore(other, before.backup, before.settings.keys_dir)
    app = create_app(other)
    said: list[str] = []
    stop = threading.Event()
    server = make_server("127.0.0.1", 0, app)
    settings = replace(other, host="127.0.0.1", port=server.port)
    threads = [
        threading.Thread(target=server.serve_forever),
        threading.Thread(target=say_ready, args=(settings, stop, said.append)),
    ]
    for thread in threads:
        thread.start()
    try:
        _wait_for(lambda: bool(said))
        with _opened(other) as database, database.transaction() as connection:
            restored.lift(connection)
        _wait_for(lambda: any(each.startswith("ready") for each in said))
    finally:
        stop.set()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()
        app.extensions["holdfast"].watcher.stop()
        app.extensions["holdfast"].database.engine.dispose()
    assert ["read alone" in each for each in said[:2]] == [True, False]


def _wait_for(is_so: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if is_so():
            return
        time.sleep(0.02)
    raise AssertionError("it never came about")


def test_a_copy_by_hand_is_read_alone_too(before: Before, empty: Empty) -> None:
    other = empty()
    if other.database_url:
        with pytest.raises(PreparationError, match="only a SQLite file"):
            adopt_copy(other, before.backup / "holdfast.pgdump", before.settings.keys_dir)
        return
    adopt_copy(other, before.backup / "holdfast.sqlite3", before.settings.keys_dir)
    assert _faults(other) == [READ_ONLY_CHECK]


def test_a_backup_of_the_release_before_is_migrated_and_marked(
    before: Before, empty: Empty, tmp_path: Path
) -> None:
    if before.settings.database_url.startswith("postgresql"):
        pytest.skip("a dump is not changed by hand")
    old = tmp_path / "old.sqlite3"
    database = open_database(f"sqlite:///{old}")
    schema.upgrade(database, "0012")
    database.engine.dispose()
    _fill(old, before.backup / "holdfast.sqlite3")
    other = empty()
    adopt_copy(other, old, before.settings.keys_dir)
    assert _faults(other) == [READ_ONLY_CHECK]


def _fill(old: Path, newer: Path) -> None:
    """Copy into a file of an older schema what a newer one has of its tables and columns."""
    with closing(sqlite3.connect(old)) as file:
        file.execute("ATTACH ? AS newer", (str(newer),))
        tables = "SELECT name FROM main.sqlite_schema WHERE type = 'table'"
        for (table,) in file.execute(tables).fetchall():
            if table in {"alembic_version", "sqlite_sequence"}:
                continue
            columns = file.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
            named = ", ".join(f'"{name}"' for (name,) in columns)
            file.execute(f"DELETE FROM main.{table}")  # noqa: S608 - its own names
            file.execute(
                f"INSERT INTO main.{table} ({named}) SELECT {named} FROM newer.{table}"  # noqa: S608
            )
        file.commit()


# A database that was rolled back without a word.


def _invite(settings: Settings, number: int) -> None:
    command = InvitePartner(handle=f"z{number}.example", name="Z", kind=PartnerKind.EXCHANGE)
    carry_out(settings, command)


@pytest.fixture(name="apart")
def _apart(tmp_path: Path) -> Settings:
    """A coordinator whose log's key lies with a signer of its own."""
    fresh = Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "data")})
    prepare(fresh)
    (tmp_path / "signer").mkdir()
    (fresh.keys_dir / LOG_KEY).rename(tmp_path / "signer" / LOG_KEY)
    return replace(fresh, log_signer_socket=tmp_path / "signer.sock")


def test_the_signer_knows_whether_something_came_after_the_backup(
    apart: Settings, tmp_path: Path
) -> None:
    with signing(apart, tmp_path / "signer"):
        _invite(apart, 0)
        _invite(apart, 1)
        backup, _ = back_up(apart, tmp_path / "backups")
        complete = replace(apart, data_dir=tmp_path / "complete")
        restore(complete, backup, apart.keys_dir)
        # Nobody need be asked, and nobody's word is needed.
        said = reconcile(later(complete, LONG_AFTER), Sources())
        assert (said["lost"], said["is_word_alone"]) == (0, False)
        older = replace(apart, data_dir=tmp_path / "older")
        restore(older, backup, apart.keys_dir)
        older = later(older, LONG_AFTER)
        assert _refused(older, nothing_came_after=True) is ReconcileFault.GONE


def test_a_tree_of_which_nobody_but_the_signer_knows_is_passed_over_on_the_operators_word(
    apart: Settings, tmp_path: Path
) -> None:
    with signing(apart, tmp_path / "signer"):
        _invite(apart, 0)
        backup, _ = back_up(apart, tmp_path / "backups")
        signer = read_keys(apart.keys_dir).log_signer(apart.origin, apart.log_signer_socket)
        before = signer.remembered()
        assert before is not None
        # The disk fails within the commit: signed it was, and nobody was told.
        size = before.largest.size + 2
        signer.sign(Tree(size, sha256(b"never committed").digest()), before.largest)
        other = replace(apart, data_dir=tmp_path / "other")
        restore(other, backup, apart.keys_dir)
        other = later(other, LONG_AFTER)
        assert _refused(other, nothing_came_after=True) is ReconcileFault.GONE
        # Whether something came after the backup, that does not say.
        assert _refused(other, last_commit_failed=True) is ReconcileFault.NOBODY_ASKED
        said = reconcile(other, Sources(nothing_came_after=True, last_commit_failed=True))
        assert (said["lost"], said["is_word_alone"]) == (0, True)
        _invite(other, 1)
        now = signer.remembered()
        assert now is not None
        assert now.committed.size > size
        assert _faults(other) == []


def test_what_was_committed_is_not_passed_over(apart: Settings, tmp_path: Path) -> None:
    with signing(apart, tmp_path / "signer"):
        _invite(apart, 0)
        backup, _ = back_up(apart, tmp_path / "backups")
        _invite(apart, 1)
        _invite(apart, 2)
        other = replace(apart, data_dir=tmp_path / "other")
        restore(other, backup, apart.keys_dir)
        sure = {"nothing_came_after": True, "last_commit_failed": True}
        assert _refused(later(other, LONG_AFTER), **sure) is ReconcileFault.GONE


@pytest.mark.parametrize("start", [prepare, require_ready])
def test_a_database_behind_the_signer_is_read_alone_from_its_start(
    apart: Settings, tmp_path: Path, start: Callable[[Settings], object]
) -> None:
    with signing(apart, tmp_path / "signer"):
        _invite(apart, 0)
        file = tmp_path / "old.sqlite3"
        shutil.copy(apart.data_dir / "holdfast.sqlite3", file)
        start(apart)
        assert _faults(apart) == []
        _invite(apart, 1)
        _invite(apart, 2)
        start(apart)
        assert _faults(apart) == []
        for path in apart.data_dir.glob("holdfast.sqlite3*"):
            path.unlink()
        shutil.copy(file, apart.data_dir / "holdfast.sqlite3")
        start(apart)
        assert _faults(apart) == [READ_ONLY_CHECK]


def test_a_database_behind_what_its_own_key_signed_is_read_alone_from_its_start(
    tmp_path: Path,
) -> None:
    own = Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "data")})
    prepare(own)
    _invite(own, 0)
    file = tmp_path / "old.sqlite3"
    shutil.copy(own.data_dir / "holdfast.sqlite3", file)
    for number in (1, 2):
        _invite(own, number)
    assert (own.keys_dir / HIGH_WATER).stat().st_mode & 0o777 == 0o600
    prepare(own)
    assert _faults(own) == []
    for path in own.data_dir.glob("holdfast.sqlite3*"):
        path.unlink()
    shutil.copy(file, own.data_dir / "holdfast.sqlite3")
    prepare(own)
    assert _faults(own) == [READ_ONLY_CHECK]
    assert _refused(later(own, LONG_AFTER), nothing_came_after=True) is ReconcileFault.GONE


def test_an_alarm_that_a_member_has_already_does_not_hinder_it(
    before: Before, empty: Empty, tmp_path: Path
) -> None:
    """Whoever served the old copy without a word has set off every monitor."""
    watch = _watched(before, tmp_path)
    silent = empty()
    restore(silent, before.backup, before.settings.keys_dir)
    with _opened(silent) as database, database.transaction() as connection:
        restored.lift(connection)
    with _serving(later(silent, 30)) as serving, pytest.raises(LogAlarmError):
        watch.step(serving.signer.client)
    other = empty()
    restore(other, before.backup, before.settings.keys_dir)
    assert reconcile(later(other, LONG_AFTER), Sources([watch.folder]))["lost"]
