"""The ZIP of a bundle while it is written, with its manifest.

Of the plainest kind: entries of one fixed time, without comments and extras, so that the same
content makes the same bytes (`holdfast.protocol.bundle_layout`).
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from coordinator.domain.errors import InvalidInputError
from holdfast.protocol import canonical_json
from holdfast.protocol.bundle_layout import (
    MANIFEST,
    MAX_BYTES,
    MAX_FILE_BYTES,
    MAX_FILES,
    is_name,
)

#: As early as a ZIP can say: what time it was made stands in the manifest.
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX, _MODE = 3, 0o100600 << 16
#: What is base64 or random hardly deflates, and there are many small files of it: they are stored,
#: for whoever verifies has to inflate the others one by one.
_STORED_ENDINGS = (".token", ".pem", ".entry", ".tlog-proof", ".tsr")


class BundleWriter:
    """Writes files one behind the other, and remembers what the manifest says of each."""

    def __init__(self, target: IO[bytes]) -> None:
        self._zip = ZipFile(target, "w", ZIP_DEFLATED)
        self._files: list[dict[str, object]] = []
        self._bytes = 0

    def add(self, name: str, content: bytes) -> None:
        """Add a file.

        Raises:
            InvalidInputError: If the bundle would have more than one can.
        """
        self.add_parts(name, [content])

    def add_lines(self, name: str, documents: Iterable[Mapping[str, Any]]) -> None:
        """Add a file with a JSON document in each line; raises as `add`."""
        self.add_parts(name, (canonical_json.dumps(each) + b"\n" for each in documents))

    def add_parts(self, name: str, parts: Iterable[bytes]) -> None:
        """Add a file of which not all has to be in memory at once; raises as `add`."""
        if not is_name(name):
            raise AssertionError(f"no file of a bundle is called {name}")
        digest, size = sha256(), 0
        with self._zip.open(_info(name), "w") as file:
            for part in parts:
                size += len(part)
                if size > MAX_FILE_BYTES or self._bytes + size > MAX_BYTES:
                    raise _too_large()
                digest.update(part)
                file.write(part)
        self._bytes += size
        self._files.append({"path": name, "size": size, "sha256": digest.hexdigest()})
        if len(self._files) >= MAX_FILES:
            raise _too_large()

    def close(self) -> None:
        """End the ZIP, whatever is in it; the file has to be open still. Once is enough."""
        self._zip.close()

    def finish(self, members: Mapping[str, object]) -> str:
        """Write the manifest and end the ZIP; return the manifest's SHA-256.

        Args:
            members: Of the manifest, beside `files`.
        """
        files = sorted(self._files, key=lambda file: str(file["path"]))
        manifest = canonical_json.dumps({**members, "files": files})
        self._zip.writestr(_info(MANIFEST), manifest)
        self._zip.close()
        return sha256(manifest).hexdigest()


def _info(name: str) -> ZipInfo:
    info = ZipInfo(name, _TIME)
    info.compress_type = ZIP_STORED if name.endswith(_STORED_ENDINGS) else ZIP_DEFLATED
    info.create_system, info.external_attr = _UNIX, _MODE
    return info


def _too_large() -> InvalidInputError:
    return InvalidInputError(
        "the evidence of this request is more than one bundle can hold; read its lists instead",
        code="bundle_too_large",
    )
