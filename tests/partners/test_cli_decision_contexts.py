"""How the text that a lead signs is shown: whole, in pieces that fit, and beside its hash."""

from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest

from holdfast.cli.decision_contexts import context_parts
from holdfast.cli.layout import WordConsole
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.decision_context import DecisionContext
from tests.partners.shell import FRQ, Shell, sent
from tests.partners.submitted import Submitted

_HASHES = [letter * 64 for letter in "ab"]
_DETAIL = "This address belongs to a service wallet that pools the funds of many customers of it."
_CONTEXT = DecisionContext(
    request_id=FRQ,
    content_sha256=_HASHES[0],
    act_sha256=_HASHES[1],
    to=["exchange-b.example", "exchange-c.example"],
    warnings=[
        {"code": "service_wallet", "address_nos": list(range(900, 960)), "detail": _DETAIL},
        {"code": "duplicate", "address_nos": [2], "detail": "Seen before.", "requests": [FRQ]},
    ],
    salt="Zm9vYmFyZm9vYmFyZm9vYg",
).text()


def _shown(text: str, width: int) -> list[str]:
    out = StringIO()
    console = WordConsole(file=out, width=width, highlight=False)
    for part in context_parts(text, console):
        console.print(part)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [76, 80, 100, 120])
def test_a_narrow_terminal_shows_a_member_a_line_and_nothing_in_two_pieces(width: int) -> None:
    heading, *laid_out, below, digest = _shown(_CONTEXT, width)
    assert "several lines" in heading
    assert "one line" in below
    assert digest == sha256(_CONTEXT.encode()).hexdigest()
    assert max(map(len, laid_out)) <= width
    whole = "\n".join(laid_out)
    for token in (*_HASHES, FRQ, "exchange-b.example", "Zm9vYmFyZm9vYmFyZm9vYg", "959"):
        assert token in whole
    # It is the text itself, with nothing but line ends and indents put in.
    joined = " ".join(map(str.strip, laid_out))
    assert canonical_json.dumps(strict_json.loads(joined.encode())).decode() == _CONTEXT
    names = [line.strip().partition(":")[0] for line in laid_out if line.startswith('  "')]
    assert names == [f'"{name}"' for name in strict_json.loads(_CONTEXT.encode())]
    assert sum('"exchange-' in line for line in laid_out) == 2


def test_where_it_fits_it_is_shown_as_it_is() -> None:
    assert _CONTEXT in _shown(_CONTEXT, len(_CONTEXT))


@pytest.mark.parametrize("text", [_CONTEXT.replace(":", ": "), "{not json " + "x" * 100])
def test_what_is_not_canonical_is_shown_as_it_is(text: str) -> None:
    # Laid out it would look like another text, with another hash.
    heading, *lines, _, digest = _shown(text, 80)
    assert "several lines" not in heading
    assert " ".join(lines) == text
    assert digest == sha256(text.encode()).hexdigest()


def test_a_pipe_gets_the_exact_text_and_a_file_its_exact_bytes(
    shell: Shell, submitted: Submitted
) -> None:
    submitted.answer()
    path = shell.folder / "context.json"
    done = shell("approve", FRQ, "--yes", "--raw-context", str(path))
    assert done.exit_code == 0
    assert submitted.context in done.stdout.splitlines()
    assert path.read_bytes() == submitted.context.encode()
    digest = sha256(path.read_bytes()).hexdigest()
    assert digest in done.stdout.splitlines()
    assert sent(submitted.stub)["context_sha256"] == digest


def test_another_file_is_not_overwritten_and_nothing_is_decided(
    shell: Shell, submitted: Submitted
) -> None:
    submitted.answer()
    path = shell.write("context.json", "mine")
    done = shell("approve", FRQ, "--yes", "--raw-context", path)
    assert done.exit_code == 6
    assert "nothing was decided" in done.stderr
    assert Path(path).read_bytes() == b"mine"
    assert [seen.target for seen in submitted.stub.seen if seen.method == "POST"] == []
