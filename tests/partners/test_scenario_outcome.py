"""The table at the end of a scenario: in units and dollars, on one screen."""

import io

from rich.console import Console

from holdfast.protocol.views import AssetUnit
from reference_exchange.scenarios.accounts import Summary
from reference_exchange.scenarios.outcome import tell

ETH, USDT = "eip155:1/slip44:60", "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
UNITS = {
    ETH: AssetUnit(symbol="ETH", decimals=18),
    USDT: AssetUnit(symbol="USDT", decimals=6),
}


def told(summary: Summary) -> list[str]:
    out = io.StringIO()
    tell(Console(file=out, width=80), summary, UNITS, {"ETH": 2_000})
    return out.getvalue().splitlines()


def test_each_asset_is_told_in_units_and_in_dollars_where_it_has_a_price() -> None:
    lines = told(
        Summary(
            requests=1,
            addresses=51,
            legs=3,
            found={ETH: str(2 * 10**24), USDT: "1500000"},
            frozen={ETH: str(10**24)},
            held={ETH: str(10**24)},
            seconds_approval_to_first_freeze=0.44,
        )
    )
    assert max(map(len, lines)) <= 80
    cells = [line.split() for line in lines]
    bars = {row[0]: row[-1].count("\N{FULL BLOCK}") for row in cells if len(row) > 3}
    assert ["found", "2,000,000", "4,000,000,000"] in [row[:3] for row in cells]
    assert ["found", "1.5", "\N{EN DASH}"] in [row[:3] for row in cells]
    assert bars["frozen"] * 2 == 28
    assert ["first", "freeze", "0.4", "s"] in [row[:4] for row in cells]
    # What the first act alone shows is not told where it was not played.
    assert not any("refused" in row for row in cells)


def test_what_the_first_act_noticed_is_told() -> None:
    assert any("noticed, refused    3: a forgery" in line for line in told(Summary(refused=3)))


def test_an_amount_with_many_decimals_is_rounded_down_to_fit_its_column() -> None:
    paid = Summary(claims_paid=1, frozen={ETH: "1194999999999999999999"})
    lines = told(paid)
    assert max(map(len, lines)) <= 80
    assert any(line.split()[:2] == ["frozen", "1,194.99"] for line in lines)
    assert any("given to victims    1 claim paid" in line for line in lines)


def test_what_was_proven_afterwards_is_told_on_a_line_each() -> None:
    lines = told(Summary(log_verified=True, bundles_verified=3, restored=True))
    assert max(map(len, lines)) <= 80
    rows = [
        line for line in lines if line.startswith(("  the log ", "  for a court ", "  a backup "))
    ]
    assert len(rows) == 3
    assert "3 evidence files, each verified without the coordinator" in rows[1]
    assert "restored into an empty folder, and found in order" in rows[2]
    silent = told(Summary(log_verified=False, bundles_verified=0, restored=False))
    assert not any("court" in line or "backup" in line for line in silent)
