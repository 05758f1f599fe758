"""The kit that a partner exchange installs: client, webhook receiver, proofs, command line.

    from holdfast import Client, ProfileStore

    client = Client(ProfileStore.from_environment().load("lead"))
    for request in client.requests(box="received"):
        print(request.id, request.requester, request.leg_status)

What this module names is the public interface, and so are the models of the wire in
`holdfast.protocol` (`payloads`, `views`, `vocabulary` and those beside them). All else is private:
it may change in any release.

The blueprint for Flask is in `holdfast.webhooks.flask_blueprint`, for it needs the extra `flask`.
"""

from holdfast.client.client import Client, Document
from holdfast.client.joining import Joining, Person, System, join
from holdfast.client.rotation import rotate_key, rotate_tag_key
from holdfast.client.rulebook import read_rulebook
from holdfast.client.sealing import OpenedEvidence, SealedFiles, publish_encryption_key
from holdfast.client.transport import RetryPolicy, Timeouts, Transport
from holdfast.clock import wall_clock
from holdfast.drafting.chat import Findings, FoundAddress, Mention, read_chat
from holdfast.drafting.draft import Draft, new_nonce, read_draft
from holdfast.errors import (
    ApiError,
    AuthenticationError,
    BundleError,
    ConflictError,
    ErasedError,
    HoldfastError,
    InvalidDraftError,
    LogAlarmError,
    LogHandoverError,
    NoEncryptionKeyError,
    NotFoundError,
    PermissionDeniedError,
    PinMismatchError,
    ProfileError,
    RateLimitedError,
    TransportError,
    UnavailableError,
    UntrustedEvidenceError,
    ValidationError,
)
from holdfast.evidence.acts import Evidence, ProvenAct, prove_act, prove_evidence
from holdfast.evidence.bundle.examination import Trust, examine_bundle
from holdfast.evidence.bundle.reader import BundleReader
from holdfast.evidence.case_file import Finding, Result
from holdfast.evidence.examination import Examination, examine
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.log_handover import follow_log_keys
from holdfast.evidence.log_inclusion import (
    LoggedEntry,
    NoLogProofError,
    prove_log_entry,
    prove_logged_event,
)
from holdfast.evidence.notice import Notice, prove_notice
from holdfast.evidence.withdrawal_notice import WithdrawalNotice, prove_withdrawal
from holdfast.monitor.folder import monitor_folder
from holdfast.monitor.monitor import LogMonitor, Step, Watched, look_at_monitor
from holdfast.monitor.receipts import LogReceipts, Owed, receipts_kept_in
from holdfast.monitor.source import LogSource, PublicLog
from holdfast.monitor.witness import Witness
from holdfast.profiles.private_files import read_private, write_private
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.profiles.tag_keys import TagKeyFile
from holdfast.protocol.amounts import (
    AmountTextError,
    KnownAssets,
    format_amount,
    parse_amount,
    shipped_assets,
)
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.cosignature import WitnessVerifier
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.log_keys import LogKeys
from holdfast.protocol.log_policy import LogPolicy, parse_policy
from holdfast.protocol.routing_tag import TagKey, entries_for
from holdfast.protocol.sealed_evidence import SealedHeader
from holdfast.protocol.signed_note import NoteVerifier
from holdfast.screening import (
    Deposit,
    FlagsRefusedError,
    Hit,
    Screened,
    Screening,
    ScreeningStatus,
    Verdict,
)
from holdfast.webhooks.receiver import Event, verify_notice, verify_webhook
from holdfast.webhooks.seen_events import Claim, SeenEvents, SqliteSeenEvents

__all__ = [
    "AmountTextError",
    "ApiError",
    "AuthenticationError",
    "BundleError",
    "BundleReader",
    "Claim",
    "Client",
    "ConflictError",
    "Deposit",
    "Document",
    "Draft",
    "ErasedError",
    "Event",
    "Evidence",
    "Examination",
    "Finding",
    "Findings",
    "FlagsRefusedError",
    "FoundAddress",
    "Hit",
    "HoldfastError",
    "InvalidDraftError",
    "Joining",
    "KeyDirectory",
    "KnownAssets",
    "LogAlarmError",
    "LogHandoverError",
    "LogKeys",
    "LogMonitor",
    "LogPolicy",
    "LogReceipts",
    "LogSource",
    "LoggedEntry",
    "Mention",
    "NoEncryptionKeyError",
    "NoLogProofError",
    "NotFoundError",
    "NoteVerifier",
    "Notice",
    "OpenedEvidence",
    "Owed",
    "PermissionDeniedError",
    "Person",
    "PinMismatchError",
    "Profile",
    "ProfileError",
    "ProfileStore",
    "ProvenAct",
    "PublicKey",
    "PublicLog",
    "RateLimitedError",
    "Result",
    "RetryPolicy",
    "Screened",
    "Screening",
    "ScreeningStatus",
    "SealedFiles",
    "SealedHeader",
    "SeenEvents",
    "SqliteSeenEvents",
    "Step",
    "System",
    "TagKey",
    "TagKeyFile",
    "Timeouts",
    "Transport",
    "TransportError",
    "Trust",
    "UnavailableError",
    "UntrustedEvidenceError",
    "ValidationError",
    "Verdict",
    "Watched",
    "WithdrawalNotice",
    "Witness",
    "WitnessVerifier",
    "comparison_key",
    "entries_for",
    "examine",
    "examine_bundle",
    "follow_log_keys",
    "format_amount",
    "join",
    "look_at_monitor",
    "monitor_folder",
    "new_nonce",
    "parse_amount",
    "parse_policy",
    "prove_act",
    "prove_evidence",
    "prove_log_entry",
    "prove_logged_event",
    "prove_notice",
    "prove_withdrawal",
    "publish_encryption_key",
    "read_chat",
    "read_draft",
    "read_private",
    "read_rulebook",
    "receipts_kept_in",
    "rotate_key",
    "rotate_tag_key",
    "shipped_assets",
    "verify_notice",
    "verify_webhook",
    "wall_clock",
    "write_private",
]
