"""What a chat, a table or a list says of flagged addresses, line by line, for a draft.

A chain is stated (by an id or a name beside the address, a heading above it, an explorer's link, or
the address's own checked form) or asked; it is never guessed, and every find says by what it was
stated. What looks like an address and is none is a fault of its line.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from holdfast.drafting.chat_lines import LONGEST_LINE, Line, clean_lines, table_blocks
from holdfast.drafting.draft_addresses import COLUMNS, Targets, members_of
from holdfast.drafting.tables import Table, read_table
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import (
    CAIP2,
    MAX_ADDRESS_CHARACTERS,
    Chain,
    Chains,
    fold_name,
    no_testnet,
    suggest,
)
from holdfast.protocol.chains.format_errors import AccountError, FormatError
from holdfast.protocol.chains.rules import AddressRule
from holdfast.protocol.chains.transaction import fits
from holdfast.wording import counted

_LINK = re.compile(
    r"(?<![a-z0-9.-])(?:https?://)?((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24})(/[^\s<>\"'|)\]]+)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\s,;|\"'`<>(){}\[\]=]+")
_CUT = re.compile("(?<![0-9A-Za-z])[0-9A-Za-z]+(?:\u2026|\\.{2,})[0-9A-Za-z]{3,}")
_AMOUNT = re.compile(
    r"(?<![\w.,:@-])(?P<number>[0-9][0-9_,]*(?:\.[0-9]+)?)\s?(?P<scale>[kKmM]\s)?\s?"
    r"(?P<symbol>[A-Za-z$\u20ae][A-Za-z0-9.$\u20ae]{0,15})(?P<place>@[\w:-]+)?"
)
#: What may have been meant as an amount.
_NEARLY_AMOUNT = re.compile(r"[0-9]\s?[kKmM]?\s?([A-Z][A-Za-z0-9.]{1,15})\b")
_TAG = re.compile(r"\b(?:tag|memo|dt|payment id)\b\W{0,3}([0-9A-Za-z]{1,64})", re.IGNORECASE)
_SAYS_TX = re.compile(r"\b(?:tx|txid|txn|hash|transaction)\b|/tx/|/transactions?/", re.IGNORECASE)
_ON = re.compile(r"\b(?:on|via)\s+(?:the\s+)?([A-Za-z][A-Za-z0-9 .-]{1,30})", re.IGNORECASE)
_BETWEEN = re.compile(r"[\0,;|:\t(){}\[\]=\u2013\u2014\u2192*#]|\s-+>?\s")
_FILLERS = re.compile(
    r"^(?:on|the|at|via)\s+|(?<!\s)\s+(?:on|addr|address|addresses|wallets?|chain|network)$",
    re.IGNORECASE,
)
#: A transaction whose chain its form does not tell.
_ANY_TX = re.compile(r"(?:0[xX])?[0-9a-fA-F]{64}|[1-9A-HJ-NP-Za-km-z]{86,88}", re.ASCII)
_LIKE_HEX = re.compile(r"0[xX][0-9a-fA-F]{6,250}", re.ASCII)
_LIKE_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]{26,130}", re.ASCII)
#: As bech32, CashAddr and base32 write addresses, in one case alone; 32 hex digits are no chain's.
_LIKE_ONE_CASE = re.compile(r"(?![0-9a-fA-F]{32}$)(?:[0-9a-z]{25,130}|[0-9A-Z]{25,130})", re.ASCII)
#: Accounts that are short or words: read only where their chain is stated on the line.
_NAMED_ACCOUNT = re.compile(
    r"[0-9]+\.[0-9]+\.[0-9]+(?:-[a-z]{5})?|[a-z0-9_.-]{2,60}\.near", re.ASCII
)
_FEWEST_CHARACTERS = 25
#: The chain by whose rule hex is explained that fits none: every table has it.
_ETHEREUM = "eip155:1"
_MOST_WORDS = 4
#: Lines between two calls of `progress`.
_STEP = 250
_LONGEST_LABEL = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One address that a text names.

    Attributes:
        line: Where it stands, from 1.
        address: As written, without its chain.
        chain: The chain's CAIP-2 id; None: to be asked.
        how: By what the chain was stated, in words.
        candidates: The chains on which it is an address, where the chain is to be asked.
        stated: What else its line says of it: tag, asset, amount, tx and others, as written.
    """

    line: int
    address: str
    chain: str | None
    how: str
    candidates: tuple[str, ...] = ()
    stated: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundAddress:
    """One address for the draft: its members as they are signed, where it stands, and by what."""

    members: Mapping[str, Any]
    lines: tuple[int, ...]
    how: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What a text says; `addresses` are ready where `questions` and `faults` are empty.

    Attributes:
        addresses: Doubles merged, in the order of the text.
        questions: Addresses whose chain nobody stated, each with the chains where it is one.
        faults: What cannot be right, by line.
        notes: What was read and is not in the draft, or was mended, by line.
    """

    addresses: Sequence[FoundAddress]
    questions: Sequence[Mention]
    faults: Sequence[tuple[int, str]]
    notes: Sequence[tuple[int, str]]
    _reader: "_Reader"

    def answered(self, answers: Mapping[tuple[str, ...], str]) -> "Findings":
        """Return the findings with chains stated for questions, by the candidates of a question."""
        reader = self._reader
        reader.mentions = [
            replace(each, chain=answers[each.candidates], how="your answer")
            if each.chain is None and each.candidates in answers
            else each
            for each in reader.mentions
        ]
        return reader.findings()


def read_chat(
    text: str,
    chains: Chains,
    *,
    unnamed: Iterable[str] = (),
    progress: Callable[[str, int], None] = lambda *_: None,
) -> Findings:
    """Return the addresses, transactions and amounts that any text names.

    Args:
        text: A chat with links, a markdown table, CSV, or one address a line.
        chains: The coordinator's table.
        unnamed: Chains (CAIP-2) of addresses beside which none is stated, where they fit.
        progress: Told now and then what is done with the lines, and how many of them are done.
    """
    reader = _Reader(KnownAssets(chains), tuple(unnamed), progress)
    lines = clean_lines(text, lambda joined: _is_checked_address(chains, joined))
    for table in table_blocks(lines, COLUMNS):
        reader.read_rows(table)
    heading: Chain | None = None
    for line in lines:
        reader.tell("reading", line.number)
        if line.note:
            reader.notes.append((line.number, line.note))
        if line.is_taken:
            continue
        if len(line.text) > LONGEST_LINE:
            detail = f"is longer than {LONGEST_LINE:,} characters: break it into lines"
            reader.faults.append((line.number, detail))
        elif not line.text.strip():
            heading = None
        else:
            heading = reader.read_line(line, heading)
    return reader.findings()


def read_workbook(raw: bytes, chains: Chains) -> Findings:
    """Return the same of a list in .xlsx.

    Raises:
        InvalidDraftError: It cannot be read.
        MissingLibraryError: The kit is without its extra `xlsx`.
    """
    reader = _Reader(KnownAssets(chains), ())
    reader.read_rows(read_table(".xlsx", raw, COLUMNS))
    return reader.findings()


def _is_checked_address(chains: Chains, text: str) -> bool:
    fitting = suggest(chains, text)
    return bool(fitting) and _is_checked(chains.by_id[fitting[0]].rule, text)


def _is_checked(rule: AddressRule, text: str) -> bool:
    """Tell whether a typing error in an address would have shown: none of three slips passes."""
    place = len(text) // 2
    for slip in {"2", "7", "a"} - {text[place]}:
        try:
            if not rule.parse(text[:place] + slip + text[place + 1 :]).no_checksum:
                return False
        except AccountError:
            continue
        return False
    return True


@dataclass(slots=True)
class _Reader:
    """Collects what a text says."""

    known: KnownAssets
    unnamed: tuple[str, ...]
    progress: Callable[[str, int], None] = lambda *_: None
    mentions: list[Mention] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)

    @property
    def chains(self) -> Chains:
        return self.known.chains

    def tell(self, step: str, line: int) -> None:
        """Tell now and then how far a step is."""
        if line % _STEP == 0:
            self.progress(step, line)

    def read_rows(self, table: Table) -> None:
        """Read the rows of a table with known columns."""
        for row in table.rows:
            self.tell("reading", row.line)
            address = row.values.get("address") or row.values.get("account", "")
            self.faults += [(row.line, _about(address, "", fault)) for fault in row.faults]
            members, faults = members_of(row, self.chains, table.columns)
            self.faults += [(row.line, _about(address, *fault)) for fault in faults.items()]
            account = members.pop("account", None)
            if faults or account is None:
                continue
            chain, address = _split(account)
            self.mentions.append(
                Mention(line=row.line, address=address, chain=chain, how="its row", stated=members)
            )

    def read_line(self, line: Line, heading: Chain | None) -> Chain | None:
        """Read one line of prose; return the chain that it, or the heading above, is about."""
        reading = _LineReading(self, line.number, line.text)
        found = reading.mentions(heading)
        self.mentions += found
        if not found and not reading.transactions and len(reading.labels) == 1:
            return reading.labels[0]
        return heading

    def findings(self) -> Findings:
        """Return what was collected: doubles merged, and everything in the order of the text."""
        self_faults, notes = list(self.faults), list(self.notes)
        merged: dict[tuple[str, str | None], FoundAddress] = {}
        for mention in sorted(self.mentions, key=lambda each: each.line):
            self.tell("checking", mention.line)
            if mention.chain is not None:
                self._merge(mention, merged, self_faults, notes)
        return Findings(
            addresses=_without_bare(merged, notes),
            questions=[each for each in self.mentions if each.chain is None],
            faults=sorted(set(self_faults)),
            notes=sorted(notes),
            _reader=self,
        )

    def _merge(
        self,
        mention: Mention,
        merged: dict[tuple[str, str | None], FoundAddress],
        faults: list[tuple[int, str]],
        notes: list[tuple[int, str]],
    ) -> None:
        members = {"account": f"{mention.chain}:{mention.address}", **mention.stated}
        wrong = Targets(self.known).check(members, "")
        if wrong:
            written = mention.address or str(mention.chain).rstrip(":")  # no account at all
            faults += [(mention.line, _about(written, *fault)) for fault in wrong.items()]
            return
        account = parse_account(self.chains, members["account"], members.get("tag"))
        # As it was written: in another spelling the warning of a missing checksum would not come.
        key = (account.key, members.get("asset"))
        before = merged.get(key)
        if before is None:
            merged[key] = FoundAddress(members, (mention.line,), mention.how)
            return
        if members.get("amount") and before.members.get("amount") not in {None, members["amount"]}:
            detail = f"states another amount than line {before.lines[0]} for the same account"
            faults.append((mention.line, detail))
        if members.get("tx") and before.members.get("tx") not in {None, members["tx"]}:
            notes.append((mention.line, f"another transaction, not in the draft: {members['tx']}"))
        merged[key] = FoundAddress(
            {**members, **before.members}, (*before.lines, mention.line), before.how
        )


def _without_bare(
    merged: Mapping[tuple[str, str | None], FoundAddress], notes: list[tuple[int, str]]
) -> list[FoundAddress]:
    """Return the addresses but those that stand elsewhere with their asset."""
    with_asset = {key: found.lines[0] for (key, asset), found in merged.items() if asset}
    kept = []
    for (key, asset), found in merged.items():
        if asset is None and key in with_asset:
            detail = (
                f"the same account as line {with_asset[key]}, taken with the asset stated there"
            )
            notes.append((found.lines[0], detail))
        else:
            kept.append(found)
    return kept


def _about(address: str, member: str, fault: str) -> str:
    """Return what is wrong with a member of an address, beginning with the address as it stands."""
    named = "" if member in {"account", "address"} and address else member
    return ": ".join(filter(None, (address, named, fault)))


def _split(account: str) -> tuple[str, str]:
    namespace, _, rest = account.partition(":")
    reference, _, address = rest.partition(":")
    return f"{namespace}:{reference}", address


class _LineReading:
    """One line of prose: its links, words, amounts and labels."""

    def __init__(self, reader: _Reader, number: int, text: str) -> None:
        self._reader = reader
        self._chains = reader.chains
        self._number = number
        self._says_tx = bool(_SAYS_TX.search(text))
        self.transactions: list[str] = []
        self._words: list[tuple[str, Chain | None, str]] = []
        rest = self._cut_copies(text)
        rest = _LINK.sub(self._link, rest)
        self._tag = _TAG.search(rest)
        self._amounts = list(self._found_amounts(rest))
        self._nearly = _NEARLY_AMOUNT.findall(rest)
        rest = self._take_words(rest)
        self.labels = self._labels(rest)

    def _fault(self, detail: str) -> None:
        self._reader.faults.append((self._number, detail))

    def _note(self, detail: str) -> None:
        self._reader.notes.append((self._number, detail))

    def _cut_copies(self, text: str) -> str:
        if "\u2026" not in text and ".." not in text:
            return text

        def note(found: re.Match[str]) -> str:
            if not any(character.isdigit() for character in found[0]):
                return found[0]  # words: "wait...what"
            self._fault(f"{found[0]} is cut in the middle: copy it whole")
            return "\0"

        return _CUT.sub(note, text)

    def _link(self, found: re.Match[str]) -> str:
        """Take the address or transaction out of a link."""
        host = found[1].lower().removeprefix("www.")
        parts = [part for part in re.split(r"[/?&#=]", found[2]) if part]
        named = [self._chain_named(part) for part in parts]
        chain = self._chains.by_explorer.get(host) or next(filter(None, named), None)
        how = f"the link to {host}"
        for part in parts:
            if _is_candidate(part) or _ANY_TX.fullmatch(part):
                self._words.append((part.rstrip(".:!?"), chain, how))
        return "\0"

    def _found_amounts(self, text: str) -> Iterator[str]:
        for found in _AMOUNT.finditer(text):
            symbol = found["symbol"].rstrip(".")
            if symbol.islower() or not self._reader.known.of_symbol(symbol):
                continue  # a word: "12 one of them"
            if found["scale"]:
                self._fault(f"{found[0].strip()!r}: write all digits, without k or M")
                continue
            yield f"{found['number'].rstrip(',')} {symbol}{found['place'] or ''}"

    def _take_words(self, text: str) -> str:
        """Note the words that may be addresses or transactions; return the text without them."""

        def take(found: re.Match[str]) -> str:
            word = found[0].strip(".!?*_").rstrip(":")
            chain, how, address = None, "", word
            prefix, colon, behind = word.rpartition(":")
            if colon and _is_candidate(behind):
                chain = self._chains.get(prefix) or self._chain_named(prefix)
                how, address = f"{prefix}: before it", behind if chain else word
            if self._chains.get(word) is not None or not _may_be_one(address):
                return found[0]
            self._words.append((address.partition("?value")[0], chain, how))
            return "\0"

        return _WORD.sub(take, text)

    def _chain_named(self, text: str) -> Chain | None:
        named = self._chains.by_name.get(fold_name(text), ())
        return named[0] if len(named) == 1 else None

    def _labels(self, text: str) -> list[Chain]:
        """Return the chains that the line names where a name stands by itself."""
        found: dict[str, Chain] = {}
        ids = [word for word in _WORD.findall(text) if CAIP2.fullmatch(word.strip("."))]
        for caip2 in ids:
            chain = self._chains.get(caip2.strip("."))
            if chain:
                found[chain.caip2] = chain
        for part in _BETWEEN.split(_AMOUNT.sub("\0", text)):
            self._add_bare_label(part.strip(" .!?*_-"), found)
        for mentioned in _ON.finditer(text):
            words = mentioned[1].split()
            for count in range(min(_MOST_WORDS, len(words)), 0, -1):
                if self._add_label(" ".join(words[:count]), found):
                    break
        return list(found.values())

    def _add_bare_label(self, words: str, found: dict[str, Chain]) -> None:
        """Add the chain that words name, with or without what people put around a name."""
        if len(words) > _LONGEST_LABEL:
            return  # prose: to look for a name in each part of it takes its time
        while not self._add_label(words, found):
            shorter = _FILLERS.sub("", words)
            if shorter == words:
                return
            words = shorter

    def _add_label(self, words: str, found: dict[str, Chain]) -> bool:
        chain = self._chain_named(words) if words else None
        if chain is not None:
            found[chain.caip2] = chain
        elif words and fold_name(words) in self._chains.testnets:
            self._fault(no_testnet(*self._chains.testnets[fold_name(words)]).message)
        return chain is not None

    def mentions(self, heading: Chain | None) -> list[Mention]:
        """Return the addresses of the line, with what it says of them."""
        found: dict[tuple[str | None, str], Mention] = {}
        for word, chain, how in self._words:
            mention = self._mention(word, chain, how, heading)
            if mention is not None:
                found.setdefault((mention.chain, mention.address), mention)
        stated = self._stated(len(found))
        return [replace(each, stated=stated) for each in found.values()]

    def _mention(
        self, word: str, chain: Chain | None, how: str, heading: Chain | None
    ) -> Mention | None:
        stated = [chain] if chain else self.labels or ([heading] if heading else [])
        fitting = [each for each in stated if self._parses(each, word)]
        if len(fitting) == 1 and not (self._says_tx and fits(fitting[0], word)):
            if chain is None:
                how = f"{fitting[0].name} {'beside' if self.labels else 'above'} it"
            return self._named(word, fitting[0].caip2, how)
        if len(fitting) > 1:
            return self._asked(word, tuple(each.caip2 for each in fitting))
        if any(fits(each, word) for each in stated) or _ANY_TX.fullmatch(word):
            self.transactions.append(word)
            return None
        if stated:
            self._refuse(word, stated[0])
            return None
        return self._unstated(word)

    def _unstated(self, word: str) -> Mention | None:
        candidates = tuple(suggest(self._chains, word))
        given = [each for each in self._reader.unnamed if each in candidates]
        if len(given) == 1:
            return self._named(word, given[0], "--chain")
        if len(candidates) == 1 and _is_checked(self._chains.by_id[candidates[0]].rule, word):
            return self._named(word, candidates[0], "its form, which no other known chain has")
        if candidates:
            return self._asked(word, candidates)
        if _LIKE_HEX.fullmatch(word):
            self._refuse(word, self._chains.by_id[_ETHEREUM])
        elif _is_coded(word) or (_LIKE_BASE58.fullmatch(word) and _is_mixed(word)):
            self._fault(
                f"{word} looks like an address, and is none of a known chain: copy it again"
            )
        return None

    def _refuse(self, word: str, chain: Chain) -> None:
        looks_like_one = _LIKE_HEX.fullmatch(word) or _is_mixed(word) or _is_coded(word)
        if not (looks_like_one or suggest(self._chains, word)):
            return
        try:
            parse_account(self._chains, f"{chain.caip2}:{word}")
        except FormatError as error:
            self._fault(f"{word}: {error.message}")

    def _parses(self, chain: Chain, word: str) -> bool:
        try:
            parse_account(self._chains, f"{chain.caip2}:{word}")
        except FormatError:
            return False
        return True

    def _named(self, word: str, caip2: str, how: str) -> Mention:
        return Mention(line=self._number, address=word, chain=caip2, how=how)

    def _asked(self, word: str, candidates: tuple[str, ...]) -> Mention:
        return Mention(line=self._number, address=word, chain=None, how="", candidates=candidates)

    def _stated(self, accounts: int) -> dict[str, Any]:
        """Return what the line says of its one address, or of each of them."""
        stated: dict[str, Any] = {}
        if accounts == 0:
            for text in (*self.transactions, *self._amounts):
                self._note(f"{text} stands without an address: not in the draft")
            return stated
        if self.transactions:
            stated["tx"], *others = dict.fromkeys(self.transactions)
            for text in others:
                self._note(f"another transaction, not in the draft: {text}")
        self._state_amount(stated, accounts)
        if self._tag and accounts == 1:
            stated["tag"] = self._tag[1]
        return stated

    def _state_amount(self, stated: dict[str, Any], accounts: int) -> None:
        if len(self._amounts) == 1 and accounts == 1:
            stated["amount"] = self._amounts[0]
        elif self._amounts:
            self._fault(
                f"holds {counted(accounts, 'address')} and "
                f"{counted(len(self._amounts), 'amount')}: put each address "
                "with its amount on a line of its own"
            )
        elif any(map(self._reader.known.of_symbol, self._nearly)):
            self._note("something here may be an amount, and was not read: write e.g. 1.5 ETH")


def _is_mixed(word: str) -> bool:
    return (
        len(word) >= _FEWEST_CHARACTERS
        and any(character.isdigit() for character in word)
        and any(character.isupper() for character in word)
        and any(character.islower() for character in word)
    )


def _is_coded(word: str) -> bool:
    """Tell whether a word has the look of an address that is written in one case."""
    return (
        _LIKE_ONE_CASE.fullmatch(word) is not None
        and any(character.isdigit() for character in word)
        and any(character.isalpha() for character in word)
    )


def _is_candidate(word: str) -> bool:
    if _LIKE_HEX.fullmatch(word):
        return True
    is_long = _FEWEST_CHARACTERS <= len(word) <= MAX_ADDRESS_CHARACTERS
    return is_long and any(character.isdigit() for character in word)


def _may_be_one(word: str) -> bool:
    return _is_candidate(word) or _NAMED_ACCOUNT.fullmatch(word) is not None
