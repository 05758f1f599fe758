"""Linters find nothing in the OpenAPI document, and clients that others generate from it work.

Each client takes a request on a served coordinator from its submission to a hold, and reads a
refusal by its type. Redocly, Spectral, the generators and the compiler are pinned in
`tests/contract/generators/`.
"""

import compileall
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess, run
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
import requests

from coordinator.api import openapi
from coordinator.api.routes import ROUTES
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import format_time
from tests import factories
from tests.browser.served import HOST, Served, serve
from tests.conftest import World, write_keys
from tests.factories import ACCOUNT, ETHER, ORIGIN, Member
from tests.node import Project, project_or_skip

SOURCE = Path(__file__).with_name("generators")
#: Neither tells its makers that it runs, nor asks whether there is a newer one.
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The document does not hang on the database."""
    return sqlite_world


@pytest.fixture(scope="module")
def node() -> Project:
    """The linters, generators and the compiler."""
    return project_or_skip(SOURCE)


@pytest.fixture(name="document")
def _document(tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_bytes(openapi.document_bytes(ROUTES, ORIGIN))
    return path


@pytest.fixture
def served(database_url: str, world: World, tmp_path: Path) -> Iterator[Served]:
    write_keys(tmp_path / "keys")
    with serve(database_url, world.cast, tmp_path) as running:
        yield running


def _redocly(node: Project, document: Path) -> CompletedProcess[str]:
    config = SOURCE / "redocly.yaml"
    arguments = ("lint", document, "--config", config, "--format", "json")
    return node.run("redocly", *arguments, cwd=document.parent, env=QUIET)


def _spectral(node: Project, document: Path) -> CompletedProcess[str]:
    rules = SOURCE / "spectral.yaml"
    arguments = ("lint", document, "--ruleset", rules, "--fail-severity", "hint")
    return node.run("spectral", *arguments, cwd=document.parent)


def test_redocly_finds_nothing(node: Project, document: Path) -> None:
    done = _redocly(node, document)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problems"] == []


def test_spectral_finds_nothing(node: Project, document: Path) -> None:
    done = _spectral(node, document)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("lint", [_redocly, _spectral])
def test_either_would_find_an_operation_without_a_description_of_its_tag(
    node: Project, document: Path, lint: Callable[[Project, Path], CompletedProcess[str]]
) -> None:
    told = json.loads(document.read_text(encoding="utf-8"))
    told["tags"] = [{"name": "service"}]
    told["paths"]["/v1"]["get"]["tags"] = ["nothing of this name"]
    document.write_text(json.dumps(told), encoding="utf-8")  # noqa: TID251 - as a client would
    done = lint(node, document)
    assert "tag" in done.stdout
    assert done.returncode != 0 or json.loads(done.stdout)["problems"]


def _person(member: Member) -> dict[str, str]:
    return {
        "handle": member.handle,
        "subject": member.subject,
        "kid": member.key.kid,
        "alg": member.key.alg,
        "pem": member.key.to_pem().decode(),
    }


def _plan(served: Served) -> dict[str, Any]:
    """Return what a client has to know of the coordinator and of those for whom it signs."""
    return {
        "address": f"http://{HOST}:{served.port}",
        "origin": factories.ORIGIN,
        "now": int(served.clock.now().timestamp()),
        "analyst": _person(served.cast.a.analyst),
        "lead": _person(served.cast.a.lead),
        "asked": _person(served.cast.b.compliance),
        "account": ACCOUNT,
        "asset": ETHER,
    }


def _fetch_document(served: Served, folder: Path) -> Path:
    path = folder / "openapi.json"
    address = f"http://{HOST}:{served.port}/openapi.json"
    path.write_bytes(requests.get(address, timeout=60).content)
    return path


def _compile_and_run(node: Project, folder: Path, script: str, served: Served) -> Any:
    """Compile what was generated with a script that uses it, run it, return what it prints."""
    for name in ("sign.ts", script, "tsconfig.json"):
        (folder / name).write_bytes((SOURCE / name).read_bytes())
    node.lend(folder)
    compiled = node.run("tsc", "--project", folder / "tsconfig.json", cwd=folder)
    assert compiled.returncode == 0, compiled.stdout
    plan = folder / "plan.json"
    plan.write_text(json.dumps(_plan(served)), encoding="utf-8")  # noqa: TID251 - nobody signs it
    program = (folder / "built" / script).with_suffix(".js")
    ran = node.run(str(program), plan, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _is_held(served: Served, told: dict[str, Any]) -> None:
    """Hold a client to what its coordinator knows, and to the pointer in the refusal."""
    assert told["held"] == ["700"]
    assert told["legs"] == "frozen"
    assert (told["refused"], told["pointer"]) == (422, ["/lines/0/hold_expires_at"])
    path = f"/v1/freeze-requests/{told['request']}/holds"
    [hold] = served.get(served.cast.a.auditor, path).json()["items"]
    assert (hold["held"], hold["partner"]) == ("700", served.cast.b.handle)


@pytest.mark.processes
def test_types_of_openapi_typescript_compile_and_serve(
    node: Project, served: Served, tmp_path: Path
) -> None:
    folder = tmp_path / "fetch"
    folder.mkdir()
    document = _fetch_document(served, folder)
    made = node.run("openapi-typescript", document, "--output", "types.ts", cwd=folder)
    assert made.returncode == 0, made.stderr
    _is_held(served, _compile_and_run(node, folder, "use_fetch.ts", served))


@pytest.mark.processes
def test_a_client_of_hey_api_compiles_and_serves(
    node: Project, served: Served, tmp_path: Path
) -> None:
    folder = tmp_path / "hey"
    folder.mkdir()
    document = _fetch_document(served, folder)
    arguments = (
        "--input",
        document,
        "--output",
        folder / "hey",
        "--client",
        "@hey-api/client-fetch",
    )
    made = node.run("openapi-ts", *arguments, cwd=folder)
    assert made.returncode == 0, made.stderr
    _is_held(served, _compile_and_run(node, folder, "use_hey.ts", served))


@pytest.mark.processes
def test_a_client_of_openapi_python_client_compiles_and_serves(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = f"generated_{uuid4().hex}"
    folder = tmp_path / "python"
    folder.mkdir()
    document = _fetch_document(served, folder)
    program = Path(sys.executable).with_name("openapi-python-client")
    target = ("--meta", "none", "--output-path", folder / package)
    # It knows one type of what is no text.
    config = folder / "config.json"
    overrides = dict.fromkeys(("application/pdf", "application/zip"), "application/octet-stream")
    config.write_bytes(canonical_json.dumps({"content_type_overrides": overrides}))
    made = run(
        [program, "generate", "--path", document, "--config", config, *target, "--fail-on-warning"],
        env={"PATH": str(Path(sys.executable).parent)},  # it formats with ruff
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert compileall.compile_dir(folder, quiet=1)
    monkeypatch.syspath_prepend(str(folder))
    try:
        _is_held(served, _use_python_client(served, importlib.import_module(package), package))
    finally:
        for name in [each for each in sys.modules if each.startswith(package)]:
            del sys.modules[name]


def _use_python_client(served: Served, client: ModuleType, package: str) -> dict[str, Any]:
    def call(section: str, operation: str, member: Member, *path: str, **given: Any) -> Any:
        module = importlib.import_module(f"{package}.api.{section}.{operation}")
        hooks = {"request": [lambda request: _sign(request, member, served)]}
        address = f"http://{HOST}:{served.port}"
        with client.Client(base_url=address, httpx_args={"event_hooks": hooks}) as caller:
            return module.sync_detailed(*path, client=caller, **given)

    models = importlib.import_module(f"{package}.models")
    fresh = {"idempotency_key": uuid4().hex}
    sent = factories.freeze_request_body(to=[served.cast.b.handle])
    body = models.FreezeRequest.from_dict(sent)
    assert body.to_dict().keys() == sent.keys()  # no member is lost or renamed on the way
    assert models.FreezeRequest.from_dict(body.to_dict()) == body
    request = call(
        "freeze_requests", "submit_request", served.cast.a.analyst, body=body, **fresh
    ).parsed
    context = sha256(request.decision_context.encode()).hexdigest()
    approval = models.Approval(
        content_sha256=request.content_sha256,
        decision=models.Decision.APPROVE,
        context_sha256=context,
    )
    lead = served.cast.a.lead
    approved = call("freeze_requests", "decide_request", lead, request.id, body=approval, **fresh)
    assert isinstance(approved.parsed, models.DecisionView)
    now = served.clock.now()
    found = models.FoundLine(kind="found", address_no=0, asset=ETHER, amount="700")
    frozen = models.FrozenLine(
        kind="frozen",
        address_no=0,
        asset=ETHER,
        amount="700",
        frozen_at=now,
        hold_expires_at=now + timedelta(days=1),
    )
    endless = models.FrozenLine(
        kind="frozen", address_no=0, asset=ETHER, amount="700", frozen_at=now
    )
    asked = served.cast.b.compliance
    answers = [
        call(
            "freeze_ledger",
            "report_freezes",
            asked,
            request.id,
            body=models.FreezeReport(content_sha256=request.content_sha256, lines=lines),
            idempotency_key=uuid4().hex,
        )
        for lines in ([found, frozen], [endless])
    ]
    report, refused = (answer.parsed for answer in answers)
    assert isinstance(refused, models.Problem)
    assert format_time(report.lines[1].hold_expires_at) == format_time(now + timedelta(days=1))
    holds = call("freeze_ledger", "list_holds", served.cast.a.auditor, request.id).parsed
    return {
        "request": request.id,
        "legs": report.leg.status,
        "held": [hold.held for hold in holds.items],
        "refused": int(answers[1].status_code),
        "pointer": [fault.pointer for fault in refused.errors],
    }


def _sign(request: Any, member: Member, served: Served) -> None:
    path = request.url.raw_path.decode()
    token = factories.request_token(member, request.method, path, request.read(), served.clock)
    request.headers["Authorization"] = f"Bearer {token}"
