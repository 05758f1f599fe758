"""Accounts of the chains that stolen money takes: every spelling one target, every fault named.

Vectors: `published_addresses`, and the cases beside the project.
"""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.chain import shipped_chains, suggest
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings, primitives
from holdfast.protocol.chains.rules.hedera import hip15
from holdfast.protocol.chains.rules.ss58 import ss58_text
from tests.domain.published_addresses import (
    ALGORAND,
    APTOS,
    BITTENSOR,
    CARDANO,
    COSMOS,
    EOS,
    FILECOIN,
    HARMONY,
    HEDERA,
    ICP,
    INJECTIVE,
    NEAR,
    POLKADOT,
    PUBLISHED,
    ROOTSTOCK,
    STARKNET,
    STELLAR,
    SUI,
    TEZOS,
    TON,
)
from tests.known_chains import BITCOIN, BITCOIN_CASH, CHAINS, ETHEREUM, SOLANA, XRP

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases"
SPELLINGS = list(
    dict.fromkeys(
        (chain, spellings[0], spelling)
        for chain, spellings, _checked in PUBLISHED
        for spelling in spellings
    )
)
CHECKED = [
    (chain, spelling)
    for chain, spellings, checked in PUBLISHED
    if checked
    for spelling in spellings
]
MUXED_420 = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAABUTGI4"
STELLAR_ACCOUNT = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
keys_32 = st.binary(min_size=32, max_size=32)


def account(chain: str, address: str, tag: str | None = None) -> Account:
    return parse_account(CHAINS, f"{chain}:{address}", tag)


def refusal(chain: str, address: str, tag: str | None = None) -> AccountError:
    with pytest.raises(AccountError) as caught:
        account(chain, address, tag)
    return caught.value


# --- what all rules have in common


@pytest.mark.parametrize(("chain", "canonical", "spelling"), SPELLINGS)
def test_every_spelling_is_the_one_target(chain: str, canonical: str, spelling: str) -> None:
    assert account(chain, spelling).address == canonical


@pytest.mark.parametrize(("chain", "canonical", "spelling"), SPELLINGS)
def test_what_is_shown_and_what_is_canonical_are_taken_back(
    chain: str, canonical: str, spelling: str
) -> None:
    found = account(chain, spelling)
    assert parse_account(CHAINS, found.display).key == found.key
    assert account(chain, canonical).key == found.key


@pytest.mark.parametrize(("chain", "canonical", "spelling"), SPELLINGS)
def test_partners_compare_every_spelling_alike_without_a_library(
    chain: str, canonical: str, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> object:
        raise AssertionError("comparing loads no library")

    shipped_chains()  # the tokens in it are verified when it is read
    monkeypatch.setattr(primitives, "_bip_utils", none)
    monkeypatch.setattr(primitives, "_keccak", none)
    keys = {comparison_key(f"{chain}:{text}") for text in (canonical, spelling)}
    assert len(keys) == 1


@pytest.mark.parametrize(("chain", "spelling"), CHECKED)
def test_one_wrong_character_is_noticed(chain: str, spelling: str) -> None:
    for at, right in enumerate(spelling):
        if right == "-":
            continue
        wrong = next(c for c in spelling[:at] + spelling[at + 1 :] + "x2" if c not in (right, "-"))
        assert refusal(chain, spelling[:at] + wrong + spelling[at + 1 :]).code in {
            "bad_address",
            "bad_checksum",
            "testnet",
        }


@pytest.mark.parametrize(("chain", "spelling"), CHECKED)
def test_a_missing_character_is_noticed(chain: str, spelling: str) -> None:
    for text in (spelling[:-1], spelling[1:], spelling + spelling[-1], " " + spelling):
        refusal(chain, text)


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        (chain, spellings[0])
        for chain, spellings, checked in PUBLISHED
        if checked and suggest(CHAINS, spellings[0])
    ],
)
def test_an_address_of_another_chain_is_refused_with_the_right_one_named(
    chain: str, address: str
) -> None:
    for stated in (BITCOIN, ETHEREUM, EOS, HEDERA, CARDANO if chain != CARDANO else TON):
        error = refusal(stated, address)
        assert error.code == "wrong_chain"
        assert CHAINS.by_id[chain].name in error.message


@pytest.mark.parametrize("text", ["bitcoin", "alice", "0x" + "ab" * 32, "ab" * 32, "gateio", "0x1"])
def test_what_may_mean_anything_is_taken_for_no_chain_s(text: str) -> None:
    assert suggest(CHAINS, text) == []


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        (TON, "kf/8uRo6OBbQ97jCx2EIuKm8Wmt6Vb15+KsQHFLbKSMiYIny"),  # TON's documentation
        (
            CARDANO,
            (
                "addr_test1qz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu"
                "7drv2xwl2wywfgs68faae"
            ),
        ),
        (CARDANO, "stake_test1uqehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gssrtvn"),
        (
            CARDANO,
            (
                "37btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3RFhhSVWwfFmZ6wwzSK6JK1hY6wHNmtrpTf1kdbva8TCneM2Ysi"
                "XT7mrzT21EacHnPpz5YyUdj64na"
            ),
        ),
        (FILECOIN, "t17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy"),
        (FILECOIN, "t08666"),
        (NEAR, "alice.testnet"),
        (HEDERA, "0.0.123-esxsf"),  # HIP-15: the test network's checksum
        (HEDERA, "0.0.123-ogizo"),
        (HARMONY, "tone1a0x3d6xpmr6f8wsyaxd9v36pytvp48zckswvv9"),
        ("cosmos:thorchain-1", "tthor1dheycdevq39qlkxs2a6wuuzyn4aqxhve4qxtxt"),
        (BITCOIN_CASH, "mzBc4XEFSdzCDcTxAgf6EZXgsZWpztRhef"),
    ],
)
def test_a_test_network_s_address_is_refused_as_such(chain: str, address: str) -> None:
    assert refusal(chain, address).code == "testnet"


@pytest.mark.parametrize(
    ("caip2", "name"),
    [
        ("eip155:11155111", "Sepolia is a test network of Ethereum"),
        ("eip155:31", "Rootstock Testnet is a test network of Rootstock"),
        ("xrpl:1", "XRPL Testnet"),
        ("fil:t", "Filecoin Testnet"),
        ("stellar:testnet", "Stellar Testnet"),
    ],
)
def test_a_test_network_is_refused_by_its_name(caip2: str, name: str) -> None:
    error = refusal(caip2, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
    assert error.code == "testnet"
    assert name in error.message


def test_a_test_network_s_name_is_no_chain_s() -> None:
    with pytest.raises(AccountError, match="Sepolia is a test network of Ethereum"):
        CHAINS.named("sepolia")


def test_no_id_stands_for_a_chain_and_for_a_test_network() -> None:
    assert not set(CHAINS.testnets) & set(CHAINS.by_id)
    assert not set(CHAINS.testnets) & set(CHAINS.by_name)


# --- encodings


@given(data=st.binary(min_size=1, max_size=64))
def test_bech32_reads_what_it_writes(data: bytes) -> None:
    text = encodings.bech32_text("osmo", data)
    assert encodings.bech32_bytes("osmo", text, verify=True) == data


@given(data=st.binary(min_size=1, max_size=64))
def test_base58_and_base32_read_what_they_write(data: bytes) -> None:
    assert encodings.base58_bytes(encodings.base58_text(data)) == data
    assert encodings.base32_bytes(encodings.base32_text(data)) == data


def test_bip173_s_own_text_is_bech32() -> None:
    text = "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"
    assert len(encodings.bech32_bytes("split", text, verify=True)) == 30


def test_bech32m_is_no_bech32() -> None:
    with pytest.raises(AccountError) as caught:  # BIP-350
        encodings.bech32_bytes(
            "split",
            "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
            verify=True,
        )
    assert caught.value.code == "bad_checksum"


@given(prefix=st.integers(0, 16383), key=keys_32)
def test_any_prefix_s_spelling_of_a_key_is_the_one_target(prefix: int, key: bytes) -> None:
    for chain in (POLKADOT, BITTENSOR):
        found = account(chain, ss58_text(prefix, key))
        assert found.key == account(chain, ss58_text(42, key)).key
        assert parse_account(CHAINS, found.display).key == found.key


@given(workchain=st.sampled_from(["0", "-1"]), target=keys_32)
def test_a_raw_ton_address_is_its_friendly_one(workchain: str, target: bytes) -> None:
    found = account(TON, f"{workchain}:{target.hex()}")
    assert found.warnings == {"no_checksum"}
    again = account(TON, found.address)
    assert (again.key, again.warnings) == (found.key, frozenset())


@given(data=st.binary(min_size=20, max_size=20))
def test_hex_and_the_chain_s_own_spelling_are_one_target(data: bytes) -> None:
    text = "0x" + data.hex()
    for chain in (INJECTIVE, FILECOIN, "cosmos:kava_2222-10"):
        assert account(chain, account(chain, text).address).key == account(chain, text).key
    one = encodings.bech32_text("one", data)
    assert account(HARMONY, one).address == text


@pytest.mark.parametrize("size", [19, 21, 31, 33])
def test_a_cosmos_account_holds_20_or_32_bytes(size: int) -> None:
    wrong = encodings.bech32_text("cosmos", bytes(size))
    assert "neither 20 nor 32 bytes" in refusal(COSMOS, wrong).message
    contract = encodings.bech32_text("cosmos", bytes(32))
    assert account(COSMOS, contract).address == contract


def test_a_cardano_address_whose_header_names_a_test_network_is_refused_as_such() -> None:
    for hrp, header in (("addr", 0x60), ("stake", 0xE0)):
        main, test = (
            encodings.bech32_text(hrp, bytes([header | network]) + bytes(28)) for network in (1, 0)
        )
        assert account(CARDANO, main).address == main
        assert refusal(CARDANO, test).code == "testnet"


# --- one chain's own


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        (MUXED_420, "420"),
        (STELLAR_ACCOUNT + "-420", "420"),
        (STELLAR_ACCOUNT + "-payment-reference", "payment-reference"),
        (STELLAR_ACCOUNT + "-" + "AB" * 32, "ab" * 32),
    ],
)
def test_a_stellar_tag_is_found_in_the_address(text: str, tag: str) -> None:
    found = account(STELLAR, text)
    assert (found.address, found.tag, found.warnings) == (STELLAR_ACCOUNT, tag, frozenset())
    assert found.key == account(STELLAR, STELLAR_ACCOUNT, tag).key
    assert comparison_key(f"{STELLAR}:{text}") == comparison_key(
        f"{STELLAR}:{STELLAR_ACCOUNT}", tag
    )


def test_without_a_memo_a_stellar_account_is_a_whole_exchange_s() -> None:
    assert account(STELLAR, STELLAR_ACCOUNT).warnings == {"missing_tag"}


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        (STELLAR_ACCOUNT, "x" * 29),
        (STELLAR_ACCOUNT, "\u00e9" * 15),  # 30 bytes
        (STELLAR_ACCOUNT, " 12"),
        (STELLAR_ACCOUNT, "12\u200b"),
        (STELLAR_ACCOUNT + "-", None),
        (MUXED_420, "421"),
        (MUXED_420 + "-1", None),
    ],
)
def test_a_memo_that_cannot_be_one_is_refused(text: str, tag: str | None) -> None:
    assert refusal(STELLAR, text, tag).code == "bad_tag"


def test_a_secret_key_is_refused_with_a_word_of_its_own() -> None:
    seed = "SBGWKM3CD4IL47QN6X54N6Y33T3JDNVI6AIJ6CD5IM47HG3IG4O36XCU"  # a public test's
    assert "secret" in refusal(STELLAR, seed).message


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        (COSMOS, "cosmos1fl48vsnmsdzcv85q5d2q4z5ajdha8yu34mf0eh"),
        (TON, "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF"),
        (EOS, "bumblefudge1"),
        (HEDERA, "0.0.123-vfmkw"),
        (NEAR, "wrap.near"),
        (ALGORAND, "4EWWI7JNVXSFN4YRYA5DMN53U7NUHYC5YSMF67FAXDNRLDWDIWGM5DQGBA"),
    ],
)
def test_a_memo_may_stand_beside_the_account_and_need_not(chain: str, address: str) -> None:
    bare, tagged = account(chain, address), account(chain, address, "Ab-7")
    assert "missing_tag" not in bare.warnings
    assert (tagged.tag, tagged.key == bare.key) == ("Ab-7", False)
    other_case = comparison_key(f"{chain}:{address}", "aB-7")
    assert comparison_key(f"{chain}:{address}", "Ab-7") != other_case
    assert refusal(chain, address, "x\n").code == "bad_tag"


@pytest.mark.parametrize("chain", [POLKADOT, SUI, CARDANO, TEZOS, FILECOIN, ICP])
def test_chains_without_memos_refuse_one(chain: str) -> None:
    address = next(spellings[0] for found, spellings, _ in PUBLISHED if found == chain)
    assert refusal(chain, address, "1").code == "bad_tag"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY-495", "495"),
        ("rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY?dt=495", "495"),
        ("rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY?tag=0", "0"),
    ],
)
def test_an_xrp_tag_may_stand_behind_the_address(text: str, tag: str) -> None:
    bare = "rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY"
    found = account(XRP, text)
    assert (found.address, found.tag, found.warnings) == (bare, tag, frozenset())
    assert comparison_key(f"{XRP}:{text}") == comparison_key(f"{XRP}:{bare}", tag)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY-", None),
        ("rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY-x", None),
        ("rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY-4294967296", None),
        ("rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY-495", "496"),
    ],
)
def test_what_is_no_xrp_tag_is_refused(text: str, tag: str | None) -> None:
    assert refusal(XRP, text, tag).code == "bad_tag"


def test_a_script_of_32_bytes_is_the_same_in_base58_and_in_cashaddr() -> None:
    old = "BfdrC5aVm7A9YcSQnwxWWXjXGSxwgUdMmA7goREBawA8SHtUcp"
    new = "pd72l6tm39gcxehpsf57fthdjcwxrdswzxzmmrshc5xk2z5upjc8xvk32lxtz"
    assert account(BITCOIN_CASH, old).address == new
    assert comparison_key(f"{BITCOIN_CASH}:{old}") == comparison_key(f"{BITCOIN_CASH}:{new}")
    assert refusal(BITCOIN_CASH, old.replace("Bf", "Be")).code == "bad_checksum"
    assert refusal(BITCOIN, old).code == "wrong_chain"


@pytest.mark.parametrize(
    ("chain", "text"),
    [
        (APTOS, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),  # an EVM address
        (STARKNET, "0x02fd23d9182193775423497fc0c472e1"),  # cut
        (STARKNET, "0x1"),
        (STARKNET, "0x0800000000000000000000000000000000000000000000000000000000000000"),
        (STARKNET, "0x0" + "7" + "f" * 60 + "00"),
        (SUI, "0x12345"),
        (SUI, "ab" * 32),
        (SUI, "0x" + "0" * 65),
        (NEAR, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        (NEAR, "Alice.near"),
        (NEAR, "a..near"),
        (EOS, "bumblefudge12"),
        (EOS, "bumblefudge9"),
        (EOS, "bumblefudge."),
        (EOS, "EOS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV"),
        (HEDERA, "0.0.0123"),
        (HEDERA, "0.123"),
        (HEDERA, "0.0.9223372036854775808"),
        (COSMOS, "cosmosvaloper1fl48vsnmsdzcv85q5d2q4z5ajdha8yu3h6cprl"),
        (COSMOS, "Cosmos1fl48vsnmsdzcv85q5d2q4z5ajdha8yu34mf0eh"),
        (FILECOIN, "f09223372036854775808"),
        (FILECOIN, "f410f"),
        (FILECOIN, "F17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy"),
        (TON, "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrH"),
        (TON, "1:" + "ab" * 32),
        (ICP, "aaaaaaa"),
        (ICP, "k2t6j-2nvnp-4zjm3-25dtz-6xhaa-c7boj-5gayf-oj3xs-i43lp-teztq-6ae-6cc627i.01"),
    ],
)
def test_what_is_no_address_is_refused(chain: str, text: str) -> None:
    assert refusal(chain, text).code in {"bad_address", "wrong_chain"}


def test_what_starknet_s_bound_leaves_is_taken() -> None:
    largest = f"0x{2**251 - 257:064x}"
    assert account(STARKNET, largest).address == largest
    assert refusal(STARKNET, f"0x{2**251 - 256:064x}").code == "bad_address"


@pytest.mark.parametrize(
    ("chain", "text"),
    [
        (STARKNET, "0x02DdfB499765c064eaC5039E3841AA5f382E73B598097a40073BD8B48170AB57"),
        (ROOTSTOCK, "0x27B1FdB04752BbC536007a920D24acB045561C26"),  # EIP-1191 of the test network
        (HARMONY, "0xeBCD16e8c1D8f493bA04E99a56474122D81A9C58"),
        (FILECOIN, "0xccA92338Ef9535cB7655CfC347c36dd4E6F3663F"),
        (HEDERA, "0.0.124-vfmkw"),
        (
            ICP,
            "k2t6j-2nvnp-4zjm3-25dtz-6xhaa-c7boj-5gayf-oj3xs-i43lp-teztq-6ae-6cc627i.2",
        ),
    ],
)
def test_a_wrong_checksum_is_named(chain: str, text: str) -> None:
    assert refusal(chain, text).code == "bad_checksum"


def test_one_letter_in_the_wrong_case_is_remarked_on_where_two_rules_of_case_are_in_use() -> None:
    found = account(ROOTSTOCK, "0x5aaEB6053F3e94c9b9a09f33669435E7ef1bEAeD")
    assert found.warnings == {"no_checksum"}
    assert found.display.endswith(":0x5aaEB6053f3e94c9b9a09f33669435E7ef1bEAeD")
    assert refusal(ROOTSTOCK, "0x5aaEB6053F3E94c9b9a09f33669435E7ef1bEAeD").code == "bad_checksum"


@pytest.mark.parametrize(
    ("chain", "unchecked", "checked"),
    [
        (HEDERA, "0.0.123", "0.0.123-vfmkw"),
        (
            STARKNET,
            "0x02ddfb499765c064eac5039e3841aa5f382e73b598097a40073bd8b48170ab57",
            "0x02DdfB499765c064eaC5039E3841AA5f382E73B598097a40073BD8B48170Ab57",
        ),
        (
            FILECOIN,
            "0xcca92338ef9535cb7655cfc347c36dd4e6f3663f",
            "f410fzsusgohpsu24w5svz7bupq3n2ttpgzr7s5jap4i",
        ),
    ],
)
def test_a_spelling_without_checksum_is_remarked_on_where_there_is_one_with(
    chain: str, unchecked: str, checked: str
) -> None:
    assert account(chain, unchecked).warnings == {"no_checksum"}
    assert account(chain, checked).warnings == frozenset()


def test_a_subaccount_is_a_target_of_its_own_in_icrc_1_s_spelling() -> None:
    owner = "k2t6j-2nvnp-4zjm3-25dtz-6xhaa-c7boj-5gayf-oj3xs-i43lp-teztq-6ae"  # ICRC-1
    first = account(ICP, owner + "-6cc627i.1")
    long = account(
        ICP,
        owner + "-dfxgiyy.102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
    )
    assert len({first.key, long.key, account(ICP, owner).key}) == 3


def test_hip15_of_the_main_and_the_test_networks() -> None:
    assert [hip15("0.0.123", ledger) for ledger in (0, 1, 2)] == ["vfmkw", "esxsf", "ogizo"]


@given(
    text=st.text(encodings.BASE58 + "0OIl-.:_/+=?", max_size=110),
    start=st.sampled_from(
        ["", "0x", "addr1", "stake1", "Ae2", "G", "M", "EQ", "0:", "tz1", "f1", "f410f", "0.0."]
    ),
    place=st.integers(0, 10**6),
)
def test_no_text_raises_anything_but_an_account_error(text: str, start: str, place: int) -> None:
    chains = list(CHAINS)
    chain = chains[place % len(chains)]
    try:
        found = account(chain.caip2, start + text)
    except AccountError:
        return
    assert parse_account(CHAINS, found.display, found.tag).key == found.key
    assert account(chain.caip2, found.address, found.tag).key == found.key


# --- the table


def test_every_chain_of_the_table_has_a_name_of_its_own() -> None:
    names = [chain.name for chain in CHAINS]
    assert len(names) == len(set(names))
    for chain in CHAINS:
        assert CHAINS.named(chain.name) is chain
        for alias in chain.aliases:
            assert CHAINS.named(alias) is chain


@pytest.mark.skipif(not CASES.exists(), reason="the cases beside the project are not here")
def test_every_line_of_a_theft_over_many_chains_is_taken_on_its_chain() -> None:
    text = (CASES / "theft_over_31_chains.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) > 10
    for row in rows:
        assert account(row["chain"], row["address"]).chain.caip2 == row["chain"]


@pytest.mark.skipif(not CASES.exists(), reason="the cases beside the project are not here")
def test_the_cases_of_accounts_that_are_to_be_taken_are() -> None:
    cases = json.loads((CASES / "accounts.json").read_text(encoding="utf-8"))
    taken = [case["account"] for case in cases if case.get("check") in {"same target", "accepted"}]
    assert taken
    for text in taken:
        parse_account(CHAINS, text)
    for case in cases:
        if case["right"].startswith("a test network's"):
            with pytest.raises(AccountError, match="test network"):
                parse_account(CHAINS, case["account"])


@pytest.mark.parametrize("address", ["So11111111111111111111111111111111111111112"])
def test_a_key_without_prefix_and_checksum_is_no_ss58(address: str) -> None:
    assert account(SOLANA, address).address == address
    assert refusal(POLKADOT, address).code == "wrong_chain"
