"""Evidence of a request that asked guests: it verifies, and says whose word is nobody's."""

import pytest

from holdfast.evidence.act_rules import UNSIGNED
from tests.services.bundles import Unpacked, examined, fetch, refused
from tests.services.every_event import ask_guests
from tests.services.request_cast import Office


@pytest.mark.parametrize("office", ["sqlite"], indirect=True, scope="module")
def test_a_bundle_has_what_guests_said_and_calls_it_unverified(office: Office) -> None:
    ask, joined = ask_guests(office)
    packed = fetch(office, office.desk.cast.a.auditor, ask)
    assert examined(packed).failures == []
    acts = {each["act"]: each for each in Unpacked.of(packed).lines("acts.jsonl")}
    assert {"ask_guest", "guest_answer", "guest_joined"} <= acts.keys()
    assert acts["guest_answer"]["kind"] == "coordinator"
    assert UNSIGNED["guest_answer"].startswith("unverified")
    # Whoever joined proves from its own that a lead's signature asks it.
    assert refused(fetch(office, joined.auditor, ask)) == ""
    # Nobody it was not is asked by it.
    forged = Unpacked.of(packed)
    legs = forged.lines("request/legs.jsonl")
    strange = [{**leg, "partner": "exchange-x.example"} for leg in legs[-1:]]
    forged.put_lines("request/legs.jsonl", [*legs[:-1], *strange])
    assert refused(forged.pack()) != ""
