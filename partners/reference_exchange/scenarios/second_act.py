"""The second act: money moves on, reports and requests were wrong, holds run out, a lead sleeps."""

from datetime import UTC, datetime, timedelta

from holdfast import new_nonce
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import (
    CorrectionLine,
    FlaggedAddress,
    FoundLine,
    FrozenLine,
    ReportLine,
    Usd,
)
from holdfast.protocol.views import FreezeRequestView, HoldView
from holdfast.protocol.vocabulary import (
    HoldBasis,
    LineKind,
    ReleaseReason,
    WithdrawalReason,
)
from reference_exchange.answering import release
from reference_exchange.deposit_book import Freeze
from reference_exchange.scenarios.arrival import stop_on_arrival
from reference_exchange.scenarios.board import Board
from reference_exchange.scenarios.first_act import ask_and_wait
from reference_exchange.scenarios.flash_scenes import clear, sleep_through
from reference_exchange.scenarios.processes import ScenarioError
from reference_exchange.scenarios.script import SecondAct, load_second_act
from reference_exchange.scenarios.stage import Stage

_TITLE = "Act 2. The days after"


def play(stage: Stage) -> None:
    """Replay the second act.

    Raises:
        ScenarioError: Something that had to happen did not.
    """
    act = load_second_act()
    _fill_books(stage, act)
    board = stage.board(_TITLE)
    board.scene(
        "Money that moves on",
        "Five more addresses. exchange-d had the money and says where it went: the next request is "
        "drafted from its words.",
    )
    wave = ask_and_wait(stage, board, stage.document(act.request))
    _follow_on(stage, board, wave)
    _share(stage, board, act)
    _correct(stage, board, act, wave)
    _withdraw(stage, board, act, wave)
    _run_out(stage, board, act, wave)
    sleep_through(stage, board, act)
    clear(stage, board, act)
    stop_on_arrival(stage, board, act)


def _fill_books(stage: Stage, act: SecondAct) -> None:
    for number, deposit in enumerate(act.deposits):
        book = stage.player(deposit.exchange).book()
        stage.script.book_deposit(deposit, book, f"invented-second-act-{number}")
        book.close()
    for ruling in act.rulings:
        book = stage.player(ruling.exchange).book()
        for customer in ruling.customers:
            book.decide_to_keep(customer, stage.script.assets[ruling.asset], act.extend_days)
        book.close()


def _follow_on(stage: Stage, board: Board, request: FreezeRequestView) -> None:
    """Submit what the coordinator drafts from the partners' words about where funds went."""
    for draft in stage.asker.client("analyst").drafts(request.id):
        following = board.names(draft.request["to"])
        label, name = board.label(request.id), board.name(draft.partner)
        board.say(f"{label}, {name}: the funds moved on to {following}")
        ask_and_wait(stage, board, canonical_json.dumps({**draft.request, "nonce": new_nonce()}))


def _share(stage: Stage, board: Board, act: SecondAct) -> None:
    """Ask about an address that leads to funds which an exchange holds already."""
    board.scene(
        "One hold for two requests",
        "Another address leads to money that exchange-c holds already. It answers both requests, "
        "and must not count twice.",
    )
    document = stage.document(act.shared_request)
    request = ask_and_wait(stage, board, document)
    asker = stage.asker.client("analyst")
    shared = {hold.id for hold in asker.holds(request.id) if hold.shared}
    for before in stage.requests[:-1]:
        if shared & {hold.id for hold in asker.holds(before.id)}:
            both = f"{board.label(before.id)} and {board.label(request.id)}"
            board.say(f"{both}: one hold answers both, and counts once")


def _correct(stage: Stage, board: Board, act: SecondAct, request: FreezeRequestView) -> None:
    """Let an officer report a late deposit with a zero too many, notice, and correct it."""
    deposit = act.late_deposit
    player = stage.player(deposit.exchange)
    name = board.name(player.handle)
    board.scene(
        "A zero too many",
        f"A deposit turns up late at {name}, and its officer mistypes the amount. Nothing is "
        "deleted: a correction stands beside the line, and every sum follows it.",
    )
    officer, book = player.client("officer"), player.book()
    stage.script.book_deposit(deposit, book, "invented-second-act-late")
    address_no = act.request.place(deposit.from_address_no or 0)
    account = stage.script.account(deposit.from_address_no or 0)
    asset = stage.script.assets[deposit.asset]
    now = datetime.fromtimestamp(int(stage.now()), UTC)
    (match,) = book.match({address_no: FlaggedAddress(account=account, asset=asset)})
    freeze = book.freeze_more(request.id, match, now)
    typed = f"{freeze.amount}0"
    usd = Usd(value=_dollars(act.cents(int(typed))), at=now, source="own order book")
    lines: list[ReportLine] = [
        FoundLine(kind=LineKind.FOUND, address_no=address_no, asset=asset, amount=typed, usd=usd),
        FrozenLine(
            kind=LineKind.FROZEN,
            address_no=address_no,
            asset=asset,
            amount=typed,
            frozen_at=now,
            hold_expires_at=now + timedelta(hours=act.request.hours),
            basis=HoldBasis.VOLUNTARY,
            usd=usd,
        ),
    ]
    report = officer.report(request, lines)
    found, frozen = report.lines
    book.note_hold(freeze, frozen.hold or "")
    book.close()
    label = f"{board.label(request.id)}, {name}, address {address_no}"
    board.say(f"{label}: the officer reports {board.amount(asset, typed)}, a zero too many")
    board.refresh()
    corrections: list[ReportLine] = [
        CorrectionLine(
            kind=LineKind.CORRECTION,
            corrects=line.id,
            amount=str(freeze.amount),
            reason="A zero too many.",
        )
        for line in (found, frozen)
    ]
    officer.report(request, corrections)
    amount = board.amount(asset, str(freeze.amount))
    board.say(f"{label}: the officer corrects it to {amount}; the value in USD follows")
    board.refresh()
    # The value was stated for the wrong amount, and follows the correction.
    _require_worth(stage, act, request, freeze)


def _require_worth(
    stage: Stage, act: SecondAct, request: FreezeRequestView, freeze: Freeze
) -> None:
    """Compare the dollars in the request's totals, all of one freeze, with what the book holds."""
    totals = stage.asker.client("analyst").freeze_request(request.id).totals[freeze.asset]
    shown = totals.usd and (totals.usd.found, totals.usd.frozen, totals.usd.held)
    booked = tuple(
        # Nothing left to value is no value, and not 0.
        (_dollars(act.cents(amount)) if act.cents(amount) else None)
        for amount in (freeze.found, freeze.amount, freeze.held)
    )
    if shown != booked:
        raise ScenarioError(f"worth {shown} in the request's totals, but {booked} by the books")


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _withdraw(stage: Stage, board: Board, act: SecondAct, request: FreezeRequestView) -> None:
    """Take some addresses back; whoever holds on them releases, or keeps and says why."""
    board.scene(
        "Addresses that were wrong",
        "The tracing is revised: two addresses were an error. Whoever holds money on them owes an "
        "answer: let it go, or keep it and say why.",
    )
    numbers = [act.request.place(number) for number in act.withdrawal.address_nos]
    lead = stage.asker.client("lead")
    lead.withdraw(
        request,
        act.withdrawal.reason,
        reason_code=WithdrawalReason.WRONG_TARGET,
        addresses=numbers,
    )
    label = board.label(request.id)
    withdrawn = f"the lead withdraws addresses {' and '.join(map(str, numbers))}"
    board.say(f"{label}, {board.name(stage.asker.handle)}: {withdrawn} as wrong targets")

    board.refresh()

    def is_answered() -> bool:
        on_them = [hold for hold in lead.holds(request.id) if hold.address_no in numbers]
        return all(hold.owed_since is None and (hold.held == "0" or hold.kept) for hold in on_them)

    stage.wait_for("an answer to the withdrawal", is_answered)
    for hold in lead.holds(request.id):
        if hold.address_no in numbers:
            answer = (
                f"keeps {board.amount(hold.asset, hold.held)}, by its {_words(hold.kept)}"
                if hold.kept
                else f"releases {board.amount(hold.asset, hold.released)}"
            )
            board.say(f"{_place(board, request, hold)}: {answer}")
    board.refresh()


def _run_out(stage: Stage, board: Board, act: SecondAct, request: FreezeRequestView) -> None:
    """Let holds come to their end: some are extended before it, the others lapse."""
    asker = stage.asker.client("analyst")
    saved = _to_be_kept(stage, act)
    board.scene(
        "Holds end",
        "A freeze lasts 72 hours. Nothing is let go because time ran out, but whoever holds must "
        "say in time what becomes of it. The clock jumps ahead.",
    )
    first_end = min(hold.hold_expires_at for hold in asker.holds(request.id))
    day = timedelta(hours=24)
    stage.put_clock_to(act.hours_to_last_warning)
    board.say(f"{act.hours_to_last_warning} hours after the first request: holds end within a day")
    stage.wait_for(
        "an extension of what is to be kept",
        lambda: all(
            hold.hold_expires_at > first_end + day
            for each in stage.requests
            for hold in asker.holds(each.id)
            if hold.id in saved
        ),
    )
    for ruling in act.rulings:
        name = board.name(ruling.exchange)
        board.say(f"{name}: extends what its compliance decided to keep")
    stage.put_clock_to(act.hours_to_end)
    board.say(f"{act.hours_to_end} hours after the first request: the other holds have ended")
    stage.wait_for("holds that lapse", lambda: len(_lapsed(stage, request)) > 1)
    board.refresh()
    player = stage.player(act.late_deposit.exchange)
    officer, book = player.client("officer"), player.book()
    extended, *released = lapsed = _lapsed(stage, request)
    for hold in lapsed:
        amount = board.amount(hold.asset, hold.held)
        board.say(f"{_place(board, request, hold)}: {amount} lapsed; an answer is owed")
    (late,) = (f for f in book.freezes(request.id) if f.customer == act.late_deposit.customer)
    until = datetime.fromtimestamp(int(stage.now()), UTC) + timedelta(days=act.extend_days)
    officer.extend(request, extended.id, until, HoldBasis.OWN_POLICY)
    board.say(f"{_place(board, request, extended)}: the officer extends it")
    for hold in released:
        release(book, officer, hold.id, ReleaseReason.EXPIRED)
        board.say(f"{_place(board, request, hold)}: the officer releases it")
    _require_worth(stage, act, request, book.freeze_of(late.hold or ""))
    book.close()
    if any(hold.owed_since for hold in asker.holds(request.id)):
        raise ScenarioError("an answer is owed although every hold was answered")
    board.refresh()


def _place(board: Board, request: FreezeRequestView, hold: HoldView) -> str:
    """Return where a hold is: the request, the partner, the address."""
    return f"{board.label(request.id)}, {board.name(hold.partner)}, address {hold.address_no}"


def _words(code: str) -> str:
    return code.replace("_", " ")


def _to_be_kept(stage: Stage, act: SecondAct) -> set[str | None]:
    """Return the holds on funds that compliance decided to keep."""
    holds = set()
    for ruling in act.rulings:
        book = stage.player(ruling.exchange).book()
        holds |= {f.hold for f in book.freezes() if f.customer in ruling.customers}
        book.close()
    return holds


def _lapsed(stage: Stage, request: FreezeRequestView) -> list[HoldView]:
    """Return a request's holds that have lapsed, the first opened first."""
    return [hold for hold in stage.asker.client("analyst").holds(request.id) if hold.lapsed]
