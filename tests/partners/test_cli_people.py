"""Names of one's own people on the command line: given, erased, and shown beside ids."""

from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Role
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request, sent
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT, leg_view

ADA, BOB, GONE = new_id("per"), new_id("per"), new_id("per")


def person(subject: str, **members: Any) -> dict[str, Any]:
    return {"id": subject, "kind": "person", "roles": [Role.ANALYST], "kids": [], **members}


@pytest.fixture(autouse=True)
def _names(analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    present = [
        person(ADA, display_name="Ada Lovelace", contact="desk 4"),
        person(BOB),
        person(new_id("sys"), roles=[Role.SYSTEM], owner=ADA, display_name="Sentinel"),
    ]
    former = person(GONE, display_name="Grace", revoked_at=AT)
    stub.answers("GET", "/v1/people", {"items": present})
    stub.answers("GET", "/v1/people?status=all", {"items": [*present, former]})


def test_people_are_listed_with_names_and_contacts(shell: Shell) -> None:
    listed = shell("people")
    assert listed.exit_code == 0, listed.output
    [ada, bob, system] = listed.output.splitlines()[1:]
    assert [ada.split()[0], bob.split()[0]] == [ADA, BOB]
    assert "Ada Lovelace" in ada
    assert "desk 4" in ada
    assert "Sentinel" in system
    assert "system of Ada Lovelace" in system
    assert GONE not in listed.output
    everybody = shell("people", "--all").output
    assert "Grace" in everybody
    assert "left 2026-01-02" in everybody


def test_the_keys_of_people_are_listed_by_whose_they_are(
    shell: Shell, stub: StubCoordinator
) -> None:
    stub.forget("GET", "/v1/people")
    two = [person(ADA, display_name="Ada", kids=["k" * 43, "l" * 43]), person(BOB, kids=["m" * 43])]
    stub.answers("GET", "/v1/people", {"items": two})
    rows = [line.split() for line in shell("people", "--keys").output.splitlines()[1:]]
    assert rows == [["k" * 43, "Ada"], ["l" * 43, "Ada"], ["m" * 43, BOB]]


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (["Ada", "--contact", "+44 20 7946 0018"], ["Ada", "+44 20 7946 0018"]),
        (["Ada"], ["Ada"]),
        (["--contact", ""], [None]),
        (["", "--contact", "desk 5"], [None, "desk 5"]),
        (["--erase"], [None, None]),
    ],
)
def test_somebody_is_named_or_the_name_erased(
    shell: Shell, stub: StubCoordinator, words: list[str], body: list[str | None]
) -> None:
    stub.answers("PATCH", f"/v1/people/{BOB}", person(BOB, display_name="Ada"))
    done = shell("people", "name", BOB, *words)
    assert done.exit_code == 0, done.output
    assert stub.seen[-1].headers["Idempotency-Key"]
    given: dict[str, str | None] = sent(stub)
    assert list(given.values()) == ([*body[::-1]] if len(body) > 1 else body)


@pytest.mark.parametrize(
    "words",
    [
        [BOB],
        [BOB, "Ada", "--erase"],
        [BOB, "--erase", "--contact", "desk 4"],
        ["exchange-a.example", "Ada"],
        ["../partners/me", "Ada"],
    ],
)
def test_what_names_nobody_is_refused_before_anything_is_sent(
    shell: Shell, stub: StubCoordinator, words: list[str]
) -> None:
    assert shell("people", "name", *words).exit_code == 2
    assert stub.seen == []


def test_a_name_that_steers_the_terminal_is_not_sent(shell: Shell, stub: StubCoordinator) -> None:
    done = shell("people", "name", BOB, "Ada\u202e")
    assert done.exit_code == 6
    assert "U+202E" in done.output
    assert stub.seen == []


def test_a_request_names_who_submitted_decided_and_took(
    shell: Shell, stub: StubCoordinator
) -> None:
    approval = {
        "id": new_id("act"),
        "decision": "approve",
        "person": GONE,
        "kid": "k",
        "at": AT,
        "context_sha256": "ab" * 32,
    }
    answer_request(stub, submitted_by=ADA, approvals=[approval], quorum=1)
    task = Task(TaskKind.ANSWER, FRQ, new_id("leg"))
    taken = {"id": task.id, "kind": "answer", "taken_at": AT, "taken_by": ADA}
    stub.answers("GET", f"{REQUEST}/legs", {"items": [leg_view(tasks=[taken])]})
    output = shell("status", FRQ).output
    for words in (
        f"Ada Lovelace ({ADA})",
        f"Grace ({GONE}): approve",
        f"answer by exchange-b.example: Ada Lovelace ({ADA}) since 2026-01-02 03:04 UTC",
    ):
        assert words in output
    reads = [seen.target for seen in stub.seen if seen.target.startswith("/v1/people")]
    assert reads == ["/v1/people?status=all"]


def test_another_partner_s_people_are_not_named(shell: Shell, stub: StubCoordinator) -> None:
    answer_request(stub, requester="exchange-b.example", submitted_by=ADA)
    stub.answers("GET", f"{REQUEST}/legs", {"items": []})
    done = shell("status", FRQ)
    assert done.exit_code == 0
    assert ADA not in done.output


def test_a_command_goes_on_where_names_cannot_be_read(shell: Shell, stub: StubCoordinator) -> None:
    stub.forget("GET", "/v1/people?status=all")
    answer_request(stub, submitted_by=ADA)
    stub.answers("GET", f"{REQUEST}/legs", {"items": []})
    done = shell("status", FRQ)
    assert done.exit_code == 0
    assert ADA in done.output


def test_a_partner_says_how_it_is_reached_in_an_emergency(
    shell: Shell, stub: StubCoordinator
) -> None:
    me = {
        "handle": "exchange-a.example",
        "name": "A",
        "kind": "exchange",
        "status": "active",
        "emergency_contact": "the night desk",
        "contacts": ["desk 4"],
    }
    stub.answers("GET", "/v1/partners/me", me)
    stub.answers("GET", "/v1/partners", {"items": [me]})
    stub.answers("PATCH", "/v1/partners/me", me)
    for words in (["contacts"], ["partners", "--contacts"]):
        assert "the night desk" in shell(*words).output
    assert shell("contacts", "--emergency", "the night desk").exit_code == 0
    assert sent(stub) == {"emergency_contact": "the night desk"}
    assert shell("contacts", "--emergency", "", "--contact", "desk 4").exit_code == 0
    assert sent(stub) == {"contacts": ["desk 4"], "emergency_contact": None}
