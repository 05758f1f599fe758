"""`holdfast join`, `grant`, `revoke`, `policy`, `partners`: who is a member, and by which keys."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import click

from holdfast.cli import directory
from holdfast.cli.key_passphrase import new_passphrase
from holdfast.cli.session import THUMBPRINTS, Session, SessionCommand, facts, pass_session
from holdfast.client.client import Client, parse_view
from holdfast.client.joining import Joining, Person, System
from holdfast.client.joining import join as join_network
from holdfast.client.rulebook import read_rulebook
from holdfast.client.transport import Transport
from holdfast.errors import InvalidDraftError, ProfileError
from holdfast.profiles.key_requests import KeyRequest, grant_of, read_key_request
from holdfast.profiles.store import checked_origin
from holdfast.protocol.jwk import PublicKey, thumbprint_digits
from holdfast.protocol.membership_payloads import Grant, Policy, Revocation
from holdfast.protocol.views import PartnerView, ServiceView, SpanView
from holdfast.protocol.vocabulary import Role, Silence, Urgency
from holdfast.wording import counted

_DAY_MINUTES = 24 * 60
#: Spans of so many days are still told in hours.
_HOURS_UP_TO = 2
_PERSON_ROLES = tuple(role.value for role in Role if role not in {Role.SYSTEM, Role.SCREENING})


@click.command(cls=SessionCommand)
@click.option("--coordinator", required=True, metavar="URL", envvar="HOLDFAST_COORDINATOR")
@click.option("--handle", required=True, help="Your handle, as invited, e.g. exchange-a.example.")
@click.option("--invitation", required=True, metavar="CODE", help="From the operator.")
@click.option(
    "--lead", "leads", multiple=True, default=("lead",), show_default=True, metavar="PROFILE"
)
@click.option("--compliance", "officers", multiple=True, metavar="PROFILE")
@click.option("--analyst", "analysts", multiple=True, metavar="PROFILE")
@click.option(
    "--system", "systems", multiple=True, metavar="PROFILE", help="Owned by the first lead."
)
@click.option(
    "--systems-as-compliance", is_flag=True, help="These systems may decline, release and return."
)
@click.option(
    "--accept-rulebook",
    "accepted",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The network's rulebook as you read it (holdfast rulebook show --save FILE): you accept "
    "it by joining.",
)
@click.option(
    "--passphrase",
    "guarded",
    is_flag=True,
    help="Ask for one for each key made, or take that of HOLDFAST_PASSPHRASE_FILE; it guards the "
    "key file.",
)
@pass_session
def join(
    session: Session,
    *,
    coordinator: str,
    handle: str,
    invitation: str,
    leads: tuple[str, ...],
    officers: tuple[str, ...],
    analysts: tuple[str, ...],
    systems: tuple[str, ...],
    systems_as_compliance: bool,
    accepted: Path | None,
    guarded: bool,
) -> None:
    """Make your root key and first people's keys, and take the operator's invitation.

    Tell the operator the printed thumbprint by another way than this network; you are active once
    they confirmed it. Keep the profile `root` offline afterwards: it is needed for grants only.
    """
    people = [
        *(Person(name, (Role.SECURITY_LEAD,)) for name in leads),
        *(Person(name, (Role.COMPLIANCE,)) for name in officers),
        *(Person(name, (Role.ANALYST,)) for name in analysts),
    ]
    if len({person.profile for person in people}) < len(people):
        raise click.UsageError("each profile is one person: name it once")
    rulebook_sha256 = None if accepted is None else sha256(accepted.read_bytes()).hexdigest()
    joining = Joining(
        coordinator=coordinator,
        handle=handle,
        invitation=invitation,
        people=people,
        systems=[System(name, leads[0], systems_as_compliance) for name in systems],
        passphrase_of=new_passphrase if guarded else None,
        rulebook_sha256=rulebook_sha256,
    )
    here = checked_origin(coordinator)
    _require_origin(here)
    _require_accepted(here, rulebook_sha256)
    view = join_network(session.store, joining)
    session.show(
        view,
        lambda: session.out.print(
            facts(
                [
                    ("partner", view.handle),
                    ("status", view.status.value),
                    ("thumbprint", view.root_kid),
                    ("next", "tell the operator this thumbprint by telephone; they confirm it"),
                ]
            )
        ),
    )


def _require_origin(here: str) -> None:
    """Refuse another name of a coordinator than its own before keys are bound to it.

    Everything is signed for the origin, so under another name nothing would be accepted.
    """
    service = parse_view(ServiceView, Transport(None, here).read_public("/v1").body)
    if service.origin != here:
        raise ProfileError(
            f"the coordinator at {here} calls itself {service.origin}: check that name with its "
            f"operator, then join with --coordinator {service.origin}"
        )


def _require_accepted(here: str, accepted: str | None) -> None:
    """Refuse to join a network whose rulebook was not accepted, before any key is made."""
    in_force = read_rulebook(Transport(None, here)).in_force
    if in_force is not None and in_force.sha256 != accepted:
        found = "has a rulebook" if accepted is None else "has another rulebook than that file"
        raise ProfileError(
            f"the network {found}: read it (holdfast rulebook show --coordinator {here} --save"
            " rulebook.txt), and if your organisation accepts it, join with --accept-rulebook"
            " rulebook.txt"
        )


@click.command(cls=SessionCommand)
@click.argument("key_request", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--role", "roles", multiple=True, type=click.Choice([role.value for role in Role]))
@pass_session
def grant(session: Session, key_request: Path, roles: tuple[str, ...]) -> None:
    """Grant a key request.

    By the root key: `holdfast --as root grant FILE --role analyst`. Signed by a security lead
    instead it is a proposal, which another lead approves: `holdfast approve-grant`.
    """
    profile = session.profile()
    if profile.kind == "system":
        raise ProfileError(f"{profile.name} is a system: grants are signed by root or by a lead")
    request = read_key_request(key_request.read_bytes())
    if (request.handle, request.coordinator) != (profile.handle, profile.coordinator):
        here = f"{profile.handle} at {profile.coordinator}"
        fault = f"this key request is for {request.handle} at {request.coordinator}, not {here}"
        raise InvalidDraftError([fault])
    wanted = [Role(role) for role in roles] or ([Role.SYSTEM] if request.owner else [])
    if not wanted:
        raise click.UsageError(f"say --role: {', '.join(_PERSON_ROLES)}")
    view = session.client().grant(grant_of(request, wanted))
    session.show(
        view,
        lambda: session.out.print(
            facts(
                [
                    ("grant", view.id),
                    ("status", view.status),
                    ("subject", view.subject),
                    ("roles", [role.value for role in view.roles]),
                    ("passkey of", request.jwk.webauthn and request.jwk.webauthn.origin),
                    ("kid", view.kid),
                    *_digits(request),
                ]
            )
        ),
    )


def _digits(request: KeyRequest) -> list[tuple[str, str]]:
    """Return what the owner of a passkey reads on their own screen, to be compared."""
    if request.jwk.webauthn is None:
        return []
    kid = PublicKey.from_jwk(request.jwk.model_dump(exclude_none=True)).kid
    return [("digits", " … ".join(thumbprint_digits(kid)))]


@click.command(cls=SessionCommand, context_settings=THUMBPRINTS)
@click.argument("name")
@click.option("--reason")
@pass_session
def revoke(session: Session, name: str, reason: str | None) -> None:
    """Take a key (its kid) or a person or system (per_…, sys_…) away, at once."""
    members = {"subject" if name.startswith(("per_", "sys_")) else "kid": name}
    if reason:
        members["reason"] = reason
    view = session.client().revoke(Revocation.model_validate(members))
    session.show(view, lambda: session.out.print(facts([("revoked", view.kids)])))


@click.command(cls=SessionCommand)
@click.option("--approval-quorum", type=click.IntRange(1, 10), help="Leads that a request takes.")
@click.option(
    "--withdrawal-quorum",
    type=click.IntRange(1, 2),
    help="Leads that letting held funds go takes.",
)
@click.option("--may-flash", multiple=True, metavar="SUBJECT", help="All of them, or `nobody`.")
@click.option(
    "--system-as-compliance", multiple=True, metavar="SYS_…", help="All of them, or `nobody`."
)
@click.option("--provisional", type=click.Choice(["notify", "hold_back"]))
@click.option(
    "--may-ask-all/--names-only", default=None, help='Whether requests may say "to": "all".'
)
@click.option(
    "--cannot-say",
    type=click.Choice([to.value for to in Silence]),
    help="Whether all private requesters hear cannot_say of you; every member reads it.",
)
@click.option(
    "--clocks",
    metavar="PROFILE",
    help="By which clocks you answer: one that `holdfast partners` shows.",
)
@click.option("--show", is_flag=True, help="Show the policy in force; change nothing.")
@pass_session
def policy(
    session: Session,
    /,
    *,
    show: bool,
    may_flash: tuple[str, ...],
    system_as_compliance: tuple[str, ...],
    **named: object,
) -> None:
    """Change your policy where you name it; signed by a lead it is a proposal to another lead.

    A grant holds the whole policy, so what you do not name is read first, and stays. The root key
    reads nothing: another profile of yours on this machine does it for it.
    """
    in_force = _reader(session).me().policy or {}
    if show:
        shown = {name: _policy_words(session, value) for name, value in sorted(in_force.items())}
        session.show(in_force, lambda: session.out.print(facts(shown.items())))
        return
    changes = {name: value for name, value in named.items() if value is not None}
    for name, subjects in (
        ("may_flash", may_flash),
        ("systems_as_compliance", system_as_compliance),
    ):
        if subjects:
            changes[name] = [] if subjects == ("nobody",) else list(subjects)
    if not changes:
        raise click.UsageError("name what changes, or say --show")
    document = Policy.model_validate(in_force | changes)
    view = session.client().grant(Grant(policy=document))
    session.show(
        view, lambda: session.out.print(facts([("grant", view.id), ("status", view.status)]))
    )


def _reader(session: Session) -> Client:
    """Return a client that may read the policy in force; the root key may not."""
    profile = session.profile()
    if profile.kind != "root":
        return session.client()
    others = (session.store.load(name) for name in session.store.names())
    for other in others:
        is_own = (other.handle, other.coordinator) == (profile.handle, profile.coordinator)
        if is_own and other.kind != "root":
            return session.client(other)
    raise ProfileError(
        "the root key cannot read the policy in force, and no other profile of yours is here:"
        " let a lead propose the change (holdfast --as LEAD policy …)"
    )


def _policy_words(session: Session, value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return [session.who(subject) for subject in value] or "nobody"
    return value


@click.command(cls=SessionCommand)
@click.option("--clocks", is_flag=True, help="By when each says it has a request, and answers.")
@click.option("--contacts", is_flag=True, help="How each is reached, and in an emergency.")
@click.option("--entries", is_flag=True, help="What each says of itself: what it freezes on, when.")
@pass_session
def partners(session: Session, *, clocks: bool, contacts: bool, entries: bool) -> None:
    """List the members."""
    if entries:
        session.show_list(
            session.client().partners(), directory.COLUMNS, directory.row, empty="No members."
        )
        return
    if contacts:
        session.show_list(
            session.client().partners(),
            ("partner", "in an emergency", "contacts"),
            lambda view: (view.handle, view.emergency_contact, view.contacts),
            empty="No members.",
        )
        return
    if clocks:
        session.show_list(
            session.client().partners(),
            ("partner", "clocks", "receives in", "answers in", "replies in", "on an order"),
            _clock_row,
            empty="No members.",
        )
        session.err.print(
            "Times for flash, urgent and routine requests; working days are those over there. On an"
            " order: for urgent and routine ones, where an order changes the time to answer."
        )
        return
    pins = session.store.pins()
    session.show_list(
        session.client().partners(),
        ("partner", "name", "kind", "status", "root key", "pinned"),
        lambda view: (
            view.handle,
            view.name,
            view.kind.value,
            view.status.value,
            view.root_kid,
            _pinned(pins.get(view.handle), view.root_kid),
        ),
        empty="No members.",
    )


def _clock_row(view: PartnerView) -> tuple[object, ...]:
    clocks = view.clocks
    if clocks is None:
        return (view.handle,)
    spans = (clocks.acknowledge_within, clocks.answer_within, clocks.reply_within)
    on_order = clocks.answer_on_order_within
    return (
        view.handle,
        clocks.profile,
        *map(_spans, spans),
        "" if on_order is None else _span(on_order),
    )


def _spans(spans: Mapping[Urgency, SpanView]) -> str:
    return " / ".join(_span(spans[urgency]) for urgency in Urgency if urgency in spans)


def _span(span: SpanView) -> str:
    if span.working_days is not None:
        return counted(span.working_days, "working day")
    minutes = span.minutes or 0
    days, rest = divmod(minutes, _DAY_MINUTES)
    # People say 24 and 48 hours, but 7 days.
    if days > _HOURS_UP_TO and not rest:
        return counted(days, "day")
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if rest else f"{hours} h"


def _pinned(pin: str | None, root_kid: str | None) -> str:
    if pin is None:
        return ""
    return "yes" if pin == root_kid else "ANOTHER KEY IS PINNED"


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (join, grant, revoke, policy, partners):
        cli.add_command(command)
