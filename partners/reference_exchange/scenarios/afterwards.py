"""After a scenario: whether what happened can be proven without the coordinator that carried it.

Members take evidence bundles and check them by the keys that they compared, without the network;
the operator makes a backup, restores it into an empty folder and has that checked.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast import (
    BundleReader,
    ProfileStore,
    Trust,
    UntrustedEvidenceError,
    examine_bundle,
    write_private,
)
from reference_exchange.scenarios.cast import Player
from reference_exchange.scenarios.processes import PATIENCE, Processes, program
from reference_exchange.scenarios.stage import Stage

#: How much of what failed is told.
_SAID = 400


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it.

    Attributes:
        bundles: Evidence bundles that were verified.
        is_restored: Whether the restored copy was checked, and is in order.
        faults: What was not proven, in words.
    """

    bundles: int
    is_restored: bool
    faults: list[str]


@contextmanager
def copied_elsewhere(stage: Stage) -> Iterator[Future[str]]:
    """Back up, restore and check while the block runs; what fails is the outcome, or ""."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(_copied, stage.processes, stage.folder)


def prove_afterwards(stage: Stage, copied: Future[str]) -> Proof:
    """Verify bundles, and say what came of the copy; in plain lines of at most 80 columns."""
    say = stage.console.print
    say()
    say("Would it hold in court, and without this coordinator? Members take cases as")
    say("files and check them offline; a backup is restored elsewhere and checked ...")
    # Whoever asked has everything, of those asked each its own side: of the first request both,
    # and of the last ones, which were an error and what came back.
    first, *others = stage.requests
    takers = [(stage.asker, first.id), (stage.player(first.to[0]), first.id)]
    takers += [(stage.asker, each.id) for each in others[-2:]]
    verified, faults = 0, []
    for player, request_id in takers:
        fault = _bundle_fault(player, request_id)
        verified += not fault
        faults += [f"the bundle of {request_id} for {player.handle}: {fault}"] * bool(fault)
    fault = copied.result()
    faults += [f"the restored copy: {fault}"] * bool(fault)
    return Proof(verified, not fault, faults)


def _bundle_fault(player: Player, request_id: str) -> str:
    """Take a member's bundle of a request, and verify it from the file; return what fails, or "".

    As `holdfast bundle` and `holdfast verify FILE` do it.
    """
    path = player.home / f"{request_id}.evidence.zip"
    write_private(path, player.client("analyst").evidence_bundle(request_id))
    store = ProfileStore(player.home)
    try:
        with path.open("rb") as file:
            reader = BundleReader(file)
            log_key = store.log_key(reader.manifest.origin)
            examination = examine_bundle(reader, Trust(store.pins(), log_key))
    except UntrustedEvidenceError as error:
        return str(error)
    if not examination.is_log_key_trusted:
        return "its exchange has no key of the log to check it with"
    return examination.first_failure or ""


def _copied(processes: Processes, folder: Path) -> str:
    """Back up, restore into an empty folder, and check that; return what fails, or ""."""
    operator, keys = program("holdfast-coordinator"), folder / "kept-keys"
    backups, elsewhere = folder / "backups", folder / "restored"
    backups.mkdir()
    processes.run(
        [operator, "backup", "--to", str(backups), "--keys-to", str(keys)],
        seconds=PATIENCE,
    )
    [backup] = backups.iterdir()
    # It checks what it restored, which is then read alone until `reconcile`.
    done = processes.attempt(
        [operator, "restore", str(backup), "--keys", str(keys)],
        seconds=PATIENCE,
        environment={"HOLDFAST_DATA_DIR": str(elsewhere)},
    )
    return (done.stdout + done.stderr).strip()[-_SAID:] if done.returncode else ""
