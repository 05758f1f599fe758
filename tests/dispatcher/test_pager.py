"""Who is woken, by what, and until when."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from coordinator.dispatcher.channels import Page
from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.membership.on_call import StoredChannel
from coordinator.storage.tail import restored
from holdfast.protocol.tasks import Task, TaskKind
from tests.dispatcher.paging import (
    Sleepers,
    alarms,
    body_of,
    chain_of,
    channels,
    pager,
    receiver,
    set_chain,
    step,
    take,
    webhook,
)
from tests.factories import Cast, Signer, nonce
from tests.services.request_cast import Desk, addresses, nothing
from tests.services.through_api import World


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _flash(w: World, **changes: Any) -> dict[str, Any]:
    return w.live(urgency="flash", to=[w.cast.b.handle], **changes)


def _leg_task(w: World, request: dict[str, Any]) -> str:
    [task] = [each["id"] for each in w.leg(request, w.cast.b)["tasks"]]
    return str(task)


def test_a_flash_pages_one_after_the_other_until_somebody_has_it(w: World) -> None:
    b = w.cast.b
    with receiver() as first, receiver() as second:
        set_chain(
            w,
            b,
            {
                "steps": [
                    step(b.lead, webhook(first.url())),
                    step(b.compliance, webhook(second.url())),
                ]
            },
        )
        request = _flash(w)
        paging = pager(w, channels(w).send)
        paging.settle()
        [heard] = first.requests
        assert second.requests == []
        w.step(minutes=4, seconds=59)
        paging.settle()
        assert second.requests == []
        w.step(seconds=1)
        paging.settle()
        assert len(second.requests) == 1
        take(w, b.compliance, request, _leg_task(w, request))
        w.step(minutes=30)
        paging.settle()
        assert (len(first.requests), len(second.requests)) == (1, 1)
    told = body_of(heard)
    assert told["text"] == (
        "A freeze request waits for your organisation's answer."
        f" http://localhost:8080/console/requests/{request['id']}"
    )
    [alarm] = alarms(w, b.auditor)
    assert alarm["outcome"] == "taken"
    assert [(c["person"], c["status"], c["sent_at"]) for c in alarm["calls"]] == [
        (b.lead.subject, "sent", "2026-03-02T12:00:00Z"),
        (b.compliance.subject, "sent", "2026-03-02T12:05:00Z"),
    ]


def _submit_flash(w: World) -> dict[str, Any]:
    """Have A's analyst send a flash request that is out at once."""
    desk = Desk(w.database, w.vault, w.clock, w.cast)
    desk.policy(w.cast.a, may_flash=[w.cast.a.analyst.subject])
    # Of one account nobody is warned: the cast's own address is known to nobody.
    request = w.submit(urgency="flash", to=[w.cast.b.handle], addresses=addresses(1))
    assert request["provisional"]
    return request


def test_a_flash_is_ratified_by_who_is_woken_for_it(w: World) -> None:
    a = w.cast.a
    set_chain(w, a, chain_of(a.lead, a.second_lead))
    sleepers = Sleepers(w)
    request = _submit_flash(w)
    assert sleepers.listen() == [a.lead.subject]
    assert sleepers.heard[0].page.sentence.endswith("is out and waits to be ratified.")
    assert sleepers.listen(minutes=5) == [a.second_lead.subject]
    w.act(
        a.second_lead,
        request,
        "approvals",
        decision="approve",
        context_sha256=request["context_sha256"],
        warnings_accepted=[],
    )
    assert sleepers.listen(minutes=5) == []
    assert alarms(w, a.auditor)[0]["outcome"] == "done"


def test_taking_it_ends_it_for_good_and_drops_what_was_not_sent(w: World) -> None:
    a = w.cast.a
    set_chain(w, a, chain_of(a.lead, a.second_lead))
    sleepers = Sleepers(w)
    sleepers.error = "connect_failed"
    request = _submit_flash(w)
    assert sleepers.listen() == [a.lead.subject]
    [call] = alarms(w, a.lead)[0]["calls"]
    assert (call["status"], call["error"]) == ("pending", "connect_failed")
    take(w, a.second_lead, request, Task(TaskKind.RATIFY, request["id"]).id)
    [alarm] = alarms(w, a.lead)
    assert sleepers.listen(minutes=20) == []
    assert alarms(w, a.lead) == [alarm]
    assert (alarm["outcome"], alarm["next_at"]) == ("taken", None)
    assert [each["status"] for each in alarm["calls"]] == ["dropped"]


def test_nobody_is_woken_by_a_restored_database_until_it_is_reconciled(w: World) -> None:
    a = w.cast.a
    set_chain(w, a, chain_of(a.lead, a.second_lead))
    sleepers = Sleepers(w)
    sleepers.error = "connect_failed"
    _submit_flash(w)
    assert sleepers.listen() == [a.lead.subject]
    sleepers.error = None
    with w.database.writing() as connection, connection.begin():
        restored.mark(connection, w.clock.now())
    # Both a message that was not taken and the next of the chain are due.
    assert sleepers.listen(minutes=5) == []
    with w.database.writing() as connection, connection.begin():
        restored.lift(connection)
    assert set(sleepers.listen()) == {a.lead.subject, a.second_lead.subject}


def test_whoever_acknowledges_is_awake_and_what_a_system_does_nobody_has_seen(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.lead, b.compliance))
    sleepers = Sleepers(w)
    by_system = _flash(w)
    assert sleepers.listen() == [b.lead.subject]
    w.act(b.system, by_system, "acknowledgement")
    assert sleepers.listen(minutes=5) == [b.compliance.subject]
    by_person = _flash(w, nonce=nonce())
    assert sleepers.listen() == [b.lead.subject]
    w.act(b.analyst, by_person, "acknowledgement")
    outcomes = {each["request_id"]: each["outcome"] for each in alarms(w, b.lead)}
    assert outcomes == {by_system["id"]: None, by_person["id"]: "taken"}


def test_what_was_answered_before_anybody_was_paged_wakes_nobody(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.lead))
    request = _flash(w)
    w.report(b, request, [nothing()])
    assert Sleepers(w).listen() == []
    assert alarms(w, b.lead)[0]["outcome"] == "done"


def test_while_its_own_question_is_open_a_desk_sleeps(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.lead, b.compliance))
    sleepers = Sleepers(w)
    request = _flash(w)
    assert sleepers.listen() == [b.lead.subject]
    w.act(b.system, request, "acknowledgement")
    w.act(
        b.system,
        request,
        "info-requests",
        missing=["police_report"],
        text="Which of the two deposits?",
    )
    assert sleepers.listen(minutes=5) == []


def test_whoever_may_not_decide_it_sleeps_on_unless_there_is_nobody_else(w: World) -> None:
    a = w.cast.a
    set_chain(w, a, chain_of(a.analyst, a.compliance, a.lead))
    sleepers = Sleepers(w)
    request = _submit_flash(w)
    assert sleepers.listen() == [a.lead.subject]
    take(w, a.lead, request, Task(TaskKind.RATIFY, request["id"]).id)
    set_chain(w, a, chain_of(a.analyst))
    w.submit(urgency="flash", to=[w.cast.c.handle])
    assert sleepers.listen() == [a.analyst.subject]


def test_a_chain_is_gone_through_three_times_and_then_nobody_is_left(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, {"steps": [step(b.lead, minutes=1), step(b.compliance, minutes=2)]})
    sleepers = Sleepers(w)
    _flash(w)
    order = sleepers.listen()
    for _ in range(20):
        order += sleepers.listen(minutes=1)
    assert order == [b.lead.subject, b.compliance.subject] * 3
    [alarm] = alarms(w, b.lead)
    assert (alarm["outcome"], alarm["ended_at"]) == ("unheard", "2026-03-02T12:09:00Z")


def test_who_acts_for_it_no_longer_is_not_woken(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.compliance, b.lead))
    revoked = w.signer.post(b.lead, "/v1/revocations", {"subject": b.compliance.subject})
    assert revoked.status_code == 201, revoked.data
    _flash(w)
    assert Sleepers(w).listen() == [b.lead.subject]


def test_what_is_urgent_waits_for_the_morning_and_a_flash_does_not(w: World) -> None:
    b = w.cast.b
    # Noon UTC is 20:00 in Singapore.
    quiet = {"zone": "Asia/Singapore", "begins": "19:00", "ends": "07:00", "rest_days": False}
    set_chain(w, b, chain_of(b.lead, quiet=quiet))
    sleepers = Sleepers(w)
    w.live(urgency="urgent", to=[b.handle])
    assert sleepers.listen() == []
    [alarm] = alarms(w, b.lead)
    assert (alarm["paged_at"], alarm["next_at"]) == (None, "2026-03-02T23:00:00Z")
    _flash(w, nonce=nonce(), addresses=addresses(1))
    assert sleepers.listen() == [b.lead.subject]
    w.step(hours=10, minutes=59)
    assert "urgent" not in [each.page.sentence for each in sleepers.heard]
    assert sleepers.listen(minutes=1)
    assert alarms(w, b.lead)[-1]["paged_at"] == "2026-03-02T23:00:00Z"


def test_holidays_are_those_of_the_partners_jurisdiction(w: World) -> None:
    b = w.cast.b
    quiet = {"zone": "Europe/Berlin", "begins": "00:00", "ends": "00:00"}
    set_chain(w, b, chain_of(b.lead, quiet=quiet))
    w.step(days=5)  # a Saturday
    w.live(urgency="urgent", to=[b.handle])
    assert Sleepers(w).listen() == []
    assert alarms(w, b.lead)[0]["next_at"] == "2026-03-08T23:00:00Z"


def test_a_routine_request_wakes_nobody_but_a_contested_freeze_does(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    for each in (a, b):
        set_chain(w, each, chain_of(each.lead))
    sleepers = Sleepers(w)
    request = w.live(urgency="routine", to=[b.handle])
    assert sleepers.listen() == []
    w.freeze(b, request)
    w.act(b.compliance, request, "disputes", reference="TICKET-1", text="It is our own wallet.")
    assert sleepers.listen() == [a.lead.subject]
    assert "contests" in sleepers.heard[0].page.sentence


def test_a_hold_that_ends_within_the_hour_wakes_its_holder_once(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    for each in (a, b):
        set_chain(w, each, chain_of(each.lead))
    request = w.live(urgency="routine", to=[b.handle])
    w.freeze(b, request)
    sleepers = Sleepers(w)
    ends_at = w.items(b.lead, request, "holds")[0]["hold_expires_at"]
    before = datetime.fromisoformat(ends_at) - w.clock.now() - timedelta(hours=1, seconds=1)
    w.clock.step(before)
    assert w.run_timer("hold_ends_soon") == 0
    w.step(seconds=1)
    assert (w.run_timer("hold_ends_soon"), w.run_timer("hold_ends_soon")) == (1, 0)
    assert sleepers.listen() == [b.lead.subject]
    assert sleepers.heard[0].page.sentence == "A hold of your organisation ends within the hour."


def test_without_a_chain_nobody_is_woken_and_nothing_is_owed(w: World) -> None:
    request = _flash(w)
    assert Sleepers(w).listen() == []
    assert alarms(w, w.cast.b.lead) == alarms(w, w.cast.a.lead, request) == []


def test_a_chain_that_is_removed_ends_what_is_under_way(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.lead, b.compliance))
    sleepers = Sleepers(w)
    _flash(w)
    assert sleepers.listen() == [b.lead.subject]
    removed = w.signer.send(b.lead, "DELETE", "/v1/on-call", None)
    assert removed.status_code == 200, removed.data
    assert sleepers.listen(minutes=5) == []
    assert alarms(w, b.lead)[0]["outcome"] == "nobody"


def test_a_message_of_a_chain_that_was_replaced_is_not_sent_to_anybody(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.lead))
    sleepers = Sleepers(w)
    sleepers.error = "connect_failed"
    _flash(w)
    sleepers.listen()
    set_chain(w, b, chain_of(b.compliance))
    sleepers.error = None
    assert sleepers.listen(seconds=2) == []
    [call] = alarms(w, b.lead)[0]["calls"]
    assert (call["status"], call["error"]) == ("dropped", "chain_changed")
    assert sleepers.listen(minutes=5) == [b.compliance.subject]


def test_a_message_that_is_not_taken_is_tried_again_and_then_given_up(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, {"steps": [step(b.lead, minutes=60)]})
    sleepers = Sleepers(w)
    sleepers.error = "refused"
    _flash(w)
    tries = [len(sleepers.listen(seconds=wait)) for wait in (0, 1, 1, 5, 15, 60, 60)]
    assert tries == [1, 0, 1, 1, 1, 1, 0]
    [call] = alarms(w, b.lead)[0]["calls"]
    assert (call["status"], call["error"]) == ("failed", "refused")
    assert len({each.page.call_id for each in sleepers.heard}) == 1


def test_two_workers_page_once_and_a_claim_that_ran_out_is_anybodys(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.lead))
    heard: list[str] = []
    gate, begun = threading.Event(), threading.Event()

    def slow(_channel: StoredChannel, page: Page) -> None:
        heard.append(page.call_id)
        begun.set()
        assert gate.wait(20)

    _flash(w)
    first, second = pager(w, slow), Sleepers(w)
    first.run_pass()
    assert begun.wait(20)
    assert second.listen() == []
    # A worker that stood still beyond its lease: the other sends, and its own end changes nothing.
    assert second.listen(seconds=30) == [b.lead.subject]
    sent_at = alarms(w, b.lead)[0]["calls"][0]["sent_at"]
    w.step(seconds=1)
    gate.set()
    first.settle()
    assert alarms(w, b.lead)[0]["calls"][0]["sent_at"] == sent_at
    assert heard == [second.heard[0].page.call_id]


def test_a_channel_that_hangs_holds_up_its_own_partner_alone(w: World) -> None:
    b, c = w.cast.b, w.cast.c
    hanging = [webhook(f"http://127.0.0.1:9/{number}") for number in range(5)]
    set_chain(w, b, {"steps": [step(b.lead, *hanging)]})
    set_chain(w, c, chain_of(c.lead))
    gate, heard, both = threading.Event(), [], threading.Semaphore(0)

    def send(channel: StoredChannel, _page: Page) -> None:
        name = str(channel.url).rpartition("/")[2]
        heard.append(name)
        both.release()
        if name != c.lead.subject:
            assert gate.wait(20)

    w.live(urgency="flash", to=[b.handle, c.handle])
    paging = pager(w, send, senders=4, share=2)
    paging.run_pass()
    for _ in range(3):
        assert both.acquire(timeout=20)
    assert (len(heard), heard.count(c.lead.subject)) == (3, 1)
    gate.set()
    paging.settle()
    assert len(heard) == 6
