"""What both command lines say of themselves on a terminal of 80 columns: whole, and in whole words.

The walk takes in every command that there is, so that a new one cannot be forgotten.
"""

import os
import pty
import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

import coordinator.cli
import holdfast.cli

_COLUMNS = 80
_ROOTS = {"holdfast": holdfast.cli.cli, "holdfast-coordinator": coordinator.cli.main}
_Words = tuple[str, ...]


def _walk(command: click.Command, words: _Words = ()) -> Iterator[tuple[click.Command, _Words]]:
    yield command, words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _walk(found, (*words, name))


_ALL = [(name, command, words) for name, root in _ROOTS.items() for command, words in _walk(root)]
_PAGES = [pytest.param(*each, id=" ".join((each[0], *each[2]))) for each in _ALL]


def _wrong(command: click.Command) -> Iterator[_Words]:
    """Yield words that a command refuses, as many as a value takes."""
    if not command.context_settings.get("ignore_unknown_options"):  # a thumbprint may look like one
        yield ("--no-such-option",)
    for parameter in command.params:
        kind = parameter.type
        if isinstance(parameter, click.Option) and isinstance(kind, click.Choice):
            yield (parameter.opts[-1], "no-such-choice")
        if isinstance(parameter, click.Option) and isinstance(kind, click.IntRange):
            yield (parameter.opts[-1], "many")


_ERRORS = [
    pytest.param(name, (*words, *wrong), id=" ".join((name, *words, *wrong)))
    for name, command, words in _ALL
    for wrong in (*_wrong(command), *([()] if any(p.required for p in command.params) else []))
]


def _typed(name: str, words: _Words, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the lines that a terminal shows after a command that is refused."""
    here, there = pty.openpty()
    monkeypatch.setenv("COLUMNS", str(_COLUMNS))
    with os.fdopen(here, "rb", 0) as main, os.fdopen(there, "w") as terminal:
        with monkeypatch.context() as patched:
            patched.setattr("sys.stderr", terminal)
            with pytest.raises(SystemExit) as left:
                _ROOTS[name].main(list(words), prog_name=name)
        terminal.write("\0")
        terminal.flush()
        shown = b""
        while not shown.endswith(b"\0"):
            shown += main.read(65_536)
    assert left.value.code == 2
    return shown.decode().removesuffix("\0").splitlines()


@pytest.mark.parametrize(("name", "command", "words"), _PAGES)
def test_a_help_page_fits_and_is_whole(name: str, command: click.Command, words: _Words) -> None:
    environment = {"COLUMNS": str(_COLUMNS)}
    done = CliRunner().invoke(_ROOTS[name], [*words, "--help"], prog_name=name, env=environment)
    assert done.exit_code == 0
    assert "\\b" not in done.output  # click's mark of a paragraph that is left as it is
    assert max(map(len, done.output.splitlines())) <= _COLUMNS
    # Click's own dots of what is cut; those of a usage line stand behind a bracket.
    assert re.findall(r"[^]…]\.\.\.", done.output) == []
    said = done.output.split()
    for parameter in command.params:
        if isinstance(parameter.type, click.Choice) and isinstance(parameter, click.Option):
            choices = [str(choice) for choice in parameter.type.choices]
            is_listed = {word.rstrip(",.") for word in said}.issuperset(choices)
            assert is_listed or f"[{'|'.join(choices)}]" in said


@pytest.mark.parametrize(("name", "words"), _ERRORS)
def test_a_usage_error_breaks_between_words_alone(
    name: str, words: _Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = _typed(name, words, monkeypatch)
    assert max(map(len, lines)) <= _COLUMNS
    piped = CliRunner().invoke(_ROOTS[name], list(words), prog_name=name)
    assert piped.exit_code == 2
    # The same words, none of them in two pieces; a pipe has each error as one line.
    assert " ".join(lines).split() == piped.stderr.split()
    assert piped.stderr.split("\n")[-2].startswith(("Error: ", "\t"))


def test_the_walk_takes_in_both_trees() -> None:
    walked = {(name, *words) for name, _, words in _ALL}
    assert ("holdfast", "endpoint", "rotate-secret") in walked
    assert ("holdfast-coordinator", "partner", "reset-root") in walked
    assert len(_ERRORS) > len(_ALL)
