"""Whoever has the log and its key, and changes what was told, is caught: at random, many times.

Every case first follows an honest log for a while, which must raise no alarm. Then the log's owner,
who has its key, does one thing to it and signs the result.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from holdfast import LogAlarmError, LogMonitor, LogReceipts
from holdfast.protocol.log_tiles import TILE_WIDTH
from tests.in_memory import database_folder
from tests.partners.memory_log import LOG, MemoryLog, Tree, entry

CASES = 10_000 if os.environ.get("FAULTS") else 1_000
#: A case is cheap; a test of each hundred says which seed it was.
AT_A_TIME = 100
Entries = list[bytes]
#: Changes a log at a place that somebody knows.
Change = Callable[[Random, Entries, int], Entries]


def _drop(_: Random, entries: Entries, place: int) -> Entries:
    return [*entries[:place], *entries[place + 1 :]]


def _alter(random: Random, entries: Entries, place: int) -> Entries:
    altered = bytearray(entries[place])
    altered[random.randrange(len(altered))] ^= 1 << random.randrange(8)
    return [*entries[:place], bytes(altered), *entries[place + 1 :]]


def _reorder(random: Random, entries: Entries, place: int) -> Entries:
    other = random.choice([n for n in range(len(entries)) if n != place])
    changed = list(entries)
    changed[place], changed[other] = changed[other], changed[place]
    return changed


def _insert(random: Random, entries: Entries, place: int) -> Entries:
    return [*entries[:place], entry(random.randrange(10**9), "inserted"), *entries[place:]]


def _roll_back(_: Random, entries: Entries, place: int) -> Entries:
    return entries[:place]


def _fork(random: Random, entries: Entries, place: int) -> Entries:
    count = random.randrange(1, len(entries) - place + 4)
    return [*entries[:place], *(entry(place + n, "forked") for n in range(count))]


CHANGES: list[Change] = [_drop, _alter, _reorder, _insert, _roll_back, _fork]


@pytest.fixture(scope="module")
def folders() -> Iterator[Path]:
    with database_folder() as folder:
        yield folder


@pytest.mark.parametrize("first", range(0, CASES, AT_A_TIME))
def test_every_change_is_caught_and_no_honest_log_raises_an_alarm(
    first: int, folders: Path
) -> None:
    for seed in range(first, first + AT_A_TIME):
        _play(Random(seed), folders / str(seed))  # noqa: S311 - to be repeated, not to be secret


def _play(random: Random, folder: Path) -> None:
    size = random.choice([random.randrange(3, 40), random.randrange(3, 40), TILE_WIDTH + 20])
    entries = [entry(number) for number in range(size)]
    seen = random.randrange(2, size + 1)
    log = MemoryLog(Tree(entries[:seen]))
    with LogMonitor(folder, LOG, log) as monitor:
        # An honest log, with receipts from before and from behind what was followed.
        assert monitor.step().size == seen
        told = random.randrange(size)
        known = max(seen, told + 1)
        receipts = LogReceipts(folder)
        receipts.keep(Tree(entries[:known]).receipt(told))
        receipts.close()
        log.show(entries[:known])
        is_behind = random.random() < 0.5
        if not is_behind:
            step = monitor.step()
            assert (step.size, step.receipts, step.found) == (known, 1, 1)
        # What anybody knows: what was followed, and the receipt.
        places = sorted({*range(seen), told} if is_behind else range(known))
        change = random.choice(CHANGES)
        changed = change(random, entries[:known], random.choice(places))
        if changed == entries[:known]:
            return
        if change is not _roll_back or random.random() < 0.5:
            # It goes on as if nothing were: what comes then hides it from whoever looks at sizes.
            changed += [entry(size + n) for n in range(random.randrange(4))]
        if random.random() < 0.2 and len(changed) >= known:
            # The tree is as it was signed, and other entries are shown.
            log.show(entries)
            shown = (changed + entries[len(changed) :])[:size]
            log.entries_shown = shown
            # Nobody reads again what is kept in full bundles, or where nothing is new.
            start = monitor.size // TILE_WIDTH * TILE_WIDTH
            if size <= monitor.size or shown[start:] == entries[start:]:
                return
        else:
            log.show(changed)
        if log.tree.entries[:known] == entries[:known] and log.entries_shown is None:
            return
        with pytest.raises(LogAlarmError) as raised:
            monitor.step()
        assert all(Path(file).exists() for file in raised.value.files)
        with pytest.raises(LogAlarmError, match="stands"):
            monitor.step()
