"""Suspicious-transaction reports as goAML takes them: one `report` in XML.

What is written is what the schemas 4 and 5 that FIUs publish have in common: the header, the
reporting person, one `transaction` for each thing reported, and the indicators. Each FIU has an
edition of its own, with code lists and with more fields that must be there; a report can be held
against it (`schema_faults`). Elements stand in the order that the schema has. goAML's times have no
zone: they are UTC.

Source: UNODC, goAML XML Reporting Schema 4.0 and 5.0, as FIUs publish it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from holdfast.paperwork.details import Field
from holdfast.protocol.errors import MissingLibraryError

_CODE = re.compile(r"[A-Za-z0-9_/-]{1,50}")
_COUNTRY = re.compile(r"[A-Z]{2}|-")
_CURRENCY = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,29})(\.[0-9]{1,30})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})?")
_FORMS = {
    _CODE: "a code of your FIU's list",
    _COUNTRY: "two capital letters, as ISO 3166 has them, or - for unknown",
    _CURRENCY: "three capital letters, as ISO 4217 has them",
    _NUMBER: "a whole number from 1",
    _DECIMAL: "a number, with a point before the fraction and nothing else in it: 1234.50",
    _DAY: "a day, 2026-11-30, or a UTC time, 2026-11-30T21:10:00",
}
_COMMENT_LENGTH = 8_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """An element with a text: where its value comes from, and what that must be."""

    tag: str
    source: str
    what: str = ""
    most: int = 255
    needed: bool = False
    form: re.Pattern[str] | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """An element with others in it; unless needed, it is left out where nothing in it is said."""

    tag: str
    parts: "tuple[Leaf | Group, ...]"
    needed: bool = False


_REPORTING_PERSON = Group(
    "reporting_person",
    (
        Leaf("gender", "reporting.gender", "Of who reports", form=_CODE),
        Leaf("title", "reporting.title", "Of who reports", 30),
        Leaf("first_name", "reporting.first_name", "Of who reports", 100, needed=True),
        Leaf("last_name", "reporting.last_name", "Of who reports", 100, needed=True),
        Leaf("birthdate", "reporting.birthdate", "Of who reports", form=_DAY),
        Leaf("id_number", "reporting.id_number", "Of who reports"),
        Leaf("nationality1", "reporting.nationality1", "Of who reports", form=_COUNTRY),
        Leaf("email", "reporting.email", "Of who reports"),
        Leaf("occupation", "reporting.occupation", "Of who reports"),
    ),
    needed=True,
)
_LOCATION = Group(
    "location",
    (
        Leaf("address_type", "location.address_type", "Of your office", form=_CODE, needed=True),
        Leaf("address", "location.address", "Of your office", 100, needed=True),
        Leaf("city", "location.city", "Of your office", needed=True),
        Leaf("zip", "location.zip", "Of your office", 10),
        Leaf("country_code", "location.country_code", "Your office", form=_COUNTRY, needed=True),
        Leaf("state", "location.state", "Of your office"),
    ),
)
_PHONE = Group(
    "phones",
    (
        Group(
            "phone",
            (
                Leaf("tph_contact_type", "client.phone_contact_type", form=_CODE, needed=True),
                Leaf(
                    "tph_communication_type",
                    "client.phone_communication_type",
                    form=_CODE,
                    needed=True,
                ),
                Leaf("tph_country_prefix", "client.phone_country_prefix", most=4),
                Leaf("tph_number", "client.phone_number", most=50, needed=True),
            ),
        ),
    ),
)
_ADDRESS = Group(
    "addresses",
    (
        Group(
            "address",
            (
                Leaf("address_type", "client.address_type", form=_CODE, needed=True),
                Leaf("address", "client.address", most=100, needed=True),
                Leaf("city", "client.city", needed=True),
                Leaf("zip", "client.zip", most=10),
                Leaf("country_code", "client.country_code", form=_COUNTRY, needed=True),
                Leaf("state", "client.state"),
            ),
        ),
    ),
)
_CLIENT_PERSON = Group(
    "t_person",
    (
        Leaf("gender", "client.gender", form=_CODE),
        Leaf("title", "client.title", most=30),
        Leaf("first_name", "client.first_name", most=100, needed=True),
        Leaf("last_name", "client.last_name", most=100, needed=True),
        Leaf("birthdate", "client.birthdate", form=_DAY),
        Leaf("birth_place", "client.birth_place"),
        Leaf("ssn", "client.ssn", most=25),
        Leaf("passport_number", "client.passport_number"),
        Leaf("passport_country", "client.passport_country", form=_COUNTRY),
        Leaf("id_number", "client.id_number"),
        Leaf("nationality1", "client.nationality1", form=_COUNTRY),
        Leaf("residence", "client.residence", form=_COUNTRY),
        _PHONE,
        _ADDRESS,
        Leaf("email", "client.email"),
        Leaf("occupation", "client.occupation"),
    ),
    needed=True,
)
_CLIENT_COMPANY = Group(
    "t_entity",
    (
        Leaf("name", "client.company_name", "Where your customer is a company", needed=True),
        Leaf("commercial_name", "client.company_commercial_name"),
        Leaf("incorporation_legal_form", "client.company_legal_form", form=_CODE),
        Leaf("incorporation_number", "client.company_number", most=50),
        Leaf("business", "client.company_business"),
        Leaf("incorporation_country_code", "client.company_country", form=_COUNTRY),
    ),
)
_INSTITUTION = "Your own code at the FIU; or give goaml.swift"
_CLIENT_ACCOUNT: "tuple[Leaf | Group, ...]" = (
    Leaf("institution_name", "goaml.institution_name", "Your own name", needed=True),
    Leaf("institution_code", "goaml.institution_code", _INSTITUTION, 50),
    Leaf("swift", "goaml.swift", "Your own BIC, in place of goaml.institution_code", 11),
    Leaf("non_bank_institution", "goaml.non_bank_institution", default="true"),
    Leaf("branch", "goaml.branch", "Your own branch"),
    Leaf("account", "client.account", "Your customer's account with you", needed=True),
    Leaf("currency_code", "client.currency_code", form=_CODE),
    Leaf("account_name", "client.account_name"),
    Leaf("client_number", "client.client_number", most=30),
    Leaf("personal_account_type", "client.account_type", form=_CODE),
    _CLIENT_COMPANY,
    Group(
        "signatory",
        (
            Leaf("is_primary", "fixed.is_primary"),
            _CLIENT_PERSON,
            Leaf("role", "client.role", "Your customer's on the account", form=_CODE),
        ),
        needed=True,
    ),
    Leaf("opened", "client.opened", "When the account was", form=_DAY),
    Leaf("balance", "client.balance", form=_DECIMAL),
    Leaf("date_balance", "client.date_balance", form=_DAY),
    Leaf("status_code", "client.status_code", "Of the account", form=_CODE),
)
_FOREIGN = (
    Leaf("foreign_currency_code", "transaction.currency_code", form=_CODE, needed=True),
    Leaf("foreign_amount", "transaction.foreign_amount", form=_DECIMAL, needed=True),
    Leaf("foreign_exchange_rate", "transaction.exchange_rate", form=_DECIMAL, needed=True),
)
_FLAGGED_ACCOUNT: "tuple[Leaf | Group, ...]" = (
    Leaf(
        "institution_name",
        "other.institution_name",
        "Who runs the flagged account, where you know",
        default="unknown",
    ),
    Leaf("institution_code", "other.institution_code", form=_CODE, default="-", most=50),
    Leaf("non_bank_institution", "fixed.true"),
    Leaf("account", "transaction.flagged_account", needed=True),
    Leaf("comments", "transaction.flagged_comments", most=_COMMENT_LENGTH),
)


def _side(direction: str, *, is_client: bool) -> Group:
    """Return one side of a transaction: `t_from`, `t_to`, or either with `_my_client`."""
    country = "goaml.country" if is_client else "other.country"
    funds = "goaml.funds_code"
    parts: tuple[Leaf | Group, ...] = (
        Leaf(
            f"{direction}_funds_code",
            funds,
            "How virtual assets are called",
            50,
            needed=True,
            form=_CODE,
        ),
        Leaf(f"{direction}_funds_comment", "transaction.funds_comment"),
        Group(f"{direction}_foreign_currency", _FOREIGN),
        Group(
            f"{direction}_account",
            _CLIENT_ACCOUNT if is_client else _FLAGGED_ACCOUNT,
            needed=True,
        ),
        Leaf(
            f"{direction}_country",
            country,
            "Yours" if is_client else "Of the flagged account, - for unknown",
            needed=is_client,
            form=_COUNTRY,
            default=None if is_client else "-",
        ),
    )
    return Group(f"t_{direction}{'_my_client' if is_client else ''}", parts, needed=True)


def _transaction(*, client_receives: bool) -> Group:
    return Group(
        "transaction",
        (
            Leaf("transactionnumber", "transaction.number", most=50, needed=True),
            Leaf("internal_ref_number", "transaction.internal_ref_number", most=50),
            Leaf(
                "transaction_location",
                "goaml.transaction_location",
                default="none: virtual assets",
                needed=True,
            ),
            Leaf("transaction_description", "transaction.description", "", _COMMENT_LENGTH),
            Leaf("date_transaction", "transaction.date", "", needed=True, form=_DAY),
            Leaf(
                "transmode_code",
                "goaml.transmode_code",
                "How it was done",
                50,
                needed=True,
                form=_CODE,
            ),
            Leaf("transmode_comment", "goaml.transmode_comment", most=50),
            Leaf("amount_local", "transaction.amount_local", "", needed=True, form=_DECIMAL),
            _side("from", is_client=not client_receives),
            _side("to", is_client=client_receives),
            Leaf("comments", "transaction.comments", "", _COMMENT_LENGTH),
        ),
        needed=True,
    )


_HEAD: "tuple[Leaf | Group, ...]" = (
    Leaf("rentity_id", "goaml.rentity_id", "Your number at the FIU", needed=True, form=_NUMBER),
    Leaf("rentity_branch", "goaml.rentity_branch", "Your reporting branch"),
    Leaf("submission_code", "goaml.submission_code", default="E", form=_CODE),
    Leaf(
        "report_code",
        "goaml.report_code",
        "The FIU's code of this report",
        default="STR",
        form=_CODE,
    ),
    Leaf("entity_reference", "goaml.entity_reference", "Your reference; else the request's id"),
    Leaf("fiu_ref_number", "goaml.fiu_ref_number", "The FIU's own, of an earlier exchange"),
    Leaf("submission_date", "report.submission_date", needed=True, form=_DAY),
    Leaf(
        "currency_code_local",
        "goaml.currency_code_local",
        "Of amount_local",
        needed=True,
        form=_CURRENCY,
    ),
    _REPORTING_PERSON,
    _LOCATION,
    Leaf("reason", "report.reason", "", _COMMENT_LENGTH, needed=True),
    Leaf("action", "report.action", "", _COMMENT_LENGTH, needed=True),
)
_INDICATORS = Field(
    "goaml.indicators", "The FIU's codes of what makes it suspicious: A1, B7", needed=True
)
#: Of one transaction, told in a table of its own: [transactions.ID].
OF_TRANSACTION: Mapping[str, str] = {
    "amount_local": "What it was worth in the local currency",
    "date": "When it happened, UTC",
    "currency_code": "The FIU's code of the virtual asset, if its list has one",
    "exchange_rate": "With currency_code: local currency for one unit",
    "internal_ref_number": "Your own number of it",
}
#: What the case itself says, and what is the same in every report.
_NOT_ASKED = ("report.", "transaction.", "fixed.")


@dataclass(frozen=True, slots=True)
class Transaction:
    """Something that is reported.

    Attributes:
        id: By which details about it are told.
        client_receives: Whether the flagged account sent it to one's customer, or got it from them.
        said: Its values, by the name behind "transaction.".
    """

    id: str
    client_receives: bool
    said: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Passages:
    """What a report says in words.

    Attributes:
        reference: The freeze request's id, where the details name no other reference.
        reason: Why it is suspicious.
        action: What was done about it.
    """

    reference: str
    reason: str
    action: str


def report_fields(transactions: Sequence[Transaction]) -> list[Field]:
    """Return what a report takes from its maker."""
    found: dict[str, Field] = {}
    for part in (*_HEAD, _transaction(client_receives=True)):
        for leaf, needed in _leaves(part, needed=True):
            if not leaf.source.startswith(_NOT_ASKED):
                what = leaf.what or leaf.tag.replace("_", " ")
                is_asked = needed and leaf.needed and leaf.default is None
                found.setdefault(leaf.source, Field(leaf.source, what, is_asked, leaf.default))
    found[_INDICATORS.name] = _INDICATORS
    for each in transactions:
        for name, what in OF_TRANSACTION.items():
            is_needed = name in {"amount_local", "date"} and each.said.get(name) is None
            full = f"transactions.{each.id}.{name}"
            told = f"{what} ({each.said.get('description')})"
            found[full] = Field(full, told, is_needed, each.said.get(name))
    return list(found.values())


def _leaves(part: Leaf | Group, *, needed: bool) -> Iterator[tuple[Leaf, bool]]:
    if isinstance(part, Leaf):
        yield part, needed
        return
    for each in part.parts:
        yield from _leaves(each, needed=needed and part.needed)


def write_report(
    transactions: Sequence[Transaction],
    details: Mapping[str, str],
    *,
    words: Passages,
    made_at: datetime,
) -> tuple[bytes, list[str]]:
    """Return the report, and everything that is missing or cannot be, by name.

    Args:
        transactions: What is reported.
        details: What the reporting partner knows.
        words: What it says in words.
        made_at: The time of the report.
    """
    faults: list[str] = []
    said: dict[str, str | None] = {
        "goaml.entity_reference": words.reference,
        **details,
        "report.submission_date": f"{made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        "report.reason": words.reason,
        "report.action": words.action,
        "fixed.is_primary": "true",
        "fixed.true": "true",
    }
    if "goaml.institution_code" not in details and "goaml.swift" not in details:
        faults.append("goaml.institution_code is missing: your own code at the FIU; or goaml.swift")
    elif "goaml.institution_code" in details and "goaml.swift" in details:
        faults.append("goaml.swift: the schema takes it or goaml.institution_code, not both")
    report = Element("report")
    for part in _HEAD:
        _add(report, part, said, faults)
    for each in transactions:
        own = {
            f"transaction.{name}": details.get(f"transactions.{each.id}.{name}") or value
            for name, value in {**dict.fromkeys(OF_TRANSACTION), **each.said}.items()
        }
        if own["transaction.currency_code"] is None:
            own["transaction.foreign_amount"] = None
        _add(
            report,
            _transaction(client_receives=each.client_receives),
            {**said, **own},
            faults,
            each.id,
        )
    indicators = SubElement(report, "report_indicators")
    codes = [code.strip() for code in details.get("goaml.indicators", "").split(",")]
    for code in filter(None, codes):
        _add(indicators, Leaf("indicator", "code", form=_CODE), {"code": code}, faults)
    if not len(indicators):
        faults.append(f"goaml.indicators is missing: {_INDICATORS.what}")
    indent(report)
    written = tostring(report, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'.encode(), list(
        dict.fromkeys(faults)
    )


def _add(
    parent: Element,
    part: Leaf | Group,
    said: Mapping[str, str | None],
    faults: list[str],
    transaction: str = "",
) -> None:
    if isinstance(part, Group):
        if part.needed or any(_said(leaf, said) for leaf, _ in _leaves(part, needed=True)):
            below = SubElement(parent, part.tag)
            for each in part.parts:
                _add(below, each, said, faults, transaction)
        return
    value = _said(part, said)
    name = part.source
    if name.startswith("transaction."):
        name = f"transactions.{transaction}.{name.removeprefix('transaction.')}"
    faults += _leaf_faults(part, name, value)
    if value is not None:
        is_day = part.form is _DAY and "T" not in value
        SubElement(parent, part.tag).text = f"{value}T00:00:00" if is_day else value


def _leaf_faults(leaf: Leaf, name: str, value: str | None) -> Iterator[str]:
    """Yield what is wrong with a value, which is called `name` where it is given."""
    if value is None:
        if leaf.needed:
            form = _FORMS[leaf.form] if leaf.form else leaf.tag.replace("_", " ")
            yield f"{name} is missing: {leaf.what or form} (goAML's {leaf.tag})"
        return
    if leaf.form is not None and not _has_form(leaf.form, value):
        yield f"{name}: {value[:60]!r} is not {_FORMS[leaf.form]}"
    if len(value) > leaf.most:
        yield f"{name}: {len(value)} characters, goAML takes {leaf.most} ({leaf.tag})"


def _has_form(form: re.Pattern[str], value: str) -> bool:
    if form is not _DAY or not form.fullmatch(value):
        return form.fullmatch(value) is not None
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False  # no day of the calendar
    return True


def _said(leaf: Leaf, said: Mapping[str, str | None]) -> str | None:
    value = said.get(leaf.source)
    return leaf.default if value is None else value


def schema_faults(report: bytes, schema: bytes) -> list[str]:
    """Return where a report is not as an FIU's schema has it, each with its line.

    Args:
        report: The XML.
        schema: The FIU's XSD, as it publishes it.

    Raises:
        MissingLibraryError: The kit is without its extra `paper`.
        ValueError: The file is no schema.
    """
    try:
        etree: Any = import_module("lxml.etree")
    except ModuleNotFoundError:
        raise MissingLibraryError(
            "to hold a report against a schema the kit needs its extra `paper`"
            " (holdfast-kit[paper])"
        ) from None
    # No entity and no network.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        checker = etree.XMLSchema(etree.fromstring(schema, parser))
    except (etree.XMLSyntaxError, etree.XMLSchemaParseError) as error:
        raise ValueError(f"it is no schema that can be read: {error}") from None
    checker.validate(etree.fromstring(report, parser))
    return [f"line {error.line}: {error.message}" for error in checker.error_log]
