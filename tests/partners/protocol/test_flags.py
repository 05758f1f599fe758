"""Flags: what is hashed says one thing only, and a head is of one kind, key and form."""

from typing import Any

import pytest

from holdfast.protocol.clearance import TYP as CLEARANCE
from holdfast.protocol.compact_jws import sign_claims
from holdfast.protocol.errors import TokenError, TokenReason
from holdfast.protocol.flags import (
    TYP,
    FlaggedRequest,
    FlagsHead,
    flags_root,
    line_leaf,
    lines_sha256,
    verify_head,
)
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.merkle_tree import leaf_hash, node_hash

KEY = PrivateKey.generate()
CLAIMS: dict[str, Any] = {
    "iss": "https://coordinator.example",
    "sub": "exchange-b.example",
    "iat": 1_772_452_800,
    "seq": 7,
    "count": 3,
    "root": "ab" * 32,
}
PLAIN: dict[str, Any] = {
    "request": "frq_01m8pg0pqkeffvd384787nmrc7",
    "state": "active",
    "expires_at": "2026-04-01T12:00:00Z",
    "lines_sha256": "cd" * 32,
    "line_count": 4,
}


@pytest.mark.parametrize("alg", ["EdDSA", "ES256"])
def test_a_head_is_verified_by_the_key_that_signed_it(alg: Any) -> None:
    key = PrivateKey.generate(alg)
    head = FlagsHead(**CLAIMS)
    assert verify_head(head.sign(key), keys=[KEY.public, key.public]) == head
    with pytest.raises(TokenError) as refused:
        verify_head(head.sign(key), keys=[KEY.public])
    assert refused.value.reason is TokenReason.KID_MISMATCH


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": -1},
        {"seq": 1.0},
        {"seq": True},
        {"seq": "7"},
        {"count": 2**53},
        {"iat": 0},
        {"iat": 10**12},
        {"root": "AB" * 32},
        {"root": "ab" * 31},
        {"iss": ""},
        {"sub": None},
        {"more": 1},
    ],
)
def test_claims_of_another_form_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenError):
        verify_head(sign_claims(CLAIMS | changes, KEY, typ=TYP), keys=[KEY.public])


def test_a_claim_that_is_missing_another_kind_and_a_changed_byte_are_refused() -> None:
    less = {name: value for name, value in CLAIMS.items() if name != "root"}
    signed = FlagsHead(**CLAIMS).sign(KEY)
    front, claims, signature = signed.split(".")
    other = FlagsHead(**CLAIMS | {"count": 2}).sign(KEY).split(".")[1]
    for bad in (
        sign_claims(less, KEY, typ=TYP),
        sign_claims(CLAIMS, KEY, typ=CLEARANCE),
        f"{front}.{other}.{signature}",
        f"{front}.{claims}.{signature[:-4]}AAAA",
        f"{front}.{claims}",
    ):
        with pytest.raises(TokenError):
            verify_head(bad, keys=[KEY.public])


def test_no_two_lines_have_the_same_leaf() -> None:
    lines = [
        (1, "eip155:1:0xab", None, None),
        (11, "eip155:1:0xab", None, None),
        (1, "eip155:1:0xab", "eip155:1/slip44:60", None),
        (1, "eip155:1:0xab", None, "60"),
        (1, "eip155:1:0xab", "eip155:1/slip44:6", "0"),
        (1, "eip155:1:0xab", "eip155:1/slip44:60", "0"),
    ]
    assert len({line_leaf(*line) for line in lines}) == len(lines)
    leaves = [line_leaf(*line) for line in lines[:2]]
    assert lines_sha256(leaves) != lines_sha256(leaves[::-1])


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "provisional"},
        {"expires_at": "2026-04-01T12:00:01Z"},
        {"lines_sha256": "ce" * 32},
        {"gone": {1: "resolved"}},
        {"contested": [1]},
        {"request": "frq_01m8pg0pqkeffvd384787nmrc8"},
    ],
)
def test_whatever_counts_of_a_request_changes_its_leaf(changes: dict[str, Any]) -> None:
    assert FlaggedRequest(**PLAIN).leaf() != FlaggedRequest(**PLAIN | changes).leaf()


def test_the_order_in_which_it_was_learnt_does_not_matter() -> None:
    one = FlaggedRequest(**PLAIN, gone={2: "resolved", 1: "other"}, contested=[3, 0, 2])
    two = FlaggedRequest(**PLAIN, gone={1: "other", 2: "resolved"}, contested=[0, 3])
    # What is gone is contested no more.
    assert one.leaf() == two.leaf()
    assert one.count == 2


def test_the_root_is_that_of_rfc_9162() -> None:
    leaves = [b"a", b"b", b"c"]
    left = node_hash(leaf_hash(b"a"), leaf_hash(b"b"))
    assert flags_root(leaves) == node_hash(left, leaf_hash(b"c")).hex()
    assert flags_root([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
