"""Small inputs that went wrong, from ../shared/cases, each with the right value."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.chains.format_errors import AccountError, TransactionError
from holdfast.protocol.chains.transaction import parse_transaction
from holdfast.protocol.payloads import parse_time
from tests.known_chains import CHAINS

CASES = Path(__file__).parents[3] / "shared" / "cases"
WALLET = "51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"


def refusal(account: str) -> str:
    with pytest.raises(AccountError) as refused:
        parse_account(CHAINS, account)
    return refused.value.message


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-28T14:49:30.123456789Z", datetime(2026, 11, 28, 14, 49, 30, 123456, UTC)),
        ("2026-11-28T14:49:30.1234567+01:00", datetime(2026, 11, 28, 13, 49, 30, 123456, UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, 0, UTC)),
        ("2026-11-28 14:49:30Z", datetime(2026, 11, 28, 14, 49, 30, 0, UTC)),
    ],
)
def test_times_are_read_as_go_java_and_dotnet_write_them(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment


@pytest.mark.parametrize("text", ["2026-11-28T14:49:61Z", "2026-11-28  14:49:30Z", "2026-11-28"])
def test_what_is_no_time_is_still_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|calendar"):
        parse_time(text)


def test_every_time_of_the_cases_is_read() -> None:
    listed = CASES / "times.json"
    if not listed.is_file():
        pytest.skip("../shared/cases is not here")
    for case in json.loads(listed.read_text(encoding="utf-8")):
        parse_time(case["text"])


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ("eip155:1:0\u00d7" + WALLET, "character 2 is U+00D7, not x"),
        ("eip155:1:0x" + WALLET + "\u200b", "invisible U+200B at the end"),
        ("eip155:1:\ufeff0x" + WALLET, "invisible U+FEFF at the beginning"),
        ("eip155:1:0x51 E9", "invisible U+0020 at place 5"),
        ("eip155:1:0x\u0441" + WALLET, "character 3 is U+0441, not c"),
        ("eip155:1:0x\u4e00" + WALLET, "character 3 is U+4E00, which no address has"),
        ("ethereum:0x" + WALLET, "write eip155:1: and then the address alone"),
        ("https://etherscan.io/address/0x" + WALLET, "is a link: copy the address out of it"),
    ],
)
def test_a_refusal_names_what_is_wrong_with_this_one(account: str, words: str) -> None:
    assert words in refusal(account)


@pytest.mark.parametrize(
    ("account", "warning", "token"),
    [
        ("eip155:137:0xc2132D05D31c914a87C6611C10748AEb04B58e8F", "token_contract", "USDT"),
        ("eip155:1:0xdac17f958d2ee523a2206206994597c13d831ec7", "token_contract", "USDT"),
        ("tron:0x2b6653dc:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "token_contract", "USDT"),
        ("eip155:1:0x000000000000000000000000000000000000dEaD", "no_key", None),
        ("eip155:56:0x0000000000000000000000000000000000000000", "no_key", None),
        ("tron:0x2b6653dc:T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "no_key", None),
        ("xrpl:0:rrrrrrrrrrrrrrrrrrrrrhoLvTp", "no_key", None),
        ("bip122:000000000019d6689c085ae165831e93:1111111111111111111114oLvT2", "no_key", None),
    ],
)
def test_tokens_and_accounts_without_a_key_are_warned_of(
    account: str, warning: str, token: str | None
) -> None:
    found = parse_account(CHAINS, account)
    assert warning in found.warnings
    assert found.token == token


def test_a_holder_of_a_key_is_not_warned_of() -> None:
    assert not parse_account(CHAINS, "eip155:1:0x" + WALLET).warnings


def test_a_token_s_contract_on_another_chain_is_no_token() -> None:
    account = "eip155:10:0xdAC17F958D2ee523a2206206994597C13D831ec7"
    assert parse_account(CHAINS, account).token is None


def cases(name: str) -> list[dict[str, str]]:
    listed = CASES / name
    if not listed.is_file():
        pytest.skip("../shared/cases is not here")
    found: list[dict[str, str]] = json.loads(listed.read_text(encoding="utf-8"))
    return found


def test_every_account_of_the_cases_is_taken_or_refused_as_is_right() -> None:
    for case in cases("accounts.json"):
        if case["right"].startswith("take it"):
            found = parse_account(CHAINS, case["account"])
            assert comparison_key(case["account"], chains=CHAINS) == comparison_key(
                found.display, found.tag, CHAINS
            )
            if case.get("check") == "warning":
                assert found.warnings, case
        elif "tag" not in case["right"]:
            refusal(case["account"])


def test_a_tag_in_the_address_is_the_tag_beside_it() -> None:
    account = "xrpl:0:rKM5oQ2NdaS3o8ran4PKsESnhfxzfUqCJm"
    beside = parse_account(CHAINS, account, "33722")
    assert parse_account(CHAINS, f"{account}?dt=33722").key == beside.key


def test_every_asset_of_the_cases_becomes_what_is_right() -> None:
    for case in cases("assets.json"):
        right = case["asset"] if case["right"] == "accepted as it is" else case["right"]
        assert parse_asset(CHAINS, case["asset"]) == right


def test_every_transaction_of_the_cases_becomes_what_is_right() -> None:
    for case in cases("transactions.json"):
        chain = CHAINS.by_id[case["chain"]]
        if case["right"].startswith("refused"):
            with pytest.raises(TransactionError):
                parse_transaction(chain, case["tx"])
        else:
            assert parse_transaction(chain, case["tx"]) == case["right"]
