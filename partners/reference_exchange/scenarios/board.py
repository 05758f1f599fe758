"""The live table of a scenario; without a terminal, a line for every change."""

import time
from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from holdfast import Client, format_amount
from holdfast.protocol.views import LegView, Units
from reference_exchange.scenarios.processes import ScenarioError

#: Sentences are not broken into less, however narrow the terminal is.
_NARROWEST = 40
_SUMS = ("found", "frozen", "held", "released", "returned")
_STATUS_STYLE = {
    "queued": "dim",
    "frozen": "bold green",
    "partially_frozen": "green",
    "no_match": "blue",
    "cannot_say": "magenta",
    "declined": "red",
    "returned": "cyan",
    "released": "cyan",
}


class Board:
    """Shows what every exchange answered to every request, as the requester sees it.

    Args:
        client: The requester's.
        console: Where to.
        units: How to show amounts, by asset in lower case.
        started: When the scenario began, on the monotonic clock: seconds go on over its acts.
    """

    def __init__(self, client: Client, console: Console, units: Units, started: float) -> None:
        self._client = client
        self._console = console
        self._units = units
        self._requests: dict[str, int] = {}
        self._shown: dict[str, str] = {}
        self._started = started
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Print what happens, with the seconds since the beginning; on a terminal by its width."""
        stamp = f"{time.monotonic() - self._started:6.2f}  "
        if self._console.is_terminal:
            width = max(self._console.width - len(stamp), _NARROWEST)
            lines = wrap(text, width, break_long_words=False, break_on_hyphens=False)
            text = ("\n" + " " * len(stamp)).join(lines)
        self._console.print(Text(f"{stamp}{text}"))

    def head(self, title: str) -> None:
        """Print a heading."""
        self._console.print()
        self._console.print(Text(title, style="bold"))

    def follow(self, request_id: str, number: int) -> None:
        """Show this request from now on, under a number that people can tell from others."""
        self._requests[request_id] = number

    def label(self, request_id: str) -> str:
        """Return what a followed request is called here."""
        return f"request {self._requests[request_id]}"

    def amount(self, asset: str, amount: str) -> str:
        """Return an amount for people."""
        return format_amount(amount, self._units.get(asset.lower()), asset=asset)

    def wait_until(
        self, what: str, is_reached: Callable[[Mapping[str, LegView]], bool], *, seconds: float
    ) -> None:
        """Show the newest request until its legs, by handle, are as they should be.

        Raises:
            ScenarioError: They never were.
        """
        end = time.monotonic() + seconds
        while True:
            legs = self.refresh()
            if is_reached({leg.partner: leg for leg in legs}):
                return
            if time.monotonic() > end:
                states = ", ".join(f"{leg.partner} {leg.status.value}" for leg in legs)
                raise ScenarioError(f"{what}: still not after {seconds:.0f} s ({states})")
            time.sleep(0.1)

    def refresh(self) -> Sequence[LegView]:
        """Fetch and show all; return the newest request's legs."""
        legs = [list(self._client.legs(request_id)) for request_id in self._requests]
        if self._live is not None:
            self._live.update(self._render(legs), refresh=True)
        else:
            for request_legs in legs:
                for leg in request_legs:
                    self._say_change(leg)
        return legs[-1]

    def _say_change(self, leg: LegView) -> None:
        state = f"{self.label(leg.request_id)}, {leg.partner}: {self._describe(leg)}"
        if self._shown.get(leg.id) != state:
            self._shown[leg.id] = state
            self.say(state)

    def _describe(self, leg: LegView) -> str:
        sums = "; ".join(
            f"{name} {self.amount(asset, getattr(totals, name))}"
            for asset, totals in sorted(leg.totals.items())
            for name in _SUMS
            if getattr(totals, name) != "0"
        )
        return _state(leg) + (f": {sums}" if sums else "")

    def _render(self, legs: Sequence[Sequence[LegView]]) -> RenderableType:
        tables: list[RenderableType] = []
        for request_id, request_legs in zip(self._requests, legs, strict=True):
            title = f"{self.label(request_id)}: {request_id}"
            made = Table(title=title, title_justify="left", box=None, pad_edge=False)
            for column in ("partner", "status", *_SUMS):
                made.add_column(column, no_wrap=True)
            for leg in request_legs:
                made.add_row(*self._row(leg))
            tables.append(made)
        return Group(*tables)

    def _row(self, leg: LegView) -> list[Text]:
        status = Text(_state(leg), style=_STATUS_STYLE.get(leg.status.value, ""))
        sums = [
            "\n".join(
                self._amount(asset, getattr(totals, name))
                for asset, totals in sorted(leg.totals.items())
            )
            for name in _SUMS
        ]
        # The first label is enough, and lets the table fit into 80 columns.
        return [Text(leg.partner.partition(".")[0]), status, *map(Text, sums)]

    def _amount(self, asset: str, amount: str) -> str:
        return "-" if amount == "0" else self.amount(asset, amount)


def _state(leg: LegView) -> str:
    """Return a leg's status with its code and its flags."""
    code = f" ({leg.decline_code})" if leg.decline_code else ""
    flags = f" [{', '.join(leg.flags)}]" if leg.flags else ""
    return leg.status.value + code + flags
