"""What a test carries: by default `endpoint.test`, or a sample of any other type.

A sample is a test in everything but its `type`: it goes to one endpoint, is in nobody's feed, and
says of itself that it is a sample. Nothing that it names exists: it was made by a run between
exchanges of a reserved domain, at a coordinator of one, so that no proof in it verifies anywhere.
"""

from collections.abc import Mapping
from functools import cache

from holdfast.protocol.events import samples
from holdfast.protocol.vocabulary import EventType

#: What every event has of its own.
_FRESH = frozenset({"event_id", "log"})
_samples = cache(samples)


def sample_data(event_type: EventType, endpoint_id: str, by: str) -> Mapping[str, object]:
    """Return the members of `data` of a test of this type.

    Args:
        event_type: As on the wire.
        endpoint_id: Where it goes.
        by: Who asked for it.
    """
    if event_type is EventType.ENDPOINT_TEST:
        return {"endpoint_id": endpoint_id, "by": by}
    data = _samples()[event_type.value]["data"]
    return {name: value for name, value in data.items() if name not in _FRESH} | {"sample": True}
