"""What a scenario prints: scenes, what happens, and a table of answers; never beyond 80 columns."""

import time
from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from holdfast import Client, format_amount
from holdfast.protocol.views import AssetTotals, LegView, Units
from holdfast.protocol.vocabulary import LegStatus
from reference_exchange.scenarios.processes import ScenarioError

#: No line is longer, however wide the terminal is; and none is broken into less than the other.
WIDTH, _NARROWEST = 80, 40
_SUMS = ("found", "frozen", "held")
_LATER = ("released", "returned", "seized")
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
    """Tells what happens, and what every exchange answered, as the requester sees it.

    Args:
        client: The requester's.
        console: Where to.
        units: How to show amounts, by asset in lower case.
        elapsed: Seconds since the scenario began.
        pause: Gives whoever watches the time to read so many lines; does nothing for programs.
    """

    def __init__(
        self,
        client: Client,
        console: Console,
        units: Units,
        *,
        elapsed: Callable[[], float],
        pause: Callable[[int], None],
    ) -> None:
        self._client = client
        self._console = console
        self._units = units
        self._elapsed = elapsed
        self._pause = pause
        self._requests: dict[str, int] = {}
        self._shown: dict[str, str] = {}
        self._unread = 0

    def act(self, title: str) -> None:
        """Begin an act."""
        self._console.print()
        self._console.print(Text(title.upper(), style="bold reverse"))

    def scene(self, title: str, words: str) -> None:
        """Begin a scene: its title, and what it is about."""
        self._pause(self._unread)
        self._console.print()
        self._console.print(Text(title, style="bold"))
        lines = wrap(words, self._width)
        for line in lines:
            self._console.print(Text(line, style="italic"))
        self._unread = len(lines) + 1

    def say(self, text: str) -> None:
        """Print what happens, with the seconds since the beginning."""
        stamp = f"{self._elapsed():6.2f}  "
        width = max(self._width - len(stamp), _NARROWEST)
        lines = wrap(text, width, break_long_words=False, break_on_hyphens=False)
        self._unread += len(lines)
        self._console.print(Text(stamp + ("\n" + " " * len(stamp)).join(lines)))

    def show(self, lines: Sequence[str]) -> None:
        """Print lines as they are, such as those of a table."""
        self._unread += len(lines)
        for line in lines:
            self._console.print(Text(line))

    @property
    def _width(self) -> int:
        return min(self._console.width, WIDTH)

    def follow(self, request_id: str, number: int) -> None:
        """Show this request from now on, under a number that people can tell from others."""
        self._requests[request_id] = number

    def label(self, request_id: str) -> str:
        """Return what a followed request is called here."""
        return f"request {self._requests[request_id]}"

    @staticmethod
    def name(handle: str) -> str:
        """Return what an exchange is called here: the first label of its handle."""
        return handle.partition(".")[0]

    def names(self, handles: Sequence[str]) -> str:
        """Return the names of several exchanges."""
        *others, last = map(self.name, handles)
        return f"{', '.join(others)} and {last}" if others else last

    def amount(self, asset: str, amount: str) -> str:
        """Return an amount for people."""
        return format_amount(amount, self._units.get(asset.lower()), asset=asset)

    def wait_until(
        self, what: str, is_reached: Callable[[Mapping[str, LegView]], bool], *, seconds: float
    ) -> None:
        """Show the newest request until its legs, by handle, are as they should be.

        On a terminal a table shows the answers as they come, and stays there.

        Raises:
            ScenarioError: They never were.
        """
        newest = list(self._requests)[-1]
        end = time.monotonic() + seconds
        with Live(console=self._console, auto_refresh=False) as live:
            while True:
                legs = list(self._client.legs(newest))
                self._update(live, legs)
                if is_reached({leg.partner: leg for leg in legs}):
                    self._unread += len(legs)
                    break
                if time.monotonic() > end:
                    states = ", ".join(f"{leg.partner} {leg.status.value}" for leg in legs)
                    raise ScenarioError(f"{what}: still not after {seconds:.0f} s ({states})")
                time.sleep(0.1)

    def _update(self, live: Live, legs: Sequence[LegView]) -> None:
        if not self._console.is_terminal:
            for leg in legs:
                self._say_change(leg)
            return
        live.update(self._table(legs), refresh=True)
        self._shown |= {leg.id: self._describe(leg) for leg in legs}

    def refresh(self) -> None:
        """Fetch all requests, and say what changed on them."""
        for request_id in self._requests:
            for leg in self._client.legs(request_id):
                self._say_change(leg)

    def _say_change(self, leg: LegView) -> None:
        state = self._describe(leg)
        if self._shown.get(leg.id) != state:
            self._shown[leg.id] = state
            self.say(f"{self.label(leg.request_id)}, {self.name(leg.partner)}: {state}")

    def _describe(self, leg: LegView) -> str:
        sums = ", ".join(
            f"{name} {self.amount(asset, getattr(totals, name))}"
            for asset, totals in sorted(leg.totals.items())
            for name in (*_telling(totals), *_LATER)
            if getattr(totals, name) != "0"
        )
        if not sums:
            return _state(leg)
        # That it is frozen the sums say themselves.
        state = _words(*leg.flags) if leg.status is LegStatus.FROZEN else _state(leg)
        return f"{state}; in all {sums}" if state else f"in all {sums}"

    def _table(self, legs: Sequence[LegView]) -> Table:
        made = Table(box=None, pad_edge=False, padding=(0, 1))
        made.add_column("        partner", no_wrap=True)
        made.add_column("answer", no_wrap=True, min_width=22)
        for column in _SUMS:
            made.add_column(column, no_wrap=True, justify="right", min_width=9)
        for leg in legs:
            made.add_row(*self._row(leg))
        return made

    def _row(self, leg: LegView) -> list[Text]:
        status = Text(_state(leg), style=_STATUS_STYLE.get(leg.status.value, ""))
        sums = [
            "\n".join(
                self._amount(asset, getattr(totals, name))
                for asset, totals in sorted(leg.totals.items())
            )
            for name in _SUMS
        ]
        return [Text(f"        {self.name(leg.partner)}"), status, *map(Text, sums)]

    def _amount(self, asset: str, amount: str) -> str:
        return "-" if amount == "0" else self.amount(asset, amount)


def _telling(totals: AssetTotals) -> list[str]:
    """Return the sums that say something beside what was frozen."""
    return [name for name in _SUMS if name == "frozen" or getattr(totals, name) != totals.frozen]


def _state(leg: LegView) -> str:
    """Return a leg's status with its code and its flags, in words."""
    code = f" ({_words(leg.decline_code)})" if leg.decline_code else ""
    flags = f" [{_words(*leg.flags)}]" if leg.flags else ""
    return _words(leg.status.value) + code + flags


def _words(*codes: str) -> str:
    return ", ".join(codes).replace("_", " ")
