"""The ZIP of a bundle: what can be read in two ways is refused, by typed errors alone."""

import io
import random
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.errors import BundleError
from holdfast.evidence.bundle import archive as archive_module
from holdfast.evidence.bundle.archive import Archive
from tests.services.bundles import judged, zipped

FILES = {"manifest.json": b"{}", "acts/00001-submit.body": b"signed " * 40, "checkpoint": b""}
GOOD = zipped(FILES)
_CENTRAL = b"PK\x01\x02"
_END = struct.Struct("<4s4H2LH")


def contents(packed: bytes) -> dict[str, bytes]:
    archive = Archive(io.BytesIO(packed))
    return {name: archive.read(name) for name in archive.names}


def refusal(packed: bytes) -> BundleError:
    with pytest.raises(BundleError) as caught:
        contents(packed)
    return caught.value


def _with(change: Callable[[zipfile.ZipInfo], None], name: str = "checkpoint") -> bytes:
    """Return a ZIP with one more entry that a change was made to, as Python's module writes it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for known, content in FILES.items():
            made.writestr(zipfile.ZipInfo(known, (1980, 1, 1, 0, 0, 0)), content)
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        change(info)
        made.writestr(info, b"more")
    return target.getvalue()


def _named(name: str) -> bytes:
    return _with(lambda _: None, name)


def _linked(info: zipfile.ZipInfo) -> None:
    info.filename, info.external_attr = "link", (stat.S_IFLNK | 0o777) << 16


def _of_a_device(info: zipfile.ZipInfo) -> None:
    info.filename, info.external_attr = "more", (stat.S_IFCHR | 0o666) << 16


def _commented(info: zipfile.ZipInfo) -> None:
    info.filename, info.comment = "more", b"read me"


def _with_extra(info: zipfile.ZipInfo) -> None:
    info.filename, info.extra = "more", struct.pack("<HH4s", 0x9999, 4, b"more")


def _packed_oddly(info: zipfile.ZipInfo) -> None:
    info.filename, info.compress_type = "more", zipfile.ZIP_LZMA


def _place(packed: bytes, name: str) -> int:
    """Return where the directory's entry of a file starts."""
    at = packed.index(_CENTRAL)
    while packed[at + 46 :][: len(name)] != name.encode():
        at = packed.index(_CENTRAL, at + 1)
    return at


def _patched(offset: int, value: bytes, name: str = "acts/00001-submit.body") -> bytes:
    """Return the good ZIP with bytes of one directory entry replaced."""
    at = _place(GOOD, name) + offset
    return GOOD[:at] + value + GOOD[at + len(value) :]


def _patched_both(offset: int, value: bytes, name: str = "acts/00001-submit.body") -> bytes:
    """Return it with the same change in the file's own header, so that the two agree."""
    packed = _patched(offset, value, name)
    [start] = struct.unpack_from("<L", packed, _place(packed, name) + 42)
    at = start + offset - 2
    return packed[:at] + value + packed[at + len(value) :]


def _in_two_parts() -> bytes:
    fields = list(_END.unpack(GOOD[-_END.size :]))
    fields[3] -= 1
    return GOOD[: -_END.size] + _END.pack(*fields)


def _behind_a_gap() -> bytes:
    start = GOOD.index(_CENTRAL)
    fields = list(_END.unpack(GOOD[-_END.size :]))
    fields[6] += 5
    return GOOD[:start] + b"12345" + GOOD[start : -_END.size] + _END.pack(*fields)


def _twice() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate"):
        return _named("checkpoint")


def _of_two_directories() -> bytes:
    return zipped({"manifest.json": b"other"}) + GOOD


TRICKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "bad_zip"),
    "no ZIP": (lambda: b"PK" * 30, "bad_zip"),
    "no files": (lambda: zipped({}), "too_large"),
    "data behind it": (lambda: GOOD + b"x", "bad_zip"),
    "data before it": (lambda: b"#!/bin/sh\n" + GOOD, "bad_zip"),
    "two archives": (_of_two_directories, "bad_zip"),
    "a comment of the archive": (lambda: GOOD[:-2] + b"\1\0x", "bad_zip"),
    "several parts": (_in_two_parts, "bad_zip"),
    "a gap": (_behind_a_gap, "bad_zip"),
    "a name twice": (_twice, "duplicate_file"),
    "an absolute name": (lambda: _named("/etc/passwd"), "bad_name"),
    "a name that leads out": (lambda: _named("acts/../../x"), "bad_name"),
    "a name of another system": (lambda: _named("acts\\x"), "bad_name"),
    "a name of a drive": (lambda: _named("C:x"), "bad_name"),
    "a name that some systems cut": (lambda: _named("checkpoint."), "bad_name"),
    "a hidden name": (lambda: _named(".checkpoint"), "bad_name"),
    "a name in another case": (lambda: _named("CheckPoint"), "duplicate_file"),
    "a folder in another case": (lambda: _named("Acts/00001-Submit.body"), "duplicate_file"),
    "a file that is a folder": (lambda: _named("checkpoint/more"), "duplicate_file"),
    "a folder that is a file": (lambda: _named("acts"), "duplicate_file"),
    "a folder": (lambda: _named("acts/"), "bad_name"),
    "a name beyond ASCII": (lambda: _named("acts/ä"), "bad_name"),
    "a name that is no UTF-8": (
        lambda: GOOD.replace(b"checkpoint", b"checkp\xff\xfent"),
        "bad_name",
    ),
    "a link": (lambda: _with(_linked), "bad_entry"),
    "a comment": (lambda: _with(_commented), "bad_zip"),
    "a device": (lambda: _with(_of_a_device), "bad_entry"),
    "an extra": (lambda: _with(_with_extra), "bad_zip"),
    "another way to pack": (lambda: _with(_packed_oddly), "bad_entry"),
    "encryption": (lambda: _patched_both(8, b"\1\0"), "bad_entry"),
    "sizes behind the data": (lambda: _patched_both(8, b"\x08\0"), "bad_entry"),
    "another local name": (
        lambda: GOOD.replace(b"acts/00001-submit.body", b"acts/00001-submit.bodY", 1),
        "other_header",
    ),
    "another local size": (lambda: _patched(24, b"\1\0\0\0"), "other_header"),
    "another local hash": (lambda: _patched(16, b"\1\0\0\0"), "other_header"),
    "files that overlap": (lambda: _patched(42, b"\0\0\0\0"), "overlap"),
    "a size that is too small": (lambda: _patched_both(24, b"\1\0\0\0"), "bad_zip"),
    "a size that is too large": (lambda: _patched_both(24, b"\xff\xff\0\0"), "bad_zip"),
    "a bomb by its own words": (lambda: _patched_both(24, b"\xff\xff\xff\xf0"), "too_large"),
    "another hash": (lambda: _patched_both(16, b"\1\0\0\0"), "bad_zip"),
    "data that is longer": (lambda: _patched(20, b"\xff\0\0\0"), "other_header"),
}


def test_a_plain_zip_is_read() -> None:
    assert contents(GOOD) == FILES
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as made:
        for name, content in FILES.items():
            made.writestr(name, content)
    assert contents(stored.getvalue()) == FILES


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_is_refused(trick: str) -> None:
    make, code = TRICKS[trick]
    assert refusal(make()).code == code


def test_the_second_verifier_refuses_every_trick_too(tmp_path: Path) -> None:
    # It reads the good one as a ZIP, and misses what a bundle has.
    assert "it is no such bundle" in judged(tmp_path, GOOD).stderr
    for trick, (make, _) in TRICKS.items():
        done = judged(tmp_path, make())
        assert (done.returncode, done.stderr[:8]) == (1, "FAILED: "), trick
        assert "no such bundle" not in done.stderr, trick


def test_a_bomb_is_not_inflated_beyond_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped({"manifest.json": b"\0" * 5_000_000})
    at = _place(bomb, "manifest.json") + 24
    lying = bytearray(bomb)
    lying[at : at + 4] = lying[22:26] = (100).to_bytes(4, "little")
    assert "inflates to something else" in str(refusal(bytes(lying)))
    monkeypatch.setattr(archive_module, "MAX_BYTES", 1_000)
    assert refusal(bomb).code == "too_large"


def test_bytes_at_random_raise_nothing_else() -> None:
    numbers = random.Random(14)  # noqa: S311 - the same in every run
    for _ in range(3_000):
        packed = bytearray(GOOD)
        for _ in range(numbers.randint(1, 3)):
            packed[numbers.randrange(len(packed))] = numbers.randrange(256)
        if numbers.random() < 0.2:
            packed = packed[: numbers.randrange(len(packed))]
        try:
            read = contents(bytes(packed))
        except BundleError:
            continue
        # What is still read is what was written; only attributes that say nothing may differ.
        assert read == FILES
