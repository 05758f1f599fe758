"""`holdfast evidence` and `holdfast encryption-key`, against the coordinator on a real socket."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from coordinator.domain.clock import SteppedClock
from holdfast.cli import cli
from holdfast.cli import session as cli_session
from holdfast.client.client import Client
from holdfast.profiles.store import ProfileStore
from holdfast.protocol import strict_json
from holdfast.protocol.vocabulary import Tlp
from tests.api.sealed_cast import HEADER, Desks, desks_at, went_out
from tests.conftest import World
from tests.factories import Cast, Member, Signer


@pytest.fixture
def world(sqlite_world: World) -> World:
    """Nothing here depends on the database."""
    return sqlite_world


@pytest.fixture
def desks(
    app: Flask, clock: SteppedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cast: Cast
) -> Iterator[Desks]:
    members = (cast.a.lead, cast.b.lead, cast.b.compliance, cast.c.lead)
    with desks_at(app, clock, tmp_path / "home") as made:
        clients: dict[str, Client] = {}
        for member in members:
            client = made.client(member)
            clients[client.profile.name] = client
        monkeypatch.setattr(
            cli_session.Session, "client", lambda self, _=None: clients[self.profile().name]
        )
        monkeypatch.chdir(tmp_path)
        yield made


def run(desks: Desks, member: Member, *words: str, stdin: bytes | None = None) -> Result:
    """Run a command as a member of the cast."""
    name = member.subject.replace("_", ".")
    return CliRunner().invoke(
        cli, ["--as", name, *words], env={"HOLDFAST_HOME": str(desks.store.home)}, input=stdin
    )


def ok(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_a_file_goes_from_desk_to_desk(
    desks: Desks, cast: Cast, signer: Signer, tmp_path: Path
) -> None:
    a, b, c = cast.a.lead, cast.b.lead, cast.c.lead
    request = went_out(signer, cast)
    (tmp_path / "trace.csv").write_bytes(b"hop,account\n1,x\n")
    seal = ("evidence", "seal", request.id, "trace.csv", "--to", cast.b.handle, "--tlp", "GREEN")
    unready = run(desks, a, *seal)
    assert unready.exit_code == 5
    assert "holdfast encryption-key new" in unready.output
    for lead in (a, b, c):
        ok(run(desks, lead, "encryption-key", "new"))
    sealed = ok(run(desks, a, *seal, "--json"))
    line = next(line for line in sealed.splitlines() if line.startswith('{"acts"'))
    evidence = strict_json.loads(line.encode())["id"]
    listed = ok(run(desks, b, "evidence", "list", request.id))
    assert evidence in listed
    assert "trace" not in listed
    assert "can open it" in listed
    assert "Nothing is sealed" in ok(run(desks, c, "evidence", "list", request.id))
    opening = ("evidence", "open", request.id, evidence)
    assert run(desks, b, *opening).exit_code == 2  # trace.csv is there, and nothing is overwritten
    assert "nowhere" in ok(run(desks, b, *opening, "--check"))
    told = ok(run(desks, b, *opening, "--to", "opened.csv"))
    assert a.subject in told
    assert "TLP:GREEN" in told
    opened = tmp_path / "opened.csv"
    assert opened.read_bytes() == (tmp_path / "trace.csv").read_bytes()
    assert stat.S_IMODE(opened.stat().st_mode) == 0o600
    shown = run(desks, b, *opening, "--to", "-")
    assert shown.stdout_bytes.endswith(opened.read_bytes())  # the server logs to it, too
    assert run(desks, c, *opening).exit_code == 4
    ok(run(desks, b, "evidence", "share", request.id, evidence, "--to", cast.c.handle))
    ok(run(desks, c, *opening, "--check"))


def test_a_text_is_sealed_from_standard_input_with_the_requests_own_mark(
    desks: Desks, cast: Cast, signer: Signer
) -> None:
    request = went_out(signer, cast, tlp="AMBER")
    for lead in (cast.a.lead, cast.b.lead):
        ok(run(desks, lead, "encryption-key", "new"))
    words = ("evidence", "seal", request.id, "-", "--to", cast.a.handle)
    assert "TLP:AMBER" in ok(run(desks, cast.b.lead, *words, stdin=b"The victim is a minor."))
    assert run(desks, cast.b.lead, *words, "--name", "a/b", stdin=b"x").exit_code == 2
    [view] = desks.client(cast.a.lead).sealed_evidence(request.id)
    opening = ("evidence", "open", request.id, view.id, "--to", "-")
    assert run(desks, cast.a.lead, *opening).stdout_bytes.endswith(b"The victim is a minor.")


def test_a_colleague_opens_with_a_copy_of_the_key(
    desks: Desks, cast: Cast, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = went_out(signer, cast)
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text("correct horse battery\n")
    store = ProfileStore(desks.store.home, ask=lambda _: "correct horse battery")
    store.guard(store.load(cast.b.lead.subject.replace("_", ".")), "correct horse battery")
    monkeypatch.setenv("HOLDFAST_PASSPHRASE_FILE", str(secret))
    for lead in (cast.a.lead, cast.b.lead):
        ok(run(desks, lead, "encryption-key", "new"))
    view = desks.files(cast.a.lead).seal(request, [b"x"], HEADER, to=[cast.b.handle], tlp=Tlp.GREEN)
    opening = ("evidence", "open", request.id, view.id, "--check")
    refused = run(desks, cast.b.compliance, *opening)
    assert refused.exit_code == 2
    assert "encryption-key import" in refused.output
    listed = ok(run(desks, cast.b.compliance, "encryption-key", "list"))
    assert "not here" in listed
    assert "in force" in listed
    [file] = (store.home / "profiles" / cast.b.lead.subject.replace("_", ".")).glob(
        "encryption/*.pem"
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"ENCRYPTED" in file.read_bytes()
    importing = ("encryption-key", "import", str(file))
    assert run(desks, cast.b.compliance, *importing).exit_code == 2
    ok(run(desks, cast.b.compliance, *importing, "--passphrase-file", str(secret)))
    ok(run(desks, cast.b.compliance, *opening))
    assert "private half" in ok(run(desks, cast.b.lead, "encryption-key", "list"))
