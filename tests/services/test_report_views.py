"""How a report's own answer shows its lines."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from coordinator.domain.ledger_state import BookedLine
from coordinator.services.core.unit_of_work import Answer
from coordinator.services.ledger import report_views
from coordinator.storage.requests.legs import NewLeg
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.payloads import ReportLine, parse_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import LineKind
from tests.factories import ETHER, NOON

_LINES: TypeAdapter[ReportLine] = TypeAdapter(ReportLine)
_AT = parse_time("2026-11-21T09:00:00Z")
_HOLD = new_id("hld")
_TIMES = {"frozen_at": "2026-11-21T10:00:00+01:00", "hold_expires_at": "2026-11-23T09:00:00.5Z"}
_USD = {"value": "12.50", "at": "2026-11-21T09:00:00Z", "source": "exchange rate"}
_PLACE = {"address_no": 3, "asset": ETHER, "amount": "5"}

#: What is sent, and what of it is shown beside numbers and ids.
_SAID: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"kind": "found", **_PLACE}, {}),
    ({"kind": "found", **_PLACE, "usd": _USD}, {"usd": _USD}),
    (
        {"kind": "frozen", **_PLACE, **_TIMES},
        {
            "basis": "voluntary",
            "frozen_at": "2026-11-21T09:00:00Z",
            "hold_expires_at": "2026-11-23T09:00:00.500000Z",
        },
    ),
    ({"kind": "frozen", **_PLACE, "hold": _HOLD}, {"basis": "voluntary"}),
    (
        {"kind": "frozen", **_PLACE, "hold": _HOLD, "basis": "own_policy", "usd": _USD},
        {"basis": "own_policy", "usd": _USD},
    ),
    (
        {"kind": "released", "hold": _HOLD, "amount": "5", "reason": "appeal_upheld"},
        {"reason": "appeal_upheld"},
    ),
    (
        {"kind": "returned", "hold": _HOLD, "amount": "5", "tx": "0x" + "ab" * 32},
        {"tx": "0x" + "ab" * 32},
    ),
    ({"kind": "seized", "hold": _HOLD, "amount": "5", "agency": "FBI"}, {"agency": "FBI"}),
    (
        {"kind": "nothing", "address_nos": [1, 2], "code": "other", "detail": "gone"},
        {"address_nos": [1, 2], "detail": "gone"},
    ),
]


@pytest.mark.parametrize(("sent", "said"), _SAID)
def test_a_line_is_shown_as_booked_with_the_words_that_it_was_sent_with(
    sent: dict[str, Any], said: dict[str, Any]
) -> None:
    report_id, leg = new_id("act"), NewLeg(new_id("leg"), "exchange-b.example", NOON, NOON)
    line = BookedLine(
        new_id("lin"), 0, LineKind(sent["kind"]), 3, ETHER, 5, hold_id=sent.get("hold")
    )
    (view,) = report_views.booked_views(
        [line],
        [_LINES.validate_python(sent)],
        report_id=report_id,
        leg=leg,
        reported_at=_AT,
    )
    numbers = {
        "id": line.id,
        "report_id": report_id,
        "leg_id": leg.id,
        "partner": leg.partner,
        "kind": sent["kind"],
        "address_no": 3,
        "asset": ETHER,
        "amount": "5",
        "withheld": False,
        "reported_at": "2026-11-21T09:00:00Z",
    }
    hold = {"hold": _HOLD} if "hold" in sent else {}
    code = {"code": None} if sent["kind"] == "nothing" else {}
    assert view == {**numbers, **hold, **code, **said}


def test_an_answer_whose_lines_were_spelled_before_has_the_same_bytes() -> None:
    lines = [{"kind": "found", "b": "é", "a": 1}, {"kind": "nothing"}]
    body = {"request_id": "frq", "id": "act", "leg": {"status": "frozen", "flags": []}}
    spelled = {"lines": canonical_json.dumps(lines)}
    whole = Answer(201, {**body, "lines": lines}).render()
    assert Answer(201, body, spelled=spelled).render() == whole
    assert canonical_json.dumps(strict_json.loads(whole)) == whole
