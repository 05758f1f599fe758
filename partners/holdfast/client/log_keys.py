"""Reading what a coordinator shows of its log's keys."""

from pydantic import ValidationError as ModelError

from holdfast.client.transport import Transport
from holdfast.errors import NotFoundError, TransportError
from holdfast.protocol.checkpoint import LOG_PATH
from holdfast.protocol.views import LogKeysView


def log_key_statements(transport: Transport) -> list[bytes]:
    """Return the bytes of every statement at `GET /v1/log/keys`; none of it is proven.

    An older release has no such page, and one key.

    Raises:
        TransportError: Also where the answer is no such list.
    """
    try:
        answer = transport.read_public(f"{LOG_PATH}/keys")
    except NotFoundError:
        return []
    try:
        view = LogKeysView.model_validate(answer.body)
        return [text.encode() for text in view.statements]
    except (ModelError, UnicodeEncodeError):
        raise TransportError("the answer does not list the log's keys") from None
