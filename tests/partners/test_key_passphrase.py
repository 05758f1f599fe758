"""A key file may have a passphrase: asked on a terminal, or read from a file by programs."""

from pathlib import Path

import pytest

from holdfast.client.rotation import rotate_key
from holdfast.errors import ProfileError
from holdfast.profiles.key_requests import new_profile
from holdfast.profiles.passphrase import LEAST_CHARACTERS, from_file
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import strict_json
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.terminal import Terminal
from tests.partners.test_cli_lists import service_of

Env = pytest.MonkeyPatch
PASSPHRASE = "correct horse battery"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return private(tmp_path / "secret", PASSPHRASE)


def private(path: Path, content: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(content + "\n", encoding="utf-8")
    return path


def guarded(store: ProfileStore, profile: Profile, passphrase: str = PASSPHRASE) -> ProfileStore:
    """Return a store as another run of a program finds it, with that answer to every question."""
    store.guard(profile, passphrase)
    return ProfileStore(store.home, ask=lambda _: passphrase)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_a_guarded_key_is_the_same_key_and_its_file_tells_nothing(
    store: ProfileStore, analyst: Profile, algorithm: str
) -> None:
    profile = new_profile(
        "other",
        coordinator=analyst.coordinator,
        handle=analyst.handle,
        kind="person",
        algorithm="EdDSA" if algorithm == "EdDSA" else "ES256",
    )
    store.save(profile, passphrase=PASSPHRASE)
    file = store.home / "profiles" / "other" / "key.pem"
    assert file.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert file.stat().st_mode & 0o777 == 0o600
    again = ProfileStore(store.home, ask=lambda _: PASSPHRASE).load("other")
    assert again.key.kid == profile.key.kid


def test_a_wrong_passphrase_and_nobody_to_ask_are_told_apart(
    store: ProfileStore, analyst: Profile
) -> None:
    guarded(store, analyst)
    answers = iter(["another passphrase", PASSPHRASE])
    retried = ProfileStore(store.home, ask=lambda _: next(answers))
    with pytest.raises(ProfileError, match="this is not the key file's passphrase; try again"):
        retried.load("analyst")
    assert retried.load("analyst").key.kid == analyst.key.kid
    with pytest.raises(ProfileError, match="HOLDFAST_PASSPHRASE_FILE"):
        ProfileStore(store.home, ask=lambda _: None).load("analyst")


def test_profiles_are_listed_without_a_passphrase(store: ProfileStore, analyst: Profile) -> None:
    guarded(store, analyst)
    silent = ProfileStore(store.home, ask=lambda _: pytest.fail("asked"))
    assert silent.kid("analyst") == analyst.key.kid
    # Without one, the file is as every kit before this one reads it.
    store.guard(analyst, None)
    document = strict_json.loads((store.home / "profiles/analyst/profile.json").read_bytes())
    assert "kid" not in document
    assert silent.load("analyst").key.kid == analyst.key.kid


def test_a_passphrase_is_asked_for_once_a_run(store: ProfileStore, analyst: Profile) -> None:
    guarded(store, analyst)
    asked: list[str] = []

    def ask(name: str) -> str:
        asked.append(name)
        return PASSPHRASE

    once = ProfileStore(store.home, ask=ask)
    once.load("analyst")
    once.load("analyst")
    assert asked == ["analyst"]


def test_a_rotated_key_is_guarded_as_the_one_before_it(
    store: ProfileStore, analyst: Profile, stub: StubCoordinator
) -> None:
    opened = guarded(store, analyst)
    grant = {"id": "grt_1", "partner": analyst.handle, "subject": analyst.subject}
    stub.answers("POST", "/v1/grants", {**grant, "made_at": "2026-01-02T03:04:05Z"}, status=201)
    rotate_key(opened, opened.load("analyst"), "next")
    assert b"ENCRYPTED" in (store.home / "profiles/next/key.pem").read_bytes()
    assert opened.load("next").subject == analyst.subject


def test_a_program_gets_it_from_a_private_file(
    store: ProfileStore, analyst: Profile, secret: Path
) -> None:
    guarded(store, analyst)
    environment = {"HOLDFAST_HOME": str(store.home), "HOLDFAST_PASSPHRASE_FILE": str(secret)}
    assert ProfileStore.from_environment(environment).load("analyst").kind == "person"
    secret.chmod(0o644)
    with pytest.raises(ProfileError, match="can be read by others"):
        from_file(environment)
    secret.chmod(0o600)
    secret.write_text("\nx\n", encoding="utf-8")
    with pytest.raises(ProfileError, match="no passphrase on its first line"):
        from_file(environment)


def test_key_passphrase_sets_changes_and_removes_it(
    shell: Shell,
    store: ProfileStore,
    analyst: Profile,
    secret: Path,
    monkeypatch: Env,
) -> None:
    change = ("key", "passphrase", "analyst")
    file = store.home / "profiles" / "analyst" / "key.pem"
    short = private(secret.parent / "short", "x" * (LEAST_CHARACTERS - 1))
    refused = shell(*change, "--new-file", str(short))
    assert (refused.exit_code, "nothing changed" in refused.output) == (2, True)
    assert b"ENCRYPTED" not in file.read_bytes()
    assert shell(*change).exit_code == 2  # nobody types
    assert shell(*change, "--new-file", str(secret)).exit_code == 0
    assert b"ENCRYPTED" in file.read_bytes()
    assert shell("status").exit_code == 2  # nobody to ask
    assert analyst.key.kid in shell("key", "list").output
    monkeypatch.setenv("HOLDFAST_PASSPHRASE_FILE", str(secret))
    other = private(secret.parent / "other", "another long passphrase")
    assert shell(*change, "--new-file", str(other)).exit_code == 0
    assert "not the key file's passphrase" in shell(*change, "--remove").output
    monkeypatch.setenv("HOLDFAST_PASSPHRASE_FILE", str(other))
    done = shell(*change, "--remove")
    assert (done.exit_code, analyst.key.kid in done.output) == (0, True)
    assert b"ENCRYPTED" not in file.read_bytes()
    assert shell(*change, "--remove", "--new-file", str(other)).exit_code == 2


def test_key_new_guards_the_key_by_what_the_file_holds(
    shell: Shell,
    store: ProfileStore,
    secret: Path,
    monkeypatch: Env,
) -> None:
    monkeypatch.setenv("HOLDFAST_PASSPHRASE_FILE", str(secret))
    place = ("--coordinator", "https://c.example", "--handle", "a.example")
    assert shell("key", "new", "bob", "--passphrase", *place).exit_code == 0
    assert b"ENCRYPTED" in (store.home / "profiles/bob/key.pem").read_bytes()


@pytest.mark.processes
def test_on_a_terminal_it_is_asked_for_and_never_shown(
    store: ProfileStore, analyst: Profile
) -> None:
    with Terminal("key", "passphrase", "analyst", home=store.home) as terminal:
        terminal.wait_for("New passphrase of analyst")
        terminal.type(f"{PASSPHRASE}\n")
        terminal.wait_for("The same again")
        terminal.type(f"{PASSPHRASE}\n")
        assert terminal.wait() == 0
    assert PASSPHRASE not in terminal.shown
    with Terminal("key", "passphrase", "analyst", "--remove", home=store.home) as terminal:
        terminal.wait_for("Passphrase of analyst")
        terminal.type("something else\n")
        assert terminal.wait() == 2
    assert "this is not the key file's passphrase" in terminal.shown
    opened = ProfileStore(store.home, ask=lambda _: PASSPHRASE)
    assert opened.load("analyst").key.kid == analyst.key.kid


def _join(stub: StubCoordinator) -> list[str]:
    stub.answers("GET", "/v1", service_of(stub.origin))
    view = {"handle": "exchange-a.example", "status": "pending", "root_kid": "k" * 43, "grants": []}
    stub.answers("POST", "/v1/join", view, status=201)
    words = ["join", "--coordinator", stub.origin, "--handle", "exchange-a.example"]
    return [*words, "--invitation", "i" * 24, "--system", "bot", "--passphrase"]


def test_joining_guards_every_key_that_it_makes(
    store: ProfileStore, stub: StubCoordinator, shell: Shell, secret: Path, monkeypatch: Env
) -> None:
    words = _join(stub)
    refused = shell(*words)
    assert refused.exit_code == 2
    assert "HOLDFAST_PASSPHRASE_FILE" in refused.stderr
    assert store.names() == []
    monkeypatch.setenv("HOLDFAST_PASSPHRASE_FILE", str(secret))
    assert shell(*words).exit_code == 0
    made = {name: store.home / "profiles" / name / "key.pem" for name in store.names()}
    assert set(made) == {"root", "lead", "bot"}
    assert all(b"BEGIN ENCRYPTED" in file.read_bytes() for file in made.values())


def test_joining_asks_for_each_passphrase_on_a_terminal(
    store: ProfileStore, stub: StubCoordinator
) -> None:
    words = [word for word in _join(stub) if word not in {"--system", "bot"}]
    with Terminal(*words, home=store.home) as terminal:
        for name in ("root", "lead"):
            terminal.wait_for(f"New passphrase of {name}")
            terminal.type(f"{PASSPHRASE} {name}\n")
            terminal.wait_for(f"{name}: \nThe same again")
            terminal.type(f"{PASSPHRASE} {name}\n")
        assert terminal.wait() == 0
    assert PASSPHRASE not in terminal.shown
    for name in ("root", "lead"):
        opened = ProfileStore(store.home, ask=lambda name: f"{PASSPHRASE} {name}")
        assert opened.load(name).name == name
