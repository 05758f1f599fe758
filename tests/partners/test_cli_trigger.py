"""`holdfast trigger`: a sample of any event to an endpoint of one's own."""

import pytest

from holdfast.profiles.store import Profile
from tests.partners.shell import Shell, sent
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.test_cli_endpoints import endpoint

_PATH = "/v1/webhook-endpoints"


@pytest.mark.parametrize(
    ("status", "said"),
    [("queued", "is on its way"), ("delivered", "was taken"), ("dead", "was not taken")],
)
def test_a_sample_goes_to_the_endpoint_that_is_named_and_one_hears_what_came_of_it(
    shell: Shell, analyst: Profile, stub: StubCoordinator, status: str, said: str
) -> None:
    del analyst
    stub.answers("POST", f"{_PATH}/wep_1/test", {"id": "wep_1", "status": status}, status=202)
    done = shell("trigger", "freeze.frozen", "--endpoint", "wep_1")
    assert (done.exit_code, said in done.output) == (0, True)
    assert sent(stub) == {"event_type": "freeze.frozen"}


def test_without_a_name_it_goes_to_the_only_one_that_is_on(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    off = endpoint(id="wep_2", enabled=False)
    stub.answers("GET", _PATH, {"items": [endpoint(), off]})
    stub.answers("POST", f"{_PATH}/wep_1/test", {"id": "wep_1", "status": "queued"}, status=202)
    assert shell("trigger", "freeze_request.withdrawn").exit_code == 0
    assert sent(stub) == {"event_type": "freeze_request.withdrawn"}


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ([], "holdfast endpoint add URL"),
        ([endpoint(), endpoint(id="wep_2")], "--endpoint: wep_1"),
    ],
)
def test_without_one_to_choose_it_says_what_to_do(
    shell: Shell, analyst: Profile, stub: StubCoordinator, shown: list[object], said: str
) -> None:
    del analyst
    stub.answers("GET", _PATH, {"items": shown})
    done = shell("trigger", "freeze.frozen")
    assert (done.exit_code, said in " ".join(done.output.split())) == (2, True)


@pytest.mark.parametrize(
    ("typed", "named"), [("freeze.frozn", "freeze.frozen"), ("zzz", "endpoint.failing")]
)
def test_what_is_no_event_is_answered_with_those_that_there_are(
    shell: Shell, analyst: Profile, typed: str, named: str
) -> None:
    del analyst
    done = shell("trigger", typed)
    assert (done.exit_code, named in done.output) == (2, True)
