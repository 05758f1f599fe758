"""What can go wrong in the kit, by what the caller can do about it.

Answers of the coordinator are problem documents (RFC 9457); `problem_error` turns one into the
class that fits its status. Everything here derives from `HoldfastError`, so one `except` catches
the kit.
"""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError as ModelError

from holdfast.protocol.views import FieldError, Problem


class HoldfastError(Exception):
    """Base of everything that the kit raises on purpose."""


class ProfileError(HoldfastError):
    """A profile or key file is missing, unreadable, ambiguous or not private enough."""


class InvalidDraftError(HoldfastError):
    """A request file has faults.

    Args:
        faults: The faults, each as a line for people, in the order of the file.
        unlisted: How many more there are, which the coordinator did not list.
        next_check: What is looked at only once these are mended, as a sentence.
        undone: What did not happen for them.
    """

    def __init__(
        self,
        faults: list[str],
        *,
        unlisted: int = 0,
        next_check: str = "",
        undone: str = "nothing was submitted",
    ) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
        self.unlisted = unlisted
        self.next_check = next_check
        self.undone = undone


class NothingToDecideError(HoldfastError):
    """The request waits for no decision, or not for this person's."""


class UntrustedEvidenceError(HoldfastError):
    """Evidence, a key or a webhook does not prove what it claims; do not act on it.

    Args:
        message: Which step failed and what that means.
        code: Stable word for programs.
    """

    def __init__(self, message: str, *, code: str = "untrusted") -> None:
        super().__init__(message)
        self.code = code


class NoEncryptionKeyError(HoldfastError):
    """A partner has published no key that evidence can be sealed to; it says who has to."""


class PinMismatchError(UntrustedEvidenceError):
    """A partner's root key is another one than the pinned: ask them by telephone before acting."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="pin_mismatch")


class LogAlarmError(UntrustedEvidenceError):
    """The log forked, went back, or left something out; nothing goes on before people looked.

    Args:
        message: What was seen, with the files that prove it.
        code: Which it was: "fork", "rollback", "altered", "omitted", "undelivered" or "key".
        files: What was kept of it.
    """

    def __init__(self, message: str, *, code: str, files: Sequence[str] = ()) -> None:
        super().__init__(message, code=code)
        self.files = tuple(files)


class LogHandoverError(UntrustedEvidenceError):
    """The log's key is said to be another one, and that does not follow from the trusted one.

    Args:
        message: What is wrong with which statement.
        code: "not_logged", or that of a `LogKeyError`: "bad_statement", "other_log", "unknown_key",
            "two_successors", "bad_order".
    """


class BundleError(UntrustedEvidenceError):
    """A file is no evidence bundle, or not the one that was made: it was altered or cut."""


class TransportError(HoldfastError):
    """No usable answer came: connection refused, broken, too slow, or no problem document.

    It is not known whether the coordinator carried the request out. Calling again with the same
    idempotency key (`idempotency_key`) finds out without doing it twice.
    """

    def __init__(self, message: str, *, idempotency_key: str | None = None) -> None:
        super().__init__(message)
        self.idempotency_key = idempotency_key


class ApiError(HoldfastError):
    """The coordinator refused; `problem` says why in its own words."""

    def __init__(self, problem: Problem, *, retry_after: float | None = None) -> None:
        super().__init__(f"{problem.title}: {problem.detail}" if problem.detail else problem.title)
        self.problem = problem
        self.retry_after = retry_after

    @property
    def code(self) -> str:
        """The stable code of the problem."""
        return self.problem.code

    @property
    def errors(self) -> list[FieldError]:
        """The single faults of body or query, each with its `place`; see `unlisted`."""
        return self.problem.errors

    @property
    def unlisted(self) -> int:
        """How many faults there are beyond those that the answer lists."""
        return max(0, (self.problem.error_count or 0) - len(self.errors))


class AuthenticationError(ApiError):
    """401: unknown or revoked key, a clock that is off, or another origin than configured."""


class PermissionDeniedError(ApiError):
    """403: known, but the role may not do this."""


class NotFoundError(ApiError):
    """404: there is no such thing, or it is not yours to see."""


class ErasedError(ApiError):
    """410: what the request said is erased; `problem.erased` tells when, by whom and why."""


class ConflictError(ApiError):
    """409: not allowed in the present state, or it would break the ledger."""


class ValidationError(ApiError):
    """400, 413, 415 or 422: the body or a parameter is wrong; `errors` names every place."""


class RateLimitedError(ApiError):
    """429: too many requests; `retry_after` says when to come back, in seconds."""


class UnavailableError(ApiError):
    """408 or 5xx: the coordinator cannot do this now."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: ValidationError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: ValidationError,
    408: UnavailableError,
    409: ConflictError,
    410: ErasedError,
    412: ConflictError,
    413: ValidationError,
    415: ValidationError,
    422: ValidationError,
    429: RateLimitedError,
}


def problem_error(status: int, body: object, *, retry_after: float | None = None) -> ApiError:
    """Return the error for an answer with `status`.

    Args:
        status: HTTP status, 400 or above.
        body: The parsed problem document, or whatever came instead (a proxy's page: None).
        retry_after: Seconds of the Retry-After header, where given.
    """
    try:
        problem = Problem.model_validate(body)
    except ModelError:
        title = f"the coordinator answered {status} without a problem document"
        problem = Problem(type="about:blank", title=title, status=status, code=f"http_{status}")
    default = UnavailableError if status >= 500 else ValidationError  # noqa: PLR2004
    return _BY_STATUS.get(status, default)(problem, retry_after=retry_after)
