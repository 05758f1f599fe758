"""The kit's matching agrees with the coordinator: same key if and only if same target.

Comparing works without an address library and verifies nothing; reading verifies all. Each tests
the other.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import load_chains
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import primitives
from holdfast.protocol.errors import MissingLibraryError
from tests.contract.test_public_lists import accepted_accounts
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
    SOLANA,
    TRON,
    VERGE,
    XRP,
    ZCASH,
)

Spelling = tuple[str, str | None]


def keys(spelling: Spelling) -> tuple[str, str]:
    """Return the coordinator's key and the kit's."""
    return parse_account(CHAINS, *spelling).key, comparison_key(*spelling)


def assert_keys_agree(spellings: list[Spelling]) -> None:
    by_target, by_match = defaultdict(set), defaultdict(set)
    for spelling in spellings:
        target, match = keys(spelling)
        by_target[target].add(match)
        by_match[match].add(target)
    assert all(len(matches) == 1 for matches in by_target.values())  # one target, one key
    assert all(len(targets) == 1 for targets in by_match.values())  # one key, one target


def variants(account: str) -> Iterator[Spelling]:
    """Yield what else a partner could write for this account, where the coordinator takes it."""
    chain, _, address = account.rpartition(":")
    candidates: list[Spelling] = [
        (account, None),
        (f"{chain}:{address.lower()}", None),
        (f"{chain}:{address.upper()}", None),
        (f"{chain}:0x{address[2:].upper()}", None),
        (f"{chain}:bitcoincash:{address}", None),
        (account.replace(TRON, "tron:728126428"), None),
        (account, "1"),
        (account, "0123456789abcdef"),
        (account, "0123456789ABCDEF"),
    ]
    for candidate in candidates:
        try:
            parse_account(CHAINS, *candidate)
        except AccountError:
            continue
        yield candidate


def test_over_the_public_lists_keys_are_equal_exactly_where_targets_are() -> None:
    spellings = [v for account in accepted_accounts() for v in variants(account)]
    assert len(spellings) > 500
    assert_keys_agree(spellings)


HASH = bytes(range(20))
LEGACY_KEY = primitives.base58check_encode(b"\x00" + HASH)
LEGACY_SCRIPT = primitives.base58check_encode(b"\x05" + HASH)


def cash(version: int) -> str:
    return primitives.cashaddr_encode("bitcoincash", version, HASH)


def x_address(tag: int | None) -> str:
    tail = bytes(9) if tag is None else b"\x01" + tag.to_bytes(8, "little")
    return primitives.base58check_encode(b"\x05\x44" + HASH + tail, ripple=True)


def monero(version: int, payment_id: bytes = b"") -> str:
    body = bytes([version]) + HASH * 3 + bytes(4) + payment_id
    return primitives.monero_base58_encode(body + primitives.keccak256(body)[:4])


CLASSIC = primitives.base58check_encode(b"\x00" + HASH, ripple=True)
EVM = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TRON_USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"

#: Every row is one target in all its spellings; any two rows are two targets.
TARGETS: list[list[Spelling]] = [
    [(f"{ETHEREUM}:{EVM}", None), (f"{ETHEREUM}:{EVM.lower()}", None)],
    [(f"eip155:56:{EVM}", None)],
    [(f"{BITCOIN}:{SEGWIT}", None), (f"{BITCOIN}:{SEGWIT.upper()}", None)],
    [(f"{BITCOIN}:{LEGACY_KEY}", None)],
    [(f"{BITCOIN_SV}:{LEGACY_KEY}", None)],
    [
        (f"{BITCOIN_CASH}:{LEGACY_KEY}", None),
        (f"{BITCOIN_CASH}:{cash(0)}", None),
        (f"{BITCOIN_CASH}:{cash(0x10)}", None),
        (f"{BITCOIN_CASH}:{cash(0).upper()}", None),
        (f"{BITCOIN_CASH}:bitcoincash:{cash(0)}", None),
        (f"{BITCOIN_CASH}:BITCOINCASH:{cash(0).upper()}", None),
    ],
    [
        (f"{BITCOIN_CASH}:{LEGACY_SCRIPT}", None),
        (f"{BITCOIN_CASH}:{cash(8)}", None),
        (f"{BITCOIN_CASH}:{cash(0x18)}", None),
    ],
    [
        (f"{LITECOIN}:{LEGACY_SCRIPT}", None),
        (f"{LITECOIN}:{primitives.base58check_encode(bytes([0x32]) + HASH)}", None),
    ],
    [(f"{LITECOIN}:{primitives.base58check_encode(bytes([0x30]) + HASH)}", None)],
    [(f"{DOGECOIN}:{primitives.base58check_encode(bytes([0x1E]) + HASH)}", None)],
    [(f"{VERGE}:{primitives.base58check_encode(bytes([0x1E]) + HASH)}", None)],
    [(f"{DASH}:{primitives.base58check_encode(bytes([0x4C]) + HASH)}", None)],
    [(f"{BITCOIN_GOLD}:{primitives.base58check_encode(bytes([0x26]) + HASH)}", None)],
    [
        (f"{ZCASH}:t1VmmGiyjVNeCjxDZzg7vZmd99WyzVby9yC", None),
        (f"{ZCASH}:tex1s2rt77ggv6q989lr49rkgzmh5slsksa9khdgte", None),
        (f"{ZCASH}:TEX1S2RT77GGV6Q989LR49RKGZMH5SLSKSA9KHDGTE", None),
    ],
    [(f"{TRON}:{TRON_USDT}", None), (f"tron:728126428:{TRON_USDT}", None)],
    [(f"{SOLANA}:So11111111111111111111111111111111111111112", None)],
    [(f"{XRP}:{CLASSIC}", None), (f"{XRP}:{x_address(None)}", None)],
    [(f"{XRP}:{CLASSIC}", "0"), (f"{XRP}:{x_address(0)}", None)],
    [
        (f"{XRP}:{CLASSIC}", "4294967295"),
        (f"{XRP}:{x_address(2**32 - 1)}", None),
        (f"{XRP}:{x_address(2**32 - 1)}", "4294967295"),
        (f"{XRP}:{x_address(None)}", "4294967295"),
    ],
    [(f"{MONERO}:{monero(18)}", None)],
    [(f"{MONERO}:{monero(42)}", None)],
    [
        (f"{MONERO}:{monero(19, bytes(range(0xA8, 0xB0)))}", None),
        (f"{MONERO}:{monero(18)}", "a8a9aaabacadaeaf"),
        (f"{MONERO}:{monero(18)}", "A8A9AAABACADAEAF"),
    ],
]


@pytest.mark.parametrize("spellings", TARGETS, ids=range(len(TARGETS)))
def test_all_spellings_of_one_target_match(spellings: list[Spelling]) -> None:
    assert len({comparison_key(*spelling) for spelling in spellings}) == 1
    assert len({parse_account(CHAINS, *spelling).key for spelling in spellings}) == 1


def test_two_targets_never_match() -> None:
    for one, other in combinations(TARGETS, 2):
        assert comparison_key(*one[0]) != comparison_key(*other[0])
        assert parse_account(CHAINS, *one[0]).key != parse_account(CHAINS, *other[0]).key


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["r", "X", "cash", "legacy", "3", "M", "standard", "integrated"]),
            st.sampled_from([bytes(20), HASH, b"\xff" * 20]),
            st.integers(0, 2),
        ),
        max_size=12,
    )
)
def test_random_spellings_of_few_targets_match_exactly_where_the_coordinator_says_so(
    made: list[tuple[str, bytes, int]],
) -> None:
    spellings: list[Spelling] = []
    for form, payload, tag in made:
        check = primitives.base58check_encode
        body = payload * 3 + bytes(4)
        tail = b"\x01" + tag.to_bytes(8, "little")
        integrated = b"\x13" + body + tag.to_bytes(8)
        standard = b"\x12" + body
        encoded: dict[str, Spelling] = {
            "r": (f"{XRP}:{check(bytes(1) + payload, ripple=True)}", str(tag)),
            "X": (f"{XRP}:{check(bytes([5, 0x44]) + payload + tail, ripple=True)}", None),
            "cash": (
                f"{BITCOIN_CASH}:{primitives.cashaddr_encode('bitcoincash', tag << 3, payload)}",
                None,
            ),
            "legacy": (f"{BITCOIN_CASH}:{check(bytes(1) + payload)}", None),
            "3": (f"{LITECOIN}:{check(bytes([5]) + payload)}", None),
            "M": (f"{LITECOIN}:{check(bytes([0x32]) + payload)}", None),
            "standard": (f"{MONERO}:{_sealed(standard)}", tag.to_bytes(8).hex()),
            "integrated": (f"{MONERO}:{_sealed(integrated)}", None),
        }
        spellings.append(encoded[form])
    assert_keys_agree(spellings)


def _sealed(body: bytes) -> str:
    return primitives.monero_base58_encode(body + primitives.keccak256(body)[:4])


@given(st.text(max_size=320), st.none() | st.text(max_size=20))
def test_no_text_whatever_stops_a_matching_run(text: str, tag: str | None) -> None:
    for chain in ("", *(f"{c.caip2}:" for c in CHAINS)):
        for start in ("", "X", "3", "1", "q", "4", "tex1"):
            assert comparison_key(chain + start + text, tag) == comparison_key(
                chain + start + text, tag
            )


def test_what_is_no_account_matches_only_itself() -> None:
    far_too_long = "xrpl:0:X" + "1" * 400
    odd = [
        far_too_long,
        f"{BITCOIN_CASH}:q!",
        f"{BITCOIN_CASH}:",
        f"{XRP}:X",
        f"{MONERO}:4",
        f"{ZCASH}:tex1",
        "x",
        "",
    ]
    assert len({comparison_key(text) for text in odd}) == len(odd)


def test_accounts_are_compared_without_any_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingLibraryError("not installed")

    monkeypatch.setattr(primitives, "_bip_utils", missing)
    monkeypatch.setattr(primitives, "_keccak", missing)
    table = load_chains()
    for spellings in TARGETS:
        assert len({comparison_key(*spelling, table) for spelling in spellings}) == 1
