"""Transactions: one canonical id each, by the form of their chain."""

import pytest

from holdfast.protocol.chains.chain import Chain, load_chains
from holdfast.protocol.chains.format_errors import ChainsError, TransactionError
from holdfast.protocol.chains.transaction import (
    fits,
    fold_transaction,
    parse_transaction,
    require_whole,
)
from tests.known_chains import BITCOIN, CHAINS, ETHEREUM, MONERO, SOLANA, TRON, XRP

HASH = "b61413c495fdad6114a7aa863a00b2e3c28945979a10885b12b30316ea9f072c"
SIGNATURE = (
    "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"
)
DIGEST = "G3udanrxk8stVe8Se2zXmJ3QwU8GSFJMn28mTfn8t1kq"
BASE32 = "NC2SOSJ7DZMTMVMEAMPPXTVGEGHAKNTP3TIAHRBQYVNFRCQDHSBA"
OPERATION = "op2QDk7MxSYmreEJ5thePkA6uiYVUiC5upJMKa2Zh8KS6SK5t6m"
PAYER, AT = "0.0.48694347", "1700000000"
APTOS, SUI, STARKNET, NEAR = "aptos:1", "sui:35834a8a", "starknet:SN_MAIN", "near:mainnet"
TON, ALGORAND = "ton:-239", "algorand:wGHE2Pwdvd7S12BL5FaOP20EGYesN73k"
TEZOS, FILECOIN, HEDERA = "tezos:NetXdQprcVkpaWU", "fil:f", "hedera:mainnet"
ICP, POLKADOT = "icp:737ba355e855bd4b61279056603e0550", "polkadot:91b171bb158e2d3848fa23a9f1c25182"


def chain(caip2: str) -> Chain:
    return CHAINS.by_id[caip2]


@pytest.mark.parametrize(
    ("caip2", "text", "canonical"),
    [
        (ETHEREUM, "0x" + HASH, "0x" + HASH),
        (ETHEREUM, HASH, "0x" + HASH),
        (ETHEREUM, "0x" + HASH.upper(), "0x" + HASH),
        ("eip155:2020", "0X" + HASH.upper(), "0x" + HASH),
        ("vechain:b1ac3413d346d43539627e6be7ec1b4a", HASH, "0x" + HASH),
        (BITCOIN, HASH.upper(), HASH),
        (BITCOIN, "0x" + HASH, HASH),
        (TRON, "0x" + HASH, HASH),
        (MONERO, HASH, HASH),
        (XRP, HASH, HASH.upper()),
        ("cosmos:thorchain-1", "0x" + HASH, HASH.upper()),
        ("stellar:pubnet", HASH, HASH),
        ("cardano:764824073", HASH, HASH),
        ("antelope:aca376f206b8fc25a6ed44dbdc66547c", HASH.upper(), HASH),
        (SOLANA, SIGNATURE, SIGNATURE),
        (SUI, DIGEST, DIGEST),
        (NEAR, DIGEST, DIGEST),
        (TON, HASH.upper(), HASH),
        (TON, "thQTxJX9rWEUp6qGOgCy48KJRZeaEIhbErMDFuqfByw=", HASH),
        (TON, "thQTxJX9rWEUp6qGOgCy48KJRZeaEIhbErMDFuqfByw", HASH),
        (TON, "/" + "+" * 42 + "=", "ff" + "efbefb" * 10 + "ef"),
        (TON, "_" + "-" * 42, "ff" + "efbefb" * 10 + "ef"),
        (APTOS, HASH, "0x" + HASH),
        (APTOS, "2104837261", "2104837261"),
        (STARKNET, "0x" + HASH[8:], "0x" + "0" * 8 + HASH[8:]),
        (ALGORAND, BASE32.lower(), BASE32),
        (TEZOS, OPERATION, OPERATION),
        (FILECOIN, "0x" + HASH, "0x" + HASH),
        (FILECOIN, "BAFY2BZACE" + "a" * 52, "bafy2bzace" + "a" * 52),
        (HEDERA, f"{PAYER}@{AT}.123456789", f"{PAYER}@{AT}.123456789"),
        (HEDERA, f"{PAYER}-{AT}-000000789", f"{PAYER}@{AT}.000000789"),
        (HEDERA, "0x" + "AB" * 48, "ab" * 48),
        (HEDERA, "0x" + HASH, "0x" + HASH),
        (ICP, "21895238", "21895238"),
        (ICP, HASH, HASH),
        (POLKADOT, "21895238-3", "21895238-3"),
        (POLKADOT, "0x" + HASH, "0x" + HASH),
    ],
)  # fmt: skip
def test_every_spelling_of_a_transaction_becomes_one(caip2: str, text: str, canonical: str) -> None:
    assert parse_transaction(chain(caip2), text) == canonical
    assert parse_transaction(chain(caip2), canonical) == canonical
    require_whole(CHAINS, text)


@pytest.mark.parametrize(
    ("caip2", "text", "words"),
    [
        (ETHEREUM, "0xb614", "64 hexadecimal digits are wanted, not 4; copy it whole"),
        (ETHEREUM, "0x" + HASH[:40], "an address is no transaction"),
        (ETHEREUM, "https://etherscan.io/tx/0x" + HASH, "is a link: copy the transaction id"),
        (ETHEREUM, "0xb614\u20260316", "is cut in the middle"),
        (ETHEREUM, "0xb614...0316", "is cut in the middle"),
        (ETHEREUM, "0" + "\u00d7" + HASH, "character 2 is U+00D7, not x"),
        (ETHEREUM, "0x" + HASH + "\u200b", "invisible U+200B at the end"),
        (ETHEREUM, "0x" + "\u4e00" * 64, "which no transaction id has"),
        (ETHEREUM, SIGNATURE, "64 hexadecimal digits are wanted (0 to 9, a to f)"),
        (BITCOIN, HASH + "0", "not 65"),
        (SOLANA, HASH, "a signature in base58 is wanted"),
        (SOLANA, SIGNATURE[:-3], "64 bytes"),
        (SUI, "0x" + HASH, "a hash in base58 is wanted"),
        (TON, "ab12", "not 4"),
        (TON, "xyz", "44 in base64"),
        (APTOS, "007", "Or: a number is wanted"),
        (STARKNET, "0x12", "leading zeros apart"),
        (ALGORAND, "1" * 52, "52 characters in base32"),
        (TEZOS, "o0", "the hash of an operation"),
        (TEZOS, OPERATION[:-1], "the hash of an operation"),
        (TEZOS, OPERATION[:-1] + "2", "its checksum is wrong"),
        (FILECOIN, "bafy2bzace", "the CID of a message"),
        (HEDERA, PAYER, "payer and time are wanted"),
        (POLKADOT, "3", "block and index are wanted"),
    ],
)
def test_a_refusal_names_what_is_wrong_with_this_one(caip2: str, text: str, words: str) -> None:
    with pytest.raises(TransactionError) as refused:
        parse_transaction(chain(caip2), text)
    assert words in refused.value.message
    assert not fits(chain(caip2), text)


def test_every_chain_that_ships_states_how_its_transactions_are_written() -> None:
    assert [each.name for each in CHAINS if not each.transactions] == []


ADDED = """
[family.evm]
rule = "evm"
decimals = 18
chains = [ { id = "trial:1", name = "Trial", symbol = "TRL", slip44 = 60%s } ]
"""


def test_a_chain_of_unknown_form_takes_any_id_and_folds_only_hex() -> None:
    chains = load_chains(ADDED % "")
    trial = chains.by_id["trial:1"]
    assert parse_transaction(trial, "0xAB12") == "0xab12" == fold_transaction("0xab12")
    assert parse_transaction(trial, "Ckp7x") == "Ckp7x"
    assert not fits(trial, "0xAB12")
    require_whole(chains, "0xab12")
    with pytest.raises(TransactionError, match="link"):
        parse_transaction(trial, "trial.example/tx/0xab12")


def test_a_form_that_nobody_knows_is_refused_when_the_table_is_read() -> None:
    assert load_chains(ADDED % ', transactions = ["digest"]').by_id["trial:1"].transactions
    with pytest.raises(ChainsError, match="transactions must be forms of"):
        load_chains(ADDED % ', transactions = ["runes"]')


@pytest.mark.parametrize("text", ["0xb614", "0x" + HASH[:40], "0x" + HASH + "00", "0xb6\u20262c"])
def test_where_no_chain_is_stated_hex_must_still_be_whole(text: str) -> None:
    with pytest.raises(TransactionError):
        require_whole(CHAINS, text)


@pytest.mark.parametrize("text", ["CkpZbbQvnTZVGfLGXnmSYMHCqqFnDsyHxKBL6xF4vuzKxwCvYFyaP", "12"])
def test_where_no_chain_is_stated_a_chain_that_is_not_in_the_table_is_no_fault(text: str) -> None:
    require_whole(CHAINS, text)
