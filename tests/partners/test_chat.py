"""A chat, a table or a list becomes addresses for a draft: each by its line, no chain guessed."""

from pathlib import Path

import pytest

from holdfast.drafting import chat
from holdfast.drafting.chat import Findings, read_chat
from holdfast.protocol.chains.chain import fold_name, shipped_chains

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
ETHER = "eip155:1/slip44:60"
FIRST, SECOND = (
    "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D",
    "0x96244D83DC15d36847C35209bBDc5bdDE9bEc3D8",
)
TRON = "TPFUjxQzG88Vwynrpj2W61ZAkQ9W2QYgAQ"
SOLANA = "G3udanrxk8stVe8Se2zXmJ3QwU8GSFJMn28mTfn8t1kq"
BITCOIN = "bc1qeln8kcvehe6l8v6dvg3rj7nfwz5apcyera8k78"
STELLAR = "GBPIDVKDSNF74OAGVBSPKLW73CSCGISBOBRB3ODROTMOEENZFC6WJFPN"
XRP = "rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY"
HASH = "0xb61413c495fdad6114a7aa863a00b2e3c28945979a10885b12b30316ea9f072c"


def read(text: str, *unnamed: str) -> Findings:
    return read_chat(text, shipped_chains(), unnamed=unnamed)


def accounts(findings: Findings) -> list[str]:
    assert findings.faults == []
    assert findings.questions == []
    return [found.members["account"] for found in findings.addresses]


@pytest.mark.parametrize(
    ("line", "how"),
    [
        (f"eip155:1:{FIRST}", "eip155:1: before it"),
        (f"ETH: {FIRST} 12.5 ETH", "Ethereum beside it"),
        (f"ETH:{FIRST}", "ETH: before it"),
        (f"thief took it to {FIRST} on Ethereum mainnet!", "Ethereum beside it"),
        (f"{FIRST} (ethereum)", "Ethereum beside it"),
        (f"- **{FIRST}** \u2013 Ethereum address", "Ethereum beside it"),
        (f"eip155:1 {FIRST}", "Ethereum beside it"),
        (f"https://etherscan.io/address/{FIRST}", "the link to etherscan.io"),
        (f"hxxps://etherscan[.]io/address/{FIRST}#tokentxns", "the link to etherscan.io"),
        (f"blockchair.com/ethereum/address/{FIRST}", "the link to blockchair.com"),
    ],
)
def test_a_chain_is_what_the_line_states(line: str, how: str) -> None:
    findings = read(line)
    assert accounts(findings) == [f"eip155:1:{FIRST}"]
    assert findings.addresses[0].how == how


def test_a_heading_holds_to_the_next_blank_line() -> None:
    findings = read(f"BNB Smart Chain:\n{FIRST}\n{SECOND} 100 USDT\n\n{FIRST}")
    assert [found.members["account"] for found in findings.addresses] == [
        f"eip155:56:{FIRST}",
        f"eip155:56:{SECOND}",
    ]
    assert findings.addresses[1].members["amount"] == "1" + "0" * 20
    assert [question.line for question in findings.questions] == [5]


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        (FIRST, None),
        (f"{FIRST} 12.5 ETH", None),
        (f"it went near the base of the core chain: {FIRST}", None),
        (f"https://scanner.example/address/{FIRST}", None),
        (f"{FIRST} on ethereum, and on bsc", 2),
        (SOLANA, 1),
        ("1DrNXqCj2B8FKyx66RAWDkiEJhw2yrvhT3", 3),
    ],
)
def test_a_chain_that_is_not_stated_is_asked_and_never_guessed(
    text: str, candidates: int | None
) -> None:
    findings = read(text)
    assert findings.addresses == []
    [question] = findings.questions
    assert len(question.candidates) == (candidates or len(question.candidates))
    assert question.candidates


def test_an_answer_states_the_chain_of_all_that_fit_the_same_ones() -> None:
    findings = read(f"{FIRST} 2 ETH\n{SECOND}\n{SOLANA}")
    [evm, solana] = dict.fromkeys(each.candidates for each in findings.questions)
    answered = findings.answered({evm: "eip155:10"})
    assert [found.members["account"] for found in answered.addresses] == [
        f"eip155:10:{FIRST}",
        f"eip155:10:{SECOND}",
    ]
    assert answered.addresses[0].members["asset"] == "eip155:10/slip44:60"
    assert [each.candidates for each in answered.questions] == [solana]


def test_unnamed_addresses_get_the_one_chain_given_for_them_that_they_fit() -> None:
    text = f"{FIRST}\n{SOLANA}"
    given = read(text, "eip155:56", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp")
    assert [each.partition(":")[0] for each in accounts(given)] == ["eip155", "solana"]
    assert len(read(text, "eip155:56", "eip155:1").questions) == 2


@pytest.mark.parametrize("text", [TRON, BITCOIN, XRP])
def test_a_checked_form_that_one_chain_has_states_that_chain_and_it_is_said(text: str) -> None:
    [found] = read(f"sent to {text}.").addresses
    assert found.how == "its form, which no other known chain has"


def test_amounts_tags_and_transactions_of_a_line_go_with_its_address() -> None:
    findings = read(
        f"ETH {FIRST} got 1,200.5 USDT, tx {HASH[2:].upper()}\n"
        f"XRP: {XRP} memo: 495\n"
        f"https://etherscan.io/tx/{HASH} from https://etherscan.io/address/{SECOND}"
    )
    first, second, third = findings.addresses
    assert (first.members["amount"], first.members["tx"]) == ("1200500000", HASH)
    assert second.members["tag"] == "495"
    assert third.members["tx"] == HASH


def test_what_stands_without_an_address_is_said_and_not_lost() -> None:
    findings = read(f"in all 5 ETH are gone\nhttps://etherscan.io/tx/{HASH}\nETH {FIRST}")
    assert [line for line, _ in findings.notes] == [1, 2]
    assert accounts(findings) == [f"eip155:1:{FIRST}"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0x51E9...135D", "is cut in the middle"),
        ("0x51E9\u2026135D (ETH)", "is cut in the middle"),
        (f"ETH {FIRST[:-1]}", "40 hexadecimal digits"),
        (f"{FIRST[:-1]}", "40 hexadecimal digits"),
        (f"ETH {FIRST[:-1]}d", "does not satisfy EIP-55"),
        (f"TRON: {FIRST}", "no address of Tron but a valid one of"),
        (f"TRON: {TRON[:-1]}R", "checksum"),
        (f"{TRON[:-1]}R", "looks like an address, and is none of a known chain"),
        (f"BTC: {BITCOIN[:-1]}9", "checksum"),
        (f"{BITCOIN[:-1]}9", "looks like an address, and is none of a known chain"),
        (f"on Stellar {STELLAR[:-1]}M", "checksum"),
        (f"{STELLAR[:-1]}M", "looks like an address, and is none of a known chain"),
        (f"ETH {FIRST} {SECOND} 5 ETH", "2 addresses and 1 amount:"),
        (f"ETH {FIRST} 12 k ETH", "write all digits"),
        (f"ETH {FIRST} 5 BTC", "no BTC is known on Ethereum"),
        (f"Sepolia: {FIRST}", "is a test network of Ethereum"),
    ],
)
def test_what_cannot_be_right_is_a_fault_of_its_line(line: str, words: str) -> None:
    findings = read(f"hello\n{line}")
    assert [number for number, _ in findings.faults] == [2]
    assert words in findings.faults[0][1]


def test_an_amount_that_was_not_read_is_told_of() -> None:
    findings = read(f"{FIRST},eip155:1,100 USDT")
    assert "amount" not in findings.addresses[0].members
    assert findings.notes[0][0] == 1


def test_a_line_that_nobody_wrote_is_not_looked_through() -> None:
    findings = read("a" * 300_000 + f"\nETH {FIRST}")
    assert findings.faults == [(1, "is longer than 4,000 characters: break it into lines")]
    assert len(findings.addresses) == 1


@pytest.mark.parametrize(
    "line", ["wait...what? 100 one of them", "see Error 0x1f at 10:45:33", "ok (base) :-)", "===="]
)
def test_prose_is_no_fault(line: str) -> None:
    findings = read(line)
    assert (findings.faults, findings.questions, findings.addresses) == ([], [], [])


def test_doubles_are_merged_and_other_amounts_of_one_account_are_a_fault() -> None:
    findings = read(f"ETH {FIRST}\nETH {FIRST.lower()} 5 ETH\nETH {FIRST} 5 ETH {HASH}")
    [found] = findings.addresses
    assert (found.lines, found.members["amount"]) == ((2, 3), "5" + "0" * 18)
    assert found.members["tx"] == HASH
    assert [line for line, _ in findings.notes] == [1]
    [fault] = read(f"ETH {FIRST} 5 ETH\nETH {FIRST} 6 ETH").faults
    assert fault == (2, "states another amount than line 1 for the same account")


def test_an_address_stays_as_it_was_written_so_that_a_missing_checksum_is_warned_of() -> None:
    assert accounts(read(f"ETH {FIRST.lower()}")) == [f"eip155:1:{FIRST.lower()}"]


@pytest.mark.parametrize(
    ("address", "at", "label"), [(FIRST, 30, "Polygon"), (BITCOIN, 20, "BTC"), (TRON, 9, "TRX")]
)
def test_a_wrapped_address_is_put_together_where_its_length_or_checksum_is_right(
    address: str, at: int, label: str
) -> None:
    findings = read(f"> {address[:at]}\n> {address[at:]} ({label})")
    assert accounts(findings)[0].endswith(address)
    assert findings.notes == [(1, "put together with line 2")]


def test_invisible_characters_are_left_out_and_it_is_said() -> None:
    findings = read(f"ETH {FIRST[:9]}\u200b{FIRST[9:]}")
    assert accounts(findings) == [f"eip155:1:{FIRST}"]
    assert findings.notes == [(1, "invisible characters were left out")]


def test_tables_among_the_talk_are_read_by_their_columns() -> None:
    findings = read(
        "look:\n"
        "| Chain | Address | amount | what |\n|---|:--|---|---|\n"
        f"| Ripple | `{XRP}` | 10 XRP | hop |\n"
        f"| narnia | {FIRST} | | |\n"
        "thanks\n"
        f"account;amount\neip155:1:{FIRST};1.23E+22\n;7\n"
    )
    [found, second] = findings.addresses
    assert (found.lines, found.members["amount"]) == ((4,), "10000000")
    assert second.lines == (8,)
    assert [line for line, _ in findings.faults] == [5, 8, 9]


@pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")
@pytest.mark.parametrize("separator", [",", " ", "\t"])
def test_a_theft_over_31_chains_goes_in_by_paste(separator: str) -> None:
    rows = (CASES / "theft_over_31_chains.csv").read_text("utf-8").splitlines()[separator != "," :]
    findings = read("\n".join(row.replace(",", separator) for row in rows))
    assert len(accounts(findings)) == len(rows) - (separator == ",")


def test_thousands_of_lines_are_read_whole() -> None:
    text = "\n".join(f"bsc 0x{number:040x} {number + 1} BNB" for number in range(2_000))
    findings = read(text)
    assert len(findings.addresses) == 2_000
    assert findings.faults == []


@pytest.mark.parametrize("line", ["on the " * 570, "addr " * 790])
def test_a_long_line_is_not_looked_through_again_for_each_of_its_words(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []

    def folded(text: str) -> str:
        looked_at.append(text)
        return fold_name(text)

    monkeypatch.setattr(chat, "fold_name", folded)
    read(line)
    assert sum(map(len, looked_at)) <= 20 * len(line)
