"""The operator sees what members declared, verifies it, and ends it."""

import pytest
from click.testing import CliRunner, Result

from coordinator.cli import main
from tests.factories import Exchange
from tests.operations.test_membership import exchange

__all__ = ["exchange"]


def _run(*words: str) -> Result:
    return CliRunner().invoke(main, ("gateway", *words))


@pytest.mark.usefixtures("exchange")
def test_nobody_has_declared_any_and_the_switch_is_told() -> None:
    shown = _run("list")
    assert shown.exit_code == 0, shown.output
    assert "amounts_need_one is false" in shown.stdout
    assert "nobody has declared any" in shown.stdout
    assert _run("list", "--json").stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "{}", "us_314b", "--until", "2099-01-01T00:00:00Z"), "no such gateway"),
        (("verify", "{}", "us_314b", "--until", "soon"), "--until 'soon'"),
        (("verify", "{}", "us_314b", "--until", "2020-01-01T00:00:00Z"), "is over already"),
        (("end", "{}", "us_314b"), "no such gateway"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    exchange: Exchange, words: tuple[str, ...], said: str
) -> None:
    refused = _run(*(word.format(exchange.handle) for word in words))
    assert refused.exit_code == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.output
