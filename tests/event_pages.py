"""Write what is made of the events' models: samples by a real run, and `docs/events.md`.

`make events` does both. Tests compare what is committed with the models and with a run.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from coordinator.app import create_app
from coordinator.domain.clock import SteppedClock
from coordinator.settings import Settings
from coordinator.storage.engine.database import open_database
from holdfast import protocol
from holdfast.protocol.events import (
    AUDIENCES,
    EVENTS,
    OBLIGING,
    AboutRequest,
    EventData,
    EventKind,
    samples,
)
from holdfast.protocol.vocabulary import EventType
from tests.conftest import KEYS, populate
from tests.factories import NOON, ORIGIN, Signer
from tests.services.every_event import Told, play
from tests.services.request_cast import Desk, Office

SAMPLES = Path(next(iter(protocol.__path__))) / "event_samples.json"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "events.md"
_FAMILIES = {
    "freeze_request": "Requests",
    "leg": "Legs",
    "freeze": "Reports",
    "hold": "Holds",
    "answer": "Answers owed",
    "log": "The log",
    "evidence": "Sealed evidence",
    "clearance": "Clearances",
    "grant": "Grants",
    "partner": "Members",
    "recovery": "Deposits that went to the wrong place",
    "return": "Return requests",
    "destination": "Where money comes back to",
    "rulebook": "The rulebook",
    "gateway": "Gateways",
    "task": "Tasks",
    "guest": "Guests",
    "data_subject": "Persons who ask for their rights",
    "restitution": "Restitutions",
    "endpoint": "Endpoints",
}
_PROVEN = "\N{SCALES}"
_INTRODUCTION = """# Events

<!-- Written by `make events` from `holdfast.protocol.events`; do not change it here. -->

Every kind of event, whom it goes to, when it comes, and what its `data` has. They come by webhook
and in the feed (`GET /v1/events`), the same bytes in the same order. How to verify one:
[the protocol](protocol.md#webhooks-verify-before-you-believe). An endpoint takes some of them by
`event_types`: types, and whole nouns as `freeze.*`.

A body is `{"type", "timestamp", "data"}`, below 20 kB. A list that was cut says so (`lines_cut`,
`addresses_cut` and so on) and has `href`, where all of it is read. Every link is absolute. Readers
ignore members that they do not know.

**Proof.** Events with \N{SCALES} ask something of you on somebody's word, and carry what proves
it: token and body, or the hash and the link of that very act. Verify it before you act
([how](protocol.md#the-evidence-inside-a-notice)). What the coordinator's own timers do nobody
signs: its `by` is `coordinator`.

**Samples** were made by a real run between exchanges that do not exist, so no proof in them holds
for your coordinator. `holdfast trigger TYPE` has one sent to an endpoint of yours: its `data` has
`"sample": true`, it is in no feed, and the kit's receiver gives it to no handler that does not ask
for samples.
"""


def pick(told: Sequence[Told]) -> dict[str, Mapping[str, Any]]:
    """Return the fullest event of every kind."""
    found: dict[str, Mapping[str, Any]] = {}
    for each in told:
        if each.type not in found or _members(found[each.type]) < _members(each.body):
            found[each.type] = each.body
    return found


def _members(value: object) -> int:
    if isinstance(value, Mapping):
        return sum(1 + _members(each) for each in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sum(_members(each) for each in value)
    return 0


def page(bodies: Mapping[str, Mapping[str, Any]]) -> str:
    """Return `docs/events.md` with these samples."""
    return "\n".join([_INTRODUCTION, *_contents(), *_common(), *_kinds(bodies)])


def _contents() -> Iterator[str]:
    yield "| Event | Goes to | When |\n| --- | --- | --- |"
    for event, kind in EVENTS.items():
        anchor = event.value.replace(".", "")
        yield f"| [`{event.value}`](#{anchor}){_mark(event)} | {_whom(kind)} | {_when(kind)[0]} |"
    yield ""


def _mark(event: EventType) -> str:
    return f" {_PROVEN}" if event in OBLIGING else ""


def _whom(kind: EventKind) -> str:
    return " and ".join(AUDIENCES[each] for each in kind.audience)


def _when(kind: EventKind) -> list[str]:
    paragraphs = (kind.data.__doc__ or "").split("\n\n")
    return [" ".join(each.split()) for each in paragraphs]


_HAS: Mapping[type[BaseModel], str] = {
    EventData: "every event",
    AboutRequest: "every event about a request",
}
_SHARED = ("EventLog", "ActProof", "LegSums", "LineView", "OwedHold", "ClearanceRef")


def _common() -> Iterator[str]:
    """Yield the parts that several kinds have."""
    yield "## Parts\n"
    for model, name in _HAS.items():
        yield f"### What {name} has\n"
        schema = model.model_json_schema(mode="serialization")
        yield from _table(schema, schema["$defs"], but=EventData if model is AboutRequest else None)
    known: dict[str, Any] = {}
    for kind in EVENTS.values():
        known |= kind.data.model_json_schema(mode="serialization").get("$defs", {})
    for name in _SHARED:
        yield f"### {name}\n"
        yield " ".join(known[name]["description"].split()) + "\n"
        yield from _table(known[name], known)


def _kinds(bodies: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    family = ""
    for event, kind in EVENTS.items():
        noun = event.value.partition(".")[0]
        if noun != family:
            family = noun
            yield f"## {_FAMILIES[noun]}\n"
        yield f"### {event.value}\n"
        yield "\n\n".join(_when(kind)) + "\n"
        yield f"Goes to {_whom(kind)}.{_mark(event)}\n"
        schema = kind.data.model_json_schema(mode="serialization")
        is_about = issubclass(kind.data, AboutRequest)
        common = AboutRequest if is_about else EventData
        yield f"Has what [{_HAS[common]}](#what-{_HAS[common].replace(' ', '-')}-has) has, and:\n"
        yield from _table(schema, schema.get("$defs", {}), but=common)
        yield "<details><summary>Sample</summary>\n\n```json"
        yield _indented(bodies[event.value])
        yield "```\n\n</details>\n"


def _indented(body: object) -> str:
    # For people to read: the very bytes of an event are canonical JSON.
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False)  # noqa: TID251


def _table(
    schema: Mapping[str, Any], known: Mapping[str, Any], *, but: type[BaseModel] | None = None
) -> Iterator[str]:
    """Yield a table of members, but for those that it has from `but` as they stand there."""
    required = set(schema.get("required", ()))
    base = {} if but is None else but.model_json_schema(mode="serialization")
    inherited, needed = base.get("properties", {}), set(base.get("required", ()))
    own = {
        name: member
        for name, member in schema["properties"].items()
        if inherited.get(name) != member or (name in required) != (name in needed)
    }
    if not own:
        yield "nothing else.\n"
        return
    yield "| Member | Type | |\n| --- | --- | --- |"
    for name, member in own.items():
        optional = "" if name in required else "?"
        described = [member, *member.get("anyOf", ())]
        said = next((each["description"] for each in described if "description" in each), "")
        words = " ".join(str(said).split())
        yield f"| `{name}`{optional} | {_type(member, known)} | {words} |"
    yield ""


def _type(member: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    if "$ref" in member:
        name = member["$ref"].rpartition("/")[2]
        return _named(name, known[name])
    if "anyOf" in member:
        return " or ".join(_type(each, known) for each in member["anyOf"])
    if "const" in member:
        return f"`{member['const']}`"
    if "enum" in member:
        return ", ".join(f"`{each}`" for each in member["enum"])
    if member.get("type") == "array":
        return f"list of {_type(member['items'], known)}"
    return str(member.get("format") or member.get("type", "any"))


def _named(name: str, definition: Mapping[str, Any]) -> str:
    if "enum" in definition:
        return ", ".join(f"`{each}`" for each in definition["enum"])
    return f"[{name}](#{name.lower()})" if name in _SHARED else name


def run() -> list[Told]:
    """Play every kind of event on a coordinator of its own."""
    folder = Path(tempfile.mkdtemp())
    try:
        url = f"sqlite:///{folder / 'holdfast.sqlite3'}"
        cast, clock = populate(url), SteppedClock(NOON)
        named = {
            "HOLDFAST_ORIGIN": ORIGIN,
            "HOLDFAST_DATABASE_URL": url,
            "HOLDFAST_DATA_DIR": str(folder),
        }
        app = create_app(Settings.from_env(named), clock=clock, keys=KEYS)
        database = open_database(url)
        desk = Desk(database, KEYS.vault, clock, cast)
        told = play(Office(desk, Signer(app.test_client(), clock)))
        app.extensions["holdfast"].watcher.stop()
        database.engine.dispose()
    finally:
        shutil.rmtree(folder)
    return told


def write() -> None:
    """Write samples and page anew."""
    SAMPLES.write_text(_indented(pick(run())) + "\n", encoding="utf-8")
    PAGE.write_text(page(samples()), encoding="utf-8")


if __name__ == "__main__":
    write()
