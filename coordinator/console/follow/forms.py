"""A small page with one form, which ends in what is to be signed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature
from coordinator.console.follow.case import Case
from coordinator.console.words import fault_sentence
from coordinator.domain.errors import CoordinatorError, NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of the form; see `parts/forms.html`.

    Attributes:
        name: Of the field, and the member of the API's body that it becomes.
        rows: Above 0 it is a text of several lines.
        options: (value, word) to choose one of.
        ticks: (value, word) to tick some of.
        detail: What its ticks are about, shown beside each.
    """

    name: str
    label: str
    hint: str = ""
    rows: int = 0
    type: str = "text"
    is_required: bool = False
    options: Sequence[tuple[str, str]] | None = None
    ticks: Sequence[tuple[str, str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPage:
    """What a page with a form shows.

    Attributes:
        url: Where it is, and where its form goes.
        heading: The page's sentence.
        text: What the act does, in a sentence or two.
        before: (words, URL) of what one would rather do first; None where there is nothing.
        button: What it goes on to: "See what you sign".
        quotes: What somebody else wrote, as (who, words).
        why_not: Why this person cannot do it; empty where they can.
    """

    url: str
    heading: str
    text: str
    fields: Sequence[Field]
    button: str = "See what you sign"
    is_danger: bool = False
    quotes: Sequence[tuple[str, str]] = ()
    facts: Sequence[tuple[str, str]] = ()
    why_not: str = ""
    before: tuple[str, str] | None = None


@dataclass(slots=True)
class Faults:
    """What was refused of a form: by field, and as a whole."""

    by_field: dict[str, str] = field(default_factory=dict)
    whole: list[str] = field(default_factory=list)

    @property
    def items(self) -> list[tuple[str, str]]:
        """All of them, as (id of the field or "", text)."""
        own = [(f"f-{name}", text) for name, text in self.by_field.items()]
        return [*own, *(("", text) for text in self.whole)]


def faults_of(error: CoordinatorError, names: Sequence[str]) -> Faults:
    """Return a refusal's faults, each at the field that its JSON pointer begins with."""
    found = Faults()
    for each in getattr(error, "errors", ()) or ():
        name = (each.pointer or "").lstrip("/").partition("/")[0]
        text = fault_sentence(each.detail)
        if name in names:
            found.by_field.setdefault(name, text)
        else:
            found.whole.append(text)
    if not found.items:
        found.whole.append(fault_sentence(error.message))
    return found


def show_form(
    case: Case,
    page: FormPage,
    typed: Mapping[str, Sequence[str]] | None = None,
    faults: Faults | None = None,
) -> Response:
    """Show a form, with what was typed and what was wrong with it."""
    status = 200 if faults is None else 422
    return render.page(
        "follow/act.html",
        case.visit,
        status=status,
        nav="requests",
        case=case,
        page=page,
        typed=typed or {},
        faults=faults or Faults(),
    )


def ask(case: Case, page: FormPage, wanted: Callable[[], WantedAct]) -> Response | WsgiResponse:
    """Lead to the signature of what a form asks for, or show it again with its faults.

    Args:
        case: The request.
        page: With the form.
        wanted: Makes the act of the form.

    Raises:
        NotFoundError: If what it is about is not there.
    """
    try:
        return ask_signature(case.visit, wanted())
    except NotFoundError:
        raise
    except CoordinatorError as error:
        typed = {name: case.visit.form.texts(name) for name in case.visit.form.fields}
        return show_form(case, page, typed, faults_of(error, [each.name for each in page.fields]))
