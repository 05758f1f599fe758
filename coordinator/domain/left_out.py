"""What an approval may leave out of a request: addresses that then never go out.

Source: the design's wrong-target guard.
"""

from collections.abc import Collection, Sequence

from coordinator.domain.errors import ConflictError, FieldFault, InvalidInputError

#: Addresses that a sentence names, and those that it lists to be repeated.
_NAMED, _LISTED = 10, 100


def require_same(
    first: Collection[int], mine: Collection[int], *, current_status: str | None
) -> None:
    """Refuse an approval that leaves out others than the first one of its quorum.

    Raises:
        ConflictError: With what the first one leaves out.
    """
    if set(first) == set(mine):
        return
    theirs = sorted(first)
    same = "leave out the same" if theirs else "leave out none"
    listed = f' ("except": {theirs})' if 0 < len(theirs) <= _LISTED else ""
    raise ConflictError(
        f"the first approval leaves out {named(theirs)}, and yours {named(mine)}: approvals that"
        f" count to one quorum are of the same addresses; {same}{listed}, or reject",
        code="other_left_out",
        current_status=current_status,
    )


def require_may_leave_out(
    numbers: Sequence[int],
    *,
    address_count: int,
    withdrawn: Collection[int],
    current_status: str | None,
) -> None:
    """Refuse to leave out what is no address of the request, what is gone, or all that is left.

    Args:
        numbers: What the approval leaves out, as it names them.
        address_count: How many addresses the request flags.
        withdrawn: Those that were withdrawn before.
        current_status: For the refusal.

    Raises:
        InvalidInputError: Naming every place of a number that is no address.
        ConflictError: If one was withdrawn already, or none would be left to go out.
    """
    faults = [
        FieldFault(
            f"/except/{place}", f"this request has addresses 0 to {address_count - 1}", "range"
        )
        for place, number in enumerate(numbers)
        if number >= address_count
    ]
    if faults:
        raise InvalidInputError("some of these addresses do not exist", errors=faults)
    doubled = set(withdrawn).intersection(numbers)
    if doubled:
        raise ConflictError(
            f"{named(doubled)} was withdrawn already; leave out others only",
            code="withdrawn_already",
            current_status=current_status,
        )
    if len(withdrawn) + len(numbers) >= address_count:
        raise ConflictError(
            "no address would be left to go out; reject the request instead",
            code="nothing_left",
            current_status=current_status,
        )


def require_may_let_go(
    held: Collection[int], *, approvals: int, quorum: int, current_status: str | None
) -> None:
    """Refuse that a ratification lets go what takes more leads to let go.

    Args:
        held: What it leaves out, and on which something is held.
        approvals: How many leads ratify.
        quorum: How many leads letting held funds go takes.
        current_status: For the refusal.

    Raises:
        ConflictError: If there are too few.
    """
    if held and approvals < quorum:
        raise ConflictError(
            f"funds are held on {named(held)}, and your policy asks for {quorum} leads to let them"
            " go: ratify without leaving that out, then withdraw it",
            code="held_meanwhile",
            current_status=current_status,
        )


def named(numbers: Collection[int]) -> str:
    """Return addresses as a sentence names them, the first of many."""
    if not numbers:
        return "no address"
    shown = ", ".join(str(number) for number in sorted(numbers)[:_NAMED])
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"address{'es' if len(numbers) > 1 else ''} {shown}{more}"
