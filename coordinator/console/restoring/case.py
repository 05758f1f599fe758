"""A restitution as its pages read it: whose it is, its parts as tabs, amounts in units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from flask import Response, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import restitutions as api
from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.faults import Faults
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, about, amount, moment
from coordinator.domain.errors import ConflictError, InvalidInputError, SelfApprovalError
from coordinator.domain.permission import Permission
from holdfast.protocol.amounts import AmountTextError
from holdfast.protocol.unit_amounts import read_amount

HERE = "/console/restitutions"
#: Items of one page of a list.
PAGE = 50
#: What the rules refuse of a form, which then comes back with what was typed.
REFUSALS = (InvalidInputError, ConflictError, SelfApprovalError)


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list that goes on by a cursor.

    Attributes:
        items: As the API answers them.
        first: URL of the list's beginning; "" there.
        after: URL of the next page; "" at the end.
    """

    items: Sequence[Mapping[str, Any]]
    first: str
    after: str


@dataclass(frozen=True)
class Case:
    """A restitution that somebody looks at."""

    visit: Visit
    view: Mapping[str, Any]

    @classmethod
    def read(cls, visit: Visit, restitution_id: str) -> Self:
        """Read it, as the API answers this person."""
        return cls(visit, visit.read(api.read_restitution, restitution_id=restitution_id))

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.view["id"])

    @property
    def url(self) -> str:
        """Its page."""
        return f"{HERE}/{self.id}"

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"/v1/restitutions/{self.id}"

    @property
    def is_own(self) -> bool:
        """Whether the visitor's organisation opened it."""
        return bool(self.view["opener"] == self.visit.actor.partner)

    @property
    def is_open(self) -> bool:
        """Whether anything may still be done on it."""
        return bool(self.view["status"] == "open")

    @property
    def may_change(self) -> bool:
        """Whether the visitor may decide on it now."""
        return self.is_own and self.is_open and self.visit.may(Permission.RESTITUTION_CHANGE)

    @cached_property
    def title(self) -> str:
        """What its pages are headed with: in which asset it pays, and since when."""
        unit = self.visit.assets.unit(self.view["asset"])
        opened = moment(self.view["opened_at"])
        day = "" if opened is None else f" of {opened.day} {opened:%B %Y}"
        return f"Restitution{' in ' + unit.symbol if unit else ''}{day}"

    @property
    def tabs(self) -> list[tuple[str, str, str, int | None]]:
        """The parts of it that the visitor reads, for `parts/page.html`."""
        claims = sum(self.view["claims"].values())
        found: list[tuple[str, str, str, int | None]] = [
            ("sums", self.url, "Sums", None),
            ("pool", f"{self.url}/pool", "Pool", None),
            ("claims", f"{self.url}/claims", "Claims", claims if self.is_own else None),
        ]
        if self.is_own:
            paid = sum(each["count"] for each in self.view["payouts"].values())
            found.append(("allocations", f"{self.url}/allocations", "Allocations", None))
            found.append(("payouts", f"{self.url}/payouts", "Payouts", paid))
        return found

    def units(self, base_units: str | int, asset: str | None = None) -> AmountWords:
        """Return an amount as people read it, of what is paid where nothing else is said."""
        return amount(base_units, asset or self.view["asset"], self.visit.assets)

    def about(self, base_units: str | int, asset: str | None = None) -> str:
        """Return an amount for a sentence, of what is paid where nothing else is said."""
        return about(base_units, asset or self.view["asset"], self.visit.assets)

    def base_units(self, name: str, label: str) -> str:
        """Return the base units of an amount that somebody typed.

        Args:
            name: Of the field.
            label: What it is, in the sentence about what is wrong.

        Raises:
            AmountTextError: Saying what to write instead.
        """
        text = self.visit.form.text(name)
        if not text:
            raise AmountTextError(f"{label} is missing: write it with its unit")
        return read_amount(text, self.visit.assets, asset=self.view["asset"])[1]

    def body(self, **members: Any) -> dict[str, Any]:
        """Return the body of an act on it; what is not said is left out."""
        given = {name: value for name, value in members.items() if value not in (None, "", [])}
        return {"content_sha256": self.view["content_sha256"], **given}

    def page(self, template: str, tab: str, faults: Faults | None, **values: Any) -> Response:
        """Return a page of it."""
        form = self.visit.form
        return render.page(
            template,
            self.visit,
            422 if faults else 200,
            nav="",
            case=self,
            tab=tab,
            typed=form.fields,
            faults=faults or Faults(),
            done=done_words(self.visit),
            **values,
        )


def ask(case: Case, wanted: WantedAct) -> WsgiResponse:
    """Lead to the signature of an act on a restitution."""
    return ask_signature(case.visit, wanted)


def cursor_of_page() -> dict[str, str]:
    """Return the parameters with which a list's page is read, from the URL."""
    cursor = request.args.get("cursor", "")
    return {"limit": str(PAGE), **({"cursor": cursor} if cursor else {})}
