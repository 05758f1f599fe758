"""`holdfast monitor`: what people read, what programs read, and the status it ends with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_IMODE

import pytest
from click.testing import Result

from holdfast import LogReceipts, follow_log_keys, monitor_folder
from holdfast.cli.exit_codes import ExitCode
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.profiles.tag_keys import TagKeyFile
from holdfast.protocol import strict_json
from holdfast.protocol.cosignature import WitnessVerifier, check_cosignatures
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_entry import decode_entry
from holdfast.protocol.log_tiles import TilePlace, bundle_entries
from holdfast.protocol.routing_tag import TagKey, new_tag_key, routing_tag
from holdfast.protocol.signed_note import NoteVerifier, parse_note
from tests.partners.key_log import FIRST, SECOND, KeyLog, line
from tests.partners.memory_log import LOG, Tree, entry
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator, problem

NAME = "a.example/witness"


@dataclass
class Watched:
    """A coordinator with a log, and whoever watches it without a profile."""

    stub: StubCoordinator
    shell: Shell

    def show(self, entries: Sequence[bytes], *keys: PrivateKey) -> None:
        """Be the coordinator of a log of these entries."""
        self.stub.forget_all()
        self.stub.answers("GET", "/v1", self.stub.service)
        tree = Tree(entries)
        for path in ("checkpoint", "cosignatures"):
            self.stub.answers("GET", f"/v1/log/{path}", raw=tree.signed(*keys))
        path = TilePlace(0, tree.size).path()
        self.stub.answers("GET", f"/v1/log/tile/entries/{path}", raw=bundle_entries(entries))

    def __call__(self, *words: str) -> Result:
        return self.shell("monitor", "--coordinator", self.stub.origin, "--once", *words)

    @property
    def folder(self) -> Path:
        return monitor_folder(self.shell.store.home, self.stub.origin)


@pytest.fixture
def watched(stub: StubCoordinator, shell: Shell) -> Watched:
    stub.service["log"] = {
        "url": f"{stub.origin}/v1/log",
        "origin": LOG.name,
        "verifier_key": str(LOG),
    }
    found = Watched(stub, shell)
    found.show([entry(number) for number in range(5)])
    return found


def test_it_says_what_it_saw(watched: Watched) -> None:
    done = watched()
    assert done.exit_code == 0, done.output
    assert "5 entries verified, 5 of them new; published: 5" in done.stdout
    assert f"compare it with other members: {LOG}" in done.stderr
    again = watched("--json")
    told = strict_json.loads(again.stdout.encode())
    assert (told["size"], told["added"], told["published"], told["undelivered"]) == (5, 0, 5, [])
    assert "compare" not in again.stderr


def test_a_fork_ends_it_with_a_status_of_its_own_until_it_is_acknowledged(
    watched: Watched,
) -> None:
    assert watched().exit_code == 0
    watched.show([entry(0, "other"), *(entry(number) for number in range(1, 5))])
    done = watched()
    assert done.exit_code == ExitCode.LOG_ALARM
    kept = sorted((watched.folder / "alarm").iterdir())
    assert [path.name for path in kept] == ["1-fork-ours.checkpoint", "1-fork-theirs.checkpoint"]
    said = "".join(done.stderr.split())
    assert all(str(path) in said for path in kept)
    watched.show([entry(number) for number in range(5)])
    assert watched().exit_code == ExitCode.LOG_ALARM
    assert watched("--acknowledge").exit_code == 0
    assert watched().exit_code == 0


def test_it_cosigns_as_the_witness_that_it_is_told_to_be(watched: Watched) -> None:
    answer = {"tree_size": 5, "witnesses": [NAME], "published_size": 5}
    watched.stub.answers("POST", "/v1/log/cosignatures", answer)
    done = watched("--witness", NAME)
    assert done.exit_code == 0, done.output
    assert "cosigned: 5" in done.stdout
    line = (watched.folder / "witness.vkey").read_text().strip()
    assert line in done.stderr.replace("\n", "")
    [sent] = [each for each in watched.stub.seen if each.method == "POST"]
    assert sent.token is None
    note = parse_note(strict_json.loads(sent.body)["note"].encode())
    assert check_cosignatures(note, [WitnessVerifier.parse(line)])
    assert S_IMODE((watched.folder / "witness.pem").stat().st_mode) == 0o600


def test_a_cosignature_that_is_not_taken_is_told_and_no_more(watched: Watched) -> None:
    refused = problem(403, "unknown_witness", detail="ask the operator")
    watched.stub.answers("POST", "/v1/log/cosignatures", refused, status=403)
    done = watched("--witness", NAME)
    assert done.exit_code == 0
    assert "cosignature not taken: unknown witness: ask the operator" in done.stdout


def test_another_key_than_the_kept_one_is_refused(watched: Watched) -> None:
    other = NoteVerifier(LOG.name, PrivateKey.generate().public)
    assert watched("--log-key", str(other)).exit_code == ExitCode.UNTRUSTED
    assert watched("--log-key", str(LOG)).exit_code == ExitCode.UNTRUSTED
    store = ProfileStore(watched.shell.store.home)
    store.keep_log_key(watched.stub.origin, LOG)
    assert watched("--log-key", str(LOG)).exit_code == 0
    assert watched("--log-key", "x").exit_code == ExitCode.USAGE


def test_a_coordinator_without_a_log_is_said(watched: Watched) -> None:
    del watched.stub.service["log"]
    watched.show([entry(0)])
    done = watched()
    assert done.exit_code == ExitCode.UNTRUSTED
    assert "names no key of a log" in done.stderr


def test_nobody_there_is_no_alarm(watched: Watched) -> None:
    assert watched().exit_code == 0
    watched.stub.forget("GET", "/v1/log/checkpoint")
    watched.stub.answers("GET", "/v1/log/checkpoint", problem(503, "unavailable"), status=503)
    assert watched().exit_code == ExitCode.UNREACHABLE


def test_receipts_are_counted(watched: Watched) -> None:
    receipt = Tree([entry(number) for number in range(5)]).receipt(3)
    receipts = LogReceipts(watched.folder)
    receipts.keep(receipt)
    receipts.close()
    done = watched()
    assert "1 of 1 receipt found" in done.stdout


def test_with_deliveries_it_alarms_of_what_was_logged_for_its_partner_and_never_came(
    watched: Watched, analyst: Profile
) -> None:
    unknown = watched("--deliveries")
    assert unknown.exit_code == ExitCode.USAGE
    assert "holdfast tag-key rotate" in " ".join(unknown.stderr.split())
    key = new_tag_key()
    TagKeyFile(watched.shell.store.home).keep(
        watched.stub.origin, analyst.handle, TagKey(key, first_leaf=0)
    )
    assert watched("--deliveries").exit_code == 0
    mine = entry(5, tags=(*[bytes(16)] * 3, routing_tag(key, decode_entry(entry(5)).leaf_id)))
    others = entry(6, tags=(bytes(16),) * 4)
    watched.show([*(entry(number) for number in range(5)), mine, others])
    told = watched("--deliveries")
    assert told.exit_code == 0, told.output
    assert "entry 5 was logged for you, not delivered yet: freeze.frozen" in told.stdout
    assert "entry 6" not in told.stdout
    late = watched("--deliveries", "--patience", "0")
    assert late.exit_code == ExitCode.LOG_ALARM
    assert "the first is 5: freeze.frozen" in " ".join(late.stderr.split())


def test_a_handover_is_told_and_the_new_key_kept(watched: Watched) -> None:
    assert watched().exit_code == 0
    log = KeyLog([entry(number) for number in range(5)])
    log.hand_over(FIRST, SECOND)
    log.retire(FIRST, SECOND)
    watched.show(log.entries, SECOND)
    watched.stub.answers("GET", "/v1/log/keys", log.shown())
    done = watched()
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert f"entry 5 hands the log over to {line(SECOND)}: compare that" in said
    assert f"entry 6: {line(FIRST)} signs the log no more" in said
    kept = ProfileStore(watched.shell.store.home).log_key(watched.stub.origin)
    assert kept == follow_log_keys(LOG, log.statements)
    # Whoever names either key means the same log.
    for key in (FIRST, SECOND):
        assert watched("--log-key", str(line(key))).exit_code == 0
    told = strict_json.loads(watched("--json").stdout.encode())
    assert told["key_changes"] == []


def test_a_key_without_a_handover_ends_it_with_the_status_of_an_alarm(watched: Watched) -> None:
    assert watched().exit_code == 0
    watched.show([entry(number) for number in range(6)], SECOND)
    watched.stub.answers("GET", "/v1/log/keys", KeyLog().shown())
    done = watched()
    assert done.exit_code == ExitCode.LOG_ALARM
    assert "did not hand over to it" in " ".join(done.stderr.split())
