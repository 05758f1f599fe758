"""The passphrase of a key file: where it comes from, and how long it has to be.

A key file with one is PKCS #8, encrypted under PBES2 (RFC 8018). It protects a copy of the file, a
backup or a stolen disk; not against somebody who reads what its owner types.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from holdfast.errors import ProfileError
from holdfast.profiles.private_files import read_private

#: Names a file (0600) whose first line is the passphrase: for programs, and for tests.
VARIABLE = "HOLDFAST_PASSPHRASE_FILE"
#: What guards a key has to stand many guesses a second.
LEAST_CHARACTERS = 12

#: Returns the passphrase of a profile, by its name; None where nobody can be asked.
Asking = Callable[[str], str | None]


def from_file(environment: Mapping[str, str] | None = None) -> str | None:
    """Return the passphrase in the file that `VARIABLE` names; None where it names none.

    Raises:
        ProfileError: The file is missing, empty, or open to others.
    """
    name = (os.environ if environment is None else environment).get(VARIABLE)
    return read_passphrase(Path(name)) if name else None


def read_passphrase(file: Path) -> str:
    """Return the first line of a private file.

    Raises:
        ProfileError: The file is missing, empty, or open to others.
    """
    first = read_private(file).decode(errors="replace").partition("\n")[0].rstrip("\r")
    if not first:
        raise ProfileError(f"{file} holds no passphrase on its first line")
    return first


def require_long(passphrase: str) -> str:
    """Return a new passphrase that is long enough.

    Raises:
        ProfileError: It is too short.
    """
    if len(passphrase) < LEAST_CHARACTERS:
        raise ProfileError(
            f"a passphrase has at least {LEAST_CHARACTERS} characters; nothing changed"
        )
    return passphrase
