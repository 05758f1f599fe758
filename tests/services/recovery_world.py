"""Misplaced deposits between A, which asks for them, and B, where they arrived."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from werkzeug.test import TestResponse

from tests.factories import ETHER, Exchange, Member, nonce
from tests.services.through_api import World

RECOVERIES = "/v1/recovery-requests"
#: The requester's hot wallet, and the deposit account of the partner.
HOT_WALLET = "eip155:1:0x52908400098527886E0F7030069857D2E4169EE7"
ARRIVED_AT = "eip155:1:0x8617E340B3D01FA5F11F306F4090FD50E238070D"
ELSEWHERE = "eip155:1:0x27b1fdb04752bbc536007a920d24acb045561c26"
PAPER = {"kind": "withdrawal_record", "sha256": "ab" * 32}


def tx(number: int) -> str:
    """Return a transaction; equal numbers, equal transactions."""
    return "0x" + sha256(str(number).encode()).hexdigest()


def deposit(number: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a deposit of 1,000 that went to the wrong network; up to 50 may be kept of it."""
    words: dict[str, Any] = {
        "account": ARRIVED_AT,
        "asset": ETHER,
        "amount": "1000",
        "tx": tx(number),
        "sent_from": HOT_WALLET,
        "return_to": HOT_WALLET,
        "mistake": "wrong_network",
        "fee_accepted": "50",
    }
    return {name: value for name, value in (words | changes).items() if value is not ...}


def found(no: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a line: it is here, and returning it costs 40."""
    line = {"kind": "found", "no": no, "amount": "1000", "sent_from": HOT_WALLET, "fee": "40"}
    return line | changes


def returned(no: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a line: it went back, less 40."""
    line = {"kind": "returned", "no": no, "tx": tx(900 + no), "amount": "960", "fee": "40"}
    return line | changes


@dataclass(frozen=True, slots=True)
class Recoveries:
    """What both sides do."""

    w: World

    def submit(
        self, *deposits: dict[str, Any], by: Member | None = None, status: int = 201, **words: Any
    ) -> dict[str, Any]:
        """Have A's analyst ask B for deposits; returns the answer."""
        cast = self.w.cast
        body = {"nonce": nonce(), "to": cast.b.handle, "deposits": list(deposits), **words}
        answer = self.w.signer.post(by or cast.a.analyst, RECOVERIES, body)
        assert answer.status_code == status, answer.data
        view: dict[str, Any] = answer.get_json()
        return view

    def try_act(
        self, member: Member, request: dict[str, Any], name: str, **members: Any
    ) -> TestResponse:
        """Act on a request; returns the response, whatever it is."""
        body = {"content_sha256": request["content_sha256"], **members}
        return self.w.signer.post(member, f"{RECOVERIES}/{request['id']}/{name}", body)

    def act(
        self, member: Member, request: dict[str, Any], name: str, **members: Any
    ) -> dict[str, Any]:
        """Act on a request with success."""
        answer = self.try_act(member, request, name, **members)
        assert answer.status_code == 201, answer.data
        view: dict[str, Any] = answer.get_json()
        return view

    def out(self, *deposits: dict[str, Any], **words: Any) -> dict[str, Any]:
        """Have a request submitted and approved."""
        request = self.submit(*deposits, **words)
        approver = self.w.cast.a.compliance
        self.act(approver, request, "approvals", decision="approve")
        return request

    def answer(self, request: dict[str, Any], *lines: dict[str, Any]) -> dict[str, Any]:
        """Have B's compliance answer."""
        return self.act(self.w.cast.b.compliance, request, "answers", lines=list(lines))

    def reply(self, request: dict[str, Any], *lines: dict[str, Any]) -> dict[str, Any]:
        """Have A's analyst reply."""
        return self.act(self.w.cast.a.analyst, request, "replies", lines=list(lines))

    def read(self, by: Exchange, request: dict[str, Any]) -> dict[str, Any]:
        """Return a request as one side sees it."""
        view: dict[str, Any] = self.w.get(by.auditor, f"{RECOVERIES}/{request['id']}")
        return view

    def items(self, by: Exchange, path: str) -> list[dict[str, Any]]:
        """Return all of a list below the recovery requests."""
        found: list[dict[str, Any]] = []
        joint, cursor = ("&" if "?" in path else "?"), ""
        while True:
            page = self.w.get(by.auditor, f"{RECOVERIES}{path}{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"{joint}cursor={page['next_cursor']}"

    def deposits(self, by: Exchange, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a request's deposits as one side sees them."""
        return self.items(by, f"/{request['id']}/deposits")
