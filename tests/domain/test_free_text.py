"""Customer data in free text is found and named by place and kind; the trade's own numbers pass."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.free_text import find_customer_data

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
    assert found.message.startswith("holds an e-mail address at character 5")
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
