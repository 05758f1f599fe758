"""The list of slips made by hand stays true to the code, and trying one leaves nothing behind."""

from pathlib import Path

import pytest

from tests import mutations
from tests.architecture.tree import ROOT
from tests.mutations import MUTATIONS, Mutation, is_caught, read_once

_SLIP = Mutation("rule.py", "> 0", ">= 0", ("tests/test_rule.py",))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: f"{m.file}-{m.text.strip()[:30]}")
def test_every_slip_can_still_be_made_and_has_tests(mutation: Mutation) -> None:
    read_once(ROOT, mutation)
    assert mutation.instead != mutation.text
    assert [test for test in mutation.tests if not (ROOT / test).exists()] == []


@pytest.mark.parametrize("content", ["is_good = n < 0", "is_good = a > 0 and b > 0", None])
def test_a_slip_that_cannot_be_made_is_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "rule.py").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="and not once"):
        is_caught(tmp_path, _SLIP)


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_slip_is_caught_only_if_tests_fail_and_is_taken_back_in_any_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    path = tmp_path / "rule.py"
    path.write_text("is_good = n > 0", encoding="utf-8")
    seen = []

    def run(project: Path, tests: tuple[str, ...]) -> int:
        seen.append((project, tests, path.read_text(encoding="utf-8")))
        return status

    monkeypatch.setattr(mutations, "_run", run)
    if status == 2:  # nothing could be run
        with pytest.raises(ValueError, match="pytest ended with 2"):
            is_caught(tmp_path, _SLIP)
    else:
        assert is_caught(tmp_path, _SLIP) is (status == 1)
    assert seen == [(tmp_path, _SLIP.tests, "is_good = n >= 0")]
    assert path.read_text(encoding="utf-8") == "is_good = n > 0"
