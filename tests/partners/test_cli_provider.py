"""`holdfast console provider`: one's own OpenID provider, set, shown and removed."""

from pathlib import Path
from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT

PATH = "/v1/sign-in-provider"
ADA = "per_01m8mkz5afeep9smq9bgj7ffz7"
VIEW: dict[str, Any] = {
    "id": new_id("sip"),
    "issuer": "https://login.a.example",
    "client_id": "holdfast",
    "people": [{"person": ADA, "sub": "17", "email": None}],
    "redirect_uri": "https://console.example/console/sign-in/return/a.example",
    "set_by": ADA,
    "set_at": AT,
}


@pytest.fixture(autouse=True)
def _people(analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    named = {"id": ADA, "kind": "person", "roles": [], "kids": [], "display_name": "Ada"}
    stub.answers("GET", "/v1/people?status=all", {"items": [named]})


def test_it_is_set_with_a_secret_that_stands_on_no_command_line(
    shell: Shell, stub: StubCoordinator, tmp_path: Path
) -> None:
    stub.answers("POST", PATH, VIEW, status=201)
    secret = tmp_path / "secret"
    secret.write_text("between us\n".replace(" ", "-"))
    set_ = ("console", "provider", "set", VIEW["issuer"], "--client-id", "holdfast")
    done = shell(*set_, "--secret-file", str(secret), "--person", f"{ADA}=sub:17")
    assert done.exit_code == 0, done.output
    [posted] = [each for each in stub.seen if each.method == "POST"]
    assert strict_json.loads(posted.body) == {
        "issuer": VIEW["issuer"],
        "client_id": "holdfast",
        "client_secret": "between-us",
        "people": [{"person": ADA, "sub": "17"}],
    }
    assert "between-us" not in done.output
    assert VIEW["redirect_uri"] in done.output
    assert "Ada" in done.output


@pytest.mark.parametrize("entry", ["Ada=sub:17", f"{ADA}=name:17", f"{ADA}=sub:", ADA])
def test_an_entry_that_names_nobody_is_refused_before_anything_is_sent(
    shell: Shell, entry: str
) -> None:
    set_ = ("console", "provider", "set", VIEW["issuer"], "--client-id", "holdfast")
    refused = shell(*set_, "--person", entry)
    assert (refused.exit_code, "write PER_…=sub:SUBJECT" in refused.output) == (2, True)


def test_without_one_it_says_what_its_client_is_to_be_told(
    shell: Shell, stub: StubCoordinator
) -> None:
    stub.answers("GET", PATH, {"redirect_uri": VIEW["redirect_uri"]})
    shown = shell("console", "provider", "show").output
    assert "none" in shown
    assert VIEW["redirect_uri"] in shown


def test_it_is_shown_and_removed(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("GET", PATH, VIEW)
    assert VIEW["issuer"] in shell("console", "provider", "show").output
    stub.answers("DELETE", PATH, {"id": VIEW["id"], "status": "removed"})
    assert "nobody signs in by it" in shell("console", "provider", "remove").output
