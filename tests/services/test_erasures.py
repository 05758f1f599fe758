"""What a request says is erased by two, or by its time; the log, and all else, stays valid."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from coordinator.dispatcher.timers import TimerRun
from coordinator.domain.actor import COORDINATOR, Viewer
from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import ErasedError
from coordinator.services.commands import execute
from coordinator.services.core.access import readable_request
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.ending.erasures import EraseAgain, EraseByPolicy, ProposeErasure
from coordinator.services.requests.freeze_request_views import incident_views
from coordinator.storage import schema
from coordinator.storage.engine.database import Database, open_database
from coordinator.storage.engine.documents import (
    Vault,
    is_destroyed,
    pages_of_keys,
    wrap_anew,
)
from coordinator.storage.requests import erasures as store
from coordinator.storage.tables.documents import DocumentKeyRow, DocumentRow
from coordinator.storage.tables.freeze_requests import PackedAccountsRow
from coordinator.transparency_log.proofs import proof_of
from holdfast.evidence.log_inclusion import prove_logged_event
from holdfast.protocol import strict_json
from holdfast.protocol.commitment import check_event
from holdfast.protocol.vocabulary import ErasureReason
from tests import factories
from tests.conftest import KEYS
from tests.factories import NOON, Cast
from tests.rulebook import LOG_SIGNER, command_context
from tests.services.recomputed import faults
from tests.services.request_cast import (
    DAY,
    Ask,
    Desk,
    corrected,
    refusal,
    released,
    shared,
)

REASON = ErasureReason.DATA_SUBJECT
SIGNED = {"reason": "data_subject"}


def _ended(desk: Desk, **changes: object) -> Ask:
    """Return a request that went out, on which something was frozen and let go, and that closed."""
    ask = desk.go_out(**changes)
    hold = desk.hold(desk.cast.b, ask)
    desk.report(desk.cast.b, ask, released(hold, 100, "false_positive"))
    desk.close(ask)
    return ask


def _erase(desk: Desk, ask: Ask) -> None:
    desk.own(ProposeErasure(request_id=ask.id, reason=REASON))
    desk.act(desk.cast.a.lead, ask, "erasure", **SIGNED)


def _key_of(desk: Desk, ask: Ask) -> str:
    return str(desk.request(ask).document_key_id)


def test_the_operator_proposes_and_a_lead_of_the_requester_signs(desk: Desk) -> None:
    a, b, c, d = desk.cast.all
    ask = _ended(desk, to=[b.handle, c.handle])
    assert refusal(desk.act, a.lead, ask, "erasure", **SIGNED).code == "not_proposed"
    key = _key_of(desk, ask)
    desk.own(ProposeErasure(request_id=ask.id, reason=REASON))
    again = refusal(desk.own, ProposeErasure(request_id=ask.id, reason=REASON))
    assert again.code == "erasure_proposed"
    assert desk.told(a, ask)[-1] == "freeze_request.erasure_proposed"
    assert refusal(desk.act, a.lead, ask, "erasure", reason="other").code == "not_proposed"
    for member in (a.analyst, a.compliance, a.system):
        assert refusal(desk.act, member, ask, "erasure", **SIGNED).code == "not_allowed"
    assert refusal(desk.act, b.lead, ask, "erasure", **SIGNED).code == "not_found"
    assert _key_of(desk, ask) == key
    done = desk.act(a.lead, ask, "erasure", **SIGNED)
    assert done["status"] == desk.status(ask) == "closed"
    assert _key_of(desk, ask) != key
    for exchange in (a, b, c):
        [event] = [e for e in desk.feed(exchange) if e["type"] == "freeze_request.erased"]
        [proof] = event["data"]["evidence"]
        assert (proof["act"], proof["kid"]) == ("erase", a.lead.key.kid)
        assert event["data"]["by"] == a.lead.subject
    assert "freeze_request.erased" not in [event["type"] for event in desk.feed(d)]


def test_another_reason_takes_the_place_of_the_one_before(desk: Desk) -> None:
    ask = _ended(desk)
    desk.own(ProposeErasure(request_id=ask.id, reason=ErasureReason.OTHER))
    _erase(desk, ask)
    assert desk.sql("SELECT reason FROM erasure WHERE request_id = :id", id=ask.id) == REASON


def test_its_readers_learn_that_and_by_whom_and_nobody_else_that_it_was(desk: Desk) -> None:
    ask = _ended(desk, to=[desk.cast.b.handle])
    _erase(desk, ask)
    with desk.database.engine.connect() as connection:
        for exchange in (desk.cast.a, desk.cast.b):
            with pytest.raises(ErasedError) as caught:
                readable_request(connection, Viewer(exchange.handle, None), ask.id)
            erased = caught.value.erased
            assert erased is not None
            assert (erased["by"], erased["reason"]) == (desk.cast.a.lead.subject, REASON)
            assert desk.leaf(int(str(erased["leaf_index"]))).type == "freeze_request.erased"
    for code, path in (("erased", "erasure"), ("erased", "closure")):
        more = SIGNED if path == "erasure" else {}
        assert refusal(desk.act, desk.cast.a.lead, ask, path, **more).code == code
    assert refusal(desk.act, desk.cast.b.lead, ask, "review").code == "erased"
    assert refusal(desk.act, desk.cast.c.lead, ask, "review").code == "not_found"
    assert refusal(desk.own, ProposeErasure(request_id=ask.id, reason=REASON)).code == "erased"


def test_what_somebody_still_needs_is_not_erased(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    propose = ProposeErasure(request_id=ask.id, reason=REASON)
    assert refusal(desk.own, propose).code == "invalid_transition"
    hold = desk.hold(b, ask)
    desk.withdraw(ask)
    assert refusal(desk.own, propose).code == "holds_open"
    desk.report(b, ask, released(hold, 100, "withdrawn"))
    desk.own(propose)
    desk.act(desk.cast.a.lead, ask, "erasure", **SIGNED)


def test_a_request_that_never_went_out_is_erased_too(desk: Desk) -> None:
    ask = desk.submit()
    desk.decide(ask, decision="reject")
    _erase(desk, ask)
    assert desk.told(desk.cast.a, ask)[-1] == "freeze_request.erased"


def test_nothing_is_left_that_its_key_sealed_and_every_other_proof_stays(desk: Desk) -> None:
    a, b = desk.cast.a, desk.cast.b
    ask, other = _ended(desk), _ended(desk)
    key = _key_of(desk, ask)
    kept = [body for _, body in desk.raw_feed(b) if ask.id.encode() not in body]
    place = check_event(desk.raw_feed(b)[-1][1])
    _erase(desk, ask)
    with desk.database.engine.connect() as connection:
        wrapped = connection.execute(
            select(DocumentKeyRow.wrapped).where(DocumentKeyRow.id == key)
        ).scalar_one()
        sealed = connection.execute(
            select(DocumentRow.owner_id).where(DocumentRow.key_id == key)
        ).all()
        accounts = connection.execute(
            select(PackedAccountsRow.first_no).where(PackedAccountsRow.request_id == ask.id)
        ).all()
        assert proof_of(connection, int(place["leaf_index"])) is not None
        assert readable_request(connection, Viewer(a.handle, None), other.id)
    assert is_destroyed(bytes(wrapped))
    assert (sealed, accounts) == ([], [])
    assert [body for _, body in desk.raw_feed(b) if ask.id.encode() not in body] == kept
    told = [body for _, body in desk.raw_feed(b) if ask.id.encode() in body]
    assert len(told) == 1  # that it was erased
    for body in (*kept, *told):
        check_event(body)
        prove_logged_event(body, LOG_SIGNER.verifier)


def test_a_key_that_is_destroyed_while_keys_are_wrapped_anew_stays_destroyed(desk: Desk) -> None:
    ask = _ended(desk)
    key = _key_of(desk, ask)
    with desk.database.engine.connect() as connection:
        [before] = [
            each for page in pages_of_keys(connection, 7) for each in page if each.id == key
        ]
    _erase(desk, ask)
    other = Vault(b"n" * 32, b"i" * 32, b"w" * 32)
    with desk.database.writing() as connection, connection.begin():
        wrap_anew(connection, other, [before])
    with desk.database.engine.connect() as connection:
        query = select(DocumentKeyRow.wrapped).where(DocumentKeyRow.id == key)
        assert is_destroyed(bytes(connection.execute(query).scalar_one()))
        assert key not in {each.id for page in pages_of_keys(connection, 7) for each in page}


def test_the_words_of_an_incident_stay_while_another_of_its_requests_does(desk: Desk) -> None:
    first = _ended(desk)
    incident = str(desk.request(first).incident_id)
    second = _ended(desk, incident={"id": incident})

    def words() -> int:
        return int(
            desk.sql(
                "SELECT count(*) FROM document WHERE owner_id = :id AND name = 'words'",
                id=incident,
            )
        )

    _erase(desk, first)
    assert words() == 1
    key = desk.sql("SELECT document_key_id FROM incident WHERE id = :id", id=incident)
    assert key == _key_of(desk, second)
    _erase(desk, second)
    assert words() == 0


def test_a_shared_hold_that_another_request_opens_again_owes_nothing_on_what_is_erased(
    desk: Desk,
) -> None:
    b = desk.cast.b
    first, second = desk.go_out(to=[b.handle]), desk.go_out(to=[b.handle])
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 0))
    desk.withdraw(first)
    report = desk.report(b, second, released(hold, 100, "false_positive"))
    _erase(desk, first)
    desk.report(b, second, corrected(report["lines"][0]["id"], 0))
    # Nobody can answer on the first any more, so nothing may be waited for there.
    assert not desk.leg(b, first).owes_answer
    assert desk.hold_row(hold).owed_since is None
    assert faults(desk.database) == []
    desk.withdraw(second)
    assert not desk.leg(b, first).owes_answer
    assert desk.leg(b, second).owes_answer
    assert faults(desk.database) == []


def test_two_requests_of_an_incident_that_are_erased_at_once_leave_no_words_that_nobody_opens(
    desk: Desk,
) -> None:
    first = _ended(desk)
    incident = str(desk.request(first).incident_id)
    second = _ended(desk, incident={"id": incident})
    again = [EraseAgain(request_id=ask.id, reason=REASON) for ask in (first, second)]
    context = command_context(desk.database, KEYS.vault, desk.clock)
    with ThreadPoolExecutor(1) as other:
        with transaction(context) as uow:
            answer = execute(again[0], COORDINATOR, uow)
            meanwhile = other.submit(desk.own, again[1])
            wait([meanwhile], timeout=2)  # it queues; where it does not, it is through by then
            uow.finish(answer)
        meanwhile.result()
    with desk.database.engine.connect() as connection:
        shown = incident_views(connection, desk.vault, [incident], Viewer(desk.cast.a.handle, None))
    assert shown[incident]["title"] == ""


def test_by_policy_it_is_erased_so_many_months_after_its_end(desk: Desk) -> None:
    ask = _ended(desk)
    late = desk.go_out()
    five_years = NOON.replace(year=NOON.year + 5) - NOON
    desk.clock.step(five_years - timedelta(seconds=1))
    assert desk.own(EraseByPolicy(request_id=ask.id)) == {"status": "unchanged"}
    with desk.database.engine.connect() as connection:
        due = store.due(connection, NOON, 10)
    assert due == [ask.id]
    desk.clock.step(timedelta(seconds=1))
    desk.own(EraseByPolicy(request_id=ask.id))
    assert desk.told(desk.cast.b, ask) == ["freeze_request.erased"]
    [event] = [e for e in desk.feed(desk.cast.b) if e["type"] == "freeze_request.erased"]
    assert (event["data"]["by"], event["data"]["reason"]) == ("coordinator", "retention")
    assert "evidence" not in event["data"]
    assert desk.own(EraseByPolicy(request_id=ask.id)) == {"status": "unchanged"}
    assert desk.own(EraseByPolicy(request_id=late.id)) == {"status": "unchanged"}


def test_a_restored_database_erases_again_what_was_erased_after_its_backup(desk: Desk) -> None:
    ask, live = _ended(desk), desk.go_out()
    desk.own(EraseAgain(request_id=ask.id, reason=REASON))
    assert desk.told(desk.cast.a, ask) == ["freeze_request.erased"]
    assert desk.own(EraseAgain(request_id=ask.id, reason=REASON)) == {"status": "unchanged"}
    refused = refusal(desk.own, EraseAgain(request_id=live.id, reason=REASON))
    assert refused.code == "invalid_transition"


SECRET_TITLE = "Theft from the cold wallet of Zebulon"
SECRET_NOTE = "Seen at the quayside desk."


@pytest.fixture
def own_desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk over a SQLite file that nothing else was ever written to."""
    clock = SteppedClock(NOON)
    exchanges = [factories.new_exchange(handle) for handle in factories.HANDLES]
    database = open_database(f"sqlite:///{tmp_path / 'own.sqlite3'}")
    schema.upgrade(database)
    for exchange in exchanges:
        factories.admit(database, KEYS.vault, clock, exchange)
    yield Desk(database, KEYS.vault, clock, Cast(*exchanges))
    database.engine.dispose()


def test_no_file_of_the_database_has_its_text_or_its_key(
    own_desk: Desk, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    desk = own_desk
    incident = {
        "title": SECRET_TITLE,
        "kind": "hack",
        "occurred_at": "2026-03-02T09:00:00Z",
        "reference": "CASE 7",
    }
    for _ in range(40):  # so that keys lie on several pages, before and behind
        desk.submit()
    ask = _ended(desk, incident=incident, summary=SECRET_NOTE)
    for _ in range(40):
        desk.submit()
    key = _key_of(desk, ask)
    with desk.database.engine.connect() as connection:
        query = select(DocumentKeyRow.wrapped).where(DocumentKeyRow.id == key)
        wrapped = bytes(connection.execute(query).scalar_one())
        sealed = [
            bytes(each)
            for each in connection.execute(
                select(DocumentRow.sealed).where(DocumentRow.key_id == key)
            ).scalars()
        ]
    secret = KEYS.vault.unwrap(key, wrapped).secret
    assert _files_with(tmp_path, wrapped) != []
    assert sealed
    _erase(desk, ask)
    run = TimerRun(
        command_context(desk.database, KEYS.vault, desk.clock),  # type: ignore[arg-type]
        on_commit=lambda: None,
        timers=(),
    )
    run.run_due()
    assert desk.sql("SELECT traces_gone_at IS NOT NULL FROM erasure")
    texts = [SECRET_TITLE.encode(), SECRET_NOTE.encode(), *map(str.encode, _spelled(ask))]
    for needle in (wrapped, wrapped[12:], secret, *texts):
        assert _files_with(tmp_path, needle) == []
    assert not any(text.decode() in "".join(capfd.readouterr()) for text in texts)
    with desk.database.engine.connect() as connection:
        [(found,)] = connection.execute(text("PRAGMA quick_check")).all()
    assert found == "ok"


def _spelled(ask: Ask) -> list[str]:
    """Return the accounts that the request named."""
    return [each["account"].split(":")[-1] for each in strict_json.loads(ask.raw)["addresses"]]


def _files_with(folder: Path, needle: bytes) -> list[str]:
    return [
        path.name for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()
    ]


def test_on_postgresql_the_dead_rows_of_its_key_are_taken_too(desk: Desk) -> None:
    if desk.database.is_sqlite:
        pytest.skip("of SQLite every file is searched")
    ask = _ended(desk)
    _erase(desk, ask)
    with desk.database.engine.connect() as connection:
        waiting = store.with_traces(connection)
    assert len(waiting) == 1
    assert store.clear_traces(desk.database)
    assert _dead_keys(desk.database) == 0
    with desk.database.writing() as connection, connection.begin():
        store.mark_traces_gone(connection, waiting, NOON + DAY)
        assert store.with_traces(connection) == []


def test_on_postgresql_its_traces_wait_for_whoever_still_may_see_them(desk: Desk) -> None:
    if desk.database.is_sqlite:
        pytest.skip("its journal is not cut while somebody reads")
    ask = _ended(desk)
    with desk.database.engine.connect() as reader:
        reader.execution_options(isolation_level="REPEATABLE READ")
        reader.execute(text("SELECT count(*) FROM document_key"))  # as a backup does
        _erase(desk, ask)
        assert not store.clear_traces(desk.database)
        reader.rollback()
    assert store.clear_traces(desk.database)
    assert _dead_keys(desk.database) == 0


def _dead_keys(database: Database) -> int:
    with database.engine.connect() as connection:
        query = text("SELECT pg_stat_get_dead_tuples('document_key'::regclass)")
        return int(connection.execute(query).scalar_one())
