"""Bundles from before, during and after a replacement of the log's key, by both verifiers."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.domain.actor import COORDINATOR
from coordinator.services.commands import execute
from coordinator.services.core.log_keys import HandOverLogKey, RetireLogKey
from coordinator.services.core.unit_of_work import transaction
from coordinator.transparency_log.signer import SeedSigner
from holdfast import LogKeys, follow_log_keys
from holdfast.errors import PinMismatchError
from holdfast.evidence.bundle.examination import Trust
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_keys import TrustedLog
from holdfast.protocol.signed_note import NoteVerifier
from tests.node import REASON, NodeUnavailableError
from tests.rulebook import LOG_KEY, LOG_SIGNER, command_context
from tests.services.bundles import Unpacked, examined, fetch, refused, second_verdict
from tests.services.request_cast import Ask, Office
from tests.services.test_verification import eventful

_SECOND = PrivateKey.from_seed(b"2" * 32)
_OLD = LOG_SIGNER.verifier
_NEW = NoteVerifier(_OLD.name, _SECOND.public)


def _signs_with(office: Office, *keys: PrivateKey) -> SeedSigner:
    """Have the coordinator sign with these keys."""
    app = office.signer.client.application
    signer = SeedSigner(_OLD.name, *keys)
    app.extensions["holdfast"] = replace(app.extensions["holdfast"], log_signer=signer)
    return signer


def _say(office: Office, command: object, signer: SeedSigner) -> None:
    desk = office.desk
    context = replace(command_context(desk.database, desk.vault, desk.clock), log_signer=signer)
    with transaction(context) as uow:
        uow.finish(execute(command, COORDINATOR, uow))


@pytest.fixture(scope="module", name="bundles")
def _bundles(office: Office) -> tuple[list[bytes], LogKeys]:
    """The bundles of one request, made at three times, and all keys as they are in the end."""
    ask: Ask = eventful(office)
    reader = office.desk.cast.a.auditor
    made = [fetch(office, reader, ask)]
    both = _signs_with(office, LOG_KEY, _SECOND)
    _say(office, HandOverLogKey(present=_OLD, following=_NEW), both)
    made.append(fetch(office, reader, ask))
    _say(office, RetireLogKey(old=_OLD, new=_NEW), both)
    made.append(fetch(office, reader, ask))  # by a process that still has the old key in front
    _signs_with(office, _SECOND)
    made.append(fetch(office, reader, ask))
    shown = office.signer.client.get("/v1/log/keys").get_json()
    statements = [text.encode() for text in shown["statements"]]
    keys = follow_log_keys(_OLD, statements)
    assert follow_log_keys(_NEW, statements) == keys
    assert [each["verifier_key"] for each in shown["keys"]] == [str(_OLD), str(_NEW)]
    return made, keys


def _second(folder: Path, packed: bytes, key: NoteVerifier) -> int:
    try:
        return second_verdict(folder, packed, str(key)).returncode
    except NodeUnavailableError as error:
        if os.environ.get("REQUIRE_NODE"):
            raise
        pytest.skip(f"{REASON}{error}")


def test_each_verifies_from_the_key_of_its_time_or_one_before(
    bundles: tuple[list[bytes], LogKeys],
) -> None:
    made, keys = bundles
    named = [_OLD, _OLD, _NEW, _NEW]
    assert [Unpacked.of(packed).manifest["log"] for packed in made] == [str(key) for key in named]
    for packed, key in zip(made, named, strict=True):
        trusted: tuple[TrustedLog, ...] = (_OLD, key, keys)
        for each in trusted:
            assert refused(packed, Trust(log_key=each)) == ""
    for packed in made[:2]:
        # Who knows the new key alone is not convinced by a bundle that names the old one.
        with pytest.raises(PinMismatchError):
            examined(packed, Trust(log_key=_NEW))


def test_the_second_verifier_comes_to_the_same_verdict(
    tmp_path: Path, bundles: tuple[list[bytes], LogKeys]
) -> None:
    made, _ = bundles
    assert [_second(tmp_path, packed, _OLD) for packed in made] == [0, 0, 0, 0]
    assert [_second(tmp_path, packed, _NEW) for packed in made] == [1, 1, 0, 0]


def _names(packed: bytes) -> list[str]:
    return sorted(name for name in Unpacked.of(packed).files if name.startswith("log-keys/"))


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("is_there", [True, False])
def test_a_handover_that_was_tampered_with_is_refused_by_both(
    tmp_path: Path, bundles: tuple[list[bytes], LogKeys], number: int, *, is_there: bool
) -> None:
    packed = bundles[0][-1]
    bundle = Unpacked.of(packed)
    name = _names(packed)[number]
    content = bundle.files.pop(name)
    if is_there:
        bundle.files[name] = content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]
    assert refused(bundle.pack(), Trust(log_key=_OLD)) != ""
    assert _second(tmp_path, bundle.pack(), _OLD) == 1


def test_without_the_handover_the_new_key_is_a_strangers(
    tmp_path: Path, bundles: tuple[list[bytes], LogKeys]
) -> None:
    packed = bundles[0][-1]
    bundle = Unpacked.of(packed)
    for name in _names(packed):
        del bundle.files[name]
    assert "is trusted is" in refused(bundle.pack(), Trust(log_key=_OLD))
    assert _second(tmp_path, bundle.pack(), _OLD) == 1


def test_a_bundle_that_a_retired_key_signed_is_refused_by_whoever_knows_that_it_is(
    bundles: tuple[list[bytes], LogKeys],
) -> None:
    made, keys = bundles
    ended = Unpacked.of(made[1]).manifest["tree_size"] - 1
    first, second = keys.spans
    known = LogKeys((replace(first, last=ended), second))
    assert "does not count" in refused(made[1], Trust(log_key=known))
