"""`holdfast clearances`, `revoke-clearance` and `verify-clearance`, against a stand-in."""

from pathlib import Path
from typing import Any

import pytest

from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.clearance import Clearance
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request, sent
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT

CLR = new_id("clr")
ACCOUNT = "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
KEY = PrivateKey.generate()


@pytest.fixture
def shell(store: ProfileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.delenv("HOLDFAST_COORDINATOR", raising=False)
    monkeypatch.chdir(tmp_path)
    return Shell(store, tmp_path)


def statement(origin: str, **members: Any) -> str:
    said: dict[str, Any] = {
        "iss": origin,
        "jti": CLR,
        "iat": 1_772_452_800,
        "account": ACCOUNT,
        "tag": None,
        "request_id": FRQ,
        "requester": "exchange-a.example",
        "act_sha256": "0" * 64,
        **members,
    }
    return Clearance(**said).sign(KEY)


def key_set(key: PrivateKey = KEY) -> dict[str, Any]:
    return {"keys": [{**key.public.jwk(), "kid": key.kid, "use": "sig", "alg": key.alg}]}


def answer_public(stub: StubCoordinator, **members: Any) -> None:
    stub.answers("GET", "/.well-known/jwks.json", key_set())
    status = {"id": CLR, "status": "valid", "issued_at": AT, **members}
    stub.answers("GET", f"/v1/clearances/{CLR}", status)


def _view(**members: Any) -> dict[str, Any]:
    return {
        "id": CLR,
        "request_id": FRQ,
        "address_no": 3,
        "account": ACCOUNT,
        "issued_at": AT,
        "statement": "a.b.c",
        **members,
    }


def test_clearances_are_listed_and_their_statements_saved(
    shell: Shell, analyst: Profile, stub: StubCoordinator, tmp_path: Path
) -> None:
    del analyst
    revoked = _view(id=new_id("clr"), statement=None, revoked_at=AT, revoked_reason="A mistake.")
    stub.answers("GET", f"{REQUEST}/clearances", {"items": [_view(), revoked]})
    done = shell("clearances", FRQ, "--save", "cleared")
    assert done.exit_code == 0, done.output
    assert ACCOUNT in done.output
    assert "revoked 2026-01-02 03:04 UTC: A mistake." in done.output
    assert [path.name for path in (tmp_path / "cleared").iterdir()] == [f"{CLR}.jwt"]
    assert (tmp_path / "cleared" / f"{CLR}.jwt").read_text(encoding="ascii") == "a.b.c"
    stub.forget("GET", f"{REQUEST}/clearances")
    stub.answers("GET", f"{REQUEST}/clearances", {"items": []})
    assert "No account is cleared." in shell("clearances", FRQ).output


def test_a_clearance_is_revoked_with_its_reason(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub)
    path = f"{REQUEST}/clearances/{CLR}/revocation"
    answer = {
        "id": new_id("act"),
        "request_id": FRQ,
        "clearance": CLR,
        "revoked_at": AT,
        "status": "active",
    }
    stub.answers("POST", path, answer, status=201)
    done = shell("revoke-clearance", FRQ, CLR, "--reason", "It was his after all.")
    assert "2026-01-02 03:04 UTC" in done.output
    assert sent(stub)["reason"] == "It was his after all."
    assert shell("revoke-clearance", FRQ, CLR).exit_code == 2


def test_who_has_no_profile_verifies_what_they_are_shown(
    shell: Shell, stub: StubCoordinator
) -> None:
    answer_public(stub)
    file = shell.write("shown.jwt", statement(stub.origin) + "\n")
    done = shell("verify-clearance", file, "--coordinator", stub.origin)
    assert done.exit_code == 0, done.output
    for words in (ACCOUNT, "exchange-a.example", FRQ, "2026-03-02 12:00 UTC", "valid"):
        assert words in done.output
    assert {seen.token for seen in stub.seen} == {None}
    told = shell("--json", "verify-clearance", file, "--coordinator", stub.origin)
    document = strict_json.loads(told.stdout.encode())
    assert (document["account"], document["status"]) == (ACCOUNT, "valid")


def test_a_clearance_that_was_revoked_does_not_hold(shell: Shell, stub: StubCoordinator) -> None:
    answer_public(stub, status="revoked", revoked_at=AT)
    file = shell.write("shown.jwt", statement(stub.origin))
    done = shell("verify-clearance", file, "--coordinator", stub.origin)
    assert (done.exit_code, "was revoked at 2026-01-02 03:04 UTC" in done.output) == (8, True)


def test_another_coordinators_clearance_does_not_hold(shell: Shell, stub: StubCoordinator) -> None:
    answer_public(stub)
    file = shell.write("shown.jwt", statement("https://elsewhere.example"))
    done = shell("verify-clearance", file, "--coordinator", stub.origin)
    assert (done.exit_code, "another coordinator" in done.output) == (8, True)


def test_with_the_saved_keys_nothing_is_fetched_and_revocation_stays_open(
    shell: Shell, stub: StubCoordinator
) -> None:
    keys = shell.write("keys.json", canonical_json.dumps(key_set()))
    file = shell.write("shown.jwt", statement(stub.origin))
    done = shell("verify-clearance", file, "--keys", keys)
    assert done.exit_code == 0, done.output
    assert "not checked" in done.output
    assert stub.seen == []
    other = shell.write("other.json", canonical_json.dumps(key_set(PrivateKey.generate())))
    assert shell("verify-clearance", file, "--keys", other).exit_code == 8
    assert shell("verify-clearance", file, "--keys", file).exit_code == 2


def test_what_is_no_clearance_is_refused(shell: Shell, stub: StubCoordinator) -> None:
    answer_public(stub)
    for content in ("", "a.b.c", statement(stub.origin)[:-4]):
        file = shell.write("shown.jwt", content)
        assert shell("verify-clearance", file, "--coordinator", stub.origin).exit_code == 8
