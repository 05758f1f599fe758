"""The same amount reads the same on every surface, and what people write is sent in base units."""

import re
from pathlib import Path
from typing import Any

import pytest

from holdfast.client.incident_trace import as_dot, as_text, join
from holdfast.drafting.draft import read_json, read_list
from holdfast.errors import InvalidDraftError
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import canonical_json
from holdfast.protocol.life_cycle_views import TracePage
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request, sent
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT, leg_view

ETHEREUM = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
BSC = "eip155:56/erc20:0x55d398326f99059ff775485246999027b3197955"
UNKNOWN = "eip155:1/erc20:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
#: 1.5 USDT, in base units of either.
ONE_AND_A_HALF = {ETHEREUM: "1500000", BSC: "1500000000000000000"}
LINE, HOLD = new_id("lin"), new_id("hld")
ADDRESS = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"


@pytest.fixture
def shell(store: ProfileStore, analyst: Profile, tmp_path: Path) -> Shell:
    del analyst
    return Shell(store, tmp_path)


def _line(asset: str, amount: str | None) -> dict[str, Any]:
    return {
        "id": LINE,
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
        "kind": "frozen",
        "address_no": 0,
        "asset": asset,
        "amount": amount,
        "hold": HOLD,
        "reported_at": AT,
    }


def _hold(asset: str, amount: str) -> dict[str, Any]:
    return {
        "id": HOLD,
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
        "address_no": 0,
        "asset": asset,
        "frozen": amount,
        "held": amount,
        "released": "0",
        "returned": "0",
        "seized": "0",
        "basis": "voluntary",
        "frozen_at": AT,
        "hold_expires_at": AT,
        "request_id": FRQ,
        "owed_since": AT,
    }


def _answer_all(stub: StubCoordinator, asset: str, amount: str) -> None:
    """Answer everything that names an amount."""
    stub.forget_all()
    totals = {asset: {"found": amount, "frozen": amount, "held": amount}}
    address = {"address_no": 0, "account": "eip155:1:0xaa", "canonical": "eip155:1:0xaa"}
    answer_request(stub, totals=totals)
    stub.answers("GET", f"{REQUEST}/legs", {"items": [leg_view(totals=totals)]})
    stub.answers("GET", f"{REQUEST}/ledger", {"items": [_line(asset, amount)]})
    flagged = [{**address, "asset": asset, "amount": amount}]
    stub.answers("GET", f"{REQUEST}/addresses", {"items": flagged})
    stub.answers("GET", f"{REQUEST}/holds", {"items": [_hold(asset, amount)]})
    stub.answers("GET", "/v1/holds/owed", {"items": [_hold(asset, amount)]})
    given = {
        "id": new_id("ind"),
        "request_id": FRQ,
        "act_id": new_id("act"),
        "to": None,
        "cap": {"asset": asset, "amount": amount},
        "law": "EE",
        "until": AT,
        "document_sha256": "0" * 64,
        "given_at": AT,
    }
    stub.answers("GET", f"{REQUEST}/indemnities", {"items": [given]})
    month = {"from_month": "2026-01", "to_month": "2026-01"}
    none: dict[str, Any] = {"count": 0}
    row = {"partner": "b.example", "urgency": "flash", "month": "2026-01", "legs": 1}
    row |= {"acknowledged": none, "first_freeze": none, "assets": {asset: {"frozen": amount}}}
    stub.answers("GET", "/v1/statistics", {**month, "rows": [row]})


SURFACES = (
    ("status", FRQ, "--ledger", "--addresses"),
    ("holds", FRQ),
    ("owed",),
    ("indemnities", FRQ),
    ("statistics",),
)


@pytest.mark.parametrize("words", SURFACES, ids=lambda words: words[0])
def test_one_and_a_half_reads_the_same_whatever_the_decimals(
    shell: Shell, stub: StubCoordinator, words: tuple[str, ...]
) -> None:
    shown = {}
    for asset, chain in ((ETHEREUM, "Ethereum"), (BSC, "BNB Smart Chain")):
        _answer_all(stub, asset, ONE_AND_A_HALF[asset])
        output = shell(*words).output
        assert ONE_AND_A_HALF[asset] not in output
        assert "1.5" in output
        assert "USDT" in output
        shown[chain] = " ".join(output.replace(chain, "CHAIN").split()).replace("- ", "")
        shown[chain] = re.sub(r"(inc|per)_\w+", "id", shown[chain].replace("-", ""))
    # Nothing but the chain's name differs.
    assert shown["Ethereum"] == shown["BNB Smart Chain"]


@pytest.mark.parametrize("words", SURFACES, ids=lambda words: words[0])
def test_base_units_are_shown_on_demand_and_in_json(
    shell: Shell, stub: StubCoordinator, words: tuple[str, ...]
) -> None:
    _answer_all(stub, BSC, ONE_AND_A_HALF[BSC])
    for option in ("--base-units", "--json"):
        output = shell(*words, option).output
        assert ONE_AND_A_HALF[BSC] in output
        assert "1.5" not in output


def test_unknown_decimals_are_said(shell: Shell, stub: StubCoordinator) -> None:
    _answer_all(stub, UNKNOWN, "12000")
    held = shell("holds", FRQ).output
    assert "12000 base units of" in held
    assert "decimals unknown" in held
    assert "decimals unknown" in shell("status", FRQ).output
    assert "decimals unknown" in shell("statistics").output


def test_what_nothing_values_is_counted_and_never_zero(shell: Shell, stub: StubCoordinator) -> None:
    sums = {"found": "1", "unvalued": 1_200, "usd": {"found": "1234.50"}}
    answer_request(stub, totals={ETHEREUM: sums})
    stub.answers("GET", f"{REQUEST}/legs", {"items": []})
    [row] = [line for line in shell("status", FRQ).output.splitlines() if "in USD" in line]
    assert row.split("  ")[0] == "in USD, as stated (1,200 unvalued)"
    assert row.split()[-6:] == ["1,234.50", *["\N{EN DASH}"] * 5]
    stub.forget_all()
    stub.answers("GET", f"{REQUEST}/legs", {"items": []})
    answer_request(stub, totals={ETHEREUM: {"found": "1", "unvalued": 1}})
    # A row of dashes says nothing: how many are unvalued stands behind the asset.
    shown = shell("status", FRQ).output
    assert "USD," not in shown
    [row] = [line for line in shown.splitlines() if "unvalued" in line]
    assert row.startswith("USDT (Ethereum) (1 unvalued)  ")
    assert not re.search(r"\b0\.00\b", shell("status", FRQ).output)


def test_a_report_takes_amounts_as_people_write_them(shell: Shell, stub: StubCoordinator) -> None:
    _answer_all(stub, ETHEREUM, ONE_AND_A_HALF[ETHEREUM])
    made = {"id": new_id("rep"), "request_id": FRQ, "leg": leg_view(), "lines": []}
    stub.answers("POST", f"{REQUEST}/freeze-reports", made, status=201)
    words = ["--found", "0", "-", "2,500.5 USDT@BSC", "--frozen", "0", ETHEREUM, "1.5 USDT"]
    words += ["--found", "0", "-", "1.5 USDT", "--released", HOLD, "0.5 USDT", "expired"]
    words += ["--correct", LINE, "1.25 USDT", "a slip", "--found", "0", ETHEREUM, "withheld"]
    words += ["--seized", HOLD, "7", "An agency"]
    done = shell("report", FRQ, *words)
    assert done.exit_code == 0, done.output
    lines = [(line["kind"], line.get("asset"), line["amount"]) for line in sent(stub)["lines"]]
    assert lines == [
        ("found", BSC, "2500500000000000000000"),
        ("found", ETHEREUM, "1500000"),
        ("found", ETHEREUM, None),
        ("frozen", ETHEREUM, "1500000"),
        ("released", None, "500000"),
        ("seized", None, "7"),
        ("correction", None, "1250000"),
    ]
    file = shell.write("lines.json", canonical_json.dumps([_filed("1.5 USDT"), _filed("1.5")]))
    done = shell("report", FRQ, file)
    assert done.exit_code == 6
    assert "/lines/1: amount: '1.5' has a fraction and no symbol" in done.output
    file = shell.write("lines.json", canonical_json.dumps([_filed("1.5 USDT")]))
    assert shell("report", FRQ, file).exit_code == 0
    assert sent(stub)["lines"][0]["amount"] == "1500000"
    assert shell("report", FRQ, "--found", "0", "-", "7").exit_code == 6


def _filed(amount: str) -> dict[str, Any]:
    return {"kind": "found", "address_no": 0, "asset": ETHEREUM, "amount": amount}


def test_a_report_takes_a_table_as_the_console_does(shell: Shell, stub: StubCoordinator) -> None:
    _answer_all(stub, ETHEREUM, ONE_AND_A_HALF[ETHEREUM])
    stub.answers("GET", f"{REQUEST}/ledger", {"items": []})
    made = {"id": new_id("rep"), "request_id": FRQ, "leg": leg_view(), "lines": []}
    stub.answers("POST", f"{REQUEST}/freeze-reports", made, status=201)
    rows = "kind,no,amount,hold,reason\nfound,0,1.5 USDT,,\nfrozen,0,1.5 USDT,,\n"
    good = shell.write("mine.csv", f"{rows}released,,0.5 USDT,{HOLD},expired\n")
    done = shell("report", FRQ, good, "--hours", "24", "--basis", "own_policy")
    assert done.exit_code == 0, done.output
    found, frozen, released = sent(stub)["lines"]
    assert (found["address_no"], found["asset"], found["amount"]) == (0, ETHEREUM, "1500000")
    assert (frozen["basis"], frozen["amount"]) == ("own_policy", "1500000")
    assert frozen["frozen_at"] < frozen["hold_expires_at"]
    assert (released["hold"], released["amount"]) == (HOLD, "500000")
    posted = len(stub.seen)
    bad = shell.write("bad.csv", f"{rows}found,9,1 USDT,,\nfound,0,1500,,\n")
    done = shell("report", FRQ, bad)
    assert done.exit_code == 6
    assert "2 faults; nothing was reported" in done.output
    assert "line 4: No. 9 is not in this request" in done.output
    assert "line 5:" in done.output
    assert [each.method for each in stub.seen[posted:]] == ["GET"] * len(stub.seen[posted:])


def test_an_indemnity_is_capped_in_units(shell: Shell, stub: StubCoordinator) -> None:
    answer_request(stub)
    stub.answers("POST", f"{REQUEST}/indemnities", {}, status=500)
    words = ["--document", shell.write("i.pdf", b"%PDF"), "--law", "EE", "--until", AT]
    shell("indemnify", FRQ, *words, "--cap", "2_500 USDT@eip155:56", "-")
    assert sent(stub)["cap"] == {"amount": "2500000000000000000000", "asset": BSC}


_TEMPLATE = {
    "incident": {"title": "T", "kind": "hack", "occurred_at": AT},
    "urgency": "urgent",
    "tlp": "AMBER",
    "summary": "S",
    "to": ["exchange-b.example"],
}


def test_drafts_take_amounts_of_the_lines_own_chain_or_asset() -> None:
    addresses = [
        {"account": f"eip155:56:{ADDRESS}", "amount": "2_500 USDT"},
        {"account": f"eip155:1:{ADDRESS}", "asset": ETHEREUM, "amount": "1.5 USDT"},
        {"account": f"eip155:1:0x{'1' * 40}", "asset": ETHEREUM, "amount": "7"},
    ]
    draft = read_json(canonical_json.dumps({**_TEMPLATE, "addresses": addresses}))
    stated = [(each.asset, each.amount) for each in draft.request.addresses]
    assert stated == [(BSC, "2500000000000000000000"), (ETHEREUM, "1500000"), (ETHEREUM, "7")]
    rows = ["chain,address,amount", f"bsc,{ADDRESS},2_500 USDT", f'eth,{ADDRESS},"1,500.5 usdt"']
    draft = read_list("l.csv", "\n".join(rows).encode(), canonical_json.dumps(_TEMPLATE))
    stated = [(each.asset, each.amount) for each in draft.request.addresses]
    assert stated == [(BSC, "2500000000000000000000"), (ETHEREUM, "1500500000")]


def test_all_amounts_that_are_wrong_are_named_with_their_lines() -> None:
    rows = [f"eth,{ADDRESS},{amount}" for amount in ("1.1234567 USDT", "0 ETH", "5 XYZQ", "1 ETH")]
    raw = "\n".join(["chain,address,amount", *rows]).encode()
    with pytest.raises(InvalidDraftError) as refused:
        read_list("l.csv", raw, canonical_json.dumps(_TEMPLATE))
    assert [fault.partition(": amount: ")[0] for fault in refused.value.faults] == [
        "line 2",
        "line 3",
        "line 4",
    ]
    assert "leave it out for the whole balance" in refused.value.faults[1]
    document = {**_TEMPLATE, "addresses": [{"account": f"eip155:1:{ADDRESS}", "amount": "0"}]}
    with pytest.raises(InvalidDraftError, match="leave it out for the whole balance"):
        read_json(canonical_json.dumps(document))


@pytest.mark.parametrize("asset", [ETHEREUM, BSC])
def test_a_trace_says_units_in_words_and_in_dot(asset: str) -> None:
    place = {"request_id": FRQ, "address_no": 0, "asset": asset, "amount": ONE_AND_A_HALF[asset]}
    node = {"id": "eip155:1:0xaa", "kind": "account", "chain": "eip155:1", "flagged": [place]}
    graph = join([TracePage.model_validate({"nodes": [node], "edges": []})])
    for written in (as_text, as_dot):
        assert "1.5 USDT" in "\n".join(written(graph))
        assert ONE_AND_A_HALF[asset] in "\n".join(written(graph, base_units=True))
