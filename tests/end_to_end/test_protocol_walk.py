"""The programs of docs/protocol.md go the whole way, against a coordinator that really serves."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.webhook_signature import new_secret, sign
from tests.architecture.tree import ROOT
from tests.node import project_or_skip
from tests.ports import free_port

pytestmark = pytest.mark.processes

PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
JAVASCRIPT = ROOT / "tests" / "contract" / "javascript"
#: A slow machine is waited for this long; no test hangs on how long it takes.
PATIENCE = 180


def _blocks(language: str) -> str:
    section = PAGE.partition(f"## The whole way, in {language}")[2].partition("\n## ")[0]
    kind = {"JavaScript": "js", "the shell": "sh"}[language]
    found = re.findall(rf"^```{kind} \w+\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return "".join(found)


def _environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HOLDFAST_")}
    return {**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **more}


@dataclass(slots=True)
class Coordinator:
    """One that serves, and its operator's command line."""

    origin: str
    environment: dict[str, str]
    log: Path

    def operate(self, *words: str) -> str:
        """Run a command of the operator's; return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "coordinator.cli", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def invite(self, handle: str) -> str:
        """Invite a partner; return the code."""
        said = self.operate("partner", "invite", handle, "--name", handle, "--json")
        return str(json.loads(said)["invitation"])


@pytest.fixture
def coordinator(tmp_path: Path) -> Iterator[Coordinator]:
    port = free_port()
    origin, log = f"http://127.0.0.1:{port}", tmp_path / "log"
    environment = _environment(
        HOLDFAST_DATA_DIR=str(tmp_path / "var"),
        HOLDFAST_PORT=str(port),
        HOLDFAST_ORIGIN=origin,
        HOLDFAST_WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
    )
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "coordinator.cli", "serve"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    assert process.stdout is not None
    assert any(line.startswith("ready:") for line in process.stdout)
    yield Coordinator(origin, environment, log)
    process.terminate()
    process.wait(PATIENCE)
    process.stdout.close()


def _followed(coordinator: Coordinator, command: list[str], folder: Path) -> list[str]:
    """Run a program to its end, confirm whom it says to, and return what it said."""
    environment = _environment(
        ORIGIN=coordinator.origin,
        INVITATION_A=coordinator.invite("exchange-a.example"),
        INVITATION_B=coordinator.invite("exchange-b.example"),
    )
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.strip())
        if line.startswith("confirm "):
            coordinator.operate("partner", *line.split())
    _, faults = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, "\n".join([*said, faults])
    return said


def _steps(said: list[str]) -> list[str]:
    return [re.sub(r" (hld|per|exchange-[ab])\S*( \S+)?", "", line) for line in said]


def _with_forgeries(program: str) -> str:
    """Return the program, which keeps one webhook as it came and tries what must not pass."""
    keep = "waiting.push(JSON.parse(body));"
    assert program.count(keep) == 1
    return (
        program.replace(keep, f"{keep} globalThis.came = [request.headers, body];")
        + """
const [headers, raw] = globalThis.came, at = Number(headers["webhook-timestamp"]);
const offered = headers["webhook-signature"].split(" ");
const by = (kind) => offered.filter((each) => each.startsWith(kind)).join(" ");
const forged = {
  body: isAuthentic(headers, Buffer.concat([raw, Buffer.from(" ")]), at),
  late: isAuthentic(headers, raw, at + 301),
  early: isAuthentic(headers, raw, at - 301),
  id: isAuthentic({ ...headers, "webhook-id": "evt_1" }, raw, at),
  secretAlone: isAuthentic({ ...headers, "webhook-signature": by("v1,") }, raw, at),
  keyAlone: isAuthentic({ ...headers, "webhook-signature": by("v1a,") }, raw, at),
  nothing: isAuthentic({}, raw, at),
};
if (!isAuthentic(headers, raw, at + 300) || Object.values(forged).some(Boolean)) {
  throw new Error(JSON.stringify(forged));
}
const changed = { ...notice.data.evidence, body: notice.data.evidence.body + " " };
const passes = await proven(changed, "POST", `${ORIGIN}/v1/freeze-requests`)
  .then(() => true, () => false);
if (passes) throw new Error("a changed body was proven");
"""
    )


def test_the_javascript_takes_a_request_through_its_whole_life(
    coordinator: Coordinator, tmp_path: Path
) -> None:
    project = project_or_skip(JAVASCRIPT)
    project.lend(tmp_path)
    program = tmp_path / "whole.mjs"
    program.write_text(_with_forgeries(_blocks("JavaScript")), encoding="utf-8")
    said = _followed(coordinator, [str(project.node), str(program)], tmp_path)
    assert _steps(said) == [
        *("confirm", "confirm", "auditor for", "grant made", "hold"),
        *("told freeze.frozen by", "closed closed"),
    ]


def _require(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


def _shell_program() -> str:
    keys = re.search(r"^```sh ed25519\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert keys is not None
    return keys[1] + _blocks("the shell")


def test_the_shell_takes_a_request_through_its_whole_life(
    coordinator: Coordinator, tmp_path: Path
) -> None:
    _require("sh", "curl", "openssl", "xxd", "python3")
    program = tmp_path / "whole.sh"
    program.write_text(_shell_program(), encoding="utf-8")
    said = _followed(coordinator, ["sh", str(program)], tmp_path)
    assert _steps(said) == ["confirm", "confirm", "made", "hold", "closed closed"]
    _require_the_reason_in_the_log(coordinator)


def _require_the_reason_in_the_log(coordinator: Coordinator) -> None:
    """The operator finds, by the id that a 401 bears, why it came."""
    answer = requests.get(
        f"{coordinator.origin}/v1/events",
        headers={"Authorization": "Bearer e30.e30.e30"},
        timeout=PATIENCE,
    )
    assert answer.status_code == 401
    lines = [json.loads(line) for line in coordinator.log.read_text().splitlines() if "{" in line]
    asked = answer.json()["request_id"]
    (why,) = (
        each["reason"]
        for each in lines
        if each.get("request_id") == asked and each["event"] == "unauthenticated"
    )
    assert why == "signature_length"


def test_the_shell_accepts_a_webhook_that_is_signed_and_no_other(tmp_path: Path) -> None:
    _require("sh", "openssl", "xxd", "python3")
    blocks = dict(re.findall(r"^```sh (\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    program = blocks["ed25519"] + blocks["verify"] + 'is_authentic "$@"\n'
    secret, key, other = new_secret(), PrivateKey.generate(), PrivateKey.generate()
    body = b'{"type":"endpoint.test"}'
    headers = sign("evt_1", 1_795_377_260, body, secrets=[secret], keys=[other, key])
    good = list(headers.values())
    (tmp_path / "body").write_bytes(body)
    (tmp_path / "other").write_bytes(body + b" ")

    def is_taken(*changed: str) -> bool:
        command = ["sh", "-c", program, "sh", *changed]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        return done.returncode == 0

    x = key.public.jwk()["x"]
    by_secret, *by_keys = good[2].split(" ")
    assert is_taken(*good, "body", secret, x)
    assert not is_taken(*good, "other", secret, x)
    assert not is_taken("evt_2", *good[1:], "body", secret, x)
    assert not is_taken(good[0], "1795377261", good[2], "body", secret, x)
    assert not is_taken(*good, "body", new_secret(), x)
    assert not is_taken(*good, "body", secret, PrivateKey.generate().public.jwk()["x"])
    assert not is_taken(*good[:2], by_secret, "body", secret, x)
    assert not is_taken(*good[:2], " ".join(by_keys), "body", secret, x)
