"""Sets a document for people, as a process of its own: facts on standard input, the PDF out.

Typst keeps what it has set for the next time, hundreds of megabytes after some long cases, and has
no way to forget it; a process of its own takes them along, and can be ended when it takes too long.
Nothing else of ours is imported here, so that it is there at once.
"""

import sys
from pathlib import Path

import typst


def main() -> None:
    """Read JSON, write PDF/A-2a: the same bytes for the same JSON and time.

    The arguments are the file of the page, and the time that the document gives as that of its
    making, in seconds since 1970. Only the fonts that come with Typst are used, so that pages look
    the same everywhere.
    """
    page = Path(sys.argv[1])
    compiler = typst.Compiler(
        page,
        root=page.parent,
        font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=True),
        ignore_system_fonts=True,
        sys_inputs={"facts": sys.stdin.buffer.read().decode()},
    )
    pdf = compiler.compile(format="pdf", pdf_standards="a-2a", timestamp=int(sys.argv[2]))
    if not isinstance(pdf, bytes):
        raise TypeError("one document is one PDF")
    sys.stdout.buffer.write(pdf)


if __name__ == "__main__":
    main()
