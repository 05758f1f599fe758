"""One measured figure with its floor, as a line of JSON and as a row of the page."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.protocol import canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured, and what it is held against.

    Attributes:
        name: What it is, e.g. "submissions_per_second".
        database: "sqlite" or "postgresql".
        value: The figure, in `unit`.
        unit: Of figure and floor.
        floor: The same work stripped to what nobody can do without, measured in this very run.
        aim: In words, as the issue states it.
        is_met: None where the line only stands beside another and has no aim.
        ratio: Figure to floor; None where the aim is a difference.
        more: Further numbers that explain it.
    """

    name: str
    database: str
    value: float
    unit: str
    floor: float | None = None
    aim: str | None = None
    is_met: bool | None = None
    ratio: float | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """Return the line that is printed."""
        members: dict[str, Any] = {
            "figure": self.name,
            "database": self.database,
            "value": _text(self.value),
            "unit": self.unit,
            "floor": None if self.floor is None else _text(self.floor),
            "ratio": None if self.ratio is None else _text(self.ratio),
            "aim": self.aim,
            "met": self.is_met,
            **{name: _text(v) if isinstance(v, float) else v for name, v in self.more.items()},
        }
        shown = [f'"{name}":{_spelled(value)}' for name, value in members.items()]
        return "{" + ",".join(shown) + "}"


class _Number(str):
    """A number spelled already: canonical JSON knows no fractions."""

    __slots__ = ()


def _text(value: float) -> _Number:
    return _Number(short(value))


def _spelled(value: Any) -> str:
    return str(value) if isinstance(value, _Number) else canonical_json.dumps(value).decode()


def short(value: float) -> str:
    """Return three significant digits, or whole from a hundred on."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternated(
    rounds: int, floor: Callable[[], float], figure: Callable[[], float]
) -> tuple[float, float]:
    """Measure floor and figure in turn; returns the medians of both.

    Other load on the machine then falls on both alike.
    """
    floors, figures = [], []
    for _ in range(rounds):
        floors.append(floor())
        figures.append(figure())
    return median(floors), median(figures)
