"""What every command has in common: it gets the settings, and says in one line what went wrong."""

import errno
import getpass
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import click
from sqlalchemy.exc import DatabaseError, OperationalError

from coordinator.cli.terminal_lines import say
from coordinator.domain.errors import CoordinatorError
from coordinator.key_files import KeyFileError
from coordinator.logging_setup import set_up_logging
from coordinator.operations.preparation import PreparationError
from coordinator.settings import Settings, SettingsError
from coordinator.storage.engine.database import UnsafeDatabaseError

#: What an operator can mend; everything else is a fault of ours and shows its trace.
_EXPECTED = (
    CoordinatorError,
    KeyFileError,
    PreparationError,
    SettingsError,
    UnsafeDatabaseError,
)
#: What SQLite says of a file that is no database, or a broken one.
_UNREADABLE = ("file is not a database", "database disk image is malformed")
#: What SQLite says where a file, or the folder around it, is not ours to read and write.
_NOT_OURS = ("unable to open database file", "attempt to write a readonly database")
#: Faults of a place, which whoever starts the command can mend.
_PLACE = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR),
    *(errno.ENOSPC, errno.EDQUOT),
)


def fail(message: str) -> NoReturn:
    """Say what went wrong, and end with exit status 1."""
    say(f"holdfast-coordinator: {message}", err=True)
    sys.exit(1)


def with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Hand the settings to a command, and say in one line what went wrong."""

    @wraps(function)
    def run(*args: Any, **options: Any) -> None:
        try:
            settings = Settings.from_env(os.environ)
            set_up_logging(settings.log_level, settings.log_format)
            function(settings, *args, **options)
        except _EXPECTED as error:
            fail(str(error))
        except OperationalError as error:
            fail(_unanswered(" ".join(str(error.orig).split())))
        except OSError as error:
            if error.errno not in _PLACE or error.filename is None:
                raise
            fail(f"{error.filename}: {error.strerror}; {_HINT.format(user=getpass.getuser())}")
        except DatabaseError as error:
            if str(error.orig) not in _UNREADABLE:
                raise
            fail(
                f"the database cannot be read: {error.orig}; see HOLDFAST_DATABASE_URL and "
                "HOLDFAST_DATA_DIR, or restore it from the backup"
            )

    return run


_HINT = (
    "this command runs as {user}, who must be able to read and write HOLDFAST_DATA_DIR and all in "
    "it (chown -R, or another HOLDFAST_DATA_DIR)"
)


def _unanswered(said: str) -> str:
    """Return what to do where the database does not work, with the driver's own words.

    The statement and its values are nobody's business here.
    """
    if said in _NOT_OURS:
        return f"the database cannot be opened: {said}; {_HINT.format(user=getpass.getuser())}"
    return (
        f"the database does not answer: {said.rstrip('?')}; see that it runs, and that host, port, "
        "user and password in HOLDFAST_DATABASE_URL are right"
    )


#: How `serve` tells the processes that it starts whom to end with.
parent_option = click.option("--parent", type=int, hidden=True)
