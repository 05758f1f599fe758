"""The operator's list of known wallets."""

from pathlib import Path

import pytest

from coordinator.domain.service_wallets import ServiceWallets
from holdfast.protocol.chains.account import parse_account
from tests.known_chains import CHAINS

DATA = Path(__file__).parents[3] / "shared" / "data"
KRAKEN = "0x2910543af39aba0cd09dbb2d50200b3e800a63d2"


def _label(wallets: ServiceWallets, account: str) -> str | None:
    return wallets.label(parse_account(CHAINS, account))


def test_a_bare_evm_address_is_known_on_every_evm_chain_and_in_either_spelling() -> None:
    wallets = ServiceWallets.load([("list", f'{{"{KRAKEN}": "Kraken"}}')], CHAINS)
    assert _label(wallets, f"eip155:1:{KRAKEN}") == "Kraken"
    assert _label(wallets, f"eip155:56:{KRAKEN}") == "Kraken"
    assert _label(wallets, f"eip155:1:{KRAKEN[:-1]}3") is None


def test_other_chains_are_named_and_stay_apart() -> None:
    account = "tron:0x2b6653dc:TTKnV2S1295UrPr7N67Tp9ykNL7xX2Z4Uj"
    wallets = ServiceWallets.load([("list", f'{{"{account}": "A wallet"}}')], CHAINS)
    assert _label(wallets, account) == "A wallet"
    assert _label(wallets, f"eip155:1:{KRAKEN}") is None


@pytest.mark.parametrize("text", ["[]", "no JSON", '{"0x12": "short"}', '{"what:1:x": "y"}'])
def test_what_cannot_be_read_is_named_with_its_file(text: str) -> None:
    wallets = ServiceWallets.load([("a.json", text)], CHAINS)
    (fault,) = wallets.faults
    assert fault.startswith("a.json: ")


def test_bad_entries_are_all_named_and_the_good_ones_hold() -> None:
    text = f'{{"0x12": "short", "{KRAKEN}": "Kraken", "what:1:x": "y"}}'
    wallets = ServiceWallets.load([("a.json", "[]"), ("b.json", text)], CHAINS)
    assert _label(wallets, f"eip155:1:{KRAKEN}") == "Kraken"
    assert [fault.split(": ")[:2] for fault in wallets.faults] == [
        ["a.json", "must be one JSON object of account to label"],
        ["b.json", "0x12"],
        ["b.json", "what:1:x"],
    ]


def test_real_lists_of_four_exchanges_are_read_whole() -> None:
    files = sorted(DATA.glob("service_wallets_*.json"))
    if not files:
        pytest.skip("the lists of service wallets are not beside this checkout")
    wallets = ServiceWallets.load(((f.name, f.read_text(encoding="utf-8")) for f in files), CHAINS)
    assert len(wallets) > 100
    assert _label(wallets, f"eip155:1:{KRAKEN}") == "Kraken"
