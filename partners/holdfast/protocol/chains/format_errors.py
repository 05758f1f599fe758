"""Refusals of what should be an account, an asset, a transaction, an amount or a table of chains.

They carry a stable code and a message that says what to change; the caller adds the place (a JSON
pointer, a line number). Messages never repeat the refused text, so they may be stored and logged.
"""


class FormatError(ValueError):
    """Base: `code` for programs, `message` for people.

    Args:
        code: Stable word, e.g. "bad_checksum".
        message: What is wrong and what to change; never holds the text itself.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class AccountError(FormatError):
    """The text is no account on the chain it names.

    Codes: `not_caip10`, `unknown_chain`, `wrong_chain`, `bad_checksum`, `bad_address`, `bad_tag`,
    `testnet`, `unsupported`.
    """


class AssetError(FormatError):
    """The text is no asset of a known chain.

    Codes: `not_caip19`, `unknown_chain`, `wrong_chain`, `unknown_namespace`, `wrong_native`,
    `bad_reference`.
    """


class TransactionError(FormatError):
    """The text is no transaction of the chain it is said to be on, or of none at all.

    Code: `bad_transaction`.
    """

    def __init__(self, message: str) -> None:
        super().__init__("bad_transaction", message)


class AmountError(FormatError):
    """The text is no whole number of base units.

    Codes: `bad_amount`, `amount_too_large`, `zero_amount`.
    """


class ChainsError(FormatError):
    """The table of chains itself is wrong; found when it is loaded, never later.

    Codes: `bad_toml`, `bad_table`.
    """
