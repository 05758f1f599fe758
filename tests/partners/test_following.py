"""The feed is followed through failures: nothing is lost, and nothing comes twice."""

from itertools import islice

import pytest

from holdfast.client.client import Client
from holdfast.client.following import Listener, follow
from holdfast.errors import HoldfastError, PermissionDeniedError
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.views import event_view


def page(*seqs: int) -> dict[str, object]:
    after = seqs[-1] if seqs else 0
    return {"events": [event_view(seq) for seq in seqs], "next_after": after, "has_more": False}


@pytest.mark.parametrize(("status", "code"), [(0, ""), (503, "unavailable")])
def test_a_coordinator_that_went_away_is_asked_again_for_what_follows(
    client: Client, stub: StubCoordinator, status: int, code: str
) -> None:
    client.transport.retries = type(client.transport.retries)(attempts=1)
    said: list[str] = []
    slept: list[float] = []

    def away(error: HoldfastError, seconds: float) -> None:
        said.append(f"away {seconds:.0f}")
        assert str(error)

    def feed(after: int) -> str:
        return f"/v1/events?after={after}&wait=20"

    stub.answers("GET", feed(0), page(1, 2))
    for _ in range(7):
        stub.answers("GET", feed(2), problem(503, code) if code else None, status=status)
    stub.answers("GET", feed(2), page(3))
    stub.answers("GET", feed(3), page(4))
    listener = Listener(away, lambda: said.append("back"), slept.append)
    events = list(islice(follow(client, 0, listener), 4))
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert slept == [1, 2, 4, 8, 16, 30, 30]
    assert said == [f"away {seconds:.0f}" for seconds in slept] + ["back"]


def test_what_waiting_does_not_mend_ends_it(client: Client, stub: StubCoordinator) -> None:
    refusal = problem(403, "not_allowed")
    stub.answers("GET", "/v1/events?after=0&wait=20", refusal, status=403)
    with pytest.raises(PermissionDeniedError):
        next(follow(client, 0, Listener(sleep=lambda _: pytest.fail("waited"))))
