"""The wall clock that tokens and reports are made by; a demonstration can put it forward.

    HOLDFAST_CLOCK_OFFSET_FILE=offset holdfast status     # `offset` holds whole seconds

The coordinator reads a file of the same form, so that both step together. A clock put forward gains
nobody anything: a coordinator whose clock was not refuses such tokens.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

#: Names the file; absent or empty: the host's clock.
VARIABLE = "HOLDFAST_CLOCK_OFFSET_FILE"


def wall_clock(environ: Mapping[str, str]) -> Callable[[], float]:
    """Return a clock: seconds since 1970, plus what the file named by `VARIABLE` says just then."""
    name = environ.get(VARIABLE)
    if not name:
        return time.time
    file = Path(name)
    return lambda: time.time() + _offset(file)


def set_offset(file: Path, seconds: int) -> None:
    """Have every clock that reads `file` run so far ahead of the host's; behind it below 0.

    In one go: a reader that found the file empty would take the host's clock for a moment.

    Raises:
        OSError: It could not be written.
    """
    written = file.with_suffix(".new")
    written.write_text(str(seconds), encoding="ascii")
    written.replace(file)


def _offset(file: Path) -> int:
    """Return the seconds in `file`; 0 where there is none or it holds no whole number."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
