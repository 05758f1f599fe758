"""What the exit status of `holdfast` means; scripts rely on these numbers, so they never change."""

from enum import IntEnum

from pydantic import ValidationError as ModelError

from holdfast import errors


class ExitCode(IntEnum):
    """One number for each thing that a script would do differently."""

    OK = 0
    UNEXPECTED = 1  # a fault of the kit
    USAGE = 2  # wrong options, no or ambiguous profile
    AUTHENTICATION = 3  # the coordinator does not know this key (any more)
    NOT_ALLOWED = 4  # not allowed to, or no such thing
    REFUSED = 5  # not in the present state, or against the ledger
    INVALID = 6  # the input has faults
    UNREACHABLE = 7  # no answer, too many requests, or out of service: try again later
    UNTRUSTED = 8  # evidence or a pinned key does not fit: do not act
    LOG_ALARM = 9  # the log forked, went back or left something out: keep the files, ask others
    INTERRUPTED = 130  # Ctrl-C, as shells have it: 128 and the signal's number


_BY_ERROR: tuple[tuple[type[Exception], ExitCode], ...] = (
    (errors.ProfileError, ExitCode.USAGE),
    (errors.AuthenticationError, ExitCode.AUTHENTICATION),
    (errors.PermissionDeniedError, ExitCode.NOT_ALLOWED),
    (errors.NotFoundError, ExitCode.NOT_ALLOWED),
    (errors.ErasedError, ExitCode.NOT_ALLOWED),
    (errors.ConflictError, ExitCode.REFUSED),
    (errors.NothingToDecideError, ExitCode.REFUSED),
    (errors.NoEncryptionKeyError, ExitCode.REFUSED),
    (errors.ValidationError, ExitCode.INVALID),
    (errors.InvalidDraftError, ExitCode.INVALID),
    (ModelError, ExitCode.INVALID),
    (errors.RateLimitedError, ExitCode.UNREACHABLE),
    (errors.UnavailableError, ExitCode.UNREACHABLE),
    (errors.TransportError, ExitCode.UNREACHABLE),
    (errors.LogAlarmError, ExitCode.LOG_ALARM),
    (errors.UntrustedEvidenceError, ExitCode.UNTRUSTED),
)


def exit_code_for(error: Exception) -> ExitCode:
    """Return the exit status for an error of the kit."""
    for kind, code in _BY_ERROR:
        if isinstance(error, kind):
            return code
    return ExitCode.UNEXPECTED
