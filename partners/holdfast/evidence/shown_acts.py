"""Acts that are shown of a restitution or recovery request, with what they prove."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import ProvenAct
from holdfast.evidence.case_file import Finding, SeenAct
from holdfast.evidence.completeness import Outcome
from holdfast.evidence.examination import look
from holdfast.protocol.payloads import Body

#: How many faults of one kind are told in words.
_TOLD = 5
B = TypeVar("B", bound=Body)


@dataclass(frozen=True, slots=True)
class ShownActs:
    """Those of which nothing failed, oldest first."""

    acts: Sequence[SeenAct]

    def of(self, model: type[B]) -> Iterator[tuple[str, ProvenAct, B]]:
        """Yield the proven acts whose body is of a model: id, act and body."""
        for act in self.acts:
            if act.proven is not None and isinstance(act.proven.payload, model):
                yield act.shown.act_id, act.proven, act.proven.payload

    def the(self, model: type[B]) -> tuple[str, ProvenAct, B]:
        """Return the one act whose body is of a model.

        Raises:
            UntrustedEvidenceError: If there is none, or several.
        """
        found = list(self.of(model))
        if len(found) != 1:
            raise UntrustedEvidenceError(
                f"{len(found) or 'none'} of the acts made the document, and it takes one",
                code="no_submission",
            )
        return found[0]


def named_in(act: ProvenAct, folder: str) -> str:
    """Return the id that stands behind a folder in the path an act was signed for."""
    parts = act.token.htu.split("/")
    return parts[parts.index(folder) + 1]


def checked(what: str, check: Callable[[], Outcome]) -> Finding:
    """Return what comes of a check; what cannot even be read (no number, no such price) fails."""

    def safe() -> Outcome:
        try:
            return check()
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise UntrustedEvidenceError(
                f"it shows values that are none: {error}", code="not_as_signed"
            ) from None

    return look(what, safe)


def refuse(faults: Sequence[str]) -> None:
    """Refuse what does not fit, if anything does not.

    Raises:
        UntrustedEvidenceError: With the first faults in words.
    """
    if faults:
        more = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
        raise UntrustedEvidenceError("; ".join(faults[:_TOLD]) + more, code="not_as_signed")
