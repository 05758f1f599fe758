"""`holdfast rulebook`, and what joining and submitting do with it."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from holdfast.client.client import Client
from holdfast.errors import ConflictError, UntrustedEvidenceError
from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import FreezeRequest
from tests.partners.shell import ACCOUNT, FILLED_IN, Shell, sent
from tests.partners.signed_world import request_body
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.views import AT, request_view

PATH = "/v1/rulebook"
TEXT, NEXT = "Rules of the house.\r\n\n1. Ask.\n", "Rules, second edition.\n"


def _edition(text: str) -> dict[str, Any]:
    digest = sha256(text.encode()).hexdigest()
    return {"sha256": digest, "published_at": AT, "in_force_from": AT, "text": text}


IN_FORCE, COMING = _edition(TEXT), _edition(NEXT)
SHA256: str = IN_FORCE["sha256"]


def _published(stub: StubCoordinator, edition: dict[str, Any] | None = IN_FORCE) -> None:
    stub.answers("GET", PATH, {"in_force": edition, "coming": [COMING]})


def _submitted(stub: StubCoordinator) -> Any:
    """Return the request that was submitted last."""
    return strict_json.loads([each for each in stub.seen if each.method == "POST"][-1].body)


@pytest.mark.usefixtures("analyst")
def test_the_text_is_shown_and_saved_byte_for_byte(
    shell: Shell, stub: StubCoordinator, tmp_path: Path
) -> None:
    _published(stub)
    shown = shell("rulebook", "show")
    assert SHA256 in shown.stdout
    assert "1. Ask." in shown.stdout
    assert "rulebook show --coming" in " ".join(shown.stderr.split())
    file = tmp_path / "rulebook.txt"
    assert shell("rulebook", "show", "--save", str(file)).exit_code == 0
    assert file.read_bytes() == TEXT.encode()
    assert shell("rulebook", "show", "--coming", "--save", str(file)).exit_code == 0
    assert file.read_bytes() == NEXT.encode()


@pytest.mark.usefixtures("analyst")
def test_what_is_accepted_is_the_file_that_was_read(shell: Shell, stub: StubCoordinator) -> None:
    accepted = {
        "id": "rba_01m8mkz5afeep9smq9bgj7ffz7",
        "partner": "exchange-a.example",
        "rulebook_sha256": SHA256,
        "signed_by": "A" * 43,
        "accepted_at": AT,
    }
    stub.answers("POST", f"{PATH}/acceptances", accepted, status=201)
    result = shell("rulebook", "accept", shell.write("rulebook.txt", TEXT))
    assert result.exit_code == 0, result.output
    assert sent(stub) == {"rulebook_sha256": SHA256}
    assert SHA256 in result.stdout


def test_nobody_joins_without_having_read_the_rulebook(shell: Shell, stub: StubCoordinator) -> None:
    _published(stub)
    stub.service["origin"] = stub.origin
    join = ("join", "--coordinator", stub.origin, "--handle", "exchange-e.example")
    code = ("--invitation", "x" * 24)
    for more in ((), ("--accept-rulebook", shell.write("other.txt", NEXT))):
        result = shell(*join, *code, *more)
        assert result.exit_code == 2, result.output
        assert "--accept-rulebook rulebook.txt" in " ".join(result.stderr.split())
    assert shell.store.names() == []
    assert not [each for each in stub.seen if each.method == "POST"]


def test_a_submission_names_the_rulebook_in_force(
    analyst: Profile, shell: Shell, stub: StubCoordinator
) -> None:
    del analyst
    _published(stub)
    stub.answers("POST", "/v1/freeze-requests", request_view(), status=201)
    draft = shell.write("request.json", shell("draft", *FILLED_IN, *ACCOUNT).stdout)
    result = shell("submit", draft)
    assert result.exit_code == 0, result.output
    assert _submitted(stub)["rulebook_sha256"] == SHA256
    stub.forget("GET", PATH)
    _published(stub, None)
    draft = shell.write("request.json", shell("draft", *FILLED_IN, *ACCOUNT).stdout)
    assert shell("submit", draft).exit_code == 0
    assert "rulebook_sha256" not in _submitted(stub)


def test_a_client_names_it_and_reads_it_again_where_another_is_in_force(
    client: Client, stub: StubCoordinator
) -> None:
    request = FreezeRequest.model_validate(strict_json.loads(request_body()))
    _published(stub, COMING)  # the first time, and another from then on
    _published(stub)
    refused = problem(409, "rulebook_not_in_force")
    stub.answers("POST", "/v1/freeze-requests", refused, status=409)
    with pytest.raises(ConflictError):
        client.submit(request)
    named = [
        strict_json.loads(each.body)["rulebook_sha256"]
        for each in stub.seen
        if each.method == "POST"
    ]
    assert named == [COMING["sha256"], SHA256]


def test_a_text_that_is_not_the_one_of_its_hash_is_believed_by_nobody(
    client: Client, stub: StubCoordinator
) -> None:
    stub.answers("GET", PATH, {"in_force": IN_FORCE | {"text": NEXT}, "coming": []})
    with pytest.raises(UntrustedEvidenceError):
        client.rulebook()


def test_a_coordinator_of_an_older_release_has_none(client: Client, stub: StubCoordinator) -> None:
    stub.answers("GET", PATH, problem(404, "not_found"), status=404)
    assert client.rulebook().in_force is None
