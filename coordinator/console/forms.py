"""What a form sent: fields and files, from a body that was read whole and bounded."""

from dataclasses import dataclass, field
from io import BytesIO

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser

from coordinator.api.body import read_body
from coordinator.domain.errors import MalformedBodyError

_MOST_DIGITS = 6
#: A form of a page has dozens of fields; one of 20,000 addresses names each at most twice.
_MOST_PARTS = 50_000


def number_of(text: str) -> int | None:
    """Return a whole number as a page writes it, or None: of few digits, and of ours alone."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a form."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """What a form sent; nothing where the request has none.

    Attributes:
        fields: As typed; line ends are LF.
        files: By field; one without a name was left empty and is not there.
    """

    fields: MultiDict[str, str] = field(default_factory=MultiDict)
    files: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return one field without blanks around it; "" where it was not sent."""
        return self.fields.get(name, "").strip().replace("\r\n", "\n")

    def texts(self, name: str) -> list[str]:
        """Return all values of one field."""
        return self.fields.getlist(name)


def read_form(limit: int, partner: str | None) -> Form:
    """Return what the current request's form sent.

    Args:
        limit: Bytes that it may have.
        partner: Whose, for the server in front.

    Raises:
        BodyTooLargeError: If it has more.
        MalformedBodyError: If it is no form.
        PutOffError: If it was not read yet.
    """
    raw = read_body(limit, partner)
    # Werkzeug counts the parts of multipart forms alone.
    if request.mimetype != "multipart/form-data" and raw.count(b"&") >= _MOST_PARTS:
        raise MalformedBodyError("this form has more fields than any page of the console")
    parser = FormDataParser(
        max_form_memory_size=limit, max_content_length=limit, max_form_parts=_MOST_PARTS
    )
    try:
        _, fields, files = parser.parse(
            BytesIO(raw), request.mimetype, len(raw), request.mimetype_params
        )
    except (HTTPException, ValueError):
        raise MalformedBodyError("this is no form that the console sent") from None
    uploads = {
        name: Upload(each.filename or "", each.read())
        for name, each in files.items()
        if each.filename
    }
    return Form(MultiDict(fields), uploads)
