"""Every block of docs/protocol.md works as printed, against the kit and against plain libraries."""

import re
import runpy
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest

from coordinator.domain.permission import (
    COORDINATOR_GRANTS,
    GRANTS,
    ROOT_GRANTS,
    Permission,
)
from holdfast.protocol import base64url, strict_json
from holdfast.protocol import webhook_signature as webhooks
from holdfast.protocol.errors import TokenReason
from holdfast.protocol.jwk import PrivateKey, PublicKey
from holdfast.protocol.passkey_token import (
    act_document,
    challenge_of,
    make_passkey_token,
    read_passkey_front,
)
from holdfast.protocol.payloads import FreezeReport, FreezeRequest
from holdfast.protocol.request_token import (
    make_request_token,
    read_token_front,
    verify_request_evidence,
    verify_request_token,
)
from holdfast.protocol.vocabulary import Role
from tests.passkeys import SoftPasskey

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
HANDLE = "exchange-a.example"
SUBJECT = "per_01jd3v8z8nfq0a5m6c7d8e9f0g"
ORIGIN = "https://coordinator.example"
NOW = 1_795_377_260


def _block(name: str) -> str:
    found: list[str] = re.findall(
        rf"^```{name}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    (block,) = found
    return block


@dataclass
class Received:
    """What one small HTTP server was sent."""

    origin: str
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


def test_the_lines_of_the_report_are_lines_as_the_coordinator_takes_them() -> None:
    lines = strict_json.loads(_block("json report").encode())
    report = FreezeReport.model_validate({"content_sha256": "0" * 64, "lines": lines})
    assert [line.kind for line in report.lines] == ["found", "frozen", "nothing"]
    assert report.model_dump(mode="json", exclude_unset=True)["lines"] == lines


@pytest.fixture
def coordinator() -> Iterator[Received]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.paths.append(self.path)
            received.headers.append({name.lower(): value for name, value in self.headers.items()})
            received.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(201)
            self.end_headers()
            self.wfile.write(b"accepted")

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        received = Received(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield received
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_the_shell_example_sends_a_request_that_verifies(
    kind: str, coordinator: Received, tmp_path: Path
) -> None:
    needed = ("sh", "openssl", "curl", "xxd") if kind == "p256" else ("sh", "openssl", "curl")
    missing = [tool for tool in needed if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    script = _block(f"sh {kind}") + _block("sh request")
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "ORIGIN": coordinator.origin,
        "HANDLE": HANDLE,
        "SUBJECT": SUBJECT,
    }
    # ES256 numbers may begin with zeros: a few runs would show a conversion that drops them.
    for _ in range(1 if kind == "ed25519" else 4):
        done = subprocess.run(
            ["/bin/sh", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (0, "accepted"), done.stderr
    key = PrivateKey.from_pem((tmp_path / "key.pem").read_bytes())
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    for path, headers, body in zip(
        coordinator.paths, coordinator.headers, coordinator.bodies, strict=True
    ):
        token = headers["authorization"].removeprefix("Bearer ")
        verified = verify_request_token(
            token,
            key=key.public,
            iss=HANDLE,
            sub=SUBJECT,
            aud=coordinator.origin,
            method="POST",
            url=f"{coordinator.origin}{path}",
            body=body,
            now=read_token_front(token).claims["iat"],
        )
        plain = jwt.decode(
            token, key.public.verifying_key, algorithms=[key.alg], audience=coordinator.origin
        )
        assert (plain["jti"], path) == (verified.jti, "/v1/freeze-requests")
        assert re.fullmatch(r"[A-Za-z0-9_.:-]{8,64}", headers["idempotency-key"])
        assert headers["content-type"] == "application/json"
        FreezeRequest.model_validate(strict_json.loads(body))
    assert len({headers["idempotency-key"] for headers in coordinator.headers}) == len(
        coordinator.headers
    )


def _function(block: str, name: str, folder: Path) -> Any:
    path = folder / "block.py"
    path.write_text(_block(f"python {block}"))
    return runpy.run_path(str(path))[name]


def test_the_webhook_example_accepts_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    is_authentic = _function("webhook", "is_authentic", tmp_path)
    key, other = PrivateKey.generate(), PrivateKey.generate()
    body, jwks = b'{"type":"endpoint.test"}', {"keys": [other.public.jwk(), key.public.jwk()]}
    secret = webhooks.new_secret()
    good = webhooks.sign("evt_1", NOW, body, secrets=[secret], keys=[key])
    assert is_authentic(good, body, jwks, NOW + 300)
    assert not is_authentic(good, body + b" ", jwks, NOW)
    assert not is_authentic(good, body, jwks, NOW + 301)
    assert not is_authentic(good, body, jwks, NOW - 301)
    assert not is_authentic(good, body, {"keys": [other.public.jwk()]}, NOW)
    assert not is_authentic(good | {"webhook-id": "evt_2"}, body, jwks, NOW)
    assert not is_authentic(good | {"webhook-id": "evt.1"}, body, jwks, NOW)
    assert not is_authentic(good | {"webhook-timestamp": f"{NOW}.0"}, body, jwks, NOW)
    assert not is_authentic({}, body, jwks, NOW)
    symmetric = webhooks.sign("evt_1", NOW, body, secrets=[secret])
    assert not is_authentic(symmetric, body, jwks, NOW)


@pytest.mark.parametrize("alg", ["EdDSA", "ES256"])
def test_the_evidence_example_accepts_what_the_requester_signed_and_nothing_else(
    alg: Any, tmp_path: Path
) -> None:
    verified_claims = _function("evidence", "verified_claims", tmp_path)
    key, other = PrivateKey.generate(alg), PrivateKey.generate(alg)
    body = '{"summary":"Zürich"}'
    token = make_request_token(
        key,
        iss=HANDLE,
        sub=SUBJECT,
        aud=ORIGIN,
        method="POST",
        url=f"{ORIGIN}/v1/freeze-requests",
        body=body.encode(),
        now=NOW - 86_400,
    )
    evidence = {"token": token, "body": body, "jwk": key.public.jwk()}
    registered = {key.kid: (HANDLE, SUBJECT)}
    assert verified_claims(evidence, ORIGIN, registered)["htm"] == "POST"
    with pytest.raises(ValueError, match="another body"):
        verified_claims(evidence | {"body": body + " "}, ORIGIN, registered)
    with pytest.raises(ValueError, match="another key"):
        verified_claims(evidence | {"jwk": other.public.jwk()}, ORIGIN, registered)
    with pytest.raises(ValueError, match="not registered"):
        verified_claims(evidence, ORIGIN, {key.kid: ("exchange-b.example", SUBJECT)})
    with pytest.raises(jwt.InvalidAudienceError):
        verified_claims(evidence, "https://other.example", registered)
    head, claims, signature = token.split(".")
    forged = f"{head}.{claims}.{signature[:8]}{'A' * 8}{signature[16:]}"
    with pytest.raises(jwt.InvalidSignatureError):
        verified_claims(evidence | {"token": forged}, ORIGIN, registered)


def _resigned(passkey: SoftPasskey, token: str, body: str, **assertion: Any) -> str:
    """Return the same act, signed by another passkey, or otherwise."""
    signed = read_passkey_front(token).passkey
    assert signed is not None
    answer = passkey.answer(challenge_of(signed.document, body.encode()), **assertion)
    client_data, authenticator_data, signature = answer
    return make_passkey_token(
        kid=passkey.kid,
        base=signed.document,
        client_data=client_data,
        authenticator_data=authenticator_data,
        signature=signature,
    )


def test_the_published_act_of_a_passkey_is_what_the_kit_makes_of_it() -> None:
    vector = strict_json.loads(_block("json passkey").encode())
    body, key = vector["body"].encode(), PublicKey.from_jwk(vector["jwk"])
    front = read_passkey_front(vector["token"])
    assert front.passkey is not None
    base = front.passkey.document
    assert act_document(base, body).decode() == vector["act_document"]
    assert base64url.encode(challenge_of(base, body)) == vector["challenge"]
    proven = verify_request_evidence(vector["token"], body, key=key, aud=ORIGIN)
    assert (proven.iss, proven.sub, proven.htm) == (HANDLE, SUBJECT, "POST")


@pytest.mark.parametrize("alg", ["EdDSA", "ES256"])
def test_the_passkey_example_accepts_what_a_passkey_signed_and_nothing_else(
    alg: Any, tmp_path: Path
) -> None:
    verified_act = _function("passkey", "verified_act", tmp_path)
    vector = strict_json.loads(_block("json passkey").encode())
    registered = {PublicKey.from_jwk(vector["jwk"]).kid: (HANDLE, SUBJECT)}
    assert verified_act(vector, ORIGIN, registered)["person"] == SUBJECT
    passkey, body = SoftPasskey.generate(alg), vector["body"]
    registered = {passkey.kid: (HANDLE, SUBJECT)}

    def evidence(**assertion: Any) -> dict[str, Any]:
        token = _resigned(passkey, vector["token"], body, **assertion)
        return {"jwk": passkey.jwk, "body": body, "token": token}

    assert verified_act(evidence(), ORIGIN, registered)["partner"] == HANDLE
    bad = [
        (evidence() | {"body": body.replace("Seen", "Soon")}, "another body"),
        (evidence() | {"jwk": vector["jwk"]}, "another key"),
        (evidence(client={"challenge": "AAAA"}), "something else"),
        (evidence(client={"type": "webauthn.create"}), "something else"),
        (evidence(client={"origin": "https://evil.example"}), "another origin"),
        (evidence(client={"crossOrigin": True}), "elsewhere"),
        (evidence(rp_id="evil.example"), "relying party"),
        (evidence(flags=0x01), "nobody was verified"),
        (evidence(flags=0x15), "no authenticator gives"),
        (evidence(extensions=b"x"), "no authenticator gives"),
    ]
    for each, words in bad:
        with pytest.raises(ValueError, match=words):
            verified_act(each, ORIGIN, registered)
    with pytest.raises(ValueError, match="another coordinator"):
        verified_act(evidence(), "https://other.example", registered)
    with pytest.raises(ValueError, match="not registered"):
        verified_act(evidence(), ORIGIN, {passkey.kid: ("exchange-b.example", SUBJECT)})
    head, _, signature = evidence()["token"].rpartition(".")
    other = evidence()["token"].rpartition(".")[2]
    forged = f"{head}.{other if alg == 'ES256' else signature[:8] + 'AAAA' + signature[12:]}"
    with pytest.raises(ValueError, match="does not verify"):
        verified_act(evidence() | {"token": forged}, ORIGIN, registered)


#: Reasons of proofs of possession and of passkeys, which authenticate no request.
_OTHER_PROOFS = {
    *("handle", "subject", "claim", "handle_mismatch", "subject_mismatch", "act_body"),
    *("client_data", "challenge_mismatch", "origin_mismatch", "cross_origin"),
    *("authenticator_data", "rp_mismatch", "not_present", "not_verified"),
}


def test_every_reason_of_a_401_is_explained() -> None:
    section = PAGE.read_text().partition("### A first token, debugged")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    explained = {name for row in rows for name in re.findall(r"`([a-z_0-9]+)`", row)}
    sources = ("auth.py", "membership.py", "transaction.py")
    api = Path(__file__).parents[2] / "coordinator" / "api"
    raised = {
        code
        for name in sources
        for code in re.findall(
            r'AuthenticationError\([^)]*code="([a-z_]+)"', (api / name).read_text()
        )
    }
    assert {"unknown_key", "replayed_token", "token_missing"} <= raised
    # Every other fault of the protocol is a TokenReason.
    reasons = {str(reason) for reason in TokenReason} - _OTHER_PROOFS
    assert explained == reasons | raised - {"protocol"}


def test_every_roles_rights_stand_on_the_page() -> None:
    section = PAGE.read_text().partition("## Who may do what")[2].partition("\n## ")[0]
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    assert head[2:] == [*(f"`{role}`" for role in Role), "root key"]
    told = {row[0].strip("`"): [cell == "yes" for cell in row[2:]] for row in rows}
    rights = [*(GRANTS[role] for role in Role), ROOT_GRANTS]
    assert told == {
        permission.value: [permission in held for held in rights]
        for permission in Permission
        if permission not in COORDINATOR_GRANTS
    }


def test_the_page_says_what_the_code_does() -> None:
    page = PAGE.read_text()
    for word in ("holdfast-request+jwt", "holdfast-key+jwt", "4,096 bytes", "1 to 120", "30 s"):
        assert word in page
