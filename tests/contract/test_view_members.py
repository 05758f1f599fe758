"""What services build as a view has the members that the wire declares of it.

Services build views as plain dicts, for a page has hundreds of them. mypy holds each builder to its
TypedDict, and these tests hold the TypedDict to the model of the same name, which the kit reads and
OpenAPI shows.
"""

import enum
import importlib
import pkgutil
import types
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import pytest
from pydantic import BaseModel, Field

import coordinator.services
import coordinator.storage
from holdfast.protocol import (
    data_subject_views,
    destination_views,
    flag_views,
    gateway_views,
    guest_views,
    house_rules_views,
    life_cycle_views,
    on_call_views,
    payloads,
    read_log_views,
    readiness,
    recovery_views,
    restitution_views,
    return_views,
    views,
)

MODELS: Mapping[str, type[BaseModel]] = {
    name: member
    for module in (
        views,
        life_cycle_views,
        on_call_views,
        data_subject_views,
        destination_views,
        flag_views,
        guest_views,
        gateway_views,
        house_rules_views,
        read_log_views,
        readiness,
        recovery_views,
        return_views,
        restitution_views,
    )
    for name, member in vars(module).items()
    if isinstance(member, type) and issubclass(member, views.View)
}
#: Told by another name than the model has.
OTHER_NAME = {"ContextWarning": "AddressWarning", "UsdView": "Usd"}
#: What the tail adds to every answer, and what `coordinator.api` adds to a page.
ADDED_LATER = {"log", "drill", "units", "next_cursor", "recoveries", "restitutions"}
#: Shared by views, or of events: the wire has no model of them.
NO_VIEWS = {
    "ActEvidenceView",
    "ActProof",
    "AskedAddress",
    "CallBackRecord",
    "DecisionAnswer",
    "EngineArguments",
    "GivesUp",
    "Following",
    "LineOrigin",
    "LineWords",
    "NamedAddresses",
    "PolicyView",
    "ToldDeposit",
    "ToldReason",
    "UsdView",
    "Withdrawn",
}
#: Models that services build nothing of: refusals, pages, what `coordinator.api` puts together, and
#: the answer to a report, whose lines are spelled before the rest is known.
NOT_OF_SERVICES = {
    "AddressAnswers",
    "AddressWarning",
    "AskedView",
    "AssetUnit",
    "ChainEntry",
    "ChainTableView",
    "CosignedView",
    "DecisionView",
    "EventPage",
    "EventView",
    "FieldError",
    "FreezeReportView",
    "IncidentDetailView",
    "IncidentSummary",
    "OnCallRemovedView",
    "Page",
    "Problem",
    "ServiceView",
    "LogKeySpanView",
    "LogKeysView",
    "LogView",
    "InclusionProofView",
    "ConsistencyProofView",
    "TimelinePage",
    "TokenEntry",
    "View",
}

#: Types that a member may have, as text: what is left of them on the wire.
Shape = frozenset[str]
_ANYTHING = "anything"


def _typed_dicts() -> Iterator[type]:
    for package in (coordinator.services, coordinator.storage):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if ".migrations" not in found.name:
                module = importlib.import_module(found.name)
                for member in vars(module).values():
                    if is_typeddict(member) and member.__module__ == found.name:
                        yield member


TYPED = {each.__name__: each for each in _typed_dicts()}
VIEWS = sorted(TYPED.keys() - NO_VIEWS)


def _shape(hint: Any) -> Shape:
    """Return the JSON types that an annotation allows."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Annotated, NotRequired}:
        return _shape(arguments[0])
    if origin in {Union, types.UnionType}:
        return frozenset().union(*map(_shape, arguments))
    if origin is Literal:
        return frozenset(f"={each}" for each in arguments)
    if origin in {list, tuple, Sequence} or (
        isinstance(origin, type) and issubclass(origin, Sequence)
    ):
        return frozenset(f"list of {each}" for each in _shape(arguments[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return frozenset(f"object of {each}" for each in _shape(arguments[1]))
    return _plain_shape(hint)


def _plain_shape(hint: Any) -> Shape:
    if hint in {Any, object}:
        return frozenset({_ANYTHING})
    if hint is type(None):
        return frozenset({"null"})
    if issubclass(hint, enum.StrEnum):
        return frozenset(f"={each.value}" for each in hint)
    if issubclass(hint, BaseModel) or is_typeddict(hint):
        return frozenset({f"object {OTHER_NAME.get(hint.__name__, hint.__name__)}"})
    return frozenset({"str" if issubclass(hint, datetime) else hint.__name__})


def _misfits(built: Shape, declared: Shape) -> Shape:
    """Return what a builder may put where the model does not allow it."""
    return frozenset(each for each in built if not any(_is_in(each, wide) for wide in declared))


def _is_in(one: str, wide: str) -> bool:
    for prefix in ("list of ", "object of "):
        if one.startswith(prefix) and wide.startswith(prefix):
            return _is_in(one.removeprefix(prefix), wide.removeprefix(prefix))
    if wide == f"object of {_ANYTHING}":
        return one.startswith("object ")
    return wide in {one, _ANYTHING} or (wide == "str" and one.startswith("="))


def faults(typed: Any, model: type[BaseModel]) -> list[str]:
    """Return in which members a TypedDict and a model differ."""
    built, declared = get_type_hints(typed, include_extras=True), model.model_fields
    found = [f"{name}: not in the model" for name in built.keys() - declared.keys()]
    found += [f"{name}: never built" for name in declared.keys() - built.keys() - ADDED_LATER]
    for name in built.keys() & declared.keys():
        if declared[name].is_required() and name not in typed.__required_keys__:
            found.append(f"{name}: may be absent")
        misfits = _misfits(_shape(built[name]), _shape(declared[name].annotation))
        if misfits:
            found.append(f"{name}: may be {', '.join(sorted(misfits))}")
    return sorted(found)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_the_members_of_its_model(name: str) -> None:
    assert faults(TYPED[name], MODELS[name]) == []


def test_every_model_is_built_as_a_view_or_known_not_to_be() -> None:
    assert MODELS.keys() - set(VIEWS) == NOT_OF_SERVICES
    assert NO_VIEWS - TYPED.keys() == set()


def test_words_of_a_line_are_worth_what_was_sent() -> None:
    assert faults(TYPED["UsdView"], payloads.Usd) == []


def test_a_decision_says_what_its_model_does() -> None:
    assert faults(TYPED["DecisionAnswer"], views.DecisionView) == []


class _Model(views.View):
    one: str
    two: list[str] = Field(default_factory=list)
    kind: Literal["a", "b"] = "a"
    three: int | None = None


class _Good(TypedDict):
    one: str
    two: NotRequired[Sequence[str]]
    kind: Literal["b"]
    three: int


class _Misspelt(TypedDict):
    one: str
    tow: list[str]
    kind: Literal["a"]
    three: int


class _Slack(TypedDict):
    one: NotRequired[str | None]
    two: list[int]
    kind: Literal["a", "c"]
    three: str


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (_Good, []),
        (_Misspelt, ["tow: not in the model", "two: never built"]),
        (
            _Slack,
            [
                "kind: may be =c",
                "one: may be absent",
                "one: may be null",
                "three: may be str",
                "two: may be list of int",
            ],
        ),
    ],
)
def test_a_difference_is_seen(typed: type, told: list[str]) -> None:
    assert faults(typed, _Model) == told
