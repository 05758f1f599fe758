"""Figures of giving money back: sharing a pool among claims.

Processor time, not wall time: what it costs does not hang on what else runs.
"""

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter

from holdfast.protocol.allocation import ValuedClaim, share_pro_rata
from tests.benchmarks.figures import Figure, alternated
from tests.benchmarks.stage import Stages

CLAIMS = 10_000
ROUNDS = 25
ALLOCATION_RATIO = 3.0
_POOL = 2_300_000 * 10**18
#: Losses in wei, at a price of ten digits.
_LOSS_BITS, _PRICE = 72, 3_012_450_000
#: Below some eightieth of the average part.
_MINIMUM = 3 * 10**18


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    if stages.kind == "sqlite":  # they need no database
        yield from _allocations(stages.kind)


def _allocations(kind: str) -> Iterator[Figure]:
    """Share a pool among claims at once, and again among those that had something already."""
    source = random.Random(CLAIMS)  # noqa: S311 - made up, and the same in each run
    refs = [f"C-{number:05}" for number in range(CLAIMS)]
    source.shuffle(refs)
    claims = [ValuedClaim(ref, (1 + source.getrandbits(_LOSS_BITS)) * _PRICE) for ref in refs]
    first = share_pro_rata(_POOL, claims, minimum=_MINIMUM)
    again = [ValuedClaim(c.ref, c.value, first.parts[c.ref]) for c in claims]
    for name, share, most in (
        ("allocation", partial(share_pro_rata, _POOL, claims), ALLOCATION_RATIO),
        ("allocation_of_a_later_pool", partial(share_pro_rata, _POOL, again, minimum=1), None),
    ):
        floor, figure = alternated(
            ROUNDS, partial(_seconds, partial(_sorted_and_summed, claims)), partial(_seconds, share)
        )
        yield Figure(
            name=f"{name}_over_{CLAIMS}_claims",
            database=kind,
            value=figure * 1_000,
            unit="ms",
            floor=floor * 1_000,
            ratio=figure / floor,
            aim=f"at most {most:.0f} times sorting and summing the claims" if most else None,
            is_met=figure / floor <= most if most else None,
        )


def _sorted_and_summed(claims: list[ValuedClaim]) -> int:
    ordered = sorted(claims, key=attrgetter("value", "ref"))
    return sum([claim.value for claim in ordered])


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
