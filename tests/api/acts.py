"""Steps that tests of the API take through the front door."""

import secrets
from typing import Any

from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import shipped_chains
from tests.factories import ETHER, Cast, Exchange, Signer, freeze_request_body

CHAINS = shipped_chains()


def fresh_account() -> str:
    """Return an account that no other request names, with its checksum, so that nothing warns."""
    while True:
        shown = parse_account(CHAINS, f"eip155:1:0x{secrets.token_hex(20)}").display
        digits = shown.removeprefix("eip155:1:0x")
        # One in two thousand has letters of one case only, and that is no checksum.
        if digits not in {digits.lower(), digits.upper()}:
            return shown


def submit(signer: Signer, cast: Cast, **changes: Any) -> dict[str, Any]:
    """Have A's analyst submit a request for a fresh account; returns its view."""
    addresses = [{"account": fresh_account(), "asset": ETHER, "amount": "10000000000000000000"}]
    body = freeze_request_body(**{"addresses": addresses, **changes})
    answer = signer.post(cast.a.analyst, "/v1/freeze-requests", body)
    assert answer.status_code == 201, answer.data
    view: dict[str, Any] = answer.get_json()
    return view


def approve(signer: Signer, cast: Cast, request: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Have A's lead approve a request; returns the act."""
    body = {
        "content_sha256": request["content_sha256"],
        "context_sha256": request["context_sha256"],
        "decision": "approve",
        "comment": "checked by phone",
        **changes,
    }
    answer = signer.post(cast.a.lead, f"/v1/freeze-requests/{request['id']}/approvals", body)
    assert answer.status_code == 201, answer.data
    act: dict[str, Any] = answer.get_json()
    return act


def report_frozen(
    signer: Signer, exchange: Exchange, request: dict[str, Any], amount: str = "700"
) -> dict[str, Any]:
    """Have an exchange report that it found and froze `amount`; returns the report."""
    body = {
        "content_sha256": request["content_sha256"],
        "lines": [
            {"kind": "found", "address_no": 0, "asset": ETHER, "amount": amount},
            {
                "kind": "frozen",
                "address_no": 0,
                "asset": ETHER,
                "amount": amount,
                "frozen_at": "2026-03-02T12:00:00Z",
                "hold_expires_at": "2026-03-05T12:00:00Z",
                "basis": "voluntary",
            },
        ],
    }
    path = f"/v1/freeze-requests/{request['id']}/freeze-reports"
    answer = signer.post(exchange.compliance, path, body)
    assert answer.status_code == 201, answer.data
    report: dict[str, Any] = answer.get_json()
    return report
