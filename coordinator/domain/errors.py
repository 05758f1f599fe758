"""Every error with which the coordinator refuses, each with a stable code.

No HTTP here: `api.problems` is the one map from these classes to a status. A class is what callers
can do about it; the `code` narrows it down and never changes once published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One fault in a body: where (RFC 6901 pointer), what to change, and a stable code."""

    pointer: str
    detail: str
    code: str = "invalid"


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """One fault in a query: the parameter's name, what to change, and a stable code."""

    parameter: str
    detail: str
    code: str = "invalid"


class CoordinatorError(Exception):
    """Base of all refusals.

    Args:
        message: What is wrong and what to change, for people; never a secret or customer data.
        code: Stable word for programs; the class's own where absent.
        errors: The single faults, where the refusal is about a body.
        parameters: The single faults, where it is about a query.
        current_status: The status as it is, where a transition was refused.
    """

    default_code: ClassVar[str] = "refused"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        errors: Sequence[FieldFault] = (),
        parameters: Sequence[ParameterFault] = (),
        current_status: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.errors = tuple(errors)
        self.parameters = tuple(parameters)
        self.current_status = current_status


class MalformedBodyError(CoordinatorError):
    """The bytes are no strict JSON."""

    default_code = "malformed_json"


class UnsupportedMediaTypeError(CoordinatorError):
    """The body is not announced as JSON in UTF-8."""

    default_code = "unsupported_media_type"


class BodyTimeoutError(CoordinatorError):
    """The body did not come in time; nothing was read of what it meant."""

    default_code = "body_timeout"


class BodyTooLargeError(CoordinatorError):
    """The body is larger than this path takes."""

    default_code = "body_too_large"


class InvalidInputError(CoordinatorError):
    """Body or query can be read, but are not what this path takes."""

    default_code = "invalid_input"


class AuthenticationError(CoordinatorError):
    """Who sent this could not be established; the caller only learns that.

    `code` is the precise reason and goes to the server's log alone.
    """

    default_code = "unauthenticated"


class PermissionDeniedError(CoordinatorError):
    """Known, but may not do this."""

    default_code = "not_allowed"


class SelfApprovalError(CoordinatorError):
    """Four eyes: nobody approves what they had a hand in."""

    default_code = "four_eyes"


class NotFoundError(CoordinatorError):
    """There is no such thing, or the caller may not see it: the two look the same."""

    default_code = "not_found"


class PreconditionFailedError(CoordinatorError):
    """What is there now is not what `If-Match` names; read it again without that header."""

    default_code = "precondition_failed"


class MethodNotAllowedError(CoordinatorError):
    """The path exists, the method does not."""

    default_code = "method_not_allowed"


class InvalidTransitionError(CoordinatorError):
    """The life cycle has no such step from here."""

    default_code = "invalid_transition"


class ConflictError(CoordinatorError):
    """What was true when it was read has changed since, or is there already."""

    default_code = "conflict"


class RulebookError(CoordinatorError):
    """The act names another rulebook than the one in force, or one that is not accepted."""

    default_code = "rulebook_not_in_force"


class GatewayError(CoordinatorError):
    """The document is under a gateway that its partner does not hold, or that is not asked for."""

    default_code = "gateway_not_held"


class StaleDocumentError(CoordinatorError):
    """The act names another document, or another decision context, than the one in force."""

    default_code = "other_document"


class LedgerBreachError(CoordinatorError):
    """The report would break the ledger; it is refused whole."""

    default_code = "ledger_breach"


class IdempotencyConflictError(CoordinatorError):
    """The same idempotency key came with another request."""

    default_code = "idempotency_key_reused"


class ErasedError(CoordinatorError):
    """What it said is erased; `erased` tells when, by whom, and what numbers remain."""

    default_code = "erased"

    def __init__(self, message: str, *, erased: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.erased = erased


class RateLimitedError(CoordinatorError):
    """Too many requests; `retry_after` says when to come back, in whole seconds."""

    default_code = "rate_limited"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(CoordinatorError):
    """The coordinator cannot do this now; nothing was stored.

    Args:
        message: For whoever called.
        retry_after: Seconds.
        why: What the operator must know, and nobody else: it may name files and places.
        code: Where it is not of the common kind.
    """

    default_code = "unavailable"

    def __init__(
        self, message: str, *, retry_after: int = 1, why: str = "", code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
        self.why = why

    def __str__(self) -> str:
        return f"{self.message}: {self.why}" if self.why else self.message
