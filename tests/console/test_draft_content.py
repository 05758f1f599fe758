"""A draft: what is read of a text, how it is mended, and the request that it becomes."""

from typing import Any

import pytest

from coordinator.console import draft_words
from coordinator.console.draft_content import (
    LEFT_OUT,
    DraftContent,
    fields_of,
    following,
    pasted,
    uploaded,
)
from coordinator.console.forms import Upload
from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.errors import ConflictError
from holdfast.errors import InvalidDraftError
from holdfast.protocol.amounts import shipped_assets
from holdfast.protocol.chains.chain import shipped_chains
from holdfast.protocol.payloads import FreezeRequest
from tests.partners.test_workbooks import workbook
from tests.rulebook import RULEBOOK

CHAINS = shipped_chains()
FIRST, SECOND = (
    "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D",
    "0x96244D83DC15d36847C35209bBDc5bdDE9bEc3D8",
)
ANALYST = Actor(partner="exchange-a.example", subject="per_1", kid="", kind=ActorKind.PERSON)
SOLANA = "G3udanrxk8stVe8Se2zXmJ3QwU8GSFJMn28mTfn8t1kq"


def told(content: DraftContent) -> DraftContent:
    content.typed |= {
        "title": "Theft",
        "occurred_at": "2026-03-02T09:00",
        "summary": "Proceeds of it.",
    }
    content.to = ["exchange-b.example"]
    return content


def test_a_draft_comes_back_as_it_was_stored() -> None:
    content = told(pasted(f"ETH: {FIRST[:-1]}\n\n{SOLANA}\n\nETH: {SECOND} 1 ETH", CHAINS))
    assert content.faults
    assert content.questions
    assert DraftContent.load(content.said().content).said() == content.said()


def test_a_mended_line_is_read_again_with_all_others() -> None:
    content = pasted(f"ETH: {FIRST[:-1]} 2 ETH\nETH: {SECOND} 1 ETH", CHAINS)
    assert [line for line, _ in content.faults][:1] == [1]
    content.mend({1: f"ETH: {FIRST} 2 ETH"}, CHAINS)
    assert content.is_settled
    assert [each["amount"][:1] for each in content.addresses] == ["2", "1"]


def test_an_answer_states_the_chain_and_another_leaves_the_address_out() -> None:
    for answer, accounts in (("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", 2), (LEFT_OUT, 1)):
        content = pasted(f"{SOLANA}\nETH: {SECOND}", CHAINS)
        [question] = content.questions
        content.answers.append((question.candidates, answer))
        content.read(CHAINS)
        assert content.is_settled
        assert len(content.addresses) == accounts


def test_faults_of_a_workbook_s_cells_stand_at_their_rows_until_the_row_is_mended() -> None:
    rows: list[list[Any]] = [
        ["chain", "address", "amount"],
        ["eth", FIRST, 1.23e22],
        ["eth", SECOND, "1 ETH"],
    ]
    content = uploaded(Upload("list.XLSX", workbook(rows)), CHAINS)
    assert [line for line, _ in content.faults] == [2]
    content.mend({2: content.line(2).strip()}, CHAINS)  # as a form sends what nobody touched
    assert [line for line, _ in content.faults] == [2]
    content.mend({2: f"eth\t{FIRST}\t12300 ETH"}, CHAINS)
    assert content.is_settled
    assert content.addresses[0]["amount"] == "12300" + "0" * 18


def test_a_workbook_without_rows_says_so() -> None:
    with pytest.raises(InvalidDraftError, match="no row below its header"):
        uploaded(Upload("list.xlsx", workbook([["chain", "address"]])), CHAINS)


def test_two_lines_of_one_address_are_one_and_it_is_said() -> None:
    content = pasted(f"ETH: {FIRST} 1 ETH\n\nETH: {FIRST} 1 ETH", CHAINS)
    assert content.places == [[1, 3]]
    assert content.notes == [(3, "names the address of line 1 again: taken once")]


def test_what_was_typed_becomes_the_request() -> None:
    content = told(pasted(f"ETH: {FIRST} 1 ETH", CHAINS))
    content.typed |= {"indemnity": "1", "order": "12 O 3/26"}
    request = FreezeRequest.model_validate(content.body())
    assert request.incident.model_dump(mode="json")["occurred_at"] == "2026-03-02T09:00:00Z"
    assert request.indemnity is not None
    assert request.legal is not None
    assert request.hold is not None
    assert (request.legal.order, request.hold.hours) == ("12 O 3/26", 72)
    content.typed |= {"asked": "all", "hours": ""}
    assert (content.body()["to"], "hold" in content.body()) == ("all", False)
    assert "gateway" not in content.body()
    content.typed |= {"gateway": "eu_amlr75"}
    assert FreezeRequest.model_validate(content.body()).gateway == "eu_amlr75"


def test_a_draft_keeps_its_nonce_so_that_sending_twice_is_one_request() -> None:
    content = told(pasted(f"ETH: {FIRST}", CHAINS))
    assert DraftContent.load(content.said().content).body() == content.body()


def test_an_address_is_changed_only_where_nothing_is_wrong_with_it() -> None:
    content = pasted(f"ETH: {FIRST} 1 ETH\nETH: {SECOND} 2 ETH", CHAINS)
    same = {"account": f"eip155:1:{SECOND}", "amount": "1 ETH"}
    assert "no. 2" in content.change_address(0, same, CHAINS)["account"]
    assert content.change_address(0, {"account": "eip155:1:0x1"}, CHAINS).keys() == {"account"}
    assert content.addresses[0]["account"].endswith(FIRST)
    better = {"account": f"eip155:1:{FIRST}", "amount": "3 ETH"}
    assert content.change_address(0, better, CHAINS) == {}
    assert content.addresses[0]["amount"] == "3" + "0" * 18


def test_what_follows_takes_over_what_the_api_offers() -> None:
    offered = {
        "request": {
            "incident": {"id": "inc_1"},
            "follows": "frq_1",
            "urgency": "flash",
            "tlp": "RED",
            "summary": "Funds moved on.",
            "to": ["exchange-d.example"],
            "hold": {"hours": 24},
            "drill": True,
            "indemnity": {"offered": True, "text": "We make it good."},
            "interest": {"kinds": ["own_funds", "claim"], "statement": "Our wallet was emptied."},
            "addresses": [{"account": f"eip155:1:{FIRST}", "role": "receiver"}],
        }
    }
    body = following(offered, "Theft").body()
    taken = {name: body[name] for name in offered["request"]}
    assert taken == offered["request"]


@pytest.mark.parametrize(
    ("interest", "offered"),
    [("own_funds claim", True), ("claim", True), ("own_funds made_up", False), ("", True)],
)
def test_several_interests_of_what_is_followed_stay_chosen(*, interest: str, offered: bool) -> None:
    choices = draft_words.choices(ANALYST, RULEBOOK.policies, interest=interest)["interest"]
    assert [value for value, _ in choices].count(interest) == offered


@pytest.mark.parametrize(
    ("pointer", "field"),
    [
        ("/addresses/12/amount", "address-12"),
        ("/incident/title", "title"),
        ("/incident/id", "incident"),
        ("/incident", "title"),
        ("/legal/order", "order"),
        ("/to/0", "to"),
        ("/hold/hours", "hours"),
        ("/indemnity/text", "indemnity_text"),
        ("/summary", "summary"),
        ("/nonce", ""),
        ("", ""),
    ],
)
def test_a_refusal_lands_at_its_field(pointer: str, field: str) -> None:
    assert fields_of([pointer]) == [field]


def test_what_nobody_filled_in_is_named_with_what_to_do() -> None:
    content = pasted(f"ETH: {FIRST}", CHAINS)
    assert [field for field, _ in draft_words.missing(content)] == [
        *("title", "occurred_at", "summary", "to")
    ]
    assert draft_words.missing(told(content)) == []


def test_too_few_leads_says_what_to_do() -> None:
    error = ConflictError("approving takes 1 security lead", code="too_few_leads")
    assert "People and keys" in draft_words.refusal(error)


def test_the_sentence_counts_partners_addresses_and_sums() -> None:
    content = told(pasted(f"ETH: {FIRST} 1 ETH\nETH: {SECOND} 2.5 ETH", CHAINS))
    said = draft_words.plain_sentence(content, shipped_assets()).replace("\xa0", " ")
    assert said == "Ask 1 partner to freeze 2 addresses, 3.5 ETH stated, for 72 h; urgent."


def test_an_amount_is_typed_in_units() -> None:
    content = pasted(f"ETH: {FIRST} 1234.5 ETH", CHAINS)
    assert (
        draft_words.typed_address(content.addresses[0], shipped_assets())["amount"] == "1234.5 ETH"
    )


def test_a_least_amount_is_typed_in_units_and_needs_its_asset() -> None:
    content = pasted(f"ETH: {FIRST} 1 ETH", CHAINS)
    account = f"eip155:1:{FIRST}"
    alone = {"account": account, "min_amount": "0.1 ETH"}
    assert "needs its asset" in content.change_address(0, alone, CHAINS)["min_amount"]
    both = {"account": account, "amount": "3 ETH", "min_amount": "0.1 ETH"}
    assert content.change_address(0, both, CHAINS) == {}
    assert content.addresses[0]["min_amount"] == "1" + "0" * 17
    typed = draft_words.typed_address(content.addresses[0], shipped_assets())
    assert (typed["amount"], typed["min_amount"]) == ("3 ETH", "0.1 ETH")
    least = draft_words.address(content, 0, shipped_assets()).least
    assert least is not None
    assert (least.number, least.unit) == ("0.1", "ETH")
    assert content.change_address(0, {"account": account, "amount": "3 ETH"}, CHAINS) == {}
    assert draft_words.address(content, 0, shipped_assets()).least is None
