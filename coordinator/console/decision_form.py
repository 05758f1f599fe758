"""What a lead typed on the page of a decision: read, kept through errors, turned into the act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from coordinator.console.decision_addresses import KINDS
from coordinator.console.forms import Form
from coordinator.domain.errors import CoordinatorError
from holdfast.protocol.remainder import LeftOut
from holdfast.protocol.vocabulary import (
    ABOUT_OTHER_REQUESTS,
    ACCEPTED_SINGLY,
    Decision,
    WarningCode,
)

_PREFIX = "reason-"
_MOST_DIGITS = 5


class Fault(NamedTuple):
    """What is missing or wrong: the field, and what to do about it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed and ticked.

    Attributes:
        reasons: Why a warning is acceptable, by the name of its field.
        left_out: Numbers of the addresses to leave out.
        comment: To the partners asked, with an approval.
        why: Why it is rejected.
    """

    reasons: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[int] = frozenset()
    comment: str = ""
    why: str = ""

    @classmethod
    def of(cls, form: Form, address_count: int) -> "Typed":
        """Read a form; a number of no address is none."""
        numbers = (text for text in form.texts("except") if _is_number(text))
        return cls(
            reasons={name: form.text(name) for name in form.fields if name.startswith(_PREFIX)},
            left_out=frozenset(no for no in map(int, numbers) if no < address_count),
            comment=form.text("comment"),
            why=form.text("why"),
        )

    def reason(self, name: str) -> str:
        """Return what was typed into a field of a reason."""
        return self.reasons.get(name, "")

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed or ticked."""
        return not (any(self.reasons.values()) or self.left_out or self.comment or self.why)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def reason_name(code: str, number: int | None = None) -> str:
    """Return the name of the field for the reason of a kind, or of one address of it."""
    return f"{_PREFIX}{code}" if number is None else f"{_PREFIX}{code}-{number}"


class Wanted(NamedTuple):
    """A reason that an approval needs.

    Attributes:
        name: Of its field.
        code: The warning that it accepts.
        number: The one address that it is for; None for all of its kind.
        said: What it is about, in words.
    """

    name: str
    code: WarningCode
    number: int | None
    said: str


def wanted_reasons(warnings: Sequence[Mapping[str, Any]], left_out: frozenset[int]) -> list[Wanted]:
    """Return the reasons that an approval needs which leaves these addresses out."""
    by_code = {WarningCode(each["code"]): each["address_nos"] for each in warnings}
    wanted = []
    for code in KINDS:
        numbers = [no for no in by_code.get(code, ()) if no not in left_out]
        if not numbers or code in ABOUT_OTHER_REQUESTS:
            continue
        if code not in ACCEPTED_SINGLY:
            wanted.append(Wanted(reason_name(code), code, None, KINDS[code]))
            continue
        wanted += [
            Wanted(reason_name(code, no), code, no, f"{KINDS[code]}, no. {no}") for no in numbers
        ]
    return wanted


def missing_reasons(wanted: Sequence[Wanted], typed: Typed) -> list[Fault]:
    """Return the reasons that were not given yet."""
    return [
        Fault(
            each.name,
            f"{each.said}: say why that is right all the same, or leave it out."
            if each.number is None
            else f"Give a reason for no. {each.number}, or leave it out.",
        )
        for each in wanted
        if not typed.reason(each.name)
    ]


def approval_body(
    request: Mapping[str, Any],
    typed: Typed,
    wanted: Sequence[Wanted],
    document: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the body of an approval (`payloads.Approval`).

    Args:
        request: As it was shown.
        typed: What its lead typed.
        wanted: The reasons that it needs, all given.
        document: The submitted document, parsed; None where nothing is left out.
    """
    accepted = [
        {
            "code": each.code.value,
            "address_nos": "all" if each.number is None else [each.number],
            "reason": typed.reason(each.name),
        }
        for each in wanted
    ]
    body = decision_body(request, Decision.APPROVE, typed.comment)
    if accepted:
        body["warnings_accepted"] = accepted
    if document is not None and typed.left_out:
        left_out = LeftOut.of(document, typed.left_out)
        body |= {
            "except": list(left_out.numbers),
            "remainder_sha256": left_out.remainder_sha256,
        }
    return body


def decision_body(request: Mapping[str, Any], decision: Decision, comment: str) -> dict[str, Any]:
    """Return the body of a decision with nothing but a comment."""
    body: dict[str, Any] = {
        "content_sha256": request["content_sha256"],
        "context_sha256": request["context_sha256"],
        "decision": decision.value,
    }
    return body | {"comment": comment} if comment else body


def faults_of(error: CoordinatorError, wanted: Sequence[Wanted], comment: str) -> list[Fault]:
    """Return what the API found wrong, each at the field that it is about.

    Args:
        error: The refusal.
        wanted: The reasons in the order of `warnings_accepted`.
        comment: The name of the field that the body's comment came from.
    """
    if not error.errors:
        return [Fault("", _sentence(error.message))]
    return [
        Fault(_field_at(each.pointer, wanted, comment), _sentence(each.detail))
        for each in error.errors
    ]


def _field_at(pointer: str, wanted: Sequence[Wanted], comment: str) -> str:
    parts = pointer.split("/")[1:]
    if parts[:1] == ["comment"]:
        return comment
    is_reason = parts[:1] == ["warnings_accepted"] and len(parts) > 1 and parts[1].isdigit()
    return wanted[int(parts[1])].name if is_reason and int(parts[1]) < len(wanted) else ""


def _sentence(text: str) -> str:
    ending = "" if text.endswith((".", "?", "!")) else "."
    return f"{text[:1].upper()}{text[1:]}{ending}"
