"""The first act: one request to three exchanges, what they answer, and what an officer decides."""

import time
from collections.abc import Callable, Mapping
from hashlib import sha256

from holdfast.protocol.views import FreezeRequestView, LegView
from holdfast.protocol.vocabulary import EventType, LegStatus, ReleaseReason
from reference_exchange.answering import release, return_funds
from reference_exchange.inbox import Inbox
from reference_exchange.scenarios.board import Board
from reference_exchange.scenarios.chat_group import forge, reply_to_the_wrong_one, tamper
from reference_exchange.scenarios.stage import ANSWER_SECONDS, Stage, dropped_repeats

#: What a leg shows once its exchange has answered.
ANSWERED = frozenset(
    {
        LegStatus.FROZEN,
        LegStatus.PARTIALLY_FROZEN,
        LegStatus.NO_MATCH,
        LegStatus.CANNOT_SAY,
        LegStatus.DECLINED,
    }
)


_TITLE = "Act 1. The first minutes"


def play(stage: Stage) -> None:
    """Replay the first act.

    Raises:
        ScenarioError: Something that had to happen did not.
    """
    script, board = stage.script, stage.board(_TITLE)
    name = board.name(stage.asker.handle)
    board.scene(
        "A request to three exchanges",
        f"{name} was robbed. Its analyst names 51 addresses, its security lead approves what was "
        "signed, and each exchange looks for them in its own deposit book.",
    )
    first = ask_and_wait(stage, board, stage.document(script.request))
    _decide(stage, board, first)
    board.scene(
        "Too late",
        "One address swapped its ether into USDT. exchange-d is asked: the money was there, and it "
        "is gone. It says so, and that is worth an answer, too.",
    )
    document = stage.document(script.second_request)
    second = ask_and_wait(stage, board, document)
    _send_again(stage, board)
    forge(stage, board)
    tamper(stage, board, first)
    reply_to_the_wrong_one(stage, board, second)


def ask_and_wait(stage: Stage, board: Board, document: bytes) -> FreezeRequestView:
    """Ask, and wait until everybody asked has answered; note how long the notices took."""
    request = stage.ask(board, document)
    wait_for_answers(stage, board, lambda legs: _note_first_freeze(stage, request, legs))
    if stage.seconds_to_last_notice is None:
        stage.seconds_to_last_notice = _seconds_to_last_notice(stage, request)
    return request


def wait_for_answers(
    stage: Stage, board: Board, seen: Callable[[Mapping[str, LegView]], None] = lambda _: None
) -> None:
    """Wait until everybody whom the newest request asks has answered; `seen` gets each look.

    The coordinator has an answer before the exchange has noted in its own book what came of it,
    such as the hold of a freeze; the scenes that follow look there, so both are waited for.
    """

    def have_answered(legs: Mapping[str, LegView]) -> bool:
        seen(legs)
        return all(leg.status in ANSWERED for leg in legs.values())

    board.wait_until("every partner's answer", have_answered, seconds=ANSWER_SECONDS)
    stage.wait_for("what the exchanges note of their answers", stage.is_dealt_with)


def _note_first_freeze(
    stage: Stage, request: FreezeRequestView, legs: Mapping[str, LegView]
) -> None:
    is_frozen = any(sums.frozen != "0" for leg in legs.values() for sums in leg.totals.values())
    if is_frozen and stage.seconds_to_first_freeze is None:
        passed = time.time() - stage.approved_at[request.id]
        stage.seconds_to_first_freeze = round(passed, 3)


def _seconds_to_last_notice(stage: Stage, request: FreezeRequestView) -> float | None:
    """Return the time from sending the approval to the last receiver's handler."""
    times = []
    for handle in request.to:
        inbox = Inbox(stage.player(handle).home / "inbox.sqlite3")
        at = inbox.received_at(EventType.REQUEST_RECEIVED, request.id)
        inbox.close()
        if at is None:
            return None
        times.append(at - stage.approved_at[request.id])
    return round(max(times), 3)


def _send_again(stage: Stage, board: Board) -> None:
    """Have one delivery come twice: whoever gets it knows it by its id, and does nothing."""
    player = stage.player(stage.script.decisions.exchange)
    client = player.client("system")
    delivered = (
        delivery
        for endpoint in client.endpoints()
        for delivery in client.deliveries(endpoint.id)
        if delivery.status == "delivered"
    )
    name = board.name(player.handle)
    board.scene("The same message twice", f"Networks repeat themselves. {name} must act once.")
    client.resend(next(delivered).id)
    stage.wait_for("the repeat", lambda: dropped_repeats(player) > 0)
    board.say(f"{name}: a delivery came again, was known by its id, and dropped")


def _decide(stage: Stage, board: Board, request: FreezeRequestView) -> None:
    """Let a compliance officer release the innocent's funds and return the victim's."""
    decisions = stage.script.decisions
    player = stage.player(decisions.exchange)
    officer, book = player.client("officer"), player.book()
    holds = {freeze.address_no: freeze.hold or "" for freeze in book.freezes(request.id)}
    name = board.name(player.handle)
    board.scene(
        "A second look",
        f"A compliance officer of {name} looks closer: one account is an innocent's, which goes "
        "free; the other is the thief's, and the victim gets its money back.",
    )
    label = f"{board.label(request.id)}, {name}, address"
    number = decisions.false_positive_address_no
    release(book, officer, holds[number], ReleaseReason.FALSE_POSITIVE)
    board.say(f"{label} {number}: the officer releases it, a false positive")
    board.refresh()
    number = decisions.return_address_no
    returned = holds[number]
    return_funds(book, officer, returned, "0x" + sha256(returned.encode()).hexdigest())
    board.say(f"{label} {number}: the officer returns it to the victim")
    board.refresh()
    book.close()
