"""A package index in a folder: a stand-in for every locked package, and releases newer than those.

A stand-in has the name, version and requirements of the real package and nothing else, so that an
installer meets the same choices; setuptools alone is whole: editable installs are built with it.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZipFile

#: They have newer releases in the index; `coverage` is asked for with an extra by `pytest-cov`.
OVERTAKEN = ("coverage", "click", "pydantic", "sqlalchemy")
_LINE = re.compile(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==([^\s;]+)( ; [^\\\n]+)?", re.MULTILINE)


def make_index(folder: Path, lock: str) -> str:
    """Fill a folder with an index in the form of PEP 503; return `lock` with its wheels' hashes.

    Args:
        folder: Where to make it; `folder.as_uri()` is the address of the index.
        lock: The text of a requirements file with pins and markers.
    """
    lines = []
    for name, version, marker in _LINE.findall(lock):
        whole = name == "setuptools"
        wheel = _repack(name, folder) if whole else _stand_in(name, version, folder)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name}=={version}{marker.rstrip()} --hash=sha256:{digest}\n")
        if name in OVERTAKEN:
            _stand_in(name, f"{int(version.split('.')[0]) + 1}.0", folder)
        links = "".join(
            f'<a href="{path.name}">{path.name}</a>\n' for path in _wheels(folder, name)
        )
        (folder / name / "index.html").write_text(f"<!DOCTYPE html>\n{links}", encoding="utf-8")
    return "".join(lines)


def _wheels(folder: Path, name: str) -> list[Path]:
    return sorted((folder / name).glob("*.whl"))


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:  # locked for another system
        return None


def _stand_in(name: str, version: str, folder: Path) -> Path:
    installed = _installed(name)
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    if installed is not None:
        extras = installed.metadata.get_all("Provides-Extra") or []
        metadata += [f"Provides-Extra: {extra}" for extra in extras]
        metadata += [f"Requires-Dist: {line}" for line in installed.requires or ()]
    files = {
        "METADATA": "\n".join(metadata) + "\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    stem = f"{name.replace('-', '_')}-{version}"
    return _write(
        folder / name / f"{stem}-py3-none-any.whl",
        {f"{stem}.dist-info/{file}": text.encode() for file, text in files.items()},
    )


def _repack(name: str, folder: Path) -> Path:
    """Return a wheel of what is installed here under this name."""
    installed = distribution(name)
    inside = [file for file in installed.files or () if file.parts[0] != ".."]
    kept = {
        str(file): Path(str(file.locate())).read_bytes()
        for file in inside
        if file.name not in {"RECORD", "INSTALLER", "REQUESTED"} and file.suffix != ".pyc"
    }
    stem = f"{name}-{installed.version}"
    return _write(folder / name / f"{stem}-py3-none-any.whl", kept)


def _write(wheel: Path, files: dict[str, bytes]) -> Path:
    wheel.parent.mkdir(parents=True, exist_ok=True)
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info"
    record = "".join(f"{name},{_digest(data)},{len(data)}\n" for name, data in files.items())
    with ZipFile(wheel, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return wheel


def _digest(data: bytes) -> str:
    return "sha256=" + urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
