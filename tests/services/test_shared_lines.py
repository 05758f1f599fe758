"""A hold that two requests share: its lines stand once, and are seen wherever they count."""

from dataclasses import dataclass
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import Cast, Exchange, Signer
from tests.services.request_cast import addresses
from tests.services.through_api import World, found_line, frozen_line, released_line


@dataclass(frozen=True, slots=True)
class Sharing:
    """A asks B, B freezes 700 on address 0; C asks B, too, and B shares the hold as address 1."""

    w: World
    of_a: dict[str, Any]
    of_c: dict[str, Any]
    hold: str

    def share(self) -> None:
        """Have B say so."""
        line = {"kind": "frozen", "address_no": 1, "hold": self.hold}
        self.w.report(self.w.cast.b, self.of_c, [line])

    def lines(self, exchange: Exchange, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the ledger of a request as an exchange reads it."""
        return self.w.items(exchange.auditor, request, "ledger")

    def told(self, exchange: Exchange, request: dict[str, Any]) -> list[tuple[str, str | None]]:
        """Return kind and amount of every line that an exchange reads."""
        return [(line["kind"], line.get("amount")) for line in self.lines(exchange, request)]


@pytest.fixture
def s(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> Sharing:
    w = World(signer, cast, database, vault, clock)
    of_a = w.live(addresses=addresses(1, 900))
    of_c = w.live(cast.c, to=[cast.b.handle], addresses=addresses(3, 910))
    return Sharing(w, of_a, of_c, w.freeze(cast.b, of_a))


def test_lines_about_a_shared_hold_stand_in_the_ledger_of_both_requests(s: Sharing) -> None:
    a, b, c, _ = s.w.cast.all
    s.w.report(b, s.of_a, [released_line(s.hold, "100")])
    s.share()
    s.w.report(b, s.of_a, [released_line(s.hold, "20")])
    s.w.report(b, s.of_c, [released_line(s.hold, "3")])
    for reader in (b, c):
        assert s.told(reader, s.of_c) == [
            ("frozen", "700"),
            ("released", "100"),
            ("frozen", None),
            ("released", "20"),
            ("released", "3"),
        ]
        shared = [line.get("shared", False) for line in s.lines(reader, s.of_c)]
        assert shared == [True, True, False, True, False]
    for reader in (a, b):
        assert s.told(reader, s.of_a) == [
            ("found", "700"),
            ("frozen", "700"),
            ("released", "100"),
            ("released", "20"),
            ("released", "3"),
        ]
    for request, exchange, number in ((s.of_a, a, 0), (s.of_c, c, 1)):
        leg = s.w.items(b.auditor, request, "legs")[0]["id"]
        lines = s.lines(exchange, request)
        assert {(line["leg_id"], line["address_no"]) for line in lines} == {(leg, number)}
        [hold] = s.w.items(exchange.auditor, request, "holds")
        assert (hold["leg_id"], hold["address_no"]) == (leg, number)


def test_who_may_not_read_a_report_learns_from_its_lines_what_became_of_the_funds_alone(
    s: Sharing,
) -> None:
    a, b, c, _ = s.w.cast.all
    s.share()
    returned = {"kind": "returned", "hold": s.hold, "amount": "5", "tx": "0x" + "ab" * 32}
    report = s.w.report(b, s.of_a, [returned, released_line(s.hold, "20")])
    fix = {
        "kind": "correction",
        "corrects": report["lines"][1]["id"],
        "amount": "2",
        "reason": "a zero too many for your case 7",
    }
    s.w.report(b, s.of_a, [fix])
    back, freed, mended = s.lines(c, s.of_c)[2:]
    assert (back["tx"], freed["reason"], mended["corrects"]) == (
        "0x" + "ab" * 32,
        "appeal_upheld",
        freed["id"],
    )
    for line in (back, freed, mended):
        assert line.keys().isdisjoint({"report_id", "source_request"})
    assert "reason" not in mended
    own = s.lines(b, s.of_c)[2:]
    assert own[0]["report_id"] == report["id"]
    assert {line["source_request"] for line in own} == {s.of_a["id"]}
    assert own[2]["reason"] == fix["reason"]
    for told in s.w.events(c, "freeze.returned", "freeze.released", "freeze.corrected"):
        assert told["shared"]
        assert "report_id" not in told
        assert not any("report_id" in line for line in told["lines"])
        assert {line["address_no"] for line in told["lines"]} == {1}
        assert s.of_a["id"] not in str(told)
    # A learns of lines about its funds, and not that C asked, too.
    assert s.of_c["id"] not in str([s.lines(a, s.of_a), s.w.events(a)])
    assert not s.w.events(a, "freeze.frozen")[1:]


def test_the_requester_of_both_reads_both_reports(s: Sharing) -> None:
    b = s.w.cast.b
    other = s.w.live(to=[b.handle], addresses=addresses(2, 920))
    s.w.report(b, other, [{"kind": "frozen", "address_no": 1, "hold": s.hold}])
    opening = s.lines(s.w.cast.a, other)[0]
    assert opening["shared"]
    assert opening["source_request"] == s.of_a["id"]
    assert opening["report_id"] is not None


def test_lines_stay_where_they_were_seen_once_the_link_ends_and_later_ones_do_not_come(
    s: Sharing,
) -> None:
    b, c = s.w.cast.b, s.w.cast.c
    s.share()
    s.w.report(b, s.of_a, [released_line(s.hold, "100")])
    s.w.act(c.lead, s.of_c, "withdrawal", addresses=[1], reason_code="other", reason="not ours")
    kept = {"kind": "kept", "hold": s.hold, "basis": "other_request"}
    s.w.report(b, s.of_c, [{**kept, "other_request": s.of_a["id"]}])
    s.w.report(b, s.of_a, [released_line(s.hold, "20")])
    shown = [("frozen", "700"), ("frozen", None), ("released", "100"), ("kept", None)]
    assert s.told(c, s.of_c) == shown


def test_the_ledger_with_shared_lines_is_read_page_by_page(s: Sharing) -> None:
    b, c = s.w.cast.b, s.w.cast.c
    s.share()
    for amount in range(1, 4):
        s.w.report(b, s.of_a, [released_line(s.hold, str(amount))])
        s.w.report(b, s.of_c, [released_line(s.hold, str(10 * amount))])
    whole = s.lines(c, s.of_c)
    path = f"/v1/freeze-requests/{s.of_c['id']}/ledger?limit=3"
    pages = [s.w.get(c.auditor, path)]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(s.w.get(c.auditor, f"{path}&cursor={cursor}"))
    assert [len(page["items"]) for page in pages] == [3, 3, 2]
    assert [line for page in pages for line in page["items"]] == whole
    assert [line["id"] for line in whole] == sorted(line["id"] for line in whole)


def test_what_is_irregular_for_one_request_is_no_matter_of_another_requesters(s: Sharing) -> None:
    a, b, c, _ = s.w.cast.all
    order = {"agency": "Prosecutor of Tallinn", "reference": "1-23-456", "hold": s.hold}
    s.w.act(b.compliance, s.of_a, "legal-orders", document_sha256="ab" * 32, **order)
    s.share()
    s.w.report(b, s.of_a, [released_line(s.hold, "100")])
    s.w.act(a.lead, s.of_a, "withdrawal", addresses="all", reason="an error", reason_code="other")
    late = [found_line("5"), frozen_line("5", frozen_at="2026-03-02T12:00:00Z")]
    opened = s.w.report(b, s.of_a, late)["lines"][1]["hold"]
    s.w.report(b, s.of_c, [{"kind": "frozen", "address_no": 2, "hold": opened}])

    def seen(request: dict[str, Any], exchange: Exchange, name: str) -> set[str | None]:
        return {each.get("irregular") for each in s.w.items(exchange.auditor, request, name)}

    assert seen(s.of_a, a, "ledger") == {None, "encumbered", "after_end"}
    assert seen(s.of_a, a, "holds") == {None, "after_end"}
    assert seen(s.of_c, c, "ledger") == seen(s.of_c, c, "holds") == {None}
    assert "irregular" in s.w.leg(s.of_a, b)["flags"]
    told = s.w.events(c, "freeze.released", "freeze.frozen")
    assert told
    assert not [line for data in told for line in data["lines"] if "irregular" in line]
