"""Facts of a made-up case."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from coordinator.summary.facts import (
    Act,
    Address,
    Answer,
    AssetSum,
    Attempt,
    Decision,
    Fact,
    Facts,
    Mark,
    Paper,
    Statement,
    Told,
)

_AT = "2 Mar 2026, 12:00:00 UTC"
_FACTS = Facts(
    request_id="frq_01jm00000000000000000000aa",
    drill=False,
    title="Hot wallet drained",
    tlp="TLP:AMBER+STRICT",
    state="Active",
    made_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
    made_for="a.example",
    sees_all=True,
    coordinator="https://coordinator.example",
    content_sha256="ab" * 32,
    log_origin="coordinator.example/v1/log",
    log_size=7,
    log_root="cd" * 32,
    in_short=(Statement("A asks B to freeze.", Mark.SIGNED),),
    asked=(Fact("Asked by", "A (a.example)", Mark.SIGNED),),
    words="Proceeds of the theft.",
    decisions=(Decision("Approved", "a.example, per_1", _AT, "checked by phone", "k" * 43),),
    papers=(Paper("The request rests on a police report", "a.example", _AT, "77/26", "ef" * 32),),
    told=(Told("b.example", "B", _AT, _AT, _AT, "per_2, key " + "k" * 43),),
    attempts=(Attempt(_AT, "answered HTTP 200"),),
    answers=(Answer("b.example", "B", "Froze", _AT, "", ("10 ETH frozen", "10 ETH held")),),
    sums=(AssetSum("ETH", "10", "10", "10", "10", "0", "0", "0", "\N{EN DASH}"),),
    open_points=(Statement("b.example has 1 hold in force.", Mark.SIGNED),),
    addresses=(Address("1", "eip155:1:0x" + "a1" * 20, "10 ETH", ""),),
    address_count=1,
    acts=(Act("act_1", _AT, "The request", "a.example, per_1", "k" * 43, "0", Mark.SIGNED),),
    act_count=1,
)


def facts_with(**changes: Any) -> Facts:
    """Return the facts of a case, some of them others."""
    return replace(_FACTS, **changes)


def facts_saying(words: str) -> Facts:
    """Return facts in which whatever members write is `words`."""
    return facts_with(
        title=words,
        words=words,
        decisions=(Decision("Approved", words, _AT, words, "k" * 43),),
        papers=(Paper(words, "a.example", _AT, words, "ef" * 32),),
        asked=(Fact("Incident", words, Mark.SIGNED),),
        in_short=(Statement(words, Mark.SIGNED),),
        told=(Told("b.example", words, _AT, _AT, _AT, words),),
        attempts=(Attempt(_AT, words),),
        answers=(Answer("b.example", words, "Declined", _AT, words, (words,)),),
        sums=(AssetSum(words, "1", "1", "1", "1", "1", "1", "1", words),),
        open_points=(Statement(words, Mark.RECORDED),),
        addresses=(Address("1", words, words, words),),
        acts=(Act("act_1", _AT, words, words, "k" * 43, "0", Mark.SIGNED),),
    )
