"""Reading the ZIP of a bundle, so strictly that there is one way to read it.

Archives can lie: a name twice, two directories, entries that overlap, sizes that inflate without
end, names that lead elsewhere. A bundle needs none of what makes that possible. Its entries stand
one behind the other from the first byte on, then comes the directory, then its end, and that is the
end of the file; local headers say what the directory says. Anything else is refused.

Source: APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.
"""

import struct
import zlib
from collections.abc import Collection, Sequence
from typing import Any, BinaryIO, NamedTuple, NoReturn

from holdfast.errors import BundleError
from holdfast.protocol.bundle_layout import MAX_BYTES, MAX_FILE_BYTES, MAX_FILES, is_name

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
#: Of an entry of the directory: what its file's own header repeats.
_FACTS_START, _FACTS_END = 6, 30
_NO_EXTRA = b"\0\0"
_END_MARK, _CENTRAL_MARK, _LOCAL_MARK = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
_STORED, _DEFLATED = 0, 8
_METHODS = frozenset({_STORED, _DEFLATED})
#: The upper half of an entry's attributes is its Unix mode: a regular file, or nothing.
_TYPE_MASK, _TYPES = 0o170000, frozenset({0, 0o100000})
#: The version of the format that an entry may need: 2.0, of which deflated entries are.
_NEEDED = 20
_MAX_NAME = 400


class _Entry(NamedTuple):
    """A file: how it is packed, as both of its headers say, and where its bytes start."""

    method: int
    crc: int
    packed: int
    size: int
    start: int


class Archive:
    """A ZIP whose form was checked; contents are inflated when they are read."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the directory and every local header.

        Args:
            file: At any place; it stays open as long as something is read.

        Raises:
            BundleError: If it is not a ZIP of the plainest kind.
        """
        self._file = file
        self._entries = _entries(file)

    @property
    def names(self) -> Collection[str]:
        """The names of its files."""
        return self._entries.keys()

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            BundleError: If there is no such file, or it does not inflate to what its header says.
        """
        entry = self._entries.get(name)
        if entry is None:
            _refuse(f"it has no file {name}", "missing_file")
        method, crc, length, size, start = entry
        self._file.seek(start)
        packed = self._file.read(length)
        content = packed if method == _STORED else _inflated(name, packed, size)
        if len(content) != size or zlib.crc32(content) != crc:
            _refuse(f"{name} is not what its header says")
        return content


def _inflated(name: str, packed: bytes, size: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(packed, size + 1)
    except zlib.error:
        _refuse(f"{name} cannot be inflated")
    if not inflater.eof or inflater.unused_data or len(content) > size:
        _refuse(f"{name} inflates to something else than its header says")
    return content


def _entries(file: BinaryIO) -> dict[str, _Entry]:
    count, start, end = _directory(file)
    file.seek(start)
    directory = file.read(end - start)
    entries: dict[str, _Entry] = {}
    spelled: set[str] = set()
    place = at = total = 0
    for _ in range(count):
        if len(directory) - at < _CENTRAL.size:
            _refuse("its directory is cut short")
        header = _CENTRAL.unpack_from(directory, at)
        method, _, _, crc, packed, size, name_length, *_, offset = header[4:]
        name_end = at + _CENTRAL.size + name_length
        raw_name = directory[at + _CENTRAL.size : name_end]
        if name_end > len(directory):
            _refuse("its directory is cut short")
        name = _name(raw_name)
        _require_plain(name, header)
        spelling = name.lower()
        if spelling in spelled:
            # Where names are unpacked without regard to case, one would lie over the other.
            _refuse(f"{name} is in it twice, or another one but for its case", "duplicate_file")
        spelled.add(spelling)
        if offset != place:
            _refuse(f"{name} does not stand right behind the file before it", "overlap")
        facts = directory[at + _FACTS_START : at + _FACTS_END]
        content = _require_local(file, place, raw_name, facts)
        place = content + packed
        total += size
        if place > start or total > MAX_BYTES:
            _refuse("its files are more than there is room for", "too_large")
        entries[name] = _Entry(method, crc, packed, size, content)
        at = name_end
    if place != start or at != len(directory):
        _refuse("something stands between its files and its directory, or behind that")
    _require_no_file_is_a_folder(spelled)
    return entries


def _require_no_file_is_a_folder(names: Collection[str]) -> None:
    folders = {name.rpartition("/")[0] for name in names} - {""}
    while folders:
        for folder in sorted(folders.intersection(names)):
            _refuse(f"{folder} is a file, and a folder", "duplicate_file")
        folders = {folder.rpartition("/")[0] for folder in folders} - {""}


def _directory(file: BinaryIO) -> tuple[int, int, int]:
    """Return how many entries there are, and where the directory starts and ends."""
    size = file.seek(0, 2)
    if size < _END.size:
        _refuse("this is no ZIP")
    file.seek(size - _END.size)
    mark, disk, first, here, count, length, start, comment = _END.unpack(file.read(_END.size))
    if mark != _END_MARK or comment or start + length + _END.size != size:
        _refuse("this is no ZIP, or something stands behind or before it")
    if disk or first or here != count:
        _refuse("it is in several parts")
    if not 0 < count <= MAX_FILES or length > count * (_CENTRAL.size + _MAX_NAME):
        _refuse("it has no files, or too many", "too_large")
    return count, start, size - _END.size


def _name(raw: bytes) -> str:
    try:
        name = raw.decode("ascii")
    except UnicodeDecodeError:
        _refuse("a name in it is not ASCII", "bad_name")
    if not is_name(name):
        _refuse(f"{name!r} is no name of a file in a bundle", "bad_name")
    return name


def _require_plain(name: str, header: Sequence[Any]) -> None:
    """Refuse what no entry of a bundle is; `header` is that of the directory, unpacked."""
    mark, _, needed, flags, method, _, _, _, packed, size, _, extra, comment, disk, *_ = header
    if mark != _CENTRAL_MARK or extra or comment or disk:
        _refuse("its directory has comments, extras, disks, or no entry where one should be")
    if flags or needed > _NEEDED or method not in _METHODS:
        _refuse(f"{name} is encrypted, or packed in a way that no bundle needs", "bad_entry")
    if (header[-2] >> 16) & _TYPE_MASK not in _TYPES:
        _refuse(f"{name} is a link, or no regular file", "bad_entry")
    if size > MAX_FILE_BYTES:
        _refuse(f"{name} would inflate to {size} bytes", "too_large")
    if method == _STORED and packed != size:
        _refuse(f"{name} has two sizes", "bad_entry")


def _require_local(file: BinaryIO, place: int, name: bytes, facts: bytes) -> int:
    """Return where a file's content starts, if its own header says the same as the directory.

    Args:
        file: The ZIP.
        place: Where the header starts.
        name: As the directory has it.
        facts: What both say in the same bytes: from the version needed to the name's length.
    """
    expected = _LOCAL_MARK + facts + _NO_EXTRA + name
    file.seek(place)
    if file.read(len(expected)) != expected:
        shown = name.decode("ascii")
        _refuse(f"{shown} has another header than its directory says", "other_header")
    return place + len(expected)


def _refuse(why: str, code: str = "bad_zip") -> NoReturn:
    raise BundleError(f"this is no evidence bundle: {why}", code=code)
