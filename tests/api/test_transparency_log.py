"""The log as anybody reads it: what monitors and auditors build on."""

from base64 import b64decode
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from coordinator.domain.clock import SteppedClock
from holdfast.evidence.case_file import Result
from holdfast.evidence.log_inclusion import look_at_log
from holdfast.protocol.checkpoint import Checkpoint, open_checkpoint
from holdfast.protocol.life_cycle_views import RequestEventView
from holdfast.protocol.log_entry import decode_entry
from holdfast.protocol.log_proof import parse_log_proof
from holdfast.protocol.log_tiles import (
    TILE_WIDTH,
    TilePlace,
    tile_hashes,
    unbundle_entries,
)
from holdfast.protocol.merkle_tree import check_consistency, check_inclusion, leaf_hash
from holdfast.protocol.signed_note import NoteVerifier
from tests.api.acts import approve, submit
from tests.conftest import World
from tests.factories import Cast, Signer
from tests.naive_tree import naive_root

SECOND = timedelta(seconds=1)


@pytest.fixture
def world(sqlite_world: World) -> World:
    """What stores and proves is tested on both databases; this reads it."""
    return sqlite_world


@pytest.fixture
def log_key(client: FlaskClient) -> NoteVerifier:
    """The log's key, as the coordinator names it."""
    return NoteVerifier.parse(client.get("/v1").get_json()["log"]["verifier_key"])


def _checkpoint(client: FlaskClient, clock: SteppedClock, log_key: NoteVerifier) -> Checkpoint:
    clock.step(SECOND)
    answer = client.get("/v1/log/checkpoint")
    assert answer.status_code == 200, answer.data
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    return open_checkpoint(answer.data, log_key)


def _tile(client: FlaskClient, path: str) -> bytes:
    answer = client.get(f"/v1/log/tile/{path}")
    assert answer.status_code == 200, answer.data
    assert answer.content_type == "application/octet-stream"
    content: bytes = answer.data
    return content


def test_the_entries_served_are_those_that_the_checkpoint_signs(
    client: FlaskClient, clock: SteppedClock, log_key: NoteVerifier, signer: Signer, cast: Cast
) -> None:
    approve(signer, cast, submit(signer, cast))
    checkpoint = _checkpoint(client, clock, log_key)
    assert checkpoint.origin == log_key.name == "coordinator.example/v1/log"
    place = TilePlace(0, checkpoint.size)
    entries = unbundle_entries(_tile(client, f"entries/{place.path()}"))
    leaves = [leaf_hash(entry) for entry in entries]
    assert naive_root(leaves) == checkpoint.root
    assert tile_hashes(_tile(client, f"0/{place.path()}"), checkpoint.size) == leaves
    kinds = [decode_entry(entry).type for entry in entries]
    assert kinds.index("freeze_request.submitted") < kinds.index("freeze_request.approved")


def test_full_tiles_and_those_above_are_served(
    client: FlaskClient, clock: SteppedClock, log_key: NoteVerifier, signer: Signer, cast: Cast
) -> None:
    while _checkpoint(client, clock, log_key).size < TILE_WIDTH * 2 + 3:
        for _ in range(20):
            approve(signer, cast, submit(signer, cast))
    checkpoint = _checkpoint(client, clock, log_key)
    full = client.get("/v1/log/tile/0/001")
    assert full.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    leaves = [
        leaf_hash(entry)
        for index in range(2)
        for entry in unbundle_entries(_tile(client, f"entries/{TilePlace(index).path()}"))
    ]
    assert tile_hashes(full.data, TILE_WIDTH) == leaves[TILE_WIDTH:]
    above = tile_hashes(_tile(client, "1/000.p/2"), 2)
    assert above == [naive_root(leaves[:TILE_WIDTH]), naive_root(leaves[TILE_WIDTH:])]
    partial = client.get("/v1/log/tile/0/002.p/1")
    assert partial.headers["Cache-Control"] == "public, max-age=86400, immutable"
    assert client.get("/v1/log/tile/1/000.p/3").status_code == 404
    proof = client.get(f"/v1/log/proof/inclusion/300/{checkpoint.size}").get_json()
    hashes = [b64decode(each) for each in proof["hashes"]]
    check_inclusion(300, checkpoint.size, leaves[300], hashes, checkpoint.root)


def test_proofs_lead_from_one_checkpoint_to_the_next(
    client: FlaskClient, clock: SteppedClock, log_key: NoteVerifier, signer: Signer, cast: Cast
) -> None:
    first = _checkpoint(client, clock, log_key)
    request = submit(signer, cast)
    second = _checkpoint(client, clock, log_key)
    answer = client.get(f"/v1/log/proof/consistency/{first.size}/{second.size}")
    assert answer.headers["Cache-Control"].endswith("immutable")
    proof = [b64decode(each) for each in answer.get_json()["hashes"]]
    check_consistency(first.size, second.size, first.root, second.root, proof)
    index = request["log"]["leaf_index"]
    answer = client.get(f"/v1/log/proof/entry/{index}")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text == request["log"]["proof"]
    assert parse_log_proof(answer.data).index == index


def test_a_read_request_carries_the_same_proof_as_its_submission(
    signer: Signer, cast: Cast
) -> None:
    request = submit(signer, cast)
    submit(signer, cast)
    path = f"/v1/freeze-requests/{request['id']}"
    read = signer.get(cast.a.lead, path)
    assert read.get_json()["log"]["proof"] == request["log"]["proof"]
    # The log grew meanwhile, and what was read is still the same.
    submit(signer, cast)
    assert signer.get(cast.a.lead, path).headers["ETag"] == read.headers["ETag"]


def test_the_events_of_a_request_are_found_in_the_log_as_its_reader_was_told_them(
    log_key: NoteVerifier, signer: Signer, cast: Cast
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    told = signer.get(cast.a.lead, f"/v1/freeze-requests/{request['id']}/events").get_json()
    events = [RequestEventView.model_validate(each) for each in told["items"]]
    assert len(events) > 1
    assert look_at_log(request["id"], events, log_key).result is Result.VERIFIED


@pytest.mark.parametrize(
    "path",
    [
        *("tile/0/000", "tile/0/000.p/256", "tile/0/000.p/0", "tile/0/00.p/1", "tile/00/000.p/1"),
        *("tile/64/000.p/1", "tile/63/000.p/1", "tile/x/000.p/1", "tile/0/x001/000.p/1"),
        *("tile/0/x999/x999/x999/x999/x999/x999/999", "tile/entries/000", "tile/entries/x1/000"),
        *("proof/inclusion/0/0", "proof/inclusion/5/3", "proof/inclusion/0/99999999"),
        *("proof/inclusion/01/3", "proof/inclusion/a/3", "proof/inclusion/0/9223372036854775808"),
        *("proof/consistency/0/3", "proof/consistency/3/2", "proof/consistency/1/99999999"),
        *("proof/entry/99999999", "proof/entry/-1", "proof/entry/00"),
    ],
)
def test_what_the_log_has_not_is_a_clean_404(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/v1/log/{path}")
    assert answer.status_code == 404
    problem: dict[str, Any] = answer.get_json()
    assert (problem["code"], answer.content_type) == ("not_in_log", "application/problem+json")
    # What is not there yet may be there in a second.
    assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_before_anything_was_signed_there_is_no_checkpoint(client: FlaskClient, app: Any) -> None:
    database = app.extensions["holdfast"].database
    with database.writing() as connection, connection.begin():
        connection.exec_driver_sql("UPDATE log_head SET signed_at = NULL")
    answer = client.get("/v1/log/checkpoint")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_in_log")
