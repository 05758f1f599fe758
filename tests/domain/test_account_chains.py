"""The table of chains: added to as data, refused as a whole when anything in it is wrong."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.chain import Chains, chains_of, read_table, suggest
from holdfast.protocol.chains.format_errors import ChainsError
from holdfast.protocol.chains.rules import primitives
from tests.known_chains import CHAINS

EVM = """
[family.evm]
rule = "evm"
decimals = 18
assets = { erc20 = "address" }
chains = [ { id = "eip155:5000", name = "Mantle", symbol = "MNT", slip44 = 60 } ]
"""
COIN = """
[family.coin]
rule = "base58check"
decimals = 8
chains = [{ id = "bip122:%s", name = "Coin", symbol = "C", slip44 = 7, p2pkh = ["19"] }]
""" % ("ab" * 16)


def only(text: str) -> Chains:
    """Return the chains of this table alone, without those that ship."""
    return chains_of(read_table(text))


def test_an_evm_chain_is_added_by_one_line() -> None:
    chains = only(EVM)
    assert parse_account(chains, "eip155:5000:0x" + "1" * 40).chain.name == "Mantle"
    assert parse_asset(chains, "eip155:5000/slip44:60") == "eip155:5000/slip44:60"


def test_a_base58check_chain_is_added_by_one_line() -> None:
    chains = only(COIN)
    address = primitives.base58check_encode(b"\x19" + bytes(range(20)))
    assert parse_account(chains, f"bip122:{'ab' * 16}:{address}").address == address


@example(version=0, payload=bytes(20))
@example(version=2, payload=bytes(20))
@example(version=2, payload=b"\xff" * 20)
@given(version=st.integers(0, 255), payload=st.binary(min_size=20, max_size=20))
def test_every_version_byte_can_be_a_chain_s(version: int, payload: bytes) -> None:
    chains = only(COIN.replace("19", f"{version:02x}"))
    address = primitives.base58check_encode(bytes([version]) + payload)
    assert suggest(chains, address) == [f"bip122:{'ab' * 16}"]


def test_every_chain_of_the_table_is_yielded_once_whatever_its_aliases() -> None:
    ids = [chain.caip2 for chain in CHAINS]
    assert len(ids) == len(set(ids))
    assert "tron:728126428" not in ids
    assert CHAINS.get("tron:728126428") is CHAINS.get("tron:0x2b6653dc")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('rule = "evm"', 'rule = "evn"', "rule must be one of"),
        ("decimals = 18", "decimals = -1", "decimals must be a whole number"),
        ("decimals = 18", "decimals = true", "decimals must be a whole number"),
        ("decimals = 18", "", "decimals must be a whole number"),
        ("decimals = 18", "decimals = 18\ndecimal = 1", "unknown member decimal"),
        ('id = "eip155:5000"', 'id = "eip155"', "no CAIP-2 id"),
        ('id = "eip155:5000"', 'id = "eip155:5000", aliases = ["eip155:5 0"]', "no CAIP-2 id"),
        ('id = "eip155:5000"', 'id = "eip155:5000", aliases = "x"', "aliases must be a list"),
        ('id = "eip155:5000", ', "", "id must be a string"),
        ('name = "Mantle"', 'name = ""', "name must be a string"),
        ('erc20 = "address"', 'erc20 = "adress"', "a form of assets"),
        ('erc20 = "address"', "erc20 = 1", "assets must be a table"),
        ("slip44 = 60", 'slip44 = 60, slip44_aliases = ["1"]', "slip44_aliases must be a list"),
        ("[family.evm]", "[evm]", "`family` tables"),
        ("chains = [", "chain = [", "needs a list of tables"),
        ("[family.evm]", "[family.evm", "no TOML"),
    ],
)
def test_a_typing_error_in_the_table_is_refused_by_name(old: str, new: str, complaint: str) -> None:
    assert old in EVM
    with pytest.raises(ChainsError, match=complaint):
        only(EVM.replace(old, new, 1))


@pytest.mark.parametrize(
    ("new", "complaint"),
    [
        ("p2pkh = []", "at least one version"),
        ('p2pkh = ["zz"]', "hex strings"),
        ('p2pkh = ["19", "1234"]', "of one length"),
        ('p2pkh = ["19"], p2sh = ["19"]', "named once"),
        ('p2pkh = ["19"], unsupported = ["x"]', "unsupported must be a table"),
    ],
)
def test_wrong_version_bytes_in_the_table_are_refused(new: str, complaint: str) -> None:
    with pytest.raises(ChainsError, match=complaint):
        only(COIN.replace('p2pkh = ["19"]', new))


def test_one_chain_id_cannot_stand_for_two_chains() -> None:
    twice = EVM.replace(
        "chains = [ {", 'chains = [ { id = "eip155:5000", name = "M", symbol = "M", slip44 = 1 }, {'
    )
    with pytest.raises(ChainsError, match="twice"):
        only(twice)


@pytest.mark.parametrize(
    ("token", "complaint"),
    [
        ('{ asset = "eip155:1/erc20:0x%s", symbol = "X", decimals = 6 }' % ("1" * 40), "none of"),
        ('{ asset = "eip155:5000/erc20:0x12", symbol = "X", decimals = 6 }', "40 hexadecimal"),
        ('{ asset = "eip155:5000/erc99:0x12", symbol = "X", decimals = 6 }', "namespace"),
        (
            '{ asset = "eip155:5000/erc20:0x%s", symbol = "X", decimals = 99 }' % ("1" * 40),
            "decimals",
        ),
        ('{ asset = "eip155:5000/erc20:0x%s", symbol = "X" }' % ("1" * 40), "decimals"),
        ("7", "`tokens`"),
        (
            '{ asset = "eip155:5000/slip44:60", symbol = "X", decimals = 6, x = 1 }',
            "unknown member",
        ),
    ],
)
def test_a_token_that_is_none_of_the_chains_is_refused(token: str, complaint: str) -> None:
    with pytest.raises(ChainsError, match=complaint):
        only(f"tokens = [ {token} ]\n{EVM}")


def test_every_token_of_the_table_is_kept_under_its_canonical_id() -> None:
    assert len(CHAINS.tokens) == len(CHAINS.table["tokens"])
    for asset in CHAINS.tokens:
        assert parse_asset(CHAINS, asset) == asset
