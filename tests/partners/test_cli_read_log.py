"""`holdfast reads`: one's own people by name, others by id."""

from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT

ADA = "per_01m8mkz5afeep9smq9bgj7ffz7"
REQUEST = "frq_01m8mkz5afeep9smq9bgj7ffz7"
PATH = f"/v1/freeze-requests/{REQUEST}/reads"


@pytest.fixture(autouse=True)
def _people(analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    named = {"id": ADA, "kind": "person", "roles": [], "kids": [], "display_name": "Ada"}
    stub.answers("GET", "/v1/people?status=all", {"items": [named]})


def _line(**members: Any) -> dict[str, Any]:
    return {
        "id": new_id("rdl"),
        "partner": "exchange-a.example",
        "subject": ADA,
        "roles": ["security_lead"],
        "kid": "k" * 43,
        "what": "sealed_evidence",
        "via": "console",
        "first_at": AT,
        "last_at": AT,
        "count": 12,
        **members,
    }


def test_who_read_is_listed_with_names_of_ones_own(shell: Shell, stub: StubCoordinator) -> None:
    other = new_id("per")
    items = [
        _line(),
        _line(partner="exchange-b.example", subject=other, kid=None, via="api", what="bundle"),
    ]
    stub.answers("GET", PATH, {"items": items, "next_cursor": None})
    shown = " ".join(shell("reads", REQUEST).output.split())
    assert f"Ada ({ADA})" in shown
    assert "sealed evidence" in shown
    assert "k" * 43 in shown
    assert "12" in shown
    assert other in shown
    assert "their provider" in shown


def test_one_partner_is_asked_for(shell: Shell, stub: StubCoordinator) -> None:
    path = f"{PATH}?partner=exchange-b.example"
    stub.answers("GET", path, {"items": [_line()], "next_cursor": None})
    printed = shell("--json", "reads", REQUEST, "--partner", "exchange-b.example").stdout
    assert strict_json.loads(printed.encode())["count"] == 12


def test_nobody_is_said_in_words(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("GET", PATH, {"items": [], "next_cursor": None})
    assert "Nobody read it." in shell("reads", REQUEST).output
