"""What leads decide on in the stories: requests with something wrong in them, and their people."""

from typing import Any

from playwright.sync_api import Page

from tests import factories
from tests.browser.served import Served
from tests.factories import ETHER, Exchange, Member

#: Four that the FBI published, in their checksummed form, and one without.
ACCOUNTS = (
    "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D",
    "0x96244D83DC15d36847C35209bBDc5bdDE9bEc3D8",
    "0x83c7678492D623fb98834F0fbcb2E7b7f5Af8950",
    "0x83Ef5E80faD88288F770152875Ab0bb16641a09E",
    "0xaf620e6d32b1c67f3396ef5d2f7d7642dc2e6ce9",
)
TX = "0xb61413c495fdad6114a7aa863a00b2e3c28945979a10885b12b30316ea9f072c"


def address(number: int, **changes: Any) -> dict[str, Any]:
    """Return a flagged address of ours; the last of them has no checksum."""
    sent = {
        "account": f"eip155:1:{ACCOUNTS[number]}",
        "asset": ETHER,
        "amount": str((number + 1) * 1_250_500_000_000_000_000_000),
        "usd": {"value": f"{(number + 1) * 3_300_000}", "at": "2026-03-02T10:00:00Z",
                "source": "our own book"},
        "tx": TX,
        "block": 21895238 + number,
    }  # fmt: skip
    return {name: value for name, value in (sent | changes).items() if value is not ...}


def whole_request(**changes: Any) -> dict[str, Any]:
    """Return a request of five addresses, two of which may be the wrong ones."""
    whole = {"why": "It was opened for this, every deposit is ours."}
    usual = {
        "addresses": [
            address(0, note="First address after the split"),
            address(1, role="deposit", note="Mixes with others"),
            address(2, whole_account=whole),
            address(3),
            address(4),
        ],
        "indemnity": {"offered": True, "text": "Up to 250,000 dollars, under Irish law."},
    }
    return factories.freeze_request_body(**(usual | changes))


def submit(served: Served, asker: Exchange, by: Member | None = None, **changes: Any) -> str:
    """Submit such a request; return its id."""
    body = whole_request(**changes)
    answer = served.post(by or asker.analyst, "/v1/freeze-requests", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def name_people(served: Served, asker: Exchange) -> None:
    """Note what its people are called, and how the analyst is reached."""
    named = {
        asker.analyst: {"display_name": "Jonas Weber", "contact": "+353 1 555 0142"},
        asker.lead: {"display_name": "Mara Lindqvist"},
        asker.second_lead: {"display_name": "Tom Okafor"},
    }
    for member, names in named.items():
        path = f"/v1/people/{member.subject}"
        answer = served.send(asker.lead, "PATCH", path, names)
        assert answer.status_code == 200, answer.text


def open_decision(page: Page, served: Served, request_id: str) -> None:
    """Open the page of a decision."""
    page.goto(f"{served.console}/console/requests/{request_id}/decide")
