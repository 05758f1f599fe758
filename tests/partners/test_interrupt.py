"""What Ctrl-C says that it left behind."""

import click
import pytest

from holdfast.cli.interrupt import is_interrupt, left_behind
from holdfast.client.client import Client
from holdfast.client.transport import Change
from holdfast.errors import ConflictError
from tests.partners.shell import FRQ, REQUEST
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.views import act_view, request_view

_APPROVAL = f"{REQUEST}/approvals"
_UNREAD = "was sent; its answer was not read. Whether it was carried out: "


@pytest.mark.parametrize(
    ("changes", "hint", "lines"),
    [
        ([], None, ["Nothing was sent that changes anything."]),
        ([], "Go on so.", ["Nothing was sent that changes anything.", "Go on so."]),
        (
            [Change("POST", _APPROVAL, was_answered=True)],
            None,
            ["1 act before it went through, and stands."],
        ),
        (
            [Change("POST", _APPROVAL)],
            None,
            [f"POST {_APPROVAL} {_UNREAD}`holdfast status {FRQ}`"],
        ),
        (
            [Change("POST", "/v1/grants")],
            None,
            [f"POST /v1/grants {_UNREAD}`holdfast events`"],
        ),
    ],
)
def test_it_says_what_was_sent(changes: list[Change], hint: str | None, lines: list[str]) -> None:
    assert left_behind(changes, hint) == lines


def test_a_client_notes_what_changes_something_and_whether_it_was_answered(
    client: Client, stub: StubCoordinator
) -> None:
    stub.answers("GET", REQUEST, request_view(id=FRQ))
    view = client.freeze_request(FRQ)
    assert client.transport.changes == []
    stub.answers("POST", f"{REQUEST}/acknowledgement", act_view(), status=201)
    client.acknowledge(view)
    path = f"{REQUEST}/acknowledgement"
    assert client.transport.changes == [Change("POST", path, was_answered=True)]
    refusal = problem(409, "invalid_transition")
    stub.answers("POST", f"{REQUEST}/review", refusal, status=409)
    with pytest.raises(ConflictError):
        client.review(view)
    assert len(client.transport.changes) == 1


def test_no_to_a_question_is_no_interrupt() -> None:
    said_no = click.Abort()
    assert not is_interrupt(said_no)
    stopped = click.Abort()
    stopped.__context__ = KeyboardInterrupt()
    assert is_interrupt(stopped)
    assert is_interrupt(KeyboardInterrupt())
