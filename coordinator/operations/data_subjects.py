"""The operator's part of data-subject requests: passing on a letter that came to it."""

from collections.abc import Mapping

from pydantic import ValidationError

from coordinator.domain.errors import InvalidInputError
from coordinator.operations.membership import carry_out
from coordinator.services.requests.data_subjects import PassOnDataSubjectRequest
from coordinator.settings import Settings, clock_of
from holdfast.protocol.data_subject_payloads import DataSubjectRequest
from holdfast.protocol.payloads import format_time


def pass_on(settings: Settings, members: Mapping[str, str | None]) -> Mapping[str, object]:
    """Pass on a letter to whoever is responsible; returns the answer's body.

    Args:
        settings: Of the coordinator.
        members: As of `DataSubjectRequest`; `received_at` is by default now.

    Raises:
        InvalidInputError: If something of it cannot be so, naming it.
        CoordinatorError: Whatever else the rules refuse.
    """
    now = format_time(clock_of(settings).now())
    try:
        body = DataSubjectRequest.model_validate(
            {**members, "received_at": members["received_at"] or now}
        )
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"]) or "this"
        raise InvalidInputError(f"{where}: {fault['msg']}") from None
    return carry_out(settings, PassOnDataSubjectRequest(body=body)).body
