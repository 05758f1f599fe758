"""What a partner was told stands in the log as it was told, or the kit says that it does not."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.case_file import Result
from holdfast.evidence.log_inclusion import (
    NoLogProofError,
    look_at_log,
    prove_log_entry,
    prove_logged_event,
)
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.type_ids import new_id
from tests.partners.logged_events import AT, EVENTS, LOG, SIZE, event_view, logged_events
from tests.partners.shell import FRQ

#: Altered events of the seeded test.
TAMPERINGS = 1_000


def _changed(event: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    document: dict[str, Any] = strict_json.loads(event)
    change(document)
    return canonical_json.dumps(document)


@pytest.mark.parametrize("index", range(SIZE))
def test_an_event_as_told_is_proven(index: int) -> None:
    logged = prove_logged_event(EVENTS[index], LOG)
    assert (logged.index, logged.checkpoint.size) == (index, SIZE)


#: What a coordinator could do to an event's place in the log, by name.
LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "other content": lambda e: e["data"].update(amount="7"),
    "another place": lambda e: e["data"]["log"].update(leaf_index=3),
    "another type": lambda e: e["data"]["log"].update(type="freeze.released"),
    "another time": lambda e: e["data"]["log"].update(at="2026-03-02T11:00:00Z"),
    "another id": lambda e: e["data"]["log"].update(leaf_id="ff" * 16),
    "no tags": lambda e: e["data"]["log"].update(tags=""),
    "a number for a proof": lambda e: e["data"]["log"].update(proof=7),
    "no proof in the text": lambda e: e["data"]["log"].update(proof="no"),
    "no type": lambda e: e["data"]["log"].pop("type"),
    "no place": lambda e: e["data"].pop("log"),
    "tags that are none": lambda e: e["data"]["log"].update(tags="AAAA"),
    "a number for tags": lambda e: e["data"]["log"].update(tags=4),
    "another's proof": lambda e: e["data"]["log"].update(
        proof=strict_json.loads(EVENTS[9])["data"]["log"]["proof"]
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_about_an_event_is_found_out(name: str) -> None:
    with pytest.raises(UntrustedEvidenceError):
        prove_logged_event(_changed(EVENTS[5], LIES[name]), LOG)


@pytest.mark.parametrize(("index", "equal"), [(5, 5.0), (1, True)])
def test_a_place_is_a_whole_number(index: int, equal: object) -> None:
    place = strict_json.loads(EVENTS[index])["data"]["log"]
    assert prove_log_entry(place, LOG).index == index
    with pytest.raises(UntrustedEvidenceError):
        prove_log_entry({**place, "leaf_index": equal}, LOG)


@pytest.mark.parametrize(
    "said",
    [
        {"said_type": "freeze.released"},
        {"said_at": AT - timedelta(days=1)},
        {"said_at": AT + timedelta(microseconds=1)},
    ],
)
def test_what_was_logged_as_something_else_or_at_another_time_is_not_proven(
    said: dict[str, Any],
) -> None:
    """Its commitment is in the log, and what everybody reads beside it there is another."""
    with pytest.raises(UntrustedEvidenceError, match="it was logged") as refused:
        prove_logged_event(logged_events(**said)[5], LOG)
    assert refused.value.code == "not_as_logged"


def test_what_carries_no_proof_is_said_to_carry_none() -> None:
    event = _changed(EVENTS[5], lambda e: e["data"]["log"].pop("proof"))
    with pytest.raises(NoLogProofError):
        prove_logged_event(event, LOG)


def test_another_logs_key_proves_nothing() -> None:
    forged = logged_events(PrivateKey.generate("EdDSA"))
    with pytest.raises(UntrustedEvidenceError):
        prove_logged_event(forged[0], LOG)
    place = strict_json.loads(EVENTS[0])["data"]["log"]
    assert prove_log_entry(place, LOG).index == 0


def test_no_event_altered_at_random_is_proven() -> None:
    chance = random.Random(14)  # noqa: S311 - the same every time
    for _ in range(TAMPERINGS):
        event = bytearray(chance.choice(EVENTS))
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(event))
            match chance.choice(["bit", "drop", "double"]):
                case "bit":
                    event[place] ^= 1 << chance.randrange(8)
                case "drop":
                    del event[place : place + chance.randrange(1, 40)]
                case _:
                    event[place:place] = event[place : place + chance.randrange(1, 40)]
        _require_no_lie(bytes(event))


def _require_no_lie(event: bytes) -> None:
    """Fail where an altered event is proven, unless all that is proven is as it was."""
    try:
        logged = prove_logged_event(event, LOG)
    except UntrustedEvidenceError:
        return
    core = strict_json.loads(event)
    told = strict_json.loads(EVENTS[logged.index])
    for each in (core, told):
        del each["data"]["log"]
        each["data"].pop("previous_undelivered", None)
    assert core == told


def test_looking_at_a_requests_events_says_how_many_are_proven() -> None:
    finding = look_at_log(FRQ, map(event_view, EVENTS), LOG)
    assert finding.result is Result.VERIFIED
    assert finding.detail.startswith(f"{SIZE} events in the log c.example/v1/log")


def test_an_event_from_before_the_key_is_asserted() -> None:
    older = _changed(EVENTS[0], lambda e: e["data"]["log"].pop("proof"))
    finding = look_at_log(FRQ, [event_view(older), event_view(EVENTS[1])], LOG)
    assert finding.result is Result.ASSERTED
    assert "1 event in the log" in finding.detail


def test_one_false_event_fails_the_request() -> None:
    false = _changed(EVENTS[0], LIES["other content"])
    finding = look_at_log(FRQ, [event_view(EVENTS[1]), event_view(false)], LOG)
    assert finding.result is Result.FAILED
    assert "freeze.frozen (entry 0)" in finding.detail


def test_events_of_another_request_prove_nothing_of_this_one() -> None:
    finding = look_at_log(new_id("frq"), map(event_view, EVENTS), LOG)
    assert finding.result is Result.FAILED
    assert "of another request" in finding.detail


def test_an_event_that_is_shown_twice_or_in_another_place_fails() -> None:
    shown = event_view(EVENTS[1])
    for events in ([shown, shown], [shown.model_copy(update={"leaf_index": 2})]):
        assert look_at_log(FRQ, events, LOG).result is Result.FAILED


def test_two_trees_of_one_size_fail_although_the_key_signed_both() -> None:
    other = logged_events(at=AT + timedelta(hours=1))
    for event in (EVENTS[0], other[1]):
        prove_logged_event(event, LOG)
    finding = look_at_log(FRQ, map(event_view, (EVENTS[0], other[1])), LOG)
    assert finding.result is Result.FAILED
    assert f"two trees of {SIZE} leaves" in finding.detail


def test_no_events_at_all_are_not_verified() -> None:
    assert look_at_log(FRQ, [], LOG).result is Result.ASSERTED
