"""What Ctrl-C says that it left behind."""

import click
import pytest

from holdfast.cli.interrupt import is_interrupt, left_behind
from holdfast.client.client import Client
from holdfast.client.transport import Change, Transport
from holdfast.errors import ConflictError
from tests.partners.shell import FRQ, REQUEST
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.views import act_view, request_view

_APPROVAL = f"{REQUEST}/approvals"
_UNREAD = "was sent; its answer was not read. Whether it was carried out: "


@pytest.mark.parametrize(
    ("under_way", "made", "hint", "lines"),
    [
        ([], 0, None, ["Nothing was sent that changes anything."]),
        ([], 0, "Go on so.", ["Nothing was sent that changes anything.", "Go on so."]),
        (
            [],
            1,
            None,
            ["1 act before it went through, and stands."],
        ),
        (
            [Change("POST", _APPROVAL)],
            0,
            None,
            [f"POST {_APPROVAL} {_UNREAD}`holdfast status {FRQ}`"],
        ),
        (
            [Change("POST", "/v1/grants")],
            0,
            None,
            [f"POST /v1/grants {_UNREAD}`holdfast events`"],
        ),
    ],
)
def test_it_says_what_was_sent(
    under_way: list[Change], made: int, hint: str | None, lines: list[str]
) -> None:
    assert left_behind(under_way, made, hint) == lines


def test_a_client_knows_what_was_carried_out_and_what_is_not_answered(
    client: Client, stub: StubCoordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.answers("GET", REQUEST, request_view(id=FRQ))
    view = client.freeze_request(FRQ)
    transport = client.transport
    assert (transport.under_way, transport.changes_made) == ([], 0)
    stub.answers("POST", f"{REQUEST}/acknowledgement", act_view(), status=201)
    client.acknowledge(view)
    assert (transport.under_way, transport.changes_made) == ([], 1)
    stub.answers("POST", f"{REQUEST}/review", problem(409, "invalid_transition"), status=409)
    with pytest.raises(ConflictError):
        client.review(view)
    assert (transport.under_way, transport.changes_made) == ([], 1)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Transport, "_try_once", stopped)
    with pytest.raises(KeyboardInterrupt):
        client.review(view)
    left = [Change("POST", f"{REQUEST}/review")]
    assert (transport.under_way, transport.changes_made) == (left, 1)


def test_no_to_a_question_is_no_interrupt() -> None:
    said_no = click.Abort()
    assert not is_interrupt(said_no)
    stopped = click.Abort()
    stopped.__context__ = KeyboardInterrupt()
    assert is_interrupt(stopped)
    assert is_interrupt(KeyboardInterrupt())
