"""What the coordinator answers about who read a request."""

from typing import Literal

from holdfast.protocol.payloads import Handle, Time
from holdfast.protocol.views import View
from holdfast.protocol.vocabulary import Role

#: What of a request is read: itself and its smaller lists; its flagged addresses, also in a trace;
#: legs, ledger, holds and answers; its events, also in the feed; its acts with what proves them;
#: files sealed to some; the summary for people outside; the evidence bundle.
ReadOf = Literal[
    "request",
    "addresses",
    "answers",
    "events",
    "evidence",
    "sealed_evidence",
    "summary",
    "bundle",
]
#: By a signed request of the API, or on a page of the console.
ReadVia = Literal["api", "console"]


class RequestReadView(View):
    """Reads of one thing by one key, counted within an hour by the clock (UTC).

    `kid` is absent where somebody had signed in by their organisation's own provider; `roles` are
    those that they had then. What a person is called is told to their own organisation alone.
    """

    id: str
    partner: Handle
    subject: str
    roles: list[Role]
    kid: str | None = None
    what: ReadOf
    via: ReadVia
    first_at: Time
    last_at: Time
    count: int
