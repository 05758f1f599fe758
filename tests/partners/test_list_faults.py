"""What is wrong in a list is said where it stands: line, address and column, each once."""

import io
from importlib import import_module

import pytest

from holdfast.profiles.store import Profile
from tests.partners.shell import Shell
from tests.partners.test_chat import FIRST, SECOND

_WRONG = FIRST[:-1] + ("E" if FIRST[-1] != "E" else "D")
_ROWS = [
    ["chain", "address", "amount"],
    ["Ethereum", FIRST, "1 ETH"],
    ["Ethereum", "", "5 ETH"],
    ["", SECOND, "1 ETH"],
    ["Ethereum", SECOND, "k"],
    ["Ethereum", _WRONG, "1 ETH"],
]
_NO_ADDRESS = "line 3: address: the cell is empty, so the row names no account: fill it in"
_NO_CHAIN = "chain: the cell is empty, so it is not said on which chain this address is"


def _workbook(rows: list[list[str]]) -> bytes:
    book = import_module("openpyxl").Workbook()
    for row in rows:
        book.active.append(row)
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def _csv(rows: list[list[str]]) -> bytes:
    return "".join(",".join(row) + "\n" for row in rows).encode()


def _faults(stderr: str) -> list[str]:
    return [line.strip() for line in stderr.splitlines() if line.startswith("  line ")]


@pytest.mark.parametrize(("name", "made"), [("l.xlsx", _workbook), ("l.csv", _csv)])
def test_a_row_without_its_address_or_chain_says_which_cell_is_empty(
    shell: Shell, analyst: Profile, name: str, made: object
) -> None:
    del analyst
    assert callable(made)
    known = ["--title", "t", "--occurred-at", "2025-02-21T14:13:35Z", "--summary", "s"]
    rest = shell("draft", "--csv", *known, "--to", "exchange-b.example").stdout
    template = shell.write("rest.json", rest)
    done = shell("submit", shell.write(name, made(_ROWS)), "--template", template, "--check")
    assert done.exit_code == 6
    found = _faults(done.stderr)
    # The amount of a row without an account is no fault of its own.
    assert [fault for fault in found if fault.startswith("line 3")] == [_NO_ADDRESS]
    assert [fault for fault in found if fault.startswith("line 4")] == [f"line 4: {_NO_CHAIN}"]
    assert "member is missing" not in done.stderr


@pytest.mark.parametrize(("name", "made"), [("l.xlsx", _workbook), ("l.csv", _csv)])
def test_a_fault_in_a_pasted_row_repeats_the_address(shell: Shell, name: str, made: object) -> None:
    assert callable(made)
    done = shell("draft", "--paste", shell.write(name, made(_ROWS)))
    empty, no_chain, amount, checksum = _faults(done.stderr)
    assert empty == _NO_ADDRESS
    assert no_chain == f"line 4: {SECOND}: {_NO_CHAIN}"
    assert amount.startswith(f"line 5: {SECOND}: amount: 'k' is no amount")
    assert checksum.startswith(f"line 6: {_WRONG}: Ethereum: ")


def test_what_is_no_account_at_all_is_repeated_as_it_stands(shell: Shell) -> None:
    done = shell("draft", "--paste", typed=f"account,amount\n{FIRST},1 BTC\n")
    assert _faults(done.stderr)[0].startswith(f"line 2: {FIRST}: is no CAIP-10 account")


def test_a_cell_that_is_a_fault_already_is_not_called_empty(shell: Shell) -> None:
    rows = [["chain", "address"], ["Ethereum", "1.5E+40"]]
    [fault] = _faults(shell("draft", "--paste", shell.write("l.csv", _csv(rows))).stderr)
    assert "was rounded by a spreadsheet" in fault


def test_the_same_fault_twice_on_a_line_is_said_once(shell: Shell) -> None:
    [fault] = _faults(shell("draft", "--paste", typed=f"ETH {_WRONG} ETH {_WRONG}").stderr)
    assert fault.startswith(f"line 1: {_WRONG}: Ethereum: ")


def test_questions_stand_among_the_faults_by_their_lines(shell: Shell) -> None:
    chat = f"{FIRST} 5 ETH\n\nETH {_WRONG}\n\n{SECOND}\n"
    found = _faults(shell("draft", "--paste", typed=chat).stderr)
    assert [fault.partition(":")[0] for fault in found] == ["line 1", "line 3", "line 5"]


def test_an_ambiguous_symbol_names_some_chains_and_how_many_more(shell: Shell) -> None:
    done = shell("draft", "--paste", typed=f"account,amount\n{FIRST},1 ETH\n")
    [fault] = [fault for fault in _faults(done.stderr) if "several chains" in fault]
    assert fault.count("ETH@") == 6
    assert fault.endswith(" more")
