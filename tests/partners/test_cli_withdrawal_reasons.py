"""Whoever owes an answer about a withdrawal reads why, in the words that were signed."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest

from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol.life_cycle_payloads import WithdrawalDecision
from holdfast.protocol.payloads import Withdrawal
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import Role
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request
from tests.partners.signed_world import Signed, World, evidence_view, sign
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.test_cli_life_cycle import hold_view
from tests.partners.views import AT, SHA256, request_view

WHY = "The tracing was revised."


@dataclass(slots=True)
class Withdrawn:
    """A request of A, some of whose addresses were withdrawn."""

    stub: StubCoordinator
    world: World
    lead: Profile
    second: Profile
    stored: list[EvidenceView] = field(default_factory=list)

    def withdraw(self, act: str = "withdraw", **members: Any) -> Signed:
        body = {"content_sha256": SHA256, "addresses": [3], "reason_code": "wrong_target"}
        said = Withdrawal.model_validate({**body, "reason": WHY, **members})
        signed = sign(self.lead, f"{self.stub.origin}{REQUEST}/withdrawal", said)
        self.stored.append(evidence_view(act, signed, self.lead))
        return signed

    def approve(self, of: Signed) -> None:
        body = {
            "content_sha256": SHA256,
            "decision": "approve",
            "act_sha256": sha256(of.body).hexdigest(),
        }
        path = f"{REQUEST}/withdrawals/{new_id('wdp')}/approvals"
        said = WithdrawalDecision.model_validate(body)
        signed = sign(self.second, f"{self.stub.origin}{path}", said)
        self.stored.append(evidence_view("approve_withdrawal", signed, self.second))

    def answer(self, **members: Any) -> None:
        """Have the stub show the request, its evidence, and a hold on address 3 that is owed."""
        answer_request(self.stub, content_sha256=SHA256, **members)
        self.stub.answers("GET", f"{REQUEST}/legs", {"items": []})
        items = [view.model_dump(mode="json") for view in self.stored]
        self.stub.answers("GET", f"{REQUEST}/evidence", {"items": items})
        handle = self.world.handle
        for name, views in (("keys", self.world.key_views), ("grants", self.world.grant_views)):
            found = [view.model_dump(mode="json") for view in views]
            self.stub.answers("GET", f"/v1/{name}?partner={handle}", {"items": found})
        hold = hold_view(owed_since=AT, request_id=FRQ, withdrawn_reason_code="wrong_target")
        self.stub.answers("GET", "/v1/holds/owed", {"items": [hold, hold]})


@pytest.fixture
def withdrawn(stub: StubCoordinator, store: ProfileStore) -> Withdrawn:
    world = World(origin=stub.origin)
    lead, second = (world.person(Role.SECURITY_LEAD) for _ in range(2))
    stub.keys[lead.key.kid] = lead.key.public
    store.save(lead)
    return Withdrawn(stub, world, lead, second)


def whys(shell: Shell) -> set[str]:
    done = shell("owed")
    assert done.exit_code == 0, done.output
    return {line.partition(f"{AT[:10]} ")[2] for line in done.stdout.splitlines()[1:]}


@pytest.mark.parametrize("addresses", ["all", [3, 5]])
def test_what_is_owed_shows_the_signed_reason(
    shell: Shell, withdrawn: Withdrawn, addresses: Any
) -> None:
    withdrawn.withdraw(addresses=addresses)
    withdrawn.answer()
    assert all(why.endswith(f"withdrawn: wrong_target: {WHY}") for why in whys(shell))
    # Each request is looked up once, however many holds are owed on it.
    assert sum(seen.target.endswith("/evidence") for seen in withdrawn.stub.seen) == 1


def test_the_reason_of_other_addresses_is_none_of_this_one(
    shell: Shell, withdrawn: Withdrawn
) -> None:
    withdrawn.withdraw(addresses=[4])
    withdrawn.answer()
    assert all(why.endswith("withdrawn: wrong_target") for why in whys(shell))


def test_what_one_lead_proposed_counts_once_another_approved_it(
    shell: Shell, withdrawn: Withdrawn
) -> None:
    approved = withdrawn.withdraw("propose_withdrawal")
    withdrawn.approve(approved)
    withdrawn.withdraw("propose_withdrawal", reason="Only proposed.")
    withdrawn.answer()
    assert all(why.endswith(WHY) for why in whys(shell))


def test_words_that_nobody_signed_are_not_shown(shell: Shell, withdrawn: Withdrawn) -> None:
    withdrawn.withdraw()
    forged = str(withdrawn.stored[0].body).replace(WHY, "Let it all go.")
    withdrawn.stored = [withdrawn.stored[0].model_copy(update={"body": forged})]
    withdrawn.answer(withdrawn_count=1)
    assert all("not proven" in why and "Let it" not in why for why in whys(shell))
    assert "the reason is not proven" in shell("status", FRQ).stdout


def test_a_list_of_what_is_owed_survives_a_reason_that_cannot_be_read(
    shell: Shell, withdrawn: Withdrawn
) -> None:
    withdrawn.answer()
    withdrawn.stub.forget("GET", f"{REQUEST}/evidence")
    refusal = problem(403, "not_allowed")
    withdrawn.stub.answers("GET", f"{REQUEST}/evidence", refusal, status=403)
    assert all("cannot be read now" in why for why in whys(shell))
    withdrawn.stub.forget("GET", REQUEST)
    withdrawn.stub.answers("GET", REQUEST, request_view(id=FRQ, withdrawn_count=1))
    assert "the reason cannot be read now" in shell("status", FRQ).stdout


@pytest.mark.parametrize(
    ("addresses", "members", "words"),
    [
        ("all", {"status": "withdrawn", "withdrawn_reason_code": "wrong_target"}, "all addresses"),
        ([3], {"withdrawn_count": 1}, "address 3"),
        ([3, 5], {"withdrawn_count": 2}, "addresses 3, 5"),
    ],
)
def test_a_request_shows_why_it_or_some_of_it_was_withdrawn(
    shell: Shell, withdrawn: Withdrawn, addresses: Any, members: dict[str, Any], words: str
) -> None:
    withdrawn.withdraw(addresses=addresses)
    withdrawn.answer(**members)
    assert f"withdrawn, {words}: wrong_target: {WHY}" in shell("status", FRQ).stdout.splitlines()


def test_a_reason_on_several_lines_adds_none_to_what_status_says(
    shell: Shell, withdrawn: Withdrawn
) -> None:
    withdrawn.withdraw(reason="Revised.\nsettled: release all")
    withdrawn.answer(withdrawn_count=1)
    lines = shell("status", FRQ).stdout.splitlines()
    assert "withdrawn, address 3: wrong_target: Revised. settled: release all" in lines
