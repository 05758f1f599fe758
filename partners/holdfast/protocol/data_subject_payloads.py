"""What is sent about persons who ask for their rights under data-protection law."""

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from holdfast.protocol.payloads import AccountText, ActBody, Body, Loose, RequestId, Time
from holdfast.protocol.requirements import absent, fault_at, given, holds, one_of, rules, says, when
from holdfast.protocol.texts import FileNumber
from holdfast.protocol.type_ids import id_pattern
from holdfast.protocol.vocabulary import (
    EXTENSION_REASONS,
    DataSubjectDecision,
    DataSubjectKind,
    DataSubjectReason,
)

#: A sealed file.
LetterId = Annotated[str, Field(pattern=id_pattern("sev"))]
_EXTENDING = sorted(each.value for each in EXTENSION_REASONS)
_REFUSING = sorted(each.value for each in DataSubjectReason if each not in EXTENSION_REASONS)


class DataSubjectRequest(Body):
    """`POST /v1/data-subject-requests`: a person wrote to you about a flagged account.

    Name the account, or the freeze request where you know which; never who the person is. The
    letter is sealed to the requester first, as any file on that request, and named by its id.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            one_of(
                {"allOf": [given("account"), absent("request_id", "letter")]},
                {"allOf": [given("request_id"), absent("account")]},
            )
        )
    )

    kind: Annotated[DataSubjectKind, Loose, Field(description="What the person asks for.")]
    account: AccountText | None = None
    request_id: RequestId | None = None
    reference: Annotated[FileNumber, Field(description="Your own, for the letter; no name.")]
    received_at: Annotated[Time, Field(description="When it reached you: the month runs since.")]
    letter: Annotated[
        LetterId | None, Field(description="What you sealed to the requester (`sev_…`).")
    ] = None

    @model_validator(mode="after")
    def _one_form(self) -> "DataSubjectRequest":
        if (self.account is None) is (self.request_id is None):
            raise ValueError("name either the account or the freeze request (request_id)")
        if self.letter is not None and self.request_id is None:
            raise fault_at("letter", "a letter is sealed on a freeze request: name request_id")
        return self


class DataSubjectAnswer(ActBody):
    """`POST …/data-subject-requests/{id}/answer`: what the requester decides, by a code.

    The person is answered by the requester itself; no word of that goes through the network.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            when(says("decision", "granted"), absent("reason")),
            when(says("decision", "refused"), holds("reason", {"enum": _REFUSING})),
            when(says("decision", "extended"), holds("reason", {"enum": _EXTENDING})),
        )
    )

    decision: Annotated[DataSubjectDecision, Loose]
    reason: Annotated[
        DataSubjectReason | None, Loose, Field(description="Of a refusal or an extension.")
    ] = None

    @model_validator(mode="after")
    def _fitting_reason(self) -> "DataSubjectAnswer":
        if self.decision is DataSubjectDecision.GRANTED:
            if self.reason is not None:
                raise fault_at("reason", "what is granted needs no reason: leave it out")
            return self
        extends = self.decision is DataSubjectDecision.EXTENDED
        if self.reason is None or (self.reason in EXTENSION_REASONS) is not extends:
            codes = ", ".join(_EXTENDING if extends else _REFUSING)
            raise fault_at("reason", f"what is {self.decision} has one of these: {codes}")
        return self
