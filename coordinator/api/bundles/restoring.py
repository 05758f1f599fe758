"""What only bundles of restitutions and of recovery requests have, part by part."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from coordinator.api import allocations, claims, recovery_requests, restitutions
from coordinator.api.bundles.archive import BundleWriter
from coordinator.api.bundles.contents import Case, Part, case_of, write_acts
from coordinator.api.pipeline import Reader, read
from coordinator.services.restoring.act_evidence import restitution_evidence
from coordinator.services.restoring.restitutions import visible_restitution
from coordinator.storage.tail import events as told_store
from holdfast.protocol import bundle_layout as layout
from holdfast.protocol import canonical_json
from holdfast.protocol.restoring_sums import recovery_sums, restitution_sums


def open_restitution_case(reader: Reader, restitution_id: str) -> Case:
    """Return the case of a restitution, as far as its reader may read it.

    Raises:
        NotFoundError: If the reader neither opened it nor sees its incident.
        UnavailableError: If the log has no checkpoint, or its signer does not answer.
    """
    view = read(reader, restitutions.read_restitution, restitution_id=restitution_id)
    return case_of(reader, view, OF_RESTITUTION, {view["opener"]})


def open_recovery_case(reader: Reader, recovery_id: str) -> Case:
    """Return the case of a recovery request, as far as its reader may read it.

    Raises:
        NotFoundError: If the reader is none of its two sides.
        UnavailableError: If the log has no checkpoint, or its signer does not answer.
    """
    view = read(reader, recovery_requests.read_request, recovery_id=recovery_id)
    return case_of(reader, view, OF_RECOVERY, {view["requester"]})


def _restitution(case: Case, into: BundleWriter) -> None:
    names = {"restitution_id": case.request_id}
    is_opener = case.view["opener"] == case.reader.actor.partner
    lines = list(case.every(restitutions.list_pool_lines, **names))
    # What was allocated and paid is the opener's to read: others are shown none.
    given = list(case.every(allocations.list_allocations, **names)) if is_opener else []
    payouts = list(case.every(allocations.list_payouts, **names)) if is_opener else []
    into.add(layout.RESTITUTION, canonical_json.dumps(case.view))
    into.add_lines(layout.POOL, lines)
    into.add_lines(layout.CLAIMS, case.every(claims.list_claims, **names))
    into.add_lines(layout.ALLOCATIONS, given)
    into.add_lines(layout.PAYOUTS, payouts)
    sums = restitution_sums(case.view, lines, given, payouts, is_opener=is_opener)
    into.add(layout.RESTITUTION_RECOMPUTED, canonical_json.dumps(sums))


def _acts_on_restitution(case: Case, into: BundleWriter) -> None:
    reader = case.reader
    row = visible_restitution(reader.connection, reader.actor.viewer, case.request_id)
    _write(case, into, restitution_evidence(reader.read_context, row))


def _recovery(case: Case, into: BundleWriter) -> None:
    deposits = list(case.every(recovery_requests.list_deposits, recovery_id=case.request_id))
    into.add(layout.RECOVERY, canonical_json.dumps(case.view))
    into.add_lines(layout.DEPOSITS, deposits)
    into.add(layout.RECOVERY_RECOMPUTED, canonical_json.dumps(recovery_sums(deposits)))


def _acts_on_recovery(case: Case, into: BundleWriter) -> None:
    _write(case, into, case.every(recovery_requests.list_evidence, recovery_id=case.request_id))


def _write(case: Case, into: BundleWriter, acts: Iterable[Mapping[str, Any]]) -> None:
    """Write acts, and remember the entries of the log that tell their reader of them."""
    leaves: list[int] = []

    def noted() -> Iterable[Mapping[str, Any]]:
        for act in acts:
            if act["leaf_index"] is not None:
                leaves.append(act["leaf_index"])
            yield act

    write_acts(case, into, noted())
    connection, partner = case.reader.connection, case.reader.actor.partner
    case.leaves |= told_store.told(connection, sorted(leaves), partner)


OF_RESTITUTION: Sequence[Part] = (_restitution, _acts_on_restitution)
OF_RECOVERY: Sequence[Part] = (_recovery, _acts_on_recovery)
