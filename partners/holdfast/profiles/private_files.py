"""Files that only their owner may read: keys, profiles, pins."""

import os
import stat
import tempfile
from pathlib import Path

from holdfast.errors import ProfileError

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


def make_private_folder(folder: Path) -> None:
    """Create `folder` for its owner alone; one that exists is narrowed to 0700."""
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)


def write_private(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write `content` to `path` with mode 0600, whole or not at all.

    Args:
        path: Where to; its folder must exist.
        content: What to write.
        replace: Overwrite an existing file; a key is written with `replace=False`.

    Raises:
        ProfileError: If the file exists and must not be replaced, or cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 from birth
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                temporary.replace(path)
            else:
                os.link(temporary, path)  # fails where the name is taken: no race, no overwriting
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        raise ProfileError(f"{path} exists already and is not overwritten") from None
    except OSError as error:
        raise ProfileError(f"cannot write {path}: {error.strerror}") from None


def read_private(path: Path) -> bytes:
    """Return the bytes of `path`, which nobody but its owner may be able to read.

    Raises:
        ProfileError: If it is missing, unreadable, or open to group or others.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise ProfileError(f"{path} can be read by others: chmod 600 it, then try again")
            return file.read()
    except OSError as error:
        raise ProfileError(f"cannot read {path}: {error.strerror}") from None
