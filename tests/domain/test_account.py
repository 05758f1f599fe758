"""Accounts: one spelling per target, and a named reason for everything that is none.

Vectors: EIP-55; BIP-173 and BIP-350; the CashAddr specification; XLS-5d (X-addresses); ZIP 320.
"""

import contextlib
import re

import pytest
from bip_utils import SolAddrDecoder  # type: ignore[import-untyped]  # carries no type marker
from bip_utils.bech32.bech32 import Bech32Encodings, Bech32Utils  # type: ignore[import-untyped]
from bip_utils.bech32.bech32_base import (  # type: ignore[import-untyped]
    Bech32BaseConst,
    Bech32BaseUtils,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.chain import suggest
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import primitives
from tests.known_chains import (
    BITCOIN,
    BITCOIN_CASH,
    BITCOIN_GOLD,
    BITCOIN_SV,
    CHAINS,
    DASH,
    DOGECOIN,
    ETHEREUM,
    LITECOIN,
    MONERO,
    ONE_A_RULE,
    SOLANA,
    TRON,
    VERGE,
    XRP,
    ZCASH,
)

FBI_ADDRESS = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
XRP_CLASSIC = "r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59"
XRP_WITHOUT_TAG = "X7AcgcsBL6XDcUb289X4mJ8djcdyKaB5hJDWMArnXr61cqZ"
XRP_WITH_TAG_14 = "X7AcgcsBL6XDcUb289X4mJ8djcdyKaGo2K5VpXpmCqbV2gS"
XRP_ON_TESTNET = "T719a5UwUCnEs54UsxG9CJYYDhwmFCqkr7wxCcNcfZ6p5GZ"
MONERO_STANDARD = (
    "4AdUndXHHZ6cfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNg"
    "YeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2684Rge"
)
MONERO_INTEGRATED = (
    "4LL9oSLmtpccfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2bYXZKK"
    "QePHES9khPK"
)
MONERO_PAYMENT_ID = "8a125052fe6f3877"
MONERO_SUBADDRESS = (
    "884Bz8UH63aYsjVdkfWfScRYWZGGNbjFL7pztqvWNSrtYT4reF"
    "SwyvkCj9KEGUtheHhhMUj87ciTBFyzoesrMJ4L1FvSoxL"
)
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TRON_USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


def account(chain: str, address: str, tag: str | None = None) -> Account:
    return parse_account(CHAINS, f"{chain}:{address}", tag)


def refusal(chain: str, address: str, tag: str | None = None) -> AccountError:
    with pytest.raises(AccountError) as caught:
        account(chain, address, tag)
    return caught.value


# --- EVM


@pytest.mark.parametrize(
    "address",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        FBI_ADDRESS,
    ],
)
def test_mixed_case_that_satisfies_eip55_is_compared_lower_and_shown_as_it_is(address: str) -> None:
    found = account(ETHEREUM, address)
    assert (found.address, found.display) == (address.lower(), f"eip155:1:{address}")
    assert found.warnings == frozenset()


@pytest.mark.parametrize("spell", [str.lower, lambda text: "0x" + text[2:].upper()])
def test_one_case_is_accepted_with_a_warning_and_shown_in_eip55(spell: object) -> None:
    assert callable(spell)
    found = account(ETHEREUM, spell(FBI_ADDRESS))
    assert found.warnings == {"no_checksum"}
    assert found.display == f"eip155:1:{FBI_ADDRESS}"
    assert found.key == account(ETHEREUM, FBI_ADDRESS).key


def test_the_published_all_upper_case_vectors_of_eip55_are_accepted() -> None:
    for address in (
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    ):
        assert account(ETHEREUM, address).display == f"eip155:1:{address}"


def test_any_letter_in_the_wrong_case_breaks_eip55() -> None:
    letters = [i for i, c in enumerate(FBI_ADDRESS) if c.isalpha() and i >= 2]
    for i in letters:
        wrong = FBI_ADDRESS[:i] + FBI_ADDRESS[i].swapcase() + FBI_ADDRESS[i + 1 :]
        assert refusal(ETHEREUM, wrong).code == "bad_checksum"


@pytest.mark.parametrize(
    "address",
    [
        FBI_ADDRESS[2:],
        "0X" + FBI_ADDRESS[2:],
        FBI_ADDRESS[:-1],
        FBI_ADDRESS + "0",
        " " + FBI_ADDRESS,
        FBI_ADDRESS + "\n",
        "0x" + "\u0660" * 40,
        "0x" + "g" * 40,
        "\ud800",
    ],
)
def test_what_is_not_0x_and_40_ascii_hex_digits_is_no_evm_address(address: str) -> None:
    assert refusal(ETHEREUM, address).code == "bad_address"


def test_the_same_address_on_two_evm_chains_is_two_targets() -> None:
    assert account("eip155:56", FBI_ADDRESS).key != account(ETHEREUM, FBI_ADDRESS).key


# --- Bitcoin and relatives


@pytest.mark.parametrize(
    "address",
    [
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
        "BC1SW50QGDZ25J",
        "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    ],
)
def test_valid_segwit_vectors_are_accepted_in_lower_case(address: str) -> None:
    assert account(BITCOIN, address).address == address.lower()


@pytest.mark.parametrize(
    ("address", "code"),
    [
        # version 1 and 16 with bech32, version 0 with bech32m
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "bad_checksum"),
        ("BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", "bad_checksum"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "bad_checksum"),
        ("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "bad_address"),  # 16 bytes under version 0
        ("bc1pw5dgrnzv", "bad_address"),  # one byte
        ("bc1gmk9yu", "bad_address"),  # nothing
        ("bc1qW508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bad_address"),  # mixed case
        ("bc1" + "q" * 100, "bad_address"),
        ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "testnet"),
        ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "testnet"),
    ],
)
def test_invalid_segwit_and_testnet_vectors_are_refused(address: str, code: str) -> None:
    assert refusal(BITCOIN, address).code == code


def test_a_letter_whose_lower_case_is_ascii_does_not_slip_into_bech32() -> None:
    kelvin = SEGWIT.replace("k", "\u212a")
    assert kelvin.lower() == SEGWIT
    assert refusal(BITCOIN, kelvin).code == "bad_address"


#: Chain, version bytes, what addresses of that version begin with.
VERSIONS = [
    (BITCOIN, "00", "1"),
    (BITCOIN, "05", "3"),
    (BITCOIN_SV, "00", "1"),
    (LITECOIN, "30", "L"),
    (LITECOIN, "32", "M"),
    (DOGECOIN, "1e", "D"),
    (DOGECOIN, "16", "9A"),
    (DASH, "4c", "X"),
    (DASH, "10", "7"),
    (BITCOIN_GOLD, "26", "G"),
    (BITCOIN_GOLD, "17", "A"),
    (VERGE, "1e", "D"),
    (VERGE, "21", "E"),
    (ZCASH, "1cb8", "t"),
    (ZCASH, "1cbd", "t"),
    (TRON, "41", "T"),
]


@given(
    kind=st.sampled_from(VERSIONS),
    payload=st.binary(min_size=20, max_size=20),
    place=st.integers(0, 25),
    character=st.sampled_from(primitives.BASE58),
)
@settings(max_examples=400)
def test_base58check_addresses_are_accepted_and_any_wrong_character_is_found(
    kind: tuple[str, str, str], payload: bytes, place: int, character: str
) -> None:
    chain, version, beginnings = kind
    address = primitives.base58check_encode(bytes.fromhex(version) + payload)
    assert address[0] in beginnings
    assert account(chain, address).address == address
    place %= len(address)
    assume(character != address[place])
    wrong = address[:place] + character + address[place + 1 :]
    # A `u` in the first place makes it look like an address of Zcash that we name and refuse.
    assert refusal(chain, wrong).code in {"bad_checksum", "bad_address", "unsupported"}


@given(
    place=st.integers(3, len(SEGWIT) - 1),
    character=st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"),
)
def test_any_wrong_character_in_bech32_is_found(place: int, character: str) -> None:
    assume(character != SEGWIT[place])
    wrong = SEGWIT[:place] + character + SEGWIT[place + 1 :]
    assert refusal(BITCOIN, wrong).code == "bad_checksum"


def test_the_older_litecoin_script_address_is_the_same_target_as_the_newer() -> None:
    script = bytes(range(20))
    old = primitives.base58check_encode(b"\x05" + script)
    new = primitives.base58check_encode(b"\x32" + script)
    assert account(LITECOIN, old).key == account(LITECOIN, new).key == f"{LITECOIN}:{new}"


def test_a_payload_of_the_wrong_length_is_refused_though_its_checksum_fits() -> None:
    for length in (18, 19, 21):
        address = primitives.base58check_encode(b"\x00" + b"\xff" * length)
        assert refusal(BITCOIN, address).code == "bad_address"


def test_two_spellings_of_tron_s_chain_id_give_one_account() -> None:
    found = account("tron:728126428", TRON_USDT)
    assert found.key == account(TRON, TRON_USDT).key
    assert found.display == f"{TRON}:{TRON_USDT}"


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        (LITECOIN, "ltcmweb1qqexample"),
        (ZCASH, "u1l8xunezsvhq8fgzfl7404m450nwnd76zshscn6nfys7vyz2ywyh4cc5daaq0c7q2su5lqfh23sp7f"),
        (TRON, "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"),
    ],
)
def test_forms_that_exist_but_are_not_supported_are_called_so(chain: str, address: str) -> None:
    assert refusal(chain, address).code == "unsupported"


# --- Bitcoin Cash, Zcash


@pytest.mark.parametrize(
    ("legacy", "bare"),
    [
        ("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu", "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
        ("3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC", "ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq"),
    ],
)
def test_every_spelling_of_a_bitcoin_cash_address_is_one_target(legacy: str, bare: str) -> None:
    spellings = (legacy, bare, bare.upper(), f"bitcoincash:{bare}", f"BITCOINCASH:{bare.upper()}")
    assert {account(BITCOIN_CASH, text).key for text in spellings} == {f"{BITCOIN_CASH}:{bare}"}


def test_a_token_aware_cashaddr_is_the_same_target_as_the_plain_one() -> None:
    plain = account(BITCOIN_CASH, "bitcoincash:zr6m7j9njldwwzlg9v7v53unlr4jkmx6eycnjehshe")
    assert plain.address.startswith("q")
    assert account(BITCOIN_CASH, plain.address).key == plain.key


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6q", "bad_checksum"),
        ("Qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "bad_address"),
        ("ecash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "bad_address"),
        ("bchtest:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "testnet"),
        ("bitcoincash:", "bad_address"),
        (primitives.cashaddr_encode("bitcoincash", 0x20, bytes(20)), "bad_address"),  # kind 4
        (primitives.cashaddr_encode("bitcoincash", 0x00, bytes(24)), "bad_address"),
        (primitives.cashaddr_encode("bitcoincash", 0x80, bytes(20)), "bad_address"),
    ],
)
def test_broken_cashaddrs_are_refused(address: str, code: str) -> None:
    assert refusal(BITCOIN_CASH, address).code == code


def test_a_tex_address_is_the_transparent_address_it_stands_for() -> None:
    tex = account(ZCASH, "tex1s2rt77ggv6q989lr49rkgzmh5slsksa9khdgte")
    assert tex.address == "t1VmmGiyjVNeCjxDZzg7vZmd99WyzVby9yC"


def test_a_sapling_address_is_accepted_and_its_checksum_verified() -> None:
    sapling = "zs1z7rejlpsa98s2rrrfkwmaxu53e4ue0ulcrw0h4x5g8jl04tak0d3mm47vdtahatqrlkngh9slya"
    assert account(ZCASH, sapling.upper()).address == sapling
    assert refusal(ZCASH, sapling[:-1] + "q").code == "bad_checksum"
    assert refusal(ZCASH, "zs1qqqqqqqqqq").code == "bad_checksum"
    assert refusal(ZCASH, "zs1bbbbbbbbbb").code == "bad_address"


@pytest.mark.parametrize(
    ("hrp", "payload", "modified"),
    [("zs", bytes(42), False), ("tex", bytes(21), True)],
)
def test_a_zcash_address_of_the_wrong_length_is_refused_though_its_checksum_fits(
    hrp: str, payload: bytes, *, modified: bool
) -> None:
    address = bech32(hrp, Bech32BaseUtils.ConvertToBase32(payload), modified=modified)
    assert refusal(ZCASH, address).code == "bad_address"


def test_bech32_with_leftover_bits_is_refused_though_its_checksum_fits() -> None:
    digits = [*Bech32BaseUtils.ConvertToBase32(bytes(43))[:-1], 1]
    assert refusal(ZCASH, bech32("zs", digits, modified=False)).code == "bad_address"


def bech32(hrp: str, digits: list[int], *, modified: bool) -> str:
    encoding = Bech32Encodings.BECH32M if modified else Bech32Encodings.BECH32
    digits = digits + Bech32Utils.ComputeChecksum(hrp, digits, encoding)
    return f"{hrp}1" + "".join(Bech32BaseConst.CHARSET[digit] for digit in digits)


# --- Solana, XRP, Monero


@given(key=st.binary(min_size=32, max_size=32))
def test_any_32_bytes_are_a_solana_address(key: bytes) -> None:
    address = primitives.base58_encode(key)
    assert account(SOLANA, address).address == address


def test_a_solana_key_off_the_curve_is_legal_for_token_accounts_are() -> None:
    address = primitives.base58_encode(bytes([2]) + bytes(31))
    with pytest.raises(ValueError, match="Invalid"):
        SolAddrDecoder.DecodeAddr(address)  # the trap in the library's own decoder
    assert account(SOLANA, address).warnings == frozenset()


@pytest.mark.parametrize("length", [31, 33])
def test_31_or_33_bytes_are_no_solana_address(length: int) -> None:
    assert refusal(SOLANA, primitives.base58_encode(b"\x01" * length)).code == "bad_address"


def test_an_x_address_is_the_classic_address_and_its_tag() -> None:
    assert account(XRP, XRP_WITH_TAG_14).key == account(XRP, XRP_CLASSIC, "14").key
    assert account(XRP, XRP_WITH_TAG_14, "14").tag == "14"
    assert account(XRP, XRP_WITHOUT_TAG).key == account(XRP, XRP_CLASSIC).key


def test_another_tag_beside_an_x_address_is_a_contradiction() -> None:
    assert refusal(XRP, XRP_WITH_TAG_14, "15").code == "bad_tag"


def test_an_xrp_account_without_a_tag_is_warned_of_and_one_with_a_tag_is_not() -> None:
    assert account(XRP, XRP_CLASSIC).warnings == {"missing_tag"}
    assert account(XRP, XRP_WITHOUT_TAG).warnings == {"missing_tag"}
    assert account(XRP, XRP_CLASSIC, "0").warnings == frozenset()
    assert account(XRP, XRP_WITH_TAG_14).warnings == frozenset()


def test_the_tag_is_part_of_the_identity() -> None:
    keys = {account(XRP, XRP_CLASSIC, tag).key for tag in (None, "0", "1", "14")}
    assert len(keys) == 4


@pytest.mark.parametrize("tag", ["", "-1", "01", "4294967296", "1.0", "1e3", "abc", "\u0661", " 1"])
def test_what_is_no_32_bit_number_is_no_xrp_tag(tag: str) -> None:
    assert refusal(XRP, XRP_CLASSIC, tag).code == "bad_tag"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (XRP_ON_TESTNET, "testnet"),
        (XRP_CLASSIC[:-1] + "8", "bad_checksum"),
        (XRP_WITH_TAG_14[:-1] + "T", "bad_checksum"),
        ("Y" + XRP_CLASSIC[1:], "bad_address"),
        (primitives.base58check_encode(bytes(22), ripple=True), "bad_address"),
        (primitives.base58check_encode(b"\x05\x43" + b"\xff" * 29, ripple=True), "bad_address"),
        ("X" + primitives.base58check_encode(b"\x01" * 34, ripple=True)[1:], "bad_checksum"),
    ],
)
def test_broken_xrp_addresses_are_refused(address: str, code: str) -> None:
    assert refusal(XRP, address).code == code


@pytest.mark.parametrize(
    "tail",
    [
        b"\x02" + bytes(8),  # a kind of tag that is reserved
        b"\x00" + b"\x01" + bytes(7),  # no tag, and yet a number
        b"\x01" + bytes(4) + b"\x01" + bytes(3),  # more than 32 bits
    ],
)
def test_an_x_address_with_an_undefined_kind_of_tag_is_refused(tail: bytes) -> None:
    address = primitives.base58check_encode(b"\x05\x44" + bytes(20) + tail, ripple=True)
    assert address.startswith("X")
    assert refusal(XRP, address).code == "bad_address"


def test_an_integrated_monero_address_is_the_standard_one_with_a_payment_id() -> None:
    integrated = account(MONERO, MONERO_INTEGRATED)
    assert (integrated.address, integrated.tag) == (MONERO_STANDARD, MONERO_PAYMENT_ID)
    assert integrated.key == account(MONERO, MONERO_STANDARD, MONERO_PAYMENT_ID.upper()).key
    assert refusal(MONERO, MONERO_INTEGRATED, "0" * 16).code == "bad_tag"


def test_monero_needs_no_tag_but_takes_only_payment_ids() -> None:
    assert account(MONERO, MONERO_STANDARD).warnings == frozenset()
    assert account(MONERO, MONERO_STANDARD, "ab" * 32).tag == "ab" * 32
    assert refusal(MONERO, MONERO_STANDARD, "123").code == "bad_tag"
    assert account(MONERO, MONERO_SUBADDRESS).address == MONERO_SUBADDRESS
    assert refusal(MONERO, MONERO_SUBADDRESS, MONERO_PAYMENT_ID).code == "bad_tag"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("ab" * 32, "bad_address"),
        (MONERO_STANDARD[:-1], "bad_address"),
        (MONERO_STANDARD[:40] + "z" * 11 + MONERO_STANDARD[51:], "bad_address"),
        (MONERO_STANDARD[:50] + "2" + MONERO_STANDARD[51:], "bad_checksum"),
    ],
)
def test_broken_monero_addresses_are_refused(address: str, code: str) -> None:
    assert refusal(MONERO, address).code == code


@pytest.mark.parametrize(
    ("version", "code"), [(53, "testnet"), (24, "testnet"), (99, "bad_address")]
)
def test_a_monero_address_of_another_network_is_refused(version: int, code: str) -> None:
    body = bytes([version]) + bytes(64)
    address = primitives.monero_base58_encode(body + primitives.keccak256(body)[:4])
    assert refusal(MONERO, address).code == code


@given(place=st.integers(0, 94), character=st.sampled_from(primitives.BASE58))
def test_any_wrong_character_in_a_monero_address_is_found(place: int, character: str) -> None:
    assume(character != MONERO_STANDARD[place])
    wrong = MONERO_STANDARD[:place] + character + MONERO_STANDARD[place + 1 :]
    assert refusal(MONERO, wrong).code in {"bad_checksum", "bad_address"}


# --- chains


def test_a_valid_address_of_another_chain_is_refused_with_that_chain_s_name() -> None:
    found = refusal(BITCOIN, TRON_USDT)
    assert found.code == "wrong_chain"
    assert f"Tron ({TRON})" in found.message
    assert re.search(r"and [0-9]+ more", refusal(BITCOIN, FBI_ADDRESS).message)


def test_an_address_that_several_chains_share_is_never_assigned_to_one() -> None:
    legacy = "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu"
    assert suggest(CHAINS, legacy) == [BITCOIN, BITCOIN_SV, BITCOIN_CASH]
    found = refusal("nowhere", legacy)
    assert found.code == "not_caip10"
    assert all(chain in found.message for chain in (BITCOIN, BITCOIN_SV, BITCOIN_CASH))


def test_a_text_that_is_no_address_suggests_nothing() -> None:
    for text in ("", "x", "0x1234", "ab" * 32, "1" * 10_000, "\ud800"):
        assert suggest(CHAINS, text) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (FBI_ADDRESS, "not_caip10"),
        ("", "not_caip10"),
        (":", "not_caip10"),
        ("eip155:1", "not_caip10"),
        ("eip155:1:", "not_caip10"),
        ("eip155::" + FBI_ADDRESS, "not_caip10"),
        ("eip155:\ud800:" + FBI_ADDRESS, "not_caip10"),
        ("eip155:999999:" + FBI_ADDRESS, "unknown_chain"),
        ("tron:0x2B6653DC:" + TRON_USDT, "unknown_chain"),
        (f"{BITCOIN}:" + "1" * 100_000, "bad_address"),
    ],
)
def test_a_text_that_names_no_known_chain_and_address_is_refused(text: str, code: str) -> None:
    with pytest.raises(AccountError) as caught:
        parse_account(CHAINS, text)
    assert caught.value.code == code


def test_a_chain_id_in_the_wrong_case_is_refused_with_the_right_one() -> None:
    assert f"write {TRON}" in refusal("tron:0x2B6653DC", TRON_USDT).message


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        (ETHEREUM, FBI_ADDRESS),
        (BITCOIN, SEGWIT),
        (BITCOIN_CASH, "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
        (ZCASH, "t1VmmGiyjVNeCjxDZzg7vZmd99WyzVby9yC"),
        (TRON, TRON_USDT),
        (SOLANA, "So11111111111111111111111111111111111111112"),
    ],
)
def test_a_chain_without_tags_refuses_one(chain: str, address: str) -> None:
    assert account(chain, address).tag is None
    assert refusal(chain, address, "1").code == "bad_tag"


@given(text=st.text(max_size=300), tag=st.none() | st.text(max_size=70))
def test_no_text_whatever_raises_anything_but_an_account_error(text: str, tag: str | None) -> None:
    for chain in ONE_A_RULE:
        for candidate in (text, f"{chain.caip2}:{text}"):
            with contextlib.suppress(AccountError):
                parse_account(CHAINS, candidate, tag)


@given(
    text=st.text(primitives.BASE58 + ":0OIl", max_size=110),
    start=st.sampled_from(
        ["", "bc1", "zs1", "tex1", "bitcoincash:", "X", "r", "t1", "q", "4", "T"]
    ),
)
def test_no_address_like_text_raises_anything_but_an_account_error(text: str, start: str) -> None:
    for chain in ONE_A_RULE:
        try:
            found = account(chain.caip2, start + text)
        except AccountError:
            continue
        assert account(chain.caip2, found.address, found.tag).key == found.key


def test_accounts_are_values() -> None:
    same = {account(ETHEREUM, FBI_ADDRESS), account(ETHEREUM, FBI_ADDRESS)}
    assert len(same) == 1


def test_a_length_that_monero_s_base58_cannot_have_is_refused() -> None:
    with pytest.raises(AccountError, match="length"):
        primitives.monero_base58_decode("1")


def test_messages_never_repeat_the_address() -> None:
    for wrong in (FBI_ADDRESS.replace("E", "e", 1), TRON_USDT[:-1] + "u", SEGWIT[:-1] + "q"):
        for chain in ONE_A_RULE:
            assert wrong not in refusal(chain.caip2, wrong).message
