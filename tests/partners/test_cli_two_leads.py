"""Letting held funds go by two leads, from the command line."""

from hashlib import sha256
from typing import Any

import pytest

from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol.payloads import Withdrawal
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Role
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request, sent
from tests.partners.signed_world import World, evidence_view, sign
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT, act_view, request_view

CONTENT = "ab" * 32


class Case:
    """A withdrawal that one lead of A signed, as A's other lead is shown it."""

    def __init__(self, stub: StubCoordinator, store: ProfileStore) -> None:
        self.stub, self.world = stub, World(origin=stub.origin)
        proposer, lead = (self.world.person(Role.SECURITY_LEAD) for _ in range(2))
        self._may_read(stub, store, lead)
        body = {
            "content_sha256": CONTENT,
            "addresses": [3],
            "reason_code": "wrong_target",
            "reason": "The tracing was revised.",
        }
        signed = sign(
            proposer,
            f"{stub.origin}/v1/freeze-requests/{FRQ}/withdrawal",
            Withdrawal.model_validate(body),
        )
        self.act_sha256 = sha256(signed.body).hexdigest()
        self.evidence = evidence_view("propose_withdrawal", signed, proposer)
        self.view: dict[str, Any] = {
            "id": new_id("wdp"),
            "request_id": FRQ,
            "act_id": self.evidence.act_id,
            "act_sha256": self.act_sha256,
            "addresses": [3],
            "reason_code": "wrong_target",
            "reason": "The tracing was revised.",
            "withdrawal_status": "pending",
            "proposed_by": proposer.subject,
            "proposed_at": AT,
            "approve_by": AT,
        }

    @staticmethod
    def _may_read(stub: StubCoordinator, store: ProfileStore, lead: Profile) -> None:
        stub.keys[lead.key.kid] = lead.key.public
        store.save(lead)

    def show(self) -> None:
        """Answer what is read."""
        stub, world = self.stub, self.world
        stub.answers("GET", REQUEST, request_view(id=FRQ, content_sha256=CONTENT))
        stub.answers("GET", f"{REQUEST}/withdrawals", {"items": [self.view]})
        shown = [self.evidence.model_dump(mode="json")]
        stub.answers("GET", f"{REQUEST}/evidence", {"items": shown})
        for name, views in (("keys", world.key_views), ("grants", world.grant_views)):
            items = [view.model_dump(mode="json") for view in views]
            stub.answers("GET", f"/v1/{name}?partner={world.handle}", {"items": items})


@pytest.fixture
def case(stub: StubCoordinator, store: ProfileStore) -> Case:
    return Case(stub, store)


def test_what_is_shown_and_signed_is_what_the_first_lead_signed(shell: Shell, case: Case) -> None:
    decided = {**act_view(), "withdrawal": case.view | {"withdrawal_status": "approved"}}
    path = f"{REQUEST}/withdrawals/{case.view['id']}/approvals"
    case.stub.answers("POST", path, decided, status=201)
    # The coordinator's own words are not what is shown.
    case.view |= {"reason": "Nothing to see."}
    case.show()
    done = shell("decide-withdrawal", FRQ, case.view["id"], "yes", "--yes", "--comment", "Right.")
    assert done.exit_code == 0, done.output
    assert all(word in done.output for word in ("wrong_target", "The tracing was revised."))
    assert "Nothing to see" not in done.output
    assert "approved" in done.output
    assert sent(case.stub) == {
        "content_sha256": CONTENT,
        "decision": "approve",
        "act_sha256": case.act_sha256,
        "comment": "Right.",
    }


def test_what_is_not_proven_is_not_signed(shell: Shell, case: Case) -> None:
    case.evidence = case.evidence.model_copy(
        update={"body": (case.evidence.body or "").replace("[3]", "[4]")}
    )
    case.show()
    done = shell("decide-withdrawal", FRQ, case.view["id"], "yes", "--yes")
    assert done.exit_code == 8
    assert not [seen for seen in case.stub.seen if seen.method == "POST"]


def test_a_withdrawal_that_is_not_there_is_said_to_be_none(shell: Shell, case: Case) -> None:
    case.show()
    assert shell("decide-withdrawal", FRQ, new_id("wdp"), "no", "--yes").exit_code == 2


def test_what_was_proposed_is_listed(shell: Shell, case: Case) -> None:
    case.show()
    output = " ".join(shell("withdrawals", FRQ).output.split())
    assert case.view["id"] in output
    assert all(word in output for word in ("pending", "addresses 3", "wrong_target"))


def test_where_nothing_was_proposed_it_is_said(shell: Shell, case: Case) -> None:
    case.stub.answers("GET", f"{REQUEST}/withdrawals", {"items": []})
    assert "Nothing was proposed" in shell("withdrawals", FRQ).output


def test_a_withdrawal_that_was_only_proposed_says_what_comes_next(
    shell: Shell, case: Case, stub: StubCoordinator
) -> None:
    answer_request(stub)
    answer = {**act_view(status="active"), "withdrawal": case.view}
    stub.answers("POST", f"{REQUEST}/withdrawal", answer, status=201)
    words = ["--reason-code", "wrong_target", "--reason", "The tracing was revised."]
    output = " ".join(shell("withdraw", FRQ, *words).output.split())
    assert "void unless approved by 2026-01-02 03:04 UTC" in output
    assert f"holdfast decide-withdrawal {FRQ} {case.view['id']} yes" in output
