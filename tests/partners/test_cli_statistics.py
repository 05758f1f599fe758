"""`holdfast statistics` and `year`, against a stand-in on a real socket."""

from pathlib import Path
from typing import Any

import pytest

from holdfast.profiles.store import ProfileStore
from holdfast.protocol import strict_json
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import StubCoordinator

ETH = "eip155:1/slip44:60"
TOKEN = "eip155:1/erc20:0x51e9d833ecae4e8d9d8be17300aee6d3398c135d"
UNITS = {ETH: {"symbol": "ETH", "decimals": 18}}
QUICK = {"count": 3, "median_ms": 90_000, "p90_ms": 600_000}
SUMS = {
    ETH: {"asked": str(10**22), "found": str(15 * 10**17), "frozen": "1", "withheld": 2},
    TOKEN: {"asked": "1234567", "found": "0", "frozen": "0", "returned": "0"},
}
USD = {"asked": "27000000.00", "found": "4100.50", "unvalued": 3}


@pytest.fixture
def shell(store: ProfileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.delenv("HOLDFAST_COORDINATOR", raising=False)
    return Shell(store, tmp_path)


def _row(**members: Any) -> dict[str, Any]:
    return {
        "partner": "exchange-b.example",
        "urgency": "flash",
        "month": "2026-01",
        "legs": 3,
        "acknowledged": QUICK,
        "acknowledged_in_time": {"count": 3, "in_time": 2},
        "answered": {"count": 2, "median_ms": 7_200_000, "p90_ms": 90_000_000},
        "answered_in_time": {"count": 1_003, "in_time": 1_002},
        "first_freeze": {"count": 0},
        **members,
    }


def _facts(output: str) -> list[tuple[str, ...]]:
    """Return the lines as name and value, which two blanks part."""
    return [tuple(line.split("  ", 1)) for line in output.splitlines() if "  " in line]


def _value(output: str, name: str) -> list[str]:
    return [fact[1].strip() for fact in _facts(output) if fact[0].strip() == name]


@pytest.mark.usefixtures("analyst")
def test_statistics_show_times_amounts_dollars_and_codes(
    shell: Shell, stub: StubCoordinator
) -> None:
    mix = {"declined": {"funds_gone": 2, "other": 5}, "nothing": {"no_match": 1_048}}
    view = {
        "from_month": "2026-01",
        "to_month": "2026-02",
        "rows": [_row(assets=SUMS, usd=USD, **mix)],
        "units": UNITS,
    }
    stub.answers("GET", "/v1/statistics?from=2026-01&to=2026-02", view)
    shown = shell("statistics", "--from", "2026-01", "--to", "2026-02").output
    assert shown.startswith("frozen    nothing\nrestored  nothing\n\nexchange-b.example, flash,")
    assert _value(shown, "acknowledged") == ["1.5 min / 10.0 min, of 3"]
    assert _value(shown, "acknowledged in time") == ["2 of 3"]
    assert _value(shown, "answered") == ["2.0 h / 25.0 h, of 2"]
    assert _value(shown, "answered in time") == ["1,002 of 1,003"]
    assert _value(shown, "first freeze") == []
    sums = "asked 10,000 ETH, found 1.5 ETH, frozen 0.000000000000000001 ETH, released 0 ETH"
    sums += ", returned 0 ETH, restored 0 ETH"
    assert _value(shown, "ETH") == [f"{sums}, 2 withheld (Ethereum)"]
    nothing = "found 0, frozen 0, released 0, returned 0, restored 0"
    unknown = f"asked 1234567, {nothing} ({TOKEN}, decimals unknown)"
    assert _value(shown, "base units") == [unknown]
    assert _value(shown, "US dollars") == [
        (
            "asked 27,000,000.00, found 4,100.50, frozen \N{EN DASH}, released \N{EN DASH}, "
            "returned \N{EN DASH}, restored \N{EN DASH} (3 unvalued)"
        )
    ]
    assert _value(shown, "declined") == ["other 5, funds_gone 2"]
    assert _value(shown, "nothing on") == ["no_match 1,048"]
    # One row is its own sum.
    assert "all together" not in shown


@pytest.mark.usefixtures("analyst")
def test_seconds_and_hours_are_told_as_such_and_no_amount_as_none(
    shell: Shell, stub: StubCoordinator
) -> None:
    times = {"count": 1, "median_ms": 300, "p90_ms": 5_400_000}
    row = _row(acknowledged=times, assets={ETH: {"found": "7"}})
    view = {"from_month": "2026-01", "to_month": "2026-01", "rows": [row]}
    stub.answers("GET", "/v1/statistics", view)
    shown = shell("statistics").output
    assert _value(shown, "acknowledged") == ["0.3 s / 1.5 h, of 1"]
    assert _value(shown, "ETH")[0].startswith(
        "asked without an amount, found 0.000000000000000007 ETH,"
    )


@pytest.mark.usefixtures("analyst")
def test_statistics_of_several_rows_end_with_their_sums(
    shell: Shell, stub: StubCoordinator
) -> None:
    view = {"from_month": "2026-01", "to_month": "2026-01", "units": UNITS}
    rows = [_row(), _row(partner="exchange-c.example", legs=1)]
    stub.answers("GET", "/v1/statistics", {**view, "rows": rows, "totals": SUMS, "usd": USD})
    shown = shell("statistics").output
    assert _value(shown, "requests") == ["3", "1"]
    assert len(_value(shown.partition("all together")[2], "ETH")) == 1
    stub.answers("GET", "/v1/statistics?from=2020-01", {**view, "rows": []})
    assert "Nobody was asked" in shell("statistics", "--from", "2020-01").output


@pytest.mark.usefixtures("analyst")
def test_wrong_targets_are_shares_of_what_was_frozen_and_none_where_nothing_was(
    shell: Shell, stub: StubCoordinator
) -> None:
    names = ("frozen_requests", "wrong_requests", "frozen_addresses", "wrong_addresses")
    requesters = [
        {"requester": handle, **dict(zip(names, counts, strict=True))}
        for handle, counts in (
            ("exchange-a.example", (8, 1, 1_000, 25)),
            ("exchange-c.example", (0, 0, 0, 0)),
        )
    ]
    view = {"from_month": "2026-01", "to_month": "2026-01", "rows": [_row()]}
    stub.answers("GET", "/v1/statistics", view | {"requesters": requesters})
    lines = {line.split("  ")[0]: line for line in shell("statistics").output.splitlines()}
    assert "25 of 1,000 (2.5 %)" in lines["exchange-a.example"]
    assert "1 of 8 (12.5 %)" in lines["exchange-a.example"]
    assert lines["exchange-c.example"].split()[1:] == ["\N{EN DASH}", "\N{EN DASH}"]


def test_the_public_year_is_shown_to_who_has_no_key(shell: Shell, stub: StubCoordinator) -> None:
    partner = {"partner": "exchange-b.example", "cases": 12, "acknowledged": QUICK}
    view = {
        "year": 2025,
        "named_from_cases": 10,
        "requests": 1_200,
        "cases": 14,
        "acknowledged": QUICK,
        "assets": SUMS,
        "usd": USD,
        "units": UNITS,
        "declined": {"moved_on": 3},
        "nothing": {"no_match": 9},
        "partners": [{**partner, "first_freeze": {"count": 0}}],
    }
    stub.answers("GET", "/v1/statistics/2025", view)
    shown = shell("year", "2025", "--coordinator", stub.origin).output
    assert stub.seen[-1].token is None
    assert _value(shown, "requests") == ["1,200", "12"]
    assert _value(shown, "cases")[0].startswith("14,")
    assert _value(shown, "acknowledged") == ["1.5 min / 10.0 min, of 3"] * 2
    assert [len(_value(shown, name)) for name in ("ETH", "base units", "US dollars")] == [1, 1, 1]
    assert _value(shown, "declined") == ["moved_on 3"]
    assert _value(shown, "nothing on") == ["no_match 9"]
    assert "\nexchange-b.example\n" in shown
    assert "named from 10 cases on" in shown
    document: Any = strict_json.loads(
        shell("--json", "year", "2025", "--coordinator", stub.origin).stdout.encode()
    )
    assert document["cases"] == 14


def test_sums_that_the_public_is_not_told_are_left_out_and_not_shown_as_nothing(
    shell: Shell, stub: StubCoordinator
) -> None:
    asset = ETH
    view = {
        "year": 2025,
        "named_from_cases": 10,
        "requests": 40,
        "cases": 40,
        "assets": {asset: {"found": "7"}},
        "usd": {"frozen": "12.00"},
        "units": {asset: {"symbol": "ETH", "decimals": 0}},
    }
    stub.answers("GET", "/v1/statistics/2025", view)
    shown = shell("year", "2025", "--coordinator", stub.origin).output
    assert _value(shown, "ETH") == ["found 7 ETH (Ethereum)"]
    assert _value(shown, "US dollars") == ["frozen 12.00"]
    assert "from as many cases and as many partners" in shown.replace("\n", " ")
    stub.answers("GET", "/v1/statistics/2024", view | {"assets": {}, "usd": {}})
    none = shell("year", "2024", "--coordinator", stub.origin).output
    assert _value(none, "US dollars") == []


@pytest.mark.usefixtures("analyst")
def test_of_a_year_with_few_cases_it_is_said_that_no_more_is_published(
    shell: Shell, stub: StubCoordinator
) -> None:
    few = {"year": 2025, "named_from_cases": 10, "requests": 1, "cases": 2}
    stub.answers("GET", "/v1/statistics/2025", few)
    shown = shell("year", "2025").output
    assert "With fewer than 10 answers in all, nothing more is published." in shown
    assert stub.seen[-1].token is None
    assert shell("year", "99").exit_code == 2
