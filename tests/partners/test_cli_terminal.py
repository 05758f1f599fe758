"""What a lead sees on a terminal of 80 columns and 24 lines."""

import pytest

from holdfast.profiles.store import ProfileStore
from tests.partners.shell import FRQ, Shell
from tests.partners.signed_world import request_body
from tests.partners.submitted import Submitted
from tests.partners.terminal import Terminal

pytestmark = pytest.mark.processes

_ACCOUNTS = [f"eip155:1:0x{number:040x}" for number in range(1, 16)]
_USDT = "eip155:1/erc20:0xdAC17F958D2ee523a2206206994597C13D831ec7"
_BODY = request_body(
    addresses=[
        {"account": account, "asset": _USDT, "amount": "140000000000"} for account in _ACCOUNTS
    ],
    hold={"hours": 72},
)
_SENTENCE = "It asks 1 partner to freeze 15 addresses, 2.1M USDT, for 72 h."


def test_approve_shows_all_addresses_through_a_pager_then_what_it_comes_to(
    submitted: Submitted, store: ProfileStore
) -> None:
    submitted.sign_again(_BODY)
    submitted.answer()
    paged = {"PAGER": "sed s/^/PAGE:/"}
    with Terminal("approve", FRQ, home=store.home, environment=paged) as terminal:
        terminal.wait_for("Approve frq_")
        terminal.type("n\n")
        assert terminal.wait() == 1
    lines = terminal.shown.splitlines()
    for account in _ACCOUNTS:
        assert any(line.startswith("PAGE:") and line.endswith(account) for line in lines)
    # Whoever decides still sees it when the pages are gone.
    assert _SENTENCE in lines
    long = [line for line in lines if len(line.removeprefix("PAGE:")) > 80]
    assert [line for line in long if '"v":1' not in line] == []


def test_approve_pages_nothing_where_nobody_turns_the_pages(
    shell: Shell, submitted: Submitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", "sed s/^/PAGE:/")
    submitted.sign_again(_BODY)
    submitted.answer()
    done = shell("approve", FRQ, "--yes")
    assert "PAGE:" not in done.output
    assert all(account in done.stdout for account in _ACCOUNTS)
    assert _SENTENCE in done.stdout.splitlines()
    # Programs read the answer alone.
    asked = shell("approve", FRQ, "--yes", "--json")
    assert len(asked.stdout.splitlines()) == 1
    assert _ACCOUNTS[0] in asked.stderr


def test_a_short_request_needs_no_pager(submitted: Submitted, store: ProfileStore) -> None:
    submitted.answer()
    paged = {"PAGER": "sed s/^/PAGE:/"}
    with Terminal("approve", FRQ, home=store.home, lines=40, environment=paged) as terminal:
        terminal.wait_for("Approve frq_")
        terminal.type("y\n")
        assert terminal.wait() == 0
    assert "PAGE:" not in terminal.shown
