"""The wrong-target guard: what may be wrong is shown, and accepted with a reason or not."""

from hashlib import sha256
from typing import Any

import pytest

from coordinator.domain.errors import InvalidInputError
from coordinator.domain.service_wallets import ServiceWallets
from holdfast.protocol import base64url, canonical_json, strict_json
from tests.rulebook import RULEBOOK
from tests.services.request_cast import Ask, Desk, addresses, refusal

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
    [warning] = again.answer["warnings"]
    assert first.id in warning["detail"]
    assert warning["requests"] == [first.id]


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
    desk.act(
        desk.cast.a.lead,
        first,
        "withdrawal",
        addresses="all",
        reason_code="other",
        reason="wrong chain",
    )
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


def _asked_twice(desk: Desk) -> tuple[Ask, Ask]:
    """Return a request that B was not asked in, and one to B of the same account."""
    target = [{"account": RIPPLE, "tag": "7"}]
    first = desk.go_out(to=[desk.cast.c.handle], addresses=target)
    again = desk.submit(to=[desk.cast.b.handle], addresses=[*target, {"account": LOWER}])
    assert _warnings(again.answer) == {"duplicate": [0], "no_checksum": [1]}
    return first, again


NO_CHECKSUM = {"code": "no_checksum", "address_nos": "all", "reason": "read twice"}


@pytest.mark.parametrize("decision", ["approve", "reject"])
@pytest.mark.parametrize("numbers", ["all", [0]])
def test_no_decision_names_a_warning_about_other_requests_because_partners_read_it(
    desk: Desk, decision: str, numbers: Any
) -> None:
    _, again = _asked_twice(desk)
    told = {"code": "duplicate", "address_nos": numbers, "reason": "the second hop of it"}
    refused = refusal(desk.decide, again, decision=decision, warnings_accepted=[NO_CHECKSUM, told])
    assert (refused.type, refused.code) == (InvalidInputError, "about_other_requests")
    assert refused.pointers == {"/warnings_accepted/1/code": "about_other_requests"}
    assert "leave it out" in refused.errors[0].detail
    assert desk.status(again) == "submitted"


def test_whoever_signs_the_context_accepts_the_warning_about_other_requests(desk: Desk) -> None:
    first, again = _asked_twice(desk)
    assert first.id in again.answer["decision_context"]
    assert refusal(desk.decide, again).code == "warnings_open"
    assert desk.decide(again, warnings_accepted=[NO_CHECKSUM])["status"] == "active"


def test_partners_cannot_tell_from_the_hash_of_the_context_whether_more_was_warned_of(
    desk: Desk,
) -> None:
    """They are told the hash, and know all else that a context without a duplicate holds."""
    salts: set[str] = set()
    for _ in range(3):
        ask = desk.submit(to=[desk.cast.b.handle], addresses=addresses(1, len(salts)))
        known = {
            "v": 1,
            "request_id": ask.id,
            "content_sha256": ask.content_sha256,
            "act_sha256": ask.content_sha256,
            "to": [desk.cast.b.handle],
            "warnings": [],
        }
        context = strict_json.loads(ask.answer["decision_context"].encode())
        salt = context["salt"]
        assert context == known | {"salt": salt}
        assert len(base64url.decode(salt)) == 16
        assert sha256(canonical_json.dumps(known)).hexdigest() != ask.answer["context_sha256"]
        salts.add(salt)
    assert len(salts) == 3


def test_a_service_wallet_is_accepted_one_address_at_a_time(desk: Desk) -> None:
    wallet = "0x2910543af39aba0cd09dbb2d50200b3e800a63d2"
    desk.wallets = ServiceWallets.load([("list", f'{{"{wallet}": "Kraken"}}')], RULEBOOK.chains)
    ask = desk.submit(
        addresses=[{"account": f"eip155:{chain}:{wallet}"} for chain in (1, 56)],
    )
    assert _warnings(ask.answer)["service_wallet"] == [0, 1]

    def accept(*groups: Any) -> list[dict[str, Any]]:
        said = [{"code": "no_checksum", "address_nos": "all", "reason": "read twice"}]
        named = {"code": "service_wallet", "reason": "one deposit address of a victim"}
        return said + [named | {"address_nos": group} for group in groups]

    for groups in (["all"], [[0, 1]], [[0], "all"]):
        refused = refusal(desk.decide, ask, warnings_accepted=accept(*groups))
        at = len(groups)
        assert refused.pointers == {f"/warnings_accepted/{at}/address_nos": "one_at_a_time"}
    assert refusal(desk.decide, ask, warnings_accepted=accept([0])).pointers == {
        "/warnings_accepted": "warning_open"
    }
    assert desk.decide(ask, warnings_accepted=accept([0], [1]))["status"] == "active"


WHOLE = {"whole_account": {"why": "It was opened with forged papers."}}


def test_a_whole_account_is_warned_of_and_accepted_one_address_at_a_time(desk: Desk) -> None:
    first, second, third = addresses(3, 70)
    ask = desk.submit(addresses=[first, second | WHOLE, third | WHOLE])
    assert _warnings(ask.answer) == {"whole_account": [1, 2]}
    assert refusal(desk.decide, ask).code == "warnings_open"
    accepted = {"code": "whole_account", "reason": "The papers are on file."}
    for numbers in ("all", [1, 2]):
        refused = refusal(desk.decide, ask, warnings_accepted=[accepted | {"address_nos": numbers}])
        assert refused.pointers["/warnings_accepted/0/address_nos"] == "one_at_a_time"
    each = [accepted | {"address_nos": [number]} for number in (1, 2)]
    assert desk.decide(ask, warnings_accepted=each)["status"] == "active"


def test_a_whole_account_holds_no_flash_request_back_and_another_warning_does(desk: Desk) -> None:
    desk.policy(desk.cast.a, may_flash=[desk.cast.a.analyst.subject])
    [target] = addresses(1, 80)
    ask = desk.submit(urgency="flash", addresses=[target | WHOLE])
    assert (ask.answer["status"], ask.answer["provisional"]) == ("active", True)
    ask = desk.submit(urgency="flash", addresses=[{"account": LOWER} | WHOLE])
    assert (ask.answer["status"], ask.answer["provisional"]) == ("submitted", False)
