"""A coordinator's web process that notes no reads: what the read log is held against."""

from coordinator.cli import main
from coordinator.services.requests.read_log import ReadLog


def _nothing(*_: object) -> None:
    """Do nothing, whatever was read."""


if __name__ == "__main__":
    # Its processes are forked from this one.
    setattr(ReadLog, "note", _nothing)  # noqa: B010 - a method cannot be assigned otherwise
    setattr(ReadLog, "start", _nothing)  # noqa: B010
    main()
