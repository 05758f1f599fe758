"""What the log commits to, as an addressee checks it."""

import pytest

from holdfast.protocol import canonical_json
from holdfast.protocol.commitment import check_event, commitment
from holdfast.protocol.errors import VerificationError

SALT = bytes(range(32))
CORE = {
    "data": {"event_id": "evt_1", "status": "frozen"},
    "timestamp": "2026-11-22T12:00:00Z",
    "type": "freeze.frozen",
}


def _event(**changes: object) -> bytes:
    claimed = commitment(SALT, canonical_json.dumps(CORE)).hex()
    log = {"seq": 7, "leaf_index": 9, "salt": SALT.hex(), "commitment": claimed} | changes
    data = {**CORE["data"], "log": log}  # type: ignore[dict-item]  # a dict of texts
    return canonical_json.dumps({**CORE, "data": data})


def test_the_commitment_of_version_one_is_what_it_always_was() -> None:
    # Computed with `printf 'holdfast/commit/1\0…' | sha256sum` over 32 zero bytes and "{}".
    assert commitment(bytes(32), b"{}").hex() == (
        "bcead349907a079b17f28978a6126c614907ff2d4a03afdb85958dbd9c26747a"
    )


def test_an_event_as_delivered_is_what_the_log_commits_to() -> None:
    assert check_event(_event())["leaf_index"] == 9


def test_what_is_added_on_the_way_is_not_committed_to() -> None:
    event = _event().replace(b'"data":{', b'"data":{"previous_undelivered":["evt_0"],', 1)
    assert check_event(event)["seq"] == 7


def test_an_event_that_was_altered_is_found_out() -> None:
    with pytest.raises(VerificationError, match="other content"):
        check_event(_event().replace(b"frozen", b"thawed", 1))


def test_another_salt_does_not_open_the_commitment() -> None:
    with pytest.raises(VerificationError, match="other content"):
        check_event(_event(salt="00" * 32))


@pytest.mark.parametrize("salt", ["", "zz" * 32, 7, None, "00" * 31])
def test_a_salt_that_is_none_is_refused(salt: object) -> None:
    with pytest.raises(VerificationError):
        check_event(_event(salt=salt))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data":7}', b'{"data":{"log":{}}}'])
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(VerificationError):
        check_event(body)
