"""What a warning says of other requests stays with the requester, and approvals stay provable."""

from collections.abc import Iterator
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.evidence.acts import prove_evidence
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import prove_notice
from holdfast.protocol.views import EvidenceView, GrantView, KeyView
from tests.factories import ACCOUNT, ORIGIN, Cast, Exchange, Member, Signer
from tests.services.through_api import World

LOWER = "eip155:1:0x" + "ab" * 20


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


class _KeysOf:
    """Keys and grants as one member reads them."""

    def __init__(self, w: World, member: Member) -> None:
        self.w, self.member = w, member

    def keys(self, partner: str | None = None) -> Iterator[KeyView]:
        page = self.w.get(self.member, f"/v1/keys?partner={partner}")
        return map(KeyView.model_validate, page["items"])

    def grants(self, partner: str | None = None) -> Iterator[GrantView]:
        page = self.w.get(self.member, f"/v1/grants?partner={partner}")
        return map(GrantView.model_validate, page["items"])


def _everything_read(w: World, exchange: Exchange, request: dict[str, Any]) -> str:
    """Return all that a partner asked can read about a request, as text."""
    reader, path = exchange.lead, f"/v1/freeze-requests/{request['id']}"
    told: list[Any] = [w.get(reader, path), w.get(reader, "/v1/events")]
    told += [
        w.items(reader, request, name)
        for name in ("addresses", "legs", "evidence", "ledger", "holds")
    ]
    incident = f"/v1/incidents/{request['incident']['id']}"
    told += [w.get(reader, incident + name) for name in ("", "/timeline", "/trace")]
    return str(told)


@pytest.mark.parametrize("quorum", [1, 2])
def test_a_partner_asked_learns_of_no_other_request_and_proves_every_approval(
    w: World, quorum: int
) -> None:
    policy = {"policy": {"approval_quorum": quorum}}
    assert w.signer.post(w.cast.a.root, "/v1/grants", policy).status_code == 201
    leads = [w.cast.a.lead, w.cast.a.second_lead][:quorum]
    accepted = [{"code": "no_checksum", "address_nos": "all", "reason": "read twice"}]

    def approve(request: dict[str, Any], warnings_accepted: list[dict[str, Any]]) -> None:
        for lead in leads:
            w.act(
                lead,
                request,
                "approvals",
                decision="approve",
                context_sha256=request["context_sha256"],
                warnings_accepted=warnings_accepted,
            )

    other = w.submit(to=[w.cast.c.handle])
    approve(other, [])
    targets = [{"account": ACCOUNT}, {"account": LOWER}]
    request = w.submit(to=[w.cast.b.handle], addresses=targets)
    assert [each["code"] for each in request["warnings"]] == ["duplicate", "no_checksum"]
    approve(request, accepted)
    mine = str(w.get(w.cast.a.auditor, f"/v1/freeze-requests/{request['id']}"))
    assert "duplicate" in mine
    assert other["id"] in mine
    theirs = _everything_read(w, w.cast.b, request)
    assert "read twice" in theirs
    assert "duplicate" not in theirs
    assert other["id"] not in theirs

    directory = KeyDirectory(_KeysOf(w, w.cast.b.lead), ORIGIN)
    [data] = w.events(w.cast.b, "freeze_request.received")
    notice = prove_notice(data, directory=directory, handle=w.cast.b.handle, fetch=lambda _: [])
    approvers = [act.key.subject for act in notice.approvals]
    assert approvers == [lead.subject for lead in leads]
    assert all(act.document["warnings_accepted"] == accepted for act in notice.approvals)
    proven = [
        prove_evidence(
            directory,
            EvidenceView.model_validate(entry),
            request_id=request["id"],
            content_sha256=request["content_sha256"],
        ).act
        for entry in w.items(w.cast.b.lead, request, "evidence")
        if entry["kind"] == "jws"
    ]
    assert proven == ["submit", *["approve"] * quorum]
