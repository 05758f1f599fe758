"""What the coordinator answers about gateways: the grounds on which members tell amounts."""

from pydantic import Field

from holdfast.protocol.payloads import Handle, Time
from holdfast.protocol.views import DeclaredGatewayView, LogEntry


class GatewayView(DeclaredGatewayView):
    """A gateway that a member declared, with the act that proves it.

    It counts from `verified_at` to `verified_until`, unless it ended before (`ended_at`).
    """

    partner: Handle
    subject: str = Field(description="Who declared it, by id.")
    signed_by: str
    verified_on: Time | None = Field(default=None, description="The day the operator looked.")
    ended_at: Time | None = Field(
        default=None,
        description="Since when it counts no more.",
    )
    token: str | None = None
    body: str | None = None
    log: LogEntry | None = None
