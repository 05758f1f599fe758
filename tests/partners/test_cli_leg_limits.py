"""`holdfast limit`: who of one's own sees a request."""

from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT, leg_view

ADA = new_id("per")


@pytest.fixture(autouse=True)
def _asked(analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    answer_request(stub, leg=leg_view())
    stub.answers("GET", "/v1/people?status=all", {"items": []})
    limited = {"people": [ADA], "at": AT, "by": ADA}
    leg = leg_view(limited=limited)
    acted = {"id": new_id("act"), "request_id": FRQ, "status": "delivered", "leg": leg}
    stub.answers("POST", f"{REQUEST}/leg-limit", acted, status=201)


def named(stub: StubCoordinator) -> Any:
    """Return to whom the last limit was."""
    [*_, act] = [each for each in stub.seen if each.method == "POST"]
    return strict_json.loads(act.body)["people"]


def test_a_leg_is_limited_to_those_named(shell: Shell, stub: StubCoordinator) -> None:
    shown = shell("limit", FRQ)
    assert shown.exit_code == 0, shown.output
    assert "everybody of your organisation" in shown.output
    done = shell("limit", FRQ, "--to", ADA)
    assert done.exit_code == 0, done.output
    assert named(stub) == [ADA]
    assert ADA in done.output


def test_everybody_sees_it_again(shell: Shell, stub: StubCoordinator) -> None:
    assert shell("limit", FRQ, "--everybody").exit_code == 0
    assert named(stub) is None
    assert shell("limit", FRQ, "--everybody", "--to", ADA).exit_code == 2
