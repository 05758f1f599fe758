"""Every block of docs/webhooks.md works as printed, on deliveries that the coordinator signed."""

import json
import re
import runpy
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coordinator.domain.delivery import (
    ANSWER_KEPT,
    FLASH_LONGEST_WAIT,
    RECOVERY_SPREAD,
    RETRY_AFTER_LIMIT,
    RETRY_SCHEDULE,
    UNAVAILABLE,
)
from holdfast.protocol import strict_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.webhook_signature import new_secret, sign
from tests.node import project_or_skip

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
RECEIVERS = Path(__file__).parent / "receivers"
_SECONDS = 120


@dataclass(frozen=True)
class Delivery:
    """What a receiver is given, and what it should say."""

    headers: Mapping[str, str]
    body: bytes
    is_good: bool


KEY, SECRET = PrivateKey.generate(), new_secret()
JWKS = {"keys": [KEY.public.jwk() | {"kid": KEY.public.kid}]}
BODY = '{"data":{"note":"grüße"},"type":"endpoint.test"}'.encode()


def deliveries(*, by_key: bool) -> list[Delivery]:
    """Return a genuine delivery, one during a rotation, and what is wrong with others."""
    now = int(time.time())
    good = sign("evt_1", now, BODY, secrets=[SECRET], keys=[KEY])
    rotated = sign("evt_1", now, BODY, secrets=[new_secret(), SECRET], keys=[KEY])
    other = sign("evt_1", now, BODY, secrets=[new_secret()], keys=[PrivateKey.generate()])
    late = sign("evt_1", now - 600, BODY, secrets=[SECRET], keys=[KEY])
    early = sign("evt_1", now + 600, BODY, secrets=[SECRET], keys=[KEY])
    one = sign("evt_1", now, BODY, secrets=[SECRET])
    return [
        Delivery(good, BODY, is_good=True),
        Delivery(rotated, BODY, is_good=True),
        Delivery(one, BODY, is_good=not by_key),
        Delivery(good, BODY + b" ", is_good=False),
        Delivery(good | {"webhook-id": "evt_2"}, BODY, is_good=False),
        Delivery(good | {"webhook-timestamp": "x"}, BODY, is_good=False),
        Delivery(good | {"webhook-signature": ""}, BODY, is_good=False),
        Delivery(other, BODY, is_good=False),
        Delivery(late, BODY, is_good=False),
        Delivery(early, BODY, is_good=False),
    ]


def block(name: str) -> str:
    language = name.partition("-")[0]
    fence = {"node": f"js {name}", "go": f"go {name}"}.get(language, f"python {name}")
    found: list[str] = re.findall(
        rf"^```{fence}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    (text,) = found
    return text


def function(name: str, wanted: str, tmp_path: Path) -> Callable[..., Any]:
    script = tmp_path / "block.py"
    script.write_text(block(name), encoding="utf-8")
    found: Callable[..., Any] = runpy.run_path(str(script))[wanted]
    return found


def test_the_library_of_python_accepts_what_is_genuine_and_nothing_else(tmp_path: Path) -> None:
    is_authentic = function("python-library", "is_authentic", tmp_path)
    for each in deliveries(by_key=False):
        assert is_authentic(dict(each.headers), each.body, SECRET) == each.is_good, each


def _node(tmp_path: Path, name: str, node: str, given: object, *, by_key: bool) -> None:
    cases = deliveries(by_key=by_key)
    (tmp_path / "receiver.mjs").write_text(block(name), encoding="utf-8")
    (tmp_path / "run.mjs").write_text(
        """import { readFileSync } from "node:fs";
import { isAuthentic } from "./receiver.mjs";
const { given, cases } = JSON.parse(readFileSync("cases.json", "utf8"));
const said = cases.map((each) => isAuthentic(each.headers, Buffer.from(each.body), given));
console.log(JSON.stringify(said));
""",
        encoding="utf-8",
    )
    told = [{"headers": dict(each.headers), "body": each.body.decode()} for each in cases]
    shown = json.dumps({"given": given, "cases": told})  # noqa: TID251 - for node, not signed
    (tmp_path / "cases.json").write_text(shown, encoding="utf-8")
    done = subprocess.run(
        [node, "run.mjs"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert strict_json.loads(done.stdout.strip().encode()) == [each.is_good for each in cases]


def test_node_accepts_what_is_genuine_and_nothing_else_by_hand(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on PATH")
    _node(tmp_path, "node-by-hand", node, JWKS, by_key=True)


def test_the_library_of_node_accepts_what_is_genuine_and_nothing_else(tmp_path: Path) -> None:
    project = project_or_skip(RECEIVERS)
    project.lend(tmp_path)
    _node(tmp_path, "node-library", str(project.node), SECRET, by_key=False)


def test_go_accepts_what_is_genuine_and_nothing_else_by_hand(tmp_path: Path) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not on PATH: the block for Go in docs/webhooks.md was not run")
    cases = deliveries(by_key=True)
    (tmp_path / "go.mod").write_text("module receiver\n\ngo 1.19\n", encoding="utf-8")
    (tmp_path / "receiver.go").write_text(block("go-by-hand"), encoding="utf-8")
    (tmp_path / "receiver_test.go").write_text(
        """package receiver

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"
)

func TestCases(t *testing.T) {
	text, _ := os.ReadFile("cases.json")
	var told struct {
		Jwks  JWKS
		Cases []struct {
			Headers map[string]string
			Body    string
			Good    bool
		}
	}
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatal(err)
	}
	for n, each := range told.Cases {
		header := http.Header{}
		for name, value := range each.Headers {
			header.Set(name, value)
		}
		if IsAuthentic(header, []byte(each.Body), told.Jwks, time.Now()) != each.Good {
			t.Errorf("case %d", n)
		}
	}
}
""",
        encoding="utf-8",
    )
    told = [
        {"headers": dict(each.headers), "body": each.body.decode(), "good": each.is_good}
        for each in cases
    ]
    shown = json.dumps({"jwks": JWKS, "cases": told})  # noqa: TID251 - for go, not signed
    (tmp_path / "cases.json").write_text(shown, encoding="utf-8")
    done = subprocess.run(
        [go, "test", "./..."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_repeat_is_known_by_its_id(tmp_path: Path) -> None:
    first_time = function("repeats", "first_time", tmp_path)
    db = sqlite3.connect(":memory:")
    assert [first_time(db, each) for each in ("evt_1", "evt_2", "evt_1")] == [True, True, False]
    db.close()


def test_a_drill_is_looked_for_and_nothing_is_frozen(tmp_path: Path) -> None:
    on_notice = function("drill", "on_notice", tmp_path)
    frozen: list[str] = []

    def freeze(found: str) -> str:
        frozen.append(found)
        return "frozen"

    notice = SimpleNamespace(addresses=["1"], is_drill=True)
    assert (on_notice(notice, freeze, lambda _: "found"), frozen) == ("found", [])
    notice.is_drill = False
    assert (on_notice(notice, freeze, lambda _: "found"), frozen) == ("frozen", ["found"])


def test_catching_up_reads_every_page_of_the_feed_in_order(tmp_path: Path) -> None:
    catch_up = function("catch-up", "catch_up", tmp_path)
    pages = {
        3: SimpleNamespace(events=["a", "b"], next_after=7, has_more=True),
        7: SimpleNamespace(events=["c"], next_after=9, has_more=False),
    }
    seen: list[str] = []
    client = SimpleNamespace(events=lambda after: pages[after])
    assert catch_up(client, 3, seen.append) == 9
    assert seen == ["a", "b", "c"]


def test_the_figures_of_the_page_are_the_code_s() -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    waits = ", ".join(_spoken(seconds) for seconds in RETRY_SCHEDULE)
    assert f"The schedule: {waits}," in page
    assert ", ".join(str(status) for status in sorted(UNAVAILABLE)) in page
    assert f"due within {RECOVERY_SPREAD.seconds} seconds" in page
    assert RETRY_AFTER_LIMIT == 3_600
    assert "an hour at most" in page
    assert FLASH_LONGEST_WAIT == 300
    assert "five minutes for a flash notice" in page
    assert f"erased after {ANSWER_KEPT.total_seconds() / 3600:.0f} hours" in page


def _spoken(seconds: int) -> str:
    for length, word in ((3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds // length} {word}"
    return f"{seconds} s"
