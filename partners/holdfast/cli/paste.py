"""`holdfast draft --paste`: a chat, a table or a list becomes a checked draft."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from holdfast.cli.reading_bar import reading_bar
from holdfast.cli.session import Session, print_json, printable
from holdfast.client.draft_template import draft_text
from holdfast.drafting.chat import Findings, FoundAddress, Mention, read_chat, read_workbook
from holdfast.drafting.draft import count_lines
from holdfast.drafting.tables import decode
from holdfast.errors import InvalidDraftError
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.wording import counted

#: What prints the clipboard, on macOS, Wayland and X11.
_CLIPBOARDS = (
    ("pbpaste",),
    ("wl-paste", "--no-newline"),
    ("xclip", "-selection", "clipboard", "-o"),
    ("xsel", "--clipboard", "--output"),
)
_CLIPBOARD_SECONDS = 10
_MOST_NAMED = 6
STANDARD_INPUT = "-"


def paste(
    session: Session, source: str, template: str, *, unnamed: Sequence[str], leave_out: bool
) -> None:
    """Print a draft of what a text says; say on stderr what was found, and by what.

    Args:
        session: Where it goes.
        source: A file's name, or "-" for standard input; at a terminal that is the clipboard.
        template: The rest of the request, as JSON.
        unnamed: Chains of addresses beside which none is stated, as people call them.
        leave_out: Make the draft without what could not be read.

    Raises:
        InvalidDraftError: Something could not be read, or its chain is not stated.
    """
    session.hint = "No draft was made: a file that it was to go into is empty."
    chains = session.assets.chains
    meant = [_chain_id(chains, name) for name in unnamed]
    raw = _read(source)
    if source.lower().endswith(".xlsx"):
        findings = read_workbook(raw, chains)
    else:
        with reading_bar(session, count_lines(raw)) as tell:
            findings = read_chat(decode(raw), chains, unnamed=meant, progress=tell)
    # An answer is lost where the text has to be mended first: then it is named with the faults.
    if findings.questions and _is_terminal(session) and (leave_out or not findings.faults):
        findings = _ask(session, chains, findings)
    _report(session, findings)
    unanswered = _unanswered(chains, findings.questions)
    wrong = [_said(each) for each in sorted([*findings.faults, *unanswered])]
    if wrong and not leave_out:
        hint = "Mend these, or make the draft without them by --leave-out."
        raise InvalidDraftError(wrong, next_check=hint, undone="no draft was made")
    for fault in wrong:
        _say(session, f"left out: {fault}", style="yellow")
    taken = [found for found in findings.addresses if _is_readable(session, found, findings)]
    if not taken:
        nothing = ["no address was found in the text"]
        raise InvalidDraftError(nothing, undone="no draft was made")
    document = json.loads(template)
    document["addresses"] = [dict(found.members) for found in taken]
    if session.as_json:
        print_json(document)
    else:
        click.echo(draft_text(document), nl=False)


def _is_readable(session: Session, found: FoundAddress, findings: Findings) -> bool:
    """Tell whether some line says all of an address: else it might ask for more than was meant."""
    faulty = {line for line, _ in findings.faults}
    if not faulty.issuperset(found.lines):
        return True
    account = found.members["account"]
    _say(session, f"left out: line {found.lines[0]}: {account}, with its line", style="yellow")
    return False


def _is_terminal(session: Session) -> bool:
    return sys.stdin.isatty() and session.err.is_terminal


def _chain_id(chains: Chains, name: str) -> str:
    try:
        return chains.named(name).caip2
    except AccountError as error:
        raise click.UsageError(f"--chain {name}: {error.message}") from None


def _read(source: str) -> bytes:
    if source != STANDARD_INPUT:
        return Path(source).read_bytes()
    if not sys.stdin.isatty():
        return sys.stdin.buffer.read()
    for command in _CLIPBOARDS:
        if shutil.which(command[0]):
            done = subprocess.run(  # noqa: S603 - a fixed command
                command, capture_output=True, check=False, timeout=_CLIPBOARD_SECONDS
            )
            if done.returncode == 0:
                return done.stdout
    raise click.UsageError(
        "no clipboard can be read here: name a file, or pipe the text: … | holdfast draft --paste"
    )


def _ask(session: Session, chains: Chains, findings: Findings) -> Findings:
    """Ask once for all addresses that fit the same chains; an empty answer leaves them open."""
    answers: dict[tuple[str, ...], str] = {}
    for candidates in dict.fromkeys(each.candidates for each in findings.questions):
        asked = [each for each in findings.questions if each.candidates == candidates]
        for each in asked:
            _say(session, f"line {each.line}: {each.address}")
        _say(session, f"may be on {_names(chains, candidates)}.")
        while True:
            said = click.prompt("On which chain? (empty: leave open)", default="", err=True)
            chain = _answered(session, chains, said, candidates)
            if chain is not None:
                answers[candidates] = chain
            if chain is not None or not said:
                break
    return findings.answered(answers)


def _answered(session: Session, chains: Chains, said: str, candidates: Sequence[str]) -> str | None:
    if not said:
        return None
    try:
        chain = chains.named(said)
    except AccountError as error:
        _say(session, error.message, style="yellow")
        return None
    if chain.caip2 not in candidates:
        _say(session, f"these are no addresses of {chain.name}", style="yellow")
        return None
    return chain.caip2


def _report(session: Session, findings: Findings) -> None:
    """Say what was found, on which line, and by what its chain was stated."""
    for found in findings.addresses:
        lines = ", ".join(map(str, found.lines))
        where = f"line {lines}" if len(found.lines) == 1 else f"lines {lines}"
        members = found.members
        amount = session.amount(members.get("amount"), members.get("asset"))
        parts = [members["account"], members.get("tag") and f"tag {members['tag']}", amount]
        parts.append(members.get("tx") and f"tx {members['tx']}")
        said = ", ".join(str(part) for part in parts if part)
        _say(session, f"{where}: {said} (chain from {found.how})")
    for note in findings.notes:
        _say(session, _said(note))
    _say(session, f"{counted(len(findings.addresses), 'address')} found")


def _unanswered(chains: Chains, questions: Sequence[Mention]) -> list[tuple[int, str]]:
    return [
        (each.line, f"{each.address}: its chain is not stated, and it {_may_be(chains, each)}")
        for each in questions
    ]


def _may_be(chains: Chains, each: Mention) -> str:
    names = _names(chains, each.candidates)
    return f"may be on {names}: name it there, or for all of them by --chain"


def _names(chains: Chains, candidates: Sequence[str]) -> str:
    shown = [f"{chains.by_id[caip2].name} ({caip2})" for caip2 in candidates[:_MOST_NAMED]]
    more = len(candidates) - len(shown)
    return f"{', '.join(shown)} and {more} more" if more else ", ".join(shown)


def _said(each: tuple[int, Any]) -> str:
    line, detail = each
    return f"line {line}: {detail}"


def _say(session: Session, text: str, *, style: str = "") -> None:
    session.err.print(Text(printable(text), style=style), soft_wrap=True)
