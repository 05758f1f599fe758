"""The cases that a new coordinator is filled with: valid, invented, the same every time."""

import socket
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.protocol import strict_json
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import shipped_chains
from holdfast.protocol.payloads import FreezeRequest
from holdfast.protocol.vocabulary import RequestStatus, Urgency
from reference_exchange.cases import __main__ as console
from reference_exchange.cases.accounts import COINS, FBI_LIST, Accounts, invented, transaction
from reference_exchange.cases.case import INVENTED, document, exact, span, with_accounts
from reference_exchange.cases.members import ORGANISATIONS
from reference_exchange.cases.present import FLASH_ACCOUNTS
from reference_exchange.cases.telling import BEGIN, all_cases
from reference_exchange.scenarios.processes import ScenarioError
from tests.factories import NOON
from tests.ports import free_port

LISTS = Path(__file__).resolve().parents[3] / "shared" / "data"
HANDLES = {each.stem: each.handle for each in ORGANISATIONS}


def _documents(lists: Path | None = None) -> dict[str, FreezeRequest]:
    accounts = Accounts(lists)
    cases = all_cases(accounts)
    flags = with_accounts(cases, accounts)
    return {
        case.name: FreezeRequest.model_validate(
            strict_json.loads(document(case, flags[case.name], HANDLES, NOON))
        )
        for case in cases
    }


def test_there_are_months_of_them_of_every_sort() -> None:
    cases = all_cases(Accounts())
    assert 25 <= len(cases) <= 40
    assert 6 <= len({case.asker for case in cases}) <= len(ORGANISATIONS) == 8
    assert {case.ends for case in cases} == set(RequestStatus)
    assert {case.urgency for case in cases} == set(Urgency)
    began = [span(case.ago) for case in cases]
    assert timedelta(days=110) < max(began) < BEGIN
    assert len({case.title for case in cases}) >= len(cases) - 1  # two are of one incident
    coins = Counter(flag.coin for case in cases for flag in case.flags)
    assert set(coins) == set(COINS)


def test_nothing_in_a_case_happens_later_than_now() -> None:
    late = [
        (case.name, step.after)
        for case in all_cases(Accounts())
        for step in case.steps
        if step.after > span(case.ago)
    ]
    assert late == []


def test_every_request_is_valid_and_says_that_it_is_invented() -> None:
    for name, request in _documents().items():
        assert request.summary.endswith(INVENTED), name
        assert "amounts are invented" in request.summary


def test_they_are_the_same_every_time_but_for_the_nonce() -> None:
    first, second = _documents(), _documents()
    assert first.keys() == second.keys()
    for name, request in first.items():
        assert request.model_dump(exclude={"nonce"}) == second[name].model_dump(exclude={"nonce"})
        assert request.nonce != second[name].nonce


@pytest.mark.parametrize("lists", [None, LISTS])
def test_every_account_is_valid_and_flagged_once_unless_a_case_means_it(
    lists: Path | None,
) -> None:
    chains = shipped_chains()
    keys = Counter(
        parse_account(chains, address.account, address.tag).key
        for request in _documents(lists).values()
        for address in request.addresses
    )
    assert sorted(keys.values(), reverse=True)[:2] == [2, 1]


def test_invented_accounts_come_from_their_seed_alone() -> None:
    for coin in COINS.values():
        assert invented(coin, "1") == invented(coin, "1") != invented(coin, "2")
        assert transaction(coin, "1") == transaction(coin, "1") != transaction(coin, "2")


def test_a_list_is_read_in_place_and_its_faults_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "ofac").mkdir()
    listed = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
    faulty = f"TBHTJqAy4DhHhmT3dNceJYNRz4SdLofLre\n{listed.lower()}\nno address at all\n"
    (tmp_path / "ofac" / "ETH.txt").write_text(faulty, encoding="ascii")
    accounts = Accounts(tmp_path)
    taken = [accounts.take(COINS["ETH"]) for _ in range(3)]
    # Behind the list come invented ones; USDT on Ethereum draws on the same.
    assert taken == [f"eip155:1:{listed}", *(invented(COINS["ETH"], str(n)) for n in range(2))]
    assert accounts.take(COINS["USDT"]) == invented(COINS["ETH"], "2")


def test_without_the_list_of_the_theft_there_are_as_many_invented_accounts() -> None:
    made = Accounts().published_by_fbi(FLASH_ACCOUNTS)
    assert len(set(made)) == FLASH_ACCOUNTS


@pytest.mark.skipif(not LISTS.exists(), reason="../shared/data is not there")
def test_with_the_public_lists_tonight_s_theft_names_the_published_addresses() -> None:
    published = (LISTS / FBI_LIST).read_text(encoding="ascii").split()
    request = _documents(LISTS)["cold-wallet"]
    assert [each.account for each in request.addresses] == [f"eip155:1:{p}" for p in published]
    assert sum(int(each.amount or 0) for each in request.addresses) == 113_000 * 10**18
    bitcoin = (LISTS / "ofac" / "XBT.txt").read_text(encoding="ascii").split()
    (first, *_) = _documents(LISTS)["fake-wallet-app"].addresses
    assert first.account.rpartition(":")[2] in bitcoin


def test_spans_and_amounts_are_read_as_people_write_them() -> None:
    assert span("2d 4h 30m") == timedelta(days=2, hours=4, minutes=30)
    for wrong in ("2 days", "4", "1h,30m", ""):
        with pytest.raises(ValueError, match="span"):
            span(wrong)
    assert exact(COINS["ETH"], "1,240.5") == ("eip155:1/slip44:60", "1240500000000000000000")
    assert exact(COINS["USDT on Tron"], "2")[0].startswith("tron:")


def test_it_has_the_usual_port_and_another_where_that_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = free_port()
    monkeypatch.setattr(console, "_USUAL_PORT", usual)
    assert console._port(None) == usual
    with socket.create_server(("127.0.0.1", usual)):
        assert console._port(None) != usual
        with pytest.raises(ScenarioError, match="leave --port out"):
            console._port(usual)
