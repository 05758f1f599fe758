"""What the coordinator answers about persons who ask for their rights under data-protection law."""

from holdfast.protocol.payloads import Time
from holdfast.protocol.views import LogEntry, View
from holdfast.protocol.vocabulary import (
    DataSubjectKind,
    DataSubjectReason,
    DataSubjectStatus,
)


class DataSubjectCaseView(View):
    """What one requester has to answer, about one of its freeze requests.

    `address_no` is the flagged account that was named; none where the request was. `reason` is of a
    refusal, or of the extension while that runs. `letter` is sealed evidence on the request.
    """

    request_id: str
    requester: str
    address_no: int | None = None
    status: DataSubjectStatus
    due_at: Time
    extended_at: Time | None = None
    overdue_at: Time | None = None
    answered_at: Time | None = None
    reason: DataSubjectReason | None = None
    act_id: str | None = None
    letter: str | None = None
    log: LogEntry | None = None


class DataSubjectRequestView(View):
    """What a person asks for, as whoever passed it on reads it, and each requester its own part.

    `cases` has freeze requests that its reader may see, and nothing tells of any other. `account`
    and `request_id` are what whoever passed it on named, and are read by them alone.
    """

    id: str
    kind: DataSubjectKind
    passed_on_by: str
    reference: str | None = None
    account: str | None = None
    request_id: str | None = None
    received_at: Time
    recorded_at: Time
    due_at: Time
    cases: list[DataSubjectCaseView]
    log: LogEntry | None = None
