"""What the summary of a freeze request says: plain values, every text as it is to be read.

Nothing here knows of a database or of a page. Each statement carries how one knows it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Mark(StrEnum):
    """How one knows that a statement is true.

    `SIGNED`: somebody's signature proves it. `RECORDED`: the coordinator says so. `COUNTED`: it
    follows from the others by counting and adding up.
    """

    SIGNED = "S"
    RECORDED = "R"
    COUNTED = "C"


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence, and how one knows it."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Fact:
    """A value with its name, and how one knows it."""

    label: str
    value: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Decision:
    """What one lead decided; `words` is what they wrote, "" where they wrote nothing."""

    what: str
    who: str
    at: str
    words: str
    key: str
    mark: Mark = Mark.SIGNED


@dataclass(frozen=True, slots=True)
class Paper:
    """A document that stays with whoever has it; its SHA-256 (64 hex digits, or "") was signed."""

    what: str
    by: str
    at: str
    reference: str
    sha256: str
    mark: Mark = Mark.SIGNED


@dataclass(frozen=True, slots=True)
class Told:
    """How one partner was told.

    Attributes:
        partner: Its handle.
        name: What it is called.
        queued: When its notice was made ready.
        arrived: When the coordinator saw it arrive, or that it did not.
        acknowledged: When its signature said "received", or that none did.
        by: Where that act stands in this document; "" where there is none.
    """

    partner: str
    name: str
    queued: str
    arrived: str
    acknowledged: str
    by: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver the notice to the reader's own systems."""

    at: str
    result: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one partner answered.

    Attributes:
        partner: Its handle.
        name: What it is called.
        state: Where it stands, in words.
        at: Since when every address has its answer; "" as long as some have none.
        why: What it said of why; "" where it said nothing.
        sums: Each "80 ETH held"; empty where it reported none.
    """

    partner: str
    name: str
    state: str
    at: str
    why: str
    sums: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AssetSum:
    """The sums of one asset, in its unit; a dash where nothing is stated."""

    unit: str
    asked: str
    found: str
    frozen: str
    held: str
    released: str
    returned: str
    seized: str
    worth: str


@dataclass(frozen=True, slots=True)
class Address:
    """One flagged address."""

    number: str
    account: str
    asked: str
    note: str


@dataclass(frozen=True, slots=True)
class Act:
    """One act on the request, in the order in which they came.

    Attributes:
        id: Of the act.
        at: When the coordinator had it.
        what: In words.
        by: Whose it is, and who signed; "the coordinator".
        key: Id of the key that signed; "" of the coordinator's own.
        leaf: Its number in the log; "" where it has none.
    """

    id: str
    at: str
    what: str
    by: str
    key: str
    leaf: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a summary says.

    Attributes:
        request_id: Of the request.
        drill: Whether it is one: then every page says so.
        title: What it is called.
        tlp: Its mark, "TLP:AMBER+STRICT"; "" without one.
        state: How it stands.
        made_at: When it was read, and to that moment it speaks.
        made_for: The handle of whoever asked for it.
        sees_all: Whether that is the requester; else it sees its own side alone.
        coordinator: Where that is reached.
        content_sha256: Of the request document, 64 hex digits.
        log_origin: The name of the log.
        log_size: How many entries it had.
        log_root: The root of its tree then, 64 hex digits; "" where none was signed.
        in_short: The case in a few sentences.
        asked: What was asked.
        words: How the requester put it.
        decisions: What its leads decided.
        papers: On what it rests.
        told: Who was told when.
        attempts: To deliver the notice to the reader; empty for a requester.
        answers: Who answered what.
        sums: By asset.
        open_points: What is still to come, each a sentence.
        addresses: The first of them.
        address_count: How many there are.
        acts: The first of them.
        act_count: How many there are.
    """

    request_id: str
    drill: bool
    title: str
    tlp: str
    state: str
    made_at: datetime
    made_for: str
    sees_all: bool
    coordinator: str
    content_sha256: str
    log_origin: str
    log_size: int
    log_root: str
    in_short: tuple[Statement, ...]
    asked: tuple[Fact, ...]
    words: str
    decisions: tuple[Decision, ...]
    papers: tuple[Paper, ...]
    told: tuple[Told, ...]
    attempts: tuple[Attempt, ...]
    answers: tuple[Answer, ...]
    sums: tuple[AssetSum, ...]
    open_points: tuple[Statement, ...]
    addresses: tuple[Address, ...]
    address_count: int
    acts: tuple[Act, ...]
    act_count: int
