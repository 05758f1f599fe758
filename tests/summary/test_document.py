"""The document says what the facts say, whatever anybody wrote, on pages that hold together."""

import re
from dataclasses import replace

import pytest

from coordinator.summary.document import set_summary
from coordinator.summary.facts import Address, Facts
from holdfast.typesetting.characters import every_settable, settable
from tests.summary.facts_cast import facts_saying, facts_with
from tests.summary.pdf_reading import MARGIN, WIDTH, pages_of, rightmost, text_of

_CERTIFICATE = "12" * 32
#: What a page could take for more than text, and what shows other than it reads.
_HOSTILE = (
    '#panic(1) #import "@preview/x:1.0.0" *b* _i_ $x$ `r` @ref <l> = head \\ // /* ~ --- #{ [ ]',
    "x\u202egnihton\u202c \u2066y\u2069 \u200b\u00ad\u0000\u0007\x1b[31m\ufeff\U000e0041",
    "\u4f60\u597d \u0627\u0644\u0639 \u05d0 \U0001f4b0 z\u0351\u0352\u0353 \ud800 \U0010ffff",
    "W" * 5_000,
    "\n\n= Who approved it\n\nNobody\n" * 20,
    "",
)


def _set(facts: Facts) -> bytes:
    return set_summary(facts, certificate_sha256=_CERTIFICATE)


def test_it_is_pdf_a_with_its_fonts_and_the_same_each_time() -> None:
    pdf = _set(facts_with())
    assert pdf == _set(facts_with())
    assert re.search(rb"<pdfaid:part>2</pdfaid:part>", pdf)
    assert re.search(rb"<pdfaid:conformance>A</pdfaid:conformance>", pdf)
    described = pdf.count(b"/Type/FontDescriptor")
    assert described == len(re.findall(rb"/FontFile[23] ", pdf)) > 1


def test_every_page_has_mark_number_and_request() -> None:
    facts = facts_with(addresses=facts_with().addresses * 200, address_count=200)
    pages = pages_of(_set(facts))
    assert len(pages) > 5
    for number, page in enumerate(pages, start=1):
        assert "TLP:AMBER+STRICT" in page
        assert f"Page {number} of {len(pages)}" in page
        assert facts.request_id in page
    assert "TLP" not in text_of(_set(replace(facts, tlp="", addresses=())))


def test_ids_and_hashes_stand_unbroken() -> None:
    said = " ".join(pages_of(_set(facts_with())))
    for each in ("ab" * 32, "cd" * 32, "ef" * 32, _CERTIFICATE, "frq_01jm00000000000000000000aa"):
        assert each in said


@pytest.mark.parametrize("words", _HOSTILE, ids=range(len(_HOSTILE)))
def test_what_members_write_is_text_and_stays_on_the_page(words: str) -> None:
    pdf = _set(facts_saying(words))
    said = text_of(pdf)
    assert rightmost(pdf) <= WIDTH - MARGIN + 1
    for kept in ("How to read this", "How to check this document", "Annex B", "ab" * 32):
        assert kept in said
    readable = re.sub(r"\s", "", settable(words))
    assert readable in re.sub(r"\s", "", said)


def test_every_character_that_is_not_escaped_can_be_set() -> None:
    every = every_settable()
    assert settable(every) == every
    _set(facts_saying(" ".join(every)))


def test_what_is_not_listed_is_counted() -> None:
    shown = tuple(Address(str(n), f"eip155:1:0x{n:040x}", "any ETH", "") for n in range(1, 4))
    said = text_of(_set(facts_with(addresses=shown, address_count=20_000, act_count=9)))
    assert "3 of 20000" in said
    assert "19997 more addresses are not listed here" in said
    assert "8 more acts are not listed here" in said


def test_whoever_was_asked_is_told_that_it_is_one_side() -> None:
    assert "s own side" in text_of(_set(facts_with(sees_all=False)))
    assert "own side" not in text_of(_set(facts_with()))
