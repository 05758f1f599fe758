"""A request that waits for a lead, for what shows and decides it."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json, strict_json
from tests.partners.shell import REQUEST, answer_request
from tests.partners.signed_world import Signed, World, evidence_view, sign
from tests.partners.stub_coordinator import StubCoordinator


@dataclass(slots=True)
class Submitted:
    """A request that waits for a lead's approval, with all that the lead's client asks for."""

    stub: StubCoordinator
    world: World
    submitter: Profile
    lead: Profile
    signed: Signed
    context: str

    @property
    def content_sha256(self) -> str:
        """The document's hash."""
        return sha256(self.signed.body).hexdigest()

    def sign_again(self, body: bytes) -> None:
        """Have another document submitted instead."""
        self.signed = sign(self.submitter, f"{self.stub.origin}/v1/freeze-requests", body)
        digest = self.content_sha256
        context = strict_json.loads(self.context.encode())
        context |= {"content_sha256": digest, "act_sha256": digest}
        self.context = canonical_json.dumps(context).decode()
        self.answer_evidence(evidence_view("submit", self.signed, self.submitter))

    def answer(self, **members: Any) -> None:
        """Have the stub give the request to the lead; `members` replace what the view says."""
        view = {
            "status": "submitted",
            "content_sha256": self.content_sha256,
            "decision_context": self.context,
            "context_sha256": sha256(self.context.encode()).hexdigest(),
        }
        answer_request(self.stub, **(view | members))

    def answer_evidence(self, *views: Any) -> None:
        """Have the stub give this evidence and no other, and the keys behind it."""
        self.stub.forget("GET", f"{REQUEST}/evidence")
        handle = self.world.handle
        items = [view.model_dump(mode="json") for view in views]
        self.stub.answers("GET", f"{REQUEST}/evidence", {"items": items})
        keys = [view.model_dump(mode="json") for view in self.world.key_views]
        self.stub.answers("GET", f"/v1/keys?partner={handle}", {"items": keys})
        grants = [view.model_dump(mode="json") for view in self.world.grant_views]
        self.stub.answers("GET", f"/v1/grants?partner={handle}", {"items": grants})
