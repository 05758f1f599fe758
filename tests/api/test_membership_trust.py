"""What a partner's kit makes of the grants that the coordinator hands out: it believes none."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.services.membership.root_resets import ResetRoot, TakeOverRoot
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.errors import PinMismatchError, UntrustedEvidenceError
from holdfast.evidence.acts import prove_evidence
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.proof_of_possession import make_possession
from holdfast.protocol.views import EvidenceView, GrantView, KeyView
from holdfast.protocol.vocabulary import Role
from holdfast.webhooks.receiver import Event, verify_notice
from tests.api.acts import approve, submit
from tests.api.membership_acts import (
    approve_grant,
    events,
    new_person,
    operate,
    propose,
    rotation_body,
    with_new_key,
)
from tests.factories import NOON, ORIGIN, Cast, Member, Signer, freeze_request_body, grant_body

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Source:
    """Fetches keys and grants as a member's client does."""

    signer: Signer
    reader: Member

    def _items(self, path: str) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            page = self.signer.get(self.reader, f"{path}{cursor}").get_json()
            yield from page["items"]
            if not page.get("next_cursor"):
                return
            cursor = f"&cursor={page['next_cursor']}"

    def keys(self, partner: str | None = None) -> list[KeyView]:
        """Return a partner's keys."""
        items = self._items(f"/v1/keys?partner={partner}")
        return [KeyView.model_validate(item) for item in items]

    def grants(self, partner: str | None = None) -> list[GrantView]:
        """Return a partner's grants."""
        items = self._items(f"/v1/grants?partner={partner}")
        return [GrantView.model_validate(item) for item in items]

    def evidence(self, request_id: str) -> list[EvidenceView]:
        """Return the evidence of a request."""
        items = self._items(f"/v1/freeze-requests/{request_id}/evidence?limit=50")
        return [EvidenceView.model_validate(item) for item in items]


def directory(signer: Signer, reader: Member, pin: str | None = None) -> KeyDirectory:
    """Return a fresh directory of exchange A's keys, perhaps with A's root key pinned."""
    pins = {} if pin is None else {"exchange-a.example": pin}
    return KeyDirectory(Source(signer, reader), ORIGIN, pins=pins)


def notice_event(signer: Signer, cast: Cast) -> Event:
    """Return the one notice that B received."""
    [data] = events(signer, cast.b.system, "freeze_request.received")
    return Event("evt", "freeze_request.received", NOON, data, b"")


def reset_root(database: Database, vault: Vault, clock: SteppedClock, cast: Cast) -> Member:
    """Give exchange A another root key; returns who holds it."""
    key = PrivateKey.generate()
    possession = make_possession(key, audience=ORIGIN, handle=cast.a.handle, subject=cast.a.handle)
    command = ResetRoot(
        handle=cast.a.handle,
        jwk=key.public.jwk(),
        possession=possession,
        audience=ORIGIN,
        after=DAY,
    )
    reset_id = str(operate(database, vault, clock, command).body["id"])
    clock.step(DAY)
    operate(database, vault, clock, TakeOverRoot(reset_id=reset_id))
    return Member(cast.a.handle, cast.a.handle, key, ())


def test_a_key_that_two_leads_granted_is_followed_back_to_the_root_key(
    signer: Signer, cast: Cast
) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    approve_grant(signer, cast.a.second_lead, propose(signer, cast.a.lead, grant_body(carol)))
    known = directory(signer, cast.b.system).trusted_key(cast.a.handle, carol.key.kid)
    assert (known.subject, known.roles) == (carol.subject, frozenset({Role.ANALYST}))
    assert known.proposer == cast.a.lead.subject
    assert known.root_kid == cast.a.root.key.kid


def test_a_key_that_replaced_another_is_followed_back_to_the_root_key(
    signer: Signer, cast: Cast
) -> None:
    once, twice = with_new_key(cast.a.lead), with_new_key(cast.a.lead)
    signer.post(cast.a.lead, "/v1/grants", rotation_body(cast.a.lead, once))
    signer.post(once, "/v1/grants", rotation_body(once, twice))
    keys = directory(signer, cast.b.system)
    known = keys.trusted_key(cast.a.handle, twice.key.kid)
    assert (known.subject, known.is_revoked) == (cast.a.lead.subject, False)
    assert known.roles == frozenset({Role.SECURITY_LEAD})
    assert keys.trusted_key(cast.a.handle, once.key.kid).is_revoked


def test_a_notice_signed_with_keys_granted_and_replaced_without_the_root_is_proven(
    signer: Signer, cast: Cast
) -> None:
    carol = new_person(cast.a, Role.ANALYST)
    approve_grant(signer, cast.a.second_lead, propose(signer, cast.a.lead, grant_body(carol)))
    renewed = with_new_key(cast.a.second_lead)
    signer.post(cast.a.second_lead, "/v1/grants", rotation_body(cast.a.second_lead, renewed))
    request = signer.post(carol, "/v1/freeze-requests", freeze_request_body()).get_json()
    decision = {
        "content_sha256": request["content_sha256"],
        "context_sha256": request["context_sha256"],
        "decision": "approve",
    }
    path = f"/v1/freeze-requests/{request['id']}/approvals"
    assert signer.post(renewed, path, decision).status_code == 201
    event = notice_event(signer, cast)
    notice = verify_notice(
        event,
        directory=directory(signer, cast.b.system, pin=cast.a.root.key.kid),
        handle=cast.b.handle,
        fetch=Source(signer, cast.b.system).evidence,
    )
    assert notice.submission.key.subject == carol.subject
    assert [act.key.subject for act in notice.approvals] == [cast.a.second_lead.subject]


def test_a_root_reset_raises_the_alarm_of_whoever_pinned_the_old_root_key(
    signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    event = notice_event(signer, cast)
    source = Source(signer, cast.b.system)
    evidence = source.evidence(request["id"])
    submission = next(entry for entry in evidence if entry.act == "submit")
    pinned = cast.a.root.key.kid
    before = directory(signer, cast.b.system, pin=pinned)
    assert before.trusted_key(cast.a.handle, cast.a.analyst.key.kid).is_root_pinned
    reset_root(database, vault, clock, cast)
    after = directory(signer, cast.b.system, pin=pinned)
    with pytest.raises(PinMismatchError, match="is pinned as"):
        verify_notice(event, directory=after, handle=cast.b.handle, fetch=source.evidence)
    with pytest.raises(PinMismatchError, match="by another way"):
        prove_evidence(
            after,
            submission,
            request_id=request["id"],
            content_sha256=request["content_sha256"],
        )


def test_a_running_directory_notices_the_root_reset_within_a_minute(
    signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    seconds = [0.0]
    keys = KeyDirectory(
        Source(signer, cast.b.system),
        ORIGIN,
        pins={cast.a.handle: cast.a.root.key.kid},
        monotonic=lambda: seconds[0],
    )
    keys.trusted_key(cast.a.handle, cast.a.analyst.key.kid)
    reset_root(database, vault, clock, cast)
    seconds[0] = 61.0
    with pytest.raises(PinMismatchError):
        keys.trusted_key(cast.a.handle, cast.a.analyst.key.kid)


def test_after_a_root_reset_a_key_counts_again_once_the_new_root_key_vouched_for_it(
    signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    root = reset_root(database, vault, clock, cast)
    kid = cast.a.analyst.key.kid
    with pytest.raises(UntrustedEvidenceError, match="goes back to the root key"):
        directory(signer, cast.b.system, pin=root.key.kid).trusted_key(cast.a.handle, kid)
    assert signer.post(root, "/v1/grants", grant_body(cast.a.analyst)).status_code == 201
    known = directory(signer, cast.b.system, pin=root.key.kid).trusted_key(cast.a.handle, kid)
    assert (known.subject, known.root_kid) == (cast.a.analyst.subject, root.key.kid)
    assert known.roles == frozenset({Role.ANALYST})
