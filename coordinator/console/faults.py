"""What the API refused, put beside the fields of the form that was sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from coordinator.console.words import fault_sentence
from coordinator.domain.errors import CoordinatorError


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a form: by field, and as the list above it.

    Attributes:
        by_field: Text by the field's name.
        listed: (id of the field or "", text), as `parts/forms.html` shows them.
    """

    by_field: Mapping[str, str] = field(default_factory=dict)
    listed: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, error: CoordinatorError, fields: Mapping[str, str]) -> "Faults":
        """Return what an error says of each field; what is about none of them stands above.

        Args:
            error: The API's refusal.
            fields: Names of the form's fields by the body's member.
        """
        by_field: dict[str, str] = {}
        listed: list[tuple[str, str]] = []
        for fault in error.errors:
            name = fields.get(fault.pointer.split("/")[1] if "/" in fault.pointer else "")
            text = fault_sentence(fault.detail)
            listed.append(("" if name is None else f"f-{name}", text))
            if name is not None:
                by_field.setdefault(name, text)
        return cls(by_field, listed or [("", fault_sentence(error.message))])

    @classmethod
    def one(cls, name: str, text: str) -> "Faults":
        """Return a single fault of one field."""
        return cls({name: text}, [(f"f-{name}", text)])
