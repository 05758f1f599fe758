"""Names that change, lie or hang: only checked addresses are ever connected to."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from coordinator.domain.delivery import HOST_UNUSABLE
from coordinator.egress.address_guard import (
    BlockedTargetError,
    Resolver,
    UnresolvedTargetError,
    check_url,
)
from coordinator.egress.name_resolution import CheckedResolver
from tests.dispatcher.raw_receiver import ACCEPTED, RawReceiver, answering
from tests.dispatcher.sending import (
    AMPLE,
    BODY,
    HEADERS,
    LOOPBACK,
    SHORT,
    resolving,
    send_once,
    sender,
)

pytestmark = pytest.mark.deadlines

ALWAYS = timedelta(0)
HOST = "hooks.example"


class ChangingResolver:
    """Gives one list of answers after the other, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = answers
        self.calls = 0

    def __call__(self, _host: str, _port: int) -> Sequence[str]:
        self.calls += 1
        return self._answers[min(self.calls, len(self._answers)) - 1]


@pytest.fixture
def hanging() -> Iterator[tuple[Resolver, Callable[[], int]]]:
    """Yield a resolver that hangs for hosts named `slow…`, and the number of its calls."""
    end = threading.Event()
    calls: list[str] = []

    def resolver(host: str, _port: int) -> Sequence[str]:
        calls.append(host)
        if host.startswith("slow"):
            end.wait(20)
        return ["127.0.0.1"]

    yield resolver, lambda: len(calls)
    end.set()


def test_a_name_that_turns_to_a_private_address_is_blocked_at_sending() -> None:
    resolver = ChangingResolver(["127.0.0.1"], ["10.0.0.1"])
    with RawReceiver(answering(ACCEPTED, ACCEPTED)) as receiver:
        with sender(resolver=resolver, resolve_every=ALWAYS) as made:
            url = receiver.url(host=HOST)
            assert made.send(url, HEADERS, BODY).ok
            outcome = made.send(url, HEADERS, BODY)
        assert len(receiver.requests) == 1  # not even over the connection that was kept
    assert outcome.error == "blocked_target"
    assert "address_not_public" in outcome.detail


def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    resolver = ChangingResolver(["127.0.0.1"], ["127.0.0.2"])
    with RawReceiver(answering(ACCEPTED)) as receiver:
        outcome = send_once(receiver.url(host=HOST), resolver=resolver)
    assert outcome.ok
    assert resolver.calls == 1


def test_a_name_is_resolved_again_only_after_its_time() -> None:
    resolver = ChangingResolver(["127.0.0.1"], ["127.0.0.2"])
    with RawReceiver(answering(ACCEPTED, ACCEPTED)) as receiver, sender(resolver=resolver) as made:
        for _ in range(2):
            assert made.send(receiver.url(host=HOST), HEADERS, BODY).ok
    assert resolver.calls == 1


def test_a_name_that_moves_takes_its_webhooks_along_in_spite_of_kept_connections() -> None:
    script = answering(ACCEPTED, ACCEPTED)
    resolver = ChangingResolver(["127.0.0.1"], ["127.0.0.2"])
    with RawReceiver(script) as old, RawReceiver(script, address=("127.0.0.2", old.port)) as new:
        with sender(resolver=resolver, resolve_every=ALWAYS) as made:
            for _ in range(2):
                assert made.send(old.url(host=HOST), HEADERS, BODY).ok
        assert (len(old.requests), len(new.requests)) == (1, 1)


@pytest.mark.parametrize(
    "answers", [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["::ffff:127.0.0.1"], ["::1"]]
)
def test_one_bad_answer_blocks_the_send(answers: Sequence[str]) -> None:
    with RawReceiver(answering(ACCEPTED)) as receiver:
        outcome = send_once(receiver.url(host=HOST), resolver=resolving({HOST: answers}))
        assert receiver.connections == 0
    assert (outcome.error, outcome.status) == ("blocked_target", None)


def test_a_bad_url_is_an_outcome_too() -> None:
    outcome = send_once("https://good.example\\@127.0.0.1/")
    assert outcome.error == "blocked_target"


def test_the_next_address_is_tried_where_the_first_does_not_accept() -> None:
    resolver = resolving({HOST: ["127.0.0.3", "127.0.0.1"]})
    with RawReceiver(answering(ACCEPTED)) as receiver:
        assert send_once(receiver.url(host=HOST), resolver=resolver).ok


def test_an_address_that_answered_is_tried_first_the_next_time() -> None:
    names = CheckedResolver(LOOPBACK, resolver=resolving({HOST: ["127.0.0.3", "127.0.0.1"]}))
    target = check_url(f"http://{HOST}/", LOOPBACK)
    names.prefer(names.resolve(target, until=soon()), 1)
    again = names.resolve(target, until=soon())
    assert [str(each) for each in again.addresses] == ["127.0.0.1", "127.0.0.3"]


def test_only_a_few_of_many_addresses_are_tried() -> None:
    answers = [f"127.0.1.{number}" for number in range(1, 9)]
    with RawReceiver(answering(ACCEPTED), address=("127.0.1.8", 0)) as receiver:
        outcome = send_once(receiver.url(host=HOST), resolver=resolving({HOST: answers}))
        assert receiver.connections == 0
    assert outcome.error == "connect_failed"


def test_a_name_server_that_hangs_holds_no_sender_beyond_its_deadline(
    hanging: tuple[Resolver, Callable[[], int]],
) -> None:
    resolver, calls = hanging
    with (
        RawReceiver(answering(ACCEPTED)) as receiver,
        sender(resolver=resolver, deadline=SHORT) as made,
    ):
        for _ in range(2):
            outcome = made.send(receiver.url(host="slow.example"), HEADERS, BODY)
            assert outcome.error == "dns_timeout"
        assert calls() == 1  # the second one joined the look-up of the first
        assert made.send(receiver.url(host=HOST), HEADERS, BODY).ok


def test_registering_waits_for_hanging_name_servers_no_longer_than_it_may(
    hanging: tuple[Resolver, Callable[[], int]],
) -> None:
    names = CheckedResolver(LOOPBACK, resolver=hanging[0])
    with pytest.raises(BlockedTargetError) as caught:
        names.check_offered("http://slow.example/", within=SHORT)
    assert caught.value.code == HOST_UNUSABLE  # as of a name that nobody knows
    assert names.check_offered(f"http://{HOST}/", within=AMPLE).ip == "127.0.0.1"
    with pytest.raises(BlockedTargetError):
        names.check_offered("https://[::1]/", within=AMPLE)


def test_look_ups_under_way_are_bounded(hanging: tuple[Resolver, Callable[[], int]]) -> None:
    resolver, calls = hanging
    names = CheckedResolver(LOOPBACK, resolver=resolver, max_lookups=1)
    for host in ("slow1.example", "slow2.example"):
        with pytest.raises(UnresolvedTargetError) as caught:
            names.resolve(check_url(f"http://{host}/", LOOPBACK), until=time.monotonic() + 0.1)
        assert caught.value.code == "dns_timeout"
    assert calls() == 1


def test_many_senders_waiting_for_one_name_all_get_the_refusal() -> None:
    gate = threading.Event()

    def resolver(_host: str, _port: int) -> Sequence[str]:
        gate.wait(20)
        return ["10.0.0.1"]

    names = CheckedResolver(LOOPBACK, resolver=resolver)
    target = check_url(f"http://{HOST}/", LOOPBACK)
    refused: list[BlockedTargetError] = []

    def work() -> None:
        try:
            names.resolve(target, until=soon())
        except BlockedTargetError as error:
            refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert len({id(error) for error in refused}) == 5


@pytest.mark.parametrize(
    "fault", [socket.gaierror(socket.EAI_NONAME, "unknown"), UnicodeError("label too long")]
)
def test_a_name_that_does_not_resolve_is_asked_for_again_the_next_time(fault: Exception) -> None:
    calls: list[str] = []

    def resolver(host: str, _port: int) -> Sequence[str]:
        calls.append(host)
        if len(calls) == 1:
            raise fault
        return ["127.0.0.1"]

    with RawReceiver(answering(ACCEPTED)) as receiver, sender(resolver=resolver) as made:
        first = made.send(receiver.url(host=HOST), HEADERS, BODY)
        assert first.error == "dns_failed"
        assert made.send(receiver.url(host=HOST), HEADERS, BODY).ok


def test_a_host_without_a_thread_to_spare_fails_the_look_up_and_not_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    names = CheckedResolver(LOOPBACK, resolver=resolving({HOST: ["127.0.0.1"]}))
    target = check_url(f"http://{HOST}/", LOOPBACK)
    with monkeypatch.context() as short_of_threads:
        short_of_threads.setattr(threading.Thread, "start", refuse)
        with pytest.raises(UnresolvedTargetError):
            names.resolve(target, until=soon())
    assert names.resolve(target, until=soon()).ip == "127.0.0.1"


def test_what_is_remembered_is_bounded() -> None:
    resolver = ChangingResolver(["127.0.0.1"])
    names = CheckedResolver(LOOPBACK, resolver=resolver, max_kept=2)
    for host in ("a", "b", "c", "c", "a"):
        names.resolve(check_url(f"http://{host}.example/", LOOPBACK), until=soon())
    assert resolver.calls == 4  # the third host cleared the first two


def soon() -> float:
    return time.monotonic() + 20
