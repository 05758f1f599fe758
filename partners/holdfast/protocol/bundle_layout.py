"""The layout of an evidence bundle: what lies where in the ZIP, and its manifest (ADR 0061).

```text
request/request.json               the request as its reader sees it
request/legs.jsonl                 likewise; every .jsonl holds one document in a line
request/ledger.jsonl  holds.jsonl  disputes.jsonl  clearances.jsonl
request/recomputed.json            the ledger added up again (`holdfast.protocol.ledger_sums`)
restitution/restitution.json       in place of request/, of a restitution: as its reader sees it
restitution/pool.jsonl  claims.jsonl  allocations.jsonl  payouts.jsonl
restitution/recomputed.json        pool and payouts added up (`holdfast.protocol.restoring_sums`)
recovery/recovery.json             in place of request/, of a recovery request
recovery/deposits.jsonl
recovery/recomputed.json           the deposits added up (`holdfast.protocol.restoring_sums`)
acts.jsonl                         every act that its reader may see; `file` names what proves it
acts/00001-submit.token            the token as it was signed, without a line feed
acts/00001-submit.body             the exact body that it was signed over
acts/00001-submit.remainder        in place of the body where the approval left addresses out
acts/00001-submit.context          the decision context that the approvals name, for the requester
acts/00002-approve.document        of a passkey: the document whose hash it signed
members/<handle>/keys.jsonl        the member's keys, revoked ones too
members/<handle>/grants.jsonl      its grants; `file` names what proves each: joining grants many
members/<handle>/grants/00001.token  .body  .approval.token  .approval.body
members/<handle>/revocations.jsonl
members/<handle>/revocations/00001.token  .body
keys/<kid>.pem                     each public key again, as openssl reads it
log/000000000042.entry             an entry of the log, by its index: what the tree hashes
log/000000000042.committed         what the entry commits to: prefix, salt and event
log/000000000042.tlog-proof        its proof (c2sp.org/tlog-proof) under `checkpoint`
checkpoint                         the one checkpoint of the bundle (c2sp.org/tlog-checkpoint)
log-key.pem                        the log's key, as openssl reads it
log-keys/000000000042.entry        what the log said of its keys, if one was ever replaced, with
                                   .committed and .tlog-proof, under the checkpoint of its own time
log-policy                         whose signatures the checkpoint needs (c2sp.org/tlog-policy)
custody.jsonl                      earlier exports of it: who, when, which manifest
reads.jsonl                        who read the request until then, as `…/reads` answers its reader;
                                   only of requests; those from before the read log have none
summary.pdf                        the case as a document for people, signed by the coordinator;
                                   only of requests
timestamp.tsr                      where a timestamp authority was asked: when `checkpoint` existed,
                                   by its signature (RFC 3161, a TimeStampResp in DER)
timestamp-roots.pem                that authority's root certificates, by the coordinator's word
VERIFY.txt                         how to check these very files with openssl: a script for sh
manifest.json                      what this is, with size and SHA-256 of every other file
```

The manifest stands last. The ZIP is of the plainest kind: stored or deflated entries one behind the
other, no comments, extras, encryption or ZIP64, all of the same fixed time; names are ASCII. The
same content makes the same bytes.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from holdfast.protocol.payloads import Handle, Sha256, Time
from holdfast.protocol.views import View

FORMAT: Final = "holdfast-evidence-bundle"
VERSION: Final = 1
CONTENT_TYPE = "application/zip"

MANIFEST = "manifest.json"
SUMMARY = "summary.pdf"
VERIFY = "VERIFY.txt"
CUSTODY = "custody.jsonl"
READS = "reads.jsonl"
LOG_POLICY = "log-policy"
TIMESTAMP = "timestamp.tsr"
TIMESTAMP_ROOTS = "timestamp-roots.pem"
CHECKPOINT = "checkpoint"
LOG_KEY = "log-key.pem"
REQUEST = "request/request.json"
LEGS = "request/legs.jsonl"
LEDGER = "request/ledger.jsonl"
HOLDS = "request/holds.jsonl"
DISPUTES = "request/disputes.jsonl"
CLEARANCES = "request/clearances.jsonl"
RECOMPUTED = "request/recomputed.json"
RESTITUTION = "restitution/restitution.json"
POOL = "restitution/pool.jsonl"
CLAIMS = "restitution/claims.jsonl"
ALLOCATIONS = "restitution/allocations.jsonl"
PAYOUTS = "restitution/payouts.jsonl"
RESTITUTION_RECOMPUTED = "restitution/recomputed.json"
RECOVERY = "recovery/recovery.json"
DEPOSITS = "recovery/deposits.jsonl"
RECOVERY_RECOMPUTED = "recovery/recomputed.json"
ACTS = "acts.jsonl"

#: By which member its events name what a bundle is about, by the prefix of its id.
EVENTS_NAME: Mapping[str, str] = MappingProxyType(
    {"frq": "request_id", "rst": "restitution", "rcv": "recovery_id"}
)

#: Files of one bundle: as many as a ZIP that is no ZIP64 can name, and some left.
MAX_FILES = 65_000
#: Bytes of one file, and of all of them together, as they are once inflated.
MAX_FILE_BYTES = 1 << 28
MAX_BYTES = 1 << 30
#: No part ends with a dot, which some systems leave out.
_PART = r"[A-Za-z0-9_-]+(?:\.+[A-Za-z0-9_-]+)*"
_NAME = re.compile(rf"{_PART}(?:/{_PART}){{0,4}}", re.ASCII)
_MAX_NAME = 350


def _require_url(text: str) -> str:
    urlsplit(text)  # ValueError where a host in brackets is no address
    return text


class BundleFile(View):
    """A file of the bundle: its name in the ZIP, its bytes and their hash."""

    path: str
    size: int = Field(ge=0, le=MAX_FILE_BYTES)
    sha256: Sha256


class BundleManifest(View):
    """What a bundle is, and what is in it.

    `partner` is whose view it is, `log` the verifier key of the coordinator's log, `tree_size` that
    of the one checkpoint under which every entry is proven. `request_id` is the id of what it is
    about: a freeze request, a restitution or a recovery request.
    """

    format: Literal["holdfast-evidence-bundle"]
    version: Literal[1]
    origin: Annotated[str, AfterValidator(_require_url)]
    log: str
    request_id: Annotated[str, Field(pattern=r"^(frq|rst|rcv)_")]
    drill: bool = False
    content_sha256: Sha256
    partner: Handle
    made_at: Time
    tree_size: int = Field(ge=1)
    files: list[BundleFile]


class Custody(View):
    """One export: by whose people, when, and the SHA-256 of the bundle's manifest.

    `subject`, the person or system, is told to its own partner alone.
    """

    partner: Handle
    subject: str | None = None
    at: Time
    manifest_sha256: Sha256


class RevocationRecord(View):
    """A revocation: what it took away, with the file that proves it."""

    id: str
    partner: Handle
    subject: str | None = None
    kid: str
    about: str | None = None
    at: Time
    leaf_index: int | None = None
    file: str | None = None


def is_name(name: str) -> bool:
    """Tell whether a file of a bundle can have this name: plain ASCII, relative, no ".." in it."""
    return len(name) <= _MAX_NAME and _NAME.fullmatch(name) is not None


def act_file(number: int, act: str) -> str:
    """Return the name of an act's files without the endings; `number` is its place, from 1."""
    return f"acts/{number:05}-{act}"


def member_file(handle: str, name: str) -> str:
    """Return the name of a file about a member."""
    return f"members/{handle}/{name}"


def key_file(kid: str) -> str:
    """Return the name of a public key's file."""
    return f"keys/{kid}.pem"


def log_key_file(index: int, ending: str) -> str:
    """Return the name of a file about an entry on the log's keys, with endings as `leaf_file`."""
    return f"log-keys/{index:012}.{ending}"


def leaf_file(index: int, ending: str) -> str:
    """Return the name of a file about an entry of the log: "entry", "committed", "tlog-proof"."""
    return f"log/{index:012}.{ending}"
