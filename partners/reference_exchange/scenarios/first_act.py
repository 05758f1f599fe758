"""The first act: one request to three exchanges, what they answer, and what an officer decides."""

from hashlib import sha256

from holdfast.protocol.views import FreezeRequestView
from holdfast.protocol.vocabulary import EventType, LegStatus, ReleaseReason
from reference_exchange.answering import release, return_funds
from reference_exchange.inbox import Inbox
from reference_exchange.scenarios.board import Board
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


_TITLE = "Act 1. The first minutes: a request to three exchanges, their answers, a second look."


def play(stage: Stage) -> None:
    """Replay the first act.

    Raises:
        ScenarioError: Something that had to happen did not.
    """
    script = stage.script
    with stage.board(_TITLE) as board:
        first = ask_and_wait(stage, board, script.document(script.request, stage.incident()))
        _decide(stage, board, first)
        ask_and_wait(stage, board, script.document(script.second_request, stage.incident()))
        _send_again(stage, board)


def ask_and_wait(stage: Stage, board: Board, document: bytes) -> FreezeRequestView:
    """Ask, and wait until everybody asked has answered; note how long the notices took."""
    request = stage.ask(board, document)
    wait_for_answers(board)
    if stage.seconds_to_last_notice is None:
        stage.seconds_to_last_notice = _seconds_to_last_notice(stage, request)
    return request


def wait_for_answers(board: Board) -> None:
    """Wait until everybody whom the newest request asks has answered."""
    board.wait_until(
        "every partner's answer",
        lambda legs: all(leg.status in ANSWERED for leg in legs.values()),
        seconds=ANSWER_SECONDS,
    )


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
    client.resend(next(delivered).id)
    stage.wait_for("the repeat", lambda: dropped_repeats(player) > 0)
    board.say(f"{player.handle}: one delivery came again on purpose; it was known, and dropped")


def _decide(stage: Stage, board: Board, request: FreezeRequestView) -> None:
    """Let a compliance officer release the innocent's funds and return the victim's."""
    decisions = stage.script.decisions
    player = stage.player(decisions.exchange)
    officer, book = player.client("officer"), player.book()
    holds = {freeze.address_no: freeze.hold or "" for freeze in book.freezes(request.id)}
    innocent = holds[decisions.false_positive_address_no]
    release(book, officer, innocent, ReleaseReason.FALSE_POSITIVE)
    label = f"{board.label(request.id)}, {player.handle}, address"
    number = decisions.false_positive_address_no
    board.say(f"{label} {number}: the officer released it, a false positive")
    board.refresh()
    returned = holds[decisions.return_address_no]
    return_funds(book, officer, returned, "0x" + sha256(returned.encode()).hexdigest())
    number = decisions.return_address_no
    board.say(f"{label} {number}: the officer returned the rest to the victim")
    board.refresh()
    book.close()
