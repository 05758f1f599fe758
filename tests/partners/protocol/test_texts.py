"""What a text must have: visible characters, and a transaction id its form."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from holdfast.protocol.texts import (
    Explanation,
    FileNumber,
    Note,
    OnwardAccountText,
    Reason,
    ShortText,
    TxText,
    Word,
)

INVISIBLE = (
    " ",
    "\u00a0\u2003",
    "\u200b\u200d\u2060",
    "\ufeff",
    "\u00ad",
    "\u202e",
    "\u3164\uffa0\u115f\u1160",
    "\u2800",
    "\ufe0f",
    "\u0301",
    "\U000e0041",
    "\ue000",
    "\U0001d159",
)
CASES = Path(__file__).resolve().parents[3].parent / "shared" / "cases" / "transactions.json"


@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
@pytest.mark.parametrize(
    "kind",
    [Word, FileNumber, Reason, Explanation, ShortText, Note],
    ids=["word", "file", "reason", "explanation", "short", "note"],
)
def test_a_text_of_which_nothing_is_seen_is_refused(kind: Any, text: str) -> None:
    with pytest.raises(ValidationError, match="visible characters"):
        TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize("text", ["x", "?", "\u2026", "\u0645", "\U0001f4b0", "\u200bx", "7"])
def test_one_visible_character_is_enough(text: str) -> None:
    assert TypeAdapter(Reason).validate_python(text) == text


def test_a_text_that_may_be_left_out_may_be_empty() -> None:
    assert TypeAdapter(ShortText).validate_python("") == ""


@pytest.mark.parametrize(
    "tx",
    [
        "0x" + "aB" * 32,
        "ab" * 32,
        "0x7",
        "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW",
        "EcVjA3zn8bWCqF4Z6oHRHc1MOUYmSK8PY3pkLVTtgSM=",
        "97-d0_FqQzqK2m1Vw1lHZ7yZ1B0X3s9tJcU4kN8aQe0",
        "bafy2bzacedlmn3p5bfwsx2dwsqgohdgvgnhk6iv2tkwfqsrxfhkwq7b7ikbts",
        "ooVmrJRjVQTpYvPXtKLLnRDkiuqZbCdv8dEvBXbW3dwKJTrrGLf",
        "NC2SOSJ7DZMTMVMEAMPPXTVGEGHAKNTP3TIAHRBQYVNFRCQDHSBA",
        "21895238-3",
        "1234567890",
        "0.0.48694347@1700000000.123456789",
        "0.0.48694347-1700000000-123456789",
    ],
)
def test_every_chain_s_transaction_ids_are_taken(tx: str) -> None:
    assert TypeAdapter(TxText).validate_python(tx) == tx


@pytest.mark.parametrize(
    "tx",
    [
        "https://etherscan.io/tx/0x" + "ab" * 32,
        "etherscan.io/tx/0x" + "ab" * 32,
        "//solscan.io/tx/" + "5V" * 43,
    ],
)
def test_a_link_is_no_transaction_id_and_the_refusal_says_what_to_copy(tx: str) -> None:
    with pytest.raises(ValidationError, match="copy the transaction id out of it"):
        TypeAdapter(TxText).validate_python(tx)


@pytest.mark.parametrize(
    "text",
    [
        "jane.doe@example.org",
        "+4915123456789",
        "0151-23456789",
        "DE89370400440532013000",
        "UID8834412",
        "account 12345678",
        "jane.doe",
        "",
        "ab12",
    ],
)
@pytest.mark.parametrize("kind", [TxText, OnwardAccountText], ids=["tx", "account"])
def test_what_people_are_known_by_has_neither_form(kind: Any, text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(text)


@pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")
def test_the_shared_spellings_of_a_transaction_are_taken_and_its_link_is_not() -> None:
    for case in json.loads(CASES.read_text(encoding="utf-8")):
        if "link" in case["right"]:
            with pytest.raises(ValidationError):
                TypeAdapter(TxText).validate_python(case["tx"])
        elif not case["right"].startswith("refused"):
            TypeAdapter(TxText).validate_python(case["tx"])
