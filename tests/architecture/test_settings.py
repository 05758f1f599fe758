"""Whoever runs the coordinator finds each setting explained in one file."""

import re
from dataclasses import fields

from coordinator.settings import Settings
from tests.architecture.tree import ROOT

LINES = (ROOT / "config" / "default.toml").read_text(encoding="utf-8").splitlines()


def _explained() -> dict[str, bool]:
    """Return, by setting, whether a comment heads its block; lines of one block may share it."""
    settings = {}
    has_comment = False
    for line in LINES:
        named = re.match(r"([a-z_]+)\s*=", line)
        if named:
            settings[named[1]] = has_comment
        else:
            has_comment = re.match(r"#\s*\S", line) is not None
    return settings


def test_every_setting_has_a_default_and_no_default_is_for_nothing() -> None:
    assert set(_explained()) == {field.name for field in fields(Settings)}


def test_every_setting_is_explained() -> None:
    assert [name for name, is_explained in _explained().items() if not is_explained] == []


def test_the_console_is_on_this_machine_unless_it_is_said_to_be_elsewhere() -> None:
    at_port = Settings.from_env({"HOLDFAST_PORT": "9000"})
    assert at_port.passkey_scope.origin == "http://localhost:9000"
    elsewhere = Settings.from_env({"HOLDFAST_CONSOLE_ORIGIN": "https://console.example"})
    assert elsewhere.passkey_scope.origin == "https://console.example"
    assert elsewhere.passkey_scope.rp_id == "console.example"


def test_no_setting_takes_a_secret() -> None:
    # Secrets are files: the web server copies the environment into every request's.
    telling = re.compile(r"secret|password|token|seed|(?<!public_)key(?!s?_(dir|file))")
    assert [name for name in _explained() if telling.search(name)] == []
