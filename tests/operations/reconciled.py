"""Restored coordinators that take changes again, on the operator's word."""

from dataclasses import replace

from coordinator.operations.reconcile import TOKENS_LAST, Sources, reconcile
from coordinator.settings import Settings

#: Seconds after which what was signed before a restore is good no more.
LONG_AFTER = TOKENS_LAST.total_seconds() + 5


def later(settings: Settings, seconds: float) -> Settings:
    """Return the settings with a clock that is ahead."""
    file = settings.data_dir.parent / f"{settings.data_dir.name}-clock"
    file.write_text(str(int(seconds)), encoding="ascii")
    return replace(settings, clock_offset_file=file)


def take_changes_again(settings: Settings) -> None:
    """Reconcile a restored coordinator of which the test knows that nothing came after."""
    reconcile(later(settings, LONG_AFTER), Sources(nothing_came_after=True))
