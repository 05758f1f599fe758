"""Reading a PDF as somebody does who has nothing but that: its text, and where it stands."""

import pypdfium2  # type: ignore[import-untyped]  # ships no types

#: A4 in points, and the margin at both sides, of which a blank at the end of a line may take some.
WIDTH, MARGIN = 595.3, 54.0


def text_of(pdf: bytes) -> str:
    """Return the text of all pages, lines and blanks as one blank each."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()
    return " ".join(" ".join(pages).replace("\u200b", "").replace("\ufffe", "").split())


def pages_of(pdf: bytes) -> list[str]:
    """Return the text of each page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]
    finally:
        document.close()


def rightmost(pdf: bytes) -> float:
    """Return how far to the right anything is written, in points."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        found: float = max(
            textpage.get_charbox(index)[2]
            for page in document
            for textpage in [page.get_textpage()]
            for index in range(textpage.count_chars())
        )
        return found
    finally:
        document.close()
