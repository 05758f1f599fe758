"""Customer data in free text is found and named by place and kind; the trade's own numbers pass."""

from collections.abc import Iterator
from itertools import pairwise
from re import (  # type: ignore[attr-defined]  # what `re` compiles, as it compiles it
    Pattern,
    _constants,
    _parser,
)
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain import free_text, national_numbers, phone_numbers
from coordinator.domain.folded_text import fold
from coordinator.domain.free_text import find_customer_data
from coordinator.domain.phone_numbers import regions_of

#: Published examples of the IBAN registry, ISO 13616.
IBANS = (
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "FR1420041010050500013M02606",
    "CH9300762011623852957",
    "NO9386011117947",
    "MT84MALT011000012345MTLCAST001S",
)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "jane.doe@example.org"),
        ("email", "j+x@a.b.example.io"),
        ("email", "josé@exämple.de"),
        ("email", "jane [at] example.com"),
        ("email", "jane(at)example.com"),
        ("phone", "+49 151 23456789"),
        ("phone", "+14155552671"),
        ("phone", "+44 (0)20 7946 0958"),
        ("phone", "0049 151 23456789"),
        ("phone", "00491512345678"),
        ("phone", "(415) 555-2671"),
        ("phone", "415-555-2671"),
        ("phone", "tel. 07700 900123"),
        ("phone", "phone: 07700900123"),
        ("phone", "WhatsApp 0151 2345678"),
        ("account_number", "account 12345678"),
        ("account_number", "Account no. 4711"),
        ("account_number", "a/c 99887766"),
        ("account_number", "UID:881234"),
        ("account_number", "uid 123"),
        ("account_number", "user id 991234"),
        ("account_number", "user_id=12345"),
        ("account_number", "user 12345678"),
        ("account_number", "customer no: K-12345"),
        ("account_number", "client number is 778899"),
        ("account_number", "Kundennummer 12345"),
        *(("iban", iban) for iban in IBANS),
        *(("iban", iban.lower()) for iban in IBANS),
        *(("iban", " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))) for iban in IBANS),
        ("iban", "DE89-3704-0044-0532-0130-00"),
    ],
)
@pytest.mark.parametrize(
    "around", [("", ""), ("We froze for ", ", as agreed."), ("(", ")"), ("x\n", "\ny")]
)
def test_customer_data_is_found_at_its_place(kind: str, text: str, around: tuple[str, str]) -> None:
    before, after = around
    found = find_customer_data(before + text + after)
    assert [(f.kind, f.start, f.end) for f in found] == [
        (kind, len(before), len(before) + len(text))
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hop 2 of 3",
        "Proceeds of the theft, split over 51 addresses.",
        "tx 0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060",
        "5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060",
        "account 0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D",
        "account eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D",
        "the account 18M8bJWMzWHDBMxoLqjHHAffdRy4SrzkfB",
        "bip122:000000000019d6689c085ae165831e93:18M8bJWMzWHDBMxoLqjHHAffdRy4SrzkfB",
        "bc1q4rzdtlt0uslyw86cp29sctl6ct29g9a95cuup7pn5md9ddj7xgmqpp5m73",
        "2025-02-21T14:13:35Z",
        "on 2025-02-21 14:13 UTC+1, again at 14:14:11",
        "account frozen 2025-02-21",
        "customer complaint 2025-02-21",
        "call 2025-02-21 14:00",
        "block 21895238 to 21895300",
        "10000000000000000000000 wei",
        "1,234,567.89 USDT and 0.00123456 BTC",
        "+0.5 %, + 401,346 ETH, reported +12 500 000 USDT",
        "from this account 1500000 USDT were moved",
        "customers lost 1500000 dollars, user funds of 401346 ETH",
        "FBI PSA250226, IC3 complaint I2502211234567890",
        "case 2025-02-21/12345, file 12345-67-890, ST/0151234/2025",
        "Aktenzeichen 540 Js 12345/25",
        "ref 415-555-2671",
        "destination tag 123456789",
        "account " + "12345678" * 8,
        "123 456 7890 in three groups",
        "+999 1234567, +12345678",
        "frq_01jb2c3d4e5f6g7h8j9kmnpqrs",
        "10.0.0.1, port 8443",
        "@handle on the forum, see user@ or @example.org",
        "DE88370400440532013000 fails its own check digits",
        "XX89370400440532013000",
        "DE8937040044053201300",
        "NO93 8601  1117 947 is set apart by a gap",
        "DE893704004405320130001 is one digit too long",
    ],
)
def test_what_belongs_to_the_trade_is_left_alone(text: str) -> None:
    assert find_customer_data(text) == []


def test_several_pieces_are_told_in_order_and_do_not_overlap() -> None:
    text = "uid 4711, tel +49 151 23456789, IBAN DE89370400440532013000, a@example.org"
    found = find_customer_data(text)
    assert [f.kind for f in found] == ["account_number", "phone", "iban", "email"]
    assert all(a.end <= b.start for a, b in pairwise(found))


def test_a_finding_names_place_and_kind_and_never_the_text() -> None:
    (found,) = find_customer_data("ask jane.doe@example.org")
    assert found.message.startswith("holds what looks like an e-mail address at characters 5 to 24")
    assert "jane" not in found.message


@given(st.sampled_from(IBANS), st.integers(4, 12), st.sampled_from("0123456789"))
def test_an_iban_with_a_wrong_digit_is_none(iban: str, place: int, digit: str) -> None:
    wrong = iban[:place] + digit + iban[place + 1 :]
    found = [f.kind for f in find_customer_data(wrong)]
    assert ("iban" in found) is (wrong == iban)


@given(st.text(max_size=400))
def test_no_text_whatever_raises_and_findings_lie_inside_it(text: str) -> None:
    for found in find_customer_data(text):
        assert 0 <= found.start < found.end <= len(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "john.doe\uff20gmail.com"),
        ("email", "jane\uff20example\uff0ecom"),
        ("email", "ja\u200bne@exam\u00adple.com"),
        ("email", "jose\u0301@example.org"),
        ("email", "jane [at] example [dot] com"),
        ("email", "jane at example dot com"),
        ("email", "jane@example[.]com"),
        ("email", "jane.doe @ example.com"),
        ("iban", "\uff24\uff25\uff18\uff19370400440532013000"),
        ("iban", "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000"),
        ("iban", "DE89.3704.0044.0532.0130.00"),
        ("phone", "+49\u00a0151\u202f23456789"),
        ("phone", "+49\u2011151\u201123456789"),
        ("phone", "+\u0664\u0669 \u0661\u0665\u0661 23456789"),
        ("phone", "call \uff14\uff11\uff15 555 2671"),
        ("phone", "reachable at 4155552671"),
        ("account_number", "UID\uff1a8834412"),
        ("account_number", "U\u200bID 8834412"),
        ("account_number", "account \uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18"),
        ("account_number", "account (12345678"),
        ("account_number", "acct #4711234"),
        ("account_number", "account ending in 1234"),
        ("account_number", "member no 778"),
        ("account_number", "compte n\u00b0 12345678"),
        ("account_number", "sub-account 12345678"),
        ("account_number", "accounts 12345678 and 87654321"),
    ],
)
def test_no_other_characters_or_words_hide_it_and_the_place_is_that_of_the_text_as_sent(
    kind: str, text: str
) -> None:
    # Before it stands what folds to more characters, and what folds to none.
    before = "\u33c2 \u200b\ufdfa: "
    found = find_customer_data(before + text + " \ufdfa")
    assert [(f.kind, f.start, f.end) for f in found] == [
        (kind, len(before), len(before) + len(text))
    ]


@pytest.mark.parametrize("text", ["UID 8834412 ETH", "User ID: 8834412 USDT", "uid 8834412 blocks"])
def test_a_unit_behind_an_identifier_makes_it_no_amount(text: str) -> None:
    assert [f.kind for f in find_customer_data(text)] == ["account_number"]


@pytest.mark.parametrize(
    ("jurisdiction", "number"),
    [
        ("US-NY", "415 555 2671"),
        ("US", "415.555.2671"),
        ("US", "1-415-555-2671"),
        ("GB", "07911 123456"),
        ("DE", "0151/23456789"),
        ("DE", "(030) 901820"),
        ("EU", "030-901820"),
        ("FR", "06 12 34 56 78"),
        ("FR", "06.12.34.56.78"),
        ("FR", "0612345678"),
        ("ES", "612 34 56 78"),
        ("PL", "512 345 678"),
        ("JP", "03-1234-5678"),
        ("SG", "9123 4567"),
        ("BR", "(11) 91234-5678"),
        ("CN", "138 1234 5678"),
        ("IN", "98765 43210"),
        ("KR", "010-2345-6789"),
        ("CH", "044 668 18 00"),
        ("AU", "02 9876 5432"),
        ("FR", "\u0660\u0666 \u0661\u0662 \u0663\u0664 \u0665\u0666 \u0667\u0668"),
    ],
)
def test_a_national_number_is_found_where_its_region_counts(jurisdiction: str, number: str) -> None:
    text = f"The holder, {number}, asks"
    (found,) = find_customer_data(text, regions_of([jurisdiction]))
    assert (found.kind, text[found.start : found.end]) == ("phone", number)
    elsewhere = regions_of(["ZZ", "EUR"])
    known = jurisdiction.startswith("US")
    assert bool(find_customer_data(text, elsewhere)) is known


@pytest.mark.parametrize("number", ["ST/0151234/2025", "0151 234 56 789", "030-901820"])
def test_a_file_number_that_no_region_writes_so_is_no_phone_number(number: str) -> None:
    assert find_customer_data(number, regions_of(["DE"]), is_reference=True) == []


def test_a_phone_number_as_its_region_writes_it_is_one_among_file_numbers_too() -> None:
    (found,) = find_customer_data("415 555 2671", is_reference=True)
    assert found.kind == "phone"


@pytest.mark.parametrize(
    "text",
    [
        "Members 120000 lost funds",
        "users 1500000 affected, accounts: 12345",
        "accounts 10001-10050 of the list",
        "Signal 1234567 blocks later",
        "+1500000000 lamports",
        "version 100.200.3000, release 612.345.678",
        "Fax 2025/0221 of the prosecutor",
        "slots 322876543 to 322876999",
        "512 345 678 USDT, 415 555 2671 lamports",
        "12 500 000 was moved, 612 345 000 of it later",
        "lines 20 21 22 23",
        "21.02.2025 14:13, 02/21/2025, 2024-2025, 2024/2025",
        "192.168.100.200:8443",
        "account 0.0.12345678",
        "account rKM5oQ2NdaS3o8ran4PKsESnhfxzfUqCJm tag 33722",
        "EQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqB2N",
        "cosmos1vladsujr6n2pr5ppzhm4lth4d7lzxu9z0l6h2l",
        "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
        "docket 1:25-cv-01234, 25-CR-00123, ST/0151234/2025",
        "timestamp 1740147215, 1740147215123",
        "from 09:00 to 17:00, 0800-1700 UTC",
        "https://t.me/@user.name, swap @ 2500.50 USD, sold @ exchange.example",
        "deposits at binance.com",
        "EIP-1559, ISO 20022, CAIP-10, slip44:60",
    ],
)
def test_what_belongs_to_the_trade_is_left_alone_whoever_is_a_member(text: str) -> None:
    everywhere = regions_of(
        ["EU", "GB", "US", "JP", "SG", "HK", "CH", "IN", "BR", "KR", "CN", "AU"]
    )
    assert find_customer_data(text, everywhere) == []


@given(st.text(max_size=200))
def test_folding_keeps_every_place(text: str) -> None:
    folded = fold(text)
    places = [folded.span(place, place + 1)[0] for place in range(len(folded.text))]
    assert places == sorted(places)
    assert all(0 <= place < len(text) for place in places)


def test_the_steps_grow_with_the_text_and_no_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """`a.a.a.…@a-a-…` once took 82 s."""
    steps = 0
    real = free_text._is_of_local  # its calls are the steps

    def counted(character: str) -> bool:
        nonlocal steps
        steps += 1
        return real(character)

    monkeypatch.setattr(free_text, "_is_of_local", counted)
    taken = []
    for size in (1_000, 2_000, 4_000):
        steps = 0
        assert find_customer_data(("a." * 40 + "@" + "a-" * 40) * (size // 40)) == []
        taken.append(steps)
    assert 0 < taken[0] <= 2 * 64 * 1_000 // 40
    assert taken == [taken[0], 2 * taken[0], 4 * taken[0]]


def test_no_pattern_repeats_without_end_and_comes_back_to_try_fewer() -> None:
    """What is given back and tried again, place by place, is how a pattern takes hours."""
    patterns = [
        value
        for module in (free_text, phone_numbers, national_numbers)
        for value in vars(module).values()
        if isinstance(value, Pattern)
    ]
    assert len(patterns) > 10
    endless = [p.pattern for p in patterns if _gives_back(_parser.parse(p.pattern, p.flags))]
    assert endless == []


def _gives_back(parsed: Any) -> bool:
    return any(
        (operation in {_constants.MAX_REPEAT, _constants.MIN_REPEAT} and told[1] is _MANY)
        or any(_gives_back(inner) for inner in _within(told))
        for operation, told in parsed
    )


_MANY = _constants.MAXREPEAT


def _within(told: Any) -> Iterator[Any]:
    if isinstance(told, _parser.SubPattern):
        yield told
    elif isinstance(told, tuple | list):
        for part in told:
            yield from _within(part)
