"""What members of bodies and answers mean, where their models do not say it: `members.toml`."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

#: What most members of a name mean.
EVERY = "every"


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Return the descriptions: by model, or `EVERY`, and by member."""
    with Path(__file__).with_name("members.toml").open("rb") as file:
        return tomllib.load(file)


def describe(model: str, member: str, *, is_always_there: bool) -> str | None:
    """Return what a member of a model means; None where nobody says."""
    text = texts().get(model, {}).get(member) or texts()[EVERY].get(member)
    none = "null" if is_always_there else "absent"
    return text and text.replace("{none}", none).replace("{None}", none.capitalize())
