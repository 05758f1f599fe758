"""Lists of what is held say which account it is held of, not its number alone."""

from pathlib import Path
from typing import Any

import pytest

from holdfast.cli.flagged_accounts import FlaggedAccounts
from holdfast.client.client import Client
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.views import AT, leg_view

_ACCOUNT = "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
_ADDRESSES = f"{REQUEST}/addresses"
_ETH = "eip155:1/slip44:60"
_SURFACES = (("holds", FRQ), ("owed",), ("status", FRQ, "--ledger"))


@pytest.fixture
def shell(store: ProfileStore, analyst: Profile, tmp_path: Path, stub: StubCoordinator) -> Shell:
    del analyst
    hold: dict[str, Any] = {
        "id": new_id("hld"),
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
    }
    hold |= dict.fromkeys(("released", "returned", "seized"), "0")
    hold |= {"address_no": 0, "asset": _ETH, "frozen": "7", "held": "7", "basis": "voluntary"}
    hold |= {"frozen_at": AT, "hold_expires_at": AT, "request_id": FRQ, "owed_since": AT}
    nothing = {"id": new_id("lin"), "partner": "exchange-b.example", "reported_at": AT}
    nothing |= {"leg_id": new_id("leg"), "kind": "nothing"}
    found = {**nothing, "kind": "found", "address_no": 0, "asset": _ETH, "amount": "7"}
    answer_request(stub)
    stub.answers("GET", f"{REQUEST}/legs", {"items": []})
    stub.answers("GET", f"{REQUEST}/ledger", {"items": [found, found, nothing]})
    stub.answers("GET", f"{REQUEST}/holds", {"items": [hold, hold]})
    stub.answers("GET", "/v1/holds/owed", {"items": [hold, hold]})
    return Shell(store, tmp_path)


def _flagged(number: int = 0, **members: Any) -> dict[str, Any]:
    return {"address_no": number, "account": _ACCOUNT, "canonical": _ACCOUNT, **members}


def _reads(stub: StubCoordinator) -> int:
    return sum(seen.target.startswith(_ADDRESSES) for seen in stub.seen)


@pytest.mark.parametrize("words", _SURFACES, ids=lambda words: words[0])
def test_the_account_stands_beside_the_number_and_is_read_once(
    shell: Shell, stub: StubCoordinator, words: tuple[str, ...]
) -> None:
    stub.answers("GET", _ADDRESSES, {"items": [_flagged(tag="495")]})
    shown = shell(*words).output
    assert shown.count(f"0: {_ACCOUNT}, tag 495") == 2
    assert _reads(stub) == 1
    # Programs get what the coordinator says, and nothing is read for them.
    assert _ACCOUNT not in shell(*words, "--json").output
    assert _reads(stub) == 1


@pytest.mark.parametrize("words", _SURFACES, ids=lambda words: words[0])
def test_where_it_cannot_be_read_the_number_stays(
    shell: Shell, stub: StubCoordinator, words: tuple[str, ...]
) -> None:
    stub.answers("GET", _ADDRESSES, problem(403, "forbidden"), status=403)
    done = shell(*words)
    assert done.exit_code == 0
    assert [line.split() for line in done.output.splitlines() if "  0  " in line]


def test_what_was_read_already_is_not_read_again(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("GET", _ADDRESSES, {"items": [_flagged()]})
    assert f"0: {_ACCOUNT}" in shell("status", FRQ, "--ledger", "--addresses").output
    assert _reads(stub) == 1


def test_of_thousands_of_addresses_a_thousand_are_read_at_most(
    analyst: Profile, stub: StubCoordinator
) -> None:
    del stub
    taken = []

    class Endless(Client):
        def addresses(self, request_id: str) -> Any:
            del request_id
            for number in range(10**6):
                taken.append(number)
                yield _View(number)

    accounts = FlaggedAccounts(Endless(analyst))
    assert accounts.of(FRQ, 999) == f"999: {_ACCOUNT}"
    assert accounts.of(FRQ, 4_711) == "4711"
    assert accounts.of(FRQ, None) is None
    assert len(taken) == 1_000


class _View:
    account = _ACCOUNT
    tag = None

    def __init__(self, number: int) -> None:
        self.address_no = number


def test_a_report_names_the_account_too(shell: Shell, stub: StubCoordinator) -> None:
    line: dict[str, Any] = {
        "id": new_id("lin"),
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
    }
    line |= {"kind": "found", "address_no": 0, "asset": _ETH, "amount": "7", "reported_at": AT}
    made = {"id": new_id("rep"), "request_id": FRQ, "leg": leg_view(request_id=FRQ)}
    stub.answers("POST", f"{REQUEST}/freeze-reports", {**made, "lines": [line]}, status=201)
    stub.answers("GET", _ADDRESSES, {"items": [_flagged()]})
    assert f"0: {_ACCOUNT}" in shell("report", FRQ, "--found", "0", _ETH, "7").output
