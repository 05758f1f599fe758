"""What the coordinator answers about on-call chains, and about who was paged when."""

from typing import Literal

from holdfast.protocol.payloads import Handle, Time
from holdfast.protocol.tasks import TaskKind
from holdfast.protocol.views import LogEntry, View

ChannelKind = Literal["email", "webhook", "pagerduty"]
#: Where one message to one person stands.
CallStatus = Literal["pending", "sent", "failed", "dropped"]
#: How an alarm ended: somebody has it; nothing of it waits any more; the chain was gone through
#: three times; there is no chain, or nobody in it, any more; it was a test.
AlarmOutcome = Literal["taken", "done", "unheard", "nobody", "test"]


class ChannelView(View):
    """By what somebody is paged.

    `target` is a mail's address, or as much of the others as they are known by: the host, and the
    last four characters of a routing key.
    """

    kind: ChannelKind
    target: str


class OnCallStepView(View):
    """Who is paged, by what, and for how many minutes alone."""

    person: str
    minutes: int
    channels: list[ChannelView]


class QuietHoursView(View):
    """When nobody is woken by what can wait, on the wall clock of a zone."""

    zone: str
    begins: str
    ends: str
    rest_days: bool


class OnCallView(View):
    """The partner's own on-call chain; without one `steps` is empty and the rest absent."""

    id: str | None = None
    steps: list[OnCallStepView]
    quiet: QuietHoursView | None = None
    set_by: str | None = None
    set_at: Time | None = None
    log: LogEntry | None = None


class OnCallRemovedView(View):
    """A chain is over."""

    id: str
    status: Literal["removed"]
    log: LogEntry | None = None


class AlarmCallView(View):
    """One message to one person; read by the own side alone.

    `error` is why the last try came to nothing; while `pending` it is tried again.
    """

    id: str
    person: str
    channel: ChannelKind
    queued_at: Time
    status: CallStatus
    sent_at: Time | None = None
    error: str | None = None


class AlarmView(View):
    """That somebody of a partner is woken: for a task, or by a test.

    The other side of a request reads that the partner was paged and when, and whether somebody has
    it; `calls` (who, by what, when) only the own side. `paged_at` is when the first was paged, None
    where quiet hours are waited out.
    """

    id: str
    partner: Handle
    kind: TaskKind | Literal["test"]
    task: str | None = None
    request_id: str | None = None
    drill: bool = False
    owed_at: Time
    paged_at: Time | None = None
    next_at: Time | None = None
    ended_at: Time | None = None
    outcome: AlarmOutcome | None = None
    calls: list[AlarmCallView] | None = None
    log: LogEntry | None = None
