"""The lists of ../shared/cases, file by file: each is a kind that went wrong once."""

import json
from pathlib import Path

import pytest

from holdfast.drafting.draft import Draft, read_draft
from holdfast.errors import InvalidDraftError
from tests.partners.test_draft import TEMPLATE

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")


def read(name: str) -> Draft:
    return read_draft(name, (CASES / name).read_bytes(), TEMPLATE)


def faults_of(name: str) -> list[str]:
    with pytest.raises(InvalidDraftError) as refused:
        read(name)
    return refused.value.faults


def test_a_theft_over_31_chains_is_taken_line_by_line() -> None:
    draft = read("theft_over_31_chains.csv")
    count = len((CASES / "theft_over_31_chains.csv").read_text("utf-8").splitlines()) - 1
    assert len(draft.request.addresses) == count
    assert list(draft.address_lines) == list(range(2, count + 2))


def test_every_name_that_people_write_for_a_chain_is_taken() -> None:
    draft = read("chain_names.csv")
    chains = [address.account.rpartition(":")[0] for address in draft.request.addresses]
    assert chains == [
        "bip122:00000ffd590b1485b3caadc19b22e637",
        "bip122:000000000000000001d956714215d96f",
        "eip155:59144",
        "eip155:56",
        "eip155:10",
        "xrpl:0",
        "eip155:1",
        "bip122:000000000000000000e5438564434eda",
        "eip155:137",
    ]


def test_blank_rows_are_skipped() -> None:
    assert read("blank_rows.csv").address_lines == [2, 5]


def test_two_accounts_in_one_row_are_that_line_s_fault() -> None:
    [fault] = faults_of("account_and_address.csv")
    assert fault.startswith("line 2: address: is another account")


def test_utf_16_with_its_mark_is_read_and_cp1252_is_told_what_to_do() -> None:
    assert len(read("utf16.csv").request.addresses) == 1
    assert faults_of("cp1252.csv") == [
        "line 2: is not in UTF-8: save the file as CSV UTF-8 (comma delimited)"
    ]


def test_a_draft_states_a_transaction_as_the_chain_writes_it() -> None:
    account = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
    for case in json.loads((CASES / "transactions.json").read_text("utf-8")):
        raw = f"chain,address,tx\n{case['chain']},{account},{case['tx']}\n".encode()
        if case["right"].startswith("refused"):
            with pytest.raises(InvalidDraftError, match="line 2: tx: "):
                read_draft("l.csv", raw, TEMPLATE)
        else:
            [address] = read_draft("l.csv", raw, TEMPLATE).request.addresses
            assert address.tx == case["right"]
