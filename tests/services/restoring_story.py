"""One restitution from its document to its end, through every act and every read of it."""

from typing import Any

from tests.services.restoring_cast import (
    DAY,
    TX,
    Restoring,
    approve,
    claim,
    opened,
    payout_account,
    shared,
)
from tests.services.through_api import World


def give_back(w: World, incident: str) -> Restoring:
    """Have A give back what came back of an incident that it opened."""
    a = w.cast.a
    prices = [{"asset": claim(1)["asset"], "units": "1000000000000000000", "value": "2641.12"}]
    valuation = {"at": "2026-03-02T09:00:00Z", "currency": "USD", "prices": prices}
    request: dict[str, Any] = {"incident": {"id": incident}}
    rst = opened(w, request, valuation=valuation)
    rst.came_back(500)
    one, two = rst.file(claim(1), claim(2))
    hashes = ((one, "0" * 64), (two, "1" * 64))
    links = [{"claim": each, "link_sha256": digest} for each, digest in hashes]
    rst.act(a.compliance, "claim-links", links=links)
    rst.act(a.compliance, "claim-link-revocations", claims=[two])
    rst.decide(a.lead, one, decision="verify")
    rst.decide(a.lead, two, decision="reject", code="not_a_victim", reason="Not in the list.")
    words = {"reason": "The transfer was ours."}
    rst.act(a.compliance, f"claims/{two}/objections", **words)
    rst.decide(a.lead, two, decision="verify")
    changes = f"claims/{two}/payout-changes"
    body = {"payout": payout_account(7), "documents": ["cd" * 32], "reason": "The old one is lost."}
    change = rst.act(a.compliance, changes, **body)["change"]
    decision = {"decision": "approve", "act_sha256": change["act_sha256"]}
    rst.act(a.lead, f"{changes}/{change['id']}/decisions", **decision)
    w.clock.step(3 * DAY)
    made = rst.act(a.compliance, "allocations", **shared(rst, 150))
    for lead in (a.lead, a.second_lead):
        approve(rst, lead, made)
    due = [each["id"] for each in w.get(a.auditor, f"{rst.path}/payouts")["items"]]
    rst.act(a.lead, "payouts", lines=[{"payout": each, "tx": TX} for each in due])
    for path in ("allocations", f"allocations/{made['id']}", f"claims/{one}", "payouts"):
        w.get(a.auditor, f"{rst.path}/{path}")
    for path in ("/v1/restitutions", rst.path, f"{rst.path}/pool-lines", f"{rst.path}/claims"):
        w.get(a.auditor, path)
    w.clock.step(61 * DAY)
    rst.act(a.lead, "closure")
    return rst
