"""Witnesses: what they are held out, what is taken of them, and what is published for it."""

import io
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from coordinator.app import read_log_policy
from coordinator.domain.clock import SteppedClock
from coordinator.settings import Settings, SettingsError
from coordinator.storage.engine.database import Database
from coordinator.storage.tail import cosignatures as store
from coordinator.storage.tail.transparency_log import ROUND_SECONDS
from coordinator.transparency_log.witnesses import KEPT, quorum_state
from holdfast import (
    BundleReader,
    Finding,
    LogMonitor,
    PinMismatchError,
    PublicLog,
    Result,
    Transport,
    Trust,
    Witness,
    examine_bundle,
    receipts_kept_in,
)
from holdfast.protocol.checkpoint import open_checkpoint
from holdfast.protocol.cosignature import WitnessVerifier, check_cosignatures, cosign
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_policy import parse_policy
from holdfast.protocol.signed_note import NoteSignature, NoteVerifier, SignedNote, parse_note
from tests.api.acts import submit
from tests.conftest import World
from tests.factories import ORIGIN, Cast, Signer

KEYS = {name: PrivateKey.from_seed(name.encode() * 32) for name in "abcx"}
WITNESSES = {
    name: WitnessVerifier(f"{name}.example/witness", key.public) for name, key in KEYS.items()
}
POLICY = (
    "".join(f"witness {name} {WITNESSES[name]}\n" for name in "abc") + "group most 2 a b c\n"
).encode()
ROUND = timedelta(seconds=ROUND_SECONDS)
SECOND = timedelta(seconds=1)


@pytest.fixture
def world(sqlite_world: World) -> World:
    """What is stored is tested on both databases (`transparency_log/test_witnesses`)."""
    return sqlite_world


@dataclass
class Log:
    """The log as witnesses meet it."""

    client: FlaskClient
    clock: SteppedClock
    key: NoteVerifier

    def held_out(self) -> SignedNote:
        """Return what is to be cosigned now."""
        answer = self.client.get("/v1/log/cosignatures")
        assert answer.status_code == 200, answer.data
        return parse_note(answer.data)

    def published(self) -> tuple[int, list[str]]:
        """Return the size of the published checkpoint, and who cosigned it."""
        answer = self.client.get("/v1/log/checkpoint")
        if answer.status_code == 404:
            return 0, []
        size = open_checkpoint(answer.data, self.key).size
        found = check_cosignatures(parse_note(answer.data), WITNESSES.values())
        return size, [each.witness.name[0] for each in found]

    def hand_in(self, note: SignedNote) -> Any:
        """Return what handing a note in is answered."""
        return self.client.post("/v1/log/cosignatures", json={"note": note.encode().decode()})

    def cosigned(self, note: SignedNote, *names: str) -> SignedNote:
        """Return a note with these witnesses' cosignatures under it."""
        made = [cosign(note.text, WITNESSES[n].name, KEYS[n], self.clock.now()) for n in names]
        return SignedNote(note.text, (*note.signatures, *made))

    def cosign(self, note: SignedNote, *names: str) -> Any:
        """Have witnesses cosign a note and hand it in; returns the answer."""
        answer = self.hand_in(self.cosigned(note, *names))
        assert answer.status_code == 200, answer.data
        return answer.get_json()


def _with_policy(app: Flask, text: bytes) -> None:
    context = app.extensions["holdfast"]
    app.extensions["holdfast"] = replace(
        context, log_policy=parse_policy(text), log_policy_text=text
    )


@pytest.fixture
def log(app: Flask, client: FlaskClient, clock: SteppedClock) -> Log:
    _with_policy(app, POLICY + b"quorum most\n")
    key = NoteVerifier.parse(client.get("/v1").get_json()["log"]["verifier_key"])
    clock.step(ROUND)
    return Log(client, clock, key)


def test_a_checkpoint_is_published_once_enough_witnesses_cosigned_it(log: Log) -> None:
    note = log.held_out()
    size = open_checkpoint(note.encode(), log.key).size
    assert log.published() == (0, [])
    answer = log.cosign(note, "a")
    assert answer == {
        "tree_size": size,
        "witnesses": ["a.example/witness"],
        "published_size": 0,
    }
    assert log.published() == (0, [])
    assert log.cosign(note, "c")["published_size"] == size
    assert log.published() == (size, ["a", "c"])
    log.cosign(note, "b")
    assert log.published() == (size, ["a", "b", "c"])


def test_witnesses_meet_at_one_checkpoint_though_the_log_grows(
    log: Log, signer: Signer, cast: Cast
) -> None:
    first = log.held_out()
    for _ in range(4):
        submit(signer, cast)
        log.clock.step(SECOND)
        assert log.held_out().text == first.text
    log.cosign(first, "a", "b")
    log.clock.step(ROUND)
    second = log.held_out()
    assert open_checkpoint(second.encode(), log.key).size > log.published()[0]
    log.cosign(second, "a")
    assert log.published()[0] == open_checkpoint(first.encode(), log.key).size
    submit(signer, cast)
    log.cosign(log.held_out(), "b")
    assert log.published()[0] == open_checkpoint(second.encode(), log.key).size


def test_a_late_cosignature_still_counts(log: Log, signer: Signer, cast: Cast) -> None:
    first = log.held_out()
    submit(signer, cast)
    log.clock.step(ROUND)
    log.cosign(log.held_out(), "a")
    log.cosign(first, "a", "b")
    assert log.published() == (open_checkpoint(first.encode(), log.key).size, ["a", "b"])


def test_without_a_quorum_the_newest_is_published_with_what_cosignatures_there_are(
    app: Flask, log: Log, signer: Signer, cast: Cast
) -> None:
    _with_policy(app, POLICY + b"quorum none\n")
    size, by = log.published()
    assert by == []
    log.cosign(log.held_out(), "a")
    assert log.published() == (size, ["a"])
    submit(signer, cast)
    log.clock.step(SECOND)
    newer, by = log.published()
    assert (newer > size, by) == (True, [])


def test_handing_in_again_changes_nothing_and_a_newer_one_takes_its_place(log: Log) -> None:
    note = log.held_out()
    first = log.cosigned(note, "a", "b")
    log.clock.step(SECOND)
    newer = log.cosigned(note, "a")
    for each in (first, first, newer, first):
        assert log.hand_in(each).status_code == 200
    published = parse_note(log.client.get("/v1/log/checkpoint").data)
    made = {each.name: each for each in published.signatures}
    assert made["a.example/witness"] == newer.signatures[-1]
    assert made["b.example/witness"] == first.signatures[-1]


def test_a_few_of_each_witness_are_kept_and_always_those_that_are_published(
    log: Log, signer: Signer, cast: Cast, database: Database
) -> None:
    note = log.held_out()
    log.cosign(note, "a", "b")
    published = log.published()
    for _ in range(KEPT + 3):
        submit(signer, cast)
        log.clock.step(ROUND)
        log.cosign(log.held_out(), "a")
    assert log.published() == published
    with database.engine.connect() as connection:
        of_a = [x for x in store.stored(connection) if x.witness == str(WITNESSES["a"])]
    assert len(of_a) == KEPT + 1
    log.cosign(log.held_out(), "c")
    assert log.published()[1] == ["a", "c"]


def test_what_is_not_to_be_taken_is_refused_and_not_kept(log: Log, database: Database) -> None:
    note = log.held_out()
    other_log = SignedNote(note.text.replace("coordinator.example", "other.example"), ())
    forged = SignedNote(note.text.replace("=", "", 1), ())
    lines = note.text.split("\n")
    root = "A" * 43 + "="
    forked = SignedNote("\n".join([*lines[:2], root, ""]), ())
    larger = SignedNote("\n".join([lines[0], "9999", *lines[2:]]), ())
    smaller = SignedNote("\n".join([lines[0], "0", *lines[2:]]), ())
    ahead = cosign(note.text, WITNESSES["a"].name, KEYS["a"], log.clock.now() + timedelta(hours=1))
    garbled = NoteSignature(WITNESSES["a"].name, WITNESSES["a"].key_id, bytes(72))
    cases = [
        (log.cosigned(other_log, "a"), 409, "other_checkpoint"),
        (log.cosigned(forged, "a"), 422, "no_checkpoint"),
        (log.cosigned(forked, "a"), 409, "other_checkpoint"),
        (log.cosigned(larger, "a"), 404, "not_in_log"),
        (log.cosigned(smaller, "a"), 422, "no_checkpoint"),
        (log.cosigned(note, "x"), 403, "unknown_witness"),
        (note, 403, "unknown_witness"),
        (SignedNote(note.text, (ahead,)), 422, "cosignature"),
        (SignedNote(note.text, (garbled,)), 422, "cosignature"),
    ]
    for each, status, code in cases:
        answer = log.hand_in(each)
        assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    with database.engine.connect() as connection:
        assert store.stored(connection) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{}", 422),
        (b'{"note": 1}', 422),
        (b'{"note": ""}', 422),
        (b'{"note": "a"}', 422),
        (b'{"note": "a\\n\\n\\u2014 b c\\n"}', 422),
        (b'{"note": "' + b"a" * 60_001 + b'"}', 422),
        (b'{"note": "' + b"a" * 66_000 + b'"}', 413),
        (b'{"note": "\\ud800"}', 400),
        (b'{"note": "a", "b": 1}', 422),
    ],
)
def test_any_other_body_is_refused(log: Log, body: bytes, status: int) -> None:
    answer = log.client.post("/v1/log/cosignatures", data=body, content_type="application/json")
    assert answer.status_code == status, answer.data
    assert answer.content_type == "application/problem+json"


def test_it_must_be_json(log: Log) -> None:
    note = log.cosigned(log.held_out(), "a").encode()
    answer = log.client.post("/v1/log/cosignatures", data=note, content_type="text/plain")
    assert answer.status_code == 415


def test_a_witness_that_the_policy_no_longer_names_does_not_count(app: Flask, log: Log) -> None:
    log.cosign(log.held_out(), "a", "b")
    assert log.published()[0] > 0
    others = "".join(f"witness {name} {WITNESSES[name]}\n" for name in "bcx")
    _with_policy(app, f"{others}group most 2 b c x\nquorum most\n".encode())
    assert log.published() == (0, [])


def test_the_policy_is_shown_with_the_logs_key(log: Log) -> None:
    answer = log.client.get("/v1/log/policy")
    assert answer.content_type == "text/plain; charset=utf-8"
    policy = parse_policy(answer.data)
    assert policy.logs == (log.key,)
    assert policy.quorum == "most"
    assert list(policy.verifiers) == [WITNESSES[name] for name in "abc"]


def test_the_operator_sees_a_quorum_that_is_not_met(
    log: Log, signer: Signer, cast: Cast, database: Database
) -> None:
    policy = parse_policy(POLICY + b"quorum most\n")
    log.cosign(log.held_out(), "a", "b")
    submit(signer, cast)
    log.clock.step(timedelta(minutes=20))
    log.cosign(log.held_out(), "a")
    with database.engine.connect() as connection:
        state = quorum_state(connection, policy, log.clock.now())
    assert state.behind == timedelta(minutes=20)
    assert state.size == log.published()[0]
    last = {each.name: each.last for each in state.witnesses}
    assert last == {
        "a": log.clock.now(),
        "b": log.clock.now() - timedelta(minutes=20),
        "c": None,
    }
    log.cosign(log.held_out(), "b")
    with database.engine.connect() as connection:
        assert quorum_state(connection, policy, log.clock.now()).behind == timedelta()


def test_by_default_nobody_is_asked(settings: Settings, tmp_path: Path) -> None:
    policy, text = read_log_policy(settings)
    assert policy == parse_policy(b"quorum none\n")
    assert text.endswith(b"quorum none\n")
    for content, said in [
        (b"quorum", "line 1"),
        (f"log {NoteVerifier('c', KEYS['a'].public)}\nquorum none".encode(), "log line out"),
        (f"witness a {WitnessVerifier('a' * 400, KEYS['a'].public)}\nquorum a".encode(), "at most"),
    ]:
        path = tmp_path / "log-policy"
        path.write_bytes(content)
        with pytest.raises(SettingsError, match=said):
            read_log_policy(replace(settings, log_policy_file=path))
    with pytest.raises(SettingsError, match="nowhere"):
        read_log_policy(replace(settings, log_policy_file=tmp_path / "nowhere"))


def test_a_monitor_follows_and_cosigns_over_a_socket(
    app: Flask, log: Log, signer: Signer, cast: Cast, tmp_path: Path
) -> None:
    witness = Witness.open(tmp_path, "m.example/witness")
    _with_policy(app, f"witness m {witness.verifier}\nquorum m\n".encode())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    public = PublicLog(Transport(None, ORIGIN, base_url=base))
    watching = LogMonitor(tmp_path, log.key, public, witness=witness, now=log.clock.now)
    try:
        with watching as monitor:
            first = monitor.step()
            assert (first.cosigned, first.published) == (first.size, first.size)
            request = submit(signer, cast)
            receipts_kept_in(tmp_path)(request["log"])
            waiting = monitor.step()
            assert (waiting.receipts, waiting.found, waiting.added) == (1, 0, 0)
            log.clock.step(ROUND)
            second = monitor.step()
            assert second.cosigned == second.published == second.size > first.size
            assert second.found == 1
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_bundle_is_under_a_checkpoint_that_witnesses_cosigned(
    app: Flask, log: Log, signer: Signer, cast: Cast
) -> None:
    _with_policy(app, POLICY + b"quorum most\n")
    asked = submit(signer, cast)
    path = f"/v1/freeze-requests/{asked['id']}/evidence-bundle"

    def policy_of_bundle() -> Finding:
        answer = signer.get(cast.a.auditor, path)
        assert answer.status_code == 200, answer.data
        examination = examine_bundle(BundleReader(io.BytesIO(answer.data)), Trust())
        return next(each for each in examination.own if each.what == "policy")

    young = policy_of_bundle()
    assert (young.result, "export again" in young.detail) == (Result.FAILED, True)
    log.clock.step(ROUND)
    log.cosign(log.held_out(), "a", "c")
    met = policy_of_bundle()
    assert met.result is Result.ASSERTED
    assert met.detail.startswith("cosigned by a.example/witness, c.example/witness")


def test_whoever_verifies_a_bundle_may_ask_for_witnesses_of_their_own(
    app: Flask, log: Log, signer: Signer, cast: Cast
) -> None:
    _with_policy(app, POLICY + b"quorum most\n")
    asked = submit(signer, cast)
    log.clock.step(ROUND)
    log.cosign(log.held_out(), "a", "c")
    answer = signer.get(cast.a.auditor, f"/v1/freeze-requests/{asked['id']}/evidence-bundle")

    def examined(policy: bytes) -> tuple[Result, str, Result, bool]:
        trust = Trust(policy=parse_policy(policy))
        examination = examine_bundle(BundleReader(io.BytesIO(answer.data)), trust)
        own = {each.what: each for each in examination.own}
        assert examination.is_quorum_trusted
        found = own["policy"]
        return found.result, found.detail, own["log key"].result, examination.is_log_key_trusted

    own_log = f"log {log.key}\n".encode()
    met = examined(own_log + POLICY + b"quorum most\n")
    assert (met[0], "as your policy asks (quorum most)" in met[1]) == (Result.VERIFIED, True)
    assert met[2:] == (Result.VERIFIED, True)
    # Without a log in it a policy says nothing of the log's key.
    assert examined(POLICY + b"quorum a\n")[2:] == (Result.ASSERTED, False)
    short = examined(own_log + POLICY + b"quorum b\n")
    assert (short[0], "of your policy is not met" in short[1]) == (Result.FAILED, True)
    assert examined(own_log + b"quorum none\n")[0] is Result.ASSERTED
    other = NoteVerifier(log.key.name, PrivateKey.generate().public)
    with pytest.raises(PinMismatchError, match="that of your policy is"):
        examined(f"log {other}\nquorum none\n".encode())
