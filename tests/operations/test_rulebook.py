"""The operator publishes a rulebook from a file, and sees who has not accepted it."""

from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coordinator.cli import main
from holdfast.protocol import strict_json
from tests.factories import Exchange
from tests.operations.test_membership import exchange

__all__ = ["exchange"]
TEXT = b"Rules of the house.\n"


def _run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_a_file_is_published_and_who_has_not_accepted_it_is_named(
    exchange: Exchange, tmp_path: Path
) -> None:
    assert "no rulebook is published" in _run("rulebook", "status").stdout
    file = tmp_path / "rulebook.txt"
    file.write_bytes(TEXT)
    published = _run("rulebook", "publish", str(file))
    assert published.exit_code == 0, published.output
    assert sha256(TEXT).hexdigest() in published.stdout
    file.write_bytes(TEXT * 2)
    later = _run("rulebook", "publish", str(file), "--from", "2099-01-01T00:00:00Z")
    assert "from 2099-01-01T00:00:00Z on" in later.stdout
    [first, second] = strict_json.loads(_run("rulebook", "status", "--json").stdout.encode())
    assert (first["state"], second["state"]) == ("in force", "coming")
    assert first["not_accepted_by"] == second["not_accepted_by"] == [exchange.handle]
    assert f"not accepted by {exchange.handle}" in _run("rulebook", "status").stdout


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        (b"", (), "empty"),
        (b"\xff", (), "UTF-8"),
        (TEXT, ("--from", "tomorrow"), "RFC 3339"),
        (TEXT, ("--from", "2020-01-01T00:00:00Z"), "or later"),
        (b"a" * 300_000, (), "at most 262144 bytes"),
    ],
)
@pytest.mark.usefixtures("exchange")
def test_what_cannot_be_published_is_said_in_a_line(
    tmp_path: Path, content: bytes, words: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "rulebook.txt"
    file.write_bytes(content)
    refused = _run("rulebook", "publish", str(file), *words)
    assert refused.exit_code == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.output
