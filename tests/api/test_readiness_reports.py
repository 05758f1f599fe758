"""A readiness report: who was told of a drill, woken, took it and answered, and how fast."""

from io import BytesIO
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import canonical_json
from holdfast.protocol.errors import ReadinessError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.readiness import Readiness, Step, verify_readiness
from tests.dispatcher.paging import Sleepers, chain_of, set_chain, take
from tests.factories import ORIGIN, Cast, Member, Signer
from tests.services.through_api import REQUESTS, World, found_line, problem
from tests.summary.pdf_reading import pages_of, text_of


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _read(w: World, member: Member, request: dict[str, Any]) -> Readiness:
    answer = w.signer.get(member, f"{REQUESTS}/{request['id']}/readiness")
    assert answer.status_code == 200, answer.data
    return verify_readiness(answer.data, keys=_keys(w))


def _keys(w: World) -> list[PublicKey]:
    published = w.signer.client.get("/.well-known/jwks.json").get_json()["keys"]
    return [PublicKey.from_jwk(each) for each in published]


def _steps(found: Readiness, partner: str) -> dict[Step, tuple[int | None, bool | None]]:
    unit = next(each for each in found.report.units if each.partner == partner)
    return {each.step: (each.after_ms, each.in_time) for each in unit.steps}


def _drill(w: World) -> dict[str, Any]:
    """Hold a drill: A's lead is woken and approves, B is woken and answers, C sleeps through it."""
    a, b, c = w.cast.a, w.cast.b, w.cast.c
    set_chain(w, a, chain_of(a.lead))
    set_chain(w, b, chain_of(b.compliance))
    sleepers = Sleepers(w)
    drill = w.submit(drill=True, to=[b.handle, c.handle])
    sleepers.listen(seconds=2)
    take(w, a.lead, drill, _task(w, a.lead, "approve"))
    w.step(seconds=3)
    accepted = [
        {"code": each["code"], "address_nos": "all", "reason": "a drill"}
        for each in drill["warnings"]
        if "requests" not in each
    ]
    w.act(
        a.lead,
        drill,
        "approvals",
        decision="approve",
        context_sha256=drill["context_sha256"],
        warnings_accepted=accepted,
    )
    sleepers.listen(seconds=10)
    take(w, b.compliance, drill, _task(w, b.compliance, "acknowledge"))
    w.step(seconds=20)
    w.act(b.compliance, drill, "acknowledgement")
    w.step(minutes=2)
    w.report(b, drill, [found_line()])
    return drill


def _task(w: World, member: Member, kind: str) -> str:
    [task] = w.get(member, f"/v1/tasks?kind={kind}")["items"]
    return str(task["id"])


def test_the_requester_reads_how_fast_everybody_was(w: World) -> None:
    a, b, c = w.cast.a, w.cast.b, w.cast.c
    drill = _drill(w)
    w.step(days=1)
    found = _read(w, a.auditor, drill)
    assert (found.report.made_for, found.report.sees_all) == (a.handle, True)
    assert (found.statement.iss, found.is_key_given) == (ORIGIN, True)
    assert _steps(found, a.handle) == {
        Step.PAGED: (2_000, None),
        Step.TAKEN: (2_000, None),
        Step.DECIDED: (5_000, True),
    }
    assert _steps(found, b.handle) == {
        Step.ARRIVED: (30_000, None),  # nobody fetched it before: who acknowledges has it
        Step.PAGED: (10_000, None),
        Step.TAKEN: (10_000, None),
        Step.ACKNOWLEDGED: (30_000, True),
        Step.ANSWERED: (150_000, True),
    }
    late = _steps(found, c.handle)
    assert late[Step.ACKNOWLEDGED] == (None, False)
    assert late[Step.PAGED] == (None, None)
    speed = {each.step: (each.count, each.of, each.median_ms) for each in found.report.speed}
    assert speed[Step.ANSWERED] == (1, 2, 150_000)
    assert speed[Step.PAGED] == (1, 2, 10_000)


def test_people_are_named_to_their_own_organisation_alone(w: World) -> None:
    a, b, c = w.cast.a, w.cast.b, w.cast.c
    drill = _drill(w)
    for reader, own, others in ((a.auditor, a, (b, c)), (b.auditor, b, (a, c))):
        answer = w.signer.get(reader, f"{REQUESTS}/{drill['id']}/readiness").data.decode()
        paper = w.signer.get(reader, f"{REQUESTS}/{drill['id']}/readiness.pdf").data
        for other in others:
            for person in other.people.values():
                assert person.subject not in answer
                assert person.subject not in text_of(paper)
        units = {unit.partner: unit.people for unit in _read(w, reader, drill).report.units}
        mine = units.pop(own.handle)
        assert mine is not None
        assert set(units.values()) == {None}
        did = [(each.subject, each.did, each.by) for each in mine]
        if own is a:
            assert did == [
                (a.analyst.subject, "submit", None),
                (a.lead.subject, "paged", "webhook"),
                (a.lead.subject, "take", None),
                (a.lead.subject, "approve", None),
            ]
        else:
            assert did == [
                (b.compliance.subject, "paged", "webhook"),
                (b.compliance.subject, "take", None),
                (b.compliance.subject, "acknowledge", None),
                (b.compliance.subject, "report", None),
            ]


def test_a_partner_reads_its_own_side_and_the_requester_s(w: World) -> None:
    a, b, c = w.cast.a, w.cast.b, w.cast.c
    drill = _drill(w)
    found = _read(w, b.auditor, drill)
    assert [unit.partner for unit in found.report.units] == [a.handle, b.handle]
    assert found.report.sees_all is False
    assert c.handle not in found.report.model_dump_json()
    path = f"{REQUESTS}/{drill['id']}/readiness"
    for each in (path, f"{path}.pdf"):
        problem(w.signer.get(w.cast.d.auditor, each), 404, "not_found")


def test_a_real_request_has_no_report(w: World) -> None:
    request = w.live()
    path = f"{REQUESTS}/{request['id']}/readiness"
    for each in (path, f"{path}.pdf"):
        problem(w.signer.get(w.cast.a.auditor, each), 409, "no_drill")


def test_what_was_altered_does_not_verify(w: World) -> None:
    drill = _drill(w)
    answer = w.signer.get(w.cast.a.auditor, f"{REQUESTS}/{drill['id']}/readiness")
    document = answer.get_json()
    document["report"]["units"][1]["steps"][4]["after_ms"] = 1
    with pytest.raises(ReadinessError, match="another than the one that was signed"):
        verify_readiness(canonical_json.dumps(document), keys=_keys(w))


def test_a_supervisor_reads_one_signed_page(w: World) -> None:
    drill = _drill(w)
    path = f"{REQUESTS}/{drill['id']}/readiness"
    answer = w.signer.get(w.cast.a.auditor, f"{path}.pdf")
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert len(pages_of(answer.data)) == 1
    said = " ".join(text_of(answer.data).split())
    document = w.signer.get(w.cast.a.auditor, path)
    sha256 = verify_readiness(document.data).statement.report_sha256
    for words in ("DRILL", drill["id"], "UTC", "after 2 min 30 s", "in time", sha256):
        assert words in said, words
    [signature] = PdfFileReader(BytesIO(answer.data)).embedded_signatures
    signature.compute_integrity_info()
    assert signature.coverage.name == "ENTIRE_FILE"


def test_a_drill_that_nobody_approved_has_told_nobody(w: World) -> None:
    drill = w.submit(drill=True)
    found = _read(w, w.cast.a.auditor, drill)
    assert [unit.role for unit in found.report.units] == ["requester"]
    assert {each.of for each in found.report.speed} == {0}
    paper = w.signer.get(w.cast.a.auditor, f"{REQUESTS}/{drill['id']}/readiness.pdf")
    assert "nobody was told" in text_of(paper.data)


def test_the_summary_of_a_drill_says_so_on_every_page(w: World) -> None:
    for drill in (True, False):
        request = w.live(drill=drill)
        path = f"{REQUESTS}/{request['id']}/summary.pdf"
        pages = pages_of(w.signer.get(w.cast.a.auditor, path).data)
        assert len(pages) > 1
        assert {"DRILL" in str(page) for page in pages} == {drill}
