"""What a lead sees on a terminal of 80 columns and 24 lines."""

from pathlib import Path

import pytest

from holdfast.profiles.store import Profile, ProfileStore
from tests.partners.shell import ACCOUNT, FILLED_IN, FRQ, Shell
from tests.partners.signed_world import request_body
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.submitted import Submitted
from tests.partners.terminal import Terminal
from tests.partners.views import AT, event_view

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
    assert [line for line in lines if len(line.removeprefix("PAGE:")) > 80] == []


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


def test_ctrl_c_at_a_question_says_that_nothing_was_sent(
    submitted: Submitted, store: ProfileStore
) -> None:
    submitted.answer()
    with Terminal("approve", FRQ, home=store.home, lines=40) as terminal:
        terminal.wait_for("[y/N]: ")  # the space comes once it listens
        terminal.interrupt()
        assert terminal.wait() == 130
    assert "Nothing was sent that changes anything." in terminal.shown
    assert {seen.method for seen in submitted.stub.seen} == {"GET"}


def test_ctrl_c_while_a_submission_is_under_way_says_how_to_find_out(
    shell: Shell, store: ProfileStore, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers("POST", "/v1/freeze-requests", status=0)
    file = shell.write("r.json", shell("draft", *FILLED_IN, *ACCOUNT).stdout)
    with Terminal("submit", file, home=store.home) as terminal:
        stub.wait_for("POST")
        terminal.interrupt()
        assert terminal.wait() == 130
    pending = file.replace("r.json", "r.pending.json")
    assert "its answer was not read" in " ".join(terminal.shown.split())
    assert f"`holdfast submit {pending}`" in " ".join(terminal.shown.split())
    sent = [seen.body for seen in stub.seen if seen.method == "POST"]
    assert sent
    assert all(body == Path(pending).read_bytes() for body in sent)


def test_a_feed_that_is_stopped_says_where_it_goes_on(
    store: ProfileStore, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    page = {"events": [event_view(7)], "next_after": 7, "has_more": False}
    stub.answers("GET", "/v1/events?after=0&wait=20", page)
    stub.answers("GET", "/v1/events?after=7&wait=20", status=0)
    with Terminal("events", "--follow", home=store.home) as terminal:
        terminal.wait_for("no event is lost")
        terminal.interrupt()
        assert terminal.wait() == 130
    assert "`holdfast events --follow --after 7`" in terminal.shown


@pytest.mark.parametrize(("columns", "is_table"), [(80, False), (120, True)])
def test_a_list_fits_the_terminal_with_every_id_in_one_piece(
    store: ProfileStore,
    analyst: Profile,
    stub: StubCoordinator,
    columns: int,
    is_table: bool,  # noqa: FBT001 - a table
) -> None:
    del analyst
    summary = {
        "id": FRQ,
        "status": "active",
        "requester": "exchange-a.example",
        "urgency": "urgent",
        "submitted_at": AT,
        "incident_id": "inc_1",
        "incident_title": "Bybit cold wallet theft",
        "address_count": 51,
        "partners_asked": 3,
    }
    stub.answers("GET", "/v1/freeze-requests?box=sent", {"items": [summary, summary]})
    with Terminal("status", home=store.home, columns=columns) as terminal:
        assert terminal.wait() == 0
    lines = terminal.shown.splitlines()
    assert max(map(len, lines)) <= columns
    assert len(lines) == (3 if is_table else 15)
    assert sum(FRQ in line and "2026-01-02 03:04 UTC" in line for line in lines) == (
        2 if is_table else 0
    )
    assert sum(FRQ in line for line in lines) == 2


def test_a_long_paste_shows_how_far_it_is_and_ctrl_c_leaves_nothing_behind(
    store: ProfileStore,
) -> None:
    chat = store.home.parent / "chat.txt"
    chat.write_text("".join(f"ETH 0x{number:040x} 1 ETH\n" for number in range(1, 40_000)))
    with Terminal("draft", "--paste", str(chat), home=store.home) as terminal:
        terminal.wait_for("/40000")
        assert "reading" in terminal.shown
        terminal.interrupt()
        assert terminal.wait() == 130
    assert "Nothing was sent that changes anything." in terminal.shown
    assert "No draft was made" in terminal.shown
    # No line of a draft that is not whole.
    assert '"addresses"' not in terminal.shown


def test_a_short_paste_shows_no_bar(store: ProfileStore) -> None:
    chat = store.home.parent / "chat.txt"
    chat.write_text(f"ETH {_ACCOUNTS[0].rpartition(':')[2]} 1 ETH\n")
    with Terminal("draft", "--paste", str(chat), home=store.home) as terminal:
        assert terminal.wait() == 0
    assert "reading" not in terminal.shown


def test_no_to_the_question_says_that_nothing_was_sent(
    submitted: Submitted, store: ProfileStore
) -> None:
    submitted.answer()
    with Terminal("approve", FRQ, home=store.home, lines=40) as terminal:
        terminal.wait_for("[y/N]: ")
        terminal.type("n\n")
        assert terminal.wait() == 1
    assert "Not done.\nNothing was sent that changes anything." in terminal.shown
    assert "Aborted" not in terminal.shown


def test_in_base_units_the_sentence_names_the_asset_of_each_sum(
    shell: Shell, submitted: Submitted
) -> None:
    submitted.sign_again(_BODY)
    submitted.answer()
    shown = shell("approve", FRQ, "--yes", "--base-units").stdout
    assert f"freeze 15 addresses, 2100000000000 of {_USDT}, for 72 h." in shown
