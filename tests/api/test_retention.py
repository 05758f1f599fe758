"""Sealed texts go when their time is over, kind by kind, and stay provable by their hash."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import select, text

from coordinator.config_files import read_config
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import SteppedClock
from coordinator.domain.deadline import Policies, PolicyError
from coordinator.domain.retention import months_after, months_before
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.ending.retention import EraseOldEvidence
from coordinator.storage.ending import retention
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tables.documents import DocumentRow
from coordinator.storage.tables.sealed_evidence import SealedPartRow
from holdfast.protocol import base64url
from holdfast.protocol.payloads import format_time
from tests.api.sealed_cast import by_hand, publish_by_hand
from tests.factories import NOON, Cast, Signer
from tests.rulebook import RULEBOOK, command_context
from tests.services.through_api import World, problem, released_line

PARTS = [b"what only they may read, part one" * 9, b"and part two" * 9]
SEALED_MONTHS = RULEBOOK.policies.sealed_evidence_months
NAMES_MONTHS = RULEBOOK.policies.names_months
NAME = "Zebulon Quayside"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def sealed(w: World, request: dict[str, Any], kids: dict[str, str]) -> str:
    """Have A's lead seal a file of two parts to B; returns its id."""
    for part in PARTS:
        w.act(w.cast.a.lead, request, "sealed-evidence/parts", data=base64url.encode(part))
    body = by_hand(PARTS, kids)
    answer = w.act(w.cast.a.lead, request, "sealed-evidence", **body)
    assert (answer["kept_until"], answer["erased_at"]) == (None, None)
    found: str = answer["id"]
    return found


def step_to(w: World, moment: Any) -> None:
    w.clock.step(moment - w.clock.now())


def sealed_bytes(w: World) -> int:
    with w.database.engine.connect() as connection:
        parts = select(SealedPartRow.id)
        query = select(DocumentRow.owner_id).where(DocumentRow.owner_id.in_(parts))
        return len(connection.execute(query).all())


def ended(w: World) -> tuple[dict[str, Any], str]:
    """Return a request of A's that was withdrawn, and a file that was sealed on it."""
    kids = publish_by_hand(w.signer, w.cast.a.lead, w.cast.b.lead)
    request = w.live(to=[w.cast.b.handle])
    evidence = sealed(w, request, {w.cast.b.handle: kids[w.cast.b.handle]})
    withdrawal = {"addresses": "all", "reason_code": "resolved", "reason": "It came back."}
    w.act(w.cast.a.lead, request, "withdrawal", **withdrawal)
    return request, evidence


def test_a_sealed_file_goes_so_many_months_after_its_request_ended(w: World) -> None:
    request, evidence = ended(w)
    path = f"/v1/freeze-requests/{request['id']}/sealed-evidence/{evidence}"
    over = months_after(w.clock.now(), SEALED_MONTHS)
    for reader in (w.cast.a.lead, w.cast.b.auditor):
        assert w.get(reader, path)["kept_until"] == format_time(over)
    step_to(w, over - timedelta(seconds=1))
    assert w.run_timer("sealed_retention") == 0
    w.step(seconds=1)
    assert w.run_timer("sealed_retention") == 1
    assert sealed_bytes(w) == 0
    shown = w.get(w.cast.b.auditor, path)
    assert shown["erased_at"] == format_time(w.clock.now())
    # Whoever kept the file can still show that it is the one that was sealed.
    assert shown["sha256"] == sha256(b"".join(PARTS)).hexdigest()
    refused = w.signer.get(w.cast.b.auditor, f"{path}/parts/0")
    assert (refused.status_code, "its hash stays" in refused.text) == (404, True)
    # Nobody is told that they may open what is gone.
    keys = by_hand(PARTS, publish_by_hand(w.signer, w.cast.c.lead))["keys"]
    body = {"sha256": shown["sha256"], "keys": keys}
    late = w.try_act(w.cast.b.lead, request, f"sealed-evidence/{evidence}/recipients", **body)
    problem(late, 409, "file_erased")
    with w.database.engine.connect() as connection:
        leaves = text("SELECT count(*) FROM log_leaf WHERE type = 'evidence.erased'")
        assert connection.execute(leaves).scalar_one() == 1
    assert w.run_timer("sealed_retention") == 0


def test_a_sealed_file_stays_while_a_hold_is_open_and_while_its_request_goes_on(w: World) -> None:
    kids = publish_by_hand(w.signer, w.cast.a.lead, w.cast.b.lead)
    request = w.live(to=[w.cast.b.handle])
    sealed(w, request, {w.cast.b.handle: kids[w.cast.b.handle]})
    hold = w.freeze(w.cast.b, request)
    w.step(days=40 * SEALED_MONTHS)
    assert w.run_timer("sealed_retention") == 0
    withdrawal = {"addresses": "all", "reason_code": "resolved", "reason": "It came back."}
    w.act(w.cast.a.lead, request, "withdrawal", **withdrawal)
    w.step(days=40 * SEALED_MONTHS)
    assert w.run_timer("sealed_retention") == 0
    assert sealed_bytes(w) == len(PARTS)
    w.report(w.cast.b, request, [released_line(hold, "700")])
    assert w.run_timer("sealed_retention") == 1
    assert sealed_bytes(w) == 0


def test_the_command_looks_again_whether_a_file_s_time_is_over(w: World) -> None:
    _, evidence = ended(w)
    command = EraseOldEvidence(sealed_evidence_id=evidence)
    for is_due in (False, True):
        with transaction(command_context(w.database, w.vault, w.clock)) as uow:
            uow.finish(execute(command, COORDINATOR, uow))
        assert sealed_bytes(w) == (0 if is_due else len(PARTS))
        w.step(days=40 * SEALED_MONTHS)


def test_what_a_request_says_is_kept_until_a_date_that_both_sides_read(w: World) -> None:
    request, _ = ended(w)
    over = format_time(months_after(w.clock.now(), RULEBOOK.policies.erase_after_months))
    path = f"/v1/freeze-requests/{request['id']}"
    for reader in (w.cast.a.lead, w.cast.b.auditor):
        assert w.get(reader, path)["kept_until"] == over
    live = w.live(to=[w.cast.b.handle])
    assert w.get(w.cast.a.lead, f"/v1/freeze-requests/{live['id']}")["kept_until"] is None


def test_old_files_go_batch_by_batch_and_the_next_begins_where_the_last_ended(w: World) -> None:
    kids = publish_by_hand(w.signer, w.cast.a.lead, w.cast.b.lead)
    to_b = {w.cast.b.handle: kids[w.cast.b.handle]}
    withdrawal = {"addresses": "all", "reason_code": "resolved", "reason": "It came back."}
    files = []
    for _ in range(3):
        request = w.live(to=[w.cast.b.handle])
        files.append(sealed(w, request, to_b))
        w.act(w.cast.a.lead, request, "withdrawal", **withdrawal)
        w.step(minutes=1)
    w.step(days=40 * SEALED_MONTHS)
    before = RULEBOOK.policies.sealed_evidence_kept_since(w.clock.now())
    with w.database.writing() as connection, connection.begin():
        assert retention.evidence_due(connection, before, 2) == files[:2]
        for evidence in files[:2]:
            retention.erase_evidence(connection, evidence, w.clock.now())
        assert retention.evidence_due(connection, before, 2) == files[2:]


def test_what_people_who_left_were_called_goes_after_its_time(w: World) -> None:
    a = w.cast.a
    path = f"/v1/people/{a.analyst.subject}"
    assert w.signer.send(a.lead, "PATCH", path, {"display_name": NAME}).status_code == 200
    stays = f"/v1/people/{a.compliance.subject}"
    assert w.signer.send(a.lead, "PATCH", stays, {"display_name": "Ada"}).status_code == 200
    gone = {"subject": a.analyst.subject}
    assert w.signer.post(a.lead, "/v1/revocations", gone).status_code == 201
    over = months_after(w.clock.now(), NAMES_MONTHS)

    def person(subject: str) -> dict[str, Any]:
        everybody = w.get(a.lead, "/v1/people?status=all")["items"]
        return next(each for each in everybody if each["id"] == subject)

    assert person(a.analyst.subject)["kept_until"] == format_time(over)
    assert person(a.compliance.subject)["kept_until"] is None
    step_to(w, over - timedelta(seconds=1))
    assert w.run_timer("names_retention") == 0
    w.step(seconds=1)
    assert w.run_timer("names_retention") == 1
    assert person(a.analyst.subject)["display_name"] is None
    assert person(a.compliance.subject)["display_name"] == "Ada"
    [told] = w.events(a, "partner.names_changed")[-1:]
    assert (told["subject"], told["by"]) == (a.analyst.subject, "coordinator")
    with w.database.engine.connect() as connection:
        left = select(DocumentRow.name).where(DocumentRow.owner_id == a.analyst.subject)
        assert connection.execute(left).all() == []
    assert w.run_timer("names_retention") == 0
    # Named again, it is erased again: their time is over.
    assert w.signer.send(a.lead, "PATCH", path, {"display_name": NAME}).status_code == 200
    assert w.run_timer("names_retention") == 1
    assert person(a.analyst.subject)["display_name"] is None


def test_months_are_those_of_the_calendar() -> None:
    last = NOON.replace(month=3, day=31)
    assert months_before(last, 1) == NOON.replace(month=2, day=28)
    assert months_after(last, 1) == NOON.replace(month=4, day=30)
    assert months_after(last, 9) == NOON.replace(month=12, day=31)
    assert months_before(last, 3) == last.replace(year=last.year - 1, month=12)


@pytest.mark.parametrize(
    ("key", "value"),
    [("sealed_evidence_months", 61), ("sealed_evidence_months", 0), ("names_months", 1201)],
)
def test_an_operator_sets_times_within_bounds(key: str, value: int) -> None:
    policies = read_config("policies.toml")
    lines = [
        f"{key} = {value}" if line.startswith(f"{key} =") else line
        for line in policies.splitlines()
    ]
    assert lines != policies.splitlines()
    with pytest.raises(PolicyError, match=key):
        Policies.load("\n".join(lines))
