"""Two flash requests of the second act: one whose lead sleeps, one that hits a market maker."""

from datetime import UTC, datetime
from pathlib import Path

from holdfast import Transport
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.on_call_payloads import JsonChannel, NewOnCall, OnCallStep
from holdfast.protocol.views import FreezeRequestView, HoldView
from holdfast.protocol.vocabulary import EventType, WithdrawalReason
from holdfast.wording import counted
from reference_exchange.inbox import Inbox
from reference_exchange.scenarios.bedside import Bedside, bedside
from reference_exchange.scenarios.board import Board
from reference_exchange.scenarios.first_act import wait_for_answers
from reference_exchange.scenarios.processes import PATIENCE, ScenarioError, program
from reference_exchange.scenarios.script import Asking, Mistake, SecondAct
from reference_exchange.scenarios.stage import Stage


def sleep_through(stage: Stage, board: Board, act: SecondAct) -> None:
    """Have nobody ratify a flash request in time: nothing is freed, and the lead ratifies late.

    Raises:
        ScenarioError: Something was let go, or a partner never heard of it.
    """
    board.scene(
        "A lead sleeps",
        "Minutes count: a flash request goes out before its approval, and a lead has an hour to "
        "ratify it. This one sleeps, whoever rings. Nothing new is frozen, and nothing is let go.",
    )
    with bedside() as bed:
        _set_chain(stage, bed)
        _sleep_on(stage, board, act, bed)


def _sleep_on(stage: Stage, board: Board, act: SecondAct, bed: Bedside) -> None:
    request = _flash(stage, board, act.unratified_request)
    label, held = board.label(request.id), _held(stage, request)
    ratify_by = request.ratify_by or request.submitted_at
    board.say(f"{label}: to be ratified by {_clock(ratify_by)}, but its lead sleeps")
    _hear_page(stage, board, bed, label, "/telephone")
    stage.put_clock_to(act.hours_to_unratified)
    _hear_page(stage, board, bed, label, "/doorbell")
    board.say(f"{act.hours_to_unratified} hours after the first request: nobody ratified it")
    _wait_until_heard(stage, request, EventType.REQUEST_UNRATIFIED)
    board.say(f"{label}, {board.names(request.to)}: hear it, and freeze nothing new")
    _require_held(stage, request, held)
    board.refresh()
    stage.put_clock_to(act.hours_to_waking)
    now = datetime.fromtimestamp(stage.now(), UTC)
    board.say(f"{label}: it is {_clock(now)}, and the lead wakes")
    stage.approve(board, request, "ratifies it, late")
    _wait_until_heard(stage, request, EventType.REQUEST_RATIFIED)
    board.say(f"{label}, {board.names(request.to)}: hear that it is ratified after all")
    _require_held(stage, request, held)
    board.refresh()
    for asset, amount in held.items():
        board.say(f"{label}: {board.amount(asset, str(amount))} held all the time")
    lead = stage.asker.client("lead")
    paged = next(each for each in lead.alarms() if each.request_id == request.id)
    board.say(
        f"{label}: the record has {counted(len(paged.calls or ()), 'page')}, with time and name"
    )
    lead.remove_on_call()


def _set_chain(stage: Stage, bed: Bedside) -> None:
    """Have the lead paged by a telephone that does not wake them, and then by another."""
    lead = stage.asker.client("lead")
    steps = [
        OnCallStep(
            person=lead.profile.subject,
            channels=[JsonChannel(kind="webhook", url=f"{bed.origin}{path}")],
        )
        for path in ("/telephone", "/doorbell")
    ]
    lead.set_on_call(NewOnCall(steps=steps))


def _hear_page(stage: Stage, board: Board, bed: Bedside, label: str, path: str) -> None:
    stage.wait_for(f"a page to {path}", lambda: any(to == path for to, _ in bed.heard))
    said = next(sentence for to, sentence in bed.heard if to == path)
    board.say(f"{label}: the {path[1:]} of the lead rings: \u201c{said}\u201d")


def clear(stage: Stage, board: Board, act: SecondAct) -> None:
    """Have two exchanges freeze a market maker's funds; they are contested, released, cleared.

    Raises:
        ScenarioError: Somebody did not hear of it, or the clearance does not hold.
    """
    mistake = act.mistake
    board.scene(
        "A market maker is hit by error",
        "The tracing takes a market maker's wallet for the thief's. One exchange disputes it, the "
        "other is told, the requester withdraws, and signs that the account is clear.",
    )
    request = _flash(stage, board, act.mistaken_request)
    stage.approve(board, request, "ratifies it within the hour")
    address_no = act.mistaken_request.place(mistake.address_no)
    dispute_id = _dispute(stage, board, request, mistake)
    lead = stage.asker.client("lead")
    lead.resolve_dispute(request, dispute_id, is_upheld=True, text=mistake.agreement)
    lead.withdraw(
        request,
        mistake.reason,
        reason_code=WithdrawalReason.WRONG_TARGET,
        addresses=[address_no],
    )
    label = board.label(request.id)
    board.say(
        f"{label}, {board.name(stage.asker.handle)}: the lead agrees, and withdraws address "
        f"{address_no} as a wrong target"
    )

    board.refresh()

    def on_it() -> list[HoldView]:
        return [hold for hold in lead.holds(request.id) if hold.address_no == address_no]

    stage.wait_for("the release", lambda: all(hold.held == "0" for hold in on_it()))
    for hold in on_it():
        amount = board.amount(hold.asset, hold.released)
        board.say(f"{label}, {board.name(hold.partner)}, address {address_no}: releases {amount}")
    board.refresh()
    _verify_clearance(stage, board, request, mistake)


def _flash(stage: Stage, board: Board, asking: Asking) -> FreezeRequestView:
    """Send a flash request and wait for the answers; nobody approved it yet."""
    submitted = stage.submit(board, stage.document(asking))
    label = board.label(submitted.id)
    if not submitted.provisional:
        raise ScenarioError(f"{label} waits for its approval: {submitted.waits_because}")
    board.say(f"{label}: it is out at once, before anybody approved it")
    wait_for_answers(stage, board)
    return submitted


def _dispute(stage: Stage, board: Board, request: FreezeRequestView, mistake: Mistake) -> str:
    """Dispute one hold for a customer; whoever else holds that account sees it contested."""
    officer = stage.player(mistake.disputed_by).client("officer")
    account = stage.script.account(mistake.address_no)
    flagged = {a.address_no for a in officer.addresses(request.id) if a.account == account}
    (hold,) = (h for h in officer.holds(request.id) if h.address_no in flagged)
    dispute = officer.dispute(request, mistake.reference, mistake.objection, hold=hold.id)
    label = board.label(request.id)
    board.say(
        f"{label}, {board.name(mistake.disputed_by)}: disputes it for a customer; the lead's "
        f"answer is due by {_clock(dispute.answer_by)}"
    )
    others = [handle for handle in request.to if handle != mistake.disputed_by]
    _wait_until_heard(stage, request, EventType.LEG_CONTESTED, others)
    board.refresh()
    for handle in others:
        board.say(f"{label}, {board.name(handle)}: sees that it is contested, not for whom")
    return dispute.id


def _verify_clearance(
    stage: Stage, board: Board, request: FreezeRequestView, mistake: Mistake
) -> None:
    """Save a clearance where it is needed, and have somebody verify it who fetches nothing."""
    officer = stage.player(mistake.disputed_by).client("officer")
    (view,) = officer.clearances(request.id)
    file, keys = stage.folder / f"{view.id}.jwt", stage.folder / "jwks.json"
    file.write_text(view.statement or "", encoding="ascii")
    _save_published_keys(stage, keys)
    command = [program("holdfast"), "--json", "verify-clearance", str(file), "--keys", str(keys)]
    said = strict_json.loads(stage.processes.run(command, seconds=PATIENCE).encode())
    if said["account"] != view.account:
        raise ScenarioError(f"the clearance is of {said['account']}, not of {view.account}")
    label = f"{board.label(request.id)}, address {view.address_no}"
    board.say(f"{label}: its clearance verifies offline, for everybody")


def _save_published_keys(stage: Stage, path: Path) -> None:
    keys = Transport(None, stage.origin).read_public("/.well-known/jwks.json")
    path.write_bytes(canonical_json.dumps(keys.body))


def _wait_until_heard(
    stage: Stage,
    request: FreezeRequestView,
    event_type: EventType,
    handles: list[str] | None = None,
) -> None:
    def have_heard() -> bool:
        return all(
            _has_heard(stage, handle, request, event_type) for handle in handles or request.to
        )

    stage.wait_for(f"partners that hear {event_type}", have_heard)


def _has_heard(
    stage: Stage, handle: str, request: FreezeRequestView, event_type: EventType
) -> bool:
    inbox = Inbox(stage.player(handle).home / "inbox.sqlite3")
    try:
        return inbox.received_at(event_type, request.id) is not None
    finally:
        inbox.close()


def _held(stage: Stage, request: FreezeRequestView) -> dict[str, int]:
    """Return what is held on a request, in base units by asset."""
    totals = stage.asker.client("analyst").freeze_request(request.id).totals
    return {asset: int(sums.held) for asset, sums in totals.items()}


def _require_held(stage: Stage, request: FreezeRequestView, held: dict[str, int]) -> None:
    now = _held(stage, request)
    if now != held:
        raise ScenarioError(f"{request.id}: {held} was held, and now {now}")


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M} UTC"
