"""Membership from a partner's command line, against the coordinator on a real socket."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from werkzeug.serving import make_server

from coordinator.domain.clock import SteppedClock
from holdfast.cli import cli
from holdfast.cli import session as cli_session
from holdfast.client.client import Client
from holdfast.client.rotation import rotate_key, rotate_tag_key
from holdfast.client.transport import RetryPolicy, Transport
from holdfast.errors import AuthenticationError, ProfileError, TransportError
from holdfast.profiles.key_requests import key_request, new_profile, write_key_request
from holdfast.profiles.store import Profile, ProfileStore, SubjectKind
from holdfast.profiles.tag_keys import TagKeyFile
from holdfast.protocol import strict_json
from holdfast.protocol.jwk import thumbprint_digits
from holdfast.protocol.membership_payloads import Grant
from holdfast.protocol.views import GrantView, TagKeyView
from tests.console.visitor import Visitor
from tests.factories import ORIGIN, Cast, Member
from tests.passkeys import SoftPasskey


class Desk:
    """One exchange's machine: its profiles, its command line, and a tunnel to the coordinator."""

    def __init__(self, store: ProfileStore, address: str, clock: SteppedClock) -> None:
        self.store, self.address, self.clock = store, address, clock

    def now(self) -> float:
        """Return the coordinator's time, which this machine shares."""
        return self.clock.now().timestamp()

    def connect(self, profile: Profile) -> Client:
        """Return a client that signs for the coordinator's origin and sends to its socket."""
        retries = RetryPolicy(attempts=1)
        transport = Transport(profile, ORIGIN, base_url=self.address, retries=retries, now=self.now)
        return Client(profile, transport=transport)

    def keep(self, name: str, member: Member, kind: SubjectKind = "person") -> Profile:
        """Store a member of the cast as a profile."""
        profile = Profile(
            name, ORIGIN, member.handle, member.subject, kind, member.key, member.owner
        )
        self.store.save(profile)
        return profile

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(cli, words, env={"HOLDFAST_HOME": str(self.store.home)})


def printed(result: Result) -> dict[str, Any]:
    """Return the JSON that a command printed; this process prints the server's log lines, too."""
    line = next(line for line in result.stdout.splitlines() if line.startswith("{"))
    document: dict[str, Any] = strict_json.loads(line.encode())
    return document


@pytest.fixture
def desk(
    app: Flask, clock: SteppedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    made = Desk(ProfileStore(tmp_path / "home"), f"http://127.0.0.1:{server.server_port}", clock)
    monkeypatch.setattr(
        cli_session.Session,
        "client",
        lambda self, profile=None: made.connect(profile or self.profile()),
    )
    monkeypatch.chdir(tmp_path)
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def test_two_leads_grant_a_key_request_from_the_command_line(desk: Desk, cast: Cast) -> None:
    desk.keep("lead", cast.a.lead)
    desk.keep("second", cast.a.second_lead)
    carol = new_profile("carol", coordinator=ORIGIN, handle=cast.a.handle, kind="person")
    write_key_request(key_request(carol), Path("carol.json"))
    proposed = desk("--as", "lead", "--json", "grant", "carol.json", "--role", "analyst")
    assert proposed.exit_code == 0, proposed.output
    proposal = printed(proposed)
    assert proposal["status"] == "pending"
    listed = desk("--as", "second", "proposals")
    assert proposal["id"] in listed.output
    assert desk("--as", "lead", "approve-grant", proposal["id"], "--yes").exit_code == 4
    with pytest.raises(AuthenticationError):
        desk.connect(carol).me()
    approved = desk("--as", "second", "--json", "approve-grant", proposal["id"], "--yes")
    assert approved.exit_code == 0, approved.output
    assert cast.a.lead.subject in approved.stderr
    assert printed(approved)["status"] == "made"
    assert desk.connect(carol).me().handle == cast.a.handle
    assert desk("--as", "second", "approve-grant", proposal["id"], "--yes").exit_code == 2


def test_nothing_is_approved_that_the_lead_did_not_confirm(desk: Desk, cast: Cast) -> None:
    desk.keep("lead", cast.a.lead)
    desk.keep("second", cast.a.second_lead)
    assert desk("--as", "lead", "policy", "--approval-quorum", "2").exit_code == 0
    [proposal] = desk.connect(desk.store.load("second")).proposed_grants()
    refused = desk("--as", "second", "approve-grant", proposal.id)
    assert refused.exit_code == 1
    assert "approval_quorum" in refused.stdout
    assert desk.connect(desk.store.load("second")).me().policy["approval_quorum"] == 1  # type: ignore[index]


@pytest.mark.parametrize("member", ["body", "token"])
def test_a_proposal_that_its_lead_did_not_sign_is_not_approved(
    desk: Desk, cast: Cast, monkeypatch: pytest.MonkeyPatch, member: str
) -> None:
    desk.keep("second", cast.a.second_lead)
    lead = desk.connect(desk.keep("lead", cast.a.lead))
    carol = key_request(new_profile("c", coordinator=ORIGIN, handle=cast.a.handle, kind="person"))
    shown = lead.grant(
        Grant.model_validate(
            {
                "subject": carol.subject,
                "roles": ["auditor"],
                "jwk": carol.jwk.model_dump(exclude_none=True),
                "possession": carol.possession,
            }
        )
    )
    [genuine] = desk.connect(desk.store.load("second")).proposed_grants()
    forged = {
        "body": (genuine.body or "").replace("auditor", "security_lead"),
        "token": "e30.e30.e30",
    }
    views = [genuine.model_copy(update={member: forged[member]})]
    monkeypatch.setattr(Client, "proposed_grants", lambda _: iter(views))
    done = desk("--as", "second", "approve-grant", shown.id, "--yes")
    assert done.exit_code == 8, done.output


def test_a_key_is_rotated_from_the_command_line(desk: Desk, cast: Cast) -> None:
    old = desk.keep("analyst", cast.a.analyst)
    done = desk("--as", "analyst", "key", "rotate", "analyst-2")
    assert done.exit_code == 0, done.output
    new = desk.store.load("analyst-2")
    assert (new.subject, new.kind, new.key.kid != old.key.kid) == (old.subject, "person", True)
    assert desk.connect(new).me().handle == cast.a.handle
    with pytest.raises(AuthenticationError):
        desk.connect(old).me()


def test_a_rotation_whose_answer_was_lost_is_repeated_without_harm(
    desk: Desk, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = desk.keep("system", cast.a.system, "system")
    carried_out = Client.grant

    def lost(client: Client, grant: Grant) -> GrantView:
        carried_out(client, grant)
        raise TransportError("the answer was lost")

    with monkeypatch.context() as patched:
        patched.setattr(Client, "grant", lost)
        with pytest.raises(TransportError):
            rotate_key(desk.store, old, "system-2", connect=desk.connect)
    stored = desk.store.load("system-2").key.kid
    new = rotate_key(desk.store, old, "system-2", connect=desk.connect)
    assert new.key.kid == stored
    assert new.owner == cast.a.lead.subject
    assert desk.connect(new).me().handle == cast.a.handle


def test_a_tag_key_whose_answer_was_lost_is_sent_again_and_all_are_kept(
    desk: Desk, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = desk.keep("lead", cast.a.lead)
    kept = TagKeyFile(desk.store.home)
    carried_out = Client.set_tag_key

    def lost(client: Client, key: bytes) -> TagKeyView:
        carried_out(client, key)
        raise TransportError("the answer was lost")

    with monkeypatch.context() as patched:
        patched.setattr(Client, "set_tag_key", lost)
        with pytest.raises(TransportError):
            rotate_tag_key(desk.store, lead, connect=desk.connect)
    [waiting] = kept.keys(ORIGIN, cast.a.handle)
    assert waiting.first_leaf is None
    first = rotate_tag_key(desk.store, lead, connect=desk.connect)
    assert first.key == waiting.key
    assert first.first_leaf is not None
    done = desk("--as", "lead", "--json", "tag-key", "rotate")
    assert done.exit_code == 0, done.output
    second = printed(done)["first_leaf"]
    assert second > first.first_leaf
    assert [key.first_leaf for key in kept.keys(ORIGIN, cast.a.handle)] == [
        first.first_leaf,
        second,
    ]
    assert (desk.store.home / "tag-keys.json").stat().st_mode & 0o777 == 0o600
    listed = desk("--as", "lead", "tag-key", "list")
    assert str(second) in listed.stdout
    refused = desk("--as", "system", "tag-key", "rotate")
    assert refused.exit_code == 2


def test_a_rotation_takes_no_profile_of_somebody_else_and_no_root_key(
    desk: Desk, cast: Cast
) -> None:
    analyst = desk.keep("analyst", cast.a.analyst)
    desk.keep("lead", cast.a.lead)
    root = desk.keep("root", cast.a.root, "root")
    for taken in ("lead", "analyst"):
        with pytest.raises(ProfileError, match="choose another name"):
            rotate_key(desk.store, analyst, taken, connect=desk.connect)
    with pytest.raises(ProfileError, match="reset"):
        rotate_key(desk.store, root, "root-2", connect=desk.connect)


def test_a_rotation_that_is_refused_for_another_reason_says_so(desk: Desk, cast: Cast) -> None:
    stranger = new_profile("x", coordinator=ORIGIN, handle=cast.a.handle, kind="person")
    desk.store.save(stranger)
    with pytest.raises(AuthenticationError):
        rotate_key(desk.store, stranger, "x-2", connect=desk.connect)


def test_a_person_opens_the_console_from_the_command_line(
    desk: Desk, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    desk.keep("lead", cast.a.lead)
    desk.keep("machine", cast.a.system, "system")
    printed_alone = desk("--as", "lead", "console")
    assert printed_alone.exit_code == 0, printed_alone.output
    assert "/console/enter#" in printed_alone.stdout
    assert opened == []
    link = printed(desk("--as", "lead", "--json", "console", "--open"))
    assert opened == [link["url"]]
    refused = desk("--as", "machine", "console")
    assert (refused.exit_code, "no person" in refused.output) == (2, True)


def test_a_lead_makes_links_for_passkeys_and_hands_on_what_is_granted(
    app: Flask, desk: Desk, cast: Cast
) -> None:
    desk.keep("root", cast.a.root, "root")
    desk.keep("lead", cast.a.lead)
    assert "No passkeys" in desk("--as", "lead", "passkey", "list").output
    assert desk("--as", "lead", "passkey", "link", "sys_1").exit_code == 2
    made = printed(desk("--as", "lead", "--json", "passkey", "link", "new"))
    visitor, passkey = Visitor(app), SoftPasskey.generate()
    assert visitor.enrol(made["url"], passkey, "Key on my ring").status_code == 303
    listed = printed(desk("--as", "lead", "--json", "passkey", "list", "--pending"))
    assert (listed["kid"], listed["status"]) == (passkey.kid, "pending")
    assert (listed["person"], listed["display_name"]) == (made["person"], "Key on my ring")
    written = desk("--as", "lead", "passkey", "request", passkey.kid, "-o", "new.json")
    assert written.exit_code == 0, written.output
    digits = " … ".join(thumbprint_digits(passkey.kid))
    assert digits in written.output
    granted = desk("--as", "root", "grant", "new.json", "--role", "analyst")
    assert granted.exit_code == 0, granted.output
    assert digits in granted.output
    assert visitor.sign_in(passkey).location == "/console"
    assert desk("--as", "lead", "passkey", "request", "A" * 43).exit_code == 2
