"""`holdfast chains`: the coordinator's table, shown, kept and used for drafts."""

from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import strict_json
from holdfast.protocol.chains.chain import load_chains, shipped_chains
from tests.partners.shell import FILLED_IN, Shell
from tests.partners.stub_coordinator import StubCoordinator

ADDED = """
[family.evm]
rule = "evm"
decimals = 18
chains = [ { id = "eip155:5001", name = "Trial", symbol = "TRL", slip44 = 60 } ]
"""
ADDRESS = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"


def serve(stub: StubCoordinator, *additions: str) -> None:
    chains = load_chains(*additions)
    stub.answers("GET", "/v1/chains", {"version": chains.version, **chains.table})


def test_chains_are_listed_within_80_columns_and_kept(
    shell: Shell, analyst: Profile, store: ProfileStore, stub: StubCoordinator
) -> None:
    serve(stub, ADDED)
    done = shell("chains")
    assert "Trial" in done.output
    assert "xrpl:0" in done.output
    assert max(map(len, done.output.splitlines())) <= 80
    kept = store.chains(analyst.coordinator)
    assert kept is not None
    assert kept.version == load_chains(ADDED).version


def test_one_chain_is_shown_by_what_people_call_it(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    serve(stub)
    done = shell("chains", "bsc")
    assert "BNB Smart Chain" in done.output
    assert "USDT (18 decimals)" in done.output
    document = strict_json.loads(shell("--json", "chains", "xrp").output.encode())
    assert (document["id"], document["decimals"]) == ("xrpl:0", 6)
    unknown = shell("chains", "nowhere")
    assert unknown.exit_code == 2
    assert "no known chain" in unknown.output


def test_a_changed_table_is_said(
    shell: Shell, analyst: Profile, store: ProfileStore, stub: StubCoordinator
) -> None:
    serve(stub, ADDED)
    assert "has changed" not in shell("chains").output + shell("chains").output
    store.keep_chains(analyst.coordinator, shipped_chains())
    assert "has changed" in shell("chains").output


def test_a_draft_is_checked_by_the_table_that_was_kept(
    shell: Shell, analyst: Profile, store: ProfileStore, stub: StubCoordinator
) -> None:
    template = shell.write("t.json", shell("draft", "--csv", *FILLED_IN).output)
    csv = shell.write("a.csv", f"chain,address\nTrial,{ADDRESS}\n")
    refused = shell("submit", csv, "--template", template, "--check")
    assert "line 2: chain: 'Trial'" in refused.output
    store.keep_chains(analyst.coordinator, load_chains(ADDED))
    assert shell("submit", csv, "--template", template, "--check").exit_code == 0
    assert shipped_chains().get("eip155:5001") is None
    assert not stub.seen


def test_a_damaged_kept_table_says_how_to_mend_it(
    shell: Shell, analyst: Profile, store: ProfileStore
) -> None:
    store.keep_chains(analyst.coordinator, shipped_chains())
    path = store.home / "chains.json"
    path.write_text("{}")
    assert "`holdfast chains` reads it again" in shell("submit", str(path), "--check").output
