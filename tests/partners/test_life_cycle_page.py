"""What docs/life-cycle.md tells an officer to type exists, with every option it names."""

import re

import click
import pytest

from holdfast.cli.main import cli
from tests.architecture.tree import ROOT

_PAGE = (ROOT / "docs" / "life-cycle.md").read_text(encoding="utf-8").replace("\\\n", "")
_LINES = sorted(set(re.findall(r"holdfast ([a-z][^`\n|]*)", _PAGE)))


def _command(line: str) -> click.Command:
    """Return the command that a line names, below every group that it goes through."""
    command: click.Command = cli
    for word in line.split():
        if not isinstance(command, click.Group):
            break
        assert word in command.commands, f"there is no `holdfast {line}`"
        command = command.commands[word]
    return command


def test_the_page_tells_commands() -> None:
    assert len(_LINES) > 20


@pytest.mark.parametrize("line", _LINES)
def test_a_command_of_the_page_exists_with_its_options(line: str) -> None:
    command = _command(line)
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    assert set(re.findall(r"--[a-z][a-z-]*", line)) <= known
