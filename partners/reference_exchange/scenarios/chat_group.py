"""What a chat group would have got wrong: a forgery, a changed answer, a reply to the wrong one."""

from holdfast import AuthenticationError, Client, NotFoundError
from holdfast.cli.exit_codes import ExitCode
from holdfast.profiles.key_requests import new_profile
from holdfast.protocol import strict_json
from holdfast.protocol.views import FreezeRequestView
from reference_exchange.scenarios.board import Board
from reference_exchange.scenarios.processes import PATIENCE, ScenarioError, program
from reference_exchange.scenarios.stage import Stage
from reference_exchange.scenarios.tampering import Tampering


def forge(stage: Stage, board: Board) -> None:
    """Have a stranger ask in the requester's name; the coordinator knows no such key.

    Raises:
        ScenarioError: It was taken.
    """
    name = board.name(stage.asker.handle)
    board.scene(
        "What a chat group gets wrong, 1: who is asking?",
        f"In a chat group a name and a picture are enough. Here a stranger signs a request as "
        f"{name}, with a key of their own.",
    )
    stranger = new_profile(
        "stranger", coordinator=stage.origin, handle=stage.asker.handle, kind="person"
    )
    document = stage.document(stage.script.request)
    try:
        Client(stranger, now=stage.now).submit(document)
    except AuthenticationError as error:
        status = error.problem.status
        board.say(f"a stranger, as {name}: asks to freeze 51 addresses")
        board.say(
            f"REFUSED ({status} {error.problem.title}): {name} never granted that key. Nobody was "
            "asked"
        )
        stage.refused += 1
        return
    raise ScenarioError("a request that a stranger signed was taken")


def tamper(stage: Stage, board: Board, request: FreezeRequestView) -> None:
    """Have an answer changed on its way; `holdfast verify` says so, and not before.

    Raises:
        ScenarioError: The true answer was not verified, or the false one was.
    """
    decisions = stage.script.decisions
    book = stage.player(decisions.exchange).book()
    (freeze,) = (f for f in book.freezes(request.id) if f.address_no == decisions.return_address_no)
    book.close()
    true, false = str(freeze.amount), str(freeze.amount // 10)
    shown = [board.amount(freeze.asset, amount) for amount in (true, false)]
    label, name = board.label(request.id), board.name(decisions.exchange)
    board.scene(
        "What a chat group gets wrong, 2: is that what they said?",
        f"A message can be edited, or read out wrong. Somebody in the middle turns {name}'s "
        f"{shown[0]} into {shown[1]}, wherever it stands.",
    )
    failures = _failures(stage, request, {})
    if failures:
        raise ScenarioError(f"{request.id} is true, and was not verified: {failures}")
    board.say(f"`holdfast verify`, {label} as it is: every act verified from raw bytes")
    with Tampering(true, false) as tampering:
        failures = _failures(stage, request, tampering.environment)
    if not failures:
        raise ScenarioError(f"{request.id} was changed on its way, and nobody noticed")
    board.say(
        f"`holdfast verify`, {label} as it was changed: CAUGHT. These are not the words that "
        f"{name} signed; do not act on them"
    )
    stage.refused += 1


def _failures(stage: Stage, request: FreezeRequestView, environment: dict[str, str]) -> list[str]:
    """Return what `holdfast verify` does not believe, in its own words."""
    own = {"HOLDFAST_HOME": str(stage.asker.home), "HOLDFAST_PROFILE": "analyst"}
    command = [program("holdfast"), "--json", "verify", request.id]
    done = stage.processes.attempt(command, seconds=PATIENCE, environment={**own, **environment})
    if done.returncode not in {ExitCode.OK, ExitCode.UNTRUSTED}:
        raise ScenarioError(f"holdfast verify failed: {done.stderr.strip()[-1500:]}")
    findings = [strict_json.loads(line.encode()) for line in done.stdout.splitlines()]
    failed = [finding for finding in findings if finding.get("result", "").lower() == "failed"]
    if bool(failed) != bool(done.returncode):
        raise ScenarioError(f"holdfast verify: {done.returncode}, and {len(failed)} findings")
    return [f"{each.get('act') or each.get('shown')}: {each['detail']}" for each in failed]


def reply_to_the_wrong_one(stage: Stage, board: Board, request: FreezeRequestView) -> None:
    """Have an exchange answer a request that another one was asked.

    Raises:
        ScenarioError: It was taken.
    """
    (asked,) = request.to
    stray = next(p for p in stage.players[1:] if p.handle != asked)
    name, label = board.name(stray.handle), board.label(request.id)
    board.scene(
        "What a chat group gets wrong, 3: whom do you answer?",
        "Everybody in a chat group reads everything, and one slip answers the wrong thread. "
        f"{label.capitalize()} went to {board.name(asked)} alone; an officer of {name} answers it "
        "by mistake.",
    )
    try:
        stray.client("officer").acknowledge(request)
    except NotFoundError as error:
        board.say(f"{name}: the officer answers {label}")
        board.say(
            f"REFUSED ({error.problem.status}): for {name} there is no such request. It cannot see "
            "that there is one, nor who was asked"
        )
        stage.refused += 1
        return
    raise ScenarioError(f"{stray.handle} answered a request that it was not asked")
