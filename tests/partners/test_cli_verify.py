"""`holdfast verify`: what it prints, for people and for programs, and its exit status."""

import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import pytest

from holdfast import follow_log_keys
from holdfast.cli.session import Session
from holdfast.client.published_roots import NothingPublishedError, Published, Source
from holdfast.profiles.store import ProfileStore
from holdfast.protocol import strict_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_keys import LogKeys
from holdfast.protocol.payloads import Approval
from holdfast.protocol.signed_note import NoteVerifier
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import EvidenceKind, Role
from tests.partners.key_log import FIRST, SECOND, KeyLog, line
from tests.partners.logged_events import EVENTS, LOG, SIZE, event_view
from tests.partners.shell import FRQ, REQUEST, Shell
from tests.partners.signed_world import World, context_hash_of, evidence_view, request_body, sign
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import leg_view, request_view

_NOBODY = dict.fromkeys(("partner", "subject", "kid", "token", "body", "jwk"))
Attack = Callable[[list[EvidenceView]], None]


class Coordinator:
    """A stand-in that shows A's lead a request that went out to B."""

    def __init__(self, stub: StubCoordinator, store: ProfileStore) -> None:
        self.stub, self.world = stub, World(origin=stub.origin)
        submitter = self.world.person(Role.ANALYST)
        self.lead = lead = self.world.person(Role.SECURITY_LEAD)
        stub.keys[lead.key.kid] = lead.key.public
        store.save(lead)
        requests = f"{stub.origin}/v1/freeze-requests"
        signed = sign(submitter, requests, request_body())
        content = {"content_sha256": sha256(signed.body).hexdigest()}
        context = context_hash_of(FRQ, signed.body)
        decision = {"decision": "approve", "context_sha256": context, **content}
        approval = sign(lead, f"{requests}/{FRQ}/approvals", Approval.model_validate(decision))
        self.acts = [
            evidence_view("submit", signed, submitter),
            evidence_view("approve", approval, lead),
        ]
        self.acts.append(
            self.acts[0].model_copy(
                update={
                    "act": "deliver",
                    "act_id": new_id("act"),
                    "kind": EvidenceKind.COORDINATOR,
                    **_NOBODY,
                }
            )
        )
        decided = {
            "id": self.acts[1].act_id,
            "person": lead.subject,
            "kid": lead.key.kid,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            **decision,
        }
        self.view = request_view(
            id=FRQ, submitted_by=submitter.subject, quorum=1, approvals=[decided], **content
        )

    def answers(self) -> None:
        """Have the stub show it as it is now."""
        pages: dict[str, list[Any]] = {
            "evidence": [act.model_dump(mode="json") for act in self.acts],
            "legs": [leg_view(status="delivered")],
            **{name: [] for name in ("ledger", "holds", "disputes", "clearances")},
        }
        self.stub.answers("GET", REQUEST, self.view)
        for name, items in pages.items():
            self.stub.answers("GET", f"{REQUEST}/{name}", {"items": items})
        for name, views in (("keys", self.world.key_views), ("grants", self.world.grant_views)):
            items = [view.model_dump(mode="json") for view in views]
            self.stub.answers("GET", f"/v1/{name}?partner={self.world.handle}", {"items": items})

    def logs(self, events: Sequence[bytes]) -> None:
        """Have the stub show these events of the request, and name the key of its log."""
        self.stub.service["log"] = {
            "url": f"{self.stub.origin}/v1/log",
            "origin": LOG.name,
            "verifier_key": str(LOG),
        }
        items = [event_view(event).model_dump(mode="json") for event in events]
        self.stub.answers("GET", f"{REQUEST}/events", {"items": items})


@pytest.fixture
def coordinator(stub: StubCoordinator, store: ProfileStore) -> Coordinator:
    return Coordinator(stub, store)


def test_a_request_that_went_out_approved_is_verified_and_said_so(
    shell: Shell, coordinator: Coordinator
) -> None:
    coordinator.answers()
    done = shell("verify", FRQ)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    for act, result in (("submit", "verified"), ("approve", "verified"), ("deliver", "asserted")):
        assert [line for line in lines if line.startswith(act) and f" {result} " in line]
    assert "1 of 1 approval needed" in done.output
    assert "compare it by phone" in done.output
    assert lines[-1] == "Nothing failed: 9 verified, 3 asserted by the coordinator alone."


@pytest.mark.parametrize("is_kept", [False, True])
def test_events_are_looked_up_in_the_log(
    shell: Shell, coordinator: Coordinator, store: ProfileStore, *, is_kept: bool
) -> None:
    coordinator.answers()
    coordinator.logs(EVENTS)
    if is_kept:
        store.keep_log_key(coordinator.stub.origin, LOG)
    done = shell("verify", FRQ)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1].startswith("Nothing failed: 10 verified")
    assert f"{SIZE} events" in done.output
    assert store.log_key(coordinator.stub.origin) == LogKeys.of(LOG)


def test_an_event_that_is_not_in_the_log_fails(shell: Shell, coordinator: Coordinator) -> None:
    coordinator.answers()
    coordinator.logs([EVENTS[0], EVENTS[1].replace(b'"amount":"700"', b'"amount":"7"')])
    done = shell("verify", FRQ)
    assert done.exit_code == 8
    assert "FAILED log" in done.output
    assert "freeze.frozen (entry 1)" in " ".join(done.output.split())


def test_another_key_of_the_log_than_the_kept_one_ends_it(
    shell: Shell, coordinator: Coordinator, store: ProfileStore
) -> None:
    coordinator.answers()
    coordinator.logs(EVENTS)
    kept = NoteVerifier(LOG.name, PrivateKey.generate("EdDSA").public)
    store.keep_log_key(coordinator.stub.origin, kept)
    done = shell("verify", FRQ)
    assert done.exit_code == 8
    assert str(kept) in "".join(done.stderr.split())
    # A coordinator that names none any more is one that hides it.
    del coordinator.stub.service["log"]
    assert shell("verify", FRQ).exit_code == 8


def _handed_over() -> KeyLog:
    """The log after its key was replaced, behind the events."""
    log = KeyLog()
    log.grow(SIZE + 4)
    log.hand_over(FIRST, SECOND)
    log.retire(FIRST, SECOND)
    return log


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_key_to_which_the_log_handed_over_is_taken_and_the_old_one_counts_for_its_time(
    shell: Shell, coordinator: Coordinator, store: ProfileStore, *, is_kept: bool
) -> None:
    log = _handed_over()
    coordinator.answers()
    coordinator.logs(EVENTS)
    coordinator.stub.service["log"]["verifier_key"] = str(line(SECOND))
    coordinator.stub.answers("GET", "/v1/log/keys", log.shown())
    if is_kept:
        store.keep_log_key(coordinator.stub.origin, LOG)
    done = shell("verify", FRQ)
    assert done.exit_code == 0, done.output
    assert f"{SIZE} events" in done.output
    assert (str(line(SECOND)) in "".join(done.stderr.split())) == is_kept
    assert store.log_key(coordinator.stub.origin) == follow_log_keys(LOG, log.statements)


def test_a_key_whose_handover_does_not_hold_ends_it_and_says_why(
    shell: Shell, coordinator: Coordinator, store: ProfileStore
) -> None:
    log = _handed_over()
    log.statements = log.statements[1:]
    coordinator.answers()
    coordinator.logs(EVENTS)
    coordinator.stub.service["log"]["verifier_key"] = str(line(SECOND))
    coordinator.stub.answers("GET", "/v1/log/keys", log.shown())
    store.keep_log_key(coordinator.stub.origin, LOG)
    done = shell("verify", FRQ)
    assert done.exit_code == 8
    assert "(unknown_key)" in done.stderr
    assert store.log_key(coordinator.stub.origin) == LogKeys.of(LOG)


def test_programs_read_one_document_for_every_finding_and_one_for_all(
    shell: Shell, coordinator: Coordinator
) -> None:
    coordinator.answers()
    done = shell("verify", FRQ, "--json")
    rows = [strict_json.loads(line.encode()) for line in done.stdout.splitlines()]
    acts = [(row["act"], row["result"]) for row in rows if "act" in row]
    assert sorted(acts) == [
        ("approve", "verified"),
        ("deliver", "asserted"),
        ("submit", "verified"),
    ]
    shown = {row["shown"]: row["result"] for row in rows if "shown" in row}
    assert shown == {
        **dict.fromkeys(
            ("request", "approvals", "partners asked", "status", "support"), "verified"
        ),
        **dict.fromkeys(("addresses", "totals"), "verified"),
        "leg": "asserted",
        "log": "asserted",
    }
    assert {name: rows[-1][name] for name in ("verified", "asserted", "failed")} == {
        "verified": 9,
        "asserted": 3,
        "failed": 0,
    }


def _unsigned(acts: list[EvidenceView]) -> None:
    acts[1] = acts[1].model_copy(update={"kind": EvidenceKind.COORDINATOR, **_NOBODY})


def _relabelled(acts: list[EvidenceView]) -> None:
    acts[1] = acts[1].model_copy(update={"act": "close"})


def _left_out(acts: list[EvidenceView]) -> None:
    del acts[1]


def _not_submitted(acts: list[EvidenceView]) -> None:
    del acts[0]


@pytest.mark.parametrize("attack", [_unsigned, _relabelled, _left_out, _not_submitted])
def test_what_fails_is_told_in_full_and_the_exit_status_is_8(
    shell: Shell, coordinator: Coordinator, attack: Attack
) -> None:
    attack(coordinator.acts)
    coordinator.answers()
    done = shell("verify", FRQ)
    assert done.exit_code == 8
    assert "\nFAILED " in done.output
    assert "DO NOT RELY ON THIS REQUEST" in done.output
    last = shell("verify", FRQ, "--json").stdout.splitlines()[-1]
    assert strict_json.loads(last.encode())["failed"] >= 1


def test_another_root_key_than_the_pinned_ends_it(
    shell: Shell, coordinator: Coordinator, store: ProfileStore
) -> None:
    coordinator.answers()
    store.pin("exchange-a.example", "p" * 43)
    assert shell("verify", FRQ).exit_code == 8


def test_it_reads_well_in_80_columns(
    shell: Shell, coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.cli.layout._PIPE_COLUMNS", 80)
    coordinator.answers()
    lines = shell("verify", FRQ).output.splitlines()
    # The command to pin a root key is copied as it is.
    assert max(len(line) for line in lines if "holdfast pin" not in line) <= 80
    assert any(coordinator.view["submitted_by"] in line for line in lines)  # in one piece


class _Publishing:
    """Stands for the domains of partners, each of which publishes these roots."""

    def __init__(self, *roots: str) -> None:
        self.roots = frozenset(roots)

    def look_up(self, handle: str) -> Published:
        if not self.roots:
            raise NothingPublishedError(f"{handle} publishes no root key: https answers 404")
        return Published(handle, self.roots, Source.HTTPS)


@pytest.mark.parametrize(
    ("is_pinned", "is_published", "said"),
    [
        (False, True, "published (https); compare it by phone"),
        (True, True, "pinned (also published, https)"),
        (False, False, "asserted; compare it by phone"),
        (True, False, "pinned"),
    ],
)
def test_roots_are_pinned_published_or_asserted(  # noqa: PLR0913 - two parameters, four fixtures
    shell: Shell,
    coordinator: Coordinator,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_pinned: bool,
    is_published: bool,
    said: str,
) -> None:
    world = coordinator.world
    lookups = _Publishing(*[world.root.key.kid] if is_published else [])
    monkeypatch.setattr(Session, "published_roots", lambda _: lookups)
    if is_pinned:
        shell.store.pin(world.handle, world.root.key.kid)
    coordinator.answers()
    done = shell("verify", FRQ, "--published")
    assert done.exit_code == 0, done.output
    assert f"Root key of {world.handle}: {said}" in done.output
    assert ("https answers 404" in done.output) is not is_published
    last = shell("verify", FRQ, "--published", "--json").stdout.splitlines()[-1]
    standing = strict_json.loads(last.encode())["roots"][world.handle]["standing"]
    assert said.startswith(standing)


def test_another_root_than_the_published_one_fails(
    shell: Shell, coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "published_roots", lambda _: _Publishing("o" * 43))
    coordinator.answers()
    done = shell("verify", FRQ, "--published")
    assert done.exit_code == 8
    assert f"Root key of {coordinator.world.handle}: MISMATCH" in done.output
    assert f"publishes {'o' * 43}" in " ".join(done.output.split())


def test_what_a_partner_publishes_is_pinned_if_it_is_what_is_offered(
    shell: Shell, coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinator.answers()
    world = coordinator.world
    for published, status in ((("o" * 43,), 8), ((), 2), ((world.root.key.kid, "o" * 43), 0)):
        monkeypatch.setattr(
            Session, "published_roots", lambda _, given=published: _Publishing(*given)
        )
        done = shell("pin", "--published", world.handle)
        assert done.exit_code == status, done.output
        assert (world.handle in shell.store.pins()) is (status == 0)
    assert shell.store.pins() == {world.handle: world.root.key.kid}
