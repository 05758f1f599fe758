"""What the demonstration prints fits the terminal of whoever watches it."""

import io
import time
from typing import Any, cast

from rich.console import Console

from reference_exchange.scenarios.board import Board

SENTENCE = (
    "request 1, exchange-a.example: the analyst submitted it, 51 addresses (frq_01m8jgtsq7egh8rs)"
)


def _said(*, is_terminal: bool) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=is_terminal, soft_wrap=True)
    Board(cast("Any", None), console, {}, time.monotonic()).say(SENTENCE)
    return out.getvalue().splitlines()


def test_a_sentence_is_broken_between_words_and_indented_on_a_terminal() -> None:
    lines = _said(is_terminal=True)
    assert len(lines) == 2
    assert all(len(line) <= 80 for line in lines)
    assert lines[1].startswith("        ")
    assert " ".join(" ".join(lines).split()[1:]) == SENTENCE


def test_without_a_terminal_a_sentence_stays_one_line() -> None:
    assert len(_said(is_terminal=False)) == 1
