"""Chains by what people call them, and tables that add to the one that ships."""

import csv
from pathlib import Path

import pytest

from holdfast.protocol.chains.chain import chains_of, load_chains, shipped_chains
from holdfast.protocol.chains.format_errors import AccountError, ChainsError

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases"
ADDED = """
[family.evm]
rule = "evm"
decimals = 18
chains = [ { id = "eip155:5001", name = "Trial", names = ["trl"], symbol = "ETH", slip44 = 60 } ]
"""


@pytest.mark.parametrize(
    ("written", "caip2"),
    [
        ("eth", "eip155:1"),
        ("Ethereum", "eip155:1"),
        ("BNB Smart Chain", "eip155:56"),
        ("bnb-smart-chain", "eip155:56"),
        ("matic", "eip155:137"),
        ("Ripple", "xrpl:0"),
        ("tron:728126428", "tron:0x2b6653dc"),
        ("eip155:10", "eip155:10"),
        ("Ethereum Classic", "eip155:61"),
    ],
)
def test_a_chain_is_found_by_what_people_call_it(written: str, caip2: str) -> None:
    assert shipped_chains().named(written).caip2 == caip2


@pytest.mark.parametrize("written", ["", "ether chain", "eip155:999999999"])
def test_an_unknown_name_is_refused_and_the_list_named(written: str) -> None:
    with pytest.raises(AccountError, match="holdfast chains"):
        shipped_chains().named(written)


def test_a_name_that_two_chains_state_is_refused_naming_both() -> None:
    chains = load_chains(ADDED.replace('"trl"', '"base mainnet"'))
    with pytest.raises(AccountError, match=r"Base \(eip155:8453\) or Trial \(eip155:5001\)"):
        chains.named("base mainnet")


def test_every_name_of_the_cases_is_known() -> None:
    listed = CASES / "chain_names.csv"
    if not listed.is_file():
        pytest.skip(f"{listed.name} lies in ../shared, which is not here")
    with listed.open(encoding="utf-8", newline="") as lines:
        names = [row["chain"] for row in csv.DictReader(lines)]
    assert names
    assert all(shipped_chains().named(name) for name in names)


def test_an_addition_keeps_what_ships_and_changes_the_version() -> None:
    chains = load_chains(ADDED)
    assert chains.named("trl").caip2 == "eip155:5001"
    assert chains.named("eth").caip2 == "eip155:1"
    assert chains.version != shipped_chains().version == load_chains().version


def test_an_addition_cannot_change_what_ships() -> None:
    with pytest.raises(ChainsError, match="eip155:1 "):
        load_chains(ADDED.replace("eip155:5001", "eip155:1"))


def test_a_table_that_was_served_gives_the_same_chains() -> None:
    chains = load_chains(ADDED)
    again = chains_of(chains.table)
    assert [each.caip2 for each in again] == [each.caip2 for each in chains]
    assert again.version == chains.version


def test_chains_of_a_rule_that_this_version_lacks_are_left_out_only_where_asked() -> None:
    table = load_chains(ADDED).table
    table["chains"][-1]["rule"] = "of_tomorrow"
    assert chains_of(table, skip_unknown_rules=True).get("eip155:5001") is None
    with pytest.raises(ChainsError, match="eip155:5001"):
        chains_of(table)
