"""Reading what a coordinator shows of its log's keys."""

from pydantic import ValidationError as ModelError

from holdfast.client.transport import Transport
from holdfast.errors import NotFoundError, TransportError
from holdfast.protocol.checkpoint import LOG_PATH
from holdfast.protocol.views import LogKeysView

#: The code of a 404 that no coordinator wrote (`problem_error`).
_NO_PROBLEM = "http_404"


def log_key_statements(transport: Transport) -> list[bytes]:
    """Return the bytes of every statement at `GET /v1/log/keys`; none of it is proven.

    An older release has no such page, and one key.

    Raises:
        TransportError: Also where the answer is no such list, or a proxy says that there is none.
    """
    try:
        answer = transport.read_public(f"{LOG_PATH}/keys")
    except NotFoundError as error:
        if error.code == _NO_PROBLEM:
            raise TransportError(f"no word of the log: {error}") from error
        return []
    try:
        view = LogKeysView.model_validate(answer.body)
        return [text.encode() for text in view.statements]
    except (ModelError, UnicodeEncodeError):
        raise TransportError("the answer does not list the log's keys") from None
