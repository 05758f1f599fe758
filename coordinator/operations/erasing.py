"""The operator's part of erasing: proposing it, listing it, and doing it again after a restore."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coordinator.domain.errors import CoordinatorError, InvalidInputError
from coordinator.operations.membership import carry_out
from coordinator.operations.preparation import open_migrated
from coordinator.services.ending.erasures import EraseAgain, ProposeErasure
from coordinator.settings import Settings
from coordinator.storage.requests import erasures as store
from holdfast.protocol import strict_json
from holdfast.protocol.errors import StrictJsonError
from holdfast.protocol.payloads import Time, format_time
from holdfast.protocol.type_ids import id_pattern
from holdfast.protocol.vocabulary import ErasureReason


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    request_id: Annotated[str, Field(pattern=id_pattern("frq"))]
    reason: ErasureReason
    erased_at: Time


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of erasing again.

    Attributes:
        erased: How many requests were.
        rest: How many were erased already, or are not in this database.
        refused: The others, each with why.
    """

    erased: int
    rest: int
    refused: Sequence[tuple[str, str]]


def propose(settings: Settings, request_id: str, reason: ErasureReason) -> Mapping[str, object]:
    """Propose to erase a request; returns the answer's body.

    Raises:
        CoordinatorError: Whatever the rules refuse.
    """
    return carry_out(settings, ProposeErasure(request_id=request_id, reason=reason)).body


def erased(settings: Settings) -> list[dict[str, str]]:
    """Return every request that is erased, in the form in which `erase_again` takes them."""
    database = open_migrated(settings)
    try:
        with database.engine.connect() as connection:
            found = store.all_erased(connection)
    finally:
        database.engine.dispose()
    return [
        {
            "request_id": each.request_id,
            "reason": each.reason,
            "erased_at": format_time(each.erased_at),
        }
        for each in found
    ]


def erase_again(settings: Settings, listed: bytes) -> Outcome:
    """Erase what a list names, in a database that was restored from an older backup.

    Args:
        settings: Of the coordinator, which does not serve yet.
        listed: A JSON object a line, as `erased` returns them.

    Raises:
        InvalidInputError: If it is no such list; nothing is erased.
    """
    wanted = [_line(number, line) for number, line in enumerate(listed.splitlines(), 1) if line]
    done, refused = 0, []
    for each in wanted:
        command = EraseAgain(request_id=each.request_id, reason=each.reason)
        try:
            done += carry_out(settings, command).status == _CREATED
        except CoordinatorError as error:
            refused.append((each.request_id, error.message))
    return Outcome(done, len(wanted) - done - len(refused), refused)


_CREATED = 201


def _line(number: int, line: bytes) -> _Listed:
    try:
        return _Listed.model_validate(strict_json.loads(line))
    except (StrictJsonError, ValidationError):
        raise InvalidInputError(
            f"line {number} is none of a list that `holdfast-coordinator erase --list` printed"
        ) from None
