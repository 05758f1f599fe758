"""Templates: what is shipped is whole, nothing in them runs, and every fault has its line."""

import tomllib
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.paperwork.case_values import COLUMNS
from holdfast.paperwork.language import SHIPPED
from holdfast.paperwork.template import Block, Values, fill
from holdfast.paperwork.text import as_text
from holdfast.protocol.vocabulary import (
    AddressRole,
    HoldBasis,
    IncidentKind,
    RequestStatus,
    Support,
    Urgency,
)

_WORDS: dict[str, type[StrEnum]] = {
    "incident": IncidentKind,
    "urgency": Urgency,
    "status": RequestStatus,
    "support": Support,
    "role": AddressRole,
    "basis": HoldBasis,
}


def values(**single: str | None) -> Values:
    rows = [{"no": "1", "account": "a"}, {"no": "2", "account": "b"}]
    return Values(
        {"name": "Ada", "gone": None, **single},
        {"rows": rows, "none": []},
        {"rows": frozenset({"no", "account"}), "none": frozenset({"no"})},
        {"gone": "ask Ada"},
    )


def faults(template: str) -> list[str]:
    return fill(template, values())[1]


@pytest.mark.parametrize("file", sorted(path.name for path in SHIPPED.glob("words.*.toml")))
def test_each_language_has_every_word(file: str) -> None:
    words = tomllib.loads((SHIPPED / file).read_text())
    english = tomllib.loads((SHIPPED / "words.en.toml").read_text())
    assert {name: set(section) for name, section in words.items()} == {
        name: set(section) for name, section in english.items()
    }
    for section, members in _WORDS.items():
        assert set(words[section]) == {member.value for member in members}


def test_each_language_has_every_template() -> None:
    names = sorted(path.name for path in SHIPPED.glob("*.en.txt"))
    assert len(names) == 7
    german = sorted(path.name for path in SHIPPED.glob("*.de.txt"))
    assert [name.replace(".en.", ".de.") for name in names] == german


def test_blocks_of_each_kind_are_read() -> None:
    template = (
        "%% A remark\n# Dear {{name}}\n## Of\nLong\nline\n\nSecond\n- one\n- two\n"
        "Name :: {{name}}\nAgain :: {{ name }}\n| No | A |\n{{#each rows}}\n"
        "| {{no}} | {{account}} {{name}} |\n{{/each}}\n"
    )
    blocks, found = fill(template, values())
    assert found == []
    assert blocks == [
        Block("title", (("Dear Ada",),)),
        Block("heading", (("Of",),)),
        Block("paragraph", (("Long line",),)),
        Block("paragraph", (("Second",),)),
        Block("item", (("one",),)),
        Block("item", (("two",),)),
        Block("fact", (("Name", "Ada"), ("Again", "Ada"))),
        Block("table", (("No", "A"), ("1", "a Ada"), ("2", "b Ada"))),
    ]


def test_what_is_there_and_what_is_not_decides() -> None:
    template = (
        "# T\n{{#if name}}\nyes\n{{/if}}\n{{#unless name}}\n{{gone}}\n{{/unless}}\n"
        "{{#if gone}}\n{{gone}}\n{{/if}}\n{{#unless gone}}\n\nno\n{{/unless}}\n"
        "{{#if none}}\nx\n{{/if}}\n{{#if rows}}\n\nrows\n{{/if}}\n"
    )
    blocks, found = fill(template, values())
    assert found == []
    assert [block.cells[0][0] for block in blocks] == ["T", "yes", "no", "rows"]


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("# {{nmae}}", "line 1: {{nmae}} is no value; there are gone, name"),
        ("# T\n\n{{gone}}", "gone is missing (line 3): ask Ada"),
        ("# T\n{{#if nmae}}\nx\n{{/if}}", "line 2: {{nmae}} is no value"),
        ("# T\n{{#if gone}}\n{{nmae}}\n{{/if}}", "line 3: {{nmae}} is no value"),
        ("# T\n{{#each none}}\n{{nmae}}\n{{/each}}", "line 3: {{nmae}} is no value"),
        ("# T\n{{#each name}}\nx\n{{/each}}", "line 2: name is no list; there are none, rows"),
        ("# T\n{{no}}", "line 2: {{no}} is no value"),
        ("# T\n{{#if name}}\nx", "line 2: {{#if name}} is never closed"),
        ("# T\n{{/if}}", "line 2: {{/if}} closes nothing that is open"),
        ("# T\n{{#if name}}\n{{/each}}\n{{/if}}", "line 3: {{/each}} closes nothing"),
        ("# T\n{{name}", "line 2: '{{name}' has braces that are no placeholder"),
        ("# T\nx {{#if name}} y", "has braces that are no placeholder"),
        ("# T\n{{name.__class__}}", "has braces that are no placeholder"),
        ("# T\n{{ 7*7 }}", "has braces that are no placeholder"),
        ("Dear {{name}}", "line 1: a paper begins with its title"),
        ("", "line 1: a paper begins with its title"),
    ],
)
def test_each_fault_is_named_with_its_line(template: str, fault: str) -> None:
    assert fault in "\n".join(faults(template))


def test_all_faults_are_told_at_once() -> None:
    found = faults("# {{a}}\n{{b}}\n{{gone}}\n{{gone}}\n{{#each rows}}\n{{gone}}\n{{/each}}")
    assert [each.partition(" ")[0] for each in found] == ["line", "line", *["gone"] * 3]


@given(st.text())
def test_no_value_makes_another_block_or_placeholder(text: str) -> None:
    template = "# T\n\n{{said}}\n\n| A |\n| {{said}} |\nX :: {{said}}\n- {{said}}\n"
    for said in (text, f"# {text}", f"| {text} |", "{{gone}}", "{{#if x}}", f"a\n\n# {text}"):
        blocks, found = fill(template, values(said=said))
        assert found == []
        assert [block.kind for block in blocks] == ["title", "paragraph", "table", "fact", "item"]
        assert blocks[1].cells == ((" ".join(said.split()),),)
        assert len(as_text(blocks, drill="", mark="").splitlines()) >= 5


def test_the_columns_of_lists_are_those_that_rows_have() -> None:
    assert set(COLUMNS) == {"addresses", "holds", "sums", "orders", "files"}
