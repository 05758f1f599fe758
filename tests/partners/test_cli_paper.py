"""`holdfast paper FRQ_…`: made from what may be read, and nothing of it is sent."""

from pathlib import Path

import pytest

from holdfast.profiles.store import ProfileStore
from tests.partners.shell import FRQ, Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.test_cli_verify import Coordinator

_SECRET = "Grace Farrugia, +356 2000 0000"
_DETAILS = """
sender_name = "Exchange A"
sender_address = "1 Road"
officer_name = "Ada"
officer_phone = "+356 2000 0000"
officer_email = "ada@exchange-a.example"
recipient_name = "Grace Farrugia, +356 2000 0000"
preserve_until = 2027-02-28
"""


@pytest.fixture(autouse=True)
def coordinator(stub: StubCoordinator, store: ProfileStore) -> Coordinator:
    made = Coordinator(stub, store)
    made.answers()
    return made


def test_a_paper_of_a_request_only_reads(
    shell: Shell, coordinator: Coordinator, tmp_path: Path
) -> None:
    details = shell.write("details.toml", _DETAILS)
    done = shell("paper", "preservation-letter", FRQ, "-d", details, "--text-only")
    assert done.exit_code == 0, done.output
    [path] = tmp_path.glob("frq_*")
    assert _SECRET in path.read_text()
    seen = coordinator.stub.seen
    assert {each.method for each in seen} == {"GET"}
    assert {each.body for each in seen} == {b""}
    asked = " ".join(f"{each.target} {each.headers}" for each in seen)
    for word in ("Grace", "Farrugia", "2000", "2027", "ada@"):
        assert word not in asked


def test_a_request_whose_evidence_fails_makes_no_paper(
    shell: Shell, coordinator: Coordinator, tmp_path: Path
) -> None:
    coordinator.view["summary"] = "Another."
    coordinator.answers()
    details = shell.write("details.toml", _DETAILS)
    done = shell("paper", "preservation-letter", FRQ, "-d", details, "--text-only")
    assert done.exit_code == 8
    assert not list(tmp_path.glob("frq_*"))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("preserve_until = ", "the details: "),
        ("Sender = 'x'", "'Sender': a name has small letters"),
        ("loss = 1.5", 'loss: write it as text, in quotes: loss = "1.5"'),
        ("loss = [1]", "loss: write it as text"),
        (f"loss = '{'x' * 20_001}'", "loss: 20001 characters, the most are 20000"),
    ],
)
def test_details_that_cannot_be_read_are_named(shell: Shell, content: str, fault: str) -> None:
    details = shell.write("details.toml", content)
    done = shell("paper", "preservation-letter", FRQ, "-d", details)
    assert done.exit_code == 6
    assert fault in " ".join(done.output.split())


@pytest.mark.parametrize("word", ["sender_name", "=x", "Sender=x", "sender name=x"])
def test_a_flag_that_is_no_detail_says_what_one_is(shell: Shell, word: str) -> None:
    done = shell("paper", "preservation-letter", FRQ, "--set", word)
    assert done.exit_code == 6
    assert "write name=value" in done.output


@pytest.mark.parametrize("language", ["../en", "EN", "e", "en/../de"])
def test_a_language_is_no_path(shell: Shell, language: str) -> None:
    done = shell("paper", "preservation-letter", FRQ, "-l", language)
    assert done.exit_code == 2
    assert "is no language" in " ".join(done.output.split())


def test_without_the_extra_there_is_text_and_a_word_about_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.typesetting.pdf.find_spec", lambda _: None)
    details = shell.write("details.toml", _DETAILS)
    done = shell("paper", "preservation-letter", FRQ, "-d", details)
    assert done.exit_code == 2
    assert "holdfast-kit[paper]" in " ".join(done.output.split())


def test_a_schema_goes_with_a_report_alone(shell: Shell) -> None:
    schema = shell.write("fiu.xsd", "<x/>")
    done = shell("paper", "preservation-letter", FRQ, "--schema", schema)
    assert done.exit_code == 2
    assert "--schema goes with a report" in done.output
