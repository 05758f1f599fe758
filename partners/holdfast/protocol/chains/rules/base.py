"""What every address rule does."""

from dataclasses import dataclass
from typing import Protocol, Self

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.toml_table import TomlTable


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """One address, understood.

    Attributes:
        canonical: The one spelling that is compared, e.g. lower case for EVM.
        shown: The spelling for people, e.g. EIP-55.
        tag: The tag that the address itself carries (X-address, integrated address).
        no_checksum: Nothing in this spelling would have shown a typing error, where another
            spelling of the same address would have.
        common: Texts of this form mean other things, too (another chain's address, a hash, a
            word): no reason to suggest this chain to somebody who named another one.
    """

    canonical: str
    shown: str
    tag: str | None = None
    no_checksum: bool = False
    common: bool = False


class AddressRule(Protocol):
    """How a family of chains writes its addresses. Rules are values: equal rules read alike."""

    @property
    def tag_identifies(self) -> bool:
        """Whether an account without a tag is probably a whole exchange's."""

    def parse(self, text: str) -> ParsedAddress:
        """Return the address.

        Raises:
            AccountError: If it is none, saying what to change.
        """

    def comparable(self, text: str) -> tuple[str, str | None]:
        """Return a text that is equal for two spellings of one target, and the tag they carry.

        Quick and without a library: no checksum is verified (`decoding`). The text is for comparing
        only and need not be an address.

        Raises:
            ValueError, IndexError, OverflowError: Where the text is no address at all.
        """

    def parse_tag(self, tag: str, address: ParsedAddress) -> str:
        """Return the one spelling of a tag given beside the address.

        Raises:
            AccountError: `bad_tag` if the chain has no tags, or not such.
        """


class Untagged:
    """The part of a rule that says: no tags here."""

    __slots__ = ()

    @property
    def tag_identifies(self) -> bool:
        """Return False: the address alone is the target."""
        return False

    def parse_tag(self, _tag: str, _address: ParsedAddress) -> str:
        """Refuse any tag.

        Raises:
            AccountError: Always.
        """
        raise AccountError("bad_tag", "this chain has no tags: leave the tag out")


class Parameterless:
    """The part of a rule that reads every chain alike: a chain's table has nothing to say to it."""

    __slots__ = ()

    @classmethod
    def from_table(cls, _table: TomlTable) -> Self:
        """Build the rule."""
        return cls()


class ComparedAsParsed(Protocol):
    """The part of a rule that reads an address without a library, and so compares as it parses."""

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the address.

        Args:
            text: As the sender wrote it.
            verify: Whether the checksum is to be verified; without, the form is read only.

        Raises:
            AccountError: If it is none, saying what to change.
        """

    def comparable(self, text: str) -> tuple[str, str | None]:
        """Return the canonical spelling and the tag that the text carries; verifies no checksum.

        Raises:
            AccountError: Where the text is no address at all.
        """
        parsed = self.parse(text, verify=False)
        return parsed.canonical, parsed.tag
