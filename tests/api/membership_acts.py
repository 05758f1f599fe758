"""Steps of membership that tests take through the front door."""

from hashlib import sha256
from typing import Any

from werkzeug.test import TestResponse

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import Clock
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import Answer, transaction
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import canonical_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.proof_of_possession import make_possession
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Role
from tests.factories import ORIGIN, Exchange, Member, Signer, grant_body
from tests.rulebook import command_context


def new_person(exchange: Exchange, *roles: Role) -> Member:
    """Return somebody with a fresh key whom nobody granted anything yet."""
    return Member(exchange.handle, new_id("per"), PrivateKey.generate(), roles)


def new_system(exchange: Exchange, owner: Member) -> Member:
    """Return a program with a fresh key."""
    key = PrivateKey.generate()
    return Member(exchange.handle, new_id("sys"), key, (Role.SYSTEM,), owner.subject)


def with_new_key(member: Member) -> Member:
    """Return the same subject with a fresh key."""
    key = PrivateKey.generate()
    return Member(member.handle, member.subject, key, member.roles, member.owner)


def grant_by_root(signer: Signer, exchange: Exchange, member: Member) -> None:
    """Have the root key grant somebody."""
    answer = signer.post(exchange.root, "/v1/grants", grant_body(member))
    assert answer.status_code == 201, answer.data


def propose(signer: Signer, lead: Member, body: dict[str, Any]) -> dict[str, Any]:
    """Have a lead propose a grant; returns the proposal."""
    answer = signer.post(lead, "/v1/grants", body)
    assert answer.status_code == 201, answer.data
    view: dict[str, Any] = answer.get_json()
    assert view["status"] == "pending"
    assert view["grant_sha256"] == sha256(canonical_json.dumps(body)).hexdigest()
    return view


def approve_grant(
    signer: Signer, lead: Member, proposal: dict[str, Any], **changes: Any
) -> TestResponse:
    """Have a lead approve a proposal; returns the answer, whatever it is."""
    body = {"grant_sha256": proposal["grant_sha256"], **changes}
    return signer.post(lead, f"/v1/grants/{proposal['id']}/approvals", body)


def rotation_body(old: Member, new: Member) -> dict[str, Any]:
    """Return the grant by which `old` puts `new`'s key in its own place."""
    possession = make_possession(new.key, audience=ORIGIN, handle=new.handle, subject=new.subject)
    return {
        "subject": new.subject,
        "jwk": new.key.public.jwk(),
        "possession": possession,
        "replaces": old.key.kid,
    }


def is_served(signer: Signer, member: Member) -> bool:
    """Tell whether a member's key is good for reading the members."""
    return signer.get(member, "/v1/partners").status_code == 200


def operate(database: Database, vault: Vault, clock: Clock, command: object) -> Answer:
    """Give one of the coordinator's own commands."""
    with transaction(command_context(database, vault, clock)) as uow:
        answer = execute(command, COORDINATOR, uow)
        uow.finish(answer)
    return answer


def events(signer: Signer, member: Member, kind: str) -> list[dict[str, Any]]:
    """Return the data of all events of one type that a member's feed shows."""
    answer = signer.get(member, f"/v1/events?types={kind}")
    assert answer.status_code == 200, answer.data
    return [event["data"] for event in answer.get_json()["events"]]
