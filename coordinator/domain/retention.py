"""How long sealed texts are kept, by kind, in months of the calendar."""

from calendar import monthrange
from datetime import datetime

_MONTHS_OF_YEAR = 12


def months_before(moment: datetime, months: int) -> datetime:
    """Return the moment so many months ago; of a shorter month the last day stands for the rest."""
    return _moved(moment, -months)


def months_after(moment: datetime, months: int) -> datetime:
    """Return the moment so many months later, in the same way."""
    return _moved(moment, months)


def _moved(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * _MONTHS_OF_YEAR + moment.month - 1 + months, _MONTHS_OF_YEAR)
    last = monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))
