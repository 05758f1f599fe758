"""The kinds of papers: what each takes from its maker, and for whom it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from holdfast.paperwork.details import Field


class PaperKind(StrEnum):
    """What can be made."""

    STR = "str"
    PRESERVATION_LETTER = "preservation-letter"
    POLICE_PACK = "police-pack"
    FREEZING_CERTIFICATE = "freezing-certificate"
    CUSTOMER_NOTICE = "customer-notice"


@dataclass(frozen=True, slots=True)
class KindRules:
    """How one kind is made.

    Attributes:
        fields: What its maker tells.
        is_about_one_customer: Only holds of one's own, and of one customer: they are named where
            there are several.
        is_marked: Whether it bears the TLP mark of the request: it hands on what that says.
        is_filed: Whether it is filed as something that happened: never of a drill.
    """

    fields: tuple[Field, ...]
    is_about_one_customer: bool = False
    is_marked: bool = True
    is_filed: bool = False


def _needed(name: str, what: str) -> Field:
    return Field(name, what, needed=True)


_SENDER = (
    _needed("sender_name", "The name of your organisation, as it is registered"),
    _needed("sender_address", "Its address, in one line"),
    _needed("officer_name", "Who signs"),
    Field("officer_role", "As what they sign"),
    _needed("officer_phone", "Where they are reached by telephone"),
    _needed("officer_email", "Where they are reached by e-mail"),
    Field("reference", "Your own reference of the case"),
)
_RECIPIENT = (
    _needed("recipient_name", "To whom it goes"),
    Field("recipient_address", "Their address, in one line"),
    Field("recipient_reference", "Their reference, where they have one"),
)
KINDS: Mapping[PaperKind, KindRules] = {
    PaperKind.STR: KindRules(_SENDER, is_about_one_customer=True, is_filed=True),
    PaperKind.PRESERVATION_LETTER: KindRules(
        (
            *_SENDER,
            *_RECIPIENT,
            _needed("preserve_until", "Until when the records are to be kept: 2027-02-28"),
            Field("legal_basis", "On what ground you ask: a law, a contract"),
            Field("records", "Which records, beside those that the letter lists"),
            Field("authority", "Which authority is about to ask for them"),
            Field("authority_reference", "That authority's reference"),
        )
    ),
    PaperKind.POLICE_PACK: KindRules(
        (
            *_SENDER,
            *_RECIPIENT,
            Field("loss", "What was lost in all, in your own words"),
            Field("victim", "Who lost it, where you may say so"),
        )
    ),
    PaperKind.FREEZING_CERTIFICATE: KindRules(
        (
            *_SENDER,
            _needed("issuing_state", "The state whose authority issues the order"),
            _needed("issuing_authority", "The authority that issues it"),
            _needed("case_number", "That authority's file number"),
            _needed("executing_state", "The state where the funds are held"),
            Field("executing_authority", "The authority there, where it is known"),
            _needed("holder_name", "Who holds the funds: the organisation, as it is registered"),
            Field("holder_address", "Its address, in one line"),
            Field("affected_person", "Against whom the order is, where that is known"),
            _needed("offence", "The offence, and the law that makes it one"),
            Field("maximum_penalty", "The most that the law gives for it"),
            Field("urgency_reason", "Why it cannot wait"),
            Field("victim", "To whom the funds are to be given back"),
            Field("legal_remedies", "What can be done against the order, where and until when"),
        )
    ),
    PaperKind.CUSTOMER_NOTICE: KindRules(
        (
            *_SENDER,
            _needed("customer_name", "To whom it goes"),
            Field("customer_address", "Their address, in one line"),
            _needed("account_reference", "How your customer knows their account"),
            _needed("authority", "The authority that ordered it, or on whose ground you act"),
            _needed("authority_reference", "That authority's reference"),
            _needed("appeal_route", "Where and how it can be contested"),
            Field("appeal_until", "Until when"),
        ),
        is_about_one_customer=True,
        is_marked=False,
    ),
}
