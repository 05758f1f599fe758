"""The body of a request: read whole and bounded, parsed strictly, held to its model."""

from collections.abc import Sequence
from typing import TypeVar

from flask import request
from pydantic import ValidationError

from coordinator.api import problems
from coordinator.api.calls import present_call
from coordinator.api.context import AppContext, current_context
from coordinator.api.customer_data import customer_data
from coordinator.api.responses import JSON
from coordinator.domain.errors import (
    BodyTooLargeError,
    FieldFault,
    InvalidInputError,
    MalformedBodyError,
    UnsupportedMediaTypeError,
)
from coordinator.storage.membership import partners as partner_store
from holdfast.protocol import strict_json
from holdfast.protocol.errors import StrictJsonError
from holdfast.protocol.payloads import Body

B = TypeVar("B", bound=Body)
#: Parameters of the media type, RFC 9110 section 8.3.1: an empty one is none.
_UTF_8 = frozenset({"", "charset=utf-8", 'charset="utf-8"'})


def read_body(limit: int, partner: str | None = None) -> bytes:
    """Return the raw body.

    Args:
        limit: The most bytes that it may have.
        partner: Who signed it, if known.

    Raises:
        BodyTooLargeError: If it is longer than `limit` bytes.
        PutOffError: If the server in front has not read it yet.
    """
    too_large = BodyTooLargeError(f"this path takes at most {limit} bytes")
    if request.content_length is not None and request.content_length > limit:
        raise too_large
    call = present_call()
    if call is not None:
        raw = call.take_body(limit, partner)
    else:
        raw = request.stream.read(limit + 1) if request.content_length != 0 else b""
    if len(raw) > limit:
        raise too_large
    return raw


def require_json() -> None:
    """Refuse a body that is not announced as JSON in UTF-8.

    Raises:
        UnsupportedMediaTypeError: If it is not.
    """
    if not _is_json(request.headers.get("Content-Type", "")):
        raise UnsupportedMediaTypeError(f"send Content-Type: {JSON}, in no charset but UTF-8")


def validate_body(raw: bytes, model: type[B]) -> tuple[B, list[FieldFault]]:
    """Return the body as its model, and every place where its free text names a customer.

    Raises:
        MalformedBodyError: If it is no strict JSON.
        InvalidInputError: If it does not fit the model.
    """
    try:
        value = strict_json.loads(raw)
    except StrictJsonError as error:
        raise MalformedBodyError(
            str(error), errors=[FieldFault(error.pointer, error.reason, "strict_json")]
        ) from None
    try:
        content = model.model_validate(value)
    except ValidationError as error:
        raise problems.invalid_input(error) from None
    context = current_context()
    return content, customer_data(content, lambda: _jurisdictions(context))


def _is_json(content_type: str) -> bool:
    """Tell whether this is JSON in UTF-8; the only parameter allowed is charset."""
    kind, *parameters = (part.strip(" \t").lower() for part in content_type.split(";"))
    return kind == JSON and _UTF_8.issuperset(parameters)


def parse_body(raw: bytes, model: type[B]) -> B:
    """Return the body as its model; see `require_json` and `validate_body`.

    Raises:
        InvalidInputError: Also where free text names a customer.
    """
    require_json()
    content, customer_faults = validate_body(raw, model)
    if customer_faults:
        raise customer_data_error(customer_faults)
    return content


def customer_data_error(customer_faults: Sequence[FieldFault]) -> InvalidInputError:
    """Return the error for free text that names a customer; it does not repeat the text."""
    return InvalidInputError(
        "free text must not say who a customer is; take the named parts out",
        code="customer_data",
        errors=customer_faults,
    )


def _jurisdictions(context: AppContext) -> frozenset[str]:
    """Return the jurisdictions of all members: any of them may get to read the text."""
    with context.database.engine.connect() as connection:
        return partner_store.jurisdictions(connection)
