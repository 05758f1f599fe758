"""What a line that joins a hold states of it: the hold's own terms, or nothing.

A top-up and a sharing change no end and no ground. Stated otherwise they would be dropped in
silence, and yet stand in the signed report and in the ledger.
"""

from coordinator.domain.hold import HoldBalance
from holdfast.protocol.payloads import CorrectionLine, FrozenLine

_CHANGED_BY = "an extension changes it"


def account_level_fault(
    line: FrozenLine | CorrectionLine, hold: HoldBalance
) -> tuple[str, str, str] | None:
    """Return (member, detail, code) where a line takes back that the whole account is frozen."""
    if hold.account_level and "account_level" in line.model_fields_set and not line.account_level:
        return (
            "account_level",
            "is true of this hold and stays so: leave it out, or open another hold",
            "other_account_level",
        )
    return None


def top_up_terms_fault(line: FrozenLine, hold: HoldBalance) -> tuple[str, str, str] | None:
    """Return (member, detail, code) of a term that a top-up states otherwise, or None.

    A top-up has a time of its own, and may make the freeze one of the whole account.
    """
    return account_level_fault(line, hold) or _end_or_ground_fault(line, hold, "a top-up keeps it")


def sharing_terms_fault(line: FrozenLine, hold: HoldBalance) -> tuple[str, str, str] | None:
    """Return (member, detail, code) of a term that a sharing line states otherwise, or None."""
    if line.frozen_at not in {None, hold.frozen_at}:
        detail = f"is not the time of this hold, {hold.frozen_at.isoformat()}: leave it out"
        return "frozen_at", detail, "other_time"
    if "account_level" in line.model_fields_set and line.account_level != hold.account_level:
        is_level = str(hold.account_level).lower()
        detail = f"is {is_level} of this hold, which is shared as it is: leave it out"
        return "account_level", detail, "other_account_level"
    return _end_or_ground_fault(line, hold, "sharing keeps it")


def _end_or_ground_fault(
    line: FrozenLine, hold: HoldBalance, kept: str
) -> tuple[str, str, str] | None:
    if line.hold_expires_at not in {None, hold.hold_expires_at}:
        end = hold.hold_expires_at.isoformat()
        detail = f"is not the end of this hold, {end}: {kept}, {_CHANGED_BY}"
        return "hold_expires_at", detail, "other_end"
    if "basis" in line.model_fields_set and line.basis is not hold.basis:
        detail = f"is not the ground of this hold, {hold.basis.value}: {kept}, {_CHANGED_BY}"
        return "basis", detail, "other_basis"
    return None
