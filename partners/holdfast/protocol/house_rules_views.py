"""What the coordinator answers about the network's rulebook and who accepted it."""

from pydantic import Field

from holdfast.protocol.payloads import Handle, Sha256, Time
from holdfast.protocol.views import LogEntry, View


class EditionView(View):
    """One edition of the rulebook; `sha256` is of the text's exact bytes in UTF-8."""

    sha256: Sha256
    published_at: Time = Field(description="When the operator published it.")
    in_force_from: Time = Field(description="From when on requests name it.")
    text: str = Field(description="All of it, plain text.")


class RulebookView(View):
    """The rulebook in force, null where the network has none, and the editions that are to come."""

    in_force: EditionView | None = Field(description="Null: the network has no rulebook.")
    coming: list[EditionView] = Field(description="Announced, the next one first; accept in time.")


class AcceptanceView(View):
    """That a partner accepted an edition, with the act that proves it.

    `subject` is null where the partner accepted it by joining: its root key signed that.
    """

    id: str
    partner: Handle
    rulebook_sha256: Sha256 = Field(description="Of the text that it accepted.")
    subject: str | None = Field(
        default=None, description="Who accepted it, by id; null: the root key, by joining."
    )
    signed_by: str
    accepted_at: Time = Field(description="When it was accepted.")
    token: str | None = None
    body: str | None = None
    log: LogEntry | None = None
