"""A person asks for a right: the requester decides, and nobody learns of flags by it."""

from datetime import timedelta
from typing import Any

import pytest

from coordinator.domain.errors import NotFoundError
from coordinator.operations.metrics import DatabaseCollector
from coordinator.services.ending.erasures import ProposeErasure
from coordinator.services.requests.data_subjects import PassOnDataSubjectRequest
from coordinator.storage.tail import transparency_log
from holdfast.protocol import base64url, strict_json
from holdfast.protocol.data_subject_payloads import DataSubjectRequest
from holdfast.protocol.log_policy import LogPolicy
from holdfast.protocol.payloads import format_time
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.vocabulary import ErasureReason
from tests.api.sealed_cast import by_hand, publish_by_hand
from tests.factories import Member
from tests.services.bundles import Unpacked, examined, fetch
from tests.services.request_cast import DAY, Ask, Office, account, refusal

PATH = "/v1/data-subject-requests"
MONTH = timedelta(days=31)


def _account(ask: Ask | None) -> str:
    return (
        account(77) if ask is None else str(strict_json.loads(ask.raw)["addresses"][0]["account"])
    )


def _letter(office: Office, about: Ask | None = None, **changes: Any) -> dict[str, Any]:
    came = format_time(office.desk.clock.now() - DAY)
    body = {"kind": "erasure", "account": _account(about), "reference": "L-17", "received_at": came}
    return {name: value for name, value in (body | changes).items() if value is not None}


def _record(
    office: Office, member: Member, about: Ask | None = None, **changes: Any
) -> dict[str, Any]:
    answer = office.signer.post(member, PATH, _letter(office, about, **changes))
    assert answer.status_code == 201, answer.data
    told: dict[str, Any] = answer.get_json()
    return told


def _read(office: Office, member: Member, path: str = "") -> Any:
    return office.signer.get(member, f"{PATH}{path}").get_json(force=True)


def _waits(office: Office, member: Member, about: str, kind: str = "answer_data_subject") -> Any:
    tasks = office.signer.get(member, f"/v1/tasks?kind={kind}").get_json()["items"]
    return [each for each in tasks if about in {each["about"], each["request_id"]}]


def _answer(office: Office, member: Member, ask: Ask, letter: str, **body: Any) -> tuple[int, Any]:
    return office.act(member, ask, f"data-subject-requests/{letter}/answer", **body)


def test_the_requester_of_every_request_that_states_something_has_a_task(office: Office) -> None:
    a, b, c, d = office.desk.cast.all
    one = office.desk.go_out(to=[b.handle])
    same = {"to": [b.handle], "addresses": [{"account": _account(one)}]}
    two = office.desk.go_out(**same)
    office.desk.go_out(**same, drill=True)
    letter = _record(office, d.compliance, one)
    # Whoever sees neither request reads of none, and still knows until when somebody answers.
    assert letter["cases"] == []
    assert _read(office, d.lead, f"/{letter['id']}")["account"] == _account(one)
    [first, second] = _waits(office, a.compliance, letter["id"])
    assert {first["request_id"], second["request_id"]} == {one.id, two.id}
    assert first["due_at"] == letter["due_at"]
    assert first["next"]["command"] == f"holdfast data-subject answer {first['request_id']} " + str(
        letter["id"]
    )
    for member in (a.analyst, b.lead, d.lead):
        assert _waits(office, member, letter["id"]) == []
    shown = _read(office, a.auditor, f"/{letter['id']}")
    assert (shown["account"], shown["request_id"], shown["reference"]) == (None, None, "L-17")
    assert {case["request_id"] for case in shown["cases"]} == {one.id, two.id}
    assert {case["address_no"] for case in shown["cases"]} == {0}
    assert shown["passed_on_by"] == d.handle
    for stranger in (b.lead, c.lead):
        assert office.signer.get(stranger, f"{PATH}/{letter['id']}").status_code == 404
        assert _read(office, stranger)["items"] == []
    task = Task(TaskKind.ANSWER_DATA_SUBJECT, one.id, letter["id"]).id
    body = {"content_sha256": one.content_sha256}
    assert office.signer.post(a.compliance, f"/v1/tasks/{task}/taken", body).status_code == 201


def test_what_one_hears_is_the_same_whether_anybody_is_flagged(office: Office) -> None:
    desk, signer = office.desk, office.signer
    _, b, c, d = desk.cast.all
    flagged = desk.go_out(to=[b.handle])
    for exchange in (b, c):
        _record(office, exchange.lead)  # an event to each, so that both feeds have begun

    def heard(account_id: str) -> tuple[Any, ...]:
        with desk.database.engine.connect() as connection:
            before = transparency_log.tree_size(connection)
        seq, told = desk.last_seq(), _record(office, d.lead, account=account_id)
        with desk.database.engine.connect() as connection:
            leaves = transparency_log.tree_size(connection) - before
        [event] = desk.feed(d, after=seq)
        log = told.pop("log")
        gone = {"id", "recorded_at", "account"}
        rest = {name: value for name, value in told.items() if name not in gone}
        shown = {name: len(str(value)) for name, value in event["data"].items() if name != "log"}
        return leaves, desk.last_seq() - seq, len(log["tags"]), rest, shown

    assert heard(_account(flagged)) == heard(account(77))
    # Whoever sees the request is told of it, and by its limit on its leg no colleague is.
    assert len(_record(office, b.lead, flagged)["cases"]) == 1
    assert _record(office, b.lead)["cases"] == []
    ask = desk.go_out(to=[c.handle])
    mine = _record(office, c.lead, account=None, request_id=ask.id)
    status, _ = office.act(c.lead, ask, "leg-limit", people=[c.lead.subject])
    assert status == 201
    assert [x["id"] for x in _read(office, c.lead)["items"]][-1] == mine["id"]
    assert mine["id"] not in [x["id"] for x in _read(office, c.compliance)["items"]]
    assert signer.get(c.compliance, f"{PATH}/{mine['id']}").status_code == 404
    assert signer.get(c.compliance, f"{PATH}?request_id={ask.id}").status_code == 404


def test_it_is_granted_refused_or_made_longer_once_by_a_signed_act(office: Office) -> None:
    desk = office.desk
    a, b, c, _ = desk.cast.all
    ask = desk.go_out(to=[b.handle, c.handle])
    letter = _record(office, b.compliance, account=None, request_id=ask.id)["id"]
    for member in (a.analyst, a.system):
        assert _answer(office, member, ask, letter, decision="granted")[0] == 403
    for member in (b.lead, c.lead):
        assert _answer(office, member, ask, letter, decision="granted")[0] == 404
    other = desk.go_out(to=[b.handle])
    assert _answer(office, a.lead, other, letter, decision="granted")[0] == 404
    for body in (
        {"decision": "granted", "reason": "complex"},
        {"decision": "refused"},
        {"decision": "refused", "reason": "complex"},
        {"decision": "extended", "reason": "accurate"},
        {"decision": "perhaps"},
    ):
        assert _answer(office, a.lead, ask, letter, **body)[0] == 422
    status, case = _answer(office, a.compliance, ask, letter, decision="extended", reason="complex")
    assert (status, case["status"], case["reason"]) == (201, "extended", "complex")
    assert case["due_at"] == "2026-06-01T12:00:00Z"
    [task] = _waits(office, a.lead, letter)
    assert task["due_at"] == case["due_at"]
    status, problem = _answer(office, a.lead, ask, letter, decision="extended", reason="complex")
    assert (status, problem["code"]) == (409, "extended_before")
    status, case = _answer(office, a.lead, ask, letter, decision="refused", reason="accurate")
    assert (status, case["status"], case["reason"]) == (201, "refused", "accurate")
    status, problem = _answer(office, a.lead, ask, letter, decision="granted")
    assert (status, problem["code"]) == (409, "data_subject_answered")
    assert _waits(office, a.lead, letter) == []
    # Whoever passed it on hears of it on its leg; the other partner asked never does.
    told = "data_subject.answered"
    assert desk.told(b, ask).count(told) == 2
    assert told not in desk.told(c, ask)
    for member, expected in ((a.auditor, 2), (b.auditor, 0), (c.auditor, 0)):
        acts = office.signer.get(member, f"/v1/freeze-requests/{ask.id}/evidence").get_json()
        kinds = [act["act"] for act in acts["items"]]
        assert kinds.count("answer_data_subject") == expected
    packed = fetch(office, a.auditor, ask)
    assert examined(packed).failures == []
    listed = [each["act"] for each in Unpacked.of(packed).lines("acts.jsonl")]
    assert listed.count("answer_data_subject") == 2
    assert examined(fetch(office, b.auditor, ask)).failures == []


def test_who_is_late_is_told_once_and_counted(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.go_out()
    letter = _record(office, desk.cast.d.lead, ask)["id"]
    desk.step(MONTH)
    desk.step(DAY)
    assert desk.told(a, ask).count("data_subject.overdue") == 1
    [case] = _read(office, a.lead, f"/{letter}")["cases"]
    assert case["overdue_at"] is not None
    status, problem = _answer(office, a.lead, ask, letter, decision="extended", reason="complex")
    assert (status, problem["code"]) == (409, "extension_late")
    collector = DatabaseCollector(desk.database, desk.clock, LogPolicy())
    figures = {
        (sample.name, *sample.labels.values()): sample.value
        for family in collector.collect()
        for sample in family.samples
    }
    assert figures["holdfast_data_subject_cases_overdue",] >= 1
    assert figures["holdfast_data_subject_cases", "open"] >= 1
    assert _answer(office, a.lead, ask, letter, decision="granted")[0] == 201
    assert _waits(office, a.lead, letter) == []


def test_the_letter_is_sealed_to_the_requester_first(office: Office) -> None:
    a, b, c, _ = office.desk.cast.all
    ask = office.desk.go_out(to=[b.handle, c.handle])
    kids = publish_by_hand(office.signer, a.lead, b.lead, c.lead)

    def seal(part: bytes, *handles: str) -> str:
        data = base64url.encode(part)
        assert office.act(b.lead, ask, "sealed-evidence/parts", data=data)[0] == 201
        keys = {handle: kids[handle] for handle in handles}
        status, sealed = office.act(b.lead, ask, "sealed-evidence", **by_hand([part], keys))
        assert status == 201, sealed
        return str(sealed["id"])

    unread = seal(bytes(16), b.handle, c.handle)
    named: dict[str, Any] = {"account": None, "request_id": ask.id}
    refused = office.signer.post(b.lead, PATH, _letter(office, **named, letter=unread))
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (422, "no_letter")
    fits = seal(bytes([7] * 16), a.handle, b.handle)
    stolen = office.signer.post(c.lead, PATH, _letter(office, **named, letter=fits))
    assert stolen.status_code == 422
    letter = _record(office, b.lead, **named, letter=fits)
    [case] = _read(office, a.lead, f"/{letter['id']}")["cases"]
    assert (case["letter"], case["address_no"]) == (fits, None)


def test_the_operator_passes_on_and_hears_whom_it_concerns(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.go_out()
    body = DataSubjectRequest.model_validate(_letter(office, ask))
    told = desk.own(PassOnDataSubjectRequest(body=body))
    assert told["requesters"] == [a.handle]
    shown = _read(office, a.lead, f"/{told['id']}")
    assert (shown["passed_on_by"], shown["reference"]) == ("operator", "L-17")
    assert _answer(office, a.lead, ask, str(told["id"]), decision="granted")[0] == 201
    nobody = body.model_copy(update={"account": account(77)})
    with pytest.raises(NotFoundError):
        desk.own(PassOnDataSubjectRequest(body=nobody))


def test_what_is_erased_asks_nothing_any_more(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.submit()
    desk.decide(ask, decision="reject")
    letter = _record(office, desk.cast.d.lead, ask)["id"]
    desk.own(ProposeErasure(request_id=ask.id, reason=ErasureReason.DATA_SUBJECT))
    [erase] = _waits(office, a.lead, ask.id, "erase")
    assert (erase["request_id"], erase["due_at"]) == (ask.id, None)
    for member in (a.compliance, desk.cast.b.lead):
        assert _waits(office, member, ask.id, "erase") == []
    path = f"/v1/freeze-requests/{ask.id}/erasure"
    proposed = office.signer.get(a.auditor, path).get_json()
    assert proposed["reason"] == "data_subject"
    assert office.signer.get(desk.cast.b.lead, path).status_code == 404
    task = Task(TaskKind.ERASE, ask.id).id
    taken = {"content_sha256": ask.content_sha256}
    assert office.signer.post(a.lead, f"/v1/tasks/{task}/taken", taken).status_code == 201
    status, _ = office.act(a.lead, ask, "erasure", reason="data_subject")
    assert status == 201
    assert _waits(office, a.lead, ask.id, "erase") == _waits(office, a.lead, letter) == []
    [case] = _read(office, a.lead, f"/{letter}")["cases"]
    assert case["status"] == "erased"
    assert _waits(office, a.lead, _record(office, desk.cast.d.lead, ask)["id"]) == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"account": None}, ""),
        ({"request_id": "frq_01kk7h3m6xf9trv2c8e5b4n0qa"}, ""),
        ({"letter": "sev_01kk7h3m6xf9trv2c8e5b4n0qa"}, "/letter"),
        ({"account": "eip155:1:0x12"}, "/account"),
        ({"kind": "portability"}, "/kind"),
        ({"reference": ""}, "/reference"),
        ({"reference": "ada@example.org"}, "/reference"),
        ({"received_at": "2026-12-01T00:00:00Z"}, "/received_at"),
        ({"received_at": "yesterday"}, "/received_at"),
        ({"name": "Ada"}, "/name"),
    ],
)
def test_what_cannot_be_so_is_refused_by_its_place(
    office: Office, changes: dict[str, Any], pointer: str
) -> None:
    refused = office.signer.post(office.desk.cast.b.lead, PATH, _letter(office, **changes))
    assert refused.status_code == 422
    assert pointer in [each["pointer"] for each in refused.get_json()["errors"]]


def test_a_member_passes_on_so_many_letters_a_day(office: Office) -> None:
    desk, b = office.desk, office.desk.cast.b
    most = 50
    desk.change(
        "INSERT INTO data_subject_request (id, partner, kind, received_at, recorded_at, due_at)"
        " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most)"
        " SELECT 'dsr_01kk7h3m6xf9trv2c8e5b4n0' || CAST(i + 9 AS TEXT), :partner, 'access', :at,"
        " :at, :at FROM n",
        most=most,
        partner=b.handle,
        at=int(desk.clock.now().timestamp() * 1_000_000),
    )
    refused = office.signer.post(b.lead, PATH, _letter(office))
    assert refused.get_json()["code"] == "too_many_data_subject_requests"
    desk.step(DAY)
    assert _record(office, b.lead)["id"].startswith("dsr_")


def test_a_drill_is_about_nobody(office: Office) -> None:
    b = office.desk.cast.b
    ask = office.desk.go_out(to=[b.handle], drill=True)
    letter = _letter(office, account=None, request_id=ask.id)
    refused = office.signer.post(b.lead, PATH, letter)
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (422, "drill")
    unseen = office.signer.post(office.desk.cast.d.lead, PATH, letter)
    assert unseen.status_code == 404


def test_both_pass_on_what_the_same_partner_states_and_refusals_leave_nothing(
    office: Office,
) -> None:
    ask = office.desk.go_out()
    letter = _record(office, office.desk.cast.a.lead, ask)
    assert [case["request_id"] for case in letter["cases"]] == [ask.id]
    before = office.lasting()
    assert _answer(office, office.desk.cast.a.lead, ask, letter["id"], decision="refused")[0] == 422
    assert office.lasting() == before
    late = refusal(
        office.desk.own,
        PassOnDataSubjectRequest(
            body=DataSubjectRequest.model_validate(
                _letter(office, received_at="2027-01-01T00:00:00Z")
            )
        ),
    )
    assert late.errors[0].code == "in_future"
