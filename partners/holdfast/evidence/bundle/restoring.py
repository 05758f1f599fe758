"""What is looked at in bundles of restitutions and of recovery requests alone."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.bundle.log import BundleLog
from holdfast.evidence.bundle.reader import BundleReader
from holdfast.evidence.case_file import Finding, Result, Subject, examine_evidence
from holdfast.evidence.completeness import Outcome
from holdfast.evidence.examination import Examination
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.payout_accounts import LoggedAct
from holdfast.evidence.recovery import RecoveryCase, recovery_findings
from holdfast.evidence.recovery import subject_of as subject_of_recovery
from holdfast.evidence.restitution import RestitutionCase, restitution_findings
from holdfast.evidence.restitution import subject_of as subject_of_restitution
from holdfast.evidence.shown_acts import ShownActs, checked, refuse
from holdfast.protocol import bundle_layout as layout
from holdfast.protocol.restoring_sums import recovery_sums, restitution_sums
from holdfast.wording import counted


def examine_restitution(
    reader: BundleReader, directory: KeyDirectory, log: BundleLog
) -> Examination:
    """Return what comes of a restitution's acts, and of what is shown of it."""
    view, handle = reader.restitution(), reader.manifest.partner
    acts, findings, roots = _acts(reader, directory, subject_of_restitution(view))
    case = RestitutionCase(
        handle=handle,
        view=view,
        lines=list(reader.pool_lines()),
        claims=list(reader.claims()),
        allocations=list(reader.allocations()),
        payouts=list(reader.payouts()),
        acts=acts,
        logged=_logged(log),
        made_at=reader.manifest.made_at,
    )
    return Examination(findings, tuple(restitution_findings(case)), roots)


def examine_recovery(reader: BundleReader, directory: KeyDirectory, _log: BundleLog) -> Examination:
    """Return what comes of a recovery request's acts, and of what is shown of it."""
    view = reader.recovery()
    acts, findings, roots = _acts(reader, directory, subject_of_recovery(view))
    case = RecoveryCase(view=view, deposits=list(reader.deposits()), acts=acts)
    return Examination(findings, tuple(recovery_findings(case)), roots)


def _acts(
    reader: BundleReader, directory: KeyDirectory, subject: Subject
) -> tuple[ShownActs, tuple[Finding, ...], dict[str, tuple[str, bool]]]:
    evidence = reader.evidence(reader.manifest.request_id)
    examined = list(examine_evidence(subject, evidence, directory))
    good = [act for finding, act in examined if finding.result is not Result.FAILED]
    roots = {
        act.proven.key.partner: (act.proven.key.root_kid, act.proven.key.is_root_pinned)
        for act in good
        if act.proven is not None
    }
    return ShownActs(good), tuple(finding for finding, _ in examined), roots


def _logged(log: BundleLog) -> dict[str, LoggedAct]:
    """Return what the log says of acts: where, when, and from when on they are in force."""
    return {
        event.act_id: LoggedAct(event.index, event.at, event.data.get("in_force_at"))
        for event in log.of_request()
        if event.act_id is not None
    }


def own_findings(reader: BundleReader, log: BundleLog) -> Iterator[Finding]:
    """Yield what comes of the bundle's own parts."""
    yield checked("events", partial(_events, reader, log))
    yield checked("document", partial(_document, reader))
    yield checked("sums", partial(_sums, reader))


def _owner(reader: BundleReader) -> str:
    """Return who is told of every act: the opener, or the requester."""
    if reader.manifest.request_id.startswith("rst_"):
        return reader.restitution().opener
    return reader.recovery().requester


def _events(reader: BundleReader, log: BundleLog) -> Outcome:
    """Look whether events and acts tell of each other; they have no numbers of their own."""
    acts = {act.act_id: act for act in reader.evidence(reader.manifest.request_id)}
    told = {event.index: event for event in log.of_request()}
    is_owner = _owner(reader) == reader.manifest.partner
    faults = [
        f"entry {index} tells of {event.act_id}, which is not there"
        for index, event in told.items()
        if event.act_id not in acts
    ]
    for act in acts.values():
        event = None if act.leaf_index is None else told.get(act.leaf_index)
        if event is not None and event.act_id != act.act_id:
            faults.append(f"{act.act} is shown as entry {event.index}, which tells of another act")
        if event is None and is_owner and not log.erased:
            faults.append(f"the entry {act.leaf_index} of {act.act} is not there")
    refuse(faults)
    detail = f"{counted(len(told), 'event')} as logged, each of an act that is shown"
    return Result.VERIFIED, detail


def _document(reader: BundleReader) -> Outcome:
    manifest = reader.manifest
    is_restitution = manifest.request_id.startswith("rst_")
    view = reader.restitution() if is_restitution else reader.recovery()
    if view.id != manifest.request_id:
        raise UntrustedEvidenceError(f"{view.id} is shown as {manifest.request_id}")
    if view.content_sha256 != manifest.content_sha256:
        raise UntrustedEvidenceError("it is about another document than the manifest's")
    is_drill = not is_restitution and reader.recovery().drill
    if is_drill is not manifest.drill:
        raise UntrustedEvidenceError("the manifest says otherwise whether it is a drill")
    return Result.VERIFIED, "the manifest's"


def _sums(reader: BundleReader) -> Outcome:
    made, shown, pool = _recomputed(reader)
    if made != shown or pool != made.get("pool", pool):
        raise UntrustedEvidenceError("the lines come to other sums than those that are shown")
    return Result.VERIFIED, "the lines come to the sums that are shown"


def _recomputed(reader: BundleReader) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the sums as they are made here, as they are shown, and the pool's in the view."""
    if reader.manifest.request_id.startswith("rcv_"):
        made = recovery_sums(reader.lines(layout.DEPOSITS))
        return made, reader.document(layout.RECOVERY_RECOMPUTED), {}
    view = reader.document(layout.RESTITUTION)
    is_opener = view["opener"] == reader.manifest.partner
    lists = (layout.POOL, layout.ALLOCATIONS, layout.PAYOUTS)
    sums = restitution_sums(view, *map(reader.lines, lists), is_opener=is_opener)
    return sums, reader.document(layout.RESTITUTION_RECOMPUTED), view["pool"]
