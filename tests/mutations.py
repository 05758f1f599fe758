"""Slips made by hand, one at a time: each must fail the tests that are named beside it.

`python -m tests.mutations` works on a copy of the project, so that what is being edited stays as it
is, and says which slips no test noticed; words after it choose files, as in
`python -m tests.mutations hold.py`. The exit status is 1 if any slip survived, and 2 if the named
tests fail without a slip, too. When a line that stands here is rewritten, rewrite it here:
`tests/architecture/test_mutations.py` notices.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.architecture.tree import ROOT, project_files

#: Exit statuses of pytest.
_ALL_PASSED, _SOME_FAILED = 0, 1


class Mutation(NamedTuple):
    """One slip: in `file`, the one place that reads `text` reads `instead`."""

    file: str
    text: str
    instead: str
    tests: tuple[str, ...]


_DOMAIN = "coordinator/domain"
_STORAGE = "coordinator/storage"
_SERVICES = "coordinator/services"
_DISPATCHER = "coordinator/dispatcher"
_EGRESS = "coordinator/egress"
_PROTOCOL = "partners/holdfast/protocol"
_RULES = f"{_PROTOCOL}/chains/rules"
_EVIDENCE = "partners/holdfast/evidence"
_MONITOR = "partners/holdfast/monitor"
_CLI = "partners/holdfast/cli"
_CONSOLE = "coordinator/console"
_LOG = "coordinator/transparency_log"
_SCREENING = "partners/holdfast/screening"
_FLAGS = ("tests/api/test_flags.py",)
_SCREENED = ("tests/partners/test_screening.py",)
_FOUR_EYES = ("tests/domain/test_approval.py",)
_HOLD = ("tests/domain/test_hold.py",)
_LEG = ("tests/domain/test_leg.py",)
_LEDGER = ("tests/domain/test_freeze_ledger.py", "tests/domain/test_freeze_ledger_ends.py")
_REQUEST = ("tests/domain/test_freeze_request.py",)
_FLASH = ("tests/domain/test_flash.py", "tests/services/test_flash.py")
_BY_TWO = ("tests/services/test_withdrawal_by_two.py",)
_ENDS_HEARD = ("tests/contract/test_ends_of_proposals.py",)
_SHARES = ("tests/domain/test_fair_shares.py",)
_TOKEN = ("tests/partners/protocol/test_request_token.py",)
_BY_PASSKEY = ("tests/services/test_passkey_acts.py",)
_PASSKEY = ("tests/partners/protocol/test_passkey_token.py",)
_WEBHOOK = ("tests/partners/protocol/test_webhook_signature.py",)
_PROOF = ("tests/services/test_verification.py", "tests/partners/test_grant_chain.py")
_AUTH = ("tests/api/test_authentication.py",)
_APPROVED = ("tests/partners/test_evidence.py", "tests/partners/test_addition_evidence.py")
_URL = ("tests/api/test_exact_url.py",)
_DECIDE = ("tests/console/test_decide.py",)
_LOOP = ("tests/dispatcher/test_loop.py",)
_RESPONSE = ("tests/dispatcher/test_webhook_sender_hostile.py",)
_TARGET = ("tests/egress/test_address_guard.py", "tests/egress/test_address_guard_table.py")
_LEFT_OUT = ("tests/services/test_left_out.py",)
_NAMES = ("tests/api/test_people.py",)
_ADDRESSES = ("tests/domain/test_account_far_chains.py",)
_CLEARED = ("tests/services/test_clearances.py",)
_FRONT = ("tests/operations/test_front.py",)
_COMMAND_LINES = ("tests/architecture/test_command_lines.py",)
_WAITING = ("tests/services/test_waiting_tasks.py",)
_DOOR = ("tests/console/test_door.py",)
_ENROLMENT = ("tests/console/test_enrolment_rules.py",)
_BY_PROVIDER = ("tests/console/test_organisation_sign_in.py",)
_TOLD = ("tests/console/test_openid_provider.py",)
_PROVIDER_SET = ("tests/api/test_sign_in_provider.py",)

_BACKUP = ("tests/operations/test_backup.py",)
_BUNDLE = ("tests/services/test_evidence_bundles.py",)
_BUNDLE_POLICY = ("tests/api/test_cosignatures.py",)
_ZIP = ("tests/partners/test_bundle_archive.py",)
_BY_PLACE = ("tests/partners/test_places.py",)
_ROTATION = ("tests/operations/test_key_rotation.py",)
_THOROUGH = ("tests/operations/test_thorough_check.py",)
_IN_LOG = ("tests/partners/test_log_inclusion.py",)
_NOTE = ("tests/partners/protocol/test_signed_note.py",)
_LOG_PROOF = ("tests/partners/protocol/test_log_proof.py",)
_TREE = ("tests/partners/protocol/test_merkle_tree.py",)
_LOG_SIGNER = ("tests/transparency_log/test_signing.py",)
_ERASED = ("tests/services/test_erasures.py",)
_TAGS = ("tests/transparency_log/test_tags.py",)
_LOG_TAIL = ("tests/transparency_log/test_log_tail.py",)
_HANDED_OVER = ("tests/partners/test_log_handover.py",)
_LOG_KEY_REPLACED = ("tests/operations/test_log_key_rotation.py",)
_COSIGNED = ("tests/api/test_cosignatures.py",)
_POLICY = (
    "tests/partners/protocol/test_cosignature.py",
    "tests/partners/protocol/test_log_policy.py",
)
_WATCHED = ("tests/partners/test_log_monitor.py",)
_SQLITE_MARK = ("tests/operations/test_sqlite_mark.py",)
_READ_LOG = ("tests/services/test_read_log.py",)
_RECONCILED = ("tests/operations/test_reconcile.py",)
_EVENT_KINDS = ("tests/services/test_event_kinds.py",)
_SEALED = ("tests/api/test_sealed_evidence.py",)
_SEALING = ("tests/partners/protocol/test_sealed_evidence.py",)
_DRILLS = ("tests/services/test_drills.py",)
_ALLOCATION = ("tests/partners/protocol/test_allocation.py",)
_PROOFS = ("tests/partners/protocol/test_address_proofs.py",)

MUTATIONS: tuple[Mutation, ...] = (
    # Money back: parts of a pool, proofs of addresses, files.
    Mutation(
        f"{_PROTOCOL}/allocation.py",
        "        if funds * group[0].value < (group[0].paid + minimum) * total:",
        "        if False:",
        _ALLOCATION,
    ),
    Mutation(
        f"{_PROTOCOL}/allocation.py",
        "        parts[claim.ref] = whole - claim.paid",
        "        parts[claim.ref] = whole",
        _ALLOCATION,
    ),
    Mutation(
        f"{_PROTOCOL}/address_proofs/secp256k1.py",
        "    if int.from_bytes(compact[32:]) > _ORDER // 2:",
        "    if False:",
        _PROOFS,
    ),
    Mutation(
        f"{_PROTOCOL}/address_proofs/solana.py",
        "        check_public_point(key)",
        "        pass",
        _PROOFS,
    ),
    Mutation(
        f"{_PROTOCOL}/address_proofs/statement.py",
        '                f"Claim: {self.claim}",',
        '                "Claim: C-1",',
        _PROOFS,
    ),
    Mutation(
        f"{_PROTOCOL}/written_tables.py",
        "guarded(str(cell))",
        "str(cell)",
        ("tests/partners/protocol/test_written_tables.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/payout_files.py",
        "        if payout.id == before:",
        "        if False:",
        ("tests/partners/protocol/test_payout_files.py",),
    ),
    # Legs limited to named people, and texts whose time is over.
    Mutation(
        f"{_STORAGE}/requests/leg_limits.py",
        "    return [is_seen(request_id, viewer.partner, viewer.person)]",
        "    return []",
        ("tests/api/test_leg_limits.py",),
    ),
    Mutation(
        f"{_STORAGE}/requests/leg_limits.py",
        "    return or_(request_id.is_(None), request_id.not_in(hidden_requests(partner, person)))",
        "    return or_(request_id.is_(None), request_id.is_not(None))",
        ("tests/api/test_leg_limits.py", "tests/api/test_route_rights.py"),
    ),
    Mutation(
        f"{_SERVICES}/requests/alarms.py",
        "        standing &= named",
        "        pass",
        ("tests/api/test_leg_limits.py",),
    ),
    Mutation(
        f"{_SERVICES}/membership/revocations.py",
        "    lift_lost_limits(uow, row.handle, key)",
        "    pass",
        ("tests/api/test_leg_limits.py",),
    ),
    Mutation(
        f"{_SERVICES}/reading/statistics.py",
        "        key = (month, leg.partner if leg.partner in named else UNNAMED, leg.urgency)",
        "        key = (month, leg.partner, leg.urgency)",
        ("tests/services/test_named_statistics.py",),
    ),
    Mutation(
        f"{_SERVICES}/ending/retention.py",
        "        or not store.is_evidence_due(uow.connection, found.id, before)",
        "        or False",
        ("tests/api/test_retention.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/freeze_requests.py",
        '    if document.drill is incident["drill"]:',
        "    if True:",
        _DRILLS,
    ),
    Mutation(
        f"{_SERVICES}/core/acts.py",
        '    return {"drill": True} if request.drill else {}',
        "    return {}",
        _DRILLS,
    ),
    Mutation(
        f"{_STORAGE}/reading/statistics.py",
        "LegRow.queued_at < self.end, ~drills.exists()",
        "LegRow.queued_at < self.end",
        _DRILLS,
    ),
    Mutation(
        f"{_STORAGE}/requests/flagged_accounts.py",
        'return and_(_is_live(), FreezeRequestRow.drill == bindparam("drill"))',
        'return and_(_is_live(), bindparam("drill").in_([True, False]))',
        _DRILLS,
    ),
    Mutation(
        f"{_STORAGE}/ledger/freeze_ledger.py",
        "        _THEIRS.drill == _AS_REAL,",
        "        True,",
        _DRILLS,
    ),
    Mutation(
        f"{_SERVICES}/ending/clearances.py",
        "    if request.drill:",
        "    if False:",
        _DRILLS,
    ),
    Mutation(
        f"{_EVIDENCE}/notice.py",
        '    if (data.get("drill") is True) is request.drill:',
        "    if True:",
        ("tests/partners/test_evidence.py",),
    ),
    Mutation(
        "partners/reference_exchange/answering.py",
        "    if task.request.drill:",
        "    if False:",
        ("tests/partners/test_reference_exchange.py",),
    ),
    Mutation(
        f"{_SERVICES}/reading/readiness.py",
        '            "people": list(self._who_did_what()) if is_own else None,',
        '            "people": list(self._who_did_what()),',
        ("tests/api/test_readiness_reports.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/readiness.py",
        "    if signed != (report_sha256(document",
        "    if False and signed != (report_sha256(document",
        ("tests/partners/protocol/test_readiness.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/read_log.py",
        "        partner = own\n",
        "        pass\n",
        ("tests/api/test_read_log.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/read_log.py",
        "        elif len(self._lines) < self._most_lines:",
        "        elif True:",
        _READ_LOG,
    ),
    Mutation(
        f"{_STORAGE}/requests/read_log.py",
        "        if restored.since(connection) is not None:",
        "        if False:",
        _READ_LOG,
    ),
    Mutation(
        f"{_STORAGE}/requests/erasures.py",
        "    read_log.forget(connection, request.id)\n",
        "",
        ("tests/api/test_read_log.py",),
    ),
    Mutation(
        f"{_SERVICES}/core/unit_of_work.py",
        "        if head.restored_at is not None:",
        "        if False:",
        _RECONCILED,
    ),
    Mutation(
        "coordinator/api/transaction.py",
        "    if found is not None and found.is_read_only:",
        "    if False:",
        _RECONCILED,
    ),
    Mutation(
        "coordinator/operations/kept_logs.py",
        "            if each.tree.root != self._tree.root():",
        "            if False:",
        _RECONCILED,
    ),
    Mutation(
        "coordinator/operations/kept_logs.py",
        "        if largest <= self.size:",
        "        if True:",
        _RECONCILED,
    ),
    Mutation(
        f"{_STORAGE}/tail/transparency_log.py",
        "            event_seq=head.last_seq + frontier.size - head.first_leaf,",
        "            event_seq=head.last_seq,",
        _RECONCILED,
    ),
    Mutation(
        "coordinator/dispatcher/pager.py",
        "if not may_claim or self._is_read_only():",
        "if not may_claim:",
        ("tests/dispatcher/test_pager.py",),
    ),
    Mutation(
        f"{_STORAGE}/delivery/lane_store.py",
        'AND {condition} AND {_TAKES_CHANGES} "',
        'AND {condition} "',
        ("tests/dispatcher/test_lanes.py",),
    ),
    Mutation(
        "coordinator/operations/key_rotation.py",
        "    if old not in keys.retired:",
        "    if False:",
        _ROTATION,
    ),
    Mutation(
        "coordinator/operations/key_rotation.py",
        "    elif kept.read_bytes() != current.read_bytes():",
        "    elif False:",
        _ROTATION,
    ),
    Mutation(
        f"{_STORAGE}/engine/documents.py",
        "        if secret is None and self._old_wrapping is not None:",
        "        if False:",
        _ROTATION,
    ),
    Mutation(
        "coordinator/operations/log_recount.py",
        '    return None if checkpoint.root == frontier.root() else "is of another tree"',
        "    return None",
        _THOROUGH,
    ),
    Mutation(
        "coordinator/operations/log_recount.py",
        "    if row.nodes is not None and bytes(row.nodes) != hashes:",
        "    if False:",
        _THOROUGH,
    ),
    Mutation(
        "coordinator/operations/log_recount.py",
        '            elif row.number < ends.get(row.request_id or "", 0):',
        "            elif True:",
        _THOROUGH,
    ),
    Mutation(
        f"{_STORAGE}/requests/erasures.py",
        '        if connection.execute(_STILL_SEEN, {"destroyed": DESTROYED}).scalar_one():',
        "        if False:",
        _ERASED,
    ),
    Mutation(
        f"{_STORAGE}/requests/erasures.py",
        "        .with_for_update(key_share=True)\n",
        "",
        _ERASED,
    ),
    Mutation(
        f"{_STORAGE}/requests/sealed_evidence.py",
        "        .with_for_update(skip_locked=True)\n",
        "",
        _SEALED,
    ),
    Mutation(
        f"{_STORAGE}/requests/sealed_evidence.py",
        "        query = query.order_by(row.id).with_for_update()\n",
        "",
        _SEALED,
    ),
    Mutation(
        f"{_STORAGE}/ledger/hold_clocks.py",
        "_TAKEN_BACK = _IS_ANSWERABLE & (_WITHDRAWN | _FROZEN_UNRATIFIED)",
        "_TAKEN_BACK = _WITHDRAWN | _FROZEN_UNRATIFIED",
        _ERASED,
    ),
    Mutation(
        "partners/holdfast/typesetting/characters.py",
        'each if ord(each) in _SETTABLE else f"[U+{ord(each):04X}]"',
        "each",
        ("tests/partners/test_typesetting_characters.py",),
    ),
    Mutation(
        "partners/holdfast/paperwork/papers.py",
        "    if silence > making.made_at:",
        "    if False:",
        ("tests/services/test_paperwork.py",),
    ),
    Mutation(
        f"{_SERVICES}/reading/request_summary.py",
        "None if row.requester == read.actor.partner else leg",
        "None",
        ("tests/api/test_summaries.py",),
    ),
    Mutation(
        f"{_EGRESS}/timestamping.py",
        "        verify_timestamp(fetched.body, digest, self._roots, nonce=nonce)",
        "        pass",
        ("tests/egress/test_timestamping.py",),
    ),
    Mutation(
        "partners/holdfast/client/published_roots.py",
        "        if root_kid not in self.roots:",
        "        if False:",
        ("tests/partners/test_published_roots.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/sealed_evidence.py",
        '"recipient": recipient, "sha256": sha256}',
        '"sha256": sha256}',
        _SEALING,
    ),
    Mutation(
        f"{_PROTOCOL}/sealed_evidence.py",
        '.to_bytes(11, "big") + bytes([is_last])',
        '.to_bytes(11, "big") + bytes([0])',
        _SEALING,
    ),
    Mutation(
        f"{_DISPATCHER}/timers.py",
        "                sealed_evidence.forget_waiting(connection, now)",
        "                pass",
        _SEALED,
    ),
    Mutation(
        f"{_PROTOCOL}/encryption_key.py",
        "            _PROBE.exchange(self.public_key)",
        "            pass",
        _SEALING,
    ),
    Mutation(
        f"{_EVIDENCE}/sealed_evidence.py",
        "    if not signer.is_person or Role.SECURITY_LEAD not in signer.roles_at(token.iat):",
        "    if False:",
        _SEALED,
    ),
    Mutation(
        f"{_STORAGE}/requests/sealed_evidence.py",
        "        SealedEvidenceRow.request_id == request_id,\n        _is_known_to(reader),",
        "        SealedEvidenceRow.request_id == request_id,",
        _SEALED,
    ),
    Mutation(
        f"{_SERVICES}/requests/sealed_evidence.py",
        "    if actor.partner != row.partner and not Tlp(row.tlp).may_be_passed_on:",
        "    if False:",
        _SEALED,
    ),
    Mutation(
        f"{_SERVICES}/requests/sealed_evidence.py",
        "    if tlp.is_below(marked) and on.actor.partner != on.request.requester:",
        "    if False:",
        _SEALED,
    ),
    Mutation(
        f"{_CONSOLE}/drafts.py",
        "        if store.count(connection, draft.person) >= store.MOST_KEPT:",
        "        if False:",
        ("tests/console/test_draft_pages.py",),
    ),
    Mutation(
        f"{_STORAGE}/console/prepared_acts.py",
        "    _remove_oldest(connection, act.person)",
        "    pass",
        ("tests/console/test_acts.py",),
    ),
    Mutation(
        f"{_DISPATCHER}/timers.py",
        "                drafts.forget_untouched(connection, now)",
        "                pass",
        ("tests/dispatcher/test_timers.py",),
    ),
    Mutation(
        f"{_SERVICES}/membership/revocations.py",
        "        if kid in good and not _has_another(kid, good):",
        "        if False:",
        ("tests/api/test_own_revocation.py",),
    ),
    Mutation(
        f"{_CONSOLE}/openid_provider.py",
        "        _require_own_state(attempt, answer)",
        "        pass",
        _BY_PROVIDER,
    ),
    Mutation(
        f"{_CONSOLE}/openid_provider.py",
        "            _require_issuer(client, known.metadata, answer)",
        "            pass",
        _TOLD,
    ),
    Mutation(
        f"{_CONSOLE}/openid_provider.py",
        '            "nonce": attempt.nonce,\n            "client_id"',
        '            "client_id"',
        _TOLD,
    ),
    Mutation(
        f"{_CONSOLE}/openid_provider.py",
        '            "aud": {"essential": True, "value": client.client_id},',
        "",
        _TOLD,
    ),
    Mutation(
        f"{_CONSOLE}/openid_provider.py",
        "        claims.validate(now=now, leeway=_LEEWAY_SECONDS)",
        "        claims.validate(now=now, leeway=10**12)",
        _TOLD,
    ),
    Mutation(
        f"{_CONSOLE}/openid_provider.py",
        'claims.get("email_verified") is True',
        '"email_verified" in claims',
        _BY_PROVIDER,
    ),
    Mutation(
        f"{_CONSOLE}/openid_provider.py",
        "            if mine >= _OF_ONE or sum(self._asking.values()) >= _OF_ALL:",
        "            if False:",
        _TOLD,
    ),
    Mutation(
        f"{_CONSOLE}/openid_provider.py",
        "            self._require_url(found, name)",
        "            pass",
        _PROVIDER_SET,
    ),
    Mutation(
        f"{_CONSOLE}/organisation_sign_in.py",
        "    kept = session.pop(_UNDER_WAY, None)",
        "    kept = session.get(_UNDER_WAY)",
        _BY_PROVIDER,
    ),
    Mutation(
        f"{_CONSOLE}/organisation_sign_in.py",
        "    if under_way is None or under_way.partner != handle:",
        "    if under_way is None:",
        _BY_PROVIDER,
    ),
    Mutation(
        f"{_CONSOLE}/organisation_sign_in.py",
        "    if found is None or found[0] != under_way.provider:",
        "    if found is None:",
        _BY_PROVIDER,
    ),
    Mutation(
        f"{_STORAGE}/membership/partners.py",
        '        SignInProviderRow.id == bindparam("provider"),',
        '        bindparam("provider").is_not(None),',
        _BY_PROVIDER,
    ),
    Mutation(
        f"{_SERVICES}/membership/sign_in_providers.py",
        "(present.issuer, present.client_id) != (body.issuer, body.client_id)",
        "False",
        _PROVIDER_SET,
    ),
    Mutation(
        f"{_EGRESS}/fetching.py",
        "        if not response.is_whole:",
        "        if False:",
        ("tests/egress/test_fetching.py",),
    ),
    Mutation(
        "coordinator/operations/sqlite_mark.py",
        "    return mark == 0 or mark == _noted(_beside(path))",
        "    return True",
        _SQLITE_MARK,
    ),
    Mutation(
        "coordinator/operations/sqlite_mark.py",
        "        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "        pass",
        _SQLITE_MARK,
    ),
    Mutation(
        f"{_PROTOCOL}/merkle_tree.py",
        '    return sha256(b"\\0" + entry).digest()',
        "    return sha256(entry).digest()",
        _TREE,
    ),
    Mutation(
        f"{_PROTOCOL}/merkle_tree.py",
        "    if inclusion_root(index, size, leaf, proof) != root:",
        "    if False:",
        _TREE,
    ),
    Mutation(
        f"{_PROTOCOL}/merkle_tree.py",
        "    if _climb(way, below, above) != (subtree_root, root):",
        "    if _climb(way, below, above)[1] != root:",
        _TREE,
    ),
    Mutation(
        f"{_PROTOCOL}/merkle_tree.py",
        "    if tree_last:\n",
        "    if False:\n",
        _TREE,
    ),
    Mutation(
        f"{_PROTOCOL}/signed_note.py",
        "                raise NoteError("
        'f"the signature of {verifier.name} does not verify") from None',
        "                continue",
        _NOTE,
    ),
    Mutation(
        f"{_PROTOCOL}/signed_note.py",
        "        if not signed:",
        "        if False:",
        _NOTE,
    ),
    Mutation(
        f"{_PROTOCOL}/signed_note.py",
        '    return value if b64encode(value).decode("ascii") == text else b""',
        "    return value",
        _NOTE,
    ),
    Mutation(
        f"{_PROTOCOL}/checkpoint.py",
        "    if checkpoint.origin != keys.name:",
        "    if False:",
        _NOTE,
    ),
    Mutation(
        f"{_SERVICES}/requests/flags.py",
        "            if number not in unknown\n",
        "            if True\n",
        _FLAGS,
    ),
    Mutation(
        f"{_SERVICES}/requests/flags.py",
        "    if on.request.drill:\n",
        "    if False:\n",
        _FLAGS,
    ),
    Mutation(
        f"{_SERVICES}/requests/approvals.py",
        "        recorded.flags_of = tuple(leg_store.partners_of(uow.connection, row.id))",
        "        pass",
        _FLAGS,
    ),
    Mutation(
        f"{_SCREENING}/feed.py",
        "    if count != head.count:",
        "    if False:",
        _SCREENED,
    ),
    Mutation(
        f"{_SCREENING}/feed.py",
        "        if abs(now - head.iat) > MAX_SKEW_SECONDS:",
        "        if False:",
        _SCREENED,
    ),
    Mutation(
        f"{_SCREENING}/screen.py",
        "        if age > STALE_AFTER.total_seconds():",
        "        if False:",
        _SCREENED,
    ),
    Mutation(
        f"{_PROTOCOL}/log_entry.py",
        "    if prefix != _PREFIX or len(tags) != count:",
        "    if prefix != _PREFIX:",
        _LOG_PROOF,
    ),
    Mutation(
        f"{_EVIDENCE}/acts.py",
        "        if place > key.revoked_place:",
        "        if False:",
        _BY_PLACE,
    ),
    Mutation(
        f"{_EVIDENCE}/acts.py",
        "and place < key.granted_place:",
        "and False:",
        _BY_PLACE,
    ),
    Mutation(
        f"{_EVIDENCE}/grant_chain.py",
        "            _require(place <= revoked_place)",
        "            pass",
        _BY_PLACE,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/archive.py",
        "        if offset != place:",
        "        if False:",
        _ZIP,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/archive.py",
        "        if spelling in spelled:",
        "        if False:",
        _ZIP,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/archive.py",
        "        spelling = name.lower()",
        "        spelling = name",
        _ZIP,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/examination.py",
        "    if trust.policy is not None and trust.policy.has_logs:\n",
        "    if False:\n",
        _BUNDLE_POLICY,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/examination.py",
        '    _require_met(trusted, judged, "your")',
        "    pass",
        _BUNDLE_POLICY,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/examination.py",
        "        found = verify_timestamp(response, digest, trusted or named)",
        "        found = verify_timestamp(response, digest, named)",
        ("tests/api/test_bundle_timestamps.py",),
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/archive.py",
        "    if not inflater.eof or inflater.unused_data or len(content) > size:",
        "    if False:",
        _ZIP,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/archive.py",
        "    if (header[-2] >> 16) & _TYPE_MASK not in _TYPES:",
        "    if False:",
        _ZIP,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/log.py",
        "    if proof.checkpoint != note:",
        "    if False:",
        _BUNDLE,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/log.py",
        "    if sha256(committed).digest() != entry.commitment:",
        "    if False:",
        _BUNDLE,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/log.py",
        "    elif not reader.is_told_of(event.data):",
        "    elif False:",
        _BUNDLE,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/log.py",
        "        if not _is_gapless(numbers, last):",
        "        if False:",
        _BUNDLE,
    ),
    Mutation(
        f"{_EVIDENCE}/grant_chain.py",
        "        for _ in range(_PASSES):",
        "        for _ in iter(int, 1):",
        ("tests/partners/test_grant_chain_effort.py",),
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/reader.py",
        "        for name in sorted(listed.keys() ^ there):",
        "        for name in sorted(listed.keys() - there):",
        _BUNDLE,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/examination.py",
        "    if made != reader.document(layout.RECOMPUTED):",
        "    if False:",
        _BUNDLE,
    ),
    Mutation(
        f"{_EVIDENCE}/bundle/examination.py",
        "        if document != made:",
        "        if False:",
        _BUNDLE,
    ),
    Mutation(
        "coordinator/api/evidence_bundles.py",
        "                insert_export(connection, export)",
        "                del connection",
        _BUNDLE,
    ),
    Mutation(
        "coordinator/api/bundles/contents.py",
        '"subject": row.subject if row.partner == own else None,',
        '"subject": row.subject,',
        _BUNDLE,
    ),
    Mutation(
        f"{_EVIDENCE}/log_inclusion.py",
        "    if proof.index != index:",
        "    if False:",
        _IN_LOG,
    ),
    Mutation(
        f"{_EVIDENCE}/log_inclusion.py",
        '    if event["type"] != logged.entry.type:',
        "    if False:",
        _IN_LOG,
    ),
    Mutation(
        f"{_EVIDENCE}/log_inclusion.py",
        '    if event["timestamp"] != format_time(logged.entry.at):',
        "    if False:",
        _IN_LOG,
    ),
    Mutation(
        f"{_EVIDENCE}/log_inclusion.py",
        '        if event.data.get("request_id") != self.request_id:',
        "        if False:",
        _IN_LOG,
    ),
    Mutation(
        f"{_EVIDENCE}/log_inclusion.py",
        "or logged.index in self.places:",
        "or False:",
        _IN_LOG,
    ),
    Mutation(
        f"{_EVIDENCE}/log_inclusion.py",
        "        if self.roots.setdefault(size, root) != root:",
        "        if False:",
        _IN_LOG,
    ),
    Mutation(
        f"{_EVIDENCE}/log_inclusion.py",
        "Result.VERIFIED if proven.places else Result.ASSERTED",
        "Result.VERIFIED",
        _IN_LOG,
    ),
    Mutation(
        f"{_LOG}/signing_process.py",
        "            if tree.size <= signed.largest.size and tree != signed.largest:",
        "            if tree.size < signed.largest.size:",
        _LOG_SIGNER,
    ),
    Mutation(
        f"{_LOG}/signing_process.py",
        "        if base.size < self._signed.committed.size:",
        "        if False:",
        _LOG_SIGNER,
    ),
    Mutation(
        f"{_LOG}/signing_process.py",
        "            if base.size == known.size and base.root != known.root:",
        "            if False:",
        _LOG_SIGNER,
    ),
    Mutation(
        f"{_LOG}/signing_process.py",
        "                self._file.write(remembered)\n",
        "",
        _LOG_SIGNER,
    ),
    Mutation(
        f"{_LOG}/socket_signer.py",
        "        if (signed.size, signed.root) != tree:",
        "        if False:",
        _LOG_SIGNER,
    ),
    Mutation(
        f"{_SERVICES}/core/unit_of_work.py",
        "        self._tag_again(tag_keys, head.tag_keys_changed)\n",
        "",
        _TAGS,
    ),
    Mutation(
        f"{_SERVICES}/core/tag_keys.py",
        "            if as_of != self._as_of:",
        "            if False:",
        _TAGS,
    ),
    Mutation(
        f"{_SERVICES}/ending/erasures.py",
        "    _require_erasable(on)\n    words =",
        "    words =",
        _ERASED,
    ),
    Mutation(
        f"{_SERVICES}/ending/erasures.py",
        "proposed is None or proposed.reason != command.body.reason",
        "proposed is None",
        _ERASED,
    ),
    Mutation(
        f"{_STORAGE}/engine/documents.py",
        "DocumentKeyRow.id == key.id, DocumentKeyRow.wrapped == key.wrapped)",
        "DocumentKeyRow.id == key.id,)",
        _ERASED,
    ),
    Mutation(
        f"{_STORAGE}/requests/erasures.py",
        "    destroy_key(connection, request.document_key_id)\n",
        "",
        _ERASED,
    ),
    Mutation(
        f"{_STORAGE}/engine/documents.py",
        ".values(wrapped=bytes(len(wrapped)))",
        ".values(wrapped=wrapped)",
        _ERASED,
    ),
    Mutation(
        f"{_STORAGE}/requests/erasures.py",
        "    cancel_deliveries(connection, request.id, now)\n",
        "",
        ("tests/api/test_erasures.py",),
    ),
    Mutation(
        f"{_LOG}/leaf.py",
        'b"".join(sorted((*tags, *unpack_tags(filling))))',
        'b"".join((*tags, *unpack_tags(filling)))',
        _TAGS,
    ),
    Mutation(
        f"{_PROTOCOL}/routing_tag.py",
        "*holding[-1:]",
        "*holding",
        ("tests/partners/protocol/test_routing_tag.py",),
    ),
    Mutation(
        f"{_LOG}/witnesses.py",
        "    if parse_note(own).text != note.text:",
        "    if False:",
        _COSIGNED,
    ),
    Mutation(
        f"{_LOG}/witnesses.py",
        "if policy.is_met([key for key, _ in each])",
        "if each",
        _COSIGNED,
    ),
    Mutation(
        f"{_LOG}/witnesses.py",
        "        dropped = [old for old in sizes[KEPT:] if old != shown]",
        "        dropped = sizes[KEPT:]",
        _COSIGNED,
    ),
    Mutation(
        "coordinator/storage/tail/transparency_log.py",
        "    if head.collected_size and _round(now) <= _round(head.signed_at):",
        "    if False:",
        _COSIGNED,
    ),
    Mutation(
        f"{_PROTOCOL}/log_policy.py",
        "            if member in self._grouped:",
        "            if False:",
        _POLICY,
    ),
    Mutation(
        f"{_PROTOCOL}/cosignature.py",
        'f"{_HEADING}\\ntime {timestamp}\\n{text}"',
        'f"{_HEADING}\\ntime 0\\n{text}"',
        _POLICY,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "        if frontier.root() != checkpoint.root:",
        "        if False:",
        _WATCHED,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "        if own != checkpoint.root:",
        "        if False:",
        _WATCHED,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "            known and entries[:known] != self._files.entries(index, known)",
        "            False",
        _WATCHED,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "        if place < 0 or self._files.entry(place) != entry:",
        "        if False:",
        _WATCHED,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "        if self.source.consistency(size, size) is None:",
        "        if False:",
        _WATCHED,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "        self._store(cosigned=size)\n",
        "",
        _WATCHED,
    ),
    Mutation(
        f"{_PROTOCOL}/log_keys.py",
        '(kind, event["timestamp"]) != (place["type"], place["at"])',
        "False",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_PROTOCOL}/log_keys.py",
        "            if (known.key, known.first) == (change.new, change.index + 1):",
        "            if True:",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_PROTOCOL}/log_keys.py",
        "        if self._number(change.new) is not None:",
        "        if False:",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_PROTOCOL}/log_keys.py",
        "        if len(self.spans) > 1 and self.spans[-2].last is None:",
        "        if False:",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_PROTOCOL}/log_keys.py",
        "        if before.last not in {None, change.index}:",
        "        if False:",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_PROTOCOL}/log_keys.py",
        "        if change.index <= change.handed_over_at:",
        "        if False:",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_PROTOCOL}/log_keys.py",
        "    if {origin, old.name, new.name} != {origin}:",
        "    if False:",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_PROTOCOL}/checkpoint.py",
        "    if not set(signed).intersection(keys.counting_at(checkpoint.size)):",
        "    if False:",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_EVIDENCE}/log_handover.py",
        "        prove_log_entry(change.place, taken.only(change.proven_by))",
        "        prove_log_entry(change.place, taken)",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "        if new.keys() != set(said) or any(",
        "        if any(",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "entry_of(change.place)[1] != self._files.entry(index)",
        "False",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "            self._require_by_own_key(checkpoint, encoded)\n            return",
        "            return",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "            if self._is_ahead(receipt):",
        "            if False:",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "        return size > self._state.size and self._is_by_other_key(note)",
        "        return self._is_by_other_key(note)",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_MONITOR}/monitor.py",
        "        if not self._is_by_other_key(encoded):",
        "        if True:",
        _HANDED_OVER,
    ),
    Mutation(
        f"{_LOG}/growth.py",
        "    if signing_key is not None:",
        "    if False:",
        _LOG_KEY_REPLACED,
    ),
    Mutation(
        "coordinator/services/core/log_keys.py",
        "    if keys.spans[-2].last is not None:",
        "    if False:",
        _LOG_KEY_REPLACED,
    ),
    Mutation(
        "coordinator/services/core/log_keys.py",
        "    if (*before, keys.newest) == (command.present, command.following):",
        "    if False:",
        _LOG_KEY_REPLACED,
    ),
    Mutation(
        "coordinator/services/core/unit_of_work.py",
        "        if self._pending.log_key is not None:",
        "        if False:",
        _LOG_KEY_REPLACED,
    ),
    Mutation(
        "coordinator/storage/tail/log_keys.py",
        "    changes = [each for each in statements(connection) if each.old.name == present.name]",
        "    changes = statements(connection)",
        _LOG_KEY_REPLACED,
    ),
    Mutation(
        "coordinator/operations/key_rotation.py",
        "    if signs != key.public:",
        "    if False:",
        _LOG_KEY_REPLACED,
    ),
    Mutation(
        "coordinator/operations/checks.py",
        "    if keys.newest.key_id not in ids:",
        "    if False:",
        _LOG_KEY_REPLACED,
    ),
    Mutation(
        f"{_LOG}/growth.py",
        "        while frontier.size <= spent.size:",
        "        while frontier.size < spent.size:",
        _LOG_TAIL,
    ),
    Mutation(
        f"{_LOG}/growth.py",
        "        if spent.size - frontier.size >= _MOST_SKIPPED:",
        "        if False:",
        _LOG_TAIL,
    ),
    Mutation(
        f"{_STORAGE}/tail/transparency_log.py",
        "    if head.published_size and _second(now) <= _second(head.signed_at):",
        "    if False:",
        _LOG_TAIL,
    ),
    Mutation(
        f"{_STORAGE}/tail/transparency_log.py",
        "    while frontier.size < head.first_leaf:",
        "    while False:",
        _LOG_TAIL,
    ),
    Mutation(
        "coordinator/operations/log_signer.py",
        "            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "            pass",
        ("tests/operations/test_log_signer.py",),
    ),
    Mutation(
        "coordinator/operations/preparation.py",
        "            note.require_signed(verifier)",
        "            pass",
        ("tests/operations/test_preparation.py",),
    ),
    Mutation(
        "coordinator/operations/restore.py",
        "    if log != manifest.log:",
        "    if False:",
        _BACKUP,
    ),
    Mutation(
        "coordinator/operations/restore.py",
        "    _require_keys(settings, keys or settings.keys_dir, manifest, replaced)",
        "    pass",
        _BACKUP,
    ),
    Mutation(
        "coordinator/operations/backup.py",
        "    if one.is_relative_to(other) or other.is_relative_to(one):",
        "    if False:",
        _BACKUP,
    ),
    Mutation(
        "coordinator/console/signing_in.py",
        "    if not is_good:\n        return _refused(passkey)",
        "    if False:\n        return _refused(passkey)",
        _ENROLMENT,
    ),
    Mutation(
        "coordinator/console/signing_in.py",
        "    _require_signature(assertion, passkey, base64url.decode(challenge))",
        "    del challenge",
        _DOOR,
    ),
    Mutation(
        "coordinator/console/signing_in.py",
        'return target if is_own and "\\\\" not in target and target.isprintable() else "/console"',
        'return target if is_own else "/console"',
        _DOOR,
    ),
    Mutation(
        "coordinator/console/routes.py",
        "            mine.end()  # what it stands on is over, or its partner suspended",
        "            pass",
        _DOOR,
    ),
    Mutation(
        "coordinator/console/guard.py",
        "        is_own = compare_digest(origin.encode(), console().origin.encode())",
        "        is_own = True",
        _DOOR,
    ),
    Mutation(
        "coordinator/console/guard.py",
        "    except ValidationError:\n        is_own = False",
        "    except ValidationError:\n        pass",
        _DOOR,
    ),
    Mutation(
        "coordinator/console/sessions.py",
        "                store.remove(connection, session.stored.id_sha256)\n"
        "            store.store(connection, opened)",
        "                pass\n            store.store(connection, opened)",
        _DOOR,
    ),
    Mutation(
        "coordinator/console/sessions.py",
        "        identity = secrets.token_urlsafe(32)",
        "        identity = session.identity or secrets.token_urlsafe(32)",
        _DOOR,
    ),
    Mutation(
        "coordinator/storage/console/sessions.py",
        '        ConsoleSessionRow.seen_at > bindparam("idle_since"),',
        "        ConsoleSessionRow.seen_at.is_not(None),",
        _DOOR,
    ),
    Mutation(
        "coordinator/console/enrolment.py",
        "        require_user_verification=True,",
        "        require_user_verification=False,",
        _ENROLMENT,
    ),
    Mutation(
        "coordinator/console/enrolment.py",
        '        if link_store.use(connection, under_way.link, "passkey", now) is None:',
        '        if link_store.find(connection, under_way.link, "passkey", now) is None:',
        _ENROLMENT,
    ),
    Mutation(
        "coordinator/console/enrolment.py",
        "    if passkey is None or (passkey.person != person and session.get(MADE) != kid):",
        "    if passkey is None:",
        _ENROLMENT,
    ),
    Mutation(
        "coordinator/console/passkeys_page.py",
        "    if good == 1:\n        raise ConflictError(",
        "    if good == 0:\n        raise ConflictError(",
        _ENROLMENT,
    ),
    Mutation(
        "coordinator/services/membership/console_links.py",
        "        require(Permission.GRANT_MAKE, actor)\n",
        "",
        ("tests/api/test_console_links.py",),
    ),
    Mutation(
        "coordinator/services/membership/console_links.py",
        "row is not None and (row.partner != handle or row.revoked_at is not None)",
        "row is not None and row.revoked_at is not None",
        ("tests/api/test_console_links.py",),
    ),
    Mutation(
        "coordinator/api/console_links.py",
        "    person = query.person if is_lead else reader.actor.subject",
        "    person = query.person",
        ("tests/api/test_console_links.py",),
    ),
    Mutation(
        f"{_STORAGE}/requests/request_events.py",
        "EventRow.request_id == request_id, _is_told_to(partner)\n    )\n    if",
        "EventRow.request_id == request_id\n    )\n    if",
        ("tests/api/test_request_events.py",),
    ),
    Mutation(
        f"{_STORAGE}/requests/asked_sums.py",
        "            FlaggedAddressRow.amount.is_not(None),\n            *_still_asked(),\n",
        "            FlaggedAddressRow.amount.is_not(None),\n",
        ("tests/api/test_request_events.py",),
    ),
    Mutation(
        f"{_STORAGE}/requests/asked_sums.py",
        "            FlaggedAddressRow.usd_cents.is_not(None),\n            *_still_asked(),\n",
        "            FlaggedAddressRow.usd_cents.is_not(None),\n",
        ("tests/console/test_request_list.py",),
    ),
    Mutation(
        f"{_STORAGE}/reading/search.py",
        "may = or_(is_its, leg_id == own_leg, leg_id.is_(None) & own_leg.is_not(None))",
        "may = or_(is_its, own_leg.is_not(None))",
        ("tests/api/test_request_events.py",),
    ),
    Mutation(
        f"{_STORAGE}/ledger/open_holds.py",
        "query = query.where(mine == viewer.partner, ",
        "query = query.where(mine != '', ",
        ("tests/api/test_request_events.py",),
    ),
    Mutation(
        f"{_STORAGE}/ledger/address_answers.py",
        "    if span.leg_id is not None:\n",
        "    if False:\n",
        ("tests/api/test_request_events.py",),
    ),
    Mutation(
        "partners/holdfast/protocol/unit_amounts.py",
        "if _NUMBER_ALONE.fullmatch(written) and (unit is not None or asset is None):",
        "if False:",
        ("tests/partners/test_report_table.py",),
    ),
    Mutation(
        "partners/holdfast/drafting/report_table.py",
        "if len(numbers) != 1:",
        "if not numbers:",
        ("tests/partners/test_report_table.py",),
    ),
    Mutation(
        "coordinator/console/follow/acts.py",
        "    if case.visit.actor.withdrawal_quorum == 1 or not case.is_live:\n",
        "    if True:\n",
        ("tests/console/test_takes_two.py",),
    ),
    Mutation(
        "coordinator/console/follow/case.py",
        'if each["withdrawal_status"] == _PENDING:',
        "if False:",
        ("tests/console/test_takes_two.py",),
    ),
    Mutation(
        "coordinator/console/answer/report.py",
        "if DeclineCode(code) in _ONE_CODE_S.get(name, set(DeclineCode))",
        "if True",
        ("tests/console/test_answer_form.py",),
    ),
    Mutation(
        "coordinator/console/answer/report.py",
        'places = {f"/address_nos/{at}": f"code-{no}" for at, no in enumerate(numbers)}',
        "places = dict[str, str]()",
        ("tests/console/test_answer_form.py",),
    ),
    Mutation(
        "coordinator/console/answer/asked.py",
        "numbers = [no for no, each in enumerate(self.addresses) if each is not None]",
        "numbers = list(range(len(self.addresses)))",
        ("tests/console/test_answer_form.py",),
    ),
    Mutation(
        "coordinator/storage/console/drafts.py",
        "            DraftRow.changed_at == draft.changed_at,\n",
        "",
        ("tests/storage/test_drafts.py",),
    ),
    Mutation(
        "coordinator/storage/console/drafts.py",
        ".where(DraftRow.id == draft_id, DraftRow.person == person)",
        ".where(DraftRow.id == draft_id)",
        ("tests/storage/test_drafts.py",),
    ),
    Mutation(
        "coordinator/console/draft_content.py",
        "if answers.get(each.candidates) == LEFT_OUT:",
        "if False:",
        ("tests/console/test_draft_content.py",),
    ),
    Mutation(
        "coordinator/console/draft_content.py",
        "            if other != number:\n",
        "            if False:\n",
        ("tests/console/test_draft_content.py",),
    ),
    Mutation(
        "coordinator/console/draft_content.py",
        "((line, said) for line, said in self.cell_faults)",
        "()",
        ("tests/console/test_draft_content.py",),
    ),
    Mutation(
        "partners/holdfast/drafting/chat.py",
        "if len(candidates) == 1 and _is_checked(self._chains.by_id[candidates[0]].rule, word):",
        "if candidates:",
        ("tests/partners/test_chat.py",),
    ),
    Mutation(
        "partners/holdfast/drafting/chat.py",
        'members = {"account": f"{mention.chain}:{mention.address}", **mention.stated}',
        'members = {"account": f"{mention.chain}:{mention.address}"}',
        ("tests/partners/test_chat.py",),
    ),
    Mutation(
        "partners/holdfast/cli/paste.py",
        "if wrong and not leave_out:",
        "if False:",
        ("tests/partners/test_cli_paste.py",),
    ),
    Mutation(
        "partners/holdfast/cli/paste.py",
        "if not faulty.issuperset(found.lines):",
        "if True:",
        ("tests/partners/test_cli_paste.py",),
    ),
    Mutation(
        "partners/holdfast/drafting/chat.py",
        "elif _is_coded(word) or (_LIKE_BASE58.fullmatch(word) and _is_mixed(word)):",
        "elif _LIKE_BASE58.fullmatch(word) and _is_mixed(word):",
        ("tests/partners/test_chat.py",),
    ),
    Mutation(
        "partners/holdfast/drafting/tables.py",
        "        if _ROUNDED.fullmatch(value):",
        "        if False:",
        ("tests/partners/test_draft.py",),
    ),
    Mutation(
        "partners/holdfast/drafting/tables.py",
        'if not is_kept or "e" in text:',
        "if False:",
        ("tests/partners/test_workbooks.py",),
    ),
    Mutation(
        "coordinator/services/ending/withdrawals.py",
        "            overtaken.append(waiting[act])",
        "            pass",
        ("tests/services/test_withdrawal_by_two.py",),
    ),
    Mutation(
        "coordinator/services/requests/legs.py",
        "return last_act in _DECLINES or",
        "return last_act == LegAct.DECLINE or",
        ("tests/services/test_answer_clocks.py",),
    ),
    Mutation(
        "partners/holdfast/cli/layout.py",
        'plain.plain = printable(plain.plain.replace("\\t", " "))',
        'plain.plain = plain.plain.replace("\\t", " ")',
        ("tests/partners/test_cli_layout.py",),
    ),
    Mutation(
        "partners/holdfast/drafting/chat.py",
        "        if len(words) > _LONGEST_LABEL:",
        "        if False:",
        ("tests/partners/test_chat.py",),
    ),
    Mutation(
        "partners/holdfast/drafting/tables.py",
        "        if seen > _MOST_CELLS:",
        "        if False:",
        ("tests/partners/test_workbooks.py",),
    ),
    Mutation(
        "partners/holdfast/drafting/tables.py",
        "    if sum(each.file_size for each in packed.infolist()) > _MOST_UNPACKED:",
        "    if False:",
        ("tests/partners/test_workbooks.py",),
    ),
    Mutation(
        "partners/holdfast/drafting/draft_addresses.py",
        "            if first != where:",
        "            if False:",
        ("tests/partners/test_draft.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/chains/chain.py",
        "if canonical == self.native_as.get(namespace):",
        "if False:",
        ("tests/domain/test_asset.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/chains/transaction.py",
        "return text.lower() if _ANY_HEX.fullmatch(text) else text",
        "return text",
        ("tests/domain/test_transaction.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/incidents.py",
        "spelt = parse_transaction(known, tx) if known else fold_transaction(tx)",
        "spelt = fold_transaction(tx)",
        ("tests/services/test_incidents.py",),
    ),
    Mutation(
        f"{_DOMAIN}/booking.py",
        "self._require_transactions(no, each)",
        "pass",
        ("tests/domain/test_freeze_ledger.py",),
    ),
    Mutation(
        f"{_DOMAIN}/answer_clock.py",
        "if self.paused_at is None and must_wait and not self._has_run_out(now):",
        "if self.paused_at is None and must_wait:",
        ("tests/domain/test_answer_clock.py",),
    ),
    Mutation(
        f"{_DOMAIN}/answer_clock.py",
        "self.answer_by + (now - self.paused_at)",
        "self.answer_by",
        ("tests/domain/test_answer_clock.py",),
    ),
    Mutation(
        f"{_DOMAIN}/answer_clock.py",
        "if left.answer_by is None or answer_by <= left.answer_by:",
        "if left.answer_by is None:",
        ("tests/domain/test_answer_clock.py",),
    ),
    Mutation(
        f"{_DOMAIN}/clock_profiles.py",
        "if span is None or urgency not in MAY_WAIT_FOR_COUNSEL:",
        "if span is None:",
        ("tests/domain/test_deadlines.py",),
    ),
    Mutation(
        f"{_SERVICES}/ending/legal_orders.py",
        "    if store.of_leg(on.uow.connection, on.leg):\n        return {}\n",
        "",
        ("tests/services/test_answer_clocks.py",),
    ),
    Mutation(
        f"{_DOMAIN}/clock_profiles.py",
        "frozenset({Urgency.ROUTINE})",
        "frozenset(Urgency)",
        ("tests/domain/test_deadlines.py",),
    ),
    Mutation(
        f"{_DOMAIN}/working_days.py",
        "day = start.astimezone(calendar.zone).date()",
        "day = start.date()",
        ("tests/domain/test_working_days.py",),
    ),
    Mutation(
        f"{_STORAGE}/reading/awaited_decisions.py",
        "        FreezeRequestRow.unratified_until.is_(None),\n",
        "",
        ("tests/services/test_awaited_decisions.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/tasks.py",
        "if row is None or owner != actor.partner:",
        "if row is None or owner is None:",
        ("tests/services/test_tasks.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/task_views.py",
        "is_own = taken is not None and taken.partner == reader",
        "is_own = taken is not None",
        ("tests/services/test_tasks.py",),
    ),
    Mutation(
        f"{_SERVICES}/reading/waiting_tasks.py",
        "person=read.actor.person,",
        "person=None,",
        _WAITING,
    ),
    Mutation(
        f"{_SERVICES}/reading/waiting_tasks.py",
        "kinds=kinds if kind is None else kinds & {kind},",
        "kinds=kinds if kind is None else {kind},",
        _WAITING,
    ),
    Mutation(
        f"{_SERVICES}/reading/waiting_tasks.py",
        "found is None or found.taken_at < each.since",
        "found is None",
        _WAITING,
    ),
    Mutation(
        f"{_STORAGE}/reading/waiting_tasks.py",
        "            *_gains_nothing(person),\n",
        "",
        _WAITING,
    ),
    Mutation(
        f"{_STORAGE}/reading/waiting_tasks.py",
        "            ~proposed,\n",
        "",
        _WAITING,
    ),
    Mutation(
        f"{_DOMAIN}/approval.py",
        "if actor.person in excluded:",
        "if False:",
        _FOUR_EYES,
    ),
    Mutation(
        f"{_DOMAIN}/approval.py",
        "if actor.person in {proposer_person, subject, subject_owner}:",
        "if actor.person == proposer_person:",
        _FOUR_EYES,
    ),
    Mutation(
        f"{_DOMAIN}/approval.py",
        "    if actor.person in decided:\n",
        "    if False:\n",
        _FOUR_EYES,
    ),
    Mutation(
        f"{_DOMAIN}/freeze_request.py",
        "        (*_SUBMITTED, Action.REJECT): _REJECTED,\n",
        "        (*_SUBMITTED, Action.REJECT): _WITHDRAWN,\n",
        _REQUEST,
    ),
    Mutation(
        f"{_DOMAIN}/freeze_request.py",
        "        (*_ACTIVE, Action.CLOSE): _CLOSED,\n",
        "        (*_SUBMITTED, Action.CLOSE): _CLOSED,\n",
        _REQUEST,
    ),
    Mutation(
        f"{_DOMAIN}/freeze_request.py",
        "        (*_PROVISIONAL, Action.MISS_RATIFICATION): _UNRATIFIED,\n",
        "        (*_PROVISIONAL, Action.MISS_RATIFICATION): _WITHDRAWN,\n",
        _REQUEST,
    ),
    Mutation(
        f"{_DOMAIN}/freeze_request.py",
        "    if ratification is Ratification.UNRATIFIED or (\n",
        "    if (\n",
        _REQUEST,
    ),
    Mutation(
        f"{_DOMAIN}/freeze_request.py",
        "    if unratified_until is not None and unratified_until <= now:\n",
        "    if False:\n",
        _REQUEST,
    ),
    Mutation(
        f"{_SERVICES}/requests/approvals.py",
        "    if on.ratification is Ratification.UNRATIFIED and is_met:\n",
        "    if False:\n",
        _FLASH,
    ),
    Mutation(
        f"{_DOMAIN}/flash.py",
        "    return WaitsBecause.WARNINGS if WRONG_TARGET & set(warnings) else None\n",
        "    return WaitsBecause.WARNINGS if warnings else None\n",
        _FLASH,
    ),
    Mutation(
        f"{_DOMAIN}/flash.py",
        "        if accounts > left:\n",
        "        if False:\n",
        _FLASH,
    ),
    Mutation(
        f"{_STORAGE}/requests/freeze_requests.py",
        "        earlier.decided_at <= FreezeRequestRow.submitted_at,\n",
        "",
        _FLASH,
    ),
    Mutation(
        f"{_SERVICES}/ending/withdrawals.py",
        "    if went_out and actor.withdrawal_quorum > 1:\n",
        "    if False:\n",
        _BY_TWO,
    ),
    Mutation(
        f"{_SERVICES}/ending/disputes.py",
        'if body.resolution == "upheld" and is_held and actor.withdrawal_quorum > 1:',
        "if False:",
        _BY_TWO,
    ),
    Mutation(
        f"{_SERVICES}/ending/withdrawal_approvals.py",
        "    if sha256(raw).hexdigest() != body.act_sha256:\n",
        "    if False:\n",
        _BY_TWO,
    ),
    Mutation(
        f"{_SERVICES}/ending/withdrawal_proposals.py",
        "        if proposal.act_id == but:\n",
        "        if False:\n",
        _BY_TWO,
    ),
    Mutation(
        f"{_SERVICES}/ending/withdrawal_proposals.py",
        "        if is_told:\n",
        "        if False:\n",
        _ENDS_HEARD,
    ),
    Mutation(
        f"{_SERVICES}/ending/withdrawal_proposals.py",
        "        if is_told:\n            news",
        "        if True:\n            news",
        _ENDS_HEARD,
    ),
    Mutation(
        f"{_SERVICES}/ending/withdrawals.py",
        "    is_told = event is not EventType.REQUEST_WITHDRAWN\n",
        "    is_told = False\n",
        _ENDS_HEARD,
    ),
    Mutation(
        f"{_SERVICES}/ending/contested.py",
        "        if own == (leg.contested_nos or []):\n",
        "        if bool(own) == bool(leg.contested_nos):\n",
        ("tests/services/test_contested.py",),
    ),
    Mutation(
        f"{_SERVICES}/ending/moot_disputes.py",
        "proposals.pending_upholdings(on.uow.connection, dispute.id)",
        "proposals.pending_upholdings(on.uow.connection, on.leg.id)",
        _BY_TWO,
    ),
    Mutation(
        f"{_SERVICES}/ending/withdrawal_proposals.py",
        "if not (on.request.left_out_count and _is_from_before(on, proposal))",
        "if True",
        _BY_TWO,
    ),
    Mutation(
        f"{_STORAGE}/requests/left_out_acts.py",
        'before, ended.is_not(None), WithdrawalProposalRow.status != "moot"',
        "before, ended.is_not(None)",
        _BY_TWO,
    ),
    Mutation(
        f"{_SERVICES}/requests/approvals.py",
        "        _require_one_lead_suffices(on)\n",
        "",
        _BY_TWO,
    ),
    Mutation(
        f"{_SERVICES}/requests/approvals.py",
        "proofs_of(on, [*approval.earlier, act_id])",
        "proofs_of(on, [act_id])",
        _LEFT_OUT,
    ),
    Mutation(
        f"{_EVIDENCE}/withdrawal_notice.py",
        "if holds and is_alone and any(",
        "if False and any(",
        ("tests/partners/test_withdrawal_evidence.py",),
    ),
    Mutation(
        "partners/reference_exchange/withdrawals.py",
        "if not is_ours or proven.requester != requester:",
        "if not is_ours:",
        ("tests/partners/test_reference_exchange_life_cycle.py",),
    ),
    Mutation(
        f"{_SERVICES}/membership/grant_rules.py",
        "        _require_whole(uow, grant.policy, context, pointer)\n",
        "",
        ("tests/api/test_membership_grants.py",),
    ),
    Mutation(
        f"{_EVIDENCE}/two_leads.py",
        "if line.hold not in counting or line.hold is None or _says_sharing(line):",
        "if line.hold is None or _says_sharing(line):",
        ("tests/services/test_verification.py",),
    ),
    Mutation(
        f"{_EVIDENCE}/two_leads.py",
        "    return line.kind is LineKind.FROZEN and not line.shared and not is_amount",
        "    return False",
        ("tests/services/test_verification.py",),
    ),
    Mutation(
        f"{_EVIDENCE}/two_leads.py",
        "    if _is_held(lines, case.lines, act.token.iat - SKEW):\n",
        "    if False:\n",
        _PROOF,
    ),
    Mutation(
        f"{_DOMAIN}/leg.py",
        "if facts.ended and shown not in ANSWERED:",
        "if facts.ended:",
        _LEG,
    ),
    Mutation(
        f"{_DOMAIN}/leg.py",
        "    if status not in rule.legs:\n",
        "    if False:\n",
        _LEG,
    ),
    Mutation(
        f"{_DOMAIN}/leg.py",
        "return status in FINAL and not owes_answer",
        "return status in FINAL",
        _LEG,
    ),
    Mutation(
        f"{_DOMAIN}/hold.py",
        "(hold.lapsed or (withdrawn and hold.kept is None))",
        "(withdrawn and hold.kept is None)",
        _HOLD,
    ),
    Mutation(
        f"{_SERVICES}/ledger/obligations.py",
        "                found = found._replace(next_clock_at=hold.hold_expires_at)\n",
        "                pass\n",
        ("tests/services/test_issuers.py",),
    ),
    Mutation(
        f"{_SERVICES}/ledger/obligations.py",
        "    return owed._replace(next_clock_at=due)\n",
        "    return owed\n",
        ("tests/services/test_holds.py",),
    ),
    Mutation(
        f"{_DOMAIN}/hold.py",
        "        and not hold.has_review_date\n",
        "",
        _HOLD,
    ),
    Mutation(
        f"{_DOMAIN}/hold.py",
        "if longest is None or end <= now + longest + END_SKEW:",
        "if True:",
        _HOLD,
    ),
    Mutation(
        f"{_DOMAIN}/hold_limits.py",
        "rung = self._rung(self.support) if basis is HoldBasis.VOLUNTARY else None",
        "rung = None",
        ("tests/domain/test_hold_limits.py",),
    ),
    Mutation(
        f"{_DOMAIN}/hold_limits.py",
        "self.is_issuer or basis is",
        "basis is",
        ("tests/domain/test_hold_limits.py",),
    ),
    Mutation(
        "coordinator/services/requests/support.py",
        "if not is_higher(body.support, than=before):",
        "if False:",
        ("tests/services/test_support.py",),
    ),
    Mutation(
        "coordinator/services/requests/freeze_request_views.py",
        'each.act_id > (row.decline_act_id or "")',
        "each.act_id",
        ("tests/services/test_indemnities.py",),
    ),
    Mutation(
        "coordinator/storage/requests/indemnities.py",
        "    if leg_id is not None:\n",
        "    if False:\n",
        ("tests/services/test_indemnities.py",),
    ),
    Mutation(
        f"{_DOMAIN}/booking.py",
        "        good = self._is_told_as_such(no, line) and good\n",
        "",
        ("tests/services/test_issuers.py",),
    ),
    Mutation(
        "coordinator/storage/requests/freeze_requests.py",
        "            ActRow.kind.not_in(_REQUESTERS_OWN),\n",
        "",
        ("tests/services/test_same_funds.py",),
    ),
    Mutation(
        "coordinator/storage/ledger/ledger_totals.py",
        'max(entry["found"] - entry["same_frozen"], 0)',
        'entry["found"]',
        ("tests/services/test_same_funds.py",),
    ),
    Mutation(
        "coordinator/services/reading/statistics.py",
        "for figures in (*of_answers[asked.request_id], whole):",
        "for figures in (*of_answers[asked.request_id], whole, whole):",
        ("tests/services/test_statistics.py",),
    ),
    Mutation(
        "coordinator/storage/reading/statistics.py",
        ".join(counted_first, counted_first.c.hold_id == counted.id)",
        "",
        ("tests/services/test_statistics.py",),
    ),
    Mutation(
        "coordinator/storage/reading/statistics.py",
        "both_released, both_returned = counted.released != 0, counted.returned != 0",
        "both_released, both_returned = counted.released == 0, counted.returned == 0",
        ("tests/services/test_statistics.py",),
    ),
    Mutation(
        "coordinator/storage/reading/statistics.py",
        "HoldRow.withheld | (HoldRow.returned != 0),",
        "HoldRow.withheld | (HoldRow.returned == 0),",
        ("tests/services/test_statistics.py",),
    ),
    Mutation(
        "coordinator/domain/usd.py",
        "return usd_text(cents) if cents else None",
        "return usd_text(cents)",
        ("tests/services/test_usd_totals.py",),
    ),
    Mutation(
        "partners/holdfast/protocol/amounts.py",
        'if len(fraction.rstrip("0")) > decimals:',
        "if False:",
        ("tests/partners/protocol/test_amounts.py",),
    ),
    Mutation(
        "coordinator/services/requests/submission.py",
        "    if amount == 0:\n",
        "    if False:\n",
        ("tests/services/test_submit.py",),
    ),
    Mutation(
        "coordinator/storage/ledger/ledger_totals.py",
        ".where(link_scope, ~counted.ended)",
        ".where(link_scope)",
        ("tests/services/test_same_funds.py",),
    ),
    Mutation(
        "coordinator/services/requests/freeze_requests.py",
        "    require_supported_hold(document, uow.policies)\n",
        "",
        ("tests/services/test_support.py",),
    ),
    Mutation(
        f"{_EVIDENCE}/acts.py",
        "if rule.by_person and not key.is_person:",
        "if False:",
        ("tests/partners/test_act_rules.py",),
    ),
    Mutation(
        f"{_DOMAIN}/hold.py",
        "if moment > now), default=None)",
        "if moment >= now), default=None)",
        _HOLD,
    ),
    Mutation(
        f"{_DOMAIN}/irregular.py",
        "if until is not None and frozen_at >= until:",
        "if False:",
        _LEDGER,
    ),
    Mutation(
        f"{_DOMAIN}/irregular.py",
        "return _first((self.over_at(address_no), self.unratified_at))",
        "return self.over_at(address_no)",
        _LEDGER,
    ),
    Mutation(
        f"{_PROTOCOL}/claims.py",
        "    return what is not None and code != ReleaseReason.COURT_ORDER and is_against(",
        "    return what is not None and is_against(",
        _LEDGER,
    ),
    Mutation(
        f"{_DOMAIN}/ledger_draft.py",
        "if balance.account_level and not balance.withheld and hold.stated:",
        "if False:",
        _LEDGER,
    ),
    Mutation(
        f"{_DOMAIN}/ledger_draft.py",
        "if limit.amount is not None and finding.found > limit.amount:",
        "if False:",
        _LEDGER,
    ),
    Mutation(
        f"{_DOMAIN}/leg.py",
        "return LegStatus.CANNOT_SAY if is_silent else LegStatus.DECLINED",
        "return LegStatus.DECLINED",
        _LEG,
    ),
    Mutation(
        f"{_DOMAIN}/freeze_ledger.py",
        "    for hold in {hold.id: hold for hold in holds}.values():\n",
        "    for hold in holds:\n",
        _LEDGER,
    ),
    Mutation(
        f"{_DOMAIN}/ledger_state.py",
        " if hold.id not in self.unlinked",
        "",
        ("tests/domain/test_freeze_ledger_sharing.py",),
    ),
    Mutation(
        f"{_DOMAIN}/booking.py",
        "left = None if hold.nulls else hold.stated - hold.balance.left",
        "left = None",
        _LEDGER,
    ),
    Mutation(
        f"{_DOMAIN}/fair_shares.py",
        " or self._room_of(head.partner) < 1:",
        ":",
        _SHARES,
    ),
    Mutation(
        f"{_DOMAIN}/fair_shares.py",
        "room += max(0, self._half - self._lent)",
        "room += self._half",
        _SHARES,
    ),
    Mutation(
        f"{_DOMAIN}/fair_shares.py",
        "is_free and self._failing_under_way() < self._failing_most",
        "is_free",
        _SHARES,
    ),
    Mutation(
        f"{_DOMAIN}/delivery.py",
        "number = max(number, shared.attempt + 1)",
        "pass",
        ("tests/domain/test_delivery.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/request_token.py",
        "    if iat > now + skew:\n",
        "    if False:\n",
        _TOKEN,
    ),
    Mutation(
        f"{_PROTOCOL}/request_token.py",
        "    if exp <= now - skew:\n",
        "    if False:\n",
        _TOKEN,
    ),
    Mutation(
        f"{_PROTOCOL}/request_token.py",
        '    compare_claim(front.claims["htu"], url, TokenReason.HTU_MISMATCH)\n',
        "",
        _TOKEN,
    ),
    Mutation(
        f"{_PROTOCOL}/request_token.py",
        "    # (3) It was made for this body.\n    check_body(front, body)\n",
        "",
        _TOKEN,
    ),
    Mutation(
        f"{_PROTOCOL}/compact_jws.py",
        "    if key.webauthn is not None:\n",
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        "    if kid != key.kid:\n",
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        '    if client.get("type") != "webauthn.get":\n',
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        '    if client.get("challenge") != base64url.encode(challenge):\n',
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        '    if client.get("origin") != origin:\n',
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        '    if client.get("crossOrigin", False) is not False:\n',
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        '    if "topOrigin" in client:\n',
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        "    if data[:_RP_ID_HASH_BYTES] != sha256(rp_id.encode()).digest():\n",
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        "    if not flags & _USER_PRESENT:\n",
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        "    if not flags & _USER_VERIFIED:\n",
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        "    if flags & (_RESERVED | _NEW_CREDENTIAL):\n",
        "    if flags & _NEW_CREDENTIAL:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        "    if flags & _BACKED_UP and not flags & _BACKUP_ELIGIBLE:\n",
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        "    if bool(flags & _EXTENSIONS) != (len(data) > _FIXED_BYTES):\n",
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        "        key.verify(_raw_signature(signed.signature, key), data)\n",
        "        _raw_signature(signed.signature, key), data\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_token.py",
        "    if canonical_json.dumps(members) != base:\n",
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_token.py",
        '        compare_claim(members["body_sha256"], body_sha256(body)',
        '        print(members["body_sha256"], body_sha256(body)',
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_token.py",
        'members["v"] is True or members["v"] != VERSION',
        'members["v"] != VERSION',
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/proof_of_possession.py",
        '    if claims["purpose"] != PASSKEY_PURPOSE:\n',
        "    if False:\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/proof_of_possession.py",
        "    if is_passkey_token(jws):\n        _verify_passkey(",
        "    if is_passkey_token(jws):\n        print(",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/proof_of_possession.py",
        '    claim_text(claims, "subject", _PERSON, TokenReason.SUBJECT)\n',
        "",
        ("tests/partners/protocol/test_passkey_token.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_signature.py",
        "    if scope is None:\n        raise TokenError(TokenReason.KEY_KIND",
        "    if scope is None:\n        return TokenError(TokenReason.KEY_KIND",
        _PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/passkey_token.py",
        "    decided = _decided(body)\n",
        "    decided: dict[str, Any] = {}\n",
        _PASSKEY,
    ),
    Mutation(
        f"{_EVIDENCE}/acts.py",
        "    if evidence.kind is not proven.kind:\n",
        "    if False:\n",
        _BY_PASSKEY,
    ),
    Mutation(
        f"{_EVIDENCE}/case_file.py",
        "(shown.act_id, shown.token, signed)",
        "(shown.act_id, shown.token)",
        _BY_PASSKEY,
    ),
    Mutation(
        f"{_EVIDENCE}/grant_chain.py",
        "(known.subject, known.key) == (subject, key)",
        "known.subject == subject",
        ("tests/partners/test_cli_passkeys.py",),
    ),
    Mutation(
        f"{_CLI}/approval_check.py",
        "    if context.act_sha256 != submission.sha256:\n",
        "    if False:\n",
        ("tests/partners/test_cli_passkeys.py",),
    ),
    Mutation(
        f"{_SERVICES}/membership/grant_rules.py",
        '    if not subject.startswith("per_"):\n',
        "    if False:\n",
        _BY_PASSKEY,
    ),
    Mutation(
        f"{_SERVICES}/membership/grant_rules.py",
        "    if scope != expected:\n",
        "    if False:\n",
        _BY_PASSKEY,
    ),
    Mutation(
        f"{_SERVICES}/membership/grant_rules.py",
        "    is_own = is_own and PublicKey.from_jwk(owner.jwk) == key\n",
        "",
        _BY_PASSKEY,
    ),
    Mutation(
        f"{_SERVICES}/core/acts.py",
        "EvidenceKind.COORDINATOR if is_own else uow.evidence.kind",
        "EvidenceKind.COORDINATOR if is_own else EvidenceKind.JWS",
        _BY_PASSKEY,
    ),
    Mutation(
        f"{_PROTOCOL}/webhook_signature.py",
        "if abs(now - timestamp) > tolerance:",
        "if now - timestamp > tolerance:",
        _WEBHOOK,
    ),
    Mutation(
        f"{_PROTOCOL}/webhook_signature.py",
        'if public_keys and not _matches_v1a(public_keys, offered["v1a"], signed):',
        "if False:",
        _WEBHOOK,
    ),
    Mutation(
        f"{_PROTOCOL}/texts.py",
        "    if wrong is not None:\n        raise ValueError(wrong)",
        "    if False:\n        raise ValueError(wrong)",
        ("tests/partners/protocol/test_texts.py",),
    ),
    Mutation(
        f"{_EVIDENCE}/four_eyes.py",
        "    if len(persons) < quorum:",
        "    if len(approvals) < quorum:",
        _APPROVED,
    ),
    Mutation(
        f"{_EVIDENCE}/four_eyes.py",
        "if any({each.key.subject, each.key.person} & excluded for each in approvals):",
        "if False:",
        _APPROVED,
    ),
    Mutation(
        f"{_EVIDENCE}/completeness.py",
        "    if signed != shown:",
        "    if False:",
        _PROOF,
    ),
    Mutation(
        f"{_EVIDENCE}/completeness.py",
        "    if leg.status not in expected:",
        "    if False:",
        _PROOF,
    ),
    Mutation(
        f"{_EVIDENCE}/signed_lines.py",
        "    if len(views) != signed:",
        "    if False:",
        _PROOF,
    ),
    Mutation(
        f"{_STORAGE}/engine/documents.py",
        'return f"document/{owner_id}/{name}".encode()',
        'return b"document"',
        ("tests/storage/test_documents.py",),
    ),
    Mutation(
        f"{_STORAGE}/requests/legs.py",
        '.where(LegRow.version == bindparam("seen"))',
        "",
        ("tests/services/test_legs.py", "tests/dispatcher/test_leg_notices.py"),
    ),
    Mutation(
        f"{_STORAGE}/delivery/lane_store.py",
        '            "takes_failing": room.takes_failing,',
        '            "takes_failing": True,',
        ("tests/dispatcher/test_lanes.py",),
    ),
    Mutation(
        f"{_STORAGE}/delivery/lane_store.py",
        "known = cycle if cycle.is_all_well else _of_held(cycle, held)",
        "known = cycle",
        ("tests/dispatcher/test_lanes.py",),
    ),
    Mutation(
        f"{_STORAGE}/delivery/lane_store.py",
        "return self._cycle(self._dated(cycle))",
        "return self._cycle(cycle)",
        ("tests/dispatcher/test_lanes.py",),
    ),
    Mutation(
        f"{_STORAGE}/engine/database.py",
        "                    connection.invalidate()",
        "                    pass",
        ("tests/storage/test_database.py",),
    ),
    Mutation(
        f"{_STORAGE}/delivery/endpoint_health.py",
        "AND priority >= {priority} ",
        "",
        ("tests/dispatcher/test_lanes.py",),
    ),
    Mutation(
        f"{_STORAGE}/engine/database.py",
        "if version[:2] == fixed[:2]:",
        "if version[:1] == fixed[:1]:",
        ("tests/storage/test_database.py",),
    ),
    Mutation(
        f"{_SERVICES}/core/access.py",
        "    if row is None or row.requester != actor.partner:\n",
        "    if row is None:\n",
        ("tests/api/test_route_rights.py",),
    ),
    Mutation(
        f"{_SERVICES}/core/access.py",
        "    if row.requester != viewer.partner and leg is None:\n",
        "    if False:\n",
        ("tests/api/test_route_rights.py",),
    ),
    Mutation(
        f"{_STORAGE}/reading/own_acts.py",
        ".where(ActRow.partner == viewer.partner, ",
        ".where(",
        ("tests/api/test_own_acts.py",),
    ),
    Mutation(
        f"{_SERVICES}/reading/own_acts.py",
        " and each.kind not in _WITHOUT_PROOF\n",
        "\n",
        _FLAGS,
    ),
    Mutation(
        f"{_SERVICES}/membership/suspended.py",
        "        leg = leg_store.seen_by(connection, request_id, actor.viewer)\n",
        "        leg = leg_store.of_partner(connection, request_id, actor.partner)\n",
        ("tests/api/test_leg_limits.py",),
    ),
    Mutation(
        f"{_STORAGE}/reading/own_acts.py",
        "ActRow.id < f",
        "ActRow.id <= f",
        ("tests/api/test_own_acts.py",),
    ),
    Mutation(
        "coordinator/api/membership_reads.py",
        "    if row is None or row.status not in _JOINED:\n",
        "    if row is None:\n",
        ("tests/api/test_directory.py",),
    ),
    Mutation(
        "coordinator/operations/operator_page.py",
        "        if not _is_own_name(request.host, settings):\n",
        "        if False:\n",
        ("tests/operations/test_operator_page.py",),
    ),
    Mutation(
        f"{_SERVICES}/core/access.py",
        "    if row.content_sha256 != content_sha256:\n",
        "    if False:\n",
        ("tests/services/test_approve.py", "tests/services/test_withdraw.py"),
    ),
    Mutation(
        f"{_SERVICES}/requests/approvals.py",
        "    require_first_decision(actor, {act.person",
        "    set({act.person",
        ("tests/services/test_approve.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/approvals.py",
        "    _require_warnings_accepted(context.warnings, body",
        "    (context.warnings, body",
        ("tests/services/test_approve.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/approvals.py",
        "    if code in ACCEPTED_SINGLY and len(named_here) != 1:\n",
        "    if False:\n",
        ("tests/services/test_wrong_target_guard.py",),
    ),
    Mutation(
        f"{_DOMAIN}/left_out.py",
        "    if set(first) == set(mine):\n",
        "    if True:\n",
        _LEFT_OUT,
    ),
    Mutation(
        f"{_DOMAIN}/left_out.py",
        "    if held and approvals < quorum:\n",
        "    if False:\n",
        _LEFT_OUT,
    ),
    Mutation(
        f"{_SERVICES}/requests/left_out.py",
        "    if remainder_sha256(remainder) != body.remainder_sha256:\n",
        "    if False:\n",
        _LEFT_OUT,
    ),
    Mutation(
        f"{_SERVICES}/requests/left_out.py",
        "return row.left_out_count > 0 and leg is not None and not leg.knows_left_out",
        "return False",
        _LEFT_OUT,
    ),
    Mutation(
        f"{_SERVICES}/requests/notices.py",
        "                body, is_cut = remainder, True\n",
        "                pass\n",
        _LEFT_OUT,
    ),
    Mutation(
        f"{_SERVICES}/ledger/ledger_views.py",
        '                view["body"], view["remainder"] = None, remainder.decode()\n',
        '                view["remainder"] = remainder.decode()\n',
        _LEFT_OUT,
    ),
    Mutation(
        f"{_DOMAIN}/ledger_draft.py",
        "        if address_no in self.rules.left_out:\n",
        "        if False:\n",
        _LEFT_OUT,
    ),
    Mutation(
        f"{_EVIDENCE}/four_eyes.py",
        "    if named != {remainder_sha256(submission.body)} or",
        "    if",
        _LEFT_OUT,
    ),
    Mutation(
        f"{_SERVICES}/ending/contested.py",
        "on.on_leg(leg).by(COORDINATOR).record(",
        "on.on_leg(leg).record(",
        ("tests/services/test_contested.py",),
    ),
    Mutation(
        f"{_DOMAIN}/contested.py",
        "others = disputing.get(accounts[place.address_no], set()) - {place.leg_id}",
        "others = disputing.get(accounts[place.address_no])",
        ("tests/services/test_contested.py",),
    ),
    Mutation(
        f"{_DOMAIN}/contested.py",
        "if others or place.address_no in to_withdraw:",
        "if others:",
        ("tests/services/test_contested.py",),
    ),
    Mutation(
        f"{_DOMAIN}/contested.py",
        "return sorted(numbers.difference(withdrawn))",
        "return sorted(numbers)",
        ("tests/services/test_contested.py",),
    ),
    Mutation(
        f"{_SERVICES}/ending/withdrawals.py",
        "    is_wrong = body.reason_code is WithdrawalReason.WRONG_TARGET",
        "    is_wrong = True",
        _CLEARED,
    ),
    Mutation(
        f"{_STORAGE}/ending/clearances.py",
        "    if not with_left_out:\n",
        "    if False:\n",
        _CLEARED,
    ),
    Mutation(
        f"{_PROTOCOL}/compact_jws.py",
        "    check(front.claims)\n",
        "",
        _CLEARED,
    ),
    Mutation(
        f"{_SERVICES}/requests/approvals.py",
        "    _require_nothing_of_other_requests(body.warnings_accepted)\n",
        "",
        ("tests/services/test_wrong_target_guard.py",),
    ),
    Mutation(
        "coordinator/api/auth.py",
        "        check_times(front, now=now)\n",
        "",
        _AUTH,
    ),
    Mutation(
        "coordinator/api/auth.py",
        "        check_body(front, body)\n",
        "        pass\n",
        _AUTH,
    ),
    Mutation(
        "coordinator/api/auth.py",
        '        raise AuthenticationError("the key was revoked", code="revoked_key")\n',
        "        return found\n",
        _AUTH,
    ),
    Mutation(
        "coordinator/api/exact_url.py",
        "_PATH.fullmatch(path) is not None",
        "True",
        _URL,
    ),
    Mutation(
        "coordinator/api/exact_url.py",
        "        and raw_path == path\n",
        "",
        _URL,
    ),
    Mutation(
        "coordinator/api/rate_limit.py",
        "if whole_at - now > WINDOW_SECONDS:",
        "if False:",
        ("tests/api/test_rate_limit.py",),
    ),
    Mutation(
        "coordinator/api/customer_data.py",
        "regions = regions_of(jurisdictions())",
        "pass",
        ("tests/api/test_customer_data.py",),
    ),
    Mutation(
        f"{_DISPATCHER}/loop.py",
        "(2 if is_quick else 1)",
        "1",
        _LOOP,
    ),
    Mutation(
        f"{_DISPATCHER}/loop.py",
        " and self._jobs.empty()",
        "",
        _LOOP,
    ),
    Mutation(
        f"{_EGRESS}/http_response.py",
        "    if len(lines) > MAX_FIELDS:",
        "    if False:",
        _RESPONSE,
    ),
    Mutation(
        f"{_EGRESS}/http_response.py",
        "    if _LENGTH.fullmatch(length) is None:",
        "    if False:",
        _RESPONSE,
    ),
    Mutation(
        f"{_EGRESS}/name_resolution.py",
        "            if error.code in _OF_THE_URL:\n                raise\n",
        "",
        ("tests/api/test_webhook_endpoints.py",),
    ),
    Mutation(
        "coordinator/operations/front/turns.py",
        "        if self.waiting >= self._waiting or len(queue) >= self._waiting_each:\n",
        "        if False:\n",
        _FRONT,
    ),
    Mutation(
        "coordinator/operations/front/turns.py",
        "        if self._has_room(partner) and not self._queues.get(partner):\n",
        "        if not self._queues.get(partner):\n",
        _FRONT,
    ),
    Mutation(
        "coordinator/operations/front/front.py",
        "        if path == _FEED:\n            return self._feed\n",
        "",
        _FRONT,
    ),
    Mutation(
        "coordinator/operations/front/front.py",
        "return self._live if _LIVE.fullmatch(path) or _is_part(scope) else self._small",
        "return self._small",
        _FRONT,
    ),
    Mutation(
        "coordinator/operations/front/front.py",
        "        if _TEST.fullmatch(path):\n            return self._tests\n",
        "",
        _FRONT,
    ),
    Mutation(
        "coordinator/operations/front/right_of_way.py",
        "self._changed.wait_for(lambda: not self._first, self._patience_seconds)",
        "pass",
        _FRONT,
    ),
    Mutation(
        "coordinator/operations/front/right_of_way.py",
        "not self._first, self._patience_seconds)",
        "not self._first)",
        _FRONT,
    ),
    Mutation(
        "coordinator/api/tasks.py",
        "for each in reversed(due)}",
        "for each in due}",
        ("tests/console/test_request_list.py",),
    ),
    Mutation(
        "coordinator/operations/front/news.py",
        "self.request_id is None or event.request_id == self.request_id",
        "True",
        _FRONT,
    ),
    Mutation(
        "coordinator/console/assertions.py",
        "if not credential_id or not signed or not all(signed):",
        "if not signed:",
        ("tests/console/test_acts.py",),
    ),
    Mutation(
        f"{_RULES}/encodings.py",
        "if verify and _polymod(hrp, digits) != _PLAIN:",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/encodings.py",
        "if base32_text(data) != upper:",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/bech32.py",
        'lower.startswith(tuple(hrp + "1" for hrp in self.testnet_hrps))',
        'lower.startswith("\\n")',
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/bech32.py",
        "not in _SIZES:",
        "not in range(99):",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/ss58.py",
        "if verify and _checksum(body) != checksum:",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/ss58.py",
        "common=prefix != self.prefix",
        "common=False",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/stellar.py",
        "if verify and binascii.crc_hqx(body, 0)",
        "if not verify and binascii.crc_hqx(body, 0)",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/ton.py",
        "if data[0] & _TEST_ONLY:",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/ton.py",
        "data = bytes([_BOUNCEABLE]) + target",
        "data = bytes([_NOT_BOUNCEABLE]) + target",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/cardano.py",
        "if network != _MAINNET:",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/cardano.py",
        "if verify and zlib.crc32(payload) != checksum:",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/algorand.py",
        "digest()[-len(checksum) :] != checksum",
        "digest()[: len(checksum)] != checksum",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/filecoin.py",
        "if data.startswith(_MASK):",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/filecoin.py",
        "if verify and _checksum(head + payload) != checksum:",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/icp.py",
        "if verify and _crc(principal) != checksum:",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/icp.py",
        "if verify and crc != account[2]:",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/near.py",
        "if len(parts) == 1 and len(text) > _LONGEST_TOP_LEVEL:",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/hedera.py",
        "if checksum and verify and checksum != hip15(address, _MAINNET):",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/hedera.py",
        "if data.startswith(_ZEROS):",
        "if False:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/hex32.py",
        "and len(digits) < _FEWEST_DIGITS",
        "and False",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/hex32.py",
        "2**self.bits - 256:",
        "2**self.bits:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/evm.py",
        "zip(digits, proper, strict=True)) > 1",
        "zip(digits, proper, strict=True)) > 9",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/memo.py",
        "if len(memo.encode()) > max_bytes:",
        "if len(memo) > max_bytes:",
        _ADDRESSES,
    ),
    Mutation(
        f"{_RULES}/solana.py",
        "common=text in (text.lower(), text.upper())",
        "common=False",
        _ADDRESSES,
    ),
    Mutation(
        "partners/reference_exchange/deposit_book.py",
        "key = comparison_key(address.account, address.tag, self._chains)",
        "key = comparison_key(address.account, address.tag)",
        ("tests/services/test_added_chains.py",),
    ),
    Mutation(
        f"{_SERVICES}/membership/people.py",
        "if row is None or row.partner != partner.handle:",
        "if row is None:",
        _NAMES,
    ),
    Mutation(
        f"{_SERVICES}/membership/people.py",
        "idempotency.erase_about(uow.connection, row.id)",
        "idempotency.erase_about(uow.connection, actor.subject)",
        _NAMES,
    ),
    Mutation(
        f"{_SERVICES}/membership/people.py",
        "audience=[partner.handle],",
        'audience=["*"],',
        _NAMES,
    ),
    Mutation(
        f"{_STORAGE}/tail/idempotency.py",
        ".values(fingerprint=ERASED, about=None)",
        ".values(about=None)",
        _NAMES,
    ),
    Mutation(
        "coordinator/api/transaction.py",
        "context.vault.blind_index(call) if is_personal else",
        "context.vault.blind_index(call) if not is_personal else",
        _NAMES,
    ),
    Mutation(
        f"{_PROTOCOL}/texts.py",
        '_DIRECTING = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})',
        '_DIRECTING = frozenset({"Cc", "Cn", "Co", "Cs", "Zl", "Zp"})',
        _NAMES,
    ),
    Mutation(
        "partners/holdfast/cli/session.py",
        "name = self._names.get(subject)",
        "name = None",
        ("tests/partners/test_cli_people.py",),
    ),
    Mutation(
        f"{_CLI}/layout.py",
        "return self._table(widths) if widths else self._records(options.max_width)",
        "return self._table(widths)",
        ("tests/partners/test_cli_layout.py",),
    ),
    Mutation(
        f"{_CLI}/layout.py",
        "        if not is_first and cell_len(line.plain[start : word.end()]) > width:",
        "        if False:",
        ("tests/partners/test_cli_layout.py",),
    ),
    Mutation(
        f"{_CLI}/help_pages.py",
        "if found is None or len(name) <= room:",
        "if True:",
        _COMMAND_LINES,
    ),
    Mutation(
        f"{_CLI}/help_pages.py",
        "columns = shutil.get_terminal_size().columns",
        "columns = 10_000",
        _COMMAND_LINES,
    ),
    Mutation(
        f"{_CLI}/help_pages.py",
        'return sentence.partition("; ")[0].removesuffix(".") + "."',
        "return command.get_short_help_str(45)",
        _COMMAND_LINES,
    ),
    Mutation(
        "coordinator/cli/terminal_lines.py",
        "        lines = _lines(_ERROR + error.format_message(), is_shown=sys.stderr.isatty())",
        "        lines = _lines(_ERROR + error.format_message(), is_shown=False)",
        _COMMAND_LINES,
    ),
    Mutation(
        f"{_CLI}/decision_contexts.py",
        "is_canonical = canonical_json.dumps(value) == text.encode()",
        "is_canonical = True",
        ("tests/partners/test_cli_decision_contexts.py",),
    ),
    Mutation(
        f"{_CLI}/decision_contexts.py",
        "    if file.exists() and file.read_bytes() != text.encode():",
        "    if False:",
        ("tests/partners/test_cli_decision_contexts.py",),
    ),
    Mutation(
        f"{_DOMAIN}/house_rules.py",
        "if named != (None if in_force is None else in_force.sha256):",
        "if False:",
        ("tests/domain/test_house_rules.py",),
    ),
    Mutation(
        f"{_DOMAIN}/house_rules.py",
        "begun = [each for each in published if each.in_force_from <= now]",
        "begun = list(published)",
        ("tests/domain/test_house_rules.py",),
    ),
    Mutation(
        "coordinator/domain/booking.py",
        "elif self._hold_of(line) in rules.untold_elsewhere:",
        "elif False:",
        ("tests/domain/test_gateway.py",),
    ),
    Mutation(
        "coordinator/storage/requests/gateways.py",
        "            LedgerLineRow.amount != 0,\n",
        "            LedgerLineRow.amount == 0,\n",
        ("tests/api/test_gateways.py",),
    ),
    Mutation(
        f"{_SERVICES}/core/house_rules.py",
        "if in_force is not None and not self._has_accepted(connection, partner, in_force.sha256):",
        "if False:",
        ("tests/api/test_house_rules.py",),
    ),
    Mutation(
        f"{_SERVICES}/core/house_rules.py",
        "            in_force = rulebook_in_force(self._read(connection), now)\n",
        "",
        ("tests/api/test_house_rules.py",),
    ),
    Mutation(
        "coordinator/api/transaction.py",
        "    GatewayError,\n    RateLimitedError,\n    RulebookError,\n    UnavailableError,\n)\n",
        "    GatewayError,\n    RateLimitedError,\n    UnavailableError,\n)\n",
        ("tests/api/test_house_rules.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/freeze_request_views.py",
        'if each["to"] == "all" or partner in each["to"]:',
        "if True:",
        ("tests/services/test_whys.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/submission.py",
        "    _require_fitting_whys(document)\n",
        "",
        ("tests/services/test_whys.py",),
    ),
    Mutation(
        f"{_CLI}/flagged_accounts.py",
        "islice(self._client.addresses(request_id), _MOST_READ)",
        "self._client.addresses(request_id)",
        ("tests/partners/test_cli_flagged_accounts.py",),
    ),
    Mutation(
        f"{_CLI}/decisions.py",
        "if act.status == RequestStatus.SUBMITTED:",
        "if False:",
        ("tests/partners/test_cli_next_steps.py",),
    ),
    Mutation(
        f"{_CLI}/sums.py",
        "is_valued = sums.usd is not None and sums.usd != UsdTotals()",
        "is_valued = sums.usd is not None",
        ("tests/partners/test_cli_amounts.py",),
    ),
    Mutation(
        f"{_CLI}/paste.py",
        "and (leave_out or not findings.faults):",
        "and True:",
        ("tests/partners/test_cli_paste.py",),
    ),
    Mutation(
        f"{_CLI}/paste.py",
        "sorted([*findings.faults, *unanswered])",
        "[*findings.faults, *unanswered]",
        ("tests/partners/test_list_faults.py",),
    ),
    Mutation(
        "partners/holdfast/drafting/draft_addresses.py",
        "return {} if is_told else",
        "return",
        ("tests/partners/test_list_faults.py",),
    ),
    Mutation(
        "partners/holdfast/client/joining.py",
        "self.store.save(profile, passphrase=guard)",
        "self.store.save(profile)",
        ("tests/partners/test_key_passphrase.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/legs.py",
        "for _, hold in ledger.linked() if hold.is_open and not hold.lapsed]",
        "for hold in ledger.holds.values() if hold.is_open and not hold.lapsed]",
        ("tests/services/test_shared_holds.py",),
    ),
    Mutation(
        f"{_STORAGE}/reading/waiting_tasks.py",
        "        HoldLinkRow.leg_id == LegRow.id,\n        HoldRow.id == HoldLinkRow.hold_id,\n",
        "        HoldRow.leg_id == LegRow.id,\n",
        _WAITING,
    ),
    Mutation(
        f"{_STORAGE}/reading/waiting_tasks.py",
        "        HoldRow.owed_since.is_(None),\n        HoldRow.hold_expires_at <= _NEAR,",
        "        HoldRow.hold_expires_at <= _NEAR,",
        _WAITING,
    ),
    Mutation(
        f"{_CLI}/layout.py",
        'return command[0].replace(" ", _GLUE) if fits else command[0]',
        "return command[0]",
        ("tests/partners/test_cli_layout.py",),
    ),
    Mutation(
        f"{_CLI}/requests.py",
        "lines = [] if is_over else [*filter(None, map(_clock_words, legs))]",
        "lines = [*filter(None, map(_clock_words, legs))]",
        ("tests/partners/test_cli_next_steps.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/asked_sums.py",
        'about = "about " if left_out else ""',
        'about = ""',
        ("tests/partners/test_asked_sums.py",),
    ),
    Mutation(
        f"{_CLI}/legs.py",
        "begin = times.frozen_at or now",
        "begin = now",
        ("tests/partners/test_cli_told_later.py",),
    ),
    Mutation(
        f"{_CLI}/legs.py",
        "end = times.until or begin + timedelta(hours=hours)",
        "end = begin + timedelta(hours=hours)",
        ("tests/partners/test_cli_told_later.py",),
    ),
    Mutation(
        f"{_CLI}/requests.py",
        "if pending.exists() and pending.read_bytes() != body:",
        "if False:",
        ("tests/partners/test_cli.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/asked_sums.py",
        "spelled[asset] = _canonical(asset, chains)",
        "spelled[asset] = asset.lower()",
        ("tests/partners/test_asked_sums.py",),
    ),
    Mutation(
        f"{_CLI}/requests.py",
        "    if untouched:\n        raise InvalidDraftError(untouched)\n",
        "",
        ("tests/partners/test_draft_template.py",),
    ),
    Mutation(
        f"{_CLI}/interrupt.py",
        "return isinstance(error.__context__, KeyboardInterrupt)",
        "return True",
        ("tests/partners/test_interrupt.py",),
    ),
    Mutation(
        f"{_CLI}/withdrawal_reasons.py",
        '(act.act == "withdraw" or act.sha256 in approved)',
        "True",
        ("tests/partners/test_cli_withdrawal_reasons.py",),
    ),
    Mutation(
        "partners/holdfast/client/transport.py",
        "        except Exception:  # its caller is told; only an interrupt leaves it under way\n",
        "        except BaseException:\n",
        ("tests/partners/test_interrupt.py",),
    ),
    Mutation(
        "partners/holdfast/client/following.py",
        "        after = page.next_after\n",
        "",
        ("tests/partners/test_following.py",),
    ),
    Mutation(
        "partners/holdfast/client/rotation.py",
        "store.save(new, passphrase=store.passphrase_of(old.name) if old.name else None)",
        "store.save(new)",
        ("tests/partners/test_key_passphrase.py",),
    ),
    Mutation(
        f"{_CONSOLE}/decide.py",
        "    if seen_before == seen(case):\n        return []",
        "    if True:\n        return []",
        _DECIDE,
    ),
    Mutation(f"{_CONSOLE}/decide.py", "    if missing:\n", "    if False:\n", _DECIDE),
    Mutation(f"{_CONSOLE}/decide.py", "    if not why:\n", "    if False:\n", _DECIDE),
    Mutation(
        f"{_CONSOLE}/decision_case.py",
        'if request["requester"] != visit.actor.partner:',
        "if False:",
        _DECIDE,
    ),
    Mutation(
        f"{_CONSOLE}/decision_case.py", "    if me in excluded:\n", "    if False:\n", _DECIDE
    ),
    Mutation(
        f"{_CONSOLE}/decision_form.py",
        "numbers = [no for no in by_code.get(code, ()) if no not in left_out]",
        "numbers = list(by_code.get(code, ()))",
        _DECIDE,
    ),
    Mutation(
        "coordinator/settings.py",
        "if host is not None and not _is_private(host):",
        "if False:",
        ("tests/api/test_sandbox.py",),
    ),
    Mutation(
        "coordinator/api/problems.py",
        "if context.is_sandbox:",
        "if True:",
        (*_AUTH, "tests/api/test_sandbox.py"),
    ),
    Mutation(
        f"{_PROTOCOL}/membership_payloads.py",
        "if isinstance(value, dict) and PRIVATE_MEMBERS & value.keys():",
        "if False:",
        ("tests/api/test_sandbox.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/token_explanation.py",
        "yield from _time_faults(claims, known.now)",
        "",
        ("tests/partners/protocol/test_token_explanation.py",),
    ),
    Mutation(
        f"{_DOMAIN}/delivery.py",
        "priority=priority) * (1 + JITTER * jitter)",
        "priority=priority) * (1 - JITTER * jitter)",
        ("tests/domain/test_delivery.py",),
    ),
    Mutation(
        f"{_DISPATCHER}/webhook_sender.py",
        'if error.code != "connection_lost" or connection.has_sent:',
        'if error.code != "connection_lost":',
        ("tests/dispatcher/test_webhook_sender.py",),
    ),
    Mutation(
        f"{_STORAGE}/delivery/lane_store.py",
        'f"({is_test} OR ({is_open}',
        'f"({is_test} AND FALSE OR ({is_open}',
        ("tests/dispatcher/test_recovery.py",),
    ),
    Mutation(
        f"{_STORAGE}/delivery/lanes.py",
        "if until and until > cycle.now]",
        "if False]",
        ("tests/dispatcher/test_recovery.py",),
    ),
    Mutation(
        f"{_STORAGE}/delivery/endpoint_health.py",
        "(unanswered OR (:all AND attempt > 0))",
        "unanswered AND (:all OR TRUE)",
        ("tests/dispatcher/test_recovery.py",),
    ),
    Mutation(
        f"{_STORAGE}/tail/events.py",
        " if e.sample_of is None for partner",
        " for partner",
        ("tests/dispatcher/test_recovery.py",),
    ),
    Mutation(
        f"{_STORAGE}/delivery/deliveries.py",
        """            DeliveryRow.status == "dead",
            DeliveryRow.request_id != TEST_LANE,
""",
        """            DeliveryRow.status == "dead",
""",
        ("tests/dispatcher/test_recovery.py",),
    ),
    Mutation(
        f"{_STORAGE}/delivery/answer_texts.py",
        "select(DeliveryRow.id).where(DeliveryRow.answer_until <= now)",
        "select(DeliveryRow.id).where(DeliveryRow.answer_until < 0)",
        ("tests/dispatcher/test_recovery.py",),
    ),
    Mutation(
        "coordinator/console/delivery_words.py",
        'unicodedata.category(character)[0] == "C"',
        'unicodedata.category(character) == "Cc"',
        ("tests/console/test_running.py",),
    ),
    Mutation(
        f"{_SERVICES}/ending/withdrawal_proposals.py",
        "    return named_addresses(on, sorted(set(named) - gone))\n",
        "    return named_addresses(on, sorted(set(named)))\n",
        _BY_TWO,
    ),
    Mutation(
        f"{_SERVICES}/requests/act_proofs.py",
        "evidence?act={act_id}",
        "evidence",
        _EVENT_KINDS,
    ),
    Mutation(
        f"{_SERVICES}/requests/notices.py",
        "        acts = [each.act_id, *approved.get(each.act_id, ())]\n",
        "        acts = [each.act_id]\n",
        _EVENT_KINDS,
    ),
    Mutation(
        f"{_SERVICES}/ledger/freeze_ledger.py",
        "        is_cut = len(shown) < len(lines) or any(_names_too_few(each) for each in shown)\n",
        "        is_cut = False\n",
        _EVENT_KINDS,
    ),
    Mutation(
        "coordinator/storage/tail/events.py",
        "for e in events if e.sample_of is None for partner",
        "for e in events for partner",
        ("tests/services/test_webhook_endpoints.py",),
    ),
    Mutation(
        f"{_SERVICES}/requests/notices.py",
        "        limit -= sum(each + linked for each in least[number + 1 :])\n",
        "",
        _BY_PASSKEY,
    ),
    Mutation(
        "coordinator/api/doc_pages.py",
        '{"html": False}',
        '{"html": True}',
        ("tests/contract/test_doc_pages.py",),
    ),
    Mutation(
        "coordinator/api/reference/schemas.py",
        "member: each if member in nullable else _never_null(each)",
        "member: each",
        ("tests/contract/test_members.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/payloads.py",
        'when(says("code", DeclineCode.MOVED_ON), given("next")),',
        "",
        ("tests/contract/test_examples.py",),
    ),
    Mutation(
        f"{_PROTOCOL}/requirements.py",
        "loc=(member,)",
        "loc=()",
        ("tests/contract/test_examples.py",),
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every slip, or those in the files that are named, and say which ones survive."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("files", nargs="*", help="parts of the paths to be tried")
    words = parser.parse_args(arguments).files
    chosen = [m for m in MUTATIONS if not words or any(word in m.file for word in words)]
    with tempfile.TemporaryDirectory(prefix="holdfast-mutations-") as folder:
        copy = Path(folder)
        _copy_project(copy)
        named = sorted({test for mutation in chosen for test in mutation.tests})
        if not chosen or _run(copy, named) != _ALL_PASSED:
            _say("nothing is chosen, or the tests fail without any slip")
            return 2
        survivors = [mutation for mutation in chosen if not is_caught(copy, mutation)]
    _say(f"{len(chosen) - len(survivors)} of {len(chosen)} caught")
    return 1 if survivors else 0


def is_caught(project: Path, mutation: Mutation) -> bool:
    """Tell whether the named tests fail with the slip in place; the file is as before afterwards.

    Raises:
        ValueError: If the text is not to be found exactly once, or makes tests impossible to run.
    """
    with _made(project, mutation):
        status = _run(project, mutation.tests)
    if status not in {_ALL_PASSED, _SOME_FAILED}:
        raise ValueError(f"{mutation.file}: pytest ended with {status} on {mutation.instead!r}")
    _say(f"{'caught  ' if status else 'SURVIVED'} {mutation.file}: {mutation.text.strip()!r}")
    return status == _SOME_FAILED


def read_once(project: Path, mutation: Mutation) -> str:
    """Return the file that a slip is made in.

    Raises:
        ValueError: If the text is not to be found in it exactly once.
    """
    path = project / mutation.file
    content = path.read_text(encoding="utf-8") if path.is_file() else ""
    if (found := content.count(mutation.text)) != 1:
        raise ValueError(f"{mutation.file}: {mutation.text!r} is there {found} times, and not once")
    return content


@contextmanager
def _made(project: Path, mutation: Mutation) -> Iterator[None]:
    path, content = project / mutation.file, read_once(project, mutation)
    path.write_text(content.replace(mutation.text, mutation.instead), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(content, encoding="utf-8")


def _copy_project(folder: Path) -> None:
    for path in project_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def _run(project: Path, tests: Sequence[str]) -> int:
    """Return pytest's exit status; SQLite alone notices a slip as well."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-m", "not postgresql"),
            *("-p", "no:cacheprovider", *tests),
        ],
        cwd=project,
        # Both packages are installed from where they lie; here they lie elsewhere.
        env={
            **os.environ,
            "PYTHONPATH": f"{project}{os.pathsep}{project / 'partners'}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdout=subprocess.DEVNULL,
        check=False,
    ).returncode


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    sys.exit(main())
