"""`holdfast incidents` and `incident`, against a stand-in on a real socket."""

from pathlib import Path
from typing import Any

import pytest

from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import strict_json
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import FRQ, Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT

ETH = "eip155:1/slip44:60"
INC = new_id("inc")
PATH = f"/v1/incidents/{INC}"
WORDS = {"id": INC, "title": "A theft", "kind": "hack", "occurred_at": AT}
ACCOUNT, BEYOND = "eip155:1:0xaa", "tron:0x2b6653dc:TR7"


@pytest.fixture
def shell(
    store: ProfileStore, analyst: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shell:
    del analyst
    monkeypatch.chdir(tmp_path)
    return Shell(store, tmp_path)


def _event(kind: str) -> dict[str, Any]:
    return {"seq": 1, "id": new_id("evt"), "type": kind, "at": AT, "request_id": FRQ}


def _flagged(number: int) -> dict[str, Any]:
    place = {"request_id": FRQ, "address_no": number}
    return {"id": ACCOUNT, "kind": "account", "chain": "eip155:1", "flagged": [place]}


def _answer_incident(stub: StubCoordinator, **members: Any) -> None:
    """Answer an incident whose timeline and trace have two pages each."""
    sums = {"found": "9", "frozen": "8", "held": "7", "withheld": 3, "usd": {"held": "1.75"}}
    moved = {"kind": "moved_on", "source": ACCOUNT, "target": BEYOND, "request_id": FRQ}
    trace = [
        {"nodes": [_flagged(0)], "edges": [], "next_cursor": "two"},
        {"nodes": [_flagged(7)], "edges": [{**moved, "partner": "exchange-b.example"}]},
    ]
    timeline = [
        {"items": [_event("freeze_request.submitted")], "next_cursor": "two"},
        {"items": [_event("freeze.frozen")]},
    ]
    for name, pages in (("trace", trace), ("timeline", timeline)):
        stub.answers("GET", f"{PATH}/{name}", pages[0])
        stub.answers("GET", f"{PATH}/{name}?cursor=two", pages[1])
    whole = {"request_count": 1, "requests": [FRQ], "totals": {ETH: sums}}
    first = {"timeline": timeline[0], "trace": trace[0]}
    stub.answers("GET", PATH, {**WORDS, **whole, **first, **members})


def test_the_list_of_incidents_counts_their_requests(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers("GET", "/v1/incidents", {"items": [{**WORDS, "request_count": 12}]})
    line = shell("incidents").output.splitlines()[1]
    assert line.startswith(INC)
    assert line.split()[-1] == "12"


def test_an_incident_shows_its_requests_and_totals(shell: Shell, stub: StubCoordinator) -> None:
    _answer_incident(stub, request_count=1_002)
    shown = shell("incident", INC).output
    assert all(word in shown for word in ("A theft", FRQ, "ETH (Ethereum)", "1.75"))
    assert "and 1,001 more" in shown
    assert "freeze_request.submitted" not in shown
    assert ACCOUNT not in shown


def test_an_incident_with_its_timeline_and_trace_shows_all_pages(
    shell: Shell, stub: StubCoordinator
) -> None:
    _answer_incident(stub)
    shown = shell("incident", INC, "--timeline", "--trace").output
    assert all(word in shown for word in ("freeze_request.submitted", "freeze.frozen"))
    assert all(word in shown for word in ("address 0", "address 7"))
    assert f"exchange-b.example: moved on to {BEYOND}" in shown


def test_json_holds_first_pages_and_with_the_options_all(
    shell: Shell, stub: StubCoordinator
) -> None:
    _answer_incident(stub)

    def asked(*words: str) -> dict[str, Any]:
        document: Any = strict_json.loads(shell("--json", "incident", INC, *words).stdout.encode())
        places = [len(node["flagged"]) for node in document["trace"]["nodes"]]
        return {
            "timeline": (len(document["timeline"]["items"]), document["timeline"]["next_cursor"]),
            "trace": (places, document["trace"]["next_cursor"]),
        }

    first = {"timeline": (1, "two"), "trace": ([1], "two")}
    assert asked() == first
    assert asked("--timeline") == {**first, "timeline": (2, None)}
    assert asked("--trace") == {**first, "trace": ([2], None)}


def test_the_trace_is_drawn_for_graphviz(shell: Shell, stub: StubCoordinator) -> None:
    _answer_incident(stub)
    lines = shell("incident", INC, "--dot").output.splitlines()
    assert (lines[0], lines[-1]) == ("digraph incident {", "}")
    assert any(f'"{ACCOUNT}" -> "{BEYOND}"' in line for line in lines)


def test_what_is_no_incidents_id_is_refused_before_anything_is_asked(
    shell: Shell, stub: StubCoordinator
) -> None:
    done = shell("incident", "../partners")
    assert (done.exit_code, "is no incident's id, e.g. inc_" in done.output) == (2, True)
    assert stub.seen == []
