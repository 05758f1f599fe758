"""Guests: who is written to, how often, and what of it anybody else learns."""

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from coordinator.dispatcher.guest_mail import GuestMailSettings
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import InvalidInputError
from coordinator.domain.guest import BETWEEN_MAILS, MOST_OF_REQUEST
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.ending.erasures import ProposeErasure
from coordinator.services.requests.guests import RecordGuestAnswer
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.requests import guests as store
from coordinator.storage.tail import restored
from holdfast.protocol.vocabulary import ErasureReason, GuestAnswer
from tests.dispatcher.authority import Authority
from tests.dispatcher.guest_post import (
    CONTACT,
    DOMAIN,
    GOOD,
    Post,
    ask,
    guest_worker,
    guests,
    links,
    opened_post,
)
from tests.factories import Cast, Signer, admit, new_exchange
from tests.passkeys import CONSOLE
from tests.rulebook import command_context
from tests.services.through_api import World, problem


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture(name="authority", scope="module")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def post(w: World, authority: Authority) -> Iterator[Post]:
    with opened_post(w, authority) as made:
        yield made


def _say(w: World, guest: str, kind: GuestAnswer, **more: Any) -> None:
    with transaction(command_context(w.database, w.vault, w.clock)) as uow:
        uow.finish(execute(RecordGuestAnswer(guest_id=guest, kind=kind, **more), COORDINATOR, uow))


def test_a_guest_is_written_to_at_its_published_contact_and_nothing_else_is_told(
    w: World, post: Post
) -> None:
    request = w.live()
    asked = ask(w, request)
    assert (asked["status"], asked["unverified"], asked["log"]["type"]) == (
        "asked",
        True,
        "guest.asked",
    )
    post.worker.run_pass()
    assert post.site.asked == [f"{DOMAIN} /.well-known/security.txt"]
    [(to, mail)] = post.box.mails
    assert to == CONTACT
    [link] = links(post)
    assert len(link) == 43
    told = mail["Subject"] + mail.get_content().replace(link, "")
    for word in (request["id"], w.cast.a.handle, "0x", "eip155", "incident"):
        assert word not in told
    [view] = guests(w, request)
    assert (view["status"], view["contacted_at"]) == ("contacted", "2026-03-02T12:00:00Z")
    types = ["guest.asked", "guest.contacted"]
    assert [each["domain"] for each in w.events(w.cast.a, *types)] == [DOMAIN, DOMAIN]
    assert w.events(w.cast.b, *types) == []
    with w.database.engine.connect() as connection:
        stored = str([connection.execute(text("SELECT * FROM guest")).all()])
    assert CONTACT not in stored
    assert link not in stored


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ("nothing here", "404 X", "no_security_txt"),
        (GOOD, "302 X", "no_security_txt"),
        (GOOD.replace("2026-12", "2026-01"), "200 OK", "expired"),
        (GOOD.replace(f"@{DOMAIN}", "@elsewhere.example"), "200 OK", "no_mailbox"),
        (f"Contact: mailto:{CONTACT}\n", "200 OK", "malformed"),
    ],
)
def test_whoever_publishes_no_contact_of_its_own_is_unreachable(
    w: World, post: Post, body: str, status: str, why: str
) -> None:
    request = w.live()
    ask(w, request)
    post.site.body, post.site.status = body, status
    post.worker.run_pass()
    assert post.box.mails == []
    [view] = guests(w, request)
    assert (view["status"], view["error"]) == ("unreachable", why)
    [told] = w.events(w.cast.a, "guest.unreachable")
    assert told["reason"] == why
    assert ask(w, request)["status"] == "asked"  # and may be asked anew


def test_what_may_pass_is_tried_again_and_given_up_in_the_end(w: World, post: Post) -> None:
    request = w.live()
    ask(w, request)
    post.site.status = "503 X"
    for waited in ({}, {"minutes": 1}, {"minutes": 10}):
        w.step(**waited)
        post.worker.run_pass()
        assert guests(w, request)[0]["status"] == "asked"
    w.step(minutes=59)
    post.worker.run_pass()
    assert len(post.site.asked) == 3
    w.step(minutes=1)
    post.worker.run_pass()
    assert guests(w, request)[0]["error"] == "refused"
    assert guests(w, request)[0]["status"] == "unreachable"


def test_a_domain_gets_one_mail_an_hour_whoever_asks(w: World, post: Post) -> None:
    for _ in range(2):
        ask(w, w.live())
    post.worker.run_pass()
    [both] = post.texts()
    assert both.count(f"{CONSOLE}/console/guest#") == 2
    late = w.live()
    ask(w, late)
    w.step(minutes=59)
    post.worker.run_pass()
    assert len(post.texts()) == 1
    w.step(minutes=1)
    post.worker.run_pass()
    assert len(post.texts()) == 2
    assert guests(w, late)[0]["status"] == "contacted"


def test_a_mail_that_the_server_refused_does_not_count(w: World, post: Post) -> None:
    request = w.live()
    ask(w, request)
    post.box.refuses = b"450 later\r\n"
    post.worker.run_pass()
    assert guests(w, request)[0]["error"] == "refused"
    post.box.refuses = b""
    w.step(minutes=1)
    post.worker.run_pass()
    assert len(post.texts()) == 1


def _mails() -> dict[tuple[str, str], float]:
    """Return how many mails to guests were counted, by kind and outcome."""
    return {
        (sample.labels["kind"], sample.labels["outcome"]): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "holdfast_guest_mails_total"
    }


def test_mails_to_guests_are_counted_by_kind_and_outcome(w: World, post: Post) -> None:
    before = _mails()
    _, guest = _contacted(w, post)
    for refuses in (b"", b"550 no such mailbox\r\n"):
        post.box.refuses = refuses
        _want_code(w, guest)
        post.worker.run_pass()
    ask(w, w.live())
    w.step(hours=1)
    post.worker.run_pass()
    counted = {key: value - before.get(key, 0) for key, value in _mails().items()}
    assert counted == {
        ("links", "sent"): 1,
        ("links", "failed"): 1,
        ("code", "sent"): 1,
        ("code", "failed"): 1,
    }


def _want_code(w: World, guest: str) -> None:
    with w.database.writing() as connection, connection.begin():
        store.change(connection, guest, code_wanted_at=w.clock.now())


def test_a_worker_that_dies_while_it_sends_leaves_no_second_mail_within_the_hour(
    w: World, post: Post
) -> None:
    request = w.live()
    ask(w, request)

    class Died(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Died

    dying = guest_worker(w, fetch=post.worker._fetch, send=die, settings=post.worker._settings)
    with pytest.raises(Died):
        dying.run_pass()
    w.step(minutes=30)
    post.worker.run_pass()
    assert post.texts() == []
    w.clock.step(BETWEEN_MAILS)
    post.worker.run_pass()
    assert len(post.texts()) == 1


def test_nobody_is_written_to_about_what_is_over_or_by_a_restored_database(
    w: World, post: Post
) -> None:
    over, other = w.live(), w.live()
    ask(w, over)
    w.act(w.cast.a.lead, over, "withdrawal", addresses="all", reason="sorry", reason_code="other")
    post.worker.run_pass()
    assert (post.texts(), post.site.asked) == ([], [])
    ask(w, other)
    with w.database.writing() as connection, connection.begin():
        restored.mark(connection, w.clock.now())
    post.worker.run_pass()
    assert (post.texts(), post.site.asked) == ([], [])


def test_without_a_mail_server_nobody_is_reached(w: World) -> None:
    request = w.live()
    ask(w, request)

    def fetch(*_: Any, **__: Any) -> Any:
        raise AssertionError("nothing is fetched that nobody would write to")

    guest_worker(w, fetch=fetch, send=None, settings=GuestMailSettings(console=CONSOLE)).run_pass()
    assert guests(w, request)[0]["error"] == "no_mail"


def test_who_is_asked_is_bounded_and_no_member(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    request = w.live()
    for member in (b.handle, f"www.{b.handle}", a.handle):
        answer = w.try_act(a.lead, request, "guests", domain=member)
        problem(answer, 422, "member_domain")
    for odd in (
        "exämple.de",
        "GUEST.example",
        "localhost",
        "10.0.0.1",
        "a@b.example",
        "b.example.",
    ):
        assert w.try_act(a.lead, request, "guests", domain=odd).status_code == 422
    problem(w.try_act(a.analyst, request, "guests", domain=DOMAIN), 403, "not_allowed")
    problem(w.try_act(b.lead, request, "guests", domain=DOMAIN), 404, "not_found")
    waiting = w.submit()
    problem(w.try_act(a.lead, waiting, "guests", domain=DOMAIN), 409, "invalid_transition")
    drill = w.live(drill=True)
    problem(w.try_act(a.lead, drill, "guests", domain=DOMAIN), 409, "drill_guest")
    ask(w, request)
    problem(w.try_act(a.lead, request, "guests", domain=DOMAIN), 409, "guest_asked")
    for number in range(1, MOST_OF_REQUEST):
        ask(w, request, f"g{number}.example")
    problem(w.try_act(a.lead, request, "guests", domain="last.example"), 409, "too_many_guests")
    second = w.live()
    for number in range(MOST_OF_REQUEST):
        ask(w, second, f"h{number}.example")
    third = w.live()
    problem(w.try_act(a.lead, third, "guests", domain="last.example"), 409, "too_many_guests")
    w.step(hours=24)
    assert w.signer.get(b.lead, f"/v1/freeze-requests/{request['id']}/guests").status_code == 404


def _contacted(w: World, post: Post) -> tuple[dict[str, Any], str]:
    request = w.live()
    guest: str = ask(w, request)["id"]
    post.worker.run_pass()
    return request, guest


def test_what_a_guest_says_is_told_marked_and_counted_nowhere(w: World, post: Post) -> None:
    request, guest = _contacted(w, post)
    path = f"/v1/freeze-requests/{request['id']}"
    before = w.get(w.cast.a.lead, path)
    _say(w, guest, GuestAnswer.ACKNOWLEDGED)
    _say(w, guest, GuestAnswer.ACKNOWLEDGED)
    asset = "eip155:1/slip44:60"
    line = {"address_no": 0, "kind": "frozen", "asset": asset, "amount": "700"}
    _say(w, guest, GuestAnswer.REPORTED, lines=[line])
    [view] = guests(w, request)
    assert [each["kind"] for each in view["answers"]] == ["acknowledged", "reported"]
    assert view["answers"][1]["lines"] == [line]
    told = w.events(w.cast.a, "guest.answered")
    assert [each["unverified"] for each in told] == [True, True]
    assert told[1]["answer_sha256"] == view["answers"][1]["answer_sha256"]
    assert told[1]["by"] == "coordinator"
    after = w.get(w.cast.a.lead, path)
    for member in ("totals", "partners_asked", "legs_by_status", "counts"):
        assert before.get(member) == after.get(member)
    assert w.items(w.cast.a.lead, request, "ledger") == []
    acts = w.items(w.cast.a.lead, request, "evidence")
    said = [act for act in acts if act["act"] == "guest_answer"]
    assert [(act["kind"], act["token"]) for act in said] == [("coordinator", None)] * 2


def test_a_guest_that_joins_gets_its_own_leg_and_its_word_stays_unverified(
    w: World, post: Post
) -> None:
    request, guest = _contacted(w, post)
    _say(w, guest, GuestAnswer.ACKNOWLEDGED)
    joined = new_exchange(DOMAIN)
    admit(w.database, w.vault, w.clock, joined)
    [view] = guests(w, request)
    leg = w.leg(request, joined)
    assert (view["status"], view["leg_id"], view["unverified"]) == ("joined", leg["id"], True)
    assert leg["acknowledged_at"] is None
    [notice] = w.events(joined, "freeze_request.received")
    assert [act["act"] for act in notice["addition"]] == ["ask_guest"]
    w.act(joined.analyst, request, "acknowledgement")
    assert w.leg(request, joined)["status"] == "acknowledged"
    [told] = w.events(w.cast.a, "guest.joined")
    assert told["leg"] == leg["id"]
    with w.database.engine.connect() as connection:
        row = store.get(connection, guest)
    assert row is not None
    assert row.code_sha256 is None


def test_what_is_over_asks_nobody_who_joins(w: World, post: Post) -> None:
    request, _ = _contacted(w, post)
    w.act(w.cast.a.lead, request, "withdrawal", addresses="all", reason="over", reason_code="other")
    joined = new_exchange(DOMAIN)
    admit(w.database, w.vault, w.clock, joined)
    assert guests(w, request)[0]["leg_id"] is None
    assert w.events(joined, "freeze_request.received") == []


def test_what_a_guest_said_and_who_it_is_goes_with_the_request(w: World, post: Post) -> None:
    request, guest = _contacted(w, post)
    _say(w, guest, GuestAnswer.ACKNOWLEDGED)
    [answer] = guests(w, request)[0]["answers"]
    over = {"addresses": "all", "reason": "over", "reason_code": "other"}
    w.act(w.cast.a.lead, request, "withdrawal", **over)
    with transaction(command_context(w.database, w.vault, w.clock)) as uow:
        proposed = ProposeErasure(request_id=request["id"], reason=ErasureReason.DATA_SUBJECT)
        uow.finish(execute(proposed, COORDINATOR, uow))
    w.act(w.cast.a.lead, request, "erasure", reason="data_subject")
    owners = {"guest": guest, "answer": answer["id"]}
    left = text("SELECT name FROM document WHERE owner_id IN (:guest, :answer)")
    with w.database.engine.connect() as connection:
        assert connection.execute(left, owners).all() == []
    path = f"/v1/freeze-requests/{request['id']}/guests"
    problem(w.signer.get(w.cast.a.lead, path), 410, "erased")


def test_of_two_workers_one_writes_to_a_domain(w: World, post: Post) -> None:
    _contacted(w, post)
    with w.database.writing() as connection, connection.begin():
        # What the other one read before this mail went out.
        assert not store.take_mail(connection, DOMAIN, w.clock.now())
        assert store.take_mail(connection, DOMAIN, w.clock.now() + BETWEEN_MAILS)


def test_an_answer_is_about_what_is_asked_alone(w: World, post: Post) -> None:
    request, guest = _contacted(w, post)
    line = {"address_no": 99, "kind": "nothing", "asset": None, "amount": None}
    with pytest.raises(InvalidInputError):
        _say(w, guest, GuestAnswer.REPORTED, lines=[line])
    assert guests(w, request)[0]["answers"] == []
