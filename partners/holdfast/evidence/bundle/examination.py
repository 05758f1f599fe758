"""The verdict on a bundle, without a coordinator: what was checked, and what came of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import Certificate

from holdfast.errors import (
    BundleError,
    LogHandoverError,
    PinMismatchError,
    UntrustedEvidenceError,
)
from holdfast.evidence.bundle.log import (
    BundleLog,
    gaps,
    log_key_statements,
    read_checkpoint,
    read_log,
)
from holdfast.evidence.bundle.reader import BundleReader
from holdfast.evidence.bundle.restoring import (
    examine_recovery,
    examine_restitution,
    own_findings,
)
from holdfast.evidence.case_file import Finding, Result
from holdfast.evidence.completeness import Outcome
from holdfast.evidence.examination import Examination, examine
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.log_handover import follow_log_keys
from holdfast.protocol import bundle_layout as layout
from holdfast.protocol.checkpoint import log_origin
from holdfast.protocol.errors import MissingLibraryError, NoteError, ProtocolError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.ledger_sums import LedgerSums
from holdfast.protocol.log_keys import LogKeys, TrustedLog
from holdfast.protocol.log_policy import NONE as NO_QUORUM
from holdfast.protocol.log_policy import Judged, LogPolicy, parse_policy
from holdfast.protocol.passkey_signature import is_passkey_token, unpack_signature
from holdfast.protocol.passkey_token import act_document
from holdfast.protocol.request_token import read_evidence_front, verify_request_evidence
from holdfast.protocol.signed_note import NoteVerifier
from holdfast.protocol.timestamp_token import read_authorities, verify_timestamp
from holdfast.wording import counted

#: How many faults of one kind are told in words.
_TOLD = 5


@dataclass(frozen=True, slots=True)
class Trust:
    """What one knows from elsewhere.

    Attributes:
        pins: Root thumbprints that were compared out of band, by handle.
        log_key: The key of the log, or its keys, from where one trusts them.
        policy: Which logs, witnesses and quorum one asks for, in place of the bundle's own word.
        timestamp_roots: Root certificates of timestamp authorities that one trusts.
    """

    pins: Mapping[str, str] = field(default_factory=dict)
    log_key: TrustedLog | None = None
    policy: LogPolicy | None = None
    timestamp_roots: Sequence[Certificate] = ()


@dataclass(frozen=True, slots=True)
class BundleExamination(Examination):
    """The outcome of examining a bundle.

    Attributes:
        own: Findings about the bundle itself, before those about acts and what is shown.
        log_key: The key by which its log was checked.
        is_log_key_trusted: Whether that is one known from elsewhere; else the bundle's own word.
        is_quorum_trusted: Likewise who has to cosign the checkpoint.
    """

    own: tuple[Finding, ...] = ()
    log_key: NoteVerifier | None = None
    is_log_key_trusted: bool = False
    is_quorum_trusted: bool = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, in the order in which one rests on the other."""
        return (*self.own, *self.acts, *self.shown)

    @property
    def first_failure(self) -> str | None:
        """What failed first, in words; None where nothing did."""
        for finding in self.failures:
            whose = f" of {finding.by}" if finding.by else ""
            return f"{finding.what}{whose}: {finding.detail}"
        return None


def examine_bundle(reader: BundleReader, trust: Trust) -> BundleExamination:
    """Examine a bundle.

    Args:
        reader: The bundle, whose files are those of its manifest.
        trust: Keys from elsewhere; what is not among them is said to be asserted.

    Raises:
        PinMismatchError: The log's key is another than the one that is trusted, or none of the
            policy's.
        BundleError: A file has not the form that it must have.
    """
    named, log_key, known = _log_key(reader, trust)
    outcome = partial(
        BundleExamination,
        log_key=named,
        is_log_key_trusted=known.result is Result.VERIFIED,
        is_quorum_trusted=trust.policy is not None,
    )
    own = [
        Finding("files", Result.VERIFIED, _files(reader)),
        known,
    ]
    try:
        checkpoint = read_checkpoint(reader, log_key)
    except UntrustedEvidenceError as error:
        # Nothing else can be said without it.
        own.append(Finding("checkpoint", Result.FAILED, str(error)))
        return outcome((), (), {}, tuple(own))
    signed = f"of {checkpoint.size} entries, signed by the log {checkpoint.origin}"
    own.append(Finding("checkpoint", Result.VERIFIED, signed))
    own.append(_look("policy", partial(_policy, reader, named, trust.policy)))
    own.append(_look("timestamp", partial(_timestamp, reader, trust.timestamp_roots)))
    log = read_log(reader, checkpoint)
    manifest = reader.manifest
    directory = KeyDirectory(reader, manifest.origin, pins=trust.pins, places=log.places(reader))
    about = manifest.request_id
    if about.startswith("frq_"):
        found = examine(reader, directory, about, handle=manifest.partner)
        of_its_kind = list(_of_request(reader, log))
    else:
        looks_at = examine_restitution if about.startswith("rst_") else examine_recovery
        found = looks_at(reader, directory, log)
        of_its_kind = list(own_findings(reader, log))
    checks: Mapping[str, Callable[[], Outcome]] = {
        "keys": partial(_keys, reader),
        "revocations": partial(_revocations, reader, log, directory),
        "passkeys": partial(_documents, reader),
        "custody": partial(_custody, reader),
        "rest": partial(_rest, reader),
    }
    own.append(_look("entries", partial(_entries, log)))
    own += [*of_its_kind, *(_look(what, check) for what, check in checks.items())]
    return outcome(found.acts, found.shown, found.roots, tuple(own))


def _of_request(reader: BundleReader, log: BundleLog) -> Iterator[Finding]:
    """Yield what comes of those parts that only the bundle of a freeze request has."""
    yield _look("events", partial(_events, reader, log))
    yield _look("document", partial(_same_document, reader))
    yield _look("sums", partial(_sums, reader))


def _look(what: str, check: Callable[[], Outcome]) -> Finding:
    try:
        result, detail = check()
    except (UntrustedEvidenceError, ProtocolError) as error:
        result, detail = Result.FAILED, str(error)
    return Finding(what, result, detail)


def _fail(faults: list[str]) -> None:
    if faults:
        more = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
        raise UntrustedEvidenceError("; ".join(faults[:_TOLD]) + more, code="not_as_signed")


def _files(reader: BundleReader) -> str:
    return (
        f"{counted(len(list(reader.names)), 'file')}, each as the manifest says; the manifest"
        f" itself has the SHA-256 {reader.manifest_sha256}"
    )


def _log_key(reader: BundleReader, trust: Trust) -> tuple[NoteVerifier, LogKeys, Finding]:
    """Return the key to check the log with, when it counts, and what is to be said of it."""
    manifest = reader.manifest
    try:
        named = NoteVerifier.parse(manifest.log)
    except NoteError as error:
        raise BundleError(f"the manifest's log: {error}", code="bad_manifest") from None
    if named.name != log_origin(manifest.origin):
        raise BundleError(
            f"its log is {named.name}, which is not that of {manifest.origin}", code="other_origin"
        )
    if reader.read(layout.LOG_KEY) != named.key.to_pem():
        raise BundleError(f"{layout.LOG_KEY} is another key", code="other_file")
    statements = list(log_key_statements(reader))
    trusted = _trusted(trust, named)
    if not trusted:
        detail = f"the bundle's own word, compare it: {named}"
        return named, LogKeys.of(named), Finding("log key", Result.ASSERTED, detail)
    followed = [
        keys if named in keys.keys else _follow(keys, whose, statements, named)
        for whose, keys in trusted.items()
    ]
    detail = "the one that you trust"
    if any(named not in keys.keys for keys in trusted.values()):
        detail = f"handed over to {named} by the log, under the key that you trust"
    return named, followed[0].only(named), Finding("log key", Result.VERIFIED, detail)


def _trusted(trust: Trust, named: NoteVerifier) -> dict[str, LogKeys]:
    """Return the keys of a log that are trusted, by what each is called in a message."""
    trusted = {}
    if trust.log_key is not None:
        trusted["the one that is trusted"] = LogKeys.of(trust.log_key)
    if trust.policy is not None and trust.policy.has_logs:
        own = [key for key in trust.policy.logs if key.name == named.name]
        if not own:
            raise PinMismatchError(
                f"the bundle is of the log {named}, which is none of your policy: ask who made it"
                " before you rely on it"
            )
        trusted["that of your policy"] = LogKeys.of(named if named in own else own[0])
    return trusted


def _follow(
    trusted: LogKeys, whose: str, statements: Sequence[bytes], named: NoteVerifier
) -> LogKeys:
    """Return the keys that are trusted as far as the log handed over to that of the bundle."""
    try:
        found = follow_log_keys(trusted, statements)
    except LogHandoverError as error:
        raise PinMismatchError(
            f"the bundle is of the log {named}, {whose} is {trusted.newest}, and"
            f" what the bundle shows of a handover does not hold ({error.code}): {error}"
        ) from None
    if named not in found.keys:
        raise PinMismatchError(
            f"the bundle is of the log {named}, and {whose} is {trusted.newest}: ask who made it"
            " before you rely on it"
        )
    return found


def _policy(reader: BundleReader, log_key: NoteVerifier, trusted: LogPolicy | None) -> Outcome:
    """Look whether as many witnesses cosigned the checkpoint as is asked for.

    By the policy of whoever verifies where there is one, and by that of the bundle in any case: it
    may not say what its own checkpoint does not keep.
    """
    own = parse_policy(reader.read(layout.LOG_POLICY))
    if own.logs != (log_key,):
        raise UntrustedEvidenceError("the policy names another log", code="bad_policy")
    note = reader.peek(layout.CHECKPOINT)
    judged = own.judge(note, log_key)
    _require_met(own, judged, "bundle's own")
    if trusted is None:
        if not judged.cosignatures:
            return Result.ASSERTED, (
                "no witness is asked for, by the bundle's own word: the log alone vouches for its"
                " checkpoint"
            )
        return Result.ASSERTED, (
            f"cosigned by {_cosigners(judged)}, as the bundle's own policy asks (quorum"
            f" {own.quorum}); whether these are the witnesses, compare with /v1/log/policy"
        )
    judged = trusted.judge(note, log_key)
    _require_met(trusted, judged, "your")
    if trusted.quorum == NO_QUORUM:
        return Result.ASSERTED, "your policy asks for no witness: the log alone vouches"
    return Result.VERIFIED, (
        f"cosigned by {_cosigners(judged)}, as your policy asks (quorum {trusted.quorum})"
    )


def _require_met(policy: LogPolicy, judged: Judged, whose: str) -> None:
    if not judged.is_met:
        raise UntrustedEvidenceError(
            f"the quorum {policy.quorum!r} of {whose} policy is not met: of its witnesses"
            f" {_cosigners(judged) or 'nobody'} cosigned the checkpoint. It may be younger than"
            " they are: export again in a minute",
            code="bad_policy",
        )


def _cosigners(judged: Judged) -> str:
    return ", ".join(sorted(each.witness.name for each in judged.cosignatures))


def _timestamp(reader: BundleReader, trusted: Sequence[Certificate]) -> Outcome:
    """Look what a timestamp authority says of the checkpoint."""
    response = reader.find(layout.TIMESTAMP)
    if response is None:
        return Result.ASSERTED, "none: no timestamp authority says when the checkpoint existed"
    named = read_authorities(reader.read(layout.TIMESTAMP_ROOTS))
    digest = sha256(reader.peek(layout.CHECKPOINT)).digest()
    try:
        found = verify_timestamp(response, digest, trusted or named)
    except MissingLibraryError as error:
        return Result.ASSERTED, f"not looked at: {error}"
    at = f"the checkpoint existed at {found.at:%Y-%m-%d %H:%M:%S} UTC, says {found.authority}"
    if trusted:
        return Result.VERIFIED, f"{at}, by an authority that you trust"
    prints = ", ".join(root.fingerprint(SHA256()).hex() for root in named)
    return Result.ASSERTED, (
        f"{at}, whose roots are the bundle's own word: compare their SHA-256: {prints}"
    )


def _entries(log: BundleLog) -> Outcome:
    _fail(log.faults)
    detail = f"{log.entries} entries are in the log under that checkpoint"
    if not log.entries:
        return Result.ASSERTED, "no entry of the log is in it"
    if log.erased:
        return Result.ASSERTED, f"{detail}; of {log.erased} the content was erased"
    return Result.VERIFIED, f"{detail}, and commit to the events that are shown"


def _events(reader: BundleReader, log: BundleLog) -> Outcome:
    """Look whether events and acts tell of each other, and whether a number is missing."""
    request_id = reader.manifest.request_id
    view = reader.freeze_request(request_id)
    is_requester = view.requester == reader.manifest.partner
    told = log.of_request()
    acts = {act.act_id: act for act in reader.evidence(request_id)}
    by_place = {event.index: event for event in told}
    faults = [
        f"entry {event.index} tells of {event.act_id}, which is not there"
        for event in told
        if event.act_id is not None and event.act_id not in acts
    ]
    for act in acts.values():
        event = None if act.leaf_index is None else by_place.get(act.leaf_index)
        # Of all acts the submission alone is not named by its event.
        if event is not None and (event.act_id or act.act_id) != act.act_id:
            faults.append(f"{act.act} is shown as entry {event.index}, which tells of another act")
    if not log.erased:
        numbers = {
            leg.id: leg.requester_sequence if is_requester else leg.sequence
            for leg in reader.legs(request_id)
        }
        faults += [
            f"there should be {gap}"
            for gap in gaps(told, is_requester=is_requester, last_of_leg=numbers)
        ]
        faults += [
            f"the entry {act.leaf_index} of {act.act} is not there"
            for act in acts.values()
            if is_requester and act.leaf_index is not None and act.leaf_index not in by_place
        ]
    _fail(faults)
    return Result.VERIFIED, (
        f"{counted(len(told), 'event')} of this request as logged, numbered without a gap"
    )


def _keys(reader: BundleReader) -> Outcome:
    """Look whether each key's PEM is that key, so that openssl and the kit check with the same."""
    count = 0
    for member in reader.members():
        for key in reader.keys(member):
            if key.partner != member:
                raise UntrustedEvidenceError(f"a key of {key.partner} is shown as {member}'s")
            found = PublicKey.from_jwk(key.jwk)
            if found.kid != key.kid or reader.read(layout.key_file(key.kid)) != found.to_pem():
                raise UntrustedEvidenceError(f"{key.kid} is shown as another key")
            count += 1
    return Result.ASSERTED, (
        f"{counted(count, 'public key')}; that no other was granted, and none of them revoked,"
        " only the whole log can show"
    )


def _revocations(reader: BundleReader, log: BundleLog, directory: KeyDirectory) -> Outcome:
    """Look whether what took keys away was signed by those who may, and is shown at its keys."""
    places = directory.places.revoked
    faults, count, unproven = [], 0, 0
    shown = {key.kid: key.revoked_at for member in reader.members() for key in reader.keys(member)}
    for member in reader.members():
        for record, token, body in reader.revocations(member):
            if record.file is None:
                unproven += 1
                continue
            front = read_evidence_front(token)
            if record.kid != front.kid or record.partner != member:
                faults.append(f"{record.id} is signed by another key than it says")
                continue
            key = _signing_key(reader, directory, member, front.kid)
            act = verify_request_evidence(front, body, key=key, aud=directory.audience)
            if (act.iss, act.htm, act.htu) != (
                member,
                "POST",
                f"{directory.audience}/v1/revocations",
            ):
                faults.append(f"{record.id} is signed as another act")
            count += 1
    faults += [
        f"{kid} was revoked by entry {place}, and is shown as good"
        for kid, place in places.items()
        if kid in shown and shown[kid] is None
    ]
    logged = sum(event.type == "grant.revoked" for event in log.of_keys())
    if logged > count + unproven:
        faults.append("a revocation is logged that is not shown")
    _fail(faults)
    if unproven:
        return Result.ASSERTED, f"{unproven} of {counted(count + unproven, 'revocation')} unproven"
    return Result.VERIFIED, f"{counted(count, 'revocation')} as signed"


def _signing_key(reader: BundleReader, directory: KeyDirectory, member: str, kid: str) -> PublicKey:
    """Return a key of a member: the root key, or one that goes back to it."""
    for key in reader.keys(member):
        if key.kid == kid and key.is_root:
            return PublicKey.from_jwk(key.jwk)
    return directory.trusted_key(member, kid).key


def _documents(reader: BundleReader) -> Outcome:
    """Look whether what passkeys are said to have signed is what their tokens and bodies make."""
    count = 0
    for name in list(reader.names):
        if not name.endswith(".token"):
            continue
        file = name.removesuffix(".token")
        document = reader.find(f"{file}.document")
        token = reader.peek(name)
        if not is_passkey_token(token.decode(errors="replace")):
            if document is not None:
                raise UntrustedEvidenceError(f"{file} was signed by no passkey")
            continue
        _, _, signed = unpack_signature(token)
        made = act_document(signed.document, reader.find(f"{file}.body"))
        if document != made:
            raise UntrustedEvidenceError(f"{file}.document is not what was signed")
        count += 1
    return Result.VERIFIED, f"{counted(count, 'document')} as passkeys signed them"


def _same_document(reader: BundleReader) -> Outcome:
    view = reader.freeze_request(reader.manifest.request_id)
    if view.id != reader.manifest.request_id:
        raise UntrustedEvidenceError(f"{view.id} is shown as {reader.manifest.request_id}")
    if view.content_sha256 != reader.manifest.content_sha256:
        raise UntrustedEvidenceError("the request is about another document than the manifest's")
    if view.drill is not reader.manifest.drill:
        raise UntrustedEvidenceError("the manifest and the request differ in whether it is a drill")
    contexts = sum(1 for name in reader.names if name.endswith(".context"))
    return Result.VERIFIED, f"the manifest's; {counted(contexts, 'decision context')} with it"


def _sums(reader: BundleReader) -> Outcome:
    sums = LedgerSums()
    try:
        for line in reader.lines(layout.LEDGER):
            sums.take(line)
        made = sums.document(reader.lines(layout.HOLDS))
    except (LookupError, TypeError, ValueError, AttributeError):
        raise UntrustedEvidenceError("the ledger has lines that are none") from None
    if made != reader.document(layout.RECOMPUTED):
        raise UntrustedEvidenceError("the lines come to other sums than those that are shown")
    return Result.VERIFIED, "the ledger's lines come to the sums that are shown"


def _custody(reader: BundleReader) -> Outcome:
    exports, reads = reader.custody(), _reads(reader)
    if not exports:
        return Result.ASSERTED, f"no export before this one{reads}"
    last = max(exports, key=lambda each: each.at)
    return Result.ASSERTED, (
        f"{counted(len(exports), 'export')} before this one, the last by {last.partner} at"
        f" {last.at:%Y-%m-%d %H:%M:%S} UTC{reads}"
    )


def _reads(reader: BundleReader) -> str:
    """Return what is to be said of the read log; nothing where there was none yet."""
    reads = reader.reads()
    if reads is None:
        return ""
    partners = {each.partner for each in reads}
    of = f", by {counted(len(partners), 'exchange')}" if partners else ""
    return f"; {counted(sum(each.count for each in reads), 'read')} listed{of}"


def _rest(reader: BundleReader) -> Outcome:
    unused = reader.unused()
    _fail([f"{name} belongs to nothing that is shown" for name in unused])
    others = reader.others()
    if others:
        return Result.ASSERTED, f"not looked into: {', '.join(others)}"
    return Result.VERIFIED, "every file belongs to something that is shown"
