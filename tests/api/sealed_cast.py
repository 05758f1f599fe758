"""Exchanges with encryption keys and command lines, at a coordinator on a real socket."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from coordinator.domain.clock import SteppedClock
from holdfast.client.client import Client, Document
from holdfast.client.sealing import SealedFiles, publish_encryption_key
from holdfast.client.transport import RetryPolicy, Transport
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol.encryption_key import DecryptionKey
from holdfast.protocol.sealed_evidence import SealedHeader
from holdfast.protocol.views import SealedEvidenceView
from holdfast.protocol.vocabulary import Tlp
from tests.api.acts import approve, submit
from tests.factories import ORIGIN, Cast, Member, Signer

HEADER = SealedHeader("ledger.csv", "text/csv")
CONTENT = b"what only they may read"


@dataclass(slots=True)
class Desks:
    """Machines of the cast's people, each with a profile, at one coordinator."""

    store: ProfileStore
    address: str
    clock: SteppedClock

    def client(self, member: Member) -> Client:
        """Return a client of a member of the cast."""
        name = member.subject.replace("_", ".")
        if name not in self.store.names():
            kind: Any = "person" if member.subject.startswith("per_") else "system"
            self.store.save(
                Profile(name, ORIGIN, member.handle, member.subject, kind, member.key, member.owner)
            )
        profile = self.store.load(name)
        retries = RetryPolicy(attempts=1)
        transport = Transport(
            profile,
            ORIGIN,
            base_url=self.address,
            retries=retries,
            now=lambda: self.clock.now().timestamp(),
        )
        return Client(profile, transport=transport)

    def files(self, member: Member) -> SealedFiles:
        """Return what seals and opens for a member of the cast."""
        client = self.client(member)
        keys = partial(self.store.decryption_key, client.profile.name)
        return SealedFiles(client, KeyDirectory(client, ORIGIN), keys)

    def publish(self, *leads: Member) -> None:
        """Have leads publish an encryption key each."""
        for lead in leads:
            publish_encryption_key(self.client(lead), self.store)


@contextmanager
def desks_at(app: Flask, clock: SteppedClock, home: Path) -> Iterator[Desks]:
    """Serve a coordinator on a socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield Desks(ProfileStore(home), f"http://127.0.0.1:{server.server_port}", clock)
    server.shutdown()
    thread.join()
    server.server_close()


def went_out(signer: Signer, cast: Cast, **changes: Any) -> Document:
    """Have A's request go out, by default to B and C; returns it."""
    request = submit(signer, cast, **changes)
    approve(signer, cast, request)
    return Document(request["id"], request["content_sha256"])


def sealed(
    desks: Desks,
    author: Member,
    request: Document,
    *to: str,
    content: bytes = CONTENT,
    tlp: Tlp = Tlp.AMBER_STRICT,
) -> SealedEvidenceView:
    """Seal a file to partners."""
    return desks.files(author).seal(request, [content], HEADER, to=to, tlp=tlp)


def by_hand(parts: Sequence[bytes], keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the body of an act that seals parts, which open for nobody, to keys by partner."""
    whole = b"".join(parts)
    return {
        "tlp": "AMBER+STRICT",
        "size": len(whole),
        "sha256": sha256(whole).hexdigest(),
        "parts": [sha256(part).hexdigest() for part in parts],
        "keys": [
            {"partner": partner, "kid": kid, "wrapped": "A" * 107} for partner, kid in keys.items()
        ],
    }


def publish_by_hand(signer: Signer, *leads: Member) -> dict[str, str]:
    """Have leads publish a key whose private half nobody keeps; returns the keys by partner."""
    kids = {}
    for lead in leads:
        body = {"jwk": DecryptionKey.generate().public.jwk(), "replaces": None}
        answer = signer.post(lead, "/v1/encryption-keys", body)
        assert answer.status_code == 201, answer.data
        kids[lead.handle] = answer.get_json()["kid"]
    return kids
