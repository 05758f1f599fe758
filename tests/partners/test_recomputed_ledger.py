"""Adding up the ledger again: what no true report comes to is said, whoever signed it."""

from datetime import UTC, datetime
from typing import Any

from holdfast.evidence.ledger import RecomputedLedger, add_up, sum_of
from holdfast.evidence.signed_lines import SignedReport
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.payloads import FreezeReport
from holdfast.protocol.type_ids import new_id, new_ids
from holdfast.protocol.views import HoldView, LegView, LineView
from tests.partners.views import leg_view

B = "exchange-b.example"
ETH = "eip155:1/slip44:60"
USDT = "eip155:1/erc20:0xdAC17F958D2ee523a2206206994597C13D831ec7"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LEG = new_id("leg")


def found(amount: int | None, **more: Any) -> dict[str, Any]:
    text = None if amount is None else str(amount)
    return {"kind": "found", "address_no": 0, "asset": ETH, "amount": text, **more}


def frozen(amount: int | None, **more: Any) -> dict[str, Any]:
    times = {"frozen_at": "2026-01-02T03:04:05Z", "hold_expires_at": "2026-01-05T03:04:05Z"}
    return {**found(amount), "kind": "frozen", **times, **more}


def released(hold: str, amount: int) -> dict[str, Any]:
    return {"kind": "released", "hold": hold, "amount": str(amount), "reason": "expired"}


def ledger_of(
    *signed: dict[str, Any], holds: list[HoldView] | None = None, **shown: Any
) -> RecomputedLedger:
    """Return B's ledger of one report whose lines are shown as they were signed.

    `shown` replaces members of every line that has them.
    """
    body = {"content_sha256": "ab" * 32, "lines": list(signed)}
    document = strict_json.loads(canonical_json.dumps(body))
    report = SignedReport("act_1", B, AT, FreezeReport.model_validate(document), document)
    opened = iter(new_ids("hld", len(signed)))
    last, views = "", []
    for line_id, line in zip(new_ids("lin", len(signed)), signed, strict=True):
        last = last if "hold" in line or line["kind"] == "found" else next(opened)
        own = {"id": line_id, "report_id": report.id, "leg_id": LEG, "partner": B}
        place = {"address_no": 0, "asset": ETH}
        about = {} if line["kind"] == "found" else {"hold": line.get("hold", last)}
        said = {**own, **place, **about, **line, "reported_at": AT}
        said |= {name: value for name, value in shown.items() if name in said}
        withheld = said["amount"] is None
        views.append(LineView.model_validate({**said, "withheld": withheld}))
    leg = LegView.model_validate(leg_view(id=LEG, partner=B))
    return add_up([report], [], lines=views, holds=holds or [], legs=[leg])[B]


def test_more_frozen_than_found_is_said() -> None:
    assert not [f for f in ledger_of(found(5), frozen(5)).faults if "than it found" in f]
    assert [f for f in ledger_of(found(4), frozen(5)).faults if "more than it found" in f]
    assert [f for f in ledger_of(frozen(5)).faults if "more than it found" in f]
    assert not [f for f in ledger_of(found(None), frozen(5)).faults if "than it found" in f]


def test_more_gone_than_was_frozen_is_said() -> None:
    hold = new_id("hld")
    assert [f for f in ledger_of(released(hold, 1)).faults if "more left" in f]


def test_sums_are_whole_numbers_however_large() -> None:
    huge = 2**256 - 1
    sums = sum_of([ledger_of(found(huge), frozen(huge)), ledger_of(found(huge), frozen(huge))])
    assert sums[ETH]["held"] == sums[ETH]["found"] == 2 * huge


def test_one_asset_in_two_spellings_is_one_and_another_is_not() -> None:
    line = found(1, asset=USDT)
    for same in (USDT, USDT.lower().replace("erc20:0x", "erc20:0x")):
        assert not [f for f in ledger_of(line, asset=same).faults if "asset" in f.split(": ")[-1]]
    for other in (ETH, USDT.replace("dAC1", "dAC2"), USDT.replace("erc20", "erc721"), ""):
        assert [f for f in ledger_of(line, asset=other).faults if f.endswith("asset")]


def test_a_partner_without_a_leg_has_no_lines() -> None:
    document = {"content_sha256": "ab" * 32, "lines": [found(1)]}
    report = SignedReport("act_1", B, AT, FreezeReport.model_validate(document), document)
    assert "no leg" in " ".join(add_up([report], [], lines=[], holds=[], legs=[])[B].faults)
