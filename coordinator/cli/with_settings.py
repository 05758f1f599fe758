"""What every command has in common: it gets the settings, and says in one line what went wrong."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import click
from sqlalchemy.exc import DatabaseError, OperationalError

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


def fail(message: str) -> NoReturn:
    """Say what went wrong, and end with exit status 1."""
    click.echo(f"holdfast-coordinator: {message}", err=True)
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
            # The driver's own words; the statement and its values are nobody's business here.
            fail(f"the database does not answer: {' '.join(str(error.orig).split())}")
        except DatabaseError as error:
            if str(error.orig) not in _UNREADABLE:
                raise
            fail(
                f"the database cannot be read: {error.orig}; see HOLDFAST_DATABASE_URL and "
                "HOLDFAST_DATA_DIR, or restore it from the back-up"
            )

    return run


#: How `serve` tells the processes that it starts whom to end with.
parent_option = click.option("--parent", type=int, hidden=True)
