"""Every error of the wire contract; a caller who catches `ProtocolError` has caught them all."""

from enum import StrEnum


class ProtocolError(Exception):
    """Something does not follow the wire contract; the text says what to change."""


class MissingLibraryError(ProtocolError):
    """An optional part of the kit is not installed; the text says how to get it."""


class Base64UrlError(ProtocolError):
    """A text is not canonical base64url without padding (RFC 4648 section 5, RFC 7515)."""


class StrictJsonError(ProtocolError):
    """A body or token part is not the strict JSON that Holdfast reads.

    Args:
        reason: What is wrong, in words for the sender.
        pointer: RFC 6901 pointer to the place; "" means the whole document, or that only
            `line` and `column` are known.
        line: Line of the place, from 1, where the text could not be parsed; else None.
        column: Column of the place, from 1, likewise.
    """

    def __init__(
        self, reason: str, *, pointer: str = "", line: int | None = None, column: int | None = None
    ) -> None:
        self.reason = reason
        self.pointer = pointer
        self.line = line
        self.column = column
        where = f" at {pointer}" if pointer else ""
        if line is not None:
            where = f" at line {line}, column {column}"
        super().__init__(f"{reason}{where}")


class CanonicalJsonError(ProtocolError):
    """A value cannot be written as canonical JSON (RFC 8785, without fractions)."""


class DecisionContextError(ProtocolError):
    """A text is no decision context."""


class IdFormatError(ProtocolError):
    """A text is not the id that was expected (TypeID 0.3)."""


class KeyFormatError(ProtocolError):
    """A key is malformed, of an unknown kind, or unsafe to verify with."""


class ReadinessError(ProtocolError):
    """A document is no readiness report, or not as it was signed; the text says which."""


class SealedEvidenceError(ProtocolError):
    """Sealed evidence does not open: another's, altered, cut, or sealed for something else."""


class SignatureError(ProtocolError):
    """A signature does not verify under the key."""


class VerificationError(ProtocolError):
    """A webhook is not authentic, not fresh, or its headers are malformed."""


class LogError(ProtocolError):
    """Something of the transparency log is malformed, or does not prove what it should."""


class TreeProofError(LogError):
    """A Merkle proof is of the wrong shape, or does not lead to the root (RFC 9162 section 2.1)."""


class LogEntryError(LogError):
    """Bytes are no entry of the log."""


class NoteError(LogError):
    """A signed note or its key is malformed, or no known key signed it (c2sp.org/signed-note)."""


class CheckpointError(LogError):
    """A text is no checkpoint, or that of another log (c2sp.org/tlog-checkpoint)."""


class CosignatureError(LogError):
    """A cosignature is malformed, or does not verify (c2sp.org/tlog-cosignature)."""


class LogPolicyError(LogError):
    """A text is no policy of a log, or a checkpoint does not meet it (c2sp.org/tlog-policy)."""


class LogKeyError(LogError):
    """A statement about the log's keys is none, or does not follow from those that are trusted.

    Args:
        message: Which rule is broken.
        code: "bad_statement", "other_log", "unknown_key", "two_successors" or "bad_order".
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class LogProofError(LogError):
    """A text is no proof, or does not prove this entry (c2sp.org/tlog-proof)."""


class TileError(LogError):
    """A path names no tile, or bytes are no tile or bundle (c2sp.org/tlog-tiles)."""


class TimestampError(ProtocolError):
    """There is no timestamp, or it proves nothing about this (RFC 3161); the text says why."""


class TokenReason(StrEnum):
    """Why a token was refused: short and stable, for the server's log and never for the sender."""

    NOT_TEXT = "not_text"
    TOO_LONG = "too_long"
    SEGMENTS = "segments"
    BASE64 = "base64"
    HEADER_JSON = "header_json"
    HEADER_MEMBERS = "header_members"
    TYP = "typ"
    ALG = "alg"
    KID = "kid"
    CLAIMS_JSON = "claims_json"
    CLAIMS_MEMBERS = "claims_members"
    ISS = "iss"
    SUB = "sub"
    AUD = "aud"
    IAT = "iat"
    EXP = "exp"
    LIFETIME = "lifetime"
    JTI = "jti"
    HTM = "htm"
    HTU = "htu"
    BODY_SHA256 = "body_sha256"
    HANDLE = "handle"
    SUBJECT = "subject"
    CLAIM = "claim"
    SIGNATURE_LENGTH = "signature_length"
    KID_MISMATCH = "kid_mismatch"
    ALG_MISMATCH = "alg_mismatch"
    SIGNATURE = "signature"
    ISS_MISMATCH = "iss_mismatch"
    SUB_MISMATCH = "sub_mismatch"
    AUD_MISMATCH = "aud_mismatch"
    HTM_MISMATCH = "htm_mismatch"
    HTU_MISMATCH = "htu_mismatch"
    BODY_MISMATCH = "body_mismatch"
    HANDLE_MISMATCH = "handle_mismatch"
    SUBJECT_MISMATCH = "subject_mismatch"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    KEY_KIND = "key_kind"
    ACT_BODY = "act_body"
    CLIENT_DATA = "client_data"
    CHALLENGE_MISMATCH = "challenge_mismatch"
    ORIGIN_MISMATCH = "origin_mismatch"
    CROSS_ORIGIN = "cross_origin"
    AUTHENTICATOR_DATA = "authenticator_data"
    RP_MISMATCH = "rp_mismatch"
    NOT_PRESENT = "not_present"
    NOT_VERIFIED = "not_verified"


class TokenError(ProtocolError):
    """A request token or proof of possession is refused.

    Args:
        reason: The stable code for the log.
        detail: A sentence for the log; it never repeats the token.
    """

    def __init__(self, reason: TokenReason, detail: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}")
