"""What somebody typed into one of the page's forms, and what is wrong with it, field by field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from coordinator.console.forms import Form
from holdfast.protocol.payloads import format_time


class Fault(NamedTuple):
    """One thing that is missing or wrong: the field ("" for the form), and what to change."""

    field: str
    text: str


class FilledWrongError(Exception):
    """A form cannot become an act; nothing was kept.

    Args:
        faults: Each beside its field.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it came back, or none: then every field shows what it does at first.

    Attributes:
        key: Which of the page's forms; "" for none.
        form: What was typed.
        faults: What is wrong.
    """

    key: str = ""
    form: Form = field(default_factory=Form)
    faults: Sequence[Fault] = ()

    def value(self, key: str, name: str, first: str = "") -> str:
        """Return what a field shows."""
        return self.form.fields.get(name, "") if key == self.key else first

    def ticked(self, key: str, name: str, *, first: bool = False) -> bool:
        """Tell whether a box is ticked."""
        return name in self.form.fields if key == self.key else first

    def fault(self, key: str, name: str) -> str:
        """Return what is wrong with a field; "" where nothing is."""
        found = [each.text for each in self.faults if each.field == name]
        return " ".join(found) if key == self.key else ""

    def is_open(self, key: str) -> bool:
        """Tell whether a fold is open at once: its form came back."""
        return key == self.key

    def explains(self) -> bool:
        """Tell whether something of a report's explanation was typed, or is missing."""
        if self.key != "report":
            return False
        names = {"detail", "missing", "retry", "next_service", "next_account", "next_tx", "left_at"}
        wrong = {each.field for each in self.faults}
        return any(self.form.text(name) for name in names) or bool(names & wrong)

    def errors(self) -> list[tuple[str, str]]:
        """Return the faults as `parts/forms.html` lists them: (id of the field, text)."""
        return [
            (field_id(self.key, each.field) if each.field else "", each.text)
            for each in self.faults
        ]


def field_id(key: str, name: str) -> str:
    """Return the id of a field: a page has many forms, and some of them the same fields."""
    return f"f-{key}-{name}"


def lines_of(text: str) -> list[str]:
    """Return the lines of a field that are not blank."""
    return [line.strip() for line in text.split("\n") if line.strip()]


def time_of(form: Form, name: str, faults: list[Fault], *, first: datetime | None = None) -> str:
    """Return a time of a form, UTC, as the API takes it; "" where there is none.

    Args:
        form: What was typed.
        name: Of the field, which a browser writes as "2026-03-06T23:00".
        faults: Gets one where the field holds something else.
        first: What stands for an empty field.
    """
    text = form.text(name)
    if not text:
        return "" if first is None else format_time(first)
    try:
        found = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        faults.append(Fault(name, "Write date and time, as 2026-03-06 23:00, in UTC."))
        return ""
    return format_time(found.replace(tzinfo=found.tzinfo or UTC))


def without_nothing(members: Mapping[str, object]) -> dict[str, object]:
    """Return members without those that say nothing."""
    return {name: value for name, value in members.items() if value not in ("", None, [], False)}
