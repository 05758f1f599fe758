"""Screening: is a deposit's address, or its sender, one that we were asked about?

    screening = Screening.open(client, folder)
    screening.sync()
    screened = screening.check(Deposit(sender="eip155:1:0x…", amount=5, customer="c-17"))
    if screened.verdict is not Verdict.CLEAN:
        ...  # this one deposit waits for a person, 24 hours at most

Whatever it says freezes nothing. A set that is too old, or that does not match the head that the
coordinator signed, is never "clean".
"""

from holdfast.screening.feed import FlagsRefusedError
from holdfast.screening.screen import Deposit, Hit, Screened, Screening, ScreeningStatus, Verdict

__all__ = [
    "Deposit",
    "FlagsRefusedError",
    "Hit",
    "Screened",
    "Screening",
    "ScreeningStatus",
    "Verdict",
]
