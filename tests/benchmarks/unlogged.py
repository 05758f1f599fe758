"""A coordinator's web process that notes no reads: what the read log is held against."""

from coordinator.cli import cli
from coordinator.services.requests.read_log import ReadLog


def _nothing(*_: object) -> None:
    """Do nothing, whatever was read."""


if __name__ == "__main__":
    # Its processes are forked from this one.
    ReadLog.note = ReadLog.start = _nothing  # type: ignore[method-assign]
    cli()
