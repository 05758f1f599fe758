"""How lists lie on screens of 80 and of 120 columns, and in a file."""

import re
from io import StringIO
from pathlib import Path

import pytest
from rich.text import Text

from holdfast import cli
from holdfast.cli.layout import Facts, Listing, WordConsole, facts, stream_console, table
from tests.partners.shell import FRQ

_ACCOUNT = "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
_CARDANO = (
    "cip34:1-764824073:addr1q9c5q45dthn9xfrcgngetm0tcjyr9sn46w6afm9zmdymeafvm08dngtknxjw9enndr3d"
    "v5u5kzwnllujnshykdvkm57satffrw"
)
_AMOUNT = "1,234,567.000000000000000001 ETH"
_COLUMNS = ("request", "account", "amount", "until", "why")
_PROSE = "The tracing was revised: this is the market maker that both sides traded with all along."
_ROWS = [
    (FRQ, _ACCOUNT, _AMOUNT, "2026-11-29 23:15 UTC", _PROSE),
    (None, None, "2 BTC", None, None),
    (FRQ, _CARDANO, "5 ADA", "2026-11-29 23:15 UTC", "of\nothers"),
]


def shown(what: Listing | Facts | Text | str, width: int) -> list[str]:
    out = StringIO()
    WordConsole(file=out, width=width, highlight=False).print(what)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_no_id_and_no_amount_stands_in_two_pieces(width: int) -> None:
    whole = "\n".join(shown(table(_COLUMNS, _ROWS), width))
    for token in (FRQ, _ACCOUNT, _CARDANO, *_AMOUNT.split(), "2026-11-29 23:15 UTC"):
        assert token in whole
    # What is longer than any screen has a line of its own; nothing else goes beyond the edge.
    assert [line.strip() for line in whole.splitlines() if len(line) > width] in ([_CARDANO], [])


def test_a_list_that_has_no_room_is_shown_as_records() -> None:
    lines = shown(table(_COLUMNS, _ROWS), 80)
    assert lines[0].split() == ["request", FRQ]
    assert lines[1].split() == ["account", _ACCOUNT]
    # A row that goes on with the one before it follows at once; the next one after a blank line.
    assert lines.count("") == 1
    assert ["amount", "2", "BTC"] in [line.split() for line in lines]


def test_a_list_that_has_room_is_a_table_whose_prose_goes_over_several_lines() -> None:
    lines = shown(table(("request", "why"), [(FRQ, _PROSE), (FRQ, "other")]), 80)
    assert lines[0].split() == ["request", "why"]
    assert [line.startswith(FRQ) for line in lines[1:]].count(True) == 2
    assert len(lines) > 3
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines[1:-1]).replace(FRQ, "").split()) == _PROSE


def test_a_file_gets_one_line_for_each_row_however_long(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+", encoding="utf-8") as file:
        stream_console(file).print(table(_COLUMNS, _ROWS))
        file.seek(0)
        lines = file.read().splitlines()
    assert len(lines) == 4
    assert _PROSE in lines[1]


def test_a_sentence_breaks_between_words_alone() -> None:
    lines = shown(
        f"next: another person's `holdfast approve {FRQ}`, by 2026-11-29; {_CARDANO} too", 60
    )
    # A command is copied, too: it stands whole where it fits.
    assert f"`holdfast approve {FRQ}`, by" in lines
    assert "2026-11-29;" in lines
    assert _CARDANO in lines


def test_a_command_stays_whole_among_facts_and_where_it_fits_no_line_its_words_do() -> None:
    command = f"`holdfast report {FRQ}`"
    said = f"answer every address by 2026-01-02 03:04 UTC: {command}"
    assert f"next  {said[:46].strip()}" in shown(facts([("next", said)]), 80)
    assert f"      {command}" in shown(facts([("next", said)]), 80)
    narrow = shown(said, 40)
    assert [line for line in narrow if FRQ in line] == [f"{FRQ}`"]


def test_facts_keep_lines_that_others_wrote_and_no_control_characters() -> None:
    lines = shown(facts([("id", FRQ), ("gone", None), ("said", "one\ntwo\x1b[2J")]), 80)
    assert lines == [f"id    {FRQ}", "said  one", "      two\N{REPLACEMENT CHARACTER}[2J"]


@pytest.mark.parametrize("steering", ["\x1b[2J", "\x9b31m", "\u202e", "\u2028"])
def test_nothing_that_is_printed_steers_the_terminal(steering: str) -> None:
    for what in (f"said: {steering}", Text(f"said: {steering}", style="bold")):
        assert shown(what, 80) == [
            f"said: {steering}".replace(steering[0], "\N{REPLACEMENT CHARACTER}")
        ]


def test_every_time_that_the_command_line_shows_has_its_date_and_zone() -> None:
    for file in sorted(Path(cli.__file__).parent.glob("*.py")):
        for form in re.findall(r"%[^\"'\n]*%H[^\"'\n]*", file.read_text(encoding="utf-8")):
            assert re.match(r"%Y-%m-%d %H:%M(:%S)?\} UTC", form), f"{file.name}: {form}"
