"""The report form: rows to lines, and a fault of the ledger back to the field that it is about."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from werkzeug.datastructures import MultiDict

from coordinator.console.answer.asked import Asked
from coordinator.console.answer.case import AnswerCase
from coordinator.console.answer.filled import Fault, FilledWrongError
from coordinator.console.answer.report import prepare_report
from coordinator.console.answer.wording import plain
from coordinator.console.forms import Form
from holdfast.protocol.amounts import shipped_assets

ETHER = "eip155:1/slip44:60"
ACCOUNT = "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"


@dataclass
class _Case:
    """As much of a case as the form asks for."""

    is_issuer: bool = False
    now: datetime = datetime(2026, 3, 2, 12, tzinfo=UTC)
    asked: Asked = field(
        default_factory=lambda: Asked(
            [{"account": ACCOUNT, "asset": ETHER}, None, {"account": ACCOUNT, "asset": None}]
        )
    )
    request: dict[str, Any] = field(
        default_factory=lambda: {"hold_hours": 24, "requester": "exchange-a.example"}
    )
    visit: Any = field(default_factory=lambda: SimpleNamespace(assets=shipped_assets()))

    def amount_words(self, base_units: str, asset: str) -> str:
        return f"{base_units} {asset}"


def _prepare(case: _Case | None = None, **fields: str) -> Any:
    form = Form(MultiDict({name.replace("_at_", "-"): text for name, text in fields.items()}))
    return prepare_report(cast("AnswerCase", case or _Case()), form)


def _faults(case: _Case | None = None, **fields: str) -> list[Fault]:
    with pytest.raises(FilledWrongError) as raised:
        _prepare(case, **fields)
    return raised.value.faults


def test_a_fault_of_a_line_stands_at_its_row() -> None:
    made = _prepare(
        found_at_0="1 ETH; 2 USDT", frozen_at_0="1 ETH", code_at_2="no_match", basis="own_policy"
    )
    kinds = [(line["kind"], line.get("amount")) for line in made.body["lines"]]
    assert kinds == [
        ("found", str(10**18)),
        ("found", "2000000"),
        ("frozen", str(10**18)),
        ("nothing", None),
    ]
    frozen = made.body["lines"][2]
    assert frozen["frozen_at"] == "2026-03-02T12:00:00Z"
    assert frozen["hold_expires_at"] == "2026-03-03T12:00:00Z"
    assert made.place("/lines/1/amount") == "found-0"
    assert made.place("/lines/2/amount") == "frozen-0"
    assert made.place("/lines/2/hold_expires_at") == "until"
    assert made.place("/lines/3/address_nos/0") == "code-2"
    assert made.place("/lines/3/detail") == "detail"
    assert made.place("/lines/3") == "code-2"
    assert made.place("/lines/9/amount") == made.place("/content_sha256") == ""


def test_rows_of_one_code_are_one_line_and_each_keeps_its_place() -> None:
    made = _prepare(code_at_0="no_match", code_at_2="no_match")
    assert made.body["lines"] == [{"kind": "nothing", "address_nos": [0, 2], "code": "no_match"}]
    assert made.place("/lines/0/address_nos/1") == "code-2"


def test_only_what_goes_with_a_code_is_said_of_it() -> None:
    made = _prepare(
        code_at_0="moved_on", code_at_2="no_match", next_service="A bridge", detail="Gone"
    )
    moved, none = made.body["lines"]
    assert moved["next"] == {"service": "A bridge"}
    assert "next" not in none
    assert none["detail"] == "Gone"


def test_what_is_withheld_needs_its_asset() -> None:
    made = _prepare(untold_found_at_0="1")
    assert made.body["lines"] == [
        {"kind": "found", "address_no": 0, "asset": ETHER, "amount": None}
    ]
    assert [each.field for each in _faults(untold_found_at_2="1")] == ["found-2"]


def test_every_fault_comes_at_once_each_at_its_field() -> None:
    faults = _faults(
        found_at_0="12", frozen_at_2="x", found_at_1="1 ETH", code_at_0="other", until="soon"
    )
    assert {each.field for each in faults} == {"found-0", "frozen-2", "", "detail", "until"}
    assert [each.field for each in _faults()] == [""]


def test_an_issuer_states_its_transaction_in_place_of_an_end() -> None:
    line = _prepare(
        _Case(is_issuer=True),
        frozen_at_0="1 ETH",
        effective_tx="0xab",
        effective_at="2026-03-02T11:00",
        review_at="2026-03-09T11:00",
    ).body["lines"][0]
    assert line["effective_at"] == "2026-03-02T11:00:00Z"
    assert "frozen_at" not in line
    assert "hold_expires_at" not in line


def test_an_address_that_was_left_out_is_not_searched_for() -> None:
    asked = _Case().asked
    assert asked.matching("") == [0, 2]
    assert asked.matching("1") == []
    assert asked.matching("398c135d") == [0, 2]
    assert asked.matching("no. 2") == [2]


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (
            "for address_no 3, needs account_level true",
            "For no. 3, needs the tick “Whole account”.",
        ),
        (
            "hold_expires_at must come after frozen_at",
            "The end must come after the time of the freeze.",
        ),
        (
            "what left before it is funds_gone",
            "What left before it is “The funds were gone before the notice”.",
        ),
    ],
)
def test_a_fault_is_in_the_page_s_own_words(detail: str, said: str) -> None:
    assert plain(detail) == said
