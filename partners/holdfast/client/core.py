"""What every call of the client shares: signing, idempotency keys, typed answers, pages."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel
from pydantic import ValidationError as ModelError

from holdfast.client.transport import Answer, Transport
from holdfast.errors import TransportError
from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import Body
from holdfast.protocol.views import ActView, Page, View

V = TypeVar("V", bound=View)
REQUESTS = "/v1/freeze-requests"


class RequestRef(Protocol):
    """What an act is about: a request's view, a proven notice, a `Document`."""

    @property
    def id(self) -> str:
        """`frq_…`."""
        ...

    @property
    def content_sha256(self) -> str:
        """SHA-256 of the exact submitted body."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """A request by its id and the hash of its body, both as the caller saw them."""

    id: str
    content_sha256: str


def encode(body: Body) -> bytes:
    """Return the bytes to sign and send for `body`: only members that were set, canonical JSON."""
    return canonical_json.dumps(body.model_dump(mode="json", exclude_unset=True))


def parse_view(model: type[V], body: Any) -> V:
    """Return `body` as a view.

    Raises:
        TransportError: If it is not what the contract says.
    """
    try:
        return model.model_validate(body)
    except ModelError as error:
        first = error.errors()[0]
        place = "/".join(str(part) for part in first["loc"])
        raise TransportError(
            f"the answer is no {model.__name__} (/{place}: {first['msg']}): is the kit too old?"
        ) from None


class ClientCore:
    """Signs, sends and reads; what there is to ask for stands in its subclasses.

    Args:
        profile: Who signs; its coordinator is the audience of every token.
        transport: Replaces the default one (other time-outs, retries, a tunnel).
        now: Wall time in seconds since 1970, by which tokens are made.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        transport: Transport | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.profile = profile
        self.transport = transport or Transport(profile, profile.coordinator, now=now)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Body | bytes | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Send any signed request; `bytes` are signed and sent exactly as they are.

        Raises:
            ApiError: The coordinator refused.
            TransportError: No usable answer came.
        """
        raw = encode(body) if isinstance(body, BaseModel) else body
        return self.transport.exchange(
            method, path, query=query, body=raw, idempotency_key=idempotency_key
        )

    def _get(self, model: type[V], path: str, **query: Any) -> V:
        return parse_view(model, self.request("GET", path, query=query).body)

    def _post(
        self, model: type[V], path: str, body: Body | bytes | None, idempotency_key: str | None
    ) -> V:
        answer = self.request("POST", path, body=body, idempotency_key=idempotency_key)
        return parse_view(model, answer.body)

    def _pages(self, model: type[V], path: str, **query: Any) -> Iterator[V]:
        """Yield every item of a list, fetching page after page as they are consumed."""
        cursor: str | None = None
        while True:
            answer = self.request("GET", path, query={**query, "cursor": cursor})
            page = parse_view(Page[model], answer.body)  # type: ignore[valid-type]
            yield from page.items
            if page.next_cursor is None or page.next_cursor == cursor:
                return
            cursor = page.next_cursor

    def _act(
        self, request: RequestRef, name: str, body: Body, idempotency_key: str | None
    ) -> ActView:
        return self._post(ActView, f"{REQUESTS}/{request.id}/{name}", body, idempotency_key)
