"""The last scene of the second act: a deposit that is stopped as it comes in."""

from datetime import UTC, datetime

from reference_exchange.incoming import Incoming, IncomingDeposits, freeze
from reference_exchange.scenarios.board import Board
from reference_exchange.scenarios.script import SecondAct
from reference_exchange.scenarios.stage import Stage


def stop_on_arrival(stage: Stage, board: Board, act: SecondAct) -> None:
    """Have a flagged account pay in at an exchange that has answered and let everything go.

    Raises:
        ScenarioError: The deposit was not stopped.
    """
    deposit = act.stopped_deposit
    player = stage.player(deposit.exchange)
    name = board.name(player.handle)
    board.scene(
        "A deposit that comes later",
        f"The thief pays in once more, at {name}, which has answered and holds nothing any more. "
        "It screens what comes in: this one deposit waits for a person.",
    )
    incoming, book = IncomingDeposits(player.home / "incoming.sqlite3"), player.book()
    asset = stage.script.assets[deposit.asset]
    sender = stage.script.account(deposit.from_address_no or 0)
    incoming.announce(
        deposit.customer, asset, int(deposit.amount), sender, "invented-second-act-stopped"
    )

    def held() -> list[Incoming]:
        return incoming.in_state("held")

    stage.wait_for("a deposit that is stopped", lambda: bool(held()))
    (stopped,) = held()
    stage.screened += 1
    label = f"{board.label(stopped.request_id or '')}, {name}"
    amount = board.amount(asset, stopped.amount)
    board.say(f"{label}: {amount} wait for a person; the customer has not got them yet")
    now = datetime.fromtimestamp(int(stage.now()), UTC)
    freeze(incoming, book, stopped, player.client("officer"), now)
    board.say(f"{label}: the officer freezes them; its leg is open again")
    book.close()
    incoming.close()
    board.refresh()
