"""Request files: every fault at once, each with the line on which it stands."""

import pytest

from holdfast.drafting.draft import encode_draft, new_nonce, read_draft, read_json, read_list
from holdfast.drafting.json_lines import lines_by_pointer, nearest_line
from holdfast.errors import InvalidDraftError
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import MissingLibraryError
from holdfast.protocol.payloads import FreezeRequest
from holdfast.protocol.views import FieldError

ETH = "eip155:1/slip44:60"
TEMPLATE = (
    b'{"incident": {"title": "t", "kind": "hack", "occurred_at": "2025-02-21T14:13:35Z"},\n'
    b' "urgency": "urgent", "summary": "s", "to": ["exchange-b.example"]}'
)
ADDRESS = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"


def faults_of(raw: bytes) -> list[str]:
    with pytest.raises(InvalidDraftError) as refused:
        read_json(raw)
    return refused.value.faults


def csv_faults(raw: str, template: bytes = TEMPLATE) -> list[str]:
    with pytest.raises(InvalidDraftError) as refused:
        read_list("l.csv", raw.encode(), template)
    return refused.value.faults


def whole(**members: object) -> bytes:
    return canonical_json.dumps(
        {
            **strict_json.loads(TEMPLATE),
            "addresses": [{"account": f"eip155:1:{ADDRESS}"}],
            **members,
        }
    )


def test_a_good_file_becomes_a_request_and_a_missing_nonce_is_made() -> None:
    first, second = read_json(whole()), read_json(whole())
    assert first.request.addresses[0].account.endswith(ADDRESS)
    assert first.request.nonce != second.request.nonce


def test_a_file_with_a_nonce_gives_the_same_bytes_each_time() -> None:
    raw = whole(nonce=new_nonce())
    assert encode_draft(read_json(raw)) == encode_draft(read_json(raw))
    sent = FreezeRequest.model_validate(strict_json.loads(encode_draft(read_json(raw))))
    assert sent == read_json(raw).request


def test_all_faults_of_a_json_file_are_named_with_their_lines() -> None:
    faults = faults_of(
        b'{"incident": {"title": "t", "kind": "hackk",\n'
        b'  "occurred_at": "2025-02-21T14:13:35Z"},\n'
        b' "urgency": "urgent", "summary": "s",\n'
        b' "to": ["exchange-b.example",\n'
        b'        "Exchange C"],\n'
        b' "bogus": 3,\n'
        b' "addresses": [{"account": "eip155:1:0x1"},\n'
        b'   {"account": "eip155:1:0x1",\n'
        b'    "amount": "1.5", "asset": "eip155:1/slip44:60"}]}'
    )
    assert [fault.split(": ")[0:2] for fault in faults if "/account:" not in fault] == [
        ["line 1", "/incident/kind"],
        ["line 5", "/to/1"],
        ["line 6", "/bogus"],
        ["line 9", "/addresses/1/amount"],
    ]
    assert "whole base units" in faults[-1]
    accounts = [fault.split(": ")[0:2] for fault in faults if "/account:" in fault]
    assert accounts == [["line 7", "/addresses/0/account"], ["line 8", "/addresses/1/account"]]


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b'{"a": 1,\n 3', "line 2"),
        (b'{"to": 1, "to": 2}', "/to"),
        (b"[]", "one JSON object"),
        (b"\xff", ""),
        (b"", ""),
        (b'{"nonce": NaN}', "nonce"),
    ],
)
def test_what_is_no_strict_json_object_is_refused(raw: bytes, part: str) -> None:
    (fault,) = faults_of(raw)
    assert part in fault


def test_a_csv_file_takes_accounts_or_chains_and_addresses() -> None:
    rows = (
        "account,chain,address,asset,amount,tag,note,block\r\n"
        f"eip155:1:{ADDRESS},,,{ETH},5,,hop 2,21895238\r\n"
        ",xrp,rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY,,,77,,\r\n"
        f",eip155:56,{ADDRESS},,,,,\r\n"
    )
    draft = read_list("l.csv", rows.encode(), TEMPLATE)
    first, second, third = draft.request.addresses
    assert (first.amount, first.block, first.note) == ("5", 21895238, "hop 2")
    assert (second.account[:7], second.tag) == ("xrpl:0:", "77")
    assert third.account == f"eip155:56:{ADDRESS}"
    assert draft.address_lines == [2, 3, 4]


def test_all_faults_of_a_csv_file_and_its_template_are_named_at_once() -> None:
    faults = csv_faults(
        "chain,address,amount,asset\n"
        f"ethereum,{ADDRESS},1.5,{ETH}\n"
        f"ethereum,{ADDRESS},1,{ETH}\n"
        f"narnia,{ADDRESS},1,{ETH}\n"
        f"ethereum,{ADDRESS},7,\n"
        f"polygon,{ADDRESS},,,x,y\n"
        "ethereum,,7,\n",
        TEMPLATE.replace(b'"urgent"', b'"asap"'),
    )
    assert [fault.split(":")[0] for fault in faults] == [
        "template",
        "line 2",
        "line 4",
        "line 5",
        "line 6",
        "line 7",
    ]
    assert "/urgency" in faults[0]


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("acount", "not known"),
        ("account,account", "twice"),
        ("chain,tag", "columns chain and address"),
        ("", "columns chain and address"),
    ],
)
def test_a_header_that_cannot_be_right_is_refused_before_any_line(header: str, part: str) -> None:
    assert any(part in fault for fault in csv_faults(f"{header}\nx,y\n"))


def test_a_template_with_addresses_hides_no_fault_of_the_csv_file() -> None:
    template = TEMPLATE.replace(b"{", b'{"addresses": [], ', 1)
    faults = csv_faults(f"account,amount\neip155:1:{ADDRESS},1.5\n", template)
    assert [fault.split(":")[0] for fault in faults] == ["template", "line 2"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_may_have_any_separator_and_line_end_and_either_encoding(
    separator: str, end: str, encoding: str
) -> None:
    rows = [["Chain", "address", "note"], ["eth", ADDRESS, "für Zürich"]]
    raw = end.join(separator.join(row) for row in rows).encode(encoding)
    [address] = read_list("l.csv", raw, TEMPLATE).request.addresses
    assert (address.account, address.note) == (f"eip155:1:{ADDRESS}", "für Zürich")


def test_a_list_that_says_its_separator_is_taken_at_its_word() -> None:
    raw = f"sep=;\r\naccount;note\r\neip155:1:{ADDRESS};1,5\r\n"
    draft = read_list("l.csv", raw.encode(), TEMPLATE)
    assert draft.request.addresses[0].note == "1,5"
    assert draft.address_lines == [3]


def test_a_row_is_named_by_the_line_where_it_begins_though_notes_have_several() -> None:
    rows = f'account,note\neip155:1:{ADDRESS},"one\n\ntwo"\n,,\n\neip155:1:0x1,\n'
    faults = csv_faults(rows)
    assert [fault.split(": ")[:2] for fault in faults] == [
        ["line 2", "note"],
        ["line 7", "account"],
    ]


def test_a_list_in_another_encoding_is_refused_with_its_line_and_what_to_do() -> None:
    assert "no address" in csv_faults("account\n")[0]
    for raw in ("account,note\nx,f\u00fcr".encode("cp1252"), "account\nx".encode("utf-16-le")):
        with pytest.raises(InvalidDraftError, match=r"line [12]: .*save the file as CSV UTF-8"):
            read_list("l.csv", raw, TEMPLATE)
    assert csv_faults('account\n"x')[0].startswith("line 2: ")


def test_a_number_that_a_spreadsheet_rounded_is_refused_in_any_column() -> None:
    faults = csv_faults(f"account,amount,tag\neip155:1:{ADDRESS},1.23E+22,4E+08\n")
    assert [fault.split(": ")[1] for fault in faults] == ["amount", "tag"]
    assert all("was rounded by a spreadsheet" in fault for fault in faults)


def test_account_and_address_of_one_row_must_be_the_same() -> None:
    other = "0x96244D83DC15d36847C35209bBDc5bdDE9bEc3D8"
    head = "account,chain,address\n"
    good = (
        head + f"eip155:1:{ADDRESS},Ethereum,{ADDRESS.lower()}\n",
        f"account,address\neip155:1:{ADDRESS},{ADDRESS}\n",
        f"chain,address\neth,eip155:1:{ADDRESS}\n",
    )
    for rows in good:
        assert len(read_list("l.csv", rows.encode(), TEMPLATE).request.addresses) == 1
    [fault] = csv_faults(head + f"eip155:1:{ADDRESS},ethereum,{other}\n")
    assert fault.startswith("line 2: address: is another account")


def test_an_account_and_asset_that_stand_twice_are_named_in_the_same_round() -> None:
    again = f"eip155:1:{ADDRESS.lower()}"
    faults = csv_faults(f"account,tx\n{again},0xb614\neip155:1:{ADDRESS},\n{again},\nbsc,\n")
    assert [fault.split(": ")[:2] for fault in faults] == [
        ["line 2", "tx"],
        ["line 4", "account"],
        ["line 5", "account"],
    ]
    assert "the same account and asset stand at line 3" in faults[1]


def test_a_csv_file_needs_its_template() -> None:
    with pytest.raises(InvalidDraftError, match="--template"):
        read_draft("list.CSV", b"account\n", None)


def test_eleven_thousand_lines_are_read_with_progress_and_one_fault_is_found() -> None:
    lines = [f"ethereum,0x{number:040x},{number + 1},{ETH}" for number in range(11_000)]
    raw = "\n".join(["chain,address,amount,asset", *lines]).encode()
    told: list[int] = []
    draft = read_list("l.csv", raw, TEMPLATE, progress=told.append)
    assert len(draft.request.addresses) == 11_000
    assert told == sorted(told)
    assert told[-1] == 11_001
    lines[9_999] = "ethereum,0x1,-1," + ETH
    faults = csv_faults("\n".join(["chain,address,amount,asset", *lines]))
    assert [fault.split(": ")[:2] for fault in faults] == [
        ["line 10001", "amount"],
        ["line 10001", "account"],
    ]


def test_what_the_coordinator_finds_is_shown_with_the_files_lines() -> None:
    draft = read_list(
        "l.csv", f"account\n\neip155:1:{ADDRESS}\neip155:1:0x{'1' * 40}\n".encode(), TEMPLATE
    )
    error = FieldError(pointer="/addresses/1/account", detail="bad checksum")
    assert draft.locate([error]) == ["line 4: /addresses/1/account: bad checksum"]
    document = read_json(whole())
    assert document.locate([FieldError(pointer="/to/0", detail="unknown")]) == [
        "line 1: /to/0: unknown"
    ]
    odd = FieldError(pointer="/addresses/x/account", detail="d")
    assert draft.locate([odd]) == ["/addresses/x/account: d"]


def test_faults_of_chain_checksum_and_asset_are_named_with_those_of_form() -> None:
    wrong_case = ADDRESS[:-1] + ADDRESS[-1].swapcase()
    rows = [
        "chain,address,amount,asset",
        f"Ethereum,{wrong_case},,",
        f"bsc,{ADDRESS},-1,",
        f"btc,{ADDRESS},,",
        f"eth,{ADDRESS},,eip155:56/slip44:714",
        f"nowhere,{ADDRESS},,",
    ]
    faults = csv_faults("\n".join(rows))
    assert [fault.partition(":")[0] for fault in faults] == [f"line {n}" for n in range(2, 7)]
    for fault, words in zip(
        faults,
        ("EIP-55", "amount", "no address of Bitcoin", "they must agree", "nowhere"),
        strict=True,
    ):
        assert words in fault


def test_faults_of_chain_in_a_json_file_are_named_with_their_line() -> None:
    raw = whole().replace(ADDRESS.encode(), ADDRESS[:-1].encode())
    with pytest.raises(InvalidDraftError) as refused:
        read_json(raw)
    [fault] = refused.value.faults
    assert fault.startswith("line 1: /addresses/0/account: Ethereum: an EVM address is 0x")


def test_without_the_library_of_checksums_the_form_alone_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_: object) -> None:
        raise MissingLibraryError("not installed")

    monkeypatch.setattr("holdfast.drafting.draft_addresses.parse_account", missing)
    assert read_list("l.csv", b"account\neip155:1:0x1\n", TEMPLATE).request.addresses


def test_lines_are_found_by_pointer_whatever_the_values_hold() -> None:
    text = '{"a/b": [\n "x,\\"]{",\n {"~": -1.5e3}],\n"c": {}, "d": [],\n "e": null}'
    assert lines_by_pointer(text) == {
        "": 1,
        "/a~1b": 1,
        "/a~1b/0": 2,
        "/a~1b/1": 3,
        "/a~1b/1/~0": 3,
        "/c": 4,
        "/d": 4,
        "/e": 5,
    }
    assert nearest_line({"": 1, "/a": 7}, "/a/b/c") == 7
    assert lines_by_pointer("\n 3") == {"": 2}


def test_a_csv_file_says_why_a_whole_account_is_asked_for() -> None:
    whole = f"eip155:1:{ADDRESS},Opened with forged papers."
    rows = f"account,whole_account\n{whole}\neip155:56:{ADDRESS},\n"
    first, second = read_list("l.csv", rows.encode(), TEMPLATE).request.addresses
    assert first.whole_account is not None
    assert (first.whole_account.why, second.whole_account) == ("Opened with forged papers.", None)


def test_a_csv_file_says_from_which_amount_on_deposits_wait() -> None:
    rows = (
        "account,amount,asset,min_amount\n"
        f"eip155:1:{ADDRESS},20 ETH,,0.1 ETH\n"
        f"eip155:56:{ADDRESS},,eip155:56/slip44:714,5\n"
        f"eip155:137:{ADDRESS},,,\n"
    )
    found = read_list("l.csv", rows.encode(), TEMPLATE).request.addresses
    assert [each.min_amount for each in found] == ["1" + "0" * 17, "5", None]


@pytest.mark.parametrize(
    ("cells", "part"),
    [
        (",0.1 ETH", "min_amount: a least amount needs its asset"),
        ("20 ETH,0.1 USDT", "min_amount: USDT is not the asset's symbol"),
        ("20 ETH,0", "min_amount: a least amount of 0 leaves nothing out"),
        ("20 ETH,0.0 ETH", "min_amount: a least amount of 0 leaves nothing out"),
        ("20 ETH,-1", "min_amount: "),
        ("20 ETH,1e18", "min_amount: "),
    ],
)
def test_a_least_amount_that_cannot_be_meant_is_a_fault(cells: str, part: str) -> None:
    (fault,) = csv_faults(f"account,amount,min_amount\neip155:1:{ADDRESS},{cells}\n")
    assert fault.startswith("line 2: ")
    assert part in fault


def test_a_wrong_amount_is_one_fault_and_not_two() -> None:
    (fault,) = csv_faults(f"account,amount,min_amount\neip155:1:{ADDRESS},20 EHT,0.1 ETH\n")
    assert "amount: " in fault
    assert "min_amount" not in fault


def test_a_json_file_states_a_least_amount_in_units() -> None:
    address = f'{{"account": "eip155:1:{ADDRESS}", "amount": "2 ETH", "min_amount": "0.5 ETH"}}'
    raw = TEMPLATE[:-1] + f', "addresses": [{address}]}}'.encode()
    assert read_json(raw).request.addresses[0].min_amount == "5" + "0" * 17
