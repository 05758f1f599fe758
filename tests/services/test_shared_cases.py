"""The files of ../shared/cases through a submission: the coordinator answers as is right."""

import json
from pathlib import Path
from typing import Any

import pytest

from coordinator.domain.service_wallets import ServiceWallets
from holdfast.drafting.draft import read_draft
from holdfast.protocol import canonical_json
from tests.known_chains import CHAINS
from tests.services.request_cast import Desk, refusal

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")
ADDRESS = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"


def cases(name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((CASES / name).read_text("utf-8"))
    return found


def test_accounts_are_taken_with_their_warnings_or_refused(desk: Desk) -> None:
    for case in cases("accounts.json"):
        flagged = [{"account": case["account"]}]
        if case["right"].startswith("take it"):
            warnings = {each["code"] for each in desk.submit(addresses=flagged).answer["warnings"]}
            if case.get("check") == "warning":
                assert warnings & {"token_contract", "no_key"}, case
        elif "tag" not in case["right"]:
            assert "/addresses/0/account" in refusal(desk.submit, addresses=flagged).pointers


def test_assets_and_transactions_are_taken_or_refused(desk: Desk) -> None:
    issuer = "xrpl:0:rPEPPER7kfTD9w2To4CQk6UCfuHM9c6GDY"
    for case in cases("assets.json"):
        desk.submit(addresses=[{"account": issuer, "tag": "7", "asset": case["asset"]}])
    for case in cases("transactions.json"):
        flagged = [{"account": f"{case['chain']}:{ADDRESS}", "tx": case["tx"]}]
        if not case["right"].startswith("refused"):
            desk.submit(addresses=flagged)
        elif "link" not in case["right"]:  # that is refused before, as no transaction id at all
            refused = refusal(desk.submit, addresses=flagged)
            assert refused.pointers == {"/addresses/0/tx": "bad_transaction"}


@pytest.mark.parametrize(
    "name", ["theft_over_31_chains.csv", "chain_names.csv", "blank_rows.csv", "utf16.csv"]
)
def test_lists_that_the_kit_reads_are_taken_whole(desk: Desk, name: str) -> None:
    template: dict[str, Any] = {
        "incident": {"title": "t", "kind": "hack", "occurred_at": "2025-02-21T14:13:35Z"},
        "urgency": "urgent",
        "summary": "s",
        "to": ["exchange-b.example"],
    }
    draft = read_draft(name, (CASES / name).read_bytes(), canonical_json.dumps(template))
    flagged = [each.model_dump(mode="json", exclude_unset=True) for each in draft.request.addresses]
    assert desk.submit(addresses=flagged).answer["address_count"] == len(flagged)


def test_a_list_of_wallets_with_a_bad_entry_is_read_or_its_entry_is_named() -> None:
    name = "service_wallets_bad.json"
    wallets = ServiceWallets.load([(name, (CASES / name).read_text("utf-8"))], CHAINS)
    assert len(wallets) + len(wallets.faults) == 1
    assert all(fault.startswith(f"{name}: ton:-239:") for fault in wallets.faults)
