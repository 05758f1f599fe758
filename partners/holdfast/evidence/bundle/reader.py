"""A bundle as a `Reader` and `KeySource`: what was stored, in place of a coordinator."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from itertools import islice
from typing import Any, BinaryIO, TypeVar

from pydantic import ValidationError as ModelError

from holdfast.errors import BundleError
from holdfast.evidence.bundle.archive import Archive
from holdfast.protocol import bundle_layout as layout
from holdfast.protocol import strict_json
from holdfast.protocol.bundle_layout import BundleManifest, Custody, RevocationRecord
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.life_cycle_views import ClearanceView, DisputeView
from holdfast.protocol.read_log_views import RequestReadView
from holdfast.protocol.recovery_views import DepositView, RecoveryView
from holdfast.protocol.restitution_views import (
    AllocationView,
    ClaimView,
    PayoutView,
    PoolLineView,
    RestitutionView,
)
from holdfast.protocol.views import (
    EvidenceView,
    FreezeRequestView,
    GrantView,
    HoldView,
    KeyView,
    LegView,
    LineView,
    View,
)

V = TypeVar("V", bound=View)
#: Contents of a bundle that is no larger are kept, so that nothing is inflated twice; likewise what
#: was parsed of a file.
_KEPT_BYTES = 64 << 20
_KEPT_FILE_BYTES = 1 << 18
#: No document is larger, be it a file or a line: reading one takes some times as much memory.
_DOCUMENT_BYTES = 64 << 20
_FOLDERS = (
    "request/",
    "restitution/",
    "recovery/",
    "acts/",
    "members/",
    "keys/",
    "log/",
    "log-keys/",
)
_LOG_ENDINGS = ("entry", "committed", "tlog-proof")


class BundleReader:
    """Reads a bundle whose files are those of its manifest, all of them and no others."""

    def __init__(self, file: BinaryIO) -> None:
        """Read and check the manifest, and every file against it.

        Args:
            file: The ZIP; it stays open as long as something is read.

        Raises:
            BundleError: If it is no bundle, or a file is not the one that the manifest names.
        """
        self._archive = Archive(file)
        raw = self._archive.read(layout.MANIFEST)
        self.manifest = _model(BundleManifest, _json(raw, layout.MANIFEST), layout.MANIFEST)
        self.manifest_sha256 = sha256(raw).hexdigest()
        self._kept: dict[str, bytes] = {}
        self._parsed: dict[str, list[dict[str, Any]]] = {}
        self._views_of: dict[str, list[Any]] = {}
        self._used = {layout.MANIFEST}
        self._members: list[str] | None = None
        self._check_files()

    @property
    def names(self) -> Iterable[str]:
        """The names of all files."""
        return self._archive.names

    def _check_files(self) -> None:
        listed = {file.path: file for file in self.manifest.files}
        there = set(self._archive.names) - {layout.MANIFEST}
        if len(listed) != len(self.manifest.files):
            raise BundleError("its manifest names a file twice", code="bad_manifest")
        for name in sorted(listed.keys() ^ there):
            where = "its manifest, and not in it" if name in listed else "it, and not its manifest"
            raise BundleError(f"{name} is in {where}", code="unlisted_file")
        keeps = sum(file.size for file in listed.values()) <= _KEPT_BYTES
        for name, file in listed.items():
            content = self._archive.read(name)
            if (len(content), sha256(content).hexdigest()) != (file.size, file.sha256):
                raise BundleError(f"{name} is not the file of its manifest", code="other_file")
            if keeps:
                self._kept[name] = content

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            BundleError: If there is none.
        """
        self._used.add(name)
        return self.peek(name)

    def peek(self, name: str) -> bytes:
        """Return a file's content without using it: it still has to belong to something.

        Raises:
            BundleError: If there is none.
        """
        kept = self._kept.get(name)
        return self._archive.read(name) if kept is None else kept

    def find(self, name: str) -> bytes | None:
        """Return a file's content, or None where there is no such file."""
        if name not in self._kept and name not in self._archive.names:
            return None
        return self.read(name)

    def unused(self) -> list[str]:
        """Return which files of the folders belong to nothing that was read."""
        return sorted(
            name
            for name in self._archive.names
            if name not in self._used and name.startswith(_FOLDERS)
        )

    def others(self) -> list[str]:
        """Return the documents beside the folders that nothing here looks into."""
        found = set(self._archive.names) - self._used
        return sorted(name for name in found if not name.startswith(_FOLDERS))

    def document(self, name: str) -> dict[str, Any]:
        """Return the JSON object in a file.

        Raises:
            BundleError: If there is none.
        """
        return _json(self.read(name), name)

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the JSON objects in the lines of a file; raises as `document`."""
        content = self.read(name)
        if content and not content.endswith(b"\n"):
            raise BundleError(f"{name} ends within a line", code="bad_file")
        # One by one: a file of line feeds alone would be a list of as many lines.
        documents = (_json(line[:-1], name) for line in BytesIO(content))
        if len(content) > _KEPT_FILE_BYTES:
            yield from documents
            return
        if name not in self._parsed:
            self._parsed[name] = list(documents)
        yield from self._parsed[name]

    def _views(self, model: type[V], name: str) -> Iterator[V]:
        return (_model(model, line, name) for line in self.lines(name))

    def _kept_views(self, name: str, read: Callable[[], Iterable[V]]) -> list[V]:
        if name not in self._views_of:
            # Keys have a file each, acts and grants mostly: no honest list is longer than that.
            views = list(islice(read(), layout.MAX_FILES + 1))
            if len(views) > layout.MAX_FILES:
                raise BundleError(
                    f"{name} has more than {layout.MAX_FILES} lines", code="too_large"
                )
            self._views_of[name] = views
        return self._views_of[name]

    def _require_request(self, request_id: str) -> None:
        if request_id != self.manifest.request_id:
            raise BundleError("it is about another request", code="other_request")

    def is_told_of(self, data: Mapping[str, Any]) -> bool:
        """Tell whether an event's data names what the bundle is about."""
        about = self.manifest.request_id
        return data.get(layout.EVENTS_NAME[about.partition("_")[0]]) == about

    def restitution(self) -> RestitutionView:
        """Return the restitution."""
        return _model(RestitutionView, self.document(layout.RESTITUTION), layout.RESTITUTION)

    def pool_lines(self) -> Iterator[PoolLineView]:
        """Return the lines of its pool."""
        return self._views(PoolLineView, layout.POOL)

    def claims(self) -> Iterator[ClaimView]:
        """Return the claims on it."""
        return self._views(ClaimView, layout.CLAIMS)

    def allocations(self) -> Iterator[AllocationView]:
        """Return its allocations."""
        return self._views(AllocationView, layout.ALLOCATIONS)

    def payouts(self) -> Iterator[PayoutView]:
        """Return its payouts."""
        return self._views(PayoutView, layout.PAYOUTS)

    def recovery(self) -> RecoveryView:
        """Return the recovery request."""
        return _model(RecoveryView, self.document(layout.RECOVERY), layout.RECOVERY)

    def deposits(self) -> Iterator[DepositView]:
        """Return its deposits."""
        return self._views(DepositView, layout.DEPOSITS)

    def freeze_request(self, request_id: str) -> FreezeRequestView:
        """Return the request."""
        self._require_request(request_id)
        [view] = self._kept_views(layout.REQUEST, self._freeze_request)
        return view

    def _freeze_request(self) -> Iterator[FreezeRequestView]:
        yield _model(FreezeRequestView, self.document(layout.REQUEST), layout.REQUEST)

    def evidence(self, request_id: str) -> Iterable[EvidenceView]:
        """Return the evidence of its acts, each with the files that prove it."""
        self._require_request(request_id)
        return self._kept_views(layout.ACTS, self._evidence)

    def _evidence(self) -> Iterator[EvidenceView]:
        for number, line in enumerate(self.lines(layout.ACTS), 1):
            file = layout.act_file(number, str(line.get("act")))
            if line.get("file") != file:
                raise BundleError(f"act {number} is not in its place", code="bad_file")
            proof = {
                "token": self._text(f"{file}.token"),
                "body": self._text(f"{file}.body"),
                "remainder": self._text(f"{file}.remainder"),
                "decision_context": self._text(f"{file}.context"),
            }
            yield _model(EvidenceView, {**line, **proof}, layout.ACTS)

    def legs(self, request_id: str) -> Iterable[LegView]:
        """Return its legs."""
        self._require_request(request_id)
        return self._kept_views(layout.LEGS, lambda: self._views(LegView, layout.LEGS))

    def ledger(self, request_id: str) -> Iterable[LineView]:
        """Return its ledger's lines."""
        self._require_request(request_id)
        return self._views(LineView, layout.LEDGER)

    def holds(self, request_id: str) -> Iterable[HoldView]:
        """Return its holds."""
        self._require_request(request_id)
        return self._views(HoldView, layout.HOLDS)

    def disputes(self, request_id: str) -> Iterable[DisputeView]:
        """Return its disputes."""
        self._require_request(request_id)
        return self._views(DisputeView, layout.DISPUTES)

    def clearances(self, request_id: str) -> Iterable[ClearanceView]:
        """Return the accounts that it flagged by error."""
        self._require_request(request_id)
        return self._views(ClearanceView, layout.CLEARANCES)

    def members(self) -> list[str]:
        """Return the handles of the members that it has keys of."""
        if self._members is None:
            names = (name.split("/") for name in self._archive.names if "/" in name)
            self._members = sorted({parts[1] for parts in names if parts[0] == "members"})
        return self._members

    def keys(self, partner: str | None = None) -> Iterable[KeyView]:
        """Return a member's public keys, revoked ones too; none of a stranger."""
        name = layout.member_file(partner or "", "keys.jsonl")
        if name not in self._archive.names:
            return ()
        return self._kept_views(name, lambda: self._views(KeyView, name))

    def grants(self, partner: str | None = None) -> Iterable[GrantView]:
        """Return a member's grants with the files that prove each; none of a stranger."""
        name = layout.member_file(partner or "", "grants.jsonl")
        if name not in self._archive.names:
            return ()
        return self._kept_views(name, lambda: self._grants(partner or "", name))

    def _grants(self, partner: str, name: str) -> Iterator[GrantView]:
        files = set()
        proofs: dict[str, dict[str, str | None]] = {}
        for number, line in enumerate(self.lines(name), 1):
            files.add(layout.member_file(partner, f"grants/{number:05}"))
            file = line.get("file")
            # What grants to several lies beside the first of them.
            if not isinstance(file, str) or file not in files:
                raise BundleError(f"a grant of {partner} is not in its place", code="bad_file")
            if file not in proofs:
                proofs[file] = {
                    "token": self._text(f"{file}.token"),
                    "body": self._text(f"{file}.body"),
                    "approval_token": self._text(f"{file}.approval.token"),
                    "approval_body": self._text(f"{file}.approval.body"),
                }
            yield _model(GrantView, {**line, **proofs[file]}, name)

    def revocations(self, partner: str) -> Iterable[tuple[RevocationRecord, str, bytes]]:
        """Yield a member's revocations, each with token and body; empty where there are none."""
        name = layout.member_file(partner, "revocations.jsonl")
        for number, line in enumerate(self.lines(name), 1):
            record = _model(RevocationRecord, line, name)
            file = layout.member_file(partner, f"revocations/{number:05}")
            if record.file not in {None, file}:
                raise BundleError(f"a revocation of {partner} is not in its place", code="bad_file")
            yield record, self._text(f"{file}.token") or "", self.find(f"{file}.body") or b""

    def custody(self) -> list[Custody]:
        """Return the earlier exports of it."""
        return list(self._views(Custody, layout.CUSTODY))

    def reads(self) -> list[RequestReadView] | None:
        """Return who read the request; None in a bundle from before there was a read log."""
        if layout.READS not in self._archive.names:
            return None
        return list(self._views(RequestReadView, layout.READS))

    def places(self, folder: str = "log/") -> list[int]:
        """Return the indexes of the entries of the log that are in it.

        Args:
            folder: "log/", or "log-keys/" for what the log said of its keys.

        Raises:
            BundleError: If a file there has another name than one of an entry.
        """
        found = set()
        for name in self._archive.names:
            if not name.startswith(folder):
                continue
            number, _, ending = name.removeprefix(folder).partition(".")
            if not number.isdigit() or ending not in _LOG_ENDINGS:
                raise BundleError(f"{name} is no file of an entry", code="bad_name")
            if name != f"{folder}{int(number):012}.{ending}":
                raise BundleError(f"{name} is no file of an entry", code="bad_name")
            found.add(int(number))
        return sorted(found)

    def _text(self, name: str) -> str | None:
        content = self.find(name)
        if content is None:
            return None
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise BundleError(f"{name} is no UTF-8", code="bad_file") from None


def _json(raw: bytes, name: str) -> dict[str, Any]:
    try:
        found = strict_json.loads(raw, max_bytes=_DOCUMENT_BYTES)
    except ProtocolError as error:
        raise BundleError(f"{name} is no JSON: {error}", code="bad_file") from None
    if not isinstance(found, dict):
        raise BundleError(f"{name} has something else than objects", code="bad_file")
    return found


def _model(model: type[V], document: dict[str, Any], name: str) -> V:
    try:
        return model.model_validate(document)
    except ModelError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BundleError(f"{name}: {where}: {first['msg']}", code="bad_file") from None
