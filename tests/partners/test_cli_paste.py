"""`holdfast draft --paste`: from a pipe, a file or the clipboard to a draft that can be sent."""

import io
import json
import subprocess
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import click
import pytest

from holdfast.cli import paste
from holdfast.profiles.store import Profile
from tests.partners.shell import Shell
from tests.partners.test_chat import FIRST, SECOND

CHAT = f"> ETH: {FIRST} 12.5 ETH\n> and {SECOND}\n"


def document(output: str) -> Any:
    return json.loads(output)


def test_a_chat_becomes_a_draft_and_what_was_found_is_said(shell: Shell) -> None:
    done = shell("draft", "--paste", "--chain", "bsc", typed=CHAT)
    assert done.exit_code == 0, done.output
    draft = document(done.stdout)
    assert draft["addresses"] == [
        {
            "account": f"eip155:1:{FIRST}",
            "amount": "125" + "0" * 17,
            "asset": "eip155:1/slip44:60",
        },
        {"account": f"eip155:56:{SECOND}"},
    ]
    assert draft["urgency"] == "urgent"
    assert f"line 1: eip155:1:{FIRST}, 12.5 ETH (chain from Ethereum beside it)" in done.stderr
    assert f"line 2: eip155:56:{SECOND} (chain from --chain)" in done.stderr
    assert "2 addresses found" in done.stderr


def test_the_draft_can_be_checked_at_once(shell: Shell, analyst: Profile) -> None:
    del analyst
    file = shell.write("chat.txt", CHAT)
    known = ["--title", "Hot wallet drained", "--occurred-at", "2026-03-01T12:00:00Z"]
    known += ["--summary", "Proceeds of the theft.", "--to", "exchange-b.example"]
    made = shell("draft", "--paste", file, "--chain", "eth", *known)
    draft = shell.write("r.json", made.stdout)
    checked = shell("submit", draft, "--check")
    assert checked.exit_code == 0, checked.output


def test_without_its_chain_an_address_makes_no_draft_unless_it_is_left_out(shell: Shell) -> None:
    refused = shell("draft", "--paste", "-", typed=CHAT)
    assert refused.exit_code == 6
    assert refused.stdout == ""
    assert f"line 2: {SECOND}: its chain is not stated" in refused.stderr
    assert "--leave-out" in refused.stderr
    done = shell("draft", "--paste", "--leave-out", typed=CHAT)
    assert len(document(done.stdout)["addresses"]) == 1
    assert f"left out: line 2: {SECOND}" in done.stderr


def test_what_is_left_out_takes_the_address_of_its_line_along(shell: Shell) -> None:
    chat = f"ETH {FIRST} 12 k ETH\nETH {SECOND} 5 ETH"
    refused = shell("draft", "--paste", typed=chat)
    assert "Error: 1 fault; no draft was made" in refused.stderr
    done = shell("draft", "--paste", "--leave-out", typed=chat)
    kept = [address["account"] for address in document(done.stdout)["addresses"]]
    assert kept == [f"eip155:1:{SECOND}"]  # whole, the first would ask for more than the chat says
    assert f"left out: line 1: eip155:1:{FIRST}" in done.stderr


def test_every_fault_is_named_with_its_line(shell: Shell) -> None:
    done = shell("draft", "--paste", typed=f"ETH {FIRST[:-1]}\n\nETH 0x12...34567")
    assert done.exit_code == 6
    assert "line 1: " in done.stderr
    assert "line 3: 0x12...34567 is cut in the middle" in done.stderr
    assert "no address was found" in shell("draft", "--paste", typed="hello").stderr


def test_a_workbook_and_utf_16_are_read(shell: Shell) -> None:
    book = import_module("openpyxl").Workbook()
    for row in (["chain", "address"], ["Ethereum", FIRST]):
        book.active.append(row)
    raw = io.BytesIO()
    book.save(raw)
    for name, content in (
        ("l.xlsx", raw.getvalue()),
        ("l.csv", f"chain\taddress\nEthereum\t{FIRST}\n".encode("utf-16")),
    ):
        done = shell("draft", "--paste", shell.write(name, content))
        assert document(done.stdout)["addresses"] == [{"account": f"eip155:1:{FIRST}"}]


def test_a_file_that_is_not_there_is_named(shell: Shell) -> None:
    done = shell("draft", "--paste", "nowhere.txt")
    assert done.exit_code == 2
    assert "nowhere.txt" in done.stderr


def test_options_of_the_paste_go_with_it_and_chains_must_be_known(shell: Shell) -> None:
    assert "go with --paste" in shell("draft", "--chain", "eth").output
    assert "go with --paste" in shell("draft", "--leave-out").output
    assert "--chain narnia" in shell("draft", "--paste", "--chain", "narnia", typed="x").output


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_at_a_terminal_the_clipboard_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: tuple[str, ...], **_: object) -> SimpleNamespace:
        return SimpleNamespace(returncode=int(command[0] == "pbpaste"), stdout=b"text")

    monkeypatch.setattr("sys.stdin", _Terminal())
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", run)
    assert paste._read("-") == b"text"
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(click.UsageError, match="no clipboard"):
        paste._read("-")


def test_at_a_terminal_the_chain_is_asked_once_for_all_that_fit_the_same(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["narnia", "btc", "bsc"])
    monkeypatch.setattr(paste, "_is_terminal", lambda _: True)
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(said))
    file = shell.write("chat.txt", f"{FIRST}\n{SECOND}\n")
    done = shell("draft", "--paste", file)
    assert [each["account"] for each in document(done.stdout)["addresses"]] == [
        f"eip155:56:{FIRST}",
        f"eip155:56:{SECOND}",
    ]
    assert "no known chain" in done.stderr
    assert "no addresses of Bitcoin" in done.stderr
    monkeypatch.setattr(click, "prompt", lambda *_, **__: "")
    assert shell("draft", "--paste", file).exit_code == 6


def test_nothing_is_asked_while_a_fault_would_lose_the_answer(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(question: str, **_: object) -> str:
        asked.append(question)
        return "bsc"

    monkeypatch.setattr(paste, "_is_terminal", lambda _: True)
    monkeypatch.setattr(click, "prompt", answer)
    file = shell.write("chat.txt", f"{FIRST}\n\nETH {SECOND[:-1]}\n")
    done = shell("draft", "--paste", file)
    assert (done.exit_code, asked) == (6, [])
    assert "its chain is not stated" in done.stderr
    assert shell("draft", "--paste", file, "--leave-out").exit_code == 0
    assert len(asked) == 1


def test_a_fault_that_quotes_a_chat_steers_no_terminal(shell: Shell) -> None:
    done = shell("draft", "--paste", typed=f"ethereum:\x1b[8m{FIRST[:-1]}\x1b]0;x")
    assert done.exit_code == 6
    assert FIRST[:-1] in done.output
    assert "\x1b" not in done.output


def test_a_pasted_draft_is_as_easy_to_edit_as_any_other(shell: Shell) -> None:
    lines = shell("draft", "--paste", typed=f"ETH {FIRST}").stdout.splitlines()
    assert f'      "account": "eip155:1:{FIRST}"' in lines
    assert len(shell("draft", "--paste", "--json", typed=f"ETH {FIRST}").stdout.splitlines()) == 1
