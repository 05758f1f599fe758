"""`holdfast readiness`: how fast who answered a drill, on the screen and as signed files."""

from collections.abc import Iterable
from pathlib import Path

import click

from holdfast.cli.clearances import read_key_set
from holdfast.cli.layout import second
from holdfast.cli.session import (
    REQUEST_ID,
    Session,
    SessionCommand,
    facts,
    pass_session,
    print_json,
    table,
)
from holdfast.errors import UntrustedEvidenceError
from holdfast.profiles.private_files import write_private
from holdfast.protocol import strict_json
from holdfast.protocol.errors import ReadinessError
from holdfast.protocol.readiness import (
    Readiness,
    ReadinessPerson,
    ReadinessReport,
    ReadinessStep,
    ReadinessUnit,
    Step,
    verify_readiness,
)
from holdfast.wording import DRILL, duration_words

_ASKED = (Step.ARRIVED, Step.PAGED, Step.TAKEN, Step.ACKNOWLEDGED, Step.ANSWERED)
_REQUESTER = (Step.PAGED, Step.TAKEN, Step.DECIDED)
_ASKED_COLUMNS = ("told", "state", "at", *(each.value for each in _ASKED))
_REQUESTER_COLUMNS = ("who asked", "state", "submitted", *(each.value for each in _REQUESTER))


@click.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option(
    "--save",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write it there: FRQ_….readiness.json and .pdf, both signed by the coordinator.",
)
@pass_session
def readiness(session: Session, request_id: str, folder: Path | None) -> None:
    """Show who was told of a drill, woken, took it and answered, and how fast.

    Of other organisations it names nobody; whom you give your own people's names to is yours to
    decide. A saved report is verified by anybody, offline: `holdfast verify FILE`.
    """
    client = session.client()
    content = client.readiness(request_id)
    report = verify_readiness(content).report
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        write_private(folder / f"{request_id}.readiness.json", content)
        write_private(folder / f"{request_id}.readiness.pdf", client.readiness_pdf(request_id))
    if session.as_json:
        print_json(strict_json.loads(content))
        return
    _show(session, report)
    if folder is not None:
        session.out.print()
        session.out.print(
            f"Signed, in {folder}: {request_id}.readiness.json and .pdf", markup=False
        )


def verify_report(session: Session, file: Path, keys: Path | None) -> None:
    """Verify a saved report and print it; nothing is fetched.

    Args:
        session: Prints.
        file: The report.
        keys: The coordinator's JWK set, saved before; None: the report's own word whose key it is.

    Raises:
        UntrustedEvidenceError: If it is not as it was signed.
    """
    given = None if keys is None else read_key_set(keys.read_bytes())
    try:
        found = verify_readiness(file.read_bytes(), keys=given)
    except ReadinessError as error:
        raise UntrustedEvidenceError(
            f"the readiness report: {error}", code="bad_evidence"
        ) from None
    session.show({**_document(found)}, lambda: _show_verified(session, found))


def _document(found: Readiness) -> dict[str, object]:
    return {
        "drill": True,
        "request_id": found.report.request_id,
        "coordinator": found.statement.iss,
        "made_for": found.report.made_for,
        "made_at": found.report.model_dump(mode="json")["made_at"],
        "report_sha256": found.statement.report_sha256,
        "kid": found.key.kid,
        "key": "given" if found.is_key_given else "asserted",
    }


def _show_verified(session: Session, found: Readiness) -> None:
    whose = "one of the keys that you gave"
    if not found.is_key_given:
        whose = "the report's own word that it is the coordinator's: compare it, or give --keys"
    _show(session, found.report)
    rows = [
        ("coordinator", found.statement.iss),
        ("signature", "valid"),
        ("key", f"{found.key.kid}, {whose}"),
        ("report SHA-256", found.statement.report_sha256),
    ]
    session.out.print()
    session.out.print(facts(rows))


def _show(session: Session, report: ReadinessReport) -> None:
    out = session.out
    out.print(DRILL, style="bold")
    out.print(
        facts(
            [
                ("drill", f"{report.title} ({report.request_id})".removeprefix(" ")),
                ("urgency", report.urgency.value),
                ("submitted", second(report.submitted_at)),
                ("ended", report.ended_at and second(report.ended_at)),
                ("as of", second(report.made_at)),
                ("made for", report.made_for),
            ]
        )
    )
    out.print()
    requester = [unit for unit in report.units if unit.role == "requester"]
    asked = [unit for unit in report.units if unit.role == "asked"]
    out.print(table(_REQUESTER_COLUMNS, [_row(unit, _REQUESTER) for unit in requester]))
    out.print()
    if asked:
        out.print(table(_ASKED_COLUMNS, [_row(unit, _ASKED) for unit in asked]))
        out.print()
        out.print(
            table(
                ("step", "how many", "median", "slowest"),
                (
                    (
                        each.step.value,
                        f"{each.count} of {each.of}",
                        None if each.median_ms is None else duration_words(each.median_ms),
                        None if each.slowest_ms is None else duration_words(each.slowest_ms),
                    )
                    for each in report.speed
                ),
            )
        )
    else:
        out.print("It did not go out so far: nobody was told.")
    people = [person for unit in report.units for person in unit.people or ()]
    if people:
        out.print()
        out.print(table(("at", "who", "did"), map(_person, people)))


def _row(unit: ReadinessUnit, steps: Iterable[Step]) -> tuple[object, ...]:
    by_step = {each.step: each for each in unit.steps}
    done = (_step(by_step.get(step)) for step in steps)
    return (unit.partner, unit.status, second(unit.since), *done)


def _step(step: ReadinessStep | None) -> str:
    """Return how long a step took, and whether it was in time: "4 min 5 s, late"."""
    if step is None or step.after_ms is None:
        return "late, not so far" if step is not None and step.in_time is False else "not so far"
    took = duration_words(step.after_ms)
    return f"{took}, late" if step.in_time is False else took


def _person(person: ReadinessPerson) -> tuple[object, ...]:
    did = person.did if person.by is None else f"{person.did} by {person.by}"
    at = "not sent" if person.at is None else second(person.at)
    return at, person.name or person.subject, did


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(readiness)
