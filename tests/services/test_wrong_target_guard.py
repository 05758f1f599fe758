"""The wrong-target guard: what may be wrong is shown, and accepted with a reason or not."""

from typing import Any

import pytest

from coordinator.domain.errors import InvalidInputError
from holdfast.protocol import strict_json
from tests.services.request_cast import Desk, refusal

LOWER = "eip155:1:0x" + "ab" * 20
RIPPLE = "xrpl:0:rnXyVQzgxZe7TR1EPzTkGj2jxH4LMJYh66"


def _warnings(answer: dict[str, Any]) -> dict[str, list[int]]:
    return {w["code"]: w["address_nos"] for w in answer["warnings"]}


def test_what_an_address_does_not_say_itself_is_warned_of_and_frozen_into_the_context(
    desk: Desk,
) -> None:
    answer = desk.submit(addresses=[{"account": LOWER}, {"account": RIPPLE}]).answer
    assert _warnings(answer) == {"no_checksum": [0], "missing_tag": [1]}
    context = strict_json.loads(answer["decision_context"].encode())
    assert context["warnings"] == answer["warnings"]


def test_an_account_that_a_live_request_of_ones_own_flags_already_is_warned_of(
    desk: Desk,
) -> None:
    first = desk.submit(addresses=[{"account": RIPPLE, "tag": "7"}])
    again = desk.submit(
        addresses=[{"account": RIPPLE, "tag": "8"}, {"account": RIPPLE, "tag": "7"}]
    )
    assert _warnings(again.answer) == {"duplicate": [1]}
    assert first.id in again.answer["warnings"][0]["detail"]


def test_a_request_that_one_may_not_read_does_not_show_through_the_guard(desk: Desk) -> None:
    desk.go_out(addresses=[{"account": RIPPLE, "tag": "7"}], to=["exchange-b.example"])
    asked = desk.submit(
        desk.cast.b.analyst, addresses=[{"account": RIPPLE, "tag": "7"}], to=["exchange-c.example"]
    )
    stranger = desk.submit(
        desk.cast.d.analyst, addresses=[{"account": RIPPLE, "tag": "7"}], to=["exchange-c.example"]
    )
    assert _warnings(asked.answer) == {"duplicate": [0]}
    assert _warnings(stranger.answer) == {}


def test_a_request_that_is_over_is_no_duplicate(desk: Desk) -> None:
    first = desk.submit(addresses=[{"account": RIPPLE, "tag": "7"}])
    desk.act(desk.cast.a.lead, first, "withdrawal", addresses="all", reason="wrong chain")
    again = desk.submit(addresses=[{"account": RIPPLE, "tag": "7"}])
    assert _warnings(again.answer) == {}


def test_an_address_that_was_withdrawn_is_no_duplicate_while_the_others_are(desk: Desk) -> None:
    accounts = [{"account": RIPPLE, "tag": tag} for tag in ("7", "8")]
    first = desk.go_out(addresses=accounts)
    desk.withdraw(first, [0])
    again = desk.submit(addresses=accounts)
    assert _warnings(again.answer) == {"duplicate": [1]}


def test_every_place_of_an_account_that_is_flagged_already_is_warned_of(desk: Desk) -> None:
    first = {"account": RIPPLE, "tag": "7", "asset": "xrpl:0/slip44:144"}
    second = {"account": RIPPLE, "tag": "7"}
    desk.submit(addresses=[first])
    again = desk.submit(addresses=[first, {"account": RIPPLE, "tag": "8"}, second])
    assert _warnings(again.answer) == {"duplicate": [0, 2]}


def test_every_warning_is_accepted_with_a_reason_before_a_request_goes_out(desk: Desk) -> None:
    ask = desk.submit(addresses=[{"account": LOWER}, {"account": LOWER.replace("ab", "cd")}])
    with pytest.raises(InvalidInputError) as refused:
        desk.decide(ask)
    assert refused.value.code == "warnings_open"
    half = {"code": "no_checksum", "address_nos": [0], "reason": "read twice"}
    with pytest.raises(InvalidInputError):
        desk.decide(ask, warnings_accepted=[half])
    accepted = {"code": "no_checksum", "address_nos": "all", "reason": "read twice"}
    assert desk.decide(ask, warnings_accepted=[accepted])["status"] == "active"


def test_a_warning_that_is_not_there_cannot_be_accepted(desk: Desk) -> None:
    ask = desk.submit()
    accepted = {"code": "service_wallet", "address_nos": "all", "reason": "known"}
    with pytest.raises(InvalidInputError) as refused:
        desk.decide(ask, warnings_accepted=[accepted])
    assert refused.value.errors[0].code == "no_such_warning"


@pytest.mark.parametrize("numbers", [[0, 55], [0, 1]])
def test_an_address_that_is_not_warned_of_cannot_be_accepted_with_those_that_are(
    desk: Desk, numbers: list[int]
) -> None:
    ask = desk.submit(addresses=[{"account": LOWER}, {"account": RIPPLE, "tag": "7"}])
    accepted = {"code": "no_checksum", "address_nos": numbers, "reason": "read twice"}
    refused = refusal(desk.decide, ask, warnings_accepted=[accepted])
    assert refused.pointers == {"/warnings_accepted/0/address_nos": "no_such_warning"}
    assert f"address {numbers[1]} carries no warning" in refused.errors[0].detail
    again = [accepted | {"address_nos": [0]}, accepted | {"address_nos": [0]}]
    assert desk.decide(ask, warnings_accepted=again)["status"] == "active"
