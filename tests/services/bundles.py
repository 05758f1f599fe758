"""Evidence bundles for tests: fetched, taken apart, altered and packed again."""

import io
import os
import subprocess
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.bundle.examination import BundleExamination, Trust, examine_bundle
from holdfast.evidence.bundle.reader import BundleReader
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.bundle_layout import MANIFEST
from tests.factories import Member
from tests.node import REASON, ROOT, NodeUnavailableError, find
from tests.services.request_cast import Ask, Office

SECOND_VERIFIER = ROOT / "docs" / "verify" / "verify_bundle.mjs"
_TIME = (1980, 1, 1, 0, 0, 0)


def fetch(office: Office, member: Member, ask: Ask) -> bytes:
    """Return the bundle of a request that a member is given."""
    answer = office.signer.get(member, f"/v1/freeze-requests/{ask.id}/evidence-bundle")
    assert answer.status_code == 200, answer.get_data()
    return answer.get_data()


@dataclass(slots=True)
class Unpacked:
    """The files of a bundle, to be altered by whoever made it or had it in hand."""

    files: dict[str, bytes]
    manifest: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, packed: bytes) -> "Unpacked":
        """Return what is in a bundle."""
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        return cls(files, strict_json.loads(files.pop(MANIFEST)))

    def json(self, name: str) -> Any:
        """Return the document in a file."""
        return strict_json.loads(self.files[name])

    def put(self, name: str, document: Any) -> None:
        """Put a document into a file."""
        self.files[name] = canonical_json.dumps(document)

    def lines(self, name: str) -> list[Any]:
        """Return the documents in the lines of a file."""
        return [strict_json.loads(line) for line in self.files[name].splitlines()]

    def put_lines(self, name: str, documents: Iterable[Any]) -> None:
        """Put documents into the lines of a file."""
        self.files[name] = b"".join(canonical_json.dumps(each) + b"\n" for each in documents)

    def act(self, kind: str) -> str:
        """Return the name of the first act of a kind, without the endings of its files."""
        return str(next(a["file"] for a in self.lines("acts.jsonl") if a["act"] == kind))

    def leaves(self) -> list[str]:
        """Return the names of the log's entries, without the endings."""
        return sorted(name[:-6] for name in self.files if name.endswith(".entry"))

    def pack(self, *, is_mended: bool = True) -> bytes:
        """Return it as a ZIP; its manifest is made to fit, unless it is to be as it was."""
        manifest = dict(self.manifest)
        if is_mended:
            manifest["files"] = [
                {"path": name, "size": len(content), "sha256": sha256(content).hexdigest()}
                for name, content in sorted(self.files.items())
            ]
        return zipped({**self.files, MANIFEST: canonical_json.dumps(manifest)})


def zipped(files: dict[str, bytes]) -> bytes:
    """Return files as a ZIP of the plainest kind."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o100600 << 16
            archive.writestr(info, content)
    return target.getvalue()


def examined(packed: bytes, trust: Trust | None = None) -> BundleExamination:
    """Look a bundle through."""
    return examine_bundle(BundleReader(io.BytesIO(packed)), trust or Trust())


def refused(packed: bytes, trust: Trust | None = None) -> str:
    """Return why a bundle is refused, by a typed error or a finding; empty: it is not."""
    try:
        return examined(packed, trust).first_failure or ""
    except UntrustedEvidenceError as error:
        return str(error)


Judge = Callable[..., "subprocess.CompletedProcess[str]"]


def second_verdict(
    folder: Path, packed: bytes, *trusted: str
) -> "subprocess.CompletedProcess[str]":
    """Return what the second verifier says of a bundle; status 1 if it refuses it.

    Raises:
        NodeUnavailableError: There is no node that runs it.
    """
    file = folder / "bundle.zip"
    file.write_bytes(packed)
    command = [str(find().node), str(SECOND_VERIFIER), str(file), *trusted]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )


def unpack(folder: Path, bundle: Unpacked) -> None:
    """Write the files of a bundle, its manifest as it is, into a new folder."""
    folder.mkdir()
    files = {**bundle.files, MANIFEST: canonical_json.dumps(bundle.manifest)}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def by_openssl(folder: Path, bundle: Unpacked) -> "subprocess.CompletedProcess[str]":
    """Return what the commands of VERIFY.txt say of a bundle, in a new folder."""
    unpack(folder, bundle)
    return subprocess.run(
        ["/bin/sh", "VERIFY.txt"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def judged(folder: Path, packed: bytes, *trusted: str) -> "subprocess.CompletedProcess[str]":
    """Return what the second verifier says; the test is skipped where no node runs it."""
    try:
        return second_verdict(folder, packed, *trusted)
    except NodeUnavailableError as error:
        if os.environ.get("REQUIRE_NODE"):
            raise
        pytest.skip(f"{REASON}{error}")
